"""Which replies go out compressed.

Binance says nothing of it; replies of api.binance.com that people have pasted do (all to clients
that sent ``Accept-Encoding: gzip, deflate``). Compressed: one symbol's 24 h ticker to 300 bytes
(ccxt pull request 19895, 2023-11-09) and 500 candles to 26,998 (ccxt issue 11033, 2022-01-11).
As they are: bodies of 28 and 45 bytes (python-binance pull request 1638, 2025-12-01) and a refusal
of 148 (2023-05-15). So the line is drawn somewhere from 149 to about 560 bytes, and not documented.
"""

from __future__ import annotations

import zlib

import msgspec

from vocx.lab.dialects.base import HttpIn, HttpOut

LEAST_BYTES = 512
LEVEL = 6
"""What the sizes above were made with, to within 1 %."""
QUICK_LEVEL, QUICK_BYTES = 1, 64 * 1024
"""For larger bodies: all clients of the lab wait for its one loop (10 ms for 1,000 candles)."""


def encoded(request: HttpIn, answer: HttpOut) -> HttpOut:
    """The answer as this client gets it: large JSON gzipped, if it can take that."""
    body, kind = answer.body, answer.headers.get("Content-Type", "")
    if len(body) < LEAST_BYTES or not kind.startswith("application/json"):
        return answer
    if not takes_gzip(request.headers.get("accept-encoding", "")):
        return answer
    level = LEVEL if len(body) <= QUICK_BYTES else QUICK_LEVEL
    packer = zlib.compressobj(level, zlib.DEFLATED, 31)
    packed = packer.compress(body) + packer.flush()
    headers = {**answer.headers, "Content-Encoding": "gzip"}
    return msgspec.structs.replace(answer, body=packed, headers=headers)


def takes_gzip(accepted: str) -> bool:
    """Whether an ``Accept-Encoding`` header allows gzip (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, parameters = part.partition(";")
        key, _, value = parameters.partition("=")
        try:
            weights[name.strip()] = float(value) if key.strip() == "q" else 1.0
        except ValueError:
            weights[name.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0
