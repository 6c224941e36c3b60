"""Call times by connection and by distance, on a real lab's sockets."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import vocx
from vocx import errors
from vocx.exchange import Exchange
from vocx.lab import Lab
from vocx.measure import load
from vocx.measure.calls import CallTimes, calls
from vocx.timing import mono_ns

BTC = "BTC/USDT"
FAR_MS = 60.0


@pytest.fixture(scope="module")
def measured(exchange: Exchange) -> CallTimes:
    """One run near and far, for all that only looks."""
    return calls(exchange, symbol=BTC, repeats=5, rtt_ms=[0, FAR_MS])


def test_the_lab_speaks_tls_1_3(lab: Lab) -> None:
    """Theory counts one round trip for TLS; 1.2 would need two."""
    parts = urlsplit(lab.url("binance", "rest", tls=True))
    context = ssl.create_default_context(cafile=str(lab.certificate()))
    with (
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
    ):
        assert secure.version() == "TLSv1.3"


@pytest.mark.parametrize(
    ("name", "round_trips"),
    [
        ("http, new connection", 2),
        ("http, kept connection", 1),
        ("https, new connection", 3),
        ("https, kept connection", 1),
    ],
)
def test_round_trips_tell_the_time(measured: CallTimes, name: str, round_trips: int) -> None:
    """Measured is what arithmetic says; a machine under load is late, never a round trip early."""
    far = measured.call(name, FAR_MS)
    near = measured.call(name, 0)
    assert far.theory_ms is not None
    assert far.theory_ms == pytest.approx(round_trips * FAR_MS + near.median_ms.value)
    assert far.median_ms.holds(far.theory_ms, slack=0.25 * FAR_MS)
    assert near.theory_ms is None and near.median_ms.value < far.median_ms.value


def test_ports_tell_the_connections_apart(measured: CallTimes) -> None:
    """A new connection for each call, one for all where it is kept."""
    for one in measured.calls:
        assert one.connections == (5 if one.new else 1)


def test_phases_stand_where_a_network_has_them(measured: CallTimes) -> None:
    """TCP, TLS and the request take one round trip each, and the phases add up to the total."""
    laid = measured.call("https, new connection", FAR_MS).laid
    for name in ("TCP", "TLS", "first byte"):
        assert laid[name] == pytest.approx(FAR_MS, rel=0.4), name
    plain = measured.call("http, new connection", FAR_MS)
    assert plain.laid["TLS"] == 0 and plain.laid["TCP"] >= FAR_MS
    assert sum(plain.laid.values()) == pytest.approx(plain.median_ms.value, rel=0.1)
    assert measured.call("https, kept connection", FAR_MS).laid["TCP"] == 0


def test_it_can_be_kept_and_shown(measured: CallTimes, tmp_path: Path) -> None:
    """Saved and opened it is the same; table and frame have every kind at every distance."""
    assert load(measured.save(tmp_path / "calls")) == measured
    assert f"0, {FAR_MS:g} ms" in measured.conditions.dials
    assert len(measured.frame()) == len(measured.calls) == 8
    assert measured.table().count("https, new connection") == 2


def test_dials_and_connections_are_left_as_they_were(lab: Lab, exchange: Exchange) -> None:
    """The distance in force is measured, the base is taken near, and nothing stays behind."""
    before, since_ns = set(threading.enumerate()), mono_ns()
    with lab.network.latency(rtt_ms=40):
        dial = lab.network.state
        found = calls(exchange, symbol=BTC, repeats=3, tls=[False])
        assert lab.network.state == dial and "40 ms" in found.conditions.dials
    assert {one.rtt_ms for one in found.calls} == {40} and found.conditions.rtt_ms == 40
    assert all(one.theory_ms is not None for one in found.calls)
    assert set(threading.enumerate()) <= before
    deadline = time.monotonic() + 5
    mine = [row.port for row in lab.traffic(since_ns=since_ns) if row.opened_ns >= since_ns]
    assert len(mine) >= 8
    while any(not row.closed for row in lab.traffic(since_ns=since_ns, ports=mine)):
        assert time.monotonic() < deadline, "a connection was left open"


def test_a_failure_ends_all_kinds(
    lab: Lab, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the venue refuses is raised, and dials are put back."""
    with lab.network.latency(rtt_ms=50), lab.fault("region", count="all"):
        dial = lab.network.state
        with pytest.raises(errors.VocxError):
            calls(exchange, symbol=BTC, repeats=3)
        assert lab.network.state == dial


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"repeats": 2}, "from 3 to 1000"),
        ({"rtt_ms": -1}, "from 0 to 2000"),
        ({"rtt_ms": []}, "at least one"),
        ({"tls": []}, "at least one"),
    ],
)
def test_bad_input(exchange: Exchange, options: dict[str, Any], says: str) -> None:
    """Said before anything is opened."""
    with pytest.raises(errors.BadInput, match=says):
        calls(exchange, **options)


def test_it_needs_a_lab() -> None:
    """The distance of a real venue cannot be turned."""
    with pytest.raises(errors.BadInput, match="only a lab"):
        calls(vocx.connect("binance", where="real"))


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_handshake_pays_both_ways_whichever_is_turned(exchange: Exchange, direction: str) -> None:
    """A new connection needs two round trips, also where all of them is the way back."""
    with exchange.lab.network.latency(rtt_ms=160, direction=direction):
        found = calls(exchange, repeats=3, tls=(False,))
    new, kept = (found.call(f"http, {name} connection").median_ms.value for name in ("new", "kept"))
    assert 80 <= kept < 120 and 160 <= new < 220
