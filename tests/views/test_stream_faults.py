"""What a reader does to a stream from its view: against a real lab, without a browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

import vocx
import vocx.lab
from vocx import views
from vocx.errors import BadInput, BookOutOfSync
from vocx.exchange import Exchange
from vocx.lab import Lab
from vocx.stream import Stream

BTC = "BTC/USDT"
VENUES = ("binance", "okx", "bybit", "coinbase")


def until(true: Callable[[], object], deadline_s: float = 15.0) -> None:
    end = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end, "the state was not reached"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """With all venues."""
    with vocx.lab.open(seed=7, venues=VENUES, name="stream faults", replace=True) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _nothing_left(lab: Lab) -> Iterator[None]:
    yield
    views.stop_all()
    vocx.stop_all()
    lab.faults.off()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("vocx ")]


@pytest.fixture
def exchange(lab: Lab) -> Iterator[Exchange]:
    ex = vocx.connect("binance", lab=lab)
    yield ex
    ex.close()


@pytest.fixture
def tape(exchange: Exchange) -> Stream:
    return exchange.stream("trades", "quotes", "book", symbols=BTC, name="shown").wait(10)


def in_sync(stream: Stream) -> bool:
    try:
        return stream.book(BTC).in_sync
    except BookOutOfSync:
        return False


def press(view: views.View, action: str) -> None:
    """As the browser reports a button."""
    view._on_message(None, {"do": action}, [])


def pressed(view: views.View) -> str:
    return next(one[3] for one in view.panel.switches if one[0] == "silence")


def test_a_cut_meets_the_stream_that_is_shown(exchange: Exchange, tape: Stream) -> None:
    """Its connections only, once; the view says who did it, and the stream connects again."""
    other = exchange.stream("trades", "quotes", symbols=BTC, name="other").wait(10)
    shown = views.price(tape)
    assert {"cut", "silence", "lose_one"} < {*dir(shown)}
    press(shown, "cut")
    until(lambda: "line cut by you" in shown.panel.status)
    until(lambda: tape.stats.reconnects == 1 and tape.state == "live")
    shown.cut()
    until(lambda: tape.stats.reconnects == 2 and tape.state == "live")
    assert other.stats.reconnects == 0 and other.state == "live"


def test_silence_is_held_and_the_repair_waits(lab: Lab, tape: Stream) -> None:
    """A line that is cut meanwhile comes back silent, and the book is grey until that is lifted."""
    shown = views.book(tape)
    press(shown, "silence")
    until(lambda: "silenced by you: book" in shown.panel.status)
    until(lambda: pressed(shown) == "true")
    assert shown.panel.level == "waiting"
    assert [(one["venue"], one["stream"]) for one in lab.faults] == [
        ("binance", "btcusdt@depth@100ms")
    ]
    press(shown, "cut")
    until(lambda: tape.stats.reconnects == 1 and tape.state != "reconnecting")
    trades = tape.stats.facts["Trade"]
    until(lambda: tape.stats.facts["Trade"] > trades + 5)
    assert not in_sync(tape) and "stale" in shown._ladder.body
    press(shown, "silence")
    until(lambda: in_sync(tape))
    assert not lab.faults
    until(lambda: pressed(shown) == "false" and "silenced" not in shown.panel.status)


@pytest.mark.parametrize("venue", VENUES[1:])
def test_a_snapshot_in_the_stream_is_silenced_too(lab: Lab, venue: str) -> None:
    """Where a new subscriber gets the book first of all: nothing comes, so nothing is true."""
    ex = vocx.connect(venue, lab=lab)
    stream = ex.stream("trades", "book", symbols=BTC).wait(10)
    shown = views.book(stream)
    with shown.silence():
        shown.cut()
        until(lambda: stream.stats.reconnects == 1 and stream.state != "reconnecting")
        trades = stream.stats.facts["Trade"]
        until(lambda: stream.stats.facts["Trade"] > trades + 5)
        assert not in_sync(stream)
        until(lambda: "stale" in shown._ladder.body)
    until(lambda: in_sync(stream))
    ex.close()


def test_silence_ends_with_its_block(lab: Lab, tape: Stream) -> None:
    """From code the same: at once, said by the view, whatever the block raises."""
    shown = views.price(tape)
    with pytest.raises(ZeroDivisionError), shown.silence() as held:
        assert len(lab.faults) == 2 and repr(held) == "silenced by you: trades and quotes"
        until(lambda: "silenced by you" in shown.panel.status)
        raise ZeroDivisionError
    assert not lab.faults and repr(held) == "no longer silenced"
    shown.silence()
    shown.silence().lift()
    assert not lab.faults
    press(shown, "silence")
    until(lambda: lab.faults)
    shown.silence(False)
    assert not lab.faults


def test_one_message_gets_lost(lab: Lab, tape: Stream) -> None:
    """One, of the channel whose loss tells most: a gap in the book; the view says when it is so."""
    shown = views.book(tape)
    gaps = tape.stats.gaps
    shown.lose_one()
    until(lambda: "one message of book lost by you" in shown.panel.status)
    until(lambda: tape.stats.gaps == gaps + 1)
    assert not lab.faults
    lab.pause()
    try:
        press(views.tape(tape), "lose")
        until(lambda: [one["stream"] for one in lab.faults] == ["btcusdt@trade"])
        views.stop_all()
        assert not lab.faults
    finally:
        lab.resume()


@pytest.mark.parametrize("venue", VENUES)
def test_topics_are_called_what_they_are_called_there(lab: Lab, venue: str) -> None:
    """Every channel of every venue that is streamed falls silent, and speaks again."""
    ex = vocx.connect(venue, lab=lab)
    stream = ex.stream("trades", "quotes", "book", symbols=BTC).wait(10)
    shown = [views.price(stream), views.book(stream)]
    for one in shown:
        one.silence()
    assert len(lab.faults) == 3
    until(lambda: all(one["hits"] for one in lab.faults))
    views.stop_all()
    assert not lab.faults
    ex.close()


@pytest.mark.parametrize("end", ["stop", "button", "stream", "stop_all"])
def test_nothing_stays_in_force(lab: Lab, tape: Stream, end: str) -> None:
    """However the view ends: what it switched on is lifted, its buttons are gone, and it switches
    nothing on any more."""
    shown = views.price(tape)
    shown.silence()
    assert lab.faults
    ends: dict[str, Callable[[], object]] = {
        "stop": shown.stop,
        "button": lambda: press(shown, "stop"),
        "stream": tape.stop,
        "stop_all": views.stop_all,
    }
    ends[end]()
    until(lambda: not lab.faults)
    until(lambda: shown.mode == "stopped" and not shown.panel.switches)
    with pytest.raises(BadInput, match="has ended"):
        shown.silence()


def test_a_paused_view_lifts_what_its_stream_left(lab: Lab, tape: Stream) -> None:
    """The picture stays frozen; nobody else hears the silence of a stream that has ended."""
    shown = views.price(tape)
    shown.silence()
    shown.pause()
    until(lambda: shown.mode == "paused")
    tape.stop()
    until(lambda: not lab.faults)
    assert shown.mode == "paused"


def test_what_is_polled_has_no_line(lab: Lab) -> None:
    """Coinbase's balances come by REST; its orders over a connection, which can be cut."""
    ex = vocx.connect("coinbase", lab=lab)
    stream = ex.stream("orders", "balances").wait(10)
    held, mine = views.balances(stream), views.orders(stream)
    until(lambda: [one[0] for one in mine.panel.switches] == ["cut"])
    assert held.panel.switches == []
    with pytest.raises(BadInput, match="is polled"):
        held.cut()
    ex.close()


def test_a_real_venue_has_no_such_buttons(tape: Stream) -> None:
    """Nor does code reach it."""
    tape.lab = None
    shown = views.price(tape)
    until(lambda: shown.panel.level == "live")
    assert shown.panel.switches == [] and "cut" not in dir(shown)
    for act in (shown.cut, shown.silence, shown.lose_one):
        with pytest.raises(BadInput, match="listens to no lab"):
            act()
