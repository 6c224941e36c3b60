"""Two lessons at once on one machine are noticed, and a crash leaves no false alarm."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from vocx.course import other_kernels

OTHER = (
    "import sys; from pathlib import Path; from vocx.course import other_kernels\n"
    "other_kernels.arrive(sys.argv[1], Path(sys.argv[2])); print('here', flush=True)\n"
    "sys.stdin.read(); other_kernels.leave()"
)
Begin = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Begin]:
    """``other("03")`` begins a lesson in a process of its own."""
    with ExitStack() as stack:

        def begin(lesson: str) -> subprocess.Popen[str]:
            child = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", OTHER, lesson, str(tmp_path)],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
            assert child.stdout is not None and child.stdout.readline() == "here\n"
            return child

        yield begin
    other_kernels.leave()


def test_lessons_of_other_kernels_are_named(other: Begin, tmp_path: Path) -> None:
    """Each other one is named once; one's own, begun twice, is not."""
    other("03"), other("00"), other("00")
    assert other_kernels.arrive("02", tmp_path) == ["00", "03"]
    assert other_kernels.arrive("02", tmp_path) == ["00", "03"]


@pytest.mark.parametrize("crash", [False, True])
def test_a_lesson_that_ended_or_crashed_is_forgotten(
    other: Begin, tmp_path: Path, crash: bool
) -> None:
    """After the last cell, and after a kill: no warning, and no file but one's own."""
    child = other("03")
    if crash:
        child.send_signal(signal.SIGKILL)
    child.communicate(timeout=10)
    assert other_kernels.arrive("02", tmp_path) == []
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_used_is_no_error(tmp_path: Path) -> None:
    """A warning is a courtesy: without a place for it the lesson begins all the same."""
    (tmp_path / "file").write_text("")
    assert other_kernels.arrive("02", tmp_path / "file") == []


@pytest.mark.parametrize(("others", "says"), [(["03"], "Lesson 03 runs"), (["00", "03"], "00, 03")])
def test_the_warning_is_one_sentence(others: list[str], says: str) -> None:
    """It names the lessons and fits a cell's width; alone there is none."""
    text = other_kernels.warning(others)
    assert says in text and text.count(".") == 1
    assert max(map(len, text.splitlines())) <= 100
    assert other_kernels.warning([]) == ""


def test_a_scan_while_a_kernel_arrives_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another kernel may look between the making of our file and its lock, and clear it away."""
    scans = 0

    def flock(file: object, mode: int) -> None:
        nonlocal scans
        if mode == fcntl.LOCK_EX and scans < 2:
            scans += 1
            for path in tmp_path.iterdir():
                other_kernels._living(path)
        real(file, mode)

    real = fcntl.flock
    monkeypatch.setattr(other_kernels.fcntl, "flock", flock)
    other_kernels.arrive("02", tmp_path)
    assert scans == 2
    assert [other_kernels._living(path) for path in tmp_path.iterdir()] == ["02"]
