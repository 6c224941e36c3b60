"""The hybrid client: what a look costs, and how soon an order that it wants is at the venue."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from decimal import Decimal
from io import StringIO
from pathlib import Path
from statistics import median

import requests

import vocx
from benches.row import Row, percentile
from vocx.hybrid import Bounds, HybridClient, View, Want, want
from vocx.lab import Lab
from vocx.timing import mono_ns, wall_ns
from vocx.venues.base import PlaceOrder

BTC = "BTC/USDT"
SIGNALS, LOOKS = 150, 2_000
CENT = Decimal("0.01")


class Signals:
    """A strategy that wants one order at a price of its own, and at its next look none: each order
    is known again by its price."""

    def __init__(self, low: Decimal) -> None:
        self.low, self.number = low, 0
        self.seen_ns: dict[Decimal, int] = {}

    def __call__(self, view: View) -> list[Want]:
        if view.orders or len(self.seen_ns) > SIGNALS:
            return []
        self.number += 1
        price = self.low + self.number * CENT
        self.seen_ns[price] = mono_ns()
        return [want("buy", "0.001", price)]


def hybrid() -> Iterator[Row]:
    """On a paused market, without limits, so that only the client is measured."""
    with redirect_stdout(StringIO()):
        lab = vocx.lab.open(name="bench-hybrid")
        ex = vocx.connect(lab=lab)
    with lab, ex, tempfile.TemporaryDirectory() as folder:
        lab.limits(off=True)
        ex.budget.stop_at = None
        low = (ex.quote(BTC).bid or Decimal(60_000)) * Decimal("0.97") // 1
        signals = Signals(low)
        client = HybridClient(
            ex, BTC, signals, bounds=Bounds(orders_per_s=1_000, collar=Decimal("0.1")),
            max_age_ms=60_000, every_s=0.02, journal=Path(folder) / "orders.jsonl",
        )  # fmt: skip
        with client:
            deadline = time.monotonic() + 60
            while len(signals.seen_ns) <= SIGNALS:
                assert time.monotonic() < deadline, client.status
                threading.Event().wait(0.05)
            lab.pause()
            yield _look(client)
        lab.resume()
        bare_ns = _bare(lab, low - 1_000 * CENT)
        arrived_ns = {
            one.price: one.mono_ns
            for one in lab.truth.events(kind="order", symbol=BTC)
            if one.what == "new" and one.price is not None
        }
    ways = {
        name: [
            (arrived_ns[price] - begun) / 1e6
            for price, begun in sent.items()
            if price in arrived_ns
        ]
        for name, sent in (("signal", signals.seen_ns), ("bare", bare_ns))
    }
    p99 = {name: percentile(taken, 0.99) for name, taken in ways.items()}
    notes = {
        f"{name}_{what}_ms": round(value, 3)
        for name, taken in ways.items()
        for what, value in (("p50", median(taken)), ("p99", p99[name]))
    }
    yield Row(
        "signal to order at the venue, p99",
        p99["signal"] / p99["bare"],
        "x bare POST",
        "<= 2",
        {**notes, "orders": {name: len(taken) for name, taken in ways.items()}},
    )


def _bare(lab: Lab, low: Decimal) -> dict[Decimal, int]:
    """Signed before, sent on one kept connection, cancelled by nobody."""
    venue, key = vocx.venues.get("binance"), lab.credentials("binance")
    sent: dict[Decimal, int] = {}
    with requests.Session() as session:
        session.trust_env = False
        for number in range(SIGNALS):
            price = low + number * CENT
            order = PlaceOrder(
                symbol=BTC, side="buy", type="limit", client_order_id=f"bare-{number}",
                quantity=Decimal("0.001"), price=price, time_in_force="GTC",
            )  # fmt: skip
            request = venue.sign(venue.request(order, wall_ns()), wall_ns(), key, "")
            url = lab.urls["binance"]["rest"] + request.target
            begun = mono_ns()
            session.post(url, headers=dict(request.headers), timeout=5).raise_for_status()
            sent[price] = begun
            threading.Event().wait(0.02)
    return sent


def _look(client: HybridClient) -> Row:
    """A whole view against a copy of its twenty levels a side."""
    book = client.view().book
    assert book is not None

    def copy() -> object:
        return [
            [(Decimal(price), Decimal(quantity)) for price, quantity in side]
            for side in (book.bids, book.asks)
        ]

    taken: dict[str, list[float]] = {"view": [], "copy": []}
    for _ in range(7):
        for name, act in (("view", client.view), ("copy", copy)):
            begun = time.thread_time()
            for _ in range(LOOKS):
                act()
            taken[name].append((time.thread_time() - begun) / LOOKS * 1e6)
    micros = {name: median(values) for name, values in taken.items()}
    return Row(
        "view of a hybrid client with 20 levels",
        micros["view"] / micros["copy"],
        "x copying the levels",
        "<= 4",
        {f"{name}_us": round(value, 1) for name, value in micros.items()},
    )
