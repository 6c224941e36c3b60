"""What was asked for, checked before anything is measured. Pure.

Each function gives back what it was given, in Python's own types (numpy's are taken, and could not
be saved), or raises :class:`~vocx.errors.BadInput`, which says what to write.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NoReturn, cast

from vocx.arguments import brief
from vocx.errors import BadInput
from vocx.measure.steps import Steps

if TYPE_CHECKING:
    from vocx.lab import Lab

FARTHEST_MS = 2000.0
"""The farthest that a dial is set for a measurement: round trip."""


def number(name: str, given: Any, least: float, most: float = inf, *, what: str = "") -> float:
    """A finite number from ``least`` to ``most``. ``what`` follows the bounds in the error."""
    fine = isinstance(given, Real) and not isinstance(given, bool)
    if not fine or not least <= given <= most or given == inf:
        _refuse(name, given, f"a number {_bounds(least, most)}{what}")
    return float(given)


def whole(name: str, given: Any, least: int, most: float = inf, *, what: str = "") -> int:
    """A whole number from ``least`` to ``most``."""
    fine = isinstance(given, Integral) and not isinstance(given, bool)
    if not fine or not least <= given <= most:
        _refuse(name, given, f"a whole number {_bounds(least, most)}{what}")
    return int(given)


def several(name: str, given: Any, such: str, *, empty: bool = False) -> list[Any]:
    """A list, tuple or the like; with something in it unless ``empty``. ``such``: what to write."""
    fine = isinstance(given, Iterable) and not isinstance(given, str)
    found = list(given) if fine else []
    if not fine or not (found or empty):
        _refuse(name, given, f"several, at least one: {such}")
    return found


def distances(given: Any) -> list[float]:
    """Round trips in milliseconds, from 0 to :data:`FARTHEST_MS`, at least one."""
    found = several("rtts", given, "[0, 20, 80, 200]")
    return [number("rtt_ms", one, 0, FARTHEST_MS, what=" ms, there and back") for one in found]


def wires(given: Any) -> list[bool]:
    """Whether to speak TLS: ``(False,)``, ``(True,)`` or both."""
    found = several("tls", given, "tls=(False, True)")
    if not all(isinstance(one, bool) for one in found):
        _refuse("tls", given, "tls=(False, True): plain, TLS or both")
    return list(dict.fromkeys(found))


def lab(given: Any) -> Lab:
    """A lab, and no exchange in one."""
    if not hasattr(given, "truth"):
        _refuse("lab", given, "the lab itself: ex.lab, of an exchange in one, or vocx.lab.open()")
    return cast("Lab", given)


def steps(given: Any) -> Steps:
    """True prices, more than one."""
    if not isinstance(given, Steps) or len(given) < 2:
        _refuse("true", given, "true prices: measure.truth_of(ex.lab), or measure.truth_in(path)")
    return given


def _bounds(least: float, most: float) -> str:
    return f"of {least:g} or more" if most == inf else f"from {least:g} to {most:g}"


def _refuse(name: str, given: Any, write: str) -> NoReturn:
    raise BadInput(f"{name} is {brief(given)}; write {write}")
