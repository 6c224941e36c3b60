"""What OKX lists, by name and by the number that orders over the socket use."""

from __future__ import annotations

from collections.abc import Mapping

from vocx.lab.dialects.okx.wire import Refusal
from vocx.lab.dialects.shared.numbers import Catalogue, Listing, shortest
from vocx.lab.ports import Market

_BEFORE_FIRST_CODE = 10_458


def new_catalogue(markets: Mapping[str, Market]) -> Catalogue[Listing]:
    """The instruments of these markets."""
    return Catalogue(markets, _listing, lambda name: Refusal("51001"))


def _listing(market: Market, number: int) -> Listing:
    return Listing(market, f"{market.spec.base}-{market.spec.quote}", shortest, number)


def code_of(listing: Listing) -> int:
    """``instIdCode``."""
    return _BEFORE_FIRST_CODE + listing.number


def coded(catalogue: Catalogue[Listing], code: str) -> Listing | None:
    """The instrument with such a number."""
    found = (one for one in catalogue.by_name.values() if str(code_of(one)) == code)
    return next(found, None)
