"""The tape: trades as columns, minutes folded from them, whatever is asked in between."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vocx.lab.events import Interval, Traded
from vocx.lab.market.candles import CLOSE, COUNT, HIGH, LAST, LOW, OPEN, QUOTE, TAKER, VOLUME
from vocx.lab.market.engine import Book
from vocx.lab.market.instruments import INSTRUMENTS
from vocx.lab.market.symbol_market import SymbolMarket
from vocx.lab.market.tape import Tape

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
STEPS = st.lists(
    st.tuples(st.integers(0, 40 * SECOND), st.integers(90, 110), st.integers(1, 9), st.booleans()),
    max_size=80,
)


def made(steps: list[tuple[int, int, int, bool]], begin_ns: int = MINUTE) -> list[Traded]:
    """Trades that follow each other by so much."""
    trades, at_ns = [], begin_ns
    for number, (later, price, lots, buy) in enumerate(steps, 1):
        at_ns += later
        side = "buy" if buy else "sell"
        trades.append(Traded("BTC/USDT", at_ns, number, price, lots, side, 2 * number, 1))
    return trades


def row_of(trades: list[Traded], close: int, last: int) -> list[int]:
    """What the columns of a bucket with these trades must say."""
    if not trades:
        return [close, close, close, close, 0, 0, 0, 0, last]
    prices = [one.price for one in trades]
    return [
        *(prices[0], max(prices), min(prices), prices[-1]),
        sum(one.quantity for one in trades),
        sum(one.price * one.quantity for one in trades),
        len(trades),
        sum(one.quantity for one in trades if one.taker == "buy"),
        trades[-1].trade_id,
    ]


COLUMNS = [OPEN, HIGH, LOW, CLOSE, VOLUME, QUOTE, COUNT, TAKER, LAST]


@settings(max_examples=100, deadline=None)
@given(STEPS, st.integers(1, 80))
def test_minutes_are_their_trades(steps: list[tuple], asked: int) -> None:
    """However many trades are kept, and whether or not somebody asked before."""
    tape, trades = Tape("BTC/USDT", price=100, next_trade=1, kept=4), made(steps)
    for number, trade in enumerate(trades):
        tape.add(trade)
        if number == asked:
            tape.minutes(0, trade.at_ns // MINUTE + 2)
    end = (trades[-1].at_ns // MINUTE if trades else 0) + 3
    close, last, wanted = 100, 0, []
    for minute in range(end):
        wanted.append(row_of([t for t in trades if t.at_ns // MINUTE == minute], close, last))
        close, last = wanted[-1][3], wanted[-1][8]
    assert tape.minutes(0, end)[:, COLUMNS].tolist() == wanted
    assert tape.minutes(end - 2, end)[:, COLUMNS].tolist() == wanted[-2:]


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_the_newest_trades_are_kept(steps: list[tuple]) -> None:
    """At least so many as were asked for, in order, found by id and by time."""
    tape, trades = Tape("BTC/USDT", kept=1_250), made(steps * 60)
    for trade in trades:
        tape.add(trade)
    known = tape.read(0, None)
    assert known == trades[len(trades) - len(known) :]
    assert len(known) == len(trades) or len(known) >= 1_250
    assert tape.newest == (trades[-1] if trades else None)
    for one in known[:: max(len(known) // 5, 1)]:
        assert tape.trades(3, one.trade_id, None, None)[0] == one
        assert tape.trades(3, None, one.at_ns, None)[0].at_ns == one.at_ns
        assert tape.trades(3, None, None, one.at_ns)[-1].at_ns == one.at_ns


def test_a_busy_minute_is_kept_whole() -> None:
    """Its trades are not in the table of minutes yet: none is dropped before the minute ends."""
    trades = made([(SECOND // 1_000, 100, 1, True)] * 9_000)
    tape = Tape("BTC/USDT", kept=100)
    for trade in trades:
        tape.add(trade)
    assert tape.minutes(1, 2)[0, COUNT] == 9_000


def test_earlier_trades_come_before_and_count_in_no_minute() -> None:
    """History holds their minutes; they are asked for once, when somebody reads trades."""
    earlier, asked = made([(SECOND, 100, 1, True)] * 5, begin_ns=0), []
    tape = Tape("BTC/USDT", 100, 6, lambda: asked.append(1) or earlier)
    later = [
        Traded("BTC/USDT", MINUTE, 6, 101, 2, "sell", 1, 2),
    ]
    tape.add(later[0])
    assert tape.minutes(0, 2)[:, COUNT].tolist() == [0, 1] and not asked
    assert tape.trades(9, None, None, None) == [*earlier, *later] and asked == [1]
    assert tape.minutes(0, 2)[:, COUNT].tolist() == [0, 1]
    assert tape.buckets(1, 1, 7)[:, COUNT].tolist() == [1, 1, 1, 1, 1, 0]


@pytest.mark.parametrize("kept", [4, 20_000])
def test_seconds_reach_as_far_as_every_trade_is_kept(kept: int) -> None:
    """The first second is told only where nothing of it is missing."""
    tape = Tape("BTC/USDT", kept=kept)
    for trade in made([(SECOND, 100, 1, True)] * 2_600):
        tape.add(trade)
    market = SymbolMarket(INSTRUMENTS[0], Book("BTC/USDT"), tape)
    bars = market.bars(Interval(seconds=1), 9_999, 3_000 * SECOND)
    first = tape.read(0, 1)[0].at_ns
    assert bars[0].open_ns == first + SECOND * (not tape.whole)
    assert tape.whole == (kept == 20_000) and bars[0].trades == 1
    assert tape.minutes(0, 60)[:, COUNT].sum() == 2_600
