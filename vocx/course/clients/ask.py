"""Ask for the best bid and ask by REST, once a second, on a kept connection.

Usage: python -m vocx.course.clients.ask REST_URL SYMBOL [LINES]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import requests

Quote = tuple[str, str]
"""Best bid and ask, as the exchange's text: exact, and a float would not be."""


def once(session: requests.Session, url: str, symbol: str) -> requests.Response:
    """One question; a call without a time-out could wait for ever."""
    return session.get(f"{url}/api/v3/ticker/bookTicker", params={"symbol": symbol}, timeout=5)


def asked(url: str, symbol: str, every_s: float = 1.0) -> Iterator[Quote | None]:
    """The best prices every ``every_s``; ``None`` where no answer came: not known."""
    session = requests.Session()
    while True:
        wait_s, quote = every_s, None
        try:
            reply = once(session, url, symbol)
            if reply.ok:
                quote = reply.json()["bidPrice"], reply.json()["askPrice"]
            else:
                # The exchange's own words say why, and after 429 or 418 how long to keep quiet.
                print(f"refused: {reply.status_code} {reply.text}", file=sys.stderr)
                wait_s = float(reply.headers.get("Retry-After", every_s))
        except requests.RequestException as error:
            print(f"no answer: {error}", file=sys.stderr)
        yield quote
        time.sleep(wait_s)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    count = int(sys.argv[3]) if len(sys.argv) > 3 else None
    with suppress(KeyboardInterrupt):
        for line in islice(asked(sys.argv[1], sys.argv[2]), count):
            print("unknown" if line is None else " ".join(line), flush=True)
