"""One venue as the lab serves it: its connections, what waits to be sent, its owner's commands.

A dialect derives from :class:`VenueDialect` and brings the wire: what a request is answered, which
upgrade makes which connection, what a connection is told when the venue shuts down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vocx.errors import BadInput
from vocx.lab.dialects.base import Close, HttpIn, HttpOut, Publication, Session
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.connections import Connection, Keepalive, PingPolicy
from vocx.lab.dialects.shared.faults import FaultInjector, FaultResponses
from vocx.lab.dialects.shared.mappings import Deadlines
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.dialects.shared.publisher import Publisher
from vocx.lab.dialects.shared.rate_limiter import LARGEST_SCALE, RateLimiter
from vocx.lab.dialects.shared.subscriptions import PrivateSubscriptions
from vocx.lab.events import AccountEvent, AnyEvent, BalancesChanged, Event, Executed
from vocx.lab.market.instruments import CrowdTraits
from vocx.lab.settings import LONGEST_S, number

COMMANDS = ("limits", "keepalive", "shutdown", "fault", "account", "skew")


class VenueDialect:
    """What all venues do alike.

    A dialect sets :attr:`name`, :attr:`paths` and :attr:`policy`, hands its parts to this
    constructor, and answers :meth:`answer`, :meth:`connect`, :meth:`internal_error` and
    :meth:`shutdown_notice`.
    """

    name: str
    paths: Mapping[str, str]
    policy: PingPolicy
    crowd: CrowdTraits = CrowdTraits()

    def __init__(
        self,
        *,
        limiter: RateLimiter,
        publisher: Publisher,
        responses: FaultResponses,
        gateway: AccountGateway,
        subscriptions: PrivateSubscriptions,
    ) -> None:
        self.limiter = limiter
        self.publisher = publisher
        self.faults = FaultInjector(responses, publisher.topics)
        self.gateway = gateway
        self.subscriptions = subscriptions
        self.sessions: dict[Connection, None] = {}
        self.outbox: list[Publication] = []
        self.publisher.injection = self.faults.injection
        self.publisher.silences = self.faults.silences
        self._keepalive_scale = 1.0
        self._endings: Deadlines[tuple[Connection, ...]] = Deadlines()

    # -- what a dialect brings -----------------------------------------------------------------

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one REST request that no fault keeps from being carried out."""
        raise NotImplementedError

    def connect(self, request: HttpIn, now_ns: int) -> Connection | HttpOut:
        """A WebSocket upgrade: the connection, or the refusal."""
        raise NotImplementedError

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        """What the venue says where the dialect itself failed."""
        raise NotImplementedError

    def shutdown_notice(self, session: Connection, now_ns: int) -> bytes | None:
        """What a connection is told before the venue ends it."""
        return None

    def happened(self, events: Sequence[AccountEvent], now_ns: int) -> None:
        """Accounts' events, each exactly once, whoever caused them."""

    # -- requests and connections --------------------------------------------------------------

    @property
    def listened(self) -> bool:
        """Whether anybody has subscribed to market data yet."""
        return self.publisher.listened

    def http(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one REST request, through the faults that it meets."""
        self.limiter.at(now_ns)
        return self.faults.http_answer(request, lambda: self.answer(request, now_ns), now_ns)

    def open(self, request: HttpIn, now_ns: int) -> Session | HttpOut:
        """A WebSocket upgrade: a session, or the refusal."""
        refused = self.faults.refused_upgrade(request, now_ns)
        if refused is not None:
            return refused
        self.limiter.at(now_ns)
        opened = self.connect(request, now_ns)
        if isinstance(opened, Connection):
            self.sessions[opened] = None
            opened.on_leave, opened.on_closed = self._leave, self._closed
        return opened

    def keepalive(self, now_ns: int, policy: PingPolicy | None = None) -> Keepalive:
        """The deadlines of a new connection; ``policy`` where it has one of its own."""
        return Keepalive(policy or self.policy, now_ns, self._keepalive_scale)

    def _leave(self, session: Connection) -> None:
        self.publisher.leave(session)
        self.subscriptions.leave(session)

    def _closed(self, session: Connection) -> None:
        self.sessions.pop(session, None)
        self.limiter.forget(session)

    def close_all(self, sessions: Iterable[Connection], close: Close) -> None:
        """End connections at the next moment."""
        ending = tuple(one for one in sessions if not one.over)
        for one in ending:
            one.over = True
        if ending:
            self.outbox.append(Publication(close, ending))

    # -- events and time -----------------------------------------------------------------------

    @property
    def next_tick_ns(self) -> int:
        """0 while something waits to be sent, else when the next topic or planned end is due."""
        if self.outbox:
            return 0
        return min(self.publisher.next_tick_ns, self._endings.next_ns)

    def publish(self, events: Iterable[AnyEvent], now_ns: int) -> Iterable[Publication]:
        """What events mean for those who have subscribed, in order; an account's for its own."""
        public: list[Event] = []
        private: list[AccountEvent] = []
        for event in events:
            if isinstance(event, Executed | BalancesChanged):
                private.append(self.gateway.records.shown(event))
            else:
                public.append(event)
        out = self._waited(now_ns) + self.publisher.publish(public, now_ns)
        if private:
            self.happened(private, now_ns)
            out += self.subscriptions.publish(private, now_ns + self.gateway.skew_ns)
        return self._sent(out, now_ns)

    def tick(self, now_ns: int) -> Iterable[Publication]:
        """What waits to be sent, then topics that are due."""
        return self._sent(self._waited(now_ns) + self.publisher.tick(now_ns), now_ns)

    def _waited(self, now_ns: int) -> list[Publication]:
        for sessions in self._endings.pop_due(now_ns):
            self.close_all(sessions, self.policy.shutdown)
        waiting, self.outbox = self.outbox, []
        return waiting

    def _shut_down(self, arguments: Mapping[str, Any], now_ns: int) -> dict[str, Any]:
        """Announce the end of every connection that there is; later ones are not concerned."""
        if set(arguments) - {"notice_s"}:
            raise BadInput("shutdown has one setting: notice_s, a number from 0")
        asked, sessions = arguments.get("notice_s"), tuple(self.sessions)
        seconds = self.policy.shutdown_notice_ns / NS_PER_S / self._keepalive_scale
        if asked is not None:
            seconds = number("notice_s", asked, 0, LONGEST_S)
        notices: dict[bytes, list[Session]] = {}
        for session in sessions:
            notice = self.shutdown_notice(session, now_ns)
            if notice is not None:
                notices.setdefault(notice, []).append(session)
        self.outbox += [Publication(text, tuple(to)) for text, to in notices.items()]
        due_ns = now_ns + int(seconds * NS_PER_S)
        self._endings[sessions] = min(due_ns, self._endings.get(sessions, due_ns))
        return {"connections": len(sessions), "notice_s": seconds}

    def _sent(self, out: list[Publication], now_ns: int) -> list[Publication]:
        if self.policy.idle_counts != "received":
            for publication in out:
                for session in publication.to:
                    if isinstance(session, Connection):
                        session.keepalive.sent(now_ns)
        return out

    # -- the owner -----------------------------------------------------------------------------

    def pause_limits(self, paused: bool) -> None:
        """While paused, requests are neither counted nor refused by rate limits."""
        self.limiter.paused = paused

    def command(self, name: str, arguments: Mapping[str, Any], now_ns: int) -> Any:
        """An order of the lab's owner.

        ``limits`` (see :meth:`RateLimiter.command`), ``keepalive`` (``scale``), ``shutdown``
        (``notice_s``: how long it is announced before, where not as long as the venue does),
        ``fault`` (see :meth:`FaultInjector.command`), ``account`` (see
        :meth:`AccountGateway.account_command`), ``skew`` (``seconds``: the exchange's clock ahead
        of the truth, below 0 behind).
        """
        if name == "limits":
            return self.limiter.command(arguments, now_ns)
        if name == "account":
            return self.gateway.account_command(arguments)
        if name == "skew":
            return self.gateway.skew_command(arguments)
        if name == "fault":
            return self.faults.command(arguments)
        if name == "keepalive":
            return self._set_keepalive(arguments)
        if name == "shutdown":
            return self._shut_down(arguments, now_ns)
        raise BadInput(f"{self.name} has no command {name!r}; it has {', '.join(COMMANDS)}")

    def _set_keepalive(self, arguments: Mapping[str, Any]) -> dict[str, float]:
        if set(arguments) - {"scale"}:
            raise BadInput("keepalive has one setting: scale, a number above 0")
        scale = arguments.get("scale", self._keepalive_scale)
        self._keepalive_scale = number("scale", scale, 1 / LARGEST_SCALE, LARGEST_SCALE)
        for session in self.sessions:
            session.keepalive.scale = self._keepalive_scale
        return {"scale": self._keepalive_scale}
