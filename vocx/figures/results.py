"""Results as charts: lines of theory, points of measurement with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from vocx.figures.base import ASK, ASKED, BID, GRID, INK, PUSHED, layout

COLORS = (BID, ASK, ASKED, "#2aa198", "#b58900", "#8a8a8a", "#6c71c4")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross")

Pairs = Sequence[tuple[float, float]]
"""(x, y) pairs."""
Point = tuple[float, float, float | None, float | None]
"""x, y, and the ends of y's interval."""


def frame(x: str, y: str, *, height: int = 340, log: str = "", **more: Any) -> go.Figure:
    """An empty chart; ``log`` names the axes that are logarithmic: ``"x"``, ``"xy"``."""
    made = go.Figure(layout=layout(x=x, y=y, height=height, **more))
    for name in ("x", "y"):
        axis = getattr(made.layout, f"{name}axis")
        axis.tickformat = ",~g"
        if name in log:
            axis.update(type="log", dtick=1, minor={"gridcolor": GRID, "dtick": "D1"})
            axis.minor.showgrid = False
    return made


def curve(name: str, pairs: Pairs, number: int, *, markers: bool = False, **more: Any) -> Any:
    """A line through (x, y) pairs in the ``number``-th style."""
    style = number % len(COLORS)
    return go.Scatter(
        name=name,
        x=np.array([one for one, _ in pairs]),
        y=np.array([one for _, one in pairs]),
        mode="lines+markers" if markers else "lines",
        line={"color": COLORS[style], "dash": DASHES[style], "width": 1.8},
        marker={"color": COLORS[style], "symbol": SYMBOLS[style], "size": 7},
        hovertemplate="%{y:.3~g} at %{x:.3~g}<extra>" + name + "</extra>",
        **more,
    )


def moments(x: str, rows: Mapping[str, Sequence[float]], *, height: int) -> go.Figure:
    """One row a name, the first on top, and one mark at each of its moments (seconds)."""
    made = go.Figure(layout=layout(x=x, y="", height=height, showlegend=False))
    for name, at_s in reversed(list(rows.items())):
        made.add_scatter(
            x=at_s,
            y=[name] * len(at_s),
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 24, "color": PUSHED},
            hovertemplate="%{x:.3f} s<extra></extra>",
        )
    return made


def points(name: str, found: Sequence[Point], number: int, **more: Any) -> Any:
    """Measured points with their intervals in the ``number``-th style."""
    style = number % len(COLORS)
    y = np.array([one for _, one, _, _ in found])
    low = np.array([value if end is None else end for _, value, end, _ in found])
    high = np.array([value if end is None else end for _, value, _, end in found])
    return go.Scatter(
        name=name,
        x=np.array([one for one, _, _, _ in found]),
        y=y,
        mode="markers",
        marker={
            "color": COLORS[style],
            "symbol": SYMBOLS[style],
            "size": 9,
            "line": {"width": 1, "color": INK},
        },
        error_y={
            "type": "data",
            "array": high - y,
            "arrayminus": y - low,
            "color": COLORS[style],
            "thickness": 1.4,
            "width": 4,
        },
        hovertemplate="%{y:.3~g} at %{x:.3~g}<extra>" + name + "</extra>",
        **more,
    )
