"""Facts and results as plotly figures: everything that does not move.

Live views draw with the same functions and then replace the numbers.
"""

from vocx.figures.base import (
    ASK,
    ASKED,
    BID,
    BUY,
    GRID,
    INK,
    PUSHED,
    SELL,
    TRUTH,
    Points,
    layout,
    line,
    marks,
    seconds_before,
    steps,
)
from vocx.figures.market import (
    PHASES,
    candles,
    compare,
    compare_frame,
    cumulated,
    depth,
    depth_frame,
    ladder,
    phases,
    price,
    price_frame,
)

__all__ = [
    "ASK",
    "ASKED",
    "BID",
    "BUY",
    "GRID",
    "INK",
    "PHASES",
    "PUSHED",
    "SELL",
    "TRUTH",
    "Points",
    "candles",
    "compare",
    "compare_frame",
    "cumulated",
    "depth",
    "depth_frame",
    "ladder",
    "layout",
    "line",
    "marks",
    "phases",
    "price",
    "price_frame",
    "seconds_before",
    "steps",
]
