"""The listed symbols with their aggregate trades."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from vocx.lab.dialects.binance.wire import Refusal
from vocx.lab.dialects.shared.numbers import NS_PER_MS, Catalogue, Listing, eight_decimals
from vocx.lab.events import Traded
from vocx.lab.ports import Market

_PAGE = 1000
_KEPT = 500_000
"""Aggregates whose ids are remembered at least."""


class AggTrade(msgspec.Struct, frozen=True, gc=False):
    """Fills of one taker order at one price and time, as one."""

    id: int
    price: int
    quantity: int
    first: int
    last: int
    at_ns: int
    seller_took: bool


class Aggregates:
    """Numbers the aggregate trades of one symbol.

    Only the first trade id of each is kept (8 bytes); the rest is read from the market again.
    Ids start at half the first trade id seen and grow by one.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._firsts = array("q")
        self._base = 0
        self._next_trade = 0
        self._last: Traded | None = None

    def sync(self) -> None:
        """Take in every trade since the last call."""
        while page := self._market.trades(_PAGE, from_id=self._next_trade):
            if not self._firsts:
                self._base = page[0].trade_id // 2
            for trade in page:
                if self._last is None or not same_aggregate(self._last, trade):
                    self._firsts.append(trade.trade_id)
                self._last = trade
            self._next_trade = page[-1].trade_id + 1
            if len(self._firsts) > 2 * _KEPT:
                self._base += len(self._firsts) - _KEPT
                del self._firsts[:-_KEPT]
            if len(page) < _PAGE:
                return

    def sync_to(self, trade_id: int) -> None:
        """Take in what is new, unless this trade is already known."""
        if trade_id >= self._next_trade:
            self.sync()

    def id_of(self, trade_id: int) -> int:
        """The aggregate that a trade belongs to (after :meth:`sync`)."""
        return self._base + bisect_right(self._firsts, trade_id) - 1

    def from_id(self, aggregate_id: int, limit: int) -> list[AggTrade]:
        """At most ``limit`` aggregates from an id on, oldest first."""
        self.sync()
        start = max(aggregate_id - self._base, 0)
        stop = min(start + limit, len(self._firsts))
        if start >= stop:
            return []
        end = self._firsts[stop] if stop < len(self._firsts) else self._next_trade
        return self.group(self._read(self._firsts[start], end))

    def newest(self, limit: int) -> list[AggTrade]:
        """The newest ``limit`` aggregates."""
        self.sync()
        return self.from_id(self._base + max(len(self._firsts) - limit, 0), limit)

    def since(self, start_ns: int, limit: int) -> list[AggTrade]:
        """Aggregates from a time on."""
        trades = self._market.trades(1, start_ns=start_ns)
        self.sync()
        if not trades:
            return []
        index = bisect_left(self._firsts, trades[0].trade_id)
        return self.from_id(self._base + index, limit)

    def until(self, end_ns: int, limit: int) -> list[AggTrade]:
        """The newest ``limit`` aggregates not later than a time."""
        trades = self._market.trades(1, end_ns=end_ns)
        self.sync()
        if not trades:
            return []
        last = self.id_of(trades[-1].trade_id)
        first = max(last - limit + 1, self._base)
        return self.from_id(first, last - first + 1)

    def group(self, trades: Iterable[Traded]) -> list[AggTrade]:
        """Trades of whole aggregates, merged."""
        return [self._merge(fills) for fills in groups(trades)]

    def _merge(self, fills: Sequence[Traded]) -> AggTrade:
        first = fills[0]
        return AggTrade(
            id=self.id_of(first.trade_id),
            price=first.price,
            quantity=sum(fill.quantity for fill in fills),
            first=first.trade_id,
            last=fills[-1].trade_id,
            at_ns=first.at_ns,
            seller_took=first.taker == "sell",
        )

    def _read(self, start: int, end: int) -> Iterator[Traded]:
        while start < end:
            page = self._market.trades(min(_PAGE, end - start), from_id=start)
            if not page:
                return
            yield from (trade for trade in page if trade.trade_id < end)
            start = page[-1].trade_id + 1


def same_aggregate(one: Traded, other: Traded) -> bool:
    """Whether two neighbouring trades are fills of one taker order at one price and time."""
    return (
        one.price == other.price
        and one.taker_order == other.taker_order
        and one.taker == other.taker
        and one.at_ns // NS_PER_MS == other.at_ns // NS_PER_MS
    )


def groups(trades: Iterable[Traded]) -> Iterator[list[Traded]]:
    """Neighbouring fills that make one aggregate."""
    fills: list[Traded] = []
    for trade in trades:
        if fills and not same_aggregate(fills[-1], trade):
            yield fills
            fills = []
        fills.append(trade)
    if fills:
        yield fills


class Symbol(Listing):
    """One symbol: its market, how its numbers are written, and its aggregate trades."""

    def __init__(self, market: Market, number: int) -> None:
        spec = market.spec
        super().__init__(market, (spec.base + spec.quote).upper(), eight_decimals, number)
        self.aggregates = Aggregates(market)


def new_catalogue(markets: Mapping[str, Market]) -> Catalogue[Symbol]:
    """Every listed symbol; -1121 for any other."""
    return Catalogue(markets, Symbol, lambda name: Refusal(-1121, "Invalid symbol."))
