"""Books what the engine did: into balances, into orders, and into what their owners are told.

One operation is one :class:`Turn`. Its events: ``"new"``, one ``"trade"`` for each match,
``"expired"`` or ``"canceled"`` for what ends without one, and last one
:class:`BalancesChanged` for each account concerned.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from vocx.lab.accounts.balances import Ledger, Terms
from vocx.lab.accounts.order_store import Kept, Shelf
from vocx.lab.events import AccountEvent, BalancesChanged, Executed, FillState, NewOrder, Traded
from vocx.lab.market.engine import Fill, Outcome


class Turn:
    """One operation while it is booked: when, on which market, what is to be told to whom."""

    __slots__ = ("at_ns", "terms", "events", "owners")

    def __init__(self, at_ns: int, terms: Terms) -> None:
        self.at_ns, self.terms = at_ns, terms
        self.events: list[AccountEvent] = []
        self.owners: dict[str, None] = {}


class Clerk:
    """Keeps the books of all accounts.

    Parameters
    ----------
    ledger, shelves
        Balances, and orders by owner. An owner without a shelf is outside, like the crowd.
    maker, taker
        Fees, as a share of what is received.
    """

    def __init__(
        self, ledger: Ledger, shelves: Mapping[str, Shelf], *, maker: Decimal, taker: Decimal
    ) -> None:
        self._ledger = ledger
        self._shelves = shelves
        self._rates = {True: maker.as_integer_ratio(), False: taker.as_integer_ratio()}
        self._executions = 0

    def begin(self, at_ns: int, symbol: str) -> Turn:
        return Turn(at_ns, self._ledger.terms[symbol])

    def close(self, turn: Turn) -> list[AccountEvent]:
        """The turn's events, ended with the balances of everybody concerned."""
        ledger, terms = self._ledger, turn.terms
        for owner in turn.owners:
            rows = (
                (terms.base, *ledger.balance(owner, terms.base)),
                (terms.quote, *ledger.balance(owner, terms.quote)),
            )
            turn.events.append(BalancesChanged(at_ns=turn.at_ns, owner=owner, balances=rows))
        return turn.events

    def arrived(self, turn: Turn, order: NewOrder, lots: int, outcome: Outcome) -> Kept:
        """An order of ``lots`` has come in, and this has become of it."""
        assert outcome.order is not None
        held = 0
        if order.price:
            asset, held = turn.terms.needed(order.side, order.price * lots, lots)
            self._ledger.hold(order.owner, asset, held)
        kept = Kept(order, outcome.order.id, lots, held, turn.at_ns, turn.at_ns)
        self._shelves[order.owner].add(kept)
        self._say(turn, "new", kept)
        for fill in outcome.fills:
            self._trade(turn, kept, fill.trade, maker=False)
            self.made(turn, fill)
        for resting in outcome.cancelled:
            prevented = self._kept(turn, resting.owner, resting.id)
            assert prevented is not None
            self.end(turn, prevented, "expired_in_match", "self_trade")
        if outcome.expired == "self_trade":
            self.end(turn, kept, "expired_in_match", "self_trade")
        elif outcome.expired:
            self.end(turn, kept, "expired", _reason(order))
        return kept

    def made(self, turn: Turn, fill: Fill) -> None:
        """Book the maker's side of a match."""
        kept = self._kept(turn, fill.maker.owner, fill.maker.id)
        if kept is None:
            self._ledger.settle_outside(turn.terms, fill.maker.side, fill.trade)
        else:
            self._trade(turn, kept, fill.trade, maker=True)

    def end(
        self, turn: Turn, kept: Kept, status: str, reason: str = "", cancel_id: str = ""
    ) -> None:
        """End an order without a match and release what it still holds."""
        request = kept.request
        if kept.held:
            asset, _ = turn.terms.needed(request.side, 0, 0)
            self._ledger.hold(request.owner, asset, -kept.held)
        kept.held = 0
        kept.status, kept.reason, kept.cancel_id = status, reason, cancel_id
        kept.updated_ns, kept.shown = turn.at_ns, None
        self._shelves[request.owner].close(kept)
        self._say(turn, "canceled" if status == "canceled" else "expired", kept)

    def _kept(self, turn: Turn, owner: str | None, order_id: int) -> Kept | None:
        shelf = None if owner is None else self._shelves.get(owner)
        return None if shelf is None else shelf.find(turn.terms.symbol, order_id)

    def _trade(self, turn: Turn, kept: Kept, trade: Traded, *, maker: bool) -> None:
        """Book one side of one match."""
        request, terms, ledger = kept.request, turn.terms, self._ledger
        kept.filled += trade.quantity
        held = 0
        if request.price:
            left = kept.quantity - kept.filled
            _, still = terms.needed(request.side, request.price * left, left)
            held, kept.held = kept.held - still, still
        asset, fee = ledger.settle(
            request.owner, terms, request.side, trade, held, self._rates[maker]
        )
        quote = ledger.amount(terms.quote, terms.worth(trade.price * trade.quantity))
        kept.filled_quote += quote
        kept.status = "partially_filled" if kept.filled < kept.quantity else "filled"
        kept.updated_ns, kept.shown = turn.at_ns, None
        fill = FillState(
            trade=trade,
            order=kept.state(),
            maker=maker,
            quote=quote,
            fee=ledger.amount(asset, fee),
            fee_asset=asset,
        )
        shelf = self._shelves[request.owner]
        shelf.add_fill(fill)
        if not kept.open:
            shelf.close(kept)
        self._say(turn, "trade", kept, fill)

    def _say(self, turn: Turn, what: str, kept: Kept, fill: FillState | None = None) -> None:
        self._executions += 1
        owner = kept.request.owner
        turn.owners[owner] = None
        turn.events.append(
            Executed(
                at_ns=turn.at_ns,
                owner=owner,
                what=what,
                order=kept.state(),
                execution_id=self._executions,
                fill=fill,
            )
        )


def _reason(request: NewOrder) -> str:
    """Why something of an order was left without a match."""
    if request.type == "market":
        return "insufficient_liquidity"
    return "unfilled_fok" if request.rule == "FOK" else "unfilled_ioc"
