"""Balances by asset."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from typing import Any, SupportsIndex, overload

from vocx.errors import BadInput
from vocx.facts import Balance, Facts
from vocx.text import suggest
from vocx.timing import HttpCall


class Balances(Facts[Balance]):
    """What an account holds: a list of facts that is also looked up by asset.

    An asset of which there is nothing is a balance of zero; one that does not exist here is an
    error that names the nearest.

    Examples
    --------
    >>> ex.balances()["USDT"].free
    Decimal('500000.00000000')
    """

    def __init__(
        self,
        items: Iterable[Balance] = (),
        http: HttpCall | None = None,
        assets: Callable[[], Collection[str]] = tuple,
    ) -> None:
        super().__init__(items, http)
        self._assets = assets

    @overload
    def __getitem__(self, index: str) -> Balance: ...
    @overload
    def __getitem__(self, index: SupportsIndex) -> Balance: ...
    @overload
    def __getitem__(self, index: slice) -> Facts[Balance]: ...
    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, str):
            return super().__getitem__(index)
        found = self.get(index)
        if found is not None:
            return found
        known = {one.asset for one in self} | set(self._assets())
        if index not in known:
            raise BadInput(f"there is no asset {index!r} here.{suggest(index, sorted(known))}")
        at = self[0] if self else None
        return Balance(
            asset=index,
            free=Decimal(0),
            locked=Decimal(0),
            exchange_ns=at.exchange_ns if at else None,
            arrived_ns=at.arrived_ns if at else 0,
        )

    def get(self, asset: str) -> Balance | None:
        """The balance of an asset, ``None`` when there is nothing of it."""
        return next((one for one in self if one.asset == asset), None)

    def __contains__(self, what: object) -> bool:
        if isinstance(what, str):
            return self.get(what) is not None
        return super().__contains__(what)
