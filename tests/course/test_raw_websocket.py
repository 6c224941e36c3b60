"""The raw wire of the lessons: what is taken down, and when it ends."""

from __future__ import annotations

import time

import pytest

from vocx.course.raw_websocket import ReceivedFrame, connect, listen, timeline
from vocx.lab import Lab


def test_everything_is_taken_down_and_answers_are_told_apart(lab: Lab) -> None:
    """Combined messages by stream, answers to commands as such, pongs as control frames."""
    ws = connect(lab, "/stream?streams=btcusdt@ticker")
    ws.send('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
    ws.ping("x")
    frames = listen(ws, 1.6)
    assert {one.name for one in frames} == {"btcusdt@ticker", "answer", "pong"}
    assert [one.at_s for one in frames] == sorted(one.at_s for one in frames)
    ws.close()


def test_silence_ends_on_time_and_the_connection_lives_on(lab: Lab) -> None:
    """Nothing subscribed, nothing heard; the next read has its old patience again."""
    ws = connect(lab, "/ws")
    start = time.monotonic()
    assert listen(ws, 0.2) == []
    assert 0.2 <= time.monotonic() - start < 4
    assert ws.gettimeout() == 5.0
    ws.send('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
    assert ws.recv() == '{"result":[],"id":1}'
    ws.close()


def test_who_does_not_answer_pings_is_hung_up_on(lab: Lab) -> None:
    """1008, and listening ends with it; a second look says that it was lost."""
    lab.keepalive(scale=100)
    ws = connect(lab, "/ws", answer_pings=False)
    frames = listen(ws, 10)
    lab.keepalive(scale=1)
    assert [one.kind for one in frames[:2]] == ["ping", "ping"]
    assert (frames[-1].kind, frames[-1].text) == ("close", "1008 Pong timeout")
    assert [one.text[:4] for one in listen(ws, 1)] == ["1006"]


def test_a_proxy_in_the_environment_is_not_asked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where 127.0.0.1 is not exempt, the library alone would hand the connection to the proxy."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "example.org")
    ws = connect(lab, "/ws")
    assert ws.connected
    ws.close()


def test_the_timeline_has_a_row_for_each_stream() -> None:
    """One mark a message, counted in the row's name."""
    combined = '{{"stream":"{}","data":{{}}}}'.format
    heard = ((0.1, "a"), (0.2, "b"), (0.3, "a"))
    frames = [ReceivedFrame(at, "text", combined(name)) for at, name in heard]
    rows = {trace.y[0]: list(trace.x) for trace in timeline(frames).data}
    assert rows == {"b  (1)": [0.2], "a  (2)": [0.1, 0.3]}
