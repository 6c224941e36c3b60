"""The life of one socket, as a generator that does nothing itself.

It yields what to do (:class:`Dial`, :class:`Sleep`, :class:`Read`, :class:`Send`, ...) and is
sent what came of it. The thread that drives it is a thin shell; tests drive it with a clock of
their own, so a 24-hour rotation takes no time.

::

    connecting -> live <-> stale (suspicious: silent, while REST disagrees or cannot say)
        ^          |
        |          v
        +--- reconnecting / degraded          fatal: what retrying cannot cure; 1 dial, then stop

What each fault leads to is the table in :mod:`vocx.stream.backoff` and the methods below, one
idea each: a silent socket (ping), a half frame, a silent feed (probe, then dial again), a poison
message (never a reconnect; subscribe again), an old connection (rotate), a machine that slept.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator

from vocx.errors import (
    BadInput,
    Banned,
    ClockSkew,
    DnsError,
    LabError,
    RateLimited,
    StreamStopped,
    SubscribeRefused,
    TlsError,
    VenueError,
    VenueUnavailable,
    VocxError,
)
from vocx.facts import Gap
from vocx.stream.backoff import Backoff, DialBudget, Disconnect, Uniform
from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.session import Session
from vocx.stream.steps import Close, Connected, Dial, Do, Probe, Read, ReadResult, Sleep
from vocx.venues.base import ChannelSpec, Keepalive, SocketPlan

Life = Generator[Do, Connected | ReadResult | None, None]
LastHeard = Callable[[ChannelSpec], int | None]
"""Monotonic nanoseconds of a channel's latest data; ``None`` before the first."""


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
    gaps : list of Gap
        Outages that ended, one per channel; the shell takes them away.
    reasons : dict
        Count of losses by what they were.
    """

    def __init__(
        self,
        plan: SocketPlan,
        *,
        keepalive: Keepalive,
        stale_after_s: Callable[[ChannelSpec], float],
        last_heard: LastHeard,
        can_probe: bool = False,
        deadlines: Deadlines | None = None,
        clock: Clock | None = None,
        uniform: Uniform = random.uniform,
        host_budget: DialBudget | None = None,
    ) -> None:
        self.state, self.why = "connecting", "dialling for the first time"
        self.error: VocxError | None = None
        self.gaps: list[Gap] = []
        self.reasons: dict[str, int] = {}
        self.reconnects = 0
        self.dials = 0
        self.dns_errors = 0
        self.clock_refused = False
        """The venue refused the time of our login: measure its clock before the next."""
        self._plan = plan
        self._deadlines = d = deadlines or Deadlines()
        self._clock = clock or Clock()
        self._uniform = uniform
        self._keepalive = keepalive
        self._backoff = Backoff(d)
        self._budget = DialBudget([(12, d.retry_cap_s)])
        self._host_budget = host_budget
        self._talk = Session(plan, keepalive, d)
        self._silence = {
            wanted: d.stale_after_s if d.stale_after_s is not None else stale_after_s(wanted)
            for wanted in plan.topics.values()
        }
        self._last_heard = last_heard
        self._can_probe = can_probe
        self._lost_wall_ns: int | None = None
        self._loss = Disconnect("")
        self._was_live = False
        self._proved: dict[ChannelSpec, int] = {}
        self._wait_s = 0.0
        self.heard_wall_ns = 0
        self._look_ns = 0

    @property
    def resubscribed(self) -> int:
        """Times that malformed frames made us subscribe again."""
        return self._talk.resubscribed

    def proof_ns(self, wanted: ChannelSpec, now_ns: int) -> tuple[int | None, bool]:
        """When REST last agreed with this channel (monotonic), and whether it is suspicious."""
        proved_ns = self._proved.get(wanted)
        latest_ns = max(self._last_heard(wanted) or 0, proved_ns or 0)
        return proved_ns, now_ns - latest_ns > self._silence[wanted] * 1e9

    def use(self, plan: SocketPlan) -> None:
        """The plan with a login that is good now."""
        self._talk.use(plan)

    def run(self) -> Life:
        """Live until fatal. The shell throws the generator away to stop."""
        while (yield from self._open()):
            loss = yield from self._connected()
            self._lose(loss)
            if self.state == "fatal":
                return
            yield Sleep(self._wait_s)

    def _open(self) -> Generator[Do, Connected | ReadResult | None, bool]:
        """Dial until it works; False when it never will."""
        while True:
            now_ns = self._clock.mono_ns()
            wait_s = self._budget.wait_s(now_ns)
            if self._host_budget is not None and self.dials:
                wait_s = max(wait_s, self._host_budget.wait_s(now_ns))
            if wait_s > 0:
                self.why = f"{self.why}; out of dials for {wait_s:.0f} s"
                yield Sleep(wait_s)
                continue
            for budget in (self._budget, self._host_budget):
                if budget is not None:
                    budget.note(now_ns)
            self.dials += 1
            result = yield Dial()
            assert isinstance(result, Connected)
            if result.error is None:
                return True
            if isinstance(result.error, StreamStopped):
                return False
            self._lose(_dial_loss(result.error), result.error)
            if self.state == "fatal":
                return False
            yield Sleep(self._wait_s)

    def _lose(self, loss: Disconnect, error: VocxError | None = None) -> None:
        """Note why, and decide how long to wait or that it is over."""
        self.reasons[str(loss.code or loss.kind)] = (
            self.reasons.get(str(loss.code or loss.kind), 0) + 1
        )
        if loss.kind == "dns":
            self.dns_errors += 1
        if self._lost_wall_ns is None:
            self._lost_wall_ns = self.heard_wall_ns if self._was_live else self._clock.wall_ns()
            self._loss = loss
        fatal = self.error or (error if error is not None and _is_fatal(error) else None)
        if fatal is not None:
            self.error, self.state, self.why = fatal, "fatal", _with_cause(fatal)
            return
        self._wait_s = self._backoff.after(loss, self._clock.mono_ns(), self._uniform)
        self.state = "degraded" if self._backoff.degraded else "reconnecting"
        self.why = f"{error or loss}; next dial in {self._wait_s:.1f} s"
        if self._backoff.degraded:
            self.why = (
                f"the venue closed the connection three times for breaking a rule ({loss}): "
                f"too many messages or a bad subscription? Next dial in {self._wait_s:.0f} s"
            )

    def _connected(self) -> Generator[Do, Connected | ReadResult | None, Disconnect]:
        """From the upgrade to the loss."""
        now_ns = self._clock.mono_ns()
        self._begin(now_ns)
        while True:
            heard = yield Read()
            assert isinstance(heard, ReadResult)
            now_ns = self._clock.mono_ns()
            loss = self._take(heard, now_ns) or heard.closed  # what came before the end counts
            if loss is None and now_ns >= self._look_ns:
                self._look_ns = now_ns + self._look_step_ns
                loss = self._slept(now_ns) or self._overdue(now_ns)
                if loss is None:
                    said = self._talk.due(now_ns)
                    if said is not None:
                        yield said
                    for wanted in self._to_probe(now_ns):
                        yield Probe(wanted)
            if loss is not None:
                yield Close(None if heard.closed else 1000, loss.kind)
                return loss

    def _begin(self, now_ns: int) -> None:
        d = self._deadlines
        self._talk.begin(now_ns)
        self._opened_ns = self._fresh_ns = self._checked_ns = now_ns
        self._checked_wall_ns = self.heard_wall_ns = self._clock.wall_ns()
        self._good_ns: int | None = None
        self._half_ns: int | None = None
        self._look_step_ns = int(min(d.read_s, 0.1) * 1e9)
        self._look_ns = now_ns
        self._proved = {}
        self._probing: dict[ChannelSpec, int] = {}
        rotate_s = d.rotate_s if d.rotate_s is not None else self._keepalive.rotate_s
        self._rotate_ns = (
            None
            if rotate_s is None
            else now_ns + int((rotate_s - self._uniform(0.0, d.rotate_jitter_s)) * 1e9)
        )

    def _take(self, heard: ReadResult, now_ns: int) -> Disconnect | None:
        """What a read means: proof of life, acks, reasons to go."""
        if heard.fresh:
            self._fresh_ns = now_ns
            self.heard_wall_ns = self._clock.wall_ns()
            self._talk.heard_bytes(now_ns, heard.pong)
        if not heard.half:
            self._half_ns = None
        elif heard.fresh or self._half_ns is None:
            self._half_ns = now_ns
        if heard.bad:
            self._talk.bad(heard.bad, now_ns)
        if heard.acks:
            refused = self._talk.acked(heard.acks)
            if refused is not None:
                return self._refused(refused)
        # An account in which nothing happens sends no data: there a pong is as good.
        if heard.good or (heard.pong and self._plan.private and self._talk.complete):
            self._good(now_ns)
        for wanted, agrees in heard.probes:
            self._probing.pop(wanted, None)
            if not agrees:
                return Disconnect("silent", 0, f"no {wanted.channel} of {wanted.symbol}")
            self._proved[wanted] = now_ns
        if self.state not in ("live", "stale") and self._talk.complete:
            self._go_live()
        if heard.shutdown:
            return Disconnect("shutdown", 0, "the venue announced a restart")
        return None

    def _refused(self, refused: VenueError) -> Disconnect:
        """A subscription or a login was turned down: for good, or for now."""
        self.clock_refused = isinstance(refused, ClockSkew)
        busy = isinstance(refused, RateLimited | VenueUnavailable)
        if self.clock_refused or (busy and not isinstance(refused, Banned)):
            status = refused.http_status or 0
            return Disconnect("login", status, refused.text[:80], refused.retry_after_s)
        self.error = refused
        return Disconnect("refused", 0, refused.text or str(refused))

    def _good(self, now_ns: int) -> None:
        if self._good_ns is None:
            self._good_ns = now_ns
            # Data is a better proof of a subscription than its acknowledgement.
            if all((self._last_heard(w) or 0) >= self._opened_ns for w in self._silence):
                self._talk.complete = True
        elif now_ns - self._good_ns >= self._deadlines.good_s * 1e9:
            self._backoff.good()

    def _go_live(self) -> None:
        """Subscribed: the outage, if there was one, is over and becomes a gap per channel."""
        if self._lost_wall_ns is not None and self._was_live:
            wall_ns = self._clock.wall_ns()
            self.reconnects += 1
            self.gaps += [
                Gap(
                    channel=wanted.channel,
                    symbol=wanted.symbol,
                    reason=_outage(self._loss),
                    from_ns=self._lost_wall_ns,
                    to_ns=wall_ns,
                    arrived_ns=wall_ns,
                )
                for wanted in self._silence
            ]
        self._lost_wall_ns = None
        self._was_live = True
        if self._backoff.degraded:
            self.state = "degraded"  # until enough good data have come
        else:
            self.state, self.why = "live", ""

    def _slept(self, now_ns: int) -> Disconnect | None:
        """The wall clock ran on while the monotonic one stood still: the machine slept."""
        wall_ns = self._clock.wall_ns()
        jump_s = ((wall_ns - self._checked_wall_ns) - (now_ns - self._checked_ns)) / 1e9
        self._checked_ns, self._checked_wall_ns = now_ns, wall_ns
        if jump_s < self._deadlines.sleep_jump_s:
            return None
        self.heard_wall_ns = min(self.heard_wall_ns, wall_ns - int(jump_s * 1e9))
        return Disconnect("slept", 0, f"your machine slept {_span(jump_s)}")

    def _overdue(self, now_ns: int) -> Disconnect | None:
        """Deadlines that have passed, the surest sign of death first."""
        d = self._deadlines
        if self._half_ns is not None and now_ns - self._half_ns > d.half_frame_s * 1e9:
            return Disconnect("truncated", 1006, "a frame stopped half-way")
        problem = self._talk.overdue(now_ns)
        if problem is not None:
            return problem
        if self._rotate_ns is not None and now_ns >= self._rotate_ns:
            return Disconnect("rotation", 0, "before the venue's own limit on a connection's age")
        return self._silent(now_ns)

    def _silent(self, now_ns: int) -> Disconnect | None:
        """A feed that says nothing although its socket lives."""
        for wanted, started_ns in self._probing.items():
            if now_ns - started_ns > self._deadlines.probe_s * 1e9:
                return Disconnect(
                    "silent", 0, f"no {wanted.channel} of {wanted.symbol}, REST no answer"
                )
        quiet = self._quiet(now_ns)
        if not quiet:
            if self.state == "stale":
                self.state, self.why = "live", ""
            return None
        if self.state in ("live", "stale"):
            names = ", ".join(f"{w.channel} {w.symbol}" for w in quiet)
            self.state, self.why = "stale", f"no data: {names}"
        if not self._can_probe and len(quiet) == len(self._silence):
            return Disconnect("silent", 0, f"no {quiet[0].channel} of {quiet[0].symbol}")
        return None

    def _quiet(self, now_ns: int) -> list[ChannelSpec]:
        """Channels without data, or other proof, for longer than they should be."""
        return [
            wanted
            for wanted, seconds in self._silence.items()
            if now_ns
            - max(
                self._last_heard(wanted) or 0,
                self._proved.get(wanted, 0),
                self._opened_ns,
            )
            > seconds * 1e9
        ]

    def _to_probe(self, now_ns: int) -> list[ChannelSpec]:
        if not self._can_probe or self.state not in ("stale", "live"):
            return []
        due = [wanted for wanted in self._quiet(now_ns) if wanted not in self._probing]
        for wanted in due:
            self._probing[wanted] = now_ns
        return due


def _outage(loss: Disconnect) -> str:
    return loss.text if loss.kind == "slept" else f"reconnect: {loss}"


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


_FATAL_STATUS = frozenset({400, 401, 403, 404, 405, 410, 418, 426, 451})


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
    return f"{error} (the dial was refused with HTTP {status}: {likely})" if likely else str(error)


def _is_fatal(error: VocxError) -> bool:
    """What another dial cannot cure."""
    if isinstance(error, VenueError):
        return error.http_status in _FATAL_STATUS or isinstance(error, SubscribeRefused)
    return isinstance(error, TlsError | BadInput | LabError)


def _dial_loss(error: VocxError) -> Disconnect:
    if isinstance(error, VenueError):
        return Disconnect("upgrade", error.http_status or 0, error.text[:80], error.retry_after_s)
    kind = "dns" if isinstance(error, DnsError) else type(error).__name__
    return Disconnect(kind, 0, str(error)[:120])
