"""Which symbol a venue's name without a separator means: the venue's own instruments decide.

An adapter splits ``"BTCUSDT"`` by the currencies that it knows. Orders of an account come of any
symbol, also of ``"WUSDT"`` (W/USDT), which no rule can tell: what an adapter had to leave whole, or
split at the wrong place, is put right here before anybody sees it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from msgspec.structs import replace

from vocx.errors import VocxError
from vocx.facts import Fact, Facts, Fill, Order, OrderAck

F = TypeVar("F", bound=Fact)
_PROBE = "W/USDT"


class SymbolNames:
    """The names that one exchange has learned.

    Parameters
    ----------
    venue : Calls
        Its spelling says whether names need this at all.
    learn : callable
        Asks for all instruments; they come back through :meth:`keep`.
    """

    def __init__(self, venue: Any, learn: Callable[[], object]) -> None:
        self._learn = learn
        self._needed = venue.symbol_of(venue.venue_symbol(_PROBE)) != _PROBE
        self._symbols: dict[str, str] = {}
        self._all = False
        self._asking = threading.Lock()

    def keep(self, symbols: Iterable[str], *, all_of_them: bool = False) -> None:
        """These are traded here."""
        self._symbols.update((one.replace("/", ""), one) for one in symbols)
        self._all = self._all or all_of_them

    def ask(self) -> None:
        """Learn all names, once, where the venue's spelling needs them. Where it does not answer,
        names stay as they are told."""
        if self._needed and not self._all and self._asking.acquire(blocking=False):
            try:
                with suppress(VocxError):
                    self._learn()
            finally:
                self._asking.release()

    def settle(self, fact: F) -> F:
        """The same fact under the symbol that is traded here."""
        if not isinstance(fact, Order | Fill | OrderAck) or not self._needed:
            return fact
        symbol = self._symbols.get(fact.symbol.replace("/", ""), fact.symbol)
        if symbol == fact.symbol:
            return fact
        if isinstance(fact, Order):
            fills = tuple(self.settle(one) for one in fact.fills)
            return replace(fact, symbol=symbol, fills=fills)
        return replace(fact, symbol=symbol)

    def settle_all(self, facts: Facts[F]) -> Facts[F]:
        """The same of a list; instruments are asked for when a name was left whole."""
        if any("/" not in getattr(one, "symbol", "/") for one in facts):
            self.ask()
        return Facts((self.settle(one) for one in facts), facts.http, facts.kind)
