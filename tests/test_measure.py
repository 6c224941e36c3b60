"""Ages and wrong shares: by hand on drawn steps, and once in a real lab."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import vocx
from vocx.errors import BadInput
from vocx.measure import SideBySide, side_by_side, wrong_share

TRUE = [(0, "a"), (40, "b"), (80, "a")]


@pytest.mark.parametrize(
    ("known", "share"),
    [
        ([(0, "a"), (40, "b"), (80, "a")], 0.0),
        ([(0, "a"), (50, "b"), (90, "a")], 0.2),
        ([(0, "a")], 0.4),
        ([(-20, "a"), (30, "b")], 0.3),
        ([(50, "b")], 0.7),
        ([], 1.0),
    ],
)
def test_the_share_of_time_in_which_the_known_price_is_not_the_true_one(known, share) -> None:
    """A price holds until the next; knowing nothing is wrong."""
    assert wrong_share(known, TRUE, 0, 100) == pytest.approx(share)


def test_a_time_of_no_length_has_no_share() -> None:
    """It would divide by zero."""
    with pytest.raises(BadInput, match="after the beginning"):
        wrong_share(TRUE, TRUE, 50, 50)


@pytest.fixture(scope="module")
def exchange() -> Iterator[vocx.Exchange]:
    with vocx.lab.open(seed=7, name="measure") as lab, vocx.connect("binance", lab=lab) as made:
        yield made


def _watch(exchange: vocx.Exchange, rtt_ms: float) -> SideBySide:
    with exchange.stream("quotes", symbols="BTC/USDT").wait(5) as pushed:
        with exchange.lab.network.latency(rtt_ms=rtt_ms):
            return side_by_side(exchange, pushed, seconds=4)


def test_distance_delays_both_by_half_a_round_trip(exchange) -> None:
    """A call pays the whole round trip; what it and a push carry is half of it old."""
    far = _watch(exchange, 200)
    assert far.call_ms >= 200 and far.asked_age_ms >= 100
    assert far.pushed_age_ms is not None and 100 <= far.pushed_age_ms < 200
    assert "latency 200 ms" in str(far) and len(far.figure().data) == 3


def test_near_by_a_push_is_right_nearly_always(exchange) -> None:
    """What is left is the machine's own milliseconds."""
    near = _watch(exchange, 0)
    assert len(near.asked) == 4 and near.pushed_wrong < 0.1
    assert near.pushed_age_ms is not None and near.pushed_age_ms < 50


def test_truth_is_asked_of_a_lab_only() -> None:
    """Nobody knows what was true at a real venue."""
    real = vocx.connect("binance", "real")
    with pytest.raises(BadInput, match="only a lab"):
        side_by_side(real, None)  # type: ignore[arg-type]
