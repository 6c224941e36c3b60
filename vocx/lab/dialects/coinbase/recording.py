"""Coinbase's frames as they stand in a recording."""

from __future__ import annotations

import re
from typing import Any

from vocx.lab.dialects.coinbase.wire import Refusal, read_time
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

_CHANNEL = re.compile(rb'"channel":\s*"([a-z0-9_]+)"')
_PRODUCT = re.compile(rb'"product_id":\s*"([A-Z0-9]+-[A-Z0-9]+)"')
_SUBSCRIBED = {"l2_data": "level2"}
_CHANNELS = ("l2_data", "market_trades", "ticker", "ticker_batch", "candles")
_OTHERS = ("subscriptions", "heartbeats", "user", "status", "futures_balance_summary")
_TAKER: dict[str, Side] = {"BUY": "sell", "SELL": "buy"}


class CoinbaseRecording:
    """See :class:`vocx.lab.ports.RecordingFormat`. A stream is called as its topic is; books have
    no numbers of their own, so the connection's stand for them."""

    def frame(self, payload: bytes) -> RecordedFrame | None:
        """``level2:BTC-USD`` and the frame."""
        payload = as_sent(payload)
        channel = _CHANNEL.search(payload, 0, 200)
        if channel is None:
            said = read_object(payload).get("channel")
            name = said if isinstance(said, str) else ""
        else:
            name = channel[1].decode()
        product = _PRODUCT.search(payload)
        if name not in _CHANNELS or product is None:
            return None
        stream = f"{_SUBSCRIBED.get(name, name)}:{product[1].decode()}"
        return RecordedFrame(stream, payload, payload)

    def is_control(self, payload: bytes) -> bool:
        """Heartbeats, acknowledgements, an account's events, errors, and books by REST."""
        message = read_object(payload)
        return message.get("channel") in _OTHERS or not {"pricebook", "type"}.isdisjoint(message)

    def assets(self, stream: str) -> tuple[str, str] | None:
        """Base and quote of its product."""
        base, _, quote = stream.partition(":")[2].partition("-")
        return (base, quote) if quote else None

    def quotes(self, stream: str) -> bool:
        """Tickers carry the best prices."""
        return stream.startswith("ticker:")

    def sent_ns(self, data: bytes) -> int | None:
        """The frame's timestamp."""
        stamp = read_object(data).get("timestamp")
        try:
            return read_time(stamp) if isinstance(stamp, str) else None
        except Refusal:
            return None

    def facts(self, stream: str, data: bytes) -> list[RecordedFact]:
        """What the frame says."""
        message, kind = read_object(data), stream.partition(":")[0]
        number = int(message.get("sequence_num") or 0)
        found: list[RecordedFact] = []
        for event in message.get("events") or ():
            if kind == "market_trades":
                found += [_trade(row) for row in reversed(event["trades"])]
            elif kind == "ticker":
                found += [_quote(row, number) for row in event["tickers"]]
            elif kind == "level2":
                found.append(_depth(event, number))
        return found

    def snapshot(self, payload: bytes) -> RecordedDepth | None:
        """A book by REST has no number to start from."""
        return None

    def event_id(self, data: bytes) -> int | None:
        """The newest trade's id, else the connection's number."""
        message = read_object(data)
        events = message.get("events") or [{}]
        trades = events[0].get("trades")
        if trades:
            return int(trades[0]["trade_id"])
        number = message.get("sequence_num")
        return None if number is None else int(number)


def _trade(row: dict[str, Any]) -> RecordedTrade:
    return RecordedTrade(
        read_time(row["time"]), int(row["trade_id"]), row["price"], row["size"], _TAKER[row["side"]]
    )


def _quote(row: dict[str, Any], number: int) -> RecordedQuote:
    bid, ask = ((row[f"best_{one}"], row[f"best_{one}_quantity"]) for one in ("bid", "ask"))
    return RecordedQuote(number, bid, ask)


def _depth(event: dict[str, Any], number: int) -> RecordedDepth:
    sides: dict[str, list[TextLevel]] = {"bid": [], "offer": []}
    for row in event["updates"]:
        sides[row["side"]].append((row["price_level"], row["new_quantity"]))
    return RecordedDepth(
        number, number, sides["bid"], sides["offer"], snapshot=event["type"] == "snapshot"
    )
