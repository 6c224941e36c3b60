"""The stream: what a program holds while threads listen for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from vocx.errors import BadInput, NotReady, StreamStopped, VocxError, WaitTimeout
from vocx.facts import Fact
from vocx.stream import registry
from vocx.stream.account import Ask
from vocx.stream.book_sync import Fetch
from vocx.stream.channels import BookChannel, State, describe
from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.frames import OnFrame
from vocx.stream.latest import (
    BookState,
)
from vocx.stream.lifecycle import Lifecycle
from vocx.stream.questions import Questions
from vocx.stream.stats import StreamStats
from vocx.stream.subscription import KINDS, Policy, Subscription
from vocx.stream.summary import summary
from vocx.stream.worker import Asker, Equipment, Login, SocketWorker
from vocx.venues.base import PRIVATE, ChannelSpec, SocketPlan, Venue

if TYPE_CHECKING:
    from vocx.lab import Lab


class Stream(Questions):
    """Listens to channels of one venue in threads of its own; ask it what is known.

    Nothing happens before :meth:`start`. Usable as a context manager, which stops it.

    Parameters
    ----------
    venue : Venue
        How the venue speaks.
    url : callable
        Base URL by purpose (``"ws"``), asked before each dial.
    channels : sequence of ChannelSpec
        Channels and symbols.
    snapshot : callable
        Fetches a book by REST; runs in a short-lived thread of its own.
    name : str or None
        Default: venue, channels and symbols.
    probe : callable or None
        Raises when the venue's REST API does not answer; asked about a silent feed.
    offset_ns : callable or None
        How far the venue's clock is ahead of ours; ``None`` of it: its stamps are no times of
        now (a replay), so nothing has a network age.
    ca_file : path or None
        A certificate authority to trust besides the system's (the lab's).
    on_frame : callable or None
        Gets every text frame and its arrival time, in the reader thread: it must be quick.
    login, resync, reconcile : callable
        For an account's channels: signs a private plan for one connection; measures the venue's
        clock again; asks by REST what an outage swallowed.

    Attributes
    ----------
    lab : Lab or None
        The lab that it listens to, if it is one: views show its dials.
    """

    def __init__(
        self,
        venue: Venue,
        url: Callable[[str], str],
        wanted: Sequence[ChannelSpec],
        *,
        snapshot: Fetch,
        name: str | None = None,
        probe: Asker | None = None,
        offset_ns: Callable[[], int | None] | None = None,
        ca_file: str | Path | None = None,
        on_frame: OnFrame | None = None,
        clock: Clock | None = None,
        deadlines: Deadlines | None = None,
        login: Login | None = None,
        resync: Asker | None = None,
        reconcile: Ask | None = None,
    ) -> None:
        self.venue = venue
        self.channels: tuple[ChannelSpec, ...] = tuple(
            venue.validate_channel(one) for one in wanted
        )
        if not self.channels:
            raise BadInput('a stream needs at least one channel and symbol: "trades", "BTC/USDT"')
        self.lab: Lab | None = None
        self.name = name or f"{venue.name}: {describe(self.channels)}"
        self._clock = clock or Clock()
        self._deadlines = deadlines or Deadlines()
        self._state = State(venue.check_sequence)
        self._subscriptions: tuple[Subscription, ...] = ()
        self._changed = threading.Condition(threading.Lock())
        self._lock = threading.Lock()
        self._stopped = False
        self._readers: list[SocketWorker] = []
        self._url = url
        self._gear = Equipment(
            venue,
            url,
            snapshot=snapshot,
            probe=probe,
            ca_file=ca_file,
            on_frame=on_frame,
            clock=self._clock,
            deadlines=self._deadlines,
            offset_ns=offset_ns or (lambda: 0),
            deliver=self._deliver,
            changed=self._notify,
            login=login,
            resync=resync,
            reconcile=reconcile,
        )

    # life

    def start(self) -> Stream:
        """Listen. A stream that runs under the same name is stopped first. Returns itself."""
        with self._lock:
            if self._stopped:
                raise StreamStopped(f"{self.name} was stopped; make a new stream")
            if self._readers:
                return self
            before = registry.register(self)
            if before is not None:
                before.stop()
            self._readers = [
                self._reader(number, plan)
                for number, plan in enumerate(self.venue.subscribe(self.channels))
            ]
            for reader in self._readers:
                reader.start()
        return self

    def _reader(self, number: int, plan: SocketPlan) -> SocketWorker:
        host = urlsplit(self._host_of(plan.base)).netloc.rpartition("@")[2]
        course = Lifecycle(
            plan,
            keepalive=self.venue.keepalive,
            stale_after_s=self.venue.stale_after_s,
            last_heard=self._state.last_heard,
            can_probe=True,
            deadlines=self._deadlines,
            clock=self._clock,
            host_budget=registry.host_budget(host),
        )
        return SocketWorker(f"{self.name}-{number}", plan, self._state, course, self._gear)

    def _host_of(self, base: str) -> str:
        try:
            return self._url(base)
        except VocxError:
            return base  # the first dial will say what is wrong

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
        deadline = time.monotonic() + _number("seconds", seconds)
        with self._changed:
            self._demand_alive()
            while not all(slot.ready for slot in self._state.slots):
                self._demand_alive()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise WaitTimeout(self._missing(seconds), venue=self.venue.name)
                self._changed.wait(min(left, 0.1))
        return self

    def _missing(self, seconds: float) -> str:
        slots = [slot for slot in self._state.slots if not slot.ready]
        parts = [f"after {seconds:g} s still missing: {describe([s.wanted for s in slots])}"]
        for slot in slots:
            if isinstance(slot, BookChannel) and slot.fact is not None:
                parts.append(f"the book is {slot.book.state.replace('_', ' ')}: {slot.book.reason}")
        frames = sum(reader.meter.frames for reader in self._readers)
        for reader in self._readers:
            parts += [f"snapshot: {s.problem}" for s in reader.snapshots if s.problem]
            if reader.course.why:
                parts.append(reader.course.why)
        parts.append(f"state {self.state}, {frames:,} frames arrived")
        if self.state == "live" and not frames:
            parts.append("the connection is open; is the market paused?")
        elif self.state == "live" and all(not slot.heard_ns for slot in slots):
            parts.append("the venue acknowledges names it does not have and then stays silent")
        return "; ".join(parts)

    def ping(self) -> None:
        """Measure the round trip now, and forget the earlier ones: for when the distance changed.

        Ages stand on the median of the last five pings, and a stream pings by itself only every
        few seconds. Returns at once; the answer counts when it comes. At most one a second leaves.
        """
        for reader in self._readers:
            reader.ping()

    def tell_stop(self) -> None:
        """Ask the threads to end, without waiting for them."""
        self._stopped = True
        for reader in self._readers:
            reader.stopping.set()

    def stop(self) -> None:
        """End all threads and connections. Idempotent; at most 2 s whatever the network does."""
        self.tell_stop()
        with self._lock:
            me = threading.current_thread()
            readers = [reader for reader in self._readers if reader is not me]
            for seconds in (0.6, 1.0):  # politely, then not
                deadline = time.monotonic() + seconds
                for reader in readers:
                    reader.join(max(0.0, deadline - time.monotonic()))
                readers = [reader for reader in readers if reader.is_alive()]
                for reader in readers:
                    reader.abort()
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
        if policy is None and self._has_private(channels):
            policy = "gap"
        chosen = [channels] if isinstance(channels, str) else channels
        named = [symbols] if isinstance(symbols, str) else symbols
        for channel in chosen or ():
            if channel not in KINDS or channel not in {one.channel for one in self.channels}:
                self._state.find(channel, None)
        for symbol in named or ():
            if symbol not in {one.symbol for one in self.channels}:
                raise BadInput(f"this stream has no {symbol}; it has {describe(self.channels)}")
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
        wanted = {one.channel for one in self.channels}
        if channels is not None:
            wanted &= {channels} if isinstance(channels, str) else set(channels)
        return not wanted.isdisjoint(PRIVATE)

    def _drop(self, subscription: Subscription) -> None:
        with self._changed:
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)
            self._dropped_before += subscription.dropped

    _dropped_before = 0

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
        deadline = None if seconds is None else time.monotonic() + _number("seconds", seconds)
        most = None if limit is None else _number("limit", limit)
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

    @property
    def stats(self) -> StreamStats:
        """Counters and percentiles, of all its sockets together."""
        dropped = self._dropped_before + sum(s.dropped for s in self._subscriptions)
        return summary(self.state, self._readers, dropped, self._clock.mono_ns())

    def __repr__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        age = self.age_ms
        old = "" if age is None else f", {age:.0f} ms old"
        return f"<Stream {self.name}: {self.state}{why}{old}>"


def _number(name: str, value: float) -> float:
    """A number of seconds or facts, or ``BadInput``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        raise BadInput(f"{name} is {value!r}; write a number, such as 5")
    return value
