"""The moving price chart: best bid and ask as steps, trades as triangles."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from vocx import figures
from vocx.errors import NotReady
from vocx.facts import Quote
from vocx.text import as_float, text_table
from vocx.views.formatting import (
    choose_symbol,
    clock,
    shown_age_ms,
    state_text,
    with_thousands,
)
from vocx.views.stream_view import StreamView

QUOTES = 600
TRADES = 180
"""Points at most, a line and a kind of marker each."""
_MARGIN_S = 0.25


class NewQuotes:
    """Hands out each change of the best price once, oldest first.

    Told apart by identity, not by time: all frames of one network segment share their stamp.
    """

    def __init__(self, stream: Any, symbol: str, seconds: float) -> None:
        self._stream, self._symbol, self._seconds = stream, symbol, seconds
        self._last: Quote | None = None

    def since(self, now_ns: int) -> list[Quote]:
        """The changes since the last call; at first those of the window, or the quote now."""
        if self._last is None:
            return self._first()
        behind_s = (now_ns - self._last.arrived_ns) / 1e9 + _MARGIN_S
        fresh: list[Quote] = []
        for quote in reversed(self._stream.recent_quotes(self._symbol, behind_s)):
            if quote is self._last:
                break
            fresh.append(quote)
        if fresh:
            self._last = fresh[0]
        return fresh[::-1]

    def _first(self) -> list[Quote]:
        found = list(self._stream.recent_quotes(self._symbol, self._seconds))
        if found:
            self._last = found[-1]
            return found
        try:
            return [self._stream.quote(self._symbol)]
        except NotReady:
            return []


class PriceView(StreamView):
    """See :func:`vocx.views.price`."""

    _unlabelled = ("yaxis",)

    def __init__(
        self, stream: Any, symbol: str | None, seconds: float, name: str | None, note: str
    ) -> None:
        symbol, self._channels = choose_symbol(stream, symbol, "quotes", "trades")
        self._seconds = seconds
        self._bucket_ns = int(seconds * 1e9 / QUOTES)
        self._lines: deque[tuple[int, float, float]] = deque(maxlen=QUOTES)
        self._trades: dict[str, deque[tuple[int, float, float]]] = {
            side: deque(maxlen=TRADES) for side in ("buy", "sell")
        }
        self._fresh = NewQuotes(stream, symbol, seconds)
        self._last_trade: Any = None
        super().__init__(
            stream,
            symbol,
            self._channels,
            name or f"price {symbol} of {stream.name}",
            f"{symbol} price",
            figure=figures.price_frame(symbol, seconds, height=330),
            note=note,
        )
        self._begin()

    def _draw(self, now_ns: int) -> str:
        held = self._take(now_ns)
        start = now_ns - int(self._seconds * 1e9)
        quotes = np.array([row for row in self._lines if row[0] >= start - self._bucket_ns])
        x: list[Any] = []
        y: list[Any] = []
        if len(quotes):
            if held:
                quotes = np.vstack([quotes, [now_ns, *quotes[-1][1:]]])
            at = ((quotes[:, 0] - now_ns) / 1e9).astype(np.float32)
            x, y = [at, at], [quotes[:, 1], quotes[:, 2]]
        else:
            x, y = [np.empty(0)] * 2, [np.empty(0)] * 2
        for side in ("buy", "sell"):
            hits = np.array([row[:2] for row in self._trades[side] if row[0] >= start])
            hits = hits.reshape(-1, 2)
            x.append(((hits[:, 0] - now_ns) / 1e9).astype(np.float32))
            y.append(hits[:, 1])
        self._send_points(x, y)
        return f"{self._state()} · last {self._seconds:g} s"

    def _state(self) -> str:
        age_ms = shown_age_ms(self._stream, self.symbol, self._channels)
        return state_text(self._stream, age_ms)

    def _take(self, now_ns: int) -> bool:
        """Take what is new into the window; whether the line may be drawn up to now."""
        held = False
        if "quotes" in self._channels:
            try:
                held = self._stream.quote(self.symbol).in_sync
            except NotReady:
                held = False
            self._take_quotes(now_ns)
            if not held and self._lines and self._lines[-1][1] == self._lines[-1][1]:
                self._lines.append((now_ns, float("nan"), float("nan")))
        if "trades" in self._channels:
            self._take_trades()
        return held

    def _take_quotes(self, now_ns: int) -> None:
        for quote in self._fresh.since(now_ns):
            row = (quote.arrived_ns, as_float(quote.bid), as_float(quote.ask))
            last = self._lines[-1][0] if self._lines else 0
            if last // self._bucket_ns == row[0] // self._bucket_ns:
                self._lines[-1] = row
            else:
                self._lines.append(row)

    def _take_trades(self) -> None:
        fresh = []
        for trade in reversed(self._stream.trades(self.symbol, 400)):
            if trade is self._last_trade:
                break
            fresh.append(trade)
        if fresh:
            self._last_trade = fresh[0]
        width = self._bucket_ns * QUOTES // TRADES
        for trade in reversed(fresh):
            kept = self._trades[trade.side]
            row = (trade.arrived_ns, float(trade.price), float(trade.quantity))
            if kept and kept[-1][0] // width == row[0] // width:
                kept[-1] = max(kept[-1], row, key=lambda one: one[2])
            else:
                kept.append(row)

    def _rows(self) -> str:
        lines = [f"{self.symbol} price: {self._state()}"]
        if "quotes" in self._channels:
            quote = self._stream.quote(self.symbol)
            lines.append(
                f"best bid {with_thousands(quote.bid)} ({with_thousands(quote.bid_quantity)}), "
                f"best ask {with_thousands(quote.ask)} ({with_thousands(quote.ask_quantity)})"
            )
        if "trades" in self._channels:
            rows = [
                (clock(trade.time), trade.side, with_thousands(trade.price))
                for trade in self._stream.trades(self.symbol, 5)
            ]
            lines.append(text_table(("time (UTC)", "taker", "price"), rows))
        return "\n".join(lines)
