"""The raw wire, for lessons that look at it: one connection, and everything it says.

No threads and no state: ``connect`` is websocket-client's blocking connection, ``listen`` takes
down what arrives, pings and pongs included. Programs use :class:`vocx.stream.Stream` instead.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import websocket

if TYPE_CHECKING:
    from vocx.lab import Lab


class ReceivedFrame(msgspec.Struct, frozen=True):
    """One frame.

    Attributes
    ----------
    at_s : float
        When this machine had read it, in seconds since it began to listen.
    kind : str
        ``"text"``, ``"ping"``, ``"pong"`` or ``"close"``.
    text : str
        What it carries; of a close its code and reason.
    """

    at_s: float
    kind: str
    text: str

    @property
    def name(self) -> str:
        """The stream of a combined message, ``"answer"`` for one to a command, else the kind."""
        if self.kind != "text":
            return self.kind
        message: Any = json if isinstance(json := msgspec.json.decode(self.text), dict) else {}
        return str(message.get("stream", "answer" if "id" in message else self.kind))

    def __str__(self) -> str:
        return f"{self.at_s:5.2f} s  {self.kind:<6}{self.text}"


class _SilentClient(websocket.WebSocket):
    """A client that never answers a ping."""

    def pong(self, payload: str | bytes = "") -> None:
        """Nothing."""


def connect(
    lab: Lab,
    path: str = "/ws",
    *,
    venue: str = "binance",
    timeout_s: float = 5.0,
    answer_pings: bool = True,
) -> websocket.WebSocket:
    """An open WebSocket of websocket-client: ``.send(text)``, ``.recv()``, ``.ping()``.

    It gets a connected socket, because with only a URL the library would hand even 127.0.0.1 to
    a proxy that the environment names. A read that waits ``timeout_s`` raises. The library
    answers the server's pings while it reads, unless ``answer_pings`` is False.
    """
    url = lab.url(venue, "ws")
    where = urlsplit(url)
    assert where.hostname is not None and where.port is not None
    plain = socket.create_connection((where.hostname, where.port), timeout_s)
    kind = websocket.WebSocket if answer_pings else _SilentClient
    ws = websocket.create_connection(url + path, socket=plain, class_=kind)
    ws.settimeout(timeout_s)
    return ws


def listen(ws: websocket.WebSocket, seconds: float) -> list[ReceivedFrame]:
    """Everything that arrives in so many seconds, or until the connection is closed.

    Frames that came before and were not read yet count, at the very beginning.
    """
    frames: list[ReceivedFrame] = []
    start, patience = time.monotonic(), ws.gettimeout()
    try:
        while (left := start + seconds - time.monotonic()) > 0:
            ws.settimeout(left)
            code, data = ws.recv_data(control_frame=True)
            kind = websocket.ABNF.OPCODE_MAP[code]
            frames.append(ReceivedFrame(time.monotonic() - start, kind, _text(kind, data)))
            if kind == "close":
                break
    except websocket.WebSocketTimeoutException:
        pass
    except (websocket.WebSocketException, OSError) as error:
        text = f"1006 no close frame: {error}"
        frames.append(ReceivedFrame(time.monotonic() - start, "close", text))
    finally:
        ws.settimeout(patience)
    return frames


def _text(kind: str, data: bytes) -> str:
    if kind == "close" and len(data) >= 2:
        return f"{int.from_bytes(data[:2], 'big')} {data[2:].decode(errors='replace')}".strip()
    return data.decode(errors="replace")


def timeline(frames: Sequence[ReceivedFrame], *, height: int = 250) -> Any:
    """A figure with one row a stream and one mark a message, by when this machine had read it."""
    from vocx import figures

    rows: dict[str, list[float]] = {}
    for one in sorted(frames, key=lambda one: (one.name, one.at_s)):
        rows.setdefault(one.name, []).append(one.at_s)
    counted = {f"{name}  ({len(at_s)})": at_s for name, at_s in rows.items()}
    return figures.moments("seconds of listening (this machine's clock)", counted, height=height)
