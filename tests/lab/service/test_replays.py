"""A recording in a lab comes to its end: it is said where one waits, and plays again."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import websocket

import vocx
import vocx.lab
from vocx.errors import BadInput, NotReady, WaitTimeout
from vocx.exchange import Exchange
from vocx.facts import Trade
from vocx.lab import Lab
from vocx.recording import Writer
from vocx.views.formatting import state_text

AT_MS = 1_700_000_000_000
FRAMES = 120


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tenth of a second of trades."""
    path = tmp_path_factory.mktemp("recording") / "short.gz"
    with Writer(path) as writer:
        for number in range(FRAMES):
            trade = {"e": "trade", "E": AT_MS + number, "s": "BTCUSDT", "t": number, "p": "100.50"}
            trade |= {"q": "0.25", "T": AT_MS + number, "m": False}
            frame = json.dumps({"stream": "btcusdt@trade", "data": trade}, separators=(",", ":"))
            writer.write((AT_MS + number) * 1_000_000, frame.encode())
    return path


@pytest.fixture
def lab(recording: Path) -> Iterator[Lab]:
    with vocx.lab.open(name="replay", replay=recording) as opened:
        yield opened


@pytest.fixture
def exchange(lab: Lab) -> Iterator[Exchange]:
    with closing(vocx.connect("binance", lab=lab)) as opened:
        yield opened


def eventually(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 10
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def played(exchange: Exchange, lab: Lab) -> Any:
    """A stream that has heard everything."""
    stream = exchange.stream("trades", symbols="BTC/USDT").wait(5)
    eventually(lambda: lab.over)
    return stream


def test_an_end_is_named_where_one_waits(
    exchange: Exchange, lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stream that waits, what is asked of it, views, and whoever connects; no name is blamed."""
    said = "the recording is over, its 120 frames are played"
    assert lab.halted == ""
    stream = played(exchange, lab)
    eventually(lambda: said in stream.why and said in state_text(stream, None))
    late = exchange.create_stream(["quotes"], "BTC/USDT").start()
    eventually(lambda: late.state == "live")
    with pytest.raises(WaitTimeout, match=said) as caught:
        late.wait(0.5)
    assert "does not have" not in str(caught.value)
    eventually(lambda: late.why)
    with pytest.raises(NotReady, match=said):
        late.quote()
    capsys.readouterr()
    vocx.connect("binance", lab=lab).close()
    assert "which is over" in capsys.readouterr().out


def test_a_cell_that_is_run_again_plays_it_again(
    exchange: Exchange, lab: Lab, recording: Path
) -> None:
    """The same call gives the same handle with a new market behind it; until it is over, the
    market that runs."""
    assert vocx.lab.open(name="replay", replay=recording) is lab
    pid = lab.pid
    first = played(exchange, lab)
    heard = first.stats.frames
    assert vocx.lab.open(name="replay", replay=recording) is lab and lab.pid != pid
    second = exchange.stream("trades", symbols="BTC/USDT").wait(5)
    eventually(lambda: second.stats.frames >= heard)


def test_a_recording_in_a_loop_begins_a_new_session(recording: Path) -> None:
    """At its end connections are closed with 1012 (service restart); the next subscription hears
    it from its first frame, by the recording's clock; a stream goes through that as through any
    other end."""
    with vocx.lab.open(name="loop", replay=recording, loop=True) as lab:
        socket = websocket.create_connection(
            f"{lab.urls['binance']['ws']}/ws/btcusdt@trade", timeout=5
        )
        heard = [json.loads(socket.recv())["t"] for _ in range(FRAMES)]
        assert heard == list(range(FRAMES))
        opcode, said = socket.recv_data()
        socket.shutdown()
        assert opcode == websocket.ABNF.OPCODE_CLOSE
        assert int.from_bytes(said[:2]) == 1012 and b"begins again" in said
        status = lab.status()
        assert status["replay"]["round"] == 2 and status["replay"]["state"] == "waiting"
        assert status["exchange_ns"] == AT_MS * 1_000_000 and not lab.over and not lab.halted
        with closing(vocx.connect("binance", lab=lab)) as exchange:
            stream = exchange.stream("trades", symbols="BTC/USDT")
            ended = False
            for fact in stream.facts(seconds=60):
                identity = fact.id if isinstance(fact, Trade) else None
                if ended and identity is not None:
                    break
                ended |= identity == FRAMES - 1
            assert identity is not None and int(identity) < FRAMES // 2
            assert stream.stats.reconnects > 0


def test_only_a_recording_is_played_in_a_loop(recording: Path) -> None:
    """And the flag is one."""
    with pytest.raises(BadInput, match="name it: replay="):
        vocx.lab.open(name="loop", loop=True)
    with pytest.raises(BadInput, match="write True or False"):
        vocx.lab.open(name="loop", replay=recording, loop=3)  # type: ignore[arg-type]


def test_a_paused_market_is_named(exchange: Exchange, lab: Lab) -> None:
    """And what lets it go on."""
    lab.pause()
    stream = exchange.create_stream(["trades"], "BTC/USDT").start()
    eventually(lambda: stream.state == "live")
    with pytest.raises(WaitTimeout, match=r"paused; lab\.resume\(\)"):
        stream.wait(0.2)
    lab.resume()
    stream.wait(5)


def test_a_terminal_says_it(recording: Path) -> None:
    """One line on stderr beside the addresses on stdout."""
    command = [sys.executable, "-m", "vocx", "exchange", "--replay", str(recording)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stderr is not None
        urls = json.loads(process.stdout.readline())["urls"]["binance"]
        socket = websocket.create_connection(f"{urls['ws']}/ws/btcusdt@trade", timeout=5)
        for _ in range(FRAMES):
            socket.recv()
        assert select.select([process.stderr], [], [], 10)[0]
        line = process.stderr.readline().decode()
        assert line.startswith("vocx: the recording is over, its 120 frames are played")
        socket.shutdown()
        process.terminate()
        assert process.communicate(timeout=10)[1] == b"" and process.returncode == 0
    finally:
        process.kill()
        process.communicate()
