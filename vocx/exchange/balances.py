"""Balances by asset."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any, SupportsIndex, overload

from vocx.arguments import brief, whole_of
from vocx.errors import BadInput, VocxError
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
        super().__init__(items, http, Balance)
        self._assets = assets

    def __getstate__(self) -> dict[str, Any]:
        """Without the handle that it came from: a copy keeps the names that the venue knows."""
        with suppress(VocxError):
            return {**vars(self), "_assets": _Known(frozenset(self._assets()))}
        return {**vars(self), "_assets": _Known(frozenset())}

    def __deepcopy__(self, memo: dict[int, Any]) -> Balances:
        return Balances(self, self.http, self._assets)  # facts do not change

    @overload
    def __getitem__(self, index: str) -> Balance: ...
    @overload
    def __getitem__(self, index: SupportsIndex) -> Balance: ...
    @overload
    def __getitem__(self, index: slice) -> Facts[Balance]: ...
    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, str):
            if not isinstance(index, slice) and whole_of(index) is None:
                raise BadInput(f'a balance is looked up by its asset, "BTC", not by {brief(index)}')
            return super().__getitem__(index)
        found = self.get(index)
        if found is not None:
            return found
        known = {one.asset for one in self} | set(self._assets())
        if index not in known:
            raise BadInput(
                f"there is no asset {brief(index)} here.{suggest(index[:20], sorted(known))}"
            )
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


class _Known:
    """Names of assets, as a copy in another process keeps them."""

    def __init__(self, assets: frozenset[str]) -> None:
        self._assets = assets

    def __call__(self) -> frozenset[str]:
        return self._assets
