"""Bybit's endpoints, by path and verb; ``bucket`` names the limit that a call is charged to."""

from __future__ import annotations

from typing import Any

from vocx.lab.dialects.bybit import account, market, orders
from vocx.lab.dialects.bybit.calls import Call
from vocx.lab.dialects.shared.endpoints import Endpoint, EndpointTable


def _signed(
    path: str, answer: Any, bucket: str, verb: str = "GET", trade: bool = False
) -> Endpoint:
    return Endpoint(path, answer, verb=verb, bucket=bucket, signed=True, trade=trade)


def _batch(name: str) -> Endpoint:
    """Its orders are counted one by one, while they are carried out."""
    return _signed(f"order/{name}-batch", orders.SINGLE[name], f"{name}-batch", "POST", True)


def _system_status(call: Call) -> dict[str, Any]:
    """Maintenance is a fault that the lab's owner switches on: ``overloaded``."""
    return {"list": call.book.maintenance(call.now_ns)}


def _dead_man(call: Call) -> dict[str, Any]:
    return call.book.dead_man.set(call.owner, call.given)


ENDPOINTS = EndpointTable(
    "/v5/",
    (
        Endpoint("market/time", market.time),
        Endpoint("market/instruments-info", market.instruments),
        Endpoint("market/orderbook", market.orderbook),
        Endpoint("market/kline", market.kline),
        Endpoint("market/recent-trade", market.trades),
        Endpoint("market/tickers", market.tickers),
        Endpoint("system/status", _system_status),
        _signed("order/create", orders.create, "create", "POST", True),
        _signed("order/amend", orders.amend, "amend", "POST", True),
        _signed("order/cancel", orders.cancel, "cancel", "POST", True),
        _signed("order/cancel-all", orders.cancel_all, "cancel-all", "POST", True),
        _batch("create"),
        _batch("amend"),
        _batch("cancel"),
        _signed("order/disconnected-cancel-all", _dead_man, "other", "POST", True),
        _signed("order/realtime", account.realtime, "realtime"),
        _signed("order/history", account.history, "history"),
        _signed("execution/list", account.executions, "execution"),
        _signed("account/wallet-balance", account.wallet, "wallet-balance"),
        _signed("account/info", account.info, "info"),
        _signed("account/fee-rate", account.fee_rate, "fee-rate"),
        _signed("account/instruments-info", market.account_instruments, "other"),
        _signed("user/query-api", account.key_information, "query-api"),
        _signed("asset/coin/query-info", market.nothing, "other"),
    ),
)
SILENT = ("user/query-api", "system/status")
"""Their ``retMsg`` is empty."""
