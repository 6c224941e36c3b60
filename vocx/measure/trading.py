"""Accounts of a measurement's own, so that yours stays as it was: its orders, its count of orders
and its balances are not touched.

They are opened in the lab by name (and found again by the next measurement), with a key that is
taken away at the end. Orders travel as everywhere in this package: by :class:`vocx.rest.Client`.
"""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, cast

from vocx.errors import BadInput, LabError, OrderNotFound
from vocx.facts import Instrument, Order, OrderAck, OrderType, Side, TimeInForce
from vocx.measure.result import lab_of
from vocx.rest import Client
from vocx.stream.account import AccountAccess
from vocx.timing import wall_ns
from vocx.venues.base import CancelAll, Credentials, GetOrder, GetTime, PlaceOrder

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab


class Trader:
    """An account at the lab's exchange, for as long as something is measured. Close it.

    Parameters
    ----------
    exchange : Exchange
        Where; its clock is used, nothing else of it.
    name : str
        Of the account. One that exists keeps its balances.
    balances : mapping, optional
        Free amounts by asset for a new one; a decent start by default.
    """

    def __init__(
        self, exchange: Exchange, name: str, *, balances: Mapping[str, int] | None = None
    ) -> None:
        self.exchange, self.name = exchange, name
        self.lab = trading_lab(exchange)
        self._keys: list[str] = []
        self._resting: set[str] = set()
        self._numbers = 0
        self._first_id = secrets.randbits(96) << 24
        self._offset_ns = exchange.clock.offset_ns
        try:
            self.key = self.new_key(balances=balances)
        except BadInput:  # it exists, and keeps what it has
            self.key = self.new_key()
        self.rest = self.client()

    def new_key(
        self, *, ed25519: bool = False, balances: Mapping[str, int] | None = None
    ) -> Credentials:
        """A key of this account, revoked by :meth:`close`."""
        venue = self.exchange.venue.name
        more = {"ed25519": True} if ed25519 else {}
        key = self.lab.account(self.name, balances=balances, venue=venue, **more)
        self._keys.append(key.key)
        return key

    def client(self) -> Client:
        """REST with connections of its own; close it. Nothing brakes it before the limit."""
        return Client(self.exchange.venue, self.exchange.environment)

    def access(self, key: Credentials | None = None) -> AccountAccess:
        """What a private connection needs to log in, with a key of this account."""
        used = key or self.key
        return AccountAccess(
            credentials=lambda: used, now_ns=self.now_ns, measure_clock=lambda: None
        )

    @property
    def owner(self) -> str:
        """The account as the lab's log calls it."""
        return f"{self.exchange.venue.name}:{self.name}"

    def now_ns(self) -> int:
        """The exchange's clock, as this machine knows it."""
        return wall_ns() + self._offset_ns

    def order(
        self,
        symbol: str,
        side: Side,
        quantity: Decimal,
        price: Decimal,
        *,
        type: OrderType = "limit",
        time_in_force: TimeInForce | None = None,
    ) -> PlaceOrder:
        """An order that can be sent, under an id of its own."""
        self._numbers += 1
        return PlaceOrder(
            symbol=symbol,
            side=side,
            type=type,
            quantity=quantity,
            price=price,
            time_in_force=time_in_force,
            client_order_id=self.exchange.venue.make_client_order_id(
                self._first_id + self._numbers
            ),
            instrument=self.exchange.instrument(symbol),
        )

    def place(self, order: PlaceOrder) -> Order:
        """Send it by REST. What may rest afterwards is cancelled by :meth:`close`."""
        if order.time_in_force not in ("IOC", "FOK"):
            self._resting.add(order.symbol)
        placed = self.rest.call(order, self.key, self.now_ns)
        if isinstance(placed, OrderAck):
            asked = GetOrder(symbol=placed.symbol, id=placed.id)
            placed = self.rest.call(asked, self.key, self.now_ns)
        return cast(Order, placed)

    def close(self) -> None:
        """Cancel what rests, close the connections, take the keys away."""
        try:
            for symbol in self._resting:
                with suppress(OrderNotFound):  # nothing rests any more
                    self.rest.call(CancelAll(symbol=symbol), self.key, self.now_ns)
        finally:
            self.rest.close()
            with suppress(LabError):  # where the lab is gone, so are they
                while self._keys:
                    self.lab.control(
                        "account", revoke=self._keys.pop(), venue=self.exchange.venue.name
                    )

    def __enter__(self) -> Trader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def trading_lab(exchange: Exchange) -> Lab:
    """The lab behind an exchange, if it takes orders.

    Raises
    ------
    BadInput
        There is no lab, or it plays a recording.
    """
    lab = lab_of(exchange)
    if lab.config.replay:
        raise BadInput(
            "a recording takes no orders: measure this in a lab with a market of its own, "
            'vocx.connect("binance", lab=vocx.lab.open(name="live"))'
        )
    return lab


def small(instrument: Instrument, price: Decimal) -> Decimal:
    """About twice the smallest quantity that may be ordered at a price."""
    zero = Decimal(0)
    worth = 2 * (instrument.min_notional or zero) / price
    least = max(instrument.min_quantity or zero, worth, instrument.lot)
    return (least / instrument.lot).to_integral_value(ROUND_CEILING) * instrument.lot


def warmed(client: Client) -> Client:
    """The client with a connection that is open."""
    client.call(GetTime())
    return client


def key_kind(key: Credentials) -> str:
    """What a key of a lab's account signs with: ``"HMAC"``, or ``"Ed25519"`` where its secret is a
    private key (PEM, or 64 bytes in base64)."""
    if key.secret.startswith("-----BEGIN"):
        return "Ed25519"
    try:
        return "Ed25519" if len(b64decode(key.secret, validate=True)) == 64 else "HMAC"
    except ValueError:
        return "HMAC"
