"""A lab with two venues: one of vocx's and one that vocx knows nothing of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import requests
import websocket

import vocx.lab
from vocx import errors
from vocx.lab import Lab, dialects

BOTH = ["binance", "small"]


@pytest.fixture(scope="module")
def both() -> Iterator[Lab]:
    dialects.register("small", "small_venue:SmallVenue")
    with vocx.lab.open(name="both", venues=BOTH) as lab:
        yield lab


def eventually(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a state, with a deadline."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def test_each_has_its_addresses_and_keys(both: Lab) -> None:
    """By venue and purpose: what begins with rest is HTTP, all else a socket."""
    assert list(both.urls) == BOTH
    assert both.url("small", "public").startswith("ws://")
    assert requests.get(both.url("small", "rest"), timeout=5).json() == "small"
    assert both.credentials("small").passphrase == "open"
    assert len(both.credentials("binance").key) == 64


def test_neither_hears_the_others_port(both: Lab) -> None:
    """Dials and traffic are by venue, too."""
    requests.get(both.url("small", "rest"), timeout=5)
    assert {one.venue for one in both.traffic()} >= {"small"}
    with both.network.latency(rtt_ms=50, venue="small"):
        assert requests.get(both.url("small", "rest"), timeout=5).elapsed.total_seconds() > 0.05


def test_a_command_without_a_venue_is_for_all(both: Lab) -> None:
    """The answer is a mapping by venue; with a venue it is that one's."""
    assert both.limits(scale=10)["small"]["scale"] == 10
    assert {venue: one["scale"] for venue, one in both.limits.state.items()} == {
        "binance": 10,
        "small": 10,
    }
    assert both.limits(scale=1, venue="small")["scale"] == 1
    assert both.limits.state["binance"]["scale"] == 10
    both.limits(scale=1)
    assert set(both.keepalive(scale=1)) == set(BOTH)
    assert {venue: key.venue for venue, key in both.account("ann").items()} == {
        "binance": "binance",
        "small": "small",
    }
    assert both.account("bob", venue="small").passphrase == "p"


def test_what_is_one_venues_needs_its_name(both: Lab) -> None:
    """A stream's name, a path, a limit of its own: refused with the venues that there are."""
    with pytest.raises(errors.BadInput, match="stream= is one venue's.*binance, small"):
        both.fault("drop", stream="btcusdt@trade")
    with pytest.raises(errors.BadInput, match="weight= is one venue's"):
        both.limits(weight=5)
    with pytest.raises(errors.UnknownVenue, match="'mtgox'; it has binance, small"):
        both.limits(scale=2, venue="mtgox")
    assert both.limits.state["binance"]["scale"] == 1
    with both.fault("drop", stream="btcusdt@trade", venue="binance") as active:
        assert [one["venue"] for one in active] == ["binance"]


def test_faults_of_all_end_together(both: Lab) -> None:
    """A block without a venue begins and ends at each; a name need not be on everywhere."""
    with both.fault("silence"):
        assert [one["venue"] for one in both.faults] == BOTH
    assert both.faults == []
    both.fault("silence", venue="small")
    assert both.faults.off("silence") == []
    with pytest.raises(errors.BadInput, match="no fault"):
        both.faults.off("silence")


def test_clocks_of_all(both: Lab) -> None:
    """Each is put back to where it was."""
    both.skew(3, venue="small")
    with both.skew(5) as skew:
        assert skew.seconds == 5 and set(skew.by_venue) == set(BOTH)
    assert both.skew().by_venue == {"binance": 0, "small": 3}
    with pytest.raises(errors.BadInput, match="differ"):
        _ = both.skew().seconds
    both.skew(0)


def test_one_that_fails_costs_the_others_nothing(both: Lab) -> None:
    """Its clients get its own internal error; the other venue's streams go on."""
    url = both.url("binance", "ws") + "/ws/btcusdt@trade"
    stream = websocket.create_connection(url, timeout=5)
    answer = requests.get(both.url("small", "rest") + "/fail", timeout=5)
    assert (answer.status_code, answer.json()) == (500, "ours")
    socket = websocket.create_connection(both.url("small", "public"), timeout=5)
    both.shutdown("small")  # from now on its publish raises at each event
    eventually(lambda: both.status()["venues"]["small"].get("failures", 0) > 3)
    before = both.truth.at("small").events(None).next
    eventually(lambda: both.truth.at("small").events(None).next > before + 5)
    assert stream.recv() and both.status()["failures"] == 0
    stream.shutdown()
    socket.shutdown()


def test_what_can_be_opened() -> None:
    """An unknown venue, an empty choice, a text for a list and a factory that is no text."""
    with pytest.raises(errors.UnknownVenue, match="'mtgox'; there are binance"):
        vocx.lab.open(name="none", venues=["mtgox"])
    with pytest.raises(errors.BadInput, match="at least one"):
        vocx.lab.open(name="none", venues=[])
    with pytest.raises(errors.BadInput, match=r'\["binance"\]'):
        vocx.lab.open(name="none", venues="binance")
    with pytest.raises(errors.BadInput, match="module:class"):
        dialects.register("other", "small_venue")
    dialects.register("gone", "no_such_module_here:Venue")
    with pytest.raises(errors.BadInput, match="no module 'no_such_module_here'"):
        vocx.lab.open(name="none", venues=["gone"])


def test_the_built_in_ones_are_the_default() -> None:
    """What a test has registered is played only where it is asked for."""
    dialects.register("small", "small_venue:SmallVenue")
    with vocx.lab.open(name="plain", pace=0.0) as lab:
        assert list(lab.urls) == list(dialects.DEFAULT)
        assert vocx.lab.open(name="plain", pace=0.0, venues=list(dialects.DEFAULT)) is lab
        with pytest.raises(errors.LabConflict, match=r"venues=\('binance',\), not \('small',\)"):
            vocx.lab.open(name="plain", pace=0.0, venues=["small"])


def test_windows_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started."""
    monkeypatch.setattr("sys.platform", "win32")
    for work in (vocx.lab.open, lambda: vocx.lab.serve(vocx.lab.Config())):
        with pytest.raises(errors.LabError, match="WSL"):
            work()
