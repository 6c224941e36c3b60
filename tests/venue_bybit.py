"""Bybit's dialect in memory: a paused market, a clock that the test turns, calls and sockets."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from typing import Any

import venue_in_memory
from venue_binance import INSTRUMENTS, MS, T0

from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.dialects.bybit import Bybit

KEY, SECRET = "vocxTestKey000001", "vocxTestSecret0000000000000000000001"


def sign(text: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


class Venue(venue_in_memory.Venue):
    """The exchange with one account."""

    def __init__(self) -> None:
        super().__init__(lambda simulation: Bybit(simulation, start_ns=T0), INSTRUMENTS)
        self.command("account", name="default", key=KEY, secret=SECRET)
        self.market = self.simulation.markets["BTC/USDT"]

    def moment(self) -> int:
        self.now_ns += 1
        return self.now_ns

    def http(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        peer: str = "127.0.0.1",
    ) -> HttpOut:
        request = HttpIn(method=method, target=target, headers=headers or {}, body=body, peer=peer)
        return self.exchange.http(request, self.moment())

    def get(self, target: str) -> Any:
        answer = self.http("GET", f"/v5/{target}")
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def signed(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        key: str = KEY,
        secret: str = SECRET,
        ahead_ms: int = 0,
        window: str | None = "5000",
        peer: str = "127.0.0.1",
    ) -> HttpOut:
        raw = b"" if body is None else json.dumps(body).encode()
        time = str(self.now_ns // MS + ahead_ms)
        payload = raw.decode() if method == "POST" else target.partition("?")[2]
        headers = {
            "x-bapi-api-key": key,
            "x-bapi-timestamp": time,
            "x-bapi-sign": sign(time + key + (window or "") + payload, secret),
        }
        if window is not None:
            headers["x-bapi-recv-window"] = window
        return self.http(method, f"/v5/{target}", raw, headers, peer)

    def ask(self, method: str, target: str, body: Any = None, **more: Any) -> Any:
        answer = self.signed(method, target, body, **more)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def order(self, **changed: Any) -> dict[str, Any]:
        """A resting order's body."""
        price = self.market.spec.to_price(self.market.best()[0]) - 100
        whole = {
            "category": "spot",
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "qty": "0.01",
            "price": str(price),
            **changed,
        }
        return {name: value for name, value in whole.items() if value is not None}

    def place(self, **changed: Any) -> Any:
        return self.ask("POST", "order/create", self.order(**changed))

    def row(self, placed: Any) -> dict[str, Any]:
        """The order as REST has it."""
        identity = placed["result"]["orderId"]
        found = self.ask("GET", f"order/realtime?category=spot&orderId={identity}")
        (row,) = found["result"]["list"]
        return dict(row)

    def connect(self, path: str) -> Client:
        opened = self.exchange.open(HttpIn(method="GET", target=path, headers={}), self.moment())
        assert not isinstance(opened, HttpOut), opened
        return Client(self, opened)


class Client(venue_in_memory.Client):
    """One connection, and everything that was sent to it."""

    def subscribe(self, *topics: str, op: str = "subscribe", **more: Any) -> list[Any]:
        return self.say({"op": op, "args": list(topics), **more})

    def login(self, key: str = KEY, secret: str = SECRET, ahead_ms: int = 1000) -> Any:
        expires = self.venue.now_ns // MS + ahead_ms
        args = [key, expires, sign(f"GET/realtime{expires}", secret)]
        return self.say({"op": "auth", "args": args})[0]

    def topic(self, topic: str) -> list[Any]:
        """The frames of a topic."""
        return [one for one in self.got if isinstance(one, dict) and one.get("topic") == topic]
