"""The student edition: everything of the lessons but their solutions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vocx.course.page import Page, rules_of
from vocx.course.student_edition import without_solutions, write
from vocx.errors import BadInput

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"


def test_solutions_are_gone_and_nothing_else(tmp_path: Path) -> None:
    """Of every lesson; hints, code and pictures stay, and but for the solution the page keeps its
    contract."""
    written = write(FOLDER, tmp_path / "edition")
    assert [path.name for path in written] == [path.name for path in sorted(FOLDER.glob("*.ipynb"))]
    for path in written:
        page, whole = Page(path), Page(FOLDER / path.name)
        assert page.code == whole.code
        hints = "<details><summary>Hint</summary>" in "\n".join(page.markdown)
        assert hints != page.lesson.exam
        assert "Solution" not in "\n".join(page.markdown)
        for one in whole.exercises():
            solution = whole.solution(one.name)
            assert (solution is None) == page.lesson.exam
            assert solution is None or solution not in "\n".join(page.markdown)
        for cell, before in zip(page.cells, whole.cells, strict=True):
            assert cell.text.count("<details>") == cell.text.count("</details>")
            if "<summary>Solution" not in before.text:
                assert cell.text == before.text
        rules = rules_of(page.lesson)
        names = rules.keys() - {"blank_exercises", "words"}
        assert [str(one) for name in names for one in rules[name](page)] == []


def test_only_the_solution_is_cut() -> None:
    """What stands beside it in the hint, and other folded text, stays; of two, both go."""
    fold = "<details><summary>Solution</summary>\n\n```python\nx\n```\n\n</details>"
    hint = "<details><summary>Hint</summary>\n\nThink.\n\n{}\n</details>\n\nGo on."
    assert without_solutions(hint.format(fold)) == hint.format("").replace("\n\n\n", "\n")
    assert without_solutions(f"a\n\n{fold}\n\nb\n\n{fold}") == "a\n\nb"
    picture = "<details><summary>You should see</summary>\n\n![x](y)\n\n</details>"
    assert without_solutions(picture) == picture


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    """Nobody's work is mixed with it."""
    (tmp_path / "mine.txt").touch()
    with pytest.raises(BadInput, match="is not empty"):
        write(FOLDER, tmp_path)


def test_a_solution_that_cannot_be_cut_out_is_refused(tmp_path: Path) -> None:
    """Something else folded inside it: the edition would show it."""
    source = tmp_path / "source"
    source.mkdir()
    path = Path(shutil.copy(FOLDER / "03_order_book.ipynb", source))
    nested = (
        "<summary>Solution</summary>\\n\\n```python\\ndef decide(): ...\\n```\\n<details></details>"
    )
    text = path.read_text("utf-8").replace("<summary>Solution</summary>", nested)
    path.write_text(text, "utf-8")
    with pytest.raises(BadInput, match="solution of decide is not folded on its own"):
        write(source, tmp_path / "edition")


def test_the_command(tmp_path: Path) -> None:
    """One line, and code 0; a second time it refuses."""
    command = [sys.executable, "-m", "vocx", "lesson", "student", str(tmp_path / "edition")]
    first, second = (
        subprocess.run(command, capture_output=True, text=True, timeout=60) for _ in range(2)
    )
    assert first.returncode == 0 and "lessons without solutions" in first.stdout
    assert second.returncode == 1 and "is not empty" in second.stderr
