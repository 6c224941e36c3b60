"""What becomes of an order is always known or honestly unknown.

* The client order id is made before anything is sent, and every error carries it.
* Every failure of a placement has ``outcome``: ``"not_sent"`` and ``"refused"`` are safe to try
  again, ``"accepted"`` is on the book, and of ``"unknown"`` one must ask: ``ex.order(id)``.
* A placement or an amendment is sent exactly once. The one exception is a refused timestamp: the
  exchange turns those down before its engine, so after measuring the clock again the same order
  goes out once more under the same id, and a line says so.
* Cancelling and asking change nothing when repeated, and are.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vocx import errors
from vocx.arguments import as_count, brief, plain_text
from vocx.exchange.private_calls import PrivateCalls, VenueClock, Via
from vocx.exchange.symbol_names import SymbolNames
from vocx.facts import Fact, Facts, Order, OrderAck
from vocx.venues.base import (
    AmendOrder,
    CancelOrder,
    GetBalances,
    GetFills,
    GetOpenOrders,
    GetOrder,
    PlaceOrder,
    split_symbol,
)

if TYPE_CHECKING:
    from vocx.stream.account import ReconcileRequest

OrderName = Order | OrderAck | int | str
"""An order, the venue's id of it, or the client order id."""
REMEMBERED, LONGEST_NAME = 10_000, 128


def order_name(order: object) -> int | str:
    """The number or the text that names an order, from whatever holds it: a column of a table has
    numbers of another library, or floats.

    Raises
    ------
    BadInput
        It names none.
    """
    if isinstance(order, Order | OrderAck):
        return order.id
    name = str(order) if isinstance(order, str) else as_count(order)
    text = isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST_NAME
    if text or (type(name) is int and 0 < name < 2**64):
        return name
    raise errors.BadInput(
        f"an order is named by itself, its number or its client order id, not by {brief(order)}"
    )


def _spellings(name: int | str) -> tuple[int | str, ...]:
    """A number and the same as text are one name."""
    if isinstance(name, int):
        return name, str(name)
    return (name, int(name)) if name.isascii() and name.isdigit() and len(name) < 20 else (name,)


class Trading:
    """Orders of one exchange: sent, remembered by their ids, asked for, reconciled.

    Parameters
    ----------
    calls : PrivateCalls
        How they leave.
    clock : VenueClock
        When they did, by the venue.
    names : SymbolNames
        Of which symbols the venue tells.
    """

    def __init__(self, calls: PrivateCalls, clock: VenueClock, names: SymbolNames) -> None:
        self._calls, self._clock, self.names = calls, clock, names
        self._known: OrderedDict[int | str, tuple[str, str]] = OrderedDict()
        self._first_sent_ns: dict[str, int] = {}

    # sending

    def place(self, order: PlaceOrder, via: Via) -> Order | OrderAck:
        """Send one order, once."""
        if not order.test:
            self.remember(order.symbol, client_order_id=order.client_order_id)
            self._first_sent_ns.setdefault(order.symbol, self._clock.now_ns())
        try:
            placed: Order | OrderAck = self._calls.call(order, via)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(
                f"the order {order.client_order_id} may have been sent: look with "
                f'ex.order("{order.client_order_id}")'
            )
            raise
        self.remember(order.symbol, id=placed.id)
        return placed

    def amend(self, intent: AmendOrder) -> Order | OrderAck:
        """Send one amendment, once."""
        if intent.new_client_order_id is not None:
            self.remember(intent.symbol, client_order_id=intent.new_client_order_id)
        self._first_sent_ns.setdefault(intent.symbol, self._clock.now_ns())
        try:
            found: Order | OrderAck = self._calls.call(intent)
        except (errors.VocxError, KeyboardInterrupt) as error:
            if getattr(error, "outcome", "unknown") == "unknown":
                replaced = f'ex.order("{intent.new_client_order_id}")'
                error.add_note(
                    "the amendment may have been made: look with ex.order(...) at the order "
                    f"itself, and where the venue replaces orders with {replaced}"
                )
            raise
        self.remember(intent.symbol, id=found.id, client_order_id=found.client_order_id)
        return found

    def cancel(self, intent: CancelOrder, via: Via) -> Order | OrderAck:
        """Cancel one order.

        Raises
        ------
        OrderNotFound
            There is nothing to cancel; the text says what became of the order.
        """
        repeats = self._calls.repeats
        try:
            cancelled: Order | OrderAck = self._calls.call(intent, via)
            return cancelled
        except errors.OrderNotFound as missing:
            return self._why_not_there(missing, intent, self._calls.repeats > repeats)

    def _why_not_there(
        self, missing: errors.OrderNotFound, intent: CancelOrder, repeated: bool
    ) -> Order:
        """Already cancelled by our own first try, whose answer was lost; or over before."""
        ask = GetOrder(symbol=intent.symbol, id=intent.id, client_order_id=intent.client_order_id)
        try:
            found: Order = self._calls.call(ask)
        except errors.VocxError:
            raise missing from None
        if repeated and found.status == "canceled":
            return found
        missing.args = (f"{missing.args[0]} It is {found.status.replace('_', ' ')} already.",)
        raise missing

    # by which name

    def remember(
        self, symbol: str, *, id: int | str | None = None, client_order_id: str | None = None
    ) -> None:
        """That these names mean an order of this symbol."""
        for name, kind in ((id, "id"), (client_order_id, "client_order_id")):
            if name not in (None, ""):
                assert name is not None
                self._known[name] = (symbol, kind)
                self._known.move_to_end(name)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def which(self, order: OrderName, symbol: str | None) -> dict[str, Any]:
        """Symbol and id of an order, as the intents take them."""
        if isinstance(order, Order | OrderAck):
            if order.status == "tested":
                raise errors.BadInput("this order was only tested: it was never placed")
            return {"symbol": order.symbol, "id": order.id}
        name = order_name(order)
        known = next((one for one in _spellings(name) if one in self._known), None)
        told, kind = (None, "") if known is None else self._known[known]
        symbol = plain_text(symbol) if symbol is not None else told
        if symbol is None:
            raise errors.BadInput(
                f'the exchange wants the symbol of order {brief(name)} too: write symbol="BTC/USDT"'
            )
        split_symbol(symbol)
        if known is not None:
            return {"symbol": symbol, kind: known}
        if isinstance(name, str) and name.isascii() and name.isdigit():
            return self._of_digits(symbol, name)
        return {"symbol": symbol, "id" if isinstance(name, int) else "client_order_id": name}

    def _of_digits(self, symbol: str, name: str) -> dict[str, Any]:
        """A number as a text, as tables have them, is the exchange's id of an order, or somebody
        numbers his own orders: the exchange is asked."""
        try:
            self._calls.call(GetOrder(symbol=symbol, id=name))
        except errors.Refused:
            return {"symbol": symbol, "client_order_id": name}
        self.remember(symbol, id=name)
        return {"symbol": symbol, "id": name}

    # what an outage swallowed

    def reconcile(self, missed: ReconcileRequest, stopping: threading.Event) -> Sequence[Fact]:
        """The account by REST, for a stream that has just (again) begun to listen: fills since
        the last known event, orders that closed meanwhile, open orders, balances; in that order.

        Fills are asked for every symbol that the stream knows of and that this client sent an
        order for: a symbol may have been traded for the first time while nobody listened.
        """

        def ask(intent: Any) -> Any:
            found = self._calls.call(intent, stopping=stopping)
            return self.names.settle_all(found) if isinstance(found, Facts) else found

        open_now: Facts[Order] = ask(GetOpenOrders())
        still = {(one.symbol, one.id) for one in open_now}
        found: list[Fact] = []
        for symbol in dict.fromkeys((*sorted(missed.symbols), *sorted(self._first_sent_ns))):
            since_ns = missed.since_ns
            if since_ns is None:  # no event was ever seen: nothing of ours is older than this
                since_ns = self._first_sent_ns.get(symbol)
            if since_ns is not None:
                found += ask(GetFills(symbol=symbol, start_ns=since_ns, limit=None))
        for one in missed.open:
            if (one.symbol, one.id) not in still:
                try:
                    found.append(ask(GetOrder(symbol=one.symbol, id=one.id)))
                except errors.OrderNotFound:
                    continue
        return [*found, *open_now, *ask(GetBalances())]
