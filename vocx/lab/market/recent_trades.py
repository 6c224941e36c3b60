"""Single trades from just before the start, so that a newcomer who asks for the last thousand
gets a thousand from the first second on.

They agree with the seconds of :mod:`vocx.lab.market.history` in ids, count, volume, open, high, low
and close; quote and taker volumes are of the same size, not the same number.
"""

from __future__ import annotations

from random import Random

from vocx.lab.events import Traded
from vocx.lab.market.candles import CLOSE, COUNT, HIGH, LAST, LOW, OPEN, SECOND, VOLUME
from vocx.lab.market.history import History

WANTED = 2_000
LONGEST_S = 4 * 3_600


def recent_trades(symbol: str, history: History) -> list[Traded]:
    """The last :data:`WANTED` trades of history or a few more, oldest first; less only when
    hours did not see as many."""
    end = history.start_ns // SECOND + 1
    length = 60
    while True:
        seconds = history.rows(1, end - length, end)
        if seconds[:, COUNT].sum() >= WANTED or length >= LONGEST_S:
            break
        length *= 2
    draw = Random(f"{history.seed} recent")
    result: list[list[Traded]] = []
    found = 0
    for at in range(len(seconds) - 1, -1, -1):
        row = seconds[at].tolist()
        if row[COUNT]:
            result.append(_trades_of(symbol, row, end - length + at, history.start_ns, draw))
            found += row[COUNT]
        if found >= WANTED:
            break
    return [trade for second in reversed(result) for trade in second]


def _trades_of(
    symbol: str, row: list[int], second: int, start_ns: int, draw: Random
) -> list[Traded]:
    """One second's trades: open first, close last, high and low among the others."""
    count, first_id = row[COUNT], row[LAST] - row[COUNT] + 1
    cuts = sorted(draw.random() ** 2 for _ in range(count - 1))
    spare = row[VOLUME] - count
    edges = [0, *(int(spare * cut) for cut in cuts), spare]
    prices = [draw.randint(row[LOW], row[HIGH]) for _ in range(count)]
    prices[0] = row[OPEN]
    if count > 3:
        prices[1], prices[2] = row[HIGH], row[LOW]
    prices[-1] = row[CLOSE]
    length_ns = min(SECOND, start_ns - second * SECOND)
    times = sorted(draw.randrange(length_ns) for _ in range(count))
    return [
        Traded(
            symbol,
            second * SECOND + times[at],
            first_id + at,
            prices[at],
            edges[at + 1] - edges[at] + 1,
            "buy" if draw.random() < 0.5 else "sell",
            2 * (first_id + at) - 2,
            2 * (first_id + at) - 1,
        )
        for at in range(count)
    ]
