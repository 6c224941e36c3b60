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

from vocx.arguments import brief
from vocx.errors import BadInput, UnknownSymbol, UnknownVenue, VocxError
from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.events import BookLevel
from vocx.lab.market.truth_log import KINDS, TruthLog, text
from vocx.lab.ports import Market, MarketLoop
from vocx.lab.service.config import TOKEN_HEADER
from vocx.lab.service.failure import Failure, one_line, to_failure
from vocx.lab.service.venue_commands import VenueCommands
from vocx.lab.settings import whole
from vocx.timing import mono_ns

Command = Callable[..., Any]
"""Takes the arguments of a command by name; may be a coroutine function."""

REPEATABLE = frozenset(
    {
        "ready",
        "status",
        "tls",
        "traffic",
        "truth.book",
        "truth.events",
        "network.state",
        "limits.pause",
        "limits.resume",
    }
)
"""Commands that are carried out as often as they come: they only ask, or hold for a connection."""
REMEMBERED = 256
"""Answers that are kept for a client that lost one."""
EVENTS_AT_ONCE = 2000
MOST = 2**62
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
    venues : VenueCommands
        Those of the venues; ``limits.pause`` and ``limits.resume`` belong to a connection.
    contact : callable
        Called at each command: somebody is there.
    """

    def __init__(
        self,
        token: str,
        commands: Mapping[str, Command],
        venues: VenueCommands,
        contact: Callable[[], None],
    ) -> None:
        self._token = token.encode()
        self._commands = {**commands, **venues.commands()}
        self._venues, self._contact = venues, contact
        self._done: OrderedDict[str, HttpOut] = OrderedDict()

    async def answer(self, request: HttpIn, connection: Hashable) -> HttpOut:
        """The answer to one command; never raises. ``connection`` is what it came on."""
        given = request.headers.get(TOKEN_HEADER.lower(), "").encode()
        if not hmac.compare_digest(given, self._token):
            return reply(401, Failure(error="LabError", text="the control token is wrong"))
        self._contact()
        try:
            message = msgspec.json.decode(request.body, type=Message)
        except (msgspec.MsgspecError, RecursionError) as error:
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
        if message.id and message.op not in REPEATABLE:
            self._done[message.id] = answer
            if len(self._done) > REMEMBERED:
                self._done.popitem(last=False)
        return answer

    def disconnected(self, connection: Hashable) -> None:
        """A connection is gone."""
        self._venues.resume_limits(connection)

    async def _run(self, name: str, arguments: dict[str, Any], connection: Hashable) -> Any:
        connected: dict[str, Command] = {
            "limits.pause": partial(self._venues.pause_limits, connection),
            "limits.resume": partial(self._venues.resume_limits, connection),
        }
        command = self._commands.get(name) or connected.get(name)
        if command is None:
            known = ", ".join([*self._commands, *connected])
            raise BadInput(f"the lab has no command {name!r}; it has {known}")
        try:
            result = command(**arguments)
        except TypeError as error:
            raise BadInput(f"{name}: {error}") from error
        return await result if isawaitable(result) else result


def reply(status: int, value: Any) -> HttpOut:
    """A JSON answer."""
    return HttpOut(status=status, headers=JSON, body=msgspec.json.encode(value))


class TruthCommands:
    """Commands that ask what the engine of a venue knows (by default of the lab's first one). The
    error that ended a replay is raised instead."""

    def __init__(self, market: MarketLoop, logs: Mapping[str, TruthLog]) -> None:
        self._market_loop, self._logs = market, logs

    def commands(self) -> dict[str, Command]:
        """By name."""
        return {"truth.book": self.book, "truth.events": self.events}

    def book(self, symbol: str, depth: int = 20, venue: str | None = None) -> dict[str, Any]:
        """The book now, best levels first, numbers as text."""
        self._check()
        market = self._market(symbol, self._venue(venue))
        whole("depth", depth, 1, 5000)
        spec = market.spec
        bids, asks = market.top(depth)

        def levels(side: list[BookLevel]) -> list[tuple[str, str]]:
            return [(text(spec.to_price(p)), text(spec.to_quantity(q))) for p, q, _ in side]

        return {
            "symbol": symbol,
            "sequence": market.update_id,
            "bids": levels(bids),
            "asks": levels(asks),
            "exchange_ns": self._market_loop.exchange_ns(),
            "mono_ns": mono_ns(),
        }

    def events(
        self,
        since: int | None = None,
        symbol: str | None = None,
        kind: str | None = None,
        owner: str | None = None,
        limit: int = EVENTS_AT_ONCE,
        venue: str | None = None,
    ) -> dict[str, Any]:
        """Events from number ``since`` on (``None``: none yet, only the next number)."""
        self._check()
        venue = self._venue(venue)
        if symbol is not None:
            self._market(symbol, venue)
        if kind is not None and kind not in KINDS.values():
            raise BadInput(f"kind is {kind!r}; the log has {', '.join(KINDS.values())}")
        log = self._logs[venue]
        start = log.next if since is None else min(whole("since", since, 0, MOST), log.next)
        return log.since(
            start,
            self._market_loop.simulations[venue].markets,
            symbol=symbol,
            kind=kind,
            owner=owner,
            limit=min(whole("limit", limit, 1, MOST), EVENTS_AT_ONCE),
        )

    def _venue(self, venue: str | None) -> str:
        if venue is None:
            return next(iter(self._logs))
        if not isinstance(venue, str) or venue not in self._logs:
            known = ", ".join(self._logs)
            raise UnknownVenue(f"the lab has no venue {brief(venue)}; it has {known}")
        return venue

    def _market(self, symbol: str, venue: str) -> Market:
        markets = self._market_loop.simulations[venue].markets
        if not isinstance(symbol, str) or symbol not in markets:
            raise UnknownSymbol(f"the lab has no {brief(symbol)}; it has {', '.join(markets)}")
        return markets[symbol]

    def _check(self) -> None:
        if (error := self._market_loop.error) is not None:
            raise error
