"""Lesson 05: ``expected_age(interval_ms, rtt_ms)``, held against what the lab really shows.

The arithmetic is asked for at four settings, then real polls are watched at the same four: once in
a kernel, as that takes about ten seconds. What is wrong is told with what was measured here.
"""

from __future__ import annotations

from collections.abc import Callable

from vocx.course.answer_runner import Trial, Wrong, milliseconds
from vocx.course.exercise import Check, in_lab
from vocx.course.polled_ages import PolledAge, polled_ages
from vocx.exchange import Exchange
from vocx.measure import theory

SETTINGS = ((1000, 20), (100, 20), (250, 80), (50, 200))
"""Polling interval and round trip, milliseconds; in the last a poll waits for its reply."""
SECONDS = {20: 3.0, 80: 1.0, 200: 1.2}
SLACK_MS, SLACK_SHARE, MOST_OWN_MS = 4.0, 0.06, 25.0


_measured: dict[int, list[PolledAge]] = {}
"""By process id of the lab."""


def seen_in(exchange: Exchange | None) -> list[PolledAge]:
    """What polls show at the four settings."""
    _, lab = in_lab(exchange)
    if lab.pid not in _measured:
        found: dict[tuple[float, float], PolledAge] = {}
        for rtt_ms, seconds in SECONDS.items():
            intervals_ms = [every_ms for every_ms, away_ms in SETTINGS if away_ms == rtt_ms]
            for one in polled_ages(exchange, intervals_ms, rtt_ms, seconds):
                found[one.interval_ms, one.rtt_ms] = one
        _measured[lab.pid] = [found[setting] for setting in SETTINGS]
    return _measured[lab.pid]


def _slack_ms(one: PolledAge) -> float:
    """How far an answer may be off: the machine's own milliseconds are not arithmetic."""
    own = min(max(0.0, one.call_ms - one.rtt_ms), MOST_OWN_MS)
    return SLACK_MS + SLACK_SHARE * one.mean.value + own


Formula = Callable[[float, float], float]
_FORMULAS: tuple[tuple[Formula, int, str], ...] = (
    (
        lambda interval, rtt: interval + rtt,
        0,
        "it never gets that old: 95 % of the time it was below {p95:.0f} ms. On average it is half "
        "the interval and half the round trip",
    ),
    (
        lambda interval, rtt: interval + rtt / 2,
        0,
        "that is the oldest it gets, just before the next reply (95 % of the time it was below "
        "{p95:.0f} ms); on average you look at it for half the interval",
    ),
    (
        lambda interval, rtt: rtt,
        0,
        "that is how long the call took ({call:.0f} ms); the price was read half-way, and then "
        "you looked at it until the next reply",
    ),
    (
        lambda interval, rtt: rtt / 2,
        0,
        "so old it is on arrival; then you looked at it for {between:.0f} ms, until the next reply",
    ),
    (
        lambda interval, rtt: interval,
        0,
        "so long you look at one reply; its age grows from half a round trip, so take the middle",
    ),
    (
        lambda interval, rtt: max(interval, rtt),
        0,
        "so long it is from one reply to the next ({between:.0f} ms); what is its age in the "
        "middle of that, when it came half a round trip old?",
    ),
    (
        lambda interval, rtt: interval / 2,
        2,
        "true with the exchange in this machine; {rtt:.0f} ms away the price is {half:.0f} ms old "
        "when it arrives",
    ),
    (
        lambda interval, rtt: max(interval, rtt) / 2,
        2,
        "so long you look at it on average; {rtt:.0f} ms away it is {half:.0f} ms old already "
        "when it arrives",
    ),
    (
        lambda interval, rtt: interval / 2 + rtt / 2,
        3,
        "a poll waits for its reply: you wanted one every {interval:.0f} ms, and one came every "
        "{between:.0f} ms",
    ),
    (
        lambda interval, rtt: interval / 2 + rtt,
        2,
        "the whole call took {call:.0f} ms, but the exchange read the price half-way: on arrival "
        "it is half of that old",
    ),
    (
        lambda interval, rtt: max(interval, rtt) / 2 + rtt,
        2,
        "the whole call took {call:.0f} ms, but the exchange read the price half-way: on arrival "
        "it is half of that old",
    ),
    (
        lambda interval, rtt: (max(interval, rtt) + rtt) / 2000,
        0,
        "that looks like seconds; answer in milliseconds",
    ),
)
"""Wrong formulas, the setting that shows it best, and what to say."""


def judge(expected_age: Trial, exchange: Exchange | None) -> str:
    """Four settings by arithmetic, then the same four in the lab."""
    given = [_number(expected_age, *setting) for setting in SETTINGS]
    seen = seen_in(exchange)
    for formula, at, why in _FORMULAS:
        if all(
            abs(got - formula(*setting)) < 0.01
            for got, setting in zip(given, SETTINGS, strict=True)
        ):
            raise _wrong(expected_age, seen[at], given[at], why)
    for got, one in zip(given, seen, strict=True):
        # A busy machine makes ages that arithmetic cannot know: nobody's answer is wrong for that.
        expected = theory.expected_age_ms(one.interval_ms, one.rtt_ms)
        off = abs(got - one.mean.value) > _slack_ms(one)
        if off and abs(got - expected) > SLACK_SHARE * expected:
            raise _wrong(expected_age, one, got, _distance(got, one))
    pairs = [f"{got:.0f} and {one.mean.value:.0f}" for got, one in zip(given, seen, strict=True)]
    return f"Yours and the lab's, in ms: {', '.join(pairs)}."


def _number(expected_age: Trial, interval_ms: int, rtt_ms: int) -> float:
    got = expected_age(interval_ms, rtt_ms)
    return milliseconds(got, f"{expected_age.name}({interval_ms}, {rtt_ms})")


def _distance(got: float, one: PolledAge) -> str:
    side = "too young" if got < one.mean.value else "too old"
    return (
        f"{abs(got - one.mean.value):.0f} ms {side}. "
        "On arrival it is half a round trip old; then it ages until the next reply, which came "
        "every {between:.0f} ms"
    )


def _wrong(expected_age: Trial, one: PolledAge, got: float, why: str) -> Wrong:
    return Wrong(
        why.format(
            p95=one.p95.value, call=one.call_ms, between=one.between_ms, rtt=one.rtt_ms,
            half=one.rtt_ms / 2, interval=one.interval_ms,
        ),
        given=f"{expected_age.name}({one.interval_ms:.0f}, {one.rtt_ms:.0f})",
        seen=f"{got:g}",
        expected=f"about {one.mean.value:.0f}, measured in this lab",
    )  # fmt: skip


CHECK = Check(
    id="05.1",
    task="Write expected_age(interval_ms, rtt_ms): the mean age of a polled price, in ms.",
    hint=(
        "On arrival: rtt_ms / 2. Then it ages until the next reply, and a poll cannot leave "
        "before the last one is back: half of max(interval_ms, rtt_ms) on average."
    ),
    judge=judge,
)
