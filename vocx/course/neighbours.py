"""Who else runs a lesson on this machine: each lesson that was begun locks a small file.

The system lets go of a lock when its process ends, however it ends, so a crash or a restarted
kernel leaves no false alarm. What cannot be written or locked is not an error: no warning then.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

_held: IO[str] | None = None
"""This kernel's own file, open and locked while its lesson runs."""


def folder() -> Path:
    """Where this user's lessons leave their files."""
    return Path(tempfile.gettempdir()) / f"vocx-lessons-{os.getuid()}"


def arrive(lesson: str, where: Path | None = None) -> list[str]:
    """Say that this kernel runs ``lesson``; returns the lessons that others run, sorted."""
    place = where or folder()
    leave()
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        others = [found for path in place.iterdir() if (found := _living(path))]
        _hold(lesson, place)
    except OSError:
        return []
    return sorted(others)


def leave() -> None:
    """This kernel's lesson has ended."""
    global _held
    if _held is not None:
        with suppress(OSError):
            Path(_held.name).unlink()
        _held.close()
        _held = None


def warning(others: list[str]) -> str:
    """One sentence; empty when nobody else is there."""
    if not others:
        return ""
    one = len(others) == 1
    who, makes = (f"Lesson {others[0]} runs", "makes") if one else (_several(others), "make")
    return (
        f"{who} in another kernel of this machine and {makes} your times noisier:\n"
        "run its last cell, or shut its kernel down (the square in a circle, on the left)."
    )


def _several(others: list[str]) -> str:
    return f"Lessons {', '.join(others)} run"


def _hold(lesson: str, place: Path) -> None:
    global _held
    number, name = tempfile.mkstemp(dir=place)
    os.close(number)
    _held = open(name, "w", encoding="utf-8")  # noqa: SIM115 - held until the lesson ends
    fcntl.flock(_held, fcntl.LOCK_EX)
    _held.write(lesson)
    _held.flush()


def _living(path: Path) -> str:
    """The lesson of a file that somebody holds; a file that nobody holds is removed."""
    with suppress(OSError), path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read()[:10]
        path.unlink()
    return ""
