"""Ways to know a price: ask every so often, or listen.

A feed is data: what it is called, its cadence, and what arithmetic expects of it. Real ones are
watched in :mod:`vocx.measure.watches`, perfect ones computed in :mod:`vocx.measure.simulation`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vocx.errors import BadInput, UnknownChannel
from vocx.measure import theory, validation
from vocx.text import span
from vocx.venues.base import ChannelSpec, Venue

PushChannel = Literal["quotes", "book", "ticker"]
CADENCE_MS = {"quotes": 0.0, "book": 100.0, "ticker": 1000.0}
"""What is usual: each change, the top of a book ten times a second, a ticker each second. A venue
that is watched has its own (``venue.cadence_ms``)."""
NAMES = {"quotes": "quotes", "book": "top", "ticker": "ticker"}
LEAST_MS, HOUR_MS = 5.0, 3_600_000.0
DISTANCES = (0.0, 20.0, 80.0, 200.0)
"""From how far away feeds are compared: round trips, milliseconds."""


class Poll(msgspec.Struct, frozen=True, tag=True):
    """Ask for the best bid and ask by REST every ``every_ms``, on a kept connection."""

    every_ms: float = 1000.0

    def __post_init__(self) -> None:
        every_ms = validation.number("every_ms", self.every_ms, LEAST_MS, HOUR_MS, what=" ms")
        msgspec.structs.force_setattr(self, "every_ms", every_ms)

    @property
    def name(self) -> str:
        return f"REST every {span(self.every_ms)}"

    @property
    def cadence_ms(self) -> float:
        return self.every_ms

    def expected_age_ms(self, rtt_ms: float) -> float:
        """Mean age by arithmetic."""
        return theory.expected_age_ms(self.every_ms, rtt_ms)


class Push(msgspec.Struct, frozen=True, tag=True):
    """Listen to a stream: ``"quotes"`` at each change, ``"book"`` (the best five levels) each
    100 ms, ``"ticker"`` each second; or each ``every_ms``, where a venue that was watched has
    another cadence."""

    channel: PushChannel = "quotes"
    every_ms: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.channel, str) or self.channel not in CADENCE_MS:
            raise BadInput(
                f"a stream with prices is one of {', '.join(CADENCE_MS)}, not {self.channel!r}"
            )

    @property
    def name(self) -> str:
        cadence = f", each {span(self.cadence_ms)}" if self.channel == "ticker" else ""
        return f"stream {NAMES[self.channel]}{cadence}"

    @property
    def cadence_ms(self) -> float:
        return CADENCE_MS[self.channel] if self.every_ms is None else self.every_ms

    @property
    def depth(self) -> int | None:
        """Levels that are asked for; ``None`` for what is no book."""
        return 5 if self.channel == "book" else None

    def expected_age_ms(self, rtt_ms: float) -> float:
        """Mean age by arithmetic."""
        return theory.pushed_age_ms(self.cadence_ms, rtt_ms)


Feed = Poll | Push
STREAMS: tuple[Feed, ...] = (Push("quotes"), Push("book"), Push("ticker"))
"""All that a stream has of prices."""
STANDARD: tuple[Feed, ...] = (*STREAMS, Poll(250.0), Poll(1000.0))
"""What is watched once, unless others are named."""
SWEPT: tuple[Feed, ...] = (*STREAMS, Poll(50.0), Poll(250.0), Poll(1000.0))
"""What is watched at several distances."""


def is_streamed(venue: Venue, symbol: str, channel: str, depth: int | None = None) -> bool:
    """Whether a venue sends this by itself; what it does not, a stream asks for by REST, or the
    venue has no such depth."""
    try:
        spec = venue.validate_channel(ChannelSpec(channel=channel, symbol=symbol, depth=depth))
    except UnknownChannel:
        return False
    return venue.poll_intent(spec) is None


def at_venue(venue: Venue, symbol: str, feed: Feed) -> Feed:
    """A feed with the cadence that it has at this venue."""
    if isinstance(feed, Poll) or feed.every_ms is not None:
        return feed
    spec = ChannelSpec(channel=feed.channel, symbol=symbol, depth=feed.depth)
    cadence_ms = float(venue.cadence_ms(venue.validate_channel(spec)))
    usual = cadence_ms == CADENCE_MS[feed.channel]
    return feed if usual else msgspec.structs.replace(feed, every_ms=cadence_ms)


def feeds_of(given: object) -> list[Feed]:
    """Feeds that can stand side by side: at least one, and none twice; or ``BadInput``."""
    such = "[measure.Poll(1000), measure.Push()]"
    found = validation.several("feeds", given, such)
    for one in found:
        if not isinstance(one, Feed):
            raise BadInput(f"{one!r} is no feed; write {such}")
    if len(set(found)) < len(found):
        raise BadInput(f"give each feed once: {such}")
    return found
