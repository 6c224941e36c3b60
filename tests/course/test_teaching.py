"""Notes and plans for instructors: whole, and in step with the lessons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vocx.cli import lessons
from vocx.course import catalogue
from vocx.course.predictions import RIGHT

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "teaching"
LESSONS = {one.id: one for one in catalogue.LESSONS}
PARTS = ["The misconception", "The vote", "Numbers", "What goes wrong in the room"]


def text(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("lesson", LESSONS)
def test_each_lesson_has_a_page_of_notes(lesson: str) -> None:
    """Under its question, with four parts, on one page; the index links it."""
    page = text(lesson)
    assert page.startswith(f"# {lesson}: {LESSONS[lesson].title}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == PARTS
    assert len(page.splitlines()) <= 60
    assert f"[{lesson}]({lesson}.md)" in text("README")


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_vote_names_what_is_right(lesson: str) -> None:
    """Each question of the lesson, and the letter that the course holds for right."""
    vote = text(lesson).split("## The vote")[1].split("## ")[0]
    told = dict(re.findall(r"\*\*([\w.]+)\*\*: \((\w)\) is right", vote))
    assert told == {key: right for key, (right, _) in RIGHT.items() if key.split(".")[0] == lesson}


@pytest.mark.parametrize("lesson", LESSONS)
def test_numbers_come_with_what_to_expect(lesson: str) -> None:
    """A table of what, what to expect and how far off, and what one run showed."""
    numbers = text(lesson).split("## Numbers")[1].split("## ")[0]
    head, _, *rows = re.findall(r"^\|(.+)\|$", numbers, re.MULTILINE)
    assert [cell.strip() for cell in head.split("|")] == ["what", "expect", "seen"]
    assert len(rows) >= 4
    assert all(row.count("|") == 2 and row.split("|")[1].strip() for row in rows)


def test_plans_add_up() -> None:
    """The minutes of a plan are those of its title, and its lessons exist."""
    sections = re.split(r"^## ", text("plans"), flags=re.MULTILINE)[1:]
    assert [re.match(r"[^:]+", one)[0] for one in sections] == [  # type: ignore[index]
        "45 minutes", "90 minutes", "180 minutes", "Day 1 (360 minutes)", "Day 2 (360 minutes)",
    ]  # fmt: skip
    for section in sections:
        whole = int(re.findall(r"(\d+) minutes", section)[0])
        rows = re.findall(r"^\| (\d+) \| (\w*) ?\|", section, re.MULTILINE)
        assert sum(int(minutes) for minutes, _ in rows) == whole
        assert {lesson for _, lesson in rows if lesson} <= LESSONS.keys()


def test_learners_do_not_get_them(tmp_path: Path) -> None:
    """A copy of the lessons has no notes for instructors."""
    lessons.copy(FOLDER.parent, tmp_path)
    assert (tmp_path / "00_start_here.ipynb").is_file()
    assert not (tmp_path / "teaching").exists()
