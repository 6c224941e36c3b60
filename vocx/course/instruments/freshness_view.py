"""How old the price is: asked for and pushed, as ages over time, with the two dials that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from vocx import figures
from vocx.course.instruments import ages
from vocx.course.instruments.ages import AgeSampler, Feed, feed_of
from vocx.course.instruments.instrument import instrument
from vocx.course.instruments.polling import LivePoller, check_interval, interval_slider
from vocx.errors import BadInput, NotReady
from vocx.measure import theory
from vocx.rate_limits import dearest
from vocx.text import span, text_table
from vocx.timing import wall_ns
from vocx.venues.base import GetQuote
from vocx.views.dials import NetworkControls
from vocx.views.formatting import html_table, milliseconds
from vocx.views.panel import SliderPanel
from vocx.views.sliders import Slider
from vocx.views.view import View

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab
    from vocx.stream import Stream

INTERVALS_MS = (20, 30, 50, 100, 150, 250, 500, 750, 1000, 1500, 2000, 3000, 5000)
HEIGHT, ROW = 279, 21
"""Of the chart beside one stream, and what each further one takes for its row of numbers, so that
all of it stays within 420 pixels."""
_SETTLE_MS = 2000.0
"""After a turn of the distance, until what was under way is gone and streams have measured it."""
_DASHES = ("dot", "dash", "dashdot", "longdash")
_COLORS = (figures.PUSHED, "#2aa198", "#b58900", "#e07b1a")
_TABLE_EVERY_NS = 500_000_000


class Numbers(NamedTuple):
    """Ages of one feed, milliseconds: at the end, on average, and not exceeded in 95 % of the
    time. Not a number while unknown."""

    now: float
    mean: float
    p95: float


class FreshnessView(View):
    """How old the price is that asking and listening show, over ``seconds``.

    Age is now minus the moment up to which what is shown is complete, milliseconds, on this
    machine's clock: from the exchange's book to this kernel. An asked price is half a call old on
    arrival and ages until the next reply; a pushed one is as old as its stream says (``age_ms``).
    Above the chart: sliders for the distance (in a lab) and the polling interval, and a table with
    the age now, its mean and 95th percentile since a slider was moved, the mean that arithmetic
    expects, and what that costs of the venue's limit. Asking pauses while the budget brakes it.

    Parameters
    ----------
    asked : Exchange
        Asked for its best bid and ask (Binance: weight 2 a call).
    pushed : Stream or sequence of Stream
        One line each: its quotes, or else its ticker, book, trades or candles of this symbol.
    every_ms : float
        Polling interval, 20 at least. A poll waits for its reply: at a distance that is longer
        than the interval, replies come one call time apart. ``view.every_ms`` sets it from code.
    dials : Lab, optional
        Whose distance the slider turns; by default that of ``asked``, which outside a lab has
        none.

    Raises
    ------
    BadInput
        A stream carries nothing of this symbol, or ``every_ms`` is below 20.
    """

    panel_kind = SliderPanel
    kind = "freshness"
    about = "age of the price"
    _unlabelled = ()  # its axes are known before any age

    def __init__(
        self,
        *,
        asked: Exchange,
        pushed: Stream | Sequence[Stream],
        symbol: str | None = None,
        every_ms: float = 1000.0,
        seconds: float = 20.0,
        dials: Lab | None = None,
        name: str | None = None,
        note: str = "",
    ) -> None:
        every_ms = check_interval(every_ms)
        streams = list(pushed) if isinstance(pushed, Sequence) else [pushed]
        self._exchange, self._seconds = asked, seconds
        self._feeds = _feeds(streams, symbol)
        self.symbol = self._feeds[0].symbol
        self.dials_lab = lab = dials or asked.lab
        self._controls: NetworkControls | None = (
            NetworkControls(lab, asked.venue.name) if lab is not None else None
        )
        self._off = (0.0, False)
        self._charges = asked.venue.request(GetQuote(symbol=self.symbol)).charges
        self._dearest = dearest(self._charges, asked.venue.limits)
        self._weight = self._dearest.amount
        self.asked = LivePoller(self._ask, every_ms)
        self.sampler = AgeSampler(self._feeds, seconds)
        self._top_ms = 0.0
        self._set_for: tuple[float, float] | None = None
        self._since_ns = self._table_at_ns = 0
        super().__init__(
            name or f"{self.kind} {self.symbol}",
            f"{self.symbol}: {self.about}",
            streams=streams,
            figure=self._empty(),
            stop=("Stop", "End the asking and the streams"),
            note=note,
        )
        self._put_sliders(*self._made_sliders())
        self._begin()
        self.asked.start()
        self.sampler.start()

    def _made_sliders(self) -> list[Slider]:
        interval = interval_slider(self.asked, INTERVALS_MS)
        if self._controls is None:
            return [interval]
        return [self._controls.distance_slider("distance (round trip)"), interval]

    @property
    def every_ms(self) -> float:
        """The polling interval, milliseconds, 20 at least. May be set at any time, as its slider
        does."""
        return self.asked.every_ms

    @every_ms.setter
    def every_ms(self, every_ms: float) -> None:
        self.asked.every_ms = check_interval(every_ms)

    def _end(self) -> None:
        for source in (self.asked, self.sampler):
            source.stop()
            source.join(2.0)

    # asking

    def _ask(self) -> Any:
        if self.mode == "paused" and self._by_itself:
            raise NotReady("nobody looks: no weight is spent")
        wait_s = self._exchange.budget.wait_s(self._charges)
        if wait_s > 0 and not self._limits_off():
            raise NotReady(
                f"nothing for {wait_s:.0f} s: the budget brakes at "
                f"{self._exchange.budget.stop_at:.0%} of the limit"
            )
        return self._exchange.quote(self.symbol)

    def _limits_off(self) -> bool:
        """Whether the lab does not count; asked at most once a second."""
        lab = self._exchange.lab
        if lab is None:
            return False
        at, off = self._off
        if wall_ns() - at > 1e9:
            limits = lab.limits(venue=self._exchange.venue.name)
            off = bool(limits["off"] or limits["paused"])
            self._off = (wall_ns(), off)
        return off

    # distance

    @property
    def rtt_ms(self) -> float:
        """The distance: the dial's in a lab, else the median call time of late."""
        if self._controls is not None:
            return self._controls.rtt_ms
        late = [2e-6 * (here - read) for here, read in list(self.asked.replies)[-20:]]
        return float(np.median(late)) if late else 0.0

    # drawing

    def _empty(self) -> go.Figure:
        """The chart before anything is known."""
        return _frame(self._feeds, self._seconds)

    def _settled(self, now_ns: int) -> int:
        """From when on numbers count: the window's beginning, or when a slider was moved."""
        settings = (self._controls.rtt_ms if self._controls else 0.0, self.asked.every_ms)
        if settings != self._set_for:
            far = self._set_for is None or settings[0] != self._set_for[0]
            wait_ns = int((_SETTLE_MS if far else settings[0]) * 1e6)
            self._since_ns = max(self._since_ns, now_ns + wait_ns)
            self._set_for = settings
        return max(self._since_ns, now_ns - int(self._seconds * 1e9))

    def _draw(self, now_ns: int) -> str:
        rtt_ms, every_ms = self.rtt_ms, self.asked.every_ms
        start_ns = now_ns - int(self._seconds * 1e9)
        replies = list(self.asked.replies)
        lines = [ages.sawtooth(replies, start_ns, now_ns)]
        lines += [ages.samples_since(one.copy(), start_ns) for one in self.sampler.samples]
        expected_ms = theory.expected_age_ms(every_ms, rtt_ms)
        peak_ms = rtt_ms / 2 + theory.period_ms(every_ms, rtt_ms)
        peak_ms = max([peak_ms, *(np.nanmax(y) for _, y in lines if np.isfinite(y).any())])
        self._reach(peak_ms)
        lines = [ages.thin(at, y, int(self._seconds * 1e9)) for at, y in lines]
        x = [((at - now_ns) / 1e9).astype(np.float32) for at, _ in lines]
        y = [age.astype(np.float32) for _, age in lines]
        x.append(np.array([-self._seconds, 0], dtype=np.float32))
        y.append(np.full(2, expected_ms, dtype=np.float32))
        self._send_points(x, y)
        self._show_table(now_ns)
        if self.asked.error:
            raise NotReady(f"asked: {self.asked.error}")
        return self._arithmetic(rtt_ms, every_ms)

    def _reach(self, peak_ms: float) -> None:
        """Let the axis hold the peak; a page that is loaded later learns of it too."""
        assert self.figure is not None
        top_ms = ages.calm_top(peak_ms, self._top_ms)
        if top_ms != self._top_ms:
            self._top_ms = top_ms
            self.figure.plotly_relayout({"yaxis.range": [0, top_ms]})
            self._settle_layout()

    def _arithmetic(self, rtt_ms: float, every_ms: float) -> str:
        period_ms = theory.period_ms(every_ms, rtt_ms)
        expected_ms = theory.expected_age_ms(every_ms, rtt_ms)
        text = f"asking, on average: {rtt_ms:.0f}/2 + {period_ms:.0f}/2 = {expected_ms:.0f} ms"
        return text if period_ms == every_ms else f"{text} (call > interval)"

    def _show_table(self, now_ns: int) -> None:
        if now_ns - self._table_at_ns < _TABLE_EVERY_NS:
            return
        self._table_at_ns = now_ns
        head, rows = self._contents(now_ns)
        whole = [(row[0].replace(" ", "\u00a0"), *row[1:]) for row in rows]
        self.panel.body = html_table(head, whole, left=1)

    # numbers

    def numbers(self, now_ns: int | None = None) -> list[Numbers]:
        """Ages of the asked price and of each stream, since a slider was moved or over the window;
        means are not a number until there was time for one interval."""
        now_ns = wall_ns() if now_ns is None else now_ns
        since_ns = self._settled(now_ns)
        replies = list(self.asked.replies)
        found = [ages.even(replies, since_ns, now_ns)]
        found += [ages.samples_since(one.copy(), since_ns)[1] for one in self.sampler.samples]
        last = [(now_ns - replies[-1][1]) / 1e6 if replies else float("nan")]
        last += [feed.age_ms() for feed in self._feeds]
        spans = [self.asked.every_ms, *(feed.cadence_ms for feed in self._feeds)]
        passed_ms = (now_ns - since_ns) / 1e6
        return [
            _numbers(now, some if passed_ms >= max(1000.0, wait_ms) else some[:0])
            for now, some, wait_ms in zip(last, found, spans, strict=True)
        ]

    def _contents(self, now_ns: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        rtt_ms, every_ms = self.rtt_ms, self.asked.every_ms
        per_minute = theory.weight_per_minute(every_ms, self._weight, rtt_ms)
        asked, *pushed = self.numbers(now_ns)
        passed_s = (now_ns - max(self._since_ns, now_ns - int(self._seconds * 1e9))) / 1e9
        expected = f"{theory.expected_age_ms(every_ms, rtt_ms):,.0f} ms"
        rows = [
            (
                f"asked every {span(every_ms)}",
                *map(milliseconds, asked),
                expected,
                f"{per_minute:,.0f} weight/min, {self._share(per_minute):.0%} of limit",
            )
        ]
        for feed, numbers in zip(self._feeds, pushed, strict=True):
            least = theory.pushed_age_ms(feed.cadence_ms, rtt_ms)
            expected = f"{least:,.0f} ms" if feed.cadence_ms else f"at least {least:,.0f} ms"
            rows.append((feed.label, *map(milliseconds, numbers), expected, "no weight"))
        window = f"mean of {passed_s:.0f} s" if passed_s >= 1 else "mean"
        return ("age of the price", "now", window, "p95", "expected mean", "costs"), rows

    def _share(self, per_minute: float) -> float:
        """Of the limit that polling exhausts first."""
        return per_minute / self._dearest.per_minute

    def _rows(self) -> str:
        head, rows = self._contents(wall_ns())
        return f"{self.symbol}\n{text_table(head, rows, left=1)}"


def _feeds(streams: Sequence[Any], symbol: str | None) -> list[Feed]:
    if not 0 < len(streams) <= len(_DASHES):
        raise BadInput(f"pushed= takes one to {len(_DASHES)} streams, not {len(streams)}")
    first = feed_of(streams[0], symbol)
    return [first, *(feed_of(one, first.symbol) for one in streams[1:])]


def _frame(feeds: Sequence[Feed], seconds: float) -> go.Figure:
    """The empty chart: asked, each feed, the expected mean of asked, in this order."""
    made = go.Figure(
        layout=figures.layout(
            x="seconds before now (age: from its book to here)",
            y="age, ms",
            height=HEIGHT - ROW * (len(feeds) - 1),
            xaxis={"range": [-seconds, 0.02 * seconds]},
            yaxis={"range": [0, 100], "rangemode": "tozero"},
        )
    )
    made.add_trace(figures.line("asked: REST", figures.ASKED, step=False))
    for feed, dash, color in zip(feeds, _DASHES, _COLORS, strict=False):
        pushed = figures.line(feed.name, color, dash=dash, step=False)
        made.add_trace(pushed.update(line_width=2.2))
    made.add_trace(figures.line("asked, expected", figures.INK, dash="longdashdot", step=False))
    return made


def _numbers(now: float, some: Any) -> Numbers:
    known = some[np.isfinite(some)]
    if not len(known):
        return Numbers(now, float("nan"), float("nan"))
    return Numbers(now, float(known.mean()), float(np.percentile(known, 95)))


freshness = instrument("freshness", FreshnessView)
