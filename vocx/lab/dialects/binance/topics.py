"""Market streams: names (web-socket-streams.md, a5e0bc3 of 2026-07-21), and what each sends when.

Of the documented ones ``@referencePrice`` and ``@blockTrade`` are left out: the lab has neither.
Their names are well formed, and so they stay silent. That ``!miniTicker@arr`` takes a speed is not
documented any more; python-binance asks for ``@1000ms`` and others for ``@3000ms``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.binance import payloads
from vocx.lab.dialects.binance.catalogue import AggTrade, Symbol, groups, same_aggregate
from vocx.lab.dialects.binance.filters import AVERAGE_MINUTES
from vocx.lab.dialects.binance.market import INTERVALS, interval_of
from vocx.lab.dialects.binance.params import zone_ns
from vocx.lab.dialects.binance.recording import BinanceRecording
from vocx.lab.dialects.binance.tickers import MINUTE_NS, from_whole_minute, window_ns
from vocx.lab.dialects.shared.market_state import (
    BookDiff,
    BookTop,
    CandleState,
    Each,
    TickerState,
    Windows,
)
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_US, Catalogue
from vocx.lab.dialects.shared.publisher import Publisher
from vocx.lab.dialects.shared.topics import Sessions, Topic, TopicSpec, TopicState
from vocx.lab.events import (
    AnyEvent,
    BestChanged,
    LevelChanged,
    Recorded,
    RecordedDepth,
    Traded,
)
from vocx.lab.ports import MarketSimulation

FAST_NS = 100 * NS_PER_MS
SECOND_NS = 1000 * NS_PER_MS
CANDLE_NS = 2000 * NS_PER_MS
_HOLD_NS = 100 * NS_PER_MS
"""How long the last recorded trade waits for others of the same order."""
_WELL_FORMED = re.compile(r"!?[\w\-.]+(@[\w\-.+:]+)*", re.ASCII)
_PARTIAL = re.compile(r"depth(5|10|20)")
_DEPTH_SPEEDS = {"": SECOND_NS, "@1000ms": SECOND_NS, "@100ms": FAST_NS}
_PLAIN = {
    **dict.fromkeys(("trade", "aggTrade", "bookTicker"), 0),
    **dict.fromkeys(("miniTicker", "ticker", "avgPrice"), SECOND_NS),
}
_ROLLING = tuple(f"ticker_{window}" for window in ("1h", "4h", "1d"))
_ALL = {
    "!miniTicker@arr": SECOND_NS,
    "!miniTicker@arr@1000ms": SECOND_NS,
    "!miniTicker@arr@3000ms": 3 * SECOND_NS,
}
"""Mini tickers of all symbols, with their cadence."""
_TIMES = re.compile(rb'"([EOCTt])":(\d{13})(?=[,}])')


def well_formed(name: str) -> bool:
    """Whether a name passes the syntax check, existing or not."""
    return _WELL_FORMED.fullmatch(name) is not None


def spec_of(name: str) -> TopicSpec | None:
    """What a name asks for; ``None`` for one that no stream has (it stays silent)."""
    symbol, at, what = name.partition("@")
    if not at:
        return None
    if symbol.startswith("!"):
        if name in _ALL:
            return TopicSpec(kind="miniTickers", cadence_ns=_ALL[name])
        if symbol[1:] not in _ROLLING or what != "arr":
            return None
        return TopicSpec(kind=symbol, cadence_ns=SECOND_NS)
    if what in _ROLLING:
        return TopicSpec(kind=what, symbol=symbol, cadence_ns=SECOND_NS)
    if what in _PLAIN:
        return TopicSpec(kind=what, symbol=symbol, cadence_ns=_PLAIN[what])
    if what.startswith("kline_"):
        return _candle(symbol, what[6:])
    head, at, speed = what.partition("@")
    depth_cadence = _DEPTH_SPEEDS.get(at + speed)
    partial = _PARTIAL.fullmatch(head)
    if depth_cadence is None or not (head == "depth" or partial):
        return None
    if partial is None:
        return TopicSpec(kind="depth", symbol=symbol, cadence_ns=depth_cadence)
    return TopicSpec(
        kind="partial", symbol=symbol, cadence_ns=depth_cadence, levels=int(partial[1])
    )


def _candle(symbol: str, what: str) -> TopicSpec | None:
    interval, at, zone = what.partition("@")
    offset = zone_ns(zone) if at else 0
    if interval not in INTERVALS or offset is None or (at and ":" not in zone):
        return None
    cadence = SECOND_NS if interval == "1s" else CANDLE_NS
    return TopicSpec(
        kind="kline", symbol=symbol, cadence_ns=cadence, interval=interval, offset_ns=offset
    )


def names_of(path: str) -> list[str]:
    """Stream names of ``a/b/c``, percent-encoded or not."""
    return [unquote(piece) for piece in path.split("/") if piece]


# -- frames ------------------------------------------------------------------------------------


def envelope(topic: Topic, payload: bytes, wrapped: bool, sessions: Sessions) -> list[Publication]:
    """Raw, or as ``{"stream": ..., "data": ...}``."""
    if wrapped:
        payload = _prefix(topic.name) + payload + b"}"
    return [Publication(payload, sessions)]


@lru_cache(maxsize=4096)
def _prefix(name: str) -> bytes:
    return b'{"stream":' + msgspec.json.encode(name) + b',"data":'


def pass_on(topic: Topic, event: Recorded) -> list[Publication]:
    """A recorded frame as it is; in microseconds, with its times multiplied."""
    message: list[Publication] = []
    for (unit_ns, wrapped), sessions in topic.subscribers.items():
        if unit_ns == NS_PER_US:
            micro = _TIMES.sub(rb'"\1":\g<2>000', event.data)
            message += envelope(topic, micro, wrapped, sessions)
        else:
            message.append(Publication(event.wrapped if wrapped else event.data, sessions))
    return message


# -- states ------------------------------------------------------------------------------------


class Diff(BookDiff):
    """``@depth``, also from a recording of another cadence."""

    _format = BinanceRecording()
    events: tuple[type[AnyEvent], ...] = (LevelChanged, Recorded)

    def take(self, topic: Topic, event: Any, now_ns: int, out: list[Publication]) -> None:
        """Take in a changed level, or a recorded event of another cadence."""
        if not isinstance(event, Recorded):
            super().take(topic, event, now_ns, out)
            return
        for fact in self._format.facts(event.stream, event.data):
            if isinstance(fact, RecordedDepth):
                self.merge(fact)


class Aggregated(TopicState):
    """``@aggTrade``: fills of one taker order at one price, with the ids that REST gives.

    Of a recording the last fill stays open until another order trades, or for a moment.
    """

    events: tuple[type[AnyEvent], ...] = (Traded, Recorded)
    listing: Symbol

    def __init__(self, listing: Symbol, publisher: Publisher) -> None:
        self.listing = listing
        self.fills: list[Traded] = []
        self._publisher = publisher
        newest = listing.market.trades(1)
        self._next_trade = newest[-1].trade_id + 1 if newest else 0

    def take(self, topic: Topic, event: Any, now_ns: int, out: list[Publication]) -> None:
        """One trade, or a recorded frame with one."""
        if not isinstance(event, Recorded):
            if self.fills and not same_aggregate(self.fills[-1], event):
                self.flush(topic, now_ns, out)
            self.fills.append(event)
        elif event.stream.endswith("@trade"):
            self._recorded(topic, now_ns, out)

    def _recorded(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        new = self.listing.market.trades(1000, from_id=self._next_trade)
        if not new:
            return
        self._next_trade = new[-1].trade_id + 1
        *complete, still_open = groups([*self.fills, *new])
        for fills in complete:
            self.fills = fills
            self.flush(topic, now_ns, out)
        self.fills = still_open
        self._publisher.wake(topic, now_ns + _HOLD_NS)

    def flush(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Publish the aggregate that is complete: the next trade belongs to another."""
        aggregates = self.listing.aggregates
        if self.fills:
            aggregates.sync_to(self.fills[-1].trade_id)
        for one in aggregates.group(self.fills):
            self._send(topic, one, now_ns, out)
        self.fills = []

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Nothing more has come to a recorded aggregate."""
        self.flush(topic, now_ns, out)

    def _send(self, topic: Topic, one: AggTrade, now_ns: int, out: list[Publication]) -> None:
        form = self.listing.format
        topic.send(out, lambda unit_ns: payloads.agg_trade(form, one, now_ns, unit_ns))


class Topics(Publisher):
    """Binance's streams over a simulation."""

    def __init__(self, simulation: MarketSimulation, catalogue: Catalogue[Symbol]) -> None:
        super().__init__(self._state, envelope, pass_on)
        self.catalogue = catalogue
        self._simulation = simulation
        self._by_lower = {name.lower(): one for name, one in catalogue.by_name.items()}
        self._windows = Windows()

    def publish(self, events: Iterable[AnyEvent], now_ns: int) -> list[Publication]:
        """What events mean; the end of a recording completes what waits for more."""
        return super().publish(events, now_ns) + self._release_at_end(now_ns)

    def tick(self, now_ns: int) -> list[Publication]:
        """The streams whose time has come."""
        return super().tick(now_ns) + self._release_at_end(now_ns)

    def _release_at_end(self, now_ns: int) -> list[Publication]:
        over = self._simulation.over
        return self.release(now_ns) if over else []

    def _state(self, spec: TopicSpec, now_ns: int) -> TopicState | None:
        if spec.kind == "miniTickers":
            return TickerState(
                self.catalogue.by_symbol.values(),
                self._windows,
                payloads.mini_ticker,
                array=True,
            )
        if spec.kind.startswith("!"):
            return self._rolling(self.catalogue.by_symbol.values(), spec.kind[1:], array=True)
        listing = self._by_lower.get(spec.symbol)
        if listing is None:
            return None
        if spec.kind in _ROLLING:
            return self._rolling((listing,), spec.kind)
        if spec.kind == "avgPrice":
            length = AVERAGE_MINUTES * MINUTE_NS
            return TickerState(
                (listing,), self._windows, payloads.average_price, length_ns=lambda _: length
            )
        if spec.kind == "trade":
            return Each(listing, Traded, payloads.trade)
        if spec.kind == "bookTicker":
            return Each(listing, BestChanged, payloads.book_ticker)
        if spec.kind == "aggTrade":
            return Aggregated(listing, self)
        if spec.kind == "depth":
            return Diff(listing, payloads.depth_update, now_ns)
        if spec.kind == "partial":
            return BookTop(listing, spec.levels, payloads.partial_book)
        if spec.kind == "kline":
            write_kline = payloads.kline(spec.interval)
            interval = interval_of(spec.interval, spec.offset_ns)
            return CandleState(listing, interval, write_kline, now_ns)
        quotes = spec.kind == "ticker"
        write = payloads.ticker if quotes else payloads.mini_ticker
        return TickerState((listing,), self._windows, write, quotes=quotes)

    def _rolling(
        self, listings: Iterable[Symbol], kind: str, *, array: bool = False
    ) -> TickerState:
        """``ticker_1h`` and its like, of one symbol or of all."""
        window = kind.removeprefix("ticker_")
        length = window_ns(window)
        assert length is not None, "one of the three"
        return TickerState(
            listings,
            self._windows,
            payloads.rolling_ticker(window, length),
            length_ns=lambda now_ns: from_whole_minute(length, now_ns),
            array=array,
        )
