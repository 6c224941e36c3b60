"""Perfect feeds over what was true: the same numbers for any interval and any distance, computed.

Given the true best prices of some time (from the lab's truth log or from a recording), a feed that
loses nothing and waits for nothing but distance and cadence is computed exactly. It is the theory
for the wrong share, which no formula knows because it depends on how the market moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np

from vocx import venues
from vocx.errors import BadInput
from vocx.facts import Quote
from vocx.measure import validation
from vocx.measure.feeds import CADENCE_MS, Feed, Hybrid, Poll, Push, feeds_of
from vocx.measure.result import Conditions, Result
from vocx.measure.sampling import Interval
from vocx.measure.steps import Observed, Steps, ages, wrong
from vocx.recording import read, split
from vocx.timing import mono_ns
from vocx.venues.base import ChannelSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.lab import Lab

REFERENCE: tuple[Feed, ...] = (
    Push("quotes"),
    Push("book"),
    Push("ticker"),
    Poll(250.0),
    Poll(1000.0),
    Poll(5000.0),
)
DISTANCES = (0.0, 20.0, 80.0, 200.0)


def steps_of(quotes: Iterable[tuple[int, Any, Any]], tick: Decimal) -> Steps:
    """(nanoseconds, bid, ask) as steps in whole ticks; what is not on the tick is refused."""
    at: list[int] = []
    bid: list[int] = []
    ask: list[int] = []
    for moment, low, high in quotes:
        for side, price in ((bid, low), (ask, high)):
            ticks = Decimal(price) / tick
            if ticks != int(ticks):
                raise BadInput(f"the price {price} is not on the tick of {tick}")
            side.append(int(ticks))
        at.append(int(moment))
    return Steps(at=at, bid=bid, ask=ask, tick=str(tick))


def truth_of(lab: Lab, symbol: str = "BTC/USDT", *, seconds: float = 60.0) -> Steps:
    """The true best prices of the last seconds, from the lab's truth log (it keeps about a
    minute and a half), every change of price or quantity; the machine's shared clock.

    Raises
    ------
    BadInput
        The log has nothing of this symbol yet.
    """
    seconds = validation.number("seconds", seconds, 0.1, 3600)
    symbol = validation.symbol(symbol)
    events = validation.lab(lab).truth.events(1, symbol=symbol, kind="quote")
    since_ns = mono_ns() - int(seconds * 1e9)
    found = [(one.mono_ns, one.bid, one.ask) for one in events if one.mono_ns >= since_ns]
    if len(found) < 2:
        raise BadInput(f"nothing happened to {symbol} yet: let the market run for some seconds")
    return steps_of(found, tick_of(value for _, *pair in found for value in pair))


def truth_in(
    paths: str | Path | Sequence[str | Path], symbol: str = "BTC/USDT", *, venue: str = "binance"
) -> Steps:
    """The best prices of a recording (``vocx record``), by when its ``bookTicker`` frames came.

    Raises
    ------
    RecordingError
        A file is missing or damaged.
    BadInput
        There are no best prices of this symbol in it.
    """
    single = [paths] if isinstance(paths, str | Path) else paths
    files = validation.several("paths", single, 'the path of a recording, "btc.vocx.gz"')
    adapter = venues.get(venue)
    plan = adapter.subscribe([ChannelSpec(channel="quotes", symbol=symbol)])[0]
    mark = b'@bookTicker"'
    found = []
    for line in read([Path(one) for one in files]):
        at_ns, text = split(line)
        if mark in text[:80]:
            for fact in adapter.decode(text, at_ns, plan):
                if isinstance(fact, Quote):
                    found.append((at_ns, fact.bid, fact.ask))
    if len(found) < 2:
        raise BadInput(f"there are no best prices of {symbol} in {', '.join(map(str, files))}")
    found.sort(key=lambda one: one[0])
    return steps_of(found, tick_of(value for _, *pair in found for value in pair))


def tick_of(prices: Iterable[Any]) -> Decimal:
    """The power of ten on which all of the prices lie."""
    exponents = (Decimal(one).normalize().as_tuple().exponent for one in prices)
    return Decimal(1).scaleb(min([0, *(int(one) for one in exponents)]))


def feed_of(
    true: Steps,
    feed: Feed,
    rtt_ms: float,
    *,
    phase: float = 0.0,
    since_ns: int | None = None,
    late_ms: float = 0.0,
) -> Observed:
    """What a perfect feed shows at a distance. ``phase``, 0 to 1, says where in its period it
    begins, ``late_ms`` how much more than half the distance the way back takes."""
    if isinstance(feed, Hybrid):
        under = feed_of(true, Push(feed.channel), rtt_ms, phase=phase, late_ms=late_ms)
        looks = _beats(true, feed.loop_ms, (phase * 7.3) % 1.0, since_ns)
        return _looked(under, looks)
    half = int((rtt_ms / 2 + late_ms) * 1e6)
    if isinstance(feed, Push) and not feed.cadence_ms:
        return Observed(
            at=[one + half for one in true.at],
            bid=true.bid, ask=true.ask, tick=true.tick, as_of=true.at, ageing=False,
        )  # fmt: skip
    period = max(feed.every_ms, rtt_ms) if isinstance(feed, Poll) else CADENCE_MS[feed.channel]
    beats = _beats(true, period, phase, since_ns)
    place = np.maximum(np.searchsorted(true.at, beats, side="right") - 1, 0)
    return Observed(
        at=(beats + half).tolist(),
        bid=np.asarray(true.bid)[place].tolist(),
        ask=np.asarray(true.ask)[place].tolist(),
        tick=true.tick,
        as_of=beats.tolist(),
    )


def _beats(true: Steps, period_ms: float, phase: float, since_ns: int | None) -> Any:
    period = int(period_ms * 1e6)
    first = (true.at[0] if since_ns is None else since_ns) - int((1 - phase) * period)
    return np.arange(first, true.at[-1] + period, period, dtype=np.int64)


def _looked(under: Observed, looks: Any) -> Observed:
    place = np.searchsorted(under.at, looks, side="right") - 1
    looks, place = looks[place >= 0], place[place >= 0]
    as_of = np.asarray(under.as_of)[place]
    if not under.ageing:
        as_of = looks - (np.asarray(under.at)[place] - as_of)
    return Observed(
        at=looks.tolist(),
        bid=np.asarray(under.bid)[place].tolist(),
        ask=np.asarray(under.ask)[place].tolist(),
        tick=under.tick,
        as_of=as_of.tolist(),
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
        known = feed_of(true, feed, rtt_ms, phase=(number + 0.5) / phases, late_ms=late_ms)
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
    lines: list[SimulatedFeed]

    def rows(self) -> list[dict[str, Any]]:
        made: dict[str, dict[str, Any]] = {}
        for one in self.lines:
            row = made.setdefault(one.feed.name, {"feed": one.feed.name})
            row[f"{one.rtt_ms:g} ms"] = f"{one.age.value:.0f}, {one.wrong.value:.1%}"
        return list(made.values())

    def find(self, feed: Feed, rtt_ms: float) -> SimulatedFeed:
        """The row of a feed at a distance."""
        return next(one for one in self.lines if (one.feed, one.rtt_ms) == (feed, rtt_ms))

    def figure(self, *, height: int = 340) -> go.Figure:
        """Wrong share against distance, one line per feed."""
        from vocx import figures

        table: Mapping[str, list[SimulatedFeed]] = {
            name: [one for one in self.lines if one.feed.name == name]
            for name in dict.fromkeys(one.feed.name for one in self.lines)
        }
        return figures.lines(
            {
                name: [(one.rtt_ms, one.wrong.value * 100) for one in rows]
                for name, rows in table.items()
            },
            x="distance of the exchange: round trip, ms",
            y="wrong share, % of the time (computed over the true prices)",
            height=height,
        )


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
    longest_ms = max(one.cadence_ms for one in feeds) + max(rtts)
    validation.steps(true)
    since_ns, until_ns = true.at[0] + int(longest_ms * 1e6), true.at[-1]
    if until_ns <= since_ns:
        raise BadInput("the time is shorter than the longest interval and distance: take more")
    lines = []
    for feed in feeds:
        for rtt_ms in rtts:
            places = [draw.random() for _ in range(phases if feed.cadence_ms else 1)]
            known = [feed_of(true, feed, rtt_ms, phase=one) for one in places]
            aged = [ages(one, since_ns, until_ns) for one in known]
            wrongs = [wrong(one, true, since_ns, until_ns) for one in known]
            lines.append(
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
        lines=lines,
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
