"""Many WebSocket clients in one process: ``python listeners.py URL COUNT SECONDS``.

All connections are read; the arrival times of every 25th are noted. Prints one JSON line:
``{"connected": n, "arrivals": [{update id: CLOCK_MONOTONIC ns}, ...], "frames": n}``.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time

import websocket

UPDATE_ID = re.compile(rb'"u":(\d+),"s"')


def main(url: str, count: int, seconds: float) -> None:
    poll = selectors.DefaultSelector()
    clients = [websocket.create_connection(url, timeout=20) for _ in range(count)]
    sampled: dict[int, dict[int, int]] = {}
    for number, client in enumerate(clients):
        client.sock.setblocking(False)
        if number % 25 == 0:
            sampled[client.sock.fileno()] = {}
        poll.register(client.sock, selectors.EVENT_READ)
    print("ready", flush=True)
    size = 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for key, _ in poll.select(0.1):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            try:
                data = sock.recv(1 << 16)
            except BlockingIOError:
                continue
            size += len(data)
            notes = sampled.get(key.fd)
            if notes is not None:
                now = time.monotonic_ns()
                for match in UPDATE_ID.finditer(data):
                    notes.setdefault(int(match[1]), now)
    alive = sum(client.sock.fileno() >= 0 for client in clients)
    print(json.dumps({"connected": alive, "arrivals": list(sampled.values()), "bytes": size}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
