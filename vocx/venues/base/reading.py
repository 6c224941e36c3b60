"""Reading what a venue sent: numbers within bounds, headers, and bodies that are not its JSON.

Every adapter reads through this, so that no reply and no frame, however broken, costs more than
its own bytes: a price of ``1e-999999999`` is legal JSON and a legal ``Decimal``, and writing it
out takes a gigabyte. What is refused here raises :class:`msgspec.ValidationError`, as a wrong
shape does; an adapter catches :data:`UNREADABLE` once and makes a ``BadReply`` or an ``Unknown``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, TypeVar

import msgspec

from vocx.facts import Level, Quote
from vocx.timing import stamp_ns

Ours = TypeVar("Ours")

UNREADABLE = (
    msgspec.DecodeError,  # ValidationError is one
    ArithmeticError,
    UnicodeDecodeError,
    RecursionError,  # brackets nested a thousand deep
)
"""What broken or absurd text can raise in a decoder."""

Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000)]
"""Milliseconds since the epoch, until 2255: nanoseconds of it fit into 64 bits and a datetime."""

Stamp = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Since the epoch, in whatever unit the venue was asked for: :func:`moment_ns` tells."""

Identifier = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
"""Ids, sequences and counts; -1 is what venues write for none."""

SANE = frozenset(range(-40, 40))
"""Powers of ten (``Decimal.adjusted()``) that a price, quantity or amount may have."""

LEAST, MOST = Decimal("1e-40"), Decimal("1e40")
"""The same as bounds of a number above 0: one that is at least ``LEAST`` and less than ``MOST``
needs no other check. To compare what is no number raises ``ArithmeticError``."""

LONGEST_TEXT = 400
"""Characters of a venue's own words, or of an unknown frame, that are kept."""


def check_numbers(*numbers: Decimal | None) -> None:
    """Refuse what text can hold and a market cannot: ``"NaN"``, ``"Infinity"``, ``"1e999"``."""
    for number in numbers:
        if number is not None and not (number.is_finite() and number.adjusted() in SANE):
            raise msgspec.ValidationError(f"{str(number)[:40]} is no number of a market")


def check_sizes(*sizes: Decimal | None) -> None:
    """The same for quantities, volumes and what is held, of which there is never less than
    nothing."""
    check_numbers(*sizes)
    for size in sizes:
        if size is not None and size < 0:
            raise msgspec.ValidationError(f"{size:f} is less than nothing")


def check_match(price: Decimal, quantity: Decimal) -> None:
    """The same for a trade or a fill, whose price and quantity are above 0: what is said with a
    zero is that there was none."""
    check_numbers(price, quantity)
    if price <= 0 or quantity <= 0:
        raise msgspec.ValidationError(f"{quantity:f} at {price:f} is no trade")


_LONGEST_KEPT = 40


class Numbers(dict[str, Decimal]):
    """Numbers of a market by their texts, to look up: ``numbers["61700.01"]``.

    Prices come again and again: each is read and checked once, and all facts share it. At
    ``limit`` texts it begins anew, and texts of more than 40 characters are not kept.

    Raises
    ------
    ArithmeticError, ValidationError
        By the look-up: the text is no number, or none of a market (:func:`check_numbers`).
    """

    def __init__(self, limit: int = 4096) -> None:
        self._limit = limit

    def __missing__(self, text: str) -> Decimal:
        number = Decimal(text)
        check_numbers(number)
        if len(self) >= self._limit:
            self.clear()
        if len(text) <= _LONGEST_KEPT:
            self[text] = number
        return number


def optional_number(text: str | None) -> Decimal | None:
    """A number that is written as text; ``None`` where the text is empty or absent."""
    if not text:
        return None
    found = Decimal(text)
    check_numbers(found)
    return found


def amount(text: str | None) -> Decimal:
    """A quantity that is written as text; 0 where the text is empty or absent."""
    found = optional_number(text) or Decimal(0)
    check_sizes(found)
    return found


_LAST_MS = (2**63 - 1) // 1_000_000
"""In the year 2262: later moments are no nanoseconds of 64 bits."""


def moment_ns(stamp: int) -> int:
    """A stamp in nanoseconds: milliseconds, or the unit that its digits tell (Binance writes
    microseconds to who asks for them)."""
    if 10**11 <= stamp <= _LAST_MS:
        return stamp * 1_000_000
    told = stamp_ns(stamp)
    if told is None and not 0 <= stamp < 10**11:  # the samples of a documentation begin in 1970
        raise msgspec.ValidationError(f"{stamp} is no moment since the epoch")
    return stamp * 1_000_000 if told is None else told


def ms_to_ns(value: str | int | None) -> int | None:
    """The same of a text or a number; ``None`` for an empty text."""
    if value is None or value == "":
        return None
    found = whole_number(str(value), digits=19)
    if found is None:
        raise msgspec.ValidationError(f"{str(value)[:40]!r} is no moment since the epoch")
    return moment_ns(found)


def check_levels(*sides: Sequence[Level]) -> None:
    """The same for the levels of a book, which are never negative either.

    An empty side may be written as levels of nothing at price 0: nothing else has that price, and
    no level comes behind one.
    """
    for side in sides:
        nobody = False
        for price, quantity in side:
            if (
                not (price.is_finite() and quantity.is_finite())
                or price.adjusted() not in SANE
                or quantity.adjusted() not in SANE
                or (price.is_signed() or quantity.is_signed())
                and (price < 0 or quantity < 0)
            ):
                level = f"{str(quantity)[:40]} at {str(price)[:40]}"
                raise msgspec.ValidationError(f"{level} is no level of a book")
            if nobody and price or quantity and not price:
                raise msgspec.ValidationError(f"a level of {quantity:f} at price {price:f}")
            nobody = not price


def top_quote(
    symbol: str,
    bids: Sequence[Level],
    asks: Sequence[Level],
    sequence: int | None,
    exchange_ns: int | None,
    arrived_ns: int,
) -> Quote:
    """The best levels of a book; a side without levels has none."""
    return Quote(
        symbol=symbol,
        bid=bids[0][0] if bids else None,
        bid_quantity=bids[0][1] if bids else None,
        ask=asks[0][0] if asks else None,
        ask_quantity=asks[0][1] if asks else None,
        sequence=sequence,
        exchange_ns=exchange_ns,
        arrived_ns=arrived_ns,
    )


def one_of(table: Mapping[str, Ours], text: str, what: str) -> Ours:
    """A venue's word in ours; ``what`` it is, for the refusal of one that is in no document."""
    try:
        return table[text]
    except KeyError:
        raise msgspec.ValidationError(f"{what} {text[:40]!r}") from None


def header(headers: Mapping[str, str], name: str) -> str | None:
    """One header, in whatever case it was written; ``name`` in lower case."""
    return next((value for key, value in headers.items() if key.lower() == name), None)


def whole_number(text: str | None, digits: int = 18) -> int | None:
    """A count in a header: ASCII digits of at most 64 bits; ``None`` for anything else."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """``Retry-After`` in seconds, at most a year; ``None`` where it is absent or no number."""
    text = header(headers, "retry-after") or ""
    try:
        seconds = float(text) if text.isascii() else math.nan
    except ValueError:
        return None
    return min(max(0.0, seconds), 31_536_000.0) if math.isfinite(seconds) else None


def shown(text: bytes, most: int = LONGEST_TEXT) -> str:
    """The beginning of a frame, as text that can be printed."""
    return text[:most].decode("utf-8", "replace")


def words(body: bytes, most: int = 160) -> str:
    """What a body that is not JSON says to a human, without its markup, on one line."""
    text = body[:20_000].decode("utf-8", "replace")
    first, *tagged = text.split("<")
    outside, hidden = [first], ""
    for piece in tagged:
        tag, _, after = piece.partition(">")
        name = tag.split(maxsplit=1)[0].lower() if tag.strip() else ""
        if hidden and name != f"/{hidden}":
            continue
        hidden = name if name in ("style", "script") else ""
        if not hidden:
            outside.append(after)
    line = " ".join(" ".join(outside).split())
    return line if len(line) <= most else line[: most - 3] + "..."
