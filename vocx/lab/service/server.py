"""One venue's server: HTTP and WebSocket, over whatever transport the relay gives.

Strategy
--------
* aiohttp parses HTTP (:mod:`vocx.lab.service.http_server`) and inbound WebSocket frames; a dialect
  decides every answer.
* What goes to many is framed **once**, and the same bytes object waits in every connection's list.
  :meth:`VenueServer.flush` writes each list with one call, so that everything one turn of the
  market had to say to a client costs one system call. There is no task per client and message.
* A client that does not read is cut when :data:`SLOW_LIMIT` bytes wait for it. In a replay at full
  speed nobody is cut; the market waits for the slowest instead (:meth:`VenueServer.waiting`).
* A dialect that raises spoils nothing but what it was asked: one line in the log, the venue's own
  internal error to the client, and the other connections and venues get their turn.

The server knows nothing of any venue, and reads no clock: the time on the exchange's clock comes
from the function it is given.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from struct import pack
from typing import Protocol

from aiohttp import WSMsgType, web

from vocx.lab.dialects.base import (
    Close,
    Dialect,
    HttpIn,
    HttpOut,
    Out,
    Ping,
    Publication,
    Raw,
    Session,
)
from vocx.lab.events import AnyEvent
from vocx.lab.ports import MarketLoop
from vocx.lab.service.failure import one_line
from vocx.lab.service.http_server import (
    INBOUND_LIMIT,
    HttpServer,
    RequestProtocol,
    delayed,
    response,
    text_answer,
)

SLOW_LIMIT = 32 * 2**20
"""Bytes that may wait for one client before it is cut."""
CLOSE_PATIENCE_S = 2.0
"""How long a closing handshake or the last bytes of a dropped connection may take."""

RETRY_NS = 100_000_000
"""How long a dialect that raised in its tick waits for the next one."""

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
PROTOCOL_ERROR, INTERNAL_ERROR = 1002, 1011
RESERVED_CODES = frozenset({1004, 1005, 1006, 1015})
NEVER_NS = 2**62
REPORTED = 100
"""So many different failures of a dialect are written to the log."""
SHUTDOWN_S = 0.2
"""How long clients have to answer a close when the lab ends."""

log = logging.getLogger("vocx.lab")


def frame(first: int, payload: bytes) -> bytes:
    """One unmasked, unfragmented WebSocket frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return pack("!BB", first, size) + payload
    if size < 65536:
        return pack("!BBH", first, 126, size) + payload
    return pack("!BBQ", first, 127, size) + payload


def encode_frame(out: bytes | Ping | Raw) -> bytes:
    """The bytes on the socket for what a dialect wants sent."""
    if isinstance(out, bytes):
        return frame(TEXT, out)
    return frame(PING, out.payload) if isinstance(out, Ping) else out.data


def may_be_sent(code: int) -> bool:
    """Whether a close code may stand in a close frame (RFC 6455, 7.4)."""
    return 1000 <= code < 5000 and code not in RESERVED_CODES


class Transport(Protocol):
    """What a connection needs of asyncio's transport, the relay's link or TLS above it."""

    def write(self, data: bytes, /) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def is_closing(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class ClientConnection:
    """One WebSocket client: the bytes that wait for it, and how it is closed."""

    __slots__ = ("session", "pending", "transport", "closing", "_server")

    def __init__(self, server: VenueServer, session: Session) -> None:
        self.session = session
        self.pending: list[bytes] = []
        self.transport: Transport | None = None
        self.closing = False
        self._server = server

    def put(self, data: bytes) -> None:
        """Let framed bytes wait for the next flush."""
        if not self.closing:
            if not self.pending:
                self._server.dirty.append(self)
            self.pending.append(data)

    def put_all(self, outs: Iterable[Out]) -> None:
        """What the session wants sent, at once and in order."""
        for out in outs:
            if isinstance(out, Close):
                self.close(out)
            else:
                self.put(encode_frame(out))
        self.flush()

    def flush(self) -> None:
        """Write what waits; cut a client that has stopped reading."""
        transport, pending = self.transport, self.pending
        if transport is None or not pending:
            return
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        pending.clear()
        if transport.is_closing():
            return
        transport.write(data)
        limit = self._server.slow_limit
        if limit is not None and transport.get_write_buffer_size() > limit:
            self._server.counts["cut: slow consumer"] += 1
            self.closing = True
            transport.abort()

    def waiting(self) -> int:
        """Bytes that the client has not taken yet."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    def close(self, order: Close) -> None:
        """Send a close frame and wait shortly for the client's, or just hang up."""
        if self.closing:
            return
        if order.code is not None:
            reason = order.reason.encode()[:123].decode(errors="ignore").encode()
            self.put(frame(CLOSE, pack("!H", order.code) + reason))
        self._server.counts[f"closed: {order.code or 'dropped'}"] += 1
        self.flush()
        self.closing = True
        if self.transport is not None:
            if order.code is None:
                self.transport.close()
            loop = asyncio.get_running_loop()
            loop.call_later(CLOSE_PATIENCE_S, self.transport.abort)

    def answer_close(self, code: int | None) -> None:
        """The client said goodbye (0: without a code): echo it unless we began, and hang up."""
        if not self.closing:
            said = code if not code or may_be_sent(code) else PROTOCOL_ERROR
            self.put(frame(CLOSE, pack("!H", said) if said else b""))
            self.flush()
            self.closing = True
        if self.transport is not None:
            self.transport.close()


def _can_prepare(socket: web.WebSocketResponse, request: web.BaseRequest) -> bool:
    """Whether a handshake can be answered; aiohttp raises for headers that are not ASCII."""
    try:
        return bool(socket.can_prepare(request))
    except ValueError:
        return False


class VenueServer:
    """HTTP and WebSocket for one dialect. Hand :attr:`protocol` to whatever listens.

    Parameters
    ----------
    name : str
        Of the venue in this lab.
    dialect : Dialect
        Decides every answer.
    market : MarketLoop
        Has the time on the exchange's clock; learns of every request, connection and inbound
        message before the dialect sees it, and after it that something may be due at once. Where
        it is lossless slow clients are not cut (it waits for them), and no deadline runs, because
        its clock leaps ahead of what they have read.
    """

    def __init__(self, name: str, dialect: Dialect, market: MarketLoop) -> None:
        self.name = name
        self.dialect = dialect
        self.slow_limit = None if market.lossless else SLOW_LIMIT
        self.deadlines = not market.lossless
        self.connections: set[ClientConnection] = set()
        self.dirty: list[ClientConnection] = []
        self.counts: Counter[str] = Counter()
        self._market = market
        self._retry_ns = 0
        self._reported: set[str] = set()
        self.protocol = HttpServer(self._handle)

    # -- market to clients ---------------------------------------------------------------------

    @property
    def next_tick_ns(self) -> int:
        """When the dialect wants to be ticked next."""
        try:
            return max(self.dialect.next_tick_ns, self._retry_ns)
        except Exception as error:
            self._failed("planning", error)
            return NEVER_NS

    def deliver(self, events: Sequence[AnyEvent], now_ns: int) -> None:
        """What has happened, and what is due, with one write for each client."""
        if events:
            try:
                self.publish(self.dialect.publish(events, now_ns))
            except Exception as error:
                self._failed("publishing", error)
        if self.next_tick_ns <= now_ns:
            try:
                self.publish(self.dialect.tick(now_ns))
            except Exception as error:
                self._failed("a tick", error)
                self._retry_ns = now_ns + RETRY_NS
        self.flush()

    def publish(self, publications: Iterable[Publication]) -> None:
        """Frame each payload once and let it wait for everyone it is meant for."""
        dirty = self.dirty
        for publication in publications:
            payload = publication.payload
            if isinstance(payload, Close):
                for session in tuple(publication.to):
                    session.handle.close(payload)
                continue
            data = encode_frame(payload)
            for session in publication.to:
                connection: ClientConnection = session.handle
                if not connection.closing:
                    if not connection.pending:
                        dirty.append(connection)
                    connection.pending.append(data)

    def flush(self) -> None:
        """One write per client for everything that waits."""
        dirty, self.dirty = self.dirty, []
        for connection in dirty:
            connection.flush()

    def waiting(self) -> int:
        """Bytes that wait for the slowest client."""
        return max((connection.waiting() for connection in self.connections), default=0)

    def tick(self, now_ns: int) -> None:
        """Keepalive and deadlines of every session that is due."""
        for connection in tuple(self.connections):
            self._tick(connection, now_ns)

    def _tick(self, connection: ClientConnection, now_ns: int) -> None:
        session, limit_ns = connection.session, now_ns if self.deadlines else 0
        try:
            due = session.next_tick_ns <= limit_ns and not connection.closing
        except Exception as error:
            self._end(connection, "a connection's planning", error)
            return
        if due:
            self._send(connection, "a connection's tick", partial(session.tick, now_ns))

    async def close(self, order: Close) -> None:
        """Close every connection as the venue does before maintenance, and with ``order`` those
        that it has not ended; with a moment for what is on its way."""
        now_ns = self._market.exchange_ns()
        try:
            self.dialect.command("shutdown", {"notice_s": 0}, now_ns)
        except Exception as error:
            self._failed("its end", error)
        self.deliver((), now_ns)
        for connection in tuple(self.connections):
            connection.close(order)
        await self.protocol.shutdown(SHUTDOWN_S)

    # -- clients to dialect --------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest, given: HttpIn) -> web.StreamResponse:
        self._market.contact()
        if "websocket" in given.headers.get("upgrade", "").lower():
            return await self._upgrade(request, given)
        self.counts["http requests"] += 1
        try:
            out = self.dialect.http(given, self._market.exchange_ns())
        except Exception as error:
            out = self._internal_error(given, error)
        self._market.reschedule()
        return await delayed(request, out)

    async def _upgrade(self, request: web.BaseRequest, given: HttpIn) -> web.StreamResponse:
        if given.headers.get("sec-websocket-version") != "13":
            version = {"Sec-WebSocket-Version": "13"}
            return response(request, text_answer(426, "WebSocket version 13 only", **version))
        socket = web.WebSocketResponse(
            autoping=False, autoclose=False, compress=False, max_msg_size=INBOUND_LIMIT
        )
        if given.method != "GET" or not _can_prepare(socket, request):
            no = text_answer(400, "not a WebSocket handshake that can be answered")
            return response(request, no)
        try:
            session = self.dialect.open(given, self._market.exchange_ns())
        except Exception as error:
            session = self._internal_error(given, error)
        if isinstance(session, HttpOut):
            self.counts["upgrades refused"] += 1
            return await delayed(request, session)
        connection = session.handle = ClientConnection(self, session)
        self.connections.add(connection)
        self.counts["upgrades"] += 1
        try:
            assert isinstance(request.protocol, RequestProtocol)
            request.protocol.expect_frames()
            await socket.prepare(request)
            connection.transport = request.transport
            connection.flush()
            self._after(connection)
            await self._receive(socket, connection)
        finally:
            connection.closing = True
            self.connections.discard(connection)
            self._closed(session)
            if request.transport is not None:
                request.transport.close()
        return socket

    async def _receive(self, socket: web.WebSocketResponse, connection: ClientConnection) -> None:
        session = connection.session
        while True:
            message = await socket.receive()
            if session.delay_s and message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await asyncio.sleep(session.delay_s)
            self._market.contact()
            now_ns, data = self._market.exchange_ns(), message.data
            if message.type is WSMsgType.TEXT:
                text = data.encode()
                self._send(connection, "a message", partial(session.text, text, now_ns))
            elif message.type is WSMsgType.BINARY:
                self._send(connection, "a message", partial(session.text, bytes(data), now_ns))
            elif message.type is WSMsgType.PING:
                connection.put(frame(PONG, bytes(data)))
                self._send(connection, "a ping", partial(session.ping, bytes(data), now_ns))
            elif message.type is WSMsgType.PONG:
                self._send(connection, "a pong", partial(session.pong, bytes(data), now_ns))
            else:
                if message.type is WSMsgType.CLOSE:
                    connection.answer_close(data)
                return
            self._after(connection)

    def _after(self, connection: ClientConnection) -> None:
        """The dialect has seen something of this client: what follows at once?"""
        self._tick(connection, self._market.exchange_ns())
        self._market.reschedule()

    # -- dialects that raise -------------------------------------------------------------------

    def _send(
        self, connection: ClientConnection, doing: str, outs: Callable[[], Iterable[Out]]
    ) -> None:
        """Send what a session answers, or end it."""
        try:
            connection.put_all(outs())
        except Exception as error:
            self._end(connection, doing, error)

    def _end(self, connection: ClientConnection, doing: str, error: Exception) -> None:
        """End a connection whose session has raised as the venue does, or with 1011."""
        self._failed(doing, error)
        try:
            connection.put_all(connection.session.internal_error(self._market.exchange_ns()))
        except Exception as second:
            self._failed("an internal error", second)
        connection.close(Close(INTERNAL_ERROR, "Internal error"))

    def _internal_error(self, given: HttpIn, error: Exception) -> HttpOut:
        self._failed(f"{given.method} {given.target.partition('?')[0][:80]}", error)
        try:
            return self.dialect.internal_error(given, self._market.exchange_ns())
        except Exception as second:
            self._failed("an internal error", second)
            return text_answer(500, "internal error")

    def _closed(self, session: Session) -> None:
        try:
            session.closed(self._market.exchange_ns())
        except Exception as error:
            self._failed("a connection's end", error)

    def _failed(self, doing: str, error: Exception) -> None:
        """Count what a dialect raised; what is new goes to the log, in one line."""
        self.counts["failures"] += 1
        line = f"{self.name} failed at {doing}: {one_line(error)}"
        if line not in self._reported and len(self._reported) < REPORTED:
            self._reported.add(line)
            log.error("%s", line)
