"""How old is your price? Feeds side by side, in the same seconds of the same market, and against
the exchange's own log of what was true when; once, or at several distances: the picture of the
course."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np
from msgspec.structs import replace

from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.measure import theory, validation
from vocx.measure.feeds import (
    DISTANCES,
    STANDARD,
    Feed,
    Poll,
    Push,
    at_venue,
    feeds_of,
    is_streamed,
)
from vocx.measure.probes import (
    READY_S,
    Listener,
    Poller,
    http_of,
    unbraked,
    unlimited,
    wait_until,
)
from vocx.measure.reference import Reference, Sample, samples_of
from vocx.measure.result import (
    CLOCK,
    Column,
    Result,
    conditions,
    crossed,
    grid,
    in_force,
    lab_of,
    pick,
    value_alone,
)
from vocx.measure.sampling import Interval, quantile_interval
from vocx.measure.simulation import expected_wrong
from vocx.measure.steps import Ages, Observed, Steps, ages, steps_of, within, wrong
from vocx.rate_limits import dearest
from vocx.text import span
from vocx.timing import mono_ns, wall_ns
from vocx.venues.base import ChannelSpec, GetQuote

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange
    from vocx.lab import Lab, Truth, TruthEvent

PATH = "from the exchange's book to this kernel"
WARM_CALLS = 8
LEAST_S, LONGEST_S = 0.5, 600.0
LOG_S = 20.0
"""How often a long watch fetches the truth at pace 1: the lab's log keeps a minute and a half."""
ENOUGH = 10
"""Changes of a price that are worth speaking of wrong shares."""
LONGER_NS = 500_000_000
"""So much longer is watched at a time where the price hardly changed."""
STAGGER_NS = 17_000_000
"""Feeds begin one after the other, so that their calls do not meet."""
FIRST = 40
"""Frames among which a price must come, if one comes at all."""
SWEPT: tuple[Feed, ...] = (
    Push("quotes"),
    Push("book"),
    Push("ticker"),
    Poll(50.0),
    Poll(250.0),
    Poll(1000.0),
)
LEFT_MS, RIGHT_MS = 10.0, 5000.0
"""Ends of the chart's axis; what comes at every change is drawn at its left end."""


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
            watches = _begun(exchange, feeds, symbol, stack)
            since_ns = mono_ns()
            events, until_ns = _log(lab, exchange.truth, mark, symbol, since_ns, seconds, changes)
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


def _is_told(exchange: Exchange, feed: Feed, symbol: str) -> bool:
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
    told = [one for one in feeds if _is_told(exchange, one, symbol)]
    if told != feeds and given not in (STANDARD, SWEPT):
        polled = next(one for one in feeds if one not in told)
        raise BadInput(
            f"{exchange.venue.name} does not send what {polled.name!r} shows, or without best "
            "prices: a stream would ask for it by REST. Leave it out, or measure.Poll it"
        )
    feeds = [at_venue(exchange.venue, symbol, one) for one in told]
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


class PollWatch:
    """A poll that is being watched, on a kept connection of its own."""

    def __init__(
        self, feed: Poll, number: int, exchange: Exchange, symbol: str, stack: ExitStack
    ) -> None:
        self.feed, self._kept_ns = feed, 0
        self._symbol, self.exchange = symbol, unbraked(exchange)
        stack.callback(self.exchange.close)
        begin_ns = mono_ns() + number * STAGGER_NS
        self.poller = Poller(self.ask, feed.every_ms, begin_ns=begin_ns, patient=True)
        stack.callback(self.poller.stop)
        self.poller.start()

    def ask(self) -> Sample:
        """The best prices now. A first call, which opens the connection, is followed at once by
        the first that counts."""
        while True:
            quote = self.exchange.quote(self._symbol)
            here, call = mono_ns(), http_of(quote)
            taken_ns, new = call.received_ns - call.sent_ns, call.phases.new_connection
            # The price was read half-way of a call on a kept connection; one that had to be opened
            # anew is longer on its way out, and its way back is that of the last kept one.
            self._kept_ns = self._kept_ns if new else taken_ns
            if self._kept_ns:
                read_ns = here - (wall_ns() - call.received_ns) - self._kept_ns // 2
                call_ms = None if new else taken_ns / 1e6
                return Sample(here, quote.bid, quote.ask, read_ns=read_ns, call_ms=call_ms)

    @property
    def ready(self) -> bool:
        return bool(self.poller.replies)

    def samples(self) -> list[Sample]:
        return [sample for _, sample in self.poller.replies]

    def observed(self, log: Reference) -> Observed:
        return log.beats(self.samples())

    @property
    def failures(self) -> int:
        return self.poller.failures

    @property
    def trouble(self) -> str:
        """What went wrong, in words; empty where nothing did."""
        return f"{self.failures} failed: {self.poller.error}" if self.failures else ""


class PushWatch:
    """A stream that is being watched."""

    def __init__(self, feed: Push, exchange: Exchange, symbol: str, stack: ExitStack) -> None:
        self.feed = feed
        spec = ChannelSpec(channel=feed.channel, symbol=symbol, depth=feed.depth)
        self._cadence_ms = exchange.venue.cadence_ms(exchange.venue.validate_channel(spec))
        self._listener = Listener(
            partial(exchange.create_stream, [feed.channel], symbol, depth=feed.depth)
        )
        stack.callback(self._listener.stop)
        self._listener.start()

    @property
    def ready(self) -> bool:
        if self._listener.stream.state != "live":
            return False
        # The first frames are answers to the subscription and heartbeats, not prices.
        return any(True for _ in samples_of(self._listener.facts(FIRST)))

    def samples(self) -> list[Sample]:
        return list(samples_of(self._listener.facts()))

    def observed(self, log: Reference) -> Observed:
        samples, cadence_ms = self.samples(), self._cadence_ms
        return log.beats(samples, cadence_ms) if cadence_ms else log.changes(samples)

    @property
    def failures(self) -> int:
        return self._listener.stream.stats.reconnects

    @property
    def trouble(self) -> str:
        """What went wrong, in words; empty where nothing did."""
        lost = self.failures
        return f"connection lost {lost} time{'s' * (lost > 1)}" if lost else "nothing came"


Watch = PollWatch | PushWatch


def _begun(exchange: Exchange, feeds: Sequence[Feed], symbol: str, stack: ExitStack) -> list[Watch]:
    """Watches of all feeds, each with something to show; ``stack`` ends them."""
    watches: list[Watch] = []
    for number, feed in enumerate(feeds):
        if isinstance(feed, Poll):
            watches.append(PollWatch(feed, number, exchange, symbol, stack))
        else:
            watches.append(PushWatch(feed, exchange, symbol, stack))

    def why(waiting: Sequence[int]) -> str:
        names = ", ".join(feeds[at].name for at in waiting)
        return f"{names}: {watches[waiting[0]].trouble}"

    patience_s = READY_S + max(feed.cadence_ms for feed in feeds) / 1000
    wait_until([partial(getattr, one, "ready") for one in watches], patience_s, why)
    return watches


def _log(
    lab: Lab,
    truth: Truth,
    mark: int,
    symbol: str,
    since_ns: int,
    seconds: float,
    enough: int,
) -> tuple[list[TruthEvent], int]:
    """Wait until the time is over, or up to twice as long where the price hardly changed; what was
    true until then, and when that is. The log is fetched after that moment, so that all of the
    time has its truth, and in slices, as it forgets."""
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
        age=_ages(known, *window),
        expected_age_ms=feed.expected_age_ms(made.call_ms) + stated.late_ms,
        wrong=wrong(known, true, *window),
        expected_wrong=expected_wrong(true, feed, made.call_ms, *window, late_ms=stated.late_ms),
        call_ms=quantile_interval(calls) if calls else None,
        call_p95_ms=quantile_interval(calls, 0.95) if calls else None,
        messages=shown,
        missed=_missed(known, true, *window),
        calls_per_minute=per_minute,
        weight_per_minute=per_minute * weight,
        errors=one.failures,
        known=known,
        trouble=one.trouble if one.failures else "",
    )


def _missed(known: Observed, true: Steps, since_ns: int, until_ns: int) -> float:
    """The share of the moments of true updates that were never shown."""
    at, as_of, born = np.asarray(known.at), np.asarray(known.as_of), np.unique(true.at)
    came = (at > since_ns) & (at <= until_ns)
    if isinstance(known.ageing, list):  # those that did not come
        came &= ~np.asarray(known.ageing)
    shown = len(np.unique(np.searchsorted(born, as_of[came], side="right")))
    return max(0.0, 1 - shown / max(1, within(born.tolist(), since_ns, until_ns)))


def _ages(known: Observed, since_ns: int, until_ns: int) -> Ages:
    """Ages over whole periods: half a sawtooth at the end would tilt the mean. Silence there is no
    sawtooth, and counts."""
    if known.ageing is not True:
        return ages(known, since_ns, until_ns)
    inside = np.asarray(known.at)
    inside = inside[(inside >= since_ns) & (inside <= until_ns)]
    periods = len(inside) - 1
    if periods < 2:
        return ages(known, since_ns, until_ns, blocks=2)
    usual = np.median(np.diff(inside))
    if until_ns - inside[-1] > 1.5 * usual or np.diff(known.as_of[-2:])[0] < usual / 2:
        return ages(known, since_ns, until_ns)
    return ages(known, int(inside[0]), int(inside[-1]), blocks=min(periods, 40))


class Sweep(Result, frozen=True, kw_only=True):
    """:class:`Freshness` at several distances, one after the other."""

    title: ClassVar[str] = "how old is your price, by distance"
    results: list[Freshness]

    def items(self) -> Sequence[FeedResult]:
        return [seen for one in self.results for seen in one.feeds]

    def columns(self) -> Sequence[Column]:
        return COLUMNS

    def table(self) -> str:
        """Mean age and wrong share, a column for each distance."""
        cells = [
            (
                one.feed.name,
                f"{one.rtt_ms:g} ms away",
                f"{one.age.mean.around(digits=0)}; {one.wrong.value:.0%}",
            )
            for one in self.items()
        ]
        return f"{crossed('mean age, ms; wrong share', cells)}\n{self.conditions.under()}"

    def at(self, rtt_ms: float) -> Freshness:
        """The result at one distance."""
        found = {f"{one.conditions.rtt_ms:g} ms": one for one in self.results}
        return pick(found, f"{rtt_ms:g} ms")

    def figure(self, *, height: int = 400) -> go.Figure:
        """Mean age against cadence, a line of theory for the polls of each distance, measured
        points on it: a slow stream is a poll.

        Streams are drawn at their cadence, and dotted across the chart for the nearest distance
        that is not 0: where a line of polls crosses one, a poll would be as fresh.
        """
        from vocx import figures

        made = figures.frame(
            "cadence: polling interval, or that of the stream, ms",
            "mean age, ms (book to kernel, one clock)",
            height=height,
            log="xy",
        )
        made.layout.legend.title = {"text": "lines: arithmetic, filled: polls, open: streams"}
        made.layout.legend.title.update(side="top", font={"size": 11})
        made.layout.margin.t = 48
        away = [one for one in self.results if one.conditions.rtt_ms > 0]
        crossing = min(away, key=lambda one: one.conditions.rtt_ms, default=None)
        for number, one in enumerate(self.results):
            for trace in _traces(one, number, crossing is one):
                made.add_trace(trace)
        made.layout.xaxis.range = [np.log10(LEFT_MS * 0.8), np.log10(RIGHT_MS)]
        made.add_annotation(
            text="every change", x=np.log10(LEFT_MS), y=1, yref="paper", yanchor="top",
            showarrow=False, textangle=-90, font={"size": 10}, xshift=-9,
        )  # fmt: skip
        return made


def _traces(one: Freshness, number: int, crossing: bool) -> list[Any]:
    """One distance: the line of polls, the polls on it, the streams."""
    from vocx import figures

    label, call = f"{one.conditions.rtt_ms:g} ms", one.call_ms
    every = np.geomspace(LEFT_MS, RIGHT_MS, 80)
    line = [(x, theory.expected_age_ms(float(x), call)) for x in every]
    group: dict[str, Any] = {"legendgroup": label}
    made = [figures.curve(f"{label} away", line, number, **group)]
    polls: list[figures.Point] = []
    streams: list[figures.Point] = []
    for seen in one.feeds:
        point = (max(seen.feed.cadence_ms, LEFT_MS), *seen.age.mean.ends())
        (polls if isinstance(seen.feed, Poll) else streams).append(point)
    made.append(figures.points(f"polls, {label}", polls, number, showlegend=False, **group))
    pushed = figures.points(f"streams, {label}", streams, number, showlegend=False, **group)
    pushed.marker.update(symbol=f"{figures.SYMBOLS[number]}-open", size=12, line={"width": 2})
    made.append(pushed)
    if crossing:
        for x, y, *_ in streams:
            across = [(LEFT_MS, y), (RIGHT_MS, y)]
            flat = figures.curve(f"stream, {span(x)}, {label}", across, number, showlegend=False)
            flat.line.update(dash="dot", width=1)
            made.append(flat)
    return made


@says_its_form
def sweep(
    exchange: Exchange,
    rtts: Sequence[float] = DISTANCES,
    feeds: Sequence[Feed] = SWEPT,
    *,
    symbol: str = "BTC/USDT",
    seconds: float = 5.0,
    progress: Callable[[float], object] | None = None,
) -> Sweep:
    """:func:`freshness` at each distance of ``rtts`` (round trips, ms), with the lab's dial.

    Feeds are side by side in the same seconds; distances one after the other, in other seconds of
    the market. The dial is put back. ``progress`` is called with each distance as it begins.

    Raises
    ------
    BadInput
        A distance is negative, or given twice; see also :func:`freshness`.
    """
    lab, rtts = lab_of(exchange), validation.distances(rtts)
    if len(set(rtts)) < len(rtts):
        raise BadInput("give each distance once: [0, 20, 80, 200]")
    results = []
    for rtt_ms in rtts:
        if progress is not None:
            progress(rtt_ms)
        with lab.network.latency(rtt_ms=rtt_ms, venue=exchange.venue.name):
            results.append(freshness(exchange, feeds, symbol=symbol, seconds=seconds))
    stated = conditions(exchange, path=PATH, clock=CLOCK, symbol=symbol, seconds=seconds)
    dials = f"latency {', '.join(f'{rtt_ms:g}' for rtt_ms in rtts)} ms round trip in turn"
    if lab.network.state:
        dials += f" in place of: {stated.dials}"
    return Sweep(conditions=replace(stated, dials=dials), results=results)
