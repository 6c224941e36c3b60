"""Record what a venue says: inbound frames of a stream, byte for byte, to be played again later.

``vocx exchange --replay FILE`` serves a recording as a market. The format is that of
:mod:`vocx.recording`. Only what came *in* is written: no request, no key, no header.
"""

from __future__ import annotations

import shlex
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vocx.call_forms import says_its_form
from vocx.errors import BadInput, NotAllowed, StreamStopped, WaitTimeout
from vocx.exchange.streaming import channel_specs
from vocx.facts import BookSnapshot
from vocx.recording import Writer
from vocx.venues.base import PRIVATE, GetBook, Intent, Venue

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.stream import Stream

Waiting = deque[tuple[int, bytes]]
"""Frames that arrived and are not written yet: (arrival, bytes)."""
TURN_S = 0.1
FLUSH_S = 2.0
"""A crash costs at most so much of the recording."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A finished recording: where it is, its lines and bytes, how long it ran, and of which
    venue it is."""

    path: Path
    lines: int
    bytes: int
    seconds: float
    venue: str

    def __str__(self) -> str:
        play = f"vocx exchange --venue {self.venue} --replay {shlex.quote(str(self.path))}"
        return (
            f"{self.path}: {self.lines:,} lines in {self.seconds:.1f} s, {self.bytes:,} bytes; "
            f"play it with: {play}"
        )


@says_its_form
def record(
    exchange: Exchange,
    channels: str | Iterable[str],
    symbols: str | Iterable[str],
    seconds: float | None,
    path: str | Path,
    *,
    overwrite: bool = False,
    private: bool = False,
) -> Recorded:
    """Record channels of symbols for some seconds; Ctrl-C ends it early and keeps what came.

    Parameters
    ----------
    exchange : Exchange
        Where to listen; its other streams are not touched.
    channels, symbols : str or iterable of str
        ``"trades"``, ``"quotes"``, ``"book"``, ...; ``"BTC/USDT"``, ... With ``"book"`` the
        REST snapshot that starts a local book is recorded too.
    seconds : float or None
        ``None``: until interrupted.
    path : str or Path
        Usually ``*.gz``. While it runs the lines are in ``<path>.part``, readable at any time.
    overwrite : bool
        Replace a file that exists.
    private : bool
        Allow channels about an account.

    Raises
    ------
    BadInput
        The file exists, or channels, symbols or seconds make no sense.
    NotAllowed
        A private channel without ``private=True``.
    WaitTimeout
        Nothing arrived at all.
    """
    if seconds is not None and not 0 < seconds < float("inf"):
        raise BadInput(f"seconds is {seconds!r}; write a number above 0, or None to go on")
    channels, symbols = check_names(exchange.venue, channels, symbols, private=private)
    with Writer(Path(path), overwrite=overwrite) as writer:
        listening = _Listening(exchange, channels, symbols, path)
        begun_s = time.monotonic()
        listening.run(writer, None if seconds is None else begun_s + seconds)
        lasted_s = time.monotonic() - begun_s
        if not writer.lines:
            why = listening.stream.why
            raise WaitTimeout(f"nothing arrived in {lasted_s:.1f} s; nothing is kept. {why}")
    size = writer.path.stat().st_size
    return Recorded(
        path=writer.path,
        lines=writer.lines,
        bytes=size,
        seconds=lasted_s,
        venue=exchange.venue.name,
    )


class _Listening:
    """A stream whose frames wait to be written, and the REST replies that start its books."""

    def __init__(
        self,
        exchange: Exchange,
        channels: Sequence[str],
        symbols: Sequence[str],
        path: str | Path,
    ) -> None:
        self._waiting: Waiting = deque()
        self.stream = exchange.create_stream(
            channels,
            symbols,
            name=f"record: {path}",
            ask=self._ask,
            on_frame=self._keep,
        )
        self._asking = exchange.clone()

    def _keep(self, frame: bytes, arrived_ns: int) -> None:
        """Frames that are JSON objects; the words of a keepalive by text are none."""
        if frame[:1] == b"{":
            self._waiting.append((arrived_ns, frame))

    def run(self, writer: Writer, until_s: float | None) -> None:
        """Listen and write until the time is over or somebody interrupts."""
        try:
            _listen(self.stream, self._waiting, writer, until_s)
        finally:
            self.stream.stop()
            self._asking.close()
            _drain(self._waiting, writer)

    def _ask(self, intent: Intent, stopping: threading.Event) -> Any:
        """The stream's REST calls. What starts a book is part of the recording; the rest is not."""
        found = self._asking.ask_for_stream(intent, stopping)
        starts = isinstance(intent, GetBook) and intent == self._asking.venue.snapshot_intent(
            intent.symbol
        )
        if not starts or not isinstance(found, BookSnapshot):
            return found
        if found.http is not None:
            body = found.http.reply.partition(b"\r\n\r\n")[2]
            self._waiting.append((found.http.received_ns, body))
        return found


def check_names(
    venue: Venue,
    channels: str | Iterable[str],
    symbols: str | Iterable[str],
    *,
    private: bool = False,
) -> tuple[list[str], list[str]]:
    """Channels and symbols as lists, if this venue can have such names; nobody is asked.

    Raises
    ------
    BadInput, NotAllowed
        As :func:`record`. Whether a symbol is listed only the venue can say.
    """
    wanted, named = _names(channels), _names(symbols)
    for channel in wanted:
        if channel in PRIVATE and not private:
            raise NotAllowed(
                f"{channel} are about your account, and recordings get passed on; "
                "write private=True if you mean it"
            )
    channel_specs(venue, wanted, named)
    return wanted, named


def _names(given: str | Iterable[str]) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    if not names:
        raise BadInput('nothing to record; name at least one channel and symbol: "trades"')
    return names


def _listen(
    stream: Stream,
    waiting: Waiting,
    writer: Writer,
    until_s: float | None,
) -> None:
    """Write what comes until the time is over or somebody interrupts.

    Raises
    ------
    StreamStopped
        The stream died of something that waiting cannot cure; what came before is kept.
    """
    stream.start()
    flushed_s = time.monotonic()
    try:
        while (left := TURN_S if until_s is None else until_s - time.monotonic()) > 0:
            time.sleep(min(left, TURN_S))
            _drain(waiting, writer)
            if time.monotonic() - flushed_s > FLUSH_S:
                flushed_s = time.monotonic()
                writer.flush()
            if stream.error is not None:
                raise StreamStopped(
                    f"the recording ended early, what came is kept: {stream.error}"
                ) from stream.error
    except KeyboardInterrupt:
        pass


def _drain(waiting: Waiting, writer: Writer) -> None:
    while waiting:
        writer.write(*waiting.popleft())
