"""How long a call takes, from where its round trips come: a new connection against a kept one,
with TLS and without, phase by phase, beside what arithmetic says."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from numbers import Real
from statistics import median
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from vocx.errors import BadInput
from vocx.lab.network import round_trip_ms
from vocx.measure import validation
from vocx.measure.probes import together, unbraked, unlimited
from vocx.measure.result import Result, conditions, grid, in_lab
from vocx.measure.sampling import Interval, quantile_interval
from vocx.timing import HttpExchange, Phases

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange

ROUND_TRIPS = {(True, True): 3, (True, False): 2, (False, True): 1, (False, False): 1}
"""By (new connection, TLS): TCP's handshake one, TLS 1.3's one (RFC 8446, 2), request and reply
one. A name that must be looked up comes on top."""
PATH = "from this kernel to the exchange and back"
WARM_UP = 2
SHOWN_MS = 0.05
"""A phase that is shorter everywhere is not drawn."""
APART_MS = 30.0
"""Below this distance kinds take turns; above it they wait side by side without meeting."""
_FIELDS = ("dns_ms", "connect_ms", "tls_ms", "send_ms", "first_byte_ms", "body_ms")


class CallTime(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of call at one distance.

    Attributes
    ----------
    rtt_ms : float
        The distance dial.
    median_ms, p95_ms : Interval
        Of the call time: first byte sent to last byte received, opening included.
    theory_ms : float or None
        ``round_trips`` times the distance, plus the median at no distance in the same run;
        ``None`` at no distance.
    phases : Phases
        The median of each phase. ``emulated_ms`` is TCP's handshake at the dial's distance, which
        a relay has to charge to the first bytes.
    ports : list of int
        The local port of each call: the same number is the same connection.
    """

    new: bool
    tls: bool
    rtt_ms: float
    round_trips: int
    median_ms: Interval
    p95_ms: Interval
    theory_ms: float | None
    phases: Phases
    ports: list[int]

    @property
    def name(self) -> str:
        """``"https, new connection"``."""
        return f"http{'s' * self.tls}, {'new' if self.new else 'kept'} connection"

    @property
    def laid(self) -> dict[str, float]:
        """The phases where a real network has them: TCP's handshake apart from the first bytes
        that paid for it. Milliseconds by name."""
        held, phases = self.phases.emulated_ms or 0.0, self.phases
        return {
            "DNS": phases.dns_ms or 0.0,
            "TCP": (phases.connect_ms or 0.0) + held,
            "TLS": max(0.0, (phases.tls_ms or 0.0) - held * self.tls),
            "send": phases.send_ms,
            "first byte": max(0.0, phases.first_byte_ms - held * (not self.tls)),
            "body": phases.body_ms,
        }


class CallTimes(Result, frozen=True, kw_only=True):
    """Call times of new and kept connections, plain and over TLS (see :class:`CallTime`)."""

    calls: list[CallTime]

    title: ClassVar[str] = (
        "Call time of the best bid and ask, ms (phases: medians; at a distance TCP's handshake is "
        "emulated)"
    )

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "call": one.name,
                "rtt_ms": one.rtt_ms,
                "round_trips": one.round_trips,
                "median_ms": one.median_ms,
                "p95_ms": one.p95_ms,
                "theory_ms": one.theory_ms,
                **{name: ms for name, ms in one.laid.items() if name not in ("DNS", "send")},
                "connections": len(set(one.ports)),
                "local_port": _span(one.ports),
            }
            for one in self.calls
        ]

    def table(self) -> str:
        """The rows, narrow enough for a notebook, with the conditions below them."""
        shown = [
            {
                "call": one.name,
                "away": f"{one.rtt_ms:g}",
                "median": one.median_ms.around(),
                "theory": one.theory_ms,
                "p95": one.p95_ms.value,
                **{name: ms for name, ms in one.laid.items() if name not in ("DNS", "send")},
                "connections": len(set(one.ports)),
                "local port": _span(one.ports),
            }
            for one in self.calls
        ]
        return f"{self.title}\n{grid(shown)}\n{self.conditions.under()}"

    def call(self, name: str, rtt_ms: float | None = None) -> CallTime:
        """One row by its name, such as ``"https, new connection"``, and its distance."""
        for one in self.calls:
            if one.name == name and rtt_ms in (None, one.rtt_ms):
                return one
        known = ", ".join(dict.fromkeys(one.name for one in self.calls))
        raise BadInput(f"there is no {name!r} at {rtt_ms} ms here; there are {known}")

    def figure(self, *, height: int = 0) -> go.Figure:
        """Phases as stacked bars; a point with its interval for the median of the total, a cross
        for what arithmetic says."""
        import plotly.graph_objects as go

        from vocx import figures

        far = len({one.rtt_ms for one in self.calls}) > 1
        names = [f"{one.name}, {one.rtt_ms:g} ms" if far else one.name for one in self.calls]
        made = figures.frame(
            "milliseconds from the first byte sent to the last received (this kernel's clock)",
            "",
            height=height or 130 + 34 * len(names),
            barmode="stack",
            yaxis={"autorange": "reversed", "type": "category"},
            legend={"traceorder": "normal"},
        )
        made.layout.yaxis.tickformat = ""
        for name, color, shape in figures.PHASES.values():
            values = [one.laid[name] for one in self.calls]
            if max(values) >= SHOWN_MS:
                look = {"color": color, "pattern": {"shape": shape, "fgopacity": 0.5}}
                name += ", at a distance emulated" * (name == "TCP" and self._emulated)
                hover = "%{x:.1f} ms<extra>" + name + "</extra>"
                bar = go.Bar(name=name, orientation="h", y=names, x=values, marker=look)
                made.add_trace(bar.update(hovertemplate=hover))
        for trace in self._totals(names):
            made.add_trace(trace)
        return made

    @property
    def _emulated(self) -> bool:
        return any(one.phases.emulated_ms for one in self.calls)

    def _totals(self, names: Sequence[str]) -> list[Any]:
        """Points for what was measured and for what arithmetic says."""
        from vocx.figures import INK

        totals = [one.median_ms for one in self.calls]
        values = [one.value for one in totals]
        error = {
            "type": "data",
            "array": [(one.high or one.value) - one.value for one in totals],
            "arrayminus": [one.value - (one.low or one.value) for one in totals],
            "color": INK,
        }
        made = [_marks("total, median", names, values, "circle", error_x=error)]
        if any(one.theory_ms for one in self.calls):
            said = [one.theory_ms for one in self.calls]
            made.append(_marks("round trips x distance + time at 0 ms", names, said, "x"))
        return made


def _marks(name: str, y: Sequence[str], x: Sequence[Any], symbol: str, **more: Any) -> Any:
    import plotly.graph_objects as go

    from vocx import figures

    marker = {"symbol": symbol, "size": 9, "color": figures.INK}
    hover = "%{x:.1f} ms<extra>" + name + "</extra>"
    return go.Scatter(
        name=name, mode="markers", y=y, x=x, marker=marker, hovertemplate=hover, **more
    )


def calls(
    exchange: Exchange,
    *,
    repeats: int = 8,
    rtt_ms: float | Sequence[float] | None = None,
    symbol: str = "BTC/USDT",
    tls: Sequence[bool] = (False, True),
) -> CallTimes:
    """Measure the call time of new and kept connections, plain and over TLS.

    A kept connection was opened by a call that does not count. The lab is asked by address, so
    there is no DNS phase; a real name has one.

    Parameters
    ----------
    rtt_ms : float or sequence of float, optional
        The distances, for this venue and for as long as it takes; as the dial stands when left
        out. Where none of them is 0, a few calls are made at 0 first, as a base for theory: for
        that moment (and only then) everybody in this lab is near.

    Raises
    ------
    BadInput
        The exchange is not in a lab, or a number makes no sense.
    """
    lab = in_lab(exchange).lab
    assert lab is not None
    repeats = validation.whole("repeats", repeats, 3, 1000)
    wires = validation.wires(tls)
    now = round_trip_ms(lab.network.state, exchange.venue.name)
    asked = [now] if rtt_ms is None else _distances(rtt_ms)
    made = conditions(
        exchange, path=PATH, clock="this kernel", symbol=symbol, warm_up=WARM_UP, repeats=repeats
    )
    found: list[CallTime] = []
    base: dict[tuple[bool, bool], float] = {}
    for distance in asked if 0 in asked else [0.0, *asked]:
        with unlimited(exchange, symbol), ExitStack() as dial:
            if distance != now or rtt_ms is not None:
                dial.enter_context(lab.network.latency(rtt_ms=distance, venue=made.venue))
            samples = _sampled(exchange, symbol, wires, repeats, distance)
        if distance == 0:
            base = {kind: _median(done) for kind, done in samples.items()}
        if distance in asked:
            found += [_seen(kind, distance, done, base) for kind, done in samples.items()]
    return CallTimes(conditions=made if rtt_ms is None else _at(made, asked), calls=found)


def _distances(rtt_ms: float | Sequence[float]) -> list[float]:
    single = isinstance(rtt_ms, Real | str)
    return sorted(set(validation.distances([rtt_ms] if single else rtt_ms)))


class _Caller:
    """One kind of call, on connections of its own."""

    def __init__(self, exchange: Exchange, symbol: str, new: bool, tls: bool) -> None:
        self.kind = (new, tls)
        self.done: list[HttpExchange] = []
        self._symbol, self._new = symbol, new
        self._twin = unbraked(exchange, "measure calls", tls=tls)

    def once(self) -> HttpExchange:
        call = self._twin.quote(self._symbol).exchange
        if self._new:
            self._twin.close()
        assert call is not None
        return call

    def all(self, repeats: int, stop: threading.Event) -> None:
        for _ in range(repeats):
            if stop.is_set():
                return
            self.done.append(self.once())

    def close(self) -> None:
        self._twin.close()


def _sampled(
    exchange: Exchange, symbol: str, tls: Sequence[bool], repeats: int, distance_ms: float
) -> dict[tuple[bool, bool], list[HttpExchange]]:
    """The calls of each kind at the distance that is set."""
    with ExitStack() as stack:
        callers = []
        for secure in tls:
            for new in (True, False):
                callers.append(_Caller(exchange, symbol, new, secure))
                stack.callback(callers[-1].close)
        if distance_ms < APART_MS:
            for one in callers:
                for _ in range(WARM_UP):
                    one.once()
            for _ in range(repeats):
                for one in callers:
                    one.done.append(one.once())
        else:
            _side_by_side(callers, repeats)
        return {one.kind: one.done for one in callers}


def _side_by_side(callers: Sequence[_Caller], repeats: int) -> None:
    """Each kind in a thread of its own; the first error is raised when all have ended."""
    stop = threading.Event()

    def work(one: _Caller) -> None:
        one.all(WARM_UP, stop)
        one.done.clear()
        one.all(repeats, stop)

    together([partial(work, one) for one in callers], stop)


def _median(done: Sequence[HttpExchange]) -> float:
    return median(call.phases.total_ms for call in done)


def _seen(
    kind: tuple[bool, bool],
    rtt_ms: float,
    done: Sequence[HttpExchange],
    base: dict[tuple[bool, bool], float],
) -> CallTime:
    totals = [call.phases.total_ms for call in done]
    return CallTime(
        new=kind[0],
        tls=kind[1],
        rtt_ms=rtt_ms,
        round_trips=ROUND_TRIPS[kind],
        median_ms=quantile_interval(totals),
        p95_ms=quantile_interval(totals, 0.95),
        theory_ms=ROUND_TRIPS[kind] * rtt_ms + base[kind] if rtt_ms else None,
        phases=_medians([call.phases for call in done]),
        ports=[call.local_port or 0 for call in done],
    )


def _medians(found: Sequence[Phases]) -> Phases:
    """The median of each phase, of the calls that had it."""
    values: dict[str, Any] = {}
    for field in (*_FIELDS, "emulated_ms"):
        had = [value for one in found if (value := getattr(one, field)) is not None]
        values[field] = median(had) if had else None
    return Phases(**values, new_connection=found[0].new_connection)


def _at(made: Any, distances: Sequence[float]) -> Any:
    """The conditions of a run that set the distance itself."""
    several = ", ".join(f"{one:g}" for one in distances)
    return msgspec.structs.replace(
        made,
        dials=f"distance set to {several} ms for the run",
        rtt_ms=distances[-1],
        late_ms=0.0,
    )


def _span(ports: Sequence[int]) -> str:
    first, *others = dict.fromkeys(ports)
    return f"{first} + {len(others)}" if others else str(first)
