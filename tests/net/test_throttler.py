"""One host, asked by many: waits, bans, and who may pass."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vocx import errors
from vocx.net import Throttler
from vocx.rate_limits import AddressStatus
from vocx.venues.base import CancelAll, CancelOrder, GetTime, Intent, Limit, Request

WEIGHT = Limit(bucket="weight", amount=6000, window_s=60)
S = 1_000_000_000


def request(intent: Intent | None = None, weight: int = 1) -> Request:
    return Request(intent=intent or GetTime(), method="GET", target="/", charges={"weight": weight})


class Clock:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_ns += int(seconds * 1e9) + 1

    def throttler(self, **options: object) -> Throttler:
        return Throttler(
            "binance",
            [WEIGHT],
            clock=lambda: self.now_ns,
            sleep=self.sleep,
            **options,  # type: ignore[arg-type]
        )


@pytest.mark.parametrize("intent", [CancelOrder(symbol="BTC/USDT", id=1), CancelAll(symbol="X/Y")])
def test_a_cancel_does_not_wait_at_the_brake(intent: Intent) -> None:
    """4,800 of 6,000 are used: a quote waits for the minute, a cancel goes out now."""
    clock = Clock()
    throttler = clock.throttler()
    throttler.enter(request(weight=4800))
    throttler.enter(request(intent))
    assert clock.pauses == []
    throttler.enter(request(weight=2))
    assert clock.pauses == [pytest.approx(60)]


def test_a_cancel_waits_for_the_limit_itself() -> None:
    """Beyond it the venue would refuse it anyway, and ban the address in the end."""
    clock = Clock()
    throttler = clock.throttler()
    throttler.enter(request(weight=6000))
    throttler.enter(request(CancelAll(symbol="BTC/USDT")))
    assert clock.pauses == [pytest.approx(60)]


def test_rows_are_read_while_others_spend() -> None:
    """A view looks from its own thread: what it reads is one state, and changes no count."""
    clock = Clock()
    throttler = clock.throttler()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            assert throttler.rows()[0].used <= 1000

    with ThreadPoolExecutor(4) as pool:
        looking = [pool.submit(look) for _ in range(2)]
        spending = [
            pool.submit(lambda: [throttler.enter(request()) for _ in range(500)]) for _ in range(2)
        ]
        for one in spending:
            one.result()
        over.set()
        for one in looking:
            one.result()
    assert throttler.rows()[0].used == 1000


def test_the_exchanges_word_ends_a_wait() -> None:
    """A lab whose owner switched its limits off is not waited for."""
    clock = Clock()
    said = AddressStatus(
        enforced=False, used={"weight": 0}, window_left_s={"weight": 30}, ban_left_s=0
    )
    throttler = clock.throttler(status=lambda: said)
    throttler.enter(request(weight=5000))
    throttler.refused(errors.RateLimited("429", retry_after_s=40))
    throttler.enter(request(weight=100))
    assert clock.pauses == []


def test_a_ban_is_told_with_its_end() -> None:
    """Nothing is sent until it is over."""
    clock = Clock()
    throttler = clock.throttler()
    throttler.refused(errors.Banned("418", retry_after_s=120))
    with pytest.raises(errors.Banned, match="132 s") as caught:
        throttler.enter(request())
    assert caught.value.outcome == "not_sent"
    clock.now_ns += 133 * S
    throttler.enter(request())
