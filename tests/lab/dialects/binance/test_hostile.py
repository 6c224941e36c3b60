"""What strangers may send to the Binance dialect: a refusal of the venue's, never an exception."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trading_binance import KEY, ORDER, SECRET, Exchange, Trader
from venue_binance import Venue

LARGEST = 2**63 - 1
FRAMES = {
    "deep array": b"[" * 100_000,
    "deep object": b'{"a":' * 500 + b"1" + b"}" * 500,
    "long id": b'{"method":"SUBSCRIBE","params":["a@b"],"id":' + b"9" * 5000 + b"}",
    "long number": b'{"id":1,"method":"depth","params":{"symbol":' + b"1" * 5000 + b"}}",
    "half a pair as method": rb'{"method":"\ud800","id":1}',
    "half a pair as id": rb'{"method":"SUBSCRIBE","params":[],"id":"\ud800"}',
    "half a pair as symbol": rb'{"id":1,"method":"depth","params":{"symbol":"\ud83d"}}',
    "not ASCII": '{"method":"ü","id":"ü","params":{"symbol":"ÄÖ"}}'.encode(),
    "not UTF-8": b"\xff\xfe",
    "not a number": b'{"id":1,"method":"depth","params":{"symbol":"BTCUSDT","limit":NaN}}',
    "huge": b'{"id":1,"method":"depth","params":{"symbol":"BTCUSDT","limit":1e400}}',
    "object": b'{"id":1,"method":"depth","params":{"symbol":{"a":[1]}}}',
}


@pytest.mark.parametrize("path", ["/ws", "/ws-api/v3"])
@pytest.mark.parametrize("name", FRAMES)
def test_frames(path: str, name: str) -> None:
    """An error in the connection's own form; it goes on."""
    client = Venue().connect(path)
    assert "error" in client.say(FRAMES[name])[0]
    assert "result" in client.ask("LIST_SUBSCRIPTIONS" if path == "/ws" else "ping")


@pytest.mark.parametrize(
    "target",
    [
        "depth?symbol=%ED%A0%80",
        "depth?symbol=%FF",
        "depth?%ff=%ff&symbol=BTCUSDT",
        "depth?symbol=BTCUSDT&limit=%D9%A1",
        "klines?symbol=BTCUSDT&interval=%C3%A4",
        "depth?symbol=" + "A" * 60_000,
        "ticker/price?symbols=%5B%22%C3%84%22%5D",
        "trades?symbol=BTCUSDT&limit=" + "9" * 5000,
        f"klines?symbol=BTCUSDT&interval=1m&startTime={LARGEST}",
        f"klines?symbol=BTCUSDT&interval=1m&endTime={LARGEST}",
        f"aggTrades?symbol=BTCUSDT&startTime={LARGEST}",
    ],
)
def test_rest(target: str) -> None:
    """400 with a code."""
    answer = Venue().http(target)
    assert answer.status == 400 and json.loads(answer.body)["code"] < -1000


@pytest.mark.parametrize(
    "target",
    [
        f"klines?symbol=BTCUSDT&interval=1M&endTime={LARGEST // 10**6}",
        f"klines?symbol=BTCUSDT&interval=1m&startTime={LARGEST // 10**6}&timeZone=14",
        f"aggTrades?symbol=BTCUSDT&fromId={LARGEST}",
        f"historicalTrades?symbol=BTCUSDT&fromId={LARGEST}",
    ],
)
def test_far_ends(target: str) -> None:
    """The last moment that a clock can show, and the last id, are no fault."""
    answer = Venue().http(target)
    assert answer.status == 200 and isinstance(json.loads(answer.body), list)


@pytest.mark.parametrize(
    ("verb", "path", "params"),
    [
        ("POST", "order", {**ORDER, "quantity": "1" * 20, "price": "1" * 20}),
        ("POST", "order", {**ORDER, "quantity": "0." + "0" * 19 + "1", "price": "60000"}),
        ("POST", "order", {**ORDER, "quantity": "1", "price": "60000", "newClientOrderId": "ä"}),
        ("GET", "allOrders", {"symbol": "BTCUSDT", "startTime": LARGEST}),
        ("GET", "account", {"recvWindow": "9" * 20}),
        ("GET", "account", {"recvWindow": "٣"}),
        ("GET", "account", {"timestamp": LARGEST}),
        ("DELETE", "order", {"symbol": "BTCUSDT", "orderId": LARGEST}),
        ("DELETE", "order", {"symbol": "ÄÄ", "orderId": 1}),
    ],
)
def test_signed(verb: str, path: str, params: dict[str, Any]) -> None:
    """A refusal, whatever the numbers."""
    exchange = Exchange()
    exchange.command("account", name="default", key=KEY, secret=SECRET)
    status, code, _ = Trader(exchange).error(verb, path, **params)
    assert status == 400 and code < -1000


# -- any message, any parameters -----------------------------------------------------------------

WORDS = st.sampled_from(
    "id method params SUBSCRIBE UNSUBSCRIBE SET_PROPERTY GET_PROPERTY LIST_SUBSCRIPTIONS combined "
    "btcusdt@trade btcusdt@depth@100ms btcusdt@kline_1d@+08:00 depth klines order.place apiKey "
    "order.cancelReplace order.amend.keepPriority signature timestamp symbol BTCUSDT limit "
    "interval 1m session.logon userDataStream.subscribe returnRateLimits true \ud800 ü".split()
)
LEAVES = WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)
MESSAGES = st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode())
PARAMETERS = st.dictionaries(
    st.sampled_from(
        "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId orderId "
        "origClientOrderId newQty cancelReplaceMode cancelOrderId limit startTime endTime fromId "
        "interval timeZone symbols windowSize recvWindow stopPrice icebergQty strategyId".split()
    ),
    st.sampled_from("BTCUSDT BUY LIMIT MARKET GTC 1 0.001 60000 0 -1 1m 1M 8 [] true".split())
    | st.integers(0, 2**64).map(str)
    | st.text(max_size=6),
    max_size=6,
)
CALLS = st.sampled_from(
    "depth trades historicalTrades aggTrades klines ticker ticker/24hr ticker/tradingDay order "
    "order/test order/cancelReplace order/amend/keepPriority openOrders allOrders myTrades account "
    "exchangeInfo avgPrice rateLimit/order".split()
)


@pytest.mark.parametrize("path", ["/ws", "/stream", "/ws-api/v3"])
@settings(max_examples=200, deadline=None)
@given(messages=st.lists(MESSAGES, min_size=1, max_size=3))
def test_any_frame(path: str, messages: list[bytes]) -> None:
    """Answered with JSON, or the end of the connection."""
    venue = Venue()
    venue.command("limits", off=True)
    client = venue.connect(path)
    for message in messages:
        assert not any(isinstance(out, bytes) for out in client.say(message))


@settings(max_examples=400, deadline=None)
@given(verb=st.sampled_from(["GET", "POST", "DELETE", "PUT"]), path=CALLS, params=PARAMETERS)
def test_any_signed_call(verb: str, path: str, params: dict[str, str]) -> None:
    """Carried out or refused, properly signed as it is."""
    answer = _trader().http(verb, path, **params)
    assert answer.status < 500 and json.loads(answer.body) is not None


@cache
def _trader() -> Trader:
    exchange = Exchange()
    exchange.command("account", name="default", key=KEY, secret=SECRET)
    exchange.command("limits", off=True)
    return Trader(exchange)
