"""Numbers that people and libraries give: taken where they are exact, else refused in words."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from vocx.arguments import brief, exact, whole_of
from vocx.errors import BadInput, FloatRefused
from vocx.facts import Instrument

BTC = Instrument(
    symbol="BTC/USDT", venue="binance", venue_symbol="BTCUSDT", base="BTC", quote="USDT",
    tick=Decimal("0.01"), lot=Decimal("0.00001"), min_price=Decimal("0.013"),
    max_price=Decimal("1000000"), min_quantity=Decimal("0.00001"), max_quantity=Decimal("9000"),
    min_notional=Decimal(5), max_notional=Decimal("9000000"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (np.int64(5), "5"),
        (np.uint8(5), "5"),
        (np.array(5), "5"),
        (np.str_("0.10"), "0.10"),
        (" 0.1 ", "0.1"),
        ("6e4", "60000"),
        (Decimal("6E+4"), "60000"),
        ("0E+5", "0"),
        ("1e-8", "0.00000001"),
        (10**20, "1" + 20 * "0"),
    ],
)
def test_what_is_exact_is_taken(given: Any, number: str) -> None:
    """Integers of any library, and text; never with an exponent afterwards."""
    assert f"{exact(given):f}" == number
    assert "E" not in str(exact(given)) or exact(given).adjusted() < -6


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (0.1, '"0.1"'),
        (1e-8, '"0.00000001"'),
        (np.float64(0.001), '"0.001"'),
        (np.float32(0.1), '"0.1"'),
        (np.float16(0.5), '"0.5"'),
        (1e22, '"1' + 22 * "0" + '"'),
    ],
)
def test_the_advice_on_a_float_can_be_typed(given: Any, advice: str) -> None:
    """It is the text to write, without the name of a library and without an exponent."""
    with pytest.raises(FloatRefused, match=re.escape(advice)) as refused:
        exact(given, "price")
    assert "np." not in str(refused.value) and "e-" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        "1e30", "1e24", "1e-400", "1e999999999", "1e-999999999", 10**100_000, Decimal("1e-50"),
        "9" * 10**6, "0." + "1" * 50, "nan", "sNaN", "inf", np.nan, np.inf, float("nan"),
        True, np.True_, None, [], ["1"], b"1", "", "1,5", "0x10", 1j, np.array([1, 2]), object(),
    ],
    ids=lambda given: str(given)[:12] if not isinstance(given, int) else "huge",
)  # fmt: skip
def test_what_no_market_has_is_refused_at_once(given: Any) -> None:
    """In a sentence of its own length, whatever was given."""
    begun = time.thread_time()
    with pytest.raises(BadInput) as refused:
        exact(given, "price")
    assert time.thread_time() - begun < 0.5
    assert len(str(refused.value)) < 250 and "price" in str(refused.value)


def test_a_truth_value_is_no_number() -> None:
    """Of Python or of NumPy."""
    assert whole_of(True) is None and whole_of(np.True_) is None
    assert whole_of(np.int8(-3)) == -3 and whole_of(5.0) is None


def test_what_was_given_is_quoted_as_python_has_it() -> None:
    """Nobody types np.int64(5), and a page of text is no part of a sentence."""
    assert brief(np.int64(5)) == "5" and brief(np.float64(0.5)) == "0.5"
    assert len(brief("x" * 10_000)) == 60


def test_explain_reads_the_bounds_of_a_price() -> None:
    """The nearest legal price is named, on the tick."""
    assert BTC.explain(price="0.01") == 'price 0.01 is below the least: write "0.02" or more'
    assert BTC.explain(price="1e20").startswith(f"price 1{20 * '0'} is above the most")
    assert 'write "1000000.00" or less' in BTC.explain(price="1000000.01")
    assert BTC.explain(price="60000.00", quantity="0.1") == ""


@pytest.mark.parametrize("price", ["1e20", "1e23", "0.01", "1e-40", "123456.789"])
@pytest.mark.parametrize("quantity", ["1e23", "1e-40", "9000.000001", "0.1"])
def test_explain_and_rounding_take_any_number(price: str, quantity: str) -> None:
    """However many digits a quotient has: words, never an arithmetic error."""
    assert "E" not in BTC.explain(price=price, quantity=quantity).replace("USDT", "")
    rounded = BTC.round_quantity(quantity)
    assert BTC.round_quantity(rounded) == rounded <= exact(quantity)
    assert BTC.round_price(price, "sell") >= exact(price) >= BTC.round_price(price, "buy")
