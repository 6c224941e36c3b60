"""The truth log: what the engine did, and when by the clock that all processes share.

A bounded ring. Each event gets a sequence number that never repeats in one lab, and the
``CLOCK_MONOTONIC`` stamp of the moment at which it became true. A reader asks "since number n"
and learns how many it came too late for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from vocx.lab.events import (
    AnyEvent,
    BalancesChanged,
    BestChanged,
    Event,
    Executed,
    InstrumentSpec,
    LevelChanged,
    Recorded,
    Traded,
)
from vocx.lab.ports import Market

CAPACITY = 90_000
"""Events that are kept: a minute and a half of all symbols at pace 1.0, some 23 MB."""
RECORDED_CAPACITY = 20_000
"""The same for a replay, whose events are whole frames."""

KINDS: Mapping[type, str] = {
    Traded: "trade",
    LevelChanged: "level",
    BestChanged: "quote",
    Recorded: "frame",
    Executed: "order",
}

Logged = Event | Executed


class TruthLog:
    """The last events with their stamps.

    Parameters
    ----------
    capacity
        Events that are kept.
    event_id
        Gives the id that a recorded frame carries.

    Attributes
    ----------
    next : int
        The sequence number that the next event will get; the first is 1.
    """

    def __init__(
        self,
        capacity: int = CAPACITY,
        event_id: Callable[[bytes], int | None] = lambda data: None,
    ) -> None:
        self._event_id = event_id
        self._ring: deque[tuple[int, Logged]] = deque(maxlen=capacity)
        self.next = 1

    def add(self, events: Iterable[AnyEvent], mono_ns: int) -> None:
        """Keep what became true at ``mono_ns``. Balances are not kept: they follow from the
        rest."""
        for event in events:
            if isinstance(event, BalancesChanged):
                continue
            self._ring.append((mono_ns, event))
            self.next += 1

    def since(
        self,
        sequence: int,
        markets: Mapping[str, Market],
        *,
        symbol: str | None = None,
        kind: str | None = None,
        owner: str | None = None,
        limit: int = 2000,
    ) -> dict[str, Any]:
        """Events from ``sequence`` on: at most ``limit`` that fit, oldest first. With an
        ``owner`` only what happened to the orders of that account.

        Returns
        -------
        dict
            ``events``; ``next``, to ask again with; ``end``, the number the next event will
            get; ``missed``, how many had left the ring.
        """
        oldest = self.next - len(self._ring)
        start = max(sequence, oldest)
        rows: list[dict[str, Any]] = []
        at = start
        for mono_ns, event in islice(self._ring, start - oldest, None):
            if len(rows) >= limit:
                break
            if (
                kind in (None, KINDS[type(event)])
                and symbol in (None, symbol_of(event))
                and owner in (None, event.owner if isinstance(event, Executed) else "")
            ):
                rows.append(self._row(at, mono_ns, event, markets))
            at += 1
        missed = start - max(sequence, 1)
        return {"events": rows, "next": at, "end": self.next, "missed": max(missed, 0)}

    def _row(
        self, sequence: int, mono_ns: int, event: Logged, markets: Mapping[str, Market]
    ) -> dict[str, Any]:
        """One event as JSON carries it, its numbers as exact decimal text."""
        common: dict[str, Any] = {
            "sequence": sequence,
            "mono_ns": mono_ns,
            "exchange_ns": event.at_ns,
            "kind": KINDS[type(event)],
            "symbol": symbol_of(event),
        }
        if isinstance(event, Recorded):
            return common | {"stream": event.stream, "id": self._event_id(event.data)}
        return common | event_row(event, markets[common["symbol"]].spec)


def symbol_of(event: Logged) -> str:
    return event.order.request.symbol if isinstance(event, Executed) else event.symbol


def event_row(
    event: Traded | LevelChanged | BestChanged | Executed, spec: InstrumentSpec
) -> dict[str, Any]:
    """What is particular to a kind of event."""
    if isinstance(event, Executed):
        return order_row(event, spec)

    def price(ticks: int) -> str:
        return text(spec.to_price(ticks))

    def quantity(lots: int) -> str:
        return text(spec.to_quantity(lots))

    if isinstance(event, Traded):
        return {
            "id": event.trade_id,
            "side": event.taker,
            "price": price(event.price),
            "quantity": quantity(event.quantity),
            "maker_order": event.maker_order,
            "taker_order": event.taker_order,
        }
    if isinstance(event, LevelChanged):
        return {
            "id": event.update_id,
            "side": event.side,
            "price": price(event.price),
            "quantity": quantity(event.quantity),
        }
    return {
        "id": event.update_id,
        "bid": price(event.bid),
        "bid_quantity": quantity(event.bid_quantity),
        "ask": price(event.ask),
        "ask_quantity": quantity(event.ask_quantity),
    }


def order_row(event: Executed, spec: InstrumentSpec) -> dict[str, Any]:
    """What happened to an order, and how it stands since."""
    order = event.order
    return {
        "id": order.id,
        "owner": event.owner,
        "what": event.what,
        "status": order.status,
        "side": order.request.side,
        "price": text(spec.to_price(order.request.price)),
        "quantity": text(spec.to_quantity(order.quantity)),
        "filled": text(spec.to_quantity(order.filled)),
        "trade_id": None if event.fill is None else event.fill.trade.trade_id,
    }


def text(number: Decimal) -> str:
    """A decimal without an exponent."""
    return format(number, "f")
