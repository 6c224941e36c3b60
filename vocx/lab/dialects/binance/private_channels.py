"""User data: what account events mean for those who have subscribed (user-data-stream.md and
web-socket-api.md, 2026-07-21). One subscription per account and connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vocx.lab.dialects.binance.catalogue import Symbol
from vocx.lab.dialects.binance.reports import Stamp, Writer
from vocx.lab.dialects.binance.wire import Refusal, exact
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.numbers import Catalogue
from vocx.lab.dialects.shared.reading import encode
from vocx.lab.dialects.shared.subscriptions import (
    AlreadySubscribed,
    Made,
    PrivateSubscriptions,
    Subscription,
)
from vocx.lab.events import AccountEvent, BalancesChanged, Executed

MOST_IDS = 65_535
"""Subscriptions over a connection's life."""
CHANNEL = "user"


class Listener(Connection):
    """A WebSocket API connection; ``unit_ns`` are the nanoseconds of the unit of time that it asked
    for."""

    unit_ns: int


class UserData(PrivateSubscriptions):
    """All subscriptions to user data."""

    def __init__(self, catalogue: Catalogue[Symbol], skew_ns: Callable[[], int]) -> None:
        super().__init__(self._user_event, self._wrapped)
        self._catalogue = catalogue
        self._skew_ns = skew_ns

    def begin(self, session: Listener, owner: str, *, by_login: bool) -> int:
        """A new subscription's id; -2035 where the account has one on this connection."""
        if self.next_id(session) > MOST_IDS:
            raise Refusal(-2042, "Maximum subscription ID reached for this connection.")
        try:
            return self.subscribe(session, owner, CHANNEL, by_login=by_login).id
        except AlreadySubscribed:
            raise Refusal(-2035, "User Data Stream subscription already active.") from None

    def stop(self, session: Listener, number: int | None) -> list[Subscription]:
        """End one subscription (-2036 where it is not active), or all; those that ended."""
        ended = [one for one in self.active(session) if number in (None, one.id)]
        if number is not None and not ended:
            raise Refusal(-2036, "User Data Stream subscription not active.")
        self.end(session, ended)
        return ended

    def log_out(self, session: Listener) -> list[Subscription]:
        """End the subscription that a logon stood for."""
        ended = [one for one in self.active(session) if one.by_login]
        self.end(session, ended)
        return ended

    def terminated(self, session: Listener, one: Subscription, now_ns: int) -> bytes:
        """The last message of a subscription."""
        at = (now_ns + self._skew_ns()) // session.unit_ns
        return wrapped(one.id, encode({"e": "eventStreamTerminated", "E": at}))

    def _user_event(self, event: AccountEvent, channel: str, session: Any, now_ns: int) -> Made:
        unit_ns: int = session.unit_ns

        def stamp(at_ns: int) -> int:
            return at_ns // unit_ns

        def make() -> bytes:
            if isinstance(event, Executed):
                form = self._catalogue.by_symbol[event.order.request.symbol].format
                return encode(Writer(form, stamp).execution(event, now_ns))
            return encode(_position(event, stamp, now_ns))

        return unit_ns, make

    def _wrapped(self, one: Subscription, session: Connection, payload: bytes) -> Made:
        return one.id, lambda: wrapped(one.id, payload)


def _position(event: BalancesChanged, stamp: Stamp, now_ns: int) -> dict[str, Any]:
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
