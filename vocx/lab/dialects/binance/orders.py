"""Order entry, cancelling and queries (rest-api.md and web-socket-api.md, 2026-07-21)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from vocx.lab.dialects.binance import filters, order_form
from vocx.lab.dialects.binance.account import rates_for_order
from vocx.lab.dialects.binance.calls import Call
from vocx.lab.dialects.binance.catalogue import Symbol
from vocx.lab.dialects.binance.endpoint import Endpoint
from vocx.lab.dialects.binance.order_form import OrderForm, neither
from vocx.lab.dialects.binance.params import Params, not_valid
from vocx.lab.dialects.binance.reports import Writer
from vocx.lab.dialects.binance.selection import Range, read_range, read_symbol
from vocx.lab.dialects.binance.wire import Refusal
from vocx.lab.dialects.shared.numbers import SymbolFormat
from vocx.lab.events import Executed, NewOrder, OrderState, Rejection

_TYPES: dict[str, Literal["limit", "market"]] = {
    "LIMIT": "limit",
    "MARKET": "market",
    "LIMIT_MAKER": "limit",
}
_REJECTED = {
    "insufficient_balance": "Account has insufficient balance for requested action.",
    "duplicate_client_order_id": "Duplicate order sent.",
    "would_match": "Order would immediately match and take.",
    "no_liquidity": "Order book liquidity is less than LOT_SIZE filter minimum quantity.",
}
UNKNOWN = (-2011, "Unknown order sent.")
NOT_CANCELED = (-2011, "Order was not canceled due to cancel restrictions.")
NO_ORDER = (-2013, "Order does not exist.")
_FAILED = (-2022, "Order cancel-replace failed.", 400)
_PARTLY_FAILED = (-2021, "Order cancel-replace partially failed.", 409)


def _writer(call: Call, form: SymbolFormat) -> Writer:
    return Writer(form, call.stamp)


# -- placing -----------------------------------------------------------------------------------


def place(call: Call) -> dict[str, Any]:
    """Take an order in."""
    form: OrderForm = call.form
    accounts = call.accounts
    listing = call.catalogue.named(form.symbol)
    order = _checked(call, listing)
    state, events = accounts.place(order, call.now_ns)
    if isinstance(state, Rejection):
        raise Refusal(-2010, _REJECTED[state.reason])
    call.backend.counts.accepted(call.owner, call.now_ns)
    fills = [
        event
        for event in events
        if isinstance(event, Executed) and event.order.id == state.id and event.owner == call.owner
    ]
    return _writer(call, listing.format).placed(state, form.response, fills)


def test(call: Call) -> dict[str, Any]:
    """Check an order as far as the engine, which does not see it."""
    listing = call.catalogue.named(call.form.symbol)
    accounts = call.accounts
    _checked(call, listing)
    return rates_for_order(accounts.fees(call.owner)) if call.form.rates else {}


def _checked(call: Call, listing: Symbol) -> NewOrder:
    """The order as the engine takes it, after everything but the engine's own checks."""
    form: OrderForm = call.form
    _check_offered(form)
    order_form.check_precision(call.params)
    spec = listing.format.spec
    open_orders = call.accounts.open_count(call.owner, spec.symbol)
    filters.check(listing, form, open_orders, call.now_ns)
    return NewOrder(
        owner=call.owner,
        symbol=spec.symbol,
        side=form.side,
        type=_TYPES[form.kind],
        time_in_force="POST_ONLY" if form.kind == "LIMIT_MAKER" else form.rule,
        price=int((form.price or 0) / spec.tick),
        quantity=int((form.quantity or 0) / spec.lot),
        quote=form.quote or filters.NOTHING,
        client_order_id=form.client_id or call.gateway.new_id(),
        self_trade=form.self_trade_rule,
    )


def _check_offered(form: OrderForm) -> None:
    """Refuse what exists but no symbol of the lab has."""
    if form.kind not in _TYPES:
        kind = form.kind.replace("_", " ").capitalize()
        raise Refusal(-1013, f"{kind} orders are not supported for this symbol.")
    if form.iceberg:
        raise Refusal(-1013, "Iceberg orders are not supported for this symbol.")
    if form.pegged:
        raise Refusal(-1013, "Pegged orders are not supported for this symbol.")
    if form.self_trade in order_form.NOT_OFFERED:
        raise Refusal(-1013, "This symbol does not allow the specified self-trade prevention mode.")


# -- one order by its ids ----------------------------------------------------------------------


class Ids(msgspec.Struct, frozen=True, kw_only=True):
    """Which order is meant, and what to do with it."""

    symbol: str
    order_id: int | None
    client_id: str | None
    cancel_id: str | None = None
    restriction: str | None = None


def read_ids(params: Params, named: tuple[str, str] = ("origClientOrderId", "orderId")) -> Ids:
    """One of both ids is needed; ``named`` is how the call names them."""
    symbol = params.symbol()
    assert symbol is not None, "symbol is mandatory"
    restriction = params.text("cancelRestrictions")
    if restriction not in (None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
        raise Refusal(-1145, "Invalid cancelRestrictions")
    ids = Ids(
        symbol=symbol,
        order_id=params.number("orderId"),
        client_id=params.client_id("origClientOrderId"),
        cancel_id=params.client_id("newClientOrderId"),
        restriction=restriction,
    )
    if ids.order_id is None and ids.client_id is None:
        raise neither(*named)
    return ids


def cancel(call: Call) -> dict[str, Any]:
    """Take one order out of the book."""
    ids: Ids = call.form
    listing = call.catalogue.named(ids.symbol)
    found = _found(call, listing, ids)
    if found is None or not found.open:
        raise Refusal(*UNKNOWN)
    if ids.client_id is not None and found.request.client_order_id != ids.client_id:
        raise Refusal(*UNKNOWN)
    needed = {"ONLY_NEW": "new", "ONLY_PARTIALLY_FILLED": "partially_filled"}
    if ids.restriction is not None and found.status != needed[ids.restriction]:
        raise Refusal(*NOT_CANCELED)
    state, _ = call.records.cancel(
        call.owner,
        found.request.symbol,
        found.id,
        cancel_id=ids.cancel_id or call.gateway.new_id(),
        now_ns=call.now_ns,
    )
    if state is None:
        raise Refusal(*NOT_CANCELED)
    return _writer(call, listing.format).canceled(state)


def status(call: Call) -> dict[str, Any]:
    """One order as it stands."""
    ids: Ids = call.form
    listing = call.catalogue.named(ids.symbol)
    found = _found(call, listing, ids)
    if found is None:
        raise Refusal(*NO_ORDER)
    named = (found.request.client_order_id, found.cancel_id)
    if ids.client_id is not None and ids.client_id not in named:
        raise Refusal(-2039, "Client order ID is not correct for this order ID.")
    return _writer(call, listing.format).queried(found)


def _found(call: Call, listing: Symbol, ids: Ids) -> OrderState | None:
    """The order by its id where that was sent, else by its client's."""
    symbol = listing.format.spec.symbol
    client_id = ids.client_id if ids.order_id is None else None
    return call.records.order(call.owner, symbol, ids.order_id, client_id)


# -- changing an order -------------------------------------------------------------------------


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """``order/cancelReplace`` as it was sent: what is cancelled, what is placed, and whether that
    is tried where cancelling failed or where the count of orders is full."""

    ids: Ids
    form: OrderForm
    goes_on: bool
    cancels_anyway: bool


def read_replacement(params: Params) -> Replacement:
    """The form of both halves; the cancel's ids have names of their own."""
    ids = read_ids(
        Params(
            (name, value)
            for name, other in _CANCEL_NAMES.items()
            if (value := params.text(other)) is not None
        ),
        named=("cancelOrigClientOrderId", "cancelOrderId"),
    )
    mode = params.text("cancelReplaceMode")
    exceeded = params.text("orderRateLimitExceededMode")
    if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
        raise not_valid("cancelReplaceMode")
    if exceeded not in (None, "DO_NOTHING", "CANCEL_ONLY"):
        raise not_valid("orderRateLimitExceededMode")
    return Replacement(
        ids=ids,
        form=order_form.read(params),
        goes_on=mode == "ALLOW_FAILURE",
        cancels_anyway=exceeded == "CANCEL_ONLY",
    )


def cancel_replace(call: Call) -> dict[str, Any]:
    """Cancel one order and place another, each with its own outcome (rest-api.md, 2026-07-21).

    The count of orders is looked at first: with ``CANCEL_ONLY`` the cancel is carried out all the
    same.
    """
    wanted: Replacement = call.form
    full: Refusal | None = None
    try:
        call.backend.counts.admit(call.owner, call.peer, call.now_ns)
    except Refusal as refusal:
        if not wanted.cancels_anyway:
            raise
        full = refusal
    canceled = _attempted(lambda: cancel(replace(call, form=wanted.ids)))
    placed: Any = None
    if full is not None:
        placed = full
    elif wanted.goes_on or not isinstance(canceled, Refusal):
        placed = _attempted(lambda: place(replace(call, form=wanted.form)))
    outcomes = [_outcome(canceled), _outcome(placed)]
    answer = {
        "cancelResult": outcomes[0],
        "newOrderResult": outcomes[1],
        "cancelResponse": canceled.body() if isinstance(canceled, Refusal) else canceled,
        "newOrderResponse": placed.body() if isinstance(placed, Refusal) else placed,
    }
    if outcomes == ["SUCCESS", "SUCCESS"]:
        return answer
    code, text, status = _PARTLY_FAILED if "SUCCESS" in outcomes else _FAILED
    status = 429 if full is not None else status
    raise Refusal(code, text, status=status, data=answer)


def _attempted(work: Callable[[], dict[str, Any]]) -> dict[str, Any] | Refusal:
    try:
        return work()
    except Refusal as refusal:
        return refusal


def _outcome(answer: Any) -> str:
    if answer is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if isinstance(answer, Refusal) else "SUCCESS"


def read_amendment(params: Params) -> tuple[Ids, Decimal]:
    """Which order, and its new quantity."""
    ids = read_ids(params)
    quantity = params.amount("newQty")
    if not quantity:
        raise not_valid("newQty")
    return ids, quantity


def amend(call: Call) -> dict[str, Any]:
    """Reduce an open order's quantity; it keeps its place in the queue (FAQ "Order Amend Keep
    Priority" and rest-api.md, 2026-07-21).

    The documentation says that an amendment may expire an order, but not when: a quantity that is
    filled already is refused here.
    """
    ids, quantity = call.form
    accounts, listing = call.accounts, call.catalogue.named(ids.symbol)
    spec, found = listing.format.spec, _found(call, listing, ids)
    if found is None or not found.open:
        raise Refusal(*UNKNOWN)
    if quantity % spec.lot or quantity < spec.lot:
        raise Refusal(-1013, "Filter failure: LOT_SIZE")
    lots = int(quantity / spec.lot)
    if lots == found.quantity:
        raise Refusal(-2038, "The requested action would change no state; rejecting.")
    if lots > found.quantity:
        raise Refusal(-2038, "Order amend (quantity increase) is not supported.")
    state, events = accounts.amend(
        call.owner,
        spec.symbol,
        found.id,
        lots,
        ids.cancel_id or call.gateway.new_id(),
        now_ns=call.now_ns,
    )
    if state is None:
        raise Refusal(-2038, "The requested action would change no state; rejecting.")
    if isinstance(state, Rejection):
        raise Refusal(-2038, _REJECTED[state.reason])
    number = next(event.execution_id for event in events if isinstance(event, Executed))
    before = found.request.client_order_id
    return _writer(call, listing.format).amended(state, before, number)


# -- several orders ----------------------------------------------------------------------------


def cancel_all(call: Call) -> list[dict[str, Any]]:
    """Take all orders of one symbol out of the book."""
    listing = call.catalogue.named(call.form)
    states, _ = call.records.cancel_all(
        call.owner, listing.format.spec.symbol, call.now_ns, cancel_id=call.gateway.new_id()
    )
    if not states:
        raise Refusal(*UNKNOWN)
    writer = _writer(call, listing.format)
    return [writer.canceled(state) for state in states]


def open_orders(call: Call) -> list[dict[str, Any]]:
    """Open orders of one symbol, or of all."""
    wanted = None if call.form is None else call.catalogue.named(call.form).format.spec.symbol
    return [
        _writer(call, call.catalogue.by_symbol[order.request.symbol].format).queried(order)
        for order in call.records.orders(call.owner, wanted, open_only=True)
    ]


def all_orders(call: Call) -> list[dict[str, Any]]:
    """Orders of one symbol, open and closed."""
    wanted: Range = call.form
    listing = call.catalogue.named(wanted.symbol)
    rows = [
        order
        for order in call.records.orders(call.owner, listing.format.spec.symbol)
        if wanted.within(order.created_ns)
        and (wanted.order_id is None or order.id >= wanted.order_id)
    ]
    forward = wanted.order_id is not None or wanted.start_ns is not None
    writer = _writer(call, listing.format)
    return [writer.queried(order) for order in wanted.cut(rows, forward=forward)]


_SYMBOL = ("symbol",)
_IDS = ("symbol", "orderId", "origClientOrderId")
_CANCEL_NAMES = {
    "symbol": "symbol",
    "orderId": "cancelOrderId",
    "origClientOrderId": "cancelOrigClientOrderId",
    "newClientOrderId": "cancelNewClientOrderId",
    "cancelRestrictions": "cancelRestrictions",
}
"""A cancel's parameters, and what ``order/cancelReplace`` calls them."""
ENDPOINTS = (
    Endpoint(
        "order",
        place,
        verb="POST",
        method="order.place",
        allowed=order_form.ALLOWED,
        mandatory=order_form.MANDATORY,
        read=order_form.read,
        signed=True,
        trade=True,
        free=True,
        places=True,
    ),
    Endpoint(
        "order/test",
        test,
        verb="POST",
        method="order.test",
        cost=lambda params: 20 if params.text("computeCommissionRates") == "true" else 1,
        allowed=(*order_form.ALLOWED, "computeCommissionRates"),
        mandatory=order_form.MANDATORY,
        read=order_form.read,
        signed=True,
        trade=True,
    ),
    Endpoint(
        "order",
        cancel,
        verb="DELETE",
        method="order.cancel",
        allowed=(*_IDS, "newClientOrderId", "cancelRestrictions"),
        mandatory=_SYMBOL,
        read=read_ids,
        signed=True,
        trade=True,
        free=True,
    ),
    Endpoint(
        "order/cancelReplace",
        cancel_replace,
        verb="POST",
        method="order.cancelReplace",
        allowed=(
            *order_form.ALLOWED,
            *(name for name in _CANCEL_NAMES.values() if name != "symbol"),
            "cancelReplaceMode",
            "orderRateLimitExceededMode",
        ),
        mandatory=(*order_form.MANDATORY, "cancelReplaceMode"),
        read=read_replacement,
        signed=True,
        trade=True,
        free=True,
        shows_orders=True,
    ),
    Endpoint(
        "order/amend/keepPriority",
        amend,
        verb="PUT",
        method="order.amend.keepPriority",
        cost=4,
        allowed=(*_IDS, "newClientOrderId", "newQty"),
        mandatory=("symbol", "newQty"),
        read=read_amendment,
        signed=True,
        trade=True,
    ),
    Endpoint(
        "openOrders",
        cancel_all,
        verb="DELETE",
        method="openOrders.cancelAll",
        allowed=_SYMBOL,
        mandatory=_SYMBOL,
        read=read_symbol,
        signed=True,
        trade=True,
        free=True,
    ),
    Endpoint(
        "order",
        status,
        method="order.status",
        cost=4,
        allowed=_IDS,
        mandatory=_SYMBOL,
        read=read_ids,
        signed=True,
    ),
    Endpoint(
        "openOrders",
        open_orders,
        method="openOrders.status",
        cost=lambda params: 6 if params.has("symbol") else 80,
        allowed=_SYMBOL,
        read=read_symbol,
        signed=True,
    ),
    Endpoint(
        "allOrders",
        all_orders,
        cost=20,
        allowed=("symbol", "orderId", "startTime", "endTime", "limit"),
        mandatory=_SYMBOL,
        read=read_range,
        signed=True,
    ),
)
