"""Books what the engine did: into balances, into orders, and into what their owners are told.

One operation is one :class:`Transaction`. Its events: ``"new"``, one ``"trade"`` for each match,
``"replaced"`` for an amendment, ``"expired"`` or ``"canceled"`` for what ends without a match, and
last one :class:`BalancesChanged` for each account concerned.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from vocx.lab.accounts.balances import BalanceLedger, UnitScale
from vocx.lab.accounts.order_store import OrderStore
from vocx.lab.events import (
    AccountEvent,
    BalancesChanged,
    Executed,
    FillState,
    NewOrder,
    OrderState,
    Traded,
)
from vocx.lab.market.engine import ExecutionResult, Fill


class Transaction:
    """One operation while it is booked: when, on which market, what is to be told to whom."""

    __slots__ = ("at_ns", "scale", "events", "owners")

    def __init__(self, at_ns: int, scale: UnitScale) -> None:
        self.at_ns, self.scale = at_ns, scale
        self.events: list[AccountEvent] = []
        self.owners: dict[str, None] = {}


class Settlement:
    """Keeps the books of all accounts.

    Parameters
    ----------
    ledger, stores
        Balances, and orders by owner. An owner without a store is outside, like the crowd.

    Attributes
    ----------
    updated_ns : dict
        When each owner's balances last changed.
    """

    def __init__(self, ledger: BalanceLedger, stores: Mapping[str, OrderStore]) -> None:
        self.updated_ns: dict[str, int] = {}
        self._ledger = ledger
        self._stores = stores
        self._executions = 0

    def begin(self, at_ns: int, symbol: str) -> Transaction:
        """Open a transaction on one market."""
        return Transaction(at_ns, self._ledger.scales[symbol])

    def close(self, transaction: Transaction) -> list[AccountEvent]:
        """The transaction's events, ended with the balances of everybody concerned."""
        ledger, scale, at_ns = self._ledger, transaction.scale, transaction.at_ns
        for owner in transaction.owners:
            rows = (
                (scale.base, *ledger.balance(owner, scale.base)),
                (scale.quote, *ledger.balance(owner, scale.quote)),
            )
            self.updated_ns[owner] = at_ns
            transaction.events.append(BalancesChanged(at_ns=at_ns, owner=owner, balances=rows))
        return transaction.events

    def place(
        self, transaction: Transaction, request: NewOrder, lots: int, result: ExecutionResult
    ) -> OrderState:
        """An order of ``lots`` has come in, and this has become of it."""
        assert result.order is not None
        at_ns = transaction.at_ns
        order = OrderState(
            request=request,
            id=result.order.id,
            status="new",
            quantity=lots,
            created_ns=at_ns,
            updated_ns=at_ns,
            working_ns=at_ns,
        )
        asset, units = self._held(transaction, order)
        self._ledger.hold(request.owner, asset, units)
        self._stores[request.owner].add(order)
        self._tell(transaction, "new", order)
        return self._matched(transaction, order, result)

    def reject(
        self, transaction: Transaction, request: NewOrder, order_id: int, lots: int, reason: str
    ) -> OrderState:
        """An order that was taken in is refused by the matching itself: it never rested, held
        nothing, and is remembered as ``"rejected"``."""
        order = OrderState(
            request=request,
            id=order_id,
            status="rejected",
            quantity=lots,
            created_ns=transaction.at_ns,
            updated_ns=transaction.at_ns,
            reason=reason,
        )
        self._stores[request.owner].add(order)
        self._tell(transaction, "rejected", order)
        return order

    def _matched(
        self, transaction: Transaction, order: OrderState, result: ExecutionResult
    ) -> OrderState:
        """What an order that has come into the book took there, and whom it ended."""
        request = order.request
        for fill in result.fills:
            order = self._fill(transaction, order, fill.trade, maker=False)
            self.fill_maker(transaction, fill)
        for resting in result.cancelled:
            prevented = self._order(transaction, resting.owner, resting.id)
            assert prevented is not None
            self.end(transaction, prevented, "expired_in_match", "self_trade")
        if result.expired == "self_trade":
            return self.end(transaction, order, "expired_in_match", "self_trade")
        if result.expired:
            return self.end(transaction, order, "expired", _reason(request))
        return order

    def fill_maker(self, transaction: Transaction, fill: Fill) -> None:
        """Book the maker's side of a match."""
        order = self._order(transaction, fill.maker.owner, fill.maker.id)
        if order is None:
            self._ledger.settle_outside(transaction.scale, fill.maker.side, fill.trade)
        else:
            self._fill(transaction, order, fill.trade, maker=True)

    def end(
        self,
        transaction: Transaction,
        order: OrderState,
        status: str,
        reason: str = "",
        cancel_id: str = "",
    ) -> OrderState:
        """End an order without a match and release what it still holds."""
        owner = order.request.owner
        asset, units = self._held(transaction, order)
        self._ledger.hold(owner, asset, -units)
        order = replace(
            order,
            status=status,
            reason=reason,
            cancel_id=cancel_id,
            updated_ns=transaction.at_ns,
        )
        self._stores[owner].replace(order)
        self._tell(transaction, "canceled" if status == "canceled" else "expired", order)
        return order

    def amend(
        self,
        transaction: Transaction,
        order: OrderState,
        quantity: int,
        price: int,
        client_order_id: str,
        result: ExecutionResult,
    ) -> OrderState:
        """Let an open order be for other lots, at another price, under another client order id;
        hold what it has to hold now, then book what it matched."""
        owner, before = order.request.owner, order.request.client_order_id
        asset, held = self._held(transaction, order)
        order = replace(
            order,
            request=replace(order.request, client_order_id=client_order_id, price=price),
            quantity=quantity,
            updated_ns=transaction.at_ns,
        )
        _, still = self._held(transaction, order)
        self._ledger.hold(owner, asset, still - held)
        self._stores[owner].rename(order, before)
        self._tell(transaction, "replaced", order, previous_id=before)
        return self._matched(transaction, order, result)

    def _order(
        self, transaction: Transaction, owner: str | None, order_id: int
    ) -> OrderState | None:
        store = None if owner is None else self._stores.get(owner)
        return None if store is None else store.find(transaction.scale.symbol, order_id)

    def _held(self, transaction: Transaction, order: OrderState) -> tuple[str, int]:
        """(asset, units) that are locked for what is left of an order; a market order, which has
        no price, locks nothing."""
        request = order.request
        left = order.quantity - order.filled if request.price else 0
        return self._ledger.needed(
            request.owner, transaction.scale, request.side, request.price * left, left
        )

    def _fill(
        self, transaction: Transaction, order: OrderState, trade: Traded, *, maker: bool
    ) -> OrderState:
        """Book one side of one match."""
        request, scale, ledger = order.request, transaction.scale, self._ledger
        _, held = self._held(transaction, order)
        quote = ledger.amount(scale.quote, scale.worth(trade.price * trade.quantity))
        filled = order.filled + trade.quantity
        order = replace(
            order,
            filled=filled,
            filled_quote=order.filled_quote + quote,
            fills=order.fills + 1,
            last_trade=trade,
            status="partially_filled" if filled < order.quantity else "filled",
            updated_ns=transaction.at_ns,
        )
        _, still = self._held(transaction, order)
        asset, units = ledger.settle(request.owner, scale, request.side, trade, held - still, maker)
        fee = ledger.amount(asset, units)
        order = replace(order, fee=order.fee + fee, fee_asset=asset)
        fill = FillState(
            trade=trade, order=order, maker=maker, quote=quote, fee=fee, fee_asset=asset
        )
        store = self._stores[request.owner]
        store.replace(order)
        store.add_fill(fill)
        self._tell(transaction, "trade", order, fill)
        return order

    def _tell(
        self,
        transaction: Transaction,
        what: str,
        order: OrderState,
        fill: FillState | None = None,
        previous_id: str = "",
    ) -> None:
        self._executions += 1
        owner = order.request.owner
        transaction.owners[owner] = None
        transaction.events.append(
            Executed(
                at_ns=transaction.at_ns,
                owner=owner,
                what=what,
                order=order,
                execution_id=self._executions,
                fill=fill,
                previous_id=previous_id,
            )
        )


def _reason(request: NewOrder) -> str:
    """Why something of an order was left without a match."""
    if request.type == "market":
        return "insufficient_liquidity"
    return "unfilled_fok" if request.time_in_force == "FOK" else "unfilled_ioc"
