"""User data: who has subscribed on which connection, and what account events mean for them.

user-data-stream.md and web-socket-api.md, 2026-07-21. There is no replay: who was not subscribed
when something happened asks for it. One subscription per account and connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import msgspec

from vocx.lab.dialects.base import Publication, Session
from vocx.lab.dialects.binance.catalogue import Catalogue
from vocx.lab.dialects.binance.reports import Strategies, Writer
from vocx.lab.dialects.binance.wire import Refusal, encode, exact
from vocx.lab.events import AccountEvent, AnyEvent, BalancesChanged, Executed

MOST_IDS = 65_535
"""Subscriptions over a connection's life."""


class Listener(Session, Protocol):
    """A WebSocket API connection."""

    @property
    def unit_ns(self) -> int:
        """Nanoseconds in the unit of time that it asked for."""


class Subscription(msgspec.Struct, frozen=True):
    """One account's events on one connection; ``by_logon`` ends with the logon."""

    id: int
    owner: str
    by_logon: bool


class UserData:
    """All subscriptions of one venue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.skew_ns = 0
        self.strategies = Strategies()
        self.updated_ns: dict[str, int] = {}
        self._catalogue = catalogue
        self._next: dict[Listener, int] = {}
        self._by_session: dict[Listener, dict[int, Subscription]] = {}
        self._by_owner: dict[str, dict[Listener, int]] = {}

    # -- who listens ---------------------------------------------------------------------------

    def subscribe(self, session: Listener, owner: str, *, by_logon: bool) -> int:
        """A new subscription's id; -2035 where the account has one on this connection."""
        if session in self._by_owner.get(owner, {}):
            raise Refusal(-2035, "User Data Stream subscription already active.")
        number = self._next.get(session, 0)
        if number > MOST_IDS:
            raise Refusal(-2042, "Maximum subscription ID reached for this connection.")
        self._next[session] = number + 1
        self._by_session.setdefault(session, {})[number] = Subscription(number, owner, by_logon)
        self._by_owner.setdefault(owner, {})[session] = number
        return number

    def active(self, session: Listener) -> list[Subscription]:
        """The subscriptions of one connection, oldest first."""
        return list(self._by_session.get(session, {}).values())

    def unsubscribe(self, session: Listener, number: int | None) -> list[Subscription]:
        """End one subscription (-2036 where it is not active), or all; those that ended."""
        active = self._by_session.get(session, {})
        if number is not None and number not in active:
            raise Refusal(-2036, "User Data Stream subscription not active.")
        ended = self.active(session) if number is None else [active[number]]
        for one in ended:
            self._end(session, one)
        return ended

    def log_out(self, session: Listener) -> list[Subscription]:
        """End the subscription that a logon stood for."""
        ended = [one for one in self.active(session) if one.by_logon]
        for one in ended:
            self._end(session, one)
        return ended

    def leave(self, session: Listener) -> None:
        """The connection is gone."""
        for one in self.active(session):
            self._end(session, one)
        self._next.pop(session, None)
        self._by_session.pop(session, None)

    def _end(self, session: Listener, one: Subscription) -> None:
        del self._by_session[session][one.id]
        sessions = self._by_owner[one.owner]
        del sessions[session]
        if not sessions:
            del self._by_owner[one.owner]

    # -- what they get -------------------------------------------------------------------------

    def terminated(self, session: Listener, one: Subscription, now_ns: int) -> bytes:
        """The last message of a subscription."""
        at = (now_ns + self.skew_ns) // session.unit_ns
        return wrapped(one.id, encode({"e": "eventStreamTerminated", "E": at}))

    def note(self, events: Iterable[AnyEvent]) -> None:
        """Remember when each account's balances last changed."""
        for event in events:
            if isinstance(event, BalancesChanged):
                self.updated_ns[event.owner] = event.at_ns

    def publish(self, events: Sequence[AccountEvent], now_ns: int) -> list[Publication]:
        """What accounts' events mean for their subscribers, encoded once per form."""
        out: list[Publication] = []
        self.note(events)
        for event in events:
            listeners = self._by_owner.get(event.owner)
            if listeners:
                forms: dict[tuple[int, int], list[Session]] = {}
                for session, number in listeners.items():
                    forms.setdefault((session.unit_ns, number), []).append(session)
                texts: dict[int, bytes] = {}
                for (unit_ns, number), sessions in forms.items():
                    if unit_ns not in texts:
                        texts[unit_ns] = encode(self._payload(event, now_ns, unit_ns))
                    out.append(Publication(wrapped(number, texts[unit_ns]), tuple(sessions)))
        return out

    def _payload(self, event: AccountEvent, now_ns: int, unit_ns: int) -> dict[str, Any]:
        def stamp(at_ns: int) -> int:
            return (at_ns + self.skew_ns) // unit_ns

        if isinstance(event, Executed):
            listing = self._catalogue.by_symbol[event.order.request.symbol]
            return Writer(listing.numbers, stamp, self.strategies).execution(event, now_ns)
        return _position(event, stamp, now_ns)


def _position(event: BalancesChanged, stamp: Callable[[int], int], now_ns: int) -> dict[str, Any]:
    return {
        "e": "outboundAccountPosition",
        "E": stamp(now_ns),
        "u": stamp(event.at_ns),
        "B": [
            {"a": asset, "f": exact(free), "l": exact(locked)}
            for asset, free, locked in event.balances
        ],
    }


def wrapped(number: int, event: bytes) -> bytes:
    """An event as the WebSocket API sends it."""
    return b'{"subscriptionId":%d,"event":' % number + event + b"}"
