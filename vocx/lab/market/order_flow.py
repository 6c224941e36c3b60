"""The crowd: seeded order flow that makes a believable market, one :class:`Flow` a symbol.

What it imitates is one recorded BTC/USDT session: best prices stand still most of the time and
move in bursts, while quantities at the best price and levels behind it change all the time.

* **Calm**: orders join and leave at the best prices, small takers nibble at them without using
  them up, and behind them short-lived orders flicker; now and then one far away is placed.
* **Burst**: makers pull part of the best level, a taker sweeps the rest and what lies behind it
  up to a new price, and the other side follows until the spread is one tick again; several such
  jumps within milliseconds, then both best levels fill up. A burst leaves requoting behind.
* **Temper**: a slow factor that makes all of it busier or quieter for some seconds at a time.

Everything is drawn from the flow's own ``random.Random``; times are nanoseconds of market time
since the start. Single orders are the business of :mod:`vocx.lab.market.crowd_trader`.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from random import Random

from vocx.lab.events import Event, Side, Spec
from vocx.lab.market.book_side import Half, Order
from vocx.lab.market.crowd_trader import Desk
from vocx.lab.market.engine import Book

CALM_TOUCH = 75.0
CALM_TAKERS = 7.0
CALM_DEEP = 150.0
CALM_WALLS = 14.0
BURSTS = 0.84
STIRRED_DEEP = 3_400.0
"""Extra deep actions a second right after a jump; it fades within ``STIRRED_S``."""
STIRRED_S = 0.13
TEMPER_S = 7.0
TEMPER_SPREAD = 0.55
LONGEST_CALM_S = 14.0
PULL_HOME = 0.08
"""How strongly bursts lean back towards the start price, per unit of log distance:
over hours the price wanders freely, over weeks it stays within some percent."""


class Flow:
    """Order flow of one symbol, acting on its book.

    Parameters
    ----------
    spec, book
        The symbol and its (empty) book; :meth:`fill` lays out the orders it starts with.
    seed
        Same seed, same flow.
    """

    def __init__(self, spec: Spec, book: Book, seed: int) -> None:
        self.book = book
        self.random = Random(f"{seed} {spec.symbol}")
        self.desk = Desk(spec, book, self.random)
        self.activity = max(spec.activity, 1e-6)
        bursts_a_day = 86_400 * BURSTS * self.activity
        self.burst_ticks = self.desk.home * spec.volatility / math.sqrt(bursts_a_day)
        self.temper = 1.0
        self._temper_log = 0.0
        self._temper_ns = 0
        self._stirred = 0.0
        self._stirred_ns = 0
        self._script: list[tuple[int, int, str, int, int]] = []
        self._scripted = 0
        self._calm_ns = 0
        self._burst_ns = 0
        self._plan_calm(0)
        self._plan_burst(0)

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
            self._plan_burst(now_ns)
            return []
        self._refresh_temper(now_ns)
        events = self._calm(now_ns, at_ns)
        self._plan_calm(now_ns)
        return events

    def fill(self, at_ns: int) -> None:
        """Lay out the orders that are there when the lab opens."""
        self.desk.fill(at_ns)

    # When things happen.

    def _plan_calm(self, now_ns: int) -> None:
        self._stirred *= math.exp((self._stirred_ns - now_ns) / (STIRRED_S * 1e9))
        self._stirred_ns = now_ns
        calm = (CALM_TOUCH + CALM_TAKERS + CALM_DEEP + CALM_WALLS) * self.temper
        rate = (calm + STIRRED_DEEP * self._stirred) * self.activity
        self._calm_ns = now_ns + 1 + int(self.random.expovariate(rate) * 1e9)

    def _plan_burst(self, now_ns: int) -> None:
        rate = BURSTS * self.temper * self.activity
        calm_s = min(self.random.expovariate(rate), LONGEST_CALM_S / self.activity)
        self._burst_ns = now_ns + 1 + int(calm_s * 1e9)

    def _refresh_temper(self, now_ns: int) -> None:
        passed_s = (now_ns - self._temper_ns) / 1e9
        if passed_s < 0.25:
            return
        kept = math.exp(-passed_s / TEMPER_S)
        shock = math.sqrt(1 - kept * kept) * TEMPER_SPREAD
        self._temper_log = kept * self._temper_log + shock * self.random.gauss(0.0, 1.0)
        self._temper_ns = now_ns
        self.temper = max(0.4, math.exp(self._temper_log - TEMPER_SPREAD**2 / 2))

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
        draw = self.random.random() * (calm * self.temper + stirred) - stirred
        draw /= self.temper
        if draw < CALM_DEEP:
            return self.desk.deep(at_ns)
        if draw < CALM_DEEP + CALM_TOUCH:
            return self.desk.touch(at_ns)
        if draw < CALM_DEEP + CALM_TOUCH + CALM_TAKERS:
            return self.desk.take(at_ns)
        return self.desk.wall(at_ns)

    def _repair(self, bid: int, ask: int, at_ns: int) -> list[Event]:
        """Somebody else emptied a side or opened the spread: quote there again."""
        side: Side = "buy" if not bid or (ask and self.random.random() < 0.5) else "sell"
        if side == "buy":
            price = ask - 1 if ask else self.desk.home
        else:
            price = bid + 1 if bid else self.desk.home + 1
        return self.desk.quote(side, price, at_ns)

    # Bursts.

    def _start_burst(self, now_ns: int) -> None:
        """Write the script of one burst: pull, then jump after jump, then settle."""
        draw = self.random
        spread = 0.85
        reach = self.burst_ticks * math.exp(-spread * spread) * math.exp(draw.gauss(0, spread))
        ticks = int(reach + draw.random())
        bid = self.book.best()[0] or self.desk.home
        lean = 0.5 - max(-0.3, min(0.3, PULL_HOME * math.log(bid / self.desk.home)))
        direction = 1 if draw.random() < lean else -1
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
            self.desk.aim()
            return self._attack(attacked, direction, ticks, at_ns)
        if verb == "pull":
            return self.desk.pull(attacked, at_ns)
        if verb == "settle":
            both: Side = "buy" if self.random.random() < 0.5 else "sell"
            return self.desk.join(both, at_ns, 1.6)
        bid, _, ask, _ = self.book.best()
        if not bid or not ask or ask - bid < 2:
            return []
        step = 1 if verb == "follow" else self.random.randrange(1, ask - bid)
        return self.desk.quote(follower, ask - step if up else bid + step, at_ns)

    def _attack(self, half: Half, direction: int, ticks: int, at_ns: int) -> list[Event]:
        """Move one best price by ``ticks``: makers pull, a taker sweeps, a new best appears."""
        best = half.best()[0]
        if not best:
            return []
        goal = best + direction * ticks
        if goal <= 0:
            return []
        events: list[Event] = []
        heavy = int(0.06 * self.desk.unit)
        for order in self._crowd_between(half, best, goal):
            if order.remaining > heavy and self.random.random() < 0.98:
                outcome = self.book.cancel(at_ns, order.id)
                events += outcome.events if outcome else []
        taker: Side = "buy" if direction > 0 else "sell"
        maker: Side = "sell" if direction > 0 else "buy"
        reach = int(12 * self.desk.unit)
        lots = min(half.available(goal - direction, reach), reach)
        if lots > 0:
            swept = self.book.limit(at_ns, taker, goal - direction, lots, rule="IOC")
            events += swept.events
        bid, _, ask, _ = self.book.best()
        free = goal > bid if direction > 0 else goal < ask or not ask
        return events + self.desk.quote(maker, goal, at_ns) if free else events

    def _crowd_between(self, half: Half, best: int, goal: int) -> list[Order]:
        """The crowd's orders behind the best price that a jump to ``goal`` passes."""
        found: list[Order] = []
        sign = half.sign
        for key in reversed(half.keys[:-1]):
            if key <= goal * sign:
                break
            orders = half.levels[key * sign].orders.values()
            found += [order for order in orders if order.owner is None]
        return found
