"""Candle arithmetic: tables of bars as integer columns.

A table is an int64 array with one row per bucket and the columns below. ``LAST`` is the id of the
newest trade up to the end of the bucket, so the first id of a bucket is ``LAST - COUNT + 1``. A
bucket without trades repeats the close before it. Sums of rows are therefore exact at any level.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vocx.lab.events import Bar

Table = npt.NDArray[np.int64]

OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE, COUNT, TAKER, TAKER_QUOTE, LAST = range(10)
WIDTH = 10
NEVER = 2**62
SUMMED = [VOLUME, QUOTE, COUNT, TAKER, TAKER_QUOTE]

SECOND = 1_000_000_000
MINUTE_S = 60
HOUR_S = 3_600


def grouped(table: Table, starts: Table) -> Table:
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
    """One row of two parts of the same bucket, each of shape (WIDTH,)."""
    row: Table = grouped(np.stack([earlier, later]), np.zeros(1, np.int64))[0]
    return row


def filled(known: Table, where: Table, size: int, before: Table) -> Table:
    """A table of ``size`` rows with ``known`` at the rows ``where`` and flat rows between;
    ``before`` is the row that lies before it."""
    source = np.zeros(size, np.int64)
    source[where] = np.arange(1, len(known) + 1)
    source = np.maximum.accumulate(source)
    result = np.concatenate([before[None], known])[source]
    quiet = np.ones(size, np.bool_)
    quiet[where] = False
    flat = np.flatnonzero(quiet)[:, None]
    result[flat, [OPEN, HIGH, LOW]] = result[flat, CLOSE]
    result[flat, SUMMED] = 0
    return result


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
