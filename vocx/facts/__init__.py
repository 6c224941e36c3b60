"""Facts: what was said about a market, in one shape for every venue.

The rules, in one place:

* ``symbol`` is ``"BTC/USDT"`` everywhere above the venue row. Spot only.
* Prices and quantities are :class:`~decimal.Decimal`, exactly the digits of the wire. A float is
  refused on the way in (:func:`exact`).
* ``side`` of a trade is the **taker's**: ``"buy"`` means somebody bought from a resting order.
* In a book, quantity 0 deletes the level; a snapshot discards what was there.
* Times are integer nanoseconds since the epoch. ``exchange_ns`` is **only what the wire said**
  (``None`` where it says nothing, as in Binance's ``bookTicker``); ``arrived_ns`` is this
  machine's clock when the bytes arrived. ``.time`` is an aware datetime.
* A missing field is ``None``, never a made-up number.
"""

from __future__ import annotations

from vocx.arguments import exact
from vocx.facts.account import (
    Balance,
    CancelTimer,
    Fill,
    Order,
    OrderAck,
    OrderResult,
    OrderStatus,
    OrderType,
    Source,
    TimeInForce,
)
from vocx.facts.base import Fact, Facts, Side, aware
from vocx.facts.frames import frame
from vocx.facts.levels import Level, Levels
from vocx.facts.market import (
    BookDelta,
    BookSnapshot,
    Candle,
    Gap,
    Instrument,
    Quote,
    ServerTime,
    Ticker,
    Trade,
    VenueStatus,
)

__all__ = [
    "Balance",
    "BookDelta",
    "BookSnapshot",
    "CancelTimer",
    "Candle",
    "Fact",
    "Facts",
    "Fill",
    "Gap",
    "Instrument",
    "Level",
    "Levels",
    "Order",
    "OrderAck",
    "OrderResult",
    "OrderStatus",
    "OrderType",
    "Quote",
    "ServerTime",
    "Side",
    "Source",
    "Ticker",
    "TimeInForce",
    "Trade",
    "VenueStatus",
    "aware",
    "exact",
    "frame",
]
