"""One symbol as dialects read it: a book, and what has traded as trades, candles and windows.

The book is the engine's or one that a recording describes (:mod:`vocx.lab.market.replay`); the
tape may continue a history.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np

from vocx.lab.events import Bar, BookLevel, Event, InstrumentSpec, Interval, Traded, Window
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
    VOLUME,
    Table,
    grouped,
    joined,
    to_bar,
)
from vocx.lab.market.history import History
from vocx.lab.market.tape import AT, Tape


class BookView(Protocol):
    """What is read of a book."""

    update_id: int

    def top(self, depth: int) -> tuple[list[BookLevel], list[BookLevel]]: ...

    def best(self) -> tuple[int, int, int, int]: ...


BookT = TypeVar("BookT", bound=BookView)


class SymbolMarket(Generic[BookT]):
    """A market made of a book, the tape of its trades and the history that the tape continues."""

    def __init__(
        self, spec: InstrumentSpec, book: BookT, tape: Tape, history: History | None = None
    ) -> None:
        self.spec = spec
        self.book = book
        self.tape = tape
        self.history = history
        self._average = ((0, 0), 0)

    @property
    def update_id(self) -> int:
        """The id of the last change that the book contains."""
        return self.book.update_id

    def top(self, depth: int) -> tuple[list[BookLevel], list[BookLevel]]:
        """Bids descending and asks ascending, at most ``depth`` levels each."""
        return self.book.top(depth)

    def best(self) -> tuple[int, int, int, int]:
        """bid, bid quantity, ask, ask quantity; 0 for a missing side."""
        return self.book.best()

    def record(self, events: Iterable[Event]) -> None:
        """Put the trades among an operation's events on the tape; every operation on the book
        is followed by this."""
        for event in events:
            if type(event) is Traded:
                self.tape.add(event)

    def trades(
        self,
        limit: int,
        *,
        from_id: int | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Sequence[Traded]:
        """Trades oldest first; see :class:`vocx.lab.ports.Market`."""
        return self.tape.trades(limit, from_id, start_ns, end_ns)

    def bars(
        self,
        interval: Interval,
        limit: int,
        now_ns: int,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Sequence[Bar]:
        """Candles oldest first, the open one included; see :class:`vocx.lab.ports.Market`."""
        length = _table_length(interval)
        earliest = self._earliest(interval, length)
        if earliest is None or limit <= 0:
            return []
        end = interval.number(min(now_ns, now_ns if end_ns is None else end_ns) // SECOND)
        first = end - limit + 1
        if start_ns is not None:
            # The first bar that opens at or after start_ns.
            first = interval.number(-(-start_ns // SECOND) - 1) + 1
        first = max(first, earliest)
        if start_ns is not None:
            end = min(end, first + limit - 1)
        if end < first:
            return []
        edges = [interval.start_s(number) for number in range(first, end + 2)]
        begin, known = edges[0] // length, now_ns // SECOND // length + 1
        table = self._rows(length, begin, min(-(-edges[-1] // length), known))
        starts = np.array(edges[:-1]) // length - begin
        merged = grouped(table, starts).tolist()
        return [to_bar(row, edges[at], edges[at + 1]) for at, row in enumerate(merged)]

    def window(self, length_ns: int, now_ns: int) -> Window:
        """The rolling window of that length that ends at ``now_ns``, in whole seconds as far as
        trades are kept, in whole minutes before."""
        end_s = now_ns // SECOND + 1
        open_s, table, before = self._span(end_s - length_ns // SECOND, end_s)
        newest = self.tape.newest
        if not table[:, COUNT].any() and not before:
            before = newest.price if newest else self.best()[0]
            table[:, [OPEN, HIGH, LOW, CLOSE]] = before
        row = grouped(table, np.zeros(1, np.int64))[0].tolist()
        return Window(
            open_ns=open_s * SECOND,
            close_ns=now_ns,
            open=row[OPEN],
            high=row[HIGH],
            low=row[LOW],
            close=row[CLOSE],
            previous_close=before or row[OPEN],
            last_quantity=newest.quantity if newest else 0,
            volume=row[VOLUME],
            quote_volume=row[QUOTE],
            trades=row[COUNT],
            first=row[LAST] - row[COUNT] + 1 if row[COUNT] else -1,
            last=row[LAST] if row[COUNT] else -1,
        )

    def average_price(self, minutes: int, now_ns: int) -> tuple[int, int]:
        """Volume-weighted average in 1e-8 of the quote asset, and the last trade's time.

        The average is taken once a second and kept for the rest of it: every order asks for it.
        """
        key = (minutes, now_ns // SECOND)
        newest = self.tape.newest
        if self._average[0] != key:
            _, table, before = self._span(key[1] + 1 - MINUTE_S * minutes, key[1] + 1)
            volume, quote = int(table[:, VOLUME].sum()), int(table[:, QUOTE].sum())
            unit = int(self.spec.tick.scaleb(8))
            last = newest.price if newest else before or self.best()[0]
            self._average = key, quote * unit // volume if volume else last * unit
        return self._average[1], newest.at_ns if newest else now_ns

    def _earliest(self, interval: Interval, length: int) -> int | None:
        """The first bar that can be told whole; ``None`` when nothing is known."""
        if self.history is not None and length >= MINUTE_S:
            return interval.number(self.history.first_s(length) - 1) + 1
        table = self.tape.trades_table
        if not len(table):
            return None
        return interval.number(int(table[0, AT]) // SECOND) + (not self.tape.whole)

    def _span(self, begin_s: int, end_s: int) -> tuple[int, Table, int]:
        """When a stretch of seconds really begins, its rows, and the close before it (0 when
        there was none): whole minutes, before them seconds if their trades are kept."""
        first_s = 0 if self.history is None else self.history.first_s(MINUTE_S) + MINUTE_S
        begin_s, end_s = max(begin_s, first_s), max(end_s, first_s + MINUTE_S)
        minute, end = -(-begin_s // MINUTE_S), -(-end_s // MINUTE_S)
        trades = self.tape.trades_table
        if self.tape.whole or (len(trades) and int(trades[0, AT]) < begin_s * SECOND):
            head_end = min(minute * MINUTE_S, end_s)
            head = self.tape.buckets(1, begin_s - 1, head_end)
            if minute >= end:
                return begin_s, head[1:], int(head[0, CLOSE])
            table = self._rows(MINUTE_S, minute, end)
            return begin_s, np.concatenate([head[1:], table]), int(head[0, CLOSE])
        minute = min(minute, end - 1)
        table = self._rows(MINUTE_S, minute - 1, end)
        return minute * MINUTE_S, table[1:], int(table[0, CLOSE])

    def _rows(self, length_s: int, first: int, end: int) -> Table:
        """Buckets ``first`` to ``end - 1`` of one length: history, then live, merged in the
        bucket where one becomes the other."""
        if length_s < MINUTE_S:
            return self.tape.buckets(length_s, first, end)
        if self.history is None:
            return self._live(length_s, first, end)
        border = self.history.start_ns // SECOND // length_s
        if end <= border:
            return self.history.rows(length_s, first, end)
        if first > border:
            return self._live(length_s, first, end)
        earlier = self.history.rows(length_s, first, border + 1)
        later = self._live(length_s, border, end)
        middle = joined(earlier[-1], later[0])
        return np.concatenate([earlier[:-1], middle[None], later[1:]])

    def _live(self, length_s: int, first: int, end: int) -> Table:
        per = length_s // MINUTE_S
        minutes = self.tape.minutes(first * per, end * per)
        return minutes if per == 1 else grouped(minutes, np.arange(0, len(minutes), per))


def _table_length(interval: Interval) -> int:
    """The longest bucket, an hour, a minute or a second, that every boundary falls on."""
    grain = interval.seconds or HOUR_S
    fits = [n for n in (HOUR_S, MINUTE_S) if grain % n == 0 and interval.offset_s % n == 0]
    return fits[0] if fits else 1
