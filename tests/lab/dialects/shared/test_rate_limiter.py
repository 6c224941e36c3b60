"""Limits by name and by whom they count: windows on the clock and sliding ones, bans."""

from __future__ import annotations

import pytest

from vocx.lab.dialects.shared.rate_limiter import BanRule, Excess, RateLimiter, Rule

S = 1_000_000_000
CLOCK = Rule(name="clock", limit=3, window_ns=60 * S)
SLIDING = Rule(name="sliding", limit=2, window_ns=2 * S, sliding=True)


class TooMuch(Exception):
    def __init__(self, excess: Excess, now_ns: int) -> None:
        super().__init__(excess)
        self.excess = excess


@pytest.fixture
def limiter() -> RateLimiter:
    bans = BanRule(after=1, length_ns=120 * S, window_ns=60 * S, growth=4)
    return RateLimiter((CLOCK, SLIDING), TooMuch, bans)


def used(limiter: RateLimiter, rule: Rule, who: object, now_ns: int) -> int:
    return limiter.used(rule, who, now_ns)


def test_everybody_has_a_bucket_of_his_own(limiter: RateLimiter) -> None:
    """An address, a user and an instrument, a connection: whatever is counted by."""
    for who in ("127.0.0.1", ("user", "ann", "BTC"), ("user", "ann", "ETH"), limiter):
        assert [limiter.add(CLOCK, who, 1, 1) for _ in range(4)] == [False] * 3 + [True]
    limiter.forget(limiter)
    assert used(limiter, CLOCK, limiter, 1) == 0


def test_windows_of_the_clock(limiter: RateLimiter) -> None:
    """The count begins anew with the minute, not sixty seconds after the first use."""
    limiter.add(CLOCK, "a", 3, 59 * S)
    assert used(limiter, CLOCK, "a", 59 * S) == 3 and limiter.left_ns(CLOCK, 59 * S) == S
    assert used(limiter, CLOCK, "a", 60 * S) == 0


def test_sliding_windows(limiter: RateLimiter) -> None:
    """Each use leaves the window by itself; the wait is the oldest's."""
    limiter.add(SLIDING, "a", 1, 10 * S)
    limiter.add(SLIDING, "a", 1, 11 * S)
    assert limiter.full(SLIDING, "a", 11 * S) and limiter.left_ns(SLIDING, 11 * S, "a") == S
    assert used(limiter, SLIDING, "a", 12 * S) == 1
    assert used(limiter, SLIDING, "a", 13 * S) == 0


def test_refusals_lead_to_bans_that_grow(limiter: RateLimiter) -> None:
    """The second refusal in a window bans, the next ban is four times as long."""
    waits = []
    now_ns = 0
    for _ in range(2):
        for _ in range(2):
            now_ns += 1
            limiter.at(now_ns)
            with pytest.raises(TooMuch) as caught:
                limiter.charge(CLOCK, "a", 4, now_ns, "a")
        assert caught.value.excess.rule is None
        waits.append(caught.value.excess.wait_ns)
        now_ns += waits[-1]
    assert waits == [120 * S, 480 * S]


def test_a_bucket_that_bans_nobody(limiter: RateLimiter) -> None:
    """What is one too many can be refused without a memory of it."""
    for _ in range(5):
        refusal = limiter.too_many(SLIDING, S, "a")
        assert isinstance(refusal, TooMuch) and refusal.excess.rule is SLIDING
    limiter.refuse_banned("a", S)


def test_paused_limits_count_nothing(limiter: RateLimiter) -> None:
    """And keep what was used before."""
    limiter.add(CLOCK, "a", 2, 1)
    limiter.paused = True
    limiter.at(2)
    limiter.charge(CLOCK, "a", 9, 2, "a")
    assert used(limiter, CLOCK, "a", 2) == 2


def test_the_owners_state_shows_addresses(limiter: RateLimiter) -> None:
    """Other buckets are nobody's business there."""
    limiter.add(CLOCK, "a", 1, 1)
    limiter.add(CLOCK, ("user", "ann"), 1, 1)
    state = limiter.command({"sliding": 9}, 1)
    assert list(state["peers"]) == ["a"] and state["peers"]["a"]["clock"] == 1
    assert [(one["name"], one["limit"]) for one in state["limits"]] == [
        ("clock", 3),
        ("sliding", 9),
    ]
