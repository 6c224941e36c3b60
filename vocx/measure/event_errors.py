"""*When* is a price wrong? For a part of the time; when something happens, most of the time.

The share of time counts quiet seconds like busy ones. A strategy acts in the busy ones: so the
price that a poll shows is also looked at just before each trade and each change of the true
price, over the truth of the last minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar

import msgspec
import numpy as np

from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.measure import validation
from vocx.measure.feeds import Feed, Poll, feeds_of
from vocx.measure.result import Column, Conditions, Result, pick
from vocx.measure.sampling import Interval, share_interval
from vocx.measure.simulation import perfect, pooled, window
from vocx.measure.steps import BLOCKS, Observed, Steps, wrong
from vocx.measure.true_prices import steps_in, true_quotes

if TYPE_CHECKING:
    from vocx.lab import Lab

LEAST_PERIODS, LEAST_S = 3, 4.0
Moment = tuple[int, int]
"""When (nanoseconds), and which of the true steps held just before."""


class EventError(msgspec.Struct, frozen=True, kw_only=True):
    """How often the price shown was not the true one at such moments; ``count`` of them, or none
    for a share of the time."""

    when: str
    wrong: Interval
    count: int | None


class EventErrors(Result, frozen=True, kw_only=True):
    """See :func:`event_errors`."""

    title: ClassVar[str] = "when is the price wrong"
    feed: Feed
    errors: list[EventError]

    def find(self, when: str) -> EventError:
        """``"at any time"``, ``"at a trade"`` or ``"at a price change"``."""
        return pick({one.when: one for one in self.errors}, when)

    def items(self) -> Sequence[EventError]:
        return self.errors

    def columns(self) -> Sequence[Column]:
        return (
            Column("when", "when", "when"),
            Column("wrong_share", "wrong", "wrong share"),
            Column("moments", "count", "moments"),
        )

    def notes(self) -> Sequence[str]:
        return [f"{self.feed.name}, {self.conditions.rtt_ms:g} ms away"]


@says_its_form
def event_errors(
    lab: Lab,
    feed: Feed | None = None,
    *,
    rtt_ms: float = 0.0,
    symbol: str = "BTC/USDT",
    venue: str | None = None,
    seconds: float = 60.0,
    phases: int = 8,
) -> EventErrors:
    """How often the price that a perfect feed (:class:`Poll` each second by default) showed was
    not the true one: of the time, of the moments just before a trade, and just before the true
    price changed. From the truth log of the last seconds, of a ``venue`` or of the lab's first one;
    in a lab that is younger than some seconds or three periods of the feed, it waits.

    Raises
    ------
    BadInput
        Nothing happens to this symbol: there is none, or the market is paused.
    UnknownVenue
        It is not in this lab.
    """
    (feed,), (rtt_ms,) = feeds_of([feed or Poll(1000.0)]), validation.distances([rtt_ms])
    validation.whole("phases", phases, 1, 1000)
    venue = venue or next(iter(validation.lab(lab).urls))
    if lab.status()["paused"]:
        raise BadInput("the market is paused: let the market run, with lab.resume(), and ask again")
    least_s = max(LEAST_S, LEAST_PERIODS * (feed.cadence_ms + rtt_ms) / 1000)
    quotes = true_quotes(lab, symbol, venue=venue, seconds=seconds, least_s=least_s)
    trades = [
        one
        for one in lab.truth.at(venue).events(1, symbol=symbol, kind="trade")
        if quotes[0].mono_ns <= one.mono_ns <= quotes[-1].mono_ns
    ]
    true = steps_in(quotes)
    # An order that eats several levels makes trades and prices in one instant: their order in the
    # log says which price each trade met.
    met = np.searchsorted([one.sequence for one in quotes], [one.sequence for one in trades])
    found = [(one.mono_ns, int(place) - 1) for one, place in zip(trades, met, strict=True)]
    errors = errors_at(true, found, feed, rtt_ms, phases=phases)
    return EventErrors(
        conditions=Conditions(
            path="from the exchange's book to a perfect program",
            clock="the exchange",
            venue=venue,
            symbol=symbol,
            rtt_ms=rtt_ms,
            seed=None if lab.config.replay else lab.config.seed,
            seconds=(true.at[-1] - true.at[0]) / 1e9,
        ),
        feed=feed,
        errors=errors,
    )


def errors_at(
    true: Steps, trades: Sequence[Moment], feed: Feed, rtt_ms: float, *, phases: int = 8
) -> list[EventError]:
    """The rows of :class:`EventErrors`, over ``phases`` places where the feed may begin its period.

    Raises
    ------
    BadInput
        The time is shorter than one period of the feed and its distance.
    """
    bid, ask = np.asarray(true.bid), np.asarray(true.ask)
    turned = np.flatnonzero((np.diff(bid) != 0) | (np.diff(ask) != 0))
    changes = [(true.at[one + 1], int(one)) for one in turned]
    since_ns, until_ns = window(true, [feed], rtt_ms)
    shown = [perfect(true, feed, rtt_ms, phase=(one + 0.5) / phases) for one in range(phases)]
    made = [
        EventError(
            when="at any time",
            wrong=pooled([wrong(one, true, since_ns, until_ns) for one in shown]),
            count=None,
        )
    ]
    for when, moments in (("at a trade", trades), ("at a price change", changes)):
        inside = [one for one in moments if since_ns <= one[0] < until_ns and one[1] >= 0]
        share = _missed(shown, true, inside, since_ns, until_ns)
        made.append(EventError(when=when, wrong=share, count=len(inside)))
    return made


def _missed(
    shown: Sequence[Observed], true: Steps, moments: Sequence[Moment], since_ns: int, until_ns: int
) -> Interval:
    """The share of moments at which a program showed something else than what held just before,
    and how much it varies from one piece of the time to the next."""
    at = np.array([when for when, _ in moments], dtype=np.int64)
    held = np.array([place for _, place in moments], dtype=np.int64)
    differs = np.zeros(len(at))
    for one in shown:
        place = np.searchsorted(one.at, at) - 1
        same_bid = np.asarray(one.bid)[place] == np.asarray(true.bid)[held]
        differs += ~(same_bid & (np.asarray(one.ask)[place] == np.asarray(true.ask)[held]))
    differs /= len(shown)
    block = np.minimum((at - since_ns) * BLOCKS // (until_ns - since_ns), BLOCKS - 1)
    pieces = [differs[block == number] for number in range(BLOCKS)]
    filled = [one for one in pieces if len(one)]
    return share_interval([fmean(one) for one in filled], [len(one) for one in filled])
