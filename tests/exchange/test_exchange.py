"""The Exchange handle against a real lab."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from msgspec.structs import replace

import vocx
import vocx.lab
from vocx import errors
from vocx.exchange import Exchange
from vocx.exchange.exchange import epoch_ns, unknown_symbol
from vocx.facts import Facts
from vocx.lab.network import round_trip_ms
from vocx.timing import wall_ns
from vocx.venues import get


def test_connect_says_where_it_is(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and in it that nothing can go wrong here."""
    vocx.connect("binance", lab=lab).close()
    said = capsys.readouterr().out
    assert said == "binance in the lab on this machine (seed 7): no account, no network\n"


def test_every_question_has_an_answer_with_bytes(exchange: Exchange) -> None:
    """Each call gives facts in vocx's shape and the HTTP exchange they came with."""
    symbol = "BTC/USDT"
    answers = [
        exchange.time(),
        exchange.instruments(),
        exchange.instrument(symbol),
        exchange.ticker(symbol),
        exchange.quote(symbol),
        exchange.order_book(symbol, depth=5),
        exchange.trades(symbol, limit=5),
        exchange.candles(symbol, "1m", limit=5),
    ]
    assert all(one.http.status == 200 and one.http.request for one in answers)
    assert len(answers[-1]) == 5 and len(answers[5].bids) == 5


def test_an_instrument_is_asked_for_again(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a day, and once a change of it that was announced has taken effect."""
    now_ns = wall_ns()
    monkeypatch.setattr("vocx.exchange.exchange.wall_ns", lambda: now_ns)
    first = exchange.instrument("SOL/USDT")
    now_ns += 86_399 * 10**9
    assert exchange.instrument("SOL/USDT") is first
    now_ns += 10**9
    second = exchange.instrument("SOL/USDT")
    assert second is not first
    announced = Facts([replace(second, changes_ns=now_ns + 10)])
    announced.http = second.http
    exchange._keep(announced)
    kept = exchange.instrument("SOL/USDT")
    assert kept.changes_ns and exchange.instrument("SOL/USDT") is kept
    now_ns += 10
    assert exchange.instrument("SOL/USDT") is not kept


def test_an_instrument_is_asked_for_once(exchange: Exchange) -> None:
    """Steps and bounds are remembered."""
    assert exchange.instrument("ETH/USDT") is exchange.instrument("ETH/USDT")


def test_candles_take_aware_datetimes(exchange: Exchange) -> None:
    """From a moment to a moment, in UTC; the frame has real times."""
    end = datetime.now(UTC).replace(second=0, microsecond=0)
    start = end - timedelta(minutes=10)
    table = exchange.candles("BTC/USDT", "1m", start=start, end=end).frame()
    assert table["open"].dtype == table["close"].dtype == float
    assert list(table["open_time"])[:: len(table) - 1] == [start, end]


@pytest.mark.parametrize("moment", [datetime(2026, 1, 1), "2026-01-01", 1.5])
def test_a_moment_without_a_zone_is_refused(moment: Any) -> None:
    """Naive times mean many moments; the text says what to write."""
    with pytest.raises(errors.BadInput, match="UTC"):
        epoch_ns(moment, "start")


def test_an_unknown_symbol_names_its_neighbours(exchange: Exchange) -> None:
    """What trades here, not what might exist elsewhere."""
    for ask in (exchange.ticker, exchange.instrument):
        with pytest.raises(errors.UnknownSymbol, match='did you mean "BTC/USDT"'):
            ask("BTC/USDX")


def test_a_symbol_like_none_is_answered_with_those_that_there_are(exchange: Exchange) -> None:
    """A wrong guess would help nobody."""
    with pytest.raises(errors.UnknownSymbol, match="it has BNB/USDT, BTC/USDT") as caught:
        exchange.ticker("DOGE/USDT")
    assert "mean" not in str(caught.value)
    many = [f"C{number:03}/USDT" for number in range(500)]
    assert str(unknown_symbol("here", "DOGE/EUR", many)).endswith("and 494 more: ex.instruments()")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("kline_1m", "candles"),
        ("klines", "candles"),
        ("depth@100ms", "book"),
        ("books5", "book"),
        ("candle1D", "candles"),
        ("level2", "book"),
        ("L2_book", "book"),
        ("bookTicker", "quotes"),
        ("aggTrade", "trades"),
        ("executionReport", "orders"),
        ("wallet", "balances"),
    ],
)
def test_what_others_call_a_channel(exchange: Exchange, name: str, meant: str) -> None:
    """The venue's own name, and those of other libraries."""
    with pytest.raises(errors.UnknownChannel, match=f'mean "{meant}"'):
        exchange.stream(name, symbols="BTC/USDT")


@pytest.mark.parametrize("symbol", ["BTCUSDT", "btc/usdt", "BTC/USDT:USDT", "", 5])
def test_a_misspelt_symbol_is_refused_before_sending(exchange: Exchange, symbol: Any) -> None:
    """Nothing goes out for a symbol that cannot be meant."""
    used = exchange.budget.rows()[0].used
    with pytest.raises(errors.BadInput, match="BTC/USDT"):
        exchange.ticker(symbol)
    assert exchange.budget.rows()[0].used == used


def test_a_swapped_pair_is_guessed() -> None:
    """The other way round is the usual slip."""
    assert '"ETH/BTC"' in str(unknown_symbol("binance", "BTC/ETH", ["ETH/BTC", "SOL/USDT"]))


def test_the_budget_follows_the_headers(exchange: Exchange) -> None:
    """What the venue counts is what is shown, and a new exchange learns it at its first call."""
    call = exchange.quote("BTC/USDT").http
    head = call.reply.lower().split(b"x-mbx-used-weight-1m: ")[1]
    assert exchange.budget.rows()[0].used == int(head.split(b"\r\n")[0])


def test_the_brake_follows_the_labs_scaled_windows(lab: Any) -> None:
    """Windows made 60 times shorter are waited for a second, not a minute; none when off."""
    lab.limits(scale=60)
    try:
        with vocx.connect(lab=lab) as ex:
            begun = time.monotonic()
            for _ in range(30):
                ex.order_book("BTC/USDT", depth=5000)
            assert ex.budget.stop_at == 0.8 and time.monotonic() - begun < 10
    finally:
        lab.limits(scale=1)


def test_a_ban_that_the_labs_owner_ends_is_over(lab: Any) -> None:
    """418 closes the gate; when the lab's clock of limits moves on, the next call goes out."""
    with vocx.connect(lab=lab) as ex:
        ex.budget.stop_at = None
        lab.control("limits", weight=10, ban_after=1, venue="binance")
        url = ex.url("rest") + "/api/v3/depth?limit=5000&symbol=BTCUSDT"
        while requests.get(url, timeout=5).status_code != 418:
            pass
        for _ in range(2):
            with pytest.raises(errors.Banned):
                ex.time()
        lab.control("limits", weight=6000, ban_after=10, advance="window", venue="binance")
        assert ex.time().http.status == 200


def test_the_labs_clock_is_ours(exchange: Exchange) -> None:
    """Same machine: the offset is below the venue's own millisecond. Where the machine has other
    work some handle sees it sooner or later."""
    deadline, offset_ns = time.monotonic() + 60, 10**9
    while offset_ns >= 1_000_000:
        assert time.monotonic() < deadline, f"{offset_ns} ns"
        with exchange.clone() as again:
            offset_ns = abs(again.clock.offset_ns)


def test_distance_does_not_bend_the_clock(lab: Any) -> None:
    """A new connection's emulated handshake is no part of the question's way."""
    with lab.network.latency(rtt_ms=200), vocx.connect("binance", lab=lab, name="far") as far:
        far.time()
        assert abs(far.clock.offset_ns) < 50_000_000


def test_the_dials_distance_is_labelled(lab: Any) -> None:
    """A new connection at 40 ms pays two round trips, one of them labelled as emulated; where the
    machine has other work, at one of some tries."""
    for _ in range(10):
        with lab.network.latency(rtt_ms=40), vocx.connect(lab=lab) as ex:
            first, second = ex.time().http.phases, ex.time().http.phases
        if first.total_ms < 120 and second.total_ms < 70:
            break
    assert first.emulated_ms == 40 and 80 <= first.total_ms < 120
    assert second.emulated_ms is None and 40 <= second.total_ms < 70


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], 0),
        ([(None, None, 80)], 80),
        ([(None, "up", 80)], 40),
        ([(None, None, 80), ("binance", None, 20)], 20),
        ([("okx", None, 80)], 0),
    ],
)
def test_dials_in_force_add_up_to_a_round_trip(cells: Any, expected: float) -> None:
    """The last cell that fits wins, for each direction."""
    state = [
        {"dial": "latency", "venue": venue, "direction": way, "values": {"rtt_ms": rtt}}
        for venue, way, rtt in cells
    ]
    assert round_trip_ms(state, "binance") == expected


def test_tls_is_verified_and_timed(lab: Any) -> None:
    """The lab over https: its own authority, and a TLS phase."""
    with vocx.connect(lab=lab, tls=True) as ex:
        phases = ex.time().http.phases
    assert phases.tls_ms is not None and phases.tls_ms > 0
    assert ex.url("rest").startswith("https://")


def test_an_unknown_authority_is_refused(lab: Any) -> None:
    """Without the lab's certificate there is no unverified way on."""
    from vocx.net import Environment
    from vocx.rest import Client
    from vocx.venues.base import GetTime

    there = Environment({"rest": lab.url("binance", "rest", tls=True)})
    client = Client(get("binance"), there)
    with pytest.raises(errors.TlsError, match="never goes on unverified"):
        client.call(GetTime())
    client.close()


def test_a_stream_is_started_and_named(exchange: Exchange) -> None:
    """Several channels and symbols in one; the default name says which."""
    tape = exchange.stream("trades", "quotes", symbols=["BTC/USDT", "ETH/USDT"])
    try:
        tape.wait(5)
        assert tape.name == "binance: trades+quotes BTC/USDT+ETH/USDT"
        assert tape.quote("BTC/USDT").ask > 0
    finally:
        tape.stop()


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        ({"channels": ["tradez"], "symbols": "BTC/USDT"}, errors.UnknownChannel),
        ({"channels": [], "symbols": "BTC/USDT"}, errors.UnknownChannel),
        ({"channels": ["trades"], "symbols": []}, errors.BadInput),
        ({"channels": ["trades"], "symbols": 5}, errors.BadInput),
        ({"channels": ["trades"], "symbols": "BTC/USDX"}, errors.UnknownSymbol),
        ({"channels": ["trades"], "symbols": "BTC/USDT", "interval": "1m"}, errors.BadInput),
        (
            {"channels": ["candles"], "symbols": "BTC/USDT", "interval": "7m"},
            errors.UnknownInterval,
        ),
    ],
)
def test_a_wrong_wish_opens_nothing(exchange: Exchange, wish: dict[str, Any], kind: type) -> None:
    """A venue would acknowledge it and stay silent; we refuse it."""
    channels = wish.pop("channels")
    with pytest.raises(kind):
        exchange.stream(*channels, **wish)
    assert not vocx.running()


def test_a_refused_symbol_is_answered_with_one_that_can_be_written(exchange: Exchange) -> None:
    """Never with the wrong one again."""
    for wrong in ("BTC/USDT/ETH", "btcusdt", "BTC-USDT", "", "?"):
        with pytest.raises(errors.UnknownSymbol, match='write "BTC/USDT"'):
            exchange.quote(wrong)


def test_what_was_kept_is_asked_for_by_number(exchange: Exchange) -> None:
    """How many trades, how many seconds: else a BadInput."""
    tape = exchange.stream("trades", "quotes", symbols="BTC/USDT").wait(5)
    assert not tape.trades(n=0) and len(tape.trades(n=1)) <= 1
    for wrong in ("x", -5, 1.5, True):
        with pytest.raises(errors.BadInput, match="how many trades"):
            tape.trades(n=wrong)  # type: ignore[arg-type]
    with pytest.raises(errors.BadInput, match="seconds is 'x'"):
        tape.recent_quotes(seconds="x")  # type: ignore[arg-type]
    tape.stop()


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"venue": "binanse"}, errors.UnknownVenue),
        ({"where": "moon"}, errors.BadInput),
        ({"where": "real", "lab": object()}, errors.BadInput),
        ({"lab": "mine"}, errors.BadInput),
        ({"where": {"rest": "ftp://127.0.0.1"}}, errors.BadInput),
    ],
)
def test_connect_refuses_what_does_not_exist(arguments: dict[str, Any], kind: type) -> None:
    """Before anything is opened."""
    with pytest.raises(kind):
        vocx.connect(**arguments)


def test_the_real_venue_is_public_data_without_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    """Connecting sends nothing; the public-data hosts on 443 are used."""
    ex = vocx.connect("binance", where="real")
    assert ex.lab is None and ex.url("rest") == "https://data-api.binance.vision"
    assert ex.url("ws") == "wss://data-stream.binance.vision"
    assert "no key, no orders" in capsys.readouterr().out
    ex.close()


def test_a_dead_lab_says_how_to_reopen_and_is_found_again() -> None:
    """A killed lab is ``LabDied``; reopened, the same handle works. Its streams bear its name:
    two labs' do not replace each other."""
    lab = vocx.lab.open(name="dies")
    with vocx.connect(lab=lab) as ex:
        ex.instrument("BTC/USDT"), ex.clock  # known already: the stream need not ask
        os.kill(lab.pid, signal.SIGKILL)
        with pytest.raises(errors.LabDied, match="open"):
            ex.time()
        with pytest.raises(errors.LabDied, match="open"):
            ex.stream("trades", symbols="BTC/USDT")
        vocx.lab.open(name="dies")
        assert ex.stream("trades", symbols="BTC/USDT").name == "binance (lab dies): trades BTC/USDT"
        assert ex.time().http.status == 200
    lab.close()


def test_lists_are_facts(exchange: Exchange) -> None:
    """Slices keep the exchange they came with."""
    trades = exchange.trades("BTC/USDT", limit=10)
    assert isinstance(trades[:3], Facts) and trades[:3].http is trades.http
