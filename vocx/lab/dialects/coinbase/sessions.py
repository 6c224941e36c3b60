"""The socket: one channel a message, acknowledgements of all that is subscribed, frames numbered
over the whole connection, a token in each private message.

First data come before the acknowledgement, except for heartbeats (frames recorded 2024-10). Error
frames have another shape and no number. Bad tokens and unknown channels are told in the same words
(seen 2026); what one subscribes to of products that are not listed is passed over in silence (a
choice).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from vocx.lab.dialects.base import Close, Out
from vocx.lab.dialects.coinbase import payloads, tokens
from vocx.lab.dialects.coinbase.limits import MESSAGES
from vocx.lab.dialects.coinbase.topics import CADENCES, UNLISTED, Topics, topic_name
from vocx.lab.dialects.coinbase.wire import Refusal, uuid_of
from vocx.lab.dialects.shared.connections import Connection, PingPolicy
from vocx.lab.dialects.shared.dialect import VenueDialect
from vocx.lab.dialects.shared.keys import Denied, Key
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.dialects.shared.reading import Unreadable, encode, read_object
from vocx.lab.dialects.shared.topics import TopicSpec

USER = "user"
_PAGE = 50
_NO_POSITIONS: Mapping[str, list[Any]] = {
    "perpetual_futures_positions": [],
    "expiring_futures_positions": [],
    "prediction_market_positions": [],
}
POLICY = PingPolicy(
    idle_ns=75 * NS_PER_S,
    idle_counts="sent",
    subscribe_within_ns=5 * NS_PER_S,
    idle=Close(None),
    shutdown=Close(1012, "Service restart"),
)
"""Within 5 s of connecting a subscription is needed; what is silent for 60 to 90 s is closed: here
75, counted over the connection. Both ends are dropped connections, and a planned restart is 1012,
because the official SDK stops for good at 1000 and 1001 (choices; WebSocket pages, 2026-08)."""


class Refused(Exception):
    """Why a message is answered by an error frame."""


class CoinbaseSession(Connection):
    """One connection; both addresses of the venue serve all channels.

    Parameters
    ----------
    venue, topics
        Whose it is, and its market channels.
    open_orders : callable
        The rows of an owner's open orders in some products (none: in all).
    client_id : bool
        Whether frames carry an empty ``client_id``.
    """

    def __init__(
        self,
        venue: VenueDialect,
        topics: Topics,
        open_orders: Callable[[str, frozenset[str]], list[dict[str, Any]]],
        now_ns: int,
        peer: str,
        client_id: bool,
    ) -> None:
        super().__init__(venue.keepalive(now_ns), peer)
        self._venue = venue
        self._market = topics
        self._open_orders = open_orders
        self._client_id = client_id
        self._number = 0
        self._topics: dict[tuple[str, str], str] = {}
        """By channel and product as they were named: the topic."""
        self._user: Key | None = None
        self.products: frozenset[str] = frozenset()
        """Those of the ``user`` channel; none: all."""

    def frame(self, payload: bytes) -> bytes:
        """With the connection's next number."""
        number, self._number = self._number, self._number + 1
        return payloads.numbered(payload, number, self._client_id)

    # -- what the client says

    def receive(self, message: bytes, now_ns: int) -> Iterator[Out]:
        """One message."""
        try:
            yield from self._obey(message, now_ns)
        except Refused as error:
            yield encode({"type": "error", "message": str(error)})

    def _obey(self, message: bytes, now_ns: int) -> Iterator[Out]:
        try:
            request = read_object(message)
        except Unreadable:
            request = {}
        kind = request.get("type")
        if kind not in ("subscribe", "unsubscribe"):
            self._count(None, now_ns)
            raise Refused("subscribe or unsubscribe required")
        try:
            key = self._key(request.get("jwt"), now_ns)
        except Refused:
            self._count(None, now_ns)
            raise
        self._count(key, now_ns)
        subscribe = kind == "subscribe"
        channel, products = request.get("channel"), request.get("product_ids") or []
        known = (*CADENCES,) if key is None else (*CADENCES, USER)
        if not isinstance(channel, str) or channel not in known:
            raise Refused("authentication failure")
        if not isinstance(products, list) or not all(isinstance(one, str) for one in products):
            raise Refused("subscribe or unsubscribe required")
        first: list[bytes] = []
        if channel == USER:
            first = self._private(subscribe, key, frozenset(products), now_ns)
        else:
            for product in products if channel not in UNLISTED else [""]:
                first += self._public(subscribe, channel, product, now_ns)
        acknowledged = payloads.frame("subscriptions", now_ns, {"subscriptions": self._state()})
        self.keepalive.subscriptions(bool(self._topics) or self._user is not None, now_ns)
        self.keepalive.sent(now_ns)
        for one in (*first, acknowledged):
            yield self.frame(one)

    def _key(self, token: Any, now_ns: int) -> Key | None:
        """Whose a message is; a token that is there must be good, on public channels, too."""
        if token is None:
            return None
        gateway = self._venue.gateway
        try:
            if not isinstance(token, str):
                raise Denied("form")
            return tokens.authenticate(gateway.keys, token, now_ns + gateway.skew_ns)
        except Denied:
            raise Refused("authentication failure") from None

    def _count(self, key: Key | None, now_ns: int) -> None:
        """Unsigned messages count for the address."""
        limiter = self._venue.limiter
        limiter.at(now_ns)
        if key is None and limiter.add(MESSAGES, self.peer, 1, now_ns):
            raise Refused("rate limit exceeded")

    # -- subscriptions

    def _public(self, subscribe: bool, channel: str, product: str, now_ns: int) -> list[bytes]:
        """What comes first; nothing for what is subscribed already or not listed."""
        try:
            spec = self._market.spec(channel, product)
        except Refusal:
            return []
        named = channel, product
        if not subscribe:
            if self._topics.pop(named, None) is not None:
                self._gone(spec)
            return []
        if named in self._topics:
            return []
        name = topic_name(spec)
        known = name in self._topics.values()
        self._topics[named] = name
        if known:
            return []
        first = self._market.add(name, spec, self, now_ns)
        return [] if first is None else [first]

    def _gone(self, spec: TopicSpec) -> None:
        """One name of a topic is given up; the topic with its last one."""
        name = topic_name(spec)
        if name not in self._topics.values():
            self._market.remove(name, self)

    def _private(
        self, subscribe: bool, key: Key | None, products: frozenset[str], now_ns: int
    ) -> list[bytes]:
        """The open orders, fifty a batch; a smaller batch ends them."""
        subscriptions = self._venue.subscriptions
        subscriptions.end(self, subscriptions.active(self))
        self._user = None
        if not subscribe or key is None:
            return []
        self._user, self.products = key, products
        subscriptions.subscribe(self, key.owner, USER)
        rows = self._open_orders(key.owner, products)
        pages = [rows[at : at + _PAGE] for at in range(0, len(rows) + 1, _PAGE)]
        clock_ns = now_ns + self._venue.gateway.skew_ns
        return [
            payloads.frame(
                USER, clock_ns, {"type": "snapshot", "orders": one, "positions": _NO_POSITIONS}
            )
            for one in pages
        ]

    def _state(self) -> Mapping[str, list[str]]:
        """All that is subscribed, under the names by which one subscribes."""
        state: dict[str, list[str]] = {}
        for channel, product in self._topics:
            state.setdefault(channel, []).append(product or channel)
        if self._user is not None:
            state[USER] = [uuid_of("user", self._user.owner)]
        return state
