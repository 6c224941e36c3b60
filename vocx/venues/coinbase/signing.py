"""Coinbase's proof of a call: a JSON Web Token, made for one request.

A token names key, time, two minutes of life and, for REST, ``METHOD host/path`` without query. It
is signed with ES256 (a P-256 key in PEM) or EdDSA (an Ed25519 key, 32 or 64 bytes in base64). The
nonce is an argument, so an EdDSA token is one equality in a test; ES256 signatures are random and
can only be verified (CDP authentication, 2026-05; the official SDK 1.8.4 makes the same bytes).
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from vocx.errors import BadInput
from vocx.venues.base import Credentials

LIFE_S = 120
HOST = "api.coinbase.com"
"""The host that a token names, also behind a proxy: the venue compares it with its own."""


@lru_cache(maxsize=16)
def _key(secret: str) -> tuple[Any, str]:
    """The private key and its algorithm; reading a PEM costs more than signing."""
    text = secret.replace("\\n", "\n").strip()  # environment files keep line ends as two letters
    try:
        if text.startswith("-----"):
            loaded = load_pem_private_key(text.encode(), password=None)
            if isinstance(loaded, EllipticCurvePrivateKey):
                return loaded, "ES256"
            if isinstance(loaded, Ed25519PrivateKey):
                return loaded, "EdDSA"
            raise ValueError(f"a key of kind {type(loaded).__name__}")
        seed = base64.b64decode(text, validate=True)
        if len(seed) not in (32, 64):
            raise ValueError(f"{len(seed)} bytes where 32 or 64 belong")
        return Ed25519PrivateKey.from_private_bytes(seed[:32]), "EdDSA"
    except (ValueError, TypeError, binascii.Error) as error:
        raise BadInput(
            "the secret of a coinbase key is a private key: PEM text of a P-256 key, or base64 of "
            f"an Ed25519 key ({error}). Nothing was sent"
        ) from None


def token(
    credentials: Credentials, now_ns: int, nonce: str, method: str = "", path: str = ""
) -> str:
    """A token for one REST call, or without ``method`` for one message of a socket."""
    key, algorithm = _key(credentials.secret)
    now_s = now_ns // 1_000_000_000
    claims: dict[str, Any] = {
        "sub": credentials.key,
        "iss": "cdp",
        "nbf": now_s,
        "exp": now_s + LIFE_S,
    }
    if method:
        claims["uri"] = f"{method} {HOST}{path}"
    headers = {"kid": credentials.key, "nonce": nonce}
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)
