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
from typing import Literal

import msgspec

from vocx.errors import BadInput
from vocx.lab.engine import Book, Fill, Outcome, Rule
from vocx.lab.holds import Ledger, Terms, needed
from vocx.lab.live import LiveMarket
from vocx.lab.market import (
    AccountEvent,
    AnyEvent,
    BalancesChanged,
    Executed,
    FillState,
    NewOrder,
    OrderState,
    Traded,
)
from vocx.lab.orders import Kept, Shelf

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
        markets: Iterable[LiveMarket],
        stamp: Callable[[int], int],
        *,
        maker: Decimal = RATE,
        taker: Decimal = RATE,
    ) -> None:
        self._markets = {market.spec.symbol: market for market in markets}
        self._stamp = stamp
        self._rates = (maker, taker)
        self._fractions = {
            True: maker.as_integer_ratio(),
            False: taker.as_integer_ratio(),
        }
        self._shelves: dict[str, Shelf] = {}
        self._executions = 0
        self.ledger = Ledger(market.spec for market in self._markets.values())

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
        at_ns = self._stamp(now_ns)
        market = self._markets[order.symbol]
        terms = self.ledger.terms[order.symbol]
        if order.price:
            self.ledger.hold(order.owner, terms, order.side, order.price, lots)
        outcome = _enter(market.book, order, lots, at_ns)
        market.record(outcome.events)
        assert outcome.order is not None
        kept = Kept(order, outcome.order.id, lots, terms.step, at_ns, at_ns)
        self._shelves[order.owner].add(kept)
        turn = Turn(at_ns, terms)
        self._say(turn, "new", kept)
        self._settle(turn, kept, outcome)
        return kept.state(), [*outcome.events, *self._balanced(turn)]

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
        at_ns = self._stamp(now_ns)
        outcome = self._markets[symbol].book.cancel(at_ns, kept.id)
        assert outcome is not None
        turn = Turn(at_ns, self.ledger.terms[symbol])
        self._end(turn, kept, "canceled", cancel_id=cancel_id)
        return kept.state(), [*outcome.events, *self._balanced(turn)]

    def cancel_all(
        self, owner: str, symbol: str, now_ns: int, cancel_id: str = ""
    ) -> tuple[list[OrderState], list[AnyEvent]]:
        """Take all open orders of one symbol out, oldest first."""
        found = self._shelf(owner).orders(symbol, open_only=True)
        if not found:
            return [], []
        at_ns = self._stamp(now_ns)
        outcome = self._markets[symbol].book.cancel_owner(at_ns, owner)
        turn = Turn(at_ns, self.ledger.terms[symbol])
        for kept in found:
            self._end(turn, kept, "canceled", cancel_id=cancel_id)
        return [kept.state() for kept in found], [*outcome.events, *self._balanced(turn)]

    def crowd_took(self, symbol: str, at_ns: int) -> list[AccountEvent]:
        """Book what the crowd has just taken of accounts' resting orders."""
        turn = Turn(at_ns, self.ledger.terms[symbol])
        touched = self._markets[symbol].book.touched
        for fill in touched:
            self.ledger.settle_outside(turn.terms, fill.trade.taker, fill.trade)
            self._maker(turn, fill)
        touched.clear()
        return self._balanced(turn)

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
        asset, units = needed(terms, order.side, cost, lots)
        if units > self.ledger.purse(order.owner, asset).free:
            return Rejection("insufficient_balance")
        if order.type == "limit_maker" and other.keys and other.keys[-1] >= price * other.sign:
            return Rejection("would_match")
        return lots

    def _settle(self, turn: Turn, kept: Kept, outcome: Outcome) -> None:
        """Book what became of an order that has just arrived."""
        for fill in outcome.fills:
            self._trade(turn, kept, fill.trade, maker=False)
            self._maker(turn, fill)
        for order in outcome.cancelled:
            assert order.owner is not None
            prevented = self._shelves[order.owner].find(turn.terms.symbol, order.id)
            assert prevented is not None
            self._end(turn, prevented, "expired_in_match", "self_trade")
        if outcome.expired == "self_trade":
            self._end(turn, kept, "expired_in_match", "self_trade")
        elif outcome.expired:
            self._end(turn, kept, "expired", _reason(kept.request))

    def _maker(self, turn: Turn, fill: Fill) -> None:
        shelf = self._shelves.get(fill.maker.owner or "")
        if shelf is None:
            self.ledger.settle_outside(turn.terms, fill.maker.side, fill.trade)
            return
        kept = shelf.find(turn.terms.symbol, fill.maker.id)
        assert kept is not None
        self._trade(turn, kept, fill.trade, maker=True)

    def _trade(self, turn: Turn, kept: Kept, trade: Traded, *, maker: bool) -> None:
        """Book one side of one match."""
        request = kept.request
        kept.filled += trade.quantity
        kept.value += trade.price * trade.quantity
        kept.status = "filled" if kept.filled == kept.quantity else "partially_filled"
        kept.updated_ns = turn.at_ns
        asset, units = self.ledger.settle(
            request.owner, turn.terms, request.side, request.price, trade, self._fractions[maker]
        )
        fill = FillState(
            trade=trade,
            order=kept.state(),
            maker=maker,
            fee=self.ledger.amount(asset, units),
            fee_asset=asset,
        )
        shelf = self._shelves[request.owner]
        shelf.add_fill(fill)
        if not kept.open:
            shelf.close(kept)
        self._say(turn, "trade", kept, fill)

    def _end(
        self, turn: Turn, kept: Kept, status: str, reason: str = "", cancel_id: str = ""
    ) -> None:
        """End an order without a match and release what it still holds."""
        request = kept.request
        left = kept.quantity - kept.filled
        if request.price:
            self.ledger.hold(request.owner, turn.terms, request.side, request.price, -left)
        kept.status, kept.reason, kept.cancel_id = status, reason, cancel_id
        kept.updated_ns = turn.at_ns
        self._shelves[request.owner].close(kept)
        self._say(turn, "canceled" if status == "canceled" else "expired", kept)

    def _say(self, turn: Turn, what: str, kept: Kept, fill: FillState | None = None) -> None:
        self._executions += 1
        owner = kept.request.owner
        turn.owners[owner] = None
        turn.events.append(
            Executed(
                at_ns=turn.at_ns,
                owner=owner,
                what=what,
                order=kept.state() if fill is None else fill.order,
                execution_id=self._executions,
                fill=fill,
            )
        )

    def _balanced(self, turn: Turn) -> list[AccountEvent]:
        """The turn's events, closed with the balances of everybody concerned."""
        assets = (turn.terms.base, turn.terms.quote)
        for owner in turn.owners:
            rows = tuple((asset, *self.ledger.balance(owner, asset)) for asset in assets)
            turn.events.append(BalancesChanged(at_ns=turn.at_ns, owner=owner, balances=rows))
        return turn.events


class Turn:
    """One operation while it is booked: when, on which market, what is to be told to whom."""

    __slots__ = ("at_ns", "terms", "events", "owners")

    def __init__(self, at_ns: int, terms: Terms) -> None:
        self.at_ns, self.terms = at_ns, terms
        self.events: list[AccountEvent] = []
        self.owners: dict[str, None] = {}


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


def _reason(request: NewOrder) -> str:
    """Why something of an order was left without a match."""
    if request.type == "market":
        return "insufficient_liquidity"
    return "unfilled_fok" if request.rule == "FOK" else "unfilled_ioc"
