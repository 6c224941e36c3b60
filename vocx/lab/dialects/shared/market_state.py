"""What topics remember of a market between two messages: changes of a book, candles, tickers.

Every class is a :class:`vocx.lab.dialects.shared.topics.TopicState`. Payloads are the venue's:
each gets a ``write`` function, which makes bytes of exact numbers. Nothing is sent when nothing
changed, except where a state says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.shared.numbers import DAY_NS, Listing, Row
from vocx.lab.dialects.shared.topics import Topic, TopicState
from vocx.lab.events import (
    AnyEvent,
    Bar,
    BestChanged,
    Interval,
    LevelChanged,
    RecordedDepth,
    Traded,
    Window,
)

_LATE_BARS = 1000
Side = dict[str, tuple[str, int]]
"""Price to quantity and number of orders."""
E = TypeVar("E", Traded, BestChanged)


class Each(TopicState):
    """One message for each event, as it happens."""

    def __init__(
        self, listing: Listing, event: type[E], write: Callable[[Listing, E, int, int], bytes]
    ) -> None:
        self.listing = listing
        self.events = (event,)
        self._write: Callable[[Listing, Any, int, int], bytes] = write

    def take(self, topic: Topic, event: Any, now_ns: int, out: list[Publication]) -> None:
        """Send it."""
        write, listing = self._write, self.listing
        topic.send(out, lambda unit_ns: write(listing, event, now_ns, unit_ns))


class Batch(TopicState):
    """One message for the events of a moment, or of a cadence where the topic has one."""

    def __init__(
        self,
        listing: Listing,
        event: type[E],
        write: Callable[[Listing, Sequence[E], int, int], bytes],
    ) -> None:
        self.listing = listing
        self.events = (event,)
        self._write: Callable[[Listing, Sequence[Any], int, int], bytes] = write
        self._waiting: list[Any] = []

    def take(self, topic: Topic, event: Any, now_ns: int, out: list[Publication]) -> None:
        """Keep it."""
        self._waiting.append(event)

    def flush(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send what one moment brought."""
        if topic.spec is not None and not topic.spec.cadence_ns:
            self.due(topic, now_ns, out)

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send what has come since the last message."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            write, listing = self._write, self.listing
            topic.send(out, lambda unit_ns: write(listing, waiting, now_ns, unit_ns))


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """Changed levels of a book: update ids ``first`` to ``last``, absolute quantities.

    ``previous`` is the last id that was sent before; ``snapshot`` says that the rows are the
    whole book, which replaces what was there.
    """

    first: int
    last: int
    previous: int
    bids: list[Row]
    asks: list[Row]
    snapshot: bool = False


WriteChanges = Callable[[Listing, Changes, int, int], bytes]
"""(listing, changes, time, unit)."""


class BookDiff(TopicState):
    """Changed levels since the last message; ids are strictly contiguous.

    Parameters
    ----------
    snapshots : bool
        A new subscriber gets the whole book first, as of the last message that others got.
    levels : int or None
        Only the best so many levels of each side are shown, and snapshots are: a level that is
        pushed out is removed, one that moves in is added.
    repeat_ns : int or None
        When nothing has changed for so long, a message without rows goes out: a proof of life.
    """

    events: tuple[type[AnyEvent], ...] = (LevelChanged,)

    def __init__(
        self,
        listing: Listing,
        write: WriteChanges,
        now_ns: int,
        *,
        snapshots: bool = False,
        levels: int | None = None,
        repeat_ns: int | None = None,
    ) -> None:
        self.listing = listing
        self.last = self.sent = listing.market.update_id
        self.first = self.last + 1
        self.bids: Side = {}
        self.asks: Side = {}
        self._write = write
        self._levels = levels
        self._repeat_ns = repeat_ns
        self._sent_ns = now_ns
        whole = snapshots or levels is not None
        self._shown: tuple[Side, Side] | None = self._top(levels or 2**31) if whole else None

    def _top(self, levels: int) -> tuple[Side, Side]:
        bids, asks = (
            {price: (quantity, orders) for price, quantity, orders in side}
            for side in self.listing.top(levels)
        )
        return bids, asks

    def take(self, topic: Topic, event: Any, now_ns: int, out: list[Publication]) -> None:
        """Take in one changed level."""
        if event.update_id <= self.last:
            return
        self.last = event.update_id
        if self._levels is None:
            side = self.bids if event.side == "buy" else self.asks
            form = self.listing.format
            side[form.price[event.price]] = form.quantity[event.quantity], event.orders

    def merge(self, frame: RecordedDepth) -> None:
        """Take in a recorded message of another cadence."""
        if frame.last_id <= self.last:
            return
        if not self.bids and not self.asks and frame.first_id > self.first:
            self.first = frame.first_id
        self.bids.update((price, (quantity, 0)) for price, quantity in frame.bids)
        self.asks.update((price, (quantity, 0)) for price, quantity in frame.asks)
        self.last = frame.last_id

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send what has changed."""
        self._sent_ns = min(self._sent_ns, now_ns)
        changed = self.last >= self.first
        repeats = self._repeat_ns is not None and now_ns - self._sent_ns >= self._repeat_ns
        if not changed and not repeats:
            return
        if changed and self._levels is not None and self._shown is not None:
            nothing = self.listing.format.quantity[0]
            self.bids, self.asks = (
                _difference(shown, side, nothing)
                for shown, side in zip(self._shown, self._top(self._levels), strict=True)
            )
            changed = bool(self.bids or self.asks)
            if not changed and not repeats:
                return
        changes = Changes(
            first=self.first if changed else self.sent,
            last=self.last if changed else self.sent,
            previous=self.sent,
            bids=in_order(self.bids, descending=True),
            asks=in_order(self.asks),
        )
        if self._shown is not None:
            for shown, side in zip(self._shown, (self.bids, self.asks), strict=True):
                _apply(shown, side, self.listing.format.quantity[0])
        if changed:  # a proof of life leaves the ids where they are
            self.first, self.sent = self.last + 1, self.last
        self._sent_ns = now_ns
        self.bids, self.asks = {}, {}
        listing, write = self.listing, self._write
        topic.send(out, lambda unit_ns: write(listing, changes, now_ns, unit_ns))

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """The whole book, where the venue sends it."""
        if self._shown is None:
            return None
        bids, asks = self._shown
        changes = Changes(
            first=self.sent,
            last=self.sent,
            previous=-1,
            bids=in_order(bids, descending=True),
            asks=in_order(asks),
            snapshot=True,
        )
        return self._write(self.listing, changes, now_ns, unit_ns)


def _apply(shown: Side, changed: Side, nothing: str) -> None:
    for price, (quantity, orders) in changed.items():
        if quantity == nothing:
            shown.pop(price, None)
        else:
            shown[price] = quantity, orders


def _difference(shown: Side, now: Side, nothing: str) -> Side:
    """What makes the one side of a book the other."""
    gone: Side = {price: (nothing, 0) for price in shown if price not in now}
    return gone | {price: level for price, level in now.items() if shown.get(price) != level}


def in_order(levels: Side, *, descending: bool = False) -> list[Row]:
    """Rows in price order; texts sort by the length of their whole part, then by digits."""
    prices = sorted(
        levels, key=lambda text: (len(text.partition(".")[0]), text), reverse=descending
    )
    return [(price, *levels[price]) for price in prices]


class BookTop(TopicState):
    """The best levels, whole, when the book has changed."""

    def __init__(
        self,
        listing: Listing,
        levels: int,
        write: Callable[[Listing, int, list[Row], list[Row], int, int], bytes],
    ) -> None:
        self.listing = listing
        self.levels = levels
        self.sent = -1
        self._write = write

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send them with the id of the update that they contain."""
        write, listing = self._write, self.listing
        update_id = listing.market.update_id
        if update_id == self.sent:
            return
        self.sent = update_id
        bids, asks = listing.top(self.levels)
        topic.send(out, lambda unit_ns: write(listing, update_id, bids, asks, now_ns, unit_ns))


class CandleState(TopicState):
    """The open candle when it changed; each candle that ends exactly once as closed."""

    def __init__(
        self,
        listing: Listing,
        interval: Interval,
        write: Callable[[Listing, Bar, bool, int, int], bytes],
        now_ns: int,
    ) -> None:
        self.listing = listing
        self.interval = interval
        self.open_ns = max((bar.open_ns for bar in self._bars(now_ns, 1)), default=0)
        self.sent: Bar | None = None
        self._write = write

    def _bars(self, now_ns: int, limit: int, start_ns: int | None = None) -> Sequence[Bar]:
        return self.listing.market.bars(self.interval, limit, now_ns, start_ns=start_ns)

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send what has ended, and what is open unless something ended."""
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
        write, listing = self._write, self.listing
        topic.send(out, lambda unit_ns: write(listing, bar, closed, now_ns, unit_ns))


class Windows:
    """Rolling windows, read once per tick however many topics show them."""

    def __init__(self) -> None:
        self._at_ns = -1
        self._found: dict[tuple[str, int], Window] = {}

    def of(self, listing: Listing, now_ns: int, length_ns: int = DAY_NS) -> Window:
        """The window of that length that ends now."""
        if now_ns != self._at_ns:
            self._at_ns = now_ns
            self._found.clear()
        key = listing.format.name, length_ns
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = listing.market.window(length_ns, now_ns)
        return found


class TickerState(TopicState):
    """A rolling window of one symbol, or of several in one message: of those that have changed.

    Parameters
    ----------
    write : callable
        The payload of one symbol's window.
    length_ns : callable
        The window's length at a time: a day, where nothing is said.
    array : bool
        The message is an array of payloads.
    quotes : bool
        A change of the best prices is a change, too; that older trades leave the window is none.
    """

    def __init__(
        self,
        listings: Iterable[Listing],
        windows: Windows,
        write: Callable[[Listing, Window, int, int], bytes],
        *,
        length_ns: Callable[[int], int] = lambda now_ns: DAY_NS,
        array: bool = False,
        quotes: bool = False,
    ) -> None:
        self.listings = tuple(listings)
        self.windows = windows
        self._length_ns = length_ns
        self._write = write
        self._array = array
        self._quotes = quotes
        self._sent: dict[str, tuple[int, ...]] = {}

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send the symbols that have changed."""
        changed = [
            (listing, self.windows.of(listing, now_ns, self._length_ns(now_ns)))
            for listing in self.listings
            if self._changed(listing)
        ]
        if not changed:
            return
        write = self._write

        def build(unit_ns: int) -> bytes:
            texts = [write(listing, window, now_ns, unit_ns) for listing, window in changed]
            return b"[" + b",".join(texts) + b"]" if self._array else texts[0]

        topic.send(out, build)

    def _changed(self, listing: Listing) -> bool:
        newest = listing.market.trades(1)
        now: tuple[int, ...] = (newest[-1].trade_id if newest else -1,)
        if self._quotes:
            now += listing.market.best()
        if self._sent.get(listing.format.name) == now:
            return False
        self._sent[listing.format.name] = now
        return True
