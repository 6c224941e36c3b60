"""OKX's endpoints, by path and verb. (Docs-v5, 2026-07-28.)

The limit of each is called as the last part of its path, where nothing else is said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vocx.lab.dialects.okx import account, market, orders, wallet
from vocx.lab.dialects.okx.calls import Call, OkxEndpoint
from vocx.lab.dialects.okx.limits import RULES
from vocx.lab.dialects.shared.endpoints import EndpointTable

Answer = Callable[[Call], list[Any]]


def _public(path: str, answer: Answer) -> OkxEndpoint:
    return OkxEndpoint(path, answer, rule=RULES[path.rpartition("/")[2]])


def _signed(path: str, answer: Answer, rule: str = "", **more: Any) -> OkxEndpoint:
    name = rule or path.rpartition("/")[2]
    return OkxEndpoint(path, answer, rule=RULES[name], per="user", signed=True, **more)


def _trade(path: str, answer: Answer, rule: str = "gateway", places: bool = True) -> OkxEndpoint:
    """Orders are counted one by one, while they are carried out."""
    return _signed(path, answer, rule, verb="POST", trade=True, places=places)


ENDPOINTS: EndpointTable[OkxEndpoint] = EndpointTable(
    "/api/v5/",
    (
        _public("public/time", market.time),
        _public("public/instruments", market.instruments),
        _public("market/tickers", market.tickers),
        _public("market/ticker", market.ticker),
        _public("market/books", market.books),
        _public("market/books-full", market.books_full),
        _public("market/candles", market.candles),
        _public("market/history-candles", market.history_candles),
        _public("market/trades", market.trades),
        _public("market/history-trades", market.history_trades),
        _public("system/status", market.status),
        _trade("trade/order", orders.one("place")),
        _trade("trade/cancel-order", orders.one("cancel")),
        _trade("trade/amend-order", orders.one("amend")),
        _trade("trade/batch-orders", orders.several("place")),
        _trade("trade/cancel-batch-orders", orders.several("cancel")),
        _trade("trade/amend-batch-orders", orders.several("amend")),
        _trade("trade/cancel-all-after", orders.cancel_all_after, "cancel-all-after", False),
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
        _signed("asset/balances", wallet.none, "gateway"),
        _signed("account/positions", wallet.none, "gateway"),
        _signed("account/positions-history", wallet.none, "gateway"),
        _signed("account/max-avail-size", wallet.available, "gateway"),
        _signed("trade/orders-algo-pending", wallet.none, "gateway"),
        _signed("trade/orders-algo-history", wallet.none, "gateway"),
    ),
)
