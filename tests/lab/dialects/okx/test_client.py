"""vocx's client against the lab's OKX: the lines of its checklist that need both sides. Numbers in
brackets are those of "a careful client must" in the wire specification."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

import vocx
from vocx import errors
from vocx.facts import BookDelta, BookSnapshot, Fill, Gap, Order, Quote, Trade

BTC = "BTC/USDT"


@pytest.fixture(scope="module")
def ex() -> Iterator[vocx.Exchange]:
    """OKX in a lab of its own."""
    with vocx.lab.open(name="okx client", seed=7, venues=["okx"]) as lab:
        with vocx.connect("okx", lab=lab) as exchange:
            yield exchange
    vocx.stop_all()


def until(true: Callable[[], object], why: str, seconds: float = 10) -> None:
    """Wait for a state, with a deadline."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, why
        time.sleep(0.01)


def equals_the_truth(ex: vocx.Exchange, stream: Any) -> None:
    """With the market paused, the copy of the book is the original."""
    ex.lab.pause()
    try:
        truth = ex.lab.truth.book(BTC, depth=100)

        def same() -> bool:
            with suppress(errors.BookOutOfSync):
                copy = stream.book(BTC, depth=100)
                return (copy.bids, copy.asks) == (truth.bids, truth.asks)
            return False

        until(same, "the copy differs from the truth")
    finally:
        ex.lab.resume()


def test_an_announced_end_is_forestalled(ex: vocx.Exchange) -> None:
    """[27] 64008: on each of the three sockets a second connection takes over before the first
    is closed, and no fact is lost or told twice."""
    channels = ("trades", "quotes", "book", "ticker", "candles", "orders", "fills", "balances")
    rules, low = ex.instrument(BTC), ex.quote(BTC).bid * Decimal("0.97")
    with ex.stream(*channels, symbols=BTC).wait(15) as stream:
        with stream.subscribe(policy="gap", size=100_000) as facts:
            price = rules.round_price(low, "buy")
            resting = ex.place_order(BTC, "buy", "0.001", type="limit", price=price)
            assert ex.lab.shutdown("okx", notice_s=12)["connections"] == 3
            until(lambda: stream.stats.reconnects == 3, "not handed over", 11)
            ex.cancel_order(resting)
            ex.place_order(BTC, "buy", "0.001", type="market")
            until(lambda: stream.order(resting.id).status == "canceled", "the cancel is not told")
            until(lambda: stream.fills(), "the fill is not told")
            equals_the_truth(ex, stream)
            time.sleep(0.5)
            got = [facts.get(0) for _ in range(len(facts))]
        stats = stream.stats
        assert (stats.gaps, stats.connects, stats.reasons) == (0, 6, {"shutdown": 3})
    assert not any(isinstance(one, Gap) for one in got)
    trades = [one.id for one in got if isinstance(one, Trade)]
    assert len(trades) > 5 and trades == sorted(set(trades))
    quotes = [one.sequence for one in got if isinstance(one, Quote)]
    assert quotes == sorted(set(quotes))
    deltas = [one for one in got if isinstance(one, BookDelta)]
    assert [one.previous for one in deltas[1:]] == [one.last for one in deltas[:-1]]
    assert not any(isinstance(one, BookSnapshot) for one in got)
    told = [(one.id, one.status, one.filled) for one in got if isinstance(one, Order)]
    assert len(told) == len(set(told))
    fills = [one.id for one in got if isinstance(one, Fill)]
    assert fills and len(fills) == len(set(fills))
