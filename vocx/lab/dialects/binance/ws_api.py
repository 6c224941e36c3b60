"""The WebSocket API: request and response over one connection (web-socket-api.md, 2026-07-21).

The endpoints are REST's own; ``session.*`` and ``userDataStream.*`` are in ``session_api``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from vocx.lab.dialects.base import Close, Out
from vocx.lab.dialects.binance import control, outages, session_api
from vocx.lab.dialects.binance.calls import Call, Endpoint
from vocx.lab.dialects.binance.catalogue import Catalogue
from vocx.lab.dialects.binance.keepalive import Keepalive
from vocx.lab.dialects.binance.office import Office, SignedEndpoint
from vocx.lab.dialects.binance.params import Params, illegal
from vocx.lab.dialects.binance.rest import ENDPOINTS, NOT_SUPPORTED
from vocx.lab.dialects.binance.sessions import Connection, Home
from vocx.lab.dialects.binance.signatures import Key, not_permitted
from vocx.lab.dialects.binance.weights import API_RULES, WEIGHT, Meter
from vocx.lab.dialects.binance.wire import Refusal, encode
from vocx.lab.faults import Fault, Faults, cut

PATH = "/ws-api/v3"
CONNECT_WEIGHT = 2
_METHODS: Mapping[str, Endpoint] = {endpoint.method: endpoint for endpoint in ENDPOINTS}


class Written(str):
    """A number with a point or an exponent, as it was written."""


_decode = msgspec.json.Decoder(float_hook=Written).decode


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


class Options(msgspec.Struct, frozen=True):
    """What the connection's URL asked for."""

    unit_ns: int
    rate_limits: bool = True


class Api:
    """Answers the requests of every WebSocket API connection."""

    def __init__(self, catalogue: Catalogue, meter: Meter, faults: Faults, office: Office) -> None:
        self.meter = meter
        self.faults = faults
        self.office = office
        self._catalogue = catalogue

    def call(self, session: ApiSession, request: Request, now_ns: int) -> Any:
        """The result of one method; raises :class:`Refusal`."""
        name = request.method.removeprefix("v3/")
        endpoint, own = _METHODS.get(name), session_api.METHODS.get(name)
        params = Params.of_json(request.read)
        weight = 1 if endpoint is None else endpoint.weight(params)
        self.meter.charge(session.peer, weight if own is None else own.weight, now_ns, raw=False)
        call = Call(
            catalogue=self._catalogue,
            params=params,
            now_ns=now_ns,
            unit_ns=session.unit_ns,
            skew_ns=self.office.skew_ns,
        )
        if own is not None:
            return own.answer(self.office, session, call, request.sent)
        if endpoint is None:
            raise NOT_SUPPORTED
        if isinstance(endpoint, SignedEndpoint):
            proof = session_api.proof(session.logon, params, request.sent)
            return self.office.answer(endpoint, call, proof, session.peer).body
        result = endpoint.run(call)
        if endpoint.path == "exchangeInfo":
            result["rateLimits"] = self.meter.entries(API_RULES)
        return result

    def rate_limits(
        self, session: ApiSession, request: Request | None, now_ns: int
    ) -> list[dict[str, Any]]:
        """Limits with their counts, as every reply lists them; placements show the orders'."""
        entry = WEIGHT.entry(self.meter.limit(WEIGHT))
        limits = [{**entry, "count": self.meter.used(session.peer, WEIGHT, now_ns)}]
        endpoint = request and _METHODS.get(request.method.removeprefix("v3/"))
        if request is None or not isinstance(endpoint, SignedEndpoint) or not endpoint.places:
            return limits
        named = request.sent.get("apiKey")
        key = session.logon if named is None else self.office.keys.get(named)
        if key is None:
            return limits
        return [*self.office.counts.entries(key.owner, now_ns), *limits]


class ApiSession(Connection):
    """One connection to ``/ws-api/v3``."""

    def __init__(
        self,
        home: Home,
        api: Api,
        keepalive: Keepalive,
        peer: str,
        options: Options,
        now_ns: int,
    ) -> None:
        super().__init__(keepalive, peer)
        self.options = options
        self.unit_ns = options.unit_ns
        self.connected_ns = now_ns
        self.logon: Key | None = None
        self.logon_ns = 0
        self._home = home
        self._api = api
        self._late: list[tuple[int, bytes]] = []
        self._after: list[bytes] = []

    @property
    def next_tick_ns(self) -> int:
        due = super().next_tick_ns
        return min(due, self._late[0][0]) if self._late and not self.over else due

    def text(self, message: bytes, now_ns: int) -> Iterator[Out]:
        """One request."""
        self._api.meter.at(now_ns)
        yield from self.ended(self._answer(message, now_ns))
        after, self._after = self._after, []
        yield from self.ended(after)
        self._home.settle()

    def follow(self, message: bytes) -> None:
        """Send a message right after the answer that is being made."""
        self._after.append(message)

    def ping(self, payload: bytes, now_ns: int) -> Iterator[Out]:
        """The server has answered it."""
        return iter(())

    def pong(self, payload: bytes, now_ns: int) -> Iterator[Out]:
        """A pong with content must be the answer to a ping of ours (seen since 2026-03)."""
        if not self.keepalive.pong(payload) and payload:
            yield from self.ended([Close(1008, "Invalid pong payload")])

    def tick(self, now_ns: int) -> Iterator[Out]:
        """Late answers, then pings and deadlines."""
        while self._late and self._late[0][0] <= now_ns:
            yield self._late.pop(0)[1]
        if super().next_tick_ns <= now_ns:
            yield from super().tick(now_ns)

    def closed(self, now_ns: int) -> None:
        self.over = True
        self._api.office.users.leave(self)
        self._home.left(self)

    def _answer(self, message: bytes, now_ns: int) -> Iterator[Out]:
        request: Request | None = None
        request_id: Any = None
        show = self.options.rate_limits
        fault: Fault | None = None
        status = 200
        try:
            request = request_of(message)
            request_id = request.id
            show = _shown(request.sent.get("returnRateLimits"), show)
            self._check_logon()
            fault = self._api.faults.answer(f"{PATH}/{request.method}")
            answer: dict[str, Any] = {"result": self._result(request, fault, now_ns)}
        except _BadRequest as bad:
            request_id, status = bad.request_id, bad.refusal.status
            answer = {"error": bad.refusal.body()}
        except _Revoked as revoked:
            request_id, status = None, revoked.refusal.status
            answer, show = {"error": revoked.refusal.body()}, False
        except Refusal as refusal:
            status = refusal.status
            answer = {"error": refusal.body()}
        answer = {"id": request_id, "status": status, **answer}
        if show:
            answer["rateLimits"] = self._api.rate_limits(self, request, now_ns)
        yield from self._sent(encode(answer), fault, now_ns)
        if status == 418:
            self._home.close_banned(self.peer)

    def _check_logon(self) -> None:
        """A key that has become invalid ends the logon at the next request."""
        if self.logon is not None and not self._api.office.keys.knows(self.logon):
            self.logon = None
            raise _Revoked

    def _result(self, request: Request, fault: Fault | None, now_ns: int) -> Any:
        instead = outages.refusal_of(fault) if fault is not None else None
        if fault is not None and not fault.executes:
            if instead is None:
                return None
            raise instead
        result = self._api.call(self, request, now_ns)
        if fault is not None and fault.name == "delivered_twice":
            result = self._api.call(self, request, now_ns)
        if instead is not None:
            raise instead
        return result

    def _sent(self, answer: bytes, fault: Fault | None, now_ns: int) -> Iterator[Out]:
        name = fault.name if fault is not None else ""
        if name in ("lost_answer", "lost_request"):
            return
        if name == "late_answer" and fault is not None:
            due = now_ns + int(float(fault.options["seconds"]) * 1e9)
            self._late = sorted([*self._late, (due, answer)])
            return
        yield cut(answer) if name == "truncated_json" else answer


class _BadRequest(Exception):
    """Not a request that could be read."""

    def __init__(self, request_id: Any = None) -> None:
        super().__init__()
        self.request_id = request_id
        self.refusal = Refusal(-1135, "Invalid JSON Request")


class _Revoked(Exception):
    """The key that the connection logged on with is not valid any more."""

    refusal = not_permitted()


def request_of(message: bytes) -> Request:
    """One frame's request."""
    try:
        decoded = _decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _BadRequest from None
    request_id = control.request_id(decoded)
    if request_id is control.ABSENT or isinstance(request_id, Written):
        raise _BadRequest
    method, sent = decoded.get("method"), decoded.get("params")
    if not isinstance(method, str) or not isinstance(sent, dict | None):
        raise _BadRequest(request_id)
    return Request(request_id, method, sent or {})


def _shown(value: Any, default: bool) -> bool:
    """``returnRateLimits`` as a JSON boolean or as text."""
    if value is None:
        return default
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise illegal("returnRateLimits", "^(true|false)$")
