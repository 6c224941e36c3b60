"""The hybrid client in a real lab: whatever happens, it ends with what the exchange says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vocx
from vocx.hybrid import Bounds, HybridClient, View, Want, market_maker, want

if TYPE_CHECKING:
    from vocx.exchange import Exchange

BTC = "BTC/USDT"


def until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


@pytest.fixture
def account(exchange: Exchange) -> Iterator[dict[str, Decimal]]:
    """What the account held before; nothing rests of it afterwards."""
    yield {one.asset: one.total for one in exchange.balances()}
    exchange.lab.faults.off()  # type: ignore[union-attr]
    exchange.cancel_all(BTC)


def change(exchange: Exchange, before: dict[str, Decimal], asset: str) -> Decimal:
    return exchange.balances()[asset].total - before[asset]


def resting(view: View) -> list[Want]:
    """One bid far below the market: it rests and is never filled."""
    assert view.mid is not None
    price = (view.mid * Decimal("0.99")).quantize(Decimal(1))
    known = [one.price for one in view.orders if one.price is not None]
    return [want("buy", "0.01", known[0] if known else price)]


def client(exchange: Exchange, tmp_path: Path, strategy: Any, **more: Any) -> HybridClient:
    return HybridClient(exchange, BTC, strategy, journal=tmp_path / "journal", **more)


def test_a_market_maker_ends_with_what_the_exchange_says(
    exchange: Exchange, account: dict[str, Decimal], tmp_path: Path
) -> None:
    """It trades, stops within two seconds, leaves nothing, and its position is the account's."""
    maker = market_maker("0.01", distance_ticks=0)
    with client(exchange, tmp_path, maker, bounds=Bounds(position=Decimal("0.1"))) as made:
        until(lambda: made.pnl().fills >= 2, 40)
        begun = time.monotonic()
        assert made.stop() == [] and time.monotonic() - begun < 2
    assert exchange.open_orders(BTC) == []
    assert change(exchange, account, "BTC") == made.pnl().position
    assert made.status.state == "stopped"


def test_a_lost_answer_leaves_one_order(
    exchange: Exchange, account: dict[str, Decimal], tmp_path: Path
) -> None:
    """The private stream tells of the order before anybody gives its answer up."""
    lab = exchange.lab
    assert lab is not None
    lab.fault("lost_answer", path="POST /api/v3/order", count=1)
    with client(exchange, tmp_path, resting) as made:
        until(lambda: [one.state for one in made.orders] == ["open"], 20)
        assert made.orders[0].learnt == "stream" and len(exchange.open_orders(BTC)) == 1
        assert len(made.all_orders()) == 1
    assert exchange.open_orders(BTC) == []


def test_a_lost_request_is_found_out_before_another_is_sent(
    exchange: Exchange, account: dict[str, Decimal], tmp_path: Path
) -> None:
    """Unknown until five questions over five seconds, and one of another kind, found nothing; only
    then is the slot free."""
    lab = exchange.lab
    assert lab is not None
    lab.fault("lost_request", path="POST /api/v3/order", count=1)
    with client(exchange, tmp_path, resting) as made:
        until(lambda: made.status.unknown == 1, 20)
        assert made.status.unknown_now == 1 and made.status.placed == 1
        until(lambda: len(exchange.open_orders(BTC)) == 1, 25)
        first, second = made.all_orders()
        assert (first.status, second.state) == ("not_placed", "open")
        assert second.made_ns - first.made_ns > 5 * 10**9
    assert exchange.open_orders(BTC) == []


def test_a_killed_client_is_taken_up_by_the_next(
    exchange: Exchange, account: dict[str, Decimal], tmp_path: Path
) -> None:
    """SIGKILL leaves orders behind; the journal names them, and the next client owns them."""
    lab = exchange.lab
    assert lab is not None
    known = lab.credentials(exchange.venue.name)
    secret = {"key": known.key, "secret": known.secret}
    program = (
        "import time, vocx\nfrom vocx.hybrid import HybridClient\n"
        "from vocx.venues.base import Credentials\n"
        "from hybrid.test_in_lab import resting\n"
        f"key = Credentials(**{secret!r})\n"
        f"ex = vocx.connect('binance', where={dict(lab.urls['binance'])!r}, credentials=key)\n"
        f"HybridClient(ex, {BTC!r}, resting, journal={str(tmp_path / 'journal')!r}).start()\n"
        "time.sleep(60)\n"
    )
    tests = str(Path(__file__).parents[1])
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([tests, *sys.path])},
    )
    try:
        until(lambda: len(exchange.open_orders(BTC)) == 1, 30)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    (left,) = exchange.open_orders(BTC)
    urls = dict(lab.urls[exchange.venue.name])
    with (
        vocx.connect(exchange.venue.name, where=urls, credentials=known) as again,
        client(again, tmp_path, lambda view: None) as made,
    ):
        until(lambda: [one.state for one in made.orders] == ["open"])
        assert made.orders[0].client_order_id == left.client_order_id
    assert exchange.open_orders(BTC) == []


def test_it_waits_while_its_view_is_not_good(
    exchange: Exchange, account: dict[str, Decimal], tmp_path: Path
) -> None:
    """A book that goes silent is noticed within 15 s: the strategy is not asked, what rests is
    cancelled, the book comes by REST, and from the stream again afterwards."""
    lab = exchange.lab
    assert lab is not None
    with client(exchange, tmp_path, resting, max_age_ms=1500) as made:
        until(lambda: len(exchange.open_orders(BTC)) == 1)
        with lab.fault("drop", stream="btcusdt@depth@100ms", count="all"):
            until(lambda: made.status.state == "waiting", 25)
            until(lambda: exchange.open_orders(BTC) == [])
            until(lambda: made.status.source == "rest")
        until(lambda: made.status.source == "stream")
        until(lambda: len(exchange.open_orders(BTC)) == 1)


def test_a_strategy_that_fails_does_not_trade_on(
    exchange: Exchange, account: dict[str, Decimal], tmp_path: Path
) -> None:
    """Ten failures in a row end it: shown, counted, and its orders cancelled."""
    calls = []

    def fails(view: View) -> list[Want]:
        calls.append(view)
        if len(calls) > 1:
            raise ZeroDivisionError("mine")
        return resting(view)

    with client(exchange, tmp_path, fails) as made:
        until(lambda: made.status.state == "failed")
        until(lambda: exchange.open_orders(BTC) == [])
        assert made.status.strategy_errors == 10 and "mine" in made.status.why
