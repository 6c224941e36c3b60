"""What a venue keeps of its accounts, in the times of its own clock.

One rule for a clock that was set (``skew``), at every venue: an exchange stamps what it keeps of
an account by its own clock. So all of it that leaves the accounts, by REST or on a private
channel, has times of that clock, and filters by time and the ages of records are compared with
them. Market data and the truth log stay with the time of the market.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

from msgspec.structs import replace

from vocx.lab.accounts.accounts import Accounts, FirstFills
from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.events import (
    AccountEvent,
    AnyEvent,
    BalancesChanged,
    Executed,
    FillState,
    NewOrder,
    OrderState,
    Rejection,
)

Record = TypeVar("Record", bound=OrderState | FillState | Executed | BalancesChanged)
Answer = TypeVar("Answer", bound=OrderState | Rejection | None)


def moved(record: Record, skew_ns: int) -> Record:
    """A record with all its times so much later."""
    if not skew_ns:
        return record
    if isinstance(record, OrderState):
        working_ns, last = record.working_ns, record.last_trade
        return replace(
            record,
            created_ns=record.created_ns + skew_ns,
            updated_ns=record.updated_ns + skew_ns,
            working_ns=None if working_ns is None else working_ns + skew_ns,
            last_trade=None if last is None else replace(last, at_ns=last.at_ns + skew_ns),
        )
    if isinstance(record, FillState):
        trade = replace(record.trade, at_ns=record.trade.at_ns + skew_ns)
        return replace(record, trade=trade, order=moved(record.order, skew_ns))
    if isinstance(record, Executed):
        fill = None if record.fill is None else moved(record.fill, skew_ns)
        order, at_ns = moved(record.order, skew_ns), record.at_ns + skew_ns
        return replace(record, at_ns=at_ns, order=order, fill=fill)
    return replace(record, at_ns=record.at_ns + skew_ns)


class AccountRecords:
    """The accounts as one venue shows them.

    Times that are given (``now_ns``) are the market's, those that come back the venue's.

    Parameters
    ----------
    accounts : Accounts
        Who may trade.
    skew_ns : callable
        How far the exchange's clock is ahead of the market's.
    """

    def __init__(self, accounts: Accounts, skew_ns: Callable[[], int]) -> None:
        self._accounts = accounts
        self._skew_ns = skew_ns

    def shown(self, event: AccountEvent) -> AccountEvent:
        """An account's event by the exchange's clock."""
        return moved(event, self._skew_ns())

    # -- accounts ------------------------------------------------------------------------------

    def open(self, owner: str, balances: Mapping[str, Decimal] | None, fees: FeeSchedule) -> None:
        """As :meth:`Accounts.open`."""
        self._accounts.open(owner, balances, fees)

    @property
    def owners(self) -> tuple[str, ...]:
        return self._accounts.owners

    def balances(self, owner: str) -> dict[str, tuple[Decimal, Decimal]]:
        """(free, locked) of every asset that is traded here."""
        return self._accounts.balances(owner)

    def updated_ns(self, owner: str) -> int | None:
        """When a balance last changed; ``None`` while all are as the account was opened."""
        at_ns = self._accounts.updated_ns(owner)
        return None if at_ns is None else at_ns + self._skew_ns()

    def fees(self, owner: str) -> FeeSchedule:
        """What the account pays for matches."""
        return self._accounts.fees(owner)

    # -- what there is -------------------------------------------------------------------------

    def order(
        self,
        owner: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
    ) -> OrderState | None:
        """One order by either id; with both they must agree. ``None`` when there is none."""
        return self._of(self._accounts.order(owner, symbol, order_id, client_order_id))

    def orders(
        self, owner: str, symbol: str | None = None, open_only: bool = False
    ) -> list[OrderState]:
        """By growing id, symbol by symbol: all open ones and the newest closed ones."""
        return self._all(self._accounts.orders(owner, symbol, open_only))

    def open_count(self, owner: str, symbol: str) -> int:
        """How many orders are open."""
        return self._accounts.open_count(owner, symbol)

    def fills(self, owner: str, symbol: str) -> list[FillState]:
        """The newest, oldest first."""
        return self._all(self._accounts.fills(owner, symbol))

    def first_fills(self, owner: str) -> FirstFills:
        """Orders that had their first fill since the account was opened."""
        return self._accounts.first_fills(owner)

    # -- what changes it -----------------------------------------------------------------------

    def place(self, order: NewOrder, now_ns: int) -> tuple[OrderState | Rejection, list[AnyEvent]]:
        """As :meth:`Accounts.place`."""
        state, events = self._accounts.place(order, now_ns)
        return self._of(state), self._events(events)

    def reject(
        self, order: NewOrder, reason: str, now_ns: int
    ) -> tuple[OrderState, list[AnyEvent]]:
        """As :meth:`Accounts.reject`."""
        state, events = self._accounts.reject(order, reason, now_ns)
        return self._of(state), self._events(events)

    def cancel(
        self,
        owner: str,
        symbol: str,
        order_id: int | None = None,
        client_order_id: str | None = None,
        cancel_id: str = "",
        *,
        now_ns: int,
    ) -> tuple[OrderState | None, list[AnyEvent]]:
        """As :meth:`Accounts.cancel`."""
        state, events = self._accounts.cancel(
            owner, symbol, order_id, client_order_id, cancel_id, now_ns=now_ns
        )
        return self._of(state), self._events(events)

    def amend(
        self,
        owner: str,
        symbol: str,
        order_id: int,
        quantity: int,
        client_order_id: str | None = None,
        *,
        price: int | None = None,
        now_ns: int,
    ) -> tuple[OrderState | Rejection | None, list[AnyEvent]]:
        """As :meth:`Accounts.amend`."""
        state, events = self._accounts.amend(
            owner, symbol, order_id, quantity, client_order_id, price=price, now_ns=now_ns
        )
        return self._of(state), self._events(events)

    def cancel_all(
        self, owner: str, symbol: str, now_ns: int, cancel_id: str = ""
    ) -> tuple[list[OrderState], list[AnyEvent]]:
        """As :meth:`Accounts.cancel_all`."""
        states, events = self._accounts.cancel_all(owner, symbol, now_ns, cancel_id)
        return self._all(states), self._events(events)

    # -- inside --------------------------------------------------------------------------------

    def _of(self, state: Answer) -> Answer:
        return moved(state, self._skew_ns()) if isinstance(state, OrderState) else state

    def _all(self, records: list[Record]) -> list[Record]:
        skew_ns = self._skew_ns()
        return [moved(one, skew_ns) for one in records] if skew_ns else records

    def _events(self, events: list[AnyEvent]) -> list[AnyEvent]:
        skew_ns = self._skew_ns()
        if not skew_ns:
            return events
        return [
            moved(one, skew_ns) if isinstance(one, Executed | BalancesChanged) else one
            for one in events
        ]
