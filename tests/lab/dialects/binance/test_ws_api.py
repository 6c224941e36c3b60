"""The WebSocket API of the Binance dialect: envelopes, errors, and REST's own answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from venue_binance import MS, T0, Client, Venue

from vocx.lab.dialects.base import Close, HttpOut

LIMIT = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000}


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def api(venue: Venue) -> Client:
    return venue.connect("/ws-api/v3")


def test_envelope(api: Client) -> None:
    """id, status, result, and the limits with their counts: 2 for connecting, 1 for the call."""
    answer = api.ask("time", request_id="7")
    assert json.dumps(answer) == json.dumps(
        {
            "id": "7",
            "status": 200,
            "result": {"serverTime": T0 // MS},
            "rateLimits": [{**LIMIT, "count": 3}],
        }
    )


@pytest.mark.parametrize(
    ("method", "params", "path"),
    [
        ("ping", None, "ping"),
        ("depth", {"symbol": "BTCUSDT", "limit": 5}, "depth?symbol=BTCUSDT&limit=5"),
        ("trades.recent", {"symbol": "BTCUSDT", "limit": "3"}, "trades?symbol=BTCUSDT&limit=3"),
        (
            "trades.historical",
            {"symbol": "BTCUSDT", "limit": 3},
            "historicalTrades?symbol=BTCUSDT&limit=3",
        ),
        ("trades.aggregate", {"symbol": "BTCUSDT", "limit": 3}, "aggTrades?symbol=BTCUSDT&limit=3"),
        (
            "klines",
            {"symbol": "BTCUSDT", "interval": "1m", "limit": 3},
            "klines?symbol=BTCUSDT&interval=1m&limit=3",
        ),
        (
            "uiKlines",
            {"symbol": "BTCUSDT", "interval": "1d", "timeZone": "8"},
            "uiKlines?symbol=BTCUSDT&interval=1d&timeZone=8",
        ),
        ("avgPrice", {"symbol": "BTCUSDT"}, "avgPrice?symbol=BTCUSDT"),
        ("ticker.24hr", {"symbols": ["BTCUSDT"]}, "ticker/24hr?symbols=[%22BTCUSDT%22]"),
        ("ticker.price", {"symbol": "BTCUSDT"}, "ticker/price?symbol=BTCUSDT"),
        ("ticker.book", None, "ticker/bookTicker"),
        (
            "ticker",
            {"symbols": ["BTCUSDT", "ETHUSDT"], "type": "MINI", "windowSize": "7d"},
            "ticker?symbols=[%22BTCUSDT%22,%22ETHUSDT%22]&type=MINI&windowSize=7d",
        ),
        ("ticker.tradingDay", {"symbol": "BTCUSDT"}, "ticker/tradingDay?symbol=BTCUSDT"),
        ("v3/time", None, "time"),
    ],
)
def test_results_are_rests(venue: Venue, api: Client, method: str, params: Any, path: str) -> None:
    """One implementation serves both surfaces, at one price."""
    before = venue.command("limits")["peers"]["127.0.0.1"]["weight"]
    answer = api.ask(method, params)
    between = answer["rateLimits"][0]["count"]
    assert answer["result"] == venue.get(path)
    after = venue.command("limits")["peers"]["127.0.0.1"]["weight"]
    assert between - before == after - between > 0


def test_exchange_info_lists_connections(api: Client) -> None:
    """CONNECTIONS stands where REST has RAW_REQUESTS."""
    limits = api.ask("exchangeInfo", {"symbols": ["BTCUSDT"]})["result"]["rateLimits"]
    assert [limit["rateLimitType"] for limit in limits][-1] == "CONNECTIONS"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -1102),
        ({"symbol": "btcusdt"}, -1100),
        ({"symbol": "NOSUCH"}, -1121),
        ({"symbol": "BTCUSDT", "limit": 1.5}, -1100),
        ({"symbol": "BTCUSDT", "limit": -1}, -1100),
        ({"symbol": "BTCUSDT", "depth": 5}, -1104),
        ({"symbol": None}, -1105),
    ],
)
def test_errors(api: Client, params: Any, code: int) -> None:
    """Codes as over REST, nested, with the limits; the connection goes on."""
    answer = api.ask("depth", params)
    assert list(answer) == ["id", "status", "error", "rateLimits"]
    assert (answer["status"], answer["error"]["code"]) == (400, code)
    assert api.ask("ping")["result"] == {}


@pytest.mark.parametrize(
    ("message", "request_id", "code"),
    [
        (b"nonsense", None, -1135),
        (b'{"id":4,"method":"time","params":[]}', 4, -1135),
        (b'{"id":4,"params":{}}', 4, -1135),
        (b'{"id":1.5,"method":"time"}', None, -1135),
        (b'{"id":"x","method":"order.fly"}', "x", -1020),
    ],
)
def test_requests_that_cannot_be_read(
    api: Client, message: bytes, request_id: Any, code: int
) -> None:
    """400, with the id where one could be read."""
    (answer,) = api.say(message)
    assert (answer["id"], answer["status"], answer["error"]["code"]) == (request_id, 400, code)
    assert answer["rateLimits"]


@pytest.mark.parametrize("value", [False, "false"])
def test_limits_can_be_left_out(venue: Venue, api: Client, value: Any) -> None:
    """Per request, as a JSON boolean or text, or for the whole connection."""
    assert "rateLimits" not in api.ask("ping", {"returnRateLimits": value})
    quiet = venue.connect("/ws-api/v3?returnRateLimits=false")
    assert "rateLimits" not in quiet.ask("ping")
    assert "rateLimits" in quiet.ask("ping", {"returnRateLimits": True})


def test_microseconds(venue: Venue) -> None:
    """``timeUnit`` in the URL."""
    api = venue.connect("/ws-api/v3?timeUnit=MICROSECOND")
    assert api.ask("time")["result"] == {"serverTime": T0 // 1000}


def test_too_much_weight(venue: Venue, api: Client) -> None:
    """429 in the frame, with epoch milliseconds instead of seconds; then 418 and the end."""
    venue.command("limits", weight=4)
    answer = [api.ask("time") for _ in range(3)][-1]
    assert answer["status"] == 429 and answer["error"]["code"] == -1003
    assert answer["error"]["data"] == {"serverTime": T0 // MS, "retryAfter": T0 // MS + 60_000}
    assert answer["rateLimits"][0]["count"] == 5
    last = [api.ask("time") for _ in range(10)][-1]
    assert last["status"] == 418
    assert last["error"]["data"]["retryAfter"] == T0 // MS + 120_001
    venue.pass_time(0)
    assert api.got[-1] == Close(1008, "IP banned")


def test_connecting_too_often(venue: Venue) -> None:
    """300 connections in five minutes, apart from the streams' own 300."""
    venue.command("limits", connections=2)
    answers = [venue.upgrade("/ws-api/v3") for _ in range(3)]
    assert isinstance(answers[2], HttpOut) and answers[2].status == 429
    assert isinstance(venue.upgrade("/ws"), Client)


def test_pong_payloads_are_checked(api: Client) -> None:
    """A pong with content that answers nothing ends the connection; an empty one may come."""
    assert api.pong(b"") == []
    assert api.pong(b"x") == [Close(1008, "Invalid pong payload")]


def test_no_limit_of_messages(api: Client) -> None:
    """The five a second are the streams'."""
    assert all(api.ask("ping")["status"] == 200 for _ in range(50))
