"""Whatever strangers send to a venue of the lab: an answer of the venue's, never an exception.

(What only Binance has is in ``binance/test_hostile.py``.)
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_binance import INSTRUMENTS, MS, T0

from vocx.lab.dialects import BUILT_IN, load
from vocx.lab.dialects.base import Close, HttpIn, HttpOut, KeyPair
from vocx.lab.dialects.okx.endpoints import ENDPOINTS as OKX
from vocx.lab.dialects.shared.endpoints import EndpointTable
from vocx.lab.market.simulation import open_crowd
from vocx.venues.base import Credentials
from vocx.venues.coinbase.signing import token

LARGEST = str(2**63 - 1)
FRAMES = {
    "deep array": b"[" * 100_000,
    "deep object": b'{"op":' * 500 + b"1" + b"}" * 500,
    "long id": b'{"op":"subscribe","args":["a"],"id":' + b"9" * 5000 + b"}",
    "half a pair as id": rb'{"op":"subscribe","args":[],"id":"\ud800","req_id":"\ud800"}',
    "half a pair as channel": rb'{"op":"subscribe","args":[{"channel":"\ud83d"}]}',
    "half a pair as topic": rb'{"op":"subscribe","args":["\ud83d"]}',
    "half a pair as product": rb'{"type":"subscribe","channel":"ticker","product_ids":["\ud83d"]}',
    "not ASCII": '{"op":"ü","id":"ü","args":["ÄÖ"]}'.encode(),
    "not UTF-8": b"\xff\xfe",
    "not a number": b'{"op":"login","args":[NaN]}',
    "huge": b'{"op":"login","args":[{"timestamp":1e400,"apiKey":"a"}]}',
    "a list": b"[1]",
    "null": b"null",
    "nothing": b"",
}


class Attacked:
    """One venue without limits, and a client that holds its key."""

    def __init__(self, name: str) -> None:
        simulation = open_crowd(seed=7, start_ns=T0, specs=INSTRUMENTS, pace=0)
        simulation.step(50, T0)
        self.name = name
        self.venue: Any = load(BUILT_IN[name]).create(
            simulation, start_ns=T0, entropy=bytes(range(1, 65))
        )
        self.venue.command("limits", {"off": True}, T0)
        self.now_ns = T0
        pair = self.venue.credentials
        assert isinstance(pair, KeyPair)
        self.pair = pair

    def http(
        self, verb: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HttpOut:
        self.now_ns += 1000
        request = HttpIn(method=verb, target=target, headers=headers or {}, body=body)
        answer = self.venue.http(request, self.now_ns)
        assert isinstance(answer, HttpOut)
        return answer

    def signed(self, verb: str, target: str, body: bytes) -> HttpOut:
        return self.http(verb, target, body, SIGN[self.name](self, verb, target, body))

    def say(self, path: str, *messages: bytes) -> list[list[Any]]:
        """What each message is answered, decoded."""
        self.now_ns += 1000
        session = self.venue.open(HttpIn(method="GET", target=path, headers={}), self.now_ns)
        assert not isinstance(session, HttpOut)
        answers = []
        for message in messages:
            outs = list(session.text(message, self.now_ns))
            answers.append(
                [o if isinstance(o, Close) or o == b"pong" else json.loads(o) for o in outs]
            )
        session.closed(self.now_ns)
        return answers

    @property
    def sockets(self) -> list[str]:
        return [path for name, path in self.venue.paths.items() if name.startswith("ws")]


def _okx(venue: Attacked, verb: str, target: str, body: bytes) -> dict[str, str]:
    moment = datetime.fromtimestamp(venue.now_ns // MS / 1000, UTC)
    time = f"{moment:%Y-%m-%dT%H:%M:%S}.{venue.now_ns // MS % 1000:03d}Z"
    mac = hmac.new(venue.pair.secret.encode(), f"{time}{verb}{target}".encode() + body, sha256)
    return {
        "ok-access-key": venue.pair.key,
        "ok-access-sign": base64.b64encode(mac.digest()).decode(),
        "ok-access-timestamp": time,
        "ok-access-passphrase": str(venue.pair.passphrase),
    }


def _bybit(venue: Attacked, verb: str, target: str, body: bytes) -> dict[str, str]:
    time = str(venue.now_ns // MS)
    payload = body if verb == "POST" else target.partition("?")[2].encode()
    mac = hmac.new(
        venue.pair.secret.encode(), f"{time}{venue.pair.key}5000".encode() + payload, sha256
    )
    return {
        "x-bapi-api-key": venue.pair.key,
        "x-bapi-timestamp": time,
        "x-bapi-sign": mac.hexdigest(),
        "x-bapi-recv-window": "5000",
    }


def _coinbase(venue: Attacked, verb: str, target: str, body: bytes) -> dict[str, str]:
    pair = Credentials(key=venue.pair.key, secret=venue.pair.secret)
    made = token(pair, venue.now_ns, "nonce", verb, target.partition("?")[0])
    return {"authorization": f"Bearer {made}"}


SIGN: Mapping[str, Callable[[Attacked, str, str, bytes], dict[str, str]]] = {
    "okx": _okx,
    "bybit": _bybit,
    "coinbase": _coinbase,
}
NAMES = sorted(SIGN)


@cache
def attacked(name: str) -> Attacked:
    return Attacked(name)


def paths(name: str) -> list[str]:
    """Every path that the venue has."""
    if name == "okx":
        table: EndpointTable[Any] = OKX
    elif name == "bybit":
        from vocx.lab.dialects.bybit.endpoints import ENDPOINTS as table
    else:
        from vocx.lab.dialects.coinbase.endpoints import ENDPOINTS as table
    return sorted(table._by_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("frame", FRAMES)
def test_frames(name: str, frame: str) -> None:
    """An answer on each socket, or its end; nothing else breaks."""
    for path in attacked(name).sockets:
        (answers,) = attacked(name).say(path, FRAMES[frame])
        assert answers


@pytest.mark.parametrize("name", NAMES)
def test_strange_headers(name: str) -> None:
    """Refused as a wrong key is."""
    venue = attacked(name)
    for path in paths(name):
        path = path.replace("*", "BTC-USDT")
        proper = SIGN[name](venue, "GET", path, b"")
        for header in proper:
            for wrong in ("\ufffd", "é", "9" * 5000, "٣", ""):
                answer = venue.http("GET", path, b"", {**proper, header: wrong})
                assert answer.status < 500


WORDS = st.sampled_from(
    "op type id req_id reqId args header subscribe unsubscribe login auth ping order.create order "
    "batch-orders channel instId instType instIdCode candle1m BTC-USDT BTCUSDT BTC-USD spot SPOT "
    "category symbol side Buy buy BUY orderType Limit limit market Market qty sz size px price "
    "tdMode cash ordType clOrdId orderLinkId timeInForce GTC product_ids product_id "
    "orderbook.50.BTCUSDT publicTrade.BTCUSDT books trades ticker level2 user heartbeats jwt "
    "request order_configuration limit_limit_gtc base_size limit_price client_order_id order_ids "
    "X-BAPI-TIMESTAMP 0 1 -1 0.001 60000 1e5 true \ud800 ü timestamp apiKey sign passphrase".split()
)
LEAVES = WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=6),
    max_leaves=16,
)
OBJECTS = st.dictionaries(WORDS, VALUES, max_size=8)
MESSAGES = st.binary(max_size=40) | (VALUES | OBJECTS).map(lambda one: json.dumps(one).encode())
PARAMETERS = st.dictionaries(
    st.sampled_from(
        "instId instType instFamily ordId clOrdId after before begin end limit sz bar ccy side "
        "category symbol interval start end orderId orderLinkId baseCoin cursor startTime endTime "
        "granularity accountType coin settleCoin openOnly orderFilter execType product_id "
        "product_ids start_date end_date order_status order_ids sort_by offset".split()
    ),
    st.sampled_from(
        "BTC-USDT BTCUSDT SPOT spot BTC 1 0 -1 50 1m 5 D ONE_MINUTE UNIFIED true".split()
    )
    | st.integers(0, 2**64).map(str)
    | st.just("9" * 400)
    | st.just(LARGEST)
    | st.text(max_size=6),
    max_size=6,
)
ORDERS = st.dictionaries(
    st.sampled_from(
        "instId tdMode side ordType sz px clOrdId tag stpMode tgtCcy ordId newSz newPx reqId "
        "cxlOnFail timeOut category symbol orderType qty price timeInForce orderLinkId orderId "
        "marketUnit smpType orderFilter request triggerPrice product_id client_order_id order_id "
        "order_configuration order_ids size self_trade_prevention_id".split()
    ),
    st.sampled_from(
        [
            *"BTC-USDT BTCUSDT cash buy Buy BUY sell limit Limit market Market GTC spot 1".split(),
            *"0.001 60000 0 -1 1e5 99999999999999 0.000000000000001 post_only".split(),
            {"limit_limit_gtc": {"base_size": "0.01", "limit_price": "50000"}},
            {"market_market_ioc": {"quote_size": "9" * 17}},
            {"limit_limit_gtd": {"base_size": "1", "limit_price": "1", "end_time": "x"}},
            ["1"],
            [{}],
        ]
    )
    | VALUES,
    max_size=10,
)
BODIES = MESSAGES | (ORDERS | st.lists(ORDERS, max_size=3)).map(
    lambda one: json.dumps(one).encode()
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=200, deadline=None)
@given(messages=st.lists(MESSAGES, min_size=1, max_size=3), number=st.integers(0, 3))
def test_any_frame(name: str, messages: list[bytes], number: int) -> None:
    """Each answer is JSON, or the end of the connection."""
    venue = attacked(name)
    venue.say(venue.sockets[number % len(venue.sockets)], *messages)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=400, deadline=None)
@given(
    verb=st.sampled_from(["GET", "POST", "DELETE", "PUT", "FLY"]),
    number=st.integers(0, 200),
    query=PARAMETERS,
    body=BODIES,
)
def test_any_signed_call(
    name: str, verb: str, number: int, query: dict[str, str], body: bytes
) -> None:
    """Carried out or refused, properly signed as it is."""
    venue, known = attacked(name), paths(name)
    path = known[number % len(known)].replace("*", query.get("product_id") or "BTC-USDT")
    pairs = "&".join(f"{one}={quote(value, errors='replace')}" for one, value in query.items())
    target = f"{quote(path, errors='replace')}?{pairs}"
    answer = venue.signed(verb, target, b"" if verb == "GET" else body)
    assert answer.status < 500
