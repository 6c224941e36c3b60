"""Tickers over REST and the WebSocket API: 24 hours, trading day, rolling windows, best prices."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from vocx.lab.dialects.binance.calls import Call, counted
from vocx.lab.dialects.binance.catalogue import Symbol
from vocx.lab.dialects.binance.endpoint import Endpoint
from vocx.lab.dialects.binance.market import interval_of
from vocx.lab.dialects.binance.params import Params, not_valid
from vocx.lab.dialects.binance.wire import Refusal, last_stamp
from vocx.lab.dialects.shared.numbers import DAY_NS, NS_PER_S, SymbolFormat, ratio
from vocx.lab.events import Bar, Window

MINUTE_NS = 60 * NS_PER_S
_WINDOW = re.compile(r"([1-9]|[1-5]\d)m|([1-9]|1\d|2[0-3])h|([1-7])d")
_MOST_SYMBOLS = 100


def window_ns(text: str) -> int | None:
    """The length of ``windowSize``: 1m to 59m, 1h to 23h, 1d to 7d; ``None`` otherwise."""
    match = _WINDOW.fullmatch(text)
    if match is None:
        return None
    minutes, hours, days = (int(part or 0) for part in match.groups())
    return minutes * MINUTE_NS + hours * 60 * MINUTE_NS + days * DAY_NS


def from_whole_minute(length_ns: int, now_ns: int) -> int:
    """The length of a rolling window that opens on a whole minute and holds ``length_ns``."""
    return now_ns - (now_ns - length_ns) // MINUTE_NS * MINUTE_NS


def change_percent(opened: int, closed: int) -> str:
    """Change in percent of the opening price, three decimals."""
    thousandths = ratio((closed - opened) * 100_000, opened)
    whole, rest = divmod(abs(thousandths), 1000)
    return f"{'-' if thousandths < 0 else ''}{whole}.{rest:03d}"


def _each(call: Call, make: Callable[[Symbol], dict[str, Any]]) -> Any:
    found = call.listings()
    return [make(item) for item in found] if isinstance(found, list) else make(found)


def _kind(params: Params) -> bool:
    """Whether ``type`` is FULL."""
    kind = params.text("type")
    if kind not in (None, "FULL", "MINI"):
        raise Refusal(-1139, "Invalid ticker type.")
    return kind != "MINI"


def _changes(form: SymbolFormat, seen: Window | Bar) -> dict[str, str]:
    return {
        "priceChange": form.signed_price(seen.close - seen.open),
        "priceChangePercent": change_percent(seen.open, seen.close),
        "weightedAvgPrice": form.average(seen.quote_volume, seen.volume),
    }


def _totals(
    form: SymbolFormat, seen: Window | Bar, open_time: int, close_time: int
) -> dict[str, Any]:
    return {
        "volume": form.quantity[seen.volume],
        "quoteVolume": form.quote(seen.quote_volume),
        "openTime": open_time,
        "closeTime": close_time,
        "firstId": seen.first,
        "lastId": seen.last,
        "count": seen.trades,
    }


def _range(form: SymbolFormat, seen: Window | Bar, *, last: bool = True) -> dict[str, str]:
    prices = {
        "openPrice": form.price[seen.open],
        "highPrice": form.price[seen.high],
        "lowPrice": form.price[seen.low],
    }
    return prices | {"lastPrice": form.price[seen.close]} if last else prices


def day(call: Call) -> Any:
    """The last 24 hours."""
    full = _kind(call.params)

    def make(listing: Symbol) -> dict[str, Any]:
        form, seen = listing.format, listing.market.window(DAY_NS, call.now_ns)
        totals = _totals(form, seen, call.stamp(call.now_ns - DAY_NS), call.stamp(call.now_ns))
        if not full:
            return {"symbol": form.name} | _range(form, seen) | totals
        bid, bid_quantity, ask, ask_quantity = listing.market.best()
        best = {
            "prevClosePrice": form.price[seen.previous_close],
            "lastPrice": form.price[seen.close],
            "lastQty": form.quantity[seen.last_quantity],
            "bidPrice": form.price[bid],
            "bidQty": form.quantity[bid_quantity],
            "askPrice": form.price[ask],
            "askQty": form.quantity[ask_quantity],
        }
        return (
            {"symbol": form.name}
            | _changes(form, seen)
            | best
            | _range(form, seen, last=False)
            | totals
        )

    return _each(call, make)


def _day_weight(params: Params) -> int:
    count = counted(params)
    if count == 0 or count > 100:
        return 80
    return 2 if count <= 20 else 40


def rolling(call: Call) -> Any:
    """A rolling window of ``windowSize`` that opens on a whole minute."""
    full = _kind(call.params)
    length = window_ns(call.params.text("windowSize") or "1d")
    if length is None:
        raise not_valid("windowSize")
    length = from_whole_minute(length, call.now_ns)

    def make(listing: Symbol) -> dict[str, Any]:
        seen = listing.market.window(length, call.now_ns)
        return _windowed(
            listing.format,
            seen,
            full,
            call.stamp(call.now_ns - length),
            call.stamp(seen.close_ns),
        )

    return _each(_bounded(call), make)


def trading_day(call: Call) -> Any:
    """The calendar day, in ``timeZone``."""
    full = _kind(call.params)
    offset = call.params.zone_ns()

    def make(listing: Symbol) -> dict[str, Any]:
        (seen,) = listing.market.bars(interval_of("1d", offset), 1, call.now_ns)
        close_time = last_stamp(seen.close_ns, call.unit_ns)
        return _windowed(listing.format, seen, full, call.stamp(seen.open_ns), close_time)

    return _each(_bounded(call), make)


def _bounded(call: Call) -> Call:
    """``symbol`` or ``symbols`` must be sent, at most 100."""
    if not (call.params.has("symbol") or call.params.has("symbols")):
        raise Refusal(-1102, "Param 'symbol' or 'symbols' must be sent, but both were empty/null!")
    if len(call.params.symbols() or ()) > _MOST_SYMBOLS:
        raise not_valid("symbols")
    return call


def _windowed(
    form: SymbolFormat, seen: Window | Bar, full: bool, open_time: int, close_time: int
) -> dict[str, Any]:
    changes = _changes(form, seen) if full else {}
    return (
        {"symbol": form.name}
        | changes
        | _range(form, seen)
        | _totals(form, seen, open_time, close_time)
    )


def _per_symbol(params: Params) -> int:
    return min(4 * max(counted(params), 1), 200)


def price(call: Call) -> Any:
    """The last price."""

    def make(listing: Symbol) -> dict[str, Any]:
        newest = listing.market.trades(1)
        ticks = newest[-1].price if newest else 0
        return {"symbol": listing.format.name, "price": listing.format.price[ticks]}

    return _each(call, make)


def book(call: Call) -> Any:
    """The best prices with their quantities."""

    def make(listing: Symbol) -> dict[str, Any]:
        form = listing.format
        bid, bid_quantity, ask, ask_quantity = listing.market.best()
        return {
            "symbol": form.name,
            "bidPrice": form.price[bid],
            "bidQty": form.quantity[bid_quantity],
            "askPrice": form.price[ask],
            "askQty": form.quantity[ask_quantity],
        }

    return _each(call, make)


def _one_or_more(params: Params) -> int:
    return 2 if params.has("symbol") else 4


_NAMES = ("symbol", "symbols", "symbolStatus")
ENDPOINTS = (
    Endpoint("ticker/24hr", day, method="ticker.24hr", cost=_day_weight, allowed=(*_NAMES, "type")),
    Endpoint(
        "ticker/tradingDay",
        trading_day,
        method="ticker.tradingDay",
        cost=_per_symbol,
        allowed=(*_NAMES, "timeZone", "type"),
    ),
    Endpoint("ticker/price", price, method="ticker.price", cost=_one_or_more, allowed=_NAMES),
    Endpoint("ticker/bookTicker", book, method="ticker.book", cost=_one_or_more, allowed=_NAMES),
    Endpoint("ticker", rolling, cost=_per_symbol, allowed=(*_NAMES, "windowSize", "type")),
)
