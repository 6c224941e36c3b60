"""Market data that REST and the WebSocket API share: the book, trades, candles, the symbols.

Binance Spot REST documentation a5e0bc3 (2026-07-21), sections 6.1 to 6.7 of our notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from vocx.lab.dialects.binance import filters
from vocx.lab.dialects.binance.calls import Call, combination
from vocx.lab.dialects.binance.catalogue import AggTrade, Symbol
from vocx.lab.dialects.binance.endpoint import Endpoint
from vocx.lab.dialects.binance.filters import AVERAGE_MINUTES
from vocx.lab.dialects.binance.params import Params, missing
from vocx.lab.dialects.binance.wire import Refusal, last_stamp
from vocx.lab.dialects.shared.numbers import NS_PER_S, eight_decimals
from vocx.lab.events import Interval, Traded

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
INTERVALS = {
    name: Interval(seconds=int(name[:-1]) * _UNITS[name[-1]])
    for name in "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w".split()
} | {"1M": Interval(months=1)}
"""Intervals by Binance's names: ``1m`` is a minute, ``1M`` a month."""
_DEPTH_PRICES = ((100, 5), (500, 25), (1000, 50), (5000, 250))


def ping(call: Call) -> dict[str, Any]:
    """``{}``."""
    return {}


def time(call: Call) -> dict[str, Any]:
    """The exchange's clock."""
    return {"serverTime": call.stamp(call.clock_ns)}


def depth(call: Call) -> dict[str, Any]:
    """The best levels and the id of the last update that they contain."""
    listing = call.listing()
    limit = call.params.limit(100, 5000)
    bids, asks = listing.top(limit)
    return {
        "lastUpdateId": listing.market.update_id,
        "bids": [(price, quantity) for price, quantity, _ in bids],
        "asks": [(price, quantity) for price, quantity, _ in asks],
    }


def depth_weight(params: Params) -> int:
    """5, 25, 50 or 250 by the number of levels."""
    try:
        limit = params.limit(100, 5000)
    except Refusal:
        limit = 100
    return next(weight for most, weight in _DEPTH_PRICES if limit <= most)


def trades(call: Call) -> list[dict[str, Any]]:
    """The newest trades."""
    listing = call.listing()
    return _trades(call, listing, listing.market.trades(call.params.limit(500, 1000)))


def historical_trades(call: Call) -> list[dict[str, Any]]:
    """Trades from an id on, else the newest."""
    listing = call.listing()
    limit = call.params.limit(500, 1000)
    from_id = call.params.number("fromId")
    return _trades(call, listing, listing.market.trades(limit, from_id=from_id))


def _trades(call: Call, listing: Symbol, found: Sequence[Traded]) -> list[dict[str, Any]]:
    form = listing.format
    return [
        {
            "id": trade.trade_id,
            "price": form.price[trade.price],
            "qty": form.quantity[trade.quantity],
            "quoteQty": form.quote(trade.price * trade.quantity),
            "time": call.stamp(trade.at_ns),
            "isBuyerMaker": trade.taker == "sell",
            "isBestMatch": True,
        }
        for trade in found
    ]


def agg_trades(call: Call) -> list[dict[str, Any]]:
    """Aggregate trades by id, by time, or the newest; both time bounds are inclusive."""
    listing = call.listing()
    params = call.params
    limit = params.limit(500, 1000)
    from_id, start, end = params.number("fromId"), params.time_ns("startTime"), _end_ns(call)
    if from_id is not None and (start is not None or end is not None):
        raise combination()
    aggregates = listing.aggregates
    if from_id is not None:
        found = aggregates.from_id(from_id, limit)
    elif start is not None:
        found = [a for a in aggregates.since(start, limit) if end is None or a.at_ns <= end]
    elif end is not None:
        found = aggregates.until(end, limit)
    else:
        found = aggregates.newest(limit)
    return [_agg_trade(call, listing, item) for item in found]


def _agg_trade(call: Call, listing: Symbol, item: AggTrade) -> dict[str, Any]:
    return {
        "a": item.id,
        "p": listing.format.price[item.price],
        "q": listing.format.quantity[item.quantity],
        "f": item.first,
        "l": item.last,
        "T": call.stamp(item.at_ns),
        "m": item.seller_took,
        "M": True,
    }


def _end_ns(call: Call) -> int | None:
    """``endTime``, inclusive to the end of its millisecond."""
    end = call.params.time_ns("endTime")
    return None if end is None else end + 999_999


def klines(call: Call) -> list[tuple[Any, ...]]:
    """Candles as arrays of twelve; the last one may still be open."""
    listing = call.listing()
    params = call.params
    interval = params.text("interval")
    if interval is None or interval not in INTERVALS:
        raise Refusal(-1120, "Invalid interval.")
    form = listing.format
    bars = listing.market.bars(
        interval_of(interval, params.zone_ns()),
        params.limit(500, 1000),
        call.now_ns,
        start_ns=params.time_ns("startTime"),
        end_ns=params.time_ns("endTime"),
    )
    return [
        (
            call.stamp(bar.open_ns),
            form.price[bar.open],
            form.price[bar.high],
            form.price[bar.low],
            form.price[bar.close],
            form.quantity[bar.volume],
            last_stamp(bar.close_ns, call.unit_ns),
            form.quote(bar.quote_volume),
            bar.trades,
            form.quantity[bar.taker_buy_volume],
            form.quote(bar.taker_buy_quote),
            "0",
        )
        for bar in bars
    ]


def interval_of(name: str, offset_ns: int) -> Interval:
    """The interval of a name, in the time zone that is so far ahead of UTC."""
    return msgspec.structs.replace(INTERVALS[name], offset_s=offset_ns // NS_PER_S)


def average_price(call: Call) -> dict[str, Any]:
    """The volume-weighted price of the last five minutes."""
    price_e8, last_ns = call.listing().market.average_price(AVERAGE_MINUTES, call.now_ns)
    return {
        "mins": AVERAGE_MINUTES,
        "price": eight_decimals(price_e8),
        "closeTime": call.stamp(last_ns),
    }


def exchange_info(call: Call) -> dict[str, Any]:
    """The symbols with their filters (limits are put in front by the caller's surface)."""
    params = call.params
    chosen = [name for name in ("symbol", "symbols", "permissions") if params.has(name)]
    if len(chosen) > 1 or (params.has("symbolStatus") and chosen[:1] in (["symbol"], ["symbols"])):
        raise combination()
    found = call.listings()
    listings = found if isinstance(found, list) else [found]
    if params.has("permissions") and "SPOT" not in _permissions(params):
        listings = []
    show_sets = params.flag("showPermissionSets", True)
    return {
        "timezone": "UTC",
        "serverTime": call.stamp(call.clock_ns),
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [_symbol(listing, show_sets) for listing in listings],
    }


def _permissions(params: Params) -> list[str]:
    text = params.text("permissions") or ""
    if not text.startswith("["):
        return [text]
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.DecodeError:
        raise missing("permissions") from None


def _symbol(listing: Symbol, show_sets: bool) -> dict[str, Any]:
    spec = listing.format.spec
    symbol: dict[str, Any] = {
        "symbol": listing.format.name,
        "status": "TRADING",
        "baseAsset": spec.base,
        "baseAssetPrecision": 8,
        "quoteAsset": spec.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters.definitions(listing),
        "permissions": [],
    }
    if show_sets:
        symbol["permissionSets"] = [["SPOT"]]
    symbol["defaultSelfTradePreventionMode"] = "EXPIRE_MAKER"
    symbol["allowedSelfTradePreventionModes"] = [
        "NONE",
        "EXPIRE_TAKER",
        "EXPIRE_MAKER",
        "EXPIRE_BOTH",
    ]
    return symbol


_SYMBOL = ("symbol",)
_KLINES = ("symbol", "interval", "startTime", "endTime", "timeZone", "limit")
ENDPOINTS = (
    Endpoint("ping", ping),
    Endpoint("time", time),
    Endpoint(
        "exchangeInfo",
        exchange_info,
        cost=20,
        allowed=("symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"),
    ),
    Endpoint(
        "depth",
        depth,
        cost=depth_weight,
        allowed=("symbol", "limit", "symbolStatus"),
        mandatory=_SYMBOL,
    ),
    Endpoint(
        "trades",
        trades,
        method="trades.recent",
        cost=25,
        allowed=("symbol", "limit"),
        mandatory=_SYMBOL,
    ),
    Endpoint(
        "historicalTrades",
        historical_trades,
        method="trades.historical",
        cost=25,
        allowed=("symbol", "limit", "fromId"),
        mandatory=_SYMBOL,
    ),
    Endpoint(
        "aggTrades",
        agg_trades,
        method="trades.aggregate",
        cost=4,
        allowed=("symbol", "fromId", "startTime", "endTime", "limit"),
        mandatory=_SYMBOL,
    ),
    *(
        Endpoint(name, klines, cost=2, allowed=_KLINES, mandatory=("symbol", "interval"))
        for name in ("klines", "uiKlines")
    ),
    Endpoint("avgPrice", average_price, cost=2, allowed=_SYMBOL, mandatory=_SYMBOL),
)
