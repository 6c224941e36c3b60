"""The markets of several venues: one price in common, and what each venue makes of it.

The first venue **leads**: its crowd finds the price. Every other venue **follows** it as arbitrage
lets a market follow: its traders look at the leader now and then (``lag_s``), and where its price,
beside a premium that wanders (``noise``), is too far away to be left alone (``cost``), a burst
brings it there. So spreads between venues open and close, both ways; what somebody does to a
follower's book is undone by the same traders, and what happens to the leader's price reaches all.

All past is the same on all venues (candles differ in volume only).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from zlib import crc32

import msgspec

from vocx.lab.events import AnyEvent, InstrumentSpec
from vocx.lab.market.crowd import OrderFlow
from vocx.lab.market.engine import Book
from vocx.lab.market.instruments import INSTRUMENTS, CrowdTraits
from vocx.lab.market.simulation import CrowdSimulation, open_crowd, open_market
from vocx.lab.ports import Market, MarketSimulation

PREMIUM_S = 20.0
"""How long a venue's premium lasts before it has wandered elsewhere."""


class FollowingFlow(OrderFlow):
    """A symbol's flow that goes where another venue's price goes.

    Parameters
    ----------
    lead : callable
        The leader's price in this symbol's ticks, ``None`` while it has none.
    """

    def __init__(
        self,
        spec: InstrumentSpec,
        book: Book,
        seed: int | str,
        traits: CrowdTraits,
        lead: Callable[[], float | None],
    ) -> None:
        self._traits = traits
        self._lead = lead
        self._premium = 0.0
        self._premium_ns = 0
        super().__init__(spec, book, seed, traits.depth)

    def plan_burst(self, now_ns: int) -> None:
        """When its traders look at the leader again."""
        self.burst_in(self.random.expovariate(1 / self._traits.lag_s), now_ns)

    def next_move(self, now_ns: int) -> tuple[int, int]:
        """To where the leader is, if that is worth it."""
        bid, _, ask, _ = self.book.best()
        lead = self._lead()
        if self.bursting or not bid or not ask or lead is None:
            return 1, 0
        goal = lead * (1 + self._wandered(now_ns))
        away = goal - (bid + ask) / 2
        worth = goal * self._traits.cost * (0.5 + self.random.random())
        return (1 if away > 0 else -1), (round(abs(away)) if abs(away) > worth else 0)

    def _wandered(self, now_ns: int) -> float:
        """The premium now."""
        kept = math.exp(-(now_ns - self._premium_ns) / 1e9 / PREMIUM_S)
        shock = math.sqrt(1 - kept * kept) * self._traits.noise
        self._premium = kept * self._premium + shock * self.random.gauss(0.0, 1.0)
        self._premium_ns = now_ns
        return self._premium


class MarketFamily:
    """The simulations of a lab's venues on one clock, in the order in which things happen.

    Parameters
    ----------
    simulations : mapping
        By venue, the leader first.
    """

    def __init__(self, simulations: Mapping[str, MarketSimulation]) -> None:
        self.simulations = dict(simulations)
        self.leader = next(iter(self.simulations.values()))

    def set_pace(self, pace: float, now_ns: int) -> None:
        """How fast all markets run; 0 pauses them."""
        for one in self.simulations.values():
            one.set_pace(pace, now_ns)

    def begin(self, now_ns: int) -> None:
        """Somebody subscribed for the first time."""
        for one in self.simulations.values():
            one.begin(now_ns)

    def next_ns(self) -> int | None:
        """When the next event of any venue is due; ``None`` while paused or over."""
        due = [one.next_ns() for one in self.simulations.values()]
        return min((at for at in due if at is not None), default=None)

    def advance(self, now_ns: int, limit: int = 1000) -> dict[str, Sequence[AnyEvent]]:
        """Everything due up to ``now_ns`` by venue, at most about ``limit`` events in all."""
        if len(self.simulations) == 1:
            return {name: one.advance(now_ns, limit) for name, one in self.simulations.items()}
        found: dict[str, list[AnyEvent]] = {name: [] for name in self.simulations}
        count = 0
        while count < limit:
            due = sorted(
                (at, name)
                for name, one in self.simulations.items()
                if (at := one.next_ns()) is not None and at <= now_ns
            )
            if not due:
                break
            until_ns = min(due[1][0], now_ns) if len(due) > 1 else now_ns
            events = self.simulations[due[0][1]].advance(until_ns, 1)
            found[due[0][1]] += events
            count += len(events)
        return {name: events for name, events in found.items()}

    def step(self, count: int, now_ns: int) -> dict[str, Sequence[AnyEvent]]:
        """The next ``count`` steps of every venue's paused market, in turns."""
        found: dict[str, list[AnyEvent]] = {name: [] for name in self.simulations}
        if len(self.simulations) == 1:
            return {name: one.step(count, now_ns) for name, one in self.simulations.items()}
        for _ in range(count):
            for name, one in self.simulations.items():
                found[name] += one.step(1, now_ns)
        return {name: events for name, events in found.items()}


def open_family(
    traits: Mapping[str, CrowdTraits],
    *,
    seed: int,
    start_ns: int,
    specs: Sequence[InstrumentSpec] = INSTRUMENTS,
    pace: float = 1.0,
    book: type[Book] = Book,
) -> MarketFamily:
    """The live markets of some venues, the first of which leads.

    Parameters
    ----------
    traits
        By venue; of the leader's only what it lists counts.
    seed, start_ns, pace, book
        As for :func:`vocx.lab.market.simulation.open_crowd`.
    specs
        The lab's symbols.
    """
    names = iter(traits.items())
    first, leading = next(names)
    listed = tuple(leading.specs(specs).values())
    leader = open_crowd(seed=seed, start_ns=start_ns, specs=listed, pace=pace, book=book)
    simulations = {first: leader}
    for name, one in names:
        simulations[name] = _follower(name, one, leader, seed, start_ns, specs, pace, book)
    return MarketFamily(simulations)


def _follower(
    venue: str,
    traits: CrowdTraits,
    leader: CrowdSimulation,
    seed: int,
    start_ns: int,
    specs: Sequence[InstrumentSpec],
    pace: float,
    book: type[Book],
) -> CrowdSimulation:
    live = []
    for symbol, spec in traits.specs(specs).items():
        model = traits.symbols.get(symbol, symbol)
        market = leader.markets.get(symbol) or leader.markets.get(model)
        spec = msgspec.structs.replace(spec, activity=spec.activity * traits.activity)

        def make(
            spec: InstrumentSpec, book: Book, seed: int, market: Market | None = market
        ) -> OrderFlow:
            if market is None:
                return OrderFlow(spec, book, f"{seed} {venue}", traits.depth)
            return FollowingFlow(spec, book, f"{seed} {venue}", traits, _price_of(market, spec))

        apart = crc32(venue.encode()) % 1_000_003 * 1_000
        live.append(open_market(spec, seed, start_ns, make, apart, book))
    return CrowdSimulation(live, start_ns=start_ns, pace=pace)


def _price_of(market: Market, spec: InstrumentSpec) -> Callable[[], float | None]:
    """The middle of a market's best prices in the ticks of another instrument, both priced as
    their specifications say at the start."""
    ours, theirs = float(spec.price / spec.tick), float(market.spec.price / market.spec.tick)

    def price() -> float | None:
        bid, _, ask, _ = market.best()
        return (bid + ask) / 2 * ours / theirs if bid and ask else None

    return price
