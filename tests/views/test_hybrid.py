"""The panel of a hybrid client as a reader sees it, without a browser, against a real lab."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vocx
from vocx import views
from vocx.errors import BadInput
from vocx.hybrid import HybridClient, View, Want, want

if TYPE_CHECKING:
    from vocx.exchange import Exchange

BTC = "BTC/USDT"


def until(true: Callable[[], object], deadline_s: float = 10.0) -> None:
    end = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end, "the state was not reached"
        time.sleep(0.01)


def resting(view: View) -> list[Want]:
    """One bid 2 % below the market, and one that the collar forbids."""
    assert view.mid is not None
    resting_there = [one.price for one in view.orders if one.price is not None]
    price = (view.mid * Decimal("0.98")).quantize(Decimal(1))
    return [
        want("buy", "0.01", resting_there[0] if resting_there else price),
        want("sell", "0.01", 2 * price, slot="far"),
    ]


@pytest.fixture
def client(exchange: Exchange, tmp_path: Path) -> Iterator[HybridClient]:
    made = HybridClient(exchange, BTC, resting, journal=tmp_path / "journal")
    yield made
    made.stop()
    views.stop_all()
    vocx.stop_all()


def test_everything_that_one_asks_about_stands_there(client: HybridClient) -> None:
    """Source, age, counts, limit, orders, profit and loss, what was forbidden; as text too."""
    shown = views.hybrid(client, note="Watch the source")
    assert "not started" in str(shown.table())
    client.start()
    until(lambda: [one.state for one in client.orders] == ["open"])
    until(lambda: client.status.state == "running")
    text = str(shown.table())
    for said in ("running", "stream, ", "ms old", "1, of which 0 unknown", "% used", "▲ buy",
                 "0, in 0 fills", "USDT after fees", "learnt from"):  # fmt: skip
        assert said in text, text
    assert "wants forbidden, last: price" in text
    until(lambda: client.orders[0].client_order_id in shown.panel.body)
    assert shown.panel.level == "live" and "running" in shown.panel.status


def test_it_is_greyed_while_the_client_waits(exchange: Exchange, client: HybridClient) -> None:
    """And the status line says why."""
    shown = views.hybrid(client)
    client.start()
    until(lambda: shown.panel.level == "live")
    assert exchange.lab is not None
    with exchange.lab.fault("drop", stream="btcusdt@depth@100ms", count="all"):
        until(lambda: shown.panel.level == "waiting")
        assert "ms is the limit" in shown.panel.status or "vouched" in shown.panel.status
        until(lambda: "class=stale" in shown.panel.body)


def test_its_stop_stops_the_client(exchange: Exchange, client: HybridClient) -> None:
    """The button ends the client and its orders, and then the view; ``stop`` the view alone."""
    first = views.hybrid(client, name="first")
    client.start()
    until(lambda: len(exchange.open_orders(BTC)) == 1)
    first.stop()
    assert client.status.state == "running"
    second = views.hybrid(client, name="second")
    second._command("stop")
    until(lambda: client.status.state == "stopped")
    until(lambda: second.mode == "stopped")
    assert exchange.open_orders(BTC) == [] and "stopped" in str(second.table())


def test_what_is_no_client_is_refused(exchange: Exchange) -> None:
    """The text says what to write."""
    with pytest.raises(BadInput, match="views.hybrid"):
        views.hybrid(exchange)  # type: ignore[arg-type]
