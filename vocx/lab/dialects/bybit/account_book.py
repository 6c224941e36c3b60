"""What Bybit remembers of an account beside the engine: prices of orders, the dead-man switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vocx.lab.dialects.bybit.dead_man import DeadManSwitch
from vocx.lab.dialects.bybit.reports import order_row
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.mappings import Latest
from vocx.lab.dialects.shared.numbers import NS_PER_S, Listing, milliseconds
from vocx.lab.events import OrderState

MOST_REMEMBERED = 20_000


class AccountBook:
    """What Bybit shows of an order that the engine does not know, the last price when it came;
    and what it has of an account beside its orders.

    Parameters
    ----------
    gateway : AccountGateway
        Keys and accounts.
    maintained : callable
        Whether the venue is under maintenance.
    guarded : callable
        Whether an owner has a socket that holds the dead-man switch.
    """

    def __init__(
        self,
        gateway: AccountGateway,
        maintained: Callable[[], bool],
        guarded: Callable[[str], bool],
    ) -> None:
        self.gateway = gateway
        self.dead_man = DeadManSwitch(guarded)
        self._maintained = maintained
        self._last_prices: Latest[tuple[str, int], str] = Latest(MOST_REMEMBERED)

    def placed(self, order: OrderState, last_price: str) -> None:
        """An order came in."""
        self._last_prices[order.request.symbol, order.id] = last_price

    def maintenance(self, now_ns: int) -> list[dict[str, Any]]:
        """Rows of the system's status: one while there is maintenance."""
        if not self._maintained():
            return []
        row = {"id": "1", "title": "Maintenance", "state": "ongoing", "href": ""}
        times = {"begin": milliseconds(now_ns), "end": milliseconds(now_ns + 600 * NS_PER_S)}
        what = {"serviceTypes": [2, 3, 4, 5], "product": [1], "uidSuffix": []}
        return [{**row, **times, **what, "maintainType": 1, "env": 1}]

    def row(self, listing: Listing, order: OrderState, *, stream: bool = False) -> dict[str, Any]:
        """The order by REST, or in the private stream."""
        last_price = self._last_prices.get((order.request.symbol, order.id), "")
        return order_row(listing, order, last_price, stream=stream)
