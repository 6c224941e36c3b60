"""What an endpoint is: one declaration and one function that serves REST and WebSocket API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from vocx.lab.dialects.binance.catalogue import Catalogue, Listing
from vocx.lab.dialects.binance.params import Params, missing
from vocx.lab.dialects.binance.wire import NS_PER_MS, Refusal

STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of an endpoint: what was sent, when, and in which unit of time it is answered."""

    catalogue: Catalogue
    params: Params
    now_ns: int
    unit_ns: int = NS_PER_MS
    skew_ns: int = 0

    @property
    def clock_ns(self) -> int:
        """What the exchange's clock shows, as far as it is set wrong on purpose."""
        return self.now_ns + self.skew_ns

    def stamp(self, at_ns: int) -> int:
        return at_ns // self.unit_ns

    def listing(self) -> Listing:
        """The symbol that was asked for; it is mandatory and must match ``symbolStatus``."""
        name = self.params.symbol()
        if name is None:
            raise missing("symbol")
        listing = self.catalogue.named(name)
        if not self.status_matches():
            raise Refusal(-1220, "The symbol's status does not match the requested symbolStatus.")
        return listing

    def listings(self) -> list[Listing] | Listing:
        """The one of ``symbol``, else the list of ``symbols``, else of all."""
        if self.params.has("symbol") and self.params.has("symbols"):
            raise combination()
        if self.params.has("symbol"):
            return self.listing()
        names = self.params.symbols()
        wanted = {self.catalogue.named(name).numbers.name for name in names or ()}
        if not self.status_matches():
            return []
        return [
            listing
            for name, listing in self.catalogue.by_name.items()
            if names is None or name in wanted
        ]

    def status_matches(self) -> bool:
        """Whether ``symbolStatus`` lets a trading symbol through (all of the lab's trade)."""
        status = self.params.text("symbolStatus")
        if status is None:
            return True
        if status not in STATUSES:
            raise Refusal(-1122, "Invalid symbolStatus.")
        return status == "TRADING"


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint: REST path below ``/api/v3``, WebSocket API method, parameters, price."""

    path: str
    method: str
    answer: Callable[[Any], Any]
    weight: Callable[[Params], int]
    allowed: tuple[str, ...] = ()
    mandatory: tuple[str, ...] = ()
    verb: str = "GET"

    def run(self, call: Call) -> Any:
        """Check the parameters and answer; raises :class:`Refusal`."""
        call.params.admit(self.allowed, self.mandatory)
        return self.answer(call)


def combination() -> Refusal:
    """-1128."""
    return Refusal(-1128, "Combination of optional parameters invalid.")


def flat(weight: int) -> Callable[[Params], int]:
    """A price that does not depend on the parameters."""
    return lambda params: weight


def counted(params: Params) -> int:
    """How many symbols a call names: 0 when it names none (which means all)."""
    if params.has("symbol"):
        return 1
    try:
        return len(params.symbols() or ())
    except Refusal:
        return 1
