"""Order entry by REST and by WebSocket: one order and many, on new and on kept connections.

Every order is real and cannot match (an IOC at half the price), so the engine accepts it and ends
it, and nothing is left behind. Two times are measured, on one clock:

*call time*  from the sending to the answer in hand, the connection's opening included;
*accepted*   from the same moment until the engine had taken the order: one way.

What arithmetic says, in round trips: a kept connection needs one, whatever it speaks, and half of
it one way. A new one needs one for TCP and one for TLS 1.3 before; a WebSocket a third one for its
upgrade, so its *first* order is later than by REST. Signatures, connections and bytes are counted
from what was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from statistics import fmean, median
from threading import Barrier
from typing import TYPE_CHECKING, ClassVar

import msgspec
from msgspec.structs import replace

from vocx.call_forms import says_its_form
from vocx.measure import theory, validation
from vocx.measure.order_paths import OrderPath, PlacedOrder, PreparedOrder, paths_of
from vocx.measure.probes import unlimited
from vocx.measure.result import CLOCK, Column, Result, conditions
from vocx.measure.sampling import Interval, quantile_interval
from vocx.measure.trading import Trader, small, trading_lab
from vocx.text import fold
from vocx.timing import mono_ns

if TYPE_CHECKING:
    from vocx.exchange import Exchange

ACCOUNT = "measure: order entry"
WARM_UP = 2
FEWER = 0.6
"""New connections and bursts are dear: so many of them for each of ``repeats``."""


class SentOrders(msgspec.Struct, frozen=True, kw_only=True):
    """Orders that were sent at once, one or many, in one way.

    Attributes
    ----------
    path : str
        ``"REST"``, ``"WebSocket"`` or ``"WebSocket, logged on"``.
    new : bool
        No connection was open.
    connections : int
        Opened by these orders.
    """

    path: str
    new: bool
    connections: int
    orders: list[PlacedOrder]

    @property
    def all_ms(self) -> float:
        """From the first sending until all answers were in hand."""
        begun_ns = min(one.begun_ns for one in self.orders)
        return (max(one.ended_ns for one in self.orders) - begun_ns) / 1e6


class OrderGroup(msgspec.Struct, frozen=True, kw_only=True):
    """All that was sent on one path, over new or kept connections, one or many at once."""

    path: str
    new: bool
    at_once: int
    round_trips: int
    sent: list[SentOrders]

    @property
    def name(self) -> str:
        """``"REST, kept"``."""
        return f"{self.path}, {'new' if self.new else 'kept'}"

    @property
    def orders(self) -> list[PlacedOrder]:
        return [order for one in self.sent for order in one.orders]

    @property
    def call_ms(self) -> Interval:
        """The median call time."""
        return quantile_interval([(one.ended_ns - one.begun_ns) / 1e6 for one in self.orders])

    @property
    def one_way_ms(self) -> Interval:
        """The median until the engine accepted."""
        return quantile_interval([(one.accepted_ns - one.begun_ns) / 1e6 for one in self.orders])

    @property
    def all_ms(self) -> Interval | None:
        """The median until the last answer of those that were sent at once."""
        many = self.at_once > 1
        return quantile_interval([one.all_ms for one in self.sent]) if many else None

    @property
    def connections(self) -> float:
        """Opened, on average."""
        return fmean(one.connections for one in self.sent)

    @property
    def signatures(self) -> float:
        """Of one order."""
        return fmean(one.signatures for one in self.orders)

    @property
    def bytes_each(self) -> int:
        return int(fmean(one.sent_bytes + one.received_bytes for one in self.orders))


class OrderEntry(Result, frozen=True, kw_only=True):
    """How long orders took, and what they carried.

    Attributes
    ----------
    sent : list of SentOrders
        Everything that counts, in the order in which it was sent.
    opening_trips : dict
        By path: round trips that a new connection needs after TCP and TLS, before its first order.
    made_us : dict
        By kind of key: median microseconds to make and sign a request.
    logon_signatures : int
        In the one frame with which the socket logged on.
    """

    sent: list[SentOrders]
    opening_trips: dict[str, int]
    made_us: dict[str, float]
    logon_signatures: int

    title: ClassVar[str] = "Order entry, ms (medians; theory: the distance alone)"

    def items(self) -> Sequence[OrderGroup]:
        """One at a time first, kept connections before new ones."""
        found: dict[tuple[int, bool, int, str], list[SentOrders]] = {}
        order = list(self.opening_trips)
        for one in self.sent:
            key = (len(one.orders), not one.new, order.index(one.path), one.path)
            found.setdefault(key, []).append(one)
        return [
            OrderGroup(
                path=path,
                new=not kept,
                at_once=at_once,
                round_trips=self.round_trips(path, not kept),
                sent=sent,
            )
            for (at_once, kept, _, path), sent in sorted(found.items(), key=lambda one: one[0])
        ]

    def round_trips(self, path: str, new: bool) -> int:
        """Of one order: 1 on a kept connection; on a new one TCP, TLS 1.3 and upgrade before."""
        opening = theory.opening_round_trips(tls=self.conditions.tls, kept=not new)
        return opening + (self.opening_trips[path] if new else 0)

    def columns(self) -> Sequence[Column]:
        """Times are medians; theory is what the dial's distance alone costs."""
        stated = self.conditions

        def one_way(one: OrderGroup) -> float:
            return (one.round_trips - 0.5) * stated.rtt_ms - stated.late_ms

        return (
            Column("path", "name", "path"),
            Column("at_once", "at_once", "at once"),
            Column("call_ms", "call_ms", "answer", "±"),
            Column("theory_call_ms", lambda one: one.round_trips * stated.rtt_ms, "theory", "g"),
            Column("one_way_ms", "one_way_ms", "one way", "±"),
            Column("theory_one_way_ms", one_way, "theory", "g"),
            Column("all_ms", "all_ms", "last", "±"),
            Column("connections", "connections", "opened", "g"),
            Column("tls_handshakes", lambda one: stated.tls * one.connections),
            Column("signatures_an_order", "signatures", "signed", "g"),
            Column("bytes_an_order", "bytes_each", "bytes"),
        )

    def notes(self) -> Sequence[str]:
        """What signing cost."""
        keys = ", ".join(f"{kind} {us:.0f} us" for kind, us in self.made_us.items())
        once = f"; a socket that logged on sent {self.logon_signatures} signature, once"
        logged_on = once if self.logon_signatures else ""
        return [fold(f"making and signing an order: {keys}{logged_on}")]


@says_its_form
def orders(
    exchange: Exchange,
    *,
    repeats: int = 10,
    many: int = 10,
    symbol: str = "BTC/USDT",
) -> OrderEntry:
    """Send orders by REST and by WebSocket, and measure both ways of doing it.

    One at a time on kept connections (``repeats``), one at a time on a new connection each, and
    ``many`` at once (both less often, as they are dear); in turns, so that a busy moment strikes
    all ways alike. The account and its keys are the measurement's own; the lab's limit of orders
    in ten seconds is put aside meanwhile and put back as it was found. A socket that has logged
    on with an Ed25519 key is measured with raw frames: vocx's own client signs each order.

    Parameters
    ----------
    exchange : Exchange
        In a lab, with a market of its own; whether over TLS is as it was connected.
    repeats : int
        Orders on a kept connection, in each way.
    many : int
        Orders that leave at once, each from a thread of its own. A session keeps ten connections;
        what is above is opened anew.

    Raises
    ------
    BadInput
        The exchange is not in a lab, its lab plays a recording, or a number is out of bounds.
    """
    trading_lab(exchange)
    repeats = validation.whole("repeats", repeats, 1, 100, what=" orders")
    many = validation.whole("many", many, 1, 100, what=" orders")
    with ExitStack() as stack:
        stack.enter_context(unlimited(exchange, symbol))
        run = _Run(exchange, symbol, many, stack)
        begun_ns = mono_ns()
        run.singles(repeats)
        run.bursts(max(1, round(repeats * FEWER)))
        run.news(max(1, round(repeats * FEWER)))
        return _result(run, exchange, repeats, (mono_ns() - begun_ns) / 1e9)


def _result(run: _Run, exchange: Exchange, repeats: int, seconds: float) -> OrderEntry:
    return OrderEntry(
        conditions=conditions(
            exchange,
            path="from this program to the exchange's engine, and back",
            clock=CLOCK,
            symbol=run.symbol,
            seconds=seconds,
            warm_up=WARM_UP,
            repeats=repeats,
        ),
        sent=run.sent(),
        opening_trips={path.name: path.opening_trips for path in run.paths},
        made_us={kind: median(found) for kind, found in run.made_us.items()},
        logon_signatures=sum(path.logon_signatures for path in run.paths),
    )


class _Run:
    """An account, the ways to send its orders, and what was sent.

    Attributes
    ----------
    made_us : dict
        Microseconds to make and sign each order, by kind of key.
    """

    def __init__(self, exchange: Exchange, symbol: str, many: int, stack: ExitStack) -> None:
        self._trader = stack.enter_context(Trader(exchange, ACCOUNT))
        self._truth = exchange.truth
        self.symbol, self._many = symbol, many
        instrument = exchange.instrument(symbol)
        bid = self._truth.book(symbol, depth=1).bids[0][0]
        self._price, self._tick = instrument.round_price(bid / 2, "buy"), instrument.tick
        self._quantity = small(instrument, self._price)
        self.paths = paths_of(self._trader)
        for path in self.paths:
            stack.callback(path.hang_up)
        self._unproven = [path for path in self.paths if not path.logs_on]
        self.made_us: dict[str, list[float]] = {}
        self._pool = ThreadPoolExecutor(many, "vocx-measure-orders")
        stack.callback(self._pool.shutdown, wait=True, cancel_futures=True)
        self._sent: list[SentOrders] = []
        self._mark = self._truth.events(None).next
        for path in self.paths:
            path.log_on()
        for path in self.paths:
            for _ in range(WARM_UP):
                path.send(self._prepare(path))

    def _prepare(self, path: OrderPath) -> PreparedOrder:
        self._price -= self._tick
        order = self._trader.order(
            self.symbol, "buy", self._quantity, self._price, time_in_force="IOC"
        )
        prepared = path.prepare(order)
        self.made_us.setdefault(path.key_kind, []).append(prepared.made_us)
        return prepared

    def singles(self, repeats: int) -> None:
        """One at a time, each way in turn, on connections that are open."""
        for _ in range(repeats):
            for path in self.paths:
                self._send(path, 1)

    def news(self, repeats: int) -> None:
        """One at a time, and many at once, with no connection open."""
        for _ in range(repeats):
            for path in self._unproven:
                for at_once in dict.fromkeys((1, self._many)):
                    path.hang_up()
                    self._send(path, at_once, new=True)

    def bursts(self, repeats: int) -> None:
        """Many at once on connections that are open."""
        if self._many == 1:
            return
        for path in self._unproven:
            self._at_once(path, self._many)
        for _ in range(repeats):
            for path in self._unproven:
                self._send(path, self._many)

    def _send(self, path: OrderPath, at_once: int, *, new: bool = False) -> None:
        connects = path.connects
        placed = [path.send(self._prepare(path))] if at_once == 1 else self._at_once(path, at_once)
        opened = path.connects - connects
        self._sent.append(SentOrders(path=path.name, new=new, connections=opened, orders=placed))

    def _at_once(self, path: OrderPath, count: int) -> list[PlacedOrder]:
        """Made before, sent in the same moment from as many threads."""
        prepared, start = [self._prepare(path) for _ in range(count)], Barrier(count)

        def send(one: PreparedOrder) -> PlacedOrder:
            start.wait()
            return path.send(one)

        return [one.result() for one in [self._pool.submit(send, one) for one in prepared]]

    def sent(self) -> list[SentOrders]:
        """Everything that counts, with the moment at which the engine accepted each order."""
        mine = partial(self._truth.events, self._mark, owner=self._trader.owner)
        events = mine(symbol=self.symbol, kind="order")
        accepted = {event.price: event.mono_ns for event in events if event.what == "new"}
        return [
            replace(one, orders=[replace(it, accepted_ns=accepted[it.price]) for it in one.orders])
            for one in self._sent
        ]
