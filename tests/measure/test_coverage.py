"""Short measurements do not lie: how many of forty intervals hold the value of the whole.

The crowd runs in virtual time from a seed and the recorded session is what it is, so each count is
a constant.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

import market
import numpy as np
import pytest

from vocx.measure import Poll, Push, Steps, truth_in
from vocx.measure.event_errors import errors_at
from vocx.measure.feeds import Feed
from vocx.measure.freshness import ENOUGH
from vocx.measure.simulation import perfect
from vocx.measure.steps import within, wrong

SECOND = 1_000_000_000
RTT_MS = 20.0
FEEDS = [Push("quotes"), Push("book"), Poll(250.0), Poll(1000.0)]
MARKETS = ["recorded", "crowd"]
COUNT, LEAST = 40, 36


@pytest.fixture(scope="module")
def markets(recorded: Path) -> dict[str, Steps]:
    """True best prices of 650 s of both."""
    best = market.of_crowd(650, 7).best
    crowd = Steps(
        at=[at for at, _, _ in best], bid=[bid for _, bid, _ in best], ask=[ask for *_, ask in best]
    )
    files = sorted((recorded / "binance" / "hftbacktest").glob("btcusdt_2024080*.gz"))
    return {"recorded": truth_in(files), "crowd": crowd}


def pieces(true: Steps, seconds: float) -> list[tuple[int, int]]:
    """Forty pieces of the whole, evenly apart; as a measurement does it a piece is longer where
    the price hardly changed, and does not count where that was not enough."""
    changes, found = np.asarray(true.changes().at), []
    first, last = true.at[0] + 2 * SECOND, true.at[-1] - int(2 * seconds * SECOND)
    for since in np.linspace(first, last, COUNT + 4).astype(int).tolist():
        for longer in (1.0, 1.5, 2.0):
            until = since + int(seconds * longer * SECOND)
            if within(changes, since, until) >= ENOUGH:
                found.append((since, until))
                break
    return found[:COUNT]


def part(steps: Steps, since: int, until: int) -> Steps:
    """Only what held from the one moment to the other."""
    first, last = max(bisect_right(steps.at, since) - 1, 0), bisect_right(steps.at, until)
    one = slice(first, last)
    return Steps(at=steps.at[one], bid=steps.bid[one], ask=steps.ask[one])


@pytest.mark.parametrize("feed", FEEDS, ids=lambda one: one.name)
@pytest.mark.parametrize("name", MARKETS)
def test_nine_of_ten_intervals_of_a_wrong_share_hold_that_of_the_whole(
    markets: dict[str, Steps], name: str, feed: Feed
) -> None:
    """Whether the piece was a quiet or a busy one, and long or short."""
    true = markets[name]
    known = perfect(true, feed, RTT_MS, phase=0.5)
    whole = wrong(known, true, true.at[0] + 2 * SECOND, true.at[-1]).value
    for seconds in (4, 16):
        found = [
            wrong(part(known, *piece), part(true, *piece), *piece)
            for piece in pieces(true, seconds)
        ]
        held = sum(one.holds(whole) for one in found)
        assert len(found) == COUNT and LEAST <= held, f"{held} of {seconds} s hold {whole:.3f}"


@pytest.mark.parametrize("name", MARKETS)
def test_so_do_those_of_how_often_a_price_is_wrong_when_it_changes(
    markets: dict[str, Steps], name: str
) -> None:
    """The share of moments, not of time."""
    true = markets[name]
    whole = errors_at(true, [], Poll(1000.0), RTT_MS, phases=2)[2].wrong.value
    held = 0
    for since, until in pieces(true, 16):
        held += errors_at(part(true, since, until), [], Poll(1000.0), RTT_MS, phases=2)[
            2
        ].wrong.holds(whole)
    assert held >= LEAST, f"{held} hold {whole:.3f}"
