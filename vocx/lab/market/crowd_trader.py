"""The crowd's single orders in one book: where they are placed, how large, which ones leave.

Distances and sizes are drawn for BTC/USDT as recorded and scaled to the symbol: ``grid`` ticks
for one tick of BTC/USDT at 61,700, ``unit`` lots for one BTC. The desk remembers two pools of
orders: ``near`` ones that flicker, and ``walls`` that stay for long. Orders of others (with an
owner) are matched like any, but never cancelled.
"""

from __future__ import annotations

import math
from random import Random

from vocx.lab.events import Event, Side, Spec
from vocx.lab.market.book_side import Half
from vocx.lab.market.engine import Book

DOLLARS = {"BTC": 61_700.0, "ETH": 2_620.0, "BNB": 520.0, "SOL": 152.0, "EUR": 1.09}
"""What one unit of a quote asset is about worth, to scale order sizes; others count as 1."""

NEAR_ORDERS = 420
FAR = 21_500.0
"""BTC ticks from the best price within which most long-standing orders lie."""
WALLS: tuple[tuple[Side, int], ...] = (("buy", 1_750), ("sell", 2_600))
"""Long-standing orders a side at activity 1.0."""


class Desk:
    """Places and cancels the crowd's orders. ``draw`` is the flow's own randomness."""

    def __init__(self, spec: Spec, book: Book, draw: Random) -> None:
        self.book = book
        self.random = draw
        self.home = int(spec.price / spec.tick)
        self.grid = self.home * 1e-8 / 0.0617
        worth = DOLLARS.get(spec.quote, 1.0) * float(spec.price)
        liquid = 0.25 + 0.75 * min(spec.activity, 1.0)
        self.unit = 61_700.0 / worth / float(spec.lot) * liquid
        self.least = max(1, math.ceil(spec.min_notional / spec.price / spec.lot))
        self.most = int(spec.max_quantity / spec.lot)
        self.near: list[int] = []
        self.walls: list[int] = []
        self.touch_target = [1.0, 1.0]
        self._wall_target = 0
        self._taker: Side = "buy"
        self._wall_scale = min(1.0, 0.25 + 0.75 * math.sqrt(spec.activity))

    def fill(self, at_ns: int) -> None:
        """Lay out the orders that are there when the lab opens."""
        for side, count in WALLS:
            price = self.home if side == "buy" else self.home + 1
            self.book.limit(at_ns, side, price, self._touch_size())
            for _ in range(int(count * self._wall_scale)):
                self._place_wall(side, at_ns)
            for _ in range(NEAR_ORDERS // 2):
                self._place_near(side, at_ns)
            for _ in range(24):
                self.join(side, at_ns)
        self._wall_target = len(self.walls)
        self.aim()

    def deep(self, at_ns: int) -> list[Event]:
        """Behind the best prices: a short-lived order comes or goes."""
        self._sift(self.near, 1)
        if self.random.random() * 2 * NEAR_ORDERS < len(self.near):
            return self._drop_one(self.near, at_ns)
        return self._place_near("buy" if self.random.random() < 0.5 else "sell", at_ns)

    def wall(self, at_ns: int) -> list[Event]:
        """Far away: an order for the long run comes or goes."""
        self._sift(self.walls, 4)
        if self.random.random() * 2 * self._wall_target < len(self.walls):
            return self._drop_one(self.walls, at_ns)
        return self._place_wall("buy" if self.random.random() < 0.42 else "sell", at_ns)

    def touch(self, at_ns: int) -> list[Event]:
        """At a best price: join or leave, around the quantity it should have."""
        buy = self.random.random() < 0.5
        side: Side = "buy" if buy else "sell"
        half = self.book.bids if buy else self.book.asks
        wanted = self.touch_target[0 if buy else 1]
        lack = 1 - half.best()[1] / wanted
        if self.random.random() < 0.5 + min(max(0.8 * lack, -0.45), 0.45):
            return self.join(side, at_ns)
        return self.leave(half, at_ns, int(0.15 * wanted)) or self.join(side, at_ns)

    def take(self, at_ns: int) -> list[Event]:
        """A small taker: never enough to use up the best level."""
        if self.random.random() < 0.3:
            self._taker = "sell" if self._taker == "buy" else "buy"
        half = self.book.asks if self._taker == "buy" else self.book.bids
        price, there = half.best()
        lots = min(self._taker_size(), int(0.6 * there))
        if lots < 1:
            return []
        return self.book.limit(at_ns, self._taker, price, lots, rule="IOC").events

    def aim(self) -> None:
        """Draw how much each best price should hold from now on."""
        for side in (0, 1):
            self.touch_target[side] = self.unit * 2.1 * math.exp(self.random.gauss(0, 0.5))

    def quote(self, side: Side, price: int, at_ns: int) -> list[Event]:
        outcome = self.book.limit(at_ns, side, price, self._touch_size(), rule="MAKER")
        if outcome.resting and outcome.order:
            self.near.append(outcome.order.id)
        return outcome.events

    def join(self, side: Side, at_ns: int, factor: float = 1.0) -> list[Event]:
        price = (self.book.bids if side == "buy" else self.book.asks).best()[0]
        if not price:
            return []
        outcome = self.book.limit(at_ns, side, price, int(self._touch_size() * factor) or 1)
        if outcome.resting and outcome.order:
            self.near.append(outcome.order.id)
        return outcome.events

    def leave(self, half: Half, at_ns: int, floor: int) -> list[Event]:
        """The crowd's newest order at the best price goes, unless less than ``floor`` stays."""
        price, there = half.best()
        if not price:
            return []
        level = half.levels[price]
        if len(level.orders) < 2:
            return []
        order = level.orders[next(reversed(level.orders))]
        if order.owner is not None or there - order.remaining < floor:
            return []
        outcome = self.book.cancel(at_ns, order.id)
        return outcome.events if outcome else []

    def pull(self, half: Half, at_ns: int) -> list[Event]:
        """The crowd's largest order at the best price goes, unless it is the last there."""
        level = half.levels.get(half.best()[0])
        if level is None or len(level.orders) < 2:
            return []
        crowd = [order for order in level.orders.values() if order.owner is None]
        if not crowd:
            return []
        outcome = self.book.cancel(at_ns, max(crowd, key=lambda order: order.remaining).id)
        return outcome.events if outcome else []

    def _place_near(self, side: Side, at_ns: int) -> list[Event]:
        """A short-lived order behind the best price, sometimes where one is already."""
        draw = self.random
        size = self._tiny() if draw.random() < 0.15 else self._lots(0.08, 1.6)
        away = math.exp(draw.gauss(7.7, 1.65))
        if draw.random() < 0.3 and self.near:
            other = self.book.orders.get(self.near[int(draw.random() * len(self.near))])
            if other is not None and other.side == side:
                best = (self.book.bids if side == "buy" else self.book.asks).best()[0]
                away = abs(best - other.price) / self.grid
        return self._place(side, away, size, self.near, at_ns)

    def _place_wall(self, side: Side, at_ns: int) -> list[Event]:
        draw = self.random
        if draw.random() < 0.62:
            away = draw.uniform(40, FAR)
        else:
            away = math.exp(draw.uniform(math.log(FAR), 14.7 if side == "buy" else 15.2))
        size = self._tiny() if draw.random() < 0.4 else self._lots(0.012, 2.2)
        return self._place(side, away, size, self.walls, at_ns)

    def _place(
        self, side: Side, away: float, lots: int, pool: list[int], at_ns: int
    ) -> list[Event]:
        """A limit order ``away`` BTC ticks behind the own best price."""
        half = self.book.bids if side == "buy" else self.book.asks
        best = half.best()[0] or self.home
        price = best - half.sign * max(1, round(away * self.grid))
        if away > FAR and self.grid > 0.01:
            price = round(price, -2)
        if price < best // 3:
            return []
        outcome = self.book.limit(at_ns, side, price, lots, rule="MAKER")
        if outcome.resting and outcome.order:
            pool.append(outcome.order.id)
        return outcome.events

    def _sift(self, pool: list[int], looks: int) -> None:
        """Look at a few orders of a pool and forget those that are gone."""
        for _ in range(looks):
            if pool and pool[at := int(self.random.random() * len(pool))] not in self.book.orders:
                pool[at] = pool[-1]
                pool.pop()

    def _drop_one(self, pool: list[int], at_ns: int) -> list[Event]:
        """Cancel a random order of a pool, leaving the best prices alone."""
        bid, _, ask, _ = self.book.best()
        orders = self.book.orders
        for _ in range(8):
            if not pool:
                break
            at = int(self.random.random() * len(pool))
            order = orders.get(pool[at])
            if order is None or order.price not in (bid, ask):
                pool[at] = pool[-1]
                pool.pop()
            if order is not None and order.price not in (bid, ask):
                outcome = self.book.cancel(at_ns, order.id)
                return outcome.events if outcome else []
        return []

    # Sizes.

    def _lots(self, middle_btc: float, spread: float) -> int:
        lots = self.unit * middle_btc * math.exp(self.random.gauss(0.0, spread))
        return min(max(int(lots), self.least), self.most, int(self.unit * 8) or 1)

    def _tiny(self) -> int:
        return self.least + int(self.random.expovariate(1.0) * self.least * 0.8)

    def _touch_size(self) -> int:
        return self._tiny() if self.random.random() < 0.45 else self._lots(0.11, 0.9)

    def _taker_size(self) -> int:
        return self._tiny() if self.random.random() < 0.5 else self._lots(0.005, 1.5)
