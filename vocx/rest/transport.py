"""What crosses the socket, and when: requests with its connections opened up.

requests and urllib3 do the HTTP, :mod:`vocx.net` opens the connections; this file only listens at
the four places where bytes and time can be seen. Rules:

* A :class:`Trace` belongs to one attempt of one call and to the thread that makes it.
* ``send`` of the connection is where request bytes leave; a :class:`_Tap` under the response's
  buffer is where reply bytes arrive, one ``recv`` at a time. Nothing is read twice.
* Opening is name, connect, TLS, in that order and each on its own clock reading; a kept
  connection has none of them.
* Every ``recv`` is given what is left of the deadline, so a reply that dribbles cannot outlive it.
"""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPResponse
from time import perf_counter_ns
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from vocx import net
from vocx.errors import StreamStopped
from vocx.timing import Phases

READ_BUFFER = 65_536
MAX_REPLY_BYTES = 64 * 1024 * 1024
"""A reply above this is refused: the largest honest one, all instruments, is below 20 MB."""


class ReplyTooLarge(Exception):
    """More bytes than :data:`MAX_REPLY_BYTES`; translated by :mod:`vocx.rest.error_mapping`."""


class Trace:
    """Bytes and clock readings of one attempt. Wall clock for stamps, a steady one for lengths."""

    __slots__ = (
        "_arrived",
        "_clock",
        "_first_byte",
        "_last_byte",
        "_send_from",
        "_send_to",
        "_sent",
        "_sock",
        "aborted",
        "ca_file",
        "connect_ms",
        "connect_s",
        "deadline",
        "dns_ms",
        "local_port",
        "new",
        "read_s",
        "received_ns",
        "reply_bytes",
        "sent_ns",
        "tls_ms",
    )

    def __init__(
        self,
        deadline: int,
        timeout: tuple[float, float],
        clock: Callable[[], int],
        ca_file: str | None = None,
        aborted: threading.Event | None = None,
    ) -> None:
        self.aborted = aborted
        self._sock: socket.socket | None = None
        self.deadline = deadline
        self.connect_s, self.read_s = timeout
        self.ca_file = ca_file
        self.new = False
        self.dns_ms: float | None = None
        self.connect_ms: float | None = None
        self.tls_ms: float | None = None
        self.local_port: int | None = None
        self._clock = clock
        self._sent: list[bytes] = []
        self._arrived: list[bytes] = []
        self._send_from = self._send_to = self._first_byte = self._last_byte = 0
        self.sent_ns = self.received_ns = self.reply_bytes = 0

    def uses(self, sock: socket.socket) -> None:
        """The call goes over this socket.

        Raises
        ------
        StreamStopped
            It was aborted before anything was sent.
        """
        self._sock = sock
        if self.aborted is not None and self.aborted.is_set():
            raise StreamStopped("the call was aborted before it was sent", outcome="not_sent")

    def abort(self) -> None:
        """Let whoever waits for this call's bytes see the end of them; from any thread."""
        if (sock := self._sock) is not None:
            with suppress(OSError):  # past TLS, whose own shutdown is not safe beside a reader
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def sending(self, data: bytes) -> None:
        if not self._sent:
            self.sent_ns = self._clock()
            self._send_from = perf_counter_ns()
        self._sent.append(bytes(data))

    def sent(self) -> None:
        self._send_to = perf_counter_ns()

    def arrived(self, data: bytes) -> None:
        self._last_byte = perf_counter_ns()
        self.received_ns = self._clock()
        if not self._arrived:
            self._first_byte = self._last_byte
        self._arrived.append(data)
        self.reply_bytes += len(data)
        if self.reply_bytes > MAX_REPLY_BYTES:
            raise ReplyTooLarge(f"the reply is larger than {MAX_REPLY_BYTES:,} bytes")

    def left_s(self) -> float:
        """Seconds until the deadline; at least a moment, so that a late call fails by itself."""
        return max((self.deadline - perf_counter_ns()) / 1e9, 0.001)

    @property
    def request(self) -> bytes:
        return b"".join(self._sent)

    def reply_head(self) -> bytes:
        """Status line and headers as received, blank line included."""
        head, blank, _ = b"".join(self._arrived).partition(b"\r\n\r\n")
        return head + blank

    def phases(self, emulated_ms: float | None = None) -> Phases:
        """Where the time went."""
        return Phases(
            dns_ms=self.dns_ms,
            connect_ms=self.connect_ms,
            tls_ms=self.tls_ms,
            send_ms=(self._send_to - self._send_from) / 1e6,
            first_byte_ms=max(self._first_byte - self._send_to, 0) / 1e6,
            body_ms=(self._last_byte - self._first_byte) / 1e6,
            emulated_ms=emulated_ms if self.new else None,
            new_connection=self.new,
        )


class _Current(threading.local):
    trace: Trace | None = None


CURRENT = _Current()
"""The attempt that this thread is making; the hooks below report to it."""


class _Tap(io.RawIOBase):
    """A socket's raw reader that reports each ``recv`` and gives it what is left of the time."""

    def __init__(self, raw: Any, sock: socket.socket, trace: Trace) -> None:
        self._raw = raw
        self._sock = sock
        self._trace = trace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(min(self._trace.read_s, self._trace.left_s()))
        count: int | None = self._raw.readinto(buffer)
        if count:
            self._trace.arrived(bytes(memoryview(buffer)[:count]))
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    """A response whose bytes pass through a :class:`_Tap`."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if CURRENT.trace is not None:
            tap = _Tap(self.fp.detach(), sock, CURRENT.trace)
            self.fp = io.BufferedReader(tap, READ_BUFFER)


class _Watched(HTTPConnection):
    """Opening and sending, each reported to the current trace."""

    response_class = _Response
    local_port: int | None = None

    def connect(self) -> None:
        """Open the connection; nothing of the request is sent yet."""
        trace = CURRENT.trace
        assert trace is not None, "only Client sends here"
        secure = isinstance(self, HTTPSConnection)
        host = f"[{self.host}]" if ":" in self.host else self.host
        url = f"{'https' if secure else 'http'}://{host}:{self.port}"
        trace.new = True
        wait_s = min(trace.connect_s, trace.left_s())
        tcp = net.open_tcp(url, dns_s=trace.left_s(), connect_s=wait_s, stopping=trace.aborted)
        trace.dns_ms, trace.connect_ms = tcp.dns_ms, tcp.connect_ms + (tcp.proxy_ms or 0.0)
        self.sock = tcp.sock
        if secure:
            begun = perf_counter_ns()
            self.sock = net.open_tls(
                tcp, timeout_s=trace.left_s(), ca_file=trace.ca_file, stopping=trace.aborted
            )
            self.is_verified = True
            trace.tls_ms = (perf_counter_ns() - begun) / 1e6
        self.sock.settimeout(min(trace.read_s, trace.left_s()))
        self.local_port = self.sock.getsockname()[1]

    def send(self, data: Any) -> None:
        trace = CURRENT.trace
        assert trace is not None, "only Client sends here"
        if self.sock is None:
            self.connect()  # here, so that opening is not counted as sending
        trace.local_port = self.local_port
        trace.uses(self.sock)
        trace.sending(data)
        super().send(data)
        trace.sent()


class _WatchedTls(_Watched, HTTPSConnection):
    """The same above TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


class Adapter(HTTPAdapter):
    """requests' own adapter, with pools of watched connections."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def close(self) -> None:
        """Close the idle connections now: the pools themselves wait for the garbage collector,
        which an error that names its pool may keep from them."""
        pools = self.poolmanager.pools
        for key in pools.keys():
            with suppress(KeyError):
                pools[key].close()
        super().close()
