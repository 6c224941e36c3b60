"""What polls really show in the lab at an interval and a distance, for lessons that compute it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vocx import measure
from vocx.course.exercise import in_lab
from vocx.exchange import Exchange
from vocx.measure.sampling import Interval


class PolledAge(msgspec.Struct, frozen=True, kw_only=True):
    """What a poll showed, milliseconds.

    Attributes
    ----------
    mean, p95 : Interval
        Of its age.
    call_ms : float
        Median call time.
    between_ms : float
        From one reply to the next.
    """

    interval_ms: float
    rtt_ms: float
    mean: Interval
    p95: Interval
    call_ms: float
    between_ms: float


def polled_ages(
    exchange: Exchange | None, intervals_ms: Sequence[float], rtt_ms: float, seconds: float
) -> list[PolledAge]:
    """Poll at these intervals side by side, so far away; the dial is put back.

    Raises
    ------
    NotReady
        No lesson was begun in a lab.
    """
    exchange, lab = in_lab(exchange)
    polls = [measure.Poll(every_ms) for every_ms in intervals_ms]
    with lab.network.latency(rtt_ms=rtt_ms):
        result = measure.freshness(exchange, polls, seconds=seconds, changes=0)
    found = []
    for poll, one in zip(polls, result.feeds, strict=True):
        at = one.known.at
        found.append(
            PolledAge(
                interval_ms=poll.every_ms,
                rtt_ms=rtt_ms,
                mean=one.age.mean,
                p95=one.age.p95,
                call_ms=result.call_ms if one.call_ms is None else one.call_ms.value,
                between_ms=(at[-1] - at[0]) / 1e6 / max(len(at) - 1, 1),
            )
        )
    return found
