"""Coinbase's texts: errors and their bodies, times, ids, parameters.

Errors have no envelope of their own: ``{"error", "error_details", "message"}`` as seen on the
wire; a bad token is plain text; a refused order is HTTP 200 (:class:`NotPlaced`). Sources: Advanced
Trade reference (2026-02), replies recorded by public clients.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, TypeGuard
from uuid import UUID, uuid5

from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.shared.numbers import NS_PER_S, NS_PER_US
from vocx.lab.dialects.shared.reading import Written, encode

JSON = {"Content-Type": "application/json"}
ROOT = "/api/v3/brokerage/"
NEVER = "0001-01-01T00:00:00Z"
"""A time that is not set, as Go writes it."""
EPOCH = "1970-01-01T00:00:00Z"
MISSING_SCOPES = "Missing required scopes"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPACE = UUID("6ba7b812-9dad-11d1-80b4-00c04fd430c8")
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
_WHOLE = re.compile("[0-9]{1,15}")


class Refusal(Exception):
    """An error of the venue: HTTP status, upper-case code (or ``unknown``), words, headers."""

    def __init__(
        self, status: int, error: str, message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status, self.error, self.message = status, error, message or error
        self.headers = headers or {}


class NotPlaced(Exception):
    """Why an order is refused: ``error``, and the preview's twin of it."""

    def __init__(self, error: str, preview: str = "", message: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.preview = preview or f"PREVIEW_{error}"
        self.message = message or error.replace("_", " ").capitalize()


def invalid(message: str) -> Refusal:
    """A parameter that cannot be."""
    return Refusal(400, "INVALID_ARGUMENT", message)


def unauthorized() -> Refusal:
    """A token that is missing, wrong, too old or too young."""
    return Refusal(401, "UNAUTHORIZED", "Unauthorized")


def no_product() -> Refusal:
    """A product that is not listed."""
    return Refusal(404, "NOT_FOUND", "valid product_id is required")


def refused(refusal: Refusal) -> HttpOut:
    """A refusal as an answer: 401 is plain text; JSON is compact, which the official SDK searches
    for words of the 403."""
    if refusal.status == 401:
        text = {"Content-Type": "text/plain; charset=utf-8"}
        return HttpOut(status=401, headers={**text, **refusal.headers}, body=b"Unauthorized\n")
    body: dict[str, Any] = {
        "error": refusal.error,
        "error_details": refusal.message,
        "message": refusal.message,
    }
    if refusal.status == 429:
        body = {"errors": [{"id": "rate_limit_exceeded", "message": "Too many requests"}]}
    return HttpOut(status=refusal.status, headers={**JSON, **refusal.headers}, body=encode(body))


def page(status: int) -> HttpOut:
    """What the machines in front of the exchange send."""
    words = {403: "Forbidden", 429: "Too Many Requests", 503: "Service Unavailable"}
    title = f"{status} {words.get(status, 'Error')}"
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return HttpOut(status=status, headers={"Content-Type": "text/html"}, body=body.encode())


# -- times -------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _second(second: int, separator: str) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d{separator}%H:%M:%S}"


def seconds(at_ns: int) -> str:
    """RFC 3339 in whole seconds."""
    return f"{_second(at_ns // NS_PER_S, 'T')}Z"


def nanoseconds(at_ns: int) -> str:
    """RFC 3339 with nine decimals: when a frame was sent."""
    second, rest = divmod(at_ns, NS_PER_S)
    return f"{_second(second, 'T')}.{rest:09d}Z"


def microseconds(at_ns: int) -> str:
    """RFC 3339 with six decimals: everything else."""
    second, rest = divmod(at_ns, NS_PER_S)
    return f"{_second(second, 'T')}.{rest // NS_PER_US:06d}Z"


def go_time(at_ns: int, since_s: float) -> str:
    """As Go prints a time by default, with its monotonic clock."""
    second, rest = divmod(at_ns, NS_PER_S)
    return f"{_second(second, ' ')}.{rest:09d} +0000 UTC m=+{since_s:.9f}"


def read_time(text: str) -> int:
    """Nanoseconds of an RFC 3339 text."""
    try:
        if not text.isascii() or len(text) > 40:
            raise ValueError
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None or not 1970 <= moment.year < 2255:
            raise ValueError
        return (moment - _EPOCH) // timedelta(microseconds=1) * NS_PER_US
    except (ValueError, OverflowError):
        raise invalid(f"parsing time {text[:40]!r}") from None


# -- ids and numbers ---------------------------------------------------------------------------


def uuid_of(*parts: object) -> str:
    """The same id for the same thing."""
    return str(uuid5(_SPACE, "/".join(map(str, parts))))


def decimal(given: Mapping[str, Any], name: str) -> Decimal | None:
    """A number that was sent as text; ``None`` where it is missing or empty."""
    text = given.get(name)
    if text in (None, ""):
        return None
    try:
        if not is_text(text) or not _NUMBER.fullmatch(text):
            raise InvalidOperation
        return Decimal(text)
    except InvalidOperation:
        raise invalid(f"{name} is no number") from None


def is_text(value: object) -> TypeGuard[str]:
    """Whether something was sent as text, and not as a number with a point."""
    return isinstance(value, str) and not isinstance(value, Written)


class Query:
    """Parameters as they were sent: lists repeat their key, what is unknown is ignored."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._given: dict[str, list[str]] = {}
        for name, value in pairs:
            self._given.setdefault(name.removesuffix("[]"), []).append(value)

    def text(self, name: str, default: str = "") -> str:
        """The last value."""
        return self._given.get(name, [default])[-1]

    def texts(self, name: str, *also: str) -> list[str]:
        """All values, under any of the names; empty ones are none."""
        found = [one for key in (name, *also) for one in self._given.get(key, ())]
        return [one for one in found if one]

    def count(self, name: str, default: int, most: int) -> int:
        """A whole number from 1; more than ``most`` is ``most``, 0 and nothing are the default."""
        text = self.text(name)
        if not text:
            return default
        if not _WHOLE.fullmatch(text):
            raise unreadable(name, text)
        return min(int(text) or default, most)

    def second(self, name: str) -> int | None:
        """A time in seconds of the epoch, in nanoseconds."""
        text = self.text(name)
        if not text:
            return None
        if not _WHOLE.fullmatch(text) or int(text) > 9_000_000_000:
            raise unreadable(name, text)
        return int(text) * NS_PER_S

    def between(self, start: str, end: str) -> Callable[[int], bool]:
        """Whether something happened between two times in RFC 3339, either of which may be missing;
        both are included, to the microsecond in which times are told."""
        first, last = (read_time(text) if (text := self.text(name)) else None
                       for name in (start, end))  # fmt: skip

        def lies(at_ns: int) -> bool:
            shown_ns = at_ns // NS_PER_US * NS_PER_US
            return (first is None or shown_ns >= first) and (last is None or shown_ns <= last)

        return lies

    def flag(self, name: str) -> bool:
        """A boolean, also as Python writes it."""
        text = self.text(name, "false").lower()
        if text not in ("true", "false", "1", "0", ""):
            raise unreadable(name, text)
        return text in ("true", "1")

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """One of some words, or nothing."""
        text = self.text(name)
        if text and text not in allowed:
            raise unreadable(name, text)
        return text


def unreadable(name: str, text: str) -> Refusal:
    """A parameter's text that is none of its values."""
    return Refusal(400, "unknown", f'parsing field "{name}": "{text[:40]}" is not a valid value')
