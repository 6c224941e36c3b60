"""Your distance: measured at a lab that stands for the venue, typed, or refused in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import vocx
from vocx import errors
from vocx.lab import Lab
from vocx.measure import Distance, distance, load
from vocx.venues.base import Endpoints


@pytest.fixture(scope="module")
def far() -> Iterator[Lab]:
    """The venue, somewhere."""
    with vocx.lab.open(name="far") as lab:
        yield lab


@pytest.mark.parametrize("tls", [False, True])
def test_the_measured_distance_is_the_dial(tls: bool, lab: Lab, far: Lab, tmp_path: Path) -> None:
    """A warm request there less one in a lab at 0 ms; the nearer lab's dial does not matter."""
    with far.network.latency(rtt_ms=40), lab.network.latency(rtt_ms=200):
        with vocx.connect(lab=far, tls=tls) as venue:
            # Other work on the machine falls on either side of the difference: again, then.
            for _ in range(6):
                found = distance(venue, lab=lab, calls=10)
                if abs(found.rtt_ms - 40) < 2.5:
                    break
        assert "200 ms" in str(lab.network)
    assert found.rtt_ms == pytest.approx(40, abs=2.5) and not found.typed
    assert found.rtt.low is not None and found.rtt.low <= found.rtt_ms
    assert found.there is not None and (found.there.tls is not None) == tls
    assert "a lab on it" in found.table() and "network" not in found.table()
    again = load(found.save(tmp_path / "far"))
    assert isinstance(again, Distance) and again == found


def test_the_dial_is_set_to_it(lab: Lab, exchange: vocx.Exchange) -> None:
    """For a block, of a lab or of an exchange that is in one."""
    typed = distance(rtt_ms=35)
    assert typed.typed and "as typed" in str(typed)
    for place in (lab, exchange):
        with typed.dial(place):
            assert "latency 35 ms" in str(lab.network)
    assert "latency" not in str(lab.network)


@pytest.mark.parametrize("rtt_ms", [-1, float("nan"), 1e6, True, "far"])
def test_a_distance_that_is_none(rtt_ms: object) -> None:
    """Refused, with what to write."""
    with pytest.raises(errors.BadInput, match="there and back"):
        distance(rtt_ms=rtt_ms)  # type: ignore[arg-type]


def test_only_a_lab_can_be_dialled() -> None:
    """Nobody moves the real venue."""
    with pytest.raises(errors.BadInput, match="only a lab"):
        distance(rtt_ms=35).dial(vocx.connect("binance", "real"))


def test_an_unreachable_venue_says_why_and_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """One typed error, in one line or two."""
    venue = vocx.venues.get("binance")
    closed = Endpoints(urls={"rest": "http://127.0.0.1:1"})
    monkeypatch.setattr(type(venue), "environments", {"real": closed})
    with pytest.raises(errors.ConnectFailed) as caught:
        distance()
    assert "distance(rtt_ms=35)" in str(caught.value) and len(str(caught.value)) < 400
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
