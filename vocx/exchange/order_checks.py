"""What you write about an order, as what can be sent: checked here, before anything leaves.

Three checks, each with words that say what to write instead: the order's own shape
(:func:`draft`), the instrument's steps and bounds (:func:`check_steps`), and what you allowed
(:class:`Allowance`). A fourth is the exchange itself.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, get_args

import msgspec

from vocx.arguments import brief, plain_text, written_fields
from vocx.errors import BadInput, NotAllowed
from vocx.facts import BookSnapshot, Instrument, OrderType, Side, TimeInForce, exact
from vocx.net import renew_after_fork
from vocx.text import nearest
from vocx.venues.base import PlaceOrder, split_symbol

Number = Decimal | int | str
MaxNotional = Number | Mapping[str, Number] | None
"""The largest order, in dollars, or for each quote currency by name."""

_DOLLARS = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD1", "DAI", "USD"})
_EXAMPLE = 'place_order("BTC/USDT", "buy", "0.01", type="limit", price="60000")'


class OrderNumbers:
    """Numbers for client order ids: unique, and sorted by the time at which they were made.

    128 bits, as of a ULID: 48 bits of milliseconds, 80 bits of chance, which count up within one
    millisecond. The venue's adapter writes them in its own alphabet.
    """

    def __init__(self) -> None:
        self._last = 0
        renew_after_fork(self)

    def renew(self) -> None:
        """A lock of this process's own."""
        self._lock = threading.Lock()

    def make(self, now_ns: int) -> int:
        """A new one."""
        with self._lock:
            number = (now_ns // 1_000_000) << 80 | secrets.randbits(80)
            if number >> 80 <= self._last >> 80:
                number = self._last + 1
            self._last = number
        return number


ORDER_NUMBERS = OrderNumbers()


def draft(
    symbol: str,
    side: str,
    quantity: Number | None,
    *,
    type: str,
    client_order_id: str,
    price: Number | None = None,
    quote_quantity: Number | None = None,
    time_in_force: str | None = None,
    test: bool = False,
    instrument: Instrument | None = None,
) -> PlaceOrder:
    """The order as an intent, if its parts fit together.

    Raises
    ------
    BadInput
        A word that does not exist, a number missing or too many.
    FloatRefused
        A number came as a float.
    """
    split_symbol(symbol)
    side = _word("side", side, get_args(Side))
    kind = _word("type", type, get_args(OrderType))
    _fitting_numbers(kind, quantity, price, quote_quantity)
    parts: dict[str, Any] = {
        name: None if value is None else _above_zero(exact(value, name), name)
        for name, value in (
            ("quantity", quantity),
            ("price", price),
            ("quote_quantity", quote_quantity),
        )
    }
    parts.update(side=side, type=kind, time_in_force=_in_force(kind, time_in_force))
    return PlaceOrder(symbol=symbol, client_order_id=client_order_id, test=test, **parts)


_PARTS = (
    *("symbol", "side", "quantity", "type", "price", "quote_quantity", "time_in_force"),
    "client_order_id",
)


def several(orders: Any, call: str) -> Iterable[Any]:
    """The orders of a call that takes many; ``BadInput`` for a single one, which ``call`` takes."""
    if isinstance(orders, str | Mapping) or not isinstance(orders, Iterable):
        raise BadInput(f"several orders are a list; for one, write {call}(...)")
    return orders


def draft_of(given: Mapping[str, Any], new_client_order_id: Callable[[], str]) -> PlaceOrder:
    """One order of several, written as a mapping of what :func:`draft` takes.

    Raises
    ------
    BadInput, FloatRefused
        As :func:`draft`, and for a name that no order has.
    """
    if not isinstance(given, Mapping):
        raise BadInput(
            f"one of several orders is a mapping of what place_order takes, not {brief(given)}"
        )
    for name in given:
        if name not in _PARTS:
            near = nearest(str(name), _PARTS)
            hint = f'; did you mean "{near[0]}"?' if near else f"; it has {', '.join(_PARTS)}"
            raise BadInput(f"an order has no {brief(name)}{hint}")
    for name in ("symbol", "side", "type"):
        if name not in given:
            raise BadInput(f"an order needs a {name}")
    parts = dict(given)
    named = parts.pop("client_order_id", None)
    return draft(
        plain_text(parts.pop("symbol")),
        parts.pop("side"),
        parts.pop("quantity", None),
        client_order_id=new_client_order_id() if named is None else plain_text(named),
        **parts,
    )


def _word(what: str, value: object, choices: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in choices:
        return str(value)
    lowered = brief(plain_text(value)).strip("'").lower().replace("-", "_").replace(" ", "_")
    near = nearest(lowered, choices)
    hint = f': write "{near[0]}"' if near else f"; it is one of {', '.join(choices)}"
    raise BadInput(f"there is no {what} {brief(value)}{hint}")


def _fitting_numbers(kind: str, quantity: object, price: object, quote_quantity: object) -> None:
    if kind == "market":
        if price is not None:
            raise BadInput(
                "a market order takes whatever price there is: leave price out, or write "
                'type="limit"'
            )
        if (quantity is None) == (quote_quantity is None):
            raise BadInput(
                "a market order has a quantity (what you buy or sell) or a quote_quantity (what "
                "it may cost or bring), exactly one of them"
            )
        return
    if quote_quantity is not None:
        raise BadInput('quote_quantity is for market orders: write type="market", or a quantity')
    if price is None:
        raise BadInput(f"a {kind} order needs a price: {_EXAMPLE}")
    if quantity is None:
        raise BadInput(f"a {kind} order needs a quantity: {_EXAMPLE}")


def _in_force(kind: str, time_in_force: object) -> TimeInForce | None:
    if kind != "limit":
        if time_in_force is not None:
            raise BadInput(f"a {kind} order has no time_in_force: leave it out")
        return None
    choices = get_args(TimeInForce)
    word = _word("time_in_force", "GTC" if time_in_force is None else time_in_force, choices)
    chosen: TimeInForce = word  # type: ignore[assignment]
    return chosen


def _above_zero(number: Decimal, what: str) -> Decimal:
    if number <= 0:
        turn = ' (to sell, write side="sell")' if what == "quantity" and number < 0 else ""
        raise BadInput(f"{what} is {number:f}: write a number above 0{turn}")
    return number


def check_steps(order: PlaceOrder, instrument: Instrument) -> None:
    """Refuse what the venue would refuse, with the nearest legal numbers."""
    if order.type == "market" and order.quantity is not None:
        problem = instrument.explain(quantity=order.quantity)
    else:
        problem = instrument.explain(
            quantity=order.quantity, price=order.price, quote_quantity=order.quote_quantity
        )
    if problem:
        raise BadInput(f"{order.symbol}: {problem}. Nothing was sent")


def cost(order: PlaceOrder, book: BookSnapshot | None = None) -> Decimal | None:
    """What an order moves at most, in quote currency.

    A market order by quantity is walked through the book; ``None`` when that is too thin to tell.
    A sale below the best bid brings the best bid, whatever its own price says.
    """
    if order.quote_quantity is not None:
        return order.quote_quantity
    if order.quantity is None:
        return None
    if order.price is not None:
        bid = book.bid if book is not None and order.side == "sell" else None
        return order.quantity * max(order.price, bid or order.price)
    left, total = order.quantity, Decimal(0)
    levels = () if book is None else book.asks if order.side == "buy" else book.bids
    for price, amount in levels:
        taken = min(left, amount)
        total, left = total + price * taken, left - taken
        if not left:
            return total
    return None


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What this program may do with an account; the two steps to real orders.

    Attributes
    ----------
    guarded : bool
        Orders here are real, or may be: both steps are needed.
    allow_orders : bool
        ``connect(allow_orders=True)`` was written.
    most : dict
        The largest order by quote currency; empty for no bound (never so at a real venue).
    """

    guarded: bool
    allow_orders: bool = False
    most: dict[str, Decimal] = {}

    __repr__ = written_fields

    def may_trade(self) -> None:
        """Refuse to place or cancel at a real venue without both steps."""
        if self.guarded and not (self.allow_orders and self.most):
            raise NotAllowed(
                'orders at a real venue need two steps in code: connect(..., where="real", '
                'allow_orders=True, max_notional="50"). Practise without them: where="lab" or '
                '"testnet". Nothing was sent'
            )

    def check(self, order: PlaceOrder, quote: str, notional: Decimal | None) -> None:
        """Refuse an order larger than you allowed."""
        if not self.most:
            return
        most = self.most.get(quote)
        if most is None:
            named = ", ".join(sorted(self.most))
            raise NotAllowed(
                f"max_notional says nothing about {quote} (it bounds {named}): write "
                f'max_notional={{"{quote}": "..."}}. Nothing was sent'
            )
        if notional is None:
            raise NotAllowed(
                f"the book of {order.symbol} is too thin to tell what this market order would "
                "cost, and max_notional bounds it: write a limit order. Nothing was sent"
            )
        if notional > most:
            raise NotAllowed(
                f"this order is worth {notional.normalize():f} {quote}, more than the "
                f"{most:f} that max_notional allows. Nothing was sent"
            )


def allowance(guarded: bool, allow_orders: bool, max_notional: MaxNotional) -> Allowance:
    """What ``connect`` was told, checked.

    Raises
    ------
    NotAllowed
        Real orders without a bound.
    BadInput, FloatRefused
        A bound that is no number above 0.
    """
    if not isinstance(allow_orders, bool):
        raise BadInput(f"allow_orders is {brief(allow_orders)}; write True or leave it out")
    if guarded and allow_orders and max_notional is None:
        raise NotAllowed(
            'real orders need a bound as well: allow_orders=True, max_notional="50" (dollars an '
            "order at most)"
        )
    bounds: dict[str, Number] = {}
    if isinstance(max_notional, Mapping):
        bounds = {str(quote): bound for quote, bound in max_notional.items()}
        if not bounds:
            raise BadInput('max_notional is empty; write max_notional="50" or {"BTC": "0.001"}')
    elif max_notional is not None:
        bounds = dict.fromkeys(_DOLLARS, max_notional)
    most = {
        quote: _above_zero(exact(bound, "max_notional"), "max_notional")
        for quote, bound in bounds.items()
    }
    return Allowance(guarded=guarded, allow_orders=allow_orders, most=most)
