"""Numbers that the owner of a lab may set: what makes sense, and the words for what does not."""

from __future__ import annotations

from math import isfinite
from typing import Any

from vocx.errors import BadInput

FASTEST = 1000.0
"""How much faster than it was recorded a market may run, and how much slower."""
LONGEST_S = 366 * 86_400
"""The longest time that any setting takes: a year."""


def number(name: str, value: Any, least: float, most: float, *, also: str = "") -> float:
    """A number within bounds.

    Raises
    ------
    BadInput
        It is none, or outside; ``also`` says what else may be written.
    """
    fine = isinstance(value, int | float) and not isinstance(value, bool)
    if not fine or not least <= value <= most:
        endless = isinstance(value, float) and not isfinite(value)
        kind = "finite number" if endless else "number"
        more = f", or {also}" if also else ""
        raise BadInput(f"{name} is {shown(value)}; write a {kind} from {least:g} to {most:g}{more}")
    return float(value)


def whole(name: str, value: Any, least: int, most: int, *, also: str = "") -> int:
    """A whole number within bounds, or ``BadInput``."""
    fine = isinstance(value, int) and not isinstance(value, bool)
    if not fine or not least <= value <= most:
        more = f", or {also}" if also else ""
        raise BadInput(
            f"{name} is {shown(value)}; write a whole number from {least} to {most}{more}"
        )
    return int(value)


def pace(value: Any) -> float:
    """How fast a market runs: 0 pauses it."""
    if value == 0 and not isinstance(value, bool):
        return 0.0
    return number("pace", value, 1 / FASTEST, FASTEST, also="0 to pause")


def shown(value: Any) -> str:
    """What was written, short enough for a sentence."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        text = f"a {type(value).__name__} beyond all bounds"
    return text if len(text) <= 80 else f"{text[:80]}..."
