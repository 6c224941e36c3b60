"""A server that knows nothing but to send: ready-made WebSocket frames as fast as they go.

``python blast.py FILE`` serves the combined-stream frames in FILE (one JSON text a line) to each
client that connects, framed beforehand, and prints its port. It is the same sender for every
client that the benchmark compares.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
import sys
import threading
from pathlib import Path

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def framed(payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def serve(client: socket.socket, wire: bytes) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        request += client.recv(4096)
    key = next(
        line.split(b":", 1)[1].strip()
        for line in request.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key:")
    )
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    try:
        client.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + wire)
        while client.recv(4096):
            pass
    except OSError:
        pass
    finally:
        client.close()


def main(file: str) -> None:
    wire = b"".join(framed(line) for line in Path(file).read_bytes().splitlines() if line)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    # Ends with the benchmark, however that ends.
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, wire), daemon=True).start()


if __name__ == "__main__":
    main(sys.argv[1])
