"""Orders and the account behind them: the signed half of :class:`~vocx.exchange.Exchange`.

What becomes of an order is always known or honestly unknown:

* The client order id is made before anything is sent, and every error carries it.
* Every failure of a placement has ``outcome``: ``"not_sent"`` and ``"refused"`` are safe to try
  again, ``"accepted"`` is on the book, and of ``"unknown"`` one must ask: ``ex.order(id)``.
* A placement is sent exactly once. The one exception is a refused timestamp (-1021): the exchange
  turns those down before its engine, so after measuring the clock again the same order goes out
  once more under the same id, and a line says so.
* Cancelling and asking change nothing when repeated, and are.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from vocx import credentials, errors
from vocx.exchange import entry, words
from vocx.exchange.account import Balances, reconcile
from vocx.facts import BookSnapshot, Fact, Facts, Fill, Instrument, Order
from vocx.timing import ClockOffset, wall_ns
from vocx.venues.base import (
    CancelAll,
    CancelOrder,
    Credentials,
    GetBalances,
    GetFills,
    GetOpenOrders,
    GetOrder,
    Intent,
    PlaceOrder,
    Venue,
    split_symbol,
)

if TYPE_CHECKING:
    from vocx.exchange.entry import Allowance, Number
    from vocx.exchange.sending import Sending
    from vocx.lab import Lab
    from vocx.stream.account import ReconcileRequest

Via = Literal["rest", "websocket"]
OrderName = Order | int | str
"""An order, the venue's id of it, or the client order id."""
T = TypeVar("T")
REMEMBERED = 10_000


class Orders:
    """What may be done with an account. Mixed into :class:`~vocx.exchange.Exchange`."""

    venue: Venue
    where: Literal["lab", "testnet", "real"]
    lab: Lab | None
    name: str
    _allowance: Allowance
    _sending: Sending
    _clock: ClockOffset
    _symbols: OrderedDict[int | str, str]

    if TYPE_CHECKING:

        @property
        def clock(self) -> ClockOffset: ...
        def instrument(self, symbol: str) -> Instrument: ...
        def instruments(self) -> Facts[Instrument]: ...
        def order_book(self, symbol: str, depth: int = 100) -> BookSnapshot: ...
        def _measure_clock(self) -> None: ...

    # placing

    def place_order(
        self,
        symbol: str,
        side: str,
        quantity: Number | None = None,
        *,
        type: str,
        price: Number | None = None,
        quote_quantity: Number | None = None,
        time_in_force: str | None = None,
        client_order_id: str | None = None,
        test: bool = False,
        via: Via = "rest",
    ) -> Order:
        """Send one order, once.

        ``type`` is ``"limit"``, ``"market"`` or ``"limit_maker"`` (rests or is refused); it is
        required, so that no market order happens by accident. A limit has ``price`` and may have
        ``time_in_force``: ``"GTC"`` (rests; the default), ``"IOC"`` (takes what it can), ``"FOK"``
        (all or nothing). A market order may have ``quote_quantity``, what it may cost or bring,
        instead of ``quantity``. ``test`` lets the exchange check it and place nothing.
        ``via="websocket"`` sends it over a kept request/response socket.

        Raises
        ------
        BadInput, VenueError, TransportError
            ``outcome`` says what became of the order, ``client_order_id`` how to ask for it.

        Examples
        --------
        >>> ex.place_order("BTC/USDT", "buy", "0.01", type="limit", price="60000")
        """
        named = client_order_id if client_order_id is not None else entry.IDS.make(wall_ns())
        try:
            order = entry.draft(
                symbol,
                side,
                quantity,
                type=type,
                time_in_force=time_in_force,
                client_order_id=named,
                price=price,
                quote_quantity=quote_quantity,
                test=test,
            )
            key = self._checked(order, via)
        except errors.VocxError as error:
            error.outcome, error.client_order_id = "not_sent", named
            raise
        return self._placed(order, key, via)

    def _checked(self, order: PlaceOrder, via: str) -> Credentials:
        """Everything that can be refused here, refused here."""
        _check_via(via)
        if not order.test:
            self._allowance.may_trade()
        key = self._key()
        instrument = self.instrument(order.symbol)
        entry.check_steps(order, instrument)
        if self._allowance.most:
            by_book = order.price is None if order.side == "buy" else True
            book = self.order_book(order.symbol, depth=1000) if by_book else None
            self._allowance.check(order, instrument.quote, entry.cost(order, book))
        self.clock  # noqa: B018 - measured now, not between signing and sending
        return key

    def _placed(self, order: PlaceOrder, key: Credentials, via: Via) -> Order:
        if not order.test:
            self._remember(order.symbol, order.client_order_id)
        try:
            placed = self._timed(order, Order, key, via)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(
                f"the order {order.client_order_id} may have been sent: look with "
                f'ex.order("{order.client_order_id}")'
            )
            raise
        self._remember(order.symbol, placed.id)
        return placed

    # one order

    def order(self, order: OrderName, symbol: str | None = None, *, via: Via = "rest") -> Order:
        """An order as the exchange knows it now.

        ``order`` is an :class:`~vocx.facts.Order`, the exchange's id (a number) or a client order
        id (text). ``symbol`` is needed for ids of orders that this exchange object did not place.

        Raises
        ------
        OrderNotFound
            The exchange knows no such order. Shortly after an unknown outcome it may appear yet.
        """
        _check_via(via)
        return self._signed(GetOrder(**self._which(order, symbol)), Order, via)

    def cancel_order(
        self, order: OrderName, symbol: str | None = None, *, via: Via = "rest"
    ) -> Order:
        """Cancel an order; gives it as it ended.

        Raises
        ------
        OrderNotFound
            There is nothing to cancel; the text says what became of the order.
        """
        _check_via(via)
        self._allowance.may_trade()
        which = self._which(order, symbol)
        repeats = self._sending.repeats
        try:
            return self._signed(CancelOrder(**which), Order, via)
        except errors.OrderNotFound as missing:
            return self._why_not_there(missing, which, self._sending.repeats > repeats)

    def _why_not_there(
        self, missing: errors.OrderNotFound, which: dict[str, Any], repeated: bool
    ) -> Order:
        """Already cancelled by our own first try, whose answer was lost; or over before."""
        try:
            found = self._signed(GetOrder(**which), Order)
        except errors.VocxError:
            raise missing from None
        if repeated and found.status == "canceled":
            return found
        missing.args = (f"{missing.args[0]} It is {found.status.replace('_', ' ')} already.",)
        raise missing

    def cancel_all(self, symbol: str) -> Facts[Order]:
        """Cancel every open order of a symbol; gives them as they ended, maybe none."""
        self._allowance.may_trade()
        split_symbol(symbol)
        try:
            return self._signed(CancelAll(symbol=symbol), Facts)
        except errors.OrderNotFound:
            return Facts()

    # the account

    def open_orders(self, symbol: str | None = None) -> Facts[Order]:
        """Orders that can still be filled, of one symbol or of all (dearer)."""
        found: Facts[Order] = self._signed(GetOpenOrders(symbol=symbol), Facts)
        for one in found:
            self._remember(one.symbol, one.id, one.client_order_id)
        return found

    def fills(
        self,
        symbol: str,
        limit: int = 500,
        *,
        order: Order | int | None = None,
        start: datetime | None = None,
    ) -> Facts[Fill]:
        """Your own fills of a symbol, oldest first: the latest, those of one ``order``, or those
        since ``start`` (an aware datetime)."""
        split_symbol(symbol)
        intent = GetFills(
            symbol=symbol,
            limit=limit,
            order_id=order.id if isinstance(order, Order) else order,
            start_ns=words.epoch_ns(start, "start"),
        )
        return self._signed(intent, Facts)

    def balances(self) -> Balances:
        """What the account holds, also by asset: ``ex.balances()["USDT"].free``."""
        found: Facts[Any] = self._signed(GetBalances(), Facts)
        return Balances(found, found.exchange, assets=self._assets)

    def _assets(self) -> set[str]:
        return {asset for one in self.instruments() for asset in (one.base, one.quote)}

    # how

    def _key(self) -> Credentials:
        """The key in force: the lab's own, or the environment's."""
        if self.lab is not None:
            return self.lab.credentials(self.venue.name)
        return credentials.needed(self.venue.name, self.where)

    def _signed(self, intent: Intent, kind: type[T], via: Via = "rest") -> T:
        return self._timed(intent, kind, self._key(), via)

    def _reconcile(self, request: ReconcileRequest, stopping: threading.Event) -> list[Fact]:
        """For a stream, in a thread of its own: what nobody told it. Prints nothing."""

        def ask(intent: Intent) -> Any:
            if stopping.is_set():
                raise errors.StreamStopped("the stream was stopped")
            return self._ask_signed_for_stream(intent)

        return reconcile(ask, request)

    def _ask_signed_for_stream(self, intent: Intent) -> Any:
        return self._timed(intent, object, self._key(), "rest", tell=lambda line: None)

    def _measure_clock_for_stream(self) -> None:
        """After a login that was refused for its time; a failure shows at the next one."""
        with suppress(errors.VocxError):
            self._resync()

    def _timed(
        self,
        intent: Intent,
        kind: type[T],
        key: Credentials,
        via: Via,
        tell: Callable[[str], None] = words.say,
    ) -> T:
        """Send with the exchange's time; once more after a refused one."""
        named = getattr(intent, "client_order_id", None)
        try:
            try:
                offset = self.clock
                result = self._sending.send(intent, key, via, offset)
            except errors.ClockSkew:
                before_ms = self._resync()
                tell(
                    f"{self.name}: the exchange refused our clock and did nothing; it was off by "
                    f"{before_ms:,.0f} ms. Measured again, and asked once more"
                    + (f" under the same id {named}" if named else "")
                )
                result = self._sending.send(intent, key, via, self.clock)
        except errors.VocxError as error:
            error.client_order_id = error.client_order_id or named
            if isinstance(intent, PlaceOrder) and error.outcome is None:
                error.outcome = "not_sent"  # whatever was sent has said so
            raise
        assert isinstance(result, kind)
        return result

    def _resync(self) -> float:
        """Measure the clock anew; by how many milliseconds it was off."""
        offset = self.clock
        before_ns = offset.offset_ns
        offset.reset()
        self._measure_clock()
        return (offset.offset_ns - before_ns) / 1e6

    def _remember(self, symbol: str, *ids: int | str) -> None:
        for one in ids:
            self._symbols[one] = symbol
            self._symbols.move_to_end(one)
        while len(self._symbols) > REMEMBERED:
            self._symbols.popitem(last=False)

    def _which(self, order: OrderName, symbol: str | None) -> dict[str, Any]:
        """Symbol and id, as the intents take them."""
        if isinstance(order, Order):
            if order.status == "tested":
                raise errors.BadInput("this order was only tested: it was never placed")
            return {"symbol": order.symbol, "id": order.id}
        if isinstance(order, bool) or not isinstance(order, int | str) or order == "":
            raise errors.BadInput(
                f"an order is named by itself, its number or its client order id, not by {order!r}"
            )
        symbol = symbol if symbol is not None else self._symbols.get(order)
        if symbol is None:
            raise errors.BadInput(
                f'the exchange wants the symbol of order {order!r} too: write symbol="BTC/USDT"'
            )
        split_symbol(symbol)
        return {"symbol": symbol, "id" if isinstance(order, int) else "client_order_id": order}


def _check_via(via: str) -> None:
    if via not in get_args(Via):
        raise errors.BadInput(f'via is {via!r}; write "rest" or "websocket"')
