"""Coinbase's socket: channels to subscriptions, frames to facts.

From the Advanced Trade WebSocket pages (2026-09). One channel a message, at least one within five
seconds of connecting, and ``heartbeats`` always, because quiet channels are closed. There are no
ids: each acknowledgement tells *all* that is subscribed, and data may come before it. Every frame
of a connection, acknowledgements too, counts up one ``sequence_num``; a hole makes every book of
the connection doubtful. ``level2`` is answered as ``l2_data``; ``BTC-USDC`` arrives as ``BTC-USD``.

An account's orders come with cumulative figures and no fills: what an order grew by is told as a
*derived* fill, and REST's rows replace it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar

import msgspec

from vocx.facts import BookDelta, BookSnapshot, Fact, Fill, Level, Order, OrderType, Quote, Ticker
from vocx.venues.base import (
    Ack,
    ChannelSpec,
    ControlFrame,
    Credentials,
    Decoded,
    Heartbeat,
    SequenceGap,
    SocketPlan,
    Unknown,
)
from vocx.venues.base.reading import (
    UNREADABLE,
    Identifier,
    amount,
    check_numbers,
    check_sizes,
    one_of,
    optional_number,
    shown,
)
from vocx.venues.base.refusals import bad_frame
from vocx.venues.base.spelling import dashed_symbol, split_dashed
from vocx.venues.base.streamed_book import Price, Quantity, TwoForms, side
from vocx.venues.coinbase import signing
from vocx.venues.coinbase.errors import VENUE, socket_error
from vocx.venues.coinbase.market import (
    SIDES,
    STREAMED_INTERVAL,
    CandleRow,
    TradeRow,
    candle,
    time_ns,
    trade,
)
from vocx.venues.coinbase.orders import IN_FORCE, status_of

HEARTBEATS = "heartbeats"
_ZERO = Decimal(0)
_MOST_OVER = 10_000
"""Orders that are over of which a connection remembers how far they grew."""
_CHANNELS: Mapping[str, str] = {
    "trades": "market_trades",
    "quotes": "ticker",
    "ticker": "ticker",
    "book": "level2",
    "candles": "candles",
}
_ALIASES: Mapping[str, str] = {"USDC": "USD"}
_NO_ALIAS = frozenset({"USDT-USDC", "EURC-USDC"})


def arrives_as(product: str) -> str:
    """The name under which a product's frames come: most USDC products are other names of the
    USD book."""
    base, _, quote = product.partition("-")
    if product in _NO_ALIAS or quote not in _ALIASES:
        return product
    return f"{base}-{_ALIASES[quote]}"


def topic(spec: ChannelSpec) -> str:
    """``"level2:BTC-USD"``; quotes and tickers share a channel and are told apart here."""
    if spec.symbol is None:
        return spec.channel
    name = "quotes" if spec.channel == "quotes" else _CHANNELS[spec.channel]
    return f"{name}:{dashed_symbol(spec.symbol)}"


def plans(specs: Sequence[ChannelSpec]) -> list[SocketPlan]:
    """One socket for market data, one for an account."""
    found = []
    public = {topic(one): one for one in specs if one.symbol is not None}
    private = {topic(one): one for one in specs if one.symbol is None}
    if public:
        found.append(SocketPlan(purpose="ws", path="", topics=public))
    if private:
        found.append(SocketPlan(purpose="ws_user", path="", topics=private, private=True))
    return found


def _wire(topic: str, private: bool) -> tuple[str, str | None]:
    """Channel and product that serve a topic."""
    if private:
        return "user", None
    name, _, product = topic.partition(":")
    return ("ticker" if name == "quotes" else name), product


def control_frames(
    operation: str,
    plan: SocketPlan,
    topics: Sequence[str],
    now_ns: int,
    credentials: Credentials | None,
    nonce: str,
) -> list[ControlFrame]:
    """A message for each channel, each with a token of its own where there is a key.

    They leave a quarter of a second apart, so books, which are acted on, are asked for first, and
    heartbeats, which come each second, last.
    """
    served: dict[str, tuple[dict[str, None], list[str]]] = {}
    for name in topics:
        channel, product = _wire(name, plan.private)
        products, names = served.setdefault(channel, ({}, []))
        names.append(name)
        if product is not None:
            products[product] = None
    frames = []
    if operation == "subscribe":
        served[HEARTBEATS] = ({}, [])
    ordered = sorted(served.items(), key=lambda one: one[0] != "level2")
    for number_, (channel, (products, names)) in enumerate(ordered):
        body: dict[str, Any] = {"type": operation, "channel": channel}
        if products:
            body["product_ids"] = list(products)
        if credentials is not None:
            body["jwt"] = signing.token(credentials, now_ns, f"{nonce}{number_:x}")
        text = msgspec.json.encode(body).decode()
        frames.append(ControlFrame(text=text, topics=tuple(names)))
    return frames


class Session:
    """What one connection must remember: its sequence, and how far each order had grown.

    Attributes
    ----------
    serves : dict
        Channel and product of a frame, by its own name or by an alias, to what it is for.
    """

    def __init__(self, plan: SocketPlan) -> None:
        self.serves: dict[tuple[str, str], list[ChannelSpec]] = {}
        for name, spec in plan.topics.items():
            channel, _, product = name.partition(":")
            for one in dict.fromkeys((product, arrives_as(product))):
                self.serves.setdefault((channel, one), []).append(spec)
        self.sequence: int | None = None
        self.grown: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
        self._over: dict[str, None] = {}

    def follow(self, sequence: int | None) -> SequenceGap | None:
        """Count a frame; the hole before it, if there is one. ``sequence`` behind: nothing."""
        if sequence is None:
            return None
        before, expected = self.sequence, 0 if self.sequence is None else self.sequence + 1
        self.sequence = sequence if before is None else max(before, sequence)
        if sequence > expected:
            return SequenceGap(reason=f"expected frame {expected}, got {sequence}")
        return None

    def grow(
        self, order: str, now: tuple[Decimal, Decimal, Decimal], *, over: bool
    ) -> tuple[Decimal, Decimal, Decimal] | None:
        """Remember how far an order has grown; how far it had before, ``None`` where this
        connection has not seen it. Orders that are over may be told again: the newest of them are
        remembered, too."""
        before = self.grown.get(order)
        self.grown[order] = now
        if over:
            self._over[order] = None
        while len(self._over) > _MOST_OVER:
            oldest = next(iter(self._over))
            del self._over[oldest], self.grown[oldest]
        return before

    def is_late(self, sequence: int | None) -> bool:
        """A frame that came already, or out of order."""
        return sequence is not None and self.sequence is not None and sequence <= self.sequence


L = TypeVar("L")


class _Frame(msgspec.Struct):
    channel: str | None = None
    timestamp: str = ""
    sequence_num: Identifier | None = None
    events: msgspec.Raw = msgspec.Raw()
    type: str | None = None
    message: str = ""


class _Subscriptions(msgspec.Struct):
    subscriptions: dict[str, list[str]]


class _Ticker(msgspec.Struct):
    product_id: str
    price: str = ""
    volume_24_h: str = ""
    low_24_h: str = ""
    high_24_h: str = ""
    price_percent_chg_24_h: str = ""
    best_bid: str = ""
    best_bid_quantity: str = ""
    best_ask: str = ""
    best_ask_quantity: str = ""


class _Tickers(msgspec.Struct):
    tickers: list[_Ticker]


class _Trades(msgspec.Struct):
    trades: list[TradeRow]
    type: str = ""


class _Candles(msgspec.Struct):
    candles: list[CandleRow]


class _Update(msgspec.Struct, Generic[Price, Quantity], gc=False):
    side: Literal["bid", "offer"]
    price: Price = msgspec.field(name="price_level")
    quantity: Quantity = msgspec.field(name="new_quantity")


class _Book(msgspec.Struct, Generic[L]):
    type: str
    product_id: str
    updates: list[L]


class _BookFrame(msgspec.Struct, Generic[L]):
    """The hot path of this venue: a frame of ``level2`` with all that it holds."""

    channel: Literal["l2_data"]
    events: list[_Book[L]]
    timestamp: str = ""
    sequence_num: Identifier | None = None
    type: None = None


class _UserOrder(msgspec.Struct):
    order_id: str
    product_id: str
    order_side: str
    status: str
    client_order_id: str = ""
    order_type: str = ""
    limit_price: str = ""
    cumulative_quantity: str = ""
    leaves_quantity: str = ""
    filled_value: str = ""
    avg_price: str = ""
    total_fees: str = ""
    post_only: str | bool = ""
    creation_time: str = ""
    time_in_force: str = ""
    cancel_reason: str = ""
    reject_reason: str = ""


class _User(msgspec.Struct):
    type: str
    orders: list[_UserOrder] | None = None


_frame_of = msgspec.json.Decoder(_Frame).decode
_book_frame_of = TwoForms(_BookFrame, _Update)
_BOOK_BEGINS = b'{"channel":"l2_data",'
_acks = msgspec.json.Decoder(list[_Subscriptions]).decode
_tickers = msgspec.json.Decoder(list[_Tickers]).decode
_trades = msgspec.json.Decoder(list[_Trades]).decode
_candles = msgspec.json.Decoder(list[_Candles]).decode
_users = msgspec.json.Decoder(list[_User]).decode


def decode(text: bytes, arrived_ns: int, plan: SocketPlan, state: Session) -> Sequence[Decoded]:
    """What one frame says (see :meth:`vocx.venues.base.Sockets.decode`)."""
    try:
        frame: _Frame | _BookFrame[Any]
        floats: _BookFrame[Any] | None = None
        if text.startswith(_BOOK_BEGINS):
            frame, floats = _book_frame_of(text)
        else:
            frame = _frame_of(text)
        if isinstance(frame, _Frame) and frame.type == "error":
            return (Ack(error=socket_error(frame.message)),)
        if frame.channel is None:
            return (Unknown(text=shown(text)),)
        before = state.sequence
        if state.is_late(frame.sequence_num):
            return ()
        gap = state.follow(frame.sequence_num)
        try:
            told = _told(frame, floats, plan, state, arrived_ns, text)
        except UNREADABLE:
            if gap is not None or frame.channel == "l2_data":
                state.sequence = before  # the next frame tells that this one is missing
            raise
        return told if gap is None else (gap, *told)
    except UNREADABLE as error:
        raise bad_frame(VENUE, error, text) from None


def _told(
    frame: _Frame | _BookFrame[Any],
    floats: _BookFrame[Any] | None,
    plan: SocketPlan,
    state: Session,
    arrived_ns: int,
    text: bytes,
) -> Sequence[Decoded]:
    sent_ns, number = time_ns(frame.timestamp), frame.sequence_num or 0
    if isinstance(frame, _BookFrame):
        return _books_of(frame, floats, state, number, sent_ns, arrived_ns)
    events = bytes(frame.events)
    if frame.channel == HEARTBEATS:
        return (Heartbeat(),)
    if frame.channel == "subscriptions":
        return (_ack(events, plan),)
    if frame.channel == "user":
        return _user(events, plan, state, sent_ns, arrived_ns)
    if frame.channel == "l2_data":
        return _books_of(*_book_frame_of(text), state, number, sent_ns, arrived_ns)
    if frame.channel == "market_trades":
        # The snapshot holds trades from before the subscription: REST has those.
        rows = [
            row
            for event in _trades(events)
            if event.type != "snapshot"
            for row in reversed(event.trades)
        ]
        return [
            trade(row, spec.symbol or "", arrived_ns)
            for row in rows
            for spec in state.serves.get(("market_trades", row.product_id), ())
        ]
    if frame.channel in ("ticker", "ticker_batch"):
        return [
            one
            for event in _tickers(events)
            for row in event.tickers
            for one in _prices(row, state, sent_ns, arrived_ns)
        ]
    if frame.channel == "candles":
        return [
            candle(row, spec.symbol or "", STREAMED_INTERVAL, sent_ns, arrived_ns)
            for event in _candles(events)
            for row in reversed(event.candles)
            for spec in state.serves.get(("candles", row.product_id), ())
        ]
    return (Unknown(text=shown(text)),)


def _ack(events: bytes, plan: SocketPlan) -> Ack:
    """All that is subscribed now; nothing of it may be ours yet."""
    listed: dict[str, set[str]] = {}
    for event in _acks(events):
        for channel, products in event.subscriptions.items():
            listed.setdefault(channel, set()).update(products)
    confirmed = []
    for name in plan.topics:
        channel, product = _wire(name, plan.private)
        told = listed.get(channel)
        if told is not None and (product is None or product in told or arrives_as(product) in told):
            confirmed.append(name)
    return Ack(topics=tuple(confirmed)) if confirmed else Ack(topics=(HEARTBEATS,))


def _prices(row: _Ticker, state: Session, sent_ns: int | None, arrived_ns: int) -> list[Decoded]:
    found: list[Decoded] = []
    bid_quantity = optional_number(row.best_bid_quantity)
    ask_quantity = optional_number(row.best_ask_quantity)
    check_sizes(bid_quantity, ask_quantity)
    for spec in state.serves.get(("quotes", row.product_id), ()):
        found.append(
            Quote(
                symbol=spec.symbol or "",
                bid=optional_number(row.best_bid),
                bid_quantity=bid_quantity,
                ask=optional_number(row.best_ask),
                ask_quantity=ask_quantity,
                exchange_ns=sent_ns,
                arrived_ns=arrived_ns,
            )
        )
    for spec in state.serves.get(("ticker", row.product_id), ()):
        found.append(
            Ticker(
                symbol=spec.symbol or "",
                last=optional_number(row.price),
                bid=optional_number(row.best_bid),
                bid_quantity=bid_quantity,
                ask=optional_number(row.best_ask),
                ask_quantity=ask_quantity,
                high=optional_number(row.high_24_h),
                low=optional_number(row.low_24_h),
                volume=optional_number(row.volume_24_h),
                change_percent=optional_number(row.price_percent_chg_24_h),
                exchange_ns=sent_ns,
                arrived_ns=arrived_ns,
            )
        )
    return found


def _books_of(
    frame: _BookFrame[Any],
    floats: _BookFrame[Any] | None,
    state: Session,
    number: int,
    sent_ns: int | None,
    arrived_ns: int,
) -> list[Decoded]:
    """Bids and *offers*. The number is the connection's, so a change follows whatever the book is
    at, unless it is older: holes are told apart from it (:class:`~vocx.venues.base.SequenceGap`).
    """
    found: list[Decoded] = []
    for index, row in enumerate(frame.events):
        numbers = None if floats is None else floats.events[index].updates
        bids, asks = _sides(row.updates, numbers)
        for spec in state.serves.get(("level2", row.product_id), ()):
            symbol = spec.symbol or ""
            if row.type == "snapshot":
                found.append(
                    BookSnapshot(
                        symbol=symbol,
                        bids=bids,
                        asks=asks,
                        sequence=number,
                        exchange_ns=sent_ns,
                        arrived_ns=arrived_ns,
                    )
                )
            else:
                found.append(
                    BookDelta(
                        symbol=symbol,
                        bids=bids,
                        asks=asks,
                        first=number,
                        last=number,
                        exchange_ns=sent_ns,
                        arrived_ns=arrived_ns,
                    )
                )
    return found


def _sides(updates: list[Any], floats: list[Any] | None) -> tuple[Sequence[Level], Sequence[Level]]:
    bids: tuple[list[Any], list[Any]] = ([], [])
    asks: tuple[list[Any], list[Any]] = ([], [])
    for one, numbers in zip(updates, updates if floats is None else floats, strict=True):
        if not numbers.quantity and one.quantity != "0":  # as Coinbase deletes a level
            check_sizes(Decimal(one.quantity))
        texts, floated = bids if one.side == "bid" else asks
        texts.append(one)
        floated.append(numbers)
    if floats is None:
        return side(bids[0], None), side(asks[0], None)
    return side(*bids), side(*asks)


def _user(
    events: bytes, plan: SocketPlan, state: Session, sent_ns: int | None, arrived_ns: int
) -> list[Decoded]:
    found: list[Fact] = []
    for event in _users(events):
        for row in event.orders or ():
            known = _order(row, sent_ns, arrived_ns)
            grown = _growth(row, known, state, arrived_ns, first=event.type == "snapshot")
            if grown is not None and "fills" in plan.topics:
                found.append(grown)
            if "orders" in plan.topics:
                found.append(known)
    return list(found)


def _order(row: _UserOrder, sent_ns: int | None, arrived_ns: int) -> Order:
    filled = amount(row.cumulative_quantity)
    left = amount(row.leaves_quantity)
    kind: OrderType = "market" if row.order_type.upper() == "MARKET" else "limit"
    if kind == "limit" and str(row.post_only).lower() == "true":
        kind = "post_only"
    return Order(
        symbol=split_dashed(row.product_id) or row.product_id,
        id=row.order_id,
        client_order_id=row.client_order_id,
        side=one_of(SIDES, row.order_side, "a side called"),
        type=kind,
        status=status_of(row.status, filled),
        quantity=filled + left,
        filled=filled,
        filled_quote=optional_number(row.filled_value) or _ZERO,
        price=optional_number(row.limit_price) or None,
        time_in_force=None if kind != "limit" else IN_FORCE.get(row.time_in_force),
        created_ns=time_ns(row.creation_time),
        reason=row.cancel_reason or row.reject_reason or None,
        source="stream",
        exchange_ns=sent_ns,
        arrived_ns=arrived_ns,
    )


def _maker(known: Order) -> bool | None:
    """Its role, where its kind tells: a limit order may have taken when it came, and rests after
    that."""
    if known.type == "post_only":
        return True
    return False if known.type == "market" or known.time_in_force in ("IOC", "FOK") else None


def _growth(
    row: _UserOrder, known: Order, state: Session, arrived_ns: int, *, first: bool
) -> Fill | None:
    """What the order grew by since this connection last saw it, as one derived fill."""
    fees = optional_number(row.total_fees) or _ZERO
    now = (known.filled, known.filled_quote or _ZERO, fees)
    before = state.grow(row.order_id, now, over=not known.open)
    if before is None:
        if first:
            return None  # it grew before this connection: REST knows when
        before = (_ZERO, _ZERO, _ZERO)
    quantity, value = now[0] - before[0], now[1] - before[1]
    if quantity <= 0 or value <= 0:
        return None
    price = value / quantity
    check_numbers(price)
    return Fill(
        symbol=known.symbol,
        id=f"{row.order_id}/{known.filled:f}",
        order_id=row.order_id,
        side=known.side,
        price=price,
        quantity=quantity,
        fee=fees - before[2],
        fee_asset=known.symbol.partition("/")[2] or None,
        maker=_maker(known),
        client_order_id=known.client_order_id or None,
        source="stream",
        derived=True,
        exchange_ns=known.exchange_ns,
        arrived_ns=arrived_ns,
    )
