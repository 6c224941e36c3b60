"""Reading a streamed book: its numbers are checked as floats and kept as texts.

A venue describes its payload once, generic over the form of a level. Where all numbers are plain,
a compiled decoder reads it twice, as texts and as floats within bounds, which takes less than
making decimals of them. Anything else may still be legal: it is read as decimals, one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec

from vocx.facts import Level, Levels
from vocx.facts.levels import SURE_DIGITS, Pair
from vocx.venues.base.reading import LEAST, MOST, check_levels

Price = TypeVar("Price")
Quantity = TypeVar("Quantity")
_PriceText = Annotated[str, msgspec.Meta(max_length=SURE_DIGITS + 1)]
"""Digits and a point, of which the float tells the price."""
_QuantityText = Annotated[str, msgspec.Meta(max_length=40)]
"""So that without an exponent it is 0 or no less than :data:`LEAST`."""
_PriceFloat = Annotated[float, msgspec.Meta(ge=float(LEAST), lt=10.0**SURE_DIGITS)]
"""Without a point the text may have a digit more: such prices are read as decimals."""
_QuantityFloat = Annotated[float, msgspec.Meta(ge=0, lt=float(MOST))]


class LevelArray(msgspec.Struct, Generic[Price, Quantity], array_like=True, gc=False):
    """A level that is an array of price, quantity, and what is not read."""

    price: Price
    quantity: Quantity


LevelTexts = LevelArray[_PriceText, _QuantityText]


class TwoForms:
    """Reads a payload as texts and as floats.

    Parameters
    ----------
    row : type
        The payload: a struct that is generic over the form of a level.
    level : type
        A struct with ``price`` and ``quantity`` that is generic over their forms.
    """

    def __init__(self, row: Any, level: Any) -> None:
        self._texts_of = msgspec.json.Decoder(row[level[_PriceText, _QuantityText]]).decode
        floats = row[level[_PriceFloat, _QuantityFloat]]
        self._floats_of = msgspec.json.Decoder(floats, strict=False).decode
        self._decimals_of = msgspec.json.Decoder(row[level[Decimal, Decimal]]).decode

    def __call__(self, data: bytes) -> tuple[Any, Any]:
        """The payload as texts, and as floats; as decimals and ``None`` where it is not plain.

        Raises
        ------
        msgspec.DecodeError
            It has another shape.
        """
        try:
            return self._texts_of(data), self._floats_of(data)
        except msgspec.ValidationError:
            return self.exactly(data), None

    def exactly(self, data: bytes) -> Any:
        """The payload as decimals."""
        return self._decimals_of(data)


def side(written: Sequence[Pair[Any]], floats: Sequence[Pair[float]] | None) -> Sequence[Level]:
    """One side of what :class:`TwoForms` read; decimals are checked here.

    Raises
    ------
    msgspec.ValidationError
        A level is none of a book.
    """
    if floats is not None:
        return Levels(written, floats)
    levels = tuple(Levels(written))
    check_levels(levels)
    return levels


class _Sides(Protocol):
    bids: list[Any]
    asks: list[Any]


Row = TypeVar("Row", bound=_Sides)


def _may_have_odd_zeros(data: bytes) -> bool:
    """Whether a number may be 0 as a float that is none, or that nobody could write out: one with
    an exponent. From the right CPython looks for two characters three times as fast."""
    return b"-" in data or data.rfind(b"0e") >= 0 or data.rfind(b"0E") >= 0


class BookReader(Generic[Row]):
    """Reads payloads whose ``bids`` and ``asks`` are lists of arrays.

    Parameters
    ----------
    row : type
        The payload: a struct that is generic over the form of a level, which is
        :data:`LevelTexts` in what is given back.
    """

    def __init__(self, row: Any) -> None:
        self._read = TwoForms(row, LevelArray)

    def __call__(self, data: bytes) -> tuple[Row, Sequence[Level], Sequence[Level]]:
        """The payload, its bids and its asks.

        Raises
        ------
        msgspec.DecodeError
            It has another shape, or a level is none of a book.
        """
        found, floats = (
            (self._read.exactly(data), None) if _may_have_odd_zeros(data) else self._read(data)
        )
        if floats is None:
            return found, side(found.bids, None), side(found.asks, None)
        return found, Levels(found.bids, floats.bids), Levels(found.asks, floats.asks)
