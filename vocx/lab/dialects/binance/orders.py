"""Order entry, cancelling and queries (rest-api.md and web-socket-api.md, 2026-07-21)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from vocx.lab.accounts.accounts import Rejection
from vocx.lab.dialects.binance import filters, order_form
from vocx.lab.dialects.binance.calls import flat
from vocx.lab.dialects.binance.catalogue import Listing
from vocx.lab.dialects.binance.commission import rates_for_order
from vocx.lab.dialects.binance.office import SignedCall, SignedEndpoint
from vocx.lab.dialects.binance.order_form import OrderForm, neither
from vocx.lab.dialects.binance.params import Params
from vocx.lab.dialects.binance.wire import NS_PER_MS, NS_PER_S, Refusal
from vocx.lab.events import Executed, NewOrder, OrderState

_TYPES: dict[str, Literal["limit", "market", "limit_maker"]] = {
    "LIMIT": "limit",
    "MARKET": "market",
    "LIMIT_MAKER": "limit_maker",
}
_REJECTED = {
    "insufficient_balance": "Account has insufficient balance for requested action.",
    "duplicate_client_order_id": "Duplicate order sent.",
    "would_match": "Order would immediately match and take.",
    "no_liquidity": "Order book liquidity is less than LOT_SIZE filter minimum quantity.",
}
UNKNOWN = Refusal(-2011, "Unknown order sent.")
NO_ORDER = Refusal(-2013, "Order does not exist.")
DAY_NS = 24 * 3600 * NS_PER_S


# -- placing -----------------------------------------------------------------------------------


def place(call: SignedCall) -> dict[str, Any]:
    """Take an order in."""
    form: OrderForm = call.form
    accounts = call.office.market()
    listing = call.catalogue.named(form.symbol)
    order = _checked(call, listing)
    state, events = accounts.place(order, call.now_ns)
    if isinstance(state, Rejection):
        raise Refusal(-2010, _REJECTED[state.reason])
    call.office.strategies.keep(state, form.marks)
    call.office.counts.accepted(call.owner, call.now_ns)
    call.office.changed(events, call.now_ns)
    fills = [
        event
        for event in events
        if isinstance(event, Executed) and event.order.id == state.id and event.owner == call.owner
    ]
    return call.writer(listing.numbers).placed(state, form.response, fills)


def test(call: SignedCall) -> dict[str, Any]:
    """Check an order as far as the engine, which does not see it."""
    listing = call.catalogue.named(call.form.symbol)
    accounts = call.office.market()
    _checked(call, listing)
    return rates_for_order(accounts.rates(call.owner)) if call.form.rates else {}


def _checked(call: SignedCall, listing: Listing) -> NewOrder:
    """The order as the engine takes it, after everything but the engine's own checks."""
    form: OrderForm = call.form
    _check_offered(form)
    order_form.check_precision(call.params)
    spec = listing.numbers.spec
    accounts = call.office.market()
    wanted = filters.Wanted(
        side=form.side,
        price=form.price,
        quantity=form.quantity,
        quote=form.quote,
        open_orders=accounts.open_count(call.owner, spec.symbol),
    )
    filters.check(listing, wanted, call.now_ns)
    return NewOrder(
        owner=call.owner,
        symbol=spec.symbol,
        side=form.side,
        type=_TYPES[form.kind],
        time_in_force=form.rule,
        price=int((form.price or 0) / spec.tick),
        quantity=int((form.quantity or 0) / spec.lot),
        quote=form.quote or filters.NOTHING,
        client_order_id=form.client_id or call.office.new_id(),
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


def read_ids(params: Params) -> Ids:
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
        raise neither("origClientOrderId", "orderId")
    return ids


def cancel(call: SignedCall) -> dict[str, Any]:
    """Take one order out of the book."""
    ids: Ids = call.form
    listing = call.catalogue.named(ids.symbol)
    found = _found(call, listing, ids)
    if call.accounts is None or found is None or not found.open:
        raise UNKNOWN
    if ids.client_id is not None and found.request.client_order_id != ids.client_id:
        raise UNKNOWN
    needed = {"ONLY_NEW": "new", "ONLY_PARTIALLY_FILLED": "partially_filled"}
    if ids.restriction is not None and found.status != needed[ids.restriction]:
        raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")
    state, events = call.accounts.cancel(
        call.owner,
        found.request.symbol,
        found.id,
        cancel_id=ids.cancel_id or call.office.new_id(),
        now_ns=call.now_ns,
    )
    assert state is not None, "it was open"
    call.office.changed(events, call.now_ns)
    return call.writer(listing.numbers).canceled(state)


def status(call: SignedCall) -> dict[str, Any]:
    """One order as it stands."""
    ids: Ids = call.form
    listing = call.catalogue.named(ids.symbol)
    found = _found(call, listing, ids)
    if found is None:
        raise NO_ORDER
    named = (found.request.client_order_id, found.cancel_id)
    if ids.client_id is not None and ids.client_id not in named:
        raise Refusal(-2039, "Client order ID is not correct for this order ID.")
    return call.writer(listing.numbers).queried(found)


def _found(call: SignedCall, listing: Listing, ids: Ids) -> OrderState | None:
    """The order by its id where that was sent, else by its client's."""
    if call.accounts is None:
        return None
    symbol = listing.numbers.spec.symbol
    client_id = ids.client_id if ids.order_id is None else None
    return call.accounts.order(call.owner, symbol, ids.order_id, client_id)


# -- several orders ----------------------------------------------------------------------------


def read_symbol(params: Params) -> str | None:
    return params.symbol()


def cancel_all(call: SignedCall) -> list[dict[str, Any]]:
    """Take all orders of one symbol out of the book."""
    listing = call.catalogue.named(call.form)
    if call.accounts is None:
        raise UNKNOWN
    states, events = call.accounts.cancel_all(
        call.owner, listing.numbers.spec.symbol, call.now_ns, cancel_id=call.office.new_id()
    )
    if not states:
        raise UNKNOWN
    call.office.changed(events, call.now_ns)
    writer = call.writer(listing.numbers)
    return [writer.canceled(state) for state in states]


def open_orders(call: SignedCall) -> list[dict[str, Any]]:
    """Open orders of one symbol, or of all."""
    wanted = None if call.form is None else call.catalogue.named(call.form).numbers.spec.symbol
    if call.accounts is None:
        return []
    return [
        call.writer(call.catalogue.by_symbol[order.request.symbol].numbers).queried(order)
        for order in call.accounts.orders(call.owner, wanted, open_only=True)
    ]


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders or fills: from an id on, within times, at most so many."""

    symbol: str
    order_id: int | None
    from_id: int | None
    start_ns: int | None
    end_ns: int | None
    limit: int

    def cut(self, rows: list[Any], *, forward: bool) -> list[Any]:
        """The oldest rows where a beginning was named, else the newest."""
        return rows[: self.limit] if forward else rows[-self.limit :]

    def within(self, at_ns: int) -> bool:
        """Both bounds are inclusive to the end of their millisecond."""
        after = self.start_ns is None or at_ns >= self.start_ns
        return after and (self.end_ns is None or at_ns < self.end_ns + NS_PER_MS)


def read_range(params: Params) -> Range:
    symbol = params.symbol()
    assert symbol is not None, "symbol is mandatory"
    found = Range(
        symbol=symbol,
        order_id=params.number("orderId"),
        from_id=params.number("fromId"),
        start_ns=params.time_ns("startTime"),
        end_ns=params.time_ns("endTime"),
        limit=params.limit(500, 1000),
    )
    if found.start_ns is not None and found.end_ns is not None:
        if found.end_ns - found.start_ns > DAY_NS:
            raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    return found


def all_orders(call: SignedCall) -> list[dict[str, Any]]:
    """Orders of one symbol, open and closed."""
    wanted: Range = call.form
    listing = call.catalogue.named(wanted.symbol)
    if call.accounts is None:
        return []
    rows = [
        order
        for order in call.accounts.orders(call.owner, listing.numbers.spec.symbol)
        if wanted.within(order.created_ns)
        and (wanted.order_id is None or order.id >= wanted.order_id)
    ]
    forward = wanted.order_id is not None or wanted.start_ns is not None
    writer = call.writer(listing.numbers)
    return [writer.queried(order) for order in wanted.cut(rows, forward=forward)]


def _by_symbol(one: int, all_of_them: int) -> Any:
    return lambda params: one if params.has("symbol") else all_of_them


_SYMBOL = ("symbol",)
_IDS = ("symbol", "orderId", "origClientOrderId")
ENDPOINTS = (
    SignedEndpoint(
        path="order",
        verb="POST",
        method="order.place",
        answer=place,
        form=order_form.read,
        weight=flat(1),
        allowed=order_form.ALLOWED,
        mandatory=order_form.MANDATORY,
        trade=True,
        free=True,
        places=True,
    ),
    SignedEndpoint(
        path="order/test",
        verb="POST",
        method="order.test",
        answer=test,
        form=order_form.read,
        weight=lambda params: 20 if params.text("computeCommissionRates") == "true" else 1,
        allowed=(*order_form.ALLOWED, "computeCommissionRates"),
        mandatory=order_form.MANDATORY,
        trade=True,
    ),
    SignedEndpoint(
        path="order",
        verb="DELETE",
        method="order.cancel",
        answer=cancel,
        form=read_ids,
        weight=flat(1),
        allowed=(*_IDS, "newClientOrderId", "cancelRestrictions"),
        mandatory=_SYMBOL,
        trade=True,
        free=True,
    ),
    SignedEndpoint(
        path="openOrders",
        verb="DELETE",
        method="openOrders.cancelAll",
        answer=cancel_all,
        form=read_symbol,
        weight=flat(1),
        allowed=_SYMBOL,
        mandatory=_SYMBOL,
        trade=True,
        free=True,
    ),
    SignedEndpoint(
        path="order",
        method="order.status",
        answer=status,
        form=read_ids,
        weight=flat(4),
        allowed=_IDS,
        mandatory=_SYMBOL,
    ),
    SignedEndpoint(
        path="openOrders",
        method="openOrders.status",
        answer=open_orders,
        form=read_symbol,
        weight=_by_symbol(6, 80),
        allowed=_SYMBOL,
    ),
    SignedEndpoint(
        path="allOrders",
        method="allOrders",
        answer=all_orders,
        form=read_range,
        weight=flat(20),
        allowed=("symbol", "orderId", "startTime", "endTime", "limit"),
        mandatory=_SYMBOL,
    ),
)
