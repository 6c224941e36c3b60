"""How a client speaks the fake venue: the whole of what a venue brings to vocx, in one file.

Written from ``WIRE.md`` alone and in the order in which one writes an adapter: names and limits,
requests and their signatures, replies and their errors, then sockets. All of it is pure: time,
keys and random texts are arguments, and what one connection must remember is in
:class:`Connection`. The surprises, each met below:

* *alpha* does nothing of a request of which one argument is bad, and names the first bad one.
* *beta* answers 200 to refused calls, names instruments by number in orders, and only
  acknowledges orders. A quiet book is proven by an empty update every five seconds.
* *gamma* hangs up on a connection without a subscription, so heartbeats are subscribed to first;
  it counts every frame of a connection; it says dollars for tethers; it amends price and quantity
  together, cannot cancel all, and tells a fill only by what its order grew.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from fake_venue.profile import PROFILES, Profile
from vocx import errors, facts
from vocx.venues import base
from vocx.venues.base import reading
from vocx.venues.base.adapter import Adapter, ClientOrderIds, Operation
from vocx.venues.base.reading import Identifier, Milliseconds

MS = 1_000_000
INTERVALS = ("1m", "5m", "1h")
QUOTES = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")
"""What may end a symbol that has no separator."""


def _limit(bucket: str, amount: int, window_s: float, **more: Any) -> base.Limit:
    return base.Limit(bucket=bucket, amount=amount, window_s=window_s, source="WIRE.md", **more)


LIMITS = {
    "weight": (_limit("weight", 1200, 60),),
    "endpoint": (
        _limit("address", 600, 5, aligned=False),
        _limit("signed", 20, 1, aligned=False, per="account"),
        _limit("orders", 60, 2, aligned=False, per="instrument"),
    ),
    "user": (
        _limit("public", 10, 1, aligned=False),
        _limit("signed", 30, 1, aligned=False, per="account"),
    ),
}
ERRORS: Mapping[str, type[errors.VenueError]] = {
    **dict.fromkeys(("bad_price", "bad_quantity", "too_small"), errors.OrderRefused),
    **dict.fromkeys(("insufficient_balance", "would_match"), errors.OrderRefused),
    **dict.fromkeys(("no_liquidity", "amend_refused"), errors.OrderRefused),
    "duplicate_client_id": errors.DuplicateOrder,
    "unknown_order": errors.OrderNotFound,
    "bad_key": errors.BadKey,
    "bad_time": errors.ClockSkew,
    "bad_signature": errors.BadSignature,
    "internal": errors.VenueUnavailable,
    "maintenance": errors.Maintenance,
    "too_many_requests": errors.RateLimited,
    "banned": errors.Banned,
}
STATUSES = {401: "bad_key", 403: "banned", 418: "banned", 429: "too_many_requests"}
"""What a status means whose body is not the venue's JSON."""

PATHS: Mapping[type[base.Intent], tuple[str, str]] = {
    base.GetTime: ("GET", "time"),
    base.GetStatus: ("GET", "status"),
    base.GetInstruments: ("GET", "instruments"),
    base.GetTicker: ("GET", "ticker"),
    base.GetQuote: ("GET", "quote"),
    base.GetBook: ("GET", "book"),
    base.GetTrades: ("GET", "trades"),
    base.GetCandles: ("GET", "candles"),
}
SIGNED: Mapping[type[base.Intent], tuple[str, str]] = {
    base.PlaceOrder: ("POST", "orders"),
    base.AmendOrder: ("POST", "orders/amend"),
    base.CancelOrder: ("DELETE", "orders"),
    base.CancelAll: ("DELETE", "orders/all"),
    base.GetOrder: ("GET", "order"),
    base.GetOpenOrders: ("GET", "orders"),
    base.GetFills: ("GET", "fills"),
    base.GetBalances: ("GET", "balances"),
}
NAMES = {"client_order_id": "client_id", "start_ns": "start", "end_ns": "end"}
"""Fields of intents that the venue calls otherwise."""

MOST = {"depth": 1000, "limit": 1000}


# Rows of replies and frames. Their fields have the names of our facts where there is one.


class _Error(msgspec.Struct):
    code: str
    message: str = ""


class _Limit(msgspec.Struct):
    bucket: str
    amount: Identifier
    window_ms: Identifier


class _Body(msgspec.Struct):
    """Any reply: an error, a list with what stands beside it, or (other members) one row."""

    error: _Error | None = None
    data: msgspec.Raw = msgspec.Raw()
    next: str = ""
    limits: list[_Limit] = []


class _Row(msgspec.Struct, rename={"client_order_id": "client_id", "text": "message"}):
    """One row; names that are not ours are changed here."""


class _Time(_Row):
    time: Milliseconds


class _Status(_Row):
    status: Literal["online", "maintenance"]
    text: str = ""


class _Instrument(_Row):
    symbol: str
    code: Identifier
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    status: str


class _Quote(_Time):
    symbol: str
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal
    sequence: Identifier


class _Ticker(_Time):
    symbol: str
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal
    last: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: Identifier


class _Book(_Row):
    """A book by REST, its top, a snapshot or a change: each has some of these."""

    bids: tuple[facts.Level, ...]
    asks: tuple[facts.Level, ...]
    symbol: str = ""
    time: Milliseconds | None = None
    sequence: Identifier | None = None
    previous: Identifier | None = None
    first: Identifier | None = None
    last: Identifier | None = None


class _Trade(_Time):
    id: Identifier
    price: Decimal
    quantity: Decimal
    side: facts.Side


class _Candle(_Row):
    open_time: Milliseconds
    close_time: Milliseconds
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: Identifier
    closed: bool


class _Ack(_Row):
    id: Identifier | str
    client_order_id: str


class _Order(_Row):
    symbol: str
    id: Identifier | str
    client_order_id: str
    side: facts.Side
    type: Literal["limit", "market"]
    price: Decimal
    quantity: Decimal
    filled: Decimal
    filled_quote: Decimal
    fees: Decimal
    fee_asset: str
    fill_count: Identifier
    status: Literal["open", "filled", "canceled", "expired"]
    time_in_force: facts.TimeInForce
    post_only: bool
    created: Milliseconds
    updated: Milliseconds


class _Fill(_Trade):
    symbol: str
    order_id: Identifier | str
    client_order_id: str
    fee: Decimal
    fee_asset: str
    maker: bool


class _Balance(_Row):
    asset: str
    free: Decimal
    locked: Decimal


class _Argument(msgspec.Struct, frozen=True, omit_defaults=True):
    channel: str
    symbol: str | None = None
    interval: str | None = None
    depth: Identifier | None = None


class _Frame(msgspec.Struct):
    """Any frame of a socket that streams."""

    event: str = ""
    id: Identifier | str | None = None
    code: str = ""
    message: str = ""
    arg: _Argument | None = None
    subscriptions: dict[str, list[str]] = {}
    sequence: Identifier | None = None
    channel: str = ""
    symbol: str | None = None
    interval: str | None = None
    type: str = ""
    last: bool = True
    time: Milliseconds = 0
    data: msgspec.Raw = msgspec.Raw()


class _Response(msgspec.Struct):
    """A frame of the socket for calls."""

    id: Identifier | str | None
    status: Identifier
    headers: dict[str, str]
    body: msgspec.Raw


ROWS: Mapping[str, tuple[type[_Row], type[facts.Fact]]] = {
    "ticker": (_Ticker, facts.Ticker),
    "quotes": (_Quote, facts.Quote),
    "candles": (_Candle, facts.Candle),
}
"""Channels whose frames hold one row, and what that becomes."""


def _as(kind: Any, text: bytes) -> Any:
    """JSON of this shape, or ``msgspec.ValidationError``."""
    return msgspec.json.decode(text, type=kind)


def _fact(kind: type[Any], row: _Row, arrived_ns: int, **more: Any) -> Any:
    """The fact that a row tells: by the same names, its numbers looked at."""
    told = {name: getattr(row, name) for name in row.__struct_fields__} | more
    reading.check_numbers(*(value for value in told.values() if isinstance(value, Decimal)))
    sizes = ("bid_quantity", "ask_quantity", "volume", "filled", "locked")
    reading.check_sizes(*(told.get(name) for name in sizes))
    if isinstance(row, _Book):
        reading.check_levels(row.bids, row.asks)
    if kind in (facts.Trade, facts.Fill):
        reading.check_match(told["price"], told["quantity"])
    time_ms = told.get("time")
    told.setdefault("exchange_ns", None if time_ms is None else time_ms * MS)
    told = {name: value for name, value in told.items() if name in kind.__struct_fields__}
    return kind(arrived_ns=arrived_ns, **told)


def _candle(row: _Candle, arrived_ns: int, **more: Any) -> facts.Candle:
    times = {"open_ns": row.open_time * MS, "close_ns": row.close_time * MS}
    found: facts.Candle = _fact(facts.Candle, row, arrived_ns, **times, **more)
    return found


class Connection(msgspec.Struct):
    """What one connection remembers: the sequence that comes next, pages of a snapshot that is
    not whole yet, and how far each order was filled."""

    next_sequence: int | None = None
    pages: dict[str, list[Any]] = msgspec.field(default_factory=dict)
    orders: dict[int | str, _Order] = msgspec.field(default_factory=dict)


class _Cancel(base.CancelAll, frozen=True, kw_only=True):
    """One step of cancelling all, where a venue cannot: these are still to be cancelled."""

    ids: tuple[int | str, ...]


class Fake(Adapter):
    """The adapter of one profile (see :class:`vocx.venues.base.Venue`)."""

    def __init__(self, profile: Profile) -> None:
        nowhere = base.Endpoints(urls={}, note="the fake venue exists in a lab only")
        streamed = profile.book == "snapshot"
        self.profile = profile
        self.name = profile.name
        self.environments = {"real": nowhere, "testnet": nowhere}
        self.limits: Sequence[base.Limit] = LIMITS[profile.limits]
        self.secrets = base.Secrets(
            headers=("X-Key", "X-Sign"), fields=("key", "sign", "X-Key", "X-Sign")
        )
        self.client_order_ids = ClientOrderIds(
            self.name, "", profile.client_ids, profile.client_ids
        )
        self.key_pattern = r"[A-Za-z0-9]{8,128}"
        self.intervals: Sequence[str] = INTERVALS
        calls = base.SocketPlan(purpose="calls", path="", topics={})
        self.order_socket = calls if "calls" in profile.sockets else None
        self.socket_limits = base.SocketLimits()
        self.book_start = "stream" if streamed else "rest"
        self.book_recovery = "resubscribe" if streamed else "refetch"
        self.ticker_has_quote = True
        self.refusal_scope = "request" if profile.ack == "request" else "argument"

    # Names

    def venue_symbol(self, symbol: str) -> str:
        """``"BTC/USDT"`` as ``"BTC-USDT"`` or ``"BTCUSDT"``."""
        return self.profile.separator.join(base.split_symbol(symbol))

    def symbol_of(self, venue_symbol: str, instruments: Collection[str] = ()) -> str | None:
        """The venue's spelling in ours; without a separator by what is known, else by endings."""
        if self.profile.separator:
            left, _, right = venue_symbol.partition(self.profile.separator)
            return f"{left}/{right}" if left and right else None
        known = (one for one in instruments if one.replace("/", "") == venue_symbol)
        ends = (quote for quote in QUOTES if venue_symbol[1:].endswith(quote))
        split = (f"{venue_symbol.removesuffix(quote)}/{quote}" for quote in ends)
        return next(known, None) or next(split, None)

    def derive_urls(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """``ws`` is the base of all sockets."""
        known = ("rest", "ws", *self.profile.sockets)
        for purpose in given:
            if purpose not in known:
                listed = ", ".join(known)
                raise errors.BadInput(f"{self.name} has no purpose {purpose!r}; it has {listed}")
        ws = given.get("ws", "").rstrip("/")
        derived = {purpose: ws + path for purpose, path in self.profile.sockets.items() if ws}
        return derived | {name: url for name, url in given.items() if name != "ws"}

    # Requests

    def request(self, intent: base.Intent, now_ns: int = 0) -> base.Request:
        """The (first) request for it, unsigned."""
        if isinstance(intent, base.CancelAll) and not self.profile.cancel_all:
            return self._signed(intent, "GET", "orders")  # listed first, then one by one
        if isinstance(intent, base.AmendOrder):
            only_quantity = self.profile.amend == "quantity"
            if intent.quantity is None or (only_quantity and intent.price is not None):
                what = "the quantity alone" if only_quantity else "a quantity"
                raise errors.BadInput(f"{self.name} amends {what}", outcome="not_sent")
            if not only_quantity and intent.price is None:
                return self._signed(intent, "GET", "order")  # the order knows its price
        if type(intent) in SIGNED:
            return self._signed(intent, *SIGNED[type(intent)])
        if type(intent) not in PATHS:
            raise errors.BadInput(f"{self.name} cannot be asked for {type(intent).__name__}")
        path = PATHS[type(intent)][1]
        deep = isinstance(intent, base.GetBook) and intent.depth > 100
        weight = 10 if path == "instruments" else 5 if deep else 1
        charges = {"weight": {"weight": weight}, "endpoint": {"address": 1}, "user": {"public": 1}}
        return base.Request(
            intent=intent,
            method="GET",
            target=self._target(path, self._parameters(intent)),
            charges=charges[self.profile.limits],
        )

    def _signed(
        self, intent: base.Intent, method: str, path: str, cursor: str = ""
    ) -> base.Request:
        given = self._parameters(intent) | ({"cursor": cursor} if cursor else {})
        symbol = given.get("symbol", "")
        if method == "POST":
            given = self._body(intent, given)
        one_order = method == "POST" or (method, path) == ("DELETE", "orders")
        bucket = f"orders:{symbol}" if one_order else f"signed:{method} /v1/{path}"
        charges = {"weight": {"weight": 1}, "user": {"signed": 1}}
        return base.Request(
            intent=intent,
            method=method,
            target=self._target(path, {} if method == "POST" else given),
            body=msgspec.json.encode(given) if method == "POST" else b"",
            headers={"Content-Type": "application/json"} if method == "POST" else {},
            charges=charges.get(self.profile.limits, {"address": 1, bucket: 1}),
            signed=True,
            safe_to_retry=method != "POST",
        )

    @staticmethod
    def _target(path: str, query: Mapping[str, Any]) -> str:
        return f"/v1/{path}" + (f"?{urlencode(query)}" if query else "")

    def _parameters(self, intent: base.Intent) -> dict[str, Any]:
        """The fields of an intent as the venue names and writes them; what was not said is not."""
        given: dict[str, Any] = {}
        for name in intent.__struct_fields__:
            value = getattr(intent, name)
            if name == "symbols":
                if len(value) != 1:
                    continue
                name, value = "symbol", value[0]
            optional = value is None and (
                name != "symbol" or isinstance(intent, base.GetOpenOrders)
            )
            if optional or name in ("instrument", "new_client_order_id"):
                continue
            if name == "symbol":
                value = self.venue_symbol(value)
            elif name == "interval":
                self._check_interval(value)
            elif name in MOST and not (type(value) is int and 1 <= value <= MOST[name]):
                raise errors.BadInput(f"{name} is {value!r}; {self.name} gives 1 to {MOST[name]}")
            elif name.endswith("_ns"):
                value //= MS
            given[NAMES.get(name, name)] = format(value, "f") if type(value) is Decimal else value
        names_order = isinstance(intent, base.GetOrder | base.CancelOrder | base.AmendOrder)
        if names_order and not {"id", "client_id"} & set(given):
            raise errors.BadInput("an order is named by its id or its client order id; give one")
        return given

    def _check_interval(self, interval: str) -> None:
        if not isinstance(interval, str) or interval not in INTERVALS:
            listed = ", ".join(INTERVALS)
            raise errors.UnknownInterval(f"{self.name} has no {interval!r}; it has {listed}")

    def _body(self, intent: Any, given: dict[str, Any]) -> dict[str, Any]:
        """What a new order or an amendment says."""
        if self.profile.order_names == "code":
            if intent.instrument is None or intent.instrument.code is None:
                text = f"{self.name} names instruments by number: ask for the instrument first"
                raise errors.BadInput(text, outcome="not_sent")
            del given["symbol"]
            given["code"] = intent.instrument.code
        if isinstance(intent, base.PlaceOrder):
            self.validate_client_order_id(intent.client_order_id)
            given["post_only"] = intent.type == "post_only"
            given["type"] = "market" if intent.type == "market" else "limit"
        return given

    def sign(
        self, request: base.Request, now_ns: int, credentials: base.Credentials, nonce: str
    ) -> base.Request:
        """With key, time and signature in its headers."""
        text = f"{request.method}{request.target}".encode() + request.body
        proof = self._proof(text, now_ns, credentials)
        named = {f"X-{name.title()}": str(value) for name, value in proof.items()}
        return replace(request, headers={**request.headers, **named})

    def _proof(self, text: bytes, now_ns: int, credentials: base.Credentials) -> dict[str, Any]:
        if credentials.venue not in (None, self.name):
            raise errors.BadInput(f"this key is for {credentials.venue}, not for {self.name}")
        time = now_ns // MS
        sign = hmac.new(credentials.secret.encode(), str(time).encode() + text, sha256)
        return {"key": credentials.key, "time": time, "sign": sign.hexdigest()}

    # Replies

    def reply(
        self,
        request: base.Request,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        arrived_ns: int,
    ) -> base.Answer:
        """What a reply says, or one typed error."""
        try:
            told = _as(_Body, body)
            if told.error is None and status == 200:
                return self._read(request, told, body, arrived_ns)
        except reading.UNREADABLE:
            told = _Body()
        intent = request.intent
        if isinstance(intent, _Cancel) and told.error and told.error.code == "unknown_order":
            return self._cancel_next(intent, [])  # it was filled meanwhile: on to the others
        raise self._error(request, status, headers, told.error, body, arrived_ns)

    def _error(
        self,
        request: base.Request | None,
        status: int,
        headers: Mapping[str, str],
        told: _Error | None,
        body: bytes,
        arrived_ns: int,
    ) -> errors.VocxError:
        changes = request is not None and not request.safe_to_retry
        if told is None and status < 400:
            text = f"{self.name} answered {status} with what is not its JSON: "
            outcome: errors.Outcome | None = "unknown" if changes else None
            return errors.BadReply(text + reading.words(body), venue=self.name, outcome=outcome)
        told = told or _Error(code=STATUSES.get(status, ""), message=reading.words(body))
        outcome = "refused" if changes else None
        symbol = getattr(request.intent, "symbol", None) if request else None
        if told.code == "unknown_symbol" and symbol:
            text = f"{self.name} has no symbol {symbol}"
            return errors.UnknownSymbol(text, venue=self.name, outcome=outcome)
        other = errors.VenueUnavailable if status >= 500 else errors.Refused
        kind = ERRORS.get(told.code, other)
        if kind is errors.VenueUnavailable and changes:
            outcome = "unknown"
        elif kind is errors.DuplicateOrder:
            outcome = "accepted"
        wait_s = reading.retry_after_s(headers)
        resets = reading.whole_number(reading.header(headers, "x-reset"))
        if kind is errors.Banned and wait_s is None:
            wait_s = 600.0
        elif kind is errors.RateLimited and wait_s is None and resets is not None:
            wait_s = min(max(0.0, (resets * MS - arrived_ns) / 1e9), 60.0)
        code, text = told.code[:60], told.message[: reading.LONGEST_TEXT]
        error = kind(
            f"{self.name} {status}, {code}: {text}",
            venue=self.name,
            code=code,
            http_status=status,
            text=text,
            retry_after_s=wait_s,
            outcome=outcome,
        )
        if isinstance(error, errors.Banned) and wait_s is not None:
            error.until_ns = arrived_ns + int(wait_s * 1e9)
        return error

    def _read(
        self, request: base.Request, told: _Body, body: bytes, arrived_ns: int
    ) -> base.Answer:
        intent, rows = request.intent, bytes(told.data)
        found: Any
        match intent:
            case base.GetTime():
                found = _fact(facts.ServerTime, _as(_Time, body), arrived_ns)
            case base.GetStatus():
                status = _as(_Status, body)
                found = _fact(facts.VenueStatus, status, arrived_ns, state=status.status)
            case base.GetInstruments():
                found = self._instruments(_as(list[_Instrument], rows), intent, arrived_ns)
            case base.GetTicker(symbol=asked):
                ticker = _as(_Ticker, body)
                symbol = self._told(ticker.symbol, asked)
                found = _fact(facts.Ticker, ticker, arrived_ns, symbol=symbol)
            case base.GetQuote(symbol=asked):
                quote = _as(_Quote, body)
                found = _fact(
                    facts.Quote, quote, arrived_ns, symbol=self._told(quote.symbol, asked)
                )
            case base.GetBook(symbol=asked, depth=depth):
                book = _as(_Book, body)
                about = {"symbol": self._told(book.symbol, asked), "depth": depth}
                found = _fact(facts.BookSnapshot, book, arrived_ns, **about)
            case base.GetTrades(symbol=symbol):
                trades = _as(list[_Trade], rows)
                found = [_fact(facts.Trade, row, arrived_ns, symbol=symbol) for row in trades]
            case base.GetCandles(symbol=symbol, interval=interval):
                about = {"symbol": symbol, "interval": interval}
                found = [_candle(row, arrived_ns, **about) for row in _as(list[_Candle], rows)]
            case base.PlaceOrder(test=True):
                asked = msgspec.structs.asdict(intent)
                fields = {
                    name: asked[name] for name in facts.Order.__struct_fields__ if name in asked
                }
                found = facts.Order(
                    **fields,
                    id="",
                    status="tested",
                    filled=Decimal(0),
                    filled_quote=Decimal(0),
                    arrived_ns=arrived_ns,
                )
            case base.AmendOrder() if request.method == "GET":
                price = _as(_Order, body).price
                return base.Answer(result=None, next=self.request(replace(intent, price=price)))
            case base.CancelAll(symbol=symbol) if request.method == "GET":
                ids = tuple(row.id for row in _as(list[_Order], rows))
                return self._cancel_next(_Cancel(symbol=symbol, ids=("", *ids)), [])
            case _Cancel():
                return self._cancel_next(intent, [self._changed(body, intent, arrived_ns)])
            case base.CancelAll() if self.profile.replies == "ack":
                found = [self._receipt(row, intent, arrived_ns) for row in _as(list[_Ack], rows)]
            case base.CancelAll() | base.GetOpenOrders():
                found = [self._order(row, arrived_ns) for row in _as(list[_Order], rows)]
            case base.GetOrder():
                found = self._order(_as(_Order, body), arrived_ns)
            case base.GetFills(limit=limit):
                found = [self._fill(row, arrived_ns) for row in _as(list[_Fill], rows)][:limit]
                if told.next and (limit is None or len(found) < limit):
                    rest = intent if limit is None else replace(intent, limit=limit - len(found))
                    following = self._signed(rest, *SIGNED[base.GetFills], cursor=told.next)
                    return base.Answer(result=facts.Facts(found), next=following)
            case base.GetBalances():
                balances = _as(list[_Balance], rows)
                found = [_fact(facts.Balance, row, arrived_ns) for row in balances]
            case _:
                found = self._changed(body, intent, arrived_ns)
        return base.Answer(result=facts.Facts(found) if isinstance(found, list) else found)

    def _told(self, name: str, asked: str) -> str:
        """The symbol that a reply names, by the one that was asked for."""
        return self.symbol_of(name, (asked,)) or name

    def _cancel_next(self, step: _Cancel, done: list[Any]) -> base.Answer:
        """Go on behind the order that was just cancelled."""
        rest = step.ids[1:]
        if not rest:
            return base.Answer(result=facts.Facts(done))
        one = self.request(base.CancelOrder(symbol=step.symbol, id=rest[0]))
        return base.Answer(
            result=facts.Facts(done), next=replace(one, intent=replace(step, ids=rest))
        )

    def _instruments(
        self, rows: list[_Instrument], intent: base.GetInstruments, arrived_ns: int
    ) -> list[facts.Instrument]:
        found = []
        for row in rows:
            about = {"symbol": f"{row.base}/{row.quote}", "trading": row.status == "online"}
            about |= {"venue": self.name, "venue_symbol": row.symbol}
            found.append(_fact(facts.Instrument, row, arrived_ns, **about))
            if not (row.tick > 0 and row.lot > 0):
                raise msgspec.ValidationError("an instrument without steps")
        asked = intent.symbols
        missing = set(asked) - {one.symbol for one in found}
        if missing:
            text = f"{self.name} has no symbol {', '.join(sorted(missing))}"
            raise errors.UnknownSymbol(text, venue=self.name)
        return [one for one in found if one.symbol in asked or not asked]

    def _changed(self, body: bytes, intent: Any, arrived_ns: int) -> facts.Order | facts.OrderAck:
        """The answer of a call that changes an order: all of it, or a receipt."""
        if self.profile.replies == "full":
            return self._order(_as(_Order, body), arrived_ns)
        return self._receipt(_as(_Ack, body), intent, arrived_ns)

    def _receipt(self, row: _Ack, intent: Any, arrived_ns: int) -> facts.OrderAck:
        ack: facts.OrderAck = _fact(facts.OrderAck, row, arrived_ns, symbol=intent.symbol)
        return ack

    def _order(
        self, row: _Order, arrived_ns: int, source: str = "rest", fill: facts.Fill | None = None
    ) -> facts.Order:
        is_open = "partially_filled" if row.filled else "new"
        about = {
            "symbol": self.symbol_of(row.symbol) or row.symbol,
            "type": "post_only" if row.post_only else row.type,
            "status": is_open if row.status == "open" else row.status,
            "quantity": row.quantity or None,
            "price": row.price or None,
            "created_ns": row.created * MS,
            "exchange_ns": row.updated * MS,
            "fills": () if fill is None else (fill,),
        }
        order: facts.Order = _fact(facts.Order, row, arrived_ns, source=source, **about)
        return order

    def _fill(self, row: _Fill, arrived_ns: int, source: str = "rest") -> facts.Fill:
        about = {"symbol": self.symbol_of(row.symbol) or row.symbol}
        about |= {"fee_asset": row.fee_asset, "source": source}
        fill: facts.Fill = _fact(facts.Fill, row, arrived_ns, **about)
        return fill

    # Limits

    def parse_limits(self, request: base.Request, body: bytes) -> Sequence[base.Limit]:
        """What ``instruments`` says beside its list, in place of the table's amounts."""
        known = {limit.bucket: limit for limit in self.limits}
        try:
            told = _as(_Body, body).limits if type(request.intent) is base.GetInstruments else []
        except reading.UNREADABLE:
            return ()
        return [
            replace(known[one.bucket], amount=one.amount, window_s=one.window_ms / 1000)
            for one in told
            if one.bucket in known and one.amount > 0 and 0 < one.window_ms < 10**9
        ]

    def parse_usage(
        self, request: base.Request, headers: Mapping[str, str]
    ) -> Sequence[base.Usage]:
        """One header for the weight, or three for what was charged beside the address."""
        by_user = self.profile.limits == "user"
        prefix = "x-ratelimit-" if by_user else "x-"
        names = ("x-used-weight", *(prefix + one for one in ("limit", "remaining", "reset")))
        used, amount, left, resets = (
            reading.whole_number(reading.header(headers, name)) for name in names
        )
        if self.profile.limits == "weight":
            return () if used is None else (base.Usage(bucket="weight", used=used),)
        bucket = next((name for name in request.charges if name != "address"), None)
        if left is None or bucket is None:
            return ()
        resets_ns = None if resets is None else resets * (1_000_000_000 if by_user else MS)
        if resets_ns is not None and resets_ns >= 2**63:
            resets_ns = None
        return (base.Usage(bucket=bucket, left=left, amount=amount, resets_ns=resets_ns),)

    # Calls over a socket

    def ws_request(
        self,
        intent: base.Intent,
        number: int,
        now_ns: int,
        credentials: base.Credentials,
        nonce: str,
    ) -> base.Request:
        """The signed request of REST, in a frame."""
        if self.order_socket is None:
            raise errors.BadInput(f'{self.name} takes calls by REST alone: write via="rest"')
        made = self.sign(self.request(intent), now_ns, credentials, nonce)
        frame = {"id": number, "method": made.method, "target": made.target}
        frame |= {"headers": dict(made.headers), "body": made.body.decode()}
        return replace(made, purpose=self.order_socket.purpose, body=msgspec.json.encode(frame))

    def parse_response(self, text: bytes) -> base.Response | None:
        """A frame of that socket as an answer."""
        try:
            found = _as(_Response, text)
        except reading.UNREADABLE:
            return None
        about = {"id": found.id, "status": found.status, "headers": found.headers}
        return base.Response(**about, body=bytes(found.body))

    # Channels and plans

    def validate_channel(self, spec: base.ChannelSpec) -> base.ChannelSpec:
        """With the defaults filled in: candles of one minute."""
        channel, listed = spec.channel, base.CHANNELS + base.PRIVATE
        if channel not in listed:
            text = f"{self.name} has no channel {channel!r}; it has {', '.join(listed)}"
            raise errors.UnknownChannel(text)
        for option, only in (("interval", "candles"), ("depth", "book"), ("cadence_ms", "")):
            if getattr(spec, option) is not None and channel != only:
                raise errors.UnknownChannel(f"{channel} has no {option} on {self.name}")
        if channel in base.PRIVATE:
            return replace(spec, symbol=None)
        if spec.symbol is None:
            raise errors.BadInput(f'{channel} needs a symbol, such as "BTC/USDT"')
        self.venue_symbol(spec.symbol)
        if spec.depth not in (None, 5, 10, 20):
            text = f"{self.name} has the top 5, 10 or 20 of a book, not {spec.depth!r}"
            raise errors.UnknownChannel(text)
        if channel == "candles":
            spec = replace(spec, interval=spec.interval or "1m")
            self._check_interval(spec.interval or "")
        return spec

    def poll_intent(self, spec: base.ChannelSpec) -> base.Intent | None:
        """The call that stands in for what the profile does not stream."""
        symbol, interval = spec.symbol or "", spec.interval or ""
        if spec.channel == "balances" and "balances" not in self.profile.channels:
            return base.GetBalances()
        if spec.channel == "candles" and interval not in self.profile.candle_intervals:
            return base.GetCandles(symbol=symbol, interval=interval, limit=2)
        if spec.depth is not None and "top" not in self.profile.channels:
            return base.GetBook(symbol=symbol, depth=spec.depth)
        return None

    def _argument(self, spec: base.ChannelSpec) -> _Argument:
        channel = "top" if spec.depth is not None else spec.channel
        if channel not in self.profile.channels:
            channel = "orders"  # fills are what orders grew
        symbol = self.venue_symbol(spec.symbol) if spec.symbol else None
        return _Argument(channel, symbol, spec.interval, spec.depth)

    def plans(self, specs: Sequence[base.ChannelSpec]) -> Sequence[base.SocketPlan]:
        """One socket a purpose; where one purpose serves all, private channels have their own."""
        groups: dict[tuple[str, bool], dict[str, base.ChannelSpec]] = {}
        for spec in specs:
            private = spec.channel in base.PRIVATE
            wanted = (spec.channel, "private" if private else "public", "all")
            purpose = next(one for one in wanted if one in self.profile.sockets)
            argument = self._argument(spec)
            channel = "fills" if spec.channel == "fills" else argument.channel
            parts = (channel, argument.symbol, argument.interval, argument.depth)
            topic = ":".join(str(part) for part in parts if part is not None)
            groups.setdefault((purpose, private), {})[topic] = spec
        by_frame = self.profile.login == "frame"
        return [
            base.SocketPlan(
                purpose=purpose,
                path="",
                topics=topics,
                private=private,
                login=private and by_frame,
            )
            for (purpose, private), topics in groups.items()
        ]

    def open_session(self, plan: base.SocketPlan) -> Connection:
        """Nothing is known of a new connection."""
        return Connection()

    # Control frames

    def login_frame(
        self, plan: base.SocketPlan, now_ns: int, credentials: base.Credentials, nonce: str
    ) -> base.ControlFrame | None:
        """The login of a private plan, where it is a frame of its own."""
        if not plan.login:
            return None
        proof = self._proof(b"GET/ws/login", now_ns, credentials)
        return self._control({"id": "login", "op": "login", **proof}, ())

    def control_frames(
        self,
        operation: Operation,
        plan: base.SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: base.Credentials | None,
        nonce: str,
    ) -> Sequence[base.ControlFrame]:
        """One frame for all, or one a channel behind the heartbeat's, which is never ended."""
        proof = {}
        if plan.private and not plan.login:
            if credentials is None:
                raise errors.BadInput(f"an account's channels on {self.name} need a key")
            proof = self._proof(b"GET/ws/login", now_ns, credentials)
        arguments = {topic: self._argument(plan.topics[topic]) for topic in topics}
        if self.profile.ack != "state":
            about = {"id": f"{nonce}{operation[0]}"[-36:], "op": operation, **proof}
            return [self._control({**about, "args": [*arguments.values()]}, topics)]
        frames = []
        if self.profile.keepalive == "heartbeat" and operation == "subscribe":
            frames.append(self._control({"op": operation, "args": [_Argument("heartbeat")]}, ()))
        groups: dict[str, dict[str, _Argument]] = {}
        for topic, argument in arguments.items():
            groups.setdefault(argument.channel, {})[topic] = argument
        for group in groups.values():
            frame = {"op": operation, "args": [*{*group.values()}], **proof}
            frames.append(self._control(frame, list(group)))
        return frames

    @staticmethod
    def _control(frame: Mapping[str, Any], topics: Sequence[str]) -> base.ControlFrame:
        text = msgspec.json.encode(frame).decode()
        return base.ControlFrame(text=text, id=frame.get("id"), topics=tuple(topics))

    # Frames

    def decode(
        self, text: bytes, arrived_ns: int, plan: base.SocketPlan, state: Connection
    ) -> Sequence[base.Decoded]:
        """What one frame says."""
        if text == b"pong":
            return (base.Pong(),)
        unknown = (base.Unknown(text=reading.shown(text)),)
        try:
            frame = _as(_Frame, text)
        except msgspec.ValidationError:  # JSON, but of no shape that we know
            if text.lstrip()[:1] == b"{":
                return unknown
            raise self._bad(text) from None
        except reading.UNREADABLE:
            raise self._bad(text) from None
        gap = self._sequence_gap(frame, state)
        try:
            found = self._event(frame, plan) or self._data(frame, arrived_ns, plan, state)
        except reading.UNREADABLE:
            found = unknown
        return (*gap, *(found or unknown))

    def _bad(self, text: bytes) -> errors.BadReply:
        said = f"{self.name} sent a frame that cannot be read: {reading.shown(text, 80)!r}"
        return errors.BadReply(said, venue=self.name)

    def _sequence_gap(self, frame: _Frame, state: Connection) -> Sequence[base.SequenceGap]:
        if self.profile.sequence != "connection" or frame.sequence is None:
            return ()
        expected, state.next_sequence = state.next_sequence or 0, frame.sequence + 1
        if expected == frame.sequence:
            return ()
        return (base.SequenceGap(reason=f"expected {expected}, got {frame.sequence}"),)

    def _event(self, frame: _Frame, plan: base.SocketPlan) -> Sequence[base.Decoded]:
        """What a frame says about the connection; nothing for data."""
        arguments = {topic: self._argument(spec) for topic, spec in plan.topics.items()}
        named = tuple(topic for topic, one in arguments.items() if one == frame.arg)
        match frame.event:
            case "error":
                kind = ERRORS.get(frame.code, errors.SubscribeRefused)
                text = f"{self.name}: {frame.code} {frame.message}"[: reading.LONGEST_TEXT]
                error = kind(text, venue=self.name, code=frame.code[:60])
                if frame.id == "login":
                    return (base.LoginResult(error=error),)
                return (base.Ack(id=frame.id, topics=named, error=error),)
            case "login":
                return (base.LoginResult(),)
            case "subscribe" | "unsubscribe":
                begun = frame.event == "subscribe"
                return (base.Ack(id=frame.id, topics=named, subscribed=begun),)
            case "subscriptions":
                told = frame.subscriptions
                listed = {(one, symbol) for one in told for symbol in told[one] or [None]}
                items = arguments.items()
                found = (topic for topic, one in items if (one.channel, one.symbol) in listed)
                return (base.Ack(topics=tuple(found)),)
            case "shutdown":
                return (base.Notice(kind="shutdown", text="the venue closes this connection"),)
        return (base.Heartbeat(),) if frame.channel == "heartbeat" else ()

    def _data(
        self, frame: _Frame, arrived_ns: int, plan: base.SocketPlan, state: Connection
    ) -> Sequence[base.Decoded]:
        rows, time_ns = bytes(frame.data), frame.time * MS
        if frame.channel in base.PRIVATE:
            return self._private(frame, rows, arrived_ns, plan, state)
        spec = next((one for one in plan.topics.values() if self._is_about(frame, one)), None)
        if spec is None:
            return ()
        about = {"symbol": spec.symbol, "depth": spec.depth, "interval": spec.interval}
        if frame.channel == "trades":
            trades = _as(list[_Trade], rows)
            return [_fact(facts.Trade, row, arrived_ns, **about) for row in trades]
        if frame.channel == "candles":
            return (_candle(_as(_Candle, rows), arrived_ns, exchange_ns=time_ns, **about),)
        if frame.channel in ROWS:
            kind, fact = ROWS[frame.channel]
            return (_fact(fact, _as(kind, rows), arrived_ns, **about),)
        book = _as(_Book, rows)
        sequence = book.sequence if frame.sequence is None else frame.sequence
        about |= {"exchange_ns": time_ns, "sequence": sequence}
        if frame.channel == "top" or frame.type == "snapshot":
            return (_fact(facts.BookSnapshot, book, arrived_ns, **about),)
        first = book.first if book.first is not None else sequence
        last = book.last if book.last is not None else sequence
        if first is None or last is None:
            return ()
        return (_fact(facts.BookDelta, book, arrived_ns, first=first, last=last, **about),)

    def _is_about(self, frame: _Frame, spec: base.ChannelSpec) -> bool:
        """Whether a market frame is one of this channel's; its symbol may have another label."""
        argument = self._argument(spec)
        label = argument.symbol or ""
        if self.profile.relabel is not None and label.endswith(self.profile.relabel[0]):
            label = label.removesuffix(self.profile.relabel[0]) + self.profile.relabel[1]
        told = (frame.channel, frame.symbol, frame.interval)
        return told == (argument.channel, label, argument.interval)

    def _private(
        self,
        frame: _Frame,
        rows: bytes,
        arrived_ns: int,
        plan: base.SocketPlan,
        state: Connection,
    ) -> Sequence[base.Decoded]:
        found: list[Any] = []
        if frame.channel == "fills":
            found = [self._fill(row, arrived_ns, "stream") for row in _as(list[_Fill], rows)]
        elif frame.channel == "balances":
            about = {"source": "stream", "exchange_ns": frame.time * MS}
            balances = _as(list[_Balance], rows)
            found = [_fact(facts.Balance, row, arrived_ns, **about) for row in balances]
        else:
            wanted = {spec.channel for spec in plan.topics.values()}
            for row in _as(list[_Order], rows):
                fill = self._grown(row, frame, arrived_ns, state)
                if fill is not None and "fills" in wanted:
                    found.append(fill)
                if "orders" in wanted:
                    found.append(self._order(row, arrived_ns, "stream", fill))
        if frame.type == "snapshot":  # whole with its last page
            state.pages.setdefault(frame.channel, []).extend(found)
            found = state.pages.pop(frame.channel) if frame.last else []
        return found or (base.Heartbeat(),)

    def _grown(
        self, row: _Order, frame: _Frame, arrived_ns: int, state: Connection
    ) -> facts.Fill | None:
        """What an order's figures grew by since this connection last saw them, where nothing else
        is told of a fill."""
        if "fills" in self.profile.channels:
            return None
        reading.check_numbers(row.filled, row.filled_quote, row.fees)
        before = state.orders.pop(row.id, None)
        if row.status == "open":
            state.orders[row.id] = row
        quantity = row.filled - (before.filled if before else 0)
        if frame.type == "snapshot" or quantity <= 0:
            return None
        about = {
            "symbol": self.symbol_of(row.symbol) or row.symbol,
            "id": f"{row.id}@{row.fill_count}",
            "order_id": row.id,
            "quantity": quantity,
            "price": (row.filled_quote - (before.filled_quote if before else 0)) / quantity,
            "fee": row.fees - (before.fees if before else 0),
            "maker": row.post_only,
            "derived": True,
            "exchange_ns": row.updated * MS,
        }
        fill: facts.Fill = _fact(facts.Fill, row, arrived_ns, source="stream", **about)
        return fill

    # Life of a connection

    def keepalive(self, purpose: str) -> base.Keepalive:
        """By frame, by text, or by the heartbeat that was subscribed to."""
        kind = self.profile.keepalive
        return base.Keepalive(
            client_ping_s=10.0,
            pong_deadline_s=5.0,
            ping_text="ping" if kind == "text" else None,
            heartbeat_s=1.0 if kind == "heartbeat" else None,
        )

    def classify_close(self, code: int, reason: str) -> base.CloseKind:
        """4001 is a refused login, 4004 an idle connection, the others are as everywhere."""
        return "policy" if code == 4001 else base.standard_close(code, reason)

    def refused_upgrade(
        self, status: int, headers: Mapping[str, str], body: bytes
    ) -> errors.VenueError:
        """The typed error in an answer to a handshake that is not 101."""
        try:
            told = _as(_Body, body).error
        except reading.UNREADABLE:
            told = None
        error = self._error(None, max(status, 400), headers, told, body, 0)
        assert isinstance(error, errors.VenueError)
        return error

    def cadence_ms(self, spec: base.ChannelSpec) -> int:
        """Books each 100 ms, tickers and candles each second, the rest at once."""
        return {"book": 100, "ticker": 1000, "candles": 1000}.get(spec.channel, 0)

    def proof_of_life(self, spec: base.ChannelSpec) -> base.Proof:
        """The heartbeat where there is one, else what REST shows."""
        if spec.channel in base.PRIVATE:
            return "pong"
        whole_book = spec.channel == "book" and spec.depth is None
        if self.profile.keepalive == "heartbeat":
            return "heartbeat"
        if whole_book and self.profile.sequence == "channel":
            return "heartbeat"
        return "sequence" if whole_book or spec.channel in ("trades", "candles") else "top"

    def snapshot_intent(self, symbol: str) -> base.GetBook:
        """The deepest book there is."""
        return base.GetBook(symbol=symbol, depth=1000)

    def check_sequence(
        self, sequence: int, delta: facts.BookDelta
    ) -> Literal["drop", "apply", "resync"]:
        """By the id that came before, by ids without a hole, or by the order of frames."""
        if self.profile.sequence == "channel":
            if delta.previous == sequence:
                return "apply"
            return "drop" if delta.last <= sequence else "resync"
        if delta.last <= sequence:
            return "drop"
        hole = self.profile.sequence == "book" and delta.first > sequence + 1
        return "resync" if hole else "apply"


class Alpha(Fake):
    """In the manner of Binance."""

    def __init__(self) -> None:
        super().__init__(PROFILES["alpha"])


class Beta(Fake):
    """In the manner of OKX and Bybit."""

    def __init__(self) -> None:
        super().__init__(PROFILES["beta"])


class Gamma(Fake):
    """In the manner of Coinbase."""

    def __init__(self) -> None:
        super().__init__(PROFILES["gamma"])
