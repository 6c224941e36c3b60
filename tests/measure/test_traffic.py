"""What a feed costs, counted on a real lab's sockets."""

from __future__ import annotations

import gzip
import threading
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

import vocx
from vocx import errors
from vocx.exchange import Exchange
from vocx.lab import Lab
from vocx.lab.network.connection_log import Connection, ConnectionLog
from vocx.measure import byte_counts, compression, load
from vocx.measure.probes import Listener
from vocx.measure.traffic import POLLS, STREAMS, Traffic, traffic
from vocx.stream import running
from vocx.timing import mono_ns

BTC = "BTC/USDT"
EVERY_MS = 250.0


@pytest.fixture(scope="module")
def measured(exchange: Exchange) -> Traffic:
    """One run for all that only looks."""
    return traffic(exchange, symbol=BTC, every_ms=EVERY_MS, seconds=2.0)


# -- compression, pure -------------------------------------------------------------------------


def test_gzip_is_what_a_client_can_open() -> None:
    """The size is that of a complete gzip member."""
    body = b'{"symbol":"BTCUSDT","bidPrice":"61700.00000000"}' * 20
    assert compression.gzip_bytes(body) == len(gzip.compress(body, compression.LEVEL, mtime=0))


def test_deflate_keeps_its_context() -> None:
    """A message refers to those before it, and what is counted unpacks to what was said."""
    messages = [b'{"e":"trade","p":"61700.%02d"}' % n for n in range(50)]
    sizes = compression.deflated_bytes(messages)
    packer, unpacker = zlib.compressobj(6, zlib.DEFLATED, -15), zlib.decompressobj(-15)
    for message, size in zip(messages, sizes, strict=True):
        sent = (packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
        assert len(sent) == size and unpacker.decompress(sent + compression.TAIL) == message
    assert sizes[0] > 20 > max(sizes[1:])


@pytest.mark.parametrize(
    ("payload", "masked", "head"),
    [(125, False, 2), (126, False, 4), (126, True, 8), (65_535, False, 4), (65_536, False, 10)],
)
def test_frame_heads(payload: int, masked: bool, head: int) -> None:
    """RFC 6455, 5.2: the length decides the head, a client adds its mask."""
    assert compression.framed_bytes(payload, masked=masked) - payload == head


# -- counted -----------------------------------------------------------------------------------


def test_a_poll_costs_its_requests_and_replies(measured: Traffic, exchange: Exchange) -> None:
    """Plain and kept: to the digits of the prices the bytes of one call."""
    call = exchange.quote(BTC).http
    assert call is not None
    assert measured.cost("poll quote").bytes_each == pytest.approx(call.wire_bytes, abs=8)
    assert measured.cost("poll quote").count == 8


def test_overhead_is_what_is_no_body(measured: Traffic, exchange: Exchange) -> None:
    """Of a poll the request and the reply's head; a large body has come compressed."""
    asked = measured.cost("poll quote")
    call = exchange.quote(BTC).http
    assert call is not None and asked.overhead_share is not None and asked.head_bytes is not None
    heads = len(call.request) + asked.head_bytes
    assert asked.overhead_share * asked.bytes_each == pytest.approx(heads, abs=8)
    book = measured.cost("poll book")
    assert book.payload_bytes == book.compressed_bytes < book.plain_bytes / 3
    assert book.compressed_per_s == pytest.approx(book.wire_per_s.value)


def test_new_connections_are_counted(measured: Traffic) -> None:
    """As many as calls; a kept one is one. Over TLS each is a handshake of more than 1 KB."""
    new, kept = measured.cost("poll quote, new connection, TLS"), measured.cost("poll quote, TLS")
    assert (new.connections, new.handshakes, kept.connections) == (new.count, new.count, 1)
    assert new.bytes_each > kept.bytes_each + 1000
    assert measured.cost("poll quote, new connection").handshakes == 0


def test_what_the_lab_forgets_stays_counted() -> None:
    """The lab keeps some thousand ended connections; each look adds to those before."""
    log = ConnectionLog(kept=2)

    class Link:
        bytes_up, bytes_down = 10, 20

    class Forgetful:
        def traffic(self, *, since_ns: int) -> list[Connection]:
            for port in (1, 2):
                log.opened(link := Link(), "binance", port, False)
                log.ended(link)
            return log.rows(since_ns)

    window = byte_counts.ByteCounts(Forgetful(), 500_000_000, 2)  # type: ignore[arg-type]
    window._ends = [0, 0]
    window.watch()
    window.last()
    rates = window.rates([1, 2], polled=True)
    assert (rates.up, rates.down) == (60.0, 120.0)


def test_tls_costs_more_than_plain(measured: Traffic) -> None:
    """The same payload in records: at least 22 bytes more each way."""
    for name in ("poll quote", "poll ticker"):
        plain, secure = measured.cost(name), measured.cost(f"{name}, TLS")
        assert 36 < secure.bytes_each - plain.bytes_each < 150, name


def test_weight_is_the_venues(measured: Traffic) -> None:
    """bookTicker weighs 2, 100 levels 5; of 6,000 a minute. A stream weighs nothing while it
    runs."""
    calls = 60_000 / EVERY_MS
    assert measured.cost("poll quote").weight_per_minute == pytest.approx(2 * calls)
    assert measured.cost("poll book").limit_share == pytest.approx(5 * calls / 6000)
    book = measured.cost("stream book")
    assert book.weight_per_minute == 0


def test_a_stream_costs_its_frames(measured: Traffic) -> None:
    """Overhead is the frame's head and a rare ping; the messages shrink to less than a third."""
    pushed = measured.cost("stream quotes")
    assert pushed.count > 20 and pushed.cpu_ms_per_s > 0
    assert pushed.overhead_share is not None and 0.0 < pushed.overhead_share < 0.1
    assert pushed.compressed_bytes < pushed.plain_bytes / 3
    assert pushed.compressed_per_s < pushed.wire_per_s.value / 2


def test_per_message_less_and_per_second_more(measured: Traffic) -> None:
    """A pushed quote is at most a third of an asked one; the interval at which both cost the same
    is the one that arithmetic gives."""
    asked, pushed = measured.cost("poll quote"), measured.cost("stream quotes")
    assert pushed.bytes_each < asked.bytes_each / 3
    equal = measured.equal_every_ms()
    assert equal is not None
    assert asked.bytes_each / equal * 1000 == pytest.approx(pushed.wire_per_s.value)


def test_it_can_be_kept_and_shown(measured: Traffic, tmp_path: Path) -> None:
    """Saved and opened it is the same; table and frame hold every feed."""
    assert load(measured.save(tmp_path / "traffic")) == measured
    names = [one.name for one in measured.costs]
    assert len(names) == len(set(names)) == 2 * len(POLLS + STREAMS)
    assert all(name in measured.table() for name in names)
    assert list(measured.frame()["feed"]) == names
    assert measured.conditions.clock and "no dial" in measured.table()


def test_a_quiet_stream_is_no_error(exchange: Exchange) -> None:
    """No trade or two at once: a connection, few bytes, and no CPU out of thin air."""
    options: dict[str, Any] = {"polls": [], "streams": ["trades"], "tls": [False]}
    quiet = traffic(exchange, symbol="ETH/BTC", every_ms=100, seconds=0.5, **options)
    (trades,) = quiet.costs
    assert trades.connections == 1 and trades.cpu_ms_per_s < 200
    assert trades.bytes_each < 400 and "stream trades" in quiet.table()


# -- manners -----------------------------------------------------------------------------------


@pytest.mark.parametrize("interrupted", [False, True])
def test_everything_is_ended(
    lab: Lab, exchange: Exchange, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    """No thread, stream or connection is left, also after an interrupt."""

    def interrupt(self: Any) -> None:
        raise KeyboardInterrupt

    before, since_ns = set(threading.enumerate()), mono_ns()
    options: dict[str, Any] = {"every_ms": 100, "seconds": 0.4}
    if interrupted:
        monkeypatch.setattr(byte_counts.ByteCounts, "watch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            traffic(exchange, symbol=BTC, **options)
    else:
        traffic(exchange, symbol=BTC, **options)
    assert running() == [] and set(threading.enumerate()) <= before
    rows = [row for row in lab.traffic(since_ns=since_ns) if row.opened_ns >= since_ns]
    deadline = time.monotonic() + 5
    while any(not row.closed for row in rows):
        assert time.monotonic() < deadline, "a connection was left open"
        rows = lab.traffic(since_ns=since_ns, ports=[row.port for row in rows])
    assert len(rows) >= 16


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"polls": ["qoute"]}, "no poll 'qoute'"),
        ({"streams": ["candles"]}, "no stream 'candles'"),
        ({"polls": [], "streams": []}, "nothing is left"),
        ({"seconds": 1, "every_ms": 800}, "fewer than two polls"),
        ({"every_ms": 1}, "waits for itself"),
        ({"seconds": -1}, "from 0.01"),
        ({"tls": []}, "at least one"),
    ],
)
def test_bad_input(exchange: Exchange, options: dict[str, Any], says: str) -> None:
    """Said before anything is opened."""
    with pytest.raises(errors.BadInput, match=says):
        traffic(exchange, **options)


def test_it_needs_a_lab() -> None:
    """A real venue's wire is not ours to count."""
    with pytest.raises(errors.BadInput, match="only a lab"):
        traffic(vocx.connect("binance", where="real"))


def test_a_sample_costs_little(exchange: Exchange) -> None:
    """At most 50 microseconds of client time for each frame that is noted."""
    listener = Listener(lambda **probe: exchange.create_stream(["quotes"], BTC, **probe))
    text, many = b"x" * 150, 5000
    begun = time.thread_time_ns()
    for _ in range(many):
        listener.note(text, 0)
    spent = time.thread_time_ns() - begun
    listener.stop()
    assert spent / many < 50_000


def test_limits_do_not_slow_what_is_counted(exchange: Exchange) -> None:
    """A poll that waits for the next minute would be counted as one that costs less."""
    limits = exchange.lab.limits
    limits(weight=20)
    try:
        found = traffic(exchange, polls=["quote"], streams=[], tls=[False], every_ms=50, seconds=1)
        assert found.cost("poll quote").count == 20 and not limits.state["off"]
    finally:
        limits(weight=6000)
        limits.advance()
