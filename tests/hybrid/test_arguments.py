"""What a hybrid client is given is checked where it is given: in words, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vocx.lab
from vocx import venues
from vocx.errors import BadInput, FloatRefused, StreamStopped, UnknownSymbol, VocxError
from vocx.exchange import Exchange, connect
from vocx.exchange.pnl import profit_and_loss
from vocx.facts import Facts, Fill
from vocx.hybrid import Bounds, HybridClient, SpreadMonitor, View, Want, market_maker, want

BTC = "BTC/USDT"
NAN = float("nan")
FILL = Fill(
    symbol=BTC, id=1, order_id=2, side="buy", price=Decimal(60_000), quantity=Decimal(1),
    fee=Decimal(0), fee_asset="USDT", maker=True,
)  # fmt: skip


def nothing(view: View) -> list[Want]:
    return []


async def later(view: View) -> list[Want]:
    return []


@pytest.fixture(scope="module")
def lab() -> Iterator[vocx.lab.Lab]:
    with vocx.lab.open(venues=list(venues.names()), seed=5, name="hybrid arguments") as found:
        yield found


@pytest.fixture(params=venues.names())
def ex(request: pytest.FixtureRequest, lab: vocx.lab.Lab) -> Iterator[Exchange]:
    with connect(request.param, lab=lab) as found:
        yield found


@pytest.mark.parametrize(
    "wrong",
    [
        {"open_orders": -1}, {"open_orders": NAN}, {"open_orders": "many"}, {"open_orders": 1.5},
        {"open_orders": True}, {"notional": -1}, {"notional": 0}, {"notional": "much"},
        {"notional": NAN}, {"notional": Decimal("NaN")}, {"notional": Decimal("sNaN")},
        {"notional": 1e4}, {"notional": None}, {"position": "-1"}, {"position": Decimal("-0.1")},
        {"position": float("inf")}, {"position": 0.1}, {"orders_per_s": 0}, {"orders_per_s": -5},
        {"orders_per_s": NAN}, {"orders_per_s": "fast"}, {"orders_per_s": None}, {"collar": -1},
        {"collar": "0"}, {"collar": NAN}, {"collar": Decimal("Infinity")}, {"collar": []},
    ],
    ids=str,
)  # fmt: skip
def test_bounds_are_numbers_that_bound(wrong: dict[str, Any]) -> None:
    """A bound that is negative, no number or not finite would bound nothing."""
    with pytest.raises(BadInput, match=next(iter(wrong))) as refused:
        Bounds(**wrong)
    assert len(str(refused.value)) < 200


def test_bounds_are_taken_as_people_write_them() -> None:
    """As text, as whole numbers of any library; exact afterwards."""
    bounds = Bounds(
        open_orders=np.int64(3),  # type: ignore[arg-type]
        notional="500.5",  # type: ignore[arg-type]
        position=2,  # type: ignore[arg-type]
        orders_per_s=np.float64(2.5),
        collar="0.01",  # type: ignore[arg-type]
    )
    assert bounds == Bounds(
        open_orders=3, notional=Decimal("500.5"), position=Decimal(2), orders_per_s=2.5,
        collar=Decimal("0.01"),
    )  # fmt: skip
    assert type(bounds.open_orders) is int and type(bounds.notional) is Decimal


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": "hold"}, {"side": None}, {"quantity": 0.01}, {"quantity": "0"}, {"price": "-1"},
        {"price": NAN}, {"price": None}, {"type": "market"}, {"slot": 5}, {"quantity": "1e30"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("make", [want, Want])
def test_a_want_is_an_order_that_can_rest(make: Any, wrong: dict[str, Any]) -> None:
    """Also one that a strategy makes without ``want``."""
    good = {"side": "buy", "quantity": "0.01", "price": "60000"}
    with pytest.raises(BadInput, match=next(iter(wrong))):
        make(**{**good, **wrong})
    assert make(**good) == want("buy", Decimal("0.01"), 60_000)


@pytest.mark.parametrize(
    "wrong",
    [
        {"symbol": "BTCUSDT"}, {"symbol": "btc-usdt"}, {"symbol": None}, {"symbol": 5},
        {"symbol": "BTC/USDT:USDT"}, {"strategy": None}, {"strategy": "market_maker"},
        {"strategy": []}, {"strategy": lambda: []}, {"strategy": lambda view, more: []},
        {"strategy": later}, {"bounds": 5}, {"bounds": {"open_orders": 2}}, {"bounds": "none"},
        {"max_age_ms": -1}, {"max_age_ms": NAN}, {"max_age_ms": "500"}, {"max_age_ms": None},
        {"every_s": 0}, {"every_s": -0.1}, {"every_s": NAN}, {"every_s": "0.1"}, {"depth": 0},
        {"depth": "deep"}, {"depth": 2.5}, {"journal": 5}, {"journal": b"x"}, {"journal": "\0"},
        {"when_stale": "wait"}, {"when_stale": None}, {"when_stale": []}, {"via": "carrier"},
        {"via": []}, {"exchange": "binance"}, {"exchange": None},
    ],
    ids=lambda wrong: f"{next(iter(wrong))}-{type(next(iter(wrong.values()))).__name__}",
)  # fmt: skip
def test_a_client_of_nonsense_is_not_made(
    ex: Exchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]
) -> None:
    """One typed error that says what to write; no journal, no thread, nothing sent."""
    monkeypatch.chdir(tmp_path)
    given = {"exchange": ex, "symbol": BTC, "strategy": nothing, **wrong}
    with pytest.raises((BadInput, UnknownSymbol)) as refused:
        HybridClient(**given)
    said = str(refused.value)
    assert next(iter(wrong)) in said or "symbol" in wrong or "exchange" in wrong
    assert len(said) < 250 and said.isprintable() and list(tmp_path.iterdir()) == []


def test_a_symbol_that_is_not_traded_is_refused_at_the_start(ex: Exchange, tmp_path: Path) -> None:
    """By its name, and nothing is left running: no journal that is in use, no stream."""
    journal = tmp_path / "journal"
    made = HybridClient(ex, "NOPE/USDT", nothing, journal=journal)
    with pytest.raises(UnknownSymbol, match="NOPE/USDT"):
        made.start()
    assert made.stop() == [] and not journal.exists()
    with pytest.raises(StreamStopped):
        made.start()
    with HybridClient(ex, BTC, nothing, journal=journal) as other:
        assert other.symbol == BTC


def test_a_way_that_the_venue_lacks_is_refused(ex: Exchange) -> None:
    """Where no order can be sent over a WebSocket, no client is made that would."""
    if ex.venue.order_socket is None:
        with pytest.raises(BadInput, match="via"):
            HybridClient(ex, BTC, nothing, via="websocket")
    else:
        HybridClient(ex, BTC, nothing, via="websocket").stop()


@pytest.mark.parametrize(
    ("fills", "more"),
    [
        (None, {}), (5, {}), ("fills", {}), ([None], {}), ([1.5], {}), ({"a": FILL}, {}),
        ([FILL, "x"], {}), ([FILL, FILL], {}), ([], {}), (Facts(kind=Fill), {}),
        ([], {"symbol": 5}), ([], {"symbol": "BTCUSDT"}), ([FILL], {"symbol": "ETH/USDT"}),
        ([FILL], {"mark": 60_000.5}), ([FILL], {"mark": NAN}), ([FILL], {"mark": "x"}),
        ([FILL], {"mark": Decimal("sNaN")}), ([FILL], {"mark": -1}), ([FILL], {"mark": []}),
    ],
    ids=lambda one: str(one)[:20],
)  # fmt: skip
def test_profit_is_of_fills_alone(fills: Any, more: dict[str, Any]) -> None:
    """Anything else is refused, a fill that is there twice as well: it would count twice."""
    with pytest.raises(VocxError) as refused:
        profit_and_loss(fills, **more)
    assert isinstance(refused.value, BadInput | UnknownSymbol) and len(str(refused.value)) < 250


def test_a_mark_is_any_exact_number() -> None:
    """As text, as a whole number of any library; a float is refused with the text to write."""
    for mark in (Decimal(61_000), "61000", 61_000, np.int64(61_000)):
        assert profit_and_loss([FILL], mark=mark).total == 1000  # type: ignore[arg-type]
    with pytest.raises(FloatRefused, match='"61000.5"'):
        profit_and_loss([FILL], mark=np.float64(61_000.5))  # type: ignore[arg-type]


def test_examples_refuse_nonsense() -> None:
    """Numbers of ticks are whole ones, quantities above nothing."""
    for make in (
        lambda: market_maker("0"),
        lambda: market_maker(0.1),  # type: ignore[arg-type]
        lambda: market_maker("0.01", distance_ticks=1.5),  # type: ignore[arg-type]
        lambda: market_maker("0.01", distance_ticks="x"),  # type: ignore[arg-type]
        lambda: market_maker("0.01", most=NAN),  # type: ignore[arg-type]
        lambda: SpreadMonitor("0"),
        lambda: SpreadMonitor("0.01", ticks=NAN),  # type: ignore[arg-type]
    ):
        with pytest.raises(BadInput):
            make()
    assert market_maker("0.01", distance_ticks=np.int64(1))  # type: ignore[arg-type]
    assert SpreadMonitor("0.01", Fraction(5))  # type: ignore[arg-type]
