"""Stream connections: raw and combined, subscriptions, and how they are cut.

web-socket-streams.md, a5e0bc3 of 2026-07-21. The acknowledgement checks syntax, not existence: a
well-formed name that no stream has is acknowledged and stays silent for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from vocx.lab.dialects.base import Close, Out
from vocx.lab.dialects.binance import control
from vocx.lab.dialects.binance.control import Control, ControlError
from vocx.lab.dialects.binance.keepalive import Keepalive
from vocx.lab.dialects.binance.streams import NEVER_NS, Streams
from vocx.lab.dialects.binance.topics import MICRO, WRAPPED, well_formed
from vocx.lab.dialects.binance.weights import Count, Meter

MOST_STREAMS = 1024


class Home(Protocol):
    """What a connection needs of the venue it belongs to."""

    streams: Streams
    meter: Meter

    def began(self) -> None:
        """A first subscription: a recording starts to play."""

    def close_banned(self, peer: str) -> None:
        """An address has been banned: its WebSocket API connections end too."""

    def left(self, session: Any) -> None:
        """The connection is gone."""

    def settle(self) -> None:
        """A request has been answered: what it has changed is told."""


class Connection:
    """What both kinds of connections have in common: keepalive and an orderly end."""

    def __init__(self, keepalive: Keepalive, peer: str) -> None:
        self.handle: Any = None
        self.keepalive = keepalive
        self.peer = peer
        self.first_outs: list[Out] = []
        self.mute = False
        self.over = False

    @property
    def next_tick_ns(self) -> int:
        if self.over or self.mute:
            return NEVER_NS
        return 0 if self.first_outs else self.keepalive.next_ns

    def tick(self, now_ns: int) -> Iterator[Out]:
        """What had to wait for the handshake, then pings and deadlines."""
        outs = self.first_outs or list(self.keepalive.due(now_ns))
        self.first_outs = []
        yield from self.ended(outs)

    def internal_error(self, now_ns: int) -> Iterator[Out]:
        """1011, the code for a failure inside (RFC 6455, 7.4.1)."""
        yield from self.ended([Close(1011, "Internal error")])

    def ended(self, outs: Iterable[Out]) -> Iterator[Out]:
        """The same, remembering that a close ends everything."""
        for out in outs:
            if self.over or self.mute:
                return
            self.over = isinstance(out, Close)
            yield out


class StreamSession(Connection):
    """One connection to ``/ws`` or ``/stream``."""

    def __init__(
        self, home: Home, keepalive: Keepalive, peer: str, *, combined: bool, micro: bool
    ) -> None:
        super().__init__(keepalive, peer)
        self._home = home
        self._combined = combined
        self._micro = micro
        self._names: dict[str, None] = {}
        self._messages = Count()

    @property
    def combined(self) -> bool:
        """Whether payloads are wrapped."""
        return self._combined

    @property
    def _form(self) -> int:
        return (MICRO if self._micro else 0) | (WRAPPED if self._combined else 0)

    # -- frames --------------------------------------------------------------------------------

    def text(self, message: bytes, now_ns: int) -> Iterator[Out]:
        """A control message."""
        yield from self.ended(self._counted(now_ns) or self._control(message, now_ns))

    def ping(self, payload: bytes, now_ns: int) -> Iterator[Out]:
        """Counts as a message."""
        yield from self.ended(self._counted(now_ns))

    def pong(self, payload: bytes, now_ns: int) -> Iterator[Out]:
        """Counts as a message; one with another payload is allowed and does not help."""
        self.keepalive.pong(payload)
        yield from self.ended(self._counted(now_ns))

    def closed(self, now_ns: int) -> None:
        """Nobody listens any more."""
        self.over = True
        self.leave()
        self._home.left(self)

    def leave(self) -> None:
        """Give up every subscription."""
        for name in self._names:
            self._home.streams.remove(name, self)
        self._names.clear()

    def fall_silent(self) -> None:
        """Send nothing any more, not even pings: a frame was cut off in the middle."""
        self.mute = True
        self.leave()

    def begin(self, names: Iterable[str], now_ns: int) -> None:
        """Subscribe to the streams of the URL; an error is sent after the handshake."""
        try:
            self._subscribe(list(names), now_ns)
        except ControlError as error:
            self.first_outs = [control.error_text(error), Close(1008, "Invalid request")]

    def _counted(self, now_ns: int) -> list[Out]:
        self._home.meter.at(now_ns)
        if self._home.meter.messages(self._messages, now_ns):
            return [Close(1008, "Too many requests")]
        return []

    # -- control messages ----------------------------------------------------------------------

    def _control(self, message: bytes, now_ns: int) -> Iterator[Out]:
        request_id: Any = control.ABSENT
        try:
            text = message.decode("utf-8", "replace")
            decoded = control.read(text)
            request_id = control.request_id(decoded)
            request = control.check(decoded, text)
            yield control.result_text(self._obey(request, now_ns), request.id)
        except ControlError as error:
            yield control.error_text(error, request_id)
            if error.closes:
                yield Close(1008, "Invalid request")

    def _obey(self, request: Control, now_ns: int) -> Any:
        params = request.params
        if request.method == "SUBSCRIBE":
            return self._subscribe(params, now_ns)
        if request.method == "UNSUBSCRIBE":
            return self._unsubscribe(params)
        if request.method == "LIST_SUBSCRIPTIONS":
            if params:
                raise ControlError(2, "Invalid request: too many parameters")
            return list(self._names)
        if request.method == "GET_PROPERTY":
            control.property_name(params, 1)
            return self._combined
        control.property_name(params, 2)
        if len(params) < 2 or not isinstance(params[1], bool):
            raise ControlError(1, "Invalid value type: expected Boolean")
        return self._wrap(params[1])

    def _subscribe(self, names: list[Any], now_ns: int) -> None:
        _check_names(names)
        new = [name for name in dict.fromkeys(names) if name not in self._names]
        if len(self._names) + len(new) > MOST_STREAMS:
            raise ControlError(4, "Too many subscriptions", closes=True)
        for name in new:
            self._names[name] = None
            self._home.streams.add(name, self, self._form, now_ns)
        if new:
            self._home.began()

    def _unsubscribe(self, names: list[Any]) -> None:
        _check_names(names)
        for name in names:
            if name in self._names:
                del self._names[name]
                self._home.streams.remove(name, self)

    def _wrap(self, combined: bool) -> None:
        self._combined = combined
        for name in self._names:
            self._home.streams.change(name, self, self._form)


def _check_names(names: list[Any]) -> None:
    if not all(isinstance(name, str) and well_formed(name) for name in names):
        raise ControlError(2, "Invalid request: invalid stream", closes=True)
