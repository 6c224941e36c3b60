"""Coinbase's endpoints, by path and verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from vocx.lab.dialects.coinbase import account, market, orders
from vocx.lab.dialects.coinbase.wire import ROOT
from vocx.lab.dialects.shared.endpoints import Endpoint, EndpointTable

NAMED = "*"
"""The part of a path that names a product, an order or an account."""


def _signed(
    path: str, answer: Callable[[Any], Any], verb: str = "GET", *, trade: bool = False
) -> Endpoint:
    return Endpoint(path, answer, verb=verb, signed=True, trade=trade)


def _both(path: str, answer: Callable[[Any], Any]) -> tuple[Endpoint, Endpoint]:
    """The same, public under ``market`` and signed."""
    return Endpoint(f"{ROOT}market/{path}", answer), _signed(f"{ROOT}{path}", answer)


ENDPOINTS = EndpointTable(
    "",
    (
        Endpoint(f"{ROOT}time", market.time),
        *_both("products", market.products),
        *_both(f"products/{NAMED}", market.product),
        *_both("product_book", market.product_book),
        *_both(f"products/{NAMED}/candles", market.candles),
        *_both(f"products/{NAMED}/ticker", market.ticker),
        _signed(f"{ROOT}best_bid_ask", market.best_bid_ask),
        _signed(f"{ROOT}accounts", account.accounts),
        _signed(f"{ROOT}accounts/{NAMED}", account.account),
        _signed(f"{ROOT}key_permissions", account.key_permissions),
        _signed(f"{ROOT}portfolios", account.portfolios),
        _signed(f"{ROOT}transaction_summary", account.transaction_summary),
        _signed(f"{ROOT}payment_methods", account.payment_methods),
        _signed(f"{ROOT}cfm/positions", account.positions),
        _signed(f"{ROOT}orders", orders.place, "POST", trade=True),
        _signed(f"{ROOT}orders/preview", orders.preview, "POST"),
        _signed(f"{ROOT}orders/batch_cancel", orders.batch_cancel, "POST", trade=True),
        _signed(f"{ROOT}orders/edit", orders.edit, "POST", trade=True),
        _signed(f"{ROOT}orders/edit_preview", orders.edit_preview, "POST"),
        _signed(f"{ROOT}orders/historical/batch", account.orders),
        _signed(f"{ROOT}orders/historical/fills", account.fills),
        _signed(f"{ROOT}orders/historical/{NAMED}", account.one_order),
        Endpoint("/v2/time", market.old_time),
        Endpoint("/v2/currencies", market.old_currencies),
        Endpoint("/v2/currencies/crypto", market.old_coins),
        Endpoint("/v2/exchange-rates", market.old_rates),
        _signed("/v2/accounts", account.old_accounts),
    ),
)


def find(verb: str, path: str) -> tuple[Endpoint, str] | None:
    """The endpoint of a path, and what the path names."""
    exact = ENDPOINTS.find(verb, path)
    if exact is not None and NAMED not in path:
        return exact, ""
    parts = path.rstrip("/").split("/")
    for at in range(len(parts) - 1, max(len(parts) - 3, 0), -1):
        found = ENDPOINTS.find(verb, "/".join((*parts[:at], NAMED, *parts[at + 1 :])))
        if found is not None and parts[at]:
            return found, unquote(parts[at])
    return None
