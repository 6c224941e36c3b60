"""Instruments of single lessons: views that measure while they show, with the lesson's sliders.

They are called as ``course.compare(...)`` and so on, and are views like those of :mod:`vocx.views`:
pause, stop, text twin and replacement by name are the same. They need the notebook extra, which is
loaded when the first of them is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from vocx.errors import optional_parts

if TYPE_CHECKING:
    from vocx.course.instruments.compare_view import CompareView
    from vocx.course.instruments.freshness_view import FreshnessView
    from vocx.course.instruments.frontier_view import FrontierView
    from vocx.exchange import Exchange
    from vocx.lab import Lab
    from vocx.measure import Traffic
    from vocx.stream import Stream
    from vocx.views import View

__all__ = ["board", "compare", "freshness", "frontier", "signature"]


def board(
    streams: Sequence[Stream],
    *,
    symbol: str | None = None,
    max_age_ms: float = 2000.0,
    seconds: float = 30.0,
    dials: Lab | None = None,
    far: str | None = None,
    name: str | None = None,
    note: str = "",
) -> View:
    """The best price of several venues on one chart, and what lies between them.

    Above, the mid price of each venue as it arrived; below, the spread between venues: the best
    bid of one minus the best ask of another, before fees, in the quote currency. The table has bid,
    ask, age and state of each. A price that is out of sync, or not proven younger than
    ``max_age_ms``, breaks its line and is not counted.

    Parameters
    ----------
    streams : sequence of Stream
        Two to four with ``"quotes"``, each of another venue.
    dials, far : Lab and str, optional
        Put a slider for the distance of the venue called ``far`` above the chart.

    Raises
    ------
    BadInput
        A stream carries no quotes of this symbol, or two are of one venue.
    """
    with optional_parts():
        from vocx.course.instruments.board_view import BoardView

    return BoardView(
        streams,
        symbol=symbol,
        max_age_ms=max_age_ms,
        seconds=seconds,
        dials=dials,
        far=far,
        name=name,
        note=note,
    )


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
) -> CompareView:
    """The mid price asked for by REST every ``every_ms`` and pushed by a stream, on one chart.

    Both lines are drawn by when this machine knew the price; in a lab the true price is drawn
    behind them, by when it was so. The asking is done by the view, in a thread that ends with it.
    A slider above the chart sets how often, as does ``view.every_ms = 500``.

    Parameters
    ----------
    asked : Exchange
        Asked for its best bid and ask (Binance: weight 2 a call).
    pushed : Stream
        With ``"quotes"``.
    dials : Lab, optional
        Puts a slider for the distance of the exchange above the chart, too.

    Raises
    ------
    BadInput
        The stream carries no quotes of this symbol, or ``every_ms`` is below 20.
    """
    with optional_parts():
        from vocx.course.instruments.compare_view import CompareView

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
) -> FreshnessView:
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
        than the interval, replies come one call time apart. ``view.every_ms`` sets it from code.
    dials : Lab, optional
        Whose distance the slider turns; by default that of ``asked``, which outside a lab has
        none.

    Raises
    ------
    BadInput
        A stream carries nothing of this symbol, or ``every_ms`` is below 20.
    """
    with optional_parts():
        from vocx.course.instruments.freshness_view import FreshnessView

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
) -> FrontierView:
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
    with optional_parts():
        from vocx.course.instruments.frontier_view import FrontierView

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


def signature(
    ask: Callable[[str, str], tuple[str, str]], *, name: str | None = None, note: str = ""
) -> View:
    """Edit an order and watch what is signed, what is sent and what comes back.

    ``ask(signed, sent)`` gives the signature of one text and the answer to the other, sent under
    it: :class:`vocx.course.signing.SignatureTester` has a lab test it, and places nothing.
    Signatures are shown as they are, so no real key belongs here.
    """
    with optional_parts():
        from vocx.course.instruments.signature_view import SignatureView

    return SignatureView(ask, name, note)
