"""The network dials of a lab: what is in force, set it, put it back; as sliders and buttons."""

from __future__ import annotations

from typing import Any

from vocx.arguments import brief
from vocx.errors import BadInput
from vocx.lab.network import round_trip_ms
from vocx.text import text_table
from vocx.views.panel import SliderPanel
from vocx.views.sliders import Slider
from vocx.views.view import View

FARTHEST_MS, STEP_MS = 400, 20
UNSTEADIEST_MS = 100
BANDWIDTHS = (0, 4096, 1024, 512, 256, 128, 64, 32, 16, 8, 4)
"""KiB a second, from the left end of the slider to the right; 0: unlimited."""
HINTS = {
    "distance": "Emulated: the distance, the round trips of TCP's and TLS's handshakes, TCP's "
    "first window. Not: loss, reordering.",
    "jitter": "Emulated: each delay varies evenly by so much either way; bytes keep their order.",
    "bandwidth": "Emulated: the time of each byte, and a sender that waits; per connection and "
    "direction. Not: a line that connections share.",
    "timeout": "Every byte vanishes while TCP stays up, until pressed again; connections that "
    "lost bytes stay silent. Not emulated: TCP sending them again",
    "reset": "A real RST on every open connection, once; what was on its way is lost",
}
"""What is emulated and what is not, in short (whole: the docstrings of ``lab.network``)."""
_CLEAR = ["clear", "Clear all", "Turn every dial of the lab back to rest"]


class NetworkControls:
    """The dials of one lab, as they concern one venue (``None``: all).

    Attributes
    ----------
    state : list of dict
        The settings in force when :meth:`look` last asked, oldest first.
    """

    def __init__(self, lab: Any, venue: str | None) -> None:
        self.lab, self.venue = lab, venue
        self.look()

    def look(self) -> None:
        """Ask the lab what is in force."""
        self.state: list[dict[str, Any]] = self.lab.network.state

    def _mine(self) -> list[dict[str, Any]]:
        return [one for one in self.state if not self.venue or one["venue"] in (None, self.venue)]

    def value(self, dial: str, name: str) -> float:
        """One value of a dial; 0 while it is not turned."""
        found = [one["values"][name] for one in self._mine() if one["dial"] == dial]
        return float(found[-1]) if found else 0.0

    def on(self, dial: str) -> bool:
        """Whether it is turned at all."""
        return any(one["dial"] == dial for one in self._mine())

    @property
    def rtt_ms(self) -> float:
        """The distance, as a round trip, whichever ways it was turned for."""
        return round_trip_ms(self.state, self.venue)

    def latency(self, rtt_ms: float | None = None, jitter_ms: float | None = None) -> None:
        """Turn the distance or its jitter and leave the other as it is."""
        self.look()
        rtt_ms = self.rtt_ms if rtt_ms is None else rtt_ms
        jitter_ms = self.value("latency", "jitter_ms") if jitter_ms is None else jitter_ms
        if not rtt_ms and not jitter_ms and self._back("latency"):
            return
        self.lab.network.latency(rtt_ms=rtt_ms, jitter_ms=jitter_ms, venue=self.venue)
        self.look()

    def bandwidth(self, kib_per_s: float) -> None:
        """Turn the bandwidth; 0 turns it back."""
        if kib_per_s:
            self.lab.network.bandwidth(kib_per_s=kib_per_s, venue=self.venue)
        else:
            self.back("bandwidth")

    def black_hole(self) -> None:
        """Open it, or close it again."""
        self.look()
        if self.on("timeout"):
            self.back("timeout")
        else:
            self.lab.network.timeout(venue=self.venue)

    def reset(self) -> None:
        """Reset every open connection, once."""
        with self.lab.network.reset_peer(venue=self.venue):
            pass

    def back(self, dial: str) -> None:
        """Turn one dial back.

        Raises
        ------
        BadInput
            It is turned for all venues and this is one of them.
        """
        if not self._back(dial):
            raise BadInput(f"{dial} is turned for all venues; Clear all turns it back")

    def _back(self, dial: str) -> bool:
        """Take away the settings of one dial; whether that leaves it at rest here."""
        self.look()
        mine = [one for one in self.state if self.venue in (None, one["venue"])]
        kept = [one for one in self.state if one["dial"] == dial and one not in mine]
        self.lab.control("network.restore", dial=dial, settings=kept)
        self.look()
        return not self.on(dial)

    # as sliders

    def distance_slider(self, label: str, *, roomy: bool = False) -> Slider:
        """The distance, 0 to 400 ms."""
        return Slider(
            "distance",
            label,
            apply=lambda rtt_ms: self.latency(rtt_ms=rtt_ms),
            now=lambda: self.rtt_ms,
            high=FARTHEST_MS,
            step=STEP_MS,
            hint=HINTS["distance"],
            roomy=roomy,
        )

    def jitter_slider(self) -> Slider:
        """Its jitter, 0 to 100 ms."""
        return Slider(
            "jitter",
            "jitter (either way)",
            apply=lambda jitter_ms: self.latency(jitter_ms=jitter_ms),
            now=lambda: self.value("latency", "jitter_ms"),
            high=UNSTEADIEST_MS,
            step=5,
            hint=HINTS["jitter"],
            roomy=True,
        )

    def bandwidth_slider(self) -> Slider:
        """The bandwidth, from unlimited down to 4 KiB a second."""
        stops = [(kib, f"{kib:,} KiB/s" if kib else "unlimited") for kib in BANDWIDTHS]
        return Slider(
            "bandwidth",
            "bandwidth",
            apply=self.bandwidth,
            now=lambda: self.value("bandwidth", "kib_per_s"),
            stops=stops,
            unit="KiB/s",
            hint=HINTS["bandwidth"],
            roomy=True,
        )


class DialsView(View):
    """See :func:`vocx.views.dials`."""

    panel_kind = SliderPanel

    def __init__(self, lab: Any, venue: str | None, name: str | None, note: str) -> None:
        if not hasattr(lab, "network"):
            raise BadInput("dials belong to a lab: write views.dials(lab), or views.dials(ex.lab)")
        if venue is not None and venue not in lab.urls:
            raise BadInput(
                f"there is no venue {brief(venue)} in this lab; there is {', '.join(lab.urls)}"
            )
        self.dials_lab = lab
        self._controls = NetworkControls(lab, venue)
        self._where = venue or "all venues"
        super().__init__(
            name or f"dials of {self._where}",
            "Network dials",
            stop=("Stop", "End this panel; the dials stay as they are"),
            note=note,
        )
        self._put_sliders(
            self._controls.distance_slider("distance (round trip)", roomy=True),
            self._controls.jitter_slider(),
            self._controls.bandwidth_slider(),
        )
        self._begin()

    def _draw(self, now_ns: int) -> str:
        return f"turned here for {self._where}; connections that are open feel it too"

    def _show_sliders(self) -> None:
        super()._show_sliders()
        hole = self._controls.on("timeout")
        label = "timeout: on (turn back)" if hole else "timeout: off"
        switches = [
            ["timeout", label, HINTS["timeout"], str(hole).lower()],
            ["reset", "reset_peer (once)", HINTS["reset"]],
            _CLEAR,
        ]
        if self.mode == "stopped":
            switches = []
        if switches != self.panel.switches:
            self.panel.switches = switches

    def _on_button(self, switch: str) -> None:
        jobs = {
            "timeout": self._controls.black_hole,
            "reset": self._controls.reset,
            "clear": self.dials_lab.network.clear,
        }
        if switch not in jobs:
            return

        def do() -> None:
            jobs[switch]()
            self._ask_dials()

        self._try(switch, do)

    def _rows(self) -> str:
        """Asked anew: a text is read when it is printed."""
        self._controls.look()
        hole = "on" if self._controls.on("timeout") else "off"
        rows = [(one.key, one.text(one.now())) for one in self._sliders]
        rows.append(("timeout", hole))
        table = text_table(("dial", self._where), rows, left=1)
        return f"{table}\ndials in force: {self.dials_lab.network}"
