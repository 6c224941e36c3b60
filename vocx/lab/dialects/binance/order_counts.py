"""The count of unfilled orders: 100 in ten seconds and 200,000 a day for each account.

Documented (rest-api.md and the FAQ on the order count decrement, 2026-07-21): each accepted order
counts one in every window; its first fill gives back one where it took, more where it made (the
FAQ shows five); cancelling and expiring give nothing back; where the day's limit is reached, the
shorter window does not grow any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vocx.lab.dialects.binance.weights import ORDERS_1D, ORDERS_10S, Count, Meter
from vocx.lab.events import AnyEvent, Executed

RULES = (ORDERS_10S, ORDERS_1D)
_HEADERS = ("X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1D")
TAKER_GIVES_BACK = 1
MAKER_GIVES_BACK = 5


class OrderCounts:
    """What each account has used, across its keys, addresses and both APIs."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._counts: dict[str, tuple[Count, ...]] = {}
        self._seen = 0

    def admit(self, owner: str, peer: str, now_ns: int) -> None:
        """Refuse an order that would be one too many (429, -1015)."""
        if not self._meter.refuses:
            return
        for rule, count in reversed(tuple(zip(RULES, self._of(owner, now_ns), strict=True))):
            if count.used >= self._meter.limit(rule):
                raise self._meter.over(peer, rule, now_ns)

    def accepted(self, owner: str, now_ns: int) -> None:
        """An order has been taken."""
        if self._meter.paused:
            return
        for count in self._of(owner, now_ns):
            count.used += 1

    def happened(self, events: Iterable[AnyEvent], now_ns: int) -> None:
        """Give back what first fills give back; events that come again change nothing."""
        for event in events:
            if isinstance(event, Executed) and event.execution_id > self._seen:
                self._seen = event.execution_id
                fill = event.fill
                if fill is not None and event.order.filled == fill.trade.quantity:
                    back = MAKER_GIVES_BACK if fill.maker else TAKER_GIVES_BACK
                    for count in self._of(event.owner, now_ns):
                        count.used = max(count.used - back, 0)

    def entries(self, owner: str, now_ns: int) -> list[dict[str, Any]]:
        """The limits with their counts."""
        counts = self._of(owner, now_ns)
        return [
            {**rule.entry(self._meter.limit(rule)), "count": count.used}
            for rule, count in zip(RULES, counts, strict=True)
        ]

    def headers(self, owner: str, now_ns: int) -> dict[str, str]:
        """What the answer to a placement carries."""
        counts = self._of(owner, now_ns)
        return {name: str(count.used) for name, count in zip(_HEADERS, counts, strict=True)}

    def reset(self) -> None:
        """Forget all counts."""
        self._counts.clear()

    def _of(self, owner: str, now_ns: int) -> tuple[Count, ...]:
        counts = self._counts.get(owner)
        if counts is None:
            counts = self._counts[owner] = tuple(Count() for _ in RULES)
        for rule, count in zip(RULES, counts, strict=True):
            self._meter.roll(count, rule, now_ns)
        return counts
