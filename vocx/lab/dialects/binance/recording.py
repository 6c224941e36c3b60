"""Binance's frames as they stand in a recording: combined streams and REST ``depth`` replies.

(WebSocket streams and REST documentation of 2026-07-21; trades and changes of the book are
``trade`` and ``depthUpdate``, stamps milliseconds or microseconds.)
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vocx.lab.dialects.shared.reading import encode, read_object
from vocx.lab.events import (
    RecordedDepth,
    RecordedFact,
    RecordedFrame,
    RecordedQuote,
    RecordedTrade,
    Side,
    TextLevel,
)
from vocx.symbols import split_joined
from vocx.timing import stamp_ns

_HEAD = b'{"stream":"'
_MIDDLE = b'","data":'
_DEPTHS = ("depth", "depth@100ms", "depth@1000ms")


class _Stamp(msgspec.Struct, gc=False):
    event_time: int = msgspec.field(default=0, name="E")


class _Ids(msgspec.Struct):
    t: int | None = None
    u: int | None = None


class _Trade(msgspec.Struct, gc=False):
    t: int
    p: str
    q: str
    T: int
    m: bool


class _Depth(msgspec.Struct, gc=False):
    U: int
    u: int
    b: list[TextLevel]
    a: list[TextLevel]


class _Best(msgspec.Struct, gc=False):
    u: int
    b: str
    B: str
    a: str
    A: str


class _Snapshot(msgspec.Struct, gc=False):
    last_update_id: int | None = msgspec.field(default=None, name="lastUpdateId")
    bids: list[TextLevel] = []
    asks: list[TextLevel] = []


_stamp = msgspec.json.Decoder(_Stamp).decode
_ids = msgspec.json.Decoder(_Ids).decode
_trade = msgspec.json.Decoder(_Trade).decode
_depth = msgspec.json.Decoder(_Depth).decode
_best = msgspec.json.Decoder(_Best).decode
_snapshot = msgspec.json.Decoder(_Snapshot).decode


class BinanceRecording:
    """See :class:`vocx.lab.ports.RecordingFormat`."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}

    def frame(self, payload: bytes) -> RecordedFrame | None:
        start = len(_HEAD)
        end = payload.find(_MIDDLE, start)
        if end < 0 or payload[:start] != _HEAD or payload[end + len(_MIDDLE) :][:2] != b'{"':
            return self._saved_again(payload)
        raw = payload[start:end]
        name = self._names.get(raw)
        if name is None:
            name = self._names[raw] = raw.decode()
        return RecordedFrame(name, payload[end + len(_MIDDLE) : -1], payload)

    def _saved_again(self, payload: bytes) -> RecordedFrame | None:
        """A combined frame with blanks, or with its keys in another order."""
        if b'"stream"' not in payload or b'"data"' not in payload:
            return None
        message = read_object(payload)
        stream, data = message.get("stream"), message.get("data")
        if not isinstance(stream, str) or not isinstance(data, dict | list):
            return None
        wrapped = encode({"stream": stream, "data": data})
        return RecordedFrame(stream, encode(data), wrapped)

    def is_control(self, payload: bytes) -> bool:
        """Answers of either socket, account events, and what else REST says."""
        message = read_object(payload)
        return not {"id", "error", "result", "code", "event", "subscriptionId"}.isdisjoint(message)

    def assets(self, stream: str) -> tuple[str, str] | None:
        name = stream.partition("@")[0].upper()
        if not name or name[0] == "!":
            return None
        base, _, quote = (split_joined(name) or name).partition("/")
        return base, quote

    def quotes(self, stream: str) -> bool:
        return stream.endswith("@bookTicker")

    def sent_ns(self, data: bytes) -> int | None:
        return _moment_ns(_stamp(data).event_time) or None

    def facts(self, stream: str, data: bytes) -> Sequence[RecordedFact]:
        channel = stream.partition("@")[2]
        if channel in _DEPTHS:
            depth = _depth(data)
            return (RecordedDepth(depth.U, depth.u, depth.b, depth.a),)
        if channel == "trade":
            one = _trade(data)
            taker: Side = "sell" if one.m else "buy"
            return (RecordedTrade(_moment_ns(one.T), one.t, one.p, one.q, taker),)
        if channel == "bookTicker":
            best = _best(data)
            return (RecordedQuote(best.u, (best.b, best.B), (best.a, best.A)),)
        return ()

    def snapshot(self, payload: bytes) -> RecordedDepth | None:
        body = _snapshot(payload)
        if body.last_update_id is None:
            return None
        return RecordedDepth(0, body.last_update_id, body.bids, body.asks, snapshot=True)

    def event_id(self, data: bytes) -> int | None:
        try:
            ids = _ids(data)
        except msgspec.MsgspecError:
            return None
        return ids.t if ids.t is not None else ids.u


def _moment_ns(stamp: int) -> int:
    """A stamp of the wire, milliseconds or microseconds, as nanoseconds; 0 where there is none."""
    found = stamp_ns(stamp) if stamp else 0
    if found is None:
        raise ValueError(f"{str(stamp)[:30]} is no time in milliseconds or microseconds")
    return found
