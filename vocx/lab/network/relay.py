"""The distance: a thin link inside the lab, between asyncio's transport and the server's protocol.

Every accepted connection passes through a :class:`Link`. While no dial is turned the link hands
each call straight on; turning a dial affects connections that are already open. TLS sits above
the link, so the bytes of its handshake pay the distance like all others.

What a relay in user space can emulate, and what it cannot:

* The kernel has answered ``connect()`` before the relay sees the connection. So the first bytes
  of a new connection are held one round trip longer: totals are right for every client, only
  ``connect()`` itself looks instant.
* The sending end of TCP is modelled (:mod:`vocx.lab.network.path`): first window, growth, pacing.
  Held against real packets, totals agree within 10 % from 20 to 200 ms.
* Timers are as punctual as the loop (:mod:`vocx.lab.network.event_loop`): some 0.2 ms late.
* ``timeout`` is a black hole: bytes vanish while TCP stays up. A byte stream cannot go on with a
  piece missing, so a connection that lost bytes stays silent also after the dial is turned back.
* Loss, reordering and retransmission are invisible above TCP but for their delays; ``latency``
  with jitter is the honest part of them.

Memory is bounded: in flight at most the window, waiting at most ``HIGH_WATER`` and one write;
then the writer is paused, as asyncio does.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from vocx.lab.network.connection_log import ConnectionLog
from vocx.lab.network.dials import Dials
from vocx.lab.network.link import Link

__all__ = ["Dials", "listen"]

BACKLOG = 1024


class EarlyData(asyncio.Protocol):
    """Keeps what a TLS client sends before the server's protocol has been made."""

    def __init__(self) -> None:
        self.data: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self.data.append(data)


class LinkProtocol(asyncio.Protocol):
    """What asyncio's own transport talks to: makes the link, then only hands on."""

    def __init__(
        self,
        factory: Callable[[], asyncio.BaseProtocol],
        dials: Dials,
        venue: str,
        context: ssl.SSLContext | None,
        connection_log: ConnectionLog,
    ) -> None:
        self._factory, self._dials, self._venue = factory, dials, venue
        self._context, self._connection_log = context, connection_log
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        wire = cast(asyncio.Transport, transport)
        link = self._link = Link(wire, self._dials, self._venue)
        port = wire.get_extra_info("peername", (None, 0))[1]
        self._connection_log.opened(link, self._venue, port, self._context is not None)
        self.data_received = link.received  # type: ignore[method-assign]
        if wire.is_closing():
            return
        if self._context is not None:
            self._task = asyncio.get_running_loop().create_task(self._secure(self._context))
            return
        protocol = self._factory()
        link.set_protocol(protocol)
        protocol.connection_made(link)

    async def _secure(self, context: ssl.SSLContext) -> None:
        """TLS above the link; the server's protocol is made after a good handshake."""
        early = EarlyData()
        self._link.set_protocol(early)
        loop = asyncio.get_running_loop()
        try:
            upper = await loop.start_tls(self._link, early, context, server_side=True)
        except (OSError, asyncio.CancelledError):
            self._link.abort()
            return
        if upper is None or upper.is_closing():
            self._link.abort()
            return
        protocol = self._factory()
        upper.set_protocol(protocol)
        protocol.connection_made(upper)
        if early.data:
            cast(asyncio.Protocol, protocol).data_received(b"".join(early.data))

    def data_received(self, data: bytes) -> None:
        self._link.received(data)

    def eof_received(self) -> bool:
        return self._link.received_end()

    def pause_writing(self) -> None:
        self._link.wire_full(True)

    def resume_writing(self) -> None:
        self._link.wire_full(False)

    def connection_lost(self, error: Exception | None) -> None:
        self._connection_log.ended(self._link)
        self._link.wire_lost(error)


async def listen(
    protocol_factory: Callable[[], asyncio.BaseProtocol],
    dials: Dials,
    *,
    host: str,
    port: int,
    venue: str,
    ssl_context: ssl.SSLContext | None = None,
    connection_log: ConnectionLog | None = None,
) -> asyncio.Server:
    """A listening server whose connections pass through the network dials of ``venue``.

    Use it as ``loop.create_server``; ``port`` 0 lets the system choose.
    ``connection_log`` takes down the connections and their bytes.
    """
    dials.venues.add(venue)
    counted = ConnectionLog() if connection_log is None else connection_log

    def accepted() -> LinkProtocol:
        return LinkProtocol(protocol_factory, dials, venue, ssl_context, counted)

    loop = asyncio.get_running_loop()
    return await loop.create_server(accepted, host, port, backlog=BACKLOG)
