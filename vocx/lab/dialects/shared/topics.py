"""What can be subscribed to, and who has: a topic has its subscribers by encoding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.numbers import NS_PER_MS, Listing
from vocx.lab.events import AnyEvent


class TopicSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a topic's name asks for, in the venue's words.

    ``kind`` is the dialect's; ``symbol`` the venue's name of a symbol, or empty; ``cadence_ns``
    0 for what is sent as it happens; ``interval`` and ``levels`` where a kind has them;
    ``offset_ns`` shifts the boundaries of candles.
    """

    kind: str
    symbol: str = ""
    cadence_ns: int = 0
    interval: str = ""
    levels: int = 0
    offset_ns: int = 0


class Encoding(NamedTuple):
    """How a subscriber wants a message: times in so many nanoseconds, and whether in the venue's
    envelope for many topics."""

    unit_ns: int = NS_PER_MS
    wrapped: bool = False


class TopicState:
    """What a topic remembers, and what it sends when. This one wants no event and sends nothing;
    others override what they need."""

    events: tuple[type[AnyEvent], ...] = ()
    """Events of its symbol that it wants."""
    listing: Listing
    """Its symbol; only looked at where it wants events."""

    def take(self, topic: Topic, event: Any, now_ns: int, out: list[Publication]) -> None:
        """One of its events."""

    def flush(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """The events of this moment are over."""

    def due(self, topic: Topic, now_ns: int, out: list[Publication]) -> None:
        """Its time has come."""

    def welcome(self, topic: Topic, now_ns: int, unit_ns: int) -> bytes | None:
        """What a new subscriber gets first, as of what all others have been sent."""
        return None

    def restart(self) -> None:
        """A fault: the venue begins its numbers anew."""


Build = Callable[[int], bytes]
"""Makes a payload with times in units of so many nanoseconds."""
Sessions = tuple[Connection, ...]


class Topic:
    """One topic that somebody has subscribed to.

    Attributes
    ----------
    subscribers : dict
        Sessions by encoding.
    inject : callable or None
        A fault: what the subscribers get instead of one message in all its encodings.
    recorded : bool
        Frames of a recording are passed on for it; it is never derived as well.
    """

    __slots__ = ("name", "spec", "subscribers", "inject", "recorded", "state", "envelope")

    def __init__(self, name: str, spec: TopicSpec | None, envelope: Envelope) -> None:
        self.name = name
        self.spec = spec
        self.envelope = envelope
        self.subscribers: dict[Encoding, Sessions] = {}
        self.inject: Callable[[Topic, list[Publication]], list[Publication]] | None = None
        self.recorded = False
        self.state: TopicState | None = None

    def add(self, session: Connection, encoding: Encoding) -> None:
        """Let a session have every message."""
        self.subscribers[encoding] = (*self.subscribers.get(encoding, ()), session)

    def remove(self, session: Connection) -> None:
        """Let it have no more."""
        self.subscribers = {
            encoding: left
            for encoding, sessions in self.subscribers.items()
            if (left := tuple(one for one in sessions if one is not session))
        }

    @property
    def empty(self) -> bool:
        return not self.subscribers

    def send(self, out: list[Publication], build: Build) -> None:
        """Publish what ``build`` makes for a unit of time, once per encoding that is wanted."""
        message: list[Publication] = []
        payloads: dict[int, bytes] = {}
        for (unit_ns, wrapped), sessions in self.subscribers.items():
            payload = payloads.get(unit_ns)
            if payload is None:
                payload = payloads[unit_ns] = build(unit_ns)
            message += self.envelope(self, payload, wrapped, sessions)
        self.publish(out, message)

    def publish(self, out: list[Publication], message: list[Publication]) -> None:
        """Publish one message in all its encodings, as a fault leaves it."""
        out += message if self.inject is None or not message else self.inject(self, message)

    def send_text(self, out: list[Publication], payload: bytes) -> None:
        """Publish a payload without times: the same in every unit."""
        self.send(out, lambda unit_ns: payload)


Envelope = Callable[[Topic, bytes, bool, Sessions], list[Publication]]
"""(topic, payload, wrapped, sessions): how a venue puts a payload into frames."""


def same_for_all(
    topic: Topic, payload: bytes, wrapped: bool, sessions: Sessions
) -> list[Publication]:
    """The payload is the frame."""
    return [Publication(payload, sessions)]


def by_connection(
    topic: Topic, payload: bytes, wrapped: bool, sessions: Sessions
) -> list[Publication]:
    """Each connection makes a frame of its own, as it numbers them."""
    return [Publication(session.frame(payload), (session,)) for session in sessions]
