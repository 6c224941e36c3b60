"""What OKX's refusals mean, as the errors of :mod:`vocx.errors`.

Three layers: the HTTP status, the envelope's ``code``, and for orders each item's ``sCode``, which
is the truth for the item. Gateways answer without ``data``, and machines before them without JSON
(docs-v5 error codes, 2026-07-28; replies in public code).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vocx.errors import (
    BadKey,
    BadSignature,
    ClockSkew,
    DuplicateOrder,
    Maintenance,
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
from vocx.venues.base.reading import LONGEST_TEXT, UNREADABLE, retry_after_s, words
from vocx.venues.base.refusals import ADVICE, make_error, not_its_json, outcome_of, unknown_symbol

VENUE = "okx"


_KINDS: Mapping[str, type[VenueError]] = {
    **dict.fromkeys(("50001",), Maintenance),
    # The endpoint or the engine took too long: what was asked may have been done.
    **dict.fromkeys(("50004", "50013", "50026", "51149", "63999", "64007"), VenueUnavailable),
    **dict.fromkeys(("50011", "50061", "60014", "60023"), RateLimited),
    **dict.fromkeys(("50102", "60004", "60006"), ClockSkew),
    **dict.fromkeys(("50106", "50112", "50113", "60007"), BadSignature),
    **dict.fromkeys(
        ("50100", "50101", "50103", "50104", "50105", "50107", "50110", "50111", "50114"), BadKey
    ),
    **dict.fromkeys(("50119", "50120", "60005", "60009", "60024", "60026", "60032"), BadKey),
    **dict.fromkeys(("51155",), RegionBlocked),
    **dict.fromkeys(("51400", "51410", "51503", "51603"), OrderNotFound),
    **dict.fromkeys(("51016",), DuplicateOrder),
    **dict.fromkeys(
        ("50036", "50037", "51003", "51005", "51006", "51008", "51010", "51020", "51025", "51111"),
        OrderRefused,
    ),
    **dict.fromkeys(
        ("51121", "51131", "51137", "51138", "51201", "51202", "51204", "51406", "51500", "51501"),
        OrderRefused,
    ),
    **dict.fromkeys(("51511", "54036", "59113"), OrderRefused),
}
_NO_SUCH_INSTRUMENT = frozenset({"51001", "51015"})


_ADVICE: Mapping[type[VenueError], str] = {
    **ADVICE,
    BadKey: (
        " Check the key, its passphrase, its permissions, the address it is bound to, and whether"
        " it was made for demo trading."
    ),
}


class Item(msgspec.Struct):
    """One row of a trading reply, as far as it says what became of it."""

    ordId: str = ""
    clOrdId: str = ""
    sCode: str | None = None
    sMsg: str = ""


class Envelope(msgspec.Struct):
    """``{"code":"0","msg":"","data":[...]}``; a gateway leaves ``data`` out."""

    code: str | int
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw()


_envelope_of = msgspec.json.Decoder(Envelope).decode
_items_of = msgspec.json.Decoder(list[Item]).decode


def read_envelope(body: bytes) -> Envelope | None:
    """The envelope of a reply; ``None`` for anything else, such as HTML."""
    try:
        found = _envelope_of(body)
    except UNREADABLE:
        return None
    found.code = str(found.code)  # a machine in front of the exchange writes a number
    return found


def read_items(found: Envelope) -> list[Item]:
    """The rows of a trading reply; empty where there are none."""
    try:
        return _items_of(found.data) if bytes(found.data) else []
    except UNREADABLE:
        return []


def reply_error(
    request: Request, status: int, headers: Mapping[str, str], body: bytes
) -> VocxError | None:
    """The one typed error that a reply means; ``None`` for a good one.

    An item's refusal counts before the envelope's, whose text is only "All operations failed".
    """
    found = read_envelope(body)
    refused = outcome_of(request)
    if found is None:
        if 200 <= status < 400:
            return not_its_json(VENUE, request, status, body)
        return _venue_error(status, headers, "", words(body), refused)
    bad = next((one for one in read_items(found) if one.sCode not in (None, "", "0")), None)
    code, text = str(found.code), found.msg
    if bad is not None:
        code, text = bad.sCode or code, bad.sMsg or text
    code, text = code[:LONGEST_TEXT], text[:LONGEST_TEXT]
    if found.code == "0" and bad is None and status < 400:
        return None
    if code in _NO_SUCH_INSTRUMENT:
        unknown = unknown_symbol(VENUE, request, f"{code} {text!r}")
        if unknown is not None:
            return unknown
    return _venue_error(status, headers, code, text, refused)


def order_error(intent: PlaceOrder | CancelOrder, code: str, text: str) -> VocxError:
    """The typed error of one order of several."""
    safe = isinstance(intent, CancelOrder)
    request = Request(intent=intent, method="POST", target="", safe_to_retry=safe)
    code, text = code[:LONGEST_TEXT], text[:LONGEST_TEXT]
    if code in _NO_SUCH_INSTRUMENT:
        if unknown := unknown_symbol(VENUE, request, f"{code} {text!r}"):
            return unknown
    return _venue_error(200, {}, code, text, outcome_of(request))


def upgrade_error(status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
    """The typed error in an HTTP answer to a WebSocket handshake that is not 101."""
    found = read_envelope(body)
    code, text = (str(found.code), found.msg) if found is not None else ("", words(body))
    return _venue_error(status, headers, code, text, None)


def socket_error(code: str, text: str) -> VenueError:
    """The typed error in an ``event: error`` frame."""
    code, text = code[:LONGEST_TEXT], text[:LONGEST_TEXT]
    kind = _KINDS.get(code, SubscribeRefused)
    return kind(f"okx {code}: {text}{_ADVICE.get(kind, '')}", venue=VENUE, code=code, text=text)


def _venue_error(
    status: int, headers: Mapping[str, str], code: str, text: str, outcome: Outcome | None
) -> VenueError:
    kind = _kind(status, code)
    wait_s = retry_after_s(headers)
    if kind is RateLimited and wait_s is None:
        wait_s = 2.0  # OKX names no time; all its windows are two seconds long
    said = " ".join(part for part in (f"okx {status}, {code}:" if code else f"okx {status}:", text))
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


def _kind(status: int, code: str) -> type[VenueError]:
    if code in _KINDS:
        return _KINDS[code]
    if status == 429:
        return RateLimited
    if status in (403, 451):
        return RegionBlocked  # the edge turns away whole countries without JSON
    if status >= 500:
        return VenueUnavailable
    return Refused
