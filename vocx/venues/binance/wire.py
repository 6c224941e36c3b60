"""Payloads of Binance's market streams: one typed struct and one reader for each kind.

Field names are the wire's own (web-socket-streams.md, 2026-07-21). A payload names neither the
symbol of a partial book nor, in the form vocx writes, of anything: the caller passes it in.
A price that is no number of a market makes no fact, nor does a delta with one such level.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Generic, Literal, TypeVar

import msgspec

from vocx.facts import BookDelta, BookSnapshot, Candle, Fact, Quote, Ticker, Trade
from vocx.venues.base.reading import (
    LEAST,
    MOST,
    Identifier,
    Numbers,
    Stamp,
    check_match,
    check_numbers,
    check_sizes,
    moment_ns,
)
from vocx.venues.base.streamed_book import BookReader, LevelTexts

L = TypeVar("L")


class _Quote(msgspec.Struct, gc=False):
    u: Identifier
    b: str
    B: Decimal
    a: str
    A: Decimal
    e: None = None


class _Trade(msgspec.Struct, gc=False):
    e: Literal["trade"]
    E: Stamp
    t: Identifier
    p: Decimal
    q: Decimal
    T: Stamp
    m: bool


class _AggTrade(msgspec.Struct, gc=False):
    e: Literal["aggTrade"]
    E: Stamp
    p: Decimal
    q: Decimal
    f: Identifier
    l: Identifier  # noqa: E741 - the wire's own name
    T: Stamp
    m: bool


class _Delta(msgspec.Struct, Generic[L], gc=False):
    e: Literal["depthUpdate"]
    E: Stamp
    U: Identifier
    u: Identifier
    bids: list[L] = msgspec.field(name="b")
    asks: list[L] = msgspec.field(name="a")


class _Partial(msgspec.Struct, Generic[L], gc=False):
    lastUpdateId: Identifier
    bids: list[L]
    asks: list[L]


class _Ticker(msgspec.Struct, gc=False):
    e: Literal["24hrTicker", "24hrMiniTicker"]
    E: Stamp
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
    n: Identifier | None = None


class _Bar(msgspec.Struct, gc=False):
    t: Stamp
    T: Stamp
    i: str
    o: Decimal
    c: Decimal
    h: Decimal
    l: Decimal  # noqa: E741 - the wire's own name
    v: Decimal
    n: Identifier
    x: bool
    q: Decimal


class _Kline(msgspec.Struct, gc=False):
    e: Literal["kline"]
    E: Stamp
    k: _Bar


_quote_of = msgspec.json.Decoder(_Quote).decode
_trade_of = msgspec.json.Decoder(_Trade).decode
_agg_of = msgspec.json.Decoder(_AggTrade).decode
_delta_of: BookReader[_Delta[LevelTexts]] = BookReader(_Delta)
_partial_of: BookReader[_Partial[LevelTexts]] = BookReader(_Partial)
_ticker_of = msgspec.json.Decoder(_Ticker).decode
_kline_of = msgspec.json.Decoder(_Kline).decode
_prices = Numbers()
"""Best prices: of ten minutes of BTC/USDT 96 in 100 were there before."""


def quote(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _quote_of(data)
    B, A = found.B, found.A
    if not (LEAST <= B < MOST and LEAST <= A < MOST):  # an empty side is written as zeros
        check_sizes(B, A)
    return Quote(
        symbol=symbol,
        bid=_prices[found.b],
        bid_quantity=B,
        ask=_prices[found.a],
        ask_quantity=A,
        sequence=found.u,
        arrived_ns=arrived_ns,
    )


def trade(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _trade_of(data)
    p, q = found.p, found.q
    if not (LEAST <= p < MOST and LEAST <= q < MOST):  # without the call: trades are frequent
        check_match(p, q)
    return Trade(
        symbol=symbol,
        price=p,
        quantity=q,
        side="sell" if found.m else "buy",
        id=found.t,
        event_ns=moment_ns(found.E),
        exchange_ns=moment_ns(found.T),
        arrived_ns=arrived_ns,
    )


def agg_trade(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _agg_of(data)
    check_match(found.p, found.q)
    return Trade(
        symbol=symbol,
        price=found.p,
        quantity=found.q,
        side="sell" if found.m else "buy",
        id=found.l,
        count=found.l - found.f + 1,
        event_ns=moment_ns(found.E),
        exchange_ns=moment_ns(found.T),
        arrived_ns=arrived_ns,
    )


def delta(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found, bids, asks = _delta_of(data)
    return BookDelta(
        symbol=symbol,
        bids=bids,
        asks=asks,
        first=found.U,
        last=found.u,
        exchange_ns=moment_ns(found.E),
        arrived_ns=arrived_ns,
    )


def partial(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found, bids, asks = _partial_of(data)
    return BookSnapshot(
        symbol=symbol,
        bids=bids,
        asks=asks,
        sequence=found.lastUpdateId,
        depth=depth,
        arrived_ns=arrived_ns,
    )


def ticker(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _ticker_of(data)
    check_numbers(found.c, found.o, found.h, found.l, found.v, found.q, found.P)
    check_numbers(found.b, found.B, found.a, found.A)
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
        exchange_ns=moment_ns(found.E),
        arrived_ns=arrived_ns,
    )


def candle(data: bytes, arrived_ns: int, symbol: str, depth: int | None) -> Fact:
    found = _kline_of(data)
    bar = found.k
    check_numbers(bar.o, bar.h, bar.l, bar.c, bar.q)
    check_sizes(bar.v)
    return Candle(
        symbol=symbol,
        interval=bar.i,
        open_ns=moment_ns(bar.t),
        close_ns=moment_ns(bar.T),
        open=bar.o,
        high=bar.h,
        low=bar.l,
        close=bar.c,
        volume=bar.v,
        quote_volume=bar.q,
        trades=bar.n,
        closed=bar.x,
        exchange_ns=moment_ns(found.E),
        arrived_ns=arrived_ns,
    )


Reader = Callable[[bytes, int, str, int | None], Fact]
"""Payload, arrival, symbol and depth to a fact; ``msgspec.DecodeError`` for another shape."""
