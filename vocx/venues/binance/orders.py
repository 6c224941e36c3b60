"""Binance's signed calls: intents to parameters, bodies to orders, fills and balances.

Parameters, weights and shapes are those of rest-api.md (2026-07-21). The same parameters and
bodies serve the WebSocket API. The surprises:

* ``cummulativeQuoteQty`` has two m.
* Cancelling renames: the reply's ``clientOrderId`` is the cancel's own, ``origClientOrderId`` the
  order's; a later query shows the cancel's id, also to who asked by the order's. So orders are
  asked for by the venue's id where it is known, and keep the name that they were asked for by.
* An answer in form ACK says next to nothing, and is the default for some types: FULL is asked.
* A market order has price ``"0.00000000"``, which is no price.
* Amending is two things: ``order/amend/keepPriority`` only makes an order smaller and keeps its
  place in the queue (since 2025-05); all else is ``order/cancelReplace``, a new order at the end
  of the queue. So the order is asked for first, and what fits is sent.
* Placing and cancelling cost no weight when they succeed (since 2026-04-02), but do when refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal, NoReturn, cast

import msgspec

from vocx.arguments import brief
from vocx.errors import BadInput, OrderNotFound
from vocx.facts import (
    Balance,
    Fact,
    Facts,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from vocx.symbols import split_joined
from vocx.venues.base import (
    AmendOrder,
    Answer,
    CancelAll,
    CancelAllAfter,
    CancelOrder,
    GetBalances,
    GetFills,
    GetOpenOrders,
    GetOrder,
    Intent,
    PlaceOrder,
    Request,
)
from vocx.venues.base.adapter import ClientOrderIds
from vocx.venues.base.checks import check_amendment, check_order_named, refuse_timer
from vocx.venues.base.reading import (
    Identifier,
    Stamp,
    check_match,
    check_numbers,
    check_sizes,
    moment_ns,
)
from vocx.venues.base.spelling import joined_symbol
from vocx.venues.base.tables import CallTable
from vocx.venues.binance.rest import MS
from vocx.venues.binance.signing import encoded

Parameters = dict[str, str | int]

MOST_FILLS = 1000
"""In one answer of ``myTrades``."""


class Call(msgspec.Struct, frozen=True):
    """One signed call: HTTP method and path, its name on the WebSocket API, what it costs."""

    method: str
    path: str
    name: str
    parameters: Parameters
    weight: int
    orders: int = 0
    changes: bool = False
    """It could place or change an order, so it is sent once."""

    @property
    def charges(self) -> dict[str, int]:
        """What the exchange counts for it, by bucket."""
        counted = {"weight": self.weight, "requests": 1}
        return counted | ({"orders": self.orders} if self.orders else {})


def request(intent: Intent, made: Call) -> Request:
    """The call as a request of REST, unsigned."""
    return Request(
        intent=intent,
        method=made.method,
        target=f"/api/v3/{made.path}?{encoded(made.parameters)}".rstrip("?"),
        purpose="rest_signed",
        charges=made.charges,
        signed=True,
        safe_to_retry=not made.changes,
    )


CLIENT_ORDER_IDS = ClientOrderIds(
    "binance", "vocx-", "[a-zA-Z0-9-_]{1,36}", "1 to 36 letters, digits, - and _"
)
"""What the exchange accepts; ours have 31."""


def number(value: Decimal) -> str:
    """A number as the exchange reads it: digits and a point, never an exponent."""
    return format(value, "f")


def _place(intent: PlaceOrder) -> Call:
    CLIENT_ORDER_IDS.check(intent.client_order_id)
    given = {
        "symbol": joined_symbol(intent.symbol),
        "side": intent.side.upper(),
        "type": _TYPES.get(intent.type, intent.type.upper()),
        "timeInForce": intent.time_in_force,
        "quantity": intent.quantity,
        "quoteOrderQty": intent.quote_quantity,
        "price": intent.price,
        "newClientOrderId": intent.client_order_id,
        "newOrderRespType": "FULL",
    }
    parameters = _sent(given)
    if intent.test:
        return Call("POST", "order/test", "order.test", parameters, 1)
    return Call("POST", "order", "order.place", parameters, 1, orders=1, changes=True)


def _sent(given: Mapping[str, str | int | Decimal | None]) -> Parameters:
    """Without what was not said; numbers as text."""
    return {
        name: number(value) if isinstance(value, Decimal) else value
        for name, value in given.items()
        if value is not None
    }


_TYPES: Mapping[str, str] = {"post_only": "LIMIT_MAKER"}


def order_type(word: str) -> OrderType:
    """The exchange's type of an order in our words."""
    return "post_only" if word == "LIMIT_MAKER" else cast(OrderType, word.lower())


def _amend_first(intent: AmendOrder) -> Call:
    """The order as it stands: what can be done depends on it."""
    check_amendment(intent)
    return Call("GET", "order", "order.status", _which(intent), 4)


def amendment(intent: AmendOrder, order: Order) -> Call | None:
    """What changes an order as wished; ``None`` when it is so already.

    Raises
    ------
    OrderNotFound
        It is not open any more, so there is nothing to amend.
    BadInput
        More is filled than it should be altogether, or its type has no price.
    """
    if not order.open:
        raise OrderNotFound(
            f"binance: the order is {order.status.replace('_', ' ')} already",
            venue="binance",
            outcome="refused",
        )
    quantity = intent.quantity if intent.quantity is not None else order.quantity
    price = intent.price if intent.price is not None else order.price
    if quantity is None or price is None or order.quantity is None:
        raise BadInput("only limit orders can be amended", outcome="not_sent")
    if quantity <= order.filled:
        raise BadInput(
            f"{order.filled:f} of the order is filled: an amended quantity must be above that, "
            "or cancel the order",
            outcome="not_sent",
        )
    named = {"symbol": joined_symbol(order.symbol)}
    if price == order.price and quantity == order.quantity:
        return None
    if price == order.price and quantity < order.quantity:
        smaller = {
            **named,
            "orderId": order.id,
            "newQty": quantity,
            "newClientOrderId": order.client_order_id,
        }
        path, name = "order/amend/keepPriority", "order.amend.keepPriority"
        return Call("PUT", path, name, _sent(smaller), 4, changes=True)
    replaced = {
        **named,
        "side": order.side.upper(),
        "type": _TYPES.get(order.type, order.type.upper()),
        "cancelReplaceMode": "STOP_ON_FAILURE",
        # A fill between asking and replacing would be bought or sold twice.
        "cancelRestrictions": "ONLY_PARTIALLY_FILLED" if order.filled else "ONLY_NEW",
        "timeInForce": order.time_in_force if order.type == "limit" else None,
        "quantity": quantity - order.filled,
        "price": price,
        "cancelOrderId": order.id,
        "newClientOrderId": intent.new_client_order_id,
        "newOrderRespType": "FULL",
    }
    parameters = _sent(replaced)
    return Call(
        "POST", "order/cancelReplace", "order.cancelReplace", parameters, 1, orders=1, changes=True
    )


def _which(intent: CancelOrder | GetOrder | AmendOrder) -> Parameters:
    check_order_named(intent)
    parameters: Parameters = {"symbol": joined_symbol(intent.symbol)}
    if intent.id is not None:
        return {**parameters, "orderId": intent.id}
    return {**parameters, "origClientOrderId": intent.client_order_id or ""}


def _cancel(intent: CancelOrder) -> Call:
    return Call("DELETE", "order", "order.cancel", _which(intent), 1)


def _cancel_all(intent: CancelAll) -> Call:
    symbol: Parameters = {"symbol": joined_symbol(intent.symbol)}
    return Call("DELETE", "openOrders", "openOrders.cancelAll", symbol, 1)


def _order(intent: GetOrder) -> Call:
    return Call("GET", "order", "order.status", _which(intent), 4)


def _open_orders(intent: GetOpenOrders) -> Call:
    one = intent.symbol is not None
    symbol: Parameters = {"symbol": joined_symbol(intent.symbol)} if intent.symbol else {}
    return Call("GET", "openOrders", "openOrders.status", symbol, 6 if one else 80)


def _fills(intent: GetFills) -> Call:
    if intent.order_id is not None and intent.start_ns is not None:
        raise BadInput(
            "binance gives fills of one order or since a moment, not both; leave out one"
        )
    most = MOST_FILLS if intent.limit is None else intent.limit
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST_FILLS:
        raise BadInput(f"limit is {brief(most)}; binance gives 1 to {MOST_FILLS} in one call")
    given = {
        "symbol": joined_symbol(intent.symbol),
        "orderId": intent.order_id,
        "startTime": None if intent.start_ns is None else intent.start_ns // MS,
        "limit": most,
    }
    return Call("GET", "myTrades", "myTrades", _sent(given), 20 if intent.order_id is None else 5)


def _balances(_: GetBalances) -> Call:
    return Call("GET", "account", "account.status", {"omitZeroBalances": "true"}, 20)


class _Fill(msgspec.Struct):
    price: Decimal
    qty: Decimal
    commission: Decimal
    commissionAsset: str
    tradeId: Identifier


class _Order(msgspec.Struct):
    """Every form of an order in a reply: placed, cancelled, asked for."""

    symbol: str
    orderId: Identifier
    clientOrderId: str
    side: Literal["BUY", "SELL"]
    type: str
    status: str
    executedQty: Decimal
    cummulativeQuoteQty: Decimal
    origQty: Decimal
    price: Decimal
    origClientOrderId: str | None = None
    origQuoteOrderQty: Decimal | None = None
    timeInForce: str | None = None
    transactTime: Stamp | None = None
    updateTime: Stamp | None = None
    time: Stamp | None = None
    expiryReason: str | None = None
    fills: list[_Fill] = []


class _Amended(msgspec.Struct):
    """An order within the reply to ``order/amend/keepPriority``: other names for the same."""

    symbol: str
    orderId: Identifier
    clientOrderId: str
    side: Literal["BUY", "SELL"]
    type: str
    status: str
    price: Decimal
    qty: Decimal
    executedQty: Decimal
    cumulativeQuoteQty: Decimal
    timeInForce: str | None = None


class _Amendment(msgspec.Struct):
    transactTime: Stamp
    amendedOrder: _Amended


class _Replacement(msgspec.Struct):
    """The reply to ``order/cancelReplace``."""

    newOrderResponse: _Order


class _Entry(msgspec.Struct):
    """One element of a cancel-all: an order, or a list of orders with its reports."""

    orderReports: list[_Order] | None = None


class _Trade(msgspec.Struct):
    symbol: str
    id: Identifier
    orderId: Identifier
    price: Decimal
    qty: Decimal
    commission: Decimal
    commissionAsset: str
    time: Stamp
    isBuyer: bool
    isMaker: bool


class _Balance(msgspec.Struct):
    asset: str
    free: Decimal
    locked: Decimal


class _Account(msgspec.Struct):
    balances: list[_Balance]
    updateTime: Stamp | None = None


_amendment_of = msgspec.json.Decoder(_Amendment).decode
_replacement_of = msgspec.json.Decoder(_Replacement).decode
_order_of = msgspec.json.Decoder(_Order).decode
_orders_of: Callable[[bytes], list[_Order]] = msgspec.json.Decoder(list[_Order]).decode
_raws_of: Callable[[bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode
_entry_of = msgspec.json.Decoder(_Entry).decode
_trades_of: Callable[[bytes], list[_Trade]] = msgspec.json.Decoder(list[_Trade]).decode
_account_of = msgspec.json.Decoder(_Account).decode
_tested_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def read(asked: Request, body: bytes, arrived_ns: int) -> Answer:
    """What a good reply says; ``msgspec.DecodeError`` when it has another shape."""
    intent = asked.intent
    if isinstance(intent, AmendOrder):
        return _read_amend(asked, intent, body, arrived_ns)
    if isinstance(intent, GetFills):
        fills = _read_fills(intent, body, arrived_ns)
        return Answer(result=fills, next=_more_fills(intent, fills))
    return Answer(result=CALLS.read(intent, body, arrived_ns))


def _read_amend(asked: Request, intent: AmendOrder, body: bytes, arrived_ns: int) -> Answer:
    """The order before, and then whichever of the two ways was taken."""
    if asked.method == "GET":
        before = _fact(_order_of(body), arrived_ns, intent.symbol)
        call = amendment(intent, before)
        if call is None:
            return Answer(result=before)
        return Answer(result=None, next=request(intent, call))
    if asked.method == "POST":
        made = _replacement_of(body).newOrderResponse
        return Answer(result=_fact(made, arrived_ns, intent.symbol))
    found = _amendment_of(body)
    now = found.amendedOrder
    order = _Order(
        symbol=now.symbol,
        orderId=now.orderId,
        clientOrderId=now.clientOrderId,
        side=now.side,
        type=now.type,
        status=now.status,
        executedQty=now.executedQty,
        cummulativeQuoteQty=now.cumulativeQuoteQty,
        origQty=now.qty,
        price=now.price,
        timeInForce=now.timeInForce,
        updateTime=found.transactTime,
    )
    return Answer(result=_fact(order, arrived_ns, intent.symbol))


def status(word: str) -> OrderStatus:
    """The exchange's word for where an order stands, in ours."""
    word = {"EXPIRED_IN_MATCH": "EXPIRED", "PENDING_NEW": "NEW", "PENDING_CANCEL": "NEW"}.get(
        word, word
    )
    return cast(OrderStatus, word.lower())


def positive(value: Decimal | None) -> Decimal | None:
    """The exchange writes 0 for a price or quantity that an order does not have."""
    return value if value else None


def _fact(found: _Order, arrived_ns: int, known: str | None) -> Order:
    check_numbers(found.cummulativeQuoteQty, found.origQty, found.price, found.origQuoteOrderQty)
    check_sizes(found.executedQty)
    symbol = split_joined(found.symbol, [known]) or found.symbol
    changed = found.transactTime if found.transactTime is not None else found.updateTime
    placed = found.origClientOrderId is None and found.transactTime is not None
    created = found.transactTime if placed else found.time
    client_id = found.origClientOrderId or found.clientOrderId
    side = cast(Side, found.side.lower())
    at_ns = None if changed is None else moment_ns(changed)
    return Order(
        symbol=symbol,
        id=found.orderId,
        client_order_id=client_id,
        side=side,
        type=order_type(found.type),
        status=status(found.status),
        quantity=positive(found.origQty),
        filled=found.executedQty,
        # -1: from before the venue kept count (rest-api.md)
        filled_quote=found.cummulativeQuoteQty if found.cummulativeQuoteQty >= 0 else None,
        price=positive(found.price),
        quote_quantity=positive(found.origQuoteOrderQty),
        time_in_force=cast("TimeInForce | None", found.timeInForce),
        created_ns=None if created is None else moment_ns(created),
        reason=found.expiryReason,
        fills=tuple(
            _taken(one, found.orderId, client_id, symbol, side, at_ns, arrived_ns)
            for one in found.fills
        ),
        exchange_ns=at_ns,
        arrived_ns=arrived_ns,
    )


def _taken(
    one: _Fill,
    order_id: int,
    client_id: str,
    symbol: str,
    side: Side,
    at_ns: int | None,
    arrived_ns: int,
) -> Fill:
    """A fill in the reply to a placement: the order came and took."""
    check_match(one.price, one.qty)
    check_numbers(one.commission)
    return Fill(
        symbol=symbol,
        id=one.tradeId,
        order_id=order_id,
        client_order_id=client_id,
        side=side,
        price=one.price,
        quantity=one.qty,
        fee=one.commission,
        fee_asset=one.commissionAsset,
        maker=False,
        exchange_ns=at_ns,
        arrived_ns=arrived_ns,
    )


def _read_placed(intent: PlaceOrder, body: bytes, arrived_ns: int) -> Order:
    if not intent.test:
        return _fact(_order_of(body), arrived_ns, intent.symbol)
    _tested_of(body)
    return Order(
        symbol=intent.symbol,
        id="",
        client_order_id=intent.client_order_id,
        side=intent.side,
        type=intent.type,
        status="tested",
        quantity=intent.quantity,
        filled=Decimal(0),
        filled_quote=Decimal(0),
        price=intent.price,
        quote_quantity=intent.quote_quantity,
        time_in_force=intent.time_in_force,
        arrived_ns=arrived_ns,
    )


def _read_order(intent: CancelOrder | GetOrder, body: bytes, arrived_ns: int) -> Order:
    found = _order_of(body)
    if isinstance(intent, GetOrder) and found.status == "CANCELED":
        # Found by its own name, it bears its cancel's.
        found.origClientOrderId = intent.client_order_id
    return _fact(found, arrived_ns, intent.symbol)


def _read_orders(intent: GetOpenOrders, body: bytes, arrived_ns: int) -> Facts[Order]:
    return Facts(_fact(one, arrived_ns, intent.symbol) for one in _orders_of(body))


def _read_cancelled(intent: CancelAll, body: bytes, arrived_ns: int) -> Facts[Order]:
    found: list[_Order] = []
    for raw in _raws_of(body):
        reports = _entry_of(raw).orderReports
        found += [_order_of(raw)] if reports is None else reports
    return Facts(_fact(one, arrived_ns, intent.symbol) for one in found)


def _read_fills(intent: GetFills, body: bytes, arrived_ns: int) -> Facts[Fill]:
    rows = _trades_of(body)
    for one in rows:
        check_match(one.price, one.qty)
        check_numbers(one.commission)
    return Facts(
        Fill(
            symbol=split_joined(one.symbol, [intent.symbol]) or one.symbol,
            id=one.id,
            order_id=one.orderId,
            side="buy" if one.isBuyer else "sell",
            price=one.price,
            quantity=one.qty,
            fee=one.commission,
            fee_asset=one.commissionAsset,
            maker=one.isMaker,
            exchange_ns=moment_ns(one.time),
            arrived_ns=arrived_ns,
        )
        for one in rows
    )


def _more_fills(intent: GetFills, fills: Facts[Fill]) -> Request | None:
    """The next page, by id, where all fills were asked for and this page is full."""
    if intent.limit is not None or len(fills) < MOST_FILLS:
        return None
    page = {
        "symbol": joined_symbol(intent.symbol),
        "orderId": intent.order_id,
        "fromId": int(fills[-1].id) + 1,
        "limit": MOST_FILLS,
    }
    return request(intent, Call("GET", "myTrades", "myTrades", _sent(page), 20))


def _read_balances(_: GetBalances, body: bytes, arrived_ns: int) -> Facts[Balance]:
    found = _account_of(body)
    check_numbers(*(one.free for one in found.balances))
    check_sizes(*(one.locked for one in found.balances))
    at_ns = None if found.updateTime is None else moment_ns(found.updateTime)
    return Facts(
        Balance(
            asset=one.asset,
            free=one.free,
            locked=one.locked,
            exchange_ns=at_ns,
            arrived_ns=arrived_ns,
        )
        for one in found.balances
    )


def _no_timer(intent: CancelAllAfter) -> NoReturn:
    raise refuse_timer("binance", "only its futures have one")


CALLS: CallTable[Call, Fact | Facts[Any]] = CallTable(
    "binance",
    {
        PlaceOrder: (_place, _read_placed),
        AmendOrder: (_amend_first, None),
        CancelOrder: (_cancel, _read_order),
        CancelAll: (_cancel_all, _read_cancelled),
        CancelAllAfter: (_no_timer, None),
        GetOrder: (_order, _read_order),
        GetOpenOrders: (_open_orders, _read_orders),
        GetFills: (_fills, None),
        GetBalances: (_balances, _read_balances),
    },
)
