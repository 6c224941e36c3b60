"""How old is your price? Feeds side by side, in the same seconds of the same market, and against
the exchange's own log of what was true when."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np
from msgspec.structs import replace

from vocx.errors import BadInput
from vocx.measure import validation
from vocx.measure.feeds import STANDARD, Feed, Poll, feeds_of
from vocx.measure.probes import READY_S, Watch, unbraked, unlimited, wait_ready, watch
from vocx.measure.reference import Reference
from vocx.measure.result import CLOCK, Conditions, Result, conditions, grid, in_force, in_lab
from vocx.measure.sampling import Interval, quantile_interval
from vocx.measure.simulation import expected_wrong, pooled, steps_of
from vocx.measure.steps import Ages, Observed, Steps, ages, within, wrong
from vocx.timing import mono_ns
from vocx.venues.base import GetQuote

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange
    from vocx.lab import Lab, TruthEvent

PATH = "from the exchange's book to this kernel"
WARM_CALLS = 8
LEAST_S, LONGEST_S = 0.5, 600.0
LOG_S = 20.0
"""How often a long watch fetches the truth at pace 1: the lab's log keeps a minute and a half."""


class FeedResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed showed.

    Attributes
    ----------
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
        Replies, frames, or looks of a hybrid's loop.
    missed : float
        Share of the book's best-price updates (also of quantities) that it never showed.
    calls_per_minute, weight_per_minute : float
        Spent on it.
    payload_kib_s : float
        Bodies of replies or payloads of frames only; :func:`vocx.measure.traffic` counts the rest.
    cpu_ms_s : float
        Of this program's thread, per second.
    errors, trouble : int, str
        Calls that failed and connections that were lost; in words.
    """

    feed: Feed
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
    payload_kib_s: float
    cpu_ms_s: float
    errors: int
    known: Observed
    trouble: str = ""


class Freshness(Result, frozen=True, kw_only=True):
    """Call time, age and wrong share of several feeds in the same seconds of the same market.

    Attributes
    ----------
    call_ms : float
        Median call time of a kept connection just before: the distance, and what this machine and
        the exchange need.
    updates, changes : int
        How often the best prices or their quantities changed, and the prices alone.
    """

    title: ClassVar[str] = "how old is your price"
    since_ns: int
    until_ns: int
    call_ms: float
    updates: int
    changes: int
    feeds: list[FeedResult]
    true: Steps

    @property
    def seconds(self) -> float:
        return (self.until_ns - self.since_ns) / 1e9

    def find(self, feed: Feed) -> FeedResult:
        """What one of the feeds showed."""
        for one in self.feeds:
            if one.feed == feed:
                return one
        names = ", ".join(one.feed.name for one in self.feeds)
        raise BadInput(f"{feed.name} was not watched; there are {names}")

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "feed": one.feed.name,
                "rtt_ms": self.conditions.rtt_ms,
                "call_time_ms": one.call_ms,
                "call_time_p95_ms": one.call_p95_ms,
                "age_mean_ms": one.age.mean,
                "age_expected_ms": one.expected_age_ms,
                "age_p50_ms": one.age.p50,
                "age_p95_ms": one.age.p95,
                "age_p99_ms": one.age.p99,
                "wrong_share": one.wrong,
                "wrong_expected_share": one.expected_wrong,
                "missed_share": one.missed,
                "calls_per_minute": one.calls_per_minute,
                "weight_per_minute": one.weight_per_minute,
                "payload_kib_s": one.payload_kib_s,
                "cpu_ms_s": one.cpu_ms_s,
                "errors": one.errors,
            }
            for one in self.feeds
        ]

    def table(self) -> str:
        shown = [
            {
                "feed (times in ms)": one.feed.name,
                "call time": one.call_ms.value if one.call_ms else None,
                "mean age": one.age.mean.around(),
                "theory": one.expected_age_ms,
                "p95": one.age.p95.value,
                "wrong share": one.wrong.show(100, 0, " %"),
                "perfect": f"{one.expected_wrong:.1%}",
                "missed": f"{one.missed:.1%}",
            }
            for one in self.feeds
        ]
        market = (
            f"{self.conditions.symbol}: {self.updates:,} updates of the best prices or their "
            f"quantities, {self.changes:,} of a price"
        )
        trouble = [f"{one.feed.name}: {one.trouble}" for one in self.feeds if one.trouble]
        return "\n".join([grid(shown), *trouble, market, self.conditions.under()])

    def brief(self) -> str:
        """The three words only, without intervals."""
        shown = [
            {
                "": one.feed.name,
                "call time, ms": one.call_ms.value if one.call_ms else "no call",
                "mean age, ms": one.age.mean.value,
                "wrong share": one.wrong.value,
            }
            for one in self.feeds
        ]
        stated = self.conditions
        market = f"{stated.symbol}, {self.seconds:.0f} s, {self.changes} changes of the best price"
        return f"{market}; {stated.dials}\n{grid(shown)}"

    def figure(self, *, height: int | None = None) -> go.Figure:
        """Mean age of each feed with its interval, p95, and what arithmetic expects."""
        from vocx import figures

        def ends(one: Interval) -> tuple[float, float | None, float | None]:
            return one.value, one.low, one.high

        made = figures.ranked(
            [one.feed.name for one in self.feeds],
            {
                "mean age": [ends(one.age.mean) for one in self.feeds],
                "95 % of the time below": [ends(one.age.p95) for one in self.feeds],
                "mean by arithmetic": [(one.expected_age_ms, None, None) for one in self.feeds],
            },
            x="age, ms: from the exchange's book to this kernel (the clock that both share)",
            height=height,
            log=True,
        )
        made.data[2].marker.update(symbol="line-ns-open", size=20, line={"width": 2})
        return made


def freshness(
    exchange: Exchange,
    feeds: Sequence[Feed] = STANDARD,
    *,
    symbol: str = "BTC/USDT",
    seconds: float = 10.0,
) -> Freshness:
    """Watch feeds side by side for ``seconds``, each on a connection of its own.

    From the exchange's book to this program, on the clock that both share. Blocks; begins when
    each feed has something to show; limits are put aside meanwhile. A poll's age counts from the
    middle of its call (the exchange read the price then, on a kept connection), a stream's from
    where it was complete by the log.

    Raises
    ------
    BadInput
        Not in a lab, a market replayed or paused, a feed twice, or no time to repeat a poll.
    WaitTimeout
        A feed has nothing to show within ten seconds.
    """
    feeds, seconds, lab = _checked(exchange, feeds, seconds)
    instrument = exchange.instrument(symbol)
    with unlimited(exchange, symbol):
        call_ms = _warm_call_ms(exchange, symbol)
        stated = conditions(
            exchange, path=PATH, clock=CLOCK, symbol=symbol, seconds=seconds,
            warm_up=WARM_CALLS // 2,
        )  # fmt: skip
        mark, book = lab.truth.events(None).next, lab.truth.book(symbol, depth=1)
        begun = (mono_ns(), book.bid, book.ask)
        watches, events, since_ns, until_ns = _watched(exchange, feeds, mark, symbol, seconds)
    stated = _meanwhile(stated, in_force(lab))
    after = [(one.mono_ns, one.bid, one.ask) for one in events if one.mono_ns > begun[0]]
    true = steps_of([begun, *after], instrument.tick)
    seen = Reference(events, lab.truth.offset_ns(), instrument.tick, stated, until_ns)
    weight = exchange.venue.request(GetQuote(symbol=symbol), 0).weight
    window, path = (since_ns, until_ns), (call_ms, stated.late_ms)
    return Freshness(
        conditions=stated,
        since_ns=since_ns,
        until_ns=until_ns,
        call_ms=call_ms,
        updates=within(true.at, since_ns, until_ns),
        changes=within(true.changes().at, since_ns, until_ns),
        feeds=[_seen(one, seen, true, window, path, weight) for one in watches],
        true=true,
    )


def _watched(
    exchange: Exchange, feeds: Sequence[Feed], mark: int, symbol: str, seconds: float
) -> tuple[list[Watch], list[TruthEvent], int, int]:
    """Watch them all: the watches, what was true since ``mark``, and from when to when."""
    lab = in_lab(exchange).lab
    assert lab is not None
    watches = []
    with ExitStack() as stack:
        for number, feed in enumerate(feeds):
            one = watch(feed, number, exchange, symbol)
            watches.append(one)
            stack.callback(one.stop)
            one.start()
        wait_ready(watches, READY_S + max(feed.cadence_ms for feed in feeds) / 1000)
        since_ns = mono_ns()
        events = _log(lab, mark, symbol, since_ns + int(seconds * 1e9))
        return watches, events, since_ns, mono_ns()


def _meanwhile(stated: Conditions, now: str) -> Conditions:
    """Dials that were turned while it ran are said; what arithmetic expects is of the first."""
    if now == stated.dials:
        return stated
    return replace(stated, dials=f"at first {stated.dials}, at the end {now}")


def _checked(
    exchange: Exchange, given: Sequence[Feed], seconds: float
) -> tuple[list[Feed], float, Lab]:
    lab = in_lab(exchange).lab
    assert lab is not None
    if lab.config.replay:
        raise BadInput(
            "in a replay the stamps of the wire are old: use a lab with a crowd, or "
            "measure.simulate(measure.truth_in(path)) for the recording itself"
        )
    feeds = feeds_of(given)
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
    found = []
    with unbraked(exchange, "measure call time") as twin:
        for _ in range(WARM_CALLS):
            call = twin.quote(symbol).exchange
            assert call is not None
            found.append(call.phases.total_ms)
    return quantile_interval(found[WARM_CALLS // 2 :]).value


def _log(lab: Lab, mark: int, symbol: str, until_ns: int) -> list[TruthEvent]:
    """Wait until then, and bring what was true; in slices, as the log forgets."""
    events: list[TruthEvent] = []
    pause, slice_s = Event(), LOG_S / max(1.0, lab.pace)
    while (left_s := (until_ns - mono_ns()) / 1e9) > 0:
        pause.wait(min(left_s, slice_s))
        found = lab.truth.events(mark, symbol=symbol, kind="quote")
        if found.missed:
            raise BadInput("the market runs faster than its log keeps: set a slower pace")
        mark = found.next
        events += found
    return events


def _seen(
    one: Watch,
    truths: Reference,
    true: Steps,
    window: tuple[int, int],
    path: tuple[float, float],
    weight: int,
) -> FeedResult:
    every, feed, (since_ns, until_ns), (call_ms, late_ms) = truths.of(one), one.feed, window, path
    known = every[0]
    calls = [note.call_ms for note in one.notes if note.call_ms and note.at_ns >= since_ns]
    minutes = (until_ns - since_ns) / 60e9
    shown = within([note.at_ns for note in one.notes], since_ns, until_ns) // len(every)
    per_minute = shown / minutes if isinstance(feed, Poll) else 0.0
    watched_s = (until_ns - known.at[0]) / 1e9 if len(known) else 1.0
    return FeedResult(
        feed=feed,
        age=_ages(every, since_ns, until_ns),
        expected_age_ms=feed.expected_age_ms(call_ms) + late_ms,
        wrong=pooled([wrong(known, true, since_ns, until_ns) for known in every]),
        expected_wrong=expected_wrong(true, feed, call_ms, since_ns, until_ns, late_ms=late_ms),
        call_ms=quantile_interval(calls) if calls else None,
        call_p95_ms=quantile_interval(calls, 0.95) if calls else None,
        messages=shown,
        missed=_missed(known, true, since_ns, until_ns),
        calls_per_minute=per_minute,
        weight_per_minute=per_minute * weight,
        payload_kib_s=one.payload_bytes / 1024 / max(watched_s, 1e-3),
        cpu_ms_s=one.cpu_ns / 1e6 / max(watched_s, 1e-3),
        errors=one.failures,
        known=known,
        trouble=one.trouble,
    )


def _missed(known: Observed, true: Steps, since_ns: int, until_ns: int) -> float:
    """The share of the moments of true updates that were never shown."""
    at, as_of, born = np.asarray(known.at), np.asarray(known.as_of), np.unique(true.at)
    came = (at > since_ns) & (at <= until_ns)
    if isinstance(known.ageing, list):  # those that did not come
        came &= ~np.asarray(known.ageing)
    shown = len(np.unique(np.searchsorted(born, as_of[came], side="right")))
    return max(0.0, 1 - shown / max(1, within(born.tolist(), since_ns, until_ns)))


def _ages(every: Sequence[Observed], since_ns: int, until_ns: int) -> Ages:
    """Ages over whole periods: half a sawtooth at the end would tilt the mean. Silence there is no
    sawtooth, and counts."""
    known = every[0]
    if known.ageing is not True or len(every) > 1:
        return ages(every, since_ns, until_ns)
    inside = np.asarray(known.at)
    inside = inside[(inside >= since_ns) & (inside <= until_ns)]
    periods = len(inside) - 1
    if periods < 2:
        return ages(known, since_ns, until_ns, blocks=2)
    usual = np.median(np.diff(inside))
    if until_ns - inside[-1] > 1.5 * usual or np.diff(known.as_of[-2:])[0] < usual / 2:
        return ages(known, since_ns, until_ns)
    return ages(known, int(inside[0]), int(inside[-1]), blocks=min(periods, 40))
