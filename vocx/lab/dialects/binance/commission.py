"""Commission rates as Binance lists them (commission FAQ, 2026-07-21): standard rates only; the
lab knows neither special rates nor taxes nor a discount for paying in BNB."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from vocx.lab.dialects.binance.wire import exact, money

Rates = tuple[Decimal, Decimal]
"""Maker's and taker's."""
ZERO = money(0)
BASIS_POINTS = 10_000


def rates(pair: Rates) -> dict[str, str]:
    """``commissionRates`` of an account."""
    return {"maker": exact(pair[0]), "taker": exact(pair[1]), "buyer": ZERO, "seller": ZERO}


def rates_for_symbol(symbol: str, pair: Rates) -> dict[str, Any]:
    """``account/commission``."""
    none = rates((Decimal(0), Decimal(0)))
    return {
        "symbol": symbol,
        "standardCommission": rates(pair),
        "specialCommission": none,
        "taxCommission": none,
        "discount": _discount(),
    }


def rates_for_order(pair: Rates) -> dict[str, Any]:
    """What an order test answers where rates were asked for."""
    none = {"maker": ZERO, "taker": ZERO}
    return {
        "standardCommissionForOrder": {"maker": exact(pair[0]), "taker": exact(pair[1])},
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": _discount(),
    }


def _discount() -> dict[str, Any]:
    return {
        "enabledForAccount": False,
        "enabledForSymbol": False,
        "discountAsset": "BNB",
        "discount": ZERO,
    }
