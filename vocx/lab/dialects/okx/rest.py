"""OKX's REST surface: what a request is, and what it is answered."""

from __future__ import annotations

from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.dialects.okx import limits, signatures
from vocx.lab.dialects.okx.calls import Backend, Call
from vocx.lab.dialects.okx.endpoints import ENDPOINTS
from vocx.lab.dialects.okx.orders import Partly
from vocx.lab.dialects.okx.wire import JSON, Refusal
from vocx.lab.dialects.shared.keys import Key
from vocx.lab.dialects.shared.numbers import NS_PER_US
from vocx.lab.dialects.shared.reading import Unreadable, encode, query_pairs, read_json


def answer(backend: Backend, request: HttpIn, now_ns: int) -> HttpOut:
    """One request."""
    path, _, query = request.target.partition("?")
    times: dict[str, str] = {}
    if path.startswith("/api/v5/trade/"):
        micro = str((now_ns + backend.gateway.skew_ns) // NS_PER_US)
        times = {"inTime": micro, "outTime": micro}
    try:
        endpoint = ENDPOINTS.find(request.method, path)
        if endpoint is None:
            if ENDPOINTS.knows(path):
                raise Refusal("50115")
            body = encode({"code": "404", "msg": "Not Found", "data": {}})
            return HttpOut(status=404, headers=JSON, body=body)
        key = None
        if endpoint.signed:
            key = signatures.key_of(backend.gateway, request, endpoint, now_ns)
        if endpoint.rule is not None:
            who = request.peer if key is None else ("endpoint", key.owner)
            limits.charge(backend.limiter, endpoint.rule, who, now_ns)
        call = _call(backend, request, query, key, now_ns)
        if endpoint.places:
            action = endpoint.path.partition("/")[2]
            call.check_expiry(request.headers.get("exptime"), action)
        rows, code, message = endpoint.answer(call), "0", ""
    except Partly as partly:
        rows, code = partly.rows, partly.code
        message = "All operations failed" if code == "1" else ""
    except Refusal as refusal:
        return refusal.answer()
    body = encode({"code": code, "msg": message, "data": rows, **times})
    return HttpOut(status=200, headers=JSON, body=body, compress=True)


def _call(backend: Backend, request: HttpIn, query: str, key: Key | None, now_ns: int) -> Call:
    if request.method != "POST":
        given = dict(query_pairs(query))
        return Call(backend=backend, gateway=backend.gateway, given=given, now_ns=now_ns, key=key)
    if not request.body:
        raise Refusal("50000")
    try:
        body = read_json(request.body)
    except Unreadable:
        raise Refusal("50002") from None
    if not isinstance(body, dict | list):
        raise Refusal("50002")
    listed = isinstance(body, list)
    return Call(
        backend=backend,
        gateway=backend.gateway,
        given=body if isinstance(body, dict) else {},
        now_ns=now_ns,
        key=key,
        orders=tuple(body) if listed else (body,),
        listed=listed,
    )
