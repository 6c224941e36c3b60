"""Live views for notebooks: charts and tables that move while other cells run.

>>> tape = ex.stream("trades", "quotes", "book", symbols="BTC/USDT").wait(5)
>>> views.price(tape)
>>> views.book(tape)
>>> views.dials(ex.lab)
>>> views.orders(ex)
>>> views.stop_all()

Every view has a Pause and a Stop, a fixed window, a text twin (``.table()``) and a foreground
form for front ends where live widgets freeze (``.watch(20)``). Making a view under a name that is
taken replaces it, so a re-run cell never doubles. ``note`` is a line shown above a view: what to
look for. In a lab the views of a stream can cut its line, silence it and lose one message, by
buttons and by ``view.cut()``, ``with view.silence(): ...``, ``view.lose_one()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vocx.arguments import (
    check_count,
    check_name,
    check_names,
    check_number,
    check_optional_name,
)
from vocx.call_forms import says_its_form
from vocx.errors import optional_parts

with optional_parts():
    from vocx.views.account import BalancesView, OrdersView
    from vocx.views.book import BookView
    from vocx.views.candles import CandlesView
    from vocx.views.dials import DialsView
    from vocx.views.hybrid import HybridView
    from vocx.views.price import PriceView
    from vocx.views.stream_view import StreamView
    from vocx.views.tables import BudgetView, RunningView, TapeView
    from vocx.views.twin import show_boxes
    from vocx.views.view import View, ViewStats, opened, stop_all

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.facts import Candle
    from vocx.hybrid import HybridClient
    from vocx.lab import Lab
    from vocx.stream import Stream

__all__ = [
    "StreamView",
    "View",
    "ViewStats",
    "balances",
    "book",
    "budget",
    "candles",
    "dials",
    "hybrid",
    "opened",
    "orders",
    "price",
    "running",
    "stop_all",
    "tape",
]

show_boxes()


def __dir__() -> list[str]:
    return __all__


@says_its_form
def price(
    stream: Stream,
    symbol: str | None = None,
    *,
    seconds: float = 60.0,
    name: str | None = None,
    note: str = "",
) -> StreamView:
    """Best bid and ask as steps, trades as triangles, over the last ``seconds``.

    Times are arrivals on this machine's clock. Of several changes within a 600th of the window
    the last is drawn, of several trades of one side within a 180th the largest.

    Raises
    ------
    BadInput
        The stream carries neither quotes nor trades of this symbol.
    """
    seconds = check_number(seconds, "seconds", above=0)
    return PriceView(stream, symbol, seconds, *_texts(name, note))


@says_its_form
def book(
    stream: Stream,
    symbol: str | None = None,
    *,
    depth: int = 20,
    name: str | None = None,
    note: str = "",
) -> StreamView:
    """The best ten levels as a ladder beside the total quantity of the best ``depth``.

    A book that is not in sync is greyed, and the status line says why.

    Raises
    ------
    BadInput
        The stream carries no book of this symbol.
    """
    depth = check_count(depth, "depth", least=1, example=20)
    return BookView(stream, symbol, depth, *_texts(name, note))


@says_its_form
def candles(
    stream: Stream,
    symbol: str | None = None,
    interval: str | None = None,
    *,
    history: Sequence[Candle] = (),
    n: int = 60,
    name: str | None = None,
    note: str = "",
) -> StreamView:
    """The latest ``n`` candles by the venue's clock; the one that can still change is hollow.

    A stream knows the candles since it began. ``history`` goes before them:
    ``ex.candles("BTC/USDT", "1m", limit=60)``.

    Raises
    ------
    BadInput
        The stream carries no candles of this symbol and interval, or ``history`` is of others.
    """
    n = check_count(n, "n", least=1, example=60)
    interval = check_optional_name(interval, "interval", "1m")
    return CandlesView(stream, symbol, interval, history, n, *_texts(name, note))


@says_its_form
def tape(
    stream: Stream,
    symbol: str | None = None,
    *,
    n: int = 14,
    name: str | None = None,
    note: str = "",
) -> StreamView:
    """The last ``n`` trades, newest first, with the taker's side in words.

    Raises
    ------
    BadInput
        The stream carries no trades of this symbol.
    """
    return TapeView(stream, symbol, check_count(n, "n", least=1, example=14), *_texts(name, note))


@says_its_form
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
    venue = check_optional_name(venue, "venue", "binance")
    return DialsView(lab, venue, *_texts(name, note))


@says_its_form
def hybrid(client: HybridClient, *, name: str | None = None, note: str = "") -> View:
    """How a hybrid client does: where its book comes from and how old it is, reconnects, gaps and
    drops, the fullest limit, its orders with those of unknown outcome, profit and loss.

    Greyed while it waits, with the reason in the status line. The Stop button stops the *client*,
    which cancels its orders; ``.stop()`` of the view ends the view alone.

    Raises
    ------
    BadInput
        ``client`` is none.
    """
    return HybridView(client, name, note)


@says_its_form
def running(*, name: str | None = None) -> View:
    """The streams and views of this kernel: state, rate, age, reconnects; once a second."""
    return RunningView(check_optional_name(name, "name", "mine"))


@says_its_form
def budget(exchange: Exchange, *, name: str | None = None) -> View:
    """What is used and left of each of the venue's limits; once a second."""
    return BudgetView(exchange, check_optional_name(name, "name", "mine"))


@says_its_form
def orders(
    source: Stream | Exchange,
    symbol: str | None = None,
    *,
    n: int = 8,
    name: str | None = None,
    note: str = "",
) -> StreamView:
    """My orders, open ones first, at most ``n``; below them the latest fills.

    Of all symbols, or of one. While the connection is lost, and until what that hid was asked for
    by REST ("reconciling"), the rows are greyed and the status line says why; the latest outage
    stays named below. A fill that no event told is marked so. In a lab a button cuts the line, as
    ``view.cut()`` does; there is nothing to silence or to lose, as the lab's faults are of public
    topics.

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
    symbol = check_optional_name(symbol, "symbol", "BTC/USDT")
    n = check_count(n, "n", least=1, example=8)
    return OrdersView(source, symbol, n, *_texts(name, note))


@says_its_form
def balances(
    source: Stream | Exchange,
    assets: Sequence[str] | None = None,
    *,
    n: int = 12,
    name: str | None = None,
    note: str = "",
) -> StreamView:
    """What the account holds: free, locked by open orders, and both together; at most ``n`` rows.

    Shows the ``assets`` named, or all that are held. Greyed while they may be out of date, as
    :func:`orders` are, with the same button where they are not polled; ``source`` as there, with
    ``"balances"``.

    Raises
    ------
    BadInput
        The stream does not carry balances.
    NotAllowed
        There is no key for this exchange.
    """
    n = check_count(n, "n", least=1, example=12)
    named = check_names(assets, "assets", "USDT")
    return BalancesView(source, named, n, *_texts(name, note))


def _texts(name: object, note: object) -> tuple[str | None, str]:
    """A view's name and the line above it."""
    return check_optional_name(name, "name", "mine"), check_name(note, "note", "look at the spread")
