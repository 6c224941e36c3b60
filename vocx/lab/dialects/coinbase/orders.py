"""Orders: the form in which they are sent, what became of them, and how they are written.

What the exchange itself keeps of an order (:class:`vocx.lab.events.OrderState`) is not all that
Coinbase shows: the configuration as it was sent, the end of a GTD order, edits, and how many fills
and fees there were at each stage are kept here (:class:`OrderBook`). Sources: Advanced Trade
reference (2026-02) and channel pages (2026-08).
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, Literal, cast

import msgspec

from vocx.lab.accounts.order_store import CLOSED_ORDERS
from vocx.lab.dialects.coinbase.catalogue import Products
from vocx.lab.dialects.coinbase.wire import (
    NEVER,
    NotPlaced,
    Refusal,
    amount,
    decimal,
    invalid,
    is_text,
    microseconds,
    read_time,
    uuid_of,
)
from vocx.lab.dialects.shared.numbers import Listing
from vocx.lab.events import AccountEvent, Executed, FillState, NewOrder, OrderState, TimeInForce

CONFIGURATIONS: Mapping[str, TimeInForce] = {
    "market_market_ioc": "IOC",
    "sor_limit_ioc": "IOC",
    "limit_limit_gtc": "GTC",
    "limit_limit_gtd": "GTC",
    "limit_limit_fok": "FOK",
}
"""What is offered. Stops, brackets, TWAP and scaled orders are not: nothing here watches prices
for them."""
_STATUS: Mapping[str, str] = {
    "new": "OPEN",
    "partially_filled": "OPEN",
    "filled": "FILLED",
    "canceled": "CANCELLED",
    "expired": "CANCELLED",
    "expired_in_match": "CANCELLED",
    "rejected": "FAILED",
}
_IN_FORCE = {"GTC": "GOOD_UNTIL_CANCELLED", "IOC": "IMMEDIATE_OR_CANCEL", "FOK": "FILL_OR_KILL"}
_CLIENT_ID = re.compile("[ -~]{1,128}")
_ORDER_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")
SHOWN_CANCEL = "User requested cancel"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it was sent: which product, which side, which one configuration."""

    listing: Listing
    side: Literal["buy", "sell"]
    name: str
    sizes: Mapping[str, Any]
    end_ns: int | None = None

    @property
    def configuration(self) -> dict[str, Mapping[str, Any]]:
        """As replies repeat it."""
        return {self.name: self.sizes}


class OrderRecord(msgspec.Struct, kw_only=True):
    """What is remembered of one order besides its state."""

    owner: str
    sent: Sent
    edits: list[dict[str, str]] = []
    growth: dict[int, tuple[int, Decimal]] = {}
    """By lots filled: how many fills and what fees that was."""
    expired: bool = False


def client_order_id(body: Mapping[str, Any]) -> str:
    """Needed; its alphabet is not documented (printable ASCII, a choice)."""
    text = body.get("client_order_id")
    if not is_text(text) or not text:
        raise invalid("client_order_id is required")
    if not _CLIENT_ID.fullmatch(text):
        raise invalid("client_order_id must be 1 to 128 printable characters")
    return text


def read_order(body: Mapping[str, Any], products: Products, now_ns: int) -> Sent:
    """The form of an order.

    Raises
    ------
    Refusal
        For what is no order at all.
    NotPlaced
        For one that this venue does not take.
    """
    product, side = body.get("product_id"), body.get("side")
    found = body.get("order_configuration")
    if not isinstance(product, str) or not product:
        raise invalid("product_id is required")
    if side not in ("BUY", "SELL"):
        raise invalid("side is required: BUY or SELL")
    if not isinstance(found, dict) or len(found) != 1:
        raise invalid("order_configuration has exactly one key")
    name, sizes = next(iter(found.items()))
    if not isinstance(sizes, dict):
        raise invalid("order_configuration has exactly one object")
    try:
        listing = products.named(product)
    except Refusal:
        raise NotPlaced("INVALID_PRODUCT_ID") from None
    if product in products.aliases:
        raise NotPlaced("UNTRADABLE_PRODUCT", message="This product can only be viewed")
    if name == "market_market_fok":
        raise NotPlaced("FOK_ONLY_ALLOWED_ON_LIMIT_ORDERS")
    if name not in CONFIGURATIONS:
        raise NotPlaced("UNSUPPORTED_ORDER_CONFIGURATION", "PREVIEW_INVALID_ORDER_CONFIG")
    end_ns = None
    if name == "limit_limit_gtd":
        end_ns = read_time(str(sizes.get("end_time", "")))
        if end_ns <= now_ns:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_ORDER_CONFIG", "end_time is over")
    return Sent(
        listing=listing,
        side=cast(Literal["buy", "sell"], side.lower()),
        name=name,
        sizes=sizes,
        end_ns=end_ns,
    )


def new_order(sent: Sent, owner: str, named: str, taker_rate: Decimal) -> NewOrder:
    """The order as the exchange takes it; nothing is rounded.

    The fee of a buy by ``quote_size`` comes out of that size (``size_inclusive_of_fees``): the
    field exists, its exact rule is not published (a choice).
    """
    spec = sent.listing.format.spec
    base, quote = decimal(sent.sizes, "base_size"), decimal(sent.sizes, "quote_size")
    price = decimal(sent.sizes, "limit_price")
    limit = sent.name != "market_market_ioc"
    if (base is None) == (quote is None) or (limit and (base is None or price is None)):
        raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_ORDER_CONFIG", "Sizes do not fit")
    rule, post_only = CONFIGURATIONS[sent.name], sent.sizes.get("post_only")
    if not (post_only is None or isinstance(post_only, bool)):
        raise invalid("post_only is no boolean")
    if post_only and rule == "GTC":
        rule = "POST_ONLY"
    ticks = lots = 0
    if price is not None and limit:
        ticks = _steps(price, spec.tick, "INVALID_PRICE_PRECISION")
    if base is not None:
        lots = _steps(base, spec.lot, "INVALID_SIZE_PRECISION")
        if base > spec.max_quantity:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE")
        worth = base * (price or _reference(sent))
        if worth < spec.min_notional:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")
    if quote is not None:
        if quote % spec.tick:
            raise NotPlaced("INVALID_SIZE_PRECISION", "PREVIEW_INVALID_QUOTE_SIZE_PRECISION")
        if quote < spec.min_notional:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL")
        if quote > 150_000_000:
            raise NotPlaced("INVALID_REQUEST", "PREVIEW_INVALID_QUOTE_SIZE_TOO_LARGE")
        if sent.side == "buy":
            quote = (quote / (1 + taker_rate)).quantize(Decimal("1e-8"), ROUND_DOWN)
    return NewOrder(
        owner=owner,
        symbol=spec.symbol,
        side=sent.side,
        type="limit" if limit else "market",
        time_in_force=rule if limit else "GTC",
        price=ticks,
        quantity=lots,
        quote=quote or Decimal(0),
        client_order_id=named,
    )


def _steps(value: Decimal, step: Decimal, error: str) -> int:
    if value <= 0 or value % step:
        raise NotPlaced(error)
    return int(value / step)


def _reference(sent: Sent) -> Decimal:
    """The price at which a market order is worth something."""
    bid, _, ask, _ = sent.listing.market.best()
    return sent.listing.format.spec.to_price(ask or bid)


class OrderBook:
    """Orders with all that Coinbase shows of them."""

    def __init__(self, products: Products) -> None:
        self._products = products
        self._places = {one.format.spec.symbol: at for at, one in enumerate(products.numbered)}
        self._records: dict[tuple[str, int], OrderRecord] = {}
        self._closed: defaultdict[str, deque[tuple[str, int]]] = defaultdict(deque)
        """By owner: orders that are over, the oldest first."""
        self.ends: dict[tuple[str, int], int] = {}
        """When open GTD orders end."""

    def __len__(self) -> int:
        return len(self._records)

    # -- ids

    def order_id(self, order: OrderState) -> str:
        """A UUID that says product and number, so that it is found again."""
        return self._id(self._places[order.request.symbol], order.id)

    @staticmethod
    def _id(place: int, number: int) -> str:
        drawn = uuid_of("order", place, number)
        return f"{drawn[:8]}-{place:04x}-4{drawn[15:18]}-8{drawn[20:23]}-{number:012x}"

    def numbers(self, text: Any) -> tuple[str, int] | None:
        """Symbol and number of an order's id, ``None`` for another text."""
        if not isinstance(text, str) or not _ORDER_ID.fullmatch(text):
            return None
        place, number = int(text[9:13], 16), int(text[24:], 16)
        listed = self._products.numbered
        if place >= len(listed) or self._id(place, number) != text:
            return None
        return listed[place].format.spec.symbol, number

    # -- memory

    def keep(self, order: OrderState, sent: Sent) -> None:
        """Remember how an order was sent, as long as its account knows it."""
        key = order.request.symbol, order.id
        self._records[key] = OrderRecord(owner=order.request.owner, sent=sent)
        if sent.end_ns is not None and order.open:
            self.ends[key] = sent.end_ns

    def edited(self, order: OrderState, at_ns: int) -> None:
        """Remember an edit."""
        record = self._records.get((order.request.symbol, order.id))
        if record is None:
            return
        form = self._products.by_symbol[order.request.symbol].format
        price, size = form.price[order.request.price], form.quantity[order.quantity]
        record.edits.append(
            {"price": price, "size": size, "replace_accept_timestamp": microseconds(at_ns)}
        )
        sizes = {**record.sent.sizes, "base_size": size, "limit_price": price}
        record.sent = msgspec.structs.replace(record.sent, sizes=sizes)

    def owner(self, symbol: str, number: int) -> str:
        """Whose an order is."""
        return self._records[symbol, number].owner

    def expire(self, symbol: str, number: int) -> None:
        """A GTD order ends by its time."""
        self._records[symbol, number].expired = True

    def took_place(self, events: Iterable[AccountEvent]) -> None:
        """Count fills and fees of each order as it grows."""
        for event in events:
            if not isinstance(event, Executed):
                continue
            order, fill = event.order, event.fill
            key = order.request.symbol, order.id
            if not order.open:
                self.ends.pop(key, None)
                self._forget(event.owner, key)
            record = self._records.get(key)
            if fill is None or record is None:
                continue
            before = record.growth.get(order.filled - fill.trade.quantity, (0, Decimal(0)))
            record.growth[order.filled] = before[0] + 1, before[1] + fill.fee

    def _forget(self, owner: str, key: tuple[str, int]) -> None:
        """An order is over: forget the oldest that is, as the account does."""
        closed = self._closed[owner]
        closed.append(key)
        if len(closed) > CLOSED_ORDERS:
            self._records.pop(closed.popleft(), None)

    # -- what is written

    def sent(self, order: OrderState) -> Sent:
        """How an order was sent."""
        return self._records[order.request.symbol, order.id].sent

    def rests(self, order: OrderState) -> bool:
        """Whether it is of a kind that may rest."""
        return CONFIGURATIONS[self.sent(order).name] == "GTC"

    def status(self, order: OrderState) -> str:
        """There is no state of its own for what is filled in part."""
        record = self._records.get((order.request.symbol, order.id))
        if record is not None and record.expired and not order.open:
            return "EXPIRED"
        return _STATUS[order.status]

    def in_force(self, order: OrderState) -> str:
        """How long it was to stay."""
        sent = self.sent(order)
        if sent.end_ns is not None:
            return "GOOD_UNTIL_DATE_TIME"
        return _IN_FORCE[CONFIGURATIONS[sent.name]]

    def shared(self, order: OrderState, rate: Decimal) -> dict[str, Any]:
        """What both surfaces write alike, each under its own names: the numbers."""
        form = self._products.by_symbol[order.request.symbol].format
        spec, record = form.spec, self._records[order.request.symbol, order.id]
        count, fees = record.growth.get(order.filled, (0, Decimal(0)))
        buys, left = order.request.side == "buy", order.quantity - order.filled
        held = Decimal(0)
        if order.open and order.request.price:
            held = spec.to_quantity(left)
            if buys:
                held *= spec.to_price(order.request.price) * (1 + rate)
        value, filled = order.filled_quote, spec.to_quantity(order.filled)
        share = Decimal(100) * order.filled / order.quantity if order.quantity else Decimal(0)
        after = Decimal(0)
        if order.filled:
            after = value + fees if buys else value - fees
        return {
            "average": amount(value / filled) if order.filled else "0",
            "completion": amount(share.quantize(Decimal("0.01"))),
            "filled": form.quantity[order.filled],
            "value": amount(value),
            "left": form.quantity[left],
            "count": str(count),
            "held": amount(held),
            "fees": amount(fees),
            "after": amount(after),
        }

    def row(self, order: OrderState, rate: Decimal) -> dict[str, Any]:
        """An order by REST. No object is null where the official SDK would fail on it."""
        request, record = order.request, self._records[order.request.symbol, order.id]
        form = self._products.by_symbol[request.symbol].format
        numbers, market = self.shared(order, rate), request.type == "market"
        last_ns = order.updated_ns if order.filled else None
        return {
            "order_id": self.order_id(order),
            "product_id": form.name,
            "user_id": uuid_of("user", request.owner),
            "order_configuration": record.sent.configuration,
            "side": request.side.upper(),
            "client_order_id": request.client_order_id,
            "status": self.status(order),
            "time_in_force": self.in_force(order),
            "created_time": microseconds(order.created_ns),
            "completion_percentage": numbers["completion"],
            "filled_size": numbers["filled"],
            "average_filled_price": numbers["average"],
            "fee": "",
            "number_of_fills": numbers["count"],
            "filled_value": numbers["value"],
            "pending_cancel": False,
            "size_in_quote": market and bool(request.quote),
            "total_fees": numbers["fees"],
            "size_inclusive_of_fees": market and bool(request.quote) and request.side == "buy",
            "total_value_after_fees": numbers["after"],
            "trigger_status": "INVALID_ORDER_TYPE",
            "order_type": "MARKET" if market else "LIMIT",
            "reject_reason": "REJECT_REASON_UNSPECIFIED",
            "settled": not order.open,
            "product_type": "SPOT",
            "reject_message": "",
            "cancel_message": self._ended_by(order),
            "order_placement_source": "RETAIL_ADVANCED",
            "outstanding_hold_amount": numbers["held"],
            "is_liquidation": False,
            "last_fill_time": None if last_ns is None else microseconds(last_ns),
            "edit_history": record.edits,
            "leverage": "",
            "margin_type": "UNKNOWN_MARGIN_TYPE",
            "retail_portfolio_id": uuid_of("portfolio", request.owner),
            "originating_order_id": "",
            "attached_order_id": "",
            "attached_order_configuration": None,
            "current_pending_replace": None,
            "commission_detail_total": None,
            "workable_size": form.quantity[order.quantity],
            "workable_size_completion_pct": numbers["completion"],
        }

    def told(self, order: OrderState, rate: Decimal, status: str = "") -> dict[str, Any]:
        """An order on the ``user`` channel, whose names differ; ``status`` is one that it passes
        through."""
        request, sent = order.request, self.sent(order)
        form = self._products.by_symbol[request.symbol].format
        numbers = self.shared(order, rate)
        end_ns = sent.end_ns
        return {
            "avg_price": numbers["average"],
            "cancel_reason": "" if status else self._ended_by(order),
            "client_order_id": request.client_order_id,
            "completion_percentage": numbers["completion"],
            "contract_expiry_type": "UNKNOWN_CONTRACT_EXPIRY_TYPE",
            "cumulative_quantity": numbers["filled"],
            "filled_value": numbers["value"],
            "leaves_quantity": numbers["left"],
            "limit_price": form.price[request.price],
            "number_of_fills": numbers["count"],
            "order_id": self.order_id(order),
            "order_side": request.side.upper(),
            "order_type": "MARKET" if request.type == "market" else "LIMIT",
            "outstanding_hold_amount": numbers["held"],
            "post_only": "true" if request.time_in_force == "POST_ONLY" else "false",
            "product_id": form.name,
            "product_type": "SPOT",
            "reject_reason": "",
            "retail_portfolio_id": uuid_of("portfolio", request.owner),
            "risk_managed_by": "UNKNOWN_RISK_MANAGEMENT_TYPE",
            "status": status or self.status(order),
            "stop_price": "",
            "time_in_force": self.in_force(order),
            "total_fees": numbers["fees"],
            "total_value_after_fees": numbers["after"],
            "trigger_status": "INVALID_ORDER_TYPE",
            "creation_time": microseconds(order.created_ns),
            "end_time": NEVER if end_ns is None else microseconds(end_ns),
            "start_time": NEVER,
        }

    def _ended_by(self, order: OrderState) -> str:
        return SHOWN_CANCEL if self.status(order) == "CANCELLED" and not order.reason else ""

    def fill(self, fill: FillState) -> dict[str, Any]:
        """One match of one order."""
        order, one = fill.order, fill.trade
        request = order.request
        form = self._products.by_symbol[request.symbol].format
        return {
            "entry_id": self.entry_id(fill),
            "trade_id": uuid_of("trade", request.symbol, one.trade_id),
            "order_id": self.order_id(order),
            "trade_time": microseconds(one.at_ns),
            "trade_type": "FILL",
            "price": form.price[one.price],
            "size": form.quantity[one.quantity],
            "commission": amount(fill.fee),
            "product_id": form.name,
            "sequence_timestamp": microseconds(one.at_ns),
            "liquidity_indicator": "MAKER" if fill.maker else "TAKER",
            "size_in_quote": False,
            "user_id": uuid_of("user", request.owner),
            "side": request.side.upper(),
            "retail_portfolio_id": uuid_of("portfolio", request.owner),
            "fillSource": "FILL_SOURCE_CLOB",
            "commission_detail_total": None,
        }

    @staticmethod
    def entry_id(fill: FillState) -> str:
        """The id of one side of one match."""
        request = fill.order.request
        text = uuid_of("entry", request.symbol, fill.trade.trade_id, fill.order.id)
        return text.replace("-", "")[:20]
