"""Limits of the Binance dialect: weights, windows on the clock, 429, 418, connections."""

from __future__ import annotations

import json
from typing import Any

import pytest
from venue_binance import MS, T0, Client, S, Venue

from vocx.errors import BadInput
from vocx.lab.dialects.base import Close, HttpOut
from vocx.lab.dialects.binance.limits import WEIGHT
from vocx.lab.dialects.binance.wire import Refusal

POLL = (
    "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API."
)


@pytest.fixture
def venue() -> Venue:
    return Venue()


def used(venue: Venue) -> int:
    return int(venue.dialect.limiter.state(venue.now_ns)["peers"]["127.0.0.1"]["weight"])


@pytest.mark.parametrize(
    ("target", "weight"),
    [
        ("ping", 1),
        ("time", 1),
        ("exchangeInfo", 20),
        ("depth?symbol=BTCUSDT", 5),
        ("depth?symbol=BTCUSDT&limit=101", 25),
        ("depth?symbol=BTCUSDT&limit=1000", 50),
        ("depth?symbol=BTCUSDT&limit=1001", 250),
        ("depth?symbol=BTCUSDT&limit=99999", 250),
        ("trades?symbol=BTCUSDT", 25),
        ("historicalTrades?symbol=BTCUSDT", 25),
        ("aggTrades?symbol=BTCUSDT", 4),
        ("klines?symbol=BTCUSDT&interval=1m", 2),
        ("uiKlines?symbol=BTCUSDT&interval=1m", 2),
        ("avgPrice?symbol=BTCUSDT", 2),
        ("ticker/24hr", 80),
        ("ticker/24hr?symbol=BTCUSDT", 2),
        ("ticker/24hr?symbols=[%22BTCUSDT%22]", 2),
        ("ticker/price", 4),
        ("ticker/price?symbol=BTCUSDT", 2),
        ("ticker/bookTicker", 4),
        ("ticker/bookTicker?symbol=BTCUSDT", 2),
        ("ticker?symbols=[%22BTCUSDT%22,%22ETHUSDT%22]", 8),
        ("ticker/tradingDay?symbol=BTCUSDT", 4),
        ("depth?symbol=nope", 5),
    ],
)
def test_weights(venue: Venue, target: str, weight: int) -> None:
    """The documented price of each call, failed calls included."""
    assert venue.http(target).headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


def test_windows_are_the_clocks_minutes(venue: Venue) -> None:
    """Use counts until the minute is full, not for sixty seconds."""
    venue.pass_time(59 * S)
    venue.http("time")
    assert used(venue) == 1
    venue.pass_time(S)
    venue.http("time")
    assert used(venue) == 1


def burn(venue: Venue, calls: int) -> HttpOut:
    """Calls of weight 250 that fail: they are charged all the same."""
    for _ in range(calls):
        answer = venue.http("depth?symbol=NOSUCH&limit=5000")
    return answer


def test_429(venue: Venue) -> None:
    """The call that exceeds the limit is refused until the minute is over."""
    venue.pass_time(12 * S + 300 * MS)
    assert burn(venue, 24).status == 400
    answer = venue.http("time")
    assert answer.status == 429 and answer.headers["Retry-After"] == "48"
    assert json.loads(answer.body) == {"code": -1003, "msg": POLL}
    venue.pass_time(48 * S)
    assert venue.http("time").status == 200


def test_418_and_growing_bans(venue: Venue) -> None:
    """Ten refusals are patience enough: two minutes, then four times as long."""
    burn(venue, 34)
    answer = venue.http("time")
    until = T0 // MS + 120_000
    assert answer.status == 418 and answer.headers["Retry-After"] == "120"
    assert json.loads(answer.body)["msg"] == (
        f"Way too much request weight used; IP banned until {until}. "
        "Please use WebSocket Streams for live updates to avoid bans."
    )
    venue.pass_time(120 * S)
    assert venue.http("time").status == 200
    assert burn(venue, 35).headers["Retry-After"] == "480"


def test_bans_stop_growing_at_three_days(venue: Venue) -> None:
    """However often."""
    venue.command("limits", weight=1, ban_after=1, ban_growth=1000)
    waits = []
    for _ in range(4):
        burn(venue, 2)
        waits.append(int(venue.http("time").headers["Retry-After"]))
        venue.pass_time(waits[-1] * S)
    assert waits[-2:] == [3 * 86_400] * 2


def test_a_banned_address_cannot_connect(venue: Venue) -> None:
    """418 on upgrades as well, and open WebSocket API connections are closed."""
    api = venue.connect("/ws-api/v3")
    burn(venue, 35)
    venue.pass_time(0)
    assert api.got == [Close(1008, "IP banned")]
    refused = venue.upgrade("/ws")
    assert isinstance(refused, HttpOut) and refused.status == 418


def test_the_301st_connection(venue: Venue) -> None:
    """Refused with 429 until the five minutes are over."""
    for _ in range(300):
        assert isinstance(venue.upgrade("/ws"), Client)
    refused = venue.upgrade("/stream")
    assert isinstance(refused, HttpOut)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "300")
    venue.pass_time(300 * S)
    assert isinstance(venue.upgrade("/ws"), Client)


def test_a_websocket_api_connection_costs_two(venue: Venue) -> None:
    """From the weight that REST uses, too."""
    venue.connect("/ws-api/v3")
    assert used(venue) == 2
    venue.connect("/ws")
    assert used(venue) == 2


def test_scaled_windows(venue: Venue) -> None:
    """Ten times shorter: aligned to six seconds, bans of twelve."""
    venue.command("limits", scale=10)
    venue.pass_time(S)
    assert burn(venue, 25).headers["Retry-After"] == "5"
    assert burn(venue, 10).headers["Retry-After"] == "12"
    venue.pass_time(12 * S)
    assert venue.http("time").status == 200


def test_limits_off(venue: Venue) -> None:
    """Counted, never refused; forgotten when limits come back."""
    venue.command("limits", off=True)
    assert burn(venue, 60).status == 400 and used(venue) == 15_000
    assert venue.command("limits", off=False)["peers"] == {}


@pytest.mark.parametrize("by", [60, "window"])
def test_windows_can_be_advanced(venue: Venue, by: Any) -> None:
    """The next window now, instead of in a minute."""
    burn(venue, 25)
    state = venue.command("limits", advance=by)
    assert state["peers"]["127.0.0.1"]["weight"] == 0
    assert venue.http("time").status == 200


def test_advancing_a_window_ends_bans(venue: Venue) -> None:
    """``"window"`` goes past every ban."""
    assert burn(venue, 35).status == 418
    venue.command("limits", advance="window")
    assert venue.http("time").status == 200


def test_raw_requests(venue: Venue) -> None:
    """Counted apart from weight."""
    venue.command("limits", raw=3)
    answers = [venue.http("time").status for _ in range(4)]
    assert answers == [200, 200, 200, 429]


@pytest.mark.parametrize(
    "arguments", [{"speed": 1}, {"scale": 0}, {"advance": -1}, {"weight": "x"}]
)
def test_wrong_arguments(venue: Venue, arguments: dict[str, Any]) -> None:
    """Refused with what there is."""
    with pytest.raises(BadInput):
        venue.command("limits", **arguments)


def test_a_standing_clock_counts_nothing(venue: Venue) -> None:
    """A recording that is over has no next minute: nobody is refused for ever."""

    def charge(now_ns: int) -> None:
        venue.dialect.limiter.charge(WEIGHT, "127.0.0.1", 7000, now_ns, "127.0.0.1")

    for _ in range(2):
        venue.dialect.limiter.at(T0)
    charge(T0)
    venue.dialect.limiter.at(T0 + 1)
    with pytest.raises(Refusal):
        charge(T0 + 1)
