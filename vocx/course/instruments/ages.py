"""Ages over time: of what was asked for, of what streams say of themselves, as lines and numbers.

An age is *now* minus the moment up to which what is shown is complete, milliseconds. All times are
nanoseconds of this machine's wall clock. An asked price's age is known exactly at every moment
from its replies; a stream's is sampled, at an odd interval so that no cadence hides in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vocx.course.instruments.polling import LiveProbe
from vocx.errors import VocxError
from vocx.text import span
from vocx.timing import wall_ns
from vocx.views.formatting import STATE_METHODS, choose_symbol, symbols_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE_EVERY_MS = 37.0
POINTS = 300
"""At most so many points a line are drawn."""
_EVEN = 2000
_ROUND = (20, 30, 50, 80, 120, 200, 300, 400, 600, 800, 1000, 1200, 1600, 2000, 2500, 3000, 4000,
          5000, 6000, 8000)  # fmt: skip
Line = tuple["NDArray[np.int64]", "NDArray[np.float64]"]
"""Times in nanoseconds and ages in milliseconds; not a number where nothing is known."""


class Feed(NamedTuple):
    """One stream's price of a symbol: what it is called (in a legend, in a table), its channel and
    cadence, and its age now."""

    name: str
    label: str
    channel: str
    symbol: str
    cadence_ms: float
    age_ms: Callable[[], float]


def feed_of(stream: Any, symbol: str | None) -> Feed:
    """The freshest price that a stream carries of a symbol.

    Raises
    ------
    BadInput
        It carries nothing of it.
    """
    chosen, found = choose_symbol(stream, symbol, *STATE_METHODS)
    channel = next(name for name in STATE_METHODS if name in found)
    wanted = next(
        one for one in stream.channels if one.channel == channel and one.symbol in (chosen, None)
    )
    assert chosen in symbols_of(stream, channel)
    cadence_ms = stream.venue.cadence_ms(wanted)
    ask = getattr(stream, STATE_METHODS[channel])
    name = label = f"pushed {channel}"
    if cadence_ms:
        name, label = f"{name} {span(cadence_ms)}", f"{label}, every {span(cadence_ms)}"
    else:
        label += ", each change"

    def age_ms() -> float:
        try:
            found = ask(chosen).age_ms
        except VocxError:
            found = None
        return float("nan") if found is None else float(found)

    return Feed(name, label, channel, chosen, cadence_ms, age_ms)


class AgeSampler(LiveProbe):
    """Asks streams for their ages again and again, in a thread of its own.

    Attributes
    ----------
    samples : list of deque of (nanoseconds, milliseconds)
        One for each feed; not a number while it knows nothing.
    """

    def __init__(self, feeds: Sequence[Feed], seconds: float) -> None:
        super().__init__(SAMPLE_EVERY_MS)
        kept = int((seconds + 2) * 1000 / SAMPLE_EVERY_MS)
        self._feeds = feeds
        self.samples: list[deque[tuple[int, float]]] = [deque(maxlen=kept) for _ in feeds]

    def look(self) -> None:
        for feed, samples in zip(self._feeds, self.samples, strict=True):
            age_ms = feed.age_ms()
            samples.append((wall_ns(), age_ms))


def sawtooth(replies: Iterable[tuple[int, int]], since_ns: int, now_ns: int) -> Line:
    """The ages of asked prices as corners of a line: up to each reply, down to half a call."""
    here, read = _columns(replies)
    if not len(here):
        return here, np.empty(0)
    at = np.concatenate([np.repeat(here, 2)[1:], [now_ns]])
    ages = (at - np.repeat(read, 2)) / 1e6
    return cut(at, ages, since_ns)


def even(replies: Iterable[tuple[int, int]], since_ns: int, now_ns: int) -> NDArray[np.float64]:
    """The same ages at many evenly spaced moments: for means and quantiles over time."""
    here, read = _columns(replies)
    at = np.linspace(since_ns, now_ns, _EVEN).astype(np.int64)
    place = np.searchsorted(here, at, "right") - 1
    known = place >= 0
    return np.asarray((at[known] - read[place[known]]) / 1e6)


def cut(at: NDArray[np.int64], ages: NDArray[np.float64], since_ns: int) -> Line:
    """Without what lies before ``since_ns``; a line that crosses it begins there."""
    first = int(np.searchsorted(at, since_ns))
    if first in (0, len(at)):
        return at[first:], ages[first:]
    at, ages = at[first - 1 :].copy(), ages[first - 1 :].copy()
    if at[1] > at[0]:
        ages[0] += (ages[1] - ages[0]) * (since_ns - at[0]) / (at[1] - at[0])
    at[0] = since_ns
    return at, ages


def thin(at: NDArray[np.int64], ages: NDArray[np.float64], width_ns: int) -> Line:
    """At most :data:`POINTS` points in ``width_ns``: of too many, the lowest and the highest of
    each short time. These times stand still, so the line does not shimmer as it moves."""
    if len(at) <= POINTS:
        return at, ages
    slots = at // (2 * width_ns // POINTS)
    order = np.lexsort((ages, slots))
    edges = np.flatnonzero(np.diff(slots[order], prepend=slots[0] - 1))
    lowest, highest = order[edges], order[np.append(edges[1:], len(order)) - 1]
    kept = np.unique(np.concatenate([lowest, highest, [0, len(at) - 1]]))
    return at[kept], ages[kept]


def samples_since(samples: Iterable[tuple[int, float]], since_ns: int) -> Line:
    """A stream's samples as a line."""
    found = list(samples)
    at = np.array([one for one, _ in found], dtype=np.int64)
    return cut(at, np.array([age for _, age in found], dtype=np.float64), since_ns)


def calm_top(peak_ms: float, top_ms: float) -> float:
    """Where an axis that begins at 0 ends: a round number that holds the peak, and the one it had
    unless that is too low or twice too high."""
    factor = 1.0
    while peak_ms * 1.03 > _ROUND[-1] * factor:
        factor *= 10
    wanted = next(one * factor for one in _ROUND if one * factor >= peak_ms * 1.03)
    return wanted if wanted > top_ms or wanted <= top_ms / 2 else top_ms


def _columns(pairs: Iterable[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    made = np.array(list(pairs), dtype=np.int64).reshape(-1, 2)
    return made[:, 0], made[:, 1]
