"""What a venue adapter is: pure functions between intents, bytes and facts.

An adapter never opens a socket, reads a clock or keeps state. ``now_ns`` and ``arrived_ns`` come
in as arguments, so a test of a signature or of a decoder is one equality. Intents say *what is
wanted* in vocx's own terms; a :class:`Request` says *which bytes* that is on one venue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from vocx.errors import BadInput, VenueError
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


class Listen(Intent, frozen=True, kw_only=True):
    """One channel of one symbol that a stream should listen to.

    ``channel`` is one of :data:`CHANNELS`. Options that a channel does not have are ``None``:
    ``interval`` (candles), ``depth`` (book: ``None`` means the full local book, a number the
    venue's self-contained top of that many levels), ``cadence_ms`` (book).
    """

    channel: str
    symbol: str | None
    interval: str | None = None
    depth: int | None = None
    cadence_ms: int | None = None


CHANNELS = ("trades", "quotes", "book", "ticker", "candles")
"""Public channels."""
PRIVATE = ("orders", "fills", "balances")
"""Channels of an account: its owner's alone, and without a symbol, because a venue sends all."""


class SocketPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One WebSocket that a stream must open.

    ``path`` (with query) is appended to the base URL called ``base`` (a key of the venue's and
    the lab's URL tables, such as ``"ws"``). ``frames`` are sent after the handshake, at most
    ``frames_per_second`` of them a second; each frame's ``ack_id`` is matched by
    :class:`Ack`. ``topics`` maps the venue's own stream names to the wishes they serve.
    ``private`` sockets have no frames here: :meth:`Venue.login` makes them for each connection.
    """

    base: str
    path: str
    frames: tuple[str, ...]
    ack_ids: tuple[int | str, ...]
    topics: Mapping[str, Listen]
    frames_per_second: float = 4.0
    private: bool = False


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's answer to a control frame; ``error`` is ``None`` for success."""

    id: int | str | None
    error: VenueError | None = None


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """A frame about the connection itself: ``kind`` is ``"shutdown"``, ``"terminated"`` (the
    login is over), ``"pong"`` or ``"notice"``."""

    kind: str
    text: str = ""


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A well-formed frame that this adapter does not know; counted and sampled, never fatal."""

    text: str


Decoded = Fact | Ack | Control | Unknown


class Keepalive(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue and a client prove to each other that the connection lives. Seconds.

    ``client_ping_s``: the client sends a ping this often, ``pong_deadline_s`` how long it waits.
    ``ping_text`` is the application-level ping where the venue wants one, else ``None`` (a
    WebSocket ping frame). ``max_life_s``: the venue cuts the connection at this age;
    ``rotate_s``: the client reconnects by itself before (with jitter), ``None`` never.
    """

    client_ping_s: float
    pong_deadline_s: float
    ping_text: str | None = None
    max_life_s: float | None = None
    rotate_s: float | None = None


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


class Venue(Protocol):
    """A venue adapter. ``vocx.venues.get("binance")`` gives one; all methods are pure."""

    name: str
    hosts: Mapping[str, Hosts]
    """``"testnet"`` and ``"real"``; a missing one means that the venue has none of use."""
    limits: Sequence[Limit]
    keepalive: Keepalive
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

    def refused_upgrade(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
        """The typed error in an HTTP answer to a WebSocket handshake that is not 101."""

    def envelope(
        self, intent: Intent, number: int, now_ns: int, credentials: Credentials
    ) -> Request:
        """The same call as a frame for the ``ws_api`` socket, with ``number`` as its id."""

    def opened(self, text: bytes) -> Envelope | None:
        """A frame of that socket as an answer; ``None`` for anything else, such as an event."""

    def login(self, plan: SocketPlan, now_ns: int, credentials: Credentials) -> SocketPlan:
        """A private plan with the frames that log in and subscribe now, freshly signed."""

    def used(self, headers: Mapping[str, str]) -> Mapping[str, int]:
        """What the reply's headers say is used, by limit kind; empty when they say nothing."""

    def check_listen(self, wanted: Listen) -> Listen:
        """The wish with the venue's defaults filled in, or a ``BadInput`` that names
        what exists."""

    def subscribe(self, wanted: Sequence[Listen]) -> Sequence[SocketPlan]:
        """Which sockets to open and which frames to send."""

    def decode(self, text: bytes, arrived_ns: int, plan: SocketPlan) -> Sequence[Decoded]:
        """What one frame says. Unreadable bytes raise ``BadReply``; unknown ones are
        :class:`Unknown`."""

    def cadence_ms(self, wanted: Listen) -> int:
        """How often the venue sends this channel at most; 0 for every change."""

    def silence_s(self, wanted: Listen) -> float:
        """After how long without data a stream should become suspicious of this channel."""

    def snapshot(self, symbol: str) -> GetBook | None:
        """The REST call that starts a local book; ``None`` where the stream carries it."""

    def follows(self, sequence: int, delta: Any) -> str:
        """The continuity rule: ``"drop"``, ``"apply"`` or ``"resync"`` for a book at
        ``sequence`` and a :class:`~vocx.facts.BookDelta`."""


def split_symbol(symbol: str) -> tuple[str, str]:
    """``("BTC", "USDT")`` of ``"BTC/USDT"``, or a refusal that says what to write instead."""
    from vocx.errors import UnknownSymbol

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
