"""What the owner of a lab gives it: exact numbers of any library are taken, everything else is
refused in words, without an exponent and without another library's spelling."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import vocx.lab
from vocx.errors import VocxError
from vocx.lab.service.config import Config

EXPONENT = re.compile(r"\d[eE][-+]?\d")
WRONG: list[Any] = [
    -1, float("nan"), float("inf"), np.float64("nan"), np.int64(-3), [], {}, "x" * 1000, True,
    1e300, 10**30, b"x", np.array([1, 2]), Decimal("sNaN"), "\ud800", "5",
]  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Iterator[vocx.lab.Lab]:
    with vocx.lab.open(seed=5, name="owner arguments") as found:
        yield found


@pytest.mark.parametrize("five", [np.int64(5), np.float32(5), Decimal(5), 5])
def test_numbers_are_taken_where_they_are_exact(lab: vocx.lab.Lab, five: Any) -> None:
    """In every control of a lab, and where one is opened."""
    lab.limits(scale=five)
    lab.keepalive(scale=five)
    with lab.network.latency(rtt_ms=five):
        assert lab.network.state
    lab.fault("overloaded", venue="binance", path="GET /api/v3/time", count=five)
    lab.faults.off()
    made = Config(seed=five, pace=five, speed=five)
    assert (made.seed, made.pace, made.speed) == (5, 5.0, 5.0) and type(made.seed) is int


def calls(lab: vocx.lab.Lab, wrong: Any) -> Iterator[Callable[[], Any]]:
    yield lambda: lab.limits(scale=wrong)
    yield lambda: lab.keepalive(scale=wrong)
    yield lambda: lab.network.latency(rtt_ms=wrong).off()
    yield lambda: lab.network.bandwidth(kib_per_s=wrong).off()
    yield lambda: lab.fault(wrong, venue="binance")
    yield lambda: lab.fault("overloaded", venue="binance", path="GET /api/v3/time", count=wrong)
    yield lambda: lab.account(wrong)
    yield lambda: lab.account(balances={"USDT": wrong})
    yield lambda: lab.account(balances=wrong)
    yield lambda: lab.truth.book(wrong)
    yield lambda: lab.credentials(wrong)
    yield lambda: lab.shutdown(wrong)
    yield lambda: Config(seed=wrong)
    yield lambda: Config(pace=wrong)
    yield lambda: Config(speed=wrong)
    yield lambda: Config(port=wrong)
    yield lambda: vocx.lab.open(symbols=[wrong], name="never")
    yield lambda: vocx.lab.open(replay=[wrong], name="never")


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: type(wrong).__name__)
def test_only_errors_of_ours_leave_a_lab(lab: vocx.lab.Lab, wrong: Any) -> None:
    """Short, on one line, as people write numbers; and the lab goes on."""
    for number, call in enumerate(calls(lab, wrong)):
        try:
            call()
        except VocxError as error:
            said = str(error)
            assert len(said) < 700 and said.isprintable(), (number, said)
            assert "np." not in said and not EXPONENT.search(said), (number, said)
    assert lab.status()
    lab.faults.off()
    lab.network.clear()
