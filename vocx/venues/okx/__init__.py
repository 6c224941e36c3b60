"""How a client speaks OKX V5, spot.

From OKX's API guide (docs-v5, edition of 2026-07-28, and its change log) and from replies that
others recorded. The surprises, each met somewhere below:

* *Success is said three times*: HTTP status, ``code`` of the envelope, ``sCode`` of each item; the
  innermost is the truth. Refusals come inside HTTP 200.
* *An answer to an order is an acknowledgement*: not even the price comes back.
* *Three sockets*: public, business (candles) and private, and a channel on the wrong one is
  refused. A login is answered before anything private may be subscribed; each argument has its own
  acknowledgement.
* *Idle for 30 s is dead* (close code 4004): the text ``ping`` is answered by the text ``pong``.
* *The book starts in-band* and is held together by ``prevSeqId``; its checksum is a fixed 0.
* *A row of trades may stand for several matches* (``count``), its id is the last of them.
* *Limits are per endpoint, and for orders per instrument*, in windows of two seconds; no header
  tells what is used.
* *Client order ids are letters and digits*, at most 32, unique among live orders only.
* *Demo trading* is the real address with a header, and sockets of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

from vocx.errors import VenueError
from vocx.facts import BookDelta
from vocx.venues.base import (
    PRIVATE,
    Answer,
    CancelOrders,
    ChannelSpec,
    CloseKind,
    ControlFrame,
    Credentials,
    Decoded,
    Endpoints,
    GetBook,
    GetCandles,
    Intent,
    Keepalive,
    Limit,
    PlaceOrders,
    Proof,
    Request,
    Response,
    Secrets,
    SocketLimits,
    SocketPlan,
    standard_close,
)
from vocx.venues.base.adapter import Adapter, Operation, derive_sockets
from vocx.venues.base.calls import Per
from vocx.venues.base.checks import check_channel, check_owner
from vocx.venues.base.reading import UNREADABLE, whole_number
from vocx.venues.base.refusals import bad_reply
from vocx.venues.base.spelling import dashed_symbol, split_dashed
from vocx.venues.okx import errors, market, orders, signing, streams

_SOCKETS = {"ws_public": "public", "ws_private": "private", "ws_business": "business"}


def _endpoints(rest: str, sockets: str, headers: Mapping[str, str], note: str) -> Endpoints:
    urls = {name: f"{sockets}/ws/v5/{path}" for name, path in _SOCKETS.items()}
    return Endpoints(urls={"rest": rest, **urls}, headers=headers, note=note)


_ENVIRONMENTS = {
    # Port 443 is what ccxt uses; the documents print 8443, which Binder and many firewalls close.
    "real": _endpoints(
        "https://openapi.okx.com",
        "wss://ws.okx.com:443",
        {},
        "accounts of the EEA, the US and "
        "Turkey have addresses of their own: name them with where={...}",
    ),
    "testnet": _endpoints(
        "https://openapi.okx.com",
        "wss://wspap.okx.com:443",
        {"x-simulated-trading": "1"},
        "demo trading: a key that was made in demo mode",
    ),
}

_GUIDE = "docs-v5, 2026-07-28"


_DEPTHS: Mapping[int | None, tuple[int]] = dict.fromkeys((None, 5, 10, 20, 50, 100, 400), (100,))
"""Five levels are streamed, ``None`` is the local book of 400; others are asked for by REST."""
_AMOUNTS: Sequence[tuple[Per, Mapping[str, int]]] = (
    ("address", {"time": 10, "instruments": 20, "ticker": 20, "books": 40, "books-full": 10}),
    ("address", {"candles": 40, "history-candles": 20, "trades": 100, "history-trades": 20}),
    ("instrument", {"place": 60, "amend": 60, "cancel": 60, "cancel_batch": 300, "order": 60}),
    ("instrument", {"place_batch": 300}),
    ("account", {"orders-pending": 60, "fills": 60, "fills-history": 10, "balance": 10}),
)
_LIMITS = (
    Limit(bucket="status", amount=1, window_s=5.0, aligned=False, source=_GUIDE),
    Limit(
        bucket="cancel-all-after",
        amount=1,
        window_s=1.0,
        aligned=False,
        per="account",
        source=_GUIDE,
    ),
    *(
        Limit(bucket=name, amount=n, window_s=2.0, aligned=False, per=per, source=_GUIDE)
        for per, amounts in _AMOUNTS
        for name, n in amounts.items()
    ),
)
"""OKX says nowhere what its limits are but in its documents, and no header tells what is used."""


class Okx(Adapter):
    """The adapter of OKX spot: pure functions, no state (see :mod:`vocx.venues.base`)."""

    name = "okx"
    environments = _ENVIRONMENTS
    limits = _LIMITS
    key_pattern = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    client_order_ids = orders.CLIENT_ORDER_IDS
    secrets = Secrets(
        headers=("OK-ACCESS-KEY", "OK-ACCESS-SIGN", "OK-ACCESS-PASSPHRASE"),
        fields=("apiKey", "passphrase", "sign"),
    )
    intervals = market.BARS.intervals
    batch_sizes = dict.fromkeys((PlaceOrders, CancelOrders), orders.BATCH)
    order_socket = SocketPlan(purpose="ws_private", path="", topics={}, private=True, login=True)
    socket_limits = SocketLimits(
        topics_per_request=streams.ARGUMENTS_PER_FRAME, bytes_per_request=65_536, connects_per_s=3
    )
    book_start = "stream"
    book_recovery = "resubscribe"
    refusal_scope = "argument"
    ticker_has_quote = True

    # calls

    def venue_symbol(self, symbol: str) -> str:
        """``"BTC/USDT"`` as ``"BTC-USDT"``."""
        return dashed_symbol(symbol)

    def symbol_of(self, venue_symbol: str, instruments: Collection[str] = ()) -> str | None:
        """``"BTC-USDT"`` as ``"BTC/USDT"``; a swap is none of ours."""
        return split_dashed(venue_symbol)

    def derive_urls(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """From ``rest`` and ``ws``, the base of the three sockets (``wss://host/ws/v5``)."""
        return derive_sockets(self.name, given, "/ws/v5", _SOCKETS)

    def request(self, intent: Intent, now_ns: int = 0) -> Request:
        """The (first) request for it."""
        return orders.CALLS.make(intent) if intent in orders.CALLS else market.build(intent)

    def sign(self, request: Request, now_ns: int, credentials: Credentials, nonce: str) -> Request:
        """The same with the four headers of a signed call. A frame of the socket has none: its
        login has signed for it."""
        check_owner(self.name, credentials)
        if not request.target:
            return request
        proof = signing.headers(credentials, now_ns, request.method, request.target, request.body)
        return replace(request, headers={**request.headers, **proof})

    def reply(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        arrived_ns: int,
    ) -> Answer:
        """The facts in a reply, or one typed error."""
        batch = isinstance(request.intent, orders.CancelBatch | PlaceOrders | CancelOrders)
        error = errors.reply_error(request, status, headers, body)
        found = errors.read_envelope(body)
        if error is not None and not (batch and found is not None and errors.read_items(found)):
            raise error
        assert found is not None
        calls = orders.CALLS if request.intent in orders.CALLS else market.CALLS
        try:
            return calls.read(request.intent, bytes(found.data), arrived_ns)
        except (*UNREADABLE, ValueError):
            raise bad_reply(self.name, request, "sent a reply of another shape", body) from None

    def ws_request(
        self, intent: Intent, number: int, now_ns: int, credentials: Credentials | None, nonce: str
    ) -> Request:
        """An order, a change or a cancel as a frame of the private socket."""
        return orders.frame(intent, number)

    def parse_response(self, text: bytes) -> Response | None:
        """Answers to operations have an ``op`` and no ``event``."""
        try:
            found = _response_of(text)
        except UNREADABLE:
            return None
        if found.op is None or found.id is None:
            return None
        status = 429 if found.code == "50011" else 200
        number = whole_number(found.id)
        given = found.id if number is None else number
        return Response(id=given, status=status, headers={}, body=text)

    # sockets

    def validate_channel(self, spec: ChannelSpec) -> ChannelSpec:
        """Candles of 1m by default; a book of five levels, or the local one of 400."""
        return check_channel(
            self.name,
            spec,
            market.BARS,
            depths={None: (100,), **{depth: (100,) for depth in (5, 10, 20, 50, 400)}},
        )

    def poll_intent(self, spec: ChannelSpec) -> Intent | None:
        """Candles of a second and other depths than 5 are not streamed."""
        if spec.channel == "book" and spec.depth not in (None, 5) and spec.symbol is not None:
            return GetBook(symbol=spec.symbol, depth=spec.depth or 5)
        if spec.channel == "candles" and spec.interval == "1s" and spec.symbol is not None:
            return GetCandles(symbol=spec.symbol, interval="1s", limit=3)
        return None

    def plans(self, specs: Sequence[ChannelSpec]) -> Sequence[SocketPlan]:
        """One socket for each of the three addresses that is needed."""
        return streams.plans(specs)

    def open_session(self, plan: SocketPlan) -> streams.Session:
        """What was told already of one's own orders."""
        return streams.Session()

    def login_frame(
        self, plan: SocketPlan, now_ns: int, credentials: Credentials, nonce: str
    ) -> ControlFrame | None:
        """The login of the private socket."""
        return (
            streams.login_frame(now_ns, check_owner(self.name, credentials)) if plan.login else None
        )

    def control_frames(
        self,
        operation: Operation,
        plan: SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: Credentials | None,
        nonce: str,
    ) -> Sequence[ControlFrame]:
        """A hundred arguments a frame."""
        return streams.control_frames(operation, plan, topics, nonce)

    def decode(
        self, text: bytes, arrived_ns: int, plan: SocketPlan, state: streams.Session
    ) -> Sequence[Decoded]:
        """What one frame says."""
        return streams.decode(text, arrived_ns, plan, state)

    def keepalive(self, purpose: str) -> Keepalive:
        """After 30 s without a push the venue hangs up, so we ask each 15 s."""
        return Keepalive(client_ping_s=15.0, pong_deadline_s=10.0, ping_text="ping")

    def classify_close(self, code: int, reason: str) -> CloseKind:
        """4001 login, 4002 and 4003 and 4008 and 4009 rules, 4004 idle, 4005 slow reader, 4007 key
        gone."""
        if code in (4002, 4003, 4008, 4009):
            return "policy"
        if code == 4007:
            return "refused"
        return standard_close(code, reason)

    def refused_upgrade(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
        """The typed error in an HTTP answer to a handshake that is not 101."""
        return errors.upgrade_error(status, headers, body)

    def cadence_ms(self, spec: ChannelSpec) -> int:
        """Best prices 10 ms, books and tickers 100 ms, candles a second, trades at once."""
        return {"quotes": 10, "book": 100, "ticker": 100, "candles": 1000}.get(spec.channel, 0)

    def proof_of_life(self, spec: ChannelSpec) -> Proof:
        """The REST book and the stream need not share a sequence (the guide does not promise it),
        so best prices and quantities are compared; an empty update each minute proves more."""
        if spec.channel in PRIVATE:
            return "pong"
        return "sequence" if spec.channel == "trades" else "top"

    def snapshot_intent(self, symbol: str) -> GetBook:
        """For a probe; a local book starts in-band."""
        return GetBook(symbol=symbol, depth=400)

    def check_sequence(self, sequence: int, delta: BookDelta) -> Literal["drop", "apply", "resync"]:
        """A change follows when its ``prevSeqId`` is the book's; its own ``seqId`` may be lower,
        once, after a maintenance."""
        return "apply" if delta.previous == sequence else "resync"


class _Head(msgspec.Struct):
    op: str | None = None
    id: str | None = None
    code: str = ""


_response_of = msgspec.json.Decoder(_Head).decode
