"""The latency dial against real packets: the same calls over both, side by side.

Two labs with the same seed, whose markets stand still. One is in a network namespace a real
distance away (``tun.py`` beside this file): there the kernel's own TCP pays for everything. The
other is on plain loopback with the dial turned as far. The labs are whole and unchanged: their
own process, URLs and certificate; only the first one's 127.0.0.1 is far from its client. Calls
alternate between the two, and the quickest of each are compared, as whatever else the machine does
can only add to them. While they do not agree they are repeated: a wrong dial never gets there.
"""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import tun
import websocket

import vocx.lab

pytestmark = pytest.mark.skipif(bool(tun.missing()), reason=tun.missing() or "nothing is missing")

TOLERANCE = 0.10
"""As a share of the time over real packets. Those are carried by programs, too (``tun.py``), which
other work makes late: on a machine that has more to do than it has cores it is as many times more.
"""
ROUNDS = {20: 3, 80: 2, 200: 1}
"""Distances (round trip, ms) and how often everything is measured there."""
PATIENCE = 4
"""So many times as often at most."""
REST_S = 1.0
TRADES = "/api/v3/trades?symbol=BTCUSDT&limit="
REPLIES = {
    "200 B": ("http", "/api/v3/time"),
    "20 KB": ("http", f"{TRADES}135"),
    "150 KB": ("http", f"{TRADES}1000"),
    "20 KB over TLS": ("https", f"{TRADES}135"),
}
SMALL, LARGE = 50, 700
"""Steps of the market in one burst: about 4 KB, and more than TCP's first window."""
SYMBOLS = ("btcusdt", "ethusdt", "solusdt", "ethbtc", "bnbusdt", "xrpusdt")
STREAMS = "/".join(f"{name}@{kind}" for name in SYMBOLS for kind in ("trade", "bookTicker"))

Times = dict[str, list[float]]
"""Milliseconds by what was timed."""


class Side:
    """A lab and two places: where it is opened, and where its client is.

    ``dial_ms`` is how far its latency dial is turned. The lab is opened afresh by :meth:`open`, so
    that its market, which stands still but for :meth:`listen`, begins at the same point.
    """

    def __init__(self, name: str, home: tun.Place, away: tun.Place, dial_ms: float) -> None:
        self._name, self._home, self._away, self._dial_ms = name, home, away, dial_ms
        self.times: Times = defaultdict(list)
        self.sizes: list[int] = []
        self._kept: dict[str, http.client.HTTPConnection] = {}

    def open(self) -> Future[None]:
        """Begin to open it; what it gives is done when the lab is there."""
        self.close()
        return self._home.start(self._open)

    def _open(self) -> None:
        self.lab = lab = vocx.lab.open(seed=7, pace=0, name=self._name)
        lab.limits(off=True)
        plain, secure = lab.urls["binance"], lab.tls_urls["binance"]
        self._urls = {"http": plain["rest"], "https": secure["rest"], "ws": plain["ws"]}
        self._trust = ssl.create_default_context(cafile=lab.certificate())
        lab.network.latency(rtt_ms=self._dial_ms)

    def close(self) -> None:
        for what in tuple(self._kept):
            self._kept.pop(what).close()
        if (lab := getattr(self, "lab", None)) is not None:
            self._home.run(lab.close)

    def call(self, what: str, how: str) -> None:
        """Time one call: on a ``new`` connection, which is kept, or on the ``kept`` one."""
        if how == "new":
            if what in self._kept:
                self._kept.pop(what).close()
            self._kept[what] = self._connection(REPLIES[what][0])
        took = self._away.run(took_ms, self._kept[what], REPLIES[what][1])
        self.times[f"{what}, {how}"].append(took)

    def _connection(self, scheme: str) -> http.client.HTTPConnection:
        where = urlsplit(self._urls[scheme]).netloc
        if scheme == "http":
            return http.client.HTTPConnection(where, timeout=10)
        return http.client.HTTPSConnection(where, timeout=10, context=self._trust)

    def listen(self, rtt_ms: float) -> None:
        """Time the handshake of a stream, and the age of the last byte of three bursts."""
        silence_s = 0.05 + 1.5 * rtt_ms / 1000
        begun_s = time.monotonic()
        url = f"{self._urls['ws']}/stream?streams={STREAMS}"
        with closing(self._away.run(websocket.create_connection, url, timeout=10)) as ws:
            self.times["stream, handshake"].append((time.monotonic() - begun_s) * 1000)
            for burst, steps in (("small", SMALL), ("large", LARGE), ("next large", LARGE)):
                heard = self._away.start(last_byte, ws.sock, silence_s)
                happened_s = self._home.run(self._happen, steps)
                last_s, size = heard.result()
                self.times[f"stream, {burst} burst"].append((last_s - happened_s) * 1000)
                self.sizes.append(size)

    def _happen(self, steps: int) -> float:
        """Let the market go on; when that was, by its truth log, on the clock shared by all."""
        mark = self.lab.truth.events(since=None).next
        self.lab.step(steps)
        return self.lab.truth.events(since=mark, limit=1)[0].mono_ns / 1e9


def took_ms(connection: http.client.HTTPConnection, target: str) -> float:
    begun_s = time.monotonic()
    connection.request("GET", target)
    reply = connection.getresponse()
    body = reply.read()
    took_s = time.monotonic() - begun_s
    assert reply.status == 200, body
    return took_s * 1000


def last_byte(sock: Any, silence_s: float) -> tuple[float, int]:
    """When the last byte came, before the line fell silent for so long, and how many came."""
    last_s, count = 0.0, 0
    sock.settimeout(5)
    try:
        while piece := sock.recv(1 << 20):
            last_s, count = time.monotonic(), count + len(piece)
            sock.settimeout(silence_s)
    except TimeoutError:
        return last_s, count
    raise AssertionError("the lab hung up")


Sides = tuple[Side, Side]


@pytest.fixture(scope="module")
def distance() -> Iterator[tun.Distance]:
    with closing(tun.Distance()) as made:
        yield made


@pytest.fixture
def sides(distance: tun.Distance, rtt_ms: int) -> Iterator[Sides]:
    """Over real packets, and over the dials; each reply was given once, before the distance."""
    with ExitStack() as undo:
        here, there = (undo.enter_context(closing(tun.Place())) for _ in range(2))
        packets = undo.enter_context(closing(Side("packets", distance.far, distance.near, 0)))
        dials = undo.enter_context(closing(Side("dials", here, there, rtt_ms)))
        distance.set_rtt(0)
        open_all((packets, dials))
        with dials.lab.network.latency(rtt_ms=0):
            call_all((packets, dials), ("new", "kept"))
        for side in (packets, dials):
            side.times.clear()
        distance.set_rtt(rtt_ms)
        yield packets, dials


def open_all(sides: Sequence[Side]) -> None:
    for opening in [side.open() for side in sides]:
        opening.result()


def call_all(sides: Sequence[Side], ways: tuple[str, ...]) -> None:
    """Each reply on each side in turn."""
    for what in REPLIES:
        for how in ways:
            for side in sides:
                side.call(what, how)


def quick(times: Sequence[float]) -> float:
    """The quickest, or of many the quickest quarter's slowest: noise adds, and luck is rare."""
    return sorted(times)[len(times) // 4]


def differences(sides: Sides, tolerance: float = TOLERANCE) -> list[str]:
    """What was timed, as lines; those that do not agree begin with a star."""
    packets, dials = (side.times for side in sides)
    lines = []
    for name, real in packets.items():
        real_ms, dial_ms = quick(real), quick(dials[name])
        off = dial_ms / real_ms - 1
        mark = "*" if abs(off) > tolerance else " "
        lines.append(f"{mark} {name:28} {real_ms:8.1f} ms {dial_ms:8.1f} ms {off:+7.1%}")
    return lines


def compare(sides: Sides, rtt_ms: int, measure: Callable[[], None]) -> None:
    """Measure as often as is right for the distance, and go on while something is off."""
    for count in range(1, PATIENCE * ROUNDS[rtt_ms] + 1):
        measure()
        lines = differences(sides)
        if count >= ROUNDS[rtt_ms] and not any(line.startswith("*") for line in lines):
            break
    table = "\n".join([f"{rtt_ms} ms, {count} rounds: real packets, dial", *lines])
    print(table)
    allowed = TOLERANCE * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert not any(line.startswith("*") for line in differences(sides, allowed)), table


@pytest.mark.parametrize("rtt_ms", ROUNDS)
def test_replies_take_as_long_as_over_real_packets(sides: Sides, rtt_ms: int) -> None:
    """Totals of small and large replies: on a new connection, a kept one, one that rested."""

    def measure() -> None:
        call_all(sides, ("new", "kept"))
        time.sleep(REST_S)
        call_all(sides, ("rested",))

    compare(sides, rtt_ms, measure)


@pytest.mark.parametrize("rtt_ms", ROUNDS)
def test_streams_are_as_old_as_over_real_packets(sides: Sides, rtt_ms: int) -> None:
    """The handshake of a stream, and the age of pushed messages in small and large bursts."""

    def measure() -> None:
        open_all(sides)
        for side in sides:
            side.listen(rtt_ms)
        assert sides[0].sizes == sides[1].sizes, "one market, so the same bursts"

    compare(sides, rtt_ms, measure)


KILLED = """
import os, sys, tun
made = tun.Distance()
print(made.router.pid, *(place.run(os.readlink, "/proc/thread-self/ns/net")
                         for place in (made.near, made.far)), flush=True)
sys.stdin.read()
"""


def namespaces() -> set[str]:
    """The network namespaces that some thread on this machine lives in."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/task/*/ns/net"):
        with suppress(OSError):
            found.add(os.readlink(link))
    return found


def test_nothing_stays_behind_when_killed() -> None:
    """No process, namespace or device outlives whoever made a distance, however it ends."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED],
        cwd=Path(tun.__file__).parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        router, *made = child.stdout.readline().split()
        assert set(made) <= namespaces()
        child.kill()
    deadline_s = time.monotonic() + 5
    while set(made) & namespaces() or Path(f"/proc/{router}/fd/0").exists():
        assert time.monotonic() < deadline_s, "a namespace or the router is still there"
        time.sleep(0.01)
