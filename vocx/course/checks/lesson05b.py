"""Lesson 05b: ``plan(p95_age_ms, rtt_ms)``, run for real in the lab.

A plan is a polling interval and the weight that it costs a minute, or None where no poll can keep
what is asked. What the arithmetic refuses is polled at its interval, at its distance, and told
with the age that was measured; a right plan is told what it showed here.
"""

from __future__ import annotations

from typing import Any

from vocx.course.answer_runner import Trial, Wrong, is_number, short
from vocx.course.exercise import Check, in_lab
from vocx.course.polled_ages import PolledAge, polled_ages
from vocx.exchange import Exchange
from vocx.measure import theory
from vocx.measure.sampling import Interval

WEIGHT, LIMIT = 2, 6000
"""Of a call for a best price, and a minute's (Binance, rest-api.md, 2026-07-21)."""
POSSIBLE = ((150, 20), (300, 80))
"""Age that 95 % of the time has to stay below, and round trip, milliseconds."""
IMPOSSIBLE = ((90, 200), (250, 200), (20, 10))
SLACK = 0.02
"""How far below or above the longest interval a plan may be; 5 % is the mistake to be found."""
LEAST_S, MOST_S, PERIODS = 1.2, 3.0, 12
FASTEST_MS, SLOWEST_MS = 10.0, 2000.0
"""Plans outside of this are judged, and not run."""


_ran: dict[tuple[int, int, int], PolledAge] = {}
"""By process id of the lab, interval and distance."""


def run_in(exchange: Exchange | None, interval_ms: float, rtt_ms: float) -> PolledAge:
    """Poll at this interval and distance for a while."""
    _, lab = in_lab(exchange)
    every_ms = min(max(round(interval_ms), FASTEST_MS), SLOWEST_MS)
    key = (lab.pid, int(every_ms), int(rtt_ms))
    if key not in _ran:
        seconds = min(max(PERIODS * max(every_ms, rtt_ms) / 1000, LEAST_S), MOST_S)
        if every_ms > 1000:
            seconds = 2.5 * every_ms / 1000
        (_ran[key],) = polled_ages(exchange, [every_ms], rtt_ms, seconds)
    return _ran[key]


def judge(plan: Trial, exchange: Exchange | None) -> str:
    """Two plans that a poll can keep, then three that none can."""
    shown = [_possible(plan, exchange, *asked) for asked in POSSIBLE]
    for asked in IMPOSSIBLE:
        _impossible(plan, exchange, *asked)
    pairs = [f"{age} ms: {_ms(ran.p95)}" for (age, _), ran in zip(POSSIBLE, shown, strict=True)]
    return f"Your plans ran here. 95 % of the time below, asked and measured: {', '.join(pairs)}."


def _given(plan: Trial, age_ms: int, rtt_ms: int) -> str:
    return f"{plan.name}({age_ms}, {rtt_ms})"


def _pair(plan: Trial, age_ms: int, rtt_ms: int, got: Any) -> tuple[float, float]:
    """An interval and a weight, as numbers."""
    pair = tuple(got) if isinstance(got, tuple | list) else ()
    if len(pair) != 2 or not all(is_number(one) for one in pair):
        raise Wrong(
            "a pair is wanted, (interval in ms, weight a minute), or None",
            given=_given(plan, age_ms, rtt_ms),
            seen=short(got),
            expected="a pair of numbers",
        )
    return float(pair[0]), float(pair[1])


def _possible(plan: Trial, exchange: Exchange | None, age_ms: int, rtt_ms: int) -> PolledAge:
    got = plan(age_ms, rtt_ms)
    given, longest_ms = _given(plan, age_ms, rtt_ms), _longest(age_ms, rtt_ms)
    if got is None:
        ran = run_in(exchange, longest_ms, rtt_ms)
        raise Wrong(
            f"a poll can keep that: one every {longest_ms:.0f} ms was below {_ms(ran.p95)} "
            "in 95 % of the time here",
            given=given,
            seen="None",
            expected="an interval and its weight",
        )
    interval_ms, weight = _pair(plan, age_ms, rtt_ms, got)
    expected = f"about {longest_ms:.0f} ms, the longest that keeps it"
    if interval_ms <= 0:
        why = "an interval cannot be negative, and here a poll can keep it"
    elif abs(interval_ms - longest_ms / 1000) < SLACK * longest_ms / 1000:
        why = "that looks like seconds; answer in milliseconds"
    elif abs(interval_ms - longest_ms) > SLACK * longest_ms:
        why = _off(exchange, interval_ms, age_ms, rtt_ms)
    else:
        right = theory.weight_per_minute(interval_ms, WEIGHT, rtt_ms)
        if abs(weight - right) <= SLACK * right + 1:
            return run_in(exchange, interval_ms, rtt_ms)
        why, expected = _weight(weight, right), f"weight {right:.0f} a minute"
    raise Wrong(why, given=given, seen=short(got), expected=expected)


def _longest(age_ms: float, rtt_ms: float) -> float:
    found = theory.interval_for_ms(age_ms, rtt_ms, 0.95)
    assert found is not None
    return found


def _off(exchange: Exchange | None, interval_ms: float, age_ms: float, rtt_ms: float) -> str:
    """What an interval that is too long or too short showed, and which thought leads to it."""
    ran, longest_ms = run_in(exchange, interval_ms, rtt_ms), _longest(age_ms, rtt_ms)
    near = {
        (age_ms - rtt_ms / 2) * 2: f"it is 0.95 of the interval plus half the round trip. The "
        f"mean was {ran.mean.value:.0f}",
        age_ms / 0.95: f"it is {rtt_ms / 2:.0f} ms old already when it arrives",
        age_ms: f"it is {rtt_ms / 2:.0f} ms old already when it arrives",
    }
    if interval_ms > longest_ms:
        said = f"p95 was {_ms(ran.p95)}, you were asked for {age_ms:.0f}"
        why = "it is 0.95 of the interval plus half the round trip"
    else:
        dear = longest_ms / interval_ms - 1
        p95_ms = 0.95 * interval_ms + rtt_ms / 2
        said = (
            f"p95 is {p95_ms:.0f} ms by arithmetic (here {_ms(ran.p95)}), {age_ms:.0f} was enough: "
            f"you pay {dear:.0%} too much"
        )
        near = {
            age_ms - rtt_ms / 2: "the oldest may be older, 5 % of the time",
            (age_ms - rtt_ms) / 0.95: "the price was read half-way, so take half the round trip",
            age_ms - rtt_ms: "the price was read half-way, so take half the round trip",
        }
        why = "take the longest interval that keeps it"
    close = min(near, key=lambda one: abs(one - interval_ms))
    if abs(close - interval_ms) < SLACK * interval_ms:
        why = near[close]
    return f"{said}: {why}"


def _ms(age: Interval) -> str:
    """A measured age, with where a longer watch may find it: that may be beyond what was asked."""
    return age.show(1, 0, " ms")


def _weight(weight: float, right: float) -> str:
    if abs(weight * WEIGHT - right) <= SLACK * right + 1:
        return "so many calls are made a minute; each of them costs weight 2"
    if abs(weight * 60 - right) <= SLACK * right + 1:
        return "that is the weight of a second; the limit counts minutes"
    return "the interval is right, its weight is not: 60,000 / interval calls a minute, 2 each"


def _impossible(plan: Trial, exchange: Exchange | None, age_ms: int, rtt_ms: int) -> None:
    got = plan(age_ms, rtt_ms)
    if got is None:
        return
    interval_ms, _ = _pair(plan, age_ms, rtt_ms, got)
    half_ms = rtt_ms / 2
    if age_ms <= half_ms:
        why = f"half the round trip is already {half_ms:.0f} ms: no interval reaches {age_ms}"
    elif (limit_ms := 60_000 * WEIGHT / LIMIT) > _fits(age_ms, rtt_ms) >= rtt_ms:
        seconds = theory.seconds_until_429(_fits(age_ms, rtt_ms), WEIGHT, rtt_ms, limit=LIMIT)
        why = (
            f"a poll every {_fits(age_ms, rtt_ms):.0f} ms would keep it, and meet a 429 after "
            f"{seconds:.0f} s: {LIMIT:,} a minute allow one every {limit_ms:.0f} ms at most"
        )
    else:
        ran = run_in(exchange, interval_ms, rtt_ms)
        why = (
            f"a poll waits for its reply: you wanted one every {interval_ms:.0f} ms, one came "
            f"every {ran.between_ms:.0f} ms, and p95 was {_ms(ran.p95)}"
        )
    raise Wrong(why, given=_given(plan, age_ms, rtt_ms), seen=short(got), expected="None")


def _fits(age_ms: float, rtt_ms: float) -> float:
    return (age_ms - rtt_ms / 2) / 0.95


CHECK = Check(
    id="05b.1",
    task="Write plan(p95_age_ms, rtt_ms): (interval in ms, weight a minute), or None.",
    hint=(
        "p95 of the age is rtt_ms / 2 + 0.95 * interval. Solve it for the interval. None if "
        "that is below rtt_ms, or below 20 ms: 3,000 calls of weight 2 are a minute's limit."
    ),
    judge=judge,
)
