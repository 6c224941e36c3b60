"""Commands that the venues' dialects carry out, for one venue or for all.

Without a venue a command is for all venues, and the answer is a mapping by venue. What means
something at one venue only (a stream's name, a path, a limit of its own) needs the venue as soon
as there are several.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

from vocx.arguments import brief
from vocx.errors import BadInput, UnknownVenue
from vocx.lab.dialects.base import Dialect
from vocx.lab.ports import MarketLoop

SHARED_ARGUMENTS: Mapping[str, frozenset[str]] = {
    "limits": frozenset({"scale", "off", "advance", "reset", "state"}),
    "keepalive": frozenset({"scale"}),
    "shutdown": frozenset({"notice_s"}),
    "fault": frozenset({"name", "count", "off"}),
    "account": frozenset({"name", "balances", "trade"}),
    "skew": frozenset({"seconds"}),
}
"""Every command, and the arguments that mean the same at each venue."""
SCOPES = frozenset({"path", "stream"})
"""Where a fault strikes: as the venue writes it. Its other options belong to the fault."""


class VenueCommands:
    """The commands of a lab's venues, and who has put their rate limits aside.

    A venue's limits come back when the last pause of them has ended. A pause belongs to the
    control connection it was asked for on, and ends with that at the latest, so that a client
    that dies leaves no limits off.
    """

    def __init__(self, dialects: Mapping[str, Dialect], market: MarketLoop) -> None:
        self._dialects, self._market = dialects, market
        self._pauses: dict[Hashable, list[str]] = {}

    def commands(self) -> dict[str, Callable[..., Any]]:
        """By name; each takes ``venue`` and the command's arguments."""
        return {name: partial(self._run, name) for name in SHARED_ARGUMENTS}

    def pause_limits(self, connection: Hashable, venue: str | None = None) -> None:
        """Neither count nor refuse at a venue (``None``: at all) until :meth:`resume_limits`."""
        self._pauses[connection] = self._venues(venue)
        self._apply_pauses()

    def resume_limits(self, connection: Hashable) -> None:
        """Take back the pause of that connection, if it has one."""
        if self._pauses.pop(connection, None) is not None:
            self._apply_pauses()

    def _apply_pauses(self) -> None:
        for name, dialect in self._dialects.items():
            dialect.pause_limits(self._paused(name))

    def _paused(self, venue: str) -> bool:
        return any(venue in venues for venues in self._pauses.values())

    def _venues(self, venue: str | None) -> list[str]:
        if venue is None:
            return list(self._dialects)
        if not isinstance(venue, str) or venue not in self._dialects:
            known = ", ".join(self._dialects)
            raise UnknownVenue(f"the lab has no venue {brief(venue)}; it has {known}")
        return [venue]

    def _run(self, name: str, /, *, venue: str | None = None, **arguments: Any) -> Any:
        """One venue's answer, or without ``venue`` all of them by venue.

        A switch-off that finds something at one venue need not find it at each.
        """
        venues = self._venues(venue)
        if venue is not None:
            return self._at(venue, name, arguments)
        if len(venues) > 1 and (own := own_arguments(name, arguments)):
            raise BadInput(
                f"{name} with {sorted(own)[0]}= is one venue's: say which, with venue= one of "
                f"{', '.join(venues)}"
            )
        answers: dict[str, Any] = {}
        refused: dict[str, BadInput] = {}
        for one in venues:
            try:
                answers[one] = self._at(one, name, arguments)
            except BadInput as error:
                refused[one] = error
        if refused and not answers:
            raise next(iter(refused.values()))
        if refused and "off" not in arguments:
            text = "; ".join(f"{one}: {error}" for one, error in refused.items())
            raise BadInput(f"{text} (done at {', '.join(answers)})")
        return answers

    def _at(self, venue: str, name: str, arguments: Mapping[str, Any]) -> Any:
        try:
            answer = self._dialects[venue].command(name, arguments, self._market.exchange_ns())
        finally:
            self._market.reschedule_deadlines()
        return answer | {"paused": self._paused(venue)} if name == "limits" else answer


def own_arguments(name: str, arguments: Mapping[str, Any]) -> set[str]:
    """The arguments of a command that mean something at one venue only."""
    if name != "fault":
        return set(arguments) - SHARED_ARGUMENTS[name]
    own = {one for one in arguments if one in SCOPES}
    return own | {"off"} if isinstance(arguments.get("off"), int) else own
