"""Several venues, each with a market of its own, in a lab's own process and over real sockets."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
import requests
import websocket

import vocx.lab
from vocx.lab import Lab, dialects

DEADLINE_S = 10.0
NAMES = ("alpha", "beta", "gamma")


@pytest.fixture(scope="module")
def venues() -> Iterator[Lab]:
    """A lab that plays the three profiles beside Binance."""
    for name in NAMES:
        dialects.register(name, f"fake_venue.exchange:{name.capitalize()}")
    lab = vocx.lab.open(venues=("binance", *NAMES), seed=3, replace=True)
    yield lab
    lab.close()


class Rest:
    """Signed calls of one venue."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.base, self.key = lab.urls[name]["rest"], lab.credentials(name)

    def ask(self, verb: str, target: str, body: Any = None) -> Any:
        raw, stamp = "" if body is None else json.dumps(body), str(time.time_ns() // 1_000_000)
        text = (stamp + verb + target + raw).encode()
        sign = hmac.new(self.key.secret.encode(), text, sha256).hexdigest()
        headers = {"X-Key": self.key.key, "X-Time": stamp, "X-Sign": sign}
        with requests.Session() as session:
            session.trust_env = False
            url = self.base + target
            return session.request(verb, url, data=raw, headers=headers, timeout=DEADLINE_S).json()


@pytest.mark.parametrize("name", NAMES)
def test_books_over_real_sockets(venues: Lab, name: str) -> None:
    """Acknowledged in the venue's manner, then data."""
    symbol = Rest(venues, name).ask("GET", "/v1/instruments")["data"][0]["symbol"]
    urls = venues.urls[name]
    socket = websocket.create_connection(urls.get("public") or urls["all"], timeout=DEADLINE_S)
    arg = {"channel": "book", "symbol": symbol}
    socket.send(json.dumps({"id": 1, "op": "subscribe", "args": [arg]}))
    got = [json.loads(socket.recv()) for _ in range(3)]
    socket.shutdown()
    assert {"event", "channel"} <= {key for one in got for key in one}


def test_each_venue_has_a_market_of_its_own(venues: Lab) -> None:
    """What is traded on one is printed on that one, and is nobody's fill on another."""
    beta = Rest(venues, "beta")
    order = {
        "code": 1,
        "side": "buy",
        "type": "market",
        "quantity": "0.01",
        "client_id": "here",
    }
    assert beta.ask("POST", "/v1/orders", order)["client_id"] == "here"
    fills = beta.ask("GET", "/v1/fills?symbol=BTC-USDT")["data"]
    printed = beta.ask("GET", "/v1/trades?symbol=BTC-USDT&limit=100")["data"]
    assert fills and {one["id"] for one in fills} <= {one["id"] for one in printed}
    assert Rest(venues, "alpha").ask("GET", "/v1/fills?symbol=BTCUSDT")["data"] == []


def test_commands_reach_every_venue(venues: Lab) -> None:
    """Limits are each venue's own."""
    state = venues.limits.state
    assert set(state) == {"binance", *NAMES}
    assert state["beta"]["limits"][0]["name"] == "address"
