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


class Kept(msgspec.Struct, gc=False):
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


class Shelf:
    """All orders and fills of one account."""

    def __init__(self) -> None:
        self.names: dict[str, Kept] = {}
        self._open: defaultdict[str, dict[int, Kept]] = defaultdict(dict)
        self._all: defaultdict[str, dict[int, Kept]] = defaultdict(dict)
        self._named: dict[tuple[str, str], Kept] = {}
        self._closed: deque[Kept] = deque()
        self._fills: defaultdict[str, deque[FillState]] = defaultdict(lambda: deque(maxlen=FILLS))

    def add(self, kept: Kept) -> None:
        """A new open order."""
        symbol, name = kept.request.symbol, kept.request.client_order_id
        self.names[name] = kept
        self._open[symbol][kept.id] = self._all[symbol][kept.id] = kept
        self._named[symbol, name] = kept

    def close(self, kept: Kept) -> None:
        """An order has ended: its client order id is free, and the oldest closed one forgotten."""
        symbol = kept.request.symbol
        del self._open[symbol][kept.id]
        del self.names[kept.request.client_order_id]
        if kept.cancel_id:
            other = self._named.get((symbol, kept.cancel_id))
            if other is None or not other.open:
                self._named[symbol, kept.cancel_id] = kept
        self._closed.append(kept)
        if len(self._closed) > CLOSED_ORDERS:
            self._forget(self._closed.popleft())

    def find(
        self, symbol: str, order_id: int | None = None, client_order_id: str | None = None
    ) -> Kept | None:
        """The order with this id, or with this client order id; with both they must agree."""
        if order_id is None:
            return self._named.get((symbol, client_order_id or ""))
        kept = self._all[symbol].get(order_id)
        if kept is None or client_order_id is None:
            return kept
        return kept if client_order_id in (kept.request.client_order_id, kept.cancel_id) else None

    def orders(self, symbol: str | None, open_only: bool) -> list[Kept]:
        """Oldest first, symbol by symbol."""
        shelf = self._open if open_only else self._all
        if symbol is not None:
            return list(shelf[symbol].values())
        return [kept for one in list(shelf.values()) for kept in one.values()]

    def open_count(self, symbol: str) -> int:
        return len(self._open[symbol])

    def add_fill(self, fill: FillState) -> None:
        self._fills[fill.trade.symbol].append(fill)

    def fills(self, symbol: str) -> list[FillState]:
        """Oldest first."""
        return list(self._fills[symbol])

    def _forget(self, kept: Kept) -> None:
        symbol = kept.request.symbol
        del self._all[symbol][kept.id]
        for name in (kept.request.client_order_id, kept.cancel_id):
            if self._named.get((symbol, name)) is kept:
                del self._named[symbol, name]
