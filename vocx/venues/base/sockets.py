"""The sockets half of the venue contract: channels, plans, control frames, keepalive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from vocx.errors import VenueError
from vocx.facts import Fact
from vocx.venues.base.calls import Credentials, GetBook, Intent


class ChannelSpec(Intent, frozen=True, kw_only=True):
    """One channel of one symbol that a stream should listen to.

    ``channel`` is one of :data:`CHANNELS`. Options that a channel does not have are ``None``:
    ``interval`` (candles), ``depth`` (book: ``None`` means the full local book, a number the
    venue's self-contained top of that many levels), ``cadence_ms`` (book).
    """

    channel: str
    symbol: str | None
    interval: str | None = None
    depth: int | None = None
    cadence_ms: int | None = None


CHANNELS = ("trades", "quotes", "book", "ticker", "candles")
"""Public channels."""
PRIVATE = ("orders", "fills", "balances")
"""Channels of an account: its owner's alone, and without a symbol, because a venue sends all."""


class SocketPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One WebSocket that a stream must open.

    ``path`` (with query) is appended to the base URL called ``base`` (a key of the venue's and
    the lab's URL tables, such as ``"ws"``). ``frames`` are sent after the handshake, at most
    ``frames_per_second`` of them a second; each frame's ``ack_id`` is matched by
    :class:`Ack`. ``topics`` maps the venue's own stream names to the wishes they serve.
    ``private`` sockets have no frames here: :meth:`Venue.login` makes them for each connection.
    """

    base: str
    path: str
    frames: tuple[str, ...]
    ack_ids: tuple[int | str, ...]
    topics: Mapping[str, ChannelSpec]
    frames_per_second: float = 4.0
    private: bool = False


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's answer to a control frame; ``error`` is ``None`` for success."""

    id: int | str | None
    error: VenueError | None = None


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """A frame about the connection itself: ``kind`` is ``"shutdown"``, ``"terminated"`` (the
    login is over), ``"pong"`` or ``"notice"``."""

    kind: str
    text: str = ""


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A well-formed frame that this adapter does not know; counted and sampled, never fatal."""

    text: str


Decoded = Fact | Ack | Control | Unknown


class Keepalive(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue and a client prove to each other that the connection lives. Seconds.

    ``client_ping_s``: the client sends a ping this often, ``pong_deadline_s`` how long it waits.
    ``ping_text`` is the application-level ping where the venue wants one, else ``None`` (a
    WebSocket ping frame). ``max_life_s``: the venue cuts the connection at this age;
    ``rotate_s``: the client reconnects by itself before (with jitter), ``None`` never.
    """

    client_ping_s: float
    pong_deadline_s: float
    ping_text: str | None = None
    max_life_s: float | None = None
    rotate_s: float | None = None


class Sockets(Protocol):
    """The sockets half of an adapter: how a venue is listened to."""

    keepalive: Keepalive

    def refused_upgrade(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
        """The typed error in an HTTP answer to a WebSocket handshake that is not 101."""

    def login(self, plan: SocketPlan, now_ns: int, credentials: Credentials) -> SocketPlan:
        """A private plan with the frames that log in and subscribe now, freshly signed."""

    def validate_channel(self, wanted: ChannelSpec) -> ChannelSpec:
        """The wish with the venue's defaults filled in, or a ``BadInput`` that names
        what exists."""

    def subscribe(self, wanted: Sequence[ChannelSpec]) -> Sequence[SocketPlan]:
        """Which sockets to open and which frames to send."""

    def decode(self, text: bytes, arrived_ns: int, plan: SocketPlan) -> Sequence[Decoded]:
        """What one frame says. Unreadable bytes raise ``BadReply``; unknown ones are
        :class:`Unknown`."""

    def cadence_ms(self, wanted: ChannelSpec) -> int:
        """How often the venue sends this channel at most; 0 for every change."""

    def stale_after_s(self, wanted: ChannelSpec) -> float:
        """After how long without data a stream should become suspicious of this channel."""

    def snapshot(self, symbol: str) -> GetBook | None:
        """The REST call that starts a local book; ``None`` where the stream carries it."""

    def check_sequence(self, sequence: int, delta: Any) -> str:
        """The continuity rule: ``"drop"``, ``"apply"`` or ``"resync"`` for a book at
        ``sequence`` and a :class:`~vocx.facts.BookDelta`."""
