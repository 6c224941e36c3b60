"""Fills, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from vocx.exchange.pnl import ProfitAndLoss, profit_and_loss
from vocx.facts import Fact, Facts, Fill
from vocx.timing import HttpCall


class Fills(Facts[Fill]):
    """An account's fills of one symbol, oldest first: a list of facts that adds up.

    Examples
    --------
    >>> ex.fills("BTC/USDT").pnl(mark=ex.quote("BTC/USDT").mid).total
    """

    def __init__(
        self, items: Iterable[Fill] = (), http: HttpCall | None = None, symbol: str | None = None
    ) -> None:
        super().__init__(items, http, Fill)
        self._symbol = symbol

    def _alike(
        self, items: Iterable[Fill], http: HttpCall | None = None, kind: type[Fact] | None = None
    ) -> Fills:
        return Fills(items, http or self.http, self._symbol)

    def pnl(self, mark: Decimal | None = None) -> ProfitAndLoss:
        """Profit and loss by average cost, each fee once; see :func:`profit_and_loss`. What was
        bought before the first of these fills is not in it.

        Parameters
        ----------
        mark : Decimal or None
            The price at which the open position is valued.
        """
        return profit_and_loss(self, symbol=self._symbol, mark=mark)
