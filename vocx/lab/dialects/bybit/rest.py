"""Bybit's REST surface: what a request is, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.dialects.bybit import limits, signatures
from vocx.lab.dialects.bybit.endpoints import ENDPOINTS, SILENT, Calls
from vocx.lab.dialects.bybit.wire import JSON, Refusal, bad_parameter, envelope, page, refused
from vocx.lab.dialects.shared.reading import Unreadable, query_pairs, read_json

_TEXT = {"Content-Type": "text/plain"}


def answer(calls: Calls, request: HttpIn, now_ns: int) -> HttpOut:
    """One request."""
    clock_ns = now_ns + calls.gateway.skew_ns
    path, _, query = request.target.partition("?")
    headers: dict[str, str] = {}
    try:
        calls.limiter.charge(limits.ADDRESS, request.peer, 1, now_ns, request.peer)
        if request.method not in ("GET", "POST"):
            raise page(400, "Bad request")
        endpoint = ENDPOINTS.find(request.method, path)
        if endpoint is None:
            raise Refusal(0, "404", status=404, body=b"404 page not found", headers=_TEXT)
        if request.method == "GET" and request.body:
            raise page(403, "The request could not be satisfied")
        key = None
        if endpoint.signed:
            key = signatures.key_of(calls.gateway, request, query, endpoint, now_ns)
        given = _given(request, query)
        result, extra = calls.carry_out(endpoint, given, now_ns, key, headers)
    except Refusal as refusal:
        return refused(refusal, clock_ns, headers)
    message = "" if endpoint.path in SILENT else "OK"
    body = envelope(0, message, result, extra, clock_ns)
    return HttpOut(status=200, headers={**JSON, **headers}, body=body)


def _given(request: HttpIn, query: str) -> Mapping[str, Any]:
    if request.method == "GET":
        return dict(query_pairs(query))
    try:
        body = read_json(request.body or b"{}")
    except Unreadable as error:
        raise bad_parameter(f"the body is no JSON: {error.reason}") from None
    if not isinstance(body, dict):
        raise bad_parameter("the body is no JSON object")
    return body
