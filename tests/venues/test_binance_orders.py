"""Binance's signed side: published signatures, exact bytes, orders and events out of recordings."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from vocx import errors, venues
from vocx.facts import Balance, Facts, Fill, Order
from vocx.venues.base import (
    Ack,
    CancelAll,
    CancelOrder,
    ChannelSpec,
    Credentials,
    GetBalances,
    GetFills,
    GetOpenOrders,
    GetOrder,
    Intent,
    Notice,
    PlaceOrder,
    Request,
    SocketPlan,
    Unknown,
    Usage,
)
from vocx.venues.binance.signing import encoded, sign, signed_params, sorted_payload

VENUE = venues.get("binance")
BTC = "BTC/USDT"
NOW = 1_499_827_319_559_000_000
KEY = Credentials(
    key="vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    secret="NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
)
"""Published by Binance for examples (rest-api.md)."""
LIMIT = PlaceOrder(
    symbol=BTC,
    side="buy",
    type="limit",
    client_order_id="vocx-1",
    quantity=Decimal("1E-2"),
    price=Decimal("60000.00"),
    time_in_force="GTC",
)
MARKET = PlaceOrder(
    symbol=BTC, side="buy", type="market", client_order_id="vocx-2", quote_quantity=Decimal(300)
)


def signed(intent: Intent, key: Credentials = KEY) -> Request:
    """The request as it goes out."""
    return VENUE.sign(VENUE.request(intent), NOW, key, "")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (  # R3: query and body without a separator
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
            "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
        ),
        (
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
            "&recvWindow=5000&timestamp=1499827319559",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
    ],
)
def test_published_rest_signatures(payload: str, expected: str) -> None:
    """HMAC-SHA256 in hex over the text as it is sent."""
    assert sign(payload, KEY) == expected


def test_percent_encoding_comes_before_signing() -> None:
    """R2: the exchange signs what it reads off the wire, not what was meant."""
    payload = encoded(
        {
            **{"symbol": "１２３４５６", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"},
            **{"quantity": 1, "price": "0.1", "recvWindow": 5000, "timestamp": 1499827319559},
        }
    )
    assert payload.startswith("symbol=%EF%BC%91%EF%BC%92")
    assert sign(payload, KEY) == "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"


LIMIT_PARAMS = {"side": "SELL", "symbol": "BTCUSDT", "timeInForce": "GTC", "type": "LIMIT"}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (
            {
                **LIMIT_PARAMS,
                **{"price": "52000.00", "quantity": "0.01000000", "recvWindow": 100},
                "timestamp": 1645423376532,
            },
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            {
                **LIMIT_PARAMS,
                **{"price": "0.10000000", "quantity": "1.00000000", "recvWindow": 5000},
                **{"side": "BUY", "symbol": "１２３４５６", "timestamp": 1645423376532},
            },
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
        (
            {
                **LIMIT_PARAMS,
                **{"price": "23416.10000000", "quantity": "0.00847000"},
                "timestamp": 1660801715431,
            },
            "15af09e41c36f3cc61378c2fbe2c33719a03dd5eba8d0f9206fbda44de717c88",
        ),
        (
            {
                "symbol": "BTCUSDT",
                "origClientOrderId": "4d96324ff9d44481926157",
                "timestamp": 1660801715830,
            },
            "33d5b721f278ae17a52f004a82a6f68a70c68e7dd6776ed0be77a455ab855282",
        ),
        (
            {"symbol": "BTCUSDT", "orderId": 12569099453, "timestamp": 1660801720951},
            "2c3aab5a078ee4ea465ecd95523b77289f61476c2f238ec10c55ea6cb11a6f35",
        ),
        (
            {"timestamp": 1660801839480},
            "83303b4a136ac1371795f465808367242685a9e3a42b22edb4d977d0696eb45c",
        ),
        (
            {"timestamp": 1649729878532},
            "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed",
        ),
    ],
    ids=["W1", "W2", "W3", "W4", "W5", "W6", "W7"],
)
def test_published_websocket_signatures(params: dict[str, Any], expected: str) -> None:
    """Sorted by name, raw UTF-8, the key among the parameters."""
    assert sign(sorted_payload({**params, "apiKey": KEY.key}), KEY) == expected


def test_recorded_signatures(recorded: Path) -> None:
    """Every published example that reproduces, reproduces here."""
    book = json.loads((recorded / "conformance" / "binance-doc-signatures.json").read_text())
    key = Credentials(key=book["apiKey"], secret=book["secretKey"])
    vectors = [one for one in book["hmac_sha256_hex"] if one["reproduced"]]
    assert len(vectors) >= 4
    assert all(sign(one["payload"], key) == one["expected"] for one in vectors)


def ed25519_pem(passphrase: bytes | None = None) -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    lock: Any = serialization.NoEncryption()
    if passphrase:
        lock = serialization.BestAvailableEncryption(passphrase)
    return (
        Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption_algorithm=lock
        )
        .decode()
    )


@pytest.mark.parametrize("passphrase", [None, "open"])
def test_ed25519_is_deterministic(passphrase: str | None) -> None:
    """Plain Ed25519 over the payload, base64; a passphrase opens the key."""
    payload = (
        "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2"
        "&timestamp=1668481559918&recvWindow=5000"
    )
    pem = ed25519_pem(passphrase.encode() if passphrase else None)
    assert sign(payload, Credentials(key="k", secret=pem, passphrase=passphrase)) == (
        "m5loLRxgkb9HyW0wkZ4KNrpck881bx5D0OrKNnPklvk4tlGjEJkhiP9DoyC0sc1lXA/TWugjVPrMb/bfNdmdBw=="
    )


@pytest.mark.parametrize(
    ("secret", "passphrase", "says"),
    [
        ("-----BEGIN PRIVATE KEY-----\nnonsense", None, "cannot be read"),
        (ed25519_pem(b"open"), None, "needs its passphrase"),
        (ed25519_pem(), "open", "has no passphrase"),
        (ed25519_pem(b"open"), "shut", "passphrase must fit"),
    ],
)
def test_an_unusable_private_key_is_refused(secret: str, passphrase: str, says: str) -> None:
    """Before anything is sent, and without showing the key."""
    with pytest.raises(errors.BadInput, match=says) as caught:
        sign("x", Credentials(key="k", secret=secret, passphrase=passphrase))
    assert "nonsense" not in str(caught.value)


def test_a_signed_request_is_signed_as_sent() -> None:
    """Key in a header, signature last over all that precedes it, numbers without exponents."""
    request = signed(LIMIT)
    query = urlsplit(request.target).query
    payload, _, signature = query.rpartition("&signature=")
    assert request.method == "POST" and request.headers == {"X-MBX-APIKEY": KEY.key}
    assert signature == sign(payload, KEY)
    assert payload == (
        "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=60000.00"
        "&newClientOrderId=vocx-1&newOrderRespType=FULL&recvWindow=5000&timestamp=1499827319559"
    )


def test_an_ed25519_signature_is_encoded_again() -> None:
    """Base64 holds + / and =, which mean other things in a query."""
    request = signed(GetBalances(), Credentials(key="k", secret=ed25519_pem()))
    payload, _, signature = urlsplit(request.target).query.rpartition("&signature=")
    assert not set(signature) & set("+/=")
    assert dict(parse_qsl(request.target))["signature"] == sign(
        payload, Credentials(key="k", secret=ed25519_pem())
    )


@pytest.mark.parametrize(
    ("intent", "method", "target", "name", "weight", "retry"),
    [
        (LIMIT, "POST", "order?", "order.place", 1, False),
        (MARKET, "POST", "order?", "order.place", 1, False),
        (CancelOrder(symbol=BTC, id=7), "DELETE", "order?", "order.cancel", 1, True),
        (CancelAll(symbol=BTC), "DELETE", "openOrders?", "openOrders.cancelAll", 1, True),
        (GetOrder(symbol=BTC, client_order_id="a"), "GET", "order?", "order.status", 4, True),
        (GetOpenOrders(symbol=BTC), "GET", "openOrders?", "openOrders.status", 6, True),
        (GetOpenOrders(), "GET", "openOrders?", "openOrders.status", 80, True),
        (GetFills(symbol=BTC), "GET", "myTrades?", "myTrades", 20, True),
        (GetFills(symbol=BTC, order_id=7), "GET", "myTrades?", "myTrades", 5, True),
        (GetBalances(), "GET", "account?", "account.status", 20, True),
    ],
)
def test_signed_calls_are_exact(
    intent: Intent, method: str, target: str, name: str, weight: int, retry: bool
) -> None:
    """Path, weight and what may be repeated: anything but a placement."""
    request, frame = signed(intent), VENUE.ws_request(intent, 3, NOW, KEY, "")
    assert request.method == method and request.target.startswith(f"/api/v3/{target}")
    charges = {"weight": weight, "requests": 1} | ({} if retry else {"orders": 1})
    assert request.signed and request.purpose == "rest_signed" and frame.purpose == "ws_api"
    assert (request.charges, request.safe_to_retry) == (charges, retry)
    assert (frame.method, frame.charges, frame.safe_to_retry) == (name, charges, retry)


def test_a_frame_is_sorted_and_signed() -> None:
    """The WebSocket API's parameters: sorted, key inside, signed raw."""
    frame = json.loads(VENUE.ws_request(LIMIT, 3, NOW, KEY, "").body)
    params = frame["params"]
    signature = params.pop("signature")
    assert frame["id"] == 3 and list(params) == sorted(params)
    assert params["apiKey"] == KEY.key and signature == sign(sorted_payload(params), KEY)


def test_an_order_test_places_nothing() -> None:
    """Its own path, may be repeated, counts as no order; the answer is an order that is none."""
    tested = PlaceOrder(
        symbol=BTC, side="buy", type="market", client_order_id="t", quantity=Decimal(1), test=True
    )
    request = signed(tested)
    order = VENUE.reply(request, 200, {}, b"{}", 5).result
    assert "/order/test?" in request.target and request.safe_to_retry
    assert "orders" not in request.charges
    assert isinstance(order, Order) and order.status == "tested" and not order.open


@pytest.mark.parametrize(
    ("intent", "key", "says"),
    [
        (LIMIT, Credentials(key="k", secret="s", venue="okx"), "for okx"),
        (GetOrder(symbol=BTC), KEY, "its id or by its client order id"),
        (GetFills(symbol=BTC, order_id=1, start_ns=1), KEY, "not both"),
        (GetFills(symbol=BTC, limit=1001), KEY, "1 to 1000"),
        (
            PlaceOrder(symbol=BTC, side="buy", type="market", client_order_id="ü"),
            KEY,
            "1 to 36 letters",
        ),
    ],
)
def test_what_cannot_be_signed_is_refused(intent: Intent, key: Credentials, says: str) -> None:
    """Before anything is sent."""
    with pytest.raises(errors.BadInput, match=says):
        signed(intent, key)


PLACED = b"""{"symbol":"BTCUSDT","orderId":4400124,"orderListId":-1,"clientOrderId":"vocx-0002",
 "transactTime":1795334400400,"price":"0.00000000","origQty":"0.00498000",
 "executedQty":"0.00498000","origQuoteOrderQty":"300.00000000",
 "cummulativeQuoteQty":"299.40028800","status":"FILLED","timeInForce":"GTC","type":"MARKET",
 "side":"BUY","workingTime":1795334400400,"fills":[
  {"price":"60120.50000000","qty":"0.00300000","commission":"0.00000300","commissionAsset":"BTC",
   "tradeId":810046},
  {"price":"60120.60000000","qty":"0.00198000","commission":"0.00000198","commissionAsset":"BTC",
   "tradeId":810047}],"selfTradePreventionMode":"EXPIRE_MAKER"}"""


def test_a_placement_is_an_order_with_its_fills() -> None:
    """Zero price is no price; sums of the fills are the order's; the fee is in what was bought."""
    order = VENUE.reply(signed(MARKET), 200, {}, PLACED, 5).result
    assert isinstance(order, Order) and order.status == "filled" and order.price is None
    assert order.quote_quantity == 300 and order.symbol == BTC and not order.open
    assert sum(one.quantity for one in order.fills) == order.filled
    assert sum(one.price * one.quantity for one in order.fills) == order.filled_quote
    assert {one.fee_asset for one in order.fills} == {"BTC"} and not order.fills[0].maker


def test_a_cancellation_keeps_the_orders_own_id() -> None:
    """The reply's clientOrderId is the cancel's; the order is still ours."""
    body = (
        b'{"symbol":"BTCUSDT","origClientOrderId":"vocx-0001","orderId":4400123,'
        b'"clientOrderId":"q8pT0cXW","transactTime":1795334401010,"price":"60000.00000000",'
        b'"origQty":"0.00100000","executedQty":"0.00000000","cummulativeQuoteQty":"0.00000000",'
        b'"status":"CANCELED","timeInForce":"GTC","type":"LIMIT","side":"BUY"}'
    )
    order = VENUE.reply(signed(CancelOrder(symbol=BTC, id=1)), 200, {}, body, 5).result
    assert isinstance(order, Order)
    assert (order.client_order_id, order.status, order.open) == ("vocx-0001", "canceled", False)


@pytest.mark.parametrize(
    ("status", "body", "kind", "outcome", "says"),
    [
        (
            400,
            (-2010, "Account has insufficient balance for requested action."),
            errors.OrderRefused,
            "refused",
            "ex.balances",
        ),
        (400, (-2010, "Duplicate order sent."), errors.DuplicateOrder, "accepted", "ask for it"),
        (
            400,
            (-2010, "Order would immediately match and take."),
            errors.OrderRefused,
            "refused",
            "best ask",
        ),
        (400, (-1013, "Filter failure: LOT_SIZE"), errors.OrderRefused, "refused", "on the lot"),
        (400, (-1013, "Filter failure: NOTIONAL"), errors.OrderRefused, "refused", "min_notional"),
        (400, (-1021, "Timestamp is outside."), errors.ClockSkew, "refused", "clock"),
        (400, (-1022, "Signature is not valid."), errors.BadSignature, "refused", "encoded"),
        (401, (-2014, "API-key format invalid."), errors.BadKey, "refused", "permissions"),
        (401, (-2015, "Invalid API-key, IP, or per"), errors.BadKey, "refused", "permissions"),
        (429, (-1015, "Too many new orders; cur"), errors.RateLimited, "refused", "new orders"),
        (418, (-1003, "Way too much"), errors.Banned, "refused", "Stop"),
        (400, (-1121, "Invalid symbol."), errors.UnknownSymbol, "refused", "no symbol"),
        (500, (-1006, "An unexpected."), errors.VenueUnavailable, "unknown", "unknown"),
        (504, (-1007, "Timeout waiting."), errors.VenueUnavailable, "unknown", "unknown"),
        (400, (-1007, "Timeout waiting."), errors.VenueUnavailable, "unknown", "unknown"),
        (503, None, errors.VenueUnavailable, "unknown", "unknown"),
        (200, None, errors.BadReply, "unknown", "not its JSON"),
    ],
)
def test_outcomes_of_a_placement(
    status: int, body: tuple[int, str] | None, kind: type, outcome: str, says: str
) -> None:
    """A refusal by code is a refusal; 5xx and unreadable answers say nothing about the order."""
    raw = json.dumps(dict(zip(("code", "msg"), body, strict=True))) if body else "<html>busy</html>"
    with pytest.raises(errors.VocxError, match=says) as caught:
        VENUE.reply(signed(LIMIT), status, {}, raw.encode(), NOW)
    assert type(caught.value) is kind and caught.value.outcome == outcome


def test_unknown_orders_are_not_found() -> None:
    """Cancelling and asking have codes of their own; a restriction is no absence."""
    cancel = signed(CancelOrder(symbol=BTC, id=1))
    for code, text, kind in (
        (-2011, "Unknown order sent.", errors.OrderNotFound),
        (-2013, "Order does not exist.", errors.OrderNotFound),
        (-2011, "Order was not canceled due to cancel restrictions.", errors.OrderRefused),
    ):
        with pytest.raises(kind):
            VENUE.reply(cancel, 400, {}, json.dumps({"code": code, "msg": text}).encode(), NOW)


def test_an_envelope_is_a_reply() -> None:
    """Status, counts and body as REST would have said them; waiting in seconds, not epochs."""
    counts = (
        b'"rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":100,'
        b'"count":1},{"rateLimitType":"ORDERS","interval":"DAY","intervalNum":1,"limit":200000,'
        b'"count":38},{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,'
        b'"limit":6000,"count":3}]}'
    )
    good = VENUE.parse_response(b'{"id":9,"status":200,"result":{"a":1},' + counts)
    assert good is not None and (good.id, good.status, good.body) == (9, 200, b'{"a":1}')
    assert VENUE.parse_usage(signed(LIMIT), good.headers) == [
        Usage(bucket="orders", used=1, window_s=10),
        Usage(bucket="orders", used=38, window_s=86_400),
        Usage(bucket="weight", used=3, window_s=60),
    ]
    bad = VENUE.parse_response(
        b'{"id":8,"status":429,"error":{"code":-1003,"msg":"Too much","data":'
        b'{"serverTime":1795334430000,"retryAfter":1795334460000}},"rateLimits":[]}'
    )
    assert bad is not None and bad.headers["retry-after"] == "30"
    assert VENUE.parse_response(b'{"subscriptionId":0,"event":{"e":"x"}}') is None


def private(*channels: str) -> SocketPlan:
    wanted = [ChannelSpec(channel=one, symbol=None) for one in channels or ("orders",)]
    (only,) = VENUE.plan_sockets(wanted)
    return only


def test_private_channels_share_one_socket() -> None:
    """Beside the market's socket there is one for the account, without a stale signature."""
    market, mine = VENUE.plan_sockets(
        [
            ChannelSpec(channel="trades", symbol=BTC),
            ChannelSpec(channel="orders", symbol=BTC),
            ChannelSpec(channel="fills", symbol="ETH/USDT"),
        ]
    )
    assert (market.purpose, mine.purpose) == ("ws", "ws_api")
    assert (market.private, mine.private, mine.login) == (False, True, False)
    assert {one.symbol for one in mine.topics.values()} == {None}


def test_each_login_is_signed_anew() -> None:
    """A signature lives five seconds; a reconnect needs another."""
    plan = private("orders")
    (first,) = VENUE.subscribe_frames(plan, ["orders"], NOW, KEY, "one")
    (again,) = VENUE.subscribe_frames(plan, ["orders"], NOW + 1_000_000, KEY, "two")
    assert first.text != again.text and first.topics == ("orders",)
    frame = json.loads(first.text)
    assert frame["id"] == first.id == "one" and frame["params"] == signed_params({}, NOW, KEY)


TRADED = b"""{"subscriptionId":0,"event":{"e":"executionReport","E":1795334400402,"s":"BTCUSDT",
 "c":"vocx-0002","S":"BUY","o":"MARKET","f":"GTC","q":"0.00498000","p":"0.00000000",
 "P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE",
 "i":4400124,"l":"0.00300000","z":"0.00300000","L":"60120.50000000","n":"0.00000300","N":"BTC",
 "T":1795334400400,"t":810046,"I":9100233,"w":false,"m":false,"M":true,"O":1795334400400,
 "Z":"180.36150000","Y":"180.36150000","Q":"300.00000000","W":1795334400400,"V":"EXPIRE_MAKER"}}"""


def test_a_trade_report_is_a_fill_and_an_order() -> None:
    """Each for the channel that wants it; cumulative amounts are the order's truth."""
    fill, order = VENUE.decode(TRADED, 5, private("orders", "fills"), {})
    assert isinstance(fill, Fill) and (fill.id, fill.quantity) == (810046, Decimal("0.003"))
    assert isinstance(order, Order) and order.fills == (fill,) and order.source == "stream"
    assert (order.filled_quote, order.status) == (Decimal("180.3615"), "partially_filled")
    assert [type(one) for one in VENUE.decode(TRADED, 5, private("fills"), {})] == [Fill]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (b'{"id":"vocx-login","status":200,"result":{"subscriptionId":0}}', Ack),
        (b'{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}', Notice),
        (b'{"event":{"e":"serverShutdown","E":1}}', Notice),
        (b'{"subscriptionId":0,"event":{"e":"balanceUpdate","E":1,"a":"BTC","d":"1"}}', Notice),
        (b'{"subscriptionId":0,"event":{"e":"newThing"}}', Unknown),
        (b'{"subscriptionId":0,"event":{"e":"executionReport","q":"many"}}', Unknown),
        (b"{}", Unknown),
    ],
)
def test_other_private_frames(event: bytes, expected: type) -> None:
    """About the connection, or unknown and never fatal."""
    (found,) = VENUE.decode(event, 5, private(), {})
    assert isinstance(found, expected)


def test_a_refused_login_is_typed() -> None:
    """The acknowledgement carries the reason: a key, a signature or a clock."""
    body = b'{"id":"vocx-login","status":400,"error":{"code":-1021,"msg":"Timestamp."}}'
    (ack,) = VENUE.decode(body, 5, private(), {})
    assert isinstance(ack, Ack) and isinstance(ack.error, errors.ClockSkew)
    assert ack.topics == ("orders",)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"id":\xff}'])
def test_unreadable_private_frames(text: bytes) -> None:
    """Typed, with a sample."""
    with pytest.raises(errors.BadReply):
        VENUE.decode(text, 5, private(), {})


INTENTS: dict[str, Intent] = {
    "POST order": MARKET,
    "POST order/test": PlaceOrder(
        symbol=BTC, side="buy", type="market", client_order_id="t", test=True
    ),
    "DELETE order": CancelOrder(symbol=BTC, id=1),
    "DELETE openOrders": CancelAll(symbol=BTC),
    "GET order": GetOrder(symbol=BTC, id=1),
    "GET openOrders": GetOpenOrders(),
    "GET allOrders": GetOpenOrders(),
    "GET myTrades": GetFills(symbol=BTC),
    "GET account": GetBalances(),
}
METHODS = {
    "order.place": "POST order",
    "order.test": "POST order/test",
    "order.cancel": "DELETE order",
    "openOrders.cancelAll": "DELETE openOrders",
    "order.status": "GET order",
    "openOrders.status": "GET openOrders",
    "myTrades": "GET myTrades",
    "account.status": "GET account",
}


def recorded_calls(folder: Path) -> Iterator[tuple[str, bytes]]:
    with gzip.open(folder / "binance" / "gocryptotrader" / "http-spot.json.gz") as file:
        routes = json.load(file)["routes"]
    for path, methods in routes.items():
        for method, calls in methods.items():
            for one in calls:
                if one["data"] is not None:
                    name = path.removeprefix("/api/v3/")
                    yield f"{method} {name}", json.dumps(one["data"]).encode()
    for kind in ("Trading", "Account"):
        for file in sorted((folder / "binance/jkorf/Endpoints/Spot" / kind).glob("*.txt")):
            method, path, _, *body = file.read_text().split("\n", 3)
            if not body:
                continue  # a call whose answer is empty
            yield f"{method.strip()} {path.strip().removeprefix('/api/v3/')}", body[0].encode()
        for file in sorted((folder / "binance/jkorf/Socket/Spot" / kind).glob("*.txt")):
            sent, _, answer = file.read_text().partition("\n= ")
            method = METHODS.get(json.loads(sent[2:])["method"], "")
            opened = VENUE.parse_response(answer.replace("|1|", "1").strip().encode())
            assert opened is not None and opened.status == 200
            yield method, opened.body


def test_recorded_signed_replies_decode(recorded: Path) -> None:
    """Every recorded reply of a call that vocx makes turns into facts of its kind."""
    kinds: Counter[str] = Counter()
    for name, body in recorded_calls(recorded):
        if name not in INTENTS:
            continue
        found = VENUE.reply(signed(INTENTS[name]), 200, {}, body, NOW).result
        kinds[type(found[0] if isinstance(found, Facts) else found).__name__] += 1
    assert kinds["Order"] >= 18 and kinds["Fill"] >= 2 and kinds["Balance"] >= 3


def test_recorded_events_decode(recorded: Path) -> None:
    """Every recorded event of an account, wrapped as today or as it used to be."""
    folder = recorded / "binance"
    texts = [
        file.read_text().partition("\n= ")[2].strip()
        for file in sorted((folder / "jkorf/Subscriptions/Spot/Account").glob("*.txt"))
    ]
    texts += (folder / "gocryptotrader/wsHandleData.json").read_text().splitlines()
    plan = private("orders", "fills", "balances")
    kinds: Counter[type] = Counter()
    for text in texts:
        kinds.update(map(type, VENUE.decode(text.encode(), NOW, plan, {})))
    assert kinds[Order] == 2 and kinds[Balance] == 4 and kinds[Notice] >= 2
