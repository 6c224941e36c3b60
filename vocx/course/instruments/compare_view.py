"""Asked for and pushed, on one chart, with the polling interval and the distance dial beside it."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from vocx import figures
from vocx.course.instruments.instrument import instrument
from vocx.course.instruments.polling import (
    KEPT,
    LivePoller,
    TruthLine,
    check_interval,
    interval_slider,
)
from vocx.errors import NotReady
from vocx.text import as_float, span, text_table
from vocx.views.dials import NetworkControls
from vocx.views.formatting import age, choose_symbol, with_thousands
from vocx.views.panel import SliderPanel
from vocx.views.price import NewQuotes
from vocx.views.stream_view import StreamView

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab
    from vocx.stream import Stream

INTERVALS_MS = (200, 500, 1000, 2000, 5000)
"""Of the slider: the soonest spends a tenth of Binance's weight, so that the reader's own calls
are never made to wait."""


class CompareView(StreamView):
    """The mid price asked for by REST every ``every_ms`` and pushed by a stream, on one chart.

    Both lines are drawn by when this machine knew the price; in a lab the true price is drawn
    behind them, by when it was so. The asking is done by the view, in a thread that ends with it.
    A slider above the chart sets how often, as does ``view.every_ms = 500``.

    Parameters
    ----------
    asked : Exchange
        Asked for its best bid and ask (Binance: weight 2 a call).
    pushed : Stream
        With ``"quotes"``.
    dials : Lab, optional
        Puts a slider for the distance of the exchange above the chart, too.

    Raises
    ------
    BadInput
        The stream carries no quotes of this symbol, or ``every_ms`` is below 20.
    """

    panel_kind = SliderPanel
    _unlabelled = ("yaxis",)

    def __init__(
        self,
        *,
        asked: Exchange,
        pushed: Stream,
        symbol: str | None = None,
        every_ms: float = 1000.0,
        seconds: float = 20.0,
        dials: Lab | None = None,
        name: str | None = None,
        note: str = "",
    ) -> None:
        every_ms = check_interval(every_ms)
        chosen, channels = choose_symbol(pushed, symbol, "quotes")
        self._seconds = seconds
        lab = dials or asked.lab
        self._controls = NetworkControls(lab, asked.venue.name) if dials is not None else None
        self._pushed: deque[tuple[int, float]] = deque(maxlen=KEPT)
        self._fresh = NewQuotes(pushed, chosen, seconds)
        self.asked = LivePoller(lambda: asked.quote(chosen), every_ms)
        self.truth = TruthLine(lab.truth.at(asked.venue.name), chosen) if lab is not None else None
        super().__init__(
            pushed,
            chosen,
            channels,
            name or f"compare {chosen}",
            f"{chosen}: asked and pushed",
            figure=figures.compare_frame(chosen, seconds, height=290),
            stop=("Stop", "End the asking and the stream"),
            note=note,
        )
        self.dials_lab = lab
        sliders = [interval_slider(self.asked, INTERVALS_MS)]
        if self._controls is not None:
            sliders.insert(0, self._controls.distance_slider("distance (round trip)"))
        self._put_sliders(*sliders)
        self._begin()
        self.asked.start()
        if self.truth is not None:
            self.truth.start()

    @property
    def every_ms(self) -> float:
        """The polling interval, milliseconds, 20 at least. May be set at any time, as its slider
        does."""
        return self.asked.every_ms

    @every_ms.setter
    def every_ms(self, every_ms: float) -> None:
        self.asked.every_ms = check_interval(every_ms)

    def _end(self) -> None:
        super()._end()
        for source in (self.asked, self.truth):
            if source is not None:
                source.stop()
                source.join(2.0)

    def _lines(self, now_ns: int) -> tuple[list[Any], list[Any]]:
        self._take(now_ns)
        truth = list(self.truth.points) if self.truth is not None else []
        end = self.truth.as_of_ns if self.truth is not None else 0
        if truth and end > truth[-1][0]:
            truth.append((end, truth[-1][1]))
        pairs = [
            figures.steps(truth, now_ns, self._seconds, hold=False),
            figures.steps(self._pushed, now_ns, self._seconds),
            figures.steps(asked := self.asked.points.copy(), now_ns, self._seconds),
            figures.inside(asked, now_ns, self._seconds),
        ]
        return [x for x, _ in pairs], [y for _, y in pairs]

    def _draw(self, now_ns: int) -> str:
        x, y = self._lines(now_ns)
        self._send_points(x, y)
        return self._ages(now_ns)

    def _ages(self, now_ns: int) -> str:
        if self.asked.error:
            return f"asked: {self.asked.error}"
        read = self.asked.read_ns
        asked = age(None if read is None else (now_ns - read) / 1e6)
        try:
            pushed = age(self._stream.quote(self.symbol).age_ms)
        except NotReady:
            pushed = "nothing yet"
        return f"asked every {span(self.every_ms)}: {asked} · pushed: {pushed}"

    def _take(self, now_ns: int) -> None:
        for quote in self._fresh.since(now_ns):
            self._pushed.append((quote.arrived_ns, as_float(quote.mid)))
        start = now_ns - int(self._seconds * 1e9)
        sources = [self._pushed, self.asked.points]
        for points in sources + ([self.truth.points] if self.truth is not None else []):
            while len(points) > 1 and points[1][0] < start:
                points.popleft()

    def _rows(self) -> str:
        quote = self._stream.quote(self.symbol)
        asked = self.asked.points[-1][1] if self.asked.points else None
        call = "" if self.asked.call_ms is None else f"{self.asked.call_ms:.0f} ms"
        rows = [
            ("asked", "nothing yet" if asked is None else f"{asked:,}", call),
            ("pushed", _mid(quote.mid), ""),
        ]
        if self.truth is not None and self.truth.points:
            rows.append(("true", f"{self.truth.points[-1][1]:,}", ""))
        return text_table(("how", f"{self.symbol} mid", "call time"), rows, left=1)


def _mid(mid: Decimal | None) -> str:
    return "one side is empty" if mid is None else with_thousands(mid)


compare = instrument("compare", CompareView)
