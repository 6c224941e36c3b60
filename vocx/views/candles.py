"""The candle chart: history that was asked for, and what the stream adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vocx import figures
from vocx.arguments import brief
from vocx.errors import BadInput
from vocx.facts import Candle
from vocx.text import text_table
from vocx.views.formatting import choose_symbol, state_text, with_thousands
from vocx.views.stream_view import StreamView

_ROWS = 12
_HEAD = ("opened (UTC)", "open", "high", "low", "close", "volume", "")


class CandlesView(StreamView):
    """See :func:`vocx.views.candles`."""

    def __init__(
        self,
        stream: Any,
        symbol: str | None,
        interval: str | None,
        history: Sequence[Candle],
        n: int,
        name: str | None,
        note: str,
    ) -> None:
        symbol, channels = choose_symbol(stream, symbol, "candles")
        carried = [
            one.interval
            for one in stream.channels
            if one.channel == "candles" and one.symbol == symbol
        ]
        if interval is not None and interval not in carried:
            raise BadInput(
                f"{stream.name} carries candles of {', '.join(carried)}, not of {brief(interval)}"
            )
        self.interval = interval or carried[0]
        for one in history:
            if not isinstance(one, Candle) or (one.symbol, one.interval) != (
                symbol,
                self.interval,
            ):
                raise BadInput(
                    f"history is candles of {self.interval}: "
                    f'ex.candles("{symbol}", "{self.interval}")'
                )
        self._n = n
        self._history = list(history)
        self._last: Candle | None = None
        super().__init__(
            stream,
            symbol,
            channels,
            name or f"candles {self.interval} {symbol} of {stream.name}",
            f"{symbol} candles, {self.interval}",
            figure=figures.candle_frame(symbol, self.interval, height=330),
            note=note,
        )
        self._begin()

    def _bars(self) -> list[Candle]:
        """The latest of each opening, oldest first: the stream's word counts more."""
        found = {one.open_ns: one for one in self._history}
        found |= {one.open_ns: one for one in self._stream.candles(self.symbol, self.interval)}
        return [found[at] for at in sorted(found)][-self._n :]

    def _draw(self, now_ns: int) -> str:
        bars = self._bars()
        if bars and bars[-1] is not self._last:
            self._last = bars[-1]
            self._send_candles(bars)
        age_ms = self._stream.candle(self.symbol, self.interval).age_ms
        return f"{state_text(self._stream, age_ms)} · {len(bars)} candles"

    def _send_candles(self, bars: list[Candle]) -> None:
        """All of them in one message; moments as text, as dates do not travel as binary. A trace
        without candles keeps its place in the legend by one without prices: null, because Plotly
        draws a path for a NaN."""
        traces: list[dict[str, Any]] = list(map(dict, figures.candle_columns(bars)))
        last = np.array([bars[-1].open_ns // 1_000_000], dtype="datetime64[ms]")
        for columns in traces:
            if not len(columns["x"]):
                columns.update(dict.fromkeys(columns, [None]), x=last)
            columns["x"] = np.datetime_as_string(columns["x"])
        data = {name: [columns[name] for columns in traces] for name in traces[0]}
        self._send_columns(data, known=True)

    def _rows(self) -> str:
        rows = [
            (
                f"{one.time:%Y-%m-%d %H:%M}",
                *map(with_thousands, (one.open, one.high, one.low, one.close, one.volume)),
                "open: can still change" if one.closed is False else "",
            )
            for one in self._bars()[-_ROWS:]
        ]
        return text_table(_HEAD, rows, left=1) if rows else "no candles yet"
