"""Bybit's client side: bytes out, facts or typed errors in. Pure, without a socket. Numbers in
brackets are the lines of "a careful client must" in its wire specification.

What is no venue's own is held elsewhere, at every venue: [4, 5] the clock, measured by half a round
trip and again after a refusal (``tests/exchange``, row 44 of ``tests/faults.py``); [11] a budget
for all processes of a machine (``tests/net/test_throttler.py``); [12] steps, least amounts and
their age (``tests/exchange/test_orders.py``); [14 to 17] acknowledgements, pushes before them,
rows that are older, fills told twice (``tests/stream``, ``tests/exchange/test_orders.py``); [23 to
25] connections, outages of an account, a book without its connection
(``tests/stream/test_lifecycle.py``, ``tests/venues/test_contract.py``). [8] Changes and cancels are
repeated only by asking first: cancels alone are safe to send again. Not done: batches, which no
call of vocx makes.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from vocx import errors
from vocx.book import LocalBook
from vocx.facts import BookDelta, BookSnapshot, Candle, Order, OrderAck, Quote
from vocx.rest.redaction import redacted
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
    GetStatus,
    GetTicker,
    GetTime,
    GetTrades,
    Intent,
    LoginResult,
    PlaceOrder,
    Pong,
    Unknown,
)
from vocx.venues.bybit import Bybit, signing

D = Decimal
NOW = 1_700_000_000_123_000_000
KEY = Credentials(
    key="vocxTestKey000001", secret="vocxTestSecret0000000000000000000001", venue="bybit"
)
bybit = Bybit()
BTC = "BTC/USDT"
LIMIT = PlaceOrder(
    symbol=BTC,
    side="buy",
    type="post_only",
    client_order_id="vocx-0001",
    quantity=D("0.01"),
    price=D("28000"),
)
COMPACT = (
    '{"category":"spot","symbol":"BTCUSDT","side":"Buy","orderType":"Limit","qty":"0.01",'
    '"price":"28000","timeInForce":"PostOnly","orderLinkId":"vocx-0001"}'
)
VECTORS = [
    (COMPACT, "7341f9d5eadf120e47d032626e9c910a3a313c5711a5d495c1edc6b2474540b6"),
    (
        COMPACT.replace(":", ": ").replace(",", ", "),
        "6eb349f29a84b41c3a5d9c6a285b3b705ae0af2922e269dae41e952fd28bd8b0",
    ),
    (
        "category=spot&limit=50&openOnly=0&symbol=BTCUSDT",
        "f79b9182ac2f7c31cd4cf9ec30d327070b7499e51d346892a64bd5cfef090c69",
    ),
    (
        "category=spot&symbol=BTCUSDT&openOnly=0",
        "946a19ea5d28f1fda66f41a205c8bfa7addb2e2eec4fd6a2834ad1be513e6b3e",
    ),
    ("", "169ac45a9ecc2aac934c1f04e42bfd991de08950a95773dde33a40981419e3ef"),
    (
        "accountType=UNIFIED&coin=USDT,BTC",
        "8646f780c400589859d926dec52a23fea57fb4b043d7046e7b4aff102fea9d27",
    ),
    (
        "category=spot&symbol=BTCUSDT",
        "4cb7da2b590ca20b7cf037d8c73bda9b42141eefddaf63bdec91c1715ac89604",
    ),
]


@pytest.mark.parametrize(("payload", "expected"), VECTORS)
def test_published_signatures(payload: str, expected: str) -> None:
    """[2] Byte for byte what the official SDK and ccxt sign."""
    assert signing.headers(KEY, NOW, payload)["X-BAPI-SIGN"] == expected


def test_a_placement_is_signed_as_it_is_sent() -> None:
    """[2, 7] One serialisation: the bytes that leave are those of the first vector."""
    sent = bybit.sign(bybit.request(LIMIT), NOW, KEY, "n")
    assert sent.body.decode() == COMPACT and not sent.safe_to_retry
    assert sent.headers["X-BAPI-SIGN"] == VECTORS[0][1]
    assert sent.charges == {"requests": 1, "create": 1} and KEY.secret not in repr(sent)


def test_the_login_expires_ahead() -> None:
    """[30] At least five seconds, and the signature is that of its own time."""
    key, expires, sign = signing.login(KEY, NOW)
    assert key == KEY.key and int(expires) >= NOW // 10**6 + 5_000
    at_vector = signing.login(KEY, (1_700_000_010_000 - (int(expires) - NOW // 10**6)) * 10**6)
    assert int(at_vector[1]) == 1_700_000_010_000
    assert at_vector[2] == "2645870685daa89ee2d37c8e84bd5ffb2573aead1805249bf4a5cdd2fcca80e2"


def test_market_orders_name_their_unit() -> None:
    """[13] A buy's size would be quote otherwise."""
    base = PlaceOrder(
        symbol=BTC, side="buy", type="market", client_order_id="a", quantity=D("0.01")
    )
    assert json.loads(bybit.request(base).body)["marketUnit"] == "baseCoin"


def reply(intent: Intent, body: Any, status: int = 200, **headers: str) -> Any:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return bybit.reply(bybit.request(intent), status, named, text, NOW)


def good(result: Any) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "", "result": result, "retExtInfo": {}, "time": 1}


def bad(code: int, text: str = "no") -> dict[str, Any]:
    return {"retCode": code, "retMsg": text, "result": {}, "retExtInfo": {}, "time": 1}


def test_success_is_a_code_and_an_answer_an_acknowledgement() -> None:
    """[1, 3, 14] Whatever the text says; nothing is invented of the order."""
    found = reply(LIMIT, good({"orderId": "2300182416633263104", "orderLinkId": "vocx-0001"}))
    assert isinstance(found.result, OrderAck) and found.result.id == "2300182416633263104"
    with pytest.raises(errors.OrderRefused):
        reply(LIMIT, {**bad(170131, "OK"), "retMsg": "OK"})


@pytest.mark.parametrize(
    ("code", "kind", "outcome"),
    [
        *((code, errors.VenueUnavailable, "unknown") for code in (10000, 10016, 170007, 170146)),
        (170147, errors.VenueUnavailable, "unknown"),
        (170141, errors.DuplicateOrder, "accepted"),
        (170131, errors.OrderRefused, "refused"),
        (170213, errors.OrderNotFound, "refused"),
        (10006, errors.RateLimited, "refused"),
        (10002, errors.ClockSkew, "refused"),
        (10003, errors.BadKey, "refused"),
        (10004, errors.BadSignature, "refused"),
        (10009, errors.RegionBlocked, "refused"),
    ],
)
def test_codes_are_classes(code: int, kind: type[errors.VenueError], outcome: str) -> None:
    """[5 to 8] With what became of the order."""
    with pytest.raises(kind) as caught:
        reply(LIMIT, bad(code))
    assert caught.value.outcome == outcome and caught.value.http_status == 200


def test_a_403_is_a_ban_or_a_place() -> None:
    """[10] By its text alone; a 401 has the body null."""
    with pytest.raises(errors.Banned) as caught:
        reply(GetTime(), b"access too frequent", 403)
    assert caught.value.retry_after_s == 600
    with pytest.raises(errors.RegionBlocked):
        reply(GetTime(), b"<HTML><BODY>block access from your country</BODY></HTML>", 403)
    with pytest.raises(errors.BadKey):
        reply(GetBalances(), b"null", 401)


@pytest.mark.parametrize(("ahead_ms", "wait_s"), [(800, 0.8), (-5_000, 0.1)])
def test_the_reset_is_waited_for(ahead_ms: int, wait_s: float) -> None:
    """[9] Also one that lies in the past: never a negative wait."""
    reset = str(NOW // 10**6 + ahead_ms)
    with pytest.raises(errors.RateLimited) as caught:
        reply(GetBalances(), bad(10006), X_Bapi_Limit_Reset_Timestamp=reset)
    assert caught.value.retry_after_s == pytest.approx(wait_s)


def test_what_is_left_is_read_from_headers() -> None:
    """[9] Of a call's own bucket."""
    headers = {"X-Bapi-Limit": "20", "X-Bapi-Limit-Status": "19"}
    (usage,) = bybit.parse_usage(bybit.request(LIMIT), headers)
    assert (usage.bucket, usage.left, usage.amount) == ("create", 19, 20)


def test_cursors_are_pasted_as_they_come() -> None:
    """They are encoded already, and an empty list ends the pages too."""
    row = {"symbol": "BTCUSDT", "orderId": "1", "side": "Buy", "orderType": "Limit"}
    row |= {"orderStatus": "New", "qty": "1", "timeInForce": "GTC"}
    page = good({"list": [row], "nextPageCursor": "page_token%3D39380%26"})
    more = reply(GetOpenOrders(), page).next
    assert more.target.endswith("&cursor=page_token%3D39380%26")
    assert reply(GetOpenOrders(), good({"list": [], "nextPageCursor": "x"})).next is None


# Sockets


PUBLIC = bybit.plan_sockets(
    [ChannelSpec(channel=one, symbol=BTC) for one in ("book", "quotes", "trades", "ticker")]
)[0]
PRIVATE = bybit.plan_sockets(
    [ChannelSpec(channel=one, symbol=None) for one in ("orders", "fills", "balances")]
)[0]


def decoded(frame: Any, plan: Any = PUBLIC) -> list[Any]:
    text = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return list(bybit.decode(text, NOW, plan, bybit.open_session(plan)))


def book_frame(kind: str, u: int, bids: Any, asks: Any) -> bytes:
    data = {"s": "BTCUSDT", "b": bids, "a": asks, "u": u, "seq": 115058638774}
    head = {"topic": "orderbook.200.BTCUSDT", "ts": 5, "type": kind, "data": data, "cts": 4}
    return json.dumps(head).encode()


def test_the_book_by_its_update_id() -> None:
    """[25] Deltas wait for a snapshot; old ones are dropped, a hole is noticed; ``u`` 1 and any
    other snapshot begin anew."""
    book = LocalBook(BTC, bybit.check_sequence, in_stream=True)
    bid, ask = ["84000", "1.2"], ["84000.1", "0.52"]

    def feed(*frames: bytes) -> str:
        for frame in frames:
            for one in decoded(frame):
                assert isinstance(one, BookSnapshot | BookDelta)
                book.feed(one)
        return book.state

    assert feed(book_frame("delta", 6, [], [ask])) == "buffering"
    assert feed(book_frame("snapshot", 7, [bid], [ask])) == "in_sync"
    assert feed(book_frame("delta", 8, [["84000.0", "0"], ["83990", "0.3"]], [])) == "in_sync"
    assert book.bid == (D("83990"), D("0.3"))
    assert feed(book_frame("delta", 8, [bid], [])) == "in_sync" and book.bid[0] == D(83990)
    assert feed(book_frame("delta", 10, [bid], [])) == "out_of_sync"
    assert feed(book_frame("snapshot", 1, [bid], [ask])) == "in_sync" and book.sequence == 1
    assert feed(book_frame("delta", 2, [], [["84001", "1"]])) == "in_sync"


def test_best_prices_are_a_book_of_one_level() -> None:
    """The ticker has none; each message is whole, and one side may be empty."""
    data = {"s": "BTCUSDT", "b": [["84000", "1.2"]], "a": [], "u": 7, "seq": 9}
    frame = {"topic": "orderbook.1.BTCUSDT", "ts": 5, "type": "snapshot", "data": data, "cts": 4}
    (quote,) = decoded(frame)
    assert isinstance(quote, Quote) and quote.bid == D(84000) and quote.ask is None


def test_three_dialects_of_answers() -> None:
    """[22] Pongs, acknowledgements and logins of the public, the private and the trade socket."""
    pongs = [
        {"success": True, "ret_msg": "pong", "conn_id": "c", "req_id": "p1", "op": "ping"},
        {"req_id": "p1", "op": "pong", "args": ["1790000000123"], "conn_id": "c"},
        {"retCode": 0, "retMsg": "OK", "op": "pong", "data": ["1790000000123"], "connId": "c"},
    ]
    assert [decoded(one) for one in pongs] == [[Pong()]] * 3
    for said in ("subscribe", ""):
        told = {"success": True, "ret_msg": said, "req_id": "a1", "op": "subscribe"}
        assert decoded(told) == [Ack(id="a1", topics=(), error=None, subscribed=True)]
    for login in (
        {"success": True, "ret_msg": "", "op": "auth", "conn_id": "c"},
        {"retCode": 0, "retMsg": "OK", "op": "auth", "connId": "c"},
    ):
        assert decoded(login) == [LoginResult()]
    (late,) = decoded({"success": False, "ret_msg": "Params Error", "op": "auth"})
    assert isinstance(late.error, errors.ClockSkew)
    (wrong,) = decoded({"retCode": 10004, "retMsg": "Invalid sign", "op": "auth"})
    assert isinstance(wrong.error, errors.BadSignature)
    text = "Invalid symbol :[orderbook.50.NOPEUSDT]"
    (refused,) = decoded({"success": False, "ret_msg": text, "req_id": "a", "op": "subscribe"})
    assert refused.topics == ("orderbook.50.NOPEUSDT",)
    assert isinstance(refused.error, errors.SubscribeRefused)
    assert isinstance(decoded({"op": "something new"})[0], Unknown)


def test_answers_of_the_trade_socket_are_matched() -> None:
    """By ``reqId``; one without cannot be."""
    sent = json.loads(bybit.ws_request(LIMIT, 7, NOW, KEY, "n").body)
    assert sent["op"] == "order.create" and sent["header"]["X-BAPI-TIMESTAMP"] == "1700000000123"
    answer = {"reqId": sent["reqId"], "retCode": 170131, "retMsg": "no", "op": "order.create"}
    answer |= {"data": {}, "header": {"X-Bapi-Limit-Status": "3"}, "connId": "c"}
    response = bybit.parse_response(json.dumps(answer).encode())
    assert response is not None and response.id == 7
    del answer["reqId"]
    assert bybit.parse_response(json.dumps(answer).encode()) is None


@pytest.mark.parametrize(
    ("status", "filled", "expected"),
    [
        ("New", "0", "new"),
        ("Cancelled", "0", "canceled"),
        ("PartiallyFilledCanceled", "0.5", "canceled"),
        ("Rejected", "0", "rejected"),
        ("Filled", "1", "filled"),
    ],
)
def test_both_spellings_of_an_end(status: str, filled: str, expected: str) -> None:
    """[18] And fills count in both."""
    row = {"category": "spot", "symbol": "BTCUSDT", "orderId": "23", "side": "Buy"}
    row |= {"orderType": "Limit", "orderStatus": status, "qty": "1", "cumExecQty": filled}
    row |= {"smpGroup": "0", "unheardOf": [1], "price": "", "avgPrice": ""}
    (order,) = decoded({"topic": "order", "creationTime": 5, "data": [row]}, PRIVATE)
    assert (order.status, order.filled) == (expected, D(filled))


def test_ten_topics_a_frame() -> None:
    """[20] The eleventh goes into another."""
    specs = [ChannelSpec(channel="trades", symbol=f"A{n}/USDT") for n in range(21)]
    (plan,) = bybit.plan_sockets(specs)
    frames = bybit.subscribe_frames(plan, list(plan.topics), NOW, None, "n" * 32)
    assert [len(one.topics) for one in frames] == [10, 10, 1]
    assert bybit.keepalive("ws_public").ping_text == '{"op":"ping"}'


# What others recorded


def test_names_beyond_what_one_socket_takes() -> None:
    """21,000 characters of topics a connection; the rest has another of its own."""
    specs = [ChannelSpec(channel="trades", symbol=f"A{n:04d}/USDT") for n in range(2000)]
    plans = bybit.plan_sockets([*specs, ChannelSpec(channel="orders", symbol=None)])
    lengths = [sum(map(len, plan.topics)) for plan in plans]
    assert len(plans) == 3 and max(lengths) <= 21_000 < sum(lengths)
    assert sum(len(plan.topics) for plan in plans) == 2001


def test_sockets_by_what_they_are_for() -> None:
    """[19, 21] Market data, account and orders apart; each says something twice in 20 s, and is
    given up soon after it is no longer answered."""
    specs = [ChannelSpec(channel="trades", symbol=BTC), ChannelSpec(channel="fills", symbol=None)]
    plans = bybit.plan_sockets(specs)
    assert [plan.purpose for plan in plans] == ["ws_public", "ws_private"]
    assert bybit.order_socket is not None and bybit.order_socket.purpose == "ws_trade"
    for purpose in ("ws_public", "ws_private", "ws_trade"):
        kept = bybit.keepalive(purpose)
        assert kept.ping_text == '{"op":"ping"}' and kept.client_ping_s <= 20
        assert kept.client_ping_s + kept.pong_deadline_s <= 30


def test_books_of_rest_and_stream_are_not_compared_by_their_numbers() -> None:
    """[26] ``u`` counts by depth: prices and quantities are the proof."""
    assert bybit.proof_of_life(ChannelSpec(channel="book", symbol=BTC)) == "top"


def test_what_is_new_on_the_wire_is_no_error() -> None:
    """[27] Members that nobody knows, and those that are missing or empty."""
    (plan,) = bybit.plan_sockets([ChannelSpec(channel="orders", symbol=None)])
    row = {"category": "spot", "symbol": "BTCUSDT", "orderId": "23", "side": "Buy"}
    row |= {"orderType": "Limit", "orderStatus": "New", "qty": "1", "price": "2", "avgPrice": ""}
    row |= {"cumExecQty": "", "smpGroup": "0", "news": {"a": [1]}, "cancelType": "CancelByNews"}
    frame = {"topic": "order", "id": "1", "creationTime": 5, "news": 1, "data": [row]}
    (order,) = bybit.decode(json.dumps(frame).encode(), NOW, plan, None)
    assert isinstance(order, Order) and order.filled == 0 and order.id == "23"


def test_a_candle_is_closed_when_the_venue_says_so() -> None:
    """[28] ``confirm``, whatever the clock says."""
    (plan,) = bybit.plan_sockets([ChannelSpec(channel="candles", symbol=BTC, interval="1m")])
    row = {"start": 60_000, "end": 119_999, "interval": "1", "timestamp": 60_001}
    row |= dict.fromkeys(("open", "close", "high", "low", "volume", "turnover"), "1")
    for confirm in (True, False):
        frame = {"topic": "kline.1.BTCUSDT", "ts": 1, "data": [{**row, "confirm": confirm}]}
        (candle,) = bybit.decode(json.dumps(frame).encode(), NOW, plan, None)
        assert isinstance(candle, Candle) and candle.closed is confirm


def test_no_key_is_in_what_is_shown() -> None:
    """[29] Of the venue's own words for a wrong signature, of logins and of headers."""
    said = f'{{"retCode":10004,"retMsg":"Error sign, origin_string[1700000000123{KEY.key}5000]"}}'
    (plan,) = bybit.plan_sockets([ChannelSpec(channel="orders", symbol=None)])
    login = bybit.login_frame(plan, NOW, KEY, "n")
    assert login is not None
    signed = bybit.sign(bybit.request(GetBalances()), NOW, KEY, "n")
    heads = "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
    for text in (said, login.text, heads):
        assert KEY.key in text
        assert KEY.key not in redacted(text.encode(), bybit.secrets).decode()


def test_every_recorded_error_maps(recorded: Path) -> None:
    """Each real error body is one typed error, whatever was asked; ``null`` included."""
    lines = (recorded / "bybit/errors/errors.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        with pytest.raises(errors.VocxError):
            reply(LIMIT, json.loads(line)["body"].encode())


BODIES: list[tuple[str, Intent]] = [
    ("ExchangeData/GetSpotSymbols", GetInstruments()),
    ("ExchangeData/GetSpotTickers", GetTicker(symbol=BTC)),
    ("ExchangeData/GetOrderbook", GetBook(symbol=BTC, depth=1)),
    ("ExchangeData/GetKlines", GetCandles(symbol=BTC, interval="1m")),
    ("ExchangeData/GetTradeHistory", GetTrades(symbol=BTC)),
    ("ExchangeData/GetSystemStatus", GetStatus()),
    ("Account/GetBalances", GetBalances()),
    ("Trading/PlaceOrder", LIMIT),
    ("Trading/EditOrder", AmendOrder(symbol=BTC, id="1", quantity=D(1))),
    ("Trading/CancelOrder", CancelOrder(symbol=BTC, id="1")),
    ("Trading/CancelAllOrder", CancelAll(symbol=BTC)),
    ("Trading/GetOrders", GetOrder(symbol=BTC, id="1")),
    ("Trading/GetOrderHistory", GetOpenOrders()),
    ("Trading/GetUserTrades", GetFills(symbol=BTC)),
]


@pytest.mark.parametrize(("name", "intent"), BODIES, ids=[name for name, _ in BODIES])
def test_recorded_replies_decode(recorded: Path, name: str, intent: Intent) -> None:
    """Each recorded body is facts."""
    file = recorded / f"bybit/jkorf/Endpoints/V5Api/{name}.txt"
    body = file.read_text(encoding="utf-8")
    assert reply(intent, body[body.index("{") :].encode()).result is not None


def test_every_recorded_frame_decodes(recorded: Path) -> None:
    """Facts, words about the session, or a counted unknown; never anything else."""
    frames: list[bytes] = []
    for file in sorted((recorded / "bybit/jkorf").rglob("*.txt")):
        if "Endpoints" in file.parts or file.name == "SOURCE.txt":
            continue
        for part in re.split(r"^[<=>] ?", file.read_text(encoding="utf-8"), flags=re.M):
            if part.strip().startswith("{") and part.strip().endswith("}"):
                frames.append(part.strip().encode())
    folder = recorded / "bybit/gocryptotrader"
    for line in (folder / "test-literals.jsonl").read_text(encoding="utf-8").splitlines():
        if '"op"' in (raw := json.loads(line)["raw"]) or '"topic"' in raw:
            frames.append(raw.encode())
    for name in ("wsAuth.json", "wsTicker.json"):
        frames += [one for one in (folder / name).read_bytes().splitlines() if one.strip()]
    assert len(frames) > 20
    for frame in frames:
        for plan in (PUBLIC, PRIVATE):
            decoded(frame, plan)
