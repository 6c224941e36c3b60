"""The time until a fill is known: by hand, and once in a real lab 80 ms away."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

import vocx
from vocx import measure, stream
from vocx.errors import BadInput
from vocx.facts import BookSnapshot
from vocx.measure import FillTimes, Interval, theory
from vocx.measure.fills import _ahead, _phases
from vocx.measure.trading import Trader

BNB = "BNB/USDT"
ACCOUNTS = ("measure: fills", f"measure: the other side of {BNB}")


@pytest.fixture(scope="module")
def exchange() -> Iterator[vocx.Exchange]:
    with vocx.lab.open(seed=7, name="fills") as lab, vocx.connect("binance", lab=lab) as made:
        yield made


def left(exchange: vocx.Exchange, name: str) -> tuple[Any, dict[str, Decimal]]:
    """An account's open orders, and what it holds of each asset."""
    from vocx.venues.base import GetBalances, GetOpenOrders

    with Trader(exchange, name) as trader:
        ask = trader.rest.call
        held = ask(GetBalances(), trader.key, trader.now_ns)
        orders = ask(GetOpenOrders(symbol=BNB), trader.key, trader.now_ns)
    assert all(one.locked == 0 for one in held), f"{name} has something locked"
    return list(orders), {one.asset: one.free for one in held}


@pytest.fixture(scope="module")
def far(exchange: vocx.Exchange) -> FillTimes:
    with exchange.lab.network.latency(rtt_ms=80):
        return measure.fills(exchange, every_ms=(100, 400), repeats=12)


# theory


@pytest.mark.parametrize(("every_ms", "rtt_ms"), [(250, 0), (250, 80), (1000, 200), (100, 180)])
def test_a_poll_that_is_on_its_way_at_the_match_brings_the_news(every_ms, rtt_ms) -> None:
    """Polls on a grid, at every phase: half the interval and half a round trip, not a whole one."""
    period, way = max(every_ms, rtt_ms), rtt_ms / 2
    waits = []
    for phase in range(2000):
        sent = -2 * period + (phase + 0.5) / 2000 * period
        while sent + way < 0:  # read by the exchange before the match
            sent += period
        waits.append(sent + 2 * way)
    assert sum(waits) / 2000 == pytest.approx(theory.expected_age_ms(every_ms, rtt_ms), abs=0.5)
    p95 = sorted(waits)[1900]
    assert p95 == pytest.approx(theory.age_quantile_ms(0.95, every_ms, rtt_ms), abs=0.5)


def test_phases_lie_in_every_part_of_the_interval() -> None:
    """One in each, in an order and at places of chance, the same for the same seed."""
    from random import Random

    found = _phases(Random(1), 10)
    assert [int(one * 10) for one in sorted(found)] == list(range(10))
    assert found == _phases(Random(1), 10) != _phases(Random(2), 10)
    assert found != sorted(found)


def test_what_stands_before_our_order_is_at_its_price_and_better() -> None:
    """That much must be taken for ours to be reached."""
    levels = [(Decimal(price), Decimal(size)) for price, size in ((10, 1), (9, 2), (8, 4))]
    book = BookSnapshot(
        symbol=BNB,
        bids=tuple(levels),
        asks=tuple((price + 3, size) for price, size in reversed(levels)),
        sequence=1,
        depth=3,
        arrived_ns=0,
    )
    assert _ahead(book, "buy", Decimal(9)) == 3 and _ahead(book, "sell", Decimal(12)) == 6


# measured


def test_pushed_is_half_a_round_trip(far: FillTimes) -> None:
    """At 80 ms: 40, and the machine's own few milliseconds."""
    pushed = far.rows()[0]
    assert min(far.pushed_ms) >= 40
    assert pushed["p50_ms"].holds(40, slack=8), str(far)
    assert pushed["p50_ms"].holds(pushed["theory_ms"], slack=8), str(far)


def test_polled_is_half_an_interval_later(far: FillTimes) -> None:
    """Line and points: theory lies inside the measured interval."""
    for row in far.rows()[1:]:
        assert row["mean_ms"].holds(row["theory_ms"], slack=6), str(far)
        assert row["mean_ms"].low > 80 / 2 and row["mean_ms"].n == len(far.pushed_ms) >= 8
    for every_ms, samples in zip(far.every_ms, far.polled_ms, strict=True):
        three_of_four = sorted(samples)[3 * len(samples) // 4]  # others waited for the machine
        assert 40 <= min(samples) and three_of_four <= every_ms + 40 + 40


def test_pushed_is_known_before_polled(far: FillTimes) -> None:
    """Of the same fill, but for the rare poll that comes at the same moment; and the longer the
    interval, the later."""
    for samples in far.polled_ms:
        earlier = sum(a < b for a, b in zip(far.pushed_ms, samples, strict=True))
        assert earlier >= 0.75 * len(samples), str(far)
    medians: list[Interval] = [row["p50_ms"] for row in far.rows()]
    assert all(early.value < late.value for early, late in pairwise(medians)), str(far)


def test_polling_costs_weight_and_listening_none(far: FillTimes) -> None:
    """4 a poll: 600 polls a minute are 2,400 of 6,000, for a single order."""
    assert far.weight == 4 and far.limit == 6000
    assert [row["weight_share"] for row in far.rows()] == pytest.approx([0, 0.4, 0.1], abs=0.02)
    assert all(len(far.pushed_ms) <= sent < 3 * len(far.pushed_ms) for sent in far.polls)


def test_figure_and_file(far: FillTimes, tmp_path) -> None:
    """Each fill is a point of each way; what was saved comes back as it was."""
    points = [trace for trace in far.figure().data if trace.mode == "markers"]
    assert [len(trace.x) for trace in points] == [len(far.pushed_ms)] * 3
    assert [len(trace.x) for trace in far.figure().data if trace.mode == "lines"] == [2] * 3
    assert measure.load(far.save(tmp_path / "fills")) == far
    assert "latency 80 ms" in str(far) and "polled every 400 ms" in str(far)


# what it leaves


def test_nothing_is_left(exchange: vocx.Exchange, far: FillTimes) -> None:
    """No order, no thread, no stream, nothing locked; your account is as it was."""
    before = {name: left(exchange, name)[1] for name in ACCOUNTS}
    mine = {one.asset: one.total for one in exchange.balances()}
    threads = set(threading.enumerate())
    measure.fills(exchange, every_ms=(50,), repeats=4)
    assert {one.asset: one.total for one in exchange.balances()} == mine
    assert not exchange.open_orders(BNB) and not stream.running()
    assert {one.name for one in set(threading.enumerate()) - threads} == set()
    after = {name: left(exchange, name) for name in ACCOUNTS}
    assert [orders for orders, _ in after.values()] == [[], []]
    ours, then = after[ACCOUNTS[0]][1], before[ACCOUNTS[0]]
    assert ours.keys() == then.keys()
    spent = {asset: abs(ours[asset] - then[asset]) for asset in ours if ours[asset] != then[asset]}
    assert spent.keys() == {"BNB", "USDT"}, "fees, and the spread"
    assert spent["BNB"] < Decimal("0.001") and spent["USDT"] < 1, "as much was bought as sold"


def test_an_interrupt_leaves_nothing_either(exchange: vocx.Exchange) -> None:
    """Whenever it comes, orders, streams and threads are ended."""
    threads = set(threading.enumerate())
    timer = threading.Timer(1.2, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        measure.fills(exchange, every_ms=(1000,), repeats=50)
    timer.join()
    assert left(exchange, ACCOUNTS[0])[0] == [] and not stream.running()
    assert {one.name for one in set(threading.enumerate()) - threads} == set()


def test_what_rests_is_cancelled(exchange: vocx.Exchange) -> None:
    """An order that nobody took does not stay on the book."""
    with Trader(exchange, "rests") as trader:
        price = exchange.quote(BNB).bid.quantize(Decimal(1)) - 50
        rests = trader.place(trader.order(BNB, "buy", Decimal("0.1"), price, type="post_only"))
        assert rests.status == "new"
    assert left(exchange, "rests")[0] == []


def test_keys_are_taken_away(exchange: vocx.Exchange) -> None:
    """Whoever finds one afterwards cannot use it."""
    from vocx.errors import VocxError
    from vocx.venues.base import GetBalances

    trader = Trader(exchange, ACCOUNTS[0])
    trader.close()
    with pytest.raises(VocxError, match="(?i)permission|key"):
        trader.rest.call(GetBalances(), trader.key, trader.now_ns)
    trader.rest.close()


@pytest.mark.parametrize("wish", [{"every_ms": ()}, {"every_ms": (0,)}, {"repeats": 0}])
def test_nonsense_is_refused(exchange: vocx.Exchange, wish: dict[str, Any]) -> None:
    """Before anything is opened."""
    with pytest.raises(BadInput, match="write"):
        measure.fills(exchange, **wish)


def test_only_a_lab_with_a_market_will_do() -> None:
    """Elsewhere nobody knows when the match was."""
    with pytest.raises(BadInput, match="only a lab knows"):
        measure.fills(vocx.connect("binance", "real"))
