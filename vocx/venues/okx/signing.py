"""OKX's proof of a call: HMAC-SHA256 in base64 over time, method, path with query, and body.

REST writes the time as ISO 8601 with exactly three decimals, the login of a socket as whole
seconds (docs-v5, "Making requests" and "Login", 2026-07-28).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from vocx.errors import BadInput
from vocx.facts import aware
from vocx.venues.base import Credentials

LOGIN_PATH = "/users/self/verify"


def iso_time(now_ns: int) -> str:
    """``"2026-11-22T08:00:00.123Z"``."""
    moment = aware(now_ns)
    assert moment is not None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{now_ns // 1_000_000 % 1000:03d}Z"


def signature(secret: str, time: str, method: str, target: str, body: str) -> str:
    """The signature of these bytes."""
    text = f"{time}{method}{target}{body}"
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), hashlib.sha256)).decode()


def headers(
    credentials: Credentials, now_ns: int, method: str, target: str, body: bytes
) -> Mapping[str, str]:
    """What a signed call carries."""
    time = iso_time(now_ns)
    return {
        "OK-ACCESS-KEY": credentials.key,
        "OK-ACCESS-SIGN": signature(credentials.secret, time, method, target, body.decode()),
        "OK-ACCESS-TIMESTAMP": time,
        "OK-ACCESS-PASSPHRASE": passphrase(credentials),
    }


def login(credentials: Credentials, now_ns: int) -> Mapping[str, str]:
    """The argument of a socket's ``login``."""
    seconds = str(now_ns // 1_000_000_000)
    return {
        "apiKey": credentials.key,
        "passphrase": passphrase(credentials),
        "timestamp": seconds,
        "sign": signature(credentials.secret, seconds, "GET", LOGIN_PATH, ""),
    }


def passphrase(credentials: Credentials) -> str:
    """A key of OKX has one, chosen when it was made."""
    if not credentials.passphrase:
        raise BadInput(
            "a key of okx has a passphrase as well: set VOCX_OKX_PASSPHRASE beside the key and "
            "the secret. Nothing was sent"
        )
    return credentials.passphrase
