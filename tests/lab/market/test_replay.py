"""A recorded session as the market: bytes untouched, state as of the frame it is at."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fake_venue.recording import FakeRecording

from vocx.errors import BadInput, RecordingError
from vocx.lab.dialects.binance.recording import BinanceRecording
from vocx.lab.events import Interval, Recorded
from vocx.lab.market.replay import Replay, open_replay
from vocx.recording import Line

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
BEHIND_MS = 1_000
"""The recorder's clock is that much behind the exchange's."""


def frame(second: float, channel: str, data: dict[str, Any], symbol: str = "BTCUSDT") -> bytes:
    """One recorded line; the event was sent when it arrived, by the exchange's clock."""
    at_ns = START + int(second * SECOND)
    if channel != "bookTicker":
        data = {"E": at_ns // 1_000_000 + BEHIND_MS, **data}
    body = {"stream": f"{symbol.lower()}@{channel}", "data": {"s": symbol, **data}}
    return b"%d %s\n" % (at_ns, json.dumps(body, separators=(",", ":")).encode())


def trade(second: float, trade_id: int, price: str, quantity: str, maker: bool) -> bytes:
    stamp = START // 1_000_000 + int(second * 1000) + BEHIND_MS
    data = {"t": trade_id, "p": price, "q": quantity, "T": stamp, "m": maker}
    return frame(second, "trade", data)


def diff(second: float, first: int, last: int, bids: list[Any], asks: list[Any]) -> bytes:
    return frame(second, "depth@100ms", {"U": first, "u": last, "b": bids, "a": asks})


SNAPSHOT = b'%d {"lastUpdateId":10,"bids":[["100.10","1.00000"]],"asks":[["100.20","2.00000"]]}\n'
SESSION = [
    diff(0, 8, 9, [["99.00", "9.00000"]], []),
    SNAPSHOT % (START + SECOND // 4),
    diff(0.5, 10, 12, [["100.11", "0.50000"]], [["100.20", "0.00000"], ["100.30", "3.00000"]]),
    trade(1, 501, "100.30", "0.25000", False),
    frame(2, "bookTicker", {"u": 13, "b": "100.12", "B": "0.40000", "a": "100.30", "A": "3.00000"}),
    trade(3, 502, "100.12", "0.15001", True),
]


def a_replay(lines: Iterable[bytes] = SESSION, **options: Any) -> Replay:
    numbered = [Line("x.gz", number, line) for number, line in enumerate(lines, 1)]
    return Replay(lambda: iter(numbered), BinanceRecording(), **options)


def test_it_waits_for_the_first_subscription() -> None:
    """Nothing plays and the clock stands until somebody listens."""
    simulation = a_replay()
    assert (simulation.state, simulation.next_ns(), simulation.advance(10**20)) == (
        "waiting",
        None,
        [],
    )
    assert (
        simulation.exchange_ns(5) == simulation.exchange_ns(10**20) == START + BEHIND_MS * 1_000_000
    )


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_frames_come_when_they_came(speed: float) -> None:
    """At speed 10, a second of ours holds ten of the recording; bytes are untouched."""
    simulation = a_replay(speed=speed)
    simulation.begin(7 * SECOND)
    now_ns = 7 * SECOND + int(1.5 * SECOND / speed)
    events = simulation.advance(now_ns)
    assert [e.stream for e in events if isinstance(e, Recorded)] == [
        "btcusdt@depth@100ms",
        "btcusdt@depth@100ms",
        "btcusdt@trade",
    ]
    assert isinstance(events[0], Recorded)
    assert SESSION[0].endswith(events[0].wrapped + b"\n") and events[0].data in events[0].wrapped
    assert json.loads(events[0].data)["u"] == 9
    assert simulation.next_ns() == simulation.exchange_ns(now_ns) + SECOND // 2


def test_depth_before_the_snapshot_is_the_snapshot() -> None:
    """Who asks early gets the recorded snapshot, to which the first changes join."""
    simulation = a_replay()
    book = simulation.markets["BTC/USDT"]
    assert (book.update_id, book.top(5)) == (10, ([(10010, 100000, 0)], [(10020, 200000, 0)]))
    simulation.begin(0)
    simulation.advance(SECOND // 5)
    assert (book.update_id, book.top(5)[0]) == (10, [(10010, 100000, 0)])


def test_state_is_that_of_the_frame_it_is_at() -> None:
    """Book, best, trades and the average follow the frames."""
    simulation = a_replay(speed=None)
    market = simulation.markets["BTC/USDT"]
    simulation.begin(0)
    assert len(simulation.advance(0, limit=2)) == 2
    assert market.top(5) == ([(10011, 50000, 0), (10010, 100000, 0)], [(10030, 300000, 0)])
    assert market.best() == (10011, 50000, 10030, 300000) and not market.trades(5)
    assert len(simulation.advance(0)) == 3
    assert market.best() == (10012, 40000, 10030, 300000)
    assert [(t.trade_id, t.taker) for t in market.trades(5)] == [(501, "buy"), (502, "sell")]
    assert market.trades(5, from_id=502)[0].quantity == 15001
    mean_e8 = (10030 * 25000 + 10012 * 15001) * 10**6 // 40001
    assert market.average_price(5, simulation.exchange_ns(0)) == (
        mean_e8,
        market.trades(1)[0].at_ns,
    )


def test_bars_and_window_hold_what_the_recording_holds() -> None:
    """A second without trades repeats the close; the 24 hours are the recording's."""
    simulation = a_replay(speed=None)
    simulation.begin(0)
    simulation.advance(0)
    market, now_ns = simulation.markets["BTC/USDT"], simulation.exchange_ns(0)
    bars = market.bars(Interval(seconds=1), 10, now_ns)
    assert [(b.trades, b.close, b.volume) for b in bars] == [
        (1, 10030, 25000),
        (0, 10030, 0),
        (1, 10012, 15001),
    ]
    day = market.window(86_400 * SECOND, now_ns)
    assert (day.high, day.low, day.trades, day.first, day.last) == (10030, 10012, 2, 501, 502)


def test_spec_is_read_off_the_data() -> None:
    """Names from the symbol, steps from the digits that are used."""
    spec = a_replay().markets["BTC/USDT"].spec
    assert (spec.base, spec.quote, spec.tick, spec.lot) == (
        "BTC",
        "USDT",
        Decimal("0.01"),
        Decimal("0.00001"),
    )


def test_after_a_gap_the_next_snapshot_counts() -> None:
    """A recording with a reconnect in it carries a second snapshot; the book starts over."""
    later = SNAPSHOT.replace(b"10,", b"90,").replace(b'"100.10"', b'"100.15"')
    simulation = a_replay(
        [*SESSION, later % (START + 4 * SECOND), diff(5, 85, 91, [["100.16", "1.00000"]], [])],
        speed=None,
    )
    simulation.begin(0)
    simulation.advance(0)
    market = simulation.markets["BTC/USDT"]
    assert (market.update_id, market.top(9)[0]) == (91, [(10016, 100000, 0), (10015, 100000, 0)])


def test_pause_and_step() -> None:
    """A paused recording stands still and misses nothing; steps are frames."""
    simulation = a_replay()
    simulation.begin(0)
    simulation.advance(SECOND // 10)
    simulation.set_pace(0, SECOND // 10)
    assert simulation.state == "paused" and not simulation.advance(60 * SECOND)
    assert len(simulation.step(2, 60 * SECOND)) == 2
    simulation.set_pace(1, 61 * SECOND)
    assert len(simulation.advance(61 * SECOND)) == 0 and len(simulation.advance(62 * SECOND)) == 1


def test_after_the_end_it_is_over_and_silent() -> None:
    """Nothing more is due; what was known stays known."""
    simulation = a_replay(speed=None)
    simulation.begin(0)
    assert len(simulation.advance(0)) == 5
    assert (simulation.state, simulation.next_ns(), simulation.advance(0)) == ("over", None, [])
    assert simulation.markets["BTC/USDT"].best()[0] == 10012
    assert simulation.progress["state"] == "over" and simulation.progress["played"] == 5


def test_it_can_be_played_again() -> None:
    """From the first frame, with the books, the trades and the clock of its beginning; what was
    played before stays as it is."""
    first = a_replay(speed=None)
    first.begin(0)
    played = first.advance(0)
    second = first.again()
    assert (second.state, second.round, second.played) == ("waiting", 2, 0)
    assert second.exchange_ns(10**20) == START + BEHIND_MS * 1_000_000
    market = second.markets["BTC/USDT"]
    assert market.best()[0] == 10010 and market.tape.newest is None
    assert (first.state, first.markets["BTC/USDT"].best()[0]) == ("over", 10012)
    second.begin(5)
    assert second.advance(5) == played and market.best()[0] == 10012


def test_a_corrupt_line_is_named_or_left_out() -> None:
    """The first bad line stops a recording; ``skip_bad`` plays the rest and counts."""
    lines = [*SESSION[:3], b'17 {"stream":"btcusdt@trade","data":{"t":5\n', b"rubbish\n"]
    with pytest.raises(RecordingError, match=r"x\.gz, line 4") as caught:
        a_replay(lines)
    assert caught.value.line == 4
    simulation = a_replay([*lines, *SESSION[3:]], skip_bad=True, speed=None)
    simulation.begin(0)
    assert (len(simulation.advance(0)), simulation.bad) == (5, 2)


@pytest.mark.parametrize("quoted", [True, False])
def test_a_lost_change_leaves_no_crossed_book(quoted: bool) -> None:
    """The change that deleted the best ask is missing: what the best prices rule out goes,
    or, where nobody quotes them, what crosses."""
    quote = {"u": 19, "b": "100.25", "B": "1.00000", "a": "100.30", "A": "3.00000"}
    rest = [diff(1, 15, 18, [["100.25", "1.00000"]], [["100.30", "3.00000"]])]
    rest += [frame(1, "bookTicker", quote)] if quoted else []
    simulation = a_replay([*SESSION[:2], b"rubbish\n", *rest], skip_bad=True, speed=None)
    simulation.begin(0)
    simulation.advance(0)
    bids, asks = simulation.markets["BTC/USDT"].top(5)
    assert [price for price, _, _ in asks] == [10030]
    assert [price for price, _, _ in bids] == ([10025, 10010] if quoted else [10010])


def fake(second: float, channel: str, data: Any, **more: Any) -> bytes:
    """One recorded line of a venue that sends books whole and trades in lists."""
    at_ns = START + int(second * SECOND)
    body = {"channel": channel, "symbol": "BTC-USDT", "time": at_ns // 10**6, "data": data, **more}
    return b"%d %s\n" % (at_ns, json.dumps(body).encode())


def test_another_venue_may_send_books_whole_and_trades_together() -> None:
    """A book in the stream replaces what was known; each trade of a frame is on the tape."""
    stamp = START // 10**6
    rows = [
        {"time": stamp, "id": number, "price": "100.1", "quantity": "0.5", "side": "buy"}
        for number in (7, 8)
    ]
    first = {"sequence": 4, "previous": 3, "bids": [["100.0", "1.0"]], "asks": [["100.2", "2.0"]]}
    change = {"sequence": 5, "previous": 4, "bids": [["100.1", "3.0"]], "asks": []}
    again = {"sequence": 20, "previous": 19, "bids": [["99.9", "1.0"]], "asks": [["100.3", "4.0"]]}
    lines = [
        fake(0, "book", first, type="snapshot"),
        fake(1, "trades", rows),
        fake(2, "book", change),
        fake(3, "book", again, type="snapshot"),
    ]
    numbered = [Line("x.gz", number, line) for number, line in enumerate(lines, 1)]
    simulation = Replay(lambda: iter(numbered), FakeRecording(), speed=None)
    market = simulation.markets["BTC/USDT"]
    simulation.begin(0)
    simulation.advance(0, limit=3)
    assert (market.update_id, market.top(5)[0]) == (5, [(1001, 30, 0), (1000, 10, 0)])
    assert [trade.trade_id for trade in market.trades(5)] == [7, 8]
    simulation.advance(0)
    assert (market.update_id, market.top(5)) == (20, ([(999, 10, 0)], [(1003, 40, 0)]))


def test_nothing_to_play_and_bad_speed(tmp_path: Path) -> None:
    """A recording without frames, no recording at all, and a speed of zero are refused."""
    (tmp_path / "empty.gz").write_bytes(gzip.compress(b""))
    for paths in ([], [tmp_path / "empty.gz"], [tmp_path / "none.gz"]):
        with pytest.raises(RecordingError):
            open_replay(paths, BinanceRecording())
    with pytest.raises(BadInput, match="speed"):
        a_replay(speed=0)
