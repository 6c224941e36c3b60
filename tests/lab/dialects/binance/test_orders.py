"""Signed requests of the Binance dialect: signatures, times, orders, filters, limits, accounts."""

from __future__ import annotations

import json
from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from trading_binance import KEY, MARKET, ORDER, RESTING, SECRET, Exchange, Trader, hmac_of
from venue_binance import MS, T0, S
from venue_in_memory import tracebacks_after

from vocx.errors import BadInput
from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.binance import Binance
from vocx.lab.dialects.binance.api_session import request_of
from vocx.lab.dialects.binance.calls import api_payload, rest_payload

R1 = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
    "&timestamp=1499827319559"
)
R2 = R1.replace("LTCBTC", "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96")
R3 = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
R3_BODY = b"quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
SIGNED_R1 = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
SIGNED_R2 = "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
SIGNED_R3 = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
SIGNED_AT = 1499827319559
W3 = {
    "price": "23416.10000000",
    "quantity": "0.00847000",
    "side": "SELL",
    "symbol": "BTCUSDT",
    "timeInForce": "GTC",
    "timestamp": 1660801715431,
    "type": "LIMIT",
}
W2 = {
    **W3,
    "price": "0.10000000",
    "quantity": "1.00000000",
    "side": "BUY",
    "symbol": "１２３４５６",
}
VECTORS = {
    "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24": {
        **W3,
        "price": "52000.00",
        "quantity": "0.01000000",
        "recvWindow": 100,
        "timestamp": 1645423376532,
    },
    "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd": {
        **W2,
        "recvWindow": 5000,
        "timestamp": 1645423376532,
    },
    "15af09e41c36f3cc61378c2fbe2c33719a03dd5eba8d0f9206fbda44de717c88": W3,
    "33d5b721f278ae17a52f004a82a6f68a70c68e7dd6776ed0be77a455ab855282": {
        "origClientOrderId": "4d96324ff9d44481926157",
        "symbol": "BTCUSDT",
        "timestamp": 1660801715830,
    },
    "2c3aab5a078ee4ea465ecd95523b77289f61476c2f238ec10c55ea6cb11a6f35": {
        "orderId": 12569099453,
        "symbol": "BTCUSDT",
        "timestamp": 1660801720951,
    },
    "83303b4a136ac1371795f465808367242685a9e3a42b22edb4d977d0696eb45c": {
        "timestamp": 1660801839480
    },
    "1cf54395b336b0a9727ef27d5d98987962bc47aca6e13fe978612d0adee066ed": {
        "timestamp": 1649729878532
    },
}
ED25519_PUBLIC = "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
ED25519_PAYLOAD = (
    "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2"
    "&timestamp=1668481559918&recvWindow=5000"
)
ED25519_SIGNATURE = (
    "m5loLRxgkb9HyW0wkZ4KNrpck881bx5D0OrKNnPklvk4tlGjEJkhiP9DoyC0sc1lXA/TWugjVPrMb/bfNdmdBw=="
)
BAD_SIGNATURE = (400, -1022, "Signature for this request is not valid.")
BAD_SYMBOL = (400, -1121, "Invalid symbol.")
NO_PERMISSION = (401, -2015, "Invalid API-key, IP, or permissions for action.")
TOO_OLD = (400, -1021, "Timestamp for this request is outside of the recvWindow.")
AHEAD = (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.command("account", name="default", key=KEY, secret=SECRET)
    return exchange


@pytest.fixture
def trader(exchange: Exchange) -> Trader:
    return Trader(exchange)


def said(answer: HttpOut) -> tuple[int, int, str]:
    body = json.loads(answer.body)
    return answer.status, body.get("code"), body.get("msg")


def body_of(answer: HttpOut) -> Any:
    return json.loads(answer.body)


# -- signatures --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "body", "signature"),
    [(R1, b"", SIGNED_R1), ("", R1.encode(), SIGNED_R1), (R2, b"", SIGNED_R2)]
    + [(R3, R3_BODY, SIGNED_R3), (R1, b"", SIGNED_R1.upper())],
)
def test_published_rest_vectors(
    exchange: Exchange, query: str, body: bytes, signature: str
) -> None:
    """They pass the check wherever the signature stands, hex in any case; the symbol is next."""
    exchange.now_ns = SIGNED_AT * MS
    placed = [(f"{query}&signature={signature}", body), (f"signature={signature}&{query}", body)]
    placed.append((query, body + b"&signature=" + signature.encode()))
    for target, sent in placed if query else [("", body + b"&signature=" + signature.encode())]:
        assert said(exchange.send("POST", "order?" + target, sent)) == BAD_SYMBOL


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        (R1 + "&strategyId=1", SIGNED_R1),
        (R1.replace("quantity=1&price=0.1", "price=0.1&quantity=1"), SIGNED_R1),
        (R2.lower().replace("limit", "LIMIT"), SIGNED_R2),
        (R3 + "&" + R3_BODY.decode(), SIGNED_R3),
    ],
)
def test_other_text_is_not_signed(exchange: Exchange, query: str, signature: str) -> None:
    """More, another order, another case of an encoding, a separator: it does not fit."""
    exchange.now_ns = SIGNED_AT * MS
    query = query.replace("side=buy", "side=BUY").replace("gtc", "GTC")
    query = query.replace("timeinforce", "timeInForce").replace("recvwindow", "recvWindow")
    answer = exchange.send("POST", f"order?{query}&signature={signature}")
    assert said(answer) == BAD_SIGNATURE


def test_signed_before_encoding(trader: Trader) -> None:
    """Signing first and encoding afterwards gives -1022 where the two differ."""
    raw = f"symbol=１２３４５６&timestamp={trader.stamp()}"
    encoded = f"symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&{raw.split('&')[1]}"
    send = trader.exchange.send
    assert said(send("GET", f"openOrders?{encoded}&signature={hmac_of(SECRET, raw)}")) == (
        BAD_SIGNATURE
    )
    assert said(send("GET", f"openOrders?{encoded}&signature={hmac_of(SECRET, encoded)}")) == (
        BAD_SYMBOL
    )


@pytest.mark.parametrize(("signature", "params"), VECTORS.items())
def test_published_websocket_vectors(signature: str, params: dict[str, Any]) -> None:
    """Sorted by name, raw UTF-8, numbers as they were sent."""
    sent = {**dict(reversed(params.items())), "apiKey": KEY, "signature": "whatever"}
    assert hmac_of(SECRET, api_payload(sent).decode()) == signature


def test_websocket_payload_is_as_sent() -> None:
    """Numbers keep the text they were written with, booleans are ``true`` and ``false``."""
    payload = f"apiKey={KEY}&price=60000.10&returnRateLimits=false&symbol=X&timestamp=1"
    text = (
        f'{{"id":1,"method":"order.test","params":{{"price":60000.10,"symbol":"X","timestamp":1,'
        f'"returnRateLimits":false,"apiKey":"{KEY}"}}}}'
    )
    assert api_payload(request_of(text.encode()).sent).decode() == payload


def test_published_ed25519_vector(exchange: Exchange) -> None:
    """A registered public key; base64 keeps its case and must be percent-encoded."""
    exchange.now_ns = 1668481559918 * MS
    exchange.command("account", key="e" * 64, public_key=ED25519_PUBLIC)
    encoded = ED25519_SIGNATURE.replace("/", "%2F").replace("=", "%3D").replace("+", "%2B")
    for signature, answer in [
        (encoded, (400, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE")),
        (encoded.swapcase(), BAD_SIGNATURE),
        (ED25519_SIGNATURE[:-1], BAD_SIGNATURE),
        ("", (400, -1105, "Parameter 'signature' was empty.")),
    ]:
        target = f"order?{ED25519_PAYLOAD}&signature={signature}"
        assert said(exchange.send("POST", target, key="e" * 64)) == answer


def test_generated_ed25519_pair(exchange: Exchange) -> None:
    """The lab makes a pair; its private key signs."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    made = exchange.command("account", ed25519=True)
    private = load_pem_private_key(made["secret"].encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    query = f"timestamp={T0 // MS}"
    signature = b64encode(private.sign(query.encode())).decode()
    signature = signature.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    answer = exchange.send("GET", f"account?{query}&signature={signature}", key=made["key"])
    assert answer.status == 200


def test_payload_has_no_separator() -> None:
    """Query and body follow each other with nothing between."""
    assert rest_payload("a=1&signature=x&b=2", b"c=3&signature=y") == b"a=1&b=2c=3"


# -- keys and times ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        (None, (401, -2014, "API-key format invalid.")),
        ("short", (401, -2014, "API-key format invalid.")),
        ("0" * 64, NO_PERMISSION),
    ],
)
def test_keys(trader: Trader, key: str | None, answer: Any) -> None:
    """A missing or malformed header, and an unknown key."""
    assert said(trader.exchange.send("GET", "account?" + trader.query({}), key=key)) == answer


def test_reading_key(exchange: Exchange) -> None:
    """A key that may not trade reads, and cannot place."""
    made = exchange.command("account", name="default", trade=False)
    reader = Trader(exchange, key=made["key"], secret=made["secret"])
    reader.ask("GET", "account")
    assert reader.error("POST", "order", **RESTING) == NO_PERMISSION


def test_revoked_key(exchange: Exchange, trader: Trader) -> None:
    exchange.command("account", revoke=KEY)
    assert trader.error("GET", "account") == NO_PERMISSION


@pytest.mark.parametrize(
    ("params", "answer"),
    [
        ({"timestamp": T0 // MS + 999}, None),
        ({"timestamp": T0 // MS + 1000}, AHEAD),
        ({"timestamp": T0 // 1000 + 999_999}, None),
        ({"timestamp": T0 // MS - 5000}, None),
        ({"timestamp": T0 // MS - 5001}, TOO_OLD),
        ({"timestamp": T0 // 1000 - 5_000_001}, TOO_OLD),
        ({"timestamp": T0 // MS - 60_000, "recvWindow": 60000}, None),
        ({"timestamp": T0 // MS - 2, "recvWindow": "1.999"}, TOO_OLD),
        ({"timestamp": T0 // 1000 - 1999, "recvWindow": "1.999"}, None),
        ({"timestamp": 1483228799999}, TOO_OLD),
    ],
)
def test_times(trader: Trader, params: dict[str, Any], answer: Any) -> None:
    """Less than 1 s ahead, at most the window old; milliseconds and microseconds."""
    if answer is None:
        trader.ask("GET", "rateLimit/order", **params)
    else:
        assert trader.error("GET", "rateLimit/order", **params) == answer


def test_skewed_clock(exchange: Exchange, trader: Trader) -> None:
    """The exchange's clock can be set wrong: times of ``time`` and of orders follow it."""
    exchange.command("skew", seconds=-3)
    assert trader.error("GET", "account") == AHEAD
    assert exchange.get("time")["serverTime"] == T0 // MS - 3000
    order = trader.place(**RESTING, timestamp=T0 // MS - 3000)
    assert order["transactTime"] == T0 // MS - 3000


CHECKS: list[tuple[dict[str, Any], int]] = [
    ({"nonsense": 1}, -1104),
    ({"timestamp": "soon"}, -1100),
    ({"recvWindow": 60001}, -1102),
    ({"side": "UP"}, -1117),
    ({"key": ""}, -2014),
    ({"key": "1" * 64}, -2015),
    ({"timestamp": 1}, -1021),
    ({"signature": "00"}, -1022),
    ({"symbol": "NOSUCH"}, -1121),
    ({"price": "60000.001"}, -1013),
    ({"price": "299000", "quantity": "2"}, -2010),
]


@pytest.mark.parametrize("first", range(len(CHECKS)))
def test_order_of_checks(exchange: Exchange, first: int) -> None:
    """With everything from some step on wrong, that step's error comes."""
    wrong: dict[str, Any] = {}
    for params, _ in CHECKS[:first:-1]:
        wrong |= params
    wrong |= CHECKS[first][0]
    key, signature = wrong.pop("key", KEY), wrong.pop("signature", None)
    trader = Trader(exchange)
    query = trader.query({**RESTING, **wrong})
    if signature:
        query = query.rpartition("=")[0] + "=" + signature
    answer = exchange.send("POST", "order?" + query, key=key)
    assert body_of(answer)["code"] == CHECKS[first][1]


# -- placing -----------------------------------------------------------------------------------


def test_ack(trader: Trader) -> None:
    """Exactly five fields; the default of LIMIT_MAKER."""
    wanted = {**RESTING, "type": "LIMIT_MAKER", "newClientOrderId": "vocx-0001"}
    del wanted["timeInForce"]
    answer = trader.http("POST", "order", **wanted).body
    order_id = json.loads(answer)["orderId"]
    assert answer.decode() == (
        f'{{"symbol":"BTCUSDT","orderId":{order_id},"orderListId":-1,'
        f'"clientOrderId":"vocx-0001","transactTime":{T0 // MS}}}'
    )


def test_full_of_a_resting_order(trader: Trader) -> None:
    """The documentation's sample, field by field and in its order."""
    answer = trader.http("POST", "order", **RESTING, newClientOrderId="vocx-0003").body
    order_id = json.loads(answer)["orderId"]
    assert answer.decode() == (
        f'{{"symbol":"BTCUSDT","orderId":{order_id},"orderListId":-1,"clientOrderId":"vocx-0003",'
        f'"transactTime":{T0 // MS},"price":"60000.00000000","origQty":"0.00100000",'
        '"executedQty":"0.00000000","origQuoteOrderQty":"0.00000000",'
        '"cummulativeQuoteQty":"0.00000000","status":"NEW","timeInForce":"GTC","type":"LIMIT",'
        f'"side":"BUY","workingTime":{T0 // MS},"fills":[],'
        '"selfTradePreventionMode":"EXPIRE_MAKER"}'
    )


def test_result_has_no_fills(trader: Trader) -> None:
    order = trader.place(**MARKET, newOrderRespType="RESULT")
    assert order["status"] == "FILLED" and "fills" not in order


def test_market_by_quantity(trader: Trader) -> None:
    """Fills add up to the totals; commission is a thousandth of what is received."""
    order = trader.place(**{**MARKET, "quantity": "3"})
    assert (order["status"], order["price"], order["timeInForce"]) == (
        "FILLED",
        "0.00000000",
        "GTC",
    )
    fills = [
        {k: Decimal(v) for k, v in f.items() if k != "commissionAsset"} for f in order["fills"]
    ]
    assert len(fills) > 1
    assert sum(f["qty"] for f in fills) == Decimal(order["executedQty"]) == 3
    assert sum(f["qty"] * f["price"] for f in fills) == Decimal(order["cummulativeQuoteQty"])
    assert all(f["commission"] == f["qty"] / 1000 for f in fills)
    assert {f["commissionAsset"] for f in order["fills"]} == {"BTC"}


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_market_by_quote(trader: Trader, side: str) -> None:
    """As many whole lots as come nearest to the amount from below."""
    wanted = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quoteOrderQty": "300"}
    order = trader.place(**wanted)
    spent = Decimal(order["cummulativeQuoteQty"])
    assert order["origQuoteOrderQty"] == "300.00000000" and order["status"] == "FILLED"
    assert 299 < spent <= 300 and order["origQty"] == order["executedQty"]


@pytest.mark.parametrize(
    ("rule", "price", "quantity", "reason"),
    [
        ("IOC", "60000", "0.001", "UNFILLED_IOC_QUANTITY_EXPIRED"),
        ("FOK", "60000", "0.001", "UNFILLED_FOK_ORDER_EXPIRED"),
        ("FOK", "60121", "9", "UNFILLED_FOK_ORDER_EXPIRED"),
    ],
)
def test_expiry(exchange: Exchange, rule: str, price: str, quantity: str, reason: str) -> None:
    """What cannot be filled expires, and says why; in ACK it does not."""
    made = exchange.command("account", balances={"USDT": "10000000"})
    rich = Trader(exchange, key=made["key"], secret=made["secret"])
    wanted = {**ORDER, "timeInForce": rule, "price": price, "quantity": quantity}
    order = rich.place(**wanted)
    assert (order["status"], order["expiryReason"]) == ("EXPIRED", reason)
    assert order["executedQty"] == "0.00000000" and "fills" in order
    assert "expiryReason" not in rich.place(**wanted, newOrderRespType="ACK")
    assert rich.balance("USDT") == (Decimal(10_000_000), Decimal(0))


def test_partial_ioc(exchange: Exchange) -> None:
    """An IOC order takes what there is at its price and expires with the rest."""
    made = exchange.command("account", balances={"USDT": "90000000"})
    rich = Trader(exchange, key=made["key"], secret=made["secret"])
    best = exchange.get("ticker/bookTicker?symbol=BTCUSDT")
    wanted = {**ORDER, "timeInForce": "IOC", "price": best["askPrice"], "quantity": "100"}
    order = rich.place(**wanted)
    assert (order["status"], order["executedQty"]) == ("EXPIRED", best["askQty"])


def test_limit_maker_that_rests(trader: Trader) -> None:
    """A type of its own, with no time in force to choose: it says GTC."""
    wanted = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "price": "60000"}
    placed = trader.place(**wanted, quantity="0.001", newOrderRespType="RESULT")
    assert (placed["type"], placed["timeInForce"], placed["status"]) == (
        "LIMIT_MAKER",
        "GTC",
        "NEW",
    )


def test_limit_maker_that_crosses(trader: Trader) -> None:
    """Refused; there is no order."""
    wanted = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT_MAKER", "price": "61000"}
    answer = (-2010, "Order would immediately match and take.")
    assert trader.refused(**wanted, quantity="0.001") == answer
    assert trader.ask("GET", "allOrders", symbol="BTCUSDT") == []


def test_generated_ids_and_marks(trader: Trader) -> None:
    """22 signs where none was sent; a strategy is taken and not shown."""
    order = trader.place(**RESTING)
    other = trader.place(**RESTING, strategyId=7, strategyType=1_000_001)
    assert len(order["clientOrderId"]) == 22 and order["clientOrderId"].isalnum()
    assert "strategyId" not in order and other["clientOrderId"] != order["clientOrderId"]
    found = trader.ask("GET", "order", symbol="BTCUSDT", orderId=other["orderId"])
    assert "strategyId" not in found


def test_body_query_and_delete_with_a_form(exchange: Exchange, trader: Trader) -> None:
    """POST by body, by query, by both (the query wins), DELETE by body."""
    by_body = trader.query({**RESTING, "newClientOrderId": "a"}).encode()
    assert exchange.send("POST", "order", by_body).status == 200
    raw = f"side=BUY&type=LIMIT&timeInForce=GTC&price=60000&timestamp={trader.stamp()}"
    form = "symbol=BTCUSDT&quantity=0.002&price=1&newClientOrderId=b"
    signature = hmac_of(SECRET, raw + form)
    mixed = exchange.send("POST", f"order?{raw}&signature={signature}", form.encode())
    assert body_of(mixed)["price"] == "60000.00000000"
    gone = trader.query({"symbol": "BTCUSDT", "origClientOrderId": "b"}).encode()
    assert body_of(exchange.send("DELETE", "order", gone))["status"] == "CANCELED"


def test_replays_take_no_orders() -> None:
    """A recording's market is closed; there is nothing in its accounts."""
    exchange = Exchange()
    exchange.simulation.accounts = None  # type: ignore[assignment]
    from vocx.lab.dialects.binance import Binance

    exchange.dialect = Binance(exchange.simulation, start_ns=T0)
    exchange.command("account", name="default", key=KEY, secret=SECRET)
    trader = Trader(exchange)
    assert trader.refused(**RESTING) == (-1013, "Market is closed.")
    account = trader.ask("GET", "account")
    assert account["canTrade"] is False and account["balances"][0]["free"] == "0.00000000"
    assert trader.ask("GET", "openOrders") == []
    assert trader.error("GET", "order", symbol="BTCUSDT", orderId=1)[1] == -2013
    assert trader.error("DELETE", "order", symbol="BTCUSDT", orderId=1)[1] == -2011


# -- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "code", "text"),
    [
        ({"timeInForce": None}, -1102, "Mandatory parameter 'timeInForce' was not sent"),
        ({"quantity": None}, -1102, "Mandatory parameter 'quantity' was not sent"),
        ({"price": None}, -1102, "Mandatory parameter 'price' was not sent"),
        ({"symbol": None}, -1102, "Mandatory parameter 'symbol' was not sent"),
        ({"quantity": ""}, -1105, "Parameter 'quantity' was empty."),
        ({"symbol": "btcusdt"}, -1100, "Illegal characters found in parameter 'symbol'"),
        ({"quantity": "-1"}, -1100, "legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'."),
        ({"quantity": "1e-5"}, -1100, "Illegal characters found in parameter 'quantity'"),
        ({"price": "1,5"}, -1100, "Illegal characters found in parameter 'price'"),
        ({"price": ".5"}, -1100, "Illegal characters found in parameter 'price'"),
        ({"newClientOrderId": "ü"}, -1100, "legal range is '^[a-zA-Z0-9-_]{1,36}$'."),
        ({"newClientOrderId": "x" * 37}, -1100, "parameter 'newClientOrderId'"),
        ({"side": "buy"}, -1117, "Invalid side."),
        ({"type": "STOP"}, -1116, "Invalid orderType."),
        ({"timeInForce": "DAY"}, -1115, "Invalid timeInForce."),
        ({"newOrderRespType": "X"}, -1130, "Data sent for parameter 'newOrderRespType'"),
        ({"strategyType": 999_999}, -1134, "`strategyType` was less than 1000000."),
        ({"quoteOrderQty": "5"}, -1106, "Parameter 'quoteOrderQty' sent when not required."),
        ({"stopPrice": "5"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
        ({"type": "MARKET"}, -1106, "Parameter 'timeInForce' sent when not required."),
        ({"quantity": "0.000010000"}, -1111, "Parameter 'quantity' has too much precision."),
        ({"price": "60000.000000001"}, -1111, "Parameter 'price' has too much precision."),
        ({"icebergQty": "0.0001"}, -1013, "Iceberg orders are not supported for this symbol."),
        ({"selfTradePreventionMode": "DECREMENT"}, -1013, "self-trade prevention mode."),
        ({"selfTradePreventionMode": "X"}, -1130, "'selfTradePreventionMode' is not valid."),
        ({"quantity": "20"}, -2010, "Account has insufficient balance for requested action."),
    ],
)
def test_refusals(trader: Trader, changed: dict[str, Any], code: int, text: str) -> None:
    """Each with its documented code and text."""
    wanted = {name: value for name, value in (RESTING | changed).items() if value is not None}
    status, found, msg = trader.error("POST", "order", **wanted)
    assert (status, found) == (400, code) and text in msg


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        (
            {"quantity": None},
            (-1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!"),
        ),
        ({"quoteOrderQty": "5"}, (-1106, "Parameter 'quantity' sent when not required.")),
        ({"price": "5"}, (-1106, "Parameter 'price' sent when not required.")),
        ({"quantity": "0"}, (-1013, "Filter failure: LOT_SIZE")),
        ({"quantity": "120.00001"}, (-1013, "Filter failure: MARKET_LOT_SIZE")),
        ({"quantity": "0.00001"}, (-1013, "Filter failure: NOTIONAL")),
        (
            {"type": "STOP_LOSS", "stopPrice": "5"},
            (-1013, "Stop loss orders are not supported for this symbol."),
        ),
    ],
)
def test_market_refusals(trader: Trader, changed: dict[str, Any], answer: Any) -> None:
    wanted = {name: value for name, value in (MARKET | changed).items() if value is not None}
    assert trader.refused(**wanted) == answer


@pytest.mark.parametrize(
    ("price", "quantity", "failed"),
    [
        ("60000.001", "0.000001", "PRICE_FILTER"),
        ("0", "1", "PRICE_FILTER"),
        ("1000000.01", "1", "PRICE_FILTER"),
        ("12000", "0.000001", "PERCENT_PRICE_BY_SIDE"),
        ("310000", "0.000001", "PERCENT_PRICE_BY_SIDE"),
        ("60000", "0.000011", "LOT_SIZE"),
        ("60000", "0", "LOT_SIZE"),
        ("60000", "9000.00001", "LOT_SIZE"),
        ("60000", "0.00008", "NOTIONAL"),
        ("60000", "8999", "NOTIONAL"),
    ],
)
def test_filters(trader: Trader, price: str, quantity: str, failed: str) -> None:
    """The first that fails is named, in the order of the list; tests see the same."""
    wanted = {**RESTING, "price": price, "quantity": quantity}
    assert trader.refused(**wanted) == (-1013, f"Filter failure: {failed}")
    assert trader.error("POST", "order/test", **wanted)[1:] == (-1013, f"Filter failure: {failed}")


def test_bounds_of_filters(trader: Trader) -> None:
    """What lies on a bound is fine."""
    trader.ask("POST", "order/test", **RESTING | {"price": "12100", "quantity": "0.00042"})
    trader.ask("POST", "order/test", **RESTING | {"price": "60000", "quantity": "150"})


def test_most_open_orders(exchange: Exchange, trader: Trader) -> None:
    """200 on a symbol; the next is refused, a market order is not."""
    exchange.command("limits", off=True)
    for _ in range(200):
        trader.place(**RESTING)
    assert trader.refused(**RESTING) == (-1013, "Filter failure: MAX_NUM_ORDERS")
    trader.place(**MARKET)


# -- client order ids, cancelling, queries -----------------------------------------------------


def test_duplicates(trader: Trader) -> None:
    """An open order's id is taken; a cancelled, filled or expired one's is free."""
    named = {"newClientOrderId": "once"}
    trader.place(**RESTING, **named)
    assert trader.refused(**RESTING, **named) == (-2010, "Duplicate order sent.")
    trader.ask("DELETE", "order", symbol="BTCUSDT", origClientOrderId="once")
    trader.place(**MARKET, **named)
    trader.place(**{**RESTING, "timeInForce": "IOC"}, **named)
    trader.place(**RESTING, **named)


def test_cancel(trader: Trader) -> None:
    """The report names both ids; afterwards the order is known by the cancel's."""
    order = trader.place(**RESTING, newClientOrderId="vocx-0001")
    ids = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    answer = trader.http("DELETE", "order", **ids, newClientOrderId="away")
    assert answer.body.decode() == (
        f'{{"symbol":"BTCUSDT","origClientOrderId":"vocx-0001","orderId":{order["orderId"]},'
        f'"orderListId":-1,"clientOrderId":"away","transactTime":{T0 // MS},'
        '"price":"60000.00000000","origQty":"0.00100000","executedQty":"0.00000000",'
        '"origQuoteOrderQty":"0.00000000","cummulativeQuoteQty":"0.00000000",'
        '"status":"CANCELED","timeInForce":"GTC","type":"LIMIT","side":"BUY",'
        '"selfTradePreventionMode":"EXPIRE_MAKER"}'
    )
    assert trader.ask("GET", "order", **ids)["clientOrderId"] == "away"
    assert trader.error("DELETE", "order", **ids)[1:] == (-2011, "Unknown order sent.")


def test_query(trader: Trader) -> None:
    """The documentation's sample, field by field and in its order."""
    order = trader.place(**RESTING, newClientOrderId="vocx-0001")
    answer = trader.http("GET", "order", symbol="BTCUSDT", origClientOrderId="vocx-0001")
    assert answer.body.decode() == (
        f'{{"symbol":"BTCUSDT","orderId":{order["orderId"]},"orderListId":-1,'
        '"clientOrderId":"vocx-0001","price":"60000.00000000","origQty":"0.00100000",'
        '"executedQty":"0.00000000","cummulativeQuoteQty":"0.00000000","status":"NEW",'
        '"timeInForce":"GTC","type":"LIMIT","side":"BUY","stopPrice":"0.00000000",'
        f'"icebergQty":"0.00000000","time":{T0 // MS},"updateTime":{T0 // MS},"isWorking":true,'
        f'"workingTime":{T0 // MS},"origQuoteOrderQty":"0.00000000",'
        '"selfTradePreventionMode":"EXPIRE_MAKER"}'
    )


@pytest.mark.parametrize(
    ("verb", "ids", "code", "text"),
    [
        ("GET", {"orderId": 1}, -2013, "Order does not exist."),
        ("GET", {"origClientOrderId": "x"}, -2013, "Order does not exist."),
        ("GET", {}, -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both"),
        ("GET", {"orderId": "1a"}, -1100, "legal range is '^[0-9]{1,20}$'."),
        ("DELETE", {"orderId": 1}, -2011, "Unknown order sent."),
        ("DELETE", {}, -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both"),
        ("DELETE", {"orderId": 1, "cancelRestrictions": "X"}, -1145, "Invalid cancelRestrictions"),
    ],
)
def test_unknown_orders(
    trader: Trader, verb: str, ids: dict[str, Any], code: int, text: str
) -> None:
    status, found, msg = trader.error(verb, "order", symbol="BTCUSDT", **ids)
    assert (status, found) == (400, code) and text in msg


def test_disagreeing_ids(trader: Trader) -> None:
    """Looked up by order id, then held against the client's."""
    order = trader.place(**RESTING, newClientOrderId="one")
    both = {"symbol": "BTCUSDT", "orderId": order["orderId"], "origClientOrderId": "two"}
    text = "Client order ID is not correct for this order ID."
    assert trader.error("GET", "order", **both)[1:] == (-2039, text)
    assert trader.error("DELETE", "order", **both)[1:] == (-2011, "Unknown order sent.")
    assert len(trader.ask("GET", "openOrders", symbol="BTCUSDT")) == 1


@pytest.mark.parametrize(("filled", "fits"), [(0, "ONLY_NEW"), (1, "ONLY_PARTIALLY_FILLED")])
def test_cancel_restrictions(exchange: Exchange, trader: Trader, filled: int, fits: str) -> None:
    """Unmet, the order stays."""
    best = exchange.get("ticker/bookTicker?symbol=BTCUSDT")
    price = best["askPrice"] if filled else "60000"
    quantity = str(Decimal(best["askQty"]) + Decimal("0.001")) if filled else "0.001"
    order = trader.place(**ORDER, price=price, quantity=quantity)
    ids = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    other = {"ONLY_NEW", "ONLY_PARTIALLY_FILLED"} - {fits}
    text = "Order was not canceled due to cancel restrictions."
    found = trader.error("DELETE", "order", **ids, cancelRestrictions=other.pop())
    assert found[1:] == (-2011, text)
    assert trader.ask("DELETE", "order", **ids, cancelRestrictions=fits)["status"] == "CANCELED"


def test_cancel_all(trader: Trader) -> None:
    """All of one symbol; none is an unknown order."""
    for _ in range(2):
        trader.place(**RESTING)
    other = {"symbol": "ETHUSDT", "quantity": "0.01", "price": "2600"}
    trader.place(**{**ORDER, **other})
    gone = trader.ask("DELETE", "openOrders", symbol="BTCUSDT")
    assert [one["status"] for one in gone] == ["CANCELED"] * 2
    assert [one["symbol"] for one in trader.ask("GET", "openOrders")] == ["ETHUSDT"]
    assert trader.error("DELETE", "openOrders", symbol="BTCUSDT")[1] == -2011


def test_all_orders(exchange: Exchange, trader: Trader) -> None:
    """From an id on, the newest, or within times of at most a day."""
    ids = []
    for _ in range(4):
        ids.append(trader.place(**RESTING)["orderId"])
        exchange.now_ns += S

    def listed(**params: Any) -> list[int]:
        found = trader.ask("GET", "allOrders", symbol="BTCUSDT", **params)
        return [ids.index(one["orderId"]) for one in found]

    start = T0 // MS
    assert listed() == [0, 1, 2, 3] and listed(limit=2) == [2, 3]
    assert listed(orderId=ids[1], limit=2) == [1, 2]
    assert listed(startTime=start + 1000, limit=1) == [1]
    assert listed(endTime=start + 2000, limit=2) == [1, 2]
    span = {"startTime": start, "endTime": start + 86_400_001}
    assert trader.error("GET", "allOrders", symbol="BTCUSDT", **span)[1] == -1127


# -- accounts ----------------------------------------------------------------------------------


def test_locks_and_releases(trader: Trader) -> None:
    """A resting order locks what it may cost; the cancel gives it back."""
    free, _ = trader.balance("USDT")
    order = trader.place(**RESTING)
    assert trader.balance("USDT") == (free - 60, Decimal(60))
    trader.ask("DELETE", "order", symbol="BTCUSDT", orderId=order["orderId"])
    assert trader.balance("USDT") == (free, Decimal(0))


def test_account(trader: Trader) -> None:
    """Rates twice, permissions, all assets unless only those that are there."""
    trader.exchange.now_ns += S
    trader.place(**MARKET)
    account = trader.ask("GET", "account", omitZeroBalances="true")
    assert {row["asset"] for row in account["balances"]} == {"BTC", "USDT", "ETH"}
    assert (account["makerCommission"], account["commissionRates"]["taker"]) == (10, "0.00100000")
    assert account["updateTime"] == T0 // MS + 1000 and account["uid"] == 700001


def test_my_trades(trader: Trader) -> None:
    """They agree with the placement's fills, and come by id, time and order."""
    trader.place(**MARKET)
    order = trader.place(**{**MARKET, "side": "SELL", "quantity": "2"})
    rows = trader.ask("GET", "myTrades", symbol="BTCUSDT", orderId=order["orderId"])
    pairs = [("id", "tradeId"), ("price", "price"), ("qty", "qty"), ("commission", "commission")]
    assert [[row[mine] for mine, _ in pairs] for row in rows] == [
        [fill[its] for _, its in pairs] for fill in order["fills"]
    ]
    assert rows[0]["commissionAsset"] == "USDT"
    assert (rows[0]["isBuyer"], rows[0]["isMaker"], rows[0]["isBestMatch"]) == (False, False, True)
    later = trader.ask("GET", "myTrades", symbol="BTCUSDT", fromId=rows[0]["id"], limit=1)
    assert later == rows[:1]


@pytest.mark.parametrize(
    "bounds",
    [("fromId", "startTime"), ("orderId", "startTime"), ("fromId", "orderId", "endTime")],
)
def test_my_trades_combinations(trader: Trader, bounds: tuple[str, ...]) -> None:
    """Some bounds do not go together."""
    error = trader.error("GET", "myTrades", symbol="BTCUSDT", **dict.fromkeys(bounds, T0 // MS))
    assert error == (400, -1128, "Combination of optional parameters invalid.")


def test_order_test(trader: Trader) -> None:
    """Nothing happens; rates where they are asked for."""
    assert trader.ask("POST", "order/test", **RESTING) == {}
    rates = trader.ask("POST", "order/test", **RESTING, computeCommissionRates="true")
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert trader.ask("GET", "openOrders") == []


def test_accounts_are_apart(exchange: Exchange, trader: Trader) -> None:
    """Another account has its own balances, orders and client order ids."""
    made = exchange.command("account", name="class", balances={"USDT": "100"})
    other = Trader(exchange, key=made["key"], secret=made["secret"])
    trader.place(**RESTING, newClientOrderId="mine")
    assert other.balance("USDT") == (Decimal(100), Decimal(0))
    assert other.error("GET", "order", symbol="BTCUSDT", origClientOrderId="mine")[1] == -2013
    other.place(**RESTING, newClientOrderId="mine")
    assert other.refused(**RESTING)[1] == "Account has insufficient balance for requested action."


@pytest.mark.parametrize(
    "arguments",
    [
        {"balances": {"USDT": 1.5}},
        {"balances": {"NONE": "1"}},
        {"balances": "1"},
        {"key": "short"},
        {"public_key": "nonsense"},
        {"secret": "a", "ed25519": True},
        {"nonsense": 1},
        {"revoke": "x" * 64},
        {"name": "default", "balances": {"USDT": "1"}},
    ],
)
def test_account_command_refuses(exchange: Exchange, arguments: dict[str, Any]) -> None:
    """Bad input of the lab's owner, in words."""
    with pytest.raises(BadInput):
        exchange.command("account", **arguments)


# -- limits ------------------------------------------------------------------------------------


def counts(answer: HttpOut) -> tuple[str, str]:
    return answer.headers["X-MBX-ORDER-COUNT-10S"], answer.headers["X-MBX-ORDER-COUNT-1D"]


def test_order_counts(exchange: Exchange, trader: Trader) -> None:
    """Accepted orders count; a taker's fill gives one back, cancels and refusals nothing."""
    assert counts(trader.http("POST", "order", **RESTING)) == ("1", "1")
    order = body_of(trader.http("POST", "order", **RESTING))
    trader.ask("DELETE", "order", symbol="BTCUSDT", orderId=order["orderId"])
    assert counts(trader.http("POST", "order", **MARKET)) == ("2", "2")
    refused = trader.http("POST", "order", **{**RESTING, "price": "1"})
    assert "X-MBX-ORDER-COUNT-10S" not in refused.headers
    exchange.pass_time(10 * S)
    assert counts(trader.http("POST", "order", **RESTING)) == ("1", "3")
    limits = trader.ask("GET", "rateLimit/order")
    assert [(one["intervalNum"], one["limit"], one["count"]) for one in limits] == [
        (10, 100, 1),
        (1, 200000, 3),
    ]


def test_maker_fill_gives_back_more(exchange: Exchange, trader: Trader) -> None:
    """Another account takes our order: our count falls, once."""
    made = exchange.command("account", balances={"BTC": "100"})
    other = Trader(exchange, key=made["key"], secret=made["secret"])
    for _ in range(7):
        trader.place(**RESTING)
    best = exchange.get("ticker/bookTicker?symbol=BTCUSDT")
    trader.place(**{**RESTING, "price": best["bidPrice"], "quantity": "0.002"})
    taken = str(Decimal(best["bidQty"]) + Decimal("0.001"))
    for quantity in (taken, "0.001"):
        other.place(**{**MARKET, "side": "SELL", "quantity": quantity})
        exchange.settle()
    assert [one["count"] for one in trader.ask("GET", "rateLimit/order")] == [3, 3]


class Elsewhere(Binance):
    """Another venue over the same market."""

    name = "elsewhere"


def test_venues_on_one_market_count_apart(exchange: Exchange, trader: Trader) -> None:
    """Somebody at another venue takes our order before anybody is told of it, and we place the
    next: our count falls for the fill all the same, once, and theirs is theirs."""
    other = Exchange()
    other.simulation = exchange.simulation
    other.dialect = Elsewhere(exchange.simulation, start_ns=T0)
    other.command("account", name="default", key=KEY, secret=SECRET)
    there = Trader(other)
    best = exchange.get("ticker/bookTicker?symbol=BTCUSDT")
    for _ in range(7):
        trader.place(**RESTING)
    trader.place(**{**RESTING, "price": best["bidPrice"]})
    taken = str(Decimal(best["bidQty"]) + Decimal("0.001"))
    there.place(**{**MARKET, "side": "SELL", "quantity": taken})
    trader.place(**RESTING)
    other.publish(*exchange.settle())
    assert [one["count"] for one in trader.ask("GET", "rateLimit/order")] == [4, 4]
    assert [one["count"] for one in there.ask("GET", "rateLimit/order")] == [0, 0]


def test_too_many_orders(exchange: Exchange, trader: Trader) -> None:
    """429 with -1015 and the seconds until the window is over; other calls go on."""
    exchange.command("limits", orders=2)
    exchange.now_ns += 3 * S
    for _ in range(2):
        trader.place(**RESTING)
    answer = trader.http("POST", "order", **RESTING)
    text = "Too many new orders; current limit is 2 orders per 10 SECOND."
    assert said(answer) == (429, -1015, text)
    assert answer.headers["Retry-After"] == "7"
    assert len(trader.ask("GET", "openOrders")) == 2
    exchange.pass_time(7 * S)
    trader.place(**RESTING)


def test_weight_of_success(trader: Trader) -> None:
    """Orders and cancels that succeed cost nothing, those that fail cost 1."""
    order = trader.http("POST", "order", **RESTING)
    assert order.headers["X-MBX-USED-WEIGHT-1M"] == "0"
    failed = trader.http("POST", "order", **{**RESTING, "price": "1"})
    assert failed.headers["X-MBX-USED-WEIGHT-1M"] == "1"
    gone = trader.http("DELETE", "openOrders", symbol="BTCUSDT")
    assert gone.headers["X-MBX-USED-WEIGHT-1M"] == "1"


@pytest.mark.parametrize(
    ("verb", "path", "params", "weight"),
    [
        ("GET", "order", {"symbol": "BTCUSDT", "orderId": 1}, 4),
        ("GET", "openOrders", {"symbol": "BTCUSDT"}, 6),
        ("GET", "openOrders", {}, 80),
        ("GET", "allOrders", {"symbol": "BTCUSDT"}, 20),
        ("GET", "account", {}, 20),
        ("GET", "myTrades", {"symbol": "BTCUSDT"}, 20),
        ("GET", "myTrades", {"symbol": "BTCUSDT", "orderId": 1}, 5),
        ("GET", "rateLimit/order", {}, 40),
        ("GET", "account/commission", {"symbol": "BTCUSDT"}, 20),
        ("GET", "myFilters", {"symbol": "BTCUSDT"}, 40),
        ("POST", "order/test", RESTING, 1),
        ("POST", "order/test", {**RESTING, "computeCommissionRates": "true"}, 20),
    ],
)
def test_weights(trader: Trader, verb: str, path: str, params: dict[str, Any], weight: int) -> None:
    answer = trader.http(verb, path, **params)
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


# -- faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "executed", "status"),
    [
        ({"name": "lost_answer"}, 1, None),
        ({"name": "lost_request"}, 0, None),
        ({"name": "late_answer", "seconds": 2}, 1, 200),
        ({"name": "truncated_json"}, 1, 200),
        ({"name": "timeout"}, 1, 504),
        ({"name": "timeout", "executed": False}, 0, 504),
        ({"name": "overloaded"}, 0, 503),
        ({"name": "html", "status": 503, "executed": True}, 1, 503),
        ({"name": "html", "status": 502}, 0, 502),
        ({"name": "internal", "executed": True}, 1, 500),
        ({"name": "delivered_twice"}, 2, 200),
        ({"name": "region"}, 0, 451),
    ],
)
def test_faults(trader: Trader, fault: dict[str, Any], executed: int, status: int | None) -> None:
    """What was executed and what was answered are two things; exactly so many orders exist."""
    trader.exchange.command("fault", path="POST /api/v3/order", **fault)
    answer = trader.http("POST", "order", **RESTING)
    assert (None if answer.delay_ns is None else answer.status) == status
    assert len(trader.ask("GET", "openOrders")) == executed


def test_delivered_twice_with_an_id(trader: Trader) -> None:
    """The client hears of a duplicate, and the order is there."""
    trader.exchange.command("fault", name="delivered_twice", path="/api/v3/order")
    wanted = {**RESTING, "newClientOrderId": "once"}
    assert trader.refused(**wanted) == (-2010, "Duplicate order sent.")
    assert trader.ask("GET", "order", symbol="BTCUSDT", origClientOrderId="once")


def test_listen_keys_are_gone(trader: Trader) -> None:
    """410 with a page, whoever asks."""
    for verb in ("POST", "PUT", "DELETE"):
        answer = trader.exchange.send(verb, "userDataStream")
        assert answer.status == 410 and b"<html>" in answer.body


# -- replacing and amending ----------------------------------------------------------------------

REPLACE = {**RESTING, "cancelReplaceMode": "STOP_ON_FAILURE"}


def test_cancel_replace(trader: Trader) -> None:
    """Both halves with their own answers; the count of orders in the headers."""
    placed = trader.place(**RESTING)
    answer = trader.http("POST", "order/cancelReplace", **REPLACE, cancelOrderId=placed["orderId"])
    body = body_of(answer)
    assert list(body) == ["cancelResult", "newOrderResult", "cancelResponse", "newOrderResponse"]
    assert (body["cancelResult"], body["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert body["cancelResponse"]["status"] == "CANCELED"
    assert body["newOrderResponse"]["status"] == "NEW" and counts(answer) == ("2", "2")


@pytest.mark.parametrize(
    ("changed", "status", "code", "results"),
    [
        ({}, 400, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ({"cancelReplaceMode": "ALLOW_FAILURE"}, 409, -2021, ("FAILURE", "SUCCESS")),
        (
            {"cancelReplaceMode": "ALLOW_FAILURE", "price": "1"},
            400,
            -2022,
            ("FAILURE", "FAILURE"),
        ),
    ],
)
def test_cancel_replace_of_an_unknown_order(
    trader: Trader, changed: dict[str, str], status: int, code: int, results: tuple[str, str]
) -> None:
    """Which half failed, and why, is in ``data``."""
    wanted = {**REPLACE, "cancelOrderId": 1, **changed}
    answer = trader.http("POST", "order/cancelReplace", **wanted)
    body = body_of(answer)
    assert (answer.status, body["code"]) == (status, code)
    assert (body["data"]["cancelResult"], body["data"]["newOrderResult"]) == results
    assert body["data"]["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}


def test_cancel_replace_whose_order_fails(trader: Trader) -> None:
    """The old order is gone, the new one was refused: 409."""
    placed = trader.place(**RESTING)
    wanted = {**REPLACE, "cancelOrderId": placed["orderId"], "price": "1"}
    answer = trader.http("POST", "order/cancelReplace", **wanted)
    data = body_of(answer)["data"]
    assert answer.status == 409 and data["newOrderResponse"]["code"] == -1013
    assert trader.ask("GET", "openOrders") == []


@pytest.mark.parametrize(("mode", "left"), [("DO_NOTHING", 1), ("CANCEL_ONLY", 0)])
def test_cancel_replace_over_the_count(
    exchange: Exchange, trader: Trader, mode: str, left: int
) -> None:
    """429 either way; the cancel is carried out where that was asked for."""
    placed = trader.place(**RESTING)
    exchange.command("limits", orders=1)
    wanted = {**REPLACE, "cancelOrderId": placed["orderId"], "orderRateLimitExceededMode": mode}
    answer = trader.http("POST", "order/cancelReplace", **wanted)
    assert answer.status == 429 and len(trader.ask("GET", "openOrders")) == left


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"cancelOrderId": 1, "cancelReplaceMode": "MAYBE"}, -1130),
        ({"cancelReplaceMode": "STOP_ON_FAILURE"}, -1102),
        ({"cancelOrderId": 1, "orderRateLimitExceededMode": "X"}, -1130),
    ],
)
def test_cancel_replace_forms(trader: Trader, changed: dict[str, Any], code: int) -> None:
    """A mode that there is, and one of the ids."""
    assert trader.error("POST", "order/cancelReplace", **{**REPLACE, **changed})[1] == code


def test_amend(exchange: Exchange, trader: Trader) -> None:
    """A smaller quantity under a new client id; money is released, the place in the queue kept."""
    placed = trader.place(**{**RESTING, "quantity": "0.002"}, newClientOrderId="one")
    user = trader.connect()
    exchange.settle()
    user.read()
    ids = {"symbol": "BTCUSDT", "origClientOrderId": "one", "newClientOrderId": "two"}
    answer = trader.ask("PUT", "order/amend/keepPriority", **ids, newQty="0.001")
    assert answer["amendedOrder"] | {"workingTime": 0} == {
        "symbol": "BTCUSDT",
        "orderId": placed["orderId"],
        "orderListId": -1,
        "origClientOrderId": "one",
        "clientOrderId": "two",
        "price": "60000.00000000",
        "qty": "0.00100000",
        "executedQty": "0.00000000",
        "preventedQty": "0.00000000",
        "quoteOrderQty": "0.00000000",
        "cumulativeQuoteQty": "0.00000000",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "workingTime": 0,
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }
    assert trader.balance("USDT")[1] == Decimal(60)
    exchange.settle()
    report = user.read()[0]["event"]
    assert (report["x"], report["X"], report["c"], report["C"]) == ("REPLACED", "NEW", "two", "one")
    assert (report["q"], report["I"]) == ("0.00100000", answer["executionId"])
    assert trader.ask("GET", "order", symbol="BTCUSDT", origClientOrderId="two")["status"] == "NEW"


@pytest.mark.parametrize(
    ("quantity", "code", "text"),
    [
        ("0.001", -2038, "The requested action would change no state; rejecting."),
        ("0.002", -2038, "Order amend (quantity increase) is not supported."),
        ("0.0000001", -1013, "Filter failure: LOT_SIZE"),
        ("0", -1130, "Data sent for parameter 'newQty' is not valid."),
    ],
)
def test_refused_amendments(trader: Trader, quantity: str, code: int, text: str) -> None:
    """Only less is allowed."""
    order = trader.place(**RESTING)
    wanted = {"symbol": "BTCUSDT", "orderId": order["orderId"], "newQty": quantity}
    assert trader.error("PUT", "order/amend/keepPriority", **wanted)[1:] == (code, text)


def test_amending_an_unknown_order(trader: Trader) -> None:
    """-2011, as for a cancel."""
    wanted = {"symbol": "BTCUSDT", "orderId": 1, "newQty": "0.001"}
    assert trader.error("PUT", "order/amend/keepPriority", **wanted)[1] == -2011


@pytest.mark.parametrize("method", ["order.cancelReplace", "order.amend.keepPriority"])
def test_the_same_over_the_websocket_api(trader: Trader, method: str) -> None:
    """One implementation serves both."""
    placed = trader.place(**{**RESTING, "quantity": "0.002"})
    wanted: dict[str, Any] = {**REPLACE, "cancelOrderId": placed["orderId"]}
    if "amend" in method:
        wanted = {"symbol": "BTCUSDT", "orderId": placed["orderId"], "newQty": "0.001"}
    answer = trader.call(trader.exchange.connect("/ws-api/v3"), method, **wanted)
    assert answer["status"] == 200
    kinds = [one["rateLimitType"] for one in answer["rateLimits"]]
    assert kinds == (["REQUEST_WEIGHT"] if "amend" in method else ["ORDERS"] * 2 + kinds[-1:])


def test_refusals_keep_no_request_alive(trader: Trader) -> None:
    """A lab that is open for days refuses many; what it refused is gone with the answer."""
    stranger = Trader(trader.exchange, key="1" * 64)
    client = trader.exchange.connect("/ws-api/v3")

    def refuse() -> None:
        assert trader.error("GET", "order", symbol="BTCUSDT", orderId=1)[1] == -2013
        assert trader.error("DELETE", "order", symbol="BTCUSDT", orderId=1)[1] == -2011
        assert trader.error("GET", "account", timestamp=1)[1] == -1021
        assert stranger.error("GET", "account")[1] == -2015
        assert trader.call(client, "no.method")["error"]["code"] == -1020

    assert tracebacks_after(refuse) == tracebacks_after(refuse)
