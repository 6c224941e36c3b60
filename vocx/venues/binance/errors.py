"""What Binance's refusals mean, as the errors of :mod:`vocx.errors`.

Two layers, and both are read: the HTTP status, and inside the body ``code`` and ``msg``. The body
may be HTML (403, 404, 410, 5xx come from machines in front of the exchange), and a blocked region
answers with ``code`` 0, so the status decides first (errors.md and observed replies, 2026-07).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from vocx.errors import (
    BadKey,
    BadSignature,
    Banned,
    ClockSkew,
    DuplicateOrder,
    Maintenance,
    OrderNotFound,
    OrderRefused,
    Outcome,
    RateLimited,
    Refused,
    RegionBlocked,
    VenueError,
    VenueUnavailable,
    VocxError,
)
from vocx.venues.base import Request
from vocx.venues.base.reading import LONGEST_TEXT, UNREADABLE, retry_after_s, words
from vocx.venues.base.refusals import ADVICE, make_error, not_its_json, outcome_of, unknown_symbol
from vocx.venues.binance.reasons import DUPLICATE, reason

VENUE = "binance"


_BY_CODE: Mapping[int, type[VenueError]] = {
    -1002: BadKey,
    -1003: RateLimited,
    -1013: OrderRefused,
    -1015: RateLimited,
    -1021: ClockSkew,
    -1022: BadSignature,
    -2008: BadKey,
    -2010: OrderRefused,
    -2011: OrderRefused,
    -2013: OrderNotFound,
    -2014: BadKey,
    -2015: BadKey,
    -2021: OrderRefused,
    -2022: OrderRefused,
}
_BUSY = (-1000, -1001, -1004, -1006, -1007, -1008, -1016)
"""Codes that say the exchange could not, whatever the status."""

_BANNED_UNTIL = re.compile(r"banned until ([0-9]{13})")
_REGION = re.compile(r"restricted location|block access from your country|your region", re.I)


class Body(msgspec.Struct, frozen=True):
    """``{"code": -1121, "msg": "Invalid symbol."}``."""

    code: int
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Part(msgspec.Struct, frozen=True):
    code: int = 0
    msg: str = ""


class _Replacement(msgspec.Struct, frozen=True):
    """``data`` of a refused ``order/cancelReplace``: which of its two halves failed, and why."""

    cancelResponse: _Part | None = None
    newOrderResponse: _Part | None = None


_decode = msgspec.json.Decoder(Body).decode
_decode_replacement = msgspec.json.Decoder(_Replacement).decode
_REPLACED_IN_PART, _NOT_REPLACED = -2021, -2022


def read_body(body: bytes) -> Body | None:
    """Code and text of an error body; ``None`` for anything else, such as HTML."""
    try:
        found = _decode(body)
    except UNREADABLE:
        return None
    found = msgspec.structs.replace(found, msg=found.msg[:LONGEST_TEXT])
    return _replacement(found) if found.code in (_REPLACED_IN_PART, _NOT_REPLACED) else found


def _replacement(found: Body) -> Body:
    """With the reason of the half that failed; an order that is not there has that code."""
    try:
        halves = _decode_replacement(found.data)
    except UNREADABLE:
        return found
    cancel, new = halves.cancelResponse or _Part(), halves.newOrderResponse or _Part()
    if found.code == _NOT_REPLACED and cancel.code:
        gone = cancel.code == -2011 and cancel.msg.startswith("Unknown order")
        return Body(code=cancel.code if gone else found.code, msg=cancel.msg[:LONGEST_TEXT])
    words = "The old order is cancelled, the new one was refused:"
    return Body(code=found.code, msg=f"{words} {new.msg[:LONGEST_TEXT]}")


def reply_error(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, arrived_ns: int
) -> VocxError:
    """The one typed error that a reply with this status and body means."""
    found = read_body(body)
    if found is not None and status < 500 and status not in (403, 418, 429, 451):
        malformed = found.code == -1100 and "'symbol'" in found.msg
        if found.code == -1121 or malformed:
            unknown = unknown_symbol(VENUE, request, f"{found.code} {found.msg!r}")
            if unknown is not None:
                return unknown
    if found is None and 200 <= status < 400:
        return not_its_json(VENUE, request, status, body)
    return _venue_error(status, headers, body, found, outcome_of(request), arrived_ns)


def upgrade_error(status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
    """The typed error in an HTTP answer to a WebSocket handshake that is not 101."""
    return _venue_error(status, headers, body, read_body(body), None, None)


def _venue_error(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    found: Body | None,
    outcome: Outcome | None,
    arrived_ns: int | None,
) -> VenueError:
    text = found.msg if found is not None else words(body)
    kind = _kind(status, found, text)
    wait = retry_after_s(headers)
    until_ns = _ban_end(text, wait, arrived_ns) if kind is Banned else None
    if until_ns is not None and wait is None and arrived_ns is not None:
        wait = max(0.0, (until_ns - arrived_ns) / 1e9)
    error = make_error(
        VENUE,
        kind,
        _say(kind, status, found, text, wait),
        code=found.code if found is not None else None,
        status=status,
        text=text,
        wait_s=wait,
        outcome=outcome,
    )
    if isinstance(error, Banned):
        error.until_ns = until_ns
    return error


def _kind(status: int, found: Body | None, text: str) -> type[VenueError]:
    if status == 451 or (status == 403 and _REGION.search(text)):
        return RegionBlocked
    if status == 418 or _BANNED_UNTIL.search(text):
        return Banned
    if status == 403 and (found is None or found.code == 0):
        return Banned
    if status == 429:
        return RateLimited
    if status >= 500 or (found is not None and found.code in _BUSY):
        return Maintenance if "maintenance" in text.lower() else VenueUnavailable
    if found is None:
        return Refused
    if text == DUPLICATE:
        return DuplicateOrder
    if found.code == -2011 and found.msg.startswith("Unknown order"):
        return OrderNotFound
    return _BY_CODE.get(found.code, Refused)


def _ban_end(text: str, wait: float | None, arrived_ns: int | None) -> int | None:
    named = _BANNED_UNTIL.search(text)
    if named:
        return int(named[1]) * 1_000_000
    if wait is not None and arrived_ns is not None:
        return arrived_ns + int(wait * 1e9)
    return None


def _say(
    kind: type[VenueError], status: int, found: Body | None, text: str, wait: float | None
) -> str:
    said = f"binance {status}"
    if found is not None and found.code:
        said += f", {found.code}"
    said += f": {text}" if text else ""
    if kind is RateLimited:
        said = " ".join(part for part in (said, reason(text)) if part)
        return said + f" Wait {wait:g} s." if wait is not None else said
    if kind is Banned:
        pause = f"for {wait:g} s" if wait is not None else "for some minutes"
        return f"{said} Stop {pause}: each further call makes the ban longer."
    meaning = reason(text)
    return f"{said} {meaning}" if meaning else said + _ADVICE.get(kind, "")


_ADVICE: Mapping[type[VenueError], str] = {
    **ADVICE,
    RegionBlocked: (
        " The exchange does not serve this place. The lab works everywhere; for public data"
        " try the data-api.binance.vision host."
    ),
    BadSignature: " Sign the percent-encoded text exactly as it is sent.",
}
