"""What Bybit remembers of an account beside the engine: prices and fees of orders, the dead-man
switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.bybit.dead_man import DeadManSwitch
from vocx.lab.dialects.bybit.reports import order_row
from vocx.lab.dialects.bybit.wire import NumberedListing, milliseconds
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.dialects.shared.records import AccountRecords
from vocx.lab.events import AccountEvent, Executed, OrderState

MOST_REMEMBERED = 20_000
OrderKey = tuple[str, int]


class AccountBook:
    """What Bybit shows of an order that the engine does not know: the last price when it came,
    and the sum of its fees; and what it has of an account beside its orders.

    Parameters
    ----------
    gateway : AccountGateway
        Keys and accounts.
    maintained : callable
        Whether the venue is under maintenance.
    guarded : callable
        Whether an owner has a socket that holds the dead-man switch.

    Attributes
    ----------
    told : dict
        Fees as of each event that is being published, by execution id.
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
        self.told: dict[int, dict[str, Decimal]] = {}
        self._fees: dict[OrderKey, dict[str, Decimal]] = {}
        self._last_prices: dict[OrderKey, str] = {}

    @property
    def records(self) -> AccountRecords:
        """What there is of accounts; nothing in a recording."""
        return self.gateway.records

    def placed(self, order: OrderState, last_price: str) -> None:
        """An order came in."""
        self._last_prices[order.request.symbol, order.id] = last_price
        if len(self._last_prices) > MOST_REMEMBERED:
            oldest = next(iter(self._last_prices))
            del self._last_prices[oldest]
            self._fees.pop(oldest, None)

    def happened(self, events: Sequence[AccountEvent]) -> None:
        """Sum up fees; an event bears the sum as it was then."""
        self.told.clear()
        for event in events:
            if not isinstance(event, Executed):
                continue
            key = event.order.request.symbol, event.order.id
            fees = self._fees.get(key, {})
            if event.fill is not None:
                asset = event.fill.fee_asset
                fees = {**fees, asset: fees.get(asset, Decimal(0)) + event.fill.fee}
                self._fees[key] = fees
            self.told[event.execution_id] = fees

    def maintenance(self, now_ns: int) -> list[dict[str, Any]]:
        """Rows of the system's status: one while there is maintenance."""
        if not self._maintained():
            return []
        row = {"id": "1", "title": "Maintenance", "state": "ongoing", "href": ""}
        times = {"begin": milliseconds(now_ns), "end": milliseconds(now_ns + 600 * NS_PER_S)}
        what = {"serviceTypes": [2, 3, 4, 5], "product": [1], "uidSuffix": []}
        return [{**row, **times, **what, "maintainType": 1, "env": 1}]

    def row(self, listing: NumberedListing, order: OrderState) -> dict[str, Any]:
        """The order by REST. Its fees are those of its fills, which may not be published yet."""
        owner, symbol = order.request.owner, order.request.symbol
        fees: dict[str, Decimal] = {}
        if order.filled:
            for fill in self.records.fills(owner, symbol):
                if fill.order.id == order.id:
                    fees[fill.fee_asset] = fees.get(fill.fee_asset, Decimal(0)) + fill.fee
        return order_row(listing, order, fees, self.last_price(order))

    def frame_row(self, listing: NumberedListing, event: Executed) -> dict[str, Any]:
        """The order in the private stream, as it stood then."""
        fees = self.told.get(event.execution_id, {})
        return order_row(listing, event.order, fees, self.last_price(event.order), stream=True)

    def last_price(self, order: OrderState) -> str:
        """Of the market when the order came."""
        return self._last_prices.get((order.request.symbol, order.id), "")
