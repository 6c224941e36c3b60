"""The WebSocket API: request and response over one connection (web-socket-api.md, 2026-07-21).

The endpoints are REST's own; ``session.*`` and ``userDataStream.*`` belong to one connection. Only
Ed25519 keys can log on; afterwards requests need neither key nor signature, but still their
timestamp. A key that a request names counts for that request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from vocx.lab.dialects.base import Close, Out
from vocx.lab.dialects.binance import fault_responses, limits
from vocx.lab.dialects.binance.calls import Backend, Call, api_payload, refused_key
from vocx.lab.dialects.binance.endpoint import Endpoint
from vocx.lab.dialects.binance.limits import API_RULES, WEIGHT
from vocx.lab.dialects.binance.params import Params, illegal, missing
from vocx.lab.dialects.binance.private_channels import Listener, UserData
from vocx.lab.dialects.binance.rest import METHODS
from vocx.lab.dialects.binance.sessions import ABSENT, request_id, shutdown_event
from vocx.lab.dialects.binance.wire import Refusal, not_supported
from vocx.lab.dialects.shared.dialect import VenueDialect
from vocx.lab.dialects.shared.faults import Fault
from vocx.lab.dialects.shared.keys import Authentication, Key
from vocx.lab.dialects.shared.reading import Unreadable, encode, json_text, read_json
from vocx.lab.dialects.shared.subscriptions import Subscription

PATH = "/ws-api/v3"
CONNECT_WEIGHT = 2
SESSION_WEIGHT = 2
_ANY_KEY = Endpoint("", lambda call: None, signed=True)


class Request(msgspec.Struct, frozen=True):
    """One request: ``sent`` are its parameters as they came (they are what is signed), ``read``
    the same without ``returnRateLimits`` and, where it names the key, ``apiKey``."""

    id: Any
    method: str
    sent: dict[str, Any]

    @property
    def read(self) -> dict[str, Any]:
        aside = ("returnRateLimits", "apiKey")
        return {name: value for name, value in self.sent.items() if name not in aside}


class _BadRequest(Exception):
    """Not a request that could be read."""

    refusal = Refusal(-1135, "Invalid JSON Request")

    def __init__(self, named: Any = None) -> None:
        super().__init__()
        self.named = named


class _Revoked(Exception):
    """The key that the connection logged on with is not valid any more."""


class ApiSession(Listener):
    """One connection to ``/ws-api/v3``."""

    def __init__(
        self,
        dialect: VenueDialect,
        backend: Backend,
        users: UserData,
        now_ns: int,
        peer: str,
        *,
        unit_ns: int,
        rate_limits: bool,
    ) -> None:
        super().__init__(dialect.keepalive(now_ns), peer)
        self.unit_ns = unit_ns
        self.rate_limits = rate_limits
        self.connected_ns = now_ns
        self.logon: Key | None = None
        self.logon_ns = 0
        self._dialect = dialect
        self._backend = backend
        self._users = users
        self._after: list[bytes] = []

    def receive(self, message: bytes, now_ns: int) -> Iterator[Out]:
        """One request."""
        self._backend.limiter.at(now_ns)
        yield from self._answer(message, now_ns)
        after, self._after = self._after, []
        yield from after

    def pong(self, payload: bytes, now_ns: int) -> Iterator[Out]:
        """A pong with content must be the answer to a ping of ours (seen since 2026-03)."""
        if not self.keepalive.pong(payload) and payload:
            yield from self.ended([Close(1008, "Invalid pong payload")])

    def shutdown_notice(self, now_ns: int) -> bytes:
        """``serverShutdown`` in this connection's shape."""
        return b'{"event":' + shutdown_event(now_ns) + b"}"

    # -- requests ------------------------------------------------------------------------------

    def _answer(self, message: bytes, now_ns: int) -> Iterator[Out]:
        request: Request | None = None
        named: Any = None
        show = self.rate_limits
        fault: Fault | None = None
        status = 200
        try:
            request = request_of(message)
            named = request.id
            show = _shown(request.sent.get("returnRateLimits"), show)
            self._check_logon()
            answer, fault = self._through_faults(request, now_ns)
        except _BadRequest as bad:
            named, answer = bad.named, bad.refusal
        except _Revoked:
            named, answer, show = None, refused_key(), False
        except Refusal as refusal:
            answer = refusal
        if isinstance(answer, Refusal):
            status, outcome = answer.status, {"error": answer.body()}
        else:
            outcome = {"result": answer}
        reply: dict[str, Any] = {"id": named, "status": status, **outcome}
        if show:
            reply["rateLimits"] = self._rate_limits(request, now_ns)
        yield from self._dialect.faults.socket_answer(self, encode(reply), fault, now_ns)
        if status == 418:
            close_banned(self._dialect, self.peer)

    def _check_logon(self) -> None:
        """A key that has become invalid ends the logon at the next request."""
        if self.logon is not None and not self._backend.gateway.keys.knows(self.logon):
            self.logon = None
            raise _Revoked

    def _through_faults(self, request: Request, now_ns: int) -> tuple[Any, Fault | None]:
        """The result or the refusal, and the fault that it met."""

        def execute() -> Any:
            try:
                return self._result(request, now_ns)
            except Refusal as refusal:
                return refusal

        path = f"{PATH}/{request.method}"
        return self._dialect.faults.answer(path, "", execute, fault_responses.refusal_of)

    def _result(self, request: Request, now_ns: int) -> Any:
        name = request.method.removeprefix("v3/")
        endpoint, own = METHODS.get(name), _SESSION_METHODS.get(name)
        params = Params.of_json(request.read)
        weight = SESSION_WEIGHT if own else 1 if endpoint is None else endpoint.cost_of(params)
        self._backend.charge(self.peer, weight, now_ns, raw=False)
        call = Call(
            backend=self._backend,
            gateway=self._backend.gateway,
            params=params,
            now_ns=now_ns,
            peer=self.peer,
            unit_ns=self.unit_ns,
        )
        if own is not None:
            return own(self, call, request.sent)
        if endpoint is None:
            raise not_supported()
        result, _ = self._backend.run(
            endpoint, call, lambda: self._authentication(params, request.sent, self.logon)
        )
        if endpoint.path == "exchangeInfo":
            limiter = self._backend.limiter
            result["rateLimits"] = [limits.entry(limiter, rule) for rule in API_RULES]
        return result

    def _authentication(
        self, params: Params, sent: Mapping[str, Any], logon: Key | None = None
    ) -> Authentication:
        """What a request shows for itself: the key that it names, else the logon."""
        named = sent.get("apiKey")
        if named is None and logon is not None:
            return Authentication(session=logon)
        if named is None:
            raise missing("apiKey")
        return Authentication(
            key=json_text(named),
            payload=api_payload(sent),
            signature=params.text("signature") or "",
        )

    def _rate_limits(self, request: Request | None, now_ns: int) -> list[dict[str, Any]]:
        """Limits with their counts, as every reply lists them; placements show the orders'."""
        backend = self._backend
        used = backend.limiter.used(WEIGHT, self.peer, now_ns)
        shown = [{**limits.entry(backend.limiter, WEIGHT), "count": used}]
        endpoint = request and METHODS.get(request.method.removeprefix("v3/"))
        shows = endpoint and (endpoint.places or endpoint.shows_orders)
        if request is None or not shows:
            return shown
        named = request.sent.get("apiKey")
        key = self.logon if named is None else backend.gateway.keys.get(named)
        return shown if key is None else [*backend.counts.entries(key.owner, now_ns), *shown]

    # -- methods of the connection itself ------------------------------------------------------

    def log_on(self, call: Call, sent: Mapping[str, Any]) -> dict[str, Any]:
        """``session.logon``. Another logon takes the place of the first."""
        shown = self._authentication(call.params, sent)
        key, _ = self._backend.authenticated(_ANY_KEY, call, shown)
        if key.public is None:
            raise not_supported()
        self.logon, self.logon_ns = key, call.now_ns
        return self._state(call, sent)

    def log_out(self, call: Call, sent: Mapping[str, Any]) -> dict[str, Any]:
        """``session.logout``: the key is forgotten, and with it its subscription."""
        _no_parameters(call.params)
        self.logon = None
        self._terminated(self._users.log_out(self), call)
        return self._state(call, sent)

    def status(self, call: Call, sent: Mapping[str, Any]) -> dict[str, Any]:
        """``session.status``."""
        _no_parameters(call.params)
        return self._state(call, sent)

    def _state(self, call: Call, sent: Mapping[str, Any]) -> dict[str, Any]:
        """Who is logged on, since when."""
        key = self.logon
        shown = sent.get("returnRateLimits", self.rate_limits)
        return {
            "apiKey": None if key is None else key.key,
            "authorizedSince": None if key is None else call.own_stamp(self.logon_ns),
            "connectedSince": call.own_stamp(self.connected_ns),
            "returnRateLimits": shown in (True, "true"),
            "serverTime": call.stamp(call.clock_ns),
            "userDataStream": any(one.by_login for one in self._users.active(self)),
        }

    def subscribe(self, call: Call, sent: Mapping[str, Any]) -> dict[str, int]:
        """``userDataStream.subscribe``: events of the account that is logged on."""
        _no_parameters(call.params)
        if self.logon is None:
            raise Refusal(-1002, "You are not authorized to execute this request.", status=401)
        return {"subscriptionId": self._users.begin(self, self.logon.owner, by_login=True)}

    def subscribe_signed(self, call: Call, sent: Mapping[str, Any]) -> dict[str, int]:
        """``userDataStream.subscribe.signature``: events of the account of any key."""
        shown = self._authentication(call.params, sent)
        key, _ = self._backend.authenticated(_ANY_KEY, call, shown)
        return {"subscriptionId": self._users.begin(self, key.owner, by_login=False)}

    def unsubscribe(self, call: Call, sent: Mapping[str, Any]) -> dict[str, Any]:
        """``userDataStream.unsubscribe``: one subscription, or all."""
        call.params.admit(("subscriptionId",))
        number = call.params.number("subscriptionId")
        self._terminated(self._users.stop(self, number), call)
        return {}

    def subscriptions(self, call: Call, sent: Mapping[str, Any]) -> list[dict[str, int]]:
        """``session.subscriptions``."""
        _no_parameters(call.params)
        return [{"subscriptionId": one.id} for one in self._users.active(self)]

    def _terminated(self, ended: Iterable[Subscription], call: Call) -> None:
        """The last messages of subscriptions follow the answer."""
        self._after += [self._users.terminated(self, one, call.now_ns) for one in ended]


_SESSION_METHODS: Mapping[str, Callable[[ApiSession, Call, Mapping[str, Any]], Any]] = {
    "session.logon": ApiSession.log_on,
    "session.status": ApiSession.status,
    "session.logout": ApiSession.log_out,
    "session.subscriptions": ApiSession.subscriptions,
    "userDataStream.subscribe": ApiSession.subscribe,
    "userDataStream.subscribe.signature": ApiSession.subscribe_signed,
    "userDataStream.unsubscribe": ApiSession.unsubscribe,
}


def close_banned(dialect: VenueDialect, peer: str) -> None:
    """An address has been banned: its WebSocket API connections end too."""
    sessions = dialect.sessions
    banned = [one for one in sessions if isinstance(one, ApiSession) and one.peer == peer]
    dialect.close_all(banned, Close(1008, "IP banned"))


def request_of(message: bytes) -> Request:
    """One frame's request."""
    try:
        decoded = read_json(message)
    except Unreadable:
        raise _BadRequest from None
    named = request_id(decoded)
    if named is ABSENT:
        raise _BadRequest
    method, sent = decoded.get("method"), decoded.get("params")
    if not isinstance(method, str) or not isinstance(sent, dict | None):
        raise _BadRequest(named)
    return Request(named, method, sent or {})


def _shown(value: Any, default: bool) -> bool:
    """``returnRateLimits`` as a JSON boolean or as text."""
    if value is None:
        return default
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise illegal("returnRateLimits", "^(true|false)$")


def _no_parameters(params: Params) -> None:
    """-1104 for any parameter (seen for ``userDataStream.subscribe``, 2025-04)."""
    if sent := len(params.values):
        raise Refusal(
            -1104,
            f"Not all sent parameters were read; read '0' parameter(s) but was sent '{sent}'.",
        )
