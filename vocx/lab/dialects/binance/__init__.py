"""Binance Spot as an exchange speaks it: REST, market streams and the WebSocket API.

Written from the notes on the official documentation (commit a5e0bc3 of 2026-07-21, changelog up
to 2026-09-18), independently of the client's side in ``vocx.venues``, on what all dialects share
(``vocx.lab.dialects.shared``). One idea a module:

===================  ==========================================================================
``wire``             times, errors, JSON
``params``           parameters and their refusals
``catalogue``        the listed symbols; numbering of aggregate trades
``limits``           weights, orders, connections; how an excess is worded
``endpoint``         what an endpoint is
``calls``            one call of an endpoint: signed or not, over REST or the WebSocket API
``market``           ``depth``, ``trades``, ``klines``, ``exchangeInfo`` ...
``tickers``          24 hours, trading day, rolling, best prices
``order_form``       a new order as it was sent
``filters``          what orders are held to
``orders``           placing, cancelling, replacing, queries
``account``          balances, fills, rates
``wallet``           what clients ask beside the Spot API
``selection``        which orders or fills are meant
``reports``          orders and fills as they are written
``rest``             the REST surface
``api_session``      the WebSocket API
``topics``           stream names and what each sends
``payloads``         stream payloads
``sessions``         stream connections and their control messages
``private_channels`` events of an account
``recording``        frames of a recorded session
``fault_responses``  what switchable faults answer and send
===================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from vocx.lab.dialects.base import Close, HttpIn, HttpOut, KeyPair
from vocx.lab.dialects.binance import api_session, rest
from vocx.lab.dialects.binance.account import STANDARD_FEES
from vocx.lab.dialects.binance.api_session import ApiSession, close_banned
from vocx.lab.dialects.binance.calls import Backend
from vocx.lab.dialects.binance.catalogue import new_catalogue
from vocx.lab.dialects.binance.fault_responses import FaultResponses, html, internal_error
from vocx.lab.dialects.binance.limits import CONNECTIONS, STREAM_CONNECTIONS, new_limiter
from vocx.lab.dialects.binance.private_channels import UserData
from vocx.lab.dialects.binance.recording import BinanceRecording
from vocx.lab.dialects.binance.sessions import StreamSession
from vocx.lab.dialects.binance.topics import Topics, names_of
from vocx.lab.dialects.binance.wire import Refusal, refused, time_unit
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.connections import Connection, PingPolicy
from vocx.lab.dialects.shared.dialect import VenueDialect
from vocx.lab.dialects.shared.keys import KeyRing
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.dialects.shared.rate_limiter import Rule
from vocx.lab.events import AccountEvent
from vocx.lab.ports import MarketSimulation, RecordingFormat


class Binance(VenueDialect):
    """One Binance Spot venue over a simulation.

    Pings (web-socket-streams.md, a5e0bc3 of 2026-07-21): the server pings every 20 s and wants a
    pong with the same payload within a minute; unsolicited pongs are allowed and do not help; a
    connection ends after 24 hours. A missing pong is answered with 1008 ``Pong timeout`` (seen
    2021 and 2024). The code at 24 hours is not documented: 1001, what clients have logged for
    closes by the server.

    Parameters
    ----------
    simulation : MarketSimulation
        The markets and what drives them.
    start_ns : int
        The exchange's clock at the start.
    credentials : KeyPair or None
        Of the lab's default account.
    """

    name = "binance"
    paths: Mapping[str, str] = {"rest": "", "ws": "", "ws_api": api_session.PATH}
    recording: RecordingFormat = BinanceRecording()
    policy = PingPolicy(
        ping_every_ns=20 * NS_PER_S,
        pong_within_ns=60 * NS_PER_S,
        life_ns=24 * 3600 * NS_PER_S,
        lifetime=Close(1001, "Connection lifetime of 24 hours is over"),
    )

    def __init__(
        self, simulation: MarketSimulation, *, start_ns: int, credentials: KeyPair | None = None
    ) -> None:
        self.simulation = simulation
        self.credentials = credentials
        catalogue = new_catalogue(simulation.markets)
        streams = Topics(simulation, catalogue)
        self._users = UserData(catalogue, lambda: self.gateway.skew_ns)
        gateway = AccountGateway(
            self.name,
            simulation,
            KeyRing("[A-Za-z0-9]{64}", "64 letters and digits"),
            credentials,
            start_ns,
            STANDARD_FEES,
        )
        super().__init__(
            limiter=new_limiter(),
            publisher=streams,
            responses=FaultResponses(),
            gateway=gateway,
            subscriptions=self._users,
        )
        self.backend = Backend(catalogue, self.limiter, gateway)

    @classmethod
    def create(cls, simulation: MarketSimulation, *, start_ns: int, entropy: bytes) -> Binance:
        """The venue of a lab, with a random key of its own."""
        key = KeyPair(key=entropy[:32].hex(), secret=entropy[32:].hex())
        return cls(simulation, start_ns=start_ns, credentials=key)

    def http(self, request: HttpIn, now_ns: int) -> HttpOut:
        """As all venues, with the headers that every answer carries; a ban ends the address'
        WebSocket API connections, too."""
        answer = rest.completed(self.backend, super().http(request, now_ns), request, now_ns)
        if answer.status == 418:
            close_banned(self, request.peer)
        return answer

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one REST request."""
        return rest.answer(self.backend, request, now_ns)

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        """-1000 with the headers that every answer carries."""
        return rest.completed(self.backend, internal_error(), request, now_ns)

    def connect(self, request: HttpIn, now_ns: int) -> Connection | HttpOut:
        """A WebSocket upgrade on ``/ws...``, ``/stream...`` or ``/ws-api/v3``."""
        path, _, query = request.target.partition("?")
        options = dict(parse_qsl(query, keep_blank_values=True))
        try:
            unit_ns = time_unit(options.get("timeUnit"))
            if path.rstrip("/") == api_session.PATH:
                return self._connect_api(request.peer, options, unit_ns, now_ns)
            first, _, after = path.removeprefix("/streams").lstrip("/").partition("/")
            if first not in ("ws", "stream"):
                return html(404)
            self._count_connection(request.peer, STREAM_CONNECTIONS, now_ns)
        except Refusal as refusal:
            return refused(refusal)
        combined = first == "stream"
        names = names_of(_streams_of(query) if combined else after)
        if not combined and not any("@" in name for name in names):
            names = []
        session = StreamSession(self, now_ns, request.peer, combined=combined, unit_ns=unit_ns)
        session.begin(names, now_ns)
        return session

    def _connect_api(
        self, peer: str, options: Mapping[str, str], unit_ns: int, now_ns: int
    ) -> ApiSession:
        self._count_connection(peer, CONNECTIONS, now_ns)
        self.backend.charge(peer, api_session.CONNECT_WEIGHT, now_ns, raw=False)
        rate_limits = options.get("returnRateLimits") != "false"
        return ApiSession(
            self,
            self.backend,
            self._users,
            now_ns,
            peer,
            unit_ns=unit_ns,
            rate_limits=rate_limits,
        )

    def _count_connection(self, peer: str, rule: Rule, now_ns: int) -> None:
        """Count a connection attempt; too many in five minutes are refused."""
        self.limiter.refuse_banned(peer, now_ns)
        if self.limiter.add(rule, peer, 1, now_ns):
            raise self.limiter.too_many(rule, now_ns, peer)

    def happened(self, events: Sequence[AccountEvent], now_ns: int) -> None:
        """First fills give back what orders count."""
        for owner in {event.owner for event in events}:
            self.backend.counts.sync(owner, now_ns)

    def shutdown_notice(self, session: Connection, now_ns: int) -> bytes | None:
        """``serverShutdown`` in each connection's shape."""
        if isinstance(session, ApiSession | StreamSession):
            return session.shutdown_notice(now_ns)
        return None


def _streams_of(query: str) -> str:
    """The raw value of ``streams``: its names are percent-decoded one by one."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == "streams":
            return value.replace("%2F", "/").replace("%2f", "/")
    return ""
