"""What Coinbase writes of a market, for REST and for its socket: products, books, trades, tickers,
candles (reference pages and captures of 2026-04; frames recorded 2024-10).

The printed side of a trade is the *maker's*. Numbers are texts without trailing zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vocx.lab.dialects.coinbase.catalogue import Products
from vocx.lab.dialects.coinbase.wire import EPOCH, microseconds, nanoseconds
from vocx.lab.dialects.shared.assets import name_of
from vocx.lab.dialects.shared.market_state import Changes
from vocx.lab.dialects.shared.numbers import (
    DAY_NS,
    E8,
    NS_PER_S,
    Listing,
    Row,
    amount,
    ratio,
    shortest,
)
from vocx.lab.dialects.shared.reading import encode
from vocx.lab.events import Bar, Interval, Traded, Window

_DAYS = Interval(seconds=86_400)
_MAKER = {"buy": "SELL", "sell": "BUY"}


def frame(channel: str, now_ns: int, *events: Any) -> bytes:
    """A frame without its number, which each connection adds (:func:`numbered`)."""
    return encode({"channel": channel, "timestamp": nanoseconds(now_ns), "events": events})


def numbered(payload: bytes, number: int, client_id: bool = True) -> bytes:
    """The same frame as the connection's ``number``-th. AsyncAPI (2026-08) says that production
    sends no ``client_id``; the prose shows an empty one, and the SDK's typed parser needs it."""
    own = b',"client_id":""' if client_id else b""
    at, events = payload.find(b',"timestamp"'), payload.find(b',"events"')
    if not 0 < at < events:  # a recorded frame in another order
        return b'{"sequence_num":%d%s,' % (number, own) + payload[1:]
    return b"".join(
        (payload[:at], own, payload[at:events], b',"sequence_num":%d' % number, payload[events:])
    )


def price_of(listing: Listing) -> int:
    """The last price in ticks."""
    newest = listing.market.trades(1)
    return newest[-1].price if newest else int(listing.format.spec.price / listing.format.spec.tick)


def percent(now: int, before: int) -> str:
    """A change in percent."""
    change = ratio(abs(now - before) * 100 * E8, before)
    return shortest(change if now >= before else -change)


def product(products: Products, listing: Listing, now_ns: int, alias: str = "") -> dict[str, Any]:
    """A product with its 24 hours; ``alias`` is the USDC name under which it was asked for."""
    form, spec = listing.format, listing.format.spec
    window = listing.market.window(DAY_NS, now_ns)
    price = price_of(listing)
    quote = "USDC" if alias else spec.quote
    other = [name for name, one in products.aliases.items() if one is listing]
    return {
        "product_id": alias or form.name,
        "price": form.price[price],
        "price_percentage_change_24h": percent(price, window.open or price),
        "volume_24h": form.quantity[window.volume],
        "volume_percentage_change_24h": "",
        "base_increment": form.quantity[1],
        "quote_increment": form.price[1],
        "quote_min_size": amount(spec.min_notional),
        "quote_max_size": "150000000",
        "base_min_size": form.quantity[1],
        "base_max_size": amount(spec.max_quantity),
        "base_name": name_of(spec.base),
        "quote_name": name_of(quote),
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "online",
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": False,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": quote,
        "base_currency_id": spec.base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": form.name if alias else "",
        "alias_to": [] if alias else other,
        "base_display_symbol": spec.base,
        "quote_display_symbol": quote,
        "view_only": bool(alias),
        "price_increment": form.price[1],
        "display_name": alias or form.name,
        "product_venue": "CBE",
        "approximate_quote_24h_volume": form.quote(window.quote_volume),
        "new_at": "2023-01-01T00:00:00Z",
        "market_cap": "",
        "base_cbrn": "",
        "quote_cbrn": "",
        "product_cbrn": "",
        "icon_color": "",
        "icon_url": "",
        "display_name_overwrite": "",
        "is_alpha_testing": False,
        "about_description": "",
        "best_bid_price": "",
        "best_ask_price": "",
    }


def price_book(listing: Listing, depth: int, now_ns: int, step: int = 1) -> dict[str, Any]:
    """A book by REST, which has no number; ``step`` ticks of prices are put together."""
    form, market = listing.format, listing.market
    bids, asks = (
        [{"price": form.price[ticks], "size": form.quantity[lots]} for ticks, lots in side[:depth]]
        for side in _aggregated(market.top(depth if step == 1 else 2**31), step)
    )
    return {"product_id": form.name, "bids": bids, "asks": asks, "time": microseconds(now_ns)}


def _aggregated(sides: Any, step: int) -> list[list[tuple[int, int]]]:
    if step == 1:
        return [[(ticks, lots) for ticks, lots, _ in side] for side in sides]
    found = []
    for side, up in zip(sides, (0, step - 1), strict=True):
        together: dict[int, int] = {}
        for ticks, lots, _ in side:
            price = (ticks + up) // step * step
            together[price] = together.get(price, 0) + lots
        found.append(list(together.items()))
    return found


def trade(listing: Listing, one: Traded) -> dict[str, Any]:
    """A match, with the maker's side."""
    form = listing.format
    return {
        "product_id": form.name,
        "trade_id": str(one.trade_id),
        "price": form.price[one.price],
        "size": form.quantity[one.quantity],
        "time": microseconds(one.at_ns),
        "side": _MAKER[one.taker],
    }


def trades(listing: Listing, found: Sequence[Traded], now_ns: int, kind: str = "update") -> bytes:
    """A frame of matches, the newest first."""
    rows = [trade(listing, one) for one in reversed(found)]
    return frame("market_trades", now_ns, {"type": kind, "trades": rows})


def candle(listing: Listing, bar: Bar) -> dict[str, str]:
    """A bucket; nothing says whether it is over."""
    form = listing.format
    return {
        "start": str(bar.open_ns // NS_PER_S),
        "low": form.price[bar.low],
        "high": form.price[bar.high],
        "open": form.price[bar.open],
        "close": form.price[bar.close],
        "volume": form.quantity[bar.volume],
    }


def candles(listing: Listing, bars: Sequence[Bar], now_ns: int, kind: str = "update") -> bytes:
    """A frame of buckets, the newest first."""
    rows = [{**candle(listing, bar), "product_id": listing.format.name} for bar in reversed(bars)]
    return frame("candles", now_ns, {"type": kind, "candles": rows})


class Year:
    """Highest and lowest price of 52 weeks, read again every hour."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int, int]] = {}

    def of(self, listing: Listing, now_ns: int) -> tuple[int, int]:
        """Low and high in ticks."""
        hour, name = now_ns // (3600 * NS_PER_S), listing.format.name
        known = self._known.get(name)
        if known is None or known[0] != hour:
            bars = listing.market.bars(_DAYS, 364, now_ns)
            price = price_of(listing)
            low = min((bar.low for bar in bars), default=price)
            high = max((bar.high for bar in bars), default=price)
            known = self._known[name] = (hour, low, high)
        return known[1], known[2]


def ticker(
    listing: Listing, window: Window, year: Year, now_ns: int, *, best: bool = True
) -> dict[str, Any]:
    """24 hours of a product, with the best prices except in ``ticker_batch``."""
    form = listing.format
    low, high = year.of(listing, now_ns)
    bid, bid_quantity, ask, ask_quantity = listing.market.best()
    row = {
        "type": "ticker",
        "product_id": form.name,
        "price": form.price[window.close],
        "volume_24_h": form.quantity[window.volume],
        "low_24_h": form.price[window.low],
        "high_24_h": form.price[window.high],
        "low_52_w": form.price[min(low, window.low)],
        "high_52_w": form.price[max(high, window.high)],
        "price_percent_chg_24_h": percent(window.close, window.open or window.close),
    }
    if best:
        row |= {
            "best_bid": form.price[bid],
            "best_bid_quantity": form.quantity[bid_quantity],
            "best_ask": form.price[ask],
            "best_ask_quantity": form.quantity[ask_quantity],
        }
    return row


def book(listing: Listing, changes: Changes, now_ns: int, unit_ns: int) -> bytes:
    """A frame of ``level2``, which is called ``l2_data``: absolute quantities, ``offer`` for asks,
    event times that are zero in a snapshot."""
    at = EPOCH if changes.snapshot else microseconds(now_ns)
    rows = [*_levels("bid", at, changes.bids), *_levels("offer", at, changes.asks)]
    kind = "snapshot" if changes.snapshot else "update"
    return b"".join(
        (
            b'{"channel":"l2_data","timestamp":"',
            nanoseconds(now_ns).encode(),
            f'","events":[{{"type":"{kind}","product_id":"{listing.format.name}",'
            f'"updates":[{",".join(rows)}]}}]}}'.encode(),
        )
    )


def _levels(side: str, at: str, rows: Sequence[Row]) -> list[str]:
    return [
        f'{{"side":"{side}","event_time":"{at}","price_level":"{price}","new_quantity":"{size}"}}'
        for price, size, _ in rows
    ]


def status_product(listing: Listing) -> dict[str, str]:
    """A row of the ``status`` channel."""
    form, spec = listing.format, listing.format.spec
    return {
        "product_type": "SPOT",
        "id": form.name,
        "base_currency": spec.base,
        "quote_currency": spec.quote,
        "base_increment": form.quantity[1],
        "quote_increment": form.price[1],
        "display_name": f"{spec.base}/{spec.quote}",
        "status": "online",
        "status_message": "",
        "min_market_funds": amount(spec.min_notional),
    }
