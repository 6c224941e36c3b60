"""What freshness costs, live: a plan that two sliders move along the line of all plans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from vocx import figures
from vocx.course.instruments import ages
from vocx.course.instruments.freshness_view import FreshnessView
from vocx.course.instruments.instrument import instrument
from vocx.errors import NotReady
from vocx.measure import theory
from vocx.text import span
from vocx.views.formatting import milliseconds

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab
    from vocx.measure import Traffic
    from vocx.stream import Stream

HEIGHT = 270
"""Of the chart, so that all of it stays within 420 pixels beside two streams."""
RANGE_KIB = (0.05, 200.0)
RANGE_MS = (0.3, 10_000.0)
SLOWEST_MS, FASTEST_MS = 10_000.0, 2.0
POINTS = 60
Q = 0.95
_EVERY_NS = 400_000_000
"""Between drawings of marks that hardly move; a slider is followed at once."""


class Span(NamedTuple):
    """An age, milliseconds: at best, and below which it is proven to be for 95 % of the time."""

    low: float
    high: float


class FrontierView(FreshnessView):
    """What freshness costs: the age below which a price is for 95 % of the time, against KiB a
    second on the wire, both logarithmic.

    Polling is a line, by arithmetic from the bytes of one measured call; it ends in crosses where
    the venue's weight limit forbids it. Two sliders, the polling interval and the distance, move a
    plan along it, which is really polled: a ring is where arithmetic puts it, a filled mark what
    was measured since a slider was moved. Streams are points, measured; one that speaks at each
    change stands where it is right after a message, and its whisker ends at the age that it can
    prove: silence is no message. A table has the numbers.

    Parameters
    ----------
    asked, pushed, symbol, seconds, dials
        As for :func:`freshness`.
    cost : Traffic
        What :func:`vocx.measure.traffic` counted: of ``"quote"`` polled, and of each stream.

    Raises
    ------
    BadInput
        As :func:`freshness`; or the costs lack a feed.
    """

    kind = "frontier"
    about = "what freshness costs"

    def __init__(
        self,
        *,
        asked: Exchange,
        pushed: Stream | Sequence[Stream],
        cost: Traffic,
        symbol: str | None = None,
        every_ms: float = 1000.0,
        seconds: float = 20.0,
        dials: Lab | None = None,
        name: str | None = None,
        note: str = "",
    ) -> None:
        wire = ", TLS" * any(one.tls for one in cost.costs)
        self._wire = " with TLS" * bool(wire)
        self._call = cost.cost(f"poll quote{wire}")
        self._cost, self._suffix = cost, wire
        self._drawn_for, self._drawn_ns = (-1.0, -1.0), 0
        self._line_for, self._line = -1.0, list[Any]()
        super().__init__(
            asked=asked,
            pushed=pushed,
            symbol=symbol,
            every_ms=every_ms,
            seconds=seconds,
            dials=dials,
            name=name,
            note=note,
        )

    def _empty(self) -> go.Figure:
        names = [f"stream {feed.channel}{self._suffix}" for feed in self._feeds]
        self._costs_kib = [self._cost.cost(one).wire_per_s.value / 1024 for one in names]
        made = figures.frame(
            f"KiB/s on the wire (both ways{self._wire})",
            "ms, 95 % of the time",
            height=HEIGHT,
            log="xy",
        )
        made.layout.xaxis.range = np.log10(RANGE_KIB).tolist()
        made.layout.yaxis.range = np.log10(RANGE_MS).tolist()
        made.add_trace(figures.curve("all polls", [], 2))
        above = figures.curve("above the limit: 429", [], 1, markers=True)
        made.add_trace(above.update(mode="markers", marker_symbol="x"))
        expected = figures.marks("your poll, by arithmetic", figures.INK, "circle-open")
        made.add_trace(expected.update(marker_size=18))
        made.add_trace(figures.marks("measured", figures.ASKED, "circle").update(marker_size=11))
        for number, feed in enumerate(self._feeds):
            color, symbol = ((figures.PUSHED, "square"), ("#b58900", "diamond"))[number % 2]
            mark = figures.marks(feed.name, color, symbol).update(mode="lines+markers")
            whisker = {"symbol": [symbol, "line-ew-open"], "size": [11, 12]}
            made.add_trace(mark.update(marker=whisker, line={"color": color, "width": 1.5}))
        for trace in made.data:
            trace.hovertemplate = "%{y:.3~g} ms at %{x:.3~g} KiB/s<extra>" + trace.name + "</extra>"
        unknown = [Span(float("nan"), float("nan"))] * (1 + len(self._feeds))
        for trace, (x, y) in zip(made.data, self._marks(unknown), strict=True):
            trace.update(x=x, y=y)
        return made

    def _marks(self, measured: Sequence[Span]) -> list[tuple[Any, Any]]:
        """x and y of each trace; ``measured`` are the ages of the poll and of each stream."""
        rtt_ms, every_ms = self.rtt_ms, self.asked.every_ms
        if self._line_for != rtt_ms:
            self._line_for, self._line = rtt_ms, self._all_polls(rtt_ms)
        kib, expected_ms = self._at(every_ms, rtt_ms)
        asked, *pushed = measured
        shown = [*self._line, np.array([(kib, expected_ms)])]
        shown.append(np.array([(kib, asked.high)]))
        for cost, one in zip(self._costs_kib, pushed, strict=True):
            shown.append(np.array([(cost, one.low), (cost, one.high)]))
        return [tuple(one.astype(np.float32).T) for one in shown]

    def _all_polls(self, rtt_ms: float) -> list[Any]:
        """Every interval at this distance: those that the limit allows, and the others."""
        intervals = np.geomspace(max(FASTEST_MS, rtt_ms), SLOWEST_MS, POINTS).tolist()
        line = np.array([self._at(one, rtt_ms) for one in intervals])
        dear = np.array([self._weight_of(one, rtt_ms) > self._limit for one in intervals])
        return [line[~dear], line[dear]]

    def _measured(self, now_ns: int) -> list[Span]:
        """Of the poll and of each stream. One that speaks at each change is as old as its way
        right after a message; until the next one it has to prove that nothing is missing."""
        asked, *pushed = self.numbers(now_ns)
        since_ns, found = self._settled(now_ns), [Span(asked.p95, asked.p95)]
        for feed, one, samples in zip(self._feeds, pushed, self.sampler.samples, strict=True):
            some = ages.samples_since(samples.copy(), since_ns)[1]
            some = some[np.isfinite(some)]
            soonest = feed.cadence_ms == 0 and one.p95 == one.p95
            low = (
                max(float(np.percentile(some, 5)), 2 * RANGE_MS[0])
                if soonest and len(some)
                else one.p95
            )
            found.append(Span(low, one.p95))
        return found

    def _draw(self, now_ns: int) -> str:
        rtt_ms, every_ms = self.rtt_ms, self.asked.every_ms
        moved = (rtt_ms, every_ms) != self._drawn_for
        if moved or now_ns - self._drawn_ns > _EVERY_NS:
            self._drawn_ns, self._drawn_for = now_ns, (rtt_ms, every_ms)
            self._send_points(*zip(*self._marks(self._measured(now_ns)), strict=True))
        self._show_table(now_ns)
        if self.asked.error:
            raise NotReady(f"asked: {self.asked.error}")
        return self._arithmetic(rtt_ms, every_ms)

    def _at(self, every_ms: float, rtt_ms: float) -> tuple[float, float]:
        """Where a polling interval stands: KiB a second, milliseconds."""
        return (
            theory.kib_per_s(self._call.bytes_each, every_ms, rtt_ms),
            theory.age_quantile_ms(Q, every_ms, rtt_ms),
        )

    def _weight_of(self, every_ms: float, rtt_ms: float) -> float:
        return theory.weight_per_minute(every_ms, self._weight, rtt_ms)

    @property
    def _limit(self) -> float:
        """Weight a minute."""
        return self._dearest.per_minute

    def _arithmetic(self, rtt_ms: float, every_ms: float) -> str:
        period_ms = theory.period_ms(every_ms, rtt_ms)
        found_ms = theory.age_quantile_ms(Q, every_ms, rtt_ms)
        text = f"asking: {rtt_ms:.0f}/2 + {Q:g} × {period_ms:.0f} = {found_ms:.0f} ms"
        return text if period_ms == every_ms else f"{text} (a poll waits for its reply)"

    def _contents(self, now_ns: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        rtt_ms, every_ms = self.rtt_ms, self.asked.every_ms
        asked, *pushed = self._measured(now_ns)
        kib, expected_ms = self._at(every_ms, rtt_ms)
        weight = self._weight_of(every_ms, rtt_ms)
        rows: list[tuple[str, ...]] = [
            (
                f"asked every {span(every_ms)}",
                milliseconds(asked.high),
                milliseconds(expected_ms),
                f"{kib:.2f} KiB/s",
                f"{weight:,.0f} of {self._limit:,.0f}",
                f"{self._limit // weight:,.0f}",
            )
        ]
        for feed, one, kib in zip(self._feeds, pushed, self._costs_kib, strict=True):
            told = milliseconds(one.high)
            if not feed.cadence_ms and one.high == one.high:
                told = f"{milliseconds(one.low)}, proven {one.high:,.0f}"
            expected = milliseconds(theory.pushed_quantile_ms(Q, feed.cadence_ms, rtt_ms))
            rows.append((feed.label, told, expected, f"{kib:.2f} KiB/s", "0", "1,024 a connection"))
        head = ("95 % of the time below", "measured", "arithmetic", "costs", "weight a minute")
        return (*head, "symbols at most"), rows


frontier = instrument("frontier", FrontierView)
