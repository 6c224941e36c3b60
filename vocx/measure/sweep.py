"""Freshness at several distances: the picture of the course."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
import numpy as np

from vocx.errors import BadInput
from vocx.measure import theory, validation
from vocx.measure.feeds import Feed, Poll, Push, span
from vocx.measure.freshness import PATH, Freshness, freshness
from vocx.measure.result import CLOCK, Result, conditions, grid, in_lab

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange

DISTANCES = (0.0, 20.0, 80.0, 200.0)
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


class Sweep(Result, frozen=True, kw_only=True):
    """:class:`Freshness` at several distances, one after the other."""

    title: ClassVar[str] = "how old is your price, by distance"
    results: list[Freshness]

    def rows(self) -> list[dict[str, Any]]:
        return [row for one in self.results for row in one.rows()]

    def table(self) -> str:
        """Mean age (and what arithmetic expects) and wrong share, a column for each distance."""
        names = list(dict.fromkeys(seen.feed.name for one in self.results for seen in one.feeds))
        made: list[dict[str, Any]] = []
        for name in names:
            made.append({"mean age, ms; wrong share": name})
            for one in self.results:
                for seen in one.feeds:
                    if seen.feed.name == name:
                        made[-1][f"{one.conditions.rtt_ms:g} ms away"] = (
                            f"{seen.age.mean.around(digits=0)}; {seen.wrong.value:.0%}"
                        )
        return "\n".join([grid(made), self.conditions.under()])

    def at(self, rtt_ms: float) -> Freshness:
        """The result at one distance."""
        for one in self.results:
            if one.conditions.rtt_ms == rtt_ms:
                return one
        there = ", ".join(f"{one.conditions.rtt_ms:g}" for one in self.results)
        raise BadInput(f"{rtt_ms:g} ms was not measured; there are {there}")

    def figure(self, *, height: int = 400, rtt_ms: float | None = None) -> go.Figure:
        """Mean age against cadence, a line of theory for the polls of each distance, measured
        points on it: a slow stream is a poll.

        Streams are drawn at their cadence, and dotted across the chart for the distance
        ``rtt_ms`` (by default the nearest that is not 0): where a line of polls crosses one, a
        poll would be as fresh.
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
        crossed = _crossed(self.results, rtt_ms)
        for number, one in enumerate(self.results):
            for trace in _traces(one, number, crossed is one):
                made.add_trace(trace)
        made.layout.xaxis.range = [np.log10(LEFT_MS * 0.8), np.log10(RIGHT_MS)]
        made.add_annotation(
            text="every change", x=np.log10(LEFT_MS), y=1, yref="paper", yanchor="top",
            showarrow=False, textangle=-90, font={"size": 10}, xshift=-9,
        )  # fmt: skip
        return made


def _crossed(results: Sequence[Freshness], rtt_ms: float | None) -> Freshness | None:
    away = [one for one in results if one.conditions.rtt_ms > 0]
    if rtt_ms is None:
        return min(away, key=lambda one: one.conditions.rtt_ms, default=None)
    return next((one for one in results if one.conditions.rtt_ms == rtt_ms), None)


def _traces(one: Freshness, number: int, crossed: bool) -> list[Any]:
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
        x = max(seen.feed.cadence_ms, LEFT_MS)
        point = (x, seen.age.mean.value, seen.age.mean.low, seen.age.mean.high)
        (polls if isinstance(seen.feed, Poll) else streams).append(point)
    made.append(figures.points(f"polls, {label}", polls, number, showlegend=False, **group))
    pushed = figures.points(f"streams, {label}", streams, number, showlegend=False, **group)
    pushed.marker.update(symbol=f"{figures.SYMBOLS[number]}-open", size=12, line={"width": 2})
    made.append(pushed)
    if crossed:
        for x, y, *_ in streams:
            across = [(LEFT_MS, y), (RIGHT_MS, y)]
            flat = figures.curve(f"stream, {span(x)}, {label}", across, number, showlegend=False)
            flat.line.update(dash="dot", width=1)
            made.append(flat)
    return made


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
    lab = in_lab(exchange).lab
    assert lab is not None
    rtts = validation.distances(rtts)
    if len(set(rtts)) < len(rtts):
        raise BadInput("give each distance once: [0, 20, 80, 200]")
    results = []
    for rtt_ms in rtts:
        if progress is not None:
            progress(rtt_ms)
        with lab.network.latency(rtt_ms=rtt_ms, venue=exchange.venue.name):
            results.append(freshness(exchange, feeds, symbol=symbol, seconds=seconds))
    stated = conditions(
        exchange,
        path=PATH,
        clock=CLOCK,
        symbol=symbol,
        seconds=seconds,
    )
    away = ", ".join(f"{rtt_ms:g}" for rtt_ms in rtts)
    dials = f"latency {away} ms round trip in turn"
    if lab.network.state:
        dials += f" in place of: {stated.dials}"
    return Sweep(conditions=msgspec.structs.replace(stated, dials=dials), results=results)
