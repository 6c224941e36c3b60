"""Bybit's order entry: what is refused at once, and what is only acknowledged.

Documentation V5, trade (2026-07-24). An answer is an acknowledgement. At once refused are forms,
filters, known link ids, the cap on open orders, and money; what the matching refuses (post only
that would take, nothing to match) has an id and comes as a row of the private stream.

Choices, where no document speaks: the order of the checks; a link id is used up for ever; an order
without one gets nineteen digits. Not here: conditional orders and attached take profits (170227),
tolerance of slippage, which is accepted and not needed, and price bands, whose formula is not
published. ``orderFilter`` other than ``Order`` finds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from msgspec.structs import replace

from vocx.lab.dialects.bybit import account
from vocx.lab.dialects.bybit.calls import Call
from vocx.lab.dialects.bybit.reports import IN_FORCE, SMP
from vocx.lab.dialects.bybit.wire import Refusal, bad_parameter, decimal, order_id, text
from vocx.lab.dialects.shared.numbers import Listing, milliseconds
from vocx.lab.events import NewOrder, OrderState, Rejection, Side

MOST_OPEN = 500
MOST_IN_BATCH = 10
DIGITS = "0123456789"
_LINK_ID = re.compile("[A-Za-z0-9_-]{1,36}")
_IN_FORCE = {name: one for one, name in IN_FORCE.items()}
_SMP = {name: one for one, name in SMP.items()}
_ATTACHED = ("triggerPrice", "takeProfit", "stopLoss", "tpLimitPrice", "slLimitPrice")
NO_ORDER = (170213, "Order does not exist.")
FILTERS = ("Order", "tpslOrder", "StopOrder", "OcoOrder", "BidirectionalTpslOrder")


def create(call: Call) -> dict[str, str]:
    """Take an order in."""
    listing, order = _form(call)
    accounts, link = call.accounts, order.client_order_id
    symbols = [one.format.spec.symbol for one in call.catalogue.by_name.values()]
    if link and any(accounts.order(call.owner, one, None, link) for one in symbols):
        raise Refusal(170141, "Duplicate clientOrderId")
    if sum(accounts.open_count(call.owner, one) for one in symbols) >= MOST_OPEN:
        raise Refusal(170810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders.")
    if not link:
        order = replace(order, client_order_id=call.gateway.new_id(19, DIGITS))
    newest = listing.market.trades(1)
    last_price = listing.format.price[newest[-1].price if newest else listing.market.best()[0]]
    placed, _ = accounts.place(order, call.now_ns)
    if isinstance(placed, Rejection):
        if placed.reason == "insufficient_balance":
            raise Refusal(170131, "Insufficient balance.")
        if placed.reason == "duplicate_client_order_id":
            raise Refusal(170141, "Duplicate clientOrderId")
        placed, _ = accounts.reject(order, placed.reason, call.now_ns)
    call.book.placed(placed, last_price)
    return acknowledged(listing, placed)


def acknowledged(listing: Listing, order: OrderState) -> dict[str, str]:
    """The two ids of an order: all that an answer says."""
    return {
        "orderId": order_id(listing, order.id),
        "orderLinkId": order.request.client_order_id,
    }


def _form(call: Call) -> tuple[Listing, NewOrder]:
    """The order that a body asks for, its form and filters checked."""
    given = call.given
    _check_category(call)
    for name in ("symbol", "side", "orderType", "qty"):
        if given.get(name) in (None, ""):
            raise bad_parameter(f"{name} is missing")
    listing = call.some()[0]
    spec, side, kind = listing.format.spec, text(given, "side"), text(given, "orderType")
    if side not in ("Buy", "Sell"):
        raise Refusal(170117, "Invalid side.")
    if kind not in ("Limit", "Market"):
        raise Refusal(170116, "Invalid orderType.")
    in_force = text(given, "timeInForce", "GTC")
    if in_force == "RPI":
        raise Refusal(170355, "RPI orders are only available for market makers.")
    if in_force not in _IN_FORCE:
        raise Refusal(170115, "Invalid timeInForce.")
    link = text(given, "orderLinkId")
    if link and not _LINK_ID.fullmatch(link):
        raise bad_parameter("orderLinkId is invalid")
    if text(given, "orderFilter", "Order") not in FILTERS:
        raise Refusal(170201, "Your order's orderFilter is invalid.")
    smp = text(given, "smpType", "None")
    if smp not in _SMP:
        raise bad_parameter("smpType is invalid")
    if text(given, "orderFilter", "Order") != "Order" or any(
        str(given.get(name) or "0").strip("0.") for name in _ATTACHED
    ):
        raise Refusal(170227, "This operation is not supported.")
    limit = kind == "Limit"
    ticks = _ticks(call, listing) if limit else 0
    by_quote = not limit and _by_quote(given, side)
    if by_quote:
        lots, quote = 0, _quote(call, listing)
    else:
        lots, quote = _lots(call, listing), Decimal(0)
    best = listing.market.best()
    price = spec.to_price(ticks) or spec.to_price(best[2] if side == "Buy" else best[0])
    if (quote or spec.to_quantity(lots) * price) < spec.min_notional:
        raise Refusal(170140, "Order value exceeded lower limit.")
    most = spec.max_quantity if limit else spec.max_quantity / 2
    if spec.to_quantity(lots) > most:
        raise Refusal(170124, "Order quantity exceeded upper limit.")
    order = NewOrder(
        owner=call.owner,
        symbol=spec.symbol,
        side=cast(Side, side.lower()),
        type="limit" if limit else "market",
        time_in_force=_IN_FORCE[in_force] if limit else "GTC",
        price=ticks,
        quantity=lots,
        quote=quote,
        client_order_id=link,
        self_trade=_SMP[smp],
    )
    return listing, order


def _check_category(call: Call) -> None:
    if call.category() != "spot":
        raise Refusal(10001, "category is not supported: the lab trades spot")


def _by_quote(given: Mapping[str, Any], side: str) -> bool:
    """A market buy's size is quote unless the unit is named."""
    unit = text(given, "marketUnit")
    if unit not in ("", "baseCoin", "quoteCoin"):
        raise bad_parameter("marketUnit is invalid")
    return unit == "quoteCoin" or (not unit and side == "Buy")


def _ticks(call: Call, listing: Listing) -> int:
    price = decimal(call.given, "price", 170130)
    spec = listing.format.spec
    if price is None or price <= 0:
        raise Refusal(170133, "Order price lower than the minimum.")
    if price % spec.tick:
        raise Refusal(170134, "Order price has too many decimals.")
    if price > 10**9:
        raise Refusal(170132, "Order price too high.")
    return int(price / spec.tick)


def _size(call: Call) -> Decimal:
    size = decimal(call.given, "qty", 170130)
    if size is None or size <= 0:
        raise Refusal(170130, "Data sent for paramter 'qty' is not valid.")
    return size


def _lots(call: Call, listing: Listing) -> int:
    quantity, spec = _size(call), listing.format.spec
    if quantity < spec.lot:
        raise Refusal(170136, "Order quantity exceeded lower limit.")
    if quantity % spec.lot:
        raise Refusal(170137, "Order quantity has too many decimals.")
    if quantity > 10**12:
        raise Refusal(170124, "Order quantity exceeded upper limit.")
    return int(quantity / spec.lot)


def _quote(call: Call, listing: Listing) -> Decimal:
    quote, spec = _size(call), listing.format.spec
    if quote % (spec.lot * spec.tick) or quote % Decimal("0.00000001"):
        raise Refusal(170148, "Market order amount decimal too long.")
    if quote > 10**12:
        raise Refusal(170124, "Order amount too large.")
    return quote


def _found(call: Call) -> tuple[Listing, OrderState]:
    """The order that a change is about."""
    _check_category(call)
    if not text(call.given, "symbol"):
        raise bad_parameter("symbol is missing")
    if not (text(call.given, "orderId") or text(call.given, "orderLinkId")):
        raise Refusal(10001, "params error: OrderId or orderLinkId is required")
    listing = call.some()[0]
    order = account.found(call, listing)
    if order is None or not order.open:
        raise Refusal(*NO_ORDER)
    return listing, order


def amend(call: Call) -> dict[str, str]:
    """Another price, another total, or both; the id stays."""
    listing, order = _found(call)
    spec = listing.format.spec
    lots, ticks = order.quantity, order.request.price
    if call.given.get("qty") not in (None, ""):
        lots = _lots(call, listing)
    if call.given.get("price") not in (None, ""):
        ticks = _ticks(call, listing)
    if (lots, ticks) == (order.quantity, order.request.price):
        raise Refusal(
            10001,
            "The order remains unchanged as the parameters entered match the existing ones.",
        )
    if lots <= order.filled:
        raise Refusal(170313, "The quantity cannot be lower than what is filled.")
    if spec.to_quantity(lots) * spec.to_price(ticks) < spec.min_notional:
        raise Refusal(170140, "Order value exceeded lower limit.")
    amended, _ = call.accounts.amend(
        call.owner, spec.symbol, order.id, lots, price=ticks, now_ns=call.now_ns
    )
    if isinstance(amended, Rejection):
        if amended.reason == "insufficient_balance":
            raise Refusal(170131, "Insufficient balance.")
        raise Refusal(170218, "The LIMIT-MAKER order is rejected due to invalid price.")
    if amended is None:
        raise Refusal(*NO_ORDER)
    return acknowledged(listing, amended)


def cancel(call: Call) -> dict[str, str]:
    """Take an open order out."""
    if text(call.given, "orderFilter", "Order") not in FILTERS:
        raise Refusal(170201, "Your order's orderFilter is invalid.")
    listing, order = _found(call)
    gone, _ = call.accounts.cancel(call.owner, order.request.symbol, order.id, now_ns=call.now_ns)
    if gone is None:
        raise Refusal(*NO_ORDER)
    return acknowledged(listing, order)


def cancel_all(call: Call) -> dict[str, Any]:
    """Of one symbol, or of all."""
    _check_category(call)
    if text(call.given, "orderFilter", "Order") not in FILTERS:
        raise Refusal(170201, "Your order's orderFilter is invalid.")
    rows = []
    for listing in call.some() if text(call.given, "orderFilter", "Order") == "Order" else ():
        symbol = listing.format.spec.symbol
        orders, _ = call.records.cancel_all(call.owner, symbol, call.now_ns)
        rows += [acknowledged(listing, order) for order in orders]
    return {"list": rows, "success": "1"}


# -- batches -----------------------------------------------------------------------------------

Take = Callable[[], bool]
"""Counts one more order; whether there is room for it."""


def batch(
    one: Callable[[Call], dict[str, str]], call: Call, take: Take
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Up to ten orders, each for itself: ``result`` and ``retExtInfo``, index by index.

    What is beyond the limit fails alone.
    """
    _check_category(call)
    requests = call.given.get("request")
    if not isinstance(requests, list) or not requests:
        raise bad_parameter("request is missing")
    if len(requests) > MOST_IN_BATCH:
        raise bad_parameter("request is up to 10 orders")
    rows, outcomes = [], []
    for given in requests:
        given = given if isinstance(given, dict) else {}
        row = {"category": "spot", "symbol": str(given.get("symbol") or "")[:40]}
        ids = {"orderId": "", "orderLinkId": ""}
        code, message = 0, "OK"
        try:
            if not take():
                raise Refusal(10006, "Too many visits. Exceeded the API Rate Limit.")
            ids = one(replace(call, given={**given, "category": "spot"}))
        except Refusal as refusal:
            code, message = refusal.code, refusal.message
        more = {}
        if one is create:
            more = {"createAt": milliseconds(call.clock_ns) if not code else ""}
        rows.append({**row, **ids, **more})
        outcomes.append({"code": code, "msg": message})
    return {"list": rows}, {"list": outcomes}


SINGLE: Mapping[str, Callable[[Call], Any]] = {
    "create": create,
    "amend": amend,
    "cancel": cancel,
}
"""What REST and the trade socket have in common."""
