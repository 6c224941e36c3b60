"""Requests over a kept socket: what is late, lost or forked costs nobody else an answer."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from faulty import Faulty, Peer, Script, until

from vocx.errors import BadKey, TimedOut
from vocx.stream import Deadlines
from vocx.stream.account import AccountAccess
from vocx.stream.request_socket import RequestSocket
from vocx.venues.base import ControlFrame, Credentials, Decoded, LoginResult, SocketPlan
from vocx.venues.binance import Binance

KEY = Credentials(key="k", secret="s")


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No connection's thread survives its test."""
    yield
    until(lambda: not [one for one in threading.enumerate() if one.name.startswith("vocx-")], 3)


def requests(peer: Peer) -> Iterator[dict[str, Any]]:
    """What the client asks, as it comes."""
    seen = 0
    while not peer.over.is_set():
        peer.listen(0.01)
        texts = [text for opcode, text in peer.heard if opcode == 1]
        for text in texts[seen:]:
            yield json.loads(text)
        seen = len(texts)


def reply(peer: Peer, number: Any) -> None:
    peer.text(json.dumps({"id": number, "status": 200, "result": {}}))


def echo(peer: Peer) -> None:
    """Answers everything at once."""
    peer.accept()
    for request in requests(peer):
        reply(peer, request["id"])


def asking(server: Faulty, **options: Any) -> RequestSocket:
    return RequestSocket(Binance(), lambda: server.url, name="test", **options)


def frame(number: int) -> bytes:
    return json.dumps({"id": number, "method": "ask"}).encode()


def test_one_late_response_costs_nobody_else_theirs() -> None:
    """The first request is never answered; the second, in flight on the same connection, is
    answered after the first gave up. The third goes over another connection."""

    def script(peer: Peer) -> None:
        peer.accept()
        asked = requests(peer)
        next(asked)
        second = next(asked)
        peer.listen(0.5)  # the first gives up meanwhile
        reply(peer, second["id"])
        peer.listen(60)

    with Faulty(script, echo) as server, ThreadPoolExecutor(2) as pool:
        socket = asking(server, deadline_s=0.3)
        first = pool.submit(socket.request, socket.next_id(), frame(1))
        until(lambda: server.peers and len(server.peers[0].heard) == 1)
        socket._deadline_s = 5
        second = pool.submit(socket.request, socket.next_id(), frame(2))
        with pytest.raises(TimedOut) as caught:
            first.result(5)
        assert caught.value.outcome == "unknown"
        third = socket.request(socket.next_id(), frame(3))
        assert (second.result(5).response.id, third.response.id) == (2, 3)
        assert len(server.accepted) == socket.connects == 2
        socket.close()


def test_a_retired_connection_ends_when_nobody_waits_on_it() -> None:
    """It may be dead: nothing more is asked on it, and it is not kept."""

    def deaf(peer: Peer) -> None:
        peer.accept()
        peer.listen(60)

    with Faulty(deaf, echo) as server:
        socket = asking(server, deadline_s=0.1)
        with pytest.raises(TimedOut):
            socket.request(1, frame(1))
        socket._deadline_s = 5
        assert socket.request(2, frame(2)).response.id == 2
        until(lambda: sum("vocx-test" in one.name for one in threading.enumerate()) == 1)
        socket.close()


class LoggedIn(Binance):
    """Its request socket wants a login, which is awaited."""

    def login_frame(
        self, plan: SocketPlan, now_ns: int, credentials: Credentials, nonce: str
    ) -> ControlFrame | None:
        return ControlFrame(text=json.dumps({"login": credentials.key}))

    def decode(
        self, text: bytes, arrived_ns: int, plan: SocketPlan, state: Any
    ) -> Sequence[Decoded]:
        welcome = json.loads(text).get("welcome")
        return [LoginResult(error=None if welcome else BadKey("unknown key"))]


@pytest.mark.parametrize("welcome", [True, False])
def test_a_login_is_awaited_before_anything_is_asked(welcome: bool) -> None:
    """Its refusal is the request's, of which nothing was sent."""

    def script(peer: Peer) -> None:
        peer.accept()
        asked = requests(peer)
        assert next(asked) == {"login": "k"}
        peer.listen(0.1)
        peer.text(json.dumps({"welcome": welcome}))
        for request in asked:
            reply(peer, request["id"])

    access = AccountAccess(credentials=lambda: KEY, now_ns=time.time_ns, measure_clock=lambda: None)
    plan = SocketPlan(purpose="calls", path="", topics={}, private=True, login=True)
    with Faulty(script) as server:
        socket = RequestSocket(
            LoggedIn(), lambda: server.url, name="test", plan=plan, account=access
        )
        if welcome:
            assert socket.request(7, frame(7)).response.id == 7
        else:
            with pytest.raises(BadKey) as caught:
                socket.request(7, frame(7))
            assert caught.value.outcome == "not_sent"
        socket.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_child_opens_a_connection_of_its_own() -> None:
    """Two processes that write to one connection would mix their frames."""
    scripts: tuple[Script, ...] = (echo, echo)
    with Faulty(*scripts) as server:
        socket = asking(server, deadline_s=5, deadlines=Deadlines())
        assert socket.request(1, frame(1)).response.id == 1
        child = os.fork()
        if child == 0:  # nothing but this, and no clean-up of the parent's things
            try:
                fine = socket.request(2, frame(2)).response.id == 2 and socket.connects == 2
                os._exit(0 if fine else 1)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert len(server.accepted) == 2
        assert socket.request(3, frame(3)).response.id == 3 and socket.connects == 1
        socket.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_child_has_no_streams_of_its_parent() -> None:
    """Their threads and connections stayed behind: none is listed, stopping closes nothing."""
    from faulty import healthy, listen

    from vocx.stream import running, stop_all

    with Faulty(healthy) as server, listen(server).start().wait(5) as stream:
        child = os.fork()
        if child == 0:
            try:
                stop_all()
                fine = not running() and stream.state == "stopped" and not stream.quote().in_sync
                os._exit(0 if fine else 1)
            finally:
                os._exit(2)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        frames = stream.stats.frames
        until(lambda: stream.stats.frames > frames + 5)
        assert stream.state == "live" and len(server.accepted) == 1
