"""One live symbol as dialects read it: the book, the tape and the history before, as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from vocx.lab.events import Bar, Event, InstrumentSpec, IntLevel, Traded, Window
from vocx.lab.market.candles import (
    CLOSE,
    COUNT,
    HIGH,
    LAST,
    LENGTHS_S,
    LOW,
    OPEN,
    QUOTE,
    SECOND,
    VOLUME,
    WIDTH,
    Interval,
    Table,
    grouped,
    joined,
    to_bar,
)
from vocx.lab.market.engine import Book
from vocx.lab.market.history import History
from vocx.lab.market.tape import Tape

MOST_ROWS = 8_000
"""Table rows that are worked on at once: days in the zone +5:30 are made of quarter hours."""


class LiveMarket:
    """A market made of an engine's book, the tape it fills and the history it continues."""

    def __init__(self, spec: InstrumentSpec, book: Book, tape: Tape, history: History) -> None:
        self.spec = spec
        self.book = book
        self.tape = tape
        self.history = history
        self._middles: dict[tuple[int, int], Table] = {}
        self._average = ((0, 0), 0)

    @property
    def update_id(self) -> int:
        return self.book.update_id

    def record(self, events: Iterable[Event]) -> None:
        """Put the trades among an operation's events on the tape; every operation on the book
        is followed by this."""
        for event in events:
            if type(event) is Traded:
                self.tape.add(event)

    def top(self, depth: int) -> tuple[list[IntLevel], list[IntLevel]]:
        """Bids descending and asks ascending, at most ``depth`` levels each."""
        return self.book.top(depth)

    def best(self) -> tuple[int, int, int, int]:
        """bid, bid quantity, ask, ask quantity; 0 for a missing side."""
        return self.book.best()

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
        interval: str,
        limit: int,
        now_ns: int,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        offset_ns: int = 0,
    ) -> Sequence[Bar]:
        """Candles oldest first, the open one included; see :class:`vocx.lab.ports.Market`.

        Raises
        ------
        UnknownInterval
            Names the intervals that exist.
        """
        kind = Interval(interval, offset_ns // SECOND)
        end = kind.number(min(now_ns, now_ns if end_ns is None else end_ns) // SECOND)
        first = end - limit + 1
        if start_ns is not None:
            # The first bar that opens at or after start_ns.
            first = kind.number(-(-start_ns // SECOND) - 1) + 1
        first = max(first, kind.number(self.history.first_s - 1) + 1)
        if start_ns is not None:
            end = min(end, first + limit - 1)
        if end < first or limit <= 0:
            return []
        edges = [kind.start_s(number) for number in range(first, end + 2)]
        length = kind.table_s
        many = max(1, MOST_ROWS * length // (edges[1] - edges[0]))
        bars: list[Bar] = []
        for at in range(0, len(edges) - 1, many):
            bars += self._bars(edges[at : at + many + 1], length, now_ns // SECOND)
        return bars

    def _bars(self, edges: list[int], length: int, now_s: int) -> list[Bar]:
        """The bars between neighbouring edges, made of one table."""
        table = self.rows(length, edges[0] // length, min(edges[-1], now_s + length))
        starts = np.array([(edge - edges[0]) // length for edge in edges[:-1]])
        merged = grouped(table, starts).tolist()
        return [to_bar(row, edges[at], edges[at + 1]) for at, row in enumerate(merged)]

    def rows(self, length_s: int, first: int, end_s: int) -> Table:
        """Buckets from ``first`` up to the second ``end_s`` of one table length: history, then
        live, merged in the bucket where one becomes the other."""
        end = max(-(-end_s // length_s), first + 1)
        border = self.history.start_ns // SECOND // length_s
        if end <= border:
            return self.history.rows(length_s, first, end)
        if first > border:
            return self.tape.rows(length_s, first, end)
        earlier = self.history.rows(length_s, first, border + 1)
        later = self.tape.rows(length_s, border, end)
        middle = joined(earlier[-1], later[0])
        return np.concatenate([earlier[:-1], middle[None], later[1:]])

    def window(self, length_ns: int, now_ns: int) -> Window:
        """The rolling window of that length that ends at ``now_ns``, in whole seconds.

        The part between the first and the last two minutes is kept for a minute, because
        tickers ask for every symbol every second.
        """
        end_s = now_ns // SECOND + 1
        begin_s = max(end_s - length_ns // SECOND, self.history.first_s)
        # The minute before the current one stays out of what is kept: it may still be filling.
        head, tail = -(-begin_s // 60) * 60, end_s // 60 * 60 - 60
        if head >= tail:
            table = self.rows(1, begin_s, end_s)
        else:
            parts = [self._middle(head, tail)]
            if begin_s < head:
                parts.insert(0, self.rows(1, begin_s, head))
            if tail < end_s:
                parts.append(self.rows(60, tail // 60, end_s))
            table = np.concatenate(parts)
        row = grouped(table, np.zeros(1, np.int64))[0].tolist()
        newest = self.tape.newest
        return Window(
            open_ns=begin_s * SECOND,
            close_ns=now_ns,
            open=row[OPEN],
            high=row[HIGH],
            low=row[LOW],
            close=row[CLOSE],
            previous_close=self._close_before(begin_s),
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
        if self._average[0] != key:
            self._average = key, self._averaged(*key)
        newest = self.tape.newest
        return self._average[1], newest.at_ns if newest else self.history.start_ns

    def _averaged(self, minutes: int, second: int) -> int:
        end_s = second + 1
        table = self.rows(1, max(end_s - 60 * minutes, self.history.first_s), end_s)
        volume, quote = int(table[:, VOLUME].sum()), int(table[:, QUOTE].sum())
        unit = int(self.spec.tick.scaleb(8))
        return quote * unit // volume if volume else int(table[-1, CLOSE]) * unit

    def _close_before(self, second: int) -> int:
        if second <= self.history.first_s:
            return int(self.rows(1, second, second + 1)[0, OPEN])
        return int(self.rows(1, second - 1, second)[0, CLOSE])

    def _middle(self, begin_s: int, end_s: int) -> Table:
        """Whole minutes merged into one row; kept while it is asked for."""
        table = self._middles.get((begin_s, end_s))
        if table is None:
            table = np.zeros((0, WIDTH), np.int64)
            for length, first, end in _pieces(begin_s, end_s):
                table = np.concatenate([table, self.rows(length, first, end * length)])
            table = grouped(table, np.zeros(1, np.int64))
            if len(self._middles) >= 8:
                self._middles.clear()
            self._middles[(begin_s, end_s)] = table
        return table


def _pieces(begin_s: int, end_s: int) -> list[tuple[int, int, int]]:
    """A stretch of whole minutes as runs of table buckets (length, first, end), the longest
    where they fit."""
    head: list[tuple[int, int, int]] = []
    tail: list[tuple[int, int, int]] = []
    for length in LENGTHS_S[-2::-1]:
        longer = LENGTHS_S[max(LENGTHS_S.index(length) - 1, 0)]
        up = min(-(-begin_s // longer) * longer, end_s)
        down = max(end_s // longer * longer, up)
        if longer == length:
            up, down = end_s, end_s
        if begin_s < up:
            head.append((length, begin_s // length, up // length))
        if down < end_s:
            tail.insert(0, (length, down // length, end_s // length))
        begin_s, end_s = up, down
    return head + tail
