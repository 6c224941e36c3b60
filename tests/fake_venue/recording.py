"""The fake venue's frames as they stand in a recording."""

from __future__ import annotations

import json
from typing import Any

from vocx.lab.dialects.shared.reading import as_sent
from vocx.lab.events import (
    RecordedDepth,
    RecordedFact,
    RecordedFrame,
    RecordedQuote,
    RecordedTrade,
)

_QUOTES = ("USDT", "USD", "BTC")


class FakeRecording:
    """See :class:`vocx.lab.ports.RecordingFormat`. A stream is called as its topic is; a quote
    currency that market channels relabel gets its own name back."""

    def __init__(self, relabel: tuple[str, str] | None = None) -> None:
        self._relabel = relabel

    def frame(self, payload: bytes) -> RecordedFrame | None:
        message = _object(payload)
        if "data" not in message or "symbol" not in message:
            return None
        symbol = message["symbol"]
        if self._relabel is not None and symbol.endswith(f"-{self._relabel[1]}"):
            symbol = symbol.removesuffix(self._relabel[1]) + self._relabel[0]
        parts = (message["channel"], symbol, message.get("interval"))
        payload = as_sent(payload)
        return RecordedFrame(":".join(part for part in parts if part), payload, payload)

    def is_control(self, payload: bytes) -> bool:
        return not {"id", "channel", "event", "error", "data", "time"}.isdisjoint(_object(payload))

    def assets(self, stream: str) -> tuple[str, str] | None:
        name = stream.split(":")[1].replace("-", "")
        quote = next((one for one in _QUOTES if name.endswith(one) and name != one), "")
        return name.removesuffix(quote), quote

    def sent_ns(self, data: bytes) -> int | None:
        time = _object(data).get("time")
        return None if time is None else int(time) * 1_000_000

    def quotes(self, stream: str) -> bool:
        return stream.startswith("quotes:")

    def facts(self, stream: str, data: bytes) -> list[RecordedFact]:
        channel, message = stream.partition(":")[0], _object(data)
        body: Any = message.get("data")
        if channel == "trades":
            return [
                RecordedTrade(
                    row["time"] * 1_000_000, row["id"], row["price"], row["quantity"], row["side"]
                )
                for row in body
            ]
        if channel == "quotes":
            bid, ask = ((body[side], body[f"{side}_quantity"]) for side in ("bid", "ask"))
            return [RecordedQuote(body["sequence"], bid, ask)]
        if channel == "book":
            last = body.get("last", body.get("sequence", message.get("sequence", 0)))
            first = body.get("first", body.get("previous", last - 1) + 1)
            bids, asks = ([(p, q) for p, q in body[side]] for side in ("bids", "asks"))
            whole = message.get("type") == "snapshot"
            return [RecordedDepth(first, last, bids, asks, snapshot=whole)]
        return []

    def snapshot(self, payload: bytes) -> RecordedDepth | None:
        body = _object(payload)
        if "bids" not in body or "sequence" not in body:
            return None
        bids, asks = ([(p, q) for p, q in body[side]] for side in ("bids", "asks"))
        return RecordedDepth(0, body["sequence"], bids, asks, snapshot=True)

    def event_id(self, data: bytes) -> int | None:
        message = _object(data)
        body: Any = message.get("data")
        if message.get("channel") == "trades":
            return int(body[0]["id"])
        if not isinstance(body, dict):
            return None
        found = body.get("last", body.get("sequence", message.get("sequence")))
        return None if found is None else int(found)


def _object(payload: bytes) -> dict[str, Any]:
    found = json.loads(payload)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
