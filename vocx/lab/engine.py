"""The matching engine: one symbol's book with price-time priority, in integers.

Rules, in one place:

* Prices are ticks, quantities lots, a quote budget ticks x lots. Nothing is ever rounded.
* Better price first, then the order that came first; a match happens at the maker's price.
* An operation returns its events in order and sends nothing. Per level that a taker eats: its
  matches, then one :class:`LevelChanged`. At the end of an operation, if best price or best
  quantity is not what was last said, one :class:`BestChanged` as of the newest update id.
* ``update_id`` grows by one with each ``LevelChanged``; order and trade ids grow by one.

How it is kept: each side has a dict from price to level and a sorted list of signed prices whose
*last* element is the best, so that work near the best price moves few list items. A level keeps
its orders in a dict, which remembers the order of arrival and forgets in constant time.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import Literal

import msgspec

from vocx.lab.market import BestChanged, Event, IntLevel, LevelChanged, Side, Traded

Rule = Literal["GTC", "IOC", "FOK", "MAKER"]
"""What a limit order may do: rest (GTC), only match (IOC), match in full or not at all (FOK),
only rest (MAKER, Binance's LIMIT_MAKER)."""

Expiry = Literal["", "unfilled", "would_match"]


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
    placed_ns: int


class Fill(msgspec.Struct, frozen=True):
    """One match as accounts need it: the trade, the maker's order and what was left of it."""

    trade: Traded
    maker: Order
    maker_remaining: int


class Outcome(msgspec.Struct):
    """What one operation did.

    ``order`` is the order it was about (``None`` when several were cancelled), ``resting``
    whether it is in the book now, ``expired`` why a remainder is not, ``cancelled`` the orders
    that were taken out.
    """

    order: Order | None
    events: list[Event]
    fills: list[Fill]
    resting: bool = False
    expired: Expiry = ""
    cancelled: list[Order] = []


class Level(msgspec.Struct):
    """All orders at one price, oldest first, and their total in lots."""

    total: int
    orders: dict[int, Order]


class Half:
    """One side of a book: ``sign`` +1 for bids, -1 for asks; ``keys[-1] * sign`` is the best."""

    __slots__ = ("sign", "keys", "levels")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def best(self) -> IntLevel:
        """Best price and its total; (0, 0) when the side is empty."""
        if not self.keys:
            return 0, 0
        price = self.keys[-1] * self.sign
        return price, self.levels[price].total

    def add(self, order: Order) -> int:
        """Put an order at the end of its level; the level's new total."""
        level = self.levels.get(order.price)
        if level is None:
            self.levels[order.price] = Level(order.remaining, {order.id: order})
            insort(self.keys, order.price * self.sign)
            return order.remaining
        level.orders[order.id] = order
        level.total += order.remaining
        return level.total

    def remove(self, order: Order) -> int:
        """Take an order out; the level's new total."""
        level = self.levels[order.price]
        del level.orders[order.id]
        level.total -= order.remaining
        if not level.orders:
            self.drop(order.price)
        return level.total

    def drop(self, price: int) -> None:
        """Forget an empty level."""
        del self.levels[price]
        key = price * self.sign
        if self.keys[-1] == key:
            self.keys.pop()
        else:
            del self.keys[bisect_left(self.keys, key)]

    def top(self, depth: int) -> list[IntLevel]:
        """The best ``depth`` levels as (price, total), best first."""
        sign, levels = self.sign, self.levels
        keys = self.keys[-depth:] if depth > 0 else []
        return [(key * sign, levels[key * sign].total) for key in reversed(keys)]

    def available(self, worst: int, enough: int) -> int:
        """Lots at ``worst`` or better, counted until there are ``enough``."""
        found, sign = 0, self.sign
        for key in reversed(self.keys):
            if key < worst * sign or found >= enough:
                break
            found += self.levels[key * sign].total
        return found


class Book:
    """One symbol's order book and matching.

    Parameters
    ----------
    symbol
        As in every event, ``"BTC/USDT"``.
    update_id, next_order, next_trade
        Where the counters begin.
    """

    def __init__(
        self, symbol: str, *, update_id: int = 0, next_order: int = 1, next_trade: int = 1
    ) -> None:
        self.symbol = symbol
        self.update_id = update_id
        self.next_order = next_order
        self.next_trade = next_trade
        self.bids = Half(1)
        self.asks = Half(-1)
        self.orders: dict[int, Order] = {}
        self.owned: dict[str, dict[int, Order]] = {}
        self._said = (0, 0, 0, 0)

    def limit(
        self,
        at_ns: int,
        side: Side,
        price: int,
        quantity: int,
        *,
        owner: str | None = None,
        rule: Rule = "GTC",
    ) -> Outcome:
        """Place a limit order of ``quantity`` lots at ``price`` ticks.

        Raises
        ------
        ValueError
            For a price or a quantity that is not positive; the book is unchanged.
        """
        if price <= 0 or quantity <= 0:
            raise ValueError(f"price {price} and quantity {quantity} must both be positive")
        order = self._new(at_ns, side, price, quantity, owner)
        outcome = Outcome(order, [], [])
        other = self.asks if side == "buy" else self.bids
        if other.keys and other.keys[-1] >= price * other.sign:
            if rule == "MAKER":
                outcome.expired = "would_match"
                return outcome
            if rule == "FOK" and other.available(price, quantity) < quantity:
                outcome.expired = "unfilled"
                return outcome
            self._match(outcome, order, other, at_ns, price, None)
        if order.remaining:
            if rule == "IOC" or rule == "FOK":
                outcome.expired = "unfilled"
            else:
                self._rest(outcome, order, at_ns)
        self._say_best(outcome.events, at_ns)
        return outcome

    def market(
        self,
        at_ns: int,
        side: Side,
        *,
        quantity: int | None = None,
        budget: int | None = None,
        owner: str | None = None,
    ) -> Outcome:
        """Match at once at any price: ``quantity`` lots, or as many whole lots as ``budget``
        (ticks x lots) pays for. What finds no counterpart expires.

        With a budget the order's ``quantity`` becomes what was matched.

        Raises
        ------
        ValueError
            Unless exactly one of the two is given, and positive.
        """
        wanted = quantity if budget is None else budget
        if (quantity is None) == (budget is None) or wanted is None or wanted <= 0:
            raise ValueError("give a positive quantity or a positive budget, not both")
        size = quantity if quantity is not None else budget
        assert size is not None
        order = self._new(at_ns, side, 0, size, owner)
        outcome = Outcome(order, [], [])
        self._match(outcome, order, self.asks if side == "buy" else self.bids, at_ns, None, budget)
        if budget is not None:
            order.quantity = sum(fill.trade.quantity for fill in outcome.fills)
            order.remaining = 0
        if order.remaining or not outcome.fills:
            outcome.expired = "unfilled"
        self._say_best(outcome.events, at_ns)
        return outcome

    def cancel(self, at_ns: int, order_id: int) -> Outcome | None:
        """Take one order out of the book; ``None`` when no such order rests."""
        order = self.orders.get(order_id)
        if order is None:
            return None
        outcome = Outcome(order, [], [], cancelled=[order])
        self._take_out(outcome.events, order, at_ns)
        self._say_best(outcome.events, at_ns)
        return outcome

    def cancel_owner(self, at_ns: int, owner: str) -> Outcome:
        """Take all orders of one owner out of the book, oldest first."""
        orders = list(self.owned.get(owner, {}).values())
        outcome = Outcome(None, [], [], cancelled=orders)
        for order in orders:
            self._take_out(outcome.events, order, at_ns)
        self._say_best(outcome.events, at_ns)
        return outcome

    def best(self) -> tuple[int, int, int, int]:
        """bid, bid quantity, ask, ask quantity; 0 for a missing side."""
        return *self.bids.best(), *self.asks.best()

    def top(self, depth: int) -> tuple[list[IntLevel], list[IntLevel]]:
        """Bids descending and asks ascending, at most ``depth`` levels each."""
        return self.bids.top(depth), self.asks.top(depth)

    def _new(self, at_ns: int, side: Side, price: int, quantity: int, owner: str | None) -> Order:
        number = self.next_order
        self.next_order = number + 1
        return Order(number, owner, side, price, quantity, quantity, at_ns)

    def _match(
        self,
        outcome: Outcome,
        taker: Order,
        other: Half,
        at_ns: int,
        worst: int | None,
        budget: int | None,
    ) -> None:
        """Eat levels of the other side, best first, while price and size allow."""
        keys, levels, sign = other.keys, other.levels, other.sign
        while keys and taker.remaining:
            price = keys[-1] * sign
            if worst is not None and price * sign < worst * sign:
                break
            if budget is not None:
                taker.remaining = budget // price
                if not taker.remaining:
                    break
            level = levels[price]
            eaten = self._eat(outcome, taker, level, at_ns)
            if budget is not None:
                budget -= eaten * price
            if not level.orders:
                other.drop(price)
            maker_side: Side = "sell" if sign < 0 else "buy"
            self._changed(outcome.events, at_ns, maker_side, price, level.total)

    def _eat(self, outcome: Outcome, taker: Order, level: Level, at_ns: int) -> int:
        """Match the taker against one level, oldest order first; the lots matched."""
        before = level.total
        trade_id = self.next_trade
        wanted = taker.remaining
        done: list[Order] = []
        for maker in level.orders.values():
            lots = wanted if wanted < maker.remaining else maker.remaining
            maker.remaining -= lots
            wanted -= lots
            trade = Traded(
                self.symbol, at_ns, trade_id, maker.price, lots, taker.side, maker.id, taker.id
            )
            trade_id += 1
            outcome.events.append(trade)
            outcome.fills.append(Fill(trade, maker, maker.remaining))
            level.total -= lots
            if not maker.remaining:
                done.append(maker)
            if not wanted:
                break
        for maker in done:
            del level.orders[maker.id]
            self._forget(maker)
        self.next_trade = trade_id
        taker.remaining = wanted
        return before - level.total

    def _rest(self, outcome: Outcome, order: Order, at_ns: int) -> None:
        total = (self.bids if order.side == "buy" else self.asks).add(order)
        self.orders[order.id] = order
        if order.owner is not None:
            self.owned.setdefault(order.owner, {})[order.id] = order
        outcome.resting = True
        self._changed(outcome.events, at_ns, order.side, order.price, total)

    def _take_out(self, events: list[Event], order: Order, at_ns: int) -> None:
        total = (self.bids if order.side == "buy" else self.asks).remove(order)
        self._forget(order)
        self._changed(events, at_ns, order.side, order.price, total)

    def _forget(self, order: Order) -> None:
        del self.orders[order.id]
        if order.owner is not None:
            mine = self.owned[order.owner]
            del mine[order.id]
            if not mine:
                del self.owned[order.owner]

    def _changed(self, events: list[Event], at_ns: int, side: Side, price: int, total: int) -> None:
        self.update_id += 1
        events.append(LevelChanged(self.symbol, at_ns, self.update_id, side, price, total))

    def _say_best(self, events: list[Event], at_ns: int) -> None:
        bids, asks = self.bids, self.asks
        bid = bids.keys[-1] if bids.keys else 0
        ask = -asks.keys[-1] if asks.keys else 0
        now = (
            bid,
            bids.levels[bid].total if bid else 0,
            ask,
            asks.levels[ask].total if ask else 0,
        )
        if now != self._said:
            self._said = now
            events.append(BestChanged(self.symbol, at_ns, self.update_id, *now))
