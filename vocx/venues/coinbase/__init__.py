"""How a client speaks Coinbase Advanced Trade, spot.

From the Advanced Trade reference and WebSocket pages (2026-09) and from replies that others
recorded. The surprises, each met somewhere below:

* *A token for each call*, signed with a private key; on the socket a fresh one for each private
  subscribe.
* *The printed side is the maker's*: a market buy prints SELL. Turned round here, as everywhere.
* *No ids on the socket*: an acknowledgement tells all that is subscribed, and may come late.
* *One sequence for the whole connection*, acknowledgements included: a hole concerns every book.
* *``level2`` in, ``l2_data`` out*; its snapshot may be 5 MB. BTC-USDC arrives as BTC-USD.
* *No balances and no order entry by socket*, candles of five minutes only: the rest is polled.
* *Own fills come as growth* of an order: derived, until REST tells the rows.
* *Orders are found by the venue's id only*; by one's own they are listed.
* *No practice market*: the sandbox answers with the same canned text to everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from vocx.errors import BadInput, VenueError
from vocx.facts import BookDelta
from vocx.venues.base import (
    PRIVATE,
    Answer,
    CancelOrders,
    ChannelSpec,
    ControlFrame,
    Credentials,
    Decoded,
    Endpoints,
    GetBalances,
    GetBook,
    GetCandles,
    Intent,
    Keepalive,
    Limit,
    Proof,
    Request,
    Response,
    Secrets,
    SocketLimits,
    SocketPlan,
    Usage,
)
from vocx.venues.base.adapter import Adapter, Operation
from vocx.venues.base.checks import check_channel, check_owner, check_purposes
from vocx.venues.base.reading import UNREADABLE, header, whole_number
from vocx.venues.base.refusals import bad_reply
from vocx.venues.base.spelling import dashed_symbol, split_dashed
from vocx.venues.coinbase import errors, market, orders, signing, streams

_ENVIRONMENTS = {
    "real": Endpoints(
        urls={
            "rest": "https://api.coinbase.com",
            "ws": "wss://advanced-trade-ws.coinbase.com",
            "ws_user": "wss://advanced-trade-ws-user.coinbase.com",
        }
    ),
    "testnet": Endpoints(
        urls={},
        note=(
            "coinbase has no market to practise on: its sandbox gives the same canned answers to "
            'every order and has no sockets. The lab has one: where="lab"'
        ),
    ),
}

DEPTHS: Mapping[int | None, Sequence[int]] = {None: (), 5: (), 10: (), 20: ()}
"""Of a book: whole by stream, its top by REST."""

_SOURCE = "public clients and third-party catalogues, 2026-09; no official page"
_LIMITS = (
    Limit(bucket="public", amount=10, window_s=1.0, aligned=False, source=_SOURCE),
    Limit(bucket="private", amount=30, window_s=1.0, aligned=False, per="account", source=_SOURCE),
)


class Coinbase(Adapter):
    """The adapter of Coinbase Advanced Trade: pure functions, no state of its own (see
    :mod:`vocx.venues.base`)."""

    name = "coinbase"
    environments = _ENVIRONMENTS
    limits = _LIMITS
    key_pattern = r"organizations/.+/apiKeys/.+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    client_order_ids = orders.CLIENT_ORDER_IDS
    secrets = Secrets(headers=("Authorization",), fields=("jwt",))
    intervals = market.BARS.intervals
    batch_sizes = {CancelOrders: orders.CANCELS}
    order_socket = None
    socket_limits = SocketLimits()
    book_start = "stream"
    book_recovery = "resubscribe"
    refusal_scope = "argument"
    ticker_has_quote = True
    rare = ("trades", "candles")

    # calls

    def venue_symbol(self, symbol: str) -> str:
        """``"BTC/USD"`` as ``"BTC-USD"``."""
        return dashed_symbol(symbol)

    def symbol_of(self, venue_symbol: str, instruments: Collection[str] = ()) -> str | None:
        """``"BTC-USD"`` as ``"BTC/USD"``."""
        return split_dashed(venue_symbol)

    def derive_urls(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """One socket address serves market data and accounts."""
        check_purposes(self.name, given, ("rest", "ws", "ws_user"))
        urls = {name: url.rstrip("/") for name, url in given.items()}
        if "ws" in urls:
            urls.setdefault("ws_user", urls["ws"])
        return urls

    def request(self, intent: Intent, now_ns: int = 0) -> Request:
        """The (first) request for it; candles without an end end now."""
        if intent in orders.CALLS:
            return orders.CALLS.make(intent)
        return market.build(intent, now_ns)

    def sign(self, request: Request, now_ns: int, credentials: Credentials, nonce: str) -> Request:
        """The same with a token that names method, host and path."""
        path = request.target.partition("?")[0]
        proof = signing.token(
            check_owner(self.name, credentials), now_ns, nonce, request.method, path
        )
        return replace(request, headers={**request.headers, "Authorization": f"Bearer {proof}"})

    def reply(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        arrived_ns: int,
    ) -> Answer:
        """The facts in a reply, or one typed error."""
        error = errors.reply_error(request, status, headers, body)
        if error is not None:
            raise error
        calls = orders.CALLS if request.intent in orders.CALLS else market.CALLS
        try:
            return calls.read(request.intent, body, arrived_ns)
        except (*UNREADABLE, ValueError) as problem:
            if isinstance(problem, BadInput):
                raise
            raise bad_reply(self.name, request, "sent a reply of another shape", body) from None

    def parse_usage(self, request: Request, headers: Mapping[str, str]) -> Sequence[Usage]:
        """Headers that are there for some keys only."""
        left = whole_number(header(headers, "x-ratelimit-remaining"))
        if left is None:
            return ()
        amount = whole_number(header(headers, "x-ratelimit-limit"))
        return tuple(
            Usage(bucket=bucket, left=left, amount=amount, window_s=1.0)
            for bucket in request.charges
        )

    def ws_request(
        self, intent: Intent, number: int, now_ns: int, credentials: Credentials | None, nonce: str
    ) -> Request:
        """There is no order entry by socket."""
        raise BadInput('coinbase takes orders by REST only: leave via="websocket" out')

    def parse_response(self, text: bytes) -> Response | None:
        """Nothing answers by socket."""
        return None

    # sockets

    def validate_channel(self, spec: ChannelSpec) -> ChannelSpec:
        """Candles of 5m, the one interval that is streamed, by default; whole books. What
        is not streamed (see :meth:`poll_intent`) is asked for."""
        streamed = market.STREAMED_INTERVAL
        return check_channel(self.name, spec, market.BARS, interval=streamed, depths=DEPTHS)

    def poll_intent(self, spec: ChannelSpec) -> Intent | None:
        """Balances, the top of a book, and candles of other intervals than 5m."""
        if spec.channel == "balances":
            return GetBalances()
        if spec.channel == "book" and spec.depth is not None:
            assert spec.symbol is not None
            return GetBook(symbol=spec.symbol, depth=spec.depth)
        if spec.channel == "candles" and spec.interval != market.STREAMED_INTERVAL:
            assert spec.symbol is not None and spec.interval is not None
            return GetCandles(symbol=spec.symbol, interval=spec.interval, limit=2)
        return None

    def plans(self, specs: Sequence[ChannelSpec]) -> Sequence[SocketPlan]:
        """One socket for market data, one for an account."""
        return streams.plans(specs)

    def wire_topic(self, topic: str) -> str:
        """Quotes and tickers are one channel on the wire."""
        return topic.replace("quotes:", "ticker:", 1)

    def open_session(self, plan: SocketPlan) -> streams.Session:
        """The connection's sequence, and how far each order had grown."""
        return streams.Session(plan)

    def control_frames(
        self,
        operation: Operation,
        plan: SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: Credentials | None,
        nonce: str,
    ) -> Sequence[ControlFrame]:
        """A message for each channel; heartbeats are subscribed to first."""
        mine = None if credentials is None else check_owner(self.name, credentials)
        return streams.control_frames(operation, plan, topics, now_ns, mine, nonce)

    def decode(
        self, text: bytes, arrived_ns: int, plan: SocketPlan, state: streams.Session
    ) -> Sequence[Decoded]:
        """What one frame says."""
        return streams.decode(text, arrived_ns, plan, state)

    def keepalive(self, purpose: str) -> Keepalive:
        """A beat each second proves the feed; a ping measures the way."""
        return Keepalive(client_ping_s=10.0, pong_deadline_s=5.0, heartbeat_s=1.0)

    def refused_upgrade(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
        """The typed error in an HTTP answer to a handshake that is not 101."""
        return errors.upgrade_error(status, headers, body)

    def cadence_ms(self, spec: ChannelSpec) -> int:
        """Trades 250 ms, candles a second; tickers and books are put together for less than what
        was measured anywhere (100 and 50 ms: assumed, not documented)."""
        known = {"trades": 250, "candles": 1000, "quotes": 100, "ticker": 100, "book": 50}
        return known.get(spec.channel, 0)

    def proof_of_life(self, spec: ChannelSpec) -> Proof:
        """The connection's sequence and its heartbeats prove that nothing is missing."""
        return "pong" if spec.channel in PRIVATE else "heartbeat"

    def snapshot_intent(self, symbol: str) -> GetBook:
        """For a probe; a local book starts in-band and cannot be joined to REST."""
        return GetBook(symbol=symbol, depth=1000)

    def check_sequence(self, sequence: int, delta: BookDelta) -> Literal["drop", "apply", "resync"]:
        """The rule is the connection's: a change applies unless a hole was told, or unless it was
        sent before the snapshot."""
        return "drop" if delta.last < sequence else "apply"
