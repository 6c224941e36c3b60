"""Listen; ask while the line is down; place orders by REST; hear of your own by stream.

Usage: python -m vocx.course.clients.hybrid REST_URL WS_URL SYMBOL [LINES]
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import threading
import time
import uuid
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode

import requests
import websocket

from vocx.course.clients import ask, survive

OPEN = {"sent", "NEW", "PARTIALLY_FILLED"}
ASK_AFTER_S = (0.2, 0.5, 1, 2, 4)
"""An order whose answer was lost is asked for so often: for longer than the 5 s after which the
exchange refuses it as too old, so that it cannot arrive any more."""


class Hybrid:
    """A price that says where it comes from, and orders of which you know what became."""

    def __init__(self, rest: str, ws: str, symbol: str, *, quiet_s: float = survive.QUIET_S):
        self.rest, self.ws, self.symbol, self.quiet_s = rest, ws, symbol, quiet_s
        self.session = requests.Session()
        self.heard: ask.Quote | None = None
        self.orders: dict[str, str] = {}
        self.orders_known = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for quote in survive.survived(self.ws, self.symbol, self.quiet_s):
            self.heard = quote

    def look(self) -> tuple[str, ask.Quote | None]:
        """``"stream"``, ``"rest"`` or ``"unknown"``, and the best prices."""
        if (heard := self.heard) is not None:
            return "stream", heard
        with suppress(requests.RequestException):
            reply = ask.once(self.session, self.rest, self.symbol)
            if reply.ok:  # in maintenance REST is down too
                return "rest", (reply.json()["bidPrice"], reply.json()["askPrice"])
        return "unknown", None

    def trade(self, ws_api: str, key: str, secret: str) -> None:
        """From now on orders can be placed, and what becomes of them is heard."""
        self.ws_api, self.key, self.secret = ws_api, key, secret
        threading.Thread(target=self._hear, daemon=True).start()

    def _signed(self, words: dict[str, Any]) -> dict[str, Any]:
        words = dict(sorted({**words, "timestamp": int(time.time() * 1000)}.items()))
        signature = hmac.new(self.secret.encode(), urlencode(words).encode(), hashlib.sha256)
        return {**words, "signature": signature.hexdigest()}

    def _call(self, method: str, **words: Any) -> requests.Response:
        target = f"{self.rest}/api/v3/order?{urlencode(self._signed(words))}"
        return self.session.request(method, target, headers={"X-MBX-APIKEY": self.key}, timeout=5)

    def order(self, side: str, quantity: str, price: str) -> tuple[str, str]:
        """Place a limit order: its id, and ``"accepted"``, ``"unknown"`` or why not."""
        # Made before sending: the only handle on an order whose answer gets lost.
        name = f"hybrid-{uuid.uuid4().hex[:20]}"
        self.orders[name] = "sent"
        words = {"symbol": self.symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC"}
        with suppress(requests.RequestException):
            reply = self._call(
                "POST", **words, quantity=quantity, price=price, newClientOrderId=name
            )
            if reply.ok:
                return name, "accepted"
            if reply.status_code < 500:
                self.orders[name] = "refused"
                return name, f"refused: {reply.text}"
        # A time-out is not a no.
        for wait_s in ASK_AFTER_S:
            time.sleep(wait_s)
            outcome = self._ask(name)
            if outcome == "accepted":
                break
        return name, outcome

    def _ask(self, name: str) -> str:
        with suppress(requests.RequestException):
            reply = self._call("GET", symbol=self.symbol, origClientOrderId=name)
            if reply.ok:
                self.orders[name] = reply.json()["status"]
                return "accepted"
            if reply.json().get("code") == -2013:
                return "never arrived"
        return "unknown"

    def _hear(self) -> None:
        for message in survive.messages(self._connect, 60, pings_count=True):
            event = (message or {}).get("event", {})
            if message is None:
                self.orders_known = False
            elif message.get("status") == 200:
                # Subscribed. What happened while nobody listened is asked for.
                for name in [one for one, status in self.orders.items() if status in OPEN]:
                    self._ask(name)
                self.orders_known = True
            elif "error" in message:
                print(f"refused: {message['error']}", file=sys.stderr)
            elif event.get("e") == "executionReport":
                self.orders[event["C"] or event["c"]] = event["X"]

    def _connect(self) -> Any:
        line = websocket.create_connection(self.ws_api, timeout=60)
        words = self._signed({"apiKey": self.key})
        method = "userDataStream.subscribe.signature"
        line.send(json.dumps({"id": 1, "method": method, "params": words}))
        return line


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    with suppress(KeyboardInterrupt):
        hybrid = Hybrid(*sys.argv[1:4])
        for _ in range(int(sys.argv[4]) if len(sys.argv) > 4 else sys.maxsize):
            source, prices = hybrid.look()
            print(source, *(prices or ()), flush=True)
            time.sleep(1)
