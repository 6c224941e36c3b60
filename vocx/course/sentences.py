"""Closing sentences of measurements, each number with where a longer watch may find it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vocx.measure import simulate
from vocx.text import fold

if TYPE_CHECKING:
    from vocx.measure import Freshness

ALIKE_MS = 30
"""Ages that differ by less are called about the same."""


def near_and_far(near: Freshness | None, far: Freshness | None) -> str:
    """Lesson 00: a poll and a stream, measured near by and far away.

    How often each was wrong is computed for both distances over the same seconds, those of
    ``far``: in a few seconds a quiet market changes more than the distance does.

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
    rtts = [one.conditions.rtt_ms or 0 for one in (near, far)]
    perfect = simulate(far.true, [one.feed for one in far.feeds], rtts)
    asked, pushed = (
        [perfect.find(one.feed, rtt_ms).wrong.show(100, 0, " %") for rtt_ms in rtts]
        for one in far.feeds
    )
    return fold(
        f"{rtts[1] - rtts[0]:g} ms further away an asked price was {older[0]} ms older, a pushed "
        f"one {older[1]} ms: {'about the same' if alike else 'not the same, on a busy machine'}. "
        f"By arithmetic, over the same {far.seconds:.0f} s of the market: asked for once a second "
        f"it is wrong {asked[0]} of the time near by and {asked[1]} far away; pushed, {pushed[0]} "
        f"and {pushed[1]}. "
        "Your numbers, this machine's clock."
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
