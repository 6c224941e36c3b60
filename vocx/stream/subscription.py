"""Between the reader and your code: a bounded queue that says what it does when it is full.

The reader never waits. When you are slower than the market, something must give, and which thing
is your choice:

``"latest"``       keep only the newest fact of each kind and symbol, of a book its top 20: for
                   prices you look at,
``"drop_oldest"``  drop the oldest and count it: for tapes,
``"gap"``          drop everything and say so with a :class:`~vocx.facts.Gap` (and, for a book, a
                   fresh snapshot to go on from; of orders and balances the latest of each): for
                   changes that mean nothing with one missing, and for an account's events.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from typing import Literal

from vocx.arguments import brief, check_count
from vocx.errors import BadInput, StreamStopped, VocxError, WaitTimeout
from vocx.facts import (
    Balance,
    BookDelta,
    BookSnapshot,
    Candle,
    Fact,
    Fill,
    Gap,
    Order,
    Quote,
    Ticker,
    Trade,
)

Policy = Literal["latest", "drop_oldest", "gap"]
POLICIES: tuple[Policy, ...] = ("latest", "drop_oldest", "gap")

KINDS: dict[str, tuple[type[Fact], ...]] = {
    "trades": (Trade,),
    "quotes": (Quote,),
    "book": (BookDelta, BookSnapshot),
    "ticker": (Ticker,),
    "candles": (Candle,),
    "orders": (Order,),
    "fills": (Fill,),
    "balances": (Balance,),
}
"""Channel to the kinds of fact that it carries."""

_WHOLE, _TOP = 1_000_000, 20  # levels a side
_SLICE_S = 0.2  # waits are cut into slices, so that an interrupt gets through on every system

_TURN = 100  # facts after which other tasks of an event loop get their turn


class Subscription:
    """Facts for one consumer, in order. Iterate over it, or :meth:`get` one at a time.

    Iterating ends when the stream is stopped; it raises the stream's error when it died. In a
    coroutine write ``async for``: the event loop goes on while it waits.

    Attributes
    ----------
    dropped : int
        Facts that you were too slow for.
    policy : str
        ``"latest"``, ``"drop_oldest"`` or ``"gap"``.
    """

    def __init__(
        self,
        *,
        channels: Collection[str] | None = None,
        symbols: Collection[str] | None = None,
        policy: Policy | None = None,
        size: int = 10_000,
        on_close: Callable[[Subscription], None] | None = None,
        refresh: Callable[[str, int], BookSnapshot | None] | None = None,
    ) -> None:
        if policy is None:
            policy = "gap" if channels is not None and set(channels) == {"book"} else "drop_oldest"
        if not isinstance(policy, str) or policy not in POLICIES:
            raise BadInput(f"policy is {brief(policy)}; choose one of {', '.join(POLICIES)}")
        size = min(check_count(size, "size", least=1, example=10_000), sys.maxsize)
        self.policy: Policy = policy
        self.dropped = 0
        self._size = size
        self._channels = None if channels is None else frozenset(channels)
        self._kinds = _kinds(self._channels)
        self._symbols = None if symbols is None else frozenset(symbols)
        self._facts: deque[Fact] = deque(maxlen=size if policy == "drop_oldest" else None)
        self._latest: dict[tuple[object, ...], Fact] = {}
        self._ready = threading.Condition(threading.Lock())
        self._closed = False
        self._error: VocxError | None = None
        self._wake: Callable[[], None] | None = None
        self._on_close = on_close
        self._refresh = refresh

    # the reader's side

    def offer(self, facts: Sequence[Fact]) -> None:
        """Take what concerns this consumer. Never waits; called by reader threads only."""
        if self._kinds is not None or self._symbols is not None:
            facts = [fact for fact in facts if self._concerns(fact)]
            if not facts:
                return
        with self._ready:
            if self._closed:
                return
            if self.policy == "latest":
                self._conflate(facts)
            elif self.policy == "drop_oldest":
                self.dropped += max(0, len(self._facts) + len(facts) - self._size)
                self._facts.extend(facts)  # at its limit the queue lets go of the oldest
            else:
                self._facts.extend(facts)
                if len(self._facts) > self._size:
                    self._overflow()
            self._ready.notify()
            if self._wake is not None:
                self._wake()

    def _concerns(self, fact: Fact) -> bool:
        if isinstance(fact, Gap):
            named = self._channels is None or fact.channel in self._channels
        else:
            named = self._kinds is None or type(fact) in self._kinds
        return named and (self._symbols is None or getattr(fact, "symbol", None) in self._symbols)

    def _conflate(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            key = (
                type(fact),
                getattr(fact, "symbol", None),
                getattr(fact, "interval", None),
                getattr(fact, "channel", None),
                _identity(fact),
            )
            if self._latest.pop(key, None) is not None:
                self.dropped += 1
            self._latest[key] = fact
        while len(self._latest) > self._size:
            self._latest.pop(next(iter(self._latest)))
            self.dropped += 1

    def _overflow(self) -> None:
        """Everything goes; a gap per channel and symbol says so."""
        lost = list(self._facts)
        self._facts.clear()
        self.dropped += len(lost)
        for channel, kinds in KINDS.items():
            of_channel = [fact for fact in lost if isinstance(fact, kinds)]
            for symbol in dict.fromkeys(getattr(fact, "symbol", None) for fact in of_channel):
                mine = [fact for fact in of_channel if getattr(fact, "symbol", None) == symbol]
                self._facts.append(_overflowed(channel, symbol, mine))
                fresh = self._fresh(channel, symbol)
                if fresh is not None:
                    self._facts.append(fresh)
                # Fills stay lost here; orders and balances are states, of which the last counts.
                latest = {_identity(fact): fact for fact in mine if _identity(fact) is not None}
                self._facts.extend(latest.values())

    def _fresh(self, channel: str, symbol: str | None) -> BookSnapshot | None:
        if channel != "book" or symbol is None or self._refresh is None:
            return None
        return self._refresh(symbol, _WHOLE)

    def end(self, error: VocxError | None) -> None:
        """The stream is over; what is queued can still be read."""
        with self._ready:
            self._closed = True
            self._error = error
            self._tell_all()

    # your side

    def get(self, timeout: float | None = None) -> Fact:
        """The next fact, waiting at most ``timeout`` seconds (``None``: for ever).

        Raises
        ------
        WaitTimeout
            Nothing came.
        StreamStopped
            Nothing will come: the stream was stopped, or died for the reason it names.
        """
        fact = self._next(timeout)
        if fact is None:
            if self._closed:
                raise self._error or StreamStopped("the stream was stopped")
            raise WaitTimeout(f"no fact arrived within {timeout:g} s")
        return fact

    def _next(self, timeout: float | None) -> Fact | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._ready:
            while True:
                fact = self._pop()
                if fact is not None or self._closed:
                    return fact
                left = _SLICE_S if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    return None
                self._ready.wait(min(left, _SLICE_S))

    def _pop(self) -> Fact | None:
        """What waits longest; the lock is held."""
        if self._facts:
            return self._facts.popleft()
        while self._latest:
            fact = self._whole(self._latest.pop(next(iter(self._latest))))
            if fact is not None:
                return fact
        return None

    def _whole(self, fact: Fact) -> Fact | None:
        """One change of a book alone means nothing: its newest is the top of the book now."""
        if type(fact) is BookDelta and self._refresh is not None:
            return self._refresh(fact.symbol, _TOP)
        return fact

    def __iter__(self) -> Iterator[Fact]:
        while True:
            fact = self._next(None)
            if fact is not None:
                yield fact
            elif self._closed:
                if self._error is not None:
                    raise self._error
                return

    async def __aiter__(self) -> AsyncIterator[Fact]:
        import asyncio  # who iterates so has it

        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is over: nobody waits
                loop.call_soon_threadsafe(woken.set)

        self._wake = wake
        count = 0
        try:
            while True:
                woken.clear()
                with self._ready:
                    fact, closed = self._pop(), self._closed
                if fact is not None:
                    yield fact
                    count += 1
                    if count % _TURN == 0:
                        await asyncio.sleep(0)
                elif not closed:
                    await woken.wait()
                elif self._error is not None:
                    raise self._error
                else:
                    return
        finally:
            self._wake = None

    def __len__(self) -> int:
        return len(self._facts) + len(self._latest)

    @property
    def closed(self) -> bool:
        """No further fact will be queued."""
        return self._closed

    def close(self) -> None:
        """Receive nothing more."""
        if self._on_close is not None:
            self._on_close(self)
        with self._ready:
            self._closed = True
            self._tell_all()

    def _tell_all(self) -> None:
        self._ready.notify_all()
        if self._wake is not None:
            self._wake()

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        what = ", ".join(sorted(self._channels)) if self._channels else "all channels"
        state = "closed" if self._closed else "open"
        return (
            f"<Subscription {what}, {self.policy}, {len(self)} waiting, "
            f"{self.dropped} dropped, {state}>"
        )


def _kinds(channels: frozenset[str] | None) -> frozenset[type[Fact]] | None:
    if channels is None:
        return None
    return frozenset(kind for channel in channels for kind in KINDS[channel])


def _identity(fact: Fact) -> int | str | None:
    """What one order or balance is told from another by."""
    if isinstance(fact, Order):
        return fact.id
    return fact.asset if isinstance(fact, Balance) else None


def _overflowed(channel: str, symbol: str | None, lost: Sequence[Fact]) -> Gap:
    return Gap(
        channel=channel,
        symbol=symbol,
        reason="overflow: you read too slowly",
        from_ns=lost[0].arrived_ns,
        to_ns=lost[-1].arrived_ns,
        missed=len(lost),
        arrived_ns=lost[-1].arrived_ns,
    )
