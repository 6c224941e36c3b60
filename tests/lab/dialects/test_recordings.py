"""Recordings of strangers: what a lab counts it plays, and what it cannot play it names.

For every venue: a session that its own exchange sent, as it was and saved again by another
program.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from fake_venue.exchange import EXCHANGES
from fake_venue.recording import FakeRecording
from venue_binance import INSTRUMENTS, MS, T0

import vocx.lab
from vocx import errors, venues
from vocx.errors import RecordingError
from vocx.lab.dialects import BUILT_IN, load
from vocx.lab.dialects.base import HttpIn
from vocx.lab.events import Recorded
from vocx.lab.market.replay import Replay
from vocx.lab.market.simulation import open_crowd
from vocx.lab.ports import RecordingFormat
from vocx.recording import Line
from vocx.rest import client

SUBSCRIBE: dict[str, tuple[str, str]] = {
    "binance": (
        "/stream",
        '{"method":"SUBSCRIBE","id":1,"params":["btcusdt@trade","btcusdt@depth@100ms",'
        '"btcusdt@bookTicker","btcusdt@kline_1m"]}',
    ),
    "okx": (
        "/ws/v5/public",
        '{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"},'
        '{"channel":"books","instId":"BTC-USDT"},{"channel":"bbo-tbt","instId":"BTC-USDT"}]}',
    ),
    "bybit": (
        "/v5/public/spot",
        '{"op":"subscribe","args":["publicTrade.BTCUSDT","orderbook.50.BTCUSDT",'
        '"orderbook.1.BTCUSDT","tickers.BTCUSDT"]}',
    ),
    "coinbase": (
        "/ws",
        '{"type":"subscribe","channel":"level2","product_ids":["BTC-USDT"]}\n'
        '{"type":"subscribe","channel":"market_trades","product_ids":["BTC-USDT"]}\n'
        '{"type":"subscribe","channel":"heartbeats"}\n'
        '{"type":"subscribe","channel":"ticker","product_ids":["BTC-USDT"]}',
    ),
    "beta": (
        "/ws/public",
        '{"id":1,"op":"subscribe","args":[{"channel":"trades","symbol":"BTC-USDT"},'
        '{"channel":"book","symbol":"BTC-USDT"},{"channel":"quotes","symbol":"BTC-USDT"}]}',
    ),
}
NAMES = list(SUBSCRIBE)
BTC = "BTC/USDT"


def form_of(name: str) -> RecordingFormat:
    return FakeRecording() if name == "beta" else load(BUILT_IN[name]).recording


def exchange(name: str, simulation: Any) -> Any:
    """The venue over a market or a recording."""
    if name == "beta":
        return EXCHANGES["beta"](simulation, start_ns=T0)
    return load(BUILT_IN[name]).create(simulation, start_ns=T0, entropy=bytes(range(64)))


@cache
def session(name: str) -> list[tuple[int, bytes]]:
    """Five seconds of a market as a subscriber hears them: arrival and frame."""
    simulation = open_crowd(seed=7, start_ns=T0, specs=INSTRUMENTS, pace=1)
    venue = exchange(name, simulation)
    path, subscribe = SUBSCRIBE[name]
    heard: list[tuple[int, bytes]] = []

    def hear(payloads: Iterable[Any], now_ns: int) -> None:
        heard.extend((now_ns, one) for one in payloads if isinstance(one, bytes))

    connection = venue.open(HttpIn(method="GET", target=path, headers={}), T0)
    connection.handle = connection
    for message in subscribe.splitlines():
        hear(connection.text(message.encode(), T0), T0)
    simulation.begin(T0)
    for now_ns in range(T0, T0 + 5_000 * MS, 20 * MS):
        events = simulation.advance(now_ns)
        for publication in (*venue.publish(events, now_ns), *venue.tick(now_ns)):
            if connection in publication.to:
                hear([publication.payload], now_ns)
    assert len(heard) > 50
    return heard


def replay(name: str, frames: Iterable[tuple[int, bytes]], **options: Any) -> Replay:
    lines = [Line("x.gz", at, b"%d %s\n" % one) for at, one in enumerate(frames, 1)]
    return Replay(lambda: iter(lines), form_of(name), speed=None, **options)


def played(simulation: Replay) -> list[Recorded]:
    simulation.begin(0)
    events: list[Any] = []
    while not simulation.over:
        events += simulation.advance(0)
    return events


def ends(simulation: Replay) -> Any:
    """What is known when it is over."""
    market = simulation.markets["BTC/USDT"]
    trades = [(one.trade_id, one.price, one.quantity, one.taker) for one in market.trades(1000)]
    return market.spec, market.update_id, market.top(10), market.best(), trades


SAVED: dict[str, Callable[[Any], str]] = {
    "with blanks": json.dumps,
    "with sorted keys": lambda one: json.dumps(one, sort_keys=True, separators=(",", ":")),
    "with blanks and sorted keys": lambda one: json.dumps(one, sort_keys=True),
    "backwards": lambda one: json.dumps(dict(reversed(one.items()))),
}


@pytest.mark.parametrize("name", NAMES)
def test_what_the_venue_sent_is_played(name: str) -> None:
    """Byte for byte; acknowledgements are counted apart; nothing is left out in silence."""
    heard = session(name)
    simulation = replay(name, heard)
    events = played(simulation)
    assert len(events) == simulation.frames == simulation.played
    assert simulation.frames + simulation.others == len(heard) and not simulation.bad
    wanted = {one for _, one in heard}
    assert all(one.wrapped in wanted for one in events)
    assert ends(simulation)[4]


@pytest.mark.parametrize("name", NAMES)
def test_faults_hit_what_is_played(name: str) -> None:
    """As they hit what a market brings: nobody hears what is dropped, until that is over."""
    simulation = replay(name, session(name))
    venue = exchange(name, simulation)
    path, subscribe = SUBSCRIBE[name]
    connection = venue.open(HttpIn(method="GET", target=path, headers={}), T0)
    for message in subscribe.splitlines():
        list(connection.text(message.encode(), T0))
    events = played(simulation)
    half = len(events) // 2
    venue.command("fault", {"name": "drop", "count": "all"}, T0)
    assert not any(connection in one.to for one in venue.publish(events[:half], T0))
    venue.command("fault", {"off": "all"}, T0)
    assert any(connection in one.to for one in venue.publish(events[half:], T0))


@pytest.mark.parametrize("way", SAVED)
@pytest.mark.parametrize("name", NAMES)
def test_a_session_that_was_saved_again(name: str, way: str) -> None:
    """Other blanks, another order of keys: the same market."""
    heard = session(name)
    again = [(at, SAVED[way](json.loads(one)).encode()) for at, one in heard]
    simulation, before = replay(name, again), replay(name, heard)
    events = played(simulation)
    assert len(events) == simulation.frames == before.frames == len(played(before))
    assert ends(simulation) == ends(before)
    wanted = [json.loads(one.data) for one in played(replay(name, heard))]
    assert [json.loads(one.data) for one in events] == wanted
    assert b'": ' not in b"".join(one.wrapped for one in events)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_name_that_nobody_can_split(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is played and listed whole, found by whoever knows where its base ends, and refused with
    the advice to write that. An account's calls say that a recording has none."""
    monkeypatch.setattr(client, "FIRST_PAUSE_S", 0.0)
    path = tmp_path / "strange.gz"
    names = ((b"BTCUSDT", b"QQ7QQ"), (b"btcusdt", b"qq7qq"), (b"BTC-USDT", b"QQ-7QQ"))
    with gzip.open(path, "wb") as file:
        for at_ns, frame in session(name):
            for old, new in names:
                frame = frame.replace(old, new)
            file.write(b"%d %s\n" % (at_ns, frame))
    with vocx.lab.open(replay=path, speed="max", venues=[name], name=f"strange {name}") as lab:
        ex = vocx.connect(name, lab=lab)
        listed = "QQ7QQ" if ex.venue.venue_symbol("QQ/7QQ") == "QQ7QQ" else "QQ/7QQ"
        assert [one.symbol for one in ex.instruments()] == [listed]
        assert ex.instrument("QQ/7QQ").symbol == ex.quote("QQ/7QQ").symbol == "QQ/7QQ"
        assert lab.truth.book(listed).symbol == listed
        with pytest.raises(errors.UnknownSymbol, match="no currency at its end"):
            ex.quote("QQ7QQ")
        for ask in (ex.balances, ex.open_orders, partial(ex.order, "5", symbol="QQ/7QQ")):
            try:
                ask()
            except errors.VenueError as error:
                assert error.http_status != 500


@pytest.mark.parametrize("name", venues.names())
def test_an_account_of_a_recording_is_read_as_empty(name: str, tmp_path: Path) -> None:
    """Nobody has anything in a recording, at every venue alike; only a new order is refused."""
    path = tmp_path / "session.gz"
    with gzip.open(path, "wb") as file:
        for at_ns, frame in session(name):
            file.write(b"%d %s\n" % (at_ns, frame))
    with vocx.lab.open(replay=path, venues=[name], name=f"read in a recording {name}") as lab:
        ex = vocx.connect(name, lab=lab)
        assert ex.open_orders() == [] and ex.open_orders(BTC) == [] and ex.fills(BTC) == []
        assert all(one.total == 0 for one in ex.balances())
        assert ex.cancel_all(BTC) == []
        for ask in (ex.order, ex.cancel_order):
            with pytest.raises(errors.OrderNotFound):
                ask("5", symbol=BTC)
        with pytest.raises(errors.Refused) as caught:
            ex.place_order(BTC, "buy", "0.01", type="limit", price="50000")
        assert caught.value.outcome == "refused"


TEXTS = {
    "binance": '{"stream":"btcusdt@trade","data":{"E":1700000000001,"t":5,"p":"1","q":%s,'
    '"T":1700000000001,"m":true}}',
    "okx": '{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"tradeId":"5","px":"1",'
    '"sz":%s,"side":"buy","ts":"1700000000001"}]}',
    "bybit": '{"topic":"publicTrade.BTCUSDT","ts":1700000000001,"data":[{"i":"5","T":1700000000001,'
    '"p":"1","v":%s,"S":"Buy"}]}',
    "coinbase": '{"channel":"market_trades","timestamp":"2026-01-01T00:00:00Z","sequence_num":1,'
    '"events":[{"type":"update","trades":[{"product_id":"BTC-USDT","trade_id":"5","price":"1",'
    '"size":%s,"side":"BUY","time":"2026-01-01T00:00:00Z"}]}]}',
    "beta": '{"channel":"trades","symbol":"BTC-USDT","time":1700000000001,"data":[{"id":5,'
    '"time":1700000000001,"price":"1","quantity":%s,"side":"buy"}]}',
}


@pytest.mark.parametrize(
    "quantity",
    ['"3e-05"', '"NaN"', '"-1"', '""', '"."', '"1.2.3"', '"²"', "5", "null", "[]"]
    + ['"' + "9" * 5000 + '"'],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_number_that_no_market_can_hold(name: str, quantity: str) -> None:
    """Refused with its line before anything is played, or left out and counted."""
    bad = (T0 + 9_000 * MS, (TEXTS[name] % quantity).encode())
    with pytest.raises(RecordingError, match="line 2") as caught:
        replay(name, [session(name)[0], bad])
    assert caught.value.line == 2 and len(str(caught.value)) < 500
    simulation = replay(name, [*session(name), bad], skip_bad=True)
    assert simulation.bad == 1 and ends(simulation)[0].lot <= Decimal("0.01")
    played(simulation)


@pytest.mark.parametrize("name", NAMES)
def test_a_good_number_is_none_of_those(name: str) -> None:
    """The lines of the test above are otherwise right."""
    line = (T0 + 9_000 * MS, (TEXTS[name] % '"0.5"').encode())
    simulation = replay(name, [*session(name), line])
    assert len(played(simulation)) == simulation.frames


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'{"a":1}',
        b'{"e":"trade","s":"BTCUSDT","p":"1"}',
        b'{"stream":5,"data":{}}',
        b"{" * 100_000,
        b'{"stream":"btcusdt@trade","data":' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"stream": "btcusdt@trade", "data": {"E": 1e999}}',
        b'{"\xff":1}',
        b'{"topic":"publicTrade.BTCUSDT","data":{}}',
        b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":{"a":1}}',
        b'{"channel":"market_trades","product_id":"BTC-USDT","events":[5]}',
        b'{"channel":"trades","symbol":"BTC-USDT","data":[5]}',
    ],
    ids=lambda line: str(line[:40]),
)
@pytest.mark.parametrize("name", NAMES)
def test_lines_of_other_kinds(name: str, line: bytes) -> None:
    """Named with their number, or known as something else that the venue sends; never silence,
    never another exception."""
    lines = [*session(name), (T0 + 9_000 * MS, line)]
    try:
        simulation = replay(name, lines)
    except RecordingError as error:
        assert error.line == len(lines)
        simulation = replay(name, lines, skip_bad=True)
        assert simulation.bad == 1
    assert simulation.frames + simulation.others + simulation.bad == len(lines)
    assert len(played(simulation)) == simulation.frames


@pytest.mark.parametrize("stamp", [b"0", b"9" * 30, b"9" * 5000, b"-5", b"\xd9\xa3", b""])
def test_a_time_that_no_clock_can_show(stamp: bytes) -> None:
    """Refused with its line."""
    line = Line("x.gz", 1, stamp + b" " + session("binance")[5][1])
    with pytest.raises(RecordingError, match="line 1"):
        Replay(lambda: iter([line]), form_of("binance"))


def test_only_acknowledgements() -> None:
    """There is nothing to play, and the text says what was there instead."""
    with pytest.raises(RecordingError, match="2 acknowledgements"):
        replay("binance", [(T0, b'{"result":null,"id":1}')] * 2)
