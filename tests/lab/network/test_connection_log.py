"""The log of the lab's connections: pure first, then held against bytes on real sockets."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from vocx.exchange import Exchange
from vocx.lab import Lab
from vocx.lab.network.connection_log import Connection, ConnectionLog
from vocx.timing import HttpCall, mono_ns

BTC = "BTC/USDT"


class Link:
    """Counts, as a relay's link does."""

    def __init__(self) -> None:
        self.bytes_up = self.bytes_down = self.resets = 0

    def reset(self) -> None:
        self.resets += 1


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline, "it did not happen within 5 s"


def quoted(ex: Exchange) -> HttpCall:
    """One call for the best prices, as bytes."""
    call = ex.quote(BTC).http
    assert call is not None and call.local_port is not None
    return call


def one(lab: Lab, port: int | None) -> Connection:
    """The latest connection from a port."""
    assert port is not None
    return lab.traffic(ports=[port])[-1]


def test_open_rows_count_on_and_ended_ones_stand_still() -> None:
    """A row shows the counters of now; the end fixes them."""
    log, link = ConnectionLog(clock=iter(range(9)).__next__), Link()
    log.opened(link, "binance", 5000, False)
    link.bytes_up, link.bytes_down = 3, 4
    (row,) = log.rows()
    assert (row.bytes, row.closed, row.opened_ns) == (7, False, 0)
    log.ended(link)
    link.bytes_up = 99
    (row,) = log.rows()
    assert (row.bytes_up, row.closed_ns) == (3, 1) and log.rows(since_ns=2) == []


def test_only_what_is_open_at_these_ports_is_reset() -> None:
    """Of one venue, where one is named: two of its clients may have the same port."""
    log, links = ConnectionLog(), [Link() for _ in range(4)]
    at = (("binance", 1), ("okx", 1), ("binance", 2), ("binance", 3))
    for link, (venue, port) in zip(links, at, strict=True):
        log.opened(link, venue, port, False)
    log.ended(links[3])
    assert log.reset([1, 3], "binance") == 1
    assert log.reset([1, 3]) == 2
    assert [link.resets for link in links] == [2, 1, 0, 0]


def test_the_ledger_forgets_the_oldest() -> None:
    """Memory is bounded by what it keeps of ended connections."""
    log = ConnectionLog(kept=2)
    for port in range(5):
        log.opened(link := Link(), "binance", port, True)
        log.ended(link)
    assert [row.port for row in log.rows()] == [3, 4]
    assert [row.port for row in log.rows(ports=[4, 77])] == [4]


@pytest.mark.parametrize("distance_ms", [0, 20])
def test_a_plain_call_is_counted_to_the_byte(
    lab: Lab, exchange: Exchange, distance_ms: float
) -> None:
    """What the lab counts is request and reply, nothing else, with a dial turned as without."""
    with lab.network.latency(rtt_ms=distance_ms), exchange.clone() as ex:
        calls = [quoted(ex) for _ in range(2)]
        row = one(lab, calls[0].local_port)
        assert calls[0].local_port == calls[1].local_port
        assert row.bytes_up == sum(len(call.request) for call in calls)
        assert row.bytes_down == sum(call.reply_wire_bytes for call in calls)
        assert (row.venue, row.tls, row.closed) == ("binance", False, False)
    until(lambda: one(lab, calls[0].local_port).closed)


def test_tls_costs_more(lab: Lab, exchange: Exchange) -> None:
    """The handshake and the records are in the bytes; the payload is the same."""
    with exchange.clone(tls=True) as ex:
        first = quoted(ex)
        opened = one(lab, first.local_port)
        assert opened.tls and opened.bytes > first.wire_bytes + 1000
        second = quoted(ex)
        more = one(lab, first.local_port).bytes - opened.bytes
        assert 2 * 22 <= more - second.wire_bytes < 100


def test_every_connection_of_a_poll_has_its_row(lab: Lab, exchange: Exchange) -> None:
    """A client that opens one for each call is counted in full."""
    since_ns = mono_ns()
    ports: list[int] = []
    with exchange.clone() as ex:
        for _ in range(5):
            ports.append(quoted(ex).local_port or 0)
            ex.close()
    assert len(set(ports)) == 5
    until(lambda: all(row.closed for row in lab.traffic(since_ns=since_ns, ports=ports)))
    rows = lab.traffic(since_ns=since_ns, ports=ports)
    assert [row.port for row in rows] == ports
    assert lab.traffic(since_ns=mono_ns(), ports=ports) == []


def test_a_stream_knows_its_connections(lab: Lab, exchange: Exchange) -> None:
    """Its bytes are at least what the stream read, and the next connection is a new port."""
    with exchange.clone() as ex:
        stream = ex.stream("quotes", symbols=BTC, name="counted")
        stream.wait(5)
        (port,) = stream.stats.ports
        assert one(lab, port).bytes_down >= stream.stats.bytes > 0
        with lab.network.reset_peer():
            until(lambda: one(lab, port).closed)
        until(lambda: len(stream.stats.ports) == 2 and stream.stats.ports[1] != port)
