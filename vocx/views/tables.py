"""Views that are tables: the tape, what is running, and what is left of a budget."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from vocx.arguments import brief
from vocx.errors import BadInput
from vocx.stream import running as running_streams
from vocx.stream import stop_all as stop_streams
from vocx.text import text_table
from vocx.timing import mono_ns
from vocx.views.formatting import (
    SIDES,
    choose_symbol,
    clock,
    first_line,
    fixed,
    html_table,
    shown_age_ms,
    state_text,
)
from vocx.views.stream_view import StreamView
from vocx.views.view import View, opened

_EVERY_NS = 1_000_000_000
"""Tables of counters are drawn once a second."""


class TapeView(StreamView):
    """See :func:`vocx.views.tape`."""

    def __init__(
        self, stream: Any, symbol: str | None, n: int, name: str | None, note: str
    ) -> None:
        symbol, channels = choose_symbol(stream, symbol, "trades")
        self._n = n
        self._last: Any = None
        super().__init__(
            stream,
            symbol,
            channels,
            name or f"tape {symbol} of {stream.name}",
            f"{symbol} tape",
            note=note,
        )
        self._begin()

    _head = ("time (UTC, exchange)", "taker", "price", "quantity")

    def _cells(self) -> list[tuple[str, ...]]:
        trades = self._stream.trades(self.symbol, self._n)[::-1]
        prices = fixed([trade.price for trade in trades])
        quantities = fixed([trade.quantity for trade in trades])
        return [
            (clock(trade.time), SIDES[trade.side], price, quantity)
            for trade, price, quantity in zip(trades, prices, quantities, strict=True)
        ]

    def _draw(self, now_ns: int) -> str:
        newest = self._stream.trades(self.symbol, 1)
        if newest and newest[-1] is not self._last:
            self._last = newest[-1]
            self.panel.body = html_table(self._head, self._cells(), left=2)
        return state_text(self._stream, shown_age_ms(self._stream, self.symbol, ["trades"]))

    def _rows(self) -> str:
        return text_table(self._head, self._cells(), left=2)


class SlowTable(View):
    """A table of counters, made once a second in the helper thread: percentiles take a while."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._drawn_at = 0
        self._status = self._made = ""
        super().__init__(*args, **options)

    def _contents(self) -> tuple[Sequence[str], list[tuple[str, ...]], str]:
        """Head, rows and status."""
        raise NotImplementedError

    def _html(self) -> str:
        head, rows, self._status = self._contents()
        return html_table(head, rows, left=2) if rows else ""

    def _draw(self, now_ns: int) -> str:
        if mono_ns() - self._drawn_at > _EVERY_NS:
            self._drawn_at = mono_ns()
            self._try("counters", self._make)
        self.panel.body = self._made
        return self._status

    def _make(self) -> None:
        self._made = self._html()

    def _rows(self) -> str:
        head, rows, status = self._contents()
        return text_table(head, rows, left=2) if rows else status


class RunningView(SlowTable):
    """See :func:`vocx.views.running`."""

    def __init__(self, name: str | None) -> None:
        super().__init__(
            name or "running",
            "What is running",
            stop=("Stop all streams", "End every stream of this kernel"),
        )
        self._begin()

    def _contents(self) -> tuple[Sequence[str], list[tuple[str, ...]], str]:
        rows: list[tuple[str, ...]] = []
        streams = running_streams()
        for stream in streams:
            stats, old = stream.stats, stream.age_ms
            state = f"{stream.state}: {first_line(stream.why)}" if stream.why else stream.state
            rows.append(
                (
                    stream.name,
                    state,
                    f"{stats.per_second:.0f} messages/s",
                    "unknown" if old is None else f"{old:,.0f} ms",
                    str(stats.reconnects),
                )
            )
        for view in opened():
            cost = view.stats
            detail = f"{cost.per_second:.1f} pictures/s"
            if view.mode in ("live", "paused"):
                rows.append((f"view: {view.panel.title}", view.mode, detail, "", ""))
        head = ("name", "state", "rate", "age", "reconnects")
        return head, rows, f"{len(streams)} streams" if len(streams) != 1 else "1 stream"

    def _stop_data(self) -> None:
        self._try("stop", stop_streams)


class BudgetView(SlowTable):
    """See :func:`vocx.views.budget`."""

    def __init__(self, exchange: Any, name: str | None) -> None:
        if not hasattr(exchange, "budget"):
            raise BadInput(f"this view shows an exchange, not {brief(exchange)}: views.budget(ex)")
        self._exchange = exchange
        self.dials_lab = exchange.lab
        super().__init__(
            name or f"budget of {exchange.name}",
            f"{exchange.name} budget",
            stop=("Stop", "End this view"),
        )
        self._begin()

    def _contents(self) -> tuple[Sequence[str], list[tuple[str, ...]], str]:
        used = self._exchange.budget.rows()
        rows: list[tuple[str, ...]] = [
            (
                row.bucket,
                f"per {_window(row.window_s)}",
                f"{row.used:,} used",
                f"{row.left:,} of {row.amount:,} left",
                f"anew in {_window(round(row.resets_in_s))}" if row.used else "",
            )
            for row in used
        ]
        worst = max((row.share for row in used), default=0.0)
        return ("limit", "window", "used", "left", ""), rows, f"fullest: {worst:.0%} used"

    def _html(self) -> str:
        head, rows, self._status = self._contents()
        lines = []
        for cells, row in zip(rows, self._exchange.budget.rows(), strict=True):
            share = min(100, round(100 * row.share))
            bar = f'<span class=vocx-bar><i class="{"hot" * (share >= 80)}" '
            bar += f'style="width:{share}%"></i></span> {share} %'
            text = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            lines.append(f"<tr>{text}<td class=left>{bar}</td></tr>")
        title = "".join(f"<th>{escape(cell)}</th>" for cell in (*head, "share used"))
        return f"<table><thead><tr>{title}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _window(seconds: float) -> str:
    """60 s, 5 min, 24 h."""
    if seconds >= 7200:
        return f"{round(seconds / 3600, 1):g} h"
    return f"{seconds / 60:g} min" if seconds >= 120 and not seconds % 60 else f"{seconds:g} s"
