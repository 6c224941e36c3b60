"""The page contract as a program: each of its rules can fail, and says where."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vocx.course.page import EXAM_RULES, LESSON_RULES, Page, problems

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "03_order_book.ipynb"
BLANK = "def decide(book_id, U, u): ..."
"""Its exercise, which the solution above it is not."""
Change = Callable[[dict[str, Any]], object]


def cell(notebook: dict[str, Any], part: str) -> dict[str, Any]:
    """The first cell whose source has ``part``."""
    found: dict[str, Any] = next(one for one in notebook["cells"] if part in "".join(one["source"]))
    return found


def rewrite(part: str, other: str) -> Change:
    def change(notebook: dict[str, Any]) -> None:
        one = cell(notebook, part)
        one["source"] = "".join(one["source"]).replace(part, other)

    return change


def picture_first(notebook: dict[str, Any]) -> None:
    cells = notebook["cells"]
    cells.insert(1, cells.pop(cells.index(cell(notebook, "images/03_book.png"))))


def hint_last(notebook: dict[str, Any]) -> None:
    cells = notebook["cells"]
    cells.append(cells.pop(cells.index(cell(notebook, "<summary>Hint"))))


BROKEN: list[tuple[str, Change, str]] = [
    ("size", lambda nb: nb["cells"].pop(3) and nb["cells"].__delitem__(slice(2, 14)), "cells; "),
    ("size", rewrite(BLANK, "\n".join(["x = 1"] * 16) + f"\n{BLANK}"), "at most 15"),
    ("words", rewrite("**Needs**", "word " * 900 + "**Needs**"), "words; between 700 and 1,100"),
    ("size", rewrite("**Needs**", "# a\n" * 9 + "**Needs**"), "headings; at most 8"),
    ("opening", rewrite("# Can you trust", "# Do you trust"), "does not begin with the title"),
    ("opening", rewrite("40 minutes", "an hour"), "it does not say '40 minutes'"),
    ("opening", rewrite("\n- ", "\n* "), "0 things that one can do"),
    ("one_set_up", rewrite('begin("03")', 'begin("04")'), 'write course.begin("03")'),
    ("one_set_up", lambda nb: nb["cells"].insert(1, nb["cells"].pop(2)), "in the second cell"),
    ("sections", rewrite(BLANK, f"later = unheard_of\n{BLANK}"), "unheard_of"),
    ("musts", rewrite("course.predict(", "print("), "0 predictions; ask one or two"),
    ("musts", rewrite("course.check(", "print("), "no course.check("),
    ("ending", rewrite('course.end("03")', ""), 'is not course.end("03")'),
    ("hidden_answers", rewrite('predict(\n    "03.1"', 'predict(\n    "03.2"'), "predictions.py"),
    ("verdicts", rewrite('course.verdict("03.1")', ""), 'no course.verdict("03.1")'),
    ("blank_exercises", rewrite(BLANK, f"y = 1\n{BLANK}"), "more than an unwritten"),
    ("blank_exercises", rewrite("<summary>Solution", "<summary>Answer"), "no <details>"),
    ("blank_exercises", hint_last, "the hint does not stand in the text above it"),
    ("folded_programs", rewrite('url = "https', "x = 1\n" * 11 + 'url = "https'), "at most 10"),
    ("stripped", lambda nb: nb["cells"][1].update(execution_count=3), "clear all outputs"),
    ("stripped", lambda nb: nb["cells"][1].update(id="0123abcd"), "give it an id of words"),
    ("stripped", lambda nb: nb["cells"][1].update(id="opening"), "two cells have this id"),
    ("stripped", lambda nb: nb["metadata"].update(widgets={}), "saved widgets"),
    ("portable", rewrite(BLANK, f"from math import *\n\n{BLANK}"), "'import *' breaks"),
    ("portable", rewrite("**Needs**", "Hurry! **Needs**"), "an exclamation mark"),
    ("planned_errors", lambda nb: nb["cells"][3]["metadata"].update(tags=["raises-exception"]),
     "begin with # This fails on purpose"),
    ("references", rewrite("lesson 02", "lessons 02, 05 and 77"), "there is no lesson 77"),
    ("pictures", rewrite("images/03_book.png", "images/03_none.png"), "tests/pictures.py 03"),
    ("pictures", picture_first, ""),
]  # fmt: skip


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A lesson that keeps the contract, with its pictures."""
    shutil.copytree(LESSON.parent / "images", tmp_path / "images")
    return Path(shutil.copy(LESSON, tmp_path))


def test_every_rule_is_broken_once_here() -> None:
    """A rule that cannot fail asks for nothing; and each says what it asks for."""
    assert {rule for rule, *_ in BROKEN} == LESSON_RULES.keys()
    assert {rule for rule, *_ in BROKEN_EXAM} == EXAM_RULES.keys() - LESSON_RULES.keys()
    assert all(rule.__doc__ for rule in (LESSON_RULES | EXAM_RULES).values())


@pytest.mark.parametrize(("rule", "change", "says"), BROKEN)
def test_a_rule_says_what_breaks_it(rule: str, change: Change, says: str, copy: Path) -> None:
    """The rule that is broken finds it."""
    assert problems(copy) == []
    notebook = json.loads(copy.read_text(encoding="utf-8"))
    change(notebook)
    copy.write_text(json.dumps(notebook) + "\n", encoding="utf-8")
    found = [str(problem) for problem in LESSON_RULES[rule](Page(copy))]
    assert found and any(says in text for text in found), found


BROKEN_EXAM: list[tuple[str, Change, str]] = [
    ("words_of_an_exam", rewrite("**Needs**", "word " * 300 + "**Needs**"),
     "words; between 150 and 500"),
    ("musts_of_an_exam", rewrite('hand_in("age"', 'hand_in("close"'), "once, close, close"),
    ("musts_of_an_exam", rewrite("course.quiz(", "print("), "course.quiz is called 0 times"),
    ("musts_of_an_exam", rewrite("print(exam)", 'course.check("03.1", keep)'),
     "has no exercises besides"),
    ("blank_tasks", rewrite("keep(messages, snapshot): ...",
     "keep(messages, snapshot):\n    return {}, {}"), "more than an unwritten keep"),
    ("blank_tasks", rewrite('exam.show("age")', ""), "it does not begin and end with"),
    ("blank_tasks", rewrite("## Ten tasks", "## Ten tasks\n\n    def keep(a): 1"),
     "shows a solution of keep"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "change", "says"), BROKEN_EXAM)
def test_an_exam_has_a_contract_of_its_own(
    rule: str, change: Change, says: str, tmp_path: Path
) -> None:
    """Tasks instead of exercises, each in one cell, and solutions nowhere."""
    copy = Path(shutil.copy(LESSON.parent / "12_exam.ipynb", tmp_path))
    assert problems(copy) == []
    notebook = json.loads(copy.read_text(encoding="utf-8"))
    change(notebook)
    copy.write_text(json.dumps(notebook) + "\n", encoding="utf-8")
    found = [str(problem) for problem in EXAM_RULES[rule](Page(copy))]
    assert any(says in text for text in found), found


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no json", "no notebook of format 4"),
        (b"\xff\xfe", "no notebook of format 4"),
        (b"[]", "no notebook of format 4"),
        (b'{"cells": [{"cell_type": 3}]}', "no notebook of format 4"),
        (b'{"cells": [{"cell_type": "code", "id": "x", "source": "def ("}]}', "cell x: this is no"),
        (
            b'{"cells": [{"cell_type": "code", "id": "x", "source": "a\\u0000"}]}',
            "this is no Python",
        ),
        (
            b'{"cells": [{"cell_type": "code", "id": "x", "source": "nonlocal a"}]}',
            "cell x: this is no Python",
        ),
        (b'{"cells": []}', "between 20 and 32"),
        (
            b'{"cells": [{"cell_type": "code", "source": "course.check(); course.end(1)"}]}',
            "cells;",
        ),
    ],
)
def test_what_is_no_page_is_a_problem_too(content: bytes, says: str, tmp_path: Path) -> None:
    """Whatever lies in the file, the answer is words."""
    file = tmp_path / LESSON.name
    file.write_bytes(content)
    assert any(says in str(problem) for problem in problems(file))


def test_a_new_lesson_learns_where_it_is_registered(copy: Path, tmp_path: Path) -> None:
    """A file that the catalogue does not know; one that is not there."""
    (unknown,) = problems(copy.rename(tmp_path / "12_mine.ipynb"))
    assert "add a Lesson" in unknown.text
    (missing,) = problems(tmp_path / "13_none.ipynb")
    assert "cannot be read: No such file" in missing.text


def test_the_command_prints_and_counts(copy: Path) -> None:
    """A line a problem with the cell's id, and code 1; else one line and code 0."""
    command = [sys.executable, "-m", "vocx", "lesson", "check"]
    fine = subprocess.run([*command, copy], capture_output=True, text=True, timeout=60)
    assert fine.returncode == 0 and fine.stdout.endswith(f"contract ({len(LESSON_RULES)} rules)\n")
    copy.write_text(copy.read_text("utf-8").replace('end(\\"03\\")', 'end(\\"04\\")'), "utf-8")
    broken = subprocess.run([*command, copy, LESSON], capture_output=True, text=True, timeout=60)
    assert broken.returncode == 1 and 'is not course.end("03")' in broken.stdout
    assert "03_order_book.ipynb: keeps" in broken.stdout and not broken.stderr
