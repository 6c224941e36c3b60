"""One fact from several venues: their mid prices on one chart, a table of who knows what since
when, and what lies between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from vocx import figures
from vocx.course.instruments.instrument import instrument
from vocx.course.venue_spreads import Spread, spread, usable
from vocx.errors import BadInput, NotReady
from vocx.text import as_float, text_table
from vocx.views.dials import NetworkControls
from vocx.views.formatting import choose_symbol, first_line, fixed, html_table
from vocx.views.panel import SliderPanel
from vocx.views.price import NewQuotes
from vocx.views.view import View

if TYPE_CHECKING:
    from vocx.lab import Lab
    from vocx.stream import Stream

MOST = 4
POINTS = 600
"""Of each line at most."""
HEIGHT = 284
"""Of the chart: with a slider and four rows all of it stays within 420 pixels."""
COLORS = (figures.BID, "#2aa198", figures.ASK, figures.ASKED)
DASHES = ("solid", "dash", "dot", "dashdot")
_UPPER, _LOWER = (0.38, 1.0), (0.0, 0.26)
_TABLE_EVERY_NS = 500_000_000


class BoardView(View):
    """The best price of several venues on one chart, and what lies between them.

    Above, the mid price of each venue as it arrived; below, the spread between venues: the best
    bid of one minus the best ask of another, before fees, in the quote currency. The table has bid,
    ask, age and state of each. A price that is out of sync, or not proven younger than
    ``max_age_ms``, breaks its line and is not counted.

    Parameters
    ----------
    streams : sequence of Stream
        Two to four with ``"quotes"``, each of another venue.
    dials, far : Lab and str, optional
        Put a slider for the distance of the venue called ``far`` above the chart.

    Raises
    ------
    BadInput
        A stream carries no quotes of this symbol, or two are of one venue.
    """

    panel_kind = SliderPanel
    _unlabelled = ("yaxis", "yaxis2")

    def __init__(
        self,
        streams: Sequence[Stream],
        *,
        symbol: str | None = None,
        max_age_ms: float = 2000.0,
        seconds: float = 30.0,
        dials: Lab | None = None,
        far: str | None = None,
        name: str | None = None,
        note: str = "",
    ) -> None:
        self.venues = [one.venue.name for one in streams]
        if not 2 <= len(streams) <= MOST or len({*self.venues}) < len(streams):
            raise BadInput(f"a board shows streams of 2 to {MOST} venues, one of each")
        self.symbol, _ = choose_symbol(streams[0], symbol, "quotes")
        for one in streams[1:]:
            choose_symbol(one, self.symbol, "quotes")
        self.max_age_ms, self._seconds = max_age_ms, seconds
        self.dials_lab = dials
        self._fresh = [NewQuotes(one, self.symbol, seconds) for one in streams]
        self._lines: list[deque[tuple[int, float]]] = [deque(maxlen=POINTS) for _ in streams]
        self._between: deque[tuple[int, float]] = deque(maxlen=POINTS)
        self._table_at_ns = 0
        super().__init__(
            name or f"board {self.symbol}",
            self.symbol,
            streams=streams,
            figure=_frame(self.symbol, self.venues, seconds),
            stop=("Stop", "Stop the streams behind this board"),
            note=note,
        )
        if dials is not None and far is not None:
            self._controls = NetworkControls(dials, far)
            self._put_sliders(self._controls.distance_slider(f"distance of {far}"))
        self._begin()

    def _draw(self, now_ns: int) -> str:
        quotes = self._quotes()
        best = self._spread(quotes)
        start_ns = now_ns - int(self._seconds * 1e9)
        x: list[Any] = []
        y: list[Any] = []
        for fresh, line, quote in zip(self._fresh, self._lines, quotes, strict=True):
            for one in fresh.since(now_ns):
                self._put(line, one.arrived_ns, (as_float(one.bid) + as_float(one.ask)) / 2)
            held = quote is not None and usable(quote, self.max_age_ms)
            if not held and line and line[-1][1] == line[-1][1]:
                self._put(line, now_ns, float("nan"))
            rows = [row for row in line if row[0] >= start_ns]
            if held and line:
                rows.append((now_ns, line[-1][1]))
            self._add(x, y, rows, now_ns)
        self._put(self._between, now_ns, float(best.amount) if best else float("nan"))
        self._add(x, y, [row for row in self._between if row[0] >= start_ns], now_ns)
        self._send_points(x, y)
        self._show_table(now_ns, quotes)
        return f"{best}, before fees" if best else "fewer than two venues can be used"

    def _put(self, line: deque[tuple[int, float]], at_ns: int, value: float) -> None:
        """One point for each slice of the window: the last of it."""
        width = int(self._seconds * 1e9 / POINTS)
        if line and value == value and line[-1][0] // width == at_ns // width:
            line.pop()
        line.append((at_ns, value))

    @staticmethod
    def _add(x: list[Any], y: list[Any], rows: Sequence[tuple[int, float]], now_ns: int) -> None:
        found = np.array(rows).reshape(-1, 2)
        x.append(((found[:, 0] - now_ns) / 1e9).astype(np.float32))
        y.append(found[:, 1])

    def _quotes(self) -> list[Any]:
        """What each venue says, ``None`` where nothing has come yet."""
        found: list[Any] = []
        for stream in self._streams:
            try:
                found.append(stream.quote(self.symbol))
            except NotReady:
                found.append(None)
        return found

    def _spread(self, quotes: Sequence[Any]) -> Spread | None:
        """Between those venues whose price can be used."""
        pairs = zip(self.venues, quotes, strict=True)
        return spread(
            {name: one for name, one in pairs if one is not None and usable(one, self.max_age_ms)}
        )

    def _show_table(self, now_ns: int, quotes: Sequence[Any]) -> None:
        if now_ns - self._table_at_ns < _TABLE_EVERY_NS:
            return
        self._table_at_ns = now_ns
        self.panel.body = html_table(*self._contents(quotes), left=1)

    def _contents(self, quotes: Sequence[Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        best = self._spread(quotes)
        known = [one for quote in quotes if quote is not None for one in (quote.bid, quote.ask)]
        prices = iter(fixed([one or Decimal(0) for one in known]))
        rows: list[tuple[str, ...]] = []
        for stream, quote in zip(self._streams, quotes, strict=True):
            if quote is None:
                rows.append((stream.venue.name, "", "", "", "", first_line(stream.why) or "waits"))
                continue
            gain = ""
            if best is not None and quote.bid is not None:
                gain = f"{quote.bid - best.ask:+,.2f}"
            bid, ask = next(prices), next(prices)
            old = "unknown" if quote.age_ms is None else f"{quote.age_ms:,.0f} ms"
            rows.append((stream.venue.name, bid, ask, old, gain, self._state(stream, quote)))
        sold = f"sold here, bought at {best.buy}" if best else "sold here"
        return ("venue", "best bid", "best ask", "age", sold, "state"), rows

    def _state(self, stream: Any, quote: Any) -> str:
        if stream.state != "live":
            return f"{stream.state}: not counted"
        if not quote.in_sync:
            return "out of sync: not counted"
        return "live" if usable(quote, self.max_age_ms) else "too old: not counted"

    def _rows(self) -> str:
        quotes = self._quotes()
        best = self._spread(quotes)
        return f"{text_table(*self._contents(quotes), left=1)}\n{best or 'no spread'}"


def _frame(symbol: str, venues: Sequence[str], seconds: float) -> go.Figure:
    """The empty chart: the mid price of each venue above, the spread between venues below."""
    quote = symbol.partition("/")[2]
    made = go.Figure(
        layout=figures.layout(
            x="seconds before now (arrival here)",
            y=f"mid, {quote}",
            height=HEIGHT,
            xaxis={"range": [-seconds, 0.02 * seconds], "anchor": "y2"},
            yaxis={"domain": list(_UPPER)},
        )
    )
    made.update_layout(yaxis2=made.layout.yaxis.to_plotly_json() | {"domain": list(_LOWER)})
    made.update_layout(
        yaxis2={"title": {"text": "spread"}, "rangemode": "tozero", "nticks": 3}, yaxis_nticks=5
    )
    for venue, color, dash in zip(venues, COLORS, DASHES, strict=False):
        made.add_trace(figures.line(venue, color, dash=dash))
    made.add_trace(figures.line("spread between venues", figures.INK, yaxis="y2"))
    return made


board = instrument("board", BoardView)
