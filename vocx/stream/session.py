"""What we say on a socket, and the answers we are owed: subscriptions, acks, pings. Pure.

At most four control messages a second leave (a venue that allows five counts pings as well). A
missing pong alone is no proof of death: behind a flood of data it arrives late, so a black hole
is declared only when *nothing* came since the ping went out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from vocx.errors import VenueError
from vocx.stream.backoff import Disconnect
from vocx.stream.deadlines import Deadlines
from vocx.stream.steps import Ping, Send
from vocx.venues.base import Ack, Keepalive, SocketPlan


class Session:
    """The outgoing side of one connection at a time.

    Attributes
    ----------
    complete : bool
        Every subscription is acknowledged (or needs no acknowledgement).
    resubscribed : int
        Times that the subscriptions were sent again because of malformed frames.
    """

    def __init__(self, plan: SocketPlan, keepalive: Keepalive, deadlines: Deadlines) -> None:
        self._plan = plan
        self._deadlines = deadlines
        self._ping_text = keepalive.ping_text
        self._ping_s = keepalive.client_ping_s if deadlines.ping_s is None else deadlines.ping_s
        self._pong_s = keepalive.pong_deadline_s if deadlines.pong_s is None else deadlines.pong_s
        self._bad_ns: deque[int] = deque(maxlen=deadlines.bad_per_window + 1)
        self._resubscribed_ns: int | None = None
        self.complete = False
        self.resubscribed = 0
        self.begin(0)

    def use(self, plan: SocketPlan) -> None:
        """What to say from the next connection on: a login is signed for each."""
        self._plan = plan

    def begin(self, now_ns: int) -> None:
        """A new connection: everything is to be said again."""
        self._queue = deque(self._plan.frames)
        self._owed: set[int | str | None] = {*self._plan.ack_ids}
        self._said_ns: int | None = None
        self.complete = not self._owed
        self._next_ns = now_ns
        self._ping_at_ns = now_ns
        self._pinged_ns: int | None = None

    def due(self, now_ns: int) -> Send | Ping | None:
        """What may be said now, if anything."""
        if now_ns < self._next_ns:
            return None
        said: Send | Ping
        if self._queue:
            said = Send(self._queue.popleft())
            self._said_ns = now_ns
        elif self._pinged_ns is None and now_ns >= self._ping_at_ns:
            said = Ping(self._ping_text)
            self._pinged_ns = now_ns
            self._ping_at_ns = now_ns + int(self._ping_s * 1e9)
        else:
            return None
        pace = min(self._deadlines.control_per_s, self._plan.frames_per_second)
        self._next_ns = now_ns + int(1e9 / pace)
        return said

    def heard_bytes(self, now_ns: int, pong: bool) -> None:
        """Something arrived: the socket lives. The ping stays open until its pong comes."""
        self._alive_ns = now_ns
        if pong:
            self._pinged_ns = None

    def acked(self, acks: Sequence[Ack]) -> VenueError | None:
        """Tick off; the first refusal, if there is one."""
        if self.complete and not self._owed:
            return None
        for ack in acks:
            if ack.id in self._owed or (ack.id is None and ack.error is not None):
                self._owed.discard(ack.id)
                if ack.error is not None:
                    return ack.error
        if not self._owed and not self._queue:
            self.complete = True
        return None

    @property
    def owed(self) -> list[int | str | None]:
        """Subscriptions that were not acknowledged yet."""
        return sorted(self._owed, key=str)

    def bad(self, count: int, now_ns: int) -> None:
        """Malformed frames came; above the rate the subscriptions are sent again, once a window."""
        self._bad_ns.extend([now_ns] * min(count, self._deadlines.bad_per_window + 1))
        window_ns = int(self._deadlines.bad_window_s * 1e9)
        storm = (
            len(self._bad_ns) > self._deadlines.bad_per_window
            and now_ns - self._bad_ns[0] <= window_ns
        )
        recent = self._resubscribed_ns is not None and now_ns - self._resubscribed_ns < window_ns
        if storm and not recent and self._plan.frames:
            self._resubscribed_ns = now_ns
            self.resubscribed += 1
            self._queue.extend(self._plan.frames)

    def overdue(self, now_ns: int) -> Disconnect | None:
        """An answer that should have come."""
        if (
            self._pinged_ns is not None
            and now_ns - max(self._pinged_ns, self._alive_ns) > self._pong_s * 1e9
        ):
            return Disconnect("black hole", 1006, "no answer to a ping")
        if (
            not self.complete
            and self._said_ns is not None
            and not self._queue
            and now_ns - self._said_ns > self._deadlines.ack_s * 1e9
        ):
            return Disconnect("no ack", 0, f"subscriptions {self.owed} were not acknowledged")
        return None

    _alive_ns = 0
