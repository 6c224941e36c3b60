"""OKX's public calls, and what a call is. (Docs-v5, public data and market data, 2026-07-28.)"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from vocx.lab.dialects.okx import payloads
from vocx.lab.dialects.okx.topics import Topics
from vocx.lab.dialects.okx.wire import (
    BARS,
    RULES,
    Declined,
    Refusal,
    missing,
    needed,
    stamp,
    text_of,
    whole,
    wrong,
)
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.connections import Connection, Keepalive
from vocx.lab.dialects.shared.endpoints import Endpoint
from vocx.lab.dialects.shared.faults import FaultInjector
from vocx.lab.dialects.shared.latest import Latest
from vocx.lab.dialects.shared.numbers import NS_PER_MS, Catalogue, Listing
from vocx.lab.dialects.shared.rate_limiter import RateLimiter, Rule
from vocx.lab.dialects.shared.records import AccountRecords
from vocx.lab.dialects.shared.subscriptions import PrivateSubscriptions
from vocx.lab.events import OrderState

KINDS = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
DEPTH, FULL_DEPTH = 400, 5000
RECENT_BARS = 1440


class OkxEndpoint(Endpoint, frozen=True):
    """One endpoint with its limit. ``per``: whom that counts; an order's own bucket is charged
    where the instrument is known."""

    rule: Rule = RULES["gateway"]
    per: Literal["address", "user"] = "address"


class OkxVenue(Protocol):
    """What calls and connections need of their venue (:class:`vocx.lab.dialects.okx.Okx`)."""

    codes: dict[str, int]
    names: dict[str, str]
    tags: Latest[int, str]
    requests: Latest[int, str]
    completed: Latest[int, None]
    countdowns: dict[tuple[str, str], int]
    listened: bool

    @property
    def catalogue(self) -> Catalogue[Listing]: ...
    @property
    def gateway(self) -> AccountGateway: ...
    @property
    def faults(self) -> FaultInjector: ...
    @property
    def limiter(self) -> RateLimiter: ...
    @property
    def topics(self) -> Topics: ...
    @property
    def subscriptions(self) -> PrivateSubscriptions: ...

    def instruments(self) -> list[Any]: ...
    def status(self, now_ns: int) -> list[Any]: ...
    def order(self, order: OrderState) -> dict[str, Any]: ...
    def balances(self, owner: str, wanted: Sequence[str] = ()) -> dict[str, Any]: ...
    def account_snapshot(self, owner: str, arg: Mapping[str, str]) -> bytes: ...
    def cash_snapshot(self, owner: str, arg: Mapping[str, str], now_ns: int) -> bytes: ...
    def positions_snapshot(self, owner: str, arg: Mapping[str, str]) -> bytes: ...
    def connection_count(
        self, owner: str, channel: str, session: Connection
    ) -> tuple[int, bool]: ...
    def check_expiry(self, text: Any, action: str, call: Call) -> None: ...
    def over(self, rule: Rule, who: Hashable, now_ns: int) -> bool: ...
    def charge(self, rule: Rule, who: Hashable, now_ns: int) -> None: ...
    def keepalive(self, now_ns: int) -> Keepalive: ...
    def left(self, session: Connection) -> None: ...


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the ``venue``: its query or body, and whose it is. ``orders`` is the body as a
    list."""

    venue: OkxVenue
    given: Mapping[str, Any]
    now_ns: int
    peer: str
    owner: str = ""
    orders: tuple[Any, ...] = ()
    listed: bool = False
    by_code: bool = False

    @property
    def clock_ns(self) -> int:
        """The exchange's clock as it is set."""
        return self.now_ns + int(self.venue.gateway.skew_ns)

    @property
    def records(self) -> AccountRecords:
        """Orders, fills and balances to be read; in a recording there are none."""
        return self.venue.gateway.records

    @property
    def accounts(self) -> AccountRecords:
        """Who may trade; a recording takes no orders."""
        accounts = self.venue.gateway.accounts
        if accounts is None:
            raise Declined("51022", "Instrument is suspended: a recording takes no orders.")
        return accounts

    def listing(self) -> Listing:
        found: Listing = self.venue.catalogue.named(needed(self.given, "instId"))
        return found


def endpoint(
    path: str, answer: Callable[[Call], list[Any]], rule: str = "", **more: Any
) -> OkxEndpoint:
    name = rule or path.rpartition("/")[2]
    return OkxEndpoint(path, answer, rule=RULES[name], **more)


def _time(call: Call) -> list[Any]:
    return [{"ts": stamp(call.clock_ns)}]


def instruments(call: Call) -> list[Any]:
    """Of spot only; the other types have none here."""
    kind = needed(call.given, "instType")
    if kind not in KINDS:
        raise wrong("instType")
    name = text_of(call.given, "instId")
    if kind != "SPOT":
        return []
    found: list[Any] = call.venue.instruments()
    if name:
        code = call.venue.codes[call.venue.catalogue.named(name).format.name]
        found = [one for one in found if one["instIdCode"] == code]
    return found


def _ticker_row(call: Call, listing: Listing) -> dict[str, Any]:
    window = listing.market.window(payloads.DAY_NS, call.now_ns)
    return payloads.ticker(listing, window, call.clock_ns)


def _tickers(call: Call) -> list[Any]:
    kind = needed(call.given, "instType")
    if kind not in KINDS:
        raise wrong("instType")
    listed = call.venue.catalogue.by_name.values() if kind == "SPOT" else ()
    return [_ticker_row(call, one) for one in listed]


def _ticker(call: Call) -> list[Any]:
    return [_ticker_row(call, call.listing())]


def _book(most: int, dead_field: bool) -> Callable[[Call], list[Any]]:
    def answer(call: Call) -> list[Any]:
        listing = call.listing()
        depth = whole(call.given, "sz", 1, most)
        assert depth is not None
        rows: dict[str, Any] = dict(payloads.top(listing, depth))
        if not dead_field:
            rows = {side: [(p, q, n) for p, q, _, n in rows[side]] for side in rows}
        return [{**rows, "ts": stamp(call.clock_ns), "seqId": listing.market.update_id}]

    return answer


LAST_MS = 2**63 // NS_PER_MS
"""The last moment that 64 bits of nanoseconds hold."""


def _candles(history: bool) -> Callable[[Call], list[Any]]:
    def answer(call: Call) -> list[Any]:
        given, listing = call.given, call.listing()
        bar = text_of(given, "bar") or "1m"
        if bar not in BARS or (bar == "1s" and not history):
            raise wrong("bar")
        after, before = whole(given, "after", None), whole(given, "before", None)
        limit = whole(given, "limit", 100, 300)
        assert limit is not None
        if max(after or 0, before or 0) > LAST_MS:
            raise wrong("after")
        interval, end_ns = BARS[bar], None if after is None else after * NS_PER_MS - 1
        if end_ns is not None and end_ns < 0:
            return []
        bars = listing.market.bars(interval, limit, call.now_ns, end_ns=end_ns)
        oldest = before * NS_PER_MS if before is not None else -1
        if not history and interval.seconds:
            oldest = max(oldest, call.now_ns - RECENT_BARS * interval.seconds * 10**9)
        return [
            payloads.candle(listing, one, one.close_ns <= call.now_ns)
            for one in reversed(bars)
            if one.open_ns > oldest
        ]

    return answer


def _trades(call: Call) -> list[Any]:
    listing, limit = call.listing(), whole(call.given, "limit", 100, 500)
    assert limit is not None
    return [payloads.trade(listing, one) for one in reversed(listing.market.trades(limit))]


def _old_trades(call: Call) -> list[Any]:
    """``after`` and ``before`` are ids, or with ``type=2`` ``after`` is a time."""
    given, listing = call.given, call.listing()
    limit, kind = whole(given, "limit", 100, 100), text_of(given, "type") or "1"
    after, before = whole(given, "after", None), whole(given, "before", None)
    assert limit is not None
    if kind not in ("1", "2") or max(after or 0, before or 0) > 2**62:
        raise wrong("type" if kind not in ("1", "2") else "after")
    market = listing.market
    if kind == "2" and after is not None:
        found = list(market.trades(limit, end_ns=min(after * NS_PER_MS, 2**62) - 1))
    elif after is not None:
        found = [one for one in market.trades(limit, from_id=max(after - limit, 0))
                 if one.trade_id < after]  # fmt: skip
    else:
        found = list(market.trades(limit))
    if kind == "1" and before is not None:
        found = [one for one in found if one.trade_id > before]
    return [payloads.trade(listing, one) for one in reversed(found)]


def _status(call: Call) -> list[Any]:
    wanted = text_of(call.given, "state")
    return call.venue.status(call.now_ns) if wanted in ("", "ongoing") else []


def listing_of(call: Call, given: Mapping[str, Any]) -> Listing:
    """The instrument of an order: by its name, or over the socket by its number."""
    if call.by_code:
        code = text_of(given, "instIdCode")
        if not code:
            raise missing("instIdCode")
        for name, number in call.venue.codes.items():
            if str(number) == code:
                found: Listing = call.venue.catalogue.named(name)
                return found
        raise Refusal("51001")
    found = call.venue.catalogue.named(needed(given, "instId"))
    return found


PUBLIC = (
    endpoint("public/time", _time),
    endpoint("public/instruments", instruments),
    endpoint("market/tickers", _tickers),
    endpoint("market/ticker", _ticker),
    endpoint("market/books", _book(DEPTH, True)),
    endpoint("market/books-full", _book(FULL_DEPTH, False)),
    endpoint("market/candles", _candles(False)),
    endpoint("market/history-candles", _candles(True)),
    endpoint("market/trades", _trades),
    endpoint("market/history-trades", _old_trades),
    endpoint("system/status", _status),
)
