"""Lesson 09: the best price of several venues side by side, what lies between them, and how much
of that is true."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import permutations
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vocx.errors import BadInput, NotReady

if TYPE_CHECKING:
    from vocx.lab import Lab
    from vocx.stream import Stream
    from vocx.stream.latest import QuoteState

FEE_BP = 20
"""Basis points of taking at both venues: 0.1 % each, as the lab charges."""
_LOOK_S = 0.05


class BestPrices(Protocol):
    """Whatever knows a best bid and a best ask."""

    @property
    def bid(self) -> Decimal | None: ...

    @property
    def ask(self) -> Decimal | None: ...


class Spread(NamedTuple):
    """Buy at the ask of one venue and sell at the bid of another, before fees."""

    buy: str
    sell: str
    ask: Decimal
    bid: Decimal

    @property
    def amount(self) -> Decimal:
        """What is left for each unit, in the quote currency; negative: nothing is gained."""
        return self.bid - self.ask

    @property
    def bp(self) -> float:
        """The same in basis points of the ask."""
        return float(self.amount / self.ask) * 1e4

    def __str__(self) -> str:
        return f"buy {self.buy}, sell {self.sell}: {self.amount:+,.2f} ({self.bp:+.2f} bp)"


def spread(quotes: Mapping[str, BestPrices]) -> Spread | None:
    """The best pair of two different venues, or ``None`` where fewer than two have both prices."""
    pairs = [
        Spread(buy, sell, here.ask, there.bid)
        for (buy, here), (sell, there) in permutations(quotes.items(), 2)
        if here.ask is not None and there.bid is not None
    ]
    return max(pairs, key=lambda one: one.amount, default=None)


def usable(quote: QuoteState, max_age_ms: float | None) -> bool:
    """Whether a price is whole, in sync and proven no older than that."""
    if not quote.in_sync or quote.bid is None or quote.ask is None:
        return False
    return max_age_ms is None or (quote.age_ms is not None and quote.age_ms <= max_age_ms)


class SpreadWatch(NamedTuple):
    """What was shown between venues, and what the same pair of venues really had at that moment.

    In the quote currency for each unit, on average; ``paid`` counts the looks at which more was
    shown than the fees of both sides, ``too_much_p95`` is not exceeded by what was shown beyond
    the truth in 95 % of the looks.
    """

    looks: int
    shown: float
    true: float
    paid: int
    too_much_p95: float

    def __str__(self) -> str:
        return (
            f"{self.shown:+.2f} shown, {self.true:+.2f} true; 1 look of 20 was "
            f"{self.too_much_p95:.2f} or more too high; {self.paid} of {self.looks} beyond fees"
        )


def watch_spread(
    lab: Lab, streams: Sequence[Stream], symbol: str, *, seconds: float, max_age_ms: float = 2000
) -> SpreadWatch:
    """Look at the spread between venues for ``seconds`` and ask the lab each time what is true.

    Raises
    ------
    BadInput
        Fewer than two venues had a price that could be used.
    """
    found: list[tuple[float, float, bool]] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(_LOOK_S)
        shown = spread(_quotes(streams, symbol, max_age_ms))
        if shown is None:
            continue
        ask = lab.truth.at(shown.buy).book(symbol, depth=1).ask
        bid = lab.truth.at(shown.sell).book(symbol, depth=1).bid
        if ask is not None and bid is not None:
            found.append((float(shown.amount), float(bid - ask), shown.bp > FEE_BP))
    if not found:
        raise BadInput("fewer than two venues had a price: wait for the streams first")
    beyond = sorted(shown - true for shown, true, _ in found)
    return SpreadWatch(
        len(found),
        fmean(one[0] for one in found),
        fmean(one[1] for one in found),
        sum(one[2] for one in found),
        beyond[int(len(beyond) * 0.95)],
    )


def _quotes(streams: Sequence[Stream], symbol: str, max_age_ms: float) -> dict[str, QuoteState]:
    found: dict[str, QuoteState] = {}
    for stream in streams:
        try:
            quote = stream.quote(symbol)
        except NotReady:
            continue
        if usable(quote, max_age_ms):
            found[stream.venue.name] = quote
    return found
