"""What is known now, per channel and symbol. Written by reader threads, read by anybody.

Each slot belongs to one socket, so it has one writer. Readers take references to immutable facts,
which needs no lock; only a local book, which changes in place, has one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from vocx.book import LocalBook
from vocx.errors import BadInput
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
from vocx.stream.account import Account, AccountChannel
from vocx.stream.stats import Counters
from vocx.venues.base import PRIVATE, ChannelSpec

TRADES, CANDLES, QUOTES = 1000, 500, 2000
_WINDOW = 1024  # ids remembered against duplicates
_STUBBORN = 100  # facts in a row from "the past" mean that the venue began to count anew


class ChannelState:
    """One channel of one symbol.

    Attributes
    ----------
    fact : Fact or None
        The latest.
    heard_ns : int
        When it arrived, monotonic; 0 before the first.
    """

    __slots__ = ("wanted", "meter", "fact", "heard_ns", "recent", "last", "late", "new_socket")

    def __init__(self, wanted: ChannelSpec, meter: Counters) -> None:
        self.wanted = wanted
        self.meter = meter
        self.fact: Fact | None = None
        self.heard_ns = 0
        self.last: int | None = None
        self.late = 0
        self.new_socket = False

    def begin(self) -> None:
        """A new connection: ids may have jumped, in either direction."""
        self.new_socket = True

    def lose(self) -> None:
        """The connection is lost."""

    def take(self, fact: Fact, now_ns: int, out: list[Fact]) -> None:
        """Apply one fact and hand on what it brings, in order."""
        self.fact = fact
        self.heard_ns = now_ns
        out.append(fact)

    @property
    def ready(self) -> bool:
        return self.fact is not None


class QuoteChannel(ChannelState):
    """Best prices: older sequences never replace newer ones. Keeps best-price changes."""

    __slots__ = ()

    def __init__(self, wanted: ChannelSpec, meter: Counters) -> None:
        super().__init__(wanted, meter)
        self.recent: deque[Quote] = deque(maxlen=QUOTES)

    def take(self, fact: Quote, now_ns: int, out: list[Fact]) -> None:  # type: ignore[override]
        sequence, last = fact.sequence, self.last
        if sequence is not None:
            if last is not None and sequence <= last and not self._anew(sequence == last):
                self.heard_ns = now_ns
                return
            self.last = sequence
            self.new_socket = False
            self.late = 0
        before: Quote | None = self.fact  # type: ignore[assignment]
        if before is None or fact.bid != before.bid or fact.ask != before.ask:
            self.recent.append(fact)
        self.fact = fact
        self.heard_ns = now_ns
        out.append(fact)

    def _anew(self, same: bool) -> bool:
        if self.new_socket:
            return True
        if same:
            self.meter.duplicates += 1
        else:
            self.meter.out_of_order += 1
            self.late += 1
        return self.late >= _STUBBORN


class TradeChannel(ChannelState):
    """Trades: each id once, a jump in the ids is a :class:`~vocx.facts.Gap`."""

    __slots__ = ("seen", "order")

    def __init__(self, wanted: ChannelSpec, meter: Counters) -> None:
        super().__init__(wanted, meter)
        self.recent: deque[Trade] = deque(maxlen=TRADES)
        self.seen: set[int | str] = set()
        self.order: deque[int | str] = deque()

    def take(self, fact: Trade, now_ns: int, out: list[Fact]) -> None:  # type: ignore[override]
        self.heard_ns = now_ns
        identity = fact.id
        if identity is not None and not self._is_new(identity, fact, out):
            return
        self.fact = fact
        self.recent.append(fact)
        out.append(fact)

    def _is_new(self, identity: int | str, fact: Trade, out: list[Fact]) -> bool:
        if identity in self.seen:
            self.meter.duplicates += 1
            return False
        last = self.last
        if type(identity) is int:
            if last is not None:
                if identity < last and not self._anew():
                    return False
                step = identity - last
                if step > 1 and step > fact.count:
                    out.append(self._gap(fact, last, step - max(1, fact.count)))
            self.last = identity
            self.late = 0
        self.new_socket = False
        self.seen.add(identity)
        self.order.append(identity)
        if len(self.order) > _WINDOW:
            self.seen.discard(self.order.popleft())
        return True

    def _anew(self) -> bool:
        if self.new_socket:
            return True
        self.meter.out_of_order += 1
        self.late += 1
        return self.late >= _STUBBORN

    def _gap(self, fact: Trade, last: int, missed: int) -> Gap:
        self.meter.gaps += 1
        before = self.fact
        return Gap(
            channel="trades",
            symbol=fact.symbol,
            reason=f"trade ids: expected {last + 1}, got {fact.id}",
            from_ns=before.arrived_ns if before else fact.arrived_ns,
            to_ns=fact.arrived_ns,
            missed=missed,
            arrived_ns=fact.arrived_ns,
        )


class CandleChannel(ChannelState):
    """Candles: one per opening time, the last may still change."""

    __slots__ = ()

    def __init__(self, wanted: ChannelSpec, meter: Counters) -> None:
        super().__init__(wanted, meter)
        self.recent: deque[Candle] = deque(maxlen=CANDLES)

    def take(self, fact: Candle, now_ns: int, out: list[Fact]) -> None:  # type: ignore[override]
        before: Candle | None = self.fact  # type: ignore[assignment]
        if before is not None and fact.open_ns < before.open_ns and not self.new_socket:
            self.meter.out_of_order += 1
            return
        if before is not None and fact.open_ns == before.open_ns and self.recent:
            self.recent[-1] = fact
        else:
            self.recent.append(fact)
        self.new_socket = False
        self.fact = fact
        self.heard_ns = now_ns
        out.append(fact)


class BookChannel(ChannelState):
    """A local book: changes by the venue's rule, under a lock."""

    __slots__ = ("book", "lock", "was_in_sync")

    def __init__(
        self, wanted: ChannelSpec, meter: Counters, check_sequence: Callable[[int, BookDelta], str]
    ) -> None:
        super().__init__(wanted, meter)
        assert wanted.symbol is not None
        self.book = LocalBook(wanted.symbol, check_sequence)
        self.lock = threading.Lock()
        self.was_in_sync = False

    def begin(self) -> None:
        with self.lock:
            self.book.reset("no snapshot yet on this connection")
        self.was_in_sync = False

    def lose(self) -> None:
        """What is missed from now on cannot be known: the copy is no copy any more."""
        with self.lock:
            self.book.reset("the connection was lost")
        self.was_in_sync = False

    def take(  # type: ignore[override]
        self, fact: BookDelta | BookSnapshot, now_ns: int, out: list[Fact]
    ) -> None:
        with self.lock:
            in_sync = self.book.feed(fact) == "in_sync"
            if in_sync and type(fact) is BookSnapshot:
                # Changes that waited for it were handed on before, so what follows them is the
                # book as it is now.
                fact = self.book.snapshot(depth=sum(self.book.levels) + 1)
        self.fact = fact
        self.heard_ns = now_ns
        if in_sync != self.was_in_sync:
            self._turned(in_sync, fact, out)
        if in_sync or type(fact) is BookDelta:
            out.append(fact)

    def _turned(self, in_sync: bool, fact: Fact, out: list[Fact]) -> None:
        """Say that changes are missing; the snapshot that follows ends it."""
        self.was_in_sync = in_sync
        if in_sync:
            return
        self.meter.gaps += 1
        out.append(
            Gap(
                channel="book",
                symbol=self.wanted.symbol,
                reason=self.book.reason,
                from_ns=fact.arrived_ns,
                arrived_ns=fact.arrived_ns,
            )
        )

    @property
    def ready(self) -> bool:
        return self.book.in_sync


Key = tuple[type[Fact], str | None]


class State:
    """All slots of one stream, found by kind of fact and symbol."""

    def __init__(self, check_sequence: Callable[[int, BookDelta], str]) -> None:
        self._check_sequence = check_sequence
        self._slots: dict[ChannelSpec, ChannelState | AccountChannel] = {}
        self._account: Account | None = None
        self.private: dict[type[Fact], AccountChannel] = {}
        self.by_kind: dict[type[Fact], dict[str, ChannelState]] = {
            kind: {} for kind in (Trade, Quote, Ticker, BookDelta, BookSnapshot)
        }
        self.candles: dict[tuple[str, str], CandleChannel] = {}

    def account(self, meter: Counters) -> Account:
        """What is known of the account, in one piece: channels are views of it."""
        if self._account is None:
            self._account = Account(meter)
        return self._account

    def _add_private(self, wanted: ChannelSpec, meter: Counters) -> AccountChannel:
        kinds: tuple[type[Fact], ...] = (Order, Fill, Balance)
        kind = kinds[PRIVATE.index(wanted.channel)]
        slot = AccountChannel(wanted, self.account(meter), kind)
        self._slots[wanted] = self.private[kind] = slot
        return slot

    def add(self, wanted: ChannelSpec, meter: Counters) -> ChannelState | AccountChannel:
        """Make room for one channel of one symbol."""
        if wanted in self._slots:
            return self._slots[wanted]
        if wanted.channel in PRIVATE:
            return self._add_private(wanted, meter)
        symbol, slot = wanted.symbol or "", self._make(wanted, meter)
        if isinstance(slot, CandleChannel):
            self.candles[symbol, wanted.interval or ""] = slot
        elif wanted.channel == "book":
            self.by_kind[BookSnapshot][symbol] = slot
            if isinstance(slot, BookChannel):
                self.by_kind[BookDelta][symbol] = slot
        else:
            kinds: dict[str, type[Fact]] = {"trades": Trade, "quotes": Quote}
            self.by_kind[kinds.get(wanted.channel, Ticker)][symbol] = slot
        self._slots[wanted] = slot
        return slot

    def _make(self, wanted: ChannelSpec, meter: Counters) -> ChannelState:
        if wanted.channel == "book" and wanted.depth is None:
            return BookChannel(wanted, meter, self._check_sequence)
        kinds = {"trades": TradeChannel, "quotes": QuoteChannel, "candles": CandleChannel}
        return kinds.get(wanted.channel, ChannelState)(wanted, meter)

    @property
    def slots(self) -> list[ChannelState | AccountChannel]:
        return list(self._slots.values())

    def last_heard(self, wanted: ChannelSpec) -> int | None:
        """Monotonic nanoseconds of a channel's latest data."""
        return self._slots[wanted].heard_ns or None

    def find(self, channel: str, symbol: str | None, interval: str | None = None) -> Any:
        """The slot that was asked for, or a refusal that names what is there."""
        mine = [slot for slot in self._slots.values() if slot.wanted.channel == channel]
        if symbol is None and len({slot.wanted.symbol for slot in mine}) == 1:
            symbol = mine[0].wanted.symbol
        for slot in mine:
            if slot.wanted.symbol == symbol and interval in (None, slot.wanted.interval):
                return slot
        what = f"{channel} of {symbol}" if symbol else f"{channel} without a symbol"
        raise BadInput(
            f"this stream does not listen to {what}{f' ({interval})' if interval else ''}; "
            f"it has {describe([slot.wanted for slot in self._slots.values()])}"
        )


def describe(wanted: Sequence[ChannelSpec]) -> str:
    """``"trades BTC/USDT, candles 1m ETH/USDT"``."""
    return ", ".join(
        " ".join(
            str(part)
            for part in (one.channel, one.interval, one.depth and f"top {one.depth}", one.symbol)
            if part
        )
        for one in wanted
    )
