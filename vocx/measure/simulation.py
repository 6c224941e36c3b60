"""Perfect feeds over what was true: the same numbers for any interval and any distance, computed.

Given the true best prices of some time (from the lab's truth log or from a recording), a feed that
loses nothing and waits for nothing but distance and cadence is computed exactly. It is the theory
for the wrong share, which no formula knows because it depends on how the market moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from statistics import fmean
from typing import ClassVar

import msgspec
import numpy as np

from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.measure import validation
from vocx.measure.feeds import DISTANCES, STREAMS, Feed, Poll, Push, feeds_of
from vocx.measure.result import Column, Conditions, Result, crossed, value_alone
from vocx.measure.sampling import Interval
from vocx.measure.steps import Observed, Steps, ages, wrong

REFERENCE: tuple[Feed, ...] = (*STREAMS, Poll(250.0), Poll(1000.0), Poll(5000.0))


def window(
    true: Steps, feeds: Sequence[Feed], rtt_ms: float, *, spare_ms: float = 0.0
) -> tuple[int, int]:
    """From when on all of these feeds show something, so far away, until ``spare_ms`` before the
    end of the true prices: nanoseconds.

    Raises
    ------
    BadInput
        The end comes first.
    """
    longest_ms = max(one.cadence_ms for one in feeds) + rtt_ms
    since_ns = true.at[0] + int(longest_ms * 1e6)
    until_ns = true.at[-1] - int(spare_ms * 1e6)
    if until_ns <= since_ns:
        raise BadInput(
            "the time is shorter than the longest interval and distance: let the market run for "
            "some seconds more"
        )
    return since_ns, until_ns


def perfect(
    true: Steps, feed: Feed, rtt_ms: float, *, phase: float = 0.0, late_ms: float = 0.0
) -> Observed:
    """What a perfect feed shows at a distance. ``phase``, 0 to 1, says where in its period it
    begins, ``late_ms`` how much more than half the distance the way back takes."""
    half = int((rtt_ms / 2 + late_ms) * 1e6)
    if isinstance(feed, Push) and not feed.cadence_ms:
        return Observed(
            at=[one + half for one in true.at],
            bid=true.bid, ask=true.ask, tick=true.tick, as_of=true.at, ageing=False,
        )  # fmt: skip
    waits_ms = rtt_ms if isinstance(feed, Poll) else 0.0  # for its own reply
    period = int(max(feed.cadence_ms, waits_ms) * 1e6)
    first = true.at[0] - int((1 - phase) * period)
    beats = np.arange(first, true.at[-1] + period, period, dtype=np.int64)
    place = np.maximum(np.searchsorted(true.at, beats, side="right") - 1, 0)
    return Observed(
        at=(beats + half).tolist(),
        bid=np.asarray(true.bid)[place].tolist(),
        ask=np.asarray(true.ask)[place].tolist(),
        tick=true.tick,
        as_of=beats.tolist(),
    )


def expected_wrong(
    true: Steps,
    feed: Feed,
    rtt_ms: float,
    since_ns: int,
    until_ns: int,
    *,
    late_ms: float = 0.0,
    phases: int = 5,
) -> float:
    """The wrong share of a perfect feed in the same time, over some phases of its period."""
    shares = []
    for number in range(phases):
        known = perfect(true, feed, rtt_ms, phase=(number + 0.5) / phases, late_ms=late_ms)
        shares.append(wrong(known, true, since_ns, until_ns, blocks=1).value)
    return fmean(shares)


class SimulatedFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One feed at one distance."""

    feed: Feed
    rtt_ms: float
    age: Interval
    p95_ms: float
    wrong: Interval


class Simulation(Result, frozen=True, kw_only=True):
    """Mean age and wrong share of perfect feeds at several distances, over one true market."""

    title: ClassVar[str] = "perfect feeds over the true prices: mean age in ms, wrong share"
    changes: int
    feeds: list[SimulatedFeed]

    def items(self) -> Sequence[SimulatedFeed]:
        return self.feeds

    def columns(self) -> Sequence[Column]:
        return (
            Column("feed", "feed.name", "feed"),
            Column("rtt_ms", "rtt_ms", "ms away"),
            Column("age_mean_ms", "age", "mean age", value_alone),
            Column("age_p95_ms", "p95_ms", "p95"),
            Column("wrong_share", "wrong", "wrong share"),
        )

    def table(self) -> str:
        """A row for each feed, a column for each distance."""
        cells = [
            (one.feed.name, f"{one.rtt_ms:g} ms", f"{one.age.value:.0f}, {one.wrong.value:.1%}")
            for one in self.feeds
        ]
        return f"{self.title}\n{crossed('feed', cells)}\n{self.conditions.under()}"

    def find(self, feed: Feed, rtt_ms: float) -> SimulatedFeed:
        """The row of a feed at a distance."""
        return next(one for one in self.feeds if (one.feed, one.rtt_ms) == (feed, rtt_ms))


@says_its_form
def simulate(
    true: Steps,
    feeds: Sequence[Feed] = REFERENCE,
    rtts: Sequence[float] = DISTANCES,
    *,
    phases: int = 8,
    seed: int = 7,
) -> Simulation:
    """Mean age and wrong share of perfect feeds, over prices that were true.

    Polls begin at ``phases`` random places of their period; the intervals are those of the phases
    and of the pieces of the time.
    """
    draw, phases = Random(seed), validation.whole("phases", phases, 1, 1000)
    feeds, rtts = feeds_of(feeds), validation.distances(rtts)
    since_ns, until_ns = window(validation.steps(true), feeds, max(rtts))
    found = []
    for feed in feeds:
        for rtt_ms in rtts:
            places = [draw.random() for _ in range(phases if feed.cadence_ms else 1)]
            known = [perfect(true, feed, rtt_ms, phase=one) for one in places]
            aged = [ages(one, since_ns, until_ns) for one in known]
            wrongs = [wrong(one, true, since_ns, until_ns) for one in known]
            found.append(
                SimulatedFeed(
                    feed=feed,
                    rtt_ms=rtt_ms,
                    age=pooled([one.mean for one in aged]),
                    p95_ms=fmean(one.p95.value for one in aged),
                    wrong=pooled(wrongs),
                )
            )
    return Simulation(
        conditions=Conditions(
            path="from the exchange's book to a perfect program",
            clock="whoever wrote the prices down",
            seed=seed,
            seconds=(until_ns - since_ns) / 1e9,
        ),
        changes=len(true.changes()) - 1,
        feeds=found,
    )


def pooled(found: Sequence[Interval]) -> Interval:
    """The mean over programs that differ in phase. All of them see the same market, so they do not
    narrow the interval."""
    value = fmean(one.value for one in found)
    lows = [one.low for one in found if one.low is not None]
    highs = [one.high for one in found if one.high is not None]
    if not lows or not highs:
        return Interval(value, n=1)
    return Interval(value, fmean(lows), fmean(highs), found[0].n)
