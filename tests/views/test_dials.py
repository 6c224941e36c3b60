"""Sliders, and the network dials as a reader turns them: against a real lab, without a browser."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from vocx import views
from vocx.errors import BadInput
from vocx.views.dials import NetworkControls
from vocx.views.sliders import Slider

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab


def until(true: Callable[[], object], deadline_s: float = 10.0) -> None:
    end = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end, "the state was not reached"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _nothing_left(lab: Lab) -> Iterator[None]:
    yield
    views.stop_all()
    lab.network.clear()
    assert not [t.name for t in threading.enumerate() if t.name.startswith("vocx ")]


def slide(view: views.View, key: str, value: float) -> None:
    """As the browser reports a slider that was moved."""
    view._on_message(None, {"do": "dial", "id": key, "value": value}, [])


def values(view: views.View) -> dict[object, object]:
    return {one["id"]: one["value"] for one in view.panel.sliders}


def made(now: float, **more: object) -> Slider:
    return Slider("key", "label", apply=lambda value: None, now=lambda: now, **more)  # type: ignore[arg-type]


def test_an_even_slider_shows_what_is_in_force_in_its_unit() -> None:
    """Also what lies between its steps, or beyond its end."""
    spec = made(437, high=400, step=20).spec()
    assert (spec["at"], spec["text"], spec["max"], spec["stops"]) == (437, "437 ms", 400, None)


@pytest.mark.parametrize(("value", "at", "text"), [(0, 0, "unlimited"), (60, 2, "60 KiB/s"),
                                                   (1, 3, "1 KiB/s")])  # fmt: skip
def test_stops_are_compared_by_factors(value: float, at: int, text: str) -> None:
    """No limit is far from any; a value between stops keeps its own text."""
    stops = [(0, "unlimited"), (1024, "1 MiB/s"), (64, "64 KiB/s"), (4, "4 KiB/s")]
    spec = made(value, stops=stops, unit="KiB/s").spec()
    assert (spec["at"], spec["text"], spec["max"]) == (at, text, 3)


def test_sliders_turn_dials_and_follow_the_code(lab: Lab) -> None:
    """Whoever turned it last: the slider, the line of dials and the text say what is in force."""
    shown = views.dials(lab)
    slide(shown, "distance", 80)
    until(lambda: values(shown)["distance"] == 80)
    slide(shown, "bandwidth", 64)
    until(lambda: "bandwidth 64 KiB/s on all venues" in shown.panel.dials)
    lab.network.latency(rtt_ms=200, jitter_ms=30)
    until(lambda: values(shown) == {"distance": 200, "jitter": 30, "bandwidth": 64})
    assert "distance       200 ms" in shown.table() and "64 KiB/s" in shown.table()
    slide(shown, "bandwidth", 0)
    until(lambda: values(shown)["bandwidth"] == 0)
    assert "bandwidth" not in str(lab.network)


def test_buttons_say_what_is_pressed_in(lab: Lab) -> None:
    """In words, not by colour; a second press turns it back, and one clears all."""
    shown = views.dials(lab)
    for pressed in ("true", "false"):
        shown._on_message(None, {"do": "timeout"}, [])
        until(lambda pressed=pressed: shown.panel.switches[0][3] == pressed)
    assert shown.panel.switches[0][1] == "timeout: off"
    lab.network.latency(rtt_ms=20)
    shown._on_message(None, {"do": "clear"}, [])
    until(lambda: "no dial turned" in shown.panel.dials)


def test_reset_peer_resets_once(lab: Lab, exchange: Exchange) -> None:
    """The stream connects again and is not reset a second time."""
    stream = exchange.stream("quotes", symbols="BTC/USDT").wait(5)
    shown = views.dials(lab)
    shown._on_message(None, {"do": "reset"}, [])
    until(lambda: stream.stats.reconnects == 1 and stream.state == "live")
    assert str(lab.network) == "no dial turned"
    stream.stop()


def test_what_cannot_be_turned_is_said(lab: Lab) -> None:
    """A refusal stands in the status line, and the slider goes back to what is in force."""
    lab.network.bandwidth(kib_per_s=64)
    shown = views.dials(lab, "binance")
    slide(shown, "bandwidth", 0)
    until(lambda: "Clear all turns it back" in shown.panel.status)
    assert values(shown)["bandwidth"] == 64 and shown.panel.sliders[2]["applied"] == 1


def test_a_stopped_panel_is_gone_and_the_dials_stay(lab: Lab) -> None:
    """It ends itself only."""
    shown = views.dials(lab)
    slide(shown, "distance", 40)
    until(lambda: "40 ms" in shown.panel.dials)
    shown._on_message(None, {"do": "stop"}, [])
    until(lambda: shown.panel.level == "stopped")
    assert shown.mode == "stopped" and not shown.panel.sliders and not shown.panel.switches
    assert "40 ms" in str(lab.network)


def test_the_distance_leaves_the_jitter_alone(lab: Lab) -> None:
    """One dial of the lab, two sliders; at rest nothing of it is left."""
    mine = NetworkControls(lab, "binance")
    mine.latency(jitter_ms=10)
    mine.latency(rtt_ms=60)
    assert str(lab.network) == "latency 60 ms round trip (jitter 10 ms) on binance"
    mine.latency(rtt_ms=0)
    mine.latency(jitter_ms=0)
    assert str(lab.network) == "no dial turned"


def test_a_venue_can_be_near_while_all_are_far(lab: Lab) -> None:
    """What is turned for all stays so for the others."""
    lab.network.latency(rtt_ms=100)
    mine = NetworkControls(lab, "binance")
    mine.latency(rtt_ms=0)
    assert mine.rtt_ms == 0
    assert str(lab.network).startswith("latency 100 ms round trip on all venues; latency 0 ms")


def test_dials_need_a_lab(exchange: Exchange) -> None:
    """The text says what to write."""
    with pytest.raises(BadInput, match=r"views.dials\(ex.lab\)"):
        views.dials(exchange)  # type: ignore[arg-type]
