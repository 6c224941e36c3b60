"""Stream names (web-socket-streams.md, a5e0bc3 of 2026-07-21) and who listens to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from vocx.lab.dialects.base import Publication, Session
from vocx.lab.dialects.binance.market import INTERVALS
from vocx.lab.dialects.binance.params import zone_ns
from vocx.lab.dialects.binance.wire import NS_PER_MS, NS_PER_US
from vocx.lab.events import Recorded

FAST_NS = 100 * NS_PER_MS
SECOND_NS = 1000 * NS_PER_MS
CANDLE_NS = 2000 * NS_PER_MS
_WELL_FORMED = re.compile(r"!?[\w\-.]+(@[\w\-.+:]+)*")
_PARTIAL = re.compile(r"depth(5|10|20)")
_DEPTH_SPEEDS = {"": SECOND_NS, "@1000ms": SECOND_NS, "@100ms": FAST_NS}
ROLLING = {"1h": 1, "4h": 4, "1d": 24}
_PLAIN = {
    "trade": 0,
    "aggTrade": 0,
    "bookTicker": 0,
    "miniTicker": SECOND_NS,
    "ticker": SECOND_NS,
    "avgPrice": SECOND_NS,
}
_TIMES = re.compile(rb'"([EOCTt])":(\d{13})(?=[,}])')
MICRO, WRAPPED = 2, 1
"""Bits of a form: times in microseconds; wrapped as ``{"stream": ..., "data": ...}``."""


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream name asks for. ``symbol`` is lower case, empty for the array streams."""

    kind: str
    symbol: str = ""
    cadence_ns: int = 0
    interval: str = ""
    offset_ns: int = 0
    levels: int = 0


def well_formed(name: str) -> bool:
    """Whether a name passes the syntax check, existing or not."""
    return _WELL_FORMED.fullmatch(name) is not None


def meaning(name: str) -> Meaning | None:
    """What a name asks for; ``None`` for one that no stream has (it stays silent)."""
    symbol, at, what = name.partition("@")
    if not at:
        return None
    if symbol.startswith("!"):
        return _array(symbol[1:], what)
    if what in _PLAIN:
        return Meaning(kind=what, symbol=symbol, cadence_ns=_PLAIN[what])
    if what.startswith("ticker_") and what[7:] in ROLLING:
        return Meaning(kind="rolling", symbol=symbol, cadence_ns=SECOND_NS, interval=what[7:])
    if what.startswith("kline_"):
        return _candle(symbol, what[6:])
    return _depth(symbol, what)


def _array(symbol: str, what: str) -> Meaning | None:
    if what != "arr":
        return None
    if symbol == "miniTicker":
        return Meaning(kind="miniTickers", cadence_ns=SECOND_NS)
    if symbol.startswith("ticker_") and symbol[7:] in ROLLING:
        return Meaning(kind="rollings", cadence_ns=SECOND_NS, interval=symbol[7:])
    return None


def _candle(symbol: str, what: str) -> Meaning | None:
    interval, at, zone = what.partition("@")
    offset = zone_ns(zone) if at else 0
    if interval not in INTERVALS or offset is None or (at and ":" not in zone):
        return None
    return Meaning(
        kind="kline",
        symbol=symbol,
        cadence_ns=SECOND_NS if interval == "1s" else CANDLE_NS,
        interval=interval,
        offset_ns=offset,
    )


def _depth(symbol: str, what: str) -> Meaning | None:
    head, at, speed = what.partition("@")
    cadence = _DEPTH_SPEEDS.get(at + speed)
    partial = _PARTIAL.fullmatch(head)
    if cadence is None or not (head == "depth" or partial):
        return None
    if partial is None:
        return Meaning(kind="depth", symbol=symbol, cadence_ns=cadence)
    return Meaning(kind="partial", symbol=symbol, cadence_ns=cadence, levels=int(partial[1]))


def names_of(path: str) -> list[str]:
    """Stream names of ``a/b/c``, percent-encoded or not."""
    return [unquote(piece) for piece in path.split("/") if piece]


class Topic:
    """One stream that somebody listens to: its audience by form, and its own working state."""

    __slots__ = ("name", "meaning", "audience", "prefix", "tamper", "state")

    def __init__(self, name: str, meaning: Meaning | None) -> None:
        self.name = name
        self.meaning = meaning
        self.audience: list[tuple[Session, ...]] = [(), (), (), ()]
        self.prefix = b'{"stream":' + msgspec.json.encode(name) + b',"data":'
        self.tamper: Tamper | None = None
        self.state: Any = None

    def add(self, session: Session, form: int) -> None:
        self.audience[form] = (*self.audience[form], session)

    def remove(self, session: Session) -> None:
        self.audience = [
            tuple(one for one in sessions if one is not session) for sessions in self.audience
        ]

    @property
    def empty(self) -> bool:
        return not any(self.audience)

    def send(self, out: list[Publication], build: Callable[[int], bytes]) -> None:
        """Publish what ``build`` makes for a unit of time, once per form that is listened to."""
        raw, wrapped, micro_raw, micro_wrapped = self.audience
        message = out if self.tamper is None else []
        if raw or wrapped:
            self._forms(message, build(NS_PER_MS), raw, wrapped)
        if micro_raw or micro_wrapped:
            self._forms(message, build(NS_PER_US), micro_raw, micro_wrapped)
        if self.tamper is not None:
            out.extend(self.tamper(self, message))

    def send_text(self, out: list[Publication], payload: bytes) -> None:
        """Publish a payload without times: the same in every unit."""
        self.send(out, lambda unit: payload)

    def pass_on(self, out: list[Publication], event: Recorded) -> None:
        """Publish a recorded frame as it is; in microseconds, with its times multiplied."""
        raw, wrapped, micro_raw, micro_wrapped = self.audience
        message = out if self.tamper is None else []
        if raw:
            message.append(Publication(event.data, raw))
        if wrapped:
            message.append(Publication(event.wrapped, wrapped))
        if micro_raw or micro_wrapped:
            micro = _TIMES.sub(rb'"\1":\g<2>000', event.data)
            self._forms(message, micro, micro_raw, micro_wrapped)
        if self.tamper is not None:
            out.extend(self.tamper(self, message))

    def _forms(
        self,
        out: list[Publication],
        payload: bytes,
        raw: tuple[Session, ...],
        wrapped: tuple[Session, ...],
    ) -> None:
        if raw:
            out.append(Publication(payload, raw))
        if wrapped:
            out.append(Publication(self.prefix + payload + b"}", wrapped))


Tamper = Callable[[Topic, list[Publication]], list[Publication]]
"""A fault: what the listeners get instead of one message in all its forms."""
