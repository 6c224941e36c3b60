"""My orders and balances as a reader sees them, without a browser, against a real lab."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import vocx
from vocx import views
from vocx.errors import BadInput
from vocx.views.writer import helper

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.stream import Stream

BTC = "BTC/USDT"


def until(true: Callable[[], object], deadline_s: float = 10.0) -> None:
    end = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end, "the state was not reached"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _nothing_left(exchange: Exchange) -> Iterator[None]:
    yield
    views.stop_all()
    assert exchange.lab is not None
    exchange.lab.network.clear()
    exchange.cancel_all(BTC)
    vocx.stop_all()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("vocx ")]


@pytest.fixture
def mine(exchange: Exchange) -> Iterator[Stream]:
    stream = exchange.stream("orders", "fills", "balances").wait(10)
    yield stream
    stream.stop()


def rest(exchange: Exchange, **changed: Any) -> Any:
    """A buy far below the market: it rests."""
    wish = {"quantity": "0.001", "type": "limit", "price": "40000", **changed}
    return exchange.place_order(BTC, "buy", **wish)


def lines(view: views.View) -> list[str]:
    return str(view.table()).splitlines()


def test_before_anything_happened(exchange: Exchange, mine: Stream) -> None:
    """The view says that it listens, and to what: it is not an empty box."""
    shown = views.orders(mine)
    until(lambda: "no orders yet" in shown.panel.body)
    assert "no fills yet" in shown.table()
    assert shown.panel.level == "live" and "0 open" in shown.panel.status


def test_an_order_and_its_end(exchange: Exchange, mine: Stream) -> None:
    """Placed, it shows with side in word and arrow; cancelled, it says so."""
    shown = views.orders(mine)
    order = rest(exchange)
    until(lambda: order.client_order_id in shown.panel.body)
    row = lines(shown)[1].split("  ")
    cells = [cell.strip() for cell in row if cell.strip()]
    assert cells[1:] == [
        BTC, "▲ buy", "limit", "new", "40,000", "0.001", "0", "–", order.client_order_id,
    ]  # fmt: skip
    exchange.cancel_order(order)
    until(lambda: "canceled" in shown.panel.body)


def test_open_orders_come_first(exchange: Exchange, mine: Stream) -> None:
    """However many closed since; an expired order carries the exchange's reason."""
    shown = views.orders(mine)
    resting = rest(exchange)
    late = rest(exchange, time_in_force="IOC", price="50000")
    until(lambda: "expired: " in shown.panel.body)
    rows = lines(shown)
    assert resting.client_order_id in rows[1] and late.client_order_id in rows[2]
    assert "limit IOC" in rows[2] and "expired: unfilled" in str(shown.table())


def test_what_is_cut_off_is_said(exchange: Exchange, mine: Stream) -> None:
    """A full table names how many more there are."""
    for _ in range(3):
        rest(exchange)
    shown = views.orders(mine, n=2)
    until(lambda: len(mine.orders()) >= 3)
    until(lambda: "not shown: 1 open" in shown.table())
    assert str(shown.table()).count("▲ buy") == 2


def test_own_fills_and_the_average(exchange: Exchange, mine: Stream) -> None:
    """A market order's fills stand below it with fee and role."""
    shown = views.orders(mine)
    bought = exchange.place_order(BTC, "buy", "0.2", type="market")
    until(lambda: "▲ bought" in shown.panel.body and "filled</td>" in shown.panel.body)
    text = str(shown.table())
    assert f"{bought.average_price:,.4f}".rstrip("0")[:8] in text
    told = "BTC taker stream " + bought.client_order_id
    assert told in " ".join(text.split())


def test_another_symbol_is_left_out(exchange: Exchange, mine: Stream) -> None:
    """One symbol's orders and fills, where one was asked for."""
    shown = views.orders(mine, "ETH/USDT")
    rest(exchange)
    until(lambda: mine.orders(BTC))
    assert "no orders yet" in shown.table()


def test_balances_follow_an_order(exchange: Exchange, mine: Stream) -> None:
    """Free falls, locked rises, the total stays."""
    shown = views.balances(mine)
    until(lambda: "USDT" in shown.panel.body)
    total = next(line for line in lines(shown) if line.startswith("USDT")).split()[3]
    rest(exchange)
    until(lambda: mine.balances()[-2].locked == 40)
    usdt = next(line for line in lines(shown) if line.startswith("USDT")).split()
    assert usdt[2].startswith("40") and usdt[3] == total
    until(lambda: "1 with locked parts" in shown.panel.status)
    assert lines(views.balances(mine, ["ETH"]))[1:][0].startswith("ETH")


def test_a_reader_cuts_the_line_of_an_account(exchange: Exchange, mine: Stream) -> None:
    """By the button or from code; the view says who did it and names the outage. There is no topic
    to silence or to lose messages of, so it has no such button."""
    shown = views.orders(mine)
    until(lambda: [one[0] for one in shown.panel.switches] == ["cut"])
    assert "cut" in dir(shown) and not {"silence", "lose_one"} & {*dir(shown)}
    shown._on_message(None, {"do": "cut"}, [])
    until(lambda: "line cut by you" in shown.panel.status)
    until(lambda: "1 outage of " in shown.panel.body and mine.state == "live")
    shown.cut()
    until(lambda: "2 outages" in shown.panel.body and mine.state == "live")
    for refused in (shown.silence, shown.lose_one):
        with pytest.raises(BadInput, match="no topic"):
            refused()
    shown.stop()
    until(lambda: not shown.panel.switches)


def test_an_outage_is_greyed_and_reconciled(exchange: Exchange, mine: Stream) -> None:
    """No row passes for current while it may be old; what the outage hid says that it came
    later, and the outage stays named."""
    lab = exchange.lab
    assert lab is not None
    shown = views.orders(mine)
    order = rest(exchange)
    until(lambda: order.client_order_id in shown.panel.body)
    said: list[str] = []
    with lab.fault("refuse_upgrade", path="/ws-api", status=503, count="all"):
        with lab.network.reset_peer():
            until(lambda: shown.panel.level == "waiting" and "class=stale" in shown.panel.body)
        exchange.place_order(BTC, "buy", "0.0123", type="market")
        assert "0.0123 " not in shown.table()
        lab.network.latency(rtt_ms=300)
    until(lambda: said.append(shown.panel.status) or "reconciling: asking" in said[-1], 20)
    lab.network.clear()
    until(lambda: shown.panel.level == "live" and "class=stale" not in shown.panel.body)
    assert "REST, later" in shown.panel.body
    assert "1 outage of " in shown.panel.body and "was asked for by REST" in shown.table()


def test_stop_ends_the_stream(exchange: Exchange, mine: Stream) -> None:
    """The button; the last rows stay, and the view says why it ended."""
    shown = views.orders(mine)
    shown._on_message(None, {"do": "stop"}, [])
    until(lambda: shown.mode == "stopped")
    assert mine.state == "stopped" and "stream stopped" in shown.panel.status


def test_views_of_an_exchange_share_a_stream(exchange: Exchange) -> None:
    """One connection for both; it ends with the last of them, and a re-run replaces."""
    first, second = views.orders(exchange), views.balances(exchange)
    (stream,) = vocx.running()
    again = views.orders(exchange)
    assert first.mode == "closed" and again._streams == second._streams == [stream]
    until(lambda: again.panel.level == "live")
    again.stop()
    until(lambda: again.mode == "stopped")
    assert stream.state == "live"
    second.stop()
    until(lambda: stream.state == "stopped")


def test_a_stream_that_was_given_is_not_ended(exchange: Exchange, mine: Stream) -> None:
    """Ending a view leaves the reader's own stream alone; an exchange's views use it too."""
    shown = views.orders(exchange)
    assert shown._streams == [mine]
    shown.stop()
    helper.join(5)
    assert mine.state == "live"


def test_other_streams_are_refused(exchange: Exchange) -> None:
    """The text says what to write."""
    tape = SimpleNamespace(name="tape", channels=[SimpleNamespace(channel="trades")])
    with pytest.raises(BadInput, match=r'stream\("orders", "fills", "balances"\)'):
        views.orders(tape)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="neither a stream nor an exchange"):
        views.balances("binance")  # type: ignore[arg-type]


def test_many_orders_do_not_fill_the_page(exchange: Exchange, mine: Stream) -> None:
    """With 100 orders behind it the table keeps its size, and both views go on being drawn."""
    exchange.lab.limits(off=True)
    for _ in range(100):
        rest(exchange, time_in_force="IOC", via="websocket")
    made = [views.orders(mine), views.balances(mine)]
    until(lambda: all(one.stats.refreshes >= 15 for one in made), 15)
    assert len(made[0].table().splitlines()) < 40
