"""The thread of one socket: a thin shell that does what :mod:`vocx.stream.lifecycle` asks for.

It prints nothing and raises nothing: whatever goes wrong ends in a state, a counter or a typed
error that :class:`~vocx.stream.stream.Stream` shows.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import websocket

from vocx.errors import VocxError
from vocx.facts import BookSnapshot, Fact, Gap, Quote
from vocx.stream.account import AccountChannel, Ask, Reconcile
from vocx.stream.backoff import Disconnect
from vocx.stream.book_sync import Fetch, Snapshots
from vocx.stream.channels import BookChannel, ChannelState, State
from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.dial import WebSocketConnection, dial
from vocx.stream.frames import Deliver, FrameHandler, OnFrame
from vocx.stream.lifecycle import Lifecycle
from vocx.stream.stats import Counters
from vocx.stream.steps import Close, Connected, Dial, Ping, Probe, Read, ReadResult, Send, Sleep
from vocx.venues.base import ChannelSpec, GetBook, SocketPlan, Venue

Asker = Callable[[], object]
Login = Callable[[SocketPlan], SocketPlan]
_LOST = (OSError, websocket.WebSocketException)
_OUTAGES = 100
_ALIVE_NS = 5_000_000_000  # other channels heard within this time prove that the feed goes on


class Equipment:
    """What all sockets of one stream share."""

    def __init__(
        self,
        venue: Venue,
        url: Callable[[str], str],
        *,
        snapshot: Fetch,
        probe: Asker | None,
        ca_file: str | Path | None,
        on_frame: OnFrame | None,
        clock: Clock,
        deadlines: Deadlines,
        offset_ns: Callable[[], int | None],
        deliver: Deliver,
        changed: Callable[[], None],
        login: Login | None = None,
        resync: Asker | None = None,
        reconcile: Ask | None = None,
    ) -> None:
        self.login, self.resync, self.reconcile = login, resync, reconcile
        self.venue, self.url = venue, url
        self.snapshot, self.probe = snapshot, probe
        self.ca_file, self.on_frame = ca_file, on_frame
        self.clock, self.deadlines, self.offset_ns = clock, deadlines, offset_ns
        self.deliver, self.changed = deliver, changed


class SocketWorker(threading.Thread):
    """One socket, its thread, its life.

    Attributes
    ----------
    course : Lifecycle
        Where its life stands.
    meter : Counters
        What it counted.
    slots : list of ChannelState
        The channels that it serves.
    outages : deque of Gap
        Times without a connection, one for each channel, the latest last.
    """

    def __init__(
        self, name: str, plan: SocketPlan, state: State, course: Lifecycle, gear: Equipment
    ) -> None:
        super().__init__(name=f"vocx-{name}", daemon=True)
        self.plan, self.course, self.meter = plan, course, Counters()
        self.stopping = threading.Event()
        self.outages: deque[Gap] = deque(maxlen=_OUTAGES)
        self._gear = gear
        self._line: WebSocketConnection | None = None
        self._ping_asked, self._pinged_at_ns = False, 0
        self._probes: deque[tuple[ChannelSpec, bool]] = deque()
        self.slots: list[ChannelState | AccountChannel] = [
            state.add(w, self.meter) for w in plan.topics.values()
        ]
        self._reconcile: Reconcile | None = None
        if plan.private and gear.reconcile is not None:
            self._reconcile = Reconcile(state.account(self.meter), gear.reconcile)
        self.snapshots: list[Snapshots] = []
        for slot in self.slots:
            intent = gear.venue.snapshot(slot.wanted.symbol or "")
            if isinstance(slot, BookChannel) and intent is not None:
                self.snapshots.append(Snapshots(slot, intent, gear.snapshot, gear.deadlines))
        self._intake = FrameHandler(
            plan,
            state,
            self.meter,
            decode=gear.venue.decode,
            deliver=gear.deliver,
            changed=gear.changed,
            offset_ns=gear.offset_ns,
            on_frame=gear.on_frame,
        )

    # the shell

    def run(self) -> None:
        """Drive the life until it ends or :attr:`stopping` is set."""
        life = self.course.run()
        try:
            command = next(life)
            while not self.stopping.is_set():
                before = self.course.state
                command = life.send(self._do(command))
                self._tell(before)
        except StopIteration:
            pass
        except Exception as error:  # a defect here must be visible, never silent
            self.course.state, self.course.why = "fatal", f"internal error: {error!r}"
            self.course.error = VocxError(self.course.why)
            self.course.error.__cause__ = error
        finally:
            life.close()
            self._hang(1000 if self.stopping.is_set() else None, "")
            self._gear.changed()

    def _do(self, command: object) -> Connected | ReadResult | None:
        if type(command) is Read:
            if self._ping_asked:
                self._ping_when_due()
            return self._read()
        if isinstance(command, Dial):
            return self._dial()
        if isinstance(command, Sleep):
            self.stopping.wait(command.seconds)
        elif isinstance(command, Close):
            self._hang(command.code, command.reason)
        elif isinstance(command, Probe):
            self._ask(command.wanted)
        elif isinstance(command, Send):
            self._send(command.text.encode(), websocket.ABNF.OPCODE_TEXT)
        elif isinstance(command, Ping):
            self._ping(command.text)
        return None

    def _ping(self, text: str | None) -> None:
        self._intake.pinged_ns = sent_ns = time.monotonic_ns()
        if text is None:
            self._send(str(sent_ns).encode(), websocket.ABNF.OPCODE_PING)
        else:
            self._send(text.encode(), websocket.ABNF.OPCODE_TEXT)

    def ping(self) -> None:
        """Measure the round trip anew, from any thread; see :meth:`Stream.ping`."""
        self._ping_asked = True

    def _ping_when_due(self) -> None:
        """At most one a second, beside the four messages that a life may send: venues count."""
        now_ns = time.monotonic_ns()
        busy = self._intake.pinged_ns is not None or now_ns - self._pinged_at_ns < 1_000_000_000
        if self._line is None or busy:
            return
        self._ping_asked, self._pinged_at_ns = False, now_ns
        self._intake.anew = True
        self._ping(self._gear.venue.keepalive.ping_text)

    def _tell(self, before: str) -> None:
        course = self.course
        if course.gaps:
            gaps: list[Fact] = [*course.gaps]
            self.outages.extend(course.gaps)
            course.gaps.clear()
            self.meter.gaps += len(gaps)
            self._gear.deliver(gaps)
        if course.state != before:
            self._gear.changed()

    def _dial(self) -> Connected:
        gear = self._gear
        try:
            if self.course.clock_refused and gear.resync is not None:
                gear.resync()
            self._line = dial(
                gear.url(self.plan.base) + self.plan.path,
                deadlines=gear.deadlines,
                stopping=self.stopping,
                refused=gear.venue.refused_upgrade,
                ca_file=gear.ca_file,
            )
            if self.plan.private and gear.login is not None:
                self.course.use(gear.login(self.plan))
        except VocxError as error:
            self._hang(None, "")
            return Connected(error)
        self.meter.handshake = self._line.phases
        self.meter.ports.append(self._line.wire.local_port)
        self.meter.stamped = self._line.wire.stamped
        self._intake.begin()
        for slot in self.slots:
            slot.begin()
        for books in self.snapshots:
            books.begin(time.monotonic_ns())
        if self._reconcile is not None:
            self._reconcile.begin()
        return Connected()

    def _send(self, payload: bytes, opcode: int) -> None:
        """Send; a failure shows at the next read, which is where losses are handled."""
        if self._line is not None:
            try:
                self._line.socket.send(payload, opcode)
            except _LOST:
                pass

    def _hang(self, code: int | None, reason: str) -> None:
        if self._line is None:
            return
        if code is not None:
            self._line.wire.block(0.05, send_s=0.2)
            payload = code.to_bytes(2, "big") + reason.encode()[:60]
            self._send(payload, websocket.ABNF.OPCODE_CLOSE)
        line, self._line = self._line, None
        line.wire.abort()
        line.wire.close()
        if not self.stopping.is_set():
            for slot in self.slots:
                slot.lose()

    def abort(self) -> None:
        """Wake the thread from whatever it waits for; safe from any thread."""
        line = self._line
        if line is not None:
            line.wire.abort()

    # receiving

    def _read(self) -> ReadResult:
        heard, line, intake = ReadResult(), self._line, self._intake
        assert line is not None
        try:
            data = line.wire.read()
        except OSError as error:
            heard.closed = Disconnect("reset", 1006, str(error.strerror or error))
            return heard
        now_ns = time.monotonic_ns()
        if data:
            intake.take(data, line.wire, now_ns, heard)
            if intake.replies:
                for opcode, payload in intake.replies:
                    self._send(payload, opcode)
                intake.replies.clear()
        elif data == b"":
            heard.closed = Disconnect("eof", 1006, "the connection ended without a close frame")
        else:
            heard.half = intake.half
        if self._probes:
            heard.probes = [self._probes.popleft() for _ in range(len(self._probes))]
        for books in self.snapshots:
            got = books.tick(now_ns)
            if got is not None:
                self._supply(books.slot, got)
        if self.plan.private:
            self._look_up(now_ns)
        return heard

    def _look_up(self, now_ns: int) -> None:
        """The account by REST, once a login has succeeded; then its channels are known."""
        live = self.course.state in ("live", "degraded")
        facts = [] if self._reconcile is None else self._reconcile.tick(now_ns, live)
        if facts is None or not live:
            return
        out: list[Fact] = []
        mine = [slot for slot in self.slots if isinstance(slot, AccountChannel)]
        for fact in facts:
            for slot in mine:
                if type(fact) is slot.kind:
                    slot.take(fact, slot.heard_ns, out)
        if out:
            self._gear.deliver(out)
        if not all(slot.ready for slot in mine):
            for slot in mine:
                slot.ready = True
            self._gear.changed()

    @property
    def reconciling(self) -> str:
        """What an account's channels wait for after a login; empty once they are complete."""
        if self.course.state not in ("live", "degraded") or all(slot.ready for slot in self.slots):
            return ""
        if self._reconcile is None or self._reconcile.problem is None:
            return "asking for the account by REST"
        return f"asking for the account by REST, again after: {self._reconcile.problem}"

    def _supply(self, slot: BookChannel, got: BookSnapshot) -> None:
        """A snapshot has come by REST. It is no proof of life of the stream."""
        out: list[Fact] = []
        slot.take(got, slot.heard_ns, out)
        self._gear.changed()
        self._gear.deliver(out)

    def as_of_ns(self, slot: ChannelState | AccountChannel) -> int | None:
        """Up to when this channel is complete (wall clock), by the best proof there is.

        Its own data, or other data of the same socket less the cadence, or REST that agreed;
        each less the one-way delay, half of the measured round trip. A pong proves nothing
        about the feed.
        """
        if isinstance(slot, AccountChannel):
            return self._account_as_of_ns(slot)
        fact = slot.fact
        if fact is None:
            return None
        handshake = self.meter.handshake
        trip_ns = self.meter.round_trip_ns()
        if trip_ns is None:
            trip_ns = int(handshake.first_byte_ms * 1e6) if handshake else 0
        mono_ns, wall_ns = self._gear.clock.mono_ns(), self._gear.clock.wall_ns()
        proved_ns, suspicious = self.course.proof_ns(slot.wanted, mono_ns)
        proofs = [fact.arrived_ns]
        if not suspicious:
            cadence_ns = self._gear.venue.cadence_ms(slot.wanted) * 1_000_000
            proofs.append(self._intake.good_wall_ns - cadence_ns)
        if proved_ns is not None:
            proofs.append(wall_ns - (mono_ns - proved_ns))
        return max(proofs) - trip_ns // 2

    def _account_as_of_ns(self, slot: AccountChannel) -> int | None:
        """Up to when an account is known: while its socket lives, to the last bytes of it."""
        if slot.ready:
            return self.course.heard_wall_ns - (self.meter.round_trip_ns() or 0) // 2
        return slot.account.changed_ns

    def feeds(self, slot: ChannelState | AccountChannel) -> bool:
        """This channel is connected and not suspicious."""
        if self.course.state not in ("live", "degraded", "stale") or not self.is_alive():
            return False
        return not self.course.proof_ns(slot.wanted, self._gear.clock.mono_ns())[1]

    # a silent feed

    def _ask(self, wanted: ChannelSpec) -> None:
        name = f"vocx-probe-{wanted.symbol}"
        threading.Thread(target=self._compare, args=(wanted,), name=name, daemon=True).start()

    def _compare(self, wanted: ChannelSpec) -> None:
        """Does REST show what we show? Silence is then a quiet market, and proven."""
        agrees = False
        try:
            if self._gear.probe is not None:
                self._gear.probe()
            if wanted.channel in ("quotes", "book") and wanted.symbol is not None:
                agrees = self._same_top(wanted)
            else:
                agrees = self._others_go_on(wanted) or self._market_stands_still(wanted)
        except Exception:  # no answer is an answer: it does not agree
            agrees = False
        self._probes.append((wanted, agrees))

    def _others_go_on(self, wanted: ChannelSpec) -> bool:
        """Other channels of this very socket are heard: this one is only quiet."""
        now_ns = time.monotonic_ns()
        others = [slot for slot in self.slots if slot.wanted != wanted]
        return any(now_ns - slot.heard_ns < _ALIVE_NS for slot in others)

    def _market_stands_still(self, wanted: ChannelSpec) -> bool:
        """Nothing changes in the book either: the market is paused, not the feed."""
        intent = GetBook(symbol=wanted.symbol or "", depth=5)
        before = self._gear.snapshot(intent)
        self.stopping.wait(min(1.0, self._gear.deadlines.probe_s / 4))
        now = self._gear.snapshot(intent)
        return (before.sequence, before.bids, before.asks) == (now.sequence, now.bids, now.asks)

    def _same_top(self, wanted: ChannelSpec) -> bool:
        slot = next(slot for slot in self.slots if slot.wanted == wanted)
        there = self._gear.snapshot(GetBook(symbol=wanted.symbol or "", depth=5))
        here: Fact | None = slot.fact
        if isinstance(slot, BookChannel):
            with slot.lock:
                here = slot.book.snapshot(5) if slot.book.in_sync else None
        if isinstance(here, Quote | BookSnapshot):
            return (here.bid, here.ask) == (there.bid, there.ask)
        return False
