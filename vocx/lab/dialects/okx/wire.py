"""What OKX says in words and numbers: refusals, parameters, ids, bars. (Docs-v5, error codes,
edition of 2026-07-28.)"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vocx.lab.dialects.base import HttpOut
from vocx.lab.dialects.shared.reading import Written, encode
from vocx.lab.events import Interval

JSON = {"Content-Type": "application/json"}
ORDER_BASE = 2_500_000_000_000_000_000
"""Order ids are texts above 2**53: the lab's number is added to this."""
TEXTS: Mapping[str, str] = {
    "50000": "Body for a POST request cannot be empty.",
    "50001": "Service temporarily unavailable. Please try again later.",
    "50002": "JSON syntax error",
    "50004": "API endpoint request timeout",
    "50011": "Too Many Requests",
    "50026": "System error. Please try again later.",
    "50101": "APIKey does not match current environment.",
    "50102": "Timestamp request expired",
    "50103": 'Request header "OK-ACCESS-KEY" cannot be empty.',
    "50104": 'Request header "OK-ACCESS-PASSPHRASE" cannot be empty.',
    "50105": 'Request header "OK-ACCESS-PASSPHRASE" incorrect.',
    "50106": 'Request header "OK-ACCESS-SIGN" cannot be empty.',
    "50107": 'Request header "OK-ACCESS-TIMESTAMP" cannot be empty.',
    "50110": "Your IP is not included in your API key's IP whitelist.",
    "50111": "Invalid OK-ACCESS-KEY",
    "50112": "Invalid OK-ACCESS-TIMESTAMP",
    "50113": "Invalid Sign",
    "50115": "Invalid request method.",
    "50120": "This API key doesn't have permission to use this function",
    "51001": "Instrument ID, Instrument ID code or Spread ID doesn't exist.",
    "51003": "Either client order ID or order ID is required.",
    "51006": "Order price is not within the price limit",
    "51008": "Order failed. Insufficient {} balance in account",
    "51010": "You can't complete this request under your current account mode.",
    "51015": "Instrument ID does not match instrument type.",
    "51016": "Duplicated client order ID",
    "51020": "Your order should meet or exceed the minimum order amount.",
    "51025": "The order count exceeds the upper limit of 500.",
    "51111": "Maximum 20 orders can be placed in bulk",
    "51121": "Order quantity must be a multiple of the lot size.",
    "51204": "The price can't be empty for limit orders.",
    "51400": "Cancellation failed as the order has been filled, canceled or does not exist.",
    "51406": "Order count exceeds the limit of 20",
    "51500": "You must enter a price, quantity, or TP/SL",
    "51501": "Maximum 20 orders can be modified",
    "51503": "Order modification failed as the order has been filled, canceled or does not exist.",
    "51071": "You've reached the maximum limit for tag level cancel all after timers.",
    "51511": "Operation failed as the order price doesn't meet the requirement for Post Only.",
    "51603": "Order does not exist",
    "54036": "You cannot place fok orders with the cancel-both self-trade prevention mode.",
    "60004": "Invalid timestamp",
    "60005": "Invalid apiKey",
    "60006": "Timestamp request expired",
    "60007": "Invalid sign",
    "60009": "Login failed.",
    "60011": "Please log in",
    "60013": "Invalid args",
    "60014": "Requests too frequent",
    "60024": "Wrong passphrase",
    "60028": "The current operation is not supported by this URL. Please use the correct WebSocket "
    "URL for the operation.",
    "60031": "The WebSocket endpoint does not allow multiple or repeated logins.",
    "64003": "Your trading fee tier doesn't meet the requirement to access this channel",
}
STATUS: Mapping[str, int] = {
    **dict.fromkeys(("50000", "50002", "50004", "50014", "50015", "51000"), 400),
    **dict.fromkeys(("51501", "51406"), 400),
    **dict.fromkeys(("50101", "50102", "50103", "50104", "50105", "50106", "50107"), 401),
    **dict.fromkeys(("50110", "50111", "50112", "50113"), 401),
    "50001": 503,
    "50011": 429,
    "50026": 500,
    "50115": 405,
}
BARE = frozenset({"50011", "50102", "50113"})
"""Refusals that the gateway writes, without ``data``."""


class Refusal(Exception):
    """A request is refused."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.message = TEXTS.get(code, "") if message is None else message

    def answer(self) -> HttpOut:
        """By REST."""
        body: dict[str, Any] = {"code": self.code, "msg": self.message, "data": []}
        if self.code in BARE:
            del body["data"]
        return HttpOut(status=STATUS.get(self.code, 200), headers=JSON, body=encode(body))


class Declined(Refusal):
    """One order of a request is refused: a row with an ``sCode``."""


def missing(name: str) -> Refusal:
    return Refusal("50014", f"Parameter {name} can not be empty.")


def wrong(name: str) -> Refusal:
    return Refusal("51000", f"Parameter {name} error")


# -- reading -----------------------------------------------------------------------------------


def text_of(given: Mapping[str, Any], name: str) -> str:
    """A parameter as text; absent, ``""`` and ``null`` are the same."""
    value = given.get(name)
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | Written):
        return str(value)
    raise wrong(name)


def needed(given: Mapping[str, Any], name: str) -> str:
    """The same, and it must be there."""
    found = text_of(given, name)
    if not found:
        raise missing(name)
    return found


def decimal(given: Mapping[str, Any], name: str) -> Decimal | None:
    """A positive number."""
    found = text_of(given, name)
    if not found:
        return None
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{0,15})?", found) or not Decimal(found):
        raise wrong(name)
    return Decimal(found)


def whole(given: Mapping[str, Any], name: str) -> int | None:
    """A whole number."""
    found = text_of(given, name)
    if not found:
        return None
    if not re.fullmatch("[0-9]{1,19}", found):
        raise wrong(name)
    return int(found)


def amount(value: Decimal) -> str:
    """An exact number without an exponent or needless zeros."""
    return format(value.normalize(), "f") if value else "0"


# -- bars --------------------------------------------------------------------------------------

_CHINA_S = 8 * 3600
_MINUTES = {f"{n}m": n * 60 for n in (1, 3, 5, 15, 30)} | {f"{n}H": n * 3600 for n in (1, 2, 4)}
_LONG = {
    "6H": Interval(seconds=6 * 3600),
    "12H": Interval(seconds=12 * 3600),
    **{f"{n}D": Interval(seconds=n * 86_400) for n in (1, 2, 3)},
    "1W": Interval(seconds=604_800),
    "1M": Interval(months=1),
    "3M": Interval(months=3),
}
BARS: Mapping[str, Interval] = {
    "1s": Interval(seconds=1),
    **{name: Interval(seconds=seconds) for name, seconds in _MINUTES.items()},
    **{
        name: Interval(seconds=one.seconds, months=one.months, offset_s=_CHINA_S)
        for name, one in _LONG.items()
    },
    **{f"{name}utc": one for name, one in _LONG.items()},
}
"""Bars of six hours and more are aligned to UTC+8 without the suffix ``utc``."""
