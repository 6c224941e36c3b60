"""Bybit's signed calls: orders and the account, by REST and as frames of the trade socket.

From docs v5, trade and account (2026-09). An answer is an acknowledgement: the outcome comes on
the order stream, also of orders that are rejected there (post only that would take). A market
buy's size is quote unless ``marketUnit`` says otherwise, so it always does here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    Source,
    TimeInForce,
)
from vocx.symbols import split_joined
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
    PlaceOrders,
    Request,
    order_result,
)
from vocx.venues.base.adapter import ClientOrderIds
from vocx.venues.base.calls import json_post
from vocx.venues.base.checks import (
    check_amendment,
    check_batch,
    check_fills,
    check_order_named,
    refuse_test,
    refuse_timer,
)
from vocx.venues.base.reading import amount, check_match, ms_to_ns, one_of, optional_number
from vocx.venues.base.spelling import joined_symbol
from vocx.venues.base.tables import CallTable
from vocx.venues.bybit.errors import VENUE, order_error
from vocx.venues.bybit.market import MS, taker_side
from vocx.venues.bybit.signing import WINDOW_MS

BATCH, _OPEN_PAGE, _FILLS_PAGE = 10, 50, 100
_ZERO = Decimal(0)
_TYPES: Mapping[tuple[str, str], tuple[OrderType, TimeInForce | None]] = {
    ("Limit", "GTC"): ("limit", "GTC"),
    ("Limit", "IOC"): ("limit", "IOC"),
    ("Limit", "FOK"): ("limit", "FOK"),
    ("Limit", "PostOnly"): ("post_only", None),
}
_STATES: Mapping[str, OrderStatus] = {
    "New": "new",
    "Untriggered": "new",
    "Triggered": "new",
    "PartiallyFilled": "partially_filled",
    "Filled": "filled",
    "Cancelled": "canceled",
    "PartiallyFilledCanceled": "canceled",
    "Deactivated": "canceled",
    "Rejected": "rejected",
}
"""Both spellings, with two l and with one, are the wire's."""


class OpenOrdersPage(GetOpenOrders, frozen=True, kw_only=True):
    """The page of open orders behind a cursor."""

    cursor: str


class FillsPage(GetFills, frozen=True, kw_only=True):
    """The page of fills behind a cursor, or of the next week."""

    cursor: str | None = None


class ClosedOrder(GetOrder, frozen=True, kw_only=True):
    """An order that is not among the recent ones: asked for in the history."""


CLIENT_ORDER_IDS = ClientOrderIds(
    "bybit", "vocx-", "[A-Za-z0-9_-]{1,36}", "1 to 36 letters, digits, - and _"
)
"""Ours have 31."""


def _get(intent: Intent, path: str, parameters: Mapping[str, Any], bucket: str) -> Request:
    given = {name: value for name, value in parameters.items() if value is not None}
    cursor = given.pop("cursor", None)
    query = urlencode(given)
    if cursor is not None:
        query += f"&cursor={cursor}"  # it comes encoded, and is pasted as it is
    target = f"/v5/{path}" + (f"?{query}" if query else "")
    return Request(
        intent=intent,
        method="GET",
        target=target,
        charges={"requests": 1, bucket: 1},
        signed=True,
    )


def _post(intent: Intent, action: str, body: Any, *, safe: bool = False) -> Request:
    return json_post(intent, f"/v5/order/{action}", body, {"requests": 1, action: 1}, safe=safe)


def _named(intent: Any) -> dict[str, str]:
    """The order's id as the wire names it."""
    check_order_named(intent)
    if intent.id is not None:
        return {"orderId": str(intent.id)}
    return {"orderLinkId": intent.client_order_id or ""}


def _order_fields(intent: PlaceOrder) -> dict[str, str]:
    CLIENT_ORDER_IDS.check(intent.client_order_id)
    refuse_test("bybit", intent)
    fields = {
        "category": "spot",
        "symbol": joined_symbol(intent.symbol),
        "side": "Buy" if intent.side == "buy" else "Sell",
        "orderType": "Market" if intent.type == "market" else "Limit",
    }
    if intent.type == "market":
        by_quote = intent.quote_quantity is not None
        fields["marketUnit"] = "quoteCoin" if by_quote else "baseCoin"
        fields["qty"] = f"{intent.quote_quantity if by_quote else intent.quantity:f}"
    else:
        fields["qty"], fields["price"] = f"{intent.quantity:f}", f"{intent.price:f}"
        in_force = "PostOnly" if intent.type == "post_only" else intent.time_in_force or "GTC"
        fields["timeInForce"] = in_force
    fields["orderLinkId"] = intent.client_order_id
    return fields


def _amend_fields(intent: AmendOrder) -> dict[str, str]:
    check_amendment(intent)
    fields = {"category": "spot", "symbol": joined_symbol(intent.symbol), **_named(intent)}
    if intent.quantity is not None:
        fields["qty"] = f"{intent.quantity:f}"
    if intent.price is not None:
        fields["price"] = f"{intent.price:f}"
    return fields


def _cancel_fields(intent: CancelOrder) -> dict[str, str]:
    return {"category": "spot", "symbol": joined_symbol(intent.symbol), **_named(intent)}


def _place(intent: PlaceOrder) -> Request:
    return _post(intent, "create", _order_fields(intent))


def _amend(intent: AmendOrder) -> Request:
    return _post(intent, "amend", _amend_fields(intent))


def _cancel(intent: CancelOrder) -> Request:
    return _post(intent, "cancel", _cancel_fields(intent), safe=True)


def _batch(intent: PlaceOrders | CancelOrders, action: str, rows: list[dict[str, str]]) -> Request:
    """Several orders; each takes one of a limit that batches have for themselves."""
    check_batch(VENUE, intent, BATCH)
    for row in rows:
        del row["category"]
    bucket = f"{action}-batch"
    return json_post(
        intent,
        f"/v5/order/{bucket}",
        {"category": "spot", "request": rows},
        {"requests": 1, bucket: len(rows)},
        safe=isinstance(intent, CancelOrders),
    )


def _place_orders(intent: PlaceOrders) -> Request:
    return _batch(intent, "create", [_order_fields(one) for one in intent.orders])


def _cancel_orders(intent: CancelOrders) -> Request:
    return _batch(intent, "cancel", [_cancel_fields(one) for one in intent.orders])


def _cancel_all(intent: CancelAll) -> Request:
    body = {"category": "spot", "symbol": joined_symbol(intent.symbol)}
    return _post(intent, "cancel-all", body, safe=True)


def _no_timer(intent: CancelAllAfter) -> NoReturn:
    raise refuse_timer(
        VENUE,
        "its own begins with a lost connection, of a private socket that has subscribed to "
        "dcp.spot, which a stream of vocx does not",
    )


def _order(intent: GetOrder) -> Request:
    """Open and recent ones first; :func:`_read_order` goes on with the history."""
    parameters = {"category": "spot", "symbol": joined_symbol(intent.symbol), **_named(intent)}
    return _get(intent, "order/realtime", parameters, "realtime")


def _closed(intent: ClosedOrder) -> Request:
    parameters = {"category": "spot", "symbol": joined_symbol(intent.symbol), **_named(intent)}
    return _get(intent, "order/history", parameters, "history")


def _open_orders(intent: GetOpenOrders) -> Request:
    parameters = {
        "category": "spot",
        "symbol": None if intent.symbol is None else joined_symbol(intent.symbol),
        "openOnly": 0,
        "limit": _OPEN_PAGE,
        "cursor": intent.cursor if isinstance(intent, OpenOrdersPage) else None,
    }
    return _get(intent, "order/realtime", parameters, "realtime")


def _fills(intent: GetFills) -> Request:
    """At most a week between start and end: longer spans are asked week by week."""
    check_fills("bybit", intent)
    parameters: dict[str, Any] = {"category": "spot", "symbol": joined_symbol(intent.symbol)}
    if intent.order_id is not None:
        parameters["orderId"] = str(intent.order_id)
    elif intent.start_ns is not None:
        parameters["startTime"] = intent.start_ns // MS
    most = _FILLS_PAGE if intent.limit is None else intent.limit
    parameters["limit"] = min(most, _FILLS_PAGE)
    parameters["cursor"] = intent.cursor if isinstance(intent, FillsPage) else None
    return _get(intent, "execution/list", parameters, "execution")


def _balances(intent: GetBalances) -> Request:
    return _get(intent, "account/wallet-balance", {"accountType": "UNIFIED"}, "wallet-balance")


_BATCHES: Mapping[type[Intent], Callable[[Any], Request]] = {
    PlaceOrders: _place_orders,
    CancelOrders: _cancel_orders,
}
_OPERATIONS: Mapping[type[Intent], tuple[str, Callable[[Any], dict[str, str]]]] = {
    PlaceOrder: ("create", _order_fields),
    AmendOrder: ("amend", _amend_fields),
    CancelOrder: ("cancel", _cancel_fields),
}


def frame(intent: Intent, number: int, now_ns: int) -> Request:
    """The same as a frame of the trade socket: the session is signed for, a frame has a time."""
    if type(intent) in _BATCHES:
        request = _BATCHES[type(intent)](intent)
        (action,) = request.charges.keys() - {"requests"}
        orders, cost = msgspec.json.decode(request.body), request.charges[action]
    elif type(intent) in _OPERATIONS:
        action, fields = _OPERATIONS[type(intent)]
        orders, cost = fields(intent), 1
    else:
        raise BadInput(f"bybit takes {type(intent).__name__} by REST only")
    times = {"X-BAPI-TIMESTAMP": str(now_ns // MS), "X-BAPI-RECV-WINDOW": str(WINDOW_MS)}
    body = {
        "reqId": str(number),
        "header": times,
        "op": f"order.{action}",
        "args": [orders],
    }
    return Request(
        intent=intent,
        method=f"order.{action}",
        target="",
        body=msgspec.json.encode(body),
        charges={action: cost},
        signed=True,
        safe_to_retry=isinstance(intent, CancelOrder | CancelOrders),
    )


# replies


class _Ack(msgspec.Struct):
    orderId: str
    orderLinkId: str = ""


def _read_ack(intent: Any, result: bytes, arrived_ns: int) -> Answer:
    row = _ack_of(result)
    if not row.orderId:
        raise msgspec.ValidationError("an acknowledgement without an order id")
    return Answer(result=_acknowledged(intent.symbol, row, intent.client_order_id, arrived_ns))


def _acknowledged(symbol: str, row: _Ack, named: str | None, arrived_ns: int) -> OrderAck:
    return OrderAck(
        symbol=symbol,
        id=row.orderId,
        client_order_id=row.orderLinkId or named or "",
        arrived_ns=arrived_ns,
    )


class _Acks(msgspec.Struct):
    rows: list[_Ack] = msgspec.field(name="list")


def _read_acks(intent: CancelAll, result: bytes, arrived_ns: int) -> Answer:
    rows = _acks_of(result).rows
    return Answer(result=Facts(_acknowledged(intent.symbol, one, None, arrived_ns) for one in rows))


class _Said(msgspec.Struct):
    code: int
    msg: str = ""


class _SaidOfAll(msgspec.Struct):
    rows: list[_Said] = msgspec.field(name="list")


class _Batch(msgspec.Struct):
    result: _Acks
    retExtInfo: _SaidOfAll


def _read_batch(intent: PlaceOrders | CancelOrders, reply: bytes, arrived_ns: int) -> Answer:
    """Two lists of one order: what was made, and a code for each."""
    found = _batch_of(reply)
    made, said = found.result.rows, found.retExtInfo.rows
    orders: Sequence[PlaceOrder | CancelOrder] = intent.orders
    if not len(made) == len(said) == len(orders):
        raise msgspec.ValidationError("a batch with results of other orders")
    results = []
    for order, ack, one in zip(orders, made, said, strict=True):
        answer: OrderAck | VocxError
        if one.code:
            answer = order_error(order, one.code, one.msg)
        elif ack.orderId:
            answer = _acknowledged(order.symbol, ack, order.client_order_id, arrived_ns)
        else:
            raise msgspec.ValidationError("an acknowledgement without an order id")
        results.append(order_result(order, answer, arrived_ns))
    return Answer(result=Facts(results))


class OrderRow(msgspec.Struct):
    """An order, by REST and by stream: cumulative, never an increment."""

    symbol: str
    orderId: str
    side: str
    orderType: str
    orderStatus: str
    qty: str
    orderLinkId: str = ""
    category: str = "spot"
    price: str = ""
    timeInForce: str = ""
    marketUnit: str = ""
    cumExecQty: str = ""
    cumExecValue: str = ""
    cancelType: str = ""
    rejectReason: str = ""
    createdTime: str = ""
    updatedTime: str = ""


def order(
    row: OrderRow, source: Source, arrived_ns: int, known: Iterable[str | None] = ()
) -> Order:
    """The order as it stands; ``known`` symbols tell of what.

    A market buy by quote that ends "partially filled, canceled" has spent what could be spent: the
    last fraction buys no whole step.
    """
    state = one_of(_STATES, row.orderStatus, "an order in state")
    kind, in_force = _TYPES.get((row.orderType, row.timeInForce), ("market", None))
    by_quote = kind == "market" and row.marketUnit == "quoteCoin"
    size, price = optional_number(row.qty), optional_number(row.price)
    reason = row.rejectReason if row.rejectReason not in ("", "EC_NoError") else None
    return Order(
        symbol=split_joined(row.symbol, known) or row.symbol,
        id=row.orderId,
        client_order_id=row.orderLinkId,
        side=taker_side(row.side),
        type=kind,
        status=state,
        quantity=None if by_quote else size,
        quote_quantity=size if by_quote else None,
        filled=amount(row.cumExecQty),
        filled_quote=optional_number(row.cumExecValue) or _ZERO,
        price=price if price and kind != "market" else None,
        time_in_force=in_force,
        created_ns=ms_to_ns(row.createdTime),
        reason=None if reason == "EC_PerCancelRequest" else reason,
        source=source,
        exchange_ns=ms_to_ns(row.updatedTime),
        arrived_ns=arrived_ns,
    )


class _Orders(msgspec.Struct):
    rows: list[OrderRow] = msgspec.field(name="list")
    nextPageCursor: str = ""


def _read_order(intent: GetOrder, result: bytes, arrived_ns: int) -> Answer:
    """An empty list is no answer yet: closed orders move to the history."""
    rows = _orders_of(result).rows
    if rows:
        return Answer(result=order(rows[0], "rest", arrived_ns, (intent.symbol,)))
    if isinstance(intent, ClosedOrder):
        raise OrderNotFound(
            f"bybit has no order {intent.id or intent.client_order_id} of {intent.symbol}: the "
            "list is empty",
            venue=VENUE,
        )
    return Answer(result=None, next=_closed(ClosedOrder(**asdict(intent))))


def _read_open(intent: GetOpenOrders, result: bytes, arrived_ns: int) -> Answer:
    page = _orders_of(result)
    found = Facts(order(one, "rest", arrived_ns, (intent.symbol,)) for one in page.rows)
    if not page.rows or not page.nextPageCursor:
        return Answer(result=found)
    more = OpenOrdersPage(symbol=intent.symbol, cursor=page.nextPageCursor)
    return Answer(result=found, next=_open_orders(more))


class FillRow(msgspec.Struct):
    """An execution, by REST and by stream."""

    symbol: str
    execId: str
    orderId: str
    side: str
    execPrice: Decimal
    execQty: Decimal
    orderLinkId: str = ""
    category: str = "spot"
    execType: str = "Trade"
    execFee: str = ""
    feeCurrency: str = ""
    isMaker: bool = False
    execTime: str = ""


def fill(row: FillRow, source: Source, arrived_ns: int, known: Iterable[str | None] = ()) -> Fill:
    """One match; ``known`` symbols tell of what. A negative fee is a rebate."""
    check_match(row.execPrice, row.execQty)
    return Fill(
        symbol=split_joined(row.symbol, known) or row.symbol,
        id=row.execId,
        order_id=row.orderId,
        side=taker_side(row.side),
        price=row.execPrice,
        quantity=row.execQty,
        fee=optional_number(row.execFee) or _ZERO,
        fee_asset=row.feeCurrency or None,
        maker=row.isMaker,
        client_order_id=row.orderLinkId or None,
        source=source,
        exchange_ns=ms_to_ns(row.execTime),
        arrived_ns=arrived_ns,
    )


class _Fills(msgspec.Struct):
    rows: list[FillRow] = msgspec.field(name="list")
    nextPageCursor: str = ""


def _read_fills(intent: GetFills, result: bytes, arrived_ns: int) -> Answer:
    """Newest first on the wire; pages go back in time."""
    page = _fills_of(result)
    rows = [one for one in page.rows if one.execType == "Trade"]
    found = Facts(fill(one, "rest", arrived_ns, (intent.symbol,)) for one in reversed(rows))
    left = None if intent.limit is None else intent.limit - len(page.rows)
    if not page.rows or not page.nextPageCursor or (left is not None and left <= 0):
        return Answer(result=found, older=True)
    more = FillsPage(**{**asdict(intent), "limit": left, "cursor": page.nextPageCursor})
    return Answer(result=found, next=_fills(more), older=True)


class CoinRow(msgspec.Struct):
    """What an account has of one currency."""

    coin: str
    walletBalance: str = "0"
    locked: str = "0"


class AccountRow(msgspec.Struct):
    """One account of a wallet."""

    coin: list[CoinRow]


class _Wallet(msgspec.Struct):
    rows: list[AccountRow] = msgspec.field(name="list")


def balance(row: CoinRow, source: Source, exchange_ns: int | None, arrived_ns: int) -> Balance:
    """``free`` is the wallet less what open orders lock; the wire's own field is not filled any
    more (2025-01-09)."""
    whole, held = optional_number(row.walletBalance) or _ZERO, amount(row.locked)
    return Balance(
        asset=row.coin,
        free=whole - held,
        locked=held,
        source=source,
        exchange_ns=exchange_ns,
        arrived_ns=arrived_ns,
    )


def _read_balances(_: GetBalances, result: bytes, arrived_ns: int) -> Answer:
    rows = [one for account in _wallet_of(result).rows for one in account.coin]
    return Answer(result=Facts(balance(one, "rest", None, arrived_ns) for one in rows))


_ack_of = msgspec.json.Decoder(_Ack).decode
_batch_of = msgspec.json.Decoder(_Batch).decode
_acks_of = msgspec.json.Decoder(_Acks).decode
_orders_of = msgspec.json.Decoder(_Orders).decode
_fills_of = msgspec.json.Decoder(_Fills).decode
_wallet_of = msgspec.json.Decoder(_Wallet).decode

CALLS: CallTable[Request, Answer] = CallTable(
    "bybit",
    {
        PlaceOrder: (_place, _read_ack),
        AmendOrder: (_amend, _read_ack),
        CancelOrder: (_cancel, _read_ack),
        PlaceOrders: (_place_orders, _read_batch),
        CancelOrders: (_cancel_orders, _read_batch),
        CancelAll: (_cancel_all, _read_acks),
        CancelAllAfter: (_no_timer, None),
        GetOrder: (_order, _read_order),
        ClosedOrder: (_closed, _read_order),
        GetOpenOrders: (_open_orders, _read_open),
        OpenOrdersPage: (_open_orders, _read_open),
        GetFills: (_fills, _read_fills),
        FillsPage: (_fills, _read_fills),
        GetBalances: (_balances, _read_balances),
    },
)
