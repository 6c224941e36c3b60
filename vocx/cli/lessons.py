"""The lessons on disk: where they come from, and a copy that belongs to the learner.

In a checkout they are opened where they lie. From a wheel they are copied to a folder of the
learner's, and the one rule is that **an edit is never lost**:

* a file that is missing is written;
* a file that nobody changed since it was written is replaced by a newer version;
* a file that was changed (running and saving a notebook changes it) is kept, and a newer version
  is put beside it under a name that says which version it is.

What was written is remembered as hashes in a small manifest beside the files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

import vocx
from vocx import distribution
from vocx.errors import BadInput

MANIFEST = ".vocx-lessons.json"
FIRST = "00_start_here.ipynb"
Action = Literal["written", "updated", "kept", "beside"]
SKIP = {"__pycache__", ".ipynb_checkpoints", ".pytest_cache", "teaching", MANIFEST}
"""What no learner gets: left-overs, and the notes for instructors."""


class Done(NamedTuple):
    """What was done with one lesson file; ``path`` is where it lies."""

    path: Path
    action: Action


def packaged() -> Path:
    """The lessons that came with the package.

    Raises
    ------
    BadInput
        When this installation has none.
    """
    found = distribution.lessons()
    if found is None:
        raise BadInput("this installation holds no lessons; install it again with pip")
    return found


def copy(source: Path, folder: Path, version: str = vocx.__version__) -> list[Done]:
    """Bring ``folder`` up to date from ``source`` without losing an edit.

    Raises
    ------
    BadInput
        When the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        given = _read_manifest(folder)
        done = [_bring(source / name, folder, name, given, version) for name in _files(source)]
        _write(folder / MANIFEST, json.dumps(given, indent=1, sort_keys=True).encode())
    except OSError as error:
        raise BadInput(
            f"the lessons cannot be written to {folder} ({error.strerror or error}); "
            "name another folder: vocx --folder ~/lessons"
        ) from None
    return done


def _files(source: Path) -> Iterator[str]:
    for path in sorted(source.rglob("*")):
        relative = path.relative_to(source)
        if path.is_file() and not SKIP & set(relative.parts):
            yield relative.as_posix()


def _bring(path: Path, folder: Path, name: str, given: dict[str, str], version: str) -> Done:
    """One file; ``given`` maps names to the hash of the version last handed out."""
    data, target = path.read_bytes(), folder / name
    new, last = _hash(data), given.get(name)
    given[name] = new
    if not target.exists():
        return Done(_write(target, data), "written")
    current = _hash(target.read_bytes())
    if current == new:
        return Done(target, "kept")
    if current == last:
        return Done(_write(target, data), "updated")
    if new == last:
        return Done(target, "kept")
    beside = target.with_name(f"{target.stem}-version-{version}{target.suffix}")
    if not beside.exists():
        _write(beside, data)
    return Done(beside, "beside")


def _hash(data: bytes) -> str:
    return sha256(data).hexdigest()


def _read_manifest(folder: Path) -> dict[str, str]:
    """Names to hashes; empty when unreadable, which makes every file count as edited."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {str(name): str(value) for name, value in found.items()}
    return {}


def _write(target: Path, data: bytes) -> Path:
    """Whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(data)
    os.replace(part, target)
    return target
