"""What measuring costs the measured: client time per sample, and the age that it sees at speed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from types import SimpleNamespace

import vocx
from benches.row import Row
from vocx import measure
from vocx.measure.feeds import Poll, Push
from vocx.measure.probes import Listener
from vocx.measure.reference import Reference, samples_of
from vocx.measure.steps import ages
from vocx.measure.watches import PollWatch

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
    with ExitStack() as stack:
        watch = PollWatch(Poll(3_600_000.0), 1_000_000, exchange, "BTC/USDT", stack)
        watch.exchange = SimpleNamespace(quote=lambda symbol: reply)  # type: ignore[assignment]
        begun = time.thread_time()
        for _ in range(SAMPLES):
            watch.poller.once()
        spent = time.thread_time() - begun
        assert len(watch.samples()) == SAMPLES
    return Row("client time per polled sample", spent / SAMPLES * 1e6, "us", "<= 50")


def _pushed(exchange: vocx.Exchange) -> Row:
    """Frames that were really heard, noted, decoded, matched with the log and integrated."""
    mark = exchange.lab.truth.events(None).next
    heard = Listener(partial(exchange.create_stream, ["quotes"], "BTC/USDT"))
    heard.start()
    time.sleep(6)
    heard.stop()
    frames = list(heard.frames)
    events = exchange.lab.truth.events(mark, symbol="BTC/USDT", kind="quote")
    tick = exchange.instrument("BTC/USDT").tick
    begun, rounds = time.thread_time(), max(1, SAMPLES // len(frames))
    for _ in range(rounds):
        heard.frames.clear()
        for at_ns, _, text in frames:
            heard.note(text, at_ns)
        heard.frames[:] = frames
        samples = list(samples_of(heard.facts()))
        known = Reference(events, 0, tick, NEAR, frames[-1][0]).changes(samples)
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
