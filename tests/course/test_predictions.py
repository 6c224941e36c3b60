"""Predictions and choices: as text, as buttons, and what is said after them."""

from __future__ import annotations

from typing import Any

import pytest

from vocx import course
from vocx.course import display, passport, predictions
from vocx.errors import BadInput

QUESTION = ("What happens?", ["an error", "silence", "it closes"])


def test_prediction_explains_after_the_choice(capsys: pytest.CaptureFixture[str]) -> None:
    """Unanswered: the options and how to answer. Answered: the verdict, kept in the passport."""
    asked = course.predict("02", *QUESTION, right="b", why="The ack checks syntax only.")
    assert asked.correct is None and "syntax" not in capsys.readouterr().out
    answered = course.predict("02", *QUESTION, right="b", why="Syntax only.", answer="(A)")
    assert answered.correct is False
    assert "You said (a); right is (b): silence. Syntax only." in capsys.readouterr().out
    course.predict("02", "Which?", ["One.", "Two."], right="b", why="So.", answer="a")
    assert "right is (b): Two. So." in capsys.readouterr().out
    assert course.predict("02", *QUESTION, right="b").choice == "a"


def test_explanations_by_letter() -> None:
    """The chosen letter's words come first, then the right one's."""
    why = {"a": "Everyone thinks so.", "b": "Only syntax is checked."}
    asked = course.predict("02.2", *QUESTION, right="b", why=why, answer="a")
    assert asked.explanation().endswith("Everyone thinks so. Only syntax is checked.")


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
    monkeypatch.setattr(display, "put", lambda bundle: pages.append(dict(bundle)))
    asked = course.predict("02", *QUESTION, right="b", why="Because.")
    _, buttons, said, box = predictions._open["02.1"]
    buttons.value = "b"
    assert asked.correct and "(b) is right. Because." in said.value
    course.predict("02", *QUESTION, right="b")
    assert box.comm is None and "(a) an error" in pages[0]["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in pages[1]


def test_choice_buttons_write_the_passport(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressing a button is enough."""
    monkeypatch.setattr(display, "in_notebook", lambda: True)
    monkeypatch.setattr(display, "put", lambda bundle: None)
    kept = course.choices()
    row = predictions._open["choices"][1]
    row.children[1].value = "both"
    assert kept == passport.load().choices == {"dca": "both"}
