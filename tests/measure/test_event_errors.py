"""When a price is wrong: on drawn steps by hand, and on the recorded session."""

from __future__ import annotations

from pathlib import Path

import pytest

import vocx
from vocx.errors import BadInput
from vocx.measure import Poll, Push, Steps, event_errors, truth_in
from vocx.measure.event_errors import errors_at
from vocx.recording import read, split

MS = 1_000_000


def drawn(*pairs: tuple[int, int]) -> Steps:
    """(ms, bid) pairs; the ask is one tick above."""
    at, bid = [one * MS for one, _ in pairs], [one for _, one in pairs]
    return Steps(at=at, bid=bid, ask=[one + 1 for one in bid])


def test_a_stream_without_distance_is_wrong_at_no_moment() -> None:
    """What held just before is what it shows."""
    true = drawn((0, 1), (100, 2), (200, 3), (1000, 3))
    rows = errors_at(true, [(100 * MS, 0), (201 * MS, 2)], Push("quotes"), 0)
    assert [(one.wrong.value, one.count) for one in rows] == [(0, None), (0, 2), (0, 2)]


def test_what_comes_in_a_burst_is_missed_by_a_poll_that_sleeps() -> None:
    """A poll begun half a period in shows the first price until 1500 ms: three of four changes."""
    true = drawn((0, 1), (1100, 2), (1200, 3), (1300, 4), (1400, 5), (2400, 5))
    whole, trade, change = errors_at(true, [(1250 * MS, 2)], Poll(1000), 0, phases=1)
    assert trade.wrong.value == 1 and (change.wrong.value, change.count) == (0.75, 4)
    assert whole.wrong.value == pytest.approx(400 / 1400)


def test_of_one_instant_the_log_knows_the_order() -> None:
    """Two trades of one order: the second met the price that the first had moved."""
    true = drawn((0, 1), (1200, 2), (1200, 3), (2400, 3))
    _, trade, _ = errors_at(true, [(1200 * MS, 0), (1200 * MS, 1)], Poll(1000), 0, phases=1)
    assert trade.wrong.value == 0.5


def test_a_time_shorter_than_a_period_says_so() -> None:
    """Nothing was shown yet."""
    with pytest.raises(BadInput, match="let the market run"):
        errors_at(drawn((0, 1), (500, 2)), [], Poll(1000), 0)


def test_the_recorded_session_moves_when_a_price_is_wrong(recorded: Path) -> None:
    """31 % of the time, 77 % of the trades, more than 90 % of the changes."""
    files = sorted((recorded / "binance" / "hftbacktest").glob("btcusdt_*.gz"))
    trades, quotes = [], -1
    for line in read(files):
        at_ns, text = split(line)
        quotes += b'@bookTicker"' in text[:80]
        if b'@trade"' in text[:80]:
            trades.append((at_ns, quotes))
    whole, trade, change = errors_at(truth_in(files), trades, Poll(1000), 0)
    assert whole.wrong.value == pytest.approx(0.31, abs=0.02)
    assert trade.wrong.value == pytest.approx(0.77, abs=0.02)
    assert change.wrong.value == pytest.approx(0.95, abs=0.02)


def test_a_young_lab_is_waited_for() -> None:
    """Some seconds and three periods at least; no market is no endless wait."""
    with vocx.lab.open(seed=7, name="moments") as lab:
        found = event_errors(lab, Poll(200), rtt_ms=20)
        assert found.conditions.seconds is not None and found.conditions.seconds >= 4
        assert 0 <= found.find("at any time").wrong.value < 0.6
        assert "REST every 200 ms, 20 ms away" in found.table()
        lab.pause()
        with pytest.raises(BadInput, match="let the market run"):
            event_errors(lab, Poll(20), seconds=0.2)
