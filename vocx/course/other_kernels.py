"""Who else runs a lesson on this machine: each lesson that was begun locks a small file.

The system lets go of a lock when its process ends, however it ends, so a crash or a restarted
kernel leaves no false alarm. What cannot be written or locked is not an error: no warning then.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import tempfile
from contextlib import suppress
from pathlib import Path

TRIES = 20
"""More than other kernels look round at once."""
_held: tuple[int, str] | None = None
"""This kernel's own file, open and locked while its lesson runs: descriptor and path."""


def folder() -> Path:
    """Where this user's lessons leave their files."""
    return Path(tempfile.gettempdir()) / f"vocx-lessons-{os.getuid()}"


def arrive(lesson: str, where: Path | None = None) -> list[str]:
    """Say that this kernel runs ``lesson``; returns those that others run, sorted."""
    place = where or folder()
    leave()
    try:
        place.mkdir(mode=0o700, exist_ok=True)
        others = [found for path in place.iterdir() if (found := _living(path))]
        _hold(lesson, place)
    except OSError:
        return []
    return sorted(set(others))


def leave() -> None:
    """This kernel's lesson has ended."""
    global _held
    if _held is not None:
        number, name = _held
        _held = None
        Path(name).unlink(missing_ok=True)
        os.close(number)


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
    """Make a file, then lock it. Who looks in between takes it for left over and removes it, so
    it is made again until it is the locked one that lies there; it is written before it is
    locked, because who finds it locked reads it."""
    global _held
    for _ in range(TRIES):
        number, name = tempfile.mkstemp(dir=place)
        os.write(number, lesson.encode())
        fcntl.flock(number, fcntl.LOCK_EX)
        with suppress(OSError):
            if os.path.samestat(os.stat(name), os.fstat(number)):
                _held = number, name
                atexit.register(leave)
                return
        os.close(number)


def _living(path: Path) -> str:
    """The lesson of a file that somebody holds; a file that nobody holds is removed."""
    with suppress(OSError), path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read()[:10]
        path.unlink()
    return ""
