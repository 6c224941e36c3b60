"""Counting of limits: windows, corrections, instruments and the brake."""

from __future__ import annotations

import pytest

from vocx.rate_limits import RateLimits, dearest
from vocx.venues import get
from vocx.venues.base import Limit, Usage

S = 1_000_000_000
MINUTE = Limit(bucket="weight", amount=100, window_s=60)
SLIDING = Limit(bucket="weight", amount=100, window_s=60, aligned=False)


def test_an_aligned_window_forgets_at_its_boundary() -> None:
    """Binance counts by the clock's minute."""
    limits = RateLimits([MINUTE])
    limits.spend({"weight": 70}, 59 * S)
    assert limits.wait_s({"weight": 20}, 59 * S) == pytest.approx(1.0)
    assert limits.wait_s({"weight": 20}, 60 * S) == 0


def test_a_sliding_window_forgets_each_call_by_its_age() -> None:
    """Spent at second 59 is forgotten at second 119."""
    limits = RateLimits([SLIDING])
    limits.spend({"weight": 70}, 59 * S)
    assert limits.wait_s({"weight": 20}, 60 * S) == pytest.approx(59.0)
    assert limits.wait_s({"weight": 20}, 119 * S) == 0


def test_the_brake_is_at_four_fifths() -> None:
    """80 of 100 may go out, the 81st waits."""
    limits = RateLimits([MINUTE])
    limits.spend({"weight": 79}, 0)
    assert limits.wait_s({"weight": 1}, 0) == 0 and limits.wait_s({"weight": 2}, 0) == 60


def test_no_brake_when_told_so() -> None:
    """Whoever wants to see a 429 can."""
    limits = RateLimits([MINUTE], stop_at=None)
    limits.spend({"weight": 1000}, 0)
    assert limits.wait_s({"weight": 1}, 0) == 0


@pytest.mark.parametrize("said", [3, 95])
def test_the_venues_count_replaces_ours(said: int) -> None:
    """Down (a window that ended there first) and up (a neighbour on the same address)."""
    limits = RateLimits([MINUTE])
    limits.spend({"weight": 50}, 0)
    limits.correct([Usage(bucket="weight", used=said), Usage(bucket="unheard of", used=1)], S)
    assert limits.rows()[0].used == said and limits.rows(60 * S)[0].used == 0


def test_one_call_too_heavy_for_the_brake_still_goes() -> None:
    """With nothing used there is nothing to wait for."""
    assert RateLimits([MINUTE]).wait_s({"weight": 99}, 0) == 0


def test_binance_has_its_windows_by_name() -> None:
    """A bucket may have two windows; connections are not a call's business."""
    limits = RateLimits(get("binance").limits)
    limits.spend({"weight": 5, "requests": 1, "orders": 2}, 0)
    used = {(row.bucket, row.window_s): row.used for row in limits.rows()}
    assert used == {
        ("weight", 60): 5,
        ("requests", 300): 1,
        ("orders", 10): 2,
        ("orders", 86_400): 2,
    }


def test_a_usage_finds_its_window() -> None:
    """By its seconds, and what is left says as much as what is used."""
    limits = RateLimits(get("binance").limits)
    limits.correct(
        [
            Usage(bucket="orders", used=38, window_s=86_400),
            Usage(bucket="weight", left=5900, amount=6000),
        ],
        S,
    )
    used = {(row.bucket, row.window_s): row.used for row in limits.rows()}
    assert used["orders", 86_400] == 38 and used["orders", 10] == 0 and used["weight", 60] == 100


def test_each_instrument_has_a_count_of_its_own() -> None:
    """A limit per instrument is charged with the instrument after a colon."""
    place = Limit(bucket="place", amount=10, window_s=2, per="instrument", aligned=False)
    limits = RateLimits([place])
    limits.spend({"place:BTC-USDT": 8}, 0)
    assert limits.wait_s({"place:BTC-USDT": 1}, S) == pytest.approx(1.0)
    assert limits.wait_s({"place:ETH-USDT": 1}, S) == 0
    assert [(row.bucket, row.used) for row in limits.rows(S) if row.used] == [("place:BTC-USDT", 8)]


def test_what_is_urgent_passes_the_brake_but_not_the_limit() -> None:
    """A cancel takes risk away, so it goes out where a quote would wait."""
    limits = RateLimits([MINUTE])
    limits.spend({"weight": 90}, 0)
    assert limits.wait_s({"weight": 1}, 0) == 60
    assert limits.wait_s({"weight": 1}, 0, urgent=True) == 0
    limits.spend({"weight": 10}, 0)
    assert limits.wait_s({"weight": 1}, 0, urgent=True) == 60


def test_the_dearest_charge_is_of_the_limit_that_is_exhausted_first() -> None:
    """A quote at Binance: 2 of 6,000 weight a minute, not 1 of 60,000 requests."""
    charge = dearest({"weight": 2, "requests": 1}, get("binance").limits)
    assert (charge.bucket, charge.amount, charge.per_minute) == ("weight", 2, 6000)
    place = Limit(bucket="place", amount=60, window_s=2, per="instrument")
    assert dearest({"place:BTC-USDT": 1}, [place]).per_minute == 1800
    assert dearest({"unheard of": 3}, [place]).per_minute == float("inf")


def test_scaled_windows_end_sooner() -> None:
    """A lab's time scale of ten: the minute is six seconds long, on the clock as before."""
    limits = RateLimits([Limit(bucket="weight", amount=100, window_s=60)])
    limits.scale(10)
    limits.spend({"weight": 80}, 61_000_000_000)
    assert (
        limits.wait_s({"weight": 5}, 61_000_000_000) == 5.0
        and limits.wait_s({"weight": 5}, 66_000_000_000) == 0
    )
    assert limits.rows()[0].window_s == 6


def test_a_sliding_window_begins_when_the_venue_counts() -> None:
    """That is somewhere between sending and answer: a call that was answered late is forgotten
    late, so that two bursts never meet within one window of the venue's."""
    limits = RateLimits([SLIDING])
    sending = limits.spend({"weight": 80}, 0)
    limits.answered(sending, 3 * S)
    assert limits.wait_s({"weight": 1}, 60 * S) == pytest.approx(3.0)
    assert limits.wait_s({"weight": 1}, 63 * S) == 0 and limits.rows(63 * S)[0].used == 0


def test_a_lower_count_forgets_the_oldest() -> None:
    """Whatever is left is as young as it can be, and none of it is forgotten twice."""
    limits = RateLimits([SLIDING])
    for second in range(4):
        limits.spend({"weight": 10}, second * S)
    limits.correct([Usage(bucket="weight", used=25)], 4 * S)
    used = [limits.rows(at * S)[0].used for at in (4, 60, 61, 62, 63)]
    assert used == [25, 25, 20, 10, 0]
