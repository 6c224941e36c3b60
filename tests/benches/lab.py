"""The lab: ready how soon, how large, and how many clients it serves."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import psutil

import vocx
from benches.row import Row, percentile

CLIENTS = 500


def start_and_memory() -> Iterator[Row]:
    took = []
    for number in range(3):
        start = time.perf_counter()
        with vocx.lab.open(name=f"bench-{number}") as lab:
            vocx.connect("binance", lab=lab).time()
            took.append(time.perf_counter() - start)
    yield Row("lab ready to answer", median(took), "s", "<= 2")


def many_clients() -> Iterator[Row]:
    listeners = str(Path(__file__).parent / "listeners.py")
    seconds = 8.0
    with vocx.lab.open(name="bench", pace=1.0) as lab:
        process = psutil.Process(lab.pid)
        url = f"{lab.url('binance', 'ws')}/stream?streams=btcusdt@bookTicker/btcusdt@trade"
        lab.limits(off=True)  # all come from one address, and faster than 300 in 5 minutes
        command = [sys.executable, listeners, url, str(CLIENTS), str(seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as clients:
            assert clients.stdout is not None
            assert clients.stdout.readline() == "ready\n"
            # What piled up while they connected is not delivery: count from half a second on.
            settled_ns = time.monotonic_ns() + 500_000_000
            before, start = sum(process.cpu_times()[:2]), time.perf_counter()
            said = json.loads(clients.stdout.readline())
            cpu = (sum(process.cpu_times()[:2]) - before) / (time.perf_counter() - start)
        memory = process.memory_info().rss / 1e6
        events = lab.truth.events(kind="quote", symbol="BTC/USDT")
        sent = {event.id: event.mono_ns for event in events if event.mono_ns > settled_ns}
    late = [
        (at - sent[number]) / 1e6
        for client in said["arrivals"]
        for number, at in ((int(n), at) for n, at in client.items())
        if number in sent
    ]
    assert said["connected"] == CLIENTS and len(late) > 1000
    notes = {"clients": CLIENTS, "samples": len(late), "p50_ms": round(median(late), 2)}
    yield Row("p99 delivery to 500 clients at pace 1", percentile(late, 0.99), "ms", "<= 30", notes)
    yield Row("lab's share of a core with 500 clients", cpu, "cores", "<= 0.8")
    yield Row("lab's memory with 500 clients", memory, "MB", "<= 120")
