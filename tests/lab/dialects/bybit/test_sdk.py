"""Bybit's official SDK against the lab: only its URLs are changed. And the article's two listings,
as they are printed, which work until something goes wrong."""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest
import requests

pytest.importorskip("pybit", reason="the official SDK is not installed")

from pybit import _websocket_trading, unified_trading
from pybit.exceptions import FailedRequestError, InvalidRequestError

import vocx.lab
from vocx.lab import Lab

SPOT: dict[str, Any] = {"category": "spot", "symbol": "BTCUSDT"}
DEADLINE_S = 10.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with vocx.lab.open(name="pybit", seed=7, venues=["bybit"]) as opened:
        yield opened


@pytest.fixture
def http(lab: Lab) -> unified_trading.HTTP:
    pair = lab.credentials("bybit")
    session = unified_trading.HTTP(testnet=False, api_key=pair.key, api_secret=pair.secret)
    session.endpoint = lab.urls["bybit"]["rest"]
    session.cancel_all_orders(category="spot")
    return session


@pytest.fixture
def sockets(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The SDK's URLs, with the venue as far away as a venue can be: the SDK notes what waits for
    an answer after it has asked, which on a busy machine takes longer than a near answer."""
    urls = lab.urls["bybit"]
    public = urls["ws_public"].removesuffix("spot") + "{CHANNEL_TYPE}"
    monkeypatch.setattr(unified_trading, "PUBLIC_WSS", public)
    monkeypatch.setattr(unified_trading, "PRIVATE_WSS", urls["ws_private"])
    monkeypatch.setattr(_websocket_trading, "TRADE_WSS", urls["ws_trade"])
    with lab.network.latency(rtt_ms=250):
        yield


def until(true: Callable[[], object], why: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < end, why
        threading.Event().wait(0.01)


def low_price(http: unified_trading.HTTP) -> str:
    best = http.get_orderbook(**SPOT, limit=1)["result"]["b"][0][0]
    return f"{float(best) * 0.95:.2f}"


def test_public_calls(http: unified_trading.HTTP) -> None:
    """Each is read by the SDK."""
    assert http.get_server_time()["result"]["timeNano"]
    assert http.get_instruments_info(category="spot")["result"]["list"]
    assert http.get_tickers(**SPOT)["result"]["list"][0]["bid1Price"]
    assert len(http.get_orderbook(**SPOT, limit=50)["result"]["b"]) == 50
    assert http.get_public_trade_history(**SPOT)["result"]["list"]
    assert len(http.get_kline(**SPOT, interval="5", limit=3)["result"]["list"]) == 3
    with pytest.raises(InvalidRequestError, match="Not supported symbols"):
        http.get_tickers(category="spot", symbol="NOPE")


def test_an_order_round_trip(http: unified_trading.HTTP) -> None:
    """Placed, shown, amended, cancelled; filled; batches; the account."""
    price = low_price(http)
    order = {**SPOT, "side": "Buy", "orderType": "Limit", "qty": 0.01, "price": price}
    placed = http.place_order(**order, timeInForce="PostOnly")["result"]
    (row,) = http.get_open_orders(**SPOT)["result"]["list"]
    assert (row["orderId"], row["orderStatus"]) == (placed["orderId"], "New")
    http.amend_order(**SPOT, orderId=placed["orderId"], qty="0.02")
    http.cancel_order(**SPOT, orderId=placed["orderId"])
    (row,) = http.get_order_history(**SPOT, orderId=placed["orderId"])["result"]["list"]
    assert (row["orderStatus"], row["qty"]) == ("Cancelled", "0.02000")
    bought = http.place_order(**SPOT, side="Buy", orderType="Market", qty="100")["result"]
    fills = http.get_executions(**SPOT, orderId=bought["orderId"])["result"]["list"]
    assert fills and {one["feeCurrency"] for one in fills} == {"BTC"}
    one = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    batch = http.place_batch_order(
        category="spot", request=[{**one, "price": price}, {**one, "price": "0.001"}]
    )
    assert [told["code"] for told in batch["retExtInfo"]["list"]] == [0, 170134]
    assert len(http.cancel_all_orders(**SPOT)["result"]["list"]) == 1
    wallet = http.get_wallet_balance(accountType="UNIFIED", coin="USDT,BTC")["result"]["list"]
    assert {coin["coin"] for coin in wallet[0]["coin"]} == {"USDT", "BTC"}
    assert http.get_account_info()["result"]["unifiedMarginStatus"] == 5
    assert http.get_fee_rates(category="spot")["result"]["list"]
    assert http.get_api_key_information()["result"]["uta"] == 1
    with pytest.raises(InvalidRequestError) as caught:
        http.place_order(**{**order, "qty": "8000"})
    assert caught.value.status_code == 170131


def test_limits_and_places(lab: Lab, http: unified_trading.HTTP) -> None:
    """A breach is waited out until the reset; a blocked place is an error of its own."""
    with lab.fault("limited", venue="bybit", path="/v5/account/info", reset_s=0.05):
        assert http.get_account_info()["retCode"] == 0
    with lab.fault("region", venue="bybit", count=1), pytest.raises(FailedRequestError):
        http.get_account_info()


def test_public_streams(lab: Lab, sockets: None) -> None:
    """Books, trades, tickers and candles reach their callbacks, the book kept by the SDK."""
    ws = unified_trading.WebSocket(testnet=False, channel_type="spot")
    got: dict[str, list[Any]] = {}

    def keep(message: dict[str, Any]) -> None:
        got.setdefault(message["topic"].split(".")[0] + message.get("type", ""), []).append(message)

    try:
        ws.orderbook_stream(50, "BTCUSDT", keep)
        ws.trade_stream(["BTCUSDT", "ETHUSDT"], keep)
        ws.ticker_stream("BTCUSDT", keep)
        ws.kline_stream(5, "BTCUSDT", keep)
        until(lambda: len(got) >= 4, "not all came")
        until(lambda: len(got.get("orderbooksnapshot", ())) > 20, "the book does not go on")
        assert ws.is_connected()
        last = got["orderbooksnapshot"][-1]["data"]
        assert len(last["b"]) == len(last["a"]) == 50
    finally:
        ws.exit()


def test_private_and_trade_sockets(lab: Lab, http: unified_trading.HTTP, sockets: None) -> None:
    """An order by socket, and its rows by another."""
    pair = lab.credentials("bybit")
    keys = {"testnet": False, "api_key": pair.key, "api_secret": pair.secret}
    private = unified_trading.WebSocket(channel_type="private", **keys)
    trading = unified_trading.WebSocketTrading(**keys)
    rows: list[dict[str, Any]] = []
    fills: list[dict[str, Any]] = []
    wallets: list[dict[str, Any]] = []
    replies: list[dict[str, Any]] = []
    try:
        private.order_stream(lambda message: rows.extend(message["data"]))
        private.execution_stream(lambda message: fills.extend(message["data"]))
        private.wallet_stream(lambda message: wallets.extend(message["data"]))
        order = {**SPOT, "side": "Buy", "orderType": "Limit", "qty": "0.01"}
        for number in range(5):
            link = f"{time.time_ns()}-{number}"
            sent = {**order, "price": low_price(http), "orderLinkId": link}
            trading.place_order(replies.append, **sent)
        until(lambda: len(replies) == 5, "an answer is missing")
        assert {one["retCode"] for one in replies} == {0}
        until(lambda: len(rows) == 5, "a row is missing")
        trading.cancel_order(replies.append, **SPOT, orderId=replies[0]["data"]["orderId"])
        until(lambda: len(rows) == 6 and len(replies) == 6, "the cancel was not told")
        assert rows[-1]["orderStatus"] == "Cancelled" and wallets
        trading.place_order(replies.append, **SPOT, side="Buy", orderType="Market", qty="100")
        until(lambda: fills and len(replies) == 7, "no fill")
        until(lambda: rows[-1]["orderStatus"] in ("Filled", "PartiallyFilledCanceled"), "no end")
    finally:
        private.exit()
        trading.exit()


# The article's listings, with the URL of the lab.


def public_ticker(rest: str) -> str:
    """As printed: no time-out, and what comes is believed."""
    url = rest + "/v5/market/tickers"
    response = requests.get(url, params={"category": "spot", "symbol": "BTCUSDT"})
    data = response.json()
    return str(data["result"]["list"][0]["lastPrice"])


def signed_order(
    rest: str, key: str, secret: str, payload: dict[str, Any], send: Any = requests.post
) -> Any:
    """As printed: the body is serialised twice, once to sign and once to send; there is no client
    id and no time-out."""
    timestamp, window = str(int(time.time() * 1000)), "5000"
    text = timestamp + key + window + json.dumps(payload)
    headers = {
        "X-BAPI-API-KEY": key,
        "X-BAPI-TIMESTAMP": timestamp,
        "X-BAPI-RECV-WINDOW": window,
        "X-BAPI-SIGN": hmac.new(secret.encode(), text.encode(), sha256).hexdigest(),
    }
    return send(rest + "/v5/order/create", headers=headers, json=payload)


def test_the_articles_listings_work(lab: Lab, http: unified_trading.HTTP) -> None:
    """On a good day."""
    rest, pair = lab.urls["bybit"]["rest"], lab.credentials("bybit")
    assert float(public_ticker(rest)) > 0
    payload = {**SPOT, "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    placed = signed_order(rest, pair.key, pair.secret, {**payload, "price": low_price(http)})
    assert placed.json()["retCode"] == 0


def test_the_articles_listings_break(lab: Lab, http: unified_trading.HTTP) -> None:
    """A refusal comes inside 200; another client serialises otherwise; a lost answer waits for
    ever, and without a client id nobody knows whether the order rests."""
    rest, pair = lab.urls["bybit"]["rest"], lab.credentials("bybit")
    payload = {**SPOT, "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    payload["price"] = low_price(http)
    refused = signed_order(rest, pair.key, pair.secret, {**payload, "qty": "8000"})
    refused.raise_for_status()  # says nothing
    assert refused.status_code == 200 and refused.json()["retCode"] == 170131
    with lab.fault("limited", venue="bybit", count=1), pytest.raises(KeyError):
        public_ticker(rest)
    twice = signed_order(rest, pair.key, pair.secret, payload, httpx.post)
    assert twice.json()["retCode"] == 10004
    done = threading.Event()

    def wait_for_ever() -> None:
        try:
            signed_order(rest, pair.key, pair.secret, payload)
        except requests.RequestException:
            pass
        done.set()

    before = len(http.get_open_orders(**SPOT)["result"]["list"])
    with lab.fault("lost_answer", venue="bybit", path="POST /v5/order/create", count=1):
        threading.Thread(target=wait_for_ever, daemon=True).start()
        until(
            lambda: len(http.get_open_orders(**SPOT)["result"]["list"]) > before,
            "the order does not rest",
        )
        assert not done.wait(1.0), "the listing has no time-out, and hangs"
