"""The network dials of a lab as sliders and buttons."""

from __future__ import annotations

from typing import Any

from vocx.errors import BadInput
from vocx.views.panel import SliderPanel
from vocx.views.turning import HINTS, Turning
from vocx.views.view import View
from vocx.views.words import grid

_CLEAR = ["clear", "Clear all", "Turn every dial of the lab back to rest"]


class DialsView(View):
    """See :func:`vocx.views.dials`."""

    panel_kind = SliderPanel

    def __init__(self, lab: Any, venue: str | None, name: str | None, note: str) -> None:
        if not hasattr(lab, "network"):
            raise BadInput("dials belong to a lab: write views.dials(lab), or views.dials(ex.lab)")
        if venue is not None and venue not in lab.urls:
            raise BadInput(
                f"there is no venue {venue!r} in this lab; there is {', '.join(lab.urls)}"
            )
        self.dials_lab = lab
        self._turning = Turning(lab, venue)
        self._where = venue or "all venues"
        super().__init__(
            name or f"dials of {self._where}",
            "Network dials",
            stop=("Stop", "End this panel; the dials stay as they are"),
            note=note,
        )
        self._put_sliders(
            self._turning.distance_slider("distance (round trip)", roomy=True),
            self._turning.jitter_slider(),
            self._turning.bandwidth_slider(),
        )
        self._begin()

    def _draw(self, now_ns: int) -> str:
        return f"turned here for {self._where}; connections that are open feel it too"

    def _show_sliders(self) -> None:
        super()._show_sliders()
        hole = self._turning.on("timeout")
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

    def _pressed(self, switch: str) -> None:
        jobs = {
            "timeout": self._turning.black_hole,
            "reset": self._turning.reset,
            "clear": self.dials_lab.network.clear,
        }
        if switch not in jobs:
            return

        def do() -> None:
            jobs[switch]()
            self._ask_dials()

        self._try(switch, do)

    def _ask_dials(self) -> None:
        self._turning.look()
        super()._ask_dials()

    def _rows(self) -> str:
        """Asked anew: a text is read when it is printed."""
        self._turning.look()
        hole = "on" if self._turning.on("timeout") else "off"
        rows = [(one.key, one.text(one.now())) for one in self._sliders]
        rows.append(("timeout", hole))
        table = grid(("dial", self._where), rows, left=1)
        return f"{table}\ndials in force: {self.dials_lab.network}"
