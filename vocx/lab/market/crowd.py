"""The crowd: seeded order flow that makes a believable market, one :class:`OrderFlow` a symbol.

What it imitates is one recorded BTC/USDT session: best prices stand still most of the time and
move in bursts, while quantities at the best price and levels behind it change all the time.

* **Calm**: orders join and leave at the best prices, small takers nibble at them without using
  them up, and behind them short-lived orders flicker; now and then one far away is placed.
* **Burst**: makers pull part of the best level, a taker sweeps the rest and what lies behind it
  up to a new price, and the other side follows until the spread is one tick again; several such
  jumps within milliseconds, then both best levels fill up. A burst leaves requoting behind.
* **Activity**: a slow factor that makes all of it busier or quieter for some seconds at a time.

When things happen is :class:`OrderFlow`'s business, single orders are :class:`CrowdTrader`'s.
Everything is drawn from the flow's own ``random.Random``; times are nanoseconds of market time
since the start.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from random import Random

from vocx.lab.events import Event, InstrumentSpec, Side
from vocx.lab.market.book_side import BookSide, Order
from vocx.lab.market.engine import Book

CALM_TOUCH = 75.0
CALM_TAKERS = 7.0
CALM_DEEP = 150.0
CALM_WALLS = 14.0
BURSTS = 0.84
STIRRED_DEEP = 3_400.0
"""Extra deep actions a second right after a jump; it fades within ``STIRRED_S``."""
STIRRED_S = 0.13
ACTIVITY_S = 7.0
ACTIVITY_SPREAD = 0.55
LONGEST_CALM_S = 14.0
PULL_HOME = 0.08
"""How strongly bursts lean back towards the start price, per unit of log distance:
over hours the price wanders freely, over weeks it stays within some percent."""

DOLLARS = {"BTC": 61_700.0, "ETH": 2_620.0, "BNB": 520.0, "SOL": 152.0, "EUR": 1.09}
"""What one unit of a quote asset is about worth, to scale order sizes; others count as 1."""

NEAR_ORDERS = 420
FAR = 21_500.0
"""BTC ticks from the best price within which most long-standing orders lie."""
WALLS: tuple[tuple[Side, int], ...] = (("buy", 1_750), ("sell", 2_600))
"""Long-standing orders a side at activity 1.0."""


class CrowdTrader:
    """Places and cancels the crowd's orders in one book. ``draw`` is the flow's own randomness.

    Distances and sizes are drawn for BTC/USDT as recorded and scaled to the symbol: ``grid``
    ticks for one tick of BTC/USDT at 61,700, ``unit`` lots for one BTC. Two pools of orders are
    remembered: ``near`` ones that flicker, and ``walls`` that stay for long. Orders of others
    (with an owner) are matched like any, but never cancelled.
    """

    def __init__(self, spec: InstrumentSpec, book: Book, draw: Random, depth: float = 1.0) -> None:
        self.book = book
        self.random = draw
        self.home = int(spec.price / spec.tick)
        self.grid = self.home * 1e-8 / 0.0617
        worth = DOLLARS.get(spec.quote, 1.0) * float(spec.price)
        liquid = 0.25 + 0.75 * min(spec.activity, 1.0)
        self.unit = 61_700.0 / worth / float(spec.lot) * liquid * depth
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
        book_side = self.book.bids if buy else self.book.asks
        wanted = self.touch_target[0 if buy else 1]
        lack = 1 - book_side.best()[1] / wanted
        if self.random.random() < 0.5 + min(max(0.8 * lack, -0.45), 0.45):
            return self.join(side, at_ns)
        return self.leave(book_side, at_ns, int(0.15 * wanted)) or self.join(side, at_ns)

    def take(self, at_ns: int) -> list[Event]:
        """A small taker: never enough to use up the best level."""
        if self.random.random() < 0.3:
            self._taker = "sell" if self._taker == "buy" else "buy"
        book_side = self.book.asks if self._taker == "buy" else self.book.bids
        price, there = book_side.best()
        lots = min(self._taker_size(), int(0.6 * there))
        if lots < 1:
            return []
        return self.book.limit(at_ns, self._taker, price, lots, time_in_force="IOC").events

    def aim(self) -> None:
        """Draw how much each best price should hold from now on."""
        for side in (0, 1):
            self.touch_target[side] = self.unit * 2.1 * math.exp(self.random.gauss(0, 0.5))

    def quote(self, side: Side, price: int, at_ns: int) -> list[Event]:
        """Somebody offers a price of their own."""
        return self._rest(side, price, self._touch_size(), self.near, at_ns)

    def join(self, side: Side, at_ns: int, factor: float = 1.0) -> list[Event]:
        price = (self.book.bids if side == "buy" else self.book.asks).best()[0]
        if not price:
            return []
        lots = int(self._touch_size() * factor) or 1
        return self._rest(side, price, lots, self.near, at_ns)

    def leave(self, book_side: BookSide, at_ns: int, floor: int) -> list[Event]:
        """The crowd's newest order at the best price goes, unless less than ``floor`` stays."""
        price, there = book_side.best()
        if not price:
            return []
        level = book_side.levels[price]
        if len(level.orders) < 2:
            return []
        order = level.orders[next(reversed(level.orders))]
        if order.owner is not None or there - order.remaining < floor:
            return []
        return self.cancel(order, at_ns)

    def pull(self, book_side: BookSide, at_ns: int) -> list[Event]:
        """The crowd's largest order at the best price goes, unless it is the last there."""
        level = book_side.levels.get(book_side.best()[0])
        if level is None or len(level.orders) < 2:
            return []
        crowd = [order for order in level.orders.values() if order.owner is None]
        if not crowd:
            return []
        return self.cancel(max(crowd, key=lambda order: order.remaining), at_ns)

    def cancel(self, order: Order, at_ns: int) -> list[Event]:
        """An order of the crowd goes."""
        result = self.book.cancel(at_ns, order.id)
        return result.events if result else []

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
        book_side = self.book.bids if side == "buy" else self.book.asks
        best = book_side.best()[0] or self.home
        price = best - book_side.sign * max(1, round(away * self.grid))
        if away > FAR and self.grid > 0.01:
            price = round(price, -2)
        if price < best // 3:
            return []
        return self._rest(side, price, lots, pool, at_ns)

    def _rest(self, side: Side, price: int, lots: int, pool: list[int], at_ns: int) -> list[Event]:
        """An order that only rests, remembered in a pool."""
        result = self.book.limit(at_ns, side, price, lots, time_in_force="POST_ONLY")
        if result.resting and result.order:
            pool.append(result.order.id)
        return result.events

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
                return self.cancel(order, at_ns)
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


class OrderFlow:
    """Order flow of one symbol, acting on its book.

    Parameters
    ----------
    spec, book
        The symbol and its (empty) book; :meth:`fill` lays out the orders it starts with.
    seed
        Same seed, same flow.
    depth
        How large its orders are, 1.0 as recorded.
    """

    def __init__(
        self, spec: InstrumentSpec, book: Book, seed: int | str, depth: float = 1.0
    ) -> None:
        self.book = book
        self.random = Random(f"{seed} {spec.symbol}")
        self.trader = CrowdTrader(spec, book, self.random, depth)
        self.scale = max(spec.activity, 1e-6)
        bursts_a_day = 86_400 * BURSTS * self.scale
        self.burst_ticks = self.trader.home * spec.volatility / math.sqrt(bursts_a_day)
        self.activity = 1.0
        self._activity_log = 0.0
        self._activity_ns = 0
        self._stirred = 0.0
        self._stirred_ns = 0
        self._script: list[tuple[int, int, str, int, int]] = []
        self._scripted = 0
        self._calm_ns = 0
        self._burst_ns = 0
        self._plan_calm(0)
        self.plan_burst(0)

    def next_ns(self) -> int:
        """Market time of the next action."""
        script = self._script
        if script and script[0][0] < self._calm_ns:
            return min(script[0][0], self._burst_ns)
        return min(self._calm_ns, self._burst_ns)

    def act(self, now_ns: int, at_ns: int) -> list[Event]:
        """Do the next action, which is due at market time ``now_ns``; stamp events ``at_ns``."""
        script = self._script
        if script and script[0][0] <= now_ns:
            _, _, verb, direction, ticks = heappop(script)
            return self._play(verb, direction, ticks, now_ns, at_ns)
        if self._burst_ns <= now_ns:
            self._start_burst(now_ns)
            self.plan_burst(now_ns)
            return []
        self._refresh_activity(now_ns)
        events = self._calm(now_ns, at_ns)
        self._plan_calm(now_ns)
        return events

    def fill(self, at_ns: int) -> None:
        """Lay out the orders that are there when the lab opens."""
        self.trader.fill(at_ns)

    # When things happen.

    def _plan_calm(self, now_ns: int) -> None:
        self._stirred *= math.exp((self._stirred_ns - now_ns) / (STIRRED_S * 1e9))
        self._stirred_ns = now_ns
        calm = (CALM_TOUCH + CALM_TAKERS + CALM_DEEP + CALM_WALLS) * self.activity
        rate = (calm + STIRRED_DEEP * self._stirred) * self.scale
        self._calm_ns = now_ns + 1 + int(self.random.expovariate(rate) * 1e9)

    def plan_burst(self, now_ns: int) -> None:
        rate = BURSTS * self.activity * self.scale
        calm_s = min(self.random.expovariate(rate), LONGEST_CALM_S / self.scale)
        self.burst_in(calm_s, now_ns)

    def burst_in(self, calm_s: float, now_ns: int) -> None:
        """Let the next burst begin so much later."""
        self._burst_ns = now_ns + 1 + int(calm_s * 1e9)

    @property
    def bursting(self) -> bool:
        """Whether a burst is still going on."""
        return bool(self._script)

    def _refresh_activity(self, now_ns: int) -> None:
        passed_s = (now_ns - self._activity_ns) / 1e9
        if passed_s < 0.25:
            return
        kept = math.exp(-passed_s / ACTIVITY_S)
        shock = math.sqrt(1 - kept * kept) * ACTIVITY_SPREAD
        self._activity_log = kept * self._activity_log + shock * self.random.gauss(0.0, 1.0)
        self._activity_ns = now_ns
        self.activity = max(0.4, math.exp(self._activity_log - ACTIVITY_SPREAD**2 / 2))

    def _later(self, now_ns: int, verb: str, direction: int, ticks: int = 0) -> None:
        self._scripted += 1
        heappush(self._script, (now_ns, self._scripted, verb, direction, ticks))

    # Calm.

    def _calm(self, now_ns: int, at_ns: int) -> list[Event]:
        bid, _, ask, _ = self.book.best()
        if not bid or not ask or (ask - bid > 1 and not self._script):
            return self._repair(bid, ask, at_ns)
        stirred = STIRRED_DEEP * self._stirred
        calm = CALM_TOUCH + CALM_TAKERS + CALM_DEEP + CALM_WALLS
        draw = self.random.random() * (calm * self.activity + stirred) - stirred
        draw /= self.activity
        if draw < CALM_DEEP:
            return self.trader.deep(at_ns)
        if draw < CALM_DEEP + CALM_TOUCH:
            return self.trader.touch(at_ns)
        if draw < CALM_DEEP + CALM_TOUCH + CALM_TAKERS:
            return self.trader.take(at_ns)
        return self.trader.wall(at_ns)

    def _repair(self, bid: int, ask: int, at_ns: int) -> list[Event]:
        """Somebody else emptied a side or opened the spread: quote there again."""
        side: Side = "buy" if not bid or (ask and self.random.random() < 0.5) else "sell"
        if side == "buy":
            price = ask - 1 if ask else self.trader.home
        else:
            price = bid + 1 if bid else self.trader.home + 1
        return self.trader.quote(side, price, at_ns)

    # Bursts.

    def _start_burst(self, now_ns: int) -> None:
        """Write the script of one burst: pull, then jump after jump, then settle."""
        draw = self.random
        direction, ticks = self.next_move(now_ns)
        if ticks == 0:
            return
        at = now_ns
        for _ in range(draw.randrange(6, 18)):
            self._later(at, "pull", direction)
            at += int(draw.expovariate(1 / 3e6))
        often = 14.0 if draw.random() < 0.05 else 2.4
        jumps = min(ticks, 1 + int(draw.expovariate(1 / often)))
        cuts = sorted(draw.randrange(1, ticks) for _ in range(jumps - 1)) if ticks > 1 else []
        for before, after in zip([0, *cuts], [*cuts, ticks], strict=True):
            if after > before:
                at = self._script_jump(at, direction, after - before)
        for _ in range(draw.randrange(10, 22)):
            at += int(draw.expovariate(1 / 9e6))
            self._later(at, "settle", direction)

    def next_move(self, now_ns: int) -> tuple[int, int]:
        """Which way the next burst goes, 1 or -1, and how many ticks; 0 for none."""
        draw = self.random
        spread = 0.85
        reach = self.burst_ticks * math.exp(-spread * spread) * math.exp(draw.gauss(0, spread))
        ticks = int(reach + draw.random())
        bid = self.book.best()[0] or self.trader.home
        lean = 0.5 - max(-0.3, min(0.3, PULL_HOME * math.log(bid / self.trader.home)))
        return 1 if draw.random() < lean else -1, ticks

    def _script_jump(self, at: int, direction: int, ticks: int) -> int:
        """One jump of the attacked best price, and the other side following; when it is over."""
        draw = self.random
        self._later(at, "attack", direction, ticks)
        at += int(draw.expovariate(1 / 1.5e6))
        while draw.random() < 0.45:
            self._later(at, "approach", direction)
            at += int(draw.expovariate(1 / 1.0e6))
        self._later(at, "follow", direction)
        return at + int(draw.expovariate(1 / (45e6 if draw.random() < 0.35 else 2e6)))

    def _play(self, verb: str, direction: int, ticks: int, now_ns: int, at_ns: int) -> list[Event]:
        up = direction > 0
        attacked = self.book.asks if up else self.book.bids
        follower: Side = "buy" if up else "sell"
        if verb == "attack":
            self._stirred, self._stirred_ns = 1.0, now_ns
            self.trader.aim()
            return self._attack(attacked, direction, ticks, at_ns)
        if verb == "pull":
            return self.trader.pull(attacked, at_ns)
        if verb == "settle":
            both: Side = "buy" if self.random.random() < 0.5 else "sell"
            return self.trader.join(both, at_ns, 1.6)
        bid, _, ask, _ = self.book.best()
        if not bid or not ask or ask - bid < 2:
            return []
        step = 1 if verb == "follow" else self.random.randrange(1, ask - bid)
        return self.trader.quote(follower, ask - step if up else bid + step, at_ns)

    def _attack(self, book_side: BookSide, direction: int, ticks: int, at_ns: int) -> list[Event]:
        """Move one best price by ``ticks``: makers pull, a taker sweeps, a new best appears."""
        best = book_side.best()[0]
        if not best:
            return []
        goal = best + direction * ticks
        if goal <= 0:
            return []
        events: list[Event] = []
        heavy = int(0.06 * self.trader.unit)
        for order in self._crowd_between(book_side, best, goal):
            if order.remaining > heavy and self.random.random() < 0.98:
                events += self.trader.cancel(order, at_ns)
        taker: Side = "buy" if direction > 0 else "sell"
        maker: Side = "sell" if direction > 0 else "buy"
        reach = int(12 * self.trader.unit)
        lots = min(book_side.available(goal - direction, reach), reach)
        if lots > 0:
            swept = self.book.limit(at_ns, taker, goal - direction, lots, time_in_force="IOC")
            events += swept.events
        bid, _, ask, _ = self.book.best()
        free = goal > bid if direction > 0 else goal < ask or not ask
        return events + self.trader.quote(maker, goal, at_ns) if free else events

    def _crowd_between(self, book_side: BookSide, best: int, goal: int) -> list[Order]:
        """The crowd's orders behind the best price that a jump to ``goal`` passes."""
        found: list[Order] = []
        sign = book_side.sign
        for key in reversed(book_side.keys[:-1]):
            if key <= goal * sign:
                break
            orders = book_side.levels[key * sign].orders.values()
            found += [order for order in orders if order.owner is None]
        return found
