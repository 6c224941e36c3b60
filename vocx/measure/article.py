"""The article's eight rows: its claims, today's documentation, and what was measured here."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace

from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.measure import validation
from vocx.measure.calls import CallTimes
from vocx.measure.calls import calls as measure_calls
from vocx.measure.claims import Claim, claims
from vocx.measure.code_size import CodeSize
from vocx.measure.code_size import code_size as count_code
from vocx.measure.feeds import DISTANCES
from vocx.measure.fills import FillTimes
from vocx.measure.fills import fills as measure_fills
from vocx.measure.findings import Measurements, findings
from vocx.measure.freshness import Freshness
from vocx.measure.orders import OrderEntry
from vocx.measure.orders import orders as measure_orders
from vocx.measure.result import Column, Conditions, Result, lab_of
from vocx.measure.sweep import Sweep
from vocx.measure.sweep import sweep as measure_sweep
from vocx.measure.traffic import Traffic
from vocx.measure.traffic import traffic as measure_traffic

if TYPE_CHECKING:
    from vocx.exchange import Exchange

ABSENT = "not measured"
WIDTH = 100
SECONDS = 4.0
PARTS = {"sweep": "ages", "calls": "call times", "traffic": "bytes", "code_size": "lines"}
HERE = (
    "Everything ran on one machine: a distance is a round trip on the lab's dial, and at 0 ms what "
    "is left is this machine's own time."
)
HEADS = {"article": "an article says", "documented": "documented", "measured": "measured here"}
"""What says something of each row, and its heading."""
NAME, GAP = 10, 2
Line = list[tuple[str, str]]
"""Pieces of a line, each with what it is: ``head``, ``article``, ``documented``, ``measured``,
``so``, ``source`` or nothing."""


class Article(Result, frozen=True, kw_only=True):
    """The eight rows, and in ``parts`` the results that "this machine" is filled from.

    ``parts.sweep``, ``.calls``, ``.traffic``, ``.fills``, ``.orders`` and ``.code_size`` are
    ``None`` where nothing was measured; their rows then say so.
    """

    title: ClassVar[str] = (
        "REST and WebSocket: as an article says, as documented, and as measured here"
    )
    parts: Measurements

    def items(self) -> Sequence[Claim]:
        return claims(self.conditions.venue)

    def columns(self) -> Sequence[Column]:
        """Lines of a cell are separated by a line's end."""
        found = findings(self.parts)
        return (
            Column("row", "row", "row"),
            Column("article_REST", "rest"),
            Column("article_WebSocket", "websocket"),
            Column("documented_REST", "rest_today"),
            Column("documented_WebSocket", "websocket_today"),
            Column("measured_REST", lambda one: "\n".join(found[one.row].rest) or ABSENT),
            Column("measured_WebSocket", lambda one: "\n".join(found[one.row].websocket) or ABSENT),
            Column("so", lambda one: found[one.row].so, "so"),
            Column("source", "source"),
        )

    def lines(self, width: int = WIDTH) -> Iterator[Line]:
        """The rows for a terminal of so many columns: claim, documentation and measurement beside
        each other, and below them what follows."""
        left = max(width, 60) - NAME - 3 * GAP
        claim = max(12, left // 6)
        document = (left - claim) * 45 // 100
        widths = (NAME, claim, document, left - claim - document)
        yield from _beside([("", ""), *HEADS.items()], widths)
        for row in self.rows():
            yield []
            yield [("head", row["row"].upper())]
            for path in ("REST", "WebSocket"):
                cells = [(teller, row[f"{teller}_{path}"]) for teller in HEADS]
                yield from _beside([("", path), *cells], widths)
            below = {
                "so": row["so"] and f"so: {row['so']}",
                "source": row["source"] and f"documented: {row['source']}",
            }
            for kind, text in below.items():
                for line in textwrap.wrap(text, width - NAME - GAP, break_on_hyphens=False):
                    yield [("", " " * (NAME + GAP)), (kind, line)]

    def table(self, *, width: int = WIDTH) -> str:
        """The rows wrapped to so many columns, and the conditions of each part."""
        text = ["".join(piece for _, piece in line).rstrip() for line in self.lines(width)]
        return "\n".join([self.title, "", *text, "", *self.notes(width=width)])

    def notes(self, *, width: int = WIDTH) -> Sequence[str]:
        """From where to where and by whose clock, for each part that was measured."""
        found: list[str] = []
        for name, part in self.parts.given().items():
            made: Conditions = part.conditions
            if isinstance(part, Sweep):
                far = ", ".join(f"{one.conditions.rtt_ms:g}" for one in part.results)
                made = replace(made, dials=f"distance set to {far} ms, one after the other")
            text = f"{PARTS.get(name, name)}: {made.show()}"
            found += textwrap.wrap(text, width, subsequent_indent="  ")
        return [*found, *textwrap.wrap(HERE, width)]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """In a notebook the table fills the page; elsewhere it is text."""
        notes = self.notes(width=100_000)
        return {"text/html": page(self.title, self.rows(), notes), "text/plain": self.table()}


def _beside(cells: Sequence[tuple[str, str]], widths: Sequence[int]) -> Iterator[Line]:
    """Texts beside each other, each wrapped to its width; of what was measured the further lines
    of a statement are set in."""
    columns = []
    for (kind, text), width in zip(cells, widths, strict=True):
        inset = "  " * (kind == "measured")
        said = [
            textwrap.wrap(line, width, subsequent_indent=inset, break_on_hyphens=False)
            for line in text.split("\n")
        ]
        columns.append([line for lines in said for line in lines])
    for pieces in zip_longest(*columns, fillvalue=""):
        yield [
            (kind, piece.ljust(width + GAP * (at < len(widths) - 1)))
            for at, ((kind, _), piece, width) in enumerate(zip(cells, pieces, widths, strict=True))
        ]


# the same as a page

_LEFT = "text-align:left;vertical-align:top;white-space:normal;padding:3px 8px"
_ROW = '<tr style="background:none">'
"""Stripes would not follow rows that span lines."""
_WIDTHS = (13, 13, 14, 28, 32)


def page(title: str, rows: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> str:
    """A row for REST and one for WebSocket under each name, and below them what follows; the
    conditions folded. All text is escaped here; colours are the page's own."""
    head = "".join(
        f'<th style="{_LEFT};width:{wide}%">{escape(text)}</th>'
        for text, wide in zip(("", "", *HEADS.values()), _WIDTHS, strict=True)
    )
    body = "".join(_block(row) for row in rows)
    below = "<br>".join(escape(one) for one in notes)
    return (
        f'<div><b>{escape(title)}</b><table style="width:100%;table-layout:fixed">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"<details><summary>From where to where, by whose clock</summary>{below}</details></div>"
    )


def _block(row: Mapping[str, Any]) -> str:
    lines = 2 + bool(row["so"])
    made = ""
    for number, path in enumerate(("REST", "WebSocket")):
        name = _cell(f"<b>{escape(str(row['row']))}</b>", f" rowspan={lines}") * (not number)
        said = (row[f"{teller}_{path}"] for teller in HEADS)
        cells = "".join(_cell(escape(str(one)).replace("\n", "<br>")) for one in said)
        made += f"{_ROW}{name}{_cell(path)}{cells}</tr>"
    if row["so"]:
        so = f"<i>{escape(str(row['so']))}</i>"
        made += f"{_ROW}{_cell(so, ' colspan=4')}</tr>"
    return made


def _cell(html: str, more: str = "") -> str:
    return f'<td{more} style="{_LEFT}">{html}</td>'


@says_its_form
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
    parts = Measurements(sweep, calls, traffic, fills, orders, code_size)
    if exchange is not None:
        say = progress or (lambda _: None)
        parts = _filled(parts, exchange, validation.distances(rtts), seconds, full, symbol, say)
    given = list(parts.given().values())
    if not given:
        raise BadInput("nothing was measured yet; measure something, or write measure.article(ex)")
    timed = [one for one in given if one.conditions.made]
    return Article(conditions=(timed or given)[0].conditions, parts=parts)


def _filled(
    parts: Measurements,
    exchange: Exchange,
    rtts: list[float],
    seconds: float,
    full: bool,
    symbol: str,
    say: Callable[[str], object],
) -> Measurements:
    """All parts: those that were given, and the others measured."""
    network, venue = lab_of(exchange).network, exchange.venue.name
    home_ms = min((one for one in rtts if one > 0), default=0.0)
    sweep = parts.sweep or measure_sweep(
        exchange,
        rtts,
        symbol=symbol,
        seconds=seconds,
        progress=lambda rtt_ms: say(f"ages, {rtt_ms:g} ms away"),
    )
    calls, traffic, fills, orders = parts.calls, parts.traffic, parts.fills, parts.orders
    if calls is None:
        say("call times")
        repeats = 30 if full else 6
        calls = measure_calls(exchange, repeats=repeats, rtt_ms=rtts, symbol=symbol, tls=(True,))
    if traffic is None:
        say("bytes on the wire")
        with network.latency(rtt_ms=0, venue=venue):
            traffic = measure_traffic(
                exchange,
                symbol=symbol,
                seconds=max(seconds, 3.0),
                polls=("quote", "quote, new connection"),
                streams=("quotes", "ticker"),
                tls=(True,),
            )
    if fills is None:
        say(f"fills, {home_ms:g} ms away")
        with network.latency(rtt_ms=home_ms, venue=venue):
            fills = measure_fills(exchange, every_ms=(250, 1000), repeats=60 if full else 20)
    if orders is None:
        say(f"orders, {home_ms:g} ms away")
        with network.latency(rtt_ms=home_ms, venue=venue):
            orders = measure_orders(exchange, repeats=40 if full else 10, symbol=symbol)
    return Measurements(sweep, calls, traffic, fills, orders, parts.code_size or count_code())
