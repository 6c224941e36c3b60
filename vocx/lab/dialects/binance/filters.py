"""Filters: what ``exchangeInfo`` lists and what orders are held to (filters.md, 2026-07-21).

The order of evaluation is not documented; ours is PRICE_FILTER, PERCENT_PRICE_BY_SIDE, LOT_SIZE,
MARKET_LOT_SIZE, NOTIONAL, MAX_NUM_ORDERS.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.binance.catalogue import Symbol
from vocx.lab.dialects.binance.order_form import OrderForm
from vocx.lab.dialects.binance.wire import ZERO, Refusal
from vocx.lab.dialects.shared.numbers import E8, eight_decimals
from vocx.lab.events import InstrumentSpec

AVERAGE_MINUTES = 5
MOST_TICKS = 100_000_000
"""Highest price, in ticks."""
MULTIPLIER_UP, MULTIPLIER_DOWN = Decimal(5), Decimal("0.2")
MOST_NOTIONAL = Decimal(9_000_000)
"""For limit orders only (``applyMaxToMarket`` is false)."""
MOST_OPEN = 200
NOTHING = Decimal(0)


def definitions(listing: Symbol) -> list[dict[str, Any]]:
    """``filters`` of one symbol. PRICE_FILTER first: cryptofeed reads ``filters[0].tickSize``."""
    form = listing.format
    spec, price, quantity = form.spec, form.price, form.quantity
    most = quantity[int(spec.max_quantity / spec.lot)]
    most_at_market = quantity[int(most_by_market(spec) / spec.lot)]
    up, down = str(MULTIPLIER_UP), str(MULTIPLIER_DOWN)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": price[1],
            "maxPrice": price[MOST_TICKS],
            "tickSize": price[1],
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": quantity[1],
            "maxQty": most,
            "stepSize": quantity[1],
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": ZERO,
            "maxQty": most_at_market,
            "stepSize": ZERO,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": up,
            "bidMultiplierDown": down,
            "askMultiplierUp": up,
            "askMultiplierDown": down,
            "avgPriceMins": AVERAGE_MINUTES,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": eight_decimals(int(spec.min_notional * E8)),
            "applyMinToMarket": True,
            "maxNotional": eight_decimals(int(MOST_NOTIONAL * E8)),
            "applyMaxToMarket": False,
            "avgPriceMins": AVERAGE_MINUTES,
        },
        counting(),
    ]


def most_by_market(spec: InstrumentSpec) -> Decimal:
    """Largest market order: 120 BTC where a limit order may be 9000, as on the live symbol."""
    return spec.max_quantity / 75 // spec.lot * spec.lot


def counting() -> dict[str, Any]:
    """The filter that depends on the account."""
    return {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": MOST_OPEN}


def check(listing: Symbol, form: OrderForm, open_orders: int, now_ns: int) -> None:
    """Refuse with the first filter that fails (-1013); ``open_orders`` are the account's on the
    symbol."""
    for name in _failures(listing, form, open_orders, now_ns):
        raise Refusal(-1013, f"Filter failure: {name}")


def _failures(listing: Symbol, form: OrderForm, open_orders: int, now_ns: int) -> Iterator[str]:
    spec = listing.format.spec
    price_e8, _ = listing.market.average_price(AVERAGE_MINUTES, now_ns)
    average = Decimal(price_e8) / E8
    price, quantity = form.price, form.quantity
    if price is not None:
        if not spec.tick <= price <= spec.tick * MOST_TICKS or price % spec.tick:
            yield "PRICE_FILTER"
        if not average * MULTIPLIER_DOWN <= price <= average * MULTIPLIER_UP:
            yield "PERCENT_PRICE_BY_SIDE"
    if quantity is not None:
        if not spec.lot <= quantity <= spec.max_quantity or quantity % spec.lot:
            yield "LOT_SIZE"
        if price is None and quantity > most_by_market(spec):
            yield "MARKET_LOT_SIZE"
    notional = form.quote if quantity is None else quantity * (price or average)
    assert notional is not None, "a quantity or a quote amount"
    if notional < spec.min_notional or (price is not None and notional > MOST_NOTIONAL):
        yield "NOTIONAL"
    if price is not None and open_orders >= MOST_OPEN:
        yield "MAX_NUM_ORDERS"
