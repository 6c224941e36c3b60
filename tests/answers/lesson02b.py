"""Lesson 02b: ``listen``."""

import asyncio
import random

import websockets


async def right(connect, take, note):
    pause_s = 1
    while True:
        try:
            async with connect() as ws:
                async for message in ws:
                    take(message)
                    pause_s = 1
            note("closed")
        except (OSError, websockets.WebSocketException) as error:
            note(repr(error))
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))
        pause_s = min(2 * pause_s, 60)


async def by_receiving(connect, take, note):
    """Another way to read, full jitter, and ``except Exception``."""
    failures = 0
    while True:
        try:
            ws = await connect()
            while True:
                take(await asyncio.wait_for(ws.recv(), 30))
                failures = 0
        except Exception as error:
            note(str(error))
        failures += 1
        await asyncio.sleep(random.uniform(0.3, 1) * min(60, 2**failures))


async def listing(connect, take, note):
    """As printed: recursion, fixed pause."""
    try:
        async with connect() as ws:
            async for message in ws:
                take(message)
    except websockets.ConnectionClosed:
        pass
    await asyncio.sleep(3)
    await listing(connect, take, note)


async def only_errors_pause(connect, take, note):
    while True:
        try:
            async with connect() as ws:
                async for message in ws:
                    take(message)
        except Exception as error:
            note(str(error))
            await asyncio.sleep(2)


async def gives_up_quietly(connect, take, note):
    async with connect() as ws:
        async for message in ws:
            take(message)


async def closed_only(connect, take, note):
    while True:
        try:
            async with connect() as ws:
                async for message in ws:
                    take(message)
            note("closed")
        except (OSError, websockets.ConnectionClosed) as error:
            note(str(error))
        await asyncio.sleep(random.uniform(1, 2))


async def no_cut_expected(connect, take, note):
    while True:
        try:
            async with connect() as ws:
                async for message in ws:
                    take(message)
            note("closed")
        except (OSError, websockets.InvalidHandshake) as error:
            note(str(error))
        await asyncio.sleep(random.uniform(1, 2))


def with_pauses(
    after_connect=False, most_s=60.0, factor=2, chance=0.5, after_data=True, quiet=False
):
    """The right one, with one thing changed."""

    async def changed(connect, take, note):
        pause_s = 1
        while True:
            try:
                async with connect() as ws:
                    pause_s = 1 if after_connect else pause_s
                    async for message in ws:
                        take(message)
                        pause_s = 1 if after_data else pause_s
                if not quiet:
                    note("closed")
            except (OSError, websockets.WebSocketException) as error:
                note(str(error))
            await asyncio.sleep(pause_s * random.uniform(1 - chance, 1 + chance))
            pause_s = min(factor * pause_s, most_s)

    return changed


async def reset_on_connect(connect, take, note):
    await with_pauses(after_connect=True)(connect, take, note)


async def fixed(connect, take, note):
    await with_pauses(factor=3, most_s=3, chance=0.1)(connect, take, note)


async def no_end_of_growth(connect, take, note):
    await with_pauses(most_s=10_000, chance=0.1)(connect, take, note)


async def never_short_again(connect, take, note):
    await with_pauses(after_data=False, most_s=40)(connect, take, note)


async def no_chance(connect, take, note):
    await with_pauses(chance=0)(connect, take, note)


async def silent_close(connect, take, note):
    await with_pauses(quiet=True)(connect, take, note)


async def recursion(connect, take, note, pause_s=1):
    try:
        async with connect() as ws:
            async for message in ws:
                take(message)
                pause_s = 1
        note("closed")
    except (OSError, websockets.WebSocketException) as error:
        note(str(error))
    await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))
    await recursion(connect, take, note, min(2 * pause_s, 60))


async def drops_the_first(connect, take, note):
    def later(message, seen=set()):  # noqa: B006
        if seen:
            take(message)
        seen.add(message)

    await right(connect, later, note)


async def cannot_be_stopped(connect, take, note):
    while True:
        try:
            await right(connect, take, note)
        except BaseException as error:
            note(str(error))
            await asyncio.sleep(1)


async def minutes(connect, take, note):
    while True:
        try:
            async with connect() as ws:
                async for message in ws:
                    take(message)
            note("closed")
        except (OSError, websockets.WebSocketException) as error:
            note(repr(error))
        await asyncio.sleep(random.uniform(50, 60))


def not_async(connect, take, note):
    return connect()


async def hangs(connect, take, note):
    while connect:
        pass


async def blank(connect, take, note): ...


WRONG = {
    listing: "dead after ConnectionRefusedError on the second attempt",
    only_errors_pause: "nothing noted: an end without an error needs a pause",
    gives_up_quietly: "ends without an error on 1000 and 1001",
    closed_only: "dead after InvalidHandshake on attempt 3",
    no_cut_expected: "a cut without a close frame is an end like any other",
    reset_on_connect: "make the pause short again after good data, not after the handshake",
    fixed: "let the pause grow",
    no_end_of_growth: "let the pause grow to a minute and no further",
    never_short_again: "an outage that is over should not count any more",
    no_chance: "two runs tried to connect at the very same moments",
    silent_close: "a reconnect that is silent hides the outage",
    recursion: "each reconnect waits inside the one before",
    drops_the_first: "messages came",
    cannot_be_stopped: "it went on after it was cancelled",
    minutes: "seconds between the first attempts, not minutes",
    not_async: "this is no coroutine function: write async def",
    hangs: "did not come back within",
}
