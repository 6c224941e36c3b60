"""Listening: from what somebody wants to hear to a stream that has all it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from vocx import errors
from vocx.exchange import words
from vocx.facts import Fact, Instrument
from vocx.rest import Client
from vocx.timing import ClockOffset, wall_ns
from vocx.venues.base import PRIVATE, SIGNED, ChannelSpec, Credentials, Intent, Venue

if TYPE_CHECKING:
    from weakref import WeakSet

    from vocx.lab import Lab
    from vocx.stream import Stream
    from vocx.stream.account import AccountAccess, ReconcileRequest


class Listening:
    """What may be listened to. Mixed into :class:`~vocx.exchange.Exchange`."""

    venue: Venue
    lab: Lab | None
    _clock: ClockOffset
    _snapshots: Client
    _streams: WeakSet[Stream]

    if TYPE_CHECKING:

        @property
        def clock(self) -> ClockOffset: ...
        @property
        def _label(self) -> str: ...
        def url(self, purpose: str) -> str: ...
        def ca_file(self) -> str | None: ...
        def instrument(self, symbol: str) -> Instrument: ...
        def _key(self) -> Credentials: ...
        def _reconcile(
            self, request: ReconcileRequest, stopping: threading.Event
        ) -> list[Fact]: ...
        def _measure_clock_for_stream(self) -> None: ...
        def _ask_signed_for_stream(self, intent: Intent) -> Any: ...

    def stream(
        self,
        *channels: str,
        symbols: str | Iterable[str] = (),
        name: str | None = None,
        interval: str | None = None,
        depth: int | None = None,
        cadence_ms: int | None = None,
    ) -> Stream:
        """Listen to channels (``"trades"``, ``"quotes"``, ``"book"``, ``"ticker"``,
        ``"candles"``) of one or more symbols, or of your account (``"orders"``, ``"fills"``,
        ``"balances"``: all symbols, so none is named); the stream is started and returned at once.

        Starting a ``name`` that runs stops its predecessor; by default it is the venue, the
        channels and the symbols. ``interval`` is for candles; ``depth`` and ``cadence_ms`` ask
        for the venue's own top levels of the book instead of the full local one.

        Raises
        ------
        UnknownChannel, UnknownInterval, UnknownSymbol, BadInput
            Before anything is opened: a venue acknowledges a misspelt stream and stays silent.
        """
        return self.prepared(
            channels,
            symbols,
            name=name,
            interval=interval,
            depth=depth,
            cadence_ms=cadence_ms,
        ).start()

    def prepared(
        self,
        channels: Sequence[str],
        symbols: str | Iterable[str],
        *,
        name: str | None = None,
        interval: str | None = None,
        depth: int | None = None,
        cadence_ms: int | None = None,
        ask: Callable[[Intent, threading.Event], Any] | None = None,
        on_frame: Callable[[bytes, int], None] | None = None,
    ) -> Stream:
        """What :meth:`stream` starts, not started yet, for tools: ``on_frame`` gets every text
        frame and its arrival in the reader thread, ``ask`` makes its REST calls."""
        from vocx.stream import Stream

        wanted = words.listens(
            self.venue, channels, symbols, interval=interval, depth=depth, cadence_ms=cadence_ms
        )
        account = self._account_access(wanted)
        for plan in self.venue.plan_sockets(wanted):
            self.url(plan.purpose)  # a lab that died is said here, not by a stream born dead
        # Where REST does not answer now, a symbol cannot be checked; a stream has its own patience.
        with suppress(errors.TransportError):
            for symbol in dict.fromkeys(one.symbol for one in wanted if one.symbol):
                self.instrument(symbol)
            _ = self.clock
        stream = Stream(
            self.venue,
            self.url,
            wanted,
            ask=ask or self.ask_for_stream,
            account=account,
            offset_ns=self._ahead_ns,
            ca_file=self.ca_file(),
            on_frame=on_frame,
            name=name or words.stream_name(self._label, wanted),
        )
        stream.lab = self.lab
        self._streams.add(stream)
        return stream

    def _ahead_ns(self) -> int | None:
        """How far the venue's clock is ahead; a replay's stamps are no times of now."""
        replay = self.lab is not None and self.lab.config.replay
        return None if replay else self._clock.offset_ns

    def _account_access(self, wanted: Sequence[ChannelSpec]) -> AccountAccess | None:
        """What an account's channels need, if there are any; a missing key shows here."""
        if not any(one.channel in PRIVATE for one in wanted):
            return None
        from vocx.stream.account import AccountAccess

        self._key()
        return AccountAccess(
            credentials=self._key,
            now_ns=lambda: wall_ns() + self._clock.offset_ns,
            measure_clock=self._measure_clock_for_stream,
            reconcile=self._reconcile,
        )

    def ask_for_stream(self, intent: Intent, stopping: threading.Event) -> Any:
        """One REST call of a stream, in a thread of the stream's and over a session of its own;
        an account's are signed."""
        if stopping.is_set():
            raise errors.StreamStopped("the stream was stopped")
        if isinstance(intent, SIGNED):
            return self._ask_signed_for_stream(intent)
        return self._snapshots.call(intent)
