"""Fixtures for all tests: recordings where there are some, and a real lab over real sockets."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab


# A suite that a shell starts in the background inherits an ignored Ctrl-C: tests that interrupt
# would then interrupt nothing, and what they were to end would run on beside all other tests.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Options for this run are not for the pytests that tests start.
os.environ.pop("PYTEST_ADDOPTS", None)

TESTS = Path(__file__).resolve().parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """How many broken messages each venue's decoders meet (the tests know their own numbers)."""
    parser.addoption("--cases", type=int, default=None, help="cases of each fuzz test")


def recordings() -> Path:
    """Where recorded sessions and conformance data lie: ``VOCX_RECORDED``, or beside the
    checkout in ``shared/recorded``."""
    beside = TESTS.parents[1] / "shared" / "recorded"
    return Path(os.environ.get("VOCX_RECORDED") or beside)


SLOW_MARKS = {"live", "long", "kernel", "browser"}
SLOW_FIXTURES = {"lab", "exchange", "ex", "far", "four_lab"}
SLOW_FILES = {
    "test_asyncio_examples",
    "test_binder",
    "test_compare",
    "test_tun",
    "test_lessons",
    "test_fuzz",
    "test_grade",
    "test_lifetime",
    "test_sdk",
    "test_pytest_plugin",
    "test_any_language",
    "test_cli",
    "test_faults",
    "test_hostile",
    "test_history",
    "test_recordings",
}


LONGEST = (
    "/browser/",
    "test_lessons",
    "test_contract",
    "test_other_venues",
    "test_in_lab",
    "test_fuzz",
    "test_faults",
    "test_tun",
    "test_binder",
    "test_compare",
    "test_freshness",
    "test_diagnosis",
    "test_practical_exam",
    "test_clients",
    "test_cli",
    "test_grade.",
    "test_final_quiz",
    "test_asyncio_examples",
    "test_own_programs",
    "test_lifetime",
)
"""What takes from a quarter of a minute to minutes, the longest first."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs neither a lab, a kernel nor a browser is quick; where workers share the tests,
    what takes longest is begun first, so that none works on alone at the end."""
    ranks: dict[str, int] = {}
    for item in items:
        marks = {mark.name for mark in item.iter_markers()}
        slow = (
            marks & SLOW_MARKS
            or SLOW_FIXTURES & set(getattr(item, "fixturenames", ()))
            or any(item.path.stem.startswith(stem) for stem in SLOW_FILES)
        )
        if not slow:
            item.add_marker(pytest.mark.quick)
        scope = scope_of(item.nodeid)
        ranks[scope] = min(ranks.get(scope, rank_of(scope, quick=True)), rank_of(scope, not slow))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: ranks[scope_of(item.nodeid)])


def rank_of(scope: str, quick: bool) -> int:
    """How early a scope is begun: by its place in ``LONGEST``, what is quick last."""
    found = [at for at, part in enumerate(LONGEST) if part in scope]
    return found[0] if found else len(LONGEST) + quick


def scope_of(nodeid: str) -> str:
    """What one worker runs together: a file, whose tests share a lab; each lesson, the answers to
    each exercise, and each venue's part of the contract, by themselves; all pages, which share a
    browser."""
    path, _, test = nodeid.partition("::")
    if "/browser/" in path:
        return "tests/browser/"
    if path.endswith(("test_lessons.py", "test_grading.py", "test_contract.py")) and "[" in test:
        return f"{path}[{test.partition('[')[2].partition('-')[0].rstrip(']')}"
    return path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Work is shared out by :func:`scope_of` (xdist's own marks do not work with pytest 9.2), in
    the order of the tests."""
    from xdist.scheduler import LoadScopeScheduling

    class ByScope(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    config.option.loadscopereorder = False
    return ByScope(config, log)


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recordings; the test is skipped where there is none."""
    folder = recordings()
    if not folder.is_dir():
        pytest.skip(f"no recordings in {folder}; name their folder in VOCX_RECORDED")
    return folder


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A real lab in a process of its own, one per test module."""
    import vocx.lab

    opened = vocx.lab.open(seed=7, replace=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def exchange(lab: Lab) -> Iterator[Exchange]:
    """Binance in that lab."""
    import vocx

    ex = vocx.connect("binance", lab=lab)
    yield ex
    ex.close()
