"""Several orders in one go, in the lab: checked before any is sent, sent once, none forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import vocx
import vocx.lab
from vocx import errors, venues
from vocx.exchange import Exchange
from vocx.facts import OrderAck, OrderResult

BTC = "BTC/USDT"
PLACE = {
    "binance": "POST /api/v3/order",
    "bybit": "/v5/order/create-batch",
    "coinbase": "POST /api/v3/brokerage/orders",
    "okx": "/api/v5/trade/batch-orders",
}
CANCEL = {
    "binance": "DELETE /api/v3/order",
    "bybit": "/v5/order/cancel-batch",
    "coinbase": "/api/v3/brokerage/orders/batch_cancel",
    "okx": "/api/v5/trade/cancel-batch-orders",
}


@pytest.fixture(scope="module")
def four() -> Iterator[Any]:
    with vocx.lab.open(name="several orders", seed=7, venues=list(PLACE)) as lab:
        yield lab


@pytest.fixture(scope="module", params=PLACE)
def ex(request: pytest.FixtureRequest, four: Any) -> Iterator[Exchange]:
    with vocx.connect(request.param, lab=four) as exchange:
        yield exchange


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No order and no fault stays for the next test."""
    yield
    if "ex" in request.fixturenames:
        exchange = request.getfixturevalue("ex")
        exchange.lab.faults.off()
        exchange.cancel_all(BTC)


def orders(ex: Exchange, count: int, **changed: Any) -> list[dict[str, Any]]:
    price = ex.instrument(BTC).round_price(ex.quote(BTC).bid * Decimal("0.97"), "buy")
    one = {"symbol": BTC, "side": "buy", "type": "limit", "quantity": "0.001", "price": price}
    return [{**one, **changed} for _ in range(count)]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"quantity": "0"}, "order 2: .*above 0"),
        ({"price": 0.1}, "order 2: .*float"),
        ({"side": "up"}, "order 2: there is no side 'up'"),
        ({"prize": "1"}, 'order 2: .*did you mean "price"'),
        ({"test": True}, "order 2: an order has no 'test'"),
        ({"client_order_id": "two words"}, "order 2: client order id"),
        ({"symbol": "BTC/NOPE"}, "order 2: .*BTC/NOPE"),
    ],
)
def test_one_that_cannot_be_sent_keeps_all_back(
    exchange: Exchange, changed: dict[str, Any], said: str
) -> None:
    """The text says which; nothing was sent."""
    with pytest.raises(errors.BadInput, match=said) as caught:
        exchange.place_orders([*orders(exchange, 1), *orders(exchange, 1, **changed)])
    assert caught.value.outcome == "not_sent" and not exchange.open_orders(BTC)


def test_what_is_no_list_of_orders(exchange: Exchange) -> None:
    """Neither is sent."""
    with pytest.raises(errors.BadInput, match="order 1: .* mapping"):
        exchange.place_orders(["BTC/USDT"])  # type: ignore[list-item]
    with pytest.raises(errors.BadInput, match="order 2: .* id of another one"):
        exchange.place_orders(orders(exchange, 2, client_order_id="twice"))
    with pytest.raises(errors.BadInput, match="cancel_order"):
        exchange.cancel_orders("an-id", BTC)
    assert not exchange.open_orders(BTC)


@pytest.mark.parametrize("one", [{"symbol": BTC}, "abc", 7, None], ids=lambda one: repr(one)[:9])
def test_one_order_is_not_several(exchange: Exchange, one: Any) -> None:
    """The text names the call that takes one."""
    with pytest.raises(errors.BadInput, match=r"for one, write place_order\("):
        exchange.place_orders(one)
    with pytest.raises(errors.BadInput, match=r"for one, write cancel_order\("):
        exchange.cancel_orders(one)


def test_each_order_is_bounded(lab: Any) -> None:
    """``max_notional`` counts for each, and keeps all back where one is larger."""
    with vocx.connect(lab=lab, max_notional="100") as ex:
        with pytest.raises(errors.NotAllowed, match="order 2: .*more than the 100"):
            ex.place_orders([*orders(ex, 1), *orders(ex, 1, quantity="0.002")])
        assert not ex.open_orders(BTC)
        assert [one.outcome for one in ex.place_orders(orders(ex, 2))] == ["accepted"] * 2
        ex.cancel_all(BTC)


def test_an_answer_that_is_lost_leaves_nothing_unsaid(ex: Exchange) -> None:
    """Exactly one sending; all of that call are unknown and can be asked for, what comes behind
    is not sent."""
    size = venues.get(ex.venue.name).batch_sizes.get(vocx.venues.base.PlaceOrders, 1)
    assert ex.lab is not None
    ex.lab.fault("truncated_json", venue=ex.venue.name, path=PLACE[ex.venue.name])
    sent = orders(ex, size + 2)
    told = ex.place_orders(sent)
    assert [one.outcome for one in told] == ["unknown"] * size + ["not_sent"] * 2
    assert [one.client_order_id for one in told] == [
        one.error.client_order_id for one in told if one.error is not None
    ]
    assert {type(one.error) for one in told[:size]} == {errors.BadReply}
    assert len(ex.open_orders(BTC)) == size, "sent once, and not again"
    for one in told[:size]:
        assert ex.order(one).client_order_id == one.client_order_id
    ended = ex.cancel_orders(told[:size])
    assert {one.outcome for one in ended} == {"accepted"}
    for one in told[size:]:
        with pytest.raises(errors.OrderNotFound):
            ex.order(one)


def test_a_refused_key_is_said_of_all(ex: Exchange) -> None:
    """One refusal that concerns all: the first call has it, and no other is made."""
    assert ex.lab is not None
    key = ex.lab.account(trade=False, venue=ex.venue.name)
    where = {"rest": ex.url("rest")}
    with vocx.connect(ex.venue.name, where=where, credentials=key) as reader:
        told = reader.place_orders(orders(reader, 25))
    assert {one.outcome for one in told} == {"refused", "not_sent"}
    assert {type(one.error) for one in told} == {errors.BadKey}


def test_a_cancel_that_is_repeated_is_one(ex: Exchange) -> None:
    """Its first answer was lost: what the second does not find was cancelled by the first."""
    placed = ex.place_orders(orders(ex, 2))
    assert ex.lab is not None
    ex.lab.fault("truncated_json", venue=ex.venue.name, path=CANCEL[ex.venue.name])
    ended = ex.cancel_orders(placed)
    assert [one.outcome for one in ended] == ["accepted"] * 2
    assert not ex.open_orders(BTC)
    again = ex.cancel_orders(placed)
    assert {type(one.error) for one in again} == {errors.OrderNotFound}


def test_a_result_in_a_table() -> None:
    """The order has a line of its own; the outcome and the reason are what is looked for."""
    ack = OrderAck(symbol=BTC, id="1")
    good = OrderResult(symbol=BTC, outcome="accepted", id="1", order=ack)
    bad = OrderResult(symbol=BTC, outcome="refused", error=errors.OrderRefused("too small"))
    assert str(good) == "OrderResult: symbol BTC/USDT, outcome accepted, id 1"
    assert "error too small" in str(bad)
    frame = vocx.facts.Facts([good, bad]).frame()
    assert list(frame["outcome"]) == ["accepted", "refused"] and "order" not in frame
