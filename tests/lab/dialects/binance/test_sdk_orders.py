"""Binance's official SDK trades on the lab: only its URLs are changed, and its strict models read
every answer and every event."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("binance_sdk_spot", reason="the official SDK is not installed")

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_common.errors import BadRequestError, UnauthorizedError
from binance_sdk_spot.spot import Spot

from vocx.lab import Lab

pytestmark = pytest.mark.filterwarnings("ignore:parameter 'timeout' of type:DeprecationWarning")
DEADLINE_S = 20.0
BTC: dict[str, Any] = {"symbol": "BTCUSDT"}
RESTING: dict[str, Any] = {
    **BTC,
    "side": "BUY",
    "type": "LIMIT",
    "time_in_force": "GTC",
    "quantity": 0.001,
    "price": 50000.0,
}
MARKET: dict[str, Any] = {**BTC, "side": "BUY", "type": "MARKET", "quantity": 0.01}


def made(lab: Lab, kind: str, **changed: str) -> Spot:
    """The SDK with a key of the default account: HMAC or Ed25519."""
    urls, keys, secret = lab.urls["binance"], lab.credentials("binance"), "api_secret"
    if kind == "ed25519":
        keys = lab.account("default", ed25519=True, venue="binance")
        secret = "private_key"
    signed: dict[str, Any] = {"api_key": keys.key, secret: keys.secret, **changed}
    return Spot(
        config_rest_api=ConfigurationRestAPI(
            base_path=urls["rest"], timeout=5000, retries=0, **signed
        ),
        config_ws_api=ConfigurationWebSocketAPI(stream_url=urls["ws_api"], **signed),
    )


@pytest.fixture(params=["hmac", "ed25519"])
def spot(lab: Lab, request: Any) -> Spot:
    """Once with an HMAC key, once with an Ed25519 key."""
    return made(lab, request.param)


def test_rest_order_life(spot: Spot) -> None:
    """Place, query, list, cancel; the client's id leads everywhere."""
    rest, name = spot.rest_api, f"sdk-{time.monotonic_ns()}"
    placed = rest.new_order(**RESTING, new_client_order_id=name)
    order = placed.data()
    assert (order.status, order.price, order.fills) == ("NEW", "50000.00000000", [])
    found = rest.get_order(symbol="BTCUSDT", orig_client_order_id=name).data()
    assert (found.order_id, found.orig_qty) == (order.order_id, "0.00100000")
    assert order.order_id in [one.order_id for one in rest.get_open_orders().data()]
    gone = rest.delete_order(symbol="BTCUSDT", order_id=order.order_id).data()
    assert gone.status == "CANCELED" and gone.orig_client_order_id == name
    limits = {(one.rateLimitType, one.interval): one.count for one in placed.rate_limits}
    assert limits["ORDERS", "SECOND"] >= 1 and limits["ORDERS", "DAY"] >= 1


def test_rest_fills_agree(spot: Spot) -> None:
    """The placement's fills, ``myTrades`` and the balances tell one story."""
    rest = spot.rest_api

    def free(asset: str) -> Decimal:
        balances = rest.get_account().data().balances
        return next(Decimal(one.free) for one in balances if one.asset == asset)

    before = free("BTC")
    order = rest.new_order(**MARKET).data()
    assert order.status == "FILLED" and order.executed_qty == "0.01000000"
    trades = rest.my_trades(symbol="BTCUSDT", order_id=order.order_id).data()
    assert [one.commission for one in trades] == [one.commission for one in order.fills]
    fees = sum(Decimal(one.commission) for one in trades)
    assert free("BTC") - before == Decimal("0.01") - fees


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("order_test", {**RESTING, "compute_commission_rates": True}),
        ("all_orders", BTC),
        ("rate_limit_order", {}),
        ("account_commission", BTC),
        ("my_filters", BTC),
        ("get_account", {"omit_zero_balances": True}),
    ],
)
def test_rest_reads(spot: Spot, method: str, arguments: dict[str, Any]) -> None:
    """Each answer is read by its model."""
    assert getattr(spot.rest_api, method)(**arguments).data()


def test_rest_refusals(lab: Lab, spot: Spot) -> None:
    """Business errors and wrong keys are the SDK's own exceptions, with the venue's words."""
    with pytest.raises(BadRequestError) as caught:
        spot.rest_api.new_order(**{**RESTING, "quantity": 0.001001})
    assert caught.value.error_message == "Filter failure: LOT_SIZE"
    with pytest.raises(BadRequestError) as caught:
        spot.rest_api.new_order(**{**RESTING, "quantity": 0.00001})
    assert caught.value.status_code == -1100, "the SDK writes this float as 1e-05"
    with pytest.raises(BadRequestError) as caught:
        spot.rest_api.delete_order(symbol="BTCUSDT", order_id=1)
    assert caught.value.status_code == -2011
    with pytest.raises(UnauthorizedError):
        made(lab, "hmac", api_key="0" * 64).rest_api.get_account()


async def _trade(api: Any) -> list[Any]:
    """Every signed method of the WebSocket API once, on a connection."""
    placed = await api.order_place(**{**RESTING, "type": "LIMIT"})
    order_id = placed.data().result.order_id
    return [
        placed,
        await api.order_test(**RESTING),
        await api.order_status(symbol="BTCUSDT", order_id=order_id),
        await api.open_orders_status(symbol="BTCUSDT"),
        await api.order_cancel(symbol="BTCUSDT", order_id=order_id),
        await api.order_place(**RESTING),
        await api.open_orders_cancel_all(symbol="BTCUSDT"),
        await api.order_place(**MARKET),
        await api.all_orders(symbol="BTCUSDT"),
        await api.my_trades(symbol="BTCUSDT"),
        await api.account_status(),
        await api.account_rate_limits_orders(),
        await api.account_commission(symbol="BTCUSDT"),
    ]


def test_websocket_api_and_user_data(spot: Spot) -> None:
    """Orders by WebSocket; their events arrive as the SDK's models, in order."""

    async def trade() -> tuple[list[Any], list[Any]]:
        api = await spot.websocket_api.create_connection()
        got: list[Any] = []
        complete = asyncio.Event()

        def keep(message: Any) -> None:
            got.append(message.actual_instance)
            if type(got[-1]).__name__ == "EventStreamTerminated":
                complete.set()

        try:
            user = await api.user_data_stream_subscribe_signature()
            user.stream.on("message", keep)
            answers = await _trade(api)
            await api.user_data_stream_unsubscribe()
            await complete.wait()
            return answers, got
        finally:
            await api.close_connection(close_session=True)

    answers, got = asyncio.run(asyncio.wait_for(trade(), DEADLINE_S))
    assert all(answer.data().status == 200 for answer in answers)
    reports = [one for one in got if type(one).__name__ == "ExecutionReport"]
    kinds = [one.x for one in reports]
    assert kinds[:5] == ["NEW", "CANCELED", "NEW", "CANCELED", "NEW"]
    assert set(kinds[5:]) == {"TRADE"} and reports[-1].X == "FILLED"
    assert sum(type(one).__name__ == "OutboundAccountPosition" for one in got) == 5


def test_logon(lab: Lab) -> None:
    """An Ed25519 key logs on, trades without signatures, and listens."""

    async def log_on() -> tuple[Any, ...]:
        api = await made(lab, "ed25519").websocket_api.create_connection()
        arrived = asyncio.Event()
        try:
            logon = await api.session_logon()
            user = await api.user_data_stream_subscribe()
            user.stream.on("message", lambda _: arrived.set())
            order = await api.order_place(**RESTING)
            await arrived.wait()
            status, listed = await api.session_status(), await api.session_subscriptions()
            await api.open_orders_cancel_all(symbol="BTCUSDT")
            await api.session_logout()
            return logon.data(), order.data(), status.data(), listed.data()
        finally:
            await api.close_connection(close_session=True)

    logon, order, status, listed = asyncio.run(asyncio.wait_for(log_on(), DEADLINE_S))
    assert logon.result.api_key == status.result.api_key
    assert order.result.status == "NEW"
    assert status.result.user_data_stream is True and len(listed.result) == 1


def test_logon_needs_ed25519(lab: Lab) -> None:
    """An HMAC key cannot log on."""

    async def log_on() -> Any:
        api = await made(lab, "hmac").websocket_api.create_connection()
        try:
            return (await api.session_logon()).data()
        finally:
            await api.close_connection(close_session=True)

    assert "-1020" in str(asyncio.run(asyncio.wait_for(log_on(), DEADLINE_S)))


def test_account_of_a_class(lab: Lab) -> None:
    """The lab's owner opens accounts for others, with keys of their own."""
    given = lab.account("class", balances={"USDT": "100"}, venue="binance")
    spot = made(lab, "hmac", api_key=given.key, api_secret=given.secret)
    balances = spot.rest_api.get_account(omit_zero_balances=True).data().balances
    assert [(one.asset, one.free) for one in balances] == [("USDT", "100.00000000")]
