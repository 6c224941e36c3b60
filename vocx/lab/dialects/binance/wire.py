"""How Binance writes times, errors and JSON (docs a5e0bc3 of 2026-07-21, section 2).

Money is text with exactly eight decimals, ids and times are integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.shared.numbers import (
    NS_PER_MS,
    NS_PER_US,
    eight_decimals,
    to_e8,
)
from vocx.lab.dialects.shared.reading import encode

JSON_TYPE = "application/json;charset=UTF-8"
"""What the official SDK insists on."""
HTML_TYPE = "text/html"
COMPRESSED_FROM_BYTES = 512
"""Binance says nothing of it; replies that people have pasted do. Compressed: one symbol's 24 h
ticker to 300 bytes (ccxt pull request 19895, 2023-11-09). As they are: bodies of 28 and 45 bytes
(python-binance pull request 1638, 2025-12-01) and a refusal of 148 (2023-05-15). The line is drawn
somewhere from 149 to about 560 bytes."""


def exact(amount: Decimal) -> str:
    """A decimal amount with eight decimals; what is finer is cut off."""
    return eight_decimals(to_e8(amount))


ZERO = eight_decimals(0)


class Refusal(Exception):
    """A documented error: HTTP status, code, exact text, and data for the WebSocket API."""

    def __init__(
        self,
        code: int,
        msg: str,
        *,
        status: int = 400,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(msg)
        self.status = status
        self.code = code
        self.msg = msg
        self.data = data
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The error object of both surfaces."""
        answer: dict[str, Any] = {"code": self.code, "msg": self.msg}
        if self.data is not None:
            answer["data"] = self.data
        return answer


def not_supported() -> Refusal:
    """-1020."""
    return Refusal(-1020, "This operation is not supported.")


def json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> HttpOut:
    """A JSON answer, compressed for clients that take that where it is long enough."""
    text = encode(body)
    return HttpOut(
        status=status,
        headers={"Content-Type": JSON_TYPE, **(headers or {})},
        body=text,
        compress=len(text) >= COMPRESSED_FROM_BYTES,
    )


def refused(refusal: Refusal) -> HttpOut:
    """An error as REST answers it; cancelReplace shows its data there as well (-2021, -2022)."""
    body: dict[str, Any] = {"code": refusal.code, "msg": refusal.msg}
    if refusal.code in (-2021, -2022):
        body = refusal.body()
    return json_answer(refusal.status, body, refusal.headers)


def last_stamp(next_open_ns: int, unit_ns: int = NS_PER_MS) -> int:
    """The last unit before ``next_open_ns``: how a bar's close time is written."""
    return -(-next_open_ns // unit_ns) - 1


def time_unit(text: str | None) -> int:
    """Nanoseconds per unit of time asked for by header or URL.

    Raises
    ------
    Refusal
        -1194 for anything but the four documented spellings.
    """
    if text is None or text in ("MILLISECOND", "millisecond"):
        return NS_PER_MS
    if text in ("MICROSECOND", "microsecond"):
        return NS_PER_US
    raise Refusal(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
