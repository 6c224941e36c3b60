"""What the lab's owner can command: names to functions, JSON in and JSON out.

The control port is the server's business; this module is pure. Every call carries the token in
a header, compared in constant time. An error goes back as data
(:class:`vocx.lab.service.failure.Failure`) and is raised again where the command came from.
"""

from __future__ import annotations

import hmac
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from inspect import isawaitable
from typing import Any

import msgspec

from vocx.errors import BadInput, RecordingError, UnknownSymbol, VocxError
from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.events import BookLevel
from vocx.lab.market.truth_log import KINDS, TruthLog, text
from vocx.lab.ports import Market, MarketSimulation
from vocx.lab.service.config import TOKEN_HEADER
from vocx.lab.service.failure import Failure, one_line, to_failure
from vocx.lab.service.venue_commands import VenueCommands

Command = Callable[..., Any]
"""Takes the arguments of a command by name; may be a coroutine function."""

READS = frozenset(
    {"ready", "status", "tls", "traffic", "truth.book", "truth.events", "network.state"}
)
"""Commands that change nothing: carried out as often as they come."""
REMEMBERED = 256
"""Answers that are kept for a client that lost one."""
EVENTS_AT_ONCE = 2000
JSON = {"Content-Type": "application/json"}

log = logging.getLogger("vocx.lab")


class Message(msgspec.Struct, frozen=True):
    """One command as it comes."""

    op: str
    arguments: dict[str, Any] = {}
    id: str = ""


class Control:
    """Answers ``POST /`` with ``{"op": ..., "arguments": {...}, "id": ...}``.

    A client that lost an answer sends the command again with the same ``id``: it is carried out
    once, and its answer given again.

    Parameters
    ----------
    commands : mapping
        Operation name to function.
    network : callable
        ``Dials.command``: takes everything named ``network.*``.
    contact : callable
        Called at each command: somebody is there.
    venues : VenueCommands
        Takes the commands of venues, ``limits.pause`` and ``limits.resume``.
    """

    def __init__(
        self,
        token: str,
        commands: Mapping[str, Command],
        network: Callable[[str, Mapping[str, Any]], Any],
        contact: Callable[[], None],
        venues: VenueCommands,
    ) -> None:
        self._token = token.encode()
        self._commands = {**commands, **venues.commands()}
        self._network = network
        self._contact = contact
        self._venues = venues
        self._done: OrderedDict[str, HttpOut] = OrderedDict()

    async def answer(self, request: HttpIn, connection: Hashable) -> HttpOut:
        """The answer to one command; never raises. ``connection`` is what it came on."""
        given = request.headers.get(TOKEN_HEADER.lower(), "").encode()
        if not hmac.compare_digest(given, self._token):
            return reply(401, Failure(error="LabError", text="the control token is wrong"))
        self._contact()
        try:
            message = msgspec.json.decode(request.body, type=Message)
        except msgspec.MsgspecError as error:
            text = f'a command is {{"op": "...", "arguments": {{...}}}}: {error}'
            return reply(400, Failure(error="BadInput", text=text))
        if message.id in self._done:
            return self._done[message.id]
        try:
            answer = reply(200, await self._run(message.op, message.arguments, connection))
        except VocxError as error:
            answer = reply(400, to_failure(error))
        except Exception as error:
            log.error("%s failed: %s", message.op[:80], one_line(error))
            answer = reply(400, to_failure(error))
        if message.id and message.op not in READS:
            self._done[message.id] = answer
            if len(self._done) > REMEMBERED:
                self._done.popitem(last=False)
        return answer

    def disconnected(self, connection: Hashable) -> None:
        """A connection is gone."""
        self._venues.resume_limits(connection)

    async def _run(self, name: str, arguments: dict[str, Any], connection: Hashable) -> Any:
        if name.startswith("network."):
            return self._network(name, arguments)
        connected: dict[str, Command] = {
            "limits.pause": partial(self._venues.pause_limits, connection),
            "limits.resume": partial(self._venues.resume_limits, connection),
        }
        command = self._commands.get(name) or connected.get(name)
        if command is None:
            known = ", ".join([*self._commands, *connected])
            raise BadInput(f"the lab has no command {name!r}; it has {known}, network.*")
        try:
            result = command(**arguments)
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

        def levels(side: list[BookLevel]) -> list[tuple[str, str]]:
            return [(text(spec.to_price(p)), text(spec.to_quantity(q))) for p, q, _ in side]

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
