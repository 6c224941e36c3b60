"""Time as data: the phases of one HTTP exchange, and an estimate of the venue's clock.

Nothing here reads a clock except :func:`wall_ns`, :func:`mono_ns` and :func:`boot_ns`, which exist
so that the rest of the package has names to inject and one place to look.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from statistics import median_high, median_low

import msgspec


def wall_ns() -> int:
    """Nanoseconds since the epoch, this machine's clock. Comparable with the venue's stamps."""
    return time.time_ns()


def mono_ns() -> int:
    """``CLOCK_MONOTONIC`` in nanoseconds: shared exactly by all processes of one machine."""
    return time.monotonic_ns()


def boot_ns() -> int:
    """Nanoseconds since this machine started, those included in which it slept: a clock that
    nobody sets."""
    if not hasattr(time, "clock_gettime_ns"):
        return time.monotonic_ns()
    # elsewhere than on Linux CLOCK_MONOTONIC goes on while a machine sleeps
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def stamp_ns(stamp: int) -> int | None:
    """A moment since the epoch in nanoseconds, from a count of seconds, milliseconds, microseconds
    or nanoseconds (10, 13, 16 or 19 digits); ``None`` for what is none of them.

    Between 2001-09-09 and 2262 no number can be two of them.
    """
    for unit_ns in (1, 1_000, 1_000_000, 1_000_000_000):
        if 10**18 <= stamp * unit_ns < 2**63:
            return stamp * unit_ns
    return None


class Phases(msgspec.Struct, frozen=True, kw_only=True):
    """Where the milliseconds of one HTTP call went. ``None``: the phase did not happen.

    ``dns_ms``, ``connect_ms`` and ``tls_ms`` are ``None`` on a kept connection.
    ``first_byte_ms`` runs from the request's last byte to the reply's first one.
    ``emulated_ms`` is what the lab's distance dial could not put where a real network would: a
    user-space relay cannot delay ``connect()``, so the handshake's round trip is paid with the
    first bytes instead, in ``first_byte_ms`` or ``tls_ms``. It is a label, not an extra cost: the
    total is right.
    """

    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    send_ms: float = 0.0
    first_byte_ms: float = 0.0
    body_ms: float = 0.0
    emulated_ms: float | None = None
    new_connection: bool = False

    @property
    def total_ms(self) -> float:
        """Sent to received, on this machine's clock: the *call time*."""
        opening = (self.dns_ms or 0.0) + (self.connect_ms or 0.0) + (self.tls_ms or 0.0)
        return opening + self.send_ms + self.first_byte_ms + self.body_ms

    def show(self) -> str:
        """One line: every phase that happened, and the total."""
        named = (
            ("DNS", self.dns_ms),
            ("connect", self.connect_ms),
            ("TLS", self.tls_ms),
            ("send", self.send_ms),
            ("first byte", self.first_byte_ms),
            ("body", self.body_ms),
        )
        parts = " + ".join(f"{name} {ms:.2f}" for name, ms in named if ms is not None)
        kind = "new connection" if self.new_connection else "kept connection"
        text = f"{kind}: {parts} = {self.total_ms:.2f} ms"
        if self.emulated_ms:
            text += (
                f" (of which {self.emulated_ms:.0f} ms are the handshake at the dial's distance)"
            )
        return text


class HttpCall(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its reply as bytes, with times. Secrets are redacted outside the lab.

    ``request`` and ``reply`` are the bytes of head and body as they crossed the socket (the
    reply's body after content decoding; ``reply_wire_bytes`` counts what really crossed).
    ``sent_ns`` and ``received_ns`` are wall-clock nanoseconds of first byte out and last byte in.
    ``local_port`` is this machine's end of the connection: calls with the same number shared it.
    """

    method: str
    url: str
    status: int
    request: bytes
    reply: bytes
    reply_wire_bytes: int
    phases: Phases
    sent_ns: int
    received_ns: int
    local_port: int | None = None

    @property
    def wire_bytes(self) -> int:
        """Bytes both ways above TCP and TLS: heads and bodies."""
        return len(self.request) + self.reply_wire_bytes

    def show(self, limit: int = 2000) -> str:
        """The call as text: what was sent, what came back, where the time went.

        ``limit`` bounds the characters of each body. ``print(reply.http)`` shows the same.
        """
        sent = _lines("> ", self.request, limit)
        came = _lines("< ", self.reply, limit)
        size = f"{len(self.request):,} bytes out, {self.reply_wire_bytes:,} bytes in"
        return f"{sent}\n{came}\n{size}; {self.phases.show()}"

    def __str__(self) -> str:
        return self.show()

    def __repr__(self) -> str:
        return (
            f"<{self.method} {self.url}: {self.status}, {self.phases.total_ms:.1f} ms, "
            f"{self.wire_bytes:,} bytes>"
        )


def _lines(mark: str, message: bytes, limit: int) -> str:
    """A message with a mark before each line of its head, its body cut at ``limit``."""
    head, _, body = message.decode("utf-8", "replace").partition("\r\n\r\n")
    lines = [mark + line for line in head.split("\r\n")]
    if body:
        cut = len(body) - limit
        lines.append(body if cut <= 0 else f"{body[:limit]} ... and {cut:,} characters more")
    return "\n".join(lines)


class ClockOffset:
    """How far the venue's clock is ahead of ours, by the round-trip midpoint; median of five.

    The caller measures ``sent_ns`` and ``received_ns`` and passes the venue's stamp.
    A sample whose round trip exceeds 2 s is refused, because half of it is the error. Where our
    wall clock is set after a measurement, the offset moves by as much the other way: samples are
    kept by a clock that nobody sets.
    """

    MAX_ROUND_TRIP_NS = 2_000_000_000

    def __init__(
        self, wall: Callable[[], int] = wall_ns, boot: Callable[[], int] = boot_ns
    ) -> None:
        self._wall, self._boot = wall, boot
        self._samples: deque[int] = deque(maxlen=5)

    def add(self, sent_ns: int, venue_ns: int, received_ns: int) -> bool:
        """Take one sample; False when its round trip is too long to mean anything."""
        if not 0 <= received_ns - sent_ns <= self.MAX_ROUND_TRIP_NS:
            return False
        self._samples.append(venue_ns - (sent_ns + received_ns) // 2 + self._started_ns())
        return True

    def _started_ns(self) -> int:
        """When this machine started, by the wall clock as it is set now."""
        boot = self._boot()
        return self._wall() - boot

    def reset(self) -> None:
        """Forget all samples (after the venue refused a timestamp)."""
        self._samples.clear()

    @property
    def known(self) -> bool:
        return bool(self._samples)

    @property
    def offset_ns(self) -> int:
        """Add this to our wall clock to get the venue's. 0 while unknown."""
        if not self._samples:
            return 0
        low, high = median_low(self._samples), median_high(self._samples)  # exact, as integers
        return (low + high) // 2 - self._started_ns()
