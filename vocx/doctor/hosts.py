"""One host, step by step: name, TCP, TLS, then an HTTP call or an upgrade.

:mod:`vocx.net` opens the connection as it does for REST and streams, through the same proxy and
with the same authorities; the HTTP is done by hand here, so that each failure has a step to blame.
"""

from __future__ import annotations

import http.client
import os
import socket
from base64 import b64encode
from collections.abc import Iterable
from contextlib import closing
from time import perf_counter
from urllib.parse import urlsplit

import msgspec

from vocx import errors, net, venues
from vocx.facts import ServerTime
from vocx.timing import wall_ns
from vocx.venues.base import ChannelSpec, GetTime, Request, Venue

REPLY_LIMIT = 1_000_000


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One URL of one venue; a ``ws`` or ``wss`` one is asked for an upgrade."""

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
        for where, endpoints in venues.get(name).environments.items():
            for purpose, url in endpoints.urls.items():
                target = Target(venue=name, where=where, purpose=purpose, url=url)
                found.setdefault(urlsplit(url).netloc, target)
    return list(found.values())


class _Steps:
    """Time of each step, and what is left of the deadline."""

    def __init__(self, deadline_s: float) -> None:
        self.took: dict[str, float] = {}
        self._end = perf_counter() + deadline_s
        self._last = perf_counter()

    def done(self, name: str, ms: float | None = None) -> None:
        """This step ended now; it took ``ms``, or all that passed since the last one."""
        now = perf_counter()
        self.took[name] = (now - self._last) * 1e3 if ms is None else ms
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
            if urlsplit(target.url).scheme in ("ws", "wss"):
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
    """A connection to the host, with TLS where the URL wants it."""
    try:
        tcp = net.open_tcp(url, dns_s=steps.left_s, connect_s=steps.left_s)
        steps.done("DNS", tcp.dns_ms or 0.0)
        steps.done("TCP", tcp.connect_ms)
        if tcp.proxy_ms is not None:
            steps.done("proxy", tcp.proxy_ms)
        if not tcp.secure:
            return tcp.sock
        secure = net.open_tls(tcp, timeout_s=steps.left_s)
        steps.done("TLS")
        return secure
    except errors.TransportError as error:
        step = "DNS" if isinstance(error, errors.DnsError) else "TCP"
        if "TCP" in steps.took:
            step = "TLS"
        elif net.proxy_for(url) is not None:
            step = "proxy"
        raise _Stopped(f"{step}: {error}") from None


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
    request: Request = venue.request(GetTime())
    sent_ns = wall_ns()
    path = parts.path.rstrip("/") + request.target
    reply = _exchange(sock, path, parts.netloc, {"Connection": "close"}, steps)
    body = reply.read(REPLY_LIMIT)
    received_ns = wall_ns()
    steps.done("HTTP")
    answer = venue.reply(request, reply.status, dict(reply.getheaders()), body, received_ns)
    fact = answer.result
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
