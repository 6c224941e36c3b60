"""The budget: windows, corrections and the brake."""

from __future__ import annotations

import pytest

from vocx.limits import Budget
from vocx.venues import get
from vocx.venues.base import Limit

S = 1_000_000_000
MINUTE = Limit(kind="weight", amount=100, window_s=60)
SLIDING = Limit(kind="weight", amount=100, window_s=60, aligned=False)


def test_an_aligned_window_forgets_at_its_boundary() -> None:
    """Binance counts by the clock's minute."""
    budget = Budget([MINUTE])
    budget.spend(70, 59 * S)
    assert budget.wait_s(20, 59 * S) == pytest.approx(1.0)
    assert budget.wait_s(20, 60 * S) == 0


def test_a_sliding_window_forgets_each_call_by_its_age() -> None:
    """Spent at second 59 is forgotten at second 119."""
    budget = Budget([SLIDING])
    budget.spend(70, 59 * S)
    assert budget.wait_s(20, 60 * S) == pytest.approx(59.0)
    assert budget.wait_s(20, 119 * S) == 0


def test_the_brake_is_at_four_fifths() -> None:
    """80 of 100 may go out, the 81st waits."""
    budget = Budget([MINUTE])
    budget.spend(79, 0)
    assert budget.wait_s(1, 0) == 0 and budget.wait_s(2, 0) == 60


def test_no_brake_when_told_so() -> None:
    """Whoever wants to see a 429 can."""
    budget = Budget([MINUTE], stop_at=None)
    budget.spend(1000, 0)
    assert budget.wait_s(1, 0) == 0


@pytest.mark.parametrize("said", [3, 95])
def test_the_venues_count_replaces_ours(said: int) -> None:
    """Down (a window that ended there first) and up (a neighbour on the same address)."""
    budget = Budget([MINUTE])
    budget.spend(50, 0)
    budget.correct({"weight": said, "unheard of": 1}, S)
    assert budget.rows()[0].used == said and budget.rows(60 * S)[0].used == 0


def test_one_call_too_heavy_for_the_brake_still_goes() -> None:
    """With nothing used there is nothing to wait for."""
    assert Budget([MINUTE]).wait_s(99, 0) == 0


def test_binance_has_its_windows_by_name() -> None:
    """A kind's longer window carries its seconds; connections are not a call's business."""
    budget = Budget(get("binance").limits)
    budget.spend(5, 0, orders=2)
    used = {row.kind: row.used for row in budget.rows()}
    assert used == {"weight": 5, "requests": 1, "orders": 2, "orders/86400": 2}


def test_scaled_windows_end_sooner() -> None:
    """A lab's time scale of ten: the minute is six seconds long, on the clock as before."""
    budget = Budget([Limit(kind="weight", amount=100, window_s=60)])
    budget.scale(10)
    budget.spend(80, 61_000_000_000)
    assert budget.wait_s(5, 61_000_000_000) == 5.0 and budget.wait_s(5, 66_000_000_000) == 0
    assert budget.rows()[0].window_s == 6
