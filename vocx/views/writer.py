"""The one thread that writes to widgets, and the one that does what must not delay it.

Data arrives at any rate; views pull at theirs: the writer goes round all open views
:data:`RATE_HZ` times a second, under one lock. It lives while a view is open. Nothing else
touches a widget after it was made: callbacks of buttons only leave a command.

What waits for a network (stopping a stream, turning a dial, asking a lab for its dials) is done
by the *helper*, a thread that ends when it has nothing to do. Of several jobs with one key only
the latest is done, so a dragged slider does not queue up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from vocx.timing import mono_ns

RATE_HZ = 7.0
LONGEST_NAP_S = 0.5
"""While all views are paused."""


class Drawn(Protocol):
    """What the writer goes round."""

    @property
    def moving(self) -> bool:
        """Whether it wants to be drawn again soon."""

    def tick(self, now_ns: int) -> bool:
        """Obey commands and draw. False: it is finished and wants no more ticks. Never raises."""


class Writer:
    """Goes round the open views in one thread."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._views: list[Drawn] = []
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def add(self, view: Drawn) -> None:
        """Draw it from now on."""
        with self.lock:
            self._views.append(view)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vocx views", daemon=True)
                self._thread.start()
        self._wake.set()

    def remove(self, view: Drawn) -> None:
        """Draw it no more; unknown views are ignored."""
        with self.lock:
            if view in self._views:
                self._views.remove(view)
        self._wake.set()

    def wake(self) -> None:
        """Somebody left a command."""
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, which it does when no view is open."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)

    def _run(self) -> None:
        due = mono_ns()
        while True:
            self._wake.clear()
            moving = self._round()
            with self.lock:
                if not self._views:
                    self._thread = None
                    return
            due = max(due + int(1e9 / RATE_HZ), mono_ns())
            if moving:
                threading.Event().wait((due - mono_ns()) / 1e9)
            else:
                self._wake.wait(LONGEST_NAP_S)

    def _round(self) -> bool:
        with self.lock:
            views = list(self._views)
        moving = False
        for view in views:
            with self.lock:
                if view in self._views and not view.tick(mono_ns()):
                    self._views.remove(view)
                moving |= view.moving
        return moving


class Helper:
    """Does what may wait for a network, one thing after the other, apart from the writer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[object, Callable[[], None]] = {}
        self._thread: threading.Thread | None = None

    def do(self, key: object, job: Callable[[], None]) -> None:
        """Do ``job`` soon; one that waits under the same ``key`` is dropped. It must not raise."""
        with self._lock:
            self._jobs[key] = job
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="vocx helper", daemon=True)
                self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until it has nothing to do."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._thread = None
                    return
                key = next(iter(self._jobs))
                job = self._jobs.pop(key)
            job()


writer = Writer()
helper = Helper()
