"""Closing sentences of measurements, each number with where a longer watch may find it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vocx.course.display import fold

if TYPE_CHECKING:
    from vocx.measure import Freshness

ALIKE_MS = 30
"""Ages that differ by less are called about the same."""


def near_and_far(near: Freshness | None, far: Freshness | None) -> str:
    """Lesson 00: a poll and a stream, measured near by and far away.

    Parameters
    ----------
    near, far : Freshness or None
        Of the same two feeds, the poll first; ``None`` where a cell was not run.
    """
    if near is None or far is None:
        return "Run the cells under 'In numbers' first."
    older = [
        round(there.age.mean.value - here.age.mean.value)
        for here, there in zip(near.feeds, far.feeds, strict=True)
    ]
    alike = abs(older[0] - older[1]) < ALIKE_MS
    wrong = [one.wrong.show(100, 0, " %") for one in (*near.feeds, *far.feeds)]
    rtt_ms = (far.conditions.rtt_ms or 0) - (near.conditions.rtt_ms or 0)
    return fold(
        f"{rtt_ms:g} ms further away an asked price was {older[0]} ms older, a pushed one "
        f"{older[1]} ms: {'about the same' if alike else 'not the same, on a busy machine'}. "
        f"Asked for once a second it was wrong {wrong[0]} of the time near by, {wrong[2]} far "
        f"away; pushed {wrong[1]} and {wrong[3]}. The price changed {near.changes} and "
        f"{far.changes} times meanwhile. Your numbers, this machine's clock."
    )


def at_my_distance(own: Freshness | None) -> str:
    """Lesson 05: a stream and a poll at the reader's own distance, the stream first."""
    if own is None:
        return "Run the two cells under 'Your distance' first."
    pushed, asked = own.feeds
    ages = [one.age.mean.show(1, 0, " ms") for one in own.feeds]
    return fold(
        f"At my distance of {own.conditions.rtt_ms:g} ms, a price asked for once a second is "
        f"{ages[1]} old and wrong {asked.wrong.show(100, 0, ' %')} of the time; one pushed at each "
        f"change is {ages[0]} old and wrong {pushed.wrong.show(100, 1, ' %')}. "
        "This machine's clock."
    )
