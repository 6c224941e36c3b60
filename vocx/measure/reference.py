"""Notes of a watch, held against the exchange's own log: from when on was what known, and up to
which moment was it complete. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from vocx.measure.feeds import Poll, Push
from vocx.measure.probes import Looking, Sample, Watch
from vocx.measure.simulation import steps_of
from vocx.measure.steps import Observed

if TYPE_CHECKING:
    from vocx.lab import TruthEvent
    from vocx.measure.result import Conditions

Step = tuple[int, int, bool, Sample]
"""From when on, complete up to, whether it grows older, and what was known."""
LATE_NS = 1_000_000
"""Within so much of the usual a change is not late: timers and turns of threads."""
FOREVER = 1 << 62


class Reference:
    """When each price became true, to hold notes against.

    Parameters
    ----------
    offset_ns : int
        How far the exchange's clock is ahead of the shared one.
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

    def changes(self, notes: Sequence[Sample]) -> Observed:
        """Notes of a stream that sends each change: each is as old as the change it sent, and
        stays so. A change that has not come in the same time makes it older, from then on."""
        made: list[Step] = []
        for note, after_ns in self._followed(notes):
            place = bisect_right(self._ids, note.sequence or 0) - 1
            if place < 0 or self._ids[place] != note.sequence:
                continue
            born = self._born[place]
            made.append((note.at_ns, born, False, note))
            unknown = self._after(place)
            overdue = unknown + note.at_ns - born
            if after_ns - overdue > LATE_NS:
                made.append((overdue, unknown, True, note))
        return self._steps(made)

    def beats(self, notes: Sequence[Sample], cadence_ms: float = 0.0) -> Observed:
        """Notes of what grows older until the next. A stream that had nothing to say at its beat
        was complete all the same, so its silent beats are steps too; but never beyond a change
        that it did not bring."""
        beat = int(cadence_ms * 1e6)
        made: list[Step] = []
        for note, after_ns in self._followed(notes):
            complete, unknown = self._complete(note)
            at = note.at_ns
            made.append((at, complete, True, note))
            while beat and after_ns - at > 1.5 * beat:
                at, complete = at + beat, min(complete + beat, unknown)
                made.append((at, complete, True, note))
        return self._steps(made)

    def _complete(self, note: Sample) -> tuple[int, int]:
        """Up to when a note was complete when it came, and the first change that is not in it.

        What the exchange read itself is as old as its reading. What names the book's last update
        is complete up to the next one, and never beyond what can have travelled here.
        """
        if note.sequence is not None and note.read_ns is None:
            unknown = self._after(bisect_right(self._ids, note.sequence) - 1)
            return min(unknown, note.at_ns - self._back_ns), unknown
        if note.read_ns is not None:
            complete = note.read_ns - self._late_ns
        else:  # a stamp cut to milliseconds
            complete = (note.stamp_ns or 0) - self._offset_ns + 500_000
        return complete, self._after(bisect_right(self._born, complete) - 1)

    def _after(self, place: int) -> int:
        """When the next change was; beyond everything where there was none."""
        return self._born[place + 1] if place + 1 < len(self._born) else FOREVER

    def _followed(self, notes: Sequence[Sample]) -> Iterator[tuple[Sample, int]]:
        """Each note with the moment of the next."""
        ends = [*(note.at_ns for note in notes[1:]), self._until_ns]
        return zip(notes, ends, strict=False)

    def _steps(self, made: Sequence[Step]) -> Observed:
        steps = steps_of([(at, note.bid, note.ask) for at, _, _, note in made], self._tick)
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

    def of(self, one: Watch) -> list[Observed]:
        """What a feed knew; of a hybrid each of its programs."""
        feed = one.feed
        if isinstance(feed, Poll):
            return [self.beats(one.notes)]
        if isinstance(feed, Push):
            return [self._pushed(one.notes, feed)]
        assert isinstance(one, Looking)
        under = self._pushed(one.under, Push(feed.channel))
        looks = [note for note in one.notes if under.at and note.at_ns >= under.at[0]]
        return [self._looked(under, looks[phase :: one.phases]) for phase in range(one.phases)]

    def _pushed(self, notes: Sequence[Sample], feed: Push) -> Observed:
        return self.beats(notes, feed.cadence_ms) if feed.cadence_ms else self.changes(notes)

    def _looked(self, under: Observed, looks: Sequence[Sample]) -> Observed:
        steps = steps_of([(note.at_ns, note.bid, note.ask) for note in looks], self._tick)
        old_ms = [under.age_ms(note.at_ns) or 0.0 for note in looks]
        return Observed(
            at=steps.at,
            bid=steps.bid,
            ask=steps.ask,
            tick=steps.tick,
            as_of=[at - int(old * 1e6) for at, old in zip(steps.at, old_ms, strict=True)],
        )
