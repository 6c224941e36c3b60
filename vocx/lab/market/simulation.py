"""All symbols of a live lab on one clock: who acts next, and when that is for the outside world.

Two clocks. *Market time* counts nanoseconds since the start at pace 1.0 and stands still in a
pause; the order flows live by it, so their events are the same whatever the pace and however
``advance`` is called. *Exchange time* is the machine's wall clock; the pace in force says how
the one maps to the other from the last change of pace on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from heapq import heapify, heapreplace
from random import Random

from vocx.lab.accounts.accounts import Accounts
from vocx.lab.events import AnyEvent, InstrumentSpec
from vocx.lab.market.crowd import OrderFlow
from vocx.lab.market.engine import Book
from vocx.lab.market.history import DAYS, History
from vocx.lab.market.instruments import INSTRUMENTS
from vocx.lab.market.symbol_market import SymbolMarket
from vocx.lab.market.tape import Tape
from vocx.lab.ports import Market

TRADES_A_SECOND = 31.0
BTC_A_TRADE = 0.025


class CrowdSimulation:
    """The live simulation (:class:`vocx.lab.ports.MarketSimulation`).

    Parameters
    ----------
    live
        Markets and the flows that drive them.
    start_ns
        Wall clock at market time 0.
    pace
        1.0 is the recorded session's rate; 0 starts paused.

    Attributes
    ----------
    accounts : Accounts
        Who may trade besides the crowd; nobody at first.
    """

    def __init__(
        self, live: list[tuple[SymbolMarket[Book], OrderFlow]], *, start_ns: int, pace: float = 1.0
    ) -> None:
        self.markets: dict[str, Market] = {market.spec.symbol: market for market, _ in live}
        self.accounts = Accounts((market for market, _ in live), self._stamp)
        self.pace = pace
        self._live = live
        self._anchor_ns = start_ns
        self._anchor_market_ns = 0
        self._last_ns = start_ns
        self._due = [(flow.next_ns(), number) for number, (_, flow) in enumerate(live)]
        heapify(self._due)

    @property
    def over(self) -> bool:
        """The crowd never ends."""
        return False

    @property
    def progress(self) -> None:
        """Only a recording has one."""

    def exchange_ns(self, now_ns: int) -> int:
        """The live exchange's clock is this machine's."""
        return now_ns

    def begin(self, now_ns: int) -> None:
        """The crowd trades whether or not anybody listens."""

    def set_pace(self, pace: float, now_ns: int) -> None:
        """Change the pace from now on; 0 pauses. What was overdue is not caught up.

        Raises
        ------
        ValueError
            For a negative pace.
        """
        if pace < 0:
            raise ValueError(f"pace is {pace}; 0 pauses the market, 1.0 is the recorded rate")
        market_ns = self._market_ns(now_ns)
        self._anchor_market_ns = min(market_ns, self._due[0][0]) if self._due else market_ns
        self._anchor_ns = max(now_ns, self._last_ns)
        self.pace = pace

    def next_ns(self) -> int | None:
        """When the next event is due on the exchange's clock; ``None`` while paused."""
        if not self.pace or not self._due:
            return None
        return self._exchange_ns(self._due[0][0])

    def advance(self, now_ns: int, limit: int = 1000) -> list[AnyEvent]:
        """Everything due up to ``now_ns``; stops after the action that reaches ``limit``."""
        events: list[AnyEvent] = []
        while self.pace and self._due and len(events) < limit:
            at_ns = self._exchange_ns(self._due[0][0])
            if at_ns > now_ns:
                break
            events += self._act(at_ns)
        return events

    def step(self, count: int, now_ns: int) -> list[AnyEvent]:
        """The next ``count`` actions of the crowd, now. Market time moves on with them."""
        events: list[AnyEvent] = []
        for _ in range(count if self._due else 0):
            market_ns = self._due[0][0]
            events += self._act(max(now_ns, self._last_ns))
            self._anchor_market_ns = max(market_ns, self._anchor_market_ns)
            self._anchor_ns = max(now_ns, self._last_ns)
        return events

    def _act(self, at_ns: int) -> list[AnyEvent]:
        """Let the flow that is due act once, and keep its trades."""
        market_ns, number = self._due[0]
        market, flow = self._live[number]
        at_ns = self._stamp(at_ns)
        made = flow.act(market_ns, at_ns)
        market.record(made)
        events: list[AnyEvent] = [*made]
        if market.book.passive_fills:
            events += self.accounts.crowd_took(market.spec.symbol, at_ns)
        heapreplace(self._due, (max(flow.next_ns(), market_ns), number))
        return events

    def _stamp(self, now_ns: int) -> int:
        """When something that happens now happened: time never goes back."""
        self._last_ns = max(now_ns, self._last_ns)
        return self._last_ns

    def _exchange_ns(self, market_ns: int) -> int:
        passed = market_ns - self._anchor_market_ns
        if self.pace == 1.0:
            return self._anchor_ns + passed
        return self._anchor_ns + int(passed / self.pace)

    def _market_ns(self, now_ns: int) -> int:
        passed = max(now_ns - self._anchor_ns, 0)
        return self._anchor_market_ns + (passed if self.pace == 1.0 else int(passed * self.pace))


def open_crowd(
    *,
    seed: int,
    start_ns: int,
    specs: Sequence[InstrumentSpec] | None = None,
    pace: float = 1.0,
    book: type[Book] = Book,
) -> CrowdSimulation:
    """A live simulation that begins at ``start_ns`` of the exchange's clock.

    Parameters
    ----------
    seed
        Same seed, same events, relative to the start.
    start_ns
        Nanoseconds since the epoch; also where candle history ends.
    specs
        The symbols; :data:`INSTRUMENTS` by default.
    pace
        1.0 is the recorded session's rate, 0 starts paused.
    book
        The engine: :class:`Book`, or a class that inherits from it.
    """
    chosen = INSTRUMENTS if specs is None else tuple(specs)
    live = [open_market(spec, seed, start_ns, book=book) for spec in chosen]
    if live:
        # The first symbol's past is drawn now, so that nobody's first answer waits for it; that
        # of the others, which takes 7 MB each, when somebody asks.
        live[0][0].tape.load()
    return CrowdSimulation(live, start_ns=start_ns, pace=pace)


MakeFlow = Callable[[InstrumentSpec, Book, int], OrderFlow]
"""The flow of a symbol, its book and a seed."""


def open_market(
    spec: InstrumentSpec,
    seed: int,
    start_ns: int,
    make_flow: MakeFlow = OrderFlow,
    first_id: int = 0,
    book: type[Book] = Book,
) -> tuple[SymbolMarket[Book], OrderFlow]:
    """One symbol with its past and its opening book. The past is the seed's, whoever drives the
    present; ``first_id`` sets the ids of another venue apart; ``book`` is the engine."""
    own = Random(f"{seed} {spec.symbol} start").getrandbits(62)
    daily = TRADES_A_SECOND * 86_400 * spec.activity
    # Room for all of history below it, and the same wherever on the calendar the lab starts.
    next_trade = int(daily * DAYS * 1.4) + 1_000_000 + first_id
    opened = book(
        spec.symbol,
        update_id=own % 10**9 + 50 * 10**9 + first_id,
        next_order=2 * next_trade,
        next_trade=next_trade,
    )
    flow = make_flow(spec, opened, seed)
    # Where a tick is coarse, more of the volume trades in sweeps of the best level; where it is
    # larger than most moves, many of them do not happen.
    coarse = (
        min(2.4, 1 + 3 / math.sqrt(max(flow.burst_ticks, 1.0))) if flow.burst_ticks < 200 else 1
    )
    moves = min(1.0, 0.45 + 0.18 * flow.burst_ticks)
    history = History(
        symbol=spec.symbol,
        seed=own,
        start_ns=start_ns,
        price=flow.trader.home,
        trades_a_day=daily * moves,
        lots_a_trade=max(BTC_A_TRADE * coarse * moves * flow.trader.unit, flow.trader.least),
        volatility=spec.volatility,
        next_trade=next_trade,
    )
    flow.fill(start_ns)
    tape = Tape(spec.symbol, flow.trader.home, next_trade, history.recent_trades)
    return SymbolMarket(spec, opened, tape, history), flow
