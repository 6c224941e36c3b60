"""Bybit's three kinds of sockets: public spot, private, trade (WebSocket documentation V5,
2026-07-24; texts of refusals as others measured them in 2026).

Each has its own dialect of answers. A public request has at most ten topics, and one bad topic
refuses all of them; a topic that the connection has is passed over in silence.

Choices, where nothing was captured: after a failed login the socket stays open; a private
subscription before the login is refused in the words of the older API; a command before the login
gets 10007; a batch of topics that are all known is not answered at all, as a single one is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from vocx.lab.dialects.base import Close, Out
from vocx.lab.dialects.bybit import limits, signatures
from vocx.lab.dialects.bybit.account_book import AccountBook
from vocx.lab.dialects.bybit.endpoints import ENDPOINTS, Calls
from vocx.lab.dialects.bybit.fault_responses import refusal_of
from vocx.lab.dialects.bybit.topics import Topics, UnknownTopic
from vocx.lab.dialects.bybit.wire import Refusal
from vocx.lab.dialects.shared.connections import Connection, Keepalive, PingPolicy
from vocx.lab.dialects.shared.dialect import VenueDialect
from vocx.lab.dialects.shared.keys import Key
from vocx.lab.dialects.shared.mappings import Latest
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_S
from vocx.lab.dialects.shared.reading import Unreadable, encode, read_object

DELAY_S = 0.003
"""Before anything is answered: SDKs register what waits for an answer after they have sent."""
TOPICS_PER_REQUEST = 10
MOST_SEEN = 10_000
"""Ids of requests that a connection remembers."""
LONGEST_ARGS = 21_000
PRIVATE = ("order", "execution", "execution.fast", "wallet", "position", "greeks")
CATEGORIZED = ("order.spot", "execution.spot", "execution.fast.spot", "dcp.spot")
_LETTERS = "0123456789abcdefghijklmnopqrstuv"
LIVE_S = 600
_DROPPED = Close(None, "idle")


def private_policy(target: str) -> PingPolicy:
    """Private and trade sockets end when nothing passed for ten minutes, or for what
    ``max_active_time`` says (30s to 600s, or in minutes); without a close frame."""
    found = re.search(r"[?&]max_active_time=([0-9]{1,4})([sm])(?:&|$)", target)
    seconds = int(found[1]) * (60 if found[2] == "m" else 1) if found else LIVE_S
    if not 30 <= seconds <= LIVE_S:
        seconds = LIVE_S
    return PingPolicy(idle_ns=seconds * NS_PER_S, idle_counts="either", idle=_DROPPED)


class Exchange(VenueDialect):
    """What a connection needs of its venue."""

    topics: Topics
    book: AccountBook
    calls: Calls


class BybitConnection(Connection):
    """What the three kinds have in common: an id, echoed request ids, a delay."""

    delay_s = DELAY_S

    def __init__(self, exchange: Exchange, keepalive: Keepalive, peer: str) -> None:
        super().__init__(keepalive, peer)
        self.exchange = exchange
        new_id = exchange.gateway.new_id
        self.conn_id = f"{new_id(20, _LETTERS)}-{new_id(5, _LETTERS)}"
        self.key: Key | None = None

    def receive(self, message: bytes, now_ns: int) -> Iterator[Out]:
        """One JSON message."""
        self.exchange.limiter.at(now_ns)
        try:
            decoded = read_object(message)
        except Unreadable as error:
            yield self.failure(f"Failed to decode incoming data: {error.reason}", {}, "")
        else:
            yield from self.obey(decoded, now_ns)

    def failure(self, text: str, message: Mapping[str, Any], op: str) -> bytes:
        """A refusal in the words of this kind."""
        raise NotImplementedError

    def obey(self, message: dict[str, Any], now_ns: int) -> Iterator[Out]:
        """One message that is a JSON object."""
        raise NotImplementedError

    def checked_args(self, message: Mapping[str, Any]) -> list[str]:
        """The topics of a request, as often as they stand there.

        Raises
        ------
        UnknownTopic
            For what is no list of texts.
        """
        args = message.get("args")
        if not isinstance(args, list) or not args or not all(isinstance(one, str) for one in args):
            raise UnknownTopic("error:args is invalid")
        return args


def echoed(message: Mapping[str, Any]) -> dict[str, Any]:
    """``req_id`` as it was sent, if it was: a text or a number."""
    found = message.get("req_id")
    fine = isinstance(found, str | int) and not isinstance(found, bool)
    return {"req_id": found} if fine and len(str(found)) <= 100 else {}


class PublicConnection(BybitConnection):
    """Market data; no login."""

    def _answer(self, good: bool, text: str, message: Mapping[str, Any], op: str) -> bytes:
        head = {"success": good, "ret_msg": text, "conn_id": self.conn_id}
        return encode({**head, **echoed(message), "op": op})

    def failure(self, text: str, message: Mapping[str, Any], op: str) -> bytes:
        """``success`` is false."""
        return self._answer(False, text, message, op)

    def obey(self, message: dict[str, Any], now_ns: int) -> Iterator[Out]:
        """Pings, subscriptions and their ends."""
        op = str(message.get("op"))[:40]
        if op == "ping":
            yield self._answer(True, "pong", message, "ping")
            return
        if op not in ("subscribe", "unsubscribe"):
            yield self.failure("error:invalid op", message, op)
            return
        try:
            args = self._checked(message, op)
        except UnknownTopic as refused:
            yield self.failure(str(refused), message, op)
            return
        if op == "unsubscribe":
            for topic in args:
                self.exchange.topics.remove(topic, self)
            yield self._answer(True, "unsubscribe", message, op)
            return
        known = self.exchange.topics.names(self)
        new = [topic for topic in dict.fromkeys(args) if topic not in known]
        if not new:
            return
        yield self._answer(True, "subscribe", message, op)
        for topic in new:
            first = self.exchange.topics.subscribe(topic, self, now_ns)
            if first is not None:
                yield first

    def _checked(self, message: Mapping[str, Any], op: str) -> list[str]:
        args = self.checked_args(message)
        if len(args) > TOPICS_PER_REQUEST:
            raise UnknownTopic("args size >10")
        if op == "subscribe":
            for topic in args:
                self.exchange.topics.spec(topic)
            if sum(map(len, (*self.exchange.topics.names(self), *args))) > LONGEST_ARGS:
                raise UnknownTopic("args length >21000")
        return args


class PrivateConnection(BybitConnection):
    """An account's events, after a login."""

    def _answer(self, good: bool, text: str, message: Mapping[str, Any], op: str) -> bytes:
        head = {"success": good, "ret_msg": text, "op": op, "conn_id": self.conn_id}
        return encode({**echoed(message), **head})

    def failure(self, text: str, message: Mapping[str, Any], op: str) -> bytes:
        """``success`` is false."""
        return self._answer(False, text, message, op)

    def obey(self, message: dict[str, Any], now_ns: int) -> Iterator[Out]:
        """Pings, the login, subscriptions and their ends, strictly in the order sent."""
        op = str(message.get("op"))[:40]
        if op == "ping":
            args = [str((now_ns + self.exchange.gateway.skew_ns) // NS_PER_MS)]
            pong = {**echoed(message), "op": "pong", "args": args, "conn_id": self.conn_id}
            yield encode(pong)
        elif op == "auth":
            try:
                self.key = signatures.login(self.exchange.gateway, message, self.peer, now_ns)
                yield self._answer(True, "", message, op)
            except Refusal as refused:
                yield self.failure(_LOGIN_TEXTS.get(refused.code, refused.message), message, op)
        elif op in ("subscribe", "unsubscribe"):
            try:
                self._change(op, message)
                yield self._answer(True, "", message, op)
            except UnknownTopic as refused:
                yield self.failure(str(refused), message, op)
        else:
            yield self.failure("error:invalid op", message, op)

    def _change(self, op: str, message: Mapping[str, Any]) -> None:
        args = list(dict.fromkeys(self.checked_args(message)))
        kinds = [topic in PRIVATE for topic in args]
        for topic, whole in zip(args, kinds, strict=True):
            if not whole and topic not in CATEGORIZED:
                raise UnknownTopic(f"error:handler not found,topic:{topic[:80]}")
        if len(set(kinds)) > 1:
            raise UnknownTopic("error:all-in-one and categorised topics in one request")
        if self.key is None:
            raise UnknownTopic(f"error:topic:{args[0]} needs auth first")
        subscriptions = self.exchange.subscriptions
        active = {one.channel: one for one in subscriptions.active(self)}
        if op == "unsubscribe":
            subscriptions.end(self, [active[one] for one in args if one in active])
            return
        for topic in args:
            if topic not in active:
                subscriptions.subscribe(self, self.key.owner, topic)

    @property
    def guards(self) -> bool:
        """Whether it keeps the dead-man switch of its account from firing."""
        return any(one.channel == "dcp.spot" for one in self.exchange.subscriptions.active(self))

    def closed(self, now_ns: int) -> None:
        """The connection is gone; the dead-man switch may be armed by that."""
        owner = self.key.owner if self.key is not None and self.guards else None
        super().closed(now_ns)
        if owner is not None:
            self.exchange.book.dead_man.left(owner, now_ns)


_LOGIN_TEXTS = {
    10001: "Params Error",
    10002: "Params Error",
    10003: "API key is invalid.",
    10004: "Invalid sign",
}


class TradeConnection(BybitConnection):
    """Orders by socket: a login, then commands that are not signed one by one."""

    def __init__(self, exchange: Exchange, keepalive: Keepalive, peer: str) -> None:
        super().__init__(exchange, keepalive, peer)
        self._seen: Latest[str, None] = Latest(MOST_SEEN)

    def _head(self, message: Mapping[str, Any], code: int, text: str, op: str) -> dict[str, Any]:
        named = message.get("reqId")
        own = {"reqId": named} if isinstance(named, str) and len(named) <= 100 else {}
        return {**own, "retCode": code, "retMsg": text, "op": op}

    def failure(self, text: str, message: Mapping[str, Any], op: str) -> bytes:
        """10001."""
        return self._refused(Refusal(10001, text), message, op)

    def _refused(
        self,
        refusal: Refusal,
        message: Mapping[str, Any],
        op: str,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        body = self._head(message, refusal.code, refusal.message, op)
        if op != "auth":
            body |= {"data": {}, "retExtInfo": {}, "header": dict(headers or {})}
        return encode({**body, "connId": self.conn_id})

    def obey(self, message: dict[str, Any], now_ns: int) -> Iterator[Out]:
        """Pings, the login, commands."""
        op = str(message.get("op"))[:40]
        if op == "ping":
            data = [str((now_ns + self.exchange.gateway.skew_ns) // NS_PER_MS)]
            pong = {"retCode": 0, "retMsg": "OK", "op": "pong", "data": data}
            yield encode({**pong, "connId": self.conn_id})
        elif op == "auth":
            try:
                if self.key is not None:
                    raise Refusal(20001, "Repeat auth")
                self.key = signatures.login(self.exchange.gateway, message, self.peer, now_ns)
                yield encode({**self._head(message, 0, "OK", op), "connId": self.conn_id})
            except Refusal as refused:
                text = "Invalid sign" if refused.code == 10004 else refused.message
                yield self._refused(Refusal(refused.code, text), message, op)
        else:
            yield from self._command(message, op, now_ns)

    def _command(self, message: dict[str, Any], op: str, now_ns: int) -> Iterator[Out]:
        def execute() -> bytes:
            return self._executed(message, op, now_ns)

        answer, fault = self.exchange.faults.answer(
            f"/v5/trade/{op}",
            "POST",
            execute,
            lambda fault: self._instead(fault.name, message, op, now_ns),
        )
        yield from self.exchange.faults.socket_answer(self, answer, fault, now_ns)

    def _instead(self, name: str, message: Mapping[str, Any], op: str, now_ns: int) -> bytes | None:
        refusal = refusal_of(name)
        return None if refusal is None else self._refused(refusal, message, op)

    def _executed(self, message: Mapping[str, Any], op: str, now_ns: int) -> bytes:
        exchange = self.exchange
        limit_headers: dict[str, str] = {}
        headers = {
            "Traceid": exchange.gateway.new_id(32, "0123456789abcdef"),
            "Timenow": str((now_ns + exchange.gateway.skew_ns) // NS_PER_MS),
        }
        try:
            if exchange.limiter.add(limits.SOCKET, self.peer, 1, now_ns):
                raise exchange.limiter.too_many(limits.SOCKET, now_ns, self.peer)
            named = message.get("reqId")
            if named is not None and not (isinstance(named, str) and 0 < len(named) <= 36):
                raise Refusal(10001, "reqId is invalid")
            if self.key is None or not exchange.gateway.keys.knows(self.key):
                raise Refusal(10007, "User authentication failed.")
            if named is not None:
                if named in self._seen:
                    raise Refusal(20006, "Duplicate reqId")
                self._seen[named] = None
            data, extra = self._carried_out(self.key, message, op, now_ns, limit_headers)
        except Refusal as refused:
            return self._refused(refused, message, op, {**limit_headers, **headers})
        body = {**self._head(message, 0, "OK", op), "data": data, "retExtInfo": extra}
        return encode({**body, "header": {**limit_headers, **headers}, "connId": self.conn_id})

    def _carried_out(
        self,
        key: Key,
        message: Mapping[str, Any],
        op: str,
        now_ns: int,
        limit_headers: dict[str, str],
    ) -> tuple[Any, Any]:
        """One command: ``data`` and ``retExtInfo``; what is said of its limit is added to
        ``limit_headers``."""
        endpoint = ENDPOINTS.find("POST", "/v5/" + op.replace(".", "/", 1))
        if not op.startswith("order.") or endpoint is None or op == "order.cancel-all":
            raise Refusal(10404, "op is not found")
        header, args = message.get("header"), message.get("args")
        signatures.check_command(self.exchange.gateway, header, now_ns)
        if not isinstance(args, list) or len(args) != 1 or not isinstance(args[0], dict):
            raise Refusal(10001, "args is invalid")
        if args[0].get("category") != "spot":
            raise Refusal(10404, "category is not correct")
        if not key.trade:
            raise Refusal(10005, "Permission denied for current apikey")
        return self.exchange.calls.carry_out(endpoint, args[0], now_ns, key, limit_headers)
