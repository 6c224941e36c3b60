"""Asked for and pushed on one chart, beside the truth."""

from __future__ import annotations

import inspect
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from faulty import until

from vocx import course
from vocx.course.instruments.compare_view import CompareView
from vocx.errors import BadInput
from vocx.venues.base import GetQuote

if TYPE_CHECKING:
    from vocx.exchange import Exchange


def test_compare_asks_listens_and_knows_the_truth(exchange: Exchange) -> None:
    """Three lines, a slider that follows the dial, and the asking ends with the view."""
    stream = exchange.stream("quotes", symbols="BTC/USDT").wait(5)
    shown = course.compare(asked=exchange, pushed=stream, every_ms=100, dials=exchange.lab)
    until(lambda: all(np.isfinite(trace.y).any() for trace in shown.figure.data), 10)
    assert len(shown.figure.data[3].x) == len(shown.asked.points)  # a square each
    shown._on_message(None, {"do": "dial", "value": 40}, [])
    until(lambda: "40 ms" in shown.panel.dials, 10)
    exchange.lab.network.latency(rtt_ms=80)
    until(lambda: shown.panel.sliders[0]["value"] == 80, 10)
    exchange.lab.network.clear()
    shown.stop()
    stream.stop()
    until(lambda: not shown.asked._thread.is_alive())


def test_a_wrong_call_says_the_form_of_the_instrument() -> None:
    """Under the name that a lesson uses; arguments and help are those of the view's class."""
    with pytest.raises(BadInput, match=r"write compare\(asked=1, pushed=2\)"):
        course.compare(1, 2)  # type: ignore[call-arg, misc]
    with pytest.raises(BadInput, match='Did you mean "pushed"'):
        course.frontier(asked=1, push=2, cost=3)  # type: ignore[call-arg, arg-type]
    assert str(inspect.signature(course.compare)).startswith("(*, asked: 'Exchange', pushed:")
    assert course.compare.__doc__ == CompareView.__doc__
    assert pickle.loads(pickle.dumps(course.compare)) is course.compare


def test_the_polling_interval_is_set_by_hand_and_by_code(exchange: Exchange) -> None:
    """Both count at once, the slider follows the code, and the status says what is in force; no
    place of the slider spends so much of the limit that the reader's own calls have to wait."""
    stream = exchange.stream("quotes", symbols="BTC/USDT").wait(5)
    shown = course.compare(asked=exchange, pushed=stream, every_ms=60_000)
    (interval,) = shown.panel.sliders
    charged = exchange.venue.request(GetQuote(symbol="BTC/USDT")).charges["weight"]
    limit = next(one for one in exchange.budget.rows() if one.bucket == "weight")
    assert 60_000 / interval["stops"][0][0] * charged < limit.amount / 5
    until(lambda: shown.asked.calls)
    shown._on_message(None, {"do": "dial", "id": "interval", "value": 200}, [])
    until(lambda: shown.asked.calls >= 3)
    assert shown.every_ms == 200
    until(lambda: "asked every 200 ms" in shown.panel.status)
    shown.every_ms = 750
    until(lambda: shown.panel.sliders[0]["text"] == "750 ms")
    until(lambda: "asked every 750 ms" in shown.panel.status)
    assert "every_ms" in dir(shown)
    for wrong in (5, "soon"):
        with pytest.raises(BadInput, match="every_ms"):
            shown.every_ms = wrong
    assert shown.every_ms == 750
    shown.stop()
    stream.stop()
