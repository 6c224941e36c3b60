"""Bringing a local book into sync, outside the reader and not too often.

Where the venue's snapshots come by REST, each fetch has a short-lived thread of its own, because
a reader must go on answering pings. Where they come in the stream, that one topic is subscribed
again. The rules are the same: at most one snapshot by REST in 250 ms for the whole process; at
most one in 5 s for a symbol in steady state, while the first tries after a loss may come quicker
(250 ms, doubling, at most 3 s); what a failed try leaves in the book's buffer is kept.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

from vocx.errors import RateLimited, VocxError
from vocx.facts import BookSnapshot
from vocx.stream.background import Ask, Background
from vocx.stream.channels import BookChannel
from vocx.stream.deadlines import Deadlines
from vocx.venues.base import GetBook

_SPACING_NS = 250_000_000
_QUICK_TRIES = 5
_PATIENCE_NS = 1_000_000_000


class SnapshotGate:
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


GATE = SnapshotGate()


class BookSync:
    """Keeps one local book supplied. Driven by the socket's worker: :meth:`tick` never waits.

    Parameters
    ----------
    channel : BookChannel
        The book.
    intent : GetBook
        The call for a snapshot.
    ask : callable
        Makes that call.
    start : str
        ``"rest"``, or ``"stream"`` where the first snapshot comes without being asked for.
    resubscribe : callable or None
        Subscribes to the book's topic again; ``None``: snapshots come by REST.

    Attributes
    ----------
    fetched : int
        Snapshots that came by REST.
    problem : VocxError or None
        Why the latest try failed.
    held : bool
        While it is set no snapshot is asked for; one that comes by itself is taken.
    """

    def __init__(
        self,
        channel: BookChannel,
        intent: GetBook,
        ask: Ask,
        background: Background,
        deadlines: Deadlines,
        *,
        start: Literal["rest", "stream"] = "rest",
        resubscribe: Callable[[], None] | None = None,
        gate: SnapshotGate = GATE,
    ) -> None:
        self.channel = channel
        self.fetched = 0
        self.problem: VocxError | None = None
        self.held = False
        self._intent, self._ask, self._background = intent, ask, background
        self._deadlines, self._gate = deadlines, gate
        self._start_in_stream, self._resubscribe = start == "stream", resubscribe
        self._arrived: deque[tuple[int, BookSnapshot | VocxError]] = deque()
        self._round = 0
        self._busy = False
        self._tries = 0
        self._tries_ns: deque[int] = deque(maxlen=_QUICK_TRIES)
        self._next_ns = 0
        self._open_ns = 0
        self._resyncs = 0

    def on_connect(self, now_ns: int) -> None:
        """A new connection: first tries may be quick again, and older answers are void."""
        self._round += 1
        self._tries = 0
        self._busy = False
        self._open_ns = now_ns
        self._resyncs = self.channel.book.resyncs
        self._next_ns = 0

    def tick(self, now_ns: int) -> BookSnapshot | None:
        """A snapshot that has arrived, else perhaps start to get one."""
        while self._arrived:
            number, got = self._arrived.popleft()
            if number != self._round:
                continue
            self._busy = False
            if isinstance(got, VocxError):
                self.problem = got
                if isinstance(got, RateLimited) and got.retry_after_s:
                    self._next_ns = now_ns + int(got.retry_after_s * 1.1e9)
            else:
                self.problem = None
                self.fetched += 1
                return got
        book = self.channel.book
        if book.in_sync:
            self._tries = 0
        elif self.held or self._busy or now_ns < self._next_ns:
            pass
        elif not self._comes_by_itself(now_ns):
            if self._resubscribe is not None:
                self._note_try(now_ns)
                self._resubscribe()
            elif book.buffered or now_ns - self._open_ns > _PATIENCE_NS:
                # Changes first, then the snapshot: it must not be older than the first of them.
                # In a market where nothing changes there is none to wait for.
                if self._gate.enter(now_ns):
                    self._note_try(now_ns)
                    self._busy = True
                    number, name = self._round, f"vocx-snapshot-{self._intent.symbol}"
                    self._background.start(name, lambda: self._fetch(number))
        return None

    def _comes_by_itself(self, now_ns: int) -> bool:
        """The first snapshot of a connection, where it comes in the stream, is given time."""
        first = self._start_in_stream and self.channel.book.resyncs == self._resyncs
        return first and now_ns - self._open_ns < self._deadlines.ack_s * 1e9

    def _note_try(self, now_ns: int) -> None:
        d = self._deadlines
        wait_s = min(d.book_retry_cap_s, d.book_retry_s * 2.0 ** min(self._tries, 8))
        if self._resubscribe is not None:
            wait_s = max(wait_s, d.book_retry_cap_s)  # its snapshot has a way to come
        self._tries += 1
        full = len(self._tries_ns) == self._tries_ns.maxlen
        if full and now_ns - self._tries_ns[0] < _QUICK_TRIES * d.book_steady_s * 1e9:
            wait_s = max(wait_s, d.book_steady_s)
        self._tries_ns.append(now_ns)
        self._next_ns = now_ns + int(wait_s * 1e9)

    def _fetch(self, number: int) -> None:
        got: BookSnapshot | VocxError
        try:
            got = self._ask(self._intent, self._background.stopping)
        except VocxError as error:
            got = error
        except Exception as error:  # the call is injected: whatever it raises must not be lost
            got = VocxError(f"the snapshot failed: {error!r}")
        self._arrived.append((number, got))
