"""Binance's public REST calls: intents to targets, bodies to facts.

Parameters, weights and shapes are those of rest-api.md (2026-07-21). Weights depend on the
parameters: ``depth`` costs 5 for 100 levels and 250 for 5,000.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from vocx.facts import (
    BookSnapshot,
    Candle,
    Fact,
    Facts,
    Instrument,
    Level,
    Quote,
    ServerTime,
    Ticker,
    Trade,
    VenueStatus,
)
from vocx.symbols import join_assets, split_joined
from vocx.text import plain
from vocx.venues.base import (
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
    LONGEST_TEXT,
    Identifier,
    Stamp,
    check_levels,
    check_match,
    check_numbers,
    check_sizes,
    moment_ns,
)
from vocx.venues.base.spelling import joined_symbol
from vocx.venues.base.tables import CallTable

MS = 1_000_000
"""Nanoseconds in Binance's millisecond."""

SYSTEM = "/sapi/v1/system/status"


_LENGTHS: Mapping[str, int | None] = {
    "1s": 1_000_000_000,
    **{f"{n}m": n * MINUTE_NS for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * 60 * MINUTE_NS for n in (1, 2, 4, 6, 8, 12)},
    "1d": DAY_NS,
    "3d": 3 * DAY_NS,
    "1w": 7 * DAY_NS,
    "1M": None,
}
BARS = Bars("binance", {name: (name, length) for name, length in _LENGTHS.items()})
"""Binance's names are ours. Case matters: 1m is a minute, 1M a month."""


def build(intent: Intent) -> Request:
    """The request for one public intent."""
    path, parameters, weight = CALLS.make(intent)
    query = "?" + urlencode(parameters) if parameters else ""
    charges = {"weight": weight, "requests": 1}
    if isinstance(intent, GetStatus):  # the public-data hosts have no /sapi
        return Request(
            intent=intent, method="GET", target=SYSTEM, purpose="rest_signed", charges=charges
        )
    return Request(intent=intent, method="GET", target=f"/api/v3/{path}{query}", charges=charges)


Plan = tuple[str, Mapping[str, str | int], int]


def depth_weight(depth: int) -> int:
    """What ``depth`` levels a side cost (rest-api.md, order book)."""
    return 5 if depth <= 100 else 25 if depth <= 500 else 50 if depth <= 1000 else 250


def _time(_: GetTime) -> Plan:
    return "time", {}, 1


def _status(_: GetStatus) -> Plan:
    return SYSTEM, {}, 1


def without_status(request: Request) -> Request:
    """What is asked where ``/sapi`` does not exist, as on the testnet: whether it answers."""
    return msgspec.structs.replace(request, target="/api/v3/time")


def _instruments(intent: GetInstruments) -> Plan:
    names = [joined_symbol(symbol) for symbol in intent.symbols]
    if not names:
        return "exchangeInfo", {}, 20
    if len(names) == 1:
        return "exchangeInfo", {"symbol": names[0]}, 20
    return "exchangeInfo", {"symbols": msgspec.json.encode(names).decode()}, 20


def _ticker(intent: GetTicker) -> Plan:
    return "ticker/24hr", {"symbol": joined_symbol(intent.symbol)}, 2


def _quote(intent: GetQuote) -> Plan:
    return "ticker/bookTicker", {"symbol": joined_symbol(intent.symbol)}, 2


def _book(intent: GetBook) -> Plan:
    depth = check_count("binance", "depth", intent.depth, 5000)
    return (
        "depth",
        {"symbol": joined_symbol(intent.symbol), "limit": depth},
        depth_weight(depth),
    )


def _trades(intent: GetTrades) -> Plan:
    parameters: dict[str, str | int] = {
        "symbol": joined_symbol(intent.symbol),
        "limit": check_count("binance", "limit", intent.limit, 1000),
    }
    if intent.from_id is None:
        return "trades", parameters, 25
    return "historicalTrades", {**parameters, "fromId": intent.from_id}, 25


def _candles(intent: GetCandles) -> Plan:
    parameters: dict[str, str | int] = {
        "symbol": joined_symbol(intent.symbol),
        "interval": BARS.name(intent.interval),
        "limit": check_count("binance", "limit", intent.limit, 1000),
    }
    if intent.start_ns is not None:
        parameters["startTime"] = intent.start_ns // MS
    if intent.end_ns is not None:
        parameters["endTime"] = intent.end_ns // MS
    return "klines", parameters, 2


class _Time(msgspec.Struct):
    serverTime: Stamp


class _Status(msgspec.Struct):
    status: Identifier | None = None
    msg: str = ""
    serverTime: Stamp | None = None


class _Filter(msgspec.Struct):
    """Of each filter what an :class:`~vocx.facts.Instrument` says."""

    filterType: str
    minPrice: Decimal | None = None
    maxPrice: Decimal | None = None
    tickSize: Decimal | None = None
    stepSize: Decimal | None = None
    minQty: Decimal | None = None
    maxQty: Decimal | None = None
    minNotional: Decimal | None = None
    maxNotional: Decimal | None = None


class _Symbol(msgspec.Struct):
    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    filters: list[_Filter]
    isSpotTradingAllowed: bool = True


class _Info(msgspec.Struct):
    serverTime: Stamp
    symbols: list[_Symbol]


class _Ticker(msgspec.Struct):
    symbol: str
    lastPrice: Decimal
    openPrice: Decimal
    highPrice: Decimal
    lowPrice: Decimal
    volume: Decimal
    quoteVolume: Decimal
    closeTime: Stamp
    count: Identifier
    priceChangePercent: Decimal | None = None
    bidPrice: Decimal | None = None
    bidQty: Decimal | None = None
    askPrice: Decimal | None = None
    askQty: Decimal | None = None


class _Quote(msgspec.Struct):
    symbol: str
    bidPrice: Decimal
    bidQty: Decimal
    askPrice: Decimal
    askQty: Decimal


class _Book(msgspec.Struct):
    lastUpdateId: Identifier
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class _Trade(msgspec.Struct):
    id: Identifier
    price: Decimal
    qty: Decimal
    time: Stamp
    isBuyerMaker: bool


class _Kline(msgspec.Struct, array_like=True):
    """One row of ``klines``; what the exchange puts behind these fields is not ours."""

    opened: Stamp
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: Stamp
    quote_volume: Decimal
    trades: Identifier


_time_body = msgspec.json.Decoder(_Time).decode
_status_body = msgspec.json.Decoder(_Status).decode
_info_body = msgspec.json.Decoder(_Info).decode
_ticker_body = msgspec.json.Decoder(_Ticker).decode
_quote_body = msgspec.json.Decoder(_Quote).decode
_book_body = msgspec.json.Decoder(_Book).decode
_trades_body: Callable[[bytes], list[_Trade]] = msgspec.json.Decoder(list[_Trade]).decode
_klines_body: Callable[[bytes], list[_Kline]] = msgspec.json.Decoder(list[_Kline]).decode


def _read_time(_: GetTime, body: bytes, arrived_ns: int) -> ServerTime:
    return ServerTime(exchange_ns=moment_ns(_time_body(body).serverTime), arrived_ns=arrived_ns)


def _read_status(_: GetStatus, body: bytes, arrived_ns: int) -> VenueStatus:
    found = _status_body(body)
    if found.serverTime is not None:
        return VenueStatus(
            state="online",
            text="it answers; this host has no word on maintenance",
            exchange_ns=moment_ns(found.serverTime),
            arrived_ns=arrived_ns,
        )
    if found.status is None:
        raise msgspec.ValidationError("neither a status nor a time")
    state: Literal["online", "maintenance"] = "online" if found.status == 0 else "maintenance"
    return VenueStatus(state=state, text=found.msg[:LONGEST_TEXT], arrived_ns=arrived_ns)


def _read_instruments(intent: GetInstruments, body: bytes, arrived_ns: int) -> Facts[Instrument]:
    info = _info_body(body)
    exchange_ns = moment_ns(info.serverTime)
    found = Facts(_instrument(one, intent.symbols, exchange_ns, arrived_ns) for one in info.symbols)
    if intent.symbols and len(found) != len(intent.symbols):
        raise msgspec.ValidationError(f"asked for {intent.symbols}, got {len(found)} symbols")
    return found


def _instrument(
    one: _Symbol, known: Sequence[str], exchange_ns: int, arrived_ns: int
) -> Instrument:
    filters = {entry.filterType: entry for entry in one.filters}
    none = _Filter(filterType="")
    lot = filters.get("LOT_SIZE", none)
    price = filters.get("PRICE_FILTER", none)
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL") or none
    return Instrument(
        symbol=join_assets(one.baseAsset, one.quoteAsset, known),
        venue="binance",
        venue_symbol=one.symbol,
        base=one.baseAsset,
        quote=one.quoteAsset,
        # A step that the venue does not state is one unit of its 8 printed decimals.
        tick=_step(price.tickSize),
        lot=_step(lot.stepSize),
        min_price=_positive(price.minPrice),
        max_price=_positive(price.maxPrice),
        min_quantity=_positive(lot.minQty),
        max_quantity=_positive(lot.maxQty),
        min_notional=_positive(notional.minNotional),
        max_notional=_positive(notional.maxNotional),
        trading=one.status == "TRADING" and one.isSpotTradingAllowed,
        exchange_ns=exchange_ns,
        arrived_ns=arrived_ns,
    )


def _positive(number: Decimal | None) -> Decimal | None:
    check_numbers(number)
    return Decimal(plain(number)) if number is not None and number > 0 else None


def _step(stated: Decimal | None) -> Decimal:
    return _positive(stated) or Decimal("0.00000001")


def _read_ticker(intent: GetTicker, body: bytes, arrived_ns: int) -> Ticker:
    found = _ticker_body(body)
    check_numbers(found.lastPrice, found.openPrice, found.highPrice, found.lowPrice)
    check_numbers(found.volume, found.quoteVolume, found.priceChangePercent)
    check_numbers(found.bidPrice, found.bidQty, found.askPrice, found.askQty)
    return Ticker(
        symbol=split_joined(found.symbol, [intent.symbol]) or found.symbol,
        last=found.lastPrice,
        bid=found.bidPrice,
        bid_quantity=found.bidQty,
        ask=found.askPrice,
        ask_quantity=found.askQty,
        open=found.openPrice,
        high=found.highPrice,
        low=found.lowPrice,
        volume=found.volume,
        quote_volume=found.quoteVolume,
        change_percent=found.priceChangePercent,
        trades=found.count,
        exchange_ns=moment_ns(found.closeTime),
        arrived_ns=arrived_ns,
    )


def _read_quote(intent: GetQuote, body: bytes, arrived_ns: int) -> Quote:
    found = _quote_body(body)
    check_numbers(found.bidPrice, found.askPrice)
    check_sizes(found.bidQty, found.askQty)
    return Quote(
        symbol=split_joined(found.symbol, [intent.symbol]) or found.symbol,
        bid=found.bidPrice,
        bid_quantity=found.bidQty,
        ask=found.askPrice,
        ask_quantity=found.askQty,
        arrived_ns=arrived_ns,
    )


def _read_book(intent: GetBook, body: bytes, arrived_ns: int) -> BookSnapshot:
    found = _book_body(body)
    check_levels(found.bids, found.asks)
    return BookSnapshot(
        symbol=intent.symbol,
        bids=found.bids,
        asks=found.asks,
        sequence=found.lastUpdateId,
        depth=intent.depth,
        arrived_ns=arrived_ns,
    )


def _read_trades(intent: GetTrades, body: bytes, arrived_ns: int) -> Facts[Trade]:
    rows = _trades_body(body)
    for one in rows:
        check_match(one.price, one.qty)
    return Facts(
        Trade(
            symbol=intent.symbol,
            price=one.price,
            quantity=one.qty,
            side="sell" if one.isBuyerMaker else "buy",
            id=one.id,
            exchange_ns=moment_ns(one.time),
            arrived_ns=arrived_ns,
        )
        for one in rows
    )


def _read_candles(intent: GetCandles, body: bytes, arrived_ns: int) -> Facts[Candle]:
    rows = _klines_body(body)
    for row in rows:
        check_numbers(row.open, row.high, row.low, row.close, row.quote_volume)
        check_sizes(row.volume)
    return Facts(
        Candle(
            symbol=intent.symbol,
            interval=intent.interval,
            open_ns=moment_ns(row.opened),
            close_ns=moment_ns(row.closed),
            open=row.open,
            high=row.high,
            low=row.low,
            close=row.close,
            volume=row.volume,
            quote_volume=row.quote_volume,
            trades=row.trades,
            arrived_ns=arrived_ns,
        )
        for row in rows
    )


CALLS: CallTable[Plan, Fact | Facts[Any]] = CallTable(
    "binance",
    {
        GetTime: (_time, _read_time),
        GetStatus: (_status, _read_status),
        GetInstruments: (_instruments, _read_instruments),
        GetTicker: (_ticker, _read_ticker),
        GetQuote: (_quote, _read_quote),
        GetBook: (_book, _read_book),
        GetTrades: (_trades, _read_trades),
        GetCandles: (_candles, _read_candles),
    },
)
