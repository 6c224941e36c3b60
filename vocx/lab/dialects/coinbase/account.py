"""What an account may ask about itself: balances and fees, orders and fills."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.coinbase.calls import Call
from vocx.lab.dialects.coinbase.catalogue import FIAT
from vocx.lab.dialects.coinbase.reports import fill_row, order_row
from vocx.lab.dialects.coinbase.wire import EPOCH, Query, Refusal, microseconds, unreadable, uuid_of
from vocx.lab.dialects.shared.assets import name_of
from vocx.lab.dialects.shared.numbers import amount
from vocx.lab.events import FillState

_STATES = (
    *("PENDING", "QUEUED", "OPEN", "FILLED", "CANCELLED", "EXPIRED", "FAILED"),
    *("CANCEL_QUEUED", "EDIT_QUEUED", "UNKNOWN_ORDER_STATUS"),
)


# -- accounts and fees -------------------------------------------------------------------------


def account_id(owner: str, asset: str) -> str:
    """The id of one currency's account."""
    return uuid_of("account", owner, asset)


def _account(call: Call, asset: str, free: Decimal, locked: Decimal) -> dict[str, Any]:
    gateway = call.gateway
    return {
        "uuid": account_id(call.owner, asset),
        "name": f"{asset} Wallet",
        "currency": asset,
        "available_balance": {"value": amount(free), "currency": asset},
        "default": True,
        "active": True,
        "created_at": microseconds(gateway.start_ns + gateway.skew_ns),
        "updated_at": microseconds(gateway.updated_ns(call.owner)),
        "deleted_at": None,
        "type": "ACCOUNT_TYPE_FIAT" if asset in FIAT else "ACCOUNT_TYPE_CRYPTO",
        "ready": True,
        "hold": {"value": amount(locked), "currency": asset},
        "retail_portfolio_id": uuid_of("portfolio", call.owner),
        "platform": "ACCOUNT_PLATFORM_CONSUMER",
    }


def _all_accounts(call: Call) -> list[dict[str, Any]]:
    found = call.records.balances(call.owner)
    return [_account(call, asset, *both) for asset, both in found.items()]


def accounts(call: Call) -> dict[str, Any]:
    """One account for each currency; 49 a page unless told otherwise."""
    rows, after = call.page(_all_accounts(call), "uuid", 49, 250)
    return {"accounts": rows, "has_next": bool(after), "cursor": after, "size": len(rows)}


def account(call: Call) -> dict[str, Any]:
    """One of them."""
    for row in _all_accounts(call):
        if row["uuid"] == call.name:
            return {"account": row}
    raise _missing("account")


def _missing(what: str) -> Refusal:
    return Refusal(404, "NOT_FOUND", f"{what} with this {what}ID was not found")


def key_permissions(call: Call) -> dict[str, Any]:
    """What the key may do."""
    assert call.key is not None
    return {
        "can_view": True,
        "can_trade": call.key.trade,
        "can_transfer": False,
        "portfolio_uuid": uuid_of("portfolio", call.owner),
        "portfolio_type": "DEFAULT",
    }


def portfolios(call: Call) -> dict[str, Any]:
    """One for each user."""
    number = uuid_of("portfolio", call.owner)
    return {
        "portfolios": [{"name": "Default", "uuid": number, "type": "DEFAULT", "deleted": False}]
    }


def transaction_summary(call: Call) -> dict[str, Any]:
    """The fee tier: totals are numbers, rates are texts."""
    fees = call.records.fees(call.owner)
    return {
        "total_volume": 0,
        "total_fees": 0,
        "fee_tier": {
            "pricing_tier": "Intro 1",
            "usd_from": "0",
            "usd_to": "1000",
            "taker_fee_rate": f"{fees.taker:f}",
            "maker_fee_rate": f"{fees.maker:f}",
            "aop_from": "",
            "aop_to": "",
            "volume_types_and_range": [],
        },
        "margin_rate": None,
        "goods_and_services_tax": None,
        "advanced_trade_only_volume": 0,
        "advanced_trade_only_fees": 0,
        "coinbase_pro_volume": 0,
        "coinbase_pro_fees": 0,
        "total_balance": "",
        "volume_breakdown": [],
        "has_cost_plus_commission": False,
        "has_promo_fee": False,
    }


def payment_methods(call: Call) -> dict[str, Any]:
    """None: no money moves in or out."""
    return {"payment_methods": []}


def positions(call: Call) -> dict[str, Any]:
    """Of futures: none."""
    return {"positions": []}


# -- orders and fills --------------------------------------------------------------------------


def one_order(call: Call) -> dict[str, Any]:
    """One order by the venue's id; there is no look-up by the client's."""
    order = call.find_order(call.name)
    if order is None:
        raise _missing("order")
    return {"order": order_row(call.backend.book, order, call.backend.rate(call.owner))}


def orders(call: Call) -> dict[str, Any]:
    """Orders of all states unless told otherwise, the newest first."""
    query, book, rate = call.query, call.backend.book, call.backend.rate(call.owner)
    for name, known in (("order_status", _STATES), ("order_side", ("BUY", "SELL"))):
        for one in query.texts(name):
            if one not in known:
                raise unreadable(name, one)
    wanted_time = query.between("start_date", "end_date")
    found = [one for one in call.records.orders(call.owner) if wanted_time(one.created_ns)]
    found.sort(key=lambda one: (one.created_ns, one.id), reverse=True)
    rows = [order_row(book, one, rate) for one in found]
    rows = _filtered(rows, query, _ORDER_FILTERS)
    assets = query.texts("asset_filters")
    if assets:
        rows = [row for row in rows if row["product_id"].partition("-")[0] in assets]
    page, after = call.page(rows, "order_id", 100, 1000)
    return {"orders": page, "sequence": "0", "has_next": bool(after), "cursor": after}


_ORDER_FILTERS: Mapping[str, tuple[str, ...]] = {
    "order_id": ("order_ids",),
    "product_id": ("product_ids", "product_id"),
    "status": ("order_status",),
    "order_type": ("order_types", "order_type"),
    "side": ("order_side",),
    "time_in_force": ("time_in_forces",),
    "product_type": ("product_type",),
    "order_placement_source": ("order_placement_source",),
    "retail_portfolio_id": ("retail_portfolio_id",),
}


_FILL_FILTERS: Mapping[str, tuple[str, ...]] = {
    "order_id": ("order_ids", "order_id"),
    "trade_id": ("trade_ids",),
    "product_id": ("product_ids", "product_id"),
}


def _filtered(
    rows: list[dict[str, Any]], query: Query, filters: Mapping[str, tuple[str, ...]]
) -> list[dict[str, Any]]:
    """The rows that have one of the values asked for in each field; what is not asked for counts
    as any."""
    for field, names in filters.items():
        if wanted := query.texts(*names):
            rows = [row for row in rows if row[field] in wanted]
    return rows


def fills(call: Call) -> dict[str, Any]:
    """Matches, the newest first; an empty cursor ends them."""
    query, book = call.query, call.backend.book
    wanted_time = query.between("start_sequence_timestamp", "end_sequence_timestamp")
    found: list[FillState] = [
        one
        for symbol in call.backend.products.by_symbol
        for one in call.records.fills(call.owner, symbol)
        if wanted_time(one.trade.at_ns)
    ]
    found.sort(key=lambda one: (one.trade.at_ns, one.trade.trade_id), reverse=True)
    rows = _filtered([fill_row(book, one) for one in found], query, _FILL_FILTERS)
    page, after = call.page(rows, "entry_id", 100, 1000)
    return {"fills": page, "cursor": after}


def old_accounts(call: Call) -> dict[str, Any]:
    """``/v2/accounts``: totals only."""
    rows = []
    for asset, (free, locked) in call.records.balances(call.owner).items():
        kind = "fiat" if asset in FIAT else "crypto"
        number = account_id(call.owner, asset)
        rows.append(
            {
                "id": number,
                "name": f"{asset} Wallet",
                "primary": False,
                "type": kind if kind == "fiat" else "wallet",
                "currency": {
                    "code": asset,
                    "name": name_of(asset),
                    "exponent": 2 if kind == "fiat" else 8,
                    "type": kind,
                },
                "balance": {"amount": f"{free + locked:f}", "currency": asset},
                "created_at": EPOCH,
                "updated_at": EPOCH,
                "resource": "account",
                "resource_path": f"/v2/accounts/{number}",
            }
        )
    paging = {
        "ending_before": None,
        "starting_after": None,
        "previous_ending_before": None,
        "next_starting_after": None,
        "limit": 250,
        "order": "desc",
        "previous_uri": None,
        "next_uri": None,
    }
    return {"pagination": paging, "data": rows}
