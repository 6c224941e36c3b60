"""Bytes by feed over a window: looks at the lab's own counters, taken block by block."""

from __future__ import annotations

import threading
from collections.abc import Collection
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from vocx.measure.sampling import MEMORY, Interval, mean_interval
from vocx.timing import mono_ns

if TYPE_CHECKING:
    from vocx.lab import Lab

LEAST_BLOCK_NS = 500_000_000
PAUSE_NS = 20_000_000
"""Between the first look at the counters and the first period."""
Look = tuple[int, dict[tuple[int, int], tuple[int, int]]]
"""When, and by (local port, opened) the bytes up and down so far."""


class Rates(msgspec.Struct, frozen=True):
    """Bytes a second: up, down, and both ways with the interval of the blocks; over so long."""

    up: float
    down: float
    both: Interval
    seconds: float


class ByteCounts:
    """Looks at the lab's counters at the ends of blocks of whole periods, and once more when the
    last calls are back.

    A look is dated at the middle of its call, which is when the lab took it.
    """

    def __init__(self, lab: Lab, every_ns: int, calls: int) -> None:
        self._lab = lab
        per_block = max(1, -(-LEAST_BLOCK_NS // every_ns))
        ends = [*range(per_block, calls, per_block), calls]
        self._since_ns = mono_ns()
        self._counters: dict[tuple[int, int], tuple[int, int]] = {}
        self._looks = [self._look()]
        self.begin_ns = mono_ns() + PAUSE_NS
        self._ends = [self.begin_ns + end * every_ns for end in ends]
        self._polled_s = calls * every_ns / 1e9
        self._periods_s = [(b - a) * every_ns / 1e9 for a, b in pairwise([0, *ends])]

    def _look(self) -> Look:
        before_ns = mono_ns()
        rows = self._lab.traffic(since_ns=self._since_ns)
        # What ended before the look before this one stands still, and the lab may forget it.
        self._since_ns = before_ns
        more = {(row.port, row.opened_ns): (row.bytes_up, row.bytes_down) for row in rows}
        self._counters = {**self._counters, **more}
        return (before_ns + mono_ns()) // 2, self._counters

    def watch(self) -> None:
        """Until the window is over."""
        pause = threading.Event()
        for end_ns in self._ends:
            pause.wait(max(0, end_ns - mono_ns()) / 1e9)
            self._looks.append(self._look())

    @property
    def window(self) -> tuple[int, int]:
        """First and last look, monotonic nanoseconds: a stream's window."""
        return self._looks[0][0], self._looks[-1][0]

    def last(self) -> None:
        """The calls that were under way at the window's end are back."""
        self._final = self._look()

    def rates(self, ports: Collection[int], polled: bool) -> Rates:
        """Of the connections from these ports. A poll is counted until its last call is back; its
        seconds are its periods."""

        def grown(before: Look, after: Look) -> tuple[int, int]:
            up = down = 0
            for key, now in after[1].items():
                if key[0] in ports:
                    was = before[1].get(key, (0, 0))
                    up, down = up + now[0] - was[0], down + now[1] - was[1]
            return up, down

        begin_ns, end_ns = self.window
        seconds = self._polled_s if polled else (end_ns - begin_ns) / 1e9
        up, down = grown(self._looks[0], self._final if polled else self._looks[-1])
        pairs = list(pairwise(self._looks))
        lengths = [(after[0] - before[0]) / 1e9 for before, after in pairs]
        lengths = self._periods_s if polled else lengths
        blocks = [sum(grown(*pair)) / length for pair, length in zip(pairs, lengths, strict=True)]
        spread = mean_interval(blocks, lengths, memory=0.5 if polled else MEMORY)
        both = spread.laid_around((up + down) / seconds)
        return Rates(up / seconds, down / seconds, both, seconds)
