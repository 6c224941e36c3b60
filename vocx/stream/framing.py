"""WebSocket frames out of a byte stream (RFC 6455, client side), with no socket in sight.

Strategy: the reader hands over whatever one ``recv`` gave (up to 64 KB, often hundreds of
frames), and gets back everything that is complete. The common case, an unfragmented text frame,
costs a few index operations; everything else takes the slow branch.

Rules, by section of the RFC: a server never masks (5.1); reserved bits are 0, because no extension
was negotiated (5.2); control frames are whole and at most 125 bytes, and may come between the
fragments of a message (5.4, 5.5); text is strict UTF-8 (8.1); a close code is one that may be sent
(7.4). What breaks a rule ends the connection with 1002, 1007 or 1009; messages before it count.
"""

from __future__ import annotations

from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_WHOLE_TEXT = 0x80 | TEXT
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""A message above this is refused with 1009 before it is read (Coinbase's level-2 snapshot
needs more than 4 MiB)."""


class Frame(NamedTuple):
    """Anything that is not a text message: a control frame, or a binary message."""

    opcode: int
    payload: bytes


class Broken(NamedTuple):
    """The peer broke the protocol: the code to close with, and why in words."""

    code: int
    reason: str


class Framing:
    """Collects bytes, returns messages. Text messages are ``bytes``, the rest :class:`Frame`.

    Attributes
    ----------
    broken : Broken or None
        Set once, at the first violation; nothing is returned after it.
    half : bool
        Part of a frame is buffered: the peer owes us the rest.
    """

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self.broken: Broken | None = None
        self._limit = limit
        self._parts: list[bytes] = []
        self._have = 0
        self._need = 2
        self._fragments: list[bytes] = []
        self._fragment_opcode = 0
        self._fragment_bytes = 0

    @property
    def half(self) -> bool:
        return self._have > 0

    def feed(self, chunk: bytes) -> list[bytes | Frame]:
        """Every message that is complete now, in order."""
        out: list[bytes | Frame] = []
        if self.broken:
            return out
        data = chunk
        if self._parts:
            self._parts.append(chunk)
            self._have += len(chunk)
            if self._have < self._need:
                return out
            data = b"".join(self._parts)
            self._parts.clear()
        rest = self._split(data, out)
        self._have = len(data) - rest
        if self._have and not self.broken:
            self._parts.append(data[rest:])
        return out

    def _split(self, data: bytes, out: list[bytes | Frame]) -> int:
        """Append complete messages to ``out``; returns where the unfinished rest begins."""
        position, size = 0, len(data)
        self._need = 2
        while size - position >= 2:
            first, length = data[position], data[position + 1]
            start = position + 2
            if length == 126:
                if size - position < 4:
                    self._need = 4
                    break
                length = data[start] << 8 | data[start + 1]
                start += 2
            elif length == 127:
                if size - position < 10:
                    self._need = 10
                    break
                length = int.from_bytes(data[start : start + 8], "big")
                start += 8
                if self._fragment_bytes + length > self._limit:
                    return self._break(1009, f"a message of {length} bytes", size)
            elif length > 127:
                return self._break(1002, "a masked frame from a server", size)
            end = start + length
            if end > size:
                self._need = end - position
                break
            payload = data[start:end]
            position = end
            if first == _WHOLE_TEXT and not self._fragment_opcode:
                if not payload.isascii() and not self._utf8(payload):
                    return size
                out.append(payload)
            elif not self._other(first, payload, out):
                return size
        return position

    def _other(self, first: int, payload: bytes, out: list[bytes | Frame]) -> bool:
        """Fragments, binary and control frames; False when the connection is broken."""
        opcode, final = first & 0x0F, first & 0x80
        if first & 0x70:
            self._break(1002, "reserved bits are set, no extension was agreed")
        elif opcode in (CLOSE, PING, PONG):
            if not final or len(payload) > 125:
                self._break(1002, "a control frame is fragmented or above 125 bytes")
            else:
                out.append(Frame(opcode, payload))
        elif opcode in (TEXT, BINARY) and self._fragment_opcode:
            self._break(1002, "a new message inside a fragmented one")
        elif opcode == CONTINUATION and not self._fragment_opcode:
            self._break(1002, "a continuation of nothing")
        elif opcode in (TEXT, BINARY, CONTINUATION):
            self._fragment(opcode, final, payload, out)
        else:
            self._break(1002, f"unknown opcode {opcode}")
        return self.broken is None

    def _fragment(self, opcode: int, final: int, payload: bytes, out: list[bytes | Frame]) -> None:
        if opcode != CONTINUATION:
            self._fragment_opcode = opcode
        self._fragments.append(payload)
        self._fragment_bytes += len(payload)
        if self._fragment_bytes > self._limit:
            self._break(1009, f"fragments of more than {self._limit} bytes")
        elif final:
            message, opcode = b"".join(self._fragments), self._fragment_opcode
            self._fragments.clear()
            self._fragment_opcode = self._fragment_bytes = 0
            if opcode == BINARY:
                out.append(Frame(BINARY, message))
            elif self._utf8(message):
                out.append(message)

    def _utf8(self, text: bytes) -> bool:
        try:
            text.decode()
        except UnicodeDecodeError:
            self._break(1007, "text that is not UTF-8")
            return False
        return True

    def _break(self, code: int, reason: str, position: int = 0) -> int:
        self.broken = Broken(code, reason)
        return position


def close_reason(payload: bytes) -> tuple[int, str]:
    """Code and text of a close frame; 1005 when it carries none, 1002 when it is malformed, 1007
    when its text is not UTF-8."""
    if not payload:
        return 1005, ""
    code = int.from_bytes(payload[:2], "big")
    sendable = 1000 <= code <= 1014 and code not in (1004, 1005, 1006) or 3000 <= code <= 4999
    if len(payload) == 1 or not sendable:
        return 1002, f"malformed close frame {payload[:8]!r}"
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        return 1007, f"a close frame whose text is not UTF-8: {payload[:20]!r}"


def close_reply(payload: bytes) -> bytes:
    """What answers a close frame: its own code, nothing for one without, or what was wrong."""
    code, _ = close_reason(payload)
    return b"" if code == 1005 else code.to_bytes(2, "big")
