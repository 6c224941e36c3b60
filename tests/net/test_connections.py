"""Opening connections: names, both families, proxies, certificates, deadlines."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import trustme

from vocx import errors, net


def entry(sock: socket.socket, family: int = socket.AF_INET) -> tuple[object, ...]:
    """An entry as ``getaddrinfo`` gives them."""
    return (family, socket.SOCK_STREAM, 0, "", sock.getsockname())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that accepts by itself."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def dead() -> Iterator[socket.socket]:
    """An address that swallows connections: its queue is full and nobody accepts."""
    with socket.socket() as server, ExitStack() as waiting:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(3):
            filler = waiting.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server


def test_a_dead_first_address_costs_a_quarter_second(
    dead: socket.socket, listener: socket.socket
) -> None:
    """RFC 8305: the next address is tried while the first has not answered, whatever the
    deadline."""
    begun = time.monotonic()
    with net.connect([entry(dead), entry(listener)], 10.0) as sock:
        assert sock.getpeername() == listener.getsockname()
    assert time.monotonic() - begun < 2.0


def test_a_late_first_address_still_wins_when_the_second_is_dead(
    dead: socket.socket, listener: socket.socket
) -> None:
    """The first that answers is taken, in whatever order they were begun."""
    with net.connect([entry(listener), entry(dead)], 10.0) as sock:
        assert sock.getpeername() == listener.getsockname()


def test_a_refusal_and_a_family_that_is_missing_do_not_wait(listener: socket.socket) -> None:
    """What fails at once gives way at once; nothing raw escapes."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        refused = entry(gone)
    no_family = (9999, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1))
    begun = time.monotonic()
    with net.connect([no_family, refused, entry(listener)], 10.0) as sock:
        assert sock.getpeername() == listener.getsockname()
    assert time.monotonic() - begun < net.connections.ATTEMPT_DELAY_S
    with pytest.raises(errors.ConnectFailed):
        net.connect([no_family], 1.0)
    with pytest.raises(errors.ConnectFailed, match="refused"):
        net.connect([refused], 1.0)


def test_no_answer_is_told_at_the_deadline(dead: socket.socket) -> None:
    """A port that swallows connections is named as such."""
    with pytest.raises(errors.ConnectFailed, match="blocked"):
        net.connect([entry(dead)], 0.2)


def test_a_connect_can_be_stopped(dead: socket.socket) -> None:
    """Within a moment, from another thread."""
    stopping = threading.Event()
    timer = threading.Timer(0.1, stopping.set)
    timer.start()
    begun = time.monotonic()
    with pytest.raises(errors.StreamStopped):
        net.connect([entry(dead)], 30.0, stopping)
    assert time.monotonic() - begun < 2.0
    timer.join()


@pytest.mark.parametrize("host", ["nothing.invalid", "a" * 70 + ".invalid"])
def test_names_that_cannot_be(host: str) -> None:
    """A name that does not exist, or that cannot be encoded, is a ``DnsError``."""
    with pytest.raises(errors.DnsError, match="resolved"):
        net.open_tcp(f"https://{host}", dns_s=5.0, connect_s=1.0)


@pytest.mark.parametrize("url", ["ftp://here", "https://", "https://host:none", "nonsense"])
def test_addresses_that_are_none(url: str) -> None:
    """Refused in words before anything is looked up."""
    with pytest.raises(errors.BadInput, match="write https"):
        net.open_tcp(url, dns_s=1.0, connect_s=1.0)


def test_loopback_is_this_machine_alone() -> None:
    """A name that only begins like an address of this machine is the world's."""
    assert net.is_loopback("http://127.0.0.1:8080") and net.is_loopback("ws://[::1]:1")
    assert net.is_loopback("http://localhost") and net.is_loopback("http://127.8.9.1")
    assert not net.is_loopback("http://127.0.0.1.example.com") and not net.is_loopback("x")


# proxies


def answer_once(listener: socket.socket, reply: bytes, seen: list[bytes]) -> threading.Thread:
    def run() -> None:
        sock, _ = listener.accept()
        with sock, suppress(OSError):  # a client that hangs up is welcome to
            seen.append(sock.recv(4096))
            sock.sendall(reply)
            sock.recv(1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def through(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    for name in ("https_proxy", "http_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", proxy)


def test_a_proxy_is_asked_for_a_tunnel(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its credentials, for wss as for https; the name is the proxy's to resolve."""
    seen: list[bytes] = []
    thread = answer_once(listener, b"HTTP/1.1 200 OK\r\n\r\n", seen)
    port = listener.getsockname()[1]
    through(monkeypatch, f"http://me:p%20w@127.0.0.1:{port}")
    tcp = net.open_tcp("wss://venue.invalid/ws", dns_s=1.0, connect_s=5.0)
    tcp.sock.close()
    thread.join(5)
    assert tcp.host == "venue.invalid" and tcp.proxy_ms is not None and tcp.dns_ms is None
    assert seen[0].startswith(b"CONNECT venue.invalid:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cCB3\r\n" in seen[0]


def test_a_proxy_that_refuses_is_named(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is the culprit, not the venue."""
    thread = answer_once(listener, b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", [])
    through(monkeypatch, f"http://127.0.0.1:{listener.getsockname()[1]}")
    with pytest.raises(errors.ConnectFailed, match="HTTPS_PROXY.*407"):
        net.open_tcp("https://venue.invalid", dns_s=1.0, connect_s=5.0)
    thread.join(5)


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said by name, never ignored: a direct connection may be forbidden here."""
    through(monkeypatch, "socks5://127.0.0.1:1080")
    with pytest.raises(errors.ConnectFailed, match="HTTPS_PROXY"):
        net.open_tcp("https://venue.invalid", dns_s=1.0, connect_s=1.0)


def test_no_proxy_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name; and this machine's own hosts never go through a proxy."""
    through(monkeypatch, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    assert net.proxy_for("https://api.inside.example") is None
    assert net.proxy_for("https://127.0.0.1:8443") is None
    assert net.proxy_for("wss://outside.example") is not None


# certificates


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server that completes handshakes, and the file of its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    sock, _ = server.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(sock, server_side=True) as secure:
                        secure.recv(1)
                except OSError:
                    continue

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}", path


def handshake(url: str, ca_file: Path | None = None) -> None:
    tcp = net.open_tcp(url, dns_s=1.0, connect_s=2.0)
    net.open_tls(tcp, timeout_s=2.0, ca_file=ca_file).close()


def test_certificates_are_verified(tls_server: tuple[str, Path]) -> None:
    """Never downgraded; the text says what to do."""
    url, path = tls_server
    handshake(url, path)
    with pytest.raises(errors.TlsError, match="REQUESTS_CA_BUNDLE"):
        handshake(url)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_the_environment_names_authorities(
    tls_server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Both variables count, for everything that vocx opens."""
    url, path = tls_server
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, str(path))
    handshake(url)


def test_authorities_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not at each reconnect; but anew when the environment changes."""
    first = net.tls_context()
    assert net.tls_context() is first
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert net.tls_context() is not first


def test_an_authority_that_cannot_be_read(tmp_path: Path) -> None:
    """Said with its name."""
    with pytest.raises(errors.BadInput, match="nowhere"):
        net.tls_context(tmp_path / "nowhere.pem")


def test_a_server_without_tls_and_one_that_is_silent(listener: socket.socket) -> None:
    """Each is one typed error, the silent one at the deadline."""
    url = f"https://127.0.0.1:{listener.getsockname()[1]}"
    tcp = net.open_tcp(url, dns_s=1.0, connect_s=2.0)
    with pytest.raises(errors.ConnectFailed, match="handshake"):
        net.open_tls(tcp, timeout_s=0.2)
    listener.accept()[0].close()
    thread = answer_once(listener, b"HTTP/1.1 400 Bad Request\r\n\r\n", [])
    tcp = net.open_tcp(url, dns_s=1.0, connect_s=2.0)
    with pytest.raises(errors.TlsError, match="no TLS"):
        net.open_tls(tcp, timeout_s=2.0)
    thread.join(5)
