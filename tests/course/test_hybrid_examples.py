"""What lesson 06 measures with: looks held against the truth, and a hybrid client's time line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

import vocx
from vocx import measure
from vocx.course import hybrid_examples
from vocx.course.hybrid_examples import ActedPrices, ClientTimeline, Moment
from vocx.errors import BadInput

MS = 1_000_000


class _Event:
    def __init__(self, at_ms: int, bid: int) -> None:
        self.mono_ns, self.bid, self.ask = at_ms * MS, Decimal(bid), Decimal(bid + 1)


class _Exchange:
    """Its truth knows when the price was what."""

    def __init__(self, *events: tuple[int, int]) -> None:
        self.truth = self
        self._events = [_Event(*one) for one in events]

    def events(self, *_: Any, **__: Any) -> list[_Event]:
        return self._events


def acted(exchange: Any, *seen: tuple[int, int]) -> ActedPrices:
    made = ActedPrices(exchange)
    made.looks = [(at * MS, Decimal(bid), Decimal(bid + 1)) for at, bid in seen]
    return made


def test_a_change_waits_for_its_look() -> None:
    """Each change counts from when it was true to the first look that knows it, or a later one."""
    exchange = _Exchange((0, 1), (100, 2), (130, 3), (200, 4))
    assert acted(exchange, (50, 1), (150, 3), (250, 4)).delay_ms(20) == (50 + 20 + 50) / 3


def test_nothing_is_known_before_half_a_round_trip() -> None:
    """A price that came back is not the newer one while that is still under way."""
    exchange = _Exchange((0, 1), (100, 2), (145, 1), (300, 3))
    assert acted(exchange, (50, 1), (149, 2), (350, 3)).delay_ms(20) == pytest.approx(
        (49 + 205 + 50) / 3
    )


def test_a_market_that_stood_still() -> None:
    """There is nothing to measure, and that is said."""
    with pytest.raises(BadInput, match="look for longer"):
        acted(_Exchange((0, 1)), (50, 1), (150, 1)).delay_ms(20)


def test_what_was_done_after_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks of the last seconds, and how many showed another price than the exchange's."""
    monkeypatch.setattr(hybrid_examples, "mono_ns", lambda: 6000 * MS)
    state: Any = type("State", (), {"in_sync": False})()
    told = acted(_Exchange((0, 1), (3000, 2)), (500, 1), (2000, 1), (4000, 1)).after_a_cut(5, state)
    assert "acted 2 times, 1 of them" in told and "in_sync False" in told


def test_prices_are_held_against_the_venue_that_showed_them() -> None:
    """Also where the lab plays another one first: each venue has a market of its own."""
    state: Any = type("State", (), {"in_sync": True})()
    with vocx.lab.open(seed=7, venues=["binance", "okx"], name="acted-prices") as lab:
        with vocx.connect("okx", lab=lab) as okx:
            measure.truth_of(lab, venue="okx", least_s=1)
            lab.pause()
            acted_on = ActedPrices(okx)
            acted_on(okx.quote("BTC/USDT"))
            assert "acted 1 times, 0 of them" in acted_on.after_a_cut(60, state)


def test_a_time_line_tells_its_story() -> None:
    """A line for each spell that lasted, what came from where, and a picture of it."""
    line = ClientTimeline(None)  # type: ignore[arg-type]
    rows = [("stream", True, 2)] * 20 + [("none", False, 0)] * 20 + [("rest", True, 2)] * 20
    line.moments = [
        Moment(number / 20, source, 40.0, ready, "" if ready else "no book", orders)
        for number, (source, ready, orders) in enumerate(rows)
    ]
    told = line.story().splitlines()
    assert [one.split("  ")[-1] for one in told] == [
        "book from stream; acts",
        "book from none; waits: no book",
        "book from rest; acts",
    ]
    assert "from REST for 1 s, and from nowhere for 1 s" in line.summary()
    assert "none of its orders rested" in line.summary()
    assert len(line.figure().data) == 3
