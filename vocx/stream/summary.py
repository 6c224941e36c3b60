"""The counters of several sockets as one :class:`~vocx.stream.stats.StreamStats`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from vocx.stream.channels import BookChannel
from vocx.stream.stats import StreamStats
from vocx.stream.worker import SocketWorker

_RATE_SECONDS = 5


def summary(state: str, readers: Sequence[SocketWorker], dropped: int, now_ns: int) -> StreamStats:
    """One look at everything that the sockets of a stream have counted."""
    meters = [reader.meter for reader in readers]
    courses = [reader.course for reader in readers]
    reasons: Counter[str] = Counter()
    facts: Counter[str] = Counter()
    for course in courses:
        reasons.update(course.reasons)
    for meter in meters:
        facts.update({kind.__name__: count for kind, count in meter.kinds.copy().items()})
    books = [slot.book for r in readers for slot in r.slots if isinstance(slot, BookChannel)]
    trips = [trip for m in meters if (trip := m.round_trip_ns()) is not None]

    def total(name: str) -> int:
        return sum(getattr(meter, name) for meter in meters)

    return StreamStats(
        state=state,
        frames=total("frames"),
        bytes=total("bytes"),
        facts=dict(facts),
        per_second=_rate(readers, now_ns),
        reconnects=sum(course.reconnects for course in courses),
        reasons=dict(reasons),
        dials=sum(course.dials for course in courses),
        dns_errors=sum(course.dns_errors for course in courses),
        gaps=total("gaps"),
        parse_errors=total("parse_errors"),
        unknown=total("unknown"),
        duplicates=total("duplicates"),
        out_of_order=total("out_of_order"),
        dropped=dropped,
        resyncs=sum(book.resyncs for book in books),
        resubscribed=sum(course.resubscribed for course in courses),
        snapshots=sum(s.fetched for reader in readers for s in reader.snapshots),
        handshake=next((m.handshake for m in reversed(meters) if m.handshake), None),
        ages_ns=list(chain.from_iterable(meter.age_ns.copy() for meter in meters)),
        lags_ns=list(chain.from_iterable(meter.lag_ns.copy() for meter in meters)),
        round_trip_ms=max(trips) / 1e6 if trips else None,
        ports=[port for meter in meters for port in meter.ports.copy()],
        stamped=any(meter.stamped for meter in meters),
        bad_samples=[text for meter in meters for text in meter.bad_samples.copy()],
        unknown_samples=[text for meter in meters for text in meter.unknown_samples.copy()],
    )


def _rate(readers: Sequence[SocketWorker], now_ns: int) -> float:
    """Frames a second over the last five whole seconds."""
    second = now_ns // 1_000_000_000
    frames = sum(
        count
        for reader in readers
        for at, count in reader.meter.rates.copy()
        if second - _RATE_SECONDS <= at < second
    )
    return frames / _RATE_SECONDS
