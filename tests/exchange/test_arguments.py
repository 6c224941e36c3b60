"""One gate for what is given to an exchange: exact values of any library are taken, everything
else is refused in words of ours before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_venue import registered
from fake_venue.profile import PROFILES

import vocx.lab
from vocx import errors, venues, views
from vocx.exchange import Exchange, connect
from vocx.facts import Order, OrderAck, aware

NAMES = (*venues.names(), *PROFILES)
BTC = "BTC/USDT"
EXPONENT = re.compile(r"\d[eE][-+]?\d")
WRONG: list[Any] = [
    None, 5, -1, 5.5, float("nan"), float("inf"), 10**30, True, b"BTC/USDT", "", " ", "\0",
    "x" * 10**5, [], ["BTC/USDT"], {}, (), Ellipsis, np.float64(0.5), np.array([1, 2]),
    np.datetime64("2026-01-01"), np.int64(-3), "1e999999999", "sNaN",
    Decimal("NaN"), Decimal("sNaN"), 1j, "\ud800", "BTC/USDT\r\nX: 1", 1e300, np.array(5),
    Decimal("1E+3"), Decimal("0E-8"), Decimal("1E-999999999"), np.str_("doge-usdt"),
    pd.Series([5, 6]),
]  # fmt: skip


@pytest.fixture(scope="module")
def lab() -> Iterator[vocx.lab.Lab]:
    with registered(), vocx.lab.open(venues=list(NAMES), seed=5, name="arguments") as found:
        with found.limits.paused():
            yield found


@pytest.fixture(params=NAMES)
def ex(request: pytest.FixtureRequest, lab: vocx.lab.Lab) -> Iterator[Exchange]:
    with connect(request.param, lab=lab) as found:
        yield found
        found.cancel_all(BTC)


def resting(ex: Exchange) -> Order | OrderAck:
    rules, bid = ex.instrument(BTC), ex.quote(BTC).bid
    assert bid is not None
    low = rules.round_price(bid * Decimal("0.9"), "buy")
    amount = rules.round_quantity(Decimal(60) / low + rules.lot)
    return ex.place_order(BTC, "buy", amount, type="limit", price=low)


def test_whole_numbers_of_any_library_are_counts(ex: Exchange) -> None:
    """Of NumPy, as a float, a decimal or a fraction that is whole, as a text."""
    whole = (np.int64(5), 5.0, np.float32(5), Decimal("5.0"), Fraction(5), "5", np.str_("5"))
    for five in whole:
        assert len(ex.trades(BTC, limit=five)) == 5
        assert len(ex.candles(BTC, np.str_("5m"), limit=five)) == 5
        assert len(ex.order_book(np.str_(BTC), depth=five).bids) == 5
    assert repr(ex.quote(np.str_(BTC))).count("np.") == 0


def test_an_order_is_found_by_its_id_as_a_table_has_it(ex: Exchange) -> None:
    """A number of another library, a text of its digits, also at a handle that never saw it."""
    order = resting(ex)
    table = ex.open_orders(BTC).frame()
    found = table.id.iloc[-1]
    with connect(ex.venue.name, lab=ex.lab) as other:
        names = [found, str(order.id), order]
        if str(order.id).isdigit():
            names += [int(order.id), np.int64(int(order.id))]
        for name in names:
            assert ex.order(name).id == order.id
            if str(order.id).isdigit():
                assert other.order(name, symbol=BTC).id == order.id
        ex.cancel_order(found)


def test_a_client_order_id_may_be_a_number_written_as_text(ex: Exchange) -> None:
    """Somebody who numbers orders finds them again; a number itself is refused with the text."""
    rules, bid = ex.instrument(BTC), ex.quote(BTC).bid
    assert bid is not None
    low = rules.round_price(bid * Decimal("0.9"), "buy")
    amount = rules.round_quantity(Decimal(60) / low + rules.lot)
    mine = str(1_700_000_000_000 + venues.names().index("okx") + len(ex.name))
    for number in (int(mine), np.int64(mine)):
        with pytest.raises(errors.BadInput, match=f'"{mine}"') as refused:
            ex.place_order(BTC, "buy", amount, type="limit", price=low, client_order_id=number)  # type: ignore[arg-type]
        assert refused.value.outcome == "not_sent"
    ex.place_order(BTC, "buy", amount, type="limit", price=low, client_order_id=mine)
    with connect(ex.venue.name, lab=ex.lab) as other:
        assert other.order(mine, symbol=BTC).client_order_id == mine
        other.cancel_order(mine, symbol=BTC)


@pytest.mark.parametrize("moment", ["1970-01-01T00:00Z", "2109-05-16T00:00Z"])
def test_any_moment_that_a_clock_can_show_is_asked_for(ex: Exchange, moment: str) -> None:
    """The first of all, and one that is far away, are moments like others."""
    at = datetime.fromisoformat(moment)
    for bars in (ex.candles(BTC, "5m", 3, start=at), ex.candles(BTC, "5m", 3, end=at)):
        assert all(one.time == aware(one.open_ns) for one in bars) and "close" in bars.frame()
    assert "fee" in ex.fills(BTC, start=at).frame()


def test_lists_of_none_have_their_columns(ex: Exchange) -> None:
    """Whatever a venue takes several requests for."""
    for found in (ex.cancel_all(BTC), ex.cancel_all(BTC), ex.open_orders(BTC), ex.open_orders()):
        assert {"id", "price"} <= {*found.frame()} and {"price"} <= {*(found + found)[:0].frame()}


def calls(ex: Exchange, wrong: Any) -> Iterator[Callable[[], Any]]:
    """Every public call with one wrong argument."""
    good: dict[str, Any] = {"type": "limit", "price": "30000"}
    yield lambda: ex.ticker(wrong)
    yield lambda: ex.quote(wrong)
    yield lambda: ex.instrument(wrong)
    yield lambda: ex.order_book(wrong)
    yield lambda: ex.order_book(BTC, depth=wrong)
    yield lambda: ex.trades(BTC, limit=wrong)
    yield lambda: ex.candles(BTC, wrong)
    yield lambda: ex.candles(BTC, "5m", limit=wrong)
    yield lambda: ex.candles(BTC, "5m", start=wrong, limit=3)
    yield lambda: ex.candles(BTC, "5m", end=wrong, limit=3)
    yield lambda: ex.place_order(wrong, "buy", "0.01", **good)
    yield lambda: ex.place_order(BTC, wrong, "0.01", **good)
    yield lambda: ex.place_order(BTC, "buy", wrong, **good)
    yield lambda: ex.place_order(BTC, "buy", "0.01", type=wrong, price="30000")
    yield lambda: ex.place_order(BTC, "buy", "0.01", type="limit", price=wrong)
    yield lambda: ex.place_order(BTC, "buy", type="market", quote_quantity=wrong)
    yield lambda: ex.place_order(BTC, "buy", "0.01", time_in_force=wrong, **good)
    yield lambda: ex.place_order(BTC, "buy", "0.01", test=wrong, **good)
    yield lambda: ex.place_order(BTC, "buy", "0.01", via=wrong, **good)
    yield lambda: ex.place_order(BTC, "buy", "0.01", client_order_id=wrong, **good)
    yield lambda: ex.order(wrong, symbol=BTC)
    yield lambda: ex.order("a1", symbol=wrong)
    yield lambda: ex.cancel_order(wrong, symbol=BTC)
    yield lambda: ex.amend(wrong, "0.01", symbol=BTC)
    yield lambda: ex.cancel_all(wrong)
    yield lambda: ex.open_orders(wrong)
    yield lambda: ex.fills(wrong)
    yield lambda: ex.fills(BTC, limit=wrong)
    yield lambda: ex.fills(BTC, order=wrong)
    yield lambda: ex.fills(BTC, start=wrong)
    yield lambda: ex.stream(wrong, symbols=BTC).stop()
    yield lambda: ex.stream("trades", symbols=wrong).stop()
    yield lambda: ex.stream("trades", symbols=[wrong]).stop()
    yield lambda: ex.stream("trades", symbols=BTC, name=wrong).stop()
    yield lambda: ex.stream("candles", symbols=BTC, interval=wrong).stop()
    yield lambda: ex.stream("book", symbols=BTC, depth=wrong).stop()
    yield lambda: ex.stream("book", symbols=BTC, cadence_ms=wrong).stop()
    yield lambda: ex.balances()[wrong]


def of_a_stream(stream: Any, ex: Exchange, wrong: Any) -> Iterator[Callable[[], Any]]:
    """Every public call of a stream, and every view, with one wrong argument."""
    for name in ("quote", "ticker", "trade", "candle", "book", "trades", "candles", "orders",
                 "order", "recent_quotes", "outages", "wait", "subscribe"):  # fmt: skip
        yield partial(getattr(stream, name), wrong)
    yield lambda: stream.book(BTC, wrong)
    yield lambda: stream.trades(BTC, wrong)
    yield lambda: stream.candles(BTC, wrong)
    yield lambda: stream.recent_quotes(BTC, wrong)
    yield lambda: stream.fills(None, wrong)
    yield lambda: stream.subscribe("trades", wrong)
    yield lambda: stream.subscribe("trades", BTC, wrong)
    yield lambda: stream.subscribe("trades", BTC, size=wrong)
    for view in (views.price, views.book, views.tape):
        yield partial(view, wrong)
        for name in ("symbol", "name", "note"):
            yield partial(view, stream, **{name: wrong})
    yield lambda: views.price(stream, seconds=wrong)
    yield lambda: views.book(stream, depth=wrong)
    yield lambda: views.tape(stream, n=wrong)
    yield lambda: views.orders(stream, wrong)
    yield lambda: views.orders(stream, n=wrong)
    yield lambda: views.balances(stream, wrong)
    yield lambda: views.dials(wrong)
    yield lambda: views.dials(ex.lab, wrong)  # type: ignore[arg-type]
    yield lambda: views.budget(wrong)
    yield lambda: views.running(name=wrong)
    yield lambda: connect(wrong, lab=ex.lab).close()
    for name in ("name", "tls", "allow_orders", "max_notional", "credentials"):
        yield partial(connect, "binance", lab=ex.lab, **{name: wrong})
    yield lambda: connect("binance", {"rest": wrong, "ws": wrong}).close()
    if wrong is not None:
        yield lambda: connect("binance", wrong).close()
        yield lambda: connect("binance", lab=wrong).close()
    yield lambda: ex.clone(name=wrong).close()
    yield lambda: ex.clone(tls=wrong).close()
    yield lambda: ex.url(wrong)
    yield lambda: venues.get(wrong)


@pytest.fixture(scope="module")
def listening(lab: vocx.lab.Lab) -> Iterator[tuple[Exchange, Any]]:
    with connect("binance", lab=lab) as ex:
        channels = ("trades", "quotes", "book", "candles", "ticker", "orders", "fills", "balances")
        yield ex, ex.stream(*channels, symbols=BTC).wait(20)
        views.stop_all()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{type(wrong).__name__}")
def test_only_errors_of_ours_leave_streams_and_views(
    listening: tuple[Exchange, Any], wrong: Any
) -> None:
    """The same gate stands before them, and before ``connect``."""
    ex, stream = listening
    for number, call in enumerate(of_a_stream(stream, ex, wrong)):
        try:
            call()
        except errors.VocxError as error:
            said = str(error)
            assert len(said) < 700 and said.isprintable(), (number, said)
            assert "np." not in said and not EXPONENT.search(said.replace("1e999999999", ""))


def test_a_stream_has_tables_of_nothing(listening: tuple[Exchange, Any]) -> None:
    """What has not happened yet has its columns too."""
    _, stream = listening
    assert list(stream.orders().frame()["price"]) == []
    assert list(stream.fills().frame()["fee"]) == []
    assert list(stream.outages().frame()["reason"]) == []
    assert list(stream.trades(n=0).frame()["price"]) == []
    assert len(stream.trades(n=np.int64(2))) <= 2


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{type(wrong).__name__}")
def test_only_errors_of_ours_leave(lab: vocx.lab.Lab, wrong: Any) -> None:
    """Of every call, whatever it is given: short, without an exponent, without another library's
    spelling."""
    with connect("binance", lab=lab) as ex:
        ex.instrument(BTC)
        for number, call in enumerate(calls(ex, wrong)):
            try:
                call()
            except errors.VocxError as error:
                said = str(error)
                assert len(said) < 700 and said.isprintable(), (number, said)
                assert "np." not in said and not EXPONENT.search(said.replace("1e999999999", ""))
            except IndexError:
                assert isinstance(wrong, int | np.integer)  # a list's own word for its end


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": "1e30"}, {"price": "1e-30"}, {"price": "1e400"}, {"price": np.float64(0.001)},
        {"quantity": "1e-400"}, {"quantity": "1e400"}, {"quantity": np.float32(0.1)},
        {"quantity": float("nan")}, {"client_order_id": 5}, {"client_order_id": np.int64(5)},
{"quantity": "1e-999999999"}, {"price": "9" * 10**6},
    ],
    ids=lambda wrong: str(wrong)[:40],
)  # fmt: skip
def test_an_absurd_order_is_refused_before_anything_is_sent(
    ex: Exchange, wrong: dict[str, Any]
) -> None:
    """With an outcome that says so, and nothing new at the venue."""
    ex.cancel_all(BTC)
    good: dict[str, Any] = {"quantity": "0.01", "price": "30000", "type": "limit"}
    with pytest.raises(errors.BadInput) as refused:
        ex.place_order(BTC, "buy", **{**good, **wrong})
    assert refused.value.outcome == "not_sent" and len(str(refused.value)) < 400
    assert len(ex.open_orders(BTC)) == 0
