"""``async for`` over facts: nothing is lost, and the event loop goes on while it waits."""

from __future__ import annotations

import asyncio
import threading

import pytest

from vocx.errors import StreamStopped
from vocx.exchange import Exchange
from vocx.facts import Fact, Trade
from vocx.stream.subscription import Policy, Subscription

DEADLINE_S = 10.0


def trades(first: int, count: int) -> list[Trade]:
    return [
        Trade(symbol="BTC/USDT", id=str(number), price=1, quantity=1, side="buy", arrived_ns=number)  # type: ignore[arg-type]
        for number in range(first, first + count)
    ]


async def collect(subscription: Subscription, into: list[Fact]) -> None:
    async for fact in subscription:
        into.append(fact)


def test_what_a_thread_offers_arrives_whole_and_in_order() -> None:
    """From before the loop began to the end, in batches of any size."""
    subscription, got = Subscription(), []
    subscription.offer(trades(0, 3))

    def offer() -> None:
        for number in range(100):
            subscription.offer(trades(3 + 7 * number, 7))
        subscription.end(None)

    async def main() -> None:
        reader = threading.Thread(target=offer)
        reader.start()
        await asyncio.wait_for(collect(subscription, got), DEADLINE_S)
        reader.join()

    asyncio.run(main())
    assert [fact.arrived_ns for fact in got] == list(range(703))


@pytest.mark.parametrize("policy", ["latest", "drop_oldest", "gap"])
def test_other_tasks_have_their_turn(policy: Policy) -> None:
    """Also while facts wait in thousands; what waits for a fact ends when it is cancelled."""
    subscription, got, turns = Subscription(policy=policy), list[Fact](), list[int]()
    subscription.offer(trades(0, 5_000))

    async def other() -> None:
        while True:
            turns.append(len(got))
            await asyncio.sleep(0)

    async def main() -> None:
        both = asyncio.gather(collect(subscription, got), other())
        while not got or len(subscription):
            await asyncio.sleep(0)
        both.cancel()
        with pytest.raises(asyncio.CancelledError):
            await both

    asyncio.run(main())
    assert len(got) == (1 if policy == "latest" else 5_000)
    assert policy == "latest" or any(0 < turn < 5_000 for turn in turns)
    subscription.offer(trades(0, 1))  # the loop is over, and the reader does not mind


def test_it_ends_as_the_stream_ends() -> None:
    """Stopped: the loop is over. Died: its error, after what was queued."""
    stopped, died, got = Subscription(), Subscription(), list[Fact]()
    for subscription, error in ((stopped, None), (died, StreamStopped("it died"))):
        subscription.offer(trades(0, 1))
        subscription.end(error)
    asyncio.run(collect(stopped, got))
    with pytest.raises(StreamStopped, match="it died"):
        asyncio.run(collect(died, got))
    assert len(got) == 2


def test_a_stream_in_a_coroutine(exchange: Exchange) -> None:
    """The lab's trades and quotes, while another task counts."""
    counted = 0

    async def count() -> None:
        nonlocal counted
        while True:
            counted += 1
            await asyncio.sleep(0.001)

    async def main() -> list[Fact]:
        other, got = asyncio.create_task(count()), list[Fact]()
        async for fact in exchange.stream("trades", "quotes", symbols="BTC/USDT"):
            got.append(fact)
            if len(got) == 20:
                break
        other.cancel()
        return got

    got = asyncio.run(asyncio.wait_for(main(), DEADLINE_S))
    assert {fact.symbol for fact in got} == {"BTC/USDT"} and counted > 3  # type: ignore[attr-defined]
