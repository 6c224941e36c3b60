"""What Bybit's refusals mean, as the errors of :mod:`vocx.errors`.

Nearly everything comes with HTTP 200 and a ``retCode``; a 403 is a ban of ten minutes when its
text says so, else a blocked place (docs v5, error codes and rate limits, 2026-09; replies in public
code).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vocx.errors import (
    BadKey,
    BadSignature,
    Banned,
    ClockSkew,
    DuplicateOrder,
    OrderNotFound,
    OrderRefused,
    Outcome,
    RateLimited,
    Refused,
    RegionBlocked,
    SubscribeRefused,
    VenueError,
    VenueUnavailable,
    VocxError,
)
from vocx.venues.base import CancelOrder, PlaceOrder, Request
from vocx.venues.base.reading import (
    LONGEST_TEXT,
    UNREADABLE,
    header,
    retry_after_s,
    whole_number,
    words,
)
from vocx.venues.base.refusals import ADVICE, make_error, not_its_json, outcome_of, unknown_symbol

VENUE = "bybit"
BAN_S = 600.0
"""A 403 for too many requests is lifted after ten minutes without any (docs v5, rate limit)."""


_KINDS: Mapping[int, type[VenueError]] = {
    # Whether the order is there is not known after any of these.
    **dict.fromkeys((429, 10000, 10016, 10019, 10429), VenueUnavailable),
    **dict.fromkeys((170001, 170007, 170032, 170146, 170147, 170310), VenueUnavailable),
    **dict.fromkeys((10006, 170005, 170222, 20003), RateLimited),
    **dict.fromkeys((10018, 10403), Banned),
    **dict.fromkeys((-1, 10002), ClockSkew),
    **dict.fromkeys((10004,), BadSignature),
    **dict.fromkeys((10003, 10005, 10007, 10010, 10028, 33004), BadKey),
    **dict.fromkeys((10008, 10009, 10024, 10027, 170209, 170348), RegionBlocked),
    **dict.fromkeys((170139, 170142, 170143, 170190, 170213, 110001), OrderNotFound),
    **dict.fromkeys((170141, 110072), DuplicateOrder),
}
_SYMBOL = frozenset({170121})
_NOT_SUPPORTED = "not supported symbols"


_ADVICE: Mapping[type[VenueError], str] = {
    **ADVICE,
    BadKey: (
        " Check the key, its permissions, the address it is bound to, and that it belongs to this"
        " environment and site."
    ),
}


class Envelope(msgspec.Struct):
    """``{"retCode":0,"retMsg":"OK","result":{},"retExtInfo":{},"time":...}``."""

    retCode: int
    retMsg: str | None = ""
    result: msgspec.Raw = msgspec.Raw()


_envelope_of = msgspec.json.Decoder(Envelope).decode


def read_envelope(body: bytes) -> Envelope | None:
    """The envelope of a reply; ``None`` for anything else, such as CloudFront's HTML."""
    try:
        return _envelope_of(body)
    except UNREADABLE:
        return None


def reply_error(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, arrived_ns: int
) -> VocxError | None:
    """The one typed error that a reply means; ``None`` for a good one."""
    found = read_envelope(body)
    refused = outcome_of(request)
    if found is None and 200 <= status < 400:
        return not_its_json(VENUE, request, status, body)
    if found is not None and found.retCode == 0 and status < 400:
        return None
    code = found.retCode if found is not None else None
    text = (found.retMsg or "")[:LONGEST_TEXT] if found is not None else words(body)
    if code in _SYMBOL or (code == 10001 and _NOT_SUPPORTED in text.lower()):
        unknown = unknown_symbol(VENUE, request, f"{code} {text!r}")
        if unknown is not None:
            return unknown
    return _venue_error(status, headers, code, text, body, refused, arrived_ns)


def order_error(intent: PlaceOrder | CancelOrder, code: int, text: str) -> VocxError:
    """The typed error of one order of several."""
    safe = isinstance(intent, CancelOrder)
    request = Request(intent=intent, method="POST", target="", safe_to_retry=safe)
    text = text[:LONGEST_TEXT]
    if code in _SYMBOL and (unknown := unknown_symbol(VENUE, request, f"{code} {text!r}")):
        return unknown
    return _venue_error(200, {}, code, text, b"", outcome_of(request), None)


def upgrade_error(status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
    """The typed error in an HTTP answer to a WebSocket handshake that is not 101."""
    found = read_envelope(body)
    code = found.retCode if found is not None else None
    text = (found.retMsg or "") if found is not None else words(body)
    return _venue_error(status, headers, code, text, body, None, None)


def socket_error(text: str, code: int | None = None) -> VenueError:
    """The typed error in an answer of a socket; the public ones have no code."""
    kind = _KINDS.get(code or 0, SubscribeRefused)
    if code is None and "api key" in text.lower():
        kind = BadKey
    elif code is None and text == "Params Error":
        kind = ClockSkew  # what a login that expired is told, and nothing else that we send
    said = f"bybit {code}: {text}" if code is not None else f"bybit: {text}"
    return kind(said + _ADVICE.get(kind, ""), venue=VENUE, code=code, text=text)


def _venue_error(
    status: int,
    headers: Mapping[str, str],
    code: int | None,
    text: str,
    body: bytes,
    outcome: Outcome | None,
    arrived_ns: int | None,
) -> VenueError:
    kind = _kind(status, code, text)
    wait_s = BAN_S if kind is Banned else None
    if kind is RateLimited:
        told_s = retry_after_s(headers)
        wait_s = _until_reset_s(headers, arrived_ns) if told_s is None else told_s
    said = f"bybit {status}, {code}: {text}" if code is not None else f"bybit {status}: {text}"
    if kind is Banned:
        said += " Stop for ten minutes: each further call makes the ban longer."
    error = make_error(
        VENUE,
        kind,
        said + _ADVICE.get(kind, ""),
        code=code,
        status=status,
        text=text,
        wait_s=wait_s,
        outcome=outcome,
    )
    if isinstance(error, Banned) and arrived_ns is not None:
        error.until_ns = arrived_ns + int(BAN_S * 1e9)
    return error


def _until_reset_s(headers: Mapping[str, str], arrived_ns: int | None) -> float:
    """From the reset time in the headers, which is not always ahead of us."""
    reset_ms = whole_number(header(headers, "x-bapi-limit-reset-timestamp"))
    if reset_ms is None or arrived_ns is None:
        return 1.0  # every limit of a user is counted by the second
    return min(max((reset_ms - arrived_ns // 1_000_000) / 1000, 0.1), 60.0)


def _kind(status: int, code: int | None, text: str) -> type[VenueError]:
    if status == 403:
        return Banned if "too frequent" in text.lower() else RegionBlocked
    if status == 429:
        return RateLimited
    if status == 401:
        return BadKey
    if code is not None and code in _KINDS:
        return _KINDS[code]
    if status >= 500:
        return VenueUnavailable
    if code is not None and 170000 <= code < 171000:
        return OrderRefused
    return Refused
