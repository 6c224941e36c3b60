"""Lesson 06: what a program acted on held against the lab's truth, and a hybrid client's minute."""

from __future__ import annotations

import threading
from bisect import bisect_left
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from vocx.errors import BadInput, NotReady, optional_parts
from vocx.timing import mono_ns

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.facts import Quote
    from vocx.hybrid import HybridClient
    from vocx.stream.latest import QuoteState

_SAMPLE_S = 0.05


class ActedPrices:
    """Call it with each best price of BTC/USDT that a program acts on; ask it afterwards what that
    was worth.

    Parameters
    ----------
    exchange : Exchange
        In a lab: the prices are held against the true ones of its venue.

    Attributes
    ----------
    looks : list of tuple
        (monotonic nanoseconds, bid, ask).
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.looks: list[tuple[int, Decimal, Decimal]] = []

    def __call__(self, quote: Quote) -> None:
        if quote.bid is not None and quote.ask is not None:
            self.looks.append((mono_ns(), quote.bid, quote.ask))

    def delay_ms(self, rtt_ms: float) -> float:
        """How long after a change of the true best price the program acted on it, on average.

        Of two moments with the same best prices the later one is taken that can have been known:
        news travels half of ``rtt_ms``.

        Raises
        ------
        BadInput
            No change was seen.
        """
        changes = self._changes()
        at, half_ns = [one[0] for one in changes], int(rtt_ms / 2 * 1e6)
        delays: list[float] = []
        seen: int | None = None
        for now_ns, *prices in self.looks:
            latest = bisect_left(at, now_ns - half_ns) - 1
            known = next(
                (
                    one
                    for one in range(latest, (seen or 0) - 1, -1)
                    if changes[one][1:] == tuple(prices)
                ),
                None,
            )
            if known is not None:
                if seen is not None:
                    delays += [(now_ns - one) / 1e6 for one in at[seen + 1 : known + 1]]
                seen = known
        if not delays:
            raise BadInput("the best price did not change while it was looked at: look for longer")
        return sum(delays) / len(delays)

    def after_a_cut(self, seconds: float, last: QuoteState) -> str:
        """What it did in the last ``seconds``, in which no message came, and what the stream
        said of itself meanwhile."""
        changes = self._changes()
        at = [one[0] for one in changes]
        since_ns = mono_ns() - int(seconds * 1e9)
        looks = [one for one in self.looks if one[0] >= since_ns]
        true = [changes[max(bisect_left(at, now_ns) - 1, 0)][1:] for now_ns, *_ in looks]
        wrong = sum(one[1:] != now for one, now in zip(looks, true, strict=True))
        return (
            f"Cut off for {seconds:g} s, the sketch acted {len(looks)} times, {wrong} of them on a "
            f"price that was not the exchange's; the stream had said in_sync {last.in_sync}."
        )

    def _changes(self) -> list[tuple[int, Decimal, Decimal]]:
        """When the true best prices became what they were, oldest first."""
        found: list[tuple[int, Decimal, Decimal]] = []
        for one in self._exchange.truth.events(1, symbol="BTC/USDT", kind="quote"):
            if one.bid is None or one.ask is None:
                continue
            if not found or found[-1][1:] != (one.bid, one.ask):
                found.append((one.mono_ns, one.bid, one.ask))
        return found


class Moment(msgspec.Struct, frozen=True):
    """A hybrid client at one moment, seconds since the recording began."""

    at_s: float
    source: str
    age_ms: float | None
    ready: bool
    why: str
    open_orders: int


class ClientTimeline:
    """Watches a hybrid client from a thread of its own: ``with ClientTimeline(client) as line:``.

    Attributes
    ----------
    moments : list of Moment
        Twenty a second.
    """

    def __init__(self, client: HybridClient) -> None:
        self._client = client
        self._began_ns = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vocx-timeline", daemon=True)
        self.moments: list[Moment] = []

    def __enter__(self) -> ClientTimeline:
        self._began_ns = mono_ns()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(2)

    def _watch(self) -> None:
        while not self._done.wait(_SAMPLE_S):
            try:
                view = self._client.view()
            except NotReady:
                continue
            self.moments.append(
                Moment(
                    (mono_ns() - self._began_ns) / 1e9,
                    view.source if view.book is not None else "none",
                    view.age_ms,
                    view.ready,
                    view.why,
                    len(view.orders),
                )
            )

    def story(self) -> str:
        """When the source or the readiness changed, a line each; flickers below 0.3 s left out."""
        lines: list[str] = []
        for first, last in self._spells():
            if last.at_s - first.at_s >= 0.3 or first is self.moments[0]:
                acts = "acts" if first.ready else f"waits: {first.why}"
                text = f"book from {first.source}; {acts}"
                if not lines or not lines[-1].endswith(text):
                    lines.append(f"{first.at_s:5.1f} s  {text}")
        return "\n".join(lines)

    def summary(self) -> str:
        """How long the book came from REST, and from nowhere, and what rested then."""
        each_s = self.moments[-1].at_s / len(self.moments) if self.moments else 0.0
        asked, nowhere = (
            each_s * sum(one.source == source for one in self.moments)
            for source in ("rest", "none")
        )
        waited = [one for one in self.moments if not one.ready]
        rested = min((one.open_orders for one in waited), default=0)
        return (
            f"The book came from REST for {asked:.0f} s, and from nowhere for {nowhere:.0f} s; "
            f"while it waited, {rested or 'none'} of its orders rested."
        )

    def _spells(self) -> list[tuple[Moment, Moment]]:
        """First and last moment of each spell of one source and one readiness."""
        found: list[tuple[Moment, Moment]] = []
        for one in self.moments:
            if found and (found[-1][0].source, found[-1][0].ready) == (one.source, one.ready):
                found[-1] = (found[-1][0], one)
            else:
                found.append((one, one))
        return found

    def figure(self, *, height: int = 340) -> Any:
        """The age of the book by source, where the client waits (grey), and its open orders."""
        with optional_parts():
            from plotly.subplots import make_subplots

        from vocx import figures

        made: Any = make_subplots(
            rows=2, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.06
        )
        x = [one.at_s for one in self.moments]
        for name, source, color, dash in (
            ("book from the stream", "stream", figures.PUSHED, "solid"),
            ("book asked by REST", "rest", figures.ASKED, "dash"),
        ):
            line = figures.line(name, color, dash=dash, step=False, connectgaps=False)
            line.update(x=x, y=[one.age_ms if one.source == source else None
                                for one in self.moments])  # fmt: skip
            line.update(hovertemplate="%{y:.0f} ms at %{x:.1f} s<extra>" + name + "</extra>")
            made.add_trace(line, row=1, col=1)
        orders = figures.line("own open orders", figures.INK)
        orders.update(x=x, y=[one.open_orders for one in self.moments], fill="tozeroy")
        made.add_trace(orders, row=2, col=1)
        figures.style_subplots(
            made, x="", y="age, ms", height=height, yaxis={"rangemode": "tozero"}
        )
        made.update_xaxes(title={"text": "seconds, this machine's clock", "standoff": 4}, row=2)
        made.update_yaxes(title={"text": "orders"}, nticks=3, row=2)
        for first, last in self._spells():
            if not first.ready and last.at_s > first.at_s:
                made.add_vrect(x0=first.at_s, x1=last.at_s, fillcolor=figures.INK, opacity=0.25,
                               line_width=0, row=1, col=1)  # fmt: skip
        return made


def books(client: HybridClient, change: Decimal) -> str:
    """A stopped client's books beside the exchange's: ``change`` is that of the balance in base
    currency since the client began."""
    status = client.status
    return (
        f"{status.placed} orders, {status.pnl.fills} fills: the client's books say "
        f"{status.pnl.position.normalize():+f} {client.symbol.partition('/')[0]}, "
        f"the exchange's {change.normalize():+f}."
    )
