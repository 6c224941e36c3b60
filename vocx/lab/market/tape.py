"""What has traded: the newest trades of one symbol, and minutes since its market began.

Trades are kept as integer columns, a sixth of the space of objects. A minute that is over is
folded into a table; minutes without a trade take no space there and are filled in when read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vocx.lab.events import Traded
from vocx.lab.market.candles import (
    CLOSE,
    COUNT,
    HIGH,
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
    filled,
)

KEPT_TRADES = 20_000
"""At least so many; up to twice that, and all of the current minute."""
ID, AT, PRICE, LOTS, BUY, MAKER, TAKER_ORDER = range(7)


class Tape:
    """Trades of one symbol.

    Parameters
    ----------
    price, next_trade
        Last close before the first trade, in ticks, and the id that it will get.
    earlier : callable or None
        Gives the trades just before that, which the minutes of history hold; asked once, when
        somebody reads trades.
    kept : int
        Trades that are kept at least.

    Attributes
    ----------
    whole : bool
        Every trade there ever was is kept.
    """

    def __init__(
        self,
        symbol: str,
        price: int = 0,
        next_trade: int = 1,
        earlier: Callable[[], Sequence[Traded]] | None = None,
        kept: int = KEPT_TRADES,
    ) -> None:
        self.symbol = symbol
        self.whole = earlier is None
        self._earlier = earlier
        self._kept = kept
        self._before = np.zeros(WIDTH, np.int64)
        self._before[[CLOSE, LAST]] = price, next_trade - 1
        self._table = np.zeros((1_250, 7), np.int64)
        self._size = self._folded = 0
        self._numbers = np.zeros(0, np.int64)
        self._minutes = np.zeros((0, WIDTH), np.int64)

    def add(self, trade: Traded) -> None:
        """Take one trade, in order."""
        if self._size == len(self._table):
            self._make_room()
        self._table[self._size] = _row(trade)
        self._size += 1

    @property
    def trades_table(self) -> Table:
        """The kept trades, oldest first, in the columns :data:`ID` to :data:`TAKER_ORDER`."""
        self.load()
        return self._table[: self._size]

    def load(self) -> None:
        """Ask for the earlier trades, unless they have been."""
        if self._earlier is not None:
            rows = np.array([_row(trade) for trade in self._earlier()], np.int64).reshape(-1, 7)
            self._earlier = None
            self._table = np.concatenate([rows, self._table])
            self._size += len(rows)
            self._folded += len(rows)

    @property
    def newest(self) -> Traded | None:
        """The last trade."""
        found = self.read(-1, None)
        return found[0] if found else None

    def trades(
        self, limit: int, from_id: int | None, start_ns: int | None, end_ns: int | None
    ) -> list[Traded]:
        """As :meth:`vocx.lab.ports.Market.trades`."""
        table = self.trades_table
        end = len(table) if end_ns is None else int(np.searchsorted(table[:, AT], end_ns + 1))
        if from_id is not None:
            first = int(np.searchsorted(table[:, ID], from_id))
        elif start_ns is not None:
            first = int(np.searchsorted(table[:, AT], start_ns))
        else:
            first = max(end - limit, 0)
        return self.read(first, min(end, first + max(limit, 0)))

    def read(self, first: int, end: int | None) -> list[Traded]:
        """The kept trades at positions ``first`` to ``end - 1``, oldest first."""
        return [
            Traded(self.symbol, at_ns, number, price, lots, "buy" if buy else "sell", maker, taker)
            for number, at_ns, price, lots, buy, maker, taker in self.trades_table[
                first:end
            ].tolist()
        ]

    def minutes(self, first: int, end: int) -> Table:
        """Minutes ``first`` to ``end - 1``, counted from the epoch."""
        self._fold()
        numbers, table = self._numbers, self._minutes
        low, high = int(np.searchsorted(numbers, first)), int(np.searchsorted(numbers, end))
        before = table[low - 1] if low else self._before
        known, where = table[low:high], numbers[low:high] - first
        number, row = bucketed(self._table[self._folded : self._size], MINUTE_S)
        if len(number) and number[0] < first:
            before = row[0]
        elif len(number) and number[0] < end:
            known, where = np.concatenate([known, row]), np.append(where, number - first)
        return filled(known, where, end - first, before)

    def buckets(self, length_s: int, first: int, end: int) -> Table:
        """Buckets of any length made of the kept trades; what lies before those is flat."""
        table = self.trades_table
        at = table[:, AT]
        low = int(np.searchsorted(at, first * length_s * SECOND))
        high = int(np.searchsorted(at, end * length_s * SECOND))
        before = bucketed(table[low - 1 : low], length_s)[1][0] if low else self._before
        numbers, rows = bucketed(table[low:high], length_s)
        return filled(rows, numbers - first, end - first, before)

    def _fold(self) -> None:
        """Put the minutes that are over into their table."""
        waiting = self._table[self._folded : self._size]
        if not len(waiting):
            return
        open_ns = int(waiting[-1, AT]) // (MINUTE_S * SECOND) * (MINUTE_S * SECOND)
        over = int(np.searchsorted(waiting[:, AT], open_ns))
        if over:
            numbers, rows = bucketed(waiting[:over], MINUTE_S)
            self._numbers = np.concatenate([self._numbers, numbers])
            self._minutes = np.concatenate([self._minutes, rows])
            self._folded += over

    def _make_room(self) -> None:
        self._fold()
        drop = min(self._size - self._kept, self._folded) if self._size >= 2 * self._kept else 0
        if drop > self._kept // 4:
            self._earlier, self.whole = None, False
            self._table[: self._size - drop] = self._table[drop : self._size]
            self._size -= drop
            self._folded -= drop
        else:
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])


def _row(trade: Traded) -> tuple[int, ...]:
    return (
        trade.trade_id,
        trade.at_ns,
        trade.price,
        trade.quantity,
        trade.taker == "buy",
        trade.maker_order,
        trade.taker_order,
    )


def bucketed(trades: Table, length_s: int) -> tuple[Table, Table]:
    """Numbers, counted from the epoch, and rows of the buckets that these trades lie in."""
    if not len(trades):
        return np.zeros(0, np.int64), np.zeros((0, WIDTH), np.int64)
    number = trades[:, AT] // (length_s * SECOND)
    starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
    ends = np.append(starts[1:], len(trades))
    price, lots = trades[:, PRICE], trades[:, LOTS]
    taken = lots * trades[:, BUY]
    rows = np.empty((len(starts), WIDTH), np.int64)
    rows[:, OPEN], rows[:, CLOSE] = price[starts], price[ends - 1]
    rows[:, HIGH] = np.maximum.reduceat(price, starts)
    rows[:, LOW] = np.minimum.reduceat(price, starts)
    rows[:, COUNT], rows[:, LAST] = ends - starts, trades[ends - 1, ID]
    sums = {VOLUME: lots, QUOTE: price * lots, TAKER: taken, TAKER_QUOTE: price * taken}
    for column, values in sums.items():
        rows[:, column] = np.add.reduceat(values, starts)
    return number[starts], rows
