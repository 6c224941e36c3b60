"""Closing sentences: what was measured, with the interval of each share and age."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from vocx.course.sentences import at_my_distance, near_and_far
from vocx.measure import Poll, Push, Steps
from vocx.measure.sampling import Interval

EACH_SECOND = Steps(
    at=[second * 10**9 for second in range(60)],
    bid=[100 + second for second in range(60)],
    ask=[101 + second for second in range(60)],
)
"""A price that changes once a second: 200 ms away a perfect stream is wrong for 100 ms of each."""


def watched(rtt_ms: float, *feeds: tuple[Interval, Interval]) -> Any:
    return SimpleNamespace(
        conditions=SimpleNamespace(rtt_ms=rtt_ms),
        seconds=60,
        true=EACH_SECOND,
        feeds=[
            SimpleNamespace(feed=feed, age=SimpleNamespace(mean=age), wrong=wrong)
            for feed, (age, wrong) in zip((Poll(1000), Push("quotes")), feeds, strict=True)
        ],
    )


AGE, WRONG = Interval(500, 480, 520, n=8), Interval(0.31, 0.2, 0.42, n=8)
OLD, MOST = Interval(601, 580, 620, n=8), Interval(0.36, 0.25, 0.5, n=8)


def test_near_and_far_carry_their_brackets() -> None:
    """Two differences of ages as measured; four shares with their intervals, of both distances
    over the same prices, so that far away is never better by chance."""
    said = near_and_far(
        watched(0, (AGE, MOST), (AGE, MOST)), watched(200, (OLD, WRONG), (OLD, WRONG))
    )
    text = " ".join(said.split())
    assert text.startswith("200 ms further away an asked price was 101 ms older, a pushed one 101")
    assert "pushed, 0 % and 10 % (9 to 11)" in text and "the same 60 s" in text
    shares = r"wrong (\d+) % \(\d+ to \d+\) of the time near by and (\d+) % \(\d+ to \d+\) far away"
    found = re.search(shares, text)
    assert found and int(found[1]) < int(found[2])


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
