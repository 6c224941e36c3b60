"""Reading what strangers send, JSON and query strings with bounds on both, and writing JSON.

Nothing that can be sent raises anything but :class:`Unreadable`: not JSON that is nested without
end, not an integer of ten thousand digits, not half of a surrogate pair.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

DEEPEST = 64
"""Levels of nesting that are read."""
LONGEST_INTEGER = 100
"""Digits of a number that is read."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_SPACED = (b'": ', b'" :', b'", "', b'{ "', b'" ,')
_LONG_NUMBER = re.compile(rf"[0-9]{{{LONGEST_INTEGER + 1},}}")


class Unreadable(ValueError):
    """A message that cannot be read; ``line`` and ``column`` (from 1) say where."""

    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line, self.column = line, column


class Written(str):
    """A number with a point or an exponent, as it was written."""

    __slots__ = ()


def _as_written(value: Any) -> msgspec.Raw:
    if isinstance(value, Written):
        return msgspec.Raw(value.encode())
    raise TypeError(f"{type(value).__name__} is not for JSON")


_decode = msgspec.json.Decoder(float_hook=Written).decode
encode = msgspec.json.Encoder(enc_hook=_as_written).encode
"""Compact JSON; a number that was read goes out as it was written."""


def read_json(message: bytes) -> Any:
    """Decode one message; numbers with a point or an exponent become :class:`Written`.

    Raises
    ------
    Unreadable
        For text that is no UTF-8 or no JSON, is nested deeper than :data:`DEEPEST`, has a number
        of more than :data:`LONGEST_INTEGER` digits, or an escaped half of a surrogate pair.
    """
    try:
        text = message.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("not UTF-8", 1, error.start + 1) from None
    _check_bounds(text)
    try:
        return _decode(text)
    except msgspec.DecodeError as error:
        raise _unreadable(text, str(error)) from None


def read_object(message: bytes) -> dict[str, Any]:
    """The same of a message that is a JSON object; any other is :class:`Unreadable`, too."""
    found = read_json(message)
    if not isinstance(found, dict):
        raise Unreadable("no JSON object")
    return found


def as_sent(payload: bytes) -> bytes:
    """A recorded line as venues send it, which is without blanks between its parts: lines that went
    through another program have blanks after ``:`` and ``,``, or their keys in another order."""
    if not any(mark in payload for mark in _SPACED):
        return payload
    return encode(read_object(payload))


def _unreadable(text: str, reason: str) -> Unreadable:
    """Where it is not JSON; what only this decoder refuses (``NaN``) is wrong at its end."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return Unreadable("expected value", error.lineno, error.colno)
    return Unreadable(reason, *_end(text))


def _check_bounds(text: str) -> None:
    few = text.count("[") + text.count("{") <= DEEPEST
    if few and not _LONG_NUMBER.search(text):
        return  # wherever they stand
    bare = _STRING.sub('""', text)
    depth = 0
    for at, sign in enumerate(bare):
        if sign in "[{":
            depth += 1
            if depth > DEEPEST:
                raise Unreadable("recursion limit exceeded", 1, at + 1)
        elif sign in "]}":
            depth -= 1
    if found := _LONG_NUMBER.search(bare):
        raise Unreadable("number out of range", 1, found.start() + 1)


def _end(text: str) -> tuple[int, int]:
    """Line and column of the last sign."""
    return text.count("\n") + 1, len(text) - text.rfind("\n") - 1


def query_pairs(raw: str | bytes) -> list[tuple[str, str]]:
    """Name and value of each pair, in the order received, percent-decoded as UTF-8."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    if "%" not in text and "+" not in text:
        pairs = (pair.partition("=") for pair in text.split("&") if pair)
        return [(name, value) for name, _, value in pairs]
    return parse_qsl(text, keep_blank_values=True)


def json_text(value: Any) -> str:
    """A JSON value as text: strings as they are, numbers as they were written."""
    if isinstance(value, str):
        return value
    return "" if value is None else encode(value).decode()
