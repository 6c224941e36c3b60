"""What an account may ask about itself (rest-api.md and web-socket-api.md, 2026-07-21)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.dialects.binance import filters
from vocx.lab.dialects.binance.calls import Call, combination
from vocx.lab.dialects.binance.endpoint import Endpoint
from vocx.lab.dialects.binance.params import Params
from vocx.lab.dialects.binance.reports import Writer
from vocx.lab.dialects.binance.selection import Range, read_range, read_symbol
from vocx.lab.dialects.binance.wire import ZERO, exact

STANDARD_FEES = FeeSchedule(maker=Decimal("0.001"), taker=Decimal("0.001"))
"""Binance Spot's standard, taken of what is received (commission FAQ, 2026-07-21)."""
NO_FEES = FeeSchedule(Decimal(0), Decimal(0))
_TRADE_RANGES: tuple[set[str], ...] = (
    set(),
    {"orderId"},
    {"startTime"},
    {"endTime"},
    {"fromId"},
    {"startTime", "endTime"},
    {"orderId", "fromId"},
)
"""The combinations that ``myTrades`` takes besides ``symbol``."""


def account(call: Call) -> dict[str, Any]:
    """Balances, rates and permissions."""
    trading = call.gateway.accounts is not None
    fees = call.records.fees(call.owner)
    points = [int(rate * 10_000) for rate in (fees.maker, fees.taker)]
    return {
        "makerCommission": points[0],
        "takerCommission": points[1],
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _shown(fees),
        "canTrade": trading,
        "canWithdraw": trading,
        "canDeposit": trading,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": call.stamp(call.gateway.updated_ns(call.owner)),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": exact(free), "locked": exact(locked)}
            for asset, (free, locked) in call.records.balances(call.owner).items()
            if free or locked or not call.form
        ],
        "permissions": ["SPOT"],
        "uid": call.gateway.number_of(call.owner),
    }


def read_trades(params: Params) -> Range:
    """The form of ``myTrades``: not every combination of bounds is allowed."""
    found = read_range(params)
    sent = {"orderId", "fromId", "startTime", "endTime"} & params.values.keys()
    if sent not in _TRADE_RANGES:
        raise combination()
    return found


def trades(call: Call) -> list[dict[str, Any]]:
    """The account's fills on one symbol."""
    wanted: Range = call.form
    listing = call.catalogue.named(wanted.symbol)
    rows = [
        fill
        for fill in call.records.fills(call.owner, listing.format.spec.symbol)
        if wanted.within(fill.trade.at_ns)
        and (wanted.order_id is None or fill.order.id == wanted.order_id)
        and (wanted.from_id is None or fill.trade.trade_id >= wanted.from_id)
    ]
    forward = wanted.from_id is not None or wanted.start_ns is not None
    writer = Writer(listing.format, call.stamp)
    return [writer.trade(fill) for fill in wanted.cut(rows, forward=forward)]


def order_limits(call: Call) -> list[dict[str, Any]]:
    """The counts of unfilled orders."""
    return call.backend.counts.entries(call.owner, call.now_ns)


def commission_rates(call: Call) -> dict[str, Any]:
    """The rates on one symbol."""
    none = _shown(NO_FEES)
    return {
        "symbol": call.catalogue.named(call.form).format.name,
        "standardCommission": _shown(call.records.fees(call.owner)),
        "specialCommission": none,
        "taxCommission": none,
        "discount": _DISCOUNT,
    }


def rates_for_order(fees: FeeSchedule) -> dict[str, Any]:
    """What an order test answers where rates were asked for."""
    none = {"maker": ZERO, "taker": ZERO}
    return {
        "standardCommissionForOrder": {"maker": exact(fees.maker), "taker": exact(fees.taker)},
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": _DISCOUNT,
    }


def _shown(fees: FeeSchedule) -> dict[str, str]:
    return {
        "maker": exact(fees.maker),
        "taker": exact(fees.taker),
        "buyer": ZERO,
        "seller": ZERO,
    }


_DISCOUNT = {
    "enabledForAccount": False,
    "enabledForSymbol": False,
    "discountAsset": "BNB",
    "discount": ZERO,
}
"""Standard rates only: the lab knows neither special rates nor taxes nor a discount for paying in
BNB (commission FAQ, 2026-07-21)."""


def own_filters(call: Call) -> dict[str, Any]:
    """The filters that concern the account; the lab has none on whole assets."""
    call.catalogue.named(call.form)
    return {"exchangeFilters": [], "symbolFilters": [filters.counting()], "assetFilters": []}


def none(call: Call) -> list[Any]:
    """Order lists and allocations of smart order routing: the lab has neither."""
    return []


_SYMBOL = ("symbol",)
ENDPOINTS = (
    Endpoint(
        "account",
        account,
        method="account.status",
        cost=20,
        allowed=("omitZeroBalances",),
        read=lambda params: params.flag("omitZeroBalances", False),
        signed=True,
    ),
    Endpoint(
        "myTrades",
        trades,
        cost=lambda params: 5 if params.has("orderId") else 20,
        allowed=("symbol", "orderId", "startTime", "endTime", "fromId", "limit"),
        mandatory=_SYMBOL,
        read=read_trades,
        signed=True,
    ),
    Endpoint(
        "rateLimit/order",
        order_limits,
        method="account.rateLimits.orders",
        cost=40,
        signed=True,
    ),
    Endpoint(
        "account/commission",
        commission_rates,
        method="account.commission",
        cost=20,
        allowed=_SYMBOL,
        mandatory=_SYMBOL,
        read=read_symbol,
        signed=True,
    ),
    Endpoint(
        "myFilters",
        own_filters,
        cost=40,
        allowed=_SYMBOL,
        mandatory=_SYMBOL,
        read=read_symbol,
        signed=True,
    ),
    Endpoint("openOrderList", none, method="openOrderLists.status", cost=6, signed=True),
    Endpoint(
        "allOrderList",
        none,
        method="allOrderLists",
        cost=20,
        allowed=("fromId", "startTime", "endTime", "limit"),
        signed=True,
    ),
    Endpoint(
        "myAllocations",
        none,
        cost=20,
        allowed=(*_SYMBOL, "startTime", "endTime", "fromAllocationId", "limit", "orderId"),
        mandatory=_SYMBOL,
        read=read_symbol,
        signed=True,
    ),
)
