"""Bybit's endpoints, by path and verb, and how a call of one is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vocx.lab.dialects.bybit import account, limits, market, orders, wallet
from vocx.lab.dialects.bybit.account_book import AccountBook
from vocx.lab.dialects.bybit.calls import Call
from vocx.lab.dialects.shared.endpoints import Endpoint, EndpointTable
from vocx.lab.dialects.shared.keys import Key
from vocx.lab.dialects.shared.numbers import Catalogue, Listing
from vocx.lab.dialects.shared.rate_limiter import RateLimiter


def _signed(path: str, answer: Any, limit: str, verb: str = "GET", trade: bool = False) -> Endpoint:
    rule = limits.ENDPOINTS[limit]
    return Endpoint(path, answer, verb=verb, rule=rule, signed=True, trade=trade)


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
        _signed("asset/coin/query-info", wallet.coins, "other"),
        _signed("asset/transfer/query-account-coins-balance", wallet.coin_balances, "other"),
        _signed("asset/transfer/query-account-coin-balance", wallet.coin_balance, "other"),
        _signed("position/list", wallet.positions, "other"),
    ),
)
SILENT = ("user/query-api", "system/status")
"""Their ``retMsg`` is empty."""


class Calls:
    """Carries calls out, each through its own limit, whichever surface they came over.

    Parameters
    ----------
    catalogue, book, limiter
        The venue's.
    """

    def __init__(
        self, catalogue: Catalogue[Listing], book: AccountBook, limiter: RateLimiter
    ) -> None:
        self.gateway = book.gateway
        self.limiter = limiter
        self._catalogue = catalogue
        self._book = book

    def carry_out(
        self,
        endpoint: Endpoint,
        given: Mapping[str, Any],
        now_ns: int,
        key: Key | None,
        headers: dict[str, str],
    ) -> tuple[Any, Any]:
        """``result`` and ``retExtInfo``; what is said of the limit is added to ``headers``."""
        call = Call(
            book=self._book,
            gateway=self.gateway,
            catalogue=self._catalogue,
            given=given,
            now_ns=now_ns,
            key=key,
        )
        limiter, rule = self.limiter, endpoint.rule
        if key is None or rule is None:
            return endpoint.answer(call), {}
        who, single = ("key", key.key), not rule.name.endswith("-batch")
        over = limiter.add(rule, who, 1, now_ns) if single else False
        headers.update(limits.limit_headers(limiter, rule, who, now_ns, over=over))
        if over:
            raise limiter.too_many(rule, now_ns, who)
        if single:
            return endpoint.answer(call), {}
        found = orders.batch(endpoint.answer, call, lambda: not limiter.add(rule, who, 1, now_ns))
        headers.update(limits.limit_headers(limiter, rule, who, now_ns, over=False))
        return found
