"""Facts about a market: what anybody can see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, get_args

from msgspec.structs import force_setattr

from vocx.arguments import WIDE, brief, digits, exact, multiple_below, without_exponent
from vocx.errors import BadInput, optional_parts
from vocx.facts.base import Fact, Side, aware, forget_absent, forget_negative, is_absent
from vocx.facts.levels import Level, Levels
from vocx.timing import HttpCall

if TYPE_CHECKING:
    import pandas as pd


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
    """Best bid and ask with their quantities; ``None`` for a side on which nobody quotes.
    ``sequence`` is the venue's book update id."""

    symbol: str
    bid: Decimal | None
    bid_quantity: Decimal | None
    ask: Decimal | None
    ask_quantity: Decimal | None
    sequence: int | None = None
    http: HttpCall | None = None

    def __post_init__(self) -> None:
        bid, ask = self.bid, self.ask
        # is_absent() without its call: no fact is more frequent
        if not bid or bid.is_signed():
            force_setattr(self, "bid", None)
            force_setattr(self, "bid_quantity", None)
        if not ask or ask.is_signed():
            force_setattr(self, "ask", None)
            force_setattr(self, "ask_quantity", None)

    @property
    def spread(self) -> Decimal | None:
        """Ask less bid; ``None`` while a side is empty."""
        if self.ask is None or self.bid is None:
            return None
        return without_exponent(self.ask - self.bid)

    @property
    def mid(self) -> Decimal | None:
        """Halfway between bid and ask; ``None`` while a side is empty."""
        if self.ask is None or self.bid is None:
            return None
        return without_exponent((self.bid + self.ask) / 2)


class BookSnapshot(Fact, frozen=True, kw_only=True):
    """A book at one moment: bids descending, asks ascending. Discards what was there before.
    Each side is a tuple of levels, or :class:`~vocx.facts.Levels` that equal one.

    ``sequence`` is the venue's update id. ``depth`` is how many levels a side were asked for
    (levels beyond are unknown, not absent); ``exchange`` the HTTP call it came with, if any.
    """

    symbol: str
    bids: Sequence[Level]
    asks: Sequence[Level]
    sequence: int | None = None
    depth: int | None = None
    http: HttpCall | None = None

    def __post_init__(self) -> None:
        for name in ("bids", "asks"):
            side: Sequence[Level] = getattr(self, name)
            if not side or type(side) is Levels:
                continue
            if is_absent(side[0][0]) or is_absent(side[-1][0]):  # how an empty side may be written
                force_setattr(self, name, tuple(one for one in side if not is_absent(one[0])))

    @property
    def bid(self) -> Decimal | None:
        return self.bids[0][0] if self.bids else None

    @property
    def ask(self) -> Decimal | None:
        return self.asks[0][0] if self.asks else None

    def frame(self) -> pd.DataFrame:
        """Columns side, price, quantity, total (cumulated from the best price outwards)."""
        with optional_parts():
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
    bids: Sequence[Level]
    asks: Sequence[Level]
    first: int
    last: int
    previous: int | None = None


class Ticker(Fact, frozen=True, kw_only=True):
    """The last 24 hours. Anything the venue does not say is ``None``."""

    symbol: str
    last: Decimal | None
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
    http: HttpCall | None = None

    def __post_init__(self) -> None:
        if self.open is not None and is_absent(self.open):
            force_setattr(self, "change_percent", None)  # of nothing
        forget_absent(self, "last", "bid", "ask", "open", "high", "low")
        forget_negative(self, "volume", "quote_volume", "bid_quantity", "ask_quantity")
        if self.bid is None:
            force_setattr(self, "bid_quantity", None)
        if self.ask is None:
            force_setattr(self, "ask_quantity", None)


class Candle(Fact, frozen=True, kw_only=True):
    """One bar. ``open_ns`` identifies it; ``closed`` False means that it can still change.

    Prices are ``None`` where nothing has traded yet.
    ``closed`` is ``None`` where the wire does not say (REST candles): compare ``close_ns`` with
    the venue's time.
    """

    symbol: str
    interval: str
    open_ns: int
    close_ns: int
    open: Decimal | None
    high: Decimal | None
    low: Decimal | None
    close: Decimal | None
    volume: Decimal
    quote_volume: Decimal | None = None
    trades: int | None = None
    closed: bool | None = None

    def __post_init__(self) -> None:
        forget_absent(self, "open", "high", "low", "close")
        forget_negative(self, "quote_volume")

    @property
    def time(self) -> datetime | None:
        """When it opened: the moment that identifies it."""
        return aware(self.open_ns)


class Gap(Fact, frozen=True, kw_only=True):
    """Something is missing: a fact like any other.

    ``reason`` is short text (``"reconnect: 1006"``, ``"gap: expected 1004, got 1006"``,
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
    """What the venue accepts for one symbol: steps and bounds, as exact numbers; a bound that it
    does not have is ``None``. ``code`` is the name by which its orders are placed, where that is
    not ``venue_symbol``; ``changes_ns`` is when the next change of these numbers takes effect, as
    far as it is announced."""

    symbol: str
    venue: str
    venue_symbol: str
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    trading: bool = True
    code: int | str | None = None
    changes_ns: int | None = None
    http: HttpCall | None = None

    def round_quantity(self, quantity: Decimal | int | str) -> Decimal:
        """The largest quantity on the lot step that is not above the one given."""
        return multiple_below(exact(quantity, "quantity"), self.lot)

    def round_price(self, price: Decimal | int | str, side: Side) -> Decimal:
        """The nearest price on the tick that is not worse for you: down to buy, up to sell."""
        number = exact(price, "price")
        if not isinstance(side, str) or side not in get_args(Side):
            raise BadInput(f'side is {brief(side)}; write "buy" or "sell"')
        below = multiple_below(number, self.tick)
        return WIDE.add(below, self.tick) if side == "sell" and below != number else below

    def explain(
        self,
        *,
        quantity: Decimal | int | str | None = None,
        price: Decimal | int | str | None = None,
        quote_quantity: Decimal | int | str | None = None,
    ) -> str:
        """Why the venue would refuse these numbers and which legal ones are nearest; empty when
        they are fine.

        Examples
        --------
        >>> btc.explain(price="60000.005")
        'price 60000.005 is not on the tick of 0.01: write "60000.00" or "60000.01"'
        """
        found: list[str] = []
        amount = None if quantity is None else exact(quantity, "quantity")
        level = None if price is None else exact(price, "price")
        if level is not None:
            found += _positive(level, "price") or self._price_problems(level)
        if amount is not None:
            found += _positive(amount, "quantity") or self._quantity_problems(amount)
        if quote_quantity is not None:
            quote = exact(quote_quantity, "quote_quantity")
            found += _positive(quote, "quote_quantity") or self._quote_problems(quote)
        if not found and amount is not None and level is not None:
            found += self._notional_problems(amount, level)
        return "; ".join(found)

    def _price_problems(self, level: Decimal) -> list[str]:
        least, most = self.min_price, self.max_price
        if least is not None and level < least:
            below = multiple_below(least, self.tick)
            least = below if below == least else below + self.tick
            return [f'price {digits(level)} is below the least: write "{digits(least)}" or more']
        if most is not None and level > most:
            most = multiple_below(most, self.tick)
            return [f'price {digits(level)} is above the most: write "{digits(most)}" or less']
        return _off(level, self.tick, "price", "tick")

    def _quantity_problems(self, amount: Decimal) -> list[str]:
        least = max(self.min_quantity or self.lot, self.lot)
        if amount < least:
            return [
                f'quantity {digits(amount)} is below the least: write "{digits(least)}" or more'
            ]
        most = self.max_quantity
        if most is not None and amount > most:
            return [f'quantity {digits(amount)} is above the most: write "{digits(most)}" or less']
        return _off(amount, self.lot, "quantity", "lot")

    def _quote_problems(self, quote: Decimal) -> list[str]:
        least = self.min_notional
        if least is None or quote >= least:
            return []
        return [
            f"quote_quantity {digits(quote)} {self.quote} is below the least order: "
            f'write "{digits(least)}" or more'
        ]

    def _notional_problems(self, amount: Decimal, level: Decimal) -> list[str]:
        least, most = self.min_notional, self.max_notional
        notional = WIDE.multiply(amount, level)
        worth = f"price times quantity is {digits(WIDE.normalize(notional))} {self.quote}"
        if most is not None and notional > most:
            fits = multiple_below(WIDE.divide(most, level), self.lot)
            return [
                f"{worth}, above the most one order may be, {digits(most)}: at this price "
                f'write quantity "{digits(fits)}" or less'
            ]
        if least is None or notional >= least:
            return []
        enough = multiple_below(WIDE.divide(least, level), self.lot)
        while WIDE.multiply(enough, level) < least:
            enough += self.lot
        return [
            f"{worth}, below the least order of {digits(least)}: at this price write quantity "
            f'"{digits(enough)}" or more'
        ]


def _positive(number: Decimal, what: str) -> list[str]:
    return [] if number > 0 else [f"{what} is {digits(number)}: write a number above 0"]


def _off(number: Decimal, step: Decimal, what: str, name: str) -> list[str]:
    below = multiple_below(number, step)
    if below == number:
        return []
    above = WIDE.add(below, step)
    near = f'"{digits(above)}"' if below <= 0 else f'"{digits(below)}" or "{digits(above)}"'
    return [f"{what} {digits(number)} is not on the {name} of {digits(step)}: write {near}"]


class ServerTime(Fact, frozen=True, kw_only=True):
    """The venue's clock, in ``exchange_ns``."""

    http: HttpCall | None = None


class VenueStatus(Fact, frozen=True, kw_only=True):
    """Whether a venue is up, by its own word: ``state``, its ``text``, and where it says so when
    a maintenance begins and ends (nanoseconds since the epoch)."""

    state: Literal["online", "maintenance", "degraded"]
    text: str = ""
    begins_ns: int | None = None
    ends_ns: int | None = None
    http: HttpCall | None = None
