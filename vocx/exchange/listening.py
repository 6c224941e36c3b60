"""Listening: from what somebody wants to hear to a stream that has all it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from vocx import errors
from vocx.exchange import words
from vocx.facts import BookSnapshot, Fact, Instrument
from vocx.rest import Client
from vocx.timing import ClockOffset
from vocx.venues.base import PRIVATE, ChannelSpec, Credentials, GetBook, GetTime, SocketPlan, Venue

if TYPE_CHECKING:
    from weakref import WeakSet

    from vocx.lab import Lab
    from vocx.stream import Stream
    from vocx.stream.account import ReconcileRequest


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
        def _login(self, plan: SocketPlan) -> SocketPlan: ...
        def _reconcile(self, missed: ReconcileRequest) -> list[Fact]: ...
        def _resync_for_stream(self) -> None: ...

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
        snapshot: Callable[[GetBook], BookSnapshot] | None = None,
        on_frame: Callable[[bytes, int], None] | None = None,
    ) -> Stream:
        """What :meth:`stream` starts, not started yet, for tools: ``on_frame`` gets every text
        frame and its arrival in the reader thread, ``snapshot`` fetches the books."""
        from vocx.stream import Stream

        wanted = words.listens(
            self.venue, channels, symbols, interval=interval, depth=depth, cadence_ms=cadence_ms
        )
        account = self._account_gear(wanted)
        self.url("ws")  # a lab that died is said here, not by a stream that is dead at birth
        # Where REST does not answer now, a symbol cannot be checked; a stream has its own patience.
        with suppress(errors.TransportError):
            for symbol in dict.fromkeys(one.symbol for one in wanted if one.symbol):
                self.instrument(symbol)
            _ = self.clock
        stream = Stream(
            self.venue,
            self.url,
            wanted,
            snapshot=snapshot or self._snapshot,
            probe=self._probe,
            offset_ns=self._ahead_ns,
            ca_file=self.ca_file(),
            on_frame=on_frame,
            name=name or words.stream_name(self._label, wanted),
            **account,
        )
        stream.lab = self.lab
        self._streams.add(stream)
        return stream

    def _ahead_ns(self) -> int | None:
        """How far the venue's clock is ahead; a replay's stamps are no times of now."""
        replay = self.lab is not None and self.lab.config.replay
        return None if replay else self._clock.offset_ns

    def _account_gear(self, wanted: Sequence[ChannelSpec]) -> dict[str, Any]:
        """What an account's channels need, if there are any; a missing key shows here."""
        if not any(one.channel in PRIVATE for one in wanted):
            return {}
        self._key()
        return {
            "login": self._login,
            "resync": self._resync_for_stream,
            "reconcile": self._reconcile,
        }

    def _snapshot(self, intent: GetBook) -> BookSnapshot:
        """For a stream's local book: a session of its own, in the stream's own thread."""
        return cast(BookSnapshot, self._snapshots.call(intent))

    def _probe(self) -> None:
        """Does the venue answer? For a stream that hears nothing."""
        self._snapshots.call(GetTime())
