"""JSON Web Tokens: who sends a call, and that it is meant for this venue.

ES256 or EdDSA; ``kid`` names the key; ``nbf`` to ``exp`` by the exchange's clock; ``uri`` (or a
list ``uris``, as one widely used client sends) is ``METHOD host/path`` without scheme and query.
Issuers, audiences and nonces are not looked at (CDP authentication pages, 2026-05; tokens of the
official SDK 1.8.4 and of ccxt 4.5.90). A leeway of five seconds is a choice.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from vocx.errors import BadInput
from vocx.lab.dialects.base import KeyPair
from vocx.lab.dialects.shared import keys
from vocx.lab.dialects.shared.keys import Denied, Key, KeyRing, PublicKey
from vocx.lab.dialects.shared.numbers import NS_PER_S

FORM = "organizations/[0-9A-Za-z-]{1,64}/apiKeys/[0-9A-Za-z-]{1,64}|[0-9a-f-]{36}"
FORM_TEXT = "organizations/{uuid}/apiKeys/{uuid}, or a UUID"
HOSTS = ("api.coinbase.com", "127.0.0.1", "localhost")
"""Hosts that a token may name, whatever the port; also that which the request itself names."""
LEEWAY_S = 5
_UNCHECKED = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
_LONGEST = 4096


class Pairs:
    """Keys of pairs (see :class:`vocx.lab.dialects.shared.accounts.KeyPairs`)."""

    def draw(self, seed: bytes) -> KeyPair:
        """An Ed25519 key of the newer kind: its name, and base64 of seed and public key."""
        name = keys.derived(seed, "key").hex()
        public = keys.public_of(seed).public_bytes(Encoding.Raw, PublicFormat.Raw)
        ids = [_uuid(name[at : at + 32]) for at in (0, 32)]
        return KeyPair(
            key=f"organizations/{ids[0]}/apiKeys/{ids[1]}",
            secret=base64.b64encode(seed + public).decode(),
        )

    def public_of(self, secret: str) -> PublicKey:
        """The public half of a private key: PEM of P-256 or Ed25519, or base64 of Ed25519.

        Raises
        ------
        BadInput
            For anything else.
        """
        text = secret.replace("\\n", "\n").strip()
        try:
            if text.startswith("-----"):
                private = load_pem_private_key(text.encode(), password=None)
                if isinstance(private, EllipticCurvePrivateKey) and isinstance(
                    private.curve, SECP256R1
                ):
                    return private.public_key()
                if isinstance(private, Ed25519PrivateKey):
                    return private.public_key()
                raise ValueError
            seed = base64.b64decode(text, validate=True)
            if len(seed) not in (32, 64):
                raise ValueError
            return keys.public_of(seed[:32])
        except (ValueError, TypeError):
            raise BadInput(
                "the secret is no private key of P-256 (PEM) or Ed25519 (PEM, or base64 of it)"
            ) from None


def _uuid(digits: str) -> str:
    return "-".join(
        (digits[:8], digits[8:12], f"4{digits[13:16]}", f"8{digits[17:20]}", digits[20:32])
    )


def authenticate(
    ring: KeyRing, token: str, clock_ns: int, *, call: str = "", host: str = ""
) -> Key:
    """Whose token it is.

    Parameters
    ----------
    call : str
        ``METHOD /path`` of a REST call; empty on a socket, whose tokens name none.
    host : str
        The host that the request itself names.

    Raises
    ------
    Denied
        It proves nothing.
    """
    key, claims = _read(ring, token)
    now_s = clock_ns // NS_PER_S
    begins, ends = _second(claims, "nbf"), _second(claims, "exp")
    if begins > now_s + LEEWAY_S:
        raise Denied("ahead")
    if ends <= now_s - LEEWAY_S:
        raise Denied("late")
    if call and not any(_means(one, call, host) for one in _uris(claims)):
        raise Denied("signature")
    return key


def named(ring: KeyRing, token: str) -> Key | None:
    """The key that a token names, whether it is its or not."""
    try:
        return ring.get(jwt.get_unverified_header(token[:_LONGEST]).get("kid"))
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None


def _read(ring: KeyRing, token: str) -> tuple[Key, Mapping[str, Any]]:
    """Key and claims of a token whose signature is right."""
    if not token or len(token) > _LONGEST or not token.isascii():
        raise Denied("form")
    try:
        key = ring.get(jwt.get_unverified_header(token).get("kid"))
        if key is None or key.public is None:
            raise Denied("unknown")
        elliptic = isinstance(key.public, EllipticCurvePublicKey)
        algorithm = "ES256" if elliptic else "EdDSA"
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key.public,
            algorithms=[algorithm],
            options=_UNCHECKED,  # type: ignore[arg-type]
        )
        return key, claims
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise Denied("signature") from None


def _second(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Denied("form")
    return value


def _uris(claims: Mapping[str, Any]) -> list[str]:
    several = claims.get("uris")
    listed = several if isinstance(several, list) else [claims.get("uri")]
    return [one for one in listed if isinstance(one, str)]


def _means(uri: str, call: str, host: str) -> bool:
    """Whether a claim is about a call; an optional scheme is dropped, hosts are compared without
    regard to case, and the venue's own with any port."""
    method, _, rest = uri.partition(" ")
    named, slash, path = re.sub("^https?://", "", rest).partition("/")
    named = named.lower()
    known = named == host.lower() or named.partition(":")[0] in HOSTS
    return known and f"{method} {slash}{path}" == call
