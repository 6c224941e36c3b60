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
    asked = course.predict("02", *QUESTION, right="b", why="The ack checks syntax only.")
    assert asked.correct is None
    answered = course.predict("02", *QUESTION, right="b", why="Syntax only.", answer="(A)")
    before = capsys.readouterr().out
    assert answered.correct is False and "Kept." in before
    assert "yntax" not in before and "(b) silence <-" not in before
    course.verdict("02")
    told = capsys.readouterr().out
    assert "Prediction 02.1: You said (a). It is (b) silence. Syntax only." in told
    course.predict("02.2", "Which?", ["One.", "Two."], right="b", why="So.", answer="b")
    course.verdict("02.2")
    assert "You said (b) Two, and so it is. So." in capsys.readouterr().out


def test_the_first_choice_counts(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither a second answer changes it, nor one that is given after the experiment."""
    course.predict("02", *QUESTION, right="b", answer="a")
    assert course.predict("02", *QUESTION, right="b", answer="b").choice == "a"
    late = course.predict("03", *QUESTION, right="b")
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


def test_explanations_by_letter() -> None:
    """The chosen letter's words come first, then the right one's."""
    why = {"a": "Everyone thinks so.", "b": "Only syntax is checked."}
    asked = course.predict("02.2", *QUESTION, right="b", why=why, answer="a")
    assert asked.verdict().endswith("Everyone thinks so. Only syntax is checked.")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"right": "z"}, "the options are a, b, c"),
        ({"right": "b", "answer": "q"}, "there is no option 'q'"),
    ],
)
def test_impossible_predictions(arguments: dict[str, str], says: str) -> None:
    """A letter that is not there is refused by name."""
    with pytest.raises(BadInput, match=says):
        course.predict("02", *QUESTION, **arguments)  # type: ignore[arg-type]


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
    asked = course.predict("02", *QUESTION, right="b", why="Because.")
    _, buttons, said, box = predictions._open["02.1"]
    buttons.value = "b"
    buttons.value = "a"
    assert asked.correct and buttons.disabled and "Kept." in said.value
    course.verdict("02.1")
    assert asked.told and asked.state().endswith("and so it is. Because.")
    assert box.last_text.text == asked.text()
    course.predict("02", *QUESTION, right="b")
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
