"""How Binance writes numbers, times, errors and JSON (docs a5e0bc3 of 2026-07-21, section 2).

Money is text with exactly eight decimals, ids and times are integers. Inside the lab prices are
ticks and quantities lots, so every number is formatted from integers: no float, no rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from vocx.lab.events import InstrumentSpec

E8 = 100_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000
NS_PER_S = 1_000_000_000
JSON_TYPE = "application/json;charset=UTF-8"
HTML_TYPE = "text/html"
_CACHED_TEXTS = 4096
"""Texts kept for each symbol's prices and for its quantities: about 1 MB at most."""

encode = msgspec.json.Encoder().encode


def money(e8: int) -> str:
    """Units of 1e-8 as text with eight decimals."""
    if e8 < 0:
        return "-" + money(-e8)
    return f"{e8 // E8}.{e8 % E8:08d}"


def exact(amount: Decimal) -> str:
    """A decimal amount with eight decimals; what is finer is cut off."""
    return money(int(amount * E8))


def per_mille(thousandths: int) -> str:
    """Thousandths as text with three decimals (``priceChangePercent``)."""
    sign = "-" if thousandths < 0 else ""
    whole, rest = divmod(abs(thousandths), 1000)
    return f"{sign}{whole}.{rest:03d}"


def ratio(numerator: int, denominator: int) -> int:
    """The quotient rounded half up, and 0 for 0/0."""
    if denominator == 0:
        return 0
    return (2 * numerator + denominator) // (2 * denominator)


class Texts(dict[int, str]):
    """Integer steps to text, remembered: the same prices and sizes come again and again."""

    def __init__(self, step: Decimal) -> None:
        super().__init__()
        self.step_e8 = int(step * E8)

    def __missing__(self, steps: int) -> str:
        if len(self) >= _CACHED_TEXTS:
            self.clear()
        text = self[steps] = money(steps * self.step_e8)
        return text


class Numbers:
    """One symbol's names and number formats.

    ``price[ticks]`` and ``quantity[lots]`` are texts; ``quote`` turns ticks x lots into one.
    """

    def __init__(self, spec: InstrumentSpec) -> None:
        self.spec = spec
        self.name = (spec.base + spec.quote).upper()
        self.lower = self.name.lower()
        self.price = Texts(spec.tick)
        self.quantity = Texts(spec.lot)

    def quote(self, ticks_lots: int) -> str:
        return money(ticks_lots * self.price.step_e8 * self.quantity.step_e8 // E8)

    def average(self, ticks_lots: int, lots: int) -> str:
        """Volume-weighted price, rounded to eight decimals."""
        return money(ratio(ticks_lots * self.price.step_e8, lots))

    def signed_price(self, ticks: int) -> str:
        return money(ticks * self.price.step_e8)


class Refusal(Exception):
    """A documented error: HTTP status, code, exact text, and data for the WebSocket API."""

    def __init__(
        self,
        code: int,
        msg: str,
        *,
        status: int = 400,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(msg)
        self.status = status
        self.code = code
        self.msg = msg
        self.data = data
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The error object of both surfaces."""
        answer: dict[str, Any] = {"code": self.code, "msg": self.msg}
        if self.data is not None:
            answer["data"] = self.data
        return answer


def stamp(at_ns: int, unit_ns: int = NS_PER_MS) -> int:
    """A time as the wire shows it: milliseconds, or microseconds when asked for."""
    return at_ns // unit_ns


def last_stamp(next_open_ns: int, unit_ns: int = NS_PER_MS) -> int:
    """The last unit before ``next_open_ns``: how a bar's close time is written."""
    return -(-next_open_ns // unit_ns) - 1


def time_unit(text: str | None) -> int:
    """Nanoseconds per unit of time asked for by header or URL.

    Raises
    ------
    Refusal
        -1194 for anything but the four documented spellings.
    """
    if text is None or text in ("MILLISECOND", "millisecond"):
        return NS_PER_MS
    if text in ("MICROSECOND", "microsecond"):
        return NS_PER_US
    raise Refusal(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
