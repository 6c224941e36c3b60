"""The practical exam: ten tasks against the lab, with faults that a seed draws, judged by what an
answer does.

>>> exam = course.exam(seed=11)
>>> exam.show("book")                   # what is to be written
>>> exam.hand_in("book", keep)          # runs it: right, wrong and why, or not answered yet
>>> exam                                # the score
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vocx.course import passport, session
from vocx.course.catalogue import EXAM
from vocx.course.grading import Result, judge
from vocx.errors import BadInput
from vocx.exchange import Exchange
from vocx.text import fold, suggest, text_table

if TYPE_CHECKING:
    from vocx.course.exam_tasks import Task


def tasks() -> Mapping[str, Task]:
    """All of them, by id; what they need is loaded when they are asked for."""
    from vocx.course.exam_tasks import TASKS

    return TASKS


class Exam:
    """Ten tasks. A task may be handed in again; passed is passed.

    Parameters
    ----------
    exchange : Exchange
        In a lab that speaks Binance's dialect. What happens there is the exam's business alone:
        faults are switched off after each task, and open orders are cancelled.
    seed : int
        Another seed, other faults, in another order.

    Attributes
    ----------
    tries : dict of str to int
        How often a task was handed in, answered.
    passed : list of str
        Tasks, as they were passed.
    """

    def __init__(self, exchange: Exchange, seed: int) -> None:
        self.exchange, self.seed = exchange, seed
        self.tries: dict[str, int] = {}
        self.passed: list[str] = []

    def task(self, name: str) -> Task:
        """One task, by its id."""
        if name not in EXAM:
            raise BadInput(
                f"the exam has no task {name!r}; it has {', '.join(EXAM)}.{suggest(name, EXAM)}"
            )
        return tasks()[name]

    def show(self, name: str) -> None:
        """Print what is to be written."""
        one = self.task(name)
        print(fold(f"{one.id} (lesson {one.lesson}): {one.text}"))

    def hand_in(self, name: str, answer: Any = None) -> Result:
        """Run an answer, print the verdict, and keep a pass in the passport."""
        check = self.task(name).check(self.seed)
        result = judge(check, answer, self.exchange)
        if result.state != "not answered yet":
            self.tries[name] = self.tries.get(name, 0) + 1
        if result and name not in self.passed:
            self.passed.append(name)
            passport.save(passport.Passport(checks=[check.id]))
        blank = f"… {check.id} not answered yet: exam.show({name!r}) says what is wanted."
        print(blank if result.state == "not answered yet" else fold(result.text))
        return result

    @property
    def score(self) -> str:
        """``"7 of 10 tasks, 5 of them at the first try"``."""
        first = sum(self.tries[name] == 1 for name in self.passed)
        return f"{len(self.passed)} of {len(EXAM)} tasks, {first} of them at the first try"

    def __str__(self) -> str:
        rows = [
            (one.id, one.lesson, "passed" if one.id in self.passed else "", self._tries(one.id))
            for one in tasks().values()
        ]
        table = text_table(("task", "lesson", "result", "tries"), rows, left=3)
        return f"Practical exam, seed {self.seed}: {self.score}\n{table}"

    def _tries(self, name: str) -> str:
        return str(self.tries[name]) if name in self.tries else ""

    __repr__ = __str__


def exam(seed: int) -> Exam:
    """Begin an exam, in the exchange of the lesson that was begun, or else in a lab of its own.

    Parameters
    ----------
    seed : int
        Draws the faults: who gives the exam chooses it.
    """
    exchange = session.current_exchange() or session.begin_without_lesson()
    begun = Exam(exchange, seed)
    print(begun)
    return begun
