"""Views without a browser: their life, their thread, what they say."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import ipywidgets
import numpy as np
import plotly.graph_objects as go
import pytest
from ipywidgets.widgets.widget import _instances as widgets

from vocx import course, views
from vocx.errors import BadInput, BookOutOfSync, NotReady
from vocx.facts import BookSnapshot, Facts, Quote, Trade
from vocx.timing import wall_ns
from vocx.views import formatting, plotly_bundle, view
from vocx.views.twin import LastText, page
from vocx.views.writer import writer

if TYPE_CHECKING:
    from vocx.exchange import Exchange


class Tape:
    """What views ask of a stream, with answers that a test sets."""

    def __init__(self, *channels: str) -> None:
        self.name, self.state, self.why, self.age_ms, self.lab = "tape", "live", "", 4.0, None
        self.channels = [SimpleNamespace(channel=one, symbol="BTC/USDT") for one in channels]
        self.quotes: list[Quote] = []
        self.hits: list[Trade] = []
        self.levels: BookSnapshot | Exception = NotReady("no book yet")

    def quote(self, symbol: str) -> Any:
        if not self.quotes:
            raise NotReady("no quotes have arrived yet")
        last = self.quotes[-1]
        return SimpleNamespace(
            bid=last.bid, ask=last.ask, in_sync=True, age_ms=4.0, mid=last.mid,
            arrived_ns=last.arrived_ns, bid_quantity=1, ask_quantity=1,
        )  # fmt: skip

    def trade(self, symbol: str) -> Any:
        return SimpleNamespace(age_ms=2.0)

    def recent_quotes(self, symbol: str, seconds: float) -> list[Quote]:
        since = wall_ns() - seconds * 1e9
        return [one for one in self.quotes if one.arrived_ns >= since]

    def trades(self, symbol: str, n: int) -> Facts[Trade]:
        return Facts(self.hits[-n:])

    def book(self, symbol: str, depth: int) -> BookSnapshot:
        if isinstance(self.levels, Exception):
            raise self.levels
        return self.levels

    def stop(self) -> None:
        self.state, self.why = "stopped", ""


def quote(price: str, at_ns: int | None = None) -> Quote:
    bid = Decimal(price)
    return Quote(symbol="BTC/USDT", bid=bid, ask=bid + 1, bid_quantity=bid, ask_quantity=bid,
                 arrived_ns=at_ns or wall_ns())  # fmt: skip


def until(true: Callable[[], object], deadline_s: float = 5.0) -> None:
    end = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end, "the state was not reached"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    views.stop_all()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("vocx ")]


@pytest.fixture
def tape() -> Tape:
    made = Tape("quotes", "trades", "book")
    made.quotes.append(quote("100"))
    return made


def press(shown: views.View, action: str) -> None:
    """As the browser reports a button."""
    shown._on_message(None, {"do": action}, [])


def test_the_installed_plotly_can_be_shared() -> None:
    """Its bundle's default export is a factory."""
    assert plotly_bundle._packed()


@pytest.mark.parametrize("bundle", [
    "var a={render(){}};export{a as default};",
    "var a=()=>{};export{a as Figure};",
    "export default {render(){}}",
])  # fmt: skip
def test_another_shape_of_bundle_is_not_shared(bundle: str) -> None:
    """One object for all figures would draw them over each other."""
    assert not plotly_bundle.usable(bundle)


def test_without_a_factory_figures_are_stock_and_one_warning_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new plotly makes pages slow, not broken."""
    monkeypatch.setattr(plotly_bundle, "usable", lambda bundle: False)
    plotly_bundle._packed.cache_clear()
    with pytest.warns(RuntimeWarning, match="5 MB") as told:
        made = [plotly_bundle.live_figure(go.Figure()) for _ in range(2)]
    plotly_bundle._packed.cache_clear()
    assert len(told) == 1
    assert not any(isinstance(one, plotly_bundle.SharedFigure) for one in made)


def test_a_further_figure_is_small(tape: Tape) -> None:
    """At most 30 KB travel for a figure once the page has its plotly.js."""
    shown = views.price(tape)
    state = {**shown.figure.get_state(), **shown.panel.get_state()}
    assert len(repr(state)) < 30_000


def test_a_view_draws_what_the_stream_knows(tape: Tape) -> None:
    """Quotes that share one arrival stamp are all taken: the last of them is true."""
    shown = views.price(tape)
    same = wall_ns()
    tape.quotes += [quote("101", same), quote("102", same), quote("103", same)]
    until(lambda: shown.figure.data[0].y is not None and shown.figure.data[0].y[-1] == 103.0)
    assert shown.figure.data[0].x[-1] == 0.0


def test_a_first_picture_has_the_axes_of_its_data(tape: Tape) -> None:
    """A page first paints what the figure is made with: what is known already, or axes without
    numbers, which they get together with the first data."""
    known = views.price(tape).figure.get_state()
    assert known["_widget_data"][0]["y"]["shape"] == (2,)  # the quote, held until now
    shown = views.book(tape)
    axes = [shown.figure.layout[name] for name in ("xaxis", "yaxis")]
    assert [one.showticklabels for one in axes] == [False, False]
    levels = tuple((Decimal(price), Decimal(1)) for price in (10, 9))
    tape.levels = BookSnapshot(symbol="BTC/USDT", bids=levels, asks=levels)
    until(lambda: [one.showticklabels for one in axes] == [True, True])
    assert shown.figure._widget_layout["yaxis"]["showticklabels"]  # also for a page loaded later
    assert shown.figure.data[1].y.tolist() == [1.0, 2.0]


def test_every_message_is_whole(tape: Tape) -> None:
    """Where the price stands still, too: a page that missed the message before would draw x
    without y, from 0 on. A trace without points is sent as a point that is nowhere, so that its
    name stays in the legend."""
    shown = views.price(tape)
    sent: list[Any] = []
    shown.figure.observe(lambda change: sent.append(change["new"]), names="_py2js_update")
    until(lambda: len(sent) > 4)
    messages = [one["style_data"] for one in sent if one]
    assert all(len(one["x"]) == len(one["y"]) == 4 for one in messages)
    assert all(len(column) for one in messages for column in (*one["x"], *one["y"]))


def test_what_is_sent_is_contiguous(exchange: Exchange) -> None:
    """Comm buffers refuse strided memory, and only a real kernel says so."""
    stream = exchange.stream("trades", "quotes", "book", symbols="BTC/USDT").wait(5)
    made = [views.price(stream), views.book(stream)]
    until(lambda: all(one.stats.refreshes > 2 for one in made))
    sent = [a for one in made for trace in one.figure.data for a in (trace.x, trace.y)]
    stream.stop()
    assert all(np.asarray(a).flags["C_CONTIGUOUS"] for a in sent)


def test_the_writer_serves_all_views_and_counts_its_time(exchange: Exchange) -> None:
    """Each view is drawn in turn, and says what its drawing cost."""
    stream = exchange.stream("trades", "quotes", "book", symbols="BTC/USDT").wait(5)
    made = [views.price(stream), views.book(stream), views.tape(stream),
            course.compare(asked=exchange, pushed=stream)]  # fmt: skip
    until(lambda: all(one.stats.refreshes >= 20 for one in made), 15)
    stats = [one.stats for one in made]
    stream.stop()
    assert all(0 < one.writer_ms <= one.writer_ms_worst for one in stats)
    assert all(one.per_second > 0 for one in stats)


def test_a_rerun_cell_replaces_its_view(tape: Tape) -> None:
    """Neither widgets nor threads grow."""
    views.price(tape)
    until(lambda: writer.alive)
    before = len(widgets), threading.active_count()
    first = views.opened()[0]
    views.price(tape)
    assert first.mode == "closed"
    until(lambda: (len(widgets), threading.active_count()) == before)
    assert len(views.opened()) == 1


def test_a_view_is_a_widget(tape: Tape) -> None:
    """It goes into boxes, alone and with others; closed, it leaves nothing behind."""
    before = len(widgets)
    shown = [views.price(tape), views.book(tape)]
    box = ipywidgets.HBox(shown)
    assert list(box.children) == shown
    assert views.price(tape) is not shown[0] and shown[0].mode == "closed"
    views.opened()[-1].close()
    shown[1].close()
    shown[1].close()
    for widget in (box.layout, box):
        widget.close()
    assert len(widgets) == before


def test_completion_shows_what_belongs_to_a_view(tape: Tape) -> None:
    """Not the names of a widget."""
    assert dir(views.price(tape)) == [
        "close", "layout", "mode", "name", "pause", "resume", "stats", "stop", "table", "watch",
    ]  # fmt: skip


def test_pause_freezes_and_resume_goes_on(tape: Tape) -> None:
    """The data goes on meanwhile, and the picture catches up."""
    shown = views.price(tape)
    press(shown, "pause")
    until(lambda: shown.mode == "paused")
    tape.quotes.append(quote("150"))
    assert shown.panel.actions[0][0] == "resume"
    press(shown, "resume")
    until(lambda: shown.mode == "live" and 150.0 in shown.figure.data[0].y)


def test_stop_ends_the_stream_and_the_view_says_why(tape: Tape) -> None:
    """The button ends the data; the last picture stays."""
    shown = views.price(tape)
    until(lambda: shown.stats.refreshes)
    press(shown, "stop")
    until(lambda: shown.mode == "stopped")
    assert tape.state == "stopped"
    assert shown.panel.status.startswith("stream stopped by you")
    assert len(shown.figure._widget_data[0]["y"])


def test_a_view_that_ended_says_nothing_of_dials(tape: Tape) -> None:
    """What is in force now is none of its business."""
    tape.lab, tape.ping = SimpleNamespace(network="rtt 200 ms"), lambda: None
    tape.venue = SimpleNamespace(name="polled", poll_intent=lambda spec: spec)
    shown = views.price(tape)
    until(lambda: shown.panel.dials == "dials in force: rtt 200 ms")
    press(shown, "stop")
    until(lambda: shown.mode == "stopped")
    assert shown.panel.dials == ""


def test_a_chart_is_as_old_as_what_it_shows(tape: Tape) -> None:
    """Its stream carries other channels, which may be older."""
    tape.age_ms = 90_000.0
    shown = views.price(tape)
    until(lambda: "live, 4 ms old" in shown.panel.status)
    assert "live, 4 ms old" in shown.table()


def test_ages_in_words() -> None:
    """Milliseconds up to a second, never "1000 ms" and never "10.0 s"."""
    ages = (None, 4.4, 112, 999.6, 1640, 9949, 9960, 61_000)
    assert [formatting.age(one) for one in ages] == [
        "age unknown", "4 ms old", "112 ms old", "1.0 s old", "1.6 s old", "9.9 s old",
        "10 s old", "61 s old",
    ]  # fmt: skip


def test_a_page_without_a_kernel_has_a_text(tape: Tape) -> None:
    """What a venue says is text there too; a view that was taken off leaves none."""
    at = datetime(2026, 11, 30, 9, 5, tzinfo=UTC)
    shown = page([LastText("BTC/USDT <b>", "best bid <1>", at)])
    assert "BTC/USDT &lt;b&gt;</b> as it was at 2026-11-30 09:05:00 UTC" in shown
    assert "<pre>best bid &lt;1&gt;</pre>" in shown
    assert page([]) == ""


def test_a_view_counts_on_once_a_second(tape: Tape) -> None:
    """So that the page hears it; a paused one too, a stopped one no longer."""
    shown = views.price(tape)
    until(lambda: shown.panel.beat >= 1)
    shown.pause()
    until(lambda: shown.mode == "paused")
    before = shown.panel.beat
    until(lambda: shown.panel.beat > before)


def test_a_stream_that_dies_is_named(tape: Tape) -> None:
    """The reason stands in the view, and it takes no more ticks."""
    shown = views.price(tape)
    tape.why, tape.state = "451: not served here", "fatal"
    until(lambda: shown.mode == "stopped")
    assert "stream fatal: 451: not served here" in shown.panel.status


def test_nobody_looks_so_it_pauses_and_a_look_wakes_it(
    tape: Tape, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded when headless; a reader who returns finds it moving."""
    monkeypatch.setattr(view, "UNSEEN_AFTER_S", 0.2)
    shown = views.price(tape)
    until(lambda: shown.mode == "paused")
    press(shown, "look")
    until(lambda: shown.mode == "live")


def test_a_book_out_of_sync_is_never_shown_as_good(tape: Tape) -> None:
    """Ladder and chart greyed, with the reason; both in colour again with the next true book."""
    level = ((Decimal(10), Decimal(1)),)
    tape.levels = BookSnapshot(symbol="BTC/USDT", bids=level, asks=((Decimal(11), Decimal(2)),))
    shown = views.book(tape)
    until(lambda: "<table><thead>" in shown._ladder.body)
    tape.levels = BookOutOfSync("rebuilding after a gap: expected 1004, got 1006")
    until(lambda: "class=stale" in shown._ladder.body)
    until(lambda: "expected 1004" in shown.panel.status)
    assert shown.panel.level == "waiting"
    assert "vocx-stale" in shown._chart._dom_classes
    tape.levels = BookSnapshot(symbol="BTC/USDT", bids=level, asks=())
    until(lambda: "vocx-stale" not in shown._chart._dom_classes)
    assert "class=stale" not in shown._ladder.body


def test_an_error_while_drawing_is_shown_and_heals(tape: Tape) -> None:
    """The writer thread survives every view's mistakes."""
    shown = views.price(tape)
    good, tape.recent_quotes = tape.recent_quotes, None  # type: ignore[method-assign,assignment]
    until(lambda: shown.panel.level == "error")
    assert "TypeError" in shown.panel.status
    tape.recent_quotes = good  # type: ignore[method-assign]
    until(lambda: shown.panel.level == "live")


def test_text_twin(tape: Tape) -> None:
    """The same data without a browser."""
    tape.hits.append(Trade(symbol="BTC/USDT", price=Decimal("99.50"), quantity=Decimal("0.1000"),
                           side="sell", arrived_ns=wall_ns()))  # fmt: skip
    assert "99.5  " in views.tape(tape).table()
    assert "best bid 100" in views.price(tape).table()


def test_a_tape_aligns_its_numbers(tape: Tape) -> None:
    """All quantities with as many places as the longest of them, so that the points align."""
    tape.hits = [
        Trade(symbol="BTC/USDT", id=n, side="buy", price=Decimal(9), quantity=Decimal(size))
        for n, size in enumerate(("0.5", "0.00012", "12"))
    ]
    rows = str(views.tape(tape).table()).splitlines()[1:]
    assert [row.split()[-1] for row in rows] == ["12.00000", "0.00012", "0.50000"]


def test_what_a_venue_says_is_escaped() -> None:
    """Names and numbers become text, never markup."""
    from vocx.views.formatting import html_table

    assert "<b>" not in html_table(["a"], [["<b>x"]])


def test_a_stream_without_the_channel_is_refused() -> None:
    """The text says what to write."""
    with pytest.raises(BadInput, match=r'stream\("book", symbols="ETH/USDT"\)'):
        views.book(Tape("trades"), "ETH/USDT")


def test_a_view_of_the_wrong_thing_is_refused(exchange: Exchange) -> None:
    """A stream for one, an exchange for the other, levels above 0."""
    for wrong in (5, None, exchange):
        with pytest.raises(BadInput, match="this view shows a stream"):
            views.tape(wrong)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"views\.budget\(ex\)"):
        views.budget(5)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="depth is 0"):
        views.book(Tape("book"), depth=0)


def test_candles_go_on_from_their_history(exchange: Exchange) -> None:
    """The stream's word counts more than what was asked for; the open candle is a trace of its
    own, as text it says that it can still change; other candles are refused."""
    stream = exchange.stream("candles", symbols="BTC/USDT", interval="1m").wait(5)
    history = exchange.candles("BTC/USDT", "1m", limit=5)
    shown = views.candles(stream, history=history, n=5)
    until(lambda: (there := shown.figure.data[1].close) is not None and None not in list(there))
    assert len(shown.figure.data[1].x) == 1 and len(shown.figure.data[0].x) == 4
    assert shown.table().endswith("open: can still change")
    with pytest.raises(BadInput, match=r'ex\.candles\("BTC/USDT", "1m"\)'):
        views.candles(stream, history=exchange.candles("BTC/USDT", "5m", limit=5))
    with pytest.raises(BadInput, match="carries candles of 1m, not of '5m'"):
        views.candles(stream, "BTC/USDT", "5m")
    stream.stop()


def test_no_open_candle_is_no_price(exchange: Exchange) -> None:
    """Between two candles none is open: its trace keeps its place in the legend, with null, as
    the page draws a broken path for a NaN."""
    tape = Tape()
    tape.channels = [SimpleNamespace(channel="candles", symbol="BTC/USDT", interval="1m")]
    tape.candles = lambda symbol, interval: []  # type: ignore[attr-defined]
    tape.candle = lambda symbol, interval: SimpleNamespace(age_ms=1.0)  # type: ignore[attr-defined]
    history = exchange.candles("BTC/USDT", "1m", limit=4)
    shown = views.candles(tape, history=history[:-1])
    until(lambda: shown.figure.data[1].close is not None)
    assert list(shown.figure.data[1].close) == [None]
    assert np.isfinite(shown.figure.data[0].close).all()
    shown.stop()


def test_running_and_budget_tell_what_is_used(exchange: Exchange) -> None:
    """Counters come once a second, from the helper thread."""
    stream = exchange.stream("quotes", symbols="BTC/USDT").wait(5)
    made = [views.running(), views.budget(exchange)]
    until(lambda: all(one.panel.body for one in made))
    assert stream.name in made[0].panel.body
    assert "weight" in made[1].panel.body and "left" in made[1].table()
    press(made[0], "stop")
    until(lambda: stream.state == "stopped")


def test_no_warnings(tape: Tape) -> None:
    """Making, drawing and closing a view warns of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = views.price(tape)
        until(lambda: shown.stats.refreshes > 1)
        shown.close()


@pytest.mark.kernel
def test_a_notebook_runs_without_a_browser() -> None:
    """Unattended, views draw, end with the kernel and print nothing but themselves."""
    import nbformat
    from nbclient import NotebookClient

    cells = [
        "import time, vocx\nfrom vocx import views\nex = vocx.connect('binance')\n"
        "tape = ex.stream('trades', 'quotes', 'book', symbols='BTC/USDT').wait(10)",
        "views.price(tape)",
        "views.book(tape)",
        "time.sleep(1)\nassert all(one.stats.refreshes > 2 for one in views.opened())",
        "views.opened()[0].watch(1)",
        "views.stop_all(); vocx.stop_all(); ex.lab.close()",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    NotebookClient(book, timeout=60, kernel_name="python3").execute()
    said = [out.get("text", "") for cell in book.cells for out in cell.outputs]
    assert [text for text in said if text] == [
        "binance in the lab on this machine (seed 7): no account, no network\n"
    ]
    shown = book.cells[1].outputs[0].data
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert "price BTC/USDT" in shown["text/plain"]
