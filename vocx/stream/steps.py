"""The words between a socket's life and the thread that drives it: what to do, what was heard."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vocx.errors import VocxError
from vocx.stream.backoff import Loss
from vocx.venues.base import Ack, Listen


class Dial(msgspec.Struct, frozen=True):
    """Open the socket; answer with :class:`Dialled`."""


class Pause(msgspec.Struct, frozen=True):
    """Wait, without a socket; wake early only to stop."""

    seconds: float


class Read(msgspec.Struct, frozen=True):
    """Receive once, and decode; answer with :class:`Heard`."""


class Send(msgspec.Struct, frozen=True):
    """Send a text frame."""

    text: str


class Ping(msgspec.Struct, frozen=True):
    """Send a ping frame, or this text where the venue wants its own."""

    text: str | None = None


class Probe(msgspec.Struct, frozen=True):
    """Ask REST whether it agrees with what this channel last said; the answer comes in
    :attr:`Heard.probes`."""

    wanted: Listen


class Hang(msgspec.Struct, frozen=True):
    """Close the socket with this code; ``None`` drops it."""

    code: int | None
    reason: str = ""


Do = Dial | Pause | Read | Send | Ping | Probe | Hang


class Dialled(msgspec.Struct, frozen=True):
    """What became of a dial: open, or why not."""

    error: VocxError | None = None


class Heard(msgspec.Struct):
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
    closed: Loss | None = None
    acks: Sequence[Ack] = ()
    probes: Sequence[tuple[Listen, bool]] = ()
