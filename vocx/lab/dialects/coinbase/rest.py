"""The REST surface: which path is what, who pays, who may, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.dialects.coinbase import market, tokens
from vocx.lab.dialects.coinbase.calls import Backend, Call
from vocx.lab.dialects.coinbase.endpoints import find
from vocx.lab.dialects.coinbase.limits import PRIVATE, PUBLIC, charge
from vocx.lab.dialects.coinbase.wire import (
    JSON,
    MISSING_SCOPES,
    Query,
    Refusal,
    refused,
    unauthorized,
)
from vocx.lab.dialects.shared.endpoints import Endpoint
from vocx.lab.dialects.shared.keys import Denied, Key
from vocx.lab.dialects.shared.reading import Unreadable, encode, query_pairs, read_json


def answer(backend: Backend, request: HttpIn, now_ns: int) -> HttpOut:
    """One request."""
    path, _, query = request.target.partition("?")
    headers: dict[str, str] = {}
    try:
        found = find(request.method, path)
        if found is None:
            raise market.not_found()
        endpoint, name = found
        headers = _charge(backend, request, endpoint, now_ns)
        key = _key_of(backend, request, now_ns) if endpoint.signed else None
        if key is not None and endpoint.trade and not key.trade:
            raise Refusal(403, "PERMISSION_DENIED", MISSING_SCOPES)
        call = Call(
            backend=backend,
            gateway=backend.gateway,
            query=Query(query_pairs(query)),
            body=_body(request),
            now_ns=now_ns,
            name=name,
            key=key,
        )
        body = encode(endpoint.answer(call))
        return HttpOut(status=200, headers={**JSON, **headers}, body=body, compress=True)
    except Refusal as refusal:
        refusal.headers = {**headers, **refusal.headers}
        return refused(refusal)


def _charge(backend: Backend, request: HttpIn, endpoint: Endpoint, now_ns: int) -> dict[str, str]:
    """Public calls count for the address, signed ones for the user whom they name."""
    if not endpoint.signed:
        return charge(backend.limiter, PUBLIC, request.peer, now_ns)
    key = tokens.named(backend.gateway.keys, _bearer(request))
    who = ("address", request.peer) if key is None else ("user", key.owner)
    return charge(backend.limiter, PRIVATE, who, now_ns)


def _key_of(backend: Backend, request: HttpIn, now_ns: int) -> Key:
    """Whose signed call it is; raises the refusal, which says nothing."""
    gateway = backend.gateway
    path = request.target.partition("?")[0]
    try:
        return tokens.authenticate(
            gateway.keys,
            _bearer(request),
            now_ns + gateway.skew_ns,
            call=f"{request.method} {path}",
            host=request.headers.get("host", ""),
        )
    except Denied:
        raise unauthorized() from None


def _bearer(request: HttpIn) -> str:
    """The token of a request, or nothing."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _body(request: HttpIn) -> Mapping[str, Any]:
    """What was posted; a body of a GET is ignored (the official SDK sends ``{}``)."""
    if request.method != "POST":
        return {}
    try:
        body = read_json(request.body)
    except Unreadable as error:
        raise Refusal(400, "unknown", error.reason) from None
    if not isinstance(body, dict):
        raise Refusal(400, "unknown", "the body is no JSON object")
    return body
