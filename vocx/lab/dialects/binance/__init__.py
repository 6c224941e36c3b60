"""Binance Spot as an exchange speaks it: REST, market streams and the WebSocket API.

Written from the notes on the official documentation (commit a5e0bc3 of 2026-07-21, changelog up
to 2026-09-18), independently of the client's side in ``vocx.venues``. One idea a module:

==============  ===============================================================================
``wire``        numbers, times, errors as texts
``params``      parameters and their refusals
``catalogue``   the listed symbols; numbering of aggregate trades
``calls``       what an endpoint is; it serves REST and the WebSocket API alike
``market``      ``depth``, ``trades``, ``klines``, ``exchangeInfo`` ...
``tickers``     24 hours, trading day, rolling, best prices
``rest``        the REST surface
``ws_api``      the WebSocket API surface
``topics``      stream names and audiences
``payloads``    stream payloads
``cadence``     streams that are sent at fixed times
``streams``     events to messages
``recording``   frames of a recorded session
``control``     SUBSCRIBE and its kin
``sessions``    stream connections
``keepalive``   pings, deadlines, 24 hours
``weights``     limits, 429, bans
``faulty``      where switchable faults meet the streams
``outages``     what switchable faults answer
==============  ===============================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from vocx.errors import BadInput
from vocx.lab.dialects.base import Close, HttpIn, HttpOut, Publication, Session
from vocx.lab.dialects.binance import faulty, outages, ws_api
from vocx.lab.dialects.binance.catalogue import Catalogue
from vocx.lab.dialects.binance.keepalive import Keepalive
from vocx.lab.dialects.binance.office import Office
from vocx.lab.dialects.binance.recording import BinanceRecording
from vocx.lab.dialects.binance.rest import Rest
from vocx.lab.dialects.binance.sessions import StreamSession
from vocx.lab.dialects.binance.streams import Streams
from vocx.lab.dialects.binance.topics import names_of
from vocx.lab.dialects.binance.user_data import UserData
from vocx.lab.dialects.binance.weights import CONNECTIONS, STREAM_CONNECTIONS, Meter, Rule
from vocx.lab.dialects.binance.wire import NS_PER_MS, NS_PER_US, Refusal, time_unit
from vocx.lab.dialects.binance.ws_api import Api, ApiSession, Options
from vocx.lab.events import AccountEvent, AnyEvent, BalancesChanged, Event, Executed
from vocx.lab.faults import Faults
from vocx.lab.ports import MarketSimulation, RecordingFormat

Connections = StreamSession | ApiSession


class Binance:
    """One Binance Spot venue over a simulation.

    Parameters
    ----------
    simulation : MarketSimulation
        The markets and what drives them.
    start_ns : int
        The exchange's clock at the start.
    credentials : object or None
        ``key`` and ``secret`` of the lab's account.
    """

    name = "binance"
    paths: Mapping[str, str] = {"rest": "", "ws": "", "ws_api": ws_api.PATH}
    recording: RecordingFormat = BinanceRecording()

    def __init__(
        self, simulation: MarketSimulation, *, start_ns: int, credentials: Any = None
    ) -> None:
        self.simulation = simulation
        self.start_ns = start_ns
        self.credentials = credentials
        self.meter = Meter()
        self.faults = Faults()
        self.catalogue = Catalogue(simulation.markets)
        self.streams = Streams(simulation, self.catalogue)
        self._spoiler = faulty.Spoiler(self.faults, self.streams)
        self._users = UserData(self.catalogue)
        self.office = Office(simulation, self.meter, self._users, credentials, start_ns)
        self._rest = Rest(self.catalogue, self.meter, self.faults, self.office)
        self._api = Api(self.catalogue, self.meter, self.faults, self.office)
        self._sessions: dict[Connections, None] = {}
        self._outbox: list[Publication] = []
        self._keepalive_scale = 1.0
        self.listened = False
        self.emit: Callable[[Sequence[AnyEvent]], None] = lambda _: None

    # -- requests ------------------------------------------------------------------------------

    def http(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one REST request."""
        self.meter.at(now_ns)
        answer = self._rest.answer(request, now_ns)
        if answer.status == 418:
            self.close_banned(request.peer)
        self.settle()
        return answer

    def open(self, request: HttpIn, now_ns: int) -> Session | HttpOut:
        """A WebSocket upgrade on ``/ws...``, ``/stream...`` or ``/ws-api/v3``."""
        path, _, query = request.target.partition("?")
        fault = self.faults.dial(path)
        if fault is not None:
            return outages.refused_dial(fault)
        self.meter.at(now_ns)
        options = dict(parse_qsl(query, keep_blank_values=True))
        try:
            unit_ns = time_unit(options.get("timeUnit"))
            if path.rstrip("/") == ws_api.PATH:
                return self._open_api(request, options, unit_ns, now_ns)
            first, _, rest = path.removeprefix("/streams").lstrip("/").partition("/")
            if first not in ("ws", "stream"):
                return outages.html(404)
            self._dialled(request.peer, STREAM_CONNECTIONS, now_ns)
        except Refusal as refusal:
            return outages.refused(refusal)
        combined = first == "stream"
        wanted = names_of(_streams_of(query) if combined else rest)
        if not combined and not any("@" in name for name in wanted):
            wanted = []
        session = StreamSession(
            self,
            Keepalive(now_ns, self._keepalive_scale),
            request.peer,
            combined=combined,
            micro=unit_ns == NS_PER_US,
        )
        self._sessions[session] = None
        session.begin(wanted, now_ns)
        return session

    def _open_api(
        self, request: HttpIn, options: Mapping[str, str], unit_ns: int, now_ns: int
    ) -> Session:
        self._dialled(request.peer, CONNECTIONS, now_ns)
        self.meter.charge(request.peer, ws_api.CONNECT_WEIGHT, now_ns, raw=False)
        session = ApiSession(
            self,
            self._api,
            Keepalive(now_ns, self._keepalive_scale),
            request.peer,
            Options(unit_ns, options.get("returnRateLimits") != "false"),
            now_ns,
        )
        self._sessions[session] = None
        return session

    def _dialled(self, peer: str, rule: Rule, now_ns: int) -> None:
        """Count a connection attempt; too many in five minutes are refused (the documentation
        does not say how: 429 here)."""
        self.meter.refuse_banned(peer, now_ns)
        wait_s = self.meter.count(peer, rule, now_ns)
        if wait_s is not None:
            text = f"Too many connections; current limit is {self.meter.limit(rule)} per 5 MINUTE."
            after = {"Retry-After": str(-int(-wait_s // 1))}
            raise Refusal(-1003, text, status=429, headers=after)

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        """-1000 with the headers that every answer carries."""
        return self._rest.completed(outages.internal_error(), request, now_ns)

    # -- events and time -----------------------------------------------------------------------

    @property
    def next_tick_ns(self) -> int:
        """0 while something waits to be sent, else when the next stream is due."""
        return 0 if self._outbox else self.streams.next_tick_ns

    def settle(self) -> None:
        """A request has been answered: whoever runs this dialect learns what it has changed."""
        if self.office.pending:
            events, self.office.pending = self.office.pending, []
            self.emit(events)

    def publish(self, events: Iterable[AnyEvent], now_ns: int) -> Iterable[Publication]:
        """What events mean for those who listen, in order; an account's for its own alone."""
        public: list[Event] = []
        private: list[AccountEvent] = []
        for event in events:
            if isinstance(event, Executed | BalancesChanged):
                private.append(event)
            else:
                public.append(event)
        out = self.streams.publish(public, now_ns)
        if private:
            self.office.counts.happened(private, now_ns)
            out += self._users.publish(private, now_ns)
        return out

    def tick(self, now_ns: int) -> Iterable[Publication]:
        """What waits to be sent, then streams that are due."""
        waiting, self._outbox = self._outbox, []
        return [*waiting, *self.streams.tick(now_ns)]

    # -- connections ---------------------------------------------------------------------------

    def began(self) -> None:
        """A first subscription: a recording starts to play."""
        self.listened = True

    def left(self, session: Connections) -> None:
        """A connection is gone."""
        self._sessions.pop(session, None)

    def close_banned(self, peer: str) -> None:
        """An address has been banned: its WebSocket API connections end too."""
        banned = [
            one
            for one in self._sessions
            if isinstance(one, ApiSession) and one.peer == peer and not one.over
        ]
        for one in banned:
            one.over = True
        if banned:
            self._outbox.append(Publication(Close(1008, "IP banned"), tuple(banned)))

    # -- the owner -----------------------------------------------------------------------------

    def pause_limits(self, paused: bool) -> None:
        """Put the limits aside for a while."""
        self.meter.paused = paused

    def command(self, name: str, arguments: Mapping[str, Any], now_ns: int) -> Any:
        """An order of the lab's owner.

        ``limits`` (see :meth:`Meter.command`), ``keepalive`` (``scale``), ``shutdown``, ``fault``
        (see :meth:`Faults.command`), ``account`` (see :meth:`Office.account_command`), ``skew``
        (``seconds``: the exchange's clock ahead of the truth, below 0 behind).
        """
        if name == "limits":
            if arguments.get("reset"):
                self.office.counts.reset()
            return self.meter.command(arguments, now_ns)
        if name == "account":
            return self.office.account_command(arguments)
        if name == "skew":
            return self.office.skew_command(arguments)
        if name == "fault":
            state = self.faults.command(arguments)
            self._spoiler.refresh()
            return state
        if name == "keepalive":
            return self._set_keepalive(arguments)
        if name == "shutdown":
            return self._shut_down(now_ns)
        raise BadInput(
            f"binance has no command {name!r}; it has limits, keepalive, shutdown, fault, "
            "account, skew"
        )

    def _set_keepalive(self, arguments: Mapping[str, Any]) -> dict[str, float]:
        scale = arguments.get("scale", self._keepalive_scale)
        if set(arguments) - {"scale"} or not isinstance(scale, int | float) or not scale > 0:
            raise BadInput("keepalive has one setting: scale, a number above 0")
        self._keepalive_scale = float(scale)
        for session in self._sessions:
            session.keepalive.scale = self._keepalive_scale
        return {"scale": self._keepalive_scale}

    def _shut_down(self, now_ns: int) -> dict[str, int]:
        """``serverShutdown`` in each connection's shape, then 1001."""
        event = b'{"e":"serverShutdown","E":%d}' % (now_ns // NS_PER_MS)
        shapes: dict[bytes, list[Session]] = {}
        for session in self._sessions:
            if isinstance(session, ApiSession):
                text = b'{"event":' + event + b"}"
            elif session.combined:
                text = b'{"stream":"!serverShutdown","data":' + event + b"}"
            else:
                text = event
            shapes.setdefault(text, []).append(session)
        for text, sessions in shapes.items():
            self._outbox.append(Publication(text, tuple(sessions)))
            self._outbox.append(Publication(Close(1001, "Server shutdown"), tuple(sessions)))
        return {"connections": len(self._sessions)}


def _streams_of(query: str) -> str:
    """The raw value of ``streams``: its names are percent-decoded one by one."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == "streams":
            return value.replace("%2F", "/").replace("%2f", "/")
    return ""
