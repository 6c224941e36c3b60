"""When to connect again: full jitter, special codes, and a budget that no bad luck can exceed.

Pure: randomness and time are arguments. Why each number is what it is: a herd of clients must
not return in step (jitter), a venue that restarts needs air, a policy close means that *we* did
wrong, and a poison message must not become a reconnect storm, so only
``good_s`` of good data make the next loss a first one again. Most outages are short, and whoever
is back within five seconds of their end has lost little: so in the first minute tries are a few
seconds apart, twelve at most in thirty seconds, and only then half a minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from vocx.stream.deadlines import Deadlines
from vocx.venues.base import CloseKind

Uniform = Callable[[float, float], float]
AT_ONCE = frozenset({"shutdown", "rotation", "slept", "silent"})
_LONG_JITTER, _STEADY_JITTER = 0.87, 0.7
"""How short a wait may be, as a share of the longest. From 0 it would be the double of the tries
that we allow ourselves (12 in 30 s, 150 an hour), for no gain to anybody."""
_STEPS = 3


class Disconnect(msgspec.Struct, frozen=True):
    """Why a connection ended, or could not be made.

    ``code`` is a close code (1006: none was sent), an HTTP status of a refused upgrade, or 0.
    ``kind`` is one word for the statistics: ``"eof"``, ``"reset"``, ``"dns"``, ``"silent"``, ...
    ``close`` is what the venue's adapter makes of a close frame.
    """

    kind: str
    code: int = 0
    text: str = ""
    retry_after_s: float | None = None
    close: CloseKind = "lost"

    def __str__(self) -> str:
        words = " ".join(part for part in (self.kind, self.text and f"({self.text})") if part)
        return f"{self.code} {words}" if self.code else words


class Backoff:
    """How long to wait before the next try of one socket.

    Attributes
    ----------
    degraded : bool
        The venue closed us for policy three times within five minutes.
    """

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._attempts = 0
        self._since_ns: int | None = None
        self._seasoned = False
        self._policy_ns: deque[int] = deque(maxlen=3)
        self.degraded = False

    def good(self) -> None:
        """The connection has delivered good data for long enough: the next loss is a first one."""
        self._attempts = 0
        self._since_ns = None
        self._seasoned = True
        self.degraded = False

    def outage_over(self) -> None:
        """The connection has delivered good data for a while: the next loss begins an outage of
        its own, if it is no first one."""
        self._since_ns = None

    def after(self, disconnect: Disconnect, now_ns: int, uniform: Uniform) -> float:
        """Seconds to wait before connecting again."""
        d = self._deadlines
        first = self._attempts == 0
        if self._since_ns is None:
            self._since_ns = now_ns
        base = self._base(d.retry_cap_s, now_ns, uniform)
        if self._seasoned:
            base = uniform(0.0, d.first_retry_s)
        if disconnect.close == "policy":
            wait = self._policy(now_ns, uniform)
        elif disconnect.retry_after_s is not None:
            # A little more than asked, never less: early is what leads to a ban.
            wait = max(disconnect.retry_after_s * uniform(1.0, 1.05), base)
        elif disconnect.close == "overload":
            wait = d.overload_floor_s + uniform(0.0, d.restart_s)
        elif disconnect.close == "restart":
            wait = uniform(0.0, d.restart_s) if first else max(uniform(0.0, d.restart_s), base)
        elif disconnect.close == "going_away":
            wait = uniform(0.0, 4 * d.first_retry_s) if first else base
        elif disconnect.kind in AT_ONCE and first:
            wait = uniform(0.0, d.first_retry_s)
        else:
            wait = base
        if disconnect.kind != "rotation":
            self._attempts += 1
            self._seasoned = False
        return wait

    def _base(self, cap_s: float, now_ns: int, uniform: Uniform) -> float:
        d = self._deadlines
        if self._attempts == 0:
            return uniform(d.first_retry_s, max(d.first_retry_s, d.retry_step_s))
        if self._attempts <= _STEPS:
            step_s = d.retry_step_s * 2.0 ** (self._attempts - 1)
            return min(cap_s, step_s * uniform(0.75, 1.25))
        assert self._since_ns is not None
        if now_ns - self._since_ns < d.outage_short_s * 1e9:
            cap_s = min(cap_s, d.retry_steady_s)
            return uniform(_STEADY_JITTER * cap_s, cap_s)
        return uniform(_LONG_JITTER * cap_s, cap_s)

    def _policy(self, now_ns: int, uniform: Uniform) -> float:
        d = self._deadlines
        self._policy_ns.append(now_ns)
        span_s = (now_ns - self._policy_ns[0]) / 1e9
        if len(self._policy_ns) == 3 and span_s <= d.policy_window_s:
            self.degraded = True
        cap_s = d.policy_cap_s if self.degraded else 2 * d.policy_floor_s
        return d.policy_floor_s + self._base(cap_s - d.policy_floor_s, now_ns, uniform)


class ConnectBudget:
    """A hard ceiling on tries in sliding windows: ``(tries, seconds)`` pairs."""

    def __init__(self, windows: Iterable[tuple[int, float]]) -> None:
        self._windows = tuple(windows)
        self._tries: deque[int] = deque(maxlen=max(count for count, _ in self._windows))

    def wait_s(self, now_ns: int) -> float:
        """Seconds until a try is within the budget; 0 when it is now."""
        waits = [0.0]
        for count, seconds in self._windows:
            if len(self._tries) >= count:
                waits.append(seconds - (now_ns - self._tries[-count]) / 1e9)
        return max(waits)

    def note(self, now_ns: int) -> None:
        """A try happens now."""
        self._tries.append(now_ns)
