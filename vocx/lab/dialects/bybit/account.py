"""Bybit's account as REST shows it: orders, executions, the wallet, the key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from vocx.lab.dialects.bybit.calls import Call, listed, total_in_usdt, usdt_prices
from vocx.lab.dialects.bybit.reports import execution_row, wallet_row
from vocx.lab.dialects.bybit.wire import Refusal, bad_parameter, order_number, text, whole
from vocx.lab.dialects.shared.numbers import NS_PER_MS, Listing, milliseconds
from vocx.lab.events import FillState, OrderState

WEEK_MS = 7 * 86_400_000
One = TypeVar("One")


# -- orders ------------------------------------------------------------------------------------


def found(call: Call, listing: Listing) -> OrderState | None:
    """The order that is meant; its id counts before its link id."""
    identity, link = text(call.given, "orderId"), text(call.given, "orderLinkId")
    symbol = listing.format.spec.symbol
    if identity:
        return call.records.order(call.owner, symbol, order_number(listing, identity))
    return call.records.order(call.owner, symbol, client_order_id=link) if link else None


def _of_id(call: Call) -> list[tuple[Listing, OrderState]]:
    orders = ((listing, found(call, listing)) for listing in call.some())
    return [(listing, order) for listing, order in orders if order is not None]


def _all(call: Call, open_only: bool) -> list[tuple[Listing, OrderState]]:
    return [
        (listing, order)
        for listing in call.some()
        for order in call.records.orders(call.owner, listing.format.spec.symbol, open_only)
    ]


def realtime(call: Call) -> dict[str, Any]:
    """Open orders, or the last 500 closed ones (``openOnly=1``); by id whichever it is."""
    category = call.category()
    if category != "spot":
        return listed(category, [])
    if text(call.given, "orderId") or text(call.given, "orderLinkId"):
        return _page(call, _of_id(call), 20, 50)
    if whole(call.given, "openOnly", 0) == 0:
        return _page(call, _all(call, True), 20, 50)
    closed = [one for one in _all(call, False) if not one[1].open]
    return _page(call, sorted(closed, key=_order_time)[-500:], 20, 50)


def history(call: Call) -> dict[str, Any]:
    """Closed orders of a week, by id of any time."""
    category = call.category()
    if category != "spot":
        return listed(category, [])
    if text(call.given, "orderId") or text(call.given, "orderLinkId"):
        chosen = [one for one in _of_id(call) if not one[1].open]
        return _page(call, chosen, 20, 50)
    start, end = _span(call)
    status = text(call.given, "orderStatus")
    rows = [
        (listing, order)
        for listing, order in _all(call, False)
        if not order.open and start <= order.created_ns // NS_PER_MS <= end
    ]
    page = _page(call, rows, 20, 50)
    more = {"extraFees": "", "rpiTakerAccess": False, "rpiMatchedQty": "0"}
    page["list"] = [{**row, **more} for row in page["list"] if status in ("", row["orderStatus"])]
    return page


def _span(call: Call) -> tuple[int, int]:
    """``startTime`` and ``endTime``: at most a week apart; without them the last week, with one of
    them the week beside it."""
    start, end = whole(call.given, "startTime", -1), whole(call.given, "endTime", -1)
    if start >= 0 and end >= 0 and not 0 <= end - start <= WEEK_MS:
        raise bad_parameter("startTime and endTime are at most 7 days apart")
    if start < 0:
        end = call.clock_ns // NS_PER_MS if end < 0 else end
        return end - WEEK_MS, end
    return start, end if end >= 0 else start + WEEK_MS


def _order_time(one: tuple[Listing, OrderState]) -> tuple[int, ...]:
    listing, order = one
    return order.created_ns, listing.number, order.id


def _page(
    call: Call, orders: Iterable[tuple[Listing, OrderState]], default: int, most: int
) -> dict[str, Any]:
    """Newest first; the cursor is the last row that was given."""
    rows, cursor = _cut(call, list(orders), _order_time, call.limit(default, most))
    return listed("spot", [call.book.row(listing, order) for listing, order in rows], cursor)


def _cut(
    call: Call, rows: list[One], key: Callable[[One], tuple[int, ...]], limit: int
) -> tuple[list[One], str]:
    """A page of rows, newest first, behind a cursor, and the cursor of the next."""
    rows = sorted(rows, key=key, reverse=True)
    cursor = text(call.given, "cursor")
    if cursor:
        try:
            behind = tuple(int(one) for one in cursor.split("_"))
        except ValueError:
            raise bad_parameter("cursor is invalid") from None
        rows = [one for one in rows if key(one) < behind]
    page = rows[:limit]
    return page, "_".join(map(str, key(page[-1]))) if len(rows) > limit else ""


def executions(call: Call) -> dict[str, Any]:
    """Matches, newest first; those of one order whatever else is asked."""
    category = call.category()
    if category != "spot":
        return listed(category, [])
    by_id = bool(text(call.given, "orderId") or text(call.given, "orderLinkId"))
    chosen = {(one.format.name, order.id) for one, order in _of_id(call)} if by_id else set()
    start, end = _span(call)
    rows = [
        (listing, fill)
        for listing in call.some()
        for fill in call.records.fills(call.owner, listing.format.spec.symbol)
        if (by_id and (listing.format.name, fill.order.id) in chosen)
        or (not by_id and start <= fill.trade.at_ns // NS_PER_MS <= end)
    ]
    if text(call.given, "execType", "Trade") != "Trade":
        rows = []
    page, cursor = _cut(call, rows, _fill_time, call.limit(50, 100))
    schedule = call.records.fees(call.owner)
    rates = {True: schedule.maker, False: schedule.taker}
    return listed(
        "spot", [execution_row(one, fill, rates[fill.maker]) for one, fill in page], cursor
    )


def _fill_time(one: tuple[Listing, FillState]) -> tuple[int, ...]:
    listing, fill = one
    return fill.trade.at_ns, listing.number, fill.trade.trade_id


# -- the account -------------------------------------------------------------------------------


def wallet(call: Call) -> dict[str, Any]:
    """The coins that are named, or all that are not zero."""
    if text(call.given, "accountType") != "UNIFIED":
        raise bad_parameter("accountType only support UNIFIED.")
    names = [name for name in text(call.given, "coin").split(",") if name]
    balances = call.records.balances(call.owner)
    prices = usdt_prices(call.catalogue)
    total = total_in_usdt(balances, prices)
    if unknown := [name for name in names if name not in balances]:
        raise Refusal(170221, f"This coin does not exist: {unknown[0][:20]}")
    shown = [
        (asset, *both)
        for asset, both in balances.items()
        if (asset in names if names else any(both))
    ]
    return {"list": [wallet_row(shown, prices, total)]}


def info(call: Call) -> dict[str, Any]:
    """A unified account of the second kind."""
    return {
        "marginMode": "REGULAR_MARGIN",
        "updatedTime": milliseconds(call.gateway.start_ns),
        "unifiedMarginStatus": 5,
        "dcpStatus": "OFF",
        "timeWindow": 0,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


_OTHER_PRODUCTS = (
    *("ContractTrade", "Options", "Derivatives", "CopyTrading", "BlockTrade"),
    *("Exchange", "NFT", "Affiliate", "Earn"),
)
"""All kinds of permissions are listed, with nothing for what a key may not do."""


def key_information(call: Call) -> dict[str, Any]:
    """What a key may do."""
    key = call.key
    assert key is not None
    return {
        "id": "1",
        "note": "lab",
        "apiKey": key.key,
        "readOnly": 0 if key.trade else 1,
        "secret": "",
        "permissions": {
            **dict.fromkeys(_OTHER_PRODUCTS, ()),
            "Spot": ["SpotTrade"] if key.trade else [],
            "Wallet": [],
        },
        "ips": list(key.addresses) or ["*"],
        "type": 1,
        "deadlineDay": 90,
        "expiredAt": "2027-12-31T00:00:00Z",
        "createdAt": "2026-01-01T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": call.gateway.number_of(key.owner),
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_DEFAULT",
        "kycRegion": "",
    }


def fee_rate(call: Call) -> dict[str, Any]:
    """Of one symbol, or of all; ``category`` may be absent (a choice: clients leave it out)."""
    if call.category("spot") != "spot":
        return {"category": call.category("spot"), "list": []}
    fees = call.records.fees(call.owner)
    rates = {
        "takerFeeRate": f"{fees.taker.normalize():f}",
        "makerFeeRate": f"{fees.maker.normalize():f}",
    }
    rows = [{"symbol": one.format.name, **rates} for one in call.some()]
    return {"category": "spot", "list": rows}
