"""From bytes to facts: the hot path of a stream.

Everything that one system call brought is split, decoded and applied before the next call,
because each call gives up the interpreter lock. User code never runs here; what goes wrong with
one frame ends in a counter and a sample, never in the end of the stream.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from vocx.errors import BadReply
from vocx.facts import Candle, Fact, Gap
from vocx.stream.backoff import Disconnect
from vocx.stream.channels import ChannelState, State
from vocx.stream.framing import CLOSE, PING, PONG, Frame, Framing, close_reason
from vocx.stream.socket import BufferedSocket
from vocx.stream.stats import Counters, sample
from vocx.stream.steps import ReadResult
from vocx.venues.base import Ack, Control, Decoded, SocketPlan, Unknown

Decode = Callable[[bytes, int, SocketPlan], Sequence[Decoded]]
Deliver = Callable[[Sequence[Fact]], None]
OnFrame = Callable[[bytes, int], None]


class FrameHandler:
    """Takes the bytes of one socket. Its reader thread alone calls it.

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
        plan: SocketPlan,
        state: State,
        meter: Counters,
        *,
        decode: Decode,
        deliver: Deliver,
        changed: Callable[[], None],
        offset_ns: Callable[[], int | None],
        on_frame: OnFrame | None = None,
    ) -> None:
        self.good_wall_ns = 0
        self.replies: list[tuple[int, bytes]] = []
        self.pinged_ns: int | None = None
        self.anew = False
        self._plan, self._meter = plan, meter
        self._decode, self._deliver, self._tap = decode, deliver, on_frame
        self._changed, self._offset_ns = changed, offset_ns
        self._tables: dict[type, dict[Any, ChannelState]] = {**state.by_kind}
        self._candles = state.candles
        self._private = state.private
        self._framing = Framing()
        self._waited_for = [slot for slot in state.slots if slot.wanted in plan.topics.values()]

    def begin(self) -> None:
        """A new connection."""
        self._framing = Framing()
        self.replies.clear()
        self.pinged_ns = None

    def take(self, data: bytes, wire: BufferedSocket, now_ns: int, heard: ReadResult) -> None:
        """Bytes have come: apply them, and note in ``heard`` what they mean for the socket."""
        heard.fresh = True
        self._meter.bytes += len(data)
        messages = self._framing.feed(data)
        if messages:
            self._absorb(messages, wire, now_ns, heard)
        heard.half = self._framing.half
        broken = self._framing.broken
        if broken is not None and heard.closed is None:
            heard.closed = Disconnect("protocol", broken.code, broken.reason)
            self.replies.append((CLOSE, broken.code.to_bytes(2, "big")))

    @property
    def half(self) -> bool:
        """A frame has begun and not ended."""
        return self._framing.half

    def _absorb(
        self, messages: list[bytes | Frame], wire: BufferedSocket, now_ns: int, heard: ReadResult
    ) -> None:
        decode, plan, on_frame = self._decode, self._plan, self._tap
        tables, out = self._tables, list[Fact]()
        count, controls = len(messages), 0
        arrived_ns, step_ns = wire.first_ns, (wire.last_ns - wire.first_ns) // count
        for message in messages:
            arrived_ns += step_ns
            if type(message) is not bytes:
                controls += 1
                self._control(message, wire, heard)  # type: ignore[arg-type]
                if heard.closed is not None:
                    break
                continue
            if on_frame is not None:
                self._show_frame(on_frame, message, arrived_ns)
            try:
                decoded = decode(message, arrived_ns, plan)
            except BadReply:
                self._malformed(message, heard)
                continue
            for fact in decoded:
                table = tables.get(type(fact))
                slot = table.get(fact.symbol) if table is not None else None  # type: ignore[union-attr]
                if slot is not None:
                    slot.take(fact, now_ns, out)  # type: ignore[arg-type]
                else:
                    self._rare(fact, message, now_ns, out, heard)
        self._meter.frames += count - controls
        if out:
            heard.good = True
            self.good_wall_ns = wire.last_ns
            self._deliver(out)
            if self._waited_for:
                self._tell_first()
        self._measure(wire, now_ns, count, out)

    def _rare(
        self, fact: Any, message: bytes, now_ns: int, out: list[Fact], heard: ReadResult
    ) -> None:
        """Everything that is not a fact of a channel and symbol."""
        if type(fact) is Candle:
            slot = self._candles.get((fact.symbol, fact.interval))
            if slot is not None:
                slot.take(fact, now_ns, out)
                return
        mine = self._private.get(type(fact))
        if mine is not None:
            mine.take(fact, now_ns, out)
        elif isinstance(fact, Fact) and not isinstance(fact, Gap):
            self._unknown(message)
        else:
            self._aside(fact, out, heard)

    def _tell_first(self) -> None:
        """Somebody may wait for the first fact of a channel."""
        waited_for = [slot for slot in self._waited_for if not slot.heard_ns]
        if len(waited_for) < len(self._waited_for):
            self._waited_for = waited_for
            self._changed()

    def _measure(self, wire: BufferedSocket, now_ns: int, count: int, out: list[Fact]) -> None:
        meter, done_ns = self._meter, time.time_ns()
        meter.kinds.update(map(type, out))
        offset_ns = self._offset_ns()
        if offset_ns is not None:
            meter.age_ns.extend(
                [
                    fact.arrived_ns + offset_ns - fact.exchange_ns
                    for fact in out
                    if fact.exchange_ns is not None
                ]
            )
        meter.lag_ns.append((done_ns - wire.last_ns, count - count // 2))
        if count > 1:
            meter.lag_ns.append((done_ns - wire.first_ns, count // 2))
        second = now_ns // 1_000_000_000
        if meter.rates and meter.rates[-1][0] == second:
            meter.rates[-1] = (second, meter.rates[-1][1] + count)
        else:
            meter.rates.append((second, count))

    def _show_frame(self, on_frame: OnFrame, message: bytes, arrived_ns: int) -> None:
        try:
            on_frame(message, arrived_ns)
        except Exception:  # a recorder that fails must not end the stream
            self._meter.on_frame_errors += 1

    def _aside(self, what: Decoded, out: list[Fact], heard: ReadResult) -> None:
        """Decoded, but no fact of a channel."""
        if isinstance(what, Ack):
            heard.acks = [*heard.acks, what]
        elif isinstance(what, Control):
            if what.kind == "shutdown":
                heard.shutdown = True
            elif what.kind == "terminated":
                heard.closed = Disconnect("terminated", 0, what.text)
            elif what.kind == "pong":
                self._pong(None, time.time_ns(), heard)
            else:
                self._meter.notices.append(sample(what.text))
        elif isinstance(what, Gap):
            self._meter.gaps += 1
            out.append(what)
        else:
            self._unknown(what.text if isinstance(what, Unknown) else repr(what))

    def _unknown(self, text: bytes | str) -> None:
        self._meter.unknown += 1
        self._meter.unknown_samples.append(sample(text))

    def _malformed(self, text: bytes, heard: ReadResult) -> None:
        self._meter.parse_errors += 1
        heard.bad += 1
        self._meter.bad_samples.append(sample(text))

    def _control(self, frame: Frame, wire: BufferedSocket, heard: ReadResult) -> None:
        if frame.opcode == PING:
            self.replies.append((PONG, frame.payload))
        elif frame.opcode == PONG:
            self._pong(frame.payload, wire.last_ns, heard)
        elif frame.opcode == CLOSE:
            code, text = close_reason(frame.payload)
            heard.closed = Disconnect("close", code, text[:120])
            self.replies.append((CLOSE, frame.payload[:2]))
        else:
            self._unknown(frame.payload)

    def _pong(self, payload: bytes | None, arrived_ns: int, heard: ReadResult) -> None:
        """Our own ping came back: proof that the socket lives, and a round trip. What the bytes
        waited here for the interpreter is not part of it."""
        sent_ns = self.pinged_ns
        if sent_ns is None or (payload is not None and payload != str(sent_ns).encode()):
            return
        self.pinged_ns = None
        heard.pong = True
        waited_ns = max(0, time.time_ns() - arrived_ns)
        if self.anew:
            self.anew = False
            self._meter.round_trips_ns.clear()
        self._meter.round_trips_ns.append(max(0, time.monotonic_ns() - sent_ns - waited_ns))
