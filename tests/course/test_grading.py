"""Checks: right, wrong, not answered yet; answers that hang; what a verdict says."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from answers import (
    lesson00,
    lesson01,
    lesson02,
    lesson02b,
    lesson03,
    lesson04,
    lesson05,
    lesson05b,
    lesson06,
    lesson07,
    lesson08,
    lesson09,
    lesson10,
    lesson11,
)

from vocx import course
from vocx.course import catalogue, passport, session
from vocx.course.checks import ALL
from vocx.course.checks import lesson05b as lesson05b_check
from vocx.course.grading import judge
from vocx.course.polled_ages import PolledAge
from vocx.errors import BadInput, NotReady
from vocx.exchange import Exchange
from vocx.measure.sampling import Interval

Done = Callable[[int, int], str]

ANSWERS: dict[str, ModuleType] = {
    "00.1": lesson00,
    "01.1": lesson01,
    "02.1": lesson02,
    "02b.1": lesson02b,
    "03.1": lesson03,
    "04.1": lesson04,
    "05.1": lesson05,
    "05b.1": lesson05b,
    "06.1": lesson06,
    "07.1": lesson07,
    "08.1": lesson08,
    "09.1": lesson09,
    "10.1": lesson10,
    "11.1": lesson11,
}


def judged(check: str, answer: Any, *says: str) -> Any:
    """Parameters of a test; the answers of one check share a lab."""
    return pytest.param(check, answer, *says, id=f"{check}-{answer.__name__}")


def answers(name: str) -> list[Any]:
    return [judged(check, getattr(module, name)) for check, module in ANSWERS.items()]


WRONG = [
    judged(check, answer, says)
    for check, module in ANSWERS.items()
    for answer, says in module.WRONG.items()
]


def test_every_check_has_answers() -> None:
    """No check without a blank, a right and a wrong answer; each has its place in the code."""
    assert ALL.keys() == ANSWERS.keys() <= set(catalogue.CHECKS)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        *answers("right"),
        judged("01.1", lesson01.careful),
        judged("02.1", lesson02.generator),
        judged("02.1", lesson02.as_text),
        judged("02b.1", lesson02b.by_receiving),
        judged("03.1", lesson03.reapplies_the_last),
        judged("04.1", lesson04.in_another_order),
        judged("05.1", lesson05.sampled),
        judged("05b.1", lesson05b.whole_milliseconds),
        judged("06.1", lesson06.by_exception),
        judged("07.1", lesson07.by_behind),
        judged("08.1", lesson08.each_second),
        judged("09.1", lesson09.in_branches),
        judged("10.1", lesson10.frugal),
        judged("11.1", lesson11.tidy),
    ],
)
def test_right_answers_pass(name: str, answer: Callable[..., Any], exchange: Exchange) -> None:
    """Behaviour is judged, not style; the verdict says what was seen."""
    result = judge(ALL[name], answer, exchange)
    assert result and result.state == "right", result.text


@pytest.mark.parametrize(("name", "answer"), [*answers("blank"), ("03", None), ("03", ...)])
def test_blanks_are_not_answered_yet(
    name: str, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the notebook ships with is neither right nor wrong, and costs no try."""
    monkeypatch.setattr(session, "_exchange", None)  # that of another test may be over
    result = course.check(name, answer)
    assert result.state == "not answered yet" and not result
    assert passport.load().failures == {}


@pytest.mark.parametrize(("name", "answer", "says"), WRONG)
def test_wrong_answers_learn_why(
    name: str, answer: Callable[..., Any], says: str, exchange: Exchange
) -> None:
    """The text is about this mistake, with what was seen and expected, in at most 8 lines."""
    result = judge(ALL[name], answer, exchange)
    assert result.state == "wrong" and says in result.text, result.text
    assert result.text.count("\n") < 8 and "seen:" in result.text


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() - {"01.1", "02b.1"}))
def test_print_is_not_return(name: str, exchange: Exchange) -> None:
    """An answer that is printed is seen by the reader and not by the caller: that is said, with
    what stands on the page. (The answers of lessons 01 and 02b give nothing back.)"""

    def prints(*arguments: Any) -> None:
        print(ANSWERS[name].right(*arguments))

    result = judge(ALL[name], prints, exchange)
    assert result.state == "wrong" and "write `return` for `print`" in result.text, result.text


def test_every_exercise_has_eight_wrong_answers() -> None:
    """What a learner may plausibly write; each is told why it is wrong by the tests above."""
    assert all(len(module.WRONG) >= 8 for module in ANSWERS.values())


def test_a_name_left_over_is_named() -> None:
    """The exercise's cell was not run, and another cell has used the name."""
    text = course.check("02.1", threading.Event()).text
    assert "`tape` is left over from an earlier cell: run the cell above" in text
    assert "`def tape(`" in text and text.count("\n") < 5


def test_before_a_lesson_begins_a_check_says_what_to_run() -> None:
    """A check that needs the lesson's lab names the cell that opens it; others judge without."""
    with pytest.raises(NotReady, match="run the first cell"):
        judge(ALL["05.1"], lesson05.right, None)
    assert judge(ALL["04.1"], lesson04.right, None).state == "right"


def test_hint_opens_on_the_third_failure(capsys: pytest.CaptureFixture[str], done: Done) -> None:
    """Twice only the reason; then the hint; a pass closes it again."""
    texts = [course.check("03", lesson03.strict).text for _ in range(3)]
    assert ["Hint:" in text for text in texts] == [False, False, True]
    assert course.check("03", lesson03.right)
    assert passport.load().failures == {} and course.progress() == done(0, 1)
    assert capsys.readouterr().out.count("✗ 03.1") == 3


def test_value_instead_of_function() -> None:
    """``check("03", decide(1, 2, 3))`` says what to write."""
    assert "without brackets" in course.check("03", "apply").text


def test_hanging_call_is_named_and_ended() -> None:
    """A loop is ended from outside and its input is told; no thread stays behind."""
    result = judge(ALL["03.1"], lesson03.hangs, None)
    assert "input:    hangs(50093239" in result.text
    assert not [one for one in threading.enumerate() if one.name == "vocx-check"]


def test_facts_are_shown_by_what_they_say() -> None:
    """The input line shows prices, not stamps and bytes."""
    text = judge(ALL["00.1"], lambda quote, tick: [][0], None).text
    assert "Quote(symbol=BTC/USDT, bid=61700.10, bid_quantity=1, ask=61700.17" in text


def stubborn(book_id: int, U: int, u: int) -> None:
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def test_loop_that_catches_everything_is_ended_too() -> None:
    """``except Exception`` does not keep a loop alive."""
    assert "was stopped" in judge(ALL["03.1"], stubborn, None).text
    assert not [one for one in threading.enumerate() if one.name == "vocx-check"]


def test_call_that_cannot_be_ended_is_left_behind() -> None:
    """A sleep in C cannot be reached: the kernel goes on and is told to be restarted."""
    release = threading.Event()
    text = judge(ALL["03.1"], lambda *_: release.wait(20), None).text
    release.set()
    assert "restart the kernel" in text


def test_interrupt_ends_the_check_not_the_kernel() -> None:
    """The stop button during a check: a line of text, no try counted, no thread left."""

    def interrupted(book_id: int, U: int, u: int) -> None:
        _thread.interrupt_main()
        while True:
            pass

    result = course.check("03", interrupted)
    assert "interrupted" in result.text and passport.load().failures == {}
    assert not [one for one in threading.enumerate() if one.name == "vocx-check"]


def test_unknown_names_list_what_exists() -> None:
    """A misspelt check or lesson names the nearest."""
    with pytest.raises(BadInput, match=r"00\.1, 01\.1, 02\.1, 02b\.1, 03\.1"):
        course.check("03.9", None)
    with pytest.raises(BadInput, match="there is no lesson '33'"):
        catalogue.lesson("33")


def test_noise_decides_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that is too dear by arithmetic is told so in its terms; what was measured on a busy
    machine stands beside it with its interval, also where it is above what was asked."""
    ran = PolledAge(
        interval_ms=150, rtt_ms=20, mean=Interval(80), p95=Interval(153, 138, 171), call_ms=20,
        between_ms=140,
    )  # fmt: skip
    monkeypatch.setattr(lesson05b_check, "run_in", lambda *_: ran)
    text = judge(ALL["05b.1"], lesson05b.oldest, None).text
    assert "p95 is 143 ms by arithmetic (here 153 ms (138 to 171)), 150 was enough" in text
    assert "150 ms: 153 ms (138 to 171)" in judge(ALL["05b.1"], lesson05b.right, None).text
