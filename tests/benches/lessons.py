"""How long each lesson takes when nobody touches it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from benches.row import Row

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def durations() -> Iterator[Row]:
    """Each notebook as shipped, in a kernel of its own, kernel start included."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        book = nbformat.read(path, as_version=4)
        start = time.perf_counter()
        NotebookClient(book, timeout=120, resources={"metadata": {"path": NOTEBOOKS}}).execute()
        yield Row(f"lesson {path.stem} unattended", time.perf_counter() - start, "s", "<= 60")
