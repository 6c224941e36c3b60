"""A venue's candle intervals: ours to its own names, and how long each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from vocx.arguments import brief
from vocx.errors import UnknownInterval
from vocx.facts import Candle, aware
from vocx.venues.base.reading import check_sizes, ms_to_ns, optional_number

MINUTE_NS = 60_000_000_000
DAY_NS = 1440 * MINUTE_NS


class Bars:
    """The intervals of one venue.

    Parameters
    ----------
    venue : str
        For the texts.
    table : mapping
        Interval in vocx's words (``"1m"`` a minute, ``"1M"`` a month) to the venue's name of it
        and its length in nanoseconds, ``None`` for months.
    """

    def __init__(self, venue: str, table: Mapping[str, tuple[str, int | None]]) -> None:
        self._venue, self._table = venue, dict(table)
        self._by_name = {name: interval for interval, (name, _) in self._table.items()}
        self.intervals = tuple(self._table)

    def check(self, interval: str) -> str:
        """The interval, or an ``UnknownInterval`` that lists what exists."""
        if isinstance(interval, str) and interval in self._table:
            return str(interval)
        listed = ", ".join(self.intervals)
        raise UnknownInterval(f"{self._venue} has no candles of {brief(interval)}; it has {listed}")

    def name(self, interval: str) -> str:
        """What the venue calls it."""
        return self._table[self.check(interval)][0]

    def interval(self, name: str) -> str | None:
        """The interval that the venue calls so."""
        return self._by_name.get(name)

    def length_ns(self, interval: str) -> int:
        """How long a bar is; of months, the longest."""
        return self._table[interval][1] or 31 * DAY_NS

    def close_ns(self, interval: str, open_ns: int) -> int:
        """The last nanosecond of a bar; only months differ in length."""
        length_ns = self._table[interval][1]
        if length_ns is None:
            begin = aware(open_ns)
            assert begin is not None
            following = (begin.replace(day=1) + timedelta(days=32)).replace(day=1)
            length_ns = (following - begin.replace(day=1)) // timedelta(microseconds=1) * 1000
        return open_ns + length_ns - 1

    def candle(
        self,
        row: Sequence[str],
        symbol: str,
        interval: str,
        arrived_ns: int,
        closed: bool | None = None,
    ) -> Candle:
        """A bar that is written as a list of texts: open time in milliseconds, open, high, low,
        close, volume, quote volume."""
        if len(row) < 7:
            raise msgspec.ValidationError(f"a candle has 7 texts, this one {len(row)}")
        open_ns = ms_to_ns(row[0])
        numbers = [optional_number(text) for text in row[1:7]]
        if open_ns is None or any(one is None for one in numbers[:5]):
            raise msgspec.ValidationError("a candle without time or prices")
        check_sizes(numbers[4])
        first, high, low, last, volume, quote_volume = numbers
        return Candle(
            symbol=symbol,
            interval=interval,
            open_ns=open_ns,
            close_ns=self.close_ns(interval, open_ns),
            open=first,
            high=high,
            low=low,
            close=last,
            volume=volume,  # type: ignore[arg-type]
            quote_volume=quote_volume,
            closed=closed,
            arrived_ns=arrived_ns,
        )
