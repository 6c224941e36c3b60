"""What is kept of accounts, in the times of a clock that was set.

One rule for a clock that was set (``skew``), at every venue: an exchange stamps what it keeps of
an account by its own clock. So all of it that leaves the accounts, by REST or on a private
channel, has times of that clock, and filters by time and the ages of records are compared with
them. Market data and the truth log stay with the time of the market.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from vocx.lab.events import BalancesChanged, Executed, FillState, OrderState

Record = TypeVar("Record", bound=OrderState | FillState | Executed | BalancesChanged)


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
