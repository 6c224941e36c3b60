"""Accounts on the lab's exchange: who may place which order, and what it does to everybody.

Each operation returns its events in order: the market's, which everybody may see, then those of
accounts: ``"new"``, one ``"trade"`` for each match, ``"replaced"`` for an amendment, ``"expired"``
or ``"canceled"`` for what ends without a match, and last one :class:`BalancesChanged` for each
account concerned. Owners of resting orders are told whoever takes them, another account or the
crowd.

Prices, quantities and filters are the dialect's to check; here an order is refused only for what
the exchange alone can know (:class:`Rejection`). A refused order never existed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from vocx.errors import BadInput
from vocx.lab.accounts.balances import BalanceLedger
from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.accounts.order_store import OrderStore
from vocx.lab.accounts.settlement import Settlement, Transaction
from vocx.lab.accounts.skew import Record, moved
from vocx.lab.events import (
    AccountEvent,
    AnyEvent,
    Event,
    FillState,
    InstrumentSpec,
    NewOrder,
    OrderState,
    Rejection,
)
from vocx.lab.market.engine import Book, ExecutionResult

START: Mapping[str, Decimal] = {
    "USDT": Decimal(500_000),
    "USD": Decimal(500_000),
    "BTC": Decimal(10),
    "ETH": Decimal(100),
    "SOL": Decimal(1_000),
    "BNB": Decimal(200),
    "XRP": Decimal(100_000),
}
"""What a new account has unless told otherwise; other assets 0."""

FEES = FeeSchedule(maker=Decimal("0.001"), taker=Decimal("0.001"))
"""What a new account pays unless told otherwise."""


class FirstFills(NamedTuple):
    """How many orders of an account had their first fill so far, as maker and as taker."""

    maker: int
    taker: int


class Tradable(Protocol):
    """What is needed of a market: its names and steps, its book, and where its trades are kept
    (:class:`vocx.lab.market.symbol_market.SymbolMarket`)."""

    spec: InstrumentSpec
    book: Book

    def record(self, events: Iterable[Event]) -> None: ...


class Accounts:
    """All accounts over the live markets.

    Parameters
    ----------
    markets
        The symbols that can be traded.
    stamp : callable
        Gives the time at which something that happens now is stamped: never earlier than what
        happened before.

    Attributes
    ----------
    on_events : callable
        Told what each operation has caused, as soon as it has; whoever publishes events sets it.
    skew_ns : int
        How far the venue's clock is ahead of the market's. Times that are given (``now_ns``) are
        the market's, and so are those of :attr:`on_events`; those that come back are the venue's.
    """

    def __init__(self, markets: Iterable[Tradable], stamp: Callable[[int], int]) -> None:
        self.on_events: Callable[[Sequence[AnyEvent]], None] = lambda events: None
        self.skew_ns = 0
        self._markets = {market.spec.symbol: market for market in markets}
        self._stamp = stamp
        self.ledger = BalanceLedger(market.spec for market in self._markets.values())
        self._stores: dict[str, OrderStore] = {}
        self._settlement = Settlement(self.ledger, self._stores)

    # -- accounts ------------------------------------------------------------------------------

    def open(
        self,
        owner: str,
        balances: Mapping[str, Decimal] | None = None,
        fees: FeeSchedule = FEES,
    ) -> None:
        """Open an account with these free balances, or with what of :data:`START` is traded here.

        Raises
        ------
        BadInput
            For an owner that has one, an unknown asset, an amount that is no ``Decimal``,
            negative, too large or too fine.
        """
        if balances is None:
            balances = {one: START[one] for one in START if one in self.ledger.digits}
        self.ledger.open(owner, balances, fees)
        self._stores[owner] = OrderStore()

    @property
    def owners(self) -> tuple[str, ...]:
        return tuple(self._stores)

    def balances(self, owner: str) -> dict[str, tuple[Decimal, Decimal]]:
        """(free, locked) of every asset that is traded here."""
        self._store(owner)
        return self.ledger.balances(owner)

    def updated_ns(self, owner: str) -> int | None:
        """When a balance last changed; ``None`` while all are as the account was opened."""
        self._store(owner)
        at_ns = self._settlement.updated_ns.get(owner)
        return None if at_ns is None else at_ns + self.skew_ns

    def fees(self, owner: str) -> FeeSchedule:
        """What the account pays for matches."""
        self._store(owner)
        return self.ledger.schedules[owner]

    def shown(self, event: AccountEvent) -> AccountEvent:
        """An account's event by the venue's clock."""
        return moved(event, self.skew_ns)

    # -- what there is -------------------------------------------------------------------------

    def order(
        self,
        owner: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> OrderState | None:
        """One order by either id; with both they must agree. ``None`` when there is none."""
        order = self._store(owner).find(symbol, order_id, client_order_id)
        return None if order is None else moved(order, self.skew_ns)

    def orders(
        self, owner: str, symbol: str | None = None, open_only: bool = False
    ) -> list[OrderState]:
        """By growing id, symbol by symbol: all open ones and the newest 10,000 closed ones."""
        return self._moved(self._store(owner).orders(symbol, open_only))

    def open_count(self, owner: str, symbol: str) -> int:
        """How many orders are open."""
        return self._store(owner).open_count(symbol)

    def fills(self, owner: str, symbol: str) -> list[FillState]:
        """The newest 10,000, oldest first."""
        return self._moved(self._store(owner).fills(symbol))

    def first_fills(self, owner: str) -> FirstFills:
        """Orders that had their first fill since the account was opened. Venues that count
        unfilled orders give back what this has grown by."""
        store = self._store(owner)
        return FirstFills(store.maker_starts, store.taker_starts)

    # -- what changes it -----------------------------------------------------------------------

    def place(self, order: NewOrder, now_ns: int) -> tuple[OrderState | Rejection, list[AnyEvent]]:
        """Take an order in: how it stands afterwards and what happened, or why not.

        Raises
        ------
        BadInput
            For an unknown owner or symbol, and for a limit order whose price or quantity is not
            positive, a market order with both or neither of quantity and quote.
        """
        lots = self._plan(order)
        if isinstance(lots, Rejection):
            return lots, []
        market = self._markets[order.symbol]
        transaction = self._settlement.begin(self._stamp(now_ns), order.symbol)
        result = _enter(market.book, order, lots, transaction.at_ns)
        market.record(result.events)
        state = self._settlement.place(transaction, order, lots, result)
        return moved(state, self.skew_ns), self._close(transaction, result)

    def reject(
        self, order: NewOrder, reason: str, now_ns: int
    ) -> tuple[OrderState, list[AnyEvent]]:
        """Remember an order that :meth:`place` did not take as ``"rejected"``, for ``reason``: at
        venues that acknowledge first, what the matching refuses has an id and a history."""
        market = self._markets[order.symbol]
        transaction = self._settlement.begin(self._stamp(now_ns), order.symbol)
        number = market.book.take_number()
        state = self._settlement.reject(transaction, order, number, order.quantity, reason)
        events = self._close(transaction, ExecutionResult(None, [], []))
        return moved(state, self.skew_ns), events

    def cancel(
        self,
        owner: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
        cancel_id: str = "",
        *,
        now_ns: int,
    ) -> tuple[OrderState | None, list[AnyEvent]]:
        """Take an open order out by either id (with both they must agree); ``None`` when no such
        order is open, or the engine keeps it. ``cancel_id`` is the client's id of this cancel."""
        order = self._store(owner).find(symbol, order_id, client_order_id)
        if order is None or not order.open:
            return None, []
        transaction = self._settlement.begin(self._stamp(now_ns), symbol)
        result = self._markets[symbol].book.cancel(transaction.at_ns, order.id)
        if result is None:
            return None, []
        order = self._settlement.end(transaction, order, "canceled", cancel_id=cancel_id)
        return moved(order, self.skew_ns), self._close(transaction, result)

    def amend(
        self,
        owner: str,
        symbol: str,
        order_id: int,
        quantity: int,
        client_order_id: str | None = None,
        *,
        price: int | None = None,
        now_ns: int,
    ) -> tuple[OrderState | Rejection | None, list[AnyEvent]]:
        """Let an open order be for fewer lots in all; it keeps its place in the queue.

        With a ``price`` it may be for more lots, too, and at that price: it then goes behind all
        others there, and matches as far as it crosses. ``None`` when no such order is open, the
        engine keeps it as it is, or ``quantity`` is not between what is filled and what it was for
        (with a ``price``: not more than what is filled, or nothing changes). ``client_order_id``
        is its new one (default: as before).
        """
        store = self._store(owner)
        order = store.find(symbol, order_id)
        if order is None or not order.open or not order.filled < quantity:
            return None, []
        request = order.request
        ticks = request.price if price is None else price
        requeued = ticks != request.price or (price is not None and quantity > order.quantity)
        if not requeued and not quantity < order.quantity:
            return None, []
        if requeued:
            refused = self._cannot_requeue(order, ticks, quantity)
            if refused is not None:
                return refused, []
        before = order.request.client_order_id
        name = before if client_order_id is None else client_order_id
        if name != before and name in store.open_ids:
            return Rejection("duplicate_client_order_id"), []
        transaction = self._settlement.begin(self._stamp(now_ns), symbol)
        book = self._markets[symbol].book
        if requeued:
            result = book.requeue(
                transaction.at_ns, order.id, ticks, quantity, self_trade=request.self_trade
            )
        else:
            result = book.reduce(transaction.at_ns, order.id, order.quantity - quantity)
        if result is None:
            return None, []
        self._markets[symbol].record(result.events)
        order = self._settlement.amend(transaction, order, quantity, ticks, name, result)
        return moved(order, self.skew_ns), self._close(transaction, result)

    def _cannot_requeue(self, order: OrderState, ticks: int, quantity: int) -> Rejection | None:
        """Why an open order cannot be for so many lots at that price."""
        request = order.request
        scale, book = self.ledger.scales[request.symbol], self._markets[request.symbol].book
        costs = []
        for lots, price in ((quantity, ticks), (order.quantity, request.price)):
            left = lots - order.filled
            asset, units = self.ledger.needed(
                request.owner, scale, request.side, price * left, left
            )
            costs.append(units)
        if not self.ledger.can_pay(request.owner, asset, costs[0] - costs[1]):
            return Rejection("insufficient_balance")
        other = book.asks if request.side == "buy" else book.bids
        if request.time_in_force == "POST_ONLY" and other.crosses(ticks):
            return Rejection("would_match")
        return None

    def cancel_all(
        self, owner: str, symbol: str, now_ns: int, cancel_id: str = ""
    ) -> tuple[list[OrderState], list[AnyEvent]]:
        """Take all open orders of one symbol out, oldest first."""
        found = self._store(owner).orders(symbol, open_only=True)
        if not found:
            return [], []
        transaction = self._settlement.begin(self._stamp(now_ns), symbol)
        result = self._markets[symbol].book.cancel_owner(transaction.at_ns, owner)
        ended = [
            self._settlement.end(transaction, order, "canceled", cancel_id=cancel_id)
            for order in found
        ]
        return self._moved(ended), self._close(transaction, result)

    def crowd_took(self, symbol: str, at_ns: int) -> list[AccountEvent]:
        """Book what the crowd has just taken of accounts' resting orders."""
        transaction = self._settlement.begin(at_ns, symbol)
        passive_fills = self._markets[symbol].book.passive_fills
        for fill in passive_fills:
            self.ledger.settle_outside(transaction.scale, fill.trade.taker, fill.trade)
            self._settlement.fill_maker(transaction, fill)
        passive_fills.clear()
        return self._settlement.close(transaction)

    # -- inside --------------------------------------------------------------------------------

    def _store(self, owner: str) -> OrderStore:
        store = self._stores.get(owner)
        if store is None:
            raise BadInput(f"{owner!r} has no account; open one first")
        return store

    def _close(self, transaction: Transaction, result: ExecutionResult) -> list[AnyEvent]:
        """Everything that an operation has caused."""
        private = self._settlement.close(transaction)
        self.on_events([*result.events, *private])
        return [*result.events, *self._moved(private)]

    def _moved(self, records: list[Record]) -> list[Record]:
        return [moved(one, self.skew_ns) for one in records] if self.skew_ns else records

    def _plan(self, order: NewOrder) -> int | Rejection:
        """The lots that the order would be for, or why it cannot be taken."""
        store, market = self._store(order.owner), self._markets.get(order.symbol)
        if market is None:
            raise BadInput(f"the lab has no {order.symbol!r}; it has {', '.join(self._markets)}")
        if order.client_order_id in store.open_ids:
            return Rejection("duplicate_client_order_id")
        scale, book = self.ledger.scales[order.symbol], market.book
        other = book.asks if order.side == "buy" else book.bids
        lots, price = _checked(order)
        if price:
            cost = price * lots
        else:
            estimate = other.estimate(
                quantity=lots,
                budget=int(order.quote // scale.step),
                owner=order.owner,
                self_trade=order.self_trade,
            )
            lots, cost = lots or estimate.lots, estimate.cost
            if not lots:
                return Rejection("no_liquidity")
        asset, units = self.ledger.needed(order.owner, scale, order.side, cost, lots)
        if not self.ledger.can_pay(order.owner, asset, units):
            return Rejection("insufficient_balance")
        if order.time_in_force == "POST_ONLY" and other.crosses(price):
            return Rejection("would_match")
        return lots


def _checked(order: NewOrder) -> tuple[int, int]:
    """(lots, price) of an order whose numbers make sense for its type."""
    if order.type == "market":
        if order.price or (order.quantity > 0) == (order.quote > 0):
            raise BadInput("a market order has no price, and either a quantity or a quote amount")
    elif order.price <= 0 or order.quantity <= 0 or order.quote:
        raise BadInput("a limit order has a positive price and a positive quantity")
    return order.quantity, order.price


def _enter(book: Book, order: NewOrder, lots: int, at_ns: int) -> ExecutionResult:
    """Hand an order to the engine."""
    if order.type == "market":
        return book.market(at_ns, order.side, lots, owner=order.owner, self_trade=order.self_trade)
    return book.limit(
        at_ns,
        order.side,
        order.price,
        lots,
        owner=order.owner,
        time_in_force=order.time_in_force,
        self_trade=order.self_trade,
    )
