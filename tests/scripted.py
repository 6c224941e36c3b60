"""A server on loopback that answers exactly the bytes a test tells it to."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any

BODY = b'{"serverTime":1795334520000}'


def http(status: str = "200 OK", body: bytes = BODY, *headers: str) -> bytes:
    """A whole HTTP reply."""
    head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


class Scripted:
    """A server on loopback: one entry of the script for each request, whatever the connection.

    ``bytes`` are sent; ``"close"`` ends the connection with nothing said; ``"reset"`` resets it;
    ``"hang"`` says nothing and keeps it open; ``"dribble"`` sends a byte at a
    time; ``("cut", bytes)`` sends and then closes.
    """

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.requests: list[bytes] = []
        self.connections = 0
        self._done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(peer,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        with peer:
            peer.settimeout(0.05)
            while not self._done.is_set():
                request = self._read(peer)
                if not request:
                    return
                self.requests.append(request)
                if not self._answer(peer, self.script.pop(0) if self.script else http()):
                    return

    def _read(self, peer: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data and not self._done.is_set():
            try:
                chunk = peer.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return b""
            if not chunk:
                return b""
            data += chunk
        return data

    def _answer(self, peer: socket.socket, step: Any) -> bool:
        if step == "hang":
            self._done.wait(20)
        elif step == "dribble":
            self._dribble(peer)
        elif step == "reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif isinstance(step, tuple):
            peer.sendall(step[1])
        elif isinstance(step, bytes):
            peer.sendall(step)
            return b"Connection: close" not in step
        return False

    def _dribble(self, peer: socket.socket) -> None:
        with suppress(OSError):
            for byte in http(body=b"x" * 1000):
                peer.sendall(bytes([byte]))
                self._done.wait(0.01)

    def close(self) -> None:
        self._done.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(2)
