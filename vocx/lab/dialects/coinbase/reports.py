"""Orders and fills as Coinbase writes them, by REST and on the ``user`` channel. (Advanced Trade
reference, 2026-02, and channel pages, 2026-08.)"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from vocx.lab.dialects.coinbase.account_book import AccountBook
from vocx.lab.dialects.coinbase.wire import NEVER, microseconds, uuid_of
from vocx.lab.dialects.shared.numbers import amount
from vocx.lab.events import FillState, OrderState


def _numbers(book: AccountBook, order: OrderState, rate: Decimal) -> dict[str, Any]:
    """What both surfaces write alike, each under its own names: the numbers."""
    form = book.format(order)
    spec, fees = form.spec, order.fee
    buys, left = order.request.side == "buy", order.quantity - order.filled
    held = Decimal(0)
    if order.open and order.request.price:
        held = spec.to_quantity(left)
        if buys:
            held *= spec.to_price(order.request.price) * (1 + rate)
    value, filled = order.filled_quote, spec.to_quantity(order.filled)
    share = Decimal(100) * order.filled / order.quantity if order.quantity else Decimal(0)
    after = Decimal(0)
    if order.filled:
        after = value + fees if buys else value - fees
    return {
        "average": amount(value / filled) if order.filled else "0",
        "completion": amount(share.quantize(Decimal("0.01"))),
        "filled": form.quantity[order.filled],
        "value": amount(value),
        "left": form.quantity[left],
        "count": str(order.fills),
        "held": amount(held),
        "fees": amount(fees),
        "after": amount(after),
    }


def order_row(book: AccountBook, order: OrderState, rate: Decimal) -> dict[str, Any]:
    """An order by REST. No object is null where the official SDK would fail on it."""
    request, record = order.request, book.record(order)
    form = book.format(order)
    numbers, market = _numbers(book, order, rate), request.type == "market"
    last_ns = order.updated_ns if order.filled else None
    return {
        "order_id": book.order_id(order),
        "product_id": form.name,
        "user_id": uuid_of("user", request.owner),
        "order_configuration": record.sent.configuration,
        "side": request.side.upper(),
        "client_order_id": request.client_order_id,
        "status": book.status(order),
        "time_in_force": book.in_force(order),
        "created_time": microseconds(order.created_ns),
        "completion_percentage": numbers["completion"],
        "filled_size": numbers["filled"],
        "average_filled_price": numbers["average"],
        "fee": "",
        "number_of_fills": numbers["count"],
        "filled_value": numbers["value"],
        "pending_cancel": False,
        "size_in_quote": market and bool(request.quote),
        "total_fees": numbers["fees"],
        "size_inclusive_of_fees": market and bool(request.quote) and request.side == "buy",
        "total_value_after_fees": numbers["after"],
        "trigger_status": "INVALID_ORDER_TYPE",
        "order_type": "MARKET" if market else "LIMIT",
        "reject_reason": "REJECT_REASON_UNSPECIFIED",
        "settled": not order.open,
        "product_type": "SPOT",
        "reject_message": "",
        "cancel_message": book.ended_by(order),
        "order_placement_source": "RETAIL_ADVANCED",
        "outstanding_hold_amount": numbers["held"],
        "is_liquidation": False,
        "last_fill_time": None if last_ns is None else microseconds(last_ns),
        "edit_history": record.edits,
        "leverage": "",
        "margin_type": "UNKNOWN_MARGIN_TYPE",
        "retail_portfolio_id": uuid_of("portfolio", request.owner),
        "originating_order_id": "",
        "attached_order_id": "",
        "attached_order_configuration": None,
        "current_pending_replace": None,
        "commission_detail_total": None,
        "workable_size": form.quantity[order.quantity],
        "workable_size_completion_pct": numbers["completion"],
    }


def user_row(
    book: AccountBook, order: OrderState, rate: Decimal, status: str = ""
) -> dict[str, Any]:
    """An order on the ``user`` channel, whose names differ; ``status`` is one that it passes
    through."""
    request, sent = order.request, book.sent(order)
    form = book.format(order)
    numbers = _numbers(book, order, rate)
    end_ns = sent.end_ns
    return {
        "avg_price": numbers["average"],
        "cancel_reason": "" if status else book.ended_by(order),
        "client_order_id": request.client_order_id,
        "completion_percentage": numbers["completion"],
        "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
        "cumulative_quantity": numbers["filled"],
        "filled_value": numbers["value"],
        "leaves_quantity": numbers["left"],
        "limit_price": form.price[request.price],
        "number_of_fills": numbers["count"],
        "order_id": book.order_id(order),
        "order_side": request.side.upper(),
        "order_type": "MARKET" if request.type == "market" else "LIMIT",
        "outstanding_hold_amount": numbers["held"],
        "post_only": "true" if request.time_in_force == "POST_ONLY" else "false",
        "product_id": form.name,
        "product_type": "SPOT",
        "reject_reason": "",
        "retail_portfolio_id": uuid_of("portfolio", request.owner),
        "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
        "status": status or book.status(order),
        "stop_price": "",
        "time_in_force": book.in_force(order),
        "total_fees": numbers["fees"],
        "total_value_after_fees": numbers["after"],
        "trigger_status": "INVALID_ORDER_TYPE",
        "creation_time": microseconds(order.created_ns),
        "end_time": NEVER if end_ns is None else microseconds(end_ns),
        "start_time": NEVER,
    }


def fill_row(book: AccountBook, fill: FillState) -> dict[str, Any]:
    """One match of one order."""
    order, one = fill.order, fill.trade
    request = order.request
    form = book.format(order)
    return {
        "entry_id": _entry_id(fill),
        "trade_id": uuid_of("trade", request.symbol, one.trade_id),
        "order_id": book.order_id(order),
        "trade_time": microseconds(one.at_ns),
        "trade_type": "FILL",
        "price": form.price[one.price],
        "size": form.quantity[one.quantity],
        "commission": amount(fill.fee),
        "product_id": form.name,
        "sequence_timestamp": microseconds(one.at_ns),
        "liquidity_indicator": "MAKER" if fill.maker else "TAKER",
        "size_in_quote": False,
        "user_id": uuid_of("user", request.owner),
        "side": request.side.upper(),
        "retail_portfolio_id": uuid_of("portfolio", request.owner),
        "fillSource": "FILL_SOURCE_CLOB",
        "commission_detail_total": None,
    }


def _entry_id(fill: FillState) -> str:
    """The id of one side of one match."""
    request = fill.order.request
    text = uuid_of("entry", request.symbol, fill.trade.trade_id, fill.order.id)
    return text.replace("-", "")[:20]
