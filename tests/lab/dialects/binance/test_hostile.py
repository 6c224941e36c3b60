"""What strangers may send to the Binance dialect: a refusal of the venue's, never an exception."""

from __future__ import annotations

import json
from typing import Any

import pytest
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
