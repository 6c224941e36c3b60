"""What a reader sees: charts that move while cells are busy, buttons, bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from browser import measures
from browser.measures import CLOSE, OPEN, moves_per_second, plots, shows_plot, value

OUR_COUNT = "sum(t.name.startswith('vocx ') for t in threading.enumerate())"


def test_four_figures_share_one_plotly(notebook: Callable[..., Any]) -> None:
    """At most 3 MB until four charts show, at most 34 KB for each further one (points that
    came meanwhile included); no errors."""
    size = measures.figure_bytes(notebook)
    print(size)
    assert size.four <= 3_000_000
    assert size.further <= 34_000
    assert size.errors == []


def test_charts_move_while_cells_are_busy(notebook: Callable[..., Any]) -> None:
    """While a cell sleeps and while one computes, with messages pouring in; how many pictures a
    second that gives on a quiet machine is the benchmark's question."""
    seen = measures.motion(notebook)
    print(seen)
    assert seen.messages >= 100
    assert min(seen.refreshes, seen.sleeping, seen.computing) >= 1
    assert seen.errors == []


def test_stop_stops_and_a_rerun_does_not_double(notebook: Callable[..., Any]) -> None:
    """One chart and one writer after three runs; Stop ends the stream and says so."""
    book = notebook([OPEN, "views.price(tape)", f"print({OUR_COUNT})", "print(tape.state)", CLOSE])
    book.run(0)
    for _ in range(3):
        book.run(1)
        shows_plot(book, 1)
    book.run(2)
    assert value(book, 2) == 1
    assert moves_per_second(book, 1) > 2
    book.cell(1).locator('button[data-action="pause"]').click()
    book.until(lambda: "paused by you" in book.output(1), "the view says that it is paused")
    assert moves_per_second(book, 1, 1.0) == 0
    book.cell(1).locator('button[data-action="resume"]').click()
    book.until(lambda: moves_per_second(book, 1, 1.0) > 2, "it moves again")
    book.cell(1).locator('button[data-action="stop"]').click()
    book.until(lambda: "stream stopped" in book.output(1), "the view says that it ended")
    assert plots(book, 1) == 1
    book.run(3)
    assert "stopped" in book.output(3)
    book.run(2)
    book.run(4)
    assert value(book, 2) == 0
    assert book.errors == []


def test_the_dial_is_beside_its_chart(notebook: Callable[..., Any]) -> None:
    """Dial, interval, chart and prompt in one output of at most 420 px; both lines get later, and
    the asked one comes as often as is asked. Lesson 10's chooser beside them takes back its verdict
    when a strategy is chosen and when a dial is turned."""
    book = notebook([
        OPEN, "course.compare(asked=ex, pushed=tape, dials=ex.lab, note='Which line is first?')",
        "from vocx.course.choosing import Chooser\ndesk = Chooser(ex)\ndesk.measure()\n"
        "desk.show()", CLOSE,
    ])  # fmt: skip
    book.run(0)
    book.run(1)
    shows_plot(book, 1)
    book.cell(1).locator('[data-slider="distance"] input').fill("200")
    book.until(lambda: "200 ms round trip" in book.output(1), "the dial in force is shown")
    book.cell(1).locator('[data-slider="interval"] input').press("Home")
    book.until(lambda: "asked every 200 ms" in book.output(1), "the interval is in force")
    height = book.cell(1).locator(".jp-Cell-outputArea").bounding_box()["height"]
    assert "Which line is first?" in book.output(1)
    assert height <= 420
    book.run(2)
    book.look_at(2)
    book.until(lambda: "dca: " in verdict(book, 2), "the first strategy has a verdict")
    book.cell(2).locator(".widget-dropdown select").select_option("alerts")
    book.until(lambda: "alerts: " in verdict(book, 2), "the other strategy has one")
    assert "stream, each 1 s; fills" in verdict(book, 2)
    book.cell(2).locator(".noUi-handle").nth(2).press("End")
    book.until(lambda: "300 symbols" in verdict(book, 2), "the dial is in force")
    assert "verdict   all polled each" in verdict(book, 2)
    book.run(3)
    assert book.errors == []


def verdict(book: Any, number: int) -> str:
    """What the chooser of a cell says below its dials."""
    return str(book.cell(number).locator(".widget-html pre").inner_text())


def test_an_order_and_its_fill_appear_in_the_view(notebook: Callable[..., Any]) -> None:
    """Placed in one cell, it shows below another; its fill follows, the balance too; Stop ends
    what the views share."""
    book = notebook([
        OPEN + "ex.lab.pause()", "display(views.orders(ex), views.balances(ex))",
        "order = ex.place_order('BTC/USDT', 'buy', '0.01', type='post_only',"
        " price=ex.quote('BTC/USDT').bid)",
        # Another account takes all that stands at the best bid, our order at its end.
        "from vocx.course.order_examples import Counterparty\n"
        "Counterparty(ex).sell('BTC/USDT', ex.quote('BTC/USDT').bid_quantity)", CLOSE,
    ])  # fmt: skip
    book.run(0)
    book.run(1)
    book.until(lambda: "no orders yet" in book.output(1), "an empty view says so")
    book.run(2)
    book.until(lambda: "▲ buy\tpost only\tnew" in book.output(1), "the order shows")
    book.until(lambda: "1 with locked parts" in book.output(1), "what it locks shows")
    book.run(3)
    book.until(lambda: "▲ bought" in book.output(1), "its fill follows")
    book.until(lambda: "post only\tfilled" in book.output(1), "and its end")
    assert "maker\tstream\tvocx-" in book.output(1)
    stop = book.cell(1).locator('button[data-action="stop"]')
    stop.first.click()
    book.until(lambda: book.output(1).count("stream stopped") == 2, "both say that it ended")
    book.run(4)
    assert book.errors == []


def test_a_hybrid_client_has_a_panel(notebook: Callable[..., Any]) -> None:
    """It moves while a cell is busy, shows the order that rests, and its Stop stops the client."""
    book = notebook([
        OPEN + "\nfrom decimal import Decimal\nfrom vocx.hybrid import HybridClient, want\n"
        "bid = ex.quote('BTC/USDT').bid * Decimal('0.98') // 1\n"
        "client = HybridClient(ex, 'BTC/USDT', lambda view: [want('buy', '0.01', bid)],\n"
        "                      journal='panel.jsonl', max_age_ms=10_000).start()",
        "views.hybrid(client)", "import time; time.sleep(8)",
        "print(client.status.state, len(ex.open_orders('BTC/USDT')))", CLOSE,
    ])  # fmt: skip

    def shows(text: str) -> bool:
        book.look_at(1)
        return text in book.output(1)

    book.run(0)
    book.run(1)
    book.until(lambda: shows("running"), "it runs")
    book.until(lambda: shows("▲ buy"), "its order shows")
    book.run(2, wait_s=0)
    first = book.output(1)
    book.until(lambda: not shows(first), "it moves while a cell is busy")
    book.cell(1).locator('button[data-action="stop"]').click()
    book.until(lambda: shows("stopped by you"), "the view says that it ended")
    book.run(3)
    assert "stopped 0" in book.output(3)
    book.run(4)
    assert book.errors == []


def test_a_reader_breaks_the_feed_from_its_picture(notebook: Callable[..., Any]) -> None:
    """Silence is held while its button is pressed in, the book greys when the line is cut, both
    are named above the picture, and a second press lets the repair go on."""
    book = notebook([OPEN, "views.book(tape)", "print(len(ex.lab.faults))", CLOSE])
    book.run(0)
    book.run(1)
    shows_plot(book, 1)
    silence = book.cell(1).locator('button[data-action="silence"]')
    silence.click()
    book.until(lambda: "silenced by you: book" in book.output(1), "the view says who did it")
    book.until(lambda: silence.get_attribute("aria-pressed") == "true", "it is pressed in")
    book.cell(1).locator('button[data-action="cut"]').click()
    book.until(lambda: "line cut by you" in book.output(1), "so does it of the line")
    grey = book.cell(1).locator("table.stale")
    book.until(lambda: grey.count() == 1, "the ladder is greyed")
    book.run(2)
    assert value(book, 2) == 1 and grey.count() == 1
    silence.click()
    book.until(lambda: grey.count() == 0, "the repair goes on")
    book.until(lambda: silence.get_attribute("aria-pressed") == "false", "it is let go")
    silence.click()
    book.until(lambda: "silenced by you" in book.output(1), "it is held again")
    book.cell(1).locator('button[data-action="stop"]').click()
    book.until(lambda: "stream stopped" in book.output(1), "the view says that it ended")
    assert book.cell(1).locator(".vocx-switches button").count() == 0
    book.run(2)
    assert value(book, 2) == 0
    book.run(3)
    assert book.errors == []
