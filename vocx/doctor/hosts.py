"""One host, step by step: name, TCP at one address, TLS, then an HTTP call or an upgrade.

The steps are taken by hand on a plain socket, so that each failure has a step to blame.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterable
from contextlib import closing
from time import perf_counter
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from vocx import errors, venues
from vocx.facts import ServerTime
from vocx.rest.wire import resolve
from vocx.timing import wall_ns
from vocx.venues.base import ChannelSpec, GetTime, Request, Venue

REPLY_LIMIT = 1_000_000


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One URL of one venue. ``purpose`` beginning with ``"ws"`` is asked for an upgrade."""

    venue: str
    where: str
    purpose: str
    url: str

    @property
    def name(self) -> str:
        return f"{self.venue} {self.where}, {self.purpose} ({urlsplit(self.url).netloc})"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How far it went. ``steps`` are milliseconds by name, in order."""

    target: Target
    reached: bool
    detail: str
    steps: dict[str, float] = {}
    offset_ms: float | None = None

    @property
    def total_ms(self) -> float:
        return sum(self.steps.values())


class _Stopped(Exception):
    """A step failed; the text says which and what it means."""


def targets(names: Iterable[str]) -> list[Target]:
    """Every host of these venues once."""
    found: dict[str, Target] = {}
    for name in names:
        for where, hosts in venues.get(name).hosts.items():
            for purpose, url in hosts.urls.items():
                target = Target(venue=name, where=where, purpose=purpose, url=url)
                found.setdefault(urlsplit(url).netloc, target)
    return list(found.values())


class _Steps:
    """Time of each step, and what is left of the deadline."""

    def __init__(self, deadline_s: float) -> None:
        self.took: dict[str, float] = {}
        self._end = perf_counter() + deadline_s
        self._last = perf_counter()

    def done(self, name: str) -> None:
        now = perf_counter()
        self.took[name] = (now - self._last) * 1e3
        self._last = now

    @property
    def left_s(self) -> float:
        return max(self._end - perf_counter(), 0.05)


def probe(target: Target, deadline_s: float) -> Answer:
    """Ask one host; never raises for what a network can do."""
    steps = _Steps(deadline_s)
    venue = venues.get(target.venue)
    try:
        sock = _opened(target.url, steps)
        with closing(sock):
            if target.purpose.startswith("ws"):
                detail, offset_ms = _upgrade(venue, target, sock, steps), None
            else:
                detail, offset_ms = _ask(venue, target, sock, steps)
    except (_Stopped, errors.VocxError) as error:
        return Answer(target=target, reached=False, detail=str(error), steps=steps.took)
    except TimeoutError:
        detail = f"no answer within {deadline_s:g} s"
        return Answer(target=target, reached=False, detail=detail, steps=steps.took)
    except (OSError, http.client.HTTPException) as error:
        detail = f"the connection broke off: {error or type(error).__name__}"
        return Answer(target=target, reached=False, detail=detail, steps=steps.took)
    shown = ", ".join(f"{name} {ms:.0f}" for name, ms in steps.took.items())
    return Answer(
        target=target,
        reached=True,
        detail=f"{detail} ({shown} ms)",
        steps=steps.took,
        offset_ms=offset_ms,
    )


def _opened(url: str, steps: _Steps) -> socket.socket:
    """A connection to one address of the host, with TLS where the URL wants it."""
    parts = urlsplit(url)
    secure = parts.scheme in ("https", "wss")
    host, port = parts.hostname or "", parts.port or (443 if secure else 80)
    via = _proxy(host)
    sock = _connected(*(via or (host, port)), steps=steps, proxy=via is not None)
    try:
        if via is not None:
            _tunnel(sock, host, port)
            steps.done("proxy")
        return _secured(sock, host, steps) if secure else sock
    except BaseException:
        sock.close()
        raise


def _proxy(host: str) -> tuple[str, int] | None:
    """The proxy that the environment names for https to this host."""
    if host in ("localhost", "::1") or host.startswith("127.") or proxy_bypass(host):
        return None
    named = getproxies()
    url = named.get("https") or named.get("all")
    parts = urlsplit(url) if url else None
    return (parts.hostname, parts.port or 8080) if parts and parts.hostname else None


def _connected(host: str, port: int, *, steps: _Steps, proxy: bool) -> socket.socket:
    what = f"the proxy {host}" if proxy else host
    try:
        address = resolve(host, port, steps.left_s)[0]
    except OSError:
        name = "the proxy's name" if proxy else "the name"
        raise _Stopped(f"DNS: {name} was not resolved; is there a network?") from None
    steps.done("DNS")
    try:
        sock = socket.create_connection((address, port), steps.left_s)
    except TimeoutError:
        raise _Stopped(f"TCP: no answer from {what} on port {port}: blocked from here?") from None
    except OSError as error:
        raise _Stopped(f"TCP: {what} on port {port}: {error.strerror or error}") from None
    steps.done("TCP")
    return sock


def _tunnel(sock: socket.socket, host: str, port: int) -> None:
    sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    reply = http.client.HTTPResponse(sock, method="CONNECT")
    reply.begin()
    if reply.status != 200:
        raise _Stopped(f"proxy: it refused to lead to {host}: {reply.status} {reply.reason}")


def _secured(sock: socket.socket, host: str, steps: _Steps) -> socket.socket:
    context = ssl.create_default_context(
        cafile=os.environ.get("REQUESTS_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
    )
    sock.settimeout(steps.left_s)
    try:
        secure = context.wrap_socket(sock, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise _Stopped(
            f"TLS: the certificate is not trusted ({error.verify_message}): "
            "does something here inspect traffic?"
        ) from None
    except (ssl.SSLError, OSError) as error:
        raise _Stopped(f"TLS: the handshake failed: {error}") from None
    steps.done("TLS")
    return secure


def _exchange(
    sock: socket.socket, target: str, host: str, headers: dict[str, str], steps: _Steps
) -> http.client.HTTPResponse:
    lines = [f"GET {target} HTTP/1.1", f"Host: {host}", "User-Agent: vocx"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    sock.settimeout(steps.left_s)
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    reply = http.client.HTTPResponse(sock, method="GET")
    reply.begin()
    return reply


def _ask(
    venue: Venue, target: Target, sock: socket.socket, steps: _Steps
) -> tuple[str, float | None]:
    """The venue's time over REST: its status, and how far its clock is ahead."""
    parts = urlsplit(target.url)
    request: Request = venue.request(GetTime(), wall_ns())
    sent_ns = wall_ns()
    path = parts.path.rstrip("/") + request.target
    reply = _exchange(sock, path, parts.netloc, {"Connection": "close"}, steps)
    body = reply.read(REPLY_LIMIT)
    received_ns = wall_ns()
    steps.done("HTTP")
    fact = venue.reply(request, reply.status, dict(reply.getheaders()), body, received_ns)
    if not isinstance(fact, ServerTime) or fact.exchange_ns is None:
        return f"HTTP {reply.status}", None
    offset_ns = fact.exchange_ns - (sent_ns + received_ns) // 2
    return f"HTTP {reply.status}", offset_ns / 1e6


def _upgrade(venue: Venue, target: Target, sock: socket.socket, steps: _Steps) -> str:
    """A WebSocket handshake; the connection is dropped after it."""
    parts = urlsplit(target.url)
    path = parts.path
    for plan in venue.plan_sockets([ChannelSpec(channel="trades", symbol="BTC/USDT")]):
        path += plan.path if plan.purpose == target.purpose else ""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": b64encode(os.urandom(16)).decode(),
    }
    reply = _exchange(sock, path or "/", parts.netloc, headers, steps)
    steps.done("upgrade")
    if reply.status != 101:
        body = reply.read(REPLY_LIMIT)
        raise venue.refused_upgrade(reply.status, dict(reply.getheaders()), body)
    return "WebSocket upgrade"
