"""Dialling: name, connection, TLS and upgrade, each timed and each with its own deadline.

The socket is ours from the start and is handed to websocket-client connected. That ignores
proxies (it would send even 127.0.0.1 to one), times the phases, and lets ``stop()`` end a dial
between any two steps. Every way to fail becomes one typed error.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import websocket

from vocx.errors import (
    BadInput,
    ConnectFailed,
    ConnectionLost,
    DnsError,
    StreamStopped,
    TimedOut,
    TlsError,
    VenueError,
    VocxError,
)
from vocx.stream.deadlines import Deadlines
from vocx.stream.socket import BufferedSocket
from vocx.timing import Phases

_SLICE_S = 0.05  # how often a waiting dial looks whether it was stopped


class WebSocketConnection(msgspec.Struct):
    """An open WebSocket: the wire to read from, websocket-client to send with, the times."""

    wire: BufferedSocket
    socket: Any
    phases: Phases
    url: str


RefusedUpgrade = Callable[[int, Mapping[str, str], bytes], VenueError]


def dial(
    url: str,
    *,
    deadlines: Deadlines,
    stopping: threading.Event,
    refused: RefusedUpgrade,
    ca_file: str | Path | None = None,
) -> WebSocketConnection:
    """Open ``url`` (``ws`` or ``wss``) and complete the upgrade.

    Raises
    ------
    DnsError, ConnectFailed, TlsError, TimedOut, ConnectionLost
        By the phase that failed.
    VenueError
        What ``refused`` makes of an HTTP answer that is not 101.
    StreamStopped
        ``stopping`` was set meanwhile.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise BadInput(f"{redacted(url)!r} is no WebSocket address; write ws://host or wss://host")
    secure = parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    started = time.monotonic_ns()
    addresses, looked_up = _resolve(parts.hostname, port, deadlines.dns_s, stopping)
    resolved = time.monotonic_ns()
    sock = _connect(addresses, deadlines.connect_s, stopping)
    connected = time.monotonic_ns()
    try:
        wire = BufferedSocket(sock, _context(ca_file) if secure else None, parts.hostname)
        wire.block(min(deadlines.read_s, _SLICE_S))
        if secure:
            _shake_hands(wire, parts.hostname, deadlines.tls_s, stopping)
        secured = time.monotonic_ns()
        line = _upgrade(wire, url, deadlines.upgrade_s, stopping, refused)
        wire.block(deadlines.read_s)
    except BaseException:
        sock.close()
        raise
    answered = wire.first_byte_mono_ns if not secure else None
    line.phases = Phases(
        dns_ms=(resolved - started) / 1e6 if looked_up else None,
        connect_ms=(connected - resolved) / 1e6,
        tls_ms=(secured - connected) / 1e6 if secure else None,
        first_byte_ms=((answered or time.monotonic_ns()) - secured) / 1e6,
        new_connection=True,
    )
    return line


def redacted(url: str) -> str:
    """The address without query values: they may hold keys."""
    parts = urlsplit(url)
    query = "&".join(
        pair
        if pair.partition("=")[0] in ("streams", "timeUnit")
        else f"{pair.partition('=')[0]}=..."
        for pair in parts.query.split("&")
        if pair
    )
    user = parts.netloc.rpartition("@")[2]
    return parts._replace(query=query, netloc=user).geturl()


def _check(stopping: threading.Event) -> None:
    if stopping.is_set():
        raise StreamStopped("the stream was stopped while it was dialling")


Address = tuple[Any, ...]


def _resolve(
    host: str, port: int, seconds: float, stopping: threading.Event
) -> tuple[list[Address], bool]:
    """Addresses to try, and whether a name had to be looked up.

    The system's resolver cannot be interrupted, so it runs in a thread that is left behind
    when it takes too long.
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), False
    answer: list[Any] = []
    done = threading.Event()

    def look_up() -> None:
        try:
            answer.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.append(error)
        done.set()

    threading.Thread(target=look_up, name=f"vocx-dns-{host}", daemon=True).start()
    deadline = time.monotonic() + seconds
    while not done.wait(_SLICE_S):
        _check(stopping)
        if time.monotonic() > deadline:
            raise DnsError(f"the name {host} was not resolved within {seconds:g} s")
    if isinstance(answer[0], Exception):
        raise DnsError(f"the name {host} cannot be resolved: {answer[0]}") from answer[0]
    return answer[0], True


def _connect(addresses: list[Address], seconds: float, stopping: threading.Event) -> socket.socket:
    """The first address that answers; all of them share the deadline."""
    deadline = time.monotonic() + seconds
    problem: OSError | None = None
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            code = sock.connect_ex(address)
            if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
                raise OSError(code, errno.errorcode.get(code, "connect failed"))
            while code and not select.select([], [sock], [sock], _SLICE_S)[1]:
                _check(stopping)
                if time.monotonic() > deadline:
                    raise TimeoutError(f"no connection within {seconds:g} s")
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                raise OSError(code, errno.errorcode.get(code, "connect failed"))
            _check(stopping)
            return sock
        except OSError as error:
            sock.close()
            problem = error
        except BaseException:
            sock.close()
            raise
    where = addresses[0][4][:2] if addresses else "no address"
    raise ConnectFailed(f"no connection to {where}: {problem}") from problem


def _context(ca_file: str | Path | None) -> ssl.SSLContext:
    """Verifies always; ``ca_file`` adds an authority (the lab's own).

    Kept between dials: reading the system's authorities takes some 40 ms, and a reconnect is in
    a hurry.
    """
    trusted = [os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"), ca_file]
    marks = [_mark(one) for one in trusted]
    return _made_context(None if ca_file is None else str(ca_file), str(marks))


def _mark(path: str | Path | None) -> object:
    """Changes when the file does: a reopened lab has a new authority."""
    try:
        return path and (path, os.stat(path).st_mtime_ns)
    except OSError:
        return path


@lru_cache(maxsize=8)
def _made_context(ca_file: str | None, marks: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise BadInput(f"ca_file {ca_file!r} holds no certificate: {error}") from error
    return context


def _shake_hands(
    wire: BufferedSocket, host: str, seconds: float, stopping: threading.Event
) -> None:
    deadline = time.monotonic() + seconds
    try:
        while not wire.shake_hands():
            _check(stopping)
            if time.monotonic() > deadline:
                raise TimedOut(f"TLS with {host} was not agreed within {seconds:g} s")
    except VocxError:  # TimedOut is an OSError as well
        raise
    except ssl.SSLCertVerificationError as error:
        raise TlsError(
            f"the certificate of {host} cannot be verified ({error.verify_message}). "
            "Name its authority with ca_file=; vocx never goes on unverified"
        ) from error
    except ssl.SSLError as error:
        raise ConnectionLost(f"TLS with {host} failed: {error.reason or error}") from error
    except OSError as error:
        raise ConnectionLost(f"the connection to {host} ended during TLS: {error}") from error


def _upgrade(
    wire: BufferedSocket,
    url: str,
    seconds: float,
    stopping: threading.Event,
    refused: RefusedUpgrade,
) -> WebSocketConnection:
    """websocket-client's handshake over our wire."""
    _check(stopping)
    deadline = time.monotonic() + seconds

    def check() -> None:
        _check(stopping)
        if time.monotonic() > deadline:
            raise TimeoutError

    wire.watch(check)
    ws: Any = websocket.WebSocket(skip_utf8_validation=True, enable_multithread=False)
    try:
        # No Origin: a program is no web page, and the lab refuses foreign ones.
        ws.connect(url, socket=wire, suppress_origin=True, redirect_limit=0)
    except websocket.WebSocketBadStatusException as error:
        raise _refusal(error, refused) from error
    except (websocket.WebSocketTimeoutException, TimeoutError) as error:
        raise TimedOut(f"no answer to the upgrade within {seconds:g} s") from error
    except websocket.WebSocketException as error:
        raise ConnectionLost(f"the upgrade failed: {error}") from error
    except OSError as error:
        raise ConnectionLost(f"the connection ended during the upgrade: {error}") from error
    wire.watch(None)
    return WebSocketConnection(wire, ws, Phases(), redacted(url))


def _refusal(error: Any, refused: RefusedUpgrade) -> VocxError:
    status = int(error.status_code)
    headers = {str(name).lower(): str(value) for name, value in (error.resp_headers or {}).items()}
    body = error.resp_body or b""
    problem = refused(status, headers, body if isinstance(body, bytes) else body.encode())
    if problem.http_status is None:
        problem.http_status = status
    if problem.retry_after_s is None:
        try:
            problem.retry_after_s = float(headers["retry-after"])
        except (KeyError, ValueError):
            pass
    return problem
