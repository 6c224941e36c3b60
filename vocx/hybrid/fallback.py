"""Which source to believe: the stream, or REST while the stream is not to be trusted. Pure.

::

    stream --stale for 5 s--> rest (polled each second or two, within the budget, marked as such)
       ^                        |
       +--in sync, and three good looks in a row--+

A polled book is as old as the polls are apart, and a moment more. A strategy that wants younger
ones is not asked on polled books at all: it would be asked after each poll and stopped before the
next (:data:`POLL_MARGIN`).

An account has a rule of its own (hummingbot's): a private stream that was silent for a minute is
helped by asking for open orders every 5 s, a lively one is checked every two minutes.
"""

from __future__ import annotations

import msgspec

STALE_S = 5.0
POLL_S = 1.0
SLOW_POLL_S = 2.0
"""Once the budget is half used, polls are this far apart; at :data:`STOP_AT` they cease."""
HALF, STOP_AT = 0.5, 0.8
POLL_MARGIN = 1.25
"""A polled book is at most so many polls old: the answer takes its time too."""
GOOD_LOOKS = 3
ACCOUNT_SILENT_S = 60.0
ACCOUNT_POLL_S, ACCOUNT_CHECK_S = 5.0, 120.0
STATUS_S = 30.0


class MarketSource:
    """Decides, look by look, whether the book comes from the stream or from REST.

    Attributes
    ----------
    source : str
        ``"stream"`` or ``"rest"``.
    switches : int
        How often it changed.
    polled_age_ms : float
        How old a polled book may become before the next one is there, as polls go now.
    """

    def __init__(self, *, stale_s: float = STALE_S, poll_s: float = POLL_S) -> None:
        self.source = "stream"
        self.switches = 0
        self._stale_ns, self._poll_ns = int(stale_s * 1e9), int(poll_s * 1e9)
        self._bad_since_ns: int | None = None
        self._good_looks = 0
        self._poll_due_ns = 0
        self.polled_age_ms = poll_s * 1e3 * POLL_MARGIN

    def look(self, good: bool, now_ns: int) -> str:
        """The stream was looked at: is its book in sync and fresh?"""
        if good:
            self._bad_since_ns = None
            self._good_looks += 1
            if self.source == "rest" and self._good_looks >= GOOD_LOOKS:
                self._switch("stream")
            return self.source
        self._good_looks = 0
        if self._bad_since_ns is None:
            self._bad_since_ns = now_ns
        if self.source == "stream" and now_ns - self._bad_since_ns >= self._stale_ns:
            self._switch("rest")
            self._poll_due_ns = now_ns
        return self.source

    def poll_due(self, now_ns: int, budget_share: float) -> bool:
        """Whether to ask REST now; saying yes counts as having asked."""
        if self.source != "rest" or now_ns < self._poll_due_ns or budget_share >= STOP_AT:
            return False
        slow = budget_share >= HALF
        self._poll_due_ns = now_ns + (int(SLOW_POLL_S * 1e9) if slow else self._poll_ns)
        self.polled_age_ms = (self._poll_due_ns - now_ns) / 1e6 * POLL_MARGIN
        return True

    def _switch(self, source: str) -> None:
        self.source = source
        self.switches += 1


class AccountCheck:
    """When to ask for open orders although there is a private stream."""

    def __init__(
        self,
        *,
        silent_s: float = ACCOUNT_SILENT_S,
        poll_s: float = ACCOUNT_POLL_S,
        check_s: float = ACCOUNT_CHECK_S,
    ) -> None:
        self._silent_s, self._poll_s, self._check_s = silent_s, poll_s, check_s
        self._asked_ns: int | None = None
        self.checked_ns: int | None = None

    def known_ms(self, age_ms: float | None, now_ns: int) -> float | None:
        """How old the account's orders are, by the stream or by the latest check."""
        checked = None if self.checked_ns is None else (now_ns - self.checked_ns) / 1e6
        ages = [one for one in (age_ms, checked) if one is not None]
        return min(ages, default=None)

    def due(self, age_ms: float | None, now_ns: int) -> bool:
        """Whether to ask now; ``age_ms``: since when the private stream was not proven alive."""
        if self._asked_ns is None:
            self._asked_ns = now_ns
            return False
        silent = age_ms is None or age_ms > self._silent_s * 1e3
        every_s = self._poll_s if silent else self._check_s
        if now_ns - self._asked_ns < every_s * 1e9:
            return False
        self._asked_ns = now_ns
        return True


class ClosedVenue(msgspec.Struct):
    """The venue said that it is closed: ask for its status each half minute, send no order."""

    since_ns: int | None = None
    text: str = ""
    asked_ns: int = 0

    def begin(self, text: str, now_ns: int) -> None:
        """A call was turned away for maintenance."""
        if self.since_ns is None:
            self.since_ns, self.asked_ns = now_ns, now_ns
        self.text = text

    def due(self, now_ns: int, every_s: float = STATUS_S) -> bool:
        """Whether to ask for the status now."""
        if self.since_ns is None or now_ns - self.asked_ns < every_s * 1e9:
            return False
        self.asked_ns = now_ns
        return True

    def end(self) -> None:
        """It is open again."""
        self.since_ns, self.text = None, ""

    @property
    def on(self) -> bool:
        return self.since_ns is not None
