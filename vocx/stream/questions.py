"""What can be asked of a stream: the latest of each channel, with its age."""

from __future__ import annotations

from collections.abc import Sequence

from vocx.errors import NotReady, StreamStopped, SubscribeRefused, VocxError
from vocx.facts import Balance, Candle, Fact, Facts, Fill, Gap, Order, Quote, Trade
from vocx.stream.account import Account, AccountChannel
from vocx.stream.channels import (
    BookChannel,
    CandleChannel,
    ChannelState,
    QuoteChannel,
    State,
    TradeChannel,
    describe,
)
from vocx.stream.deadlines import Clock
from vocx.stream.latest import (
    BookState,
    CandleState,
    QuoteState,
    S,
    TickerState,
    TradeState,
    answer,
)
from vocx.stream.worker import SocketWorker
from vocx.venues.base import Venue

_WORST_FIRST = ("fatal", "degraded", "reconnecting", "connecting", "stale", "live")


class Questions:
    """The asking half of :class:`~vocx.stream.stream.Stream`: reads, never waits.

    Every question takes a symbol, which may be left out where there is only one.

    Raises (all of them)
    --------------------
    BadInput
        This stream does not listen to it; the text says what it listens to.
    NotReady
        Nothing arrived yet.
    StreamStopped
        Nothing arrived, and nothing will.
    """

    name: str
    venue: Venue
    _clock: Clock
    _state: State
    _readers: Sequence[SocketWorker]
    _stopped: bool

    @property
    def error(self) -> VocxError | None:
        """What ended it for good."""
        return next((r.course.error for r in self._readers if r.course.error), None)

    @property
    def state(self) -> str:
        """``"connecting"``, ``"live"``, ``"reconnecting"``, ``"stale"``, ``"degraded"``,
        ``"fatal"`` or ``"stopped"``: of several sockets the worst."""
        states = {reader.course.state for reader in self._readers}
        if "fatal" in states:
            return "fatal"
        if self._stopped or not states:
            return "stopped"
        return next(state for state in _WORST_FIRST if state in states)

    @property
    def why(self) -> str:
        """The state in words; empty while all is well."""
        return "; ".join(dict.fromkeys(r.course.why for r in self._readers if r.course.why))

    def _demand_alive(self) -> None:
        error = self.error
        if isinstance(error, SubscribeRefused):
            raise error
        if error is not None:
            raise StreamStopped(f"{self.name} died: {error}") from error
        if self._stopped:
            raise StreamStopped(f"{self.name} was stopped")
        if not self._readers:
            raise StreamStopped(f"{self.name} was not started; call start()")

    def quote(self, symbol: str | None = None) -> QuoteState:
        """The best bid and ask now.

        Raises
        ------
        BadInput
            This stream does not listen to it; the text says what it listens to.
        NotReady
            Nothing arrived yet.
        """
        return self._answer(QuoteState, self._state.find("quotes", symbol))

    def trade(self, symbol: str | None = None) -> TradeState:
        """The latest trade."""
        return self._answer(TradeState, self._state.find("trades", symbol))

    def ticker(self, symbol: str | None = None) -> TickerState:
        """The last 24 hours."""
        return self._answer(TickerState, self._state.find("ticker", symbol))

    def candle(self, symbol: str | None = None, interval: str | None = None) -> CandleState:
        """The latest candle, usually still open."""
        return self._answer(CandleState, self._state.find("candles", symbol, interval))

    def book(self, symbol: str | None = None, depth: int = 20) -> BookState:
        """The best ``depth`` levels of the local book.

        Raises
        ------
        BookOutOfSync
            It is not a true copy now; ``reason`` says why.
        """
        slot = self._state.find("book", symbol)
        if not isinstance(slot, BookChannel):
            return self._answer(BookState, slot)
        if not slot.ready:
            self._demand_alive()
        with slot.lock:
            fact = slot.book.snapshot(depth)
        return answer(BookState, fact, **self._times(slot, fact))

    def trades(self, symbol: str | None = None, n: int = 1000) -> Facts[Trade]:
        """The latest trades, newest last; at most 1,000 are kept."""
        slot = self._state.find("trades", symbol)
        assert isinstance(slot, TradeChannel)
        return Facts(slot.recent.copy())[-n:] if n > 0 else Facts()

    def candles(self, symbol: str | None = None, interval: str | None = None) -> Facts[Candle]:
        """The candles that the stream has seen, oldest first; at most 500 are kept."""
        slot = self._state.find("candles", symbol, interval)
        assert isinstance(slot, CandleChannel)
        return Facts(slot.recent.copy())

    def recent_quotes(
        self, symbol: str | None = None, seconds: float | None = None
    ) -> Facts[Quote]:
        """Changes of the best price, oldest first; at most 2,000 are kept."""
        slot = self._state.find("quotes", symbol)
        assert isinstance(slot, QuoteChannel)
        since_ns = 0 if seconds is None else self._clock.wall_ns() - int(seconds * 1e9)
        return Facts(fact for fact in slot.recent.copy() if fact.arrived_ns >= since_ns)

    def orders(self, symbol: str | None = None) -> Facts[Order]:
        """The account's orders as last known, the latest changed last; at most 1,000 are kept,
        open ones longest. ``.open`` of each says whether it can still be filled."""
        found = self._account("orders").orders.copy().values()
        return Facts(one for one in found if symbol in (None, one.symbol))

    def order(self, order: Order | int | str) -> Order:
        """One order as last known, named by itself, its number or its client order id.

        Raises
        ------
        NotReady
            This stream has not heard of it (yet).
        """
        key = order.id if isinstance(order, Order) else order
        for one in reversed(self.orders()):
            if key in (one.id, one.client_order_id):
                return one
        self._demand_alive()
        raise NotReady(f"this stream has not heard of order {key!r} yet", venue=self.venue.name)

    def fills(self, symbol: str | None = None, n: int = 1000) -> Facts[Fill]:
        """The account's latest fills, newest last; at most 1,000 are kept."""
        found = self._account("fills").recent.copy()
        return (
            Facts(one for one in found if symbol in (None, one.symbol))[-n:] if n > 0 else Facts()
        )

    def balances(self) -> Facts[Balance]:
        """What the account holds, as last known, by asset."""
        found = self._account("balances").balances.copy()
        return Facts(found[asset] for asset in sorted(found))

    @property
    def reconciling(self) -> str:
        """What an account's channels wait for before they are complete again after a login, in
        words; empty while they are, or while there is no connection (see :attr:`state`)."""
        said = (r.reconciling for r in self._readers if r.plan.private)
        return "; ".join(filter(None, said))

    def outages(self, channel: str | None = None) -> Facts[Gap]:
        """Times without a connection that ended, the latest last; at most 100 a socket are kept.
        What an account missed meanwhile is asked for by REST (see :attr:`reconciling`)."""
        found = [gap for reader in self._readers for gap in reader.outages.copy()]
        found.sort(key=lambda gap: gap.from_ns)
        return Facts(gap for gap in found if channel in (None, gap.channel))

    def _account(self, channel: str) -> Account:
        slot: AccountChannel = self._state.find(channel, None)
        return slot.account

    def _answer(self, kind: type[S], slot: ChannelState) -> S:
        fact = slot.fact
        if fact is None:
            self._demand_alive()
            raise NotReady(
                f"no {describe([slot.wanted])} has arrived yet (state {self.state}); "
                "wait for it: .wait(5)",
                venue=self.venue.name,
            )
        return answer(kind, fact, **self._times(slot, fact))

    def _times(self, slot: ChannelState, fact: Fact) -> dict[str, object]:
        reader = next(reader for reader in self._readers if slot in reader.slots)
        return {
            "as_of_ns": reader.as_of_ns(slot),
            "changed_ns": fact.arrived_ns,
            "asked_ns": self._clock.wall_ns(),
            "in_sync": reader.feeds(slot),
        }

    @property
    def age_ms(self) -> float | None:
        """Age of the stalest channel, milliseconds; ``None`` while one has nothing."""
        ages = []
        now_ns = self._clock.wall_ns()
        for reader in self._readers:
            for slot in reader.slots:
                as_of_ns = reader.as_of_ns(slot)
                if as_of_ns is None:
                    return None
                ages.append((now_ns - as_of_ns) / 1e6)
        return max(ages, default=None)
