"""How long until you know that you were filled?

The same fills, learned in two ways in the same seconds: the account's private stream says so, and
a poll of the order's status every so often finds out. From the match inside the exchange (the
lab's truth log) to the moment at which this program could act on it, on one clock.

What arithmetic says, with ``d`` half a round trip and ``T`` the interval: the stream needs ``d``.
A poll learns of the fill if it *arrives* after it, so it may have been sent up to ``d`` before the
match. The first such poll is sent evenly between ``-d`` and ``T - d``, and its answer is here
``2 d`` later: evenly between ``d`` and ``d + T``. On average that is half the interval and *half*
a round trip, not a whole one, and at every distance the poll is half an interval behind the
stream. Both are what :mod:`vocx.measure.theory` calls age. The round trip in it is the measured
call time of the polls, so the exchange's and this machine's own milliseconds are inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from decimal import Decimal
from functools import partial
from random import Random
from statistics import median
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

import msgspec

from vocx.call_forms import says_its_form
from vocx.errors import Refused, WaitTimeout, optional_parts
from vocx.facts import BookSnapshot, Order, Side
from vocx.measure import theory, validation
from vocx.measure.probes import Listener, Poller, unlimited, wait_until
from vocx.measure.result import CLOCK, Column, Result, conditions
from vocx.measure.sampling import mean_interval, quantile_interval
from vocx.measure.trading import Trader, small, trading_lab, warmed
from vocx.rate_limits import dearest
from vocx.stream import Stream
from vocx.timing import mono_ns
from vocx.venues.base import ChannelSpec, GetOrder, Intent

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange

QUIET = "BNB/USDT"
"""Where the crowd is rarely seen, so that taking a level of the book disturbs nobody."""
SPACING_S = 0.15
AHEAD_NS = 20_000_000
"""Polls begin so long before the match, so that one that is on its way at that moment counts."""
PATIENCE_S = 5.0
TRIES = 8
WARM = 3
"""Connections that are opened beforehand for each interval."""
PLENTY = 10_000_000
"""Of every asset, for who takes whole levels of the book."""


class FillPath(msgspec.Struct, frozen=True, kw_only=True):
    """One way to know of fills: pushed, or polled every ``every_ms``; times and what it costs.

    ``weight_share`` is of what an address may spend a minute, for every order that is watched.
    """

    name: str
    every_ms: float | None
    known_ms: list[float]
    theory_ms: float
    theory_p95_ms: float
    requests_a_minute: float
    weight_a_minute: float
    weight_share: float


class FillTimes(Result, frozen=True, kw_only=True):
    """When each fill was known, pushed and polled.

    Attributes
    ----------
    pushed_ms : list of float
        From the match to the program, by the account's stream; one for each fill.
    polled_ms : list of lists of float
        The same by polling, a list for each of ``every_ms``.
    polls : list of int
        Polls that were sent, for each of ``every_ms``: from 20 ms before the match on.
    call_ms : float
        Median call time of a poll.
    weight, limit : int, float
        Of one poll, and what may be spent a minute, by the limit that polling exhausts first.
    """

    every_ms: list[float]
    pushed_ms: list[float]
    polled_ms: list[list[float]]
    polls: list[int]
    call_ms: float
    weight: int
    limit: float

    title: ClassVar[str] = "How long until you know that you were filled, ms"

    def items(self) -> Sequence[FillPath]:
        polled = zip(self.every_ms, self.polled_ms, strict=True)
        return [self._path(None, self.pushed_ms), *(self._path(*one) for one in polled)]

    def columns(self) -> Sequence[Column]:
        return (
            Column("path", "name", "known by"),
            Column("mean_ms", lambda one: mean_interval(one.known_ms), "mean", "±"),
            Column("theory_ms", "theory_ms", "theory"),
            Column("p50_ms", lambda one: quantile_interval(one.known_ms)),
            Column("p95_ms", lambda one: quantile_interval(one.known_ms, 0.95), "p95", "±"),
            Column("theory_p95_ms", "theory_p95_ms", "theory"),
            Column("requests_a_minute", "requests_a_minute", "requests a minute", ",.0f"),
            Column("weight_a_minute", "weight_a_minute", "weight a minute", ",.0f"),
            Column("weight_share", "weight_share", "of limit", ".0%"),
        )

    def _path(self, every_ms: float | None, known_ms: list[float]) -> FillPath:
        mean = p95 = theory.pushed_age_ms(0.0, self.call_ms)
        calls = 0.0
        if every_ms is not None:
            mean = theory.expected_age_ms(every_ms, self.call_ms)
            p95 = theory.age_quantile_ms(0.95, every_ms, self.call_ms)
            calls = theory.calls_per_minute(every_ms, self.call_ms)
        late_ms = self.conditions.late_ms
        return FillPath(
            name="pushed" if every_ms is None else f"polled every {every_ms:g} ms",
            every_ms=every_ms,
            known_ms=known_ms,
            theory_ms=mean + late_ms,
            theory_p95_ms=p95 + late_ms,
            requests_a_minute=calls,
            weight_a_minute=calls * self.weight,
            weight_share=calls * self.weight / self.limit,
        )

    def figure(self, *, height: int = 340) -> go.Figure:
        """Every fill as a point: by when which share of them was known. Theory as lines."""
        with optional_parts():
            import plotly.graph_objects as go

        from vocx import figures

        looks = [(figures.PUSHED, "circle", "solid"), (figures.ASKED, "square", "dash")]
        looks += [(figures.ASKED, "diamond", "dot"), (figures.ASKED, "cross", "dashdot")]
        made = go.Figure(
            layout=figures.layout(
                x=f"ms from the match to this program; {self.conditions.dials}",
                y="share of the fills known by then",
                height=height,
                xaxis={"rangemode": "tozero"},
                yaxis={"range": [-0.02, 1.04], "tickformat": ".0%"},
            )
        )
        first = theory.pushed_age_ms(0.0, self.call_ms) + self.conditions.late_ms
        for number, one in enumerate(self.items()):
            color, symbol, dash = looks[min(number, len(looks) - 1)]
            last = first
            if one.every_ms is not None:
                last = theory.age_quantile_ms(1.0, one.every_ms, self.call_ms)
                last += self.conditions.late_ms
            line = figures.line(f"{one.name}, theory", color, dash=dash, step=False)
            made.add_trace(line.update(x=[first, last], y=[0, 1], showlegend=False))
            known = sorted(one.known_ms)
            shares = [(at + 0.5) / len(known) for at in range(len(known))]
            made.add_trace(figures.marks(one.name, color, symbol).update(x=known, y=shares))
        for trace in made.data:
            trace.hovertemplate = "%{y} known after %{x:.1f} ms<extra>" + trace.name + "</extra>"
        return made


@says_its_form
def fills(
    exchange: Exchange,
    *,
    every_ms: Sequence[float] = (250, 1000),
    repeats: int = 20,
    symbol: str = QUIET,
) -> FillTimes:
    """Let orders be filled, and measure when that was known: pushed, and polled each ``every_ms``.

    A small limit order rests at the best price of a quiet symbol, and another account takes that
    level up to it. Both accounts are the measurement's own: yours is not touched. The polls of an
    order begin at a random moment of their interval (one from each of ``repeats`` equal parts of
    it), so that the time until they know is even over the interval; those that could not know yet
    are only counted in ``requests_a_minute`` and the weight. Blocks for about ``repeats`` times
    0.15 s or twice the round trip, and the longest interval.

    Parameters
    ----------
    exchange : Exchange
        In a lab, with a market of its own.
    every_ms : sequence of float
        Polling intervals; each polls every fill, over connections of its own that are kept.
    repeats : int
        Fills.
    symbol : str
        Where; the best level of its book is taken each time.

    Raises
    ------
    BadInput
        The exchange is not in a lab, its lab plays a recording, or an interval is no number of
        milliseconds from 1 to 60000.
    """
    trading_lab(exchange)
    repeats = validation.whole("repeats", repeats, 1, 1000, what=" fills")
    intervals = [
        validation.number("every_ms", one, 1, 60_000, what=" ms")
        for one in validation.several("every_ms", every_ms, "(250, 1000)")
    ]
    phases = [_phases(Random(str(every)), repeats) for every in intervals]
    with ExitStack() as stack:
        stack.enter_context(unlimited(exchange, symbol))
        run = _Run(exchange, symbol, intervals, stack)
        begun_ns = mono_ns()
        for number in range(repeats):
            run.fill("sell" if number % 2 else "buy", [one[number] for one in phases])
            passed_s = (mono_ns() - begun_ns) / 1e9
            run.pause.wait(max(0.0, SPACING_S * (number + 1) - passed_s))
        known = run.known()
        return FillTimes(
            conditions=conditions(
                exchange,
                path="from the match inside the exchange to this program",
                clock=CLOCK,
                symbol=symbol,
                seconds=(mono_ns() - begun_ns) / 1e9,
                warm_up=WARM,
                repeats=len(known),
            ),
            every_ms=intervals,
            pushed_ms=[one[0] for one in known],
            polled_ms=[[one[1 + at] for one in known] for at in range(len(intervals))],
            polls=[len(one) for one in run.calls_ms],
            call_ms=median(ms for one in run.calls_ms for ms in one),
            weight=run.weight,
            limit=run.limit,
        )


def _phases(random: Random, repeats: int) -> list[float]:
    """A random moment in each of so many equal parts of an interval, in random order."""
    found = [(part + random.random()) / repeats for part in range(repeats)]
    random.shuffle(found)
    return found


class _Fill(msgspec.Struct, frozen=True):
    """One of our orders: when polling began, when it was matched, and its polls."""

    order: Order
    begun_ns: int
    matched_ns: int
    polls: list[Poller]


class _Run:
    """Accounts, stream and polling connections of one measurement.

    One order of ours rests at a time, at the best price of its symbol; a second account takes that
    level up to our order. Everything ends with the stack that is handed in, also after an
    interrupt: polls first, then the stream, then orders and keys.

    Attributes
    ----------
    calls_ms : list of lists of float
        Call times of the polls, by interval.
    weight : int
        Of one poll.
    pause : Event
        To wait with; never set.
    """

    def __init__(
        self, exchange: Exchange, symbol: str, every_ms: Sequence[float], stack: ExitStack
    ) -> None:
        self._symbol, self._every_ms = symbol, every_ms
        self._instrument = exchange.instrument(symbol)
        rich = {self._instrument.base: PLENTY, self._instrument.quote: PLENTY}
        self._maker = stack.enter_context(Trader(exchange, "measure: fills"))
        self._taker = stack.enter_context(
            Trader(exchange, f"measure: the other side of {symbol}", balances=rich)
        )
        self._truth = exchange.truth
        self.pause = Event()
        self.calls_ms: list[list[float]] = [[] for _ in every_ms]
        ask = GetOrder(symbol=symbol, id=1)
        charge = dearest(exchange.venue.request(ask).charges, exchange.venue.limits)
        self.weight = charge.amount
        self.limit = charge.per_minute
        self._fills: list[_Fill] = []
        self._polls: list[Poller] = []
        self._clients = [self._maker.client() for _ in every_ms]
        for client in self._clients:
            stack.callback(client.close)
        self._listener = Listener(partial(_private, exchange, self._maker))
        stack.callback(self._listener.stop)
        stack.callback(self._stop_polls)
        self._listener.start()
        self._listener.stream.wait(PATIENCE_S)
        clients = [*self._clients * WARM, self._maker.rest, self._taker.rest]
        with ThreadPoolExecutor(len(clients), "vocx measure") as pool:
            list(pool.map(warmed, clients))

    def _stop_polls(self) -> None:
        for one in self._polls:
            one.stop()

    def fill(self, side: Side, phases: Sequence[float]) -> None:
        """Let one order rest, be polled from these shares of each interval on, and be matched."""
        mark = self._truth.events(None).next
        order, begun_ns = self._rest(side), mono_ns()
        polls = []
        for at, (every_ms, phase) in enumerate(zip(self._every_ms, phases, strict=True)):
            every_ns = int(every_ms * 1e6)
            due_ns = begun_ns + int((AHEAD_NS + phase * every_ns) % every_ns)
            ask = partial(self._ask, at, order)
            polls.append(Poller(ask, every_ms, begin_ns=due_ns, until=_is_filled))
            self._polls.append(polls[-1])
            polls[-1].start()
        self.pause.wait(max(0, begun_ns + AHEAD_NS - mono_ns()) / 1e9)
        self._fills.append(_Fill(order, begun_ns, self._matched(order, mark), polls))

    def _ask(self, at: int, order: Order) -> Order:
        """What became of an order, by one of the intervals' connections."""
        ask, sent_ns = GetOrder(symbol=self._symbol, id=order.id), mono_ns()
        found = self._clients[at].call(ask, self._maker.key, self._maker.now_ns)
        self.calls_ms[at].append((mono_ns() - sent_ns) / 1e6)
        return cast(Order, found)

    def _rest(self, side: Side) -> Order:
        """Our order at the best price; where the market has just moved into it, once more."""
        for last in range(1 - TRIES, 1):
            book = self._truth.book(self._symbol, depth=1)
            price = book.bids[0][0] if side == "buy" else book.asks[0][0]
            quantity = small(self._instrument, price)
            order = self._maker.order(self._symbol, side, quantity, price, type="post_only")
            try:
                return self._maker.place(order)
            except Refused:
                if not last:
                    raise
        raise AssertionError("the last try returns or raises")

    def _matched(self, order: Order, mark: int) -> int:
        """Take what stands before our order and our order; when the engine matched it."""
        for _ in range(TRIES):
            self._take(order)
            events = partial(self._truth.events, mark, owner=self._maker.owner)
            for event in events(symbol=self._symbol, kind="order"):
                if event.what == "trade" and event.status == "filled":
                    return event.mono_ns
        raise WaitTimeout(
            f"the order {order.client_order_id} at {order.price:f} {self._symbol} was not "
            f"filled in {TRIES} tries: the market moved away each time; measure on a quieter symbol"
        )

    def _take(self, order: Order) -> None:
        assert order.price is not None and order.quantity is not None
        book = self._truth.book(self._symbol, depth=20)
        ahead = _ahead(book, order.side, order.price)
        most = self._instrument.max_quantity or ahead
        quantity = min(max(ahead, order.quantity), most)
        other: Side = "sell" if order.side == "buy" else "buy"
        self._taker.place(
            self._taker.order(self._symbol, other, quantity, order.price, time_in_force="IOC")
        )

    def known(self) -> list[list[float]]:
        """For each fill the milliseconds until it was known: pushed, then polled by each
        interval. Fills that came before the polls did (the crowd was there first) are left out."""
        for fill in self._fills:
            for poll in fill.polls:
                poll.finish()
        wanted = {fill.order.id for fill in self._fills}
        why = "fills from the account's stream; is a dial of the lab turned that swallows bytes?"
        wait_until([lambda: wanted <= self._pushed().keys()], PATIENCE_S, lambda _: why)
        pushed = self._pushed()
        found: list[list[float]] = []
        for fill in self._fills:
            if fill.matched_ns > fill.begun_ns:
                known_ns = [pushed[fill.order.id], *(poll.replies[-1][0] for poll in fill.polls)]
                found.append([(at_ns - fill.matched_ns) / 1e6 for at_ns in known_ns])
        return found

    def _pushed(self) -> dict[int | str, int]:
        """When the stream told of each filled order first."""
        found: dict[int | str, int] = {}
        for at_ns, fact in self._listener.facts():
            if isinstance(fact, Order) and _is_filled(fact):
                found.setdefault(fact.id, at_ns)
        return found


def _is_filled(order: Order) -> bool:
    return order.status == "filled"


def _ahead(book: BookSnapshot, side: Side, price: Decimal) -> Decimal:
    """What stands on our side of the book at our price and better, ours included."""
    if side == "buy":
        return sum((size for at, size in book.bids if at >= price), Decimal(0))
    return sum((size for at, size in book.asks if at <= price), Decimal(0))


def _private(exchange: Exchange, trader: Trader, **probe: Any) -> Stream:
    """The stream of the trader's account, not started yet."""

    def no_book(intent: Intent, stopping: Event) -> NoReturn:
        raise AssertionError("an account's stream keeps no book")

    return Stream(
        exchange.venue,
        exchange.url,
        [ChannelSpec(channel="orders", symbol=None)],
        ask=no_book,
        account=trader.access(),
        ca_file=exchange.environment.ca_file(),
        **probe,
    )
