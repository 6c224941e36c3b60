"""Pictures of more than one result: prices as they were known above the true ones; freshness
against what it costs."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.measure import theory
from vocx.measure.feeds import Poll, Push
from vocx.measure.traffic import KIB

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.measure.freshness import Freshness
    from vocx.measure.steps import Steps
    from vocx.measure.traffic import Cost, Traffic

STREAM_OF = {"quotes": "stream quotes", "book": "stream top", "ticker": "stream ticker"}


@says_its_form
def prices(*watched: Freshness, height: int = 380) -> go.Figure:
    """The mid price as the first poll and the first stream of each measurement knew it, above the
    true one; several measurements above each other, each with its dials as a title.

    Times are when this program knew it (of the true price: when it was so), by one clock.

    Raises
    ------
    BadInput
        Nothing was given, or one has no poll or no stream.
    """
    if not watched:
        raise BadInput("give at least one result of measure.freshness")
    whole, *others = (_one(one, height) for one in watched)
    axis = whole.layout.yaxis.to_plotly_json() | {"title": {"text": "mid price"}}
    share = 1 / len(watched)
    name = "y"
    for number, one in enumerate(watched):
        top = 1 - number * share
        name = f"y{number + 1 if number else ''}"
        whole.layout[f"yaxis{name[1:]}"] = axis | {
            "domain": [top - 0.84 * share, top - 0.1 * share]
        }
        whole.add_annotation(
            text=f"<b>{one.conditions.symbol}, {one.conditions.dials}</b>",
            xref="paper", x=0, xanchor="left", yref="paper", y=top - 0.1 * share, yanchor="bottom",
            showarrow=False,
        )  # fmt: skip
        for trace in others[number - 1].data if number else ():
            whole.add_trace(trace.update(yaxis=name, showlegend=False))
    whole.layout.xaxis.anchor = name
    return whole


def _one(watched: Freshness, height: int) -> go.Figure:
    from vocx import figures

    if not hasattr(watched, "feeds"):
        raise BadInput(f"{watched!r} is no result of measure.freshness")
    asked = next((one for one in watched.feeds if isinstance(one.feed, Poll)), None)
    pushed = next((one for one in watched.feeds if isinstance(one.feed, Push)), None)
    if asked is None or pushed is None:
        raise BadInput("this picture needs a poll and a stream: [measure.Poll(), measure.Push()]")
    made = figures.compare(
        watched.conditions.symbol,
        asked=_middle(asked.known),
        pushed=_middle(pushed.known),
        truth=_middle(watched.true),
        now_ns=watched.until_ns,
        seconds=watched.seconds,
        height=height,
    )
    made.layout.xaxis.title.text = "seconds before the end (when known here; truth: when so)"
    return made


def _middle(steps: Steps) -> Any:
    half = float(steps.tick) / 2
    pairs = zip(steps.at, steps.bid, steps.ask, strict=True)
    return [(at, (bid + ask) * half) for at, bid, ask in pairs]


@says_its_form
def frontier(
    watched: Freshness, cost: Traffic, *, tls: bool = False, height: int = 400
) -> go.Figure:
    """What freshness costs: the age that is not exceeded for 95 % of the time against KiB a second
    on the wire.

    Polling is a line (arithmetic, from the bytes of one measured call) with its measured points;
    it ends in crosses where the venue's weight limit forbids it. A stream is a point.

    Raises
    ------
    BadInput
        The costs hold no poll of quotes over this wire.
    """
    from vocx import figures

    if not hasattr(watched, "feeds") or not hasattr(cost, "cost"):
        raise BadInput("give the results of measure.freshness and of measure.traffic")
    wire = ", TLS" * tls
    asked, call = cost.cost(f"poll quote{wire}"), watched.call_ms
    made = figures.frame(
        f"KiB/s on the wire{' with TLS' * tls}, both ways (no TCP/IP headers)",
        "age, ms, not exceeded for 95 % of the time",
        height=height,
        log="xy",
    )
    for trace in _polling(asked, call):
        made.add_trace(trace)
    polls: list[figures.Point] = []
    pushed: list[tuple[str, figures.Point]] = []
    for one in watched.feeds:
        age = (one.age.p95.value, one.age.p95.low, one.age.p95.high)
        if isinstance(one.feed, Poll):
            polls.append((theory.kib_per_s(asked.bytes_each, one.feed.every_ms, call), *age))
        elif isinstance(one.feed, Push):
            rate = cost.cost(STREAM_OF[one.feed.channel] + wire).wire_per_s.value / KIB
            pushed.append((one.feed.name, (rate, *age)))
    made.add_trace(figures.points("polls, measured", polls, 0))
    for number, (name, point) in enumerate(pushed, 1):
        made.add_trace(figures.points(name, [point], number))
    return made


def _polling(asked: Cost, call_ms: float) -> list[Any]:
    """The line of polls, and crosses where the weight limit forbids them."""
    from vocx import figures

    allowed: list[tuple[float, float]] = []
    refused: list[tuple[float, float]] = []
    for number in np.geomspace(max(5.0, call_ms), 10_000, 60):
        every = float(number)
        dear = theory.calls_per_minute(every, call_ms) * asked.weight > (
            asked.limit_per_minute or inf
        )
        rate = theory.kib_per_s(asked.bytes_each, every, call_ms)
        (refused if dear else allowed).append((rate, theory.age_quantile_ms(0.95, every, call_ms)))
    made = [figures.curve("polling one symbol, by arithmetic", allowed, 0)]
    if refused:
        over = figures.curve("above the weight limit: 429", refused, 4, markers=True)
        made.append(over.update(mode="markers"))
    return made
