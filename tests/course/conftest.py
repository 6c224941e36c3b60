"""What all tests of the course share: a passport of their own, and impatience."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vocx.course import answer_runner, catalogue, other_kernels, passport
from vocx.course.checks import ALL


@pytest.fixture(autouse=True)
def passport_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Each test has a passport of its own, and slow answers are given up soon."""
    file = tmp_path / "passport.json"
    monkeypatch.setenv("VOCX_PASSPORT", str(file))
    monkeypatch.setattr(other_kernels, "folder", lambda: tmp_path / "other_kernels")
    monkeypatch.setattr(answer_runner.observe, "__kwdefaults__", {"call_s": 0.3, "all_s": 20.0})
    yield file
    other_kernels.leave()
    passport.forget()


@pytest.fixture(scope="session")
def done() -> Callable[[int, int], str]:
    """Progress as text: so many lessons and checks of those there are."""
    counted = len(catalogue.counted())
    return lambda lessons, checks: f"{lessons} of {counted} lessons, {checks} of {len(ALL)} checks"
