"""The final quiz: numbers that are said first, and judged by one's own measurements."""

from __future__ import annotations

from typing import Any

import pytest

from vocx import course, measure
from vocx.course import passport
from vocx.course.final_quiz import PASSED, Quiz, questions
from vocx.course.venue_comparison import until_refused
from vocx.errors import BadInput
from vocx.exchange import Exchange

SEED = 5


def told(question: str, word: str) -> float:
    """A number of a question's text, before a word."""
    before = question.partition(word)[0].replace(",", "").split()
    return float(before[-1])


@pytest.fixture(scope="module")
def seen(exchange: Exchange) -> dict[str, Any]:
    """What a reader would measure, in the lab, at the distances that the quiz draws."""
    lab, asked = exchange.lab, questions(SEED)
    assert lab is not None
    near = told(asked["poll"].text, " ms away")
    far = told(asked["told"].text, " ms away")
    every_ms = float(asked["asked"].how.partition("[")[2].rstrip("])"))
    found: dict[str, Any] = {"every_ms": every_ms, "near": near, "far": far}
    found["kept"] = found["new"] = measure.calls(exchange, rtt_ms=[far], repeats=3, tls=[True])
    feeds = [measure.Poll(every_ms), measure.Push("quotes"), measure.Push("ticker")]
    with lab.network.latency(rtt_ms=near):
        fresh = measure.freshness(exchange, feeds, seconds=3, changes=0)
    found |= {name: fresh for name in ("poll", "stream", "ticker")}
    with lab.network.latency(rtt_ms=far):
        fills = measure.fills(exchange, every_ms=[every_ms], repeats=5)
    found |= {"told": fills, "asked": fills, "lines": measure.code_size()}
    found["bytes"] = measure.traffic(
        exchange, every_ms=250, seconds=2, polls=["quote"], streams=["quotes"], tls=[True]
    )
    pace = told(asked["orders"].text, " orders")
    found["orders"] = until_refused(lab, exchange, per_s=pace)
    return found


def test_who_knows_and_measures_passes(seen: dict[str, Any]) -> None:
    """Numbers from the lessons' arithmetic are confirmed by what the lab shows."""
    quiz = Quiz(SEED)
    near, far, every_ms = seen["near"], seen["far"], seen["every_ms"]
    taken = seen["orders"][0] / told(quiz.questions["orders"].text, " orders")
    numbers = {
        "kept": far, "new": 3 * far, "poll": near / 2 + every_ms / 2, "stream": near / 2,
        "ticker": near / 2 + 500, "bytes": 3.3, "told": far / 2, "asked": far / 2 + every_ms / 2,
        "orders": taken, "lines": 7,
    }  # fmt: skip
    assert numbers.keys() == quiz.questions.keys()
    results = {name: quiz.answer(name, said, seen[name]) for name, said in numbers.items()}
    # A busy machine may be late in one or two of them, and never in the others.
    assert sum(map(bool, results.values())) >= PASSED, quiz.table()
    assert passport.load().quiz and "10 measured" in quiz.score
    assert results["orders"] and results["lines"] and "you measured" in quiz.table()


def test_folklore_is_refuted(seen: dict[str, Any]) -> None:
    """Streams are instant, new calls cost nothing more, and a hybrid client is hardly longer."""
    quiz = Quiz(SEED)
    for name, said in {"ticker": 1, "new": seen["far"], "told": 1, "lines": 1.1}.items():
        result = quiz.answer(name, said, seen[name])
        assert result.state == "wrong" and f"you said {said:g}" in result.text
    assert quiz.right == [] and not passport.load().quiz


def test_the_first_number_counts(seen: dict[str, Any]) -> None:
    """Also when it was said before the measurement; blank is no answer."""
    quiz = Quiz(SEED)
    assert quiz.answer("lines").state == "not answered yet" and quiz.said == {}
    assert "Now measure it" in quiz.answer("lines", 2).text
    result = quiz.answer("lines", 6.8, seen["lines"])
    assert result.state == "wrong" and "The first number counts" in result.text


def test_another_measurement_answers_nothing(seen: dict[str, Any]) -> None:
    """Of another kind, at another distance, of another feed, or of nothing at all."""
    quiz = Quiz(SEED)
    assert "does not answer it" in quiz.answer("poll", 1, seen["lines"]).text
    other = Quiz(next(seed for seed in range(99) if questions(seed)["poll"].text.split()[0]
                      != quiz.questions["poll"].text.split()[0]))  # fmt: skip
    assert "ms away, and" in other.answer("poll", 1, seen["poll"]).text
    assert "nothing was refused" in quiz.answer("orders", 1, (5, 1.0, "")).text
    assert quiz.measured == {}


def test_questions_differ_by_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """And are printed with what measures them; names and numbers are checked."""
    assert len({tuple(one.text for one in questions(seed).values()) for seed in range(20)}) > 10
    quiz = course.quiz(seed=1)
    assert "measure.freshness" in capsys.readouterr().out and callable(course.quiz)
    with pytest.raises(BadInput, match="ticker"):
        quiz.answer("tickr", 1)
    with pytest.raises(BadInput, match="no number"):
        quiz.answer("ticker", "many")
