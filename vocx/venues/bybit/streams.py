"""Bybit's sockets: channels to topics, frames to facts.

From docs v5, WebSocket (2026-09). Three addresses: public spot, private, and trade (orders).
Acknowledgements come per request, of at most ten topics on spot; one refused topic takes its whole
request along, so the good ones are sent again. The pong has three forms, by address.

The book comes in-band: a snapshot, then changes with ``u`` one higher each; ``u`` 1 or another
snapshot begins anew. ``u`` counts per depth, ``seq`` per symbol: only ``seq`` compares with REST.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

from vocx.facts import BookDelta, BookSnapshot, Candle, Trade
from vocx.venues.base import (
    Ack,
    ChannelSpec,
    ControlFrame,
    Credentials,
    Decoded,
    LoginResult,
    Pong,
    SocketPlan,
    Unknown,
)
from vocx.venues.base.reading import (
    UNREADABLE,
    Identifier,
    Milliseconds,
    check_match,
    check_numbers,
    check_sizes,
    shown,
)
from vocx.venues.base.refusals import bad_frame
from vocx.venues.base.spelling import joined_symbol
from vocx.venues.base.streamed_book import BookReader, LevelTexts
from vocx.venues.bybit import orders, signing
from vocx.venues.bybit.errors import VENUE, socket_error
from vocx.venues.bybit.market import (
    BARS,
    MS,
    BookRow,
    TickerRow,
    quote,
    taker_side,
    ticker,
)

TOPICS_PER_REQUEST = 10
CHARACTERS_PER_SOCKET = 21_000
"""Of all topics' names (docs v5, connect, 2026-09)."""
FULL_DEPTH = 200
DEPTHS: Mapping[int, int] = {1: 10, 50: 20, 200: 100, 1000: 200}
"""Depth of a book to the milliseconds between its changes (docs v5, 2026-03-19)."""

_PRIVATE_TOPICS: Mapping[str, str] = {
    "orders": "order",
    "fills": "execution",
    "balances": "wallet",
}


def topic(spec: ChannelSpec) -> str:
    """Bybit's name of one channel."""
    if spec.symbol is None:
        return _PRIVATE_TOPICS[spec.channel]
    name = joined_symbol(spec.symbol)
    if spec.channel == "book":
        return f"orderbook.{spec.depth or FULL_DEPTH}.{name}"
    if spec.channel == "candles":
        return f"kline.{BARS.name(spec.interval or '1m')}.{name}"
    kinds = {"trades": "publicTrade", "quotes": "orderbook.1", "ticker": "tickers"}
    return f"{kinds[spec.channel]}.{name}"


def plans(specs: Sequence[ChannelSpec]) -> list[SocketPlan]:
    """A socket for market data, or more where their names are too long for one, and one for an
    account."""
    found = []
    shares: list[dict[str, ChannelSpec]] = []
    length = 0
    private = {topic(one): one for one in specs if one.symbol is None}
    for name, spec in {topic(one): one for one in specs if one.symbol is not None}.items():
        length += len(name)
        if not shares or length > CHARACTERS_PER_SOCKET:
            shares.append({})
            length = len(name)
        shares[-1][name] = spec
    found += [SocketPlan(purpose="ws_public", path="", topics=one) for one in shares]
    if private:
        found.append(
            SocketPlan(purpose="ws_private", path="", topics=private, private=True, login=True)
        )
    return found


def control_frames(operation: str, topics: Sequence[str], nonce: str) -> list[ControlFrame]:
    """``subscribe`` or ``unsubscribe`` of ten topics a frame."""
    frames = []
    for start in range(0, len(topics), TOPICS_PER_REQUEST):
        names = tuple(topics[start : start + TOPICS_PER_REQUEST])
        identity = f"{nonce[:24]}{start // TOPICS_PER_REQUEST}"
        body = {"req_id": identity, "op": operation, "args": names}
        text = msgspec.json.encode(body).decode()
        frames.append(ControlFrame(text=text, id=identity, topics=names))
    return frames


def login_frame(plan: SocketPlan, now_ns: int, credentials: Credentials) -> ControlFrame:
    """Good for ten seconds."""
    body = {"op": "auth", "args": signing.login(credentials, now_ns)}
    return ControlFrame(text=msgspec.json.encode(body).decode())


L = TypeVar("L")


class _Frame(msgspec.Struct):
    """A push, or one of the three dialects of an answer."""

    topic: str | None = None
    type: str = ""
    ts: Milliseconds | None = None
    creationTime: Milliseconds | None = None
    data: msgspec.Raw = msgspec.Raw()
    op: str | None = None
    success: bool | None = None
    ret_msg: str | None = None
    req_id: str | None = None
    reqId: str | None = None
    retCode: int | None = None
    retMsg: str | None = None


class _Trade(msgspec.Struct):
    i: str
    T: Milliseconds
    p: Decimal
    v: Decimal
    S: str
    s: str


class _Candle(msgspec.Struct):
    start: Milliseconds
    end: Milliseconds
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal
    confirm: bool
    timestamp: Milliseconds | None = None


class _Book(msgspec.Struct, Generic[L]):
    """The hot path of this venue."""

    bids: list[L] = msgspec.field(name="b")
    asks: list[L] = msgspec.field(name="a")
    u: Identifier
    seq: Identifier


_frame_of = msgspec.json.Decoder(_Frame).decode
_trades = msgspec.json.Decoder(list[_Trade]).decode
_ticker_of = msgspec.json.Decoder(TickerRow).decode
_candles = msgspec.json.Decoder(list[_Candle]).decode
_book_of: BookReader[_Book[LevelTexts]] = BookReader(_Book)
_quote_of = msgspec.json.Decoder(BookRow).decode
_orders = msgspec.json.Decoder(list[orders.OrderRow]).decode
_fills = msgspec.json.Decoder(list[orders.FillRow]).decode
_wallets = msgspec.json.Decoder(list[orders.AccountRow]).decode


def decode(text: bytes, arrived_ns: int, plan: SocketPlan) -> Sequence[Decoded]:
    """What one frame says (see :meth:`vocx.venues.base.Sockets.decode`)."""
    try:
        frame = _frame_of(text)
        if frame.topic is None:
            return (_control(frame, text),)
        spec, data = plan.topics.get(frame.topic), bytes(frame.data)
        if spec is None or not data:
            return (Unknown(text=shown(text)),)
        return _push(frame, spec, data, arrived_ns)
    except UNREADABLE as error:
        raise bad_frame(VENUE, error, text) from None


def _control(frame: _Frame, text: bytes) -> Decoded:
    said = frame.ret_msg if frame.ret_msg is not None else frame.retMsg or ""
    if frame.op == "pong" or said == "pong":
        return Pong()
    good = frame.success if frame.success is not None else frame.retCode == 0
    error = None if good else socket_error(said, frame.retCode)
    identity = frame.req_id or frame.reqId or None
    if frame.op == "auth":
        return LoginResult(error=error)
    if frame.op in ("subscribe", "unsubscribe"):
        topics = _blamed(said) if error is not None else ()
        return Ack(id=identity, topics=topics, error=error, subscribed=frame.op == "subscribe")
    return Unknown(text=shown(text))


def _blamed(said: str) -> tuple[str, ...]:
    """The topic that a refusal names: ``Invalid symbol :[orderbook.50.NOPEUSDT]`` or
    ``error:handler not found,topic:order``."""
    _, bracket, rest = said.partition("[")
    if bracket:
        return tuple(name for name in rest.partition("]")[0].split(",") if name)
    _, named, rest = said.partition("topic:")
    return (rest.strip(),) if named and rest.strip() else ()


def _push(frame: _Frame, spec: ChannelSpec, data: bytes, arrived_ns: int) -> Sequence[Decoded]:
    if spec.symbol is None:
        return _private(frame, spec, data, arrived_ns)
    sent_ns = None if frame.ts is None else frame.ts * MS
    symbol = spec.symbol
    if spec.channel == "trades":
        return [_trade(row, symbol, arrived_ns) for row in _trades(data)]
    if spec.channel == "quotes":
        return (quote(_quote_of(data), symbol, sent_ns, arrived_ns),)
    if spec.channel == "ticker":
        return (ticker(_ticker_of(data), symbol, sent_ns, arrived_ns),)
    if spec.channel == "candles":
        interval = spec.interval or "1m"
        return [_candle(row, symbol, interval, arrived_ns) for row in _candles(data)]
    row, bids, asks = _book_of(data)
    if frame.type == "delta":
        delta = BookDelta(
            symbol=symbol,
            bids=bids,
            asks=asks,
            first=row.u,
            last=row.u,
            exchange_ns=sent_ns,
            arrived_ns=arrived_ns,
        )
        return (delta,)
    snapshot = BookSnapshot(
        symbol=symbol,
        bids=bids,
        asks=asks,
        sequence=row.u,
        depth=spec.depth or FULL_DEPTH,
        exchange_ns=sent_ns,
        arrived_ns=arrived_ns,
    )
    return (snapshot,)


def _trade(row: _Trade, symbol: str, arrived_ns: int) -> Trade:
    check_match(row.p, row.v)
    return Trade(
        symbol=symbol,
        price=row.p,
        quantity=row.v,
        side=taker_side(row.S),
        id=row.i,
        exchange_ns=row.T * MS,
        arrived_ns=arrived_ns,
    )


def _candle(row: _Candle, symbol: str, interval: str, arrived_ns: int) -> Candle:
    check_numbers(row.open, row.high, row.low, row.close, row.turnover)
    check_sizes(row.volume)
    return Candle(
        symbol=symbol,
        interval=interval,
        open_ns=row.start * MS,
        close_ns=(row.end + 1) * MS - 1,
        open=row.open,
        high=row.high,
        low=row.low,
        close=row.close,
        volume=row.volume,
        quote_volume=row.turnover,
        closed=row.confirm,
        exchange_ns=None if row.timestamp is None else row.timestamp * MS,
        arrived_ns=arrived_ns,
    )


def _private(frame: _Frame, spec: ChannelSpec, data: bytes, arrived_ns: int) -> Sequence[Decoded]:
    if spec.channel == "orders":
        rows = [one for one in _orders(data) if one.category == "spot"]
        return [orders.order(one, "stream", arrived_ns) for one in rows]
    if spec.channel == "fills":
        told = [one for one in _fills(data) if one.category == "spot" and one.execType == "Trade"]
        return [orders.fill(one, "stream", arrived_ns) for one in told]
    made_ns = None if frame.creationTime is None else frame.creationTime * MS
    coins = [one for account in _wallets(data) for one in account.coin]
    return [orders.balance(one, "stream", made_ns, arrived_ns) for one in coins]
