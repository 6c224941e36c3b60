"""The lab's servers over real loopback sockets, with a dialect of three lines."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
import websocket

from vocx.lab.dialects.base import Close, HttpIn, HttpOut, Out, Ping, Publication, Raw
from vocx.lab.events import Event
from vocx.lab.service.server import CLOSE, INBOUND_LIMIT, TEXT, VenueServer, frame, refusal

NEVER_NS = 2**62


class Echo:
    """A session that does as it is told: text commands, everything else comes back."""

    def __init__(self, dialect: Small) -> None:
        self.handle: Any = None
        self.next_tick_ns = NEVER_NS
        self.pongs: list[bytes] = []
        self._dialect = dialect

    def text(self, message: bytes, now_ns: int) -> Iterable[Out]:
        said: dict[bytes, Out] = {
            b"ping me": Ping(b"are you there"),
            b"go": Close(1001, "going away"),
            b"drop": Close(None),
            b"break": Raw(b"\x81\x05ab"),
        }
        return [said.get(message, message)]

    def ping(self, payload: bytes, now_ns: int) -> Iterable[Out]:
        return [b"pinged with " + payload]

    def pong(self, payload: bytes, now_ns: int) -> Iterable[Out]:
        return [b"ponged with " + payload]

    def tick(self, now_ns: int) -> Iterable[Out]:
        self.next_tick_ns = NEVER_NS
        return [b"tick"]

    def closed(self, now_ns: int) -> None:
        self._dialect.sessions.discard(self)


class Small:
    """A dialect that answers with what it was given."""

    name = "small"
    paths: Mapping[str, str] = {"rest": "", "ws": "/ws"}
    next_tick_ns = NEVER_NS

    def __init__(self) -> None:
        self.sessions: set[Echo] = set()
        self.given: list[HttpIn] = []

    def http(self, request: HttpIn, now_ns: int) -> HttpOut:
        self.given.append(request)
        late = {"/late": 50_000_000, "/never": None}.get(request.target, 0)
        headers = {"Content-Type": "application/json", "X-Small": "1"}
        return HttpOut(status=203, headers=headers, body=b"{}", delay_ns=late)

    def open(self, request: HttpIn, now_ns: int) -> Echo | HttpOut:
        if request.target == "/full":
            return HttpOut(status=429, headers={"Retry-After": "7"}, body=b"full")
        session = Echo(self)
        session.next_tick_ns = 0 if request.target == "/greet" else NEVER_NS
        self.sessions.add(session)
        return session

    def publish(self, events: Iterable[Event], now_ns: int) -> Iterable[Publication]:
        return []

    def tick(self, now_ns: int) -> Iterable[Publication]:
        return []

    def command(self, name: str, arguments: Mapping[str, Any], now_ns: int) -> Any:
        return None


class Served:
    """A server on a loop of its own, and the port it listens on."""

    def __init__(self, **options: Any) -> None:
        self.dialect = Small()
        self.loop = asyncio.new_event_loop()
        self._options = options
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.port = self.run(self._listen)

    def run(self, work: Callable[[], Any]) -> Any:
        """Do it on the loop's thread."""

        async def there() -> Any:
            made = work()
            return await made if asyncio.iscoroutine(made) else made

        return asyncio.run_coroutine_threadsafe(there(), self.loop).result(5)

    async def _listen(self) -> int:
        self.server = VenueServer(self.dialect, time.time_ns, **self._options)
        self._tcp = await self.loop.create_server(self.server.protocol, "127.0.0.1", 0)
        return int(self._tcp.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        self._tcp.close()
        await self.server.protocol.shutdown(0.1)

    def close(self) -> None:
        self.run(self._end)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    def publish(self, payload: Out, to: Collection[Echo]) -> None:
        def work() -> None:
            self.server.publish([Publication(payload, to)])

        self.run(work)

    def flush(self) -> None:
        self.run(self.server.flush)

    @contextmanager
    def client(self, path: str = "/ws", **options: Any) -> Iterator[websocket.WebSocket]:
        ws = websocket.create_connection(f"ws://127.0.0.1:{self.port}{path}", 5, **options)
        try:
            yield ws
        finally:
            ws.shutdown()

    def raw(self, request: bytes) -> bytes:
        """The reply's head to hand-written bytes."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as sock:
            sock.sendall(request)
            return sock.recv(65536)


@pytest.fixture
def served() -> Iterator[Served]:
    one = Served()
    yield one
    one.close()


def eventually(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a state, with a deadline."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_frame_lengths(size: int, head: bytes) -> None:
    """RFC 6455 section 5.2 has three forms of length; the boundaries are ours to keep."""
    assert frame(TEXT, b"x" * size) == head + b"x" * size


def test_raw_bytes_reach_the_dialect(served: Served) -> None:
    """Signatures cover bytes: neither the target nor the body is touched on its way."""
    target, body = "/api/v3/order?b=%7e%2F+x&&a=%zz&empty=", b"\x1f\x8b not really gzip \xff"
    head = f"POST {target} HTTP/1.1\r\nHost: localhost:1\r\nContent-Encoding: gzip\r\n"
    served.raw(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    given = served.dialect.given[0]
    assert (given.target, given.body, given.headers["host"]) == (target, body, "localhost:1")


def test_answers_are_the_dialects_own(served: Served) -> None:
    """Status, headers and body come from the dialect, over a connection that is kept."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    for _ in range(2):
        connection.request("GET", "/api/v3/ping")
        reply = connection.getresponse()
        assert (reply.status, reply.read(), reply.headers["X-Small"]) == (203, b"{}", "1")
        assert connection.sock is not None
    connection.close()


def test_late_and_lost_answers(served: Served) -> None:
    """A delayed answer comes late; a lost one never, with the connection left open."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=0.3)
    start = time.monotonic()
    connection.request("GET", "/late")
    connection.getresponse().read()
    assert time.monotonic() - start >= 0.05
    connection.request("GET", "/never")
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()


@pytest.mark.parametrize(
    ("headers", "fine"),
    [
        ({"host": "127.0.0.1:8080"}, True),
        ({"host": "localhost"}, True),
        ({"host": "[::1]:8080"}, True),
        ({"host": "LOCALHOST:80", "origin": "http://localhost:80"}, True),
        ({}, False),
        ({"host": "evil.example:8080"}, False),
        ({"host": "127.0.0.1.evil.example"}, False),
        ({"host": "127.0.0.1:x@evil.example"}, False),
        ({"host": "127.0.0.1:8080", "origin": "http://127.0.0.1:8888"}, False),
        ({"host": "127.0.0.1:8080", "origin": "https://evil.example"}, False),
        ({"host": "127.0.0.1:8080", "origin": "null"}, False),
    ],
)
def test_only_this_machines_programs(headers: dict[str, str], fine: bool) -> None:
    """A rebound name and a page of another origin are refused; a client's own origin is not."""
    assert (refusal(headers) is None) is fine


def test_a_web_page_gets_403_everywhere(served: Served) -> None:
    """REST and WebSocket refuse a foreign origin before the dialect sees anything."""
    request = b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n\r\n"
    assert b" 403 " in served.raw(request).split(b"\r\n")[0]
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(f"ws://127.0.0.1:{served.port}/ws", origin="http://evil")
    assert not served.dialect.given and not served.dialect.sessions


def test_session_says_what_is_sent(served: Served) -> None:
    """Text goes to the session and its outs come back, in order, as frames."""
    with served.client() as ws:
        ws.send("hello")
        assert ws.recv() == "hello"
        ws.ping("p1")
        assert ws.recv_data_frame(True)[1].data == b"p1"
        assert ws.recv() == "pinged with p1"
        ws.send("ping me")
        assert ws.recv() == "ponged with are you there"


def test_what_waits_for_the_handshake_comes_first(served: Served) -> None:
    """A session that is due at once is ticked right after the handshake."""
    with served.client("/greet") as ws:
        assert ws.recv() == "tick"


def test_refused_upgrade(served: Served) -> None:
    """A dialect refuses an upgrade with an HTTP answer of its own."""
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        served.client("/full").__enter__()
    assert caught.value.status_code == 429
    assert caught.value.resp_headers["retry-after"] == "7"


def test_close_is_a_handshake(served: Served) -> None:
    """The server's close carries code and reason, and the session ends."""
    with served.client() as ws:
        ws.send("go")
        opcode, data = ws.recv_data()
        assert (opcode, data) == (CLOSE & 0x0F, b"\x03\xe9going away")
    eventually(lambda: not served.dialect.sessions)


def test_dropped_without_a_word(served: Served) -> None:
    """A drop is an end of file without a close frame."""
    with served.client() as ws:
        ws.send("drop")
        with pytest.raises(websocket.WebSocketConnectionClosedException):
            ws.recv()
    eventually(lambda: not served.dialect.sessions)


def test_a_broken_frame_on_purpose(served: Served) -> None:
    """Raw bytes go out as they are."""
    with served.client() as ws:
        ws.send("break")
        assert ws.sock.recv(4) == b"\x81\x05ab"


def test_the_client_may_say_goodbye(served: Served) -> None:
    """A client's close is echoed and its session ends."""
    with served.client() as ws:
        ws.send_close(1000, b"done")
        assert ws.recv_data()[1][:2] == b"\x03\xe8"
    eventually(lambda: not served.dialect.sessions)


def test_an_endless_message_is_refused(served: Served) -> None:
    """What a client sends is bounded: 1009 instead of memory."""
    with served.client() as ws:
        ws.sock.sendall(b"\x81\xff" + (INBOUND_LIMIT + 1).to_bytes(8, "big") + bytes(4))
        assert ws.recv_frame().data[:2] == b"\x03\xf1"


def test_one_turn_is_one_write(served: Served) -> None:
    """Messages of one turn reach each client in order, from one shared frame."""
    with served.client() as one, served.client() as two:
        eventually(lambda: len(served.dialect.sessions) == 2)
        for payload in (b"first", b"second"):
            served.publish(payload, set(served.dialect.sessions))
        pending = served.run(lambda: [list(c.pending) for c in served.server.connections])
        assert pending[0][0] is pending[1][0]
        served.flush()
        assert [ws.recv() for ws in (one, two, one, two)] == ["first"] * 2 + ["second"] * 2


def test_a_published_close_cuts_everyone(served: Served) -> None:
    """A publication may be a close."""
    with served.client() as ws:
        eventually(lambda: bool(served.dialect.sessions))
        served.publish(Close(1012, "restart"), set(served.dialect.sessions))
        assert ws.recv_data()[1] == b"\x03\xf4restart"


def stuff(served: Served, megabytes: int) -> None:
    """Publish to clients that do not read."""
    for _ in range(megabytes):
        served.publish(b"x" * 2**20, set(served.dialect.sessions))
        served.flush()


def test_a_slow_consumer_is_cut(served: Served) -> None:
    """Who stops reading is cut, counted, before it costs the lab much memory."""
    with served.client():
        eventually(lambda: bool(served.dialect.sessions))
        stuff(served, 64)
        assert served.server.counts["cut: slow consumer"] == 1
        eventually(lambda: not served.dialect.sessions)


def test_a_lossless_server_waits_instead() -> None:
    """A replay at full speed cuts nobody: it says how much waits for the slowest."""
    served = Served(lossless=True)
    try:
        with served.client(skip_utf8_validation=True) as ws:
            eventually(lambda: bool(served.dialect.sessions))
            stuff(served, 64)
            assert served.run(served.server.waiting) > 32 * 2**20
            assert sum(len(ws.recv_data()[1]) for _ in range(64)) == 64 * 2**20
    finally:
        served.close()
