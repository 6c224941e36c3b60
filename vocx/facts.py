"""Facts: what was said about a market, in one shape for every venue.

The rules, in one place:

* ``symbol`` is ``"BTC/USDT"`` everywhere above the venue row. Spot only.
* Prices and quantities are :class:`~decimal.Decimal`, exactly the digits of the wire. A float is
  refused on the way in (:func:`exact`).
* ``side`` of a trade is the **taker's**: ``"buy"`` means somebody bought from a resting order.
* In a book, quantity 0 deletes the level; a snapshot discards what was there.
* Times are integer nanoseconds since the epoch. ``exchange_ns`` is **only what the wire said**
  (``None`` where it says nothing, as in Binance's ``bookTicker``); ``arrived_ns`` is this
  machine's clock when the bytes arrived. ``.time`` is an aware datetime.
* A missing field is ``None``, never a made-up number.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Generic, Literal, SupportsIndex, TypeVar, overload

import msgspec

from vocx.errors import BadInput, FloatRefused
from vocx.timing import HttpExchange

if TYPE_CHECKING:
    import pandas as pd

Side = Literal["buy", "sell"]
Level = tuple[Decimal, Decimal]
"""One price level: (price, quantity)."""


def exact(value: Decimal | int | str, what: str = "number") -> Decimal:
    """The exact number that was written, or a typed refusal that says what to write instead.

    Raises
    ------
    FloatRefused
        For a float: its digits are not the ones you typed.
    BadInput
        For text that is no finite number.
    """
    if isinstance(value, bool):
        raise BadInput(f'{what} is {value!r}; write a number as text, such as "0.1"')
    if isinstance(value, Decimal | int):
        number = Decimal(value)
    elif isinstance(value, float):
        raise FloatRefused(
            f"{what} came as the float {value!r}; a float does not hold the digits you typed. "
            f'Write it as text: "{value!r}"'
        )
    elif isinstance(value, str):
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            raise BadInput(f'{what} is {value!r}; write a number as text, such as "0.1"') from None
    else:
        kind = type(value).__name__
        raise BadInput(f'{what} is a {kind}; write a number as text, such as "0.1"')
    if not number.is_finite():
        raise BadInput(f"{what} is {number}; a finite number is needed")
    return number


def aware(ns: int | None) -> datetime | None:
    """Nanoseconds since the epoch as an aware UTC datetime (microsecond steps)."""
    if ns is None:
        return None
    seconds, rest = divmod(ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


class Fact(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of all facts.

    Attributes
    ----------
    exchange_ns : int or None
        The venue's own stamp, nanoseconds since the epoch; ``None`` where the wire has none.
    arrived_ns : int
        This machine's clock when the bytes arrived.
    """

    exchange_ns: int | None = None
    arrived_ns: int = 0

    @property
    def time(self) -> datetime | None:
        """When it happened by the venue's clock, else when it arrived."""
        return aware(self.exchange_ns if self.exchange_ns is not None else self.arrived_ns or None)


class Trade(Fact, frozen=True, kw_only=True, gc=False):
    """One match. ``id`` is the venue's trade id; ``event_ns`` when the venue *sent* the event.

    ``exchange_ns`` is the time of the match. ``count`` is how many matches this fact stands for.
    """

    symbol: str
    price: Decimal
    quantity: Decimal
    side: Side
    id: int | str | None = None
    event_ns: int | None = None
    count: int = 1


class Quote(Fact, frozen=True, kw_only=True, gc=False):
    """Best bid and ask with their quantities. ``sequence`` is the venue's book update id."""

    symbol: str
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal
    sequence: int | None = None
    exchange: HttpExchange | None = None

    @property
    def spread(self) -> Decimal:
        return self.ask - self.bid

    @property
    def mid(self) -> Decimal:
        return (self.bid + self.ask) / 2


class BookSnapshot(Fact, frozen=True, kw_only=True):
    """A book at one moment: bids descending, asks ascending. Discards what was there before.

    ``sequence`` is the venue's update id. ``depth`` is how many levels a side were asked for
    (levels beyond are unknown, not absent); ``exchange`` the HTTP call it came with, if any.
    """

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int | None = None
    depth: int | None = None
    exchange: HttpExchange | None = None

    @property
    def bid(self) -> Decimal | None:
        return self.bids[0][0] if self.bids else None

    @property
    def ask(self) -> Decimal | None:
        return self.asks[0][0] if self.asks else None

    def frame(self) -> pd.DataFrame:
        """Columns side, price, quantity, total (cumulated from the best price outwards)."""
        import pandas as pd

        rows: list[tuple[str, float, float, float]] = []
        for side, levels in (("bid", self.bids), ("ask", self.asks)):
            total = Decimal(0)
            for price, quantity in levels:
                total += quantity
                rows.append((side, float(price), float(quantity), float(total)))
        return pd.DataFrame(rows, columns=["side", "price", "quantity", "total"])


class BookDelta(Fact, frozen=True, kw_only=True):
    """Changed levels, absolute quantities, 0 deletes. Covers update ids ``first`` to ``last``.

    ``previous`` is the id the venue says came before (where its rule is built on that).
    """

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    first: int
    last: int
    previous: int | None = None


class Ticker(Fact, frozen=True, kw_only=True):
    """The last 24 hours. Anything the venue does not say is ``None``."""

    symbol: str
    last: Decimal
    bid: Decimal | None = None
    bid_quantity: Decimal | None = None
    ask: Decimal | None = None
    ask_quantity: Decimal | None = None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal | None = None
    quote_volume: Decimal | None = None
    change_percent: Decimal | None = None
    trades: int | None = None
    exchange: HttpExchange | None = None


class Candle(Fact, frozen=True, kw_only=True):
    """One bar. ``open_ns`` identifies it; ``closed`` False means that it can still change.

    ``closed`` is ``None`` where the wire does not say (REST candles): compare ``close_ns`` with
    the venue's time.
    """

    symbol: str
    interval: str
    open_ns: int
    close_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal | None = None
    trades: int | None = None
    closed: bool | None = None


class Gap(Fact, frozen=True, kw_only=True):
    """Something is missing: a fact like any other.

    ``reason`` is short text (``"reconnect: 1006"``, ``"sequence: expected 1004, got 1006"``,
    ``"overflow"``); ``from_ns`` and ``to_ns`` bound what is missing on this machine's clock
    (``to_ns`` ``None``: still missing); ``missed`` counts facts where that is known.
    """

    channel: str
    symbol: str | None
    reason: str
    from_ns: int
    to_ns: int | None = None
    missed: int | None = None


class Instrument(Fact, frozen=True, kw_only=True):
    """What the venue accepts for one symbol: steps and bounds, as exact numbers."""

    symbol: str
    venue: str
    venue_symbol: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    trading: bool = True
    exchange: HttpExchange | None = None

    def round_quantity(self, quantity: Decimal | int | str) -> Decimal:
        """The largest quantity on the lot step that is not above the one given."""
        number = exact(quantity, "quantity")
        return number // self.lot * self.lot

    def round_price(self, price: Decimal | int | str, side: Side) -> Decimal:
        """The nearest price on the tick that is not worse for you: down to buy, up to sell."""
        number = exact(price, "price")
        ticks = number // self.tick
        if side == "sell" and ticks * self.tick != number:
            ticks += 1
        return ticks * self.tick


class ServerTime(Fact, frozen=True, kw_only=True):
    """The venue's clock, in ``exchange_ns``."""

    exchange: HttpExchange | None = None


F = TypeVar("F", bound=Fact)


class Facts(list[F], Generic[F]):
    """A list of facts that also carries the HTTP call it came with and turns into a DataFrame."""

    def __init__(self, items: Iterable[F] = (), exchange: HttpExchange | None = None) -> None:
        super().__init__(items)
        self.exchange = exchange

    @overload
    def __getitem__(self, index: SupportsIndex) -> F: ...
    @overload
    def __getitem__(self, index: slice) -> Facts[F]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> F | Facts[F]:
        if isinstance(index, slice):
            return Facts(super().__getitem__(index), self.exchange)
        return super().__getitem__(index)

    def frame(self) -> pd.DataFrame:
        """A DataFrame: numbers as float64, ``*_ns`` columns as datetime64[ns, UTC] without the
        suffix (a candle's ``open_time`` and ``close_time`` beside its prices). Exact in the
        facts, convenient in pandas and plots."""
        return frame(self)


def frame(facts: Iterable[Fact]) -> pd.DataFrame:
    """A DataFrame of facts of one kind (see :meth:`Facts.frame`)."""
    import pandas as pd

    rows: list[dict[str, Any]] = [
        {
            name: float(value) if isinstance(value, Decimal) else value
            for name in fact.__struct_fields__
            if name != "exchange" and not isinstance(value := getattr(fact, name), tuple)
        }
        for fact in facts
    ]
    table = pd.DataFrame(rows)
    for name in [column for column in table.columns if column.endswith("_ns")]:
        short = name.removesuffix("_ns")
        # A candle has a price called open and a moment called open: the moment is open_time.
        column = f"{short}_time" if short in table.columns else short
        table[column] = pd.to_datetime(table.pop(name), unit="ns", utc=True)
    return table
