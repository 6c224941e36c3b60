"""Notes of a watch, held against the exchange's own log: from when on was what known, and up to
which moment was it complete. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from vocx.measure.feeds import Poll, Push
from vocx.measure.ideal import steps_of
from vocx.measure.steps import Known
from vocx.measure.watching import Looking, Note, Watch

if TYPE_CHECKING:
    from vocx.lab.truth import TruthEvent


class Truths:
    """When each price became true, to hold notes against.

    Parameters
    ----------
    offset_ns : int
        How far the exchange's clock is ahead of the shared one.
    rtt_ms : float
        The distance dial.
    """

    def __init__(
        self, events: Sequence[TruthEvent], offset_ns: int, rtt_ms: float, tick: Decimal
    ) -> None:
        self._ids = [one.id or 0 for one in events]
        self._born = [one.mono_ns for one in events]
        self._offset_ns, self._half_ns = offset_ns, int(rtt_ms / 2 * 1e6)
        self._tick = tick

    def as_of(self, note: Note, exact: bool) -> int | None:
        """Up to when a note was complete when it came; ``None`` where it cannot be told.

        What the exchange read itself is as old as its reading. A stream that sends each change
        (``exact``) is as old as the change it sent. One with a cadence is complete up to the next
        change that it does not know, and never beyond what can have travelled here.
        """
        if note.read_ns is not None:
            return note.read_ns
        if note.stamp_ns is not None:
            return note.stamp_ns - self._offset_ns + 500_000  # a stamp cut to milliseconds
        if note.sequence is None:
            return None
        if exact:
            place = bisect_right(self._ids, note.sequence) - 1
            found = place >= 0 and self._ids[place] == note.sequence
            return self._born[place] if found else None
        place = bisect_right(self._ids, note.sequence)
        newest = note.at_ns - self._half_ns
        return min(self._born[place], newest) if place < len(self._ids) else newest

    def known(self, notes: Sequence[Note], cadence_ms: float, *, exact: bool) -> Known:
        """Notes as steps. A stream that had nothing to say at its beat was complete all the same,
        so its silent beats are steps too."""
        beat = int(cadence_ms * 1e6)
        at: list[int] = []
        as_of: list[int] = []
        price: list[tuple[Any, Any]] = []
        for note in notes:
            complete = self.as_of(note, exact)
            if complete is None:
                continue
            while beat and at and note.at_ns - at[-1] > 1.5 * beat:
                at.append(at[-1] + beat)
                as_of.append(as_of[-1] + beat)
                price.append(price[-1])
            at.append(note.at_ns)
            as_of.append(complete)
            price.append((note.bid, note.ask))
        steps = steps_of(
            [(moment, *pair) for moment, pair in zip(at, price, strict=True)], self._tick
        )
        return Known(
            at=at, bid=steps.bid, ask=steps.ask, tick=steps.tick, as_of=as_of, ageing=not exact
        )

    def of(self, one: Watch) -> list[Known]:
        """What a feed knew; of a hybrid each of its programs."""
        feed = one.feed
        if isinstance(feed, Poll):
            return [self.known(one.notes, 0, exact=False)]
        if isinstance(feed, Push):
            return [self.known(one.notes, feed.cadence_ms, exact=not feed.cadence_ms)]
        assert isinstance(one, Looking)
        push = Push(feed.channel)
        under = self.known(one.under, push.cadence_ms, exact=not push.cadence_ms)
        looks = [note for note in one.notes if under.at and note.at_ns >= under.at[0]]
        return [self._looked(under, looks[phase :: one.phases]) for phase in range(one.phases)]

    def _looked(self, under: Known, looks: Sequence[Note]) -> Known:
        steps = steps_of([(note.at_ns, note.bid, note.ask) for note in looks], self._tick)
        old_ms = [under.age_ms(note.at_ns) or 0.0 for note in looks]
        return Known(
            at=steps.at,
            bid=steps.bid,
            ask=steps.ask,
            tick=steps.tick,
            as_of=[at - int(old * 1e6) for at, old in zip(steps.at, old_ms, strict=True)],
        )
