"""Channels that a venue does not stream, asked for by REST and shown as if it did.

One thread asks for all of them in turn, every ``poll_s`` each. What comes is the same facts,
marked ``source="rest"`` (an account's facts, and what a stream answers when asked), and only what
is new is handed on.
The venue's adapter says which channels these are (``Venue.poll_intent``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec

from vocx.errors import RateLimited, StreamStopped, VenueError, VenueUnavailable, VocxError
from vocx.facts import Fact, Source
from vocx.stream.background import Ask
from vocx.stream.channels import ChannelState, ChannelStates
from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.stats import Counters
from vocx.venues.base import ChannelSpec, Intent


class Poller(threading.Thread):
    """Asks for channels by REST, again and again.

    Attributes
    ----------
    state, why, error
        As of a socket's :class:`~vocx.stream.lifecycle.Lifecycle`: ``"connecting"`` before the
        first answer, ``"reconnecting"`` while there is none.
    counters : Counters
        Facts by kind; no frames, because there are none.
    channels : list of ChannelState
        What it asks for.
    """

    source: Source = "rest"

    def __init__(
        self,
        name: str,
        intents: Mapping[ChannelSpec, Intent],
        ask: Ask,
        states: ChannelStates,
        *,
        clock: Clock,
        deadlines: Deadlines,
        deliver: Callable[[Sequence[Fact]], None],
        changed: Callable[[], None],
    ) -> None:
        super().__init__(name=f"vocx-{name}", daemon=True)
        self.state, self.why = "connecting", "asking for the first time"
        self.error: VocxError | None = None
        self.counters = Counters()
        self.channels = [states.add(spec, self.counters) for spec in intents]
        self._intents, self._ask = intents, ask
        self._clock, self._poll_s = clock, deadlines.poll_s
        self._deliver, self._changed = deliver, changed
        self._stopping = threading.Event()
        self._asked_wall_ns: dict[ChannelSpec, int] = {}

    def run(self) -> None:
        """Ask until somebody stops it, or another try cures nothing."""
        while not self._stopping.is_set() and self.error is None:
            wait_s = self._poll_s
            for channel in self.channels:
                if self._stopping.is_set():
                    return
                try:
                    self._poll(channel)
                except VocxError as error:
                    wait_s = max(wait_s, self._note(error))
                except Exception as error:  # the call is injected: it must not end in silence
                    wait_s = max(wait_s, self._note(VocxError(f"asking failed: {error!r}")))
            self._stopping.wait(wait_s)

    def _poll(self, channel: ChannelState) -> None:
        begun_ns = self._clock.wall_ns()
        found = self._ask(self._intents[channel.spec], self._stopping)
        facts: Sequence[Fact] = [found] if isinstance(found, Fact) else found
        out: list[Fact] = []
        for fact in facts:
            if "source" in fact.__struct_fields__:
                fact = msgspec.structs.replace(fact, source="rest")
            if channel.fact is None or not _same(channel.fact, fact):
                channel.take(fact, self._clock.mono_ns(), out)
        # An answer repeats what is known by its nature: that is nothing to count.
        self.counters.duplicates = self.counters.out_of_order = 0
        if hasattr(channel, "known"):
            channel.known = True
        self._asked_wall_ns[channel.spec] = begun_ns
        self.counters.kinds.update(map(type, out))
        before, self.state, self.why = self.state, "live", ""
        if out:
            self._deliver(out)
        if out or before != "live":
            self._changed()

    def _note(self, error: VocxError) -> float:
        """A call that failed: for good, or for how many seconds."""
        if isinstance(error, StreamStopped):
            return 0.0
        passing = isinstance(error, RateLimited | VenueUnavailable)
        if isinstance(error, VenueError) and not passing:
            self.error, self.state, self.why = error, "fatal", str(error)
        else:
            self.state, self.why = "reconnecting", str(error)
        self._changed()
        return getattr(error, "retry_after_s", None) or 0.0

    def tell_stop(self) -> None:
        """End soon; safe from any thread."""
        self._stopping.set()

    def abort(self) -> None:
        """Nothing can end a call that waits for its answer; its thread ends with it."""

    def as_of_ns(self, channel: ChannelState) -> int | None:
        """When the call whose answer is known was sent (wall clock)."""
        return self._asked_wall_ns.get(channel.spec)

    def feeds(self, channel: ChannelState) -> bool:
        """The latest call was answered."""
        return self.state == "live" and self.is_alive()


def _same(before: Fact, fact: Fact) -> bool:
    """The same content; when and how it was learnt does not count."""
    aside = {"arrived_ns": 0}
    if "http" in fact.__struct_fields__:
        aside["http"] = None  # type: ignore[assignment]
    if type(before) is not type(fact):
        return False
    return msgspec.structs.replace(before, **aside) == msgspec.structs.replace(fact, **aside)
