"""What a venue adapter is: pure functions between intents, bytes and facts.

An adapter never opens a socket, reads a clock or keeps state. ``now_ns`` and ``arrived_ns`` come
in as arguments, so a test of a signature or of a decoder is one equality. The contract has two
halves: :class:`Calls` (what a venue can be asked) and :class:`Sockets` (how it is listened to).
"""

from __future__ import annotations

from typing import Protocol

from vocx.venues.base.calls import (
    SIGNED,
    Calls,
    CancelAll,
    CancelOrder,
    Credentials,
    Envelope,
    GetBalances,
    GetBook,
    GetCandles,
    GetFills,
    GetInstruments,
    GetOpenOrders,
    GetOrder,
    GetQuote,
    GetTicker,
    GetTime,
    GetTrades,
    Hosts,
    Intent,
    Limit,
    PlaceOrder,
    Request,
    split_symbol,
)
from vocx.venues.base.sockets import (
    CHANNELS,
    PRIVATE,
    Ack,
    ChannelSpec,
    CloseKind,
    ControlFrame,
    Decoded,
    Heartbeat,
    Keepalive,
    LoginResult,
    Notice,
    Pong,
    Proof,
    SequenceGap,
    SocketLimits,
    SocketPlan,
    Sockets,
    Unknown,
    count_missing_trades,
    standard_close,
)


class Venue(Calls, Sockets, Protocol):
    """A venue adapter. ``vocx.venues.get("binance")`` gives one; all methods are pure."""


__all__ = [
    "CHANNELS",
    "PRIVATE",
    "SIGNED",
    "Ack",
    "Calls",
    "CancelAll",
    "CancelOrder",
    "CloseKind",
    "ControlFrame",
    "Credentials",
    "Decoded",
    "Envelope",
    "GetBalances",
    "GetBook",
    "GetCandles",
    "GetFills",
    "GetInstruments",
    "GetOpenOrders",
    "GetOrder",
    "GetQuote",
    "GetTicker",
    "GetTime",
    "GetTrades",
    "Heartbeat",
    "Hosts",
    "Intent",
    "Keepalive",
    "Limit",
    "LoginResult",
    "Notice",
    "ChannelSpec",
    "PlaceOrder",
    "Pong",
    "Proof",
    "Request",
    "SequenceGap",
    "SocketLimits",
    "SocketPlan",
    "Sockets",
    "Unknown",
    "Venue",
    "count_missing_trades",
    "split_symbol",
    "standard_close",
]
