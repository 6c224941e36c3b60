"""What has traded since the lab began: recent trades, and seconds and minutes as tables.

Seconds and minutes without a trade take no space; :meth:`Tape.rows` fills them in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from vocx.lab.events import Traded
from vocx.lab.market.candles import (
    CLOSE,
    COUNT,
    HIGH,
    LAST,
    LOW,
    OPEN,
    QUOTE,
    SECOND,
    SUMMED,
    TAKER,
    TAKER_QUOTE,
    VOLUME,
    WIDTH,
    Table,
    grouped,
)

KEPT_TRADES = 20_000
"""At least so many; up to twice that."""
KEPT_SECONDS = 2 * 86_400
KEPT_MINUTES = 366 * 1_440


class Buckets:
    """Buckets of one length that saw trades, oldest first, in arrays that grow."""

    def __init__(self, length_s: int, kept: int) -> None:
        self.length_s = length_s
        self._kept = kept
        self._size = 0
        self._number = np.zeros(256, np.int64)
        self._table = np.zeros((256, WIDTH), np.int64)
        self._open_number = -1
        self._open: list[int] = []

    def add(self, trade: Traded) -> None:
        """Count one trade into the bucket its time lies in; times never go back."""
        number = trade.at_ns // SECOND // self.length_s
        price, lots = trade.price, trade.quantity
        if number != self._open_number:
            self._close()
            self._open_number = number
            self._open = [price, price, price, price, 0, 0, 0, 0, 0, 0]
        row = self._open
        if price > row[HIGH]:
            row[HIGH] = price
        elif price < row[LOW]:
            row[LOW] = price
        row[CLOSE] = price
        row[VOLUME] += lots
        row[QUOTE] += price * lots
        row[COUNT] += 1
        if trade.taker == "buy":
            row[TAKER] += lots
            row[TAKER_QUOTE] += price * lots
        row[LAST] = trade.trade_id

    def rows(self, first: int, end: int, price: int, last: int) -> Table:
        """Buckets ``first`` to ``end - 1``, those without trades filled with the close before.

        ``price`` and ``last`` are close and trade id before the first bucket ever kept.
        """
        numbers = self._number[: self._size]
        low, high = int(np.searchsorted(numbers, first)), int(np.searchsorted(numbers, end))
        before = self._table[low - 1].copy() if low else np.zeros(WIDTH, np.int64)
        if not low:
            before[CLOSE], before[LAST] = price, last
        known, number = self._table[low:high], numbers[low:high]
        if self._open and first <= self._open_number < end:
            known = np.concatenate([known, np.array([self._open])])
            number = np.append(number, self._open_number)
        elif self._open and self._open_number < first:
            before = np.array(self._open)
        return filled(known, number - first, end - first, before)

    def _close(self) -> None:
        if not self._open:
            return
        if self._size == len(self._number):
            self._make_room()
        self._number[self._size] = self._open_number
        self._table[self._size] = self._open
        self._size += 1

    def _make_room(self) -> None:
        if self._size >= self._kept:
            half = self._size // 2
            self._number[:half] = self._number[self._size - half : self._size]
            self._table[:half] = self._table[self._size - half : self._size]
            self._size = half
            return
        size = min(self._size * 2, self._kept)
        number, table = self._number, self._table
        self._number, self._table = np.zeros(size, np.int64), np.zeros((size, WIDTH), np.int64)
        self._number[: len(number)], self._table[: len(table)] = number, table


def filled(known: Table, where: Table, size: int, before: Table) -> Table:
    """A table of ``size`` rows with ``known`` at the rows ``where`` and flat rows between."""
    with_before = np.concatenate([before[None], known])
    source = np.zeros(size, np.int64)
    source[where] = np.arange(1, len(known) + 1)
    source = np.maximum.accumulate(source)
    result = with_before[source]
    quiet = np.ones(size, np.bool_)
    quiet[where] = False
    flat = np.flatnonzero(quiet)[:, None]
    result[flat, [OPEN, HIGH, LOW]] = result[flat, CLOSE]
    result[flat, SUMMED] = 0
    return result


class Trades:
    """The newest trades of one symbol as integer columns: a sixth of the space of objects."""

    def __init__(self, symbol: str, kept: int) -> None:
        self.symbol = symbol
        self._kept = kept
        self._size = 0
        self._table = np.zeros((1_250, 7), np.int64)

    def add(self, trade: Traded) -> None:
        """Keep one trade, the newest."""
        if self._size == len(self._table):
            self._make_room()
        self._table[self._size] = (
            trade.trade_id,
            trade.at_ns,
            trade.price,
            trade.quantity,
            trade.taker == "buy",
            trade.maker_order,
            trade.taker_order,
        )
        self._size += 1

    def since_id(self, trade_id: int) -> int:
        """Position of the first kept trade with this id or a later one."""
        return int(np.searchsorted(self._table[: self._size, 0], trade_id))

    def since(self, at_ns: int) -> int:
        """Position of the first kept trade at this time or later."""
        return int(np.searchsorted(self._table[: self._size, 1], at_ns))

    def read(self, first: int, end: int) -> list[Traded]:
        """The trades at positions ``first`` to ``end - 1``, oldest first."""
        return [
            Traded(self.symbol, at_ns, number, price, lots, "buy" if buy else "sell", maker, taker)
            for number, at_ns, price, lots, buy, maker, taker in self._table[first:end].tolist()
        ]

    def __len__(self) -> int:
        return self._size

    def _make_room(self) -> None:
        if self._size >= 2 * self._kept:
            self._table[: self._kept] = self._table[self._size - self._kept : self._size]
            self._size = self._kept
        else:
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])


class Tape:
    """Trades of one symbol since ``start_ns``, after the ``earlier`` ones that history shows.

    Parameters
    ----------
    start_ns
        When the live market begins.
    price, next_trade
        Last close before, in ticks, and the id of the first live trade.
    """

    def __init__(
        self,
        symbol: str,
        start_ns: int,
        price: int,
        next_trade: int,
        earlier: Iterable[Traded] = (),
    ) -> None:
        self.start_ns = start_ns
        self.newest: Traded | None = None
        self._price = price
        self._before = next_trade - 1
        self._trades = Trades(symbol, KEPT_TRADES)
        self._seconds = Buckets(1, KEPT_SECONDS)
        self._minutes = Buckets(60, KEPT_MINUTES)
        for trade in earlier:
            self._trades.add(trade)
            self.newest = trade

    def add(self, trade: Traded) -> None:
        """Take one trade, in order."""
        self.newest = trade
        self._trades.add(trade)
        self._seconds.add(trade)
        self._minutes.add(trade)

    def rows(self, length_s: int, first: int, end: int) -> Table:
        """Live buckets ``first`` to ``end - 1`` of a table length, counted from the epoch."""
        if length_s == 1:
            return self._seconds.rows(first, end, self._price, self._before)
        per = length_s // 60
        minutes = self._minutes.rows(first * per, end * per, self._price, self._before)
        return minutes if per == 1 else grouped(minutes, np.arange(0, len(minutes), per))

    def trades(
        self, limit: int, from_id: int | None, start_ns: int | None, end_ns: int | None
    ) -> Sequence[Traded]:
        """As :meth:`vocx.lab.ports.Market.trades`."""
        kept = self._trades
        end = len(kept) if end_ns is None else kept.since(end_ns + 1)
        if from_id is not None:
            first = kept.since_id(from_id)
        elif start_ns is not None:
            first = kept.since(start_ns)
        else:
            first = max(end - limit, 0)
        return kept.read(first, min(end, first + max(limit, 0)))
