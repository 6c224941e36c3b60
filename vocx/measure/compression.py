"""What compression makes of bytes that were sent without it. Pure: computed, never sent.

REST: ``Content-Encoding: gzip`` of one body alone. WebSocket: permessage-deflate with context
takeover (RFC 7692, 7.2.1): each message may refer to what the messages before it said, up to a
window of 32 KB, which is why short messages shrink at all.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

LEVEL = 6
"""zlib's own default, which servers use unless told otherwise."""
TAIL = b"\x00\x00\xff\xff"


def gzip_bytes(body: bytes) -> int:
    """The size of a body as gzip sends it, head and checksum included."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    return len(packer.compress(body)) + len(packer.flush())


def deflated_bytes(messages: Iterable[bytes]) -> list[int]:
    """The payload size of each message of one connection under permessage-deflate, in order."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    sizes = []
    for message in messages:
        sent = packer.compress(message) + packer.flush(zlib.Z_SYNC_FLUSH)
        sizes.append(len(sent.removesuffix(TAIL)))
    return sizes


def framed_bytes(payload: int, *, masked: bool = False) -> int:
    """A frame with that much payload (RFC 6455, 5.2): 2, 4 or 10 bytes on top, and from a client
    4 more of mask."""
    return payload + (2 if payload < 126 else 4 if payload < 65_536 else 10) + 4 * masked
