"""How old is your price? Feeds side by side, in the same seconds of the same market, and against
the exchange's own log of what was true when."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar

import msgspec
from msgspec.structs import replace

from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.measure import validation
from vocx.measure.feeds import STANDARD, SWEPT, Feed, Poll, Push, at_venue, feeds_of, is_streamed
from vocx.measure.probes import http_of, unbraked, unlimited
from vocx.measure.reference import Reference
from vocx.measure.result import (
    CLOCK,
    Column,
    Result,
    conditions,
    grid,
    in_force,
    lab_of,
    value_alone,
)
from vocx.measure.sampling import Interval, quantile_interval
from vocx.measure.simulation import expected_wrong
from vocx.measure.steps import (
    Ages,
    Observed,
    Steps,
    ages_of_periods,
    missed_share,
    steps_of,
    within,
    wrong,
)
from vocx.measure.true_prices import follow_quotes
from vocx.measure.watches import Watch, watch_all
from vocx.rate_limits import dearest
from vocx.timing import mono_ns
from vocx.venues.base import GetQuote

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab

PATH = "from the exchange's book to this kernel"
WARM_CALLS = 8
LEAST_S, LONGEST_S = 0.5, 600.0
ENOUGH = 10
"""Changes of a price that are worth speaking of wrong shares."""


class FeedResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed showed.

    Attributes
    ----------
    rtt_ms : float
        The distance dial.
    age : Ages
        Over time, milliseconds.
    expected_age_ms : float
        Half a call plus half the cadence. What the program then needs to decode a reply, about a
        millisecond, is measured and not expected.
    wrong, expected_wrong : Interval, float
        Measured; and of a perfect feed at this distance, over the same true prices.
    call_ms, call_p95_ms : Interval or None
        Call times of a poll: median and 95th percentile.
    messages : int
        Replies or frames.
    missed : float
        Share of the book's best-price updates (also of quantities) that it never showed.
    calls_per_minute, weight_per_minute : float
        Spent on it.
    errors, trouble : int, str
        Calls that failed and connections that were lost; in words.
    """

    feed: Feed
    rtt_ms: float
    age: Ages
    expected_age_ms: float
    wrong: Interval
    expected_wrong: float
    call_ms: Interval | None
    call_p95_ms: Interval | None
    messages: int
    missed: float
    calls_per_minute: float
    weight_per_minute: float
    errors: int
    known: Observed
    trouble: str = ""


COLUMNS = (
    Column("feed", "feed.name", "feed (times in ms)"),
    Column("rtt_ms", "rtt_ms"),
    Column("call_time_ms", "call_ms", "call time", value_alone),
    Column("call_time_p95_ms", "call_p95_ms"),
    Column("age_mean_ms", "age.mean", "mean age", "±"),
    Column("age_expected_ms", "expected_age_ms", "theory"),
    Column("age_p50_ms", "age.p50"),
    Column("age_p95_ms", "age.p95", "p95", value_alone),
    Column("age_p99_ms", "age.p99"),
    Column("wrong_share", "wrong", "wrong share", lambda it: it.show(100, 0, " %")),
    Column("wrong_expected_share", "expected_wrong", "perfect"),
    Column("missed_share", "missed", "missed"),
    Column("calls_per_minute", "calls_per_minute"),
    Column("weight_per_minute", "weight_per_minute"),
    Column("errors", "errors"),
)
BRIEF = (
    Column("feed", "feed.name", ""),
    Column("call", lambda one: one.call_ms.value if one.call_ms else "no call", "call time, ms"),
    Column("age", "age.mean.value", "mean age, ms"),
    Column("wrong_share", "wrong", "time with a wrong price", lambda one: one.show(100, 0, " %")),
)
"""For readers who do not know the terms yet."""


class Freshness(Result, frozen=True, kw_only=True):
    """Call time, age and wrong share of several feeds in the same seconds of the same market.

    Attributes
    ----------
    call_ms : float
        Median call time of a kept connection just before: the distance, and what this machine and
        the exchange need.
    updates, changes : int
        How often the best prices or their quantities changed, and the prices alone.
    enough : int
        Changes of a price that are enough to speak of wrong shares.
    """

    title: ClassVar[str] = "how old is your price"
    since_ns: int
    until_ns: int
    call_ms: float
    updates: int
    changes: int
    enough: int = ENOUGH
    feeds: list[FeedResult]
    true: Steps

    @property
    def seconds(self) -> float:
        return (self.until_ns - self.since_ns) / 1e9

    def find(self, feed: Feed) -> FeedResult:
        """What one of the feeds showed."""
        for one in self.feeds:
            watched = one.feed
            if isinstance(watched, Push) and isinstance(feed, Push) and feed.every_ms is None:
                watched = replace(watched, every_ms=None)
            if watched == feed:
                return one
        names = ", ".join(one.feed.name for one in self.feeds)
        raise BadInput(f"{feed.name} was not watched; there are {names}")

    def items(self) -> Sequence[FeedResult]:
        return self.feeds

    def columns(self) -> Sequence[Column]:
        return COLUMNS

    def notes(self) -> Sequence[str]:
        trouble = [f"{one.feed.name}: {one.trouble}" for one in self.feeds if one.trouble]
        market = (
            f"{self.conditions.symbol}: {self.updates:,} updates of the best prices or their "
            f"quantities, {self.changes:,} of a price"
        )
        return [*trouble, market, *self._still()]

    def _still(self) -> list[str]:
        """That the market was too quiet for wrong shares, where it was."""
        if self.changes >= self.enough:
            return []
        return [
            "the market stood still, which says little of how often a price is wrong: run it again"
        ]

    def brief(self) -> str:
        """Call time, mean age, and how much of the time the price shown was not the true one."""
        stated = self.conditions
        market = f"{stated.symbol}, {self.seconds:.0f} s, {self.changes} changes of the best price"
        return "\n".join([f"{market}; {stated.dials}", grid(self.feeds, BRIEF), *self._still()])


@says_its_form
def freshness(
    exchange: Exchange,
    feeds: Sequence[Feed] = STANDARD,
    *,
    symbol: str = "BTC/USDT",
    seconds: float = 10.0,
    changes: int = ENOUGH,
) -> Freshness:
    """Watch feeds side by side for ``seconds``, each on a connection of its own.

    From the exchange's book to this program, on the clock that both share. Blocks; begins when
    each feed has something to show; limits are put aside meanwhile. A poll's age counts from the
    middle of its call (the exchange read the price then, on a kept connection), a stream's from
    where it was complete by the log.

    A price that hardly moves says little of how often an old one is wrong: where it has not
    changed so often (``changes``) by then, it is watched up to twice as long, and the result says
    where that was not enough.

    Raises
    ------
    BadInput
        Not in a lab, a market replayed or paused, a feed twice, or no time to repeat a poll.
    WaitTimeout
        A feed has nothing to show within ten seconds.
    """
    feeds, seconds, lab = _checked(exchange, feeds, symbol, seconds)
    tick = exchange.instrument(symbol).tick
    with unlimited(exchange, symbol):
        call_ms = _warm_call_ms(exchange, symbol)
        stated = conditions(
            exchange, path=PATH, clock=CLOCK, symbol=symbol, seconds=seconds,
            warm_up=WARM_CALLS // 2,
        )  # fmt: skip
        begun_ns, mark = mono_ns(), exchange.truth.events(None).next
        book = exchange.truth.book(symbol, depth=1)
        with ExitStack() as stack:
            watches = watch_all(exchange, feeds, symbol, stack)
            since_ns = mono_ns()
            events, until_ns = follow_quotes(
                lab, exchange.truth, symbol, mark, since_ns, seconds, changes
            )
    stated, now = replace(stated, seconds=(until_ns - since_ns) / 1e9), in_force(lab)
    if now != stated.dials:  # what arithmetic expects is of the first
        stated = replace(stated, dials=f"at first {stated.dials}, at the end {now}")
    after = [(one.mono_ns, one.bid, one.ask) for one in events]
    true = steps_of([(begun_ns, book.bid, book.ask), *after], tick)
    log = Reference(events, exchange.truth.offset_ns(), tick, stated, until_ns)
    made = Freshness(
        conditions=stated,
        since_ns=since_ns,
        until_ns=until_ns,
        call_ms=call_ms,
        updates=within(true.at, since_ns, until_ns),
        changes=within(true.changes().at, since_ns, until_ns),
        enough=changes,
        feeds=[],
        true=true,
    )
    weight = dearest(
        exchange.venue.request(GetQuote(symbol=symbol)).charges, exchange.venue.limits
    ).amount
    return replace(made, feeds=[_result(one, log, made, weight) for one in watches])


def _can_watch(exchange: Exchange, feed: Feed, symbol: str) -> bool:
    """A poll asks; what a stream shows must be sent by the venue, with the best prices in it."""
    if isinstance(feed, Poll):
        return True
    if feed.channel == "ticker" and not exchange.venue.ticker_has_quote:
        return False
    return is_streamed(exchange.venue, symbol, feed.channel, feed.depth)


def _checked(
    exchange: Exchange, given: Sequence[Feed], symbol: str, seconds: float
) -> tuple[list[Feed], float, Lab]:
    lab = lab_of(exchange)
    if lab.config.replay:
        raise BadInput(
            "in a replay the stamps of the wire are old: use a lab with a crowd, or "
            "measure.simulate(measure.truth_in(path)) for the recording itself"
        )
    feeds = feeds_of(given)
    watchable = [one for one in feeds if _can_watch(exchange, one, symbol)]
    if watchable != feeds and given not in (STANDARD, SWEPT):
        polled = next(one for one in feeds if one not in watchable)
        raise BadInput(
            f"{exchange.venue.name} does not send what {polled.name!r} shows, or without best "
            "prices: a stream would ask for it by REST. Leave it out, or measure.Poll it"
        )
    feeds = [at_venue(exchange.venue, symbol, one) for one in watchable]
    slowest = max(feed.cadence_ms for feed in feeds) / 1000
    why = f": the slowest feed here speaks every {slowest:g} s, and once is no measurement"
    seconds = validation.number(
        "seconds", seconds, max(2 * slowest, LEAST_S), LONGEST_S, what=why * (slowest > 0)
    )
    status = lab.status()
    if status["paused"] or status["pace"] <= 0:
        raise BadInput("the lab's market is paused, so nothing can be old: lab.resume()")
    return feeds, seconds, lab


def _warm_call_ms(exchange: Exchange, symbol: str) -> float:
    """The median call time of a kept connection now."""
    with unbraked(exchange) as twin:
        found = [http_of(twin.quote(symbol)).phases.total_ms for _ in range(WARM_CALLS)]
    return quantile_interval(found[WARM_CALLS // 2 :]).value


def _result(one: Watch, log: Reference, made: Freshness, weight: int) -> FeedResult:
    """What a watch showed in the time of ``made``."""
    feed, true, window = one.feed, made.true, (made.since_ns, made.until_ns)
    stated, known, samples = made.conditions, one.observed(log), one.samples()
    calls = [it.call_ms for it in samples if it.call_ms and it.at_ns >= made.since_ns]
    shown = within([it.at_ns for it in samples], *window)
    per_minute = shown / made.seconds * 60 if isinstance(feed, Poll) else 0.0
    return FeedResult(
        feed=feed,
        rtt_ms=stated.rtt_ms,
        age=ages_of_periods(known, *window),
        expected_age_ms=feed.expected_age_ms(made.call_ms) + stated.late_ms,
        wrong=wrong(known, true, *window),
        expected_wrong=expected_wrong(true, feed, made.call_ms, *window, late_ms=stated.late_ms),
        call_ms=quantile_interval(calls) if calls else None,
        call_p95_ms=quantile_interval(calls, 0.95) if calls else None,
        messages=shown,
        missed=missed_share(known, true, *window),
        calls_per_minute=per_minute,
        weight_per_minute=per_minute * weight,
        errors=one.failures,
        known=known,
        trouble=one.trouble if one.failures else "",
    )
