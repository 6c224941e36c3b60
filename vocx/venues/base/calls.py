"""The calls half of the venue contract: intents, requests, answers, limits, environments.

Intents say *what is wanted* in vocx's own terms; a :class:`Request` says *which bytes* that is on
one venue, still unsigned; an :class:`Answer` holds the facts and, where an intent takes several
requests, the one that goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, Protocol

import msgspec

from vocx.arguments import written_fields
from vocx.errors import (
    BadInput,
    BadReply,
    OrderRefused,
    Outcome,
    RateLimited,
    Refused,
    VocxError,
)
from vocx.facts import (
    Balance,
    Candle,
    Fact,
    Facts,
    Fill,
    Instrument,
    Order,
    OrderAck,
    OrderResult,
    OrderType,
    Side,
    TimeInForce,
    Trade,
)
from vocx.timing import HttpCall

Id = int | str
"""A venue's id of a trade, an order or a fill."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """Something wanted of a venue's REST API."""

    __repr__ = written_fields


class GetTime(Intent, frozen=True, kw_only=True):
    """The venue's clock."""


class GetStatus(Intent, frozen=True, kw_only=True):
    """Whether the venue is up, gives a :class:`~vocx.facts.VenueStatus`."""


class GetInstruments(Intent, frozen=True, kw_only=True):
    """All instruments, or those of ``symbols``, in one list."""

    symbols: tuple[str, ...] = ()


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
    from_id: Id | None = None


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
    ``instrument`` is given where it is known, for venues that name it by another number.
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
    instrument: Instrument | None = None


class AmendOrder(Intent, frozen=True, kw_only=True):
    """Give an open order, named by the venue's id or by the client's, another quantity, another
    price or both.

    ``quantity`` is the new total, with what is filled. ``new_client_order_id`` is for venues that
    place a new order instead.
    """

    symbol: str
    id: Id | None = None
    client_order_id: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    new_client_order_id: str | None = None
    instrument: Instrument | None = None


class CancelOrder(Intent, frozen=True, kw_only=True):
    """Cancel one order, by the venue's id or by the client's."""

    symbol: str
    id: Id | None = None
    client_order_id: str | None = None
    instrument: Instrument | None = None


class PlaceOrders(Intent, frozen=True, kw_only=True):
    """Several new orders in one call, of any symbols, each with its own outcome: an
    :class:`~vocx.facts.OrderResult` for each, in the same order. At most as many as
    :attr:`Calls.batch_sizes` says."""

    orders: tuple[PlaceOrder, ...]


class CancelOrders(Intent, frozen=True, kw_only=True):
    """Cancel several orders in one call, each with its own outcome (see :class:`PlaceOrders`)."""

    orders: tuple[CancelOrder, ...]


SENT_ONCE = (PlaceOrder, AmendOrder, PlaceOrders)
"""What is never sent again: it would be another order."""


class CancelAll(Intent, frozen=True, kw_only=True):
    """Cancel all open orders of a symbol."""

    symbol: str


class CancelAllAfter(Intent, frozen=True, kw_only=True):
    """Let the venue cancel all open orders of the account unless this is asked again within so
    many seconds, gives a :class:`~vocx.facts.CancelTimer`; 0 ends the countdown."""

    seconds: int


class GetOrder(Intent, frozen=True, kw_only=True):
    """One order, by the venue's id or by the client's."""

    symbol: str
    id: Id | None = None
    client_order_id: str | None = None


class GetOpenOrders(Intent, frozen=True, kw_only=True):
    """Open orders of one symbol, or of all."""

    symbol: str | None = None


class GetFills(Intent, frozen=True, kw_only=True):
    """One's own fills of a symbol, oldest first: the latest, those of an order, or those since a
    moment. ``limit`` ``None`` means all of them, in as many requests as that takes."""

    symbol: str
    limit: int | None = 500
    order_id: Id | None = None
    start_ns: int | None = None


class GetBalances(Intent, frozen=True, kw_only=True):
    """What the account holds."""


LISTED: Mapping[type[Intent], type[Fact]] = {
    GetInstruments: Instrument,
    GetTrades: Trade,
    GetCandles: Candle,
    PlaceOrders: OrderResult,
    CancelOrders: OrderResult,
    CancelAll: Order,
    GetOpenOrders: Order,
    GetFills: Fill,
    GetBalances: Balance,
}
"""Of which kind the facts are that answer an intent with a list, also where there are none."""


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
    """One request as bytes-to-be. ``target`` is path and query exactly as they go out.

    ``purpose`` names the base URL (a key of :class:`Endpoints`), ``charges`` what the venue counts
    for it, by bucket. ``signed`` says that it needs a key: :meth:`Calls.sign` makes what is sent
    of it. ``safe_to_retry`` is False for anything that could place or change an order.
    On a request/response socket ``method`` is the venue's name of the call, ``target`` is empty
    and ``body`` is the frame.
    """

    intent: Intent
    method: str
    target: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    purpose: str = "rest"
    charges: Mapping[str, int] = {}
    signed: bool = False
    safe_to_retry: bool = True

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target.partition('?')[0] or self.intent!r}>"


def json_post(
    intent: Intent, target: str, body: Any, charges: Mapping[str, int], *, safe: bool = False
) -> Request:
    """A signed call whose parameters are a JSON body; ``safe`` to send again."""
    return Request(
        intent=intent,
        method="POST",
        target=target,
        headers={"Content-Type": "application/json"},
        body=msgspec.json.encode(body),
        charges=charges,
        signed=True,
        safe_to_retry=safe,
    )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a reply says: facts, and the request that goes on where the intent takes several.

    Lists of several answers are joined by whoever asks; of single facts the last one counts, and
    ``result`` is ``None`` in an answer that only leads to the next. ``older``: what the next
    request brings belongs before this, because the venue pages back in time.
    """

    result: Fact | Facts[Any] | None
    next: Request | None = None
    older: bool = False


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """An answer on a request/response socket: ``id`` says to what, the rest is what
    :meth:`Calls.reply` reads."""

    id: Id | None
    status: int
    headers: Mapping[str, str]
    body: bytes


Per = Literal["address", "account", "instrument", "connection"]
"""Whose a limit is."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One limit of a venue: ``amount`` of what ``bucket`` counts, per ``window_s`` seconds.

    ``aligned`` True means fixed windows on the clock, False a sliding one. ``per`` says whose it
    is: by address it is counted for all that a process asks of a host, else for each key; one per
    instrument is charged with the instrument after a colon (``"place:BTC-USDT"``).
    """

    bucket: str
    amount: int
    window_s: float
    aligned: bool = True
    per: Per = "address"
    source: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue says about one bucket: how much is ``used``, or how much is ``left``.

    ``window_s`` tells windows of one bucket apart (``None``: the shortest), ``amount`` and
    ``resets_ns`` (epoch) are given where the venue says them.
    """

    bucket: str
    used: int | None = None
    left: int | None = None
    amount: int | None = None
    window_s: float | None = None
    resets_ns: int | None = None


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """One environment of a venue: base URLs by purpose, and headers that go with every request
    and upgrade. ``note`` says what is to know about it."""

    urls: Mapping[str, str]
    headers: Mapping[str, str] = {}
    note: str = ""


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """What must never be shown: ``headers`` by name, and ``fields`` of queries, JSON bodies and
    frames by name. Names count in any case. ``after`` are regular expressions of what stands
    before a secret that has no name, such as a key in a list of arguments: whatever follows to the
    end of the list is hidden."""

    headers: Sequence[str] = ()
    fields: Sequence[str] = ()
    after: Sequence[str] = ()


class Calls(Protocol):
    """The calls half of an adapter: what a venue can be asked."""

    name: str
    environments: Mapping[str, Endpoints]
    """``"real"``, ``"testnet"``, ``"demo"``; one without URLs says in its note why not."""
    limits: Sequence[Limit]
    secrets: Secrets
    key_pattern: str
    """What the whole of a key looks like, to tell one that was mixed up."""
    intervals: Sequence[str]
    batch_sizes: Mapping[type[Intent], int]
    """How many orders one call of :class:`PlaceOrders` or :class:`CancelOrders` may have; what is
    not in here has no such call, and orders go one by one."""

    def venue_symbol(self, symbol: str) -> str:
        """``"BTC/USDT"`` in the venue's spelling, or ``UnknownSymbol``/``BadInput``."""

    def symbol_of(self, venue_symbol: str, instruments: Collection[str] = ()) -> str | None:
        """The venue's spelling in ours, by the symbols known here and by the venue's rules;
        ``None`` where neither tells."""

    def derive_urls(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """All purposes from those that were given: one server may answer several of them."""

    def make_client_order_id(self, number: int) -> str:
        """A number of at most 128 bits as an id in the venue's alphabet, sorted as the number."""

    def validate_client_order_id(self, text: str) -> None:
        """Refuse what the venue would not take, with ``BadInput``."""

    def request(self, intent: Intent, now_ns: int = 0) -> Request:
        """The (first) request for it, unsigned, or ``BadInput``. What a venue lacks is refused
        by name. ``now_ns`` is for what a venue wants the ends of, such as candles until now."""

    def sign(self, request: Request, now_ns: int, credentials: Credentials, nonce: str) -> Request:
        """The same with its proof, as it is sent. Called right before each sending; ``nonce`` is
        random text."""

    def reply(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        arrived_ns: int,
    ) -> Answer:
        """What a reply says, or one typed error (``VenueError`` or ``BadReply``)."""

    def parse_limits(self, request: Request, body: bytes) -> Sequence[Limit]:
        """The limits that a good reply states; empty when it states none."""

    def parse_usage(self, request: Request, headers: Mapping[str, str]) -> Sequence[Usage]:
        """What a reply's headers say is used; empty when they say nothing."""

    def ws_request(
        self, intent: Intent, number: int, now_ns: int, credentials: Credentials | None, nonce: str
    ) -> Request:
        """The same call as a frame for :attr:`Sockets.order_socket`, with ``number`` as its id."""

    def ws_logon(
        self, number: int, now_ns: int, credentials: Credentials, nonce: str
    ) -> Request | None:
        """A call that proves once whose such a connection is, after which :meth:`ws_request`
        needs no credentials; ``None`` where a venue gives no choice."""

    def parse_response(self, text: bytes) -> Response | None:
        """A frame of that socket as an answer; ``None`` for anything else, such as an event."""


_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def id_digits(number: int) -> str:
    """A number of at most 128 bits as 26 letters and digits that sort as it does (Crockford's
    alphabet), which every venue takes in a client order id."""
    return "".join(_DIGITS[number >> 5 * place & 31] for place in range(25, -1, -1))


def check_answer(venue: str, intent: Intent, answer: Answer) -> None:
    """Refuse an answer to somebody else's question: another symbol, or another order.

    A second net under every adapter, because an answer on the wrong order would be believed.

    Raises
    ------
    BadReply
        It names a symbol, an order id or a client order id other than the one asked for.
    """
    found = answer.result
    facts: Sequence[Any] = found if isinstance(found, Facts) else () if found is None else (found,)
    asked: dict[str, tuple[Any, ...]] = {}
    # An amended order may be a new one; its symbol stays.
    names = ("symbol", "id", "client_order_id", "order_id")
    for name in names[:1] if isinstance(intent, AmendOrder) else names:
        if (value := getattr(intent, name, None)) is not None:
            asked[name] = (value,)
    if isinstance(intent, PlaceOrders | CancelOrders):
        _check_results(venue, intent, facts)
        return
    if isinstance(intent, GetInstruments) and intent.symbols:
        asked["symbol"] = intent.symbols
    for name, values in asked.items():
        for fact in facts:
            told = getattr(fact, name, None)
            if told not in (None, "") and str(told) not in map(str, values):
                raise BadReply(
                    f"{venue} was asked for {name.replace('_', ' ')} {values[0]!r} and answered "
                    f"about {told!r}",
                    venue=venue,
                )


def _check_results(
    venue: str, intent: PlaceOrders | CancelOrders, facts: Sequence[OrderResult]
) -> None:
    """One result for each order, in their order; of an answer that leads to the next, none."""
    if facts and len(facts) != len(intent.orders):
        raise BadReply(
            f"{venue} was asked for {len(intent.orders)} orders and answered about {len(facts)}",
            venue=venue,
            outcome="unknown",
        )
    orders: Sequence[PlaceOrder | CancelOrder] = intent.orders
    for order, told in zip(orders, facts, strict=False):
        named = (told.symbol == order.symbol, told.client_order_id, order.client_order_id)
        if not named[0] or (named[1] and named[2] and named[1] != named[2]):
            raise BadReply(
                f"{venue} was asked for order {order.client_order_id!r} of {order.symbol} and "
                f"answered about {told.client_order_id!r} of {told.symbol}",
                venue=venue,
                outcome="unknown",
            )


def order_result(
    order: PlaceOrder | CancelOrder,
    answer: Order | OrderAck | VocxError,
    arrived_ns: int = 0,
    http: HttpCall | None = None,
) -> OrderResult:
    """What a venue said of one of several orders: the order, or the error that it got."""
    error = answer if isinstance(answer, VocxError) else None
    said = None if isinstance(answer, VocxError) else answer
    outcome: Outcome = "accepted"
    if error is not None:
        error.client_order_id = error.client_order_id or order.client_order_id
        outcome = error.outcome or _outcome_of(error)
        error.outcome = outcome
    return OrderResult(
        symbol=order.symbol,
        outcome=outcome,
        id=getattr(order, "id", None) if said is None else said.id,
        client_order_id=order.client_order_id or (None if said is None else said.client_order_id),
        error=error,
        order=said,
        arrived_ns=arrived_ns,
        http=http,
    )


def check_all_cancelled(venue: str, symbol: str, refused: Mapping[str, str]) -> None:
    """The end of a cancel-all that takes one order after another.

    Parameters
    ----------
    refused : mapping of str to str
        Why, by the venue's id of an order that could not be cancelled.

    Raises
    ------
    OrderRefused
        There are such orders: they may still be open.
    """
    if refused:
        some = [f"{name} ({why})" for name, why in list(refused.items())[:5]]
        raise OrderRefused(
            f"{venue} did not cancel {len(refused)} of the orders of {symbol}, which may still be "
            f"open: {', '.join(some)}{', ...' if len(refused) > 5 else ''}. The others are "
            f"cancelled; ex.open_orders({symbol!r}) shows what is left",
            venue=venue,
            outcome="refused",
        )


def _outcome_of(error: VocxError) -> Outcome:
    """Of an error that does not say it, as that of a cancel."""
    if isinstance(error, BadInput):
        return "not_sent"
    return "refused" if isinstance(error, Refused | RateLimited) else "unknown"
