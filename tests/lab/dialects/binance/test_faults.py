"""Switchable faults of the Binance dialect: each does exactly what it says, and then stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from venue_binance import BEST, MS, T0, Client, S, Venue, trade

from vocx.errors import BadInput
from vocx.lab.dialects.base import Close, HttpOut, Raw
from vocx.lab.dialects.shared.faults import HUGE_BYTES, KINDS


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.mark.parametrize(
    ("name", "status", "content_type", "code"),
    [
        ("region", 451, "application/json", 0),
        ("timeout", 504, "application/json", -1007),
        ("overloaded", 503, "application/json", -1008),
        ("internal", 500, "application/json", -1000),
        ("forbidden", 403, "text/html", None),
        ("gone", 410, "text/html", None),
        ("limited", 429, "application/json", -1003),
        ("html", 503, "text/html", None),
    ],
)
def test_wrong_answers(
    venue: Venue, name: str, status: int, content_type: str, code: int | None
) -> None:
    """Status, type and body; once, and only where asked for."""
    venue.command("fault", name=name, path="/api/v3/depth", count=1)
    assert venue.http("time").status == 200
    answer = venue.http("depth?symbol=BTCUSDT")
    assert answer.status == status and answer.headers["Content-Type"].startswith(content_type)
    assert "X-MBX-USED-WEIGHT-1M" in answer.headers
    if code is not None:
        assert json.loads(answer.body)["code"] == code
    assert venue.http("depth?symbol=BTCUSDT").status == 200


def test_region_lasts(venue: Venue) -> None:
    """A restricted location stays one until it is switched off."""
    venue.command("fault", name="region")
    assert [venue.http("time").status for _ in range(3)] == [451] * 3
    refused = venue.upgrade("/stream")
    assert isinstance(refused, HttpOut) and refused.status == 451
    assert venue.command("fault", off="region") == []
    assert venue.http("time").status == 200


def test_truncated_json(venue: Venue) -> None:
    """200 and half a body."""
    whole = venue.http("depth?symbol=BTCUSDT").body
    venue.command("fault", name="truncated_json")
    answer = venue.http("depth?symbol=BTCUSDT")
    assert answer.status == 200 and whole.startswith(answer.body) and len(answer.body) < len(whole)


@pytest.mark.parametrize(
    ("arguments", "delay_ns"),
    [({"name": "lost_answer"}, None), ({"name": "late_answer", "seconds": 2.5}, 2_500_000_000)],
)
def test_lost_and_late_answers(venue: Venue, arguments: Any, delay_ns: int | None) -> None:
    """Executed and answered as ever; the answer is withheld or comes later."""
    venue.command("fault", **arguments)
    answer = venue.http("time")
    assert answer.delay_ns == delay_ns and answer.headers["X-MBX-USED-WEIGHT"] == "1"


def test_lost_request(venue: Venue) -> None:
    """Never carried out, never answered; it costs nothing."""
    venue.command("fault", name="lost_request")
    answer = venue.http("time")
    assert answer.delay_ns is None and answer.headers["X-MBX-USED-WEIGHT"] == "0"


def test_delivered_twice(venue: Venue) -> None:
    """Carried out twice; the second answer comes."""
    venue.command("fault", name="delivered_twice")
    answer = venue.http("time")
    assert answer.status == 200 and answer.headers["X-MBX-USED-WEIGHT"] == "2"


def test_faults_of_one_method(venue: Venue) -> None:
    """A scope may name the HTTP method."""
    venue.command("fault", name="internal", path="GET /api/v3/time")
    assert venue.http("time", "POST").status == 405
    assert venue.http("time").status == 500


def test_faults_of_the_websocket_api(venue: Venue) -> None:
    """The same by method; a lost answer is no frame, a late one comes with the clock."""
    api = venue.connect("/ws-api/v3")
    venue.command("fault", name="overloaded", path="/ws-api/v3/depth")
    assert api.ask("time")["status"] == 200
    assert api.ask("depth", {"symbol": "BTCUSDT"})["status"] == 503
    venue.command("fault", name="lost_answer")
    assert api.say({"id": 1, "method": "time"}) == []
    venue.command("fault", name="late_answer", seconds=3)
    assert api.say({"id": 2, "method": "time"}) == []
    due_ns = api.session.next_tick_ns
    assert due_ns // S == T0 // S + 3
    assert api.take(api.session.tick(due_ns))[0]["id"] == 2


@pytest.mark.parametrize(
    ("status", "retry_after"), [(429, 10), (503, None), (401, None), (403, None), (451, None)]
)
def test_refused_upgrades(venue: Venue, status: int, retry_after: int | None) -> None:
    """Upgrades are refused below the path, with ``Retry-After`` where there is one."""
    venue.command(
        "fault", name="refuse_upgrade", path="/ws", status=status, retry_after=retry_after
    )
    assert isinstance(venue.upgrade("/ws-api/v3"), Client)
    refused = venue.upgrade("/ws/btcusdt@trade")
    assert isinstance(refused, HttpOut) and refused.status == status
    assert refused.headers.get("Retry-After") == (str(retry_after) if retry_after else None)
    assert isinstance(venue.upgrade("/ws"), Client)


def struck(venue: Venue, name: str, path: str = "/ws/btcusdt@trade", **options: Any) -> list[Any]:
    """What a listener gets for trades 1, 2 and 3 when a fault strikes the first, once."""
    client = venue.connect(path)
    venue.command("fault", name=name, stream="btcusdt@trade", **options)
    for number in (1, 2, 3):
        venue.publish(trade(trade_id=number))
    return [got["t"] if isinstance(got, dict) and "t" in got else got for got in client.got]


def test_drop(venue: Venue) -> None:
    assert struck(venue, "drop") == [2, 3]


def test_duplicate(venue: Venue) -> None:
    assert struck(venue, "duplicate") == [1, 1, 2, 3]


def test_reorder(venue: Venue) -> None:
    """A message comes after the next one."""
    assert struck(venue, "reorder") == [2, 1, 3]


def test_snapshot_where_a_stream_has_none(venue: Venue) -> None:
    """A venue whose books start by REST sends what it always sends."""
    assert struck(venue, "snapshot") == [1, 2, 3]


def test_malformed(venue: Venue) -> None:
    """Not JSON, in place of the message."""
    broken, *rest = struck(venue, "malformed")
    assert isinstance(broken, bytes) and rest == [2, 3]


def test_array(venue: Venue) -> None:
    """An array before the message."""
    array, *rest = struck(venue, "array")
    assert array[0]["t"] == 1 and rest == [1, 2, 3]


@pytest.mark.parametrize("path", ["/ws/btcusdt@bookTicker", "/stream?streams=btcusdt@bookTicker"])
def test_unknown_event(venue: Venue, path: str) -> None:
    """Well-formed, in the stream's own wrapping, of a type that nobody knows."""
    client = venue.connect(path)
    venue.command("fault", name="unknown_event", stream="*@bookTicker", instead=True)
    venue.publish(BEST)
    (event,) = client.got
    assert event.get("data", event)["e"] == "somethingNew"


def test_huge(venue: Venue) -> None:
    """22 MB in one frame."""
    client = venue.connect("/ws/btcusdt@trade")
    venue.command("fault", name="huge")
    venue.publish(trade())
    assert len(client.got[0]["x"]) == HUGE_BYTES >= 22_000_000 and len(client.got) == 2


def test_truncated_then_silence(venue: Venue) -> None:
    """Half a frame, and nothing ever after, pings included."""
    (raw,) = struck(venue, "truncated")
    assert isinstance(raw, Raw) and raw.data[0] == 0x81
    assert len(raw.data) < 10 + int.from_bytes(raw.data[2:10], "big")
    (session,) = venue.dialect.sessions
    assert session.next_tick_ns > T0 + 10**17


def test_a_truncated_frame_costs_no_other_stream_its_turn() -> None:
    """Where streams are sent at fixed times, those of the same moment come all the same."""
    venue = Venue(own=True)
    hit, other = (venue.connect(f"/ws/{name}usdt@depth@100ms") for name in ("btc", "eth"))
    venue.command("fault", name="truncated", stream="btcusdt@depth@100ms")
    venue.step(60)
    venue.pass_time(100 * MS)
    assert isinstance(hit.got[0], Raw) and other.got[0]["e"] == "depthUpdate"


def test_a_truncated_frame_may_end_streams_that_are_due_at_the_same_moment() -> None:
    """Nobody has those of the connection's other pace any more."""
    venue = Venue(own=True)
    hit = venue.connect("/stream?streams=btcusdt@depth@100ms/btcusdt@depth")
    venue.pass_time(950 * MS)
    hit.got.clear()
    venue.command("fault", name="truncated", stream="btcusdt@depth@100ms")
    venue.step(60)
    venue.pass_time(100 * MS)
    assert len(hit.got) == 1 and isinstance(hit.got[0], Raw)
    assert venue.dialect.publisher.next_tick_ns > T0 + 10**17


def test_silence(venue: Venue) -> None:
    """No data until switched off; pings go on."""
    client = venue.connect("/ws/btcusdt@trade")
    venue.command("fault", name="silence", stream="*")
    venue.publish(trade())
    assert client.got == [] and client.session.next_tick_ns == T0 + 20 * S
    venue.command("fault", off="all")
    venue.publish(trade())
    assert len(client.got) == 1


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1012, 1013, None])
def test_close(venue: Venue, code: int | None) -> None:
    """After the message, with the code; ``None`` hangs up without a close frame."""
    assert struck(venue, "close", code=code, reason="x")[:2] == [1, Close(code, "x")]


def test_a_fault_hits_a_message_once_in_all_its_forms(venue: Venue) -> None:
    """Raw and wrapped listeners lose the same message."""
    raw, wrapped = (
        venue.connect("/ws/btcusdt@trade"),
        venue.connect("/stream?streams=btcusdt@trade"),
    )
    venue.command("fault", name="drop", stream="btcusdt@trade", count=1)
    venue.publish(trade(trade_id=1), trade(trade_id=2))
    assert [raw.got[0]["t"], wrapped.got[0]["data"]["t"]] == [2, 2]


def test_a_dropped_diff_is_a_gap() -> None:
    """The next ``U`` is not the last ``u`` + 1: what a local book must notice."""
    venue = Venue(own=True)
    client = venue.connect("/ws/btcusdt@depth@100ms")
    venue.command("fault", name="drop", stream="btcusdt@depth@100ms", count=1)
    for _ in range(3):
        venue.step(20)
        venue.pass_time(100 * MS)
    first, second = client.got
    assert second["U"] == first["u"] + 1
    assert first["U"] > venue.get("depth?symbol=BTCUSDT")["lastUpdateId"] - 60


def test_state_and_count(venue: Venue) -> None:
    """What is in force, how often it still strikes and how often it did."""
    state = venue.command("fault", name="drop", stream="btcusdt@trade", count=2)
    assert state == [{"id": 1, "name": "drop", "stream": "btcusdt@trade", "left": 2, "hits": 0}]
    venue.connect("/ws/btcusdt@trade")
    venue.publish(trade())
    assert venue.command("fault")[0]["left"] == 1 and venue.command("fault")[0]["hits"] == 1
    assert venue.command("fault", off=1) == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"name": "rain"},
        {"name": "drop", "path": "/ws"},
        {"name": "region", "stream": "*"},
        {"name": "drop", "count": 0},
        {"name": "drop", "speed": 1},
        {"off": "drop"},
        {"count": 1},
    ],
)
def test_wrong_orders(venue: Venue, arguments: dict[str, Any]) -> None:
    """Refused, saying what there is."""
    with pytest.raises(BadInput):
        venue.command("fault", **arguments)
    assert venue.command("fault") == []


def test_every_fault_is_tried_here() -> None:
    """A new fault needs a test."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in KINDS)
