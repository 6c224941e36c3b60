"""Bybit's frames as they stand in a recording: public topics and REST books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from vocx.lab.dialects.shared.numbers import NS_PER_MS
from vocx.lab.dialects.shared.reading import as_sent, read_object
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

_TAKER: Mapping[str, Side] = {"Buy": "buy", "Sell": "sell"}
_KINDS = ("orderbook.", "publicTrade.", "tickers.", "kline.")


class _Book(msgspec.Struct, gc=False):
    s: str
    b: list[TextLevel]
    a: list[TextLevel]
    u: int
    seq: int = 0


class _Trade(msgspec.Struct, gc=False):
    i: str
    T: int
    p: str
    v: str
    S: str


class _Head(msgspec.Struct, gc=False):
    topic: str | None = None
    ts: int | None = None
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    result: msgspec.Raw = msgspec.Raw(b"null")


_head = msgspec.json.Decoder(_Head).decode
_book = msgspec.json.Decoder(_Book).decode
_trades = msgspec.json.Decoder(list[_Trade]).decode


class BybitRecording:
    """See :class:`vocx.lab.ports.RecordingFormat`; a stream is called as its topic is.

    The update ids are ``seq``, which REST and all depths share. It has holes between two deltas, so
    a delta is taken as all changes since the one before it.
    """

    def frame(self, payload: bytes) -> RecordedFrame | None:
        topic = _head(payload).topic
        if topic is None or not topic.startswith(_KINDS):
            return None
        payload = as_sent(payload)
        return RecordedFrame(topic, payload, payload)

    def is_control(self, payload: bytes) -> bool:
        """Answers of the sockets and of REST, and topics of an account."""
        message = read_object(payload)
        return not {"op", "success", "retCode", "topic"}.isdisjoint(message)

    def assets(self, stream: str) -> tuple[str, str] | None:
        name = stream.rpartition(".")[2]
        base, _, quote = (split_joined(name) or name).partition("/")
        return (base, quote) if base else None

    def quotes(self, stream: str) -> bool:
        return stream.startswith("orderbook.1.")

    def sent_ns(self, data: bytes) -> int | None:
        sent_ms = _head(data).ts
        return None if sent_ms is None else sent_ms * NS_PER_MS

    def facts(self, stream: str, data: bytes) -> Sequence[RecordedFact]:
        frame = _head(data)
        if stream.startswith("publicTrade."):
            return [_trade(one) for one in _trades(frame.data)]
        if not stream.startswith("orderbook."):
            return ()
        book = _book(frame.data)
        if self.quotes(stream):
            if not book.b or not book.a:
                return ()
            return (RecordedQuote(book.seq, book.b[0], book.a[0]),)
        whole = frame.type == "snapshot"
        return (RecordedDepth(0 if whole else 1, book.seq, book.b, book.a, snapshot=whole),)

    def snapshot(self, payload: bytes) -> RecordedDepth | None:
        result = bytes(_head(payload).result)
        try:
            book = _book(result)
        except msgspec.MsgspecError:
            return None
        return RecordedDepth(0, book.seq, book.b, book.a, snapshot=True)

    def event_id(self, data: bytes) -> int | None:
        try:
            frame = _head(data)
            if (frame.topic or "").startswith("publicTrade."):
                return int(_trades(frame.data)[0].i)
            return _book(frame.data).seq
        except (msgspec.MsgspecError, ValueError, IndexError):
            return None


def _trade(row: _Trade) -> RecordedTrade:
    taker: Side = _TAKER[row.S]
    return RecordedTrade(row.T * NS_PER_MS, int(row.i), row.p, row.v, taker)
