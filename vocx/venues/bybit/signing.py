"""Bybit's proof of a call: HMAC-SHA256 in hex over time, key, window and payload.

The payload is the raw query of a GET or the raw body of a POST, so both are written once and sent
as they were signed (docs v5, "Authentication", 2026-09).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from vocx.venues.base import Credentials

WINDOW_MS = 5000
LOGIN_LIFE_NS = 10_000_000_000
"""How long a login of a socket is good: a second, as one SDK has it, fails on slow lines."""


def sign(secret: str, text: str) -> str:
    """The signature of this text."""
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()


def headers(credentials: Credentials, now_ns: int, payload: str) -> Mapping[str, str]:
    """What a signed call carries."""
    time = str(now_ns // 1_000_000)
    return {
        "X-BAPI-API-KEY": credentials.key,
        "X-BAPI-TIMESTAMP": time,
        "X-BAPI-RECV-WINDOW": str(WINDOW_MS),
        "X-BAPI-SIGN": sign(credentials.secret, f"{time}{credentials.key}{WINDOW_MS}{payload}"),
    }


def login(credentials: Credentials, now_ns: int) -> list[str | int]:
    """The arguments of a socket's ``auth``: key, when it expires, signature."""
    expires_ms = (now_ns + LOGIN_LIFE_NS) // 1_000_000
    proof = sign(credentials.secret, f"GET/realtime{expires_ms}")
    return [credentials.key, expires_ms, proof]
