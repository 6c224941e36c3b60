"""Two small strategies to read, run in the lab and change: a spread monitor and a market maker."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

import msgspec

from vocx.arguments import brief, check_count, whole_of, written_fields
from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.facts import aware, exact
from vocx.hybrid.strategy import Strategy, View, Want, want


class WideSpread(msgspec.Struct, frozen=True):
    """A moment at which the spread was wide."""

    time: datetime | None
    spread: Decimal
    ticks: Decimal
    age_ms: float | None

    __repr__ = written_fields


class SpreadMonitor:
    """Watches and trades nothing: notes each time the spread is at least ``ticks`` ticks wide.

    Attributes
    ----------
    seen : deque of WideSpread
        The latest thousand, each episode once.
    looks : int
        How often it looked.
    """

    def __init__(self, tick: Decimal | str, ticks: int = 10) -> None:
        self._tick, self._ticks = exact(tick, "tick"), check_count(ticks, "ticks", 1, 10)
        if self._tick <= 0:
            raise BadInput("tick is above 0: ex.instrument(symbol).tick")
        self.seen: deque[WideSpread] = deque(maxlen=1000)
        self.looks = 0
        self._wide = False

    def __call__(self, view: View) -> Iterable[Want] | None:
        self.looks += 1
        book = view.book
        if book is None or book.bid is None or book.ask is None:
            return None
        spread = book.ask - book.bid
        wide = spread >= self._ticks * self._tick
        if wide and not self._wide:
            seen = WideSpread(aware(view.now_ns), spread, spread / self._tick, view.age_ms)
            self.seen.append(seen)
        self._wide = wide
        return None


@says_its_form
def market_maker(
    quantity: Decimal | int | str,
    *,
    tick: Decimal | str = "0.01",
    distance_ticks: int = 2,
    most: Decimal | int | str | None = None,
) -> Strategy:
    """A bid and an ask, ``distance_ticks`` behind the best, until ``most`` is held or owed.

    It leans against its position: what it has too much of it quotes on the other side only. It
    earns the spread from those who cross it and pays those who know more; in the lab you see both.

    Parameters
    ----------
    quantity : number as text
        Of each quote, in base currency.
    tick : number as text
        The price step: ``ex.instrument(symbol).tick``.
    most : number as text or None
        The largest position, up or down; five quotes by default.
    """
    size, step = exact(quantity, "quantity"), exact(tick, "tick")
    behind = whole_of(distance_ticks)
    if behind is None:
        raise BadInput(f"distance_ticks is {brief(distance_ticks)}; write a whole number such as 2")
    bound = 5 * size if most is None else exact(most, "most")
    if size <= 0 or step <= 0 or bound <= 0:
        raise BadInput("quantity, tick and most are above 0")

    def strategy(view: View) -> list[Want] | None:
        book = view.book
        if book is None or book.bid is None or book.ask is None:
            return []
        bid, ask = book.bid, book.ask
        position = view.pnl.position
        wanted = []
        if position + size <= bound:
            wanted.append(want("buy", size, bid - behind * step))
        if position - size >= -bound:
            wanted.append(want("sell", size, ask + behind * step))
        return wanted

    return strategy
