"""Lesson 00: ``spread_in_ticks(quote, tick)``."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from vocx.course.answer_runner import Trial, Wrong, short
from vocx.course.exercise import Check
from vocx.errors import VocxError
from vocx.exchange import Exchange
from vocx.facts import Quote
from vocx.text import plain


def _quote(symbol: str, bid: str, ask: str) -> Quote:
    one = Decimal(1)
    return Quote(
        symbol=symbol, bid=Decimal(bid), bid_quantity=one, ask=Decimal(ask), ask_quantity=one
    )


_WIDE = (
    (_quote("BTC/USDT", "61700.10", "61700.17"), Decimal("0.01")),
    (_quote("ETH/BTC", "0.04251", "0.04254"), Decimal("0.00001")),
    (_quote("ETH/USDT", "2621.40", "2621.50"), Decimal("0.05")),
)
"""The market is one tick wide nearly always: without these a function that says 1 would pass."""


def _live(exchange: Exchange | None) -> list[tuple[Quote, Decimal]]:
    """Quotes of this moment, where the lesson's exchange answers."""
    if exchange is None:
        return []
    try:
        return [
            (exchange.quote(symbol), exchange.instrument(symbol).tick)
            for symbol in ("BTC/USDT", "ETH/USDT")
        ]
    except VocxError:
        return []


def judge(spread_in_ticks: Trial, exchange: Exchange | None) -> str:
    """Quotes of now, then wide ones with three different ticks."""
    seen = []
    for quote, tick in [*_live(exchange), *_WIDE]:
        got = spread_in_ticks(quote, tick)
        assert quote.spread is not None  # the lab's crowd quotes both sides, always
        right = quote.spread / tick
        _compare(got, right, quote, tick)
        seen.append(f"{quote.symbol} {plain(right)}")
    return f"In ticks: {', '.join(seen)}."


def _compare(got: Any, right: Decimal, quote: Quote, tick: Decimal) -> None:
    given = f"bid {quote.bid}, ask {quote.ask} of {quote.symbol}, tick {tick}"
    if type(got) in (int, Decimal) and got == right:
        return
    raise Wrong(_why(got, right, quote, tick), given=given, seen=short(got), expected=plain(right))


def _why(got: Any, right: Decimal, quote: Quote, tick: Decimal) -> str:
    if isinstance(got, float) and abs(got - float(right)) < 1e-3:
        return "a float crept in; prices arrived as Decimal, keep them"
    if isinstance(got, bool) or not isinstance(got, int | float | Decimal):
        return "a number is wanted: how many ticks lie between bid and ask"
    number = Decimal(repr(got)) if isinstance(got, float) else Decimal(got)
    if not number.is_finite():
        return "that is no finite number"
    if quote.spread is not None and abs(number - quote.spread) < Decimal("1e-9"):
        return f"that is {quote.symbol.split('/')[1]}; how many ticks of {tick} is it?"
    if quote.spread is not None and number == quote.spread / Decimal("0.01"):
        return f"the tick of {quote.symbol} is {tick} here, not 0.01: take the one given"
    if number == -right:
        return "the ask is above the bid: subtract the other way round"
    if number == 1:
        return "one tick is the usual spread, but this quote is wider: work it out"
    if number == right + 1:
        return "count the steps between the two prices, not the prices"
    return "take the difference of ask and bid, and ask how often the tick goes into it"


CHECK = Check(
    id="00.1",
    task="Write spread_in_ticks(quote, tick): how many ticks lie between bid and ask.",
    hint="quote.ask - quote.bid is the spread in money; divide it by the tick. No float().",
    judge=judge,
)
