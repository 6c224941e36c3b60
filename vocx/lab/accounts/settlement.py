"""Books what the engine did: into balances, into orders, and into what their owners are told.

One operation is one :class:`Transaction`. Its events: ``"new"``, one ``"trade"`` for each match,
``"expired"`` or ``"canceled"`` for what ends without one, and last one
:class:`BalancesChanged` for each account concerned.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from vocx.lab.accounts.balances import BalanceLedger, UnitScale
from vocx.lab.accounts.order_store import OrderRecord, OrderStore
from vocx.lab.events import AccountEvent, BalancesChanged, Executed, FillState, NewOrder, Traded
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
    maker, taker
        Fees, as a share of what is received.
    """

    def __init__(
        self,
        ledger: BalanceLedger,
        stores: Mapping[str, OrderStore],
        *,
        maker: Decimal,
        taker: Decimal,
    ) -> None:
        self._ledger = ledger
        self._stores = stores
        self._rates = {True: maker.as_integer_ratio(), False: taker.as_integer_ratio()}
        self._executions = 0

    def begin(self, at_ns: int, symbol: str) -> Transaction:
        return Transaction(at_ns, self._ledger.scales[symbol])

    def close(self, transaction: Transaction) -> list[AccountEvent]:
        """The transaction's events, ended with the balances of everybody concerned."""
        ledger, scale = self._ledger, transaction.scale
        for owner in transaction.owners:
            rows = (
                (scale.base, *ledger.balance(owner, scale.base)),
                (scale.quote, *ledger.balance(owner, scale.quote)),
            )
            transaction.events.append(
                BalancesChanged(at_ns=transaction.at_ns, owner=owner, balances=rows)
            )
        return transaction.events

    def arrived(
        self, transaction: Transaction, order: NewOrder, lots: int, result: ExecutionResult
    ) -> OrderRecord:
        """An order of ``lots`` has come in, and this has become of it."""
        assert result.order is not None
        held = 0
        if order.price:
            asset, held = transaction.scale.needed(order.side, order.price * lots, lots)
            self._ledger.hold(order.owner, asset, held)
        record = OrderRecord(
            order, result.order.id, lots, held, transaction.at_ns, transaction.at_ns
        )
        self._stores[order.owner].add(record)
        self._say(transaction, "new", record)
        for fill in result.fills:
            self._trade(transaction, record, fill.trade, maker=False)
            self.made(transaction, fill)
        for resting in result.cancelled:
            prevented = self._record(transaction, resting.owner, resting.id)
            assert prevented is not None
            self.end(transaction, prevented, "expired_in_match", "self_trade")
        if result.expired == "self_trade":
            self.end(transaction, record, "expired_in_match", "self_trade")
        elif result.expired:
            self.end(transaction, record, "expired", _reason(order))
        return record

    def made(self, transaction: Transaction, fill: Fill) -> None:
        """Book the maker's side of a match."""
        record = self._record(transaction, fill.maker.owner, fill.maker.id)
        if record is None:
            self._ledger.settle_outside(transaction.scale, fill.maker.side, fill.trade)
        else:
            self._trade(transaction, record, fill.trade, maker=True)

    def end(
        self,
        transaction: Transaction,
        record: OrderRecord,
        status: str,
        reason: str = "",
        cancel_id: str = "",
    ) -> None:
        """End an order without a match and release what it still holds."""
        request = record.request
        if record.held:
            asset, _ = transaction.scale.needed(request.side, 0, 0)
            self._ledger.hold(request.owner, asset, -record.held)
        record.held = 0
        record.status, record.reason, record.cancel_id = status, reason, cancel_id
        record.updated_ns, record.shown = transaction.at_ns, None
        self._stores[request.owner].close(record)
        self._say(transaction, "canceled" if status == "canceled" else "expired", record)

    def _record(
        self, transaction: Transaction, owner: str | None, order_id: int
    ) -> OrderRecord | None:
        store = None if owner is None else self._stores.get(owner)
        return None if store is None else store.find(transaction.scale.symbol, order_id)

    def _trade(
        self, transaction: Transaction, record: OrderRecord, trade: Traded, *, maker: bool
    ) -> None:
        """Book one side of one match."""
        request, scale, ledger = record.request, transaction.scale, self._ledger
        record.filled += trade.quantity
        held = 0
        if request.price:
            left = record.quantity - record.filled
            _, still = scale.needed(request.side, request.price * left, left)
            held, record.held = record.held - still, still
        asset, fee = ledger.settle(
            request.owner, scale, request.side, trade, held, self._rates[maker]
        )
        quote = ledger.amount(scale.quote, scale.worth(trade.price * trade.quantity))
        record.filled_quote += quote
        record.status = "partially_filled" if record.filled < record.quantity else "filled"
        record.updated_ns, record.shown = transaction.at_ns, None
        fill = FillState(
            trade=trade,
            order=record.state(),
            maker=maker,
            quote=quote,
            fee=ledger.amount(asset, fee),
            fee_asset=asset,
        )
        store = self._stores[request.owner]
        store.add_fill(fill)
        if not record.open:
            store.close(record)
        self._say(transaction, "trade", record, fill)

    def _say(
        self,
        transaction: Transaction,
        what: str,
        record: OrderRecord,
        fill: FillState | None = None,
    ) -> None:
        self._executions += 1
        owner = record.request.owner
        transaction.owners[owner] = None
        transaction.events.append(
            Executed(
                at_ns=transaction.at_ns,
                owner=owner,
                what=what,
                order=record.state(),
                execution_id=self._executions,
                fill=fill,
            )
        )


def _reason(request: NewOrder) -> str:
    """Why something of an order was left without a match."""
    if request.type == "market":
        return "insufficient_liquidity"
    return "unfilled_fok" if request.time_in_force == "FOK" else "unfilled_ioc"
