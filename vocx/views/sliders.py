"""Sliders beside a view: what they show, what turning one does, and how they follow the code.

A slider has no state of its own. It shows what is in force (``now``), whoever turned it last; the
reader's hand only leaves a command, which the helper thread carries out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log

_NO_LIMIT = 1e9


class Slider:
    """One slider of a panel.

    Parameters
    ----------
    key : str
        Names it in messages and in errors.
    label : str
        What it turns, for the reader.
    apply : callable
        Sets a value; may wait for a network, may raise.
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
        apply: Callable[[float], object],
        now: Callable[[], float],
        low: float = 0,
        high: float = 0,
        step: float = 1,
        unit: str = "ms",
        stops: Sequence[tuple[float, str]] = (),
        hint: str = "",
        roomy: bool = False,
    ) -> None:
        self.key, self.apply, self.now = key, apply, now
        self.applied = 0
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
        shown = {"at": at, "value": value, "text": self.text(value), "applied": self.applied}
        return {**self._fixed, **shown}


def _nearest(stops: Sequence[float], value: float) -> int:
    """The place of the stop that is the smallest factor away."""
    return min(
        range(len(stops)), key=lambda at: abs(log((stops[at] or _NO_LIMIT) / (value or _NO_LIMIT)))
    )
