"""Events and time to messages: which topics have subscribers, and when each is sent.

Payloads are built for topics with subscribers only, once per encoding. A recorded frame is passed
on as it is; from the first one on, its topic is never derived as well. Lists of topics are
replaced, never changed, so that a subscriber may leave while a message is on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.shared.connections import Connection
from vocx.lab.dialects.shared.mappings import Deadlines
from vocx.lab.dialects.shared.numbers import NEVER_NS
from vocx.lab.dialects.shared.topics import (
    Encoding,
    Envelope,
    Topic,
    TopicSpec,
    TopicState,
    same_for_all,
)
from vocx.lab.events import AnyEvent, Recorded

MakeState = Callable[[TopicSpec, int], TopicState | None]
"""The state of a topic that begins now; ``None`` for one that stays silent for ever."""
PassOn = Callable[[Topic, Recorded], list[Publication]]
"""A recorded frame in every encoding that is wanted."""


def as_recorded(topic: Topic, event: Recorded) -> list[Publication]:
    """A recorded frame as it is."""
    return [Publication(event.data, sessions) for sessions in topic.subscribers.values()]


class Publisher:
    """All topics of one venue that have subscribers.

    Parameters
    ----------
    make_state : callable
        The dialect's states by what a topic's name asks for.
    envelope : callable
        How a payload becomes frames.
    pass_on : callable
        How a recorded frame does.
    rank : callable
        Of the topics that are due together, the lower rank comes first.

    Attributes
    ----------
    listened : bool
        Whether anybody has subscribed yet.
    """

    def __init__(
        self,
        make_state: MakeState,
        envelope: Envelope = same_for_all,
        pass_on: PassOn = as_recorded,
        rank: Callable[[TopicSpec], int] = lambda spec: 0,
    ) -> None:
        self.topics: dict[str, Topic] = {}
        self._names: dict[Connection, dict[str, None]] = {}
        self.recorded: set[str] = set()
        self.listened = False
        self.injection: Callable[[str], Callable[..., list[Publication]] | None] = lambda _: None
        self.silences: Callable[[str], bool] = lambda _: False
        self._make_state = make_state
        self._envelope = envelope
        self._pass_on = pass_on
        self._rank = rank
        self._by_event: dict[tuple[type[AnyEvent], str], tuple[Topic, ...]] = {}
        self._cadences: dict[int, tuple[Topic, ...]] = {}
        self._slots: dict[int, int] = {}
        self._wakes: Deadlines[Topic] = Deadlines()
        self._unflushed: dict[Topic, None] = {}
        self._last_ns = 0

    # -- who has subscribed --------------------------------------------------------------------

    def add(
        self,
        name: str,
        spec: TopicSpec | None,
        session: Connection,
        now_ns: int,
        encoding: Encoding = Encoding(),  # noqa: B008 (a constant)
    ) -> bytes | None:
        """Let a session have a topic; ``spec`` ``None`` is one that no venue has (it stays
        silent). What it gets first, if anything."""
        topic = self.topics.get(name)
        if topic is None:
            topic = self.topics[name] = self._new_topic(name, spec, now_ns)
        topic.add(session, encoding)
        self.listened = True
        self._names.setdefault(session, {})[name] = None
        if topic.state is None:
            return None
        first = topic.state.welcome(topic, now_ns, encoding.unit_ns)
        return None if first is None or self.silences(name) else first

    def remove(self, name: str, session: Connection) -> None:
        """Let a session have it no more; a topic without subscribers is forgotten."""
        topic = self.topics.get(name)
        if topic is None:
            return
        self._names.get(session, {}).pop(name, None)
        topic.remove(session)
        if topic.empty:
            del self.topics[name]
            self._forget(topic)

    def names(self, session: Connection) -> Collection[str]:
        """The topics that a session has, oldest first."""
        return self._names.get(session, {}).keys()

    def leave(self, session: Connection) -> None:
        """Let a session have no topic any more."""
        for name in self._names.pop(session, {}):
            self.remove(name, session)

    def change(self, name: str, session: Connection, encoding: Encoding) -> None:
        """Let a subscriber have another encoding from now on."""
        topic = self.topics[name]
        topic.remove(session)
        topic.add(session, encoding)

    def wake(self, topic: Topic, at_ns: int) -> None:
        """Let a topic's state be due once, at a time of its own."""
        self._wakes[topic] = at_ns

    def _new_topic(self, name: str, spec: TopicSpec | None, now_ns: int) -> Topic:
        topic = Topic(name, spec, self._envelope)
        topic.inject = self.injection(name)
        topic.recorded = name in self.recorded
        if spec is None:
            return topic
        topic.state = self._make_state(spec, now_ns)
        if topic.state is None:
            return topic
        if cadence := spec.cadence_ns:
            self._slots.setdefault(cadence, now_ns // cadence)
            together = (*self._cadences.get(cadence, ()), topic)
            self._cadences[cadence] = tuple(sorted(together, key=self._topic_rank))
        for kind in topic.state.events:
            key = kind, topic.state.listing.format.spec.symbol
            self._by_event[key] = (*self._by_event.get(key, ()), topic)
        return topic

    def _topic_rank(self, topic: Topic) -> int:
        return 0 if topic.spec is None else self._rank(topic.spec)

    def _forget(self, topic: Topic) -> None:
        self._wakes.pop(topic, None)
        self._unflushed.pop(topic, None)
        for key, topics in tuple(self._by_event.items()):
            if topic in topics:
                self._by_event[key] = tuple(one for one in topics if one is not topic)
        cadence = topic.spec.cadence_ns if topic.spec is not None else 0
        if topic in self._cadences.get(cadence, ()):
            left = tuple(one for one in self._cadences[cadence] if one is not topic)
            self._cadences[cadence] = left
            if not left:
                del self._cadences[cadence], self._slots[cadence]

    # -- events --------------------------------------------------------------------------------

    def publish(self, events: Iterable[AnyEvent], now_ns: int) -> list[Publication]:
        """What the market's events mean for those who have subscribed."""
        out: list[Publication] = []
        by_event, unflushed = self._by_event, self._unflushed
        for event in events:
            if isinstance(event, Recorded):
                self._recorded(event, now_ns, out)
                continue
            for topic in by_event.get((type(event), getattr(event, "symbol", "")), ()):
                state = topic.state
                if state is not None and not topic.recorded:
                    state.take(topic, event, now_ns, out)
                    unflushed[topic] = None
        for topic in tuple(unflushed):
            if topic.state is not None:
                topic.state.flush(topic, now_ns, out)
        unflushed.clear()
        self._realign(now_ns)
        return out

    def _recorded(self, event: Recorded, now_ns: int, out: list[Publication]) -> None:
        topic = self.topics.get(event.stream)
        if event.stream not in self.recorded:
            self.recorded.add(event.stream)
            if topic is not None:
                topic.recorded = True
        if topic is not None:
            topic.publish(out, self._pass_on(topic, event))
        for other in self._by_event.get((Recorded, event.symbol), ()):
            if not other.recorded and other.state is not None:
                other.state.take(other, event, now_ns, out)

    # -- time ----------------------------------------------------------------------------------

    @property
    def next_tick_ns(self) -> int:
        """When the next topic is due."""
        cadences = ((slot + 1) * cadence for cadence, slot in self._slots.items())
        return min(*cadences, self._wakes.next_ns, NEVER_NS)

    def tick(self, now_ns: int) -> list[Publication]:
        """The topics whose time has come."""
        self._realign(now_ns)
        out = self._woken(self._wakes.pop_due(now_ns), now_ns)
        for cadence, slot in tuple(self._slots.items()):
            # A fault may have ended the last connection that had any of it.
            if cadence in self._slots and now_ns // cadence > slot:
                self._slots[cadence] = now_ns // cadence
                for topic in self._cadences[cadence]:
                    if topic.state is not None and not topic.recorded:
                        topic.state.due(topic, now_ns, out)
        return out

    def release(self, now_ns: int) -> list[Publication]:
        """Let every topic that waits for a time of its own be due now."""
        return self._woken(self._wakes.pop_due(NEVER_NS), now_ns)

    def _woken(self, topics: list[Topic], now_ns: int) -> list[Publication]:
        out: list[Publication] = []
        for topic in topics:
            if topic.state is not None:
                topic.state.due(topic, now_ns, out)
        return out

    def _realign(self, now_ns: int) -> None:
        """After a clock was set back, every cadence begins anew at once."""
        if now_ns < self._last_ns:
            for cadence in self._slots:
                self._slots[cadence] = min(self._slots[cadence], now_ns // cadence)
        self._last_ns = now_ns
