"""May this host be asked now? The budget, the pause after a 429, and the ban after a 418.

One gate stands before one venue's host and is shared by everything that asks it, so that a
snapshot for a book knows of the ban that a ticker met. Waiting is a named, bounded thing: longer
than ``max_wait_s`` is refused at once with the number of seconds in the error.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from vocx import errors
from vocx.facts import aware
from vocx.timing import wall_ns

MAX_WAIT_S = 70.0
"""A minute window of Binance and its tenth on top, so that one wait is enough after a 429."""

UNSAID_PAUSE_S = 1.0
UNSAID_BAN_S = 60.0
"""For a 429, and for a ban, that name no time (a firewall's 403)."""

NOTICE_S = 0.5
"""Waits longer than this are announced."""


class Budget(Protocol):
    """What a gate asks of a budget (``vocx.limits`` has one)."""

    def wait_s(self, weight: int, now_ns: int, orders: int = 0) -> float:
        """Seconds to wait before a call of this weight should go out; 0 for now."""

    def spend(self, weight: int, now_ns: int, orders: int = 0) -> None:
        """A call of this weight goes out, with so many orders in it."""

    def correct(self, used: Mapping[str, int], now_ns: int) -> None:
        """What the venue's headers say is used, by kind."""


class Standing(NamedTuple):
    """How this address really stands with an exchange that can be asked: the lab, where windows
    are scaled, moved on and switched off while calls wait for them."""

    off: bool
    used: Mapping[str, int]
    full: bool
    window_left_s: float
    ban_left_s: float


class Gate:
    """One venue's host as seen from here: open, waiting or banned.

    Parameters
    ----------
    venue : str
        For the texts.
    budget : Budget or None
        Says when to go slower, before the venue does.
    max_wait_s : float
        The longest wait; more than that raises :class:`~vocx.errors.RateLimited` at once.
    notice : callable or None
        Told in one line when a wait is long enough to be felt.
    standing : callable or None
        Asked before a wait or a refusal; its answer replaces what was remembered.
    """

    def __init__(
        self,
        venue: str,
        budget: Budget | None = None,
        *,
        max_wait_s: float = MAX_WAIT_S,
        notice: Callable[[str], None] | None = None,
        standing: Callable[[], Standing | None] | None = None,
        clock: Callable[[], int] = wall_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.venue = venue
        self.budget = budget
        self.max_wait_s = max_wait_s
        self._notice = notice
        self._standing = standing
        self._longest_s: float | None = None
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._blocked_until_ns = 0
        self._ban: errors.Banned | None = None

    def enter(self, weight: int, orders: int = 0) -> None:
        """Return when a call may go out, and count it.

        Raises
        ------
        Banned
            While a ban runs: nothing is sent.
        RateLimited
            When the wait would be longer than ``max_wait_s``: nothing is sent.
        """
        while True:
            if self._standing is not None and self._closed(weight, orders):
                self._learn(self._standing())
            if (wait := self._wait_or_spend(weight, orders)) <= 0:
                return
            if wait > self.max_wait_s:
                raise errors.RateLimited(
                    f"{self.venue}: the budget is used up for another {wait:.1f} s, longer than "
                    f"the {self.max_wait_s:g} s a call waits; nothing was sent",
                    venue=self.venue,
                    retry_after_s=wait,
                    outcome="not_sent",
                )
            if self._notice is not None and wait > NOTICE_S:
                self._notice(f"{self.venue}: waiting {wait:.1f} s for the rate limit")
            self._sleep(wait)

    def _closed(self, weight: int, orders: int) -> bool:
        with self._lock:
            self._longest_s = None
            now_ns = self._clock()
            full = self.budget is not None and self.budget.wait_s(weight, now_ns, orders) > 0
            return full or self._ban is not None or now_ns < self._blocked_until_ns

    def _learn(self, standing: Standing | None) -> None:
        if standing is None:
            return
        with self._lock:
            now_ns = self._clock()
            if standing.ban_left_s <= 0 or standing.off:
                self._ban = None
            if standing.off or not standing.full:
                self._blocked_until_ns = 0
            self._longest_s = 0.0 if standing.off else standing.window_left_s
            if self.budget is not None:
                self.budget.correct(standing.used, now_ns)

    def _wait_or_spend(self, weight: int, orders: int) -> float:
        with self._lock:
            now_ns = self._clock()
            self._check_ban(now_ns)
            wait = (self._blocked_until_ns - now_ns) / 1e9
            if self.budget is not None:
                full = self.budget.wait_s(weight, now_ns, orders)
                wait = max(wait, full if self._longest_s is None else min(full, self._longest_s))
                if wait <= 0:
                    self.budget.spend(weight, now_ns, orders)
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

    def learned(self, used: Mapping[str, int]) -> None:
        """A reply's headers said what is used."""
        if used and self.budget is not None:
            with self._lock:
                self.budget.correct(used, self._clock())

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
