"""Facts about an account: its orders, fills and balances. Only its owner sees them."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from msgspec.structs import force_setattr

from vocx.arguments import without_exponent
from vocx.errors import Outcome, VocxError
from vocx.facts.base import Fact, Side, forget_negative, is_absent
from vocx.timing import HttpCall

OrderType = Literal["limit", "market", "post_only"]
TimeInForce = Literal["GTC", "IOC", "FOK"]
OrderStatus = Literal[
    "new", "partially_filled", "filled", "canceled", "expired", "rejected", "tested"
]
Source = Literal["rest", "stream"]


class Fill(Fact, frozen=True, kw_only=True):
    """One match of one of your orders. ``id`` is the trade id; ``fee`` was taken in
    ``fee_asset``; ``maker`` True when your order was resting, ``None`` where the venue does not
    say.

    ``derived``: the venue told only how much the order grew, so this may stand for several
    matches, under an id of ours; the exact rows are to be had by REST.
    """

    symbol: str
    id: int | str
    order_id: int | str
    side: Side
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str | None
    maker: bool | None
    client_order_id: str | None = None
    derived: bool = False
    source: Source = "rest"

    @property
    def role(self) -> str:
        """``"maker"`` or ``"taker"``; empty where the venue does not say."""
        if self.maker is None:
            return ""
        return "maker" if self.maker else "taker"


class Order(Fact, frozen=True, kw_only=True):
    """One of your orders as the venue last told it.

    ``quantity`` is ``None`` for a market order by ``quote_quantity`` until the venue has worked
    it out; ``filled`` and ``filled_quote`` are cumulative, in base and quote. ``exchange_ns`` is
    the venue's time of the last change, ``created_ns`` that of its acceptance. ``reason`` is the
    venue's word for why it expired or was rejected. ``source`` says how this was learnt. Status
    ``"tested"`` is an order that was only checked: it has no ``id`` and does not exist.
    """

    symbol: str
    id: int | str
    client_order_id: str
    side: Side
    type: OrderType
    status: OrderStatus
    quantity: Decimal | None
    filled: Decimal
    filled_quote: Decimal | None
    price: Decimal | None = None
    quote_quantity: Decimal | None = None
    time_in_force: TimeInForce | None = None
    created_ns: int | None = None
    reason: str | None = None
    fills: tuple[Fill, ...] = ()
    source: Source = "rest"
    http: HttpCall | None = None

    def __post_init__(self) -> None:
        if self.price is not None and is_absent(self.price):
            force_setattr(self, "price", None)
        forget_negative(self, "filled_quote", "quantity", "quote_quantity")

    @property
    def open(self) -> bool:
        """Whether it can still be filled or cancelled."""
        return self.status in ("new", "partially_filled")

    @property
    def average_price(self) -> Decimal | None:
        """What was paid or received per unit so far; ``None`` while that is unknown."""
        if self.filled_quote is None or self.filled_quote <= 0 or self.filled <= 0:
            return None
        return without_exponent(self.filled_quote / self.filled)


class OrderAck(Fact, frozen=True, kw_only=True):
    """A venue's word that it received what was asked of an order, and no more: whether it rests,
    was filled or was turned down after all, the order's own state tells (``ex.order(ack)``)."""

    symbol: str
    id: int | str
    client_order_id: str | None = None
    status: Literal["acknowledged"] = "acknowledged"
    source: Source = "rest"
    http: HttpCall | None = None


class OrderResult(Fact, frozen=True, kw_only=True):
    """What became of one of several orders that were placed, or cancelled, in one go.

    ``outcome`` is ``"accepted"``, ``"refused"``, ``"not_sent"`` or ``"unknown"`` (see
    :mod:`vocx.errors`), of a cancel that of the cancel. ``order`` is what the venue said of an
    accepted one; in every other case ``error`` says why. ``ex.order(result)`` asks for the order.
    """

    symbol: str
    outcome: Outcome
    id: int | str | None = None
    client_order_id: str | None = None
    error: VocxError | None = None
    order: Order | OrderAck | None = None
    http: HttpCall | None = None


class CancelTimer(Fact, frozen=True, kw_only=True):
    """A countdown that runs at the venue: when it is over, all open orders of the account are
    cancelled, unless it was set anew. ``fires_ns`` is the moment by the venue's clock, ``None``
    where none runs any more."""

    seconds: int
    fires_ns: int | None
    http: HttpCall | None = None


class Balance(Fact, frozen=True, kw_only=True):
    """What an account has of one asset: ``free`` to use and ``locked`` by open orders."""

    asset: str
    free: Decimal
    locked: Decimal
    source: Source = "rest"

    @property
    def total(self) -> Decimal:
        return self.free + self.locked
