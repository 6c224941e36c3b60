"""``vocx grade``: a class's notebooks, honest and hostile ones, judged again."""

from __future__ import annotations

import csv
import inspect
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from answers import exam

from vocx.course import catalogue
from vocx.course import grade as grading
from vocx.course.page import Page
from vocx.errors import BadInput

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "03_order_book.ipynb"
RIGHT = Page(LESSON).solution("decide") or ""
HOG = "[bytearray(2**24) for _ in range(10_000)]"
SECRET = "VOCX_TEACHERS_SECRET"

ANSWERS = {
    "right, in a clean place": (
        "import os\n"
        f"assert {SECRET!r} not in os.environ and os.getcwd() == os.environ['HOME']\n"
        f"assert os.environ['HOME'] != {os.environ.get('HOME', '')!r}\n" + RIGHT
    ),
    "blank": "def decide(book_id, U, u): ...",
    "loops": "def decide(book_id, U, u):\n    while True:\n        pass",
    "hogs": f"def decide(book_id, U, u):\n    return {HOG}",
    "hogs at once": f"{RIGHT}\nkept = {HOG}",
    "syntax error": "def decide(book_id, U, u)\n    return 'apply'",
    "raises at once": f"{RIGHT}\nkept = 1 / 0",
    "leaves": f"import os\n{RIGHT}\ngone = os._exit(0)",
    "deleted": "print('I had an answer')",
}
EXPECTED = {
    "right, in a clean place": ("right", "600 changes"),
    "blank": ("not answered yet", ""),
    "loops": ("wrong", "did not come back within"),
    "hogs": ("memory", "raised MemoryError"),
    "hogs at once": ("memory", "more memory than it may"),
    "syntax error": ("syntax error", "expected ':' (line 1 of its cell)"),
    "raises at once": ("broken", "ZeroDivisionError"),
    "leaves": ("crashed", "ended with 0 and no result"),
    "deleted": ("no function", "no cell defines decide"),
}


def hand_in(folder: Path, answer: str, name: str = LESSON.name) -> Path:
    """A notebook with this in the exercise's cell."""
    (one,) = Page(LESSON).exercises()
    notebook = json.loads(LESSON.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    code[one.written]["source"] = answer
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_gets_what_it_deserves(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mistakes of every kind end in a row, not in the grader's end."""
    if HOG in ANSWERS[name] and not Path("/proc/self/statm").exists():
        pytest.skip("no /proc here")
    monkeypatch.setenv(SECRET, "of the teacher")
    hand_in(tmp_path / "anna", ANSWERS[name])
    (found,) = grading.grade(tmp_path, seed=11, seconds=100, memory_mb=256)
    result, says = EXPECTED[name]
    assert (found.student, found.check, found.result) == ("anna", "03.1", result), found
    assert says in found.detail and "\n" not in found.detail


def test_an_endless_cell_is_killed(tmp_path: Path) -> None:
    """With its process, and the lab that it had."""
    hand_in(tmp_path / "anna", f"{RIGHT}\nwhile True:\n    pass")
    (found,) = grading.grade(tmp_path, seed=11, seconds=8)
    assert found.result == "time" and found.seconds < 40
    until = time.monotonic() + 20
    while left := [one for one in psutil.Process().children(recursive=True) if ours(one)]:
        assert time.monotonic() < until, left
        time.sleep(0.05)


def ours(process: psutil.Process) -> bool:
    try:
        return "grade_child" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def test_notebooks_are_told_by_what_is_in_them(tmp_path: Path) -> None:
    """A renamed file counts, a missing one is named, what is no lesson or unreadable is a row, and
    checkpoints are left out."""
    hand_in(tmp_path / "anna" / "my work", "...", "Kopie von 03 (final).ipynb")
    hand_in(tmp_path / "anna" / ".ipynb_checkpoints", "...", "old.ipynb")
    (tmp_path / "bert").mkdir()
    hand_in(tmp_path, "x = 1", "carla.ipynb").write_text('{"cells": []}')
    (tmp_path / "carla.ipynb").rename(tmp_path / "bert" / "shopping.ipynb")
    (tmp_path / "dora").mkdir()
    (tmp_path / "dora" / LESSON.name).write_bytes(b"\x00 no notebook")
    found = [(one.student, one.file, one.check, one.result)
             for one in grading.grade(tmp_path, seed=11)]  # fmt: skip
    assert found == [
        ("anna", "anna/my work/Kopie von 03 (final).ipynb", "03.1", "no function"),
        ("bert", "bert/shopping.ipynb", "", "no lesson"),
        ("bert", "", "03.1", "missing"),
        ("dora", f"dora/{LESSON.name}", "03.1", "unreadable"),
    ]


def test_an_answer_leans_on_its_notebook(tmp_path: Path) -> None:
    """Imports, functions and plain values of other cells are there, under the names that the
    set-up cell gives; magics and calls are left out; a renamed function is followed."""
    file = hand_in(tmp_path, "def mine(book_id, U, u):\n    return helper(book_id, U, u)")
    notebook = json.loads(file.read_text(encoding="utf-8"))
    extra = "%pip install x\nfrom decimal import Decimal\nTICK = Decimal('0.1')\nlaunched = fire()"
    helper = RIGHT.replace("def decide", "def helper")
    for source in (extra, helper):
        cell = {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}
        notebook["cells"].insert(2, cell)
    text = json.dumps(notebook).replace(
        'course.check(\\"03.1\\", decide)', "course.check('03', mine)"
    )
    file.write_text(text, encoding="utf-8")
    read = grading.read(file)
    name = grading.function_name(read, "03.1")
    code = grading.answer_code(read, name)
    assert name == "mine" and code.begun == ["lab", "binance"] and len(code.required) == 1
    assert {"TICK = Decimal('0.1')", helper.strip()} <= {one.strip() for one in code.optional}
    assert not any("fire" in one or "course.begin" in one for one in code.optional)


def test_the_exam_is_graded_with_another_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tasks are rows, judged with faults that nobody has seen."""
    assert grading.checks_of("12") == [f"exam.{task}" for task in catalogue.EXAM]
    monkeypatch.setattr(catalogue, "EXAM", ("budget",))
    notebook = json.loads((LESSON.parent / "12_exam.ipynb").read_text(encoding="utf-8"))
    (cell,) = (one for one in notebook["cells"] if one["id"] == "task-budget")
    answer = f"{inspect.getsource(exam.budget)}\nexam.hand_in('budget', budget)"
    cell["source"] = answer
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "mine.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (found,) = grading.grade(tmp_path, seed=11, seconds=100)
    assert (found.check, found.result) == ("exam.budget", "right"), found
    assert grading.function_name(grading.read(LESSON), "exam.budget") == "fastest"


def test_nothing_to_grade_is_said(tmp_path: Path) -> None:
    """No folder, an empty one, a lesson that there is not: before any file is written."""
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        grading.grade(tmp_path / "none", seed=1)
    with pytest.raises(BadInput, match="neither folders of students nor notebooks"):
        grading.grade(tmp_path, seed=1)
    (tmp_path / "anna").mkdir()
    with pytest.raises(BadInput, match="there is no lesson '33'"):
        grading.grade(tmp_path, lessons=["33"], seed=1)


def test_the_command_writes_csv_and_warns(tmp_path: Path) -> None:
    """A row each with the seed, formulas made harmless, no file replaced unasked; and it says that
    it is no protection."""
    (tmp_path / "=cmd()").mkdir()
    command = [sys.executable, "-m", "vocx", "grade", str(tmp_path), "--lesson", "03"]
    first = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert first.returncode == 0 and first.stdout.endswith("grades.csv: 1 missing\n")
    assert grading.NO_PROTECTION in first.stderr
    with (tmp_path / "grades.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["student"], row["check"], row["result"]) == ("'=cmd()", "03.1", "missing")
    assert int(row["seed"]) >= 0
    again = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert again.returncode == 1 and "write --overwrite" in again.stderr
