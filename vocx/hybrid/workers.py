"""Threads that wait for the venue's answers: a few for each kind of call, so that slow answers of
one kind hold up neither the strategy nor calls of another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any


class Workers:
    """Pools of threads by kind of work.

    Parameters
    ----------
    sizes : mapping
        How many threads each kind has at most.
    failed : callable
        Told of whatever the work raises: it must handle its errors itself.
    """

    def __init__(self, sizes: Mapping[str, int], failed: Callable[[str, Exception], None]) -> None:
        self._pools = {
            kind: ThreadPoolExecutor(size, thread_name_prefix=f"vocx-hybrid-{kind}")
            for kind, size in sizes.items()
        }
        self._failed = failed
        self._lock = threading.Lock()
        self._futures: dict[Future[None], str] = {}
        self._closed = False

    def submit(self, kind: str, work: Callable[..., None], *about: Any) -> None:
        """Do this soon, unless everything is ending."""
        with self._lock:
            if self._closed:
                return
            future = self._pools[kind].submit(self._run, kind, work, *about)
            self._futures[future] = getattr(work, "__name__", kind)
        future.add_done_callback(self._forget)

    def submit_once(self, kind: str, work: Callable[[], None]) -> bool:
        """Do this soon, unless the one before has not ended yet; whether it will be done."""
        with self._lock:
            if self._closed or work.__name__ in self._futures.values():
                return False
        self.submit(kind, work)
        return True

    def _run(self, kind: str, work: Callable[..., None], *about: Any) -> None:
        try:
            work(*about)
        except Exception as error:  # a defect of ours must show, and must not end the thread
            self._failed(kind, error)

    def _forget(self, future: Future[None]) -> None:
        with self._lock:
            self._futures.pop(future, None)

    @property
    def under_way(self) -> int:
        """How many calls are waited for, or for a thread."""
        return len(self._futures)

    def wait(self, until: float) -> bool:
        """Wait for all that is under way until this ``time.monotonic()``; whether it has ended."""
        with self._lock:
            waiting = list(self._futures)
        return not wait_for(waiting, timeout=max(0.0, until - time.monotonic())).not_done

    def close(self) -> None:
        """Begin nothing more: what waits for a thread is dropped, what is under way goes on."""
        with self._lock:
            self._closed = True
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def join(self, until: float) -> bool:
        """Wait for the threads themselves, as :meth:`wait` does for their work."""
        ended = self.wait(until)
        if ended:
            for pool in self._pools.values():
                pool.shutdown(wait=True)
        return ended
