"""What the instruments draw from, each in a thread of its own: replies to live questions, and the
truth that only a lab can tell; and the slider of how often is asked.

The pollers of :mod:`vocx.measure` keep everything and end by themselves; these keep a window and go
on, at an interval that a slider changes, until their view ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from vocx.arguments import check_number
from vocx.errors import BadInput, VocxError
from vocx.lab import Truth
from vocx.measure.probes import Repeater
from vocx.text import span
from vocx.timing import mono_ns, wall_ns
from vocx.views.sliders import Slider

KEPT = 2000
SOONEST_MS = 20
TRUTH_EVERY_MS = 200.0
_HINT = "How long to wait between two questions; a poll waits for its reply"


class LiveProbe(Repeater):
    """Looks again and again, whatever fails, until it is stopped.

    Attributes
    ----------
    error : str
        Of the last time; empty when it went well.
    """

    error = ""

    def look(self) -> None:
        """One look."""
        raise NotImplementedError

    def once(self) -> bool:
        try:
            self.look()
            self.error = ""
        except VocxError as error:
            self.error = str(error).partition("\n")[0]
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
        return True


class LivePoller(LiveProbe):
    """Asks for the best bid and ask, and keeps a window of what came.

    Attributes
    ----------
    points : deque of (nanoseconds, mid price)
        By the moment when the reply was here (this machine's wall clock).
    read_ns : int or None
        When the exchange read the last price, estimated: half-way through the call.
    call_ms : float or None
        Call time of the last one.
    replies : deque of (nanoseconds, nanoseconds)
        When each reply was here, and when the exchange read it.
    """

    def __init__(self, ask: Callable[[], Any], every_ms: float) -> None:
        super().__init__(every_ms)
        self._ask = ask
        self.points: deque[tuple[int, float]] = deque(maxlen=KEPT)
        self.replies: deque[tuple[int, int]] = deque(maxlen=4 * KEPT)
        self.read_ns: int | None = None
        self.call_ms: float | None = None
        self.calls = 0

    def look(self) -> None:
        sent = wall_ns()
        reply = self._ask()
        here = wall_ns()
        self.calls += 1
        self.call_ms = (here - sent) / 1e6
        self.read_ns = (sent + here) // 2
        self.replies.append((here, self.read_ns))
        if reply.bid and reply.ask:
            self.points.append((here, float(reply.bid + reply.ask) / 2))


class TruthLine(LiveProbe):
    """The true mid price of one symbol, by the moment when it became true.

    Attributes
    ----------
    points : deque of (nanoseconds, mid price)
        On this machine's wall clock.
    as_of_ns : int
        Complete up to this moment (wall clock); 0 before the first reply.
    """

    def __init__(self, truth: Truth, symbol: str) -> None:
        super().__init__(TRUTH_EVERY_MS)
        self.points: deque[tuple[int, float]] = deque(maxlen=KEPT)
        self._truth, self._symbol = truth, symbol
        self._next: int | None = None
        self.as_of_ns = 0

    def look(self) -> None:
        asked = mono_ns()
        if self._next is None:
            self._next = self._truth.events(None).next
            book = self._truth.book(self._symbol, depth=1)
            if book.bid and book.ask:
                self.points.append((book.arrived_ns, float(book.bid + book.ask) / 2))
            return
        events = self._truth.events(self._next, symbol=self._symbol, kind="quote")
        self._next = events.next
        shift = wall_ns() - mono_ns()
        for event in events:
            if event.bid and event.ask:
                mid = float(event.bid + event.ask) / 2
                if not self.points or self.points[-1][1] != mid:
                    self.points.append((event.mono_ns + shift, mid))
        self.as_of_ns = asked + shift


def check_interval(every_ms: Any) -> float:
    """A polling interval, milliseconds.

    Raises
    ------
    BadInput
        It is no number, or below :data:`SOONEST_MS`.
    """
    number = check_number(every_ms, "every_ms")
    if number < SOONEST_MS:
        raise BadInput(f"every_ms is {number:g}; ask at most every {SOONEST_MS} ms")
    return number


def interval_slider(asked: LivePoller, intervals_ms: Sequence[float]) -> Slider:
    """The polling interval: one of these, or that in force now."""

    def apply(every_ms: float) -> None:
        asked.every_ms = every_ms

    return Slider(
        "interval",
        "polling interval",
        apply=apply,
        now=lambda: asked.every_ms,
        stops=[(ms, span(ms)) for ms in sorted({*intervals_ms, asked.every_ms})],
        hint=_HINT,
    )
