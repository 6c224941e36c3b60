"""Lesson 11: ``minimum_rest(rest_ns)``, a class of books, judged by the small tests on its page."""

from __future__ import annotations

from functools import partial
from typing import Any

from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.exercise import Check
from vocx.course.own_exchange import RULE_TESTS, Blank, Made, Red, SmallTest, rule_of
from vocx.exchange import Exchange


class _Play:
    """One small test as the input of an answer."""

    def __init__(self, test: SmallTest) -> None:
        self.test = test

    def __repr__(self) -> str:
        return rule_of(self.test)


def judge(minimum_rest: Trial, exchange: Exchange | None) -> str:
    """All small tests. Each is played inside the trial, so that what the class's methods raise, or
    where they hang, is told as the answer's."""
    minimum_rest.function = partial(_played, minimum_rest.function)
    for test in RULE_TESTS:
        found = minimum_rest(_Play(test))
        if found is None:
            raise Wrong("nothing came back", seen="None", expected="a class")
        if isinstance(found, Red):
            raise Wrong(
                found.why,
                given=rule_of(test),
                seen=short(found.seen),
                expected=short(found.expected),
            )
    return f"{len(RULE_TESTS)} of {len(RULE_TESTS)} small tests are green."


def _played(written: Made, play: _Play) -> Any:
    """The play where it is green, the :class:`Red` where not, ``None`` where nothing is written."""
    try:
        play.test(written)
    except Blank:
        return None
    except Red as red:
        return red
    return play


CHECK = Check(
    id="11.1",
    task="Write minimum_rest(rest_ns): a class that inherits from Book, with your rule.",
    hint=(
        "Override _rest, which every order passes that begins to rest, and keep at_ns by "
        "order.id in the object. In cancel, reduce and requeue return None while at_ns minus "
        "that is below rest_ns, and else what super() returns."
    ),
    judge=judge,
)
