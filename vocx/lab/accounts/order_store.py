"""What one account has ordered: open orders, a bounded memory of closed ones, and fills.

A client order id belongs to one open order of the account at a time. It finds the newest order
that bore it; a cancelled order is found by the id of its cancel, too.
"""

from __future__ import annotations

from collections import defaultdict, deque
from decimal import Decimal

import msgspec

from vocx.lab.events import FillState, NewOrder, OrderState

CLOSED_ORDERS = 10_000
"""Closed orders that are kept of one account."""
FILLS = 10_000
"""Fills that are kept of one account and symbol."""
ZERO = Decimal(0)


class OrderRecord(msgspec.Struct, gc=False):
    """One order as it is kept. ``held`` is what is locked for it, in units of the asset it pays
    with; ``shown`` its state as last asked for, which whoever changes the order takes away."""

    request: NewOrder
    id: int
    quantity: int
    held: int
    created_ns: int
    updated_ns: int
    status: str = "new"
    filled: int = 0
    filled_quote: Decimal = ZERO
    reason: str = ""
    cancel_id: str = ""
    shown: OrderState | None = None

    @property
    def open(self) -> bool:
        return self.status in ("new", "partially_filled")

    def state(self) -> OrderState:
        """The order as others see it."""
        if self.shown is None:
            self.shown = OrderState(
                request=self.request,
                id=self.id,
                status=self.status,
                quantity=self.quantity,
                filled=self.filled,
                filled_quote=self.filled_quote,
                created_ns=self.created_ns,
                updated_ns=self.updated_ns,
                working_ns=self.created_ns,
                reason=self.reason,
                cancel_id=self.cancel_id,
            )
        return self.shown


class OrderStore:
    """All orders and fills of one account."""

    def __init__(self) -> None:
        self.names: dict[str, OrderRecord] = {}
        self._open: defaultdict[str, dict[int, OrderRecord]] = defaultdict(dict)
        self._all: defaultdict[str, dict[int, OrderRecord]] = defaultdict(dict)
        self._named: dict[tuple[str, str], OrderRecord] = {}
        self._closed: deque[OrderRecord] = deque()
        self._fills: defaultdict[str, deque[FillState]] = defaultdict(lambda: deque(maxlen=FILLS))

    def add(self, record: OrderRecord) -> None:
        """A new open order."""
        symbol, name = record.request.symbol, record.request.client_order_id
        self.names[name] = record
        self._open[symbol][record.id] = self._all[symbol][record.id] = record
        self._named[symbol, name] = record

    def close(self, record: OrderRecord) -> None:
        """An order has ended: its client order id is free, and the oldest closed one forgotten."""
        symbol = record.request.symbol
        del self._open[symbol][record.id]
        del self.names[record.request.client_order_id]
        if record.cancel_id:
            other = self._named.get((symbol, record.cancel_id))
            if other is None or not other.open:
                self._named[symbol, record.cancel_id] = record
        self._closed.append(record)
        if len(self._closed) > CLOSED_ORDERS:
            self._forget(self._closed.popleft())

    def find(
        self, symbol: str, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderRecord | None:
        """The order with this id, or with this client order id; with both they must agree."""
        if order_id is None:
            return self._named.get((symbol, client_order_id or ""))
        record = self._all[symbol].get(order_id)
        if record is None or client_order_id is None:
            return record
        return (
            record
            if client_order_id in (record.request.client_order_id, record.cancel_id)
            else None
        )

    def orders(self, symbol: str | None, open_only: bool) -> list[OrderRecord]:
        """Oldest first, symbol by symbol."""
        store = self._open if open_only else self._all
        if symbol is not None:
            return list(store[symbol].values())
        return [record for one in list(store.values()) for record in one.values()]

    def open_count(self, symbol: str) -> int:
        return len(self._open[symbol])

    def add_fill(self, fill: FillState) -> None:
        self._fills[fill.trade.symbol].append(fill)

    def fills(self, symbol: str) -> list[FillState]:
        """Oldest first."""
        return list(self._fills[symbol])

    def _forget(self, record: OrderRecord) -> None:
        symbol = record.request.symbol
        del self._all[symbol][record.id]
        for name in (record.request.client_order_id, record.cancel_id):
            if self._named.get((symbol, name)) is record:
                del self._named[symbol, name]
