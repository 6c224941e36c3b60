"""One's own account on Binance's WebSocket API: calls as frames, events as facts.

From web-socket-api.md and user-data-stream.md (2026-07-21). The listen key of older tutorials is
gone since 2026-02-20; a signed ``userDataStream.subscribe.signature`` takes its place, for every
kind of key. Events come wrapped as ``{"subscriptionId":0,"event":{...}}``, to connections that
subscribed and without replay: what an outage swallowed must be asked for.

On a cancellation ``c`` is the cancel's id and ``C`` the order's. ``z`` and ``Z`` are cumulative:
an event that comes twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, cast

import msgspec

from vocx.errors import VenueError
from vocx.facts import Balance, Fact, Fill, Order, Side, TimeInForce
from vocx.symbols import split_joined
from vocx.venues.base import (
    Ack,
    ChannelSpec,
    ControlFrame,
    Credentials,
    Decoded,
    GetBalances,
    Intent,
    Notice,
    Request,
    Response,
    SocketPlan,
    Unknown,
)
from vocx.venues.base.reading import (
    UNREADABLE,
    Identifier,
    Stamp,
    check_match,
    check_numbers,
    check_sizes,
    moment_ns,
    shown,
)
from vocx.venues.base.refusals import bad_frame
from vocx.venues.binance import errors, orders, signing

_LOGIN = "userDataStream.subscribe.signature"


class _Login(Intent, frozen=True, kw_only=True):
    """Subscribe to the events of the account that the key belongs to."""


def plan(specs: Sequence[ChannelSpec]) -> SocketPlan:
    """One socket carries everything about an account. Its subscription is signed, so there is no
    login before it."""
    return SocketPlan(
        purpose="ws_api", path="", topics={one.channel: one for one in specs}, private=True
    )


def subscribe_frame(
    topics: Sequence[str], now_ns: int, credentials: Credentials, nonce: str
) -> ControlFrame:
    """A subscription that is good for the next five seconds; it brings every kind of event."""
    params = signing.signed_params({}, now_ns, credentials)
    return ControlFrame(text=_frame(nonce, _LOGIN, params), id=nonce, topics=tuple(topics))


def ws_logon(number: int, now_ns: int, credentials: Credentials) -> Request:
    """The call that proves once whose a connection is."""
    params = signing.signed_params({}, now_ns, credentials)
    return Request(
        intent=GetBalances(),
        method="session.logon",
        target="",
        body=_frame(number, "session.logon", params).encode(),
        purpose="ws_api",
        charges={"weight": 2, "requests": 1},
        signed=True,
    )


def ws_request(
    intent: Intent, number: int, now_ns: int, credentials: Credentials | None
) -> Request:
    """An intent as a frame of the WebSocket API, signed unless the connection has logged on."""
    call = orders.CALLS.make(intent)
    parameters = dict(call.parameters)
    params: dict[str, Any] = (
        signing.timed_params(parameters, now_ns)
        if credentials is None
        else signing.signed_params(parameters, now_ns, credentials)
    )
    if params.get("omitZeroBalances") == "true":
        params["omitZeroBalances"] = True  # signed as the text true, sent as JSON's
    return Request(
        intent=intent,
        method=call.name,
        target="",
        body=_frame(number, call.name, params).encode(),
        purpose="ws_api",
        charges=call.charges,
        signed=True,
        safe_to_retry=not call.changes,
    )


def _frame(number: int | str, method: str, params: Mapping[str, Any]) -> str:
    return msgspec.json.encode({"id": number, "method": method, "params": params}).decode()


class _Limit(msgspec.Struct):
    rateLimitType: str
    interval: str
    intervalNum: Identifier
    count: Identifier = 0


class _Until(msgspec.Struct):
    serverTime: Stamp | None = None
    retryAfter: Stamp | None = None


class _Trouble(msgspec.Struct):
    data: _Until | None = None


_ABSENT = msgspec.Raw()


class _Frame(msgspec.Struct):
    """An answer, an event, or an event as older connections wrapped it."""

    id: Identifier | str | None = None
    status: Identifier | None = None
    result: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT
    rateLimits: list[_Limit] = []
    event: msgspec.Raw = _ABSENT
    stream: str | None = None
    data: msgspec.Raw = _ABSENT
    e: str | None = None


_frame_of = msgspec.json.Decoder(_Frame).decode
_trouble_of = msgspec.json.Decoder(_Trouble).decode


def parse_response(text: bytes) -> Response | None:
    """A frame as an answer with what a REST reply would say in its headers."""
    try:
        found = _frame_of(text)
    except UNREADABLE:
        return None
    return _response(found)


def _response(found: _Frame) -> Response | None:
    if found.status is None:
        return None
    headers = {_header(one): str(one.count) for one in found.rateLimits}
    body = bytes(found.error) or bytes(found.result)
    wait_s = _retry_after_s(bytes(found.error))
    if wait_s is not None:
        headers["retry-after"] = f"{wait_s:g}"
    return Response(id=found.id, status=found.status, headers=headers, body=body)


def _header(limit: _Limit) -> str:
    window = f"{limit.intervalNum}{limit.interval[:1].lower()}"
    kinds = {"REQUEST_WEIGHT": "x-mbx-used-weight", "ORDERS": "x-mbx-order-count"}
    return f"{kinds.get(limit.rateLimitType, limit.rateLimitType.lower())}-{window}"


def _retry_after_s(error: bytes) -> float | None:
    """Both times are moments here, unlike REST's header."""
    try:
        until = _trouble_of(error).data if error else None
    except UNREADABLE:
        return None
    if until is None or until.retryAfter is None or until.serverTime is None:
        return None
    try:
        return max(0.0, (moment_ns(until.retryAfter) - moment_ns(until.serverTime)) / 1e9)
    except UNREADABLE:
        return None


def decode(text: bytes, arrived_ns: int, of: SocketPlan) -> Sequence[Decoded]:
    """What one frame of a private socket says."""
    try:
        found = _frame_of(text)
    except UNREADABLE as error:
        raise bad_frame("binance", error, text) from None
    answer = _response(found)
    if answer is not None:
        return (_ack(answer, arrived_ns, tuple(of.topics)),)
    event = bytes(found.event) or bytes(found.data)
    try:
        kind = found.e if found.e is not None else (_frame_of(event).e if event else None)
        read = _READERS.get(kind or "")
        if read is not None:
            channels = {one.channel for one in of.topics.values()}
            return read(event or text, arrived_ns, channels)
    except UNREADABLE:
        pass
    return (Unknown(text=shown(text)),)


def _ack(answer: Response, arrived_ns: int, topics: tuple[str, ...]) -> Ack:
    if answer.status == 200:
        return Ack(id=answer.id)
    request = Request(intent=_Login(), method=_LOGIN, target="")
    error = errors.reply_error(request, answer.status, answer.headers, answer.body, arrived_ns)
    if not isinstance(error, VenueError):
        error = VenueError(str(error), venue="binance", http_status=answer.status)
    return Ack(id=answer.id, topics=topics, error=error)


class _Report(msgspec.Struct):
    """``executionReport``; names are the wire's own."""

    s: str
    c: str
    S: Literal["BUY", "SELL"]
    o: str
    f: str
    q: Decimal
    p: Decimal
    C: str
    x: str
    X: str
    i: Identifier
    l: Decimal  # noqa: E741 - the wire's own name
    z: Decimal
    L: Decimal
    T: Stamp
    t: Identifier
    m: bool
    O: Stamp  # noqa: E741
    Z: Decimal
    n: Decimal | None = None
    N: str | None = None
    Q: Decimal | None = None
    r: str = "NONE"
    eR: str | None = None


class _Held(msgspec.Struct):
    a: str
    f: Decimal
    l: Decimal  # noqa: E741 - the wire's own name


class _Position(msgspec.Struct):
    u: Stamp
    B: list[_Held]


class _Change(msgspec.Struct):
    a: str
    d: Decimal


_report_of = msgspec.json.Decoder(_Report).decode
_position_of = msgspec.json.Decoder(_Position).decode
_change_of = msgspec.json.Decoder(_Change).decode


def _execution(data: bytes, arrived_ns: int, channels: set[str]) -> Sequence[Decoded]:
    found = _report_of(data)
    check_numbers(found.q, found.p, found.l, found.L, found.Z, found.n, found.Q)
    check_sizes(found.z)
    fill = _fill(found, arrived_ns) if found.x == "TRADE" else None
    facts: list[Fact] = []
    if "fills" in channels and fill is not None:
        facts.append(fill)
    if "orders" in channels:
        facts.append(_order(found, fill, arrived_ns))
    return facts


def _order(found: _Report, fill: Fill | None, arrived_ns: int) -> Order:
    reason = found.eR if found.eR is not None else found.r
    return Order(
        symbol=split_joined(found.s) or found.s,
        id=found.i,
        client_order_id=found.C or found.c,
        side=cast(Side, found.S.lower()),
        type=orders.order_type(found.o),
        status=orders.status(found.X),
        quantity=orders.positive(found.q),
        filled=found.z,
        filled_quote=found.Z,
        price=orders.positive(found.p),
        quote_quantity=orders.positive(found.Q),
        time_in_force=cast(TimeInForce, found.f),
        created_ns=moment_ns(found.O),
        reason=None if reason == "NONE" else reason,
        fills=() if fill is None else (fill,),
        source="stream",
        exchange_ns=moment_ns(found.T),
        arrived_ns=arrived_ns,
    )


def _fill(found: _Report, arrived_ns: int) -> Fill:
    check_match(found.L, found.l)
    return Fill(
        symbol=split_joined(found.s) or found.s,
        id=found.t,
        order_id=found.i,
        client_order_id=found.C or found.c,
        side=cast(Side, found.S.lower()),
        price=found.L,
        quantity=found.l,
        fee=found.n if found.n is not None else Decimal(0),
        fee_asset=found.N,
        maker=found.m,
        source="stream",
        exchange_ns=moment_ns(found.T),
        arrived_ns=arrived_ns,
    )


def _position(data: bytes, arrived_ns: int, channels: set[str]) -> Sequence[Decoded]:
    found = _position_of(data)
    check_numbers(*(one.f for one in found.B))
    check_sizes(*(one.l for one in found.B))
    if "balances" not in channels:
        return ()
    return [
        Balance(
            asset=one.a,
            free=one.f,
            locked=one.l,
            source="stream",
            exchange_ns=moment_ns(found.u),
            arrived_ns=arrived_ns,
        )
        for one in found.B
    ]


def _change(data: bytes, arrived_ns: int, channels: set[str]) -> Sequence[Decoded]:
    """A deposit, a withdrawal or a lock: a difference, from which no balance can be told."""
    found = _change_of(data)
    check_numbers(found.d)
    return (Notice(kind="notice", text=f"{found.a} changed by {found.d:+f} outside of trading"),)


def _shutdown(data: bytes, arrived_ns: int, channels: set[str]) -> Sequence[Decoded]:
    return (Notice(kind="shutdown", text="the exchange says that it will close this connection"),)


def _terminated(data: bytes, arrived_ns: int, channels: set[str]) -> Sequence[Decoded]:
    return (Notice(kind="terminated", text="the exchange ended the subscription"),)


_READERS: Mapping[str, Callable[[bytes, int, set[str]], Sequence[Decoded]]] = {
    "executionReport": _execution,
    "outboundAccountPosition": _position,
    "balanceUpdate": _change,
    "externalLockUpdate": _change,
    "serverShutdown": _shutdown,
    "eventStreamTerminated": _terminated,
}
