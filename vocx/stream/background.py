"""Calls that may wait, in threads that end with their stream.

A reader must go on answering pings, so what asks REST has a short-lived thread of its own. Every
such call is given an event that is set when the stream is stopped: what waits there for a limit
or a retry gives up at once, and nothing is printed for nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from vocx.venues.base import Intent

Ask = Callable[[Intent, threading.Event], Any]
"""Asks the venue by REST; the event ends its waiting."""


class Background:
    """The short-lived threads of one stream.

    Attributes
    ----------
    stopping : Event
        Set once: no further thread is started.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Do this in a thread of its own, unless everything is ending."""

        def run() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=name, daemon=True)
        with self._lock:
            if self.stopping.is_set():
                return
            self._threads.add(thread)
            thread.start()

    def join(self, deadline: float) -> bool:
        """Wait for all of them until this ``time.monotonic()``; whether they have ended."""
        with self._lock:
            threads = [one for one in self._threads if one is not threading.current_thread()]
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)
