"""Watching real feeds: each in a thread that notes what it knew and when, and nothing else.

A note costs some microseconds: a clock reading and an append. Frames are decoded, and notes are
held against the truth, after the time is over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from time import thread_time_ns
from typing import TYPE_CHECKING, Any

import msgspec

from vocx.errors import NotReady, VocxError, WaitTimeout
from vocx.facts import BookSnapshot, Quote, Ticker
from vocx.measure.feeds import LEAST_MS, Feed, Hybrid, Poll
from vocx.measure.result import in_lab
from vocx.timing import mono_ns, wall_ns

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.stream import Stream
    from vocx.venues.base import SocketPlan

_numbers = count(1)
"""Two measurements at once must not stop each other's streams, which are known by name."""
READY_S = 10.0
PHASES = 10
GOLDEN = 0.618033988749895
"""Multiples of it, less their whole part, fill an interval evenly."""
STAGGER_S = 0.017
"""Feeds begin one after the other, so that their calls do not meet."""


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One thing that was known.

    ``at_ns`` when this program had it (monotonic), ``read_ns`` when the exchange read it where the
    caller can tell (half-way of a call), ``stamp_ns`` what the wire says, ``sequence`` the id of
    the book's last update in it.
    """

    at_ns: int
    bid: Any
    ask: Any
    read_ns: int | None = None
    stamp_ns: int | None = None
    sequence: int | None = None
    call_ms: float | None = None


class Watch:
    """One feed being watched.

    Attributes
    ----------
    notes : list of Sample
    messages, payload_bytes : int
        Replies or frames, and the bytes of their bodies.
    cpu_ns : int
        Of the thread that does the work.
    errors : list of VocxError
        Of calls that failed; the last few.
    failures : int
        Calls that failed, and connections of a stream that were lost.
    """

    def __init__(self, feed: Feed, number: int) -> None:
        self.feed = feed
        self.number = number
        self.notes: list[Sample] = []
        self.messages = self.payload_bytes = self.calls = 0
        self.cpu_ns = 0
        self.errors: list[VocxError] = []
        self.failures = 0

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """End it; what was noted stays."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether it has something to show."""
        return bool(self.notes)

    @property
    def trouble(self) -> str:
        """What went wrong, in words; empty where nothing did."""
        return f"{self.failures} failed: {self.errors[-1]}" if self.errors else ""


class Looping(Watch):
    """Does something every so often in a thread of its own. A beat that was missed is not made
    up for: the next one is the next in the future, as a polling program would have it."""

    def __init__(self, feed: Feed, number: int, every_ms: float) -> None:
        super().__init__(feed, number)
        self._every_ns = int(every_ms * 1e6)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"vocx {feed.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(READY_S)

    def _run(self) -> None:
        self._stop.wait(self.number * STAGGER_S)
        due_ns = mono_ns()
        while not self._stop.is_set():
            begun = thread_time_ns()
            try:
                self.once()
            except VocxError as error:
                self.errors = [*self.errors[-4:], error]
                self.failures += 1
            self.cpu_ns += thread_time_ns() - begun
            due_ns = max(due_ns + self._every_ns, mono_ns())
            self._stop.wait(max(0, due_ns + self._shift_ns() - mono_ns()) / 1e9)
        self.closed()

    def once(self) -> None:
        """One beat."""
        raise NotImplementedError

    def _shift_ns(self) -> int:
        """How much later than due the next beat is."""
        return 0

    def closed(self) -> None:
        """The last thing its thread does."""


class Polling(Looping):
    """Asks on a kept connection of its own."""

    def __init__(self, feed: Poll, number: int, exchange: Exchange, symbol: str) -> None:
        super().__init__(feed, number, feed.every_ms)
        self._exchange, self._symbol = exchange, symbol
        self._kept_ns = 0

    def once(self) -> None:
        self._ask()
        if not self.notes:  # that opened the connection; the first that counts need not wait
            self._ask()

    def _ask(self) -> None:
        self.calls += 1
        quote = self._exchange.quote(self._symbol)
        here, call = mono_ns(), quote.exchange
        assert call is not None
        taken_ns = call.received_ns - call.sent_ns
        self.messages += 1
        self.payload_bytes += len(call.reply.partition(b"\r\n\r\n")[2])
        new = call.phases.new_connection
        # The price was read half-way of a call on a kept connection; one that had to be opened
        # anew is longer on its way out, and its way back is that of the last kept one.
        self._kept_ns = self._kept_ns if new else taken_ns
        if self._kept_ns:
            read_ns = here - (wall_ns() - call.received_ns) - self._kept_ns // 2
            call_ms = None if new else taken_ns / 1e6
            self.notes.append(Sample(here, quote.bid, quote.ask, read_ns=read_ns, call_ms=call_ms))

    def closed(self) -> None:
        self._exchange.close()


class Listening(Watch):
    """Notes each frame of a stream in its reader's thread; they are decoded afterwards."""

    def __init__(self, feed: Feed, number: int, exchange: Exchange, symbol: str) -> None:
        super().__init__(feed, number)
        channel = feed.channel  # type: ignore[union-attr]
        depth = 5 if channel == "book" else None
        self.stream: Stream = exchange.prepared(
            [channel],
            symbol,
            depth=depth,
            cadence_ms=100 if depth else None,
            on_frame=self._heard,
            name=f"measure {next(_numbers)}: {feed.name}",
        )
        self._frames: list[tuple[int, bytes]] = []
        self._begun = self._ended = 0

    def start(self) -> None:
        self.stream.start()

    def stop(self) -> None:
        self.failures = self.stream.stats.reconnects
        self.stream.stop()
        self.cpu_ns = self._ended - self._begun
        plans = self.stream.venue.subscribe(self.stream.channels)
        self.notes = _decoded(self.stream.venue.decode, self._frames, plans[0])
        self.messages = len(self._frames)
        self.payload_bytes = sum(len(text) for _, text in self._frames)

    @property
    def trouble(self) -> str:
        lost = self.failures
        return f"connection lost {lost} time{'s' * (lost > 1)}" if lost else ""

    @property
    def ready(self) -> bool:
        if self.stream.state != "live":
            return False
        plan = self.stream.venue.subscribe(self.stream.channels)[0]
        first = self._frames[:4]  # one of them is the answer to the subscription, not a price
        return bool(_decoded(self.stream.venue.decode, first, plan))

    def _heard(self, text: bytes, _arrived_ns: int) -> None:
        self._ended = thread_time_ns()
        self._begun = self._begun or self._ended
        self._frames.append((mono_ns(), text))


def _decoded(
    decode: Callable[[bytes, int, SocketPlan], Sequence[Any]],
    frames: Sequence[tuple[int, bytes]],
    plan: SocketPlan,
) -> list[Sample]:
    notes = []
    for at_ns, text in frames:
        for fact in decode(text, at_ns, plan):
            if isinstance(fact, Quote):
                notes.append(Sample(at_ns, fact.bid, fact.ask, sequence=fact.sequence))
            elif isinstance(fact, BookSnapshot) and fact.bid and fact.ask:
                notes.append(Sample(at_ns, fact.bid, fact.ask, sequence=fact.sequence))
            elif isinstance(fact, Ticker) and fact.bid and fact.ask:
                stamp_ns = fact.exchange_ns
                notes.append(Sample(at_ns, fact.bid, fact.ask, stamp_ns=stamp_ns))
    return notes


class Looking(Looping):
    """Programs that look at what a stream brought, every so often.

    Where in the stream's beat a program's loop falls is chance, and stays so for as long as it
    runs. So there are up to ten of them, begun evenly apart: every ``phases``-th note is one's.
    Ten places still leave out what lies between: each look comes late by another part of their
    distance.

    Attributes
    ----------
    under : list of Sample
        What the stream brought.
    """

    def __init__(self, feed: Hybrid, number: int, exchange: Exchange, symbol: str) -> None:
        self.phases = int(min(PHASES, max(1, feed.loop_ms // LEAST_MS)))
        super().__init__(feed, number, feed.loop_ms / self.phases)
        self.under: list[Sample] = []
        self._listening = Listening(feed, number, exchange, symbol)
        self._looks = 0
        self._seen: Any = self._listening.stream
        self._look = getattr(
            self._seen, {"quotes": "quote", "book": "book", "ticker": "ticker"}[feed.channel]
        )

    def start(self) -> None:
        self._listening.start()
        super().start()

    def stop(self) -> None:
        super().stop()
        self._listening.stop()
        self.under = self._listening.notes
        self.messages = self._listening.messages
        self.payload_bytes = self._listening.payload_bytes
        self.cpu_ns = self.cpu_ns // self.phases + self._listening.cpu_ns
        self.failures += self._listening.failures

    @property
    def trouble(self) -> str:
        return self._listening.trouble or super().trouble

    @property
    def ready(self) -> bool:
        """Each of the programs has looked."""
        return len(self.notes) > self.phases

    def _shift_ns(self) -> int:
        self._looks += 1
        return int(self._looks * GOLDEN % 1 * self._every_ns) if self.phases == PHASES else 0

    def once(self) -> None:
        try:
            seen = self._look()
        except NotReady:
            return
        stamp_ns = getattr(seen, "exchange_ns", None)
        sequence = getattr(seen, "sequence", None)
        self.notes.append(
            Sample(mono_ns(), seen.bid, seen.ask, stamp_ns=stamp_ns, sequence=sequence)
        )


def watch(feed: Feed, number: int, exchange: Exchange, symbol: str) -> Watch:
    """A watch for a feed, not started; on connections of its own."""
    if isinstance(feed, Poll):
        return Polling(feed, number, unbraked(exchange, f"measure {number}"), symbol)
    if isinstance(feed, Hybrid):
        return Looking(feed, number, exchange, symbol)
    return Listening(feed, number, exchange, symbol)


def unbraked(exchange: Exchange, name: str, *, tls: bool | None = None) -> Exchange:
    """A twin that never waits for the limits: such a wait would be taken for an age. Close it."""
    twin = exchange.twin(name=name, tls=tls)
    twin.budget.stop_at = None
    return twin


@contextmanager
def unlimited(exchange: Exchange, symbol: str) -> Iterator[None]:
    """The lab's limits put aside, as they are not what is measured: what others have used stays
    used, and what is asked meanwhile is not counted. Instruments are
    asked for before: with them the exchange learns the limits, which are not those of now."""
    exchange.instrument(symbol)
    lab = in_lab(exchange).lab
    assert lab is not None
    with lab.limits.paused(venue=exchange.venue.name):
        yield


def together(works: Sequence[Callable[[], object]], stop: threading.Event | None = None) -> None:
    """All at once, in threads; the first error is raised when all have ended. ``stop`` is set on
    an error and on an interrupt."""
    errors: list[Exception] = []
    stop = stop or threading.Event()

    def done(work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)
            stop.set()

    threads = [
        threading.Thread(target=done, args=(one,), name="vocx measure", daemon=True)
        for one in works
    ]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:
        stop.set()
        for thread in threads:
            thread.join(READY_S)
    if errors:
        raise errors[0]


def wait_ready(watches: Sequence[Watch], seconds: float) -> None:
    """Until each has something to show.

    Raises
    ------
    WaitTimeout
        Names those that have nothing, and why.
    """
    pause, deadline = threading.Event(), mono_ns() + int(seconds * 1e9)
    while waiting := [one for one in watches if not one.ready]:
        if mono_ns() > deadline:
            why = next((str(one.errors[-1]) for one in waiting if one.errors), "nothing came")
            names = ", ".join(one.feed.name for one in waiting)
            raise WaitTimeout(f"after {seconds:g} s still nothing of {names}: {why}")
        pause.wait(0.01)
