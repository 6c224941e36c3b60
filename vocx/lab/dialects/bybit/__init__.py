"""Bybit V5, category spot, as the lab plays it.

Written from Bybit's documentation (V5, 2026-07-24), its SDK and what others recorded up to
2026-11, independently of the client in :mod:`vocx.venues.bybit`.

What the venue has and the lab has not, with reasons: RSA keys (HMAC is what all clients here use);
the demo environment (every lab is one); conditional orders, RPI and other categories (asked for,
they are empty or refused by their codes); duplicate or late rows of the private stream (faults hit
public topics and answers; a reconnecting client gets rows anew from REST); wrong capitals of HTTP
methods, which the server below does not pass on. A clock that was set (``skew``) moves the times by
which signatures are judged and those of answers, not those of orders, executions and market data.

Clients that run against it with their URLs changed: pybit 5.17.0, ccxt 4.5.90 with its sockets,
cryptofeed 2.4.1 (over TLS).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.dialects.base import HttpIn, HttpOut, KeyPair, Publication, Session
from vocx.lab.dialects.bybit import limits, orders
from vocx.lab.dialects.bybit.account_book import AccountBook
from vocx.lab.dialects.bybit.calls import Call, total_in_usdt, usdt_prices
from vocx.lab.dialects.bybit.recording import BybitRecording
from vocx.lab.dialects.bybit.rest import ENDPOINTS, SILENT
from vocx.lab.dialects.bybit.rows import DCP, execution_row, fast_row, wallet_row
from vocx.lab.dialects.bybit.sessions import (
    BybitConnection,
    Exchange,
    PrivateConnection,
    PublicConnection,
    TradeConnection,
    private_policy,
)
from vocx.lab.dialects.bybit.topics import Topics
from vocx.lab.dialects.bybit.wire import (
    BLOCKED,
    JSON,
    NumberedListing,
    Refusal,
    bad_parameter,
    good,
    page,
    refused,
    unknown_symbol,
)
from vocx.lab.dialects.shared.accounts import LETTERS, AccountGateway
from vocx.lab.dialects.shared.connections import Keepalive, PingPolicy
from vocx.lab.dialects.shared.endpoints import Endpoint
from vocx.lab.dialects.shared.faults import Fault, FaultInjector
from vocx.lab.dialects.shared.keys import Authentication, Denied, Key, KeyRing, RequestWindow
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_S, Catalogue, shortest
from vocx.lab.dialects.shared.reading import Unreadable, encode, query_pairs, read_json
from vocx.lab.dialects.shared.subscriptions import PrivateSubscriptions, Subscription
from vocx.lab.events import AccountEvent, BalancesChanged
from vocx.lab.ports import Market, MarketSimulation, RecordingFormat

FEES = FeeSchedule(maker=Decimal("0.001"), taker=Decimal("0.001"))
"""Of a user without a level, on spot."""
AHEAD_NS = NS_PER_S
WINDOW_MS = 5000
LOGIN_AHEAD_NS = 10 * 365 * 86_400 * NS_PER_S
"""No upper bound of ``expires`` was ever seen."""
_401 = "account/wallet-balance"
"""The one endpoint that answers 401 to a call without the headers of a key, as measured."""
_TEXT = {"Content-Type": "text/plain"}
_PUBLIC = PingPolicy()


class Shapes:
    """Frames that no client knows."""

    def unknown_event(self, payload: bytes) -> bytes:
        """The message under a topic that nobody has."""
        return re.sub(rb'"topic":"[^"]*"', b'"topic":"news.BTCUSDT"', payload, count=1)

    def huge(self, size: int) -> bytes:
        """One message with a long text."""
        return b'{"topic":"huge","type":"snapshot","data":"' + b"x" * size + b'"}'


class Bybit(Exchange):
    """Bybit over a simulation."""

    name = "bybit"
    paths: Mapping[str, str] = {
        "rest": "",
        "ws_public": "/v5/public/spot",
        "ws_private": "/v5/private",
        "ws_trade": "/v5/trade",
    }
    policy = private_policy("")
    recording: RecordingFormat = BybitRecording()

    def __init__(
        self,
        simulation: MarketSimulation,
        *,
        start_ns: int,
        credentials: KeyPair | None = None,
    ) -> None:
        self.credentials = credentials
        numbers = {symbol: number for number, symbol in enumerate(simulation.markets, 1)}

        def listing(market: Market) -> NumberedListing:
            spec = market.spec
            made = NumberedListing(market, spec.base + spec.quote, shortest)
            made.number = numbers[spec.symbol]
            return made

        self.catalogue: Catalogue[NumberedListing] = Catalogue(
            simulation.markets, listing, lambda name: unknown_symbol()
        )
        self.topics = Topics(self.catalogue)
        super().__init__(
            limiter=limits.new_limiter(),
            publisher=self.topics,
            faults=FaultInjector(Shapes(), self.topics.topics),
            gateway=AccountGateway(
                self.name,
                simulation.accounts,
                KeyRing("[A-Za-z0-9]{8,64}", "8 to 64 letters and digits"),
                credentials,
                start_ns,
                FEES,
            ),
            subscriptions=PrivateSubscriptions(self._private, self._private_frame),
        )
        self.book = AccountBook(self.gateway, self._maintained, self._guarded)
        self._messages = 0

    @classmethod
    def create(cls, simulation: MarketSimulation, *, start_ns: int, entropy: bytes) -> Bybit:
        """The venue of a lab, with a random key of its own."""
        key = "".join(LETTERS[one % len(LETTERS)] for one in entropy[:18])
        secret = "".join(LETTERS[one % len(LETTERS)] for one in entropy[18:54])
        return cls(simulation, start_ns=start_ns, credentials=KeyPair(key=key, secret=secret))

    # -- REST

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one request, through the fault that it meets."""
        return self.faults.http_answer(
            request,
            lambda: self._executed(request, now_ns),
            lambda fault: self._instead(fault, now_ns),
        )

    def _executed(self, request: HttpIn, now_ns: int) -> HttpOut:
        clock_ns = now_ns + self.gateway.skew_ns
        path, _, query = request.target.partition("?")
        headers: dict[str, str] = {}
        try:
            self.limiter.charge(limits.ADDRESS, request.peer, 1, now_ns, request.peer)
            if request.method not in ("GET", "POST"):
                raise page(400, "Bad request")
            endpoint = ENDPOINTS.find(request.method, path)
            if endpoint is None:
                raise Refusal(0, "404", status=404, body=b"404 page not found", headers=_TEXT)
            if request.method == "GET" and request.body:
                raise page(403, "The request could not be satisfied")
            key = self._key(request, query, endpoint, now_ns) if endpoint.signed else None
            given = self._given(request, query)
            call = self._call(given, now_ns, key)
            result, extra = self._carried_out(endpoint, call, headers)
        except Refusal as refusal:
            return refused(refusal, clock_ns, headers)
        message = "" if endpoint.path in SILENT else "OK"
        body = good(result, clock_ns, extra=extra, message=message)
        return HttpOut(status=200, headers={**JSON, **headers}, body=body)

    def _call(self, given: Mapping[str, Any], now_ns: int, key: Key | None) -> Call:
        return Call(
            book=self.book,
            catalogue=self.catalogue,
            given=given,
            now_ns=now_ns,
            clock_ns=now_ns + self.gateway.skew_ns,
            key=key,
        )

    def _given(self, request: HttpIn, query: str) -> Mapping[str, Any]:
        if request.method == "GET":
            return dict(query_pairs(query))
        try:
            body = read_json(request.body or b"{}")
        except Unreadable as error:
            raise bad_parameter(f"the body is no JSON: {error.reason}") from None
        if not isinstance(body, dict):
            raise bad_parameter("the body is no JSON object")
        return body

    def _carried_out(
        self, endpoint: Endpoint, call: Call, headers: dict[str, str]
    ) -> tuple[Any, Any]:
        """A call through its own limit: ``result`` and ``retExtInfo``."""
        if call.key is None:
            return endpoint.answer(call), None
        rule, now_ns = limits.ENDPOINTS[endpoint.bucket], call.now_ns
        who = ("key", call.key.key)
        single = not endpoint.bucket.endswith("-batch")
        over = self.limiter.add(rule, who, 1, now_ns) if single else False
        headers.update(limits.limit_headers(self.limiter, rule, who, now_ns, over=over))
        if over:
            raise self.limiter.too_many(rule, now_ns, who)
        if single:
            return endpoint.answer(call), None
        found = orders.batch(
            endpoint.answer, call, lambda: not self.limiter.add(rule, who, 1, now_ns)
        )
        headers.update(limits.limit_headers(self.limiter, rule, who, now_ns, over=False))
        return found

    # -- keys

    def _key(self, request: HttpIn, query: str, endpoint: Endpoint, now_ns: int) -> Key:
        """Whose call it is: headers, key, time, signature, address, permission."""
        headers = request.headers
        named, time = headers.get("x-bapi-api-key"), headers.get("x-bapi-timestamp", "")
        sign = headers.get("x-bapi-sign", "")
        if not named:
            if endpoint.path == _401:
                raise Refusal(0, "401", status=401, body=b"null")
            raise bad_parameter("apiKey is missing")
        sent = headers.get("x-bapi-recv-window")
        if not re.fullmatch("[0-9]{1,15}", time) or not re.fullmatch("[0-9]{0,9}", sent or ""):
            raise bad_parameter("timestamp or recv_window is invalid")
        raw = request.body if request.method == "POST" else query.encode("utf-8", "replace")
        # Without the header the window is 5000; what is signed then is not documented.
        tried = [sent] if sent is not None else ["", str(WINDOW_MS)]
        window_ms = int(sent or WINDOW_MS)
        for text in tried:
            payload = f"{time}{named}{text}".encode() + raw
            try:
                return self._authenticated(
                    named,
                    payload,
                    sign,
                    RequestWindow(int(time) * NS_PER_MS, window_ms * NS_PER_MS, AHEAD_NS),
                    now_ns,
                    trade=endpoint.trade,
                    peer=request.peer,
                )
            except Denied as error:
                denied = error
                if denied.reason != "signature":
                    break
        raise self._denied(denied, payload, time, window_ms, now_ns)

    def _authenticated(
        self,
        named: str | None,
        payload: bytes,
        sign: str,
        window: RequestWindow,
        now_ns: int,
        *,
        trade: bool,
        peer: str,
    ) -> Key:
        shown = Authentication(key=named, payload=payload, signature=sign)
        now_ns -= (now_ns + self.gateway.skew_ns) % NS_PER_MS  # times are compared in milliseconds
        return self.gateway.authenticate(shown, window, now_ns, trade=trade, peer=peer)

    def _denied(
        self, denied: Denied, payload: bytes, time: str, window_ms: int, now_ns: int
    ) -> Refusal:
        """A failed check in Bybit's words."""
        clock_ms = (now_ns + self.gateway.skew_ns) // NS_PER_MS
        if denied.reason in ("ahead", "late"):
            return Refusal(
                10002,
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{time}],server_timestamp[{clock_ms}],recv_window[{window_ms}]",
            )
        if denied.reason == "signature":
            origin = payload.decode("utf-8", "replace")[:2000]
            return Refusal(
                10004,
                "Error sign, please check your signature generation algorithm: "
                f"origin_string[{origin}]",
            )
        if denied.reason == "permission":
            return Refusal(10005, "Invalid API-key, IP, or permissions for action.")
        if denied.reason == "address":
            return Refusal(10010, "Unmatched IP, please check your API key's bound IP addresses.")
        return Refusal(10003, "API key is invalid.")

    def login(self, message: Mapping[str, Any], peer: str, now_ns: int) -> Key:
        """The key of a login frame: its expiry must lie ahead, as a number or a text."""
        args = message.get("args")
        if not isinstance(args, list) or len(args) != 3:
            raise Refusal(10001, "Params Error")
        named, expires, sign = args
        if isinstance(expires, bool) or not re.fullmatch("[0-9]{1,15}", str(expires)):
            raise Refusal(10001, "Params Error")
        payload = f"GET/realtime{expires}".encode()
        window = RequestWindow(int(expires) * NS_PER_MS, -1, LOGIN_AHEAD_NS)
        try:
            return self._authenticated(
                named if isinstance(named, str) else None,
                payload,
                str(sign),
                window,
                now_ns,
                trade=False,
                peer=peer,
            )
        except Denied as denied:
            if denied.reason in ("ahead", "late"):
                raise Refusal(10001, "Params Error") from None
            raise self._denied(denied, payload, str(expires), 0, now_ns) from None

    # -- the trade socket

    def count_socket(self, peer: str, now_ns: int) -> None:
        """One more command of an address."""
        if self.limiter.add(limits.SOCKET, peer, 1, now_ns):
            raise self.limiter.too_many(limits.SOCKET, now_ns, peer)

    def command_of(
        self, key: Key, message: Mapping[str, Any], op: str, now_ns: int
    ) -> tuple[Any, Any, Mapping[str, str]]:
        """One command: ``data``, ``retExtInfo`` and the headers of its limit."""
        endpoint = ENDPOINTS.find("POST", "/v5/" + op.replace(".", "/", 1))
        if not op.startswith("order.") or endpoint is None or op == "order.cancel-all":
            raise Refusal(10404, "op is not found")
        header, args = message.get("header"), message.get("args")
        header = header if isinstance(header, dict) else {}
        time = str(header.get("X-BAPI-TIMESTAMP", ""))
        window = str(header.get("X-BAPI-RECV-WINDOW") or WINDOW_MS)
        if not re.fullmatch("[0-9]{1,15}", time) or not re.fullmatch("[0-9]{1,9}", window):
            raise Refusal(10001, "X-BAPI-TIMESTAMP is invalid")
        clock_ns = now_ns + self.gateway.skew_ns
        try:
            RequestWindow(int(time) * NS_PER_MS, int(window) * NS_PER_MS, AHEAD_NS).check(clock_ns)
        except Denied as denied:
            raise self._denied(denied, b"", time, int(window), now_ns) from None
        if not isinstance(args, list) or len(args) != 1 or not isinstance(args[0], dict):
            raise Refusal(10001, "args is invalid")
        if args[0].get("category") != "spot":
            raise Refusal(10404, "category is not correct")
        if not key.trade:
            raise Refusal(10005, "Permission denied for current apikey")
        headers: dict[str, str] = {}
        try:
            data, extra = self._carried_out(endpoint, self._call(args[0], now_ns, key), headers)
        except Refusal as refusal:
            refusal.headers |= headers
            raise
        return data, extra if extra is not None else {}, headers

    # -- faults

    def fault_refusal(self, name: str) -> Refusal | None:
        """A fault as a refusal of the application, where it is one."""
        return {
            "timeout": Refusal(10000, "Server Timeout"),
            "internal": Refusal(10016, "System error. Please try again later."),
            "overloaded": Refusal(429, "The trading service is experiencing a server overload."),
            "region": Refusal(10009, "IP has been banned: region restricted."),
            "limited": Refusal(10006, "Too many visits. Exceeded the API Rate Limit."),
        }.get(name)

    def _instead(self, fault: Fault, now_ns: int) -> HttpOut | None:
        clock_ns = now_ns + self.gateway.skew_ns
        if fault.name == "region":
            return refused(page(403, BLOCKED), clock_ns)
        if fault.name == "forbidden":
            return refused(page(403, "The request could not be satisfied"), clock_ns)
        if fault.name in ("html", "gone"):
            status = 410 if fault.name == "gone" else int(fault.options["status"])
            return refused(page(status, "The request could not be satisfied"), clock_ns)
        refusal = self.fault_refusal(fault.name)
        if refusal is None:
            return None
        headers = {}
        if fault.name == "limited":
            reset_ms = clock_ns // NS_PER_MS + int(float(fault.options["reset_s"]) * 1000)
            headers = limits.headers_of(20, 0, reset_ms)
        return refused(refusal, clock_ns, headers)

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        """10016: the outcome is unknown."""
        return refused(Refusal(10016, "Server error."), now_ns + self.gateway.skew_ns)

    def refused_dial(self, request: HttpIn, now_ns: int) -> HttpOut | None:
        """An upgrade that a fault hits."""
        fault = self.faults.upgrade(request.target.partition("?")[0])
        if fault is None:
            return None
        if fault.name == "region":
            return refused(page(403, BLOCKED), now_ns)
        status = int(fault.options["status"])
        after = fault.options["retry_after"]
        answer = refused(page(status, "The request could not be satisfied"), now_ns)
        headers = {} if after is None else {"Retry-After": str(after)}
        return HttpOut(status=status, headers={**answer.headers, **headers}, body=answer.body)

    def _maintained(self) -> bool:
        return any(one.name == "overloaded" for one in self.faults.active)

    # -- connections

    def connect(self, request: HttpIn, now_ns: int) -> BybitConnection | HttpOut:
        """One of three paths; too many new ones of an address are refused."""
        path, scale = request.target.partition("?")[0], self._keepalive_scale
        try:
            self.limiter.charge(limits.CONNECTIONS, request.peer, 1, now_ns, request.peer)
        except Refusal as refusal:
            return refused(refusal, now_ns)
        if path == self.paths["ws_public"]:
            return PublicConnection(self, Keepalive(_PUBLIC, now_ns, scale), request.peer)
        keepalive = Keepalive(private_policy(request.target), now_ns, scale)
        if path == self.paths["ws_private"]:
            return PrivateConnection(self, keepalive, request.peer)
        if path == self.paths["ws_trade"]:
            return TradeConnection(self, keepalive, request.peer)
        return refused(page(404, "Not Found"), now_ns)

    # -- private channels

    def happened(self, events: Sequence[AccountEvent], now_ns: int) -> None:
        """Sum up what orders have cost, before their rows are written."""
        self.book.happened(events)

    def _private(
        self, event: AccountEvent, channel: str, session: Session, now_ns: int
    ) -> tuple[Hashable, Callable[[], bytes]] | None:
        topic, kind = channel, channel.removesuffix(".spot")
        now_ms = event.at_ns // NS_PER_MS
        if isinstance(event, BalancesChanged):
            if kind != "wallet":
                return None
            assert self.gateway.accounts is not None
            prices = usdt_prices(self.catalogue)
            total = total_in_usdt(self.gateway.accounts.balances(event.owner), prices)
            row = wallet_row(event.balances, prices, total)
            head = {"id": self._message_id(now_ms), "topic": topic, "creationTime": now_ms}
            return topic, lambda: encode({**head, "data": [row]})
        order = event.order
        listing = self.catalogue.by_symbol[order.request.symbol]
        head = {
            "id": f"{self.gateway.number_of(event.owner)}_22004_{event.execution_id}",
            "topic": topic,
            "creationTime": now_ms,
        }
        if kind == "order":
            if event.what == "new" and not self._rests(event.order.request, order.id):
                return None
            return topic, lambda: encode({**head, "data": [self.book.frame_row(listing, event)]})
        fill = event.fill
        if fill is None:
            return None
        if kind == "execution.fast":
            fast = {"topic": topic, "creationTime": now_ms}
            return topic, lambda: encode({**fast, "data": [fast_row(listing, fill)]})
        if kind != "execution":
            return None
        assert self.gateway.accounts is not None
        fees = self.gateway.accounts.fees(event.owner)
        rate = fees.maker if fill.maker else fees.taker
        made = execution_row(listing, fill, rate, stream=True)
        return topic, lambda: encode({**head, "data": [made]})

    def _rests(self, request: Any, number: int) -> bool:
        """Whether an order came to rest as it was: only then is there a row ``New`` (a choice)."""
        assert self.gateway.accounts is not None
        order = self.gateway.accounts.order(request.owner, request.symbol, number)
        return order is not None and order.request.type == "limit" and not order.filled

    def _message_id(self, now_ms: int) -> str:
        self._messages += 1
        return f"{now_ms}_20000_{self._messages}"

    def _private_frame(
        self, one: Subscription, session: Session, payload: bytes
    ) -> tuple[Hashable, Callable[[], bytes]]:
        return None, lambda: payload

    # -- the dead-man switch

    def _guarded(self, owner: str) -> bool:
        return any(
            isinstance(one, PrivateConnection)
            and one.key is not None
            and one.key.owner == owner
            and one.guards
            for one in self.sessions
        )

    @property
    def next_tick_ns(self) -> int:
        """When something is due, the dead-man switch among it."""
        return min(super().next_tick_ns, self.book.dead_man.next_ns)

    def tick(self, now_ns: int) -> list[Publication]:
        """What is due."""
        for owner in self.book.dead_man.due(now_ns):
            self._cancel_all(owner, now_ns)
        return list(super().tick(now_ns))

    def _cancel_all(self, owner: str, now_ns: int) -> None:
        accounts = self.gateway.accounts
        if accounts is not None:
            for symbol in self.catalogue.by_symbol:
                accounts.cancel_all(owner, symbol, now_ns, DCP)
