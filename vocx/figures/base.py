"""What all charts share: one palette, one layout, lines that hold a value until the next.

The palette is readable on light and on dark paper (the kernel cannot know which it is), and no
meaning is carried by colour alone: things differ in dash, marker and label as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from vocx.figures.deferred import defer

if TYPE_CHECKING:
    from numpy.typing import NDArray

defer("nbformat")

BID = "#1a8fd1"
ASK = "#e07b1a"
BUY = BID
SELL = ASK
TRUTH = "#8a8a8a"
ASKED = "#c0569b"
PUSHED = "#1a8fd1"
INK = "#8a8a8a"
"""Text and axes: mid grey, readable on white and on black."""
GRID = "rgba(138,138,138,0.25)"
LINE = 30
"""Letters that fit below a chart of 250 px."""


def layout(
    *, x: str, y: str, height: int = 320, title: str | None = None, **more: Any
) -> dict[str, Any]:
    """The layout that all charts share. ``x`` and ``y`` name the axes, with units; what stands in
    brackets behind a long ``x`` gets a line of its own, for charts that are narrow."""
    if len(x) > LINE:
        x = x.replace(" (", "<br>(", 1)
    axis = {
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "linecolor": INK,
        "tickfont": {"color": INK},
        "automargin": True,
    }
    made: dict[str, Any] = {
        "template": "none",
        "height": height,
        "autosize": True,
        "margin": {"l": 8, "r": 12, "t": 44 if title else 26, "b": 8},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK, "size": 12},
        "xaxis": {**axis, "title": {"text": x, "standoff": 4, "font": {"size": 12}}},
        "yaxis": {
            **axis,
            "title": {"text": y, "standoff": 4, "font": {"size": 12}},
            "tickformat": ",.8~f",
        },
        # By the page, not by the axes: it stands still when their numbers get wider.
        "legend": {"orientation": "h", "xref": "container", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "hovermode": "closest",
        "uirevision": "keep",
    }
    if not title:  # the same, so that it stays above them when the page is resized
        made["legend"] |= {"yref": "container", "yanchor": "top"}
    if title:
        made["title"] = {"text": title, "font": {"size": 14}, "x": 0.01, "y": 0.98}
    for name, value in more.items():
        old = made.get(name)
        made[name] = {**old, **value} if isinstance(old, dict) else value
    return made


def style_subplots(figure: go.Figure, **options: Any) -> None:
    """The layout that all charts share on a figure of several charts; ``options`` as of
    :func:`layout`."""
    style = layout(**options)
    figure.update_xaxes(**style.pop("xaxis"))
    figure.update_yaxes(**style.pop("yaxis"))
    figure.update_layout(**style)


def seconds_before(times_ns: Iterable[int], now_ns: int) -> NDArray[np.float32]:
    """Times as seconds before ``now_ns`` (negative: in the past)."""
    made = np.array([at - now_ns for at in times_ns], dtype=np.float64)
    return (made / 1e9).astype(np.float32)


def line(name: str, color: str, *, dash: str = "solid", step: bool = True, **more: Any) -> Any:
    """An empty line: a step line holds each value until the next."""
    return go.Scatter(
        name=name,
        mode="lines",
        line={"color": color, "dash": dash, "width": 1.8, "shape": "hv" if step else "linear"},
        hovertemplate="%{y} at %{x:.2f} s<extra>" + name + "</extra>",
        **more,
    )


def marks(name: str, color: str, symbol: str, **more: Any) -> Any:
    """Empty markers."""
    return go.Scatter(
        name=name,
        mode="markers",
        marker={
            "color": color,
            "symbol": symbol,
            "size": 7,
            "opacity": 0.75,
            "line": {"width": 0.5, "color": INK},
        },
        hovertemplate="%{y} at %{x:.2f} s<extra>" + name + "</extra>",
        **more,
    )


Points = Iterable[tuple[int, float]]
"""(time in nanoseconds, value) pairs, oldest first."""


def steps(
    points: Points, now_ns: int, seconds: float, *, hold: bool = True
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """x and y of a step line inside the window: the value at its left edge, and held until now."""
    pairs = np.array(list(points), dtype=np.float64).reshape(-1, 2)
    at, values = (pairs[:, 0] - now_ns) / 1e9, pairs[:, 1]
    first = int(np.searchsorted(at, -seconds))
    if first:
        at, values = at[first - 1 :].copy(), values[first - 1 :]
        at[0] = -seconds
    if hold and len(at):
        at, values = np.append(at, 0.0), np.append(values, values[-1])
    return at.astype(np.float32), values.copy()


def inside(
    points: Points, now_ns: int, seconds: float
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """x and y of the points inside the window, and of nothing else."""
    pairs = np.array(list(points), dtype=np.float64).reshape(-1, 2)
    pairs = pairs[(pairs[:, 0] - now_ns) / 1e9 >= -seconds]
    return ((pairs[:, 0] - now_ns) / 1e9).astype(np.float32), pairs[:, 1].copy()
