"""The thread of one socket, and its hot path from bytes to facts.

:class:`SocketWorker` is a thin shell that does what :mod:`vocx.stream.lifecycle` asks for. It
prints nothing and raises nothing: whatever goes wrong ends in a state, a counter or a typed error
that :class:`~vocx.stream.stream.Stream` shows.

:class:`FrameHandler` splits, decodes and applies everything that one system call brought before
the next call, because each call gives up the interpreter lock. User code never runs here; what
goes wrong with one frame ends in a counter and a sample, never in the end of the stream.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from vocx.errors import BadReply, VocxError
from vocx.facts import BookDelta, BookSnapshot, Candle, Fact, Gap, Source
from vocx.stream.account import AccountAccess, Reconciler
from vocx.stream.background import Ask, Background
from vocx.stream.backoff import ConnectBudget, Disconnect
from vocx.stream.book_sync import BookSync
from vocx.stream.channels import AccountChannel, BookChannel, ChannelState, ChannelStates
from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.framing import (
    CLOSE,
    PING,
    PONG,
    Frame,
    Framing,
    close_reason,
    close_reply,
)
from vocx.stream.handover import Batch, Successor
from vocx.stream.lifecycle import (
    Close,
    Connect,
    Connected,
    Lifecycle,
    Prepare,
    Read,
    ReadResult,
    Sleep,
)
from vocx.stream.session import Ping, Send, Session
from vocx.stream.socket import LOST, TEXT, BufferedSocket, WebSocketConnection, open_websocket
from vocx.stream.staleness import Known, Probe, Prober, ProbeResult, Staleness, Watch
from vocx.stream.stats import Counters, sample
from vocx.timing import wall_ns
from vocx.venues.base import (
    Ack,
    ControlFrame,
    Decoded,
    Heartbeat,
    LoginResult,
    Notice,
    Pong,
    SequenceGap,
    SocketPlan,
    Unknown,
    Venue,
)

OnFrame = Callable[[bytes, int], None]
"""Gets a text frame and its arrival (wall clock), in the worker's thread: it must be quick."""
Deliver = Callable[[Sequence[Fact]], None]


_OVERLAP_NS = 5_000_000_000
"""How long after a handover facts are looked at for repetitions: a venue whose numbers have begun
anew would look like one that repeats itself."""


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream was given, and all its sockets use; see :class:`~vocx.stream.Stream`."""

    venue: Venue
    url: Callable[[str], str]
    ask: Ask
    account: AccountAccess | None = None
    headers: Mapping[str, str] = {}
    offset_ns: Callable[[], int | None]
    ca_file: str | Path | None = None
    on_frame: OnFrame | None = None
    clock: Clock
    deadlines: Deadlines


class PlanFrames:
    """The venue's frames for one plan, made with the time and key of now and a nonce of their
    own."""

    def __init__(self, venue: Venue, plan: SocketPlan, account: AccountAccess | None) -> None:
        self._venue, self._plan, self._account = venue, plan, account

    def _now_ns(self) -> int:
        return wall_ns() if self._account is None else self._account.now_ns()

    def login(self) -> ControlFrame | None:
        """The login; ``None`` where there is nobody to log in."""
        if self._account is None:
            return None
        key = self._account.credentials()
        return self._venue.login_frame(self._plan, self._now_ns(), key, secrets.token_hex(8))

    def subscribe(self, topics: Sequence[str]) -> Sequence[ControlFrame]:
        """What subscribes to these topics."""
        return self._frames(self._venue.subscribe_frames, topics)

    def unsubscribe(self, topics: Sequence[str]) -> Sequence[ControlFrame]:
        """What ends these topics."""
        return self._frames(self._venue.unsubscribe_frames, topics)

    def _frames(
        self, make: Callable[..., Sequence[ControlFrame]], topics: Sequence[str]
    ) -> Sequence[ControlFrame]:
        private = self._plan.private and self._account is not None
        key = self._account.credentials() if private and self._account is not None else None
        return make(self._plan, topics, self._now_ns(), key, secrets.token_hex(8))


def _decode_settled(
    venue: Venue,
    settle: Callable[[Fact], Fact],
    text: bytes,
    arrived_ns: int,
    plan: SocketPlan,
    session: Any,
) -> Sequence[Decoded]:
    decoded = venue.decode(text, arrived_ns, plan, session)
    return [settle(one) if isinstance(one, Fact) else one for one in decoded]


class FrameHandler:
    """Takes the bytes of one socket. Its worker's thread alone calls it.

    Attributes
    ----------
    good_wall_ns : int
        Arrival of the latest bytes that held facts.
    replies : list
        Control frames to send, as (opcode, payload): pongs, and the echo of a close frame.
    pinged_ns : int or None
        When our ping went out (monotonic); its pong has not come yet.
    anew : bool
        The next pong replaces the round trips that were measured before it.
    """

    def __init__(
        self,
        settings: StreamSettings,
        plan: SocketPlan,
        states: ChannelStates,
        counters: Counters,
        deliver: Deliver,
        changed: Callable[[], None],
    ) -> None:
        self.good_wall_ns = 0
        self.replies: list[tuple[int, bytes]] = []
        self.pinged_ns: int | None = None
        self.anew = False
        self._plan, self._counters = plan, counters
        self._venue = settings.venue
        self._decode, self._classify = settings.venue.decode, settings.venue.classify_close
        if plan.private and settings.account is not None and settings.account.settle is not None:
            self._decode = partial(_decode_settled, settings.venue, settings.account.settle)
        self._on_frame, self._offset_ns = settings.on_frame, settings.offset_ns
        self._deliver, self._changed = deliver, changed
        self._tables: dict[type, dict[str, ChannelState]] = {**states.by_kind}
        self._candles, self._private = states.candles, states.private
        self._by_topic = {topic: states.add(spec, counters) for topic, spec in plan.topics.items()}
        self._waited_for = list(self._by_topic.values())
        self.on_connect()

    def on_connect(self) -> None:
        """A new connection: nothing is known of it yet."""
        self._framing = Framing()
        self._session = self._venue.open_session(self._plan)
        self._overlapping: set[ChannelState] = set()
        self._overlap_end_ns = 0
        self.replies.clear()
        self.pinged_ns = None

    def on_handover(
        self, framing: Framing, held: Sequence[Batch], now_ns: int, result: ReadResult
    ) -> None:
        """Another connection takes over: apply what it brought meanwhile. What a channel knows
        is dropped, until there comes what it does not."""
        self.on_connect()
        self._framing = framing
        self._overlapping = set(self._by_topic.values())
        self._overlap_end_ns = now_ns + _OVERLAP_NS
        for batch in held:
            self._apply(batch.messages, batch, now_ns, result, replayed=True)

    def take(self, data: bytes, socket: BufferedSocket, now_ns: int, result: ReadResult) -> None:
        """Bytes have come: apply them, and note in ``result`` what they mean for the socket."""
        result.fresh = True
        self._counters.bytes += len(data)
        messages = self._framing.feed(data)
        if messages:
            self._apply(messages, socket, now_ns, result)
        result.half = self._framing.half
        broken = self._framing.broken
        if broken is not None and result.closed is None:
            result.closed = Disconnect("protocol", broken.code, broken.reason)
            self.replies.append((CLOSE, broken.code.to_bytes(2, "big")))

    @property
    def half(self) -> bool:
        """A frame has begun and not ended."""
        return self._framing.half

    def _apply(
        self,
        messages: list[bytes | Frame],
        socket: BufferedSocket | Batch,
        now_ns: int,
        result: ReadResult,
        replayed: bool = False,
    ) -> None:
        decode, plan, session, on_frame = self._decode, self._plan, self._session, self._on_frame
        tables, out, overlapping = self._tables, list[Fact](), self._overlapping
        if overlapping and now_ns > self._overlap_end_ns:
            overlapping.clear()
        count, controls = len(messages), 0
        arrived_ns, step_ns = socket.first_ns, (socket.last_ns - socket.first_ns) // count
        for message in messages:
            arrived_ns += step_ns
            if type(message) is not bytes:
                controls += 1
                self._take_control(message, socket.last_ns, result)  # type: ignore[arg-type]
                if result.closed is not None:
                    break
                continue
            if on_frame is not None:
                self._show_frame(on_frame, message, arrived_ns)
            try:
                decoded = decode(message, arrived_ns, plan, session)
            except BadReply:
                self._note_malformed(message, result)
                continue
            for fact in decoded:
                table = tables.get(type(fact))
                channel = table.get(fact.symbol) if table is not None else None  # type: ignore[union-attr]
                if channel is None:
                    self._take_rare(fact, message, now_ns, out, result)
                elif not overlapping or not self._is_known(channel, fact):  # type: ignore[arg-type]
                    if channel.outage is not None:
                        channel.end_outage(arrived_ns, out, fact)  # type: ignore[arg-type]
                    channel.take(fact, now_ns, out)  # type: ignore[arg-type]
        self._counters.frames += count - controls
        if out:
            result.good = True
            self.good_wall_ns = socket.last_ns
            self._deliver(out)
            if self._waited_for:
                self._tell_first()
        if not replayed:
            self._measure(socket, now_ns, count, out)

    def _is_known(self, channel: ChannelState, fact: Fact) -> bool:
        """Whether the connection before has told it."""
        if channel not in self._overlapping:
            return False
        if channel.is_known(fact):
            return True
        self._overlapping.discard(channel)
        return False

    def _take_rare(
        self, fact: Any, message: bytes, now_ns: int, out: list[Fact], result: ReadResult
    ) -> None:
        """Everything that is not a fact of a channel and symbol."""
        channel: ChannelState | None = self._private.get(type(fact))
        if type(fact) is Candle:
            channel = self._candles.get((fact.symbol, fact.interval))
        if channel is not None and self._is_known(channel, fact):
            return
        if channel is not None:
            if channel.outage is not None:
                channel.end_outage(fact.arrived_ns, out, fact)
            channel.take(fact, now_ns, out)
        elif isinstance(fact, Fact) and not isinstance(fact, Gap):
            self._note_unknown(message)
        else:
            self._take_aside(fact, out, result)

    def _tell_first(self) -> None:
        """Somebody may wait for the first fact of a channel."""
        waited_for = [channel for channel in self._waited_for if not channel.heard_ns]
        if len(waited_for) < len(self._waited_for):
            self._waited_for = waited_for
            self._changed()

    def _measure(
        self, socket: BufferedSocket | Batch, now_ns: int, count: int, out: list[Fact]
    ) -> None:
        counters, done_ns = self._counters, time.time_ns()
        counters.kinds.update(map(type, out))
        offset_ns = self._offset_ns()
        if offset_ns is not None:
            counters.age_ns.extend(
                [
                    fact.arrived_ns + offset_ns - fact.exchange_ns
                    for fact in out
                    if fact.exchange_ns is not None
                ]
            )
        counters.lag_ns.append((done_ns - socket.last_ns, count - count // 2))
        if count > 1:
            counters.lag_ns.append((done_ns - socket.first_ns, count // 2))
        second = now_ns // 1_000_000_000
        if counters.rates and counters.rates[-1][0] == second:
            counters.rates[-1] = (second, counters.rates[-1][1] + count)
        else:
            counters.rates.append((second, count))

    def _show_frame(self, on_frame: OnFrame, message: bytes, arrived_ns: int) -> None:
        try:
            on_frame(message, arrived_ns)
        except Exception as error:  # a recorder that fails must not end the stream
            self._counters.notices.append(sample(f"on_frame failed: {error!r}"))

    def _take_aside(self, what: Decoded, out: list[Fact], result: ReadResult) -> None:
        """Decoded, but no fact of a channel."""
        if isinstance(what, Ack | LoginResult):
            result.acks = [*result.acks, what]
        elif isinstance(what, Heartbeat):
            result.heartbeats = [*result.heartbeats, *(what.topics or ("",))]
        elif isinstance(what, Pong):
            self._take_pong(None, time.time_ns(), result)
        elif isinstance(what, SequenceGap):
            topics = self._by_topic if what.topics is None else what.topics
            at_ns = time.time_ns()
            for channel in {id(c): c for t in topics if (c := self._by_topic.get(t))}.values():
                channel.on_sequence_gap(what.reason, at_ns, out)
        elif isinstance(what, Gap):
            self._counters.gaps += 1
            out.append(what)
        elif isinstance(what, Notice):
            if what.kind == "shutdown":
                result.shutdown = True
            elif what.kind == "terminated":
                result.closed = Disconnect("terminated", 0, what.text)
            else:
                self._counters.notices.append(sample(what.text))
        else:
            self._note_unknown(what.text if isinstance(what, Unknown) else repr(what))

    def _note_unknown(self, text: bytes | str) -> None:
        self._counters.unknown += 1
        self._counters.unknown_samples.append(sample(text))

    def _note_malformed(self, text: bytes, result: ReadResult) -> None:
        self._counters.parse_errors += 1
        result.bad += 1
        self._counters.bad_samples.append(sample(text))

    def _take_control(self, frame: Frame, arrived_ns: int, result: ReadResult) -> None:
        if frame.opcode == PING:
            self.replies.append((PONG, frame.payload))
        elif frame.opcode == PONG:
            self._take_pong(frame.payload, arrived_ns, result)
        elif frame.opcode == CLOSE:
            code, text = close_reason(frame.payload)
            kind = self._classify(code, text)
            result.closed = Disconnect("close", code, text[:120], close=kind)
            self.replies.append((CLOSE, close_reply(frame.payload)))
        else:
            self._note_unknown(frame.payload)

    def _take_pong(self, payload: bytes | None, arrived_ns: int, result: ReadResult) -> None:
        """Our own ping came back: proof that the socket lives, and a round trip. What the bytes
        waited here for the interpreter is not part of it."""
        sent_ns = self.pinged_ns
        if sent_ns is None or (payload is not None and payload != str(sent_ns).encode()):
            return
        self.pinged_ns = None
        result.pong = True
        waited_ns = max(0, time.time_ns() - arrived_ns)
        if self.anew:
            self.anew = False
            self._counters.round_trips_ns.clear()
        self._counters.round_trips_ns.append(max(0, time.monotonic_ns() - sent_ns - waited_ns))


class SocketWorker(threading.Thread):
    """One socket, its thread, its life.

    Attributes
    ----------
    plan : SocketPlan
        What it carries.
    lifecycle : Lifecycle
        Where its life stands.
    counters : Counters
        What it counted.
    channels : list of ChannelState
        What it serves.
    """

    source: Source = "stream"

    def __init__(
        self,
        name: str,
        plan: SocketPlan,
        settings: StreamSettings,
        states: ChannelStates,
        *,
        prober: Prober,
        background: Background,
        deliver: Deliver,
        changed: Callable[[], None],
        host_budget: ConnectBudget,
    ) -> None:
        super().__init__(name=f"vocx-{name}", daemon=True)
        self.plan, self.counters = plan, Counters()
        self._settings, self._prober = settings, prober
        self._deliver, self._changed = deliver, changed
        self._stopping = threading.Event()
        self._connection: WebSocketConnection | None = None
        self._ping_asked, self._pinged_at_ns = False, 0
        self._results: deque[ProbeResult] = deque()
        venue, deadlines = settings.venue, settings.deadlines
        self._keepalive = venue.keepalive(plan.purpose)
        self.channels = list(
            dict.fromkeys(states.add(spec, self.counters) for spec in plan.topics.values())
        )
        self._handler = FrameHandler(settings, plan, states, self.counters, deliver, changed)
        self._successor: Successor | None = None
        session = self._new_session()
        watches = {
            one.spec: Watch(venue.stale_after_s(one.spec), venue.proof_of_life(one.spec))
            for one in self.channels
        }
        self._watches = watches
        self.lifecycle = Lifecycle(
            plan,
            session,
            Staleness(watches, states.last_heard, deadlines),
            last_heard=states.last_heard,
            keepalive=self._keepalive,
            deadlines=deadlines,
            clock=settings.clock,
            host_budget=host_budget,
        )
        self.books = [
            self._book_sync(topic, channel, background)
            for topic, spec in plan.topics.items()
            if isinstance(channel := states.add(spec, self.counters), BookChannel)
        ]
        self._account = states.account(self.counters) if plan.private else None
        self._reconciler: Reconciler | None = None
        reconcile = settings.account.reconcile if settings.account is not None else None
        if self._account is not None and reconcile is not None:
            self._reconciler = Reconciler(self._account, reconcile, background)

    def _book_sync(self, topic: str, channel: BookChannel, background: Background) -> BookSync:
        venue, settings = self._settings.venue, self._settings
        in_stream = venue.book_recovery == "resubscribe"
        return BookSync(
            channel,
            venue.snapshot_intent(channel.spec.symbol or ""),
            settings.ask,
            background,
            settings.deadlines,
            start=venue.book_start,
            resubscribe=partial(self._resubscribe, topic) if in_stream else None,
        )

    def _resubscribe(self, topic: str) -> None:
        """A snapshot in the stream is wanted; before the session is complete one is on its way."""
        if self.lifecycle.session.complete:
            self.lifecycle.session.resubscribe([topic])

    def _new_session(self) -> Session:
        settings, venue = self._settings, self._settings.venue
        frames = PlanFrames(venue, self.plan, settings.account)
        return Session(self.plan, frames, self._keepalive, settings.deadlines, venue.refusal_scope)

    # the shell

    def run(self) -> None:
        """Drive the life until it ends or somebody stops it."""
        life = self.lifecycle.run()
        try:
            command = next(life)
            while not self._stopping.is_set():
                before = self.lifecycle.state
                command = life.send(self._do(command))
                if self.lifecycle.state != before:
                    self._tell()
        except StopIteration:
            pass
        except Exception as error:  # a defect here must be visible, never silent
            self.lifecycle.state, self.lifecycle.why = "fatal", f"internal error: {error!r}"
            self.lifecycle.error = VocxError(self.lifecycle.why)
            self.lifecycle.error.__cause__ = error
        finally:
            life.close()
            self._close(Close(1000 if self._stopping.is_set() else None))
            self._changed()

    def tell_stop(self) -> None:
        """End soon; safe from any thread."""
        self._stopping.set()

    def abort(self) -> None:
        """Wake the thread from whatever it waits for; safe from any thread."""
        connection = self._connection
        if connection is not None:
            connection.socket.abort()

    def _do(self, command: object) -> Connected | ReadResult | None:
        if type(command) is Read:
            if self._ping_asked:
                self._ping_when_due()
            return self._read()
        if isinstance(command, Connect):
            return self._connect()
        if isinstance(command, Sleep):
            self._stopping.wait(command.seconds)
        elif isinstance(command, Close):
            self._close(command)
        elif isinstance(command, Probe):
            self._probe(command)
        elif isinstance(command, Prepare):
            self._prepare()
        elif isinstance(command, Send):
            self._send(command.text.encode(), TEXT)
        elif isinstance(command, Ping):
            self._ping(command.text)
        return None

    def _tell(self) -> None:
        """The state has changed. On a line that has just become live, whoever had no data yet is
        told of the outage now."""
        refused = self.lifecycle.refused
        for channel in self.channels:
            channel.error = refused.get(channel.spec)
        if self.lifecycle.state == "live":
            out: list[Fact] = []
            now_ns = self._settings.clock.wall_ns()
            for channel in self.channels:
                channel.end_outage(now_ns, out)
            if out:
                self._deliver(out)
        self._changed()

    def _connect(self) -> Connected:
        account = self._settings.account
        try:
            if self.lifecycle.clock_refused and account is not None:
                account.measure_clock()
            self._serve(self._open(self._stopping))
        except VocxError as error:
            return Connected(error)
        self._handler.on_connect()
        for channel in self.channels:
            channel.on_connect()
        for book in self.books:
            book.on_connect(time.monotonic_ns())
        if self._account is not None and account is not None:
            self._account.on_connect(account.now_ns())
        if self._reconciler is not None:
            self._reconciler.on_connect()
        return Connected()

    def _open(self, stopping: threading.Event) -> WebSocketConnection:
        settings = self._settings
        return open_websocket(
            settings.url(self.plan.purpose) + self.plan.path,
            headers=settings.headers,
            deadlines=settings.deadlines,
            stopping=stopping,
            refused=settings.venue.refused_upgrade,
            per_s=settings.venue.socket_limits.connects_per_s,
            ca_file=settings.ca_file,
        )

    def _serve(self, connection: WebSocketConnection) -> None:
        self._connection = connection
        self.counters.handshake = connection.phases
        self.counters.ports.append(connection.socket.local_port)
        self.counters.stamped = connection.socket.stamped

    # the next connection

    def _prepare(self) -> None:
        """Begin to make the next connection, unless one is in the making."""
        if self._successor is not None and self._successor.error is None:
            return
        self._drop_successor()
        session, venue = self._new_session(), self._settings.venue
        session.refused = dict(self.lifecycle.session.refused)
        state = venue.open_session(self.plan)
        self._successor = Successor(
            f"{self.name}-next",
            self._open,
            session,
            lambda message, arrived_ns: venue.decode(message, arrived_ns, self.plan, state),
        )
        self._successor.start()

    def _drop_successor(self) -> None:
        if self._successor is not None:
            self._successor.drop()
            self._successor = None

    def _hand_over(self, successor: Successor, result: ReadResult) -> None:
        """Take what is left on the old connection, then go on with the next one."""
        old, self._successor = self._connection, None
        connection = successor.take()
        if connection is None or old is None:
            successor.drop()
            return
        now_ns = time.monotonic_ns()
        old.socket.block(0.001, send_s=0.2)
        with suppress(OSError):
            while data := old.socket.read():
                self._handler.take(data, old.socket, now_ns, result)
        with suppress(*LOST):
            old.send((1000).to_bytes(2, "big"), CLOSE)
        old.socket.abort()
        old.socket.close()
        self._serve(connection)
        self._handler.on_handover(successor.framing, successor.held, now_ns, result)
        result.acks, result.closed, result.half = (), None, self._handler.half
        result.handed_over = successor.session

    def _send(self, payload: bytes, opcode: int) -> None:
        """Send; a failure shows at the next read, which is where disconnects are handled."""
        if self._connection is not None:
            try:
                self._connection.send(payload, opcode)
            except LOST:
                pass

    def _close(self, command: Close) -> None:
        self._drop_successor()
        if self._connection is None:
            return
        if command.code is not None:
            self._connection.socket.block(0.05, send_s=0.2)
            payload = command.code.to_bytes(2, "big") + command.reason.encode()[:60]
            self._send(payload, CLOSE)
        connection, self._connection = self._connection, None
        connection.socket.abort()
        connection.socket.close()
        if self._stopping.is_set() or not command.from_ns:
            return
        for channel in self.channels:
            if self.lifecycle.was_live or channel.heard_ns:
                channel.on_disconnect(command.from_ns, command.reason, command.kind)
        if self._account is not None:
            self._account.on_disconnect()

    # pings

    def _ping(self, text: str | None) -> None:
        self._handler.pinged_ns = sent_ns = time.monotonic_ns()
        if text is None:
            self._send(str(sent_ns).encode(), PING)
        else:
            self._send(text.encode(), TEXT)

    def ping(self) -> None:
        """Measure the round trip anew, from any thread; see :meth:`Stream.ping`."""
        self._ping_asked = True

    def _ping_when_due(self) -> None:
        """At most one a second, beside the messages that a life may send: venues count."""
        now_ns = time.monotonic_ns()
        busy = self._handler.pinged_ns is not None or now_ns - self._pinged_at_ns < 1_000_000_000
        if self._connection is None or busy:
            return
        self._ping_asked, self._pinged_at_ns = False, now_ns
        self._handler.anew = True
        self._ping(self._keepalive.ping_text)

    # receiving

    def _read(self) -> ReadResult:
        result, connection, handler = ReadResult(), self._connection, self._handler
        assert connection is not None
        if self._successor is not None and self._successor.ready:
            self._hand_over(self._successor, result)
            return result
        try:
            data = connection.socket.read()
        except OSError as error:
            result.closed = Disconnect("reset", 1006, str(error.strerror or error))
            return result
        now_ns = time.monotonic_ns()
        if data:
            handler.take(data, connection.socket, now_ns, result)
            if handler.replies:
                for opcode, payload in handler.replies:
                    self._send(payload, opcode)
                handler.replies.clear()
        elif data == b"":
            result.closed = Disconnect("eof", 1006, "the connection ended without a close frame")
        else:
            result.half = handler.half
        if self._results:
            result.probes = [self._results.popleft() for _ in range(len(self._results))]
        for book in self.books:
            got = book.tick(now_ns)
            if got is not None:
                self._supply(book.channel, got)
        if self.plan.private:
            self._reconcile(now_ns)
        return result

    def _supply(self, channel: BookChannel, got: BookSnapshot) -> None:
        """A snapshot has come by REST. It is no proof of life of the stream."""
        out: list[Fact] = []
        channel.end_outage(got.arrived_ns or self._settings.clock.wall_ns(), out)
        channel.take(got, channel.heard_ns, out)
        self._changed()
        self._deliver(out)

    def _reconcile(self, now_ns: int) -> None:
        """The account by REST, once a login has succeeded; then its channels are known."""
        live = self.lifecycle.connected
        facts = [] if self._reconciler is None else self._reconciler.tick(now_ns, live)
        if facts is None or not live:
            return
        out: list[Fact] = []
        mine = [channel for channel in self.channels if isinstance(channel, AccountChannel)]
        for fact in facts:
            for channel in mine:
                if type(fact) is channel.kind:
                    channel.end_outage(self._settings.clock.wall_ns(), out)
                    channel.take(fact, channel.heard_ns, out)
        if out:
            self._deliver(out)
        if not all(channel.known for channel in mine):
            for channel in mine:
                channel.known = True
            self._changed()

    @property
    def reconciling(self) -> str:
        """What an account's channels wait for after a login; empty once they are complete."""
        ready = all(channel.ready for channel in self.channels)
        if not self.plan.private or not self.lifecycle.connected or ready:
            return ""
        if self._reconciler is None or self._reconciler.problem is None:
            return "asking for the account by REST"
        return f"asking for the account by REST, again after: {self._reconciler.problem}"

    # what is known

    def as_of_ns(self, channel: ChannelState) -> int | None:
        """Up to when this channel is complete (wall clock), by the best proof there is.

        Its own data, or other data of the same socket less the cadence, or REST that agreed;
        each less the one-way delay, half of the measured round trip. A pong proves nothing
        about the feed.
        """
        if isinstance(channel, AccountChannel):
            if channel.ready:  # while its socket lives, to the last bytes of it
                trip_ns = self.counters.round_trip_ns() or 0
                return self.lifecycle.last_bytes_wall_ns - trip_ns // 2
            return channel.account.changed_ns
        fact = channel.fact
        if fact is None:
            return None
        handshake = self.counters.handshake
        trip = self.counters.round_trip_ns()
        if trip is None:
            trip = int(handshake.first_byte_ms * 1e6) if handshake else 0
        clock = self._settings.clock
        now_ns, now_wall_ns = clock.mono_ns(), clock.wall_ns()
        proved_ns, suspicious = self.lifecycle.proof_ns(channel.spec, now_ns)
        proofs = [fact.arrived_ns]
        if not suspicious:
            cadence_ns = self._settings.venue.cadence_ms(channel.spec) * 1_000_000
            proofs.append(self._handler.good_wall_ns - cadence_ns)
        if proved_ns is not None:
            proofs.append(now_wall_ns - (now_ns - proved_ns))
        return max(proofs) - trip // 2

    def feeds(self, channel: ChannelState) -> bool:
        """This channel is connected and not suspicious."""
        if not self.lifecycle.connected or channel.error is not None or not self.is_alive():
            return False
        return not self.lifecycle.proof_ns(channel.spec, self._settings.clock.mono_ns())[1]

    # a silent feed

    def _probe(self, probe: Probe) -> None:
        channel = next(one for one in self.channels if one.spec == probe.channel)
        identity = channel.last
        if isinstance(channel.fact, BookDelta):
            identity = channel.fact.last
        elif isinstance(channel.fact, BookSnapshot):
            identity = channel.fact.sequence
        self._prober.submit(
            probe.channel,
            self._watches[probe.channel].proof,
            Known(channel.fact, identity),
            lambda verdict: self._results.append(ProbeResult(probe.number, verdict)),
        )
