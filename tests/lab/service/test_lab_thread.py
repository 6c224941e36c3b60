"""A lab with an engine of one's own, on a thread of this process, asked by ordinary clients."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import vocx.lab
from vocx import Exchange
from vocx.course.order_examples import settled
from vocx.errors import BadInput, LabConflict, LabDied, VocxError
from vocx.lab import Lab
from vocx.lab.market.engine import Book, ExecutionResult

BTC = "BTC/USDT"
VENUES = ("binance", "bybit", "okx", "coinbase")


class OneWay(Book):
    """Who has ordered stays, as long as the door is closed."""

    closed = True

    def cancel(self, at_ns: int, order_id: int) -> ExecutionResult | None:
        return None if self.closed else super().cancel(at_ns, order_id)

    def reduce(self, at_ns: int, order_id: int, by: int) -> ExecutionResult | None:
        return None if self.closed else super().reduce(at_ns, order_id, by)

    def requeue(
        self, at_ns: int, order_id: int, price: int, quantity: int, **options: Any
    ) -> ExecutionResult | None:
        return None if self.closed else super().requeue(at_ns, order_id, price, quantity, **options)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with vocx.lab.open(name="own", pace=0.0, venues=VENUES, book=OneWay) as opened:
        yield opened


@pytest.fixture(params=VENUES)
def exchange(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Exchange]:
    OneWay.closed = True
    with vocx.connect(request.param, lab=lab) as connected:
        yield connected


def test_a_rule_of_ones_own_acts_over_http(lab: Lab, exchange: Exchange) -> None:
    """A cancel and two amendments that the engine refuses are refusals of the venue, after which
    the order is what it was; what the engine then lets go is gone."""
    symbols = [one.symbol for one in exchange.instruments()]
    symbol = BTC if BTC in symbols else next(one for one in symbols if one.startswith("BTC/"))
    best = exchange.quote(symbol).bid
    assert best is not None
    sent = exchange.place_order(symbol, "buy", "0.01", type="limit", price=round(best * 9 / 10))
    order = settled(exchange, sent)
    for change in ({"quantity": "0.005"}, {"price": round(best * 8 / 10), "quantity": "0.01"}):
        with pytest.raises(VocxError):
            exchange.amend(order, **change)
    with pytest.raises(VocxError):
        exchange.cancel_order(order)
    known = exchange.order(order)
    assert known.open and (known.price, known.quantity) == (order.price, order.quantity)
    OneWay.closed = False
    exchange.cancel_order(order)
    assert exchange.open_orders(symbol) == []
    assert lab.status()["venues"][exchange.name].get("failures", 0) == 0


def test_it_is_a_lab_like_any_other(lab: Lab) -> None:
    """The same handle while the same class is asked for; another class is another lab."""
    assert lab.alive and lab.truth.book(BTC).bid
    assert vocx.lab.open(name="own", pace=0.0, venues=VENUES, book=OneWay) is lab
    with pytest.raises(LabConflict, match="book=OneWay, not Book"):
        vocx.lab.open(name="own", pace=0.0, venues=VENUES)
    with pytest.raises(LabConflict, match="book=OneWay, not Other"):
        other = type("Other", (OneWay,), {})
        vocx.lab.open(name="own", pace=0.0, venues=VENUES, book=other)


def test_it_ends_with_its_thread() -> None:
    """A closed one leaves nothing behind, says that it was closed, and opens again."""
    before = threading.active_count()
    lab = vocx.lab.open(name="ends", pace=0.0, book=OneWay)
    lab.close()
    assert threading.active_count() == before and not lab.alive
    with pytest.raises(LabDied, match="was closed"):
        lab.status()
    with vocx.lab.open(name="ends", pace=0.0, book=OneWay) as again:
        assert again is lab and again.alive


def test_what_cannot_be_opened_raises_here() -> None:
    """As if it were in another process: nothing that was started stays."""
    before = threading.active_count()
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LabConflict, match="cannot be used"):
            vocx.lab.open(name="taken", port=taken.getsockname()[1], book=OneWay)
    assert threading.active_count() == before


def test_what_is_no_engine_is_refused(tmp_path: Path) -> None:
    """A class that inherits from Book is wanted; a recording has no engine."""
    for book in (5, int, Book("BTC/USDT")):
        with pytest.raises(BadInput, match="write a class that inherits from"):
            vocx.lab.open(name="none", book=book)  # type: ignore[arg-type]
    recording = tmp_path / "one.jsonl"
    recording.write_text("{}\n")
    with pytest.raises(BadInput, match="a recording has no engine"):
        vocx.lab.open(name="none", replay=recording, book=OneWay)
