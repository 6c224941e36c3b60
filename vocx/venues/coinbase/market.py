"""Coinbase's public REST calls: intents to targets, bodies to facts.

Parameters and shapes are those of the Advanced Trade reference (2026-09). There is no envelope;
times are RFC 3339; candles and trades come newest first; the side of a printed trade is the
*maker's*, which is turned round here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from vocx.errors import BadInput
from vocx.facts import (
    BookSnapshot,
    Candle,
    Facts,
    Instrument,
    Level,
    ServerTime,
    Side,
    Ticker,
    Trade,
    VenueStatus,
)
from vocx.venues.base import (
    Answer,
    GetBook,
    GetCandles,
    GetInstruments,
    GetQuote,
    GetStatus,
    GetTicker,
    GetTime,
    GetTrades,
    Intent,
    Request,
)
from vocx.venues.base.bars import DAY_NS, MINUTE_NS, Bars
from vocx.venues.base.checks import check_count
from vocx.venues.base.reading import (
    check_levels,
    check_match,
    check_numbers,
    check_sizes,
    ms_to_ns,
    one_of,
    optional_number,
    top_quote,
    whole_number,
)
from vocx.venues.base.spelling import dashed_symbol, split_dashed, split_symbol
from vocx.venues.base.tables import CallTable

S = 1_000_000_000
"""Nanoseconds in a second, the unit of Coinbase's candles."""

BARS = Bars(
    "coinbase",
    {
        "1m": ("ONE_MINUTE", MINUTE_NS),
        "5m": ("FIVE_MINUTE", 5 * MINUTE_NS),
        "15m": ("FIFTEEN_MINUTE", 15 * MINUTE_NS),
        "30m": ("THIRTY_MINUTE", 30 * MINUTE_NS),
        "1h": ("ONE_HOUR", 60 * MINUTE_NS),
        "2h": ("TWO_HOUR", 120 * MINUTE_NS),
        "4h": ("FOUR_HOUR", 240 * MINUTE_NS),
        "6h": ("SIX_HOUR", 360 * MINUTE_NS),
        "1d": ("ONE_DAY", DAY_NS),
    },
)
STREAMED_INTERVAL = "5m"
"""The one interval of the candles channel."""

_CANDLES = 350
TAKER: Mapping[str, Side] = {"BUY": "sell", "SELL": "buy"}
"""Printed side, the maker's, to the taker's."""
SIDES: Mapping[str, Side] = {"BUY": "buy", "SELL": "sell"}


def time_ns(text: str | None) -> int | None:
    """RFC 3339 with up to nine decimals, in nanoseconds; ``None`` for what is unset, which is also
    written as the year 1."""
    if not text or text.startswith("0001-"):
        return None
    whole, _, rest = text.rstrip("Z").partition(".")
    if not rest.isascii() or (rest and not rest.isdigit()) or not text.endswith("Z"):
        raise msgspec.ValidationError(f"{text[:40]!r} is no UTC time")
    second = _second_ns(whole)
    return None if second is None else second + int(rest[:9].ljust(9, "0"))


@lru_cache(maxsize=256)
def _second_ns(whole: str) -> int | None:
    """Of the second alone, which the rows of many frames share."""
    try:
        moment = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    except ValueError:
        raise msgspec.ValidationError(f"{whole[:40]!r} is no UTC time") from None
    return int(moment.timestamp()) * S if 1970 <= moment.year < 2255 else None


# requests


def build(intent: Intent, now_ns: int) -> Request:
    """The (first) request for one public intent."""
    path, parameters = CALLS.make(intent, now_ns)
    query = "?" + urlencode(parameters, doseq=True) if parameters else ""
    # Answers to unsigned calls are kept for a second in front of the exchange, unless told so.
    return Request(
        intent=intent,
        method="GET",
        target=f"/api/v3/brokerage/{path}{query}",
        headers={"Cache-Control": "no-cache"},
        charges={"public": 1},
    )


Plan = tuple[str, Mapping[str, Any]]


def _time(_: GetTime, now_ns: int) -> Plan:
    return "time", {}


def _instruments(intent: GetInstruments, now_ns: int) -> Plan:
    names = [dashed_symbol(symbol) for symbol in intent.symbols]
    if len(names) == 1:
        return f"market/products/{names[0]}", {}
    named = {"product_ids": names} if names else {}
    return "market/products", {"product_type": "SPOT", **named}


def _ticker(intent: GetTicker, now_ns: int) -> Plan:
    return f"market/products/{dashed_symbol(intent.symbol)}", {}


def _quote(intent: GetQuote, now_ns: int) -> Plan:
    return "market/product_book", {"product_id": dashed_symbol(intent.symbol), "limit": 1}


def _book(intent: GetBook, now_ns: int) -> Plan:
    depth = check_count("coinbase", "depth", intent.depth, 1000)
    return "market/product_book", {"product_id": dashed_symbol(intent.symbol), "limit": depth}


def _trades(intent: GetTrades, now_ns: int) -> Plan:
    if intent.from_id is not None:
        raise BadInput("coinbase finds trades by time, not by id: leave from_id out")
    limit = check_count("coinbase", "limit", intent.limit, 1000)
    return f"market/products/{dashed_symbol(intent.symbol)}/ticker", {"limit": limit}


def _candles(intent: GetCandles, now_ns: int) -> Plan:
    """The newest 350 of the range; older ones follow. Both ends are named, always."""
    check_count("coinbase", "limit", intent.limit, 100_000)
    name, length = BARS.name(intent.interval), BARS.length_ns(intent.interval)
    end_ns = now_ns if intent.end_ns is None else intent.end_ns
    count = min(intent.limit, _CANDLES)
    if intent.start_ns is not None and intent.end_ns is None:
        end_ns = min(end_ns, intent.start_ns + (intent.limit - 1) * length)
    last_ns = end_ns // length * length
    first_ns = last_ns - (count - 1) * length
    if intent.start_ns is not None:
        first_ns = max(first_ns, -(-intent.start_ns // length) * length)
    first_ns, last_ns = max(0, first_ns), max(0, last_ns)
    parameters = {"start": first_ns // S, "end": last_ns // S, "granularity": name}
    return f"market/products/{dashed_symbol(intent.symbol)}/candles", parameters


# replies


class _Time(msgspec.Struct):
    epochMillis: str


def _read_time(_: GetTime, body: bytes, arrived_ns: int) -> Answer:
    moment = ms_to_ns(_time_of(body).epochMillis)
    if moment is None:
        raise msgspec.ValidationError("a reply without its time")
    return Answer(result=ServerTime(exchange_ns=moment, arrived_ns=arrived_ns))


def _read_status(_: GetStatus, body: bytes, arrived_ns: int) -> Answer:
    _time_of(body)
    return Answer(result=VenueStatus(state="online", arrived_ns=arrived_ns))


class _Product(msgspec.Struct):
    product_id: str
    base_increment: str = ""
    quote_increment: str = ""
    price_increment: str = ""
    base_min_size: str = ""
    base_max_size: str = ""
    quote_min_size: str = ""
    quote_max_size: str = ""
    base_currency_id: str = ""
    quote_currency_id: str = ""
    product_type: str = "SPOT"
    price: str | None = None
    price_percentage_change_24h: str | None = None
    volume_24h: str | None = None
    approximate_quote_24h_volume: str | None = None
    trading_disabled: bool = False
    is_disabled: bool = False
    cancel_only: bool = False
    view_only: bool = False
    auction_mode: bool = False


class _Products(msgspec.Struct):
    products: list[_Product]


def _read_instruments(intent: GetInstruments, body: bytes, arrived_ns: int) -> Answer:
    one = len(intent.symbols) == 1
    rows = [_product_of(body)] if one else _products_of(body).products
    found = [_instrument(row, arrived_ns) for row in rows]
    return Answer(result=Facts(row for row in found if row is not None))


def _instrument(row: _Product, arrived_ns: int) -> Instrument | None:
    symbol = split_dashed(row.product_id)
    tick = optional_number(row.price_increment) or optional_number(row.quote_increment)
    lot = optional_number(row.base_increment)
    if row.product_type != "SPOT" or symbol is None or tick is None or lot is None:
        return None
    base, quote = split_symbol(symbol)
    shut = row.trading_disabled or row.is_disabled or row.cancel_only
    return Instrument(
        symbol=symbol,
        venue="coinbase",
        venue_symbol=row.product_id,
        base=base,
        quote=quote,
        tick=tick,
        lot=lot,
        min_quantity=optional_number(row.base_min_size),
        max_quantity=optional_number(row.base_max_size),
        min_notional=optional_number(row.quote_min_size),
        max_notional=optional_number(row.quote_max_size),
        trading=not (shut or row.view_only or row.auction_mode),
        arrived_ns=arrived_ns,
    )


def _read_ticker(intent: GetTicker, body: bytes, arrived_ns: int) -> Answer:
    """The product's own figures: neither bid nor ask, and no stamp."""
    row = _product_of(body)
    last, change = optional_number(row.price), optional_number(row.price_percentage_change_24h)
    ticker = Ticker(
        symbol=split_dashed(row.product_id) or row.product_id,
        last=last,
        volume=optional_number(row.volume_24h),
        quote_volume=optional_number(row.approximate_quote_24h_volume),
        change_percent=change,
        arrived_ns=arrived_ns,
    )
    return Answer(result=ticker)


class _Level(msgspec.Struct):
    price: Decimal
    size: Decimal


class _Book(msgspec.Struct):
    product_id: str
    bids: list[_Level]
    asks: list[_Level]
    time: str = ""


class _PriceBook(msgspec.Struct):
    pricebook: _Book


def _levels(rows: list[_Level]) -> tuple[Level, ...]:
    found = tuple((row.price, row.size) for row in rows)
    check_levels(found)
    return found


def _read_book(intent: GetBook, body: bytes, arrived_ns: int) -> Answer:
    """No sequence: a book by REST cannot be joined to the stream."""
    row = _price_book(body).pricebook
    book = BookSnapshot(
        symbol=split_dashed(row.product_id) or row.product_id,
        bids=_levels(row.bids),
        asks=_levels(row.asks),
        depth=intent.depth,
        exchange_ns=time_ns(row.time),
        arrived_ns=arrived_ns,
    )
    return Answer(result=book)


def _read_quote(intent: GetQuote, body: bytes, arrived_ns: int) -> Answer:
    row = _price_book(body).pricebook
    symbol = split_dashed(row.product_id) or row.product_id
    bids, asks = _levels(row.bids), _levels(row.asks)
    return Answer(result=top_quote(symbol, bids, asks, None, time_ns(row.time), arrived_ns))


class TradeRow(msgspec.Struct):
    """A printed trade, by REST and by stream."""

    trade_id: str
    product_id: str
    price: Decimal
    size: Decimal
    time: str
    side: str


def trade(row: TradeRow, symbol: str, arrived_ns: int) -> Trade:
    """With the taker's side, as everywhere else."""
    check_match(row.price, row.size)
    number_ = whole_number(row.trade_id)
    return Trade(
        symbol=symbol,
        price=row.price,
        quantity=row.size,
        side=one_of(TAKER, row.side, "a side called"),
        id=row.trade_id if number_ is None else number_,
        exchange_ns=time_ns(row.time),
        arrived_ns=arrived_ns,
    )


class _Trades(msgspec.Struct):
    trades: list[TradeRow]


def _read_trades(intent: GetTrades, body: bytes, arrived_ns: int) -> Answer:
    rows = reversed(_trades_of(body).trades)
    found = [trade(one, split_dashed(one.product_id) or one.product_id, arrived_ns) for one in rows]
    return Answer(result=Facts(found))


class CandleRow(msgspec.Struct):
    """A bar, by REST and by stream; nothing says whether it is still open."""

    start: str
    low: Decimal
    high: Decimal
    open: Decimal
    close: Decimal
    volume: Decimal
    product_id: str = ""


def candle(
    row: CandleRow, symbol: str, interval: str, exchange_ns: int | None, arrived_ns: int
) -> Candle:
    """``closed`` is only known where the venue's own time stands beside it."""
    check_numbers(row.open, row.high, row.low, row.close)
    check_sizes(row.volume)
    start_s = whole_number(row.start)
    if start_s is None or start_s > 9_000_000_000:
        raise msgspec.ValidationError(f"{row.start[:40]!r} is no time in seconds")
    open_ns = start_s * S
    close_ns = BARS.close_ns(interval, open_ns)
    return Candle(
        symbol=symbol,
        interval=interval,
        open_ns=open_ns,
        close_ns=close_ns,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
        closed=None if exchange_ns is None else exchange_ns > close_ns,
        exchange_ns=exchange_ns,
        arrived_ns=arrived_ns,
    )


class _Candles(msgspec.Struct):
    candles: list[CandleRow]


def _read_candles(intent: GetCandles, body: bytes, arrived_ns: int) -> Answer:
    """Empty buckets are absent, so the next page goes by time and not by count."""
    rows = _candles_of(body).candles
    found = [
        candle(row, intent.symbol, intent.interval, None, arrived_ns) for row in reversed(rows)
    ]
    left = intent.limit - _CANDLES
    if not found or left <= 0:
        return Answer(result=Facts(found))
    end_ns = found[0].open_ns - 1
    if intent.start_ns is not None and end_ns < intent.start_ns:
        return Answer(result=Facts(found))
    rest = replace(intent, limit=left, end_ns=end_ns)
    return Answer(result=Facts(found), next=build(rest, end_ns), older=True)


_time_of = msgspec.json.Decoder(_Time).decode
_product_of = msgspec.json.Decoder(_Product).decode
_products_of = msgspec.json.Decoder(_Products).decode
_price_book = msgspec.json.Decoder(_PriceBook).decode
_trades_of = msgspec.json.Decoder(_Trades).decode
_candles_of = msgspec.json.Decoder(_Candles).decode

CALLS: CallTable[Plan, Answer] = CallTable(
    "coinbase",
    {
        GetTime: (_time, _read_time),
        GetStatus: (
            _time,
            _read_status,
        ),  # it answers, so it is up: maintenance is told on a web page only
        GetInstruments: (_instruments, _read_instruments),
        GetTicker: (_ticker, _read_ticker),
        GetQuote: (_quote, _read_quote),
        GetBook: (_book, _read_book),
        GetTrades: (_trades, _read_trades),
        GetCandles: (_candles, _read_candles),
    },
)
