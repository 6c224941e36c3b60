"""Why Binance turned an order down, in words that say what to do.

The exchange answers with a filter's name or one sentence of its engine; -2010 alone has a dozen
causes, so the text decides (filters.md and errors.md, 2026-07-21).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

DUPLICATE = "Duplicate order sent."

_FILTER = re.compile(r"Filter failure: ([A-Z_]+)")

_FILTERS: Mapping[str, str] = {
    "PRICE_FILTER": "The price is not on the tick, or out of bounds: ex.instrument(symbol).tick.",
    "PERCENT_PRICE": "The price is too far from the average of the last minutes.",
    "PERCENT_PRICE_BY_SIDE": "The price is too far from the average of the last minutes.",
    "LOT_SIZE": "The quantity is not on the lot, too small or too large: "
    "ex.instrument(symbol).round_quantity(...).",
    "MARKET_LOT_SIZE": "Too large for a market order: use a limit order, or parts.",
    "NOTIONAL": "Price times quantity is out of bounds: ex.instrument(symbol).min_notional.",
    "MIN_NOTIONAL": "Price times quantity is too small: ex.instrument(symbol).min_notional.",
    "ICEBERG_PARTS": "The order would show itself in too many parts.",
    "MAX_NUM_ORDERS": "Too many orders are open on this symbol: cancel some.",
    "MAX_NUM_ALGO_ORDERS": "Too many stop orders are open on this symbol: cancel some.",
    "MAX_NUM_ICEBERG_ORDERS": "Too many iceberg orders are open on this symbol: cancel some.",
    "MAX_POSITION": "You would hold more of this asset than the exchange allows.",
    "TRAILING_DELTA": "The trailing distance is out of bounds.",
    "EXCHANGE_MAX_NUM_ORDERS": "Too many orders are open in this account: cancel some.",
    "EXCHANGE_MAX_NUM_ALGO_ORDERS": "Too many stop orders are open in this account: cancel some.",
    "MAX_ASSET": "The order moves more of an asset than this account may.",
}

_TEXTS: tuple[tuple[str, str], ...] = (
    ("insufficient balance", "What is free is not enough; open orders lock funds: ex.balances()."),
    (
        "Duplicate order",
        "An order with this client order id is open: ask for it before anything else, "
        "ex.order(client_order_id, symbol=...).",
    ),
    (
        "immediately match and take",
        "A post_only order only ever rests; at this price it would have taken. Buy below the "
        'best ask, sell above the best bid, or use type="limit".',
    ),
    ("Market is closed", "The symbol does not trade now."),
    ("not permitted for this account", "This account may not trade this symbol."),
    ("may not place or cancel", "This account is blocked for trading."),
    ("action is disabled", "This account is blocked for this."),
    ("liquidity is less than", "There is not enough in the book: use a limit order."),
    ("zero or less", "Write a larger quantity."),
    ("Invalid quantity", "Write a quantity above zero, on the lot of ex.instrument(symbol)."),
    ("too much precision", "Fewer decimals: ex.instrument(symbol) has the tick and the lot."),
    ("Unknown order", "It was filled, cancelled or expired, or never existed: ex.order(...)."),
    ("does not exist", "No order has this id. After a time-out wait a moment and ask again."),
    ("archived", "Unfilled orders are forgotten after 90 days."),
    ("Too many new orders", "This limit counts new orders of the account, not calls."),
)


def reason(text: str) -> str:
    """What a refusal's text means and what to do; empty when it explains itself."""
    named = _FILTER.search(text)
    if named is not None:
        return _FILTERS.get(named[1], "")
    return next((meaning for part, meaning in _TEXTS if part.lower() in text.lower()), "")
