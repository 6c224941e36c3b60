"""Of which symbol does a venue tell? Where its names have no separator, its instruments decide."""

from __future__ import annotations

import time
from contextlib import suppress
from decimal import Decimal

import pytest

import vocx.lab
from vocx import venues
from vocx.errors import TimedOut, WaitTimeout
from vocx.exchange import connect
from vocx.exchange.symbol_names import SymbolNames
from vocx.facts import Facts, Fill, Order, Trade

JOINED = [
    one for one in venues.names()
    if "/" not in venues.get(one).venue_symbol("BTC/USDT").replace("-", "/")
]  # fmt: skip


def order(symbol: str) -> Order:
    fill = Fill(
        symbol=symbol, id=1, order_id=2, side="buy", price=Decimal(1), quantity=Decimal(1),
        fee=Decimal(0), fee_asset=None, maker=True,
    )  # fmt: skip
    return Order(
        symbol=symbol, id=2, client_order_id="a", side="buy", type="limit", status="new",
        quantity=Decimal(1), filled=Decimal(1), filled_quote=Decimal(1), fills=(fill,),
    )  # fmt: skip


@pytest.mark.parametrize("venue", JOINED)
def test_the_instruments_decide(venue: str) -> None:
    """A base of one letter, a currency that no table has, and a split at the wrong place."""
    names = SymbolNames(
        venues.get(venue),
        lambda: names.keep(["W/USDT", "BTC/NEW", "BTCT/USD"], all_of_them=True),
    )
    told = Facts([order("WUSDT"), order("BTCNEW"), order("BTC/TUSD"), order("ETH/USDT")])
    found = names.settle_all(told)
    assert [one.symbol for one in found] == ["W/USDT", "BTC/NEW", "BTCT/USD", "ETH/USDT"]
    assert [one.fills[0].symbol for one in found] == [one.symbol for one in found]
    assert found.kind is Order


@pytest.mark.parametrize("venue", JOINED)
def test_the_instruments_are_asked_for_once_and_only_when_a_name_is_whole(venue: str) -> None:
    """A venue that does not answer leaves names as they were told, and is asked again."""
    asked = 0

    def learn() -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise TimedOut("no answer")
        names.keep(["W/USDT"], all_of_them=True)

    names = SymbolNames(venues.get(venue), learn)
    names.settle_all(Facts([order("BTC/USDT")]))
    assert asked == 0
    for number, symbol in ((1, "WUSDT"), (2, "W/USDT"), (2, "W/USDT")):
        (found,) = names.settle_all(Facts([order("WUSDT")]))
        assert asked == number and found.symbol == symbol


def test_a_stream_of_an_account_names_what_its_adapter_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its orders have the symbol that is traded, so that what is asked by REST is the same."""
    monkeypatch.setattr("vocx.venues.binance.private.split_joined", lambda name: None)
    with vocx.lab.open(seed=5, name="names") as lab, connect("binance", lab=lab) as ex:
        stream = ex.stream("orders", "fills").wait(10)
        placed = ex.place_order("ETH/BTC", "buy", "0.5", type="market")
        with stream.subscribe("fills") as subscription:
            deadline = time.monotonic() + 10
            while not stream.fills() and time.monotonic() < deadline:
                with suppress(WaitTimeout):
                    subscription.get(0.2)
        assert {one.symbol for one in stream.fills()} == {"ETH/BTC"}
        assert stream.order(placed.id).symbol == "ETH/BTC"


@pytest.mark.parametrize("venue", sorted(set(venues.names()) - set(JOINED)))
def test_names_with_a_separator_need_no_instruments(venue: str) -> None:
    """They say themselves where the base ends."""

    def learn() -> None:
        raise AssertionError("asked")

    names = SymbolNames(venues.get(venue), learn)
    names.ask()
    names.settle_all(Facts([order("BTC-USD-SWAP")]))
    trade = Trade(symbol="A/B", price=Decimal(1), quantity=Decimal(1), side="buy")
    assert names.settle(trade) is trade
