"""Lesson 01: ``polite(calls, time)``, sixty calls of mixed price and not one 429.

The calls are real ones to the lesson's lab, and its own meter counts them. Only waiting is made
cheap: ``time.sleep`` turns the meter's clock forward by so many seconds instead of sitting them
out (sleeping in earnest works as well). The check begins :data:`LEFT_S` before the end of a
minute, after another program at the same address has used part of it: what is left stands only in
the headers.
"""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from functools import cached_property

import msgspec
import requests

from vocx.course.answer_runner import Trial, Wrong
from vocx.course.exercise import Check, in_lab
from vocx.exchange import Exchange
from vocx.lab import Lab

LEFT_S = 15.0
WINDOW_S = 60.0
LIMIT = 6000
SLACK_S = 5.0
"""Waiting longer than to the end of the minute is allowed by so much."""
USED = "X-MBX-USED-WEIGHT-1M"

_DEAR = ("depth?symbol=ETHBTC&limit=5000", 250)
_SIX = (
    _DEAR,
    ("ticker/24hr?symbol=BTCUSDT", 2),
    _DEAR,
    ("klines?symbol=BTCUSDT&interval=1m&limit=100", 2),
    _DEAR,
    ("trades?symbol=BTCUSDT&limit=10", 25),
)
"""Six of the sixty, with their weights (rest-api.md, 2026-07-21)."""
PATHS = _SIX * 10
STRANGERS = 5
"""Dear calls of the other program."""


class _Made(msgspec.Struct):
    """One call that was made: its number, what it is, and what came back."""

    number: int
    name: str
    weight: int
    status: int
    used: int
    retry_after: str | None


class _Run:
    """One minute's end and the next minute: the calls, the clock, and what happened."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.made: list[_Made] = []
        self.sleeps: list[tuple[float, float, int]] = []  # seconds, left of the window, calls made
        self.asked_s = 0.0
        self.http = requests.Session()
        self.http.trust_env = False
        self.root = lab.url("binance", "rest") + "/api/v3/"
        left: float = lab.limits(scale=1, off=False, venue="binance")["window_left_s"]
        lab.limits.advance(left + WINDOW_S - LEFT_S)
        for _ in range(STRANGERS):
            self.http.get(self.root + _DEAR[0], timeout=10)
        left = lab.limits(venue="binance")["window_left_s"]
        # Read after the answer, so that this clock is late by its way and never early.
        self._origin = clock.monotonic()
        self._ahead = clock.time() // WINDOW_S * WINDOW_S + WINDOW_S - left
        self.began = self.now()

    def now(self) -> float:
        """The meter's clock, in seconds since the epoch."""
        return self._ahead + clock.monotonic() - self._origin

    def sleep(self, seconds: float) -> None:
        """Turn the clock forward."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.sleeps.append((seconds, WINDOW_S - self.now() % WINDOW_S, len(self.made)))
        if seconds > 0:
            self.lab.limits.advance(seconds)
            self._ahead += seconds

    def call(self, number: int, path: str, weight: int) -> requests.Response:
        """Make one call and note what became of it."""
        began = clock.monotonic()
        reply = self.http.get(self.root + path, timeout=10)
        self.asked_s += clock.monotonic() - began
        self.made.append(
            _Made(
                number=number,
                name=path.partition("?")[0] + ("(limit=5000)" if weight == _DEAR[1] else ""),
                weight=weight,
                status=reply.status_code,
                used=int(reply.headers[USED]),
                retry_after=reply.headers.get("Retry-After"),
            )
        )
        return reply

    @property
    def idle_s(self) -> float:
        """Seconds of the meter's clock in which no call was under way."""
        return self.now() - self.began - self.asked_s


class _Call:
    """What the learner gets sixty of: a price, and the call itself."""

    def __init__(self, stage: _Stage, number: int, path: str, weight: int) -> None:
        self._stage, self._number, self._path = stage, number, path
        self.weight = weight

    def __call__(self) -> requests.Response:
        return self._stage.run.call(self._number, self._path, self.weight)

    def __repr__(self) -> str:
        return f"<{self._path}, weight {self.weight}>"


class _Clock:
    """``time`` as the learner gets it: the module's names on the meter's clock."""

    def __init__(self, stage: _Stage) -> None:
        self._stage = stage

    def time(self) -> float:
        return self._stage.run.now()

    monotonic = perf_counter = time

    def sleep(self, seconds: float) -> None:
        self._stage.run.sleep(seconds)

    def __repr__(self) -> str:
        return "time"


class _Stage:
    """Opens the minute at the first call or look at the clock: a blank answer needs no lab."""

    def __init__(self, exchange: Exchange | None) -> None:
        self._exchange = exchange

    @property
    def touched(self) -> bool:
        return "run" in vars(self)

    @cached_property
    def run(self) -> _Run:
        _, lab = in_lab(self._exchange)
        return _Run(lab)

    def close(self, scale: float) -> None:
        """Forget what was used, as if nothing had been asked."""
        if self.touched:
            self.run.http.close()
            self.run.lab.limits(scale=scale)


def judge(
    polite: Trial, exchange: Exchange | None, paths: Sequence[tuple[str, int]] = PATHS
) -> str:
    """Sixty calls, in this order, from the last seconds of a minute into the next."""
    stage = _Stage(exchange)
    lab = exchange.lab if exchange is not None else None
    scale = float(lab.limits(venue="binance")["scale"]) if lab is not None and lab.alive else 1.0
    calls = [_Call(stage, number, *one) for number, one in enumerate(paths, 1)]
    try:
        polite(calls, _Clock(stage))
        if not stage.touched:
            raise Wrong("no call was made", seen="0 calls", expected="all 60, each with call()")
        polite.returned_something = True  # it returns nothing, but it did something
        return _verdict(stage.run)
    finally:
        stage.close(scale)


def _verdict(run: _Run) -> str:
    refused = [one for one in run.made if one.status != 200]
    if refused:
        raise _refused(run, refused)
    numbers = [one.number for one in run.made]
    if sorted(numbers) != list(range(1, len(PATHS) + 1)):
        raise Wrong(
            f"{len(set(numbers))} of {len(PATHS)} calls were made",
            given=f"{len(PATHS)} calls",
            seen=f"{len(numbers)} times call()",
            expected="each of them once",
        )
    if run.idle_s > LEFT_S + SLACK_S:
        raise _slow(run)
    weight = sum(one.weight for one in run.made)
    return (
        f"{len(PATHS)} calls, weight {weight:,}, with {run.idle_s:.0f} s of waiting "
        f"for second 00 and not one 429."
    )


def _refused(run: _Run, refused: list[_Made]) -> Wrong:
    first = refused[0]
    before = run.made[run.made.index(first) - 1].used
    seen = f"{first.status} at call {first.number}; {before:,} of {LIMIT:,} were used before it"
    ban = next((one for one in refused if one.status == 418), None)
    if ban is not None:
        seen += f"; 418 at call {ban.number}, for {ban.retry_after} s"
    return Wrong(
        f"429 at call {first.number}" + _why(run, first, before, banned=ban is not None),
        given=f"{len(PATHS)} calls",
        seen=seen,
        expected="200, sixty times",
    )


def _why(run: _Run, first: _Made, before: int, *, banned: bool) -> str:
    """The rest of the sentence that begins with the first 429."""
    waited = [one for one in run.sleeps if one[2] == run.made.index(first) + 1]
    price = f"{first.name} costs {first.weight}"
    if _paced(run, run.made.index(first)):
        return f": {price}. A fixed pause counts calls, the venue counts weight"
    if banned:
        return ", and you went on. A 429 is the warning, 418 the ban"
    if waited and waited[0][0] > waited[0][1] + SLACK_S:
        return (
            f"; then you waited {waited[0][0]:.0f} s, but the window ended {waited[0][1]:.0f} s "
            f"later: windows start at second 00; Retry-After said {first.retry_after}"
        )
    if waited:
        return (
            ": you waited only after it. The header of the call before and the price of the next "
            "one tell you earlier"
        )
    if not run.sleeps:
        return f": {price}, and you never waited"
    return (
        f": {before:,} of {LIMIT:,} were used, and {price}. Another program shares your address: "
        "the header counts it, you did not"
    )


def _paced(run: _Run, before: int) -> bool:
    """Whether the same short pause came again and again before so many calls were made."""
    pauses = [round(seconds, 3) for seconds, _, made in run.sleeps if made <= before]
    return len(pauses) > 5 and max(pauses.count(one) for one in set(pauses)) > len(pauses) / 2


def _slow(run: _Run) -> Wrong:
    weight = sum(one.weight for one in run.made)
    share = weight / (LIMIT * run.idle_s / WINDOW_S)
    seen = f"{run.idle_s:.0f} s without a call"
    longest, left, _ = max(run.sleeps, default=(0.0, 0.0, 0))
    if longest > left + SLACK_S:
        why = (
            f"no 429, but you waited {longest:.0f} s, and the window ended after {left:.0f} s: "
            "windows start at second 00, not at your first call"
        )
    else:
        why = (
            f"no 429, but you took {run.idle_s:.0f} s and used {share:.0%} of the budget: the "
            "venue counts weight, not calls. Wait only when the next call does not fit"
        )
    return Wrong(
        why,
        given=f"{len(PATHS)} calls, {LEFT_S:.0f} s before the end of a minute",
        seen=seen,
        expected=f"at most {LEFT_S + SLACK_S:.0f} s",
    )


CHECK = Check(
    id="01.1",
    task="Write polite(calls, time): make all 60 calls, as fast as allowed, without a 429.",
    hint=(
        "Keep the number that the last reply's X-MBX-USED-WEIGHT-1M gave. Where it and "
        "call.weight exceed 6000, time.sleep(60 - time.time() % 60), then begin at 0."
    ),
    judge=judge,
    call_s=22.0,
)
