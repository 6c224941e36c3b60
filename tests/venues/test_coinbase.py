"""Coinbase's client side: bytes out, facts or typed errors in. Pure, without a socket. And both
sides' tokens against those that neither of them made."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from vocx import errors
from vocx.book import LocalBook
from vocx.facts import BookDelta, BookSnapshot, Fill, Order, OrderAck, Quote, Ticker, Trade
from vocx.lab.dialects.coinbase import tokens
from vocx.lab.dialects.shared.keys import Denied, Key, KeyRing
from vocx.venues.base import (
    Ack,
    AmendOrder,
    CancelAll,
    CancelOrder,
    ChannelSpec,
    Credentials,
    GetBalances,
    GetBook,
    GetCandles,
    GetFills,
    GetInstruments,
    GetOpenOrders,
    GetOrder,
    GetQuote,
    GetTicker,
    GetTime,
    GetTrades,
    Heartbeat,
    Intent,
    PlaceOrder,
    SequenceGap,
    Unknown,
)
from vocx.venues.coinbase import Coinbase, signing

D = Decimal
NAME = (
    "organizations/11111111-2222-4333-8444-555555555555/apiKeys/"
    "66666666-7777-4888-9999-aaaaaaaaaaaa"
)
SECRET = "40egGSDm/M31oP2FMmK/JEsvNCSeLxYaRbtyJeeSGsOYNS2a1MDrYg3whAc7eL7K2HwqxdXuhHGULoW0o/ufSA=="
SEED = "40egGSDm/M31oP2FMmK/JEsvNCSeLxYaRbtyJeeSGsM="
PEM = """-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHpu1F8uvkRE+dtz8KR6SzEPloPBN8FFmocUUMv7KmppoAoGCCqGSM49
AwEHoUQDQgAEp3DT+Py4+5+yE1XHT5A1XM/xq9Ky3JiVF7VkI9qcDx3vIxGnBk2b
tRE7CKixalkLEslP0uIwx6rRcdjXZU9cgw==
-----END EC PRIVATE KEY-----
"""
PUBLIC_PEM = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEp3DT+Py4+5+yE1XHT5A1XM/xq9Ky
3JiVF7VkI9qcDx3vIxGnBk2btRE7CKixalkLEslP0uIwx6rRcdjXZU9cgw==
-----END PUBLIC KEY-----
"""
NONCE = "00112233445566778899aabbccddeeff" * 2
NOW_NS = 1_795_334_400 * 10**9
MINE = Credentials(key=NAME, secret=SECRET)
BASE = "/api/v3/brokerage/"
ORDERS = f"{BASE}orders"
SIGNATURE = "gnl465VkdJoFR6PnIQVunAE5ZAyQtNECbRLFnAOceGnYrjVSXW62McSBpY9u9Nw70iPL1Rd_USsjpyUrK0jNAg"
SOCKET = "1U5UbgiFG_sMGKCaVaWZ-craYB7o-akVFTaNl6Q8VZ17ljhWT2yCwXPFtdNg17TK3CoWsj9druefjLvzhZgIDw"
ELLIPTIC = "GV0_96Tb5_bizU4mygiwObL0OjsLsiZWGiTNMPQWXiWyh-ykHpZHqM_VOLv1prTldeefVooVf6lNFQaYFjxxWQ"
ELLIPTIC_HEADER = (
    "eyJhbGciOiJFUzI1NiIsImtpZCI6Im9yZ2FuaXphdGlvbnMvMTExMTExMTEtMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU1"
    "NTU1L2FwaUtleXMvNjY2NjY2NjYtNzc3Ny00ODg4LTk5OTktYWFhYWFhYWFhYWFhIiwibm9uY2UiOiIwMDExMjIzMzQ0"
    "NTU2Njc3ODg5OWFhYmJjY2RkZWVmZjAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmIiwidHlwIjoiSldUIn0"
)
coinbase = Coinbase()
BTC = "BTC/USD"
LIMIT = PlaceOrder(
    symbol=BTC,
    side="buy",
    type="limit",
    client_order_id="7d1f6c6e-2f3a-4a53-9b6d-0a4f1d9e0c11",
    quantity=D("0.001"),
    price=D("60000.10"),
)


@pytest.fixture
def ring() -> KeyRing:
    known = KeyRing(tokens.FORM, tokens.FORM_TEXT)
    known.add(Key(key=NAME, owner="coinbase:me", public=tokens.Pairs().public_of(SECRET)))
    return known


# Tokens


@pytest.mark.parametrize("secret", [SECRET, SEED])
def test_tokens_are_those_of_the_official_sdk(secret: str) -> None:
    """EdDSA is deterministic: the same signature, for a call and for a socket, from 32 bytes and
    from 64 (SDK 1.8.4)."""
    mine = Credentials(key=NAME, secret=secret)
    assert signing.token(mine, NOW_NS, NONCE, "POST", ORDERS).split(".")[2] == SIGNATURE
    assert signing.token(mine, NOW_NS, NONCE).split(".")[2] == SOCKET


@pytest.mark.parametrize("secret", [PEM, PEM.replace("\n", "\\n")])
def test_tokens_of_elliptic_keys(secret: str) -> None:
    """ES256 is random, so it is verified; environment files keep line ends as two letters."""
    mine = Credentials(key=NAME, secret=secret)
    made = signing.token(mine, NOW_NS, NONCE, "POST", ORDERS)
    public = load_pem_public_key(PUBLIC_PEM)
    read = jwt.decode_complete(
        made, public, algorithms=["ES256"], options={"verify_exp": False, "verify_nbf": False}
    )
    assert read["header"] == {"alg": "ES256", "kid": NAME, "nonce": NONCE, "typ": "JWT"}
    assert read["payload"] == {
        "sub": NAME,
        "iss": "cdp",
        "nbf": 1795334400,
        "exp": 1795334520,
        "uri": "POST api.coinbase.com/api/v3/brokerage/orders",
    }


def test_a_published_elliptic_token(ring: KeyRing) -> None:
    """The exchange takes the signature that RFC 6979 gives, and none that differs from it."""
    elliptic = KeyRing(tokens.FORM, tokens.FORM_TEXT)
    elliptic.add(Key(key=NAME, owner="coinbase:me", public=tokens.Pairs().public_of(PEM)))
    claims = signing.token(MINE, NOW_NS, NONCE, "POST", ORDERS).split(".")[1]
    shown = f"{ELLIPTIC_HEADER}.{claims}.{ELLIPTIC}"
    call = f"POST {ORDERS}"
    assert tokens.authenticate(elliptic, shown, NOW_NS, call=call).owner == "coinbase:me"
    for other, known in ((shown[:-4] + "AAAA", elliptic), (shown, ring)):
        with pytest.raises(Denied):
            tokens.authenticate(known, other, NOW_NS, call=call)


def test_a_token_proves_one_call_for_two_minutes(ring: KeyRing) -> None:
    """Another call, another time, another signature: refused."""
    token = signing.token(MINE, NOW_NS, NONCE, "POST", ORDERS)
    call = f"POST {ORDERS}"
    assert tokens.authenticate(ring, token, NOW_NS, call=call).owner == "coinbase:me"
    for other, at_s, asked in (
        (token, 0, f"GET {ORDERS}"),
        (token, 126, call),
        (token, -6, call),
        (token[:-4] + "AAAA", 0, call),
        (signing.token(MINE, NOW_NS, NONCE), 0, call),
        ("", 0, call),
    ):
        with pytest.raises(Denied):
            tokens.authenticate(ring, other, NOW_NS + at_s * 10**9, call=asked)


def test_a_placement_carries_its_proof() -> None:
    """The token names the path without a query, and neither it nor the secret is in the repr."""
    sent = coinbase.sign(coinbase.request(LIMIT), NOW_NS, MINE, NONCE)
    assert sent.headers["Authorization"].startswith("Bearer ey")
    assert sent.headers["Authorization"].endswith(SIGNATURE) and not sent.safe_to_retry
    assert SIGNATURE not in repr(sent) and SECRET not in repr(sent)
    assert sent.charges == {"private": 1}
    listed = coinbase.sign(coinbase.request(GetOpenOrders()), NOW_NS, MINE, NONCE)
    assert "?" in listed.target
    claims = jwt.decode(
        listed.headers["Authorization"].removeprefix("Bearer "), options={"verify_signature": False}
    )
    assert claims["uri"] == f"GET api.coinbase.com{BASE}orders/historical/batch"


@pytest.mark.parametrize("secret", ["", "hush", "AAAA", PEM.replace("MHc", "MHd")])
def test_secrets_that_are_none(secret: str) -> None:
    """Said before anything is sent, without the secret."""
    with pytest.raises(errors.BadInput, match="Nothing was sent") as caught:
        coinbase.sign(
            coinbase.request(GetBalances()), NOW_NS, Credentials(key=NAME, secret=secret), "n"
        )
    assert secret == "" or secret not in str(caught.value)


@pytest.mark.parametrize("key", [NAME, "66666666-7777-4888-9999-aaaaaaaaaaaa"])
def test_names_of_keys(key: str) -> None:
    """Both kinds: with the organization, and the bare id of newer ones."""
    assert re.fullmatch(coinbase.key_pattern, key)


# Requests


@pytest.mark.parametrize(
    ("intent", "target"),
    [
        (GetTime(), "time"),
        (GetInstruments(), "market/products?product_type=SPOT"),
        (GetInstruments(symbols=(BTC,)), "market/products/BTC-USD"),
        (
            GetInstruments(symbols=(BTC, "ETH/USD")),
            "market/products?product_type=SPOT&product_ids=BTC-USD&product_ids=ETH-USD",
        ),
        (GetTicker(symbol=BTC), "market/products/BTC-USD"),
        (GetQuote(symbol=BTC), "market/product_book?product_id=BTC-USD&limit=1"),
        (GetBook(symbol=BTC, depth=50), "market/product_book?product_id=BTC-USD&limit=50"),
        (GetTrades(symbol=BTC, limit=9), "market/products/BTC-USD/ticker?limit=9"),
        (
            GetCandles(symbol=BTC, interval="5m", limit=3),
            "market/products/BTC-USD/candles?start=1795333800&end=1795334400"
            "&granularity=FIVE_MINUTE",
        ),
        (GetOrder(symbol=BTC, id="9"), "orders/historical/9"),
        (
            GetOpenOrders(symbol=BTC),
            "orders/historical/batch?order_status=OPEN&product_ids=BTC-USD&limit=100",
        ),
        (GetFills(symbol=BTC), "orders/historical/fills?product_ids=BTC-USD&limit=100"),
        (GetBalances(), "accounts?limit=250"),
    ],
)
def test_targets(intent: Intent, target: str) -> None:
    """Each intent is these bytes; what is unsigned goes past the cache in front of the venue."""
    made = coinbase.request(intent, NOW_NS)
    assert (made.method, made.target) == ("GET", BASE + target)
    assert made.signed or made.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {},
            {"limit_limit_gtc": {"base_size": "0.001", "limit_price": "60000.10",
                                 "post_only": False}},
        ),
        (
            {"type": "post_only"},
            {"limit_limit_gtc": {"base_size": "0.001", "limit_price": "60000.10",
                                 "post_only": True}},
        ),
        (
            {"time_in_force": "IOC"},
            {"sor_limit_ioc": {"base_size": "0.001", "limit_price": "60000.10"}},
        ),
        (
            {"time_in_force": "FOK"},
            {"limit_limit_fok": {"base_size": "0.001", "limit_price": "60000.10"}},
        ),
        ({"type": "market", "price": None}, {"market_market_ioc": {"base_size": "0.001"}}),
        (
            {"type": "market", "price": None, "quantity": None, "quote_quantity": D(100)},
            {"market_market_ioc": {"quote_size": "100"}},
        ),
    ],
)  # fmt: skip
def test_order_types(changed: dict[str, Any], expected: dict[str, Any]) -> None:
    """Exactly one configuration; a market order says whether its size is base or quote."""
    body = json.loads(coinbase.request(msgspec.structs.replace(LIMIT, **changed)).body)
    assert body["order_configuration"] == expected
    assert (body["product_id"], body["side"]) == ("BTC-USD", "BUY")
    assert body["client_order_id"] == LIMIT.client_order_id


def test_client_order_ids() -> None:
    """Ours sort by time; the longest that was seen is taken, what could break a line is not."""
    made = coinbase.make_client_order_id(2**127)
    coinbase.validate_client_order_id(made)
    assert coinbase.make_client_order_id(5) < coinbase.make_client_order_id(6)
    coinbase.validate_client_order_id("ccxt-7d1f6c6e-2f3a-4a53-9b6d-0a4f1d9e0c11")
    for bad in ("", "a b", "x" * 65, "ä", "a\n"):
        with pytest.raises(errors.BadInput):
            coinbase.validate_client_order_id(bad)


# Replies


def reply(intent: Intent, body: Any, status: int = 200, **headers: str) -> Any:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return coinbase.reply(coinbase.request(intent, NOW_NS), status, named, text, NOW_NS)


def test_an_answer_to_an_order_is_an_acknowledgement() -> None:
    """What is not said is not invented; ``success`` is read before anything else."""
    placed = {"order_id": "3f0a", "client_order_id": LIMIT.client_order_id, "side": "BUY"}
    expected = OrderAck(
        symbol=BTC, id="3f0a", client_order_id=LIMIT.client_order_id, arrived_ns=NOW_NS
    )
    good = {"success": True, "success_response": placed}
    assert reply(LIMIT, good).result == expected
    zero = {"error": "UNKNOWN_FAILURE_REASON", "message": "", "error_details": ""}
    assert reply(LIMIT, {**good, "error_response": zero}).result == expected


def refusal(preview: str = "", **more: str) -> dict[str, Any]:
    row = {"error": "UNKNOWN_FAILURE_REASON", "message": "no", "error_details": ""}
    return {"success": False, "error_response": {**row, "preview_failure_reason": preview, **more}}


@pytest.mark.parametrize(
    ("body", "kind", "code", "outcome"),
    [
        (refusal(error="INSUFFICIENT_FUND"), errors.OrderRefused, "INSUFFICIENT_FUND", "refused"),
        (
            refusal("PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY"),
            errors.OrderRefused,
            "PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY",
            "refused",
        ),
        (
            refusal(new_order_failure_reason="INVALID_NO_LIQUIDITY", error="X"),
            errors.OrderRefused,
            "INVALID_NO_LIQUIDITY",
            "refused",
        ),
        (
            refusal(error="DUPLICATE_CLIENT_ORDER_ID"),
            errors.DuplicateOrder,
            "DUPLICATE_CLIENT_ORDER_ID",
            "accepted",
        ),
        (
            refusal("PREVIEW_GEOFENCING_RESTRICTION"),
            errors.RegionBlocked,
            "PREVIEW_GEOFENCING_RESTRICTION",
            "refused",
        ),
        (refusal(), errors.OrderRefused, "UNKNOWN_FAILURE_REASON", "refused"),
        ({"success": False}, errors.OrderRefused, "UNKNOWN", "refused"),
    ],
)
def test_refusals_inside_http_200(
    body: Any, kind: type[Exception], code: str, outcome: str
) -> None:
    """The most telling reason is the code, and says what became of the order."""
    with pytest.raises(kind) as caught:
        reply(LIMIT, body)
    error: Any = caught.value
    assert type(error) is kind and (error.code, error.outcome) == (code, outcome)


def test_an_unknown_product_is_an_unknown_symbol() -> None:
    """Whether it was asked for or ordered."""
    body = {"error": "NOT_FOUND", "error_details": "valid product_id is required"}
    body["message"] = body["error_details"]
    with pytest.raises(errors.UnknownSymbol, match="BTC/USDD"):
        reply(GetTicker(symbol="BTC/USDD"), body, 404)
    with pytest.raises(errors.UnknownSymbol) as caught:
        reply(LIMIT, refusal(error="INVALID_PRODUCT_ID"))
    assert caught.value.outcome == "refused"


LIMITED = b'{"errors":[{"id":"rate_limit_exceeded","message":"Too many requests"}]}'


@pytest.mark.parametrize(
    ("intent", "status", "body", "kind", "outcome"),
    [
        (GetBalances(), 401, b"Unauthorized\n", errors.BadKey, None),
        (LIMIT, 401, b"Unauthorized\n", errors.BadKey, "refused"),
        (
            LIMIT,
            403,
            b'{"error":"PERMISSION_DENIED","error_details":"Missing required scopes",'
            b'"message":"Missing required scopes"}',
            errors.BadKey,
            "refused",
        ),
        (LIMIT, 429, LIMITED, errors.RateLimited, "refused"),
        (LIMIT, 429, b"<html>Too Many Requests</html>", errors.RateLimited, "refused"),
        (LIMIT, 503, b"<html>later</html>", errors.VenueUnavailable, "unknown"),
        (LIMIT, 500, b"", errors.VenueUnavailable, "unknown"),
        (GetTicker(symbol=BTC), 403, b"<html>not here</html>", errors.RegionBlocked, None),
        (LIMIT, 200, b"<html>ok</html>", errors.BadReply, "unknown"),
        (LIMIT, 200, b'{"success":true}', errors.BadReply, "unknown"),
        (GetTicker(symbol=BTC), 200, b"{}", errors.BadReply, None),
        (GetTicker(symbol=BTC), 400, b'{"error":"unknown","message":"x"}', errors.Refused, None),
        (
            GetOrder(symbol=BTC, id="1"),
            404,
            b'{"error":"unknown","error_details":"order with this orderID was not found",'
            b'"message":"order with this orderID was not found"}',
            errors.OrderNotFound,
            None,
        ),
    ],
)
def test_other_failures(
    intent: Intent, status: int, body: bytes, kind: type[Exception], outcome: str | None
) -> None:
    """Plain text, pages and JSON alike; of an order it is said what became of it."""
    with pytest.raises(kind) as caught:
        reply(intent, body, status)
    error: Any = caught.value
    assert type(error) is kind and error.outcome == outcome


def test_a_breach_says_how_long() -> None:
    """A second, since the limits are by the second; or what a header names."""
    with pytest.raises(errors.RateLimited, match="Too many requests") as caught:
        reply(GetBalances(), LIMITED, 429)
    assert (caught.value.code, caught.value.retry_after_s) == ("rate_limit_exceeded", 1.0)
    with pytest.raises(errors.RateLimited) as caught:
        reply(GetBalances(), LIMITED, 429, retry_after="7")
    assert caught.value.retry_after_s == 7


def test_a_refused_key_may_be_a_clock() -> None:
    """A token that begins in the future is refused in the same words."""
    with pytest.raises(errors.BadKey, match="clock"):
        reply(GetBalances(), b"Unauthorized\n", 401)


def test_what_is_left_of_the_limits() -> None:
    """In headers of any case; nonsense in them is nothing."""
    request = coinbase.request(GetBalances())
    told = {"X-RateLimit-Limit": "30", "x-ratelimit-remaining": "7"}
    (usage,) = coinbase.parse_usage(request, told)
    assert (usage.bucket, usage.left, usage.amount) == ("private", 7, 30)
    for bad in ("", "-1", "many", "1e9", "9" * 99):
        assert coinbase.parse_usage(request, {"x-ratelimit-remaining": bad}) == ()


def product(**changed: Any) -> dict[str, Any]:
    return {
        "product_id": "BTC-USD",
        "price": "60000.15",
        "price_percentage_change_24h": "1.24",
        "volume_24h": "6893.4517",
        "approximate_quote_24h_volume": "413607102.00",
        "base_increment": "0.00000001",
        "quote_increment": "0.01",
        "quote_min_size": "1",
        "quote_max_size": "150000000",
        "base_min_size": "0.00000001",
        "base_max_size": "3400",
        "price_increment": "0.01",
        "product_type": "SPOT",
        **changed,
    }


def test_instruments() -> None:
    """Steps and bounds; every flag that gates trading does."""
    (one,) = reply(GetInstruments(symbols=(BTC,)), product()).result
    assert (one.symbol, one.tick, one.lot) == (BTC, D("0.01"), D("0.00000001"))
    assert (one.max_quantity, one.min_notional, one.trading) == (D(3400), D(1), True)
    for flag in ("trading_disabled", "is_disabled", "cancel_only", "view_only", "auction_mode"):
        (one,) = reply(GetInstruments(symbols=(BTC,)), product(**{flag: True})).result
        assert one.trading is False, flag
    rows = [product(product_type="FUTURE", product_id="BTC-PERP-INTX"), product(price="")]
    (one,) = reply(GetInstruments(), {"products": rows}).result
    assert one.symbol == BTC


def test_what_never_traded_has_no_prices() -> None:
    """Empty texts and nulls are None, never a number."""
    quiet = product(price="", price_percentage_change_24h=None, volume_24h="")
    told = reply(GetTicker(symbol=BTC), quiet).result
    assert (told.last, told.change_percent, told.volume, told.bid) == (None,) * 4
    one_side = {"product_id": "BTC-USD", "bids": [{"price": "1", "size": "2"}], "asks": []}
    quote = reply(GetQuote(symbol=BTC), {"pricebook": one_side}).result
    assert isinstance(quote, Quote) and (quote.bid, quote.ask) == (D(1), None)


def trade_row(number: int, side: str = "SELL", **changed: str) -> dict[str, str]:
    row = {"product_id": "BTC-USD", "trade_id": str(number), "price": "60000.15", "size": "0.0042"}
    return {**row, "time": "2026-11-22T08:00:00.098123456Z", "side": side, **changed}


def test_the_side_of_a_trade_is_turned_round() -> None:
    """The printed one is the maker's; newest first on the wire, oldest first here."""
    rows = [trade_row(7, "BUY"), trade_row(6)]
    found = reply(GetTrades(symbol=BTC), {"trades": rows, "best_bid": "1", "best_ask": "2"}).result
    assert [(one.id, one.side) for one in found] == [(6, "buy"), (7, "sell")]
    assert found[0].exchange_ns == 1_795_334_400_098_123_456
    with pytest.raises(errors.BadReply):
        reply(GetTrades(symbol=BTC), {"trades": [trade_row(6, "UNKNOWN_ORDER_SIDE")]})


def test_candles_go_back_by_time() -> None:
    """At most 350 buckets a request; empty ones are missing, so a page does not count its rows."""
    intent = GetCandles(symbol=BTC, interval="1m", limit=500)
    first = coinbase.request(intent, NOW_NS)
    assert "start=1795313460&end=1795334400" in first.target  # 350 minutes, both ends included

    def row(start_s: int) -> dict[str, str]:
        return {"start": str(start_s), "low": "1", "high": "3", "open": "2", "close": "2",
                "volume": "5"}  # fmt: skip

    answer = coinbase.reply(
        first, 200, {}, json.dumps({"candles": [row(1795334400), row(1795313520)]}).encode(), NOW_NS
    )
    assert [one.open_ns for one in answer.result] == [1795313520 * 10**9, 1795334400 * 10**9]
    assert answer.older and "end=1795313460" in answer.next.target
    assert answer.next.intent.limit == 150
    done = coinbase.reply(answer.next, 200, {}, b'{"candles":[]}', NOW_NS)
    assert done.next is None and len(done.result) == 0


# Orders


def order_row(**changed: Any) -> dict[str, Any]:
    sizes = {"base_size": "0.001", "limit_price": "60000.10", "post_only": False}
    return {
        "order_id": "3f0a",
        "product_id": "BTC-USD",
        "order_configuration": {"limit_limit_gtc": sizes},
        "side": "BUY",
        "client_order_id": "mine",
        "status": "OPEN",
        "time_in_force": "GOOD_UNTIL_CANCELLED",
        "created_time": "2026-11-22T08:00:00.150123Z",
        "filled_size": "0",
        "filled_value": "0",
        "order_type": "LIMIT",
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "cancel_message": "",
        "last_fill_time": None,
        **changed,
    }


@pytest.mark.parametrize(
    ("state", "filled", "expected"),
    [
        ("PENDING", "0", "new"),
        ("QUEUED", "0", "new"),
        ("OPEN", "", "new"),
        ("OPEN", "0.0004", "partially_filled"),
        ("EDIT_QUEUED", "0", "new"),
        ("CANCEL_QUEUED", "0.0004", "partially_filled"),
        ("FILLED", "0.001", "filled"),
        ("CANCELLED", "0.0004", "canceled"),
        ("EXPIRED", "0", "expired"),
        ("FAILED", "0", "rejected"),
    ],
)
def test_states(state: str, filled: str, expected: str) -> None:
    """There is none for what is filled in part; a cancel that was only taken leaves it open."""
    found = reply(
        GetOrder(symbol=BTC, id="3f0a"), {"order": order_row(status=state, filled_size=filled)}
    ).result
    assert (found.status, found.symbol, found.price) == (expected, BTC, D("60000.10"))


def test_orders_are_found_by_the_clients_id_in_lists() -> None:
    """The venue finds its own ids only, so pages are read until the order is there, or all are."""
    intent = GetOrder(symbol=BTC, client_order_id="mine")
    other = order_row(client_order_id="other")
    answer = reply(intent, {"orders": [other], "has_next": True, "cursor": "abc="})
    assert answer.result is None and "cursor=abc%3D" in answer.next.target
    page = {"orders": [order_row()], "has_next": False, "cursor": ""}
    assert reply(answer.next.intent, page).result.id == "3f0a"
    with pytest.raises(errors.OrderNotFound):
        reply(answer.next.intent, {"orders": [other], "has_next": False, "cursor": "left"})


def test_an_amendment_says_both() -> None:
    """Price and size are needed, so what is not given is asked for; the reply names no order."""
    asked = coinbase.request(AmendOrder(symbol=BTC, id="3f0a", quantity=D("0.002")))
    assert (asked.method, asked.target) == ("GET", f"{BASE}orders/historical/3f0a")
    answer = reply(asked.intent, {"order": order_row()})
    sent = answer.next
    assert sent.target == f"{BASE}orders/edit" and not sent.safe_to_retry
    assert json.loads(sent.body) == {"order_id": "3f0a", "price": "60000.10", "size": "0.002"}
    done = coinbase.reply(sent, 200, {}, b'{"success":true,"errors":[]}', NOW_NS)
    assert done.result == OrderAck(symbol=BTC, id="3f0a", client_order_id="mine", arrived_ns=NOW_NS)
    for reason, kind in (
        ("ORDER_NOT_FOUND", errors.OrderNotFound),
        ("CANNOT_EDIT_TO_BELOW_FILLED_SIZE", errors.OrderRefused),
    ):
        row = {"edit_failure_reason": reason, "preview_failure_reason": "UNKNOWN_PREVIEW"}
        body = json.dumps({"success": False, "errors": [row]}).encode()
        with pytest.raises(kind) as caught:
            coinbase.reply(sent, 200, {}, body, NOW_NS)
        error: Any = caught.value
        assert (error.code, error.outcome) == (reason, "refused")


def test_a_cancel_is_taken_not_done() -> None:
    """Success means that the request was; each failure is a class."""
    intent = CancelOrder(symbol=BTC, id="3f0a")
    request = coinbase.request(intent)
    assert json.loads(request.body) == {"order_ids": ["3f0a"]} and request.safe_to_retry

    def answer(reason: str, success: bool = False) -> Any:
        row = {"success": success, "failure_reason": reason, "order_id": "3f0a"}
        return reply(intent, {"results": [row]}).result

    assert isinstance(answer("UNKNOWN_CANCEL_FAILURE_REASON", True), OrderAck)
    for reason in ("UNKNOWN_CANCEL_ORDER", "ORDER_IS_FULLY_FILLED", "DUPLICATE_CANCEL_REQUEST"):
        with pytest.raises(errors.OrderNotFound):
            answer(reason)
    with pytest.raises(errors.OrderRefused):
        answer("ORDER_IS_BEING_REPLACED")


def test_cancel_all_lists_and_cancels_by_hundreds() -> None:
    """There is none: a page of open orders, their ids, the next page."""
    listed = reply(
        CancelAll(symbol=BTC),
        {"orders": [order_row(order_id=str(n)) for n in range(100)], "has_next": True,
         "cursor": "next"},
    )  # fmt: skip
    batch = listed.next
    assert isinstance(batch.intent, CancelAll), "as urgent as what it is for"
    assert batch.target == f"{BASE}orders/batch_cancel"
    assert len(json.loads(batch.body)["order_ids"]) == 100
    rows = [{"success": n != 3, "failure_reason": "X", "order_id": str(n)} for n in range(100)]
    answer = reply(batch.intent, {"results": rows})
    assert len(answer.result) == 99 and "cursor=next" in answer.next.target
    end = {"orders": [], "has_next": False, "cursor": ""}
    with pytest.raises(errors.OrderRefused, match=r"cancel 1 of the orders .*: 3 \(X\)"):
        reply(answer.next.intent, end)
    rows[3] = {"success": False, "failure_reason": "ORDER_IS_FULLY_FILLED", "order_id": "3"}
    answer = reply(batch.intent, {"results": rows})
    assert len(answer.result) == 99 and reply(answer.next.intent, end).next is None


def test_pages_of_accounts_and_fills() -> None:
    """Accounts end where ``has_next`` says so, fills with an empty cursor."""
    row = {"currency": "USD", "available_balance": {"value": "9.5", "currency": "USD"},
           "hold": {"value": "0.5", "currency": "USD"}, "updated_at": None}  # fmt: skip
    page = reply(GetBalances(), {"accounts": [row], "has_next": True, "cursor": "more"})
    (balance,) = page.result
    assert (balance.free, balance.locked) == (D("9.5"), D("0.5"))
    assert page.next.target.endswith("accounts?limit=250&cursor=more")
    end = reply(page.next.intent, {"accounts": [], "has_next": False, "cursor": "more"})
    assert end.next is None
    row["hold"] = {"value": "-0.5", "currency": "USD"}
    with pytest.raises(errors.BadReply):
        reply(GetBalances(), {"accounts": [row], "has_next": False, "cursor": ""})
    fill = {"trade_id": "a1", "order_id": "3f0a", "product_id": "BTC-USD", "price": "60000.10",
            "size": "60.0001", "side": "BUY", "commission": "0.36", "liquidity_indicator": "MAKER",
            "trade_time": "2026-11-22T08:00:01.000123Z", "size_in_quote": True}  # fmt: skip
    found = reply(GetFills(symbol=BTC), {"fills": [fill], "cursor": "c"})
    (one,) = found.result
    assert (one.quantity, one.fee, one.fee_asset) == (D("0.001"), D("0.36"), "USD")
    assert one.maker is True and one.role == "maker" and "cursor=c" in found.next.target
    assert reply(found.next.intent, {"fills": [], "cursor": ""}).next is None


# Sockets


def planned(*channels: str, symbol: str | None = BTC, **more: Any) -> Any:
    specs = [ChannelSpec(channel=one, symbol=symbol, **more) for one in channels]
    (plan,) = coinbase.plan_sockets(specs)
    return plan


PUBLIC = planned("book", "quotes", "trades", "ticker", "candles")
PRIVATE = planned("orders", "fills", symbol=None)


def frame(channel: str, number: int, *events: Any, **more: Any) -> bytes:
    stamp = "2026-11-22T08:00:00.200000000Z"
    whole = {"channel": channel, "timestamp": stamp, "sequence_num": number, "events": events}
    return json.dumps({**whole, **more}).encode()


def told(plan: Any, *frames: bytes, state: Any = None) -> list[Any]:
    state = coinbase.open_session(plan) if state is None else state
    return [one for text in frames for one in coinbase.decode(text, NOW_NS, plan, state)]


def test_subscriptions() -> None:
    """Books first and heartbeats last, because messages leave apart; one channel a message, each
    with a token of its own that names no call."""
    frames = coinbase.subscribe_frames(PUBLIC, list(PUBLIC.topics)[::-1], NOW_NS, MINE, "aa")
    said = [json.loads(one.text) for one in frames]
    assert [one["channel"] for one in said] == [
        "level2", "candles", "ticker", "market_trades", "heartbeats"
    ]  # fmt: skip
    assert all(one["product_ids"] == ["BTC-USD"] for one in said[:-1])
    assert len({one["jwt"] for one in said}) == 5
    claims = jwt.decode(said[0]["jwt"], options={"verify_signature": False})
    assert set(claims) == {"sub", "iss", "nbf", "exp"}
    later = coinbase.subscribe_frames(PRIVATE, list(PRIVATE.topics), NOW_NS + 10**9, MINE, "aa")
    assert json.loads(later[0].text)["channel"] == "user" and later[0].topics == ("orders", "fills")
    claims = jwt.decode(json.loads(later[0].text)["jwt"], options={"verify_signature": False})
    assert claims["nbf"] == NOW_NS // 10**9 + 1
    bare = coinbase.subscribe_frames(PUBLIC, ["level2:BTC-USD"], NOW_NS, None, "aa")
    assert all("jwt" not in json.loads(one.text) for one in bare)
    gone = coinbase.unsubscribe_frames(PUBLIC, ["level2:BTC-USD"], NOW_NS, None, "aa")
    assert [json.loads(one.text)["type"] for one in gone] == ["unsubscribe"]


def test_private_and_public_have_their_sockets() -> None:
    """And what is not streamed has none: it is asked for."""
    specs = [ChannelSpec(channel="trades", symbol=BTC), ChannelSpec(channel="orders", symbol=None)]
    assert [one.purpose for one in coinbase.plan_sockets(specs)] == ["ws", "ws_user"]
    hour = coinbase.validate_channel(ChannelSpec(channel="candles", symbol=BTC, interval="1h"))
    balances = ChannelSpec(channel="balances", symbol=None)
    assert coinbase.plan_sockets([hour, balances]) == []
    assert isinstance(coinbase.poll_intent(hour), GetCandles)
    assert isinstance(coinbase.poll_intent(balances), GetBalances)


def test_acknowledgements_tell_all_that_is_subscribed() -> None:
    """By state, whatever the order; data that come before them are taken; an alias counts."""
    usdc = planned("trades", symbol="BTC/USDC")
    row = {"type": "update", "trades": [trade_row(7)]}
    before, ack = told(
        usdc,
        frame("market_trades", 0, row),
        frame("subscriptions", 1, {"subscriptions": {"market_trades": ["BTC-USD"]}}),
    )
    assert isinstance(before, Trade) and before.symbol == "BTC/USDC"
    assert ack == Ack(topics=("market_trades:BTC-USDC",))
    (ack,) = told(PRIVATE, frame("subscriptions", 0, {"subscriptions": {"user": ["f2f3c1de"]}}))
    assert ack.topics == ("orders", "fills")
    (ack,) = told(
        PUBLIC, frame("subscriptions", 0, {"subscriptions": {"heartbeats": ["heartbeats"]}})
    )
    assert not set(ack.topics) & set(PUBLIC.topics)


def test_errors_have_neither_channel_nor_number() -> None:
    """And are no frame of the sequence."""
    state = coinbase.open_session(PUBLIC)
    beat = {"current_time": "2026-11-22 08:00:00.123456789 +0000 UTC m=+66987.6",
            "heartbeat_counter": "3049"}  # fmt: skip
    found = told(
        PUBLIC,
        frame("heartbeats", 0, beat),
        b'{"type":"error","message":"authentication failure"}',
        b'{"type":"error","message":"subscribe or unsubscribe required"}',
        frame("heartbeats", 1, {**beat, "heartbeat_counter": 3050}),
        state=state,
    )
    assert [type(one) for one in found] == [Heartbeat, Ack, Ack, Heartbeat]
    assert isinstance(found[1].error, errors.BadKey)
    assert isinstance(found[2].error, errors.SubscribeRefused)


def test_one_sequence_for_all_channels() -> None:
    """A hole concerns every book; what came already is dropped; nothing is required of
    ``client_id``, unknown channels are counted."""
    state = coinbase.open_session(PUBLIC)
    beat = {"current_time": "x", "heartbeat_counter": 1}
    assert [type(one) for one in told(PUBLIC, frame("heartbeats", 0, beat), state=state)] == [
        Heartbeat
    ]
    gap, _ = told(PUBLIC, frame("heartbeats", 2, beat, client_id=""), state=state)
    assert isinstance(gap, SequenceGap) and gap.topics is None
    assert told(PUBLIC, frame("heartbeats", 1, beat), state=state) == []
    assert told(PUBLIC, frame("heartbeats", 2, beat), state=state) == []
    (unknown,) = told(PUBLIC, frame("news", 3, {"any": "thing"}), state=state)
    assert isinstance(unknown, Unknown)
    fresh = coinbase.open_session(PUBLIC)
    assert isinstance(told(PUBLIC, frame("heartbeats", 5, beat), state=fresh)[0], SequenceGap)


def level(side: str, price: str, size: str) -> dict[str, str]:
    return {"side": side, "event_time": "1970-01-01T00:00:00Z", "price_level": price,
            "new_quantity": size}  # fmt: skip


def test_the_book() -> None:
    """A snapshot, absolute quantities by price, zero in any spelling removes; another snapshot
    replaces all of it."""
    book = LocalBook(BTC, coinbase.check_sequence)
    rows = [level("bid", "60000.1", "0.5"), level("bid", "60000.0", "2"),
            level("offer", "60000.2", "0.75")]  # fmt: skip
    event = {"product_id": "BTC-USD"}
    frames = [
        frame("l2_data", 0, {"type": "snapshot", **event, "updates": rows}),
        frame("l2_data", 1, {"type": "update", **event,
                             "updates": [level("bid", "60000.10", "0.00000000"),
                                         level("offer", "60000.15", "1")]}),
        frame("l2_data", 2, {"type": "update", "product_id": "ETH-USD", "updates": rows}),
    ]  # fmt: skip
    state = coinbase.open_session(PUBLIC)
    for one in told(PUBLIC, *frames, state=state):
        assert isinstance(one, BookSnapshot | BookDelta)
        book.feed(one)
    assert book.in_sync and (book.bid, book.ask) == ((D(60000), D(2)), (D("60000.15"), D(1)))
    again = frame("l2_data", 3, {"type": "snapshot", **event, "updates": rows[:1]})
    (snapshot,) = told(PUBLIC, again, state=state)
    book.feed(snapshot)
    assert (book.bid, book.ask) == ((D("60000.1"), D("0.5")), None)
    with pytest.raises(errors.BadReply):
        wrong = {"type": "update", **event, "updates": [level("ask", "1", "1")]}
        told(PUBLIC, frame("l2_data", 4, wrong), state=state)


def compact(text: bytes) -> bytes:
    """As the venue writes it."""
    return json.dumps(json.loads(text), separators=(",", ":")).encode()


def test_books_however_their_frames_are_written() -> None:
    """What a book's frame says does not hang on the order of its members or on spaces."""
    rows = [level("bid", "60000.1", "0.5"), level("offer", "60000.2", "0.75")]
    spaced = frame("l2_data", 0, {"type": "update", "product_id": "BTC-USD", "updates": rows})
    turned = json.dumps(dict(reversed(json.loads(spaced).items()))).encode()
    found = [told(PUBLIC, text) for text in (compact(spaced), spaced, compact(turned))]
    assert isinstance(found[0][0], BookDelta) and found[0] == found[1] == found[2]


@pytest.mark.parametrize("form", [bytes, compact])
@pytest.mark.parametrize(
    "broken",
    [
        {},
        *(
            {"type": "update", "updates": [level("bid", *numbers)]}
            for numbers in (("1e99", "1"), ("1", "1e-400"), ("1", "0e99999"))
        ),
    ],
)
def test_a_book_that_cannot_be_read_is_missing(
    form: Callable[[bytes], bytes], broken: dict[str, Any]
) -> None:
    """Nothing else would tell that a change of a book was lost: the next frame does. What is broken
    of another channel costs no book."""
    beat = {"current_time": "x", "heartbeat_counter": 1}
    state = coinbase.open_session(PUBLIC)
    told(PUBLIC, frame("heartbeats", 0, beat), state=state)
    with pytest.raises(errors.BadReply):
        told(PUBLIC, form(frame("market_trades", 1, {"trades": 5})), state=state)
    assert len(told(PUBLIC, frame("heartbeats", 2, beat), state=state)) == 1
    with pytest.raises(errors.BadReply):
        told(PUBLIC, form(frame("l2_data", 3, {"product_id": "BTC-USD", **broken})), state=state)
    with pytest.raises(errors.BadReply):
        told(PUBLIC, form(frame("market_trades", 4, {"trades": 5})), state=state)
    gap, _ = told(PUBLIC, frame("heartbeats", 5, beat), state=state)
    assert isinstance(gap, SequenceGap) and gap.reason == "expected frame 3, got 5"
    assert len(told(PUBLIC, frame("heartbeats", 6, beat), state=state)) == 1


def test_names_in_usdc() -> None:
    """Arrive under the USD name, except two that have books of their own."""
    usdc = planned("book", symbol="BTC/USDC")
    event = {"type": "snapshot", "product_id": "BTC-USD", "updates": [level("bid", "1", "1")]}
    (book,) = told(usdc, frame("l2_data", 0, event))
    assert book.symbol == "BTC/USDC"
    own = planned("book", symbol="USDT/USDC")
    assert told(own, frame("l2_data", 0, {**event, "product_id": "USDT-USD"})) == []


def test_tickers_serve_two_channels() -> None:
    """The best prices are quotes, too; ``ticker_batch`` has none."""
    row = {"type": "ticker", "product_id": "BTC-USD", "price": "60000.15",
           "volume_24_h": "6893.4517", "low_24_h": "58950.6", "high_24_h": "60480",
           "price_percent_chg_24_h": "1.24", "best_bid": "60000.10", "best_bid_quantity": "0.5",
           "best_ask": "60000.20", "best_ask_quantity": "0.75"}  # fmt: skip
    quote, ticker = told(PUBLIC, frame("ticker", 0, {"type": "snapshot", "tickers": [row]}))
    assert isinstance(quote, Quote) and (quote.bid, quote.ask_quantity) == (
        D("60000.10"),
        D("0.75"),
    )
    assert isinstance(ticker, Ticker) and (ticker.last, ticker.high) == (D("60000.15"), D(60480))
    bare = {name: value for name, value in row.items() if not name.startswith("best")}
    found = told(PUBLIC, frame("ticker_batch", 0, {"type": "update", "tickers": [bare]}))
    assert found[0].bid is None


def test_trades_of_the_stream() -> None:
    """Of updates only, oldest first, with the taker's side."""
    past = {"type": "snapshot", "trades": [trade_row(5)]}
    now = {"type": "update", "trades": [trade_row(7, "BUY"), trade_row(6)]}
    found = told(PUBLIC, frame("market_trades", 0, past), frame("market_trades", 1, now))
    assert [(one.id, one.side) for one in found] == [(6, "buy"), (7, "sell")]


def user_row(**changed: Any) -> dict[str, Any]:
    return {
        "avg_price": "0",
        "cancel_reason": "",
        "client_order_id": "mine",
        "cumulative_quantity": "0",
        "filled_value": "0",
        "leaves_quantity": "0.001",
        "limit_price": "60000.1",
        "number_of_fills": "0",
        "order_id": "3f0a",
        "order_side": "BUY",
        "order_type": "LIMIT",
        "post_only": "false",
        "product_id": "BTC-USD",
        "reject_reason": "",
        "status": "OPEN",
        "time_in_force": "GOOD_UNTIL_CANCELLED",
        "total_fees": "0",
        "creation_time": "2026-11-22T08:00:00.150123Z",
        "end_time": "0001-01-01T00:00:00Z",
        **changed,
    }


PART = {"cumulative_quantity": "0.0004", "leaves_quantity": "0.0006", "filled_value": "24.00004",
        "avg_price": "60000.1", "total_fees": "0.14400024", "number_of_fills": "1"}  # fmt: skip


def user(number: int, *rows: Any, kind: str = "update") -> bytes:
    return frame("user", number, {"type": kind, "orders": list(rows), "positions": {}})


def test_the_life_of_an_order_on_the_stream() -> None:
    """Open, grown, cancelled: an order each time, and what it grew by as one derived fill."""
    found = told(
        PRIVATE,
        user(0, kind="snapshot"),
        user(1, user_row()),
        user(2, user_row(**PART)),
        user(3, user_row(**PART, status="CANCEL_QUEUED")),
        user(4, user_row(**PART, status="CANCELLED", cancel_reason="User requested cancel")),
    )
    orders = [one for one in found if isinstance(one, Order)]
    assert [one.status for one in orders] == [
        "new", "partially_filled", "partially_filled", "canceled"
    ]  # fmt: skip
    assert {one.quantity for one in orders} == {D("0.001")} and orders[0].time_in_force == "GTC"
    assert orders[-1].reason == "User requested cancel" and orders[-1].filled == D("0.0004")
    (fill,) = (one for one in found if isinstance(one, Fill))
    assert (fill.quantity, fill.price, fill.fee) == (D("0.0004"), D("60000.1"), D("0.14400024"))
    assert (fill.fee_asset, fill.derived, fill.order_id) == ("USD", True, "3f0a")


def test_what_is_told_again_grew_by_nothing() -> None:
    """Also when the order is over; what grew before this connection is REST's to tell."""
    full = {**PART, "cumulative_quantity": "0.001", "leaves_quantity": "0",
            "filled_value": "60.0001", "total_fees": "0.36", "status": "FILLED"}  # fmt: skip
    found = told(
        PRIVATE,
        user(0, user_row(**PART), kind="snapshot"),
        user(1, user_row(**full)),
        user(2, user_row(**full)),
        user(3, user_row(**full)),
    )
    (fill,) = (one for one in found if isinstance(one, Fill))
    assert (fill.quantity, fill.fee) == (D("0.0006"), D("0.21599976"))
    assert fill.id == "3f0a/0.001"


def test_finished_orders_are_not_remembered_for_ever() -> None:
    """Neither are those of which only the end was told."""
    state = coinbase.open_session(PRIVATE)
    ended = {**PART, "status": "CANCELLED"}
    for number in range(101):
        rows = [user_row(**ended, order_id=f"{number}-{at}") for at in range(100)]
        told(PRIVATE, user(number, *rows), state=state)
    assert len(state.grown) == 10_000


@pytest.mark.parametrize(
    ("changed", "maker"),
    [
        ({"order_type": "MARKET", "time_in_force": "IMMEDIATE_OR_CANCEL"}, False),
        ({"time_in_force": "IMMEDIATE_OR_CANCEL"}, False),
        ({"time_in_force": "FILL_OR_KILL"}, False),
        ({"post_only": "true"}, True),
        ({}, None),
        ({"time_in_force": "GOOD_UNTIL_DATE_TIME"}, None),
    ],
)
def test_the_role_of_a_derived_fill(changed: dict[str, str], maker: bool | None) -> None:
    """Known where the kind of the order tells; a limit order may have taken before it rested."""
    found = told(PRIVATE, user(0, user_row(**PART, **changed)))
    (fill,) = (one for one in found if isinstance(one, Fill))
    assert fill.maker is maker
    assert fill.role == {True: "maker", False: "taker", None: ""}[maker]


# Recordings


def test_every_recorded_error_maps(recorded: Path) -> None:
    """Each real error body is one typed error, whatever was asked."""
    lines = (recorded / "coinbase/errors/errors.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 4
    for line in lines:
        row = json.loads(line)
        for status in (200, 400, 404):
            with pytest.raises(errors.VocxError):
                reply(LIMIT, row["body"].encode(), status)


BODIES: list[tuple[str, Intent]] = [
    ("ExchangeData/GetOrderBook", GetBook(symbol="ETH/USDT", depth=1)),
    ("ExchangeData/GetKlines", GetCandles(symbol="ETH/USDT", interval="1m")),
    ("ExchangeData/GetTradeHistory", GetTrades(symbol="ETH/USDT")),
    ("Account/GetAccounts", GetBalances()),
    ("Trading/PlaceOrder", LIMIT),
    ("Trading/CancelOrders", CancelOrder(symbol=BTC, id="1")),
    ("Trading/EditOrder", AmendOrder(symbol=BTC, id="1", quantity=D(1), price=D(1))),
    ("Trading/GetOrder", GetOrder(symbol=BTC, id="1")),
    ("Trading/GetUserTrades", GetFills(symbol=BTC)),
]


@pytest.mark.parametrize(("name", "intent"), BODIES, ids=[name for name, _ in BODIES])
def test_recorded_replies_decode(recorded: Path, name: str, intent: Intent) -> None:
    """Each recorded body is facts."""
    answer = reply(intent, recorded_body(recorded, name))
    assert answer.result


def recorded_body(recorded: Path, name: str) -> bytes:
    file = recorded / f"coinbase/jkorf/Endpoints/AdvancedTrade/{name}.txt"
    body = file.read_text(encoding="utf-8").partition("\n")[2]
    return body[body.index("{") :].encode()


def test_recorded_examples_that_are_nothing(recorded: Path) -> None:
    """A product of an unknown type is no instrument, an order without a side no order."""
    assert (
        len(reply(GetInstruments(), recorded_body(recorded, "ExchangeData/GetSymbols")).result) == 0
    )
    with pytest.raises(errors.BadReply):
        reply(GetOpenOrders(), recorded_body(recorded, "Trading/GetOrders"))


def test_every_recorded_frame_decodes(recorded: Path) -> None:
    """Facts, words about the session, or a counted unknown."""
    files = sorted((recorded / "coinbase/jkorf/Subscriptions").rglob("*.txt"))
    frames: list[bytes] = []
    for file in files:
        for part in re.split(r"^[<=>] ?", file.read_text(encoding="utf-8"), flags=re.M):
            if part.strip().startswith("{") and '"type": "subscribe"' not in part:
                frames.append(part.strip().encode())
    assert len(frames) > 15
    kinds: set[type] = set()
    for text in frames:
        for plan in (PUBLIC, PRIVATE, planned("book", "quotes", "trades", symbol="ETH/USDT")):
            kinds |= {type(one) for one in told(plan, text)}
    assert kinds >= {Ack, Heartbeat, Trade, Quote, Order}


def test_frames_that_others_test_with(recorded: Path) -> None:
    """Real, made up and broken: decoded, or one typed error."""
    lines = (recorded / "coinbase/gocryptotrader/test-literals.jsonl").read_text(encoding="utf-8")
    raws = [json.loads(line)["raw"] for line in lines.splitlines()]
    broken = 0
    for raw in raws:
        for plan in (PUBLIC, PRIVATE):
            try:
                told(plan, raw.encode())
            except errors.BadReply:
                broken += 1
    assert 0 < broken < 2 * len(raws)
