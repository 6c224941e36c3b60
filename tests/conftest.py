"""Fixtures for all tests: recordings where there are some, and a real lab over real sockets."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab


# A suite that a shell starts in the background inherits an ignored Ctrl-C: tests that interrupt
# would then interrupt nothing, and what they were to end would run on beside all other tests.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def recordings() -> Path:
    """Where recorded sessions and conformance data lie: ``VOCX_RECORDED``, or beside the
    checkout in ``shared/recorded``."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "recorded"
    return Path(os.environ.get("VOCX_RECORDED") or beside)


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
