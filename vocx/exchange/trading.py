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
from collections.abc import Callable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from vocx import errors
from vocx.arguments import as_count, brief, plain_text
from vocx.exchange.private_calls import PrivateCalls, VenueClock, Via
from vocx.exchange.symbol_names import SymbolNames
from vocx.facts import Fact, Facts, Order, OrderAck, OrderResult
from vocx.venues.base import (
    AmendOrder,
    CancelOrder,
    CancelOrders,
    GetBalances,
    GetFills,
    GetOpenOrders,
    GetOrder,
    PlaceOrder,
    PlaceOrders,
    order_result,
    split_symbol,
)

if TYPE_CHECKING:
    from vocx.stream.account import ReconcileRequest

OrderName = Order | OrderAck | OrderResult | int | str
"""An order, the venue's id of it, or the client order id."""
_OF_ONE_ORDER = (errors.OrderRefused, errors.OrderNotFound, errors.UnknownSymbol)
"""Refusals that say nothing about the next order."""
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
    if isinstance(order, OrderResult):
        order = order.client_order_id if order.id is None else order.id
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


def _not_sent(failed: errors.VocxError) -> errors.VocxError:
    """The error of an order that was not sent because of what became of the one before."""
    error = copy(failed)
    error.client_order_id, error.outcome = None, "not_sent"
    error.args = (f"not sent, after the call before it: {failed.args[0]}",)
    return error


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

    # several at once

    def place_all(self, orders: Sequence[PlaceOrder], via: Via) -> Facts[OrderResult]:
        """Send each of these orders, once: in calls of as many as the venue takes, else one by
        one. After a failure that concerns more than its order, the rest is not sent."""
        for order in orders:
            self.remember(order.symbol, client_order_id=order.client_order_id)
            self._first_sent_ns.setdefault(order.symbol, self._clock.now_ns())

        def place(order: PlaceOrder) -> Order | OrderAck:
            return self.place(order, via)

        found = self._each(PlaceOrders, orders, place, via)
        for one in found:
            self.remember(one.symbol, id=one.id)
        return found

    def cancel_all(self, orders: Sequence[CancelOrder], via: Via) -> Facts[OrderResult]:
        """Cancel each of these orders, in calls of as many as the venue takes, else one by one."""

        def cancel(order: CancelOrder) -> Order | OrderAck:
            return self.cancel(order, via)

        return self._each(CancelOrders, orders, cancel, via)

    def _each(
        self,
        kind: type[PlaceOrders | CancelOrders],
        orders: Sequence[Any],
        single: Callable[[Any], Order | OrderAck],
        via: Via,
    ) -> Facts[OrderResult]:
        size = self._calls.batch_size(kind)
        found: Facts[OrderResult] = Facts(kind=OrderResult)
        failed: errors.VocxError | None = None
        try:
            for start in range(0, len(orders), size):
                some = orders[start : start + size]
                if failed is not None:
                    found += [order_result(one, _not_sent(failed)) for one in some]
                    continue
                try:
                    found += self._some(kind, some, single, via)
                except errors.VocxError as error:
                    error.__traceback__ = None  # it is kept, with all that its frames hold
                    found += [order_result(one, copy(error)) for one in some]
                    failed = None if isinstance(error, _OF_ONE_ORDER) else error
        except KeyboardInterrupt as interrupt:
            names = [one.client_order_id or one.id for one in orders[len(found) :]]
            interrupt.add_note(
                f"{len(found)} of {len(orders)} orders had been answered; of the others some may "
                f"have been sent: look with ex.order(...) at {', '.join(map(str, names))}"
            )
            raise
        return found

    def _some(
        self,
        kind: type[PlaceOrders | CancelOrders],
        some: Sequence[Any],
        single: Callable[[Any], Order | OrderAck],
        via: Via,
    ) -> Sequence[OrderResult]:
        """One call's worth of them."""
        if self._calls.batch_size(kind) == 1:
            (order,) = some
            said = single(order)
            return [order_result(order, said, said.arrived_ns, said.http)]
        repeats = self._calls.repeats
        told: Facts[OrderResult] = self._calls.call(kind(orders=tuple(some)), via)
        repeated = self._calls.repeats > repeats
        return [
            self._looked_up(order, replace(one, http=told.http), repeated)
            for order, one in zip(some, told, strict=True)
        ]

    def _looked_up(self, order: Any, told: OrderResult, repeated: bool) -> OrderResult:
        """What our own first try has cancelled, whose answer was lost, is cancelled."""
        if not (repeated and isinstance(told.error, errors.OrderNotFound)):
            return told
        try:
            found = self._why_not_there(told.error, order, repeated)
        except errors.VocxError:
            return told
        return order_result(order, found, told.arrived_ns, told.http)

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
        if isinstance(order, OrderResult):
            if order.id is None:
                return {"symbol": order.symbol, "client_order_id": order.client_order_id}
            return {"symbol": order.symbol, "id": order.id}
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
