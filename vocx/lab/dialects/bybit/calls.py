"""One call of Bybit's API, and what every endpoint needs of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.bybit.account_book import AccountBook
from vocx.lab.dialects.bybit.catalogue import unknown_symbol
from vocx.lab.dialects.bybit.wire import Refusal, bad_parameter, text, whole
from vocx.lab.dialects.shared import calls
from vocx.lab.dialects.shared.numbers import Catalogue, Listing

CATEGORIES = ("spot", "linear", "inverse", "option")


class Call(calls.Call, frozen=True, kw_only=True):
    """A call with its parameters; ``book`` is what the venue remembers of orders beside the
    engine."""

    book: AccountBook
    catalogue: Catalogue[Listing]
    given: Mapping[str, Any]

    def closed(self) -> Exception:
        """170210."""
        return Refusal(170210, "New order rejected.")

    def category(self, default: str = "") -> str:
        """``category``: mandatory, and one of four."""
        found = text(self.given, "category", default)
        if found not in CATEGORIES:
            raise bad_parameter("category is invalid" if found else "category is missing")
        return found

    def listing(self) -> Listing:
        """The symbol of a call for market data."""
        name = text(self.given, "symbol")
        if not name:
            raise bad_parameter("symbol is missing")
        if self.category() != "spot" or name not in self.catalogue.by_name:
            raise unknown_symbol()
        return self.catalogue.by_name[name]

    def some(self) -> list[Listing]:
        """The symbol of a list, or all."""
        name = text(self.given, "symbol")
        if not name:
            return list(self.catalogue.by_name.values())
        if name not in self.catalogue.by_name:
            raise Refusal(170121, "Invalid symbol.")
        return [self.catalogue.by_name[name]]

    def limit(self, default: int, most: int) -> int:
        """``limit``: refused outside of its bounds."""
        found = whole(self.given, "limit", default)
        if not 1 <= found <= most:
            raise bad_parameter(f"limit is 1 to {most}")
        return found


def listed(category: str, rows: Sequence[Any], cursor: str = "") -> dict[str, Any]:
    """A page of a list."""
    return {"category": category, "nextPageCursor": cursor, "list": list(rows)}


def usdt_prices(catalogue: Catalogue[Listing]) -> dict[str, Decimal]:
    """What a coin is worth in USDT."""
    prices = {"USDT": Decimal(1), "USD": Decimal(1), "USDC": Decimal(1)}
    for listing in catalogue.by_name.values():
        spec = listing.format.spec
        if spec.quote == "USDT":
            prices[spec.base] = spec.to_price(listing.market.best()[0])
    return prices


def total_in_usdt(
    balances: Mapping[str, tuple[Decimal, Decimal]], prices: Mapping[str, Decimal]
) -> Decimal:
    """What an account is worth: (free, locked) by asset."""
    worth = (sum(both) * prices.get(asset, Decimal(0)) for asset, both in balances.items())
    return sum(worth, Decimal(0))
