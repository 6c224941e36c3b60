"""The REST surface: which path is what, who pays, who may, and what a refusal looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from vocx.lab.dialects.base import HttpIn, HttpOut
from vocx.lab.dialects.coinbase import account, market, tokens
from vocx.lab.dialects.coinbase.calls import Backend, Call
from vocx.lab.dialects.coinbase.limits import PRIVATE, PUBLIC, charge
from vocx.lab.dialects.coinbase.wire import (
    JSON,
    MISSING_SCOPES,
    ROOT,
    Query,
    Refusal,
    page,
    refused,
    unauthorized,
)
from vocx.lab.dialects.shared.endpoints import Endpoint, EndpointTable
from vocx.lab.dialects.shared.faults import Fault, FaultInjector
from vocx.lab.dialects.shared.keys import Denied, Key
from vocx.lab.dialects.shared.numbers import NS_PER_S
from vocx.lab.dialects.shared.rate_limiter import RateLimiter
from vocx.lab.dialects.shared.reading import Unreadable, encode, query_pairs, read_json

NAMED = "*"
"""The part of a path that names a product, an order or an account."""


def _signed(
    path: str, answer: Callable[[Any], Any], verb: str = "GET", *, trade: bool = False
) -> Endpoint:
    return Endpoint(path, answer, verb=verb, signed=True, trade=trade)


def _both(path: str, answer: Callable[[Any], Any]) -> tuple[Endpoint, Endpoint]:
    """The same, public under ``market`` and signed."""
    return Endpoint(f"{ROOT}market/{path}", answer), _signed(f"{ROOT}{path}", answer)


ENDPOINTS = EndpointTable(
    "",
    (
        Endpoint(f"{ROOT}time", market.time),
        *_both("products", market.products),
        *_both(f"products/{NAMED}", market.product),
        *_both("product_book", market.product_book),
        *_both(f"products/{NAMED}/candles", market.candles),
        *_both(f"products/{NAMED}/ticker", market.ticker),
        _signed(f"{ROOT}best_bid_ask", market.best_bid_ask),
        _signed(f"{ROOT}accounts", account.accounts),
        _signed(f"{ROOT}accounts/{NAMED}", account.account),
        _signed(f"{ROOT}key_permissions", account.key_permissions),
        _signed(f"{ROOT}portfolios", account.portfolios),
        _signed(f"{ROOT}transaction_summary", account.transaction_summary),
        _signed(f"{ROOT}payment_methods", account.payment_methods),
        _signed(f"{ROOT}cfm/positions", account.positions),
        _signed(f"{ROOT}orders", account.place, "POST", trade=True),
        _signed(f"{ROOT}orders/preview", account.preview, "POST"),
        _signed(f"{ROOT}orders/batch_cancel", account.batch_cancel, "POST", trade=True),
        _signed(f"{ROOT}orders/edit", account.edit, "POST", trade=True),
        _signed(f"{ROOT}orders/edit_preview", account.edit_preview, "POST"),
        _signed(f"{ROOT}orders/historical/batch", account.orders),
        _signed(f"{ROOT}orders/historical/fills", account.fills),
        _signed(f"{ROOT}orders/historical/{NAMED}", account.one_order),
        Endpoint("/v2/time", market.old_time),
        Endpoint("/v2/currencies", market.old_currencies),
        Endpoint("/v2/currencies/crypto", market.old_coins),
        Endpoint("/v2/exchange-rates", market.old_rates),
        _signed("/v2/accounts", account.old_accounts),
    ),
)


def find(verb: str, path: str) -> tuple[Endpoint, str] | None:
    """The endpoint of a path, and what the path names."""
    exact = ENDPOINTS.find(verb, path)
    if exact is not None and NAMED not in path:
        return exact, ""
    parts = path.rstrip("/").split("/")
    for at in range(len(parts) - 1, max(len(parts) - 3, 0), -1):
        found = ENDPOINTS.find(verb, "/".join((*parts[:at], NAMED, *parts[at + 1 :])))
        if found is not None and parts[at]:
            return found, unquote(parts[at])
    return None


class Rest:
    """Answers requests.

    Parameters
    ----------
    backend, limiter, faults
        The venue's.
    """

    def __init__(self, backend: Backend, limiter: RateLimiter, faults: FaultInjector) -> None:
        self._backend = backend
        self._limiter = limiter
        self._faults = faults

    def answer(self, request: HttpIn, now_ns: int) -> HttpOut:
        """One request, through the faults that it meets."""

        def instead(fault: Fault) -> HttpOut | None:
            return _instead(fault, now_ns)

        return self._faults.http_answer(request, lambda: self._executed(request, now_ns), instead)

    def _executed(self, request: HttpIn, now_ns: int) -> HttpOut:
        path, _, query = request.target.partition("?")
        headers: dict[str, str] = {}
        try:
            found = find(request.method, path)
            if found is None:
                raise market.not_found()
            endpoint, name = found
            headers = self._charge(request, endpoint, now_ns)
            key = self.key(request, now_ns) if endpoint.signed else None
            if key is not None and endpoint.trade and not key.trade:
                raise Refusal(403, "PERMISSION_DENIED", MISSING_SCOPES)
            call = Call(
                backend=self._backend,
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

    def _charge(self, request: HttpIn, endpoint: Endpoint, now_ns: int) -> dict[str, str]:
        """Public calls count for the address, signed ones for the user whom they name."""
        if not endpoint.signed:
            return charge(self._limiter, PUBLIC, request.peer, now_ns)
        key = tokens.named(self._backend.gateway.keys, bearer(request))
        who = ("address", request.peer) if key is None else ("user", key.owner)
        return charge(self._limiter, PRIVATE, who, now_ns)

    def key(self, request: HttpIn, now_ns: int) -> Key:
        """Whose signed call it is; raises the refusal, which says nothing."""
        gateway = self._backend.gateway
        path = request.target.partition("?")[0]
        try:
            return tokens.authenticate(
                gateway.keys,
                bearer(request),
                now_ns + gateway.skew_ns,
                call=f"{request.method} {path}",
                host=request.headers.get("host", ""),
            )
        except Denied:
            raise unauthorized() from None


def bearer(request: HttpIn) -> str:
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


# -- faults ------------------------------------------------------------------------------------

INTERNAL = Refusal(500, "INTERNAL", "Internal error")


def _instead(fault: Fault, now_ns: int) -> HttpOut | None:
    """What a fault answers in place of the real answer. Nothing is published about troubles of
    the server; pages are what stands in front of it (choices)."""
    if fault.name == "internal":
        return refused(INTERNAL)
    if fault.name == "limited":
        reset = (now_ns + int(float(fault.options["reset_s"]) * NS_PER_S)) // NS_PER_S
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
        return refused(Refusal(429, "RATE_LIMIT_EXCEEDED", "Too many requests", headers))
    pages = {
        "timeout": 504,
        "overloaded": 503,
        "region": 451,
        "forbidden": 403,
        "gone": 410,
        "html": fault.options.get("status"),
    }
    status = pages.get(fault.name)
    return None if status is None else page(int(status))
