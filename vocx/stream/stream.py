"""The stream: what a program holds while threads listen for it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vocx.arguments import as_count, brief, check_count, check_names, check_number
from vocx.call_forms import methods_say_their_form
from vocx.errors import (
    BadInput,
    NotReady,
    StreamStopped,
    SubscribeRefused,
    VenueError,
    VocxError,
    WaitTimeout,
)
from vocx.facts import Balance, Candle, Fact, Facts, Fill, Gap, Order, OrderAck, Quote, Trade
from vocx.stream import registry
from vocx.stream.account import Account, AccountAccess
from vocx.stream.background import Ask, Background
from vocx.stream.channels import (
    BookChannel,
    CandleChannel,
    ChannelState,
    ChannelStates,
    QuoteChannel,
    TradeChannel,
    describe,
)
from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.latest import (
    BookState,
    CandleState,
    QuoteState,
    S,
    TickerState,
    TradeState,
    latest,
)
from vocx.stream.polling import Poller
from vocx.stream.staleness import Prober
from vocx.stream.stats import StreamStats
from vocx.stream.subscription import KINDS, Policy, Subscription
from vocx.stream.worker import OnFrame, SocketWorker, StreamSettings
from vocx.venues.base import PRIVATE, ChannelSpec, Venue

if TYPE_CHECKING:
    from vocx.lab import Lab

_WORST_FIRST = ("fatal", "degraded", "reconnecting", "connecting", "stale", "live")
_RATE_SECONDS = 5
HALTED_NS = 1_000_000_000
"""After so long without data a lab is asked whether its market moves, and as often."""


@methods_say_their_form
class Stream:
    """Listens to channels of one venue in threads of its own; ask it what is known.

    Nothing happens before :meth:`start`. Usable as a context manager, which stops it.

    What is known is asked by channel: :meth:`quote`, :meth:`trade`, :meth:`ticker`,
    :meth:`candle`, :meth:`book`, and for an account :meth:`orders`, :meth:`fills`,
    :meth:`balances`. Every one reads and never waits, takes a symbol, which may be left out where
    there is only one, and raises ``BadInput`` (this stream does not listen to it; the text says
    to what it listens), ``NotReady`` (nothing arrived yet) or ``StreamStopped`` (nothing arrived,
    and nothing will).

    Parameters
    ----------
    venue : Venue
        How the venue speaks.
    url : callable
        Base URL by the venue's purpose, asked before each try.
    channels : sequence of ChannelSpec
        Channels and symbols.
    ask : callable
        Makes a REST call (snapshots of books, proofs of life, channels that are not streamed), in
        short-lived threads. It is given the intent and an event that ends its waiting.
    account : AccountAccess or None
        Key, clock and REST of an account's channels.
    name : str or None
        Default: venue, channels and symbols.
    headers : mapping or None
        The environment's headers of an upgrade.
    offset_ns : callable or None
        How far the venue's clock is ahead of ours; ``None`` of it: its stamps are no times of
        now (a replay), so nothing has a network age.
    ca_file : path or None
        The certificate authority to trust (the lab's).
    on_frame : callable or None
        Gets every text frame and its arrival time, in the worker's thread: it must be quick.

    Attributes
    ----------
    lab : Lab or None
        The lab that it listens to, if it is one: views show its dials.
    """

    def __init__(
        self,
        venue: Venue,
        url: Callable[[str], str],
        channels: Sequence[ChannelSpec],
        *,
        ask: Ask,
        account: AccountAccess | None = None,
        name: str | None = None,
        headers: Mapping[str, str] | None = None,
        offset_ns: Callable[[], int | None] | None = None,
        ca_file: str | Path | None = None,
        on_frame: OnFrame | None = None,
        clock: Clock | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self.venue = venue
        self.channels: tuple[ChannelSpec, ...] = tuple(map(venue.validate_channel, channels))
        if not self.channels:
            raise BadInput('a stream needs at least one channel and symbol: "trades", "BTC/USDT"')
        self.lab: Lab | None = None
        self.name = name or f"{venue.name}: {describe(self.channels)}"
        self._settings = StreamSettings(
            venue=venue,
            url=url,
            ask=ask,
            account=account,
            headers=headers or {},
            offset_ns=offset_ns or (lambda: 0),
            ca_file=ca_file,
            on_frame=on_frame,
            clock=clock or Clock(),
            deadlines=deadlines or Deadlines(),
        )
        self._clock = self._settings.clock
        self._states = ChannelStates(venue)
        self._subscriptions: tuple[Subscription, ...] = ()
        self._dropped_before = 0
        self._changed = threading.Condition(threading.Lock())
        self._lock = threading.Lock()
        self._stopped = False
        self._background = Background()
        self._workers: list[SocketWorker] = []
        self._pollers: list[Poller] = []
        self._halted_known: tuple[int, str] = (0, "")

    # life

    def start(self) -> Stream:
        """Listen. A stream that runs under the same name is stopped first. Returns itself."""
        with self._lock:
            if self._stopped:
                raise StreamStopped(f"{self.name} was stopped; make a new stream")
            if self._sources:
                return self
            before = registry.register(self)
            if before is not None:
                before.stop()
            self._make_sources()
            for source in self._sources:
                if self._stopped:  # meanwhile, by another thread, which waits for us now
                    break
                source.start()
        if self._stopped:
            registry.forget(self)
            raise StreamStopped(f"{self.name} was stopped while it started")
        return self

    def _make_sources(self) -> None:
        polled = {spec: self.venue.poll_intent(spec) for spec in self.channels}
        intents = {spec: intent for spec, intent in polled.items() if intent is not None}
        prober = Prober(self._settings.ask, self._background)
        streamed = [spec for spec in self.channels if spec not in intents]
        self._workers = [
            SocketWorker(
                f"{self.name}-{number}",
                plan,
                self._settings,
                self._states,
                prober=prober,
                background=self._background,
                deliver=self._deliver,
                changed=self._notify,
                host_budget=registry.host_budget(self._host(plan.purpose)),
            )
            for number, plan in enumerate(self.venue.plan_sockets(streamed) if streamed else ())
        ]
        if intents:
            poller = Poller(
                f"{self.name}-rest",
                intents,
                self._settings.ask,
                self._states,
                clock=self._clock,
                deadlines=self._settings.deadlines,
                deliver=self._deliver,
                changed=self._notify,
            )
            self._pollers = [poller]

    @property
    def _sources(self) -> list[SocketWorker | Poller]:
        return [*self._workers, *self._pollers]

    def _host(self, purpose: str) -> str:
        try:
            url = self._settings.url(purpose)
        except VocxError:
            return purpose  # the first try will say what is wrong
        return urlsplit(url).netloc.rpartition("@")[2]

    def wait(self, seconds: float = 5) -> Stream:
        """Until every wanted channel has its first state, and a book is in sync. Returns itself.

        Raises
        ------
        WaitTimeout
            Names what is missing, and what did arrive.
        SubscribeRefused
            The venue turned a subscription down.
        StreamStopped
            It was stopped meanwhile, or died.
        """
        deadline = time.monotonic() + check_number(seconds, "seconds")
        with self._changed:
            self._demand_alive()
            while not all(channel.ready for channel in self._states.all):
                self._demand_alive()
                self._demand_subscribed()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise WaitTimeout(self._missing(seconds), venue=self.venue.name)
                self._changed.wait(min(left, 0.1))
        return self

    def _missing(self, seconds: float) -> str:
        missing = [channel for channel in self._states.all if not channel.ready]
        parts = [f"after {seconds:g} s still missing: {describe([one.spec for one in missing])}"]
        for channel in missing:
            if isinstance(channel, BookChannel) and channel.fact is not None:
                book = channel.book
                parts.append(f"the book is {book.state.replace('_', ' ')}: {book.reason}")
        frames = sum(worker.counters.frames for worker in self._workers)
        for worker in self._workers:
            parts += [f"snapshot: {book.problem}" for book in worker.books if book.problem]
            if worker.lifecycle.why:
                parts.append(worker.lifecycle.why)
        parts += [poller.why for poller in self._pollers if poller.why]
        parts.append(f"state {self.state}, {frames:,} frames arrived")
        if halted := self._halted():
            parts.append(halted)
        elif self.state == "live" and not frames:
            parts.append("the connection is open, and nothing is sent")
        elif self.state == "live" and all(not channel.heard_ns for channel in missing):
            parts.append("the venue acknowledges names it does not have and then stays silent")
        return "; ".join(parts)

    def ping(self) -> None:
        """Measure the round trip now, and forget the earlier ones: for when the distance changed.

        Ages stand on the median of the last five pings, and a stream pings by itself only every
        few seconds. Returns at once; the answer counts when it comes. At most one a second leaves.
        """
        for worker in self._workers:
            worker.ping()

    def hold_books(self, held: bool) -> None:
        """Ask for no snapshot of a book while ``held``: one that is out of sync stays so, that it
        can be looked at. Where a new connection begins with a snapshot (OKX, Bybit, Coinbase),
        that one is taken all the same."""
        for worker in self._workers:
            for book in worker.books:
                book.held = held

    def tell_stop(self) -> None:
        """Ask the threads to end, without waiting for them."""
        self._stopped = True
        self._background.stopping.set()
        for source in self._sources:
            source.tell_stop()

    def stop(self) -> None:
        """End all threads and connections. Idempotent; at most 2 s whatever the network does.

        A REST call that waits for its answer cannot be ended: its thread ends with it, and what
        it brings is thrown away.
        """
        self.tell_stop()
        with self._lock:
            self.tell_stop()  # also those that a start in another thread has just made
            me = threading.current_thread()
            sources = [one for one in self._sources if one is not me and one.ident is not None]
            for seconds in (0.6, 0.7):  # politely, then not
                deadline = time.monotonic() + seconds
                for source in sources:
                    source.join(max(0.0, deadline - time.monotonic()))
                sources = [source for source in sources if source.is_alive()]
                for source in sources:
                    source.abort()
            self._background.join(time.monotonic() + 0.3)
        registry.forget(self)
        for subscription in self._subscriptions:
            subscription.end(None)
        self._notify()

    def __enter__(self) -> Stream:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # facts

    def subscribe(
        self,
        channels: Collection[str] | str | None = None,
        symbols: Collection[str] | str | None = None,
        policy: Policy | None = None,
        size: int = 10_000,
    ) -> Subscription:
        """A bounded queue of your own, from now on; see :mod:`vocx.stream.subscription`.

        Without ``policy``: ``"gap"`` for the book alone and wherever an account's events are
        among them, else ``"drop_oldest"``.
        """
        chosen = check_names(channels, "channels", "trades")
        if policy is None and self._has_private(chosen):
            policy = "gap"
        named = check_names(symbols, "symbols", "BTC/USDT")
        for channel in chosen or ():
            if channel not in KINDS or channel not in {one.channel for one in self.channels}:
                self._states.find(channel, None)
        for symbol in named or ():
            if symbol not in {one.symbol for one in self.channels}:
                has = describe(self.channels)
                raise BadInput(f"this stream has no {brief(symbol)}; it has {has}")
        subscription = Subscription(
            channels=chosen,
            symbols=named,
            policy=policy,
            size=size,
            on_close=self._drop,
            refresh=self._fresh_book,
        )
        with self._changed:
            self._subscriptions += (subscription,)
            over = self._stopped or self.error is not None
        if over:
            subscription.end(self._death())
        return subscription

    def _has_private(self, channels: Collection[str] | str | None) -> bool:
        mine = {one.channel for one in self.channels}
        if channels is not None:
            mine &= {channels} if isinstance(channels, str) else set(channels)
        return not mine.isdisjoint(PRIVATE)

    def _drop(self, subscription: Subscription) -> None:
        with self._changed:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
            self._dropped_before += subscription.dropped

    def _fresh_book(self, symbol: str, depth: int) -> BookState | None:
        try:
            return self.book(symbol, depth)
        except (NotReady, BadInput):
            return None

    def facts(
        self,
        seconds: float | None = None,
        limit: int | None = None,
        channels: Collection[str] | str | None = None,
        symbols: Collection[str] | str | None = None,
        policy: Policy | None = None,
        size: int = 10_000,
    ) -> Iterator[Fact]:
        """Facts as they come, for ``seconds`` or until ``limit``; ends when the stream is stopped.

        Raises
        ------
        StreamStopped
            It died of something that retrying cannot cure.
        """
        deadline = None if seconds is None else time.monotonic() + check_number(seconds, "seconds")
        most = None if limit is None else check_number(limit, "limit")
        with self.subscribe(channels, symbols, policy, size) as subscription:
            count = 0
            while most is None or count < most:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return
                try:
                    fact = subscription.get(left)
                except WaitTimeout:
                    return
                except StreamStopped:
                    if self.error is not None:
                        raise
                    return
                count += 1
                yield fact

    def __iter__(self) -> Iterator[Fact]:
        return self.facts()

    async def __aiter__(self) -> AsyncIterator[Fact]:
        """The same in a coroutine, whose event loop goes on while this waits."""
        with self.subscribe() as subscription:
            async for fact in subscription:
                yield fact

    def _deliver(self, facts: Sequence[Fact]) -> None:
        for subscription in self._subscriptions:
            subscription.offer(facts)

    def _death(self) -> VocxError | None:
        error = self.error
        if error is None:
            return None
        dead = StreamStopped(f"{self.name} died: {error}", venue=self.venue.name)
        dead.__cause__ = error
        return dead

    def _notify(self) -> None:
        """A state changed: wake who waits; a dead stream ends its subscriptions."""
        with self._changed:
            self._changed.notify_all()
        if self.error is not None:
            for subscription in self._subscriptions:
                subscription.end(self._death())

    # where it stands

    @property
    def error(self) -> VocxError | None:
        """What ended it for good."""
        errors = [worker.lifecycle.error for worker in self._workers]
        errors += [poller.error for poller in self._pollers]
        return next((error for error in errors if error is not None), None)

    @property
    def refused(self) -> dict[ChannelSpec, VenueError]:
        """Channels that the venue turned down, while the others run."""
        return {one.spec: one.error for one in self._states.all if one.error is not None}

    @property
    def state(self) -> str:
        """``"connecting"``, ``"live"``, ``"stale"`` (connected, but a channel is silent and nothing
        proves it), ``"reconnecting"``, ``"degraded"`` (not connected, and tried rarely because
        the venue closed us for breaking a rule), ``"fatal"`` or ``"stopped"``: of several sockets
        the worst."""
        states = {worker.lifecycle.state for worker in self._workers}
        states |= {poller.state for poller in self._pollers}
        if "fatal" in states:
            return "fatal"
        if self._stopped or not any(source.is_alive() for source in self._sources):
            return "stopped"
        return next(state for state in _WORST_FIRST if state in states)

    @property
    def why(self) -> str:
        """The state in words; empty while all is well."""
        said = [worker.lifecycle.why for worker in self._workers]
        said += [poller.why for poller in self._pollers]
        refused = [f"{describe([spec])} refused: {error}" for spec, error in self.refused.items()]
        return "; ".join(dict.fromkeys(filter(None, [*said, *refused, self._halted()])))

    def _halted(self) -> str:
        """Why a lab's market does not move, where nothing is heard of it; asked once a second."""
        now_ns = self._clock.mono_ns()
        heard_ns = max((channel.heard_ns for channel in self._states.all), default=0)
        if self.lab is None or now_ns - heard_ns < HALTED_NS or not self._sources:
            return ""
        asked_ns, said = self._halted_known
        if now_ns - asked_ns > HALTED_NS:
            said = ""
            with suppress(VocxError):
                said = self.lab.halted
            self._halted_known = now_ns, said
        return said

    def _demand_alive(self) -> None:
        error = self.error
        if isinstance(error, SubscribeRefused):
            raise error
        if error is not None:
            raise StreamStopped(f"{self.name} died: {error}") from error
        if self._stopped:
            raise StreamStopped(f"{self.name} was stopped")
        if not self._sources:
            raise StreamStopped(f"{self.name} was not started; call start()")

    def _demand_subscribed(self) -> None:
        """One channel was refused, and the others run: who waits for all of them waits in vain."""
        for spec, error in self.refused.items():
            named = copy(error)
            named.args = (f"{describe([spec])} was refused: {error}",)
            raise named from error

    # what is known

    def quote(self, symbol: str | None = None) -> QuoteState:
        """The best bid and ask now.

        Raises
        ------
        BadInput
            This stream does not listen to it; the text says what it listens to.
        NotReady
            Nothing arrived yet.
        """
        return self._latest(QuoteState, self._states.find("quotes", symbol))

    def trade(self, symbol: str | None = None) -> TradeState:
        """The latest trade."""
        return self._latest(TradeState, self._states.find("trades", symbol))

    def ticker(self, symbol: str | None = None) -> TickerState:
        """The last 24 hours."""
        return self._latest(TickerState, self._states.find("ticker", symbol))

    def candle(self, symbol: str | None = None, interval: str | None = None) -> CandleState:
        """The latest candle, usually still open."""
        return self._latest(CandleState, self._states.find("candles", symbol, interval))

    def book(self, symbol: str | None = None, depth: int = 20) -> BookState:
        """The best ``depth`` levels of the local book.

        Raises
        ------
        BookOutOfSync
            It is not a true copy now; ``reason`` says why.
        """
        channel = self._states.find("book", symbol)
        if not isinstance(channel, BookChannel):
            return self._latest(BookState, channel)
        if not channel.ready:
            self._demand_alive()
        with channel.lock:
            fact = channel.book.snapshot(depth)
        return latest(BookState, fact, **self._times(channel, fact))

    def trades(self, symbol: str | None = None, n: int = 1000) -> Facts[Trade]:
        """The latest trades, newest last; at most 1,000 are kept."""
        channel = self._states.find("trades", symbol)
        assert isinstance(channel, TradeChannel)
        n = check_count(n, "n", write="how many trades, such as")
        return Facts(channel.recent.copy(), kind=Trade)[-n:] if n else Facts(kind=Trade)

    def candles(self, symbol: str | None = None, interval: str | None = None) -> Facts[Candle]:
        """The candles that the stream has seen, oldest first; at most 500 are kept."""
        channel = self._states.find("candles", symbol, interval)
        assert isinstance(channel, CandleChannel)
        return Facts(channel.recent.copy(), kind=Candle)

    def recent_quotes(
        self, symbol: str | None = None, seconds: float | None = None
    ) -> Facts[Quote]:
        """Changes of the best price, oldest first; at most 2,000 are kept."""
        channel = self._states.find("quotes", symbol)
        assert isinstance(channel, QuoteChannel)
        if seconds is None:
            return Facts(channel.recent.copy(), kind=Quote)
        since_ns = self._clock.wall_ns() - int(check_number(seconds, "seconds") * 1e9)
        found = (fact for fact in channel.recent.copy() if fact.arrived_ns >= since_ns)
        return Facts(found, kind=Quote)

    def orders(self, symbol: str | None = None) -> Facts[Order]:
        """The account's orders as last known, the latest changed last; at most 1,000 are kept,
        open ones longest. ``.open`` of each says whether it can still be filled."""
        found = self._account("orders").orders.copy().values()
        return Facts((one for one in found if symbol in (None, one.symbol)), kind=Order)

    def order(self, order: Order | OrderAck | int | str) -> Order:
        """One order as last known, named by itself, its acknowledgement, its number or its client
        order id.

        Raises
        ------
        NotReady
            This stream has not heard of it (yet).
        """
        key = order.id if isinstance(order, Order | OrderAck) else as_count(order)
        if not isinstance(key, int | str):
            raise BadInput(
                "an order is named by itself, its number or its client order id, not by "
                f"{brief(key)}"
            )
        for one in reversed(self.orders()):
            if str(key) in (str(one.id), one.client_order_id):
                return one
        self._demand_alive()
        raise NotReady(
            f"this stream has not heard of order {brief(key)} yet", venue=self.venue.name
        )

    def fills(self, symbol: str | None = None, n: int = 1000) -> Facts[Fill]:
        """The account's latest fills, newest last; at most 1,000 are kept."""
        n = check_count(n, "n")
        found = self._account("fills").recent.copy()
        wanted = Facts((one for one in found if symbol in (None, one.symbol)), kind=Fill)
        return wanted[-n:] if n else wanted[:0]

    def balances(self) -> Facts[Balance]:
        """What the account holds, as last known, by asset."""
        found = self._account("balances").balances.copy()
        return Facts((found[asset] for asset in sorted(found)), kind=Balance)

    @property
    def reconciling(self) -> str:
        """What an account's channels wait for before they are complete again after a login, in
        words; empty while they are, or while there is no connection (see :attr:`state`)."""
        return "; ".join(filter(None, (worker.reconciling for worker in self._workers)))

    def outages(self, channel: str | None = None) -> Facts[Gap]:
        """Times without a connection that ended, the latest last; at most 100 a socket are kept.
        What an account missed meanwhile is asked for by REST (see :attr:`reconciling`)."""
        found = [gap for worker in self._workers for gap in worker.counters.outages.copy()]
        found.sort(key=lambda gap: gap.from_ns)
        return Facts((gap for gap in found if channel in (None, gap.channel)), kind=Gap)

    def _account(self, channel: str) -> Account:
        account: Account = self._states.find(channel, None).account
        return account

    def _latest(self, kind: type[S], channel: ChannelState) -> S:
        fact = channel.fact
        if fact is None:
            self._demand_alive()
            if channel.error is not None:
                raise channel.error
            halted = self._halted()
            raise NotReady(
                f"no {describe([channel.spec])} has arrived yet (state {self.state}); "
                f"{halted or 'wait for it: .wait(5)'}",
                venue=self.venue.name,
            )
        return latest(kind, fact, **self._times(channel, fact))

    def _times(self, channel: ChannelState, fact: Fact) -> dict[str, object]:
        source = next(source for source in self._sources if channel in source.channels)
        return {
            "as_of_ns": source.as_of_ns(channel),
            "changed_ns": fact.arrived_ns,
            "asked_ns": self._clock.wall_ns(),
            "in_sync": source.feeds(channel),
            "source": source.source,
        }

    @property
    def age_ms(self) -> float | None:
        """Age of the stalest channel, milliseconds; ``None`` while one has nothing."""
        ages = []
        now_ns = self._clock.wall_ns()
        for source in self._sources:
            for channel in source.channels:
                as_of_ns = source.as_of_ns(channel)
                if as_of_ns is None:
                    return None
                ages.append((now_ns - as_of_ns) / 1e6)
        return max(ages, default=None)

    @property
    def stats(self) -> StreamStats:
        """Counters and percentiles, of all its sockets together."""
        workers, lives = self._workers, [worker.lifecycle for worker in self._workers]
        counters = [source.counters for source in self._sources]
        reasons: Counter[str] = Counter()
        facts: Counter[str] = Counter()
        for life in lives:
            reasons.update(life.reasons)
        for one in counters:
            facts.update({kind.__name__: count for kind, count in one.kinds.copy().items()})
        trips = [trip for one in counters if (trip := one.round_trip_ns()) is not None]

        def total(name: str) -> int:
            return sum(getattr(one, name) for one in counters)

        return StreamStats(
            state=self.state,
            frames=total("frames"),
            bytes=total("bytes"),
            facts=dict(facts),
            per_second=self._rate(),
            reconnects=sum(life.reconnects for life in lives),
            reasons=dict(reasons),
            connects=sum(life.connects for life in lives),
            dns_errors=sum(life.dns_errors for life in lives),
            gaps=total("gaps"),
            parse_errors=total("parse_errors"),
            unknown=total("unknown"),
            duplicates=total("duplicates"),
            out_of_order=total("out_of_order"),
            dropped=self._dropped_before + sum(s.dropped for s in self._subscriptions),
            resyncs=sum(book.channel.book.resyncs for w in workers for book in w.books),
            resubscribed=sum(life.session.resubscribed for life in lives),
            snapshots=sum(book.fetched for worker in workers for book in worker.books),
            handshake=next((c.handshake for c in reversed(counters) if c.handshake), None),
            ages_ns=list(chain.from_iterable(one.age_ns.copy() for one in counters)),
            lags_ns=list(chain.from_iterable(one.lag_ns.copy() for one in counters)),
            round_trip_ms=max(trips) / 1e6 if trips else None,
            ports=[port for one in counters for port in one.ports.copy()],
            stamped=any(one.stamped for one in counters),
            bad_samples=[text for one in counters for text in one.bad_samples.copy()],
            unknown_samples=[text for one in counters for text in one.unknown_samples.copy()],
            notices=[text for one in counters for text in one.notices.copy()],
        )

    def _rate(self) -> float:
        """Frames a second over the last five whole seconds."""
        second = self._clock.mono_ns() // 1_000_000_000
        frames = sum(
            count
            for worker in self._workers
            for at, count in worker.counters.rates.copy()
            if second - _RATE_SECONDS <= at < second
        )
        return frames / _RATE_SECONDS

    def __repr__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        age = self.age_ms
        old = "" if age is None else f", {age:.0f} ms old"
        return f"<Stream {self.name}: {self.state}{why}{old}>"
