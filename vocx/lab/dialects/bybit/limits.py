"""Bybit's limits: 600 requests in 5 s for an address, then a ban; so many a second for a user and
an endpoint (documentation of rate limits, 2026-07-24).

A breach of the first is HTTP 403, and ten minutes of it; of the others ``retCode`` 10006, with the
time of the reset in the headers. Batches have buckets of their own, of which each order takes one.
"""

from __future__ import annotations

from collections.abc import Hashable

from vocx.lab.dialects.bybit.wire import TOO_FREQUENT, Refusal
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_S
from vocx.lab.dialects.shared.rate_limiter import BanRule, Excess, RateLimiter, Rule

ADDRESS = Rule(name="address", limit=600, window_ns=5 * NS_PER_S, sliding=True)
_PER_SECOND = {
    **{"create": 20, "amend": 10, "cancel": 20, "cancel-all": 20},
    **{"create-batch": 20, "amend-batch": 20, "cancel-batch": 20},
    **{"realtime": 50, "history": 50, "execution": 50, "wallet-balance": 50, "info": 50},
    **{"fee-rate": 5, "query-api": 10, "other": 10},
}
ENDPOINTS = {
    name: Rule(name=name, limit=limit, window_ns=NS_PER_S, sliding=True, listed=False)
    for name, limit in _PER_SECOND.items()
}
SOCKET = Rule(name="trade-requests", limit=3000, window_ns=NS_PER_S, sliding=True, listed=False)
"""Of the trade socket, by address: 10403."""
CONNECTIONS = Rule(
    name="connections", limit=500, window_ns=300 * NS_PER_S, sliding=True, listed=False
)
"""New ones within five minutes, by address."""


def _refusal(found: Excess, now_ns: int) -> Refusal:
    if found.rule is None or found.rule is ADDRESS or found.rule is CONNECTIONS:
        return Refusal(0, TOO_FREQUENT, status=403, body=TOO_FREQUENT.encode())
    if found.rule is SOCKET:
        return Refusal(10403, "Exceed IP rate limit. 3000 requests per second per IP")
    return Refusal(10006, "Too many visits. Exceeded the API Rate Limit.")


def new_limiter() -> RateLimiter:
    """All of a venue's counting, with the ban of ten minutes."""
    bans = BanRule(after=0, length_ns=600 * NS_PER_S, window_ns=5 * NS_PER_S)
    return RateLimiter((ADDRESS, *ENDPOINTS.values(), SOCKET, CONNECTIONS), _refusal, bans)


def limit_headers(
    limiter: RateLimiter, rule: Rule, who: Hashable, now_ns: int, *, over: bool
) -> dict[str, str]:
    """What every signed reply says of its own limit.

    The reset is now when nothing is refused, and lies ahead when something is: SDKs sleep until
    then.
    """
    limit, used = limiter.limit(rule), limiter.used(rule, who, now_ns)
    reset_ns = now_ns + limiter.left_ns(rule, now_ns, who) if over else now_ns
    return headers_of(limit, max(limit - used, 0), reset_ns // NS_PER_MS + over)


def headers_of(limit: int, left: int, reset_ms: int) -> dict[str, str]:
    """The three headers."""
    return {
        "X-Bapi-Limit": str(limit),
        "X-Bapi-Limit-Status": str(left),
        "X-Bapi-Limit-Reset-Timestamp": str(reset_ms),
    }
