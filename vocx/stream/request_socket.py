"""A kept request/response socket: one connection, many questions, each answer matched by its id.

A thread of its own reads, so that pings are answered while nobody asks and a lost connection is
known before the next question. The rules for a question that could place an order:

* nothing sent yet, and no connection to be had: ``not_sent``;
* sent, and then the connection went or the deadline passed: ``unknown``; it is never sent again;
* a connection that is found dead *before* sending is replaced at once, which nobody notices.

The connection is closed after five idle minutes, and dialled again when it is needed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import websocket

from vocx.errors import (
    ConnectFailed,
    ConnectionLost,
    Outcome,
    StreamStopped,
    TimedOut,
    TransportError,
    VenueError,
    VocxError,
)
from vocx.stream.deadlines import Deadlines
from vocx.stream.dial import WebSocketConnection, dial
from vocx.stream.framing import CLOSE, PING, PONG, Frame, Framing, close_reason
from vocx.timing import wall_ns
from vocx.venues.base import Envelope

Opened = Callable[[bytes], Envelope | None]
Refused = Callable[[int, Mapping[str, str], bytes], VenueError]

_LOST = (OSError, websocket.WebSocketException)


class Answer(msgspec.Struct, frozen=True):
    """An answer and its way: frames as bytes, wall-clock times of first byte out and last in."""

    envelope: Envelope
    sent: bytes
    received: bytes
    sent_ns: int
    received_ns: int


class PendingRequest:
    """One open question: its answer, or why none will come."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.answer: tuple[Envelope, bytes, int] | None = None
        self.lost = ""


class RequestSocket:
    """A kept request/response socket of one venue. Safe to use from several threads.

    Parameters
    ----------
    url : callable
        The address, asked at each dial.
    opened : callable
        Tells an answer from an event.
    refused : callable
        The typed error of a refused upgrade.
    name : str
        For the thread.
    deadline_s : float
        How long an answer may take.
    idle_s : float
        After so long without a question the connection is closed.
    """

    def __init__(
        self,
        url: Callable[[], str],
        *,
        opened: Opened,
        refused: Refused,
        name: str,
        ca_file: Callable[[], str | Path | None] = lambda: None,
        deadline_s: float = 10.0,
        idle_s: float = 300.0,
        deadlines: Deadlines | None = None,
    ) -> None:
        self.dials = 0
        """How many connections there were."""
        self._url, self._opened, self._refused = url, opened, refused
        self._name, self._ca_file = name, ca_file
        self._deadline_s, self._idle_s = deadline_s, idle_s
        self._deadlines = deadlines or Deadlines()
        self._lock = threading.Lock()
        self._numbers = 0
        self._open: _Connection | None = None

    def number(self) -> int:
        """An id for the next question."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def ask(self, number: int, frame: bytes) -> Answer:
        """Send a frame with this id and wait for its answer.

        Raises
        ------
        DnsError, ConnectFailed, TlsError, VenueError
            There is no connection: nothing was sent (``outcome`` ``"not_sent"``).
        TimedOut, ConnectionLost
            It was sent and no answer came (``outcome`` ``"unknown"``).
        """
        question = PendingRequest()
        connection = self._connection()
        sent_ns = wall_ns()
        sent = connection.send(number, frame, question)
        if sent is None:  # it ended this very moment: nothing was sent, so another may be tried
            connection, sent_ns = self._connection(), wall_ns()
            sent = connection.send(number, frame, question)
        if sent is None:
            raise ConnectFailed("the connection ended before anything was sent", outcome="not_sent")
        if not sent:
            raise _unknown(ConnectionLost, f"the connection broke while sending ({question.lost})")
        if not question.done.wait(self._deadline_s):
            connection.forget(number)
            # What does not answer may be dead: the next question gets another connection.
            connection.abort()
            raise _unknown(TimedOut, f"no answer within {self._deadline_s:g} s")
        if question.answer is None:
            raise _unknown(ConnectionLost, f"{question.lost} before the answer came")
        envelope, text, received_ns = question.answer
        return Answer(envelope, frame, text, sent_ns, received_ns)

    def _connection(self) -> _Connection:
        with self._lock:
            if self._open is None or not self._open.usable:
                self._open = _Connection(self._dial(), self._opened, self._name, self._idle_s)
                self.dials += 1
                self._open.start()
            return self._open

    def _dial(self) -> WebSocketConnection:
        try:
            return dial(
                self._url(),
                deadlines=self._deadlines,
                stopping=threading.Event(),
                refused=self._refused,
                ca_file=self._ca_file(),
            )
        except StreamStopped:
            raise
        except VocxError as error:
            error.outcome = "not_sent"
            raise

    def close(self) -> None:
        """Close the connection; a later question opens another."""
        with self._lock:
            connection, self._open = self._open, None
        if connection is not None:
            connection.stop()


class _Connection(threading.Thread):
    """One connection and the thread that reads it."""

    def __init__(self, line: WebSocketConnection, opened: Opened, name: str, idle_s: float) -> None:
        super().__init__(name=f"vocx-{name}", daemon=True)
        self.usable = True
        self._line, self._opened = line, opened
        self._lock = threading.Lock()
        self._questions: dict[int | str | None, PendingRequest] = {}
        self._idle_ns = int(idle_s * 1e9)
        self._used_ns = time.monotonic_ns()
        self._stopping = threading.Event()

    def send(self, number: int, frame: bytes, question: PendingRequest) -> bool | None:
        """Whether the frame went out whole; ``None`` when nothing of it did."""
        with self._lock:
            if not self.usable:
                return None
            self._questions[number] = question
            self._used_ns = time.monotonic_ns()
            try:
                self._line.socket.send(frame, websocket.ABNF.OPCODE_TEXT)
            except _LOST as error:
                self.usable = False
                question.lost = str(error)
                return False
        return True

    def forget(self, number: int) -> None:
        """Nobody waits for this answer any more."""
        with self._lock:
            self._questions.pop(number, None)

    def run(self) -> None:
        """Read until the end, then tell everybody who waits."""
        framing, lost = Framing(), ""
        while not lost and not self._stopping.is_set():
            try:
                data = self._line.wire.read()
            except OSError as error:
                lost = f"the connection was reset ({error.strerror or error})"
                break
            if data == b"":
                lost = "the connection ended"
            elif data:
                received_ns = self._line.wire.last_ns
                for message in framing.feed(data):
                    lost = lost or self._take(message, received_ns)
                lost = lost or (framing.broken.reason if framing.broken else "")
            elif time.monotonic_ns() - self._used_ns > self._idle_ns and not self._questions:
                break
        self._end(lost or "the connection was closed here")

    def _take(self, message: bytes | Frame, received_ns: int) -> str:
        """Handle one message; why the connection is over, if it is."""
        if isinstance(message, bytes):
            self._match(message, received_ns)
        elif message.opcode == PING:
            self._reply(PONG, message.payload)
        elif message.opcode == CLOSE:
            code, reason = close_reason(message.payload)
            self._reply(CLOSE, message.payload[:2])
            return f"the exchange closed the connection ({code} {reason})".replace(" )", ")")
        return ""

    def _match(self, text: bytes, received_ns: int) -> None:
        envelope = self._opened(text)
        if envelope is None:
            return
        with self._lock:
            question = self._questions.pop(envelope.id, None)
        if question is not None:
            question.answer = (envelope, text, received_ns)
            question.done.set()

    def _reply(self, opcode: int, payload: bytes) -> None:
        with self._lock:
            try:
                self._line.socket.send(payload, opcode)
            except _LOST:
                self.usable = False

    def _end(self, why: str) -> None:
        with self._lock:
            self.usable = False
            waiting = list(self._questions.values())
            self._questions.clear()
        for question in waiting:
            question.lost = question.lost or why
            question.done.set()
        self._line.wire.abort()
        self._line.wire.close()

    def abort(self) -> None:
        """Give the connection up, from any thread."""
        self.usable = False
        self._line.wire.abort()

    def stop(self) -> None:
        """End politely, within a second."""
        self._stopping.set()
        self._reply(CLOSE, (1000).to_bytes(2, "big"))
        if self is not threading.current_thread():
            self.join(0.5)
            self.abort()
            self.join(0.5)


def _unknown(kind: type[TransportError], why: str) -> TransportError:
    outcome: Outcome = "unknown"
    return kind(f"{why}; what was asked may have been done", outcome=outcome)
