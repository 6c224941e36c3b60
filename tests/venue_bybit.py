"""Bybit's dialect in memory: a paused market, a clock that the test turns, calls and sockets."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from venue_binance import INSTRUMENTS, MS, T0

from vocx.lab.dialects.base import Close, HttpIn, HttpOut, Ping, Raw
from vocx.lab.dialects.bybit import Bybit
from vocx.lab.market.simulation import open_crowd

KEY, SECRET = "vocxTestKey000001", "vocxTestSecret0000000000000000000001"


def sign(text: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), text.encode(), sha256).hexdigest()


class Venue:
    """The exchange with one account."""

    def __init__(self) -> None:
        self.now_ns = T0
        self.simulation = open_crowd(seed=7, start_ns=T0, specs=INSTRUMENTS, pace=0)
        self.simulation.step(300, T0)
        self.exchange = Bybit(self.simulation, start_ns=T0)
        self.command("account", name="default", key=KEY, secret=SECRET)
        self.told: list[Any] = []
        self.simulation.accounts.on_events = self.told.extend
        self.market = self.simulation.markets["BTC/USDT"]

    def command(self, command: str, /, **arguments: Any) -> Any:
        return self.exchange.command(command, arguments, self.now_ns)

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

    def settle(self) -> None:
        """Publish what requests have changed."""
        events, self.told[:] = list(self.told), []
        deliver(self.exchange.publish(events, self.now_ns))

    def step(self, count: int) -> None:
        deliver(self.exchange.publish(self.simulation.step(count, self.now_ns), self.now_ns))

    def pass_time(self, ns: int) -> None:
        end_ns = self.now_ns + ns
        while (due_ns := self.exchange.next_tick_ns) <= end_ns:
            self.now_ns = max(due_ns, self.now_ns)
            deliver(self.exchange.tick(self.now_ns))
        self.now_ns = end_ns


class Client:
    """One connection, and everything that was sent to it."""

    def __init__(self, venue: Venue, session: Any) -> None:
        self.venue, self.session = venue, session
        session.handle = self
        self.got: list[Any] = []

    def take(self, outs: Iterable[Any]) -> list[Any]:
        new = [one if isinstance(one, Close | Ping | Raw) else json.loads(one) for one in outs]
        self.got += new
        return new

    def say(self, message: Any) -> list[Any]:
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.take(self.session.text(raw, self.venue.moment()))

    def subscribe(self, *topics: str, op: str = "subscribe", **more: Any) -> list[Any]:
        return self.say({"op": op, "args": list(topics), **more})

    def login(self, key: str = KEY, secret: str = SECRET, ahead_ms: int = 1000) -> Any:
        expires = self.venue.now_ns // MS + ahead_ms
        args = [key, expires, sign(f"GET/realtime{expires}", secret)]
        return self.say({"op": "auth", "args": args})[0]

    def topic(self, topic: str) -> list[Any]:
        """The frames of a topic."""
        return [one for one in self.got if isinstance(one, dict) and one.get("topic") == topic]


def deliver(publications: Iterable[Any]) -> None:
    for one in publications:
        for session in one.to:
            session.handle.take([one.payload])
