"""Keys, signatures, and the window of time in which a signed request counts.

What is signed and how a refusal reads is the venue's; here a failed check is :class:`Denied`.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Literal

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
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

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey

Reason = Literal[
    "form", "unknown", "passphrase", "ahead", "late", "signature", "address", "permission"
]
"""Why a signed request is refused: the form of its key, a key that nobody has, a wrong
passphrase, a time ahead or behind, a wrong signature, an address that the key is not bound to, a
key that may not do this."""


class Denied(Exception):
    """A signed request failed a check; the dialect says it in its venue's words."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One API key: whose it is, what it may do, and how its signatures are checked.

    ``public`` makes it a key of a pair (Ed25519 here; a venue with other pairs checks them
    itself); otherwise ``secret`` is that of HMAC-SHA256. ``demo``: for paper trading. ``addresses``
    are those that it is bound to; none: it is not.
    """

    key: str
    owner: str
    secret: bytes = b""
    passphrase: str = ""
    public: PublicKey | None = None
    trade: bool = True
    demo: bool = False
    addresses: tuple[str, ...] = ()

    def signed(
        self, payload: bytes, signature: str, encoding: Literal["hex", "base64"] = "hex"
    ) -> bool:
        """Whether a signature is this key's: HMAC as hex in any case or as base64, Ed25519 as
        base64."""
        if self.public is None:
            digest = hmac.new(self.secret, payload, sha256)
            if encoding == "hex":
                expected, given = digest.hexdigest(), signature.lower()
            else:
                expected, given = b64encode(digest.digest()).decode(), signature
            return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))
        if not isinstance(self.public, Ed25519PublicKey):
            return False
        try:
            self.public.verify(b64decode(signature, validate=True), payload)
        except (InvalidSignature, ValueError):
            return False
        return True


class RequestWindow(msgspec.Struct, frozen=True):
    """When a request says that it was sent, and how far that may be from the exchange's clock:
    at most ``behind_ns`` behind it, and less than ``ahead_ns`` ahead."""

    sent_ns: int
    behind_ns: int
    ahead_ns: int

    def check(self, clock_ns: int) -> None:
        """Raise :class:`Denied` outside of the window."""
        if self.sent_ns >= clock_ns + self.ahead_ns:
            raise Denied("ahead")
        if clock_ns - self.sent_ns > self.behind_ns:
            raise Denied("late")


class Authentication(msgspec.Struct, frozen=True, kw_only=True):
    """What a request shows for itself: the key it names, what it signed, the signature; or the
    key that its connection has logged in with (``session``)."""

    key: str | None = None
    payload: bytes = b""
    signature: str = ""
    passphrase: str = ""
    session: Key | None = None


class KeyRing:
    """The keys that the exchange knows.

    Parameters
    ----------
    form : str
        Pattern of a key; :attr:`form_text` says it in words.
    encoding : str
        How signatures of HMAC keys are written.
    write : callable
        How 32 random bytes become a key.
    passphrases : bool
        Whether every key has a passphrase.
    """

    def __init__(
        self,
        form: str,
        form_text: str,
        encoding: Literal["hex", "base64"] = "hex",
        *,
        write: Callable[[bytes], str] = bytes.hex,
        passphrases: bool = False,
    ) -> None:
        self.write = write
        self.passphrases = passphrases
        self.form = re.compile(form)
        self.form_text = form_text
        self._encoding: Literal["hex", "base64"] = encoding
        self._keys: dict[str, Key] = {}

    def add(self, key: Key) -> Key:
        """Make a key known.

        Raises
        ------
        BadInput
            For another form, and for a key that is known already.
        """
        if not self.form.fullmatch(key.key):
            signs = len(key.key)
            raise BadInput(f"an API key is {self.form_text}; this has {signs} signs")
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
        """Whether a key is (still) valid."""
        return self._keys.get(key.key) is key

    def authenticate(self, shown: Authentication, window: RequestWindow, clock_ns: int) -> Key:
        """Whose request it is: form of the key, key, passphrase, time, signature, in this order.

        Raises
        ------
        Denied
            By the first check that fails.
        """
        key = shown.session
        if key is None:
            if shown.key is None or not self.form.fullmatch(shown.key):
                raise Denied("form")
            key = self._keys.get(shown.key)
            if key is None:
                raise Denied("unknown")
            if key.passphrase != shown.passphrase:
                raise Denied("passphrase")
        window.check(clock_ns)
        if shown.session is None and not key.signed(shown.payload, shown.signature, self._encoding):
            raise Denied("signature")
        return key


# -- key pairs ---------------------------------------------------------------------------------


def derived(seed: bytes, label: str) -> bytes:
    """32 bytes that only who knows the seed can guess."""
    return hmac.new(seed, label.encode(), sha256).digest()


def private_pem(seed: bytes) -> str:
    """The Ed25519 private key of a 32-byte seed, as PKCS#8 PEM."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_of(seed: bytes) -> Ed25519PublicKey:
    """The Ed25519 public key of a 32-byte seed."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key()


def read_public(text: str, elliptic: bool = False) -> PublicKey:
    """A public key as PEM, or as the base64 inside it; ``elliptic``: it may be of P-256, too.

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
    if elliptic and isinstance(key, EllipticCurvePublicKey) and key.curve.name == "secp256r1":
        return key
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput("public_key is no Ed25519 public key; give it as PEM (BEGIN PUBLIC KEY)")
    return key


def public_pem(key: PublicKey) -> str:
    """A public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
