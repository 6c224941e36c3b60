"""HTTP on loopback, as aiohttp parses it and a dialect may see it.

* The raw target and the raw body are handed on untouched, because signatures cover bytes.
* Any web page can open ``ws://127.0.0.1``: what a browser sends for another page gets 403 before
  anything looks at it (:func:`refusal`).
* A request that stays half-sent is closed after :data:`REQUEST_S`, one that declares too large a
  body is refused before it is read, and one that cannot be parsed is answered without a word in
  the log.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Protocol

from aiohttp import web

from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.service.failure import one_line

INBOUND_LIMIT = 2**20
"""Largest message or body a client may send, bytes."""
REQUEST_S = 10.0
"""How long a request may take from its first byte to its last."""
SILENT_S = 60.0
"""How long a connection may be open before its first byte."""
IDLE_S = 300.0
"""How long a connection may rest between two requests."""
CONTROL_IDLE_S = 7 * 86_400.0
"""The same on the control port, where a connection may hold something (a pause of limits)."""
IN_THREAD_BYTES = 64 * 1024
"""A body larger than this is compressed beside the market's loop."""
LINGER_S = 1.0
"""How long the rest of a refused body is read, so that the client can read why."""

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
OTHER_SITES = frozenset({"cross-site", "same-site"})
"""Values of ``Sec-Fetch-Site`` (Fetch Metadata, W3C 2025) that only another page's request has."""

log = logging.getLogger("vocx.lab")
_silent = logging.getLogger("vocx.lab.http")
_silent.disabled = True
logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)  # warns of every subprotocol


def refusal(headers: Mapping[str, str]) -> str | None:
    """Why a request must be refused before anything looks at it; ``None`` when it is fine.

    ``Host`` must name this machine (a page that rebinds its own name to 127.0.0.1 cannot), and an
    ``Origin``, which every browser sends and some clients copy from the URL, must be our own; a
    browser that loads something for another page without an ``Origin`` says ``Sec-Fetch-Site``.
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
    site = headers.get("sec-fetch-site", "").lower()
    if site in OTHER_SITES:
        return f"Sec-Fetch-Site {site!r} is another web page's; the lab serves programs only"
    return None


def text_answer(status: int, text: str, **headers: str) -> HttpOut:
    """A short answer of the server itself, where no dialect is asked."""
    return HttpOut(
        status=status,
        headers={"Content-Type": "text/plain; charset=utf-8", **headers},
        body=f"{text}\n".encode(),
    )


def response(request: web.BaseRequest, out: HttpOut) -> web.Response:
    """A dialect's answer in aiohttp's clothes, compressed where both sides want that."""
    made = web.Response(
        status=out.status, headers=out.headers, body=out.body, zlib_executor_size=IN_THREAD_BYTES
    )
    if out.compress and "gzip" in request.headers.get("Accept-Encoding", "").lower():
        made.enable_compression(web.ContentCoding.gzip)
    return made


async def delayed(request: web.BaseRequest, out: HttpOut) -> web.Response:
    """The answer when its time has come; never (until the client gives up) for ``None``."""
    if out.delay_ns is None:
        while request.transport is not None:
            await asyncio.sleep(0.5)
    elif out.delay_ns > 0:
        await asyncio.sleep(out.delay_ns / 1e9)
    return response(request, out)


class RequestProtocol(web.RequestHandler):
    """aiohttp's end of one connection, with a deadline for requests and a look at masks.

    A client must mask its frames (RFC 6455, 5.1). aiohttp does not insist; who does not mask never
    does, so the first frame is looked at and no other.
    """

    _deadline: asyncio.TimerHandle | None = None
    _silence: asyncio.TimerHandle | None = None
    _in_request = False
    _first_frame: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._silence = asyncio.get_running_loop().call_later(SILENT_S, self.force_close)

    def data_received(self, data: bytes) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if self._first_frame is not None:
            self._first_frame += data[:2]
            if len(self._first_frame) >= 2:
                masked, self._first_frame = self._first_frame[1] & 0x80, None
                if not masked:
                    self.force_close()
                    return
        elif not self._in_request and self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(REQUEST_S, self.force_close)
        super().data_received(data)

    def begin_request(self) -> None:
        """The head of a request has arrived whole."""
        self._in_request = True
        self._cancel_deadline()

    def end_request(self) -> None:
        """The request has been answered."""
        self._in_request = False

    def expect_frames(self) -> None:
        """What comes from now on are WebSocket frames."""
        self._first_frame = b""

    def connection_lost(self, exc: BaseException | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def _cancel_deadline(self) -> None:
        for timer in (self._deadline, self._silence):
            if timer is not None:
                timer.cancel()
        self._deadline = self._silence = None


Handler = Callable[[web.BaseRequest, HttpIn], Awaitable[web.StreamResponse]]


class HttpServer(web.Server):
    """A protocol factory that checks where a request comes from and hands on its raw bytes.

    Parameters
    ----------
    handler : callable
        Answers a request that may be answered.
    disconnected : callable
        Called with the protocol of a connection that is gone.
    idle_s : float
        How long a connection may rest between two requests.
    """

    def __init__(
        self,
        handler: Handler,
        disconnected: Callable[[Hashable], None] = lambda connection: None,
        *,
        idle_s: float = IDLE_S,
    ) -> None:
        super().__init__(self._handle)
        self._handler = handler
        self._disconnected = disconnected
        self._options: dict[str, Any] = {
            "access_log": None,
            "auto_decompress": False,
            "keepalive_timeout": idle_s,
            "lingering_time": LINGER_S,
            "logger": _silent,
            "max_line_size": 65536,
            "max_field_size": 65536,
        }

    def __call__(self) -> RequestProtocol:
        return RequestProtocol(self, loop=asyncio.get_running_loop(), **self._options)

    def connection_lost(
        self, handler: web.RequestHandler, exc: BaseException | None = None
    ) -> None:
        super().connection_lost(handler, exc)
        self._disconnected(handler)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol = request.protocol
        assert isinstance(protocol, RequestProtocol)
        protocol.begin_request()
        try:
            given = await received(request)
            if isinstance(given, HttpOut):
                refused = response(request, given)
                refused.force_close()
                return refused
            return await self._handler(request, given)
        except (ConnectionError, web.HTTPException):
            raise  # the client has gone, or aiohttp answers
        except Exception as error:
            log.error("a request failed: %s", one_line(error))
            raise
        finally:
            protocol.end_request()


async def received(request: web.BaseRequest) -> HttpIn | HttpOut:
    """The whole request, or the server's own refusal of it."""
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    if reason := refusal(headers):
        return text_answer(403, reason)
    try:
        request.raw_path.encode()
    except UnicodeEncodeError:
        return text_answer(400, "the target is not UTF-8")
    too_large = text_answer(413, f"a body may have at most {INBOUND_LIMIT} bytes")
    if (request.content_length or 0) > INBOUND_LIMIT:
        return too_large
    body = b""
    try:
        if request.can_read_body:
            async with asyncio.timeout(REQUEST_S):
                body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return too_large
    except TimeoutError:
        return text_answer(408, f"the body did not arrive within {REQUEST_S:.0f} s")
    return HttpIn(
        method=request.method,
        target=request.raw_path,
        headers=headers,
        body=body,
        peer=request.remote or "127.0.0.1",
    )


def _text(value: str) -> str:
    """A header's value; bytes that are no UTF-8, which aiohttp hands on as halves of pairs, are
    replaced."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class CommandHandler(Protocol):
    """What answers on the control port."""

    async def answer(self, request: HttpIn, connection: Hashable) -> HttpOut:
        """The answer to one request; ``connection`` is what it came on."""

    def disconnected(self, connection: Hashable) -> None:
        """That connection is gone."""


def control_server(control: CommandHandler) -> HttpServer:
    """The control port: same checks, and answers that know which connection asked."""

    async def handle(request: web.BaseRequest, given: HttpIn) -> web.StreamResponse:
        return response(request, await control.answer(given, request.protocol))

    return HttpServer(handle, control.disconnected, idle_s=CONTROL_IDLE_S)
