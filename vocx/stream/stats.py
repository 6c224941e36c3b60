"""What a stream measures about itself.

Two delays are kept apart, because mixing them is how a busy notebook gets mistaken for a slow
network:

*network age*: the venue's stamp to the arrival of the bytes at this machine, on the venue's clock
(our clock plus the measured offset). Only for facts whose wire carries a time.

*reader lag*: arrival of the bytes at this machine to the moment when Python had processed them.
On Linux the arrival is the kernel's own stamp of the segment, so waiting for the interpreter lock
counts in full. Elsewhere the clock starts when Python got the bytes, and the wait before that is
not seen: ``stamped`` says which.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from vocx.facts import Gap
from vocx.text import redact
from vocx.timing import Phases

SAMPLES = 5
PORTS = 64
OUTAGES = 100
_SAMPLE_CHARACTERS = 1024


def sample(text: bytes | str) -> str:
    """A frame as it may be kept and shown: at most 1,024 characters, secrets struck out."""
    shown = text if isinstance(text, str) else text[:_SAMPLE_CHARACTERS].decode(errors="replace")
    return redact(shown[:_SAMPLE_CHARACTERS])[:_SAMPLE_CHARACTERS]


_SAMPLED = ("ages_ns", "lags_ns", "ports")
# A live feed's ages lie between these; our clock may be wrong, but not by more than this.
_MIN_AGE_MS, _MAX_AGE_MS = -1000.0, 3_600_000.0


class Percentiles(msgspec.Struct, frozen=True):
    """Milliseconds, of ``count`` samples."""

    p50: float
    p95: float
    p99: float
    count: int

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f}, p95 {self.p95:.2f}, p99 {self.p99:.2f} ms"


def percentiles(weighted_ns: Iterable[tuple[int, int]]) -> Percentiles | None:
    """Of (nanoseconds, how many messages) pairs; ``None`` of nothing."""
    ordered = sorted(weighted_ns)
    total = sum(weight for _, weight in ordered)
    if not total:
        return None
    found: list[float] = []
    seen = 0
    marks = [0.5 * total, 0.95 * total, 0.99 * total]
    for value, weight in ordered:
        seen += weight
        while len(found) < 3 and seen >= marks[len(found)]:
            found.append(value / 1e6)
    return Percentiles(found[0], found[1], found[2], total)


class Counters:
    """Counters and samples of one socket; written by its reader thread alone."""

    def __init__(self) -> None:
        self.frames = self.bytes = 0
        self.parse_errors = self.unknown = self.duplicates = self.out_of_order = self.gaps = 0
        self.kinds: Counter[type] = Counter()
        self.bad_samples: deque[str] = deque(maxlen=SAMPLES)
        self.unknown_samples: deque[str] = deque(maxlen=SAMPLES)
        self.notices: deque[str] = deque(maxlen=SAMPLES)
        self.lag_ns: deque[tuple[int, int]] = deque(maxlen=5000)
        self.age_ns: deque[int] = deque(maxlen=10_000)
        self.round_trips_ns: deque[int] = deque(maxlen=5)
        self.rates: deque[tuple[int, int]] = deque(maxlen=64)
        self.handshake: Phases | None = None
        self.ports: deque[int] = deque(maxlen=PORTS)
        self.outages: deque[Gap] = deque(maxlen=OUTAGES)
        self.stamped = False

    def round_trip_ns(self) -> int | None:
        """Median of the last five pings."""
        found = sorted(self.round_trips_ns.copy())
        return found[len(found) // 2] if found else None


class StreamStats(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a stream's counters. ``print(stats.table())`` shows them all.

    Attributes
    ----------
    frames, bytes : int
        Text messages, and bytes of everything.
    round_trip_ms : float or None
        Median of the last five pings.
    handshake : Phases or None
        Call time of the latest handshake, by phase.
    ports : sequence of int
        This machine's ends of the connections that were opened, oldest first: the last 64 of
        each socket.
    reasons : dict
        Losses and failed tries, by close code, HTTP status or kind.
    notices : sequence of str
        The last that the venue said about a connection, and failures of ``on_frame``.
    ages_ns, lags_ns : sequence
        The samples behind :attr:`network_age_ms` and, as (nanoseconds, messages),
        :attr:`reader_lag_ms`.
    """

    state: str
    frames: int
    bytes: int
    facts: Mapping[str, int]
    per_second: float
    reconnects: int
    reasons: Mapping[str, int]
    connects: int
    dns_errors: int
    gaps: int
    parse_errors: int
    unknown: int
    duplicates: int
    out_of_order: int
    dropped: int
    resyncs: int
    resubscribed: int
    snapshots: int
    handshake: Phases | None
    round_trip_ms: float | None
    stamped: bool
    bad_samples: Sequence[str]
    unknown_samples: Sequence[str]
    notices: Sequence[str]
    ages_ns: Sequence[int]
    lags_ns: Sequence[tuple[int, int]]
    ports: Sequence[int] = ()

    @property
    def network_age_ms(self) -> Percentiles | None:
        """Venue's stamp to arrival. Of a recording, whose stamps are no times of now: ``None``."""
        found = percentiles([(age_ns, 1) for age_ns in self.ages_ns])
        return found if found is not None and _MIN_AGE_MS < found.p50 < _MAX_AGE_MS else None

    @property
    def reader_lag_ms(self) -> Percentiles | None:
        """Arrival to processed, in this machine."""
        return percentiles(self.lags_ns)

    def table(self) -> str:
        """All of it as text, one line each."""
        lines = []
        names = [name for name in self.__struct_fields__ if name not in _SAMPLED]
        for name in [*names, "network_age_ms", "reader_lag_ms"]:
            value = getattr(self, name)
            if isinstance(value, Mapping):
                value = ", ".join(f"{key} {count:,}" for key, count in value.items()) or "none"
            elif isinstance(value, Phases):
                value = value.show()
            elif isinstance(value, float):
                value = f"{value:,.2f}"
            elif isinstance(value, bool) or value is None:
                value = {None: "unknown", True: "yes", False: "no"}[value]
            elif isinstance(value, int):
                value = f"{value:,}"
            elif isinstance(value, str | Percentiles):
                value = str(value)
            else:
                value = f"{len(value)} kept"
            lines.append(f"{name.replace('_', ' '):<16} {value}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        parts = [f"{self.frames:,} frames", f"{self.reconnects} reconnects", f"{self.gaps} gaps"]
        if self.network_age_ms:
            parts.append(f"network age {self.network_age_ms}")
        if self.reader_lag_ms:
            parts.append(f"reader lag {self.reader_lag_ms}")
        return f"<StreamStats {self.state}: {'; '.join(parts)}>"
