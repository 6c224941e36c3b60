"""Binance's own bodies and frames for the switchable faults.

451 with code 0 and the text: seen on REST and on upgrades since 2022; 410 as nginx HTML: seen on
the listenKey paths since 2026-02-20; the 5xx texts are documented in errors.md (2026-07-21), their
statuses are not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.binance.wire import HTML_TYPE, Refusal, refused
from vocx.lab.dialects.shared.faults import Fault

RESTRICTED = (
    "Service unavailable from a restricted location according to 'b. Eligibility' in "
    "https://www.binance.com/en/terms. Please contact customer service if you believe you "
    "received this message in error."
)
_JSON: Mapping[str, Refusal] = {
    "region": Refusal(0, RESTRICTED, status=451),
    "timeout": Refusal(
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status "
        "unknown.",
        status=504,
    ),
    "overloaded": Refusal(
        -1008,
        "Server is currently overloaded with other requests. Please try again in a few minutes.",
        status=503,
    ),
    "limited": Refusal(
        -1003,
        "Too much request weight used; please use WebSocket Streams for live updates.",
        status=429,
    ),
    "internal": Refusal(
        -1000, "An unknown error occurred while processing the request.", status=500
    ),
}
_REASONS = {
    403: "Forbidden",
    404: "Not Found",
    410: "Gone",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


def html(status: int) -> HttpOut:
    """A page as nginx or the firewall in front of the exchange sends it."""
    title = f"{status} {_REASONS.get(status, 'Error')}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return HttpOut(status=status, headers={"Content-Type": HTML_TYPE}, body=page.encode())


def internal_error() -> HttpOut:
    """What goes wrong inside is -1000."""
    return refused(_JSON["internal"])


def refusal_of(fault: Fault) -> Refusal | None:
    """What the WebSocket API, which has no HTML, answers in place of the real answer."""
    if fault.name in _JSON:
        return _JSON[fault.name]
    if fault.page_status is None:
        return None
    return Refusal(-1000, _JSON["internal"].msg, status=fault.page_status)


class FaultResponses:
    """See :class:`vocx.lab.dialects.shared.faults.FaultResponses`."""

    def instead(self, fault: Fault, now_ns: int) -> HttpOut | None:
        """A refusal in Binance's words, or a page."""
        if fault.name in _JSON:
            return refused(_JSON[fault.name])
        return None if fault.page_status is None else html(fault.page_status)

    def refused_upgrade(self, fault: Fault, now_ns: int) -> HttpOut:
        """A page where the venue has no words for it."""
        status = fault.page_status or 503
        if status == 451:
            return refused(_JSON["region"])
        if status == 429:
            return refused(Refusal(-1003, "Too many connections.", status=429))
        return html(status)

    def unknown_event(self, payload: bytes) -> bytes:
        """The message with another event type, wrapped as it was."""
        changed, found = _EVENT_TYPE.subn(_UNKNOWN, payload, count=1)
        return changed if found else _OPENING.sub(rb"\g<0>" + _UNKNOWN + b",", payload, count=1)

    def huge(self, size: int) -> bytes:
        """One event with a long text."""
        return b'{"e":"huge","x":"' + b"x" * size + b'"}'


_EVENT_TYPE = re.compile(rb'"e":"[^"]*"')
_OPENING = re.compile(rb'(?:^\{"stream":"[^"]*","data":)?\{')
_UNKNOWN = b'"e":"somethingNew"'
