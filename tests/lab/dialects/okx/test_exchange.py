"""OKX as an exchange: the checklist "a faithful local exchange must" of its wire specification,
over a paused market, in virtual time. Numbers in brackets are its lines."""

from __future__ import annotations

import base64
import hmac
import json
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
import venue_in_memory
from venue_binance import MS, T0, S

from vocx.lab.dialects.base import Close, HttpIn, HttpOut, KeyPair
from vocx.lab.dialects.okx import Okx
from vocx.lab.dialects.shared.mappings import Latest
from vocx.lab.market.instruments import INSTRUMENTS

KEY = "00000000-1111-4222-8333-444444444444"
SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
PASSPHRASE = "vocx-Teach-1"
BTC = "BTC-USDT"
CODE = 10_459
"""Its number, by which orders over the socket name it."""
VECTOR_NS = 1_795_334_400_123_000_000
"""2026-11-22T08:00:00.123Z, the clock of the published signatures."""


class Venue(venue_in_memory.Venue):
    """The exchange over a market of its own, with a clock that the test turns."""

    def __init__(self, now_ns: int = T0) -> None:
        pair = KeyPair(key=KEY, secret=SECRET, passphrase=PASSPHRASE)
        super().__init__(
            lambda simulation: Okx(simulation, start_ns=now_ns, credentials=pair),
            Okx.crowd.specs(INSTRUMENTS[:2]).values(),
            now_ns,
        )
        self.market = self.simulation.markets["BTC/USDT"]

    def raw(
        self, verb: str, target: str, body: bytes = b"", *, signed: bool = True, **headers: str
    ) -> HttpOut:
        time = iso(self.now_ns)
        given = {}
        if signed:
            text = f"{time}{verb}{target}".encode() + body
            given = {
                "ok-access-key": KEY,
                "ok-access-sign": sign(text),
                "ok-access-timestamp": time,
                "ok-access-passphrase": PASSPHRASE,
            }
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpIn(method=verb, target=target, headers=given, body=body)
        self.now_ns += 1
        return self.exchange.http(request, self.now_ns)

    def ask(self, path: str, body: Any = None, *, signed: bool = True, **headers: str) -> Any:
        verb = "GET" if body is None else "POST"
        raw = b"" if body is None else json.dumps(body).encode()
        return json.loads(self.raw(verb, f"/api/v5/{path}", raw, signed=signed, **headers).body)

    def rows(self, path: str, body: Any = None) -> list[Any]:
        answer = self.ask(path, body)
        assert answer["code"] == "0", answer
        found: list[Any] = answer["data"]
        return found

    def price(self, share: str) -> str:
        best = self.market.spec.to_price(self.market.best()[0])
        return format((best * Decimal(share)).quantize(Decimal("0.1")), "f")

    def wish(self, **changed: Any) -> dict[str, Any]:
        given = {"instId": BTC, "tdMode": "cash", "side": "buy", "ordType": "limit"}
        return {**given, "px": self.price("0.99"), "sz": "0.01", **changed}

    def code(self, path: str, body: Any) -> str:
        """The innermost code."""
        answer = self.ask(path, body)
        data = answer.get("data") or [{}]
        return str(data[0].get("sCode", answer["code"]))

    def connect(self, purpose: str, login: bool = False) -> Client:
        opened = self.opened(f"/ws/v5/{purpose}?brokerId=9")
        client = Client(self, opened)
        if login:
            assert client.say(client.login()) == [
                {"event": "login", "code": "0", "msg": "", "connId": client.session.number}
            ]
        self.now_ns += S
        return client


class Client(venue_in_memory.Client):
    """One connection in memory, and everything that was sent to it."""

    def login(self, **changed: Any) -> dict[str, Any]:
        seconds = self.venue.now_ns // S
        args = {
            "apiKey": KEY,
            "passphrase": PASSPHRASE,
            "timestamp": seconds,
            "sign": sign(f"{seconds}GET/users/self/verify".encode()),
        }
        return {"op": "login", "args": [{**args, **changed}]}

    def subscribe(self, *args: dict[str, str], **more: Any) -> list[Any]:
        return self.say({"op": "subscribe", "args": list(args), **more})

    def data(self, channel: str) -> list[Any]:
        return [
            one
            for one in self.got
            if isinstance(one, dict) and "data" in one and one["arg"]["channel"] == channel
        ]


def iso(ns: int) -> str:
    from datetime import UTC, datetime

    text = datetime.fromtimestamp(ns // S, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{ns // MS % 1000:03d}Z"


def sign(text: bytes) -> str:
    return base64.b64encode(hmac.new(SECRET.encode(), text, sha256).digest()).decode()


@pytest.fixture
def venue() -> Venue:
    return Venue()


# REST


def test_envelopes_and_texts(venue: Venue) -> None:
    """[1-3] code, msg and a list; numbers are texts; trading replies bear two stamps."""
    answer = venue.ask("market/ticker?instId=BTC-USDT", signed=False)
    assert list(answer) == ["code", "msg", "data"] and len(answer["data"]) == 1
    assert all(isinstance(one, str) for one in answer["data"][0].values())
    (book,) = venue.rows("market/books?instId=BTC-USDT")
    assert type(book["seqId"]) is int and isinstance(book["ts"], str)
    (row,) = venue.rows("public/instruments?instType=SPOT&instId=BTC-USDT")
    assert type(row["instIdCode"]) is int and row["tickSz"] == "0.1" and len(row) == 44
    placed = venue.ask("trade/order", venue.wish())
    assert 16 == len(placed["inTime"]) and placed["outTime"] >= placed["inTime"]


def test_types_that_are_not_listed_are_empty(venue: Venue) -> None:
    """[4]"""
    for kind in ("MARGIN", "SWAP", "FUTURES", "OPTION&uly=BTC-USD"):
        assert venue.rows(f"public/instruments?instType={kind}") == []


def test_books_by_rest(venue: Venue) -> None:
    """[5] one level unless asked for more, at most 400, best first, four texts."""
    (one,) = venue.rows("market/books?instId=BTC-USDT")
    assert len(one["asks"]) == len(one["bids"]) == 1
    (book,) = venue.rows("market/books?instId=BTC-USDT&sz=9999")
    assert max(len(book["asks"]), len(book["bids"])) <= 400
    bids = [Decimal(level[0]) for level in book["bids"]]
    assert bids == sorted(bids, reverse=True) and {len(level) for level in book["asks"]} == {4}
    (full,) = venue.rows("market/books-full?instId=BTC-USDT&sz=5")
    assert {len(level) for level in full["asks"]} == {3}


def test_candles_by_rest(venue: Venue) -> None:
    """[6] newest first, nine texts, only the first is open; after is older, before is newer."""
    rows = venue.rows("market/candles?instId=BTC-USDT&bar=5m&limit=6")
    times = [int(row[0]) for row in rows]
    assert times == sorted(times, reverse=True) and {len(row) for row in rows} == {9}
    assert [row[8] for row in rows] == ["0"] + ["1"] * 5
    older = venue.rows(f"market/candles?instId=BTC-USDT&bar=5m&limit=6&after={times[2]}")
    assert int(older[0][0]) == times[3]
    newer = venue.rows(f"market/candles?instId=BTC-USDT&bar=5m&before={times[2]}")
    assert [int(row[0]) for row in newer] == times[:2]
    assert venue.code("market/candles?instId=BTC-USDT&bar=1s", None) == "51000"
    assert venue.ask("market/history-candles?instId=BTC-USDT&bar=1s")["code"] == "0"


def test_trades_by_rest(venue: Venue) -> None:
    """[7] newest first, the taker's side; pages by id."""
    rows = venue.rows("market/trades?instId=BTC-USDT&limit=5")
    true = {str(one.trade_id): one.taker for one in venue.market.trades(5)}
    assert {row["tradeId"]: row["side"] for row in rows} == true
    last = rows[-1]["tradeId"]
    older = venue.rows(f"market/history-trades?instId=BTC-USDT&after={last}&limit=3")
    assert [int(row["tradeId"]) for row in older] == [int(last) - n for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("market/ticker", 400, "50014"),
        ("market/candles?instId=BTC-USDT&bar=7m", 400, "51000"),
        ("market/books?instId=BTC-USDT&sz=abc", 400, "51000"),
        ("public/instruments?instType=FOO", 400, "51000"),
        ("market/ticker?instId=NO-SUCH", 200, "51001"),
        ("no/such", 404, "404"),
        ("trade/cancel-order", 405, "50115"),
    ],
)
def test_refusals_of_parameters(venue: Venue, path: str, status: int, code: str) -> None:
    """[8] status and code of each."""
    answer = venue.raw("GET", f"/api/v5/{path}", signed=False)
    assert (answer.status, json.loads(answer.body)["code"]) == (status, code)


def test_bodies_that_are_none(venue: Venue) -> None:
    """[9] and hostile ones; unknown fields are ignored, empty texts and nulls are absent."""
    assert venue.code("trade/order", venue.wish(cost=5, banAmend="", tag=None, pxUsd="")) == "0"
    for body, code in ((b"", "50000"), (b"{", "50002"), (b"7", "50002"), (b"[" * 99, "50002")):
        answer = venue.raw("POST", "/api/v5/trade/order", body)
        assert (answer.status, json.loads(answer.body)["code"]) == (400, code)
    for value in ({}, [], 1e99, "1e5", "-1", "0", "\ud800", "9" * 99, True):
        answer = venue.ask("trade/order", venue.wish(sz=value))
        assert answer["code"] != "0", value


# Keys


@pytest.mark.parametrize(
    ("verb", "target", "body", "signature"),
    [
        ("GET", "/api/v5/account/balance", "", "ofpUV9mKOtM38dcjgacrb+XwRCjt+3pyHzYULPSYre0="),
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
        (
            "POST",
            "/api/v5/trade/order",
            '{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"60000.1",'
            '"sz":"0.001","clOrdId":"vocx0001"}',
            "NakxDkExhjqsItXiBDpR781P0ErTcg8S3YeL4W9/6mA=",
        ),
    ],
)
def test_published_signatures(verb: str, target: str, body: str, signature: str) -> None:
    """[10] over the raw target and body."""
    venue = Venue(VECTOR_NS)
    headers = {
        "ok-access-key": KEY,
        "ok-access-sign": signature,
        "ok-access-timestamp": "2026-11-22T08:00:00.123Z",
        "ok-access-passphrase": PASSPHRASE,
    }
    request = HttpIn(method=verb, target=target, headers=headers, body=body.encode())
    assert json.loads(venue.exchange.http(request, VECTOR_NS).body)["code"] == "0"


def test_refusals_of_keys(venue: Venue) -> None:
    """[11-14] a code for each."""

    def refused(**headers: str) -> tuple[int, str]:
        answer = venue.raw("GET", "/api/v5/account/balance", **headers)
        return answer.status, json.loads(answer.body)["code"]

    assert refused(ok_access_key="") == (401, "50103")
    assert refused(ok_access_passphrase="") == (401, "50104")
    assert refused(ok_access_sign="") == (401, "50106")
    assert refused(ok_access_timestamp="") == (401, "50107")
    assert refused(ok_access_key=KEY.replace("1", "2")) == (401, "50111")
    assert refused(ok_access_passphrase="other") == (401, "50105")
    assert refused(ok_access_sign="x") == (401, "50113")
    assert refused(ok_access_timestamp="yesterday") == (401, "50112")
    for off in (-31 * S, 31 * S):
        assert refused(ok_access_timestamp=iso(venue.now_ns + off)) == (401, "50102")
    assert refused(x_simulated_trading="1") == (401, "50101")
    assert refused(x_simulated_trading="0") == (200, "0")
    read_only = venue.exchange.command("account", {"name": "default", "trade": False}, venue.now_ns)
    body = json.dumps(venue.wish()).encode()
    text = f"{iso(venue.now_ns)}POST/api/v5/trade/order".encode() + body
    signature = base64.b64encode(
        hmac.new(read_only["secret"].encode(), text, sha256).digest()
    ).decode()
    answer = venue.raw(
        "POST",
        "/api/v5/trade/order",
        body,
        ok_access_key=read_only["key"],
        ok_access_sign=signature,
        ok_access_passphrase=read_only["passphrase"],
    )
    assert json.loads(answer.body)["code"] == "50120"


# Trading


def test_batches(venue: Venue) -> None:
    """[15] one element is a single order; the top code says all, none or partly."""
    assert venue.ask("trade/batch-orders", [venue.wish(tgtCcy="base_ccy")])["code"] == "0"
    assert venue.ask("trade/batch-orders", [venue.wish(), venue.wish(sz="1e9")])["code"] == "2"
    both = venue.ask("trade/batch-orders", [venue.wish(sz="0.000001")] * 2)
    assert (both["code"], both["msg"]) == ("1", "All operations failed")
    assert [row["sCode"] for row in both["data"]] == ["51020", "51020"]
    assert venue.code("trade/batch-orders", [venue.wish()] * 21) == "51111"
    assert venue.code("trade/cancel-batch-orders", [{"instId": BTC, "ordId": "1"}] * 21) == "51406"


def test_units_of_market_orders(venue: Venue) -> None:
    """[16] a buy counts quote and a sell base unless ``tgtCcy`` says otherwise."""
    market = {"ordType": "market", "px": ""}
    (placed,) = venue.rows("trade/order", venue.wish(**market, sz="100"))
    (order,) = venue.rows(f"trade/order?instId={BTC}&ordId={placed['ordId']}")
    assert (order["state"], order["tgtCcy"], order["sz"]) == ("filled", "quote_ccy", "100")
    assert Decimal(order["avgPx"]) * Decimal(order["accFillSz"]) <= 100
    given = venue.wish(**market, sz="0.01", tgtCcy="base_ccy")
    (placed,) = venue.rows("trade/order", given)
    (order,) = venue.rows(f"trade/order?instId={BTC}&ordId={placed['ordId']}")
    assert (order["accFillSz"], order["tgtCcy"]) == ("0.01", "base_ccy")


def test_fees_are_negative_in_what_was_received(venue: Venue) -> None:
    """[17] 0.1 % of a taker's fill."""
    for side, asset in (("buy", "BTC"), ("sell", "USDT")):
        given = venue.wish(ordType="market", side=side, sz="0.01", tgtCcy="base_ccy")
        (placed,) = venue.rows("trade/order", given)
        for row in venue.rows(f"trade/fills?ordId={placed['ordId']}"):
            worth = Decimal(row["fillSz"]) * (Decimal(row["fillPx"]) if side == "sell" else 1)
            assert row["feeCcy"] == asset and row["execType"] == "T"
            assert abs(Decimal(row["fee"]) + worth / 1000) <= Decimal("1e-8")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"sz": "0.000001"}, "51020"),
        ({"sz": "0.010001"}, "51121"),
        ({"px": "60000.05"}, "51000"),
        ({"px": ""}, "51204"),
        ({"px": "999999"}, "51006"),
        ({"sz": "5000"}, "51008"),
        ({"tdMode": "cross"}, "51010"),
        ({"ordType": "fok", "stpMode": "cancel_both"}, "54036"),
        ({"ordType": "foo"}, "51000"),
        ({"instId": "NO-SUCH"}, "51001"),
        ({"clOrdId": "a-b"}, "51000"),
        ({"side": ""}, "50014"),
    ],
)
def test_orders_that_are_refused(venue: Venue, changed: dict[str, Any], code: str) -> None:
    """[18] never rounded in silence."""
    assert venue.code("trade/order", venue.wish(**changed)) == code
    assert venue.rows("trade/orders-pending") == []


def test_money_is_held_and_released(venue: Venue) -> None:
    """[19] cash = available + frozen, resting orders are in both frozen figures."""

    def usdt() -> tuple[Decimal, Decimal, Decimal]:
        (row,) = venue.rows("account/balance?ccy=USDT")[0]["details"]
        assert row["frozenBal"] == row["ordFrozen"]
        return Decimal(row["cashBal"]), Decimal(row["availBal"]), Decimal(row["frozenBal"])

    cash, free, held = usdt()
    assert (cash, held) == (free, 0)
    wish = venue.wish()
    (placed,) = venue.rows("trade/order", wish)
    worth = Decimal(wish["px"]) * Decimal(wish["sz"])
    assert usdt() == (cash, cash - worth, worth)
    venue.rows("trade/cancel-order", {"instId": BTC, "ordId": placed["ordId"]})
    assert usdt() == (cash, cash, 0)


def test_client_ids_are_unique_among_live_orders(venue: Venue) -> None:
    """[20, 21] and free afterwards; a cancel of what is over is 51400."""
    wish = venue.wish(clOrdId="mine")
    venue.rows("trade/order", wish)
    assert venue.code("trade/order", wish) == "51016"
    named = {"instId": BTC, "clOrdId": "mine"}
    venue.rows("trade/cancel-order", named)
    assert venue.code("trade/cancel-order", named) == "51400"
    venue.rows("trade/order", wish)


def test_amendments(venue: Venue) -> None:
    """[22] sizes are totals, prices move, the id stays; the stream says the outcome."""
    client = venue.connect("private", login=True)
    client.subscribe({"channel": "orders", "instType": "SPOT"})
    (placed,) = venue.rows("trade/order", venue.wish())
    named = {"instId": BTC, "ordId": placed["ordId"]}
    assert venue.code("trade/amend-order", named) == "51500"
    assert venue.code("trade/amend-order", {**named, "ordId": "5", "newSz": "1"}) == "51503"
    answer = venue.ask("trade/amend-order", {**named, "newSz": "0.02", "reqId": "r1"})
    assert answer["data"][0]["reqId"] == "r1" and answer["data"][0]["ts"] == placed["ts"]
    venue.settle()
    venue.rows("trade/amend-order", {**named, "newPx": venue.price("0.98")})
    (order,) = venue.rows(f"trade/order?instId={BTC}&ordId={placed['ordId']}")
    assert (order["sz"], order["px"]) == (
        "0.02",
        Decimal(venue.price("0.98")).normalize().__str__(),
    )
    venue.settle()
    told = [one["data"][0] for one in client.data("orders")]
    assert [one["amendResult"] for one in told] == ["", "0", "0"]
    assert told[1]["reqId"] == "r1" and told[1]["sz"] == "0.02"


def test_why_orders_end(venue: Venue) -> None:
    """[23, 24] cancelSource 1, 13, 14, 31 and 32."""
    far = venue.price("0.97")
    best = venue.market.best()
    asked = str(venue.market.spec.to_price(best[2]))
    much = str(venue.market.spec.to_quantity(best[3]) + Decimal(1))

    def source(**changed: Any) -> tuple[str, str]:
        (placed,) = venue.rows("trade/order", venue.wish(**changed))
        (row,) = venue.rows(f"trade/order?instId={BTC}&ordId={placed['ordId']}")
        return row["state"], row["cancelSource"]

    assert source(ordType="ioc", px=far) == ("canceled", "14")
    assert source(ordType="fok", px=asked, sz=much) == ("canceled", "13")
    assert source(ordType="post_only", px=asked) == ("canceled", "31")
    (mine,) = venue.rows("trade/order", venue.wish(px=far))
    venue.rows("trade/cancel-order", {"instId": BTC, "ordId": mine["ordId"]})
    (row,) = venue.rows(f"trade/order?instId={BTC}&ordId={mine['ordId']}")
    assert (row["state"], row["cancelSource"]) == ("canceled", "1")
    between = str(venue.market.spec.to_price(best[2]))
    (rests,) = venue.rows("trade/order", venue.wish(side="sell", px=between, sz="0.001"))
    sold = {"side": "buy", "px": between, "sz": str(venue.market.spec.to_quantity(best[3]) + 1)}
    venue.rows("trade/order", venue.wish(**sold))
    (row,) = venue.rows(f"trade/order?instId={BTC}&ordId={rests['ordId']}")
    assert (row["state"], row["cancelSource"]) == ("canceled", "32")


def test_limits_per_user_and_instrument(venue: Venue) -> None:
    """[25] the 61st within two seconds; other instruments, cancels and amends count apart; the
    socket draws on the same; a moment later it goes on."""
    for _ in range(59):
        assert venue.code("trade/order", venue.wish(sz="0.000001")) == "51020"
    client = venue.connect("private", login=True)
    venue.now_ns -= S
    code = CODE
    wish = {name: value for name, value in venue.wish(sz="0.000001").items() if name != "instId"}
    frame = {"id": "1", "op": "order", "args": [{"instIdCode": code, **wish}]}
    assert client.say(frame)[0]["data"][0]["sCode"] == "51020"
    answer = venue.raw("POST", "/api/v5/trade/order", json.dumps(venue.wish()).encode())
    assert answer.status == 429
    assert json.loads(answer.body) == {"code": "50011", "msg": "Too Many Requests"}
    assert client.say(frame)[0]["code"] == "50011"
    assert venue.code("trade/order", venue.wish(instId="ETH-USDT", px="2600")) == "0"
    assert venue.code("trade/cancel-order", {"instId": BTC, "ordId": "1"}) == "51400"
    venue.now_ns += 2 * S
    assert venue.code("trade/order", venue.wish()) == "0"


def test_limits_by_address_are_listed(venue: Venue) -> None:
    """What is counted by address is told to the lab's owner, as clients ask it; a signed call
    counts against its account."""
    for path in ("public/time", "public/time", f"market/ticker?instId={BTC}"):
        assert venue.ask(path, signed=False)["code"] == "0"
    venue.rows("account/balance")
    peers = venue.command("limits")["peers"]
    assert {name: count for name, count in peers["127.0.0.1"].items() if count} == {
        "time": 2,
        "ticker": 1,
    }


def test_what_was_cancelled_unfilled_is_forgotten(venue: Venue) -> None:
    """[26] after two hours."""
    (placed,) = venue.rows("trade/order", venue.wish())
    venue.rows("trade/cancel-order", {"instId": BTC, "ordId": placed["ordId"]})
    target = f"trade/order?instId={BTC}&ordId={placed['ordId']}"
    venue.now_ns += 7190 * S
    assert venue.rows(target)
    venue.now_ns += 20 * S
    assert venue.ask(target)["code"] == "51603"


def test_a_dead_mans_switch(venue: Venue) -> None:
    """All open orders go when the time is over, with source 20."""
    (placed,) = venue.rows("trade/order", venue.wish())
    assert venue.rows("trade/cancel-all-after", {"timeOut": "10"})[0]["triggerTime"] != "0"
    venue.pass_time(9 * S)
    assert len(venue.rows("trade/orders-pending")) == 1
    venue.pass_time(2 * S)
    assert venue.rows("trade/orders-pending") == []
    (row,) = venue.rows(f"trade/order?instId={BTC}&ordId={placed['ordId']}")
    assert row["cancelSource"] == "20"


# Sockets


def test_channels_have_their_socket(venue: Venue) -> None:
    """[27, 30] a refused argument is named, and the others are acknowledged one by one."""
    public = venue.connect("public")
    said = public.subscribe(
        {"channel": "trades", "instId": BTC},
        {"channel": "candle1m", "instId": BTC},
        {"channel": "books", "instId": "NO-SUCH"},
        {"channel": "orders", "instType": "SPOT"},
        {"channel": "tickers", "instId": BTC},
        id="1512",
    )
    assert [one.get("code", one["event"]) for one in said if "event" in one] == [
        "subscribe",
        "60018",
        "60018",
        "60008",
        "subscribe",
    ]
    assert all(one["id"] == "1512" and one["connId"] for one in said if "event" in one)
    assert "channel:books,instId:NO-SUCH" in said[2]["msg"]
    assert (
        venue.connect("business").subscribe({"channel": "candle1m", "instId": BTC})[0]["event"]
        == "subscribe"
    )
    private = venue.connect("private")
    assert private.subscribe({"channel": "orders", "instType": "SPOT"})[0]["code"] == "60011"
    assert private.subscribe({"channel": "books", "instId": BTC})[0]["code"] == "60008"
    assert public.say({"op": "shout"})[0]["code"] == "60019"
    assert public.say(b"\xff{")[0]["code"] == "60012"
    assert public.say({"op": "subscribe", "args": "x"})[0]["code"] == "60013"


def test_login(venue: Venue) -> None:
    """Awaited, once; a refused one closes with 4001."""
    client = venue.connect("private", login=True)
    assert client.say(client.login())[0]["code"] == "60031"
    for changed, code in (
        ({"sign": "x"}, "60007"),
        ({"passphrase": "x"}, "60024"),
        ({"apiKey": KEY.replace("1", "2")}, "60005"),
        ({"timestamp": "soon"}, "60004"),
        ({"timestamp": T0 // S - 100}, "60006"),
    ):
        other = venue.connect("private")
        error, close = other.say(other.login(**changed))
        assert error["code"] == code and isinstance(close, Close) and close.code == 4001


def test_pings_and_idle_connections(venue: Venue) -> None:
    """[28, 29] text for text; without a subscription, or without a push, for 30 s: 4004."""
    client = venue.connect("public")
    assert client.say(b"ping") == [b"pong"]
    venue.pass_time(31 * S, [client])
    assert isinstance(client.got[-1], Close) and client.got[-1].code == 4004
    kept = venue.connect("public")
    kept.subscribe({"channel": "instruments", "instType": "SPOT"})
    for _ in range(4):
        venue.pass_time(20 * S, [kept])
        assert kept.say(b"ping") == [b"pong"]
    venue.pass_time(31 * S, [kept])
    assert isinstance(kept.got[-1], Close) and kept.got[-1].code == 4004


def test_books_in_their_stream(venue: Venue) -> None:
    """[31, 32] a snapshot, then changes that follow, an empty one after a minute; checksum 0."""
    client = venue.connect("public")
    _, first = client.subscribe({"channel": "books", "instId": BTC})
    assert first["action"] == "snapshot"
    row = first["data"][0]
    assert (row["prevSeqId"], row["checksum"]) == (-1, 0) and len(row["asks"]) <= 400
    for _ in range(5):
        venue.step(30)
        venue.pass_time(110 * MS, [client])
    changes = client.data("books")[1:]
    assert len(changes) >= 4 and {one["action"] for one in changes} == {"update"}
    for before, after in zip([first, *changes], changes, strict=False):
        assert after["data"][0]["prevSeqId"] == before["data"][0]["seqId"]
    venue.pass_time(61 * S)
    empty = client.data("books")[-1]["data"][0]
    assert empty["asks"] == empty["bids"] == [] and empty["seqId"] == empty["prevSeqId"]


def test_a_reset_of_the_sequence(venue: Venue) -> None:
    """[40] one update whose seqId is lower than its prevSeqId, which the next ones follow."""
    client = venue.connect("public")
    client.subscribe({"channel": "books", "instId": BTC})
    venue.exchange.topics.topics[f"books:{BTC}"].state.restart()  # type: ignore[union-attr]
    for _ in range(3):
        venue.step(30)
        venue.pass_time(110 * MS, [client])
    rows = [one["data"][0] for one in client.data("books")]
    assert rows[1]["prevSeqId"] == rows[0]["seqId"] > rows[1]["seqId"]
    assert rows[2]["prevSeqId"] == rows[1]["seqId"] < rows[2]["seqId"]


def test_trades_are_merged(venue: Venue) -> None:
    """[33] one row for a taker's matches at one price; all of them on trades-all."""
    merged, single = venue.connect("public"), venue.connect("business")
    merged.subscribe({"channel": "trades", "instId": BTC})
    single.subscribe({"channel": "trades-all", "instId": BTC})
    last = venue.market.trades(1)[-1].trade_id
    for _ in range(60):
        venue.step(20)
    rows = [one["data"][0] for one in merged.data("trades")]
    every = [one["data"][0] for one in single.data("trades-all")]
    assert rows and sum(int(row["count"]) for row in rows) == len(every)
    for row in rows:
        last += int(row["count"])
        assert int(row["tradeId"]) == last
    assert "count" not in every[0] and "seqId" not in every[0]


def test_orders_have_no_snapshot_and_accounts_have_one(venue: Venue) -> None:
    """[35, 39] after the acknowledgement and the number of connections."""
    venue.rows("trade/order", venue.wish())
    venue.settle()
    client = venue.connect("private", login=True)
    said = client.subscribe({"channel": "orders", "instType": "SPOT"}, {"channel": "account"})
    assert [one.get("event", one.get("eventType")) for one in said] == [
        "subscribe",
        "channel-conn-count",
        "subscribe",
        "channel-conn-count",
        "snapshot",
    ]
    assert said[-1]["arg"]["uid"] and said[-1]["lastPage"] is True


def test_a_push_has_what_recorded_ones_have(venue: Venue) -> None:
    """Also what fills of options have, which is empty for spot (frames of 2023)."""
    client = venue.connect("private", login=True)
    client.subscribe({"channel": "orders", "instType": "SPOT"})
    venue.rows("trade/order", venue.wish(ordType="market", tgtCcy="base_ccy", px=""))
    venue.settle()
    options = ("fillPxVol", "fillPxUsd", "fillMarkVol", "fillFwdPx", "fillMarkPx")
    for one in client.data("orders"):
        row = one["data"][0]
        assert [row[name] for name in options] == [""] * 5 and "cancelSourceReason" not in row


def test_cash_is_told_with_its_trades(venue: Venue) -> None:
    """``balance_and_position``: a snapshot, then both currencies of each fill; what is merely
    held changes nothing there."""
    client = venue.connect("private", login=True)
    client.subscribe({"channel": "balance_and_position"})
    (first,) = client.data("balance_and_position")
    assert first["data"][0]["eventType"] == "snapshot" and first["arg"]["uid"]
    had = {one["ccy"]: Decimal(one["cashBal"]) for one in first["data"][0]["balData"]}
    venue.rows("trade/order", venue.wish())
    venue.settle()
    assert client.data("balance_and_position") == [first]
    (order,) = venue.rows("trade/order", venue.wish(ordType="market", tgtCcy="base_ccy", px=""))
    venue.settle()
    told = [one["data"][0] for one in client.data("balance_and_position")[1:]]
    fills = venue.rows(f"trade/fills?ordId={order['ordId']}")
    ids = [one["trades"][0]["tradeId"] for one in told]
    assert sorted(ids) == sorted(one["tradeId"] for one in fills) and ids
    now = {one["ccy"]: Decimal(one["cashBal"]) for one in told[-1]["balData"]}
    spent = sum(Decimal(one["fillPx"]) * Decimal(one["fillSz"]) for one in fills)
    assert now["USDT"] == had["USDT"] - spent and now["BTC"] > had.get("BTC", 0)


def test_maintenance_is_told_where_it_is_asked_for(venue: Venue) -> None:
    """By ``system/status``, and on ``status``: as it stands, then when it begins and when it is
    over; nothing while all is well."""
    quiet = venue.connect("public")
    assert [one["event"] for one in quiet.subscribe({"channel": "status"})] == ["subscribe"]
    assert venue.rows("system/status") == []
    venue.exchange.command("fault", {"name": "overloaded", "path": "/api/v5/trade"}, venue.now_ns)
    venue.now_ns += 6 * S
    (row,) = venue.rows("system/status")
    client = venue.connect("public")
    client.subscribe({"channel": "status"})
    ((pushed,),) = [one["data"] for one in client.data("status")]
    assert row["state"] == pushed["state"] == "ongoing" and set(row) == set(pushed)
    assert int(pushed["end"]) > int(pushed["begin"])
    assert venue.exchange.next_tick_ns == 0
    venue.pass_time(1)
    venue.exchange.command("fault", {"off": "all"}, venue.now_ns)
    venue.pass_time(6 * S)
    told = [one["data"][0] for one in quiet.data("status")]
    assert [one["state"] for one in told] == ["ongoing", "completed"]
    assert int(told[1]["end"]) < int(told[0]["end"]) and told[1]["begin"] == told[0]["begin"]
    assert venue.rows("system/status") == []


def test_a_market_order_on_the_stream(venue: Venue) -> None:
    """live, partially_filled with each trade, then filled without one."""
    client = venue.connect("private", login=True)
    client.subscribe({"channel": "orders", "instType": "SPOT"}, {"channel": "account"})
    venue.rows("trade/order", venue.wish(ordType="market", sz="100"))
    venue.settle()
    told = [one["data"][0] for one in client.data("orders")]
    assert [one["state"] for one in told[:1] + told[-1:]] == ["live", "filled"]
    assert {one["state"] for one in told[1:-1]} == {"partially_filled"}
    assert all(one["tradeId"] for one in told[1:-1]) and told[-1]["tradeId"] == ""
    assert told[-1]["fillSz"] == "0" and told[0]["avgPx"] == "0"
    assert told[-1]["accFillSz"] == told[-2]["accFillSz"]
    changed = client.data("account")[-1]
    assert changed["eventType"] == "event_update"
    assert {one["ccy"] for one in changed["data"][0]["details"]} == {"BTC", "USDT"}


def test_post_only_that_would_take_is_told_once(venue: Venue) -> None:
    """No transient ``live``."""
    client = venue.connect("private", login=True)
    client.subscribe({"channel": "orders", "instType": "SPOT"})
    asked = str(venue.market.spec.to_price(venue.market.best()[2]))
    venue.rows("trade/order", venue.wish(ordType="post_only", px=asked))
    venue.settle()
    (told,) = client.data("orders")
    assert (told["data"][0]["state"], told["data"][0]["cancelSource"]) == ("canceled", "31")


def test_orders_over_the_socket(venue: Venue) -> None:
    """[36] by number, with an id, after a login; a batch of one as ccxt sends it."""
    wish = {name: value for name, value in venue.wish().items() if name != "instId"}
    args = [{"instIdCode": CODE, **wish}]
    stranger = venue.connect("private")
    assert stranger.say({"id": "1", "op": "order", "args": args})[0]["code"] == "60011"
    public = venue.connect("public")
    assert public.say({"id": "1", "op": "order", "args": args})[0]["code"] == "60028"
    client = venue.connect("private", login=True)
    assert client.say({"op": "order", "args": args})[0]["code"] == "60027"
    only = [{"instId": BTC, **wish}]
    assert client.say({"id": "1", "op": "order", "args": only})[0]["code"] == "60027"
    assert client.say({"id": "1", "op": "order", "args": []})[0]["code"] == "60013"
    (answer,) = client.say({"id": "1", "op": "batch-orders", "args": [{**args[0], "instId": "X"}]})
    assert (answer["id"], answer["op"], answer["code"]) == ("1", "batch-orders", "0")
    assert "event" not in answer and len(answer["outTime"]) == 16
    named = {"instIdCode": args[0]["instIdCode"], "ordId": answer["data"][0]["ordId"]}
    assert client.say({"id": "2", "op": "cancel-order", "args": [named]})[0]["code"] == "0"
    (answer,) = client.say({"id": "3", "op": "cancel-order", "args": [named]})
    assert (answer["code"], answer["msg"]) == ("1", "")


def test_notice_of_an_upgrade(venue: Venue) -> None:
    """[37] 64008, and the close a minute later; a connection that comes meanwhile is kept."""
    client = venue.connect("private", login=True)
    client.subscribe({"channel": "account"})
    client.got.clear()
    assert venue.exchange.command("shutdown", {}, venue.now_ns)["notice_s"] == 60
    venue_in_memory.deliver(venue.exchange.tick(venue.now_ns))
    (notice,) = client.got
    assert (notice["event"], notice["code"]) == ("notice", "64008")
    later = venue.connect("private", login=True)
    later.subscribe({"channel": "account"})
    venue.pass_time(58 * S, [client, later])
    assert not any(isinstance(one, Close) for one in client.got)
    venue.pass_time(2 * S, [client, later])
    assert isinstance(client.got[-1], Close)
    assert not any(isinstance(one, Close) for one in later.got)
    venue.exchange.command("shutdown", {"notice_s": 0}, venue.now_ns)
    venue_in_memory.deliver(venue.exchange.tick(venue.now_ns))
    assert isinstance(later.got[-1], Close)


def test_book_channels_in_their_order(venue: Venue) -> None:
    """[34] one change comes as bbo-tbt, books, books5, however they were subscribed."""
    client = venue.connect("public")
    channels = ("books5", "books", "bbo-tbt")
    client.subscribe(*({"channel": one, "instId": BTC} for one in channels))
    client.got.clear()
    for _ in range(40):  # twice within 10 ms, right before the books are due
        venue.pass_time(92 * MS - venue.now_ns % (100 * MS), [client])
        for _ in range(2):
            venue.step(20)
            venue.pass_time(6 * MS, [client])
        venue.pass_time(20 * MS, [client])
    best, top, newest = None, None, 0
    seen = set()
    for one in client.got:
        channel, (row,) = one["arg"]["channel"], one["data"]
        seen.add(channel)
        if channel == "bbo-tbt":
            best = row["bids"][0][:2], row["asks"][0][:2]
        elif channel == "books":
            newest = row["seqId"]
        else:
            top = row["bids"][0][:2], row["asks"][0][:2]
            assert best == top and newest >= row["seqId"]
    assert seen == set(channels) and top is not None


def test_amendments_that_are_told_together(venue: Venue) -> None:
    """Each push bears the ``reqId`` of its own amendment."""
    client = venue.connect("private", login=True)
    client.subscribe({"channel": "orders", "instType": "SPOT"})
    (placed,) = venue.rows("trade/order", venue.wish())
    named = {"instId": BTC, "ordId": placed["ordId"]}
    for size, name in (("0.02", "r1"), ("0.03", "r2"), ("0.04", "")):
        venue.rows("trade/amend-order", {**named, "newSz": size, "reqId": name})
    venue.settle()
    told = [one["data"][0] for one in client.data("orders")]
    assert [(one["sz"], one["reqId"]) for one in told] == [
        ("0.01", ""),
        ("0.02", "r1"),
        ("0.03", "r2"),
        ("0.04", ""),
    ]


def test_what_is_remembered_of_orders_is_bounded(venue: Venue) -> None:
    """The oldest tag makes room; at most twenty countdowns of an account run."""
    latest: Latest[int, str] = Latest(3)
    for number in range(5):
        latest[number] = str(number)
    latest[2] = "again"
    assert latest == {2: "again", 3: "3", 4: "4"}
    for number in range(20):
        venue.rows("trade/cancel-all-after", {"timeOut": "10", "tag": f"t{number}"})
        venue.now_ns += S
    assert venue.code("trade/cancel-all-after", {"timeOut": "10", "tag": "more"}) == "51071"
    venue.now_ns += S
    venue.rows("trade/cancel-all-after", {"timeOut": "20", "tag": "t3"})


def test_bounds_of_connections(venue: Venue) -> None:
    """[38, 39] operations an hour, connects a second, bytes a frame, connections a channel."""
    client = venue.connect("public")
    arg = {"channel": "trades", "instId": BTC}
    for _ in range(480):
        client.say({"op": "subscribe", "args": [arg]})
    assert client.say({"op": "subscribe", "args": [arg]})[0]["code"] == "60014"
    (close,) = venue.connect("public").say(b'{"op":"' + b"x" * 70_000 + b'"}')
    assert isinstance(close, Close) and close.code == 1009
    request = HttpIn(method="GET", target="/ws/v5/public", headers={})
    opened = [venue.exchange.open(request, venue.now_ns + n) for n in range(1, 5)]
    assert isinstance(opened[3], HttpOut) and opened[3].status == 429
    venue.now_ns += 2 * S
    for number in range(31):
        one = venue.connect("private", login=True)
        said = one.subscribe({"channel": "account"})
        wanted = "channel-conn-count" if number < 30 else "channel-conn-count-error"
        assert said[1]["event"] == wanted


@pytest.mark.parametrize(
    ("changed", "parameter"),
    [
        ({"clOrdId": "with-hyphens"}, "clOrdId"),
        ({"ordType": "wild"}, "ordType"),
        ({"px": "x"}, "px"),
    ],
)
def test_a_parameter_that_cannot_be_is_told_in_the_row(
    venue: Venue, changed: dict[str, Any], parameter: str
) -> None:
    """By REST and by socket: clients look for the order in the rows, and wait for ever without."""
    answer = venue.ask("trade/order", venue.wish(**changed))
    assert (answer["code"], answer["msg"]) == ("1", "All operations failed")
    (row,) = answer["data"]
    assert (row["sCode"], row["sMsg"]) == ("51000", f"Parameter {parameter} error")
    client = venue.connect("private", login=True)
    wish = {"instIdCode": CODE, **venue.wish(**changed)}
    (told,) = client.say({"id": "1", "op": "order", "args": [wish]})
    assert (told["code"], told["msg"]) == ("1", "") and told["data"][0]["sCode"] == "51000"
    assert told["data"][0]["clOrdId"] == changed.get("clOrdId", "")
    assert venue.ask("trade/order", {"tdMode": "cash"})["code"] == "50014"


# What clients ask beside spot trading


def test_coins(venue: Venue) -> None:
    """Every coin once, with flags as booleans and amounts as texts; or those that are named."""
    rows = venue.rows("asset/currencies")
    assert len({row["ccy"] for row in rows}) == len(rows) >= 3
    (row,) = venue.rows("asset/currencies?ccy=USDT")
    assert (row["ccy"], row["name"], row["canDep"], row["minFee"]) == ("USDT", "Tether", True, "0")
    assert venue.ask("asset/currencies", signed=False)["code"] == "50103"


@pytest.mark.parametrize(
    "path",
    [
        "asset/balances",
        "account/positions",
        "account/positions-history",
        "trade/orders-algo-pending?ordType=conditional",
        "trade/orders-algo-history?ordType=conditional&state=effective",
    ],
)
def test_what_a_spot_account_does_not_have_is_empty(venue: Venue, path: str) -> None:
    """Funding, positions, algo orders: clients ask before they begin."""
    assert venue.rows(path) == []


def test_underlyings(venue: Venue) -> None:
    """One empty list: clients of derivatives ask when they start."""
    answer = venue.ask("public/underlying?instType=OPTION", signed=False)
    assert answer == {"code": "0", "msg": "", "data": [[]]}


def test_what_can_be_spent(venue: Venue) -> None:
    """Of the quote for buying, of the base for selling, less what orders hold."""
    (before,) = venue.rows(f"account/max-avail-size?instId={BTC}&tdMode=cash")
    venue.rows("trade/order", venue.wish())
    (row,) = venue.rows(f"account/max-avail-size?instId={BTC}&tdMode=cash")
    held = Decimal(venue.wish()["px"]) * Decimal("0.01")
    assert Decimal(before["availBuy"]) - Decimal(row["availBuy"]) == held
    assert row["availSell"] == before["availSell"]
    assert venue.code(f"account/max-avail-size?instId={BTC}", None) == "50014"


def test_channels_of_what_a_spot_account_does_not_have(venue: Venue) -> None:
    """Positions begin with none; algo orders are silent, on their own socket."""
    client = venue.connect("private", login=True)
    said = client.subscribe({"channel": "positions", "instType": "ANY"})
    assert [one.get("event") for one in said] == ["subscribe", "channel-conn-count", None]
    assert said[2]["eventType"] == "snapshot" and said[2]["data"] == [] and said[2]["arg"]["uid"]
    assert client.subscribe({"channel": "positions", "instType": "SPOT"})[0]["code"] == "60018"
    algo = {"channel": "orders-algo", "instType": "SPOT"}
    assert client.subscribe(algo)[0]["code"] == "60008"
    business = venue.connect("business", login=True)
    (ack,) = business.subscribe(algo)
    assert ack["event"] == "subscribe"
    assert venue.connect("business").subscribe(algo)[0]["code"] == "60011"
