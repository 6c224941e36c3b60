"""Fetching what starts a local book, outside the reader and not too often.

A reader thread must go on answering pings, so each fetch has a short-lived thread of its own.
The rules: at most one snapshot in 250 ms for the whole process; at most one in 5 s for a symbol
in steady state, while the first tries after a loss may come quicker (250 ms, doubling, at most
3 s); what a failed try leaves in the book's buffer is kept.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from vocx.errors import RateLimited, VocxError
from vocx.facts import BookSnapshot
from vocx.stream.channels import BookChannel
from vocx.stream.deadlines import Deadlines
from vocx.venues.base import GetBook

Fetch = Callable[[GetBook], BookSnapshot]
_SPACING_NS = 250_000_000
_QUICK_TRIES = 5
_PATIENCE_NS = 1_000_000_000


class Gate:
    """One snapshot per 250 ms, for all streams of this process."""

    def __init__(self, spacing_ns: int = _SPACING_NS) -> None:
        self._spacing_ns = spacing_ns
        self._lock = threading.Lock()
        self._next_ns = 0

    def enter(self, now_ns: int) -> bool:
        with self._lock:
            if now_ns < self._next_ns:
                return False
            self._next_ns = now_ns + self._spacing_ns
            return True


GATE = Gate()


class Snapshots:
    """Keeps one local book supplied. Driven by the reader thread: :meth:`tick` never waits.

    Attributes
    ----------
    fetched : int
        Snapshots that came.
    problem : VocxError or None
        Why the latest try failed.
    """

    def __init__(
        self,
        slot: BookChannel,
        intent: GetBook,
        fetch: Fetch,
        deadlines: Deadlines,
        gate: Gate = GATE,
    ) -> None:
        self.slot = slot
        self.fetched = 0
        self.problem: VocxError | None = None
        self._intent = intent
        self._fetch = fetch
        self._deadlines = deadlines
        self._gate = gate
        self._arrived: deque[BookSnapshot | VocxError] = deque()
        self._busy = False
        self._tries = 0
        self._tries_ns: deque[int] = deque(maxlen=_QUICK_TRIES)
        self._next_ns = 0
        self._open_ns = 0

    def begin(self, now_ns: int) -> None:
        """A new connection: first tries may be quick again."""
        self._tries = 0
        self._next_ns = 0
        self._open_ns = now_ns

    def tick(self, now_ns: int) -> BookSnapshot | None:
        """A snapshot that has arrived, else perhaps start to fetch one."""
        if self._arrived:
            self._busy = False
            got = self._arrived.popleft()
            if isinstance(got, VocxError):
                self.problem = got
                if isinstance(got, RateLimited) and got.retry_after_s:
                    self._next_ns = now_ns + int(got.retry_after_s * 1.1e9)
            else:
                self.problem = None
                self.fetched += 1
                return got
        book = self.slot.book
        if book.in_sync:
            self._tries = 0
        elif (
            not self._busy
            and now_ns >= self._next_ns
            and (
                # Changes first, then the snapshot: it must not be older than the first of them.
                # In a market where nothing changes there is none to wait for.
                book.buffered or now_ns - self._open_ns > _PATIENCE_NS
            )
        ):
            self._start(now_ns)
        return None

    def _start(self, now_ns: int) -> None:
        if not self._gate.enter(now_ns):
            return
        d = self._deadlines
        wait_s = min(d.book_retry_cap_s, d.book_retry_s * 2.0 ** min(self._tries, 8))
        self._tries += 1
        full = len(self._tries_ns) == self._tries_ns.maxlen
        if full and now_ns - self._tries_ns[0] < _QUICK_TRIES * d.book_steady_s * 1e9:
            wait_s = max(wait_s, d.book_steady_s)
        self._tries_ns.append(now_ns)
        self._next_ns = now_ns + int(wait_s * 1e9)
        self._busy = True
        name = f"vocx-snapshot-{self._intent.symbol}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        try:
            self._arrived.append(self._fetch(self._intent))
        except VocxError as error:
            self._arrived.append(error)
        except Exception as error:  # the fetch is injected: whatever it raises must not be lost
            self._arrived.append(VocxError(f"the snapshot failed: {error!r}"))
