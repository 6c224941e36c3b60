"""The assets that a venue's listings are made of, for the lists of coins that clients ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vocx.lab.dialects.shared.numbers import Listing

NAMES: Mapping[str, str] = {
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "SOL": "Solana",
    "XRP": "XRP",
    "BNB": "BNB",
    "USD": "US Dollar",
    "USDC": "USDC",
    "USDT": "Tether",
}


def assets_of(listings: Iterable[Listing]) -> list[str]:
    """Every base and quote once, in the order of the listings."""
    specs = [one.format.spec for one in listings]
    return list(dict.fromkeys(asset for spec in specs for asset in (spec.base, spec.quote)))


def name_of(asset: str) -> str:
    """Its name in full, or the asset itself."""
    return NAMES.get(asset, asset)
