"""What lesson 08 shows with: an order whose answer is lost, asked for by its id."""

from __future__ import annotations

import pytest

import vocx
from vocx.course.unknown_orders import Episode, far_below, figure, order_path
from vocx.exchange import Exchange
from vocx.lab import Lab

BTC = "BTC/USDT"


def test_what_arrived_is_found_and_what_did_not_is_not(lab: Lab, exchange: Exchange) -> None:
    """Both were told "unknown"; the exchange's lane is its own log's, from a time after sending."""
    arrived = Episode(lab, exchange, arrives=True)
    vanished = Episode(lab, exchange, arrives=False)
    assert arrived.ask(0.05, 0.1).split()[-1] == "new"
    assert [line.split("  ")[-1] for line in vanished.ask(0.05, 0.1).splitlines()] == [
        "not found",
        "not found",
    ]
    told = [[one.text for one in each.events if one.lane == "you"] for each in (arrived, vanished)]
    assert told == [["sent", "unknown", "new"], ["sent", "unknown", "not found", "not found"]]
    (has,) = [one for one in arrived.events if one.lane == "the exchange"]
    assert has.text == "has it" and 0 < has.at_s < 5
    assert [one.text for one in vanished.events if one.lane != "you"] == ["has nothing"]
    assert len(exchange.open_orders(BTC)) == 1 and lab.faults == []
    assert len(figure(arrived, vanished).data) == 4
    exchange.cancel_all(BTC)


def test_far_below_is_on_a_tick(exchange: Exchange) -> None:
    """A tenth below the best bid, as the exchange takes it."""
    price, tick = far_below(exchange), exchange.instrument(BTC).tick
    bid = exchange.quote(BTC).bid
    assert bid is not None and price % tick == 0 and price < bid * 92 / 100


@pytest.mark.parametrize(
    ("venue", "path"),
    [
        ("binance", "POST /api/v3/order"),
        ("okx", "POST /api/v5/trade/order"),
        ("bybit", "POST /v5/order/create"),
        ("coinbase", "POST /api/v3/brokerage/orders"),
    ],
)
def test_where_an_order_goes(venue: str, path: str) -> None:
    """A fault there meets orders, and no cancel that is a POST as well."""
    with vocx.connect(venue, "real") as exchange:
        assert order_path(exchange) == path
