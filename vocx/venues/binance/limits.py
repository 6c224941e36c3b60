"""Binance's limits: the table, and the exchange's own word on them and on what is used.

``rateLimits`` of ``exchangeInfo`` and the ``X-MBX-`` headers of every reply (rest-api.md of
2026-07).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from vocx.venues.base import Limit, Usage
from vocx.venues.base.reading import UNREADABLE, Identifier, whole_number

LIMITS = (
    Limit(bucket="weight", amount=6000, window_s=60, source="CHANGELOG 2023-08-25, per address"),
    Limit(bucket="requests", amount=300_000, window_s=300, source="CHANGELOG 2026-03-27"),
    Limit(
        bucket="orders",
        amount=100,
        window_s=10,
        per="account",
        source="exchangeInfo seen 2025-06 to 2026-08",
    ),
    Limit(
        bucket="orders",
        amount=200_000,
        window_s=86_400,
        per="account",
        source="exchangeInfo, as above",
    ),
)
_HEADER = re.compile(r"x-mbx-(used-weight|order-count)-([0-9]{1,3})([smhd])", re.IGNORECASE)
_HEADER_BUCKETS = {"used-weight": "weight", "order-count": "orders"}
_HEADER_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_usage(headers: Mapping[str, str]) -> list[Usage]:
    """Used weight and orders as a reply's headers tell them."""
    found: list[Usage] = []
    for name, value in headers.items():
        named, used = _HEADER.fullmatch(name), whole_number(value)
        if named is not None and used is not None:
            kind, count, unit = named.groups()
            window_s = float(int(count) * _HEADER_SECONDS[unit.lower()])
            bucket = _HEADER_BUCKETS[kind.lower()]
            found.append(Usage(bucket=bucket, used=used, window_s=window_s))
    return found


class _Limit(msgspec.Struct):
    rateLimitType: str
    interval: str
    intervalNum: Identifier
    limit: Identifier


class _Limits(msgspec.Struct):
    rateLimits: list[_Limit] = []


_limits_body = msgspec.json.Decoder(_Limits).decode
_BUCKETS = {"REQUEST_WEIGHT": "weight", "ORDERS": "orders", "RAW_REQUESTS": "requests"}
_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}


def parse_limits(body: bytes) -> list[Limit]:
    """The limits that an ``exchangeInfo`` states; empty for any other body."""
    try:
        stated = _limits_body(body).rateLimits
    except UNREADABLE:
        return []
    return [
        Limit(
            bucket=_BUCKETS[one.rateLimitType],
            amount=one.limit,
            window_s=one.intervalNum * _SECONDS[one.interval],
            per="account" if one.rateLimitType == "ORDERS" else "address",
            source="exchangeInfo, as it was told",
        )
        for one in stated
        if one.rateLimitType in _BUCKETS
        and one.interval in _SECONDS
        and one.limit > 0
        and 0 < one.intervalNum <= 1000
    ]
