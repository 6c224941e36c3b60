"""Ways to know a price: ask every so often, listen, or listen and look now and then.

A feed is data: what it is called, its cadence, and what arithmetic expects of it. The watching of
real ones is in :mod:`vocx.measure.probes`, perfect ones are computed in
:mod:`vocx.measure.simulation`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from vocx.errors import BadInput
from vocx.measure import theory, validation

PushChannel = Literal["quotes", "book", "ticker"]
CADENCE_MS = {"quotes": 0.0, "book": 100.0, "ticker": 1000.0}
"""Binance's cadences: ``bookTicker`` in real time, ``depth5@100ms``, ``ticker`` each second
(web-socket-streams.md, 2026-07-21)."""
NAMES = {"quotes": "bookTicker", "book": "depth5@100ms", "ticker": "ticker"}
LEAST_MS, HOUR_MS = 5.0, 3_600_000.0


class Poll(msgspec.Struct, frozen=True, tag=True):
    """Ask for the best bid and ask by REST every ``every_ms``, on a kept connection."""

    every_ms: float = 1000.0

    def __post_init__(self) -> None:
        _rounded(self, "every_ms")

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
    100 ms, ``"ticker"`` each second."""

    channel: PushChannel = "quotes"

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
        return CADENCE_MS[self.channel]

    def expected_age_ms(self, rtt_ms: float) -> float:
        """Mean age by arithmetic."""
        return theory.pushed_age_ms(self.cadence_ms, rtt_ms)


class Hybrid(msgspec.Struct, frozen=True, tag=True):
    """A program that looks every ``loop_ms`` at what a stream brought: the usual sketch of a hybrid
    client, whose own loop is a poll of its own memory."""

    loop_ms: float = 100.0
    channel: PushChannel = "book"

    def __post_init__(self) -> None:
        Push(self.channel)
        _rounded(self, "loop_ms")

    @property
    def name(self) -> str:
        return f"hybrid {NAMES[self.channel].partition('@')[0]}, {span(self.loop_ms)}"

    @property
    def cadence_ms(self) -> float:
        return CADENCE_MS[self.channel] + self.loop_ms

    def expected_age_ms(self, rtt_ms: float) -> float:
        """Mean age by arithmetic: two cadences behind each other."""
        return theory.pushed_age_ms(self.cadence_ms, rtt_ms)


def span(milliseconds: float) -> str:
    """``"250 ms"``, ``"1 s"``."""
    whole = milliseconds >= 1000
    return f"{milliseconds / 1000:g} s" if whole else f"{milliseconds:g} ms"


def _rounded(feed: msgspec.Struct, name: str) -> None:
    """One of its fields as a number of milliseconds within bounds."""
    value = validation.number(name, getattr(feed, name), LEAST_MS, HOUR_MS, what=" ms")
    msgspec.structs.force_setattr(feed, name, value)


def feeds_of(given: object) -> list[Feed]:
    """Feeds that can stand side by side.

    Raises
    ------
    BadInput
        There is none, one that is no feed, or one twice.
    """
    such = "[measure.Poll(1000), measure.Push()]"
    found = validation.several("feeds", given, such)
    for one in found:
        if not isinstance(one, Poll | Push | Hybrid):
            raise BadInput(f"{one!r} is no feed; write {such}")
    if len(set(found)) < len(found):
        raise BadInput(f"give each feed once: {such}")
    return found


Feed = Poll | Push | Hybrid
STANDARD: tuple[Feed, ...] = (
    Push("quotes"),
    Push("book"),
    Push("ticker"),
    Poll(250.0),
    Poll(1000.0),
    Hybrid(),
)
