"""Levels of a book: floats to find and order them, exact decimals when somebody looks.

A change brings forty levels, ten times a second for each symbol, and hardly one of them is ever
looked at by itself: to make eighty ``Decimal`` of them costs more than all else that happens to
the frame. So one side of a streamed book is what the venue wrote, and the same as floats, which is
what a local copy needs. Who indexes it or iterates over it gets ``(price, quantity)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import isfinite, nan
from typing import Generic, Protocol, TypeVar, overload

import msgspec

from vocx.arguments import written

Level = tuple[Decimal, Decimal]
"""One price level: (price, quantity)."""
SURE_DIGITS = 15
"""Two prices of so many digits never share a float."""
Number = TypeVar("Number")
Number_co = TypeVar("Number_co", covariant=True)


class Pair(Protocol[Number_co]):
    """Price and quantity of one level, in one form of writing numbers."""

    @property
    def price(self) -> Number_co: ...
    @property
    def quantity(self) -> Number_co: ...


class _Pair(msgspec.Struct, Generic[Number], gc=False):
    price: Number
    quantity: Number


class Levels(Sequence[Level]):
    """One side of a book: a sequence of ``(price, quantity)``, both ``Decimal``, that equals a
    tuple of the same levels. Slices and sums are tuples.

    Attributes
    ----------
    written : sequence
        The levels as they were given: ``price`` and ``quantity`` of each are a ``Decimal`` or its
        text.
    """

    __slots__ = ("written", "_floats")

    def __init__(
        self,
        written: Sequence[Pair[str | Decimal]],
        floats: Sequence[Pair[float]] | None = None,
    ) -> None:
        self.written = written
        self._floats = floats

    @classmethod
    def of(cls, levels: Sequence[Level]) -> Levels:
        """These levels; what is a side already is that side."""
        if isinstance(levels, Levels):
            return levels
        return cls([_Pair(price, quantity) for price, quantity in levels])

    def take_floats(self) -> Sequence[Pair[float]]:
        """``price`` and ``quantity`` of each level as the nearest floats.

        They are made anew where they were taken before: a book needs them once, and whoever keeps
        the fact would keep half as much again.

        Raises
        ------
        ArithmeticError
            A level is no pair of numbers, or its price has so many digits that its float may be
            another's.
        """
        floats, self._floats = self._floats, None
        return list(map(_floated, self.written)) if floats is None else floats

    def __len__(self) -> int:
        return len(self.written)

    def __iter__(self) -> Iterator[Level]:
        return map(exact_level, self.written)

    @overload
    def __getitem__(self, index: int) -> Level: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Level, ...]: ...
    def __getitem__(self, index: int | slice) -> Level | tuple[Level, ...]:
        if isinstance(index, slice):
            return tuple(map(exact_level, self.written[index]))
        return exact_level(self.written[index])

    def __add__(self, other: Sequence[Level]) -> tuple[Level, ...]:
        return (*self, *other)

    def __radd__(self, other: Sequence[Level]) -> tuple[Level, ...]:
        return (*other, *self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Levels):
            return tuple(self) == tuple(other)
        return tuple(self) == other

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return written(tuple(self))


def exact_level(one: Pair[str | Decimal]) -> Level:
    """Price and quantity as decimals, with exactly the digits that were written."""
    return Decimal(one.price), Decimal(one.quantity)


def _floated(one: Pair[str | Decimal]) -> _Pair[float]:
    try:
        price, quantity = float(one.price), float(one.quantity)
    except ValueError:  # a signalling NaN
        price = quantity = nan
    if not (isfinite(price) and isfinite(quantity)):
        raise ArithmeticError(f"a level is no number: {one.quantity} at {one.price}")
    if len(str(one.price)) > SURE_DIGITS and Decimal(repr(price)) != Decimal(one.price):
        raise ArithmeticError(f"the price {one.price} has too many digits to be told from another")
    return _Pair(price, quantity)
