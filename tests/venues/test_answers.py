"""Whose answer is it? An answer about another symbol or order is refused, for every call of every
venue, and after a fork nobody reads another process's answers."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from fake_venue import registered
from fake_venue.profile import PROFILES

import vocx.lab
from vocx import errors, venues
from vocx.exchange import Exchange, connect
from vocx.facts import Order, OrderAck
from vocx.rest import client
from vocx.venues.base import Answer, Request

NAMES = (*venues.names(), *PROFILES)
BTC, ETH = "BTC/USDT", "ETH/USDT"
STRANGE = "QQ7QQ"
"""A venue's name of an instrument that tells nobody where its base ends."""


class Swapping:
    """An adapter whose replies are changed before it reads them."""

    def __init__(self, venue: Any) -> None:
        self._venue = venue
        self.change: Callable[[bytes], bytes] = bytes
        self.swaps: Mapping[str, str] = {}
        self.swapped = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._venue, name)

    def reply(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        arrived_ns: int,
    ) -> Answer:
        for old, new in self.swaps.items():
            self.swapped += body.count(old.encode())
            body = body.replace(old.encode(), new.encode())
        body = self.change(body)
        answer: Answer = self._venue.reply(request, status, headers, body, arrived_ns)
        return answer


@pytest.fixture(scope="module")
def lab() -> Iterator[vocx.lab.Lab]:
    with registered(), vocx.lab.open(venues=list(NAMES), seed=5, name="answers") as found:
        yield found


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable answer is asked for again at once."""
    monkeypatch.setattr(client, "FIRST_PAUSE_S", 0.0)


@pytest.fixture(params=NAMES)
def ex(request: pytest.FixtureRequest, lab: vocx.lab.Lab) -> Iterator[Exchange]:
    with connect(request.param, lab=lab) as found:
        yield found
        with lab.limits.paused():
            found.cancel_all(BTC)


def swapped(ex: Exchange) -> tuple[Exchange, Swapping]:
    """The same place, asked through an adapter whose replies can be changed."""
    adapter = Swapping(ex.venue)
    return Exchange(adapter, ex.environment, name=ex.name), adapter  # type: ignore[arg-type]


def refused(adapter: Swapping, call: Callable[[], Any]) -> errors.BadReply | None:
    """Call it; what names the symbol in its reply has to be refused."""
    adapter.swapped = 0
    try:
        found = call()
    except errors.BadReply as error:
        return error
    except errors.BadInput as missing:  # the venue has no such call, and says so
        assert "no " in str(missing)
        return None
    assert not adapter.swapped, f"believed: {found!r}"
    return None


def resting(ex: Exchange, **also: Any) -> Order | OrderAck:
    rules = ex.instrument(BTC)
    quote = ex.quote(BTC)
    assert quote.bid is not None
    low = rules.round_price(quote.bid * Decimal("0.9"), "buy")
    amount = rules.round_quantity(Decimal(60) / low + rules.lot)
    return ex.place_order(BTC, "buy", amount, type="limit", price=low, **also)


@pytest.mark.parametrize("strange", [False, True], ids=["known", "strange"])
def test_no_answer_about_another_symbol_is_believed(
    ex: Exchange, lab: vocx.lab.Lab, strange: bool
) -> None:
    """Neither of one that the client knows nor of one that it cannot even split."""
    with lab.limits.paused():
        order = resting(ex)
        asking, adapter = swapped(ex)
        asking.instrument(BTC)
        _ = asking.clock
        another = STRANGE if strange else ex.venue.venue_symbol(ETH)
        adapter.swaps = {ex.venue.venue_symbol(BTC): another}
        for call in (
            lambda: asking.ticker(BTC),
            lambda: asking.quote(BTC),
            lambda: asking.order_book(BTC, depth=5),
            lambda: asking.trades(BTC, limit=5),
            lambda: asking.candles(BTC, "5m", limit=5),
            lambda: asking.order(order, symbol=BTC),
            lambda: asking.open_orders(BTC),
            lambda: asking.fills(BTC),
        ):
            refused(adapter, call)
        asking.close()


def test_no_answer_about_another_order_is_believed(ex: Exchange, lab: vocx.lab.Lab) -> None:
    """Of a placement nobody knows then what became of it; the error says so and names the order."""
    with lab.limits.paused():
        order = resting(ex)
        asking, adapter = swapped(ex)
        rules = asking.instrument(BTC)
        mine, other = asking.new_client_order_id(), asking.new_client_order_id()
        adapter.swaps = {mine: other}
        low = rules.round_price((ex.quote(BTC).bid or Decimal(1)) * Decimal("0.9"), "buy")
        amount = rules.round_quantity(Decimal(60) / low + rules.lot)
        error = refused(
            adapter,
            lambda: asking.place_order(
                BTC, "buy", amount, type="limit", price=low, client_order_id=mine
            ),
        )
        if error is not None:
            assert error.outcome == "unknown" and error.client_order_id == mine
        adapter.swaps = {
            str(order.id): str(order.id)[:-1] + ("1" if str(order.id)[-1] != "1" else "2")
        }
        refused(adapter, lambda: asking.order(order))
        # A cancel may be repeated and is; what is cancelled by then cannot be cancelled again.
        with suppress(errors.OrderNotFound):
            refused(adapter, lambda: asking.cancel_order(order))
        asking.close()


def test_nothing_of_a_foreign_answer_is_kept(lab: vocx.lab.Lab) -> None:
    """An instrument of another symbol is not remembered under the right name."""
    with connect("binance", lab=lab) as ex:
        asking, adapter = swapped(ex)
        adapter.swaps = {'"BTCUSDT"': '"ETHUSDT"', '"BTC"': '"ETH"'}
        with pytest.raises(errors.BadReply):
            asking.instrument(BTC)
        adapter.swaps = {}
        assert asking.instrument(BTC).base == "BTC"
        asking.close()


def test_prices_of_zero_are_absent(ex: Exchange, lab: vocx.lab.Lab) -> None:
    """An empty side, a day without trades: whatever the venue writes, no price is zero."""
    with lab.limits.paused():
        asking, adapter = swapped(ex)
        adapter.change = lambda body: re.sub(
            rb'(?<![\w.:-])\d+\.\d+(?![\w.-])|(?<=")\d{5}(?=")', b"0.00000000", body
        )
        quote = asking.quote(BTC)
        assert quote.bid is quote.ask is quote.mid is quote.spread is None
        ticker = asking.ticker(BTC)
        assert ticker.last is ticker.bid is ticker.ask is ticker.high is ticker.low is None
        assert asking.order_book(BTC, depth=5).bid is None
        table = asking.candles(BTC, "5m", limit=3).frame()
        assert len(table) == 3 and table[["open", "high", "low", "close"]].isna().all(axis=None)
        asking.close()


@pytest.mark.parametrize("name", venues.names())
def test_pages_are_joined_in_the_order_of_their_facts(lab: vocx.lab.Lab, name: str) -> None:
    """Also where a venue pages back in time."""
    with lab.limits.paused(), connect(name, lab=lab) as ex:
        most = 1000 if name == "binance" else 1700
        found = ex.candles(BTC, "1m", limit=most)
        assert len(found) == most
        assert all(one.open_ns < two.open_ns for one, two in pairwise(found))
        assert found.kind is not None and len(found.frame()) == most


_shared: dict[str, Exchange] = {}


def _ask(which: tuple[str, str]) -> tuple[str, str, str]:
    name, symbol = which
    return symbol, _shared[name].quote(symbol).symbol, f"{os.getpid()}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_pool_of_forked_processes_gets_its_own_answers(ex: Exchange, lab: vocx.lab.Lab) -> None:
    """No foreign answer in 160, over the connection that the parent keeps."""
    with lab.limits.paused():
        ex.quote(BTC)
        _shared[ex.name] = ex
        wanted = [(ex.name, (BTC, ETH)[number % 2]) for number in range(160)]
        with multiprocessing.get_context("fork").Pool(4) as pool:
            found = pool.map(_ask, wanted, chunksize=1)
        assert [(asked, told) for asked, told, _ in found] == [
            (symbol, symbol) for _, symbol in wanted
        ]
        assert len({process for _, _, process in found}) > 1
        assert ex.quote(BTC).symbol == BTC
