"""The two probes of every measurement: one that asks, one that listens; and what both need.

A probe notes what it got and when, which costs some microseconds: a clock reading and an append.
Frames are decoded and bytes are compressed after the time is over. Each probe has connections of
its own, so that nothing else is timed or counted with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from time import thread_time_ns
from typing import TYPE_CHECKING, Any, Self

from vocx.errors import VocxError, WaitTimeout
from vocx.measure.result import lab_of
from vocx.timing import mono_ns

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.stream import Stream
    from vocx.timing import HttpCall

READY_S = 10.0
"""How long a probe may need until it has something to show, and until it has ended."""
_numbers = count(1)
"""Two measurements at once must not stop each other's streams, which are known by name."""
Frame = tuple[int, int, bytes]
"""When it was here, how much CPU its reader's thread had used by then (ns), and its text."""


class Repeater:
    """Does something every so often, in a thread of its own.

    A beat that was missed is not made up for: the next one is the next in the future, as a polling
    program would have it.

    Parameters
    ----------
    every_ms : float
        0: the next one as soon as the last one is over.
    begin_ns : int, optional
        The first beat (monotonic); now when left out.
    """

    def __init__(self, every_ms: float = 0.0, *, begin_ns: int | None = None) -> None:
        self._every_ms, self._begin_ns = every_ms, begin_ns
        self._stopped = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vocx poller", daemon=True)

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """End it. Does not wait for what is under way."""
        self._stopped = True
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    @property
    def every_ms(self) -> float:
        """How often, milliseconds. May be changed at any time, and counts at once."""
        return self._every_ms

    @every_ms.setter
    def every_ms(self, every_ms: float) -> None:
        self._every_ms = every_ms
        self._wake.set()

    def once(self) -> bool:
        """One beat; whether another one is wanted."""
        raise NotImplementedError

    def _run(self) -> None:
        over_ns = mono_ns() if self._begin_ns is None else self._begin_ns
        begun_ns = over_ns - int(self._every_ms * 1e6)
        while (due_ns := self._awaited(begun_ns, over_ns)) is not None and self.once():
            begun_ns, over_ns = due_ns, mono_ns()

    def _awaited(self, begun_ns: int, over_ns: int) -> int | None:
        """The moment of the next beat, when it has come: after one that was due at ``begun_ns`` and
        over at ``over_ns``, however often the interval changes meanwhile. ``None``: stopped."""
        while True:
            self._wake.clear()
            if self._stopped:
                return None
            due_ns = max(begun_ns + int(self._every_ms * 1e6), over_ns)
            if (left_ns := due_ns - mono_ns()) <= 0:
                return due_ns
            self._wake.wait(left_ns / 1e9)


class Poller(Repeater):
    """Calls something every so often, and keeps the answers.

    Parameters
    ----------
    call : callable
        One question; what it gives is kept.
    every_ms, begin_ns
        As of any :class:`Repeater`.
    count : int, optional
        How many there are; without end when left out.
    until : callable, optional
        Whether an answer is the last one that is wanted.
    patient : bool
        Whether it goes on after a call that failed.

    Attributes
    ----------
    replies : list of (int, object)
        When each answer was here (monotonic nanoseconds), and the answer.
    failures, error : int, Exception or None
        Calls that failed, and how the last of them did.
    cpu_ns : int
        Of the thread that does the work.
    """

    def __init__(
        self,
        call: Callable[[], Any],
        every_ms: float = 0.0,
        *,
        begin_ns: int | None = None,
        count: int | None = None,
        until: Callable[[Any], bool] | None = None,
        patient: bool = False,
    ) -> None:
        super().__init__(every_ms, begin_ns=begin_ns)
        self.replies: list[tuple[int, Any]] = []
        self.failures, self.cpu_ns = 0, 0
        self.error: Exception | None = None
        self._call, self._until, self._patient = call, until, patient
        self._left = count

    def stop(self) -> None:
        """End it; what was noted stays."""
        super().stop()
        self.join(READY_S)

    def finish(self) -> list[Any]:
        """The answers, when the last one is here; a call that failed is raised."""
        self._thread.join()
        if self.error is not None and not self._patient:
            raise self.error
        return [reply for _, reply in self.replies]

    def once(self) -> bool:
        begun_ns = thread_time_ns()
        self._left = None if self._left is None else self._left - 1
        try:
            reply = self._call()
            self.replies.append((mono_ns(), reply))
        except Exception as error:  # raised where the others have been ended
            self.failures, self.error = self.failures + 1, error
            return self._left != 0 and self._patient and isinstance(error, VocxError)
        finally:
            self.cpu_ns += thread_time_ns() - begun_ns
        return self._left != 0 and (self._until is None or not self._until(reply))


class Listener:
    """Notes each frame of a stream of its own, in its reader's thread.

    Parameters
    ----------
    make : callable
        Makes the stream, not started yet, from the keywords ``on_frame`` and ``name``.

    Attributes
    ----------
    stream : Stream
    frames : list of Frame
    """

    def __init__(self, make: Callable[..., Stream]) -> None:
        self.frames: list[Frame] = []
        self.stream = make(on_frame=self.note, name=f"measure {next(_numbers)}")

    def start(self) -> None:
        self.stream.start()

    def stop(self) -> None:
        """End it; what was noted stays."""
        self.stream.stop()

    def note(self, text: bytes, arrived_ns: int) -> None:
        """A frame is here."""
        self.frames.append((mono_ns(), thread_time_ns(), text))

    def facts(self, first: int | None = None) -> Iterator[tuple[int, Any]]:
        """What the frames (or the ``first`` of them) say, each with when it was here."""
        venue = self.stream.venue
        plan = venue.plan_sockets(self.stream.channels)[0]
        session = venue.open_session(plan)
        for at_ns, _, text in self.frames[:first]:
            for fact in venue.decode(text, at_ns, plan, session):
                yield at_ns, fact


def unbraked(exchange: Exchange, *, tls: bool | None = None) -> Exchange:
    """A twin that never waits for the limits: such a wait would be taken for an age. Close it."""
    twin = exchange.clone(name=f"measure {next(_numbers)}", tls=tls)
    twin.budget.stop_at = None
    return twin


@contextmanager
def unlimited(exchange: Exchange, symbol: str) -> Iterator[None]:
    """The lab's limits put aside, as they are not what is measured: what others have used stays
    used, and what is asked meanwhile is not counted. Instruments are asked for before: with them
    the exchange learns the limits, which are not those of now."""
    exchange.instrument(symbol)
    with lab_of(exchange).limits.paused(venue=exchange.venue.name):
        yield


def http_of(fact: Any) -> HttpCall:
    """The call that brought a fact by REST."""
    call: HttpCall | None = fact.http
    assert call is not None
    return call


def calling(exchange: Exchange, ask: Callable[[], Any], *, new: bool) -> Callable[[], HttpCall]:
    """One question as its call, on a connection that is kept, or on a new one each time."""

    def call() -> HttpCall:
        made = http_of(ask())
        if new:
            exchange.close()
        return made

    return call


def wait_until(
    ready: Sequence[Callable[[], bool]], seconds: float, why: Callable[[Sequence[int]], str]
) -> None:
    """Until each is ready.

    Raises
    ------
    WaitTimeout
        ``why`` is told the places of those that are not, and says so in words.
    """
    pause, deadline_ns = threading.Event(), mono_ns() + int(seconds * 1e9)
    while waiting := [at for at, one in enumerate(ready) if not one()]:
        if mono_ns() > deadline_ns:
            raise WaitTimeout(f"after {seconds:g} s still nothing of {why(waiting)}")
        pause.wait(0.01)
