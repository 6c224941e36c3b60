"""OKX's endpoints, by path and verb. (Docs-v5, 2026-07-28.)

The limit of each is called as the last part of its path, where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vocx.lab.dialects.okx import account, market, orders, wallet
from vocx.lab.dialects.okx.calls import Call
from vocx.lab.dialects.okx.limits import RULES
from vocx.lab.dialects.shared.endpoints import Endpoint, EndpointTable

Answer = Callable[[Call], list[Any]]


def _public(path: str, answer: Answer) -> Endpoint:
    return Endpoint(path, answer, rule=RULES[path.rpartition("/")[2]])


def _signed(path: str, answer: Answer, rule: str = "") -> Endpoint:
    return Endpoint(path, answer, rule=RULES[rule or path.rpartition("/")[2]], signed=True)


def _unlimited(path: str, answer: Answer) -> Endpoint:
    return Endpoint(path, answer, signed=True)


def _order(path: str, answer: Answer) -> Endpoint:
    """Orders are counted one by one, while they are carried out."""
    return Endpoint(path, answer, verb="POST", signed=True, trade=True, places=True)


ENDPOINTS = EndpointTable(
    "/api/v5/",
    (
        _public("public/time", market.time),
        _public("public/instruments", market.instruments),
        Endpoint("public/underlying", market.underlyings),
        _public("market/tickers", market.tickers),
        _public("market/ticker", market.ticker),
        _public("market/books", market.books),
        _public("market/books-full", market.books_full),
        _public("market/candles", market.candles),
        _public("market/history-candles", market.history_candles),
        _public("market/trades", market.trades),
        _public("market/history-trades", market.history_trades),
        _public("system/status", market.status),
        _order("trade/order", orders.one("place")),
        _order("trade/cancel-order", orders.one("cancel")),
        _order("trade/amend-order", orders.one("amend")),
        _order("trade/batch-orders", orders.several("place")),
        _order("trade/cancel-batch-orders", orders.several("cancel")),
        _order("trade/amend-batch-orders", orders.several("amend")),
        Endpoint(
            "trade/cancel-all-after",
            orders.cancel_all_after,
            verb="POST",
            rule=RULES["cancel-all-after"],
            signed=True,
            trade=True,
        ),
        _signed("trade/order", account.one_order),
        _signed("trade/orders-pending", account.open_orders),
        _signed("trade/orders-history", account.closed_orders(days=7)),
        _signed("trade/orders-history-archive", account.closed_orders(days=90)),
        _signed("trade/fills", account.fills(days=3)),
        _signed("trade/fills-history", account.fills(days=90, typed=True)),
        _signed("trade/account-rate-limit", account.rate_limit),
        _signed("account/balance", account.balance),
        _signed("account/config", account.configuration),
        _signed("account/trade-fee", account.trade_fee),
        _signed("account/instruments", market.instruments, "account-instruments"),
        _signed("asset/currencies", wallet.currencies),
        _unlimited("asset/balances", wallet.none),
        _unlimited("account/positions", wallet.none),
        _unlimited("account/positions-history", wallet.none),
        _unlimited("account/max-avail-size", wallet.available),
        _unlimited("trade/orders-algo-pending", wallet.none),
        _unlimited("trade/orders-algo-history", wallet.none),
    ),
)
