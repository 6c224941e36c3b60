"""What a stream needs of an exchange: checked channels, snapshots, probes, logins, a name."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from vocx import errors
from vocx.arguments import as_count, brief, check_names, plain_text
from vocx.exchange.private_calls import PrivateCalls, VenueClock
from vocx.exchange.trading import Trading
from vocx.rest import Client
from vocx.venues.base import PRIVATE, ChannelSpec, Intent, Venue, split_symbol

if TYPE_CHECKING:
    from vocx.exchange.environment import Place
    from vocx.stream import Stream
    from vocx.stream.account import AccountAccess


class Streaming:
    """Makes the streams of one exchange.

    Parameters
    ----------
    place : VenueEnvironment or LabEnvironment
        Where they listen.
    client : Client
        With connections of its own, for what streams ask by REST.
    clock, calls, trading
        Ages, logins, and the account after an outage.
    """

    def __init__(
        self,
        place: Place,
        client: Client,
        clock: VenueClock,
        calls: PrivateCalls,
        trading: Trading,
    ) -> None:
        self._place, self._client, self._clock = place, client, clock
        self._calls, self._trading = calls, trading
        self._venue = cast(Venue, client.venue)
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()

    def create(
        self,
        wanted: Sequence[ChannelSpec],
        *,
        name: str,
        ask: Callable[[Intent, threading.Event], Any] | None = None,
        on_frame: Callable[[bytes, int], None] | None = None,
    ) -> Stream:
        """A stream with all it needs, not started yet."""
        from vocx.stream import Stream

        stream = Stream(
            self._venue,
            self._place.url,
            wanted,
            ask=ask or self.ask,
            account=self._account_access(wanted),
            headers=self._place.headers,
            offset_ns=self._ahead_ns,
            ca_file=self._place.ca_file(),
            on_frame=on_frame,
            name=name,
        )
        stream.lab = self._place.lab
        self._streams.add(stream)
        return stream

    def _account_access(self, wanted: Sequence[ChannelSpec]) -> AccountAccess | None:
        """What an account's channels need, if there are any; a missing key shows here."""
        if not any(one.channel in PRIVATE for one in wanted):
            return None
        from vocx.stream.account import AccountAccess

        self._place.credentials()
        self._trading.names.ask()
        return AccountAccess(
            credentials=self._place.credentials,
            now_ns=self._clock.now_ns,
            measure_clock=self._calls.measure_clock_quietly,
            reconcile=self._trading.reconcile,
            settle=self._trading.names.settle,
        )

    def _ahead_ns(self) -> int | None:
        """How far the venue's clock is ahead; a replay's stamps are no times of now."""
        lab = self._place.lab
        return None if lab is not None and lab.config.replay else self._clock.known.offset_ns

    def ask(self, intent: Intent, stopping: threading.Event) -> Any:
        """One REST call of a stream, in a thread of the stream's and over a session of its own;
        an account's are signed."""
        if self._venue.request(intent).signed:
            return self._calls.call(intent, stopping=stopping)
        return self._client.call(intent, stopping=stopping)

    def abort(self) -> None:
        """Stop what was started here, all at once, and what it asks for."""
        streams = list(self._streams)
        for stream in streams:
            stream.tell_stop()
        self._client.abort()
        for stream in streams:
            stream.stop()

    def close(self) -> None:
        """Stop what was started here."""
        for stream in list(self._streams):
            stream.stop()
        self._client.close()


def channel_specs(
    venue: Venue,
    channels: Sequence[str],
    symbols: str | Iterable[str],
    *,
    interval: str | None = None,
    depth: int | None = None,
    cadence_ms: int | None = None,
) -> list[ChannelSpec]:
    """Each channel of each symbol, checked; options go to the channels that have them.

    Raises
    ------
    UnknownChannel, UnknownInterval, UnknownSymbol, BadInput
        With what to write instead.
    """
    if not channels:
        raise errors.UnknownChannel(
            'name at least one channel: ex.stream("trades", symbols="BTC/USDT")'
        )
    for one in channels:
        if not isinstance(one, str):
            raise errors.UnknownChannel(
                f'{brief(one)} is no channel; write ex.stream("trades", symbols="BTC/USDT")'
            )
    of_account = [one for one in channels if one in PRIVATE]
    of_market = [one for one in channels if one not in PRIVATE]
    wanted = [venue.validate_channel(ChannelSpec(channel=one, symbol=None)) for one in of_account]
    symbols = check_names(symbols, "symbols", "BTC/USDT") or []
    if of_market and not symbols:
        venue.validate_channel(ChannelSpec(channel=of_market[0], symbol="BTC/USDT"))
        raise errors.BadInput(f'{of_market[0]} needs symbols; write symbols="BTC/USDT"')
    for symbol in symbols:
        split_symbol(symbol)
        for channel in of_market:
            spec = ChannelSpec(
                channel=channel,
                symbol=symbol,
                interval=plain_text(interval) if channel == "candles" else None,
                depth=as_count(depth) if channel == "book" else None,
                cadence_ms=as_count(cadence_ms) if channel == "book" else None,
            )
            wanted.append(venue.validate_channel(spec))
    _check_options(channels, interval=interval, depth=depth, cadence_ms=cadence_ms)
    return wanted


def _check_options(
    channels: Sequence[str], *, interval: str | None, depth: int | None, cadence_ms: int | None
) -> None:
    """An option without the channel it belongs to is a misunderstanding worth a word."""
    if interval is not None and "candles" not in channels:
        raise errors.BadInput('interval is for candles: ex.stream("candles", interval="1m", ...)')
    if (depth is not None or cadence_ms is not None) and "book" not in channels:
        raise errors.BadInput('depth and cadence_ms are for the book: ex.stream("book", ...)')


def stream_name(label: str, wanted: Sequence[ChannelSpec]) -> str:
    """A stream's default name: where it listens, channels and symbols."""
    channels = dict.fromkeys(one.channel for one in wanted)
    symbols = dict.fromkeys(one.symbol for one in wanted if one.symbol)
    return f"{label}: {'+'.join(channels)} {'+'.join(symbols) or 'of the account'}"
