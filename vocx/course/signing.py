"""Signed requests as bytes, for the lesson that makes them by hand.

``send`` sends what it is given and adds nothing but a signature. Programs use
:class:`vocx.exchange.Exchange` instead.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote as percent

import requests

from vocx.venues.base import Credentials

if TYPE_CHECKING:
    from vocx.lab import Lab

TEST = "/api/v3/order/test"
"""Where Binance checks an order, signature included, and places nothing."""
PATIENCE_S = 5.0


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


def said(reply: requests.Response) -> str:
    """Status and body of an answer, on one line."""
    return f"{reply.status_code} {reply.text}"


def digest(text: str, secret: str) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def joined(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs as they travel in a query, values percent-encoded."""
    return "&".join(f"{name}={percent(text, safe='')}" for name, text in pairs)
