"""Stream payloads, written by hand from integers: the hot path formats text and nothing else.

Shapes: web-socket-streams.md, a5e0bc3 of 2026-07-21. Times are in ``unit`` nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable

from vocx.lab.dialects.binance.catalogue import AggTrade
from vocx.lab.dialects.binance.filters import AVERAGE_MINUTES
from vocx.lab.dialects.binance.tickers import change_percent, from_whole_minute
from vocx.lab.dialects.binance.wire import last_stamp
from vocx.lab.dialects.shared.market_state import Changes
from vocx.lab.dialects.shared.numbers import DAY_NS, Listing, Row, SymbolFormat, eight_decimals
from vocx.lab.events import Bar, BestChanged, Traded, Window


def trade(listing: Listing, event: Traded, now_ns: int, unit: int) -> bytes:
    """``<symbol>@trade``; ``m`` is true when the seller took."""
    form = listing.format
    return (
        f'{{"e":"trade","E":{now_ns // unit},"s":"{form.name}","t":{event.trade_id},'
        f'"p":"{form.price[event.price]}","q":"{form.quantity[event.quantity]}",'
        f'"T":{event.at_ns // unit},"m":{"true" if event.taker == "sell" else "false"},'
        f'"M":true}}'
    ).encode()


def agg_trade(form: SymbolFormat, event: AggTrade, now_ns: int, unit: int) -> bytes:
    """``<symbol>@aggTrade``."""
    return (
        f'{{"e":"aggTrade","E":{now_ns // unit},"s":"{form.name}","a":{event.id},'
        f'"p":"{form.price[event.price]}","q":"{form.quantity[event.quantity]}",'
        f'"f":{event.first},"l":{event.last},"T":{event.at_ns // unit},'
        f'"m":{"true" if event.seller_took else "false"},"M":true}}'
    ).encode()


def book_ticker(listing: Listing, event: BestChanged, now_ns: int, unit: int) -> bytes:
    """``<symbol>@bookTicker``: no event type, no time."""
    form = listing.format
    price, quantity = form.price, form.quantity
    return (
        f'{{"u":{event.update_id},"s":"{form.name}",'
        f'"b":"{price[event.bid]}","B":"{quantity[event.bid_quantity]}",'
        f'"a":"{price[event.ask]}","A":"{quantity[event.ask_quantity]}"}}'
    ).encode()


def depth_update(listing: Listing, changes: Changes, now_ns: int, unit: int) -> bytes:
    """``<symbol>@depth``: absolute quantities of the levels that changed."""
    return (
        f'{{"e":"depthUpdate","E":{now_ns // unit},"s":"{listing.format.name}",'
        f'"U":{changes.first},"u":{changes.last},'
        f'"b":[{_rows(changes.bids)}],"a":[{_rows(changes.asks)}]}}'
    ).encode()


def partial_book(
    listing: Listing, update_id: int, bids: list[Row], asks: list[Row], now_ns: int, unit: int
) -> bytes:
    """``<symbol>@depth<levels>``: no symbol, no event type."""
    return (
        f'{{"lastUpdateId":{update_id},"bids":[{_rows(bids)}],"asks":[{_rows(asks)}]}}'
    ).encode()


def _rows(rows: list[Row]) -> str:
    return ",".join(f'["{price}","{quantity}"]' for price, quantity, _ in rows)


def kline(interval: str) -> Callable[[Listing, Bar, bool, int, int], bytes]:
    """``<symbol>@kline_<interval>``: what writes it."""

    def write(listing: Listing, bar: Bar, closed: bool, now_ns: int, unit: int) -> bytes:
        form = listing.format
        price, quantity = form.price, form.quantity
        return (
            f'{{"e":"kline","E":{now_ns // unit},"s":"{form.name}","k":{{'
            f'"t":{bar.open_ns // unit},"T":{last_stamp(bar.close_ns, unit)},'
            f'"s":"{form.name}","i":"{interval}","f":{bar.first},"L":{bar.last},'
            f'"o":"{price[bar.open]}","c":"{price[bar.close]}",'
            f'"h":"{price[bar.high]}","l":"{price[bar.low]}",'
            f'"v":"{quantity[bar.volume]}","n":{bar.trades},"x":{"true" if closed else "false"},'
            f'"q":"{form.quote(bar.quote_volume)}","V":"{quantity[bar.taker_buy_volume]}",'
            f'"Q":"{form.quote(bar.taker_buy_quote)}","B":"0"}}}}'
        ).encode()

    return write


def mini_ticker(listing: Listing, seen: Window, now_ns: int, unit: int) -> bytes:
    """``<symbol>@miniTicker``."""
    form = listing.format
    price = form.price
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ns // unit},"s":"{form.name}",'
        f'"c":"{price[seen.close]}","o":"{price[seen.open]}",'
        f'"h":"{price[seen.high]}","l":"{price[seen.low]}",'
        f'"v":"{form.quantity[seen.volume]}","q":"{form.quote(seen.quote_volume)}"}}'
    ).encode()


def ticker(listing: Listing, seen: Window, now_ns: int, unit: int) -> bytes:
    """``<symbol>@ticker``: the last 24 hours and the best prices."""
    form = listing.format
    price, quantity = form.price, form.quantity
    bid, bid_quantity, ask, ask_quantity = listing.market.best()
    return (
        f'{{"e":"24hrTicker","E":{now_ns // unit},"s":"{form.name}",'
        f'"p":"{form.signed_price(seen.close - seen.open)}",'
        f'"P":"{change_percent(seen.open, seen.close)}",'
        f'"w":"{form.average(seen.quote_volume, seen.volume)}",'
        f'"x":"{price[seen.previous_close]}","c":"{price[seen.close]}",'
        f'"Q":"{quantity[seen.last_quantity]}","b":"{price[bid]}","B":"{quantity[bid_quantity]}",'
        f'"a":"{price[ask]}","A":"{quantity[ask_quantity]}",'
        f'"o":"{price[seen.open]}","h":"{price[seen.high]}","l":"{price[seen.low]}",'
        f'"v":"{quantity[seen.volume]}","q":"{form.quote(seen.quote_volume)}",'
        f'"O":{(now_ns - DAY_NS) // unit},"C":{now_ns // unit},'
        f'"F":{seen.first},"L":{seen.last},"n":{seen.trades}}}'
    ).encode()


def rolling_ticker(window: str, length_ns: int) -> Callable[[Listing, Window, int, int], bytes]:
    """``<symbol>@ticker_<window>``: what writes it; the window opens on a whole minute."""

    def write(listing: Listing, seen: Window, now_ns: int, unit: int) -> bytes:
        form = listing.format
        price = form.price
        return (
            f'{{"e":"{window}Ticker","E":{now_ns // unit},"s":"{form.name}",'
            f'"p":"{form.signed_price(seen.close - seen.open)}",'
            f'"P":"{change_percent(seen.open, seen.close)}",'
            f'"o":"{price[seen.open]}","h":"{price[seen.high]}","l":"{price[seen.low]}",'
            f'"c":"{price[seen.close]}","w":"{form.average(seen.quote_volume, seen.volume)}",'
            f'"v":"{form.quantity[seen.volume]}","q":"{form.quote(seen.quote_volume)}",'
            f'"O":{(now_ns - from_whole_minute(length_ns, now_ns)) // unit},"C":{now_ns // unit},'
            f'"F":{seen.first},"L":{seen.last},"n":{seen.trades}}}'
        ).encode()

    return write


def average_price(listing: Listing, seen: Window, now_ns: int, unit: int) -> bytes:
    """``<symbol>@avgPrice``; ``T`` is the last trade's time."""
    price_e8, last_ns = listing.market.average_price(AVERAGE_MINUTES, now_ns)
    return (
        f'{{"e":"avgPrice","E":{now_ns // unit},"s":"{listing.format.name}",'
        f'"i":"{AVERAGE_MINUTES}m","w":"{eight_decimals(price_e8)}","T":{last_ns // unit}}}'
    ).encode()
