"""The REST surface: from raw bytes to an endpoint and back, limits and headers included."""

from __future__ import annotations

from typing import Any

import msgspec

from vocx.lab import faults
from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.dialects.binance import account, market, orders, outages, tickers
from vocx.lab.dialects.binance.calls import Call, Endpoint
from vocx.lab.dialects.binance.catalogue import Catalogue
from vocx.lab.dialects.binance.encoding import encoded
from vocx.lab.dialects.binance.office import Office, SignedEndpoint
from vocx.lab.dialects.binance.params import Params
from vocx.lab.dialects.binance.signatures import Proof, rest_payload
from vocx.lab.dialects.binance.weights import REST_RULES, WEIGHT, Meter
from vocx.lab.dialects.binance.wire import Refusal, time_unit

ROOT = "/api/v3/"
ENDPOINTS = (*market.ENDPOINTS, *tickers.ENDPOINTS, *orders.ENDPOINTS, *account.ENDPOINTS)
_RETIRED = "userDataStream"
"""listenKey paths: off since 2026-02-20, answered with nginx HTML (seen)."""
NOT_SUPPORTED = Refusal(-1020, "This operation is not supported.")


class Rest:
    """Answers REST requests."""

    def __init__(
        self, catalogue: Catalogue, meter: Meter, active: faults.Faults, office: Office
    ) -> None:
        self._catalogue = catalogue
        self._meter = meter
        self._office = office
        self._faults = active
        self._served = 0
        self._paths: dict[str, dict[str, Endpoint]] = {}
        for endpoint in ENDPOINTS:
            self._paths.setdefault(ROOT + endpoint.path, {})[endpoint.verb] = endpoint

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        """The answer with the headers that every answer carries."""
        path, _, query = request.target.partition("?")
        verb = request.method
        fault = self._faults.answer(path, verb) if self._faults.active else None
        before = outages.instead(fault) if fault is not None else None
        answer = before
        if fault is None or fault.executes:
            answer = self._executed(request, path, query, now_ns)
            if fault is not None and fault.name == "delivered_twice":
                answer = self._executed(request, path, query, now_ns)
        if before is not None:
            answer = before
        assert answer is not None, "what is not executed is answered by its fault"
        if fault is not None:
            answer = faults.spoil(fault, answer)
        return encoded(request, self.completed(answer, request, now_ns))

    def completed(self, answer: HttpOut, request: HttpIn, now_ns: int) -> HttpOut:
        """The answer with the headers that every answer carries."""
        used = str(self._meter.used(request.peer, WEIGHT, now_ns))
        self._served += 1
        headers = {
            **answer.headers,
            "x-mbx-uuid": f"{self._served:08x}-0000-4000-8000-{now_ns // 1000 % 2**48:012x}",
            "X-MBX-USED-WEIGHT": used,
            "X-MBX-USED-WEIGHT-1M": used,
        }
        return msgspec.structs.replace(answer, headers=headers)

    def _executed(self, request: HttpIn, path: str, query: str, now_ns: int) -> HttpOut:
        params = Params.of_http(query, b"" if request.method == "GET" else request.body)
        verbs = self._paths.get(path.rstrip("/"), {})
        endpoint = verbs.get(request.method)
        try:
            weight = endpoint.weight(params) if endpoint is not None else 1
            self._meter.charge(request.peer, weight, now_ns)
            if endpoint is None:
                return _nowhere(request, path, bool(verbs))
            call = Call(
                catalogue=self._catalogue,
                params=params,
                now_ns=now_ns,
                unit_ns=time_unit(request.headers.get("x-mbx-time-unit")),
                skew_ns=self._office.skew_ns,
            )
            if isinstance(endpoint, SignedEndpoint):
                proof = _proof(request, query, params)
                signed = self._office.answer(endpoint, call, proof, request.peer)
                return outages.json_answer(200, signed.body, signed.headers)
            body = endpoint.run(call)
        except Refusal as refusal:
            return outages.refused(refusal)
        return outages.json_answer(200, self._with_limits(endpoint, body))

    def _with_limits(self, endpoint: Endpoint, body: Any) -> Any:
        if endpoint.path == "exchangeInfo":
            body["rateLimits"] = self._meter.entries(REST_RULES)
        return body


def _proof(request: HttpIn, query: str, params: Params) -> Proof:
    body = b"" if request.method == "GET" else request.body
    return Proof(
        key=request.headers.get("x-mbx-apikey"),
        payload=rest_payload(query, body),
        signature=params.text("signature") or "",
    )


def _nowhere(request: HttpIn, path: str, known: bool) -> HttpOut:
    """No such path, a retired one, or one that has other verbs.

    An unknown path has an empty body (seen on a Binance Cloud host, 2026-09-23).
    """
    if path.startswith(ROOT + _RETIRED):
        return outages.html(410)
    if known:
        body = {"code": NOT_SUPPORTED.code, "msg": NOT_SUPPORTED.msg}
        return outages.json_answer(405, body)
    if "text/html" in request.headers.get("accept", ""):
        return outages.html(404)
    return HttpOut(status=404, headers={"Content-Type": "text/plain;charset=UTF-8"}, body=b"")
