"""Import time, streams against bare sockets, the recorded session, age under load."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import cache
from pathlib import Path
from statistics import median
from typing import NamedTuple

import requests
import websocket
from websockets.asyncio.client import connect

import vocx
from benches.row import Row, percentile
from vocx import venues
from vocx.errors import WaitTimeout
from vocx.facts import BookSnapshot
from vocx.stream import Stream
from vocx.venues.base import ChannelSpec, GetBook

HERE = Path(__file__).resolve().parent
RECORDED = Path(os.environ.get("VOCX_RECORDED", HERE.parents[2] / "shared" / "recorded"))
SESSION = sorted((RECORDED / "binance" / "hftbacktest").glob("*.gz"))
SESSION_S = 650.0


def import_time() -> Iterator[Row]:
    """A fresh interpreter each, in turns, so that drift hits both alike."""

    def seconds(module: str) -> float:
        code = (
            f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
        )
        return float(subprocess.check_output([sys.executable, "-c", code]))

    pairs = [(seconds("vocx"), seconds("requests")) for _ in range(9)]
    ratio = median(ours / theirs for ours, theirs in pairs)
    yield Row("import vocx / import requests", ratio, "ratio", "<= 1.5")


class Input(NamedTuple):
    """Combined-stream frames, the REST body that starts their book, and where they are from."""

    texts: list[bytes]
    snapshot: bytes
    source: str


@cache
def frames() -> Input:
    """The recorded session, else the lab's crowd for a few seconds."""
    if SESSION:
        lines = b"".join(gzip.decompress(path.read_bytes()) for path in SESSION).splitlines()
        texts = [line.split(b" ", 1)[1] for line in lines]
        wrapped = [text for text in texts if text.startswith(b'{"stream"')]
        body = next(text for text in texts if text.startswith(b'{"lastUpdateId"'))
        return Input(wrapped, body, "recorded session")
    with vocx.lab.open(name="bench", pace=20.0) as lab:
        streams = "btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms"
        ws = websocket.create_connection(f"{lab.url('binance', 'ws')}/stream?streams={streams}")
        wrapped = [ws.recv().encode() for _ in range(200)]
        url = f"{lab.url('binance', 'rest')}/api/v3/depth?symbol=BTCUSDT&limit=1000"
        body = requests.get(url, timeout=10).content
        wrapped += [ws.recv().encode() for _ in range(20_000)]
        ws.close()
    return Input(wrapped, body, "the lab's crowd")


@contextmanager
def blast(texts: list[bytes]) -> Iterator[int]:
    """The same ready-made frames for every client, from another process; gives its port."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(b"\n".join(texts))
        file.flush()
        command = [sys.executable, str(HERE / "blast.py"), file.name]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            yield int(process.stdout.readline())
            process.terminate()


def bare(port: int, count: int) -> float:
    ws = websocket.create_connection(f"ws://127.0.0.1:{port}/stream", skip_utf8_validation=True)
    start = time.perf_counter()
    for _ in range(count):
        ws.recv()
    took = time.perf_counter() - start
    ws.shutdown()
    return count / took


def tutorial(port: int, count: int) -> float:
    """What tutorials write: a callback that parses."""
    seen = 0
    marks: list[float] = []

    def on_message(app: websocket.WebSocketApp, message: str) -> None:
        nonlocal seen
        json.loads(message)
        seen += 1
        if seen in (1, count):
            marks.append(time.perf_counter())
        if seen == count:
            app.close()

    websocket.WebSocketApp(f"ws://127.0.0.1:{port}/stream", on_message=on_message).run_forever()
    return count / (marks[1] - marks[0])


def asyncio_client(port: int, count: int) -> float:
    """The library that most would take, at its best: one coroutine that receives and parses."""

    async def listen() -> float:
        async with connect(f"ws://127.0.0.1:{port}/stream", max_size=None) as ws:
            json.loads(await ws.recv())
            start = time.perf_counter()
            for _ in range(count - 1):
                json.loads(await ws.recv())
            return time.perf_counter() - start

    return count / asyncio.run(listen())


def ours(port: int, count: int) -> float:
    """The whole path: frames to facts with Decimals, state, local book, one subscription. Timed
    from the arrival of the first frame: the other clients are not timed from the dial either."""

    def snapshot(intent: GetBook, stopping: threading.Event) -> BookSnapshot:
        body = json.loads(frames().snapshot)
        bids, asks = (
            tuple((Decimal(price), Decimal(quantity)) for price, quantity in body[side])
            for side in ("bids", "asks")
        )
        return BookSnapshot(
            symbol=intent.symbol, bids=bids, asks=asks, sequence=body["lastUpdateId"]
        )

    wanted = [ChannelSpec(channel=c, symbol="BTC/USDT") for c in ("trades", "quotes", "book")]
    stream = Stream(
        venues.get("binance"),
        lambda purpose: f"ws://127.0.0.1:{port}",
        wanted,
        ask=snapshot,
        name="bench",
    )
    with stream.subscribe(policy="drop_oldest", size=count) as facts:
        start = time.perf_counter()
        stream.start()
        time.sleep(count * 2e-6)  # whoever looks too early takes the interpreter from the reader
        while len(facts) < count:  # each frame is one fact, and the snapshot one more
            assert time.perf_counter() - start < 60, f"{len(facts)} of {count}: {stream.why}"
            time.sleep(0.002)
        took_ns = time.time_ns() - facts.get(0).arrived_ns
        assert stream.book("BTC/USDT").in_sync
        stream.stop()
    return count / took_ns * 1e9


def stream_against_bare_sockets() -> Iterator[Row]:
    texts, _, source = frames()
    count = min(len(texts), 60_000)
    runs: dict[str, list[float]] = {"bare": [], "tutorial": [], "stream": []}
    clients: dict[str, Callable[[int, int], float]] = {
        "bare": bare,
        "tutorial": tutorial,
        "stream": ours,
    }
    for _ in range(3):
        for name, client in clients.items():
            with blast(texts[:count]) as port:
                runs[name].append(client(port, count))
    rate = {name: median(values) for name, values in runs.items()}
    notes = {"input": source, **{f"{k}_frames_per_s": round(v) for k, v in rate.items()}}
    yield Row("stream / bare recv loop", rate["stream"] / rate["bare"], "ratio", ">= 0.5", notes)
    yield Row(
        "stream / callback and json.loads",
        rate["stream"] / rate["tutorial"],
        "ratio",
        ">= 2.5",
        notes,
    )


def stream_against_websockets() -> Iterator[Row]:
    """In pairs, in turns, so that a drift of the machine hits both alike; every run is printed."""
    texts, _, source = frames()
    count = min(len(texts), 60_000)
    rates: list[tuple[float, float]] = []
    for number in range(7):
        clients = (asyncio_client, ours) if number % 2 else (ours, asyncio_client)
        found = {}
        for client in clients:
            gc.collect()  # nobody pays for what the run before left behind
            with blast(texts[:count]) as port:
                found[client] = client(port, count)
        rates.append((found[ours], found[asyncio_client]))
    ratios = [mine / theirs for mine, theirs in rates]
    yield Row(
        "stream / websockets (asyncio) and json.loads",
        median(ratios),
        "ratio",
        ">= 1.25",
        {
            "input": source,
            "runs": [round(ratio, 3) for ratio in ratios],
            "stream_frames_per_s": [round(mine) for mine, _ in rates],
            "websockets_frames_per_s": [round(theirs) for _, theirs in rates],
        },
    )


def recorded_session() -> Iterator[Row]:
    """The lab plays the session as fast as it is taken; a stream keeps the book."""
    if not SESSION:
        print("replay: no recorded session here, not measured", file=sys.stderr)
        return
    total = len(frames().texts)
    with vocx.lab.open(name="bench", replay=SESSION, speed="max") as lab:
        exchange = vocx.connect("binance", lab=lab)
        start = time.perf_counter()
        stream = exchange.stream("trades", "quotes", "book", symbols="BTC/USDT")
        deadline = start + 120
        while stream.stats.frames < total and time.perf_counter() < deadline:
            time.sleep(0.05)
        took = time.perf_counter() - start
        assert stream.stats.frames >= total, f"{stream.stats.frames} of {total}: {stream.why}"
        stream.stop()
    yield Row(
        "recorded session, decode and local book over a socket",
        SESSION_S / took,
        "times real time",
        ">= 300",
        {"frames": total, "seconds": round(took, 2)},
    )


def ages_ms(
    seconds: float, load: Callable[[], None] | None, pace: float
) -> tuple[list[float], float]:
    """Age of each best-price update when the reader of a subscription has it, against the lab's
    truth log, and how many messages a second arrived. Stamped on taking, not on arrival: what
    the interpreter lock costs is part of it."""
    with vocx.lab.open(name="bench", pace=pace, symbols=["BTC/USDT"]) as lab:
        exchange = vocx.connect("binance", lab=lab)
        stream = exchange.stream("quotes", symbols="BTC/USDT").wait(10)
        arrived: dict[int, int] = {}
        stop = threading.Event()

        def collect() -> None:
            with stream.subscribe() as facts:
                while not stop.is_set():
                    with suppress(WaitTimeout):  # a quiet market is no error here
                        fact = facts.get(0.1)
                        arrived[fact.sequence] = time.monotonic_ns()

        reader = threading.Thread(target=collect, daemon=True)
        reader.start()
        before, start = stream.stats.frames, time.perf_counter()
        while time.perf_counter() - start < seconds:
            if load is None:
                time.sleep(0.05)
            else:
                load()
        rate = (stream.stats.frames - before) / (time.perf_counter() - start)
        stop.set()
        reader.join(10)
        ages = [
            (arrived[event.id] - event.mono_ns) / 1e6
            for event in lab.truth.events(kind="quote", symbol="BTC/USDT")
            if event.id in arrived
        ]
        stream.stop()
    return ages, rate


def pure_python() -> None:
    total = 0
    for number in range(300_000):
        total += number * number


BODY = json.dumps([{"price": "61700.01", "quantity": str(n), "id": n} for n in range(2_000)])


def json_loop() -> None:
    for _ in range(20):
        json.loads(BODY)


def age_under_load() -> Iterator[Row]:
    for name, load, pace, target in (
        ("idle", None, 1.0, "<= 2"),
        ("1,000/s, idle", None, 13.0, "<= 10"),
        ("1,000/s, a cell computes in pure Python", pure_python, 13.0, "<= 50"),
        ("1,000/s, a cell parses JSON", json_loop, 13.0, "<= 50"),
    ):
        ages, rate = ages_ms(8.0, load, pace)
        notes = {"samples": len(ages), "messages_per_s": round(rate)}
        yield Row(f"p99 age: {name}", percentile(ages, 0.99), "ms", target, notes)
