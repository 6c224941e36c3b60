"""OKX's own answers and frames for the switchable faults."""

from __future__ import annotations

import re

from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.okx.wire import Refusal
from vocx.lab.dialects.shared.faults import Fault

_CODES = {"timeout": "50004", "internal": "50026", "overloaded": "50001", "limited": "50011"}


def page(status: int) -> HttpOut:
    """What stands before the venue answers."""
    body = f"<html><body><h1>{status}</h1></body></html>".encode()
    return HttpOut(status=status, headers={"Content-Type": "text/html"}, body=body)


class FaultResponses:
    """See :class:`vocx.lab.dialects.shared.faults.FaultResponses`."""

    def instead(self, fault: Fault, now_ns: int) -> HttpOut | None:
        """A refusal in OKX's words, or a page."""
        if fault.name in _CODES:
            return Refusal(_CODES[fault.name]).answer()
        return None if fault.page_status is None else page(fault.page_status)

    def refused_upgrade(self, fault: Fault, now_ns: int) -> HttpOut:
        """A page."""
        return page(fault.page_status or 503)

    def unknown_event(self, payload: bytes) -> bytes:
        """Of a channel that is not there."""
        return re.sub(rb'"channel":"[^"]*"', b'"channel":"news"', payload, count=1)

    def huge(self, size: int) -> bytes:
        """Well-formed."""
        return b'{"arg":{"channel":"huge"},"data":["' + b"x" * size + b'"]}'
