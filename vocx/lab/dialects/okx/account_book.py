"""What OKX shows of an account beside the engine: tags, requests and ends of orders, and worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.okx import reports
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.mappings import Latest
from vocx.lab.dialects.shared.numbers import Catalogue, Listing, milliseconds
from vocx.lab.events import OrderState

MOST_REMEMBERED = 20_000
"""Orders of which tag, request and end are known; older ones are shown without."""


class AccountBook:
    """Rows of orders and accounts, with what only the venue knows of them.

    Attributes
    ----------
    tags : Latest
        By order.
    requests : Latest
        By execution: the amendment's ``reqId``.
    completed : Latest
        Orders that an amendment ended as filled.
    counted_down : Latest
        Orders that the dead-man switch ended.
    """

    def __init__(self, catalogue: Catalogue[Listing], gateway: AccountGateway) -> None:
        self.gateway = gateway
        self.tags: Latest[int, str] = Latest(MOST_REMEMBERED)
        self.requests: Latest[int, str] = Latest(MOST_REMEMBERED)
        self.completed: Latest[int, None] = Latest(MOST_REMEMBERED)
        self.counted_down: Latest[int, None] = Latest(MOST_REMEMBERED)
        self._catalogue = catalogue

    def order(self, order: OrderState) -> dict[str, Any]:
        """An order by REST."""
        row = reports.order(
            self._catalogue.by_symbol[order.request.symbol],
            order,
            self.tags.get(order.id, ""),
            order.id in self.counted_down,
        )
        if order.id in self.completed and row["state"] == "canceled":
            row |= {"state": "filled", "cancelSource": ""}
        return row

    def balances(self, owner: str, wanted: Sequence[str] = ()) -> dict[str, Any]:
        """The account as REST and the channel show it, without what is all zero."""
        at = milliseconds(self.gateway.updated_ns(owner))
        return self.account(self.gateway.records.balances(owner), wanted, at)

    def account(
        self, both: Mapping[str, tuple[Decimal, Decimal]], wanted: Sequence[str], at: str
    ) -> dict[str, Any]:
        """These free and locked amounts as an account."""
        details = [
            reports.balance(asset, free, locked, self._usd(asset), at)
            for asset, (free, locked) in both.items()
            if (free or locked) and (not wanted or asset in wanted)
        ]
        return reports.account(details, at)

    def _usd(self, asset: str) -> Decimal:
        listing = self._catalogue.by_symbol.get(f"{asset}/USDT")
        if listing is None:
            return Decimal(1)
        return listing.format.spec.to_price(listing.market.best()[0])
