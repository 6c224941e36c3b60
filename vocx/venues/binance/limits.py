"""Binance's own word on its limits: ``rateLimits`` of ``exchangeInfo`` (rest-api.md of 2026-07)."""

from __future__ import annotations

import msgspec

from vocx.venues.base import Limit
from vocx.venues.base.reading import UNREADABLE, Identifier


class _Limit(msgspec.Struct):
    rateLimitType: str
    interval: str
    intervalNum: Identifier
    limit: Identifier


class _Limits(msgspec.Struct):
    rateLimits: list[_Limit] = []


_limits_body = msgspec.json.Decoder(_Limits).decode
_KINDS = {"REQUEST_WEIGHT": "weight", "ORDERS": "orders", "RAW_REQUESTS": "requests"}
_SECONDS = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}


def told_limits(body: bytes) -> list[Limit]:
    """The limits that an ``exchangeInfo`` states; empty for any other body."""
    try:
        stated = _limits_body(body).rateLimits
    except UNREADABLE:
        return []
    return [
        Limit(
            kind=_KINDS[one.rateLimitType],
            amount=one.limit,
            window_s=one.intervalNum * _SECONDS[one.interval],
            source="exchangeInfo, as it was told",
        )
        for one in stated
        if one.rateLimitType in _KINDS
        and one.interval in _SECONDS
        and one.limit > 0
        and 0 < one.intervalNum <= 1000
    ]
