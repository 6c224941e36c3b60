"""Bybit's own bodies and frames for the switchable faults."""

from __future__ import annotations

import re

from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.bybit import limits
from vocx.lab.dialects.bybit.wire import BLOCKED, Refusal, page, refused
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.faults import Fault
from vocx.lab.dialects.shared.numbers import NS_PER_MS

UNSATISFIED = "The request could not be satisfied"
"""The title of CloudFront's other pages."""


def refusal_of(name: str) -> Refusal | None:
    """A fault as a refusal of the application, where it is one."""
    return {
        "timeout": Refusal(10000, "Server Timeout"),
        "internal": Refusal(10016, "System error. Please try again later."),
        "overloaded": Refusal(429, "The trading service is experiencing a server overload."),
        "region": Refusal(10009, "IP has been banned: region restricted."),
        "limited": Refusal(10006, "Too many visits. Exceeded the API Rate Limit."),
    }.get(name)


class FaultResponses:
    """See :class:`vocx.lab.dialects.shared.faults.FaultResponses`.

    Parameters
    ----------
    gateway : AccountGateway
        Knows how the clock is set.
    """

    def __init__(self, gateway: AccountGateway) -> None:
        self._gateway = gateway

    def instead(self, fault: Fault, now_ns: int) -> HttpOut | None:
        """A page of CloudFront, or a refusal in Bybit's words."""
        if fault.page_status is not None:
            return self.refused_upgrade(fault, now_ns)
        refusal = refusal_of(fault.name)
        if refusal is None:
            return None
        clock_ns, headers = now_ns + self._gateway.skew_ns, {}
        if fault.name == "limited":
            reset_ms = clock_ns // NS_PER_MS + int(float(fault.options["reset_s"]) * 1000)
            headers = limits.headers_of(20, 0, reset_ms)
        return refused(refusal, clock_ns, headers)

    def refused_upgrade(self, fault: Fault, now_ns: int) -> HttpOut:
        """A page, which has no time."""
        if fault.name == "region":
            return refused(page(403, BLOCKED), now_ns)
        return refused(page(fault.page_status or 503, UNSATISFIED), now_ns)

    def unknown_event(self, payload: bytes) -> bytes:
        """The message under a topic that nobody has."""
        return re.sub(rb'"topic":"[^"]*"', b'"topic":"news.BTCUSDT"', payload, count=1)

    def huge(self, size: int) -> bytes:
        """One message with a long text."""
        return b'{"topic":"huge","type":"snapshot","data":"' + b"x" * size + b'"}'
