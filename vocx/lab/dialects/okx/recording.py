"""OKX's frames as they stand in a recording: pushes of the three sockets, and REST books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vocx.lab.dialects.shared.reading import as_sent, read_object
from vocx.lab.events import (
    RecordedDepth,
    RecordedFact,
    RecordedFrame,
    RecordedQuote,
    RecordedTrade,
    TextLevel,
)

_PRIVATE = ("orders", "account", "balance_and_position", "fills")


class OkxRecording:
    """See :class:`vocx.lab.ports.RecordingFormat`. A stream is called as its topic is."""

    def frame(self, payload: bytes) -> RecordedFrame | None:
        """The channel and instrument of a push."""
        if b'"arg"' not in payload:
            return None
        message = read_object(payload)
        arg = message.get("arg")
        if not isinstance(arg, dict) or "data" not in message or not arg.get("channel"):
            return None
        if arg["channel"] in _PRIVATE:
            return None
        names = (str(arg["channel"]), str(arg.get("instId", "")))
        payload = as_sent(payload)
        return RecordedFrame(":".join(one for one in names if one), payload, payload)

    def is_control(self, payload: bytes) -> bool:
        """Events, answers to operations, an account's pushes, other answers of REST."""
        message = read_object(payload)
        return not {"event", "op", "code", "arg"}.isdisjoint(message)

    def assets(self, stream: str) -> tuple[str, str] | None:
        """Both sides of the instrument's dash."""
        base, dash, quote = stream.partition(":")[2].partition("-")
        return (base, quote) if dash and base and quote else None

    def quotes(self, stream: str) -> bool:
        """Best prices are ``bbo-tbt``."""
        return stream.startswith("bbo-tbt:")

    def sent_ns(self, data: bytes) -> int | None:
        """``ts`` of the last row."""
        rows = read_object(data).get("data")
        row = rows[-1] if isinstance(rows, list) and rows else None
        stamp = row.get("ts") if isinstance(row, dict) else None
        return int(stamp) * 1_000_000 if stamp else None

    def facts(self, stream: str, data: bytes) -> Sequence[RecordedFact]:
        """Trades, best prices and changes of a book; a row of trades may stand for several."""
        channel, message = stream.partition(":")[0], read_object(data)
        found: list[RecordedFact] = []
        for row in message["data"]:
            if channel in ("trades", "trades-all"):
                found.append(
                    RecordedTrade(
                        int(row["ts"]) * 1_000_000,
                        int(row["tradeId"]),
                        row["px"],
                        row["sz"],
                        row["side"],
                    )
                )
            elif channel == "bbo-tbt" and row["bids"] and row["asks"]:
                bid, ask = _levels(row["bids"])[0], _levels(row["asks"])[0]
                found.append(RecordedQuote(int(row["seqId"]), bid, ask))
            elif channel == "books":
                whole = message.get("action") == "snapshot"
                first = int(row["seqId"] if whole else int(row["prevSeqId"]) + 1)
                bids, asks = _levels(row["bids"]), _levels(row["asks"])
                found.append(RecordedDepth(first, int(row["seqId"]), bids, asks, snapshot=whole))
        return found

    def snapshot(self, payload: bytes) -> RecordedDepth | None:
        """The book of a REST answer."""
        rows = read_object(payload).get("data")
        row = rows[0] if isinstance(rows, list) and rows else None
        if not isinstance(row, dict) or "bids" not in row or "seqId" not in row:
            return None
        bids, asks = _levels(row["bids"]), _levels(row["asks"])
        return RecordedDepth(0, int(row["seqId"]), bids, asks, snapshot=True)

    def event_id(self, data: bytes) -> int | None:
        """A trade's id, else the sequence."""
        rows = read_object(data).get("data")
        row = rows[-1] if isinstance(rows, list) and rows else None
        if not isinstance(row, dict):
            return None
        found = row.get("tradeId") or row.get("seqId")
        return int(found) if found else None


def _levels(rows: Any) -> list[TextLevel]:
    return [(row[0], row[1]) for row in rows]
