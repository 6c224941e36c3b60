"""Stream payloads, written by hand from integers: the hot path formats text and nothing else.

Shapes: web-socket-streams.md, a5e0bc3 of 2026-07-21. Times are in ``unit`` nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable

from vocx.lab.dialects.binance.catalogue import AggTrade
from vocx.lab.dialects.binance.tickers import DAY_NS, change_percent
from vocx.lab.dialects.binance.topics import Meaning
from vocx.lab.dialects.binance.wire import Numbers, last_stamp, money
from vocx.lab.events import Bar, BestChanged, IntLevel, Traded, Window

Best = tuple[int, int, int, int]


def trade(numbers: Numbers, event: Traded, now_ns: int, unit: int) -> bytes:
    """``<symbol>@trade``; ``m`` is true when the seller took."""
    return (
        f'{{"e":"trade","E":{now_ns // unit},"s":"{numbers.name}","t":{event.trade_id},'
        f'"p":"{numbers.price[event.price]}","q":"{numbers.quantity[event.quantity]}",'
        f'"T":{event.at_ns // unit},"m":{"true" if event.taker == "sell" else "false"},'
        f'"M":true}}'
    ).encode()


def agg_trade(numbers: Numbers, event: AggTrade, now_ns: int, unit: int) -> bytes:
    """``<symbol>@aggTrade``."""
    return (
        f'{{"e":"aggTrade","E":{now_ns // unit},"s":"{numbers.name}","a":{event.id},'
        f'"p":"{numbers.price[event.price]}","q":"{numbers.quantity[event.quantity]}",'
        f'"f":{event.first},"l":{event.last},"T":{event.at_ns // unit},'
        f'"m":{"true" if event.seller_took else "false"},"M":true}}'
    ).encode()


def book_ticker(numbers: Numbers, event: BestChanged) -> bytes:
    """``<symbol>@bookTicker``: no event type, no time."""
    price, quantity = numbers.price, numbers.quantity
    return (
        f'{{"u":{event.update_id},"s":"{numbers.name}",'
        f'"b":"{price[event.bid]}","B":"{quantity[event.bid_quantity]}",'
        f'"a":"{price[event.ask]}","A":"{quantity[event.ask_quantity]}"}}'
    ).encode()


def depth_update(
    numbers: Numbers, first: int, last: int, bids: str, asks: str, now_ns: int, unit: int
) -> bytes:
    """``<symbol>@depth``: absolute quantities of the levels that changed."""
    return (
        f'{{"e":"depthUpdate","E":{now_ns // unit},"s":"{numbers.name}",'
        f'"U":{first},"u":{last},"b":[{bids}],"a":[{asks}]}}'
    ).encode()


def partial_book(
    numbers: Numbers, update_id: int, bids: Iterable[IntLevel], asks: Iterable[IntLevel]
) -> bytes:
    """``<symbol>@depth<levels>``: no symbol, no event type."""
    return (
        f'{{"lastUpdateId":{update_id},"bids":[{_levels(numbers, bids)}],'
        f'"asks":[{_levels(numbers, asks)}]}}'
    ).encode()


def _levels(numbers: Numbers, levels: Iterable[IntLevel]) -> str:
    price, quantity = numbers.price, numbers.quantity
    return ",".join(f'["{price[ticks]}","{quantity[lots]}"]' for ticks, lots in levels)


def kline(
    numbers: Numbers, meaning: Meaning, bar: Bar, closed: bool, now_ns: int, unit: int
) -> bytes:
    """``<symbol>@kline_<interval>``."""
    price, quantity = numbers.price, numbers.quantity
    return (
        f'{{"e":"kline","E":{now_ns // unit},"s":"{numbers.name}","k":{{'
        f'"t":{bar.open_ns // unit},"T":{last_stamp(bar.close_ns, unit)},'
        f'"s":"{numbers.name}","i":"{meaning.interval}","f":{bar.first},"L":{bar.last},'
        f'"o":"{price[bar.open]}","c":"{price[bar.close]}",'
        f'"h":"{price[bar.high]}","l":"{price[bar.low]}",'
        f'"v":"{quantity[bar.volume]}","n":{bar.trades},"x":{"true" if closed else "false"},'
        f'"q":"{numbers.quote(bar.quote_volume)}","V":"{quantity[bar.taker_buy_volume]}",'
        f'"Q":"{numbers.quote(bar.taker_buy_quote)}","B":"0"}}}}'
    ).encode()


def mini_ticker(numbers: Numbers, seen: Window, now_ns: int, unit: int) -> bytes:
    """``<symbol>@miniTicker``."""
    price = numbers.price
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ns // unit},"s":"{numbers.name}",'
        f'"c":"{price[seen.close]}","o":"{price[seen.open]}",'
        f'"h":"{price[seen.high]}","l":"{price[seen.low]}",'
        f'"v":"{numbers.quantity[seen.volume]}","q":"{numbers.quote(seen.quote_volume)}"}}'
    ).encode()


def ticker(numbers: Numbers, seen: Window, best: Best, now_ns: int, unit: int) -> bytes:
    """``<symbol>@ticker``: the last 24 hours and the best prices."""
    price, quantity = numbers.price, numbers.quantity
    bid, bid_quantity, ask, ask_quantity = best
    return (
        f'{{"e":"24hrTicker","E":{now_ns // unit},"s":"{numbers.name}",'
        f'"p":"{numbers.signed_price(seen.close - seen.open)}",'
        f'"P":"{change_percent(seen.open, seen.close)}",'
        f'"w":"{numbers.average(seen.quote_volume, seen.volume)}",'
        f'"x":"{price[seen.previous_close]}","c":"{price[seen.close]}",'
        f'"Q":"{quantity[seen.last_quantity]}","b":"{price[bid]}","B":"{quantity[bid_quantity]}",'
        f'"a":"{price[ask]}","A":"{quantity[ask_quantity]}",'
        f'"o":"{price[seen.open]}","h":"{price[seen.high]}","l":"{price[seen.low]}",'
        f'"v":"{quantity[seen.volume]}","q":"{numbers.quote(seen.quote_volume)}",'
        f'"O":{(now_ns - DAY_NS) // unit},"C":{now_ns // unit},'
        f'"F":{seen.first},"L":{seen.last},"n":{seen.trades}}}'
    ).encode()


def rolling_ticker(
    numbers: Numbers, size: str, seen: Window, open_ns: int, now_ns: int, unit: int
) -> bytes:
    """``<symbol>@ticker_<size>``; it opens on a whole minute."""
    price = numbers.price
    return (
        f'{{"e":"{size}Ticker","E":{now_ns // unit},"s":"{numbers.name}",'
        f'"p":"{numbers.signed_price(seen.close - seen.open)}",'
        f'"P":"{change_percent(seen.open, seen.close)}",'
        f'"o":"{price[seen.open]}","h":"{price[seen.high]}","l":"{price[seen.low]}",'
        f'"c":"{price[seen.close]}","w":"{numbers.average(seen.quote_volume, seen.volume)}",'
        f'"v":"{numbers.quantity[seen.volume]}","q":"{numbers.quote(seen.quote_volume)}",'
        f'"O":{open_ns // unit},"C":{seen.close_ns // unit},'
        f'"F":{seen.first},"L":{seen.last},"n":{seen.trades}}}'
    ).encode()


def average_price(
    numbers: Numbers, minutes: int, average: tuple[int, int], now_ns: int, unit: int
) -> bytes:
    """``<symbol>@avgPrice``."""
    price_e8, last_ns = average
    return (
        f'{{"e":"avgPrice","E":{now_ns // unit},"s":"{numbers.name}","i":"{minutes}m",'
        f'"w":"{money(price_e8)}","T":{last_ns // unit}}}'
    ).encode()
