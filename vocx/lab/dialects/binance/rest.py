"""The REST surface: from raw bytes to an endpoint and back, limits and headers included."""

from __future__ import annotations

import msgspec

from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.dialects.binance import (
    account,
    fault_responses,
    limits,
    market,
    orders,
    tickers,
    wallet,
)
from vocx.lab.dialects.binance.calls import Backend, Call, rest_payload
from vocx.lab.dialects.binance.limits import REST_RULES, WEIGHT
from vocx.lab.dialects.binance.params import Params
from vocx.lab.dialects.binance.wire import Refusal, json_answer, not_supported, refused, time_unit
from vocx.lab.dialects.shared.endpoints import EndpointTable
from vocx.lab.dialects.shared.keys import Authentication

ROOT = "/api/v3/"
ENDPOINTS = EndpointTable(
    ROOT, (*market.ENDPOINTS, *tickers.ENDPOINTS, *orders.ENDPOINTS, *account.ENDPOINTS)
)
METHODS = {one.method or one.path: one for one in ENDPOINTS.endpoints}
"""The same by their names on the WebSocket API."""
_RETIRED = ROOT + "userDataStream"
"""listenKey paths: off since 2026-02-20, answered with nginx HTML (seen)."""


def answer(backend: Backend, request: HttpIn, now_ns: int) -> HttpOut:
    """The answer to one request."""
    path, _, query = request.target.partition("?")
    form = b"" if request.method == "GET" else request.body
    params = Params.of_http(query, form)
    endpoint = ENDPOINTS.find(request.method, path) or wallet.ENDPOINTS.find(request.method, path)
    try:
        weight = endpoint.cost_of(params) if endpoint is not None else 1
        backend.charge(request.peer, weight, now_ns, raw=True)
        if endpoint is None:
            return _nowhere(request, path)
        call = Call(
            backend=backend,
            gateway=backend.gateway,
            params=params,
            now_ns=now_ns,
            peer=request.peer,
            unit_ns=time_unit(request.headers.get("x-mbx-time-unit")),
        )

        def shown() -> Authentication:
            return Authentication(
                key=request.headers.get("x-mbx-apikey"),
                payload=rest_payload(query, form),
                signature=params.text("signature") or "",
            )

        body, headers = backend.run(endpoint, call, shown)
    except Refusal as refusal:
        return refused(refusal)
    if endpoint.path == "exchangeInfo":
        body["rateLimits"] = [limits.entry(backend.limiter, rule) for rule in REST_RULES]
    return json_answer(200, body, headers)


def completed(backend: Backend, plain: HttpOut, request: HttpIn, now_ns: int) -> HttpOut:
    """An answer with the headers that every answer carries."""
    used = str(backend.limiter.used(WEIGHT, request.peer, now_ns))
    backend.served += 1
    headers = {
        **plain.headers,
        "x-mbx-uuid": f"{backend.served:08x}-0000-4000-8000-{now_ns // 1000 % 2**48:012x}",
        "X-MBX-USED-WEIGHT": used,
        "X-MBX-USED-WEIGHT-1M": used,
    }
    return msgspec.structs.replace(plain, headers=headers)


def _nowhere(request: HttpIn, path: str) -> HttpOut:
    """No such path (or not here): -1020; one that has other verbs: 405; a retired one: 410.

    What Binance answers where it has never had a path is a page of its firewall or an empty 404
    (seen on a Binance Cloud host, 2026-09-23). The lab has fewer paths than Binance, so it says
    in the venue's words that this one is not supported; browsers get the page.
    """
    if path.startswith(_RETIRED):
        return fault_responses.html(410)
    if ENDPOINTS.knows(path) or wallet.ENDPOINTS.knows(path):
        return json_answer(405, not_supported().body())
    if "text/html" in request.headers.get("accept", ""):
        return fault_responses.html(404)
    return json_answer(404, not_supported().body())
