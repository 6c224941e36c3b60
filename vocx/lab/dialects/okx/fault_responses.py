"""OKX's own answers and frames for the switchable faults."""

from __future__ import annotations

import re

from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.okx.wire import Refusal
from vocx.lab.dialects.shared.faults import Fault

_CODES = {"timeout": "50004", "internal": "50026", "overloaded": "50001", "limited": "50011"}


def instead(fault: Fault) -> HttpOut | None:
    """What a fault answers in place of the real answer; ``None``: it only touches the answer."""
    if fault.name in _CODES:
        return Refusal(_CODES[fault.name]).answer()
    return None if fault.page_status is None else page(fault.page_status)


def refused_upgrade(fault: Fault) -> HttpOut:
    """A refused upgrade."""
    return page(fault.page_status or 503)


def page(status: int) -> HttpOut:
    """What stands before the venue answers."""
    body = f"<html><body><h1>{status}</h1></body></html>".encode()
    return HttpOut(status=status, headers={"Content-Type": "text/html"}, body=body)


class Shapes:
    """Frames that no client knows."""

    def unknown_event(self, payload: bytes) -> bytes:
        """Of a channel that is not there."""
        return re.sub(rb'"channel":"[^"]*"', b'"channel":"news"', payload, count=1)

    def huge(self, size: int) -> bytes:
        """Well-formed."""
        return b'{"arg":{"channel":"huge"},"data":["' + b"x" * size + b'"]}'
