"""Facts and results as plotly figures: everything that does not move.

Live views draw with the same functions and then replace the numbers.
"""

from vocx.errors import optional_parts

with optional_parts():
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
        inside,
        layout,
        line,
        marks,
        seconds_before,
        steps,
        style_subplots,
    )
    from vocx.figures.market import (
        PHASES,
        candle_columns,
        candle_frame,
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
        trades,
    )
    from vocx.figures.results import (
        COLORS,
        DASHES,
        SYMBOLS,
        Point,
        curve,
        frame,
        moments,
        points,
    )

__all__ = [
    "ASK",
    "ASKED",
    "BID",
    "BUY",
    "COLORS",
    "DASHES",
    "GRID",
    "INK",
    "PHASES",
    "PUSHED",
    "SELL",
    "SYMBOLS",
    "TRUTH",
    "Point",
    "Points",
    "candle_columns",
    "candle_frame",
    "candles",
    "compare",
    "compare_frame",
    "cumulated",
    "curve",
    "depth",
    "depth_frame",
    "frame",
    "inside",
    "ladder",
    "layout",
    "line",
    "marks",
    "moments",
    "phases",
    "points",
    "price",
    "price_frame",
    "seconds_before",
    "steps",
    "style_subplots",
    "trades",
]


def __dir__() -> list[str]:
    return __all__
