"""The order book: a ladder and a depth chart side by side."""

from __future__ import annotations

from decimal import Decimal
from html import escape
from typing import Any

import ipywidgets

from vocx import figures
from vocx.errors import BookOutOfSync
from vocx.facts import BookSnapshot
from vocx.text import text_table
from vocx.views.formatting import age, choose_symbol, fixed, with_thousands
from vocx.views.panel import Panel
from vocx.views.stream_view import StreamView

LEVELS = 10
"""Rows of the ladder."""
STALE = "vocx-stale"
"""The class of a chart that shows a book of before."""


class BookView(StreamView):
    """See :func:`vocx.views.book`."""

    def __init__(
        self, stream: Any, symbol: str | None, depth: int, name: str | None, note: str
    ) -> None:
        symbol, channels = choose_symbol(stream, symbol, "book")
        self._depth = depth
        self._ladder = Panel(level="")
        self._chart = ipywidgets.VBox(layout={"flex": "1 1 260px"})
        self._book: BookSnapshot | None = None
        super().__init__(
            stream,
            symbol,
            channels,
            name or f"book {symbol} of {stream.name}",
            f"{symbol} book",
            figure=figures.depth_frame(symbol, height=300),
            note=note,
        )
        self._begin()

    def _parts(self) -> list[Any]:
        side = ipywidgets.VBox([self._ladder], layout={"max_width": "100%"})
        self._chart.children = [self.figure]
        # Where both do not fit beside each other the chart stands below the ladder.
        row = ipywidgets.HBox(
            [side, self._chart], layout={"align_items": "flex-start", "flex_flow": "row wrap"}
        )
        return [self.panel, row]

    def _draw(self, now_ns: int) -> str:
        try:
            self._book = self._stream.book(self.symbol, self._depth)
        except BookOutOfSync:
            if self._book is not None:
                self._ladder.body = ladder_html(self._book, stale=True)
                self._chart.add_class(STALE)
            raise
        self._chart.remove_class(STALE)
        self._ladder.body = ladder_html(self._book)
        sides = [figures.cumulated(side) for side in (self._book.bids, self._book.asks)]
        self._send_points([x for x, _ in sides], [y for _, y in sides])
        return self._status()

    def _status(self) -> str:
        book = self._book
        if book is None or book.bid is None or book.ask is None:
            return "one side is empty"
        spread = with_thousands(book.ask - book.bid)
        old = age(getattr(book, "age_ms", None))
        return f"{self._stream.state}, in sync, {old} · spread {spread}"

    def _rows(self) -> str:
        book = self._stream.book(self.symbol, self._depth)
        rows = _ladder_rows(book)
        return text_table(("bid quantity", "bid", "ask", "ask quantity"), rows)


def _ladder_rows(book: BookSnapshot, levels: int = LEVELS) -> list[tuple[str, str, str, str]]:
    columns = []
    for side in (book.bids[:levels], book.asks[:levels]):
        columns.append(fixed([price for price, _ in side]))
        columns.append(fixed([quantity for _, quantity in side]))
    bids, bid_sizes, asks, ask_sizes = columns
    rows = []
    for row in range(max(len(bids), len(asks))):
        cells = (bid_sizes, bids, asks, ask_sizes)
        rows.append(tuple(cell[row] if row < len(cell) else "" for cell in cells))
    return rows  # type: ignore[return-value]


def ladder_html(book: BookSnapshot, *, levels: int = LEVELS, stale: bool = False) -> str:
    """The best levels as an HTML table; the length of the bar behind a quantity is its share."""
    top = max(
        (q for side in (book.bids[:levels], book.asks[:levels]) for _, q in side),
        default=Decimal(1),
    )
    lines = []
    for number, (bid_size, bid, ask, ask_size) in enumerate(_ladder_rows(book, levels)):
        lines.append(
            "<tr>"
            f'<td style="{_bar(book.bids, number, top, "left", "26,143,209")}">'
            f"{escape(bid_size)}</td>"
            f"<td class=bid>{escape(bid)}</td><td class=ask>{escape(ask)}</td>"
            f'<td style="{_bar(book.asks, number, top, "right", "224,123,26")}">'
            f"{escape(ask_size)}</td></tr>"
        )
    head = "<tr><th>bid quantity</th><th>bid</th><th>ask</th><th>ask quantity</th></tr>"
    mark = " class=stale" if stale else ""
    return f"<table{mark}><thead>{head}</thead><tbody>{''.join(lines)}</tbody></table>"


def _bar(levels: Any, number: int, top: Decimal, towards: str, color: str) -> str:
    if number >= len(levels):
        return ""
    share = round(100 * float(levels[number][1] / top))
    return (
        f"background:linear-gradient(to {towards},rgba({color},.3) {share}%,transparent {share}%)"
    )
