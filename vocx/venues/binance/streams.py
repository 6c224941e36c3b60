"""Binance's market streams: channels to stream names, frames to facts.

The hot path costs one slice, one typed decode and one fact. A combined frame is
``{"stream":"<name>","data":<payload>}``; the name is sliced out, looked up in the plan, and the
payload goes straight to the decoder of its kind. Anything that does not fit that mould exactly
takes the slow path, which reads any legal JSON.

The rules are those of web-socket-streams.md (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from vocx.errors import BadReply, SubscribeRefused
from vocx.symbols import split_joined
from vocx.venues.base import (
    Ack,
    ChannelSpec,
    ControlFrame,
    Decoded,
    Notice,
    SocketPlan,
    Unknown,
)
from vocx.venues.base.reading import LONGEST_TEXT, UNREADABLE, Identifier, shown
from vocx.venues.base.spelling import joined_symbol
from vocx.venues.binance import private, wire

STREAMS_PER_SOCKET = 1024
"""A documented limit; stream 1025 gets code 4 and the socket is closed."""

NAMES_PER_FRAME = 200
"""Our choice: 1,024 names travel in six frames of about 6 KB, 1.5 s at four frames a second."""


def topic(spec: ChannelSpec) -> str:
    """Binance's stream name of one channel: lower-case symbol, case-sensitive suffix."""
    assert spec.symbol is not None
    symbol = joined_symbol(spec.symbol).lower()
    if spec.channel == "trades":
        return f"{symbol}@trade"
    if spec.channel == "quotes":
        return f"{symbol}@bookTicker"
    if spec.channel == "ticker":
        return f"{symbol}@ticker"
    if spec.channel == "candles":
        return f"{symbol}@kline_{spec.interval}"
    depth = "" if spec.depth is None else spec.depth
    return f"{symbol}@depth{depth}{'@100ms' if spec.cadence_ms == 100 else ''}"


def plans(specs: Sequence[ChannelSpec]) -> list[SocketPlan]:
    """One combined socket per 1,024 streams; names are subscribed by frame, so each is acked."""
    topics = {topic(one): one for one in specs}
    names = list(topics)
    return [
        SocketPlan(
            purpose="ws",
            path="/stream",
            topics={name: topics[name] for name in names[start : start + STREAMS_PER_SOCKET]},
        )
        for start in range(0, len(names), STREAMS_PER_SOCKET)
    ]


def control_frames(
    method: str, names: Sequence[str], nonce: str, per_frame: int = NAMES_PER_FRAME
) -> list[ControlFrame]:
    """``SUBSCRIBE`` or ``UNSUBSCRIBE`` of these streams; ids are the nonce with a number."""
    return [
        _control_frame(method, tuple(names[start : start + per_frame]), f"{nonce}{number}")
        for number, start in enumerate(range(0, len(names), per_frame), 1)
    ]


def _control_frame(method: str, names: tuple[str, ...], identity: str) -> ControlFrame:
    body = {"method": method, "params": names, "id": identity}
    return ControlFrame(text=msgspec.json.encode(body).decode(), id=identity, topics=names)


_BY_CHANNEL: dict[str, wire.Reader] = {
    "quotes": wire.quote,
    "trades": wire.trade,
    "ticker": wire.ticker,
    "candles": wire.candle,
}
_BY_EVENT: Mapping[str, wire.Reader] = {
    "trade": wire.trade,
    "aggTrade": wire.agg_trade,
    "depthUpdate": wire.delta,
    "kline": wire.candle,
    "24hrTicker": wire.ticker,
    "24hrMiniTicker": wire.ticker,
}


Payloads = dict[bytes, tuple[wire.Reader, str, int | None]]
"""What a combined frame begins with, to how its payload is read: reader, symbol, depth."""


def payloads(plan: SocketPlan) -> Payloads:
    """The beginnings of all frames that this socket is for: one look-up says what comes."""
    found: Payloads = {}
    for name, spec in plan.topics.items():
        read = _BY_CHANNEL.get(spec.channel)
        if read is None:
            read = wire.delta if spec.depth is None else wire.partial
        found[b'{"stream":"%b","data":' % name.encode()] = (read, spec.symbol or "", spec.depth)
    return found


def decode(text: bytes, arrived_ns: int, plan: SocketPlan, state: Payloads) -> Sequence[Decoded]:
    """What one frame says (see :meth:`vocx.venues.base.Sockets.decode`)."""
    end = text.find(b'"', 11) + 9  # behind the name come the nine characters ","data":
    payload = state.get(text[:end])
    if payload is not None and text[-1] == 125:
        read, symbol, depth = payload
        try:
            return (read(text[end:-1], arrived_ns, symbol, depth),)
        except UNREADABLE:
            pass
    if plan.private:
        return private.decode(text, arrived_ns, plan)
    return (_slow(text, arrived_ns, plan),)


class _Refusal(msgspec.Struct):
    code: Identifier | None = None
    msg: str = ""


_ABSENT = msgspec.Raw()


class _Any(msgspec.Struct):
    """Every field that tells one kind of frame from another; all others are skipped."""

    stream: str | None = None
    data: msgspec.Raw = _ABSENT
    result: msgspec.Raw = _ABSENT
    error: _Refusal | None = None
    id: Identifier | str | None = None
    code: Identifier | None = None
    msg: str = ""
    e: str | None = None
    s: str | None = None
    u: Identifier | None = None
    lastUpdateId: Identifier | None = None


_any_of = msgspec.json.Decoder(_Any).decode


def _slow(text: bytes, arrived_ns: int, plan: SocketPlan) -> Decoded:
    try:
        head = _any_of(text)
    except UNREADABLE:
        return _unreadable(text)
    refusal = head.error
    if refusal is None and head.code is not None and head.e is None:
        refusal = _Refusal(code=head.code, msg=head.msg)
    if refusal is not None:
        return Ack(id=head.id, error=_refused(refusal))
    if bytes(head.result):
        return Ack(id=head.id)
    data = bytes(head.data)
    if head.stream is None or not data:
        return _event(head, text, arrived_ns, plan, None)
    try:
        inner = _any_of(data)
    except UNREADABLE:
        # Legal JSON of a shape we never asked for, such as an array of all tickers.
        return Unknown(text=shown(text))
    if inner.s is None:
        inner.s = head.stream.partition("@")[0].upper()
    return _event(inner, data, arrived_ns, plan, plan.topics.get(head.stream))


def _event(
    head: _Any, data: bytes, arrived_ns: int, plan: SocketPlan, spec: ChannelSpec | None
) -> Decoded:
    if head.e == "serverShutdown":
        return Notice(kind="shutdown", text="the exchange says that it will close this connection")
    if head.lastUpdateId is not None:
        read: wire.Reader | None = wire.partial
        spec = spec or (None if head.s else _only_partial(plan))
    elif head.e is None:
        read = wire.quote if head.u is not None else None
    else:
        read = _BY_EVENT.get(head.e)
    symbol = spec.symbol if spec is not None else _symbol(head.s, plan)
    if read is None or symbol is None:
        return Unknown(text=shown(data))
    try:
        return read(data, arrived_ns, symbol, spec.depth if spec is not None else None)
    except UNREADABLE:
        return Unknown(text=shown(data))


def _refused(refusal: _Refusal) -> SubscribeRefused:
    text = refusal.msg[:LONGEST_TEXT]
    return SubscribeRefused(
        f"binance refused a subscription: {text} (code {refusal.code})",
        venue="binance",
        code=refusal.code,
        text=text,
    )


def _unreadable(text: bytes) -> Unknown:
    """An object of an unexpected shape is unknown; anything else cannot be read."""
    try:
        found = msgspec.json.decode(text)
    except UNREADABLE as error:
        raise BadReply(
            f"binance sent a frame that is not JSON ({error}): {shown(text, 80)!r}",
            venue="binance",
        ) from None
    if not isinstance(found, dict):
        kind = type(found).__name__
        raise BadReply(
            f"binance sent a JSON {kind} where an object belongs: {shown(text, 80)!r}",
            venue="binance",
        )
    return Unknown(text=shown(text))


def _only_partial(plan: SocketPlan) -> ChannelSpec | None:
    """A raw partial book names no symbol: only a plan with one such channel tells whose it is."""
    found = [one for one in plan.topics.values() if one.channel == "book" and one.depth]
    return found[0] if len(found) == 1 else None


def _symbol(name: str | None, plan: SocketPlan) -> str | None:
    """``"BTC/USDT"`` of ``"BTCUSDT"``: from the plan, else by the currencies that end symbols."""
    return (
        None if name is None else split_joined(name, (one.symbol for one in plan.topics.values()))
    )
