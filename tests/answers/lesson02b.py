"""Lesson 02b: ``listen``."""

import asyncio
import random

import websockets

from vocx.course.virtual_venue import endless_loop


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


async def gives_up_quietly(connect, take, note):
    async with connect() as ws:
        async for message in ws:
            take(message)


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


def not_async(connect, take, note):
    return connect()


async def hangs(connect, take, note):
    while connect:
        pass


async def blank(connect, take, note): ...


ANY_END = OSError, websockets.WebSocketException


def with_pauses(
    name,
    errors=ANY_END,
    first_s=1.0,
    most_s=60.0,
    factor=2,
    chance=0.5,
    after_connect=False,
    after_data=True,
    quiet=False,
):
    """The right one, with something changed."""

    async def changed(connect, take, note):
        pause_s = first_s
        while True:
            try:
                async with connect() as ws:
                    pause_s = first_s if after_connect else pause_s
                    async for message in ws:
                        take(message)
                        pause_s = first_s if after_data else pause_s
                if not quiet:
                    note("closed")
            except errors as error:
                note(str(error))
            await asyncio.sleep(pause_s * random.uniform(1 - chance, 1 + chance))
            pause_s = min(factor * pause_s, most_s)

    changed.__name__ = name
    return changed


closed_only = with_pauses("closed_only", errors=(OSError, websockets.ConnectionClosed))
no_cut_expected = with_pauses("no_cut_expected", errors=(OSError, websockets.InvalidHandshake))
reset_on_connect = with_pauses("reset_on_connect", after_connect=True)
fixed = with_pauses("fixed", factor=3, most_s=3, chance=0.1)
no_end_of_growth = with_pauses("no_end_of_growth", most_s=10_000, chance=0.1)
never_short_again = with_pauses("never_short_again", after_data=False, most_s=40)
no_chance = with_pauses("no_chance", chance=0)
silent_close = with_pauses("silent_close", quiet=True)
minutes = with_pauses("minutes", first_s=55, factor=1, chance=0.1)

WRONG = {
    listing: "dead after ConnectionRefusedError on the second attempt",
    endless_loop: "nothing noted: an end without an error needs a pause",
    gives_up_quietly: "ends without an error on 1000 and 1001",
    closed_only: "dead after InvalidHandshake on attempt 3",
    no_cut_expected: "a cut without a close frame is an end like any other",
    reset_on_connect: "make the pause short again after good data, not after the handshake",
    fixed: "let the pause grow",
    no_end_of_growth: "let the pause grow to a minute and no further",
    never_short_again: "an outage that is over should not count any more",
    no_chance: "two runs tried to connect at the very same moments",
    silent_close: "a reconnect that is silent hides the outage",
    minutes: "seconds between the first attempts, not minutes",
    recursion: "each reconnect waits inside the one before",
    drops_the_first: "messages came",
    cannot_be_stopped: "it went on after it was cancelled",
    not_async: "this is no coroutine function: write async def",
    hangs: "did not come back within",
}
