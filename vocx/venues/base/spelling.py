"""How symbols are written: ours, ``"BTC/USDT"``, checked, and the two ways of venues."""

from __future__ import annotations

from vocx.arguments import brief
from vocx.errors import BadInput, UnknownSymbol
from vocx.symbols import split_joined

LONGEST_SYMBOL = 60


def split_symbol(symbol: str) -> tuple[str, str]:
    """``("BTC", "USDT")`` of ``"BTC/USDT"``, or a refusal that says what to write instead."""
    if not isinstance(symbol, str) or len(symbol) > LONGEST_SYMBOL:
        raise BadInput(f'symbol is {brief(symbol)}; write "BTC/USDT"')
    if ":" in symbol and symbol.isprintable():
        spot = symbol.split(":")[0]
        raise BadInput(f'{brief(symbol)} names a future; vocx is spot only: write "{spot}"')
    base, slash, quote = symbol.partition("/")
    if not (slash and base.isalnum() and quote.isalnum()) or symbol != symbol.upper():
        guess = symbol.strip().upper().replace("-", "/").replace("_", "/")
        if guess.isalnum() and split_joined(guess) is None:
            raise UnknownSymbol(
                f"{brief(symbol)} is not how vocx writes a symbol, and no currency at its end "
                'tells where its base ends; write it with a slash, as in "BTC/USDT"'
            )
        if "/" not in guess:
            guess = split_joined(guess) or ""
        if not all(part.isalnum() for part in guess.split("/")) or guess.count("/") != 1:
            guess = "BTC/USDT"
        raise UnknownSymbol(f'{brief(symbol)} is not how vocx writes a symbol; write "{guess}"')
    return base, quote


def joined_symbol(symbol: str) -> str:
    """``"BTC/USDT"`` as ``"BTCUSDT"``; the way back is :func:`vocx.symbols.split_joined`."""
    base, quote = split_symbol(symbol)
    return base + quote


def dashed_symbol(symbol: str) -> str:
    """``"BTC/USDT"`` as ``"BTC-USDT"``."""
    base, quote = split_symbol(symbol)
    return f"{base}-{quote}"


def split_dashed(name: str) -> str | None:
    """``"BTC-USDT"`` as ``"BTC/USDT"``; ``None`` for what is no spot pair (a swap has three
    parts)."""
    base, dash, quote = name.partition("-")
    return f"{base}/{quote}" if dash and base and quote and "-" not in quote else None
