"""The handle's network dials: at once, restored on exit, told in one line, checked before sent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from vocx.errors import BadInput, LabDied
from vocx.lab.network import Network
from vocx.lab.network.dials import Dials

if TYPE_CHECKING:
    from vocx.lab import Lab


class Desk:
    """A control port without a process behind it."""

    def __init__(self) -> None:
        self.dials = Dials(["binance"])
        self.dead = False

    def control(self, op: str, **arguments: Any) -> Any:
        if self.dead:
            raise LabDied("the lab is gone; open a new one: vocx.lab.open()")
        return self.dials.command(op, arguments)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_call_applies_at_once_and_stays(desk: Desk) -> None:
    """Without ``with``, a dial stays until it is turned back."""
    network = Network(desk)
    network.latency(rtt_ms=80)
    assert str(network) == "latency 80 ms round trip on all venues"
    network.clear()
    assert repr(network) == "no dial turned"


def test_leaving_the_block_restores_what_was(desk: Desk) -> None:
    """Nested blocks of one dial come back in turn; other dials are left alone."""
    network = Network(desk)
    with network.latency(rtt_ms=80):
        with network.latency(rtt_ms=200, jitter_ms=5, venue="binance"):
            network.bandwidth(kib_per_s=64, direction="down")
            assert desk.dials.link_settings("binance", "up").delay_s == 0.1
        assert desk.dials.link_settings("binance", "up").delay_s == 0.04
    assert str(network) == "bandwidth 64 KiB/s down on all venues"


@pytest.mark.parametrize(
    ("dial", "values", "line"),
    [
        ("timeout", {"direction": "up"}, "timeout (everything vanishes) up on all venues"),
        ("reset_peer", {"venue": "binance"}, "reset_peer (connections are reset) on binance"),
        ("slow_close", {"ms": 1500}, "slow_close 1500 ms on all venues"),
        ("slicer", {"size": 7, "delay_ms": 2.5}, "slicer 7 bytes every 2.5 ms on all venues"),
        ("latency", {"rtt_ms": 50, "direction": "up"}, "latency 25 ms one way up on all venues"),
    ],
)
def test_every_dial_says_itself(desk: Desk, dial: str, values: Any, line: str) -> None:
    """One line names the dial, its values and where it holds."""
    assert repr(getattr(Network(desk), dial)(**values)) == line


def test_bad_values_never_reach_the_lab(desk: Desk) -> None:
    """A number that JSON cannot carry is refused here."""
    desk.dead = True
    with pytest.raises(BadInput, match="finite"):
        Network(desk).latency(rtt_ms=float("nan"))


def test_a_dead_lab_does_not_hide_the_error_of_the_block(desk: Desk) -> None:
    """What went wrong inside ``with`` is what you see."""
    with pytest.raises(ZeroDivisionError), Network(desk).latency(rtt_ms=80):
        desk.dead = True
        raise ZeroDivisionError
    assert str(Network(desk)) == "the lab is gone"


def test_the_dial_of_a_real_lab(lab: Lab) -> None:
    """One call over the dial costs two round trips, and nothing of it once the block is left. The
    shortest of three: another program's load only adds."""
    url = f"{lab.url('binance', 'rest')}/api/v3/ping"

    def took_ms() -> float:
        with requests.Session() as session:
            session.trust_env = False
            begun = time.perf_counter()
            assert session.get(url).status_code == 200
            return (time.perf_counter() - begun) * 1000

    with lab.network.latency(rtt_ms=100):
        assert 200 <= min(took_ms() for _ in range(3)) < 300
    assert min(took_ms() for _ in range(3)) < 100
    with pytest.raises(BadInput, match="binance"):
        lab.network.timeout(venue="kraken")
