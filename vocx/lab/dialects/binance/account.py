"""What an account may ask about itself (rest-api.md and web-socket-api.md, 2026-07-21)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from vocx.lab.accounts.accounts import RATE
from vocx.lab.dialects.binance import commission, filters
from vocx.lab.dialects.binance.calls import combination, flat
from vocx.lab.dialects.binance.office import SignedCall, SignedEndpoint
from vocx.lab.dialects.binance.orders import Range, read_range, read_symbol
from vocx.lab.dialects.binance.params import Params
from vocx.lab.dialects.binance.wire import exact

NOTHING = (Decimal(0), Decimal(0))
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


def account(call: SignedCall) -> dict[str, Any]:
    """Balances, rates and permissions."""
    trading = call.accounts is not None
    pair = _rates(call)
    points = [int(rate * commission.BASIS_POINTS) for rate in pair]
    updated_ns = call.office.users.updated_ns.get(call.owner, call.office.start_ns)
    return {
        "makerCommission": points[0],
        "takerCommission": points[1],
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": commission.rates(pair),
        "canTrade": trading,
        "canWithdraw": trading,
        "canDeposit": trading,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": call.own_stamp(updated_ns),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": exact(free), "locked": exact(locked)}
            for asset, (free, locked) in _balances(call).items()
            if free or locked or not call.form
        ],
        "permissions": ["SPOT"],
        "uid": call.office.uid(call.owner),
    }


def _balances(call: SignedCall) -> dict[str, tuple[Decimal, Decimal]]:
    """(free, locked) of every asset; nothing of any in a recording."""
    if call.accounts is not None:
        return call.accounts.balances(call.owner)
    specs = [item.numbers.spec for item in call.catalogue.by_name.values()]
    return {asset: NOTHING for spec in specs for asset in (spec.base, spec.quote)}


def _rates(call: SignedCall) -> commission.Rates:
    return (RATE, RATE) if call.accounts is None else call.accounts.rates(call.owner)


def read_trades(params: Params) -> Range:
    """The form of ``myTrades``: not every combination of bounds is allowed."""
    found = read_range(params)
    sent = {"orderId", "fromId", "startTime", "endTime"} & params.values.keys()
    if sent not in _TRADE_RANGES:
        raise combination()
    return found


def trades(call: SignedCall) -> list[dict[str, Any]]:
    """The account's fills on one symbol."""
    wanted: Range = call.form
    listing = call.catalogue.named(wanted.symbol)
    if call.accounts is None:
        return []
    rows = [
        fill
        for fill in call.accounts.fills(call.owner, listing.numbers.spec.symbol)
        if wanted.within(fill.trade.at_ns)
        and (wanted.order_id is None or fill.order.id == wanted.order_id)
        and (wanted.from_id is None or fill.trade.trade_id >= wanted.from_id)
    ]
    forward = wanted.from_id is not None or wanted.start_ns is not None
    writer = call.writer(listing.numbers)
    return [writer.trade(fill) for fill in wanted.cut(rows, forward=forward)]


def order_limits(call: SignedCall) -> list[dict[str, Any]]:
    """The counts of unfilled orders."""
    return call.office.counts.entries(call.owner, call.now_ns)


def commission_rates(call: SignedCall) -> dict[str, Any]:
    """The rates on one symbol."""
    name = call.catalogue.named(call.form).numbers.name
    return commission.rates_for_symbol(name, _rates(call))


def own_filters(call: SignedCall) -> dict[str, Any]:
    """The filters that concern the account; the lab has none on whole assets."""
    call.catalogue.named(call.form)
    return {"exchangeFilters": [], "symbolFilters": [filters.counting()], "assetFilters": []}


_SYMBOL = ("symbol",)
ENDPOINTS = (
    SignedEndpoint(
        path="account",
        method="account.status",
        answer=account,
        form=lambda params: params.flag("omitZeroBalances", False),
        weight=flat(20),
        allowed=("omitZeroBalances",),
    ),
    SignedEndpoint(
        path="myTrades",
        method="myTrades",
        answer=trades,
        form=read_trades,
        weight=lambda params: 5 if params.has("orderId") else 20,
        allowed=("symbol", "orderId", "startTime", "endTime", "fromId", "limit"),
        mandatory=_SYMBOL,
    ),
    SignedEndpoint(
        path="rateLimit/order",
        method="account.rateLimits.orders",
        answer=order_limits,
        weight=flat(40),
    ),
    SignedEndpoint(
        path="account/commission",
        method="account.commission",
        answer=commission_rates,
        form=read_symbol,
        weight=flat(20),
        allowed=_SYMBOL,
        mandatory=_SYMBOL,
    ),
    SignedEndpoint(
        path="myFilters",
        method="myFilters",
        answer=own_filters,
        form=read_symbol,
        weight=flat(40),
        allowed=_SYMBOL,
        mandatory=_SYMBOL,
    ),
)
