"""Lesson 02b: ``listen(connect, take, note)`` that connects again, judged in virtual time."""

from __future__ import annotations

from functools import partial
from inspect import iscoroutinefunction

from vocx.course.answer_runner import Trial, Wrong
from vocx.course.exercise import Check
from vocx.course.virtual_venue import LISTEN, MOST_ATTEMPTS, Plan, Scene, SceneResult, play
from vocx.exchange import Exchange

_SERVE = Plan()
_MOST_IN_30_S = 12
_OUTAGE_S, _BACK_S, _MOST_IN_OUTAGE = 600.0, 95.0, 60
_SOON_S = 10.0
_LIVES = 1_050


def _cut(number: int, at_s: float) -> Plan:
    if number == 1:
        return Plan(messages=3)
    if number <= 4:
        return Plan(refuse="handshake" if number == 3 else "port")
    return Plan(messages=20, close=1006) if number == 5 else _SERVE


def _outage(number: int, at_s: float) -> Plan:
    if at_s < _OUTAGE_S:
        return Plan(refuse="port")
    return Plan(messages=20) if at_s < _OUTAGE_S + _BACK_S else _SERVE


CUT = Scene(
    name="closed with 1001, three attempts refused, served, cut without a close frame",
    seconds=90,
    plan=_cut,
)
GREETED = Scene(
    name="each connection is accepted and closed with 1001 before any message, for 30 s",
    seconds=30,
    plan=lambda number, at_s: Plan(messages=0),
)
OUTAGE = Scene(name="ten minutes without an exchange", seconds=900, plan=_outage)
LIVES = Scene(
    name=f"{_LIVES:,} connections, each closed with 1001 after a message",
    seconds=4 * 3600,
    plan=lambda number, at_s: Plan(messages=1) if number <= _LIVES else _SERVE,
)


def judge(listen: Trial, exchange: Exchange | None) -> str:
    """Four scenes, the first of them twice. Silence is told last: it hides the other faults."""
    listen.function = partial(_run, listen.function)
    first = _played(listen, CUT)
    _came_back(first)
    greeted = _played(listen, GREETED)
    if len(greeted.attempts_s) > _MOST_IN_30_S:
        raise _by_its_pauses(
            greeted,
            f"{len(greeted.attempts_s)} attempts in 30 s: make the pause short again after good "
            "data, not after the handshake",
            expected=f"at most {_MOST_IN_30_S} attempts",
        )
    outage = _played(listen, OUTAGE)
    _outlasted(outage)
    _played(listen, LIVES)
    _noted(first)
    if _played(listen, CUT).attempts_s == first.attempts_s:
        raise _by_its_pauses(
            first,
            "two runs tried to connect at the very same moments: so will a thousand programs after "
            "a restart of the exchange. Leave each pause partly to chance",
            expected="other pauses each time",
        )
    refused = sum(at_s < _OUTAGE_S for at_s in outage.attempts_s)
    return (
        f"Back after a close, a cut and {refused} refused attempts in ten minutes; "
        f"{_LIVES:,} connections outlived; every end was noted."
    )


def _run(listen: LISTEN, scene: Scene) -> SceneResult | None:
    """``None`` for a program that did nothing at all, such as the blank one."""
    if not iscoroutinefunction(listen):
        raise TypeError("this is no coroutine function: write async def")
    played = play(listen, scene)
    nothing = not played.attempts_s and played.error is None and played.returned_s is not None
    return None if nothing else played


def _played(listen: Trial, scene: Scene) -> SceneResult:
    """The scene, and what is wrong in any of them: death, a quiet end, a storm, silence."""
    played: SceneResult | None = listen(scene)
    if played is None:
        raise Wrong(
            "it never tried to connect", given=scene.name, expected="async with connect() as ws"
        )
    attempts = len(played.attempts_s)
    if played.error is not None:
        raise _dead(played)
    if played.returned_s is not None:
        raise Wrong(
            f"it came to its end after {played.returned_s:.1f} s and {attempts} attempts: a loop "
            "over a connection ends without an error on 1000 and 1001, and then nobody connects "
            "again",
            given=scene.name,
            seen=f"listen returned; {len(played.taken)} messages taken",
            expected="it listens until it is cancelled",
        )
    if attempts >= MOST_ATTEMPTS:
        quiet = "nothing noted" if not played.notes else f"{len(played.notes)} notes"
        raise _by_its_pauses(
            played,
            f"{attempts:,} attempts in {played.attempts_s[-1]:.0f} s, {quiet}: an end without an "
            "error needs a pause, too",
            expected="a pause before every attempt",
        )
    if played.stubborn:
        raise Wrong(
            "it went on after it was cancelled: let CancelledError pass, or nothing can stop it",
            given=scene.name,
            seen="still running a second later",
            expected="except Exception at most, never BaseException",
        )
    if played.taken != played.sent:
        raise Wrong(
            f"{len(played.sent)} messages came, {len(played.taken)} were handed to take",
            given=scene.name,
            seen=f"{len(played.taken)} taken",
            expected="each message once, as text, in order",
        )
    return played


def _dead(played: SceneResult) -> Wrong:
    error, attempts = played.error, len(played.attempts_s)
    name = type(error).__name__
    if isinstance(error, RecursionError):
        why = (
            f"dead after {attempts} attempts: each reconnect waits inside the one before; use a "
            "loop"
        )
    elif len(played.ends_s) == attempts and attempts > 1:
        which = "the second attempt" if attempts == 2 else f"attempt {attempts}"
        why = f"dead after {name} on {which}: one that fails needs a pause and another attempt"
    else:
        last_s = played.attempts_s[-1] if attempts else 0
        why = f"dead after {name}, {last_s:.0f} s after the beginning"
    if name == "ConnectionClosedError":
        why = f"dead after {name}: a cut without a close frame is an end like any other"
    seen = f"{name}: {error}"
    return Wrong(why, given=played.scene, seen=seen, expected="it connects again")


def _came_back(played: SceneResult) -> None:
    if len(played.attempts_s) < 6 or len(played.taken) < 24:
        raise _by_its_pauses(
            played,
            f"{len(played.attempts_s)} attempts in {CUT.seconds:.0f} s: the exchange was back, and "
            "you were not",
            expected="seconds between the first attempts, not minutes",
        )


def _noted(played: SceneResult) -> None:
    if len(played.notes) < len(played.ends_s):
        raise Wrong(
            f"{len(played.ends_s)} connections ended or were refused, and {len(played.notes)} "
            "notes say so: a reconnect that is silent hides the outage",
            given=played.scene,
            seen=f"{len(played.notes)} calls of note",
            expected="note(text) for every end, also for one without an error",
        )


def _outlasted(played: SceneResult) -> None:
    refused = [at_s for at_s in played.attempts_s if at_s < _OUTAGE_S]
    if len(refused) > _MOST_IN_OUTAGE:
        raise _by_its_pauses(
            played,
            f"{len(refused)} attempts in ten minutes without an exchange: let the pause grow",
            expected=f"at most {_MOST_IN_OUTAGE}",
        )
    back_s = min((at_s for at_s in played.attempts_s if at_s >= _OUTAGE_S), default=OUTAGE.seconds)
    if back_s > _OUTAGE_S + _BACK_S:
        raise _by_its_pauses(
            played,
            f"the exchange was back, and for {back_s - _OUTAGE_S:.0f} s you were not: let the "
            "pause grow to a minute and no further",
            expected=f"an attempt within {_BACK_S:.0f} s",
        )
    end_s = played.ends_s[len(refused)]
    after_s = min((one for one in played.attempts_s if one > end_s), default=OUTAGE.seconds) - end_s
    if after_s > _SOON_S:
        raise _by_its_pauses(
            played,
            f"after good data the next pause was {after_s:.0f} s: an outage that is over should "
            "not count any more",
            expected=f"at most {_SOON_S:.0f} s",
        )


def _by_its_pauses(played: SceneResult, why: str, *, expected: str) -> Wrong:
    """What is wrong is seen in the pauses before its attempts."""
    pauses = [f"{one:.1f}" for one in played.pauses_s()]
    shown = pauses if len(pauses) <= 12 else [*pauses[:8], "...", *pauses[-3:]]
    seen = f"pauses in s: {', '.join(shown) or 'none'}"
    return Wrong(why, given=played.scene, seen=seen, expected=expected)


CHECK = Check(
    id="02b.1",
    task="Write async def listen(connect, take, note): it connects again, whatever ends.",
    hint=(
        "while True around try, async with connect() as ws, async for. note what ended it, "
        "error or not; sleep; double the pause up to 60; a message makes it short again."
    ),
    judge=judge,
    call_s=10.0,
)
