"""The session on one connection: log in and wait, subscribe and wait, pings, all in turn. Pure.

How subscriptions are confirmed is the venue's way, and all of them end here: per argument, per
request (by its id), or as one list of all that is subscribed. Data are a better proof than any
acknowledgement and confirm too.

How they are refused: a topic that is named is refused, and the others run. Where a refusal takes
its whole request along, the good topics are sent again. An error that names nothing concerns what
is unconfirmed: those topics are then sent one by one, until the refused one is found.

At most ``control_per_s`` messages leave in a second (a venue that allows five counts pings as
well). A missing pong alone is no proof of death: behind a flood of data it arrives late, so a
black hole is declared only when *nothing* came since the ping went out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Literal, Protocol

import msgspec

from vocx.errors import ClockSkew, RateLimited, VenueError, VenueUnavailable
from vocx.stream.backoff import Disconnect
from vocx.stream.deadlines import Deadlines
from vocx.venues.base import Ack, ControlFrame, Keepalive, LoginResult, SocketPlan

_MISSED_HEARTBEATS = 3


class Send(msgspec.Struct, frozen=True):
    """Send a text frame."""

    text: str


class Ping(msgspec.Struct, frozen=True):
    """Send a ping frame, or this text where the venue wants its own."""

    text: str | None = None


class ControlFrames(Protocol):
    """Makes the venue's frames for one plan, with the time, key and nonce of now."""

    def login(self) -> ControlFrame | None:
        """The login; ``None`` where the plan has none."""

    def subscribe(self, topics: Sequence[str]) -> Sequence[ControlFrame]:
        """What subscribes to these."""

    def unsubscribe(self, topics: Sequence[str]) -> Sequence[ControlFrame]:
        """What ends these."""


class Session:
    """What is said on one connection at a time, and the answers that are owed.

    Attributes
    ----------
    complete : bool
        Logged in, and every topic is confirmed or refused.
    refused : dict
        Topic to the venue's error; these are not asked for again.
    resubscribed : int
        Times that malformed frames made us subscribe again.
    """

    def __init__(
        self,
        plan: SocketPlan,
        frames: ControlFrames,
        keepalive: Keepalive,
        deadlines: Deadlines,
        refusal_scope: Literal["argument", "request"] = "argument",
    ) -> None:
        self._plan, self._frames, self._keepalive = plan, frames, keepalive
        self._deadlines, self._refusal_scope = deadlines, refusal_scope
        self._ping_s = keepalive.client_ping_s if deadlines.ping_s is None else deadlines.ping_s
        self._pong_s = keepalive.pong_deadline_s if deadlines.pong_s is None else deadlines.pong_s
        self._pace_ns = int(1e9 / min(deadlines.control_per_s, plan.control_per_s))
        self._bad_ns: deque[int] = deque(maxlen=deadlines.bad_per_window + 1)
        self._resubscribed_ns: int | None = None
        self.refused: dict[str, VenueError] = {}
        self.resubscribed = 0
        self._reset(0)

    def _reset(self, now_ns: int) -> None:
        self._queue: deque[tuple[ControlFrame, bool]] = deque()  # and whether it subscribes
        self._pending: dict[int | str, tuple[ControlFrame, bool]] = {}
        self._open: set[str] = set()
        self._sent: dict[str, None] = {}  # in order
        self._alone: deque[str] = deque()
        self._current: str | None = None
        self._awaits_login = False
        self._said_ns: int | None = None
        self._next_ns = self._ping_at_ns = self._alive_ns = self._beat_ns = now_ns
        self._pinged_ns: int | None = None

    @property
    def complete(self) -> bool:
        return not self._open and not self._awaits_login

    def on_connect(self, now_ns: int) -> None:
        """A new connection: everything is to be said again, in frames made now.

        Raises
        ------
        VocxError
            A frame cannot be made: there is no key, or it cannot be read.
        """
        self._reset(now_ns)
        self._open = {topic for topic in self._plan.topics if topic not in self.refused}
        login = self._frames.login() if self._plan.login else None
        if login is None:
            self._subscribe(self._wanted())
        else:
            self._awaits_login = True
            self._queue.append((login, False))

    def _wanted(self) -> list[str]:
        return [topic for topic in self._plan.topics if topic not in self.refused]

    def _subscribe(self, topics: Sequence[str]) -> None:
        if topics:
            self._open.update(topics)
            self._queue.extend((frame, True) for frame in self._frames.subscribe(topics))

    def resubscribe(self, topics: Sequence[str]) -> None:
        """End these topics and subscribe to them again: a snapshot in the stream starts anew."""
        self._queue.extend((frame, False) for frame in self._frames.unsubscribe(topics))
        self._subscribe(topics)

    # what may be said

    def due(self, now_ns: int) -> Send | Ping | None:
        """What may be said now, if anything."""
        if now_ns < self._next_ns:
            return None
        said: Send | Ping
        if not self._queue and self._alone and self._current is None:
            self._current = self._alone.popleft()
            self._subscribe([self._current])
        if self._queue:
            frame, subscribes = self._queue.popleft()
            if frame.id is not None:
                self._pending[frame.id] = (frame, subscribes)
            if subscribes:
                self._sent.update(dict.fromkeys(frame.topics))
            said = Send(frame.text)
            self._said_ns = now_ns
        elif self._pinged_ns is None and now_ns >= self._ping_at_ns:
            said = Ping(self._keepalive.ping_text)
            self._pinged_ns = now_ns
            self._ping_at_ns = now_ns + int(self._ping_s * 1e9)
        else:
            return None
        self._next_ns = now_ns + self._pace_ns
        return said

    # what is answered

    def on_bytes(self, now_ns: int, pong: bool, heartbeat: bool = False) -> None:
        """Something arrived: the socket lives. The ping stays open until its pong comes."""
        self._alive_ns = now_ns
        if pong:
            self._pinged_ns = None
        if heartbeat:
            self._beat_ns = now_ns

    def on_login(self, result: LoginResult) -> VenueError | None:
        """The venue's answer to the login; its refusal, if it is one."""
        if result.error is not None:
            return result.error
        if self._awaits_login:
            self._awaits_login = False
            self._said_ns = None
            self._subscribe(self._wanted())
        return None

    def on_ack(self, ack: Ack) -> VenueError | None:
        """Tick off. An error comes back when it concerns the connection: come later, measure the
        clock, or nothing is left that was not refused."""
        frame, subscribes = None, True
        if ack.id is not None and ack.id in self._pending:
            frame, subscribes = self._pending.pop(ack.id)
        if ack.error is None:
            if ack.subscribed and subscribes:
                self.confirm(ack.topics or (frame.topics if frame is not None else ()))
            return None
        if isinstance(ack.error, RateLimited | VenueUnavailable | ClockSkew):
            return ack.error
        if not subscribes:
            return None
        self._refuse(ack, frame)
        everything = all(topic in self.refused for topic in self._plan.topics)
        return ack.error if everything else None

    def _refuse(self, ack: Ack, frame: ControlFrame | None) -> None:
        assert ack.error is not None
        asked = frame.topics if frame is not None else tuple(self._sent)
        asked = tuple(topic for topic in asked if topic in self._open)
        named = ack.topics or ((self._current,) if self._current in self._open else ())
        named = named or (asked if len(asked) == 1 else ())
        for topic in named:
            if topic in self._plan.topics:
                self.refused[topic] = ack.error
                self._resolve(topic)
        rest = [topic for topic in asked if topic not in named]
        if not named:
            self._alone.extend(topic for topic in rest if topic not in self._alone)
        elif frame is not None and self._refusal_scope == "request" and rest:
            self._subscribe(rest)

    def confirm(self, topics: Iterable[str]) -> None:
        """These are subscribed: the venue says so, or their data have come."""
        for topic in topics:
            self._resolve(topic)

    def _resolve(self, topic: str) -> None:
        self._open.discard(topic)
        if topic == self._current:
            self._current = None
        if topic in self._alone:
            self._alone.remove(topic)

    @property
    def unconfirmed(self) -> list[str]:
        """Topics that are neither confirmed nor refused yet."""
        return [topic for topic in self._plan.topics if topic in self._open]

    def on_malformed(self, count: int, now_ns: int) -> None:
        """Malformed frames came; above the rate all is subscribed again, once a window."""
        self._bad_ns.extend([now_ns] * min(count, self._deadlines.bad_per_window + 1))
        window_ns = int(self._deadlines.bad_window_s * 1e9)
        storm = (
            len(self._bad_ns) > self._deadlines.bad_per_window
            and now_ns - self._bad_ns[0] <= window_ns
        )
        recent = self._resubscribed_ns is not None and now_ns - self._resubscribed_ns < window_ns
        if storm and not recent and not self._awaits_login:
            self._resubscribed_ns = now_ns
            self.resubscribed += 1
            self.resubscribe(self._wanted())

    def overdue(self, now_ns: int) -> Disconnect | None:
        """An answer that should have come."""
        if (
            self._pinged_ns is not None
            and now_ns - max(self._pinged_ns, self._alive_ns) > self._pong_s * 1e9
        ):
            return Disconnect("black hole", 1006, "no answer to a ping")
        beat_s = self._keepalive.heartbeat_s
        begun_ns = max(self._beat_ns, self._said_ns or 0)
        if beat_s is not None and now_ns - begun_ns > _MISSED_HEARTBEATS * beat_s * 1e9:
            return Disconnect("no heartbeat", 0, f"none for {_MISSED_HEARTBEATS * beat_s:g} s")
        if self._said_ns is None or self._queue or self.complete:
            return None
        waited_s = (now_ns - self._said_ns) / 1e9
        if self._awaits_login:
            late = waited_s > self._deadlines.login_s
            return Disconnect("no login", 0, "the login was not answered") if late else None
        if waited_s > self._deadlines.ack_s:
            names = ", ".join(self.unconfirmed[:5])
            return Disconnect("no ack", 0, f"not acknowledged: {names}")
        return None
