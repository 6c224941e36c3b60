"""What was true: the best prices of a lab's market by its log, or those of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from vocx import venues
from vocx.arguments import check_name
from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.facts import Quote
from vocx.measure import validation
from vocx.measure.steps import Steps, steps_of, tick_of
from vocx.recording import read, split
from vocx.timing import mono_ns
from vocx.venues.base import ChannelSpec

if TYPE_CHECKING:
    from vocx.lab import Lab, Truth, TruthEvent

GRACE_S = 2.0
"""How much longer than it should take is waited for a market to move."""
LOG_S = 20.0
"""How often a long watch fetches the truth at pace 1: the lab's log keeps a minute and a half."""
LONGER_NS = 500_000_000
"""So much longer is watched at a time where the price hardly changed."""


@says_its_form
def truth_of(
    lab: Lab,
    symbol: str = "BTC/USDT",
    *,
    venue: str | None = None,
    seconds: float = 60.0,
    least_s: float = 0.0,
) -> Steps:
    """The true best prices of the last seconds, from the lab's truth log (it keeps about a
    minute and a half), every change of price or quantity; the machine's shared clock.

    Parameters
    ----------
    venue : str, optional
        Whose market; that of the lab's first venue when left out.
    least_s : float
        So much is waited for in a lab that is younger; at most half of ``seconds``.

    Raises
    ------
    BadInput
        Too little happened to this symbol.
    UnknownVenue
        It is not in this lab.
    """
    return steps_in(true_quotes(lab, symbol, venue=venue, seconds=seconds, least_s=least_s))


def true_quotes(
    lab: Lab, symbol: str, *, venue: str | None, seconds: float, least_s: float
) -> list[TruthEvent]:
    """The events that :func:`truth_of` is made of; never fewer than two."""
    seconds = validation.number("seconds", seconds, 0.1, 3600)
    # The first and the last change lie inside the seconds, so their distance is always shorter.
    least_s = min(validation.number("least_s", least_s, 0), seconds / 2)
    symbol, truth = check_name(symbol, "symbol", "BTC/USDT"), validation.lab(lab).truth
    truth = truth if venue is None else truth.at(venue)
    pause, deadline_ns = Event(), mono_ns() + int((least_s + GRACE_S) * 1e9 * (least_s > 0))
    while True:
        since_ns = mono_ns() - int(seconds * 1e9)
        found = truth.events(1, symbol=symbol, kind="quote")
        kept = [one for one in found if one.mono_ns >= since_ns]
        missing_s = least_s - ((kept[-1].mono_ns - kept[0].mono_ns) / 1e9 if kept else 0.0)
        if len(kept) >= 2 and missing_s <= 0:
            return kept
        if mono_ns() > deadline_ns:
            raise BadInput(f"too little happened to {symbol}: let the market run, then ask again")
        pause.wait(max(missing_s, 0.1))


def follow_quotes(
    lab: Lab,
    truth: Truth,
    symbol: str,
    mark: int,
    since_ns: int,
    seconds: float,
    enough: int,
) -> tuple[list[TruthEvent], int]:
    """Wait until the time is over, or up to twice as long where the price hardly changed; what was
    true until then, and when that is. The log is fetched after that moment, so that all of the
    time has its truth, and in slices, as it forgets.

    Parameters
    ----------
    mark : int
        The first event of the log that counts.
    since_ns, seconds
        When the time begins (monotonic), and how long it is.
    enough : int
        Changes of a price that end the waiting.

    Raises
    ------
    BadInput
        The log forgot something of that time.
    """
    events: list[TruthEvent] = []
    pause, slice_s = Event(), LOG_S / max(1.0, lab.pace)
    until_ns, last_ns = since_ns + int(seconds * 1e9), since_ns + int(2 * seconds * 1e9)
    while True:
        while (left_s := (until_ns - mono_ns()) / 1e9) > 0:
            pause.wait(min(left_s, slice_s))
            found = truth.events(mark, symbol=symbol, kind="quote")
            if found.missed:
                raise BadInput("the market runs faster than its log keeps: set a slower pace")
            mark = found.next
            events += found
        prices = [(one.bid, one.ask) for one in events if since_ns < one.mono_ns <= until_ns]
        if until_ns == last_ns or sum(a != b for a, b in pairwise(prices)) >= enough:
            return events, until_ns
        until_ns = min(until_ns + LONGER_NS, last_ns)


def steps_in(events: Sequence[TruthEvent]) -> Steps:
    """True quotes as steps."""
    found = [(one.mono_ns, one.bid, one.ask) for one in events]
    return steps_of(found, tick_of(value for _, *pair in found for value in pair))


@says_its_form
def truth_in(
    paths: str | Path | Sequence[str | Path],
    symbol: str = "BTC/USDT",
    *,
    venue: str = venues.DEFAULT,
) -> Steps:
    """The best prices of a recording (``vocx record``), by when its frames came.

    Raises
    ------
    RecordingError
        A file is missing or damaged.
    BadInput
        There are no best prices of this symbol in it.
    """
    single = [paths] if isinstance(paths, str | Path) else paths
    files = validation.several("paths", single, 'the path of a recording, "btc.vocx.gz"')
    adapter = venues.get(venue)
    plan = adapter.plan_sockets([ChannelSpec(channel="quotes", symbol=symbol)])[0]
    session = adapter.open_session(plan)
    found = []
    for line in read([Path(one) for one in files]):
        at_ns, text = split(line)
        for fact in adapter.decode(text, at_ns, plan, session):
            if isinstance(fact, Quote) and fact.symbol == symbol:
                found.append((at_ns, fact.bid, fact.ask))
    if len(found) < 2:
        raise BadInput(f"there are no best prices of {symbol} in {', '.join(map(str, files))}")
    found.sort(key=lambda one: one[0])
    return steps_of(found, tick_of(value for _, *pair in found for value in pair))
