"""OKX's client side: bytes out, facts or typed errors in. Pure, without a socket. Numbers in
brackets are the lines of "a careful client must" in its wire specification.

What is no venue's own is held elsewhere, at every venue: [2] the clock, measured anew after a
refusal (``tests/exchange``, row 44 of ``tests/faults.py``); [7] unknown orders
(``tests/course/test_unknown_orders.py``, ``tests/hybrid``); [9, 10] acknowledgements, steps and
least amounts (``tests/exchange/test_orders.py``); [19, 20, 28] pings, logins, acknowledgements and
connections in time (``tests/stream``); [25] an outage of an account
(``tests/venues/test_contract.py``); [27] ``tests/lab/dialects/okx/test_client.py``. Not done: [32]
the venue's dead-man switch is an account's, of all its orders: what stops (``hybrid.stop``) cancels
its own; [14] the ceiling of an account is told by 50061 and not counted here, as the documents say
that spot is exempt.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from vocx import errors
from vocx.book import LocalBook
from vocx.facts import BookDelta, BookSnapshot, CancelTimer, Fill, Order, OrderAck, Quote
from vocx.venues.base import (
    Ack,
    AmendOrder,
    CancelAll,
    CancelAllAfter,
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
    GetStatus,
    GetTicker,
    GetTime,
    GetTrades,
    Heartbeat,
    Intent,
    LoginResult,
    Notice,
    PlaceOrder,
    Pong,
    Unknown,
)
from vocx.venues.okx import Okx, signing

D = Decimal
NOW = 1_795_334_400_123_000_000
KEY = Credentials(
    key="00000000-1111-4222-8333-444444444444",
    secret="22582BD0CFF14C41EDBF1AB98506286D",
    passphrase="vocx-Teach-1",
    venue="okx",
)
okx = Okx()
BTC = "BTC/USDT"
LIMIT = PlaceOrder(
    symbol=BTC,
    side="buy",
    type="limit",
    client_order_id="vocx0001",
    quantity=D("0.001"),
    price=D("60000.1"),
)

PLACED = (
    '{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"60000.1",'
    '"sz":"0.001","clOrdId":"vocx0001"}'
)
SPACED = '[{"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", '
SPACED += '"px": "60000.1", "sz": "0.001", "clOrdId": "vocx0001"}]'
VECTORS = [
    ("GET", "/api/v5/account/balance", "", "ofpUV9mKOtM38dcjgacrb+XwRCjt+3pyHzYULPSYre0="),
    (
        "GET",
        "/api/v5/trade/order?instId=BTC-USDT&clOrdId=vocx0001",
        "",
        "DHQHaxznQY8tzypbOuUcHHDxfibwc4k8d/XEs5eCRAo=",
    ),
    ("POST", "/api/v5/trade/order", PLACED, "NakxDkExhjqsItXiBDpR781P0ErTcg8S3YeL4W9/6mA="),
    (
        "GET",
        "/api/v5/account/balance?ccy=BTC,USDT",
        "",
        "a1HOq137ubdHT1xeRh+5HP7mLdSH7JSctE/TEBRQyX4=",
    ),
    (
        "GET",
        "/api/v5/account/balance?ccy=BTC%2CUSDT",
        "",
        "1tMKpeyWPsANp4W82EsVwJLU2SvlAeWzIxLMz7KZe3Q=",
    ),
    ("POST", "/api/v5/trade/batch-orders", SPACED, "SZrTTFK4eLXzIhR1eG5gM3gBrb4hMGPIXWkfOn/356A="),
    (
        "GET",
        "/api/v5/trade/orders-pending?instType=SPOT&instId=BTC-USDT",
        "",
        "MmOm5nLU1ccL44GhHhyo8yJeMVNg+xG0LOURRlrgqJM=",
    ),
]


@pytest.mark.parametrize(("method", "target", "body", "expected"), VECTORS)
def test_published_signatures(method: str, target: str, body: str, expected: str) -> None:
    """[2, 3] Byte for byte what the official SDK and ccxt sign."""
    time = signing.iso_time(NOW)
    assert time == "2026-11-22T08:00:00.123Z"
    assert signing.signature(KEY.secret, time, method, target, body) == expected


def test_a_placement_is_signed_as_it_is_sent() -> None:
    """[3] The request that leaves is vector C, with all four headers, and no secret in its repr."""
    sent = okx.sign(okx.request(LIMIT), NOW, KEY, "n")
    fields = json.loads(sent.body)
    assert fields == json.loads(PLACED)
    assert sent.headers["OK-ACCESS-SIGN"] == signing.signature(
        KEY.secret, signing.iso_time(NOW), "POST", "/api/v5/trade/order", sent.body.decode()
    )
    assert sent.headers["OK-ACCESS-PASSPHRASE"] == KEY.passphrase
    assert KEY.secret not in repr(sent) and not sent.safe_to_retry
    assert sent.charges == {"place:BTC-USDT": 1}


def test_the_login_uses_whole_seconds() -> None:
    """[21] Vector W."""
    argument = signing.login(KEY, NOW)
    assert argument["timestamp"] == "1795334400"
    assert argument["sign"] == "pV57aLrJg8M7Gno3XfK3OFWtSQ5e7xUcPhg6wwajLvE="


def test_a_key_without_its_passphrase_is_refused() -> None:
    """Nothing is sent, and the text says which variable is missing."""
    bare = Credentials(key="k", secret="s")
    with pytest.raises(errors.BadInput, match="VOCX_OKX_PASSPHRASE"):
        okx.sign(okx.request(LIMIT), NOW, bare, "n")


@pytest.mark.parametrize(
    ("intent", "target"),
    [
        (GetTime(), "/api/v5/public/time"),
        (GetStatus(), "/api/v5/system/status"),
        (GetInstruments(), "/api/v5/public/instruments?instType=SPOT"),
        (GetTicker(symbol=BTC), "/api/v5/market/ticker?instId=BTC-USDT"),
        (GetQuote(symbol=BTC), "/api/v5/market/books?instId=BTC-USDT&sz=1"),
        (GetBook(symbol=BTC, depth=400), "/api/v5/market/books?instId=BTC-USDT&sz=400"),
        (GetBook(symbol=BTC, depth=401), "/api/v5/market/books-full?instId=BTC-USDT&sz=401"),
        (GetTrades(symbol=BTC, limit=9), "/api/v5/market/trades?instId=BTC-USDT&limit=9"),
        (
            GetTrades(symbol=BTC, limit=9, from_id=100),
            "/api/v5/market/history-trades?instId=BTC-USDT&type=1&after=109&before=99&limit=9",
        ),
        (
            GetCandles(symbol=BTC, interval="6h", limit=3),
            "/api/v5/market/candles?instId=BTC-USDT&bar=6Hutc&limit=3",
        ),
        (GetOrder(symbol=BTC, id="9"), "/api/v5/trade/order?instId=BTC-USDT&ordId=9"),
        (GetBalances(), "/api/v5/account/balance"),
    ],
)
def test_targets(intent: Intent, target: str) -> None:
    """Each intent is these bytes."""
    assert okx.request(intent).target == target


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"time_in_force": "IOC"}, {"ordType": "ioc"}),
        ({"time_in_force": "FOK"}, {"ordType": "fok"}),
        ({"type": "post_only"}, {"ordType": "post_only"}),
        ({"type": "market", "price": None}, {"tgtCcy": "base_ccy", "sz": "0.001"}),
        (
            {"type": "market", "price": None, "quantity": None, "quote_quantity": D(100)},
            {"tgtCcy": "quote_ccy", "sz": "100"},
        ),
    ],
)
def test_order_types(changed: dict[str, Any], expected: dict[str, str]) -> None:
    """[11] A market order always says what its size is of."""
    import msgspec

    body = json.loads(okx.request(msgspec.structs.replace(LIMIT, **changed)).body)
    assert expected.items() <= body.items()


def reply(intent: Intent, body: Any, status: int = 200) -> Any:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return okx.reply(okx.request(intent), status, {}, text, NOW)


def good(*rows: Any) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": list(rows)}


def refused(code: str, text: str = "no") -> dict[str, Any]:
    row = {"clOrdId": "vocx0001", "ordId": "", "sCode": code, "sMsg": text}
    return {"code": "1", "msg": "All operations failed", "data": [row]}


def test_an_answer_to_an_order_is_an_acknowledgement() -> None:
    """[9] What is not said is not invented."""
    row = {"clOrdId": "vocx0001", "ordId": "312", "sCode": "0", "sMsg": "", "ts": "1"}
    assert reply(LIMIT, good(row)).result == OrderAck(
        symbol=BTC, id="312", client_order_id="vocx0001", arrived_ns=NOW
    )


@pytest.mark.parametrize(
    ("code", "kind", "outcome"),
    [
        ("51008", errors.OrderRefused, "refused"),
        ("51016", errors.DuplicateOrder, "accepted"),
        ("50004", errors.VenueUnavailable, "unknown"),
        ("51149", errors.VenueUnavailable, "unknown"),
        ("50011", errors.RateLimited, "refused"),
        ("50102", errors.ClockSkew, "refused"),
        ("51001", errors.UnknownSymbol, "refused"),
        ("99999", errors.Refused, "refused"),
    ],
)
def test_refusals_inside_http_200(code: str, kind: type[Exception], outcome: str) -> None:
    """[5, 7] The item's code is the truth, and says what became of the order."""
    with pytest.raises(kind) as caught:
        reply(LIMIT, refused(code))
    assert type(caught.value) is kind and caught.value.outcome == outcome


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b'{"msg":"Too Many Requests","code":"50011"}', errors.RateLimited),
        (401, b'{"msg":"Timestamp request expired","code":"50102"}', errors.ClockSkew),
        (503, b'{"code":"50001","msg":"Service unavailable","data":[]}', errors.Maintenance),
        (502, b"<html>bad gateway</html>", errors.VenueUnavailable),
        (403, b"<html>not here</html>", errors.RegionBlocked),
        (200, b"<html>ok</html>", errors.BadReply),
        (200, b'{"code":"0","msg":"","data":{"a":1}}', errors.BadReply),
    ],
)
def test_other_failures(status: int, body: bytes, kind: type[Exception]) -> None:
    """[6] Gateways leave data out, machines before them JSON."""
    with pytest.raises(kind):
        okx.reply(okx.request(GetTicker(symbol=BTC)), status, {}, body, NOW)


def test_pages_go_backwards_and_are_joined_in_order() -> None:
    """OKX pages candles from the newest; the page that goes on asks for what is older."""

    def rows(first: int, count: int) -> list[list[str]]:
        opens = [(first + n) * 60_000 for n in range(count)]
        return [[str(ms), "1", "2", "1", "2", "3", "4", "4", "1"] for ms in reversed(opens)]

    answer = reply(GetCandles(symbol=BTC, interval="1m", limit=500), good(*rows(1000, 300)))
    assert [one.open_ns for one in answer.result] == sorted(one.open_ns for one in answer.result)
    assert answer.older and answer.next is not None
    assert "after=60000000" in answer.next.target and "limit=100" in answer.next.target
    last = reply(answer.next.intent, good(*rows(800, 200)))
    assert last.next is None and len(last.result) == 200


def test_cancel_all_lists_and_cancels_by_twenties() -> None:
    """There is no cancel-all for spot: pages of open orders, then batches of their ids."""
    listed = [order_row(ordId=str(n)) for n in range(25)]
    answer = reply(CancelAll(symbol=BTC), good(*listed))
    first = answer.next
    assert isinstance(first.intent, CancelAll), "as urgent as what it is for"
    assert len(json.loads(first.body)) == 20 and first.charges == {"cancel_batch:BTC-USDT": 20}
    rows = [{"ordId": str(n), "sCode": "0"} for n in range(20)]
    rows[3] = {"ordId": "3", "sCode": "51400", "sMsg": "gone"}
    second = reply(first.intent, {"code": "2", "msg": "", "data": rows})
    assert len(second.result) == 19 and len(json.loads(second.next.body)) == 5
    assert reply(CancelAll(symbol=BTC), good()).next is None


def test_an_order_that_cancel_all_could_not_cancel_is_named() -> None:
    """When all others are cancelled: one that the venue was too busy for, one without an answer."""
    first = reply(CancelAll(symbol=BTC), good(*[order_row(ordId=str(n)) for n in range(22)])).next
    rows = [{"ordId": str(n), "sCode": "0"} for n in range(19)]
    rows[3] = {"ordId": "3", "sCode": "50013", "sMsg": "Systems are busy."}
    second = reply(first.intent, {"code": "2", "msg": "", "data": rows}).next
    named = r"2 of .*: 19 \(no answer\), 3 \(50013 Systems are busy.\)"
    with pytest.raises(errors.OrderRefused, match=named) as no:
        reply(second.intent, good({"ordId": "20", "sCode": "0"}, {"ordId": "21", "sCode": "0"}))
    assert no.value.outcome == "refused"


def order_row(**changed: str) -> dict[str, str]:
    return {
        "instId": "BTC-USDT",
        "instType": "SPOT",
        "ordId": "312",
        "clOrdId": "vocx0001",
        "side": "buy",
        "ordType": "limit",
        "state": "live",
        "px": "60000.1",
        "sz": "0.001",
        "accFillSz": "0",
        "avgPx": "",
        "fillSz": "0",
        "fillPx": "",
        "tradeId": "",
        "cTime": "1795334400150",
        "uTime": "1795334400150",
        "tgtCcy": "",
        "cancelSource": "",
        **changed,
    }


PRIVATE = okx.plan_sockets(
    [ChannelSpec(channel=one, symbol=None) for one in ("orders", "fills", "balances")]
)[0]


def push(argument: dict[str, str], rows: list[Any], **more: Any) -> bytes:
    return json.dumps({"arg": argument, **more, "data": rows}).encode()


def test_the_life_of_an_order_on_the_private_socket() -> None:
    """[12, 26] Live, a fill, canceled: an order each time, one fill, and what is repeated is told
    once."""
    state = okx.open_session(PRIVATE)
    argument = {"channel": "orders", "instType": "SPOT", "uid": "1"}
    filled = order_row(
        state="partially_filled",
        accFillSz="0.0004",
        avgPx="60000.1",
        fillSz="0.0004",
        fillPx="60000.1",
        tradeId="744876981",
        fillTime="1795334400200",
        fillFee="-0.00000032",
        fillFeeCcy="BTC",
        execType="M",
    )
    ended = order_row(state="canceled", accFillSz="0.0004", avgPx="60000.1", cancelSource="1")
    told = [
        one
        for row in (order_row(), filled, filled, ended, ended)
        for one in okx.decode(push(argument, [row]), NOW, PRIVATE, state)
    ]
    fills = [one for one in told if isinstance(one, Fill)]
    assert [one.status for one in told if isinstance(one, Order)] == [
        "new",
        "partially_filled",
        "canceled",
    ]
    assert len(fills) == 1 and fills[0].fee == D("0.00000032") and fills[0].maker
    assert fills[0].fee_asset == "BTC" and fills[0].id == 744876981


def test_balances_of_the_account_channel() -> None:
    """Free and locked of each currency that changed."""
    row = {"ccy": "USDT", "cashBal": "10000", "availBal": "9940", "frozenBal": "60", "uTime": "5"}
    frame = push({"channel": "account", "uid": "1"}, [{"details": [row]}], eventType="snapshot")
    (told,) = okx.decode(frame, NOW, PRIVATE, okx.open_session(PRIVATE))
    assert (told.free, told.locked) == (D(9940), D(60))


PUBLIC = okx.plan_sockets(
    [ChannelSpec(channel=one, symbol=BTC) for one in ("book", "quotes", "trades", "ticker")]
)[0]


def decoded(frame: Any) -> list[Any]:
    text = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    return list(okx.decode(text, NOW, PUBLIC, okx.open_session(PUBLIC)))


def test_a_socket_for_each_address() -> None:
    """[18] Candles live on business, an account on private, all else on public."""
    specs = [
        ChannelSpec(channel="trades", symbol=BTC),
        ChannelSpec(channel="candles", symbol=BTC, interval="1h"),
        ChannelSpec(channel="fills", symbol=None),
    ]
    plans = {one.purpose: list(one.topics) for one in okx.plan_sockets(specs)}
    assert plans == {
        "ws_public": ["trades:BTC-USDT"],
        "ws_business": ["candle1H:BTC-USDT"],
        "ws_private": ["fills"],
    }


def book_frame(action: str, previous: int, sequence: int, bids: Any, asks: Any) -> bytes:
    row = {"bids": bids, "asks": asks, "ts": "1795334400100", "checksum": 0}
    row |= {"prevSeqId": previous, "seqId": sequence}
    return push({"channel": "books", "instId": "BTC-USDT"}, [row], action=action)


def test_the_book_by_its_previous_sequence() -> None:
    """[22] Snapshot, change, keep-alive, a legal reset, then a hole."""
    book = LocalBook(BTC, okx.check_sequence)
    bid, ask = ["60000.1", "0.5", "0", "3"], ["60000.2", "0.75", "0", "4"]
    frames = [
        book_frame("snapshot", -1, 1000, [bid], [ask]),
        book_frame("update", 1000, 1004, [["60000.10", "0", "0", "0"]], []),
        book_frame("update", 1004, 1004, [], []),
        book_frame("update", 1004, 7, [bid], []),
    ]
    for frame in frames:
        for one in decoded(frame):
            if isinstance(one, BookSnapshot | BookDelta):
                book.feed(one)
    assert book.in_sync and book.sequence == 7 and book.bid == (D("60000.1"), D("0.5"))
    (hole,) = decoded(book_frame("update", 9, 12, [bid], []))
    assert book.feed(hole) == "out_of_sync"


@pytest.mark.parametrize("bad", ["-1", "1e999", "NaN", "Infinity", "0." + "0" * 45 + "1", "9" * 50])
def test_levels_are_numbers_of_a_market(bad: str) -> None:
    """The quick way for plain books lets nothing else through, wherever it stands."""
    plan = okx.plan_sockets([ChannelSpec(channel="book", symbol=BTC)])[0]
    for at in range(4):
        texts = ["60000.1", "1", "60000.2", "2"]
        texts[at] = bad
        row = (
            f'{{"asks":[["{texts[2]}","{texts[3]}","0","1"]],'
            f'"bids":[["{texts[0]}","{texts[1]}","0","1"]],'
            '"ts":"1","checksum":0,"prevSeqId":1,"seqId":2}'
        )
        text = (
            f'{{"arg":{{"channel":"books","instId":"BTC-USDT"}},"action":"update","data":[{row}]}}'
        )
        with pytest.raises(errors.BadReply):
            okx.decode(text.encode(), 0, plan, okx.open_session(plan))


def test_an_empty_update_is_a_proof_of_life() -> None:
    """After a minute without a change."""
    told = decoded(book_frame("update", 5, 5, [], []))
    assert Heartbeat(topics=("books:BTC-USDT",)) in told


def test_a_row_of_trades_stands_for_several() -> None:
    """The id is the last of ``count``; the rule of continuity counts them."""
    row = {"instId": "BTC-USDT", "tradeId": "980", "px": "1", "sz": "2", "side": "sell"}
    row |= {"ts": "1795334400100", "count": "3"}
    (trade,) = decoded(push({"channel": "trades", "instId": "BTC-USDT"}, [row]))
    assert (trade.id, trade.count, trade.side) == (980, 3, "sell")
    assert okx.check_trade(977, trade) == 0 and okx.check_trade(970, trade) == 7


def test_control_frames() -> None:
    """[20] Login, acknowledgements per argument, refusals that name theirs, notices, pongs."""
    assert decoded(b"pong") == [Pong()]
    assert decoded({"event": "login", "code": "0"}) == [LoginResult()]
    (bad,) = decoded({"event": "error", "code": "60009", "msg": "Login failed."})
    assert isinstance(bad, LoginResult) and isinstance(bad.error, errors.BadKey)
    argument = {"channel": "books", "instId": "BTC-USDT"}
    assert decoded({"id": "a", "event": "subscribe", "arg": argument}) == [
        Ack(id="a", topics=("books:BTC-USDT",))
    ]
    text = "Wrong URL or channel:trades,instId:BTC-USDT doesn't exist."
    (refusal,) = decoded({"event": "error", "code": "60018", "msg": text, "id": "a"})
    assert refusal.topics == ("trades:BTC-USDT",)
    assert isinstance(refusal.error, errors.SubscribeRefused)
    (notice,) = decoded({"event": "notice", "code": "64008", "msg": "soon"})
    assert notice == Notice(kind="shutdown", text="soon")
    assert isinstance(decoded({"event": "new thing"})[0], Unknown)
    with pytest.raises(errors.BadReply):
        decoded(b'{"arg":')


def test_fills_and_orders_share_a_subscription() -> None:
    """One argument serves both topics, and its acknowledgement confirms both."""
    (frame,) = okx.subscribe_frames(PRIVATE, list(PRIVATE.topics), NOW, KEY, "n" * 32)
    channels = [one["channel"] for one in json.loads(frame.text)["args"]]
    assert channels == ["orders", "account"] and frame.topics == tuple(PRIVATE.topics)
    text = json.dumps({"event": "subscribe", "arg": {"channel": "orders", "instType": "SPOT"}})
    (ack,) = okx.decode(text.encode(), NOW, PRIVATE, okx.open_session(PRIVATE))
    assert ack.topics == ("orders", "fills")
    assert len(json.loads(frame.text)["id"]) <= 32


def test_orders_by_socket_name_the_instrument_by_its_number() -> None:
    """[29, 30] Without the number nothing is sent; answers are matched by id."""
    with pytest.raises(errors.BadInput, match=r"ex\.instrument"):
        okx.ws_request(LIMIT, 1, NOW, KEY, "n")
    row = {"instId": "BTC-USDT", "instType": "SPOT", "state": "live", "tickSz": "0.1"}
    row |= {"lotSz": "0.00000001", "minSz": "0.00001", "instIdCode": 10459}
    (instrument,) = reply(GetInstruments(symbols=(BTC,)), good(row)).result
    import msgspec

    order = msgspec.structs.replace(LIMIT, instrument=instrument)
    frame = json.loads(okx.ws_request(order, 7, NOW, KEY, "n").body)
    assert frame["op"] == "order" and frame["args"][0]["instIdCode"] == 10459
    answer = {"id": "7", "op": "order", **good({"ordId": "312", "clOrdId": "a", "sCode": "0"})}
    response = okx.parse_response(json.dumps(answer).encode())
    assert response is not None and response.id == 7
    assert okx.parse_response(b'{"event":"login","code":"0"}') is None


def test_demo_trading_is_an_environment_of_its_own() -> None:
    """[1] Another socket host and a header; the real one has neither."""
    real, demo = okx.environments["real"], okx.environments["testnet"]
    assert real.headers == {} and demo.headers == {"x-simulated-trading": "1"}
    assert real.urls["rest"] == demo.urls["rest"]
    assert "wspap" in demo.urls["ws_private"] and "wspap" not in real.urls["ws_private"]


def test_rest_and_socket_share_their_limits() -> None:
    """[13, 29] Place, amend and cancel have 60 in 2 s each, for each instrument, on either way."""
    bare = '{"instId":"BTC-USDT","instType":"SPOT","state":"live","tickSz":"0.1","lotSz":"0.001"'
    body = f'{{"code":"0","data":[{bare},"instIdCode":10459}}]}}'.encode()
    (instrument,) = okx.reply(okx.request(GetInstruments()), 200, {}, body, NOW).result
    named = {"symbol": BTC, "id": "312", "instrument": instrument}
    for bucket, intent in {
        "place": replace(LIMIT, instrument=instrument),
        "amend": AmendOrder(**named, quantity=D("0.002")),
        "cancel": CancelOrder(**named),
    }.items():
        framed = okx.ws_request(intent, 7, NOW, KEY, "n")
        charged = {f"{bucket}:BTC-USDT": 1}
        assert okx.request(intent).charges == framed.charges == charged
        (limit,) = (one for one in okx.limits if one.bucket == bucket)
        assert (limit.amount, limit.window_s, limit.per) == (60, 2, "instrument")


@pytest.mark.parametrize("code", ["50011", "50061"])
def test_too_many_orders_is_a_rate_limit(code: str) -> None:
    """[13, 14] By the instrument or by the account: nothing was placed, come later."""
    with pytest.raises(errors.RateLimited) as caught:
        reply(LIMIT, refused(code))
    assert caught.value.outcome == "refused"


def test_fills_are_paged_by_their_bill() -> None:
    """[15] ``after`` is the oldest ``billId`` of a full page, so no row shifts into the next."""

    def rows(newest: int, count: int) -> list[dict[str, str]]:
        return [
            {
                **{"instType": "SPOT", "instId": "BTC-USDT", "ordId": "312", "side": "buy"},
                **{"tradeId": str(n), "billId": str(9000 + n), "fillPx": "60000", "fillSz": "1"},
                **{"fee": "-0.001", "feeCcy": "BTC", "execType": "T", "ts": str(n), "clOrdId": ""},
            }
            for n in range(newest, newest - count, -1)
        ]

    answer = reply(GetFills(symbol=BTC, limit=150), good(*rows(500, 100)))
    assert answer.next is not None and "after=9401" in answer.next.target
    second = okx.reply(answer.next, 200, {}, json.dumps(good(*rows(400, 50))).encode(), NOW)
    found = [*second.result, *answer.result]
    assert [one.id for one in found] == list(range(351, 501)) and second.next is None
    assert all((one.fee, one.fee_asset) == (D("0.001"), "BTC") for one in found)


def test_a_candle_that_is_not_confirmed_is_open() -> None:
    """[16] By REST and by stream."""
    row = ["1795334400000", "1", "2", "1", "2", "3", "4", "4"]
    (old, new) = reply(GetCandles(symbol=BTC, interval="1m", limit=2),
                       good([*row, "0"], ["1795334340000", *row[1:], "1"])).result  # fmt: skip
    assert (old.closed, new.closed) == (True, False)
    plan = okx.plan_sockets([ChannelSpec(channel="candles", symbol=BTC, interval="1m")])[0]
    argument = {"channel": "candle1m", "instId": "BTC-USDT"}
    for confirm, closed in (("0", False), ("1", True)):
        text = push(argument, [[*row, confirm]])
        (told,) = okx.decode(text, NOW, plan, okx.open_session(plan))
        assert told.closed is closed


def test_levels_are_found_by_their_price_and_not_by_its_text() -> None:
    """[23, 24] Another way to write a price is the same level; a checksum is not read."""
    plan = okx.plan_sockets([ChannelSpec(channel="book", symbol=BTC)])[0]
    argument, book = {"channel": "books", "instId": "BTC-USDT"}, LocalBook(BTC, okx.check_sequence)
    state = okx.open_session(plan)
    for action, price, size, before, now in (
        ("snapshot", "60000.1", "0.5", -1, 1),
        ("update", "60000.10", "0.700", 1, 2),
        ("update", "60000.100", "0", 2, 3),
    ):
        asks = [["60001", "1", "0", "1"]] if action == "snapshot" else []
        row = {"asks": asks, "bids": [[price, size, "0", "1"]], "ts": "1", "checksum": 7}
        row |= {"prevSeqId": before, "seqId": now}
        (fact,) = okx.decode(push(argument, [row], action=action), NOW, plan, state)
        book.feed(fact)  # type: ignore[arg-type]
        assert book.in_sync and book.levels == (int(size != "0"), 1)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(4001, "lost"), (4002, "policy"), (4003, "policy"), (4004, "lost"), (4005, "lost")]
    + [(4007, "refused"), (4008, "policy"), (4009, "policy"), (1001, "going_away")],
)
def test_close_codes(code: int, kind: str) -> None:
    """[31] A slow reader and an idle client connect again; who breaks a rule waits longer."""
    assert okx.classify_close(code, "") == kind


def test_books_by_rest_say_when_and_which() -> None:
    """[17] Two may come in the wrong order: each bears the venue's time and number."""
    row = {"asks": [["2", "1", "0", "1"]], "bids": [["1", "1", "0", "1"]], "ts": "5", "seqId": 7}
    found = reply(GetBook(symbol=BTC, depth=5), good(row)).result
    assert (found.exchange_ns, found.sequence) == (5_000_000, 7)


def test_few_operations_and_connects() -> None:
    """[19, 28] Three hundred topics are three operations of the 480 an hour; three connections a
    second; a ping in half of the 30 s after which a silent connection is closed."""
    specs = [ChannelSpec(channel="trades", symbol=f"A{n}/USDT") for n in range(300)]
    (plan,) = okx.plan_sockets(specs)
    made = okx.subscribe_frames(plan, list(plan.topics), NOW, None, "n" * 32)
    assert len(made) == 3 and sum(len(one.topics) for one in made) == 300
    assert okx.socket_limits.connects_per_s == 3
    for purpose in ("ws_public", "ws_business", "ws_private"):
        kept = okx.keepalive(purpose)
        assert kept.ping_text == "ping" and kept.client_ping_s <= 15
        assert kept.client_ping_s + kept.pong_deadline_s < 30


def test_a_dead_mans_switch() -> None:
    """[32] The countdown's seconds as text; 0 ends it, and an answer of another kind is refused."""
    request = okx.request(CancelAllAfter(seconds=60))
    assert (request.target, request.body) == ("/api/v5/trade/cancel-all-after", b'{"timeOut":"60"}')
    body = b'{"code":"0","msg":"","data":[{"triggerTime":"%s","tag":"","ts":"1700000000123"}]}'
    told = okx.reply(request, 200, {}, body % b"1700000060123", 0).result
    assert told == CancelTimer(
        seconds=60,
        fires_ns=1_700_000_060_123 * 1_000_000,
        exchange_ns=1_700_000_000_123 * 1_000_000,
    )
    with pytest.raises(errors.BadReply):
        okx.reply(request, 200, {}, body % b"0", 0)
    ended = okx.reply(okx.request(CancelAllAfter(seconds=0)), 200, {}, body % b"0", 0).result
    assert isinstance(ended, CancelTimer) and ended.fires_ns is None


def test_client_order_ids() -> None:
    """[8] Letters and digits, at most 32; ours sort by time."""
    made = okx.make_client_order_id(2**127)
    okx.validate_client_order_id(made)
    assert okx.make_client_order_id(5) < okx.make_client_order_id(6)
    for bad in ("", "a-b", "x" * 33, "ä"):
        with pytest.raises(errors.BadInput):
            okx.validate_client_order_id(bad)


def test_announced_changes_of_an_instrument() -> None:
    """[10] The first that takes effect is known; nothing announced is None."""

    def read(changes: str) -> Any:
        body = (
            '{"code":"0","msg":"","data":[{"instId":"BTC-USDT","instType":"SPOT","state":"live",'
            f'"tickSz":"0.1","lotSz":"0.001","upcChg":{changes}}}]}}'
        )
        (found,) = okx.reply(okx.request(GetInstruments()), 200, {}, body.encode(), NOW).result
        return found.changes_ns

    late = '{"param":"tickSz","newValue":"0.01","effTime":"1795334500000"}'
    soon = '{"param":"minSz","newValue":"1","effTime":"1795334450000"}'
    assert read(f"[{late},{soon}]") == 1_795_334_450_000_000_000
    assert read("[]") is None and read("null") is None


def test_what_never_traded_has_no_prices() -> None:
    """[4] Empty texts are None, never a number."""
    row = {"instId": "BTC-USDT", "last": "", "askPx": "", "bidPx": "", "ts": "5"}
    told = reply(GetTicker(symbol=BTC), good(row)).result
    assert (told.last, told.bid, told.ask, told.open) == (None, None, None, None)
    one_side = {"asks": [], "bids": [["1", "2", "0", "1"]], "ts": "5"}
    quote = reply(GetQuote(symbol=BTC), good(one_side)).result
    assert isinstance(quote, Quote) and quote.ask is None and quote.bid == 1


def test_every_recorded_error_maps(recorded: Path) -> None:
    """Each real error body is one typed error, whatever was asked."""
    lines = (recorded / "okx/errors/errors.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines:
        body = json.loads(line)["body"].encode()
        with pytest.raises(errors.VocxError):
            okx.reply(okx.request(LIMIT), 200, {}, body, NOW)


BODIES: list[tuple[str, Intent]] = [
    ("ExchangeData/GetServerTime", GetTime()),
    ("ExchangeData/GetSymbols", GetInstruments()),
    ("ExchangeData/GetTicker", GetTicker(symbol="ETH/USDT")),
    ("ExchangeData/GetOrderBook", GetBook(symbol="ETH/USDT", depth=1)),
    ("ExchangeData/GetKlines", GetCandles(symbol="ETH/USDT", interval="1m")),
    ("ExchangeData/GetKlineHistory", GetCandles(symbol="ETH/USDT", interval="1m")),
    ("ExchangeData/GetRecentTrades", GetTrades(symbol="ETH/USDT")),
    ("ExchangeData/GetTradeHistory", GetTrades(symbol="ETH/USDT")),
    ("Account/GetAccountBalance", GetBalances()),
    ("Trading/PlaceOrder", LIMIT),
    ("Trading/CancelOrder", CancelOrder(symbol=BTC, id="1")),
    ("Trading/AmendOrder", AmendOrder(symbol=BTC, id="1", quantity=D(1))),
    ("Trading/GetOrderDetails", GetOrder(symbol=BTC, id="1")),
    ("Trading/GetOrders", GetOpenOrders()),
    ("Trading/GetUserTrades", GetFills(symbol=BTC)),
    ("Trading/GetUserTradesArchive", GetFills(symbol=BTC, start_ns=1)),
]


@pytest.mark.parametrize(("name", "intent"), BODIES, ids=[name for name, _ in BODIES])
def test_recorded_replies_decode(recorded: Path, name: str, intent: Intent) -> None:
    """Each recorded body is facts or one typed error."""
    file = recorded / f"okx/jkorf/Endpoints/UnifiedApi/{name}.txt"
    body = file.read_text(encoding="utf-8").partition("\n")[2]
    start = min(at for at in (body.find("{"), body.find("[")) if at >= 0)
    try:
        found = okx.reply(okx.request(intent), 200, {}, body[start:].encode(), NOW)
    except errors.VenueError:
        return
    assert found.result is not None


def test_every_recorded_frame_decodes(recorded: Path) -> None:
    """Facts, words about the session, or a counted unknown; never anything else."""
    files = sorted((recorded / "okx/jkorf/Subscriptions").rglob("*.txt"))
    frames: list[bytes] = []
    for file in files:
        for part in re.split(r"^[<=>] ?", file.read_text(encoding="utf-8"), flags=re.M):
            if part.strip().startswith("{"):
                frames.append(part.strip().encode())
    for name in ("wsAllTrades.json", "wsOrders.json"):
        frames += (recorded / "okx/gocryptotrader" / name).read_bytes().splitlines()
    assert len(frames) > 20
    for frame in frames:
        for plan in (PUBLIC, PRIVATE):
            okx.decode(frame, NOW, plan, okx.open_session(plan))
