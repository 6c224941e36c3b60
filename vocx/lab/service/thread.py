"""A lab on a thread of this process, for an engine that only this process has.

A class that was written in a notebook cannot be sent to another process, so the lab comes to it:
the same event loop, servers and relay as in :mod:`vocx.lab.service.process`, which clients meet
over the same sockets. It shares the interpreter with whoever asks it, and is slower than a process
of its own; where the engine raises, the venue answers with its internal error, and one line in the
log ``vocx.lab`` says what happened.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future
from contextlib import suppress

from vocx.errors import LabError
from vocx.lab.market.engine import Book
from vocx.lab.network.event_loop import new_event_loop
from vocx.lab.service.child import READY_S, STOP_S
from vocx.lab.service.config import Config, Ready
from vocx.lab.service.process import run


class LabThread:
    """One lab, started on a thread; to its handle what a
    :class:`~vocx.lab.service.child.ChildProcess` is.

    Raises
    ------
    LabConflict, UnknownSymbol
        What it said about the configuration.
    LabError
        It was not ready in time.
    """

    def __init__(self, config: Config, book: type[Book]) -> None:
        self._owner = os.getpid()
        self._begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._listens: Future[Ready] = Future()
        self._error = ""
        self._thread = threading.Thread(
            target=self._run, args=(config, book), name="vocx-lab", daemon=True
        )
        self._thread.start()
        try:
            self.ready = self._listens.result(READY_S)
        except TimeoutError:
            self.stop()
            raise LabError(
                f"the lab was not ready within {READY_S:.0f} s; does the engine answer?"
            ) from None
        except BaseException:
            self.stop()
            raise

    def _run(self, config: Config, book: type[Book]) -> None:
        def on_stop(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
            self._begun.set_result((loop, done))

        try:
            with asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(run(config, self._listens.set_result, on_stop, book))
        except BaseException as error:
            self._error = f" ({type(error).__name__}: {error})"
            if not self._listens.done():
                self._listens.set_exception(error)

    @property
    def pid(self) -> int:
        return self._owner

    @property
    def alive(self) -> bool:
        return os.getpid() == self._owner and self._thread.is_alive()

    def exit_report(self) -> str:
        """How it ended."""
        return self._error

    def stop(self) -> None:
        """End it. An engine that never returns is left behind: no thread can be ended."""
        if not self.alive:
            return
        if self._begun.done():
            loop, done = self._begun.result()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(done.set)
        self._thread.join(2 * STOP_S)
