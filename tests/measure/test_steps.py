"""Ages and wrong shares on drawn steps, and intervals on drawn samples: by hand."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from vocx.errors import BadInput
from vocx.measure import Observed, Poll, Steps, theory, validation
from vocx.measure.sampling import (
    NOTHING,
    Interval,
    mean_interval,
    quantile_interval,
    share_interval,
    student,
)
from vocx.measure.steps import ages, at_moments, within, wrong

MS = 1_000_000


def steps(*pairs: tuple[int, int]) -> Steps:
    """(ms, bid) pairs; the ask is one tick above."""
    return Steps(
        at=[at * MS for at, _ in pairs],
        bid=[bid for _, bid in pairs],
        ask=[bid + 1 for _, bid in pairs],
    )


def known(at: list[int], as_of: list[int], *, ageing: bool = True) -> Observed:
    same = [1] * len(at)
    return Observed(
        at=[one * MS for one in at],
        as_of=[one * MS for one in as_of],
        bid=same,
        ask=same,
        ageing=ageing,
    )


TRUE = steps((0, 1), (40, 2), (80, 1))


@pytest.mark.parametrize(
    ("shown", "share"),
    [
        ([(0, 1), (40, 2), (80, 1)], 0.0),
        ([(0, 1), (50, 2), (90, 1)], 0.2),
        ([(0, 1)], 0.4),
        ([(-20, 1), (30, 2)], 0.3),
        ([(50, 2)], 0.7),
    ],
)
def test_wrong_is_the_share_of_time_in_which_the_two_differ(shown, share) -> None:
    """A price holds until the next; knowing nothing is wrong; blocks do not change the mean."""
    for blocks in (1, 4, 10):
        found = wrong(steps(*shown), TRUE, 0, 100 * MS, blocks=blocks)
        assert found.value == pytest.approx(share)


def test_a_poll_ages_until_its_next_reply() -> None:
    """10 ms old on arrival, every 100 ms: 10 to 110 ms, 60 on average, 95 % below 105."""
    at = list(range(0, 1001, 100))
    found = ages(known(at, [one - 10 for one in at]), 0, 1000 * MS)
    assert found.mean.value == pytest.approx(60)
    assert found.p50.value == pytest.approx(60, abs=0.01)
    assert found.p95.value == pytest.approx(105, abs=0.01)
    assert found.p99.value == pytest.approx(109, abs=0.01)


def test_what_is_sent_at_each_change_stays_as_old_as_it_came() -> None:
    """A quiet market is no old price: 40 ms of delay are 40 ms of age, however long it is quiet."""
    found = ages(known([0, 900], [-40, 860], ageing=False), 0, 1000 * MS)
    assert found.mean.value == found.p99.value == pytest.approx(40)


def test_an_age_needs_something_that_was_known() -> None:
    """And a time that has a length."""
    with pytest.raises(BadInput, match="nothing was known"):
        ages(known([50], [40]), 0, 100 * MS)
    with pytest.raises(BadInput, match="after the beginning"):
        wrong(TRUE, TRUE, 50, 50)


def test_steps_are_found_by_moment() -> None:
    """The step before; the first one for what was before it."""
    bid, ask = at_moments(TRUE, [-5 * MS, 39 * MS, 40 * MS, 500 * MS])
    assert bid.tolist() == [1, 1, 2, 1] and ask.tolist() == [2, 2, 3, 2]
    assert within(TRUE.at, 0, 80 * MS) == 2 and len(TRUE.changes()) == 3
    assert len(steps((0, 1), (1, 1), (2, 3)).changes()) == 2


def test_student_is_the_tables() -> None:
    """97.5 % points of any textbook."""
    for degrees, point in ((1, 12.706), (3, 3.182), (5, 2.571), (9, 2.262), (30, 2.042)):
        assert student(degrees) == pytest.approx(point, rel=0.005)


def test_intervals_hold_what_they_say() -> None:
    """Of 400 samples of ten, 95 % of the intervals hold the true mean, give or take."""
    draw = Random(7)
    found = [mean_interval([draw.gauss(5, 2) for _ in range(10)]) for _ in range(400)]
    assert 0.92 < sum(one.holds(5) for one in found) / 400 < 0.98
    found = [quantile_interval([draw.expovariate(1) for _ in range(40)]) for _ in range(400)]
    assert 0.9 < sum(one.holds(0.6931) for one in found) / 400 <= 1


def test_one_sample_is_no_interval() -> None:
    """And none is no number; shares end at 0 and 1."""
    assert mean_interval([3.0]) == Interval(3.0, n=1) and not mean_interval([3.0]).holds(3)
    assert mean_interval([]) == NOTHING and str(NOTHING) == "-"
    low = share_interval([0.0, 0.0, 0.01])
    assert low.low is not None and low.high is not None and 0 < low.low < 0.0033 < low.high < 1
    assert share_interval([0.0] * 9) == Interval(0.0, n=9), "nothing varied, so nothing is claimed"


def test_an_interval_is_written_in_two_ways() -> None:
    """With its ends, or around the number for narrow tables; alone where there is none."""
    one = Interval(12.34, 11.84, 12.84, 9)
    assert one.show() == "12.3 (11.8 to 12.8)" and one.around() == "12.3 ± 0.5"
    assert Interval(512.0, 500, 524, 3).around(digits=0) == "512 ± 12"
    share = Interval(0.312, 0.118, 0.58, 9)
    assert f"{share:%}" == "31 % (12-58)" and f"{one:±}" == "12.3 ± 0.5" and f"{one}" == str(one)
    assert Interval(7.0).around() == "7.00" and NOTHING.around() == "-"


@pytest.mark.parametrize(
    ("interval", "rtt", "mean", "p95"),
    [(1000, 0, 500, 950), (250, 80, 165, 277.5), (20, 200, 200, 290), (0, 80, 80, 116)],
)
def test_a_poll_is_half_a_trip_and_half_a_period_old(interval, rtt, mean, p95) -> None:
    """The period is the interval, or the call where that is longer."""
    assert theory.expected_age_ms(interval, rtt) == mean
    assert theory.age_quantile_ms(0.95, interval, rtt) == pytest.approx(p95)


def test_a_stream_waits_for_nobody() -> None:
    """Its cadence stays what it is at any distance."""
    assert theory.pushed_age_ms(100, 200) == 150 and theory.pushed_age_ms(0, 200) == 100


def test_the_interval_for_an_age_or_none() -> None:
    """It leads back to the age; where no interval reaches it, there is none."""
    for age, rtt, q in ((150, 80, None), (276, 80, 0.95), (500, 0, 0.5)):
        interval = theory.interval_for_ms(age, rtt, q)
        assert interval is not None
        back = theory.expected_age_ms(interval, rtt)
        assert (back if q is None else theory.age_quantile_ms(q, interval, rtt)) == (
            pytest.approx(age)
        )
    assert theory.interval_for_ms(99, 200, 0.95) is None
    assert theory.interval_for_ms(150, 200, 0.95) is None, "it would have to be below the trip"


def test_too_few_samples_have_no_interval() -> None:
    """All of them may lie on one side of the quantile: then its other end is not known."""
    assert quantile_interval(range(4)).low is None and quantile_interval(range(5)).high == 4
    assert quantile_interval(range(60), 0.95).high is None
    assert quantile_interval(range(70), 0.95).high == 69


def test_the_budget_of_polling() -> None:
    """Weight 2 each 20 ms is the whole limit; with weight 4 the 429 comes after half a minute."""
    assert theory.weight_per_minute(20, 2) == 6000
    assert theory.seconds_until_429(20, 2, limit=6000) is None
    assert theory.seconds_until_429(20, 4, limit=6000) == pytest.approx(30)
    assert theory.seconds_until_429(20, 4, rtt_ms=80, limit=6000) is None
    assert theory.kib_per_s(1024, 250) == 4
    assert [theory.opening_round_trips(tls=tls) for tls in (False, True)] == [2, 3]


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf"), True, "20"])
def test_arithmetic_wants_numbers(bad) -> None:
    """A clear word instead of a strange number."""
    with pytest.raises(BadInput, match="interval_ms is"):
        theory.expected_age_ms(bad, 20)


@pytest.mark.parametrize("bad", [None, "5", True, float("nan"), float("inf"), -1, 11, [5]])
def test_what_was_asked_for_is_checked_in_one_place(bad) -> None:
    """One error, with the name, what was given, and what to write."""
    with pytest.raises(BadInput, match="seconds is .*; write a number from 0 to 10"):
        validation.number("seconds", bad, 0, 10)


def test_numbers_of_numpy_are_taken_as_numbers() -> None:
    """And come back as Python's own, which can be saved."""
    assert type(validation.number("seconds", np.float32(5), 0)) is float
    assert type(validation.whole("repeats", np.int64(5), 1)) is int
    assert type(Poll(np.int64(250)).every_ms) is float
    with pytest.raises(BadInput, match="at least one"):
        validation.several("feeds", "quotes", "[measure.Push()]")
