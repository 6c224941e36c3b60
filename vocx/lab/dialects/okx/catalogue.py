"""What OKX lists, by name and by the number that orders over the socket use."""

from __future__ import annotations

from collections.abc import Mapping

from vocx.lab.dialects.okx.wire import Refusal
from vocx.lab.dialects.shared.numbers import Catalogue, Listing, listed_as
from vocx.lab.ports import Market

_BEFORE_FIRST_CODE = 10_458


def new_catalogue(markets: Mapping[str, Market]) -> Catalogue[Listing]:
    """The instruments of these markets."""
    return Catalogue(markets, listed_as("-"), lambda name: Refusal("51001"))


def code_of(listing: Listing) -> int:
    """``instIdCode``."""
    return _BEFORE_FIRST_CODE + listing.number


def coded(catalogue: Catalogue[Listing], code: str) -> Listing | None:
    """The instrument with such a number."""
    found = (one for one in catalogue.by_name.values() if str(code_of(one)) == code)
    return next(found, None)
