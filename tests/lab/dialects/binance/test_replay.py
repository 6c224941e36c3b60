"""A recorded session through the Binance dialect: byte for byte, and what is derived from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from venue_binance import T0

from vocx.lab.dialects.base import HttpIn
from vocx.lab.dialects.binance import Binance
from vocx.lab.events import Recorded
from vocx.lab.market.replay import Replay, open_replay

START_NS = 1_723_161_250_000_000_000
"""Before the recording's first frame."""
START_NS = 1_723_161_250_000_000_000
"""Before the recording's first frame."""
CHANNELS = ("btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@100ms")


class Listener:
    """A session that keeps the bytes it gets, by stream name where they are wrapped."""

    def __init__(self, dialect: Binance, target: str) -> None:
        opened: Any = dialect.open(HttpIn(method="GET", target=target, headers={}), START_NS)
        opened.handle = self
        self.got: list[bytes] = []

    def data(self, stream: str) -> list[dict[str, Any]]:
        decoded = (json.loads(one) for one in self.got)
        return [one["data"] for one in decoded if one["stream"] == stream]


@pytest.fixture(scope="module")
def session(recorded: Path) -> Iterator[tuple[Binance, dict[str, Listener], list[Recorded]]]:
    """Twenty thousand recorded frames, played to five listeners."""
    file = recorded / "binance" / "hftbacktest" / "btcusdt_20240808.gz"
    simulation = open_replay([file], Binance.recording, speed=None)
    dialect = Binance(simulation, start_ns=T0)
    listeners = {
        "wrapped": Listener(dialect, "/stream?streams=" + "/".join(CHANNELS)),
        "raw": Listener(dialect, "/ws/btcusdt@bookTicker"),
        "micro": Listener(dialect, "/ws/btcusdt@trade?timeUnit=MICROSECOND"),
        "derived": Listener(dialect, "/stream?streams=btcusdt@aggTrade/btcusdt@depth"),
        "milli": Listener(dialect, "/stream?streams=btcusdt@trade/btcusdt@depth@100ms"),
    }
    played = list(play(simulation, dialect, 20_000))
    yield dialect, listeners, played


def play(simulation: Replay, dialect: Binance, frames: int) -> Iterator[Recorded]:
    simulation.begin(T0)
    while simulation.played < frames:
        events = simulation.advance(T0, 100)
        now_ns = simulation.exchange_ns(T0)
        for publication in (*dialect.publish(events, now_ns), *dialect.tick(now_ns)):
            for one in publication.to:
                assert isinstance(publication.payload, bytes)
                one.handle.got.append(publication.payload)
        yield from (event for event in events if isinstance(event, Recorded))


def test_bytes_are_the_recordings(session: Any) -> None:
    """Wrapped sessions get the line, raw ones the payload; in order, nothing doubled."""
    _, listeners, played = session
    assert listeners["wrapped"].got == [one.wrapped for one in played]
    assert listeners["raw"].got == [one.data for one in played if one.stream == CHANNELS[1]]


def test_microseconds_of_a_recording(session: Any) -> None:
    """Only the times change."""
    _, listeners, played = session
    first = json.loads(next(one.data for one in played if one.stream == CHANNELS[0]))
    expected = {**first, "E": first["E"] * 1000, "T": first["T"] * 1000}
    assert json.loads(listeners["micro"].got[0]) == expected


def test_aggregates_cover_recorded_trades(session: Any) -> None:
    """Consecutive ids; quantities and trade ids add up to the raw stream's."""
    _, listeners, _ = session
    raw = listeners["milli"].data("btcusdt@trade")
    merged = listeners["derived"].data("btcusdt@aggTrade")
    assert len(merged) < len(raw)
    assert [one["a"] for one in merged] == list(range(merged[0]["a"], merged[-1]["a"] + 1))
    covered = [t for one in merged for t in range(one["f"], one["l"] + 1)]
    assert covered == [one["t"] for one in raw][: len(covered)]


def test_slow_diffs_are_the_fast_ones_merged(session: Any) -> None:
    """Contiguous, on the recording's own id boundaries, ending in the same book."""
    _, listeners, _ = session
    fast = listeners["milli"].data("btcusdt@depth@100ms")
    slow = listeners["derived"].data("btcusdt@depth")
    assert all(b["U"] == a["u"] + 1 for a, b in zip(slow, slow[1:], strict=False))
    assert {one["u"] for one in slow} <= {one["u"] for one in fast}
    upto = [one for one in fast if slow[0]["U"] <= one["u"] and one["u"] <= slow[-1]["u"]]
    for side in ("b", "a"):
        assert _last(slow, side) == _last(upto, side)


def _last(events: list[dict[str, Any]], side: str) -> dict[str, str]:
    return {price: quantity for event in events for price, quantity in event[side]}


def test_rest_answers_as_of_the_frame(session: Any) -> None:
    """The snapshot's id is the last played diff's, and the last trade is the last played one."""
    dialect, listeners, _ = session

    def get(target: str) -> Any:
        request = HttpIn(method="GET", target="/api/v3/" + target, headers={})
        return json.loads(dialect.http(request, T0).body)

    fast = listeners["milli"].data("btcusdt@depth@100ms")
    assert get("depth?symbol=BTCUSDT")["lastUpdateId"] == fast[-1]["u"]
    assert (
        get("trades?symbol=BTCUSDT")[-1]["id"] == listeners["milli"].data("btcusdt@trade")[-1]["t"]
    )
