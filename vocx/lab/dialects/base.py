"""What a dialect is: one venue's wire format, as functions of bytes, events and a given time.

A dialect owns no socket and no clock. The server hands it requests and frames, with the time on
the exchange's clock, and writes out what it gets back. What is published to many is encoded once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from vocx.lab.events import AnyEvent
    from vocx.lab.market.instruments import CrowdTraits
    from vocx.lab.ports import MarketSimulation, RecordingFormat


class HttpIn(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request as received. ``target`` is the raw path and query; header names are
    lower case; ``peer`` is the client's address, which limits are counted by."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    peer: str = "127.0.0.1"


class HttpOut(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one HTTP request.

    ``delay_ns`` is how much later (real time) it is sent: 0 at once, ``None`` never, with the
    connection left open (a lost answer: the request was executed all the same). ``compress`` lets
    the server compress the body for a client that takes that.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    delay_ns: int | None = 0
    compress: bool = False


class KeyPair(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key as clients of the venue need it."""

    key: str
    secret: str
    passphrase: str | None = None


class Ping(msgspec.Struct, frozen=True):
    """A WebSocket ping frame to send."""

    payload: bytes = b""


class Close(msgspec.Struct, frozen=True):
    """Close the connection with this code; ``None`` means drop it without a close frame."""

    code: int | None
    reason: str = ""


class Raw(msgspec.Struct, frozen=True):
    """Bytes to put on the socket as they are: a broken frame on purpose."""

    data: bytes


Out = bytes | Ping | Close | Raw
"""What a session wants sent: ``bytes`` is the UTF-8 text of one message."""


class Session(Protocol):
    """One WebSocket connection as the dialect sees it."""

    handle: Any
    """The server's own object for the connection; the dialect never looks inside."""
    delay_s: float
    """How long (real time) a text message waits before it is carried out, those behind it too."""

    @property
    def next_tick_ns(self) -> int:
        """When :meth:`tick` wants to be called next; read it again after every call."""

    def text(self, message: bytes, now_ns: int) -> Iterable[Out]:
        """A text message arrived."""

    def ping(self, payload: bytes, now_ns: int) -> Iterable[Out]:
        """A ping arrived (the server has answered it)."""

    def pong(self, payload: bytes, now_ns: int) -> Iterable[Out]:
        """A pong arrived."""

    def tick(self, now_ns: int) -> Iterable[Out]:
        """Keepalive and deadlines."""

    def closed(self, now_ns: int) -> None:
        """The connection is gone."""

    def internal_error(self, now_ns: int) -> Iterable[Out]:
        """The dialect raised while it served this connection: how the venue ends it."""


class Publication(msgspec.Struct, frozen=True):
    """One message for many sessions: almost always ``bytes``, the UTF-8 text of a message."""

    payload: Out
    to: Collection[Session]


class Dialect(Protocol):
    """One venue."""

    name: str
    paths: Mapping[str, str]
    """URL purpose to path, such as ``{"rest": "", "ws": "", "ws_api": "/ws-api/v3"}``: purposes
    that begin with ``rest`` are HTTP, all others sockets."""
    recording: RecordingFormat
    """How the venue's frames are read from a recording."""
    credentials: KeyPair | None
    """The key of the default account; ``None`` for a dialect that was made without one."""

    @property
    def listened(self) -> bool:
        """Whether anybody has subscribed to market data yet: a recording starts to play then."""

    @property
    def next_tick_ns(self) -> int:
        """When :meth:`tick` wants to be called next (cadenced streams, faults, a shutdown).

        Read it again after every call of the dialect or of one of its sessions: it may have
        become sooner, or 0 for at once.
        """

    def http(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one REST request."""

    def open(self, request: HttpIn, now_ns: int) -> Session | HttpOut:
        """A WebSocket upgrade: a session, or the refusal."""

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        """The dialect raised while it answered this request or upgrade: what the venue says then.
        The outcome of an order is unknown to the client."""

    def publish(self, events: Iterable[AnyEvent], now_ns: int) -> Iterable[Publication]:
        """What events mean for those who listen, in order; accounts' events are for their
        owner's sessions only. What a request has changed comes right after its answer, before
        anything that happens later."""

    def tick(self, now_ns: int) -> Iterable[Publication]:
        """Cadenced streams that are due."""

    def pause_limits(self, paused: bool) -> None:
        """While paused, requests are neither counted nor refused by rate limits; what was used
        before, and bans, stay as they are."""

    def command(self, name: str, arguments: Mapping[str, Any], now_ns: int) -> Any:
        """An order of the lab's owner: ``limits``, ``keepalive``, ``shutdown``, ``fault``,
        ``account``, ``skew``.
        Raises ``BadInput`` for what it does not know. Returns something JSON can carry."""


class DialectFactory(Protocol):
    """What :func:`vocx.lab.dialects.register` names: usually the dialect's class."""

    recording: RecordingFormat
    """The venue's own, wanted before there is a market."""
    crowd: CrowdTraits
    """How its market differs from that of the lab's first venue."""

    def create(self, simulation: MarketSimulation, *, start_ns: int, entropy: bytes) -> Dialect:
        """The venue over a market; ``start_ns`` is the exchange's clock at the start, ``entropy``
        64 random bytes for its keys."""
