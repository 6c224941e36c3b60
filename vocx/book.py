"""A local order book: a snapshot plus changes, by the venue's own rule of continuity.

The strategy, in the order in which it matters:

1. Changes that come before a snapshot are *buffered* (at most 10,000), not lost.
2. A snapshot replaces everything. Then the buffer is replayed: the rule says of each change
   ``"drop"`` (older than the book), ``"apply"`` or ``"resync"`` (something is missing).
3. Where something is missing the book says ``out_of_sync`` and why, keeps buffering from there
   and wants a new snapshot. It never shows levels that it cannot vouch for.
4. A book whose best bid reaches its best ask is corrupt: out of sync at once.

Pure: no clock, no socket. Who fetches the snapshot, and when, is the caller's business:
look at :attr:`LocalBook.needs_snapshot`.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from math import inf
from typing import Literal

from vocx.arguments import as_count, brief, digits
from vocx.errors import BadInput, BookOutOfSync
from vocx.facts import BookDelta, BookSnapshot, Level, Levels
from vocx.facts.levels import exact_level

State = Literal["empty", "buffering", "in_sync", "out_of_sync"]

BUFFER_CAP = 10_000
"""Changes kept while a snapshot is on its way: 17 minutes at ten a second."""
_NEAR = 50
"""Best levels of a side that are kept in order; at most twice as many where more come."""


class _Side:
    """One side: levels by price, and the best of them in order.

    Two costs shape it. Making and hashing a ``Decimal`` takes many times as long as a float, so
    levels are found by the float of their price and kept as they were given. And most levels come
    and go unseen, far from the top, so only those near it have a place in an order; who looks
    deeper has all of them sorted.

    A place is the price, negative for asks: the best is the last.
    """

    __slots__ = ("levels", "_near", "_bound", "_sign")

    def __init__(self, side: Sequence[Level] = (), *, highest: bool) -> None:
        given = Levels.of(side)
        self.levels = {
            number.price: level
            for number, level in zip(given.take_floats(), given.written, strict=True)
            if number.quantity
        }
        self._sign = 1.0 if highest else -1.0
        self._keep_near(self._places())

    def _places(self) -> list[float]:
        sign = self._sign
        return sorted([sign * key for key in self.levels])

    def _keep_near(self, places: list[float]) -> None:
        """Keep the best of these; every level that is placed above the bound is among them."""
        self._near = places[-_NEAR:]
        self._bound = places[-_NEAR - 1] if len(places) > _NEAR else -inf

    def apply(self, side: Sequence[Level]) -> None:
        """Take changes: a quantity of 0 deletes a level.

        Raises
        ------
        ArithmeticError
            As :meth:`vocx.facts.Levels.take_floats`.
        """
        levels, near, bound, sign = self.levels, self._near, self._bound, self._sign
        changes = Levels.of(side)
        for number, level in zip(changes.take_floats(), changes.written, strict=True):
            key = number.price
            if number.quantity:
                if sign * key > bound and key not in levels:
                    insort(near, sign * key)
                levels[key] = level
            elif levels.pop(key, None) is not None and sign * key > bound:
                del near[bisect_left(near, sign * key)]
        if len(near) > 2 * _NEAR:
            self._keep_near(near)

    @property
    def best_price(self) -> float | None:
        """The highest bid or the lowest ask; ``None`` of an empty side."""
        if not self.levels:
            return None
        if not self._near:
            self._keep_near(self._places())
        return self._sign * self._near[-1]

    @property
    def best(self) -> Level | None:
        """The level at :attr:`best_price`."""
        price = self.best_price
        return None if price is None else exact_level(self.levels[price])

    def top(self, depth: int) -> Levels:
        """The best levels, the best first."""
        places, levels, sign = self._near, self.levels, self._sign
        if len(places) < min(depth, len(levels)):
            places = self._places()
            self._keep_near(places)
        return Levels([levels[sign * place] for place in places[: -depth - 1 : -1]])


class LocalBook:
    """The copy of one symbol's book.

    Parameters
    ----------
    symbol : str
        ``"BTC/USDT"``.
    check_sequence : callable
        The venue's rule, ``Venue.check_sequence``: of the book's sequence and a delta it says
        ``"drop"``, ``"apply"`` or ``"resync"``.
    in_stream : bool
        Snapshots come among the changes: what waited when one comes is older than it.

    Attributes
    ----------
    state : str
        ``"empty"`` (nothing came), ``"buffering"`` (changes but no snapshot), ``"in_sync"``,
        ``"out_of_sync"`` (it was a copy once; ``reason`` says what happened).
    reason : str
        Why it is not in sync; empty while it is.
    sequence : int or None
        The venue's update id up to which the book is complete.
    changed_ns, exchange_ns : int or None
        Arrival and venue stamp of the last change that was applied.
    horizon : tuple of Decimal or None
        Lowest bid and highest ask of the snapshot, where it was cut off at its depth. Levels
        beyond are known only if they changed since: they are not absent, they are unknown.
    applied, dropped, resyncs : int
        Changes applied, changes dropped as old, times that continuity was lost.
    """

    def __init__(
        self,
        symbol: str,
        check_sequence: Callable[[int, BookDelta], str],
        *,
        in_stream: bool = False,
    ) -> None:
        self.symbol = symbol
        self._in_stream = in_stream
        self._check_sequence = check_sequence
        self.applied = self.dropped = self.resyncs = 0
        self._waiting: deque[BookDelta] = deque(maxlen=BUFFER_CAP)
        self._forget("empty", "no snapshot yet")

    def _forget(self, state: State, reason: str) -> None:
        self._bids, self._asks = _Side(highest=True), _Side(highest=False)
        self.state: State = state
        self.reason = reason
        self.sequence: int | None = None
        self.changed_ns: int | None = None
        self.exchange_ns: int | None = None
        self.horizon: tuple[Decimal | None, Decimal | None] = (None, None)
        self._joined = False

    @property
    def in_sync(self) -> bool:
        return self.state == "in_sync"

    @property
    def needs_snapshot(self) -> bool:
        """True until a snapshot has joined the changes without a gap."""
        return self.state != "in_sync"

    @property
    def buffered(self) -> int:
        """Changes that wait for a snapshot."""
        return len(self._waiting)

    def reset(self, reason: str) -> None:
        """Forget levels and buffer: the connection was lost, so the old ids lead nowhere."""
        if self.state == "in_sync":
            self.resyncs += 1
        self._waiting.clear()
        self._forget("out_of_sync" if self.state != "empty" else "empty", reason)

    def feed(self, fact: BookSnapshot | BookDelta) -> State:
        """Take one fact; the state afterwards.

        A snapshot without a sequence is a whole book by itself and is simply shown.
        """
        if isinstance(fact, BookSnapshot):
            self._take_snapshot(fact)
        elif self.state == "in_sync":
            self._take_delta(fact)
        else:
            self._waiting.append(fact)
            if self.state == "empty":
                self.state = "buffering"
        return self.state

    def _take_snapshot(self, fact: BookSnapshot) -> None:
        self._forget("in_sync", "")
        try:
            self._bids = _Side(fact.bids, highest=True)
            self._asks = _Side(fact.asks, highest=False)
        except ArithmeticError as error:
            self._lose(f"in the snapshot: {error}", tuple(self._waiting))
            return
        self.sequence = fact.sequence
        self.changed_ns, self.exchange_ns = fact.arrived_ns, fact.exchange_ns
        self.horizon = _horizon(fact)
        waiting, self._waiting = self._waiting, deque(maxlen=BUFFER_CAP)
        if self._in_stream:
            waiting.clear()
        if self._crossed():
            self._lose(f"crossed snapshot: {self._best_text()}", waiting)
        while waiting and self.state == "in_sync":
            self._take_delta(waiting[0], waiting)
            waiting.popleft()

    def _take_delta(self, delta: BookDelta, behind: Iterable[BookDelta] | None = None) -> None:
        """Apply one change; ``behind`` are this one and those that wait after it."""
        verdict = "apply" if self.sequence is None else self._check_sequence(self.sequence, delta)
        if verdict == "drop":
            self.dropped += 1
        elif verdict == "resync":
            what = "gap" if self._joined else "the snapshot is too old"
            self._lose(
                f"{what}: {_missing(self.sequence, delta)}", [delta] if behind is None else behind
            )
        else:
            self._apply(delta)

    def _apply(self, delta: BookDelta) -> None:
        try:
            self._bids.apply(delta.bids)
            self._asks.apply(delta.asks)
            crossed = self._crossed()
        except ArithmeticError as error:
            self._lose(f"in change {delta.last}: {error}", ())
            return
        if crossed:
            self._lose(f"crossed at {delta.last}: {self._best_text()}", ())
            return
        self._joined = True
        self.applied += 1
        self.sequence = delta.last
        self.changed_ns = delta.arrived_ns
        if delta.exchange_ns is not None:
            self.exchange_ns = delta.exchange_ns

    def _lose(self, reason: str, keep: Iterable[BookDelta]) -> None:
        kept = deque(keep, maxlen=BUFFER_CAP)
        self.resyncs += 1
        self._forget("out_of_sync", reason)
        self._waiting = kept

    def _crossed(self) -> bool:
        bid, ask = self._bids.best_price, self._asks.best_price
        return bid is not None and ask is not None and bid >= ask

    def _best_text(self) -> str:
        bid, ask = self._bids.best, self._asks.best
        shown = ["None" if best is None else digits(best[0]) for best in (bid, ask)]
        return f"bid {shown[0]}, ask {shown[1]}"

    def _demand_sync(self) -> None:
        if self.state != "in_sync":
            raise BookOutOfSync(
                f"the book of {self.symbol} is {self.state.replace('_', ' ')}: {self.reason}. "
                "It rebuilds itself; wait for it.",
                reason=self.reason,
            )

    @property
    def bid(self) -> Level | None:
        """Best bid (price, quantity); ``None`` where that side is empty.

        Raises
        ------
        BookOutOfSync
            While it is not a true copy.
        """
        self._demand_sync()
        return self._bids.best

    @property
    def ask(self) -> Level | None:
        """Best ask (price, quantity); see :attr:`bid`."""
        self._demand_sync()
        return self._asks.best

    @property
    def levels(self) -> tuple[int, int]:
        """How many price levels are known: (bids, asks)."""
        return len(self._bids.levels), len(self._asks.levels)

    def snapshot(self, depth: int = 20) -> BookSnapshot:
        """The best ``depth`` levels of each side, bids descending and asks ascending.

        Raises
        ------
        BookOutOfSync
            While it is not a true copy; ``reason`` says why.
        BadInput
            For a depth below 1.
        """
        self._demand_sync()
        depth = as_count(depth)
        if type(depth) is not int or depth < 1:
            raise BadInput(f"depth is {brief(depth)}; give a number of levels, such as 20")
        return BookSnapshot(
            symbol=self.symbol,
            bids=self._bids.top(depth),
            asks=self._asks.top(depth),
            sequence=self.sequence,
            depth=depth,
            exchange_ns=self.exchange_ns,
            arrived_ns=self.changed_ns or 0,
        )

    def __repr__(self) -> str:
        bids, asks = self.levels
        why = f" ({self.reason})" if self.reason else ""
        return f"<LocalBook {self.symbol} {self.state}{why}, {bids} bids, {asks} asks>"


def _missing(sequence: int | None, delta: BookDelta) -> str:
    if delta.previous is not None:
        return f"the book is at {sequence}, the change follows {delta.previous}"
    return f"expected {(sequence or 0) + 1}, got {delta.first}"


def _horizon(fact: BookSnapshot) -> tuple[Decimal | None, Decimal | None]:
    """Worst prices of a snapshot that was cut off at its depth; ``None`` where it was not."""
    full = fact.depth or 0
    return (
        fact.bids[-1][0] if 0 < full <= len(fact.bids) else None,
        fact.asks[-1][0] if 0 < full <= len(fact.asks) else None,
    )
