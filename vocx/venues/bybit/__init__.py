"""How a client speaks Bybit V5, spot.

From Bybit's API documentation (v5, 2026-09) and from replies that others recorded. The surprises,
each met somewhere below:

* *Success is ``retCode`` 0*, never the text beside it; refusals come with HTTP 200.
* *A 403 is a ban of ten minutes* when its text says "access too frequent", else a blocked place.
* *An answer to an order is an acknowledgement*, also of one that the engine then rejects.
* *The ticker stream has no bid and no ask*: best prices are a book of one level.
* *Two numbers on a book*: ``u`` counts per depth and has no holes, ``seq`` compares with REST.
* *At most ten topics a request*, and one bad topic refuses its whole request.
* *Three pongs*, by socket; the ping is ``{"op":"ping"}``.
* *Limits are per user and second*, told in headers; their reset time may lie in the past.
* *Ids have nineteen digits*: they are text. Trades have no id without holes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from vocx.errors import VenueError
from vocx.facts import BookDelta, Trade
from vocx.symbols import split_joined
from vocx.venues.base import (
    PRIVATE,
    Answer,
    CancelOrders,
    ChannelSpec,
    ControlFrame,
    Credentials,
    Decoded,
    Endpoints,
    GetBook,
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
    Usage,
)
from vocx.venues.base.adapter import Adapter, Operation, derive_sockets
from vocx.venues.base.checks import check_channel, check_owner
from vocx.venues.base.reading import UNREADABLE, header, whole_number
from vocx.venues.base.refusals import bad_reply, unknown_symbol
from vocx.venues.base.spelling import joined_symbol
from vocx.venues.bybit import errors, market, orders, signing, streams

_SOCKETS = {"ws_public": "public/spot", "ws_private": "private", "ws_trade": "trade"}


def _endpoints(rest: str, sockets: str, note: str = "") -> Endpoints:
    urls = {name: f"{sockets}/v5/{path}" for name, path in _SOCKETS.items()}
    return Endpoints(urls={"rest": rest, **urls}, note=note)


_ENVIRONMENTS = {
    "real": _endpoints(
        "https://api.bybit.com",
        "wss://stream.bybit.com",
        "keys of regional sites need their own addresses: name them with where={...}",
    ),
    "testnet": _endpoints("https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com"),
}

_DOCS = "docs v5, rate limit, 2026-09"

_PER_SECOND = {
    **{"create": 20, "amend": 10, "cancel": 20, "cancel-all": 20},
    **{"create-batch": 20, "cancel-batch": 20},
    **{"realtime": 50, "history": 50, "execution": 50, "wallet-balance": 50},
}
_LIMITS = (
    Limit(bucket="requests", amount=600, window_s=5.0, aligned=False, source=_DOCS),
    *(
        Limit(bucket=name, amount=n, window_s=1.0, aligned=False, per="account", source=_DOCS)
        for name, n in _PER_SECOND.items()
    ),
)


class Bybit(Adapter):
    """The adapter of Bybit spot: pure functions, no state (see :mod:`vocx.venues.base`)."""

    name = "bybit"
    environments = _ENVIRONMENTS
    limits = _LIMITS
    key_pattern = r"[A-Za-z0-9]{18}"
    client_order_ids = orders.CLIENT_ORDER_IDS
    secrets = Secrets(
        headers=("X-BAPI-API-KEY", "X-BAPI-SIGN"),
        after=(r'"op"\s*:\s*"auth"\s*,\s*"args"\s*:\s*\[', r"origin_string\["),
    )
    intervals = market.BARS.intervals
    batch_sizes = dict.fromkeys((PlaceOrders, CancelOrders), orders.BATCH)
    order_socket = SocketPlan(purpose="ws_trade", path="", topics={}, private=True, login=True)
    socket_limits = SocketLimits(
        topics_per_request=streams.TOPICS_PER_REQUEST,
        bytes_per_request=streams.CHARACTERS_PER_SOCKET,
    )
    book_start = "stream"
    book_recovery = "resubscribe"
    refusal_scope = "request"
    ticker_has_quote = False
    rare = ("trades", "candles")
    """Candles come with trades only."""

    # calls

    def venue_symbol(self, symbol: str) -> str:
        """``"BTC/USDT"`` as ``"BTCUSDT"``."""
        return joined_symbol(symbol)

    def symbol_of(self, venue_symbol: str, instruments: Collection[str] = ()) -> str | None:
        """``"BTCUSDT"`` as ``"BTC/USDT"``, by the symbols known here, else by its ending."""
        return split_joined(venue_symbol, instruments)

    def derive_urls(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """From ``rest`` and ``ws``, the root of the three sockets (``wss://host``)."""
        return derive_sockets(self.name, given, "/v5", _SOCKETS)

    def request(self, intent: Intent, now_ns: int = 0) -> Request:
        """The (first) request for it."""
        return orders.CALLS.make(intent) if intent in orders.CALLS else market.build(intent)

    def sign(self, request: Request, now_ns: int, credentials: Credentials, nonce: str) -> Request:
        """The same with the four headers of a signed call. A frame of the trade socket has a new
        time only: its login has signed for it."""
        check_owner(self.name, credentials)
        if not request.target:
            return orders.frame(request.intent, _number_of(request.body), now_ns)
        payload = request.body.decode() or request.target.partition("?")[2]
        proof = signing.headers(credentials, now_ns, payload)
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
        error = errors.reply_error(request, status, headers, body, arrived_ns)
        if error is not None:
            raise error
        found = errors.read_envelope(body)
        assert found is not None
        calls = orders.CALLS if request.intent in orders.CALLS else market.CALLS
        try:
            batch = isinstance(request.intent, PlaceOrders | CancelOrders)
            said = body if batch else bytes(found.result)  # half of it stands beside the result
            return calls.read(request.intent, said, arrived_ns)
        except (*UNREADABLE, ValueError):
            empty = b'"list":[]' in body and unknown_symbol(self.name, request, "an empty list")
            raise empty or bad_reply(
                self.name, request, "sent a reply of another shape", body
            ) from None

    def parse_usage(self, request: Request, headers: Mapping[str, str]) -> Sequence[Usage]:
        """What is left of a signed call's own limit, and the limit itself."""
        left = whole_number(header(headers, "x-bapi-limit-status"))
        bucket = next((name for name in request.charges if name != "requests"), None)
        if left is None or bucket is None:
            return ()
        return (
            Usage(
                bucket=bucket,
                left=left,
                amount=whole_number(header(headers, "x-bapi-limit")),
                window_s=1.0,
            ),
        )

    def ws_request(
        self, intent: Intent, number: int, now_ns: int, credentials: Credentials | None, nonce: str
    ) -> Request:
        """An order, a change or a cancel as a frame of the trade socket."""
        return orders.frame(intent, number, now_ns)

    def parse_response(self, text: bytes) -> Response | None:
        """Answers to ``order.*`` carry the ``reqId``, and in ``header`` what REST has in its
        own."""
        try:
            found = _response_of(text)
        except UNREADABLE:
            return None
        number = whole_number(found.reqId)
        if found.op is None or not found.op.startswith("order.") or number is None:
            return None
        body = msgspec.json.encode(
            {
                "retCode": found.retCode,
                "retMsg": found.retMsg,
                "result": found.data,
                "retExtInfo": found.retExtInfo,
            }
        )
        headers = {name: value for name, value in found.header.items() if isinstance(value, str)}
        return Response(id=number, status=200, headers=headers, body=body)

    # sockets

    def validate_channel(self, spec: ChannelSpec) -> ChannelSpec:
        """Candles of 1m, a local book of 200 levels by default; a book's cadence goes with its
        depth."""
        depths: dict[int | None, tuple[int]] = {None: (streams.DEPTHS[streams.FULL_DEPTH],)}
        depths.update({depth: (ms,) for depth, ms in streams.DEPTHS.items()})
        return check_channel(self.name, spec, market.BARS, depths=depths)

    def plans(self, specs: Sequence[ChannelSpec]) -> Sequence[SocketPlan]:
        """A socket for each 21,000 characters of market data, one for an account."""
        return streams.plans(specs)

    def open_session(self, plan: SocketPlan) -> None:
        """Nothing need be remembered of a connection: rows are cumulative or have ids."""
        return None

    def login_frame(
        self, plan: SocketPlan, now_ns: int, credentials: Credentials, nonce: str
    ) -> ControlFrame | None:
        """The login of the private and of the trade socket."""
        if not plan.login:
            return None
        return streams.login_frame(plan, now_ns, check_owner(self.name, credentials))

    def control_frames(
        self,
        operation: Operation,
        plan: SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: Credentials | None,
        nonce: str,
    ) -> Sequence[ControlFrame]:
        """Ten topics a frame."""
        return streams.control_frames(operation, topics, nonce)

    def decode(
        self, text: bytes, arrived_ns: int, plan: SocketPlan, state: Any
    ) -> Sequence[Decoded]:
        """What one frame says."""
        return streams.decode(text, arrived_ns, plan)

    def keepalive(self, purpose: str) -> Keepalive:
        """A text ping each 20 s, as the documents ask for; half of that finds a dead line in
        time."""
        return Keepalive(client_ping_s=10.0, pong_deadline_s=5.0, ping_text='{"op":"ping"}')

    def refused_upgrade(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
        """The typed error in an HTTP answer to a handshake that is not 101."""
        return errors.upgrade_error(status, headers, body)

    def cadence_ms(self, spec: ChannelSpec) -> int:
        """Books by their depth, best prices 10 ms, tickers 50 ms, candles a second, trades at
        once."""
        if spec.channel == "book":
            return streams.DEPTHS[spec.depth or streams.FULL_DEPTH]
        return {"quotes": 10, "ticker": 50, "candles": 1000}.get(spec.channel, 0)

    def proof_of_life(self, spec: ChannelSpec) -> Proof:
        """``u`` of a stream and ``seq`` of REST are different counts, so prices and quantities
        are compared."""
        return "pong" if spec.channel in PRIVATE else "top"

    def snapshot_intent(self, symbol: str) -> GetBook:
        """For a probe; a local book starts in-band."""
        return GetBook(symbol=symbol, depth=streams.FULL_DEPTH)

    def check_sequence(self, sequence: int, delta: BookDelta) -> Literal["drop", "apply", "resync"]:
        """``u`` has no holes; what is not newer is dropped."""
        if delta.last <= sequence:
            return "drop"
        return "apply" if delta.last == sequence + 1 else "resync"

    def check_trade(self, last: int | str, trade: Trade) -> int:
        """Ids promise no order."""
        return 0


class _Head(msgspec.Struct):
    op: str | None = None
    reqId: str | None = None
    retCode: int = 0
    retMsg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    retExtInfo: msgspec.Raw = msgspec.Raw(b"{}")
    header: dict[str, Any] = {}


_response_of = msgspec.json.Decoder(_Head).decode


def _number_of(frame: bytes) -> int:
    """The id that a frame of the trade socket was made with."""
    return int(_response_of(frame).reqId or 0)
