"""Bybit's REST side: envelope, forms, signatures, times, limits, faults."""

from __future__ import annotations

import hmac
import json
import re
from hashlib import sha256
from typing import Any

import pytest
from venue_bybit import KEY, MS, SECRET, Venue

from vocx.lab.dialects.base import HttpIn


@pytest.fixture
def venue() -> Venue:
    return Venue()


SPACED = (
    '{"category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", '
    '"price": "28000", "timeInForce": "PostOnly", "orderLinkId": "vocx-0001"}'
)
COMPACT = SPACED.replace(": ", ":").replace(", ", ",")
VECTORS = [
    ("POST", COMPACT, "7341f9d5eadf120e47d032626e9c910a3a313c5711a5d495c1edc6b2474540b6"),
    ("POST", SPACED, "6eb349f29a84b41c3a5d9c6a285b3b705ae0af2922e269dae41e952fd28bd8b0"),
    (
        "GET",
        "category=spot&limit=50&openOnly=0&symbol=BTCUSDT",
        "f79b9182ac2f7c31cd4cf9ec30d327070b7499e51d346892a64bd5cfef090c69",
    ),
    (
        "GET",
        "category=spot&symbol=BTCUSDT&openOnly=0",
        "946a19ea5d28f1fda66f41a205c8bfa7addb2e2eec4fd6a2834ad1be513e6b3e",
    ),
    ("GET", "", "169ac45a9ecc2aac934c1f04e42bfd991de08950a95773dde33a40981419e3ef"),
    (
        "GET",
        "accountType=UNIFIED&coin=USDT,BTC",
        "8646f780c400589859d926dec52a23fea57fb4b043d7046e7b4aff102fea9d27",
    ),
]


@pytest.mark.parametrize(("method", "payload", "signature"), VECTORS)
def test_signatures_over_raw_bytes(method: str, payload: str, signature: str) -> None:
    """Each vector is accepted as it was sent, and nothing that differs by a byte is."""
    venue = Venue()
    venue.exchange.gateway.skew_ns = 1_700_000_000_123 * MS - venue.now_ns
    headers = {
        "x-bapi-api-key": KEY,
        "x-bapi-timestamp": "1700000000123",
        "x-bapi-recv-window": "5000",
        "x-bapi-sign": signature,
    }
    path = "/v5/order/create" if method == "POST" else "/v5/account/wallet-balance"
    if "category" in payload and method == "GET":
        path = "/v5/order/realtime"
    for sent, denied in ((payload, False), (payload + " ", True)):
        target = path if method == "POST" or not sent else f"{path}?{sent}"
        body = sent.encode() if method == "POST" else b""
        answer = json.loads(venue.http(method, target, body, headers).body)
        assert (answer["retCode"] == 10004) is denied, answer


def test_an_answer_has_the_envelope(venue: Venue) -> None:
    """Numbers where numbers are, texts where texts are; compact JSON."""
    answer = venue.http("GET", "/v5/market/time")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert b": " not in answer.body and "X-Bapi-Limit" not in answer.headers
    body = json.loads(answer.body)
    assert (body["retCode"], body["retMsg"], body["retExtInfo"]) == (0, "OK", {})
    assert body["result"]["timeSecond"] == str(body["time"] // 1000)


@pytest.mark.parametrize(
    ("target", "code", "text"),
    [
        ("market/tickers?category=spot&symbol=NOPE", 10001, "Not supported symbols"),
        ("market/orderbook?category=spot&symbol=btcusdt", 10001, "Not supported symbols"),
        ("market/orderbook?symbol=BTCUSDT", 10001, "category"),
        ("market/orderbook?category=spot&symbol=BTCUSDT&limit=1001", 10001, "limit"),
        ("market/kline?category=spot&symbol=BTCUSDT&interval=7", 10001, "interval"),
        ("market/recent-trade?category=spot&symbol=BTCUSDT&limit=61", 10001, "limit"),
        ("order/create", None, ""),
    ],
)
def test_refusals_come_with_200(venue: Venue, target: str, code: int | None, text: str) -> None:
    """And an empty result; a path that does not exist is the HTTP server's 404."""
    answer = venue.http("GET", f"/v5/{target}")
    if code is None:
        assert answer.status == 404
        return
    body = json.loads(answer.body)
    assert answer.status == 200 and body["retCode"] == code and text in body["retMsg"]
    assert body["result"] == {} and isinstance(body["time"], int)


def test_odd_queries_are_read(venue: Venue) -> None:
    """A leading ``?&``, unknown and empty pairs; a GET with a body is refused below."""
    found = venue.get("market/instruments-info?&category=spot&limit=1000&x=1&&")
    assert {one["symbol"] for one in found["result"]["list"]} >= {"BTCUSDT", "ETHUSDT"}
    assert "nextPageCursor" not in found["result"]
    for category in ("linear", "inverse", "option"):
        assert venue.get(f"market/instruments-info?category={category}")["result"]["list"] == []
    assert venue.http("GET", "/v5/market/time", b"{}").status == 403


def test_market_data_and_their_defaults(venue: Venue) -> None:
    """One level of a book, sixty trades, candles newest first with the open one."""
    book = venue.get("market/orderbook?category=spot&symbol=BTCUSDT")["result"]
    assert len(book["b"]) == len(book["a"]) == 1 and type(book["seq"]) is int
    trades = venue.get("market/recent-trade?category=spot&symbol=BTCUSDT")["result"]["list"]
    times = [int(one["time"]) for one in trades]
    assert 0 < len(trades) <= 60 and times == sorted(times, reverse=True)
    assert all(re.fullmatch("[0-9]{19}", one["execId"]) for one in trades)
    query = "market/kline?category=spot&symbol=BTCUSDT&interval=1"
    rows = venue.get(query)["result"]["list"]
    opened = [int(one[0]) for one in rows]
    assert len(rows) == 200 and opened == sorted(opened, reverse=True)
    assert opened[0] <= venue.now_ns // MS < opened[0] + 60_000 and len(rows[0]) == 7
    start = opened[50]
    first = venue.get(f"{query}&start={start}&limit=3")["result"]["list"]
    assert [int(one[0]) for one in first] == [start + 120_000, start + 60_000, start]
    ranged = venue.get(f"{query}&start={opened[99]}&end={start}&limit=2")["result"]["list"]
    assert [int(one[0]) for one in ranged] == [start, start - 60_000]


@pytest.mark.parametrize(("ahead_ms", "good"), [(999, True), (1000, False), (-5000, True)])
def test_the_window_of_time(venue: Venue, ahead_ms: int, good: bool) -> None:
    """Less than a second ahead, at most the window behind."""
    venue.now_ns -= venue.now_ns % MS
    body = venue.ask("GET", "account/info", ahead_ms=ahead_ms)
    assert (body["retCode"] == 0) is good
    if not good:
        said = r"req_timestamp\[\d+\],server_timestamp\[\d+\],recv_window\[5000\]"
        assert body["retCode"] == 10002 and re.search(said, body["retMsg"])


def test_the_time_is_the_clock_as_it_is_set(venue: Venue) -> None:
    """A client that was refused for its clock measures it there."""
    venue.exchange.gateway.skew_ns = 10**10
    told = venue.get("market/time")["result"]
    assert int(told["timeNano"]) == venue.now_ns + 10**10


def test_a_window_that_is_not_sent(venue: Venue) -> None:
    """5000, and the signature may hold that text or none."""
    assert venue.ask("GET", "account/info", window=None)["retCode"] == 0


def test_keys_that_are_refused(venue: Venue) -> None:
    """Unknown, wrongly signed, read-only, bound to another address; and none at all."""
    assert venue.ask("GET", "account/info", key="nobodyKnowsThis")["retCode"] == 10003
    wrong = venue.ask("GET", "account/info", secret="another")
    assert wrong["retCode"] == 10004 and "origin_string[" in wrong["retMsg"]
    venue.command("account", name="default", key="readOnlyKey1", secret=SECRET, trade=False)
    assert venue.ask("GET", "account/info", key="readOnlyKey1")["retCode"] == 0
    refused = venue.ask("POST", "order/create", venue.order(), key="readOnlyKey1")
    assert refused["retCode"] == 10005
    venue.command("account", name="default", key="boundKey1", secret=SECRET, addresses=["10.0.0.9"])
    assert venue.ask("GET", "account/info", key="boundKey1")["retCode"] == 10010
    assert venue.ask("GET", "account/info", key="boundKey1", peer="10.0.0.9")["retCode"] == 0
    bare = venue.http("GET", "/v5/account/wallet-balance?accountType=UNIFIED")
    assert (bare.status, bare.body) == (401, b"null")
    other = venue.http("GET", "/v5/user/query-api")
    assert other.status == 200 and "apiKey is missing" in json.loads(other.body)["retMsg"]


def test_the_limit_of_an_endpoint(venue: Venue) -> None:
    """Headers on signed calls; 10006 beyond, with a reset that lies ahead; a second later it is
    over."""
    lefts = []
    for _ in range(5):
        answer = venue.signed("GET", "account/fee-rate?category=spot")
        lefts.append(int(answer.headers["X-Bapi-Limit-Status"]))
    assert lefts == [4, 3, 2, 1, 0] and answer.headers["X-Bapi-Limit"] == "5"
    over = venue.signed("GET", "account/fee-rate?category=spot")
    assert over.status == 200 and json.loads(over.body)["retCode"] == 10006
    assert int(over.headers["X-Bapi-Limit-Reset-Timestamp"]) > venue.now_ns // MS
    assert venue.ask("GET", "account/info")["retCode"] == 0, "another endpoint has its own"
    venue.now_ns += 1_001 * MS
    assert venue.ask("GET", "account/fee-rate?category=spot")["retCode"] == 0


def test_a_reset_in_the_past_is_a_fault(venue: Venue) -> None:
    """Once, and only where it was asked for."""
    venue.command("fault", name="limited", path="/v5/account/info", reset_s=-2.0)
    answer = venue.signed("GET", "account/info")
    assert json.loads(answer.body)["retCode"] == 10006
    assert int(answer.headers["X-Bapi-Limit-Reset-Timestamp"]) < venue.now_ns // MS - 1_900
    assert venue.ask("GET", "account/info")["retCode"] == 0


def test_the_ban_of_an_address(venue: Venue) -> None:
    """Beyond 600 in five seconds: 403 for ten minutes, in plain text; shorter by ``scale``."""
    for _ in range(600):
        venue.get("market/time")
    banned = venue.http("GET", "/v5/market/time")
    assert (banned.status, banned.body) == (403, b"access too frequent")
    venue.now_ns += 599 * 1000 * MS
    assert venue.http("GET", "/v5/market/time").status == 403
    assert venue.http("GET", "/v5/market/time", peer="10.0.0.1").status == 200
    venue.now_ns += 2 * 1000 * MS
    assert venue.http("GET", "/v5/market/time").status == 200
    venue.command("limits", scale=100, address=1)
    assert [venue.http("GET", "/v5/market/time").status for _ in range(2)] == [200, 403]
    venue.now_ns += 7 * 1000 * MS
    assert venue.http("GET", "/v5/market/time").status == 200


def test_faults_in_the_venues_words(venue: Venue) -> None:
    """A blocked place is CloudFront's page; an order may rest behind a time-out."""
    venue.command("fault", name="region", count=1)
    page = venue.http("GET", "/v5/market/time")
    assert page.status == 403 and b"CloudFront" in page.body
    for name, code, rests in (("timeout", 10000, 1), ("internal", 10016, 1)):
        more: dict[str, Any] = {"executed": True}
        venue.command("fault", name=name, path="POST /v5/order/create", **more)
        assert venue.place(orderLinkId=name)["retCode"] == code
        found = venue.ask("GET", f"order/realtime?category=spot&orderLinkId={name}")
        assert len(found["result"]["list"]) == rests
    assert venue.get("system/status")["result"]["list"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b"[" * 200,
        b'{"category":"spot","symbol":{}}',
        b'{"category":"spot","symbol":"BTCUSDT","side":1,"orderType":[],"qty":true,"price":1e999}',
        b'{"category":"spot","request":"x"}',
    ],
)
def test_hostile_bodies_are_refused(venue: Venue, body: bytes) -> None:
    """Nothing that is signed raises."""
    for path in ("create", "amend", "cancel", "create-batch", "cancel-batch"):
        time = str(venue.now_ns // MS)
        payload = (time + KEY + "5000").encode() + body
        headers = {
            "x-bapi-api-key": KEY,
            "x-bapi-timestamp": time,
            "x-bapi-recv-window": "5000",
            "x-bapi-sign": hmac.new(SECRET.encode(), payload, sha256).hexdigest(),
        }
        answer = venue.http("POST", f"/v5/order/{path}", body, headers)
        assert answer.status == 200
        assert json.loads(answer.body)["retCode"] != 0


def test_what_goes_wrong_inside_is_unknown(venue: Venue) -> None:
    """10016."""
    request = HttpIn(method="GET", target="/v5/market/time", headers={})
    answer = venue.exchange.internal_error(request, venue.now_ns)
    assert json.loads(answer.body)["retCode"] == 10016
