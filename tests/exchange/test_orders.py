"""Orders: what is refused here, what the lab does with them, and what became of each."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from faulty import Faulty, Peer
from scripted import Scripted, http

import vocx
from vocx import errors
from vocx.exchange import Exchange
from vocx.exchange.environment import VenueEnvironment
from vocx.exchange.order_checks import OrderNumbers, allowance, cost, draft
from vocx.facts import Balance, BookSnapshot, Facts, Fill, Gap, Instrument, Order
from vocx.stream.account import Account, Reconciler, ReconcileRequest
from vocx.stream.background import Background
from vocx.stream.stats import Counters
from vocx.venues.base import Credentials, Endpoints, Limit, Usage
from vocx.venues.binance import Binance

BTC = "BTC/USDT"
INSTRUMENT = Instrument(
    symbol=BTC,
    venue="binance",
    venue_symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick=Decimal("0.01"),
    lot=Decimal("0.00001"),
    min_quantity=Decimal("0.00001"),
    max_quantity=Decimal(9000),
    min_notional=Decimal(5),
    max_notional=Decimal(9_000_000),
)


def rest(exchange: Exchange, **changed: Any) -> Order:
    """A limit order far below the market: it rests."""
    usual: dict[str, Any] = {"type": "limit", "price": "40000"}
    return exchange.place_order(BTC, "buy", "0.001", **{**usual, **changed})


def until(holds: Callable[[], Any], seconds: float = 5) -> Any:
    """Wait on a state, with a deadline."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "the state did not come"
        time.sleep(0.005)
    return found


# what is refused here


def test_ids_are_unique_sorted_and_short() -> None:
    """Made before sending: sorted by time, also within a millisecond and when clocks step back."""
    numbers, venue = OrderNumbers(), Binance()
    times = [10**18, 10**18, 10**18 + 10**7, 10**18, *[10**18 + 2 * 10**7] * 1000]
    made = [venue.make_client_order_id(numbers.make(now_ns)) for now_ns in times]
    for one in made:
        venue.validate_client_order_id(one)
    assert made == sorted(set(made))
    assert all(one.startswith("vocx-") and len(one) == 31 for one in made)


@pytest.mark.parametrize(
    ("wish", "kind", "says"),
    [
        ({"quantity": 0.1}, errors.FloatRefused, 'Write it as text: "0.1"'),
        ({"price": 60000.5}, errors.FloatRefused, "price came as the float"),
        ({"quantity": "0"}, errors.BadInput, "above 0"),
        ({"quantity": "-1"}, errors.BadInput, 'side="sell"'),
        ({"quantity": "NaN"}, errors.BadInput, "finite"),
        ({"quantity": "much"}, errors.BadInput, "number as text"),
        ({"quantity": None}, errors.BadInput, "needs a quantity"),
        ({"price": None}, errors.BadInput, "needs a price"),
        ({"side": "BUY"}, errors.BadInput, 'write "buy"'),
        ({"side": "long"}, errors.BadInput, "one of buy, sell"),
        ({"type": "LIMIT"}, errors.BadInput, 'write "limit"'),
        ({"type": "post-only"}, errors.BadInput, 'write "post_only"'),
        ({"type": "stop"}, errors.BadInput, "one of limit, market, post_only"),
        ({"time_in_force": "gtc"}, errors.BadInput, 'write "GTC"'),
        ({"type": "market"}, errors.BadInput, "leave price out"),
        ({"type": "market", "price": None, "quantity": None}, errors.BadInput, "exactly one"),
        ({"type": "market", "price": None, "quote_quantity": "1"}, errors.BadInput, "exactly one"),
        ({"type": "post_only", "time_in_force": "GTC"}, errors.BadInput, "leave it out"),
        ({"quote_quantity": "100"}, errors.BadInput, "for market orders"),
        ({"symbol": "BTCUSDT"}, errors.UnknownSymbol, '"BTC/USDT"'),
    ],
)
def test_an_order_that_cannot_be_says_what_to_write(
    wish: dict[str, Any], kind: type, says: str
) -> None:
    """Each part is checked, and all of them together."""
    usual = {"symbol": BTC, "side": "buy", "quantity": "0.01", "type": "limit", "price": "60000"}
    with pytest.raises(kind, match=says):
        draft(**{**usual, **wish}, client_order_id="vocx-1")


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        ({"price": "60000.005"}, 'tick of 0.01: write "60000.00" or "60000.01"'),
        ({"price": "0.001"}, 'write "0.01"'),
        ({"quantity": "0.000015"}, 'lot of 0.00001: write "0.00001" or "0.00002"'),
        ({"quantity": "0.000001"}, 'below the least: write "0.00001"'),
        ({"quantity": "9001"}, 'above the most: write "9000"'),
        ({"quantity": "900", "price": "60000"}, 'most one order may.*write quantity "150.00000"'),
        ({"quantity": "0.00001", "price": "60000"}, '0.6 USDT.*write quantity "0.00009"'),
        ({"quote_quantity": "4.99"}, 'write "5" or more'),
        ({"quantity": "0", "price": "-1"}, "price is -1.*quantity is 0"),
    ],
)
def test_an_instrument_explains(numbers: dict[str, str], says: str) -> None:
    """Names the nearest legal numbers, and they are legal."""
    import re

    text = INSTRUMENT.explain(**numbers)
    assert re.search(says, text), text


@pytest.mark.parametrize("price", ["61234.56", "0.01", "3333.33", "7"])
def test_what_an_instrument_suggests_is_legal(price: str) -> None:
    """The least quantity that it names passes, one lot less does not."""
    text = INSTRUMENT.explain(quantity="0.00001", price=price)
    named = Decimal(text.rpartition('quantity "')[2].partition('"')[0])
    assert INSTRUMENT.explain(quantity=named, price=price) == ""
    assert INSTRUMENT.explain(quantity=named - INSTRUMENT.lot, price=price)


BOOK = BookSnapshot(
    symbol=BTC,
    bids=((Decimal(99), Decimal(1)), (Decimal(90), Decimal(1))),
    asks=((Decimal(101), Decimal(1)), (Decimal(110), Decimal(1))),
    sequence=1,
)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"side": "buy", "type": "market", "quantity": "1.5"}, Decimal(156)),
        ({"side": "sell", "type": "market", "quantity": "2"}, Decimal(189)),
        ({"side": "sell", "type": "market", "quantity": "2.1"}, None),
        ({"side": "buy", "type": "market", "quantity": None, "quote_quantity": "7"}, Decimal(7)),
        ({"side": "buy", "type": "limit", "quantity": "2", "price": "50"}, Decimal(100)),
        ({"side": "sell", "type": "limit", "quantity": "2", "price": "1"}, Decimal(198)),
    ],
)
def test_what_an_order_moves(order: dict[str, Any], expected: Decimal | None) -> None:
    """A market order is walked through the book; a cheap sale still brings the best bid."""
    assert cost(draft(BTC, client_order_id="a", **order), BOOK) == expected


def test_a_bound_is_by_quote_currency() -> None:
    """A plain number means dollars: fifty must not become fifty bitcoin."""
    allowed = allowance(True, True, "50")
    order = draft(BTC, "buy", "1", type="limit", price="1", client_order_id="a")
    allowed.check(order, "USDT", Decimal(50))
    with pytest.raises(errors.NotAllowed, match="more than the 50"):
        allowed.check(order, "USDT", Decimal("50.01"))
    with pytest.raises(errors.NotAllowed, match='max_notional={"BTC"'):
        allowed.check(order, "BTC", Decimal("0.01"))
    with pytest.raises(errors.NotAllowed, match="too thin"):
        allowed.check(order, "USDT", None)
    assert allowance(True, True, {"BTC": "0.1"}).most == {"BTC": Decimal("0.1")}


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ((True, True, None), errors.NotAllowed),
        ((True, True, 50.0), errors.FloatRefused),
        ((True, True, "0"), errors.BadInput),
        ((True, True, {}), errors.BadInput),
        ((True, "yes", "50"), errors.BadInput),
    ],
)
def test_the_two_steps_are_checked(arguments: Any, kind: type) -> None:
    """Half of the two steps is none."""
    with pytest.raises(kind):
        allowance(*arguments)


KEYS = {"VOCX_BINANCE_KEY": "A" * 64, "VOCX_BINANCE_SECRET": "s3cret" * 10}


@pytest.mark.parametrize(
    ("environ", "arguments", "says"),
    [
        ({}, {"allow_orders": True, "max_notional": "50"}, "VOCX_BINANCE_KEY"),
        (KEYS, {"allow_orders": True}, "need a bound"),
        (
            {**KEYS, "BINDER_PORT": "1"},
            {"allow_orders": True, "max_notional": "50"},
            "public host",
        ),
    ],
)
def test_real_orders_are_refused_at_connect(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], arguments: Any, says: str
) -> None:
    """Before anything is opened."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(errors.NotAllowed, match=says):
        vocx.connect("binance", where="real", **arguments)


@pytest.mark.parametrize("arguments", [{}, {"max_notional": "50"}])
def test_keys_alone_place_no_real_order(monkeypatch: pytest.MonkeyPatch, arguments: Any) -> None:
    """Nor cancel one: keys and both steps, in code. Nothing is sent."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with vocx.connect("binance", where="real", **arguments) as ex:
        for act in (
            lambda: rest(ex),
            lambda: ex.cancel_all(BTC),
            lambda: ex.cancel_order(1, BTC),
        ):
            with pytest.raises(errors.NotAllowed, match="two steps"):
                act()
        assert all(row.used == 0 for row in ex.budget.rows())


def test_a_public_host_asks_for_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even to read."""
    for name, value in {**KEYS, "BINDER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    with (
        vocx.connect("binance", where="real") as ex,
        pytest.raises(errors.NotAllowed, match="public host"),
    ):
        ex.balances()


# what the lab does with them


@pytest.fixture(autouse=True)
def tidy(request: pytest.FixtureRequest) -> Iterator[None]:
    """No open orders, faults or dials are left to the next test."""
    yield
    if {"lab", "exchange"} & set(request.fixturenames):
        lab = request.getfixturevalue("lab")
        lab.faults.off()
        lab.network.clear()
        lab.control("skew", seconds=0, venue="binance")
        with vocx.connect(lab=lab) as ex:
            ex.cancel_all(BTC)


@pytest.fixture
def mine(lab: Any) -> Iterator[Exchange]:
    """An exchange of its own, with short deadlines for answers that never come."""
    with vocx.connect(lab=lab) as ex:
        ex.instrument(BTC), ex.clock
        ex._calls._client.timeout = (3.05, 0.8)
        ex._calls._socket.get()._deadline_s = 0.8
        yield ex


VIA = pytest.mark.parametrize("via", ["rest", "websocket"])


@VIA
def test_a_limit_order_lives_and_is_cancelled(exchange: Exchange, via: Any) -> None:
    """Placed, asked for by either id, listed, cancelled; it carries its own bytes."""
    order = rest(exchange, via=via)
    assert order.open and order.status == "new" and order.time_in_force == "GTC"
    assert order.client_order_id.encode() in order.http.request
    assert exchange.order(order, via=via).id == exchange.order(order.id).id
    assert exchange.order(order.client_order_id, via=via).id == order.id
    assert order.id in [one.id for one in exchange.open_orders(BTC)]
    cancelled = exchange.cancel_order(order, via=via)
    assert (cancelled.id, cancelled.status) == (order.id, "canceled")
    assert cancelled.client_order_id == order.client_order_id
    assert exchange.order(order, via=via).status == "canceled"


@VIA
def test_a_market_order_fills(exchange: Exchange, via: Any) -> None:
    """Its fills add up, are told again by ``fills``, and move the balances by exactly that."""
    before = exchange.balances()
    order = exchange.place_order(BTC, "buy", "0.002", type="market", via=via)
    assert order.status == "filled" and order.filled == Decimal("0.002")
    assert sum(one.quantity for one in order.fills) == order.filled
    told = exchange.fills(BTC, order=order)
    assert [one.id for one in told] == [one.id for one in order.fills]
    after, fee = exchange.balances(), sum(one.fee for one in order.fills)
    assert after["BTC"].total - before["BTC"].total == order.filled - fee
    assert before["USDT"].total - after["USDT"].total == order.filled_quote


def test_every_type_and_time_in_force(exchange: Exchange) -> None:
    """IOC and FOK never rest; a post_only only does; quote quantity is a budget."""
    price = str(exchange.quote(BTC).bid - 1000)
    far = {"type": "limit", "price": price}
    for word in ("IOC", "FOK"):
        order = exchange.place_order(BTC, "buy", "0.001", time_in_force=word, **far)
        assert order.status == "expired" and order.filled == 0 and order.reason
    assert rest(exchange, type="post_only").status == "new"
    bought = exchange.place_order(BTC, "buy", type="market", quote_quantity="100")
    assert Decimal(99) < bought.filled_quote <= Decimal(100)
    tested = rest(exchange, test=True)
    assert tested.status == "tested" and len(exchange.open_orders(BTC)) == 1
    assert [one.status for one in exchange.cancel_all(BTC)] == ["canceled"]
    assert exchange.cancel_all(BTC) == []


def test_funds_are_locked_while_an_order_rests(exchange: Exchange) -> None:
    """Price times quantity of the quote; free again after."""
    before = exchange.balances()["USDT"]
    order = rest(exchange)
    held = exchange.balances()["USDT"]
    assert held.locked - before.locked == Decimal(40) and held.total == before.total
    exchange.cancel_order(order)
    assert exchange.balances()["USDT"].locked == before.locked


def test_balances_are_looked_up_by_asset(exchange: Exchange) -> None:
    """A misspelt asset is an error, one that is merely not held is zero."""
    balances = exchange.balances()
    assert isinstance(balances["BTC"], Balance) and "BTC" in balances and "NOPE" not in balances
    assert balances.get("NOPE") is None and balances[0].asset == balances[:1][0].asset
    with pytest.raises(errors.BadInput, match='mean "USDT"'):
        balances["USTD"]


@pytest.mark.parametrize(
    ("wish", "kind", "says"),
    [
        ({"quantity": "100"}, errors.OrderRefused, "ex.balances"),
        ({"type": "post_only", "price": "90000"}, errors.OrderRefused, "only ever rests"),
        ({"price": "100", "quantity": "1"}, errors.OrderRefused, "too far from the average"),
    ],
)
@VIA
def test_what_the_exchange_refuses_is_explained(
    exchange: Exchange, wish: dict[str, Any], kind: type, says: str, via: Any
) -> None:
    """The venue's words, its code, what they mean, and that nothing was placed."""
    usual = {"quantity": "0.001", "type": "limit", "price": "40000"}
    with pytest.raises(kind, match=says) as caught:
        exchange.place_order(BTC, "buy", **{**usual, **wish}, via=via)
    assert caught.value.outcome == "refused" and caught.value.client_order_id
    assert caught.value.http is not None and caught.value.http.status == 400


def test_a_second_order_of_the_same_id_is_not_placed(exchange: Exchange) -> None:
    """The refusal says that the first one is there: that is what became of this id."""
    order = rest(exchange, client_order_id="mine-1")
    with pytest.raises(errors.OrderRefused, match="ask for it") as caught:
        rest(exchange, client_order_id="mine-1")
    assert caught.value.outcome == "accepted"
    assert exchange.order(caught.value.client_order_id).id == order.id


def test_orders_that_are_not_there(exchange: Exchange) -> None:
    """Unknown ids are not found; a finished order says how it finished."""
    with pytest.raises(errors.BadInput, match='symbol="BTC/USDT"'):
        exchange.order(1)
    with pytest.raises(errors.OrderNotFound):
        exchange.order(1, BTC)
    with pytest.raises(errors.BadInput, match="named by itself"):
        exchange.order(1.5, BTC)
    order = exchange.place_order(BTC, "buy", "0.001", type="market")
    with pytest.raises(errors.OrderNotFound, match="It is filled already"):
        exchange.cancel_order(order)
    with pytest.raises(errors.BadInput, match="only tested"):
        exchange.order(rest(exchange, test=True))


def test_a_bound_holds_in_the_lab_too(lab: Any) -> None:
    """Practised where it costs nothing: refused before anything is sent."""
    mark = lab.truth.events(since=None).next
    with vocx.connect(lab=lab, max_notional="50") as ex:
        assert rest(ex).open
        for wish in (
            {"quantity": "0.002", "type": "limit", "price": "40000"},
            {"quantity": "0.01", "type": "market"},
            {"type": "market", "quote_quantity": "51"},
        ):
            with pytest.raises(errors.NotAllowed, match="max_notional") as caught:
                ex.place_order(BTC, "buy", **wish)
            assert caught.value.outcome == "not_sent"
    assert placed(lab, mark) == 1


def test_orders_are_counted(lab: Any) -> None:
    """The venue's count of unfilled orders is what the budget shows."""
    lab.limits.advance()
    with vocx.connect(lab=lab) as ex:
        for _ in range(3):
            last = rest(ex)
        head = last.http.reply.lower().split(b"x-mbx-order-count-10s: ")[1]
        rows = {(row.bucket, row.window_s): row.used for row in ex.budget.rows()}
        assert rows["orders", 10] == int(head.split(b"\r\n")[0])
        assert rows["orders", 86_400] >= 3


def test_too_many_orders_wait_before_it_hurts(lab: Any) -> None:
    """At eight tenths of the ten-second window the throttler waits; the order is not lost."""
    pauses: list[float] = []
    with vocx.connect(lab=lab) as ex:
        rest(ex)
        throttler = ex.budget
        throttler._status, throttler._notice = None, None

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            throttler.correct([Usage(bucket="orders", used=0)])

        throttler._sleep = sleep
        throttler.correct([Usage(bucket="orders", used=80)])
        assert rest(ex).open and 0 < pauses[0] <= 10


def as_another(lab: Any, monkeypatch: pytest.MonkeyPatch, ex: Exchange, **kind: Any) -> None:
    """Let an exchange act with the key of a new account."""
    pair = lab.control("account", venue="binance", **kind)
    key = Credentials(key=pair["key"], secret=pair["secret"], venue="binance")
    monkeypatch.setattr(ex.environment, "credentials", lambda: key)


def test_an_ed25519_key_does_everything(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same calls, frames and login, signed with a private key; another account's orders."""
    with vocx.connect(lab=lab) as ex:
        as_another(lab, monkeypatch, ex, ed25519=True)
        assert ex.environment.credentials().secret.startswith("-----BEGIN")
        with ex.stream("orders", name="ed25519") as stream:
            stream.wait(5)
            orders = [rest(ex, via=via) for via in ("rest", "websocket")]
            until(lambda: len(stream.orders()) == 2)
        assert {one.id for one in ex.open_orders(BTC)} == {one.id for one in orders}
        ex.cancel_all(BTC)


@VIA
def test_a_key_that_may_only_read(lab: Any, monkeypatch: pytest.MonkeyPatch, via: Any) -> None:
    """Reads, and is refused at the first order with what to check."""
    with vocx.connect(lab=lab) as ex:
        as_another(lab, monkeypatch, ex, trade=False)
        assert ex.balances()["USDT"].free > 0
        with pytest.raises(errors.BadKey, match="permissions") as caught:
            rest(ex, via=via)
        assert caught.value.outcome == "refused" and caught.value.http_status == 401


def test_a_key_of_another_venue_is_not_sent(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pair knows whose it is."""
    key = Credentials(key="k", secret="s", venue="okx")
    monkeypatch.setattr(exchange.environment, "credentials", lambda: key)
    with pytest.raises(errors.BadInput, match="for okx") as caught:
        rest(exchange)
    assert caught.value.outcome == "not_sent"


# what became of each


def placed(lab: Any, mark: int) -> int:
    """How many orders of ours the engine took since the mark."""
    events = lab.truth.events(since=mark, kind="order")
    return len({one.id for one in events if one.owner})


FAULTS = [
    ("lost_answer", {}, errors.TimedOut, "unknown", 1),
    ("lost_request", {}, errors.TimedOut, "unknown", 0),
    ("timeout", {}, errors.VenueUnavailable, "unknown", 1),
    ("overloaded", {"executed": True}, errors.VenueUnavailable, "unknown", 1),
    ("overloaded", {}, errors.VenueUnavailable, "unknown", 0),
    ("internal", {}, errors.VenueUnavailable, "unknown", 0),
    ("html", {"executed": True}, errors.VenueUnavailable, "unknown", 1),
    ("late_answer", {"seconds": 2.0}, errors.TimedOut, "unknown", 1),
    ("region", {}, errors.RegionBlocked, "refused", 0),
]


@pytest.mark.parametrize(("fault", "options", "kind", "outcome", "taken"), FAULTS)
@VIA
def test_the_outcome_of_a_placement_that_failed(
    lab: Any,
    mine: Exchange,
    via: Any,
    fault: str,
    options: dict[str, Any],
    kind: type,
    outcome: str,
    taken: int,
) -> None:
    """One placement reaches the server whatever happens; what is not known is called unknown."""
    mark = lab.truth.events(since=None).next
    path = "POST /api/v3/order" if via == "rest" else "/ws-api/v3/order.place"
    lab.fault(fault, path=path, count="all", venue="binance", **options)
    with pytest.raises(kind) as caught:
        rest(mine, via=via)
    assert caught.value.outcome == outcome
    assert [one["hits"] for one in lab.faults] == [1]
    assert placed(lab, mark) == taken
    lab.faults.off()
    if outcome == "unknown":
        found = _look(mine, caught.value.client_order_id)
        assert (found is not None) == bool(taken)


def _look(ex: Exchange, client_order_id: str | None) -> Order | None:
    assert client_order_id is not None
    try:
        return ex.order(client_order_id)
    except errors.OrderNotFound:
        return None


def test_half_an_answer_is_unknown(lab: Any, mine: Exchange) -> None:
    """200 with truncated JSON: the order is there, and nothing is made up about it."""
    lab.fault("truncated_json", path="POST /api/v3/order", venue="binance")
    with pytest.raises(errors.BadReply) as caught:
        rest(mine)
    assert caught.value.outcome == "unknown"
    assert _look(mine, caught.value.client_order_id) is not None


def test_a_cancel_whose_answer_is_lost_is_repeated(lab: Any, mine: Exchange) -> None:
    """It may be: the second try finds it cancelled, by the first."""
    order = rest(mine)
    lab.fault("timeout", path="DELETE /api/v3/order", venue="binance")
    assert mine.cancel_order(order).status == "canceled"


@VIA
def test_a_refused_timestamp_is_measured_and_sent_once_more(
    lab: Any, mine: Exchange, via: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """-1021 is refused before the engine: the same order under the same id, and a line says so."""
    mark = lab.truth.events(since=None).next
    lab.control("skew", seconds=-30, venue="binance")
    order = rest(mine, via=via)
    assert order.open and placed(lab, mark) == 1
    assert order.client_order_id in capsys.readouterr().err
    assert mine.clock.offset_ns == pytest.approx(-30e9, abs=1e8)
    lab.control("skew", seconds=30, venue="binance")
    assert mine.order(order, via=via).open


def test_a_kept_socket_that_died_is_replaced_unnoticed(lab: Any, mine: Exchange) -> None:
    """Found dead before sending: another is opened, and the order is sent once."""
    rest(mine, via="websocket")
    asking = mine._calls._socket.get()
    with lab.network.reset_peer():
        until(lambda: not asking._open.usable)
    mark = lab.truth.events(since=None).next
    assert rest(mine, via="websocket").open
    assert asking.connects == 2 and placed(lab, mark) == 1


def test_an_idle_socket_is_closed_and_connected_again(mine: Exchange) -> None:
    """Nothing is kept open for ever by a notebook that was left."""
    rest(mine, via="websocket")
    asking = mine._calls._socket.get()
    asking._open._idle_ns = 0
    until(lambda: not asking._open.usable)
    assert rest(mine, via="websocket").open and asking.connects == 2


def test_many_threads_share_one_socket(mine: Exchange) -> None:
    """Each answer finds its question by id."""
    mine._calls._socket.get()._deadline_s = 5
    with ThreadPoolExecutor(8) as pool:
        orders = list(pool.map(lambda _: rest(mine, via="websocket"), range(16)))
    assert len({one.id for one in orders}) == 16 and mine._calls._socket.get().connects == 1
    for one in orders:
        assert one.client_order_id.encode() in one.http.request


def test_order_entry_over_tls(lab: Any) -> None:
    """The kept socket verifies the lab's own authority."""
    with vocx.connect(lab=lab, tls=True) as ex:
        orders = [rest(ex, via="websocket") for _ in range(3)]
        assert len({one.id for one in orders}) == 3


def test_a_dead_lab_is_named_and_the_order_is_not_sent() -> None:
    """Refused connections are the lab's death; nothing left this machine."""
    import os
    import signal

    lab = vocx.lab.open(name="orders-die")
    with vocx.connect(lab=lab) as ex:
        rest(ex)
        os.kill(lab.pid, signal.SIGKILL)
        until(lambda: not lab.alive)
        for via in ("rest", "websocket"):
            with pytest.raises(errors.LabDied) as caught:
                rest(ex, via=via)
            assert caught.value.outcome == "not_sent"
            assert caught.value.client_order_id
    lab.close()


# against a server that does what a test says, with keys from the environment


@pytest.fixture
def abroad(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[Any, Exchange]]]:
    """An exchange outside the lab: a scripted REST server and, if wished, a faulty socket."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name.replace("BINANCE_", "BINANCE_TESTNET_"), value)
    with ExitStack() as stack:

        def make(*script: Any, ws: str = "ws://127.0.0.1:9") -> tuple[Any, Exchange]:
            server = Scripted()
            stack.callback(server.close)
            venue = Binance()
            urls = {"rest": server.url, "rest_signed": server.url, "ws": ws, "ws_api": ws}
            venue.environments = {"testnet": Endpoints(urls=urls)}
            ex = Exchange(venue, VenueEnvironment(venue, "testnet"))
            stack.callback(ex.close)
            ex._keep(Facts([INSTRUMENT]))
            ex.clock  # noqa: B018
            server.requests.clear()
            server.script = list(script)
            ex._calls._client.timeout = (3.05, 0.8)
            return server, ex

        yield make


@pytest.mark.parametrize(
    ("step", "kind", "outcome"),
    [
        ("reset", errors.ConnectionLost, "unknown"),
        ("close", errors.ConnectionLost, "unknown"),
        ("hang", errors.TimedOut, "unknown"),
        (
            ("cut", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
            errors.ConnectionLost,
            "unknown",
        ),
        (b"no http at all\r\n\r\n", errors.BadReply, "unknown"),
        (http("200 OK", b'{"orderId":'), errors.BadReply, "unknown"),
        (http("503 Busy", b"<html>"), errors.VenueUnavailable, "unknown"),
        (
            http("400 Bad", b'{"code":-2010,"msg":"Account has insufficient balance."}'),
            errors.OrderRefused,
            "refused",
        ),
        (
            http("429 Slow", b'{"code":-1015,"msg":"Too many new orders."}'),
            errors.RateLimited,
            "refused",
        ),
    ],
)
def test_exactly_one_post_for_every_fault(abroad: Any, step: Any, kind: type, outcome: str) -> None:
    """Never sent again by itself, and the error carries the id to ask with."""
    server, ex = abroad(step)
    with pytest.raises(kind) as caught:
        rest(ex)
    posts = [one for one in server.requests if one.startswith(b"POST /api/v3/order?")]
    assert len(posts) == len(server.requests) == 1 and caught.value.outcome == outcome
    assert caught.value.client_order_id.encode() in posts[0]


def test_a_name_that_does_not_resolve_sends_nothing(abroad: Any) -> None:
    """No connection: safe to try again."""
    _, ex = abroad()
    ex.environment._urls |= {"rest_signed": "http://127.0.0.1:9", "ws_api": "ws://127.0.0.1:9"}
    for via in ("rest", "websocket"):
        with pytest.raises(errors.ConnectFailed) as caught:
            rest(ex, via=via)
        assert caught.value.outcome == "not_sent" and caught.value.client_order_id


def ends_after_hearing(how: str) -> Callable[[Peer], None]:
    """Accept, wait for one frame, and end the connection."""

    def script(peer: Peer) -> None:
        peer.accept()
        while not peer.heard:
            peer.listen(0.01)
        if how == "reset":
            peer.reset()
        elif how == "close":
            peer.close(1008, "why not")
        elif how == "silence":
            peer.listen(5)

    return script


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("reset", errors.ConnectionLost),
        ("close", errors.ConnectionLost),
        ("silence", errors.TimedOut),
    ],
)
def test_a_socket_lost_after_sending_is_unknown(abroad: Any, how: str, kind: type) -> None:
    """One frame went out; it is not sent on the next connection."""
    with Faulty(ends_after_hearing(how)) as server:
        _, ex = abroad(ws=server.url)
        ex._calls._socket.get()._deadline_s = 0.8
        with pytest.raises(kind) as caught:
            rest(ex, via="websocket")
        assert caught.value.outcome == "unknown" and caught.value.client_order_id
        sent = [text for peer in server.peers for opcode, text in peer.heard if opcode == 1]
        assert len(sent) == 1 and len(server.peers) == 1


def test_secrets_are_seen_nowhere(
    abroad: Any, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither repr, error, log, exchange nor traceback shows key, secret or signature."""
    import traceback

    caplog.set_level(logging.DEBUG)
    server, ex = abroad(http("400 Bad", b'{"code":-1022,"msg":"Signature is not valid."}'))
    try:
        rest(ex)
    except errors.BadSignature as error:
        caught = error
    request = server.requests[0].decode()
    signature = request.partition("signature=")[2].partition(" ")[0]
    shown = [
        *(repr(one) for one in (ex, ex._calls, ex.environment.credentials(), caught, caught.http)),
        *(caught.http.show(), caught.http.url, str(caught), caplog.text),
        *("".join(traceback.format_exception(caught)), *capsys.readouterr()),
        repr(
            ex.venue.sign(
                ex.venue.request(draft(BTC, "buy", "1", type="market", client_order_id="a")),
                0,
                ex.environment.credentials(),
                "",
            )
        ),
    ]
    assert len(signature) == 64 and "POST /api/v3/order" in caplog.text
    for secret in (KEYS["VOCX_BINANCE_KEY"], KEYS["VOCX_BINANCE_SECRET"], signature):
        assert secret in request or secret == KEYS["VOCX_BINANCE_SECRET"]
        assert not [one for one in shown if secret in one]


def test_the_budget_goes_by_what_the_exchange_says(lab: Any) -> None:
    """Limits have changed before: ``exchangeInfo`` replaces the table."""
    with vocx.connect(lab=lab) as ex:
        ex.budget.learn([Limit(bucket="orders", amount=7, window_s=10)])
        assert ex.budget.rows()[2].amount == 7
        ex.instrument(BTC)
        assert ex.budget.rows()[2].amount == 100 and "told" in ex.budget.rows()[2].source


# listening to an account


def told(status: Any = "new", filled: str = "0", **changed: Any) -> Order:
    usual: dict[str, Any] = {
        **{"symbol": BTC, "id": 7, "client_order_id": "a", "side": "buy", "type": "limit"},
        **{"quantity": Decimal(2), "filled_quote": Decimal(0), "source": "stream"},
    }
    return Order(status=status, filled=Decimal(filled), **{**usual, **changed})


def test_an_order_never_goes_back() -> None:
    """Twice, late, or again by REST: it changes nothing and is counted where it is odd."""
    account = Account(meter := Counters())
    assert account.take(told()) and account.take(told("partially_filled", "1"))
    assert not account.take(told("partially_filled", "1")) and meter.duplicates == 1
    assert not account.take(told()) and meter.out_of_order == 1
    assert account.take(told("canceled", "1")) and not account.take(told("partially_filled", "1"))
    assert not account.take(told("canceled", "1", source="rest")) and meter.duplicates == 1
    assert account.orders[BTC, 7].status == "canceled" and account.reconcile_request().open == []


def test_a_fill_counts_once_and_a_balance_gives_way_to_a_younger_one() -> None:
    """By trade id, and by the venue's time."""
    account = Account(Counters())
    fill: dict[str, Any] = {
        "symbol": BTC,
        "id": 1,
        "order_id": 7,
        "side": "buy",
        "fee_asset": "BTC",
    }
    numbers = dict.fromkeys(("price", "quantity", "fee"), Decimal(1))
    assert account.take(Fill(**fill, **numbers, maker=False))
    assert not account.take(Fill(**fill, **numbers, maker=False, source="stream"))

    def balance(free: int, at_ns: int) -> Balance:
        return Balance(asset="BTC", free=Decimal(free), locked=Decimal(0), exchange_ns=at_ns)

    assert account.take(balance(2, 20)) and not account.take(balance(1, 10))
    assert not account.take(balance(2, 30)) and account.take(balance(3, 30))


def test_old_closed_orders_leave_before_open_ones() -> None:
    """A thousand are kept."""
    account = Account(Counters())
    account.take(told(id=0))
    for number in range(1, 1200):
        account.take(told("canceled", id=number))
    assert len(account.orders) == 1000 and (BTC, 0) in account.orders


def test_looking_up_is_repeated_until_it_succeeds() -> None:
    """With pauses; an answer for a connection that is gone is thrown away."""
    answers: list[Any] = [errors.TimedOut("late"), [told()]]

    def ask(request: ReconcileRequest, stopping: threading.Event) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    look = Reconciler(Account(Counters()), ask, Background())
    look.on_connect()
    assert look.tick(0, live=False) is None and len(answers) == 2
    until(lambda: look.tick(0, live=True) or look.problem)
    assert look.tick(499_000_000, live=True) is None and len(answers) == 1
    assert until(lambda: look.tick(500_000_000, live=True)) == [told()]
    assert look.problem is None and look.tick(10**10, live=True) is None


def test_an_accounts_stream_tells_everything(exchange: Exchange) -> None:
    """Orders, fills and balances as they happen, in order, and as state."""
    with exchange.stream("orders", "fills", "balances") as stream:
        stream.wait(5)
        assert stream.balances() and stream.state == "live"
        subscription = stream.subscribe()
        order = exchange.place_order(BTC, "buy", "0.001", type="market")
        fill = until(lambda: [one for one in stream.fills(BTC) if one.order_id == order.id])[-1]
        assert until(lambda: stream.order(order).status == "filled")
        told = [subscription.get(5) for _ in range(3)]
        assert [type(one) for one in told[:3]] == [Order, Fill, Order]
        assert (fill.price, fill.fee) == (order.fills[-1].price, order.fills[-1].fee)
        until(lambda: stream.balances() == exchange.balances() or _same(stream, exchange))


def _same(stream: Any, exchange: Exchange) -> bool:
    there = {one.asset: (one.free, one.locked) for one in exchange.balances()}
    return {one.asset: (one.free, one.locked) for one in stream.balances()} == there


def test_an_outage_of_the_account_is_a_gap_and_is_looked_up(lab: Any, exchange: Exchange) -> None:
    """A fresh login after the reset; what nobody told is asked for and marked."""
    resting = rest(exchange)
    with exchange.stream("orders", "fills", "balances", name="outage") as stream:
        stream.wait(5)
        assert stream.order(resting).source == "rest"
        subscription = stream.subscribe()
        with lab.network.reset_peer():
            until(lambda: stream.state != "live")
        exchange.cancel_order(resting)
        until(lambda: stream.stats.reconnects == 1)
        until(lambda: not stream.order(resting).open)
        facts = [subscription.get(5) for _ in range(4)]
        assert [one.channel for one in facts[:3]] == ["orders", "fills", "balances"]
        assert {type(one) for one in facts[:3]} == {Gap} and facts[3].source == "rest"
        assert rest(exchange).id == until(lambda: [o.id for o in stream.orders() if o.open])[0]


def test_a_login_with_a_wrong_clock_is_repeated_with_a_right_one(lab: Any) -> None:
    """-1021 at a login is no end: the clock is measured before the next try."""
    with vocx.connect(lab=lab) as ex:
        ex.clock  # noqa: B018
        lab.control("skew", seconds=-30, venue="binance")
        ex._clock_at = time.monotonic_ns()
        with ex.stream("orders", name="skewed") as stream:
            stream.wait(10)
            assert stream.state == "live" and stream.stats.reasons["400"] == 1


def test_a_wrong_key_ends_a_stream_with_its_reason(abroad: Any) -> None:
    """Retrying cannot cure it."""

    def refuse(peer: Peer) -> None:
        peer.accept()
        while not peer.heard:
            peer.listen(0.01)
        peer.text(
            '{"id":"vocx-login","status":401,"error":{"code":-2015,"msg":"Invalid API-key, IP, '
            'or permissions for action."}}'
        )
        peer.listen(1)

    with Faulty(refuse) as server:
        _, ex = abroad(ws=server.url)
        with ex.stream("orders", name="no key") as stream:
            with pytest.raises(errors.StreamStopped, match="permissions"):
                stream.wait(5)
            assert isinstance(stream.error, errors.BadKey) and len(server.peers) == 1
            assert KEYS["VOCX_BINANCE_TESTNET_KEY".replace("_TESTNET", "")] not in repr(stream)


def test_a_slow_reader_of_an_account_gets_a_gap_and_the_latest(exchange: Exchange) -> None:
    """Overflow is said; of each order the last state follows."""
    with exchange.stream("orders", name="slow") as stream:
        stream.wait(5)
        subscription = stream.subscribe(size=4)
        orders = [rest(exchange) for _ in range(3)]
        for one in orders:
            exchange.cancel_order(one)
        until(lambda: not any(one.open for one in stream.orders()))
        facts = list(subscription._facts)
        assert any(isinstance(one, Gap) and "overflow" in one.reason for one in facts)
        last = {one.id: one.status for one in facts if isinstance(one, Order)}
        assert set(last.values()) == {"canceled"} and len(last) == 3


def test_market_and_account_in_one_stream(exchange: Exchange) -> None:
    """Two sockets behind one name; symbols concern the market."""
    with exchange.stream("quotes", "orders", symbols=BTC) as stream:
        stream.wait(5)
        assert stream.quote(BTC).bid and stream.orders() is not None
        assert stream.name == "binance: orders+quotes BTC/USDT"


def test_a_market_channel_still_needs_a_symbol(exchange: Exchange) -> None:
    """Only an account has none."""
    with pytest.raises(errors.BadInput, match='symbols="BTC/USDT"'):
        exchange.stream("trades")
    with pytest.raises(errors.UnknownChannel, match='mean "orders"'):
        exchange.stream("order")
