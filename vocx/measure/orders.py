"""Order entry by REST and by WebSocket: one order and many, on new and on kept connections.

Every order is real and cannot match (an IOC at half the price), so the engine accepts it and ends
it, and nothing is left behind. Two times are measured, on one clock:

*call time*  from the sending to the answer in hand, the connection's opening included;
*accepted*   from the same moment until the engine had taken the order: one way.

What arithmetic says, in round trips: a kept connection needs one, whatever it speaks, and half of
it one way. A new one needs one for TCP and one for TLS 1.3 before; a WebSocket a third one for its
upgrade, so its *first* order is later than by REST. Signatures, connections and bytes are counted
from what was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from statistics import median
from threading import Barrier
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from vocx.measure import theory, validation
from vocx.measure.ordering import ByRest, BySocket, LoggedOn, OrderPath, Placed, Ready
from vocx.measure.probes import unlimited
from vocx.measure.result import CLOCK, Result, conditions, grid
from vocx.measure.sampling import Interval, quantile_interval
from vocx.measure.trading import Trader, small, trading_lab
from vocx.timing import mono_ns

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange

ACCOUNT = "measure: order entry"
WARM_UP = 2
FEWER = 0.6
"""New connections and bursts are dear: so many of them for each of ``repeats``."""


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """Orders that were sent at once, one or many, in one way.

    Attributes
    ----------
    path : str
        ``"REST"``, ``"WebSocket"`` or ``"WebSocket, logged on"``.
    new : bool
        No connection was open.
    all_ms : float
        From the first sending until all answers were in hand.
    call_ms, accepted_ms : list of float
        Of each order.
    connections, signatures, sent_bytes, received_bytes : int
        Opened by these orders, carried by them; bytes above TLS, without the opening's.
    """

    path: str
    new: bool
    all_ms: float
    call_ms: list[float]
    accepted_ms: list[float]
    connections: int
    signatures: int
    sent_bytes: int
    received_bytes: int


class OrderEntry(Result, frozen=True, kw_only=True):
    """How long orders took, and what they carried.

    Attributes
    ----------
    sent : list of Sent
        Everything that counts, in the order in which it was sent.
    opening_trips : dict
        By path: round trips that a new connection needs after TCP and TLS, before its first order.
    made_us : dict
        By kind of key: median microseconds to make and sign a request.
    logon_signatures : int
        In the one frame with which the socket logged on.
    """

    sent: list[Sent]
    opening_trips: dict[str, int]
    made_us: dict[str, float]
    logon_signatures: int

    title: ClassVar[str] = "Order entry"

    def rows(self) -> list[dict[str, Any]]:
        """A row for each way, new or kept connection, one or many at once. Times are medians:
        ``one_way_ms`` until the engine accepted, ``all_ms`` until the last answer of those sent
        at once. Theory is what the dial's distance alone costs."""
        return [self._row(*key, found) for key, found in self.groups().items()]

    def groups(self) -> dict[tuple[str, bool, int], list[Sent]]:
        """By path, new connection, and number at once."""
        found: dict[tuple[str, bool, int], list[Sent]] = {}
        for one in self.sent:
            found.setdefault((one.path, one.new, len(one.call_ms)), []).append(one)
        order = list(self.opening_trips)
        return dict(
            sorted(
                found.items(), key=lambda one: (one[0][2], not one[0][1], order.index(one[0][0]))
            )
        )

    def _row(self, path: str, new: bool, at_once: int, found: list[Sent]) -> dict[str, Any]:
        calls = [ms for one in found for ms in one.call_ms]
        trips = self.round_trips(path, new)
        return {
            "path": f"{path}, {'new' if new else 'kept'}",
            "at_once": at_once,
            "call_ms": quantile_interval(calls),
            "theory_call_ms": trips * self.conditions.rtt_ms,
            "one_way_ms": quantile_interval([ms for one in found for ms in one.accepted_ms]),
            "theory_one_way_ms": (trips - 0.5) * self.conditions.rtt_ms - self.conditions.late_ms,
            "all_ms": None if at_once == 1 else quantile_interval([one.all_ms for one in found]),
            "connections": sum(one.connections for one in found) / len(found),
            "tls_handshakes": self.conditions.tls
            * sum(one.connections for one in found)
            / len(found),
            "signatures_an_order": sum(one.signatures for one in found) / len(calls),
            "bytes_an_order": sum(one.sent_bytes + one.received_bytes for one in found)
            // len(calls),
        }

    def round_trips(self, path: str, new: bool) -> int:
        """Of one order: 1 on a kept connection; on a new one TCP, TLS 1.3 and upgrade before."""
        opening = theory.opening_round_trips(tls=self.conditions.tls, kept=not new)
        return opening + (self.opening_trips[path] if new else 0)

    def table(self) -> str:
        """The rows as text, what signing cost, and the conditions."""
        keys = ", ".join(f"{kind} {us:.0f} us" for kind, us in self.made_us.items())
        return (
            f"{self.title}, ms (medians; theory: the distance alone)\n"
            f"{grid([_line(row) for row in self.rows()])}\nmaking and signing an order: {keys}; "
            f"a socket that logged on sent {self.logon_signatures} signature, once\n"
            f"{self.conditions.under()}"
        )

    def figure(self, *, height: int = 400) -> go.Figure:
        """Medians with their intervals as points, theory as a line at each."""
        import plotly.graph_objects as go

        from vocx import figures

        rows = self.rows()
        names = [f"{row['path']}, {row['at_once']} at once" for row in rows]
        made = go.Figure(
            layout=figures.layout(
                x=f"ms from the sending, one clock; {self.conditions.dials}",
                y="",
                height=height,
                xaxis={"rangemode": "tozero"},
                yaxis={"autorange": "reversed", "type": "category", "tickformat": ""},
            )
        )
        for field, name, color, symbol in (
            ("one_way_ms", "accepted by the engine", figures.PUSHED, "square"),
            ("call_ms", "answer in hand", figures.ASKED, "circle"),
        ):
            line = figures.marks("theory: the distance alone", figures.TRUTH, "line-ns-open")
            line.marker.size, line.showlegend = 22, field == "call_ms"
            made.add_trace(line.update(x=[row[f"theory_{field}"] for row in rows], y=names))
            made.add_trace(_points(figures.marks(name, color, symbol), rows, field, names))
        bursts = [row for row in rows if row["all_ms"] is not None]
        if bursts:
            last = figures.marks("all answers in hand", figures.ASK, "diamond")
            named = [f"{row['path']}, {row['at_once']} at once" for row in bursts]
            made.add_trace(_points(last, bursts, "all_ms", named))
        for trace in made.data:
            trace.hovertemplate = "%{x:.2f} ms<extra>%{y}: " + trace.name + "</extra>"
        return made


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """A row of :meth:`OrderEntry.rows`, narrow enough for a notebook."""
    return {
        "path": row["path"].replace("logged on, kept", "logged on"),
        "at once": row["at_once"],
        "answer": row["call_ms"].around(),
        "theory": f"{row['theory_call_ms']:g}",
        "one way": row["one_way_ms"].around(),
        "theory ": f"{row['theory_one_way_ms']:g}",
        "last": None if row["all_ms"] is None else row["all_ms"].around(),
        "opened": f"{row['connections']:g}",
        "signed": f"{row['signatures_an_order']:g}",
        "bytes": row["bytes_an_order"],
    }


def _points(trace: Any, rows: Sequence[dict[str, Any]], field: str, names: Sequence[str]) -> Any:
    values: list[Interval] = [row[field] for row in rows]
    return trace.update(
        x=[one.value for one in values],
        y=list(names),
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [(one.high or one.value) - one.value for one in values],
            "arrayminus": [one.value - (one.low or one.value) for one in values],
        },
    )


def orders(
    exchange: Exchange,
    *,
    repeats: int = 10,
    many: int = 10,
    symbol: str = "BTC/USDT",
) -> OrderEntry:
    """Send orders by REST and by WebSocket, and measure both ways of doing it.

    One at a time on kept connections (``repeats``), one at a time on a new connection each, and
    ``many`` at once (both less often, as they are dear); in turns, so that a busy moment strikes
    all ways alike. The account and its keys are the measurement's own; the lab's limit of orders
    in ten seconds is put aside meanwhile and put back as it was found. A socket that has logged
    on with an Ed25519 key is measured with raw frames: vocx's own client signs each order.

    Parameters
    ----------
    exchange : Exchange
        In a lab, with a market of its own; whether over TLS is as it was connected.
    repeats : int
        Orders on a kept connection, in each way.
    many : int
        Orders that leave at once, each from a thread of its own. A session keeps ten connections;
        what is above is opened anew.

    Raises
    ------
    BadInput
        The exchange is not in a lab, its lab plays a recording, or a number is out of bounds.
    """
    trading_lab(exchange)
    repeats = validation.whole("repeats", repeats, 1, 100, what=" orders")
    many = validation.whole("many", many, 1, 100, what=" orders")
    with ExitStack() as stack:
        stack.enter_context(unlimited(exchange, symbol))
        run = _Run(exchange, symbol, many, stack)
        begun_ns = mono_ns()
        run.singles(repeats)
        run.bursts(max(1, round(repeats * FEWER)))
        run.news(max(1, round(repeats * FEWER)))
        return _result(run, exchange, repeats, (mono_ns() - begun_ns) / 1e9)


def _result(run: _Run, exchange: Exchange, repeats: int, seconds: float) -> OrderEntry:
    return OrderEntry(
        conditions=conditions(
            exchange,
            path="from this program to the exchange's engine, and back",
            clock=CLOCK,
            symbol=run.symbol,
            seconds=seconds,
            warm_up=WARM_UP,
            repeats=repeats,
        ),
        sent=run.sent(),
        opening_trips={path.name: path.opening_trips for path in run.paths},
        made_us={kind: median(found) for kind, found in run.made_us.items()},
        logon_signatures=run.logged_on.logon_signatures,
    )


class _Run:
    """An account, the ways to send its orders, and what was sent."""

    def __init__(self, exchange: Exchange, symbol: str, many: int, stack: ExitStack) -> None:
        self._trader = stack.enter_context(Trader(exchange, ACCOUNT))
        self._truth = self._trader.lab.truth
        self.symbol, self._many = symbol, many
        instrument = exchange.instrument(symbol)
        bid = self._truth.book(symbol, depth=1).bids[0][0]
        self._price = instrument.round_price(bid / 2, "buy")
        self._quantity = small(instrument, self._price)
        self.logged_on = LoggedOn(self._trader)
        self.paths: list[OrderPath] = [ByRest(self._trader), BySocket(self._trader), self.logged_on]
        for path in self.paths:
            stack.callback(path.hang_up)
        self.made_us: dict[str, list[float]] = {"HMAC": [], "Ed25519": []}
        self._pool = ThreadPoolExecutor(many, "vocx-measure-orders")
        stack.callback(self._pool.shutdown, wait=True, cancel_futures=True)
        self._sent: list[tuple[str, bool, int, list[Placed]]] = []
        self._mark = self._truth.events(None).next
        self.logged_on.log_on()
        for path in self.paths:
            for _ in range(WARM_UP):
                path.send(self._ready(path))

    def _ready(self, path: OrderPath) -> Ready:
        order = self._trader.order(
            self.symbol, "buy", self._quantity, self._price, time_in_force="IOC"
        )
        ready = path.ready(order)
        self.made_us["Ed25519" if path is self.logged_on else "HMAC"].append(ready.made_us)
        return ready

    def singles(self, repeats: int) -> None:
        """One at a time, each way in turn, on connections that are open."""
        for _ in range(repeats):
            for path in self.paths:
                self._send(path, 1)

    def news(self, repeats: int) -> None:
        """One at a time, and many at once, with no connection open."""
        for _ in range(repeats):
            for path in self.paths[:2]:
                for at_once in dict.fromkeys((1, self._many)):
                    path.hang_up()
                    self._send(path, at_once, new=True)

    def bursts(self, repeats: int) -> None:
        """Many at once on connections that are open."""
        if self._many == 1:
            return
        for path in self.paths[:2]:
            self._at_once(path, self._many)
        for _ in range(repeats):
            for path in self.paths[:2]:
                self._send(path, self._many)

    def _send(self, path: OrderPath, at_once: int, *, new: bool = False) -> None:
        dials = path.dials
        placed = [path.send(self._ready(path))] if at_once == 1 else self._at_once(path, at_once)
        self._sent.append((path.name, new, path.dials - dials, placed))

    def _at_once(self, path: OrderPath, count: int) -> list[Placed]:
        """Made before, sent in the same moment from as many threads."""
        ready, start = [self._ready(path) for _ in range(count)], Barrier(count)

        def send(one: Ready) -> Placed:
            start.wait()
            return path.send(one)

        return [one.result() for one in [self._pool.submit(send, one) for one in ready]]

    def sent(self) -> list[Sent]:
        """Everything that counts, with the moment at which the engine accepted each order."""
        events = self._truth.events(self._mark, symbol=self.symbol, kind="order")
        accepted = {event.id: event.mono_ns for event in events if event.what == "new"}
        return [_sent(*one, accepted) for one in self._sent]


def _sent(
    path: str, new: bool, connections: int, placed: list[Placed], accepted: dict[int | None, int]
) -> Sent:
    begun_ns = min(one.begun_ns for one in placed)
    return Sent(
        path=path,
        new=new,
        all_ms=(max(one.ended_ns for one in placed) - begun_ns) / 1e6,
        call_ms=[(one.ended_ns - one.begun_ns) / 1e6 for one in placed],
        accepted_ms=[(accepted[int(one.id)] - one.begun_ns) / 1e6 for one in placed],
        connections=connections,
        signatures=sum(one.signatures for one in placed),
        sent_bytes=sum(one.sent_bytes for one in placed),
        received_bytes=sum(one.received_bytes for one in placed),
    )
