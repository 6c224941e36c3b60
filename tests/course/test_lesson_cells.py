"""Which cell has to run first: read from the notebook's own cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vocx.course import lesson_cells

CELLS = [
    ("markdown", "# A question?"),
    ("code", "from vocx import course\nlab = 1"),
    ("markdown", "## The market"),
    ("code", "def ask(count):\n    inner = lab\n    return [one for one in range(count)]"),
    ("code", "first = second = ask(3)"),
    ("code", "%matplotlib inline"),
    ("code", "third = first + [x]\nprint(third)"),
    ("markdown", "## Another"),
    ("code", "print(first, inner)"),
]


@pytest.fixture
def cells(tmp_path: Path) -> list[lesson_cells.LessonCell]:
    """The notebook above, read from its file."""
    file = tmp_path / "one.ipynb"
    made = [{"cell_type": kind, "source": source} for kind, source in CELLS]
    file.write_text(json.dumps({"cells": made}))
    return lesson_cells.read_cells(file)


def test_names_of_the_notebook_and_not_of_functions(cells: list[lesson_cells.LessonCell]) -> None:
    """Locals and loop variables of functions are nobody's business; magics are left out."""
    assert [(cell.section, set(cell.makes), set(cell.needs)) for cell in cells] == [
        ("", {"course", "lab"}, set()),
        ("The market", {"ask"}, {"lab"}),
        ("The market", {"first", "second"}, {"ask"}),
        ("The market", {"third"}, {"first", "x"}),
        ("Another", set(), {"first", "inner"}),
    ]


def test_the_whole_way_to_a_name(cells: list[lesson_cells.LessonCell]) -> None:
    """Cells that the needed cell needs come first; what the kernel knows is not asked for."""
    source = cells[3].source
    assert lesson_cells.advice(cells, source, {"lab"}, "first") == [
        '`first` is not there yet. First run these cells under "The market" with',
        "",
        "    def ask(count):",
        "    first = second = ask(3)",
        "",
        "and then this one again.",
    ]
    assert len(lesson_cells.advice(cells, source, {"lab", "ask"}, "first")) == 5


def test_the_set_up_cell_is_called_so(cells: list[lesson_cells.LessonCell]) -> None:
    """Whatever else is missing, it is the first."""
    (line,) = lesson_cells.advice(cells, cells[4].source, (), "first")
    assert "run the set-up cell" in line


def test_only_cells_above_are_asked(cells: list[lesson_cells.LessonCell]) -> None:
    """A name made further down, or nowhere, is Python's own error; so is one in a cell of the
    learner's, unless a cell of the lesson makes it."""
    assert lesson_cells.advice(cells, cells[1].source, {"lab"}, "third") == []
    assert lesson_cells.advice(cells, cells[4].source, {"lab"}, "inner") == []
    assert lesson_cells.advice(cells, "print(third)", {"lab", "x", "first"}, "third")


def test_where_there_is_no_file_there_is_no_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The learner's own file counts; without any, nothing is said."""
    monkeypatch.chdir(tmp_path)
    assert lesson_cells.of_lesson("05")[0].section == ""
    (tmp_path / "05_comparison.ipynb").write_text('{"cells": []}')
    assert lesson_cells.of_lesson("05") == []
    (tmp_path / "05_comparison.ipynb").write_text("broken")
    assert lesson_cells.of_lesson("05")
