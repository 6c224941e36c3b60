"""Candle arithmetic: intervals, their boundaries, and tables of bars as integer columns.

A table is an int64 array with one row per bucket and the columns below. ``LAST`` is the id of the
newest trade up to the end of the bucket, so the first id of a bucket is ``LAST - COUNT + 1``. A
bucket without trades repeats the close before it. Sums of rows are therefore exact at any level.

Intervals and the time zone rule: Binance, ``GET /api/v3/klines`` (documentation of 2026-11).
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from vocx.errors import UnknownInterval
from vocx.lab.events import Bar

Table = npt.NDArray[np.int64]

OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE, COUNT, TAKER, TAKER_QUOTE, LAST = range(10)
WIDTH = 10
NEVER = 2**62
SUMMED = [VOLUME, QUOTE, COUNT, TAKER, TAKER_QUOTE]

SECOND = 1_000_000_000
LENGTHS_S = (86_400, 3_600, 900, 60, 1)
"""Bucket lengths that tables exist for, seconds, each a multiple of the next."""

INTERVALS_S = {
    "1s": 1,
    "1m": 60,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "2h": 7_200,
    "4h": 14_400,
    "6h": 21_600,
    "8h": 28_800,
    "12h": 43_200,
    "1d": 86_400,
    "3d": 259_200,
    "1w": 604_800,
}
"""Intervals of fixed length, seconds; ``"1M"`` is a calendar month."""

MONDAY_S = 4 * 86_400
"""The epoch was a Thursday: weeks begin four days after it."""


def month_start_s(month: int) -> int:
    """Seconds since the epoch at which a month begins; month 0 is January 1970."""
    return int(datetime(1970 + month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp())


def month_of(seconds: int) -> int:
    """The month a moment lies in; month 0 is January 1970."""
    when = datetime.fromtimestamp(seconds, UTC)
    return (when.year - 1970) * 12 + when.month - 1


class Interval:
    """Numbered buckets of one interval, shifted by a time zone.

    Parameters
    ----------
    name
        As Binance writes it, ``"1s"`` to ``"1M"``.
    offset_s
        Local time minus UTC in seconds: days begin at local midnight.

    Raises
    ------
    UnknownInterval
        Names the ones that exist.
    """

    def __init__(self, name: str, offset_s: int = 0) -> None:
        if name != "1M" and name not in INTERVALS_S:
            known = ", ".join([*INTERVALS_S, "1M"])
            raise UnknownInterval(f"no interval {name!r}; there are {known}")
        self.offset_s = offset_s
        self.length_s = 0 if name == "1M" else INTERVALS_S[name]
        self.phase_s = (MONDAY_S if name == "1w" else 0) - offset_s

    def number(self, seconds: int) -> int:
        """The bucket that a moment (seconds since the epoch) lies in."""
        if not self.length_s:
            return month_of(seconds + self.offset_s)
        return (seconds - self.phase_s) // self.length_s

    def start_s(self, number: int) -> int:
        """When a bucket begins, seconds since the epoch."""
        if not self.length_s:
            return month_start_s(number) - self.offset_s
        return number * self.length_s + self.phase_s

    @property
    def table_s(self) -> int:
        """The longest table bucket that every boundary of this interval falls on."""
        grain = self.length_s or 86_400
        return next(n for n in LENGTHS_S if grain % n == 0 and self.phase_s % n == 0)


def grouped(table: Table, starts: npt.NDArray[np.int64]) -> Table:
    """Rows merged into groups that begin at the row numbers ``starts``.

    Rows without trades do not touch open, high and low: a bar's open is its first trade's price.
    """
    traded = table[:, COUNT] > 0
    far = len(table)
    first = np.minimum.reduceat(np.where(traded, np.arange(far), far), starts)
    result = np.empty((len(starts), WIDTH), np.int64)
    ends = np.append(starts[1:], far) - 1
    result[:, CLOSE] = table[ends, CLOSE]
    result[:, LAST] = table[ends, LAST]
    for column in SUMMED:
        result[:, column] = np.add.reduceat(table[:, column], starts)
    result[:, OPEN] = table[np.minimum(first, far - 1), OPEN]
    result[:, HIGH] = np.maximum.reduceat(np.where(traded, table[:, HIGH], 0), starts)
    result[:, LOW] = np.minimum.reduceat(np.where(traded, table[:, LOW], NEVER), starts)
    empty = result[:, COUNT] == 0
    result[np.ix_(empty, [OPEN, HIGH, LOW])] = result[empty, CLOSE][:, None]
    return result


def joined(earlier: Table, later: Table) -> Table:
    """One row of two halves of the same bucket, each of shape (WIDTH,)."""
    if not later[COUNT]:
        return earlier
    if not earlier[COUNT]:
        return later
    row = later.copy()
    row[OPEN] = earlier[OPEN]
    row[HIGH] = max(earlier[HIGH], later[HIGH])
    row[LOW] = min(earlier[LOW], later[LOW])
    row[SUMMED] += earlier[SUMMED]
    return row


def to_bar(row: list[int], open_s: int, next_s: int) -> Bar:
    """One row as a :class:`Bar` that ends a nanosecond before ``next_s``."""
    count, last = row[COUNT], row[LAST]
    return Bar(
        open_s * SECOND,
        next_s * SECOND - 1,
        row[OPEN],
        row[HIGH],
        row[LOW],
        row[CLOSE],
        row[VOLUME],
        row[QUOTE],
        count,
        row[TAKER],
        row[TAKER_QUOTE],
        last - count + 1 if count else -1,
        last if count else -1,
    )
