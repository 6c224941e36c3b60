"""Coinbase's market channels; a topic is called ``channel:product`` under the name by which one
subscribes (``level2:BTC-USD``).

Cadences: trades 250 ms, ``ticker_batch`` 5 s, candles and heartbeats a second (channel pages,
2026-08); ``ticker`` after matches, put together for 100 ms, ``level2`` for 50 ms, ``status`` each
minute (choices).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.coinbase import payloads
from vocx.lab.dialects.coinbase.catalogue import Products
from vocx.lab.dialects.coinbase.wire import go_time
from vocx.lab.dialects.shared.market_state import (
    Batch,
    BookDiff,
    CandleState,
    TickerState,
    Windows,
)
from vocx.lab.dialects.shared.numbers import DAY_NS, NS_PER_MS, NS_PER_S, Listing
from vocx.lab.dialects.shared.publisher import Publisher
from vocx.lab.dialects.shared.topics import Topic, TopicSpec, TopicState, by_connection
from vocx.lab.events import Bar, Interval, Recorded, Traded, Window

CADENCES = {
    "heartbeats": NS_PER_S,
    "ticker": 100 * NS_PER_MS,
    "ticker_batch": 5 * NS_PER_S,
    "market_trades": 250 * NS_PER_MS,
    "level2": 50 * NS_PER_MS,
    "candles": NS_PER_S,
    "status": 60 * NS_PER_S,
}
"""The public channels and how often each sends."""
UNLISTED = ("heartbeats",)
"""Channels without products."""
FIVE_MINUTES = Interval(seconds=300)
_RECENT_TRADES, _RECENT_CANDLES = 100, 100


class Heartbeats(TopicState):
    """A count, every second."""

    def __init__(self, start_ns: int) -> None:
        self.counter = 0
        self._start_ns = start_ns

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """One beat."""
        self.counter += 1
        since_s = (now_ns - self._start_ns) / NS_PER_S
        event = {"current_time": go_time(now_ns, since_s), "heartbeat_counter": self.counter}
        topic.send_text(out, payloads.frame("heartbeats", now_ns, event))


class Trades(Batch):
    """Matches of a quarter of a second; recent ones first."""

    def __init__(self, listing: Listing) -> None:
        super().__init__(listing, Traded, _trades)

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """Without those that are on their way to everybody."""
        found: Sequence[Traded] = self.listing.market.trades(_RECENT_TRADES)
        if self._waiting:
            first = self._waiting[0].trade_id
            found = [one for one in found if one.trade_id < first]
        return payloads.trades(self.listing, found, now_ns, "snapshot")


class Ticker(TickerState):
    """24 hours and best prices after matches; at once for who comes."""

    def __init__(self, listing: Listing, windows: Windows, year: payloads.Year, batch: bool):
        self.listing = listing
        self._year = year
        self._channel = "ticker_batch" if batch else "ticker"
        super().__init__((listing,), windows, self._update)

    def _frame(self, kind: str, window: Window, now_ns: int) -> bytes:
        best = self._channel == "ticker"
        row = payloads.ticker(self.listing, window, self._year, now_ns, best=best)
        return payloads.frame(self._channel, now_ns, {"type": kind, "tickers": [row]})

    def _update(self, listing: Listing, window: Window, now_ns: int, unit_ns: int) -> bytes:
        return self._frame("update", window, now_ns)

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """How it stands."""
        window = self.listing.market.window(DAY_NS, now_ns)
        return self._frame("snapshot", window, now_ns)


class Candles(CandleState):
    """Buckets of five minutes; recent ones first."""

    def __init__(self, listing: Listing, now_ns: int) -> None:
        super().__init__(listing, FIVE_MINUTES, _candle, now_ns)

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """The newest hundred."""
        bars = self.listing.market.bars(FIVE_MINUTES, _RECENT_CANDLES, now_ns)
        return payloads.candles(self.listing, bars, now_ns, "snapshot")


class Status(TopicState):
    """A product's state, repeated on a timer."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing

    def _frame(self, now_ns: int, kind: str) -> bytes:
        rows = [payloads.status_product(self.listing)]
        return payloads.frame("status", now_ns, {"type": kind, "products": rows})

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Whole each time."""
        topic.send_text(out, self._frame(now_ns, "snapshot"))

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """At once."""
        return self._frame(now_ns, "snapshot")


def _trades(listing: Listing, events: Sequence[Traded], now_ns: int, unit_ns: int) -> bytes:
    return payloads.trades(listing, events, now_ns)


def _candle(listing: Listing, bar: Bar, closed: bool, now_ns: int, unit_ns: int) -> bytes:
    return payloads.candles(listing, (bar,), now_ns)


class Topics(Publisher):
    """All market channels that somebody has subscribed to."""

    def __init__(self, products: Products, start_ns: int) -> None:
        super().__init__(self._state, by_connection, _pass_on)
        self._products = products
        self._start_ns = start_ns
        self._windows = Windows()
        self._year = payloads.Year()

    def spec(self, channel: str, product: str) -> TopicSpec:
        """What a channel of a product is; raises the refusal of an unknown one."""
        symbol = "" if channel in UNLISTED else self._products.named(product).format.name
        return TopicSpec(kind=channel, symbol=symbol, cadence_ns=CADENCES[channel])

    def _state(self, spec: TopicSpec, now_ns: int) -> TopicState | None:
        if spec.kind == "heartbeats":
            return Heartbeats(self._start_ns)
        listing = self._products.named(spec.symbol)
        if spec.kind == "market_trades":
            return Trades(listing)
        if spec.kind == "level2":
            return BookDiff(listing, payloads.book, now_ns, snapshots=True)
        if spec.kind == "candles":
            return Candles(listing, now_ns)
        if spec.kind == "status":
            return Status(listing)
        return Ticker(listing, self._windows, self._year, spec.kind == "ticker_batch")


def topic_name(spec: TopicSpec) -> str:
    """``"level2:BTC-USD"``, ``"heartbeats"``."""
    return f"{spec.kind}:{spec.symbol}" if spec.symbol else spec.kind


_NUMBER = re.compile(rb',\s*"sequence_num":\s*[0-9]+|,\s*"client_id":\s*"[^"]*"')


def _pass_on(topic: Topic, event: Recorded) -> list[Publication]:
    """A recorded frame, numbered anew for each connection."""
    payload = _NUMBER.sub(b"", event.data, count=2)
    return [
        frame
        for sessions in topic.subscribers.values()
        for frame in by_connection(topic, payload, False, sessions)
    ]
