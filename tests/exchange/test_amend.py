"""Changing an open order, in the lab and by the adapter's own arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import vocx
from vocx import errors, venues
from vocx.exchange import Exchange
from vocx.facts import Order
from vocx.venues.base import AmendOrder, Credentials, Request

BTC = "BTC/USDT"


@pytest.fixture
def resting(exchange: Exchange) -> Iterator[Order]:
    """An order far below the market."""
    price = exchange.instrument(BTC).round_price(exchange.quote(BTC).bid * 9 / 10, "buy")
    order = exchange.place_order(BTC, "buy", "0.02", type="limit", price=price)
    assert isinstance(order, Order)
    yield order
    exchange.cancel_all(BTC)


def test_a_smaller_quantity_keeps_the_order(exchange: Exchange, resting: Order) -> None:
    """The same order under the same ids, with its place in the queue."""
    now = exchange.amend(resting, "0.01")
    assert isinstance(now, Order) and now.quantity == Decimal("0.01") and now.open
    assert (now.id, now.client_order_id) == (resting.id, resting.client_order_id)
    assert now.http is not None and now.http.method == "PUT"
    assert exchange.order(resting).quantity == Decimal("0.01")


@pytest.mark.parametrize("by", ["order", "id", "client_order_id"])
def test_another_price_is_another_order(exchange: Exchange, resting: Order, by: str) -> None:
    """The old one is cancelled, the new one is given; named by whatever it is known by."""
    assert resting.price is not None
    name: Any = resting if by == "order" else getattr(resting, by)
    now = exchange.amend(name, price=resting.price - 1)
    assert isinstance(now, Order) and now.price == resting.price - 1 and now.open
    assert now.id != resting.id and now.client_order_id.startswith("vocx-")
    assert exchange.order(resting).status == "canceled"
    assert exchange.order(now.client_order_id).id == now.id


def test_what_is_so_already_is_left_alone(exchange: Exchange, resting: Order) -> None:
    """Nothing is sent that would cost the place in the queue."""
    now = exchange.amend(resting, resting.quantity, price=resting.price)
    assert now.id == resting.id and now.http is not None and now.http.method == "GET"


def test_an_order_that_is_over_is_not_amended(exchange: Exchange, resting: Order) -> None:
    """The error says how it ended, and that nothing changed."""
    exchange.cancel_order(resting)
    with pytest.raises(errors.OrderNotFound, match="canceled already") as caught:
        exchange.amend(resting, "0.01")
    assert caught.value.outcome == "refused"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "a quantity, a price or both"),
        ({"quantity": "0.0000001"}, "below the least"),
        ({"price": "60000.005"}, "on the tick"),
    ],
)
def test_what_cannot_be_sent_is_refused_here(
    exchange: Exchange, resting: Order, change: dict[str, Any], says: str
) -> None:
    """As for a placement: before anything leaves."""
    with pytest.raises(errors.BadInput, match=says) as caught:
        exchange.amend(resting, **change)
    assert caught.value.outcome == "not_sent"


def test_the_bound_holds_for_amendments(lab: Any, resting: Order) -> None:
    """``max_notional`` bounds what an order is afterwards."""
    with vocx.connect(lab=lab, max_notional="1200") as ex:
        with pytest.raises(errors.NotAllowed, match="max_notional"):
            ex.amend(resting, "0.5")


def test_a_replacement_that_is_refused_has_cost_the_old_order(
    exchange: Exchange, resting: Order
) -> None:
    """Too large for the balance: what became of both orders is said."""
    with pytest.raises(errors.OrderRefused, match="old order is cancelled.*balance") as caught:
        exchange.amend(resting, "20")
    assert caught.value.outcome == "refused" and caught.value.code == -2021
    assert exchange.order(resting).status == "canceled"


# the adapter


def order(**changes: Any) -> Order:
    given = {
        "symbol": BTC,
        "id": 7,
        "client_order_id": "mine",
        "side": "buy",
        "type": "limit",
        "status": "partially_filled",
        "quantity": Decimal("2"),
        "filled": Decimal("0.5"),
        "filled_quote": Decimal(50),
        "price": Decimal(100),
        "time_in_force": "GTC",
    }
    return Order(**(given | changes))


def test_a_replacement_is_for_what_is_left() -> None:
    """And refuses itself where a fill came between asking and replacing a new order."""
    from vocx.venues.binance.orders import amendment

    wish = AmendOrder(symbol=BTC, id=7, quantity=Decimal(3), new_client_order_id="next")
    call = amendment(wish, order())
    assert call is not None and call.path == "order/cancelReplace" and call.changes
    assert call.parameters["quantity"] == "2.5" and call.parameters["newClientOrderId"] == "next"
    assert call.parameters["cancelRestrictions"] == "ONLY_PARTIALLY_FILLED"
    fresh = amendment(wish, order(status="new", filled=Decimal(0)))
    assert fresh is not None and fresh.parameters["cancelRestrictions"] == "ONLY_NEW"


@pytest.mark.parametrize("quantity", ["0.5", "0.4"])
def test_less_than_is_filled_cannot_be_wished(quantity: str) -> None:
    """An order cannot be made smaller than what it has already done."""
    from vocx.venues.binance.orders import amendment

    with pytest.raises(errors.BadInput, match="0.5 of the order is filled"):
        amendment(AmendOrder(symbol=BTC, id=7, quantity=Decimal(quantity)), order())


def test_the_steps_of_an_amendment_are_requests_of_one_intent() -> None:
    """First the order is asked for, which may be repeated; what changes it is sent once."""
    venue = venues.get("binance")
    first = venue.request(AmendOrder(symbol=BTC, id=7, price=Decimal(99)))
    assert first.signed and first.safe_to_retry and first.method == "GET"
    body = (
        b'{"symbol":"BTCUSDT","orderId":7,"clientOrderId":"mine","price":"100","origQty":"2",'
        b'"executedQty":"0","cummulativeQuoteQty":"0","status":"NEW","timeInForce":"GTC",'
        b'"type":"LIMIT","side":"BUY","time":1,"updateTime":1}'
    )
    answer = venue.reply(first, 200, {}, body, 5)
    assert answer.result is None and isinstance(answer.next, Request)
    assert answer.next.method == "POST" and not answer.next.safe_to_retry
    assert answer.next.charges["orders"] == 1
    key = Credentials(key="k", secret="s")
    assert "&signature=" in venue.sign(answer.next, 0, key, "").target
