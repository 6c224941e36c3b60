"""The lab's servers: HTTP and WebSocket on loopback, over whatever transport the relay gives.

Strategy
--------
* aiohttp parses HTTP and inbound WebSocket frames; a dialect decides every answer. The raw target
  and the raw body reach the dialect untouched, because signatures cover bytes.
* What goes to many is framed **once**, and the same bytes object waits in every connection's list.
  :meth:`VenueServer.flush` writes each list with one call, so that everything one turn of the
  market had to say to a client costs one system call. There is no task per client and message.
* A client that does not read is cut when :data:`SLOW_LIMIT` bytes wait for it. In a replay at full
  speed nobody is cut; the market waits for the slowest instead (:meth:`VenueServer.waiting`).
* Any web page can open ``ws://127.0.0.1``: a foreign ``Host`` or ``Origin`` gets 403 before the
  dialect sees the request.

The server knows nothing of any venue, and reads no clock: the time on the exchange's clock comes
from the function it is given.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from struct import pack
from typing import Any, Protocol

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

SLOW_LIMIT = 32 * 2**20
"""Bytes that may wait for one client before it is cut."""
INBOUND_LIMIT = 2**20
"""Largest message or body a client may send, bytes."""
IDLE_S = 300.0
"""How long a connection may rest between two requests."""
CONTROL_IDLE_S = 7 * 86_400.0
"""The same on the control port, where a connection may hold something (a pause of limits)."""
CLOSE_PATIENCE_S = 2.0
"""How long a closing handshake or the last bytes of a dropped connection may take."""

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})

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


def refusal(headers: Mapping[str, str]) -> str | None:
    """Why a request must be refused before anything looks at it; ``None`` when it is fine.

    ``Host`` must name this machine (a page that rebinds its own name to 127.0.0.1 cannot), and an
    ``Origin``, which every browser sends and some clients copy from the URL, must be our own.
    """
    host = headers.get("host", "").lower()
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name = host
    if name not in LOOPBACK_NAMES:
        return f"Host {host!r} is not this machine; use http://127.0.0.1 and the lab's port"
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in {f"http://{host}", f"https://{host}"}:
        return f"Origin {origin!r} is another web page; the lab serves programs only"
    return None


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
            reason = order.reason.encode()[:123]
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
        """The client said goodbye: echo it unless we began, and hang up."""
        if not self.closing:
            self.put(frame(CLOSE, pack("!H", code) if code else b""))
            self.flush()
            self.closing = True
        if self.transport is not None:
            self.transport.close()


class VenueServer:
    """HTTP and WebSocket for one dialect. Hand :attr:`protocol` to whatever listens.

    Parameters
    ----------
    dialect : Dialect
        Decides every answer.
    now_ns : callable
        The time on the exchange's clock, nanoseconds since the epoch.
    contact : callable
        Called at every request, connection and inbound message, before the dialect sees it.
    reschedule : callable
        Called after the dialect has seen it: something may be due at once.
    lossless : bool
        For a replay at full speed: slow clients are not cut (the driver waits for them), and no
        deadline runs, because the exchange's clock leaps ahead of what they have read.
    """

    def __init__(
        self,
        dialect: Dialect,
        now_ns: Callable[[], int],
        *,
        contact: Callable[[], None] = lambda: None,
        reschedule: Callable[[], None] = lambda: None,
        lossless: bool = False,
    ) -> None:
        self.dialect = dialect
        self.slow_limit = None if lossless else SLOW_LIMIT
        self.deadlines = not lossless
        self.connections: set[ClientConnection] = set()
        self.dirty: list[ClientConnection] = []
        self.counts: Counter[str] = Counter()
        self._now_ns = now_ns
        self._contact = contact
        self._reschedule = reschedule
        self.protocol = http_server(self._handle)

    # -- market to clients ---------------------------------------------------------------------

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
        due_ns = connection.session.next_tick_ns
        if due_ns <= (now_ns if self.deadlines else 0) and not connection.closing:
            connection.put_all(connection.session.tick(now_ns))

    # -- clients to dialect --------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest, given: HttpIn) -> web.StreamResponse:
        self._contact()
        if "websocket" in given.headers.get("upgrade", "").lower():
            return await self._upgrade(request, given)
        self.counts["http requests"] += 1
        out = self.dialect.http(given, self._now_ns())
        self._reschedule()
        return await delayed(request, out)

    async def _upgrade(self, request: web.BaseRequest, given: HttpIn) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            autoping=False, autoclose=False, compress=False, max_msg_size=INBOUND_LIMIT
        )
        if not socket.can_prepare(request):
            return response(text_answer(400, "not a WebSocket handshake that can be answered"))
        session = self.dialect.open(given, self._now_ns())
        if isinstance(session, HttpOut):
            self.counts["upgrades refused"] += 1
            return await delayed(request, session)
        connection = session.handle = ClientConnection(self, session)
        self.connections.add(connection)
        self.counts["upgrades"] += 1
        try:
            await socket.prepare(request)
            connection.transport = request.transport
            connection.flush()
            self._after(connection)
            await self._receive(socket, connection)
        finally:
            connection.closing = True
            self.connections.discard(connection)
            session.closed(self._now_ns())
            if request.transport is not None:
                request.transport.close()
        return socket

    async def _receive(self, socket: web.WebSocketResponse, connection: ClientConnection) -> None:
        session = connection.session
        while True:
            message = await socket.receive()
            self._contact()
            if message.type is WSMsgType.TEXT:
                connection.put_all(session.text(message.data.encode(), self._now_ns()))
            elif message.type is WSMsgType.BINARY:
                connection.put_all(session.text(bytes(message.data), self._now_ns()))
            elif message.type is WSMsgType.PING:
                connection.put(frame(PONG, bytes(message.data)))
                connection.put_all(session.ping(bytes(message.data), self._now_ns()))
            elif message.type is WSMsgType.PONG:
                connection.put_all(session.pong(bytes(message.data), self._now_ns()))
            else:
                if message.type is WSMsgType.CLOSE:
                    connection.answer_close(message.data)
                return
            self._after(connection)

    def _after(self, connection: ClientConnection) -> None:
        """The dialect has seen something of this client: what follows at once?"""
        if connection.session.next_tick_ns == 0:
            self._tick(connection, self._now_ns())
        self._reschedule()


def text_answer(status: int, text: str) -> HttpOut:
    """A short answer of the server itself, where no dialect is asked."""
    return HttpOut(
        status=status,
        headers={"Content-Type": "text/plain; charset=utf-8"},
        body=f"{text}\n".encode(),
    )


def response(out: HttpOut) -> web.Response:
    """A dialect's answer in aiohttp's clothes."""
    return web.Response(status=out.status, headers=out.headers, body=out.body)


async def delayed(request: web.BaseRequest, out: HttpOut) -> web.Response:
    """The answer when its time has come; never (until the client gives up) for ``None``."""
    if out.delay_ns is None:
        while request.transport is not None:
            await asyncio.sleep(0.5)
    elif out.delay_ns > 0:
        await asyncio.sleep(out.delay_ns / 1e9)
    return response(out)


Handler = Callable[[web.BaseRequest, HttpIn], Awaitable[web.StreamResponse]]


class HttpServer(web.Server):
    """aiohttp's low-level server that says when a connection is gone."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        disconnected: Callable[[Hashable], None],
        **options: Any,
    ) -> None:
        super().__init__(handler, **options)
        self._disconnected = disconnected

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        super().connection_lost(handler, exc)
        self._disconnected(handler)


def http_server(
    handler: Handler,
    disconnected: Callable[[Hashable], None] = lambda connection: None,
    *,
    idle_s: float = IDLE_S,
) -> web.Server:
    """A protocol factory that checks where a request comes from and hands on its raw bytes."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if reason := refusal(headers):
            return response(text_answer(403, reason))
        try:
            request.raw_path.encode()
        except UnicodeEncodeError:
            return response(text_answer(400, "the target is not UTF-8"))
        given = HttpIn(
            method=request.method,
            target=request.raw_path,
            headers=headers,
            body=await request.read(),
            peer=request.remote or "127.0.0.1",
        )
        return await handler(request, given)

    return HttpServer(
        handle,
        disconnected,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=idle_s,
        max_line_size=65536,
        max_field_size=65536,
    )


class CommandHandler(Protocol):
    """What answers on the control port."""

    async def answer(self, request: HttpIn, connection: Hashable) -> HttpOut:
        """The answer to one request; ``connection`` is what it came on."""

    def disconnected(self, connection: Hashable) -> None:
        """That connection is gone."""


def control_server(control: CommandHandler) -> web.Server:
    """The control port: same checks, one coroutine that answers."""

    async def handle(request: web.BaseRequest, given: HttpIn) -> web.StreamResponse:
        return response(await control.answer(given, request.protocol))

    return http_server(handle, control.disconnected, idle_s=CONTROL_IDLE_S)
