"""Who pays for a stale price? Paper orders against the log of what was true.

Nothing is sent, so the market is the same for every feed. Three programs act at the same random
moments on what each feed had on the screen; their order meets the book half a round trip later:

*the picky buyer* sends a limit order that fills at once or not at all (IOC), at the ask that is
seen: an old price costs fills;
*the random buyer* buys at the market: whatever the price did since, it did in both directions, so
on average an old price costs next to nothing, and the spread of outcomes grows;
*the quoter* shows a bid and an ask as seen. Who is quicker deals where the true price has already
left the quote: an old price costs money at each such deal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np

from vocx.call_forms import says_its_form
from vocx.measure import validation
from vocx.measure.feeds import Feed, Poll, Push, feeds_of
from vocx.measure.result import Column, Conditions, Result
from vocx.measure.sampling import MEMORY, Interval, mean_interval, share_interval
from vocx.measure.simulation import perfect, window
from vocx.measure.steps import BLOCKS, Observed, Steps, at_moments
from vocx.text import fold

if TYPE_CHECKING:
    from vocx.measure.steps import Moments, Numbers

FEE_BP = 10.0
"""A usual taker fee of spot venues, and the lab's: what a slippage is to be held against."""
PLAYED: tuple[Feed, ...] = (Push("quotes"), Poll(250.0), Poll(1000.0), Poll(5000.0))


class StaleCost(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed's stale prices cost. Basis points of the price; means with intervals.

    Attributes
    ----------
    filled : Interval
        Share of the picky buyer's orders that filled.
    slippage_bp, slippage_sd_bp : Interval, float
        What the random buyer paid above the ask that was seen: mean, and standard deviation.
    left : Interval
        Share of the quoter's moments at which the true price had left one of its quotes.
    lost_bp : Interval
        Value lost per deal there: from the quote to the true price in the middle.
    lost_per_quote_bp : Interval
        The same per moment at which it quoted.
    """

    feed: Feed
    filled: Interval
    slippage_bp: Interval
    slippage_sd_bp: float
    left: Interval
    lost_bp: Interval
    lost_per_quote_bp: Interval


class AdverseSelection(Result, frozen=True, kw_only=True):
    """The cost of stale prices to three programs, for each feed."""

    title: ClassVar[str] = "who pays for a stale price"
    orders: int
    costs: list[StaleCost]

    def items(self) -> Sequence[StaleCost]:
        return self.costs

    def columns(self) -> Sequence[Column]:
        return (
            Column("feed", "feed.name", "feed"),
            Column("ioc_filled_share", "filled", "IOC fills", "%"),
            Column("buyer_slippage_bp", "slippage_bp", "buyer pays, bp", "±2"),
            Column("buyer_slippage_sd_bp", "slippage_sd_bp", "sd", ".1f"),
            Column("quote_left_share", "left", "quotes left", "%"),
            Column("lost_per_deal_bp", "lost_bp", "a deal, bp", "±2"),
            Column("lost_per_quote_bp", "lost_per_quote_bp", "a quote, bp", "±3"),
        )

    def notes(self) -> Sequence[str]:
        return [
            fold(
                f"{self.orders:,} paper orders each, at the same moments; left: the true price "
                "had passed a quote, and others dealt with it; lost: in such a deal, and over all "
                "quotes; "
                f"a taker's fee is {FEE_BP:g} bp"
            )
        ]


@says_its_form
def adverse_selection(
    true: Steps,
    feeds: Sequence[Feed] = PLAYED,
    *,
    rtt_ms: float,
    orders: int = 2000,
    seed: int = 7,
) -> AdverseSelection:
    """Play three programs on paper.

    Parameters
    ----------
    true : Steps
        True prices (:func:`truth_of`, :func:`truth_in`), over which perfect ``feeds`` are shown.
    rtt_ms : float
        How far away the exchange is.
    orders : int
        How many random moments; the same for every feed.

    Raises
    ------
    BadInput
        A time that is too short, or a number that makes no sense.
    """
    orders = validation.whole("orders", orders, BLOCKS, 1_000_000)
    (rtt_ms,), feeds = validation.distances([rtt_ms]), feeds_of(feeds)
    true = validation.steps(true)
    screens = {feed: perfect(true, feed, rtt_ms, phase=0.5) for feed in feeds}
    way_ms = rtt_ms / 2  # of an order, to the book
    since_ns, until_ns = window(true, feeds, rtt_ms, spare_ms=way_ms)
    draw = Random(seed)
    drawn = sorted(draw.randrange(since_ns, until_ns) for _ in range(orders))
    return AdverseSelection(
        conditions=Conditions(
            path="from what a perfect feed shows to the exchange's book",
            clock="whoever wrote the prices down",
            rtt_ms=rtt_ms,
            seed=seed,
            seconds=(true.at[-1] - since_ns) / 1e9,
        ),
        orders=orders,
        costs=_costs(screens, true, np.array(drawn, np.int64), int(way_ms * 1e6)),
    )


def _costs(
    screens: Mapping[Feed, Observed], true: Steps, moments: Moments, half_ns: int
) -> list[StaleCost]:
    true_bid, true_ask = (side.astype(float) for side in at_moments(true, moments + half_ns))
    middle = (true_bid + true_ask) / 2
    to_bp = 1e4 / middle
    made = []
    for feed, known in screens.items():
        bid, ask = (side.astype(float) for side in at_moments(known, moments))
        late = (true_ask - ask) * to_bp
        lost = (np.maximum(middle - ask, 0) * (true_bid > ask)) * to_bp
        lost += (np.maximum(bid - middle, 0) * (true_ask < bid)) * to_bp
        made.append(
            StaleCost(
                feed=feed,
                filled=share_interval(_blocks(true_ask <= ask)),
                slippage_bp=mean_interval(_blocks(late), memory=MEMORY),
                slippage_sd_bp=pstdev(late.tolist()),
                left=share_interval(_blocks(lost > 0)),
                lost_bp=_per_deal(lost),
                lost_per_quote_bp=mean_interval(_blocks(lost), memory=MEMORY),
            )
        )
    return made


def _blocks(values: Any) -> list[float]:
    """Means of ten pieces of the time: orders close to each other are not independent."""
    return [float(piece.mean()) for piece in np.array_split(values, BLOCKS)]


def _per_deal(lost: Numbers) -> Interval:
    """The mean loss of the deals, weighted by how many of them each piece of the time had."""
    pieces = [piece[piece > 0].tolist() for piece in np.array_split(lost, BLOCKS)]
    filled = [piece for piece in pieces if piece]
    means, sizes = [fmean(piece) for piece in filled], [len(piece) for piece in filled]
    return mean_interval(means, sizes, memory=MEMORY)
