"""The latest of a channel: the facts, with their two times.

``as_of``: up to when this is complete. ``changed``: when its last event arrived. They differ in a
quiet market: a price that has not changed for ten seconds, on a feed that is proven alive, is as
fresh as its feed. Gates belong on the first.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from msgspec.structs import asdict

from vocx.facts import BookSnapshot, Candle, Fact, Quote, Source, Ticker, Trade, aware


class Timed:
    """The times of an answer, and whether it was streamed or, where a venue does not stream it,
    polled (``source``); mixed into each kind of state."""

    __slots__ = ()
    as_of_ns: int | None
    changed_ns: int
    asked_ns: int
    source: Source

    @property
    def as_of(self) -> datetime | None:
        """Complete up to this moment; ``None`` while nothing proves it."""
        return aware(self.as_of_ns)

    @property
    def changed(self) -> datetime | None:
        """Arrival of the last event."""
        return aware(self.changed_ns)

    @property
    def age_ms(self) -> float | None:
        """How old the answer was when you asked: asked minus ``as_of``, milliseconds."""
        return None if self.as_of_ns is None else (self.asked_ns - self.as_of_ns) / 1e6


class TradeState(Trade, Timed, frozen=True, kw_only=True, gc=False):
    """The latest trade; see :class:`Timed`. ``in_sync``: the feed is live."""

    as_of_ns: int | None = None
    changed_ns: int = 0
    asked_ns: int = 0
    in_sync: bool = True
    source: Source = "stream"


class QuoteState(Quote, Timed, frozen=True, kw_only=True, gc=False):
    """The best bid and ask; see :class:`Timed`. ``in_sync``: the feed is live."""

    as_of_ns: int | None = None
    changed_ns: int = 0
    asked_ns: int = 0
    in_sync: bool = True
    source: Source = "stream"


class TickerState(Ticker, Timed, frozen=True, kw_only=True):
    """The last 24 hours; see :class:`Timed`. ``in_sync``: the feed is live."""

    as_of_ns: int | None = None
    changed_ns: int = 0
    asked_ns: int = 0
    in_sync: bool = True
    source: Source = "stream"


class CandleState(Candle, Timed, frozen=True, kw_only=True):
    """The latest candle; see :class:`Timed`. ``in_sync``: the feed is live."""

    as_of_ns: int | None = None
    changed_ns: int = 0
    asked_ns: int = 0
    in_sync: bool = True
    source: Source = "stream"


class BookState(BookSnapshot, Timed, frozen=True, kw_only=True):
    """The book; see :class:`Timed`. ``in_sync``: a true copy, on a live feed."""

    as_of_ns: int | None = None
    changed_ns: int = 0
    asked_ns: int = 0
    in_sync: bool = True
    source: Source = "stream"


S = TypeVar("S", bound=Fact)


def latest(kind: type[S], fact: Fact, **times: Any) -> S:
    """``fact`` as a state of this kind, with its times."""
    return kind(**asdict(fact), **times)
