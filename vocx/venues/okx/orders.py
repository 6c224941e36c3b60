"""OKX's signed calls: orders and the account, by REST and as frames of the private socket.

From docs-v5, order book trading and account (2026-07-28). What differs from most venues:

* An answer to a placement, a change or a cancel is an *acknowledgement*: what became of the order
  comes on the ``orders`` channel, or must be asked.
* A market order's size is quote for a buy and base for a sell unless ``tgtCcy`` says otherwise,
  so it always does here.
* There is no cancel-all for spot: open orders are listed and cancelled in batches of twenty.
* By socket the instrument is a number (``instIdCode``, since 2026-03-26).
* Fees are negative when they are charged, in the currency that was received.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec.structs import asdict, replace

from vocx.errors import BadInput, OrderNotFound, VocxError
from vocx.facts import (
    Balance,
    CancelTimer,
    Facts,
    Fill,
    Order,
    OrderAck,
    OrderStatus,
    OrderType,
    Side,
    Source,
    TimeInForce,
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
    PlaceOrders,
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
    refuse_test,
)
from vocx.venues.base.reading import (
    LONGEST_TEXT,
    amount,
    check_match,
    check_numbers,
    ms_to_ns,
    one_of,
    optional_number,
)
from vocx.venues.base.spelling import dashed_symbol, split_dashed
from vocx.venues.base.tables import CallTable
from vocx.venues.okx.errors import VENUE, Item, order_error
from vocx.venues.okx.market import trade_id

BATCH, PAGE = 20, 100
SHORTEST_S, LONGEST_S = 10, 120
"""Of the countdown that cancels all orders (docs-v5, cancel all after)."""
_ZERO = Decimal(0)
_TYPES: Mapping[str, tuple[OrderType, TimeInForce | None]] = {
    "limit": ("limit", "GTC"),
    "ioc": ("limit", "IOC"),
    "fok": ("limit", "FOK"),
    "market": ("market", None),
    "post_only": ("post_only", None),
}
_STATES: Mapping[str, OrderStatus] = {
    "live": "new",
    "partially_filled": "partially_filled",
    "filled": "filled",
    "canceled": "canceled",
    "mmp_canceled": "canceled",
}
_CANCEL_SOURCES: Mapping[str, str] = {
    "0": "canceled by the exchange",
    "13": "fill or kill could not be filled whole",
    "14": "what was left of an immediate-or-cancel order",
    "15": "price outside the band",
    "20": "the countdown ran out",
    "27": "too little liquidity within the slippage guard",
    "31": "post only would have taken",
    "32": "would have traded with an order of yours",
    "33": "would have met too many orders",
}
"""``cancelSource`` of a cancel that was not asked for (docs-v5, order details)."""


class CancelBatch(CancelAll, frozen=True, kw_only=True):
    """The next twenty of a :class:`CancelAll`; ``after``: a page of open orders follows;
    ``refused``: why, by the ids that could not be cancelled before."""

    ids: tuple[str, ...]
    rest: tuple[str, ...] = ()
    after: str | None = None
    refused: Mapping[str, str] = {}


class OpenOrdersPage(GetOpenOrders, frozen=True, kw_only=True):
    """Open orders older than ``after``; ``cancel``: they are listed to be cancelled."""

    after: str | None = None
    cancel: bool = False
    refused: Mapping[str, str] = {}


class FillsPage(GetFills, frozen=True, kw_only=True):
    """Fills older than the bill ``after``."""

    after: str


CLIENT_ORDER_IDS = ClientOrderIds(
    "okx", "vocx", "[A-Za-z0-9]{1,32}", "1 to 32 letters and digits (a UUID without its dashes)"
)
"""Ours have 30."""


def _get(
    intent: Intent, path: str, parameters: Mapping[str, str | int | None], bucket: str
) -> Request:
    given = {name: value for name, value in parameters.items() if value is not None}
    query = "?" + urlencode(given) if given else ""
    target = f"/api/v5{path}{query}"
    return Request(intent=intent, method="GET", target=target, charges={bucket: 1}, signed=True)


def _post(intent: Intent, path: str, body: Any, bucket: str, *, safe: bool = False) -> Request:
    return json_post(intent, f"/api/v5{path}", body, {bucket: 1}, safe=safe)


def _named(intent: Any) -> dict[str, str]:
    """The order's id as the wire names it; the venue's wins where both are given."""
    check_order_named(intent)
    if intent.id is not None:
        return {"ordId": str(intent.id)}
    return {"clOrdId": intent.client_order_id or ""}


def _order_fields(intent: PlaceOrder) -> dict[str, str]:
    CLIENT_ORDER_IDS.check(intent.client_order_id)
    refuse_test("okx", intent)
    kind: str = intent.type
    if intent.type == "limit" and intent.time_in_force in ("IOC", "FOK"):
        kind = intent.time_in_force.lower()
    fields = {"tdMode": "cash", "side": str(intent.side), "ordType": kind}
    if intent.type == "market":
        by_quote = intent.quote_quantity is not None
        fields["tgtCcy"] = "quote_ccy" if by_quote else "base_ccy"
        size = intent.quote_quantity if by_quote else intent.quantity
    else:
        size = intent.quantity
        fields["px"] = f"{intent.price:f}"
    fields["sz"] = f"{size:f}"
    fields["clOrdId"] = intent.client_order_id
    return fields


def _amend_fields(intent: AmendOrder) -> dict[str, str]:
    check_amendment(intent)
    fields = _named(intent)
    if intent.quantity is not None:
        fields["newSz"] = f"{intent.quantity:f}"
    if intent.price is not None:
        fields["newPx"] = f"{intent.price:f}"
    return fields


def _place(intent: PlaceOrder) -> Request:
    name = dashed_symbol(intent.symbol)
    body = {"instId": name, **_order_fields(intent)}
    return _post(intent, "/trade/order", body, f"place:{name}")


def _amend(intent: AmendOrder) -> Request:
    name = dashed_symbol(intent.symbol)
    body = {"instId": name, **_amend_fields(intent)}
    return _post(intent, "/trade/amend-order", body, f"amend:{name}")


def _cancel(intent: CancelOrder) -> Request:
    name = dashed_symbol(intent.symbol)
    body = {"instId": name, **_named(intent)}
    return _post(intent, "/trade/cancel-order", body, f"cancel:{name}", safe=True)


def _cancel_all(intent: CancelAll) -> Request:
    dashed_symbol(intent.symbol)
    return _pending(OpenOrdersPage(symbol=intent.symbol, cancel=True))


def _batch(intent: PlaceOrders | CancelOrders, action: str, rows: list[dict[str, str]]) -> Request:
    """Several orders, which count by instrument; a batch of one counts as a single order."""
    check_batch(VENUE, intent, BATCH)
    bucket = action if len(rows) == 1 else f"{action}_batch"
    charges: dict[str, int] = {}
    for order in intent.orders:
        name = f"{bucket}:{dashed_symbol(order.symbol)}"
        charges[name] = charges.get(name, 0) + 1
    path = "batch-orders" if action == "place" else "cancel-batch-orders"
    safe = isinstance(intent, CancelOrders)
    request = _post(intent, f"/trade/{path}", rows, bucket, safe=safe)
    return replace(request, charges=charges)


def _place_orders(intent: PlaceOrders) -> Request:
    rows = [{"instId": dashed_symbol(one.symbol), **_order_fields(one)} for one in intent.orders]
    return _batch(intent, "place", rows)


def _cancel_orders(intent: CancelOrders) -> Request:
    rows = [{"instId": dashed_symbol(one.symbol), **_named(one)} for one in intent.orders]
    return _batch(intent, "cancel", rows)


def _cancel_batch(intent: CancelBatch) -> Request:
    name = dashed_symbol(intent.symbol)
    body = [{"instId": name, "ordId": one} for one in intent.ids]
    bucket = f"cancel:{name}" if len(body) == 1 else f"cancel_batch:{name}"
    request = _post(intent, "/trade/cancel-batch-orders", body, bucket, safe=True)
    return replace(request, charges={bucket: len(body)})


def _cancel_all_after(intent: CancelAllAfter) -> Request:
    if intent.seconds and not SHORTEST_S <= intent.seconds <= LONGEST_S:
        raise BadInput(
            f"seconds is {intent.seconds}; okx counts {SHORTEST_S} to {LONGEST_S} s down, and 0 "
            "ends it"
        )
    body = {"timeOut": str(intent.seconds)}
    return _post(intent, "/trade/cancel-all-after", body, "cancel-all-after", safe=True)


def _order(intent: GetOrder) -> Request:
    name = dashed_symbol(intent.symbol)
    return _get(intent, "/trade/order", {"instId": name, **_named(intent)}, f"order:{name}")


def _pending(intent: GetOpenOrders) -> Request:
    name = None if intent.symbol is None else dashed_symbol(intent.symbol)
    after = intent.after if isinstance(intent, OpenOrdersPage) else None
    parameters = {"instType": "SPOT", "instId": name, "after": after, "limit": PAGE}
    return _get(intent, "/trade/orders-pending", parameters, "orders-pending")


def _fills(intent: GetFills) -> Request:
    """The last three days are in ``fills``, three months in ``fills-history``, which is dearer."""
    check_fills("okx", intent)
    old = intent.start_ns is not None
    parameters: dict[str, str | int | None] = {
        "instType": "SPOT",
        "instId": dashed_symbol(intent.symbol),
        "ordId": None if intent.order_id is None else str(intent.order_id),
        "begin": None if intent.start_ns is None else intent.start_ns // 1_000_000,
        "after": intent.after if isinstance(intent, FillsPage) else None,
        "limit": PAGE if intent.limit is None else min(intent.limit, PAGE),
    }
    path = "fills-history" if old else "fills"
    return _get(intent, f"/trade/{path}", parameters, path)


def _balances(intent: GetBalances) -> Request:
    return _get(intent, "/account/balance", {}, "balance")


_OPERATIONS: Mapping[type[Intent], tuple[str, str]] = {
    PlaceOrder: ("order", "place"),
    AmendOrder: ("amend-order", "amend"),
    CancelOrder: ("cancel-order", "cancel"),
}
"""Intent to the operation of the private socket, and to the bucket that it shares with REST."""


def frame(intent: Intent, number: int) -> Request:
    """The same as a frame of the private socket, which is logged in already."""
    if isinstance(intent, PlaceOrders):
        charges, operation = _place_orders(intent).charges, "batch-orders"
        arguments = [_argument(one) for one in intent.orders]
    elif isinstance(intent, CancelOrders):
        charges, operation = _cancel_orders(intent).charges, "batch-cancel-orders"
        arguments = [_argument(one) for one in intent.orders]
    elif isinstance(intent, PlaceOrder | AmendOrder | CancelOrder):
        operation, bucket = _OPERATIONS[type(intent)]
        arguments = [_argument(intent)]
        charges = {f"{bucket}:{dashed_symbol(intent.symbol)}": 1}
    else:
        raise BadInput(f"okx takes {type(intent).__name__} by REST only")
    body = {"id": str(number), "op": operation, "args": arguments}
    return Request(
        intent=intent,
        method=operation,
        target="",
        body=msgspec.json.encode(body),
        charges=charges,
        signed=True,
        safe_to_retry=isinstance(intent, CancelOrder | CancelOrders),
    )


def _argument(intent: PlaceOrder | AmendOrder | CancelOrder) -> dict[str, str | int]:
    """One order of a frame: it names its instrument by a number."""
    instrument = intent.instrument
    if instrument is None or instrument.code is None:
        raise BadInput(
            f"the socket of okx names an instrument by a number, and that of {intent.symbol} is "
            "not known yet: call ex.instrument(...) first. Nothing was sent"
        )
    if isinstance(intent, PlaceOrder):
        fields = _order_fields(intent)
    elif isinstance(intent, AmendOrder):
        fields = _amend_fields(intent)
    else:
        fields = _named(intent)
    return {"instIdCode": instrument.code, **fields}


# replies


def _ack(symbol: str, row: Item, client_order_id: str | None, arrived_ns: int) -> OrderAck:
    return OrderAck(
        symbol=symbol,
        id=row.ordId,
        client_order_id=row.clOrdId or client_order_id or "",
        arrived_ns=arrived_ns,
    )


def _read_ack(intent: Any, data: bytes, arrived_ns: int) -> Answer:
    (row,) = _items(data)
    if not row.ordId:
        raise msgspec.ValidationError("an acknowledgement without an order id")
    return Answer(result=_ack(intent.symbol, row, intent.client_order_id, arrived_ns))


def _read_results(intent: PlaceOrders | CancelOrders, data: bytes, arrived_ns: int) -> Answer:
    """A row for each order, in the order of the request."""
    rows, results = _items(data), []
    orders: Sequence[PlaceOrder | CancelOrder] = intent.orders
    if len(rows) != len(orders):
        raise msgspec.ValidationError("a batch with results of other orders")
    for order, row in zip(orders, rows, strict=True):
        answer: OrderAck | VocxError
        if row.sCode not in (None, "", "0"):
            answer = order_error(order, row.sCode or "", row.sMsg)
        elif row.ordId:
            answer = _ack(order.symbol, row, order.client_order_id, arrived_ns)
        else:
            raise msgspec.ValidationError("an acknowledgement without an order id")
        results.append(order_result(order, answer, arrived_ns))
    return Answer(result=Facts(results))


def _read_batch(intent: CancelBatch, data: bytes, arrived_ns: int) -> Answer:
    """Rows that were over before are left out: there is nothing to cancel any more."""
    rows, refused = _items(data), dict(intent.refused)
    told = {one.ordId for one in rows}
    refused |= {name: "no answer" for name in intent.ids if name not in told}
    for row in rows:
        if row.sCode not in (None, "", "0"):
            order = CancelOrder(symbol=intent.symbol, id=row.ordId)
            error = order_error(order, row.sCode or "", row.sMsg)
            if not isinstance(error, OrderNotFound):
                refused[row.ordId] = f"{row.sCode} {row.sMsg}"[:LONGEST_TEXT]
    cancelled = [one for one in rows if one.sCode in (None, "", "0")]
    return Answer(
        result=Facts(_ack(intent.symbol, one, None, arrived_ns) for one in cancelled),
        next=_next_cancel(intent.symbol, intent.rest, intent.after, refused),
    )


def _next_cancel(
    symbol: str, ids: tuple[str, ...], after: str | None, refused: Mapping[str, str]
) -> Request | None:
    if ids:
        return _cancel_batch(
            CancelBatch(
                symbol=symbol, ids=ids[:BATCH], rest=ids[BATCH:], after=after, refused=refused
            )
        )
    if after is not None:
        return _pending(OpenOrdersPage(symbol=symbol, after=after, cancel=True, refused=refused))
    check_all_cancelled(VENUE, symbol, refused)
    return None


def _read_open(intent: GetOpenOrders, data: bytes, arrived_ns: int) -> Answer:
    rows = _order_rows(data)
    after = rows[-1].ordId if len(rows) == PAGE else None
    if isinstance(intent, OpenOrdersPage) and intent.cancel:
        ids = tuple(one.ordId for one in rows)
        # An empty list is an answer: there was nothing to cancel.
        return Answer(
            result=Facts(), next=_next_cancel(intent.symbol or "", ids, after, intent.refused)
        )
    found = Facts(order(one, "rest", arrived_ns) for one in rows)
    if after is None:
        return Answer(result=found)
    return Answer(result=found, next=_pending(OpenOrdersPage(symbol=intent.symbol, after=after)))


class _Timer(msgspec.Struct):
    triggerTime: str
    ts: str = ""


def _read_timer(intent: CancelAllAfter, data: bytes, arrived_ns: int) -> Answer:
    (row,) = _timers_of(data)
    timer = CancelTimer(
        seconds=intent.seconds,
        fires_ns=ms_to_ns(row.triggerTime) or None,
        exchange_ns=ms_to_ns(row.ts),
        arrived_ns=arrived_ns,
    )
    if (timer.fires_ns is None) is not (intent.seconds == 0):
        raise msgspec.ValidationError("a countdown of another length")
    return Answer(result=timer)


class OrderRow(msgspec.Struct):
    """An order, by REST and on the ``orders`` channel, which adds the fields of one fill."""

    instId: str
    ordId: str
    side: Side
    ordType: str
    state: str
    sz: str
    clOrdId: str = ""
    px: str = ""
    avgPx: str = ""
    accFillSz: str = "0"
    tgtCcy: str = ""
    cTime: str = ""
    uTime: str = ""
    cancelSource: str = ""
    tradeId: str = ""
    fillPx: str = ""
    fillSz: str = ""
    fillTime: str = ""
    fillFee: str = ""
    fillFeeCcy: str = ""
    execType: str = ""
    instType: str = "SPOT"


def order(row: OrderRow, source: Source, arrived_ns: int) -> Order:
    """The order as it stands."""
    kind, in_force = _TYPES.get(row.ordType, ("limit", None))
    state = one_of(_STATES, row.state, "an order in state")
    filled = amount(row.accFillSz)
    average = optional_number(row.avgPx) or _ZERO
    size = optional_number(row.sz)
    value = filled * average
    check_numbers(value)
    by_quote = row.tgtCcy == "quote_ccy" and kind == "market"
    return Order(
        symbol=split_dashed(row.instId) or row.instId,
        id=row.ordId,
        client_order_id=row.clOrdId,
        side=row.side,
        type=kind,
        status=state,
        quantity=None if by_quote else size,
        quote_quantity=size if by_quote else None,
        filled=filled,
        filled_quote=value,
        price=optional_number(row.px),
        time_in_force=in_force,
        created_ns=ms_to_ns(row.cTime),
        reason=_CANCEL_SOURCES.get(row.cancelSource),
        source=source,
        exchange_ns=ms_to_ns(row.uTime),
        arrived_ns=arrived_ns,
    )


def fill_of(row: OrderRow, arrived_ns: int) -> Fill | None:
    """The fill that a push of the ``orders`` channel tells of; ``None`` for any other push."""
    size, price = optional_number(row.fillSz), optional_number(row.fillPx)
    if not row.tradeId or not size or price is None:
        return None
    check_match(price, size)
    return Fill(
        symbol=split_dashed(row.instId) or row.instId,
        id=trade_id(row.tradeId),
        order_id=row.ordId,
        side=row.side,
        price=price,
        quantity=size,
        fee=-(optional_number(row.fillFee) or _ZERO),
        fee_asset=row.fillFeeCcy or None,
        maker=row.execType == "M",
        client_order_id=row.clOrdId or None,
        source="stream",
        exchange_ns=ms_to_ns(row.fillTime) or ms_to_ns(row.uTime),
        arrived_ns=arrived_ns,
    )


def _read_order(intent: GetOrder, data: bytes, arrived_ns: int) -> Answer:
    (row,) = _order_rows(data)
    return Answer(result=order(row, "rest", arrived_ns))


class _FillRow(msgspec.Struct):
    instId: str
    tradeId: str
    ordId: str
    side: Side
    fillPx: Decimal
    fillSz: Decimal
    billId: str
    clOrdId: str = ""
    execType: str = ""
    feeCcy: str = ""
    fee: str = ""
    fillTime: str = ""
    ts: str = ""


def _read_fills(intent: GetFills, data: bytes, arrived_ns: int) -> Answer:
    """Newest first on the wire; pages go back in time."""
    rows = _fill_rows(data)
    for one in rows:
        check_match(one.fillPx, one.fillSz)
    found = Facts(
        Fill(
            symbol=split_dashed(one.instId) or one.instId,
            id=trade_id(one.tradeId),
            order_id=one.ordId,
            side=one.side,
            price=one.fillPx,
            quantity=one.fillSz,
            fee=-(optional_number(one.fee) or _ZERO),
            fee_asset=one.feeCcy or None,
            maker=one.execType == "M",
            client_order_id=one.clOrdId or None,
            exchange_ns=ms_to_ns(one.fillTime or one.ts),
            arrived_ns=arrived_ns,
        )
        for one in reversed(rows)
    )
    left = None if intent.limit is None else intent.limit - len(rows)
    if len(rows) < PAGE or (left is not None and left <= 0):
        return Answer(result=found, older=True)
    page = FillsPage(**{**asdict(intent), "after": rows[-1].billId, "limit": left})
    return Answer(result=found, next=_fills(page), older=True)


class BalanceRow(msgspec.Struct):
    """What an account has of one currency."""

    ccy: str
    cashBal: str = "0"
    availBal: str = ""
    frozenBal: str = ""
    uTime: str = ""


class AccountRow(msgspec.Struct):
    """``data[0]`` of a balance, by REST and on the ``account`` channel."""

    details: list[BalanceRow]


def balance(row: BalanceRow, source: Source, arrived_ns: int) -> Balance:
    """``cashBal`` is the whole, ``frozenBal`` what open orders hold of it."""
    held = amount(row.frozenBal)
    whole = optional_number(row.cashBal) or _ZERO
    free = optional_number(row.availBal)
    return Balance(
        asset=row.ccy,
        free=whole - held if free is None else free,
        locked=held,
        source=source,
        exchange_ns=ms_to_ns(row.uTime),
        arrived_ns=arrived_ns,
    )


def _read_balances(_: GetBalances, data: bytes, arrived_ns: int) -> Answer:
    rows = [one for account in _account_rows(data) for one in account.details]
    return Answer(result=Facts(balance(one, "rest", arrived_ns) for one in rows))


_timers_of = msgspec.json.Decoder(list[_Timer]).decode
_items = msgspec.json.Decoder(list[Item]).decode
_order_rows = msgspec.json.Decoder(list[OrderRow]).decode
_fill_rows = msgspec.json.Decoder(list[_FillRow]).decode
_account_rows = msgspec.json.Decoder(list[AccountRow]).decode

CALLS: CallTable[Request, Answer] = CallTable(
    "okx",
    {
        PlaceOrder: (_place, _read_ack),
        AmendOrder: (_amend, _read_ack),
        CancelOrder: (_cancel, _read_ack),
        PlaceOrders: (_place_orders, _read_results),
        CancelOrders: (_cancel_orders, _read_results),
        CancelAll: (_cancel_all, None),
        CancelAllAfter: (_cancel_all_after, _read_timer),
        CancelBatch: (_cancel_batch, _read_batch),
        GetOrder: (_order, _read_order),
        GetOpenOrders: (_pending, _read_open),
        OpenOrdersPage: (_pending, _read_open),
        GetFills: (_fills, _read_fills),
        FillsPage: (_fills, _read_fills),
        GetBalances: (_balances, _read_balances),
    },
)
