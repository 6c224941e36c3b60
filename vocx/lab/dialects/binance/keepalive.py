"""The life of one WebSocket connection: pings, pongs, its end.

web-socket-streams.md (a5e0bc3 of 2026-07-21): the server pings every 20 s and wants a pong with
the same payload within a minute; unsolicited pongs are allowed and do not help; a connection
ends after 24 hours. A missing pong is answered with 1008 ``Pong timeout`` (seen 2021 and 2024).
The code at 24 hours is not documented: 1001, what clients have logged for closes by the server.
"""

from __future__ import annotations

from collections.abc import Iterator

from vocx.lab.dialects.base import Close, Out, Ping
from vocx.lab.dialects.binance.wire import NS_PER_MS, NS_PER_S

PING_EVERY_NS = 20 * NS_PER_S
PONG_WITHIN_NS = 60 * NS_PER_S
LIFE_NS = 24 * 3600 * NS_PER_S


class Keepalive:
    """Deadlines of one connection; all lengths are divided by ``scale``."""

    def __init__(self, now_ns: int, scale: float = 1.0) -> None:
        self.began_ns = now_ns
        self.pinged_ns = now_ns
        self.scale = scale
        self._waiting: dict[bytes, int] = {}

    @property
    def next_ns(self) -> int:
        """When :meth:`due` has something to do."""
        times = [self.pinged_ns + self._length(PING_EVERY_NS), self._end_ns]
        times += [sent + self._length(PONG_WITHIN_NS) for sent in self._waiting.values()]
        return min(times)

    def pong(self, payload: bytes) -> bool:
        """Take a pong; whether it answers a ping of ours (and every earlier one with it)."""
        sent = self._waiting.get(payload)
        if sent is None:
            return False
        self._waiting = {one: at for one, at in self._waiting.items() if at > sent}
        return True

    def due(self, now_ns: int) -> Iterator[Out]:
        """The pings and the close whose time has come."""
        oldest = min(self._waiting.values(), default=now_ns)
        if now_ns - oldest >= self._length(PONG_WITHIN_NS) and self._waiting:
            yield Close(1008, "Pong timeout")
        elif now_ns >= self._end_ns:
            yield Close(1001, "Connection lifetime of 24 hours is over")
        elif now_ns >= self.pinged_ns + self._length(PING_EVERY_NS):
            self.pinged_ns = now_ns
            payload = str(now_ns // NS_PER_MS).encode()
            self._waiting.setdefault(payload, now_ns)
            yield Ping(payload)

    @property
    def _end_ns(self) -> int:
        return self.began_ns + self._length(LIFE_NS)

    def _length(self, length_ns: int) -> int:
        return int(length_ns / self.scale)
