"""The article's eight rows: its claims, today's documentation, and what was measured here."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace

from vocx.errors import BadInput
from vocx.measure import validation
from vocx.measure.calls import CallTimes
from vocx.measure.calls import calls as measure_calls
from vocx.measure.claims import CLAIMS
from vocx.measure.code_size import CodeSize
from vocx.measure.code_size import code_size as count_code
from vocx.measure.fills import FillTimes
from vocx.measure.fills import fills as measure_fills
from vocx.measure.findings import Parts, Told, told
from vocx.measure.freshness import Freshness
from vocx.measure.orders import OrderEntry
from vocx.measure.orders import orders as measure_orders
from vocx.measure.page import page
from vocx.measure.result import Conditions, Result, in_lab
from vocx.measure.sweep import DISTANCES, Sweep
from vocx.measure.sweep import sweep as measure_sweep
from vocx.measure.traffic import Traffic
from vocx.measure.traffic import traffic as measure_traffic

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange

ABSENT = "not measured"
WIDTH = 100
SECONDS = 4.0


class Article(Result, frozen=True, kw_only=True):
    """The eight rows, and in ``parts`` the results that "this machine" is filled from.

    ``parts.sweep``, ``.calls``, ``.traffic``, ``.fills``, ``.orders`` and ``.code_size`` are
    ``None`` where nothing was measured; their rows then say so.
    """

    title: ClassVar[str] = (
        "REST and WebSocket: as an article says, as documented, and as measured here"
    )
    parts: Parts

    def told(self) -> dict[str, Told]:
        """What was measured, in words, by row."""
        return told(self.parts)

    def rows(self) -> list[dict[str, Any]]:
        """Eight rows; lines of a cell are separated by a line's end."""
        found = self.told()
        return [
            {
                "row": one.row,
                "article_REST": one.rest,
                "article_WebSocket": one.websocket,
                "documented_REST": one.rest_today,
                "documented_WebSocket": one.websocket_today,
                "measured_REST": "\n".join(found[one.row].rest) or ABSENT,
                "measured_WebSocket": "\n".join(found[one.row].websocket) or ABSENT,
                "so": found[one.row].so,
                "source": one.source,
            }
            for one in CLAIMS
        ]

    def table(self, *, width: int = WIDTH) -> str:
        """A block for each row, wrapped to so many columns, and the conditions of each part."""
        text = [self.title]
        for row in self.rows():
            text += ["", row["row"].upper()]
            for name in ("REST", "WebSocket"):
                for teller in ("article", "documented", "measured"):
                    label = name if teller == "article" else ""
                    text += _wrapped(f"  {label:<10}{teller:<11}", row[f"{teller}_{name}"], width)
            text += _wrapped(f"  {'so':<21}", row["so"], width) if row["so"] else []
        return "\n".join([*text, "", *self.notes(width=width)])

    def notes(self, *, width: int = WIDTH) -> list[str]:
        """From where to where and by whose clock, for each part that was measured."""
        found: list[str] = []
        for name, part in self.parts.given().items():
            made: Conditions = part.conditions
            if isinstance(part, Sweep):
                far = ", ".join(f"{one.conditions.rtt_ms:g}" for one in part.results)
                made = replace(made, dials=f"distance set to {far} ms, one after the other")
            said = made.path if name == "code_size" else made.show()
            found += textwrap.wrap(
                f"{PARTS.get(name, name)}: {said}", width, subsequent_indent="  "
            )
        return [*found, *textwrap.wrap(HERE, width)]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """In a notebook the table fills the page; elsewhere it is text."""
        notes = self.notes(width=100_000)
        return {"text/html": page(self.title, self.rows(), notes), "text/plain": self.table()}

    def figure(self, *, height: int | None = None) -> go.Figure:
        """How many times as much REST needs as WebSocket, for the rows that have such a number.

        Raises
        ------
        BadInput
            Nothing of it was measured.
        """
        from vocx import figures

        ratios = [(row, one.ratio) for row, one in self.told().items() if one.ratio is not None]
        if not ratios:
            raise BadInput("nothing was measured that could be drawn: measure.article(ex)")
        made = figures.ranked(
            [f"{row}: {one.what}" for row, one in ratios],
            {
                "measured here": [
                    (one.times.value, one.times.low, one.times.high) for _, one in ratios
                ]
            },
            x="times as much for REST as for WebSocket (1: the same)",
            height=height,
            log=True,
        )
        made.add_vline(x=1, line={"dash": "dot", "width": 1})
        return made


PARTS = {"sweep": "ages", "calls": "call times", "traffic": "bytes"}
HERE = (
    "Everything ran on one machine: a distance is a round trip on the lab's dial, and at 0 ms what "
    "is left is this machine's own time."
)


def _wrapped(first: str, text: str, width: int) -> list[str]:
    """Text behind a label, its further lines under its first."""
    found: list[str] = []
    for line in text.split("\n"):
        found += textwrap.wrap(line, max(width - len(first), 20))
    return [(first if not number else " " * len(first)) + line for number, line in enumerate(found)]


def article(
    exchange: Exchange | None = None,
    *,
    sweep: Sweep | Freshness | None = None,
    calls: CallTimes | None = None,
    traffic: Traffic | None = None,
    fills: FillTimes | None = None,
    orders: OrderEntry | None = None,
    code_size: CodeSize | None = None,
    rtts: Sequence[float] = DISTANCES,
    seconds: float = SECONDS,
    full: bool = False,
    symbol: str = "BTC/USDT",
    progress: Callable[[str], object] | None = None,
) -> Article:
    """Fill the article's table from results that you have; with an exchange, measure the rest.

    Without an exchange nothing is measured: rows whose result is missing say "not measured". With
    one, what was not given is measured in its lab (dials are put back), in about
    ``(seconds + 3) * len(rtts) + seconds + 20`` seconds.

    Parameters
    ----------
    sweep, calls, traffic, fills, orders, code_size
        Results of :mod:`vocx.measure` that are there already.
    rtts : sequence of float
        Distances, milliseconds there and back; fills and orders at the nearest that is not 0.
    seconds, full : float, bool
        For feeds at each distance, and for bytes; more samples of calls, fills and orders.
    progress : callable or None
        Told what begins now, such as ``"ages, 80 ms away"``.

    Raises
    ------
    BadInput
        Neither an exchange nor a result; the exchange is not in a lab; a number makes no sense.
    """
    if isinstance(sweep, Freshness):
        sweep = Sweep(conditions=sweep.conditions, results=[sweep])
    parts = Parts(sweep, calls, traffic, fills, orders, code_size)
    if exchange is not None:
        say = progress or (lambda _: None)
        run = _Measuring(exchange, validation.distances(rtts), seconds, full, symbol, say)
        parts = run.filled(parts)
    given = list(parts.given().values())
    if not given:
        raise BadInput("nothing was measured yet; measure something, or write measure.article(ex)")
    timed = [one for one in given if one.conditions.made]
    return Article(conditions=(timed or given)[0].conditions, parts=parts)


class _Measuring:
    """What one comparison needs, part by part."""

    def __init__(
        self,
        exchange: Exchange,
        rtts: list[float],
        seconds: float,
        full: bool,
        symbol: str,
        say: Callable[[str], object],
    ) -> None:
        lab = in_lab(exchange).lab
        assert lab is not None
        self.lab, self.exchange, self.rtts, self.say = lab, exchange, rtts, say
        self.seconds, self.full, self.symbol = seconds, full, symbol
        self.home_ms = min((one for one in rtts if one > 0), default=0.0)

    def filled(self, parts: Parts) -> Parts:
        """All parts: those that were given, and the others measured."""
        return Parts(
            code_size=parts.code_size or count_code(),
            sweep=parts.sweep or self._ages(),
            calls=parts.calls or self._calls(),
            traffic=parts.traffic or self._traffic(),
            fills=parts.fills or self._fills(),
            orders=parts.orders or self._orders(),
        )

    def _ages(self) -> Sweep:
        return measure_sweep(
            self.exchange,
            self.rtts,
            symbol=self.symbol,
            seconds=self.seconds,
            progress=lambda rtt_ms: self.say(f"ages, {rtt_ms:g} ms away"),
        )

    def _calls(self) -> CallTimes:
        self.say("call times")
        repeats = 30 if self.full else 6
        return measure_calls(
            self.exchange, repeats=repeats, rtt_ms=self.rtts, symbol=self.symbol, tls=(True,)
        )

    def _traffic(self) -> Traffic:
        self.say("bytes on the wire")
        with self.lab.network.latency(rtt_ms=0, venue=self.exchange.venue.name):
            return measure_traffic(
                self.exchange,
                symbol=self.symbol,
                seconds=max(self.seconds, 3.0),
                polls=("quote", "quote, new connection"),
                streams=("quotes", "ticker"),
                tls=(True,),
            )

    def _fills(self) -> FillTimes:
        self.say(f"fills, {self.home_ms:g} ms away")
        with self.lab.network.latency(rtt_ms=self.home_ms, venue=self.exchange.venue.name):
            return measure_fills(
                self.exchange, every_ms=(250, 1000), repeats=60 if self.full else 20
            )

    def _orders(self) -> OrderEntry:
        self.say(f"orders, {self.home_ms:g} ms away")
        with self.lab.network.latency(rtt_ms=self.home_ms, venue=self.exchange.venue.name):
            return measure_orders(
                self.exchange, repeats=40 if self.full else 10, symbol=self.symbol
            )
