"""Which intents a venue can be asked for: how each is asked, and beside it how it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from vocx.errors import BadInput
from vocx.venues.base.calls import Intent

Made = TypeVar("Made")
Told = TypeVar("Told")


class CallTable(Generic[Made, Told]):
    """The calls of one kind, public or signed.

    Parameters
    ----------
    venue : str
        For the texts.
    table : mapping
        Intent to what makes its call, and what reads a good reply from (intent, body, time of
        arrival); ``None`` for an intent that goes out as another, or is read elsewhere.
    """

    def __init__(
        self,
        venue: str,
        table: Mapping[
            type[Intent], tuple[Callable[..., Made], Callable[[Any, bytes, int], Told] | None]
        ],
    ) -> None:
        self._venue = venue
        self._table = dict(table)

    def __contains__(self, intent: Intent) -> bool:
        return type(intent) in self._table

    def make(self, intent: Intent, *more: Any) -> Made:
        """The (first) call for one intent, or ``BadInput``; ``more`` is for its maker."""
        if intent not in self:
            raise BadInput(f"{self._venue} cannot be asked for {type(intent).__name__} here")
        return self._table[type(intent)][0](intent, *more)

    def read(self, intent: Intent, body: bytes, arrived_ns: int) -> Told:
        """What a good reply says; ``msgspec.DecodeError`` when it has another shape."""
        reader = self._table[type(intent)][1]
        assert reader is not None, "what goes out is read as what it went out as"
        return reader(intent, body, arrived_ns)
