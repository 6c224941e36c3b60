"""What measuring costs the measured: client time per sample, and the age that it sees at speed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import SimpleNamespace

import vocx
from benches.row import Row
from vocx import measure
from vocx.measure.feeds import Poll, Push
from vocx.measure.probes import Listening, Polling
from vocx.measure.reference import Reference
from vocx.measure.steps import ages

SAMPLES = 20_000
NEAR = measure.Conditions(path="from the exchange's book to this process", clock="both")
PACE = 13.0
"""A thousand best-price messages a second of BTC/USDT."""


def measuring() -> Iterator[Row]:
    """Noting, decoding and holding against the truth, all of it, per sample."""
    with vocx.lab.open(seed=7, name="bench-measuring") as lab:
        with vocx.connect("binance", lab=lab) as exchange:
            yield _polled(exchange)
            yield _pushed(exchange)
            yield from _at_speed(exchange)


def _polled(exchange: vocx.Exchange) -> Row:
    """A poll's own work, the call taken out: the exchange behind it answers from memory."""
    reply = exchange.quote("BTC/USDT")
    reply = exchange.quote("BTC/USDT")
    memory = SimpleNamespace(quote=lambda symbol: reply)
    polling = Polling(Poll(10.0), 0, memory, "BTC/USDT")  # type: ignore[arg-type]
    begun = time.thread_time()
    for _ in range(SAMPLES):
        polling.once()
    spent = time.thread_time() - begun
    assert len(polling.notes) == SAMPLES
    return Row("client time per polled sample", spent / SAMPLES * 1e6, "us", "<= 50")


def _pushed(exchange: vocx.Exchange) -> Row:
    """Frames that were really heard, noted, decoded, matched with the log and integrated."""
    mark = exchange.lab.truth.events(None).next
    heard = Listening(Push("quotes"), 0, exchange, "BTC/USDT")
    heard.start()
    time.sleep(6)
    heard.stop()
    frames = list(heard._frames)
    events = exchange.lab.truth.events(mark, symbol="BTC/USDT", kind="quote")
    tick = exchange.instrument("BTC/USDT").tick
    again = Listening(Push("quotes"), 0, exchange, "BTC/USDT")
    begun, rounds = time.thread_time(), max(1, SAMPLES // len(frames))
    for _ in range(rounds):
        again._frames.clear()
        for at_ns, text in frames:
            again._heard(text, at_ns)
        again._frames[:] = frames
        again.stop()
        known = Reference(events, 0, tick, NEAR, frames[-1][0]).changes(again.notes)
        ages(known, known.at[0], known.at[-1])
    spent = (time.thread_time() - begun) / rounds
    return Row("client time per pushed sample", spent / len(frames) * 1e6, "us", "<= 50")


def _at_speed(exchange: vocx.Exchange) -> Iterator[Row]:
    """The whole measurement beside a thousand messages a second."""
    exchange.lab.set_pace(PACE)
    seen = measure.freshness(exchange, [Push("quotes"), Poll(1000.0)], seconds=8)
    push = seen.find(Push("quotes"))
    notes = {"messages_per_s": round(push.messages / seen.seconds)}
    yield Row("p99 age of a stream as measured", push.age.p99.value, "ms", "<= 10", notes)
