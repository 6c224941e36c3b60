"""Streams against the lab: a real venue's frames, the network's dials, real deadlines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from faulty import until

from vocx.facts import BookSnapshot
from vocx.stream import Deadlines, Stream
from vocx.venues.base import ChannelSpec

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab


def same(copy: BookSnapshot, truth: BookSnapshot) -> bool:
    return (copy.bids, copy.asks) == (truth.bids, truth.asks)


@pytest.fixture
def stream(exchange: Exchange) -> Stream:
    """All public channels of one symbol, in sync."""
    found = exchange.stream("trades", "quotes", "book", "ticker", "candles", symbols="BTC/USDT")
    return found.wait(10)


def test_every_channel_and_a_book_equal_to_the_truth(stream: Stream, lab: Lab) -> None:
    """With the market paused, the copy is the original."""
    lab.pause()
    try:
        truth = lab.truth.book("BTC/USDT")
        until(lambda: same(stream.book(depth=20), truth), 2, "the copy differs from the truth")
        assert stream.ticker().last and stream.candle().interval and stream.trades()
    finally:
        lab.resume()
        stream.stop()


@pytest.mark.parametrize("channel", ["quotes", "book", "trades"])
def test_a_paused_market_is_quiet_and_not_dead(exchange: Exchange, lab: Lab, channel: str) -> None:
    """Row 19: REST agrees that nothing happens, so the silence is proven and nothing is cut."""
    wanted = [ChannelSpec(channel=channel, symbol="BTC/USDT")]
    quick = Deadlines(stale_after_s=0.4, probe_s=4)
    with Stream(
        exchange.venue, exchange.url, wanted, ask=exchange.ask_for_stream, deadlines=quick
    ) as stream:
        stream.wait(5)
        lab.pause()
        try:
            until(lambda: stream.state == "stale", 3, "silence was not noticed")
            until(lambda: stream.state == "live", 4, "REST's word does not count")
            assert stream.stats.reconnects == 0 and stream.stats.connects == 1
        finally:
            lab.resume()


def test_the_distance_shows_in_round_trip_and_age(exchange: Exchange, lab: Lab) -> None:
    """An answer is at least half a round trip old, although it arrived just now."""
    with lab.network.latency(rtt_ms=80):
        with exchange.stream("quotes", symbols="BTC/USDT").wait(5) as stream:
            until(lambda: stream.stats.round_trip_ms, 3, "no pong")
            assert 78 < (stream.stats.round_trip_ms or 0) < 200
            assert (stream.quote().age_ms or 0) >= 39


def test_an_announced_shutdown_leaves_one_gap_for_each_channel(stream: Stream, lab: Lab) -> None:
    """The event, then the cut: back within a second, the outage on record."""
    lab.shutdown("binance")
    until(lambda: stream.stats.reconnects == 1, 3, "no reconnect")
    stream.wait(5)
    stats = stream.stats
    stream.stop()
    assert "shutdown" in stats.reasons and stats.gaps >= 5


def test_a_black_hole_is_found_in_real_time(exchange: Exchange, lab: Lab) -> None:
    """Row 17 with the real deadlines: at most 16 s."""
    with exchange.stream("quotes", symbols="BTC/USDT").wait(5) as stream:
        with lab.network.timeout():
            started = time.monotonic()
            until(lambda: stream.state == "reconnecting", 17, "the black hole was not noticed")
            assert time.monotonic() - started <= 16.2 and "1006" in stream.stats.reasons
        until(lambda: stream.state == "live", 20, "no return")
        assert stream.stats.reconnects == 1
