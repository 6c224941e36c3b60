"""Numbers that the owner of a lab may set: what makes sense, and the words for what does not."""

from __future__ import annotations

from math import isfinite
from typing import Any

from vocx.arguments import as_count, as_number, brief
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
    found = as_number(value)
    if found is None or not least <= found <= most:
        endless = isinstance(value, float) and not isfinite(value)
        kind = "finite number" if endless else "number"
        more = f", or {also}" if also else ""
        raise BadInput(
            f"{name} is {brief(value)}; write a {kind} from {brief(as_count(least))} to "
            f"{brief(as_count(most))}{more}"
        )
    return found


def whole(name: str, value: Any, least: int, most: int, *, also: str = "") -> int:
    """A whole number within bounds, or ``BadInput``."""
    found = as_count(value)
    if type(found) is not int or not least <= found <= most:
        more = f", or {also}" if also else ""
        raise BadInput(
            f"{name} is {brief(value)}; write a whole number from {least} to {most}{more}"
        )
    return found


def pace(value: Any) -> float:
    """How fast a market runs: 0 pauses it."""
    if as_number(value) == 0:
        return 0.0
    return number("pace", value, 1 / FASTEST, FASTEST, also="0 to pause")
