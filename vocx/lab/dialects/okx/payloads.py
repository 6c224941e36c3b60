"""What OKX writes of a market, for REST and sockets alike. Every number is a text; ``""`` is what
does not apply. (Docs-v5, 2026-07-28.)"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vocx.lab.dialects.okx.catalogue import code_of
from vocx.lab.dialects.shared.numbers import Catalogue, Listing, Row, milliseconds
from vocx.lab.events import Bar, Traded, Window


def instruments(catalogue: Catalogue[Listing]) -> list[dict[str, Any]]:
    """Every instrument in full."""
    return [instrument(one) for one in catalogue.by_name.values()]


def instrument(listing: Listing) -> dict[str, Any]:
    """One row of ``public/instruments``; the keys are all that OKX sends for spot."""
    form = listing.format
    empty = dict.fromkeys(
        (
            "alias auctionEndTime contTdSwTime ctMult ctType ctVal ctValCcy expTime floatPxLmtPct "
            "initPxLmtPct instFamily maxPxLmtPct optType preMktSwTime settleCcy stk uly"
        ).split(),
        "",
    )
    return {
        **empty,
        "baseCcy": form.spec.base,
        "category": "1",
        "futureSettlement": False,
        "groupId": "1",
        "instCategory": "1",
        "instId": form.name,
        "instIdCode": code_of(listing),
        "instType": "SPOT",
        "lever": "10",
        "listTime": "1611907686000",
        "lotSz": form.quantity[1],
        "maxIcebergSz": "9999999999",
        "maxLmtAmt": "20000000",
        "maxLmtSz": "9999999999",
        "maxMktAmt": "1000000",
        "maxMktSz": "1000000",
        "maxStopSz": "1000000",
        "maxTriggerSz": "9999999999",
        "maxTwapSz": "9999999999",
        "minSz": form.quantity[1],
        "openType": "",
        "quoteCcy": form.spec.quote,
        "ruleType": "normal",
        "state": "live",
        "tickSz": form.price[1],
        "tradeQuoteCcyList": [form.spec.quote],
        "upcChg": [],
    }


def ticker(listing: Listing, window: Window, now_ns: int) -> dict[str, Any]:
    """The last 24 hours."""
    form, market = listing.format, listing.market
    bid, bid_size, ask, ask_size = market.best()
    return {
        "instType": "SPOT",
        "instId": form.name,
        "last": form.price[window.close],
        "lastSz": form.quantity[window.last_quantity],
        "askPx": form.price[ask] if ask else "",
        "askSz": form.quantity[ask_size] if ask else "",
        "bidPx": form.price[bid] if bid else "",
        "bidSz": form.quantity[bid_size] if bid else "",
        "open24h": form.price[window.open],
        "high24h": form.price[window.high],
        "low24h": form.price[window.low],
        "volCcy24h": form.quote(window.quote_volume),
        "vol24h": form.quantity[window.volume],
        "sodUtc0": form.price[window.open],
        "sodUtc8": form.price[window.open],
        "ts": milliseconds(now_ns),
    }


def levels(rows: Sequence[Row]) -> list[tuple[str, str, str, str]]:
    """[price, size, a dead field, number of orders]."""
    return [(price, size, "0", str(orders)) for price, size, orders in rows]


def top(listing: Listing, depth: int) -> dict[str, list[tuple[str, str, str, str]]]:
    """The best levels as they stand."""
    bids, asks = listing.top(depth)
    return {"asks": levels(asks), "bids": levels(bids)}


def candle(listing: Listing, bar: Bar, closed: bool) -> list[str]:
    """Nine texts."""
    form = listing.format
    quote = form.quote(bar.quote_volume)
    prices = [form.price[one] for one in (bar.open, bar.high, bar.low, bar.close)]
    volume = form.quantity[bar.volume]
    return [milliseconds(bar.open_ns), *prices, volume, quote, quote, "1" if closed else "0"]


def trade(listing: Listing, one: Traded) -> dict[str, Any]:
    """One match; ``side`` is the taker's."""
    form = listing.format
    return {
        "instId": form.name,
        "side": one.taker,
        "sz": form.quantity[one.quantity],
        "px": form.price[one.price],
        "source": "0",
        "tradeId": str(one.trade_id),
        "ts": milliseconds(one.at_ns),
    }
