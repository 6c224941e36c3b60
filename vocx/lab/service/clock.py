"""The clock of the lab's exchange: this machine's wall clock, but for steps back.

Cadences, deadlines and the market's next event are moments on this clock; if it stepped back an
hour, all of them would wait for that hour. So it counts on the monotonic clock from a base that
only moves forward: it follows when the wall clock is set forward or the machine has slept, and
stays ahead when the wall clock is set back, as any venue may be.
"""

from __future__ import annotations

from collections.abc import Callable

from vocx.timing import mono_ns, wall_ns


class SteadyClock:
    """Nanoseconds since the epoch that never decrease; call it to read it."""

    def __init__(
        self, wall: Callable[[], int] = wall_ns, mono: Callable[[], int] = mono_ns
    ) -> None:
        self._wall, self._mono = wall, mono
        self._base_ns = wall() - mono()

    def __call__(self) -> int:
        # the wall clock first: a pause between the two reads must not move the base
        wall, mono = self._wall(), self._mono()
        self._base_ns = max(self._base_ns, wall - mono)
        return self._base_ns + mono
