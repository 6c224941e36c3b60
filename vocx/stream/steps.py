"""The words between a socket's life and the thread that drives it: what to do, what was heard."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vocx.errors import VocxError
from vocx.stream.backoff import Disconnect
from vocx.venues.base import Ack, ChannelSpec


class Dial(msgspec.Struct, frozen=True):
    """Open the socket; answer with :class:`Connected`."""


class Sleep(msgspec.Struct, frozen=True):
    """Wait, without a socket; wake early only to stop."""

    seconds: float


class Read(msgspec.Struct, frozen=True):
    """Receive once, and decode; answer with :class:`ReadResult`."""


class Send(msgspec.Struct, frozen=True):
    """Send a text frame."""

    text: str


class Ping(msgspec.Struct, frozen=True):
    """Send a ping frame, or this text where the venue wants its own."""

    text: str | None = None


class Probe(msgspec.Struct, frozen=True):
    """Ask REST whether it agrees with what this channel last said; the answer comes in
    :attr:`ReadResult.probes`."""

    wanted: ChannelSpec


class Close(msgspec.Struct, frozen=True):
    """Close the socket with this code; ``None`` drops it."""

    code: int | None
    reason: str = ""


Do = Dial | Sleep | Read | Send | Ping | Probe | Close


class Connected(msgspec.Struct, frozen=True):
    """What became of a dial: open, or why not."""

    error: VocxError | None = None


class ReadResult(msgspec.Struct):
    """What one read brought.

    ``fresh``: any bytes; ``good``: facts were decoded; ``bad``: malformed frames; ``half``: a
    frame is incomplete; ``closed``: the connection is over, and why.
    """

    fresh: bool = False
    good: bool = False
    bad: int = 0
    half: bool = False
    pong: bool = False
    shutdown: bool = False
    closed: Disconnect | None = None
    acks: Sequence[Ack] = ()
    probes: Sequence[tuple[ChannelSpec, bool]] = ()
