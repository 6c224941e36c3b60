"""What was true, by the log of a lab in which several venues trade."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest

import vocx
from vocx import measure
from vocx.errors import BadInput, UnknownVenue
from vocx.lab import Lab
from vocx.timing import mono_ns


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with vocx.lab.open(seed=7, name="true prices", venues=["binance", "okx"]) as opened:
        yield opened


def test_each_venue_has_true_prices_of_its_own(lab: Lab) -> None:
    """Those of the lab's first venue, unless another is named."""
    okx = measure.truth_of(lab, venue="okx", least_s=2)
    first, binance = measure.truth_of(lab), measure.truth_of(lab, venue="binance")
    events = {
        name: {one.mono_ns for one in lab.truth.at(name).events(1, symbol="BTC/USDT", kind="quote")}
        for name in ("binance", "okx")
    }
    assert set(okx.at) <= events["okx"] and not set(okx.at) & events["binance"]
    assert set(first.at) <= events["binance"] and set(binance.at) <= events["binance"]


def test_when_a_price_is_wrong_is_asked_of_a_venue(lab: Lab) -> None:
    """Its trades and its prices; the result says whose."""
    found = measure.event_errors(lab, measure.Poll(200), venue="okx", seconds=4)
    assert found.conditions.venue == "okx" and found.find("at a price change").count
    assert measure.event_errors(lab, measure.Poll(200), seconds=4).conditions.venue == "binance"


def test_a_time_that_is_too_short_is_waited_for(lab: Lab) -> None:
    """As long as is asked for, and at most for half of the time that counts."""
    true = measure.truth_of(lab, seconds=3, least_s=60)
    assert 1.5 <= (true.at[-1] - true.at[0]) / 1e9 <= 3


def test_a_market_that_stands_still_and_a_venue_that_is_not_there_are_refused(lab: Lab) -> None:
    """In words, and without an endless wait."""
    with pytest.raises(UnknownVenue, match="has no venue"):
        measure.truth_of(lab, venue="bybit")
    lab.pause()
    try:
        last_ns = lab.truth.events(1, symbol="BTC/USDT", kind="quote")[-1].mono_ns
        while mono_ns() < last_ns + 200_000_000:
            Event().wait(0.01)
        with pytest.raises(BadInput, match="let the market run"):
            measure.truth_of(lab, seconds=0.2, least_s=0.1)
    finally:
        lab.resume()
