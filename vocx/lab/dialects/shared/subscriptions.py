"""Private subscriptions: which connections are told what of which account.

There is no replay: who was not subscribed when something happened asks for it. One subscription
per connection, account and channel.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

import msgspec

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.events import AccountEvent


class Subscription(msgspec.Struct, frozen=True):
    """One channel of one account on one connection. ``id`` counts up over the connection's life;
    ``by_login`` ends with the login that it stands for."""

    id: int
    owner: str
    channel: str
    by_login: bool = False


class AlreadySubscribed(Exception):
    """The connection has this channel of this account."""


Made = tuple[Hashable, Callable[[], bytes]]
"""Under which name equal bytes are made once, and how."""
Payload = Callable[[AccountEvent, str, Connection, int], Made | None]
"""(event, channel, session, time); ``None`` where the channel says nothing of the event."""
Frame = Callable[[Subscription, Connection, bytes], Made]
"""(subscription, session, payload): the same for the frame."""


def same_for_all(one: Subscription, session: Connection, payload: bytes) -> Made:
    """The frame of a venue whose payloads need no more."""
    return None, lambda: payload


def by_connection(one: Subscription, session: Connection, payload: bytes) -> Made:
    """Each connection makes a frame of its own, as it numbers them."""
    return session, lambda: session.frame(payload)


class PrivateSubscriptions:
    """All private subscriptions of one venue.

    Parameters
    ----------
    payload, frame : callable
        The dialect's.
    """

    def __init__(self, payload: Payload, frame: Frame = same_for_all) -> None:
        self._payload = payload
        self._frame = frame
        self._next: dict[Connection, int] = {}
        self._by_session: dict[Connection, dict[int, Subscription]] = {}
        self._by_owner: dict[str, dict[tuple[Connection, str], Subscription]] = {}

    def next_id(self, session: Connection) -> int:
        """The id that the connection's next subscription gets."""
        return self._next.get(session, 0)

    def subscribe(
        self, session: Connection, owner: str, channel: str, *, by_login: bool = False
    ) -> Subscription:
        """A new subscription.

        Raises
        ------
        AlreadySubscribed
            Where there is one.
        """
        if (session, channel) in self._by_owner.get(owner, {}):
            raise AlreadySubscribed
        number = self._next.get(session, 0)
        self._next[session] = number + 1
        one = Subscription(number, owner, channel, by_login)
        self._by_session.setdefault(session, {})[number] = one
        self._by_owner.setdefault(owner, {})[session, channel] = one
        return one

    def active(self, session: Connection) -> list[Subscription]:
        """The subscriptions of one connection, oldest first."""
        return list(self._by_session.get(session, {}).values())

    def end(self, session: Connection, ended: Iterable[Subscription]) -> None:
        """Let some of a connection's subscriptions be over."""
        for one in ended:
            del self._by_session[session][one.id]
            sessions = self._by_owner[one.owner]
            del sessions[session, one.channel]
            if not sessions:
                del self._by_owner[one.owner]

    def leave(self, session: Connection) -> None:
        """The connection is gone."""
        self.end(session, self.active(session))
        self._next.pop(session, None)
        self._by_session.pop(session, None)

    # -- what they get -------------------------------------------------------------------------

    def publish(self, events: Sequence[AccountEvent], now_ns: int) -> list[Publication]:
        """What accounts' events mean for their subscribers; equal payloads are made once."""
        out: list[Publication] = []
        for event in events:
            subscribed = self._by_owner.get(event.owner)
            if not subscribed:
                continue
            payloads: dict[Hashable, bytes] = {}
            frames: dict[Hashable, tuple[bytes, list[Connection]]] = {}
            for (session, channel), one in subscribed.items():
                found = self._payload(event, channel, session, now_ns)
                if found is None:
                    continue
                name, make = found
                if name not in payloads:
                    payloads[name] = make()
                shape, make = self._frame(one, session, payloads[name])
                if (name, shape) not in frames:
                    frames[name, shape] = (make(), [])
                frames[name, shape][1].append(session)
            out += [Publication(text, tuple(sessions)) for text, sessions in frames.values()]
        return out
