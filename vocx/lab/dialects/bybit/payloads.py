"""Bybit's rows and frames of market data: exact numbers to text.

Documentation V5 (market and WebSocket, 2026-07-24), members in the order that was seen in 2026.
Prices, sizes and ids are texts, ``u``, ``seq`` and the times of frames are numbers. ``seq`` counts
the changes of a symbol's book here, and of trades the trades: comparable between depths and with
REST, as at the venue, but not between books and trades (a choice).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vocx.lab.dialects.bybit.wire import fill_id
from vocx.lab.dialects.shared.numbers import (
    E8,
    NS_PER_MS,
    Listing,
    Row,
    amount,
    milliseconds,
    ratio,
    shortest,
)
from vocx.lab.dialects.shared.reading import encode
from vocx.lab.events import Bar, Interval, Traded, Window

SEQUENCE = 100_000_000_000
INTERVALS: Mapping[str, Interval] = {
    **{str(n): Interval(seconds=60 * n) for n in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": Interval(seconds=86_400),
    "W": Interval(seconds=604_800),
    "M": Interval(months=1),
}
_SIDES = {"buy": "Buy", "sell": "Sell"}


def side(one: str) -> str:
    """``Buy`` or ``Sell``."""
    return _SIDES[one]


def levels(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Levels without the number of their orders."""
    return [(price, quantity) for price, quantity, _ in rows]


def instrument(listing: Listing) -> dict[str, Any]:
    """One row of instruments-info."""
    form = listing.format
    spec = form.spec
    most = amount(spec.max_quantity)
    return {
        "symbolId": listing.number,
        "symbol": form.name,
        "baseCoin": spec.base,
        "quoteCoin": spec.quote,
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "none",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": amount(spec.lot),
            "quotePrecision": f"{(spec.lot * spec.tick).normalize():f}",
            "minOrderQty": amount(spec.lot),
            "maxOrderQty": most,
            "minOrderAmt": amount(spec.min_notional),
            "maxOrderAmt": amount(spec.max_quantity * spec.price),
            "maxLimitOrderQty": most,
            "maxMarketOrderQty": amount(spec.max_quantity / 2),
            "postOnlyMaxLimitOrderSize": most,
        },
        "priceFilter": {"tickSize": amount(spec.tick)},
        "riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"},
        "symbolType": "",
    }


def trade(listing: Listing, one: Traded) -> dict[str, Any]:
    """A row of recent-trade: times and sequence are texts here."""
    form = listing.format
    return {
        "execId": fill_id(listing, one.trade_id),
        "symbol": form.name,
        "price": form.price[one.price],
        "size": form.quantity[one.quantity],
        "side": _SIDES[one.taker],
        "time": milliseconds(one.at_ns),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(SEQUENCE + one.trade_id),
    }


def trades_frame(listing: Listing, events: Sequence[Traded], now_ns: int, unit_ns: int) -> bytes:
    """The trades of one moment, numbers where REST has texts; at most 1,024 fit a message, and no
    moment of the lab has so many."""
    form = listing.format
    rows = [
        {
            "i": fill_id(listing, one.trade_id),
            "T": one.at_ns // NS_PER_MS,
            "p": form.price[one.price],
            "v": form.quantity[one.quantity],
            "S": _SIDES[one.taker],
            "seq": SEQUENCE + one.trade_id,
            "s": form.name,
            "BT": False,
            "RPI": False,
        }
        for one in events
    ]
    head = {"topic": f"publicTrade.{form.name}", "ts": now_ns // NS_PER_MS, "type": "snapshot"}
    return encode({**head, "data": rows})


def book_frame(
    listing: Listing,
    depth: int,
    kind: str,
    bids: Sequence[Row],
    asks: Sequence[Row],
    u: int,
    update_id: int,
    now_ns: int,
) -> bytes:
    """A snapshot or a delta."""
    name, now_ms = listing.format.name, now_ns // NS_PER_MS
    data = {
        "s": name,
        "b": levels(bids),
        "a": levels(asks),
        "u": u,
        "seq": SEQUENCE + update_id,
    }
    head = {"topic": f"orderbook.{depth}.{name}", "ts": now_ms, "type": kind}
    return encode({**head, "data": data, "cts": now_ms})


def statistics(listing: Listing, window: Window) -> dict[str, str]:
    """What the ticker's row and its frame have in common."""
    form = listing.format
    change = ratio((window.close - window.open) * 10_000, window.open)
    return {
        "lastPrice": form.price[window.close],
        "highPrice24h": form.price[window.high],
        "lowPrice24h": form.price[window.low],
        "prevPrice24h": form.price[window.open],
        "volume24h": form.quantity[window.volume],
        "turnover24h": form.quote(window.quote_volume),
        "price24hPcnt": shortest(change * E8 // 10_000),
        "usdIndexPrice": form.price[window.close] if form.spec.quote == "USDT" else "",
    }


def ticker(listing: Listing, window: Window) -> dict[str, str]:
    """A row of tickers by REST, which has best prices."""
    form = listing.format
    bid, bid_size, ask, ask_size = listing.market.best()
    return {
        "symbol": form.name,
        "bid1Price": form.price[bid],
        "bid1Size": form.quantity[bid_size],
        "ask1Price": form.price[ask],
        "ask1Size": form.quantity[ask_size],
        **statistics(listing, window),
    }


def ticker_frame(listing: Listing, window: Window, now_ns: int, unit_ns: int) -> bytes:
    """A frame of tickers: no bid, no ask."""
    name = listing.format.name
    return encode(
        {
            "topic": f"tickers.{name}",
            "ts": now_ns // NS_PER_MS,
            "type": "snapshot",
            "cs": SEQUENCE + listing.market.update_id,
            "data": {"symbol": name, **statistics(listing, window)},
        }
    )


def candle(listing: Listing, bar: Bar) -> list[str]:
    """A row of kline: seven texts."""
    form = listing.format
    return [
        milliseconds(bar.open_ns),
        form.price[bar.open],
        form.price[bar.high],
        form.price[bar.low],
        form.price[bar.close],
        form.quantity[bar.volume],
        form.quote(bar.quote_volume),
    ]


def candle_frame(listing: Listing, interval: str, bar: Bar, closed: bool, now_ns: int) -> bytes:
    """A candle as it stands, or as it closed; ``end`` is its last millisecond."""
    start, opened, high, low, close, volume, turnover = candle(listing, bar)
    now_ms = now_ns // NS_PER_MS
    row = {
        "start": int(start),
        "end": bar.close_ns // NS_PER_MS - 1,
        "interval": interval,
        "open": opened,
        "close": close,
        "high": high,
        "low": low,
        "volume": volume,
        "turnover": turnover,
        "confirm": closed,
        "timestamp": now_ms,
    }
    topic = f"kline.{interval}.{listing.format.name}"
    return encode({"type": "snapshot", "topic": topic, "data": [row], "ts": now_ms})
