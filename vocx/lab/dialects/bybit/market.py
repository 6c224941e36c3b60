"""Bybit's public calls (documentation V5, market, 2026-07-24).

Absent, with reasons: ``full_orderbook`` and ``price-limit`` (no client of spot needs them, and the
formula of the latter is not published).
"""

from __future__ import annotations

from typing import Any

from vocx.lab.dialects.bybit import payloads
from vocx.lab.dialects.bybit.calls import Call, listed
from vocx.lab.dialects.bybit.catalogue import unknown_symbol
from vocx.lab.dialects.bybit.wire import bad_parameter, text, whole
from vocx.lab.dialects.shared.numbers import DAY_NS, NS_PER_MS, NS_PER_S


def time(call: Call) -> dict[str, str]:
    """Seconds and nanoseconds, as texts."""
    return {"timeSecond": str(call.clock_ns // NS_PER_S), "timeNano": str(call.clock_ns)}


def instruments(call: Call) -> dict[str, Any]:
    """All of spot in one page; of other categories nothing, which clients ask for as well."""
    category = call.category()
    if category != "spot":
        return listed(category, [])
    name = text(call.given, "symbol")
    rows = [
        payloads.instrument(one)
        for one in call.catalogue.by_name.values()
        if name in ("", one.format.name) and text(call.given, "status", "Trading") == "Trading"
    ]
    if name and not rows:
        raise unknown_symbol()
    return {"category": "spot", "list": rows}


def account_instruments(call: Call) -> dict[str, Any]:
    """The same for a user."""
    more = {"isPublicRpi": False, "myRpiPermission": False}
    found = instruments(call)
    return {**found, "list": [{**row, **more} for row in found["list"]]}


def orderbook(call: Call) -> dict[str, Any]:
    """The book; one level unless more are asked for."""
    listing = call.listing()
    bids, asks = listing.top(call.limit(1, 1000))
    now_ms, update_id = call.now_ns // NS_PER_MS, listing.market.update_id
    return {
        "s": listing.format.name,
        "a": payloads.levels(asks),
        "b": payloads.levels(bids),
        "ts": now_ms,
        "u": update_id,
        "seq": payloads.SEQUENCE + update_id,
        "cts": now_ms,
    }


def kline(call: Call) -> dict[str, Any]:
    """Candles, newest first, the open one included: with a start alone the first so many from
    it, with an end the last so many of the range (a choice)."""
    if call.category("linear") != "spot":
        raise unknown_symbol()
    listing, limit = call.listing(), call.limit(200, 1000)
    name = text(call.given, "interval")
    interval = payloads.INTERVALS.get(name)
    if interval is None:
        raise bad_parameter("interval is invalid" if name else "interval is missing")
    start, end = whole(call.given, "start", -1), whole(call.given, "end", -1)
    if max(start, end) > 10**13 or (end >= 0 and start > end):
        raise bad_parameter("start and end are no range of time")
    start_ns = None if start < 0 else start * NS_PER_MS
    end_ns = None if end < 0 else end * NS_PER_MS
    if start_ns is not None and end_ns is not None:
        length_ns = (interval.seconds or 28 * 86_400) * NS_PER_S
        start_ns = max(start_ns, end_ns - limit * length_ns)
    most = limit if start_ns is None or end_ns is None else 1000
    bars = listing.market.bars(interval, most, call.now_ns, start_ns=start_ns, end_ns=end_ns)
    rows = [payloads.candle(listing, bar) for bar in bars][-limit:]
    return {"category": "spot", "symbol": listing.format.name, "list": rows[::-1]}


def trades(call: Call) -> dict[str, Any]:
    """The newest, newest first; there is no paging."""
    listing = call.listing()
    found = listing.market.trades(call.limit(60, 60))
    return {"category": "spot", "list": [payloads.trade(listing, one) for one in found][::-1]}


def tickers(call: Call) -> dict[str, Any]:
    """One symbol, or all of them."""
    if call.category() != "spot":
        return {"category": call.category(), "list": []}
    chosen = [call.listing()] if text(call.given, "symbol") else call.catalogue.by_name.values()
    return {
        "category": "spot",
        "list": [payloads.ticker(one, one.market.window(DAY_NS, call.now_ns)) for one in chosen],
    }
