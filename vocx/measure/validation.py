"""What was asked for, checked before anything is measured: one error that says what to write. Pure.

Numbers of numpy are taken and given back as Python's own, so that results can be saved.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NoReturn, cast

from vocx.errors import BadInput
from vocx.measure.steps import Steps

if TYPE_CHECKING:
    from vocx.lab import Lab

FARTHEST_MS = 2000.0
"""The farthest that a dial is set for a measurement: round trip."""


def number(name: str, given: Any, least: float, most: float = inf, *, what: str = "") -> float:
    """A finite number from ``least`` to ``most``. ``what`` follows the bounds in the error.

    Raises
    ------
    BadInput
        It is none.
    """
    fine = isinstance(given, Real) and not isinstance(given, bool)
    if not fine or not least <= given <= most or given == inf:
        _refused(name, given, f"a number {_bounds(least, most)}{what}")
    return float(given)


def whole(name: str, given: Any, least: int, most: float = inf, *, what: str = "") -> int:
    """A whole number from ``least`` to ``most``.

    Raises
    ------
    BadInput
        It is none.
    """
    fine = isinstance(given, Integral) and not isinstance(given, bool)
    if not fine or not least <= given <= most:
        _refused(name, given, f"a whole number {_bounds(least, most)}{what}")
    return int(given)


def several(name: str, given: Any, such: str, *, empty: bool = False) -> list[Any]:
    """A list, tuple or the like, with something in it if ``empty`` is not allowed; ``such``: what
    to write.

    Raises
    ------
    BadInput
        It is none, or empty.
    """
    fine = isinstance(given, Iterable) and not isinstance(given, str)
    found = list(given) if fine else []
    if not fine or not (found or empty):
        _refused(name, given, f"several, at least one: {such}")
    return found


def distances(given: Any) -> list[float]:
    """Round trips, milliseconds.

    Raises
    ------
    BadInput
        One is no number from 0 to :data:`FARTHEST_MS`, or there is none.
    """
    found = several("rtts", given, "[0, 20, 80, 200]")
    return [number("rtt_ms", one, 0, FARTHEST_MS, what=" ms, there and back") for one in found]


def wires(given: Any) -> list[bool]:
    """Whether to speak TLS: ``(False,)``, ``(True,)`` or both.

    Raises
    ------
    BadInput
        It is something else.
    """
    found = several("tls", given, "tls=(False, True)")
    if not all(isinstance(one, bool) for one in found):
        _refused("tls", given, "tls=(False, True): plain, TLS or both")
    return list(dict.fromkeys(found))


def symbol(given: Any) -> str:
    """The name of a symbol, as text.

    Raises
    ------
    BadInput
        It is something else.
    """
    if not isinstance(given, str) or not given:
        _refused("symbol", given, 'one such as "BTC/USDT"')
    return str(given)


def lab(given: Any) -> Lab:
    """A lab.

    Raises
    ------
    BadInput
        It is something else, such as an exchange.
    """
    if not hasattr(given, "truth"):
        _refused("lab", given, "the lab itself: ex.lab, of an exchange in one, or vocx.lab.open()")
    return cast("Lab", given)


def steps(given: Any) -> Steps:
    """True prices.

    Raises
    ------
    BadInput
        It is something else.
    """
    if not isinstance(given, Steps) or len(given) < 2:
        _refused("true", given, "true prices: measure.truth_of(ex.lab), or measure.truth_in(path)")
    return given


def _bounds(least: float, most: float) -> str:
    return f"of {least:g} or more" if most == inf else f"from {least:g} to {most:g}"


def _refused(name: str, given: Any, write: str) -> NoReturn:
    shown = repr(given)
    raise BadInput(f"{name} is {shown if len(shown) < 60 else shown[:56] + ' ...'}; write {write}")
