"""The next connection of a socket, made while the one before still serves.

A venue that announces the end of a connection leaves time to do without an outage: open a second
one, log in, subscribe, wait until everything is acknowledged, and let both run side by side for a
moment, so that whatever is on its way on the old one arrives. What the new one brings meanwhile is
held and replayed afterwards; channels drop what they know already.

A :class:`Successor` has a thread of its own until it is taken; nothing else reads its socket.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from vocx.errors import BadReply, ConnectionLost, VocxError
from vocx.stream.framing import CLOSE, PING, PONG, Frame, Framing
from vocx.stream.session import Send, Session
from vocx.stream.socket import LOST, TEXT, WebSocketConnection
from vocx.stream.socket import PING as PING_OPCODE
from vocx.venues.base import Ack, Decoded, LoginResult, Pong

OVERLAP_S = 1.0
"""How long both connections run beside each other once the new one is subscribed."""
_MOST_HELD = 100_000


class Batch(msgspec.Struct, frozen=True):
    """Text messages that one read brought, and when its first and last bytes arrived (wall
    clock)."""

    messages: list[bytes | Frame]
    first_ns: int
    last_ns: int


class Successor(threading.Thread):
    """Opens a connection, says what is to be said, and holds what comes.

    Parameters
    ----------
    open_connection : callable
        Connects; the event ends it.
    session : Session
        Everything that is to be said on it.
    decode : callable
        The venue's, with a state of this connection: acknowledgements are looked for.

    Attributes
    ----------
    ready : bool
        Subscribed for :data:`OVERLAP_S`: take it.
    error : Exception or None
        Why it came to nothing.
    framing, held :
        The frame that has begun, and what came so far; to be read after :meth:`take`.
    """

    def __init__(
        self,
        name: str,
        open_connection: Callable[[threading.Event], WebSocketConnection],
        session: Session,
        decode: Callable[[bytes, int], Sequence[Decoded]],
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.session = session
        self.ready = False
        self.error: Exception | None = None
        self.connection: WebSocketConnection | None = None
        self.framing = Framing()
        self.held: list[Batch] = []
        self._open, self._decode = open_connection, decode
        self._over = threading.Event()

    def run(self) -> None:
        """Until it is taken, dropped, or lost."""
        try:
            self.connection = self._open(self._over)
            self._warm_up(self.connection)
        except Exception as error:  # the old connection still serves; its end is told elsewhere
            self.error = error
            self.ready = False

    def take(self) -> WebSocketConnection | None:
        """Stop reading and give the connection away; ``None`` when it was lost meanwhile."""
        self._over.set()
        self.join()
        return self.connection if self.error is None else None

    def drop(self) -> None:
        """Give it up."""
        self._over.set()
        self.join(1.0)
        if self.connection is not None:
            self.connection.socket.abort()
            self.connection.socket.close()

    def _warm_up(self, connection: WebSocketConnection) -> None:
        session, complete_ns = self.session, 0
        session.on_connect(time.monotonic_ns())
        while not self._over.is_set():
            now_ns = time.monotonic_ns()
            said = session.due(now_ns)
            if said is not None:
                text = said.text or str(now_ns)
                opcode = TEXT if isinstance(said, Send) or said.text else PING_OPCODE
                connection.send(text.encode(), opcode)
            data = connection.socket.read()
            now_ns = time.monotonic_ns()
            if data == b"":
                raise ConnectionLost("the next connection ended before it was taken")
            if data:
                self._hold(connection, data, now_ns)
            overdue = session.overdue(now_ns)
            if overdue is not None:
                raise ConnectionLost(f"the next connection: {overdue}")
            if session.complete:
                complete_ns = complete_ns or now_ns
                self.ready = now_ns - complete_ns >= OVERLAP_S * 1e9

    def _hold(self, connection: WebSocketConnection, data: bytes, now_ns: int) -> None:
        pong, texts = False, list[bytes | Frame]()
        for message in self.framing.feed(data):
            if isinstance(message, Frame):
                if message.opcode == CLOSE:
                    raise ConnectionLost("the next connection was closed before it was taken")
                if message.opcode == PING:
                    with suppress(*LOST):
                        connection.send(message.payload, PONG)
                pong = pong or message.opcode == PONG
                continue
            texts.append(message)
            with suppress(BadReply):  # counted when it is replayed
                pong = self._note(message, connection.socket.first_ns) or pong
        self.session.on_bytes(now_ns, pong)
        if texts:
            socket = connection.socket
            self.held.append(Batch(texts, socket.first_ns, socket.last_ns))
        if self.framing.broken is not None or len(self.held) > _MOST_HELD:
            raise ConnectionLost("the next connection brought what cannot be held")

    def _note(self, message: bytes, arrived_ns: int) -> bool:
        """Look for answers to what was said; whether a pong is among them."""
        pong = False
        for one in self._decode(message, arrived_ns):
            refused: VocxError | None = None
            if isinstance(one, LoginResult):
                refused = self.session.on_login(one)
            elif isinstance(one, Ack):
                refused = self.session.on_ack(one)
            elif isinstance(one, Pong):
                pong = True
            if refused is not None:
                raise refused
        return pong
