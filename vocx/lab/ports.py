"""What a dialect may read and drive: one symbol's market, and all of them with their driver.

A live market and a replayed one are the same to who asks through these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from vocx.lab.events import AnyEvent, Bar, InstrumentSpec, IntLevel, Traded, Window

if TYPE_CHECKING:
    from vocx.lab.accounts.accounts import Accounts


class Market(Protocol):
    """One symbol as a dialect may read it: live or replayed."""

    spec: InstrumentSpec

    @property
    def update_id(self) -> int:
        """The id of the last change that the book contains."""

    def top(self, depth: int) -> tuple[list[IntLevel], list[IntLevel]]:
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
        interval: str,
        limit: int,
        now_ns: int,
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        offset_ns: int = 0,
    ) -> Sequence[Bar]:
        """Candles oldest first, the open one included; ``interval`` as Binance writes it
        (``"1s"`` to ``"1M"``), ``offset_ns`` shifts the boundaries (time zones)."""

    def window(self, length_ns: int, now_ns: int) -> Window:
        """The rolling window of that length that ends at ``now_ns``."""

    def average_price(self, minutes: int, now_ns: int) -> tuple[int, int]:
        """Volume-weighted average in 1e-8 of the quote asset, and the last trade's time."""


class MarketSimulation(Protocol):
    """All symbols and what drives them: the crowd, or a recording."""

    markets: dict[str, Market]
    """By symbol, ``"BTC/USDT"``."""

    @property
    def accounts(self) -> Accounts | None:
        """Who may trade; ``None`` in a replay, which takes no orders."""

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
