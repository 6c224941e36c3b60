"""What an OKX account may ask about itself: orders, fills, balances, its configuration. (Docs-v5,
trade and account, 2026-07-28.)"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from vocx.lab.dialects.okx import reports
from vocx.lab.dialects.okx.calls import Call
from vocx.lab.dialects.okx.orders import found
from vocx.lab.dialects.okx.wire import (
    ORDER_BASE,
    Refusal,
    amount,
    needed,
    text_of,
    whole,
    wrong,
)
from vocx.lab.dialects.shared.numbers import DAY_NS, NS_PER_MS, NS_PER_S, milliseconds
from vocx.lab.events import OrderState

MOST_CURRENCIES = 20
GONE_NS = 2 * 3600 * NS_PER_S
"""A cancelled order without a fill can be asked for so long."""


class Bounds(msgspec.Struct, frozen=True):
    """Which rows of a list are asked for: by id (``after`` is an upper bound, ``before`` a lower
    one, neither included) and by time."""

    after: int | None
    before: int | None
    begin: int | None
    end: int | None

    def within(self, number: int, at_ns: int) -> bool:
        """Whether a row is among them."""
        at_ms = at_ns // NS_PER_MS
        return (
            (self.after is None or number < self.after)
            and (self.before is None or number > self.before)
            and (self.begin is None or at_ms >= self.begin)
            and (self.end is None or at_ms <= self.end)
        )


def _bounds(call: Call) -> Bounds:
    return Bounds(*(whole(call.given, name) for name in ("after", "before", "begin", "end")))


def one_order(call: Call) -> list[Any]:
    """One order by either id."""
    order = found(call, call.given, call.listing(), "51603")
    if order is None or _forgotten(call, order):
        raise Refusal("51603")
    return [call.backend.book.order(order)]


def _forgotten(call: Call, order: OrderState) -> bool:
    ended = not order.open and not order.filled
    return ended and call.clock_ns - order.updated_ns > GONE_NS


def open_orders(call: Call) -> list[Any]:
    """All open orders."""
    return _orders(call, None)


def closed_orders(days: int) -> Callable[[Call], list[Any]]:
    """Those that ended within so many days."""
    return lambda call: _orders(call, days)


def _orders(call: Call, days: int | None) -> list[Any]:
    """Orders as the parameters of all lists say, newest first."""
    given, book = call.given, call.backend.book
    spot, name = call.is_spot(needed=days is not None), text_of(given, "instId")
    symbol = call.backend.catalogue.named(name).format.spec.symbol if name else None
    limit, bounds = call.limit(), _bounds(call)
    types, states = text_of(given, "ordType").split(","), text_of(given, "state").split(",")
    if not spot:
        return []
    rows = []
    orders = call.records.orders(call.owner, symbol, open_only=days is None)
    for order in sorted(orders, key=lambda one: (-one.created_ns, -one.id)):
        closed_ns = 0 if order.open else call.clock_ns - order.updated_ns
        if (
            not bounds.within(ORDER_BASE + order.id, order.created_ns)
            or (types != [""] and reports.order_type(order) not in types)
            or _forgotten(call, order)
            or (days is not None and (order.open or closed_ns > days * DAY_NS))
        ):
            continue
        row = book.order(order)
        if states == [""] or row["state"] in states:
            rows.append(row)
        if len(rows) == limit:
            break
    return rows


def fills(days: int, *, typed: bool = False) -> Callable[[Call], list[Any]]:
    """Matches of so many days, newest first; ``typed``: the type must be said."""

    def answer(call: Call) -> list[Any]:
        given, catalogue, tags = call.given, call.backend.catalogue, call.backend.book.tags
        spot, name = call.is_spot(needed=typed), text_of(given, "instId")
        bounds, wanted, limit = _bounds(call), text_of(given, "ordId"), call.limit()
        listed = [catalogue.named(name)] if name else catalogue.by_name.values()
        if not spot:
            return []
        rows = []
        for listing in listed:
            for one in call.records.fills(call.owner, listing.format.spec.symbol):
                bill = int(reports.bill_id(one))
                if (
                    bounds.within(bill, one.trade.at_ns)
                    and wanted in ("", reports.order_id(one.order.id))
                    and call.clock_ns - one.trade.at_ns <= days * DAY_NS
                ):
                    rows.append((bill, reports.fill(listing, one, tags.get(one.order.id, ""))))
        rows.sort(key=lambda pair: -pair[0])
        return [row for _, row in rows[:limit]]

    return answer


def balance(call: Call) -> list[Any]:
    """The currencies that are named, or all."""
    wanted = [one for one in text_of(call.given, "ccy").split(",") if one]
    if len(wanted) > MOST_CURRENCIES:
        raise wrong("ccy")
    return [call.backend.book.balances(call.owner, wanted)]


def configuration(call: Call) -> list[Any]:
    """A spot account without margin."""
    number = str(call.gateway.number_of(call.owner))
    return [
        {
            "acctLv": "1",
            "posMode": "net_mode",
            "uid": number,
            "mainUid": number,
            "perm": "read_only,trade",
            "level": "Lv1",
            "levelTmp": "",
            "type": "0",
            "acctStpMode": "cancel_maker",
            "ip": "",
            "label": "lab",
            "kycLv": "2",
            "roleType": "0",
            "ctIsoMode": "automatic",
            "mgnIsoMode": "automatic",
            "autoLoan": False,
            "greeksType": "PA",
            "opAuth": "0",
            "enableSpotBorrow": False,
            "spotOffsetType": "",
            "settleCcy": "",
            "settleCcyList": [],
            "spotRoleType": "0",
            "spotTraderInsts": [],
            "traderInsts": [],
        }
    ]


def trade_fee(call: Call) -> list[Any]:
    """The rates, which are negative where they cost."""
    needed(call.given, "instType")
    fees = call.records.fees(call.owner)
    maker, taker = amount(-fees.maker), amount(-fees.taker)
    empty = dict.fromkeys("makerU takerU makerUSDC takerUSDC delivery exercise".split(), "")
    return [
        {
            **empty,
            "category": "1",
            "instType": "SPOT",
            "level": "Lv1",
            "maker": maker,
            "taker": taker,
            "feeGroup": [{"groupId": "1", "maker": maker, "taker": taker}],
            "fiat": [],
            "ruleType": "normal",
            "ts": milliseconds(call.clock_ns),
        }
    ]


def rate_limit(call: Call) -> list[Any]:
    """Of the account as a whole; the lab does not count it."""
    row = {"accRateLimit": "1000", "nextAccRateLimit": "1000", "fillRatio": "", "mainFillRatio": ""}
    return [{**row, "ts": milliseconds(call.clock_ns)}]
