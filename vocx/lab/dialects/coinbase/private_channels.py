"""What the ``user`` channel says: open orders first, then updates; balances are not streamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vocx.lab.dialects.coinbase import payloads
from vocx.lab.dialects.coinbase.calls import Backend
from vocx.lab.dialects.coinbase.reports import user_row
from vocx.lab.dialects.coinbase.sessions import CoinbaseSession
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.subscriptions import Made
from vocx.lab.events import AccountEvent, Executed

_PASSED_STATES: Mapping[str, tuple[str, ...]] = {
    "canceled": ("CANCEL_QUEUED",),
    "replaced": ("EDIT_QUEUED",),
}
"""States that an order passes through before what has happened."""


class PrivateChannels:
    """Payloads for whoever has subscribed.

    Parameters
    ----------
    backend : Backend
        The venue's.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def snapshot(self, owner: str, products: frozenset[str]) -> list[dict[str, Any]]:
        """Open orders of some products (none: of all)."""
        backend = self._backend
        rate, orders = backend.rate(owner), backend.gateway.records.orders(owner, open_only=True)
        rows = [user_row(backend.book, one, rate) for one in orders]
        return [row for row in rows if not products or row["product_id"] in products]

    def payload(
        self, event: AccountEvent, channel: str, session: Connection, now_ns: int
    ) -> Made | None:
        """Updates of an order, with the states that it has passed through."""
        assert isinstance(session, CoinbaseSession)
        if not isinstance(event, Executed):
            return None
        book, order = self._backend.book, event.order
        if session.products and book.format(order).name not in session.products:
            return None

        def make() -> bytes:
            rate = self._backend.rate(event.owner)
            states = [*_PASSED_STATES.get(event.what, ()), ""]
            if event.what == "new" and not book.rests(order):
                states = ["PENDING"]
            if book.status(order) == "EXPIRED":
                states = [""]
            rows = [user_row(book, order, rate, one) for one in states]
            events = ({"type": "update", "orders": [row]} for row in rows)
            return payloads.frame(channel, now_ns, *events)

        return channel, make
