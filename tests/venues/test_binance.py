"""Binance's client side: bytes out, facts or typed errors in."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocx import errors, venues
from vocx.facts import BookDelta, BookSnapshot, Candle, Facts, Instrument, Quote, Ticker, Trade
from vocx.venues.base import (
    Ack,
    ChannelSpec,
    GetBook,
    GetCandles,
    GetInstruments,
    GetQuote,
    GetTicker,
    GetTime,
    GetTrades,
    Intent,
    Notice,
    SocketPlan,
    Unknown,
    Usage,
)

VENUE = venues.get("binance")
BTC = "BTC/USDT"
NOW = 1_795_334_400_000_000_000


def plan(*wanted: ChannelSpec) -> SocketPlan:
    (only,) = VENUE.plan_sockets(wanted or [ChannelSpec(channel="trades", symbol=BTC)])
    return only


def one(text: bytes, *wanted: ChannelSpec) -> Any:
    of = plan(*wanted)
    (found,) = VENUE.decode(text, 5, of, VENUE.open_session(of))
    return found


def fails(intent: Intent, status: int, body: bytes, **headers: str) -> errors.VocxError:
    request = VENUE.request(intent)
    with pytest.raises(errors.VocxError) as caught:
        VENUE.reply(request, status, headers, body, NOW)
    return caught.value


def test_registry_names_what_exists() -> None:
    """An unknown venue is refused with the list and the nearest."""
    with pytest.raises(errors.UnknownVenue, match='it has .*binance.*mean "binance"'):
        venues.get("binanse")


@pytest.mark.parametrize(
    ("intent", "target", "weight"),
    [
        (GetTime(), "/api/v3/time", 1),
        (GetInstruments(), "/api/v3/exchangeInfo", 20),
        (GetInstruments(symbols=(BTC,)), "/api/v3/exchangeInfo?symbol=BTCUSDT", 20),
        (GetTicker(symbol=BTC), "/api/v3/ticker/24hr?symbol=BTCUSDT", 2),
        (GetQuote(symbol=BTC), "/api/v3/ticker/bookTicker?symbol=BTCUSDT", 2),
        (GetBook(symbol=BTC, depth=100), "/api/v3/depth?symbol=BTCUSDT&limit=100", 5),
        (GetBook(symbol=BTC, depth=101), "/api/v3/depth?symbol=BTCUSDT&limit=101", 25),
        (GetBook(symbol=BTC, depth=1000), "/api/v3/depth?symbol=BTCUSDT&limit=1000", 50),
        (GetBook(symbol=BTC, depth=5000), "/api/v3/depth?symbol=BTCUSDT&limit=5000", 250),
        (GetTrades(symbol=BTC, limit=7), "/api/v3/trades?symbol=BTCUSDT&limit=7", 25),
        (
            GetTrades(symbol=BTC, limit=7, from_id=3),
            "/api/v3/historicalTrades?symbol=BTCUSDT&limit=7&fromId=3",
            25,
        ),
        (
            GetCandles(symbol=BTC, interval="1M", limit=2, start_ns=3_000_000),
            "/api/v3/klines?symbol=BTCUSDT&interval=1M&limit=2&startTime=3",
            2,
        ),
    ],
)
def test_requests_are_exact(intent: Intent, target: str, weight: int) -> None:
    """Target and weight are the documents', by parameters."""
    request = VENUE.request(intent)
    assert (request.method, request.target, request.charges["weight"]) == ("GET", target, weight)


@pytest.mark.parametrize(
    ("intent", "error", "says"),
    [
        (GetTicker(symbol="BTCUSDT"), errors.UnknownSymbol, '"BTC/USDT"'),
        (GetTicker(symbol="BTC/USDT:USDT"), errors.BadInput, "spot only"),
        (GetBook(symbol=BTC, depth=5001), errors.BadInput, "1 to 5000"),
        (GetTrades(symbol=BTC, limit=0), errors.BadInput, "1 to 1000"),
        (GetCandles(symbol=BTC, interval="1H"), errors.UnknownInterval, "1m, 3m"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_sending(
    intent: Intent, error: type[Exception], says: str
) -> None:
    """Nothing is clamped silently; the text says what exists."""
    with pytest.raises(error, match=re.escape(says)):
        VENUE.request(intent)


HTML = b"<html><head><style>p{}</style></head><body><h1>403 Forbidden</h1></body></html>"
BAN = b'{"code":-1003,"msg":"Way too much request weight used; IP banned until 1795334520000."}'


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (400, b'{"code":-1121,"msg":"Invalid symbol."}', errors.UnknownSymbol, "Invalid symbol"),
        (400, b'{"code":-1021,"msg":"Timestamp."}', errors.ClockSkew, "clock"),
        (400, b'{"code":-1022,"msg":"Signature."}', errors.BadSignature, "percent-encoded"),
        (401, b'{"code":-2015,"msg":"Invalid API-key."}', errors.BadKey, "permissions"),
        (400, b'{"code":-1013,"msg":"Filter failure: LOT_SIZE"}', errors.OrderRefused, "LOT_SIZE"),
        (400, b'{"code":-2013,"msg":"Order does not exist."}', errors.OrderNotFound, "exist"),
        (400, b'{"code":-2011,"msg":"Unknown order sent."}', errors.OrderNotFound, "Unknown order"),
        (400, b'{"code":-4242,"msg":"New one."}', errors.Refused, "New one"),
        (404, HTML, errors.Refused, "403 Forbidden"),
        (403, HTML, errors.Banned, "Stop"),
        (403, b"... block access from your country", errors.RegionBlocked, "lab"),
        (451, b'{"code":0,"msg":"restricted location"}', errors.RegionBlocked, "lab works"),
        (410, b"<html>410 Gone</html>", errors.Refused, "410 Gone"),
        (502, HTML, errors.VenueUnavailable, "unknown"),
        (500, b'{"code":-1007,"msg":"Timeout."}', errors.VenueUnavailable, "Timeout"),
        (200, b'{"serverTime":17953344', errors.BadReply, "not its JSON"),
        (200, HTML, errors.BadReply, "not its JSON"),
        (200, b"[]", errors.BadReply, "not its JSON"),
        (302, b"", errors.BadReply, "302"),
        (200, b'{"code":-1121,"msg":"Invalid symbol."}', errors.UnknownSymbol, "BTC/USTD"),
    ],
)
def test_each_bad_reply_is_one_typed_error(
    status: int, body: bytes, error: type[errors.VocxError], says: str
) -> None:
    """Status first, then code; HTML and truncated bodies never crash the reader."""
    caught = fails(GetTicker(symbol="BTC/USTD"), status, body)
    assert type(caught) is error and says in str(caught)


def test_unknown_symbol_names_near_ones() -> None:
    """A misspelt symbol comes back with what it may have meant."""
    body = b'{"code":-1121,"msg":"Invalid symbol."}'
    assert "BTC/USDT" in str(fails(GetTicker(symbol="BTC/USTD"), 400, body))


def test_limit_and_ban_carry_their_end() -> None:
    """429 says how long, 418 until when; the venue's words and code are kept."""
    body = b'{"code":-1003,"msg":"Too much request weight used."}'
    limited = fails(GetTime(), 429, body, **{"Retry-After": "18"})
    assert isinstance(limited, errors.RateLimited) and limited.retry_after_s == 18
    assert (limited.code, limited.http_status) == (-1003, 429)
    banned = fails(GetTime(), 418, BAN)
    assert isinstance(banned, errors.Banned) and banned.until_ns == NOW + 120_000_000_000
    assert banned.retry_after_s == 120


def test_refused_upgrade_is_typed() -> None:
    """A handshake that is refused for the region says so."""
    error = VENUE.refused_upgrade(451, {}, b"")
    assert isinstance(error, errors.RegionBlocked) and error.http_status == 451


def test_used_headers() -> None:
    """Names of headers are read in any case; what is no number is ignored."""
    headers = {"X-MBX-USED-WEIGHT-1M": "42", "x-mbx-order-count-1d": "7", "x-mbx-uuid": "a"}
    asked = VENUE.request(GetTime())
    assert VENUE.parse_usage(asked, headers) == [
        Usage(bucket="weight", used=42, window_s=60),
        Usage(bucket="orders", used=7, window_s=86_400),
    ]
    assert VENUE.parse_usage(asked, {"x-mbx-used-weight-1m": "many"}) == []


def test_topics() -> None:
    """Each wish has one stream name; books default to 100 ms, candles to a minute."""
    wishes = [
        ChannelSpec(channel="trades", symbol=BTC),
        ChannelSpec(channel="quotes", symbol=BTC),
        ChannelSpec(channel="ticker", symbol=BTC),
        ChannelSpec(channel="candles", symbol=BTC),
        ChannelSpec(channel="book", symbol=BTC),
        ChannelSpec(channel="book", symbol="ETH/USDT", cadence_ms=1000),
        ChannelSpec(channel="book", symbol=BTC, depth=5),
    ]
    names = "trade bookTicker ticker kline_1m depth@100ms".split()
    expected = [f"btcusdt@{name}" for name in names] + ["ethusdt@depth", "btcusdt@depth5@100ms"]
    assert list(plan(*wishes).topics) == expected


def test_many_streams_are_batched() -> None:
    """1,030 streams: two sockets, at most 1,024 names each, every frame with its own id."""
    wanted = [ChannelSpec(channel="trades", symbol=f"A{n}/USDT") for n in range(1030)]
    first, second = VENUE.plan_sockets(wanted)
    assert (len(first.topics), len(second.topics)) == (1024, 6)
    frames = VENUE.subscribe_frames(first, list(first.topics), 0, None, "n")
    assert [frame.id for frame in frames] == [json.loads(frame.text)["id"] for frame in frames]
    assert len({frame.id for frame in frames}) == len(frames) == 6 and first.control_per_s <= 4
    assert [name for frame in frames for name in json.loads(frame.text)["params"]] == [
        name for frame in frames for name in frame.topics
    ]
    assert sum(len(frame.topics) for frame in frames) == 1024
    again = VENUE.unsubscribe_frames(first, ["a0usdt@trade"], 0, None, "m")
    assert json.loads(again[0].text)["method"] == "UNSUBSCRIBE"


@pytest.mark.parametrize(
    ("wanted", "error", "says"),
    [
        (ChannelSpec(channel="trade", symbol=BTC), errors.UnknownChannel, 'mean "trades"'),
        (ChannelSpec(channel="trades", symbol=None), errors.BadInput, "needs a symbol"),
        (
            ChannelSpec(channel="candles", symbol=BTC, interval="2m"),
            errors.UnknownInterval,
            "1s, 1m",
        ),
        (ChannelSpec(channel="book", symbol=BTC, depth=7), errors.UnknownChannel, "5, 10, 20"),
        (
            ChannelSpec(channel="book", symbol=BTC, cadence_ms=50),
            errors.UnknownChannel,
            "100 or 1000",
        ),
        (ChannelSpec(channel="trades", symbol=BTC, depth=5), errors.UnknownChannel, "only book"),
    ],
)
def test_impossible_wishes_name_what_exists(
    wanted: ChannelSpec, error: type[Exception], says: str
) -> None:
    """A wish that Binance would acknowledge and then ignore is refused here."""
    with pytest.raises(error, match=re.escape(says)):
        VENUE.validate_channel(wanted)


TRADE = b'{"e":"trade","E":7,"s":"BTCUSDT","t":1,"p":"0.10","q":"2.0","T":6,"m":true,"M":true}'


def test_side_is_the_takers() -> None:
    """``m`` true: the buyer was resting, so the taker sold; times and digits are the wire's."""
    fact = one(b'{"stream":"btcusdt@trade","data":' + TRADE + b"}")
    assert (fact.side, str(fact.price), fact.id) == ("sell", "0.10", 1)
    assert (fact.exchange_ns, fact.event_ns, fact.arrived_ns) == (6_000_000, 7_000_000, 5)


@pytest.mark.parametrize(
    "text",
    [
        TRADE,
        b'{"stream":"btcusdt@trade","data":' + TRADE + b"}",
        b' {"stream" : "btcusdt@trade", "data": ' + TRADE + b" }\n",
        b'{"data":' + TRADE + b',"stream":"btcusdt@trade"}',
    ],
)
def test_raw_and_combined_are_the_same_fact(text: bytes) -> None:
    """White space and key order are no business of the fast path's users."""
    assert one(text) == one(TRADE)


def test_control_frames() -> None:
    """Acks carry their id with its type; errors nested or flat; shutdown in both forms."""
    assert one(b'{"result":null,"id":1}') == Ack(id=1)
    assert one(b'{"result":["btcusdt@trade"],"id":"x"}') == Ack(id="x")
    for body in (
        b'{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":2}',
        b'{"code":2,"msg":"Invalid request: invalid stream","id":2}',
    ):
        ack = one(body)
        assert ack.id == 2 and isinstance(ack.error, errors.SubscribeRefused)
        assert ack.error.code == 2 and "invalid stream" in str(ack.error)
    for body in (
        b'{"e":"serverShutdown","E":1}',
        b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
    ):
        assert isinstance(one(body), Notice) and one(body).kind == "shutdown"


PARTIAL = b'{"lastUpdateId":9,"bids":[["1","2"]],"asks":[["3","4"]]}'


def test_partial_book_takes_its_symbol_from_the_topic() -> None:
    """The payload names none; raw, it is only known when one such wish exists."""
    btc = ChannelSpec(channel="book", symbol=BTC, depth=5)
    eth = ChannelSpec(channel="book", symbol="ETH/USDT", depth=5)
    combined = b'{"stream":"ethusdt@depth5@100ms","data":' + PARTIAL + b"}"
    fact = one(combined, btc, eth)
    assert isinstance(fact, BookSnapshot)
    assert (fact.symbol, fact.depth, fact.sequence) == ("ETH/USDT", 5, 9)
    assert one(PARTIAL, btc).symbol == BTC
    assert isinstance(one(PARTIAL, btc, eth), Unknown)


@pytest.mark.parametrize("text", [b"", b"{", b"hello", b"[]", b"12", b'{"a":\xff}', b'"x"'])
def test_unreadable_frames_are_bad_replies(text: bytes) -> None:
    """Not JSON, or no object: typed, with a sample."""
    with pytest.raises(errors.BadReply):
        one(text)


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b'{"e":"somethingNew","E":1,"s":"BTCUSDT"}',
        b'{"stream":"btcusdt@trade","data":{"e":"trade","p":"x"}}',
        b'{"stream":"!miniTicker@arr","data":[]}',
        b'{"result":1.5,"id":{"a":1}}',
        b'{"stream":"btcusdt@trade","data":{"e":"somethingNew","E":1,"s":"BTCUSDT","t":2,'
        b'"p":"1","q":"1","T":1,"m":true}}',
    ],
)
def test_legal_but_unexpected_frames_are_unknown(text: bytes) -> None:
    """They are kept as a sample and never end a stream; a message of another type is no trade,
    however much it looks like one."""
    assert isinstance(one(text), Unknown)


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [
        (90, 99, "drop"),
        (90, 100, "drop"),
        (95, 105, "apply"),
        (100, 101, "apply"),
        (101, 101, "apply"),
        (102, 103, "resync"),
    ],
)
def test_continuity_rule_of_2025(first: int, last: int, verdict: str) -> None:
    """For a book at 100: overlap applies whole, 101 follows, 102 is a gap."""
    delta = BookDelta(symbol=BTC, bids=(), asks=(), first=first, last=last)
    assert VENUE.check_sequence(100, delta) == verdict


INTENTS: dict[str, Intent] = {
    "time": GetTime(),
    "exchangeInfo": GetInstruments(),
    "ticker/24hr": GetTicker(symbol=BTC),
    "ticker/bookTicker": GetQuote(symbol=BTC),
    "depth": GetBook(symbol=BTC),
    "trades": GetTrades(symbol=BTC),
    "historicalTrades": GetTrades(symbol=BTC, from_id=1),
    "klines": GetCandles(symbol=BTC, interval="1m"),
}


def recorded_replies(folder: Path) -> Iterator[tuple[str, bytes]]:
    with gzip.open(folder / "binance" / "gocryptotrader" / "http-spot.json.gz") as file:
        routes = json.load(file)["routes"]
    for path, methods in routes.items():
        for call in methods.get("GET", []):
            yield path, json.dumps(call["data"]).encode()
    for file in sorted((folder / "binance/jkorf/Endpoints/Spot/ExchangeData").glob("*.txt")):
        _, path, _, body = file.read_text().split("\n", 3)
        yield path, body.encode()


def test_recorded_replies_decode(recorded: Path) -> None:
    """Every recorded public reply of a route that vocx calls turns into facts of its kind."""
    kinds: Counter[str] = Counter()
    for path, body in recorded_replies(recorded):
        intent = INTENTS.get(path.removeprefix("/api/v3/"))
        # Lists of tickers and errors among the recordings answer calls that vocx never makes.
        if intent is None or (isinstance(intent, GetTicker) and body[:1] == b"["):
            continue
        if body.startswith(b'{"code"') or body == b"null":
            continue
        found = VENUE.reply(VENUE.request(intent), 200, {}, body, NOW).result
        kinds[type(found[0] if isinstance(found, Facts) else found).__name__] += 1
    assert kinds.keys() >= {"ServerTime", "Instrument", "Ticker", "Quote", "BookSnapshot"}
    assert kinds["Candle"] >= 14 and kinds["Trade"] >= 5


def test_instrument_has_the_steps(recorded: Path) -> None:
    """Tick, lot and smallest order come from the filters, as the digits mean."""
    body = dict(recorded_replies(recorded))["/api/v3/exchangeInfo"]
    with gzip.open(recorded / "binance" / "gocryptotrader" / "http-spot.json.gz") as file:
        body = json.dumps(
            json.load(file)["routes"]["/api/v3/exchangeInfo"]["GET"][0]["data"]
        ).encode()
    found = VENUE.reply(VENUE.request(GetInstruments()), 200, {}, body, NOW).result
    assert isinstance(found, Facts)
    one = next(entry for entry in found if entry.symbol == "ETH/BTC")
    assert isinstance(one, Instrument) and one.venue_symbol == "ETHBTC"
    assert one.tick == Decimal("0.00001") and "E" not in str(one.tick)
    assert one.min_notional and one.trading


def test_recorded_errors_are_typed(recorded: Path) -> None:
    """Real error bodies give venue errors that keep code and words."""
    for line in (recorded / "binance" / "errors" / "errors.jsonl").read_text().splitlines():
        body = json.loads(line)["body"]
        caught = fails(GetTime(), 400, body.encode())
        assert isinstance(caught, errors.VenueError)
        assert caught.code == json.loads(body)["code"] and caught.text == json.loads(body)["msg"]


def pushed(text: str) -> Iterator[bytes]:
    for part in re.split(r"^(?=[<>=])", text, flags=re.M):
        head = re.match(r"([<=])\d?\s*", part)
        if head:
            yield re.sub(r"\|[^|]*\|", "1", part[head.end() :]).strip().encode()


def test_recorded_frames_decode(recorded: Path) -> None:
    """Documented and live frames, acks among them: facts where vocx listens, never an exception."""
    folder = recorded / "binance" / "jkorf" / "Subscriptions" / "Spot"
    frames = [part for file in sorted(folder.rglob("*.txt")) for part in pushed(file.read_text())]
    frames += (recorded / "binance/gocryptotrader/wsHandleData.json").read_bytes().splitlines()
    kinds = Counter(type(one(frame)).__name__ for frame in frames if frame.strip())
    expected = (Ack, Trade, Quote, Ticker, Candle, BookSnapshot, BookDelta)
    assert kinds.keys() >= {kind.__name__ for kind in expected}


WHOLE = (
    b'{"stream":"btcusdt@trade","data":' + TRADE + b"}",
    b'{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4"}}',
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,'
    b'"b":[["1","2"]],"a":[]}}',
    b'{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":2}',
)
PIECES = (
    b"",
    b'"',
    b"}",
    b"]",
    b"[" * 5000,
    b"NaN",
    b"1e999999999999999999",
    b"null",
    b"\xff",
    b"-1",
)


@given(st.sampled_from(WHOLE), st.integers(0, 170), st.integers(0, 40), st.sampled_from(PIECES))
def test_mangled_frames_never_escape(whole: bytes, at: int, cut: int, piece: bytes) -> None:
    """Whatever arrives is facts, unknown, or a typed BadReply: a reader survives all three."""
    frame = whole[:at] + piece + whole[at + cut :]
    wanted = [ChannelSpec(channel=name, symbol=BTC) for name in ("trades", "quotes", "book")]
    of = plan(*wanted)
    with suppress(errors.BadReply):
        VENUE.decode(frame, 5, of, VENUE.open_session(of))


@given(st.integers(0, 60), st.integers(0, 20), st.sampled_from(PIECES))
def test_mangled_replies_are_typed(at: int, cut: int, piece: bytes) -> None:
    """The same for a REST body."""
    whole = b'{"lastUpdateId":9,"bids":[["1","2"]],"asks":[["3","4"]]}'
    request = VENUE.request(GetBook(symbol=BTC))
    with suppress(errors.VocxError):
        VENUE.reply(request, 200, {}, whole[:at] + piece + whole[at + cut :], NOW)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_not_facts(number: str) -> None:
    """A price is a finite number or there is no fact."""
    frame = TRADE.replace(b'"0.10"', f'"{number}"'.encode())
    assert isinstance(one(frame), Unknown)


@pytest.mark.parametrize("price", ["0.00000000", "0"])
def test_an_absent_side_is_none(price: str) -> None:
    """An empty side of a book comes as price 0, by REST and by stream; no number is invented."""
    body = f'{{"symbol":"BTCUSDT","bidPrice":"{price}","bidQty":"0.0","askPrice":"2","askQty":"3"}}'
    quote = VENUE.reply(
        VENUE.request(GetQuote(symbol="BTC/USDT")), 200, {}, body.encode(), 1
    ).result
    assert (quote.bid, quote.bid_quantity, quote.ask, quote.mid, quote.spread) == (
        None,
        None,
        2,
        None,
        None,
    )


@pytest.mark.parametrize("unit", [1, 1000])
def test_stamps_in_microseconds_are_read_as_such(unit: int) -> None:
    """A venue that was asked for microseconds (``X-MBX-TIME-UNIT``) writes 16 digits."""
    ms = 1_796_021_040_123
    venue = venues.get("binance")
    body = json.dumps([{"id": 1, "price": "1.0", "qty": "2.0", "time": ms * unit,
                        "isBuyerMaker": True}]).encode()  # fmt: skip
    request = venue.request(GetTrades(symbol="BTC/USDT"))
    (trade,) = venue.reply(request, 200, {}, body, 5).result
    assert trade.exchange_ns == ms * 1_000_000
    wild = body.replace(str(ms * unit).encode(), b"9" * 18)
    with pytest.raises(errors.BadReply):
        venue.reply(request, 200, {}, wild, 5)
