"""Binance's limits and how it words an excess: fixed windows aligned to the clock, 429, bans.

Documented (rest-api.md, a5e0bc3 of 2026-07-21): 6000 weight a minute and 300 connections per five
minutes per address, 300,000 raw requests per five minutes, bans from 2 minutes to 3 days that
grow. Not documented, and therefore adjustable: after how many refusals in a window a ban begins
(10 here) and how it grows (four times per repeat here).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vocx.lab.accounts.accounts import Accounts, FirstFills
from vocx.lab.dialects.binance.wire import Refusal
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_S
from vocx.lab.dialects.shared.rate_limiter import BanRule, Excess, RateLimiter, Rule

_MINUTE_NS = 60 * NS_PER_S
_USE_STREAMS = "Please use WebSocket Streams for live updates to avoid"

WEIGHT = Rule(name="weight", limit=6000, window_ns=_MINUTE_NS)
RAW = Rule(name="raw", limit=300_000, window_ns=5 * _MINUTE_NS)
CONNECTIONS = Rule(name="connections", limit=300, window_ns=5 * _MINUTE_NS)
STREAM_CONNECTIONS = Rule(name="stream_connections", limit=300, window_ns=5 * _MINUTE_NS)
"""Not in ``exchangeInfo``: web-socket-streams.md names it."""
MESSAGES = Rule(name="messages", limit=5, window_ns=NS_PER_S, listed=False)
"""Per connection, PING and PONG frames included; not in ``exchangeInfo`` either."""
ORDERS_10S = Rule(name="orders", limit=100, window_ns=10 * NS_PER_S, listed=False)
ORDERS_1D = Rule(name="orders_day", limit=200_000, window_ns=86_400 * NS_PER_S, listed=False)
_SHOWN: Mapping[str, tuple[str, str, int]] = {
    "weight": ("REQUEST_WEIGHT", "MINUTE", 1),
    "orders": ("ORDERS", "SECOND", 10),
    "orders_day": ("ORDERS", "DAY", 1),
    "raw": ("RAW_REQUESTS", "MINUTE", 5),
    "connections": ("CONNECTIONS", "MINUTE", 5),
}
REST_RULES = (WEIGHT, ORDERS_10S, ORDERS_1D, RAW)
API_RULES = (WEIGHT, ORDERS_10S, ORDERS_1D, CONNECTIONS)
_ORDER_RULES = (ORDERS_10S, ORDERS_1D)
_ORDER_HEADERS = ("X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1D")
TAKER_GIVES_BACK = 1
MAKER_GIVES_BACK = 5


def new_limiter() -> RateLimiter:
    """Binance's limits, nothing used yet."""
    return RateLimiter(
        (WEIGHT, RAW, CONNECTIONS, STREAM_CONNECTIONS, MESSAGES, ORDERS_10S, ORDERS_1D),
        refusal,
        BanRule(after=10, length_ns=2 * _MINUTE_NS, window_ns=_MINUTE_NS, growth=4),
    )


def entry(limiter: RateLimiter, rule: Rule) -> dict[str, Any]:
    """One limit as ``rateLimits`` lists it."""
    kind, interval, number = _SHOWN[rule.name]
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limiter.limit(rule),
    }


def refusal(excess: Excess, now_ns: int) -> Refusal:
    """An excess in Binance's words: 429, or 418 for a banned address."""
    rule, until_ns, code, status = excess.rule, now_ns + excess.wait_ns, -1003, 429
    if rule is None:
        banned = f"Way too much request weight used; IP banned until {until_ns // NS_PER_MS}."
        text, status = f"{banned} {_USE_STREAMS} bans.", 418
    elif rule in _ORDER_RULES:
        _, interval, number = _SHOWN[rule.name]
        per = f"{excess.limit} orders per {number} {interval}"
        text, code = f"Too many new orders; current limit is {per}.", -1015
    elif rule in (CONNECTIONS, STREAM_CONNECTIONS):
        # the documentation does not say how too many connections are refused
        text = f"Too many connections; current limit is {excess.limit} per 5 MINUTE."
    else:
        unit = f"request weight used; current limit is {excess.limit} request weight per 1 MINUTE"
        if rule is RAW:
            unit = f"raw requests; current limit is {excess.limit} raw requests per 5 MINUTE"
        text = f"Too much {unit}. {_USE_STREAMS} polling the API."
    return Refusal(
        code,
        text,
        status=status,
        data={"serverTime": now_ns // NS_PER_MS, "retryAfter": -(-until_ns // NS_PER_MS)},
        headers={"Retry-After": str(-(-excess.wait_ns // NS_PER_S))},
    )


class OrderCounts:
    """The count of unfilled orders of each account, across its keys, addresses and both APIs.

    Documented (rest-api.md and the FAQ on the order count decrement, 2026-07-21): each accepted
    order counts one in every window; its first fill gives back one where it took, more where it
    made (the FAQ shows five); cancelling and expiring give nothing back; where the day's limit is
    reached, the shorter window does not grow any more.
    """

    def __init__(self, limiter: RateLimiter, accounts: Accounts | None) -> None:
        self._limiter = limiter
        self._accounts = accounts
        self._seen: dict[str, FirstFills] = {}

    def admit(self, owner: str, peer: str, now_ns: int) -> None:
        """Refuse an order that would be one too many (429, -1015)."""
        self.sync(owner, now_ns)
        for rule in reversed(_ORDER_RULES):
            if self._limiter.full(rule, ("account", owner), now_ns):
                raise self._limiter.refused(rule, peer, now_ns)

    def accepted(self, owner: str, now_ns: int) -> None:
        """An order has been taken."""
        for rule in _ORDER_RULES:
            self._limiter.add(rule, ("account", owner), 1, now_ns)

    def sync(self, owner: str, now_ns: int) -> None:
        """Give back what first fills since the last time give back."""
        if self._accounts is None:
            return
        seen = self._seen.get(owner, FirstFills(0, 0))
        filled = self._seen[owner] = self._accounts.first_fills(owner)
        back = MAKER_GIVES_BACK * (filled.maker - seen.maker)
        back += TAKER_GIVES_BACK * (filled.taker - seen.taker)
        if back:
            for rule in _ORDER_RULES:
                self._limiter.give_back(rule, ("account", owner), back, now_ns)

    def entries(self, owner: str, now_ns: int) -> list[dict[str, Any]]:
        """The limits with their counts."""
        return [
            {**entry(self._limiter, rule), "count": count}
            for rule, count in zip(_ORDER_RULES, self._used(owner, now_ns), strict=True)
        ]

    def headers(self, owner: str, now_ns: int) -> dict[str, str]:
        """What the answer to a placement carries."""
        used = self._used(owner, now_ns)
        return {name: str(count) for name, count in zip(_ORDER_HEADERS, used, strict=True)}

    def _used(self, owner: str, now_ns: int) -> list[int]:
        self.sync(owner, now_ns)
        return [self._limiter.used(rule, ("account", owner), now_ns) for rule in _ORDER_RULES]
