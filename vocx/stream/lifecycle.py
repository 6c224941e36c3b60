"""The life of one socket, as a generator that does nothing itself.

It yields what to do (:class:`Connect`, :class:`Sleep`, :class:`Read`, :class:`Send`, ...) and is
sent what came of it. The thread that drives it is a thin shell; tests drive it with a clock of
their own, so a 24-hour rotation takes no time.

::

    connecting -> live <-> stale (suspicious: a channel is silent, and nothing has proven it yet)
        ^          |
        |          v
        +--- reconnecting / degraded          fatal: what retrying cannot cure; 1 try, then stop

``degraded`` means without a connection, like ``reconnecting``: the venue closed it three times
because we broke a rule, so the next try waits long. Once connected the socket is live or stale
like any other.

What each fault leads to is the table in :mod:`vocx.stream.backoff` and the methods below, one
idea each: a silent socket (ping), a half frame, a silent feed (:mod:`vocx.stream.staleness`), a
poison message (never a reconnect; subscribe again), an old connection (rotate), a machine that
slept.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence

import msgspec

from vocx.errors import (
    BadInput,
    Banned,
    ClockSkew,
    DnsError,
    LabError,
    RateLimited,
    StreamStopped,
    TlsError,
    VenueError,
    VenueUnavailable,
    VocxError,
)
from vocx.stream.backoff import Backoff, ConnectBudget, Disconnect, Uniform
from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.session import Ping, Send, Session
from vocx.stream.staleness import LastHeard, Probe, ProbeResult, Staleness
from vocx.venues.base import Ack, ChannelSpec, CloseKind, Keepalive, LoginResult, SocketPlan


class Connect(msgspec.Struct, frozen=True):
    """Open the socket; answer with :class:`Connected`."""


class Sleep(msgspec.Struct, frozen=True):
    """Wait, without a socket; wake early only to stop."""

    seconds: float


class Read(msgspec.Struct, frozen=True):
    """Receive once, and decode; answer with :class:`ReadResult`."""


class Prepare(msgspec.Struct, frozen=True):
    """Make the next connection beside this one, which the venue will end; a read brings it in
    ``handed_over`` when it has taken over."""


class Close(msgspec.Struct, frozen=True):
    """Close the socket with this code; ``None`` drops it. ``from_ns`` (wall clock) is until when
    its data are known to be complete, ``reason`` why it ends, ``kind`` what the venue's close
    frame said, if it sent one."""

    code: int | None
    reason: str = ""
    from_ns: int = 0
    kind: CloseKind = "lost"


Command = Connect | Sleep | Read | Send | Ping | Probe | Prepare | Close


class Connected(msgspec.Struct, frozen=True):
    """What became of a try to connect: open, or why not."""

    error: VocxError | None = None


class ReadResult(msgspec.Struct):
    """What one read brought.

    ``fresh``: any bytes; ``good``: facts were decoded; ``bad``: malformed frames; ``half``: a
    frame is incomplete; ``shutdown``: the venue will end the connection; ``closed``: it is over,
    and why. ``heartbeats`` are topics; an empty name stands for all of the connection.
    ``handed_over`` is the session of the next connection, which has taken over.
    """

    fresh: bool = False
    good: bool = False
    bad: int = 0
    half: bool = False
    pong: bool = False
    shutdown: bool = False
    closed: Disconnect | None = None
    acks: Sequence[Ack | LoginResult] = ()
    heartbeats: Sequence[str] = ()
    probes: Sequence[ProbeResult] = ()
    handed_over: Session | None = None


Life = Generator[Command, Connected | ReadResult | None, None]


class Lifecycle:
    """One socket's life. :meth:`run` is the generator; the attributes say where it stands.

    Attributes
    ----------
    state : str
        ``"connecting"``, ``"live"``, ``"reconnecting"``, ``"stale"``, ``"degraded"``,
        ``"fatal"``.
    why : str
        In words, for the reader of a status line.
    error : VocxError or None
        What ended it for good.
    session : Session
        What is said on its connection.
    reasons : dict
        Count of disconnects by what they were.
    was_live : bool
        It was once: what is lost from then on is an outage.
    clock_refused : bool
        The venue refused the time of our login: measure its clock before the next.
    """

    def __init__(
        self,
        plan: SocketPlan,
        session: Session,
        staleness: Staleness,
        *,
        last_heard: LastHeard,
        keepalive: Keepalive,
        deadlines: Deadlines | None = None,
        clock: Clock | None = None,
        uniform: Uniform = random.uniform,
        host_budget: ConnectBudget | None = None,
    ) -> None:
        self.state, self.why = "connecting", "connecting for the first time"
        self.error: VocxError | None = None
        self.session, self.staleness = session, staleness
        self.reasons: dict[str, int] = {}
        self.reconnects = self.connects = self.dns_errors = 0
        self.clock_refused = self.was_live = False
        self.last_bytes_wall_ns = 0
        self._plan, self._keepalive = plan, keepalive
        self._last_heard = last_heard
        self._deadlines = d = deadlines or Deadlines()
        self._clock = clock or Clock()
        self._uniform = uniform
        self._backoff = Backoff(d)
        self._budget = ConnectBudget([(12, d.retry_cap_s)])
        self._host_budget = host_budget
        self._wait_s = 0.0
        self._check_ns = 0
        self._prepare_ns: int | None = None

    @property
    def connected(self) -> bool:
        """Subscribed, on an open socket."""
        return self.state in ("live", "stale")

    @property
    def refused(self) -> dict[ChannelSpec, VenueError]:
        """Channels that the venue turned down, while others run."""
        topics = self._plan.topics
        return {topics[topic]: error for topic, error in self.session.refused.copy().items()}

    def proof_ns(self, spec: ChannelSpec, now_ns: int) -> tuple[int | None, bool]:
        """When this channel was last proven (monotonic), and whether it is suspicious."""
        return self.staleness.proof_ns(spec, now_ns)

    def run(self) -> Life:
        """Live until fatal. The shell throws the generator away to stop."""
        while (yield from self._connect()):
            disconnect = yield from self._on_line()
            self._on_disconnect(disconnect)
            if self.state == "fatal":
                return
            yield Sleep(self._wait_s)

    def _connect(self) -> Generator[Command, Connected | ReadResult | None, bool]:
        """Connect until it works; False when it never will."""
        while True:
            now_ns = self._clock.mono_ns()
            wait_s = self._budget.wait_s(now_ns)
            if self._host_budget is not None and self.connects:
                wait_s = max(wait_s, self._host_budget.wait_s(now_ns))
            if wait_s > 0:
                self.why = f"{self.why}; out of tries for {wait_s:.0f} s"
                yield Sleep(wait_s)
                continue
            for budget in (self._budget, self._host_budget):
                if budget is not None:
                    budget.note(now_ns)
            self.connects += 1
            result = yield Connect()
            assert isinstance(result, Connected)
            if result.error is None:
                return True
            if isinstance(result.error, StreamStopped):
                return False
            self._on_disconnect(_failed_connect(result.error), result.error)
            if self.state == "fatal":
                return False
            yield Sleep(self._wait_s)

    def _on_disconnect(self, disconnect: Disconnect, error: VocxError | None = None) -> None:
        """Note why, and decide how long to wait or that it is over."""
        name = str(disconnect.code or disconnect.kind)
        self.reasons[name] = self.reasons.get(name, 0) + 1
        if disconnect.kind == "dns":
            self.dns_errors += 1
        if disconnect.close == "refused" and self.error is None:
            self.error = VenueError(f"the venue closed the connection for good: {disconnect}")
        fatal = self.error or (error if error is not None and _is_fatal(error) else None)
        if fatal is not None:
            self.error, self.state, self.why = fatal, "fatal", _with_cause(fatal)
            return
        self._wait_s = self._backoff.after(disconnect, self._clock.mono_ns(), self._uniform)
        self.state = "degraded" if self._backoff.degraded else "reconnecting"
        self.why = f"{error or disconnect}; next try in {self._wait_s:.1f} s"
        if self._backoff.degraded:
            self.why = (
                "the venue closed the connection three times for breaking a rule "
                f"({disconnect}): too many messages or a bad subscription? "
                f"Next try in {self._wait_s:.0f} s"
            )

    def _on_line(self) -> Generator[Command, Connected | ReadResult | None, Disconnect]:
        """From the upgrade to the disconnect."""
        now_ns = self._clock.mono_ns()
        disconnect = self._on_connect(now_ns)
        received = ReadResult()  # nothing yet, but there is something to say
        while disconnect is None:
            # What came before the end counts.
            announced = self._prepare_ns is not None and received.closed is not None
            disconnect = _ANNOUNCED if announced else None
            disconnect = self._take(received, now_ns) or disconnect or received.closed
            if disconnect is None and now_ns >= self._check_ns:
                self._check_ns = now_ns + self._check_step_ns
                disconnect = self._slept(now_ns) or self._overdue(now_ns)
                if disconnect is None:
                    quiet, disconnect = self.staleness.check(now_ns)
                    self._note_quiet(quiet)
                if disconnect is None:
                    said = self.session.due(now_ns)
                    if said is not None:
                        yield said
                    probe = self.staleness.next_probe(quiet, now_ns) if self.connected else None
                    if probe is not None:
                        yield probe
                    if self._may_prepare(now_ns):
                        yield Prepare()
            if disconnect is None:
                answer = yield Read()
                assert isinstance(answer, ReadResult)
                received, now_ns = answer, self._clock.mono_ns()
        code = None if received.closed else 1000
        yield Close(code, _outage(disconnect), self.last_bytes_wall_ns, disconnect.close)
        return disconnect

    def _may_prepare(self, now_ns: int) -> bool:
        """The venue has announced the end, and a try for the next connection is left. A try
        that comes to nothing is followed by another."""
        if self._prepare_ns is None or now_ns < self._prepare_ns:
            return False
        budgets = [one for one in (self._budget, self._host_budget) if one is not None]
        if any(budget.wait_s(now_ns) > 0 for budget in budgets):
            return False
        for budget in budgets:
            budget.note(now_ns)
        self._prepare_ns = now_ns + int(_PREPARE_AGAIN_S * 1e9)
        self.connects += 1
        return True

    def _on_handover(self, session: Session, now_ns: int) -> None:
        """Another connection serves now, subscribed and without an outage."""
        self.session = session
        self.reasons["shutdown"] = self.reasons.get("shutdown", 0) + 1
        self.reconnects += 1
        self._begin(now_ns)

    def _on_connect(self, now_ns: int) -> Disconnect | None:
        self._begin(now_ns)
        try:
            self.session.on_connect(now_ns)
        except VocxError as error:  # no frame can be made: a key is missing or cannot be read
            self.error = error
            return Disconnect("refused", 0, str(error)[:120])
        return None

    def _begin(self, now_ns: int) -> None:
        d = self._deadlines
        self._prepare_ns = None
        self._opened_ns = self._checked_ns = now_ns
        self._checked_wall_ns = self.last_bytes_wall_ns = self._clock.wall_ns()
        self._good_ns: int | None = None
        self._half_ns: int | None = None
        self._check_step_ns = int(min(d.read_s, 0.1) * 1e9)
        self._check_ns = now_ns
        self.staleness.on_connect(now_ns)
        rotate_s = d.rotate_s if d.rotate_s is not None else self._keepalive.rotate_s
        self._rotate_ns = (
            None
            if rotate_s is None
            else now_ns + int((rotate_s - self._uniform(0.0, d.rotate_jitter_s)) * 1e9)
        )

    def _take(self, received: ReadResult, now_ns: int) -> Disconnect | None:
        """What a read means: proof of life, acks, reasons to go."""
        if received.handed_over is not None:
            self._on_handover(received.handed_over, now_ns)
        session = self.session
        if received.fresh:
            self.last_bytes_wall_ns = self._clock.wall_ns()
            session.on_bytes(now_ns, received.pong, bool(received.heartbeats))
        if not received.half:
            self._half_ns = None
        elif received.fresh or self._half_ns is None:
            self._half_ns = now_ns
        if received.bad:
            session.on_malformed(received.bad, now_ns)
        if received.heartbeats:
            topics = self._plan.topics
            beats = [topics[topic] for topic in received.heartbeats if topic in topics]
            self.staleness.on_heartbeat([] if "" in received.heartbeats else beats, now_ns)
        if received.pong:
            self.staleness.on_pong(now_ns)
        for ack in received.acks:
            refused = session.on_login(ack) if isinstance(ack, LoginResult) else session.on_ack(ack)
            if refused is not None:
                return self._refused(refused)
        # An account in which nothing happens sends no data: there a pong is as good.
        if received.good or (received.pong and self._plan.private and session.complete):
            self._on_good_data(now_ns)
        for result in received.probes:
            disconnect = self.staleness.on_result(result, now_ns)
            if disconnect is not None:
                return disconnect
        if session.complete and not self.connected:
            self._go_live()
        if received.shutdown and received.closed is not None:
            return _ANNOUNCED  # no time is left
        if received.shutdown and self._prepare_ns is None:
            self._prepare_ns = now_ns
            self._check_ns = now_ns
        return None

    def _refused(self, refused: VenueError) -> Disconnect:
        """A subscription or a login was turned down: for good, or for now."""
        self.clock_refused = isinstance(refused, ClockSkew)
        if self.clock_refused or _is_worth_another_try(refused):
            status = refused.http_status or 0
            return Disconnect("login", status, refused.text[:80], refused.retry_after_s)
        self.error = refused
        return Disconnect("refused", 0, refused.text or str(refused))

    def _on_good_data(self, now_ns: int) -> None:
        if not self.session.complete:
            # Data are a better proof of a subscription than its acknowledgement.
            topics = self._plan.topics
            self.session.confirm(
                topic
                for topic in self.session.unconfirmed
                if (self._last_heard(topics[topic]) or 0) >= self._opened_ns
            )
        if self._good_ns is None:
            self._good_ns = now_ns
        good_s = (now_ns - self._good_ns) / 1e9
        if good_s >= self._deadlines.outage_over_s:
            self._backoff.outage_over()
        if good_s >= self._deadlines.good_s:
            self._backoff.good()
            if self.state == "live":
                self.why = ""

    def _go_live(self) -> None:
        """Subscribed: the outage, if there was one, is over."""
        self.reconnects += self.was_live
        self.was_live = True
        self.state = "live"
        if not self._backoff.degraded:  # else the words last until data have been good for long
            self.why = ""

    def _slept(self, now_ns: int) -> Disconnect | None:
        """The wall clock ran on while the monotonic one stood still: the machine slept."""
        wall_ns = self._clock.wall_ns()
        jump_s = ((wall_ns - self._checked_wall_ns) - (now_ns - self._checked_ns)) / 1e9
        self._checked_ns, self._checked_wall_ns = now_ns, wall_ns
        if jump_s < self._deadlines.sleep_jump_s:
            return None
        self.last_bytes_wall_ns = min(self.last_bytes_wall_ns, wall_ns - int(jump_s * 1e9))
        return Disconnect("slept", 0, f"your machine slept {_span(jump_s)}")

    def _overdue(self, now_ns: int) -> Disconnect | None:
        """Deadlines that have passed, the surest sign of death first."""
        if (
            self._half_ns is not None
            and now_ns - self._half_ns > self._deadlines.half_frame_s * 1e9
        ):
            return Disconnect("truncated", 1006, "a frame stopped half-way")
        overdue = self.session.overdue(now_ns)
        if overdue is not None:
            return overdue
        if self._rotate_ns is not None and now_ns >= self._rotate_ns:
            return Disconnect("rotation", 0, "before the venue's own limit on a connection's age")
        return None

    def _note_quiet(self, quiet: Sequence[ChannelSpec]) -> None:
        if not self.connected:
            return
        if quiet:
            names = ", ".join(f"{one.channel} {one.symbol}" for one in quiet[:5])
            more = f" and {len(quiet) - 5} more" if len(quiet) > 5 else ""
            self.state, self.why = "stale", f"no data: {names}{more}"
        elif self.state == "stale":
            self.state, self.why = "live", ""


_ANNOUNCED = Disconnect("shutdown", 0, "the venue announced a restart")
_PREPARE_AGAIN_S = 20.0


def _outage(disconnect: Disconnect) -> str:
    return disconnect.text if disconnect.kind == "slept" else f"reconnect: {disconnect}"


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


_LIKELY = {
    401: "the key is missing or wrong",
    403: "this address or this request is blocked by the venue",
    404: "the address or the path is wrong",
    418: "this address is banned for a while: stop all programs that use it, and wait",
    451: "the venue does not serve this place; the lab and public-data hosts still work",
}


def _with_cause(error: VocxError) -> str:
    """The error, and what is likely behind it."""
    status = error.http_status if isinstance(error, VenueError) else None
    likely = _LIKELY.get(status or 0)
    return f"{error} (refused with HTTP {status}: {likely})" if likely else str(error)


def _is_worth_another_try(error: VenueError) -> bool:
    """Come later: busy, or a ban whose end is known."""
    if isinstance(error, Banned):
        return error.retry_after_s is not None
    return isinstance(error, RateLimited | VenueUnavailable)


def _is_fatal(error: VocxError) -> bool:
    """What another try cannot cure."""
    if isinstance(error, VenueError):
        return not _is_worth_another_try(error)
    return isinstance(error, TlsError | BadInput | LabError)


def _failed_connect(error: VocxError) -> Disconnect:
    if isinstance(error, VenueError):
        return Disconnect("upgrade", error.http_status or 0, error.text[:80], error.retry_after_s)
    kind = "dns" if isinstance(error, DnsError) else type(error).__name__
    return Disconnect(kind, 0, str(error)[:120])
