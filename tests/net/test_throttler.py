"""One host, asked by many: waits, bans, and who may pass."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from vocx import errors
from vocx.net import Throttler, forget_host
from vocx.rate_limits import AddressStatus
from vocx.venues.base import CancelAll, CancelOrder, GetTime, Intent, Limit, Request, Usage

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


def test_a_ban_outlives_a_pause_of_the_limits() -> None:
    """What measures while a lab's limits are put aside asks; afterwards nobody does until the ban
    is over, and an exchange that says it is over is believed."""
    clock = Clock()
    banned = AddressStatus(enforced=True, used={}, window_left_s={}, ban_left_s=100)
    said = replace(banned, enforced=False)
    first, other = (
        clock.throttler(status=lambda: said, url=lambda: "https://four.example") for _ in range(2)
    )
    first.refused(errors.Banned("418", retry_after_s=120))
    other.enter(request())
    said = banned
    for one in (first, other):
        with pytest.raises(errors.Banned):
            one.enter(request())
    said = replace(banned, ban_left_s=0)
    other.enter(request())
    said = banned
    first.enter(request())
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


def test_throttlers_of_one_host_count_together() -> None:
    """A limit by address is everybody's: the second waits for what the first has used. What one
    was told of the limits, and its brake, is its own; another host's is not touched."""
    clock = Clock()
    first, second = (clock.throttler(url=lambda: "https://one.example/api") for _ in range(2))
    apart = clock.throttler(url=lambda: "https://two.example/api")
    first.stop_at = None
    first.learn([Limit(bucket="weight", amount=9000, window_s=60)])
    first.enter(request(weight=4800))
    assert second.rows()[0].used == 4800 and second.rows()[0].amount == 6000
    apart.enter(request(weight=100))
    first.enter(request(weight=10))
    assert clock.pauses == []
    second.enter(request(weight=10))
    assert clock.pauses == [pytest.approx(60)] and apart.rows()[0].used == 0


def test_an_accounts_limits_are_its_own() -> None:
    """Nobody waits for another key's orders, nor for the 429 that they met; one for what the
    address has used is for everybody."""
    clock = Clock()
    orders = Limit(bucket="orders", amount=10, window_s=2, per="account", aligned=False)
    order = Request(intent=GetTime(), method="POST", target="/", charges={"orders": 8})
    first, same, other = (
        Throttler(
            "okx",
            [WEIGHT, orders],
            url=lambda: "https://three.example",
            account=lambda key=key: key,
            clock=lambda: clock.now_ns,
            sleep=clock.sleep,
        )
        for key in ("a", "a", "b")
    )
    first.enter(order)
    other.enter(order)
    assert clock.pauses == []
    same.enter(order)
    assert clock.pauses == [pytest.approx(2)]
    first.refused(errors.RateLimited("429", retry_after_s=10), order)
    other.enter(request())
    assert clock.pauses[1:] == []
    same.enter(request())
    assert clock.pauses[1:] == [pytest.approx(11)]
    first.refused(errors.RateLimited("429", retry_after_s=10), request())
    other.enter(request())
    assert clock.pauses[2:] == [pytest.approx(11)]


def test_windows_that_are_shortened_are_so_for_every_account() -> None:
    """Also for one that signs its first call later."""
    clock = Clock()
    orders = Limit(bucket="orders", amount=10, window_s=20, per="account", aligned=False)
    throttler = Throttler(
        "okx", [WEIGHT, orders], account=lambda: "a", clock=lambda: clock.now_ns, sleep=clock.sleep
    )
    throttler.scale(10)
    order = Request(intent=GetTime(), method="POST", target="/", charges={"orders": 8})
    throttler.enter(order)
    assert [row.window_s for row in throttler.rows()] == [6, 2]
    throttler.enter(order)
    assert clock.pauses == [pytest.approx(2)]


def test_a_server_that_took_the_address_begins_anew() -> None:
    """Neither what was used nor a ban of its predecessor's is known."""
    clock, url = Clock(), "http://127.0.0.1:4"
    throttler = clock.throttler(url=lambda: url)
    throttler.enter(request(weight=100))
    throttler.refused(errors.Banned("418", retry_after_s=120))
    forget_host("binance", url)
    throttler.enter(request())
    assert throttler.rows()[0].used == 1


def test_a_host_that_is_nowhere_now_keeps_its_count() -> None:
    """A view may look at the budget of a lab that is gone."""

    def gone() -> str:
        raise errors.LabDied("it is gone")

    clock = Clock()
    throttler = clock.throttler(url=gone)
    throttler.enter(request(weight=100))
    assert throttler.rows()[0].used == 100


def test_what_others_have_under_way_is_not_forgotten() -> None:
    """A reply says what was used when it was made: calls that had not been answered as its own
    left may not be in it, whoever sent them and whatever became of them since."""
    clock = Clock()
    throttler = clock.throttler()
    early = throttler.enter(request(weight=10))
    throttler.leave(early)
    slow, asking = throttler.enter(request(weight=7)), throttler.enter(request(weight=5))
    throttler.leave(slow)
    throttler.enter(request(weight=3))
    throttler.correct([Usage(bucket="weight", used=15)], asking)
    assert throttler.rows()[0].used == 25  # 15 and 7 and 3
    throttler.leave(asking)
    throttler.correct([Usage(bucket="weight", used=15)])
    assert throttler.rows()[0].used == 15
