"""Bybit's public REST calls: intents to targets, bodies to facts.

Parameters, limits and shapes are those of docs v5 (2026-09). Spot prices and sizes are texts;
sequences and some stamps are numbers. Candles and trades come newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from vocx.errors import BadInput
from vocx.facts import (
    BookSnapshot,
    Facts,
    Instrument,
    Level,
    Quote,
    ServerTime,
    Side,
    Ticker,
    Trade,
    VenueStatus,
)
from vocx.symbols import join_assets, split_joined
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
    LONGEST_TEXT,
    Identifier,
    Milliseconds,
    check_levels,
    check_match,
    ms_to_ns,
    one_of,
    optional_number,
    top_quote,
)
from vocx.venues.base.spelling import joined_symbol, split_symbol
from vocx.venues.base.tables import CallTable

MS = 1_000_000
"""Nanoseconds in Bybit's millisecond."""


BARS = Bars(
    "bybit",
    {
        **{f"{n}m": (str(n), n * MINUTE_NS) for n in (1, 3, 5, 15, 30)},
        **{f"{n}h": (str(60 * n), n * 60 * MINUTE_NS) for n in (1, 2, 4, 6, 12)},
        "1d": ("D", DAY_NS),
        "1w": ("W", 7 * DAY_NS),
        "1M": ("M", None),
    },
)

_CANDLES, _TRADES, _BOOK = 1000, 60, 1000
SIDES: Mapping[str, Side] = {"Buy": "buy", "Sell": "sell"}


# requests


def build(intent: Intent) -> Request:
    """The (first) request for one public intent."""
    path, parameters = CALLS.make(intent)
    query = "?" + urlencode(parameters) if parameters else ""
    root = "/v5" if isinstance(intent, GetStatus) else "/v5/market"
    return Request(
        intent=intent, method="GET", target=f"{root}/{path}{query}", charges={"requests": 1}
    )


Plan = tuple[str, Mapping[str, str | int]]


def _spot(symbol: str, **more: str | int) -> dict[str, str | int]:
    return {"category": "spot", "symbol": joined_symbol(symbol), **more}


def _time(_: GetTime) -> Plan:
    return "time", {}


def _instruments(intent: GetInstruments) -> Plan:
    for symbol in intent.symbols:
        split_symbol(symbol)
    if len(intent.symbols) == 1:
        return "instruments-info", _spot(intent.symbols[0])
    return "instruments-info", {"category": "spot"}


def _ticker(intent: GetTicker) -> Plan:
    return "tickers", _spot(intent.symbol)


def _quote(intent: GetQuote) -> Plan:
    return "orderbook", _spot(intent.symbol, limit=1)


def _book(intent: GetBook) -> Plan:
    return "orderbook", _spot(
        intent.symbol, limit=check_count("bybit", "depth", intent.depth, _BOOK)
    )


def _trades(intent: GetTrades) -> Plan:
    """The newest sixty at most: there is neither a cursor nor a start."""
    if intent.from_id is not None:
        raise BadInput("bybit gives the newest 60 trades of spot only: leave from_id out")
    check_count("bybit", "limit", intent.limit, 100_000)
    return "recent-trade", _spot(intent.symbol, limit=min(intent.limit, _TRADES))


def _candles(intent: GetCandles) -> Plan:
    check_count("bybit", "limit", intent.limit, 100_000)
    parameters = _spot(intent.symbol, interval=BARS.name(intent.interval))
    if intent.start_ns is not None:
        parameters["start"] = -(-intent.start_ns // MS)
    if intent.end_ns is not None:
        parameters["end"] = intent.end_ns // MS
    parameters["limit"] = min(intent.limit, _CANDLES)
    return "kline", parameters


def _status(_: GetStatus) -> Plan:
    return "system/status", {}


# replies


class _Time(msgspec.Struct):
    timeNano: str


def _read_time(_: GetTime, result: bytes, arrived_ns: int) -> Answer:
    text = _time_of(result).timeNano
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) < 2**63):
        raise msgspec.ValidationError(f"{text[:40]!r} is no time in nanoseconds")
    return Answer(result=ServerTime(exchange_ns=int(text), arrived_ns=arrived_ns))


class _Maintenance(msgspec.Struct):
    title: str = ""
    state: str = ""
    begin: str = ""
    end: str = ""


class _Status(msgspec.Struct):
    rows: list[_Maintenance] = msgspec.field(name="list")


_status_of = msgspec.json.Decoder(_Status).decode


def _read_status(_: GetStatus, result: bytes, arrived_ns: int) -> Answer:
    """No row, or only plans and past ones: it is up."""
    rows = _status_of(result).rows
    now = next((one for one in rows if one.state == "ongoing"), None)
    shown = now or next((one for one in rows if one.state == "scheduled"), None)
    status = VenueStatus(
        state="online" if now is None else "maintenance",
        text="" if shown is None else shown.title[:LONGEST_TEXT],
        begins_ns=None if shown is None else ms_to_ns(shown.begin),
        ends_ns=None if shown is None else ms_to_ns(shown.end),
        arrived_ns=arrived_ns,
    )
    return Answer(result=status)


class _Lot(msgspec.Struct):
    basePrecision: str = ""
    minOrderQty: str = ""
    maxLimitOrderQty: str = ""
    maxOrderQty: str = ""
    minOrderAmt: str = ""
    maxOrderAmt: str = ""


class _Price(msgspec.Struct):
    tickSize: str = ""


class _Instrument(msgspec.Struct):
    symbol: str
    baseCoin: str
    quoteCoin: str
    status: str
    lotSizeFilter: _Lot
    priceFilter: _Price


class _Instruments(msgspec.Struct):
    rows: list[_Instrument] = msgspec.field(name="list")


def _read_instruments(intent: GetInstruments, result: bytes, arrived_ns: int) -> Answer:
    wanted = set(intent.symbols)
    found = [_instrument(one, wanted, arrived_ns) for one in _instruments_of(result).rows]
    return Answer(
        result=Facts(one for one in found if one and (not wanted or one.symbol in wanted))
    )


def _instrument(row: _Instrument, known: Iterable[str], arrived_ns: int) -> Instrument | None:
    lot = row.lotSizeFilter
    tick, step = optional_number(row.priceFilter.tickSize), optional_number(lot.basePrecision)
    if tick is None or step is None:
        return None
    return Instrument(
        symbol=join_assets(row.baseCoin, row.quoteCoin, known),
        venue="bybit",
        venue_symbol=row.symbol,
        base=row.baseCoin,
        quote=row.quoteCoin,
        tick=tick,
        lot=step,
        min_quantity=optional_number(lot.minOrderQty),
        max_quantity=optional_number(lot.maxLimitOrderQty) or optional_number(lot.maxOrderQty),
        min_notional=optional_number(lot.minOrderAmt),
        trading=row.status == "Trading",
        arrived_ns=arrived_ns,
    )


class TickerRow(msgspec.Struct):
    """One row of ``tickers``; the stream's has no bid and no ask."""

    symbol: str
    lastPrice: str = ""
    bid1Price: str = ""
    bid1Size: str = ""
    ask1Price: str = ""
    ask1Size: str = ""
    prevPrice24h: str = ""
    price24hPcnt: str = ""
    highPrice24h: str = ""
    lowPrice24h: str = ""
    turnover24h: str = ""
    volume24h: str = ""


def ticker(row: TickerRow, symbol: str, exchange_ns: int | None, arrived_ns: int) -> Ticker:
    """The last 24 hours; the change is a share on the wire and per cent here."""
    share = optional_number(row.price24hPcnt)
    return Ticker(
        symbol=symbol,
        last=optional_number(row.lastPrice) or None,
        bid=optional_number(row.bid1Price),
        bid_quantity=optional_number(row.bid1Size),
        ask=optional_number(row.ask1Price),
        ask_quantity=optional_number(row.ask1Size),
        open=optional_number(row.prevPrice24h),
        high=optional_number(row.highPrice24h),
        low=optional_number(row.lowPrice24h),
        volume=optional_number(row.volume24h),
        quote_volume=optional_number(row.turnover24h),
        change_percent=None if share is None else share * 100,
        exchange_ns=exchange_ns,
        arrived_ns=arrived_ns,
    )


class _Tickers(msgspec.Struct):
    rows: list[TickerRow] = msgspec.field(name="list")


def _read_ticker(intent: GetTicker, result: bytes, arrived_ns: int) -> Answer:
    (row,) = _tickers(result).rows
    symbol = split_joined(row.symbol, (intent.symbol,)) or row.symbol
    return Answer(result=ticker(row, symbol, None, arrived_ns))


class BookRow(msgspec.Struct):
    """A book, by REST and by stream."""

    s: str
    b: tuple[Level, ...]
    a: tuple[Level, ...]
    u: Identifier
    seq: Identifier
    cts: Milliseconds | None = None


def quote(row: BookRow, symbol: str, exchange_ns: int | None, arrived_ns: int) -> Quote:
    """The best levels of a book. ``seq`` is one sequence for all depths, and for REST."""
    check_levels(row.b, row.a)
    return top_quote(symbol, row.b, row.a, row.seq, exchange_ns, arrived_ns)


def _stamp(row: BookRow) -> int | None:
    return None if row.cts is None else row.cts * MS


def _read_book(intent: GetBook, result: bytes, arrived_ns: int) -> Answer:
    row = _book_of(result)
    check_levels(row.b, row.a)
    book = BookSnapshot(
        symbol=split_joined(row.s, (intent.symbol,)) or row.s,
        bids=row.b,
        asks=row.a,
        sequence=row.seq,
        depth=intent.depth,
        exchange_ns=_stamp(row),
        arrived_ns=arrived_ns,
    )
    return Answer(result=book)


def _read_quote(intent: GetQuote, result: bytes, arrived_ns: int) -> Answer:
    row = _book_of(result)
    symbol = split_joined(row.s, (intent.symbol,)) or row.s
    return Answer(result=quote(row, symbol, _stamp(row), arrived_ns))


class _Trade(msgspec.Struct):
    execId: str
    symbol: str
    price: Decimal
    size: Decimal
    side: str
    time: str


class _Trades(msgspec.Struct):
    rows: list[_Trade] = msgspec.field(name="list")


def taker_side(text: str) -> Side:
    """``"Buy"`` or ``"Sell"``."""
    return one_of(SIDES, text, "a side called")


def _read_trades(intent: GetTrades, result: bytes, arrived_ns: int) -> Answer:
    found = []
    for row in _trades_of(result).rows:
        check_match(row.price, row.size)
        found.append(
            Trade(
                symbol=split_joined(row.symbol, (intent.symbol,)) or row.symbol,
                price=row.price,
                quantity=row.size,
                side=taker_side(row.side),
                id=row.execId,
                exchange_ns=ms_to_ns(row.time),
                arrived_ns=arrived_ns,
            )
        )
    found.sort(key=lambda one: one.exchange_ns or 0)
    return Answer(result=Facts(found))


class _Candles(msgspec.Struct):
    rows: list[list[str]] = msgspec.field(name="list")
    symbol: str = ""


def _read_candles(intent: GetCandles, result: bytes, arrived_ns: int) -> Answer:
    """Pages go on from the newest end; with a start, from the oldest."""
    page = _candles_of(result)
    rows = page.rows
    symbol = intent.symbol
    if page.symbol:
        symbol = split_joined(page.symbol, (symbol,)) or page.symbol
    found = [BARS.candle(one, symbol, intent.interval, arrived_ns) for one in reversed(rows)]
    left = intent.limit - len(found)
    if len(found) < min(intent.limit, _CANDLES) or left <= 0:
        return Answer(result=Facts(found))
    if intent.start_ns is not None:
        rest = replace(intent, limit=left, start_ns=found[-1].close_ns + 1)
        over = intent.end_ns is not None and (rest.start_ns or 0) > intent.end_ns
        return Answer(result=Facts(found), next=None if over else build(rest))
    rest = replace(intent, limit=left, end_ns=found[0].open_ns - 1)
    return Answer(result=Facts(found), next=build(rest), older=True)


_time_of = msgspec.json.Decoder(_Time).decode
_instruments_of = msgspec.json.Decoder(_Instruments).decode
_tickers = msgspec.json.Decoder(_Tickers).decode
_book_of = msgspec.json.Decoder(BookRow).decode
_trades_of = msgspec.json.Decoder(_Trades).decode
_candles_of = msgspec.json.Decoder(_Candles).decode

CALLS: CallTable[Plan, Answer] = CallTable(
    "bybit",
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
