"""OKX's sockets: channels to arguments, frames to facts.

From docs-v5, WebSocket (2026-07-28). Three addresses: ``public`` (books, best prices, trades,
tickers), ``business`` (candles) and ``private`` (orders, account), and a channel on the wrong one
is refused. A *topic* here is the channel and its instrument, ``"books:BTC-USDT"``.

The book comes in-band: a snapshot with ``prevSeqId`` -1, then changes whose ``prevSeqId`` is the
``seqId`` before. After a minute without a change an empty update says that the feed lives. A
maintenance may let ``seqId`` begin anew, which ``prevSeqId`` bridges. ``checksum`` has been a fixed
0 since 2026-06-23 and is not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from vocx.facts import BookDelta, BookSnapshot, Fact, Quote
from vocx.venues.base import (
    Ack,
    ChannelSpec,
    ControlFrame,
    Credentials,
    Decoded,
    Heartbeat,
    LoginResult,
    Notice,
    Pong,
    SocketPlan,
    Unknown,
)
from vocx.venues.base.reading import (
    UNREADABLE,
    Identifier,
    ms_to_ns,
    shown,
    top_quote,
)
from vocx.venues.base.refusals import bad_frame
from vocx.venues.base.spelling import dashed_symbol, split_dashed
from vocx.venues.base.streamed_book import BookReader, LevelTexts
from vocx.venues.okx import orders, signing
from vocx.venues.okx.errors import VENUE, socket_error
from vocx.venues.okx.market import (
    BARS,
    TickerRow,
    TradeRow,
    candle,
    ticker,
    trade,
)

ARGUMENTS_PER_FRAME = 100
"""Our choice: some 6 KB a frame, far below the 64 KB after which the socket is closed, and few
frames of the 480 that a connection may send in an hour."""

_PURPOSES: Mapping[str, str] = {"candles": "ws_business"}
_FULL, _TOP = "books", "books5"


def _channel(spec: ChannelSpec) -> str:
    if spec.channel == "book":
        return _FULL if spec.depth is None else _TOP
    if spec.channel == "candles":
        return f"candle{BARS.name(spec.interval or '1m')}"
    return {"trades": "trades", "quotes": "bbo-tbt", "ticker": "tickers"}[spec.channel]


def plans(specs: Sequence[ChannelSpec]) -> list[SocketPlan]:
    """One socket for each address that is needed; everything private shares one."""
    public: dict[str, dict[str, ChannelSpec]] = {}
    private: dict[str, ChannelSpec] = {}
    for spec in specs:
        if spec.symbol is None:
            # Fills come with their orders, in one channel.
            private[spec.channel] = spec
        else:
            topics = public.setdefault(_PURPOSES.get(spec.channel, "ws_public"), {})
            topics[f"{_channel(spec)}:{dashed_symbol(spec.symbol)}"] = spec
    found = [SocketPlan(purpose=name, path="", topics=topics) for name, topics in public.items()]
    if private:
        plan = SocketPlan(purpose="ws_private", path="", topics=private, private=True, login=True)
        found.append(plan)
    return found


def _argument(topic: str) -> dict[str, str]:
    name, _, instrument = topic.partition(":")
    return {"channel": name, "instId": instrument}


_PRIVATE_ARGUMENTS: Mapping[str, dict[str, str]] = {
    "orders": {"channel": "orders", "instType": "SPOT"},
    "fills": {"channel": "orders", "instType": "SPOT"},
    "balances": {"channel": "account"},
}


def control_frames(
    operation: str, plan: SocketPlan, topics: Sequence[str], nonce: str
) -> list[ControlFrame]:
    """``subscribe`` or ``unsubscribe``. Ids are letters and digits, at most 32."""
    arguments: dict[str, tuple[dict[str, str], list[str]]] = {}
    for topic in topics:
        argument = _PRIVATE_ARGUMENTS[topic] if plan.private else _argument(topic)
        key = repr(argument)
        arguments.setdefault(key, (argument, []))[1].append(topic)
    listed = list(arguments.values())
    frames = []
    for start in range(0, len(listed), ARGUMENTS_PER_FRAME):
        part = listed[start : start + ARGUMENTS_PER_FRAME]
        identity = f"{nonce[:24]}{start // ARGUMENTS_PER_FRAME}"
        body = {"id": identity, "op": operation, "args": [argument for argument, _ in part]}
        names = tuple(topic for _, served in part for topic in served)
        frames.append(
            ControlFrame(text=msgspec.json.encode(body).decode(), id=identity, topics=names)
        )
    return frames


def login_frame(now_ns: int, credentials: Credentials) -> ControlFrame:
    """Good for 30 s."""
    body = {"op": "login", "args": [signing.login(credentials, now_ns)]}
    return ControlFrame(text=msgspec.json.encode(body).decode())


class Session:
    """What one connection must remember: which trades of one's own were told already, because a
    push may be repeated with another time."""

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], None] = {}

    def news(self, row: orders.OrderRow) -> bool:
        """The documents' rule: the first push for each trade, and the first end of an order."""
        if row.tradeId:
            key = (row.ordId, row.tradeId)
        elif row.state in ("filled", "canceled", "mmp_canceled"):
            key = (row.ordId, row.state)
        else:
            return True
        if key in self.told:
            return False
        self.told[key] = None
        if len(self.told) > 10_000:
            del self.told[next(iter(self.told))]
        return True


L = TypeVar("L")


class _Argument(msgspec.Struct):
    channel: str = ""
    instId: str = ""


class _Frame(msgspec.Struct):
    """A push, an answer or a notice."""

    arg: _Argument | None = None
    data: msgspec.Raw = msgspec.Raw()
    action: str = ""
    event: str | None = None
    code: str | None = None
    msg: str = ""
    id: str | None = None
    op: str | None = None


class _Book(msgspec.Struct, Generic[L]):
    """The hot path of this venue. Of a level the first two of four texts are read: what follows is
    a dead field and a count."""

    asks: list[L]
    bids: list[L]
    ts: str
    seqId: Identifier
    prevSeqId: Identifier = -1


_frame_of = msgspec.json.Decoder(_Frame).decode
_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_book_of: BookReader[_Book[LevelTexts]] = BookReader(_Book)
_trades = msgspec.json.Decoder(list[TradeRow]).decode
_tickers = msgspec.json.Decoder(list[TickerRow]).decode
_candles = msgspec.json.Decoder(list[list[str]]).decode
_orders = msgspec.json.Decoder(list[orders.OrderRow]).decode
_accounts = msgspec.json.Decoder(list[orders.AccountRow]).decode


def decode(text: bytes, arrived_ns: int, plan: SocketPlan, state: Session) -> Sequence[Decoded]:
    """What one frame says (see :meth:`vocx.venues.base.Sockets.decode`)."""
    if text == b"pong":
        return (Pong(),)
    try:
        frame = _frame_of(text)
    except UNREADABLE as error:
        raise bad_frame(VENUE, error, text) from None
    if frame.event is not None:
        return (_event(frame, text, plan),)
    if frame.arg is None or not bytes(frame.data):
        return (Unknown(text=shown(text)),)
    try:
        if plan.private:
            return _private(frame, plan, state, arrived_ns, text)
        topic = f"{frame.arg.channel}:{frame.arg.instId}"
        return _push(frame, plan.topics.get(topic), topic, arrived_ns, text)
    except UNREADABLE as error:
        raise bad_frame(VENUE, error, text, "push") from None


def _event(frame: _Frame, text: bytes, plan: SocketPlan) -> Decoded:
    code = frame.code or ""
    if frame.event == "login":
        return LoginResult(error=None if code == "0" else socket_error(code, frame.msg))
    if frame.event == "error":
        error = socket_error(code, frame.msg)
        if code in _LOGIN_CODES:
            return LoginResult(error=error)
        return Ack(id=frame.id, topics=_blamed(frame, plan), error=error)
    if frame.event in ("subscribe", "unsubscribe") and frame.arg is not None:
        topics = _topics_of(frame.arg, plan)
        return Ack(id=frame.id, topics=topics, subscribed=frame.event == "subscribe")
    if frame.event == "notice":
        kind = "shutdown" if code == "64008" else "notice"
        return Notice(kind=kind, text=shown(frame.msg.encode("utf-8", "replace"), 160))  # type: ignore[arg-type]
    if frame.event == "channel-conn-count-error":
        return Notice(kind="terminated", text="too many connections to this channel")
    if frame.event == "channel-conn-count":
        return Notice(kind="notice", text=shown(text, 160))
    return Unknown(text=shown(text))


_LOGIN_CODES = frozenset(
    {"60004", "60005", "60006", "60007", "60009", "60022", "60024", "60026", "60032"}
)


def _topics_of(argument: _Argument, plan: SocketPlan) -> tuple[str, ...]:
    if plan.private:
        served = ("orders", "fills") if argument.channel == "orders" else ("balances",)
        return tuple(topic for topic in served if topic in plan.topics)
    return (f"{argument.channel}:{argument.instId}",)


def _blamed(frame: _Frame, plan: SocketPlan) -> tuple[str, ...]:
    """The argument that an error names in its words: ``channel:books,instId:NOPE-USDT``."""
    if frame.arg is not None:
        return _topics_of(frame.arg, plan)
    for topic in plan.topics:
        name, colon, instrument = topic.partition(":")
        if colon and f"channel:{name},instId:{instrument}" in frame.msg.replace(" ", ""):
            return (topic,)
    return ()


def _push(
    frame: _Frame, spec: ChannelSpec | None, topic: str, arrived_ns: int, text: bytes
) -> Sequence[Decoded]:
    if spec is None or spec.symbol is None:
        return (Unknown(text=shown(text)),)
    symbol, data = spec.symbol, bytes(frame.data)
    if spec.channel == "trades":
        return [trade(row, symbol, arrived_ns) for row in _trades(data)]
    if spec.channel == "ticker":
        return [ticker(row, symbol, arrived_ns) for row in _tickers(data)]
    if spec.channel == "candles":
        interval = spec.interval or "1m"
        return [candle(row, symbol, interval, arrived_ns) for row in _candles(data)]
    if spec.channel == "quotes":
        return [_quote(bytes(row), symbol, arrived_ns) for row in _rows(data)]
    return [
        one
        for row in _rows(data)
        for one in _book(bytes(row), frame.action, spec, topic, symbol, arrived_ns)
    ]


def _quote(data: bytes, symbol: str, arrived_ns: int) -> Quote:
    row, bids, asks = _book_of(data)
    return top_quote(symbol, bids, asks, row.seqId, ms_to_ns(row.ts), arrived_ns)


def _book(
    data: bytes, action: str, spec: ChannelSpec, topic: str, symbol: str, arrived_ns: int
) -> Sequence[Decoded]:
    row, bids, asks = _book_of(data)
    if action == "update":
        delta = BookDelta(
            symbol=symbol,
            bids=bids,
            asks=asks,
            first=row.prevSeqId,
            last=row.seqId,
            previous=row.prevSeqId,
            exchange_ns=ms_to_ns(row.ts),
            arrived_ns=arrived_ns,
        )
        alive = not row.bids and not row.asks and row.seqId == row.prevSeqId
        return (delta, Heartbeat(topics=(topic,))) if alive else (delta,)
    snapshot = BookSnapshot(
        symbol=symbol,
        bids=bids,
        asks=asks,
        sequence=row.seqId,
        depth=spec.depth or 400,
        exchange_ns=ms_to_ns(row.ts),
        arrived_ns=arrived_ns,
    )
    return (snapshot,)


def _private(
    frame: _Frame, plan: SocketPlan, state: Session, arrived_ns: int, text: bytes
) -> Sequence[Decoded]:
    assert frame.arg is not None
    data = bytes(frame.data)
    if frame.arg.channel == "account":
        rows = [one for account in _accounts(data) for one in account.details]
        return [orders.balance(one, "stream", arrived_ns) for one in rows]
    if frame.arg.channel != "orders":
        return (Unknown(text=shown(text)),)
    found: list[Fact] = []
    for row in _orders(data):
        if row.instType != "SPOT" or split_dashed(row.instId) is None or not state.news(row):
            continue
        fill = orders.fill_of(row, arrived_ns)
        if fill is not None and "fills" in plan.topics:
            found.append(fill)
        if "orders" in plan.topics:
            found.append(orders.order(row, "stream", arrived_ns))
    return found
