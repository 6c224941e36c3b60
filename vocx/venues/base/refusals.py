"""What every adapter makes of a refusal once it knows what kind of one it is.

An adapter classifies: status, code and words to a class of :mod:`vocx.errors`. The rest is the same
everywhere: what became of an order, what is advised, which symbol may have been meant.
"""

from __future__ import annotations

from collections.abc import Mapping

from vocx.errors import (
    BadKey,
    BadReply,
    BadSignature,
    ClockSkew,
    DuplicateOrder,
    Maintenance,
    Outcome,
    RegionBlocked,
    UnknownSymbol,
    VenueError,
    VenueUnavailable,
)
from vocx.text import suggest
from vocx.venues.base.calls import GetInstruments, Request
from vocx.venues.base.reading import shown, words

_COMMON = (
    *("BTC/USDT", "ETH/USDT", "SOL/USDT", "BNB/USDT", "XRP/USDT", "DOGE/USDT", "ADA/USDT"),
    *("ETH/BTC", "SOL/BTC", "BTC/USDC", "ETH/USDC", "BTC/EUR", "ETH/EUR", "BTC/USD", "ETH/USD"),
)
"""Only to guess what a misspelt symbol meant."""

ADVICE: Mapping[type[VenueError], str] = {
    RegionBlocked: " The exchange does not serve this place. The lab works everywhere.",
    ClockSkew: " This machine's clock is off against the exchange's: measure the offset again.",
    BadSignature: " Sign exactly the bytes that are sent.",
    BadKey: " Check the key, its permissions and the address it is bound to.",
    Maintenance: " The exchange is closed for a while: ex.status() says what it knows.",
    VenueUnavailable: " Reading may be tried again; an order's outcome is unknown.",
}
"""What to do about a refusal, where the venue's own words do not say it."""


def outcome_of(request: Request) -> Outcome | None:
    """What a plain refusal means for an order; ``None`` where there is none."""
    return None if request.safe_to_retry else "refused"


def make_error(
    venue: str,
    kind: type[VenueError],
    said: str,
    *,
    code: int | str | None = None,
    status: int | None = None,
    text: str = "",
    wait_s: float | None = None,
    outcome: Outcome | None = None,
) -> VenueError:
    """The error, with the outcome that its class means for an order that was refused."""
    if outcome == "refused" and issubclass(kind, VenueUnavailable):
        outcome = "unknown"
    elif outcome == "refused" and kind is DuplicateOrder:
        outcome = "accepted"  # the order of that id is there: what was refused is a second one
    return kind(
        said,
        venue=venue,
        code=code,
        http_status=status,
        text=text,
        retry_after_s=wait_s,
        outcome=outcome,
    )


def bad_reply(venue: str, request: Request, what: str, body: bytes) -> BadReply:
    """A reply that cannot be read; of an order nobody knows then what became of it."""
    outcome: Outcome | None = None if request.safe_to_retry else "unknown"
    return BadReply(f"{venue} {what}: {words(body)!r}", venue=venue, outcome=outcome)


def bad_frame(venue: str, error: Exception, text: bytes, what: str = "frame") -> BadReply:
    """A frame of a socket that cannot be read."""
    return BadReply(
        f"{venue} sent a {what} that cannot be read ({error}): {shown(text, 80)!r}", venue=venue
    )


def not_its_json(venue: str, request: Request, status: int, body: bytes) -> BadReply:
    """A good status over something else than the venue's JSON."""
    return bad_reply(venue, request, f"answered {status} with something that is not its JSON", body)


def unknown_symbol(venue: str, request: Request, why: str) -> UnknownSymbol | None:
    """The error for a symbol that the venue does not trade, with what may have been meant;
    ``None`` where the call names no symbol."""
    intent = request.intent
    symbol = getattr(intent, "symbol", None)
    if isinstance(intent, GetInstruments):
        symbol = " or ".join(intent.symbols) or None
    if symbol is None:
        return None
    hint = suggest(symbol, [name for name in _COMMON if name != symbol], most=3)
    return UnknownSymbol(
        f"{venue} has no symbol {symbol}: {why}.{hint}", venue=venue, outcome=outcome_of(request)
    )
