"""Other venues than Binance: their streams against a bare receive loop on their own frames, and
what four venues at once cost beside one."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from statistics import median

import psutil

import vocx
from benches.clients import bare, blast
from benches.row import Row
from vocx import venues
from vocx.stream import Stream
from vocx.venues.base import ChannelSpec

SYMBOL = "BTC/USDT"
CHANNELS = ("trades", "quotes", "book")
ONE = "binance"
LISTEN_S, TURNS = 40.0, 8
COST_S, ROUNDS = 8.0, 3


def heard() -> dict[str, list[bytes]]:
    """Every frame of one connection a venue, from its beginning, acknowledgements included."""
    others = [name for name in venues.names() if name != ONE]
    found: dict[str, list[bytes]] = {name: [] for name in others}
    with vocx.lab.open(name="bench", seed=7, pace=1.0, venues=others) as lab:
        streams = [
            vocx.connect(name, lab=lab).create_stream(
                CHANNELS, SYMBOL, on_frame=lambda text, arrived_ns, to=texts: to.append(text)
            )
            for name, texts in found.items()
        ]
        for stream in streams:
            stream.start()
        time.sleep(LISTEN_S)
        for stream in streams:
            assert stream.stats.connects == 1, f"{stream}: more than one connection: {stream.why}"
            stream.stop()
    return {name: repeated(texts) for name, texts in found.items()}


def repeated(texts: list[bytes]) -> list[bytes]:
    """The same session several times: each begins its books anew, and Coinbase's count over a
    connection goes on."""
    told = [one for one in texts if one[:1] == b"{"] * TURNS
    return [renumbered(one, number) for number, one in enumerate(told)]


def renumbered(text: bytes, number: int) -> bytes:
    return re.sub(rb'(?<="sequence_num":)\d+', b"%d" % number, text, count=1)


def ours(name: str, port: int, count: int) -> float:
    """Frames a second by the whole path: frames to facts with Decimals, state, local book; from
    the first frame, as the bare loop is timed from the handshake."""
    begun: list[float] = []
    left = iter(range(count - 1, -1, -1))
    all_arrived = threading.Event()  # stats copies its samples: it is not asked while frames come

    def note(text: bytes, arrived_ns: int) -> None:
        if not begun:
            begun.append(time.perf_counter())
        if next(left, 0) == 0:
            all_arrived.set()

    stream = Stream(
        venues.get(name),
        lambda purpose: f"ws://127.0.0.1:{port}",
        [ChannelSpec(channel=one, symbol=SYMBOL) for one in CHANNELS],
        ask=lambda intent, stopping: None,
        name=f"bench {name}",
        on_frame=note,
    )
    deadline = time.perf_counter() + 30
    stream.start()
    all_arrived.wait(30)
    while stream.stats.frames < count:
        assert time.perf_counter() < deadline, f"{stream.stats.frames} of {count}: {stream.why}"
        time.sleep(0.001)
    took = time.perf_counter() - begun[0]
    assert stream.book(SYMBOL).in_sync and stream.stats.parse_errors == 0
    stream.stop()
    return count / took


def streams() -> Iterator[Row]:
    """A row a venue; both clients in turns.

    The bare loop reads nothing of a frame, so the row asks most where frames hold most: Coinbase's
    have six times the bytes of the others'. To read one of its changes as texts and as floats takes
    msgspec alone two thirds of what the bare loop takes (2026-11), before any fact or book: that
    row is beyond this way of reading.
    """
    for name, texts in heard().items():
        rates: dict[str, list[float]] = {"stream": [], "bare": []}
        spent_us: dict[str, list[float]] = {"stream": [], "bare": []}
        for _ in range(7):
            for client, run in (("bare", bare), ("stream", partial(ours, name))):
                with blast(texts) as port:
                    start = time.process_time()
                    rates[client].append(run(port, len(texts)))
                    spent_us[client].append((time.process_time() - start) / len(texts) * 1e6)
        yield Row(
            f"{name}: stream / bare recv loop",
            median(mine / theirs for mine, theirs in zip(*rates.values(), strict=True)),
            "ratio",
            ">= 0.5",
            {
                "frames": len(texts),
                "bytes_a_frame": sum(map(len, texts)) // len(texts),
                **{f"{client}_frames_per_s": round(median(one)) for client, one in rates.items()},
                **{f"{client}_cpu_us": round(median(one), 1) for client, one in spent_us.items()},
            },
        )


def spent(names: list[str]) -> tuple[float, float]:
    """Shares of a core: of this process, which listens, and of the lab."""
    with ExitStack() as stack:
        lab = stack.enter_context(vocx.lab.open(name="bench", seed=7, pace=1.0, venues=names))
        for name in names:
            exchange = stack.enter_context(vocx.connect(name, lab=lab))
            stream = stack.enter_context(exchange.stream(*CHANNELS, symbols=SYMBOL))
            stream.wait(20)
        process = psutil.Process(lab.pid)
        before, mine = sum(process.cpu_times()[:2]), time.process_time()
        time.sleep(COST_S)
        here = (time.process_time() - mine) / COST_S
        return here, (sum(process.cpu_times()[:2]) - before) / COST_S


def at_once() -> Iterator[Row]:
    """In turns, so that a drift of the machine hits both alike."""
    every = list(venues.names())
    pairs = [(spent([ONE]), spent(every)) for _ in range(ROUNDS)]
    for number, what in enumerate(("client", "lab")):
        yield Row(
            f"{len(every)} venues at pace 1 / {ONE} alone: {what}",
            median(four[number] / one[number] for one, four in pairs),
            "ratio",
            "<= 4.5",
            {
                "one_cores": round(median(one[number] for one, _ in pairs), 4),
                "all_cores": round(median(four[number] for _, four in pairs), 4),
            },
        )
