"""The fake venue's oddities as switches, and the three profiles that cover them (``WIRE.md``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a venue can be; ``WIRE.md`` says what each switch means."""

    name: str
    separator: str = "-"
    relabel: tuple[str, str] | None = None
    order_ids: Literal["number", "text"] = "text"
    client_ids: str = "[A-Za-z0-9_-]{1,36}"
    order_names: Literal["symbol", "code"] = "symbol"
    replies: Literal["full", "ack"] = "full"
    amend: Literal["quantity", "both"] = "quantity"
    cancel_all: bool = True
    errors: Literal["status", "ok", "text"] = "status"
    limits: Literal["weight", "endpoint", "user"] = "weight"
    sockets: Mapping[str, str]
    keepalive: Literal["frame", "text", "heartbeat"] = "frame"
    login: Literal["signed", "frame"] = "signed"
    ack: Literal["request", "argument", "state"] = "request"
    book: Literal["rest", "snapshot"] = "rest"
    sequence: Literal["book", "channel", "connection"] = "book"
    channels: tuple[str, ...]
    candle_intervals: tuple[str, ...] = ("1m", "5m", "1h")
    balance_snapshot: bool = False
    order_snapshot: bool = False
    trade_batch_ms: int = 0


_ALL = ("trades", "quotes", "book", "top", "ticker", "candles", "orders", "fills", "balances")

PROFILES: Mapping[str, Profile] = {
    "alpha": Profile(
        name="alpha",
        separator="",
        order_ids="number",
        sockets={"public": "/ws/public", "private": "/ws/private", "calls": "/ws/calls"},
        channels=_ALL,
    ),
    "beta": Profile(
        name="beta",
        client_ids="[A-Za-z0-9]{1,32}",
        order_names="code",
        replies="ack",
        errors="ok",
        limits="endpoint",
        sockets={
            "public": "/ws/public",
            "candles": "/ws/candles",
            "private": "/ws/private",
            "calls": "/ws/calls",
        },
        keepalive="text",
        login="frame",
        ack="argument",
        book="snapshot",
        sequence="channel",
        channels=_ALL,
        balance_snapshot=True,
    ),
    "gamma": Profile(
        name="gamma",
        relabel=("USDT", "USD"),
        client_ids="[ -~]{1,128}",
        replies="ack",
        amend="both",
        cancel_all=False,
        errors="text",
        limits="user",
        sockets={"all": "/ws"},
        keepalive="heartbeat",
        ack="state",
        book="snapshot",
        sequence="connection",
        channels=("trades", "quotes", "book", "ticker", "candles", "orders", "heartbeat"),
        candle_intervals=("5m",),
        order_snapshot=True,
        trade_batch_ms=250,
    ),
}
