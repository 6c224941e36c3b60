"""Symbols without a separator: the venue's instruments decide, else the longest quote."""

from __future__ import annotations

import pytest

from vocx.symbols import split_joined


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT", "BTC/USDT"),
        ("DOGEBRL", "DOGE/BRL"),
        ("BTCTUSD", "BTC/TUSD"),
        ("ETHBTC", "ETH/BTC"),
        ("BTCFDUSD", "BTC/FDUSD"),
        ("SHIBDOGE", "SHIB/DOGE"),
        ("SUSDT", None),
        ("NOPE", None),
        ("USDT", None),
    ],
)
def test_the_longest_quote_with_a_base_of_two_letters(name: str, symbol: str | None) -> None:
    """What cannot be told apart is not guessed."""
    assert split_joined(name) == symbol


def test_known_instruments_decide() -> None:
    """They know a base of one letter, and which of two readings is traded."""
    assert split_joined("SUSDT", ["S/USDT"]) == "S/USDT"
    assert split_joined("BTCTUSD", ["BTCT/USD"]) == "BTCT/USD"
