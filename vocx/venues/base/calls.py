"""The calls half of the venue contract: intents, requests, credentials, limits.

Intents say *what is wanted* in vocx's own terms; a :class:`Request` says *which bytes* that is on
one venue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from vocx.errors import BadInput, UnknownSymbol
from vocx.facts import Fact, Facts, OrderType, Side, TimeInForce


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """Something wanted of a venue's REST API."""


class GetTime(Intent, frozen=True, kw_only=True):
    """The venue's clock."""


class GetInstruments(Intent, frozen=True, kw_only=True):
    """All instruments, or one."""

    symbol: str | None = None


class GetTicker(Intent, frozen=True, kw_only=True):
    """24-hour ticker."""

    symbol: str


class GetQuote(Intent, frozen=True, kw_only=True):
    """Best bid and ask."""

    symbol: str


class GetBook(Intent, frozen=True, kw_only=True):
    """Order book, ``depth`` levels a side."""

    symbol: str
    depth: int = 100


class GetTrades(Intent, frozen=True, kw_only=True):
    """Public trades, newest last. ``from_id`` (inclusive) asks for history where a venue can."""

    symbol: str
    limit: int = 500
    from_id: int | None = None


class GetCandles(Intent, frozen=True, kw_only=True):
    """Candles, oldest first; the last may still be open."""

    symbol: str
    interval: str
    limit: int = 500
    start_ns: int | None = None
    end_ns: int | None = None


class PlaceOrder(Intent, frozen=True, kw_only=True):
    """A new order. Numbers are exact; the client order id is made before this is.

    A market order has ``quantity`` (base) or ``quote_quantity`` (quote), never both; a limit
    order has ``price`` and ``quantity``. ``test`` asks the venue to check it and place nothing.
    """

    symbol: str
    side: Side
    type: OrderType
    client_order_id: str
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    test: bool = False


class CancelOrder(Intent, frozen=True, kw_only=True):
    """Cancel one order, by the venue's id or by the client's."""

    symbol: str
    id: int | str | None = None
    client_order_id: str | None = None


class CancelAll(Intent, frozen=True, kw_only=True):
    """Cancel all open orders of a symbol."""

    symbol: str


class GetOrder(Intent, frozen=True, kw_only=True):
    """One order, by the venue's id or by the client's."""

    symbol: str
    id: int | str | None = None
    client_order_id: str | None = None


class GetOpenOrders(Intent, frozen=True, kw_only=True):
    """Open orders of one symbol, or of all."""

    symbol: str | None = None


class GetFills(Intent, frozen=True, kw_only=True):
    """One's own fills of a symbol, oldest first."""

    symbol: str
    limit: int = 500
    order_id: int | str | None = None
    start_ns: int | None = None


class GetBalances(Intent, frozen=True, kw_only=True):
    """What the account holds."""


SIGNED = (PlaceOrder, CancelOrder, CancelAll, GetOrder, GetOpenOrders, GetFills, GetBalances)
"""Intents that need credentials."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair. Its repr never shows a secret.

    ``secret`` is the venue's secret text, or a private key in PEM where a venue takes one
    (``passphrase`` then opens it); ``venue`` says whose it is, where that is known.
    """

    key: str
    secret: str
    passphrase: str | None = None
    venue: str | None = None

    def __repr__(self) -> str:
        return f"Credentials(key='{self.key[:4]}...', secret=<hidden>)"

    def __rich_repr__(self) -> Any:
        yield "key", f"{self.key[:4]}..."
        yield "secret", "<hidden>"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request as bytes-to-be. ``target`` is path and query exactly as they go out.

    ``weight`` and ``orders`` are what the venue charges for it; ``safe_to_retry`` is False for
    anything that could place an order. On a request/response socket ``method`` is the venue's
    name of the call, ``target`` is empty and ``body`` is the frame.
    """

    intent: Intent
    method: str
    target: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    weight: int = 1
    orders: int = 0
    safe_to_retry: bool = True

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target.partition('?')[0] or self.intent!r}>"


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """An answer on a request/response socket, opened: ``id`` says to what, the rest is what
    :meth:`Venue.reply` reads."""

    id: int | str | None
    status: int
    headers: Mapping[str, str]
    body: bytes


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of a venue: ``amount`` of ``kind`` per ``window_s`` seconds.

    ``kind`` is ``"weight"``, ``"orders"``, ``"requests"``, ``"connections"`` or ``"messages"``;
    ``aligned`` True means fixed windows on the clock, False a sliding one.
    """

    kind: str
    amount: int
    window_s: float
    aligned: bool = True
    source: str = ""


class Hosts(msgspec.Struct, frozen=True, kw_only=True):
    """Base URLs of one environment, by purpose (``"rest"``, ``"ws"``, ``"ws_api"``, ...)."""

    urls: Mapping[str, str]
    fallbacks: Mapping[str, tuple[str, ...]] = {}


class Calls(Protocol):
    """The calls half of an adapter: what a venue can be asked."""

    name: str
    hosts: Mapping[str, Hosts]
    """``"testnet"`` and ``"real"``; a missing one means that the venue has none of use."""
    limits: Sequence[Limit]
    intervals: Sequence[str]

    def venue_symbol(self, symbol: str) -> str:
        """``"BTC/USDT"`` in the venue's spelling, or ``UnknownSymbol``/``BadInput``."""

    def request(
        self, intent: Intent, now_ns: int, credentials: Credentials | None = None
    ) -> Request:
        """The bytes that ask for it, or ``BadInput``."""

    def reply(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        arrived_ns: int,
    ) -> Fact | Facts[Any]:
        """The facts in a reply, or one typed error (``VenueError`` or ``BadReply``)."""

    def told_limits(self, body: bytes) -> Sequence[Limit]:
        """The limits that a reply to :class:`GetInstruments` states; empty when it states none."""

    def envelope(
        self, intent: Intent, number: int, now_ns: int, credentials: Credentials
    ) -> Request:
        """The same call as a frame for the ``ws_api`` socket, with ``number`` as its id."""

    def opened(self, text: bytes) -> Envelope | None:
        """A frame of that socket as an answer; ``None`` for anything else, such as an event."""

    def used(self, headers: Mapping[str, str]) -> Mapping[str, int]:
        """What the reply's headers say is used, by limit kind; empty when they say nothing."""


def split_symbol(symbol: str) -> tuple[str, str]:
    """``("BTC", "USDT")`` of ``"BTC/USDT"``, or a refusal that says what to write instead."""
    if not isinstance(symbol, str):
        raise BadInput(f'symbol is a {type(symbol).__name__}; write "BTC/USDT"')
    if ":" in symbol:
        spot = symbol.split(":")[0]
        raise BadInput(f'{symbol!r} names a future; vocx is spot only: write "{spot}"')
    base, slash, quote = symbol.partition("/")
    if not (slash and base and quote) or symbol != symbol.upper() or "/" in quote:
        guess = symbol.upper().replace("-", "/").replace("_", "/")
        if "/" not in guess:
            for ending in ("USDT", "USDC", "FDUSD", "BTC", "ETH", "EUR", "USD"):
                if guess.endswith(ending) and len(guess) > len(ending):
                    guess = f"{guess[: -len(ending)]}/{ending}"
                    break
            else:
                guess = "BTC/USDT"
        raise UnknownSymbol(f'{symbol!r} is not how vocx writes a symbol; write "{guess}"')
    return base, quote
