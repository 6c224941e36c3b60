"""One WebSocket connection as a dialect keeps it: pings, idle ends, its life, an orderly end.

A :class:`PingPolicy` says what a venue wants; :class:`Keepalive` keeps one connection's deadlines;
:class:`Connection` is what every kind of connection of every venue has in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import msgspec

from vocx.lab.dialects.base import Close, Out, Ping
from vocx.lab.dialects.shared.numbers import NEVER_NS, NS_PER_MS


class PingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue keeps a connection and when it ends one; ``None``: it does not.

    Parameters
    ----------
    ping_every_ns, pong_within_ns
        The server pings so often, and ends with ``no_pong`` when no pong with the ping's payload
        comes within so long.
    life_ns
        It ends with ``lifetime`` at this age.
    idle_ns, idle_counts
        It ends with ``idle`` when for so long nothing came from the client (``"received"``) or
        went to it (``"sent"``), or neither (``"either"``).
    subscribe_within_ns
        It ends with ``idle`` when the client has no subscription for so long.
    text_ping, text_pong
        A text message that the client sends as a ping, and its answer.
    shutdown, shutdown_notice_ns
        How a planned end comes, and how long before it is announced.
    """

    ping_every_ns: int | None = None
    pong_within_ns: int | None = None
    life_ns: int | None = None
    idle_ns: int | None = None
    idle_counts: Literal["received", "sent", "either"] = "received"
    subscribe_within_ns: int | None = None
    text_ping: bytes | None = None
    text_pong: bytes = b"pong"
    no_pong: Close = Close(1008, "Pong timeout")
    lifetime: Close = Close(1001)
    idle: Close = Close(1001)
    shutdown: Close = Close(1001, "Server shutdown")
    shutdown_notice_ns: int = 0


class Keepalive:
    """Deadlines of one connection; all lengths are divided by ``scale``."""

    def __init__(self, policy: PingPolicy, now_ns: int, scale: float = 1.0) -> None:
        self.policy = policy
        self.began_ns = self.pinged_ns = self.active_ns = self.unsubscribed_ns = now_ns
        self.subscribed = False
        self.scale = scale
        self._waiting: dict[bytes, int] = {}

    @property
    def next_ns(self) -> int:
        """When :meth:`due` has something to do."""
        policy = self.policy
        times = [
            self._after(self.pinged_ns, policy.ping_every_ns),
            self._after(self.began_ns, policy.life_ns),
            self._after(self.active_ns, policy.idle_ns),
        ]
        if not self.subscribed:
            times.append(self._after(self.unsubscribed_ns, policy.subscribe_within_ns))
        times += [self._after(sent, policy.pong_within_ns) for sent in self._waiting.values()]
        return min(times)

    def received(self, now_ns: int) -> None:
        """Something came from the client."""
        if self.policy.idle_counts != "sent":
            self.active_ns = now_ns

    def sent(self, now_ns: int) -> None:
        """Something went to the client."""
        if self.policy.idle_counts != "received":
            self.active_ns = now_ns

    def subscriptions(self, any_left: bool, now_ns: int) -> None:
        """The client has subscriptions, or none any more."""
        if self.subscribed and not any_left:
            self.unsubscribed_ns = now_ns
        self.subscribed = any_left

    def pong(self, payload: bytes) -> bool:
        """Take a pong; whether it answers a ping of ours (and every earlier one with it)."""
        sent = self._waiting.get(payload)
        if sent is None:
            return False
        self._waiting = {one: at for one, at in self._waiting.items() if at > sent}
        return True

    def due(self, now_ns: int) -> Iterator[Out]:
        """The pings and the close whose time has come. A clock that was set back begins anew."""
        policy = self.policy
        self.pinged_ns = min(self.pinged_ns, now_ns)
        self.active_ns = min(self.active_ns, now_ns)
        self.unsubscribed_ns = min(self.unsubscribed_ns, now_ns)
        oldest = min(self._waiting.values(), default=NEVER_NS)
        if now_ns >= self._after(oldest, policy.pong_within_ns):
            yield policy.no_pong
        elif now_ns >= self._after(self.began_ns, policy.life_ns):
            yield policy.lifetime
        elif now_ns >= self._after(self.active_ns, policy.idle_ns):
            yield policy.idle
        elif not self.subscribed and now_ns >= self._after(
            self.unsubscribed_ns, policy.subscribe_within_ns
        ):
            yield policy.idle
        elif now_ns >= self._after(self.pinged_ns, policy.ping_every_ns):
            self.pinged_ns = now_ns
            payload = str(now_ns // NS_PER_MS).encode()
            self._waiting.setdefault(payload, now_ns)
            yield Ping(payload)

    def _after(self, since_ns: int, length_ns: int | None) -> int:
        return NEVER_NS if length_ns is None else since_ns + int(length_ns / self.scale)


class Connection:
    """What all connections have in common: keepalive, late answers, an orderly end.

    A kind of connection overrides :meth:`receive` (and :meth:`ping`, :meth:`pong` where they mean
    something) and :meth:`frame`. Its venue says what happens :attr:`on_leave`, when it gives up
    every subscription, and :attr:`on_closed`.
    """

    delay_s = 0.0

    def __init__(self, keepalive: Keepalive, peer: str) -> None:
        self.handle: Any = None
        self.on_leave: Callable[[Connection], None] = lambda connection: None
        self.on_closed: Callable[[Connection], None] = lambda connection: None
        self.keepalive = keepalive
        self.peer = peer
        self.first_outs: list[Out] = []
        self.mute = False
        self.over = False
        self._late: list[tuple[int, bytes]] = []

    # -- what a kind of connection is ----------------------------------------------------------

    def receive(self, message: bytes, now_ns: int) -> Iterable[Out]:
        """One text message that is no ping."""
        raise NotImplementedError

    def frame(self, payload: bytes) -> bytes:
        """A message of the venue as this connection gets it: numbered, where a venue does that."""
        return payload

    # -- what the server calls -----------------------------------------------------------------

    @property
    def next_tick_ns(self) -> int:
        """When :meth:`tick` has something to do."""
        if self.over or self.mute:
            return NEVER_NS
        if self.first_outs:
            return 0
        late_ns = self._late[0][0] if self._late else NEVER_NS
        return min(self.keepalive.next_ns, late_ns)

    def text(self, message: bytes, now_ns: int) -> Iterator[Out]:
        """A text message arrived; one that comes after the end is not carried out any more."""
        if self.over:
            return
        self.keepalive.received(now_ns)
        if message == self.keepalive.policy.text_ping:
            self.keepalive.sent(now_ns)
            yield from self.ended([self.keepalive.policy.text_pong])
        else:
            yield from self.ended(self.receive(message, now_ns))

    def ping(self, payload: bytes, now_ns: int) -> Iterator[Out]:
        """A ping arrived; the server has answered it."""
        self.keepalive.received(now_ns)
        yield from ()

    def pong(self, payload: bytes, now_ns: int) -> Iterator[Out]:
        """A pong arrived."""
        self.keepalive.received(now_ns)
        self.keepalive.pong(payload)
        yield from ()

    def tick(self, now_ns: int) -> Iterator[Out]:
        """What had to wait for the handshake, late answers, then pings and deadlines."""
        outs, self.first_outs = self.first_outs, []
        while self._late and self._late[0][0] <= now_ns:
            outs.append(self._late.pop(0)[1])
        outs += self.keepalive.due(now_ns)
        yield from self.ended(outs)

    def closed(self, now_ns: int) -> None:
        """The connection is gone."""
        self.over = True
        self.on_leave(self)
        self.on_closed(self)

    def internal_error(self, now_ns: int) -> Iterator[Out]:
        """1011, the code for a failure inside (RFC 6455, 7.4.1)."""
        yield from self.ended([Close(1011, "Internal error")])

    # -- for kinds of connections --------------------------------------------------------------

    def later(self, due_ns: int, message: bytes) -> None:
        """Send a message when its time has come."""
        self._late = sorted([*self._late, (due_ns, message)])

    def fall_silent(self) -> None:
        """Send nothing any more, not even pings: a frame was cut off in the middle."""
        self.mute = True
        self.on_leave(self)

    def ended(self, outs: Iterable[Out]) -> Iterator[Out]:
        """The same, remembering that a close ends everything."""
        for out in outs:
            if self.over or self.mute:
                return
            self.over = isinstance(out, Close)
            yield out
