"""Streams with a cadence: what each sends when its time has come.

Every class here is the working state of one topic. ``due`` publishes what there is to say.
Nothing is sent when nothing changed, except ``avgPrice``, which the documentation describes as
plainly periodic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.binance import payloads
from vocx.lab.dialects.binance.catalogue import Catalogue, Listing
from vocx.lab.dialects.binance.filters import AVERAGE_MINUTES
from vocx.lab.dialects.binance.market import interval_of
from vocx.lab.dialects.binance.tickers import DAY_NS, MINUTE_NS, from_whole_minute
from vocx.lab.dialects.binance.topics import ROLLING, Meaning, Topic
from vocx.lab.events import Bar, LevelChanged, Window

_LATE_BARS = 1000


class Cadenced(Protocol):
    """The state of a topic that is published at fixed times."""

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Publish what there is to say at this time."""


class RecordedDepth(msgspec.Struct, gc=False):
    """A recorded ``depthUpdate``, as far as another cadence needs it."""

    U: int
    u: int
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


_decode_depth = msgspec.json.Decoder(RecordedDepth).decode


class Diff:
    """Changed levels since the last event of this stream; ids are strictly contiguous."""

    def __init__(self, listing: Listing) -> None:
        self.numbers = listing.numbers
        self.last = listing.market.update_id
        self.first = self.last + 1
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}

    def change(self, event: LevelChanged) -> None:
        """Take in one changed level."""
        if event.update_id <= self.last:
            return
        side = self.bids if event.side == "buy" else self.asks
        side[self.numbers.price[event.price]] = self.numbers.quantity[event.quantity]
        self.last = event.update_id

    def recorded(self, data: bytes) -> None:
        """Take in a recorded event of another cadence."""
        frame = _decode_depth(data)
        if frame.u <= self.last:
            return
        if not self.bids and not self.asks and frame.U > self.first:
            self.first = frame.U
        self.bids.update(frame.b)
        self.asks.update(frame.a)
        self.last = frame.u

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        if self.last < self.first:
            return
        bids, asks = _pairs(self.bids, descending=True), _pairs(self.asks)
        first, last, numbers = self.first, self.last, self.numbers
        self.first = last + 1
        self.bids.clear()
        self.asks.clear()
        topic.send(
            out,
            lambda unit: payloads.depth_update(numbers, first, last, bids, asks, now_ns, unit),
        )


def _pairs(levels: dict[str, str], *, descending: bool = False) -> str:
    """JSON pairs in price order; texts with equal decimals sort by length, then by digits."""
    prices = sorted(levels, key=lambda text: (len(text), text), reverse=descending)
    return ",".join(f'["{price}","{levels[price]}"]' for price in prices)


class Partial:
    """The best levels, when the book has changed."""

    def __init__(self, listing: Listing, levels: int) -> None:
        self.listing = listing
        self.levels = levels
        self.sent = -1

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        market = self.listing.market
        if market.update_id == self.sent:
            return
        self.sent = market.update_id
        bids, asks = market.top(self.levels)
        payload = payloads.partial_book(self.listing.numbers, self.sent, bids, asks)
        topic.send(out, lambda unit: payload)


class Kline:
    """The open bar when it changed; each bar that ends exactly once with ``x: true``."""

    def __init__(self, listing: Listing, meaning: Meaning, now_ns: int) -> None:
        self.listing = listing
        self.meaning = meaning
        self.open_ns = max((bar.open_ns for bar in self._bars(now_ns, 1)), default=0)
        self.sent: Bar | None = None

    def _bars(self, now_ns: int, limit: int, start_ns: int | None = None) -> Iterable[Bar]:
        interval = interval_of(self.meaning.interval, self.meaning.offset_ns)
        return self.listing.market.bars(interval, limit, now_ns, start_ns=start_ns)

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        ended = False
        for bar in self._bars(now_ns, _LATE_BARS, self.open_ns):
            if bar.close_ns <= now_ns:
                ended = True
                self._send(topic, bar, True, now_ns, out)
                self.open_ns = bar.close_ns
            elif not ended and bar != self.sent:
                self.sent = bar
                self._send(topic, bar, False, now_ns, out)

    def _send(
        self, topic: Topic, bar: Bar, closed: bool, now_ns: int, out: list[Publication]
    ) -> None:
        numbers, meaning = self.listing.numbers, self.meaning
        topic.send(out, lambda unit: payloads.kline(numbers, meaning, bar, closed, now_ns, unit))


class Windows:
    """Rolling windows, read once per tick however many streams show them."""

    def __init__(self) -> None:
        self._at_ns = -1
        self._seen: dict[tuple[str, int], Window] = {}

    def of(self, listing: Listing, length_ns: int, now_ns: int) -> Window:
        if now_ns != self._at_ns:
            self._at_ns = now_ns
            self._seen.clear()
        key = listing.numbers.name, length_ns
        seen = self._seen.get(key)
        if seen is None:
            seen = self._seen[key] = listing.market.window(length_ns, now_ns)
        return seen


class Tickers:
    """24-hour tickers, rolling tickers and their arrays: the symbols that changed."""

    def __init__(self, listings: Iterable[Listing], meaning: Meaning, windows: Windows) -> None:
        self.listings = tuple(listings)
        self.meaning = meaning
        self.windows = windows
        self.sent: dict[str, tuple[int, ...]] = {}

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        changed = [
            (listing, seen) for listing in self.listings if (seen := self._new(listing, now_ns))
        ]
        if not changed:
            return

        def build(unit: int) -> bytes:
            texts = [self._text(listing, seen, now_ns, unit) for listing, seen in changed]
            return texts[0] if self.meaning.symbol else b"[" + b",".join(texts) + b"]"

        topic.send(out, build)

    def _length_ns(self, now_ns: int) -> int:
        if not self.meaning.interval:
            return DAY_NS
        return from_whole_minute(ROLLING[self.meaning.interval] * 60 * MINUTE_NS, now_ns)

    def _new(self, listing: Listing, now_ns: int) -> Window | None:
        """The window of a symbol that has traded (or, for ``@ticker``, moved its best prices)
        since it was sent; that older trades leave the window is no reason to send."""
        newest = listing.market.trades(1)
        told: tuple[int, ...] = (newest[-1].trade_id if newest else -1,)
        if self.meaning.kind == "ticker":
            told += listing.market.best()
        if self.sent.get(listing.numbers.name) == told:
            return None
        self.sent[listing.numbers.name] = told
        return self.windows.of(listing, self._length_ns(now_ns), now_ns)

    def _text(self, listing: Listing, seen: Window, now_ns: int, unit: int) -> bytes:
        numbers = listing.numbers
        if self.meaning.interval:
            open_ns = now_ns - self._length_ns(now_ns)
            return payloads.rolling_ticker(
                numbers, self.meaning.interval, seen, open_ns, now_ns, unit
            )
        if self.meaning.kind == "ticker":
            return payloads.ticker(numbers, seen, listing.market.best(), now_ns, unit)
        return payloads.mini_ticker(numbers, seen, now_ns, unit)


class Average:
    """The five-minute average price, every second."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        average = self.listing.market.average_price(AVERAGE_MINUTES, now_ns)
        numbers = self.listing.numbers
        topic.send(
            out,
            lambda unit: payloads.average_price(numbers, AVERAGE_MINUTES, average, now_ns, unit),
        )


def cadenced(
    catalogue: Catalogue, listing: Listing | None, meaning: Meaning, windows: Windows, now_ns: int
) -> Cadenced:
    """The working state of a stream with a cadence."""
    if listing is None:
        return Tickers(catalogue.by_symbol.values(), meaning, windows)
    if meaning.kind == "depth":
        return Diff(listing)
    if meaning.kind == "partial":
        return Partial(listing, meaning.levels)
    if meaning.kind == "kline":
        return Kline(listing, meaning, now_ns)
    if meaning.kind == "avgPrice":
        return Average(listing)
    return Tickers((listing,), meaning, windows)
