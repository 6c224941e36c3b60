"""The gateway from a venue's signed calls to the accounts: keys, owners, the exchange's clock.

The order of the checks (a choice; no venue documents one): limits and bans; parameters; form of
the key, key, time, signature, permission; counts; then what the endpoint itself refuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol, cast

import msgspec

from vocx.arguments import brief
from vocx.errors import BadInput
from vocx.lab.accounts.accounts import Accounts, Tradable
from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.dialects.base import KeyPair
from vocx.lab.dialects.shared import keys
from vocx.lab.dialects.shared.keys import (
    Authentication,
    Denied,
    Key,
    KeyRing,
    PublicKey,
    RequestWindow,
)
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.ports import MarketSimulation
from vocx.lab.settings import number

DEFAULT = "default"
"""The name of the account that the lab's own keys belong to."""
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class KeyPairs(Protocol):
    """A venue whose keys are all pairs: how one is drawn and read."""

    def draw(self, seed: bytes) -> KeyPair:
        """A key of the venue's form; its secret is the private half."""

    def public_of(self, secret: str) -> PublicKey:
        """The public half of a private key; raises ``BadInput`` for what is none."""


class AccountGateway:
    """Keys and accounts of one venue.

    Parameters
    ----------
    venue : str
        The venue's name; owners are ``venue:account``.
    simulation : MarketSimulation
        The markets, and whoever may trade on them.
    ring : KeyRing
        The venue's forms of keys.
    credentials : object or None
        ``key`` and ``secret`` (and ``passphrase``) of the lab's own account.
    start_ns : int
        The exchange's clock at the start.
    fees : FeeSchedule
        What an account of this venue pays for matches.
    pairs : KeyPairs or None
        Where the venue's keys are pairs, of Ed25519 or P-256; else secrets are those of HMAC.

    Attributes
    ----------
    accounts : Accounts or None
        Who may trade, with times by that clock; ``None`` in a replay, which takes no orders.
    records : Accounts
        The same to be read; in a replay there is nothing of anybody.
    """

    def __init__(
        self,
        venue: str,
        simulation: MarketSimulation,
        ring: KeyRing,
        credentials: Any,
        start_ns: int,
        fees: FeeSchedule,
        pairs: KeyPairs | None = None,
    ) -> None:
        self.accounts = simulation.accounts
        self.records = self.accounts or Accounts(_tradable(simulation), lambda at_ns: at_ns)
        self.keys = ring
        self.start_ns = start_ns
        self._fees = fees
        self._pairs = pairs
        self._venue = venue
        self._seed = credentials.secret.encode() if credentials is not None else b""
        self._numbers: dict[str, int] = {}
        self._drawn = 0
        self._open(DEFAULT, None)
        if credentials is not None:
            self.keys.add(
                Key(
                    key=credentials.key,
                    owner=self.owner(DEFAULT),
                    secret=credentials.secret.encode(),
                    passphrase=getattr(credentials, "passphrase", None) or "",
                    public=None if pairs is None else pairs.public_of(credentials.secret),
                )
            )

    @property
    def skew_ns(self) -> int:
        """How far the exchange's clock is ahead of the truth."""
        return self.records.skew_ns

    @skew_ns.setter
    def skew_ns(self, skew_ns: int) -> None:
        self.records.skew_ns = skew_ns

    def owner(self, name: str) -> str:
        """The owner of an account of this venue."""
        return f"{self._venue}:{name}"

    def authenticate(
        self,
        shown: Authentication,
        window: RequestWindow,
        now_ns: int,
        *,
        trade: bool = False,
        peer: str = "",
    ) -> Key:
        """Whose request it is, by the exchange's clock as it is set; raises ``Denied``. ``peer``
        is where it came from, for keys that are bound to addresses."""
        key = self.keys.authenticate(shown, window, now_ns + self.skew_ns)
        if peer and key.addresses and peer not in key.addresses:
            raise Denied("address")
        if trade and not key.trade:
            raise Denied("permission")
        return key

    def updated_ns(self, owner: str) -> int:
        """When a balance last changed, by the exchange's clock; at the start while none has."""
        changed_ns = self.records.updated_ns(owner)
        return self.start_ns + self.skew_ns if changed_ns is None else changed_ns

    def new_id(self, length: int = 22, signs: str = LETTERS) -> str:
        """An id for an order or a cancel that brings none; the same again for the same seed."""
        self._drawn += 1
        digest = keys.derived(self._seed, f"{self.start_ns}/{self._drawn}")
        number = int.from_bytes(digest)
        return "".join(signs[number // len(signs) ** at % len(signs)] for at in range(length))

    def number_of(self, owner: str) -> int:
        """An account's number, where a venue shows one."""
        return self._numbers[owner]

    # -- the owner of the lab ------------------------------------------------------------------

    def account_command(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Open an account, or give one another key; the key pair that belongs to it.

        ``name`` (default: a new one), ``balances`` (asset to text; default: a decent start),
        ``key``, ``secret`` and ``passphrase`` (default: random, and none), ``ed25519=True`` for an
        Ed25519 pair whose ``secret`` is the private key as PEM, or ``public_key`` (PEM) of a pair
        made elsewhere; ``trade=False`` for a key that may only read, ``addresses`` for one that
        is bound to some, ``demo`` for one of the venue's paper trading. ``revoke`` alone
        takes a key away.
        """
        given = dict(arguments)
        if "revoke" in given:
            self.keys.revoke(str(given.pop("revoke")))
            _nothing_left(given, "revoke stands alone")
            return {"revoked": True}
        name = str(given.pop("name", None) or f"account-{len(self._numbers) + 1}")
        balances, key = given.pop("balances", None), given.pop("key", None)
        secret, public = given.pop("secret", None), given.pop("public_key", None)
        ed25519, trade = bool(given.pop("ed25519", False)), bool(given.pop("trade", True))
        passphrase = str(given.pop("passphrase", None) or "")
        addresses = tuple(map(str, given.pop("addresses", ())))
        demo = bool(given.pop("demo", False))
        _nothing_left(
            given,
            "use name, balances, key, secret, passphrase, ed25519, public_key, trade, addresses, "
            "demo, revoke",
        )
        if (secret is not None) + (public is not None) + ed25519 > 1:
            raise BadInput("give one of secret, public_key and ed25519, not several")
        owner = self.owner(name)
        if owner in self._numbers and balances is not None:
            raise BadInput(f"the account {name!r} exists; its balances are what trading made them")
        self._drawn += 1
        seed = keys.derived(self._seed, f"key {name} {self._drawn}")
        made = None if self._pairs is None else self._pairs.draw(seed)
        drawn = key or (self.keys.write(keys.derived(seed, "key")) if made is None else made.key)
        if self.keys.passphrases and not passphrase:
            passphrase = self.keys.write(keys.derived(seed, "passphrase"))[:16]
        pair = Key(
            key=drawn,
            owner=owner,
            passphrase=passphrase,
            trade=trade,
            addresses=addresses,
            demo=demo,
        )
        if public is not None:
            read = keys.read_public(str(public), elliptic=self._pairs is not None)
            pair = msgspec.structs.replace(pair, public=read)
        elif ed25519:
            pair = msgspec.structs.replace(pair, public=keys.public_of(seed))
            secret = keys.private_pem(seed)
        elif self._pairs is not None and made is not None:
            secret = str(secret or made.secret)
            pair = msgspec.structs.replace(pair, public=self._pairs.public_of(secret))
        else:
            secret = str(secret or seed.hex())
            pair = msgspec.structs.replace(pair, secret=secret.encode())
        self._open(name, balances)
        self.keys.add(pair)
        answer = {"account": name, "key": drawn, "secret": secret}
        if passphrase:
            answer["passphrase"] = passphrase
        if pair.public is not None:
            answer["public_key"] = keys.public_pem(pair.public)
        return answer

    def skew_command(self, arguments: Mapping[str, Any]) -> dict[str, float]:
        """``seconds``: set the exchange's clock ahead (or behind, below 0) of the truth."""
        seconds = arguments.get("seconds", self.skew_ns / NS_PER_S)
        if set(arguments) - {"seconds"}:
            raise BadInput("skew has one setting: seconds, a number from -86400 to 86400")
        self.skew_ns = int(number("seconds", seconds, -86_400, 86_400) * NS_PER_S)
        return {"seconds": self.skew_ns / NS_PER_S}

    def _open(self, name: str, balances: Any) -> None:
        owner = self.owner(name)
        if owner not in self.records.owners:
            amounts = None if balances is None else _amounts(balances)
            self.records.open(owner, {} if self.accounts is None else amounts, self._fees)
        self._numbers.setdefault(owner, 700_001 + len(self._numbers))


def _tradable(simulation: MarketSimulation) -> Sequence[Tradable]:
    """The markets of a replay, of which accounts need no more than the names and steps."""
    return cast(Sequence[Tradable], tuple(simulation.markets.values()))


def _nothing_left(given: Mapping[str, Any], text: str) -> None:
    if given:
        raise BadInput(f"account has no {sorted(given)[0]!r} here; {text}")


def _amounts(balances: Any) -> dict[str, Decimal]:
    """Balances as they come over the control port: asset to number text."""
    if not isinstance(balances, Mapping):
        raise BadInput('balances is an asset-to-text mapping: {"USDT": "1000"}')
    amounts = {}
    for asset, text in balances.items():
        if not isinstance(text, str | int) or isinstance(text, bool):
            raise BadInput(f'{asset} is {brief(text)}; write it as text: "0.5"')
        try:
            amounts[str(asset)] = Decimal(text)
        except InvalidOperation:
            raise BadInput(f'{asset} is {brief(text)}; write it as text: "0.5"') from None
    return amounts
