"""OKX's limits. (Docs-v5, rate limits, edition of 2026-07-28. That windows slide and that refused
calls do not count is a choice: neither is published.)
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from vocx.lab.dialects.okx.wire import Refusal
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.dialects.shared.rate_limiter import Excess, RateLimiter, Rule


def _rule(name: str, limit: int, window_s: int = 2, *, listed: bool = False) -> Rule:
    return Rule(name=name, limit=limit, window_ns=window_s * NS_PER_S, sliding=True, listed=listed)


RULES: Mapping[str, Rule] = {
    one.name: one
    for one in (
        _rule("place", 60),
        _rule("cancel", 60),
        _rule("amend", 60),
        _rule("place-batch", 300),
        _rule("cancel-batch", 300),
        _rule("amend-batch", 300),
        _rule("time", 10, listed=True),
        _rule("instruments", 20, listed=True),
        _rule("tickers", 20, listed=True),
        _rule("ticker", 20, listed=True),
        _rule("books", 40, listed=True),
        _rule("books-full", 10, listed=True),
        _rule("candles", 40, listed=True),
        _rule("history-candles", 20, listed=True),
        _rule("trades", 100, listed=True),
        _rule("history-trades", 20, listed=True),
        _rule("status", 1, 5, listed=True),
        _rule("order", 60),
        _rule("orders-pending", 60),
        _rule("orders-history", 40),
        _rule("orders-history-archive", 20),
        _rule("fills", 60),
        _rule("fills-history", 10),
        _rule("account-rate-limit", 1, 1),
        _rule("cancel-all-after", 1, 1),
        _rule("balance", 10),
        _rule("config", 5),
        _rule("trade-fee", 5),
        _rule("account-instruments", 20),
        _rule("currencies", 6, 1),
        _rule("connections", 3, 1, listed=True),
        _rule("operations", 480, 3600),
    )
}


def new_limiter() -> RateLimiter:
    """OKX bans nobody: who asks too much is refused."""

    def refusal(found: Excess, now_ns: int) -> Exception:
        return Refusal("50011")

    return RateLimiter(tuple(RULES.values()), refusal)


def over(limiter: RateLimiter, rule: Rule, who: Hashable, now_ns: int) -> bool:
    """Count something, or say that it is too much; what is refused does not count."""
    if limiter.full(rule, who, now_ns):
        return True
    limiter.add(rule, who, 1, now_ns)
    return False


def charge(limiter: RateLimiter, rule: Rule, who: Hashable, now_ns: int) -> None:
    """The same as a refusal."""
    if over(limiter, rule, who, now_ns):
        raise limiter.too_many(rule, now_ns, who)
