"""Stream connections: raw and combined, control messages and their exact errors, how they are cut.

web-socket-streams.md, a5e0bc3 of 2026-07-21. The acknowledgement checks syntax, not existence: a
well-formed name that no stream has is acknowledged and stays silent for ever. Errors are nested
under ``error`` on the wire (seen since 2021), with ``id`` when one could be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from vocx.lab.dialects.base import Close, Out
from vocx.lab.dialects.binance.limits import MESSAGES
from vocx.lab.dialects.binance.topics import spec_of, well_formed
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.dialect import VenueDialect
from vocx.lab.dialects.shared.numbers import NS_PER_MS
from vocx.lab.dialects.shared.reading import Unreadable, Written, read_json
from vocx.lab.dialects.shared.topics import Encoding

MOST_STREAMS = 1024
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_EXPECTED = ", ".join(f"`{method}`" for method in METHODS)
_INT64 = 2**63
_METHOD_VALUE = re.compile(r'"method"\s*:\s*"(?:[^"\\]|\\.)*"')
ABSENT = object()


class ControlError(Exception):
    """A refused control message; ``closes``: the connection ends after it."""

    def __init__(self, code: int, msg: str, *, closes: bool = False) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.closes = closes


class Control(msgspec.Struct, frozen=True):
    """One well-formed control message."""

    method: str
    params: list[Any]
    id: Any


def request_id(message: Any) -> Any:
    """The usable id of a decoded message, or :data:`ABSENT`."""
    if not isinstance(message, dict) or "id" not in message:
        return ABSENT
    value = message["id"]
    if isinstance(value, Written):
        return ABSENT
    if value is None or (isinstance(value, str) and len(value) <= 36):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64:
        return value
    return ABSENT


class StreamSession(Connection):
    """One connection to ``/ws`` or ``/stream``."""

    def __init__(
        self, dialect: VenueDialect, now_ns: int, peer: str, *, combined: bool, unit_ns: int
    ) -> None:
        super().__init__(dialect.keepalive(now_ns), peer)
        self.combined = combined
        self._dialect = dialect
        self._unit_ns = unit_ns

    # -- frames --------------------------------------------------------------------------------

    def receive(self, message: bytes, now_ns: int) -> Iterator[Out]:
        """A control message."""
        yield from self._counted(now_ns) or self._control(message, now_ns)

    def ping(self, payload: bytes, now_ns: int) -> Iterator[Out]:
        """Counts as a message."""
        yield from self.ended(self._counted(now_ns))

    def pong(self, payload: bytes, now_ns: int) -> Iterator[Out]:
        """Counts as a message; one with another payload is allowed and does not help."""
        self.keepalive.pong(payload)
        yield from self.ended(self._counted(now_ns))

    def begin(self, names: Iterable[str], now_ns: int) -> None:
        """Subscribe to the streams of the URL; an error is sent after the handshake."""
        try:
            self._subscribe(list(names), now_ns)
        except ControlError as error:
            self.first_outs = [_error_text(error), Close(1008, "Invalid request")]

    def _counted(self, now_ns: int) -> list[Out]:
        limiter = self._dialect.limiter
        limiter.at(now_ns)
        if limiter.add(MESSAGES, self, 1, now_ns):
            return [Close(1008, "Too many requests")]
        return []

    # -- control messages ----------------------------------------------------------------------

    def _control(self, message: bytes, now_ns: int) -> Iterator[Out]:
        named: Any = ABSENT
        try:
            decoded = _read(message)
            named = request_id(decoded)
            request = _check(decoded, message.decode())
            result = self._obey(request, now_ns)
            yield msgspec.json.encode({"result": result, "id": request.id})
        except ControlError as error:
            yield _error_text(error, named)
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
            return list(self._dialect.publisher.names(self))
        if request.method == "GET_PROPERTY":
            _check_property(params, 1)
            return self.combined
        _check_property(params, 2)
        if len(params) < 2 or not isinstance(params[1], bool):
            raise ControlError(1, "Invalid value type: expected Boolean")
        return self._wrap(params[1])

    def _subscribe(self, names: list[Any], now_ns: int) -> None:
        _check_names(names)
        known = self._dialect.publisher.names(self)
        new = [name for name in dict.fromkeys(names) if name not in known]
        if len(known) + len(new) > MOST_STREAMS:
            raise ControlError(4, "Too many subscriptions", closes=True)
        for name in new:
            self._dialect.publisher.add(name, spec_of(name), self, now_ns, self._encoding)

    def _unsubscribe(self, names: list[Any]) -> None:
        _check_names(names)
        for name in names:
            self._dialect.publisher.remove(name, self)

    def _wrap(self, combined: bool) -> None:
        self.combined = combined
        for name in self._dialect.publisher.names(self):
            self._dialect.publisher.change(name, self, self._encoding)

    @property
    def _encoding(self) -> Encoding:
        return Encoding(self._unit_ns, self.combined)

    def shutdown_notice(self, now_ns: int) -> bytes:
        """``serverShutdown`` in this connection's shape."""
        event = shutdown_event(now_ns)
        return b'{"stream":"!serverShutdown","data":' + event + b"}" if self.combined else event


def shutdown_event(now_ns: int) -> bytes:
    """The event itself."""
    return b'{"e":"serverShutdown","E":%d}' % (now_ns // NS_PER_MS)


def _error_text(error: ControlError, named: Any = ABSENT) -> bytes:
    """The error as it is sent; ``error`` first, as libraries look near the frame's start."""
    answer: dict[str, Any] = {"error": {"code": error.code, "msg": error.msg}}
    if named is not ABSENT:
        answer["id"] = named
    return msgspec.json.encode(answer)


def _read(message: bytes) -> Any:
    try:
        return read_json(message)
    except Unreadable as error:
        where = f"line {error.line} column {error.column}"
        raise ControlError(3, f"Invalid JSON: {error.reason} at {where}") from None


def _check(message: Any, text: str) -> Control:
    """A decoded message as a control message, or its exact error."""
    end = f"at line {text.count(chr(10)) + 1} column {len(text) - text.rfind(chr(10)) - 1}"
    if not isinstance(message, dict) or "method" not in message:
        raise ControlError(2, f"Invalid request: missing field `method` {end}")
    method = message["method"]
    if method not in METHODS:
        found = _METHOD_VALUE.search(text)
        column = found.end() if found else len(text)
        raise ControlError(
            2,
            f"Invalid request: unknown variant `{method}`, expected one of {_EXPECTED} "
            f"at line 1 column {column}",
        )
    if request_id(message) is ABSENT:
        raise ControlError(2, "Invalid request: request ID must be an unsigned integer")
    params = message.get("params")
    if params is None and method in ("SUBSCRIBE", "UNSUBSCRIBE"):
        raise ControlError(2, f"Invalid request: missing field `params` {end}")
    if not isinstance(params, list | None):
        raise ControlError(2, "Invalid request: invalid stream", closes=True)
    return Control(method, params or [], message["id"])


def _check_property(params: list[Any], most: int) -> None:
    """Check the name, and that there are not too many parameters."""
    if len(params) > most:
        raise ControlError(2, "Invalid request: too many parameters")
    if not params or not isinstance(params[0], str):
        raise ControlError(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise ControlError(0, "Unknown property")


def _check_names(names: list[Any]) -> None:
    if not all(isinstance(name, str) and well_formed(name) for name in names):
        raise ControlError(2, "Invalid request: invalid stream", closes=True)
