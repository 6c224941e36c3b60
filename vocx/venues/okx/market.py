"""OKX's public REST calls: intents to targets, bodies to facts.

Parameters, limits and shapes are those of docs-v5 (2026-07-28). Every number is a text, and an
empty text means that there is none. ``after`` asks for *older* rows and ``before`` for newer ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
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
    LONGEST_TEXT,
    Identifier,
    check_levels,
    check_match,
    ms_to_ns,
    optional_number,
    top_quote,
    whole_number,
)
from vocx.venues.base.spelling import dashed_symbol, split_dashed, split_symbol
from vocx.venues.base.tables import CallTable

MS = 1_000_000
"""Nanoseconds in OKX's millisecond."""


BARS = Bars(
    "okx",
    {
        "1s": ("1s", 1_000_000_000),
        **{f"{n}m": (f"{n}m", n * MINUTE_NS) for n in (1, 3, 5, 15, 30)},
        **{f"{n}h": (f"{n}H", n * 60 * MINUTE_NS) for n in (1, 2, 4)},
        **{f"{n}h": (f"{n}Hutc", n * 60 * MINUTE_NS) for n in (6, 12)},
        **{f"{n}d": (f"{n}Dutc", n * DAY_NS) for n in (1, 2, 3)},
        "1w": ("1Wutc", 7 * DAY_NS),
        "1M": ("1Mutc", None),
    },
)
"""Bars of six hours and more are aligned to UTC only with the suffix."""

_CANDLES, _OLD_CANDLES = 300, 100
_TRADES, _OLD_TRADES = 500, 100
_BOOK, _FULL_BOOK = 400, 5000


def trade_id(text: str) -> int | str:
    """OKX's trade ids are dense integers written as text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else text


# requests


def build(intent: Intent) -> Request:
    """The (first) request for one public intent."""
    path, parameters = CALLS.make(intent)
    query = "?" + urlencode(parameters) if parameters else ""
    bucket = path.rpartition("/")[2]
    return Request(intent=intent, method="GET", target=f"/api/v5{path}{query}", charges={bucket: 1})


Plan = tuple[str, Mapping[str, str | int]]


def _time(_: GetTime) -> Plan:
    return "/public/time", {}


def _status(_: GetStatus) -> Plan:
    return "/system/status", {}


def _instruments(intent: GetInstruments) -> Plan:
    if len(intent.symbols) == 1:
        name = dashed_symbol(intent.symbols[0])
        return "/public/instruments", {"instType": "SPOT", "instId": name}
    for symbol in intent.symbols:
        split_symbol(symbol)
    return "/public/instruments", {"instType": "SPOT"}


def _ticker(intent: GetTicker) -> Plan:
    return "/market/ticker", {"instId": dashed_symbol(intent.symbol)}


def _quote(intent: GetQuote) -> Plan:
    return "/market/books", {"instId": dashed_symbol(intent.symbol), "sz": 1}


def _book(intent: GetBook) -> Plan:
    depth = check_count("okx", "depth", intent.depth, _FULL_BOOK)
    path = "/market/books" if depth <= _BOOK else "/market/books-full"
    return path, {"instId": dashed_symbol(intent.symbol), "sz": depth}


def _trades(intent: GetTrades) -> Plan:
    name = dashed_symbol(intent.symbol)
    if intent.from_id is None:
        return "/market/trades", {
            "instId": name,
            "limit": check_count("okx", "limit", intent.limit, _TRADES),
        }
    first = trade_id(str(intent.from_id))
    if not isinstance(first, int):
        raise BadInput(f"from_id is {intent.from_id!r}; trades of okx have whole numbers")
    limit = check_count("okx", "limit", intent.limit, _OLD_TRADES)
    # Both cursors are exclusive, and ids have no holes, so the window holds exactly these.
    window = {"after": first + limit, "before": first - 1}
    return "/market/history-trades", {"instId": name, "type": 1, **window, "limit": limit}


def _candles(intent: GetCandles) -> Plan:
    """The newest page that is wanted; older ones follow (:func:`_older`)."""
    check_count("okx", "limit", intent.limit, 100_000)
    bar = BARS.name(intent.interval)
    parameters: dict[str, str | int] = {"instId": dashed_symbol(intent.symbol), "bar": bar}
    old = intent.end_ns is not None or intent.start_ns is not None or intent.interval == "1s"
    end_ns = intent.end_ns
    length_ns = BARS.length_ns(intent.interval)
    if intent.start_ns is not None:
        # A start without an end asks for the oldest rows from there, as on every venue.
        last_ns = intent.start_ns + intent.limit * length_ns
        end_ns = last_ns if end_ns is None else min(end_ns + 1, last_ns)
        if intent.start_ns >= MS:  # nothing is older than 1970, and it takes no -1
            parameters["before"] = intent.start_ns // MS - 1
    elif end_ns is not None:
        end_ns += 1
    if end_ns is not None:
        parameters["after"] = -(-end_ns // MS)
    parameters["limit"] = min(intent.limit, _OLD_CANDLES if old else _CANDLES)
    return "/market/history-candles" if old else "/market/candles", parameters


# replies


class _Time(msgspec.Struct):
    ts: str


def _read_time(_: GetTime, data: bytes, arrived_ns: int) -> Answer:
    (row,) = _times(data)
    return Answer(result=ServerTime(exchange_ns=ms_to_ns(row.ts), arrived_ns=arrived_ns))


class _Status(msgspec.Struct):
    state: str
    title: str = ""
    begin: str = ""
    end: str = ""


def _read_status(_: GetStatus, data: bytes, arrived_ns: int) -> Answer:
    """An empty list, or only plans and past ones: it is up."""
    rows = _statuses(data)
    now = next((one for one in rows if one.state in ("ongoing", "pre_open")), None)
    planned = next((one for one in rows if one.state == "scheduled"), None)
    shown = now or planned
    status = VenueStatus(
        state="maintenance" if now is not None else "online",
        text=shown.title[:LONGEST_TEXT] if shown is not None else "",
        begins_ns=ms_to_ns(shown.begin) if shown is not None else None,
        ends_ns=ms_to_ns(shown.end) if shown is not None else None,
        arrived_ns=arrived_ns,
    )
    return Answer(result=status)


class _Change(msgspec.Struct):
    """An announced change: of what (``tickSz``, ``minSz``, ``maxMktSz``), and when."""

    effTime: str = ""


class _Instrument(msgspec.Struct):
    instId: str
    instType: str
    state: str
    tickSz: str = ""
    lotSz: str = ""
    minSz: str = ""
    maxLmtSz: str = ""
    instIdCode: Identifier | None = None
    upcChg: list[_Change] | None = None


def _read_instruments(intent: GetInstruments, data: bytes, arrived_ns: int) -> Answer:
    found = [_instrument(one, arrived_ns) for one in _instruments_of(data)]
    wanted = set(intent.symbols)
    return Answer(
        result=Facts(one for one in found if one and (not wanted or one.symbol in wanted))
    )


def _instrument(row: _Instrument, arrived_ns: int) -> Instrument | None:
    symbol, tick, lot = (
        split_dashed(row.instId),
        optional_number(row.tickSz),
        optional_number(row.lotSz),
    )
    if row.instType != "SPOT" or symbol is None or tick is None or lot is None:
        return None  # not spot, or announced and without steps yet
    base, quote = split_symbol(symbol)
    changes_ns = [ms_to_ns(one.effTime) for one in row.upcChg or ()]
    return Instrument(
        symbol=symbol,
        venue="okx",
        venue_symbol=row.instId,
        code=row.instIdCode,
        base=base,
        quote=quote,
        tick=tick,
        lot=lot,
        min_quantity=optional_number(row.minSz),
        max_quantity=optional_number(row.maxLmtSz),
        trading=row.state == "live",
        changes_ns=min((one for one in changes_ns if one is not None), default=None),
        arrived_ns=arrived_ns,
    )


class TickerRow(msgspec.Struct):
    """One row of ``tickers``, by REST and by stream."""

    instId: str
    last: str = ""
    askPx: str = ""
    askSz: str = ""
    bidPx: str = ""
    bidSz: str = ""
    open24h: str = ""
    high24h: str = ""
    low24h: str = ""
    volCcy24h: str = ""
    vol24h: str = ""
    ts: str = ""


def ticker(row: TickerRow, symbol: str, arrived_ns: int) -> Ticker:
    """The last 24 hours; what never traded has no prices."""
    last, first = optional_number(row.last), optional_number(row.open24h)
    change = (last / first - 1) * 100 if last is not None and first else None
    return Ticker(
        symbol=symbol,
        last=last or None,
        bid=optional_number(row.bidPx),
        bid_quantity=optional_number(row.bidSz),
        ask=optional_number(row.askPx),
        ask_quantity=optional_number(row.askSz),
        open=first,
        high=optional_number(row.high24h),
        low=optional_number(row.low24h),
        volume=optional_number(row.vol24h),
        quote_volume=optional_number(row.volCcy24h),
        change_percent=change if change is None else round(change, 3),
        exchange_ns=ms_to_ns(row.ts),
        arrived_ns=arrived_ns,
    )


def _read_ticker(intent: GetTicker, data: bytes, arrived_ns: int) -> Answer:
    (row,) = _tickers(data)
    return Answer(result=ticker(row, split_dashed(row.instId) or row.instId, arrived_ns))


class _Book(msgspec.Struct):
    asks: list[list[str]]
    bids: list[list[str]]
    ts: str
    seqId: Identifier | None = None


def _levels(rows: list[list[str]]) -> tuple[Level, ...]:
    levels = tuple((Decimal(row[0]), Decimal(row[1])) for row in rows if len(row) >= 2)
    check_levels(levels)
    return levels


def _read_book(intent: GetBook, data: bytes, arrived_ns: int) -> Answer:
    (row,) = _books(data)
    book = BookSnapshot(
        symbol=intent.symbol,
        bids=_levels(row.bids),
        asks=_levels(row.asks),
        sequence=row.seqId,
        depth=intent.depth,
        exchange_ns=ms_to_ns(row.ts),
        arrived_ns=arrived_ns,
    )
    return Answer(result=book)


def _read_quote(intent: GetQuote, data: bytes, arrived_ns: int) -> Answer:
    (row,) = _books(data)
    bids, asks = _levels(row.bids), _levels(row.asks)
    quote = top_quote(intent.symbol, bids, asks, row.seqId, ms_to_ns(row.ts), arrived_ns)
    return Answer(result=quote)


class TradeRow(msgspec.Struct):
    """One row of trades; ``count`` is there where several matches are told as one."""

    instId: str
    tradeId: str
    px: Decimal
    sz: Decimal
    side: Side
    ts: str
    count: str = "1"


def trade(row: TradeRow, symbol: str, arrived_ns: int) -> Trade:
    """``side`` is the taker's; ``id`` is the last of ``count`` matches."""
    check_match(row.px, row.sz)
    return Trade(
        symbol=symbol,
        price=row.px,
        quantity=row.sz,
        side=row.side,
        id=trade_id(row.tradeId),
        count=whole_number(row.count) or 1,
        exchange_ns=ms_to_ns(row.ts),
        arrived_ns=arrived_ns,
    )


def _read_trades(intent: GetTrades, data: bytes, arrived_ns: int) -> Answer:
    rows = _trade_rows(data)
    found = [trade(one, split_dashed(one.instId) or one.instId, arrived_ns) for one in rows]
    return Answer(result=Facts(reversed(found)))


def candle(row: list[str], symbol: str, interval: str, arrived_ns: int) -> Candle:
    """``[open time, open, high, low, close, volume, quote volume, the same, confirm]``."""
    if len(row) < 9:
        raise msgspec.ValidationError(f"a candle has 9 texts, this one {len(row)}")
    return BARS.candle(row, symbol, interval, arrived_ns, closed=row[8] == "1")


def _read_candles(intent: GetCandles, data: bytes, arrived_ns: int) -> Answer:
    rows = _candle_rows(data)
    found = [candle(one, intent.symbol, intent.interval, arrived_ns) for one in reversed(rows)]
    page = Facts(found)
    left = intent.limit - len(found)
    reached = intent.start_ns is not None and found and found[0].open_ns <= intent.start_ns
    if not found or left <= 0 or reached:
        return Answer(result=page)
    return Answer(result=page, next=_older(intent, found[0].open_ns, left), older=True)


def _older(intent: GetCandles, oldest_ns: int, left: int) -> Request:
    """The page before: OKX pages from the newest row to the oldest."""
    end_ns = oldest_ns - 1
    request = build(replace(intent, limit=left, end_ns=end_ns, start_ns=None))
    if intent.start_ns is None:
        return request
    bound = f"&before={intent.start_ns // MS - 1}"
    rest = replace(intent, limit=left, end_ns=end_ns)
    return replace(request, intent=rest, target=request.target + bound)


_times = msgspec.json.Decoder(list[_Time]).decode
_statuses = msgspec.json.Decoder(list[_Status]).decode
_instruments_of = msgspec.json.Decoder(list[_Instrument]).decode
_tickers = msgspec.json.Decoder(list[TickerRow]).decode
_books = msgspec.json.Decoder(list[_Book]).decode
_trade_rows = msgspec.json.Decoder(list[TradeRow]).decode
_candle_rows = msgspec.json.Decoder(list[list[str]]).decode

CALLS: CallTable[Plan, Answer] = CallTable(
    "okx",
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
