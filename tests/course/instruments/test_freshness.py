"""The age of the price as a reader sees it, without a browser: arithmetic, and a real lab."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from faulty import until

from vocx import course, venues, views
from vocx.course.instruments import ages
from vocx.course.instruments.polling import LivePoller
from vocx.errors import BadInput
from vocx.net import Throttler
from vocx.venues.base import Usage
from vocx.views import view

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.stream import Stream

BTC = "BTC/USDT"
S, MS = 1_000_000_000, 1_000_000


@pytest.fixture
def quotes(exchange: Exchange) -> Iterator[Stream]:
    stream = exchange.stream("quotes", symbols=BTC).wait(5)
    yield stream
    stream.stop()
    assert exchange.lab is not None
    exchange.lab.network.clear()


def slide(shown: views.View, key: str, value: float) -> None:
    """As the browser reports a slider that was moved."""
    shown._on_message(None, {"do": "dial", "id": key, "value": value}, [])


# arithmetic


REPLIES = [(n * S, n * S - 40 * MS) for n in range(1, 11)]
"""Once a second, 80 ms away: here at each full second, read 40 ms before."""


def test_an_asked_price_ages_until_the_next_reply() -> None:
    """A tooth from half a call up to the interval and half a call."""
    at, age = ages.sawtooth(REPLIES[7:], 8 * S, 10 * S + S // 2)
    assert at.tolist() == [8 * S, 9 * S, 9 * S, 10 * S, 10 * S, 10 * S + S // 2]
    assert age.tolist() == pytest.approx([40, 1040, 40, 1040, 40, 540])


def test_a_window_that_begins_in_a_tooth_cuts_it() -> None:
    """The line begins at the window's edge, at its age there."""
    at, age = ages.sawtooth(REPLIES, 8 * S + S // 4, 9 * S)
    assert (at[0], age[0]) == (8 * S + S // 4, pytest.approx(290))


def test_means_are_over_time() -> None:
    """Half the round trip plus half the interval; before the first reply nothing is known."""
    assert ages.even(REPLIES, S, 10 * S).mean() == pytest.approx(540, abs=2)
    assert len(ages.even(REPLIES[:1], 0, 2 * S)) == pytest.approx(1000, abs=2)


def test_a_thinned_line_keeps_its_peaks_and_their_order() -> None:
    """Of too many points the lowest and the highest of each short time stay, where they were."""
    at = np.arange(0, 20 * S, 5 * MS)
    age = np.where(np.arange(len(at)) % 1000 == 500, 900.0, np.arange(len(at)) % 7)
    thinned, kept = ages.thin(at, age, 20 * S)
    assert len(thinned) <= ages.POINTS + 2
    assert (np.diff(thinned) > 0).all()
    assert thinned[kept == 900].tolist() == at[age == 900].tolist()


@pytest.mark.parametrize(("peak", "before", "after"), [
    (1002, 0, 1200), (1002, 1200, 1200), (1300, 1200, 1600), (700, 1200, 1200), (400, 1200, 600),
    (5, 0, 20), (61_000, 0, 80_000),
])  # fmt: skip
def test_the_axis_is_calm(peak: float, before: float, after: float) -> None:
    """It grows when it must, and shrinks only when it is twice too high."""
    assert ages.calm_top(peak, before) == after


def test_a_shorter_interval_counts_at_once() -> None:
    """Not only after the long one has passed."""
    poller = LivePoller(lambda: SimpleNamespace(bid=1, ask=2), 60_000)
    poller.start()
    until(lambda: poller.calls == 1)
    poller.every_ms = 20
    until(lambda: poller.calls >= 3, 2)
    poller.every_ms = 60_000
    poller.stop()
    poller.join(2)
    assert not poller._thread.is_alive()


# against a lab


def test_ages_are_what_arithmetic_expects(exchange: Exchange, quotes: Stream) -> None:
    """Of asking: half the round trip plus half the interval, at two settings of both sliders."""
    shown = course.freshness(asked=exchange, pushed=quotes, every_ms=100)
    for every_ms, rtt_ms, expected in ((250, 80, 165), (50, 0, 25)):
        slide(shown, "distance", rtt_ms)
        slide(shown, "interval", every_ms)
        until(lambda want=expected: abs(shown.numbers()[0].mean - want) < 10 + 0.2 * want)
        until(lambda want=expected: f"= {want} ms" in shown.panel.status)
        assert shown.numbers()[1].mean >= rtt_ms / 2
    assert "50 ms" in shown.table() and "40% of limit" in shown.panel.body


def test_a_stream_is_as_far_as_the_exchange(exchange: Exchange, quotes: Stream) -> None:
    """A distance that code turned is known to the stream within seconds, there and back."""
    shown = course.freshness(asked=exchange, pushed=quotes)
    exchange.lab.network.latency(rtt_ms=300)  # type: ignore[union-attr]
    until(lambda: shown.panel.sliders[0]["value"] == 300)
    until(lambda: shown.numbers()[1].mean > 150)
    exchange.lab.network.clear()  # type: ignore[union-attr]
    until(lambda: shown.numbers()[1].mean < 100)


def test_each_stream_has_a_line_and_a_row(exchange: Exchange, quotes: Stream) -> None:
    """Told apart by dash and label; each sample is drawn, and what is sent is small."""
    ticker = exchange.stream("ticker", symbols=BTC).wait(5)
    shown = course.freshness(asked=exchange, pushed=[quotes, ticker], every_ms=20, seconds=2)
    until(lambda: all(line.x is not None and len(line.x) > 20 for line in shown.figure.data[:3]))
    names = [line.name for line in shown.figure.data]
    assert names[1:3] == ["pushed quotes", "pushed ticker 1 s"]
    assert len({line.line.dash for line in shown.figure.data}) == 4
    assert max(len(line.x) for line in shown.figure.data) <= ages.POINTS + 2
    assert "pushed ticker, every 1 s" in shown.table()
    ticker.stop()


def test_stop_ends_the_asking_and_the_streams(exchange: Exchange, quotes: Stream) -> None:
    """And a re-run cell replaces the view without a second poller."""
    course.freshness(asked=exchange, pushed=quotes)
    shown = course.freshness(asked=exchange, pushed=quotes)
    mine = [shown.asked._thread, shown.sampler._thread]
    until(lambda: [t for t in threading.enumerate() if t.name == "vocx poller"] == mine)
    shown._on_message(None, {"do": "stop"}, [])
    until(lambda: shown.mode == "stopped" and quotes.state == "stopped")
    until(lambda: not any(one.is_alive() for one in mine))
    assert shown.panel.sliders == [], "nothing to turn where nothing moves"


def test_nobody_looks_so_nothing_is_asked(
    exchange: Exchange, quotes: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chart that was forgotten leaves the weight to others; a look wakes it."""
    monkeypatch.setattr(view, "UNSEEN_AFTER_S", 0.3)
    shown = course.freshness(asked=exchange, pushed=quotes, every_ms=20)
    until(lambda: shown.mode == "paused" and "nobody looks" in shown.asked.error)
    calls = shown.asked.calls
    shown._on_message(None, {"do": "look"}, [])
    until(lambda: shown.mode == "live" and shown.asked.calls > calls)


def test_a_poll_waits_for_its_reply(exchange: Exchange, quotes: Stream) -> None:
    """An interval shorter than the distance cannot be kept; the view says what happens."""
    shown = course.freshness(asked=exchange, pushed=quotes, every_ms=20)
    slide(shown, "distance", 200)
    until(lambda: shown.panel.status.endswith("200/2 + 200/2 = 200 ms (call > interval)"))


@pytest.mark.parametrize(("options", "said"), [
    ({"every_ms": 5}, "at most every 20 ms"), ({"symbol": "ETH/USDT"}, "ETH/USDT"),
])  # fmt: skip
def test_what_cannot_be_shown_is_refused(
    exchange: Exchange, quotes: Stream, options: dict[str, Any], said: str
) -> None:
    """Before anything is asked."""
    with pytest.raises(BadInput, match=said):
        course.freshness(asked=exchange, pushed=quotes, **options)


# elsewhere


@pytest.fixture
def elsewhere(exchange: Exchange) -> Any:
    """An exchange that is no lab, with the real rules of its venue; it answers from the lab."""
    venue = venues.get("binance")
    budget = Throttler(venue.name, venue.limits)
    return SimpleNamespace(venue=venue, lab=None, name="there", budget=budget, quote=exchange.quote)


def test_outside_a_lab_nothing_turns_the_distance(elsewhere: Any, quotes: Stream) -> None:
    """The interval can be turned; the round trip is the median call time."""
    shown = course.freshness(asked=elsewhere, pushed=quotes, every_ms=20)
    until(lambda: len(shown.asked.replies) > 5)
    assert [one["id"] for one in shown.panel.sliders] == ["interval"]
    assert 0 < shown.rtt_ms < 500
    slide(shown, "interval", 500)
    until(lambda: shown.every_ms == 500)
    shown.every_ms = 750
    until(lambda: shown.panel.sliders[0]["text"] == "750 ms")


def test_asking_pauses_at_the_brake(elsewhere: Any, quotes: Stream) -> None:
    """Nothing waits in silence for a minute, nothing is printed, and Stop works meanwhile."""
    elsewhere.budget.correct([Usage(bucket="weight", used=5000)])
    shown = course.freshness(asked=elsewhere, pushed=quotes, every_ms=20)
    until(lambda: "asked: nothing for" in shown.panel.status, 3)
    assert shown.panel.level == "waiting"
    shown.stop()
