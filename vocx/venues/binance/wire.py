"""Payloads of Binance's market streams: one typed struct and one reader for each kind.

Field names are the wire's own (web-socket-streams.md, 2026-07-21). A payload names neither the
symbol of a partial book nor, in the form vocx writes, of anything: the caller passes it in.
A price that is no finite number makes no fact; the many levels of a delta are left to the book,
which doubts itself when it meets one.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Literal

import msgspec

from vocx.facts import BookDelta, BookSnapshot, Candle, Fact, Level, Quote, Ticker, Trade
from vocx.venues.binance.rest import MS, finite


class _Quote(msgspec.Struct, gc=False):
    u: int
    b: Decimal
    B: Decimal
    a: Decimal
    A: Decimal
    e: None = None


class _Trade(msgspec.Struct, gc=False):
    e: Literal["trade"]
    E: int
    t: int
    p: Decimal
    q: Decimal
    T: int
    m: bool


class _AggTrade(msgspec.Struct, gc=False):
    e: Literal["aggTrade"]
    E: int
    p: Decimal
    q: Decimal
    f: int
    l: int  # noqa: E741 - the wire's own name
    T: int
    m: bool


class _Delta(msgspec.Struct, gc=False):
    e: Literal["depthUpdate"]
    E: int
    U: int
    u: int
    b: tuple[Level, ...]
    a: tuple[Level, ...]


class _Partial(msgspec.Struct, gc=False):
    lastUpdateId: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class _Ticker(msgspec.Struct, gc=False):
    e: Literal["24hrTicker", "24hrMiniTicker"]
    E: int
    c: Decimal
    o: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the wire's own name
    v: Decimal
    q: Decimal
    P: Decimal | None = None
    b: Decimal | None = None
    B: Decimal | None = None
    a: Decimal | None = None
    A: Decimal | None = None
    n: int | None = None


class _Bar(msgspec.Struct, gc=False):
    t: int
    T: int
    i: str
    o: Decimal
    c: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the wire's own name
    v: Decimal
    n: int
    x: bool
    q: Decimal


class _Kline(msgspec.Struct, gc=False):
    e: Literal["kline"]
    E: int
    k: _Bar


_quote_of = msgspec.json.Decoder(_Quote).decode
_trade_of = msgspec.json.Decoder(_Trade).decode
_agg_of = msgspec.json.Decoder(_AggTrade).decode
_delta_of = msgspec.json.Decoder(_Delta).decode
_partial_of = msgspec.json.Decoder(_Partial).decode
_ticker_of = msgspec.json.Decoder(_Ticker).decode
_kline_of = msgspec.json.Decoder(_Kline).decode


def quote(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _quote_of(data)
    if not (  # finite() without its call and loop: this runs for every best price
        found.b.is_finite() and found.B.is_finite() and found.a.is_finite() and found.A.is_finite()
    ):
        raise msgspec.ValidationError("a price or quantity is no number")
    return Quote(
        symbol=symbol,
        bid=found.b,
        bid_quantity=found.B,
        ask=found.a,
        ask_quantity=found.A,
        sequence=found.u,
        arrived_ns=arrived_ns,
    )


def trade(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _trade_of(data)
    if not (found.p.is_finite() and found.q.is_finite()):
        raise msgspec.ValidationError("a price or quantity is no number")
    return Trade(
        symbol=symbol,
        price=found.p,
        quantity=found.q,
        side="sell" if found.m else "buy",
        id=found.t,
        event_ns=found.E * MS,
        exchange_ns=found.T * MS,
        arrived_ns=arrived_ns,
    )


def agg_trade(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _agg_of(data)
    finite(found.p, found.q)
    return Trade(
        symbol=symbol,
        price=found.p,
        quantity=found.q,
        side="sell" if found.m else "buy",
        id=found.l,
        count=found.l - found.f + 1,
        event_ns=found.E * MS,
        exchange_ns=found.T * MS,
        arrived_ns=arrived_ns,
    )


def delta(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _delta_of(data)
    return BookDelta(
        symbol=symbol,
        bids=found.b,
        asks=found.a,
        first=found.U,
        last=found.u,
        exchange_ns=found.E * MS,
        arrived_ns=arrived_ns,
    )


def partial(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _partial_of(data)
    finite(*(number for level in (*found.bids, *found.asks) for number in level))
    return BookSnapshot(
        symbol=symbol,
        bids=found.bids,
        asks=found.asks,
        sequence=found.lastUpdateId,
        depth=depth,
        arrived_ns=arrived_ns,
    )


def ticker(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _ticker_of(data)
    finite(found.c, found.b, found.a, found.v)
    return Ticker(
        symbol=symbol,
        last=found.c,
        bid=found.b,
        bid_quantity=found.B,
        ask=found.a,
        ask_quantity=found.A,
        open=found.o,
        high=found.h,
        low=found.l,
        volume=found.v,
        quote_volume=found.q,
        change_percent=found.P,
        trades=found.n,
        exchange_ns=found.E * MS,
        arrived_ns=arrived_ns,
    )


def candle(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _kline_of(data)
    bar = found.k
    finite(bar.o, bar.h, bar.l, bar.c, bar.v)
    return Candle(
        symbol=symbol,
        interval=bar.i,
        open_ns=bar.t * MS,
        close_ns=bar.T * MS,
        open=bar.o,
        high=bar.h,
        low=bar.l,
        close=bar.c,
        volume=bar.v,
        quote_volume=bar.q,
        trades=bar.n,
        closed=bar.x,
        exchange_ns=found.E * MS,
        arrived_ns=arrived_ns,
    )


Reader = Callable[[bytes, int, str, int | None], Fact]
"""Payload, arrival, symbol and depth to a fact; ``msgspec.DecodeError`` for another shape."""
