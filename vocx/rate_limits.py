"""Counting a venue's limits: how much is used, and how long to wait before it hurts.

Pure: told what goes out and what replies say, and never looking at a clock. Strategy:

* A call charges *buckets* (``{"weight": 5, "requests": 1}``). A bucket may have several windows,
  and one of its own for each instrument (``"place:BTC-USDT"`` counts against the limit called
  ``"place"``).
* *Aligned* windows begin on the clock (a minute at second 00) and forget everything at
  once; *sliding* ones forget each call when it is old enough.
* What we send is counted when it goes out, so that a burst is seen before the first answer.
* The venue's own count replaces ours when it comes: others may share the address.
* ``stop_at`` is the share of a limit from which calls wait for the window's end (0.8); ``None``
  never waits, for those who want to see a 429 with their own eyes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import msgspec

from vocx.errors import BadInput
from vocx.venues.base import Limit, Usage


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
    """The count of one bucket in one of its windows."""

    def __init__(self, bucket: str, limit: Limit, times: float) -> None:
        self.bucket, self.limit = bucket, limit
        self.scale(times)
        self._spent: deque[tuple[int, int]] = deque()
        self._used = 0

    def scale(self, times: float) -> None:
        """Let the window be ``times`` shorter than the venue's table says."""
        self.window_s = self.limit.window_s / times
        self.length_ns = max(int(self.window_s * 1e9), 1)

    def roll(self, now_ns: int) -> None:
        """Forget what lies outside the window."""
        begin = now_ns - self.length_ns
        if self.limit.aligned:
            begin = now_ns // self.length_ns * self.length_ns - 1
        while self._spent and self._spent[0][0] <= begin:
            self._used -= self._spent.popleft()[1]

    def spend(self, amount: int, now_ns: int) -> None:
        self.roll(now_ns)
        self._spent.append((now_ns, amount))
        self._used += amount

    def correct(self, used: int, now_ns: int) -> None:
        """The venue's count in place of ours; when it was spent is not known, so now."""
        self.roll(now_ns)
        self.spend(used - self._used, now_ns)

    def used(self, now_ns: int) -> int:
        self.roll(now_ns)
        return max(self._used, 0)

    def ends_ns(self, now_ns: int) -> int:
        """When something is forgotten next."""
        self.roll(now_ns)
        if self.limit.aligned:
            return (now_ns // self.length_ns + 1) * self.length_ns
        return self._spent[0][0] + self.length_ns if self._spent else now_ns


class RateLimits:
    """What is used and left of each limit of one venue, as seen from this address.

    Parameters
    ----------
    limits : sequence of Limit
        The venue's table.
    stop_at : float or None
        Share of a limit from which :meth:`wait_s` asks to wait; ``None`` never does.
    """

    def __init__(self, limits: Sequence[Limit], stop_at: float | None = 0.8) -> None:
        self.stop_at = stop_at
        self._limits = list(limits)
        self._times = 1.0
        self._windows: dict[tuple[str, float], _Window] = {}
        self._seen_ns = 0
        for limit in limits:
            if limit.per != "instrument":  # those are made when an instrument is first charged
                self._windows[limit.bucket, limit.window_s] = _Window(limit.bucket, limit, 1.0)

    def learn(self, limits: Sequence[Limit]) -> None:
        """What the venue itself says its limits are, in place of the table's; what it does not
        mention stays, and a window that the table does not have is not added."""
        told = {(one.bucket, one.window_s): one for one in limits if one.amount > 0}
        self._limits = [told.get((one.bucket, one.window_s), one) for one in self._limits]
        for window in self._windows.values():
            mine = window.limit
            window.limit = told.get((mine.bucket, mine.window_s), mine)

    def scale(self, times: float) -> None:
        """Shorten all windows ``times`` times, as a lab's limits do in a lesson (1: the venue's
        own). What is used stays used until its window ends."""
        if not times > 0:
            raise BadInput(f"scale is {times!r}; give a number above 0, such as 10")
        self._times = times
        for window in self._windows.values():
            window.scale(times)

    def _of(self, bucket: str) -> list[_Window]:
        """The windows of a bucket, shortest first; made for an instrument's when first named."""
        name, _, instrument = bucket.partition(":")
        found: list[_Window] = []
        for limit in self._limits:
            if limit.bucket == name:
                key = (bucket if limit.per == "instrument" else name, limit.window_s)
                if key not in self._windows and instrument:
                    self._windows[key] = _Window(bucket, limit, self._times)
                if key in self._windows:
                    found.append(self._windows[key])
        return sorted(found, key=lambda one: one.limit.window_s)

    def spend(self, charges: Mapping[str, int], now_ns: int) -> None:
        """A call that charges this goes out."""
        self._seen_ns = now_ns
        for bucket, amount in charges.items():
            for window in self._of(bucket) if amount else ():
                window.spend(amount, now_ns)

    def correct(self, usages: Sequence[Usage], now_ns: int) -> None:
        """What the venue says is used or left; a usage without a window means the bucket's
        shortest. What the table does not have is ignored."""
        self._seen_ns = now_ns
        for usage in usages:
            for window in self._of(usage.bucket):
                if usage.window_s in (None, window.limit.window_s):
                    used = usage.used
                    if used is None and usage.left is not None:
                        used = max((usage.amount or window.limit.amount) - usage.left, 0)
                    if used is not None:
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
            for window in self._of(bucket) if amount else ():
                used = window.used(now_ns)
                if used and used + amount > window.limit.amount * share:
                    left_ns = window.ends_ns(now_ns) - now_ns
                    most_s = (longest_s or {}).get(window.limit.bucket)
                    if most_s is not None:
                        left_ns = min(left_ns, int(most_s * 1e9))
                    wait_ns = max(wait_ns, left_ns)
        return wait_ns / 1e9

    def full(self, used: Mapping[str, int]) -> bool:
        """Whether so much use would fill a bucket's shortest window."""
        windows = ((self._of(bucket), count) for bucket, count in used.items())
        return any(found and count >= found[0].limit.amount for found, count in windows)

    def rows(self, now_ns: int | None = None) -> list[LimitStatus]:
        """Each limit as it stands at ``now_ns``, by default when it was last heard of."""
        at_ns = self._seen_ns if now_ns is None else now_ns
        return [
            LimitStatus(
                bucket=window.bucket,
                used=window.used(at_ns),
                amount=window.limit.amount,
                window_s=window.window_s,
                resets_in_s=max(window.ends_ns(at_ns) - at_ns, 0) / 1e9,
                source=window.limit.source,
            )
            for window in self._windows.values()
        ]
