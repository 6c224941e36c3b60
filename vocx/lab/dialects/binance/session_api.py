"""The methods that belong to one WebSocket API connection: logon and user data.

web-socket-api.md, 2026-07-21. Only Ed25519 keys can log on; afterwards requests need neither key
nor signature, but still their timestamp. A key that a request names counts for that request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from vocx.lab.dialects.binance.calls import Call
from vocx.lab.dialects.binance.office import Office
from vocx.lab.dialects.binance.params import Params, as_text, missing
from vocx.lab.dialects.binance.signatures import Key, Proof, api_payload
from vocx.lab.dialects.binance.user_data import Listener, Subscription
from vocx.lab.dialects.binance.wire import Refusal

WEIGHT = 2
Sent = Mapping[str, Any]


class Options(Protocol):
    @property
    def rate_limits(self) -> bool: ...


class ApiConnection(Listener, Protocol):
    """What these methods need of a connection."""

    options: Options
    connected_ns: int
    logon: Key | None
    logon_ns: int

    def follow(self, message: bytes) -> None:
        """Send a message right after the answer that is being made."""


class SessionMethod(msgspec.Struct, frozen=True):
    """One method: what it does, and what it costs."""

    answer: Callable[[Office, Any, Call, Sent], Any]
    weight: int = WEIGHT


def proof(logon: Key | None, params: Params, sent: Sent) -> Proof:
    """What a request shows for itself: the key that it names, else the connection's logon."""
    named = sent.get("apiKey")
    if named is None and logon is not None:
        return Proof(key=None, session=logon)
    if named is None:
        raise missing("apiKey")
    return Proof(
        key=as_text(named),
        payload=api_payload(sent),
        signature=params.text("signature") or "",
    )


def log_on(office: Office, session: ApiConnection, call: Call, sent: Sent) -> dict[str, Any]:
    """``session.logon``. Another logon takes the place of the first."""
    shown = proof(None, call.params, sent)
    key, _ = office.admitted(call, shown, (), (), lambda params: None)
    if key.public is None:
        raise Refusal(-1020, "This operation is not supported.")
    session.logon, session.logon_ns = key, call.now_ns
    return state(office, session, call, sent)


def log_out(office: Office, session: ApiConnection, call: Call, sent: Sent) -> dict[str, Any]:
    """``session.logout``: the key is forgotten, and with it its subscription."""
    no_parameters(call.params)
    session.logon = None
    _ended(office, session, call, office.users.log_out(session))
    return state(office, session, call, sent)


def status(office: Office, session: ApiConnection, call: Call, sent: Sent) -> dict[str, Any]:
    """``session.status``."""
    no_parameters(call.params)
    return state(office, session, call, sent)


def state(office: Office, session: ApiConnection, call: Call, sent: Sent) -> dict[str, Any]:
    """Who is logged on, since when."""
    key = session.logon
    shown = sent.get("returnRateLimits", session.options.rate_limits)
    return {
        "apiKey": None if key is None else key.key,
        "authorizedSince": None if key is None else call.stamp(session.logon_ns + call.skew_ns),
        "connectedSince": call.stamp(session.connected_ns + call.skew_ns),
        "returnRateLimits": shown in (True, "true"),
        "serverTime": call.stamp(call.clock_ns),
        "userDataStream": any(one.by_logon for one in office.users.active(session)),
    }


def subscribe(office: Office, session: ApiConnection, call: Call, sent: Sent) -> dict[str, int]:
    """``userDataStream.subscribe``: events of the account that is logged on."""
    no_parameters(call.params)
    if session.logon is None:
        raise Refusal(-1002, "You are not authorized to execute this request.", status=401)
    owner = session.logon.owner
    return {"subscriptionId": office.users.subscribe(session, owner, by_logon=True)}


def subscribe_signed(
    office: Office, session: ApiConnection, call: Call, sent: Sent
) -> dict[str, int]:
    """``userDataStream.subscribe.signature``: events of the account of any key."""
    shown = proof(None, call.params, sent)
    key, _ = office.admitted(call, shown, (), (), lambda params: None)
    return {"subscriptionId": office.users.subscribe(session, key.owner, by_logon=False)}


def unsubscribe(office: Office, session: ApiConnection, call: Call, sent: Sent) -> dict[str, Any]:
    """``userDataStream.unsubscribe``: one subscription, or all."""
    call.params.admit(("subscriptionId",))
    number = call.params.number("subscriptionId")
    _ended(office, session, call, office.users.unsubscribe(session, number))
    return {}


def subscriptions(
    office: Office, session: ApiConnection, call: Call, sent: Sent
) -> list[dict[str, int]]:
    """``session.subscriptions``."""
    no_parameters(call.params)
    return [{"subscriptionId": one.id} for one in office.users.active(session)]


def no_parameters(params: Params) -> None:
    """-1104 for any parameter (seen for ``userDataStream.subscribe``, 2025-04)."""
    if sent := len(params.values):
        raise Refusal(
            -1104,
            f"Not all sent parameters were read; read '0' parameter(s) but was sent '{sent}'.",
        )


def _ended(office: Office, session: ApiConnection, call: Call, ended: list[Subscription]) -> None:
    for one in ended:
        session.follow(office.users.terminated(session, one, call.now_ns))


METHODS: Mapping[str, SessionMethod] = {
    "session.logon": SessionMethod(log_on),
    "session.status": SessionMethod(status),
    "session.logout": SessionMethod(log_out),
    "session.subscriptions": SessionMethod(subscriptions),
    "userDataStream.subscribe": SessionMethod(subscribe),
    "userDataStream.subscribe.signature": SessionMethod(subscribe_signed),
    "userDataStream.unsubscribe": SessionMethod(unsubscribe),
}
