"""How an order travels: by a REST call, by a frame on a kept socket, or by a frame on a socket that
has logged on once.

Each path makes a request first and sends it later, so that many can leave at the same moment; what
is timed is the sending. Signatures, bytes and connections are counted from what was sent, not
assumed.
"""

from __future__ import annotations

import re
import secrets
from decimal import Decimal
from threading import Lock
from typing import NamedTuple, cast

import msgspec

from vocx.arguments import written_fields
from vocx.errors import VocxError
from vocx.facts import Order, OrderAck
from vocx.measure.compression import framed_bytes
from vocx.measure.probes import http_of
from vocx.measure.trading import Trader, key_kind
from vocx.stream.request_socket import RequestSocket
from vocx.timing import mono_ns
from vocx.venues.base import Credentials, PlaceOrder, Request, Secrets


class PlacedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order: sent, accepted by the engine, answered, in nanoseconds on the clock that the lab
    shares; and what it carried.

    ``sent_bytes`` and ``received_bytes`` are above TLS: heads and bodies, or frames with their
    headers.
    """

    id: int | str
    price: Decimal
    begun_ns: int
    accepted_ns: int = 0
    ended_ns: int
    signatures: int
    sent_bytes: int
    received_bytes: int

    __repr__ = written_fields


class PreparedOrder(NamedTuple):
    """An order that only needs sending. ``number`` is its frame's id, ``made_us`` how long making
    and signing it took, ``price`` of this order alone in its run: by it the engine's log tells
    which one it was."""

    request: Request
    number: int
    price: Decimal
    made_us: float


class OrderResponse(NamedTuple):
    """What the exchange said, and what crossed the wire for it."""

    order: Order | OrderAck
    sent: bytes
    sent_bytes: int
    received_bytes: int


class OrderPath:
    """One way to send the orders of an account.

    Attributes
    ----------
    name : str
        As results call it.
    opening_trips : int
        Round trips that a new connection needs after TCP and TLS, before its first order.
    key_kind : str
        What signs: ``"HMAC"``, ``"Ed25519"``.
    logs_on : bool
        It proves once whose it is, so no order is sent over a connection that has just opened.
    logon_signatures : int
        In the frame that did so.
    """

    name: str
    opening_trips: int
    logs_on = False
    logon_signatures = 0

    def __init__(self, trader: Trader, key: Credentials | None = None) -> None:
        self._trader, self._key = trader, key or trader.key
        self._venue = trader.exchange.venue
        self.key_kind = key_kind(self._key)

    @property
    def connects(self) -> int:
        """Connections that were opened so far."""
        raise NotImplementedError

    def log_on(self) -> None:
        """Open the connection and prove whose it is, where that is done once."""

    def prepare(self, order: PlaceOrder) -> PreparedOrder:
        """The order as a request of its own."""
        assert order.price is not None
        begun_ns = mono_ns()
        request, number = self._request(order)
        return PreparedOrder(request, number, order.price, (mono_ns() - begun_ns) / 1e3)

    def send(self, prepared: PreparedOrder) -> PlacedOrder:
        """Send it, and wait for the answer."""
        begun_ns = mono_ns()
        response = self._send(prepared)
        ended_ns = mono_ns()
        return PlacedOrder(
            id=response.order.id,
            price=prepared.price,
            begun_ns=begun_ns,
            ended_ns=ended_ns,
            signatures=signatures(response.sent, self._venue.secrets),
            sent_bytes=response.sent_bytes,
            received_bytes=response.received_bytes,
        )

    def hang_up(self) -> None:
        """Close the connections; the next order opens one."""
        raise NotImplementedError

    def _request(self, order: PlaceOrder) -> tuple[Request, int]:
        raise NotImplementedError

    def _send(self, prepared: PreparedOrder) -> OrderResponse:
        raise NotImplementedError


class RestPath(OrderPath):
    """A signed POST for each order. One session keeps up to ten connections."""

    name = "REST"
    opening_trips = 0

    def __init__(self, trader: Trader) -> None:
        super().__init__(trader)
        self._client = trader.client()
        self._lock = Lock()
        self._connects = 0

    @property
    def connects(self) -> int:
        return self._connects

    def _request(self, order: PlaceOrder) -> tuple[Request, int]:
        request, now_ns = self._venue.request(order), self._trader.now_ns()
        return self._venue.sign(request, now_ns, self._key, secrets.token_hex(16)), 0

    def _send(self, prepared: PreparedOrder) -> OrderResponse:
        order = cast(Order | OrderAck, self._client.send(prepared.request).result)
        call = http_of(order)
        with self._lock:
            self._connects += call.phases.new_connection
        return OrderResponse(order, call.request, len(call.request), call.reply_wire_bytes)

    def hang_up(self) -> None:
        self._client.close()


class SocketPath(OrderPath):
    """A signed frame for each order, on one socket that carries all of them."""

    name = "WebSocket"
    opening_trips = 1

    def __init__(self, trader: Trader, key: Credentials | None = None) -> None:
        super().__init__(trader, key)
        self._proof: Credentials | None = self._key
        exchange, plan = trader.exchange, self._venue.order_socket
        assert plan is not None, f"{self._venue.name} takes no orders by socket"
        purpose, path = plan.purpose, plan.path
        self._socket = RequestSocket(
            self._venue,
            lambda: exchange.url(purpose) + path,
            plan=plan if plan.login else None,
            account=trader.access(self._key),
            ca_file=exchange.environment.ca_file,
            name=f"measure-{self.name}",
        )

    @property
    def connects(self) -> int:
        return self._socket.connects

    def _request(self, order: PlaceOrder) -> tuple[Request, int]:
        number, now_ns = self._socket.next_id(), self._trader.now_ns()
        nonce = secrets.token_hex(16)
        return self._venue.ws_request(order, number, now_ns, self._proof, nonce), number

    def _send(self, prepared: PreparedOrder) -> OrderResponse:
        answer = self._socket.request(prepared.number, prepared.request.body)
        response = answer.response
        said = self._venue.reply(
            prepared.request, response.status, response.headers, response.body, answer.received_ns
        )
        return OrderResponse(
            cast(Order | OrderAck, said.result),
            answer.sent,
            framed_bytes(len(answer.sent), masked=True),
            framed_bytes(len(answer.received)),
        )

    def hang_up(self) -> None:
        self._socket.close()


class LoggedOnPath(SocketPath):
    """A socket that has proven once whose it is, with an Ed25519 key: its frames carry neither key
    nor signature. A raw exchange: vocx's own client signs each."""

    name = "WebSocket, logged on"
    opening_trips = 2
    logs_on = True

    def __init__(self, trader: Trader) -> None:
        super().__init__(trader, trader.new_key(ed25519=True))
        self._proof = None

    def log_on(self) -> None:
        number, nonce = self._socket.next_id(), secrets.token_hex(16)
        logon = self._venue.ws_logon(number, self._trader.now_ns(), self._key, nonce)
        assert logon is not None, f"{self._venue.name} has no logon"
        answer = self._socket.request(number, logon.body)
        if answer.response.status != 200:
            raise VocxError(f"the exchange refused the logon: {answer.response.body[:200]!r}")
        self.logon_signatures = signatures(answer.sent, self._venue.secrets)


def paths_of(trader: Trader) -> list[OrderPath]:
    """All the ways that the trader's venue has."""
    venue = trader.exchange.venue
    found: list[OrderPath] = [RestPath(trader)]
    if venue.order_socket is not None:
        found.append(SocketPath(trader))
    if venue.ws_logon(0, trader.now_ns(), trader.key, "") is not None:
        found.append(LoggedOnPath(trader))
    return found


def signatures(sent: bytes, secrets: Secrets) -> int:
    """How many signatures some bytes carry: of what the venue hides, those that prove a key."""
    names = {name.lower() for name in (*secrets.headers, *secrets.fields)}
    proofs = [re.escape(one) for one in names if re.search("sign|jwt|authorization", one)]
    pattern = f'\\b(?:{"|".join(proofs)})"?\\s*[=:]'
    return len(re.findall(pattern, sent.decode(errors="replace").lower())) if proofs else 0
