"""The prices of a measurement as they were known, above the true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vocx.errors import BadInput
from vocx.measure.feeds import Poll, Push

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.measure.freshness import Freshness
    from vocx.measure.steps import Steps


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
    made.layout.xaxis.title.text = (
        "seconds before the end (when this machine knew it; truth: when it was so)"
    )
    return made


def _middle(steps: Steps) -> Any:
    half = float(steps.tick) / 2
    pairs = zip(steps.at, steps.bid, steps.ask, strict=True)
    return [(at, (bid + ask) * half) for at, bid, ask in pairs]
