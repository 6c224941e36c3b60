"""Parameters: reading them from raw bytes or JSON, and refusing them as documented.

The order of the checks is not documented. The first steps are as a test table of real answers
shows them (seen in a public repository, 2026-11): repeated names (-1101), more names than the call
has (-1101), missing ones (-1102), names that the call does not have (-1104). Then, our choice:
empty values (-1105), malformed ones (-1100, -1120, -1130, -1139), combinations (-1128),
duplicates in lists (-1151), unknown symbols (-1121). A bad time unit (-1194) comes before all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.binance.wire import Refusal
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_US
from vocx.lab.dialects.shared.reading import json_text, query_pairs

SYMBOL_RANGE = r"^[\w\-._&&[^a-z]]{1,50}$"
NUMBER_RANGE = r"^[0-9]{1,20}$"
SYMBOLS_RANGE = r'^\[("[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}){0,1}\]$'
AMOUNT_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_ID_RANGE = r"^[a-zA-Z0-9-_]{1,36}$"
_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_SYMBOL = re.compile(r"[\w\-.]{1,50}")
_SYMBOLS = re.compile(r'\[("[\w\-.]{1,50}"(,"[\w\-.]{1,50}")*)?\]')
"""Matched against the text as sent: a space after a comma is refused."""
_LOWER = re.compile(r"[a-z]")
_NUMBER = re.compile(r"[0-9]{1,20}")
_WINDOW = re.compile(r"[0-9]{1,20}(\.[0-9]{1,3})?")
_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::([0-5]\d))?")
_MICROSECONDS_FROM = 100_000_000_000_000
_LARGEST = 2**63 - 1
_NS_PER_MINUTE = 60 * 1_000_000_000


class Params:
    """What one call sent. Values are texts, whichever surface they came over."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.values: dict[str, str] = {}
        self.repeated = False
        for name, value in pairs:
            self.repeated |= name in self.values
            self.values[name] = value

    @classmethod
    def of_http(cls, query: str, body: bytes = b"") -> Params:
        """Query string and form body together; where a name is in both, the query wins."""
        params = cls(query_pairs(query))
        if not body:
            return params
        form = cls(query_pairs(body))
        params.repeated |= form.repeated
        params.values = form.values | params.values
        return params

    @classmethod
    def of_json(cls, sent: Mapping[str, Any]) -> Params:
        """The ``params`` object of the WebSocket API, as the texts REST would have sent."""
        return cls((name, json_text(value)) for name, value in sent.items())

    def admit(self, allowed: Collection[str], mandatory: Iterable[str] = ()) -> None:
        """Refuse repeated, surplus, missing, unknown and empty parameters."""
        if self.repeated:
            raise Refusal(-1101, "Duplicate values for a parameter detected.")
        sent, expected = len(self.values), len(allowed)
        if sent > expected:
            raise Refusal(
                -1101, f"Too many parameters; expected '{expected}' and received '{sent}'."
            )
        for name in mandatory:
            if name not in self.values:
                raise missing(name)
        known = sum(name in allowed for name in self.values)
        if known < sent:
            raise Refusal(
                -1104,
                f"Not all sent parameters were read; read '{known}' parameter(s) but was sent "
                f"'{sent}'.",
            )
        for name, value in self.values.items():
            if value == "":
                raise Refusal(-1105, f"Parameter '{name}' was empty.")

    def has(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str) -> str | None:
        return self.values.get(name)

    def symbol(self) -> str | None:
        """The well-formed ``symbol``, or ``None`` when it was not sent."""
        value = self.values.get("symbol")
        if value is not None and not _is_symbol(value):
            raise illegal("symbol", SYMBOL_RANGE)
        return value

    def symbols(self) -> list[str] | None:
        """The well-formed, duplicate-free ``symbols``, or ``None`` when they were not sent."""
        value = self.values.get("symbols")
        if value is None:
            return None
        if not _SYMBOLS.fullmatch(value) or _LOWER.search(value):
            raise illegal("symbols", SYMBOLS_RANGE)
        names = re.findall(r'"([^"]+)"', value)
        if not names:
            raise Refusal(-1105, "Parameter 'symbols' was empty.")
        if len(set(names)) != len(names):
            raise Refusal(-1151, "Symbol is present multiple times in the list.")
        return names

    def number(self, name: str) -> int | None:
        """A whole number of at most 20 digits."""
        value = self.values.get(name)
        if value is None:
            return None
        if not _NUMBER.fullmatch(value) or not value.isascii():
            raise illegal(name, NUMBER_RANGE)
        if int(value) > _LARGEST:
            raise Refusal(-1108, f"Parameter '{name}' overflowed.")
        return int(value)

    def amount(self, name: str) -> Decimal | None:
        """A price or a quantity: digits, and at most one point with digits after it."""
        value = self.values.get(name)
        if value is None:
            return None
        if not _AMOUNT.fullmatch(value) or not value.isascii():
            raise illegal(name, AMOUNT_RANGE)
        return Decimal(value)

    def client_id(self, name: str) -> str | None:
        """A client order id: 1 to 36 letters, digits, hyphens and underscores."""
        value = self.values.get(name)
        if value is not None and not _CLIENT_ID.fullmatch(value):
            raise illegal(name, CLIENT_ID_RANGE)
        return value

    def limit(self, default: int, most: int) -> int:
        """``limit``, clamped at ``most``; 0 is refused."""
        value = self.number("limit")
        if value == 0:
            raise not_valid("limit")
        return min(default if value is None else value, most)

    def clock_ns(self, name: str) -> int | None:
        """A time that was sent in milliseconds or microseconds, in nanoseconds."""
        value = self.number(name)
        if value is None:
            return None
        return value * (NS_PER_US if value >= _MICROSECONDS_FROM else NS_PER_MS)

    def time_ns(self, name: str) -> int | None:
        """The same for a time of the market: -1130 for one that no clock will ever show."""
        time_ns = self.clock_ns(name)
        if time_ns is not None and time_ns > _LARGEST:
            raise not_valid(name)
        return time_ns

    @staticmethod
    def is_window(text: str) -> bool:
        """Whether a text has the form of ``recvWindow``."""
        return bool(_WINDOW.fullmatch(text)) and text.isascii()

    def zone_ns(self) -> int:
        """``timeZone`` (``"8"``, ``"-1:00"``, ``"05:45"``) as a shift in nanoseconds."""
        shift = zone_ns(self.values.get("timeZone", "0"))
        if shift is None:
            raise not_valid("timeZone")
        return shift

    def flag(self, name: str, default: bool) -> bool:
        value = self.values.get(name)
        if value is None:
            return default
        if value.lower() not in ("true", "false"):
            raise illegal(name, "^(true|false)$")
        return value.lower() == "true"


def zone_ns(text: str) -> int | None:
    """A time zone between -12:00 and +14:00 in nanoseconds east of UTC; ``None`` otherwise."""
    match = _ZONE.fullmatch(text)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    minutes = -minutes if match[1] == "-" else minutes
    if not -12 * 60 <= minutes <= 14 * 60:
        return None
    return minutes * _NS_PER_MINUTE


def _is_symbol(text: str) -> bool:
    return bool(_SYMBOL.fullmatch(text)) and not _LOWER.search(text)


def illegal(name: str, legal: str) -> Refusal:
    """-1100 with the legal range quoted."""
    return Refusal(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'."
    )


def missing(name: str) -> Refusal:
    """-1102 for one mandatory parameter."""
    return Refusal(
        -1102,
        f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.",
    )


def not_valid(name: str) -> Refusal:
    """-1130."""
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")
