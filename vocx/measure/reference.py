"""Samples of a feed, held against the exchange's own log: from when on was what known, and up to
which moment was it complete. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from vocx.facts import BookSnapshot, Quote, Ticker
from vocx.measure.steps import Observed, steps_of

if TYPE_CHECKING:
    from vocx.lab import TruthEvent
    from vocx.measure.result import Conditions

LATE_NS = 1_000_000
"""Within so much of the usual a change is not late: timers and turns of threads."""
FOREVER = 1 << 62


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


Step = tuple[int, int, bool, Sample]
"""From when on, complete up to, whether it grows older, and what was known."""


def samples_of(facts: Iterable[tuple[int, Any]]) -> Iterator[Sample]:
    """What the facts of a stream say of the best prices."""
    for at_ns, fact in facts:
        if isinstance(fact, Quote):
            yield Sample(
                at_ns, fact.bid, fact.ask, stamp_ns=fact.exchange_ns, sequence=fact.sequence
            )
        elif isinstance(fact, BookSnapshot) and fact.bid and fact.ask:
            yield Sample(at_ns, fact.bid, fact.ask, sequence=fact.sequence)
        elif isinstance(fact, Ticker) and fact.bid and fact.ask:
            yield Sample(at_ns, fact.bid, fact.ask, stamp_ns=fact.exchange_ns)


class Reference:
    """When each price became true, to hold samples against.

    Parameters
    ----------
    events : sequence of TruthEvent
        Changes of the best prices or their quantities.
    offset_ns : int
        How far the exchange's clock is ahead of the shared one.
    tick : Decimal
        The size of a price's step.
    path : Conditions
        The distance, and how much more than half of it the way back takes.
    until_ns : int
        When the watching ended.
    """

    def __init__(
        self,
        events: Sequence[TruthEvent],
        offset_ns: int,
        tick: Decimal,
        path: Conditions,
        until_ns: int,
    ) -> None:
        self._ids = [one.id or 0 for one in events]
        self._born = [one.mono_ns for one in events]
        self._offset_ns, self._tick, self._until_ns = offset_ns, tick, until_ns
        self._late_ns = int(path.late_ms * 1e6)
        self._back_ns = int(path.rtt_ms / 2 * 1e6) + self._late_ns

    def changes(self, samples: Sequence[Sample]) -> Observed:
        """Samples of a stream that sends each change: each is as old as the change it sent, and
        stays so. A change that has not come in the same time makes it older, from then on."""
        made: list[Step] = []
        for sample, after_ns in self._followed(samples):
            place = bisect_right(self._ids, sample.sequence or 0) - 1
            if place < 0 or self._ids[place] != sample.sequence:
                continue
            born = self._born[place]
            made.append((sample.at_ns, born, False, sample))
            unknown = self._after(place)
            overdue = unknown + sample.at_ns - born
            if after_ns - overdue > LATE_NS:
                made.append((overdue, unknown, True, sample))
        return self._steps(made)

    def beats(self, samples: Sequence[Sample], cadence_ms: float = 0.0) -> Observed:
        """Samples of what grows older until the next. A stream that had nothing to say at its beat
        was complete all the same, so its silent beats are steps too; but never beyond a change
        that it did not bring."""
        beat = int(cadence_ms * 1e6)
        made: list[Step] = []
        for sample, after_ns in self._followed(samples):
            complete, unknown = self._complete(sample)
            at = sample.at_ns
            made.append((at, complete, True, sample))
            while beat and after_ns - at > 1.5 * beat:
                at, complete = at + beat, min(complete + beat, unknown)
                made.append((at, complete, True, sample))
        return self._steps(made)

    def _complete(self, sample: Sample) -> tuple[int, int]:
        """Up to when a sample was complete when it came, and the first change that is not in it.

        What the exchange read itself is as old as its reading. What names the book's last update
        is complete up to the next one, and never beyond what can have travelled here. What has
        a stamp alone is complete up to there; without either, what can have travelled here.
        """
        if sample.sequence is not None and sample.read_ns is None:
            unknown = self._after(bisect_right(self._ids, sample.sequence) - 1)
            return min(unknown, sample.at_ns - self._back_ns), unknown
        if sample.read_ns is not None:
            complete = sample.read_ns - self._late_ns
        elif sample.stamp_ns is not None:  # cut to milliseconds
            complete = sample.stamp_ns - self._offset_ns + 500_000
        else:
            complete = sample.at_ns - self._back_ns
        return complete, self._after(bisect_right(self._born, complete) - 1)

    def _after(self, place: int) -> int:
        """When the next change was; beyond everything where there was none."""
        return self._born[place + 1] if place + 1 < len(self._born) else FOREVER

    def _followed(self, samples: Sequence[Sample]) -> Iterator[tuple[Sample, int]]:
        """Each sample with the moment of the next."""
        ends = [*(sample.at_ns for sample in samples[1:]), self._until_ns]
        return zip(samples, ends, strict=False)

    def _steps(self, made: Sequence[Step]) -> Observed:
        steps = steps_of([(at, one.bid, one.ask) for at, _, _, one in made], self._tick)
        ageing = [grows for _, _, grows, _ in made]
        same = len(set(ageing)) < 2
        return Observed(
            at=steps.at,
            bid=steps.bid,
            ask=steps.ask,
            tick=steps.tick,
            as_of=[complete for _, complete, _, _ in made],
            ageing=all(ageing) if same else ageing,
        )
