"""Which connections there were, and how many bytes crossed each one's wire.

A connection that is open is asked for its counters; of one that has ended a row is kept, as many
as :data:`KEPT`, so that a client that opens one for each call is counted in full.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Protocol

import msgspec

from vocx.timing import mono_ns

KEPT = 4096
"""Ended connections that are remembered; the oldest go first."""


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One connection to a venue of the lab, as the lab saw it.

    Attributes
    ----------
    port : int
        The client's local port: the same number here and there is the same connection.
    opened_ns : int
        When it was accepted, on the monotonic clock that all processes of the machine share.
    closed_ns : int or None
        When it ended, on the same clock.
    tls : bool
        Whether TLS was spoken on it.
    bytes_up, bytes_down : int
        Client to venue, and back: all that TCP carried, so TLS, HTTP heads, WebSocket frames and
        pings are in it; the headers of TCP and IP are not.
    """

    venue: str
    port: int
    opened_ns: int
    closed_ns: int | None = None
    tls: bool = False
    bytes_up: int = 0
    bytes_down: int = 0

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self.closed_ns is not None

    @property
    def bytes(self) -> int:
        """Both ways."""
        return self.bytes_up + self.bytes_down


class OpenLink(Protocol):
    """What a connection is while it is open: it counts bytes, and can be reset."""

    bytes_up: int
    bytes_down: int

    def reset(self) -> None:
        """End it with a RST."""


class ConnectionLog:
    """All connections of a lab. Used by one thread: the one that runs the relay."""

    def __init__(self, kept: int = KEPT, clock: Callable[[], int] = mono_ns) -> None:
        self._open: dict[OpenLink, Connection] = {}
        self._ended: deque[Connection] = deque(maxlen=kept)
        self._clock = clock

    def opened(self, link: OpenLink, venue: str, port: int, tls: bool) -> None:
        """A connection was accepted."""
        self._open[link] = Connection(venue=venue, port=port, opened_ns=self._clock(), tls=tls)

    def ended(self, link: OpenLink) -> None:
        """A connection is gone; its counters are final."""
        row = self._open.pop(link, None)
        if row is not None:
            self._ended.append(self._counted(row, link, self._clock()))

    def rows(
        self, since_ns: int | None = None, ports: Collection[int] | None = None
    ) -> list[Connection]:
        """Those that are open, or ended at ``since_ns`` or later, oldest first; with ``ports``
        only these."""
        found = [row for row in self._ended if since_ns is None or (row.closed_ns or 0) >= since_ns]
        found += [self._counted(row, link, None) for link, row in self._open.items()]
        wanted = None if ports is None else set(ports)
        rows = [row for row in found if wanted is None or row.port in wanted]
        return sorted(rows, key=lambda row: row.opened_ns)

    def reset(self, ports: Collection[int], venue: str | None = None) -> int:
        """Reset the open connections from these ports of the client; how many there were."""
        wanted = set(ports)
        found = [
            link
            for link, row in self._open.items()
            if row.port in wanted and venue in (None, row.venue)
        ]
        for link in found:
            link.reset()
        return len(found)

    @staticmethod
    def _counted(row: Connection, link: OpenLink, closed_ns: int | None) -> Connection:
        return msgspec.structs.replace(
            row, closed_ns=closed_ns, bytes_up=link.bytes_up, bytes_down=link.bytes_down
        )
