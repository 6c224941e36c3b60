"""Candles, windows and trades from before the start, and how the live market continues them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from vocx.lab.events import Bar, Interval, Traded
from vocx.lab.market.instruments import INSTRUMENTS
from vocx.lab.market.simulation import CrowdSimulation, open_crowd
from vocx.lab.market.symbol_market import SymbolMarket

START = 1_795_343_000_123_456_789
SECOND = 1_000_000_000
NOW = START + 200 * SECOND
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
ALL = "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()


def every(text: str, offset_s: int = 0) -> Interval:
    """``"15m"`` as an interval; ``"1M"`` is a month."""
    if text[-1] == "M":
        return Interval(months=int(text[:-1]), offset_s=offset_s)
    return Interval(seconds=int(text[:-1]) * UNITS[text[-1]], offset_s=offset_s)


@pytest.fixture(scope="module")
def simulation() -> Iterator[CrowdSimulation]:
    """A simulation that has traded for 200 s."""
    opened = open_crowd(seed=5, start_ns=START, specs=INSTRUMENTS[:1])
    while opened.advance(NOW, 10_000):
        pass
    yield opened


@pytest.fixture(scope="module")
def market(simulation: CrowdSimulation) -> SymbolMarket:
    """Its busiest symbol."""
    found = simulation.markets["BTC/USDT"]
    assert isinstance(found, SymbolMarket)
    return found


def merged(bars: list[Bar]) -> tuple[int, ...]:
    """What a bar over these bars must say, by the rule every charting library uses."""
    traded = [bar for bar in bars if bar.trades]
    return (
        traded[0].open,
        max(bar.high for bar in traded),
        min(bar.low for bar in traded),
        traded[-1].close,
        *(
            sum(getattr(bar, name) for bar in bars)
            for name in ("volume", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote")
        ),
        traded[0].first,
        traded[-1].last,
    )


def said(bar: Bar) -> tuple[int, ...]:
    return tuple(getattr(bar, name) for name in bar.__struct_fields__[2:])


@pytest.mark.parametrize(
    ("long", "short", "parts"),
    [
        ("3m", "1m", 3),
        ("5m", "1m", 5),
        ("15m", "5m", 3),
        ("30m", "15m", 2),
        ("1h", "1m", 60),
        ("4h", "1h", 4),
        ("12h", "2h", 6),
        ("1d", "1h", 24),
        ("3d", "1d", 3),
        ("1w", "1d", 7),
    ],
)
def test_a_long_bar_is_its_short_bars(
    market: SymbolMarket, long: str, short: str, parts: int
) -> None:
    """Across history, the border and the live market, to the last digit."""
    for bar in market.bars(every(long), 14, NOW):
        inside = market.bars(every(short), parts, NOW, start_ns=bar.open_ns, end_ns=bar.close_ns)
        assert said(bar) == merged(list(inside))
        assert inside[0].open_ns == bar.open_ns


def test_a_minute_is_its_seconds(market: SymbolMarket) -> None:
    """As far as single trades are kept; before that there are no seconds."""
    for bar in market.bars(every("1m"), 3, NOW):
        inside = market.bars(every("1s"), 60, NOW, start_ns=bar.open_ns, end_ns=bar.close_ns)
        assert said(bar) == merged(list(inside))
    assert market.bars(every("1s"), 9, NOW, end_ns=NOW - 3_600 * SECOND) == []


def test_a_month_is_its_days(market: SymbolMarket) -> None:
    """Calendar months, whatever their length."""
    for bar in market.bars(every("1M"), 5, NOW):
        days = market.bars(every("1d"), 40, NOW, start_ns=bar.open_ns, end_ns=bar.close_ns)
        assert said(bar) == merged(list(days))
        assert bar.close_ns == NOW or 28 <= (bar.close_ns + 1 - bar.open_ns) / 86_400e9 <= 31


@pytest.mark.parametrize("interval", ALL)
def test_bars_are_whole(market: SymbolMarket, interval: str) -> None:
    """No hole, high and low are the extremes, averages lie between them, ids follow on."""
    bars = market.bars(every(interval), 1_000, NOW)
    assert len(bars) == min(1_000, len(bars)) > 30
    assert bars[-1].open_ns <= NOW <= bars[-1].close_ns
    for before, bar in zip(bars, bars[1:], strict=False):
        assert bar.open_ns == before.close_ns + 1
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.trades == 0 or bar.low <= bar.quote_volume / bar.volume <= bar.high
        assert bar.taker_buy_volume <= bar.volume and bar.taker_buy_quote <= bar.quote_volume
        assert (bar.first == -1) == (bar.trades == 0)
        if bar.trades and before.trades:
            assert bar.first == before.last + 1 == bar.last - bar.trades + 1


def test_busy_bars_are_not_flat(market: SymbolMarket) -> None:
    """A candle chart of the busiest symbol looks like one; nights are quieter than afternoons."""
    minutes = market.bars(every("1m"), 1_000, NOW)
    assert all(bar.high > bar.low and bar.trades > 20 for bar in minutes[:-1])
    hours = market.bars(every("1h"), 1_000, NOW)
    night = [bar.volume for bar in hours if bar.open_ns // (3_600 * SECOND) % 24 == 5]
    afternoon = [bar.volume for bar in hours if bar.open_ns // (3_600 * SECOND) % 24 == 14]
    assert sum(afternoon) > 2 * sum(night)


def test_history_ends_where_the_market_begins() -> None:
    """Last close, last trade, start price and first best price are one; ids go on by one."""
    simulation = open_crowd(seed=5, start_ns=START)
    for market in simulation.markets.values():
        price = int(market.spec.price / market.spec.tick)
        assert market.bars(every("1s"), 1, START)[-1].close == price == market.best()[0]
        assert market.trades(1)[-1].price == price
    last = {symbol: market.trades(1)[-1].trade_id for symbol, market in simulation.markets.items()}
    first: dict[str, int] = {}
    for event in simulation.advance(START + 60 * SECOND, 100_000):
        if isinstance(event, Traded):
            first.setdefault(event.symbol, event.trade_id)
    assert first == {symbol: number + 1 for symbol, number in last.items()}


@pytest.mark.parametrize("symbol", ["SOL/USDT", "ETH/BTC", "BNB/USDT", "XRP/USDT"])
def test_the_past_looks_like_the_market(symbol: str) -> None:
    """Returns, ranges, trades and volumes of a day's minutes before the start agree with two hours
    of the running crowd within a factor of 1.5, and the step from one to the other is ordinary."""
    spec = next(one for one in INSTRUMENTS if one.symbol == symbol)
    simulation = open_crowd(seed=4, start_ns=START, specs=[spec])
    minutes, now_ns = 120, START
    for _ in range(minutes):
        now_ns += 60 * SECOND
        while simulation.advance(now_ns, 100_000):
            pass
    bars = simulation.markets[symbol].bars(every("1m"), 1_440 + minutes, now_ns)
    closes = np.array([bar.close for bar in bars], float)
    returns = np.diff(np.log(closes))
    means = {
        "range": np.array([(bar.high - bar.low) / bar.open for bar in bars[1:]]),
        "trades": np.array([bar.trades for bar in bars[1:]]),
        "volume": np.array([bar.volume for bar in bars[1:]]),
    }
    border = len(returns) - minutes - 1  # the minute in which one becomes the other
    past, live = slice(0, border), slice(border + 1, -1)
    assert 1 / 1.5 < returns[past].std() / returns[live].std() < 1.5
    for name, values in means.items():
        assert 1 / 1.5 < values[past].mean() / values[live].mean() < 1.5, name
    seam = np.abs(returns[border - 1 : border + 2])
    assert seam.max() <= np.quantile(np.abs(np.append(returns[past], returns[live])), 0.99)


@pytest.mark.parametrize("seed", [4, 7, 10])
def test_the_seam_of_the_busiest_symbol_is_ordinary(seed: int) -> None:
    """The symbol that lessons draw: the minutes in which the past becomes the market are no larger
    than the past's p99, and minutes, hours and days are of one market: their volatility a day
    agrees within a factor of 2."""
    simulation = open_crowd(seed=seed, start_ns=START, specs=INSTRUMENTS[:1])
    now_ns, live = START + 180 * SECOND, 3
    while simulation.advance(now_ns, 100_000):
        pass
    market, a_day = simulation.markets["BTC/USDT"], {}
    for text, per_day in (("1m", 1_440), ("1h", 24), ("1d", 1)):
        bars = market.bars(every(text), 1_000, now_ns)
        returns = np.diff(np.log(np.array([bar.close for bar in bars], float)))
        a_day[text] = returns.std() * per_day**0.5
        if text == "1m":
            border = len(returns) - live - 1
            past, seam = np.abs(returns[: border - 1]), np.abs(returns[border - 1 : border + 2])
            assert seam.max() <= np.quantile(past, 0.99)
    assert max(a_day.values()) < 2 * min(a_day.values()), a_day


def test_a_new_lab_has_a_thousand_trades() -> None:
    """From the first moment, consecutive, in order of time, agreeing with their minutes."""
    for market in open_crowd(seed=8, start_ns=START).markets.values():
        trades = market.trades(1_000)
        assert [t.trade_id for t in trades] == list(
            range(trades[-1].trade_id - 999, trades[-1].trade_id + 1)
        )
        assert all(a.at_ns <= b.at_ns < START for a, b in zip(trades, trades[1:], strict=False))
        bar = market.bars(every("1m"), 1, START, end_ns=trades[500].at_ns)[0]
        inside = [t for t in market.trades(10_000) if bar.open_ns <= t.at_ns <= bar.close_ns]
        assert (len(inside), sum(t.quantity for t in inside)) == (bar.trades, bar.volume)
        assert (inside[0].price, inside[-1].price) == (bar.open, bar.close)
        assert all(bar.low <= t.price <= bar.high for t in inside)


def test_live_bars_are_the_trades(market: SymbolMarket) -> None:
    """A live second says what its trades say."""
    trades = [t for t in market.trades(25_000) if t.at_ns >= START + SECOND]
    bars = market.bars(every("1s"), 1_000, NOW, start_ns=START + SECOND)
    assert sum(bar.trades for bar in bars) > 1_000
    for bar in bars:
        inside = [t for t in trades if bar.open_ns <= t.at_ns <= bar.close_ns]
        assert bar.trades == len(inside)
        if inside:
            prices = [t.price for t in inside]
            assert (bar.open, bar.high, bar.low, bar.close) == (
                *(prices[0], max(prices), min(prices), prices[-1]),
            )
            assert bar.volume == sum(t.quantity for t in inside)
            assert bar.quote_volume == sum(t.price * t.quantity for t in inside)
            assert bar.taker_buy_volume == sum(t.quantity for t in inside if t.taker == "buy")
            assert (bar.first, bar.last) == (inside[0].trade_id, inside[-1].trade_id)


def test_the_day_joins_history_and_live(market: SymbolMarket) -> None:
    """The rolling 24 hours are the sum of their minutes, and of their parts."""
    day = market.window(86_400 * SECOND, NOW)
    minutes = market.bars(every("1m"), 1_500, NOW, start_ns=day.open_ns)
    whole = merged(list(minutes))
    assert (day.open, day.high, day.low, day.close) == whole[:4]
    assert (day.volume, day.quote_volume, day.trades) == whole[4:7]
    assert (day.first, day.last) == whole[-2:]
    assert day.last_quantity == market.trades(1)[-1].quantity
    assert 0 < 86_400 * SECOND - (NOW - day.open_ns) < 60 * SECOND


@pytest.mark.parametrize("length_s", [60, 3_600, 14_400, 7 * 86_400])
def test_windows_of_other_lengths(market: SymbolMarket, length_s: int) -> None:
    """Asked twice, a moment apart, they stay consistent with the candles."""
    for now in (NOW - 20 * SECOND, NOW):
        window = market.window(length_s * SECOND, now)
        assert window.last - window.first + 1 == window.trades
        assert window.low <= window.quote_volume / window.volume <= window.high
        step = every("1s" if length_s == 60 else "1m")
        before = market.bars(step, 1, now, end_ns=window.open_ns - 1)[0]
        assert window.previous_close == before.close


def test_time_zones_shift_days(market: SymbolMarket) -> None:
    """At +8:00 a day begins at 16:00 UTC and is the sum of its hours; so at +5:45."""
    for offset_s in (8 * 3_600, 5 * 3_600 + 45 * 60, -3 * 3_600):
        days = market.bars(every("1d", offset_s), 200, NOW)
        assert all(b.open_ns == a.close_ns + 1 for a, b in zip(days, days[1:], strict=False))
        bar = days[-3]
        assert (bar.open_ns // SECOND + offset_s) % 86_400 == 0
        quarters = market.bars(every("15m"), 96, NOW, start_ns=bar.open_ns, end_ns=bar.close_ns)
        assert len(quarters) == 96 and said(bar) == merged(list(quarters))


def test_weeks_begin_on_monday(market: SymbolMarket) -> None:
    """And months on the first."""
    for text, field, first in (("1w", "tm_wday", 0), ("1M", "tm_mday", 1)):
        opened = [bar.open_ns // SECOND for bar in market.bars(every(text), 9, NOW)]
        assert [getattr(time.gmtime(second), field) for second in opened] == [first] * 9


def test_from_when_to_when(market: SymbolMarket) -> None:
    """``start_ns`` counts forward, ``end_ns`` backward, both bound; all by opening time."""
    minute = 60 * SECOND
    edge = NOW // minute * minute - 100 * minute
    ahead = market.bars(every("1m"), 5, NOW, start_ns=edge - minute + 1)
    assert [bar.open_ns for bar in ahead] == [edge + n * minute for n in range(5)]
    back = market.bars(every("1m"), 5, NOW, end_ns=edge)
    assert [bar.open_ns for bar in back] == [edge - n * minute for n in range(4, -1, -1)]
    assert len(market.bars(every("1m"), 500, NOW, start_ns=edge, end_ns=edge + 9 * minute)) == 10
    assert market.bars(every("1m"), 5, NOW, start_ns=NOW + 1) == []
    assert market.bars(every("1m"), 5, NOW, start_ns=edge, end_ns=edge - 1) == []


def test_the_past_is_finite_and_long(market: SymbolMarket) -> None:
    """Years of days, 40 days of minutes; before the first of each there is nothing."""
    first = market.bars(every("1d"), 1_000, NOW, start_ns=0)
    assert len(first) == 1_000 and NOW - first[0].open_ns > 2 * 365 * 86_400 * SECOND
    assert market.bars(every("1h"), 10, NOW, start_ns=0)[0].open_ns == first[0].open_ns
    assert market.bars(every("1d"), 10, NOW, end_ns=first[0].open_ns - 1) == []
    page = market.bars(every("1m"), 1_000, NOW, start_ns=NOW - 365 * 86_400 * SECOND)
    assert len(page) == 1_000 and 40 <= (NOW - page[0].open_ns) / 86_400e9 < 41
    assert market.bars(every("1m"), 10, NOW, end_ns=page[0].open_ns - 1) == []


def test_a_bar_does_not_depend_on_what_was_asked_before() -> None:
    """Two labs with one seed agree, in whatever order they are asked."""
    one, two = (open_crowd(seed=6, start_ns=START).markets["ETH/USDT"] for _ in range(2))
    a = one.bars(every("1m"), 1_000, START)
    two.bars(every("1w"), 100, START)
    two.bars(every("1h"), 7, START, end_ns=START - 9_999 * SECOND)
    assert list(a[300:310]) == list(
        two.bars(every("1m"), 10, START, start_ns=a[300].open_ns, end_ns=a[309].open_ns)
    )
    other = open_crowd(seed=7, start_ns=START).markets["ETH/USDT"]
    assert list(other.bars(every("1m"), 10, START)) != list(a[-10:])


def test_the_average_price_is_weighted(market: SymbolMarket) -> None:
    """Quote volume over volume of the last minutes, in 1e-8; the time is the last trade's."""
    price, at_ns = market.average_price(2, NOW)
    trades = [t for t in market.trades(25_000) if t.at_ns >= (NOW // SECOND - 119) * SECOND]
    value = sum(t.price * t.quantity for t in trades)
    assert price == value * 10**6 // sum(t.quantity for t in trades)
    assert at_ns == market.trades(1)[-1].at_ns


def test_trades_from_an_id_or_a_time(market: SymbolMarket) -> None:
    """Both inclusive, oldest first; without them the newest."""
    newest = market.trades(10)
    number = newest[4].trade_id
    assert list(market.trades(3, from_id=number)) == list(newest[4:7])
    assert list(market.trades(1_000, from_id=number)) == list(newest[4:])
    assert market.trades(5, from_id=newest[-1].trade_id + 1) == []
    at = newest[4].at_ns
    assert all(t.at_ns >= at for t in market.trades(50, start_ns=at))
    until = market.trades(50, end_ns=at)
    assert len(until) == 50 and until[-1].at_ns <= at


def test_quick_enough(market: SymbolMarket) -> None:
    """A thousand bars of any interval within 50 ms, a repeated 24-hour window within 2 ms."""
    for interval in ALL:
        spent = []
        for attempt in range(3):
            begin = time.process_time()
            market.bars(every(interval), 1_000, NOW, end_ns=NOW - attempt * 2_000 * SECOND)
            spent.append(time.process_time() - begin)
        assert min(spent) < 0.05, f"{interval}: {min(spent):.3f} s"
    market.window(86_400 * SECOND, NOW)
    begin = time.process_time()
    for tick in range(10):
        market.window(86_400 * SECOND, NOW + tick * 1_000)
    assert (time.process_time() - begin) / 10 < 0.002
