"""Live views for notebooks: charts and tables that move while other cells run.

>>> tape = ex.stream("trades", "quotes", "book", symbols="BTC/USDT").wait(5)
>>> views.price(tape)
>>> views.book(tape)
>>> views.stop_all()

Every view has a Pause and a Stop, a fixed window, a text twin (``.table()``) and a foreground
form for front ends where live widgets freeze (``.watch(20)``). Making a view under a name that is
taken replaces it, so a re-run cell never doubles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vocx.views.price import PriceView
from vocx.views.view import View, ViewStats, opened, stop_all

if TYPE_CHECKING:
    from vocx.stream import Stream

__all__ = ["View", "ViewStats", "opened", "price", "stop_all"]


def price(
    stream: Stream,
    symbol: str | None = None,
    *,
    seconds: float = 60.0,
    name: str | None = None,
    note: str = "",
) -> View:
    """Best bid and ask as steps, trades as triangles, over the last ``seconds``.

    Times are arrivals on this machine's clock. Of several changes within a 600th of the window
    the last is drawn, of several trades of one side within a 180th the largest.

    Parameters
    ----------
    stream : Stream
        With ``"quotes"``, ``"trades"`` or both.
    note : str
        A line above the chart: what to look for.

    Raises
    ------
    BadInput
        The stream carries neither for this symbol.
    """
    return PriceView(stream, symbol, seconds, name, note)
