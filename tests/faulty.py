"""A WebSocket server on loopback that misbehaves on purpose, one script per connection.

Raw sockets, no library: a library would refuse to send what these tests need.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from vocx.errors import VenueUnavailable
from vocx.stream import Stream
from vocx.venues.base import ChannelSpec, Intent
from vocx.venues.binance import Binance

Script = Callable[["Peer"], object]
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Peer:
    """One accepted connection, seen from the server."""

    def __init__(self, sock: socket.socket, over: threading.Event) -> None:
        self.sock, self.over = sock, over
        self.sock.settimeout(0.05)
        self.heard: list[tuple[int, bytes]] = []
        self.answers_pings = True
        self._buffer = b""
        self._number = 0

    def accept(self) -> None:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        key = next(
            line.split(b":", 1)[1].strip()
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"sec-websocket-key")
        )
        proof = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.sock.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
        )

    def refuse(self, status: int, *headers: str) -> None:
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        lines = [f"HTTP/1.1 {status} No", "Content-Length: 0", *headers, "", ""]
        self.sock.sendall("\r\n".join(lines).encode())

    def _more(self) -> None:
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            if self.over.is_set():
                raise ConnectionError("the test is over") from None
            return
        if not data:
            raise ConnectionError("the client went away")
        self._buffer += data

    def frame(self, opcode: int, payload: bytes, final: bool = True) -> None:
        self.sock.sendall(frame(opcode, payload, final))

    def text(self, payload: str | bytes) -> None:
        self.frame(1, payload.encode() if isinstance(payload, str) else payload)

    def close(self, code: int, reason: str = "") -> None:
        self.frame(8, struct.pack("!H", code) + reason.encode())

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def listen(self, seconds: float) -> None:
        """Take what the client says; answer pings unless told not to."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.over.is_set():
            while (found := unmask(self._buffer)) is not None:
                opcode, payload, self._buffer = found
                self.heard.append((opcode, payload))
                if opcode == 9 and self.answers_pings:
                    self.frame(10, payload)
                if opcode == 8:
                    return
            self._more()

    def acknowledge(self, count: int = 1) -> None:
        """Wait for subscriptions and say yes."""
        acked = 0
        while acked < count:
            self.listen(0.01)
            texts = [payload for opcode, payload in self.heard if opcode == 1]
            for payload in texts[acked:]:
                acked += 1
                self.text(json.dumps({"result": None, "id": json.loads(payload)["id"]}))

    def quotes(self, seconds: float = 60.0, every_s: float = 0.01) -> None:
        """Healthy quotes, one update after the other."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.over.is_set():
            self.quote()
            self.listen(every_s)

    def quote(self) -> None:
        self._number += 1
        self.text(quote(self._number))


def quote(number: int) -> str:
    price = 100 + number % 7
    return (
        f'{{"stream":"btcusdt@bookTicker","data":{{"u":{number},"s":"BTCUSDT","b":"{price}.00",'
        f'"B":"1.0","a":"{price}.01","A":"1.0"}}}}'
    )


def trade(number: int) -> str:
    return (
        '{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT",'
        f'"t":{number},"p":"100.00","q":"1.0","T":1,"m":true,"M":true}}}}'
    )


def delta(first: int, last: int) -> str:
    return (
        '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT",'
        f'"U":{first},"u":{last},"b":[["99.00","{last}.0"]],"a":[]}}}}'
    )


def frame(opcode: int, payload: bytes, final: bool = True) -> bytes:
    first = opcode | (0x80 if final else 0)
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return bytes((first, 126)) + struct.pack("!H", size) + payload
    return bytes((first, 127)) + struct.pack("!Q", size) + payload


def unmask(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first client frame and the rest; ``None`` while it is incomplete."""
    if len(data) < 6:
        return None
    size, start = data[1] & 0x7F, 2
    if size == 126:
        size, start = int.from_bytes(data[2:4], "big"), 4
    end = start + 4 + size
    if len(data) < end:
        return None
    mask = data[start : start + 4]
    payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data[start + 4 : end]))
    return data[0] & 0x0F, payload, data[end:]


class Faulty:
    """The server. Connection number n runs script n; the last script serves all further ones."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = scripts
        self.accepted: list[float] = []
        self.peers: list[Peer] = []
        self._over = threading.Event()
        self._sock = socket.create_server(("127.0.0.1", 0))
        self._sock.settimeout(0.05)
        self.url = f"ws://127.0.0.1:{self._sock.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        while not self._over.is_set():
            try:
                sock, _ = self._sock.accept()
            except TimeoutError:
                continue
            peer = Peer(sock, self._over)
            script = self.scripts[min(len(self.accepted), len(self.scripts) - 1)]
            self.accepted.append(time.monotonic())
            self.peers.append(peer)
            thread = threading.Thread(target=self._run, args=(script, peer), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, script: Script, peer: Peer) -> None:
        try:
            script(peer)
        except OSError:
            pass
        peer.sock.close()

    def __enter__(self) -> Faulty:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(2)
        for peer in self.peers:
            peer.sock.close()
        self._sock.close()


def healthy(peer: Peer) -> None:
    """Accepts, acknowledges, sends quotes until the test is over."""
    peer.accept()
    peer.acknowledge()
    peer.quotes()


def after(fault: Script) -> Script:
    """Healthy for 30 quotes, then the fault."""

    def script(peer: Peer) -> None:
        peer.accept()
        peer.acknowledge()
        for _ in range(30):
            peer.quote()
        fault(peer)

    return script


def no_rest(_: Intent, stopping: threading.Event) -> Any:
    raise VenueUnavailable("REST is down")


def listen(server: Faulty, *channels: str, **options: Any) -> Stream:
    """A stream to that server, not started; the healthy quotes by default."""
    specs = [ChannelSpec(channel=name, symbol="BTC/USDT") for name in channels or ("quotes",)]
    settings = {"ask": no_rest, **options}
    return Stream(Binance(), lambda _: server.url, specs, **settings)


def until(condition: Callable[[], object], seconds: float = 15.0, what: str = "") -> float:
    """Wait for a state; the seconds it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.002)
    return time.monotonic() - started
