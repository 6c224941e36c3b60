"""Coinbase's order entry: placing, previewing, cancelling, editing.

A cancel is done at once, though its reply only says that it was taken: on the ``user`` channel the
order still passes through CANCEL_QUEUED (a choice, as it is that an edit does through EDIT_QUEUED).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.coinbase.calls import Call
from vocx.lab.dialects.coinbase.order_form import (
    Sent,
    client_order_id,
    new_order,
    read_order,
)
from vocx.lab.dialects.coinbase.wire import NotPlaced, decimal, invalid, uuid_of
from vocx.lab.dialects.shared.numbers import amount
from vocx.lab.events import OrderState, Rejection

MOST_CANCELS = 100
_REJECTED: Mapping[str, tuple[str, str]] = {
    "insufficient_balance": ("INSUFFICIENT_FUND", "Insufficient balance in source account"),
    "would_match": ("INVALID_LIMIT_PRICE_POST_ONLY", "Post only order would match"),
    "no_liquidity": ("INVALID_NO_LIQUIDITY", "Nothing to match"),
    "duplicate_client_order_id": ("DUPLICATE_CLIENT_ORDER_ID", "client_order_id is in use"),
}


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
            "order_id": backend.book.order_id(order),
            "product_id": sent.listing.format.name,
            "side": sent.side.upper(),
            "client_order_id": named,
            "attached_order_id": "",
        },
        "order_configuration": sent.configuration,
    }
    backend.placed[call.owner, named] = body, answer
    return answer


def _placed(call: Call, sent: Sent, named: str) -> OrderState:
    order = new_order(sent, call.owner, named, call.backend.rate(call.owner))
    placed, _ = call.accounts.place(order, call.now_ns)
    if isinstance(placed, Rejection):
        error, message = _REJECTED[placed.reason]
        raise NotPlaced(error, message=message)
    call.backend.book.keep(placed, sent)
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
    order, reason = call.find_order(text), "UNKNOWN_CANCEL_FAILURE_REASON"
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
    order = call.find_order(call.body.get("order_id"))
    if order is None:
        return _not_edited("ORDER_NOT_FOUND")
    if not order.open:
        return _not_edited("ONLY_OPEN_ORDERS_CAN_BE_EDITED")
    if call.backend.book.sent(order).name != "limit_limit_gtc":
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
    call.backend.book.edited(amended, call.clock_ns)
    return []


def _not_edited(
    reason: str, preview: str = "UNKNOWN_PREVIEW_FAILURE_REASON"
) -> list[dict[str, str]]:
    return [{"edit_failure_reason": reason, "preview_failure_reason": preview}]
