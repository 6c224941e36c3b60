"""The office: where signed requests are checked, and what they share.

The order of the checks (ours, the documentation has none): limits and bans; parameters; form of
the key (-2014), key (-2015), time (-1021), signature (-1022), permission (-2015); the count of
orders (-1015); then what the endpoint itself refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from vocx.errors import BadInput
from vocx.lab.accounts.accounts import Accounts
from vocx.lab.dialects.binance import signatures
from vocx.lab.dialects.binance.calls import Call, Endpoint
from vocx.lab.dialects.binance.order_counts import OrderCounts
from vocx.lab.dialects.binance.params import Params
from vocx.lab.dialects.binance.reports import Writer
from vocx.lab.dialects.binance.signatures import Key, KeyRing, Proof, Timing, not_permitted
from vocx.lab.dialects.binance.user_data import UserData
from vocx.lab.dialects.binance.weights import Meter
from vocx.lab.dialects.binance.wire import NS_PER_S, Numbers, Refusal
from vocx.lab.events import AnyEvent
from vocx.lab.ports import MarketSimulation

DEFAULT = "default"
"""The name of the account that the lab's own keys belong to."""
_OWNER = "binance:"
_SIGNED = ("timestamp", "recvWindow", "signature")


class SignedEndpoint(Endpoint, frozen=True, kw_only=True):
    """An endpoint that needs a key. ``form`` reads the parameters before the key is looked at;
    ``trade``: the key must be allowed to trade; ``free``: costs nothing where it succeeds;
    ``places``: an order that counts."""

    form: Callable[[Params], Any] = lambda params: None
    trade: bool = False
    free: bool = False
    places: bool = False


class SignedCall(Call, frozen=True, kw_only=True):
    """One call whose key is known. ``form`` is what the endpoint read of its parameters."""

    office: Office
    owner: str
    form: Any

    @property
    def accounts(self) -> Accounts | None:
        return self.office.accounts

    def own_stamp(self, at_ns: int) -> int:
        """A time of the account's own records, by the exchange's clock as it is set."""
        return self.stamp(at_ns + self.skew_ns)

    def writer(self, numbers: Numbers) -> Writer:
        return Writer(numbers, self.own_stamp, self.office.strategies)


class Answer(msgspec.Struct, frozen=True):
    """What a signed call gave, whose it was, and its extra headers."""

    body: Any
    owner: str
    headers: Mapping[str, str] = {}


class Office:
    """Keys, order counts, subscribers and accounts of one venue.

    Attributes
    ----------
    pending : list
        Events that requests have caused and that nobody has been told yet.
    skew_ns : int
        How far the exchange's clock is ahead of the truth.
    """

    def __init__(
        self,
        simulation: MarketSimulation,
        meter: Meter,
        users: UserData,
        credentials: Any,
        start_ns: int,
    ) -> None:
        self.accounts = simulation.accounts
        self.meter = meter
        self.users = users
        self.counts = OrderCounts(meter)
        self.strategies = users.strategies
        self.keys = KeyRing()
        self.start_ns = start_ns
        self.pending: list[AnyEvent] = []
        self.skew_ns = 0
        self._seed = credentials.secret.encode() if credentials is not None else b""
        self._numbers: dict[str, int] = {}
        self._drawn = 0
        self._open(DEFAULT, None)
        if credentials is not None:
            secret = credentials.secret.encode()
            self.keys.add(Key(key=credentials.key, owner=_OWNER + DEFAULT, secret=secret))

    # -- signed calls --------------------------------------------------------------------------

    def answer(self, endpoint: SignedEndpoint, call: Call, proof: Proof, peer: str) -> Answer:
        """Check and carry out one signed call; raises :class:`Refusal`.

        Its weight has been charged already.
        """
        key, form = self.admitted(
            call, proof, endpoint.allowed, endpoint.mandatory, endpoint.form, trade=endpoint.trade
        )
        if endpoint.places:
            self.counts.admit(key.owner, peer, call.now_ns)
        signed = SignedCall(
            catalogue=call.catalogue,
            params=call.params,
            now_ns=call.now_ns,
            unit_ns=call.unit_ns,
            skew_ns=call.skew_ns,
            office=self,
            owner=key.owner,
            form=form,
        )
        body = endpoint.answer(signed)
        if endpoint.free:
            self.meter.give_back(peer, endpoint.weight(call.params), call.now_ns)
        headers = self.counts.headers(key.owner, call.now_ns) if endpoint.places else {}
        return Answer(body, key.owner, headers)

    def admitted(
        self,
        call: Call,
        proof: Proof,
        allowed: tuple[str, ...],
        mandatory: tuple[str, ...],
        form: Callable[[Params], Any],
        *,
        trade: bool = False,
    ) -> tuple[Key, Any]:
        """The key of a signed request and the form of its parameters, all checks passed."""
        needed = ("timestamp",) if proof.session is not None else ("timestamp", "signature")
        call.params.admit((*allowed, *_SIGNED), (*mandatory, *needed))
        timing = Timing.of(call.params)
        read = form(call.params)
        key = self.keys.authenticated(proof, timing, call.clock_ns)
        if trade and not key.trade:
            raise not_permitted()
        return key, read

    def changed(self, events: Iterable[AnyEvent], now_ns: int) -> None:
        """A call has changed the simulation; everybody is told after its answer."""
        happened = list(events)
        self.users.note(happened)
        self.counts.happened(happened, now_ns)
        self.pending += happened

    def market(self) -> Accounts:
        """The accounts that can trade; a recording takes no orders."""
        if self.accounts is None:
            raise Refusal(-1013, "Market is closed.")
        return self.accounts

    def new_id(self) -> str:
        """A client order id of 22 signs for an order or a cancel that brings none."""
        self._drawn += 1
        digest = signatures.derived(self._seed, f"{self.start_ns}/{self._drawn}")
        number = int.from_bytes(digest[:17])
        return "".join(_SIGNS[number // 62**place % 62] for place in range(22))

    def uid(self, owner: str) -> int:
        return self._numbers[owner]

    # -- the owner of the lab ------------------------------------------------------------------

    def account_command(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Open an account, or give one another key; the key pair that belongs to it.

        ``name`` (default: a new one), ``balances`` (asset to text; default: a decent start),
        ``key`` and ``secret`` (default: random), ``ed25519=True`` for an Ed25519 pair whose
        ``secret`` is the private key as PEM, or ``public_key`` (PEM) of a pair made elsewhere;
        ``trade=False`` for a key that may only read. ``revoke`` alone takes a key away.
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
        _nothing_left(given, "use name, balances, key, secret, ed25519, public_key, trade, revoke")
        if (secret is not None) + (public is not None) + ed25519 > 1:
            raise BadInput("give one of secret, public_key and ed25519, not several")
        if _OWNER + name in self._numbers and balances is not None:
            raise BadInput(f"the account {name!r} exists; its balances are what trading made them")
        self._drawn += 1
        seed = signatures.derived(self._seed, f"key {name} {self._drawn}")
        drawn = key or signatures.derived(seed, "key").hex()
        if public is not None:
            pair = Key(key=drawn, owner=_OWNER + name, public=signatures.read_public(str(public)))
        elif ed25519:
            pair = Key(key=drawn, owner=_OWNER + name, public=signatures.public_of(seed))
        else:
            secret = str(secret or seed.hex())
            pair = Key(key=drawn, owner=_OWNER + name, secret=secret.encode())
        self._open(name, balances)
        self.keys.add(msgspec.structs.replace(pair, trade=trade))
        answer = {"account": name, "key": drawn, "secret": secret}
        if pair.public is not None:
            answer["secret"] = signatures.private_pem(seed) if ed25519 else None
            answer["public_key"] = signatures.public_pem(pair.public)
        return answer

    def skew_command(self, arguments: Mapping[str, Any]) -> dict[str, float]:
        """``seconds``: set the exchange's clock ahead (or behind, below 0) of the truth."""
        seconds = arguments.get("seconds", self.skew_ns / NS_PER_S)
        fine = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if set(arguments) - {"seconds"} or not fine or not abs(seconds) <= 86_400:
            raise BadInput("skew has one setting: seconds, a number from -86400 to 86400")
        self.skew_ns = int(seconds * NS_PER_S)
        self.users.skew_ns = self.skew_ns
        return {"seconds": self.skew_ns / NS_PER_S}

    def _open(self, name: str, balances: Any) -> None:
        owner = _OWNER + name
        if self.accounts is not None and owner not in self.accounts.owners:
            self.accounts.open(owner, None if balances is None else _amounts(balances))
        self._numbers.setdefault(owner, 700_001 + len(self._numbers))


_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


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
            raise BadInput(f'{asset} is {text!r}; write it as text: "0.5"')
        try:
            amounts[str(asset)] = Decimal(text)
        except InvalidOperation:
            raise BadInput(f'{asset} is {text!r}; write it as text: "0.5"') from None
    return amounts
