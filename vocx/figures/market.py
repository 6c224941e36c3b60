"""Facts as charts: prices, candles, depth, ladders, the phases of a call, asked beside pushed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from vocx.call_forms import says_its_form
from vocx.facts import BookSnapshot, Candle, Quote, Trade
from vocx.figures.base import (
    ASK,
    ASKED,
    BID,
    BUY,
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
)
from vocx.text import as_float

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vocx.timing import HttpCall, Phases

_COPY_ASK = "#6c71c4"
"""Of a copy of the book, beside :data:`ASKED` for its bids."""
PHASES = {
    "dns_ms": ("DNS", "#8a8a8a", "/"),
    "connect_ms": ("TCP", "#1a8fd1", ""),
    "tls_ms": ("TLS", "#2aa198", "x"),
    "send_ms": ("send", "#b58900", "-"),
    "first_byte_ms": ("first byte", "#e07b1a", "."),
    "body_ms": ("body", "#c0569b", "\\"),
}

_HATCHED = {"fillmode": "overlay", "fgcolor": "#ffffff", "fgopacity": 0.75, "size": 7}
"""White over the whole color: a bar looks as full as its neighbours, on any paper."""


def price_frame(symbol: str, seconds: float, *, height: int = 320, clock: str = "") -> go.Figure:
    """The empty price chart: traces bid, ask, bought, sold, in this order."""
    quote = symbol.partition("/")[2]
    clock = clock or "arrival here"
    made = go.Figure(
        layout=layout(
            x=f"seconds before now ({clock})",
            y=f"{symbol}, {quote}",
            height=height,
            xaxis={"range": [-seconds, 0.02 * seconds]},
        )
    )
    made.add_trace(line("best bid", BID))
    made.add_trace(line("best ask", ASK, dash="dash"))
    made.add_trace(marks("bought (taker)", BUY, "triangle-up"))
    made.add_trace(marks("sold (taker)", SELL, "triangle-down"))
    return made


@says_its_form
def price(
    facts: Iterable[Trade | Quote], *, seconds: float | None = None, height: int = 320
) -> go.Figure:
    """Best bid and ask as steps, trades as triangles.

    Time runs by this machine's clock (arrival), in seconds before the last fact.

    Parameters
    ----------
    facts : iterable of Trade and Quote
        Of one symbol, in any order.
    seconds : float, optional
        Window; by default everything.
    """
    found = sorted(facts, key=lambda fact: fact.arrived_ns)
    if not found:
        return go.Figure(layout=layout(x="no facts", y="price", height=height))
    end = found[-1].arrived_ns
    span = seconds or max((end - found[0].arrived_ns) / 1e9, 1e-3)
    made = price_frame(found[0].symbol, span, height=height)
    made.layout.xaxis.title.text = "seconds before the last fact (arrival, this machine's clock)"
    quotes = [fact for fact in found if isinstance(fact, Quote)]
    at = seconds_before((fact.arrived_ns for fact in quotes), end)
    made.data[0].update(x=at, y=np.array([as_float(fact.bid) for fact in quotes]))
    made.data[1].update(x=at, y=np.array([as_float(fact.ask) for fact in quotes]))
    for trace, side in ((made.data[2], "buy"), (made.data[3], "sell")):
        hits = [fact for fact in found if isinstance(fact, Trade) and fact.side == side]
        trace.update(
            x=seconds_before((fact.arrived_ns for fact in hits), end),
            y=np.array([float(fact.price) for fact in hits]),
        )
    return made


@says_its_form
def trades(facts: Sequence[Trade], *, height: int = 320) -> go.Figure:
    """Trades as triangles by the taker's side, by the venue's clock (UTC); a trade without its
    stamp stands where it arrived. Several of one moment may come from one large order."""
    if not facts:
        return go.Figure(layout=layout(x="no trades", y="price", height=height))
    symbol = facts[0].symbol
    made = go.Figure(
        layout=layout(
            x="time of each trade (UTC, the venue's clock)",
            y=f"{symbol}, {symbol.partition('/')[2]}",
            height=height,
            xaxis={"type": "date"},
        )
    )
    for side, name, color, shape in (
        ("buy", "bought (taker)", BUY, "triangle-up"),
        ("sell", "sold (taker)", SELL, "triangle-down"),
    ):
        hits = [fact for fact in facts if fact.side == side]
        moments = [fact.arrived_ns if (at := fact.exchange_ns) is None else at for fact in hits]
        trace = marks(name, color, shape)
        trace.update(
            x=np.array(moments, dtype="datetime64[ns]").astype("datetime64[us]"),
            y=np.array([float(fact.price) for fact in hits]),
            customdata=[str(fact.quantity) for fact in hits],
            hovertemplate="%{customdata} at %{y}, %{x}<extra>" + name + "</extra>",
        )
        made.add_trace(trace)
    return made


def candle_frame(symbol: str, interval: str, *, height: int = 340) -> go.Figure:
    """The empty candle chart: traces closed, open, in this order. The open candle is hollow, in
    grey, so that it can be told from its neighbours."""
    quote = symbol.partition("/")[2]
    made = go.Figure(
        layout=layout(
            x=f"opening time of the {interval} candle (UTC, the venue's clock)",
            y=f"{symbol}, {quote}",
            height=height,
            xaxis={"rangeslider": {"visible": False}, "type": "date"},
        )
    )
    made.add_trace(
        go.Candlestick(
            name="closed",
            increasing={"line": {"color": BUY}, "fillcolor": "rgba(26,143,209,0.28)"},
            decreasing={"line": {"color": SELL}, "fillcolor": "rgba(224,123,26,0.85)"},
        )
    )
    hollow = {"line": {"color": TRUTH, "width": 2.5}, "fillcolor": "rgba(0,0,0,0)"}
    made.add_trace(
        go.Candlestick(name="open: can still change", increasing=hollow, decreasing=hollow)
    )
    return made


def candle_columns(bars: Sequence[Candle]) -> list[dict[str, NDArray[Any]]]:
    """What the two traces of :func:`candle_frame` show of these candles, by trace and column."""
    closed = [bar for bar in bars if bar.closed is not False]
    still_open = [bar for bar in bars if bar.closed is False]
    return [_candle_columns(group) for group in (closed, still_open)]


def _candle_columns(bars: Sequence[Candle]) -> dict[str, NDArray[Any]]:
    moments = np.array([bar.open_ns // 1_000_000 for bar in bars], dtype="datetime64[ms]")
    prices = ("open", "high", "low", "close")
    return {"x": moments} | {
        name: np.array([as_float(getattr(bar, name)) for bar in bars]) for name in prices
    }


@says_its_form
def candles(bars: Sequence[Candle], *, height: int = 340) -> go.Figure:
    """Candles by the venue's clock (UTC). A last candle that is still open is drawn hollow."""
    if not bars:
        return go.Figure(layout=layout(x="no candles", y="price", height=height))
    made = candle_frame(bars[0].symbol, bars[0].interval, height=height)
    for trace, columns in zip(made.data, candle_columns(bars), strict=True):
        trace.update(columns)
    made.data = [trace for trace in made.data if len(trace.x)]
    return made


def cumulated(
    levels: Sequence[tuple[Any, Any]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Prices and the total quantity from the best price outwards."""
    pairs = np.array([(float(price), float(quantity)) for price, quantity in levels])
    if not len(pairs):
        return np.empty(0), np.empty(0)
    return pairs[:, 0].copy(), np.cumsum(pairs[:, 1])


def depth_frame(symbol: str, *, height: int = 300) -> go.Figure:
    """The empty depth chart: traces bids, asks, in this order."""
    base, _, quote = symbol.partition("/")
    made = go.Figure(
        layout=layout(x=f"price, {quote}", y=f"total quantity up to there, {base}", height=height)
    )
    bids, asks = line("bids", BID), line("asks", ASK, dash="dash")
    bids.update(fill="tozeroy", fillcolor="rgba(26,143,209,0.18)")
    asks.update(fill="tozeroy", fillcolor="rgba(224,123,26,0.18)")
    for trace, shape in ((bids, "hv"), (asks, "hv")):
        trace.line.shape = shape
        trace.hovertemplate = "%{y} up to %{x}<extra>" + trace.name + "</extra>"
        made.add_trace(trace)
    made.update_layout(xaxis_tickformat=",.8~f", yaxis_rangemode="tozero")
    return made


@says_its_form
def depth(book: BookSnapshot, *, ghost: BookSnapshot | None = None, height: int = 320) -> go.Figure:
    """Total quantity from the best price outwards, both sides.

    ``ghost`` is drawn over it in outline: a copy that has gone wrong, over the true book. Its
    bids are a thick dotted line, its asks a thin one.
    """
    made = depth_frame(book.symbol, height=height)
    for trace, levels in ((made.data[0], book.bids), (made.data[1], book.asks)):
        trace.x, trace.y = cumulated(levels)
    if ghost is not None:
        for name, levels, color, dash, width in (
            ("your copy, bids", ghost.bids, ASKED, "dot", 3.2),
            ("your copy, asks", ghost.asks, _COPY_ASK, "solid", 1.4),
        ):
            outline = line(name, color, dash=dash)
            outline.x, outline.y = cumulated(levels)
            outline.line.width = width
            made.add_trace(outline)
    return made


@says_its_form
def ladder(book: BookSnapshot, *, levels: int = 10, height: int = 340) -> go.Figure:
    """The best ``levels`` of each side as bars of quantity: asks above, bids below."""
    base, _, quote = book.symbol.partition("/")
    made = go.Figure(
        layout=layout(
            x=f"quantity at this price, {base}",
            y=f"price, {quote}",
            height=height,
            yaxis={"type": "category", "tickformat": ""},
            bargap=0.15,
        )
    )
    exponents = (price.normalize().as_tuple().exponent for price, _ in (*book.bids, *book.asks))
    places = max([0, *(-int(one) for one in exponents)])
    for name, side, color, shape in (
        ("bids", book.bids[:levels][::-1], BID, ""),
        ("asks", book.asks[:levels], ASK, "/"),
    ):
        made.add_trace(
            go.Bar(
                name=name,
                orientation="h",
                y=[f"{price:,.{places}f}" for price, _ in side],
                x=np.array([float(quantity) for _, quantity in side]),
                marker={"color": color, "opacity": 0.85, "pattern": {"shape": shape, **_HATCHED}},
                hovertemplate="%{x} at %{y}<extra>" + name + "</extra>",
            )
        )
    return made


@says_its_form
def phases(
    calls: Mapping[str, HttpCall | Phases] | Sequence[HttpCall | Phases],
    *,
    height: int | None = None,
) -> go.Figure:
    """Where the milliseconds of each call went: DNS, TCP, TLS, send, first byte, body.

    The caller's own clock, from the first byte sent to the last byte received.

    Parameters
    ----------
    calls : mapping of label to call, or sequence of calls
        Results' ``.http``, or :class:`~vocx.timing.Phases`; drawn from the top down.
    """
    named = (
        dict(calls)
        if isinstance(calls, Mapping)
        else {f"call {number}": call for number, call in enumerate(calls, 1)}
    )
    made = go.Figure(
        layout=layout(
            x="milliseconds from the first byte sent (the caller's clock)",
            y="",
            height=height or 110 + 34 * len(named),
            barmode="stack",
            yaxis={"autorange": "reversed", "type": "category", "tickformat": ""},
            legend={"traceorder": "normal"},
        )
    )
    timed = [getattr(call, "phases", call) for call in named.values()]
    for field, (name, color, shape) in PHASES.items():
        values = np.array([getattr(one, field) or 0.0 for one in timed])
        if not values.any():
            continue
        made.add_trace(
            go.Bar(
                name=name,
                orientation="h",
                y=list(named),
                x=values,
                marker={"color": color, "pattern": {"shape": shape, **_HATCHED}},
                hovertemplate="%{x:.1f} ms<extra>" + name + "</extra>",
            )
        )
    return made


def compare_frame(symbol: str, seconds: float, *, height: int = 280) -> go.Figure:
    """The empty comparison: traces truth, pushed, asked, replies, in this order. Asked and its
    replies are one to the legend: a line between the squares at which something came."""
    quote = symbol.partition("/")[2]
    made = go.Figure(
        layout=layout(
            x="seconds before now (known here; truth: when so)",
            y=f"{symbol} mid price, {quote}",
            height=height,
            xaxis={"range": [-seconds, 0.02 * seconds]},
        )
    )
    made.add_trace(line("true price (inside the exchange)", TRUTH, dash="dot"))
    made.add_trace(line("pushed: WebSocket", PUSHED))
    made.add_trace(line("asked: REST", ASKED, dash="dash", legendgroup="asked"))
    replies = marks("a reply", ASKED, "square", legendgroup="asked", showlegend=False)
    made.add_trace(replies.update(marker={"size": 6, "opacity": 1}))
    return made


@says_its_form
def compare(
    symbol: str,
    *,
    asked: Points,
    pushed: Points,
    truth: Points = (),
    now_ns: int,
    seconds: float = 20.0,
    height: int = 280,
) -> go.Figure:
    """The same price, asked for and pushed, by when this machine knew it; truth behind them."""
    made = compare_frame(symbol, seconds, height=height)
    for trace, points in zip(made.data, (truth, pushed, asked), strict=False):
        trace.x, trace.y = steps(points, now_ns, seconds)
    made.data[-1].x, made.data[-1].y = inside(asked, now_ns, seconds)
    return made
