"""OKX's public calls. (Docs-v5, public data and market data, 2026-07-28.)"""

from __future__ import annotations

from typing import Any

from vocx.lab.dialects.okx import payloads
from vocx.lab.dialects.okx.calls import Call
from vocx.lab.dialects.okx.wire import BARS, text_of, whole, wrong
from vocx.lab.dialects.shared.numbers import DAY_NS, NS_PER_MS, NS_PER_S, Listing, milliseconds

DEPTH, FULL_DEPTH = 400, 5000
RECENT_BARS = 1440


def time(call: Call) -> list[Any]:
    """The exchange's clock."""
    return [{"ts": milliseconds(call.clock_ns)}]


def instruments(call: Call) -> list[Any]:
    """Of spot only; the other types have none here."""
    spot, name = call.is_spot(needed=True), text_of(call.given, "instId")
    if not spot:
        return []
    catalogue = call.backend.catalogue
    return [payloads.instrument(catalogue.named(name))] if name else payloads.instruments(catalogue)


def underlyings(call: Call) -> list[Any]:
    """Of derivatives only, which have none here: one list, and it is empty."""
    call.is_spot(needed=True)
    return [[]]


def _ticker_row(call: Call, listing: Listing) -> dict[str, Any]:
    window = listing.market.window(DAY_NS, call.now_ns)
    return payloads.ticker(listing, window, call.clock_ns)


def tickers(call: Call) -> list[Any]:
    """The last 24 hours of all."""
    listed = call.backend.catalogue.by_name.values() if call.is_spot(needed=True) else ()
    return [_ticker_row(call, one) for one in listed]


def ticker(call: Call) -> list[Any]:
    """The same of one."""
    return [_ticker_row(call, call.listing())]


def books(call: Call) -> list[Any]:
    """The best levels, one unless more are asked for."""
    return _book(call, DEPTH)


def books_full(call: Call) -> list[Any]:
    """The same, deeper; its rows lack the dead field."""
    (row,) = _book(call, FULL_DEPTH)
    sides = {side: [(p, q, n) for p, q, _, n in row[side]] for side in ("asks", "bids")}
    return [{**row, **sides}]


def _book(call: Call, most: int) -> list[Any]:
    listing = call.listing()
    rows = payloads.top(listing, call.limit(1, most, "sz"))
    return [{**rows, "ts": milliseconds(call.clock_ns), "seqId": listing.market.update_id}]


LAST_MS = 2**63 // NS_PER_MS
"""The last moment that 64 bits of nanoseconds hold."""


def candles(call: Call) -> list[Any]:
    """Recent candles, newest first."""
    return _candles(call, history=False)


def history_candles(call: Call) -> list[Any]:
    """All of them."""
    return _candles(call, history=True)


def _candles(call: Call, *, history: bool) -> list[Any]:
    given, listing = call.given, call.listing()
    bar = text_of(given, "bar") or "1m"
    if bar not in BARS or (bar == "1s" and not history):
        raise wrong("bar")
    after, before, limit = whole(given, "after"), whole(given, "before"), call.limit(100, 300)
    if max(after or 0, before or 0) > LAST_MS:
        raise wrong("after")
    interval, end_ns = BARS[bar], None if after is None else after * NS_PER_MS - 1
    if end_ns is not None and end_ns < 0:
        return []
    bars = listing.market.bars(interval, limit, call.now_ns, end_ns=end_ns)
    oldest = before * NS_PER_MS if before is not None else -1
    if not history and interval.seconds:
        oldest = max(oldest, call.now_ns - RECENT_BARS * interval.seconds * NS_PER_S)
    return [
        payloads.candle(listing, one, one.close_ns <= call.now_ns)
        for one in reversed(bars)
        if one.open_ns > oldest
    ]


def trades(call: Call) -> list[Any]:
    """The newest, newest first."""
    listing = call.listing()
    found = listing.market.trades(call.limit(100, 500))
    return [payloads.trade(listing, one) for one in reversed(found)]


def history_trades(call: Call) -> list[Any]:
    """``after`` and ``before`` are ids, or with ``type=2`` ``after`` is a time."""
    given, listing = call.given, call.listing()
    limit, kind = call.limit(), text_of(given, "type") or "1"
    after, before = whole(given, "after"), whole(given, "before")
    if kind not in ("1", "2") or max(after or 0, before or 0) > 2**62:
        raise wrong("type" if kind not in ("1", "2") else "after")
    market = listing.market
    if kind == "2" and after is not None:
        found = list(market.trades(limit, end_ns=min(after * NS_PER_MS, 2**62) - 1))
    elif after is not None:
        found = [one for one in market.trades(limit, from_id=max(after - limit, 0))
                 if one.trade_id < after]  # fmt: skip
    else:
        found = list(market.trades(limit))
    if kind == "1" and before is not None:
        found = [one for one in found if one.trade_id > before]
    return [payloads.trade(listing, one) for one in reversed(found)]


def status(call: Call) -> list[Any]:
    """A maintenance that is under way; none is ever planned."""
    wanted = text_of(call.given, "state")
    return call.backend.status.rows(call.now_ns) if wanted in ("", "ongoing") else []
