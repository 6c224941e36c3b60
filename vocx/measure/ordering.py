"""The ways in which an order can travel: a REST call, a frame on a kept socket, and a frame on a
socket that logged on once.

Each way makes a request first and sends it later, so that many can leave at the same moment; what
is timed is the sending. The bytes that were sent are kept and counted, not assumed.
"""

from __future__ import annotations

from typing import Protocol, cast

import msgspec

from vocx.errors import BadInput, VocxError
from vocx.facts import Order
from vocx.measure.trading import Trader
from vocx.stream.request_socket import RequestSocket
from vocx.timing import Phases, mono_ns
from vocx.venues.base import ChannelSpec, Credentials, PlaceOrder, Request

SIGNATURES = (b"signature=", b'"signature":')
"""How a signature looks in a query, and in a frame."""
MASK = 4


class Ready(msgspec.Struct, frozen=True):
    """An order that only needs sending. ``made_us``: how long making and signing it took."""

    request: Request
    number: int
    made_us: float


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """One order and its way. Nanoseconds on the clock that the lab shares.

    ``sent_bytes`` and ``received_bytes`` are above TLS: heads and bodies, or frames with their
    headers.
    """

    id: int | str
    filled: bool
    begun_ns: int
    ended_ns: int
    signatures: int
    sent_bytes: int
    received_bytes: int


class OrderPath(Protocol):
    """How orders are sent."""

    name: str
    opening_trips: int
    """Round trips that a new connection needs besides TCP and TLS, before the order's own."""

    @property
    def dials(self) -> int:
        """Connections opened so far."""

    def ready(self, order: PlaceOrder) -> Ready:
        """The order, made and signed."""

    def send(self, ready: Ready) -> Placed:
        """Send it and wait for its answer. From any thread."""

    def hang_up(self) -> None:
        """Close the connections; the next order opens another."""


def signatures(sent: bytes) -> int:
    """How many signatures some bytes carry."""
    return sum(sent.count(one) for one in SIGNATURES)


def frame_bytes(payload: int, *, masked: bool) -> int:
    """Size of one WebSocket frame (RFC 6455, 5.2)."""
    length = 0 if payload < 126 else 2 if payload < 65_536 else 8
    return 2 + length + (MASK if masked else 0) + payload


class ByRest:
    """A signed POST for each order. One session keeps up to ten connections."""

    name = "REST"
    opening_trips = 0

    def __init__(self, trader: Trader) -> None:
        self._trader = trader
        self._client = trader.client()
        self._opened: list[Phases] = []

    @property
    def dials(self) -> int:
        return len(self._opened)

    def ready(self, order: PlaceOrder) -> Ready:
        begun_ns = mono_ns()
        venue, trader = self._trader.exchange.venue, self._trader
        request = venue.request(order, trader.now_ns(), trader.key)
        return Ready(request, 0, (mono_ns() - begun_ns) / 1e3)

    def send(self, ready: Ready) -> Placed:
        begun_ns = mono_ns()
        order = cast(Order, self._client.send(ready.request))
        ended_ns = mono_ns()
        call = order.exchange
        assert call is not None
        if call.phases.new_connection:
            self._opened.append(call.phases)
        return Placed(
            id=order.id,
            filled=order.filled > 0,
            begun_ns=begun_ns,
            ended_ns=ended_ns,
            signatures=signatures(call.request),
            sent_bytes=len(call.request),
            received_bytes=call.reply_wire_bytes,
        )

    def hang_up(self) -> None:
        self._client.close()


class BySocket:
    """A signed frame for each order, on one socket that carries all of them."""

    name = "WebSocket"
    opening_trips = 1

    def __init__(self, trader: Trader, key: Credentials | None = None) -> None:
        self._trader, self._key = trader, key or trader.key
        exchange = trader.exchange
        self._asking = RequestSocket(
            lambda: exchange.url("ws_api"),
            opened=exchange.venue.opened,
            refused=exchange.venue.refused_upgrade,
            ca_file=exchange.ca_file,
            name=f"measure-{self.name}",
        )

    @property
    def dials(self) -> int:
        return self._asking.dials

    def ready(self, order: PlaceOrder) -> Ready:
        begun_ns, number = mono_ns(), self._asking.number()
        venue, now_ns = self._trader.exchange.venue, self._trader.now_ns()
        request = venue.envelope(order, number, now_ns, self._key)
        return Ready(request, number, (mono_ns() - begun_ns) / 1e3)

    def send(self, ready: Ready) -> Placed:
        begun_ns = mono_ns()
        answer = self._asking.ask(ready.number, ready.request.body)
        envelope = answer.envelope
        order = cast(
            Order,
            self._trader.exchange.venue.reply(
                ready.request,
                envelope.status,
                envelope.headers,
                envelope.body,
                answer.received_ns,
            ),
        )
        ended_ns = mono_ns()
        return Placed(
            id=order.id,
            filled=order.filled > 0,
            begun_ns=begun_ns,
            ended_ns=ended_ns,
            signatures=signatures(answer.sent),
            sent_bytes=frame_bytes(len(answer.sent), masked=True),
            received_bytes=frame_bytes(len(answer.received), masked=False),
        )

    def hang_up(self) -> None:
        self._asking.close()


class LoggedOn(BySocket):
    """A socket that has proven once whose it is, with an Ed25519 key: its frames carry neither key
    nor signature (web-socket-api.md, 2026-07-21). A raw exchange: vocx's own client signs each.

    Attributes
    ----------
    logon_signatures : int
        In the frame that logged on.
    """

    name = "WebSocket, logged on"
    opening_trips = 2

    def __init__(self, trader: Trader) -> None:
        super().__init__(trader, trader.new_key(ed25519=True))
        self.logon_signatures = 0

    def log_on(self) -> None:
        """Open the connection and log on."""
        number, venue = self._asking.number(), self._trader.exchange.venue
        if venue.name != "binance":
            raise BadInput(f"how one logs on with {venue.name} is not known here")
        plan = venue.subscribe([ChannelSpec(channel="orders", symbol=None)])[0]
        login = venue.login(plan, self._trader.now_ns(), self._key)
        frame = msgspec.json.decode(login.frames[0])  # the same parameters prove it
        frame |= {"id": number, "method": "session.logon"}
        answer = self._asking.ask(number, msgspec.json.encode(frame))
        if answer.envelope.status != 200:
            raise VocxError(f"the exchange refused the logon: {answer.envelope.body[:200]!r}")
        self.logon_signatures = signatures(answer.sent)

    def ready(self, order: PlaceOrder) -> Ready:
        made = super().ready(order)
        frame = msgspec.json.decode(made.request.body)
        for name in ("apiKey", "signature"):
            del frame["params"][name]
        body = msgspec.json.encode(frame)
        return Ready(msgspec.structs.replace(made.request, body=body), made.number, made.made_us)
