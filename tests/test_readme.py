"""README: the sizes that it names are those of the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROWS = re.findall(r"^\| (`vocx/[^|]+) \| ([\d,]+) \|", (ROOT / "README.md").read_text(), re.M)


def lines(room: str) -> int:
    path = ROOT / room
    files = [path] if path.is_file() else path.rglob("*.py")
    return sum(file.read_text(encoding="utf-8").count("\n") for file in files)


@pytest.mark.parametrize(("rooms", "said"), ROWS, ids=[rooms for rooms, _ in ROWS])
def test_what_a_learner_reads_is_as_long_as_said(rooms: str, said: str) -> None:
    """Within a tenth, so that nobody is told of a small package that has grown."""
    counted = sum(lines(room) for room in re.findall(r"`([^`]+)`", rooms))
    assert abs(counted - int(said.replace(",", ""))) <= 0.1 * counted, counted
