"""Which of an account's orders or fills are meant: the parameters that several endpoints share."""

from __future__ import annotations

from typing import Any

import msgspec

from vocx.lab.dialects.binance.params import Params
from vocx.lab.dialects.binance.wire import Refusal
from vocx.lab.dialects.shared.numbers import DAY_NS, NS_PER_MS


def read_symbol(params: Params) -> str | None:
    """Nothing but a symbol."""
    return params.symbol()


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders or fills: from an id on, within times, at most so many."""

    symbol: str
    order_id: int | None
    from_id: int | None
    start_ns: int | None
    end_ns: int | None
    limit: int

    def cut(self, rows: list[Any], *, forward: bool) -> list[Any]:
        """The oldest rows where a beginning was named, else the newest."""
        return rows[: self.limit] if forward else rows[-self.limit :]

    def within(self, at_ns: int) -> bool:
        """Both bounds are inclusive to the end of their millisecond."""
        after = self.start_ns is None or at_ns >= self.start_ns
        return after and (self.end_ns is None or at_ns < self.end_ns + NS_PER_MS)


def read_range(params: Params) -> Range:
    symbol = params.symbol()
    assert symbol is not None, "symbol is mandatory"
    found = Range(
        symbol=symbol,
        order_id=params.number("orderId"),
        from_id=params.number("fromId"),
        start_ns=params.time_ns("startTime"),
        end_ns=params.time_ns("endTime"),
        limit=params.limit(500, 1000),
    )
    if found.start_ns is not None and found.end_ns is not None:
        if found.end_ns - found.start_ns > DAY_NS:
            raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    return found
