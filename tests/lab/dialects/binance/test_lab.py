"""The Binance dialect over real sockets: faults, deadlines and ends as a client meets them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import websocket
from websocket import ABNF

from vocx.lab import Lab

DEADLINE_S = 10.0


@pytest.fixture(autouse=True)
def healthy(lab: Lab) -> Iterator[None]:
    """No fault and no scale outlives its test."""
    yield
    lab.faults.off()
    lab.keepalive(scale=1)
    lab.limits(scale=1, reset=True, venue="binance")


def connect(lab: Lab, path: str) -> websocket.WebSocket:
    url = lab.urls["binance"]["ws"] + path
    return websocket.create_connection(url, timeout=DEADLINE_S, skip_utf8_validation=True)


def until(socket: websocket.WebSocket, opcode: int) -> bytes:
    """Payload of the next frame of a kind; others are passed over."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        frame = socket.recv_frame()
        if frame.opcode == opcode:
            return bytes(frame.data)
    raise AssertionError("no such frame within the deadline")


def closing(socket: websocket.WebSocket) -> tuple[int, str]:
    payload = until(socket, ABNF.OPCODE_CLOSE)
    return int.from_bytes(payload[:2], "big"), payload[2:].decode()


def trades(lab: Lab) -> websocket.WebSocket:
    return connect(lab, "/ws/btcusdt@bookTicker")


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1012, 1013])
def test_close_codes(lab: Lab, code: int) -> None:
    """The close frame carries the code."""
    socket = trades(lab)
    lab.fault("close", stream="btcusdt@bookTicker", code=code, reason="maintenance")
    assert closing(socket) == (code, "maintenance")
    socket.shutdown()


def test_hanging_up(lab: Lab) -> None:
    """Without a close frame: what clients report as 1006."""
    socket = trades(lab)
    lab.fault("close", stream="btcusdt@bookTicker", code=None)
    with pytest.raises(websocket.WebSocketConnectionClosedException):
        until(socket, ABNF.OPCODE_CLOSE)
    socket.shutdown()


def test_truncated_frame(lab: Lab) -> None:
    """Bytes come, a frame never does; client pings are not completed into one either."""
    socket = trades(lab)
    until(socket, ABNF.OPCODE_TEXT)
    lab.fault("truncated", stream="btcusdt@bookTicker")
    socket.settimeout(1.0)
    with pytest.raises(websocket.WebSocketTimeoutException):
        while True:
            socket.recv_frame()
    assert lab.faults == []
    socket.shutdown()


def test_huge_frame(lab: Lab) -> None:
    """22 MB arrive whole."""
    socket = trades(lab)
    lab.fault("huge", stream="btcusdt@bookTicker")
    deadline = time.monotonic() + DEADLINE_S
    while len(until(socket, ABNF.OPCODE_TEXT)) < 22_000_000:
        assert time.monotonic() < deadline
    socket.shutdown()


def test_pings_and_the_pong_that_never_came(lab: Lab) -> None:
    """Scaled 100 times: a ping every 0.2 s, cut 0.6 s after the first."""
    socket = connect(lab, "/ws/0")
    lab.keepalive(scale=100)
    began = time.monotonic()
    assert until(socket, ABNF.OPCODE_PING).isdigit()
    assert closing(socket) == (1008, "Pong timeout")
    assert 0.5 < time.monotonic() - began < 5
    socket.shutdown()


def test_pongs_keep_a_connection(lab: Lab) -> None:
    """Well past the deadline (``recv`` answers pings by itself)."""
    lab.keepalive(scale=100)
    socket = trades(lab)
    deadline = time.monotonic() + 1.5
    while time.monotonic() < deadline:
        assert "btcusdt" in socket.recv().lower()
    socket.shutdown()


def test_shutdown(lab: Lab) -> None:
    """The event without a subscription, then 1001."""
    socket = connect(lab, "/stream")
    lab.shutdown("binance")
    event = json.loads(until(socket, ABNF.OPCODE_TEXT))
    assert event["stream"] == "!serverShutdown" and event["data"]["e"] == "serverShutdown"
    assert closing(socket)[0] == 1001
    socket.shutdown()


def test_six_frames_at_once(lab: Lab) -> None:
    """1008 ``Too many requests``."""
    socket = connect(lab, "/ws")
    for _ in range(12):
        socket.ping()
    assert closing(socket) == (1008, "Too many requests")
    socket.shutdown()


def test_malformed_stream_in_the_url(lab: Lab) -> None:
    """Upgraded, told, closed."""
    socket = connect(lab, "/stream?streams=@@@x")
    assert json.loads(until(socket, ABNF.OPCODE_TEXT))["error"]["code"] == 2
    assert closing(socket)[0] == 1008
    socket.shutdown()


@pytest.mark.parametrize(("status", "after"), [(429, "7"), (503, None), (451, None)])
def test_refused_upgrades(lab: Lab, status: int, after: str | None) -> None:
    """A plain HTTP answer instead of the upgrade."""
    lab.fault("refuse_upgrade", path="/ws", status=status, retry_after=after)
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        connect(lab, "/ws")
    assert caught.value.status_code == status
    assert (caught.value.resp_headers or {}).get("retry-after") == after


def get(lab: Lab, path: str, timeout_s: float = DEADLINE_S) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(lab.urls["binance"]["rest"] + path, timeout=timeout_s)


def test_lost_answer(lab: Lab) -> None:
    """Nothing comes back, although the call was charged."""
    before = int(get(lab, "/api/v3/time").headers["X-MBX-USED-WEIGHT-1M"])
    lab.fault("lost_answer", path="/api/v3/ping")
    with pytest.raises(requests.ReadTimeout):
        get(lab, "/api/v3/ping", timeout_s=0.5)
    after: Any = get(lab, "/api/v3/time").headers["X-MBX-USED-WEIGHT-1M"]
    assert int(after) in (before + 2, 1)


def test_late_answer(lab: Lab) -> None:
    """After so many real seconds."""
    lab.fault("late_answer", path="/api/v3/ping", seconds=0.5)
    began = time.monotonic()
    assert get(lab, "/api/v3/ping").json() == {}
    assert time.monotonic() - began > 0.45


def test_429_418_and_back(lab: Lab) -> None:
    """Scaled 600 times, a minute is 0.1 s and a ban 0.2 s: refused, banned, free again. A machine
    that makes no six calls in 0.1 s has a second, or ten."""
    seen = set()
    for scale in (600, 60, 6):
        lab.limits(scale=scale, weight=50, ban_after=3, venue="binance")
        deadline = time.monotonic() + 600 / scale
        while seen < {200, 429, 418} and time.monotonic() < deadline:
            seen.add(get(lab, "/api/v3/exchangeInfo?symbol=BTCUSDT").status_code)
        if 418 in seen:
            break
    deadline = time.monotonic() + 60
    # asking meanwhile would lengthen the ban: a fast machine makes 50 calls in 0.1 s
    while lab.limits(venue="binance")["peers"]["127.0.0.1"]["ban_left_s"]:
        assert time.monotonic() < deadline
    assert get(lab, "/api/v3/time").status_code == 200
    lab.limits(weight=6000, ban_after=10, venue="binance")
    assert seen == {200, 429, 418}
