"""OKX V5, spot, as an exchange (docs-v5, edition of 2026-07-28, and its change log).

What is a choice where nothing is published: limits slide and count what was carried out; an
acknowledgement comes before the first push; a price band of 5 %; the account's snapshot each 5 s
and its changes at once; maintenance is the fault ``overloaded``, which ``system/status`` and the
pushes of ``status`` show. Not there: the checksum of before 2026-06-23 (it is a fixed 0), the
transient refusals of sub-account ceilings (50061; spot is exempt), changes of steps (``upcChg`` is
empty), fee tiers (64003 for all), ``instId`` over the socket instead of the number.

Clients that run against it with their URLs changed: python-okx 0.4.4, ccxt 4.5.90 with its sockets,
cryptofeed 2.4.1 (over TLS).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal

from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.dialects.base import Close, HttpIn, HttpOut, KeyPair, Publication
from vocx.lab.dialects.okx import rest
from vocx.lab.dialects.okx.calls import Backend
from vocx.lab.dialects.okx.catalogue import new_catalogue
from vocx.lab.dialects.okx.fault_responses import FaultResponses, page
from vocx.lab.dialects.okx.limits import RULES, new_limiter, over
from vocx.lab.dialects.okx.private_channels import PrivateChannels, with_ends
from vocx.lab.dialects.okx.recording import OkxRecording
from vocx.lab.dialects.okx.sessions import Exchange, OkxSession
from vocx.lab.dialects.okx.system_status import SystemStatus
from vocx.lab.dialects.okx.topics import Topics
from vocx.lab.dialects.okx.wire import Refusal
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.connections import Connection, PingPolicy
from vocx.lab.dialects.shared.keys import KeyRing
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.dialects.shared.reading import encode
from vocx.lab.dialects.shared.subscriptions import PrivateSubscriptions
from vocx.lab.events import AnyEvent
from vocx.lab.market.instruments import CrowdTraits
from vocx.lab.ports import MarketSimulation, RecordingFormat

FEES = FeeSchedule(maker=Decimal("0.0008"), taker=Decimal("0.001"))


def _uuid(seed: bytes) -> str:
    return str(uuid.UUID(bytes=seed[:16], version=4))


class Okx(Exchange):
    """The venue over a simulation."""

    name = "okx"
    recording: RecordingFormat = OkxRecording()
    crowd = CrowdTraits(
        activity=0.6,
        depth=0.7,
        lag_s=0.06,
        steps={
            "BTC/USDT": (Decimal("0.1"), Decimal("0.00001")),
            "ETH/USDT": (Decimal("0.01"), Decimal("0.0001")),
        },
    )
    paths: Mapping[str, str] = {
        "rest": "",
        "ws_public": "/ws/v5/public",
        "ws_private": "/ws/v5/private",
        "ws_business": "/ws/v5/business",
    }
    policy = PingPolicy(
        idle_ns=30 * NS_PER_S,
        idle_counts="sent",
        subscribe_within_ns=30 * NS_PER_S,
        text_ping=b"ping",
        idle=Close(4004, "No data received in 30s."),
        shutdown_notice_ns=60 * NS_PER_S,
    )

    def __init__(
        self,
        simulation: MarketSimulation,
        *,
        start_ns: int,
        credentials: KeyPair | None = None,
    ) -> None:
        self.credentials = credentials
        catalogue = new_catalogue(simulation.markets)
        ring = KeyRing(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "a UUID in small letters",
            "base64",
            write=_uuid,
            passphrases=True,
        )
        gateway = AccountGateway(self.name, simulation, ring, credentials, start_ns, FEES)
        limiter = new_limiter()
        self.status = SystemStatus(lambda: self.faults.is_on("overloaded"), gateway)
        self.topics = Topics(catalogue, self.status)
        self.backend = Backend(catalogue, gateway, limiter, self.status)
        self.channels = PrivateChannels(catalogue, self.backend.book)
        super().__init__(
            limiter=limiter,
            publisher=self.topics,
            responses=FaultResponses(),
            gateway=gateway,
            subscriptions=PrivateSubscriptions(self.channels.payload),
        )
        self._connections = 0

    @classmethod
    def create(cls, simulation: MarketSimulation, *, start_ns: int, entropy: bytes) -> Okx:
        """The venue of a lab, with a random key of its own (for live trading)."""
        pair = KeyPair(
            key=_uuid(entropy), secret=entropy[16:32].hex().upper(), passphrase=entropy[32:40].hex()
        )
        return cls(simulation, start_ns=start_ns, credentials=pair)

    # -- requests and connections

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one REST request."""
        return rest.answer(self.backend, request, now_ns)

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        """50026."""
        return Refusal("50026").answer()

    def connect(self, request: HttpIn, now_ns: int) -> Connection | HttpOut:
        """An upgrade: three paths, three a second from one address."""
        path = request.target.partition("?")[0].rstrip("/")
        if path not in self.paths.values() or not path:
            return page(404)
        if over(self.limiter, RULES["connections"], request.peer, now_ns):
            return Refusal("50011").answer()
        self._connections += 1
        number = f"{self._connections:08x}"
        return OkxSession(self, now_ns, request.peer, path.rpartition("/")[2], number)

    def shutdown_notice(self, session: Connection, now_ns: int) -> bytes | None:
        """64008."""
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        number = session.number if isinstance(session, OkxSession) else ""
        return encode({"event": "notice", "code": "64008", "msg": text, "connId": number})

    # -- events and time

    def publish(self, events: Iterable[AnyEvent], now_ns: int) -> Iterable[Publication]:
        """As all venues; a filled market order has an end of its own."""
        return super().publish(with_ends(events), now_ns)

    @property
    def next_tick_ns(self) -> int:
        """The dead-man switch and news of a maintenance are due as well."""
        if self.status.changed:
            return 0
        return min(super().next_tick_ns, self.backend.dead_man.deadlines.next_ns)

    def tick(self, now_ns: int) -> Iterable[Publication]:
        """News of a maintenance, countdowns that ran out, then what is due."""
        if self.status.changed:
            self.outbox += self.topics.status_news(now_ns)
        for owner, tag in self.backend.dead_man.deadlines.pop_due(now_ns):
            self._cancel_all(owner, tag, now_ns)
        return super().tick(now_ns)

    def _cancel_all(self, owner: str, tag: str, now_ns: int) -> None:
        accounts, book = self.gateway.accounts, self.backend.book
        if accounts is None:
            return
        for order in accounts.orders(owner, open_only=True):
            if not tag or book.tags.get(order.id) == tag:
                book.counted_down[order.id] = None
                accounts.cancel(owner, order.request.symbol, order.id, now_ns=now_ns)
