"""One call of an endpoint, and how it is carried out: the same for REST and WebSocket API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from vocx.lab.dialects.binance.catalogue import Symbol
from vocx.lab.dialects.binance.endpoint import Endpoint
from vocx.lab.dialects.binance.limits import RAW, WEIGHT, OrderCounts
from vocx.lab.dialects.binance.params import Params, illegal, missing
from vocx.lab.dialects.binance.wire import Refusal
from vocx.lab.dialects.shared import calls
from vocx.lab.dialects.shared.accounts import AccountGateway
from vocx.lab.dialects.shared.keys import Authentication, Denied, Key, RequestWindow
from vocx.lab.dialects.shared.numbers import NS_PER_MS, NS_PER_S, NS_PER_US, Catalogue
from vocx.lab.dialects.shared.rate_limiter import RateLimiter

STATUSES = ("TRADING", "END_OF_DAY", "HALT", "BREAK", "CANCEL_ONLY")
DEFAULT_WINDOW_MS, LONGEST_WINDOW_MS = Decimal(5_000), Decimal(60_000)
AHEAD_NS = NS_PER_S
"""How far a timestamp may be ahead of the exchange's clock, exclusive."""
_SIGNED = ("timestamp", "recvWindow", "signature")
_WINDOW_RANGE = r"^[0-9]{1,20}(\.[0-9]{1,3})?$"
_DENIED: Mapping[str, tuple[int, str, int]] = {
    "form": (-2014, "API-key format invalid.", 401),
    "signature": (-1022, "Signature for this request is not valid.", 400),
    "ahead": (-1021, "Timestamp for this request was 1000ms ahead of the server's time.", 400),
    "late": (-1021, "Timestamp for this request is outside of the recvWindow.", 400),
}
_NOT_PERMITTED = (-2015, "Invalid API-key, IP, or permissions for action.", 401)


class Call(calls.Call, frozen=True, kw_only=True):
    """A call with what was sent, from where, and in which unit of time it is answered; ``form`` is
    what its endpoint read of the parameters."""

    backend: Backend
    params: Params
    peer: str
    unit_ns: int = NS_PER_MS
    form: Any = None

    @property
    def catalogue(self) -> Catalogue[Symbol]:
        return self.backend.catalogue

    def closed(self) -> Exception:
        """-1013."""
        return Refusal(-1013, "Market is closed.")

    def stamp(self, at_ns: int) -> int:
        """A time in the unit asked for."""
        return at_ns // self.unit_ns

    def own_stamp(self, at_ns: int) -> int:
        """When the exchange did something that no record holds, such as a login, by its clock."""
        return self.stamp(at_ns + self.gateway.skew_ns)

    def listing(self) -> Symbol:
        """The symbol that was asked for; it is mandatory and must match ``symbolStatus``."""
        name = self.params.symbol()
        if name is None:
            raise missing("symbol")
        listing = self.catalogue.named(name)
        if not self.status_matches():
            raise Refusal(-1220, "The symbol's status does not match the requested symbolStatus.")
        return listing

    def listings(self) -> list[Symbol] | Symbol:
        """The one of ``symbol``, else the list of ``symbols``, else of all."""
        if self.params.has("symbol") and self.params.has("symbols"):
            raise combination()
        if self.params.has("symbol"):
            return self.listing()
        names = self.params.symbols()
        wanted = {self.catalogue.named(name).format.name for name in names or ()}
        if not self.status_matches():
            return []
        return [
            listing
            for name, listing in self.catalogue.by_name.items()
            if names is None or name in wanted
        ]

    def status_matches(self) -> bool:
        """Whether ``symbolStatus`` lets a trading symbol through (all of the lab's trade)."""
        status = self.params.text("symbolStatus")
        if status is None:
            return True
        if status not in STATUSES:
            raise Refusal(-1122, "Invalid symbolStatus.")
        return status == "TRADING"


class Backend:
    """What every call works with, and how a call is carried out.

    The order of the checks (ours, the documentation has none): limits and bans; parameters; form
    of the key (-2014), key (-2015), time (-1021), signature (-1022), permission (-2015); the count
    of orders (-1015); then what the endpoint itself refuses.
    """

    def __init__(
        self, catalogue: Catalogue[Symbol], limiter: RateLimiter, gateway: AccountGateway
    ) -> None:
        self.catalogue = catalogue
        self.limiter = limiter
        self.gateway = gateway
        self.counts = OrderCounts(limiter, gateway.accounts)
        self.served = 0
        """Answers of REST so far, which are numbered."""

    def charge(self, peer: str, weight: int, now_ns: int, *, raw: bool) -> None:
        """Count one call, or refuse it (429, 418); ``raw``: as a raw request, too."""
        over = raw and self.limiter.add(RAW, peer, 1, now_ns)
        self.limiter.charge(WEIGHT, peer, weight, now_ns, peer)
        if over:
            raise self.limiter.refused(RAW, peer, now_ns)

    def run(
        self, endpoint: Endpoint, call: Call, shown: Callable[[], Authentication]
    ) -> tuple[Any, Mapping[str, str]]:
        """Carry out one call that has been charged: its answer and extra headers.

        ``shown`` gives what a signed request shows for itself. Raises :class:`Refusal`.
        """
        if not endpoint.signed:
            call.params.admit(endpoint.allowed, endpoint.mandatory)
            return endpoint.answer(call), {}
        key, form = self.authenticated(endpoint, call, shown())
        if endpoint.places:
            self.counts.admit(key.owner, call.peer, call.now_ns)
        body = endpoint.answer(msgspec.structs.replace(call, key=key, form=form))
        if endpoint.free:
            weight = endpoint.cost_of(call.params)
            self.limiter.give_back(WEIGHT, call.peer, weight, call.now_ns)
        shows = endpoint.places or endpoint.shows_orders
        return body, self.counts.headers(key.owner, call.now_ns) if shows else {}

    def authenticated(
        self, endpoint: Endpoint, call: Call, shown: Authentication
    ) -> tuple[Key, Any]:
        """The key of a signed request and what its endpoint reads, all checks passed."""
        needed = ("timestamp",) if shown.session is not None else ("timestamp", "signature")
        call.params.admit((*endpoint.allowed, *_SIGNED), (*endpoint.mandatory, *needed))
        window = _window(call.params)
        form = endpoint.read(call.params)
        now_ns = call.now_ns - call.now_ns % NS_PER_US
        try:
            return self.gateway.authenticate(shown, window, now_ns, trade=endpoint.trade), form
        except Denied as denied:
            raise refused_key(denied.reason) from None


def refused_key(reason: str = "unknown") -> Refusal:
    """Why a key may not do what is asked, in Binance's words."""
    code, text, status = _DENIED.get(reason, _NOT_PERMITTED)
    return Refusal(code, text, status=status)


def _window(params: Params) -> RequestWindow:
    """``timestamp`` and ``recvWindow``: milliseconds or microseconds, at most 60,000 ms."""
    sent_ns = params.clock_ns("timestamp")
    assert sent_ns is not None, "timestamp is mandatory"
    text = params.text("recvWindow")
    if text is None:
        return RequestWindow(sent_ns, int(DEFAULT_WINDOW_MS) * NS_PER_MS, AHEAD_NS)
    if not params.is_window(text):
        raise illegal("recvWindow", _WINDOW_RANGE)
    window = Decimal(text)
    if window > LONGEST_WINDOW_MS:
        raise Refusal(
            -1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000."
        )
    return RequestWindow(sent_ns, int(window * NS_PER_MS), AHEAD_NS)


# -- what is signed ----------------------------------------------------------------------------


def rest_payload(query: str, body: bytes) -> bytes:
    """What a REST request signs: raw query and raw body, each without its signature, one after
    the other with nothing between. Nothing is decoded and encoded again, so that a signature made
    before percent-encoding fails where the two differ (the rule since 2026-01-15)."""
    return _unsigned(query.encode()) + _unsigned(body)


def _unsigned(raw: bytes) -> bytes:
    if b"signature=" not in raw:
        return raw
    return b"&".join(pair for pair in raw.split(b"&") if not pair.startswith(b"signature="))


def api_payload(sent: Mapping[str, Any]) -> bytes:
    """What a WebSocket API request signs: its parameters by name, numbers as they were written,
    as UTF-8 without percent-encoding."""
    pairs = sorted(Params.of_json(sent).values.items())
    return "&".join(f"{name}={value}" for name, value in pairs if name != "signature").encode()


# -- refusals and costs ------------------------------------------------------------------------


def combination() -> Refusal:
    """-1128."""
    return Refusal(-1128, "Combination of optional parameters invalid.")


def counted(params: Params) -> int:
    """How many symbols a call names: 0 when it names none (which means all)."""
    if params.has("symbol"):
        return 1
    try:
        return len(params.symbols() or ())
    except Refusal:
        return 1
