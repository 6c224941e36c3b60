"""What the lab's owner can command: names to functions, JSON in and JSON out.

The control port is the server's business; this module is pure. Every call carries the token in
a header, compared in constant time. An error goes back as data
(:class:`vocx.lab.service.failure.Failure`) and is raised again where the command came from.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Hashable, Mapping
from inspect import isawaitable
from typing import Any

import msgspec

from vocx.errors import BadInput, RecordingError, UnknownSymbol, UnknownVenue, VocxError
from vocx.lab.dialects.base import Dialect, HttpIn, HttpOut
from vocx.lab.market.truth_log import KINDS, TruthLog, text
from vocx.lab.ports import Market, MarketSimulation
from vocx.lab.service.config import TOKEN_HEADER
from vocx.lab.service.failure import Failure, one_line, to_failure

Command = Callable[..., Any]
"""Takes the arguments of a command by name; may be a coroutine function."""

VENUE_COMMANDS = ("limits", "keepalive", "shutdown", "fault", "account", "skew")
EVENTS_AT_ONCE = 2000
JSON = {"Content-Type": "application/json"}

log = logging.getLogger("vocx.lab")


class LimitPauses:
    """Who has put rate limits aside: each venue's come back when the last of them has ended.

    A pause belongs to the control connection it was asked for on, and ends with that at the
    latest, so that a client that dies leaves no limits off.
    """

    def __init__(self, dialects: Mapping[str, Dialect]) -> None:
        self._dialects = dialects
        self._venues: dict[Hashable, frozenset[str]] = {}

    def begin(self, connection: Hashable, venue: str | None = None) -> None:
        """Pause the limits of a venue (``None``: of all)."""
        self._venues[connection] = frozenset(venues_of(self._dialects, venue))
        self._apply()

    def end(self, connection: Hashable) -> None:
        """Take back the pause of that connection, if it has one."""
        if self._venues.pop(connection, None):
            self._apply()

    def paused(self, venue: str) -> bool:
        """Whether anybody has paused this venue's limits."""
        return any(venue in venues for venues in self._venues.values())

    def _apply(self) -> None:
        for name, dialect in self._dialects.items():
            dialect.pause_limits(self.paused(name))


class Control:
    """Answers ``POST /`` with ``{"op": ..., "arguments": {...}}``.

    Parameters
    ----------
    commands : mapping
        Operation name to function.
    network : callable
        ``Dials.command``: takes everything named ``network.*``.
    contact : callable
        Called at each command: somebody is there.
    pauses : LimitPauses
        Takes ``limits.pause`` and ``limits.resume``.
    """

    def __init__(
        self,
        token: str,
        commands: Mapping[str, Command],
        network: Callable[[str, Mapping[str, Any]], Any],
        contact: Callable[[], None],
        pauses: LimitPauses,
    ) -> None:
        self._token = token.encode()
        self._commands = commands
        self._network = network
        self._contact = contact
        self._pauses = pauses

    async def answer(self, request: HttpIn, connection: Hashable) -> HttpOut:
        """The answer to one command; never raises. ``connection`` is what it came on."""
        given = request.headers.get(TOKEN_HEADER.lower(), "").encode()
        if not hmac.compare_digest(given, self._token):
            return reply(401, Failure(error="LabError", text="the control token is wrong"))
        try:
            return reply(200, await self._run(request.body, connection))
        except VocxError as error:
            return reply(400, to_failure(error))
        except Exception as error:
            log.error("a command failed: %s", one_line(error))
            return reply(400, to_failure(error))

    def disconnected(self, connection: Hashable) -> None:
        """A connection is gone."""
        self._pauses.end(connection)

    async def _run(self, body: bytes, connection: Hashable) -> Any:
        try:
            message = msgspec.json.decode(body)
            name, arguments = message["op"], dict(message.get("arguments") or {})
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
            raise BadInput('a command is {"op": ..., "arguments": {...}}') from None
        self._contact()
        if str(name).startswith("network."):
            return self._network(name, arguments)
        if name == "limits.resume":
            return self._pauses.end(connection)
        if name == "limits.pause":
            return self._pauses.begin(connection, arguments.get("venue"))
        if name not in self._commands:
            raise BadInput(f"the lab has no command {name!r}; it has {', '.join(self._commands)}")
        try:
            result = self._commands[name](**arguments)
        except TypeError as error:
            raise BadInput(f"{name}: {error}") from error
        return await result if isawaitable(result) else result


def reply(status: int, value: Any) -> HttpOut:
    """A JSON answer."""
    return HttpOut(status=status, headers=JSON, body=msgspec.json.encode(value))


class TruthCommands:
    """Orders that ask what the engine knows.

    Parameters
    ----------
    error : callable
        Gives the error that ended a replay, which is raised instead of an answer.
    mono_ns : callable
        ``CLOCK_MONOTONIC`` now.
    """

    def __init__(
        self,
        simulation: MarketSimulation,
        log: TruthLog,
        error: Callable[[], RecordingError | None],
        exchange_ns: Callable[[], int],
        mono_ns: Callable[[], int],
    ) -> None:
        self._simulation, self._log = simulation, log
        self._error, self._exchange_ns, self._mono_ns = error, exchange_ns, mono_ns

    def commands(self) -> dict[str, Command]:
        return {"truth.book": self.book, "truth.events": self.events}

    def book(self, symbol: str, depth: int = 20) -> dict[str, Any]:
        """The book now, best levels first, numbers as text."""
        self._check()
        market = self._market(symbol)
        if isinstance(depth, bool) or not isinstance(depth, int) or not 1 <= depth <= 5000:
            raise BadInput(f"depth is {depth!r}; write a whole number from 1 to 5000")
        spec = market.spec
        bids, asks = market.top(depth)

        def levels(side: list[tuple[int, int]]) -> list[tuple[str, str]]:
            return [(text(spec.to_price(p)), text(spec.to_quantity(q))) for p, q in side]

        return {
            "symbol": symbol,
            "sequence": market.update_id,
            "bids": levels(bids),
            "asks": levels(asks),
            "exchange_ns": self._exchange_ns(),
            "mono_ns": self._mono_ns(),
        }

    def events(
        self,
        since: int | None = None,
        symbol: str | None = None,
        kind: str | None = None,
        owner: str | None = None,
        limit: int = EVENTS_AT_ONCE,
    ) -> dict[str, Any]:
        """Events from number ``since`` on (``None``: none yet, only the next number)."""
        self._check()
        if symbol is not None:
            self._market(symbol)
        if kind is not None and kind not in KINDS.values():
            raise BadInput(f"kind is {kind!r}; the log has {', '.join(KINDS.values())}")
        start = self._log.next if since is None else since
        limit = min(max(limit, 1), EVENTS_AT_ONCE)
        return self._log.since(
            start, self._simulation.markets, symbol=symbol, kind=kind, owner=owner, limit=limit
        )

    def _market(self, symbol: str) -> Market:
        if symbol not in self._simulation.markets:
            known = ", ".join(self._simulation.markets)
            raise UnknownSymbol(f"the lab has no {symbol!r}; it has {known}")
        return self._simulation.markets[symbol]

    def _check(self) -> None:
        if (error := self._error()) is not None:
            raise error


def venues_of(dialects: Mapping[str, Dialect], venue: str | None) -> list[str]:
    """The venues that a command is for: the one that it names, or all.

    Raises
    ------
    UnknownVenue
        The lab does not play it.
    """
    if venue is None:
        return list(dialects)
    if venue not in dialects:
        raise UnknownVenue(f"the lab has no venue {venue!r}; it has {', '.join(dialects)}")
    return [venue]


def venue_commands(
    dialects: Mapping[str, Dialect],
    pauses: LimitPauses,
    exchange_ns: Callable[[], int],
    reschedule: Callable[[], None],
) -> dict[str, Command]:
    """Orders that a venue's dialect carries out: ``venue`` names it where there are several."""

    def made(name: str) -> Command:
        def command(venue: str | None = None, **arguments: Any) -> Any:
            if venue is None and len(dialects) == 1:
                venue = next(iter(dialects))
            if venue is None or venue not in dialects:
                raise UnknownVenue(f"the lab has no venue {venue!r}; it has {', '.join(dialects)}")
            try:
                answer = dialects[venue].command(name, arguments, exchange_ns())
                return answer | {"paused": pauses.paused(venue)} if name == "limits" else answer
            finally:
                reschedule()

        return command

    return {name: made(name) for name in VENUE_COMMANDS}
