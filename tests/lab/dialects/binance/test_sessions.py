"""Stream connections of the Binance dialect: paths, control messages, keepalive, their end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from venue_binance import BEST, MS, T0, Client, S, Venue, trade

from vocx.lab.dialects.base import Close, HttpOut, Ping

INVALID_STREAM = {"code": 2, "msg": "Invalid request: invalid stream"}
REFUSED = Close(1008, "Invalid request")


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
def client(venue: Venue) -> Client:
    return venue.connect("/ws")


@pytest.mark.parametrize(
    ("path", "wrapped"),
    [
        ("/ws/btcusdt@trade", False),
        ("/ws/btcusdt@trade/btcusdt@bookTicker", False),
        ("/ws/btcusdt%40trade", False),
        ("/stream?streams=btcusdt@trade", True),
        ("/stream?streams=btcusdt%40trade/btcusdt@ticker&timeUnit=millisecond", True),
        ("/streams/ws/btcusdt@trade", False),
    ],
)
def test_streams_in_the_url(venue: Venue, path: str, wrapped: bool) -> None:
    """Raw below ``/ws``, wrapped below ``/stream``, percent-encoded or not."""
    client = venue.connect(path)
    venue.publish(trade())
    assert ("stream" in client.got[0]) is wrapped


@pytest.mark.parametrize("path", ["/ws", "/ws/", "/ws/0", "/ws/1", "/stream", "/stream/0"])
def test_nothing_is_subscribed_until_asked(venue: Venue, path: str) -> None:
    """ccxt connects to ``/ws/0``, the official SDK to bare ``/stream``."""
    client = venue.connect(path)
    venue.publish(trade())
    assert client.got == [] and client.ask("LIST_SUBSCRIPTIONS")["result"] == []
    assert client.ask("GET_PROPERTY", ["combined"])["result"] is path.startswith("/stream")


def test_unknown_path_is_refused(venue: Venue) -> None:
    """404 for the upgrade."""
    answer = venue.upgrade("/nope")
    assert isinstance(answer, HttpOut) and answer.status == 404


def test_bad_time_unit_in_the_url(venue: Venue) -> None:
    """-1194 before the upgrade."""
    answer = venue.upgrade("/ws?timeUnit=SECOND")
    assert isinstance(answer, HttpOut) and json.loads(answer.body)["code"] == -1194


@pytest.mark.parametrize("request_id", [1, -(2**63), 2**63 - 1, "a" * 36, "7", None])
def test_ids_keep_their_type(client: Client, request_id: Any) -> None:
    """``result`` first, then ``id`` as it came."""
    (answer,) = client.session.text(
        json.dumps({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": request_id}).encode(),
        T0,
    )
    assert answer == b'{"result":null,"id":%s}' % json.dumps(request_id).encode()


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        (
            '{"method":"SUBSCRIBE","params":["btcusdt@trade"]}',
            2,
            "request ID must be an unsigned integer",
        ),
        (
            '{"method":"SUBSCRIBE","params":[],"id":1.5}',
            2,
            "request ID must be an unsigned integer",
        ),
        (
            '{"method":"SUBSCRIBE","params":[],"id":true}',
            2,
            "request ID must be an unsigned integer",
        ),
        ('{"method":"SUBSCRIBE","params":[],"id":"' + "a" * 37 + '"}', 2, "request ID must be"),
        (
            '{"method":"LIST","id":1}',
            2,
            "Invalid request: unknown variant `LIST`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, "
            "`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` at line 1 column 16",
        ),
        ('{"id":1}', 2, "Invalid request: missing field `method` at line 1 column 8"),
        ('{"method":"GET_PROPERTY","params":["x"],"id":1}', 0, "Unknown property"),
        ('{"method":"GET_PROPERTY","params":[5],"id":1}', 2, "property name must be a string"),
        ('{"method":"SET_PROPERTY","params":[],"id":1}', 2, "property name must be a string"),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "expected Boolean"),
        ('{"method":"SET_PROPERTY","params":["combined",true,1],"id":1}', 2, "too many parameters"),
        ('{"method":"LIST_SUBSCRIPTIONS","params":["a"],"id":1}', 2, "too many parameters"),
        ("nonsense", 3, "Invalid JSON: expected value at line 1 column 1"),
        ('{"a":\n }', 3, "Invalid JSON: expected value at line 2 column 2"),
    ],
)
def test_control_errors(client: Client, message: str, code: int, text: str) -> None:
    """Nested under ``error``, with the documented texts; the connection goes on."""
    (answer,) = client.say(message.encode())
    assert answer["error"]["code"] == code and text in answer["error"]["msg"]
    assert client.ask("LIST_SUBSCRIPTIONS") == {"result": [], "id": 1}


def test_error_names_the_id_it_could_read(client: Client) -> None:
    """``error`` first, then the id; none where there is none."""
    assert list(client.ask("NOPE", request_id="x")) == ["error", "id"]
    assert list(client.say(b"[]")[0]) == ["error"]


@pytest.mark.parametrize("name", ["btcusdt@naoExiste", "xrpxrp@miniTicker", "BTCUSDT@trade"])
def test_an_ack_is_no_proof(client: Client, name: str) -> None:
    """Well-formed names that no stream has are acknowledged, listed, and silent."""
    assert client.ask("SUBSCRIBE", [name]) == {"result": None, "id": 1}
    client.venue.publish(trade(), BEST)
    client.venue.pass_time(3 * S)
    assert client.ask("LIST_SUBSCRIPTIONS")["result"] == [name]
    assert len(client.got) == 2


def test_malformed_name_ends_the_connection(client: Client) -> None:
    """The error, then 1008; nothing of the message is subscribed."""
    outs = client.say({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "@@@x###"], "id": 9})
    assert outs == [{"error": INVALID_STREAM, "id": 9}, REFUSED]
    client.venue.publish(trade())
    assert client.got == outs


def test_malformed_name_in_the_url(venue: Venue) -> None:
    """The same once the handshake is done."""
    client = venue.connect("/stream?streams=@@@x")
    assert client.got == [{"error": INVALID_STREAM}, REFUSED]


def test_subscribing_twice_is_once(venue: Venue) -> None:
    """UBWA connects with the first stream in the URL and then subscribes to all of them."""
    client = venue.connect("/stream?streams=btcusdt@trade")
    client.ask("SUBSCRIBE", ["btcusdt@trade", "btcusdt@bookTicker", "btcusdt@trade"])
    venue.publish(trade(), BEST)
    assert [one["stream"] for one in client.got[1:]] == ["btcusdt@trade", "btcusdt@bookTicker"]


def test_unsubscribing_stops_at_once(client: Client) -> None:
    """And unsubscribing from what one does not have is acknowledged."""
    client.ask("SUBSCRIBE", ["btcusdt@trade"])
    assert client.ask("UNSUBSCRIBE", ["btcusdt@trade", "btcusdt@ticker"]) == {
        "result": None,
        "id": 1,
    }
    client.venue.publish(trade())
    assert client.ask("LIST_SUBSCRIPTIONS")["result"] == [] and len(client.got) == 3


def test_combined_can_be_switched(client: Client) -> None:
    """From the next message on, either way."""
    client.ask("SUBSCRIBE", ["btcusdt@trade"])
    assert client.ask("SET_PROPERTY", ["combined", True]) == {"result": None, "id": 1}
    client.venue.publish(trade())
    assert client.got[-1]["stream"] == "btcusdt@trade"
    assert client.ask("GET_PROPERTY", ["combined"], 5) == {"result": True, "id": 5}


def test_1025th_stream(client: Client) -> None:
    """1024 fit; one more is refused with code 4 and the connection closed."""
    names = [f"s{number}@trade" for number in range(1024)]
    assert client.ask("SUBSCRIBE", names)["result"] is None
    outs = client.say({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 2})
    assert outs == [{"error": {"code": 4, "msg": "Too many subscriptions"}, "id": 2}, REFUSED]


def test_six_messages_in_a_second(client: Client) -> None:
    """Pings and pongs count; the sixth frame within one second closes with 1008."""
    for _ in range(3):
        client.ask("LIST_SUBSCRIPTIONS")
    list(client.session.ping(b"", T0))
    assert client.pong(b"") == []
    assert client.say({"method": "LIST_SUBSCRIPTIONS", "id": 1}) == [
        Close(1008, "Too many requests")
    ]


def test_five_messages_every_second(client: Client) -> None:
    """Each second of the clock has its own five."""
    for _ in range(3):
        for _ in range(5):
            assert "result" in client.ask("LIST_SUBSCRIPTIONS")
        client.venue.pass_time(S)


def ticks(client: Client, until_s: int, *, answer: bool) -> list[Any]:
    """Let time pass on an idle connection, with or without pongs."""
    outs: list[Any] = []
    venue = client.venue
    while client.session.next_tick_ns <= T0 + until_s * S:
        venue.now_ns = client.session.next_tick_ns
        for out in client.take(client.session.tick(venue.now_ns)):
            outs.append((venue.now_ns - T0, out))
            if answer and isinstance(out, Ping):
                client.pong(out.payload)
    return outs


def test_a_ping_every_20_s(client: Client) -> None:
    """Answered pings go on for hours."""
    outs = ticks(client, 3600, answer=True)
    assert [at for at, _ in outs] == [20 * S * number for number in range(1, 181)]
    assert all(isinstance(out, Ping) for _, out in outs)


def test_no_pong_for_a_minute(client: Client) -> None:
    """Closed 60 s after the first unanswered ping, with the reason Binance gives."""
    assert ticks(client, 3600, answer=False)[-1] == (80 * S, Close(1008, "Pong timeout"))


def test_unsolicited_pongs_do_not_help(client: Client) -> None:
    """Only a pong with a ping's payload counts as an answer."""
    ticks(client, 25, answer=False)
    client.pong(b"")
    client.pong(b"hello")
    assert ticks(client, 3600, answer=False)[-1][1] == Close(1008, "Pong timeout")


def test_one_pong_answers_every_earlier_ping(client: Client) -> None:
    """The newest payload is enough."""
    outs = ticks(client, 65, answer=False)
    client.pong(outs[-1][1].payload)
    assert all(isinstance(out, Ping) for _, out in ticks(client, 100, answer=False))


def test_24_hours(client: Client) -> None:
    """Then the connection ends, however well it behaved."""
    assert isinstance(ticks(client, 86_401, answer=True)[-1][1], Close)
    assert client.venue.now_ns == T0 + 86_400 * S


def test_keepalive_can_be_scaled(client: Client) -> None:
    """Ten times faster: pings every 2 s, pongs due within 6 s."""
    client.venue.command("keepalive", scale=10)
    outs = ticks(client, 60, answer=False)
    assert outs[0][0] == 2 * S and outs[-1] == (8 * S, Close(1008, "Pong timeout"))


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/ws", {"e": "serverShutdown", "E": T0 // MS}),
        (
            "/stream",
            {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": T0 // MS}},
        ),
        ("/ws-api/v3", {"event": {"e": "serverShutdown", "E": T0 // MS}}),
    ],
)
def test_shutdown(venue: Venue, path: str, shape: Any) -> None:
    """Said without any subscription, in the endpoint's own shape; then 1001."""
    client = venue.connect(path)
    assert venue.command("shutdown") == {"connections": 1, "notice_s": 0}
    venue.pass_time(0)
    assert client.got == [shape, Close(1001, "Server shutdown")]


def test_a_subscription_starts_a_recording(venue: Venue) -> None:
    """Connecting alone does not."""
    client = venue.connect("/ws/0")
    assert not venue.dialect.listened
    client.ask("SUBSCRIBE", ["btcusdt@trade"])
    assert venue.dialect.listened
