"""An account as facts: balances by asset, and what an outage of its stream swallowed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from vocx.errors import BadInput, OrderNotFound
from vocx.facts import Balance, Fact, Facts, Order
from vocx.timing import HttpExchange
from vocx.venues.base import GetBalances, GetFills, GetOpenOrders, GetOrder, Intent

if TYPE_CHECKING:
    from vocx.stream.account import ReconcileRequest


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
        exchange: HttpExchange | None = None,
        assets: Callable[[], Collection[str]] = tuple,
    ) -> None:
        super().__init__(items, exchange)
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
            near = get_close_matches(index.upper(), sorted(known), n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise BadInput(f"there is no asset {index!r} here{hint}")
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


def reconcile(ask: Callable[[Intent], Any], missed: ReconcileRequest) -> list[Fact]:
    """The account by REST, for a stream that has just (again) begun to listen: fills since the
    last known event, orders that closed meanwhile, open orders, balances; in that order."""
    open_now: Facts[Order] = ask(GetOpenOrders())
    still = {(one.symbol, one.id) for one in open_now}
    found: list[Fact] = []
    if missed.since_ns is not None:
        for symbol in missed.symbols:
            found += ask(GetFills(symbol=symbol, start_ns=missed.since_ns, limit=1000))
    for one in missed.open:
        if (one.symbol, one.id) not in still:
            try:
                found.append(ask(GetOrder(symbol=one.symbol, id=one.id)))
            except OrderNotFound:
                continue
    return [*found, *open_now, *ask(GetBalances())]
