"""Symbols as vocx writes them, ``"BTC/USDT"``, and as venues do that write no separator.

``"BTCUSDT"`` says nowhere where the base ends. The venue's instruments do; where there are none,
as in a recording, the longest known quote currency decides that leaves a base of two letters or
more, so ``DOGEBRL`` is not DOG in EBRL. What cannot be told apart stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

QUOTES = (
    *("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDE", "USDQ", "USDR", "EURI", "USD1", "BVND"),
    *("AEUR", "PAXG", "DOGE", "BTC", "ETH", "BNB", "SOL", "TRX", "XRP", "DOT", "DAI", "MNT"),
    *("EUR", "TRY", "BRL", "GBP", "AUD", "JPY", "MXN", "ARS", "COP", "IDR", "PLN", "RON", "ZAR"),
    *("UAH", "CZK", "RUB", "NGN", "INR", "SGD", "CHF", "CAD", "KZT", "USD"),
)
"""Currencies that spot markets are quoted in, on the venues that write no separator (2026-11)."""
_LONGEST_FIRST = sorted(QUOTES, key=len, reverse=True)


def join_assets(base: str, quote: str, known: Iterable[str] = ()) -> str:
    """``"BTC/USDT"``. Without a quote, as an exchange that plays a recording may leave it, the name
    is split as in the symbols ``known`` here, or stays whole."""
    if quote:
        return f"{base}/{quote}"
    return next((one for one in known if one.replace("/", "") == base), base)


def split_joined(name: str, known: Iterable[str | None] = ()) -> str | None:
    """``"BTC/USDT"`` of ``"BTCUSDT"``: from the symbols known here, else by the quote currencies;
    ``None`` when neither tells."""
    for symbol in known:
        if symbol is not None and symbol.replace("/", "") == name:
            return symbol
    for quote in _LONGEST_FIRST:
        base = name.removesuffix(quote)
        if base != name and len(base) >= 2:
            return f"{base}/{quote}"
    return None
