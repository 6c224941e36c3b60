"""The practical exam: each task tells a right answer from the usual one, whatever the seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from answers import exam as answers

from vocx import course
from vocx.course import passport
from vocx.course.catalogue import CHECKS, EXAM
from vocx.course.exam_tasks import TASKS
from vocx.course.practical_exam import Exam
from vocx.errors import BadInput
from vocx.exchange import Exchange

SEED = 11


@pytest.mark.parametrize("name", EXAM)
def test_right_answers_pass(exchange: Exchange, name: str) -> None:
    """And leave the lab as it was: no fault, no order, a market that goes on."""
    exam = Exam(exchange, SEED)
    result = exam.hand_in(name, answers.RIGHT[name])
    assert result, result.text
    assert exam.passed == [name] and passport.load().checks == [f"exam.{name}"]
    lab = exchange.lab
    assert lab is not None and lab.faults == [] and lab.network.state == [] and lab.pace == 1.0
    assert not lab.halted and exchange.open_orders("BTC/USDT") == []


@pytest.mark.parametrize("name", EXAM)
def test_naive_answers_are_told_why(exchange: Exchange, name: str) -> None:
    """What most people write first fails, by what it did."""
    answer, says = answers.NAIVE[name]
    result = Exam(exchange, SEED).hand_in(name, answer)
    assert result.state == "wrong" and says in result.text, result.text
    assert passport.load().checks == []


def no_number(*_: Any) -> float:
    return float("nan")


@pytest.mark.parametrize("name", ["age", "budget"])
def test_what_is_no_number_is_no_answer(exchange: Exchange, name: str) -> None:
    """It is neither too small nor too large, and still wrong."""
    result = Exam(exchange, SEED).hand_in(name, no_number)
    assert result.state == "wrong" and "a number of milliseconds is wanted" in result.text


def blank(*_: Any) -> None: ...


def test_a_score(exchange: Exchange, capsys: pytest.CaptureFixture[str]) -> None:
    """Blank answers are no tries; a task that is passed later counts, and not as a first try."""
    exam = Exam(exchange, 3)
    assert exam.hand_in("budget", blank).state == "not answered yet" and exam.tries == {}
    assert not exam.hand_in("budget", answers.counts_calls)
    assert exam.hand_in("budget", answers.budget)
    assert exam.score == "1 of 10 tasks, 0 of them at the first try"
    exam.show("budget")
    assert "lesson 05b" in capsys.readouterr().out and "passed" in str(exam)


def test_budgets_differ_by_seed(exchange: Exchange) -> None:
    """Another seed, other numbers; the right answer is right for all of them."""
    asked: list[tuple[int, ...]] = []

    def noted(*given: int) -> float:
        asked.append(given)
        found: float = answers.budget(*given)
        return found

    assert all(Exam(exchange, seed).hand_in("budget", noted) for seed in range(30))
    assert len(set(asked)) > 20


def test_each_task_has_its_place() -> None:
    """In the code that restores a passport, with answers of both kinds."""
    assert tuple(TASKS) == EXAM and {f"exam.{one}" for one in EXAM} <= set(CHECKS)
    assert len(CHECKS) <= 24 and answers.RIGHT.keys() == answers.NAIVE.keys() == TASKS.keys()


def test_the_exam_needs_no_lesson(monkeypatch: pytest.MonkeyPatch, exchange: Exchange) -> None:
    """It takes the exchange that is there; a misspelt task names the nearest."""
    found: Callable[[], Exchange] = lambda: exchange  # noqa: E731
    monkeypatch.setattr("vocx.course.session.current_exchange", found)
    exam = course.exam(seed=1)
    assert exam.exchange is exchange
    with pytest.raises(BadInput, match="reconcile"):
        exam.show("reconcil")
