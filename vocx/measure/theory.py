"""What arithmetic says, to stand beside what is measured. Pure.

A poll that is sent every ``interval_ms`` waits for its reply, so its period is the interval or the
call time, whichever is longer. What comes back was read half-way: it is half a call old on
arrival, and then it is looked at until the next reply. A stream that speaks every ``cadence_ms``
(0: at each change) is half a round trip old on arrival, and then looked at until the next message.
So *age is half the round trip plus, on average, half the cadence*: the protocol only decides
which cadence you can afford.

``rtt_ms`` is the distance there and back; pass the measured call time of a kept connection instead
and the time that the exchange and your own machine need is inside.
"""

from __future__ import annotations

from vocx.errors import BadInput
from vocx.measure import validation


def period_ms(interval_ms: float, rtt_ms: float = 0.0) -> float:
    """Time from one reply to the next: polls of one connection cannot overlap."""
    return max(_number("interval_ms", interval_ms), _number("rtt_ms", rtt_ms))


def expected_age_ms(interval_ms: float, rtt_ms: float = 0.0) -> float:
    """Mean age of what a poll shows, over time. Of a stream: its cadence is the interval."""
    return period_ms(interval_ms, rtt_ms) / 2 + rtt_ms / 2


def age_quantile_ms(q: float, interval_ms: float, rtt_ms: float = 0.0) -> float:
    """The age that what a poll shows does not exceed in a share ``q`` of the time."""
    return _share(q) * period_ms(interval_ms, rtt_ms) + rtt_ms / 2


def pushed_age_ms(cadence_ms: float = 0.0, rtt_ms: float = 0.0) -> float:
    """Mean age of what a stream shows. Unlike a poll it waits for nobody: its period is its
    cadence at any distance."""
    return _number("rtt_ms", rtt_ms) / 2 + _number("cadence_ms", cadence_ms) / 2


def pushed_quantile_ms(q: float, cadence_ms: float = 0.0, rtt_ms: float = 0.0) -> float:
    """The age that what a stream shows does not exceed in a share ``q`` of the time."""
    return _number("rtt_ms", rtt_ms) / 2 + _share(q) * _number("cadence_ms", cadence_ms)


def interval_for_ms(age_ms: float, rtt_ms: float = 0.0, q: float | None = None) -> float | None:
    """The longest polling interval whose age stays within ``age_ms``: on average, or in a share
    ``q`` of the time. ``None`` where no interval does: one that is shorter than the round trip
    cannot be kept."""
    budget = _number("age_ms", age_ms) - _number("rtt_ms", rtt_ms) / 2
    interval = budget * 2 if q is None else budget / max(_share(q), 1e-9)
    return interval if interval > 0 and interval >= rtt_ms else None


def calls_per_minute(interval_ms: float, rtt_ms: float = 0.0) -> float:
    """How many polls a minute really leave."""
    period = period_ms(interval_ms, rtt_ms)
    if period <= 0:
        raise BadInput("an interval of 0 at a distance of 0 is no plan; write interval_ms=20")
    return 60_000 / period


def weight_per_minute(interval_ms: float, weight: int, rtt_ms: float = 0.0) -> float:
    """What polling costs of the venue's limit."""
    return calls_per_minute(interval_ms, rtt_ms) * validation.whole("weight", weight, 1)


def seconds_until_429(
    interval_ms: float, weight: int, rtt_ms: float = 0.0, *, limit: int
) -> float | None:
    """Seconds of a fresh window of a minute, in which the venue allows ``limit``, until a call is
    refused; ``None`` when the minute ends first (such windows begin on the clock and forget
    everything at once)."""
    allowed = validation.whole("limit", limit, 1) // validation.whole("weight", weight, 1)
    refused_s = allowed * period_ms(interval_ms, rtt_ms) / 1000
    return refused_s if refused_s < 60 else None


def kib_per_s(bytes_per_call: float, interval_ms: float, rtt_ms: float = 0.0) -> float:
    """Bandwidth of polling: all bytes of a call, both ways, once each period."""
    return (
        validation.number("bytes_per_call", bytes_per_call, 0)
        / 1024
        * calls_per_minute(interval_ms, rtt_ms)
        / 60
    )


def opening_round_trips(*, tls: bool, kept: bool = False) -> int:
    """Round trips of one call without DNS: TCP, TLS 1.3 and the request itself."""
    return 1 if kept else 3 if tls else 2


def _number(name: str, value: float) -> float:
    return validation.number(name, value, 0, what=" milliseconds")


def _share(q: float) -> float:
    return validation.number("q", q, 0, 1, what=", such as 0.95")
