"""The frontier: a plan that two sliders move along the line of all polls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vocx
from vocx import course, measure, views
from vocx.errors import BadInput
from vocx.exchange import Exchange
from vocx.measure import theory
from vocx.measure.traffic import Traffic


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    with vocx.lab.open(name="frontier", seed=7) as lab, vocx.connect("binance", lab=lab) as found:
        yield found


@pytest.fixture(scope="module")
def cost(exchange: Exchange) -> Traffic:
    return measure.traffic(
        exchange, every_ms=250, seconds=1, polls=["quote"], streams=["quotes"], tls=[True]
    )


@pytest.fixture
def view(exchange: Exchange, cost: Traffic) -> Iterator[Any]:
    stream = exchange.stream("quotes", symbols="BTC/USDT").wait(5)
    yield course.frontier(asked=exchange, pushed=stream, cost=cost, every_ms=100)
    views.stop_all()
    stream.stop()


def test_polls_stand_where_arithmetic_puts_them(view: Any, cost: Traffic) -> None:
    """Each point of the line: bytes of a call by its interval, and 0.95 of that as age."""
    bytes_each = cost.cost("poll quote, TLS").bytes_each
    below, above = (view.figure.data[at] for at in (0, 1))
    for kib, age_ms in zip([*below.x, *above.x], [*below.y, *above.y], strict=True):
        assert age_ms == pytest.approx(
            theory.age_quantile_ms(0.95, bytes_each / 1.024 / float(kib))
        )
    assert above.y.max() < 0.95 * 20 < below.y.min()  # 20 ms: 3,000 calls of weight 2 a minute


def test_a_moved_plan_keeps_to_the_line(view: Any) -> None:
    """The ring is on the line of the distance in force, at the interval in force."""
    view.asked.every_ms = 500
    x, y = view._marks(view._measured(0))[2]
    assert y == pytest.approx(475) and x == pytest.approx(view._at(500.0, 0.0)[0])


def test_a_page_that_is_loaded_first_has_the_line(view: Any) -> None:
    """What never changes is never sent again, so it is there from the beginning."""
    held = view.figure._widget_data
    assert all(np.isfinite(np.asarray(held[at]["x"], dtype=float)).all() for at in (0, 1))


def test_its_table_counts_symbols(view: Any) -> None:
    """Every 100 ms is weight 1,200 a minute: five symbols and no more."""
    assert "1,200 of 6,000" in view.table() and view.table().splitlines()[2].endswith(" 5")


def test_costs_of_the_stream_are_needed(exchange: Exchange, cost: Traffic) -> None:
    """A stream whose bytes nobody counted has no place on the chart."""
    ticker = exchange.stream("ticker", symbols="BTC/USDT").wait(5)
    with pytest.raises(BadInput, match="'stream ticker, TLS' was not measured"):
        course.frontier(asked=exchange, pushed=ticker, cost=cost)
    ticker.stop()
