"""How the Binance dialect writes numbers and times: from integers, exactly."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from venue_binance import INSTRUMENTS

from vocx.lab.dialects.binance.tickers import change_percent, from_whole_minute, window_ns
from vocx.lab.dialects.binance.wire import last_stamp
from vocx.lab.dialects.shared.numbers import (
    E8,
    SymbolFormat,
    TickFormatter,
    eight_decimals,
    ratio,
)

S = 1_000_000_000
FORMAT = SymbolFormat(INSTRUMENTS[0], "BTCUSDT", eight_decimals)


@given(st.integers(-(10**20), 10**20))
def test_money_has_eight_decimals(e8: int) -> None:
    """The same digits that exact arithmetic gives."""
    assert eight_decimals(e8) == f"{Decimal(e8).scaleb(-8):.8f}".replace(
        "-0.00000000", "0.00000000"
    )


@given(st.integers(0, 10**12), st.sampled_from(["0.01", "0.00001", "0.5", "1"]))
def test_steps_to_text(steps: int, step: str) -> None:
    """Ticks and lots are written without a float in between."""
    assert TickFormatter(Decimal(step), eight_decimals)[steps] == f"{steps * Decimal(step):.8f}"


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**9))
def test_ratio_rounds_half_up(numerator: int, denominator: int) -> None:
    """Towards plus infinity at the half; 0 where there is nothing to divide by."""
    exact = (Decimal(numerator) / denominator + Decimal("0.5")).to_integral_value("ROUND_FLOOR")
    assert ratio(numerator, denominator) == exact
    assert ratio(numerator, 0) == 0


def test_quote_amounts() -> None:
    """Ticks times lots in the quote asset: the documentation's 0.003 BTC at 60120.50."""
    assert FORMAT.quote(6012050 * 300) == "180.36150000"


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_average_is_the_weighted_price(price: int, lots: int) -> None:
    """One trade's average is its price."""
    assert FORMAT.average(price * lots, lots) == FORMAT.price[price]


@pytest.mark.parametrize(
    ("opened", "closed", "text"),
    [(5950000, 6012050, "1.043"), (100, 90, "-10.000"), (0, 5, "0.000"), (100000, 99999, "-0.001")],
)
def test_change_percent(opened: int, closed: int, text: str) -> None:
    """Three decimals."""
    assert change_percent(opened, closed) == text


def test_close_time() -> None:
    """The last unit before the next bar opens, from its inclusive end as from the next open."""
    assert last_stamp(60 * S) == last_stamp(60 * S - 1) == 59_999
    assert last_stamp(60 * S, 1000) == 59_999_999


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m", 60), ("59m", 3540), ("23h", 82_800), ("7d", 604_800), ("60m", None), ("0h", None)],
)
def test_window_sizes(text: str, seconds: int | None) -> None:
    """1m to 59m, 1h to 23h, 1d to 7d."""
    assert window_ns(text) == (None if seconds is None else seconds * S)


@given(st.integers(10**18, 2 * 10**18))
def test_windows_open_on_whole_minutes(now_ns: int) -> None:
    """And hold at least what was asked for."""
    length = from_whole_minute(3600 * S, now_ns)
    assert (now_ns - length) % (60 * S) == 0 and 0 <= length - 3600 * S < 60 * S


def test_decimals_of_a_coin() -> None:
    """One is a hundred million of the smallest unit."""
    assert (
        eight_decimals(E8)
        == "1.00000000"
        == str(Decimal(1).quantize(Decimal("1e-8"), ROUND_HALF_UP))
    )
