"""What was true, and what was known of it, as steps in time; ages and wrong shares of them. Pure.

All times are nanoseconds of one clock, prices whole ticks. Everything is integrated exactly over
time, not sampled: a price that is shown for a microsecond counts for a microsecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from vocx.arguments import digits
from vocx.errors import BadInput
from vocx.measure.sampling import Interval, mean_interval, share_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Moments = NDArray[np.int64]
    Numbers = NDArray[np.float64]

BLOCKS = 10
"""Pieces that a time is cut into, to see how much a number varies from one to the next."""


class Steps(msgspec.Struct, frozen=True, kw_only=True):
    """Best prices, each from its moment until the next.

    Attributes
    ----------
    at : list of int
        From when on, nanoseconds, ascending.
    bid, ask : list of int
        In ticks.
    tick : str
        The size of one, as exact text.
    """

    at: list[int]
    bid: list[int]
    ask: list[int]
    tick: str = "1"

    def __post_init__(self) -> None:
        if not len(self.at) == len(self.bid) == len(self.ask):
            raise BadInput("steps need a bid and an ask for each moment")

    def __len__(self) -> int:
        return len(self.at)

    def changes(self) -> Steps:
        """Only the steps at which a price differs from the one before."""
        bid, ask = np.asarray(self.bid), np.asarray(self.ask)
        new = np.ones(len(bid), dtype=bool)
        new[1:] = (bid[1:] != bid[:-1]) | (ask[1:] != ask[:-1])
        where = np.flatnonzero(new).tolist()
        return Steps(
            at=[self.at[one] for one in where],
            bid=[self.bid[one] for one in where],
            ask=[self.ask[one] for one in where],
            tick=self.tick,
        )


def steps_of(quotes: Iterable[tuple[int, Any, Any]], tick: Decimal) -> Steps:
    """(nanoseconds, bid, ask) as steps in whole ticks; what is not on the tick is refused."""
    at: list[int] = []
    bid: list[int] = []
    ask: list[int] = []
    for moment, low, high in quotes:
        for side, price in ((bid, low), (ask, high)):
            ticks = Decimal(price) / tick
            if ticks != int(ticks):
                shown = digits(Decimal(price))
                raise BadInput(f"the price {shown} is not on the tick of {digits(tick)}")
            side.append(int(ticks))
        at.append(int(moment))
    return Steps(at=at, bid=bid, ask=ask, tick=str(tick))


def tick_of(prices: Iterable[Any]) -> Decimal:
    """The power of ten on which all of the prices lie."""
    exponents = (Decimal(one).normalize().as_tuple().exponent for one in prices)
    return Decimal(1).scaleb(min([0, *(int(one) for one in exponents)]))


class Observed(Steps, frozen=True, kw_only=True):
    """What somebody knew, by when they knew it.

    Attributes
    ----------
    as_of : list of int
        Up to which moment it was complete when it came.
    ageing : bool or list of bool
        It grows older until the next step (a poll, a stream with a cadence). False: what comes is
        proven complete all the time, as each change is sent (it stays as old as it came). Step by
        step where such a stream fell silent while the price changed: from there it grows older.
    """

    as_of: list[int]
    ageing: bool | list[bool] = True


class Ages(msgspec.Struct, frozen=True, kw_only=True):
    """Age over time, milliseconds: the mean, and what it did not exceed for half, 95 % and 99 % of
    the time; each with the interval in which it lies."""

    mean: Interval
    p50: Interval
    p95: Interval
    p99: Interval


def ages(known: Observed, since_ns: int, until_ns: int, blocks: int = BLOCKS) -> Ages:
    """The ages of what was on the screen between two moments.

    Raises
    ------
    BadInput
        Nothing was known at the beginning, or the end lies before it.
    """
    edges = _edges(since_ns, until_ns, blocks)
    begun, length, slope, block = _aged(known, edges)
    found = []
    for number in range(blocks):
        mine = block == number
        found.append(_summary(begun[mine], length[mine], slope[mine]))
    whole = _summary(begun, length, slope)
    columns = [mean_interval([one[at] for one in found]) for at in range(4)]
    mean, p50, p95, p99 = (
        spread.laid_around(value) for value, spread in zip(whole, columns, strict=True)
    )
    return Ages(mean=mean, p50=p50, p95=p95, p99=p99)


def ages_of_periods(known: Observed, since_ns: int, until_ns: int) -> Ages:
    """:func:`ages` over whole periods of what grows older: half a sawtooth at the end would tilt
    the mean. Silence there is no sawtooth, and counts."""
    if known.ageing is not True:
        return ages(known, since_ns, until_ns)
    inside = np.asarray(known.at)
    inside = inside[(inside >= since_ns) & (inside <= until_ns)]
    periods = len(inside) - 1
    if periods < 2:
        return ages(known, since_ns, until_ns, blocks=2)
    usual = np.median(np.diff(inside))
    if until_ns - inside[-1] > 1.5 * usual or np.diff(known.as_of[-2:])[0] < usual / 2:
        return ages(known, since_ns, until_ns)
    return ages(known, int(inside[0]), int(inside[-1]), blocks=min(periods, 40))


def _aged(known: Observed, edges: Moments) -> tuple[Numbers, Numbers, Numbers, Moments]:
    """Pieces of time: the age at the beginning and the length in ms, how it grows, the block."""
    if not known.at or known.at[0] > edges[0]:
        raise BadInput("nothing was known yet when the time began")
    place, at, length = _pieces([np.asarray(known.at)], edges)
    came, as_of = np.asarray(known.at)[place[0]], np.asarray(known.as_of)[place[0]]
    grows = np.broadcast_to(np.asarray(known.ageing), len(known.at))[place[0]]
    begun = (np.where(grows, at, came) - as_of) / 1e6
    return begun, length / 1e6, grows * 1.0, np.searchsorted(edges, at, side="right") - 1


def _summary(begun: Numbers, length: Numbers, slope: Numbers) -> tuple[float, float, float, float]:
    mean = float(((begun + slope * length / 2) * length).sum() / length.sum())
    p50, p95, p99 = (quantile(begun, length, slope, q) for q in (0.5, 0.95, 0.99))
    return mean, p50, p95, p99


def quantile(begun: Numbers, length: Numbers, slope: Numbers, q: float) -> float:
    """The value that pieces of time, each rising from ``begun`` with ``slope`` (0 or 1) for
    ``length``, do not exceed in a share ``q`` of their time.

    How much time lies below a value grows with the pieces that rise past it, and jumps where one
    stands still: both only turn at the pieces' ends, so one pass over these finds the value.
    """
    flat = slope == 0
    ends = np.concatenate([begun, (begun + length)[~flat]])
    order = np.argsort(ends, kind="stable")
    at = ends[order]
    rate = np.cumsum(np.concatenate([slope, -slope[~flat]])[order])
    jump = np.concatenate([length * flat, np.zeros(len(at) - len(begun))])[order]
    rise = np.append(0.0, np.cumsum(rate[:-1] * np.diff(at)))
    after = rise + np.cumsum(jump)
    wanted = min(q * float(length.sum()), float(after[-1]))
    place = int(np.searchsorted(after, wanted))
    before = after[place] - jump[place]
    return float(at[place] - (before - wanted) / rate[place - 1] if wanted < before else at[place])


def wrong(
    known: Steps, true: Steps, since_ns: int, until_ns: int, blocks: int = BLOCKS
) -> Interval:
    """The share of the time in which the two differ, 0 to 1. Knowing nothing is wrong."""
    edges = _edges(since_ns, until_ns, blocks)
    (mine, theirs), at, length = _pieces([np.asarray(known.at), np.asarray(true.at)], edges)
    differs = np.ones(len(at), dtype=bool)
    both = (mine >= 0) & (theirs >= 0)
    if both.any():
        differs[both] = (
            np.asarray(known.bid)[mine[both]] != np.asarray(true.bid)[theirs[both]]
        ) | (np.asarray(known.ask)[mine[both]] != np.asarray(true.ask)[theirs[both]])
    block = np.searchsorted(edges, at, side="right") - 1
    shares = [
        float((length * differs)[block == number].sum() / length[block == number].sum())
        for number in range(blocks)
    ]
    return share_interval(shares)


def missed_share(known: Observed, true: Steps, since_ns: int, until_ns: int) -> float:
    """The share of the moments of true updates that were never shown."""
    at, as_of, born = np.asarray(known.at), np.asarray(known.as_of), np.unique(true.at)
    came = (at > since_ns) & (at <= until_ns)
    if isinstance(known.ageing, list):  # those that did not come
        came &= ~np.asarray(known.ageing)
    shown = len(np.unique(np.searchsorted(born, as_of[came], side="right")))
    return max(0.0, 1 - shown / max(1, within(born.tolist(), since_ns, until_ns)))


def at_moments(steps: Steps, moments_ns: Iterable[int]) -> tuple[Moments, Moments]:
    """Bid and ask in ticks at each moment; the first step stands for what was before it."""
    place = np.searchsorted(steps.at, np.asarray(list(moments_ns)), side="right") - 1
    place = np.maximum(place, 0)
    return np.asarray(steps.bid)[place], np.asarray(steps.ask)[place]


def within(steps: Sequence[int], since_ns: int, until_ns: int) -> int:
    """How many moments lie in a time."""
    low, high = np.searchsorted(steps, [since_ns, until_ns], side="right")
    return int(high - low)


def _edges(since_ns: int, until_ns: int, blocks: int) -> Moments:
    if until_ns <= since_ns:
        raise BadInput("the end must lie after the beginning")
    return np.linspace(since_ns, until_ns, blocks + 1).astype(np.int64)


def _pieces(series: Sequence[Moments], edges: Moments) -> tuple[list[Moments], Moments, Moments]:
    """Time cut at every step and edge: for each piece the place in each series (-1: before its
    first), its beginning and its length."""
    inside = [one[(one > edges[0]) & (one < edges[-1])] for one in series]
    at = np.unique(np.concatenate([edges[:-1], *inside]))
    length = np.diff(np.append(at, edges[-1]))
    return [np.searchsorted(one, at, side="right") - 1 for one in series], at, length
