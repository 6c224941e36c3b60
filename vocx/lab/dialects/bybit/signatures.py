"""Whose call it is at Bybit: signed requests, logins, and the window of time of a command."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vocx.lab.dialects.base import HttpIn
from vocx.lab.dialects.bybit.wire import Refusal, bad_parameter
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.endpoints import Endpoint
from vocx.lab.dialects.shared.keys import Authentication, Denied, Key, RequestWindow
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_S

AHEAD_NS = NS_PER_S
WINDOW_MS = 5000
LOGIN_AHEAD_NS = 10 * 365 * 86_400 * NS_PER_S
"""No upper bound of ``expires`` was ever seen."""
_401 = "account/wallet-balance"
"""The one endpoint that answers 401 to a call without the headers of a key, as measured."""


def key_of(
    gateway: AccountGateway, request: HttpIn, query: str, endpoint: Endpoint, now_ns: int
) -> Key:
    """Whose call it is: headers, key, time, signature, address, permission."""
    headers = request.headers
    named, time = headers.get("x-bapi-api-key"), headers.get("x-bapi-timestamp", "")
    sign = headers.get("x-bapi-sign", "")
    if not named:
        if endpoint.path == _401:
            raise Refusal(0, "401", status=401, body=b"null")
        raise bad_parameter("apiKey is missing")
    sent = headers.get("x-bapi-recv-window")
    if not re.fullmatch("[0-9]{1,15}", time) or not re.fullmatch("[0-9]{0,9}", sent or ""):
        raise bad_parameter("timestamp or recv_window is invalid")
    raw = request.body if request.method == "POST" else query.encode("utf-8", "replace")
    # Without the header the window is 5000; what is signed then is not documented.
    tried = [sent] if sent is not None else ["", str(WINDOW_MS)]
    window_ms = int(sent or WINDOW_MS)
    window = RequestWindow(int(time) * NS_PER_MS, window_ms * NS_PER_MS, AHEAD_NS)
    for text in tried:
        payload = f"{time}{named}{text}".encode() + raw
        shown = Authentication(key=named, payload=payload, signature=sign)
        try:
            return _authenticated(gateway, shown, window, now_ns, request.peer, endpoint.trade)
        except Denied as error:
            denied = error
            if denied.reason != "signature":
                break
    raise _denied(gateway, denied, payload, time, window_ms, now_ns)


def login(gateway: AccountGateway, message: Mapping[str, Any], peer: str, now_ns: int) -> Key:
    """The key of a login frame: its expiry must lie ahead, as a number or a text."""
    args = message.get("args")
    if not isinstance(args, list) or len(args) != 3:
        raise Refusal(10001, "Params Error")
    named, expires, sign = args
    if isinstance(expires, bool) or not re.fullmatch("[0-9]{1,15}", str(expires)):
        raise Refusal(10001, "Params Error")
    payload = f"GET/realtime{expires}".encode()
    window = RequestWindow(int(expires) * NS_PER_MS, -1, LOGIN_AHEAD_NS)
    named = named if isinstance(named, str) else None
    shown = Authentication(key=named, payload=payload, signature=str(sign))
    try:
        return _authenticated(gateway, shown, window, now_ns, peer)
    except Denied as denied:
        if denied.reason in ("ahead", "late"):
            raise Refusal(10001, "Params Error") from None
        raise _denied(gateway, denied, payload, str(expires), 0, now_ns) from None


def check_command(gateway: AccountGateway, header: Any, now_ns: int) -> None:
    """Whether a command of a socket that is logged in comes within its window of time."""
    given = header if isinstance(header, dict) else {}
    time = str(given.get("X-BAPI-TIMESTAMP", ""))
    window = str(given.get("X-BAPI-RECV-WINDOW") or WINDOW_MS)
    if not re.fullmatch("[0-9]{1,15}", time) or not re.fullmatch("[0-9]{1,9}", window):
        raise Refusal(10001, "X-BAPI-TIMESTAMP is invalid")
    clock_ns = now_ns + gateway.skew_ns
    try:
        RequestWindow(int(time) * NS_PER_MS, int(window) * NS_PER_MS, AHEAD_NS).check(clock_ns)
    except Denied as denied:
        raise _denied(gateway, denied, b"", time, int(window), now_ns) from None


def _authenticated(
    gateway: AccountGateway,
    shown: Authentication,
    window: RequestWindow,
    now_ns: int,
    peer: str,
    trade: bool = False,
) -> Key:
    now_ns -= (now_ns + gateway.skew_ns) % NS_PER_MS  # times are compared in milliseconds
    return gateway.authenticate(shown, window, now_ns, trade=trade, peer=peer)


def _denied(
    gateway: AccountGateway, denied: Denied, payload: bytes, time: str, window_ms: int, now_ns: int
) -> Refusal:
    """A failed check in Bybit's words."""
    clock_ms = (now_ns + gateway.skew_ns) // NS_PER_MS
    if denied.reason in ("ahead", "late"):
        return Refusal(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{time}],server_timestamp[{clock_ms}],recv_window[{window_ms}]",
        )
    if denied.reason == "signature":
        origin = payload.decode("utf-8", "replace")[:2000]
        return Refusal(
            10004,
            "Error sign, please check your signature generation algorithm: "
            f"origin_string[{origin}]",
        )
    if denied.reason == "permission":
        return Refusal(10005, "Invalid API-key, IP, or permissions for action.")
    if denied.reason == "address":
        return Refusal(10010, "Unmatched IP, please check your API key's bound IP addresses.")
    return Refusal(10003, "API key is invalid.")
