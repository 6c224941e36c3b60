"""One call of a REST endpoint: what was sent, whose it is, and what it may use."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.coinbase.account_book import AccountBook
from vocx.lab.dialects.coinbase.catalogue import Products
from vocx.lab.dialects.coinbase.wire import NotPlaced, Query, invalid
from vocx.lab.dialects.shared import calls
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.mappings import Latest
from vocx.lab.dialects.shared.rate_limiter import RateLimiter
from vocx.lab.events import OrderState

MOST_PLACED = 20_000


class Backend:
    """What the endpoints of the venue work on.

    Attributes
    ----------
    placed : Latest
        By owner and client order id: the body that placed an order, and what it was answered.
        The same again is answered the same, another order under that id is refused.
    """

    def __init__(self, products: Products, gateway: AccountGateway, limiter: RateLimiter) -> None:
        self.products = products
        self.gateway = gateway
        self.limiter = limiter
        self.book = AccountBook(products)
        self.placed: Latest[tuple[str, str], tuple[Any, dict[str, Any]]] = Latest(MOST_PLACED)

    def rate(self, owner: str) -> Decimal:
        """What a resting buy holds for its fee: as a taker, which it may become (a choice; the
        venue's formula is not published)."""
        return self.gateway.records.fees(owner).taker


class Call(calls.Call, frozen=True, kw_only=True):
    """``name`` is the part of the path that names a product, an order or an account."""

    backend: Backend
    query: Query
    body: Mapping[str, Any]
    name: str = ""

    def closed(self) -> Exception:
        """``ORDER_ENTRY_DISABLED``."""
        return NotPlaced("ORDER_ENTRY_DISABLED", message="a recording takes no orders")

    def find_order(self, order_id: Any) -> OrderState | None:
        """An order of the caller's, by its id."""
        numbers = self.backend.book.numbers(order_id)
        return None if numbers is None else self.records.order(self.owner, *numbers)

    def page(
        self, rows: Sequence[dict[str, Any]], name: str, default: int, most: int
    ) -> tuple[Sequence[dict[str, Any]], str]:
        """The rows behind a cursor, and the cursor of the next page (empty: there is none).

        ``name`` is the field that a cursor points at; ``default`` and ``most`` belong to ``limit``.
        """
        size = self.query.count("limit", default, most)
        start, cursor = 0, self.query.text("cursor")
        if cursor:
            try:
                last = base64.b64decode(cursor, b"-_", validate=True).decode()
            except (binascii.Error, ValueError):
                raise invalid("cursor is none of ours") from None
            start = next((at for at, row in enumerate(rows, 1) if row[name] == last), len(rows))
        found = rows[start : start + size]
        more = start + size < len(rows)
        after = base64.urlsafe_b64encode(found[-1][name].encode()).decode() if more else ""
        return found, after
