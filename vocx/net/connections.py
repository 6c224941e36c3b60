"""Opening a connection: name, proxy, TCP, TLS, each timed and each with its own deadline.

The rules:

* A name is looked up in a thread of its own: ``getaddrinfo`` knows no time-out.
* All addresses of a name are tried, both families in turn, a new one every 250 ms while the
  earlier ones have not answered (RFC 8305). The first that answers wins, so a dead IPv6 costs a
  quarter of a second and not the deadline.
* ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` are honoured for every host but
  this machine's own; a proxy is asked for a tunnel, so the bytes are the same with and without.
* Certificates are always verified: against the given authority, else against
  ``REQUESTS_CA_BUNDLE`` or ``SSL_CERT_FILE``, else against the system's and certifi's.
* Every failure is one typed error, and nothing was sent.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import selectors
import socket
import ssl
import threading
import time
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import msgspec

from vocx.errors import (
    BadInput,
    ConnectFailed,
    ConnectionLost,
    DnsError,
    StreamStopped,
    TlsError,
    TransportError,
)

ATTEMPT_DELAY_S = 0.25
"""From one address to the next while the first has not answered (RFC 8305, section 5)."""
_SLICE_S = 0.05  # how often a waiting try looks whether it was stopped
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

Address = tuple[Any, ...]
"""An entry of ``getaddrinfo``: family, kind, protocol, name, address."""


class TcpConnection(msgspec.Struct, kw_only=True):
    """A connected socket that has sent nothing yet; TLS, where ``secure``, is still to come.

    ``dns_ms`` is ``None`` where nothing was looked up, ``proxy_ms`` (from a connected proxy to
    its tunnel) where there is no proxy. Milliseconds.
    """

    sock: socket.socket
    host: str
    port: int
    secure: bool
    dns_ms: float | None
    connect_ms: float
    proxy_ms: float | None = None


def address_label(url: str) -> str:
    """Host and port of a URL, for messages: ``"api.binance.com:443"``."""
    parts = urlsplit(url)
    return f"{parts.hostname or url}:{parts.port or _PORTS.get(parts.scheme, 443)}"


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine by its loopback address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_tcp(
    url: str, *, dns_s: float, connect_s: float, stopping: threading.Event | None = None
) -> TcpConnection:
    """A connection to the host of ``url`` (http, https, ws or wss), through a proxy if the
    environment names one.

    Parameters
    ----------
    dns_s, connect_s : float
        Deadlines in seconds: for the name, and for the connection with the proxy's tunnel.
    stopping : threading.Event or None
        Ends the try within 50 ms when it is set.

    Raises
    ------
    DnsError, ConnectFailed
        By the step that failed.
    StreamStopped
        ``stopping`` was set meanwhile.
    """
    parts = _checked(url)
    host, port = str(parts.hostname), parts.port or _PORTS[parts.scheme]
    proxy = proxy_for(url)
    through = (str(proxy.hostname), proxy.port or 8080) if proxy else (host, port)
    label = f"the proxy {through[0]}:{through[1]}" if proxy else f"{host}:{port}"
    begun = time.perf_counter_ns()
    addresses, looked_up = resolve(*through, dns_s, stopping)
    resolved = time.perf_counter_ns()
    deadline = time.monotonic() + connect_s
    sock = connect(addresses, connect_s, stopping, label)
    connected = time.perf_counter_ns()
    try:
        if proxy is not None:
            _tunnel(sock, proxy, f"{host}:{port}", deadline, stopping)
        tunnelled = time.perf_counter_ns()
    except BaseException:
        sock.close()
        raise
    return TcpConnection(
        sock=sock,
        host=host,
        port=port,
        secure=parts.scheme in ("https", "wss"),
        dns_ms=(resolved - begun) / 1e6 if looked_up else None,
        connect_ms=(connected - resolved) / 1e6,
        proxy_ms=(tunnelled - connected) / 1e6 if proxy else None,
    )


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.scheme in _PORTS and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # a port that is no number
        pass
    raise BadInput("this is no address: write https://host, http://host, wss://host or ws://host")


def resolve(
    host: str, port: int, timeout_s: float, stopping: threading.Event | None = None
) -> tuple[list[Address], bool]:
    """Addresses to try, in order, and whether a name had to be looked up.

    Raises
    ------
    DnsError
        The name is unknown, or there was no answer within ``timeout_s``.
    """
    literal = _is_literal(host)
    answer: list[Any] = []
    done = threading.Event()

    def look_up() -> None:
        try:
            answer.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.append(error)
        done.set()

    if literal:
        look_up()
    else:
        threading.Thread(target=look_up, name=f"vocx-dns-{host[:40]}", daemon=True).start()
    deadline = time.monotonic() + timeout_s
    while not done.wait(_SLICE_S):
        _check(stopping)
        if time.monotonic() > deadline:
            raise DnsError(f"the name {host} was not resolved within {timeout_s:g} s")
    if isinstance(answer[0], Exception):
        raise DnsError(
            f"the name {host} could not be resolved: no network here, or a typing error. "
            "`vocx doctor` tells what is reachable; the lab needs no network"
        ) from answer[0]
    return _interleaved(answer[0]), not literal


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _interleaved(entries: list[Address]) -> list[Address]:
    """Both families in turn, beginning with the system's favourite (RFC 8305, section 4)."""
    first = [one for one in entries if one[0] == entries[0][0]]
    second = [one for one in entries if one[0] != entries[0][0]]
    pairs = chain.from_iterable(zip_longest(first, second))
    return [one for one in pairs if one is not None]


def connect(
    addresses: Sequence[Address],
    timeout_s: float,
    stopping: threading.Event | None = None,
    label: str = "the host",
) -> socket.socket:
    """The first of these addresses that answers; they all share the deadline.

    Raises
    ------
    ConnectFailed
        None did. ``label`` says in the text who was called.
    """
    waiting = list(addresses)
    deadline = time.monotonic() + timeout_s
    next_at = time.monotonic()
    problem: OSError | None = None
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                _check(stopping)
                now = time.monotonic()
                if now > deadline:
                    raise ConnectFailed(
                        f"no answer from {label}: the host is down or the port is blocked from here"
                    )
                if waiting and (now >= next_at or not selector.get_map()):
                    next_at = now + ATTEMPT_DELAY_S
                    try:
                        attempt = _begin(waiting.pop(0))
                        selector.register(attempt, selectors.EVENT_WRITE)
                    except OSError as error:
                        problem, next_at = error, now
                        continue
                until = min(deadline, next_at) if waiting else deadline
                pause = min(_SLICE_S, max(until - time.monotonic(), 0.001))
                for key, _ in selector.select(pause):
                    attempt = key.fileobj  # type: ignore[assignment]
                    selector.unregister(attempt)
                    code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not code:
                        return attempt
                    attempt.close()
                    problem, next_at = OSError(code, os.strerror(code)), time.monotonic()
        finally:
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
    why = (problem.strerror or str(problem)) if problem else "the name has no address"
    raise ConnectFailed(f"no connection to {label}: {why}") from problem


def _begin(entry: Address) -> socket.socket:
    """A socket that is connecting."""
    family, kind, protocol, _, address = entry
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def _check(stopping: threading.Event | None) -> None:
    if stopping is not None and stopping.is_set():
        raise StreamStopped("the stream was stopped while it was connecting")


# proxies


def proxy_for(url: str) -> SplitResult | None:
    """The proxy that the environment names for this URL; none for this machine's own hosts.

    Raises
    ------
    ConnectFailed
        The variable names no http proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(url) or proxy_bypass(host):
        return None
    named = getproxies()
    scheme = "https" if parts.scheme in ("https", "wss") else "http"
    found = named.get(scheme) or named.get("all")
    if not found:
        return None
    try:
        proxy = urlsplit(found if "://" in found else f"http://{found}")
        if proxy.scheme == "http" and proxy.hostname and proxy.port != 0:
            return proxy
    except ValueError:  # a port that is no number
        pass
    raise ConnectFailed(
        f"{scheme.upper()}_PROXY (or ALL_PROXY) names a proxy that vocx cannot use: "
        "write http://host:port, or unset the variable"
    )


def _tunnel(
    sock: socket.socket,
    proxy: SplitResult,
    where: str,
    deadline: float,
    stopping: threading.Event | None,
) -> None:
    """Ask the proxy for a way to ``where``."""
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    if proxy.username is not None:
        pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        lines.append(f"Proxy-Authorization: Basic {b64encode(pair.encode()).decode()}")
    told = b""
    try:
        sock.settimeout(_SLICE_S)
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in told:
            _check(stopping)
            if time.monotonic() > deadline:
                raise ConnectFailed(f"the proxy {proxy.hostname} did not lead to {where} in time")
            try:
                more = sock.recv(4096)  # nobody behind the tunnel speaks before we do
            except TimeoutError:
                continue
            told += more
            if not more or len(told) > 65_536:
                raise ConnectFailed(f"the proxy {proxy.hostname} ended the talk about {where}")
    except OSError as error:
        raise ConnectFailed(f"the proxy {proxy.hostname} broke off: {error.strerror}") from error
    status = told.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
    if len(status) < 2 or not status[0].startswith("HTTP/") or status[1] != "200":
        raise ConnectFailed(
            f"the proxy that HTTPS_PROXY or HTTP_PROXY names did not lead to {where} "
            f"({' '.join(status[1:])[:80]}); unset the variable or mend the proxy"
        )


# TLS


def tls_context(ca_file: str | Path | None = None) -> ssl.SSLContext:
    """How certificates are verified, always; ``ca_file`` names the only authority (the lab's).

    Kept between connections: reading the system's authorities takes some 40 ms, and a reconnect is
    in a hurry. Made anew when a file or a variable changed.

    Raises
    ------
    BadInput
        A file of authorities that cannot be read.
    """
    named = next((os.environ[one] for one in _CA_VARIABLES if os.environ.get(one)), None)
    chosen = str(ca_file) if ca_file is not None else named
    own = tuple(os.environ.get(one) for one in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    marks = [_mark(one) for one in (chosen, *own)]
    return _made_context(chosen, any(own), str(marks))


def _mark(path: str | None) -> object:
    """Changes when the file does: a reopened lab has a new authority."""
    try:
        return path and (path, os.stat(path).st_mtime_ns)
    except OSError:
        return path


@lru_cache(maxsize=8)
def _made_context(chosen: str | None, own: bool, marks: str) -> ssl.SSLContext:
    try:
        if chosen is not None and Path(chosen).is_dir():
            return ssl.create_default_context(capath=chosen)
        context = ssl.create_default_context(cafile=chosen)
    except OSError as error:  # ssl.SSLError is one
        raise BadInput(f"{chosen!r} holds no certificate: {error}") from error
    if chosen is None and not own:
        context.load_verify_locations(cafile=certifi.where())
    return context


def open_tls(
    tcp: TcpConnection,
    *,
    timeout_s: float,
    ca_file: str | Path | None = None,
    stopping: threading.Event | None = None,
) -> ssl.SSLSocket:
    """TLS over a connection, verified; the plain socket is closed when that fails.

    Raises
    ------
    TlsError, ConnectFailed
        No trust, no agreement, no answer.
    """
    deadline = time.monotonic() + timeout_s
    try:
        context = tls_context(ca_file)
        tcp.sock.settimeout(_SLICE_S)
        secure = context.wrap_socket(
            tcp.sock, server_hostname=tcp.host, do_handshake_on_connect=False
        )
    except OSError as error:
        tcp.sock.close()
        raise tls_error(error, f"{tcp.host}:{tcp.port}") from error
    except BaseException:
        tcp.sock.close()
        raise
    try:
        while True:
            _check(stopping)
            try:
                secure.do_handshake()
                return secure
            except TimeoutError as error:
                if time.monotonic() > deadline:
                    raise tls_error(error, f"{tcp.host}:{tcp.port}") from error
    except OSError as error:
        secure.close()
        raise tls_error(error, f"{tcp.host}:{tcp.port}") from error
    except BaseException:
        secure.close()
        raise


def tls_error(error: OSError, where: str) -> TransportError:
    """The typed error for one that a TLS handshake with ``where`` met; nothing was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TlsError(
            f"the certificate of {where} could not be verified ({error.verify_message}); "
            "vocx never goes on unverified. A proxy that inspects traffic causes this: "
            "name its authority in REQUESTS_CA_BUNDLE"
        )
    if isinstance(error, TimeoutError):
        return ConnectFailed(f"no answer from {where} to the TLS handshake")
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return TlsError(f"no TLS with {where}: {error.reason or error}")
    return ConnectionLost(f"the connection to {where} ended during TLS: {error.strerror or error}")
