"""Listen to the best bid and ask by WebSocket, and come back whenever the line is lost.

Usage: python -m vocx.course.clients.survive WS_URL SYMBOL [LINES]
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import websocket
from websocket import ABNF

GOOD_S = 30.0
"""A line that held this long was a good one: the next loss is a first loss again."""
QUIET_S = 15.0
"""A feed that says nothing for so long is connected anew. The market may only be quiet: then one
connection was wasted, of the 300 in 5 minutes that the exchange allows."""


def survived(url: str, symbol: str, quiet_s: float = QUIET_S) -> Iterator[tuple[str, str] | None]:
    """The best prices at every change; ``None`` when the line was lost: not known from now on."""
    # The URL names the stream, so each connection subscribes anew.
    stream = f"{url}/ws/{symbol.lower()}@bookTicker"
    for message in messages(lambda: websocket.create_connection(stream, timeout=quiet_s), quiet_s):
        if message is None:
            yield None
        elif "b" in message:
            yield message["b"], message["a"]


def messages(
    connect: Callable[[], Any], quiet_s: float, *, pings_count: bool = False
) -> Iterator[dict[str, Any] | None]:
    """What comes over a line that is connected anew whenever it ends; ``None`` after each end, so
    that nobody takes what was known for what is known."""
    failures = 0
    while True:
        born, least_s = time.monotonic(), 0.0
        try:
            yield from life(connect(), quiet_s, pings_count)
        except (OSError, websocket.WebSocketException) as error:
            print(f"lost: {error}", file=sys.stderr)
            told = getattr(error, "resp_headers", None) or {}
            least_s = float(told.get("retry-after", 0))
        yield None
        failures = 0 if time.monotonic() - born > GOOD_S else failures + 1
        # Chance keeps a thousand clients from coming back in the same millisecond.
        time.sleep(max(least_s, random.uniform(0.25, 0.5 * 2 ** min(failures, 6))))


def life(line: Any, quiet_s: float, pings_count: bool) -> Iterator[dict[str, Any]]:
    """One connection to its end. Data proves that a feed lives; a ping only proves the socket."""
    heard = time.monotonic()
    try:
        while time.monotonic() - heard < quiet_s:
            kind, data = line.recv_data(control_frame=True)  # it answers pings by itself
            if kind == ABNF.OPCODE_CLOSE:
                raise ConnectionError(f"closed by the exchange: {data!r}")
            if kind == ABNF.OPCODE_TEXT:
                message = read(data)
                if message.get("e") == "serverShutdown":
                    raise ConnectionError("the exchange said that it goes down")
                yield message
            if kind == ABNF.OPCODE_TEXT or pings_count:
                heard = time.monotonic()
        raise TimeoutError(f"nothing for {quiet_s:g} s")
    finally:
        line.shutdown()


def read(data: bytes) -> dict[str, Any]:
    """A message; one that is spoilt is empty, and no reason to hang up."""
    with suppress(ValueError):
        if isinstance(message := json.loads(data), dict):
            return message
    return {}


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else None
    with suppress(KeyboardInterrupt):
        for quote in islice(survived(sys.argv[1], sys.argv[2]), count):
            print("unknown" if quote is None else " ".join(quote), flush=True)
