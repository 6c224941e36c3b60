"""The truth log keeps what happened to orders, findable by order id and by owner."""

from __future__ import annotations

from decimal import Decimal as D

from vocx.lab.events import BalancesChanged, NewOrder
from vocx.lab.market.instruments import INSTRUMENTS
from vocx.lab.market.simulation import open_crowd
from vocx.lab.market.truth_log import TruthLog

BTC = "BTC/USDT"


def test_orders_are_logged_by_id_and_owner() -> None:
    """Who, what, how it stands since, which match; balances follow and are not kept."""
    simulation, log = open_crowd(seed=3, start_ns=0, specs=INSTRUMENTS[:1]), TruthLog()
    for owner in ("ann", "bob"):
        simulation.accounts.open(owner)
        order = NewOrder(
            owner=owner, symbol=BTC, side="buy", type="market", quantity=16, client_order_id="x"
        )
        _, events = simulation.accounts.place(order, 1)
        log.add(events, 77)
        assert isinstance(events[-1], BalancesChanged)
    found = log.since(1, simulation.markets, kind="order", owner="bob")
    new, trade = found["events"]
    assert (new["what"], new["status"], new["filled"]) == ("new", "new", "0.00000")
    assert trade["id"] == new["id"] and trade["owner"] == "bob" and trade["mono_ns"] == 77
    assert (trade["status"], D(trade["filled"])) == ("filled", D("0.00016"))
    matches = log.since(1, simulation.markets, kind="trade")["events"]
    assert trade["trade_id"] == matches[-1]["id"] and matches[-1]["taker_order"] == trade["id"]
    every = log.since(1, simulation.markets, symbol=BTC)["events"]
    assert len(every) == log.next - 1 and {row["kind"] for row in every} > {"order", "level"}
