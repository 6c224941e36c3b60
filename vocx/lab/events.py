"""The language that the lab's inside speaks: instruments, intervals, orders, events.

The engine and the crowd produce events; dialects turn them into a venue's frames; the truth log
keeps them. All numbers are integers: prices in ticks, quantities in lots, times in nanoseconds
of the exchange's clock. Nothing here sends, sleeps or reads a clock.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

import msgspec

from vocx.symbols import join_assets

Side = Literal["buy", "sell"]
SelfTrade = Literal["expire_maker", "expire_taker", "expire_both", "none"]
"""What happens when an order would match one of its own owner's: the resting one expires and
matching goes on, the arriving one does, both do, or they match like any."""
TimeInForce = Literal["GTC", "IOC", "FOK", "POST_ONLY"]
"""What a limit order may do: rest (GTC), only match (IOC), match in full or not at all (FOK),
only rest (POST_ONLY)."""
BookLevel = tuple[int, int, int]
"""(price in ticks, quantity in lots, number of orders; 0 where a recording does not say)."""


class InstrumentSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol of the lab: its names, its steps, its bounds and how busy it is.

    ``price`` is where its history ends and the live market begins; ``activity`` scales the rate
    of the crowd (1.0 is the recorded BTC/USDT session); ``volatility`` is per day, as a share.
    """

    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    price: Decimal
    activity: float = 1.0
    volatility: float = 0.03
    min_notional: Decimal = Decimal(5)
    max_quantity: Decimal = Decimal(9000)

    @property
    def symbol(self) -> str:
        return join_assets(self.base, self.quote)

    def to_price(self, ticks: int) -> Decimal:
        return self.tick * ticks

    def to_quantity(self, lots: int) -> Decimal:
        return self.lot * lots


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """Numbered buckets of time: so many ``seconds``, or so many calendar ``months``.

    ``offset_s`` is local time minus UTC in seconds: days begin at local midnight, weeks (a
    multiple of 604,800 seconds) on Monday, months on the first.
    """

    seconds: int = 0
    months: int = 0
    offset_s: int = 0

    @property
    def phase_s(self) -> int:
        """When bucket 0 of a fixed length begins, seconds since the epoch (a Thursday)."""
        week = self.seconds and self.seconds % 604_800 == 0
        return (4 * 86_400 if week else 0) - self.offset_s

    def number(self, second: int) -> int:
        """The bucket that a moment (seconds since the epoch) lies in."""
        if self.seconds:
            return (second - self.phase_s) // self.seconds
        day = datetime.fromtimestamp(second + self.offset_s, UTC)
        return ((day.year - 1970) * 12 + day.month - 1) // self.months

    def start_s(self, number: int) -> int:
        """When a bucket begins, seconds since the epoch."""
        if self.seconds:
            return number * self.seconds + self.phase_s
        year, month = divmod(number * self.months, 12)
        return int(datetime(1970 + year, month + 1, 1, tzinfo=UTC).timestamp()) - self.offset_s


class Traded(msgspec.Struct, frozen=True, gc=False):
    """One match, at the maker's price. ``taker`` is the side of the order that came later."""

    symbol: str
    at_ns: int
    trade_id: int
    price: int
    quantity: int
    taker: Side
    maker_order: int
    taker_order: int


class LevelChanged(msgspec.Struct, frozen=True, gc=False):
    """A price level has a new total, of so many ``orders``; 0 removes it. ``update_id`` grows by
    one with each."""

    symbol: str
    at_ns: int
    update_id: int
    side: Side
    price: int
    quantity: int
    orders: int


class BestChanged(msgspec.Struct, frozen=True, gc=False):
    """Best price or its quantity changed on either side, as of ``update_id``. A missing side
    has price and quantity 0."""

    symbol: str
    at_ns: int
    update_id: int
    bid: int
    bid_quantity: int
    ask: int
    ask_quantity: int


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A frame of a recorded session, to be passed on byte for byte.

    ``stream`` is the venue's own stream name, ``data`` the payload without the combined wrapper
    and ``wrapped`` the same with it.
    """

    symbol: str
    at_ns: int
    stream: str
    data: bytes
    wrapped: bytes


TextLevel = tuple[str, str]
"""(price, quantity) of a recorded frame, as the venue wrote them."""


class RecordedTrade(msgspec.Struct, frozen=True, gc=False):
    """A recorded match; numbers as the venue wrote them."""

    at_ns: int
    trade_id: int
    price: str
    quantity: str
    taker: Side


class RecordedQuote(msgspec.Struct, frozen=True, gc=False):
    """Recorded best prices, as of ``update_id``."""

    update_id: int
    bid: TextLevel
    ask: TextLevel


class RecordedDepth(msgspec.Struct, frozen=True, gc=False):
    """Recorded changes of a book, updates ``first_id`` to ``last_id``; quantity 0 removes a
    level. With ``snapshot`` these levels are the whole book."""

    first_id: int
    last_id: int
    bids: list[TextLevel]
    asks: list[TextLevel]
    snapshot: bool = False


class RecordedFrame(NamedTuple):
    """A recorded frame: its stream by the venue's own name, its payload without the wrapper of
    combined streams, and with it."""

    stream: str
    data: bytes
    wrapped: bytes


RecordedFact = RecordedTrade | RecordedQuote | RecordedDepth
"""What a recorded frame says about the market."""


class NewOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as a dialect hands it to the exchange, its form already checked.

    ``price`` in ticks (0 for a market order), ``quantity`` in lots (0 for one by ``quote``, the
    amount of the quote asset to spend or receive). ``self_trade`` is what happens when it would
    match an order of its own owner.
    """

    owner: str
    symbol: str
    side: Side
    type: Literal["limit", "market"]
    time_in_force: TimeInForce = "GTC"
    price: int = 0
    quantity: int = 0
    quote: Decimal = Decimal(0)
    client_order_id: str
    self_trade: SelfTrade = "expire_maker"


class Rejection(msgspec.Struct, frozen=True):
    """Why the exchange did not take an order.

    ``"would_match"``: a post-only order that could match at once. ``"no_liquidity"``: a market
    order by ``quote`` that could not buy or sell a single lot.
    """

    reason: Literal[
        "duplicate_client_order_id", "insufficient_balance", "would_match", "no_liquidity"
    ]


class OrderState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One order of an account as it stands. Quantities in lots; ``filled_quote`` is the sum of
    what its ``fills`` were worth, ``fee`` (of ``fee_asset``) of what they cost.

    ``status`` is ``"new"``, ``"partially_filled"``, ``"filled"``, ``"canceled"``, ``"expired"``,
    ``"expired_in_match"`` or ``"rejected"``; ``reason`` says why it expired (``"unfilled_ioc"``,
    ``"unfilled_fok"``, ``"insufficient_liquidity"``, ``"self_trade"``) or was rejected.
    ``cancel_id`` is the client id of the cancel that ended it. For a market order by ``quote``,
    ``quantity`` is what the exchange chose.
    """

    request: NewOrder
    id: int
    status: str
    quantity: int
    filled: int = 0
    filled_quote: Decimal = Decimal(0)
    fills: int = 0
    fee: Decimal = Decimal(0)
    fee_asset: str = ""
    last_trade: Traded | None = None
    created_ns: int = 0
    updated_ns: int = 0
    working_ns: int | None = None
    reason: str = ""
    cancel_id: str = ""

    @property
    def open(self) -> bool:
        return self.status in ("new", "partially_filled")


class FillState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fill of one account's order: the match, the order as it stood afterwards, the role,
    what it was worth in the quote asset (down to 1e-8), and the fee taken."""

    trade: Traded
    order: OrderState
    maker: bool
    quote: Decimal
    fee: Decimal
    fee_asset: str


class Executed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something happened to an order; its owner is told. ``what`` is ``"new"``, ``"trade"``,
    ``"replaced"``, ``"canceled"``, ``"expired"``, ``"rejected"``; ``order`` is how it stands
    afterwards; ``fill`` the match of a ``"trade"``; ``previous_id`` the client order id before a
    ``"replaced"``. ``execution_id`` grows by one with each."""

    at_ns: int
    owner: str
    what: str
    order: OrderState
    execution_id: int
    fill: FillState | None = None
    previous_id: str = ""


class BalancesChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An account's balances that may have changed: (asset, free, locked)."""

    at_ns: int
    owner: str
    balances: tuple[tuple[str, Decimal, Decimal], ...]


Event = Traded | LevelChanged | BestChanged | Recorded
"""What everybody may see."""

AccountEvent = Executed | BalancesChanged
"""What only the account's owner is told."""

AnyEvent = Event | AccountEvent


class Bar(msgspec.Struct, frozen=True, gc=False):
    """One candle in integers. ``first`` and ``last`` trade id are -1 when nothing traded;
    ``quote_volume`` is in ticks x lots."""

    open_ns: int
    close_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    trades: int
    taker_buy_volume: int
    taker_buy_quote: int
    first: int = -1
    last: int = -1


class Window(msgspec.Struct, frozen=True, gc=False):
    """What happened within a rolling window that ends now (the 24-hour ticker and its kin).

    ``previous_close`` is the price of the last trade before the window.
    """

    open_ns: int
    close_ns: int
    open: int
    high: int
    low: int
    close: int
    previous_close: int
    last_quantity: int
    volume: int
    quote_volume: int
    trades: int
    first: int
    last: int
