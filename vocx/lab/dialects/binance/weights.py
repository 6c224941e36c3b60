"""Rate limits as Binance counts them: fixed windows aligned to the clock, 429, then bans.

Documented (rest-api.md, a5e0bc3 of 2026-07-21): 6000 weight a minute and 300 connections per five
minutes per address, 300,000 raw requests per five minutes, bans from 2 minutes to 3 days that
grow. Not documented, and therefore adjustable: after how many refusals in a window a ban begins
(10 here) and how it grows (four times per repeat here).

Everybody who talks to the lab is 127.0.0.1, and nobody wants to wait out a ban in a lesson:
``scale`` makes windows and bans that many times shorter, ``advance`` moves this meter's clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vocx.errors import BadInput
from vocx.lab.dialects.binance.wire import NS_PER_MS, NS_PER_S, Refusal

MINUTE_NS = 60 * NS_PER_S
_USE_STREAMS = "Please use WebSocket Streams for live updates to avoid"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One documented limit, as ``exchangeInfo`` lists it."""

    kind: str
    interval: str
    number: int
    limit: int
    length_ns: int

    def entry(self, limit: int) -> dict[str, Any]:
        return {
            "rateLimitType": self.kind,
            "interval": self.interval,
            "intervalNum": self.number,
            "limit": limit,
        }


def _rule(kind: str, interval: str, number: int, limit: int) -> Rule:
    seconds = {"SECOND": 1, "MINUTE": 60, "DAY": 86_400}[interval]
    return Rule(
        kind=kind,
        interval=interval,
        number=number,
        limit=limit,
        length_ns=number * seconds * NS_PER_S,
    )


WEIGHT = _rule("REQUEST_WEIGHT", "MINUTE", 1, 6000)
ORDERS_10S = _rule("ORDERS", "SECOND", 10, 100)
ORDERS_1D = _rule("ORDERS", "DAY", 1, 200_000)
RAW = _rule("RAW_REQUESTS", "MINUTE", 5, 300_000)
CONNECTIONS = _rule("CONNECTIONS", "MINUTE", 5, 300)
STREAM_CONNECTIONS = _rule("STREAM_CONNECTIONS", "MINUTE", 5, 300)
"""Not in ``exchangeInfo``: web-socket-streams.md names it."""
MESSAGES = _rule("STREAM_MESSAGES", "SECOND", 1, 5)
"""Per connection, PING and PONG frames included; not in ``exchangeInfo`` either."""
REST_RULES = (WEIGHT, ORDERS_10S, ORDERS_1D, RAW)
API_RULES = (WEIGHT, ORDERS_10S, ORDERS_1D, CONNECTIONS)
ALL_RULES = (*REST_RULES, CONNECTIONS, STREAM_CONNECTIONS, MESSAGES)


class Count:
    """Use within the current window of one rule."""

    __slots__ = ("window", "used")

    def __init__(self) -> None:
        self.window = -1
        self.used = 0


class Peer:
    """What one address has used, and its bans."""

    def __init__(self) -> None:
        self.counts: dict[str, Count] = {}
        self.refused = Count()
        self.bans = 0
        self.banned_until_ns = 0


class Meter:
    """All addresses' use of all limits. Time is an argument; ``now_ns`` is the exchange's."""

    def __init__(self) -> None:
        self.peers: dict[str, Peer] = {}
        self.scale = 1.0
        self.off = False
        self.paused = False
        self.limits = {rule.kind + rule.interval: rule.limit for rule in ALL_RULES}
        self.ban_after = 10
        self.ban_ns = 2 * MINUTE_NS
        self.ban_growth = 4
        self.longest_ban_ns = 3 * 24 * 60 * MINUTE_NS
        self._ahead_ns = 0
        self._last_ns = -1
        self._standing = False

    @property
    def refuses(self) -> bool:
        """Whether anything is refused now: limits may be off, or paused with all use kept."""
        return not self.off and not self.paused

    def at(self, now_ns: int) -> None:
        """A request or a message has come.

        Where the exchange's clock stands still (a recording that is paused, over or played at
        full speed) there is no minute to count in, so nothing is counted until it moves; nor while
        the limits are paused.
        """
        self._standing = self.paused or now_ns == self._last_ns
        self._last_ns = now_ns

    def limit(self, rule: Rule) -> int:
        return self.limits[rule.kind + rule.interval]

    def entries(self, rules: tuple[Rule, ...]) -> list[dict[str, Any]]:
        """``rateLimits`` as ``exchangeInfo`` shows them."""
        return [rule.entry(self.limit(rule)) for rule in rules]

    def used(self, address: str, rule: Rule, now_ns: int) -> int:
        """Use within the current window."""
        return self._count(self._peer(address), rule, now_ns).used

    def charge(self, address: str, weight: int, now_ns: int, *, raw: bool = True) -> None:
        """Count one request, or refuse it.

        Raises
        ------
        Refusal
            429 with ``Retry-After`` when the window is used up, 418 while the address is banned.
        """
        peer = self._peer(address)
        count = self._count(peer, WEIGHT, now_ns)
        if self._standing:
            return
        count.used += weight
        over = count.used > self.limit(WEIGHT)
        longest = WEIGHT
        if raw:
            requests = self._count(peer, RAW, now_ns)
            requests.used += 1
            if requests.used > self.limit(RAW):
                over, longest = True, RAW
        self.refuse_banned(address, now_ns)
        if over and self.refuses:
            raise self.over(address, longest, now_ns)

    def count(self, address: str, rule: Rule, now_ns: int) -> float | None:
        """Count one event of another rule; seconds to wait when it is one too many."""
        count = self._count(self._peer(address), rule, now_ns)
        count.used += not self._standing
        if not self.refuses or count.used <= self.limit(rule):
            return None
        return self._left(rule, now_ns) / NS_PER_S

    def give_back(self, address: str, weight: int, now_ns: int) -> None:
        """Undo a charge: what succeeded costs nothing (orders, since 2026-04-02)."""
        count = self._count(self._peer(address), WEIGHT, now_ns)
        if not self._standing:
            count.used = max(count.used - weight, 0)

    def messages(self, seen: Count, now_ns: int) -> bool:
        """Count one inbound frame of a stream connection; whether it is one too many."""
        self.roll(seen, MESSAGES, now_ns)
        seen.used += not self._standing
        return self.refuses and seen.used > self.limit(MESSAGES)

    def refuse_banned(self, address: str, now_ns: int) -> None:
        """Raise the 418 of an address that is banned now."""
        peer = self._peer(address)
        if self.refuses and self._moved(now_ns) < peer.banned_until_ns:
            raise self._banned(peer, now_ns)

    def command(self, arguments: Mapping[str, Any], now_ns: int) -> dict[str, Any]:
        """The owner's ``limits`` command: set what is named, and say what holds now.

        ``scale``, ``off``, ``advance`` (seconds, or ``"window"``: to the next weight window, past
        every ban), ``reset``, ``ban_after``, ``ban_s``, ``ban_growth``, and new limits by name:
        ``weight``, ``raw``, ``connections``, ``stream_connections``, ``messages``, ``orders``
        (in ten seconds), ``orders_day``.
        """
        named = {
            "weight": WEIGHT,
            "raw": RAW,
            "connections": CONNECTIONS,
            "stream_connections": STREAM_CONNECTIONS,
            "messages": MESSAGES,
            "orders": ORDERS_10S,
            "orders_day": ORDERS_1D,
        }
        for name, value in arguments.items():
            if name in named:
                rule = named[name]
                self.limits[rule.kind + rule.interval] = int(_positive(name, value))
            elif name == "scale":
                self.scale = _positive(name, value)
                self.peers.clear()
            elif name == "off":
                self._switch(bool(value))
            elif name == "advance":
                self._advance(value, now_ns)
            elif name == "ban_after":
                self.ban_after = int(_positive(name, value))
            elif name == "ban_s":
                self.ban_ns = int(_positive(name, value) * NS_PER_S)
            elif name == "ban_growth":
                self.ban_growth = int(_positive(name, value))
            elif name == "reset" and value:
                self.peers.clear()
            elif name not in ("reset", "state"):
                raise BadInput(
                    f"limits has no {name!r}; use scale, off, advance, reset, ban_after, ban_s, "
                    f"ban_growth, state or one of {', '.join(named)}"
                )
        return self.state(now_ns)

    def state(self, now_ns: int) -> dict[str, Any]:
        """What is in force and what every address has used."""
        return {
            "scale": self.scale,
            "off": self.off,
            "ban_after": self.ban_after,
            "ban_s": self.ban_ns / NS_PER_S,
            "ban_growth": self.ban_growth,
            "limits": self.entries(ALL_RULES),
            "window_left_s": self._left(WEIGHT, now_ns) / NS_PER_S,
            "peers": {
                address: {
                    "weight": self.used(address, WEIGHT, now_ns),
                    "raw": self.used(address, RAW, now_ns),
                    "connections": self.used(address, CONNECTIONS, now_ns),
                    "stream_connections": self.used(address, STREAM_CONNECTIONS, now_ns),
                    "bans": peer.bans,
                    "ban_left_s": max(peer.banned_until_ns - self._moved(now_ns), 0) / NS_PER_S,
                }
                for address, peer in self.peers.items()
            },
        }

    def _switch(self, off: bool) -> None:
        """Limits that come back begin anew: what was used without them is forgotten."""
        if self.off and not off:
            self.peers.clear()
        self.off = off

    def _advance(self, by: Any, now_ns: int) -> None:
        if by == "window":
            bans = (peer.banned_until_ns - self._moved(now_ns) for peer in self.peers.values())
            self._ahead_ns += max(self._left(WEIGHT, now_ns), *bans, 0)
        else:
            self._ahead_ns += int(_positive("advance", by) * NS_PER_S)

    def over(self, address: str, rule: Rule, now_ns: int) -> Refusal:
        """The 429 of an address that is over a limit; too many of them end in a ban (418)."""
        peer = self._peer(address)
        self.roll(peer.refused, WEIGHT, now_ns)
        peer.refused.used += 1
        if peer.refused.used > self.ban_after:
            length = min(self.ban_ns * self.ban_growth**peer.bans, self.longest_ban_ns)
            peer.bans += 1
            peer.refused.used = 0
            peer.banned_until_ns = self._moved(now_ns) + int(length / self.scale)
            return self._banned(peer, now_ns)
        if rule.kind == "ORDERS":
            per = f"{self.limit(rule)} orders per {rule.number} {rule.interval}"
            text = f"Too many new orders; current limit is {per}."
            return self._refusal(429, text, self._left(rule, now_ns), now_ns, code=-1015)
        if rule is RAW:
            unit = f"raw requests; current limit is {self.limit(RAW)} raw requests per 5 MINUTE"
        else:
            unit = f"request weight used; current limit is {self.limit(WEIGHT)} request weight"
            unit += " per 1 MINUTE"
        text = f"Too much {unit}. {_USE_STREAMS} polling the API."
        return self._refusal(429, text, self._left(rule, now_ns), now_ns)

    def _banned(self, peer: Peer, now_ns: int) -> Refusal:
        left = peer.banned_until_ns - self._moved(now_ns)
        until = (now_ns + left) // NS_PER_MS
        text = f"Way too much request weight used; IP banned until {until}. {_USE_STREAMS} bans."
        return self._refusal(418, text, left, now_ns)

    def _refusal(
        self, status: int, text: str, left_ns: int, now_ns: int, *, code: int = -1003
    ) -> Refusal:
        return Refusal(
            code,
            text,
            status=status,
            data={
                "serverTime": now_ns // NS_PER_MS,
                "retryAfter": -(-(now_ns + left_ns) // NS_PER_MS),
            },
            headers={"Retry-After": str(-(-left_ns // NS_PER_S))},
        )

    def _peer(self, address: str) -> Peer:
        return self.peers.setdefault(address, Peer())

    def _count(self, peer: Peer, rule: Rule, now_ns: int) -> Count:
        count = peer.counts.setdefault(rule.kind + rule.interval, Count())
        self.roll(count, rule, now_ns)
        return count

    def roll(self, count: Count, rule: Rule, now_ns: int) -> None:
        """Begin a count anew when its window is over."""
        window = self._moved(now_ns) // self._length(rule)
        if window != count.window:
            count.window, count.used = window, 0

    def _left(self, rule: Rule, now_ns: int) -> int:
        length = self._length(rule)
        return length - self._moved(now_ns) % length

    def _length(self, rule: Rule) -> int:
        return max(int(rule.length_ns / self.scale), 1)

    def _moved(self, now_ns: int) -> int:
        return now_ns + self._ahead_ns


def _positive(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise BadInput(f"{name} is {value!r}; a number above 0 is needed")
    return float(value)
