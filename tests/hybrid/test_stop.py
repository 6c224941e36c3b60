"""Stop ends a hybrid client within two seconds in every state, and leaves nothing behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vocx
from vocx.errors import ConnectionLost, StreamStopped, VocxError
from vocx.hybrid import HybridClient, View, Want, want

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab

BTC = "BTC/USDT"


def resting(view: View) -> list[Want]:
    """A bid and an ask far from the market: they rest and are never filled."""
    assert view.mid is not None
    low, high = view.mid * Decimal("0.98"), view.mid * Decimal("1.02")
    prices = {one.side: one.price for one in view.orders}
    return [
        want("buy", "0.01", prices.get("buy") or low.quantize(Decimal(1))),
        want("sell", "0.01", prices.get("sell") or high.quantize(Decimal(1))),
    ]


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


def mine() -> set[threading.Thread]:
    return {one for one in threading.enumerate() if one.name.startswith("vocx-")}


def sockets() -> set[str]:
    """Open sockets of this process."""
    found = set()
    for entry in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{entry}"))
    return {one for one in found if one.startswith("socket:")}


@pytest.fixture
def lab_of(exchange: Exchange) -> Iterator[Lab]:
    lab = exchange.lab
    assert lab is not None
    lab.faults.off()  # its own connection is open from here on
    yield lab
    lab.network.clear()
    lab.faults.off()
    exchange.cancel_all(BTC)


STATES: dict[str, Callable[[Lab], Any]] = {
    "healthy": lambda lab: ExitStack(),
    "black hole": lambda lab: lab.network.timeout(),
    "placements hang": lambda lab: lab.fault("lost_answer", path="POST /api/v3/order", count="all"),
    "cancels hang": lambda lab: lab.fault("lost_answer", path="DELETE /api/v3/order", count="all"),
    "questions hang": lambda lab: lab.fault("lost_answer", path="GET /api/v3/order", count="all"),
    "everything hangs": lambda lab: lab.fault("lost_answer", path="/api/v3", count="all"),
    "no connection opens": lambda lab: lab.fault("refuse_upgrade", path="/", count="all"),
}


STARTING = ("placements hang", "no connection opens")
"""Where REST does not answer at all, a start takes twenty seconds: only in the long run."""


@pytest.mark.parametrize(
    ("state", "orders"),
    [
        *((one, True) for one in STATES),
        *((one, False) for one in STARTING),
        *(
            pytest.param(one, False, marks=pytest.mark.long)
            for one in STATES
            if one not in STARTING
        ),
    ],
)
def test_stop_takes_two_seconds_at_most(
    exchange: Exchange, lab_of: Lab, tmp_path: Path, state: str, orders: bool
) -> None:
    """No thread, no socket, no connection is left, also where a call to the venue hangs; what could
    not be cancelled is named, and the journal knows it."""
    threads, before = mine(), sockets()
    client = HybridClient(exchange, BTC, resting, journal=tmp_path / "journal", max_age_ms=2000)
    with STATES["healthy" if orders else state](lab_of) as _:
        client.start()
        if orders:
            until(lambda: [one.state for one in client.orders] == ["open", "open"])
        with STATES[state](lab_of):
            time.sleep(0.4)  # let it get into trouble
            begun = time.monotonic()
            left = client.stop()
            taken = time.monotonic() - begun
            assert mine() <= threads and sockets() <= before
            named = {one.client_order_id for one in left}
    assert taken < 2.0
    if state == "healthy":
        assert left == []
    lab_of.network.clear()
    assert {one.client_order_id for one in exchange.open_orders(BTC)} <= named


def test_an_aborted_handle_ends_its_calls(exchange: Exchange, lab_of: Lab) -> None:
    """A call that waits for its answer ends at once, and none leaves afterwards; the handle that
    it was made from goes on."""
    handle = exchange.background()
    ended: list[VocxError] = []

    def ask() -> None:
        with pytest.raises(ConnectionLost) as caught:
            handle.order_book(BTC)
        ended.append(caught.value)

    with lab_of.fault("lost_answer", path="/api/v3/depth", count="all"):
        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: bool(lab_of.faults[0]["hits"]))
        handle.abort()
        thread.join(1)
    assert ended
    with pytest.raises(StreamStopped):
        handle.order_book(BTC)
    exchange.order_book(BTC)


def test_what_was_filled_in_an_outage_is_known_when_it_stops(
    lab_of: Lab, exchange: Exchange, tmp_path: Path
) -> None:
    """The private stream was gone: the fills that it never told are asked for before the end."""
    held = exchange.balances()["BTC"].total

    def near(view: View) -> list[Want]:
        assert view.book is not None and view.book.bid is not None
        return [want("buy", "0.01", view.book.bid)]

    client = HybridClient(
        exchange, BTC, near, when_stale="hold", max_age_ms=60_000, journal=tmp_path / "orders.jsonl"
    )
    lab_of.pause()
    try:
        client.start()
        until(lambda: [one.state for one in client.orders] == ["open"])
        client.strategy = lambda view: None
        (order,) = client.orders
        other = lab_of.account("taker in an outage", venue="binance")
        with (
            vocx.connect("binance", where=dict(lab_of.urls["binance"]), credentials=other) as taker,
            lab_of.fault("refuse_upgrade", path="/", status=503, count="all"),
        ):
            with lab_of.network.reset_peer():
                pass
            assert client._account is not None
            until(lambda: client._account.state != "live")  # type: ignore[union-attr]
            depth = taker.order_book(BTC, 5).bids[0][1]
            taker.place_order(
                BTC, "sell", depth, type="limit", price=order.price, time_in_force="IOC"
            )
            assert client.stop() == []
    finally:
        client.stop()
        lab_of.resume()
    change = exchange.balances()["BTC"].total - held
    assert client.pnl().position == change > 0
    assert {one.source for one in order.fills.values()} == {"rest"}
