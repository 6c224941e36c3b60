"""What every adapter refuses in the same words before anything is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from vocx.errors import BadInput
from vocx.venues.base.calls import AmendOrder


def check_count(venue: str, name: str, value: object, most: int) -> int:
    """A number of rows or levels, 1 to ``most``."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadInput(f"{name} is {value!r}; {venue} gives 1 to {most}")
    return value


def check_order_named(intent: Any) -> None:
    """An order is named by the venue's id or by the client's."""
    if intent.id is None and not intent.client_order_id:
        raise BadInput(
            "an order is named by its id or by its client order id; give one", outcome="not_sent"
        )


def check_amendment(intent: AmendOrder) -> None:
    """A change names an order and says what is to be changed."""
    check_order_named(intent)
    if intent.quantity is None and intent.price is None:
        raise BadInput("an amendment has a quantity, a price or both", outcome="not_sent")


def check_purposes(venue: str, given: Iterable[str], known: Collection[str]) -> None:
    """The keys of ``where={...}`` are purposes that the venue has."""
    for purpose in given:
        if purpose not in known:
            raise BadInput(f"{venue} has no purpose {purpose!r}; it has {', '.join(known)}")


def refuse_client_order_id(venue: str, text: object, rule: str) -> BadInput:
    """The error for a client order id that the venue would not take."""
    return BadInput(
        f"client order id {text!r} cannot be used: {venue} takes {rule}", outcome="not_sent"
    )
