"""The market before the lab began: hours for years, minutes for the last 40 days, a few trades.

The strategy: bottom up. Returns are drawn for each bucket and added up backwards from the start
price, so the path ends where the live market begins; hours of the last 40 days are sums of their
minutes. How much moves and trades follows the live market's averages, the hour of the day, and a
mood of each day's own. Everything is drawn once, when somebody asks, and is the same for the same
seed and start.
"""

from __future__ import annotations

from functools import cached_property
from random import Random

import numpy as np
import numpy.typing as npt

from vocx.lab.events import Traded
from vocx.lab.market.candles import (
    CLOSE,
    COUNT,
    HIGH,
    HOUR_S,
    LAST,
    LOW,
    MINUTE_S,
    OPEN,
    QUOTE,
    SECOND,
    TAKER,
    TAKER_QUOTE,
    VOLUME,
    WIDTH,
    Table,
    grouped,
)

Floats = npt.NDArray[np.float64]

DAY_S = 86_400
DAYS = 1_100
"""How far back history reaches: three years, and more than 1,000 daily candles."""
MINUTE_DAYS = 40
"""How far back minutes reach."""
RECENT_TRADES = 2_000
"""Single trades that are invented before the start, at least."""
JUMPS_A_TRADE = 0.027
"""Of the live market: bursts over trades."""
FARTHEST = 1.1
"""Bound of the path's log distance from the start price: a factor of three."""

HOURLY = np.array(
    [70, 65, 62, 58, 52, 50, 52, 60, 72, 80, 84, 90, 105, 135, 160, 158, 145, 128, 112, 104, 100]
    + [96, 86, 78],
    np.float64,
)
"""Activity by hour of the day, UTC: Europe and America overlap from 13 to 17."""


class History:
    """Bars of one symbol from :data:`DAYS` days before ``start_ns`` up to it.

    Parameters
    ----------
    seed
        Same seed, same start, same history.
    start_ns
        Where history ends and the live market begins.
    price
        Last close, in ticks.
    trades_a_day, lots_a_trade
        Averages that the live market continues.
    volatility
        Standard deviation of a day's return, as a share.
    next_trade
        The id that the first live trade gets; ids count back from it.
    """

    def __init__(
        self,
        *,
        symbol: str,
        seed: int,
        start_ns: int,
        price: int,
        trades_a_day: float,
        lots_a_trade: float,
        volatility: float,
        next_trade: int,
    ) -> None:
        self.symbol = symbol
        self.seed = seed
        self.start_ns = start_ns
        self.price = price
        self.trades_a_day = trades_a_day
        self.lots_a_trade = max(lots_a_trade, 1.0)
        self.volatility = volatility
        self.next_trade = next_trade
        today = start_ns // SECOND // DAY_S * DAY_S
        self._first_s = {HOUR_S: today - DAYS * DAY_S, MINUTE_S: today - MINUTE_DAYS * DAY_S}

    def first_s(self, length_s: int) -> int:
        """When the buckets of a table length begin, seconds since the epoch."""
        return self._first_s[length_s]

    def rows(self, length_s: int, first: int, end: int) -> Table:
        """Buckets ``first`` to ``end - 1`` of one table length (:data:`HOUR_S` or
        :data:`MINUTE_S`), counted from the epoch: from the first one to that of the start."""
        before = self._first_s[length_s] // length_s
        return self._tables[length_s][first - before : end - before]

    @cached_property
    def _tables(self) -> dict[int, Table]:
        draw = np.random.default_rng(self.seed)
        mood = draw.standard_normal((2, DAYS + 1))
        mood[:, -2:] *= 0.3  # The last days go over into the live market's average.
        middle = self._first_s[MINUTE_S]
        hours = _Buckets(self, HOUR_S, self._first_s[HOUR_S], middle, draw, mood)
        minutes = _Buckets(self, MINUTE_S, middle, self.start_ns // SECOND + 1, draw, mood)
        path = np.concatenate([hours.returns, minutes.returns])
        # Folded, so that three years of history never lead further than a factor of three.
        away = np.cumsum(path[::-1])[::-1]
        away = FARTHEST - np.abs((away + FARTHEST) % (4 * FARTHEST) - 2 * FARTHEST)
        opened = np.append(np.maximum(np.rint(self.price * np.exp(-away)), 2), self.price)
        early, late = opened[: len(hours.returns) + 1], opened[len(hours.returns) :]
        table = minutes.table(late.astype(np.int64))
        table[:, LAST] = np.cumsum(table[:, COUNT])
        table[:, LAST] += self.next_trade - 1 - table[-1, LAST]
        older = hours.table(early.astype(np.int64))
        older[:, LAST] = np.cumsum(older[:, COUNT])
        older[:, LAST] += table[0, LAST] - table[0, COUNT] - older[-1, LAST]
        newer = grouped(table, np.arange(0, len(table), HOUR_S // MINUTE_S))
        return {HOUR_S: np.concatenate([older, newer]), MINUTE_S: table}

    def recent_trades(self) -> list[Traded]:
        """The last :data:`RECENT_TRADES` trades or a few more, oldest first; fewer only when
        four hours did not see as many.

        They agree with their minutes in ids, count, volume, open, high, low and close; quote
        and taker volumes are of the same size, not the same number.
        """
        draw = Random(f"{self.seed} recent")
        minute = self.start_ns // SECOND // MINUTE_S
        rows = self.rows(MINUTE_S, minute - 240, minute + 1)
        minutes: list[list[Traded]] = []
        for row in reversed(rows.tolist()):
            minutes.append(self._trades_of(row, minute, draw))
            minute -= 1
            if sum(map(len, minutes)) >= RECENT_TRADES:
                break
        return [trade for trades in reversed(minutes) for trade in trades]

    def _trades_of(self, row: list[int], minute: int, draw: Random) -> list[Traded]:
        """One minute's trades: open first, close last, high and low among the others."""
        count, first_id = row[COUNT], row[LAST] - row[COUNT] + 1
        if not count:
            return []
        cuts = sorted(draw.random() ** 2 for _ in range(count - 1))
        spare = row[VOLUME] - count
        edges = [0, *(int(spare * cut) for cut in cuts), spare]
        prices = [draw.randint(row[LOW], row[HIGH]) for _ in range(count)]
        prices[0] = row[OPEN]
        if count > 3:
            prices[1], prices[2] = row[HIGH], row[LOW]
        prices[-1] = row[CLOSE]
        open_ns = minute * MINUTE_S * SECOND
        length_ns = min(MINUTE_S * SECOND, self.start_ns - open_ns)
        times = sorted(draw.randrange(length_ns) for _ in range(count))
        return [
            Traded(
                self.symbol,
                open_ns + times[at],
                first_id + at,
                prices[at],
                edges[at + 1] - edges[at] + 1,
                "buy" if draw.random() < 0.5 else "sell",
                2 * (first_id + at) - 2,
                2 * (first_id + at) - 1,
            )
            for at in range(count)
        ]


class _Buckets:
    """Returns and activity of neighbouring buckets of one length, drawn; the last one may be
    cut short by the start."""

    def __init__(
        self,
        history: History,
        length_s: int,
        first_s: int,
        end_s: int,
        draw: np.random.Generator,
        mood: Floats,
    ) -> None:
        self._draw, self._lots = draw, history.lots_a_trade
        begin = np.arange(first_s, end_s, length_s)
        day = (begin - history.first_s(HOUR_S)) // DAY_S
        lived = np.clip((history.start_ns / SECOND - begin) / length_s, 0.0, 1.0)
        share = HOURLY[begin // HOUR_S % 24] / HOURLY.mean() * lived * length_s / DAY_S
        noise = 0.3 * draw.standard_normal(len(begin)) + 0.3 * mood[0, day] - 0.09
        self.count = np.rint(history.trades_a_day * share * np.exp(noise)).astype(np.int64)
        calm = np.exp(0.3 * mood[1, day] - 0.045) * (self.count > 0)
        self.spread = history.volatility * np.sqrt(share) * calm
        self.returns = self.spread * draw.standard_normal(len(begin))

    def table(self, opened: Table) -> Table:
        """The buckets along a path of opening prices, which ends with the last close."""
        count, draw, size = self.count, self._draw, len(self.count)
        table = np.zeros((size, WIDTH), np.int64, order="F")
        open_, close = table[:, OPEN], table[:, CLOSE]
        open_[:], close[:] = opened[:-1], opened[1:]
        # How far a bucket goes beyond open and close: the less, the fewer jumps it is made of.
        jumps = count * JUMPS_A_TRADE
        reach = self.spread * open_ * 0.5 * np.sqrt(jumps / (jumps + 8))
        beyond = np.abs(draw.standard_normal((2, size))) * reach
        table[:, HIGH] = np.maximum(open_, close) + np.rint(beyond[0])
        table[:, LOW] = np.maximum(np.minimum(open_, close) - np.rint(beyond[1]), 1)
        typical = (open_ + close + table[:, HIGH] + table[:, LOW]) / 4
        size_noise = np.exp(0.35 * draw.standard_normal(size) - 0.06)
        table[:, COUNT] = count
        table[:, VOLUME] = count + np.rint(count * (self._lots - 1) * size_noise)
        table[:, QUOTE] = np.rint(typical * table[:, VOLUME])
        taken = np.clip(0.5 + 0.12 * draw.standard_normal(size), 0.02, 0.98)
        table[:, TAKER] = np.rint(table[:, VOLUME] * taken)
        table[:, TAKER_QUOTE] = np.rint(typical * table[:, TAKER])
        return table
