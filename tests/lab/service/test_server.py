"""The lab's servers over real loopback sockets, with a dialect of three lines."""

from __future__ import annotations

import asyncio
import gc
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
from vocx.lab.events import Event, Traded
from vocx.lab.service import http_server
from vocx.lab.service.http_server import INBOUND_LIMIT, refusal
from vocx.lab.service.server import CLOSE, TEXT, VenueServer, frame

NEVER_NS = 2**62


class Echo:
    """A session that does as it is told: text commands, everything else comes back."""

    delay_s = 0.0

    def __init__(self, dialect: Small) -> None:
        self.handle: Any = None
        self.next_tick_ns = NEVER_NS
        self.pongs: list[bytes] = []
        self._dialect = dialect

    def text(self, message: bytes, now_ns: int) -> Iterable[Out]:
        if message == b"fail":
            raise ZeroDivisionError("a fault\nof ours")
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

    def internal_error(self, now_ns: int) -> Iterable[Out]:
        return [b"sorry"]


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
        if request.target == "/fail":
            raise ZeroDivisionError("a fault of ours")
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

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        return HttpOut(status=500, headers={}, body=b'{"code":-1}')

    def publish(self, events: Iterable[Event], now_ns: int) -> Iterable[Publication]:
        yield Publication(b"before", list(self.sessions))
        raise ZeroDivisionError("a fault of ours")

    def tick(self, now_ns: int) -> Iterable[Publication]:
        return [Publication(b"cadence", list(self.sessions))]

    def command(self, name: str, arguments: Mapping[str, Any], now_ns: int) -> Any:
        return None


class Market:
    """A market loop that drives nothing."""

    simulation: Any = None
    error = None

    def __init__(self, lossless: bool) -> None:
        self.lossless = lossless

    def exchange_ns(self) -> int:
        return time.time_ns()

    def contact(self) -> None: ...

    def reschedule(self) -> None: ...

    def reschedule_deadlines(self) -> None: ...


class Served:
    """A server on a loop of its own, and the port it listens on."""

    def __init__(self, lossless: bool = False) -> None:
        self.dialect = Small()
        self.loop = asyncio.new_event_loop()
        self._lossless = lossless
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
        self.server = VenueServer("small", self.dialect, Market(self._lossless))
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

    def to_the_end(self, request: bytes) -> bytes:
        """All that comes until the server hangs up."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as sock:
            sock.sendall(request)
            return b"".join(iter(lambda: sock.recv(65536), b""))


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


def test_headers_reach_the_dialect_as_text(served: Served) -> None:
    """Bytes that are no UTF-8 are replaced: what a signature is made of can be encoded."""
    served.raw(HEAD + b"X-Key: k\xff\xc3\xa9y\r\n\r\n")
    assert served.dialect.given[0].headers["x-key"] == "k\ufffdéy"


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
        ({"host": "127.0.0.1:8080", "sec-fetch-site": "cross-site"}, False),
        ({"host": "127.0.0.1:8080", "sec-fetch-site": "same-site"}, False),
        ({"host": "127.0.0.1:8080", "sec-fetch-site": "same-origin"}, True),
        ({"host": "127.0.0.1:8080", "sec-fetch-site": "none"}, True),
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


# -- requests that are none --------------------------------------------------------------------

HEAD = b"POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\n"
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("half", [b"GET /x HTT", HEAD, HEAD + b"Content-Length: 9\r\n\r\nhalf"])
def test_a_half_sent_request_is_closed(
    served: Served, half: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stops in the middle of a request does not hold a connection for ever."""
    monkeypatch.setattr(http_server, "REQUEST_S", 0.2)
    said = served.to_the_end(half)
    assert said == b"" or b" 408 " in said.split(b"\r\n")[0]
    assert not served.dialect.given


def test_a_connection_that_never_says_anything_is_closed(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens thousands and sends nothing does not hold them for ever."""
    monkeypatch.setattr(http_server, "SILENT_S", 0.2)
    assert served.to_the_end(b"") == b""


def test_a_connection_may_rest_between_requests(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline is a request's, not a connection's."""
    monkeypatch.setattr(http_server, "REQUEST_S", 0.2)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    for target in ("/x", "/late", "/x"):
        connection.request("GET", target)
        assert connection.getresponse().read() == b"{}"
        time.sleep(0.3)  # what must not happen takes its time
    connection.close()


def test_too_large_a_body_is_refused_at_once(served: Served) -> None:
    """A declared length is believed: nobody waits for what will not be read."""
    said = served.raw(HEAD + b"Content-Length: %d\r\n\r\n" % (INBOUND_LIMIT + 1))
    assert b" 413 " in said.split(b"\r\n")[0] and not served.dialect.given


@pytest.mark.parametrize(
    "bad",
    [
        b"\x16\x03\x01 no HTTP\r\n\r\n",
        HEAD + b"Content-Length: x\r\n\r\n",
        UPGRADE.replace(b"Version: 13", b"Version: 13\r\nSec-WebSocket-Protocol: mqtt"),
    ],
)
def test_bad_requests_print_nothing(
    served: Served, bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A scanner that knocks at the port leaves no traceback in a notebook."""
    gc.collect()  # what earlier loops left says so when it is collected
    caplog.clear()
    assert b"HTTP/1." in served.raw(bad)
    assert not caplog.records


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"Version: 13", b"Version: 8", b"426"),
        (b"GET", b"POST", b"400"),
        (b"AA==", b"", b"400"),
        (b"AAAA==", "ÄÄ==".encode(), b"400"),
        (b"Key: A", b"Key: \xff", b"400"),
        (b"Upgrade: websocket", b"Upgrade: websocket\xfe", b"400"),
    ],
)
def test_a_bad_handshake_is_refused(served: Served, old: bytes, new: bytes, status: bytes) -> None:
    """RFC 6455, 4.2: version 13, GET, a key of 16 bytes; the dialect is not asked."""
    said = served.raw(UPGRADE.replace(old, new))
    assert said.split(b" ")[1] == status and not served.dialect.sessions
    assert status != b"426" or b"Sec-WebSocket-Version: 13" in said


def test_a_client_that_does_not_mask_is_cut(served: Served) -> None:
    """RFC 6455, 5.1: a server ends the connection at an unmasked frame."""
    with served.client() as ws:
        ws.sock.sendall(b"\x81\x05hello")
        assert ws.sock.recv(100) == b""


@pytest.mark.parametrize(("code", "answer"), [(1000, 1000), (1006, 1002), (4004, 4004)])
def test_close_codes_of_clients(served: Served, code: int, answer: int) -> None:
    """RFC 6455, 7.4.1: 1006 and its kin may not stand in a frame; the others are echoed."""
    with served.client() as ws:
        ws.sock.sendall(b"\x88\x82\0\0\0\0" + code.to_bytes(2))
        assert ws.recv_data()[1] == answer.to_bytes(2)


def test_a_close_without_a_code_is_answered_without_one(served: Served) -> None:
    """RFC 6455, 5.5.1: nobody said anything, so there is nothing wrong."""
    with served.client() as ws:
        ws.sock.sendall(b"\x88\x80\0\0\0\0")
        assert ws.recv_data(control_frame=True) == (8, b"")


def test_the_end_of_the_lab_is_a_close(served: Served) -> None:
    """Clients are told that the server goes away (1001), and may answer."""
    with served.client() as ws:
        eventually(lambda: bool(served.dialect.sessions))
        served.run(lambda: served.server.close(Close(1001, "bye")))
        assert ws.recv_data()[1] == b"\x03\xe9bye"


# -- a dialect that raises ---------------------------------------------------------------------


def test_a_request_that_fails_inside(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """The client gets the venue's own internal error, the log one line, the next one its turn."""
    assert served.raw(HEAD.replace(b"/x", b"/fail?key=secret") + b"\r\n")
    for _ in range(2):
        said = served.raw(HEAD.replace(b"/x", b"/fail") + b"\r\n")
        assert b" 500 " in said and said.endswith(b'{"code":-1}')
    assert [one.message.split(" (")[0] for one in caplog.records] == [
        "small failed at POST /fail: ZeroDivisionError: a fault of ours"
    ]
    assert served.server.counts["failures"] == 2
    assert b" 203 " in served.raw(HEAD + b"\r\n")


def test_a_session_that_fails_ends_alone(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """It is told what the venue says, and closed with 1011; the others go on."""
    with served.client() as bad, served.client() as good:
        bad.send("fail")
        assert bad.recv() == "sorry" and bad.recv_data()[1][:2] == b"\x03\xf3"
        good.send("hello")
        assert good.recv() == "hello"
    assert len(caplog.records) == 1 and "\n" not in caplog.records[0].message


def test_a_failing_publication_costs_nobody_a_turn(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    """What was said before it goes out, what is due comes, and nothing is raised."""
    with served.client() as ws:
        eventually(lambda: bool(served.dialect.sessions))
        served.dialect.next_tick_ns = 0
        served.run(lambda: served.server.deliver([event()], 1))
        assert [ws.recv(), ws.recv()] == ["before", "cadence"]
    assert len(caplog.records) == 1


def event() -> Event:
    return Traded("BTC/USDT", 1, 1, 1, 1, "buy", 1, 2)
