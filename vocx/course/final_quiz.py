"""The final quiz: ten numbers that you say first and then measure. Nobody else's answer counts.

>>> quiz = course.quiz(seed=5)
>>> with lab.network.latency(rtt_ms=40):
...     seen = measure.freshness(binance, [measure.Poll(500)], seconds=4)
>>> quiz.answer("poll", 270, seen)      # 270 ms, you say; the measurement judges

Distances and intervals are drawn from the seed. A question takes only a measurement that was made
under its conditions, which every result of :mod:`vocx.measure` carries. The first number counts.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from vocx.course import passport
from vocx.course.answer_runner import Wrong, short
from vocx.course.grading import Result
from vocx.errors import BadInput
from vocx.text import fold, suggest, text_table

if TYPE_CHECKING:
    from vocx.measure import CallTimes, Feed, FillTimes, Freshness, Traffic

PASSED = 7
"""Of ten."""
_DISTANCES_MS, _INTERVALS_MS, _PACES = (40, 80, 120, 160), (250, 500, 1000), (20, 25, 40, 50)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A number to say and to measure.

    Attributes
    ----------
    kind : type
        Of the measurement that it takes.
    measured : callable
        The number in a measurement, or :class:`Wrong` where it was made under other conditions.
    slack, slack_share : float
        How far from the measurement a number may be.
    """

    id: str
    lesson: str
    text: str
    how: str
    unit: str
    kind: type
    measured: Callable[[Any], float]
    slack: float = 0.0
    slack_share: float = 0.2


def questions(seed: int) -> dict[str, Question]:
    """The ten, with numbers drawn from a seed, by id."""
    # Loaded when there is a quiz: lessons that measure nothing do without.
    from vocx.measure import CallTimes, CodeSize, FillTimes, Freshness, Poll, Push, Traffic

    rng = Random(f"quiz {seed}")
    near, far = sorted(rng.sample(_DISTANCES_MS, 2))
    every_ms, pace = rng.choice(_INTERVALS_MS), rng.choice(_PACES)
    poll = Poll(every_ms)
    away = f"{near} ms away"
    found = (
        Question(
            id="kept", lesson="01", unit="ms", kind=CallTimes, slack=5, slack_share=0.15,
            text=f"A call over https on a kept connection, {far} ms away, takes ... ms.",
            how=f"measure.calls(binance, rtt_ms=[{far}])",
            measured=lambda one: _call(one, "https, kept connection", far),
        ),
        Question(
            id="new", lesson="01", unit="ms", kind=CallTimes, slack=10, slack_share=0.15,
            text=f"The same on a new connection, without DNS, {far} ms away, takes ... ms.",
            how=f"measure.calls(binance, rtt_ms=[{far}])",
            measured=lambda one: _call(one, "https, new connection", far),
        ),
        Question(
            id="poll", lesson="05", unit="ms", kind=Freshness, slack=10, slack_share=0.15,
            text=f"{away}, a price asked for every {every_ms} ms has a mean age of ... ms.",
            how=f"measure.freshness(binance, [measure.Poll({every_ms}), ...])",
            measured=lambda one: _age(one, poll, near),
        ),
        Question(
            id="stream", lesson="05", unit="ms", kind=Freshness, slack=10,
            text=f"{away}, the stream of every change has a mean age of ... ms.",
            how='measure.freshness(binance, [measure.Push("quotes"), ...])',
            measured=lambda one: _age(one, Push("quotes"), near),
        ),
        Question(
            id="ticker", lesson="05", unit="ms", kind=Freshness, slack=30, slack_share=0.15,
            text=f"{away}, the ticker stream has a mean age of ... ms.",
            how='measure.freshness(binance, [measure.Push("ticker"), ...])',
            measured=lambda one: _age(one, Push("ticker"), near),
        ),
        Question(
            id="bytes", lesson="05b", unit="times", kind=Traffic, slack=0.5, slack_share=0.25,
            text="A call for the best price, over TLS, moves ... times the bytes of a message of "
            "the quotes stream.",
            how='measure.traffic(binance, polls=["quote"], streams=["quotes"])',
            measured=_times_the_bytes,
        ),
        Question(
            id="told", lesson="05b", unit="ms", kind=FillTimes, slack=10,
            text=f"{far} ms away, you know of a fill by the account's stream after ... ms.",
            how="measure.fills(binance, every_ms=[...])",
            measured=lambda one: _fills(one, None, far),
        ),
        Question(
            id="asked", lesson="05b", unit="ms", kind=FillTimes, slack=30, slack_share=0.3,
            text=f"The same by asking for the order every {every_ms} ms: ... ms on average.",
            how=f"measure.fills(binance, every_ms=[{every_ms}])",
            measured=lambda one: _fills(one, every_ms, far),
        ),
        Question(
            id="orders", lesson="10", unit="s", kind=tuple, slack=0.2,
            text=f"Binance takes {pace} orders a second for ... s.",
            how=f"until_refused(lab, binance, per_s={pace})",
            measured=lambda one: _refused(one, pace),
        ),
        Question(
            id="lines", lesson="05b", unit="times", kind=CodeSize, slack=1, slack_share=0.3,
            text="The minimal hybrid client, with what it imports, has ... times the lines of the "
            "one that asks.",
            how="measure.code_size()",
            measured=lambda one: one.find("hybrid").total / one.find("ask").total,
        ),
    )  # fmt: skip
    return {one.id: one for one in found}


def _call(one: CallTimes, name: str, rtt_ms: float) -> float:
    try:
        return one.call(name, rtt_ms).median_ms.value
    except BadInput as error:
        raise Wrong(str(error)) from None


def _age(one: Freshness, feed: Feed, rtt_ms: float) -> float:
    _at(one, rtt_ms)
    for found in one.feeds:
        same = type(found.feed) is type(feed) and found.feed.cadence_ms == feed.cadence_ms
        if same and getattr(found.feed, "channel", "") == getattr(feed, "channel", ""):
            return found.age.mean.value
    raise Wrong(f"it did not watch {feed.name}")


def _times_the_bytes(one: Traffic) -> float:
    try:
        poll, stream = one.cost("poll quote, TLS"), one.cost("stream quotes, TLS")
    except BadInput as error:
        raise Wrong(str(error)) from None
    if not stream.count:
        raise Wrong("the stream said nothing meanwhile: measure for longer")
    return poll.bytes_each / stream.bytes_each


def _fills(one: FillTimes, every_ms: float | None, rtt_ms: float) -> float:
    _at(one, rtt_ms)
    for path in one.items():
        if path.every_ms == every_ms and path.known_ms:
            return sum(path.known_ms) / len(path.known_ms)
    raise Wrong("it knew of no fill that way" + f", every {every_ms} ms" * (every_ms is not None))


def _refused(one: tuple[int, float, str], pace: float) -> float:
    try:
        taken, seconds, said = one
    except ValueError:
        raise Wrong("hand over what until_refused gave") from None
    if not said:
        raise Wrong("nothing was refused")
    if abs(taken / seconds - pace) > 0.25 * pace:
        raise Wrong(f"that was {taken / seconds:.0f} orders a second, {pace:g} were asked for")
    return seconds


def _at(one: Any, rtt_ms: float) -> None:
    if abs(one.conditions.rtt_ms - rtt_ms) > 0.5:
        raise Wrong(f"it was made {one.conditions.rtt_ms:g} ms away, and {rtt_ms:g} are asked for")


class Quiz:
    """Ten questions, answered by what you measure.

    Attributes
    ----------
    said : dict of str to float
        The number that was said first, by question.
    measured : dict of str to float
        The number in the measurement that was handed over first, by question.
    right : list of str
        Questions whose number the measurement confirmed.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.questions = seed, questions(seed)
        self.said: dict[str, float] = {}
        self.measured: dict[str, float] = {}
        self.right: list[str] = []

    def answer(self, name: str, number: Any = None, measurement: Any = None) -> Result:
        """Say a number, and hand over the measurement that judges it; print what comes of it.

        Without a measurement the number is kept and counts.
        """
        if name not in self.questions:
            raise BadInput(
                f"the quiz has no question {name!r}; it has {', '.join(self.questions)}."
                f"{suggest(name, self.questions)}"
            )
        result = self._judged(self.questions[name], number, measurement)
        print(fold(result.text))
        return result

    def _judged(self, one: Question, number: Any, measurement: Any) -> Result:
        if number is None or number is Ellipsis:
            return Result("not answered yet", f"… {one.id} not answered yet. {one.text}")
        if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
            raise BadInput(f"{short(number)} is no number of {one.unit}")
        first = one.id not in self.said
        said = self.said.setdefault(one.id, float(number))
        if measurement is None or measurement is Ellipsis:
            return Result("not answered yet", f"… {one.id}: {said:g} {one.unit}. Now measure it.")
        try:
            if not isinstance(measurement, one.kind):
                raise Wrong(f"{short(measurement, 60)} does not answer it; {one.how} does")
            found = one.measured(measurement)
        except Wrong as wrong:
            return Result("not answered yet", f"… {one.id} not measured yet: {wrong.why}")
        found = self.measured.setdefault(one.id, found)
        good = abs(said - found) <= one.slack + one.slack_share * abs(found)
        if good and one.id not in self.right:
            self.right.append(one.id)
        if len(self.right) >= PASSED:
            passport.save(passport.Passport(quiz=True))
        mark, state = ("✓", "right") if good else ("✗", "wrong")
        text = f"{mark} {one.id} {state}: you said {said:g}, you measured {found:.3g} {one.unit}."
        if not first and said != number:
            text += " The first number counts."
        return Result(
            "right" if good else "wrong", text if good else f"{text} Lesson {one.lesson}."
        )

    @property
    def score(self) -> str:
        """``"6 of 10, 8 measured; 7 pass"``."""
        right = f"{len(self.right)} of {len(self.questions)}"
        return f"{right}, {len(self.measured)} measured; {PASSED} pass"

    def __str__(self) -> str:
        parts = [f"Final quiz, seed {self.seed}: {self.score}"]
        for one in self.questions.values():
            state = (
                "right" if one.id in self.right else "measured" if one.id in self.measured else ""
            )
            parts.append(fold(f"{one.id:<8}{one.text}{f' ({state})' if state else ''}"))
            parts.append(f"        {one.how}")
        return "\n".join(parts)

    __repr__ = __str__

    def table(self) -> str:
        """What was said and what was measured."""
        rows = [
            (name, f"{self.said[name]:g}", f"{self.measured[name]:.3g}", self.questions[name].unit)
            for name in self.measured
        ]
        return text_table(("question", "you said", "you measured", "unit"), rows)


def quiz(seed: int) -> Quiz:
    """Begin the final quiz and print its questions: ten numbers that you say and then measure.

    Parameters
    ----------
    seed : int
        Draws distances, intervals and paces.
    """
    begun = Quiz(seed)
    print(begun)
    return begun
