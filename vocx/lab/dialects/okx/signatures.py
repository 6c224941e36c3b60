"""Whose call it is at OKX: signed requests and logins. (Docs-v5, REST authentication and WebSocket
login, 2026-07-28.)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from vocx.lab.dialects.base import HttpIn
from vocx.lab.dialects.okx.wire import Refusal
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.endpoints import Endpoint
from vocx.lab.dialects.shared.keys import Authentication, Denied, Key, RequestWindow
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_S

HEADERS = {
    "ok-access-key": "50103",
    "ok-access-passphrase": "50104",
    "ok-access-sign": "50106",
    "ok-access-timestamp": "50107",
}
"""What a signed request has, and the refusal of one without."""


DENIED = {
    "form": "50111",
    "unknown": "50111",
    "passphrase": "50105",
    "ahead": "50102",
    "late": "50102",
    "signature": "50113",
    "permission": "50120",
    "address": "50110",
}


LOGIN_DENIED = {
    "form": "60005",
    "unknown": "60005",
    "passphrase": "60024",
    "ahead": "60006",
    "late": "60006",
    "signature": "60007",
}


def key_of(gateway: AccountGateway, request: HttpIn, endpoint: Endpoint, now_ns: int) -> Key:
    """Headers, time, key, passphrase, signature, environment, permission."""
    headers = request.headers
    for name, code in HEADERS.items():
        if not headers.get(name):
            raise Refusal(code)
    time = headers["ok-access-timestamp"]
    window = RequestWindow(_nanoseconds(time), 30 * NS_PER_S, 30 * NS_PER_S + 1)
    text = f"{time}{request.method}{request.target}".encode() + request.body
    shown = Authentication(
        key=headers["ok-access-key"],
        payload=text,
        signature=headers["ok-access-sign"],
        passphrase=headers["ok-access-passphrase"],
    )
    try:
        window.check(now_ns + gateway.skew_ns)
        key = gateway.authenticate(shown, window, now_ns, peer=request.peer)
    except Denied as denied:
        raise Refusal(DENIED[denied.reason]) from None
    if key.demo != (headers.get("x-simulated-trading") == "1"):
        raise Refusal("50101")
    if endpoint.trade and not key.trade:
        raise Refusal("50120")
    return key


def login(gateway: AccountGateway, given: Mapping[str, Any], peer: str, now_ns: int) -> Key:
    """The key of a login's argument."""
    time, key = str(given.get("timestamp", "")), given.get("apiKey")
    if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", time):
        raise Refusal("60004")
    shown = Authentication(
        key=key if isinstance(key, str) else None,
        payload=f"{time}GET/users/self/verify".encode(),
        signature=str(given.get("sign", "")),
        passphrase=str(given.get("passphrase", "")),
    )
    sent_ns = int(float(time) * 1000) * NS_PER_MS
    window = RequestWindow(sent_ns, 30 * NS_PER_S, 31 * NS_PER_S)
    try:
        return gateway.authenticate(shown, window, now_ns, peer=peer)
    except Denied as denied:
        raise Refusal(LOGIN_DENIED.get(denied.reason, "60009")) from None


def _nanoseconds(text: str) -> int:
    """An ISO time in UTC with exactly milliseconds."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z", text):
        raise Refusal("50112")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal("50112") from None
    return int(moment.timestamp() * 1000) * 1_000_000
