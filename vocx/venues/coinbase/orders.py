"""Coinbase's signed calls: orders and the account, by REST only.

From the Advanced Trade reference (2026-09). What differs from most venues:

* A placement is acknowledged; repeated under the same client order id it answers with the first
  order instead of placing another.
* There is no partially filled state: an open order has a filled size.
* One cancels by the venue's id only, in batches, and success means that the request was taken.
* Money amounts and fees are in quote, a buy pays its fee on top.
* There is no order entry by socket, and no balance on one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urlencode

import msgspec
from msgspec.structs import asdict

from vocx.errors import BadInput, OrderNotFound, VocxError
from vocx.facts import (
    Balance,
    Facts,
    Fill,
    Order,
    OrderAck,
    OrderStatus,
    OrderType,
    TimeInForce,
    aware,
)
from vocx.venues.base import (
    AmendOrder,
    Answer,
    CancelAll,
    CancelAllAfter,
    CancelOrder,
    CancelOrders,
    GetBalances,
    GetFills,
    GetOpenOrders,
    GetOrder,
    Intent,
    PlaceOrder,
    Request,
    order_result,
)
from vocx.venues.base.adapter import ClientOrderIds
from vocx.venues.base.calls import check_all_cancelled, json_post
from vocx.venues.base.checks import (
    check_amendment,
    check_batch,
    check_fills,
    check_order_named,
    refuse_timer,
)
from vocx.venues.base.reading import (
    LONGEST_TEXT,
    amount,
    check_match,
    one_of,
    optional_number,
)
from vocx.venues.base.spelling import dashed_symbol, split_dashed
from vocx.venues.base.tables import CallTable
from vocx.venues.coinbase.errors import VENUE, cancel_error
from vocx.venues.coinbase.market import SIDES, time_ns

_PAGE, CANCELS = 100, 100
_ZERO = Decimal(0)
STATES: Mapping[str, OrderStatus] = {
    **dict.fromkeys(("PENDING", "QUEUED", "OPEN", "EDIT_QUEUED", "CANCEL_QUEUED"), "new"),
    "FILLED": "filled",
    "CANCELLED": "canceled",
    "EXPIRED": "expired",
    "FAILED": "rejected",
}
IN_FORCE: Mapping[str, TimeInForce] = {
    "GOOD_UNTIL_CANCELLED": "GTC",
    "GOOD_UNTIL_DATE_TIME": "GTC",
    "IMMEDIATE_OR_CANCEL": "IOC",
    "FILL_OR_KILL": "FOK",
}


class FindOrder(GetOrder, frozen=True, kw_only=True):
    """An order by the client's id: Coinbase finds orders by its own only, so they are listed.

    ``action`` says what is done with the id once it is found: ``""``, ``"cancel"`` or ``"amend"``.
    """

    cursor: str = ""
    action: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None


class EditOrder(Intent, frozen=True, kw_only=True):
    """An edit with everything that it must repeat, because both price and size are sent."""

    symbol: str
    id: str
    client_order_id: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    ready: bool = False


class CancelBatch(CancelAll, frozen=True, kw_only=True):
    """Ids to cancel; ``cursor``: a page of open orders follows; ``refused``: why, by the ids that
    could not be cancelled before."""

    ids: tuple[str, ...]
    cursor: str | None = None
    refused: Mapping[str, str] = {}


class CancelNamed(CancelOrders, frozen=True, kw_only=True):
    """Several orders to cancel, of which some are named by the client's id: open orders are
    listed until all are ``known`` by the venue's, or all were seen."""

    known: Mapping[str, str] = {}
    cursor: str = ""

    def known_id(self, order: CancelOrder) -> str | None:
        """The venue's id of one of them, as far as it is known."""
        return self.known.get(order.client_order_id or "") if order.id is None else str(order.id)


class OpenOrdersPage(GetOpenOrders, frozen=True, kw_only=True):
    """A page of open orders; ``cancel``: they are listed to be cancelled."""

    cursor: str = ""
    cancel: bool = False
    refused: Mapping[str, str] = {}


class FillsPage(GetFills, frozen=True, kw_only=True):
    """The page of fills behind a cursor."""

    cursor: str


class BalancesPage(GetBalances, frozen=True, kw_only=True):
    """The page of accounts behind a cursor."""

    cursor: str


def _get(intent: Intent, path: str, parameters: Mapping[str, Any]) -> Request:
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    query = "?" + urlencode(given) if given else ""
    return Request(
        intent=intent,
        method="GET",
        target=f"/api/v3/brokerage/{path}{query}",
        charges={"private": 1},
        signed=True,
    )


def _post(intent: Intent, path: str, body: Any, *, safe: bool = False) -> Request:
    return json_post(intent, f"/api/v3/brokerage/{path}", body, {"private": 1}, safe=safe)


def _configuration(intent: PlaceOrder) -> dict[str, dict[str, Any]]:
    if intent.type == "market":
        if intent.quote_quantity is not None:
            return {"market_market_ioc": {"quote_size": f"{intent.quote_quantity:f}"}}
        return {"market_market_ioc": {"base_size": f"{intent.quantity:f}"}}
    sizes: dict[str, Any] = {
        "base_size": f"{intent.quantity:f}",
        "limit_price": f"{intent.price:f}",
    }
    if intent.time_in_force == "IOC":
        return {"sor_limit_ioc": sizes}
    if intent.time_in_force == "FOK":
        return {"limit_limit_fok": sizes}
    return {"limit_limit_gtc": {**sizes, "post_only": intent.type == "post_only"}}


CLIENT_ORDER_IDS = ClientOrderIds(
    "coinbase", "vocx-", "[!-~]{1,64}", "1 to 64 letters, digits, dashes and the like"
)
"""The alphabet is not documented: printable ASCII without blanks was seen, up to 41."""


def _place(intent: PlaceOrder) -> Request:
    CLIENT_ORDER_IDS.check(intent.client_order_id)
    body = {
        "client_order_id": intent.client_order_id,
        "product_id": dashed_symbol(intent.symbol),
        "side": intent.side.upper(),
        "order_configuration": _configuration(intent),
    }
    if not intent.test:
        return _post(intent, "orders", body)
    del body["client_order_id"]
    return _post(intent, "orders/preview", body, safe=True)


def _amend(intent: AmendOrder) -> Request:
    """An edit wants price *and* size, so what is not given is asked for first."""
    check_amendment(intent)
    if intent.id is None:
        return _find(
            FindOrder(
                symbol=intent.symbol,
                client_order_id=intent.client_order_id,
                action="amend",
                quantity=intent.quantity,
                price=intent.price,
            )
        )
    return _edit(
        EditOrder(
            symbol=intent.symbol,
            id=str(intent.id),
            quantity=intent.quantity,
            price=intent.price,
        )
    )


def _edit(intent: EditOrder) -> Request:
    if intent.quantity is None or intent.price is None:
        return _get(intent, f"orders/historical/{intent.id}", {})
    body = {
        "order_id": intent.id,
        "price": f"{intent.price:f}",
        "size": f"{intent.quantity:f}",
    }
    return _post(msgspec.structs.replace(intent, ready=True), "orders/edit", body)


def _cancel(intent: CancelOrder) -> Request:
    check_order_named(intent)
    if intent.id is None:
        return _find(
            FindOrder(symbol=intent.symbol, client_order_id=intent.client_order_id, action="cancel")
        )
    return _post(intent, "orders/batch_cancel", {"order_ids": [str(intent.id)]}, safe=True)


def _cancel_all(intent: CancelAll) -> Request:
    dashed_symbol(intent.symbol)
    return _open_orders(OpenOrdersPage(symbol=intent.symbol, cancel=True))


def _cancel_batch(intent: CancelBatch) -> Request:
    return _post(intent, "orders/batch_cancel", {"order_ids": intent.ids}, safe=True)


def _cancel_orders(intent: CancelOrders) -> Request:
    check_batch(VENUE, intent, CANCELS)
    for one in intent.orders:
        check_order_named(one)
    if all(one.id is not None for one in intent.orders):
        return _cancel_named(CancelNamed(orders=intent.orders))
    return _named_page(CancelNamed(orders=intent.orders))


def _named_page(intent: CancelNamed) -> Request:
    parameters = {"order_status": "OPEN", "limit": _PAGE, "cursor": intent.cursor}
    return _get(intent, "orders/historical/batch", parameters)


def _cancel_named(intent: CancelNamed) -> Request:
    ids = [one for one in map(intent.known_id, intent.orders) if one is not None]
    return _post(intent, "orders/batch_cancel", {"order_ids": ids}, safe=True)


def _no_timer(intent: CancelAllAfter) -> NoReturn:
    raise refuse_timer(VENUE, "an order can have an end in time there, and an account has none")


def _order(intent: GetOrder) -> Request:
    check_order_named(intent)
    if intent.id is None:
        return _find(FindOrder(symbol=intent.symbol, client_order_id=intent.client_order_id))
    return _get(intent, f"orders/historical/{intent.id}", {})


def _find(intent: FindOrder) -> Request:
    parameters = {
        "product_ids": dashed_symbol(intent.symbol),
        "limit": _PAGE,
        "cursor": intent.cursor,
    }
    return _get(intent, "orders/historical/batch", parameters)


def _open_orders(intent: GetOpenOrders) -> Request:
    parameters = {
        "order_status": "OPEN",
        "product_ids": None if intent.symbol is None else dashed_symbol(intent.symbol),
        "limit": _PAGE,
        "cursor": intent.cursor if isinstance(intent, OpenOrdersPage) else "",
    }
    return _get(intent, "orders/historical/batch", parameters)


def _fills(intent: GetFills) -> Request:
    check_fills("coinbase", intent)
    moment = aware(intent.start_ns)
    parameters = {
        "product_ids": dashed_symbol(intent.symbol),
        "order_ids": intent.order_id,
        "start_sequence_timestamp": None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "limit": _PAGE if intent.limit is None else min(intent.limit, _PAGE),
        "cursor": intent.cursor if isinstance(intent, FillsPage) else "",
    }
    return _get(intent, "orders/historical/fills", parameters)


def _balances(intent: GetBalances) -> Request:
    cursor = intent.cursor if isinstance(intent, BalancesPage) else ""
    return _get(intent, "accounts", {"limit": 250, "cursor": cursor})


# replies


class _Placed(msgspec.Struct):
    order_id: str
    client_order_id: str = ""


class _Placement(msgspec.Struct):
    success_response: _Placed


class _Preview(msgspec.Struct):
    errs: list[str] = []


def _read_placed(intent: PlaceOrder, body: bytes, arrived_ns: int) -> Answer:
    if intent.test:
        return _read_preview(intent, body, arrived_ns)
    row = _placement_of(body).success_response
    ack = OrderAck(
        symbol=intent.symbol,
        id=row.order_id,
        client_order_id=row.client_order_id or intent.client_order_id,
        arrived_ns=arrived_ns,
    )
    return Answer(result=ack)


def _read_preview(intent: PlaceOrder, body: bytes, arrived_ns: int) -> Answer:
    found = _preview_of(body)
    if found.errs:
        raise cancel_error(found.errs[0], None)
    order = Order(
        symbol=intent.symbol,
        id="",
        client_order_id=intent.client_order_id,
        side=intent.side,
        type=intent.type,
        status="tested",
        quantity=intent.quantity,
        quote_quantity=intent.quote_quantity,
        filled=_ZERO,
        filled_quote=_ZERO,
        price=intent.price,
        time_in_force=intent.time_in_force,
        arrived_ns=arrived_ns,
    )
    return Answer(result=order)


class _Result(msgspec.Struct):
    success: bool
    order_id: str
    failure_reason: str = ""


class _Results(msgspec.Struct):
    results: list[_Result]


class _MaybeResults(msgspec.Struct):
    results: list[_Result] | None = None


def _read_cancel(intent: CancelOrder, body: bytes, arrived_ns: int) -> Answer:
    (row,) = _results_of(body).results
    if not row.success:
        raise cancel_error(row.failure_reason, None)
    return Answer(result=_taken(intent.symbol, row, intent.client_order_id, arrived_ns))


def _taken(symbol: str, row: _Result, named: str | None, arrived_ns: int) -> OrderAck:
    return OrderAck(
        symbol=symbol, id=row.order_id, client_order_id=named or "", arrived_ns=arrived_ns
    )


def _read_batch(intent: CancelBatch, body: bytes, arrived_ns: int) -> Answer:
    """Those that were over before are left out."""
    rows, refused = _results_of(body).results, dict(intent.refused)
    told = {one.order_id for one in rows}
    refused |= {name: "no answer" for name in intent.ids if name not in told}
    for row in rows:
        if not row.success and not isinstance(
            cancel_error(row.failure_reason, None), OrderNotFound
        ):
            refused[row.order_id] = row.failure_reason[:LONGEST_TEXT]
    more = None
    if intent.cursor:
        page = OpenOrdersPage(
            symbol=intent.symbol, cursor=intent.cursor, cancel=True, refused=refused
        )
        more = _open_orders(page)
    else:
        check_all_cancelled(VENUE, intent.symbol, refused)
    cancelled = [one for one in rows if one.success]
    return Answer(
        result=Facts(_taken(intent.symbol, one, None, arrived_ns) for one in cancelled), next=more
    )


def _read_named(intent: CancelNamed, body: bytes, arrived_ns: int) -> Answer:
    """A page of open orders, or the results of the cancels."""
    if (rows := _maybe_results_of(body).results) is not None:
        return _read_results(intent, {one.order_id: one for one in rows}, arrived_ns)
    page = _orders_of(body)
    wanted = {one.client_order_id for one in intent.orders if one.id is None}
    known = {**intent.known}
    known |= {
        one.client_order_id: one.order_id for one in page.orders if one.client_order_id in wanted
    }
    found = CancelNamed(orders=intent.orders, known=known, cursor=page.cursor)
    if page.has_next and len(known) < len(wanted):
        return Answer(result=None, next=_named_page(found))
    if any(found.known_id(one) is not None for one in intent.orders):
        return Answer(result=None, next=_cancel_named(found))
    return _read_results(found, {}, arrived_ns)


def _read_results(intent: CancelNamed, told: Mapping[str, _Result], arrived_ns: int) -> Answer:
    results = []
    for order in intent.orders:
        name = intent.known_id(order)
        answer: OrderAck | VocxError
        if name is None:
            answer = cancel_error("ORDER_NOT_FOUND", None)
        elif name not in told:
            raise msgspec.ValidationError("a cancel with results of other orders")
        elif told[name].success:
            answer = _taken(order.symbol, told[name], order.client_order_id, arrived_ns)
        else:
            answer = cancel_error(told[name].failure_reason, None)
        results.append(order_result(order, answer, arrived_ns))
    return Answer(result=Facts(results))


class _LimitConfiguration(msgspec.Struct):
    base_size: str = ""
    quote_size: str = ""
    limit_price: str = ""
    post_only: bool = False


class OrderRow(msgspec.Struct):
    """An order by REST."""

    order_id: str
    product_id: str
    side: str
    status: str
    order_configuration: dict[str, _LimitConfiguration] = {}
    client_order_id: str = ""
    time_in_force: str = ""
    created_time: str = ""
    filled_size: str = ""
    filled_value: str = ""
    order_type: str = ""
    size_in_quote: bool = False
    last_fill_time: str | None = None
    reject_reason: str = ""
    cancel_message: str = ""


def status_of(state: str, filled: Decimal) -> OrderStatus:
    """The venue's word in ours; an open order with something filled is partially filled."""
    status = one_of(STATES, state, "an order in state")
    return "partially_filled" if status == "new" and filled else status


def order(row: OrderRow, arrived_ns: int) -> Order:
    """The order as it stands."""
    name, sizes = next(iter(row.order_configuration.items()), ("", _LimitConfiguration()))
    kind: OrderType = "limit"
    if "market" in name or row.order_type == "MARKET":
        kind = "market"
    elif sizes.post_only:
        kind = "post_only"
    filled = amount(row.filled_size)
    reason = row.cancel_message or row.reject_reason
    return Order(
        symbol=split_dashed(row.product_id) or row.product_id,
        id=row.order_id,
        client_order_id=row.client_order_id,
        side=one_of(SIDES, row.side, "a side called"),
        type=kind,
        status=status_of(row.status, filled),
        quantity=optional_number(sizes.base_size),
        quote_quantity=optional_number(sizes.quote_size),
        filled=filled,
        filled_quote=optional_number(row.filled_value) or _ZERO,
        price=optional_number(sizes.limit_price),
        time_in_force=None if kind != "limit" else IN_FORCE.get(row.time_in_force),
        created_ns=time_ns(row.created_time),
        reason=None if reason in ("", "REJECT_REASON_UNSPECIFIED") else reason,
        exchange_ns=time_ns(row.last_fill_time) or time_ns(row.created_time),
        arrived_ns=arrived_ns,
    )


class _OrderReply(msgspec.Struct):
    order: OrderRow


def _read_order(intent: GetOrder, body: bytes, arrived_ns: int) -> Answer:
    return Answer(result=order(_order_of(body).order, arrived_ns))


def _read_edit(intent: EditOrder, body: bytes, arrived_ns: int) -> Answer:
    """Either the order, whose missing half now completes the edit, or the edit's own reply, which
    names no order."""
    if intent.ready:
        if not _edited(body).success:
            raise msgspec.ValidationError("an edit that was not taken")
        ack = OrderAck(
            symbol=intent.symbol,
            id=intent.id,
            client_order_id=intent.client_order_id or "",
            arrived_ns=arrived_ns,
        )
        return Answer(result=ack)
    known = order(_order_of(body).order, arrived_ns)
    whole = msgspec.structs.replace(
        intent,
        quantity=known.quantity if intent.quantity is None else intent.quantity,
        price=known.price if intent.price is None else intent.price,
        client_order_id=known.client_order_id,
    )
    if whole.quantity is None or whole.price is None:
        raise BadInput(f"coinbase edits limit orders only, and {intent.id} is none")
    return Answer(result=None, next=_edit(whole))


class _Edited(msgspec.Struct):
    success: bool


class _Orders(msgspec.Struct):
    orders: list[OrderRow]
    has_next: bool = False
    cursor: str = ""


def _read_found(intent: FindOrder, body: bytes, arrived_ns: int) -> Answer:
    page = _orders_of(body)
    for row in page.orders:
        if row.client_order_id == intent.client_order_id:
            return _go_on(intent, row, arrived_ns)
    if page.has_next and page.cursor:
        return Answer(result=None, next=_find(msgspec.structs.replace(intent, cursor=page.cursor)))
    raise OrderNotFound(
        f"coinbase lists no order {intent.client_order_id} of {intent.symbol}", venue=VENUE
    )


def _go_on(intent: FindOrder, row: OrderRow, arrived_ns: int) -> Answer:
    if intent.action == "cancel":
        named = intent.client_order_id
        cancel = CancelOrder(symbol=intent.symbol, id=row.order_id, client_order_id=named)
        return Answer(result=None, next=_cancel(cancel))
    known = order(row, arrived_ns)
    if intent.action != "amend":
        return Answer(result=known)
    edit = EditOrder(
        symbol=intent.symbol,
        id=row.order_id,
        client_order_id=intent.client_order_id,
        quantity=known.quantity if intent.quantity is None else intent.quantity,
        price=known.price if intent.price is None else intent.price,
    )
    return Answer(result=None, next=_edit(edit))


def _read_open(intent: GetOpenOrders, body: bytes, arrived_ns: int) -> Answer:
    page = _orders_of(body)
    more = page.cursor if page.has_next else ""
    if isinstance(intent, OpenOrdersPage) and intent.cancel:
        ids = tuple(one.order_id for one in page.orders)
        symbol = intent.symbol or ""
        if not ids:
            check_all_cancelled(VENUE, symbol, intent.refused)
            return Answer(result=Facts())
        batch = CancelBatch(
            symbol=symbol, ids=ids[:CANCELS], cursor=more or None, refused=intent.refused
        )
        return Answer(result=Facts(), next=_cancel_batch(batch))
    found = Facts(order(one, arrived_ns) for one in page.orders)
    if not more:
        return Answer(result=found)
    return Answer(
        result=found, next=_open_orders(OpenOrdersPage(symbol=intent.symbol, cursor=more))
    )


class _FillRow(msgspec.Struct):
    trade_id: str
    order_id: str
    product_id: str
    price: Decimal
    size: Decimal
    side: str
    commission: str = ""
    trade_time: str = ""
    liquidity_indicator: str = ""
    size_in_quote: bool = False


class _Fills(msgspec.Struct):
    fills: list[_FillRow]
    cursor: str = ""


def _fill(row: _FillRow, arrived_ns: int) -> Fill:
    symbol = split_dashed(row.product_id) or row.product_id
    side = SIDES.get(row.side)
    if side is None or not row.price:
        raise msgspec.ValidationError("a fill without side or price")
    quantity = row.size / row.price if row.size_in_quote else row.size
    check_match(row.price, quantity)
    return Fill(
        symbol=symbol,
        id=row.trade_id,
        order_id=row.order_id,
        side=side,
        price=row.price,
        quantity=quantity,
        fee=optional_number(row.commission) or _ZERO,
        fee_asset=symbol.partition("/")[2] or None,
        maker=row.liquidity_indicator == "MAKER",
        exchange_ns=time_ns(row.trade_time),
        arrived_ns=arrived_ns,
    )


def _read_fills(intent: GetFills, body: bytes, arrived_ns: int) -> Answer:
    """Newest first on the wire; the end is an empty cursor."""
    page = _fills_of(body)
    found = Facts(_fill(one, arrived_ns) for one in reversed(page.fills))
    left = None if intent.limit is None else intent.limit - len(found)
    if not page.cursor or not page.fills or (left is not None and left <= 0):
        return Answer(result=found, older=True)
    more = FillsPage(**{**asdict(intent), "limit": left, "cursor": page.cursor})
    return Answer(result=found, next=_fills(more), older=True)


class _Amount(msgspec.Struct):
    value: str = "0"


_NOTHING = _Amount()


class _Account(msgspec.Struct):
    currency: str
    available_balance: _Amount | None = None
    hold: _Amount | None = None
    updated_at: str | None = None


class _Accounts(msgspec.Struct):
    accounts: list[_Account]
    has_next: bool = False
    cursor: str = ""


def _read_balances(_: GetBalances, body: bytes, arrived_ns: int) -> Answer:
    page = _accounts_of(body)
    found = Facts(
        Balance(
            asset=one.currency,
            free=optional_number((one.available_balance or _NOTHING).value) or _ZERO,
            locked=amount((one.hold or _NOTHING).value),
            exchange_ns=time_ns(one.updated_at),
            arrived_ns=arrived_ns,
        )
        for one in page.accounts
    )
    if not (page.has_next and page.cursor):
        return Answer(result=found)
    return Answer(result=found, next=_balances(BalancesPage(cursor=page.cursor)))


_placement_of = msgspec.json.Decoder(_Placement).decode
_preview_of = msgspec.json.Decoder(_Preview).decode
_results_of = msgspec.json.Decoder(_Results).decode
_maybe_results_of = msgspec.json.Decoder(_MaybeResults).decode
_order_of = msgspec.json.Decoder(_OrderReply).decode
_edited = msgspec.json.Decoder(_Edited).decode
_orders_of = msgspec.json.Decoder(_Orders).decode
_fills_of = msgspec.json.Decoder(_Fills).decode
_accounts_of = msgspec.json.Decoder(_Accounts).decode

CALLS: CallTable[Request, Answer] = CallTable(
    "coinbase",
    {
        PlaceOrder: (_place, _read_placed),
        AmendOrder: (_amend, None),
        EditOrder: (_edit, _read_edit),
        CancelOrder: (_cancel, _read_cancel),
        CancelOrders: (_cancel_orders, None),
        CancelNamed: (_cancel_named, _read_named),
        CancelAll: (_cancel_all, None),
        CancelAllAfter: (_no_timer, None),
        CancelBatch: (_cancel_batch, _read_batch),
        GetOrder: (_order, _read_order),
        FindOrder: (_find, _read_found),
        GetOpenOrders: (_open_orders, _read_open),
        OpenOrdersPage: (_open_orders, _read_open),
        GetFills: (_fills, _read_fills),
        FillsPage: (_fills, _read_fills),
        GetBalances: (_balances, _read_balances),
        BalancesPage: (_balances, _read_balances),
    },
)
