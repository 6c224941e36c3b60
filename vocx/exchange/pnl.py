"""What fills have earned: average cost, and each fee once.

One function for lessons, the hybrid client and ``ex.fills(...).pnl()``. The rules:

* A fill that opens or adds to a position moves its average cost; one that reduces it realizes the
  difference; one that crosses zero does both.
* A fee in the quote currency is an expense. A fee in the base currency leaves with the coins: it
  changes the position and is an expense at the fill's own price. A fee in any third asset is kept
  apart, by asset, because turning it into money needs a price that nobody gave.

What holds always: ``realized + position * (mark - average_cost)`` is the quote currency that came
in less what went out, plus the position at ``mark``; a test holds it for any sequence of fills.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from vocx.arguments import brief, digits, plain_text, written_fields
from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.facts import Fill, exact
from vocx.venues.base import split_symbol

_ZERO = Decimal(0)


class ProfitAndLoss(msgspec.Struct, frozen=True, kw_only=True):
    """What the fills of one symbol come to; money in the quote currency.

    Attributes
    ----------
    position : Decimal
        Base currency held on account of these fills, negative when sold short.
    average_cost : Decimal or None
        Price per unit of the open position; ``None`` when there is none.
    realized : Decimal
        Earned by what was closed, less fees in base or quote.
    unrealized : Decimal or None
        The open position at ``mark`` less its cost; ``None`` without a mark.
    fees : Decimal
        Fees in base or quote, in quote; already part of ``realized``.
    other_fees : mapping
        Fees in third assets, by asset; in no other number here.
    """

    symbol: str
    position: Decimal = _ZERO
    average_cost: Decimal | None = None
    realized: Decimal = _ZERO
    mark: Decimal | None = None
    fees: Decimal = _ZERO
    other_fees: Mapping[str, Decimal] = {}
    bought: Decimal = _ZERO
    sold: Decimal = _ZERO
    fills: int = 0

    __repr__ = written_fields

    @property
    def unrealized(self) -> Decimal | None:
        if self.average_cost is None:
            return _ZERO
        return None if self.mark is None else self.position * (self.mark - self.average_cost)

    @property
    def total(self) -> Decimal | None:
        """Realized and unrealized; ``None`` for an open position without a mark."""
        return None if self.unrealized is None else self.realized + self.unrealized


class Position:
    """Average cost, one fill at a time. Not safe to use from several threads."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self._base, self._quote = split_symbol(symbol)
        self._held = self._cost = self._realized = self._fees = _ZERO
        self._bought = self._sold = _ZERO
        self._other: dict[str, Decimal] = {}
        self._count = 0

    def add(self, fill: Fill) -> None:
        """Take one fill into account; each once, in the order in which they happened."""
        if fill.symbol != self.symbol:
            raise BadInput(f"a fill of {fill.symbol} does not belong to {self.symbol}")
        self._count += 1
        change = fill.quantity if fill.side == "buy" else -fill.quantity
        if fill.side == "buy":
            self._bought += fill.quantity
        else:
            self._sold += fill.quantity
        if fill.fee_asset == self._base:
            change -= fill.fee
            self._expense(fill.fee * fill.price)
        elif fill.fee_asset == self._quote:
            self._expense(fill.fee)
        elif fill.fee:
            asset = fill.fee_asset or "unknown"
            self._other[asset] = self._other.get(asset, _ZERO) + fill.fee
        self._move(change, fill.price)

    def _expense(self, amount: Decimal) -> None:
        self._fees += amount
        self._realized -= amount

    def _move(self, change: Decimal, price: Decimal) -> None:
        held = self._held
        if held * change < 0:  # it closes, at least in part
            closed = min(abs(change), abs(held))
            share = closed / abs(held)
            cost = self._cost * share
            value = closed * price if held > 0 else -closed * price
            self._realized += value - cost
            self._cost -= cost
            rest = abs(change) - closed
            self._held = held + change
            if rest:
                self._cost = rest * price if change > 0 else -rest * price
            elif not self._held:
                self._cost = _ZERO
        else:
            self._held = held + change
            self._cost += change * price

    def result(self, mark: Decimal | None = None) -> ProfitAndLoss:
        """What it comes to so far, the open position valued at ``mark``."""
        return ProfitAndLoss(
            symbol=self.symbol,
            position=self._held,
            average_cost=self._cost / self._held if self._held else None,
            realized=self._realized,
            mark=mark,
            fees=self._fees,
            other_fees=dict(self._other),
            bought=self._bought,
            sold=self._sold,
            fills=self._count,
        )


@says_its_form
def profit_and_loss(
    fills: Iterable[Fill], *, symbol: str | None = None, mark: Decimal | None = None
) -> ProfitAndLoss:
    """What fills of one symbol come to; see the rules above.

    Parameters
    ----------
    fills : iterable of Fill
        Oldest first, of one symbol, each once.
    symbol : str or None
        Needed only where there may be no fill at all.
    mark : number or None
        The price at which the open position is valued, such as ``ex.quote(...).mid``; as text,
        if you write it.

    Raises
    ------
    BadInput, FloatRefused
        Fills of several symbols, one of them twice, or none and no symbol; what is no fill; a
        mark that is no price.
    """
    listed = _listed(fills)
    price = None if mark is None else exact(mark, "mark")
    if price is not None and price <= 0:
        raise BadInput(f"mark is {digits(price)}; write a price above 0")
    name = plain_text(symbol) or (listed[0].symbol if listed else None)
    if name is None:
        raise BadInput('there is no fill to tell the symbol from: write symbol="BTC/USDT"')
    position = Position(name)
    for fill in listed:
        position.add(fill)
    return position.result(price)


def _listed(fills: Any) -> list[Fill]:
    try:
        listed = list(fills)
    except TypeError:
        raise BadInput(f"fills are {brief(fills)}; write ex.fills(symbol)") from None
    seen: set[tuple[int | str, int | str]] = set()
    for one in listed:
        if not isinstance(one, Fill):
            raise BadInput(f"{brief(one)} is no fill; write ex.fills(symbol)")
        if (one.order_id, one.id) in seen:
            raise BadInput(f"fill {one.id} of order {one.order_id} is there twice: join each once")
        seen.add((one.order_id, one.id))
    return listed
