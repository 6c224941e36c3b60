"""Prices, quantities and amounts as texts, and the symbols that a venue lists.

Inside the lab prices are ticks and quantities lots, so every number is written from integers: no
float, no rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Generic, TypeVar

from vocx.lab.events import InstrumentSpec
from vocx.lab.ports import Market

E8 = 100_000_000
NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
DAY_NS = 86_400 * NS_PER_S
NEVER_NS = 2**62
"""Later than anything that is ever due."""
_CACHED_TEXTS = 4096
"""Texts kept for each symbol's prices and for its quantities: about 1 MB at most."""

Row = tuple[str, str, int]
"""(price, quantity, number of orders) of a level; the quantity of nothing removes it."""
Write = Callable[[int], str]
"""How a venue writes units of 1e-8: :func:`eight_decimals` or :func:`shortest`."""


def eight_decimals(e8: int) -> str:
    """Units of 1e-8 as text with eight decimals: ``"0.10000000"``."""
    if e8 < 0:
        return "-" + eight_decimals(-e8)
    return f"{e8 // E8}.{e8 % E8:08d}"


def shortest(e8: int) -> str:
    """Units of 1e-8 as the shortest text: ``"0.1"``, ``"60000"``, ``"0"``."""
    text = eight_decimals(e8).rstrip("0")
    return text[:-1] if text[-1] == "." else text


def to_e8(amount: Decimal) -> int:
    """A decimal amount in units of 1e-8; what is finer is cut off."""
    return int(amount * E8)


def amount(value: Decimal) -> str:
    """A decimal amount as the shortest text, to eight decimals."""
    return shortest(to_e8(value))


def milliseconds(at_ns: int) -> str:
    """A time as the text of its milliseconds since the epoch."""
    return str(at_ns // NS_PER_MS)


def ratio(numerator: int, denominator: int) -> int:
    """The quotient rounded half up, and 0 for 0/0."""
    if denominator == 0:
        return 0
    return (2 * numerator + denominator) // (2 * denominator)


class TickFormatter(dict[int, str]):
    """Steps (ticks or lots) to text, remembered: the same numbers come again and again."""

    def __init__(self, step: Decimal, write: Write) -> None:
        super().__init__()
        self.step_e8 = int(step * E8)
        self._write = write

    def __missing__(self, steps: int) -> str:
        if len(self) >= _CACHED_TEXTS:
            self.clear()
        text = self[steps] = self._write(steps * self.step_e8)
        return text


class SymbolFormat:
    """How one symbol and its numbers are written on a venue.

    ``price[ticks]`` and ``quantity[lots]`` are texts; :meth:`quote` turns ticks x lots into one.
    """

    def __init__(self, spec: InstrumentSpec, name: str, write: Write) -> None:
        self.spec = spec
        self.name = name
        self.write = write
        self.price = TickFormatter(spec.tick, write)
        self.quantity = TickFormatter(spec.lot, write)

    def quote(self, ticks_lots: int) -> str:
        """An amount of the quote asset."""
        return self.write(ticks_lots * self.price.step_e8 * self.quantity.step_e8 // E8)

    def average(self, ticks_lots: int, lots: int) -> str:
        """Volume-weighted price, rounded to eight decimals."""
        return self.write(ratio(ticks_lots * self.price.step_e8, lots))

    def signed_price(self, ticks: int) -> str:
        """A difference of prices."""
        return self.write(ticks * self.price.step_e8)


class Listing:
    """One symbol as a venue lists it: its market, how it is written, and its number in the
    catalogue (from 1), of which venues make ids and codes."""

    def __init__(self, market: Market, name: str, write: Write, number: int = 1) -> None:
        self.market = market
        self.format = SymbolFormat(market.spec, name, write)
        self.number = number

    def top(self, depth: int) -> tuple[list[Row], list[Row]]:
        """The best bids and asks, at most so many of each."""
        form = self.format
        bids, asks = (
            [(form.price[ticks], form.quantity[lots], orders) for ticks, lots, orders in side]
            for side in self.market.top(depth)
        )
        return bids, asks


def listed_as(separator: str) -> Callable[[Market, int], Listing]:
    """Makes listings that are called base and quote with this between, with shortest numbers."""

    def listed(market: Market, number: int) -> Listing:
        name = f"{market.spec.base}{separator}{market.spec.quote}"
        return Listing(market, name, shortest, number)

    return listed


L = TypeVar("L", bound=Listing)


class Catalogue(Generic[L]):
    """Every listed symbol, by the lab's name (``by_symbol``) and by the venue's (``by_name``).

    Parameters
    ----------
    markets
        By the lab's name.
    listed : callable
        Makes the listing of a market and its number.
    unknown : callable
        Makes the venue's refusal of a name that it does not list.
    """

    def __init__(
        self,
        markets: Mapping[str, Market],
        listed: Callable[[Market, int], L],
        unknown: Callable[[str], Exception],
    ) -> None:
        self.by_symbol = {
            symbol: listed(market, number)
            for number, (symbol, market) in enumerate(markets.items(), 1)
        }
        self.by_name = {item.format.name: item for item in self.by_symbol.values()}
        self._unknown = unknown

    def named(self, name: str) -> L:
        """The listing of a venue's name; raises the venue's refusal when there is none."""
        try:
            return self.by_name[name]
        except KeyError:
            raise self._unknown(name) from None

    def numbered(self, number: int) -> L | None:
        """The listing with a number."""
        listed = tuple(self.by_symbol.values())
        return listed[number - 1] if 1 <= number <= len(listed) else None
