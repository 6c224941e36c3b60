"""What Coinbase remembers of orders beside the engine, and their ids. (Advanced Trade reference,
2026-02, and channel pages, 2026-08.)"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from vocx.lab.accounts.order_store import CLOSED_ORDERS
from vocx.lab.dialects.coinbase.catalogue import Products
from vocx.lab.dialects.coinbase.order_form import CONFIGURATIONS, Sent
from vocx.lab.dialects.coinbase.wire import microseconds, uuid_of
from vocx.lab.dialects.shared.mappings import Deadlines
from vocx.lab.dialects.shared.numbers import SymbolFormat
from vocx.lab.events import AccountEvent, Executed, OrderState

_STATUS: Mapping[str, str] = {
    "new": "OPEN",
    "partially_filled": "OPEN",
    "filled": "FILLED",
    "canceled": "CANCELLED",
    "expired": "CANCELLED",
    "expired_in_match": "CANCELLED",
    "rejected": "FAILED",
}
_IN_FORCE = {"GTC": "GOOD_UNTIL_CANCELLED", "IOC": "IMMEDIATE_OR_CANCEL", "FOK": "FILL_OR_KILL"}
_ORDER_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}")
SHOWN_CANCEL = "User requested cancel"


class OrderRecord(msgspec.Struct, kw_only=True):
    """What is remembered of one order besides its state."""

    owner: str
    sent: Sent
    edits: list[dict[str, str]] = []
    expired: bool = False


class AccountBook:
    """What Coinbase shows of orders that the engine does not know: how they were sent, the ends of
    GTD orders, edits."""

    def __init__(self, products: Products) -> None:
        self._products = products
        self._records: dict[tuple[str, int], OrderRecord] = {}
        self._closed: defaultdict[str, deque[tuple[str, int]]] = defaultdict(deque)
        """By owner: orders that are over, the oldest first."""
        self.ends: Deadlines[tuple[str, int]] = Deadlines()
        """When open GTD orders end."""

    def __len__(self) -> int:
        return len(self._records)

    # -- ids

    def order_id(self, order: OrderState) -> str:
        """A UUID that says product and number, so that it is found again."""
        return self._id(self._products.by_symbol[order.request.symbol].number - 1, order.id)

    @staticmethod
    def _id(place: int, number: int) -> str:
        drawn = uuid_of("order", place, number)
        return f"{drawn[:8]}-{place:04x}-4{drawn[15:18]}-8{drawn[20:23]}-{number:012x}"

    def numbers(self, text: Any) -> tuple[str, int] | None:
        """Symbol and number of an order's id, ``None`` for another text."""
        if not isinstance(text, str) or not _ORDER_ID.fullmatch(text):
            return None
        place, number = int(text[9:13], 16), int(text[24:], 16)
        listing = self._products.numbered(place + 1)
        if listing is None or self._id(place, number) != text:
            return None
        return listing.format.spec.symbol, number

    # -- memory

    def keep(self, order: OrderState, sent: Sent) -> None:
        """Remember how an order was sent, as long as its account knows it."""
        key = order.request.symbol, order.id
        self._records[key] = OrderRecord(owner=order.request.owner, sent=sent)
        if sent.end_ns is not None and order.open:
            self.ends[key] = sent.end_ns

    def edited(self, order: OrderState, at_ns: int) -> None:
        """Remember an edit."""
        record = self._records.get((order.request.symbol, order.id))
        if record is None:
            return
        form = self.format(order)
        price, size = form.price[order.request.price], form.quantity[order.quantity]
        record.edits.append(
            {"price": price, "size": size, "replace_accept_timestamp": microseconds(at_ns)}
        )
        sizes = {**record.sent.sizes, "base_size": size, "limit_price": price}
        record.sent = msgspec.structs.replace(record.sent, sizes=sizes)

    def owner(self, symbol: str, number: int) -> str:
        """Whose an order is."""
        return self._records[symbol, number].owner

    def expire(self, symbol: str, number: int) -> None:
        """A GTD order ends by its time."""
        self._records[symbol, number].expired = True

    def happened(self, events: Iterable[AccountEvent]) -> None:
        """Forget what is over: the oldest, as the account does."""
        for event in events:
            if isinstance(event, Executed) and not event.order.open:
                key = event.order.request.symbol, event.order.id
                self.ends.pop(key, None)
                closed = self._closed[event.owner]
                closed.append(key)
                if len(closed) > CLOSED_ORDERS:
                    self._records.pop(closed.popleft(), None)

    # -- what is written

    def format(self, order: OrderState) -> SymbolFormat:
        """How its numbers are written."""
        return self._products.by_symbol[order.request.symbol].format

    def record(self, order: OrderState) -> OrderRecord:
        """What is remembered of it."""
        return self._records[order.request.symbol, order.id]

    def sent(self, order: OrderState) -> Sent:
        """How an order was sent."""
        return self.record(order).sent

    def rests(self, order: OrderState) -> bool:
        """Whether it is of a kind that may rest."""
        return CONFIGURATIONS[self.sent(order).name] == "GTC"

    def status(self, order: OrderState) -> str:
        """There is no state of its own for what is filled in part."""
        record = self._records.get((order.request.symbol, order.id))
        if record is not None and record.expired and not order.open:
            return "EXPIRED"
        return _STATUS[order.status]

    def in_force(self, order: OrderState) -> str:
        """How long it was to stay."""
        sent = self.sent(order)
        if sent.end_ns is not None:
            return "GOOD_UNTIL_DATE_TIME"
        return _IN_FORCE[CONFIGURATIONS[sent.name]]

    def ended_by(self, order: OrderState) -> str:
        """``cancel_message``."""
        return SHOWN_CANCEL if self.status(order) == "CANCELLED" and not order.reason else ""
