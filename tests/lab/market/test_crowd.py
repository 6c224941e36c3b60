"""The crowd: the market that the lessons need, the same for the same seed."""

from __future__ import annotations

import math

import pytest
from market import figures, of_crowd

from vocx.lab.events import BestChanged, Event, LevelChanged, Traded
from vocx.lab.market.instruments import INSTRUMENTS
from vocx.lab.market.simulation import CrowdSimulation, open_crowd

START = 1_795_343_000_123_456_789
SECOND = 1_000_000_000


def run(
    simulation: CrowdSimulation, seconds: float, step_ns: int, begin: int = START
) -> list[Event]:
    """All events of that long, asked for in steps of ``step_ns``."""
    events: list[Event] = []
    end = begin + int(seconds * SECOND)
    for now in [*range(begin + step_ns, end, step_ns), end]:
        while found := simulation.advance(now):
            events += found
    return events


@pytest.mark.parametrize("seed", [7, 23])
def test_the_market_the_lab_must_have(seed: int) -> None:
    """The three ranges of the lessons' specification, over five minutes of market."""
    seen = figures(of_crowd(300, seed))
    assert 20 <= seen["wrong share, 1 s poll, %"] <= 45
    assert 5 <= seen["share that change a price, %"] <= 20
    assert 35 <= seen["seconds without one, %"] <= 65
    assert seen["spread one tick, % of time"] > 98.5


def test_the_same_seed_gives_the_same_events() -> None:
    """However ``advance`` is called, and wherever on the calendar the lab starts."""
    fine = run(open_crowd(seed=3, start_ns=START), 8, SECOND // 250)
    coarse = run(open_crowd(seed=3, start_ns=START), 8, 5 * SECOND)
    later = START + 77 * 86_400 * SECOND + 1
    moved = run(open_crowd(seed=3, start_ns=later), 8, SECOND // 10, later)
    assert len(fine) > 3_000
    assert fine == coarse
    shifted = [type(e)(*[getattr(e, f) for f in e.__struct_fields__]) for e in moved]
    assert [e.at_ns - later for e in shifted] == [e.at_ns - START for e in fine]
    assert [getattr(e, "price", None) for e in moved] == [getattr(e, "price", None) for e in fine]
    assert [getattr(e, "trade_id", 0) for e in moved] == [getattr(e, "trade_id", 0) for e in fine]


def test_another_seed_gives_another_market() -> None:
    """Seeds matter, and symbols do not share their randomness."""
    one = run(open_crowd(seed=3, start_ns=START, specs=INSTRUMENTS[:1]), 2, SECOND)
    two = run(open_crowd(seed=4, start_ns=START, specs=INSTRUMENTS[:1]), 2, SECOND)
    alone = [
        e for e in run(open_crowd(seed=3, start_ns=START), 2, SECOND) if e.symbol == "BTC/USDT"
    ]
    assert one != two
    assert one == alone


def test_pace_changes_when_not_what() -> None:
    """Ten times the pace: the same events in a tenth of the time."""
    slow = run(open_crowd(seed=3, start_ns=START), 8, SECOND)
    fast = run(open_crowd(seed=3, start_ns=START, pace=10.0), 0.8, SECOND)
    assert abs(len(fast) - len(slow)) <= 30
    for one, other in zip(slow, fast, strict=False):
        assert type(one) is type(other)
        assert abs((other.at_ns - START) * 10 - (one.at_ns - START)) <= 30


def test_a_pause_is_not_caught_up() -> None:
    """Paused: nothing is due. Afterwards it goes on where it stood, at the old rate."""
    simulation = open_crowd(seed=3, start_ns=START)
    run(simulation, 2, SECOND)
    simulation.set_pace(0, START + 2 * SECOND)
    assert simulation.next_ns() is None and simulation.advance(START + 900 * SECOND) == []
    simulation.set_pace(1.0, START + 900 * SECOND)
    after = run(simulation, 2, SECOND, START + 900 * SECOND)
    straight = run(open_crowd(seed=3, start_ns=START), 4, SECOND)
    assert after == [
        type(e)(e.symbol, e.at_ns + 898 * SECOND, *[getattr(e, f) for f in e.__struct_fields__[2:]])
        for e in straight
        if e.at_ns > START + 2 * SECOND
    ]


def test_overdue_events_are_dropped_by_setting_the_pace() -> None:
    """A lab that slept for an hour sets its pace again instead of trading an hour at once."""
    simulation = open_crowd(seed=3, start_ns=START)
    simulation.set_pace(1.0, START + 3_600 * SECOND)
    due = simulation.next_ns()
    assert due is not None and due >= START + 3_600 * SECOND


def test_a_paused_market_steps() -> None:
    """``step`` acts without the clock, is repeatable, and never stamps into the past."""
    simulations = [open_crowd(seed=3, start_ns=START, pace=0) for _ in range(2)]
    once = simulations[0].step(300, START + 5)
    parts = [event for _ in range(3) for event in simulations[1].step(100, START + 5)]
    assert once == parts and len(once) > 200
    assert {event.at_ns for event in once} == {START + 5}
    simulations[0].set_pace(1.0, START + SECOND)
    assert all(e.at_ns >= START + SECOND for e in simulations[0].advance(START + 2 * SECOND))


def test_events_agree_with_the_books() -> None:
    """Per symbol: update and trade ids without gaps, times that never go back, one best price
    that is never crossed."""
    simulation = open_crowd(seed=9, start_ns=START)
    start = {symbol: market.update_id for symbol, market in simulation.markets.items()}
    events = run(simulation, 30, SECOND // 10)
    assert all(a.at_ns <= b.at_ns for a, b in zip(events, events[1:], strict=False))
    for symbol, market in simulation.markets.items():
        mine = [event for event in events if event.symbol == symbol]
        ids = [event.update_id for event in mine if isinstance(event, LevelChanged)]
        assert ids == list(range(start[symbol] + 1, market.update_id + 1))
        numbers = [event.trade_id for event in mine if isinstance(event, Traded)]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        bests = [event for event in mine if isinstance(event, BestChanged)]
        assert all(0 < event.bid < event.ask for event in bests)
        last = bests[-1]
        assert market.best() == (last.bid, last.bid_quantity, last.ask, last.ask_quantity)


def test_symbols_are_less_and_less_busy() -> None:
    """The first is the busiest; the last one trades, too."""
    simulation = open_crowd(seed=5, start_ns=START)
    run(simulation, 60, SECOND // 10)
    now = START + 60 * SECOND
    counts = [market.window(60 * SECOND, now).trades for market in simulation.markets.values()]
    assert counts[0] == max(counts) and counts[0] > 5 * counts[-1] > 0


def test_the_book_is_deep_from_the_start() -> None:
    """Thousands of levels, best prices at the start price, one tick apart."""
    market = open_crowd(seed=1, start_ns=START).markets["BTC/USDT"]
    bids, asks = market.top(5_000)
    assert len(bids) > 1_000 and len(asks) > 1_500
    assert (bids[0][0], asks[0][0]) == (6_170_000, 6_170_001)


def test_the_crowd_recovers_from_an_empty_book() -> None:
    """Somebody bought everything there was: within a second both sides are quoted again."""
    simulation = open_crowd(seed=2, start_ns=START, specs=INSTRUMENTS[:1])
    book = simulation.markets["BTC/USDT"].book
    for side in ("buy", "sell"):
        book.market(START, side, quantity=10**12, owner="whale")
    assert book.best() == (0, 0, 0, 0)
    run(simulation, 2, SECOND // 10)
    bid, _, ask, _ = book.best()
    assert bid and ask and bid < ask


def test_the_crowd_never_cancels_an_order_of_somebody_else() -> None:
    """A large order with an owner rests at the best price until it is traded."""
    simulation = open_crowd(seed=2, start_ns=START, specs=INSTRUMENTS[:1])
    book = simulation.markets["BTC/USDT"].book
    mine = book.limit(START, "buy", 6_170_000, 10**9, owner="ann").order
    run(simulation, 60, SECOND // 10)
    assert mine is not None and mine.id in book.orders
    assert 0 < mine.remaining < mine.quantity
    assert book.best()[0] >= 6_170_000


def test_the_price_does_not_run_away() -> None:
    """Two hours of a quiet symbol: within two daily standard deviations of the start."""
    spec = INSTRUMENTS[-1]
    simulation = open_crowd(seed=1, start_ns=START, specs=[spec])
    run(simulation, 2 * 3_600, 60 * SECOND)
    moved = math.log(simulation.markets[spec.symbol].best()[0] * spec.tick / spec.price)
    assert 0 < abs(moved) < 2 * spec.volatility


def test_a_negative_pace_is_refused() -> None:
    """Time does not run backwards; the text says what the numbers mean."""
    with pytest.raises(ValueError, match="0 pauses"):
        open_crowd(seed=1, start_ns=START, specs=INSTRUMENTS[-1:]).set_pace(-1, START)
