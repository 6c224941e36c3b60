"""What an account pays for a match: a share of its worth, by role, in an asset by rule."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from vocx.errors import BadInput


class FeeSchedule:
    """Fees of one account.

    Parameters
    ----------
    maker, taker : Decimal
        Shares, from 0 to below 1, of the order that rested and of the one that came.
    asset : {"received", "quote"}
        ``"received"``: the base asset of a buyer, the quote asset of a seller; nothing has to be
        held for it. ``"quote"``: the quote asset of both, so a resting buy holds its fee, too.
    """

    __slots__ = ("maker", "taker", "asset", "_maker", "_taker", "_dearest")

    def __init__(
        self, maker: Decimal, taker: Decimal, asset: Literal["received", "quote"] = "received"
    ) -> None:
        for rate in (maker, taker):
            if not (isinstance(rate, Decimal) and 0 <= rate < 1):
                raise BadInput(f'a fee is {rate!r}; write a share as Decimal("0.001")')
        self.maker, self.taker, self.asset = maker, taker, asset
        self._maker, self._taker = maker.as_integer_ratio(), taker.as_integer_ratio()
        self._dearest = max(maker, taker).as_integer_ratio()

    @property
    def in_quote(self) -> bool:
        return self.asset == "quote"

    def fee(self, units: int, maker: bool) -> int:
        """The fee of so many units, rounded down."""
        part, whole = self._maker if maker else self._taker
        return units * part // whole

    def reserve(self, units: int) -> int:
        """What a buy of that worth holds for its fee, whatever role it comes to play."""
        if self.asset != "quote":
            return 0
        part, whole = self._dearest
        return units * part // whole
