"""Letting one order after the other be filled while a stream and polls watch it.

One order of ours rests at a time, at the best price of its symbol; a second account takes that
level up to our order. Each interval polls over kept connections of its own, in threads that only
wait and ask. Everything ends with the stack that is handed in, also after an interrupt: polls
first, then the stream, then orders and keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from threading import Event, Thread
from typing import TYPE_CHECKING, NoReturn, cast

from vocx.errors import Refused, WaitTimeout
from vocx.facts import BookSnapshot, Order, Side
from vocx.measure.trading import PLENTY, Trader, small, warmed
from vocx.stream import Stream, Subscription
from vocx.timing import mono_ns
from vocx.venues.base import ChannelSpec, GetBook, GetOrder, SocketPlan

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import TruthEvent

AHEAD_NS = 20_000_000
"""Polls begin so long before the match, so that one that is on its way at that moment counts."""
PATIENCE_S = 5.0
TRIES = 8
WARM = 3
"""Connections that are opened beforehand for each interval."""


class Watched:
    """One of our orders: when polling began, when it was matched, which polls are out."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.begun_ns = mono_ns()
        self.matched_ns = 0
        self.polled: list[Future[int | None]] = []


class Filling:
    """Accounts, stream and polling connections of one measurement.

    Attributes
    ----------
    over : Event
        Set when everything should end.
    calls_ms : list of lists of float
        Call times of the polls, by interval.
    weight : int
        Of one poll.
    """

    def __init__(
        self, exchange: Exchange, symbol: str, every_ms: Sequence[float], stack: ExitStack
    ) -> None:
        self.symbol, self.every_ms = symbol, every_ms
        self._instrument = exchange.instrument(symbol)
        rich = {self._instrument.base: PLENTY, self._instrument.quote: PLENTY}
        self._maker = stack.enter_context(Trader(exchange, "measure: fills"))
        self._taker = stack.enter_context(
            Trader(exchange, f"measure: the other side of {symbol}", balances=rich)
        )
        self._truth = self._maker.lab.truth
        self.over = Event()
        self.calls_ms: list[list[float]] = [[] for _ in every_ms]
        ask = GetOrder(symbol=symbol, id=1)
        self.weight = exchange.venue.request(ask, self._maker.now_ns(), self._maker.key).weight
        self._watched: list[Watched] = []
        self._pushed: dict[int | str, int] = {}
        self._clients = [self._maker.client() for _ in every_ms]
        for client in self._clients:
            stack.callback(client.close)
        stream = stack.enter_context(_private(exchange, self._maker))
        self._pool = ThreadPoolExecutor(40 * len(every_ms), "vocx-measure-polls")
        stack.callback(self._pool.shutdown, wait=True, cancel_futures=True)
        stack.callback(self.over.set)
        subscription = stack.enter_context(stream.subscribe("orders"))
        listener = Thread(
            target=self._listen, args=(subscription,), name="vocx-measure-fills", daemon=True
        )
        listener.start()
        stream.wait(PATIENCE_S)
        clients = [*self._clients * WARM, self._maker.rest, self._taker.rest]
        list(self._pool.map(warmed, clients))

    def _listen(self, subscription: Subscription) -> None:
        for fact in subscription:
            if isinstance(fact, Order) and fact.status == "filled":
                self._pushed.setdefault(fact.id, mono_ns())

    # one fill

    def fill(self, side: Side, phases: Sequence[float]) -> None:
        """Let one order rest, be polled from these shares of each interval on, and be matched."""
        mark = self._truth.events(None).next
        watched = Watched(self._rest(side))
        for at, (every_ms, phase) in enumerate(zip(self.every_ms, phases, strict=True)):
            every_ns = int(every_ms * 1e6)
            due_ns = watched.begun_ns + int((AHEAD_NS + phase * every_ns) % every_ns)
            watched.polled.append(
                self._pool.submit(self._poll, at, watched.order, every_ns, due_ns)
            )
        self.over.wait(max(0, watched.begun_ns + AHEAD_NS - mono_ns()) / 1e9)
        watched.matched_ns = self._matched(watched.order, mark)
        self._maker.gone(watched.order.client_order_id)
        self._watched.append(watched)

    def _rest(self, side: Side) -> Order:
        """Our order at the best price; where the market has just moved into it, once more."""
        for last in range(1 - TRIES, 1):
            book = self._truth.book(self.symbol, depth=1)
            price = book.bids[0][0] if side == "buy" else book.asks[0][0]
            order = self._maker.order(
                self.symbol, side, small(self._instrument, price), price, type="limit_maker"
            )
            try:
                return self._maker.place(order)
            except Refused:
                self._maker.gone(order.client_order_id)
                if not last:
                    raise
        raise AssertionError("the last try returns or raises")

    def _matched(self, order: Order, mark: int) -> int:
        """Take what stands before our order and our order; when the engine matched it."""
        for _ in range(TRIES):
            self._take(order)
            for event in self._truth.events(mark, symbol=self.symbol, kind="order"):
                if _is_whole_fill(event, order):
                    return event.mono_ns
        raise WaitTimeout(
            f"the order {order.client_order_id} at {order.price} {self.symbol} was not filled in "
            f"{TRIES} tries: the market moved away each time; measure on a quieter symbol"
        )

    def _take(self, order: Order) -> None:
        assert order.price is not None and order.quantity is not None
        book = self._truth.book(self.symbol, depth=20)
        ahead = _ahead(book, order.side, order.price)
        most = self._instrument.max_quantity or ahead
        quantity = min(max(ahead, order.quantity), most)
        other: Side = "sell" if order.side == "buy" else "buy"
        self._taker.place(
            self._taker.order(self.symbol, other, quantity, order.price, time_in_force="IOC")
        )

    def _poll(self, at: int, order: Order, every_ns: int, due_ns: int) -> int | None:
        """Ask until the order is filled; when that was known here."""
        client, ask = self._clients[at], GetOrder(symbol=self.symbol, id=order.id)
        while not self.over.wait(max(0, due_ns - mono_ns()) / 1e9):
            sent_ns = mono_ns()
            found = cast(Order, client.call_signed(ask, self._maker.key, self._maker.now_ns))
            known_ns = mono_ns()
            self.calls_ms[at].append((known_ns - sent_ns) / 1e6)
            if found.status == "filled":
                return known_ns
            due_ns = max(due_ns + every_ns, known_ns)
        return None

    # all of them

    def known(self) -> list[list[float]]:
        """For each fill the milliseconds until it was known: pushed, then polled by each
        interval. Fills that came before the polls did (the crowd was there first) are left out."""
        found: list[list[float]] = []
        for one in self._watched:
            polled = [future.result() for future in one.polled]
            pushed = self._pushed_ns(one.order.id)
            if one.matched_ns > one.begun_ns:
                times = [pushed, *(at for at in polled if at is not None)]
                found.append([(at - one.matched_ns) / 1e6 for at in times])
        return found

    def _pushed_ns(self, order_id: int | str) -> int:
        deadline = mono_ns() + int(PATIENCE_S * 1e9)
        while order_id not in self._pushed:
            if mono_ns() > deadline:
                raise WaitTimeout(
                    f"the account's stream did not tell of the fill of order {order_id} within "
                    f"{PATIENCE_S:g} s; is a dial of the lab turned that swallows bytes?"
                )
            self.over.wait(0.005)
        return self._pushed[order_id]


def _is_whole_fill(event: TruthEvent, order: Order) -> bool:
    return event.id == order.id and event.what == "trade" and event.status == "filled"


def _ahead(book: BookSnapshot, side: Side, price: Decimal) -> Decimal:
    """What stands on our side of the book at our price and better, ours included."""
    if side == "buy":
        return sum((size for at, size in book.bids if at >= price), Decimal(0))
    return sum((size for at, size in book.asks if at <= price), Decimal(0))


def _private(exchange: Exchange, trader: Trader) -> Stream:
    """The stream of the trader's account, not started yet."""

    def login(plan: SocketPlan) -> SocketPlan:
        return exchange.venue.login(plan, trader.now_ns(), trader.key)

    return Stream(
        exchange.venue,
        exchange.url,
        [ChannelSpec(channel="orders", symbol=None)],
        snapshot=_no_book,
        ca_file=exchange.ca_file(),
        login=login,
        name=f"measure: fills of {trader.prefix}",
    )


def _no_book(intent: GetBook) -> NoReturn:
    raise AssertionError("an account's stream keeps no book")
