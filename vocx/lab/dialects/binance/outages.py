"""Binance's own bodies for the switchable faults.

451 with code 0 and the text: seen on REST and on upgrades since 2022; 410 as nginx HTML: seen on
the listenKey paths since 2026-02-20; the 5xx texts are documented in errors.md (2026-07-21), their
statuses are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.binance.wire import HTML_TYPE, JSON_TYPE, Refusal, encode
from vocx.lab.faults import Fault

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


def json_answer(status: int, body: Any, headers: Mapping[str, str] | None = None) -> HttpOut:
    """A JSON answer with the content type that the official SDK insists on."""
    return HttpOut(
        status=status,
        headers={"Content-Type": JSON_TYPE, **(headers or {})},
        body=encode(body),
    )


def refused(refusal: Refusal) -> HttpOut:
    """An error as REST answers it."""
    body = {"code": refusal.code, "msg": refusal.msg}
    return json_answer(refusal.status, body, refusal.headers)


def internal_error() -> HttpOut:
    """What goes wrong inside is -1000."""
    return refused(_JSON["internal"])


def instead(fault: Fault) -> HttpOut | None:
    """What a fault answers in place of the real answer; ``None``: it only touches the answer."""
    if fault.name in _JSON:
        return refused(_JSON[fault.name])
    if fault.name == "forbidden":
        return html(403)
    if fault.name == "gone":
        return html(410)
    if fault.name == "html":
        return html(int(fault.options["status"]))
    if fault.name == "lost_request":
        return HttpOut(status=503, headers={}, body=b"", delay_ns=None)
    return None


def refusal_of(fault: Fault) -> Refusal | None:
    """The same for the WebSocket API, which has no HTML."""
    if fault.name in _JSON:
        return _JSON[fault.name]
    status = {"forbidden": 403, "gone": 410, "html": fault.options.get("status")}.get(fault.name)
    if status is None:
        return None
    return Refusal(-1000, _JSON["internal"].msg, status=int(status))


def refused_dial(fault: Fault) -> HttpOut:
    """A refused upgrade."""
    if fault.name == "region":
        return refused(_JSON["region"])
    status = int(fault.options["status"])
    after = fault.options["retry_after"]
    headers = {} if after is None else {"Retry-After": str(after)}
    if status == 451:
        answer = refused(_JSON["region"])
    elif status == 429:
        answer = refused(Refusal(-1003, "Too many connections.", status=429))
    else:
        answer = html(status)
    return HttpOut(status=status, headers={**answer.headers, **headers}, body=answer.body)
