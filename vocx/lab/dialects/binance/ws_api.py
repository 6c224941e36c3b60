"""The WebSocket API: request and response over one connection (web-socket-api.md, 2026-07-21).

The endpoints are REST's own. Signed methods, ``session.*`` and ``userDataStream.*`` are not here
yet: they are answered as unknown methods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from vocx.lab.dialects.base import Close, Out
from vocx.lab.dialects.binance import control, outages
from vocx.lab.dialects.binance.calls import Call, Endpoint
from vocx.lab.dialects.binance.catalogue import Catalogue
from vocx.lab.dialects.binance.keepalive import Keepalive
from vocx.lab.dialects.binance.params import Params, illegal
from vocx.lab.dialects.binance.rest import ENDPOINTS, NOT_SUPPORTED
from vocx.lab.dialects.binance.sessions import Connection, Home
from vocx.lab.dialects.binance.weights import API_RULES, WEIGHT, Meter
from vocx.lab.dialects.binance.wire import Refusal, encode
from vocx.lab.faults import Fault, Faults, cut

PATH = "/ws-api/v3"
CONNECT_WEIGHT = 2
_METHODS: Mapping[str, Endpoint] = {endpoint.method: endpoint for endpoint in ENDPOINTS}


class Written(str):
    """A number with a point or an exponent, as it was written."""


_decode = msgspec.json.Decoder(float_hook=Written).decode


class Options(msgspec.Struct, frozen=True):
    """What the connection's URL asked for."""

    unit_ns: int
    rate_limits: bool = True


class Api:
    """Answers the requests of every WebSocket API connection."""

    def __init__(self, catalogue: Catalogue, meter: Meter, faults: Faults) -> None:
        self.meter = meter
        self.faults = faults
        self._catalogue = catalogue

    def call(
        self, method: str, sent: Mapping[str, Any], peer: str, options: Options, now_ns: int
    ) -> Any:
        """The result of one method; raises :class:`Refusal`."""
        endpoint = _METHODS.get(method.removeprefix("v3/"))
        params = Params.of_json(sent)
        weight = endpoint.weight(params) if endpoint is not None else 1
        self.meter.charge(peer, weight, now_ns, raw=False)
        if endpoint is None:
            raise NOT_SUPPORTED
        call = Call(
            catalogue=self._catalogue,
            params=params,
            now_ns=now_ns,
            unit_ns=options.unit_ns,
        )
        result = endpoint.run(call)
        if endpoint.path == "exchangeInfo":
            result["rateLimits"] = self.meter.entries(API_RULES)
        return result

    def rate_limits(self, peer: str, now_ns: int) -> list[dict[str, Any]]:
        """Limits with their counts, as every reply lists them."""
        entry = WEIGHT.entry(self.meter.limit(WEIGHT))
        return [{**entry, "count": self.meter.used(peer, WEIGHT, now_ns)}]


class ApiSession(Connection):
    """One connection to ``/ws-api/v3``."""

    def __init__(
        self, home: Home, api: Api, keepalive: Keepalive, peer: str, options: Options
    ) -> None:
        super().__init__(keepalive, peer)
        self._home = home
        self._api = api
        self._options = options
        self._late: list[tuple[int, bytes]] = []

    @property
    def next_tick_ns(self) -> int:
        due = super().next_tick_ns
        return min(due, self._late[0][0]) if self._late and not self.over else due

    def text(self, message: bytes, now_ns: int) -> Iterator[Out]:
        """One request."""
        self._api.meter.at(now_ns)
        yield from self.ended(self._answer(message, now_ns))

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
        self._home.left(self)

    def _answer(self, message: bytes, now_ns: int) -> Iterator[Out]:
        request_id: Any = None
        show = self._options.rate_limits
        fault: Fault | None = None
        status = 200
        try:
            method, sent, request_id = _request(message)
            show = _shown(sent.pop("returnRateLimits", None), show)
            fault = self._api.faults.answer(f"{PATH}/{method}")
            answer: dict[str, Any] = {"result": self._result(method, sent, fault, now_ns)}
        except _BadRequest as bad:
            request_id, status = bad.request_id, bad.refusal.status
            answer = {"error": bad.refusal.body()}
        except Refusal as refusal:
            status = refusal.status
            answer = {"error": refusal.body()}
        answer = {"id": request_id, "status": status, **answer}
        if show:
            answer["rateLimits"] = self._api.rate_limits(self.peer, now_ns)
        yield from self._sent(encode(answer), fault, now_ns)
        if status == 418:
            self._home.close_banned(self.peer)

    def _result(self, method: str, sent: dict[str, Any], fault: Fault | None, now_ns: int) -> Any:
        instead = outages.refusal_of(fault) if fault is not None else None
        if instead is not None and fault is not None and fault.name not in outages.EXECUTES:
            raise instead
        result = self._api.call(method, sent, self.peer, self._options, now_ns)
        if instead is not None:
            raise instead
        return result

    def _sent(self, answer: bytes, fault: Fault | None, now_ns: int) -> Iterator[Out]:
        name = fault.name if fault is not None else ""
        if name == "lost_answer":
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


def _request(message: bytes) -> tuple[str, dict[str, Any], Any]:
    """Method, parameters and id of one frame."""
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
    return method, dict(sent or {}), request_id


def _shown(value: Any, default: bool) -> bool:
    """``returnRateLimits`` as a JSON boolean or as text."""
    if value is None:
        return default
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise illegal("returnRateLimits", "^(true|false)$")
