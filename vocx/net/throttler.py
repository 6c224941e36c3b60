"""May this host be asked now? Counted limits, the pause after a 429, the ban after a 418.

One throttler stands before one venue's host and is shared by everything that asks it, so that a
snapshot for a book knows of the ban that a ticker met. Waiting is a named, bounded thing: longer
than ``max_wait_s`` is refused at once with the number of seconds in the error. A cancel does not
wait at the brake: it takes risk away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from vocx import errors
from vocx.facts import aware
from vocx.net.processes import renew_after_fork
from vocx.rate_limits import AddressStatus, LimitStatus, RateLimits
from vocx.text import text_table
from vocx.timing import wall_ns
from vocx.venues.base import (
    CancelAll,
    CancelAllAfter,
    CancelOrder,
    CancelOrders,
    Limit,
    Request,
    Usage,
)

MAX_WAIT_S = 70.0
"""A window of a minute and its tenth on top, so that one wait is enough after a 429."""

UNSAID_PAUSE_S = 1.0
UNSAID_BAN_S = 60.0
"""For a 429, and for a ban, that name no time (a firewall's 403)."""

NOTICE_S = 0.5
"""Waits longer than this are announced."""

URGENT = (CancelOrder, CancelOrders, CancelAll, CancelAllAfter)
"""These pass the brake and wait only for the limit itself."""


class Throttler:
    """One venue's host as seen from here: open, waiting or banned; safe in several threads.

    Parameters
    ----------
    venue : str
        For the texts.
    limits : sequence of Limit
        The venue's table; empty for no brake before the venue's own.
    max_wait_s : float
        The longest wait; more than that raises :class:`~vocx.errors.RateLimited` at once.
    notice : callable or None
        Told in one line when a wait is long enough to be felt.
    status : callable or None
        Asked before a wait or a refusal; its answer replaces what was remembered.

    Examples
    --------
    >>> ex.budget.stop_at = None      # no brake: look for the 429
    >>> print(ex.budget.table())
    """

    def __init__(
        self,
        venue: str,
        limits: Sequence[Limit] = (),
        *,
        max_wait_s: float = MAX_WAIT_S,
        notice: Callable[[str], None] | None = None,
        status: Callable[[], AddressStatus | None] | None = None,
        clock: Callable[[], int] = wall_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.venue = venue
        self.max_wait_s = max_wait_s
        self._limits = RateLimits(limits)
        self._notice = notice
        self._status = status
        self._longest_s: Mapping[str, float] | None = None
        self._enforced = True
        self._clock = clock
        self._sleep = sleep
        self._blocked_until_ns = 0
        self._ban: errors.Banned | None = None
        renew_after_fork(self)

    def renew(self) -> None:
        """A lock of this process's own."""
        self._lock = threading.Lock()

    # may it go out?

    def enter(self, request: Request, stopping: threading.Event | None = None) -> None:
        """Return when a request may go out, and count it. ``stopping`` ends the wait of somebody
        who does it in the background: that is announced to nobody.

        Raises
        ------
        Banned
            While a ban runs: nothing is sent.
        RateLimited
            When the wait would be longer than ``max_wait_s``: nothing is sent.
        StreamStopped
            ``stopping`` was set.
        """
        while True:
            if stopping is not None and stopping.is_set():
                raise errors.StreamStopped("the stream was stopped", outcome="not_sent")
            if self._status is not None and self._closed(request):
                self._believe(self._status())
            wait = self._wait_or_spend(request)
            if wait <= 0:
                return
            if wait > self.max_wait_s:
                raise errors.RateLimited(
                    f"{self.venue}: the budget is used up for another {wait:.1f} s, longer than "
                    f"the {self.max_wait_s:g} s a call waits; nothing was sent",
                    venue=self.venue,
                    retry_after_s=wait,
                    outcome="not_sent",
                )
            if stopping is not None:
                stopping.wait(wait)
                continue
            if self._notice is not None and wait > NOTICE_S:
                self._notice(f"{self.venue}: waiting {wait:.1f} s for the rate limit")
            self._sleep(wait)

    def _full_s(self, request: Request, now_ns: int) -> float:
        if not self._enforced:
            return 0.0
        return self._limits.wait_s(
            request.charges,
            now_ns,
            urgent=isinstance(request.intent, URGENT),
            longest_s=self._longest_s,
        )

    def _closed(self, request: Request) -> bool:
        with self._lock:
            self._longest_s, self._enforced = None, True
            now_ns = self._clock()
            blocked = self._ban is not None or now_ns < self._blocked_until_ns
            return blocked or self._full_s(request, now_ns) > 0

    def _believe(self, status: AddressStatus | None) -> None:
        if status is None:
            return
        with self._lock:
            if status.ban_left_s <= 0 or not status.enforced:
                self._ban = None
            if not status.enforced or not self._limits.full(status.used):
                self._blocked_until_ns = 0
            self._longest_s, self._enforced = status.window_left_s, status.enforced
            usages = [Usage(bucket=name, used=count) for name, count in status.used.items()]
            self._limits.correct(usages, self._clock())

    def _wait_or_spend(self, request: Request) -> float:
        with self._lock:
            now_ns = self._clock()
            self._check_ban(now_ns)
            full = self._full_s(request, now_ns)
            wait = max((self._blocked_until_ns - now_ns) / 1e9, full)
            if wait <= 0:
                self._limits.spend(request.charges, now_ns)
            return wait

    def _check_ban(self, now_ns: int) -> None:
        ban = self._ban
        if ban is None or ban.until_ns is None:
            return
        if now_ns >= ban.until_ns:
            self._ban = None
            return
        left = (ban.until_ns - now_ns) / 1e9
        error = errors.Banned(
            f"{self.venue}: this address is banned until {aware(ban.until_ns):%H:%M:%S} UTC, "
            f"for another {left:.0f} s; nothing was sent",
            venue=self.venue,
            code=ban.code,
            http_status=ban.http_status,
            text=ban.text,
            retry_after_s=left,
            outcome="not_sent",
        )
        error.until_ns = ban.until_ns
        raise error

    # what was heard

    def correct(self, usages: Sequence[Usage]) -> None:
        """A reply said what is used."""
        if usages:
            with self._lock:
                self._limits.correct(usages, self._clock())

    def learn(self, limits: Sequence[Limit]) -> None:
        """A reply said what the limits are."""
        if limits:
            with self._lock:
                self._limits.learn(limits)

    def refused(self, error: errors.RateLimited) -> None:
        """The venue said 429 or 418: close until it said, and a tenth longer."""
        with self._lock:
            now_ns = self._clock()
            unsaid_s = UNSAID_BAN_S if isinstance(error, errors.Banned) else UNSAID_PAUSE_S
            seconds = error.retry_after_s if error.retry_after_s is not None else unsaid_s
            until_ns = now_ns + int(seconds * 1.1e9)
            if isinstance(error, errors.Banned):
                error.until_ns = error.until_ns or until_ns
                self._ban = error
            else:
                self._blocked_until_ns = max(self._blocked_until_ns, until_ns)

    # for people and views

    @property
    def stop_at(self) -> float | None:
        """Share of a limit from which calls wait (0.8); ``None``: never before the venue."""
        return self._limits.stop_at

    @stop_at.setter
    def stop_at(self, share: float | None) -> None:
        self._limits.stop_at = share

    def scale(self, times: float) -> None:
        """Shorten all windows ``times`` times, as a lab's limits do in a lesson."""
        with self._lock:
            self._limits.scale(times)

    def wait_s(self, charges: Mapping[str, int]) -> float:
        """Seconds until a call that charges this would go out by the count; 0 for now."""
        with self._lock:
            return self._limits.wait_s(charges, self._clock())

    def rows(self, now_ns: int | None = None) -> list[LimitStatus]:
        """Each limit as it stands now."""
        with self._lock:
            return self._limits.rows(self._clock() if now_ns is None else now_ns)

    def table(self, now_ns: int | None = None) -> str:
        """The same as text."""
        rows = [
            (row.bucket, f"{row.used:,}", f"{row.amount:,}", f"{row.window_s:g} s", f"{row.left:,}")
            for row in self.rows(now_ns)
        ]
        return text_table(("limit", "used", "of", "per", "left"), rows)

    def __repr__(self) -> str:
        parts = ", ".join(f"{row.bucket} {row.used:,} of {row.amount:,}" for row in self.rows())
        return f"<Throttler {parts}>"
