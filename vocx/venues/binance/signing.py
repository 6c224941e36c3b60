"""Signatures: HMAC-SHA256 over a shared secret, or Ed25519 with a private key.

The rules, from rest-api.md and web-socket-api.md (2026-07-21):

* REST signs the **percent-encoded** text exactly as it is sent (since 2026-01-15; signing first
  and encoding afterwards gives -1022); ``signature`` comes last.
* The WebSocket API signs its parameters sorted by name, as raw UTF-8, without encoding.
* HMAC is sent in hex. Ed25519 is sent in base64, which REST must percent-encode again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from vocx.errors import BadInput
from vocx.venues.base import Credentials

RECEIVE_WINDOW_MS = 5000
"""How old a request may be when it is executed; the venue's default, sent all the same so that
it can be seen."""

_PEM = "-----BEGIN"


def sign(payload: str, credentials: Credentials) -> str:
    """The signature of a text: hex for an HMAC secret, base64 for an Ed25519 key in PEM.

    Raises
    ------
    BadInput
        The private key is unreadable, of another kind, or needs a passphrase.

    Examples
    --------
    >>> sign("symbol=LTCBTC&side=BUY&...", credentials)
    'c8db5682...'
    """
    if not credentials.secret.lstrip().startswith(_PEM):
        key = credentials.secret.encode()
        return hmac.new(key, payload.encode(), hashlib.sha256).hexdigest()
    private = _ed25519(credentials.secret, credentials.passphrase)
    signed: bytes = private.sign(payload.encode())
    return base64.b64encode(signed).decode()


@lru_cache(maxsize=8)
def _ed25519(pem: str, passphrase: str | None) -> Any:
    # Here, because most keys are HMAC and this import costs a tenth of a second.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    password = passphrase.encode() if passphrase else None
    try:
        key = load_pem_private_key(pem.strip().encode(), password)
    except TypeError:
        wanted = "needs its passphrase" if password is None else "has no passphrase; give none"
        raise BadInput(f"the private key {wanted}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadInput(
            "the private key cannot be read: it must be the PEM text of an Ed25519 key, beginning "
            "with -----BEGIN PRIVATE KEY-----, and its passphrase must fit"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(
            "the private key is no Ed25519 key; make one with `openssl genpkey -algorithm "
            "ed25519 -out key.pem` and register its public half with binance"
        )
    return key


def encoded(parameters: Mapping[str, str | int]) -> str:
    """Parameters as they travel in a query, percent-encoded, in their order."""
    return urlencode(parameters, quote_via=quote)


def signed_query(query: str, now_ns: int, credentials: Credentials) -> str:
    """A whole query: the encoded one, window, time, and last the signature of all that."""
    payload = "&".join(part for part in (query, encoded(_times(now_ns))) if part)
    return f"{payload}&{encoded({'signature': sign(payload, credentials)})}"


def sorted_payload(parameters: Mapping[str, str | int]) -> str:
    """What the WebSocket API signs: ``name=value`` sorted by name, raw."""
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))


def signed_params(
    parameters: Mapping[str, str | int], now_ns: int, credentials: Credentials
) -> dict[str, str | int]:
    """Parameters of a WebSocket API call with key, window, time and signature; sorted."""
    timed = {**parameters, **_times(now_ns), "apiKey": credentials.key}
    ordered = {name: timed[name] for name in sorted(timed)}
    return {**ordered, "signature": sign(sorted_payload(timed), credentials)}


def timed_params(parameters: Mapping[str, str | int], now_ns: int) -> dict[str, str | int]:
    """Parameters of a call on a connection that has logged on: with window and time alone."""
    return {**parameters, **_times(now_ns)}


def _times(now_ns: int) -> dict[str, str | int]:
    return {"recvWindow": RECEIVE_WINDOW_MS, "timestamp": now_ns // 1_000_000}
