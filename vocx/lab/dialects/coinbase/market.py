"""Public REST: time, products, books, trades, candles; and the little of the older API (v2) that
ccxt asks for. The same answers stand under signed paths, except ``best_bid_ask``, which is signed
only."""

from __future__ import annotations

from typing import Any

from vocx.lab.dialects.coinbase import payloads
from vocx.lab.dialects.coinbase.calls import Call
from vocx.lab.dialects.coinbase.catalogue import FIAT
from vocx.lab.dialects.coinbase.wire import Refusal, invalid, seconds, unreadable
from vocx.lab.dialects.shared.assets import assets_of, name_of
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_S, Listing, shortest
from vocx.lab.events import Interval

GRANULARITIES = {
    "ONE_MINUTE": Interval(seconds=60),
    "FIVE_MINUTE": Interval(seconds=300),
    "FIFTEEN_MINUTE": Interval(seconds=900),
    "THIRTY_MINUTE": Interval(seconds=1800),
    "ONE_HOUR": Interval(seconds=3600),
    "TWO_HOUR": Interval(seconds=7200),
    "FOUR_HOUR": Interval(seconds=14400),
    "SIX_HOUR": Interval(seconds=21600),
    "ONE_DAY": Interval(seconds=86400),
}
MOST_CANDLES = 350
MOST_LEVELS = 1000
"""Of each side of a book by REST (a choice; its size without ``limit`` is not documented)."""
_TYPES = ("SPOT", "FUTURE", "UNKNOWN_PRODUCT_TYPE")


def time(call: Call) -> dict[str, Any]:
    """The exchange's clock."""
    now_ns = call.clock_ns
    return {
        "iso": seconds(now_ns),
        "epochSeconds": str(now_ns // NS_PER_S),
        "epochMillis": str(now_ns // NS_PER_MS),
    }


def _listing(call: Call, name: str) -> tuple[Listing, str]:
    """A product, and its name if that is an alias."""
    products = call.backend.products
    return products.named(name), name if name in products.aliases else ""


def products(call: Call) -> dict[str, Any]:
    """Spot products by what was traded of them, most first; no futures."""
    query, known = call.query, call.backend.products
    wanted = query.texts("product_ids")
    kind = query.choice("product_type", _TYPES)
    for flag in ("get_tradability_status", "get_all_products"):
        query.flag(flag)
    rows = [payloads.product(known, one, call.now_ns) for one in known.by_name.values()]
    rows += [
        payloads.product(known, one, call.now_ns, alias) for alias, one in known.aliases.items()
    ]
    rows.sort(key=lambda row: -float(row["approximate_quote_24h_volume"]))
    if kind == "FUTURE":
        rows = []
    if wanted:
        rows = [row for row in rows if row["product_id"] in wanted]
    total, cursor = len(rows), query.text("cursor")
    offset = query.text("offset", "0")
    if not offset.isdecimal() or len(offset) > 9:
        raise unreadable("offset", offset)
    page, after = call.page(rows[int(offset) :], "product_id", total or 1, 10_000)
    paging = None
    if after or cursor:
        paging = {
            "prev_cursor": "",
            "next_cursor": after,
            "has_next": bool(after),
            "has_prev": bool(cursor),
        }
    return {"products": page, "num_products": total, "pagination": paging}


def product(call: Call) -> dict[str, Any]:
    """One product."""
    listing, alias = _listing(call, call.name)
    return payloads.product(call.backend.products, listing, call.now_ns, alias)


def product_book(call: Call) -> dict[str, Any]:
    """A book; its levels may be put together."""
    name = call.query.text("product_id")
    listing, _ = _listing(call, name)
    form, market = listing.format, listing.market
    depth, step = call.query.count("limit", MOST_LEVELS, MOST_LEVELS), 1
    wanted = call.query.text("aggregation_price_increment")
    if wanted:
        multiples = {form.price[10**power]: 10**power for power in range(12)}
        if wanted not in multiples:
            raise unreadable("aggregation_price_increment", wanted)
        step = multiples[wanted]
    bid, _, ask, _ = market.best()
    middle = (bid + ask) * form.price.step_e8 // 2
    spread = ask - bid
    return {
        "pricebook": payloads.price_book(listing, depth, call.now_ns, step),
        "last": form.price[payloads.price_of(listing)],
        "mid_market": shortest(middle),
        "spread_bps": shortest(2 * spread * 10_000 * 10**8 // (bid + ask or 1)),
        "spread_absolute": form.price[spread],
    }


def best_bid_ask(call: Call) -> dict[str, Any]:
    """The best level of some products, or of all."""
    known = call.backend.products
    names = call.query.texts("product_ids") or list(known.by_name)
    return {"pricebooks": [payloads.price_book(known.named(one), 1, call.now_ns) for one in names]}


def ticker(call: Call) -> dict[str, Any]:
    """Recent trades, the newest first, with the maker's side (as the stream does; the reference
    says the same since 2026), and the best prices."""
    listing, _ = _listing(call, call.name)
    limit = call.query.count("limit", 100, 1000)
    start_ns, end_ns = call.query.second("start"), call.query.second("end")
    found = listing.market.trades(limit, start_ns=start_ns, end_ns=end_ns)
    form = listing.format
    bid, _, ask, _ = listing.market.best()
    rows = [
        {**payloads.trade(listing, one), "bid": "", "ask": "", "exchange": "coinbase"}
        for one in reversed(found)
    ]
    return {"trades": rows, "best_bid": form.price[bid], "best_ask": form.price[ask]}


def candles(call: Call) -> dict[str, Any]:
    """Buckets of a range, the newest first; empty ones are absent."""
    listing, _ = _listing(call, call.name)
    start_ns, end_ns = call.query.second("start"), call.query.second("end")
    name = call.query.choice("granularity", tuple(GRANULARITIES))
    if start_ns is None or end_ns is None or not name:
        raise invalid("start, end and granularity are required")
    interval = GRANULARITIES[name]
    length = interval.seconds * NS_PER_S
    if end_ns // length - -(-start_ns // length) >= MOST_CANDLES:
        raise invalid(f"number of candles requested should be less than {MOST_CANDLES}")
    limit = call.query.count("limit", MOST_CANDLES, MOST_CANDLES)
    bars = [
        bar
        for bar in listing.market.bars(
            interval, MOST_CANDLES, call.now_ns, start_ns=start_ns, end_ns=end_ns
        )
        if bar.trades and start_ns <= bar.open_ns <= end_ns
    ]
    return {"candles": [payloads.candle(listing, bar) for bar in bars[-limit:][::-1]]}


# -- the older API -----------------------------------------------------------------------------


def old_time(call: Call) -> dict[str, Any]:
    """``/v2/time``."""
    now_s = (call.clock_ns) // NS_PER_S
    return {"data": {"iso": seconds(now_s * NS_PER_S), "epoch": now_s}}


def _assets(call: Call) -> list[str]:
    return assets_of(call.backend.products.by_name.values())


def old_currencies(call: Call) -> dict[str, Any]:
    """``/v2/currencies``: money."""
    rows = [
        {"id": one, "name": name_of(one), "min_size": "0.01"}
        for one in _assets(call)
        if one in FIAT
    ]
    return {"data": rows}


def old_coins(call: Call) -> dict[str, Any]:
    """``/v2/currencies/crypto``."""
    coins = [one for one in _assets(call) if one not in FIAT]
    rows = [
        {
            "code": one,
            "name": name_of(one),
            "color": "",
            "sort_index": at,
            "exponent": 8,
            "type": "crypto",
            "address_regex": "",
            "asset_id": one.lower(),
        }
        for at, one in enumerate(coins, 100)
    ]
    return {"data": rows}


def old_rates(call: Call) -> dict[str, Any]:
    """``/v2/exchange-rates``: what a dollar buys."""
    rates = {"USD": "1", "USDC": "1", "USDT": "1"}
    for one in call.backend.products.by_name.values():
        spec = one.format.spec
        if spec.quote in ("USD", "USDT") and spec.base not in rates:
            price = spec.to_price(payloads.price_of(one))
            rates[spec.base] = f"{1 / price:.16f}"
    return {"data": {"currency": "USD", "rates": rates}}


def not_found() -> Refusal:
    """A path that does not exist (its body is a choice)."""
    return Refusal(404, "NOT_FOUND", "route not found")
