"""Blocking REST against a real socket that answers exactly the bytes a test tells it to."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import msgspec
import pytest
from scripted import BODY, Scripted, http

from vocx import errors, venues
from vocx.facts import Facts, ServerTime
from vocx.net import Environment, Throttler
from vocx.rest import Client
from vocx.rest.redaction import redacted
from vocx.venues.base import (
    Answer,
    GetCandles,
    GetQuote,
    GetTime,
    Intent,
    Limit,
    Request,
    Secrets,
)
from vocx.venues.binance import Binance


@pytest.fixture
def serve() -> Iterator[Callable[..., tuple[Scripted, Client]]]:
    """Start a scripted server and a client of it; pauses are kept, not slept."""
    made: list[Any] = []

    def start(*script: Any, **options: Any) -> tuple[Scripted, Client]:
        server = Scripted(*script)
        options.setdefault("sleep", lambda seconds: None)
        environment = options.pop("environment", Environment)({"rest": server.url})
        client = Client(Venue(), environment, **options)
        made.extend((client, server))
        return server, client

    yield start
    for one in made:
        one.close()


class PlaceSomething(Intent, frozen=True, kw_only=True):
    """Stands for an order: it must be sent once."""

    client_order_id: str = "mine-1"


class Venue(Binance):
    """Binance that also reads the answer to a :class:`PlaceSomething`, as if it were a time."""

    def reply(self, request: Request, *rest: Any) -> Any:
        if isinstance(request.intent, PlaceSomething):
            request = msgspec.structs.replace(request, intent=GetTime())
        return super().reply(request, *rest)


def order() -> Request:
    return Request(
        intent=PlaceSomething(), method="POST", target="/api/v3/order?a=1", safe_to_retry=False
    )


def test_bytes_are_those_of_the_socket(serve: Any) -> None:
    """Request and reply are shown exactly as they crossed."""
    reply = http("200 OK", BODY, "x-mbx-used-weight-1m: 7")
    server, client = serve(reply)
    call = client.call(GetTime()).http
    assert call.request == server.requests[0]
    assert call.reply == reply
    assert call.reply_wire_bytes == len(reply)
    assert call.wire_bytes == len(reply) + len(call.request)


def test_gzip_is_shown_unpacked_and_counted_packed(serve: Any) -> None:
    """The body is readable, the count is what really crossed."""
    body = b'{"serverTime":1795334520000' + b" " * 5000 + b"}"
    packed = gzip.compress(body)
    server, client = serve(http("200 OK", packed, "Content-Encoding: gzip"))
    call = client.call(GetTime()).http
    assert call.reply.endswith(body)
    assert call.reply_wire_bytes < 300


def test_phases_add_up_and_kept_connections_have_no_opening(serve: Any) -> None:
    """A new connection has a connect phase, a kept one has none; the sum is the call time."""
    server, client = serve()
    begun = time.perf_counter()
    first = client.call(GetTime()).http.phases
    took_ms = (time.perf_counter() - begun) * 1e3
    second = client.call(GetTime()).http.phases
    assert first.new_connection and first.connect_ms is not None and first.dns_ms is None
    assert 0 < first.total_ms <= took_ms
    assert not second.new_connection and second.connect_ms is None and second.tls_ms is None
    assert server.connections == 1


def test_a_name_has_a_dns_phase(serve: Any) -> None:
    """DNS is measured where a name was asked for."""
    server, _ = serve()
    named = server.url.replace("127.0.0.1", "localhost")
    client = Client(venues.get("binance"), Environment({"rest": named}))
    assert client.call(GetTime()).http.phases.dns_ms is not None
    client.close()


def test_the_dial_is_labelled_on_new_connections_only(serve: Any) -> None:
    """What the lab's distance put into the first byte of a new connection carries its label."""

    class Far(Environment):
        def distance_ms(self) -> float:
            return 80.0

    _, client = serve(environment=Far)
    assert client.call(GetTime()).http.phases.emulated_ms == 80.0
    assert client.call(GetTime()).http.phases.emulated_ms is None


def test_lists_carry_their_exchange_too(serve: Any) -> None:
    """A list of facts has ``.http`` like a single fact."""
    _, client = serve(http(body=b"[]"))
    candles = client.call(GetCandles(symbol="BTC/USDT", interval="1m"))
    assert isinstance(candles, Facts) and candles.http.status == 200


@pytest.mark.parametrize(
    "first",
    [http("503 Service Unavailable", b"<html>"), http(body=b'{"serverTi'), "close", "reset"],
    ids=["503", "truncated JSON", "closed", "reset"],
)
def test_what_only_reads_is_repeated(serve: Any, first: Any) -> None:
    """5xx, an unreadable body and a lost connection are tried again by themselves."""
    server, client = serve(first)
    assert isinstance(client.call(GetTime()), ServerTime)
    assert len(server.requests) == 2 and client.retries == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (http("503 Service Unavailable", b"<html>"), errors.VenueUnavailable),
        (http(body=b'{"serverTi'), errors.BadReply),
        (http(body=b"[1,2]"), errors.BadReply),
        (("cut", http()[:-9]), errors.ConnectionLost),
        (("cut", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), errors.BadReply),
        (http("200 OK", b"no gzip", "Content-Encoding: gzip"), errors.BadReply),
        ("close", errors.ConnectionLost),
        ("reset", errors.ConnectionLost),
    ],
)
def test_three_repeats_then_one_typed_error(serve: Any, fault: Any, kind: type) -> None:
    """A fault that stays is one typed error after four attempts."""
    server, client = serve(*[fault] * 4)
    with pytest.raises(kind) as caught:
        client.call(GetTime())
    assert type(caught.value) is kind
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"),
    [
        (http("503 Service Unavailable", b""), errors.VenueUnavailable, "unknown"),
        (http(body=b'{"orderId'), errors.BadReply, "unknown"),
        ("close", errors.ConnectionLost, "unknown"),
        ("reset", errors.ConnectionLost, "unknown"),
        ("hang", errors.TimedOut, "unknown"),
        (http("429 Too Many", b"{}", "Retry-After: 1"), errors.RateLimited, "refused"),
        (http("400 Bad", b'{"code":-1013,"msg":"x"}'), errors.OrderRefused, "refused"),
    ],
)
def test_an_order_is_sent_once(serve: Any, fault: Any, kind: type, outcome: str) -> None:
    """Whatever happens, the server sees one POST and the error says what became of it."""
    server, client = serve(fault, timeout=(1.0, 0.2))
    with pytest.raises(kind) as caught:
        client.send(order())
    assert caught.value.outcome == outcome and caught.value.client_order_id == "mine-1"
    assert len(server.requests) == 1


def test_an_order_that_never_left_is_not_sent() -> None:
    """A refused connection is ``not_sent``: safe to send again."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client = Client(venues.get("binance"), Environment({"rest": f"http://127.0.0.1:{port}"}))
    with pytest.raises(errors.ConnectFailed, match="refused") as caught:
        client.send(order())
    assert caught.value.outcome == "not_sent"


def test_a_port_that_swallows_connections_is_told_apart() -> None:
    """No answer to the handshake: down or blocked, within the connect time-out."""
    with socket.socket() as listener, ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):  # fills the queue of connections that nobody accepts
            filler = waiting.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        there = Environment({"rest": f"http://127.0.0.1:{port}"})
        client = Client(venues.get("binance"), there, timeout=(0.2, 1))
        with pytest.raises(errors.ConnectFailed, match="blocked"):
            client.call(GetTime())


def test_a_stale_kept_connection_is_repeated_silently(serve: Any) -> None:
    """The server closed a kept connection meanwhile: the caller never notices."""
    pauses: list[float] = []
    server, client = serve(http(), "close", sleep=pauses.append)
    client.call(GetTime())
    client.call(GetTime())
    assert pauses == [] and server.connections == 2


def test_a_hang_ends_at_the_read_timeout(serve: Any) -> None:
    """A server that says nothing costs the time-out, not for ever."""
    _, client = serve("hang", timeout=(1.0, 0.2))
    begun = time.monotonic()
    with pytest.raises(errors.TimedOut):
        client.call(GetTime())
    assert time.monotonic() - begun < 2


def test_a_dribble_ends_at_the_deadline(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte at a time cannot keep a call alive beyond its deadline."""
    monkeypatch.setattr("vocx.rest.client.DEADLINE_S", 0.3)
    _, client = serve("dribble")
    begun = time.monotonic()
    with pytest.raises(errors.TimedOut):
        client.call(GetTime())
    assert time.monotonic() - begun < 1.5


def test_a_call_can_be_interrupted(serve: Any) -> None:
    """The stop button ends a hanging call at once, and the next call works."""
    _, client = serve("hang")
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            client.call(GetTime())
        assert time.monotonic() - begun < 1
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert client.call(GetTime()).http.phases.new_connection


def test_several_threads_share_a_client(serve: Any) -> None:
    """Each call sees its own bytes."""
    _, client = serve()
    with ThreadPoolExecutor(4) as pool:
        calls = list(pool.map(lambda _: client.call(GetTime()).http, range(40)))
    assert {one.request.count(b"GET ") for one in calls} == {1}
    assert {one.reply for one in calls} == {http()}


def test_429_is_waited_out_once(serve: Any) -> None:
    """Retry-After and a tenth, then the GET again."""
    now = [0]
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += int(seconds * 1e9) + 1

    limited = http("429 Too Many Requests", b'{"code":-1003,"msg":"x"}', "Retry-After: 4")
    server, client = serve(limited, clock=lambda: now[0], sleep=sleep)
    client.call(GetTime())
    assert pauses == [pytest.approx(4.4)] and len(server.requests) == 2


def test_429_too_long_to_wait_is_told_at_once(serve: Any) -> None:
    """Beyond the maximum wait the caller decides; calls meanwhile are not sent."""
    limited = http("429 Too Many Requests", b'{"code":-1003,"msg":"x"}', "Retry-After: 300")
    server, client = serve(limited)
    for _ in range(2):
        with pytest.raises(errors.RateLimited) as caught:
            client.call(GetTime())
        assert caught.value.retry_after_s == pytest.approx(300, rel=0.15)
    assert len(server.requests) == 1


def test_418_opens_the_circuit_for_all_clients_of_a_throttler(serve: Any) -> None:
    """After a ban nothing is sent until it ends, by whichever client."""
    shared = Throttler("binance")
    banned = http("418 I'm a teapot", b'{"code":-1003,"msg":"x"}', "Retry-After: 120")
    server, client = serve(banned, throttler=shared)
    other_server, other = serve(throttler=shared)
    for one in (client, client, other):
        with pytest.raises(errors.Banned) as caught:
            one.call(GetTime())
        assert caught.value.until_ns is not None
    assert len(server.requests) == 1 and not other_server.requests


def test_451_names_the_way_out(serve: Any) -> None:
    """A blocked region is no riddle."""
    body = b'{"code":0,"msg":"Service unavailable from a restricted location"}'
    _, client = serve(http("451 Unavailable", body))
    with pytest.raises(errors.RegionBlocked, match="lab"):
        client.call(GetTime())


def test_errors_carry_the_reply(serve: Any) -> None:
    """A refusal shows its bytes like any result."""
    _, client = serve(http("400 Bad Request", b'{"code":-1100,"msg":"Illegal"}'))
    with pytest.raises(errors.Refused) as caught:
        client.call(GetTime())
    assert b"-1100" in caught.value.http.reply


def one_of(amount: int, **options: Any) -> Throttler:
    """A throttler with one limit of weight, in a window of 60 s on a clock that sleeping moves."""
    now = [0]

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += int(seconds * 1e9) + 1

    pauses: list[float] = options.pop("pauses")
    limit = Limit(bucket="weight", amount=amount, window_s=60)
    return Throttler("binance", [limit], clock=lambda: now[0], sleep=sleep, **options)


def test_the_budget_waits_before_sending(serve: Any) -> None:
    """A used-up budget delays; one that is used up for too long refuses before anything goes."""
    pauses: list[float] = []
    server, client = serve(throttler=one_of(2, pauses=pauses))
    client.call(GetTime())
    client.call(GetTime())
    assert pauses == [pytest.approx(60)]
    server, client = serve(throttler=one_of(2, pauses=[], max_wait_s=5))
    client.call(GetTime())
    with pytest.raises(errors.RateLimited) as caught:
        client.call(GetTime())
    assert caught.value.outcome == "not_sent" and len(server.requests) == 1


def test_a_wait_for_the_limit_is_no_part_of_the_deadline(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ten seconds are the exchange's: after a longer wait the call has all of them."""
    monkeypatch.setattr("vocx.rest.client.DEADLINE_S", 0.3)
    throttler = one_of(2, pauses=[])
    slow = Throttler("binance")

    def enter(request: Request, stopping: Any) -> Any:
        time.sleep(0.4)
        return throttler.enter(request, stopping)

    monkeypatch.setattr(slow, "enter", enter)
    server, client = serve(http("503 Service Unavailable", b""), throttler=slow)
    assert client.call(GetTime()).http.status == 200
    assert len(server.requests) == 2


def test_each_sending_is_signed_anew(serve: Any) -> None:
    """A repeat carries a younger signature: the first may be too old by then."""
    numbers = iter(range(10))
    server, client = serve(http("503 Service Unavailable", b""))

    def sign(request: Request) -> Request:
        return msgspec.structs.replace(request, target=f"/api/v3/time?n={next(numbers)}")

    client.send(client.venue.request(GetTime()), sign)
    assert [one.split()[1][-3:] for one in server.requests] == [b"n=0", b"n=1"]


def test_pages_are_joined(serve: Any) -> None:
    """An intent that takes several requests gives one list."""

    class Paged(Venue):
        def reply(self, request: Request, *rest: Any) -> Answer:
            again = request if request.target.endswith("time") else None
            found = Facts([ServerTime()])
            more = again and msgspec.structs.replace(again, target="/api/v3/time?page=2")
            return Answer(result=found, next=more)

    server, client = serve()
    client.venue = Paged()
    assert len(client.call(GetTime())) == 2 and len(server.requests) == 2


def test_an_answer_about_something_else_is_refused(serve: Any) -> None:
    """Whoever's answer it is: it is not believed, and not asked for again for ever."""
    body = b'{"symbol":"ETHUSDT","bidPrice":"1","bidQty":"1","askPrice":"2","askQty":"1"}'
    _, client = serve(*[http(body=body)] * 4)
    with pytest.raises(errors.BadReply, match="BTC/USDT.*ETH/USDT"):
        client.call(GetQuote(symbol="BTC/USDT"))


def test_headers_of_the_environment_go_with_every_request(serve: Any) -> None:
    """Some venues choose the environment by a header."""
    server, _ = serve()
    there = Environment({"rest": server.url}, headers={"x-simulated-trading": "1"})
    client = Client(venues.get("binance"), there)
    client.call(GetTime())
    client.close()
    assert b"x-simulated-trading: 1\r\n" in server.requests[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_opens_its_own_connection(serve: Any) -> None:
    """Two processes that write to one connection would mix their bytes."""
    server, client = serve()
    client.call(GetTime())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if child == 0:
            signal.alarm(5)
            os._exit(0 if client.call(GetTime()).http.phases.new_connection else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not client.call(GetTime()).http.phases.new_connection
    assert server.connections == 2


def test_an_unresolvable_name_is_a_dns_error() -> None:
    """A name that does not exist is told apart from a host that does not answer."""
    client = Client(venues.get("binance"), Environment({"rest": "http://nothing.invalid"}))
    with pytest.raises(errors.DnsError, match="nothing.invalid"):
        client.call(GetTime())


def test_loopback_ignores_proxies(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """``http_proxy`` is for the world, not for the lab."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    _, client = serve()
    assert client.call(GetTime()).http.status == 200


def test_real_venues_are_asked_through_the_proxy(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the environment names one; a proxy that refuses is named as the culprit."""
    tunnel = b"HTTP/1.1 200 OK\r\n\r\n"
    server, _ = serve(tunnel, http(), http("407 Proxy Authentication Required", b""))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    plain = Client(venues.get("binance"), Environment({"rest": "http://venue.invalid"}))
    secure = Client(venues.get("binance"), Environment({"rest": "https://venue.invalid"}))
    assert plain.call(GetTime()).http.status == 200
    with pytest.raises(errors.ConnectFailed, match="HTTPS_PROXY"):
        secure.call(GetTime())
    assert server.requests[2].startswith(b"CONNECT venue.invalid:443")
    plain.close()
    secure.close()


def test_signed_bytes_are_not_requoted(serve: Any) -> None:
    """Path and query leave as the venue wrote them."""
    server, client = serve(http("400 Bad", b'{"code":-1,"msg":""}'))
    target = "/api/v3/order?b=%2F&a=x%20y&empty="
    with pytest.raises(errors.VenueError):
        client.send(Request(intent=GetTime(), method="DELETE", target=target))
    assert server.requests[0].startswith(f"DELETE {target} HTTP/1.1\r\n".encode())


def test_secrets_are_hidden() -> None:
    """Keys and signatures never reach what is shown."""
    shown = redacted(
        b"GET /api/v3/account?timestamp=1&signature=abcdef HTTP/1.1\r\nX-MBX-APIKEY: topsecret\r\n",
        venues.get("binance").secrets,
    )
    assert b"abcdef" not in shown and b"topsecret" not in shown and b"timestamp=1" in shown


def test_what_a_venue_names_is_hidden_too() -> None:
    """Headers, pairs and members of its own, in any case."""
    own = Secrets(headers=("X-Who",), fields=("proof",))
    shown = redacted(b'GET /?Proof=abc&n=1\r\nx-who: me\r\n\r\n{"proof": "a\\"bc","n":2}', own)
    assert shown == (
        b'GET /?Proof=<hidden>&n=1\r\nx-who: <hidden>\r\n\r\n{"proof": "<hidden>","n":2}'
    )
