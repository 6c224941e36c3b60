"""What all venues read their numbers with."""

from __future__ import annotations

from decimal import Decimal

import pytest

from vocx.venues.base.reading import LEAST, MOST, SANE, UNREADABLE, Numbers, moment_ns


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
