"""OKX's order entry, by REST and over the private socket. (Docs-v5, trade, 2026-07-28.)

An order is acknowledged, and what became of it comes on the ``orders`` channel. A post-only order
that would take is acknowledged and cancelled (``cancelSource`` 31). Left out: conditional orders,
the slippage guard (what finds no counterpart ends with source 27), the extra 5 % that a market buy
freezes for an instant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, cast

from vocx.lab.dialects.okx.calls import Call
from vocx.lab.dialects.okx.limits import RULES, charge
from vocx.lab.dialects.okx.reports import SELF_TRADE, client_id, order_id
from vocx.lab.dialects.okx.wire import (
    ORDER_BASE,
    TEXTS,
    Declined,
    Refusal,
    decimal,
    missing,
    needed,
    text_of,
    whole,
    wrong,
)
from vocx.lab.dialects.shared.numbers import NS_PER_S, Listing, milliseconds
from vocx.lab.events import (
    AnyEvent,
    Executed,
    NewOrder,
    OrderState,
    Rejection,
    Side,
    TimeInForce,
)

MOST, OPEN_ORDERS = 20, 500
BAND = Decimal("0.05")
"""How far beyond the other side's best price a limit order may be (a choice; the real bands
differ by instrument)."""
TYPES = {"limit": "GTC", "market": "GTC", "ioc": "IOC", "fok": "FOK", "post_only": "POST_ONLY"}
TOO_MANY = {"place": "51111", "amend": "51501", "cancel": "51406"}
REJECTED = {
    "duplicate_client_order_id": "51016",
    "no_liquidity": "51020",
    "would_match": "51511",
}

# -- placing -----------------------------------------------------------------------------------


def _client_id(given: Mapping[str, Any], name: str = "clOrdId") -> str:
    text = text_of(given, name)
    if text and not re.fullmatch("[A-Za-z0-9]{1,32}", text):
        raise wrong(name)
    return text


def _steps(value: Decimal, step: Decimal, code: str) -> int:
    if value % step:
        raise Declined(code)
    return int(value / step)


def _place(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """One order: form, instrument, sizes, price, account, matching."""
    listing = call.listing_of(given)
    spec = listing.format.spec
    mode, side = needed(given, "tdMode"), needed(given, "side")
    kind, size = needed(given, "ordType"), decimal(given, "sz")
    if size is None:
        raise missing("sz")
    if mode not in ("cash", "cross", "isolated"):
        raise wrong("tdMode")
    if mode != "cash":
        raise Declined("51010")
    if side not in ("buy", "sell"):
        raise wrong("side")
    if kind not in TYPES:
        raise wrong("ordType")
    name, tag = _client_id(given), text_of(given, "tag")
    if tag and not re.fullmatch("[A-Za-z0-9]{1,16}", tag):
        raise wrong("tag")
    stop = text_of(given, "stpMode") or "cancel_maker"
    if stop not in SELF_TRADE:
        raise wrong("stpMode")
    if stop == "cancel_both" and kind == "fok":
        raise Declined("54036")
    price, quote, lots = 0, Decimal(0), 0
    if kind == "market":
        unit = text_of(given, "tgtCcy") or ("quote_ccy" if side == "buy" else "base_ccy")
        if unit not in ("base_ccy", "quote_ccy"):
            raise wrong("tgtCcy")
        size = _shrunk(call, listing, given, side, unit, size)
        if unit == "quote_ccy":
            quote = size
        else:
            lots = _lots(spec.lot, size)
    else:
        asked = decimal(given, "px")
        if asked is None:
            raise Declined("51204")
        lots = _lots(spec.lot, size)
        price = _in_band(listing, side, _steps(asked, spec.tick, "51000"), given)
    if call.accounts.open_count(call.owner, spec.symbol) >= OPEN_ORDERS:
        raise Declined("51025")
    order = NewOrder(
        owner=call.owner,
        symbol=spec.symbol,
        side=cast(Side, side),
        type="market" if kind == "market" else "limit",
        time_in_force=cast(TimeInForce, TYPES[kind]),
        price=price,
        quantity=lots,
        quote=quote,
        client_order_id=name or "-" + call.gateway.new_id(),
        self_trade=SELF_TRADE[stop],  # type: ignore[arg-type]
    )
    placed, _ = call.accounts.place(order, call.now_ns)
    if isinstance(placed, Rejection) and placed.reason == "would_match":
        placed, _ = call.accounts.reject(order, "would_match", call.now_ns)
    if isinstance(placed, Rejection):
        raise _declined(listing, side, placed)
    if tag:
        call.backend.book.tags[placed.id] = tag
    return {**_named(call, placed), "tag": tag}


def _lots(lot: Decimal, size: Decimal) -> int:
    if size < lot:
        raise Declined("51020")
    return _steps(size, lot, "51121")


def _shrunk(
    call: Call, listing: Listing, given: Mapping[str, Any], side: str, unit: str, size: Decimal
) -> Decimal:
    """A market order is made smaller where the balance is not enough, unless ``banAmend``."""
    spec = listing.format.spec
    pays = spec.quote if side == "buy" else spec.base
    if text_of(given, "banAmend") == "true" or (unit == "quote_ccy") != (side == "buy"):
        return size
    free, _ = call.accounts.balances(call.owner).get(pays, (Decimal(0), Decimal(0)))
    if size <= free:
        return size
    if side == "sell":
        free -= free % spec.lot
    if not free:
        raise Declined("51008", TEXTS["51008"].format(pays))
    return free


def _in_band(listing: Listing, side: str, ticks: int, given: Mapping[str, Any]) -> int:
    bid, _, ask, _ = listing.market.best()
    best = ask if side == "buy" else bid
    if not best:
        return ticks
    bound = int(best * (1 + BAND)) if side == "buy" else int(best * (1 - BAND))
    if (ticks <= bound) if side == "buy" else (ticks >= bound):
        return ticks
    if text_of(given, "pxAmendType") == "1":
        return bound
    raise Declined("51006")


def _declined(listing: Listing, side: str, rejection: Rejection) -> Declined:
    spec = listing.format.spec
    if rejection.reason == "insufficient_balance":
        pays = spec.quote if side == "buy" else spec.base
        return Declined("51008", TEXTS["51008"].format(pays))
    return Declined(REJECTED[rejection.reason])


def _named(call: Call, order: OrderState) -> dict[str, str]:
    """``ts`` is when the order was made, in every reply about it."""
    return {
        "clOrdId": client_id(order.request.client_order_id),
        "ordId": order_id(order.id),
        "ts": milliseconds(order.created_ns),
    }


# -- cancelling and amending -------------------------------------------------------------------


def found(
    call: Call, given: Mapping[str, Any], listing: Listing, missing_id: str
) -> OrderState | None:
    """The order that is meant; its own id wins over the client's."""
    number, name = text_of(given, "ordId"), text_of(given, "clOrdId")
    if not number and not name:
        raise Declined(missing_id)
    symbol = listing.format.spec.symbol
    if number:
        wanted = int(number) - ORDER_BASE if re.fullmatch("[0-9]{1,19}", number) else -1
        return call.records.order(call.owner, symbol, wanted)
    return call.records.order(call.owner, symbol, None, name)


def _cancel(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    listing = call.listing_of(given)
    order = found(call, given, listing, "51003")
    if order is None or not order.open:
        raise Declined("51400")
    gone, _ = call.accounts.cancel(call.owner, order.request.symbol, order.id, now_ns=call.now_ns)
    if gone is None:
        raise Declined("51400")
    return _named(call, order)


def _amend(call: Call, given: Mapping[str, Any]) -> dict[str, Any]:
    """``newSz`` is the new total; an order that has as much already is over."""
    listing = call.listing_of(given)
    spec, order = listing.format.spec, found(call, given, listing, "51003")
    size, price = decimal(given, "newSz"), decimal(given, "newPx")
    request_id = _client_id(given, "reqId")
    if size is None and price is None:
        raise Declined("51500")
    if order is None or not order.open:
        raise Declined("51503")
    lots = order.quantity if size is None else _lots(spec.lot, size)
    ticks = order.request.price if price is None else _steps(price, spec.tick, "51000")
    ticks = _in_band(listing, order.request.side, ticks, given)
    if lots <= order.filled:
        call.backend.book.completed[order.id] = None
        _, events = call.accounts.cancel(call.owner, spec.symbol, order.id, now_ns=call.now_ns)
        _remember(call, order, events, request_id)
        return {**_named(call, order), "reqId": request_id}
    if lots == order.quantity and ticks == order.request.price:
        raise Declined("51500")
    moved = ticks if ticks != order.request.price or lots > order.quantity else None
    amended, events = call.accounts.amend(
        call.owner, spec.symbol, order.id, lots, price=moved, now_ns=call.now_ns
    )
    if isinstance(amended, Rejection):
        if text_of(given, "cxlOnFail") == "true":
            call.accounts.cancel(call.owner, spec.symbol, order.id, now_ns=call.now_ns)
        raise _declined(listing, order.request.side, amended)
    if amended is None:
        raise Declined("51503")
    _remember(call, order, events, request_id)
    return {**_named(call, order), "reqId": request_id}


def _remember(call: Call, order: OrderState, events: Iterable[AnyEvent], request_id: str) -> None:
    """Which events answer which amendment: several may come before the first is told."""
    for event in events:
        if not isinstance(event, Executed) or event.order.id != order.id:
            continue
        if event.what in ("replaced", "canceled"):
            call.backend.book.requests[event.execution_id] = request_id


ACTIONS: Mapping[str, Callable[[Call, Mapping[str, Any]], dict[str, Any]]] = {
    "place": _place,
    "cancel": _cancel,
    "amend": _amend,
}


def carry_out(call: Call, action: str, batch: bool) -> tuple[str, list[dict[str, Any]]]:
    """Some orders: the top code, and a row for each. The limit is per instrument; a batch of one
    counts as a single order. A parameter that cannot be is told in the order's row (seen by REST
    2025-04, on the socket 2026-05), what is missing or unknown refuses a single order whole."""
    given = call.orders
    if not given:
        raise Refusal("50000")
    if len(given) > (MOST if batch else 1):
        raise Refusal(TOO_MANY[action])
    if not all(isinstance(one, dict) for one in given):
        raise Refusal("50002")
    rule = RULES[action if len(given) == 1 else f"{action}-batch"]
    for one in given:
        charge(call.backend.limiter, rule, (call.owner, call.instrument_of(one)), call.now_ns)
    rows, refused = [], 0
    for one in given:
        try:
            row = {**ACTIONS[action](call, one), "sCode": "0", "sMsg": "", "subCode": ""}
        except Refusal as error:
            in_its_row = isinstance(error, Declined) or error.code == "51000"
            if not batch and not in_its_row:
                raise
            refused += 1
            row = {
                "clOrdId": str(one.get("clOrdId") or "")[:32],
                "ordId": str(one.get("ordId") or "")[:32],
                "ts": milliseconds(call.clock_ns),
                **({"tag": str(one.get("tag") or "")[:16]} if action == "place" else {}),
                **({"reqId": str(one.get("reqId") or "")[:32]} if action == "amend" else {}),
                "sCode": error.code,
                "sMsg": error.message,
                "subCode": "1000" if error.code == "51008" else "",
            }
        rows.append(row)
    return ("0" if not refused else "1" if refused == len(rows) else "2"), rows


class Partly(Exception):
    """A trading reply with a top code of its own."""

    def __init__(self, code: str, rows: list[dict[str, Any]]) -> None:
        super().__init__(code)
        self.code, self.rows = code, rows


def one(action: str) -> Callable[[Call], list[Any]]:
    """The endpoint of one order."""
    return _endpoint(action, False)


def several(action: str) -> Callable[[Call], list[Any]]:
    """The endpoint of up to twenty."""
    return _endpoint(action, True)


def _endpoint(action: str, batch: bool) -> Callable[[Call], list[Any]]:
    def answer(call: Call) -> list[Any]:
        if call.listed != batch:
            raise Refusal("50002")
        code, rows = carry_out(call, action, batch)
        if code != "0":
            raise Partly(code, rows)
        return rows

    return answer


def cancel_all_after(call: Call) -> list[Any]:
    """The dead-man switch: all open orders of the account (of a tag) are cancelled in time."""
    seconds, tag = whole(call.given, "timeOut"), text_of(call.given, "tag")
    if seconds is None:
        raise missing("timeOut")
    if seconds and not 10 <= seconds <= 120:
        raise wrong("timeOut")
    due_ns = call.now_ns + seconds * NS_PER_S if seconds else None
    call.backend.dead_man.set(call.owner, tag, due_ns)
    trigger = "0" if due_ns is None else milliseconds(due_ns + call.gateway.skew_ns)
    return [{"triggerTime": trigger, "tag": tag, "ts": milliseconds(call.clock_ns)}]
