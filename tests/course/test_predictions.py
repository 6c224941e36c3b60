"""Predictions and choices: as text, as buttons, and what is said after them."""

from __future__ import annotations

from typing import Any

import pytest

from vocx import course
from vocx.course import display, passport, predictions
from vocx.errors import BadInput
from vocx.views import twin

QUESTION = ("What happens?", ["an error", "silence", "it closes"])


def test_the_verdict_waits_for_the_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    """A choice is kept and not judged; the experiment's cell says what was right, and why."""
    asked = course.predict("02", *QUESTION)
    assert asked.correct is None
    answered = course.predict("02", *QUESTION, answer="(A)")
    before = capsys.readouterr().out
    assert answered.correct is False and "Kept." in before
    assert "well formed" not in before and "(b) silence <-" not in before
    course.verdict("02")
    told = capsys.readouterr().out
    assert "Prediction 02.1: You said (a). It is (b) silence. The answer says that" in told
    course.predict("05b.2", "Which?", ["One.", "Two."], answer="b")
    course.verdict("05b.2")
    assert "You said (b) Two, and so it is. Who buys at random" in capsys.readouterr().out


def test_the_first_choice_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a second answer changes it, nor one that is given after the experiment."""
    course.predict("02", *QUESTION, answer="a")
    assert course.predict("02", *QUESTION, answer="b").choice == "a"
    late = course.predict("03", *QUESTION)
    course.verdict("03")
    late.choose("b")
    assert late.choice is None and "03.1" not in passport.load().predictions
    assert "You made no prediction. It is (b) silence." in capsys.readouterr().out


def test_a_verdict_needs_its_question(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that was not asked here is not given away."""
    monkeypatch.setattr(predictions, "_asked", {})
    course.verdict("02.1")
    assert capsys.readouterr().out == "Prediction 02.1: run its cell first, to be told.\n"


@pytest.mark.parametrize(
    ("name", "options", "answer", "says"),
    [
        ("02", ["one", "two"], "q", "there is no option 'q'; there are a, b"),
        ("02", ["one"], None, "give two to 7 options, not 1"),
        ("02.2", ["one", "two"], None, "what is right of 02.2 stands not in RIGHT"),
        ("10", ["one", "two"], None, "what is right of 10.1 stands not in RIGHT"),  # it is d
    ],
)
def test_impossible_predictions(
    name: str, options: list[str], answer: str | None, says: str
) -> None:
    """A letter that is not there is refused by name, also where it would be the right one."""
    with pytest.raises(BadInput, match=says):
        course.predict(name, "Which?", options, answer=answer)


def test_choices_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    """Seven strategies; what is chosen comes back in lesson 10 and in the text twin."""
    course.choices({"dca": "rest", "scalp": "ws"})
    assert course.choices() == {"dca": "rest", "scalp": "ws"}
    assert "listen (WebSocket)" in capsys.readouterr().out
    with pytest.raises(BadInput, match="dca, rebalance"):
        course.choices({"hodl": "rest"})


def test_widgets_answer_and_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook: buttons that choose, and a question asked again takes the old one's place."""
    pages: list[dict[str, Any]] = []
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(twin, "show", lambda box: pages.append(box._repr_mimebundle_()))
    asked = course.predict("02", *QUESTION)
    _, buttons, said, box = predictions._open["02.1"]
    buttons.value = "b"
    buttons.value = "a"
    assert asked.correct and buttons.disabled and "Kept." in said.value
    course.verdict("02.1")
    assert asked.told and asked.state().endswith("that such a stream exists.")
    assert box.last_text.text == asked.text()
    course.predict("02", *QUESTION)
    assert box.comm is None and "(a) an error" in pages[0]["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in pages[1]


def test_choice_buttons_write_the_passport(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressing a button is enough."""
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(twin, "show", lambda box: None)
    kept = course.choices()
    row = predictions._open["choices"][1]
    row.children[1].value = "both"
    assert kept == passport.load().choices == {"dca": "both"}
