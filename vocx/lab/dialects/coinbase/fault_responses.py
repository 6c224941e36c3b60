"""Coinbase's own answers and frames for the switchable faults."""

from __future__ import annotations

import re

from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.coinbase.wire import Refusal, page, refused
from vocx.lab.dialects.shared.faults import Fault
from vocx.lab.dialects.shared.numbers import NS_PER_S

INTERNAL = Refusal(500, "INTERNAL", "Internal error")


class FaultResponses:
    """See :class:`vocx.lab.dialects.shared.faults.FaultResponses`."""

    def instead(self, fault: Fault, now_ns: int) -> HttpOut | None:
        """Nothing is published about troubles of the server; pages are what stands in front of it
        (choices)."""
        if fault.name == "internal":
            return refused(INTERNAL)
        if fault.name == "limited":
            reset = (now_ns + int(float(fault.options["reset_s"]) * NS_PER_S)) // NS_PER_S
            headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
            return refused(Refusal(429, "RATE_LIMIT_EXCEEDED", "Too many requests", headers))
        status = {"timeout": 504, "overloaded": 503}.get(fault.name, fault.page_status)
        return None if status is None else page(status)

    def refused_upgrade(self, fault: Fault, now_ns: int) -> HttpOut:
        """A page, as from what stands in front of the exchange."""
        return page(fault.page_status or 503)

    def unknown_event(self, payload: bytes) -> bytes:
        """The message as one of another channel."""
        return re.sub(rb'"channel":"[a-z0-9_]*"', b'"channel":"news"', payload, count=1)

    def huge(self, size: int) -> bytes:
        """A snapshot of a product that nobody has asked for."""
        row = (
            b'{"side":"bid","event_time":"1970-01-01T00:00:00Z","price_level":"1",'
            b'"new_quantity":"1"},'
        )
        rows = row * (size // len(row) + 1)
        head = b'{"channel":"l2_data","events":[{"type":"snapshot","product_id":"HUGE-USD",'
        return head + b'"updates":[' + rows[:-1] + b"]}]}"
