"""What Bybit lists; order and execution ids are made of a symbol's number."""

from __future__ import annotations

from collections.abc import Mapping

from vocx.lab.dialects.bybit.wire import Refusal
from vocx.lab.dialects.shared.numbers import Catalogue, Listing, listed_as
from vocx.lab.ports import Market


def unknown_symbol() -> Refusal:
    """Of market data; orders have 170121."""
    return Refusal(10001, "Not supported symbols")


def new_catalogue(markets: Mapping[str, Market]) -> Catalogue[Listing]:
    """The symbols of these markets."""
    return Catalogue(markets, listed_as(""), lambda name: unknown_symbol())
