"""One direction of one connection over an emulated distance, in virtual time.

Bytes go in with a time, and come out with a time: no clock, no socket, no randomness of its own.
What is emulated, in the order in which a byte meets it:

1. TCP's sending end as Linux has it with BBR congestion control in its start-up phase
   (``tcp_bbr.c``, ``tcp_rate.c``, ``tcp_output.c``, 6.18). A window of ten segments (RFC 6928);
   what is acknowledged lets as much more be in flight, so the window doubles with each round trip
   until it is 2.885 times what the rate measured so far needs, and six segments. After its first
   ten segments a sender does not throw its window on the wire at once, but spaces it: 2.885 times
   that rate. A rest costs nothing. Without all this a reply of 150 KB at 80 ms would come a
   quarter of a second early.
2. The slicer, then the line's rate.
3. The distance, with jitter. Order is kept: a late byte holds back the ones behind it.

Why BBR: large front ends use it (Amazon CloudFront since 2019). A server with Linux' default,
CUBIC, or with Reno sends a window at once and shrinks it in a rest: against Reno over real packets
at 80 ms a kept connection's 20 KB take 115 ms here and 82 there, a new one's 150 KB 457 and 410,
and 150 KB again after 0.3 s 130 and 168. The first window, and so every small reply, is the same.

Not emulated: loss, retransmission, reordering, the slower phases of BBR that follow on a full
line, and the three packets of ``connect()`` itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf

import msgspec

SEGMENT = 1448
"""Payload bytes of one TCP segment on Ethernet with time stamps."""
INITIAL_WINDOW = 10 * SEGMENT
MAX_WINDOW = 4 * 1024 * 1024
HEADROOM = 6 * SEGMENT
"""What the window may hold beyond what the rate needs: three bursts of two segments."""
GAIN = 2.885
"""2 / ln 2: the smallest pacing gain that can still double the rate in each round trip."""
MARGIN = 0.99
"""A sender is spaced 1 % slower than that, against queues."""


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The dials in force in one direction. Times in seconds, ``rate`` in bytes per second.

    ``blackhole``: everything vanishes. ``reset``: connections are reset. 0 means "not turned".
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    rate: float = 0.0
    slice_bytes: int = 0
    slice_s: float = 0.0
    close_s: float = 0.0
    blackhole: bool = False
    reset: bool = False


CLEAR = LinkSettings()


class Chunk:
    """Bytes in flight. ``size`` 0 is the end of the stream.

    ``taken``: what it takes of the window. Linux counts segments, and a small one is one, too;
    what the slicer cut takes no more than before.

    ``delivered`` and ``heard_s``: what had been acknowledged in all, and when last, as this was
    sent (the start, after a rest). The rate is measured between there and its own
    acknowledgement, as in Linux ``tcp_rate.c``.
    """

    __slots__ = ("acked_s", "arrive_s", "data", "delivered", "heard_s", "size", "taken")

    def __init__(
        self,
        data: bytes,
        taken: int,
        arrive_s: float,
        acked_s: float,
        delivered: int,
        heard_s: float,
    ) -> None:
        self.data = data
        self.size = len(data)
        self.taken = taken
        self.arrive_s = arrive_s
        self.acked_s = acked_s
        self.delivered = delivered
        self.heard_s = heard_s


class Path:
    """Bytes on their way from one end to the other.

    ``push`` and ``end`` at one end, ``pop`` at the other, ``next_s`` says when to pop again.
    ``random`` gives numbers between -1 and 1, for jitter. ``blocked`` is set while the receiver
    does not read: nothing is delivered or acknowledged, so the window closes.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self.settings = CLEAR
        self.back_s = 0.0
        self.blocked = False
        self.lost = False
        self.unsent = 0
        self._random = random
        self._waiting: deque[memoryview] = deque()
        self._flying: deque[Chunk] = deque()
        self._unacked: deque[Chunk] = deque()
        self._window = INITIAL_WINDOW
        self._in_flight = 0
        self._spent = 0
        self._delivered = 0
        self._rate = 0.0
        self._heard_s = 0.0
        self._clock = 0.0
        self._may_send_s = 0.0
        self._line_free_s = 0.0
        self._last_s = 0.0
        self._ending: float | None = None

    def apply(self, settings: LinkSettings, back_s: float) -> None:
        """New dials; ``back_s`` is the delay of the other direction. What flies keeps its time."""
        self.settings = settings
        self.back_s = back_s
        if settings.blackhole and not self.idle:
            self.vanish()

    def vanish(self) -> None:
        """All that is on its way is lost. A byte stream cannot go on without it: for good."""
        self.lost = True
        self.unsent = self._in_flight = 0
        self._ending = None
        for queue in (self._waiting, self._flying, self._unacked):
            queue.clear()

    @property
    def idle(self) -> bool:
        """Nothing is on its way."""
        return not self._flying and not self._waiting and self._ending is None

    def push(self, data: bytes, now_s: float, hold_s: float = 0.0) -> None:
        """Bytes leave one end; ``hold_s`` keeps the sender waiting first (a handshake)."""
        if self.settings.blackhole or self.lost:
            self.lost = True
            return
        self._start(now_s)
        self._may_send_s = max(self._may_send_s, now_s) + hold_s if hold_s else self._may_send_s
        self._waiting.append(memoryview(data))
        self.unsent += len(data)

    def end(self, now_s: float) -> None:
        """The sender closes: after the last byte, and as late as the dial says."""
        if self.settings.blackhole or self.lost:
            self.lost = True
            return
        self._start(now_s)
        self._ending = now_s

    def _start(self, now_s: float) -> None:
        """An idle sender has no past to catch up with."""
        if not self._waiting and self._ending is None:
            self._clock = max(self._clock, now_s)

    def pop(self, now_s: float) -> tuple[list[bytes], bool]:
        """What has arrived by now, and whether the end of the stream has."""
        arrived: list[bytes] = []
        ended = self._run(now_s, arrived)
        return arrived, ended

    def next_s(self) -> float | None:
        """When to pop again; ``None`` when nothing is on its way or the receiver is blocked."""
        soonest = min(self._arrives_s(), self._sends_s(), self._acked_s() if self.unsent else inf)
        return None if soonest == inf else soonest

    def _arrives_s(self) -> float:
        return self._flying[0].arrive_s if self._flying and not self.blocked else inf

    def _acked_s(self) -> float:
        """The first acknowledgement; one for bytes that have not arrived yet never comes."""
        if not self._unacked or (self._flying and self._unacked[0] is self._flying[0]):
            return inf
        return self._unacked[0].acked_s

    def _sends_s(self) -> float:
        if not self._waiting:
            return inf if self._ending is None else max(self._clock, self._ending)
        room = self._window - self._in_flight
        if room < SEGMENT:
            return inf
        return max(self._clock, self._may_send_s)

    def _run(self, now_s: float, arrived: list[bytes]) -> bool:
        """Everything that happens up to now, in order of time; True at the end of the stream."""
        while True:
            arrives, acked, sends = self._arrives_s(), self._acked_s(), self._sends_s()
            soonest = min(arrives, acked, sends)
            if soonest > now_s or soonest == inf:
                return False
            self._clock = max(self._clock, soonest)
            if soonest == arrives:
                chunk = self._flying.popleft()
                if not chunk.size:
                    return True
                arrived.append(chunk.data)
            elif soonest == sends:
                self._send()
            else:
                self._acknowledge(self._unacked.popleft())

    def _acknowledge(self, chunk: Chunk) -> None:
        self._in_flight -= chunk.taken
        self._delivered += chunk.taken
        self._heard_s = chunk.acked_s
        if chunk.acked_s > chunk.heard_s:
            rate = (self._delivered - chunk.delivered) / (chunk.acked_s - chunk.heard_s)
            self._rate = max(self._rate, rate)
        enough = GAIN * self._rate * (self.settings.delay_s + self.back_s) + HEADROOM
        if self._window < enough or self._delivered < INITIAL_WINDOW:
            self._window = min(self._window + chunk.taken, MAX_WINDOW)

    def _pace(self) -> float:
        """Bytes a second at which a sender with this window and distance lets go."""
        round_trip_s = self.settings.delay_s + self.back_s
        if round_trip_s <= 0:
            return inf
        return MARGIN * GAIN * max(self._rate, INITIAL_WINDOW / round_trip_s)

    def _spacing(self, size: int, pace: float) -> float:
        """Seconds until the sender may let go of more, as in ``tcp_update_skb_after_send``.

        The first ten segments of a connection are not spaced at all, and who sends later than
        it might have (a timer that was late, a rest) gets up to half of the spacing back.
        """
        if self._spent < INITIAL_WINDOW:
            return 0.0
        spacing_s = size / pace
        return spacing_s - min(spacing_s / 2, max(0.0, self._clock - self._may_send_s))

    def _send(self) -> None:
        """The next piece goes out, at ``self._clock``."""
        settings, now_s, pace = self.settings, self._clock, self._pace()
        data, taken, extra_s = b"", 0, 0.0
        if self._waiting:
            segments = 64 if pace == inf else max(2, int(pace * 0.001 / SEGMENT))
            if settings.rate:
                segments = min(segments, max(1, int(settings.rate * 0.01 / SEGMENT)))
            room = (self._window - self._in_flight) // SEGMENT
            burst = min(segments, room) * SEGMENT
            data = self._take(min(burst, settings.slice_bytes or burst))
            taken = len(data) if settings.slice_bytes else -(-len(data) // SEGMENT) * SEGMENT
            self._spent += taken
            self._may_send_s = now_s + max(self._spacing(len(data), pace), settings.slice_s)
        else:
            self._ending, extra_s = None, settings.close_s
        line_s = max(now_s, self._line_free_s)
        line_s += len(data) / settings.rate if settings.rate else 0.0
        self._line_free_s = line_s
        jitter_s = settings.jitter_s * self._random() if settings.jitter_s else 0.0
        delay_s = max(0.0, settings.delay_s + jitter_s)
        self._last_s = max(self._last_s, line_s + delay_s + extra_s)
        if not self._in_flight:
            self._heard_s = now_s
        acked_s = self._last_s + self.back_s
        chunk = Chunk(data, taken, self._last_s, acked_s, self._delivered, self._heard_s)
        self._flying.append(chunk)
        if data:
            self._unacked.append(chunk)
            self._in_flight += taken

    def _take(self, most: int) -> bytes:
        """Up to ``most`` of the waiting bytes."""
        pieces: list[memoryview] = []
        while most > 0 and self._waiting:
            head = self._waiting.popleft()
            if len(head) > most:
                self._waiting.appendleft(head[most:])
                head = head[:most]
            pieces.append(head)
            most -= len(head)
        data = b"".join(pieces)
        self.unsent -= len(data)
        return data
