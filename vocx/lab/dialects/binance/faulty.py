"""Where the switchable faults meet the streams."""

from __future__ import annotations

from vocx.lab.dialects.base import Publication
from vocx.lab.dialects.binance.sessions import StreamSession
from vocx.lab.dialects.binance.streams import Streams
from vocx.lab.dialects.binance.topics import Tamper, Topic
from vocx.lab.faults import Faults, distort


class Spoiler:
    """Stands between a stream and its listeners while a fault may hit it."""

    def __init__(self, faults: Faults, streams: Streams) -> None:
        self._faults = faults
        self._streams = streams
        self._held: dict[str, list[Publication]] = {}
        streams.tamper_for = self.tamper_for

    def tamper_for(self, stream: str) -> Tamper | None:
        """What a stream's messages must pass, if anything."""
        return self.tamper if stream in self._held or self._faults.hit_stream(stream) else None

    def refresh(self) -> None:
        """The faults in force have changed."""
        for name, topic in self._streams.topics.items():
            topic.tamper = self.tamper_for(name)

    def tamper(self, topic: Topic, message: list[Publication]) -> list[Publication]:
        """One message in all its forms, as the fault leaves it."""
        fault = self._faults.message(topic.name)
        held = self._held.pop(topic.name, [])
        if fault is None:
            topic.tamper = self.tamper_for(topic.name)
            return message + held
        if fault.name == "reorder":
            self._held[topic.name] = message
            return held
        out = [
            Publication(payload, one.to)
            for one in message
            if isinstance(one.payload, bytes)
            for payload in distort(fault, one.payload)
        ]
        if fault.name == "truncated":
            for one in message:
                for session in one.to:
                    if isinstance(session, StreamSession):
                        session.fall_silent()
        return out + held
