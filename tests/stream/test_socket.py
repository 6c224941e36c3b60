"""Connecting: phases, proxies, TLS, and every way to fail as one typed error."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from faulty import Faulty, Peer, healthy, no_rest, until

from vocx.errors import (
    BadInput,
    ConnectFailed,
    ConnectionLost,
    DnsError,
    TimedOut,
    TlsError,
    VenueError,
    VenueUnavailable,
)
from vocx.stream import Stream
from vocx.stream.deadlines import Deadlines
from vocx.stream.socket import ConnectPacer, WebSocketConnection, open_websocket, redacted
from vocx.venues.base import ChannelSpec
from vocx.venues.binance import Binance

QUICK = Deadlines(connect_s=0.3, tls_s=0.3, upgrade_s=0.3)


def call(url: str, ca_file: Path | None = None) -> WebSocketConnection:
    return open_websocket(
        url,
        deadlines=QUICK,
        stopping=threading.Event(),
        refused=lambda status, headers, body: VenueUnavailable("no"),
        ca_file=ca_file,
    )


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A healthy stream over TLS for 127.0.0.1, and the file with its authority."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))

    def script(peer: Peer) -> None:
        peer.sock.settimeout(2)
        peer.sock = context.wrap_socket(peer.sock, server_side=True)
        peer.sock.settimeout(0.05)
        healthy(peer)

    with Faulty(script) as server:
        yield server.url.replace("ws:", "wss:"), tmp_path / "ca.pem"


def test_phases_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback is connected directly whatever the environment says; each phase is timed."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with Faulty(healthy) as server:
        line = call(server.url + "/stream")
        line.socket.close()
    phases = line.phases
    assert phases.dns_ms is None and phases.tls_ms is None and phases.new_connection
    assert phases.connect_ms is not None and 0 < phases.total_ms < 10_000


def test_tls_is_verified_and_read_in_bulk(secure: tuple[str, Path]) -> None:
    """Row 15: with its authority a stream runs, and measures its handshake."""
    url, ca_file = secure
    wanted = [ChannelSpec(channel="quotes", symbol="BTC/USDT")]
    stream = Stream(Binance(), lambda _: url, wanted, ask=no_rest, ca_file=ca_file)
    with stream:
        stream.wait(3)
        assert stream.stats.handshake is not None and stream.stats.handshake.tls_ms
        until(lambda: stream.stats.round_trip_ms)


def test_an_unverified_certificate_is_refused(secure: tuple[str, Path]) -> None:
    """Row 15: never downgraded; the text says what to do."""
    with pytest.raises(TlsError, match="REQUESTS_CA_BUNDLE"):
        call(secure[0])


def test_an_authority_that_cannot_be_read(tmp_path: Path) -> None:
    with Faulty(healthy) as server, pytest.raises(BadInput, match="none.pem"):
        call(server.url.replace("ws:", "wss:"), tmp_path / "none.pem")


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(DnsError, match="nowhere.invalid"):
        call("ws://nowhere.invalid/stream")


def test_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectFailed, match="refused"):
        call(f"ws://127.0.0.1:{port}")


def test_a_server_that_says_nothing() -> None:
    """Neither the upgrade nor TLS waits longer than its deadline."""
    with Faulty(lambda peer: peer.over.wait(5)) as server:
        with pytest.raises(TimedOut):
            call(server.url)
        with pytest.raises(TimedOut):
            call(server.url.replace("ws:", "wss:"))


def test_a_server_that_hangs_up() -> None:
    with Faulty(lambda peer: None) as server, pytest.raises(ConnectionLost):
        call(server.url)


def test_a_refusal_carries_status_and_retry_after() -> None:
    with Faulty(lambda peer: peer.refuse(503, "Retry-After: 7")) as server:
        with pytest.raises(VenueError) as caught:
            call(server.url)
    assert (caught.value.http_status, caught.value.retry_after_s) == (503, 7.0)


def test_an_address_that_is_no_websocket() -> None:
    with pytest.raises(BadInput, match="ws://"):
        call("http://127.0.0.1/")


def test_secrets_of_an_address_are_not_shown() -> None:
    """Row 54: query values may be keys, and so may user information."""
    shown = redacted("wss://me:pw@host/stream?streams=a@trade&listenKey=SECRET")
    assert shown == "wss://host/stream?streams=...&listenKey=..."


def test_connects_are_spread_by_host() -> None:
    """As many at once as the venue takes in a second; the next ones wait their turn."""
    pacer, second = ConnectPacer(), 1_100_000_000
    assert [pacer.reserve_ns("a", 3, 0) for _ in range(5)] == [0, 0, 0, second, second]
    assert pacer.reserve_ns("b", 3, 0) == 0
    assert pacer.reserve_ns("a", 3, second // 2) == second - second // 2
    assert pacer.reserve_ns("a", 3, 5 * second) == 0
