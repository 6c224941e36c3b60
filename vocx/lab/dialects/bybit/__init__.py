"""Bybit V5, category spot, as the lab plays it.

Written from Bybit's documentation (V5, 2026-07-24), its SDK and what others recorded up to
2026-11, independently of the client in :mod:`vocx.venues.bybit`.

What the venue has and the lab has not, with reasons: RSA keys (HMAC is what all clients here use);
the demo environment (every lab is one); conditional orders, RPI and other categories (asked for,
they are empty or refused by their codes); duplicate or late rows of the private stream (faults hit
public topics and answers; a reconnecting client gets rows anew from REST); wrong capitals of HTTP
methods, which the server below does not pass on.

Clients that run against it with their URLs changed: pybit 5.17.0, ccxt 4.5.90 with its sockets,
cryptofeed 2.4.1 (over TLS).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.dialects.base import HttpIn, HttpOut, KeyPair, Publication
from vocx.lab.dialects.bybit import limits, rest
from vocx.lab.dialects.bybit.account_book import AccountBook
from vocx.lab.dialects.bybit.catalogue import new_catalogue
from vocx.lab.dialects.bybit.endpoints import Calls
from vocx.lab.dialects.bybit.fault_responses import FaultResponses
from vocx.lab.dialects.bybit.private_channels import PrivateChannels
from vocx.lab.dialects.bybit.recording import BybitRecording
from vocx.lab.dialects.bybit.reports import DCP
from vocx.lab.dialects.bybit.sessions import (
    BybitConnection,
    Exchange,
    PrivateConnection,
    PublicConnection,
    TradeConnection,
    private_policy,
)
from vocx.lab.dialects.bybit.topics import Topics
from vocx.lab.dialects.bybit.wire import Refusal, page, refused
from vocx.lab.dialects.shared.accounts import LETTERS, AccountGateway
from vocx.lab.dialects.shared.connections import PingPolicy
from vocx.lab.dialects.shared.keys import KeyRing
from vocx.lab.dialects.shared.subscriptions import PrivateSubscriptions
from vocx.lab.ports import MarketSimulation, RecordingFormat

FEES = FeeSchedule(maker=Decimal("0.001"), taker=Decimal("0.001"))
"""Of a user without a level, on spot."""
_PUBLIC = PingPolicy()


class Bybit(Exchange):
    """Bybit over a simulation."""

    name = "bybit"
    paths: Mapping[str, str] = {
        "rest": "",
        "ws_public": "/v5/public/spot",
        "ws_private": "/v5/private",
        "ws_trade": "/v5/trade",
    }
    policy = private_policy("")
    recording: RecordingFormat = BybitRecording()

    def __init__(
        self,
        simulation: MarketSimulation,
        *,
        start_ns: int,
        credentials: KeyPair | None = None,
    ) -> None:
        self.credentials = credentials
        self.catalogue = new_catalogue(simulation.markets)
        self.topics = Topics(self.catalogue)
        gateway = AccountGateway(
            self.name,
            simulation,
            KeyRing("[A-Za-z0-9]{8,64}", "8 to 64 letters and digits"),
            credentials,
            start_ns,
            FEES,
        )
        self.book = AccountBook(gateway, lambda: self.faults.is_on("overloaded"), self._guarded)
        super().__init__(
            limiter=limits.new_limiter(),
            publisher=self.topics,
            responses=FaultResponses(gateway),
            gateway=gateway,
            subscriptions=PrivateSubscriptions(PrivateChannels(self.catalogue, self.book).payload),
        )
        self.calls = Calls(self.catalogue, self.book, self.limiter)

    @classmethod
    def create(cls, simulation: MarketSimulation, *, start_ns: int, entropy: bytes) -> Bybit:
        """The venue of a lab, with a random key of its own."""
        key = "".join(LETTERS[one % len(LETTERS)] for one in entropy[:18])
        secret = "".join(LETTERS[one % len(LETTERS)] for one in entropy[18:54])
        return cls(simulation, start_ns=start_ns, credentials=KeyPair(key=key, secret=secret))

    # -- requests and connections

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one REST request."""
        return rest.answer(self.calls, request, now_ns)

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        """10016: the outcome is unknown."""
        return refused(Refusal(10016, "Server error."), now_ns + self.gateway.skew_ns)

    def connect(self, request: HttpIn, now_ns: int) -> BybitConnection | HttpOut:
        """One of three paths; too many new ones of an address are refused."""
        path = request.target.partition("?")[0]
        try:
            self.limiter.charge(limits.CONNECTIONS, request.peer, 1, now_ns, request.peer)
        except Refusal as refusal:
            return refused(refusal, now_ns)
        if path == self.paths["ws_public"]:
            return PublicConnection(self, self.keepalive(now_ns, _PUBLIC), request.peer)
        keepalive = self.keepalive(now_ns, private_policy(request.target))
        if path == self.paths["ws_private"]:
            return PrivateConnection(self, keepalive, request.peer)
        if path == self.paths["ws_trade"]:
            return TradeConnection(self, keepalive, request.peer)
        return refused(page(404, "Not Found"), now_ns)

    # -- the dead-man switch

    def _guarded(self, owner: str) -> bool:
        return any(
            isinstance(one, PrivateConnection)
            and one.key is not None
            and one.key.owner == owner
            and one.guards
            for one in self.sessions
        )

    @property
    def next_tick_ns(self) -> int:
        """When something is due, the dead-man switch among it."""
        return min(super().next_tick_ns, self.book.dead_man.deadlines.next_ns)

    def tick(self, now_ns: int) -> list[Publication]:
        """What is due."""
        for owner in self.book.dead_man.due(now_ns):
            self._cancel_all(owner, now_ns)
        return list(super().tick(now_ns))

    def _cancel_all(self, owner: str, now_ns: int) -> None:
        accounts = self.gateway.accounts
        if accounts is not None:
            for symbol in self.catalogue.by_symbol:
                accounts.cancel_all(owner, symbol, now_ns, DCP)
