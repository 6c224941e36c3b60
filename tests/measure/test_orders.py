"""Order entry both ways: by hand, and once in a real lab, over TLS and 80 ms away."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import vocx
from vocx import measure, venues
from vocx.errors import BadInput
from vocx.measure import Interval, OrderEntry
from vocx.measure.order_paths import LoggedOnPath, SocketPath, signatures
from vocx.measure.orders import ACCOUNT
from vocx.measure.trading import Trader
from vocx.venues.base import GetBalances, GetOpenOrders

BTC = "BTC/USDT"
MANY = 6


@pytest.fixture(scope="module")
def exchange() -> Iterator[vocx.Exchange]:
    with (
        vocx.lab.open(seed=7, name="orders") as lab,
        vocx.connect("binance", lab=lab, tls=True) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def far(exchange: vocx.Exchange) -> OrderEntry:
    with exchange.lab.network.latency(rtt_ms=80):
        return measure.orders(exchange, repeats=8, many=MANY)


def row(result: OrderEntry, path: str, at_once: int = 1) -> dict[str, Any]:
    found = [one for one in result.rows() if (one["path"], one["at_once"]) == (path, at_once)]
    assert len(found) == 1, str(result)
    return found[0]


def asked(exchange: vocx.Exchange) -> tuple[list[Any], dict[str, Decimal]]:
    """Open orders and balances of the measurement's account."""
    with Trader(exchange, ACCOUNT) as trader:
        ask = trader.rest.call
        orders = ask(GetOpenOrders(symbol=BTC), trader.key, trader.now_ns)
        held = ask(GetBalances(), trader.key, trader.now_ns)
    return list(orders), {one.asset: one.total for one in held}


# counting


def test_signatures_are_counted_in_queries_and_in_frames() -> None:
    """By their names, in what was sent."""
    hidden = venues.get("binance").secrets
    assert signatures(b"POST /api/v3/order?symbol=X&signature=ab HTTP/1.1\r\n", hidden) == 1
    assert signatures(b'{"id":1,"params":{"apiKey":"k","signature":"ab"}}', hidden) == 1
    assert signatures(b'{"id":1,"params":{"newClientOrderId":"signature"}}', hidden) == 0


def test_round_trips(far: OrderEntry) -> None:
    """TCP, TLS 1.3, order; and the upgrade, and the logon, of a socket's first."""
    assert [far.round_trips(path, True) for path in far.opening_trips] == [3, 4, 5]
    assert {far.round_trips(path, False) for path in far.opening_trips} == {1}


# measured


@pytest.mark.parametrize("path", ["REST", "WebSocket", "WebSocket, logged on"])
def test_a_kept_connection_needs_one_round_trip_whatever_it_speaks(far, path: str) -> None:
    """80 ms there and back, half of it until the engine has the order; the protocol adds nothing
    but the machine's own milliseconds."""
    found = row(far, f"{path}, kept")
    assert found["theory_call_ms"] == 80 and found["theory_one_way_ms"] == 40
    assert found["call_ms"].low >= 80 and found["call_ms"].holds(80, slack=25), str(far)
    assert found["one_way_ms"].low >= 40 and found["one_way_ms"].holds(40, slack=15), str(far)


@pytest.mark.parametrize(("path", "trips"), [("REST", 3), ("WebSocket", 4)])
def test_a_first_order_pays_for_the_opening(far: OrderEntry, path: str, trips: int) -> None:
    """Each handshake at the dial's distance; agreeing on keys costs the machine some time, too.
    The quickest tells: a busy machine only adds."""
    found = row(far, f"{path}, new")
    assert found["theory_call_ms"] == trips * 80
    assert trips * 80 <= found["call_ms"].value < (trips + 1) * 80, str(far)
    assert (trips - 0.5) * 80 <= found["one_way_ms"].value < (trips + 0.5) * 80, str(far)
    assert found["connections"] == found["tls_handshakes"] == 1


def test_the_first_order_is_later_by_socket(far: OrderEntry) -> None:
    """A whole round trip, for the upgrade."""
    rest, socket = row(far, "REST, new"), row(far, "WebSocket, new")
    assert 40 < socket["call_ms"].value - rest["call_ms"].value < 120, str(far)


def test_many_at_once_need_connections_by_rest_and_one_by_socket(far: OrderEntry) -> None:
    """One socket carries all; a session opens a connection for each that finds none free."""
    assert row(far, "REST, new", MANY)["connections"] > MANY / 2
    assert row(far, "WebSocket, new", MANY)["connections"] == 1
    assert row(far, "REST, kept", MANY)["connections"] == 0
    assert row(far, "WebSocket, kept", MANY)["connections"] == 0


def test_many_at_once_are_done_in_about_one_round_trip(far: OrderEntry) -> None:
    """Neither queues behind another's answer."""
    for path in ("REST, kept", "WebSocket, kept"):
        found = row(far, path, MANY)
        assert 80 <= found["call_ms"].value <= found["all_ms"].value < 2 * 80, str(far)


def test_every_order_is_signed_unless_the_socket_logged_on(far: OrderEntry) -> None:
    """Binance wants a signature of each order by both ways; a logon with Ed25519 saves it."""
    signed = {one["path"]: one["signatures_an_order"] for one in far.rows()}
    assert signed.pop("WebSocket, logged on, kept") == 0 and far.logon_signatures == 1
    assert set(signed.values()) == {1.0} and len(signed) == 4
    assert "sent 1 signature, once" in " ".join(str(far).split())


def test_bytes_are_those_of_heads_bodies_and_frames(far: OrderEntry) -> None:
    """Without key and signature a frame is shorter by what they take."""
    socket, bare = row(far, "WebSocket, kept"), row(far, "WebSocket, logged on, kept")
    assert 130 < socket["bytes_an_order"] - bare["bytes_an_order"] < 180
    assert 700 < row(far, "REST, kept")["bytes_an_order"] < 2000


def test_file(far: OrderEntry, tmp_path) -> None:
    """What was saved comes back as it was; every time has its interval."""
    assert measure.load(far.save(tmp_path / "orders")) == far
    shown: list[Interval] = [one["call_ms"] for one in far.rows()]
    assert all(one.low is not None for one in shown)


# what it leaves


def test_the_brake_of_your_exchange_goes_by_the_usual_limit(exchange: vocx.Exchange) -> None:
    """Nobody who asks for instruments on behalf of the measurement learns its raised limit."""
    with exchange.clone() as twin:
        measure.orders(twin, repeats=1, many=1)
        orders = next(one for one in twin.budget.rows() if one.bucket == "orders")
    assert orders.amount == 100


def allowed(lab: vocx.lab.Lab) -> dict[str, int]:
    """The limits that hold, whatever is used of them."""
    return {one["name"]: one["limit"] for one in lab.limits.state["limits"]}


def test_nothing_is_left(exchange: vocx.Exchange) -> None:
    """No order, no thread, nothing spent; limits and your count of orders are as they were."""
    lab, before, threads = exchange.lab, asked(exchange), set(threading.enumerate())
    limits, mark = allowed(lab), lab.truth.events(None).next
    measure.orders(exchange, repeats=3, many=3)
    assert allowed(lab) == limits
    assert asked(exchange) == before and before[0] == []
    assert not exchange.open_orders(BTC)
    events = lab.truth.events(mark, kind="order")
    assert {one.owner for one in events} == {f"binance:{ACCOUNT}"}
    assert {one.what for one in events} == {"new", "expired"}
    assert {one.name for one in set(threading.enumerate()) - threads} == set()


def test_an_interrupt_puts_the_limits_back(exchange: vocx.Exchange) -> None:
    """Whenever it comes."""
    limits, threads = allowed(exchange.lab), set(threading.enumerate())
    timer = threading.Timer(1.5, _thread.interrupt_main)
    with exchange.lab.network.latency(rtt_ms=80), pytest.raises(KeyboardInterrupt):
        timer.start()
        measure.orders(exchange, repeats=100)
    timer.join()
    state = exchange.lab.limits.state
    assert (
        allowed(exchange.lab) == limits
        and not state["off"]
        and not state["paused"]
        and asked(exchange)[0] == []
    )
    assert {one.name for one in set(threading.enumerate()) - threads} == set()


def test_a_socket_that_has_not_logged_on_is_refused(exchange: vocx.Exchange) -> None:
    """The frames really carry no proof: the logon is what lets them in."""
    with Trader(exchange, "other") as trader:
        order = trader.order(BTC, "buy", Decimal("0.001"), Decimal(30_000), time_in_force="IOC")
        path = LoggedOnPath(trader)
        try:
            with pytest.raises(vocx.errors.VenueError, match="(?i)apikey|mandatory"):
                path.send(path.prepare(order))
            path.log_on()
            assert path.send(path.prepare(order)).signatures == 0
        finally:
            path.hang_up()


def test_an_order_by_socket_is_what_the_engine_took(exchange: vocx.Exchange) -> None:
    """Its id is in the truth log, accepted between sending and answer."""
    with Trader(exchange, "other") as trader:
        mark, path = trader.lab.truth.events(None).next, SocketPath(trader)
        order = trader.order(BTC, "buy", Decimal("0.001"), Decimal(30_000), time_in_force="IOC")
        placed = path.send(path.prepare(order))
        path.hang_up()
        (taken,) = (one for one in trader.lab.truth.events(mark, kind="order") if one.what == "new")
    assert taken.id == placed.id and placed.begun_ns < taken.mono_ns < placed.ended_ns


@pytest.mark.parametrize("wish", [{"repeats": 0}, {"many": 101}, {"many": 2.5}])
def test_nonsense_is_refused(exchange: vocx.Exchange, wish: dict[str, Any]) -> None:
    """Before anything is opened."""
    with pytest.raises(BadInput, match="write a whole number from 1 to 100 orders"):
        measure.orders(exchange, **wish)


def test_only_a_lab_will_do() -> None:
    """No order leaves for a real venue."""
    with pytest.raises(BadInput, match="only a lab knows"):
        measure.orders(vocx.connect("binance", "real"))
