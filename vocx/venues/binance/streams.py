"""Binance's market streams: wishes to stream names, frames to facts.

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
from vocx.venues.base import Ack, ChannelSpec, Control, Decoded, SocketPlan, Unknown
from vocx.venues.base.reading import LONGEST_TEXT, UNREADABLE, Identifier, shown
from vocx.venues.binance import wire
from vocx.venues.binance.names import from_venue
from vocx.venues.binance.rest import venue_symbol

STREAMS_PER_SOCKET = 1024
"""A documented limit; stream 1025 gets code 4 and the socket is closed."""

NAMES_PER_FRAME = 200
"""Our choice: 1,024 names travel in six frames of about 6 KB, 1.5 s at four frames a second."""


def topic(wanted: ChannelSpec) -> str:
    """Binance's stream name of one wish: lower-case symbol, case-sensitive suffix."""
    assert wanted.symbol is not None
    symbol = venue_symbol(wanted.symbol).lower()
    if wanted.channel == "trades":
        return f"{symbol}@trade"
    if wanted.channel == "quotes":
        return f"{symbol}@bookTicker"
    if wanted.channel == "ticker":
        return f"{symbol}@ticker"
    if wanted.channel == "candles":
        return f"{symbol}@kline_{wanted.interval}"
    depth = "" if wanted.depth is None else wanted.depth
    return f"{symbol}@depth{depth}{'@100ms' if wanted.cadence_ms == 100 else ''}"


def plans(wanted: Sequence[ChannelSpec]) -> list[SocketPlan]:
    """One combined socket per 1,024 streams; names are subscribed by frame, so each is acked."""
    topics = {topic(one): one for one in wanted}
    names = list(topics)
    return [
        _plan({name: topics[name] for name in names[start : start + STREAMS_PER_SOCKET]})
        for start in range(0, len(names), STREAMS_PER_SOCKET)
    ]


def _plan(topics: Mapping[str, ChannelSpec]) -> SocketPlan:
    names = list(topics)
    frames = tuple(
        subscribe_frame(names[start : start + NAMES_PER_FRAME], number)
        for number, start in enumerate(range(0, len(names), NAMES_PER_FRAME), 1)
    )
    return SocketPlan(
        base="ws",
        path="/stream",
        frames=frames,
        ack_ids=tuple(range(1, len(frames) + 1)),
        topics=topics,
        frames_per_second=4.0,
    )


def subscribe_frame(names: Sequence[str], number: int) -> str:
    """The control frame that subscribes to ``names`` with ``number`` as its id."""
    body = {"method": "SUBSCRIBE", "params": list(names), "id": number}
    return msgspec.json.encode(body).decode()


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


def decode(text: bytes, arrived_ns: int, plan: SocketPlan) -> Sequence[Decoded]:
    """What one frame says (see :meth:`vocx.venues.base.Venue.decode`)."""
    if text[:11] == b'{"stream":"':
        end = text.find(b'"', 11)
        if text[end : end + 9] == b'","data":' and text[-1] == 125:
            wanted = plan.topics.get(str(text[11:end], "utf-8", "replace"))
            if wanted is not None:
                read = _BY_CHANNEL.get(wanted.channel)
                if read is None:
                    read = wire.delta if wanted.depth is None else wire.partial
                try:
                    symbol: str = wanted.symbol  # type: ignore[assignment]
                    return (read(text[end + 9 : -1], arrived_ns, symbol, wanted.depth),)
                except UNREADABLE:
                    pass
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
    head: _Any, data: bytes, arrived_ns: int, plan: SocketPlan, wanted: ChannelSpec | None
) -> Decoded:
    if head.e == "serverShutdown":
        return Control(kind="shutdown", text="the exchange says that it will close this connection")
    if head.lastUpdateId is not None:
        read: wire.Reader | None = wire.partial
        wanted = wanted or (None if head.s else _only_partial(plan))
    elif head.e is None:
        read = wire.quote if head.u is not None else None
    else:
        read = _BY_EVENT.get(head.e)
    symbol = wanted.symbol if wanted is not None else _symbol(head.s, plan)
    if read is None or symbol is None:
        return Unknown(text=shown(data))
    try:
        return read(data, arrived_ns, symbol, wanted.depth if wanted is not None else None)
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
    """A raw partial book names no symbol: only a plan with one such wish tells whose it is."""
    found = [one for one in plan.topics.values() if one.channel == "book" and one.depth]
    return found[0] if len(found) == 1 else None


def _symbol(name: str | None, plan: SocketPlan) -> str | None:
    """``"BTC/USDT"`` of ``"BTCUSDT"``: from the plan, else by the currencies that end symbols."""
    return None if name is None else from_venue(name, (one.symbol for one in plan.topics.values()))
