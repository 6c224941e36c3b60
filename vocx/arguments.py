"""What people and libraries give as arguments: taken where it is exact, else refused in words.

One gate for numbers, counts and names of every public call, and how numbers are shown: without an
exponent.

``Decimal`` writes ``0E-8`` for eight decimal places of nothing and ``9E+3`` for the half of
18E+3; nobody does. And a text may hold what no market does: ``"1e-400"`` is a legal decimal.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from vocx.errors import BadInput, FloatRefused

MOST_DIGITS, MOST_PLACES = 24, 40
"""Digits before the point, and places behind it, that a number of a market may have."""

WIDE = Context(prec=240)
"""Room for every product and quotient of two such numbers."""

LONGEST_S = 1e9
"""More than anybody waits, and still a time that clocks can add."""

_EXAMPLE = 'write a number as text, such as "0.1"'


def exact(value: Decimal | int | str, what: str = "number") -> Decimal:
    """The exact number that was written, or a typed refusal that says what to write instead.

    Integers of other libraries are taken as ``int`` is.

    Raises
    ------
    FloatRefused
        For a float: its digits are not the ones you typed.
    BadInput
        For text that is no finite number, and for one that is beyond any market's.
    """
    if isinstance(value, str):
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            raise BadInput(f"{what} is {brief(value)}; {_EXAMPLE}") from None
    elif isinstance(value, Decimal):
        number = value
    elif (whole := whole_of(value)) is not None:
        number = _of_integer(whole, what)
    elif _is_float(value):
        raise _float_refused(value, what)
    else:
        shown = brief(value) if isinstance(value, bool) else f"a {type(value).__name__}"
        raise BadInput(f"{what} is {shown}; {_EXAMPLE}")
    if not number.is_finite():
        raise BadInput(f"{what} is {str(number)[:20]}; a finite number is needed")
    return _within_bounds(number, what)


def whole_of(value: object) -> int | None:
    """The value of anything that is an integer, of Python or of another library; ``None`` for all
    else, also for a truth value."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except Exception:  # an array of several numbers, a class of somebody's
        return None


def as_count(value: Any) -> Any:
    """A number of rows or levels as ``int`` where it is a whole one of any library, as a float, a
    decimal, a fraction or a text; anything else as it is, for whoever knows the bounds to
    refuse."""
    whole = whole_of(value)
    if whole is not None:
        return whole
    if isinstance(value, str):
        short = value.isascii() and value.isdigit() and len(value) < 20
        return int(value) if short else value
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal):
        return value
    if isinstance(value, Decimal) and not value.is_finite():  # sNaN is not even to be compared
        return value
    number: Any = value
    return int(number) if abs(number) < 2**53 and number == int(number) else value


def check_count(
    value: Any,
    what: str,
    least: int = 0,
    example: int = 100,
    write: str = "a whole number such as",
) -> int:
    """The same, or a refusal that says what to ``write``."""
    found = as_count(value)
    if type(found) is not int or found < least:
        raise BadInput(f"{what} is {brief(value)}; write {write} {example}")
    return found


def plain_text(value: Any) -> Any:
    """A text of any library as ``str``; anything else as it is."""
    return str(value) if isinstance(value, str) else value


def check_name(value: Any, what: str, example: str) -> str:
    """A name as ``str``, or a refusal; one without control characters."""
    if not isinstance(value, str) or not value.isprintable():
        raise BadInput(f'{what} is {brief(value)}; write a text such as "{example}"')
    return str(value)


def check_optional_name(value: Any, what: str, example: str) -> str | None:
    """The same, or ``None`` where none is given."""
    return None if value is None else check_name(value, what, example)


def check_names(value: Any, what: str, example: str) -> list[str] | None:
    """One name, or several in a list, as a list; ``None`` where none are given."""
    if value is None:
        return None
    if isinstance(value, str):
        return [str(value)]
    try:
        given = list(value) if isinstance(value, Iterable) else None
    except Exception:  # an array without a dimension says that it is iterable
        given = None
    if given is None or not all(isinstance(one, str) for one in given):
        raise BadInput(f'{what} is {brief(value)}; write "{example}", or several in a list')
    return [str(one) for one in given]


def check_number(value: Any, what: str, *, above: float = -LONGEST_S) -> float:
    """A number of seconds and the like, of any library: finite, but for an infinite one, which
    stands for more than anybody waits."""
    real = isinstance(value, numbers.Real | Decimal) and not isinstance(value, bool)
    exact_nan = isinstance(value, Decimal) and value.is_nan()  # a float of sNaN is none
    number = float(value) if real and not exact_nan else whole_of(value)
    if number is None or number != number or number <= above:
        least = "" if above < 0 else " above 0"
        raise BadInput(f"{what} is {brief(value)}; write a number{least}, such as 5")
    return min(number, LONGEST_S)


def as_number(value: Any) -> float | None:
    """A number of any library as a float; ``None`` for anything else, also for a text."""
    whole = whole_of(value)
    if whole is not None:
        return float(whole) if abs(whole) < 2**1000 else math.inf
    real = isinstance(value, numbers.Real | Decimal) and not isinstance(value, bool)
    if not real or (isinstance(value, Decimal) and value.is_nan()):  # sNaN is not even to be read
        return None
    number: Any = value
    return float(number)


def python_value(value: Any) -> Any:
    """A value of NumPy as Python has it, for whoever writes it down; ``TypeError`` for what is
    none."""
    if isinstance(value, str):
        return str(value)
    if type(value).__module__ == "numpy" and type(value).__name__ != "ndarray":
        found = value.item()
        if isinstance(found, int | float | str | bytes):
            return found
    raise TypeError(f"{brief(value)} is no value that can be written down")


def check_flag(value: Any, what: str) -> bool:
    """A truth value, of Python or of another library, or a refusal."""
    if isinstance(value, bool):
        return value
    if type(value).__name__ in ("bool", "bool_") and type(value).__module__ == "numpy":
        return bool(value)
    raise BadInput(f"{what} is {brief(value)}; write True or leave it out")


def digits(number: Decimal) -> str:
    """Digits and a point, never an exponent, with the zeros that were written."""
    if not number.is_finite() or abs(number.adjusted()) > 240:
        return str(number)
    return format(number, "f")


def written(value: object) -> str:
    """The ``repr`` of a fact's value, its decimals in plain digits."""
    if type(value) is Decimal:
        return f"Decimal('{digits(value)}')"
    if type(value) is tuple:
        inner = ", ".join(map(written, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if type(value) is dict:
        return "{" + ", ".join(f"{key!r}: {written(one)}" for key, one in value.items()) + "}"
    return repr(value)


def written_fields(struct: Any) -> str:
    """The ``repr`` of a struct, its decimals in plain digits; set as its ``__repr__``."""
    fields = (f"{name}={written(getattr(struct, name))}" for name in struct.__struct_fields__)
    return f"{type(struct).__name__}({', '.join(fields)})"


def brief(value: object, most: int = 60, depth: int = 2) -> str:
    """What somebody gave, short enough for a sentence and on one line; as Python has it, not as
    NumPy writes its scalars, and numbers without an exponent, also in lists of ``depth``."""
    kind = type(value)
    try:
        if kind.__module__ == "numpy" and kind.__name__ != "ndarray" and hasattr(value, "item"):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            text = repr(value)
        elif isinstance(value, float | Decimal):
            text = _brief_number(Decimal(repr(value)) if isinstance(value, float) else value)
        elif type(value) is list and depth:
            text = f"[{', '.join(brief(one, most, depth - 1) for one in value[:most])}]"
        else:
            text = " ".join(repr(value).split())
    except Exception:  # somebody's class
        text = f"a {kind.__name__}"
    return text if len(text) <= most else text[: most - 3] + "..."


def _brief_number(number: Decimal) -> str:
    """Digits, or in words how many there are; what is no number, as it is."""
    if not number.is_finite() or abs(number.adjusted()) <= MOST_PLACES:
        return digits(number)
    if not number:
        return "0"
    places = number.adjusted()
    if places < 0:
        return f"a number whose first digit is {-places:,} places behind the point"
    return f"a number of {places + 1:,} digits"


def multiple_below(number: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of a step that is not above a number."""
    return WIDE.multiply(WIDE.divide_int(number, step), step)


def without_exponent(number: Decimal) -> Decimal:
    """The same number; what would be shown as 6E+4 is 60000."""
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and 0 < exponent <= MOST_PLACES:
        return number.quantize(Decimal(1), context=WIDE) if number else Decimal(0)
    return number


def _of_integer(whole: int, what: str) -> Decimal:
    if abs(whole) >= 10**MOST_DIGITS:  # before its digits are counted: that takes long
        raise _beyond(what, "large")
    return Decimal(whole)


def _within_bounds(number: Decimal, what: str) -> Decimal:
    if number.adjusted() >= MOST_DIGITS and number:
        raise _beyond(what, "large")
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent < -MOST_PLACES:
        raise _beyond(what, "small" if number.adjusted() < -MOST_PLACES else "precise")
    return Decimal(0) if not number and exponent > 0 else without_exponent(number)


def _beyond(what: str, how: str) -> BadInput:
    bound = f"{MOST_DIGITS} digits before" if how == "large" else f"{MOST_PLACES} places behind"
    return BadInput(f"{what} is too {how} for any market: more than {bound} the point; {_EXAMPLE}")


def _is_float(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational | Decimal)


def _float_refused(value: Any, what: str) -> BadInput:
    text = str(value)  # of a NumPy scalar its shortest digits, in its own precision
    number = Decimal(text)
    if not number.is_finite():
        return BadInput(f"{what} is {text}; a finite number is needed")
    shown = digits(_within_bounds(number, what))
    return FloatRefused(
        f"{what} came as the float {shown}; a float does not hold the digits you typed. "
        f'Write it as text: "{shown}"'
    )
