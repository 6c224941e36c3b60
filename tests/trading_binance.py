"""What the tests of signed Binance requests share: a trader with a key over a venue in memory."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from venue_binance import MS, Client, Venue, absolute

from vocx.lab.dialects.base import HttpIn, HttpOut

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
"""The pair that Binance publishes for its examples."""
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
RESTING = {**ORDER, "quantity": "0.001", "price": "60000"}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.001"}


def hmac_of(secret: str, payload: str) -> str:
    return hmac.new(secret.encode(), payload.encode(), sha256).hexdigest()


class Exchange(Venue):
    """A venue over a market of its own whose events come back to it, as the driver does."""

    def __init__(self) -> None:
        super().__init__(own=True)
        self.told: list[Any] = []
        self._listen()

    def _listen(self) -> None:
        self.simulation.accounts.on_events = self.told.extend

    def settle(self) -> list[Any]:
        """Publish what requests have changed; the events."""
        events, self.told = self.told, []
        self._listen()
        self.publish(*events)
        return events

    def send(self, verb: str, target: str, body: bytes = b"", key: str | None = KEY) -> HttpOut:
        headers = {} if key is None else {"x-mbx-apikey": key}
        request = HttpIn(method=verb, target=absolute(target), headers=headers, body=body)
        return self.dialect.http(request, self.moment())


class Trader:
    """One key of one account."""

    def __init__(self, exchange: Exchange, *, key: str = KEY, secret: str = SECRET) -> None:
        self.exchange = exchange
        self.key, self.secret = key, secret

    def stamp(self) -> int:
        return self.exchange.now_ns // MS

    def query(self, params: dict[str, Any]) -> str:
        """Percent-encoded, signed, the signature last."""
        raw = urlencode({**{"timestamp": self.stamp()}, **params}, quote_via=quote)
        return f"{raw}&signature={hmac_of(self.secret, raw)}"

    def http(self, verb: str, path: str, **params: Any) -> HttpOut:
        target = f"{path}?{self.query(params)}"
        return self.exchange.send(verb, target, key=self.key)

    def ask(self, verb: str, path: str, **params: Any) -> Any:
        """The body of an answer that must be 200."""
        answer = self.http(verb, path, **params)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def error(self, verb: str, path: str, **params: Any) -> tuple[int, int, str]:
        """Status, code and text of a refusal."""
        answer = self.http(verb, path, **params)
        body = json.loads(answer.body)
        return answer.status, body["code"], body["msg"]

    def place(self, **params: Any) -> Any:
        return self.ask("POST", "order", **params)

    def refused(self, **params: Any) -> tuple[int, str]:
        """Code and text of a refused placement."""
        return self.error("POST", "order", **params)[1:]

    def balance(self, asset: str) -> tuple[Decimal, Decimal]:
        """Free and locked."""
        rows: Iterable[Any] = self.ask("GET", "account")["balances"]
        row = next(row for row in rows if row["asset"] == asset)
        return Decimal(row["free"]), Decimal(row["locked"])

    def signed(self, **params: Any) -> dict[str, Any]:
        """Parameters of one WebSocket API request."""
        sent = {"apiKey": self.key, "timestamp": self.stamp(), **params}
        text = {name: _text(value) for name, value in sent.items()}
        payload = "&".join(f"{name}={text[name]}" for name in sorted(text))
        return {**sent, "signature": hmac_of(self.secret, payload)}

    def call(self, client: Client, method: str, **params: Any) -> Any:
        """One WebSocket API request; its answer."""
        return client.ask(method, self.signed(**params))

    def connect(self) -> Client:
        """A connection that is subscribed to the account's events."""
        client = self.exchange.connect("/ws-api/v3")
        self.call(client, "userDataStream.subscribe.signature")
        client.read()
        return client


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
