"""Listen to the best bid and ask by WebSocket. Dies at the first cut, and says so.

Usage: python -m vocx.course.clients.listen WS_URL SYMBOL [LINES]
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import websocket


def listened(url: str, symbol: str) -> Iterator[tuple[str, str]]:
    """The best prices whenever one of them, or a quantity, changes."""
    stream = f"{url}/ws/{symbol.lower()}@bookTicker"
    for message in websocket.create_connection(stream, timeout=30):
        quote = json.loads(message)
        yield quote["b"], quote["a"]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else None
    with suppress(KeyboardInterrupt):
        for line in islice(listened(sys.argv[1], sys.argv[2]), count):
            print(" ".join(line), flush=True)
