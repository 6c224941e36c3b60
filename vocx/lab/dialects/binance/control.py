"""Control messages of the stream connections: reading them and their exact errors.

Codes and texts: web-socket-streams.md (a5e0bc3 of 2026-07-21); on the wire they are nested under
``error`` (seen since 2021), with ``id`` when one could be read.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

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


def error_text(error: ControlError, request_id: Any = ABSENT) -> bytes:
    """The error as it is sent; ``error`` first, as libraries look near the frame's start."""
    answer: dict[str, Any] = {"error": {"code": error.code, "msg": error.msg}}
    if request_id is not ABSENT:
        answer["id"] = request_id
    return msgspec.json.encode(answer)


def result_text(result: Any, request_id: Any) -> bytes:
    """A success: ``result`` first, then ``id`` with the type it came with."""
    return msgspec.json.encode({"result": result, "id": request_id})


def request_id(message: Any) -> Any:
    """The usable id of a decoded message, or :data:`ABSENT`."""
    if not isinstance(message, dict) or "id" not in message:
        return ABSENT
    value = message["id"]
    if value is None or (isinstance(value, str) and len(value) <= 36):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64:
        return value
    return ABSENT


def read(text: str) -> Any:
    """Decode one message.

    Raises
    ------
    ControlError
        Code 3 with line and column where it is not JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise ControlError(3, f"Invalid JSON: expected value at {where}") from None
    except RecursionError:
        raise ControlError(
            3, "Invalid JSON: recursion limit exceeded at line 1 column 128"
        ) from None


def check(message: Any, text: str) -> Control:
    """A decoded message as a control message, or its exact error."""
    end = f"at line {text.count(chr(10)) + 1} column {len(text) - text.rfind(chr(10)) - 1}"
    if not isinstance(message, dict) or "method" not in message:
        raise ControlError(2, f"Invalid request: missing field `method` {end}")
    method = message["method"]
    if method not in METHODS:
        raise ControlError(
            2,
            f"Invalid request: unknown variant `{method}`, expected one of {_EXPECTED} "
            f"at line 1 column {_column(text)}",
        )
    if request_id(message) is ABSENT:
        raise ControlError(2, "Invalid request: request ID must be an unsigned integer")
    params = message.get("params")
    if params is None and method in ("SUBSCRIBE", "UNSUBSCRIBE"):
        raise ControlError(2, f"Invalid request: missing field `params` {end}")
    if not isinstance(params, list | None):
        raise ControlError(2, "Invalid request: invalid stream", closes=True)
    return Control(method, params or [], message["id"])


def property_name(params: list[Any], most: int) -> None:
    """Check the name, and that there are not too many parameters."""
    if len(params) > most:
        raise ControlError(2, "Invalid request: too many parameters")
    if not params or not isinstance(params[0], str):
        raise ControlError(2, "Invalid request: property name must be a string")
    if params[0] != "combined":
        raise ControlError(0, "Unknown property")


def _column(text: str) -> int:
    found = _METHOD_VALUE.search(text)
    return found.end() if found else len(text)
