"""The markets of several venues: their prices belong together, and differ."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from vocx.lab.events import Interval
from vocx.lab.market.family import CrowdTraits, MarketFamily, open_family
from vocx.lab.market.instruments import INSTRUMENTS

T0 = 1_795_305_600_000_000_000
BTC = "BTC/USDT"
TEN_MS = 10_000_000
TRAITS = {
    "first": CrowdTraits(),
    "second": CrowdTraits(steps={BTC: (Decimal("0.1"), Decimal("0.00001"))}),
    "third": CrowdTraits(lag_s=0.2, symbols={"BTC/USD": BTC}),
}


def family(seed: int = 7) -> MarketFamily:
    return open_family(TRAITS, seed=seed, start_ns=T0, specs=INSTRUMENTS[:1])


def middles(markets: MarketFamily, seconds: float) -> np.ndarray:
    """The middle prices of every venue's BTC, every 10 ms: venues in columns."""
    rows = []
    found = [one.markets[BTC] for one in markets.simulations.values()]
    found.append(markets.simulations["third"].markets["BTC/USD"])
    for step in range(1, int(seconds * 100) + 1):
        while any(markets.advance(T0 + step * TEN_MS).values()):
            pass
        row = []
        for market in found:
            bid, _, ask, _ = market.best()
            assert bid and ask
            row.append(float(market.spec.to_price(bid + ask)) / 2)
        rows.append(row)
    return np.array(rows)


def test_spreads_open_and_close() -> None:
    """Prices are close, seldom equal, above and below each other, and come back."""
    prices = middles(family(), 60)
    for venue in (1, 2, 3):
        apart = prices[:, venue] / prices[:, 0] - 1
        assert np.abs(apart).max() < 0.002 and np.abs(apart).mean() < 0.0003
        assert (np.abs(apart) > 0.00001).mean() > 0.2
        quiet = np.abs(apart) < 0.00005
        assert np.count_nonzero(np.diff(quiet)) > 10, "it opens and closes"
    assert not np.array_equal(prices[:, 2], prices[:, 3]), "a market of its own"


def test_followers_come_later() -> None:
    """A move of the leader is best found in a follower some time afterwards."""
    prices = np.log(middles(family(), 90))
    lead = np.diff(prices[:, 0])

    def best_lag(venue: int) -> int:
        follow = np.diff(prices[:, venue])
        score = [float(lead[: len(lead) - k] @ follow[k:]) for k in range(60)]
        return int(np.argmax(score))

    assert best_lag(1) >= 1
    smooth = [np.corrcoef(prices[::100, 0], prices[::100, one])[0, 1] for one in (1, 2, 3)]
    assert min(smooth) > 0.8


def test_the_same_whatever_the_calls() -> None:
    """Same seed, same events, however often they are fetched."""
    whole, pieces = family(), family()
    found: list[list[object]] = []
    for markets, step_ns in ((whole, 500_000_000), (pieces, 7_000_000)):
        events: list[object] = []
        at_ns = T0
        while at_ns < T0 + 2_000_000_000:
            at_ns = min(at_ns + step_ns, T0 + 2_000_000_000)
            while any((happened := markets.advance(at_ns, 50)).values()):
                events += happened["second"]
        found.append(events)
    assert found[0] and found[0] == found[1]


def test_steps_are_the_venues() -> None:
    """A venue's tick is its own, and its past has the same prices."""
    first, second = (family().simulations[name] for name in ("first", "second"))
    assert second.markets[BTC].spec.tick == Decimal("0.1")
    assert "BTC/USD" not in first.markets
    hours = [one.markets[BTC].bars(Interval(seconds=3600), 48, T0) for one in (first, second)]
    apart = [
        float(a.close * Decimal("0.01") / (b.close * Decimal("0.1"))) - 1
        for a, b in zip(*hours, strict=True)
    ]
    assert max(map(abs, apart)) < 0.02
    ids = {one.markets[BTC].trades(1)[-1].trade_id for one in (first, second)}
    assert len(ids) == 2
