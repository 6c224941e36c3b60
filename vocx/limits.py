"""The budget: how much of a venue's limits is used, and how long to wait before it hurts.

A pure object: it is told what goes out and what the reply's headers say, and never looks at a
clock. Strategy:

* Each limit has a window. *Aligned* windows begin on the clock (Binance's minute at second 00)
  and forget everything at once; *sliding* ones forget each call when it is old enough.
* What we send is counted when it goes out, so that a burst is seen before the first answer.
* The venue's own count replaces ours when it comes: others may share the address.
* ``stop_at`` is the share of a limit from which calls wait for the window's end (0.8); ``None``
  never waits, for those who want to see a 429 with their own eyes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from vocx.errors import BadInput
from vocx.text import text_table

if TYPE_CHECKING:
    from vocx.venues.base import Limit

CALLS = ("weight", "requests", "orders")
"""The kinds that REST calls use up; connections and messages belong to streams."""


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """One limit as it stands. ``resets_in_s`` is until the window's end, or until the oldest
    call is forgotten."""

    kind: str
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


class _Window:
    """One limit's count."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.scale(1.0)
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


class Budget:
    """What is used and left of each limit of one venue, as seen from this address.

    Parameters
    ----------
    limits : sequence of Limit
        The venue's table.
    stop_at : float or None
        Share of a limit from which :meth:`wait_s` asks to wait; ``None`` never does.

    Examples
    --------
    >>> ex.budget.stop_at = None      # no brake: look for the 429
    >>> print(ex.budget.table())
    """

    def __init__(self, limits: Sequence[Limit], stop_at: float | None = 0.8) -> None:
        self.stop_at = stop_at
        self._windows: dict[str, _Window] = {}
        self._seen_ns = 0
        for limit in limits:
            if limit.kind in CALLS:
                again = limit.kind in self._windows
                key = f"{limit.kind}/{limit.window_s:.0f}" if again else limit.kind
                self._windows[key] = _Window(limit)

    def learn(self, limits: Sequence[Limit]) -> None:
        """What the venue itself says its limits are, in place of the table's; what it does not
        mention stays, and a window that the table does not have is not added."""
        for limit in limits:
            for window in self._windows.values():
                mine = window.limit
                if (mine.kind, mine.window_s) == (limit.kind, limit.window_s) and limit.amount > 0:
                    window.limit = limit

    def scale(self, times: float) -> None:
        """Shorten all windows ``times`` times, as a lab's limits do in a lesson (1: the venue's
        own). What is used stays used until its window ends."""
        if not times > 0:
            raise BadInput(f"scale is {times!r}; give a number above 0, such as 10")
        for window in self._windows.values():
            window.scale(times)

    def spend(self, weight: int, now_ns: int, orders: int = 0) -> None:
        """A call of this weight goes out, with so many orders in it."""
        self._seen_ns = now_ns
        for window in self._windows.values():
            amount = self._amount(window, weight, orders)
            if amount:
                window.spend(amount, now_ns)

    def correct(self, used: Mapping[str, int], now_ns: int) -> None:
        """What the venue's headers say is used, by kind (``"orders/86400"`` for a kind's longer
        window). Unknown kinds are ignored."""
        self._seen_ns = now_ns
        for key, count in used.items():
            if key in self._windows:
                self._windows[key].correct(count, now_ns)

    def wait_s(self, weight: int, now_ns: int, orders: int = 0) -> float:
        """Seconds until a call of this weight fits below ``stop_at``; 0 for now."""
        if self.stop_at is None:
            return 0.0
        wait_ns = 0
        for window in self._windows.values():
            amount, used = self._amount(window, weight, orders), window.used(now_ns)
            if amount and used and used + amount > window.limit.amount * self.stop_at:
                wait_ns = max(wait_ns, window.ends_ns(now_ns) - now_ns)
        return wait_ns / 1e9

    @staticmethod
    def _amount(window: _Window, weight: int, orders: int) -> int:
        return {"weight": weight, "requests": 1, "orders": orders}[window.limit.kind]

    def rows(self, now_ns: int | None = None) -> list[Used]:
        """Each limit as it stands at ``now_ns``, by default when it was last heard of."""
        at_ns = self._seen_ns if now_ns is None else now_ns
        return [
            Used(
                kind=key,
                used=window.used(at_ns),
                amount=window.limit.amount,
                window_s=window.window_s,
                resets_in_s=max(window.ends_ns(at_ns) - at_ns, 0) / 1e9,
                source=window.limit.source,
            )
            for key, window in self._windows.items()
        ]

    def table(self, now_ns: int | None = None) -> str:
        """The same as text."""
        rows = [
            (row.kind, f"{row.used:,}", f"{row.amount:,}", f"{row.window_s:g} s", f"{row.left:,}")
            for row in self.rows(now_ns)
        ]
        return text_table(("limit", "used", "of", "per", "left"), rows)

    def __repr__(self) -> str:
        parts = ", ".join(f"{row.kind} {row.used:,} of {row.amount:,}" for row in self.rows())
        return f"<Budget {parts}>"
