"""Binance's symbols back into vocx's: ``"BTCUSDT"`` says nowhere where the base ends."""

from __future__ import annotations

from collections.abc import Iterable

_QUOTES = (
    *("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USD1", "DAI", "BTC", "ETH", "BNB", "EUR", "TRY"),
    *("BRL", "GBP", "AUD", "JPY", "MXN", "ARS", "COP", "IDR", "PLN", "RON", "ZAR", "UAH", "CZK"),
    *("SOL", "TRX", "DOGE", "XRP", "USD"),
)
"""Currencies that end symbols, in the order to try: ``TUSD`` before ``USD``."""


def from_venue(name: str, known: Iterable[str | None] = ()) -> str | None:
    """``"BTC/USDT"`` of ``"BTCUSDT"``: from the symbols known here, else by the currencies that
    end symbols; ``None`` when neither tells."""
    for symbol in known:
        if symbol is not None and symbol.replace("/", "") == name:
            return symbol
    for quote in _QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            return f"{name[: -len(quote)]}/{quote}"
    return None


def private_symbol(name: str, known: Iterable[str | None] = ()) -> str:
    """The same for one's own orders, of which none may be lost: a symbol that cannot be told
    apart stays as the venue writes it."""
    return from_venue(name, known) or name
