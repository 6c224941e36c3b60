"""The sockets half of the venue contract: channels, plans, sessions, keepalive, proof of life.

How the two sides meet, in the order of a connection's life:

1. ``plan_sockets`` says which sockets serve which channels; a channel that the venue does not
   stream has a ``poll_intent`` instead, and is asked for by REST.
2. For each connection the adapter makes a fresh state object (``open_session``), a login frame
   where the plan has one, and subscribe frames; signatures are never used twice.
3. ``decode`` turns each text frame into facts and words about the session. It may keep what one
   connection must remember (a sequence over all channels, cumulative figures, pages of a snapshot)
   in that state object and nowhere else.

An acknowledgement may name its topics (one per argument), only its request's id, or be the whole
state of the connection without an id: :class:`Ack` says all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from vocx.errors import VenueError
from vocx.facts import BookDelta, Fact, Trade
from vocx.venues.base.calls import Credentials, GetBook, Intent


class ChannelSpec(Intent, frozen=True, kw_only=True):
    """One channel of one symbol that a stream should listen to.

    ``channel`` is one of :data:`CHANNELS` or :data:`PRIVATE`. Options that a channel does not
    have are ``None``: ``interval`` (candles), ``depth`` (book: ``None`` means the full local book,
    a number the venue's self-contained top of that many levels), ``cadence_ms`` (book).
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

    ``path`` (with query) is appended to the environment's URL of this ``purpose``. ``topics``
    maps the venue's own stream names to the channels that they serve. ``private``: only the owner
    of a key may listen. ``login``: a login is sent first and awaited. ``control_per_s``: how many
    messages a second may be sent.
    """

    purpose: str
    path: str
    topics: Mapping[str, ChannelSpec]
    private: bool = False
    login: bool = False
    control_per_s: float = 4.0


class ControlFrame(msgspec.Struct, frozen=True, kw_only=True):
    """One message to the venue, made for one connection. ``id`` comes back in its answer, where
    the venue has ids; ``topics`` are those that it subscribes or unsubscribes."""

    text: str
    id: int | str | None = None
    topics: tuple[str, ...] = ()


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's answer to subscriptions.

    ``topics`` are those that it names (also all that are subscribed, where the venue tells the
    whole state); without any it concerns the frame with this ``id``; without both, with an
    ``error``, whatever is still unconfirmed. ``subscribed`` False: it confirms the end of them.
    """

    id: int | str | None = None
    topics: tuple[str, ...] = ()
    error: VenueError | None = None
    subscribed: bool = True


class LoginResult(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's answer to a login; ``error`` is ``None`` for success."""

    error: VenueError | None = None


class Pong(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a ping that was a text."""


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The venue says that the feed goes on; of ``topics``, or of the whole connection."""

    topics: tuple[str, ...] = ()


class SequenceGap(msgspec.Struct, frozen=True, kw_only=True):
    """Messages are missing, by a sequence that is not one book's: of these ``topics``, or
    (``None``) of every channel of the connection. ``reason`` says what was expected."""

    reason: str
    topics: tuple[str, ...] | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """A frame about the connection itself: ``kind`` is ``"shutdown"`` (connect again at once),
    ``"terminated"`` (the login is over) or ``"notice"`` (kept to be shown)."""

    kind: Literal["shutdown", "terminated", "notice"]
    text: str = ""


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """A well-formed frame that this adapter does not know; counted and sampled, never fatal."""

    text: str


Decoded = Fact | Ack | LoginResult | Pong | Heartbeat | SequenceGap | Notice | Unknown


class Keepalive(msgspec.Struct, frozen=True, kw_only=True):
    """How a venue and a client prove to each other that a connection lives. Seconds.

    ``client_ping_s``: the client sends a ping this often, ``pong_deadline_s`` how long it waits.
    ``ping_text`` is the application-level ping where the venue wants one, else ``None`` (a
    WebSocket ping frame). ``heartbeat_s``: the venue promises a :class:`Heartbeat` this often, and
    three missing ones are a dead feed. ``max_life_s``: the venue cuts the connection at this age;
    ``rotate_s``: the client reconnects by itself before (with jitter), ``None`` never.
    """

    client_ping_s: float
    pong_deadline_s: float
    ping_text: str | None = None
    heartbeat_s: float | None = None
    max_life_s: float | None = None
    rotate_s: float | None = None


CloseKind = Literal["lost", "going_away", "restart", "overload", "policy", "refused"]
"""What a close means for the next try. ``"lost"``: an accident, also a venue's idle cut;
``"going_away"``: at once, with jitter; ``"restart"``: within seconds; ``"overload"``: give it half
a minute; ``"policy"``: we broke a rule, so slowly; ``"refused"``: another try cures nothing."""

_CLOSES: Mapping[int, CloseKind] = {
    1001: "going_away",
    1008: "policy",
    1012: "restart",
    1013: "overload",
}


def standard_close(code: int, reason: str) -> CloseKind:
    """What the codes of RFC 6455 and of IANA's registry mean (1006: none was sent)."""
    return _CLOSES.get(code, "lost")


Proof = Literal["sequence", "top", "heartbeat", "pong"]
"""What proves that a channel without data is only quiet. ``"sequence"``: REST shows the same id
(book, trade, candle); ``"top"``: the same best prices *and* quantities, which may stand still by
chance; ``"heartbeat"``: the venue's own beat; ``"pong"``: an answered ping (an account)."""


class SocketLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one connection; ``None``: the venue states none. ``topics`` of one connection,
    ``topics_per_request`` and ``bytes_per_request`` of one control frame; ``connects_per_s``:
    how many connections of one address may be opened in a second."""

    topics: int | None = None
    topics_per_request: int | None = None
    bytes_per_request: int | None = None
    connects_per_s: int | None = None


class Sockets(Protocol):
    """The sockets half of an adapter: how a venue is listened to. All methods are pure; the state
    object of a connection is the one thing that :meth:`decode` may change."""

    socket_limits: SocketLimits
    order_socket: SocketPlan | None
    """The request/response socket that takes orders; ``None``: the venue has none."""
    book_start: Literal["rest", "stream"]
    """A local book starts with a snapshot by REST, or with one in the stream."""
    book_recovery: Literal["refetch", "resubscribe"]
    """After a gap: another snapshot by REST, or that one topic is subscribed again."""
    refusal_scope: Literal["argument", "request"]
    """A refused argument leaves the others of its request alone, or takes them along."""
    ticker_has_quote: bool
    """Whether the ticker that is streamed has the best bid and ask."""

    def validate_channel(self, spec: ChannelSpec) -> ChannelSpec:
        """With the venue's defaults filled in, or a ``BadInput`` that names what exists."""

    def poll_intent(self, spec: ChannelSpec) -> Intent | None:
        """The REST call that stands in for a channel which the venue does not stream (as asked);
        ``None``: it is streamed."""

    def plan_sockets(self, specs: Sequence[ChannelSpec]) -> Sequence[SocketPlan]:
        """Which sockets to open, and what each carries."""

    def wire_topic(self, topic: str) -> str:
        """The venue's own name of what serves a topic of a plan: another one where an adapter
        tells apart what is one on the wire."""

    def open_session(self, plan: SocketPlan) -> Any:
        """What :meth:`decode` remembers of one connection; a fresh one for each."""

    def login_frame(
        self, plan: SocketPlan, now_ns: int, credentials: Credentials, nonce: str
    ) -> ControlFrame | None:
        """The login of a plan that has one, signed now."""

    def subscribe_frames(
        self,
        plan: SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: Credentials | None,
        nonce: str,
    ) -> Sequence[ControlFrame]:
        """What subscribes to these topics; credentials where the plan is private."""

    def unsubscribe_frames(
        self,
        plan: SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: Credentials | None,
        nonce: str,
    ) -> Sequence[ControlFrame]:
        """What ends these topics; empty where they end with the connection alone."""

    def decode(
        self, text: bytes, arrived_ns: int, plan: SocketPlan, state: Any
    ) -> Sequence[Decoded]:
        """What one frame says. Unreadable bytes raise ``BadReply``; unknown ones are
        :class:`Unknown`."""

    def keepalive(self, purpose: str) -> Keepalive:
        """How connections of this purpose are kept."""

    def classify_close(self, code: int, reason: str) -> CloseKind:
        """What a close frame means for the next try; see :func:`standard_close`."""

    def refused_upgrade(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
        """The typed error in an HTTP answer to a handshake that is not 101. ``RateLimited`` (with
        ``retry_after_s``, a ban too) and ``VenueUnavailable`` are worth another try, all other
        classes are not."""

    def cadence_ms(self, spec: ChannelSpec) -> int:
        """How often the venue sends this channel at most; 0 for every change."""

    def stale_after_s(self, spec: ChannelSpec) -> float:
        """After how long without data a stream should become suspicious of this channel."""

    def proof_of_life(self, spec: ChannelSpec) -> Proof:
        """What proves that silence of this channel is a quiet market."""

    def snapshot_intent(self, symbol: str) -> GetBook:
        """The REST call that starts a local book, or proves one."""

    def check_sequence(self, sequence: int, delta: BookDelta) -> Literal["drop", "apply", "resync"]:
        """The continuity rule of a book at ``sequence``."""

    def check_trade(self, last: int | str, trade: Trade) -> int:
        """How many trades are missing between the id ``last`` and this one; -1 when this one is
        older. 0 always, where the venue's ids promise no order."""


def count_missing_trades(last: int | str, trade: Trade) -> int:
    """The rule of a venue whose trade ids are integers without holes; ``trade.count`` ids end in
    ``trade.id`` where several are told as one."""
    identity = trade.id
    if type(identity) is not int or type(last) is not int:
        return 0
    step = identity - last
    if step < 0:
        return -1
    return step - trade.count if step > 1 and step > trade.count else 0
