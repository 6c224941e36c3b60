"""Market streams: who listens to what, and what events and time mean for them.

Payloads are built and encoded for listened streams only, once per form. A recorded frame is
passed on byte for byte; from the first one on, its stream is never derived as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vocx.lab.dialects.base import Publication, Session
from vocx.lab.dialects.binance import payloads
from vocx.lab.dialects.binance.cadence import Windows, cadenced
from vocx.lab.dialects.binance.catalogue import (
    AggTrade,
    Catalogue,
    Listing,
    groups,
    same_aggregate,
)
from vocx.lab.dialects.binance.topics import Tamper, Topic, meaning
from vocx.lab.events import AnyEvent, BestChanged, LevelChanged, Recorded, Traded
from vocx.lab.ports import MarketSimulation

NEVER_NS = 2**62
_HOLD_NS = 100_000_000
"""How long the last recorded trade waits for others of the same order."""


class Feed:
    """One symbol's listened event streams."""

    __slots__ = ("listing", "trades", "quotes", "aggregates", "diffs", "fills", "next_trade")

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.trades: list[Topic] = []
        self.quotes: list[Topic] = []
        self.aggregates: list[Topic] = []
        self.diffs: list[Topic] = []
        self.fills: list[Traded] = []
        self.next_trade = 0

    def of_kind(self, kind: str) -> list[Topic]:
        kinds = {"trade": self.trades, "bookTicker": self.quotes, "aggTrade": self.aggregates}
        return kinds.get(kind, self.diffs)


class Streams:
    """All listened streams of one venue."""

    def __init__(self, simulation: MarketSimulation, catalogue: Catalogue) -> None:
        self.simulation = simulation
        self.catalogue = catalogue
        self.topics: dict[str, Topic] = {}
        self.feeds = {symbol: Feed(item) for symbol, item in catalogue.by_symbol.items()}
        self.recorded: set[str] = set()
        self.tamper_for: Callable[[str], Tamper | None] = lambda name: None
        self._open: set[Feed] = set()
        self._held: dict[Feed, int] = {}
        self._cadences: dict[int, dict[str, Topic]] = {}
        self._slots: dict[int, int] = {}
        self._windows = Windows()

    # -- who listens ---------------------------------------------------------------------------

    def add(self, name: str, session: Session, form: int, now_ns: int) -> None:
        """Let a session listen; ``form`` is its bits (MICRO, WRAPPED)."""
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = self._new_topic(name, now_ns)
        topic.add(session, form)

    def remove(self, name: str, session: Session) -> None:
        """Let a session listen no more; a stream without listeners is forgotten."""
        topic = self.topics.get(name)
        if topic is None:
            return
        topic.remove(session)
        if topic.empty:
            del self.topics[name]
            self._forget(topic)

    def change(self, name: str, session: Session, form: int) -> None:
        """Let a listening session have another form from now on."""
        topic = self.topics[name]
        topic.remove(session)
        topic.add(session, form)

    def _new_topic(self, name: str, now_ns: int) -> Topic:
        topic = Topic(name, meaning(name))
        topic.tamper = self.tamper_for(name)
        wanted = topic.meaning
        if wanted is None:
            return topic
        listing = self.catalogue.by_lower.get(wanted.symbol)
        if wanted.symbol and listing is None:
            return topic
        if wanted.cadence_ns:
            topic.state = cadenced(self.catalogue, listing, wanted, self._windows, now_ns)
            cadence = wanted.cadence_ns
            group = self._cadences.setdefault(cadence, {})
            if not group:
                self._slots[cadence] = now_ns // cadence
            group[name] = topic
        if listing is not None and wanted.kind in ("trade", "bookTicker", "aggTrade", "depth"):
            feed = self.feeds[listing.numbers.spec.symbol]
            feed.of_kind(wanted.kind).append(topic)
            if wanted.kind == "aggTrade" and len(feed.aggregates) == 1:
                newest = listing.market.trades(1)
                feed.next_trade = newest[-1].trade_id + 1 if newest else 0
        return topic

    def _forget(self, topic: Topic) -> None:
        for feed in self.feeds.values():
            for topics in (feed.trades, feed.quotes, feed.aggregates, feed.diffs):
                if topic in topics:
                    topics.remove(topic)
        for cadence, group in tuple(self._cadences.items()):
            if group.pop(topic.name, None) and not group:
                del self._cadences[cadence], self._slots[cadence]

    # -- events --------------------------------------------------------------------------------

    def publish(self, events: Iterable[AnyEvent], now_ns: int) -> list[Publication]:
        """What the market's events mean for those who listen."""
        out: list[Publication] = []
        feeds = self.feeds
        for event in events:
            if isinstance(event, LevelChanged):
                for topic in feeds[event.symbol].diffs:
                    topic.state.change(event)
            elif isinstance(event, BestChanged):
                self._best(feeds[event.symbol], event, out)
            elif isinstance(event, Traded):
                self._traded(feeds[event.symbol], event, now_ns, out)
            elif isinstance(event, Recorded):
                self._recorded(event, now_ns, out)
        for feed in tuple(self._open):
            self._flush_fills(feed, now_ns, out)
        if self._held:
            self._release(now_ns, out)
        return out

    def _best(self, feed: Feed, event: BestChanged, out: list[Publication]) -> None:
        for topic in feed.quotes:
            if topic.name not in self.recorded:
                topic.send_text(out, payloads.book_ticker(feed.listing.numbers, event))

    def _traded(self, feed: Feed, event: Traded, now_ns: int, out: list[Publication]) -> None:
        numbers = feed.listing.numbers
        for topic in feed.trades:
            if topic.name not in self.recorded:
                topic.send(out, lambda unit: payloads.trade(numbers, event, now_ns, unit))
        if feed.aggregates:
            if feed.fills and not same_aggregate(feed.fills[-1], event):
                self._flush_fills(feed, now_ns, out)
            feed.fills.append(event)
            self._open.add(feed)

    def _flush_fills(self, feed: Feed, now_ns: int, out: list[Publication]) -> None:
        """Publish the aggregate that is complete: the next trade belongs to another."""
        aggregates = feed.listing.aggregates
        if feed.fills:
            aggregates.sync_to(feed.fills[-1].trade_id)
        for aggregate in aggregates.group(feed.fills):
            self._aggregated(feed, aggregate, now_ns, out)
        feed.fills.clear()
        self._open.discard(feed)

    def _aggregated(self, feed: Feed, one: AggTrade, now_ns: int, out: list[Publication]) -> None:
        numbers = feed.listing.numbers
        for topic in feed.aggregates:
            if topic.name not in self.recorded:
                topic.send(out, lambda unit: payloads.agg_trade(numbers, one, now_ns, unit))

    # -- recordings ----------------------------------------------------------------------------

    def _recorded(self, event: Recorded, now_ns: int, out: list[Publication]) -> None:
        name = event.stream
        self.recorded.add(name)
        topic = self.topics.get(name)
        if topic is not None:
            topic.pass_on(out, event)
        feed = self.feeds.get(event.symbol)
        if feed is None:
            return
        if feed.diffs and b'"depthUpdate"' in event.data:
            for other in feed.diffs:
                if other.name not in self.recorded:
                    other.state.recorded(event.data)
        elif feed.aggregates and name.endswith("@trade"):
            self._recorded_trades(feed, now_ns, out)

    def _recorded_trades(self, feed: Feed, now_ns: int, out: list[Publication]) -> None:
        """Aggregates of recorded trades: the last one stays open until another order trades."""
        new = feed.listing.market.trades(1000, from_id=feed.next_trade)
        if not new:
            return
        feed.next_trade = new[-1].trade_id + 1
        *complete, still_open = groups([*feed.fills, *new])
        for fills in complete:
            feed.fills[:] = fills
            self._flush_fills(feed, now_ns, out)
        feed.fills[:] = still_open
        self._held[feed] = now_ns + _HOLD_NS

    def _release(self, now_ns: int, out: list[Publication]) -> None:
        """Publish held aggregates whose time is over, and all when the recording is."""
        over = getattr(self.simulation, "state", "") == "over"
        for feed, until_ns in tuple(self._held.items()):
            if over or until_ns <= now_ns:
                del self._held[feed]
                self._flush_fills(feed, now_ns, out)

    # -- time ----------------------------------------------------------------------------------

    @property
    def next_tick_ns(self) -> int:
        """When the next stream with a cadence is due."""
        cadences = ((slot + 1) * cadence for cadence, slot in self._slots.items())
        return min(*cadences, *self._held.values(), NEVER_NS, NEVER_NS)

    def tick(self, now_ns: int) -> list[Publication]:
        """Streams whose time has come."""
        out: list[Publication] = []
        if self._held:
            self._release(now_ns, out)
        for cadence, slot in tuple(self._slots.items()):
            if now_ns // cadence > slot:
                self._slots[cadence] = now_ns // cadence
                for topic in self._cadences[cadence].values():
                    if topic.name not in self.recorded:
                        topic.state.due(topic, now_ns, out)
        return out
