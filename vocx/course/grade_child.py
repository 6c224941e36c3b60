"""The process in which :mod:`vocx.course.grade` has one answer judged: task in, result file out.

The lab is opened first and stays outside the limits; then they hold, then the answer is run.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from vocx.course import catalogue, grading, practical_exam, session
from vocx.course.grade import Outcome, Task
from vocx.errors import VocxError

_FILE_BYTES = 64 * 2**20
_CPU_S = 120


def main() -> None:
    """Read the task, judge, write the result, and end whatever the answer left running."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    outcome = judged(task)
    part = Path(f"{task.result}.part")
    part.write_bytes(msgspec.json.encode(outcome))
    part.replace(task.result)
    os._exit(0)


def judged(task: Task) -> Outcome:
    """What becomes of the answer."""
    lesson = catalogue.lesson_of(task.check)
    lab, exchange = session.begin(lesson.id, seed=task.seed)
    if lesson.exam:
        check = practical_exam.tasks()[task.check.removeprefix("exam.")].check(task.seed)
    else:
        check = grading.find(task.check)
    _limit(task.memory_mb)
    # As in a notebook, where a cell's names are those of the module __main__.
    names: dict[str, Any] = {
        "__name__": "__main__",
        **dict(zip(task.code.begun, (lab, exchange), strict=False)),
    }
    for statement in task.code.optional:
        with suppress(Exception):
            _execute(statement, names)
    try:
        for statement in task.code.required:
            _execute(statement, names)
    except MemoryError:
        return Outcome("memory", "its cell took more memory than it may")
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        return Outcome("broken", f"its cell raised {type(error).__name__}: {error}")
    try:
        found = grading.judge(check, names.get(task.name), exchange)
    except VocxError as error:
        return Outcome("broken", f"{type(error).__name__}: {error}")
    if "raised MemoryError" in found.text:
        return Outcome("memory", found.text)
    return Outcome(found.state, found.text)


def _execute(statement: str, names: dict[str, Any]) -> None:
    exec(compile(statement, "<answer>", "exec"), names)


def _limit(memory_mb: int) -> None:
    """From now on: so much memory besides what is taken, files of a bounded size, and time on the
    processor."""
    _lower(resource.RLIMIT_FSIZE, _FILE_BYTES)
    used_s = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _lower(resource.RLIMIT_CPU, int(used_s) + _CPU_S)
    with suppress(OSError):  # where there is no /proc the memory is not limited
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _lower(resource.RLIMIT_AS, pages * resource.getpagesize() + memory_mb * 2**20)


def _lower(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
