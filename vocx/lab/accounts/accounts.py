"""Accounts on the lab's exchange: who may place which order, and what it does to everybody.

Each operation returns its events in order: the market's, which everybody may see, then those of
accounts: ``"new"``, one ``"trade"`` for each match, ``"expired"`` or ``"canceled"`` for what ends
without one, and last one :class:`BalancesChanged` for each account concerned. Owners of resting
orders are told whoever takes them, another account or the crowd.

Prices, quantities and filters are the dialect's to check; here an order is refused only for what
the exchange alone can know (:class:`Rejection`). A refused order never existed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from vocx.errors import BadInput
from vocx.lab.accounts.balances import Ledger
from vocx.lab.accounts.order_store import Shelf
from vocx.lab.accounts.settlement import Clerk
from vocx.lab.events import AccountEvent, AnyEvent, Event, FillState, NewOrder, OrderState, Spec
from vocx.lab.market.engine import Book, Outcome, Rule

START: Mapping[str, Decimal] = {
    "USDT": Decimal(500_000),
    "BTC": Decimal(10),
    "ETH": Decimal(100),
    "SOL": Decimal(1_000),
    "BNB": Decimal(200),
    "XRP": Decimal(100_000),
}
"""What a new account has unless told otherwise; other assets 0."""

RATE = Decimal("0.001")
"""Maker's and taker's fee, Binance Spot's standard (documentation "Commission FAQ", 2026-07)."""


class Rejection(msgspec.Struct, frozen=True):
    """Why the exchange did not take an order.

    ``"would_match"``: a limit_maker order that could match at once. ``"no_liquidity"``: a market
    order by ``quote`` that could not buy or sell a single lot.
    """

    reason: Literal[
        "duplicate_client_order_id", "insufficient_balance", "would_match", "no_liquidity"
    ]


class Tradable(Protocol):
    """What is needed of a market: its names and steps, its book, and where its trades are kept
    (:class:`vocx.lab.market.live.LiveMarket`)."""

    spec: Spec
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
    maker, taker
        Fees, as a share of what is received.
    """

    def __init__(
        self,
        markets: Iterable[Tradable],
        stamp: Callable[[int], int],
        *,
        maker: Decimal = RATE,
        taker: Decimal = RATE,
    ) -> None:
        self._markets = {market.spec.symbol: market for market in markets}
        self._stamp = stamp
        self._rates = (maker, taker)
        self.ledger = Ledger(market.spec for market in self._markets.values())
        self._shelves: dict[str, Shelf] = {}
        self._clerk = Clerk(self.ledger, self._shelves, maker=maker, taker=taker)

    # -- accounts ------------------------------------------------------------------------------

    def open(self, owner: str, balances: Mapping[str, Decimal] | None = None) -> None:
        """Open an account with these free balances, or with what of :data:`START` is traded here.

        Raises
        ------
        BadInput
            For an owner that has one, an unknown asset, an amount that is no ``Decimal``,
            negative, too large or too fine.
        """
        if balances is None:
            balances = {one: START[one] for one in START if one in self.ledger.digits}
        self.ledger.open(owner, balances)
        self._shelves[owner] = Shelf()

    @property
    def owners(self) -> tuple[str, ...]:
        return tuple(self._shelves)

    def balances(self, owner: str) -> dict[str, tuple[Decimal, Decimal]]:
        """(free, locked) of every asset that is traded here."""
        self._shelf(owner)
        return self.ledger.balances(owner)

    def rates(self, owner: str) -> tuple[Decimal, Decimal]:
        """Maker's and taker's fee, as a share of what is received."""
        self._shelf(owner)
        return self._rates

    # -- what there is -------------------------------------------------------------------------

    def order(
        self,
        owner: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> OrderState | None:
        """One order by either id; with both they must agree. ``None`` when there is none."""
        kept = self._shelf(owner).find(symbol, order_id, client_order_id)
        return None if kept is None else kept.state()

    def orders(
        self, owner: str, symbol: str | None = None, open_only: bool = False
    ) -> list[OrderState]:
        """By growing id, symbol by symbol: all open ones and the newest 10,000 closed ones."""
        return [kept.state() for kept in self._shelf(owner).orders(symbol, open_only)]

    def open_count(self, owner: str, symbol: str) -> int:
        """How many orders are open."""
        return self._shelf(owner).open_count(symbol)

    def fills(self, owner: str, symbol: str) -> list[FillState]:
        """The newest 10,000, oldest first."""
        return self._shelf(owner).fills(symbol)

    # -- what changes it -----------------------------------------------------------------------

    def check(self, order: NewOrder, now_ns: int) -> Rejection | None:
        """Why :meth:`place` would reject the order now; ``None`` if it would not."""
        found = self._plan(order)
        return found if isinstance(found, Rejection) else None

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
        turn = self._clerk.begin(self._stamp(now_ns), order.symbol)
        outcome = _enter(market.book, order, lots, turn.at_ns)
        market.record(outcome.events)
        kept = self._clerk.arrived(turn, order, lots, outcome)
        return kept.state(), [*outcome.events, *self._clerk.close(turn)]

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
        order is open. ``cancel_id`` is the client's id of this cancel."""
        kept = self._shelf(owner).find(symbol, order_id, client_order_id)
        if kept is None or not kept.open:
            return None, []
        turn = self._clerk.begin(self._stamp(now_ns), symbol)
        outcome = self._markets[symbol].book.cancel(turn.at_ns, kept.id)
        assert outcome is not None
        self._clerk.end(turn, kept, "canceled", cancel_id=cancel_id)
        return kept.state(), [*outcome.events, *self._clerk.close(turn)]

    def cancel_all(
        self, owner: str, symbol: str, now_ns: int, cancel_id: str = ""
    ) -> tuple[list[OrderState], list[AnyEvent]]:
        """Take all open orders of one symbol out, oldest first."""
        found = self._shelf(owner).orders(symbol, open_only=True)
        if not found:
            return [], []
        turn = self._clerk.begin(self._stamp(now_ns), symbol)
        outcome = self._markets[symbol].book.cancel_owner(turn.at_ns, owner)
        for kept in found:
            self._clerk.end(turn, kept, "canceled", cancel_id=cancel_id)
        return [kept.state() for kept in found], [*outcome.events, *self._clerk.close(turn)]

    def crowd_took(self, symbol: str, at_ns: int) -> list[AccountEvent]:
        """Book what the crowd has just taken of accounts' resting orders."""
        turn = self._clerk.begin(at_ns, symbol)
        touched = self._markets[symbol].book.touched
        for fill in touched:
            self.ledger.settle_outside(turn.terms, fill.trade.taker, fill.trade)
            self._clerk.made(turn, fill)
        touched.clear()
        return self._clerk.close(turn)

    # -- inside --------------------------------------------------------------------------------

    def _shelf(self, owner: str) -> Shelf:
        shelf = self._shelves.get(owner)
        if shelf is None:
            raise BadInput(f"{owner!r} has no account; open one first")
        return shelf

    def _plan(self, order: NewOrder) -> int | Rejection:
        """The lots that the order would be for, or why it cannot be taken."""
        shelf, market = self._shelf(order.owner), self._markets.get(order.symbol)
        if market is None:
            raise BadInput(f"the lab has no {order.symbol!r}; it has {', '.join(self._markets)}")
        if order.client_order_id in shelf.names:
            return Rejection("duplicate_client_order_id")
        terms, book = self.ledger.terms[order.symbol], market.book
        other = book.asks if order.side == "buy" else book.bids
        lots, price = _checked(order)
        if price:
            cost = price * lots
        else:
            reach = other.reach(
                quantity=lots,
                budget=int(order.quote // terms.step),
                owner=order.owner,
                self_trade=order.self_trade,
            )
            lots, cost = lots or reach.lots, reach.cost
            if not lots:
                return Rejection("no_liquidity")
        asset, units = terms.needed(order.side, cost, lots)
        if units > self.ledger.purse(order.owner, asset).free:
            return Rejection("insufficient_balance")
        if order.type == "limit_maker" and other.keys and other.keys[-1] >= price * other.sign:
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


def _enter(book: Book, order: NewOrder, lots: int, at_ns: int) -> Outcome:
    """Hand an order to the engine."""
    if order.type == "market":
        return book.market(
            at_ns, order.side, quantity=lots, owner=order.owner, self_trade=order.self_trade
        )
    rule: Rule = "MAKER" if order.type == "limit_maker" else order.rule
    return book.limit(
        at_ns,
        order.side,
        order.price,
        lots,
        owner=order.owner,
        rule=rule,
        self_trade=order.self_trade,
    )
