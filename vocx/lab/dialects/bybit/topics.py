"""Bybit's public topics of spot: names to what is sent when (WebSocket documentation V5,
2026-07-24; cadences as of 2026-03-19).

Not here: ``orderbook.rpi`` and ``orderbook.full`` (no order of the lab is an RPI order, and no
client of spot starts from the latter), ``priceLimit`` (its formula is not published).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.bybit.payloads import (
    INTERVALS,
    book_frame,
    candle_frame,
    ticker_frame,
    trades_frame,
)
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.market_state import (
    Batch,
    BookDiff,
    CandleState,
    Changes,
    TickerState,
    Windows,
)
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_S, Catalogue, Listing
from vocx.lab.dialects.shared.publisher import Publisher
from vocx.lab.dialects.shared.topics import Topic, TopicSpec, TopicState
from vocx.lab.events import Bar, Traded

DEPTHS: Mapping[int, int] = {1: 10, 50: 20, 200: 100, 1000: 200}
"""Depth to cadence in milliseconds."""
REPEAT_NS = 3 * NS_PER_S
"""The book of one level is sent again when it has not changed for so long."""
FIRST_UPDATE = 1_000_000
"""Far from 1, which would mean that the service has restarted."""


class UnknownTopic(Exception):
    """Why a topic is refused, in Bybit's words."""


class BookNumbers:
    """A topic's own count ``u``, one more with each delta, and the frames that bear it.

    It begins at the market's count, which grows faster: a topic that nobody had for a while comes
    back with a later number, as at the venue, where somebody always has it.
    """

    def __init__(self, depth: int, update_id: int) -> None:
        self.depth = depth
        self.u = FIRST_UPDATE + update_id

    def write(self, listing: Listing, changes: Changes, now_ns: int, unit_ns: int) -> bytes:
        """A snapshot has the number of the last delta; a delta the next one."""
        if not changes.snapshot:
            self.u += 1
        kind = "snapshot" if changes.snapshot else "delta"
        return book_frame(
            listing, self.depth, kind, changes.bids, changes.asks, self.u, changes.last, now_ns
        )


class Window(BookDiff):
    """The best so many levels: a snapshot, then changes of that window."""

    def __init__(self, listing: Listing, depth: int, now_ns: int) -> None:
        self.numbers = BookNumbers(depth, listing.market.update_id)
        super().__init__(listing, self.numbers.write, now_ns, snapshots=True, levels=depth)

    def restart(self) -> None:
        """``u`` is 1 after the service has restarted."""
        self.numbers.u = 1

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """As of the last delta; with its time where the caller knows none."""
        return super().welcome(topic, now_ns or self._sent_ns, unit_ns)


class TopLevel(TopicState):
    """The best level of each side, whole, when it has changed; again after three seconds."""

    def __init__(self, listing: Listing, now_ns: int) -> None:
        self.listing = listing
        self.u = FIRST_UPDATE + listing.market.update_id
        self._sent = listing.market.best()
        self._sent_ns = now_ns

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send it; an unchanged ``u`` is a proof of life."""
        best = self.listing.market.best()
        self._sent_ns = min(self._sent_ns, now_ns)
        if best != self._sent:
            self.u += 1
        elif now_ns - self._sent_ns < REPEAT_NS:
            return
        self._sent, self._sent_ns = best, now_ns
        topic.send_text(out, self._frame(now_ns))

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """As it was sent last."""
        return self._frame(now_ns or self._sent_ns)

    def restart(self) -> None:
        """``u`` is 1 after the service has restarted."""
        self.u = 1

    def _frame(self, now_ns: int) -> bytes:
        form, market = self.listing.format, self.listing.market
        bid, bid_size, ask, ask_size = self._sent
        bids = [(form.price[bid], form.quantity[bid_size], 0)] if bid_size else []
        asks = [(form.price[ask], form.quantity[ask_size], 0)] if ask_size else []
        return book_frame(self.listing, 1, "snapshot", bids, asks, self.u, market.update_id, now_ns)


class Ticker(TickerState):
    """Statistics of a day: a new subscriber gets them at once."""

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """As they are."""
        (listing,) = self.listings
        return ticker_frame(listing, self.windows.of(listing, now_ns), now_ns, unit_ns)


class Topics(Publisher):
    """All public topics with subscribers."""

    def __init__(self, catalogue: Catalogue[Listing]) -> None:
        super().__init__(self._state)
        self._catalogue = catalogue
        self._windows = Windows()

    def spec(self, topic: str) -> TopicSpec:
        """What a topic's name asks for.

        Raises
        ------
        UnknownTopic
            With the text of the refusal.
        """
        kind, _, rest = topic.partition(".")
        option, _, symbol = rest.rpartition(".")
        depth = int(option) if re.fullmatch("[0-9]{1,4}", option) else None
        fits = {
            "orderbook": depth in DEPTHS,
            "kline": bool(option),
            "publicTrade": not option,
            "tickers": not option,
        }
        if not fits.get(kind, False) or symbol != symbol.upper():
            raise UnknownTopic(f"error:handler not found,topic:{topic}")
        if symbol not in self._catalogue.by_name:
            raise UnknownTopic(f"Invalid symbol :[{topic}]")
        if kind == "kline" and option not in INTERVALS:
            raise UnknownTopic(f"Invalid kline type :[{topic}]")
        cadence_ms = {"kline": 1000, "tickers": 50}.get(kind, 0)
        if depth is not None and kind == "orderbook":
            cadence_ms = DEPTHS[depth]
        return TopicSpec(
            kind=kind,
            symbol=symbol,
            interval=option if kind == "kline" else "",
            levels=depth or 0,
            cadence_ns=cadence_ms * NS_PER_MS,
        )

    def subscribe(self, topic: str, session: Connection, now_ns: int) -> bytes | None:
        """Let a session have a topic; what it gets first."""
        return self.add(topic, self.spec(topic), session, now_ns)

    def _state(self, spec: TopicSpec, now_ns: int) -> TopicState | None:
        listing = self._catalogue.named(spec.symbol)
        if spec.kind == "publicTrade":
            return Batch(listing, Traded, trades_frame)
        if spec.kind == "tickers":
            return Ticker((listing,), self._windows, ticker_frame)
        if spec.kind == "orderbook":
            if spec.levels == 1:
                return TopLevel(listing, now_ns)
            return Window(listing, spec.levels, now_ns)

        def write(one: Listing, bar: Bar, closed: bool, now_ns: int, unit_ns: int) -> bytes:
            return candle_frame(one, spec.interval, bar, closed, now_ns)

        return CandleState(listing, INTERVALS[spec.interval], write, now_ns)
