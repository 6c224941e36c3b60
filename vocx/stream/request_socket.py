"""Requests over a WebSocket: one kept connection, many requests, each response matched by its id.

A thread of its own reads, so that pings are answered while nobody asks and a lost connection is
known before the next request. The rules for a request that could place an order:

* nothing sent yet, and no connection to be had: ``not_sent``;
* sent, and then the connection went or the deadline passed: ``unknown``; it is never sent again;
* a connection that is found dead *before* sending is replaced at once, which nobody notices;
* a response that is late ends its own request alone. The connection may be dead, so the next
  request opens another; what others have in flight on it may still be answered.

The connection is closed after five idle minutes, and connected again when it is needed. It belongs
to the process that opened it: a forked child opens its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from vocx.errors import (
    BadReply,
    ConnectFailed,
    ConnectionLost,
    Outcome,
    TimedOut,
    TransportError,
    VocxError,
)
from vocx.net import renew_after_fork
from vocx.stream.account import AccountAccess
from vocx.stream.deadlines import Deadlines
from vocx.stream.framing import (
    CLOSE,
    PING,
    PONG,
    Frame,
    Framing,
    close_reason,
    close_reply,
)
from vocx.stream.socket import LOST, TEXT, WebSocketConnection, open_websocket
from vocx.stream.worker import PlanFrames
from vocx.timing import wall_ns
from vocx.venues.base import ControlFrame, LoginResult, Response, SocketPlan, Venue


class TimedResponse(msgspec.Struct, frozen=True):
    """A response and its way: frames as bytes, wall-clock times of first byte out and last in."""

    response: Response
    sent: bytes
    received: bytes
    sent_ns: int
    received_ns: int


class PendingRequest:
    """One request in flight: its response, or why none will come."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.response: tuple[Response, bytes, int] | None = None
        self.lost = ""


class RequestSocket:
    """A kept request/response socket of one venue. Safe to use from several threads.

    Parameters
    ----------
    venue : Venue
        Tells a response from an event, and why an upgrade was refused.
    url : callable
        The address, asked at each try.
    name : str
        For the thread.
    plan, account : SocketPlan and AccountAccess, or None
        Where the socket wants a login: what logs in, and with which key.
    deadline_s : float
        How long a response may take.
    idle_s : float
        After so long without a request the connection is closed.
    """

    def __init__(
        self,
        venue: Venue,
        url: Callable[[], str],
        *,
        name: str,
        plan: SocketPlan | None = None,
        account: AccountAccess | None = None,
        ca_file: Callable[[], str | Path | None] = lambda: None,
        deadline_s: float = 10.0,
        idle_s: float = 300.0,
        deadlines: Deadlines | None = None,
    ) -> None:
        self.connects = 0
        """How many connections there were."""
        self._venue, self._url, self._name = venue, url, name
        self._plan, self._account, self._ca_file = plan, account, ca_file
        self._deadline_s, self._idle_s = deadline_s, idle_s
        self._deadlines = deadlines or Deadlines()
        self._numbers = 0
        renew_after_fork(self)

    def renew(self) -> None:
        """In this process nothing is open yet; what a parent opened is its own."""
        self._lock = threading.Lock()
        self._open: _Connection | None = None
        self._retired: list[_Connection] = []

    def next_id(self) -> int:
        """An id for the next request."""
        with self._lock:
            self._numbers += 1
            return self._numbers

    def request(self, number: int, frame: bytes) -> TimedResponse:
        """Send a frame with this id and wait for its response.

        Raises
        ------
        DnsError, ConnectFailed, TlsError, VenueError
            There is no connection: nothing was sent (``outcome`` ``"not_sent"``).
        TimedOut, ConnectionLost
            It was sent and no response came (``outcome`` ``"unknown"``).
        """
        pending = PendingRequest()
        connection = self._connection()
        sent_ns = wall_ns()
        sent = connection.send(number, frame, pending)
        if sent is None:  # it ended this very moment: nothing was sent, so another may be tried
            connection, sent_ns = self._connection(), wall_ns()
            sent = connection.send(number, frame, pending)
        if sent is None:
            raise ConnectFailed("the connection ended before anything was sent", outcome="not_sent")
        if not sent:
            raise _unknown(ConnectionLost, f"the connection broke while sending ({pending.lost})")
        if not pending.done.wait(self._deadline_s):
            connection.forget(number)
            self._retire(connection)
            raise _unknown(TimedOut, f"no answer within {self._deadline_s:g} s")
        if pending.response is None:
            raise _unknown(ConnectionLost, f"{pending.lost} before the answer came")
        response, text, received_ns = pending.response
        return TimedResponse(response, frame, text, sent_ns, received_ns)

    def _connection(self) -> _Connection:
        with self._lock:
            if self._open is None or not self._open.usable:
                self._open = self._connect()
                self.connects += 1
            return self._open

    def _retire(self, connection: _Connection) -> None:
        """Nothing new is asked on it; it ends when what is in flight has ended."""
        connection.retire()
        with self._lock:
            self._retired = [one for one in self._retired if one.is_alive()]
            self._retired.append(connection)
            if self._open is connection:
                self._open = None

    def _connect(self) -> _Connection:
        try:
            opened = open_websocket(
                self._url(),
                deadlines=self._deadlines,
                stopping=threading.Event(),
                refused=self._venue.refused_upgrade,
                per_s=self._venue.socket_limits.connects_per_s,
                ca_file=self._ca_file(),
            )
            connection = _Connection(opened, self._venue, self._plan, self._name, self._idle_s)
            connection.start()
            login = None
            if self._plan is not None and self._plan.login:
                login = PlanFrames(self._venue, self._plan, self._account).login()
            if login is not None:
                connection.log_in(login, self._deadlines.login_s)
            return connection
        except VocxError as error:
            error.outcome = "not_sent"
            raise

    def close(self) -> None:
        """Close the connection; a later request opens another."""
        with self._lock:
            connections, self._open = [self._open, *self._retired], None
            self._retired = []
        for connection in connections:
            if connection is not None:
                connection.stop()


class _Connection(threading.Thread):
    """One connection and the thread that reads it."""

    def __init__(
        self,
        connection: WebSocketConnection,
        venue: Venue,
        plan: SocketPlan | None,
        name: str,
        idle_s: float,
    ) -> None:
        super().__init__(name=f"vocx-{name}", daemon=True)
        self.usable = True
        self._connection, self._venue, self._plan = connection, venue, plan
        self._session = None if plan is None else venue.open_session(plan)
        self._keepalive = None if plan is None else venue.keepalive(plan.purpose)
        self._lock = threading.Lock()
        self._pending: dict[int | str | None, PendingRequest] = {}
        self._logged_in = threading.Event()
        self._login_error: VocxError | None = None
        self._idle_ns = int(idle_s * 1e9)
        self._used_ns = self._pinged_ns = time.monotonic_ns()
        self._stopping = threading.Event()

    def log_in(self, login: ControlFrame, seconds: float) -> None:
        """Send the login and wait for its answer."""
        self._reply(TEXT, login.text.encode())
        if not self._logged_in.wait(seconds):
            self._login_error = TimedOut(f"the login was not answered within {seconds:g} s")
        if self._login_error is not None:
            self.abort()
            raise self._login_error

    def send(self, number: int, frame: bytes, pending: PendingRequest) -> bool | None:
        """Whether the frame went out whole; ``None`` when nothing of it did."""
        with self._lock:
            if not self.usable:
                return None
            self._pending[number] = pending
            self._used_ns = time.monotonic_ns()
            try:
                self._connection.send(frame)
            except LOST as error:
                self.usable = False
                self._pending.pop(number, None)
                pending.lost = str(error)
                return False
        return True

    def forget(self, number: int) -> None:
        """Nobody waits for this response any more."""
        with self._lock:
            self._pending.pop(number, None)

    def run(self) -> None:
        """Read until the end, then tell everybody who waits."""
        framing, lost = Framing(), ""
        while not lost and not self._stopping.is_set():
            try:
                data = self._connection.socket.read()
            except OSError as error:
                lost = f"the connection was reset ({error.strerror or error})"
                break
            if data == b"":
                lost = "the connection ended"
            elif data:
                received_ns = self._connection.socket.last_ns
                for message in framing.feed(data):
                    lost = lost or self._take(message, received_ns)
                if framing.broken and not lost:
                    self._reply(CLOSE, framing.broken.code.to_bytes(2, "big"))
                    lost = framing.broken.reason
            elif self._is_done():
                break
            self._ping_when_due()
        self._end(lost or "the connection was closed here")

    def _is_done(self) -> bool:
        """Nobody waits, and nobody has asked for long or will ask again."""
        idle = time.monotonic_ns() - self._used_ns > self._idle_ns
        with self._lock:
            done = not self._pending and (idle or not self.usable)
            if done:
                self.usable = False
            return done

    def _ping_when_due(self) -> None:
        """Where the venue wants pings as text; its own ping frames are answered above."""
        text = self._keepalive.ping_text if self._keepalive is not None else None
        now_ns = time.monotonic_ns()
        if text is not None and self._keepalive is not None:
            if now_ns - self._pinged_ns > self._keepalive.client_ping_s * 1e9:
                self._pinged_ns = now_ns
                self._reply(TEXT, text.encode())

    def _take(self, message: bytes | Frame, received_ns: int) -> str:
        """Handle one message; why the connection is over, if it is."""
        if isinstance(message, bytes):
            self._match(message, received_ns)
        elif message.opcode == PING:
            self._reply(PONG, message.payload)
        elif message.opcode == CLOSE:
            code, reason = close_reason(message.payload)
            self._reply(CLOSE, close_reply(message.payload))
            return f"the exchange closed the connection ({code} {reason})".replace(" )", ")")
        return ""

    def _match(self, text: bytes, received_ns: int) -> None:
        if not self._logged_in.is_set() and self._plan is not None and self._plan.login:
            self._take_login(text, received_ns)
            return
        response = self._venue.parse_response(text)
        if response is None:
            return
        with self._lock:
            pending = self._pending.pop(response.id, None)
        if pending is not None:
            pending.response = (response, text, received_ns)
            pending.done.set()

    def _take_login(self, text: bytes, received_ns: int) -> None:
        assert self._plan is not None
        try:
            decoded = self._venue.decode(text, received_ns, self._plan, self._session)
        except BadReply as error:
            decoded, self._login_error = (), error
            self._logged_in.set()
        for one in decoded:
            if isinstance(one, LoginResult):
                self._login_error = one.error
                self._logged_in.set()

    def _reply(self, opcode: int, payload: bytes) -> None:
        with self._lock:
            try:
                self._connection.send(payload, opcode)
            except LOST:
                self.usable = False

    def _end(self, why: str) -> None:
        with self._lock:
            self.usable = False
            waiting = list(self._pending.values())
            self._pending.clear()
        if not self._logged_in.is_set():
            self._login_error = self._login_error or ConnectionLost(why)
            self._logged_in.set()
        for pending in waiting:
            pending.lost = pending.lost or why
            pending.done.set()
        self._connection.socket.abort()
        self._connection.socket.close()

    def retire(self) -> None:
        """Take no further request."""
        self.usable = False

    def abort(self) -> None:
        """Give the connection up, from any thread."""
        self.usable = False
        self._connection.socket.abort()

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
