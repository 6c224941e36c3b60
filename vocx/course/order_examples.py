"""Orders, for lessons that look at them: their fate in a line, and one order's life in frames."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from vocx.course.waiting import wait_for
from vocx.errors import BadInput, OrderNotFound, VocxError, optional_parts
from vocx.exchange import Exchange
from vocx.exchange.environment import VenueEnvironment
from vocx.facts import BookSnapshot, Order, OrderAck
from vocx.text import counted, plain

if TYPE_CHECKING:
    from vocx.lab import Lab

_STEPS = 5
"""Bids that a frame of :class:`OrderTimeline` shows."""
_QUEUE = (Decimal(1), Decimal(6))
"""What stands at the best bid when an :class:`OrderTimeline` begins: seen beside an order of 2."""
_ASK = Decimal(2)
"""At most so much stands at the best ask then: an IOC order of one more leaves a rest."""
_STEPS_TO_A_QUEUE = 20_000
_PATIENCE_S = 5.0
_RICH = {"BTC": "1000", "ETH": "10000", "SOL": "100000"}


def describe(order: Order) -> str:
    """An order's fate in one line: what was wanted, its status word, what came of it."""
    price = "" if order.price is None else f" at {order.price:,f}".rstrip("0").rstrip(".")
    wanted = f"{order.type} {order.side} {_plain(order.quantity)}{price}"
    if order.time_in_force not in (None, "GTC"):
        wanted += f" {order.time_in_force}"
    text = f"{wanted}: {order.status}, filled {_plain(order.filled)}"
    if order.average_price is None:
        return text
    levels = len({one.price for one in order.fills})
    roles = {one.role for one in order.fills if one.role}
    text += f" for {order.average_price:,.2f} each"
    if levels:
        text += f" ({counted(len(order.fills), 'fill')} at {counted(levels, 'price')}"
        text += f", as {' and '.join(sorted(roles))})" if roles else ")"
    return text


def cancel_open_orders(exchange: Exchange, symbol: str | None = None) -> str:
    """Cancel this account's orders, of one symbol or of all; says how many, ``""`` if none."""
    found = exchange.open_orders(symbol)
    symbols = sorted({one.symbol for one in found})
    for one in symbols:
        exchange.cancel_all(one)
    what = counted(len(found), "order")
    return f"Cancelled: {what} left open on {', '.join(symbols)}." if found else ""


def refusal(call: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    """Make a call that should fail; what it raised, of orders with what became of them."""
    try:
        call(*arguments, **options)
    except VocxError as error:
        return f"{type(error).__name__}, outcome {error.outcome}:\n  {error}"
    except Exception as error:
        return f"{type(error).__name__}: {str(error).partition(' for url')[0]}"
    return "it was not refused"


def settled(exchange: Exchange, order: Order | OrderAck) -> Order:
    """The order as the exchange knows it, as soon as it rests or has ended: some venues answer an
    order with no more than its id.

    Raises
    ------
    OrderNotFound
        It is not known after five seconds.
    """
    if isinstance(order, Order) and not order.open:
        return order

    def known() -> Order | None:
        with suppress(OrderNotFound):
            found = exchange.order(order)
            rests = found.type != "market" and found.time_in_force not in ("IOC", "FOK")
            return found if rests or not found.open else None
        return None

    return wait_for(known, _PATIENCE_S, every_s=0.05) or exchange.order(order)


class Counterparty:
    """A second account at the same exchange of the lab, to trade with."""

    def __init__(self, exchange: Exchange) -> None:
        assert exchange.lab is not None
        self._lab, venue = exchange.lab, exchange.venue
        key = self._lab.account(balances=_RICH, venue=venue.name)
        place = VenueEnvironment(venue, "custom", urls=self._lab.urls[venue.name], key=key)
        self._exchange = Exchange(venue, place, name=f"{venue.name}: counterparty")

    def sell(self, symbol: str, quantity: Decimal | str) -> Order:
        """Sell at the best prices there are.

        Raises
        ------
        VocxError
            The exchange refused, with its reason.
        """
        truth = self._lab.truth.at(self._exchange.venue.name)
        price = truth.book(symbol, 20).bids[-1][0]
        order = self._exchange.place_order(
            symbol, "sell", quantity, type="limit", price=price, time_in_force="IOC"
        )
        return settled(self._exchange, order)


def _pause_at_a_queue(lab: Lab, venue: str, symbol: str) -> None:
    """Pause where there is something to wait behind, and not more to take than one can buy."""
    lab.pause()
    for _ in range(0, _STEPS_TO_A_QUEUE, 20):
        book = lab.truth.at(venue).book(symbol, depth=1)
        if book.bids and book.asks:
            least, most = _QUEUE
            if least <= book.bids[0][1] <= most and book.asks[0][1] <= _ASK:
                return
        lab.step(20)


class TimelineFrame(msgspec.Struct, frozen=True):
    """A book, and your order in it; ``order`` is ``None`` before there was one."""

    book: BookSnapshot
    order: Order | None = None

    @property
    def title(self) -> str:
        """The status word and what is filled."""
        if self.order is None:
            return "before"
        filled = f"{_plain(self.order.filled)} of {_plain(self.order.quantity)} filled"
        if self.order.status == "new":
            return f"resting<br><sup>'new', {filled}</sup>"
        return f"{self.order.status.replace('_', ' ')}<br><sup>{filled}</sup>"


class OrderTimeline:
    """Frames of one order's life, beginning with the book before it.

    Pauses the lab's market, at a moment when a queue stands at the best bid and little at the best
    ask, so that nothing happens between two frames but what you do; ``lab.resume()`` lets it go
    on. Orders of yours that are open are cancelled before, which it says: in the frames they would
    look like those of others.
    """

    def __init__(self, lab: Lab, exchange: Exchange, symbol: str) -> None:
        self._lab, self._exchange, self._symbol = lab, exchange, symbol
        self._counterparty = Counterparty(exchange)
        if left := cancel_open_orders(exchange, symbol):
            print(left)
        _pause_at_a_queue(lab, exchange.venue.name, symbol)
        self.frames = [TimelineFrame(self._book())]

    def _book(self) -> BookSnapshot:
        return self._exchange.truth.book(self._symbol, depth=50)

    @property
    def bid(self) -> Decimal:
        """The best bid before."""
        return self.frames[0].book.bids[0][0]

    @property
    def queue_ahead(self) -> Decimal:
        """What stood there before."""
        return self.frames[0].book.bids[0][1]

    def capture(self, order: Order | OrderAck) -> Order:
        """Add a frame of now; the order as the exchange knows it."""
        now = settled(self._exchange, order)
        self.frames.append(TimelineFrame(self._book(), now))
        return now

    def sell(self, quantity: Decimal | str) -> Order:
        """Let the counterparty sell, and add a frame of the order after it."""
        order = self.frames[-1].order
        if order is None:
            raise BadInput("there is no order yet: timeline.capture(order) first")
        self._counterparty.sell(self._symbol, quantity)
        return self.capture(order)

    def show(self, *, height: int = 340) -> Any:
        """The frames beside each other as ladders, your order set apart.

        From the engine's own book (the lab's truth), which no clock is needed for.
        """
        with optional_parts():
            from plotly.subplots import make_subplots

        from vocx import figures

        base, _, quote = self._symbol.partition("/")
        made: Any = make_subplots(
            cols=len(self.frames),
            shared_yaxes=True,
            horizontal_spacing=0.02,
            subplot_titles=[frame.title for frame in self.frames],
        )
        prices = self._prices()
        names = [f"{price:,}" for price in prices]
        for column, frame in enumerate(self.frames, 1):
            for bar in _bars(frame, prices):
                bar.update(y=names, showlegend=column == len(self.frames) - 1)
                made.add_trace(bar, row=1, col=column)
        figures.style_subplots(
            made,
            x=base,
            y="",
            height=height,
            barmode="stack",
            bargap=0.15,
            margin={"t": 72, "b": 58},
            legend={"y": 0, "yanchor": "bottom"},
            xaxis={"nticks": 4, "matches": "x"},
            yaxis={
                "type": "category",
                "categoryorder": "array",
                "categoryarray": names,
                "tickformat": "",
            },
        )
        made.update_yaxes(title={"text": f"price, {quote}"}, col=1)
        return made

    def _prices(self) -> list[Decimal]:
        """The same rungs in each frame, lowest first: the best few of the book before."""
        bids = [price for price, _ in self.frames[0].book.bids[:_STEPS]]
        asks = [price for price, _ in self.frames[0].book.asks[:3]]
        return sorted({*bids, *asks})


def _bars(frame: TimelineFrame, prices: list[Decimal]) -> list[Any]:
    """Quantities at these prices: others' bids, yours, others' asks."""
    with optional_parts():
        import plotly.graph_objects as go

    from vocx import figures

    bids, asks, mine = dict(frame.book.bids), dict(frame.book.asks), dict[Decimal, Decimal]()
    order = frame.order
    if order is not None and order.open and order.price is not None and order.quantity is not None:
        rest = order.quantity - order.filled
        side = bids if order.side == "buy" else asks
        mine[order.price] = rest
        side[order.price] = side.get(order.price, rest) - rest
    return [
        go.Bar(
            name=name,
            legendgroup=name,
            orientation="h",
            x=[float(at.get(price, 0)) for price in prices],
            marker={
                "color": color,
                "opacity": 0.85,
                "pattern": {"shape": shape, "fillmode": "overlay", "fgcolor": "#ffffff"},
            },
            hovertemplate="%{x} at %{y}<extra>" + name + "</extra>",
        )
        for name, color, shape, at in (
            ("bids of others", figures.BID, "", bids),
            ("your order", figures.ASKED, "x", mine),
            ("asks of others", figures.ASK, "/", asks),
        )
    ]


def _plain(number: Decimal | None) -> str:
    return "?" if number is None else plain(number)
