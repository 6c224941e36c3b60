"""Lesson 08: one order whose answer is lost, and who knew what of it when."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from vocx.errors import OrderNotFound, VocxError, optional_parts
from vocx.timing import mono_ns, wall_ns
from vocx.venues.base import PlaceOrder

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab

SYMBOL = "BTC/USDT"
Lane = Literal["you", "the exchange"]


def far_below(exchange: Exchange) -> Decimal:
    """A price of BTC/USDT at which a bid rests and is not filled: a tenth below the best."""
    bid, tick = exchange.quote(SYMBOL).bid, exchange.instrument(SYMBOL).tick
    assert bid is not None
    return bid * 9 // 10 // tick * tick


def order_path(exchange: Exchange) -> str:
    """Where this venue takes an order by REST, as the lab's faults want it: ``"POST /..."``."""
    order = PlaceOrder(
        symbol=SYMBOL,
        side="buy",
        quantity=Decimal("0.01"),
        type="limit",
        price=Decimal(60000),
        client_order_id="lesson08",
    )
    request = exchange.venue.request(order, wall_ns())
    return f"{request.method} {request.target.partition('?')[0]}"


class Event(msgspec.Struct, frozen=True):
    """What one side knew from ``at_s`` on, seconds after the order was sent."""

    at_s: float
    lane: Lane
    text: str


class Episode:
    """Sends one order under an id made before, whose answer is lost, and asks for it.

    Parameters
    ----------
    arrives : bool
        Whether the order reaches the exchange all the same.

    Attributes
    ----------
    events : list of Event
        Yours by this machine's clock, the exchange's from the lab's truth log (the same clock).
    """

    def __init__(self, lab: Lab, exchange: Exchange, *, arrives: bool) -> None:
        self._lab, self._exchange = lab, exchange
        self.arrives = arrives
        self.client_order_id = exchange.new_client_order_id()
        self._price = far_below(exchange)
        exchange.balances()  # clock and connection are known: the next POST is the order
        self._mark = exchange.truth.events(None).next
        self._sent_ns = mono_ns()
        self.events: list[Event] = []
        self._send()

    def _note(self, text: str) -> None:
        self.events.append(Event((mono_ns() - self._sent_ns) / 1e9, "you", text))

    def _send(self) -> None:
        self._note("sent")
        with self._lab.fault("timeout", path="POST *", count=1, executed=self.arrives):
            try:
                self._exchange.place_order(
                    SYMBOL,
                    "buy",
                    "0.01",
                    type="limit",
                    price=self._price,
                    client_order_id=self.client_order_id,
                )
            except VocxError as error:
                self._note(str(error.outcome))
        for one in self._exchange.truth.events(self._mark, symbol=SYMBOL, kind="order"):
            if one.price == self._price and one.what in ("new", "accepted", "rested"):
                at_s = (one.mono_ns - self._sent_ns) / 1e9
                self.events.append(Event(at_s, "the exchange", "has it"))
                break
        else:
            self.events.append(Event(0.0, "the exchange", "has nothing"))

    def ask(self, *after_s: float) -> str:
        """Ask for the order by its id so many seconds after it was sent; what came of that, in
        lines. Ends with the first answer that it is there."""
        lines = []
        for at_s in after_s:
            time.sleep(max(0.0, at_s - (mono_ns() - self._sent_ns) / 1e9))
            found: str
            try:
                found = self._exchange.order(self.client_order_id, SYMBOL).status
            except OrderNotFound:
                found = "not found"
            except VocxError as error:
                found = type(error).__name__
            self._note(found)
            lines.append(f"{self.events[-1].at_s:4.1f} s  {found}")
            if found != "not found":
                break
        return "\n".join(lines)


def figure(*episodes: Episode, height: int = 330) -> Any:
    """Two lanes for each episode, seconds after the order was sent: what you knew, what was so."""
    with optional_parts():
        from plotly.subplots import make_subplots

    from vocx import figures

    titles = ["it arrived" if one.arrives else "it did not arrive" for one in episodes]
    made: Any = make_subplots(
        rows=len(episodes), shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.16
    )
    lanes: tuple[tuple[Lane, str, str], ...] = (
        ("the exchange", figures.TRUTH, "square"),
        ("you", figures.PUSHED, "circle"),
    )
    for row, episode in enumerate(episodes, 1):
        for lane, color, symbol in lanes:
            mine = [one for one in episode.events if one.lane == lane]
            marks = figures.marks(lane, color, symbol, showlegend=False)
            marks.update(
                x=[one.at_s for one in mine],
                y=[lane] * len(mine),
                text=[_label(one, mine) for one in mine],
                mode="markers+text",
                textposition="top right",
                marker={"size": 10},
                hovertemplate="%{text} at %{x:.2f} s<extra>" + lane + "</extra>",
            )
            made.add_trace(marks, row=row, col=1)
    last_s = max(one.at_s for episode in episodes for one in episode.events)
    figures.style_subplots(
        made,
        x="",
        y="",
        height=height,
        margin={"t": 40, "r": 60},
        xaxis={"range": [-0.05 * last_s, 1.15 * last_s]},
        yaxis={"range": [-0.4, 1.9], "tickformat": ""},
    )
    made.update_xaxes(title={"text": "seconds after it was sent", "standoff": 4}, row=len(episodes))
    return made


def _label(event: Event, lane: list[Event]) -> str:
    """What is written at a mark: the first two of a lane may stand at one place."""
    close = [one for one in lane if abs(one.at_s - event.at_s) < 0.1]
    return "" if event is not close[-1] else ", ".join(one.text for one in close)
