"""What is known now, per channel and symbol. Written by socket workers, read by anybody.

Each channel belongs to one socket, so it has one writer. Readers take references to immutable
facts, which needs no lock; only a local book, which changes in place, has one.

An outage becomes one :class:`~vocx.facts.Gap` for each channel. It is handed on before the first
data of the new connection, or when that has subscribed, whichever comes first: nobody sees what
lies behind a hole before the hole.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from vocx.arguments import brief
from vocx.book import LocalBook
from vocx.errors import BadInput, VenueError
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
from vocx.stream.account import Account
from vocx.stream.stats import Counters
from vocx.venues.base import PRIVATE, ChannelSpec, CloseKind, Sockets

TRADES, CANDLES, QUOTES = 1000, 500, 2000
_WINDOW = 1024  # ids remembered against duplicates
_REPEATED = 10  # frames of nothing but known trades after a restart: the venue tells them anew
_STUBBORN = 100  # facts in a row from "the past" mean that the venue began to count anew


class ChannelState:
    """One channel of one symbol.

    Attributes
    ----------
    fact : Fact or None
        The latest.
    heard_ns : int
        When it arrived, monotonic; 0 before the first.
    outage : tuple or None
        An outage that nobody was told of yet: since when (wall clock), and why.
    error : VenueError or None
        The venue refused this channel.
    """

    __slots__ = (
        *("spec", "counters", "fact", "heard_ns", "recent"),
        *("last", "late", "new_connection", "outage", "error"),
    )

    def __init__(self, spec: ChannelSpec, counters: Counters) -> None:
        self.spec = spec
        self.counters = counters
        self.fact: Fact | None = None
        self.heard_ns = 0
        self.last: Any = None
        self.late = 0
        self.new_connection = False
        self.outage: tuple[int, str] | None = None
        self.error: VenueError | None = None

    def on_connect(self) -> None:
        """A new connection: ids may have jumped, in either direction."""
        self.new_connection = True

    def on_disconnect(self, from_ns: int, reason: str, kind: CloseKind = "lost") -> None:
        """The connection is lost; data are complete until ``from_ns``, ``kind`` is what the venue
        said with its end."""
        if self.outage is None:
            self.outage = (from_ns, reason)

    def end_outage(self, to_ns: int, out: list[Fact], first: Fact | None = None) -> None:
        """Hand on the gap that nobody was told of; ``first`` is what comes behind it."""
        if self.outage is not None:
            from_ns, reason = self.outage
            self.outage = None
            gap = self.add_gap(reason, from_ns, to_ns, out, missed=self._missed(first))
            self.counters.outages.append(gap)

    def _missed(self, first: Fact | None) -> int | None:
        """How many facts the outage cost, where ids tell."""
        return None

    def on_sequence_gap(self, reason: str, at_ns: int, out: list[Fact]) -> None:
        """The connection's own sequence says that messages are missing."""
        from_ns = self.fact.arrived_ns if self.fact is not None else at_ns
        self.add_gap(reason, from_ns, at_ns, out)

    def add_gap(
        self,
        reason: str,
        from_ns: int,
        to_ns: int | None,
        out: list[Fact],
        missed: int | None = None,
    ) -> Gap:
        """Count a gap and hand it on."""
        self.counters.gaps += 1
        gap = Gap(
            channel=self.spec.channel,
            symbol=self.spec.symbol,
            reason=reason,
            from_ns=from_ns,
            to_ns=to_ns,
            missed=missed,
            arrived_ns=to_ns if to_ns is not None else from_ns,
        )
        out.append(gap)
        return gap

    def take(self, fact: Fact, now_ns: int, out: list[Fact]) -> None:
        """Apply one fact and hand on what it brings, in order."""
        self.fact = fact
        self.heard_ns = now_ns
        out.append(fact)

    def is_known(self, fact: Any) -> bool:
        """Whether a fact of the next connection was told by the one before, as far as stamps and
        ids tell."""
        known = self.fact.exchange_ns if self.fact is not None else None
        return known is not None and fact.exchange_ns is not None and fact.exchange_ns <= known

    @property
    def ready(self) -> bool:
        """It has its first state."""
        return self.fact is not None


class QuoteChannel(ChannelState):
    """Best prices: older sequences never replace newer ones. Keeps best-price changes."""

    __slots__ = ()

    def __init__(self, spec: ChannelSpec, counters: Counters) -> None:
        super().__init__(spec, counters)
        self.recent: deque[Quote] = deque(maxlen=QUOTES)

    def take(self, fact: Quote, now_ns: int, out: list[Fact]) -> None:  # type: ignore[override]
        sequence, last = fact.sequence, self.last
        if sequence is not None:
            if last is not None and sequence <= last and not self._is_anew(sequence == last):
                self.heard_ns = now_ns
                return
            self.last = sequence
            self.new_connection = False
            self.late = 0
        before: Quote | None = self.fact  # type: ignore[assignment]
        if before is None or fact.bid != before.bid or fact.ask != before.ask:
            self.recent.append(fact)
        self.fact = fact
        self.heard_ns = now_ns
        out.append(fact)

    def is_known(self, fact: Quote) -> bool:
        if fact.sequence is None or self.last is None:
            return super().is_known(fact)
        return bool(fact.sequence <= self.last)

    def _is_anew(self, same: bool) -> bool:
        if self.new_connection:
            return True
        if same:
            self.counters.duplicates += 1
        else:
            self.counters.out_of_order += 1
            self.late += 1
        return self.late >= _STUBBORN


class TradeChannel(ChannelState):
    """Trades: each id once; what the venue's rule misses is a :class:`~vocx.facts.Gap`.

    A new connection may begin with trades that are known, however many. Where nothing else comes
    from an exchange that closed for its restart, it has begun its ids anew, as a recording does
    that is played again.
    """

    __slots__ = ("_check", "_seen", "_order", "_restarted", "_repeated", "_repeated_ns")

    def __init__(
        self,
        spec: ChannelSpec,
        counters: Counters,
        check_trade: Callable[[int | str, Trade], int],
    ) -> None:
        super().__init__(spec, counters)
        self.recent: deque[Trade] = deque(maxlen=TRADES)
        self._check = check_trade
        self._seen: set[int | str] = set()
        self._order: deque[int | str] = deque()
        self._restarted = False
        self._repeated = self._repeated_ns = 0

    def on_connect(self) -> None:
        super().on_connect()
        self._repeated = self._repeated_ns = 0

    def on_disconnect(self, from_ns: int, reason: str, kind: CloseKind = "lost") -> None:
        """Whether the venue restarts decides what known trades mean."""
        super().on_disconnect(from_ns, reason, kind)
        self._restarted = kind == "restart"

    def take(self, fact: Trade, now_ns: int, out: list[Fact]) -> None:  # type: ignore[override]
        self.heard_ns = now_ns
        identity = fact.id
        if identity is not None and not self._is_new(identity, fact, out):
            return
        self.fact = fact
        self.recent.append(fact)
        out.append(fact)

    def is_known(self, fact: Trade) -> bool:
        if fact.id is None or self.last is None:
            return super().is_known(fact)
        return fact.id in self._seen or self._check(self.last, fact) < 0

    def _is_new(self, identity: int | str, fact: Trade, out: list[Fact]) -> bool:
        if identity in self._seen and not self._is_told_anew(fact):
            self.counters.duplicates += 1
            return False
        if self.last is not None:
            missed = self._check(self.last, fact)
            if missed < 0:
                if not self._is_anew():
                    return False
                self._forget()
            if missed > 0:
                before = self.fact.arrived_ns if self.fact else fact.arrived_ns
                reason = f"trade ids: after {self.last} came {identity}"
                self.add_gap(reason, before, fact.arrived_ns, out, missed)
        self.last = identity
        self.late = 0
        self.new_connection = False
        self._seen.add(identity)
        self._order.append(identity)
        if len(self._order) > _WINDOW:
            self._seen.discard(self._order.popleft())
        return True

    def _is_told_anew(self, fact: Trade) -> bool:
        """Whether this connection, the first after a restart, has told known trades, and no other,
        in frame after frame."""
        if not (self._restarted and self.new_connection):
            return False
        if fact.arrived_ns != self._repeated_ns:
            self._repeated += 1
            self._repeated_ns = fact.arrived_ns
        if self._repeated < _REPEATED:
            return False
        self._forget()
        self.last = None
        return True

    def _forget(self) -> None:
        self._seen.clear()
        self._order.clear()

    def _missed(self, first: Fact | None) -> int | None:
        """The outage's gap says how many, so that the jump in the ids is no second one."""
        last, self.last = self.last, None
        if last is None or not isinstance(first, Trade) or first.id is None:
            self.last = last
            return None
        missed = self._check(last, first)
        if missed < 0:
            self.last = last
        return max(0, missed)

    def _is_anew(self) -> bool:
        if self.new_connection:
            return True
        self.counters.out_of_order += 1
        self.late += 1
        return self.late >= _STUBBORN


class CandleChannel(ChannelState):
    """Candles: one per opening time, the last may still change."""

    __slots__ = ()

    def __init__(self, spec: ChannelSpec, counters: Counters) -> None:
        super().__init__(spec, counters)
        self.recent: deque[Candle] = deque(maxlen=CANDLES)

    def take(self, fact: Candle, now_ns: int, out: list[Fact]) -> None:  # type: ignore[override]
        before: Candle | None = self.fact  # type: ignore[assignment]
        if before is not None and fact.open_ns < before.open_ns and not self.new_connection:
            self.counters.out_of_order += 1
            return
        if before is not None and fact.open_ns == before.open_ns and self.recent:
            self.recent[-1] = fact
        else:
            self.recent.append(fact)
        self.new_connection = False
        self.fact = fact
        self.heard_ns = now_ns
        out.append(fact)

    def is_known(self, fact: Candle) -> bool:
        before: Candle | None = self.fact  # type: ignore[assignment]
        if before is None:
            return False
        return (fact.open_ns, fact.volume, fact.closed) <= (
            before.open_ns,
            before.volume,
            before.closed,
        )


class BookChannel(ChannelState):
    """A local book: changes by the venue's rule, under a lock."""

    __slots__ = ("book", "lock", "_was_in_sync")

    def __init__(
        self,
        spec: ChannelSpec,
        counters: Counters,
        check_sequence: Callable[[int, BookDelta], str],
        in_stream: bool,
    ) -> None:
        super().__init__(spec, counters)
        assert spec.symbol is not None
        self.book = LocalBook(spec.symbol, check_sequence, in_stream=in_stream)
        self.lock = threading.Lock()
        self._was_in_sync = False

    def on_connect(self) -> None:
        self._reset("no snapshot yet on this connection")

    def on_disconnect(self, from_ns: int, reason: str, kind: CloseKind = "lost") -> None:
        """What is missed from now on cannot be known: the copy is no copy any more."""
        super().on_disconnect(from_ns, reason, kind)
        self._reset("the connection was lost")

    def on_sequence_gap(self, reason: str, at_ns: int, out: list[Fact]) -> None:
        """The copy is no copy any more; a snapshot makes it one again."""
        if self._was_in_sync:
            self.add_gap(reason, at_ns, None, out)
        self._reset(reason)

    def _reset(self, reason: str) -> None:
        with self.lock:
            self.book.reset(reason)
        self._was_in_sync = False

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
        if in_sync != self._was_in_sync:
            self._was_in_sync = in_sync
            if not in_sync:  # the snapshot that follows ends it
                self.add_gap(self.book.reason, fact.arrived_ns, None, out)
        if in_sync or type(fact) is BookDelta:
            out.append(fact)

    def is_known(self, fact: BookDelta | BookSnapshot) -> bool:
        """A copy goes on where it stands: neither the snapshot that a connection begins with nor
        changes that it has are taken again."""
        at = self.book.sequence
        last = fact.last if isinstance(fact, BookDelta) else fact.sequence
        return self.book.in_sync and at is not None and last is not None and last <= at

    @property
    def ready(self) -> bool:
        """It is a true copy."""
        return self.book.in_sync


class AccountChannel(ChannelState):
    """One channel of an account: a view of what is known of all of it.

    ``ready``: the account is known as of this connection.
    """

    __slots__ = ("account", "kind", "known")

    def __init__(
        self, spec: ChannelSpec, counters: Counters, account: Account, kind: type[Fact]
    ) -> None:
        super().__init__(spec, counters)
        self.account, self.kind, self.known = account, kind, False

    def on_disconnect(self, from_ns: int, reason: str, kind: CloseKind = "lost") -> None:
        """What is known may be old now."""
        super().on_disconnect(from_ns, reason, kind)
        self.known = False

    def is_known(self, fact: Fact) -> bool:
        """The account itself knows."""
        return False

    def take(self, fact: Fact, now_ns: int, out: list[Fact]) -> None:
        self.heard_ns = now_ns
        if self.account.take(fact):
            self.fact = fact
            out.append(fact)

    @property
    def ready(self) -> bool:
        return self.known


_PRIVATE_KINDS: dict[str, type[Fact]] = dict(zip(PRIVATE, (Order, Fill, Balance), strict=True))
_KINDS: dict[str, type[Fact]] = {"trades": Trade, "quotes": Quote, "ticker": Ticker}


class ChannelStates:
    """All channels of one stream, found by kind of fact and symbol.

    Attributes
    ----------
    by_kind, candles, private : dict
        Where a decoded fact goes: by kind and symbol, by symbol and interval, by kind.
    """

    def __init__(self, venue: Sockets) -> None:
        self._venue = venue
        self._channels: dict[ChannelSpec, ChannelState] = {}
        self._account: Account | None = None
        self.private: dict[type[Fact], AccountChannel] = {}
        self.by_kind: dict[type[Fact], dict[str, ChannelState]] = {
            kind: {} for kind in (Trade, Quote, Ticker, BookDelta, BookSnapshot)
        }
        self.candles: dict[tuple[str, str], CandleChannel] = {}

    def account(self, counters: Counters) -> Account:
        """What is known of the account, in one piece: channels are views of it."""
        if self._account is None:
            self._account = Account(counters)
        return self._account

    def add(self, spec: ChannelSpec, counters: Counters) -> ChannelState:
        """Make room for one channel of one symbol."""
        if spec in self._channels:
            return self._channels[spec]
        channel = self._channels[spec] = self._make(spec, counters)
        symbol = spec.symbol or ""
        if isinstance(channel, AccountChannel):
            self.private[channel.kind] = channel
        elif isinstance(channel, CandleChannel):
            self.candles[symbol, spec.interval or ""] = channel
        elif spec.channel == "book":
            self.by_kind[BookSnapshot][symbol] = channel
            if isinstance(channel, BookChannel):
                self.by_kind[BookDelta][symbol] = channel
        else:
            self.by_kind[_KINDS[spec.channel]][symbol] = channel
        return channel

    def _make(self, spec: ChannelSpec, counters: Counters) -> ChannelState:
        if spec.channel in PRIVATE:
            kind = _PRIVATE_KINDS[spec.channel]
            return AccountChannel(spec, counters, self.account(counters), kind)
        if spec.channel == "book" and spec.depth is None:
            in_stream = self._venue.book_start == "stream"
            return BookChannel(spec, counters, self._venue.check_sequence, in_stream)
        if spec.channel == "trades":
            return TradeChannel(spec, counters, self._venue.check_trade)
        kinds = {"quotes": QuoteChannel, "candles": CandleChannel}
        return kinds.get(spec.channel, ChannelState)(spec, counters)

    @property
    def all(self) -> list[ChannelState]:
        """Every channel, in the order in which they were added."""
        return list(self._channels.values())

    def last_heard(self, spec: ChannelSpec) -> int | None:
        """Monotonic nanoseconds of a channel's latest data."""
        return self._channels[spec].heard_ns or None

    def find(self, channel: str, symbol: str | None, interval: str | None = None) -> Any:
        """The channel that was asked for, or a refusal that names what is there."""
        for text, what in ((channel, "channel"), (symbol, "symbol"), (interval, "interval")):
            if text is not None and not (isinstance(text, str) and text.isprintable()):
                raise BadInput(f"{what} is {brief(text)}; write a text")
        mine = [one for one in self._channels.values() if one.spec.channel == channel]
        if symbol is None and len({one.spec.symbol for one in mine}) == 1:
            symbol = mine[0].spec.symbol
        for one in mine:
            if one.spec.symbol == symbol and (interval is None or one.spec.interval == interval):
                return one
        what = channel[:40] + (" without a symbol" if symbol is None else f" of {symbol[:40]}")
        raise BadInput(
            f"this stream does not listen to {what}"
            f"{'' if interval is None else f' ({interval[:20]})'}; "
            f"it has {describe(list(self._channels))}"
        )


def describe(specs: Sequence[ChannelSpec]) -> str:
    """``"trades BTC/USDT, candles 1m ETH/USDT"``."""
    return ", ".join(
        " ".join(
            str(part)
            for part in (one.channel, one.interval, one.depth and f"top {one.depth}", one.symbol)
            if part
        )
        for one in specs
    )
