"""What Bybit's refusals mean, as the errors of :mod:`vocx.errors`.

Nearly everything comes with HTTP 200 and a ``retCode``; a 403 is a ban of ten minutes when its
text says so, else a blocked place (docs v5, error codes and rate limits, 2026-09; replies in public
code).
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import msgspec

from vocx.errors import (
    BadKey,
    BadReply,
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
    UnknownSymbol,
    VenueError,
    VenueUnavailable,
    VocxError,
)
from vocx.venues.base import GetInstruments, Request
from vocx.venues.base.reading import (
    LONGEST_TEXT,
    UNREADABLE,
    header,
    retry_after_s,
    whole_number,
    words,
)

VENUE = "bybit"
BAN_S = 600.0
"""A 403 for too many requests is lifted after ten minutes without any (docs v5, rate limit)."""

_COMMON = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "DOGE/USDT", "BTC/USDC", "ETH/BTC")
"""Only to guess what a misspelt symbol meant."""

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
    RegionBlocked: " The exchange does not serve this place. The lab works everywhere.",
    ClockSkew: " This machine's clock is off against the exchange's: measure the offset again.",
    BadSignature: " Sign time, key, window and the query or body exactly as they are sent.",
    BadKey: (
        " Check the key, its permissions, the address it is bound to, and that it belongs to this"
        " environment and site."
    ),
    VenueUnavailable: " Reading may be tried again; an order's outcome is unknown.",
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
    refused: Outcome | None = None if request.safe_to_retry else "refused"
    if found is None and 200 <= status < 400:
        return bad_reply(request, f"answered {status} with something that is not its JSON", body)
    if found is not None and found.retCode == 0 and status < 400:
        return None
    code = found.retCode if found is not None else None
    text = (found.retMsg or "")[:LONGEST_TEXT] if found is not None else words(body)
    if code in _SYMBOL or (code == 10001 and _NOT_SUPPORTED in text.lower()):
        unknown = _unknown_symbol(request, code, text, refused)
        if unknown is not None:
            return unknown
    return _venue_error(status, headers, code, text, body, refused, arrived_ns)


def bad_reply(request: Request, what: str, body: bytes) -> BadReply:
    """A reply that cannot be read."""
    outcome: Outcome | None = None if request.safe_to_retry else "unknown"
    return BadReply(f"bybit {what}: {words(body)!r}", venue=VENUE, outcome=outcome)


def no_such_symbol(request: Request) -> UnknownSymbol | None:
    """Some calls answer an unknown symbol with an empty list."""
    return _unknown_symbol(request, None, "an empty list", None)


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


def _unknown_symbol(
    request: Request, code: int | None, text: str, outcome: Outcome | None
) -> UnknownSymbol | None:
    symbol = getattr(request.intent, "symbol", None)
    if isinstance(request.intent, GetInstruments):
        symbol = " or ".join(request.intent.symbols) or None
    if symbol is None:
        return None
    near = get_close_matches(symbol, [name for name in _COMMON if name != symbol], n=3)
    hint = f" Near it: {', '.join(near)}." if near else ""
    why = f"{code} {text!r}" if code is not None else text
    return UnknownSymbol(
        f"bybit has no symbol {symbol}: {why}.{hint}", venue=VENUE, outcome=outcome
    )


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
    if outcome == "refused" and issubclass(kind, VenueUnavailable):
        outcome = "unknown"
    elif outcome == "refused" and kind is DuplicateOrder:
        outcome = "accepted"  # the order of that id is there: what was refused is a second one
    wait_s = BAN_S if kind is Banned else None
    if kind is RateLimited:
        told_s = retry_after_s(headers)
        wait_s = _until_reset_s(headers, arrived_ns) if told_s is None else told_s
    said = f"bybit {status}, {code}: {text}" if code is not None else f"bybit {status}: {text}"
    if kind is Banned:
        said += " Stop for ten minutes: each further call makes the ban longer."
    error = kind(
        said + _ADVICE.get(kind, ""),
        venue=VENUE,
        code=code,
        http_status=status,
        text=text,
        retry_after_s=wait_s,
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
