"""Keys, signatures and timestamps of signed requests (wire notes, section 3, 2026-07-21).

What is signed is what was sent: on REST the raw query and the raw body without ``signature``, one
after the other with nothing between; on the WebSocket API the parameters sorted by name, as UTF-8
without percent-encoding. Nothing is decoded and encoded again, so that a signature made before
percent-encoding fails where the two differ (the rule since 2026-01-15).
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from vocx.errors import BadInput
from vocx.lab.dialects.binance.params import Params, as_text, illegal
from vocx.lab.dialects.binance.wire import NS_PER_MS, NS_PER_US, Refusal

DEFAULT_WINDOW_MS = Decimal(5_000)
LONGEST_WINDOW_MS = Decimal(60_000)
AHEAD_NS = 1_000 * NS_PER_MS
"""How far a timestamp may be ahead of the exchange's clock, exclusive."""
KEY_FORM = re.compile(r"[A-Za-z0-9]{64}")
_WINDOW_RANGE = r"^[0-9]{1,20}(\.[0-9]{1,3})?$"
_WINDOW = re.compile(r"[0-9]{1,20}(\.[0-9]{1,3})?")
_SIGNATURE = b"signature="


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One API key: whose it is, what it may do, and how its signatures are checked.

    ``public`` makes it an Ed25519 key; otherwise ``secret`` is that of HMAC-SHA256.
    """

    key: str
    owner: str
    secret: bytes = b""
    public: Ed25519PublicKey | None = None
    trade: bool = True

    def made(self, payload: bytes, signature: str) -> bool:
        """Whether a signature is this key's: hex in any case, or base64 exactly."""
        if self.public is None:
            expected = hmac.new(self.secret, payload, sha256).hexdigest()
            return hmac.compare_digest(expected.encode(), signature.lower().encode())
        try:
            self.public.verify(b64decode(signature, validate=True), payload)
        except (InvalidSignature, ValueError):
            return False
        return True


class Timing(msgspec.Struct, frozen=True):
    """``timestamp`` and ``recvWindow`` of one request, their form already checked."""

    sent_ns: int
    window_ns: int

    @classmethod
    def of(cls, params: Params) -> Timing:
        """Read both; milliseconds or microseconds, and a window of at most 60,000 ms."""
        sent_ns = params.time_ns("timestamp")
        assert sent_ns is not None, "timestamp is mandatory"
        text = params.text("recvWindow")
        if text is None:
            return cls(sent_ns, int(DEFAULT_WINDOW_MS) * NS_PER_MS)
        if not _WINDOW.fullmatch(text) or not text.isascii():
            raise illegal("recvWindow", _WINDOW_RANGE)
        window = Decimal(text)
        if window > LONGEST_WINDOW_MS:
            raise Refusal(
                -1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000."
            )
        return cls(sent_ns, int(window * NS_PER_MS))

    def check(self, now_ns: int) -> None:
        """Refuse what is 1 s ahead or older than its window (-1021)."""
        now_ns -= now_ns % NS_PER_US
        if self.sent_ns >= now_ns + AHEAD_NS:
            raise Refusal(
                -1021, "Timestamp for this request was 1000ms ahead of the server's time."
            )
        if now_ns - self.sent_ns > self.window_ns:
            raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What a request shows for itself: the key it names, what it signed, the signature; or the
    key that its connection has logged on with."""

    key: str | None
    payload: bytes = b""
    signature: str = ""
    session: Key | None = None


class KeyRing:
    """The keys that the exchange knows."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def add(self, key: Key) -> Key:
        """Make a key known.

        Raises
        ------
        BadInput
            Unless it is 64 letters and digits, and new.
        """
        if not KEY_FORM.fullmatch(key.key):
            raise BadInput(f"an API key is 64 letters and digits; this has {len(key.key)} signs")
        if key.key in self._keys:
            raise BadInput("this API key is known already; choose another")
        self._keys[key.key] = key
        return key

    def revoke(self, key: str) -> None:
        """Forget a key."""
        if self._keys.pop(key, None) is None:
            raise BadInput("no such API key; it may have been revoked already")

    def get(self, key: Any) -> Key | None:
        """A key by its text."""
        return self._keys.get(key) if isinstance(key, str) else None

    def knows(self, key: Key) -> bool:
        return self._keys.get(key.key) is key

    def authenticated(self, proof: Proof, timing: Timing, now_ns: int) -> Key:
        """Whose request it is: form of the key, key, time, signature, in this order."""
        key = proof.session
        if key is None:
            if proof.key is None or not KEY_FORM.fullmatch(proof.key):
                raise Refusal(-2014, "API-key format invalid.", status=401)
            key = self._keys.get(proof.key)
            if key is None:
                raise not_permitted()
        timing.check(now_ns)
        if proof.session is None and not key.made(proof.payload, proof.signature):
            raise Refusal(-1022, "Signature for this request is not valid.")
        return key


def not_permitted() -> Refusal:
    """-2015."""
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def rest_payload(query: str, body: bytes) -> bytes:
    """What a REST request signs: raw query and raw body, each without its signature."""
    return _unsigned(query.encode()) + _unsigned(body)


def _unsigned(raw: bytes) -> bytes:
    if _SIGNATURE not in raw:
        return raw
    return b"&".join(pair for pair in raw.split(b"&") if not pair.startswith(_SIGNATURE))


def api_payload(sent: Mapping[str, Any]) -> bytes:
    """What a WebSocket API request signs: its parameters by name, numbers as they were written."""
    pairs = sorted((name, as_text(value)) for name, value in sent.items() if name != "signature")
    return "&".join(f"{name}={value}" for name, value in pairs).encode()


# -- key pairs ---------------------------------------------------------------------------------


def derived(seed: bytes, label: str) -> bytes:
    """32 bytes that only who knows the seed can guess."""
    return hmac.new(seed, label.encode(), sha256).digest()


def private_pem(seed: bytes) -> str:
    """The Ed25519 private key of a 32-byte seed, as PKCS#8 PEM."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_of(seed: bytes) -> Ed25519PublicKey:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key()


def read_public(text: str) -> Ed25519PublicKey:
    """A public key as PEM, or as the base64 inside it.

    Raises
    ------
    BadInput
        For anything but an Ed25519 public key.
    """
    try:
        if "BEGIN" in text:
            key = load_pem_public_key(text.encode())
        else:
            key = load_der_public_key(b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput("public_key is no Ed25519 public key; give it as PEM (BEGIN PUBLIC KEY)")
    return key


def public_pem(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
