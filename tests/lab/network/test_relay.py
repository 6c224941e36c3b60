"""The network dials: TCP's pace in virtual time, and the link over real sockets."""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import requests
import trustme
import websocket
from aiohttp import web

from vocx.errors import BadInput, UnknownVenue
from vocx.lab.network.connection_log import ConnectionLog
from vocx.lab.network.dials import Dials, describe
from vocx.lab.network.event_loop import new_event_loop
from vocx.lab.network.path import LinkSettings, Path
from vocx.lab.network.relay import listen


def a_path(**settings: Any) -> Path:
    path = Path(lambda: 1.0)
    path.apply(LinkSettings(**settings), settings.get("delay_s", 0.0))
    return path


def drain(path: Path) -> list[tuple[float, bytes]]:
    """Everything that arrives, with its time."""
    seen: list[tuple[float, bytes]] = []
    while (due := path.next_s()) is not None:
        arrived, ended = path.pop(due)
        seen += [(due, b"".join(arrived))] if arrived else []
        seen += [(due, b"")] if ended else []
    return seen


def drain_after(path: Path, data: bytes) -> list[tuple[float, bytes]]:
    path.push(data, 0.0)
    return drain(path)


def call_ms(rtt_s: float, size: int, up: Path, down: Path, now_s: float, *, new: bool) -> float:
    """Milliseconds of one request and its reply."""
    up.push(b"q" * 300, now_s, rtt_s if new else 0.0)
    down.push(b"r" * size, drain(up)[-1][0])
    return (drain(down)[-1][0] - now_s) * 1000


@pytest.mark.parametrize(("size", "reference_ms"), [(200, 162), (20_000, 245), (150_000, 455)])
def test_new_connection_costs_what_real_packets_cost(size: int, reference_ms: int) -> None:
    """Within 10 % of the kernel's own TCP over 40 ms each way (measured through TUN devices)."""
    total = call_ms(0.08, size, a_path(delay_s=0.04), a_path(delay_s=0.04), 0.0, new=True)
    assert total == pytest.approx(reference_ms, rel=0.1)


def test_kept_connection_costs_what_real_packets_cost() -> None:
    """20 KB once more on the same connection after a second's rest: 110 ms on real packets."""
    up, down = a_path(delay_s=0.04), a_path(delay_s=0.04)
    call_ms(0.08, 20_000, up, down, 0.0, new=True)
    assert call_ms(0.08, 20_000, up, down, 1.3, new=False) == pytest.approx(110, rel=0.1)


def test_large_replies_on_one_connection_cost_what_real_packets_cost() -> None:
    """150 KB six times over 40 ms each way: the sender learns its rate as Linux does."""
    up, down = a_path(delay_s=0.04), a_path(delay_s=0.04)
    totals = [call_ms(0.08, 148_200, up, down, now, new=not now) for now in range(6)]
    assert totals == pytest.approx([457, 137, 128, 126, 126, 126], rel=0.05)


def test_only_the_first_ten_segments_leave_at_once() -> None:
    """The next ones follow their acknowledgements, spaced, the first spacing halved by the wait."""
    seen = drain_after(a_path(delay_s=0.04), bytes(16 * 1448))
    bursts = [(round(at, 4), len(piece) // 1448) for at, piece in seen]
    spacing_s = 2 / (0.99 * 2.885) / 10 * 0.08
    expected = [(0.04, 10), (0.12, 2), (0.12 + spacing_s / 2, 2), (0.12 + 1.5 * spacing_s, 2)]
    assert bursts == [(round(at, 4), segments) for at, segments in expected]


def test_a_small_segment_takes_a_whole_place_in_the_window() -> None:
    """Of eleven short messages in one round trip the last waits for an acknowledgement."""
    path = a_path(delay_s=0.04)
    for number in range(11):
        path.push(b"%x" % number, number / 1000)
        path.pop(number / 1000)
    assert drain(path)[-1] == (pytest.approx(0.12), b"a")


def test_order_is_kept_when_the_delay_shrinks() -> None:
    """Bytes never overtake each other, whatever is turned while they fly."""
    path = a_path(delay_s=1.0)
    path.push(b"first", 0.0)
    path.pop(0.0)
    path.apply(LinkSettings(), 0.0)
    path.push(b"second", 0.1)
    assert drain(path) == [(1.0, b"firstsecond")]


def test_jitter_keeps_order_and_bounds() -> None:
    """Each delay varies by at most the jitter; a late byte holds back the ones behind it."""
    swings = iter([1.0, -1.0, 0.0])
    path = Path(lambda: next(swings))
    path.apply(LinkSettings(delay_s=0.04, jitter_s=0.01), 0.04)
    path.push(b"late", 0.0)
    path.pop(0.0)
    path.push(b"held", 0.001)
    path.pop(0.001)
    path.push(b"even", 0.06)
    assert [(round(at, 3), piece) for at, piece in drain(path)] == [
        (0.05, b"lateheld"),
        (0.1, b"even"),
    ]


def test_nothing_is_lost_between_push_and_pop() -> None:
    """What arrived while more is pushed is still delivered, in order."""
    path = a_path(delay_s=0.01)
    path.push(b"a", 0.0)
    path.pop(0.0)
    path.push(b"b", 5.0)
    assert b"".join(piece for _, piece in drain(path)) == b"ab"


def test_bandwidth_is_the_time_on_the_line() -> None:
    """100 KiB at 100 KiB/s take one second."""
    path = a_path(rate=100 * 1024)
    path.push(bytes(100 * 1024), 0.0)
    assert drain(path)[-1][0] == pytest.approx(1.0)


def test_slicer_cuts_and_spaces() -> None:
    """Pieces of at most the size, the delay between them."""
    path = a_path(slice_bytes=2, slice_s=0.01)
    path.push(b"abcde", 0.0)
    assert [(round(at, 3), piece) for at, piece in drain(path)] == [
        (0.0, b"ab"),
        (0.01, b"cd"),
        (0.02, b"e"),
    ]


def test_slices_take_no_more_of_the_window() -> None:
    """Cut small, 10 KB still come in the first window, not as a thousand segments would."""
    seen = drain_after(a_path(delay_s=0.04, slice_bytes=10), bytes(10_000))
    assert (round(seen[-1][0], 3), len(seen[-1][1])) == (0.04, 10_000)


def test_slow_close_holds_back_only_the_end() -> None:
    """Data is in time, the end of the stream is late."""
    path = a_path(delay_s=0.01, close_s=0.5)
    path.push(b"last words", 0.0)
    path.end(0.0)
    assert drain(path) == [(0.01, b"last words"), (pytest.approx(0.51), b"")]


def test_a_blocked_receiver_closes_the_window() -> None:
    """Who does not read gets no more than a window sent; the rest waits at the sender."""
    path = a_path(delay_s=0.01)
    path.blocked = True
    path.push(bytes(1_000_000), 0.0)
    path.pop(60.0)
    assert path.unsent >= 1_000_000 - 10 * 1448 and path.next_s() is None
    path.blocked = False
    assert sum(len(piece) for _, piece in drain(path)) == 1_000_000


def test_lost_bytes_silence_the_stream_for_good() -> None:
    """A byte stream with a hole in it never goes on, also when the dial is turned back."""
    path = a_path(blackhole=True)
    path.push(b"lost", 0.0)
    path.apply(LinkSettings(), 0.0)
    path.push(b"too late", 1.0)
    assert path.next_s() is None


# ---- the state of the dials


def test_a_later_dial_overrides_and_restore_puts_back() -> None:
    """The last setting that fits wins; what ``set`` answers puts the old state back."""
    dials = Dials(["binance", "okx"])
    dials.command("set", {"dial": "latency", "values": {"rtt_ms": 80}})
    reply = dials.command(
        "network.set", {"dial": "latency", "venue": "okx", "values": {"rtt_ms": 200}}
    )
    delays_s = [dials.link_settings(venue, "up").delay_s for venue in ("okx", "binance")]
    assert delays_s == [0.1, 0.04]
    dials.command("restore", {"dial": "latency", "settings": reply["before"]})
    assert describe(dials.state) == "latency 80 ms round trip on all venues"


@pytest.mark.parametrize("bad", [-1, float("nan"), float("inf"), "80", None, True])
def test_bad_numbers_are_refused(bad: Any) -> None:
    """Negative, not finite, or not a number at all."""
    with pytest.raises(BadInput, match="rtt_ms"):
        Dials().command("set", {"dial": "latency", "values": {"rtt_ms": bad}})


def test_bad_names_are_refused_with_what_exists() -> None:
    """Unknown dial, value, venue, direction and order say what there is."""
    dials = Dials(["binance"])
    for arguments, text in [
        ({"dial": "lag"}, "latency"),
        ({"dial": "latency", "values": {"rtt": 1}}, "rtt_ms"),
        ({"dial": "timeout", "direction": "left"}, "up"),
        ({"dial": "bandwidth", "values": {"kib_per_s": 0}}, "timeout"),
        ({"dial": "timeout", "speed": 1}, "speed"),
    ]:
        with pytest.raises(BadInput, match=text):
            dials.command("set", arguments)
    with pytest.raises(UnknownVenue, match="binance"):
        dials.command("set", {"dial": "timeout", "venue": "kraken"})
    with pytest.raises(BadInput, match="restore"):
        dials.command("spin", {})


# ---- the link over real sockets


def test_timers_are_punctual() -> None:
    """A timer is not rounded up to the next whole millisecond, as epoll would."""

    async def late_s() -> float:
        loop = asyncio.get_running_loop()
        fired: asyncio.Future[float] = loop.create_future()
        due_s = loop.time() + 0.0101
        loop.call_at(due_s, lambda: fired.set_result(loop.time() - due_s))
        return await fired

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert 0 <= min(runner.run(late_s()) for _ in range(20)) < 0.0006


class Site:
    """A plain aiohttp server in a thread, reached through the link, plain and over TLS."""

    def __init__(self) -> None:
        self.dials = Dials()
        self.lost = threading.Event()
        authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self.pem = authority.cert_pem.bytes().decode()
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._up.wait(5)

    async def _run(self) -> None:
        self.loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_get("/bytes/{size}", self._bytes)
        app.router.add_get("/ws", self._ws)
        runner = web.AppRunner(app)
        await runner.setup()
        assert runner.server is not None
        connections = ConnectionLog()
        servers = [
            await listen(
                runner.server,
                self.dials,
                host="127.0.0.1",
                port=0,
                venue="x",
                ssl_context=context,
                connection_log=connections,
            )
            for context in (None, self._context)
        ]
        self.plain, self.secure = (server.sockets[0].getsockname()[1] for server in servers)
        self._up.set()
        await self._stop.wait()
        for server in servers:
            server.close()
        await runner.cleanup()
        async with asyncio.timeout(5):  # a loop that ends before its connections leaves them open
            while not all(one.closed for one in connections.rows()):
                await asyncio.sleep(0.01)

    async def _bytes(self, request: web.Request) -> web.Response:
        return web.Response(body=bytes(int(request.match_info["size"])))

    async def _ws(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            if message.data == "flood":
                for _ in range(200):
                    await ws.send_bytes(random.randbytes(50_000))
            else:
                await ws.send_str(message.data)
        self.lost.set()
        return ws

    def turn(self, dial: str, **more: Any) -> None:
        self.order("set", {"dial": dial, **more})

    def order(self, name: str, arguments: Any) -> None:
        async def run() -> None:
            self.dials.command(name, arguments)

        asyncio.run_coroutine_threadsafe(run(), self.loop).result(5)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.fixture(scope="module")
def whole_site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    yield whole_site
    whole_site.order("clear", {})


def took_ms(action: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


@pytest.fixture
def session(whole_site: Site, tmp_path: Any) -> Iterator[requests.Session]:
    (tmp_path / "ca.pem").write_text(whole_site.pem)
    with requests.Session() as made:
        made.trust_env, made.verify = False, str(tmp_path / "ca.pem")
        yield made


def shortest_ms(session: requests.Session, url: str, *, kept: bool) -> float:
    """The shortest of three calls, on the kept connection or each on its own: another program's
    load only adds to one."""
    took = []
    for _ in range(3):
        if not kept:
            session.close()
        took.append(took_ms(lambda: session.get(url)))
    return min(took)


def test_requests_pay_two_round_trips_then_one(site: Site, session: requests.Session) -> None:
    """A new connection costs its handshake and the call, a kept one only the call."""
    site.turn("latency", values={"rtt_ms": 60})
    url = f"http://127.0.0.1:{site.plain}/bytes/200"
    assert 120 <= shortest_ms(session, url, kept=False) < 180
    assert 60 <= shortest_ms(session, url, kept=True) < 120


def test_tls_pays_its_own_round_trip(site: Site, session: requests.Session) -> None:
    """TLS 1.3 sits above the link: one round trip more."""
    site.turn("latency", values={"rtt_ms": 60})
    url = f"https://127.0.0.1:{site.secure}/bytes/200"
    assert 180 <= shortest_ms(session, url, kept=False) < 300


@pytest.mark.parametrize("secure", [False, True])
def test_websocket_client_over_the_link(site: Site, secure: bool) -> None:
    """Turning the dial reaches a socket that is already open, and turning back as well."""
    where = f"wss://127.0.0.1:{site.secure}" if secure else f"ws://127.0.0.1:{site.plain}"
    context = ssl.create_default_context(cadata=site.pem)
    with closing(
        websocket.create_connection(f"{where}/ws", timeout=5, sslopt={"context": context})
    ) as ws:

        def echo() -> None:
            ws.send("hello")
            assert ws.recv() == "hello"

        def best_ms() -> float:
            return min(took_ms(echo) for _ in range(3))

        assert best_ms() < 55
        site.turn("latency", values={"rtt_ms": 60})
        assert 60 <= best_ms() < 120
        site.order("clear", {})
        assert best_ms() < 55


@pytest.mark.parametrize("secure", [False, True])
def test_websockets_over_the_link(site: Site, secure: bool) -> None:
    """10 MB through a distance arrive complete; the sender is held back, not the memory."""
    site.turn("latency", values={"rtt_ms": 4})
    where = f"wss://127.0.0.1:{site.secure}" if secure else f"ws://127.0.0.1:{site.plain}"
    options = {"context": ssl.create_default_context(cadata=site.pem)} if secure else {}
    # A client of one thread: before Python 3.13 two may not use one TLS connection at a time.
    with closing(websocket.create_connection(f"{where}/ws", timeout=10, sslopt=options)) as ws:
        ws.send("flood")
        assert sum(len(ws.recv()) for _ in range(200)) == 10_000_000
        ws.send("after")
        assert ws.recv() == "after"


def test_a_slow_reader_survives_turns_of_the_dial(site: Site) -> None:
    """Whoever reads late gets everything in order, whatever was turned meanwhile."""
    with socket.create_connection(("127.0.0.1", site.plain), 10) as slow:
        site.turn("latency", values={"rtt_ms": 10})
        slow.sendall(b"GET /bytes/20000000 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        seen = len(slow.recv(1))
        site.order("clear", {})
        seen += len(slow.recv(65536))
        site.turn("bandwidth", values={"kib_per_s": 500_000})
        while piece := slow.recv(1 << 20):
            seen += len(piece)
    assert 20_000_000 < seen < 20_001_000


def test_close_travels(site: Site) -> None:
    """The end of a connection reaches the server after the data before it."""
    site.turn("latency", values={"rtt_ms": 30})
    site.lost.clear()
    ws = websocket.create_connection(f"ws://127.0.0.1:{site.plain}/ws", timeout=5)
    ws.close()
    assert site.lost.wait(5)


def test_black_hole_is_silent_and_stays_so_for_those_it_hit(site: Site) -> None:
    """TCP stays up, nothing arrives; a new connection works when the dial is back."""
    ws = websocket.create_connection(f"ws://127.0.0.1:{site.plain}/ws", timeout=0.2)
    site.turn("timeout")
    ws.send("lost")
    with pytest.raises(websocket.WebSocketTimeoutException):
        ws.recv()
    site.order("clear", {})
    ws.send("never heard")
    with pytest.raises(websocket.WebSocketTimeoutException):
        ws.recv()
    ws.shutdown()
    again = websocket.create_connection(f"ws://127.0.0.1:{site.plain}/ws", timeout=5)
    again.send("hello")
    assert again.recv() == "hello"
    again.close()


def test_reset_peer_sends_a_real_reset(site: Site) -> None:
    """Open and new connections get RST, seen as ECONNRESET and not as an orderly end."""
    with socket.create_connection(("127.0.0.1", site.plain), 5) as open_one:
        open_one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        site.turn("reset_peer")
        with pytest.raises(ConnectionResetError):
            open_one.recv(1)
    with (
        pytest.raises(ConnectionError),
        socket.create_connection(("127.0.0.1", site.plain), 5) as new_one,
    ):
        new_one.sendall(b"GET ")
        if not new_one.recv(1):
            raise AssertionError("an orderly end, not a reset")


def test_a_client_that_resets_is_forgotten(site: Site) -> None:
    """A client's RST under a turned dial ends the server's handler."""
    site.turn("latency", values={"rtt_ms": 20})
    site.lost.clear()
    ws = websocket.create_connection(f"ws://127.0.0.1:{site.plain}/ws", timeout=5)
    ws.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ws.shutdown()
    assert site.lost.wait(5)
