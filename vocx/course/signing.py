"""Signed requests as bytes, for the lesson that makes them by hand.

``send`` sends what it is given and adds nothing but a signature. Programs use
:class:`vocx.exchange.Exchange` instead.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING

import requests

from vocx.venues.base import Credentials

if TYPE_CHECKING:
    from vocx.lab import Lab

TEST = "/api/v3/order/test"
"""Where Binance checks an order, signature included, and places nothing."""
PATIENCE_S = 5.0
EXAMPLE = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1"
    "&recvWindow=5000&timestamp=1499827319559",
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
)
"""Query and secret of Binance's own example (rest-api.md, 2026-07-21), whose signature is
``c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71``."""


def market_buy(at_s: float | None = None) -> str:
    """A query to be signed: 0.01 BTC, at the time given in seconds since 1970 (default: now)."""
    at_ms = int((time.time() if at_s is None else at_s) * 1000)
    return f"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01&timestamp={at_ms}"


def send(
    lab: Lab,
    query: str,
    *,
    signed: str | None = None,
    path: str = TEST,
    key: Credentials | None = None,
) -> requests.Response:
    """POST a query to the lab's Binance, its signature last and the key in a header.

    Parameters
    ----------
    query : str
        Sent as it is. One that has a ``signature`` already gets no other.
    signed : str, optional
        The text that is signed, where it is not the one that is sent.
    path : str
        The test endpoint, unless told otherwise: it places nothing.
    key : Credentials, optional
        The lab's own by default.
    """
    key = key or lab.credentials("binance")
    if "signature=" not in query:
        query += f"&signature={digest(query if signed is None else signed, key.secret)}"
    with requests.Session() as session:
        session.trust_env = False  # a proxy that the environment names knows nothing of 127.0.0.1
        return session.post(
            f"{lab.url('binance', 'rest')}{path}?{query}",
            headers={"X-MBX-APIKEY": key.key},
            timeout=PATIENCE_S,
        )


def reply_text(reply: requests.Response) -> str:
    """Status and body of an answer, on one line."""
    return f"{reply.status_code} {reply.text}"


def digest(text: str, secret: str) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class SignatureTester:
    """What :func:`vocx.course.signature` asks: signs with a lab's key, and lets the lab test."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab

    def __call__(self, signed: str, sent: str) -> tuple[str, str]:
        """The signature of one text, and the answer to another that was sent under it."""
        made = digest(signed, self.lab.credentials("binance").secret)
        return made, reply_text(send(self.lab, f"{sent}&signature={made}"))
