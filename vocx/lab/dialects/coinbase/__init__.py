"""Coinbase Advanced Trade as an exchange speaks it: REST and one socket for everything.

Written from the notes on the official reference and channel pages (2026-02 to 2026-08) and on
recorded frames, independently of the client's side in ``vocx.venues``. One idea a module:

====================  =====================================================================
``wire``              errors, times, ids, parameters
``tokens``            JSON Web Tokens of both kinds, and keys
``limits``            ten and thirty a second, and their headers
``catalogue``         products in USD and USDT, USDC names
``payloads``          what is written of a market
``topics``            channels and when each sends
``market``            public REST, and the little of v2 that ccxt asks for
``order_form``        a new order as it was sent
``orders``            placing, previewing, cancelling, editing
``account_book``      what is remembered of orders, and their ids
``reports``           orders and fills as they are written
``account``           what an account may ask about itself
``calls``             one call
``endpoints``         paths and verbs
``rest``              the REST surface
``sessions``          the socket
``private_channels``  the ``user`` channel
``recording``         frames of a recorded session
``fault_responses``   what switchable faults answer and send
====================  =====================================================================

What this exchange does not do, and why: stop, bracket, TWAP and scaled orders (nothing watches
prices for them: UNSUPPORTED_ORDER_CONFIGURATION); the HMAC keys of old (retired by the venue; so
cryptofeed 2.4.1, which has no others, is refused); limits far from the market and halted products
(the lab has neither); ``futures_balance_summary`` (spot only); a late acknowledgement as a fault of
its own (``lab.network`` delays all frames). A skipped number is the fault ``drop``, an expired
token a skewed clock, a page in HTML ``html`` with ``status=429``, a huge snapshot ``huge``.

Clients that run against it with their URLs changed: coinbase-advanced-py 1.8.4 and ccxt 4.5.90,
whose sockets sign with keys of P-256 only: give it ``lab.account(venue="coinbase", secret=pem)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.dialects.base import HttpIn, HttpOut, KeyPair, Publication
from vocx.lab.dialects.coinbase import rest, tokens
from vocx.lab.dialects.coinbase.calls import Backend
from vocx.lab.dialects.coinbase.catalogue import TRAITS, Products
from vocx.lab.dialects.coinbase.fault_responses import INTERNAL, FaultResponses
from vocx.lab.dialects.coinbase.limits import CONNECTIONS, new_limiter
from vocx.lab.dialects.coinbase.private_channels import PrivateChannels
from vocx.lab.dialects.coinbase.recording import CoinbaseRecording
from vocx.lab.dialects.coinbase.sessions import POLICY, CoinbaseSession
from vocx.lab.dialects.coinbase.topics import Topics
from vocx.lab.dialects.coinbase.wire import page, refused
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.dialect import VenueDialect
from vocx.lab.dialects.shared.keys import KeyRing
from vocx.lab.dialects.shared.subscriptions import PrivateSubscriptions, by_connection
from vocx.lab.events import AccountEvent
from vocx.lab.ports import MarketSimulation, RecordingFormat

FEES = FeeSchedule(maker=Decimal("0.006"), taker=Decimal("0.012"), asset="quote")
"""The first tier (``Intro 1``); always in the quote currency, on top of a buy."""
WS = "/ws"
WS_USER = "/ws-user"


class Coinbase(VenueDialect):
    """One Coinbase over a simulation.

    Parameters
    ----------
    simulation : MarketSimulation
        The markets and what drives them.
    start_ns : int
        The exchange's clock at the start.
    credentials : KeyPair or None
        Of the lab's default account.

    Attributes
    ----------
    client_id : bool
        Whether frames carry an empty ``client_id`` (the prose pages) or none (production).
    """

    name = "coinbase"
    paths: Mapping[str, str] = {"rest": "", "ws": WS, "ws_user": WS_USER}
    recording: RecordingFormat = CoinbaseRecording()
    policy = POLICY
    crowd = TRAITS

    def __init__(
        self, simulation: MarketSimulation, *, start_ns: int, credentials: KeyPair | None = None
    ) -> None:
        self.credentials = credentials
        self.client_id = True
        self.products = Products(simulation.markets)
        self.topics = Topics(self.products, start_ns)
        gateway = AccountGateway(
            self.name,
            simulation,
            KeyRing(tokens.FORM, tokens.FORM_TEXT),
            credentials,
            start_ns,
            FEES,
            tokens.Pairs(),
        )
        self.backend = Backend(self.products, gateway, new_limiter())
        self.channels = PrivateChannels(self.backend)
        super().__init__(
            limiter=self.backend.limiter,
            publisher=self.topics,
            responses=FaultResponses(),
            gateway=gateway,
            subscriptions=PrivateSubscriptions(self.channels.payload, by_connection),
        )

    @classmethod
    def create(cls, simulation: MarketSimulation, *, start_ns: int, entropy: bytes) -> Coinbase:
        """The venue of a lab, with a random key of its own."""
        pair = tokens.Pairs().draw(entropy[:32])
        return cls(simulation, start_ns=start_ns, credentials=pair)

    # -- requests and connections

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one REST request."""
        self._expire(now_ns)
        return rest.answer(self.backend, request, now_ns)

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        """500 in the form of all errors (a choice)."""
        return refused(INTERNAL)

    def connect(self, request: HttpIn, now_ns: int) -> Connection | HttpOut:
        """An upgrade on either address; more than eight a second are refused.

        At the venue the two are hosts, and the path is empty: for clients that change nothing but
        the host, that is the one of market data (which has ``user``, too).
        """
        if request.target.partition("?")[0].rstrip("/") not in ("", WS, WS_USER):
            return page(404)
        if self.limiter.add(CONNECTIONS, request.peer, 1, now_ns):
            return page(429)
        return CoinbaseSession(
            self, self.topics, self.channels.snapshot, now_ns, request.peer, self.client_id
        )

    # -- events and time

    def happened(self, events: Sequence[AccountEvent], now_ns: int) -> None:
        """Forget orders that are over."""
        self.backend.book.happened(events)

    @property
    def next_tick_ns(self) -> int:
        """Also when the next GTD order ends."""
        ends_ns = self.backend.book.ends.next_ns - self.gateway.skew_ns
        return min(super().next_tick_ns, ends_ns)

    def tick(self, now_ns: int) -> Sequence[Publication]:
        """What is due, and orders whose time is over."""
        self._expire(now_ns)
        return tuple(super().tick(now_ns))

    def _expire(self, now_ns: int) -> None:
        book, accounts = self.backend.book, self.gateway.accounts
        for key in book.ends.pop_due(now_ns + self.gateway.skew_ns):
            assert accounts is not None
            owner = book.owner(*key)
            order = accounts.order(owner, *key)
            if order is not None and order.open:  # else it was over, and only not told yet
                book.expire(*key)
                accounts.cancel(owner, *key, now_ns=now_ns)
