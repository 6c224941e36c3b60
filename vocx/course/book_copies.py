"""Hand-made copies of a book, held against the truth: lesson 03 and its forty lost messages.

A copy is what the lesson builds: ``{"bids": {price: quantity}, "asks": {price: quantity}}``, with
Decimals. A change is a ``depthUpdate`` of the wire, decoded from JSON and nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import websocket

from vocx.course.waiting import wait_for
from vocx.errors import BookOutOfSync, WaitTimeout
from vocx.facts import BookSnapshot

if TYPE_CHECKING:
    from vocx.lab import Lab
    from vocx.stream import Stream

Book = dict[str, dict[Decimal, Decimal]]
Change = Mapping[str, Any]

COPIES = 40
AFTER = 100
"""Changes that each copy is followed for after its loss."""
_KNOWN = 500
"""Levels a side that the copies begin with: far more than the price walks in that time."""
_PATIENCE_S = 5.0
REAL = {10: 30.0, 100: 55.0}
"""Per cent of wrong best prices after one lost ``depth@100ms`` message, 150 places in a recorded
session of Binance BTCUSDT (10.8 minutes of 2024-08-08 and 09), by changes since the loss."""


def finish_recording(lab: Lab, ws: websocket.WebSocket, changes: list[Change]) -> BookSnapshot:
    """Pause the market, add the changes still on their way, close the connection, let it go on.

    Returns
    -------
    BookSnapshot
        The engine's whole book at the last of the changes.
    """
    lab.pause()
    try:
        truth = lab.truth.at("binance").book("BTC/USDT", depth=5000)
        while changes[-1]["u"] < (truth.sequence or 0):
            changes.append(json.loads(ws.recv()))
    finally:
        lab.resume()
        ws.close()
    return truth


def best_prices(book: Book) -> tuple[Decimal, Decimal]:
    """Best bid and best ask."""
    return max(book["bids"]), min(book["asks"])


def compare_books(book: Book, truth: BookSnapshot) -> str:
    """How far a copy is from the truth, in words."""
    bids, asks = book["bids"].items(), book["asks"].items()
    wrong = {price for price, _ in (bids ^ set(truth.bids)) | (asks ^ set(truth.asks))}
    text = f"{len(wrong)} of {len(bids) + len(asks):,} levels wrong, "
    bid, ask = best_prices(book)
    if (bid, ask) == (truth.bid, truth.ask):
        return text + "best bid and ask right"
    crossed = " (crossed)" if bid >= ask else ""
    return (
        text
        + f"best bid and ask {bid:,.2f} and {ask:,.2f}{crossed}, "
        + (f"in truth {truth.bid:,.2f} and {truth.ask:,.2f}")
    )


def audit(lab: Lab, stream: Stream) -> str:
    """Pause the market and hold a stream's book of BTC/USDT against the engine's, level by level.

    Raises
    ------
    WaitTimeout
        The book did not reach the engine's update id.
    """
    lab.pause()
    try:
        truth = lab.truth.at(stream.venue.name).book("BTC/USDT", depth=5000)

        def at_the_same_id() -> BookSnapshot | None:
            with suppress(BookOutOfSync):
                mine = stream.book("BTC/USDT", depth=5000)
                return mine if mine.sequence == truth.sequence else None
            return None

        mine = wait_for(at_the_same_id, _PATIENCE_S)
    finally:
        lab.resume()
    if mine is None:
        raise WaitTimeout(f"the book of {stream.name} did not reach id {truth.sequence}")
    return compare_books({"bids": dict(mine.bids), "asks": dict(mine.asks)}, truth)


class Losses:
    """Forty copies, each of which missed another single message. Made by :func:`lose_each`.

    Attributes
    ----------
    true : dict
        The book that missed nothing.
    copies : list of dict
        In the order of their losses.
    wrong : list of list of bool
        By changes since the loss (0: at once): whether each copy's best price was wrong.
    """

    def __init__(self, true: Book) -> None:
        self.true = true
        self.copies: list[Book] = []
        self.wrong: list[list[bool]] = [[] for _ in range(AFTER + 1)]

    def share(self, after: int) -> float:
        """Per cent of copies with a wrong best price so many changes after their loss."""
        asked = self.wrong[after]
        return 100 * sum(asked) / max(1, len(asked))

    def __str__(self) -> str:
        at_once, later, last = (self.share(after) for after in (0, 10, AFTER))
        verdict = "it gets worse" if last > at_once else "it did not: the price hardly moved"
        return (
            f"Best price wrong in {at_once:.0f} % of {len(self.copies)} copies at once, "
            f"{later:.0f} % after 1 s, {last:.0f} % after 10 s: {verdict}."
        )

    def chart(self, *, height: int = 300) -> Any:
        """The share of wrong copies by changes since the loss, with the real market's figures."""
        from vocx import figures

        figure: Any = figures.frame(
            "changes since the loss (ten a second, the exchange's cadence)",
            "wrong best price, % of copies",
            height=height,
            yaxis={"rangemode": "tozero"},
        )
        mine = figures.line(f"{len(self.copies)} copies, this run", figures.ASKED)
        mine.update(x=list(range(AFTER + 1)), y=[self.share(after) for after in range(AFTER + 1)])
        mine.hovertemplate = "%{y:.0f} % after %{x} changes<extra></extra>"
        figure.add_trace(mine)
        real = figures.marks("recorded on Binance, August 2024", figures.TRUTH, "x")
        real.update(x=list(REAL), y=list(REAL.values()), marker={"size": 11, "opacity": 1})
        real.hovertemplate = "%{y} % after %{x} changes<extra></extra>"
        return figure.add_trace(real)

    def ghosts(self, *, height: int = 320) -> Any:
        """The worst copy in outline over the true book, as far around the price as it is wrong."""
        from vocx import figures

        worst = max(self.copies, key=lambda copy: _damage(copy, self.true))
        prices = [*best_prices(worst), *best_prices(self.true)]
        low, high, margin = min(prices), max(prices), (max(prices) - min(prices)) / 2 + 2
        true, ghost = (_between(one, low - margin, high + margin) for one in (self.true, worst))
        return figures.depth(true, ghost=ghost, height=height)


def _damage(copy: Book, true: Book) -> Decimal:
    """Quantity that stands on the wrong side of the true price, times how far."""
    bid, ask = best_prices(true)
    bought = ((price - bid) * quantity for price, quantity in copy["bids"].items() if price > bid)
    sold = ((ask - price) * quantity for price, quantity in copy["asks"].items() if price < ask)
    return sum(bought, Decimal(0)) + sum(sold, Decimal(0))


def _between(book: Book, low: Decimal, high: Decimal) -> BookSnapshot:
    bids, asks = (
        sorted((level for level in book[side].items() if low <= level[0] <= high), reverse=turned)
        for side, turned in (("bids", True), ("asks", False))
    )
    return BookSnapshot(symbol="BTC/USDT", bids=tuple(bids), asks=tuple(asks), arrived_ns=0)


def lose_each(
    apply: Callable[[Book, Change], object], snapshot: BookSnapshot, changes: Sequence[Change]
) -> Losses:
    """Play a recording to :data:`COPIES` copies; each misses another single change.

    Parameters
    ----------
    apply : callable
        Yours: writes one change into one copy.
    snapshot, changes
        What was recorded: at least :data:`COPIES` + :data:`AFTER` changes.
    """
    true: Book = {"bids": dict(snapshot.bids[:_KNOWN]), "asks": dict(snapshot.asks[:_KNOWN])}
    found = Losses(true)
    fresh = [change for change in changes if change["u"] > (snapshot.sequence or 0)]
    for number, change in enumerate(fresh):
        for copy in found.copies:
            apply(copy, change)
        if number < COPIES:  # one more copy, and this change it misses
            found.copies.append({side: dict(levels) for side, levels in true.items()})
        apply(true, change)
        right = best_prices(true)
        for born, copy in enumerate(found.copies):
            if number - born <= AFTER:
                found.wrong[number - born].append(best_prices(copy) != right)
    return found
