"""The matching engine: one symbol's book with price-time priority, in integers.

Rules, in one place:

* Prices are ticks, quantities lots. Nothing is ever rounded.
* Better price first, then the order that came first; a match happens at the maker's price.
* An operation returns its events in order and sends nothing. Per level that a taker eats: its
  matches, then one :class:`LevelChanged`. At the end of an operation, if best price or best
  quantity is not what was last said, one :class:`BestChanged` as of the newest update id.
* ``update_id`` grows by one with each ``LevelChanged``; order and trade ids grow by one.

* What happens when an order meets one of its own owner's is the arriving order's to say
  (``self_trade``). The crowd (owner ``None``) matches itself.

Each side is a :class:`vocx.lab.market.book_side.BookSide`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vocx.lab.events import (
    BestChanged,
    BookLevel,
    Event,
    LevelChanged,
    SelfTrade,
    Side,
    TimeInForce,
    Traded,
)
from vocx.lab.market.book_side import BookSide, Level, Order

Expiry = Literal["", "unfilled", "would_match", "self_trade"]


class Fill(msgspec.Struct, frozen=True):
    """One match as accounts need it: the trade, and the maker's order."""

    trade: Traded
    maker: Order


class ExecutionResult(msgspec.Struct):
    """What one operation did.

    ``order`` is the order it was about (``None`` when several were cancelled), ``resting``
    whether it is in the book now, ``expired`` why a remainder is not, ``cancelled`` the resting
    orders that were taken out: by a cancel, or because they met an order of their own owner.
    """

    order: Order | None
    events: list[Event]
    fills: list[Fill]
    resting: bool = False
    expired: Expiry = ""
    cancelled: list[Order] = []


class Book:
    """One symbol's order book and matching.

    Parameters
    ----------
    symbol
        As in every event, ``"BTC/USDT"``.
    update_id, next_order, next_trade
        Where the counters begin.

    Attributes
    ----------
    passive_fills : list of Fill
        Matches of owned orders that the crowd took. Whoever keeps accounts empties it.
    """

    def __init__(
        self, symbol: str, *, update_id: int = 0, next_order: int = 1, next_trade: int = 1
    ) -> None:
        self.symbol = symbol
        self.update_id = update_id
        self.next_order = next_order
        self.next_trade = next_trade
        self.bids = BookSide(1)
        self.asks = BookSide(-1)
        self.orders: dict[int, Order] = {}
        self.owned: dict[str, dict[int, Order]] = {}
        self.passive_fills: list[Fill] = []
        self._said = (0, 0, 0, 0)

    def limit(
        self,
        at_ns: int,
        side: Side,
        price: int,
        quantity: int,
        *,
        owner: str | None = None,
        time_in_force: TimeInForce = "GTC",
        self_trade: SelfTrade = "none",
    ) -> ExecutionResult:
        """Place a limit order of ``quantity`` lots at ``price`` ticks.

        Raises
        ------
        ValueError
            For a price or a quantity that is not positive; the book is unchanged.
        """
        if price <= 0 or quantity <= 0:
            raise ValueError(f"price {price} and quantity {quantity} must both be positive")
        order = self._new(side, price, quantity, owner)
        result = ExecutionResult(order, [], [])
        other = self.asks if side == "buy" else self.bids
        if other.crosses(price):
            if time_in_force == "POST_ONLY":
                result.expired = "would_match"
                return result
            if time_in_force == "FOK":
                estimate = other.estimate(
                    quantity=quantity, worst=price, owner=owner, self_trade=self_trade
                )
                if not estimate.enough:
                    result.expired = "unfilled"
                    return result
            self._match(result, order, other, at_ns, price, self_trade)
        if order.remaining and not result.expired:
            if time_in_force == "IOC" or time_in_force == "FOK":
                result.expired = "unfilled"
            else:
                self._rest(result, order, at_ns)
        self._say_best(result.events, at_ns)
        return result

    def requeue(
        self,
        at_ns: int,
        order_id: int,
        price: int,
        quantity: int,
        *,
        self_trade: SelfTrade = "none",
    ) -> ExecutionResult | None:
        """Let a resting order be for ``quantity`` lots in all at ``price`` ticks: the same order,
        behind all others of that price, or matched as far as it crosses. ``None`` when no such
        order rests, or when it has filled so much already."""
        order = self.orders.get(order_id)
        if order is None or price <= 0 or quantity <= order.quantity - order.remaining:
            return None
        result = ExecutionResult(order, [], [])
        self._take_out(result.events, order, at_ns)
        order.remaining += quantity - order.quantity
        order.price, order.quantity = price, quantity
        other = self.asks if order.side == "buy" else self.bids
        if other.crosses(price):
            self._match(result, order, other, at_ns, price, self_trade)
        if order.remaining and not result.expired:
            self._rest(result, order, at_ns)
        self._say_best(result.events, at_ns)
        return result

    def market(
        self,
        at_ns: int,
        side: Side,
        quantity: int,
        *,
        owner: str | None = None,
        self_trade: SelfTrade = "none",
    ) -> ExecutionResult:
        """Match ``quantity`` lots at once at any price. What finds no counterpart expires.

        Raises
        ------
        ValueError
            For a quantity that is not positive; the book is unchanged.
        """
        if quantity <= 0:
            raise ValueError(f"quantity {quantity} must be positive")
        order = self._new(side, 0, quantity, owner)
        result = ExecutionResult(order, [], [])
        other = self.asks if side == "buy" else self.bids
        self._match(result, order, other, at_ns, None, self_trade)
        if order.remaining and not result.expired:
            result.expired = "unfilled"
        self._say_best(result.events, at_ns)
        return result

    def cancel(self, at_ns: int, order_id: int) -> ExecutionResult | None:
        """Take one order out of the book; ``None`` when no such order rests."""
        order = self.orders.get(order_id)
        if order is None:
            return None
        result = ExecutionResult(order, [], [], cancelled=[order])
        self._take_out(result.events, order, at_ns)
        self._say_best(result.events, at_ns)
        return result

    def reduce(self, at_ns: int, order_id: int, by: int) -> ExecutionResult | None:
        """Take so many lots off a resting order, which keeps its place in the queue; ``None``
        when no such order rests with more than that."""
        order = self.orders.get(order_id)
        if order is None or not 0 < by < order.remaining:
            return None
        order.quantity -= by
        order.remaining -= by
        level = (self.bids if order.side == "buy" else self.asks).levels[order.price]
        level.total -= by
        result = ExecutionResult(order, [], [], resting=True)
        self._changed(result.events, at_ns, order.side, order.price, level)
        self._say_best(result.events, at_ns)
        return result

    def cancel_owner(self, at_ns: int, owner: str) -> ExecutionResult:
        """Take all orders of one owner out of the book, oldest first."""
        orders = list(self.owned.get(owner, {}).values())
        result = ExecutionResult(None, [], [], cancelled=orders)
        for order in orders:
            self._take_out(result.events, order, at_ns)
        self._say_best(result.events, at_ns)
        return result

    def best(self) -> tuple[int, int, int, int]:
        """bid, bid quantity, ask, ask quantity; 0 for a missing side."""
        return *self.bids.best(), *self.asks.best()

    def top(self, depth: int) -> tuple[list[BookLevel], list[BookLevel]]:
        """Bids descending and asks ascending, at most ``depth`` levels each."""
        return self.bids.top(depth), self.asks.top(depth)

    def take_number(self) -> int:
        """The number of the next order, which is then taken."""
        number = self.next_order
        self.next_order = number + 1
        return number

    def _new(self, side: Side, price: int, quantity: int, owner: str | None) -> Order:
        return Order(self.take_number(), owner, side, price, quantity, quantity)

    def _match(
        self,
        result: ExecutionResult,
        taker: Order,
        other: BookSide,
        at_ns: int,
        worst: int | None,
        self_trade: SelfTrade,
    ) -> None:
        """Eat levels of the other side, best first, while price and quantity allow."""
        keys, levels, sign = other.keys, other.levels, other.sign
        maker_side: Side = "sell" if sign < 0 else "buy"
        while keys and taker.remaining:
            price = keys[-1] * sign
            if worst is not None and price * sign < worst * sign:
                break
            level = levels[price]
            before = level.total
            self._eat(result, taker, level, at_ns, self_trade)
            if not level.orders:
                other.drop(price)
            if level.total != before:
                self._changed(result.events, at_ns, maker_side, price, level)
            if result.expired:
                break

    def _eat(
        self, result: ExecutionResult, taker: Order, level: Level, at_ns: int, self_trade: SelfTrade
    ) -> None:
        """Match the taker against one level, oldest order first."""
        own = None if self_trade == "none" else taker.owner
        trade_id = self.next_trade
        wanted = taker.remaining
        done: list[Order] = []
        for maker in level.orders.values():
            if own is not None and maker.owner == own:
                if self_trade != "expire_taker":
                    level.total -= maker.remaining
                    done.append(maker)
                    result.cancelled.append(maker)
                if self_trade != "expire_maker":
                    result.expired = "self_trade"
                    break
                continue
            lots = wanted if wanted < maker.remaining else maker.remaining
            maker.remaining -= lots
            wanted -= lots
            trade = Traded(
                self.symbol, at_ns, trade_id, maker.price, lots, taker.side, maker.id, taker.id
            )
            trade_id += 1
            result.events.append(trade)
            fill = Fill(trade, maker)
            result.fills.append(fill)
            if maker.owner is not None and taker.owner is None:
                self.passive_fills.append(fill)
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

    def _rest(self, result: ExecutionResult, order: Order, at_ns: int) -> None:
        level = (self.bids if order.side == "buy" else self.asks).add(order)
        self.orders[order.id] = order
        if order.owner is not None:
            self.owned.setdefault(order.owner, {})[order.id] = order
        result.resting = True
        self._changed(result.events, at_ns, order.side, order.price, level)

    def _take_out(self, events: list[Event], order: Order, at_ns: int) -> None:
        level = (self.bids if order.side == "buy" else self.asks).remove(order)
        self._forget(order)
        self._changed(events, at_ns, order.side, order.price, level)

    def _forget(self, order: Order) -> None:
        del self.orders[order.id]
        if order.owner is not None:
            mine = self.owned[order.owner]
            del mine[order.id]
            if not mine:
                del self.owned[order.owner]

    def _changed(
        self, events: list[Event], at_ns: int, side: Side, price: int, level: Level
    ) -> None:
        self.update_id += 1
        events.append(
            LevelChanged(
                self.symbol, at_ns, self.update_id, side, price, level.total, len(level.orders)
            )
        )

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
