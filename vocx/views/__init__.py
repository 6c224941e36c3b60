"""Live views for notebooks: charts and tables that move while other cells run.

>>> tape = ex.stream("trades", "quotes", "book", symbols="BTC/USDT").wait(5)
>>> views.price(tape)
>>> views.book(tape)
>>> views.compare(asked=ex, pushed=tape, dials=ex.lab)
>>> views.freshness(asked=ex, pushed=tape)
>>> views.frontier(asked=ex, pushed=tape, cost=measure.traffic(ex))
>>> views.dials(ex.lab)
>>> views.orders(ex)
>>> views.stop_all()

Every view has a Pause and a Stop, a fixed window, a text twin (``.table()``) and a foreground
form for front ends where live widgets freeze (``.watch(20)``). Making a view under a name that is
taken replaces it, so a re-run cell never doubles. ``note`` is a line shown above a view: what to
look for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vocx.views.account import BalancesView, OrdersView
from vocx.views.book import BookView
from vocx.views.compare import CompareView
from vocx.views.dials import DialsView
from vocx.views.freshness import FreshnessView
from vocx.views.frontier import FrontierView
from vocx.views.price import PriceView
from vocx.views.signature import Ask, SignatureView
from vocx.views.tables import BudgetView, RunningView, TapeView
from vocx.views.view import View, ViewStats, opened, stop_all

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab
    from vocx.measure import Traffic
    from vocx.stream import Stream

__all__ = [
    "View",
    "ViewStats",
    "balances",
    "book",
    "budget",
    "compare",
    "dials",
    "freshness",
    "frontier",
    "opened",
    "orders",
    "price",
    "running",
    "signature",
    "stop_all",
    "tape",
]


def price(
    stream: Stream,
    symbol: str | None = None,
    *,
    seconds: float = 60.0,
    name: str | None = None,
    note: str = "",
) -> View:
    """Best bid and ask as steps, trades as triangles, over the last ``seconds``.

    Times are arrivals on this machine's clock. Of several changes within a 600th of the window
    the last is drawn, of several trades of one side within a 180th the largest.

    Raises
    ------
    BadInput
        The stream carries neither quotes nor trades of this symbol.
    """
    return PriceView(stream, symbol, seconds, name, note)


def book(
    stream: Stream,
    symbol: str | None = None,
    *,
    depth: int = 20,
    name: str | None = None,
    note: str = "",
) -> View:
    """The best ten levels as a ladder beside the total quantity of the best ``depth``.

    A book that is not in sync is greyed, and the status line says why.

    Raises
    ------
    BadInput
        The stream carries no book of this symbol.
    """
    return BookView(stream, symbol, depth, name, note)


def tape(
    stream: Stream,
    symbol: str | None = None,
    *,
    n: int = 14,
    name: str | None = None,
    note: str = "",
) -> View:
    """The last ``n`` trades, newest first, with the taker's side in words.

    Raises
    ------
    BadInput
        The stream carries no trades of this symbol.
    """
    return TapeView(stream, symbol, n, name, note)


def compare(
    *,
    asked: Exchange,
    pushed: Stream,
    symbol: str | None = None,
    every_ms: float = 1000.0,
    seconds: float = 20.0,
    dials: Lab | None = None,
    name: str | None = None,
    note: str = "",
) -> View:
    """The mid price asked for by REST every ``every_ms`` and pushed by a stream, on one chart.

    Both lines are drawn by when this machine knew the price; in a lab the true price is drawn
    behind them, by when it was so. The asking is done by the view, in a thread that ends with it.

    Parameters
    ----------
    asked : Exchange
        Asked for its best bid and ask (Binance: weight 2 a call).
    pushed : Stream
        With ``"quotes"``.
    dials : Lab, optional
        Puts a slider for the distance of the exchange above the chart.

    Raises
    ------
    BadInput
        The stream carries no quotes of this symbol, or ``every_ms`` is below 20.
    """
    return CompareView(
        asked=asked,
        pushed=pushed,
        symbol=symbol,
        every_ms=every_ms,
        seconds=seconds,
        dials=dials,
        name=name,
        note=note,
    )


def freshness(
    *,
    asked: Exchange,
    pushed: Stream | Sequence[Stream],
    symbol: str | None = None,
    every_ms: float = 1000.0,
    seconds: float = 20.0,
    dials: Lab | None = None,
    name: str | None = None,
    note: str = "",
) -> View:
    """How old the price is that asking and listening show, over ``seconds``.

    Age is now minus the moment up to which what is shown is complete, milliseconds, on this
    machine's clock: from the exchange's book to this kernel. An asked price is half a call old on
    arrival and ages until the next reply; a pushed one is as old as its stream says (``age_ms``).
    Above the chart: sliders for the distance (in a lab) and the polling interval, and a table with
    the age now, its mean and 95th percentile since a slider was moved, the mean that arithmetic
    expects, and what that costs of the venue's limit. Asking pauses while the budget brakes it.

    Parameters
    ----------
    asked : Exchange
        Asked for its best bid and ask (Binance: weight 2 a call).
    pushed : Stream or sequence of Stream
        One line each: its quotes, or else its ticker, book, trades or candles of this symbol.
    every_ms : float
        Polling interval, 20 at least. A poll waits for its reply: at a distance that is longer
        than the interval, replies come one call time apart.
    dials : Lab, optional
        Whose distance the slider turns; by default that of ``asked``, which outside a lab has
        none.

    Raises
    ------
    BadInput
        A stream carries nothing of this symbol, or ``every_ms`` is below 20.
    """
    return FreshnessView(
        asked=asked,
        pushed=pushed,
        symbol=symbol,
        every_ms=every_ms,
        seconds=seconds,
        dials=dials,
        name=name,
        note=note,
    )


def frontier(
    *,
    asked: Exchange,
    pushed: Stream | Sequence[Stream],
    cost: Traffic,
    symbol: str | None = None,
    every_ms: float = 1000.0,
    seconds: float = 20.0,
    dials: Lab | None = None,
    name: str | None = None,
    note: str = "",
) -> View:
    """What freshness costs: the age below which a price is for 95 % of the time, against KiB a
    second on the wire, both logarithmic.

    Polling is a line, by arithmetic from the bytes of one measured call; it ends in crosses where
    the venue's weight limit forbids it. Two sliders, the polling interval and the distance, move a
    plan along it, which is really polled: a ring is where arithmetic puts it, a filled mark what
    was measured since a slider was moved. Streams are points, measured; one that speaks at each
    change stands where it is right after a message, and its whisker ends at the age that it can
    prove: silence is no message. A table has the numbers.

    Parameters
    ----------
    asked, pushed, symbol, seconds, dials
        As for :func:`freshness`.
    cost : Traffic
        What :func:`vocx.measure.traffic` counted: of ``"quote"`` polled, and of each stream.

    Raises
    ------
    BadInput
        As :func:`freshness`; or the costs lack a feed.
    """
    return FrontierView(
        asked=asked,
        pushed=pushed,
        cost=cost,
        symbol=symbol,
        every_ms=every_ms,
        seconds=seconds,
        dials=dials,
        name=name,
        note=note,
    )


def dials(lab: Lab, venue: str | None = None, *, name: str | None = None, note: str = "") -> View:
    """Sliders and buttons for a lab's network dials: distance, jitter, bandwidth; ``timeout`` (a
    black hole, until pressed again), ``reset_peer`` (once) and "Clear all".

    They turn the dials of ``venue``, or of all; dials that code turns move the sliders. What each
    emulates and what not stands beside it; whole in the docstrings of ``lab.network``.

    Raises
    ------
    BadInput
        ``lab`` is none.
    """
    return DialsView(lab, venue, name, note)


def running(*, name: str | None = None) -> View:
    """The streams and views of this kernel: state, rate, age, reconnects; once a second."""
    return RunningView(name)


def budget(exchange: Exchange, *, name: str | None = None) -> View:
    """What is used and left of each of the venue's limits; once a second."""
    return BudgetView(exchange, name)


def orders(
    source: Stream | Exchange,
    symbol: str | None = None,
    *,
    n: int = 8,
    name: str | None = None,
    note: str = "",
) -> View:
    """My orders, open ones first, at most ``n``; below them the latest fills.

    Of all symbols, or of one. While the connection is lost, and until what that hid was asked for
    by REST ("reconciling"), the rows are greyed and the status line says why; the latest outage
    stays named below. A fill that no event told is marked so.

    Parameters
    ----------
    source : Stream or Exchange
        A stream with ``"orders"``, perhaps ``"fills"``; or an exchange, for which one is started
        that its views share and that ends with the last of them.

    Raises
    ------
    BadInput
        The stream does not carry orders.
    NotAllowed
        There is no key for this exchange.
    """
    return OrdersView(source, symbol, n, name, note)


def balances(
    source: Stream | Exchange,
    assets: Sequence[str] | None = None,
    *,
    n: int = 12,
    name: str | None = None,
    note: str = "",
) -> View:
    """What the account holds: free, locked by open orders, and both together; at most ``n`` rows.

    Shows the ``assets`` named, or all that are held. Greyed while they may be out of date, as
    :func:`orders` are; ``source`` as there, with ``"balances"``.

    Raises
    ------
    BadInput
        The stream does not carry balances.
    NotAllowed
        There is no key for this exchange.
    """
    return BalancesView(source, assets, n, name, note)


def signature(ask: Ask, *, name: str | None = None, note: str = "") -> View:
    """Edit an order and watch what is signed, what is sent and what comes back.

    ``ask(signed, sent)`` gives the signature of one text and the answer to the other, sent under
    it: :class:`vocx.course.signing.Tester` has a lab test it, and places nothing. Signatures are
    shown as they are, so no real key belongs here.
    """
    return SignatureView(ask, name, note)
