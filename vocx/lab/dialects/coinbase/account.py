"""Signed REST: accounts and fees, placing, cancelling and editing orders, orders and fills.

A cancel is done at once, though its reply only says that it was taken: on the ``user`` channel the
order still passes through CANCEL_QUEUED (a choice, as it is that an edit does through EDIT_QUEUED).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.coinbase.calls import Call, one_page
from vocx.lab.dialects.coinbase.catalogue import FIAT
from vocx.lab.dialects.coinbase.orders import (
    Sent,
    client_order_id,
    new_order,
    read_order,
)
from vocx.lab.dialects.coinbase.wire import (
    EPOCH,
    NotPlaced,
    Refusal,
    amount,
    decimal,
    invalid,
    microseconds,
    unreadable,
    uuid_of,
)
from vocx.lab.dialects.shared.assets import name_of
from vocx.lab.events import FillState, OrderState, Rejection

MOST_CANCELS, MOST_PLACED = 100, 20_000
_REJECTED: Mapping[str, tuple[str, str]] = {
    "insufficient_balance": ("INSUFFICIENT_FUND", "Insufficient balance in source account"),
    "would_match": ("INVALID_LIMIT_PRICE_POST_ONLY", "Post only order would match"),
    "no_liquidity": ("INVALID_NO_LIQUIDITY", "Nothing to match"),
    "duplicate_client_order_id": ("DUPLICATE_CLIENT_ORDER_ID", "client_order_id is in use"),
}
_STATES = (
    *("PENDING", "QUEUED", "OPEN", "FILLED", "CANCELLED", "EXPIRED", "FAILED"),
    *("CANCEL_QUEUED", "EDIT_QUEUED", "UNKNOWN_ORDER_STATUS"),
)


# -- accounts and fees -------------------------------------------------------------------------


def account_id(owner: str, asset: str) -> str:
    """The id of one currency's account."""
    return uuid_of("account", owner, asset)


def _account(call: Call, asset: str, free: Decimal, locked: Decimal) -> dict[str, Any]:
    gateway = call.backend.gateway
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
    size = call.query.count("limit", 49, 250)
    rows, after = one_page(
        _all_accounts(call), lambda row: str(row["uuid"]), call.query.text("cursor"), size
    )
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


# -- placing -----------------------------------------------------------------------------------


def place(call: Call) -> dict[str, Any]:
    """Take an order in. The same body again gets the same answer; another order under the same id
    is refused (when the venue does so is not documented: a choice)."""
    backend, body = call.backend, dict(call.body)
    named = client_order_id(body)
    before = backend.placed.get((call.owner, named))
    if before is not None and before[0] == body:
        return before[1]
    try:
        sent = read_order(body, backend.products, call.clock_ns)
        if before is not None:
            raise NotPlaced("DUPLICATE_CLIENT_ORDER_ID", message="client_order_id is in use")
        order = _placed(call, sent, named)
    except NotPlaced as why:
        return _failure(why, body.get("order_configuration"))
    answer = {
        "success": True,
        "success_response": {
            "order_id": backend.orders.order_id(order),
            "product_id": sent.listing.format.name,
            "side": sent.side.upper(),
            "client_order_id": named,
            "attached_order_id": "",
        },
        "order_configuration": sent.configuration,
    }
    backend.placed[call.owner, named] = body, answer
    while len(backend.placed) > MOST_PLACED:
        del backend.placed[next(iter(backend.placed))]
    return answer


def _placed(call: Call, sent: Sent, named: str) -> OrderState:
    order = new_order(sent, call.owner, named, call.backend.rate(call.owner))
    placed, _ = call.accounts.place(order, call.now_ns)
    if isinstance(placed, Rejection):
        error, message = _REJECTED[placed.reason]
        raise NotPlaced(error, message=message)
    call.backend.orders.keep(placed, sent)
    return placed


def _failure(why: NotPlaced, configuration: Any) -> dict[str, Any]:
    answer = {
        "success": False,
        "error_response": {
            "error": why.error,
            "message": why.message,
            "error_details": "",
            "preview_failure_reason": why.preview,
            "new_order_failure_reason": "UNKNOWN_FAILURE_REASON",
        },
    }
    return answer | ({"order_configuration": configuration} if configuration else {})


def preview(call: Call) -> dict[str, Any]:
    """What an order would be; ``errs`` are preview codes."""
    errs: list[str] = []
    total = fee = Decimal(0)
    base, price = Decimal(0), Decimal(0)
    bid = ask = "0"
    try:
        sent = read_order(call.body, call.backend.products, call.clock_ns)
        order = new_order(sent, call.owner, "preview", call.backend.rate(call.owner))
        spec, form = sent.listing.format.spec, sent.listing.format
        best = sent.listing.market.best()
        bid, ask = form.price[best[0]], form.price[best[2]]
        price = spec.to_price(order.price or (best[2] if order.side == "buy" else best[0]))
        base = spec.to_quantity(order.quantity) or (order.quote / price if price else Decimal(0))
        worth = base * price
        fee = worth * call.backend.rate(call.owner)
        total = worth + fee if order.side == "buy" else worth - fee
        balances = call.records.balances(call.owner)
        has = balances[spec.quote if order.side == "buy" else spec.base][0]
        if has < (total if order.side == "buy" else base):
            errs.append("PREVIEW_INSUFFICIENT_FUND")
        crosses = (
            price >= spec.to_price(best[2])
            if order.side == "buy"
            else (price <= spec.to_price(best[0]))
        )
        if order.time_in_force == "POST_ONLY" and crosses:
            errs.append("PREVIEW_INVALID_LIMIT_PRICE_POST_ONLY")
    except NotPlaced as why:
        errs.append(why.preview)
    return {
        "order_total": amount(total),
        "commission_total": amount(fee),
        "errs": errs,
        "warning": [],
        "quote_size": amount(base * price),
        "base_size": amount(base),
        "best_bid": bid,
        "best_ask": ask,
        "is_max": False,
        "slippage": "0",
        "preview_id": uuid_of("preview", call.owner, call.now_ns),
        "average_filled_price": amount(price),
        "est_average_filled_price": amount(price),
    }


# -- cancelling and editing --------------------------------------------------------------------


def _found(call: Call, text: Any) -> OrderState | None:
    """An order of the caller's, by its id."""
    numbers = call.backend.orders.numbers(text)
    if numbers is None:
        return None
    return call.records.order(call.owner, numbers[0], numbers[1])


def batch_cancel(call: Call) -> dict[str, Any]:
    """At most a hundred; one result for each, in the order of the request."""
    ids = call.body.get("order_ids")
    if not isinstance(ids, list) or not ids:
        raise invalid("order_ids is required")
    if len(ids) > MOST_CANCELS:
        raise invalid(f"at most {MOST_CANCELS} order_ids")
    if not all(isinstance(one, str) for one in ids):
        raise invalid("order_ids are texts")
    return {"results": [_cancelled(call, one) for one in ids]}


def _cancelled(call: Call, text: str) -> dict[str, Any]:
    order, reason = _found(call, text), "UNKNOWN_CANCEL_FAILURE_REASON"
    if order is None:
        reason = "UNKNOWN_CANCEL_ORDER"
    elif order.open:
        gone, _ = call.accounts.cancel(
            call.owner, order.request.symbol, order.id, now_ns=call.now_ns
        )
        if gone is not None:
            return {"success": True, "failure_reason": reason, "order_id": text}
        reason = "COMMANDER_REJECTED_CANCEL_ORDER"
    elif order.status == "filled":
        reason = "ORDER_IS_FULLY_FILLED"
    else:
        reason = "UNKNOWN_CANCEL_ORDER" if order.reason else "DUPLICATE_CANCEL_REQUEST"
    return {"success": False, "failure_reason": reason, "order_id": text}


def edit(call: Call) -> dict[str, Any]:
    """Price and size of an open limit GTC order, both; it keeps its id, and its priority only
    where it becomes smaller."""
    errors = _edited(call, change=True)
    answer: dict[str, Any] = {"success": not errors, "errors": errors}
    if not errors:
        answer["success_response"] = {"order_id": call.body["order_id"]}
    return answer


def edit_preview(call: Call) -> dict[str, Any]:
    """The same without doing it."""
    return {"errors": _edited(call, change=False), "slippage": "0", "order_total": "0"}


def _edited(call: Call, *, change: bool) -> list[dict[str, str]]:
    order = _found(call, call.body.get("order_id"))
    if order is None:
        return _not_edited("ORDER_NOT_FOUND")
    if not order.open:
        return _not_edited("ONLY_OPEN_ORDERS_CAN_BE_EDITED")
    if call.backend.orders.sent(order).name != "limit_limit_gtc":
        return _not_edited("ONLY_LIMIT_ORDER_EDITS_SUPPORTED")
    spec = call.backend.products.by_symbol[order.request.symbol].format.spec
    price, size = decimal(call.body, "price"), decimal(call.body, "size")
    if price is None or price <= 0 or price % spec.tick:
        return _not_edited("INVALID_EDITED_PRICE")
    if size is None or size <= 0 or size % spec.lot or size > spec.max_quantity:
        return _not_edited("INVALID_EDITED_SIZE")
    if size * price < spec.min_notional:
        return _not_edited("INVALID_EDITED_SIZE", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")
    ticks, lots = int(price / spec.tick), int(size / spec.lot)
    if lots <= order.filled:
        return _not_edited("CANNOT_EDIT_TO_BELOW_FILLED_SIZE")
    if (ticks, lots) == (order.request.price, order.quantity):
        return _not_edited("EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST")
    if not change:
        return []
    amended, _ = call.accounts.amend(
        call.owner, spec.symbol, order.id, lots, price=ticks, now_ns=call.now_ns
    )
    if isinstance(amended, Rejection):
        error, _ = _REJECTED[amended.reason]
        return _not_edited("UNKNOWN_EDIT_ORDER_FAILURE_REASON", f"PREVIEW_{error}")
    if amended is None:
        return _not_edited("COMMANDER_REJECTED_EDIT_ORDER")
    call.backend.orders.edited(amended, call.clock_ns)
    return []


def _not_edited(
    reason: str, preview: str = "UNKNOWN_PREVIEW_FAILURE_REASON"
) -> list[dict[str, str]]:
    return [{"edit_failure_reason": reason, "preview_failure_reason": preview}]


# -- orders and fills --------------------------------------------------------------------------


def one_order(call: Call) -> dict[str, Any]:
    """One order by the venue's id; there is no look-up by the client's."""
    order = _found(call, call.name)
    if order is None:
        raise _missing("order")
    return {"order": call.backend.orders.row(order, call.backend.rate(call.owner))}


def orders(call: Call) -> dict[str, Any]:
    """Orders of all states unless told otherwise, the newest first."""
    query, book, rate = call.query, call.backend.orders, call.backend.rate(call.owner)
    for name, known in (("order_status", _STATES), ("order_side", ("BUY", "SELL"))):
        for one in query.texts(name):
            if one not in known:
                raise unreadable(name, one)
    wanted_time = query.between("start_date", "end_date")
    found = [one for one in call.records.orders(call.owner) if wanted_time(one.created_ns)]
    found.sort(key=lambda one: (one.created_ns, one.id), reverse=True)
    rows = [book.row(one, rate) for one in found]
    for field, names in _ORDER_FILTERS.items():
        wanted = query.texts(*names)
        if wanted:
            rows = [row for row in rows if row[field] in wanted]
    assets = query.texts("asset_filters")
    if assets:
        rows = [row for row in rows if row["product_id"].partition("-")[0] in assets]
    page, after = one_page(
        rows,
        lambda row: str(row["order_id"]),
        query.text("cursor"),
        query.count("limit", 100, 1000),
    )
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


def fills(call: Call) -> dict[str, Any]:
    """Matches, the newest first; an empty cursor ends them."""
    query, book = call.query, call.backend.orders
    wanted_time = query.between("start_sequence_timestamp", "end_sequence_timestamp")
    found: list[FillState] = [
        one
        for symbol in call.backend.products.by_symbol
        for one in call.records.fills(call.owner, symbol)
        if wanted_time(one.trade.at_ns)
    ]
    found.sort(key=lambda one: (one.trade.at_ns, one.trade.trade_id), reverse=True)
    rows = [book.fill(one) for one in found]
    filters: Mapping[str, Sequence[str]] = {
        "order_id": query.texts("order_ids", "order_id"),
        "trade_id": query.texts("trade_ids"),
        "product_id": query.texts("product_ids", "product_id"),
    }
    for field, wanted in filters.items():
        if wanted:
            rows = [row for row in rows if row[field] in wanted]
    page, after = one_page(
        rows,
        lambda row: str(row["entry_id"]),
        query.text("cursor"),
        query.count("limit", 100, 1000),
    )
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
