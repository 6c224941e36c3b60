"""Whatever a stranger sends to the fake venue: an answer in its own form, never an exception."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from fake_venue.exchange import EXCHANGES, FakeExchange
from hypothesis import given, settings
from hypothesis import strategies as st
from venue_binance import INSTRUMENTS, T0

from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.market.simulation import open_crowd

NAMES = sorted(EXCHANGES)
WORDS = st.sampled_from(
    "id op args subscribe unsubscribe login key time sign channel symbol interval depth trades "
    "book candles top heartbeat orders BTCUSDT BTC-USDT 5m method target headers body GET POST "
    "/v1/orders /v1/time limit price quantity side buy type market client_id \ud800 ü".split()
)
LEAVES = WORDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=12,
)
MESSAGES = st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode())
TARGETS = st.sampled_from(
    "time status instruments ticker quote book trades candles orders orders/amend orders/all order "
    "fills balances nope".split()
)


@cache
def exchange(name: str) -> FakeExchange:
    simulation = open_crowd(seed=7, start_ns=T0, specs=INSTRUMENTS, pace=0)
    simulation.step(50, T0)
    made = EXCHANGES[name](simulation, start_ns=T0)
    made.command("limits", {"off": True}, T0)
    return made


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(messages=st.lists(MESSAGES, min_size=1, max_size=4), number=st.integers(0, 3))
def test_frames(name: str, messages: list[bytes], number: int) -> None:
    """On each of its sockets."""
    paths = list(EXCHANGES[name].profile.sockets.values())
    path = paths[number % len(paths)]
    session: Any = exchange(name).open(HttpIn(method="GET", target=path, headers={}), T0)
    for message in messages:
        for out in session.text(message, T0):
            if isinstance(out, bytes) and out != b"pong":
                json.loads(out)
    session.closed(T0)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=150, deadline=None)
@given(
    verb=st.sampled_from(["GET", "POST", "DELETE", "PUT", "FLY"]),
    target=TARGETS,
    query=st.dictionaries(WORDS | st.text(max_size=3), st.text(max_size=8), max_size=4),
    body=MESSAGES,
    key=st.text(max_size=9),
)
def test_requests(
    name: str, verb: str, target: str, query: dict[str, str], body: bytes, key: str
) -> None:
    """With any query, body and headers."""
    from urllib.parse import quote

    pairs = "&".join(
        f"{quote(one, errors='ignore')}={quote(other, errors='ignore')}"
        for one, other in query.items()
    )
    headers = {"x-key": key, "x-time": key, "x-sign": key}
    request = HttpIn(method=verb, target=f"/v1/{target}?{pairs}", headers=headers, body=body)
    answer = exchange(name).http(request, T0)
    assert isinstance(answer, HttpOut) and answer.status < 500
