"""Closing sentences: what was measured, with the interval of each share and age."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from vocx.course.sentences import at_my_distance, near_and_far
from vocx.measure.sampling import Interval


def watched(rtt_ms: float, *feeds: tuple[Interval, Interval], changes: int = 40) -> Any:
    return SimpleNamespace(
        conditions=SimpleNamespace(rtt_ms=rtt_ms),
        changes=changes,
        feeds=[SimpleNamespace(age=SimpleNamespace(mean=age), wrong=wrong) for age, wrong in feeds],
    )


AGE, WRONG = Interval(500, 480, 520, n=8), Interval(0.31, 0.2, 0.42, n=8)
OLD, MOST = Interval(601, 580, 620, n=8), Interval(0.36, 0.25, 0.5, n=8)


def test_near_and_far_carry_their_brackets() -> None:
    """Four shares with their intervals, two differences of ages, and how much happened."""
    said = near_and_far(
        watched(0, (AGE, WRONG), (AGE, WRONG)), watched(200, (OLD, MOST), (OLD, MOST), changes=9)
    )
    text = " ".join(said.split())
    assert text.startswith("200 ms further away an asked price was 101 ms older, a pushed one 101")
    assert text.count("31 % (20 to 42)") == text.count("36 % (25 to 50)") == 2
    assert "changed 40 and 9 times" in text


def test_ages_that_differ_are_not_called_alike() -> None:
    """A busy machine is named, not hidden."""
    near, far = watched(0, (AGE, WRONG), (AGE, WRONG)), watched(200, (OLD, MOST), (AGE, MOST))
    assert "not the same, on a busy machine" in " ".join(near_and_far(near, far).split())


def test_ones_own_distance() -> None:
    """Ages and shares of both, each with its interval."""
    text = " ".join(at_my_distance(watched(35, (AGE, WRONG), (OLD, MOST))).split())
    assert "asked for once a second is 601 ms (580 to 620) old and wrong 36 % (25 to 50)" in text
    assert "each change is 500 ms (480 to 520) old and wrong 31.0 % (20.0 to 42.0)" in text


def test_what_was_not_run_is_named() -> None:
    """A sentence in place of an error."""
    assert "'In numbers'" in near_and_far(None, None)
    assert "'Your distance'" in at_my_distance(None)
