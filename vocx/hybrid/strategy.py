"""What a strategy sees, what it answers, and what becomes of the answer. Pure.

A strategy is a plain function from a :class:`View` to the orders that it wants to rest. It never
places, cancels or waits: the client compares what is wanted with what there is
(:func:`compare`) and does the difference, within :class:`Bounds`.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec.structs import force_setattr

from vocx.arguments import brief, check_count, check_name, check_number, digits, written_fields
from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.exchange.pnl import ProfitAndLoss
from vocx.facts import Balance, BookSnapshot, OrderType, Side, Trade, exact
from vocx.hybrid.orders import OwnOrder

Source = Literal["stream", "rest", "none"]
_ZERO = Decimal(0)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a strategy may know, as of one moment.

    Attributes
    ----------
    now_ns : int
        When this was put together, nanoseconds since the epoch.
    book : BookSnapshot or None
        The best levels; ``None`` where no book can be vouched for.
    trade : Trade or None
        The latest public trade.
    age_ms : float or None
        How old the book is: now less the moment up to which it is complete, with proof of life.
        It is *not* the time since the last message. ``None`` while nothing proves it.
    source : str
        Where the book comes from: ``"stream"``, ``"rest"`` (polled, because the stream is
        stale), ``"none"``.
    orders : tuple of OwnOrder
        Orders of this client that rest, or may.
    balances : mapping
        By asset, as last told.
    account_age_ms : float or None
        How old orders and balances are.
    pnl : ProfitAndLoss
        What this client's fills come to, the position valued at the middle of the book.
    ready : bool
        The client would act on this view: in sync, fresh enough, no maintenance.
    why : str
        Why not.
    """

    symbol: str
    now_ns: int
    book: BookSnapshot | None
    trade: Trade | None
    age_ms: float | None
    source: Source
    orders: tuple[OwnOrder, ...]
    balances: Mapping[str, Balance]
    account_age_ms: float | None
    pnl: ProfitAndLoss
    ready: bool
    why: str = ""

    @property
    def in_sync(self) -> bool:
        """There is a book, and no hole in it, as far as the client knows."""
        return self.book is not None

    @property
    def mid(self) -> Decimal | None:
        """The middle of the best bid and ask."""
        if self.book is None or self.book.bid is None or self.book.ask is None:
            return None
        return (self.book.bid + self.book.ask) / 2

    def free(self, asset: str) -> Decimal:
        """What is free of an asset."""
        balance = self.balances.get(asset)
        return _ZERO if balance is None else balance.free


class Want(msgspec.Struct, frozen=True, kw_only=True):
    """An order that a strategy wants to rest. ``slot`` tells two on one side apart: a client
    keeps one order in a slot, and replaces it when the want changes."""

    side: Side
    quantity: Decimal
    price: Decimal
    type: OrderType = "post_only"
    slot: str = ""

    __repr__ = written_fields

    def __post_init__(self) -> None:
        if self.side not in ("buy", "sell"):
            raise BadInput(f'side is {brief(self.side)}; write "buy" or "sell"')
        if self.type not in ("limit", "post_only"):
            raise BadInput(f'type is {brief(self.type)}; what rests is "limit" or "post_only"')
        check_name(self.slot, "slot", "near")
        for name in ("quantity", "price"):
            force_setattr(self, name, _above(exact(getattr(self, name), name), name))

    @property
    def key(self) -> str:
        return self.slot or self.side


Strategy = Callable[[View], "Iterable[Want] | None"]
"""``None``: leave everything as it is. An empty list: nothing shall rest."""


def check_strategy(strategy: object) -> None:
    """Refuse what cannot be called with a :class:`View`, as far as that can be told before.

    Raises
    ------
    BadInput
        Not a function, not of one argument, or one that has to be awaited.
    """
    if not callable(strategy):
        raise BadInput(
            f"strategy is {brief(strategy)}; write a function from a view to the orders that it "
            'wants, or market_maker("0.01")'
        )
    if inspect.iscoroutinefunction(strategy):
        raise BadInput("the strategy is a coroutine; write a plain function: it never waits")
    try:
        inspect.signature(strategy).bind(None)
    except TypeError:
        raise BadInput("the strategy is called with one argument, the view") from None
    except ValueError:  # of some functions in C nothing is known
        return


@says_its_form
def want(
    side: Side,
    quantity: Decimal | int | str,
    price: Decimal | int | str,
    *,
    type: OrderType = "post_only",
    slot: str = "",
) -> Want:
    """A wanted order, with its numbers written as text or Decimal.

    Raises
    ------
    BadInput, FloatRefused
        A number that is none, a float, or a type that does not rest.
    """
    numbers: dict[str, Any] = {"quantity": quantity, "price": price}
    return Want(side=side, type=type, slot=slot, **numbers)


def _above(number: Decimal, what: str, least: str = "above 0") -> Decimal:
    if number < 0 or (not number and least == "above 0"):
        raise BadInput(f"{what} is {digits(number)}; write a number {least}")
    return number


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a client may do, whatever its strategy wants. Numbers may be given as text.

    Attributes
    ----------
    open_orders : int
        Orders that rest, or may, at once.
    notional : Decimal
        All of them together, in quote currency.
    position : Decimal or None
        Base currency held on account of this client's fills, up or down; ``None``: no bound.
    orders_per_s : float
        Placements and amendments, over any second. Cancels are not counted.
    collar : Decimal
        How far from the middle of the book a price may be, as a share of it.

    Raises
    ------
    BadInput, FloatRefused
        A bound that bounds nothing: no number, not finite, negative.
    """

    open_orders: int = 10
    notional: Decimal = Decimal(10_000)
    position: Decimal | None = None
    orders_per_s: float = 5.0
    collar: Decimal = Decimal("0.05")

    __repr__ = written_fields

    def __post_init__(self) -> None:
        force_setattr(self, "open_orders", check_count(self.open_orders, "open_orders", 0, 10))
        force_setattr(
            self, "orders_per_s", check_number(self.orders_per_s, "orders_per_s", above=0)
        )
        for name in ("notional", "collar"):
            force_setattr(self, name, _above(exact(getattr(self, name), name), name))
        if self.position is not None:
            position = _above(exact(self.position, "position"), "position", "of at least 0")
            force_setattr(self, "position", position)


class Place(msgspec.Struct, frozen=True):
    """Send a new order."""

    want: Want


class Amend(msgspec.Struct, frozen=True):
    """Change what rests: less of it, at the same price, keeps its place in the queue."""

    order: OwnOrder
    quantity: Decimal

    __repr__ = written_fields


class Cancel(msgspec.Struct, frozen=True):
    """Take what rests away."""

    order: OwnOrder
    why: str


Action = Place | Amend | Cancel


class Rejected(msgspec.Struct, frozen=True):
    """A want that the bounds forbid."""

    want: Want
    why: str


class Pace:
    """Placements in the last second, for :attr:`Bounds.orders_per_s`."""

    def __init__(self) -> None:
        self._sent_ns: deque[int] = deque()

    def left(self, bounds: Bounds, now_ns: int) -> int:
        """How many may leave now."""
        window_ns = 1_000_000_000 if bounds.orders_per_s >= 1 else int(1e9 / bounds.orders_per_s)
        while self._sent_ns and now_ns - self._sent_ns[0] >= window_ns:
            self._sent_ns.popleft()
        return max(0, max(1, int(bounds.orders_per_s)) - len(self._sent_ns))

    def count(self, now_ns: int) -> None:
        """One leaves."""
        self._sent_ns.append(now_ns)


def compare(
    wanted: Sequence[Want],
    view: View,
    bounds: Bounds,
    may_send: int,
    *,
    amends: bool = True,
) -> tuple[list[Action], list[Rejected]]:
    """What to do so that what rests becomes what is wanted, and what the bounds forbid.

    Cancels come first. A slot whose order is on its way, unknown or being cancelled is left alone:
    until its end is known there is never a second order in it.
    """
    mine: dict[str, OwnOrder] = {}
    slots: dict[str, Want] = {}
    actions: list[Action] = []
    for order in view.orders:
        if mine.setdefault(order.slot, order) is not order and order.cancel_wanted_ns is None:
            actions.append(Cancel(order, "a second order in its slot"))  # one came back
    rejected: list[Rejected] = []
    for one in wanted:
        if one.key in slots:
            rejected.append(Rejected(one, f"two orders in slot {one.key!r}: give each its own"))
        else:
            slots[one.key] = one
    for slot, order in mine.items():
        if order.cancel_wanted_ns is None and slot not in slots:
            actions.append(Cancel(order, "not wanted any more"))
    resting = len(view.orders)
    notional = sum((one.left * (one.price or _ZERO) for one in view.orders), _ZERO)
    for slot, one in slots.items():
        if slot in mine:
            action = _replace(mine[slot], one, amends and may_send > 0)
            actions += [] if action is None else [action]
            may_send -= isinstance(action, Amend)
            continue
        why = _forbidden(one, view, bounds, resting, notional, may_send)
        if why:
            rejected.append(Rejected(one, why))
            continue
        actions.append(Place(one))
        resting, notional = resting + 1, notional + one.quantity * one.price
        may_send -= 1
    actions.sort(key=lambda action: not isinstance(action, Cancel))
    return actions, rejected


def _replace(order: OwnOrder, one: Want, amends: bool) -> Action | None:
    """What rests in a slot against what is wanted there."""
    if order.state != "open" or order.amending or order.cancel_wanted_ns is not None:
        return None
    same = (order.side, order.price, order.type) == (one.side, one.price, one.type)
    if same and order.left == one.quantity:
        return None
    if same and one.quantity < order.left and amends:
        return Amend(order, order.filled + one.quantity)
    return Cancel(order, f"wanted {one.side} {one.quantity:f} at {one.price:f} instead")


def _forbidden(
    one: Want, view: View, bounds: Bounds, resting: int, notional: Decimal, may_send: int
) -> str:
    mid = view.mid
    if mid is None:
        return "there is no middle of the book to hold the price against"
    if abs(one.price - mid) > bounds.collar * mid:
        return f"price {one.price:f} is more than {bounds.collar:%} from the middle {mid:f}"
    if resting >= bounds.open_orders:
        return f"{resting} orders rest already, and open_orders is {bounds.open_orders}"
    if notional + one.quantity * one.price > bounds.notional:
        return f"more than notional {bounds.notional:f} would rest"
    if bounds.position is not None:
        after = view.pnl.position + (one.quantity if one.side == "buy" else -one.quantity)
        if abs(after) > bounds.position and abs(after) > abs(view.pnl.position):
            return f"the position could become {after:f}, and its bound is {bounds.position:f}"
    if may_send <= 0:
        return f"more than {bounds.orders_per_s:g} orders a second"
    return ""
