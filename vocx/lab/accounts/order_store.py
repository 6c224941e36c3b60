"""What one account has ordered: open orders, a bounded memory of closed ones, and fills.

An order is kept as the state it was in last; each change replaces it. A client order id belongs
to one open order of the account at a time. It finds the newest order that bore it; a cancelled
order is found by the id of its cancel, too.
"""

from __future__ import annotations

from collections import defaultdict, deque

from vocx.lab.events import FillState, OrderState

CLOSED_ORDERS = 10_000
"""Closed orders that are kept of one account."""
FILLS = 10_000
"""Fills that are kept of one account and symbol."""


class OrderStore:
    """All orders and fills of one account.

    Attributes
    ----------
    open_ids : set
        Client order ids of open orders.
    maker_starts, taker_starts : int
        Orders whose first fill they made, or took: what venues count against unfilled orders.
    """

    def __init__(self) -> None:
        self.open_ids: set[str] = set()
        self.maker_starts = self.taker_starts = 0
        self._open: defaultdict[str, dict[int, OrderState]] = defaultdict(dict)
        self._all: defaultdict[str, dict[int, OrderState]] = defaultdict(dict)
        self._named: dict[tuple[str, str], int] = {}
        self._closed: deque[tuple[str, int]] = deque()
        self._fills: defaultdict[str, deque[FillState]] = defaultdict(lambda: deque(maxlen=FILLS))

    def add(self, order: OrderState) -> None:
        """A new open order."""
        symbol, name = order.request.symbol, order.request.client_order_id
        self.open_ids.add(name)
        self._named[symbol, name] = order.id
        self.replace(order)

    def replace(self, order: OrderState) -> None:
        """An open order has changed: keep how it stands. Where it has ended, its client order id
        is free, and the oldest closed order is forgotten."""
        symbol, number = order.request.symbol, order.id
        self._all[symbol][number] = order
        if order.open:
            self._open[symbol][number] = order
            return
        self._open[symbol].pop(number, None)
        self.open_ids.discard(order.request.client_order_id)
        if order.cancel_id:
            other = self.find(symbol, client_order_id=order.cancel_id)
            if other is None or not other.open:
                self._named[symbol, order.cancel_id] = number
        self._closed.append((symbol, number))
        if len(self._closed) > CLOSED_ORDERS:
            self._forget(*self._closed.popleft())

    def rename(self, order: OrderState, before: str) -> None:
        """An open order has changed, and its client order id was another one before."""
        self.open_ids.discard(before)
        self.open_ids.add(order.request.client_order_id)
        self._named[order.request.symbol, order.request.client_order_id] = order.id
        self.replace(order)

    def find(
        self, symbol: str, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderState | None:
        """The order with this id, or with this client order id; with both they must agree."""
        if order_id is None:
            order_id = self._named.get((symbol, client_order_id or ""), -1)
            return self._all[symbol].get(order_id)
        order = self._all[symbol].get(order_id)
        if order is None or client_order_id is None:
            return order
        named = (order.request.client_order_id, order.cancel_id)
        return order if client_order_id in named else None

    def orders(self, symbol: str | None, open_only: bool) -> list[OrderState]:
        """Oldest first, symbol by symbol."""
        kept = self._open if open_only else self._all
        if symbol is not None:
            return list(kept[symbol].values())
        return [order for one in list(kept.values()) for order in one.values()]

    def open_count(self, symbol: str) -> int:
        return len(self._open[symbol])

    def add_fill(self, fill: FillState) -> None:
        """Keep a fill, and count it if it was its order's first."""
        self._fills[fill.trade.symbol].append(fill)
        if fill.order.filled == fill.trade.quantity:
            self.maker_starts += fill.maker
            self.taker_starts += not fill.maker

    def fills(self, symbol: str) -> list[FillState]:
        """Oldest first."""
        return list(self._fills[symbol])

    def _forget(self, symbol: str, number: int) -> None:
        order = self._all[symbol].pop(number)
        for name in (order.request.client_order_id, order.cancel_id):
            if self._named.get((symbol, name)) == number:
                del self._named[symbol, name]
