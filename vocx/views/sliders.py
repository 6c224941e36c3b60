"""Sliders beside a view: what they show, what turning one does, and how they follow the code.

A slider has no state of its own. It shows what is in force (``now``), whoever turned it last; the
reader's hand only leaves a wish, which the helper thread carries out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import log
from typing import Any

_NO_LIMIT = 1e9


class Slider:
    """One slider of a panel.

    Parameters
    ----------
    key : str
        Names it in messages and in errors.
    label : str
        What it turns, for the reader.
    turn : callable
        Turns it to a value; may wait for a network, may raise.
    now : callable
        The value in force; cheap, as it is asked for at each drawing.
    low, high, step : float
        An even scale, in ``unit``.
    stops : sequence of (value, text)
        In place of an even scale, for values that grow by factors; 0 stands for no limit.
    hint : str
        What is emulated and what is not; ``roomy`` shows it beside the slider, else it is
        shown under the pointer.
    """

    def __init__(
        self,
        key: str,
        label: str,
        *,
        turn: Callable[[float], object],
        now: Callable[[], float],
        low: float = 0,
        high: float = 0,
        step: float = 1,
        unit: str = "ms",
        stops: Sequence[tuple[float, str]] = (),
        hint: str = "",
        roomy: bool = False,
    ) -> None:
        self.key, self.turn, self.now = key, turn, now
        self.turns = 0
        self._stops, self._unit = list(stops), unit
        if stops:
            low, high, step = 0, len(stops) - 1, 1
        self._fixed = {
            "id": key, "label": label, "hint": hint, "roomy": roomy, "unit": unit,
            "min": low, "max": high, "step": step, "stops": [list(one) for one in stops] or None,
        }  # fmt: skip

    def text(self, value: float) -> str:
        """A value as it is shown."""
        known = dict(self._stops)
        return known[value] if value in known else f"{value:g} {self._unit}"

    def spec(self) -> dict[str, object]:
        """What the panel needs to know."""
        value = self.now()
        at = _nearest([stop for stop, _ in self._stops], value) if self._stops else value
        return {
            **self._fixed, "at": at, "value": value, "text": self.text(value), "turns": self.turns
        }  # fmt: skip


def _nearest(stops: Sequence[float], value: float) -> int:
    """The place of the stop that is the smallest factor away."""
    return min(
        range(len(stops)), key=lambda at: abs(log((stops[at] or _NO_LIMIT) / (value or _NO_LIMIT)))
    )


class Slid:
    """What a view with sliders does with them. Mixed into :class:`~vocx.views.view.View`."""

    panel: Any
    dials_lab: Any
    _try: Callable[[str, Callable[[], object]], None]
    _ask_dials: Callable[[], None]
    _sliders: Sequence[Slider] = ()
    _shown_at: Sequence[tuple[float, int]] = ()

    def _put_sliders(self, *sliders: Slider) -> None:
        """Have these from now on; none of them when the view ends."""
        self._sliders = sliders
        self._show_sliders()

    def _show_sliders(self) -> None:
        """In the writer's turn: let them follow what is in force."""
        at = tuple((one.now(), one.turns) for one in self._sliders)
        if at != self._shown_at:
            self._shown_at = at
            self.panel.sliders = [one.spec() for one in self._sliders]

    def _dialled(self, message: Mapping[str, Any]) -> None:
        """A slider was moved: have it done, and say when it is."""
        wanted = message.get("id")
        slider = next((one for one in self._sliders if wanted in (None, one.key)), None)
        if slider is None:
            return

        def turn() -> None:
            try:
                slider.turn(float(message["value"]))
                if self.dials_lab is not None:
                    self._ask_dials()
            finally:
                slider.turns += 1

        self._try(slider.key, turn)
