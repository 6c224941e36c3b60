"""The thread of one socket: a thin shell that does what :mod:`vocx.stream.life` asks for.

The hot path is :meth:`Reader._absorb`: every frame that one system call brought is decoded and
applied before the next call, because each call gives up the interpreter lock. User code never
runs here; nothing is printed; whatever goes wrong ends in a counter, a state or a typed error.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import websocket

from vocx.errors import BadReply, VocxError
from vocx.facts import BookSnapshot, Candle, Fact, Gap, Quote
from vocx.stream.backoff import Loss
from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.dial import Line, dial
from vocx.stream.framing import CLOSE, PING, PONG, Frame, Framing, close_reason
from vocx.stream.life import Course, Dial, Dialled, Hang, Heard, Pause, Ping, Probe, Read, Send
from vocx.stream.snapshots import Fetch, Snapshots
from vocx.stream.state import BookSlot, Slot, State
from vocx.stream.stats import Meter, sample
from vocx.venues.base import Ack, Control, GetBook, Listen, SocketPlan, Unknown, Venue

Deliver = Callable[[Sequence[Fact]], None]
Tap = Callable[[bytes, int], None]
Asker = Callable[[], object]

_LOST = (OSError, websocket.WebSocketException)


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
        tap: Tap | None,
        clock: Clock,
        deadlines: Deadlines,
        offset_ns: Callable[[], int],
        deliver: Deliver,
        changed: Callable[[], None],
    ) -> None:
        self.venue, self.url = venue, url
        self.snapshot, self.probe = snapshot, probe
        self.ca_file, self.tap = ca_file, tap
        self.clock, self.deadlines, self.offset_ns = clock, deadlines, offset_ns
        self.deliver, self.changed = deliver, changed


class Reader(threading.Thread):
    """One socket, its thread, its life.

    Attributes
    ----------
    course : Course
        Where its life stands.
    meter : Meter
        What it counted.
    """

    def __init__(
        self, name: str, plan: SocketPlan, state: State, course: Course, gear: Equipment
    ) -> None:
        super().__init__(name=f"vocx-{name}", daemon=True)
        self.plan, self.course, self.meter = plan, course, Meter()
        self.stopping = threading.Event()
        self._gear = gear
        self._state = state
        self._line: Line | None = None
        self._framing = Framing()
        self._heard = Heard()
        self._probes: deque[tuple[Listen, bool]] = deque()
        self.slots: list[Slot] = [state.add(w, self.meter) for w in plan.topics.values()]
        self.snapshots: list[Snapshots] = []
        for slot in self.slots:
            intent = gear.venue.snapshot(slot.wanted.symbol or "")
            if isinstance(slot, BookSlot) and intent is not None:
                self.snapshots.append(Snapshots(slot, intent, gear.snapshot, gear.deadlines))
        self._pinged_ns: int | None = None
        self._good_wall_ns = 0
        self._tables = {kind: slots for kind, slots in state.by_kind.items()}

    # the shell

    def run(self) -> None:
        """Drive the life until it ends or :meth:`stop` was called."""
        life = self.course.run()
        try:
            answer: Dialled | Heard | None = None
            command = next(life)
            while not self.stopping.is_set():
                before = self.course.state
                answer = self._do(command)
                command = life.send(answer)
                self._tell(before)
        except StopIteration:
            pass
        except Exception as error:  # a defect here must be visible, never silent
            self.course.state, self.course.why = "fatal", f"internal error: {error!r}"
            self.course.error = (
                error if isinstance(error, VocxError) else VocxError(f"internal error: {error!r}")
            )
        finally:
            life.close()
            self._hang(1000 if self.stopping.is_set() else None, "")
            self._gear.changed()

    def _do(self, command: object) -> Dialled | Heard | None:
        kind = type(command)
        if kind is Read:
            return self._read()
        if isinstance(command, Dial):
            return self._dial()
        if isinstance(command, Pause):
            self.stopping.wait(command.seconds)
        elif isinstance(command, Hang):
            self._hang(command.code, command.reason)
        elif isinstance(command, Probe):
            self._ask(command.wanted)
        elif isinstance(command, Send):
            self._say(lambda line: line.socket.send(command.text))
        elif isinstance(command, Ping):
            self._pinged_ns = time.monotonic_ns()
            stamp = str(self._pinged_ns)
            self._say(lambda line: line.socket.ping(stamp))
        return None

    def _tell(self, before: str) -> None:
        course = self.course
        if course.gaps:
            gaps: list[Fact] = [*course.gaps]
            course.gaps.clear()
            self.meter.gaps += len(gaps)
            self._gear.deliver(gaps)
        if course.state != before:
            self._gear.changed()

    def _dial(self) -> Dialled:
        gear = self._gear
        try:
            url = gear.url(self.plan.base) + self.plan.path
            self._line = dial(
                url,
                deadlines=gear.deadlines,
                stopping=self.stopping,
                refused=gear.venue.refused_upgrade,
                ca_file=gear.ca_file,
            )
        except VocxError as error:
            return Dialled(error)
        self.meter.handshake = self._line.phases
        self.meter.stamped = self._line.wire.stamped
        self._framing = Framing()
        self._pinged_ns = None
        for slot in self.slots:
            slot.begin()
        for books in self.snapshots:
            books.begin(time.monotonic_ns())
        return Dialled()

    def _say(self, words: Callable[[Line], object]) -> None:
        """Send; a failure shows at the next read, which is where losses are handled."""
        if self._line is not None:
            try:
                words(self._line)
            except _LOST:
                pass

    def _hang(self, code: int | None, reason: str) -> None:
        line, self._line = self._line, None
        if line is None:
            return
        if code is not None:
            line.wire.block(0.05, send_s=0.2)
            try:
                line.socket.send_close(code, reason[:60])
            except _LOST:
                pass
        line.wire.abort()
        line.wire.close()

    def abort(self) -> None:
        """Wake the thread from whatever it waits for; safe from any thread."""
        line = self._line
        if line is not None:
            line.wire.abort()

    # receiving

    def _read(self) -> Heard:
        heard = self._heard = Heard()
        line = self._line
        assert line is not None
        try:
            data = line.wire.read()
        except OSError as error:
            heard.closed = Loss("reset", 1006, str(error.strerror or error))
            return heard
        now_ns = time.monotonic_ns()
        if data:
            heard.fresh = True
            self.meter.bytes += len(data)
            messages = self._framing.feed(data)
            if messages:
                self._absorb(messages, line, now_ns)
            broken = self._framing.broken
            if broken is not None and heard.closed is None:
                heard.closed = Loss("protocol", broken.code, broken.reason)
                self._say(lambda line: line.socket.send_close(broken.code, broken.reason[:60]))
        elif data == b"":
            heard.closed = Loss("eof", 1006, "the connection ended without a close frame")
        heard.half = self._framing.half
        if self._probes:
            heard.probes = [self._probes.popleft() for _ in range(len(self._probes))]
        for books in self.snapshots:
            got = books.tick(now_ns)
            if got is not None:
                out: list[Fact] = []
                books.slot.take(got, books.slot.heard_ns, out)
                self._gear.changed()
                self._gear.deliver(out)
        return heard

    def _absorb(self, messages: list[bytes | Frame], line: Line, now_ns: int) -> None:
        """Decode and apply everything that one call brought, then hand it on at once."""
        gear, meter, heard = self._gear, self.meter, self._heard
        decode, plan, tap = gear.venue.decode, self.plan, gear.tap
        tables, kinds, ages = self._tables, meter.kinds, meter.age_ns
        wire = line.wire
        arrived_ns, count = wire.first_ns, len(messages)
        step_ns = (wire.last_ns - arrived_ns) // count
        offset_ns = gear.offset_ns()
        out: list[Fact] = []
        fresh_slot = False
        for message in messages:
            arrived_ns += step_ns
            if type(message) is not bytes:
                self._control(message, line)  # type: ignore[arg-type]
                if heard.closed is not None:
                    break
                continue
            if tap is not None:
                self._tap(tap, message, arrived_ns)
            try:
                decoded = decode(message, arrived_ns, plan)
            except BadReply:
                self._malformed(message)
                continue
            for fact in decoded:
                kind = type(fact)
                table = tables.get(kind)
                if table is not None:
                    slot = table.get(fact.symbol)  # type: ignore[union-attr]
                elif kind is Candle:
                    slot = self._state.candles.get((fact.symbol, fact.interval))  # type: ignore
                else:
                    self._aside(fact, message)
                    continue
                if slot is None:
                    self._unknown(message)
                    continue
                if not slot.heard_ns:
                    fresh_slot = True
                slot.take(fact, now_ns, out)  # type: ignore[arg-type]
                kinds[kind] = kinds.get(kind, 0) + 1
                stamp = fact.exchange_ns  # type: ignore[union-attr]
                if stamp is not None:
                    ages.append(arrived_ns + offset_ns - stamp)
        meter.frames += count
        if out:
            heard.good = True
            self._good_wall_ns = wire.last_ns
            gear.deliver(out)
        done_ns = time.time_ns()
        meter.lag_ns.append((done_ns - wire.last_ns, count - count // 2))
        if count > 1:
            meter.lag_ns.append((done_ns - wire.first_ns, count // 2))
        second = now_ns // 1_000_000_000
        if meter.rates and meter.rates[-1][0] == second:
            meter.rates[-1] = (second, meter.rates[-1][1] + count)
        else:
            meter.rates.append((second, count))
        if fresh_slot:
            gear.changed()

    def _tap(self, tap: Tap, message: bytes, arrived_ns: int) -> None:
        try:
            tap(message, arrived_ns)
        except Exception:  # a recorder that fails must not end the stream
            self.meter.tap_errors += 1

    def _aside(self, what: object, message: bytes) -> None:
        """Decoded, but no fact of the market."""
        heard = self._heard
        if isinstance(what, Ack):
            heard.acks = [*heard.acks, what]
        elif isinstance(what, Control):
            if what.kind == "shutdown":
                heard.shutdown = True
            elif what.kind == "pong":
                self._pong(None)
            else:
                self.meter.notices.append(sample(what.text))
        elif isinstance(what, Unknown):
            self._unknown(what.text)
        elif isinstance(what, Gap):
            self.meter.gaps += 1
            self._gear.deliver([what])
        else:
            self._unknown(message)

    def _unknown(self, text: bytes | str) -> None:
        self.meter.unknown += 1
        self.meter.unknown_samples.append(sample(text))

    def _malformed(self, text: bytes) -> None:
        self.meter.parse_errors += 1
        self._heard.bad += 1
        self.meter.bad_samples.append(sample(text))

    def _control(self, frame: Frame, line: Line) -> None:
        if frame.opcode == PING:
            self._say(lambda line: line.socket.pong(frame.payload))
        elif frame.opcode == PONG:
            self._pong(frame.payload)
        elif frame.opcode == CLOSE:
            code, text = close_reason(frame.payload)
            self._heard.closed = Loss("close", code, text[:120])
            echo = code if code != 1005 else 1000
            self._say(lambda line: line.socket.send_close(echo))
        else:
            self._unknown(frame.payload)

    def _pong(self, payload: bytes | None) -> None:
        """Our own ping came back: proof that the socket lives, and a round trip."""
        sent_ns = self._pinged_ns
        if sent_ns is None or payload is not None and payload != str(sent_ns).encode():
            return
        self._pinged_ns = None
        self._heard.pong = True
        waited_ns = time.time_ns() - self._line.wire.last_ns if self._line else 0
        self.meter.round_trips_ns.append(max(0, time.monotonic_ns() - sent_ns - max(0, waited_ns)))

    def as_of_ns(self, slot: Slot) -> int | None:
        """Up to when this channel is complete (wall clock), by the best proof there is.

        Its own data, or other data of the same socket less the cadence, or REST that agreed;
        each less the one-way delay, half of the measured round trip. A pong proves nothing
        about the feed.
        """
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
            proofs.append(self._good_wall_ns - cadence_ns)
        if proved_ns is not None:
            proofs.append(wall_ns - (mono_ns - proved_ns))
        return max(proofs) - trip_ns // 2

    # a silent feed

    def _ask(self, wanted: Listen) -> None:
        name = f"vocx-probe-{wanted.symbol}"
        threading.Thread(target=self._compare, args=(wanted,), name=name, daemon=True).start()

    def _compare(self, wanted: Listen) -> None:
        """Does REST show what we show? Silence is then a quiet market, and proven."""
        agrees = False
        try:
            if self._gear.probe is not None:
                self._gear.probe()
            if wanted.channel in ("quotes", "book") and wanted.symbol is not None:
                agrees = self._same_top(wanted)
            else:
                # REST answers, and other channels of this very socket go on: it is only quiet.
                silent_ns = 5_000_000_000
                agrees = any(
                    time.monotonic_ns() - slot.heard_ns < silent_ns
                    for slot in self.slots
                    if slot.wanted != wanted
                )
        except Exception:  # no answer is an answer: it does not agree
            agrees = False
        self._probes.append((wanted, agrees))

    def _same_top(self, wanted: Listen) -> bool:
        slot = next(slot for slot in self.slots if slot.wanted == wanted)
        there = self._gear.snapshot(GetBook(symbol=wanted.symbol or "", depth=5))
        here: Fact | None = slot.fact
        if isinstance(slot, BookSlot):
            with slot.lock:
                here = slot.book.snapshot(5) if slot.book.in_sync else None
        if isinstance(here, Quote | BookSnapshot):
            return (here.bid, here.ask) == (there.bid, there.ask)
        return False
