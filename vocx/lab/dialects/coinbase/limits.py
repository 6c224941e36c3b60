"""Coinbase's limits: no page states those of REST today; 10 a second for an address and 30 a
second for a user were official once and are what public clients keep. Eight connections and eight
unsigned messages a second are documented for sockets (2026-08)."""

from __future__ import annotations

from collections.abc import Hashable

from vocx.lab.dialects.coinbase.wire import Refusal
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.dialects.shared.rate_limiter import Excess, RateLimiter, Rule

PUBLIC = Rule(name="public", limit=10, window_ns=NS_PER_S, sliding=True)
PRIVATE = Rule(name="private", limit=30, window_ns=NS_PER_S, sliding=True, listed=False)
CONNECTIONS = Rule(name="connections", limit=8, window_ns=NS_PER_S, sliding=True)
MESSAGES = Rule(name="messages", limit=8, window_ns=NS_PER_S, sliding=True)


def new_limiter() -> RateLimiter:
    """Limits without bans: none is documented."""
    return RateLimiter((PUBLIC, PRIVATE, CONNECTIONS, MESSAGES), _refusal)


def _refusal(found: Excess, now_ns: int) -> Refusal:
    return Refusal(429, "RATE_LIMIT_EXCEEDED", "Too many requests")


def charge(limiter: RateLimiter, rule: Rule, who: Hashable, now_ns: int) -> dict[str, str]:
    """Count a call; the headers, whose names are in lower case because the official SDK looks them
    up so. ``x-ratelimit-reset`` is in seconds of the clock (a choice).

    Raises
    ------
    Refusal
        429 with the same headers.
    """
    over = limiter.add(rule, who, 1, now_ns)
    limit, used = limiter.limit(rule), limiter.used(rule, who, now_ns)
    reset_ns = now_ns + (limiter.left_ns(rule, now_ns, who) if over else rule.window_ns)
    headers = {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(max(limit - used, 0)),
        "x-ratelimit-reset": str(-(-reset_ns // NS_PER_S)),
    }
    if over:
        raise Refusal(429, "RATE_LIMIT_EXCEEDED", "Too many requests", headers)
    return headers
