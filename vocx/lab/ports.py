"""What a dialect may read and drive: one symbol's market, and all of them with their driver.

A live market and a replayed one are the same to who asks through these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from vocx.lab.accounts.accounts import Accounts
from vocx.lab.events import (
    AnyEvent,
    Bar,
    BookLevel,
    InstrumentSpec,
    Interval,
    RecordedDepth,
    RecordedFact,
    RecordedFrame,
    Traded,
    Window,
)


class Market(Protocol):
    """One symbol as a dialect may read it: live or replayed."""

    spec: InstrumentSpec

    @property
    def update_id(self) -> int:
        """The id of the last change that the book contains."""

    def top(self, depth: int) -> tuple[list[BookLevel], list[BookLevel]]:
        """Bids descending and asks ascending, at most ``depth`` levels each."""

    def best(self) -> tuple[int, int, int, int]:
        """bid, bid quantity, ask, ask quantity; 0 for a missing side."""

    def trades(
        self,
        limit: int,
        *,
        from_id: int | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Sequence[Traded]:
        """Trades oldest first: from ``from_id`` or ``start_ns`` on (both inclusive), else the
        newest ``limit`` (up to ``end_ns``)."""

    def bars(
        self,
        interval: Interval,
        limit: int,
        now_ns: int,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Sequence[Bar]:
        """Candles oldest first, the open one included.

        They reach back as far as the market knows: years for whole hours, 40 days for whole
        minutes, the kept trades for less.
        """

    def window(self, length_ns: int, now_ns: int) -> Window:
        """The rolling window of that length that ends at ``now_ns``; where it opens before the
        kept trades, the cut minute is left out."""

    def average_price(self, minutes: int, now_ns: int) -> tuple[int, int]:
        """Volume-weighted average in 1e-8 of the quote asset, and the last trade's time."""


class MarketSimulation(Protocol):
    """All symbols and what drives them: the crowd, or a recording.

    A dialect knows one of these and no more: its venue's instruments, books and accounts.
    """

    markets: dict[str, Market]
    """By symbol, ``"BTC/USDT"``."""

    @property
    def accounts(self) -> Accounts | None:
        """Who may trade; ``None`` in a replay, which takes no orders."""

    @property
    def over(self) -> bool:
        """Nothing will ever happen again: a recording has been played to its end."""

    @property
    def progress(self) -> Mapping[str, Any] | None:
        """Where a replay is, as JSON can carry it; ``None`` for a live market."""

    def exchange_ns(self, now_ns: int) -> int:
        """What the exchange's own clock shows at ``now_ns`` of this machine's wall clock: the
        same in a live market, the recording's time in a replay."""

    def set_pace(self, pace: float, now_ns: int) -> None:
        """How fast the market runs: 1.0 is the recorded session's rate, 0 pauses it. Time spent
        paused does not count: nothing is caught up afterwards."""

    def begin(self, now_ns: int) -> None:
        """Somebody subscribed for the first time (a recording starts to play)."""

    def next_ns(self) -> int | None:
        """When the next event is due on the exchange's clock; ``None`` while paused or over."""

    def advance(self, now_ns: int, limit: int = 1000) -> Sequence[AnyEvent]:
        """Everything due up to ``now_ns``, at most about ``limit`` events."""

    def step(self, count: int, now_ns: int) -> Sequence[AnyEvent]:
        """The next ``count`` steps of a paused market, whatever the clock says."""


class RecordingFormat(Protocol):
    """How one venue's frames are read from a recording: what replay asks its dialect."""

    def frame(self, payload: bytes) -> RecordedFrame | None:
        """A frame of a stream, ``None`` for another line. Quick for what the venue wrote itself;
        what was saved again, with blanks or in another order, is read and written as the venue
        does."""

    def is_control(self, payload: bytes) -> bool:
        """Whether a line that is neither a frame nor a book is something else that the venue
        sends, and nobody plays: an acknowledgement, a heartbeat, an account's event."""

    def assets(self, stream: str) -> tuple[str, str] | None:
        """Base and quote of the symbol that a stream is about; ``None`` if it is about all."""

    def quotes(self, stream: str) -> bool:
        """Whether a stream's frames are best prices, of which only the newest counts."""

    def sent_ns(self, data: bytes) -> int | None:
        """The frame's own stamp, ``None`` if it bears none.

        Raises
        ------
        ValueError
            It is no JSON object.
        """

    def facts(self, stream: str, data: bytes) -> Sequence[RecordedFact]:
        """What a frame says, in order; nothing for one that only passes through."""

    def snapshot(self, payload: bytes) -> RecordedDepth | None:
        """The book that a recorded REST answer holds, ``None`` for another line.

        Raises
        ------
        ValueError
            It is no JSON object.
        """

    def event_id(self, data: bytes) -> int | None:
        """The id that a frame carries: its trade id, else its update id."""


class MarketLoop(Protocol):
    """What drives the markets, as the servers and the owner's commands see it."""

    @property
    def simulations(self) -> Mapping[str, MarketSimulation]:
        """By venue; the first leads."""

    @property
    def error(self) -> Exception | None:
        """What ended a replay before its end."""

    @property
    def lossless(self) -> bool:
        """Whether the market waits for its slowest client (a replay at full speed)."""

    def exchange_ns(self) -> int:
        """The exchange's clock now."""

    def contact(self) -> None:
        """Somebody is there: an idle market wakes up."""

    def reschedule(self) -> None:
        """Something may be due sooner than was planned."""

    def reschedule_deadlines(self) -> None:
        """The same, and deadlines may have moved."""
