"""The heart of the lab's process: lets the markets happen on time and hands them to the servers.

One tick: everything due is taken from the simulations, stamped into each venue's truth log,
published to that venue, and written with one call per client. Between ticks the loop belongs to
the clients.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from vocx.errors import BadInput, RecordingError
from vocx.lab.events import AnyEvent
from vocx.lab.market.family import MarketFamily
from vocx.lab.market.truth_log import TruthLog
from vocx.lab.service.failure import one_line
from vocx.lab.service.server import VenueServer
from vocx.lab.settings import pace, whole
from vocx.timing import mono_ns

EVENTS_PER_TICK = 400
"""Bound of one tick, so that a request never waits long behind the market."""
LONGEST_DELAY_S = 0.025
"""Bounds what a missed wake-up costs."""
DEADLINES_S = 0.05
"""How often pings and deadlines of all sessions are looked at."""
SHORTEST_DELAY_S = 0.001
CLIENTS_PER_MS = 250
"""With many clients ticks move apart by 1 ms for each so many: fewer, larger writes."""
FULL = 2**20
"""A replay at full speed waits while more bytes than this wait for one client."""
IDLE_S = 30.0
"""Without a client for so long, the market pauses."""
LEAP_NS = 5_000_000_000
"""A clock that leaps further (a laptop slept) pauses the market for that time."""

log = logging.getLogger("vocx.lab")


class MarketDriver:
    """Drives the simulations of a lab's venues, and their servers, on the running loop.

    ``truth`` has a log for each of them. ``speed`` turns the exchange's nanoseconds into real ones:
    1.0 for a live market, the speed of a replay, ``None`` for a replay that goes as fast as the
    slowest client reads. ``clock`` gives nanoseconds since the epoch and never goes back. ``renew``
    ends the sessions of clients and gives the markets of the next round, where a recording that is
    over is to be played again.

    Attributes
    ----------
    pace : float
        How fast the market runs when it runs.
    paused, idle : bool
        Stopped by its owner; stopped because nobody is there.
    error : RecordingError or None
        What ended a replay before its end.
    failures : int
        Ticks that raised; each is in the process's log.
    """

    def __init__(
        self,
        family: MarketFamily,
        truth: Mapping[str, TruthLog],
        *,
        pace: float = 1.0,
        speed: float | None = 1.0,
        clock: Callable[[], int],
        renew: Callable[[], MarketFamily] | None = None,
    ) -> None:
        self.simulations, self.truth = family.simulations, truth
        self._family = family
        self.pace, self.speed = pace, speed
        self.paused = self.idle = False
        self.error: RecordingError | None = None
        self.failures = 0
        self.servers: list[VenueServer] = []
        self._clock = clock
        self._renew = renew
        self._last_ns = clock()
        self._loop = asyncio.get_running_loop()
        self._last_contact_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._running = self._begun = self._ended = False
        self._deadlines_s = 0.0
        self._waiting: dict[str, list[AnyEvent]] = {}

    # -- life ----------------------------------------------------------------------------------

    def start(self, servers: Sequence[VenueServer]) -> None:
        """Begin to tick."""
        self.servers = list(servers)
        for venue, simulation in self.simulations.items():
            if simulation.accounts is not None:
                simulation.accounts.on_events = partial(self.publish_soon, venue)
        self._running = True
        self._apply_pace()
        self._schedule(0.0)

    def stop(self) -> None:
        """Turn no more."""
        self._running = False
        if self._timer is not None:
            self._timer.cancel()

    def exchange_ns(self) -> int:
        """The exchange's clock now."""
        return self._family.leader.exchange_ns(self._clock())

    @property
    def lossless(self) -> bool:
        """Whether the market waits for its slowest client."""
        return self.speed is None

    def contact(self) -> None:
        """Somebody is there: an idle market wakes up."""
        self._last_contact_s = self._loop.time()
        if self.idle:
            self.idle = False
            self._apply_pace()

    def reschedule(self) -> None:
        """Something may be due sooner than was planned."""
        if self._timer is not None and self._delay_s() < self._timer.when() - self._loop.time():
            self._schedule(SHORTEST_DELAY_S)

    def reschedule_deadlines(self) -> None:
        """The same, and deadlines may have moved."""
        self._deadlines_s = 0.0
        self.reschedule()

    # -- what its owner may do -----------------------------------------------------------------

    def set_pace(self, value: float) -> None:
        """How fast the market runs; 0 pauses it."""
        self.pace = pace(value)
        self._apply_pace()

    def pause(self) -> None:
        self.paused = True
        self._apply_pace()

    def resume(self) -> None:
        self.paused = False
        self._apply_pace()

    def step(self, count: int) -> int:
        """Let ``count`` steps of a paused market happen now; how many events that were."""
        whole("step", count, 1, 100_000)
        if not self.paused and self.pace > 0:
            raise BadInput("the market runs; pause it first: lab.pause(), then lab.step(n)")
        events = self._family.step(count, self._clock())
        self._publish(events)
        return sum(map(len, events.values()))

    def _apply_pace(self) -> None:
        stopped = self.paused or self.idle or self.error is not None
        self._family.set_pace(0.0 if stopped else self.pace, self._clock())
        self.reschedule()

    # -- what a client's request did -----------------------------------------------------------

    def publish_soon(self, venue: str, events: Sequence[AnyEvent]) -> None:
        """Publish what a request has changed as soon as its answer is on its way."""
        self.truth[venue].add(events, mono_ns())
        if not self._waiting:
            self._loop.call_soon(self._publish_waiting)
        self._waiting.setdefault(venue, []).extend(events)

    def _publish_waiting(self) -> None:
        if self._waiting and self._running:
            self._publish({})

    # -- one tick ------------------------------------------------------------------------------

    def _tick(self) -> None:
        self._timer = None
        try:
            self._skip_leap()
            if self.speed is not None or all(server.waiting() < FULL for server in self.servers):
                self._advance()
                delay_s = self._delay_s()
            else:
                delay_s = SHORTEST_DELAY_S
        except Exception as error:
            self.failures += 1
            log.error("a tick of the market failed: %s", one_line(error))
            delay_s = LONGEST_DELAY_S
        self._schedule(delay_s)

    def _advance(self) -> None:
        if not self._begun and any(server.dialect.listened for server in self.servers):
            self._begun = True
            self._family.begin(self._clock())
        try:
            events = self._family.advance(self._clock(), EVENTS_PER_TICK)
        except RecordingError as error:
            log.error("the replay ended: %s", error)
            self.error, events = error, {}
            self._apply_pace()
        self._publish(events)
        if not self._ended and not any(events.values()):
            self._end()
        self._fall_asleep()

    def _end(self) -> None:
        """Play a recording that is over again where that is wanted, and say that it is over: who
        sits before a terminal waits for more."""
        progress = self._family.leader.progress
        if progress is None or progress["state"] != "over":
            return
        if self._renew is not None:
            if not self.lossless or not any(server.waiting() for server in self.servers):
                self._begin_again(self._renew())
        else:
            self._ended = True
            log.warning(
                "the recording is over, its %s frames are played; what is known stays to be asked "
                "for, and who opens it again plays it anew",
                f"{progress['frames']:,}",
            )

    def _begin_again(self, family: MarketFamily) -> None:
        self._family, self._begun = family, False
        self.simulations = family.simulations
        self._apply_pace()
        log.warning(
            "the recording is over and begins again: connections were closed with 1012, and with "
            "the next subscription ids and the clock start from its first frame"
        )

    def _publish(self, events: Mapping[str, Sequence[AnyEvent]]) -> None:
        for venue, happened in events.items():
            self.truth[venue].add(happened, mono_ns())
        waiting, self._waiting = self._waiting, {}
        now_ns = self.exchange_ns()
        for server in self.servers:
            happened = events.get(server.name, ())
            before = waiting.get(server.name)
            server.deliver([*before, *happened] if before else happened, now_ns)
        if self._loop.time() >= self._deadlines_s:
            self._deadlines_s = self._loop.time() + DEADLINES_S
            for server in self.servers:
                server.tick(now_ns)

    def _skip_leap(self) -> None:
        """Do not replay the hours that a machine slept."""
        now_ns = self._clock()
        if now_ns - self._last_ns > LEAP_NS:
            self._family.set_pace(0.0, self._last_ns)
            self._apply_pace()
        self._last_ns = now_ns

    def _fall_asleep(self) -> None:
        if self.idle or any(server.connections for server in self.servers):
            return
        if self._loop.time() - self._last_contact_s > IDLE_S:
            self.idle = True
            self._apply_pace()

    # -- when next -----------------------------------------------------------------------------

    def _delay_s(self) -> float:
        """Real seconds until something is due."""
        due = [server.next_tick_ns for server in self.servers]
        next_ns = self._family.next_ns()
        if next_ns is not None:
            if self.speed is None:
                return 0.0
            due.append(next_ns)
        if not due:
            return LONGEST_DELAY_S
        wait_s = (min(due) - self.exchange_ns()) / 1e9 / (self.speed or 1.0)
        clients = sum(len(server.connections) for server in self.servers)
        shortest_s = SHORTEST_DELAY_S * (1 + clients // CLIENTS_PER_MS)
        return min(max(wait_s, shortest_s), LONGEST_DELAY_S)

    def _schedule(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running:
            self._timer = self._loop.call_later(delay_s, self._tick)
