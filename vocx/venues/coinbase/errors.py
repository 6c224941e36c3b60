"""What Coinbase's refusals mean, as the errors of :mod:`vocx.errors`.

A refused key is plain text, a refused order comes with HTTP 200 and ``success: false``, and a
429 may be HTML (Advanced Trade reference, 2026-09; replies in public code).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vocx.errors import (
    BadKey,
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
from vocx.venues.base import Request
from vocx.venues.base.reading import LONGEST_TEXT, UNREADABLE, retry_after_s, words
from vocx.venues.base.refusals import ADVICE, make_error, not_its_json, outcome_of, unknown_symbol

VENUE = "coinbase"


_REGION = frozenset({"GEOFENCING_RESTRICTION", "INELIGIBLE_PAIR"})
_NO_PRODUCT = frozenset({"INVALID_PRODUCT_ID", "PREVIEW_INVALID_PRODUCT_ID"})
_NO_ORDER = frozenset(
    {"UNKNOWN_CANCEL_ORDER", "ORDER_IS_FULLY_FILLED", "ORDER_NOT_FOUND", "DUPLICATE_CANCEL_REQUEST"}
)


_ADVICE: Mapping[type[VenueError], str] = {
    **ADVICE,
    BadKey: (
        " Check the key, its permissions, and this machine's clock: a token that begins in the"
        " future is refused in the same words."
    ),
}


class Trouble(msgspec.Struct):
    """``error_response`` of an order, one entry of an edit's ``errors``, or one of those of the
    older API (``id``)."""

    error: str = ""
    id: str = ""
    message: str = ""
    error_details: str = ""
    preview_failure_reason: str = ""
    new_order_failure_reason: str = ""
    edit_failure_reason: str = ""


class _Result(msgspec.Struct):
    success: bool
    failure_reason: str = ""


class Body(msgspec.Struct):
    """All that a reply may say about a failure."""

    error: str | None = None
    message: str | None = None
    error_details: str | None = None
    success: bool | None = None
    error_response: Trouble | None = None
    errors: list[Trouble] | Trouble | None = None
    results: list[_Result] | None = None


_body_of = msgspec.json.Decoder(Body).decode


def read_body(body: bytes) -> Body | None:
    """What a body says of itself; ``None`` where it is not the venue's JSON."""
    try:
        return _body_of(body)
    except UNREADABLE:
        return None


def reply_error(
    request: Request, status: int, headers: Mapping[str, str], body: bytes
) -> VocxError | None:
    """The one typed error that a reply means; ``None`` for a good one."""
    found = read_body(body)
    if found is None and 200 <= status < 300:
        return not_its_json(VENUE, request, status, body)
    code, text = _reason(found, body)
    if found is not None and status < 300 and not code and found.success is not False:
        return None
    if code in _NO_PRODUCT or (status == 404 and "product_id" in text):
        unknown = unknown_symbol(VENUE, request, f"{code} {text!r}")
        if unknown is not None:
            return unknown
    return _venue_error(status, headers, code, text, outcome_of(request))


def _reason(found: Body | None, body: bytes) -> tuple[str, str]:
    """Code and words of a failure; empty where there is none."""
    if found is None:
        return "", words(body)
    if found.success:
        return "", ""  # whatever stands beside it: older replies have an error's zero values
    trouble = found.error_response
    if trouble is None and found.errors:
        trouble = found.errors if isinstance(found.errors, Trouble) else found.errors[0]
    if trouble is not None:
        named = (
            trouble.new_order_failure_reason,
            trouble.edit_failure_reason,
            trouble.error,
            trouble.preview_failure_reason,
            trouble.id,
        )
        code = next((one for one in named if one and not one.startswith("UNKNOWN_")), "")
        return code or trouble.error or "UNKNOWN", (trouble.message or code)[:LONGEST_TEXT]
    if found.error is not None:
        return found.error, (found.message or found.error_details or "")[:LONGEST_TEXT]
    if found.success is False:
        return "UNKNOWN", (found.message or "")[:LONGEST_TEXT]
    return "", found.message or ""


def cancel_error(reason: str, outcome: Outcome | None) -> VenueError:
    """The typed error in one result of a cancel."""
    return _venue_error(200, {}, reason, reason.replace("_", " ").lower(), outcome)


def upgrade_error(status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
    """The typed error in an HTTP answer to a WebSocket handshake that is not 101."""
    code, text = _reason(read_body(body), body)
    return _venue_error(status, headers, code, text, None)


def socket_error(text: str) -> VenueError:
    """The typed error in a frame of type ``error``, which has no code and no id."""
    kind: type[VenueError] = SubscribeRefused
    if "authentication" in text.lower():
        kind = BadKey
    return kind(f"coinbase: {text}{_ADVICE.get(kind, '')}", venue=VENUE, text=text)


def _venue_error(
    status: int, headers: Mapping[str, str], code: str, text: str, outcome: Outcome | None
) -> VenueError:
    kind = _kind(status, code, text)
    wait_s = retry_after_s(headers)
    if kind is RateLimited and wait_s is None:
        wait_s = 1.0  # limits are by the second, and no time is named
    said = f"coinbase {status}, {code}: {text}" if code else f"coinbase {status}: {text}"
    return make_error(
        VENUE,
        kind,
        said + _ADVICE.get(kind, ""),
        code=code or None,
        status=status,
        text=text,
        wait_s=wait_s,
        outcome=outcome,
    )


def _kind(status: int, code: str, text: str) -> type[VenueError]:
    if status == 429:
        return RateLimited
    if status == 401 or code == "PERMISSION_DENIED":
        return BadKey
    if status in (403, 451) or code.removeprefix("PREVIEW_") in _REGION:
        return RegionBlocked
    if status >= 500:
        return VenueUnavailable
    if code in _NO_ORDER or "order with this orderID was not found" in text:
        return OrderNotFound
    if code == "DUPLICATE_CLIENT_ORDER_ID":
        return DuplicateOrder
    return OrderRefused if status < 300 else Refused
