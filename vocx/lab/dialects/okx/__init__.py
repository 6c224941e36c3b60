"""OKX V5, spot, as an exchange (docs-v5, edition of 2026-07-28, and its change log).

What is a choice where nothing is published: limits slide and count what was carried out; an
acknowledgement comes before the first push; a price band of 5 %; the account's snapshot each 5 s
and its changes at once; maintenance is the fault ``overloaded``, which ``system/status`` and the
pushes of ``status`` show. Not there: the checksum of before 2026-06-23 (it is a fixed 0), the
transient refusals of sub-account ceilings (50061; spot is exempt), changes of steps (``upcChg`` is
empty), fee tiers (64003 for all), ``instId`` over the socket instead of the number.

Clients that run against it with their URLs changed: python-okx 0.4.4, ccxt 4.5.90 with its sockets,
cryptofeed 2.4.1 (over TLS).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from vocx.lab.accounts.fees import FeeSchedule
from vocx.lab.dialects.base import Close, HttpIn, HttpOut, KeyPair, Publication, Session
from vocx.lab.dialects.okx import payloads
from vocx.lab.dialects.okx.market import PUBLIC, Call, OkxEndpoint
from vocx.lab.dialects.okx.orders import SIGNED, Partly
from vocx.lab.dialects.okx.recording import OkxRecording
from vocx.lab.dialects.okx.sessions import OkxSession, argument
from vocx.lab.dialects.okx.topics import Topics
from vocx.lab.dialects.okx.wallet import WALLET
from vocx.lab.dialects.okx.wire import (
    JSON,
    RULES,
    Declined,
    Refusal,
    new_limiter,
    stamp,
)
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.connections import Connection, PingPolicy
from vocx.lab.dialects.shared.dialect import VenueDialect
from vocx.lab.dialects.shared.endpoints import EndpointTable
from vocx.lab.dialects.shared.faults import Fault, FaultInjector
from vocx.lab.dialects.shared.keys import Authentication, Denied, Key, KeyRing, RequestWindow
from vocx.lab.dialects.shared.latest import Latest
from vocx.lab.dialects.shared.numbers import NEVER_NS, NS_PER_S, Catalogue, Listing, shortest
from vocx.lab.dialects.shared.rate_limiter import Rule
from vocx.lab.dialects.shared.reading import Unreadable, encode, query_pairs, read_json
from vocx.lab.dialects.shared.subscriptions import PrivateSubscriptions
from vocx.lab.events import AccountEvent, AnyEvent, BalancesChanged, Executed, FillState, OrderState
from vocx.lab.market.instruments import CrowdTraits
from vocx.lab.ports import Market, MarketSimulation, RecordingFormat

FEES = FeeSchedule(maker=Decimal("0.0008"), taker=Decimal("0.001"))
ENDPOINTS: EndpointTable[OkxEndpoint] = EndpointTable("/api/v5/", (*PUBLIC, *SIGNED, *WALLET))
FIRST_CODE = 10_459
MOST_CONNECTIONS = 30
MOST_REMEMBERED = 20_000
"""Orders of which tag, request and end are known; older ones are shown without."""
DENIED = {
    "form": "50111",
    "unknown": "50111",
    "passphrase": "50105",
    "ahead": "50102",
    "late": "50102",
    "signature": "50113",
    "permission": "50120",
    "address": "50110",
}


def _uuid(seed: bytes) -> str:
    return str(uuid.UUID(bytes=seed[:16], version=4))


class Shapes:
    """Frames that no client knows."""

    def unknown_event(self, payload: bytes) -> bytes:
        """Of a channel that is not there."""
        return re.sub(rb'"channel":"[^"]*"', b'"channel":"news"', payload, count=1)

    def huge(self, size: int) -> bytes:
        """Well-formed."""
        return b'{"arg":{"channel":"huge"},"data":["' + b"x" * size + b'"]}'


class Okx(VenueDialect):
    """The venue over a simulation."""

    name = "okx"
    recording: RecordingFormat = OkxRecording()
    crowd = CrowdTraits(
        activity=0.6,
        depth=0.7,
        lag_s=0.06,
        steps={
            "BTC/USDT": (Decimal("0.1"), Decimal("0.00001")),
            "ETH/USDT": (Decimal("0.01"), Decimal("0.0001")),
        },
    )
    paths: Mapping[str, str] = {
        "rest": "",
        "ws_public": "/ws/v5/public",
        "ws_private": "/ws/v5/private",
        "ws_business": "/ws/v5/business",
    }
    policy = PingPolicy(
        idle_ns=30 * NS_PER_S,
        idle_counts="sent",
        subscribe_within_ns=30 * NS_PER_S,
        text_ping=b"ping",
        idle=Close(4004, "No data received in 30s."),
        shutdown_notice_ns=60 * NS_PER_S,
    )

    def __init__(
        self,
        simulation: MarketSimulation,
        *,
        start_ns: int,
        credentials: KeyPair | None = None,
    ) -> None:
        self.credentials = credentials
        self.catalogue: Catalogue[Listing] = Catalogue(
            simulation.markets, _listing, lambda name: Refusal("51001")
        )
        self.codes = {name: FIRST_CODE + at for at, name in enumerate(self.catalogue.by_name)}
        self.names = {str(code): name for name, code in self.codes.items()}
        self.topics = Topics(self.catalogue, self.instruments, self.status)
        self.tags: Latest[int, str] = Latest(MOST_REMEMBERED)
        self.requests: Latest[int, str] = Latest(MOST_REMEMBERED)
        self.completed: Latest[int, None] = Latest(MOST_REMEMBERED)
        self.counted_down: Latest[int, None] = Latest(MOST_REMEMBERED)
        self.countdowns: dict[tuple[str, str], int] = {}
        self._connections = 0
        self._maintenance: dict[str, str] | None = None
        super().__init__(
            limiter=new_limiter(),
            publisher=self.topics,
            faults=FaultInjector(Shapes(), self.topics.topics),
            gateway=AccountGateway(
                self.name,
                simulation,
                KeyRing(
                    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                    "a UUID in small letters",
                    "base64",
                    write=_uuid,
                    passphrases=True,
                ),
                credentials,
                start_ns,
                FEES,
            ),
            subscriptions=PrivateSubscriptions(self._private),
        )

    @classmethod
    def create(cls, simulation: MarketSimulation, *, start_ns: int, entropy: bytes) -> Okx:
        """The venue of a lab, with a random key of its own (for live trading)."""
        pair = KeyPair(
            key=_uuid(entropy), secret=entropy[16:32].hex().upper(), passphrase=entropy[32:40].hex()
        )
        return cls(simulation, start_ns=start_ns, credentials=pair)

    def instruments(self) -> list[Any]:
        """Every instrument in full."""
        listed = self.catalogue.by_name.items()
        return [payloads.instrument(one, self.codes[name]) for name, one in listed]

    def status(self, now_ns: int) -> list[Any]:
        """Maintenance is a fault that the lab's owner switches on: ``overloaded``."""
        down = self.faults.is_on("overloaded")
        return [payloads.maintenance(now_ns + self.gateway.skew_ns)] if down else []

    # -- limits

    def over(self, rule: Rule, who: Hashable, now_ns: int) -> bool:
        """Count something, or say that it is too much; what is refused does not count."""
        if self.limiter.full(rule, who, now_ns):
            return True
        self.limiter.add(rule, who, 1, now_ns)
        return False

    def charge(self, rule: Rule, who: Hashable, now_ns: int) -> None:
        """The same as a refusal."""
        if self.over(rule, who, now_ns):
            raise self.limiter.too_many(rule, now_ns, who)

    # -- REST

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        """Answer one REST request."""
        return self.faults.http_answer(
            request, lambda: self._executed(request, now_ns), self._instead
        )

    def _executed(self, request: HttpIn, now_ns: int) -> HttpOut:
        path, _, query = request.target.partition("?")
        times: dict[str, str] = {}
        if path.startswith("/api/v5/trade/"):
            micro = str((now_ns + self.gateway.skew_ns) // 1000)
            times = {"inTime": micro, "outTime": micro}
        try:
            endpoint = ENDPOINTS.find(request.method, path)
            if endpoint is None:
                if ENDPOINTS.knows(path):
                    raise Refusal("50115")
                body = encode({"code": "404", "msg": "Not Found", "data": {}})
                return HttpOut(status=404, headers=JSON, body=body)
            owner = ""
            if endpoint.signed:
                owner = self._authenticated(request, endpoint, now_ns).owner
            if endpoint.rule.name != "gateway":
                who: Hashable = owner if endpoint.per == "user" else request.peer
                self.charge(endpoint.rule, ("endpoint", who), now_ns)
            call = self._call(request, query, owner, now_ns)
            if endpoint.places:
                action = endpoint.path.partition("/")[2]
                self.check_expiry(request.headers.get("exptime"), action, call)
            rows, code, message = endpoint.answer(call), "0", ""
        except Partly as partly:
            rows, code = partly.rows, partly.code
            message = "All operations failed" if code == "1" else ""
        except Declined as error:
            return Refusal(error.code, error.message).answer()
        except Refusal as refusal:
            return refusal.answer()
        body = encode({"code": code, "msg": message, "data": rows, **times})
        return HttpOut(status=200, headers=JSON, body=body, compress=True)

    def _call(self, request: HttpIn, query: str, owner: str, now_ns: int) -> Call:
        if request.method != "POST":
            given = dict(query_pairs(query))
            return Call(venue=self, given=given, now_ns=now_ns, peer=request.peer, owner=owner)
        if not request.body:
            raise Refusal("50000")
        try:
            body = read_json(request.body)
        except Unreadable:
            raise Refusal("50002") from None
        if not isinstance(body, dict | list):
            raise Refusal("50002")
        listed = isinstance(body, list)
        return Call(
            venue=self,
            given=body if isinstance(body, dict) else {},
            now_ns=now_ns,
            peer=request.peer,
            owner=owner,
            orders=tuple(body) if listed else (body,),
            listed=listed,
        )

    def check_expiry(self, text: Any, action: str, call: Call) -> None:
        """``expTime``: not for cancels."""
        if not text or "cancel" in action:
            return
        if not re.fullmatch("[0-9]{1,15}", str(text)):
            raise Refusal("51000", "Parameter expTime error")
        if int(str(text)) < call.clock_ns // 1_000_000:
            raise Refusal("50036", "expTime can't be earlier than the current system time.")

    def _instead(self, fault: Fault) -> HttpOut | None:
        """What a fault answers in place of the real answer."""
        codes = {"timeout": "50004", "internal": "50026", "overloaded": "50001", "limited": "50011"}
        if fault.name in codes:
            return Refusal(codes[fault.name]).answer()
        status = {"region": 451, "forbidden": 403, "gone": 410, "html": fault.options.get("status")}
        code = status.get(fault.name)
        return None if code is None else _page(int(code))

    def internal_error(self, request: HttpIn, now_ns: int) -> HttpOut:
        """50026."""
        return Refusal("50026").answer()

    def refused_upgrade(self, fault: Fault, now_ns: int) -> HttpOut:
        """A fault may refuse an upgrade."""
        return _page(int(fault.options.get("status", 451)))

    # -- keys

    def _authenticated(self, request: HttpIn, endpoint: OkxEndpoint, now_ns: int) -> Key:
        """Headers, time, key, passphrase, signature, environment, permission."""
        headers = request.headers
        for name, code in (
            ("ok-access-key", "50103"),
            ("ok-access-passphrase", "50104"),
            ("ok-access-sign", "50106"),
            ("ok-access-timestamp", "50107"),
        ):
            if not headers.get(name):
                raise Refusal(code)
        time = headers["ok-access-timestamp"]
        window = RequestWindow(_nanoseconds(time), 30 * NS_PER_S, 30 * NS_PER_S + 1)
        text = f"{time}{request.method}{request.target}".encode() + request.body
        shown = Authentication(
            key=headers["ok-access-key"],
            payload=text,
            signature=headers["ok-access-sign"],
            passphrase=headers["ok-access-passphrase"],
        )
        try:
            window.check(now_ns + self.gateway.skew_ns)
            key = self.gateway.authenticate(shown, window, now_ns, peer=request.peer)
        except Denied as denied:
            raise Refusal(DENIED[denied.reason]) from None
        if key.demo != (headers.get("x-simulated-trading") == "1"):
            raise Refusal("50101")
        if endpoint.trade and not key.trade:
            raise Refusal("50120")
        return key

    # -- what an account has

    def order(self, order: OrderState, fills: Sequence[FillState] | None = None) -> dict[str, Any]:
        """An order by REST; ``fills`` are its own where they are known."""
        symbol, owner = order.request.symbol, order.request.owner
        if fills is None:
            kept = self.gateway.records.fills(owner, symbol) if order.filled else ()
            fills = [
                one for one in kept if one.order.id == order.id and one.order.filled <= order.filled
            ]
        row = payloads.order(
            self.catalogue.by_symbol[symbol],
            order,
            fills,
            self.tags.get(order.id, ""),
            order.id in self.counted_down,
        )
        if order.id in self.completed and row["state"] == "canceled":
            row |= {"state": "filled", "cancelSource": ""}
        return row

    def balances(self, owner: str, wanted: Sequence[str] = ()) -> dict[str, Any]:
        """The account as REST and the channel show it, without what is all zero."""
        at = stamp(self.gateway.updated_ns(owner))
        return self._account(self.gateway.records.balances(owner), wanted, at)

    def _account(
        self, both: Mapping[str, tuple[Decimal, Decimal]], wanted: Sequence[str], at: str
    ) -> dict[str, Any]:
        details = [
            payloads.balance(asset, free, locked, self._usd(asset), at)
            for asset, (free, locked) in both.items()
            if (free or locked) and (not wanted or asset in wanted)
        ]
        return payloads.account(details, at)

    def _usd(self, asset: str) -> Decimal:
        listing = self.catalogue.by_symbol.get(f"{asset}/USDT")
        if listing is None:
            return Decimal(1)
        return listing.format.spec.to_price(listing.market.best()[0])

    def account_snapshot(self, owner: str, arg: Mapping[str, str]) -> bytes:
        """What ``account`` begins with, and says again each few seconds."""
        wanted = [arg["ccy"]] if arg.get("ccy") else []
        paged = {"eventType": "snapshot", "curPage": 1, "lastPage": True}
        data = [self.balances(owner, wanted)]
        return encode({"arg": self._arg(arg, owner), **paged, "data": data})

    def cash_snapshot(self, owner: str, arg: Mapping[str, str], now_ns: int) -> bytes:
        """What ``balance_and_position`` begins with."""
        at = stamp(now_ns + self.gateway.skew_ns)
        row = payloads.cash(self.gateway.records.balances(owner), at, "snapshot", [])
        return encode({"arg": self._arg(arg, owner), "data": [row]})

    def positions_snapshot(self, owner: str, arg: Mapping[str, str]) -> bytes:
        """What ``positions`` begins with, and all that it says: a spot account has none."""
        paged = {"eventType": "snapshot", "curPage": 1, "lastPage": True}
        return encode({"arg": self._arg(arg, owner), **paged, "data": []})

    def _arg(self, arg: Mapping[str, str], owner: str) -> dict[str, str]:
        return {**arg, "uid": str(self.gateway.number_of(owner))}

    # -- private channels

    def publish(self, events: Iterable[AnyEvent], now_ns: int) -> Iterable[Publication]:
        """As all venues; a market order is never filled by a push with a trade: the end is told
        by a push of its own (seen)."""
        return super().publish(_with_ends(events), now_ns)

    def _private(
        self, event: AccountEvent, channel: str, session: Session, now_ns: int
    ) -> tuple[Hashable, Callable[[], bytes]] | None:
        arg = argument(channel)
        if isinstance(event, BalancesChanged):
            if arg["channel"] == "account":
                return channel, lambda: self._balances_told(event, arg)
            return None
        symbol = event.order.request.symbol
        listing = self.catalogue.by_symbol[symbol]
        if arg["channel"] == "balance_and_position" and event.fill is not None:
            return channel, lambda: self._cash_told(event, arg, listing)
        if arg["channel"] != "orders":
            return None
        if arg.get("instId") not in (None, "", listing.format.name):
            return None
        return channel, lambda: self._order_told(event, arg, listing)

    def _order_told(self, event: Executed, arg: Mapping[str, str], listing: Listing) -> bytes:
        request_id = self.requests.get(event.execution_id)
        amended = event.what == "replaced" or request_id is not None
        row = payloads.pushed(
            listing, self.order(event.order), event.fill, amended, request_id or ""
        )
        return encode({"arg": self._arg(arg, event.owner), "data": [row]})

    def _cash_told(self, event: Executed, arg: Mapping[str, str], listing: Listing) -> bytes:
        """Only what is held or not differs else, which this channel does not tell."""
        assert event.fill is not None
        form, trade = listing.format, event.fill.trade
        have = self.gateway.records.balances(event.owner)
        moved = {one: have[one] for one in (form.spec.base, form.spec.quote) if one in have}
        trades = [{"instId": form.name, "tradeId": str(trade.trade_id)}]
        row = payloads.cash(moved, stamp(trade.at_ns), "filled", trades)
        return encode({"arg": self._arg(arg, event.owner), "data": [row]})

    def _balances_told(self, event: BalancesChanged, arg: Mapping[str, str]) -> bytes:
        both = {asset: (free, locked) for asset, free, locked in event.balances}
        wanted = [arg["ccy"]] if arg.get("ccy") else []
        data = [self._account(both, wanted, stamp(event.at_ns))]
        arg = self._arg(arg, event.owner)
        return encode({"arg": arg, "eventType": "event_update", "data": data})

    def connection_count(self, owner: str, channel: str, session: Connection) -> tuple[int, bool]:
        """How many connections have a channel of an account, and whether that is too many."""
        count = sum(
            any(
                sub.owner == owner and argument(sub.channel)["channel"] == channel
                for sub in self.subscriptions.active(one)
            )
            for one in self.sessions
        )
        return min(count, MOST_CONNECTIONS), count > MOST_CONNECTIONS

    # -- connections and time

    def connect(self, request: HttpIn, now_ns: int) -> Connection | HttpOut:
        """An upgrade: three paths, three a second from one address."""
        path = request.target.partition("?")[0].rstrip("/")
        purpose = path.rpartition("/")[2]
        if path not in self.paths.values() or not path:
            return _page(404)
        if self.over(RULES["connections"], request.peer, now_ns):
            return Refusal("50011").answer()
        self._connections += 1
        return OkxSession(self, now_ns, request.peer, purpose, f"{self._connections:08x}")

    def shutdown_notice(self, session: Connection, now_ns: int) -> bytes | None:
        """64008."""
        text = "The connection will soon be closed for a service upgrade. Please reconnect."
        number = session.number if isinstance(session, OkxSession) else ""
        return encode({"event": "notice", "code": "64008", "msg": text, "connId": number})

    @property
    def next_tick_ns(self) -> int:
        """Countdowns and news of a maintenance are due as well."""
        if self._status_changed:
            return 0
        return min(super().next_tick_ns, *self.countdowns.values(), NEVER_NS)

    def tick(self, now_ns: int) -> Iterable[Publication]:
        """News of a maintenance, countdowns that ran out, then what is due."""
        if self._status_changed:
            self.outbox += self._status_news(now_ns)
        accounts = self.gateway.accounts
        for (owner, tag), due_ns in tuple(self.countdowns.items()):
            if due_ns <= now_ns and accounts is not None:
                del self.countdowns[owner, tag]
                for order in accounts.orders(owner, open_only=True):
                    if not tag or self.tags.get(order.id) == tag:
                        self.counted_down[order.id] = None
                        accounts.cancel(owner, order.request.symbol, order.id, now_ns=now_ns)
        return super().tick(now_ns)

    @property
    def _status_changed(self) -> bool:
        return self.faults.is_on("overloaded") != (self._maintenance is not None)

    def _status_news(self, now_ns: int) -> list[Publication]:
        """A maintenance has begun, or it is over sooner than was said."""
        before, (row,) = self._maintenance, self.status(now_ns) or (None,)
        self._maintenance = row
        if before is not None:
            now = stamp(now_ns + self.gateway.skew_ns)
            row = {**before, "state": "completed", "end": now}
        payload = encode({"arg": {"channel": "status"}, "data": [row]})
        listening = [
            sessions
            for topic in self.topics.topics.values()
            if topic.spec is not None and topic.spec.kind == "status"
            for sessions in topic.subscribers.values()
        ]
        return [Publication(payload, sessions) for sessions in listening]


def _listing(market: Market) -> Listing:
    return Listing(market, f"{market.spec.base}-{market.spec.quote}", shortest)


def _nanoseconds(text: str) -> int:
    """An ISO time in UTC with exactly milliseconds."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z", text):
        raise Refusal("50112")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("50112") from None
    return int(moment.timestamp() * 1000) * 1_000_000


def _with_ends(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """The events, with the end of a filled market order as one of its own."""
    found: list[AnyEvent] = []
    for event in events:
        ends = (
            isinstance(event, Executed)
            and event.fill is not None
            and event.order.request.type == "market"
            and event.order.status == "filled"
        )
        if not ends:
            found.append(event)
            continue
        assert isinstance(event, Executed)
        replace = msgspec.structs.replace
        found.append(replace(event, order=replace(event.order, status="partially_filled")))
        found.append(replace(event, fill=None, what="filled"))
    return found


def _page(status: int) -> HttpOut:
    """What stands before the venue answers."""
    body = f"<html><body><h1>{status}</h1></body></html>".encode()
    return HttpOut(status=status, headers={"Content-Type": "text/html"}, body=body)


__all__ = ["Okx"]
