"""What the owner of a lab may set: numbers that make sense, whichever door they come through."""

from __future__ import annotations

from typing import Any

import pytest
from venue_binance import Venue

from vocx.arguments import brief
from vocx.errors import BadInput
from vocx.lab import Config, settings
from vocx.lab.network.dials import validate_values

HUGE = 10**5000
NONSENSE: list[Any] = [None, True, "fast", [1], float("nan"), float("inf"), -1, 1e300, HUGE, 1e-300]


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: str(type(value)))
def test_no_pace_stops_the_market_for_good(value: Any) -> None:
    """Refused before anything is set, in a sentence that can be read."""
    for refused in (lambda: settings.pace(value), lambda: Config(pace=value)):
        with pytest.raises(BadInput, match="pace is") as caught:
            refused()
        assert len(str(caught.value)) < 200


def test_a_pace_within_reason() -> None:
    """Nothing, a thousandth and a thousand times."""
    assert [settings.pace(one) for one in (0, 0.001, 1, 1000)] == [0.0, 0.001, 1.0, 1000.0]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        *(("limits", {"scale": value}) for value in NONSENSE),
        *(("limits", {"weight": value}) for value in [*NONSENSE, 0, 2.5]),
        *(("limits", {"advance": value}) for value in [*NONSENSE, 0]),
        *(("limits", {"ban_growth": value}) for value in NONSENSE),
        *(("keepalive", {"scale": value}) for value in NONSENSE),
        *(("skew", {"seconds": value}) for value in NONSENSE if value not in (-1, 1e-300)),
        *(
            ("fault", {"name": "late_answer", "seconds": value})
            for value in NONSENSE
            if value != 1e-300
        ),
        ("fault", {"name": "html", "status": 99}),
        ("fault", {"name": "html", "status": "<b>"}),
        ("fault", {"name": "huge", "bytes": 1e300}),
        ("fault", {"name": "close", "code": 2**16}),
        ("fault", {"name": "refuse_upgrade", "retry_after": "7\r\nX-More: 1"}),
        ("fault", {"name": "limited", "reset_s": "soon"}),
        ("fault", {"name": "html", "path": 7}),
    ],
    ids=lambda value: brief(value)[:40],
)
def test_a_venue_refuses_nonsense(command: str, arguments: dict[str, Any]) -> None:
    """And serves on as before."""
    venue = Venue()
    before = venue.command("limits")
    with pytest.raises(BadInput):
        venue.command(command, **arguments)
    assert venue.command("limits")["scale"] == before["scale"] and not venue.command("fault")
    assert venue.http("time").status == 200


def test_nothing_is_set_by_halves() -> None:
    """One bad setting, and those beside it stay as they were."""
    venue = Venue()
    with pytest.raises(BadInput):
        venue.command("limits", scale=10, weight=-1)
    assert venue.command("limits")["scale"] == 1


@pytest.mark.parametrize("value", NONSENSE, ids=lambda value: str(type(value)))
def test_a_dial_is_turned_within_reason(value: Any) -> None:
    """What no clock can count is refused."""
    if value == 1e-300:
        return
    with pytest.raises(BadInput):
        validate_values("latency", {"rtt_ms": value})
