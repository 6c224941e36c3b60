"""The control port's two ends: commands whose answer was lost, and connections after a fork."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import msgspec
import pytest

from vocx import errors
from vocx.lab import Lab
from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.service.config import TOKEN_HEADER, Address
from vocx.lab.service.control import REMEMBERED, Control
from vocx.lab.service.control_client import ControlClient
from vocx.lab.service.venue_commands import VenueCommands


class Counting:
    """A control port whose commands count how often they are carried out."""

    def __init__(self) -> None:
        self.counts = {"step": 0, "status": 0, "fail": 0}
        commands = {"step": self.step, "status": self.status, "fail": self.fail}
        venues = VenueCommands({}, None)  # type: ignore[arg-type]
        self.control = Control("word", commands, venues, lambda: None)

    def step(self) -> int:
        self.counts["step"] += 1
        return self.counts["step"]

    def status(self) -> int:
        self.counts["status"] += 1
        return self.counts["status"]

    def fail(self) -> None:
        self.counts["fail"] += 1
        raise errors.BadInput("no")

    def ask(self, body: Any, token: str = "word") -> HttpOut:
        headers = {TOKEN_HEADER.lower(): token}
        request = HttpIn(method="POST", target="/", headers=headers, body=msgspec.json.encode(body))
        return asyncio.run(self.control.answer(request, "connection"))


def test_a_command_is_carried_out_once() -> None:
    """The same id gives the same answer, refusals included; what only reads is read again."""
    port = Counting()
    for op in ("step", "fail", "status", "step"):
        first, again = (port.ask({"op": op, "id": f"id of {op}"}) for _ in range(2))
        assert (first.status, first.body) == (again.status, again.body) or op == "status"
    assert port.counts == {"step": 1, "fail": 1, "status": 2}
    assert port.ask({"op": "step", "id": "another"}).body == b"2"


def test_the_memory_is_bounded() -> None:
    """As many answers as somebody may have lost, not more."""
    port = Counting()
    for number in range(REMEMBERED + 1):
        port.ask({"op": "step", "id": str(number)})
    port.ask({"op": "step", "id": "1"})
    assert port.counts["step"] == REMEMBERED + 1
    port.ask({"op": "step", "id": "0"})
    assert port.counts["step"] == REMEMBERED + 2


@pytest.mark.parametrize("body", [[], {"arguments": {}}, {"op": 7}, {"op": "step", "arguments": 1}])
def test_what_is_no_command(body: Any) -> None:
    """Refused with the form that one has."""
    answer = Counting().ask(body)
    assert answer.status == 400 and b'\\"op\\"' in answer.body


@pytest.mark.parametrize("text", [b"[" * 100_000, b"9" * 5000, rb'"\ud800"', b'"\xff"', b""])
def test_a_command_that_no_reader_can_take(text: bytes) -> None:
    """Nested without end, or no text at all: refused like any other, not an error of the server."""
    port = Counting()
    headers = {TOKEN_HEADER.lower(): "word"}
    body = b'{"op":"step","arguments":{"count":' + text + b"}}"
    request = HttpIn(method="POST", target="/", headers=headers, body=body)
    answer = asyncio.run(port.control.answer(request, "connection"))
    assert answer.status == 400 and b"BadInput" in answer.body and not port.counts["step"]


def test_a_wrong_word_opens_nothing() -> None:
    """Without the token nothing is even read."""
    port = Counting()
    for guess in ("guess", "", "wörd", "\ufffd", "word "):
        assert port.ask({"op": "step"}, token=guess).status == 401
    assert port.counts["step"] == 0


class Losing:
    """A server that reads requests and hangs up instead of answering each second one."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        for answered in (True, False):
            connection, _ = self._listener.accept()
            with closing(connection):
                self._read(connection)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
                if answered:
                    self._read(connection)  # and nothing comes back

    def _read(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            length = 0
            while (line := lines.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            self.bodies.append(lines.read(length))

    def close(self) -> None:
        self._thread.join(5)
        self._listener.close()


@pytest.fixture
def losing() -> Iterator[Losing]:
    one = Losing()
    yield one
    one.close()


def test_a_lost_answer_is_asked_for_by_the_same_id(losing: Losing) -> None:
    """The client cannot know whether the lab has carried it out; the lab can."""
    client = ControlClient(Address(url=losing.url, token="word"))
    assert client.call("status", {}) == 1
    assert client.call("step", {"count": 3}) == 1
    client.close()
    other, lost, again = (msgspec.json.decode(body) for body in losing.bodies)
    assert lost == again and lost["arguments"] == {"count": 3}
    assert other["id"] != lost["id"]


def in_a_fork(work: Any) -> int:
    """The exit code of a child that does it: 0 if it says yes, -14 if it hangs."""
    pid = os.fork()
    if pid == 0:
        code = 2
        signal.alarm(5)
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_opens_its_own_connection(lab: Lab) -> None:
    """Two processes that wrote on one connection would read each other's answers."""
    assert lab.status()
    (parent,) = lab._client._kept.values()  # type: ignore[union-attr]
    port = parent.connection.sock.getsockname()[1]  # type: ignore[union-attr]

    def another() -> bool:
        fine = lab.status()["pid"] == lab.pid
        mine = lab._client._kept[os.getpid()]  # type: ignore[union-attr]
        return fine and mine.connection.sock.getsockname()[1] != port  # type: ignore[union-attr]

    assert in_a_fork(another) == 0
    assert lab.status() and parent.connection.sock.getsockname()[1] == port  # type: ignore[union-attr]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_inherits_no_lock(lab: Lab) -> None:
    """A thread that used the lab at that moment does not exist in the child."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lab._lock:
            held.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        assert in_a_fork(lambda: lab.status()["pid"] == lab.pid) == 0
    finally:
        done.set()
        thread.join()
