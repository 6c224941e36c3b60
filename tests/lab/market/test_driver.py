"""The market loop on a clock of its own: idle markets, leaping clocks, broken recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from vocx.errors import BadInput, RecordingError
from vocx.lab.events import Event, Traded
from vocx.lab.market import driver as driver_module
from vocx.lab.market.driver import MarketDriver
from vocx.lab.market.family import MarketFamily
from vocx.lab.market.truth_log import TruthLog
from vocx.lab.ports import Market

SECOND_NS = 1_000_000_000


class Ticking:
    """A simulation with one trade a millisecond, on the wall clock it is given."""

    def __init__(self, start_ns: int) -> None:
        self.markets: dict[str, Market] = {}
        self.accounts = self.progress = None
        self.paces: list[tuple[float, int]] = []
        self.broken: RecordingError | None = None
        self._due_ns = start_ns
        self._pace = 1.0

    def exchange_ns(self, now_ns: int) -> int:
        return now_ns

    def begin(self, now_ns: int) -> None: ...

    def set_pace(self, pace: float, now_ns: int) -> None:
        self._pace = pace
        self._due_ns = max(self._due_ns, now_ns)
        self.paces.append((pace, now_ns))

    def next_ns(self) -> int | None:
        return self._due_ns if self._pace else None

    def advance(self, now_ns: int, limit: int = 1000) -> list[Event]:
        if self.broken is not None:
            raise self.broken
        count = 0 if not self._pace else max(0, (now_ns - self._due_ns) // 1_000_000)
        return self.step(min(count, limit), now_ns)

    def step(self, count: int, now_ns: int) -> list[Event]:
        self._due_ns += count * 1_000_000
        return [Traded("BTC/USDT", now_ns, n, 1, 1, "buy", 1, 2) for n in range(count)]


class Clock:
    """A wall clock that a test can move; it runs on the loop's time between moves."""

    def __init__(self) -> None:
        self.ahead_ns = 10**18

    def __call__(self) -> int:
        return self.ahead_ns + int(asyncio.get_running_loop().time() * SECOND_NS)


Story = Callable[[MarketDriver, Ticking, Clock], Coroutine[Any, Any, None]]


def play(story: Story) -> None:
    """Run a story on a driver that runs."""

    async def run() -> None:
        clock = Clock()
        simulation = Ticking(clock())
        driver = MarketDriver(MarketFamily({"one": simulation}), {"one": TruthLog()}, clock=clock)
        driver.start([])
        try:
            await story(driver, simulation, clock)
        finally:
            driver.stop()

    asyncio.run(run())


async def eventually(true: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.002)


def test_what_is_due_reaches_the_log() -> None:
    """Events become true on time, stamped and numbered."""

    async def story(driver: MarketDriver, simulation: Ticking, clock: Clock) -> None:
        await eventually(lambda: driver.truth["one"].next > 50)

    play(story)


def test_an_idle_market_pauses_until_somebody_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a client for long enough the market stands still; a contact wakes it."""
    monkeypatch.setattr(driver_module, "IDLE_S", 0.05)

    async def story(driver: MarketDriver, simulation: Ticking, clock: Clock) -> None:
        await eventually(lambda: driver.idle)
        assert simulation.next_ns() is None
        driver.contact()
        assert not driver.idle and simulation.next_ns() is not None

    play(story)


def test_a_contact_does_not_undo_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who paused the market on purpose finds it paused."""
    monkeypatch.setattr(driver_module, "IDLE_S", 0.05)

    async def story(driver: MarketDriver, simulation: Ticking, clock: Clock) -> None:
        driver.pause()
        await eventually(lambda: driver.idle)
        driver.contact()
        assert simulation.next_ns() is None
        driver.resume()
        assert simulation.next_ns() is not None

    play(story)


def test_a_laptop_that_slept_does_not_catch_up() -> None:
    """A wall clock that leaps an hour leaves no hour of market to play at once."""

    async def story(driver: MarketDriver, simulation: Ticking, clock: Clock) -> None:
        await eventually(lambda: driver.truth["one"].next > 5)
        leapt = len(simulation.paces)
        clock.ahead_ns += 3600 * SECOND_NS
        await eventually(lambda: len(simulation.paces) > leapt)
        before = driver.truth["one"].next
        await eventually(lambda: driver.truth["one"].next > before + 5)
        assert driver.truth["one"].next < before + 3000

    play(story)


def test_a_recording_that_breaks_while_it_plays() -> None:
    """The reason is kept and the market stops; the loop goes on."""

    async def story(driver: MarketDriver, simulation: Ticking, clock: Clock) -> None:
        simulation.broken = RecordingError("line 7 is cut short", line=7)
        await eventually(lambda: driver.error is not None)
        assert driver.error is simulation.broken and simulation.next_ns() is None

    play(story)


def test_steps_are_for_paused_markets() -> None:
    """A step of a running market would not be exact."""

    async def story(driver: MarketDriver, simulation: Ticking, clock: Clock) -> None:
        with pytest.raises(BadInput, match="pause it first"):
            driver.step(1)
        driver.set_pace(0.0)
        before = driver.truth["one"].next
        assert driver.step(3) == 3 and driver.truth["one"].next == before + 3
        with pytest.raises(BadInput, match="whole number"):
            driver.step(0)

    play(story)


class Listening:
    """A venue's server and dialect in one, which only remember what they were to publish."""

    connections: frozenset[object] = frozenset()
    next_tick_ns = 2**62
    name = "one"
    listened = True

    def __init__(self) -> None:
        self.dialect = self
        self.heard: list[int] = []

    def deliver(self, events: list[Event], now_ns: int) -> None:
        self.heard += [event.trade_id for event in events if isinstance(event, Traded)]

    def tick(self, now_ns: int) -> None: ...


def test_what_a_request_changed_is_published_after_its_answer() -> None:
    """True at once, and published to all before whatever the market does next."""

    async def story(driver: MarketDriver, simulation: Ticking, clock: Clock) -> None:
        one, two = Listening(), Listening()
        driver.set_pace(0.0)
        driver.start([one, two])  # type: ignore[list-item]
        before = driver.truth["one"].next
        driver.publish_soon("one", [Traded("BTC/USDT", clock(), 901, 1, 1, "buy", 1, 2)])
        assert driver.truth["one"].next == before + 1 and two.heard == []
        driver.step(2)
        driver.publish_soon("one", [Traded("BTC/USDT", clock(), 902, 1, 1, "buy", 1, 2)])
        await eventually(lambda: 902 in two.heard)
        assert one.heard == two.heard and driver.truth["one"].next == before + 4
        assert one.heard[-4:] == [901, 0, 1, 902]

    play(story)
