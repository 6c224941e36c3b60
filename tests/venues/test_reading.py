"""What all venues read their numbers with."""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocx.facts import Levels
from vocx.venues.base.reading import LEAST, MOST, SANE, UNREADABLE, Numbers, moment_ns
from vocx.venues.base.streamed_book import BookReader, LevelTexts


def test_a_number_is_read_once() -> None:
    """The same text is the same object; another text of the same value keeps its own digits."""
    numbers = Numbers()
    one = numbers["61700.01000000"]
    assert one == Decimal("61700.01") and numbers["61700.01000000"] is one
    assert str(numbers["61700.01"]) == "61700.01"
    assert not numbers["0.00000000"] and numbers["-1"] == -1  # how an empty side is written


@pytest.mark.parametrize("text", ["", "x", "NaN", "sNaN", "-Infinity", "1e999", "0e-999999999"])
def test_what_is_no_number_of_a_market_is_refused_each_time(text: str) -> None:
    """It is never kept."""
    numbers = Numbers()
    for _ in range(2):
        with pytest.raises(UNREADABLE):
            numbers[text]
    assert not numbers


def test_what_is_kept_is_bounded() -> None:
    """By number and, as a frame can hold millions of digits, by length."""
    numbers = Numbers(limit=3)
    for number in range(10):
        assert numbers[f"{number}.5"] == Decimal(number) + Decimal("0.5")
        assert 1 <= len(numbers) <= 3
    long = "0" * 1000 + "1.5"
    assert numbers[long] == Decimal("1.5") and long not in numbers


def test_the_bounds_are_the_powers_of_ten() -> None:
    """A number above 0 lies between them exactly where its power of ten is one of a market."""
    for power in range(-45, 45):
        for text in ("1", "9.99999999999999999999"):
            number = Decimal(f"{text}e{power}")
            assert (LEAST <= number < MOST) == (number.adjusted() in SANE)


def test_a_moment_fits_in_64_bits() -> None:
    """Up to the year 2262 in any unit; a number that is no moment in any is refused."""
    last_ms = (2**63 - 1) // 1_000_000
    assert moment_ns(last_ms) == last_ms * 1_000_000
    assert (
        moment_ns(1_796_058_391_433)
        == moment_ns(1_796_058_391_433_000)
        == 1_796_058_391_433 * 10**6
    )
    for stamp in (last_ms + 1, 9_796_058_391_433, 10**13 - 1, 2**63, -1):
        with pytest.raises(UNREADABLE):
            moment_ns(stamp)


L = TypeVar("L")


class _Row(msgspec.Struct, Generic[L]):
    bids: list[L]
    asks: list[L]


_read_book: BookReader[_Row[LevelTexts]] = BookReader(_Row)
_plain = st.decimals(Decimal(0), Decimal(9_999_999), places=8).map(lambda number: f"{number:f}")


@given(st.lists(st.tuples(_plain, _plain), max_size=5))
def test_streamed_levels_have_the_digits_that_were_written(side: list[tuple[str, str]]) -> None:
    """What is read as texts and floats says the same as what is read as decimals, which nobody
    makes before somebody looks."""
    rows = [[price, quantity, "0", "1"] for price, quantity in side if Decimal(price)]
    _, bids, asks = _read_book(msgspec.json.encode({"bids": rows, "asks": [], "more": "x"}))
    assert isinstance(bids, Levels)
    assert [[one.price, one.quantity] for one in bids.written] == [row[:2] for row in rows]
    assert [(str(price), str(quantity)) for price, quantity in bids] == [
        (str(Decimal(row[0])), str(Decimal(row[1]))) for row in rows
    ]
    assert [(one.price, one.quantity) for one in Levels.of(bids).take_floats()] == [
        (float(row[0]), float(row[1])) for row in rows
    ]
    assert not asks


@pytest.mark.parametrize(
    ("price", "quantity"),
    [
        ("1E-8", "2"),
        ("1e2", "0E-8"),
        ("100.000000000000000", "0." + "0" * 39),
        (60000.5, 1),
        ("0.00000000", "0"),
    ],
)
def test_streamed_levels_may_be_written_in_other_ways(
    price: str | float, quantity: str | int
) -> None:
    """What is no plain number of few digits is read as decimals, and kept."""
    row = [price, quantity]
    _, bids, _ = _read_book(msgspec.json.encode({"bids": [row], "asks": []}))
    assert bids == ((Decimal(str(price)), Decimal(str(quantity))),)


@pytest.mark.parametrize(
    ("price", "quantity"),
    [
        *((bad, "1") for bad in ("-1", "NaN", "1e41", "1e-41", "1e-400", "0", "1.2.3", "", " 1x")),
        *(("1", bad) for bad in ("-1", "NaN", "1e41", "1e-41", "1e-400", "1.2.3", "", None)),
        *(("1", bad) for bad in ("0e99999", "0.0E99", "0e" + "9" * 20)),
    ],
)
def test_streamed_levels_are_levels_of_a_book(price: str, quantity: str | None) -> None:
    """Also where a float would make 0 of what is too small to be a number of a market."""
    with pytest.raises(UNREADABLE):
        _read_book(msgspec.json.encode({"bids": [], "asks": [["1", "1"], [price, quantity]]}))


def test_streamed_prices_that_share_a_float_are_told_apart() -> None:
    """Sixteen digits without a point are as many as a float may mistake for another."""
    prices = ["9999999999999998", "9999999999999999"]
    rows = [[price, "1"] for price in prices]
    _, bids, _ = _read_book(msgspec.json.encode({"bids": rows, "asks": []}))
    assert [price for price, _ in bids] == [Decimal(price) for price in prices]
    with pytest.raises(ArithmeticError, match="too many digits"):
        Levels.of(bids).take_floats()
