"""Record what a venue says: inbound frames of a stream, byte for byte, to be played again later.

``vocx exchange --replay FILE`` serves a recording as a market. The format is that of
:mod:`vocx.recording`. Only what came *in* is written: no request, no key, no header.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vocx.errors import BadInput, NotAllowed, StreamStopped, WaitTimeout
from vocx.facts import BookSnapshot
from vocx.recording import Writer
from vocx.stream import Stream
from vocx.venues.base import GetBook, Listen

if TYPE_CHECKING:
    from vocx.exchange import Exchange

PRIVATE = ("orders", "fills", "balances")
"""Channels about an account."""
Waiting = deque[tuple[int, bytes]]
"""Frames that arrived and are not written yet: (arrival, bytes)."""
TURN_S = 0.1
FLUSH_S = 2.0
"""A crash costs at most so much of the recording."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A finished recording: where it is, its lines and bytes, and how long it ran."""

    path: Path
    lines: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.lines:,} lines in {self.seconds:.1f} s, {self.bytes:,} bytes; "
            f"play it with: vocx exchange --replay {self.path}"
        )


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
    wanted = _wanted(exchange, _names(channels), _names(symbols), private)
    with Writer(Path(path), overwrite=overwrite) as writer:
        begun_s = time.monotonic()
        why = _run(exchange, wanted, writer, None if seconds is None else begun_s + seconds)
        lasted_s = time.monotonic() - begun_s
        if not writer.lines:
            raise WaitTimeout(f"nothing arrived in {lasted_s:.1f} s; nothing is kept. {why}")
    size = writer.path.stat().st_size
    return Recorded(path=writer.path, lines=writer.lines, bytes=size, seconds=lasted_s)


def _run(
    exchange: Exchange, wanted: Sequence[Listen], writer: Writer, until_s: float | None
) -> str:
    """Listen and write; what the stream says about itself at the end."""
    waiting: Waiting = deque()
    asking = type(exchange)(exchange.venue, exchange.where, lab=exchange.lab, tls=exchange.tls)

    def snapshot(intent: GetBook) -> BookSnapshot:
        found = asking.order_book(intent.symbol, intent.depth)
        if found.exchange is not None:
            body = found.exchange.reply.partition(b"\r\n\r\n")[2]
            waiting.append((found.exchange.received_ns, body))
        return found

    stream = Stream(
        exchange.venue,
        exchange.url,
        wanted,
        snapshot=snapshot,
        name=f"record: {writer.path}",
        ca_file=exchange.ca_file(),
        tap=lambda frame, arrived_ns: waiting.append((arrived_ns, frame)),
    )
    try:
        _listen(stream, waiting, writer, until_s)
        return stream.why
    finally:
        stream.stop()
        asking.close()
        _drain(waiting, writer)


def _names(given: str | Iterable[str]) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    if not names:
        raise BadInput('nothing to record; name at least one channel and symbol: "trades"')
    return names


def _wanted(
    exchange: Exchange, channels: Sequence[str], symbols: Sequence[str], private: bool
) -> list[Listen]:
    """The wishes, checked before anything is opened."""
    for channel in channels:
        if channel in PRIVATE and not private:
            raise NotAllowed(
                f"{channel} are about your account, and recordings get passed on; "
                "write private=True if you mean it"
            )
    wanted = [
        exchange.venue.check_listen(Listen(channel=channel, symbol=symbol))
        for channel in channels
        for symbol in symbols
    ]
    for symbol in dict.fromkeys(symbols):
        exchange.instrument(symbol)
    return wanted


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
