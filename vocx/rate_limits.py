"""Counting a venue's limits: how much is used, and how long to wait before it hurts.

Pure: told what goes out and what replies say, and never looking at a clock. Strategy:

* A call charges *buckets* (``{"weight": 5, "requests": 1}``). A bucket may have several windows,
  and one of its own for each instrument (``"place:BTC-USDT"`` counts against the limit called
  ``"place"``).
* *Aligned* windows begin on the clock (a minute at second 00) and forget everything at
  once; *sliding* ones forget each call when it is old enough.
* What we send is counted when it goes out, so that a burst is seen before the first answer.
* The venue's own count replaces ours when it comes: others may share the address. What was under
  way meanwhile is added, for the venue may not have counted it yet.
* Who counts the same shares a :class:`Consumption`: one for an address, one for each account.
* ``stop_at`` is the share of a limit from which calls wait for the window's end (0.8); ``None``
  never waits, for those who want to see a 429 with their own eyes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from vocx.errors import BadInput
from vocx.venues.base import Limit, Usage
from vocx.venues.base.calls import Per


class LimitStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One limit as it stands. ``resets_in_s`` is until the window's end, or until the oldest
    call is forgotten."""

    bucket: str
    used: int
    amount: int
    window_s: float
    resets_in_s: float
    source: str = ""

    @property
    def left(self) -> int:
        return max(self.amount - self.used, 0)

    @property
    def share(self) -> float:
        """Used, as a share of the limit."""
        return self.used / self.amount


class AddressStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How this address really stands with an exchange that can be asked: the lab, where windows
    are scaled, moved on and switched off while calls wait for them. ``used`` is by bucket, of those
    that count by address; ``window_left_s`` is how long each bucket's window lasts at most."""

    enforced: bool
    used: Mapping[str, int]
    window_left_s: Mapping[str, float]
    ban_left_s: float


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What one call costs of the limit that its repetition exhausts first: ``amount`` of
    ``bucket``, of which ``per_minute`` are allowed."""

    bucket: str
    amount: int
    per_minute: float


def dearest(charges: Mapping[str, int], limits: Sequence[Limit]) -> Charge:
    """The limit that a call with these charges would exhaust first when it is repeated; one
    request of infinitely many where no limit counts it."""
    found = [
        Charge(bucket=limit.bucket, amount=amount, per_minute=limit.amount * 60 / limit.window_s)
        for bucket, amount in charges.items()
        for limit in limits
        if amount and limit.bucket == bucket.partition(":")[0]
    ]
    nothing = Charge(bucket="requests", amount=1, per_minute=float("inf"))
    return max(found, key=lambda one: one.amount / one.per_minute, default=nothing)


class _Window:
    """What was used within one window of one limit."""

    def __init__(self, limit: Limit, times: float) -> None:
        self.aligned, self._whole_s = limit.aligned, limit.window_s
        self.scale(times)
        self.sent_total = self.answered_total = 0
        self._spent: deque[tuple[int, int]] = deque()
        self._used = 0

    def scale(self, times: float) -> None:
        """Let the window be ``times`` shorter than the venue's table says."""
        self.window_s = self._whole_s / times
        self.length_ns = max(int(self.window_s * 1e9), 1)

    def roll(self, now_ns: int) -> None:
        """Forget what lies outside the window."""
        begin = now_ns - self.length_ns
        if self.aligned:
            begin = now_ns // self.length_ns * self.length_ns - 1
        while self._spent and self._spent[0][0] <= begin:
            self._used -= self._spent.popleft()[1]

    def spend(self, amount: int, now_ns: int) -> None:
        self.roll(now_ns)
        self._spent.append((now_ns, amount))
        self._used += amount

    def answered(self, amount: int, sent_ns: int, now_ns: int) -> None:
        """A sliding window begins at the venue when the call arrives: by now at the latest."""
        if self.aligned:
            return
        self.roll(now_ns)
        for at in range(len(self._spent) - 1, -1, -1):  # it is among the youngest
            if self._spent[at] == (sent_ns, amount):
                del self._spent[at]
                self._used -= amount
            elif self._spent[at][0] >= sent_ns:
                continue
            break
        self.spend(amount, now_ns)

    def correct(self, used: int, now_ns: int) -> None:
        """The venue's count in place of ours. When more was spent is not known, so now; where it
        was less, what is oldest is forgotten, so that the rest is not forgotten too early."""
        self.roll(now_ns)
        if used > self._used:
            self.spend(used - self._used, now_ns)
        while used < self._used:
            at_ns, amount = self._spent.popleft()
            kept = max(amount - (self._used - used), 0)
            self._used -= amount - kept
            if kept:
                self._spent.appendleft((at_ns, kept))

    def used(self, now_ns: int) -> int:
        self.roll(now_ns)
        return self._used

    def ends_ns(self, now_ns: int) -> int:
        """When something is forgotten next."""
        self.roll(now_ns)
        if self.aligned:
            return (now_ns // self.length_ns + 1) * self.length_ns
        return self._spent[0][0] + self.length_ns if self._spent else now_ns


class Sending(NamedTuple):
    """What was noted of a call as it left: when, what it charges, and by window how much of all
    that was ever sent the venue will have counted for certain when it answers this call."""

    sent_ns: int
    charges: Mapping[str, int]
    counted: Mapping[_Window, int]


class Consumption:
    """What one address, or one account, has used of a venue's limits; several
    :class:`RateLimits` may count in it.

    Parameters
    ----------
    times : float
        How many times shorter its windows are than the venue's table says.

    Attributes
    ----------
    blocked_until_ns : int
        Until when the venue wants to hear nothing, after a 429.
    windows : dict
        The counts, by bucket and seconds of the venue's table.
    """

    def __init__(self, times: float = 1.0) -> None:
        self.blocked_until_ns = 0
        self.windows: dict[tuple[str, float], _Window] = {}
        self._times = times

    def window(self, bucket: str, limit: Limit) -> _Window:
        """The count of a bucket against a limit; made when it is first wanted."""
        key = (bucket, limit.window_s)
        if key not in self.windows:
            self.windows[key] = _Window(limit, self._times)
        return self.windows[key]

    def scale(self, times: float) -> None:
        """Let all windows be ``times`` shorter than the venue's table says."""
        self._times = times
        for window in self.windows.values():
            window.scale(times)

    def expect_no_answers(self) -> None:
        """Whoever waits for the answers to what was sent is another process."""
        for window in self.windows.values():
            window.answered_total = window.sent_total


class RateLimits:
    """What is used and left of each limit of one venue, as seen from this address.

    Parameters
    ----------
    limits : sequence of Limit
        The venue's table.
    stop_at : float or None
        Share of a limit from which :meth:`wait_s` asks to wait; ``None`` never does.

    Attributes
    ----------
    address, account : Consumption
        Where it is counted what the address uses, and what the account does (per instrument too);
        at first its own.
    """

    def __init__(self, limits: Sequence[Limit], stop_at: float | None = 0.8) -> None:
        self.stop_at = stop_at
        self.address, self.account = Consumption(), Consumption()
        self._limits = list(limits)
        self._seen_ns = 0

    def learn(self, limits: Sequence[Limit]) -> None:
        """What the venue itself says its limits are, in place of the table's; what it does not
        mention stays, and a window that the table does not have is not added."""
        told = {(one.bucket, one.window_s): one for one in limits if one.amount > 0}
        self._limits = [told.get((one.bucket, one.window_s), one) for one in self._limits]

    def scale(self, times: float) -> None:
        """Shorten all windows ``times`` times, as a lab's limits do in a lesson (1: the venue's
        own). What is used stays used until its window ends."""
        if not times > 0:
            raise BadInput(f"scale is {times!r}; give a number above 0, such as 10")
        self.address.scale(times)
        self.account.scale(times)

    def owners(self, charges: Mapping[str, int]) -> set[Per]:
        """Whose the limits are that a call with these charges counts against."""
        names = {bucket.partition(":")[0] for bucket in charges}
        return {limit.per for limit in self._limits if limit.bucket in names}

    def _window(self, bucket: str, limit: Limit) -> _Window:
        return (self.address if limit.per == "address" else self.account).window(bucket, limit)

    def _of(self, bucket: str) -> list[tuple[Limit, _Window]]:
        """The limits of a bucket with their windows, shortest first."""
        name, _, instrument = bucket.partition(":")
        found = [
            (limit, self._window(bucket if limit.per == "instrument" else name, limit))
            for limit in self._limits
            if limit.bucket == name and (instrument or limit.per != "instrument")
        ]
        return sorted(found, key=lambda one: one[0].window_s)

    def spend(self, charges: Mapping[str, int], now_ns: int) -> Sending:
        """A call that charges this goes out."""
        self._seen_ns = now_ns
        uses = (self.address, self.account)
        counted = {one: one.answered_total for use in uses for one in use.windows.values()}
        for bucket, amount in charges.items():
            for _, window in self._of(bucket) if amount else ():
                counted[window] = counted.get(window, 0) + amount
                window.spend(amount, now_ns)
                window.sent_total += amount
        return Sending(now_ns, charges, counted)

    def answered(self, sending: Sending, now_ns: int) -> None:
        """It was answered, or never will be."""
        for bucket, amount in sending.charges.items():
            for _, window in self._of(bucket) if amount else ():
                window.answered_total = min(window.answered_total + amount, window.sent_total)
                window.answered(amount, sending.sent_ns, now_ns)

    def correct(self, usages: Sequence[Usage], now_ns: int, sending: Sending | None = None) -> None:
        """What the venue says is used or left; a usage without a window means the bucket's
        shortest. What the table does not have is ignored.

        Where it is the answer to a ``sending``, what others sent and had not been answered as
        that left is added: the venue may not have counted it yet.
        """
        self._seen_ns = now_ns
        for usage in usages:
            for limit, window in self._of(usage.bucket):
                if usage.window_s in (None, limit.window_s):
                    used = usage.used
                    if used is None and usage.left is not None:
                        used = max((usage.amount or limit.amount) - usage.left, 0)
                    if used is not None:
                        if sending is not None:
                            used += max(window.sent_total - sending.counted.get(window, 0), 0)
                        window.correct(used, now_ns)
                    break

    def wait_s(
        self,
        charges: Mapping[str, int],
        now_ns: int,
        *,
        urgent: bool = False,
        longest_s: Mapping[str, float] | None = None,
    ) -> float:
        """Seconds until a call that charges this fits below ``stop_at``; 0 for now.

        What is ``urgent`` (a cancel) waits for the limit itself only. ``longest_s`` says by bucket
        how long its window really lasts, where somebody knows.
        """
        if self.stop_at is None:
            return 0.0
        share = 1.0 if urgent else self.stop_at
        wait_ns = 0
        for bucket, amount in charges.items():
            for limit, window in self._of(bucket) if amount else ():
                used = window.used(now_ns)
                if used and used + amount > limit.amount * share:
                    left_ns = window.ends_ns(now_ns) - now_ns
                    most_s = (longest_s or {}).get(limit.bucket)
                    if most_s is not None:
                        left_ns = min(left_ns, int(most_s * 1e9))
                    wait_ns = max(wait_ns, left_ns)
        return wait_ns / 1e9

    def full(self, used: Mapping[str, int]) -> bool:
        """Whether so much use would fill a bucket's shortest window."""
        windows = ((self._of(bucket), count) for bucket, count in used.items())
        return any(found and count >= found[0][0].amount for found, count in windows)

    def rows(self, now_ns: int | None = None) -> list[LimitStatus]:
        """Each limit as it stands at ``now_ns``, by default when it was last heard of."""
        at_ns = self._seen_ns if now_ns is None else now_ns
        shown = [(one.bucket, one) for one in self._limits if one.per != "instrument"]
        shown += [  # of instruments those that were charged, as they came
            (bucket, one)
            for bucket, window_s in self.account.windows
            for one in self._limits
            if one.per == "instrument"
            and (one.bucket, one.window_s) == (bucket.partition(":")[0], window_s)
        ]
        rows = []
        for bucket, limit in shown:
            window = self._window(bucket, limit)
            rows.append(
                LimitStatus(
                    bucket=bucket,
                    used=window.used(at_ns),
                    amount=limit.amount,
                    window_s=window.window_s,
                    resets_in_s=max(window.ends_ns(at_ns) - at_ns, 0) / 1e9,
                    source=limit.source,
                )
            )
        return rows
