"""The handle that a notebook holds: what a venue can be asked, traded and listened to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from vocx import errors
from vocx.arguments import (
    as_count,
    check_count,
    check_flag,
    check_name,
    check_optional_name,
    plain_text,
)
from vocx.call_forms import methods_say_their_form
from vocx.exchange import order_checks
from vocx.exchange.balances import Balances
from vocx.exchange.environment import Place
from vocx.exchange.fills import Fills
from vocx.exchange.order_checks import Allowance, Number
from vocx.exchange.private_calls import PrivateCalls, VenueClock, Via, check_via, say
from vocx.exchange.streaming import Streaming, channel_specs, stream_name
from vocx.exchange.symbol_names import SymbolNames
from vocx.exchange.trading import OrderName, Trading, order_name
from vocx.facts import (
    BookSnapshot,
    CancelTimer,
    Candle,
    Facts,
    Fill,
    Instrument,
    Order,
    OrderAck,
    OrderResult,
    Quote,
    ServerTime,
    Ticker,
    Trade,
    VenueStatus,
)
from vocx.net import Throttler
from vocx.rest import Client
from vocx.text import nearest
from vocx.timing import ClockOffset, wall_ns
from vocx.venues.base import (
    AmendOrder,
    CancelAll,
    CancelAllAfter,
    CancelOrder,
    GetBalances,
    GetBook,
    GetCandles,
    GetFills,
    GetInstruments,
    GetOpenOrders,
    GetOrder,
    GetQuote,
    GetStatus,
    GetTicker,
    GetTrades,
    Intent,
    PlaceOrder,
    Venue,
    split_symbol,
)

if TYPE_CHECKING:
    from vocx.lab import Lab, Truth
    from vocx.stream import Stream

T = TypeVar("T")
BOOK_FOR_COST = 1000
"""Levels a side that are looked at to tell what a market order would cost."""


_INSTRUMENTS_NS = 86_400 * 10**9


@methods_say_their_form
class Exchange:
    """One venue at one place. Made by :func:`connect`; storing only, nothing is sent here.

    Attributes
    ----------
    venue : Venue
        The adapter; ``.venue.name`` is ``"binance"``.
    environment : VenueEnvironment or LabEnvironment
        The place: its addresses, its key, its certificate's authority.
    where : str
        ``"lab"``, ``"testnet"``, ``"real"``, or ``"custom"`` for addresses that were given.
    lab : Lab or None
        The lab behind it; ``None`` elsewhere.
    name : str
        Given by you, else the venue's.
    budget : Throttler
        What is used and left of the venue's limits, by all handles of its host and by this one's
        account; ``.stop_at`` is where this handle's calls begin to wait.
    tls : bool
        Whether the lab is asked over https and wss (elsewhere the addresses say it).
    """

    def __init__(
        self,
        venue: Venue,
        environment: Place,
        *,
        name: str | None = None,
        allowance: Allowance | None = None,
        budget: Throttler | None = None,
        background: bool = False,
    ) -> None:
        self.venue = venue
        self.environment = environment
        self.where = environment.where
        self.lab: Lab | None = environment.lab
        self.tls = environment.tls
        self.name = name or venue.name
        self.budget = budget or Throttler(
            venue.name,
            venue.limits,
            notice=say,
            status=environment.address_status if self.lab is not None else None,
            url=environment.counted_at,
            account=lambda: environment.credentials().key,
        )
        self._stopping = threading.Event() if background else None
        self._instruments: dict[str, Instrument] = {}
        self._asked_ns: dict[str, int] = {}
        self._allowance = allowance or Allowance(guarded=environment.guarded)
        self._client = self._new_client()
        self._clock = VenueClock(self._client)
        self._calls = PrivateCalls(self._new_client(), environment, self._clock, self.name)
        self._names = SymbolNames(venue, self.instruments)
        self._trading = Trading(self._calls, self._clock, self._names)
        self._streaming = Streaming(
            environment, self._new_client(), self._clock, self._calls, self._trading
        )

    def _new_client(self) -> Client:
        return Client(self.venue, self.environment, throttler=self.budget, stopping=self._stopping)

    # where it is

    @property
    def truth(self) -> Truth:
        """What the lab's engine knows of this venue.

        Raises
        ------
        BadInput
            It is no lab.
        """
        if self.lab is None:
            raise errors.BadInput("only a lab knows the truth; this is " + self.place)
        return self.lab.truth.at(self.venue.name)

    @property
    def place(self) -> str:
        """Where this is, in one line."""
        return self.environment.describe(self.name, self._allowance.allow_orders)

    def __repr__(self) -> str:
        return f"<Exchange {self.name} {self.where}>"

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, purpose: str) -> str:
        """The base URL in force for one of the venue's purposes, such as ``"rest"``.

        Raises
        ------
        LabDied
            When the lab behind it is gone.
        """
        return self.environment.url(purpose)

    # asking

    def time(self) -> ServerTime:
        """The venue's clock now; each call also refines :attr:`clock`."""
        return self._clock.ask()

    @property
    def clock(self) -> ClockOffset:
        """How far the venue's clock is ahead of ours: round-trip midpoint, median of five;
        measured at first use and again after ten minutes."""
        return self._clock.offset

    def status(self) -> VenueStatus:
        """Whether the venue is up, by its own word, and until when it is closed."""
        return self._ask(GetStatus(), VenueStatus)

    def instruments(self) -> Facts[Instrument]:
        """Everything that trades here, with steps and bounds."""
        found: Facts[Instrument] = self._client.call(GetInstruments())
        self._keep(found)
        self._names.keep((one.symbol for one in found), all_of_them=True)
        return found

    def instrument(self, symbol: str) -> Instrument:
        """Steps and bounds of one symbol. Asked once and remembered: for a day, and not beyond a
        change that the venue has announced.

        Raises
        ------
        UnknownSymbol
            With the closest symbols that do exist.
        """
        split_symbol(symbol)
        self._learn([symbol])
        return self._instruments[symbol]

    def _learn(self, symbols: Iterable[str]) -> None:
        """The instruments of these symbols, those that are missing in one call."""
        missing = [one for one in dict.fromkeys(symbols) if not self._knows(one)]
        for symbol in missing:
            split_symbol(symbol)
        if not missing:
            return
        try:
            self._keep(self._ask(GetInstruments(symbols=tuple(missing)), Facts))
        except errors.UnknownSymbol:
            if len(missing) > 1:  # the venue does not say which one it does not know
                self.instruments()
        for symbol in missing:
            if symbol not in self._instruments:
                raise self._unknown(symbol)

    def _knows(self, symbol: str) -> bool:
        known = self._instruments.get(symbol)
        if known is None:
            return False
        asked_ns, now_ns = self._asked_ns[symbol], wall_ns()
        changed = known.changes_ns is not None and asked_ns < known.changes_ns <= now_ns
        return not changed and now_ns - asked_ns < _INSTRUMENTS_NS

    def _keep(self, found: Facts[Instrument]) -> None:
        self._asked_ns.update(dict.fromkeys((one.symbol for one in found), wall_ns()))
        self._instruments.update({one.symbol: replace(one, http=found.http) for one in found})
        self._names.keep(one.symbol for one in found)

    def ticker(self, symbol: str) -> Ticker:
        """The last 24 hours of a symbol."""
        return self._ask(GetTicker(symbol=plain_text(symbol)), Ticker)

    def quote(self, symbol: str) -> Quote:
        """Best bid and ask."""
        return self._ask(GetQuote(symbol=plain_text(symbol)), Quote)

    def order_book(self, symbol: str, depth: int = 100) -> BookSnapshot:
        """The order book, ``depth`` levels a side."""
        intent = GetBook(symbol=plain_text(symbol), depth=as_count(depth))
        return self._ask(intent, BookSnapshot)

    def trades(self, symbol: str, limit: int = 500) -> Facts[Trade]:
        """The latest public trades, newest last."""
        intent = GetTrades(symbol=plain_text(symbol), limit=as_count(limit))
        return self._ask(intent, Facts)

    def candles(
        self,
        symbol: str,
        interval: str,
        limit: int = 500,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Facts[Candle]:
        """Candles, oldest first; the last one may still be open. ``start`` and ``end`` are
        aware datetimes; ``.frame()`` of the result is a DataFrame."""
        intent = GetCandles(
            symbol=plain_text(symbol),
            interval=plain_text(interval),
            limit=as_count(limit),
            start_ns=epoch_ns(start, "start"),
            end_ns=epoch_ns(end, "end"),
        )
        return self._ask(intent, Facts)

    def _ask(self, intent: Intent, kind: type[T]) -> T:
        try:
            result = self._client.call(intent)
        except errors.UnknownSymbol as error:
            symbol = getattr(intent, "symbol", None)
            if symbol and error.http is not None:
                raise self._unknown(symbol) from None
            raise
        assert isinstance(result, kind)
        return result

    def _unknown(self, symbol: str) -> errors.UnknownSymbol:
        """The error for a well-formed symbol that is not traded here, with what is."""
        if len(self._instruments) < 2:
            with suppress(errors.VocxError):
                self.instruments()
        return unknown_symbol(self.venue.name, symbol, self._instruments)

    # orders

    def place_order(
        self,
        symbol: str,
        side: str,
        quantity: Number | None = None,
        *,
        type: str,
        price: Number | None = None,
        quote_quantity: Number | None = None,
        time_in_force: str | None = None,
        client_order_id: str | None = None,
        test: bool = False,
        via: Via = "rest",
    ) -> Order | OrderAck:
        """Send one order, once; gives an :class:`~vocx.facts.Order`, or an
        :class:`~vocx.facts.OrderAck` where the venue only acknowledges it.

        ``type`` is ``"limit"``, ``"market"`` or ``"post_only"`` (rests or is refused); it is
        required, so that no market order happens by accident. A limit has ``price`` and may have
        ``time_in_force``: ``"GTC"`` (rests; the default), ``"IOC"`` (takes what it can), ``"FOK"``
        (all or nothing). A market order may have ``quote_quantity``, what it may cost or bring,
        instead of ``quantity``. ``test`` lets the exchange check it and place nothing.
        ``via="websocket"`` sends it over a kept request/response socket.

        Raises
        ------
        BadInput, VenueError, TransportError
            ``outcome`` says what became of the order, ``client_order_id`` how to ask for it.

        Examples
        --------
        >>> ex.place_order("BTC/USDT", "buy", "0.01", type="limit", price="60000")
        """
        named = client_order_id if client_order_id is not None else self.new_client_order_id()
        named = plain_text(named)
        try:
            check_via(via)
            self.venue.validate_client_order_id(named)
            order = order_checks.draft(
                plain_text(symbol),
                side,
                quantity,
                type=type,
                time_in_force=time_in_force,
                client_order_id=named,
                price=price,
                quote_quantity=quote_quantity,
                test=check_flag(test, "test"),
            )
            order = self._checked(order)
        except errors.VocxError as error:
            error.outcome, error.client_order_id = "not_sent", named
            raise
        return self._trading.place(order, via)

    def place_orders(
        self, orders: Iterable[Mapping[str, Any]], *, via: Via = "rest"
    ) -> Facts[OrderResult]:
        """Send several orders, each once; gives an :class:`~vocx.facts.OrderResult` for each, in
        their order, with an outcome of its own.

        Each order is a mapping of the arguments of :meth:`place_order` (``test`` and ``via``
        apart). All are checked before any is sent: one that cannot be sent is an error here, and
        none was. Then they go in calls of as many as the venue takes at once (OKX 20, Bybit 10),
        elsewhere one after another; what becomes of one does not concern the others. When a call
        fails as a whole (no answer, a limit, a refused key), the orders behind it are not sent
        and say so.

        Raises
        ------
        BadInput
            Nothing was sent; the text says which order cannot be, and why.

        Examples
        --------
        >>> ex.place_orders(
        ...     [
        ...         {"symbol": "BTC/USDT", "side": "buy", "quantity": "0.01",
        ...          "type": "limit", "price": price}
        ...         for price in ("60000", "59900")
        ...     ]
        ... )
        """
        check_via(via)
        checked: list[PlaceOrder] = []
        books: dict[str, BookSnapshot] = {}
        for number, given in enumerate(order_checks.several(orders, "place_order"), 1):
            try:
                order = order_checks.draft_of(given, self.new_client_order_id)
                self.venue.validate_client_order_id(order.client_order_id)
                if order.client_order_id in [one.client_order_id for one in checked]:
                    raise errors.BadInput(f"{order.client_order_id} is the id of another one, too")
                checked.append(self._checked(order, books))
            except errors.VocxError as error:
                error.outcome = "not_sent"
                error.args = (f"order {number}: {error.args[0]}",)
                raise
        return self._trading.place_all(checked, via)

    def new_client_order_id(self) -> str:
        """An id for an order that is yet to be sent, in the venue's alphabet; each is made once,
        and later ones sort behind earlier ones."""
        return self.venue.make_client_order_id(order_checks.ORDER_NUMBERS.make(wall_ns()))

    def _checked(
        self, order: PlaceOrder, books: dict[str, BookSnapshot] | None = None
    ) -> PlaceOrder:
        """Everything that can be refused here, refused here. ``books`` are those that were looked
        at already, for the other orders of several."""
        books = {} if books is None else books
        if not order.test:
            self._allowance.may_trade()
        self.environment.credentials()
        instrument = self.instrument(order.symbol)
        order_checks.check_steps(order, instrument)
        if self._allowance.most:
            by_book = order.price is None if order.side == "buy" else True
            if by_book and order.symbol not in books:
                books[order.symbol] = self.order_book(order.symbol, depth=BOOK_FOR_COST)
            book = books[order.symbol] if by_book else None
            self._allowance.check(order, instrument.quote, order_checks.cost(order, book))
        _ = self.clock  # measured now, not between signing and sending
        return replace(order, instrument=instrument)

    def amend(
        self,
        order: OrderName,
        quantity: Number | None = None,
        *,
        price: Number | None = None,
        symbol: str | None = None,
    ) -> Order | OrderAck:
        """Give an open order another quantity (the new total, with what is filled), another
        price or both, once; gives it as it is now.

        Where the venue places a new order instead, that one is given: with another id, and with
        what was left to fill as its quantity. Only a smaller quantity keeps the place in the
        queue.

        Raises
        ------
        OrderNotFound
            It is not open any more.
        BadInput, VenueError, TransportError
            ``outcome`` says what became of the amendment.

        Examples
        --------
        >>> ex.amend(order, price="59990")
        """
        named = self.new_client_order_id()
        try:
            self._allowance.may_trade()
            which = self._trading.which(order, symbol)
            if quantity is None and price is None:
                raise errors.BadInput("an amendment has a quantity, a price or both")
            now = order if isinstance(order, Order) else self._calls.call(GetOrder(**which))
            checked = self._checked(
                order_checks.draft(
                    now.symbol,
                    now.side,
                    quantity if quantity is not None else now.quantity,
                    type=now.type,
                    time_in_force=now.time_in_force if now.type == "limit" else None,
                    client_order_id=named,
                    price=price if price is not None else now.price,
                )
            )
        except errors.VocxError as error:
            error.outcome = "not_sent"
            raise
        return self._trading.amend(
            AmendOrder(
                **which,
                quantity=None if quantity is None else checked.quantity,
                price=None if price is None else checked.price,
                new_client_order_id=named,
                instrument=checked.instrument,
            )
        )

    def order(self, order: OrderName, symbol: str | None = None, *, via: Via = "rest") -> Order:
        """An order as the exchange knows it now.

        ``order`` is an :class:`~vocx.facts.Order`, an acknowledgement, the exchange's id (a
        number) or a client order id (text). ``symbol`` is needed for ids of orders that this
        exchange object did not place.

        Raises
        ------
        OrderNotFound
            The exchange knows no such order. Shortly after an unknown outcome it may appear yet.
        """
        check_via(via)
        found: Order = self._calls.call(GetOrder(**self._trading.which(order, symbol)), via)
        return found

    def cancel_order(
        self, order: OrderName, symbol: str | None = None, *, via: Via = "rest"
    ) -> Order | OrderAck:
        """Cancel an order; gives it as it ended, or an acknowledgement where the venue gives no
        more.

        Raises
        ------
        OrderNotFound
            There is nothing to cancel; the text says what became of the order.
        """
        check_via(via)
        self._allowance.may_trade()
        which = self._trading.which(order, symbol)
        known = self._instruments.get(which["symbol"])
        return self._trading.cancel(CancelOrder(**which, instrument=known), via)

    def cancel_orders(
        self, orders: Iterable[OrderName], symbol: str | None = None, *, via: Via = "rest"
    ) -> Facts[OrderResult]:
        """Cancel several orders, named as in :meth:`cancel_order`; gives an
        :class:`~vocx.facts.OrderResult` for each, in their order.

        They go in calls of as many as the venue takes at once (Coinbase 100, OKX 20, Bybit 10),
        elsewhere one after another. What cannot be cancelled any more is ``"refused"`` with
        :class:`~vocx.errors.OrderNotFound`, and does not concern the others.
        """
        check_via(via)
        self._allowance.may_trade()
        named = order_checks.several(orders, "cancel_order")
        which = [self._trading.which(one, symbol) for one in named]
        if via == "websocket":
            self._learn({one["symbol"] for one in which})
        return self._trading.cancel_all(
            [CancelOrder(**one, instrument=self._instruments.get(one["symbol"])) for one in which],
            via,
        )

    def cancel_all(self, symbol: str) -> Facts[Order]:
        """Cancel every open order of a symbol; gives them as they ended, maybe none."""
        self._allowance.may_trade()
        split_symbol(symbol)
        try:
            found: Facts[Order] = self._calls.call(CancelAll(symbol=plain_text(symbol)))
            return found
        except errors.OrderNotFound:
            return Facts(kind=Order)

    def cancel_all_after(self, seconds: int) -> CancelTimer:
        """Let the venue cancel all your open orders unless you call this again within so many
        seconds: for a program that trades while nobody looks, called every few seconds from its
        loop. 0 ends the countdown. OKX has one, of 10 to 120 s.

        Raises
        ------
        BadInput
            The venue has none, or not of this length; nothing was sent.
        """
        self._allowance.may_trade()
        intent = CancelAllAfter(seconds=check_count(seconds, "seconds"))
        timer: CancelTimer = self._calls.call(intent)
        return timer

    # the account

    def open_orders(self, symbol: str | None = None) -> Facts[Order]:
        """Orders that can still be filled, of one symbol or of all (dearer)."""
        if symbol is not None:
            split_symbol(symbol)
        told: Facts[Order] = self._calls.call(GetOpenOrders(symbol=plain_text(symbol)))
        found = self._names.settle_all(told)
        for one in found:
            self._trading.remember(one.symbol, id=one.id, client_order_id=one.client_order_id)
        return found

    def fills(
        self,
        symbol: str,
        limit: int = 500,
        *,
        order: Order | OrderAck | int | str | None = None,
        start: datetime | None = None,
    ) -> Fills:
        """Your own fills of a symbol, oldest first: the latest, those of one ``order``, or those
        since ``start`` (an aware datetime). ``.pnl()`` says what they come to."""
        split_symbol(symbol)
        intent = GetFills(
            symbol=plain_text(symbol),
            limit=check_count(limit, "limit", least=1),
            order_id=None if order is None else order_name(order),
            start_ns=epoch_ns(start, "start"),
        )
        found: Facts[Fill] = self._calls.call(intent)
        return Fills(found, found.http, symbol)

    def balances(self) -> Balances:
        """What the account holds, also by asset: ``ex.balances()["USDT"].free``."""
        found: Facts[Any] = self._calls.call(GetBalances())
        return Balances(found, found.http, assets=self._assets)

    def _assets(self) -> set[str]:
        return {asset for one in self.instruments() for asset in (one.base, one.quote)}

    # listening

    def stream(
        self,
        *channels: str,
        symbols: str | Iterable[str] = (),
        name: str | None = None,
        interval: str | None = None,
        depth: int | None = None,
        cadence_ms: int | None = None,
    ) -> Stream:
        """Listen to channels (``"trades"``, ``"quotes"``, ``"book"``, ``"ticker"``,
        ``"candles"``) of one or more symbols, or of your account (``"orders"``, ``"fills"``,
        ``"balances"``: all symbols, so none is named); the stream is started and returned at once.

        Starting a ``name`` that runs stops its predecessor; by default it is the venue, the
        channels and the symbols. ``interval`` is for candles; ``depth`` and ``cadence_ms`` ask
        for the venue's own top levels of the book instead of the full local one.

        Raises
        ------
        UnknownChannel, UnknownInterval, UnknownSymbol, BadInput
            Before anything is opened: a venue acknowledges a misspelt stream and stays silent.
        """
        return self.create_stream(
            channels,
            symbols,
            name=name,
            interval=interval,
            depth=depth,
            cadence_ms=cadence_ms,
        ).start()

    def create_stream(
        self,
        channels: Sequence[str],
        symbols: str | Iterable[str],
        *,
        name: str | None = None,
        interval: str | None = None,
        depth: int | None = None,
        cadence_ms: int | None = None,
        ask: Callable[[Intent, threading.Event], Any] | None = None,
        on_frame: Callable[[bytes, int], None] | None = None,
    ) -> Stream:
        """What :meth:`stream` starts, not started yet, for tools: ``on_frame`` gets every text
        frame and its arrival in the reader thread, ``ask`` makes its REST calls."""
        wanted = channel_specs(
            self.venue, channels, symbols, interval=interval, depth=depth, cadence_ms=cadence_ms
        )
        for plan in self.venue.plan_sockets(wanted):
            self.url(plan.purpose)  # a lab that died is said here, not by a stream born dead
        # Where REST does not answer now, a symbol cannot be checked; a stream has its own patience.
        with suppress(errors.TransportError, errors.VenueUnavailable, errors.RateLimited):
            self._learn(one.symbol for one in wanted if one.symbol)
            _ = self.clock
        if name is not None:
            name = check_name(name, "name", "mine")
        name = name or stream_name(self.environment.label(self.name), wanted)
        return self._streaming.create(wanted, name=name, ask=ask, on_frame=on_frame)

    def ask_for_stream(self, intent: Intent, stopping: threading.Event) -> Any:
        """What a stream of this exchange asks by REST, for tools that watch it."""
        return self._streaming.ask(intent, stopping)

    # life

    def clone(self, *, name: str | None = None, tls: bool | None = None) -> Exchange:
        """Another handle at the same place with connections and a brake of its own; what it asks
        counts with what this one does. In a lab ``tls`` may differ. Close it."""
        name = check_optional_name(name, "name", "mine")
        place = self.environment
        if tls is not None:
            place = place.with_tls(check_flag(tls, "tls"))
        return Exchange(self.venue, place, name=name or self.name, allowance=self._allowance)

    def background(self) -> Exchange:
        """Another handle for a program that runs beside you: connections of its own and this
        one's :attr:`budget`. Its calls wait without saying so, and :meth:`abort` ends them all."""
        return Exchange(
            self.venue,
            self.environment,
            name=self.name,
            allowance=self._allowance,
            budget=self.budget,
            background=True,
        )

    def abort(self) -> None:
        """End every call under way in other threads at once, let none leave any more, and stop
        the streams that were started here. An order that had been sent is then unknown."""
        self._client.abort()
        self._calls.abort()
        self._streaming.abort()

    def close(self) -> None:
        """Stop the streams that were started here and close the kept connections. The lab goes
        on: others may use it."""
        self._streaming.close()
        self._client.close()
        self._calls.close()


def unknown_symbol(venue: str, symbol: str, known: Iterable[str]) -> errors.UnknownSymbol:
    """The error for a well-formed symbol that is not traded, with the closest that are."""
    base, quote = split_symbol(symbol)
    names = sorted(known)
    near = [one for one in (f"{base}/USDT", f"{base}/USDC", f"{quote}/{base}") if one in names]
    bases = {one.partition("/")[0] for one in names}
    near += [
        one
        for found in nearest(base, bases, most=3)
        for one in names
        if one.startswith(f"{found}/")
    ]
    if near := list(dict.fromkeys(near))[:3]:
        hint = "; did you mean " + " or ".join(f'"{one}"' for one in near) + "?"
    else:
        more = f" and {len(names) - 6} more: ex.instruments()" if len(names) > 6 else ""
        hint = f"; it has {', '.join(names[:6])}{more}" if names else ""
    return errors.UnknownSymbol(f'{venue} has no "{symbol}"{hint}', venue=venue)


def epoch_ns(moment: datetime | None, what: str) -> int | None:
    """An aware datetime as nanoseconds since the epoch.

    Raises
    ------
    BadInput
        It is none, has no time zone, or lies before 1970 or after 2262.
    """
    if moment is None:
        return None
    if not isinstance(moment, datetime) or moment != moment:  # pandas' NaT is a datetime
        given = "NaT" if isinstance(moment, datetime) else f"a {type(moment).__name__}"
        raise errors.BadInput(
            f"{what} is {given}; write an aware datetime, such as datetime(2026, 11, 1, tzinfo=UTC)"
        )
    if moment.utcoffset() is None:
        raise errors.BadInput(
            f"{what} has no time zone, so it could mean many moments; write "
            f"{what}={what}.replace(tzinfo=UTC)"
        )
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    ns = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000
    ns += getattr(moment, "nanosecond", 0)
    if not 0 <= ns < 2**63:
        raise errors.BadInput(
            f"{what} is in the year {moment.year}; a venue's times lie between 1970 and 2262"
        )
    return ns
