"""May this host be asked now? Counted limits, the pause after a 429, the ban after a 418.

A throttler stands between one handle and its venue's host. What is used, the pause and the ban are
the host's (:mod:`vocx.net.hosts`), so that a snapshot for a book knows of the ban that another
handle's ticker met; the brake and what the venue said its limits are is the handle's own. Waiting
is a named, bounded thing: longer than ``max_wait_s`` is refused at once with the number of seconds
in the error. A cancel does not wait at the brake: it takes risk away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from vocx import errors
from vocx.facts import aware
from vocx.net.hosts import Host, host_at
from vocx.rate_limits import AddressStatus, LimitStatus, RateLimits, Sending
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
    """One venue's host as a handle sees it: open, waiting or banned; safe in several threads.

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
    url : callable or None
        The host's base URL of this moment: throttlers of one host count together. ``None`` for one
        that counts for itself.
    account : callable or None
        Names the account that signed calls are of: limits by account are counted for each.

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
        url: Callable[[], str] | None = None,
        account: Callable[[], str] | None = None,
        clock: Callable[[], int] = wall_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.venue = venue
        self.max_wait_s = max_wait_s
        self._limits = RateLimits(limits)
        self._notice = notice
        self._status = status
        self._clock = clock
        self._sleep = sleep
        self._url, self._account = url, account
        self._last = Host()
        self._key = ""

    def _host(self) -> Host:
        """The one that is asked now; the last one while nobody knows where it is."""
        if self._url is not None:
            with suppress(errors.VocxError):
                self._last = host_at(self.venue, self._url())
        return self._last

    @contextmanager
    def _at_host(self) -> Iterator[Host]:
        """The host of this moment, locked, with our limits counted there."""
        host = self._host()
        with host.lock:
            self._limits.address, self._limits.account = host.address, host.account(self._key)
            yield host

    # may it go out?

    def enter(self, request: Request, stopping: threading.Event | None = None) -> Sending:
        """Return when a request may go out, and count it; :meth:`leave` says that it is over.
        ``stopping`` ends the wait of somebody who does it in the background: that is announced to
        nobody.

        Raises
        ------
        Banned
            While a ban runs: nothing is sent.
        RateLimited
            When the wait would be longer than ``max_wait_s``: nothing is sent.
        StreamStopped
            ``stopping`` was set.
        """
        if self._account is not None and self._limits.owners(request.charges) - {"address"}:
            self._key = self._account()
        while True:
            if stopping is not None and stopping.is_set():
                raise errors.StreamStopped("the stream was stopped", outcome="not_sent")
            said = self._said(request)
            wait = self._wait_or_spend(request, said)
            if isinstance(wait, Sending):
                return wait
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

    def leave(self, sending: Sending) -> None:
        """What entered has been answered, or never will be."""
        with self._at_host():
            self._limits.answered(sending, self._clock())

    def _said(self, request: Request) -> AddressStatus | None:
        """The exchange's own word, where it can be asked and a request would not go out by what
        is remembered here."""
        if self._status is None:
            return None
        with self._at_host() as host:
            now_ns = self._clock()
            wait = max(self._blocked_s(now_ns), self._full_s(request, now_ns))
            if host.ban is None and wait <= 0:
                return None
            asking = self._limits.spend({}, now_ns)
        said = self._status()
        if said is not None:
            with self._at_host() as host:
                if said.enforced and said.ban_left_s <= 0:
                    host.ban = None
                if said.enforced and not self._limits.full(said.used):
                    self._limits.address.blocked_until_ns = 0
                    self._limits.account.blocked_until_ns = 0
                usages = [Usage(bucket=name, used=count) for name, count in said.used.items()]
                self._limits.correct(usages, self._clock(), asking)
        return said

    def _wait_or_spend(self, request: Request, said: AddressStatus | None) -> float | Sending:
        with self._at_host() as host:
            now_ns = self._clock()
            wait = 0.0
            if said is None or said.enforced:
                self._check_ban(host, now_ns)
                longest_s = None if said is None else said.window_left_s
                full = self._full_s(request, now_ns, longest_s)
                wait = max(self._blocked_s(now_ns), full)
            return wait if wait > 0 else self._limits.spend(request.charges, now_ns)

    def _full_s(
        self, request: Request, now_ns: int, longest_s: Mapping[str, float] | None = None
    ) -> float:
        urgent = isinstance(request.intent, URGENT)
        return self._limits.wait_s(request.charges, now_ns, urgent=urgent, longest_s=longest_s)

    def _blocked_s(self, now_ns: int) -> float:
        """Seconds that the venue wants to hear nothing from the address or the account."""
        uses = (self._limits.address, self._limits.account)
        return max(0, *(one.blocked_until_ns - now_ns for one in uses)) / 1e9

    def _check_ban(self, host: Host, now_ns: int) -> None:
        ban = host.ban
        if ban is None or ban.until_ns is None:
            return
        if now_ns >= ban.until_ns:
            host.ban = None
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

    def correct(self, usages: Sequence[Usage], sending: Sending | None = None) -> None:
        """The reply to what entered said what is used; what others sent meanwhile may not be in
        it yet."""
        if usages:
            with self._at_host():
                self._limits.correct(usages, self._clock(), sending)

    def learn(self, limits: Sequence[Limit]) -> None:
        """A reply said what the limits are."""
        if limits:
            with self._at_host():
                self._limits.learn(limits)

    def refused(self, error: errors.RateLimited, request: Request | None = None) -> None:
        """The venue said 429 or 418: close until it said, and a tenth longer. A 429 for a
        ``request`` that no limit by address counts is its account's alone."""
        with self._at_host() as host:
            now_ns = self._clock()
            unsaid_s = UNSAID_BAN_S if isinstance(error, errors.Banned) else UNSAID_PAUSE_S
            seconds = error.retry_after_s if error.retry_after_s is not None else unsaid_s
            until_ns = now_ns + int(seconds * 1.1e9)
            if isinstance(error, errors.Banned):
                error.until_ns = error.until_ns or until_ns
                host.ban = error
            else:
                owners = set() if request is None else self._limits.owners(request.charges)
                mine = bool(owners) and "address" not in owners
                use = self._limits.account if mine else self._limits.address
                use.blocked_until_ns = max(use.blocked_until_ns, until_ns)

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
        with self._at_host() as host:
            self._limits.scale(times)
            host.scale(times)

    def wait_s(self, charges: Mapping[str, int]) -> float:
        """Seconds until a call that charges this would go out by the count; 0 for now."""
        with self._at_host():
            return self._limits.wait_s(charges, self._clock())

    def rows(self, now_ns: int | None = None) -> list[LimitStatus]:
        """Each limit as it stands now."""
        with self._at_host():
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
