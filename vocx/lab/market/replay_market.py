"""One symbol of a recorded session, as of the frame that was played last.

Frames are taken as bytes and looked into only when somebody asks (or when many wait): a replay
at full speed has no time to parse what nobody reads. The book begins as the recorded snapshot,
and changes older than it are dropped, so who asks before the snapshot's moment gets the snapshot.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from vocx.lab.events import Bar, InstrumentSpec, IntLevel, Traded, Window
from vocx.lab.market.candles import Interval
from vocx.lab.market.recording_index import Levels, stamp_ns

FOLD_AT = 256
"""Frames of one kind that may wait before they are looked into."""
KEPT_TRADES = 200_000
SECOND = 1_000_000_000


class Diff(msgspec.Struct, gc=False):
    """A ``depthUpdate``."""

    first: int = msgspec.field(name="U")
    last: int = msgspec.field(name="u")
    bids: Levels = msgspec.field(name="b")
    asks: Levels = msgspec.field(name="a")


class Match(msgspec.Struct, gc=False):
    """A ``trade``."""

    trade_id: int = msgspec.field(name="t")
    price: str = msgspec.field(name="p")
    quantity: str = msgspec.field(name="q")
    time: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class Best(msgspec.Struct, gc=False):
    """A ``bookTicker``."""

    last: int = msgspec.field(name="u")
    bid: str = msgspec.field(name="b")
    bid_quantity: str = msgspec.field(name="B")
    ask: str = msgspec.field(name="a")
    ask_quantity: str = msgspec.field(name="A")


_DIFF = msgspec.json.Decoder(Diff)
_MATCH = msgspec.json.Decoder(Match)
_BEST = msgspec.json.Decoder(Best)


def units(text: str, decimals: int) -> int:
    """``"61837.63000000"`` in steps of ten to the minus ``decimals``: 6183763."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))


def decimals(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))


class Market:
    """See :class:`vocx.lab.ports.Market`. ``take`` plays one frame."""

    def __init__(
        self, spec: InstrumentSpec, snapshots: Sequence[tuple[int, Levels, Levels]]
    ) -> None:
        self.spec = spec
        self._tick, self._lot = decimals(spec.tick), decimals(spec.lot)
        self._snapshots = list(snapshots)
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}
        self._id = 0
        self._diffs: list[bytes] = []
        self._matches: list[bytes] = []
        self._best: bytes | None = None
        self._trades: list[Traded] = []
        self._sorted: tuple[int, list[IntLevel], list[IntLevel]] | None = None
        self._holed = False
        self._next_snapshot()

    def take(self, channel: str, data: bytes) -> None:
        """One frame's payload; ``channel`` is the stream's name after the symbol."""
        if channel == "bookTicker":
            self._best = data
        elif channel == "trade":
            self._matches.append(data)
            if len(self._matches) >= FOLD_AT:
                self._fold_trades()
        elif channel in ("depth", "depth@100ms", "depth@1000ms"):
            self._diffs.append(data)
            if len(self._diffs) >= FOLD_AT:
                self._fold_book()

    # -- the book

    @property
    def update_id(self) -> int:
        self._fold_book()
        return self._id

    def _next_snapshot(self) -> bool:
        if not self._snapshots:
            return False
        self._id, bids, asks = self._snapshots.pop(0)
        self._bids, self._asks, self._sorted = dict(bids), dict(asks), None
        self._holed = False
        return True

    def _fold_book(self) -> None:
        waiting, self._diffs = self._diffs, []
        for data in waiting:
            diff = _read(_DIFF, data)
            if diff is None:
                continue
            while self._id and diff.first > self._id + 1 and self._next_snapshot():
                pass
            if diff.last > self._id:
                self._holed = self._holed or bool(self._id and diff.first > self._id + 1)
                _apply(self._bids, diff.bids)
                _apply(self._asks, diff.asks)
                self._id = diff.last

    def _levels(self) -> tuple[list[IntLevel], list[IntLevel]]:
        self._fold_book()
        if self._sorted is None or self._sorted[0] != self._id:
            bids, asks = (
                sorted(level for level in map(self._level, side.items()) if level[1])
                for side in (self._bids, self._asks)
            )
            bids.reverse()
            if self._holed:
                bids, asks = self._without_ghosts(bids, asks)
            self._sorted = self._id, bids, asks
        return self._sorted[1], self._sorted[2]

    def _without_ghosts(
        self, bids: list[IntLevel], asks: list[IntLevel]
    ) -> tuple[list[IntLevel], list[IntLevel]]:
        """Where changes are missing, levels that are gone stay: those that the latest best
        prices rule out, or else all that cross, are left out."""
        best = _read(_BEST, self._best) if self._best is not None else None
        if best is not None:
            low, high = units(best.bid, self._tick), units(best.ask, self._tick)
        else:
            low = asks[0][0] - 1 if asks else 0
            high = bids[0][0] + 1 if bids else 0
        return [one for one in bids if one[0] <= low], [one for one in asks if one[0] >= high]

    def _level(self, level: tuple[str, str]) -> IntLevel:
        return units(level[0], self._tick), units(level[1], self._lot)

    def top(self, depth: int) -> tuple[list[IntLevel], list[IntLevel]]:
        bids, asks = self._levels()
        if bids or asks or self._best is None:
            return bids[:depth], asks[:depth]
        bid, bid_quantity, ask, ask_quantity = self.best()
        return [(bid, bid_quantity)], [(ask, ask_quantity)]

    def best(self) -> tuple[int, int, int, int]:
        if self._best is not None:
            best = _read(_BEST, self._best)
            if best is not None and best.last >= self.update_id:
                bid = self._level((best.bid, best.bid_quantity))
                return *bid, *self._level((best.ask, best.ask_quantity))
        bids, asks = self._levels()
        return *(bids[0] if bids else (0, 0)), *(asks[0] if asks else (0, 0))

    # -- trades

    def _fold_trades(self) -> list[Traded]:
        waiting, self._matches = self._matches, []
        for data in waiting:
            match = _read(_MATCH, data)
            if match is None:
                continue
            self._trades.append(
                Traded(
                    self.spec.symbol,
                    stamp_ns(match.time),
                    match.trade_id,
                    *self._level((match.price, match.quantity)),
                    "sell" if match.buyer_is_maker else "buy",
                    0,
                    0,
                )
            )
        if len(self._trades) > 2 * KEPT_TRADES:
            del self._trades[:-KEPT_TRADES]
        return self._trades

    def trades(
        self,
        limit: int,
        *,
        from_id: int | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Sequence[Traded]:
        known = self._fold_trades()
        stop = len(known) if end_ns is None else bisect_left(known, end_ns + 1, key=_when)
        if from_id is not None:
            start = bisect_left(known, from_id, key=lambda trade: trade.trade_id)
        elif start_ns is not None:
            start = bisect_left(known, start_ns, key=_when)
        else:
            return known[max(0, stop - limit) : stop]
        return known[start : min(stop, start + limit)]

    def bars(
        self,
        interval: str,
        limit: int,
        now_ns: int,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        offset_ns: int = 0,
    ) -> Sequence[Bar]:
        known = self._fold_trades()
        grid = Interval(interval, offset_ns // SECOND)
        if not known:
            return []
        first = grid.number(known[0].at_ns // SECOND)
        stop = grid.number(max(now_ns, known[-1].at_ns) // SECOND) + 1
        if end_ns is not None:
            stop = min(stop, grid.number(end_ns // SECOND) + 1)
        if start_ns is None:
            first = max(first, stop - limit)
        else:
            wanted = grid.number((start_ns - 1) // SECOND) + 1
            while grid.start_s(wanted) * SECOND < start_ns:
                wanted += 1
            first = max(first, wanted)
        return [self._bar(grid, number) for number in range(first, min(stop, first + limit))]

    def _bar(self, grid: Interval, number: int) -> Bar:
        open_ns, next_ns = grid.start_s(number) * SECOND, grid.start_s(number + 1) * SECOND
        begin = bisect_left(self._trades, open_ns, key=_when)
        inside = self._trades[begin : bisect_left(self._trades, next_ns, key=_when)]
        if not inside:
            close = self._trades[max(0, begin - 1)].price
            return Bar(open_ns, next_ns - 1, close, close, close, close, 0, 0, 0, 0, 0)
        taken = [trade for trade in inside if trade.taker == "buy"]
        prices = [trade.price for trade in inside]
        return Bar(
            open_ns,
            next_ns - 1,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            sum(trade.quantity for trade in inside),
            sum(trade.price * trade.quantity for trade in inside),
            len(inside),
            sum(trade.quantity for trade in taken),
            sum(trade.price * trade.quantity for trade in taken),
            inside[0].trade_id,
            inside[-1].trade_id,
        )

    def window(self, length_ns: int, now_ns: int) -> Window:
        known, open_ns = self._fold_trades(), now_ns - length_ns
        begin = bisect_left(known, open_ns, key=_when)
        inside = known[begin:]
        before = known[begin - 1].price if begin else (inside[0].price if inside else 0)
        prices = [trade.price for trade in inside] or [before or self.best()[0]]
        return Window(
            open_ns,
            now_ns,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            before or prices[0],
            inside[-1].quantity if inside else 0,
            sum(trade.quantity for trade in inside),
            sum(trade.price * trade.quantity for trade in inside),
            len(inside),
            inside[0].trade_id if inside else -1,
            inside[-1].trade_id if inside else -1,
        )

    def average_price(self, minutes: int, now_ns: int) -> tuple[int, int]:
        known = self._fold_trades()
        inside = known[bisect_left(known, now_ns - minutes * 60 * SECOND, key=_when) :]
        scale = int(self.spec.tick * 10**8)
        volume = sum(trade.quantity for trade in inside)
        if not volume:
            last = known[-1] if known else None
            return (last.price * scale, last.at_ns) if last else (self.best()[0] * scale, now_ns)
        value = sum(trade.price * trade.quantity for trade in inside)
        return value * scale // volume, inside[-1].at_ns


Kind = TypeVar("Kind")


def _read(decoder: msgspec.json.Decoder[Kind], data: bytes) -> Kind | None:
    """A payload as its kind; ``None`` for one of another shape, which only passes through."""
    try:
        return decoder.decode(data)
    except msgspec.MsgspecError:
        return None


def _when(trade: Traded) -> int:
    return trade.at_ns


def _apply(side: dict[str, str], levels: Levels) -> None:
    for price, quantity in levels:
        if quantity.strip("0.") == "":
            side.pop(price, None)
        else:
            side[price] = quantity
