"""OKX's market channels: arguments to topics, events to pushes.

A topic is called by its channel and instrument, ``books:BTC-USDT``. Where several book channels
share a connection, one change comes in the order bbo-tbt, books, books5 (docs-v5). ``checksum`` is
a fixed 0 since 2026-06-23.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.okx import payloads
from vocx.lab.dialects.okx.system_status import SystemStatus
from vocx.lab.dialects.okx.wire import BARS
from vocx.lab.dialects.shared.market_state import (
    BookDiff,
    BookTop,
    CandleState,
    Changes,
    Each,
    TickerState,
    Windows,
)
from vocx.lab.dialects.shared.numbers import (
    NS_PER_MS,
    NS_PER_S,
    Catalogue,
    Listing,
    Row,
    milliseconds,
)
from vocx.lab.dialects.shared.publisher import Publisher
from vocx.lab.dialects.shared.reading import encode
from vocx.lab.dialects.shared.topics import Topic, TopicSpec, TopicState
from vocx.lab.events import AnyEvent, Bar, BestChanged, Traded, Window

PUBLIC = ("tickers", "trades", "books", "books5", "bbo-tbt", "instruments", "status")
VIP = ("books-l2-tbt", "books50-l2-tbt")
LEVELS = 400
TICK_NS, BEST_NS, REPEAT_NS = 100 * NS_PER_MS, 10 * NS_PER_MS, 60 * NS_PER_S
CADENCES = {"tickers": TICK_NS, "books": TICK_NS, "books5": TICK_NS}


def push(channel: str, listing: Listing, data: list[Any], **more: Any) -> bytes:
    arg = {"channel": channel, "instId": listing.format.name}
    return encode({"arg": arg, **more, "data": data})


class BestPrices(TopicState):
    """``bbo-tbt``: at once, but at most each 10 ms; the last message again after a minute."""

    events: tuple[type[AnyEvent], ...] = (BestChanged,)

    def __init__(self, listing: Listing, wake: Callable[[Topic, int], None]) -> None:
        self.listing = listing
        self._wake = wake
        self._sent: tuple[int, ...] = ()
        self._sent_ns = 0

    def take(self, topic: Topic, event: Any, now_ns: int, out: list[Publication]) -> None:
        """Only that something changed counts."""

    def flush(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send the prices of this moment, or soon."""
        self._sent_ns = min(self._sent_ns, now_ns)
        if now_ns - self._sent_ns >= BEST_NS:
            self.due(topic, now_ns, out)
        else:
            # No later than the books that show the same change.
            books_ns = (now_ns // TICK_NS + 1) * TICK_NS
            self._wake(topic, min(self._sent_ns + BEST_NS, books_ns))

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send what has changed, or what a minute ago was the same."""
        best = self.listing.market.best()
        if best != self._sent or now_ns - self._sent_ns >= REPEAT_NS:
            self._sent, self._sent_ns = best, now_ns
            topic.send_text(out, self._text(now_ns))
        self._wake(topic, self._sent_ns + REPEAT_NS)

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """The prices as they stand."""
        return self._text(now_ns)

    def _text(self, now_ns: int) -> bytes:
        row = payloads.top(self.listing, 1)
        data = {**row, "ts": milliseconds(now_ns), "seqId": self.listing.market.update_id}
        return push("bbo-tbt", self.listing, [data])


class Trades(TopicState):
    """``trades``: what one taker traded at one price is one row, with a ``count``."""

    events: tuple[type[AnyEvent], ...] = (Traded,)

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self._rows: dict[tuple[int, int], tuple[Traded, int, int]] = {}

    def take(self, topic: Topic, event: Any, now_ns: int, out: list[Publication]) -> None:
        """Merge it with those before."""
        key = event.taker_order, event.price
        _, lots, count = self._rows.get(key, (event, 0, 0))
        self._rows[key] = event, lots + event.quantity, count + 1

    def flush(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Send the rows, the last of its matches naming each."""
        rows, self._rows = self._rows, {}
        for last, lots, count in rows.values():
            data = {
                **payloads.trade(self.listing, last),
                "sz": self.listing.format.quantity[lots],
                "count": str(count),
                "seqId": self.listing.market.update_id,
            }
            topic.send_text(out, push("trades", self.listing, [data]))


class Books(BookDiff):
    """``books``: its numbers may begin anew in mid-stream (a maintenance), bridged by
    ``prevSeqId``."""

    def __init__(self, listing: Listing, now_ns: int) -> None:
        self.lower = 0
        super().__init__(
            listing, self._text, now_ns, snapshots=True, levels=LEVELS, repeat_ns=REPEAT_NS
        )
        self._resetting = False

    def restart(self) -> None:
        """The next update's ``seqId`` is lower than its ``prevSeqId``, and those after follow."""
        self._resetting = True

    def _text(self, listing: Listing, changes: Changes, now_ns: int, unit_ns: int) -> bytes:
        previous = changes.previous if changes.snapshot else changes.previous - self.lower
        if self._resetting and not changes.snapshot:
            self._resetting, self.lower = False, changes.last // 2
        row = {
            "asks": payloads.levels(changes.asks),
            "bids": payloads.levels(changes.bids),
            "ts": milliseconds(now_ns),
            "checksum": 0,
            "prevSeqId": previous,
            "seqId": changes.last - self.lower,
        }
        action = "snapshot" if changes.snapshot else "update"
        return push("books", listing, [row], action=action)


class Topics(Publisher):
    """The venue's market channels."""

    def __init__(
        self,
        catalogue: Catalogue[Listing],
        status: SystemStatus,
    ) -> None:
        super().__init__(self._state, rank=_rank)
        self._catalogue = catalogue
        self._status = status
        self._windows = Windows()

    def spec(self, arg: Mapping[str, Any]) -> TopicSpec | None:
        """What an argument asks for; ``None`` for a channel or instrument that is not there."""
        channel, name = str(arg.get("channel")), str(arg.get("instId", ""))
        if channel in ("instruments", "status"):
            return TopicSpec(kind=channel)
        if name not in self._catalogue.by_name:
            return None
        if channel.startswith("candle"):
            bar = channel.removeprefix("candle")
            if bar not in BARS or bar == "1s":
                return None
            return TopicSpec(kind="candle", symbol=name, interval=bar, cadence_ns=NS_PER_S)
        cadence_ns = CADENCES.get(channel, 0)
        return TopicSpec(kind=channel, symbol=name, cadence_ns=cadence_ns)

    def first(self, spec: TopicSpec, now_ns: int) -> bytes | None:
        """What the channels without a symbol begin with; ``status`` with nothing where nothing is
        planned."""
        if spec.kind == "instruments":
            arg = {"channel": "instruments", "instType": "SPOT"}
            return encode({"arg": arg, "data": payloads.instruments(self._catalogue)})
        if spec.kind == "status" and (rows := self._status.rows(now_ns)):
            return encode({"arg": {"channel": "status"}, "data": rows})
        return None

    def status_news(self, now_ns: int) -> list[Publication]:
        """A maintenance has begun or is over."""
        data = [self._status.news(now_ns)]
        payload = encode({"arg": {"channel": "status"}, "data": data})
        return [
            Publication(payload, sessions)
            for topic in self.topics.values()
            if topic.spec is not None and topic.spec.kind == "status"
            for sessions in topic.subscribers.values()
        ]

    def _state(self, spec: TopicSpec, now_ns: int) -> TopicState | None:
        if not spec.symbol:
            return None
        listing, kind = self._catalogue.named(spec.symbol), spec.kind
        if kind == "trades":
            return Trades(listing)
        if kind == "trades-all":
            return Each(listing, Traded, _single)
        if kind == "bbo-tbt":
            return BestPrices(listing, self.wake)
        if kind == "books":
            return Books(listing, now_ns)
        if kind == "books5":
            return BookTop(listing, 5, _five)
        if kind == "candle":
            channel = f"candle{spec.interval}"

            def text(one: Listing, bar: Bar, closed: bool, now: int, _: int) -> bytes:
                return push(channel, one, [payloads.candle(one, bar, closed)])

            return CandleState(listing, BARS[spec.interval], text, now_ns)
        return TickerState((listing,), self._windows, _ticker, quotes=True)


def _rank(spec: TopicSpec) -> int:
    """Books before their best levels."""
    return spec.kind == "books5"


def _single(listing: Listing, one: Traded, now_ns: int, unit_ns: int) -> bytes:
    return push("trades-all", listing, [payloads.trade(listing, one)])


def _ticker(listing: Listing, window: Window, now_ns: int, unit_ns: int) -> bytes:
    return push("tickers", listing, [payloads.ticker(listing, window, now_ns)])


def _five(
    listing: Listing, update_id: int, bids: list[Row], asks: list[Row], now_ns: int, unit_ns: int
) -> bytes:
    row = {
        "asks": payloads.levels(asks),
        "bids": payloads.levels(bids),
        "instId": listing.format.name,
        "ts": milliseconds(now_ns),
        "seqId": update_id,
    }
    return push("books5", listing, [row])
