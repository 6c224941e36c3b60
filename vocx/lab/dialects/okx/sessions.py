"""One connection to one of OKX's three sockets. (Docs-v5, WebSocket, 2026-07-28.)

Left out as none of this lab's accounts has the fee tier: ``fills`` and the books of 10 ms (64003).
That a demo key may log in at the same address is the lab's choice: the real one has another host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from vocx.lab.dialects.base import Close, Out
from vocx.lab.dialects.okx import signatures
from vocx.lab.dialects.okx.calls import Backend, Call
from vocx.lab.dialects.okx.limits import RULES, over
from vocx.lab.dialects.okx.orders import carry_out
from vocx.lab.dialects.okx.private_channels import PrivateChannels, argument
from vocx.lab.dialects.okx.topics import PUBLIC, VIP, Topics
from vocx.lab.dialects.okx.wire import TEXTS, Refusal
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.dialect import VenueDialect
from vocx.lab.dialects.shared.keys import Key
from vocx.lab.dialects.shared.numbers import NS_PER_S, NS_PER_US
from vocx.lab.dialects.shared.reading import Unreadable, encode, read_object
from vocx.lab.dialects.shared.topics import TopicSpec

PRIVATE: Mapping[str, str] = {
    **dict.fromkeys(("orders", "account", "balance_and_position", "positions", "fills"), "private"),
    **dict.fromkeys(("orders-algo", "algo-advance"), "business"),
}
"""Private channels and their sockets. There are no algo orders: their channels stay silent."""
_TYPES: Mapping[str, tuple[str, ...]] = {
    "orders": ("SPOT", "ANY"),
    "positions": ("MARGIN", "SWAP", "FUTURES", "OPTION", "ANY"),
}
OPERATIONS: Mapping[str, tuple[str, bool]] = {
    "order": ("place", False),
    "batch-orders": ("place", True),
    "cancel-order": ("cancel", False),
    "batch-cancel-orders": ("cancel", True),
    "amend-order": ("amend", False),
    "batch-amend-orders": ("amend", True),
}
LONGEST_ARGS = 65_536
MOST_CONNECTIONS = 30
"""That have one channel of an account."""
ACCOUNT_EVERY_NS = 5 * NS_PER_S
"""How often a snapshot of the account comes by itself (a choice; no interval is published)."""


class Exchange(VenueDialect):
    """What a connection needs of its venue."""

    topics: Topics
    backend: Backend
    channels: PrivateChannels


class OkxSession(Connection):
    """One connection; ``purpose`` is ``public``, ``private`` or ``business``."""

    def __init__(
        self, exchange: Exchange, now_ns: int, peer: str, purpose: str, number: str
    ) -> None:
        super().__init__(exchange.keepalive(now_ns), peer)
        self.exchange = exchange
        self.purpose = purpose
        self.number = number
        self.key: Key | None = None
        self._args: dict[str, dict[str, Any]] = {}
        self._account_ns: int | None = None

    # -- frames

    def _say(self, named: Mapping[str, Any], event: str, **more: Any) -> bytes:
        return encode({**named, "event": event, **more, "connId": self.number})

    def _error(self, named: Mapping[str, Any], code: str, message: str | None = None) -> bytes:
        text = TEXTS.get(code, "") if message is None else message
        return self._say(named, "error", code=code, msg=text)

    # -- what the client says

    def receive(self, message: bytes, now_ns: int) -> Iterator[Out]:
        """One message of JSON."""
        self.exchange.limiter.at(now_ns)
        if len(message) > LONGEST_ARGS:
            yield Close(1009, "Frame too long")
            return
        shown = message.decode("utf-8", "replace")[:200]
        try:
            decoded = read_object(message)
        except Unreadable:
            yield self._error({}, "60012", f"Illegal request: {shown}")
            return
        named, op, args = {}, decoded.get("op"), decoded.get("args")
        if "id" in decoded:
            if not re.fullmatch("[A-Za-z0-9]{1,32}", str(decoded["id"])):
                yield self._error({}, "60033", "Parameter id error.")
                return
            named = {"id": str(decoded["id"])}
        if isinstance(op, str) and op in OPERATIONS:
            yield self._operation(op, decoded, named, now_ns)
            self.keepalive.sent(now_ns)
            return
        if not isinstance(op, str) or op not in ("login", "subscribe", "unsubscribe"):
            code = "60012" if op is None else "60019"
            text = f"Illegal request: {shown}" if op is None else f"Invalid op: {str(op)[:40]}"
            yield self._error(named, code, text)
            return
        if over(self.exchange.limiter, RULES["operations"], self, now_ns):
            yield self._error(named, "60014")
            return
        if not isinstance(args, list) or not args or not all(isinstance(a, dict) for a in args):
            yield self._error(named, "60013" if args else "60012", None)
            return
        if op == "login":
            yield from self._login(args[0], now_ns)
            return
        for arg in args:
            try:
                yield from self._change(op, arg, named, now_ns)
            except Refusal as refusal:
                yield self._error(named, refusal.code, refusal.message)
        self.keepalive.subscriptions(bool(self._args) or self.key is not None, now_ns)

    def _login(self, given: Mapping[str, Any], now_ns: int) -> Iterator[Out]:
        if self.key is not None:
            yield self._error({}, "60031")
            return
        try:
            self.key = signatures.login(self.exchange.gateway, given, self.peer, now_ns)
        except Refusal as refusal:
            yield self._error({}, refusal.code)
            yield Close(4001, "Login failed")
            return
        self.keepalive.subscriptions(True, now_ns)
        yield self._say({}, "login", code="0", msg="")

    def _change(
        self, op: str, arg: Mapping[str, Any], named: Mapping[str, Any], now_ns: int
    ) -> Iterator[Out]:
        """Subscribe to one argument, or end that; raises the refusal of it."""
        clean = {name: str(value) for name, value in arg.items() if value is not None}
        self._check(clean)
        channel = clean["channel"]
        name = encode(dict(sorted(clean.items()))).decode()
        private, known = channel in PRIVATE, name in self._args
        yield self._say(named, op, arg=clean)
        spec = None if private else self.exchange.topics.spec(clean)
        topic = _topic_name(clean)
        if op == "unsubscribe":
            if self._args.pop(name, None) is None:
                return
            if private:
                self._end_private(name)
            else:
                self.exchange.topics.remove(topic, self)
            return
        if known:
            return
        self._args[name] = clean
        if private:
            yield from self._begin_private(name, clean, now_ns)
            return
        assert isinstance(spec, TopicSpec)
        first = self.exchange.topics.add(topic, spec, self, now_ns) or self.exchange.topics.first(
            spec, now_ns
        )
        if first is not None:
            self.keepalive.sent(now_ns)
            yield first

    def _check(self, arg: Mapping[str, str]) -> None:
        """Raise the refusal of an argument that cannot be had here."""
        channel = arg.get("channel", "")
        what = ",".join(f"{name}:{value[:60]}" for name, value in arg.items())
        unknown = Refusal(
            "60018",
            f"Wrong URL or {what} doesn't exist. Please use the correct URL, channel and "
            "parameters referring to API document.",
        )
        elsewhere = Refusal(
            "60008",
            f"The current WebSocket endpoint does not support subscribing to {channel} "
            "channels. Please check the WebSocket URL",
        )
        if channel in PRIVATE:
            if self.purpose != PRIVATE[channel]:
                raise elsewhere
            if self.key is None:
                raise Refusal("60011")
            if channel == "fills":
                raise Refusal("64003")
            if channel in _TYPES and arg.get("instType") not in _TYPES[channel]:
                raise unknown
            name = arg.get("instId")
            if channel == "orders" and name and name not in self.exchange.backend.catalogue.by_name:
                raise unknown
            return
        at = "public" if channel in (*PUBLIC, *VIP) else "business"
        if self.purpose == "private" and at == "public":
            raise elsewhere
        business = channel.startswith("candle") or channel == "trades-all"
        if at != self.purpose or (at == "business" and not business):
            raise unknown
        if channel in VIP:
            raise Refusal("60011" if self.key is None else "64003")
        if self.exchange.topics.spec(arg) is None:
            raise unknown

    def _begin_private(self, name: str, arg: Mapping[str, str], now_ns: int) -> Iterator[Out]:
        assert self.key is not None
        channel, owner = arg["channel"], self.key.owner
        self.exchange.subscriptions.subscribe(self, owner, name)
        if self.purpose == "business":
            return
        count = self._connection_count(owner, channel)
        too_many = count > MOST_CONNECTIONS
        event = "channel-conn-count-error" if too_many else "channel-conn-count"
        yield self._say({}, event, channel=channel, connCount=str(min(count, MOST_CONNECTIONS)))
        if too_many:
            self._args.pop(name)
            self._end_private(name)
            return
        if channel == "balance_and_position":
            yield self.exchange.channels.cash_snapshot(owner, arg, now_ns)
        if channel == "positions":
            yield self.exchange.channels.positions_snapshot(owner, arg)
        if channel == "account":
            yield self.exchange.channels.account_snapshot(owner, arg)
            if "updateInterval" not in arg.get("extraParams", ""):
                self._account_ns = now_ns + ACCOUNT_EVERY_NS

    def _connection_count(self, owner: str, channel: str) -> int:
        """How many connections have a channel of an account."""
        subscriptions = self.exchange.subscriptions
        return sum(
            any(
                sub.owner == owner and argument(sub.channel)["channel"] == channel
                for sub in subscriptions.active(one)
            )
            for one in self.exchange.sessions
        )

    def _end_private(self, name: str) -> None:
        active = self.exchange.subscriptions.active(self)
        self.exchange.subscriptions.end(self, [one for one in active if one.channel == name])
        if not any(one["channel"] == "account" for one in self._args.values()):
            self._account_ns = None

    # -- orders

    def _operation(
        self, op: str, message: Mapping[str, Any], named: Mapping[str, Any], now_ns: int
    ) -> bytes:
        """An order, a change or a cancel; its reply has an ``op`` and no ``event``."""
        if self.purpose != "private":
            return self._error(named, "60028")
        if self.key is None:
            return self._error(named, "60011")
        if not named:
            return self._error({}, "60027", "Parameter id can not be empty.")
        text = ""
        try:
            code, rows = self._carried_out(self.key, op, message, now_ns)
        except Refusal as error:
            code, text, rows = error.code, error.message, []
        micro = str(now_ns // NS_PER_US)
        times = {"inTime": micro, "outTime": micro}
        return encode({**named, "op": op, "code": code, "msg": text, "data": rows, **times})

    def _carried_out(
        self, key: Key, op: str, message: Mapping[str, Any], now_ns: int
    ) -> tuple[str, list[dict[str, Any]]]:
        """The top code and a row for each order."""
        (action, batch), args = OPERATIONS[op], message.get("args")
        if not isinstance(args, list) or not args or not all(isinstance(a, dict) for a in args):
            raise Refusal("60013")
        if not all(one.get("instIdCode") for one in args):
            raise Refusal("60027", "Parameter instIdCode can not be empty.")
        if not key.trade:
            raise Refusal("50120")
        call = Call(
            backend=self.exchange.backend,
            gateway=self.exchange.gateway,
            given={},
            now_ns=now_ns,
            key=key,
            orders=tuple(args),
            by_code=True,
        )
        call.check_expiry(message.get("expTime"), action)
        return carry_out(call, action, batch)

    # -- time

    @property
    def next_tick_ns(self) -> int:
        """The account's next snapshot is a deadline as well."""
        due = super().next_tick_ns
        return due if self._account_ns is None or self.over else min(due, self._account_ns)

    def tick(self, now_ns: int) -> Iterator[Out]:
        """Snapshots of the account, then what all connections do."""
        if self._account_ns is not None and now_ns >= self._account_ns and self.key is not None:
            self._account_ns = now_ns + ACCOUNT_EVERY_NS
            self.keepalive.sent(now_ns)
            owner = self.key.owner
            args = [one for one in self._args.values() if one["channel"] == "account"]
            channels = self.exchange.channels
            yield from self.ended([channels.account_snapshot(owner, arg) for arg in args])
        yield from super().tick(now_ns)


def _topic_name(arg: Mapping[str, str]) -> str:
    return ":".join(one for one in (arg["channel"], arg.get("instId", "")) if one)
