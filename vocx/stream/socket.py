"""A WebSocket over a socket of our own: opened in timed steps, read in 64 KB gulps.

The connection is opened by :mod:`vocx.net` (name, both families, proxy) and handed to
websocket-client connected, which makes the upgrade and frames what we send. That times the phases
and lets ``stop()`` end a try between any two steps. Every way to fail becomes one typed error.

Three facts shape the reading, all measured with a cell that computes in the same interpreter:

* Every system call gives up the interpreter lock, and a computing cell then keeps it for a switch
  interval (5 ms). So: as few calls as possible. A blocking socket with ``SO_RCVTIMEO`` needs one
  call where Python's own timeout needs two (``poll``, then ``recv``).
* ``SSLSocket.recv`` returns one TLS record at a time. Decrypting from memory instead lets one
  system call bring all records that have arrived. The ssl module still gives the lock up once for
  each record: at 1,000 a second beside a cell that computes, reading lags 200 ms behind (p99). The
  interval is the whole process's and not ours to change; who minds writes
  ``sys.setswitchinterval(0.0005)``, and it is 10 ms.
* While Python waits for the lock, bytes wait in the kernel. ``SO_TIMESTAMPNS`` (Linux) tells when
  they reached this machine, so that a busy notebook is never mistaken for a slow network.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import websocket

from vocx.errors import (
    BadInput,
    ConnectionLost,
    StreamStopped,
    TimedOut,
    VenueError,
    VocxError,
)
from vocx.net import open_tcp, tls_context, tls_error
from vocx.stream.deadlines import Deadlines
from vocx.timing import Phases
from vocx.venues.base.reading import retry_after_s

LOST = (OSError, websocket.WebSocketException)
"""What sending on a connection that is gone can raise."""
TEXT, PING = websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_PING
_SLICE_S = 0.05  # how often a waiting try looks whether it was stopped
READ_BYTES = 65536
_SO_TIMESTAMPNS = 35  # Linux, not named by the socket module; struct timespec in the ancillary data
_TIMESPEC = struct.Struct("@ll")
_MAX_STAMP_AGE_NS = 60_000_000_000


class BufferedSocket:
    """A connected socket with the methods websocket-client needs, and :meth:`read` for us.

    One thread reads; others may :meth:`send`, one at a time, and :meth:`abort`.

    Attributes
    ----------
    first_ns, last_ns : int
        When the first and the last byte of the latest :meth:`read` reached this machine
        (wall clock). Exact for the last one where the kernel stamps, an estimate for the first
        when several segments had piled up.
    local_port : int
        This machine's end of the connection.
    stamped : bool
        The kernel's stamps are in use; otherwise both are the time at which Python got the bytes.
    """

    def __init__(self, sock: socket.socket, tls: ssl.SSLContext | None, host: str) -> None:
        self.first_ns = self.last_ns = 0
        self.stamped = False
        self.received_bytes = 0
        self.first_byte_mono_ns: int | None = None
        self._closed = False
        self._sock = sock
        self.local_port: int = sock.getsockname()[1]
        self._held = b""
        self._check: Callable[[], None] | None = None
        self._tls: ssl.SSLObject | None = None
        self._tls_lock = threading.Lock()  # one SSL object, read and written by two threads
        if tls is not None:
            self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = tls.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "linux" and _TIMESPEC.size == 16:
            try:
                sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                self.stamped = True
            except OSError:
                pass

    def block(self, read_s: float, send_s: float = 5.0) -> None:
        """Blocking mode with the kernel's own receive and send time-outs."""
        self._sock.settimeout(None)
        for option, seconds in ((socket.SO_RCVTIMEO, read_s), (socket.SO_SNDTIMEO, send_s)):
            micros = max(1000, int(seconds * 1e6))
            value = (
                struct.pack("L", micros // 1000)
                if os.name == "nt"
                else struct.pack("@ll", micros // 1_000_000, micros % 1_000_000)
            )
            self._sock.setsockopt(socket.SOL_SOCKET, option, value)

    def read(self) -> bytes | None:
        """All bytes that are here, at most 64 KB; ``None`` after the time-out, ``b""`` at the end.

        Raises
        ------
        OSError
            The connection was reset, or TLS broke.
        """
        if self._held:
            held, self._held = self._held, b""
            return held
        called_ns, before_ns = time.time_ns(), self.last_ns
        try:
            if self.stamped:
                data, notes, _, _ = self._sock.recvmsg(READ_BYTES, 64)
            else:
                data, notes = self._sock.recv(READ_BYTES), []
        except (BlockingIOError, TimeoutError):
            return None
        if not data:
            return b""
        self._stamp(notes, called_ns, before_ns)
        self.received_bytes += len(data)
        if self.first_byte_mono_ns is None:
            self.first_byte_mono_ns = time.monotonic_ns()
        return data if self._tls is None else self._decrypt(data)

    def _stamp(self, notes: list[tuple[int, int, bytes]], called_ns: int, before_ns: int) -> None:
        """The kernel says when the *last* segment came. If the call had to wait for it, all of
        them are that young; if not, they came between the previous read's last and this one."""
        now_ns = time.time_ns()
        last_ns = now_ns
        for level, kind, value in notes:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) >= 16:
                seconds, rest = _TIMESPEC.unpack_from(value)
                stamp_ns = seconds * 1_000_000_000 + rest
                if 0 <= now_ns - stamp_ns < _MAX_STAMP_AGE_NS:
                    last_ns = stamp_ns
        self.last_ns = last_ns
        waited = last_ns >= called_ns
        self.first_ns = last_ns if waited or not before_ns else min(before_ns, last_ns)

    def _decrypt(self, data: bytes) -> bytes | None:
        with self._tls_lock:
            return self._decrypt_alone(data)

    def _decrypt_alone(self, data: bytes) -> bytes | None:
        assert self._tls is not None
        self._incoming.write(data)
        parts: list[bytes] = []
        try:
            while part := self._tls.read(READ_BYTES):
                parts.append(part)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            return b"".join(parts)
        self._flush()
        # Records without application data (session tickets, half a record) read as a time-out.
        return b"".join(parts) or None

    def shake_hands(self) -> bool:
        """One step of the TLS handshake; True when it is complete.

        Raises
        ------
        ssl.SSLError
            The certificate cannot be verified, or the peer does not speak TLS.
        """
        assert self._tls is not None
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            try:
                data = self._sock.recv(READ_BYTES)
            except (BlockingIOError, TimeoutError):
                return False
            if data:
                self._incoming.write(data)
            else:
                self._incoming.write_eof()
            return False
        finally:
            self._flush()
        return True

    def _flush(self) -> None:
        pending = self._outgoing.read()
        if pending:
            self._sock.sendall(pending)

    # What websocket-client calls during the handshake and for sending.

    def watch(self, check: Callable[[], None] | None) -> None:
        """What :meth:`recv` calls while it waits; it raises to end the wait."""
        self._check = check

    def recv(self, count: int) -> bytes:
        """At most ``count`` bytes, waiting as long as the check allows."""
        while not self._held:
            if self._check is not None:
                self._check()
            data = self.read()
            if data == b"":
                return b""
            self._held = data or b""
        part, self._held = self._held[:count], self._held[count:]
        return part

    def send(self, data: bytes) -> int:
        if self._tls is None:
            self._sock.sendall(data)
        else:
            with self._tls_lock:
                self._tls.write(data)
                self._flush()
        return len(data)

    def gettimeout(self) -> float | None:
        return None

    def settimeout(self, seconds: float | None) -> None:
        """Time-outs are the kernel's (:meth:`block`); websocket-client has no say."""

    def fileno(self) -> int:
        return self._sock.fileno()

    def shutdown(self, how: int) -> None:
        self._sock.shutdown(how)

    def close(self) -> None:
        self._closed = True
        self._sock.close()

    def abort(self) -> None:
        """End both directions now; wakes the thread that reads. Safe from any thread."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class WebSocketConnection(msgspec.Struct):
    """An open WebSocket: the socket to read from, websocket-client to send with, the times."""

    socket: BufferedSocket
    client: Any
    phases: Phases
    url: str

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send one frame.

        Raises
        ------
        OSError, WebSocketException
            See :data:`LOST`.
        """
        self.client.send(payload, opcode)


RefusedUpgrade = Callable[[int, Mapping[str, str], bytes], VenueError]

_CONNECT_WINDOW_NS = 1_100_000_000
"""A second, and what the ways of two connections may differ by."""


class ConnectPacer:
    """Spreads this process's connections, so that a host gets no more in a second than it takes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[str, deque[int]] = {}

    def reserve_ns(self, host: str, per_s: int, now_ns: int) -> int:
        """How long the next try to that host has to wait; it is counted then."""
        with self._lock:
            times = self._times.setdefault(host, deque())
            while len(times) >= per_s and times[0] + _CONNECT_WINDOW_NS <= now_ns:
                times.popleft()
            due_ns = now_ns
            if len(times) >= per_s:
                due_ns = max(now_ns, times[-per_s] + _CONNECT_WINDOW_NS)
            times.append(due_ns)
            return due_ns - now_ns


CONNECTS = ConnectPacer()


def open_websocket(
    url: str,
    *,
    deadlines: Deadlines,
    stopping: threading.Event,
    refused: RefusedUpgrade,
    headers: Mapping[str, str] | None = None,
    ca_file: str | Path | None = None,
    per_s: int | None = None,
) -> WebSocketConnection:
    """Open ``url`` (``ws`` or ``wss``) and complete the upgrade; it waits where ``per_s``
    connections of this process have gone to the host within a second.

    Raises
    ------
    DnsError, ConnectFailed, TlsError, TimedOut, ConnectionLost
        By the phase that failed.
    VenueError
        What ``refused`` makes of an HTTP answer that is not 101.
    StreamStopped
        ``stopping`` was set meanwhile.
    """
    if urlsplit(url).scheme not in ("ws", "wss"):
        raise BadInput(f"{redacted(url)!r} is no WebSocket address; write ws://host or wss://host")
    if per_s is not None:
        wait_ns = CONNECTS.reserve_ns(urlsplit(url).netloc, per_s, time.monotonic_ns())
        if wait_ns and stopping.wait(wait_ns / 1e9):
            raise StreamStopped("stopped while it waited to connect")
    tcp = open_tcp(url, dns_s=deadlines.dns_s, connect_s=deadlines.connect_s, stopping=stopping)
    connected = time.monotonic_ns()
    try:
        sock = BufferedSocket(tcp.sock, tls_context(ca_file) if tcp.secure else None, tcp.host)
        sock.block(min(deadlines.read_s, _SLICE_S))
        if tcp.secure:
            _shake_hands(sock, f"{tcp.host}:{tcp.port}", deadlines.tls_s, stopping)
        secured = time.monotonic_ns()
        client = _upgrade(sock, url, headers, deadlines.upgrade_s, stopping, refused)
        sock.block(deadlines.read_s)
    except BaseException:
        tcp.sock.close()
        raise
    answered = sock.first_byte_mono_ns if not tcp.secure else None
    phases = Phases(
        dns_ms=tcp.dns_ms,
        connect_ms=tcp.connect_ms + (tcp.proxy_ms or 0.0),
        tls_ms=(secured - connected) / 1e6 if tcp.secure else None,
        first_byte_ms=((answered or time.monotonic_ns()) - secured) / 1e6,
        new_connection=True,
    )
    return WebSocketConnection(sock, client, phases, redacted(url))


def redacted(url: str) -> str:
    """The address without query values: they may hold keys."""
    parts = urlsplit(url)
    names = [pair.partition("=")[0] for pair in parts.query.split("&") if pair]
    query = "&".join(f"{name}=..." for name in names)
    user = parts.netloc.rpartition("@")[2]
    return parts._replace(query=query, netloc=user).geturl()


def _check(stopping: threading.Event) -> None:
    if stopping.is_set():
        raise StreamStopped("the stream was stopped while it was connecting")


def _shake_hands(
    sock: BufferedSocket, where: str, seconds: float, stopping: threading.Event
) -> None:
    deadline = time.monotonic() + seconds
    try:
        while not sock.shake_hands():
            _check(stopping)
            if time.monotonic() > deadline:
                raise TimedOut(f"TLS with {where} was not agreed within {seconds:g} s")
    except VocxError:  # TimedOut is an OSError as well
        raise
    except OSError as error:  # ssl.SSLError is one
        raise tls_error(error, where) from error


def _upgrade(
    sock: BufferedSocket,
    url: str,
    headers: Mapping[str, str] | None,
    seconds: float,
    stopping: threading.Event,
    refused: RefusedUpgrade,
) -> Any:
    """websocket-client's handshake over our socket."""
    _check(stopping)
    deadline = time.monotonic() + seconds

    def check() -> None:
        _check(stopping)
        if time.monotonic() > deadline:
            raise TimeoutError

    sock.watch(check)
    client: Any = websocket.WebSocket(skip_utf8_validation=True, enable_multithread=False)
    try:
        # No Origin: a program is no web page, and the lab refuses foreign ones.
        client.connect(
            url, socket=sock, header=dict(headers or {}), suppress_origin=True, redirect_limit=0
        )
    except websocket.WebSocketBadStatusException as error:
        raise _refusal(error, refused) from error
    except (websocket.WebSocketTimeoutException, TimeoutError) as error:
        raise TimedOut(f"no answer to the upgrade within {seconds:g} s") from error
    except websocket.WebSocketException as error:
        raise ConnectionLost(f"the upgrade failed: {error}") from error
    except OSError as error:
        raise ConnectionLost(f"the connection ended during the upgrade: {error}") from error
    sock.watch(None)
    return client


def _refusal(error: Any, refused: RefusedUpgrade) -> VocxError:
    status = int(error.status_code)
    headers = {str(name).lower(): str(value) for name, value in (error.resp_headers or {}).items()}
    body = error.resp_body or b""
    problem = refused(status, headers, body if isinstance(body, bytes) else body.encode())
    if problem.http_status is None:
        problem.http_status = status
    if problem.retry_after_s is None:
        problem.retry_after_s = retry_after_s(headers)
    return problem
