"""One side of an order book: orders, the levels they wait in, and what lies within reach.

How it is kept: a dict from price to level and a sorted list of signed prices whose *last*
element is the best, so that work near the best price moves few list items. A level keeps its
orders in a dict, which remembers the order of arrival and forgets in constant time.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from vocx.lab.events import BookLevel, SelfTrade, Side


class Order(msgspec.Struct, gc=False):
    """One order. ``owner`` ``None`` is the anonymous crowd; ``price`` 0 is a market order.

    ``remaining`` is what is not matched yet, also when the order no longer rests.
    """

    id: int
    owner: str | None
    side: Side
    price: int
    quantity: int
    remaining: int


class Level(msgspec.Struct):
    """All orders at one price, oldest first, and their total in lots."""

    total: int
    orders: dict[int, Order]


class DepthEstimate(msgspec.Struct, frozen=True):
    """Lots within reach and their cost (ticks x lots); ``enough`` when all that was wanted."""

    lots: int
    cost: int
    enough: bool


class BookSide:
    """One side of a book: ``sign`` +1 for bids, -1 for asks; ``keys[-1] * sign`` is the best."""

    __slots__ = ("sign", "keys", "levels")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def best(self) -> tuple[int, int]:
        """Best price and its total; (0, 0) when the side is empty."""
        if not self.keys:
            return 0, 0
        price = self.keys[-1] * self.sign
        return price, self.levels[price].total

    def crosses(self, price: int) -> bool:
        """Whether an order of the other side at this price would match here."""
        return bool(self.keys) and self.keys[-1] >= price * self.sign

    def add(self, order: Order) -> Level:
        """Put an order at the end of its level; the level as it is now."""
        level = self.levels.get(order.price)
        if level is None:
            level = self.levels[order.price] = Level(order.remaining, {order.id: order})
            insort(self.keys, order.price * self.sign)
            return level
        level.orders[order.id] = order
        level.total += order.remaining
        return level

    def remove(self, order: Order) -> Level:
        """Take an order out; its level as it is now."""
        level = self.levels[order.price]
        del level.orders[order.id]
        level.total -= order.remaining
        if not level.orders:
            self.drop(order.price)
        return level

    def drop(self, price: int) -> None:
        """Forget an empty level."""
        del self.levels[price]
        key = price * self.sign
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]

    def top(self, depth: int) -> list[BookLevel]:
        """The best ``depth`` levels, best first."""
        keys = self.keys[-depth:] if depth > 0 else []
        prices = [key * self.sign for key in reversed(keys)]
        levels = [self.levels[price] for price in prices]
        return [
            (price, level.total, len(level.orders))
            for price, level in zip(prices, levels, strict=True)
        ]

    def available(self, worst: int, enough: int) -> int:
        """Lots at ``worst`` or better, counted until there are ``enough``."""
        found, sign = 0, self.sign
        for key in reversed(self.keys):
            if key < worst * sign or found >= enough:
                break
            found += self.levels[key * sign].total
        return found

    def estimate(
        self,
        *,
        quantity: int = 0,
        budget: int = 0,
        worst: int | None = None,
        owner: str | None = None,
        self_trade: SelfTrade = "none",
    ) -> DepthEstimate:
        """What an order that arrived now would match here; changes nothing.

        ``quantity`` lots are wanted, or as many as ``budget`` (ticks x lots) pays for, at
        ``worst`` or better. Lots of the order's own owner are passed over or end the walk, as
        ``self_trade`` says. What is left of a budget then counts as lots at the last price, so
        that an order of so many lots comes to the same end.
        """
        lots = cost = price = 0
        own = None if self_trade == "none" else owner
        for price, there, barrier in self._matchable(own, self_trade):
            if worst is not None and price * self.sign < worst * self.sign:
                break
            wanted = (budget - cost) // price if budget else quantity - lots
            taken = min(there, wanted)
            lots += taken
            cost += taken * price
            if taken == wanted:
                return DepthEstimate(lots, cost, True)
            if barrier:
                break
        if budget and price:
            lots += (budget - cost) // price
        return DepthEstimate(lots, cost, False)

    def _matchable(self, own: str | None, self_trade: SelfTrade) -> Iterator[tuple[int, int, bool]]:
        """Price, lots to match there, whether an own order ends the walk; best price first."""
        for key in reversed(self.keys):
            price = key * self.sign
            level = self.levels[price]
            if own is None:
                yield price, level.total, False
                continue
            lots = 0
            for order in level.orders.values():
                if order.owner != own:
                    lots += order.remaining
                elif self_trade != "expire_maker":
                    yield price, lots, True
                    return
            yield price, lots, False
