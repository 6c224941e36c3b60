"""Lesson 02b: a venue that exists only in virtual time, for programs that listen and connect again.

An event loop whose clock jumps to the next thing to do: ten minutes without an exchange take no
time at all, and come out the same each time. What a program gets from ``connect()`` behaves as what
it gets from ``websockets.connect(url)``: awaited or entered it is a connection; iterating over that
ends *without an error* on close codes 1000 and 1001, and raises on any other end.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import msgspec

from vocx.errors import optional_parts

LISTEN = Callable[..., Coroutine[Any, Any, None]]
ATTEMPT_S = 0.002
"""What an attempt to connect takes."""
MOST_ATTEMPTS = 4_000
"""So many, and the program is stopped."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue does with one attempt to connect.

    Attributes
    ----------
    refuse : str
        ``"port"``: nobody listens there; ``"handshake"``: the server answers 503; ``""``: it
        accepts.
    messages : int or None
        How many it sends, one every ``every_s``, before it ends the connection; ``None``: no end.
    close : int
        The close code; 1006: no close frame comes.
    """

    refuse: str = ""
    messages: int | None = None
    every_s: float = 0.5
    close: int = 1001


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """So many seconds of a venue.

    Attributes
    ----------
    name : str
        What happens, in words.
    seconds : float
        How long it lasts.
    plan : callable
        (number of the attempt from 1, seconds since the beginning) to a :class:`Plan`.
    """

    name: str
    seconds: float
    plan: Callable[[int, float], Plan]

    def __repr__(self) -> str:
        return self.name


class SceneResult(msgspec.Struct, kw_only=True):
    """What a program did in a scene.

    Attributes
    ----------
    scene : str
        Its name.
    attempts_s : list of float
        When it tried to connect.
    ends_s : list of float
        When a connection ended or was refused.
    sent, taken : list of str
        The messages of the venue, and those that the program handed on.
    notes : list of str
        What the program said about it.
    error : Exception or None
        What it died of.
    returned_s : float or None
        When it came to its end by itself.
    stubborn : bool
        It did not end when it was cancelled.
    """

    scene: str
    attempts_s: list[float] = []
    ends_s: list[float] = []
    sent: list[str] = []
    taken: list[str] = []
    notes: list[str] = []
    error: Exception | None = None
    returned_s: float | None = None
    stubborn: bool = False

    def pauses_s(self) -> list[float]:
        """From each end to the attempt after it."""
        return [
            attempt - end for end, attempt in zip(self.ends_s, self.attempts_s[1:], strict=False)
        ]


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that never waits: where it would, its clock jumps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Virtual seconds since it was made."""
        return self.now_s


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._loop.now_s += max(timeout or 0.0, 0.0)
        return super().select(0)


class VirtualVenue:
    """Plays a scene to one program; ``connect`` is what the program connects with."""

    def __init__(self, scene: Scene, loop: VirtualLoop) -> None:
        self.scene, self._loop = scene, loop
        self.played = SceneResult(scene=scene.name)

    def connect(self) -> _Connect:
        """One attempt, to be awaited or entered with ``async with``."""
        return _Connect(self)

    async def attempt(self) -> _Connection:
        """A connection.

        Raises
        ------
        ConnectionRefusedError, websockets.exceptions.InvalidHandshake
            As planned.
        """
        with optional_parts():
            from websockets.exceptions import InvalidHandshake

        self.played.attempts_s.append(self._loop.time())
        if len(self.played.attempts_s) >= MOST_ATTEMPTS:
            self._loop.stop()
        plan = self.scene.plan(len(self.played.attempts_s), self._loop.time())
        await asyncio.sleep(ATTEMPT_S)
        if plan.refuse:
            self.ended()
        if plan.refuse == "port":
            raise ConnectionRefusedError(111, "Connect call failed")
        if plan.refuse:
            raise InvalidHandshake("server rejected WebSocket connection: HTTP 503")
        return _Connection(self, plan)

    def ended(self) -> None:
        """A connection ended, or was refused, now."""
        self.played.ends_s.append(self._loop.time())


class _Connect:
    def __init__(self, venue: VirtualVenue) -> None:
        self._venue = venue

    def __await__(self) -> Generator[Any, None, _Connection]:
        return self._venue.attempt().__await__()

    async def __aenter__(self) -> _Connection:
        return await self._venue.attempt()

    async def __aexit__(self, *_: object) -> None:
        """The connection is gone with the block."""


class _Connection:
    def __init__(self, venue: VirtualVenue, plan: Plan) -> None:
        self._venue, self._plan, self._left = venue, plan, plan.messages
        self._over = False

    async def recv(self) -> str:
        with optional_parts():
            from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK
            from websockets.frames import Close

        if self._left == 0:
            if not self._over:
                self._over = True
                self._venue.ended()
            if self._plan.close in (1000, 1001):
                close = Close(self._plan.close, "")
                raise ConnectionClosedOK(close, close, True)
            raise ConnectionClosedError(None, None)
        await asyncio.sleep(self._plan.every_s)
        self._left = None if self._left is None else self._left - 1
        sent = self._venue.played.sent
        sent.append(f'{{"e":"trade","t":{len(sent) + 1}}}')
        return sent[-1]

    async def __aiter__(self) -> AsyncIterator[str]:
        with optional_parts():
            from websockets.exceptions import ConnectionClosedOK

        try:
            while True:
                yield await self.recv()
        except ConnectionClosedOK:
            return

    async def ping(self) -> asyncio.Future[float]:
        """A pong comes at once."""
        pong = asyncio.get_running_loop().create_future()
        pong.set_result(ATTEMPT_S)
        return pong

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Hang up."""
        self._left = 0


def play(listen: LISTEN, scene: Scene) -> SceneResult:
    """Run ``listen(connect, take, note)`` through a scene, then cancel it.

    Raises
    ------
    NotImplementedError
        From the program.
    """
    loop = VirtualLoop()
    try:
        venue = VirtualVenue(scene, loop)
        played = venue.played
        task = loop.create_task(listen(venue.connect, played.taken.append, played.notes.append))
        task.add_done_callback(lambda _: loop.stop())
        loop.call_at(scene.seconds, loop.stop)
        loop.run_forever()
        if not task.done():
            task.cancel()
            loop.call_later(1.0, loop.stop)
            loop.run_forever()
            played.stubborn = not task.done()
            return played
        error = None if task.cancelled() else task.exception()
        if isinstance(error, NotImplementedError) or not isinstance(error, Exception | None):
            raise error  # not written yet; or the thread that plays is being ended
        played.error = error
        played.returned_s = loop.time() if error is None else None
        return played
    finally:
        _close(loop)


def _close(loop: VirtualLoop) -> None:
    """Throw away what a program left running in it, without a word."""
    loop.set_exception_handler(lambda *_: None)
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def endless_loop(connect: Any, take: Any, note: Any) -> None:
    """Pauses after an error only: an end without one makes it try again at once."""
    while True:
        try:
            async with connect() as ws:
                async for message in ws:
                    take(message)
        except Exception as error:
            note(str(error))
            await asyncio.sleep(2)


def _with_pause(next_s: Callable[[float], float]) -> LISTEN:
    async def listen(connect: Any, take: Any, note: Any) -> None:
        pause_s = 1.0
        while True:
            try:
                async with connect() as ws:
                    async for message in ws:
                        take(message)
                        pause_s = 1.0
            except Exception as error:
                note(str(error))
            await asyncio.sleep(next_s(pause_s))
            pause_s = min(2 * pause_s, 60.0)

    return listen


RESTART_S = 5.0, 30.0
RESTART = Scene(
    name="a restart: until it is over each connection is accepted and closed with 1001",
    seconds=45,
    plan=lambda number, at_s: Plan(messages=10 if number == 1 else 0 if at_s < 30 else None),
)


def restart_figure() -> Any:
    """When three programs try to connect while an exchange restarts, in virtual time: one row a
    program, one mark an attempt, the restart in grey."""
    from vocx import figures

    chance = Random(7)
    programs = {
        "endless loop": endless_loop,
        "3 s each time": _with_pause(lambda pause_s: 3.0),
        "growing, by chance": _with_pause(lambda pause_s: pause_s * chance.uniform(0.5, 1.5)),
    }
    # In a thread: a kernel's own thread has a loop that runs already.
    with ThreadPoolExecutor(1) as thread:
        attempts_s = {
            name: thread.submit(play, listen, RESTART).result().attempts_s
            for name, listen in programs.items()
        }
    rows = {
        f"{name}  ({len(at_s):,}{', then stopped' * (len(at_s) >= MOST_ATTEMPTS)})": at_s
        for name, at_s in attempts_s.items()
    }
    made = figures.moments("seconds (virtual time)", rows, height=260)
    grey = {"fillcolor": figures.INK, "opacity": 0.2, "line_width": 0}
    made.add_vrect(x0=RESTART_S[0], x1=RESTART_S[1], **grey)
    return made
