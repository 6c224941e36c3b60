"""How old is your price at several distances? The picture of the course."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from msgspec.structs import replace

from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.measure import theory, validation
from vocx.measure.feeds import DISTANCES, SWEPT, Feed, Poll
from vocx.measure.freshness import COLUMNS, PATH, FeedResult, Freshness, freshness
from vocx.measure.result import CLOCK, Column, Result, conditions, crossed, lab_of, pick
from vocx.text import span

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange

LEFT_MS, RIGHT_MS = 10.0, 5000.0
"""Ends of the chart's axis; what comes at every change is drawn at its left end."""


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
