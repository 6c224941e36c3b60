"""Rate limits put aside for a while: counted, with all use kept, and never for good."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from vocx import errors
from vocx.lab import Lab


@pytest.fixture
def limited(lab: Lab) -> Iterator[Lab]:
    """A lab that allows a weight of 20 a minute, at the start of a minute."""
    lab.limits(weight=20, ban_after=3)
    lab.limits.advance()
    yield lab
    lab.limits(weight=6000, ban_after=10, reset=True)


def status(lab: Lab, count: int = 1) -> int:
    """The status of the last of some requests of weight 2."""
    url = lab.url("binance", "rest") + "/api/v3/ticker/price?symbol=BTCUSDT"
    return [requests.get(url, timeout=5).status_code for _ in range(count)][-1]


def used(lab: Lab) -> int:
    return int(lab.limits.state["peers"].get("127.0.0.1", {}).get("weight", 0))


def eventually(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a state, with a deadline."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def test_what_was_used_stays_used(limited: Lab) -> None:
    """Nothing is counted or refused within the block; afterwards all is as before it."""
    status(limited, 5)
    assert used(limited) == 10
    with limited.limits.paused():
        assert limited.limits.state["paused"] and status(limited, 30) == 200
    assert used(limited) == 10 and not limited.limits.state["paused"]
    assert status(limited, 6) == 429


def test_a_ban_stays(limited: Lab) -> None:
    """Who was banned before is asked for nothing within the block, and is banned after it."""
    assert status(limited, 14) == 418
    with limited.limits.paused():
        assert status(limited) == 200
    assert status(limited) == 418


def test_the_last_of_several_brings_them_back(limited: Lab) -> None:
    """Two measurements at once: the first that ends takes nothing from the other."""
    with limited.limits.paused(venue="binance"):
        with limited.limits.paused():
            pass
        assert status(limited, 30) == 200
    assert not limited.limits.state["paused"] and used(limited) == 0


def test_whoever_dies_leaves_no_limits_off(limited: Lab) -> None:
    """A pause ends with the program that asked for it."""
    address = limited.control("ready")["control"]
    code = (
        "import sys, vocx.lab; lab = vocx.lab.attach(*sys.argv[1:])\n"
        "with lab.limits.paused(): print('on', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, address["url"], address["token"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"on\n"
        assert limited.limits.state["paused"]
        other.send_signal(signal.SIGKILL)
        eventually(lambda: not limited.limits.state["paused"])
    assert status(limited, 11) == 429


def test_an_unknown_venue_is_refused(limited: Lab) -> None:
    """With the ones that there are."""
    with pytest.raises(errors.UnknownVenue, match="it has binance"):
        with limited.limits.paused(venue="mtgox"):
            pass
