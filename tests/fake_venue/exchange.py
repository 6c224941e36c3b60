"""The fake venue as an exchange (``WIRE.md``), on what all dialects share: the example to read
before writing another dialect.

In the order in which one writes one: texts and refusals, limits, payloads, topics, REST, orders,
connections, the venue itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, cast

import msgspec

from fake_venue.profile import PROFILES, Profile
from fake_venue.recording import FakeRecording
from vocx.lab.accounts.accounts import Accounts
from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.dialects.base import Close, HttpIn, HttpOut, KeyPair, Out, Publication, Session
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.connections import Connection, PingPolicy
from vocx.lab.dialects.shared.dialect import VenueDialect
from vocx.lab.dialects.shared.endpoints import Endpoint, EndpointTable
from vocx.lab.dialects.shared.faults import Fault
from vocx.lab.dialects.shared.keys import Authentication, Denied, Key, KeyRing, RequestWindow
from vocx.lab.dialects.shared.market_state import (
    Batch,
    BookDiff,
    BookTop,
    CandleState,
    Changes,
    Each,
    TickerState,
    Windows,
)
from vocx.lab.dialects.shared.numbers import (
    DAY_NS,
    NS_PER_MS,
    NS_PER_S,
    Catalogue,
    Listing,
    Row,
    amount,
    listed_as,
)
from vocx.lab.dialects.shared.publisher import Publisher
from vocx.lab.dialects.shared.rate_limiter import BanRule, Excess, RateLimiter, Rule
from vocx.lab.dialects.shared.reading import Unreadable, encode, query_pairs, read_json
from vocx.lab.dialects.shared.subscriptions import PrivateSubscriptions, Subscription
from vocx.lab.dialects.shared.topics import (
    Topic,
    TopicSpec,
    TopicState,
    by_connection,
    same_for_all,
)
from vocx.lab.events import (
    AccountEvent,
    BalancesChanged,
    Bar,
    BestChanged,
    FillState,
    Interval,
    NewOrder,
    OrderState,
    Rejection,
    TimeInForce,
    Traded,
    Window,
)
from vocx.lab.ports import MarketSimulation, RecordingFormat

FAST_NS = 100 * NS_PER_MS
REPEAT_NS = 5 * NS_PER_S
INTERVALS = {
    "1m": Interval(seconds=60),
    "5m": Interval(seconds=300),
    "1h": Interval(seconds=3600),
}
PRIVATE = ("orders", "fills", "balances")
MOST_ROWS, ORDER_PAGE, BALANCE_PAGE = 100, 50, 5
FEES = FeeSchedule(maker=Decimal("0.001"), taker=Decimal("0.002"))
JSON = {"Content-Type": "application/json"}
LOGIN = "GET/ws/login"

# -- refusals ----------------------------------------------------------------------------------


class Refusal(Exception):
    """An error of the venue: status, code, words, headers."""

    def __init__(self, code: str, message: str = "", status: int = 400, **headers: str) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message or code.replace("_", " "), status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def words(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message}


DENIED: Mapping[str, str] = {
    "form": "bad_key",
    "unknown": "bad_key",
    "permission": "bad_key",
    "ahead": "bad_time",
    "late": "bad_time",
    "signature": "bad_signature",
}
REJECTED: Mapping[str, str] = {
    "insufficient_balance": "insufficient_balance",
    "duplicate_client_order_id": "duplicate_client_id",
    "would_match": "would_match",
    "no_liquidity": "no_liquidity",
}


def decimal(given: Mapping[str, Any], name: str) -> Decimal | None:
    """A number that was sent as text."""
    text = given.get(name)
    if text is None:
        return None
    try:
        if type(text) is not str or not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text):
            raise InvalidOperation
        return Decimal(text)
    except InvalidOperation:
        raise Refusal("bad_request", f"{name} is no number") from None


def whole(given: Mapping[str, Any], name: str, default: int = 0) -> int:
    """A whole number that was sent as text or as a number."""
    text = str(given.get(name, default))
    if not re.fullmatch("[0-9]{1,15}", text):
        raise Refusal("bad_request", f"{name} is no whole number")
    return int(text)


# -- limits ------------------------------------------------------------------------------------

WEIGHT = Rule(name="weight", limit=1200, window_ns=60 * NS_PER_S)
MESSAGES = Rule(name="messages", limit=10, window_ns=NS_PER_S, listed=False)
ADDRESS = Rule(name="address", limit=600, window_ns=5 * NS_PER_S, sliding=True)
SIGNED = Rule(name="signed", limit=20, window_ns=NS_PER_S, sliding=True, listed=False)
ORDERS = Rule(name="orders", limit=60, window_ns=2 * NS_PER_S, sliding=True, listed=False)
PUBLIC = Rule(name="public", limit=10, window_ns=NS_PER_S, sliding=True)
PER_KEY = Rule(name="signed", limit=30, window_ns=NS_PER_S, sliding=True, listed=False)
RULES = {
    "weight": (WEIGHT, MESSAGES),
    "endpoint": (ADDRESS, SIGNED, ORDERS),
    "user": (PUBLIC, PER_KEY),
}


def excess(found: Excess, now_ns: int) -> Refusal:
    """Too much, in the venue's words."""
    wait_s = str(-(-found.wait_ns // NS_PER_S))
    if found.rule is None:
        status = 418 if found.limit == 0 and found.wait_ns <= 120 * NS_PER_S else 403
        return Refusal("banned", status=status, Retry_After=wait_s)
    if found.rule in (SIGNED, ORDERS):
        reset = str(-(-(now_ns + found.wait_ns) // NS_PER_MS))
        return Refusal("too_many_requests", status=200, X_Reset=reset)
    if found.rule in (PUBLIC, PER_KEY):
        return Refusal("too_many_requests", status=429)
    return Refusal("too_many_requests", status=429, Retry_After=wait_s)


def new_limiter(profile: Profile) -> RateLimiter:
    bans = {
        "weight": BanRule(after=5, length_ns=120 * NS_PER_S, window_ns=60 * NS_PER_S),
        "endpoint": BanRule(after=0, length_ns=600 * NS_PER_S, window_ns=5 * NS_PER_S),
    }
    return RateLimiter(RULES[profile.limits], excess, bans.get(profile.limits))


# -- payloads ----------------------------------------------------------------------------------


class Payloads:
    """What the venue writes, for REST and for sockets alike."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def label(self, listing: Listing) -> str:
        """The symbol as market channels call it."""
        name, relabel = listing.format.name, self.profile.relabel
        if relabel is None or not name.endswith(relabel[0]):
            return name
        return name.removesuffix(relabel[0]) + relabel[1]

    def frame(self, channel: str, listing: Listing, now_ns: int, data: Any, **more: Any) -> bytes:
        head = {"channel": channel, **more, "symbol": self.label(listing)}
        return encode({**head, "time": now_ns // NS_PER_MS, "data": data})

    def trade(self, listing: Listing, one: Traded) -> dict[str, Any]:
        form = listing.format
        return {
            "id": one.trade_id,
            "time": one.at_ns // NS_PER_MS,
            "price": form.price[one.price],
            "quantity": form.quantity[one.quantity],
            "side": one.taker,
        }

    def quote(self, listing: Listing, now_ns: int, update_id: int, best: Any) -> dict[str, Any]:
        form = listing.format
        bid, bid_quantity, ask, ask_quantity = best
        return {
            "symbol": form.name,
            "time": now_ns // NS_PER_MS,
            "sequence": update_id,
            "bid": form.price[bid],
            "bid_quantity": form.quantity[bid_quantity],
            "ask": form.price[ask],
            "ask_quantity": form.quantity[ask_quantity],
        }

    def ticker(self, listing: Listing, window: Window, now_ns: int) -> dict[str, Any]:
        form, market = listing.format, listing.market
        quote = self.quote(listing, now_ns, market.update_id, market.best())
        del quote["sequence"]
        return {
            **quote,
            "last": form.price[window.close],
            "open": form.price[window.open],
            "high": form.price[window.high],
            "low": form.price[window.low],
            "volume": form.quantity[window.volume],
            "quote_volume": form.quote(window.quote_volume),
            "trades": window.trades,
        }

    def candle(self, listing: Listing, bar: Bar, now_ns: int) -> dict[str, Any]:
        form = listing.format
        return {
            "open_time": bar.open_ns // NS_PER_MS,
            "close_time": bar.close_ns // NS_PER_MS,
            "open": form.price[bar.open],
            "high": form.price[bar.high],
            "low": form.price[bar.low],
            "close": form.price[bar.close],
            "volume": form.quantity[bar.volume],
            "quote_volume": form.quote(bar.quote_volume),
            "trades": bar.trades,
            "closed": bar.close_ns <= now_ns,
        }

    def book(self, listing: Listing, changes: Changes, now_ns: int, unit_ns: int) -> bytes:
        """One frame of the book channel."""
        data: dict[str, Any] = {"bids": pairs(changes.bids), "asks": pairs(changes.asks)}
        kind = {}
        if self.profile.book == "snapshot":
            kind = {"type": "snapshot" if changes.snapshot else "update"}
        if self.profile.sequence == "book":
            data = {"first": changes.first, "last": changes.last, **data}
        elif self.profile.sequence == "channel":
            data = {"sequence": changes.last, "previous": changes.previous, **data}
        return self.frame("book", listing, now_ns, data, **kind)

    def order_id(self, number: int) -> int | str:
        return number if self.profile.order_ids == "number" else f"o{number}"

    def order(self, listing: Listing, order: OrderState) -> dict[str, Any]:
        """An order in full."""
        form, request = listing.format, order.request
        status = "open" if order.open else order.status
        post_only = request.time_in_force == "POST_ONLY"
        return {
            "symbol": form.name,
            "id": self.order_id(order.id),
            "client_id": request.client_order_id,
            "side": request.side,
            "type": "market" if request.type == "market" else "limit",
            "price": form.price[request.price],
            "quantity": form.quantity[order.quantity],
            "filled": form.quantity[order.filled],
            "filled_quote": amount(order.filled_quote),
            "fees": amount(order.fee),
            "fee_asset": order.fee_asset,
            "fill_count": order.fills,
            "status": "expired" if status == "expired_in_match" else status,
            "time_in_force": "GTC" if post_only else request.time_in_force,
            "post_only": post_only,
            "created": order.created_ns // NS_PER_MS,
            "updated": order.updated_ns // NS_PER_MS,
        }

    def fill(self, listing: Listing, fill: FillState) -> dict[str, Any]:
        form, request = listing.format, fill.order.request
        return {
            "symbol": form.name,
            "id": fill.trade.trade_id,
            "order_id": self.order_id(fill.order.id),
            "client_id": request.client_order_id,
            "side": request.side,
            "price": form.price[fill.trade.price],
            "quantity": form.quantity[fill.trade.quantity],
            "quote": amount(fill.quote),
            "fee": amount(fill.fee),
            "fee_asset": fill.fee_asset,
            "maker": fill.maker,
            "time": fill.trade.at_ns // NS_PER_MS,
        }


def pairs(rows: list[Row]) -> list[tuple[str, str]]:
    """Levels without the number of their orders."""
    return [(price, quantity) for price, quantity, _ in rows]


def balance(asset: str, free: Decimal, locked: Decimal) -> dict[str, str]:
    return {"asset": asset, "free": amount(free), "locked": amount(locked)}


# -- topics ------------------------------------------------------------------------------------


class Heartbeat(TopicState):
    """A count, every second."""

    def __init__(self) -> None:
        self.counter = 0

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        self.counter += 1
        beat = {"channel": "heartbeat", "time": now_ns // NS_PER_MS, "counter": self.counter}
        topic.send_text(out, encode(beat))


class Topics(Publisher):
    """The venue's market channels; a topic is called ``channel:symbol`` with what it has more."""

    def __init__(self, profile: Profile, catalogue: Catalogue[Listing], payloads: Payloads) -> None:
        numbered = profile.sequence == "connection"
        super().__init__(self._state, by_connection if numbered else same_for_all)
        self._profile = profile
        self._catalogue = catalogue
        self._payloads = payloads
        self._windows = Windows()

    def spec(self, arg: Mapping[str, Any]) -> TopicSpec:
        """What a subscription's argument asks for; its refusal."""
        channel = arg["channel"]
        if channel == "heartbeat":
            return TopicSpec(kind=channel, cadence_ns=NS_PER_S)
        symbol = self._catalogue.named(str(arg.get("symbol", ""))).format.name
        if channel == "candles":
            interval = str(arg.get("interval", ""))
            if interval not in self._profile.candle_intervals:
                raise Refusal("unknown_interval")
            return TopicSpec(kind=channel, symbol=symbol, interval=interval, cadence_ns=NS_PER_S)
        if channel == "top":
            levels = whole(arg, "depth")
            if levels not in (5, 10, 20):
                raise Refusal("bad_request", "depth is 5, 10 or 20")
            return TopicSpec(kind=channel, symbol=symbol, levels=levels, cadence_ns=FAST_NS)
        batch_ns = self._profile.trade_batch_ms * NS_PER_MS
        cadence_ns = {"book": FAST_NS, "ticker": NS_PER_S, "trades": batch_ns}.get(channel, 0)
        return TopicSpec(kind=channel, symbol=symbol, cadence_ns=cadence_ns)

    def _state(self, spec: TopicSpec, now_ns: int) -> TopicState | None:
        if spec.kind == "heartbeat":
            return Heartbeat()
        listing, made = self._catalogue.named(spec.symbol), self._payloads
        if spec.kind == "trades":
            return Batch(listing, Traded, self._trades)
        if spec.kind == "quotes":
            return Each(listing, BestChanged, self._quote)
        if spec.kind == "book":
            repeat_ns = REPEAT_NS if self._profile.sequence == "channel" else None
            snapshots = self._profile.book == "snapshot"
            return BookDiff(listing, made.book, now_ns, snapshots=snapshots, repeat_ns=repeat_ns)
        if spec.kind == "top":
            return BookTop(listing, spec.levels, self._top)
        if spec.kind == "candles":
            interval = spec.interval

            def candle(one: Listing, bar: Bar, closed: bool, now: int, _: int) -> bytes:
                row = made.candle(one, bar, now)
                return made.frame("candles", one, now, row, interval=interval)

            return CandleState(listing, INTERVALS[interval], candle, now_ns)
        return TickerState((listing,), self._windows, self._ticker, quotes=True)

    def _trades(
        self, listing: Listing, events: Sequence[Traded], now_ns: int, unit_ns: int
    ) -> bytes:
        rows = [self._payloads.trade(listing, one) for one in events]
        return self._payloads.frame("trades", listing, now_ns, rows)

    def _quote(self, listing: Listing, event: BestChanged, now_ns: int, unit_ns: int) -> bytes:
        best = event.bid, event.bid_quantity, event.ask, event.ask_quantity
        data = self._payloads.quote(listing, event.at_ns, event.update_id, best)
        data["symbol"] = self._payloads.label(listing)
        return self._payloads.frame("quotes", listing, now_ns, data)

    def _top(
        self,
        listing: Listing,
        update_id: int,
        bids: list[Row],
        asks: list[Row],
        now_ns: int,
        unit_ns: int,
    ) -> bytes:
        data = {"sequence": update_id, "bids": pairs(bids), "asks": pairs(asks)}
        return self._payloads.frame("top", listing, now_ns, data)

    def _ticker(self, listing: Listing, window: Window, now_ns: int, unit_ns: int) -> bytes:
        data = self._payloads.ticker(listing, window, now_ns)
        data["symbol"] = self._payloads.label(listing)
        return self._payloads.frame("ticker", listing, now_ns, data)


def topic_name(arg: Mapping[str, Any], spec: TopicSpec) -> str:
    parts = (spec.kind, spec.symbol, spec.interval, str(spec.levels or ""))
    return ":".join(part for part in parts if part)


# -- calls -------------------------------------------------------------------------------------


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an endpoint: query or body, and whose it is."""

    exchange: FakeExchange
    given: Mapping[str, Any]
    now_ns: int
    owner: str = ""

    @property
    def made(self) -> Payloads:
        return self.exchange.payloads

    @property
    def clock_ns(self) -> int:
        """The exchange's clock as it is set."""
        return self.now_ns + self.exchange.gateway.skew_ns

    @property
    def accounts(self) -> Accounts:
        accounts = self.exchange.gateway.accounts
        if accounts is None:
            raise Refusal("maintenance", "a recording takes no orders", 503)
        return accounts

    def listing(self, *, code: bool = False) -> Listing:
        """The symbol, or the instrument's number where orders name that."""
        catalogue = self.exchange.catalogue
        if code and self.exchange.profile.order_names == "code":
            listing = catalogue.numbered(whole(self.given, "code"))
            if listing is None:
                raise Refusal("unknown_symbol", "no such code")
            return listing
        if "symbol" not in self.given:
            raise Refusal("bad_request", "symbol is missing")
        return catalogue.named(str(self.given["symbol"]))

    def rows(self, default: int = MOST_ROWS, most: int = 1000) -> int:
        """``limit``."""
        return min(max(whole(self.given, "limit", default), 1), most)


def listed(rows: Sequence[Any], cursor: str = "") -> dict[str, Any]:
    return {"data": list(rows), "next": cursor}


def status(call: Call) -> dict[str, Any]:
    """Maintenance is a fault that the lab's owner switches on: ``overloaded``."""
    down = call.exchange.faults.is_on("overloaded")
    return {"status": "maintenance" if down else "online", "message": ""}


def instruments(call: Call) -> dict[str, Any]:
    limiter = call.exchange.limiter
    found = [
        {
            "symbol": one.format.name,
            "code": one.number,
            "base": one.format.spec.base,
            "quote": one.format.spec.quote,
            "tick": one.format.price[1],
            "lot": one.format.quantity[1],
            "min_quantity": one.format.quantity[1],
            "max_quantity": amount(one.format.spec.max_quantity),
            "min_notional": amount(one.format.spec.min_notional),
            "status": "online",
        }
        for one in call.exchange.catalogue.by_name.values()
    ]
    if "symbol" in call.given:
        name = call.listing().format.name
        found = [row for row in found if row["symbol"] == name]
    limits = [
        {
            "bucket": rule.name,
            "amount": limiter.limit(rule),
            "window_ms": rule.window_ns // NS_PER_MS,
        }
        for rule in limiter.rules.values()
    ]
    return {**listed(found), "limits": limits}


def ticker(call: Call) -> dict[str, Any]:
    listing = call.listing()
    return call.made.ticker(listing, listing.market.window(DAY_NS, call.now_ns), call.now_ns)


def quote(call: Call) -> dict[str, Any]:
    listing = call.listing()
    market = listing.market
    return call.made.quote(listing, call.now_ns, market.update_id, market.best())


def book(call: Call) -> dict[str, Any]:
    listing = call.listing()
    bids, asks = listing.top(min(max(whole(call.given, "depth", 100), 1), 1000))
    return {
        "symbol": listing.format.name,
        "time": call.now_ns // NS_PER_MS,
        "sequence": listing.market.update_id,
        "bids": pairs(bids),
        "asks": pairs(asks),
    }


def trades(call: Call) -> dict[str, Any]:
    listing = call.listing()
    from_id = whole(call.given, "from_id") if "from_id" in call.given else None
    found = listing.market.trades(call.rows(), from_id=from_id)
    return listed([call.made.trade(listing, one) for one in found])


def candles(call: Call) -> dict[str, Any]:
    listing = call.listing()
    interval = INTERVALS.get(str(call.given.get("interval", "")))
    if interval is None:
        raise Refusal("unknown_interval")
    start, end = (
        whole(call.given, name) * NS_PER_MS if name in call.given else None
        for name in ("start", "end")
    )
    if max(start or 0, end or 0) > 2**62:
        raise Refusal("bad_request", "no clock will ever show that")
    bars = listing.market.bars(interval, call.rows(), call.now_ns, start_ns=start, end_ns=end)
    return listed([call.made.candle(listing, bar, call.now_ns) for bar in bars])


# -- orders ------------------------------------------------------------------------------------


def in_steps(value: Decimal | None, step: Decimal, code: str) -> int:
    """A number in whole steps, 0 for none."""
    if value is None:
        return 0
    if value <= 0 or value % step:
        raise Refusal(code)
    return int(value / step)


def place(call: Call) -> Any:
    """Take an order in."""
    given, listing = call.given, call.listing(code=True)
    spec, kind, side = listing.format.spec, given.get("type"), given.get("side")
    price, quantity = decimal(given, "price"), decimal(given, "quantity")
    quote_quantity = decimal(given, "quote_quantity")
    client_id, rule = given.get("client_id"), given.get("time_in_force") or "GTC"
    if side not in ("buy", "sell") or kind not in ("limit", "market"):
        raise Refusal("bad_request", "side is buy or sell, type is limit or market")
    if rule not in ("GTC", "IOC", "FOK"):
        raise Refusal("bad_request", "time_in_force is GTC, IOC or FOK")
    if not isinstance(client_id, str) or not re.fullmatch(
        call.exchange.profile.client_ids, client_id
    ):
        raise Refusal("bad_request", "client_id is missing or malformed")
    limit = kind == "limit"
    if limit != (price is not None) or (limit and (quantity is None or quote_quantity is not None)):
        raise Refusal("bad_request", "a limit order has price and quantity")
    if not limit and (quantity is None) == (quote_quantity is None):
        raise Refusal("bad_request", "a market order has quantity or quote_quantity")
    ticks = in_steps(price, spec.tick, "bad_price")
    lots = in_steps(quantity, spec.lot, "bad_quantity")
    if quantity is not None and quantity > spec.max_quantity:
        raise Refusal("bad_quantity")
    best = listing.market.best()
    worth = quote_quantity or (quantity or 0) * (price or spec.to_price(best[2] or best[0]))
    if worth < spec.min_notional:
        raise Refusal("too_small", f"an order is worth at least {spec.min_notional}")
    order = NewOrder(
        owner=call.owner,
        symbol=spec.symbol,
        side=cast(Literal["buy", "sell"], side),
        type="limit" if limit else "market",
        time_in_force=cast(TimeInForce, "POST_ONLY" if given.get("post_only") else rule),
        price=ticks,
        quantity=lots,
        quote=quote_quantity or Decimal(0),
        client_order_id=client_id,
    )
    if given.get("test"):
        return {}
    placed, _ = call.accounts.place(order, call.now_ns)
    if isinstance(placed, Rejection):
        raise Refusal(REJECTED[placed.reason])
    return reply(call, listing, placed)


def reply(call: Call, listing: Listing, order: OrderState) -> dict[str, Any]:
    """What a call that changes an order answers."""
    full = call.made.order(listing, order)
    if call.exchange.profile.replies == "full":
        return full
    return {"id": full["id"], "client_id": full["client_id"]}


def found(call: Call, listing: Listing) -> OrderState:
    """The order that is meant, by its id or by the client's."""
    number, client_id = call.given.get("id"), call.given.get("client_id")
    if number is None and not isinstance(client_id, str):
        raise Refusal("bad_request", "id or client_id is missing")
    order_id = None
    if number is not None:
        digits = str(number).removeprefix("o")
        order_id = int(digits) if re.fullmatch("[0-9]{1,15}", digits) else -1
        client_id = None
    symbol = listing.format.spec.symbol
    order = call.accounts.order(call.owner, symbol, order_id, client_id)
    if order is None:
        raise Refusal("unknown_order")
    return order


def amend(call: Call) -> Any:
    """A smaller quantity; the order keeps its priority."""
    listing = call.listing(code=True)
    spec, order = listing.format.spec, found(call, listing)
    lots = in_steps(decimal(call.given, "quantity"), spec.lot, "bad_quantity")
    if call.exchange.profile.amend == "both":
        ticks = in_steps(decimal(call.given, "price"), spec.tick, "bad_price")
        if not ticks:
            raise Refusal("bad_request", "price is missing")
        if ticks != order.request.price:
            raise Refusal("amend_refused", "the price stays")
    if not order.open:
        raise Refusal("unknown_order")
    if not order.filled < lots < order.quantity:
        raise Refusal("amend_refused")
    amended, _ = call.accounts.amend(call.owner, spec.symbol, order.id, lots, now_ns=call.now_ns)
    assert isinstance(amended, OrderState), "it was open"
    return reply(call, listing, amended)


def cancel(call: Call) -> Any:
    listing = call.listing()
    order = found(call, listing)
    canceled, _ = call.accounts.cancel(
        call.owner, order.request.symbol, order.id, now_ns=call.now_ns
    )
    if canceled is None:
        raise Refusal("unknown_order")
    return reply(call, listing, canceled)


def cancel_all(call: Call) -> dict[str, Any]:
    listing = call.listing()
    symbol = listing.format.spec.symbol
    orders, _ = call.accounts.cancel_all(call.owner, symbol, call.now_ns)
    return listed([reply(call, listing, one) for one in orders])


def one_order(call: Call) -> dict[str, Any]:
    listing = call.listing()
    return call.made.order(listing, found(call, listing))


def open_orders(call: Call) -> dict[str, Any]:
    symbol = call.listing().format.spec.symbol if "symbol" in call.given else None
    by_symbol = call.exchange.catalogue.by_symbol
    orders = call.accounts.orders(call.owner, symbol, open_only=True)
    return listed([call.made.order(by_symbol[one.request.symbol], one) for one in orders])


def fills(call: Call) -> dict[str, Any]:
    listing, given = call.listing(), call.given
    start_ns, after = whole(given, "start") * NS_PER_MS, whole(given, "cursor")
    rows = [
        call.made.fill(listing, one)
        for one in call.accounts.fills(call.owner, listing.format.spec.symbol)
        if one.trade.at_ns >= start_ns
        and one.trade.trade_id > after
        and given.get("order_id") in (None, str(call.made.order_id(one.order.id)))
    ]
    page = rows[: call.rows(MOST_ROWS, MOST_ROWS)]
    return listed(page, str(page[-1]["id"]) if len(page) < len(rows) else "")


def balances(call: Call) -> dict[str, Any]:
    return listed(
        [balance(name, *both) for name, both in call.accounts.balances(call.owner).items()]
    )


def _signed(path: str, answer: Callable[[Call], Any], verb: str = "GET") -> Endpoint:
    places = verb != "GET" and path != "orders/all"
    return Endpoint(path, answer, verb=verb, signed=True, places=places)


_SHALLOW = {"", *map(str, range(1, 101))}
ENDPOINTS = EndpointTable(
    "/v1/",
    (
        Endpoint("time", lambda call: {"time": call.clock_ns // NS_PER_MS}),
        Endpoint("status", status),
        Endpoint("instruments", instruments, cost=10),
        Endpoint("ticker", ticker),
        Endpoint("quote", quote),
        Endpoint(
            "book",
            book,
            cost=lambda given: 5 if str(given.get("depth", "")) not in _SHALLOW else 1,
        ),
        Endpoint("trades", trades),
        Endpoint("candles", candles),
        _signed("orders", place, "POST"),
        _signed("orders/amend", amend, "POST"),
        _signed("orders", cancel, "DELETE"),
        _signed("orders/all", cancel_all, "DELETE"),
        _signed("order", one_order),
        _signed("orders", open_orders),
        _signed("fills", fills),
        _signed("balances", balances),
    ),
)

# -- connections -------------------------------------------------------------------------------


class FakeSession(Connection):
    """One connection to one of the sockets."""

    def __init__(self, exchange: FakeExchange, now_ns: int, peer: str, purpose: str) -> None:
        super().__init__(exchange.keepalive(now_ns), peer)
        self.exchange = exchange
        self.purpose = purpose
        self.key: Key | None = None
        self.sequence = 0
        self._args: dict[str, tuple[str, str]] = {}
        """By topic or private channel: the channel and the symbol as subscribed."""

    # -- frames

    def frame(self, payload: bytes) -> bytes:
        """Numbered, where the venue numbers the frames of a connection."""
        if self.exchange.profile.sequence != "connection":
            return payload
        number, self.sequence = self.sequence, self.sequence + 1
        return b'{"sequence":%d,' % number + payload[1:]

    def _say(self, message: Mapping[str, Any]) -> bytes:
        return self.frame(encode(message))

    def _error(self, refusal: Refusal, named: Mapping[str, Any], arg: Any = None) -> bytes:
        """Error frames bear no number, and in cumulative acknowledgement they name nothing."""
        message = {**named, "event": "error", **refusal.words}
        if arg is not None and self.exchange.profile.ack != "state":
            message["arg"] = arg
        return encode(message)

    # -- what the client says

    def receive(self, message: bytes, now_ns: int) -> Iterator[Out]:
        limiter = self.exchange.limiter
        limiter.at(now_ns)
        if self.exchange.profile.limits == "weight" and limiter.add(MESSAGES, self, 1, now_ns):
            yield Close(1008, "Too many messages")
            return
        try:
            decoded = read_json(message)
        except Unreadable as error:
            decoded = error.reason
        if self.purpose == "calls":
            yield self._call(decoded, now_ns)
            return
        named = {}
        try:
            if not isinstance(decoded, dict):
                raise Refusal("bad_request", "no JSON object")
            if self.exchange.profile.ack != "state" and "id" in decoded:
                named = {"id": _id(decoded["id"])}
            yield from self._obey(decoded, named, now_ns)
        except Refusal as refusal:
            yield self._error(refusal, named)
            if decoded and isinstance(decoded, dict) and decoded.get("op") == "login":
                yield Close(4001, "login failed")

    def _obey(
        self, message: Mapping[str, Any], named: Mapping[str, Any], now_ns: int
    ) -> Iterator[Out]:
        op, args = message.get("op"), message.get("args")
        if op == "login" and self.exchange.profile.login == "frame":
            self.key = self.exchange.login(message, now_ns)
            yield self._say({**named, "event": "login"})
            return
        if op not in ("subscribe", "unsubscribe"):
            raise Refusal("unknown_op")
        if not isinstance(args, list) or not args or not all(isinstance(a, dict) for a in args):
            raise Refusal("bad_request", "args is a list of objects")
        ack = self.exchange.profile.ack
        if ack == "state" and len({str(arg.get("channel")) for arg in args}) > 1:
            raise Refusal("bad_request", "one channel a frame")
        checked = [self._checked(arg, message, now_ns) for arg in args]
        refused = [(a, one) for a, one in zip(args, checked, strict=True) if _bad(one)]
        if ack == "request" and refused:
            yield self._error(cast(Refusal, refused[0][1]), named, refused[0][0])
            return
        first: list[bytes] = []
        for arg, one in zip(args, checked, strict=True):
            if isinstance(one, Refusal):
                yield self._error(one, named, arg)
                continue
            if ack == "argument":
                yield self._say({**named, "event": op, "arg": arg})
            if op == "subscribe":
                first += self._subscribe(arg, one, now_ns)
            else:
                self._unsubscribe(arg, one)
            if ack == "argument":
                yield from map(self.frame, first)
                first.clear()
        if ack == "request":
            yield self._say({**named, "event": op})
        yield from map(self.frame, first)
        if ack == "state":
            yield self._say({"event": "subscriptions", "subscriptions": self._state()})
        self.keepalive.subscriptions(bool(self._args), now_ns)

    def _checked(
        self, arg: Mapping[str, Any], message: Mapping[str, Any], now_ns: int
    ) -> TopicSpec | Key | Refusal:
        """What an argument asks for, whose private channel it is, or why not."""
        profile, channel = self.exchange.profile, arg.get("channel")
        try:
            if channel not in profile.channels:
                raise Refusal("unknown_channel")
            if self.purpose not in ("all", profile_socket(profile, str(channel))):
                raise Refusal("wrong_socket")
            if channel not in PRIVATE:
                return self.exchange.topics.spec(arg)
            if profile.login == "signed" and message.get("op") == "subscribe":
                self.key = self.exchange.login(message, now_ns)
            if self.key is None:
                raise Refusal("not_logged_in")
            return self.key
        except Refusal as refusal:
            return refusal

    def _subscribe(self, arg: Mapping[str, Any], one: TopicSpec | Key, now_ns: int) -> list[bytes]:
        """What comes first."""
        channel = str(arg["channel"])
        name = channel if isinstance(one, Key) else topic_name(arg, one)
        if name in self._args:
            return []
        self._args[name] = (channel, str(arg.get("symbol", "")))
        if isinstance(one, Key):
            self.exchange.subscriptions.subscribe(self, one.owner, channel)
            return self.exchange.private_snapshot(one.owner, channel, now_ns)
        first = self.exchange.topics.add(name, one, self, now_ns)
        return [] if first is None else [first]

    def _unsubscribe(self, arg: Mapping[str, Any], one: TopicSpec | Key) -> None:
        name = str(arg["channel"]) if isinstance(one, Key) else topic_name(arg, one)
        if self._args.pop(name, None) is None:
            return
        if isinstance(one, Key):
            active = self.exchange.subscriptions.active(self)
            self.exchange.subscriptions.end(self, [o for o in active if o.channel == name])
        else:
            self.exchange.topics.remove(name, self)

    def _state(self) -> dict[str, list[str]]:
        state: dict[str, list[str]] = {}
        for channel, symbol in self._args.values():
            state.setdefault(channel, []).extend([symbol] if symbol else [])
        return state

    def _call(self, decoded: Any, now_ns: int) -> bytes:
        """A REST request over the socket."""
        try:
            if not isinstance(decoded, dict):
                raise Refusal("bad_request", "no JSON object")
            named, headers = _id(decoded.get("id")), decoded.get("headers") or {}
            verb, target = decoded.get("method"), decoded.get("target")
            body = decoded.get("body") or ""
            texts = (verb, target, body, *headers, *headers.values())
            if not all(isinstance(text, str) for text in texts):
                raise Refusal("bad_request", "method, target, headers and body are texts")
        except (Refusal, AttributeError, TypeError) as error:
            refusal = error if isinstance(error, Refusal) else Refusal("bad_request")
            words = {"error": refusal.words}
            return encode({"id": None, "status": 400, "headers": {}, "body": words})
        request = HttpIn(
            method=str(verb),
            target=str(target),
            headers={name.lower(): value for name, value in headers.items()},
            body=body.encode(),
            peer=self.peer,
        )
        answer = self.exchange.http(request, now_ns)
        try:
            content = json.loads(answer.body)
        except ValueError:
            content = answer.body.decode()
        return encode(
            {"id": named, "status": answer.status, "headers": answer.headers, "body": content}
        )


def _id(value: Any) -> Any:
    fine = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    if fine or (type(value) is str and len(value) <= 36):
        return value
    raise Refusal("bad_request", "id is a number or a short text")


def _bad(one: object) -> bool:
    return isinstance(one, Refusal)


def profile_socket(profile: Profile, channel: str) -> str:
    """The purpose of the socket that has a channel."""
    if channel in PRIVATE:
        return "private"
    return "candles" if channel == "candles" and "candles" in profile.sockets else "public"


# -- the venue ---------------------------------------------------------------------------------


class FakeExchange(VenueDialect):
    """The fake venue over a simulation; :attr:`profile` says which of its oddities it has."""

    profile: Profile
    recording: RecordingFormat = FakeRecording()

    def __init__(
        self,
        simulation: MarketSimulation,
        *,
        start_ns: int,
        credentials: KeyPair | None = None,
    ) -> None:
        profile = self.profile
        self.credentials = credentials
        self.name = profile.name
        self.paths = {"rest": "", **profile.sockets}
        self.policy = {
            "frame": PingPolicy(ping_every_ns=20 * NS_PER_S, pong_within_ns=60 * NS_PER_S),
            "text": PingPolicy(
                idle_ns=30 * NS_PER_S, text_ping=b"ping", idle=Close(4004, "no ping")
            ),
            "heartbeat": PingPolicy(
                subscribe_within_ns=5 * NS_PER_S, idle=Close(4004, "no subscription")
            ),
        }[profile.keepalive]
        self.payloads = Payloads(profile)
        named = listed_as(profile.separator)
        self.catalogue = Catalogue(
            simulation.markets, named, lambda name: Refusal("unknown_symbol")
        )
        self.topics = Topics(profile, self.catalogue, self.payloads)
        super().__init__(
            limiter=new_limiter(profile),
            publisher=self.topics,
            responses=self,
            gateway=AccountGateway(
                self.name,
                simulation,
                KeyRing("[A-Za-z0-9]{8,128}", "8 to 128 letters and digits"),
                credentials,
                start_ns,
                FEES,
            ),
            subscriptions=PrivateSubscriptions(self._private, self._private_frame),
        )

    @classmethod
    def create(cls, simulation: MarketSimulation, *, start_ns: int, entropy: bytes) -> FakeExchange:
        """The venue of a lab, with a random key of its own."""
        pair = KeyPair(key=entropy[:32].hex(), secret=entropy[32:].hex())
        return cls(simulation, start_ns=start_ns, credentials=pair)

    # -- REST

    def http(self, request: HttpIn, now_ns: int) -> HttpOut:
        answer = super().http(request, now_ns)
        if self.profile.limits == "weight":
            used = str(self.limiter.used(WEIGHT, request.peer, now_ns))
            answer = msgspec.structs.replace(
                answer, headers={**answer.headers, "X-Used-Weight": used}
            )
        return answer

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        path, _, query = request.target.partition("?")
        headers: dict[str, str] = {}
        try:
            endpoint = ENDPOINTS.find(request.method, path)
            if endpoint is None or (path.endswith("/all") and not self.profile.cancel_all):
                raise Refusal("not_found", status=404)
            given = self._given(request, query)
            self._charge(request, endpoint, given, now_ns, headers)
            owner = ""
            if endpoint.signed:
                owner = self._authenticated(request, now_ns).owner
            call = Call(exchange=self, given=given, now_ns=now_ns, owner=owner)
            return HttpOut(
                status=200, headers={**JSON, **headers}, body=encode(endpoint.answer(call))
            )
        except Refusal as refusal:
            return self.refused(refusal, headers)

    def _given(self, request: HttpIn, query: str) -> Mapping[str, Any]:
        if request.method != "POST":
            return dict(query_pairs(query))
        try:
            body = read_json(request.body)
        except Unreadable as error:
            raise Refusal("bad_request", error.reason) from None
        if not isinstance(body, dict):
            raise Refusal("bad_request", "the body is no JSON object")
        return body

    def _charge(
        self,
        request: HttpIn,
        endpoint: Endpoint,
        given: Mapping[str, Any],
        now_ns: int,
        headers: dict[str, str],
    ) -> None:
        """Count the call in the venue's buckets, or refuse it."""
        limiter, peer = self.limiter, request.peer
        if self.profile.limits == "weight":
            limiter.charge(WEIGHT, peer, endpoint.cost_of(given), now_ns, peer)
            return
        known = self.gateway.keys.get(request.headers.get("x-key"))
        key = peer if known is None else known.key
        rule: Rule | None
        who: Hashable
        if self.profile.limits == "endpoint":
            limiter.charge(ADDRESS, peer, 1, now_ns, peer)
            instrument = str(given.get("symbol", given.get("code")))
            rule, who = SIGNED, ("key", key, endpoint.verb, endpoint.path)
            if endpoint.places:
                rule, who = ORDERS, ("key", key, endpoint.verb, endpoint.path, instrument)
            names = ("X-Limit", "X-Remaining", "X-Reset")
            if not endpoint.signed:
                return
        else:
            rule, who = (PER_KEY, ("key", key)) if endpoint.signed else (PUBLIC, peer)
            names = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
        over = limiter.add(rule, who, 1, now_ns)
        limit, wait_ns = limiter.limit(rule), limiter.left_ns(rule, now_ns, who)
        left = max(limit - limiter.used(rule, who, now_ns), 0)
        reset = now_ns + (wait_ns if over else 0)
        unit_ns = NS_PER_MS if rule in (SIGNED, ORDERS) else NS_PER_S
        shown = (str(limit), str(left), str(-(-reset // unit_ns)))
        headers.update(zip(names, shown, strict=True))
        if over:
            raise limiter.too_many(rule, now_ns, who)

    def refused(self, refusal: Refusal, headers: Mapping[str, str]) -> HttpOut:
        """An error in this profile's manner."""
        status, style = refusal.status, self.profile.errors
        headers = {**headers, **refusal.headers}
        if refusal.code == "banned" and style == "ok":
            return HttpOut(status=403, headers=headers, body=b"access too frequent")
        if style == "text" and status == 401:
            return HttpOut(status=401, headers=headers, body=b"Unauthorized")
        if style == "text" and status == 429:
            return page(429, headers)
        if style == "ok" and status not in (404, 418, 429):
            status = 200
        body = encode({"error": refusal.words})
        return HttpOut(status=status, headers={**JSON, **headers}, body=body)

    def instead(self, fault: Fault, now_ns: int) -> HttpOut | None:
        """What a fault answers in place of the real answer."""
        if fault.name in ("timeout", "internal"):
            return self.refused(Refusal("internal", status=500), {})
        if fault.name == "overloaded":
            return self.refused(Refusal("maintenance", status=503), {})
        if fault.name == "limited":
            return self.refused(Refusal("too_many_requests", status=429), {})
        return None if fault.page_status is None else page(fault.page_status)

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        return self.refused(Refusal("internal", status=500), {})

    def refused_upgrade(self, fault: Fault, now_ns: int) -> HttpOut:
        return page(fault.page_status or 503)

    def unknown_event(self, payload: bytes) -> bytes:
        return re.sub(rb'"channel":"[a-z]*"', b'"channel":"news"', payload, count=1)

    def huge(self, size: int) -> bytes:
        return b'{"channel":"huge","data":"' + b"x" * size + b'"}'

    # -- keys

    def _authenticated(self, request: HttpIn, now_ns: int) -> Key:
        headers = request.headers
        time = headers.get("x-time", "")
        text = f"{time}{request.method}{request.target}".encode() + request.body
        return self._key(headers.get("x-key"), time, headers.get("x-sign", ""), text, now_ns)

    def login(self, message: Mapping[str, Any], now_ns: int) -> Key:
        """The key that a frame names, its signature checked."""
        time = str(message.get("time", ""))
        text = (time + LOGIN).encode()
        return self._key(message.get("key"), time, str(message.get("sign", "")), text, now_ns)

    def _key(self, key: Any, time: str, sign: str, text: bytes, now_ns: int) -> Key:
        if not re.fullmatch("[0-9]{1,15}", time):
            raise Refusal("bad_time" if key else "bad_key", status=401)
        shown = Authentication(
            key=key if isinstance(key, str) else None, payload=text, signature=sign
        )
        window = RequestWindow(int(time) * NS_PER_MS, 5 * NS_PER_S, NS_PER_S)
        try:
            return self.gateway.authenticate(shown, window, now_ns)
        except Denied as denied:
            raise Refusal(DENIED[denied.reason], status=401) from None

    # -- private channels

    def _private(
        self, event: AccountEvent, channel: str, session: Session, now_ns: int
    ) -> tuple[Hashable, Callable[[], bytes]] | None:
        data: list[Any]
        if isinstance(event, BalancesChanged):
            if channel != "balances":
                return None
            data = [balance(*row) for row in event.balances]
        elif channel == "orders":
            listing = self.catalogue.by_symbol[event.order.request.symbol]
            data = [self.payloads.order(listing, event.order)]
        elif channel == "fills" and event.fill is not None:
            listing = self.catalogue.by_symbol[event.order.request.symbol]
            data = [self.payloads.fill(listing, event.fill)]
        else:
            return None
        kind = {}
        if self._has_snapshot(channel):
            kind = {"type": "update"}
        message = {"channel": channel, **kind, "time": now_ns // NS_PER_MS, "data": data}
        return channel, lambda: encode(message)

    def _private_frame(
        self, one: Subscription, session: Session, payload: bytes
    ) -> tuple[Hashable, Callable[[], bytes]]:
        assert isinstance(session, Connection)
        shape = session if self.profile.sequence == "connection" else None
        return shape, lambda: session.frame(payload)

    def _has_snapshot(self, channel: str) -> bool:
        if channel == "balances":
            return self.profile.balance_snapshot
        return channel == "orders" and self.profile.order_snapshot

    def private_snapshot(self, owner: str, channel: str, now_ns: int) -> list[bytes]:
        """What a private channel begins with, page by page."""
        if not self._has_snapshot(channel):
            return []
        call = Call(exchange=self, given={}, now_ns=now_ns, owner=owner)
        rows = (balances if channel == "balances" else open_orders)(call)["data"]
        size = BALANCE_PAGE if channel == "balances" else ORDER_PAGE
        pages = [rows[at : at + size] for at in range(0, len(rows), size)] or [[]]
        head = {"channel": channel, "type": "snapshot", "time": now_ns // NS_PER_MS}
        return [
            encode({**head, "page": number, "last": number == len(pages), "data": page})
            for number, page in enumerate(pages, 1)
        ]

    # -- connections

    def connect(self, request: HttpIn, now_ns: int) -> Connection | HttpOut:
        path = request.target.partition("?")[0]
        for purpose, known in self.profile.sockets.items():
            if path == known:
                return FakeSession(self, now_ns, request.peer, purpose)
        return page(404)

    def shutdown_notice(self, session: Connection, now_ns: int) -> bytes | None:
        return session.frame(b'{"event":"shutdown"}')


def page(status: int, headers: Mapping[str, str] | None = None) -> HttpOut:
    """What stands before the venue answers."""
    body = f"<html><body><h1>{status}</h1></body></html>".encode()
    return HttpOut(
        status=status, headers={"Content-Type": "text/html", **(headers or {})}, body=body
    )


class Alpha(FakeExchange):
    """In the manner of Binance."""

    profile = PROFILES["alpha"]


class Beta(FakeExchange):
    """In the manner of OKX and Bybit."""

    profile = PROFILES["beta"]


class Gamma(FakeExchange):
    """In the manner of Coinbase."""

    profile = PROFILES["gamma"]
    recording = FakeRecording(PROFILES["gamma"].relabel)


EXCHANGES = {one.profile.name: one for one in (Alpha, Beta, Gamma)}
"""By profile; ``vocx.lab.dialects.register("beta", "fake_venue.exchange:Beta")``."""
