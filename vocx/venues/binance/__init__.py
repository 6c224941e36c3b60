"""How a client speaks Binance Spot.

From github.com/binance/binance-spot-api-docs at commit a5e0bc3 (2026-07-21; change log read up
to 2026-09-18) and from replies that others recorded. The surprises, each met somewhere below:

* *Weight, not requests*: 6,000 a minute and address in windows that start at second 00; one
  ``depth`` of 5,000 levels costs 250. 429 is the warning, 418 the ban, and failed calls count.
* *An ack proves nothing*: a misspelt stream is acknowledged with ``result: null`` and stays
  silent. Events may come before the ack.
* *Refusals on a stream are nested* under ``error``, though the documents show them flat.
* *No time in the best price*: ``bookTicker`` and the partial book carry no stamp and no event
  type; the partial book not even a symbol.
* *``m`` is the maker's flag*: true means that the buyer was resting, so the taker sold.
* *The book rule changed on 2025-11-12*: an event follows when ``U <= id + 1``; before, the
  documents were wrong by one.
* *Case*: REST symbols are upper case, stream names lower case with a case-sensitive suffix.
* *Region*: 451 with ``code`` 0 on every path; the ``.vision`` hosts serve public data, though
  not ``historicalTrades``.
* *``serverShutdown``* (since 2026-05) comes without a subscription: reconnect at once.
* *Signed bytes*: REST signs the percent-encoded text (since 2026-01-15), the WebSocket API raw
  sorted parameters. -1021 is refused before the engine, 5xx says nothing about an order.
* *No listen key* any more (since 2026-02-20): account events need a signed subscription.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from vocx.errors import BadInput, VenueError
from vocx.facts import BookDelta
from vocx.symbols import split_joined
from vocx.venues.base import (
    PRIVATE,
    AmendOrder,
    Answer,
    ChannelSpec,
    CloseKind,
    ControlFrame,
    Credentials,
    Endpoints,
    GetBook,
    GetInstruments,
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
    standard_close,
)
from vocx.venues.base.adapter import Adapter, Operation
from vocx.venues.base.checks import check_channel, check_owner, check_purposes
from vocx.venues.base.reading import UNREADABLE
from vocx.venues.base.spelling import joined_symbol
from vocx.venues.binance import errors, orders, private, rest, signing, streams
from vocx.venues.binance.limits import LIMITS, parse_limits, parse_usage

_DEPTHS: Mapping[int | None, tuple[int, ...]] = dict.fromkeys((None, 5, 10, 20), (100, 1000))
"""Tops of a book that stand alone, and the local book; milliseconds between changes."""

_ENVIRONMENTS = {
    "real": Endpoints(
        # The public-data hosts: no key, port 443 only, so they also work where 9443 is closed.
        urls={
            "rest": "https://data-api.binance.vision",
            "ws": "wss://data-stream.binance.vision",
            "rest_signed": "https://api.binance.com",
            "ws_api": "wss://ws-api.binance.com/ws-api/v3",
        },
    ),
    "testnet": Endpoints(
        urls={
            "rest": "https://testnet.binance.vision",
            "ws": "wss://stream.testnet.binance.vision",
            "rest_signed": "https://testnet.binance.vision",
            "ws_api": "wss://ws-api.testnet.binance.vision/ws-api/v3",
        },
        note="play money; wiped about once a month",
    ),
}
_PURPOSES = ("rest", "rest_signed", "ws", "ws_api")
_ORDER_SOCKET = SocketPlan(purpose="ws_api", path="", topics={}, private=True)

_KEEPALIVE = Keepalive(
    client_ping_s=10.0, pong_deadline_s=5.0, max_life_s=86_400.0, rotate_s=84_600.0
)


class Binance(Adapter):
    """The adapter of Binance Spot: pure functions, no state (see :mod:`vocx.venues.base`)."""

    name = "binance"
    environments = _ENVIRONMENTS
    limits = LIMITS
    secrets = Secrets(headers=("X-MBX-APIKEY",), fields=("signature", "apiKey", "listenKey"))
    key_pattern = r"[A-Za-z0-9]{64}"
    client_order_ids = orders.CLIENT_ORDER_IDS
    order_socket = _ORDER_SOCKET
    socket_limits = SocketLimits(
        topics=streams.STREAMS_PER_SOCKET, topics_per_request=streams.NAMES_PER_FRAME
    )
    book_start = "rest"
    book_recovery = "refetch"
    refusal_scope = "request"
    ticker_has_quote = True
    intervals = rest.BARS.intervals

    def venue_symbol(self, symbol: str) -> str:
        """``"BTC/USDT"`` as ``"BTCUSDT"``."""
        return joined_symbol(symbol)

    def symbol_of(self, venue_symbol: str, instruments: Collection[str] = ()) -> str | None:
        """``"BTCUSDT"`` as ``"BTC/USDT"``; where the base ends is known or guessed."""
        return split_joined(venue_symbol, instruments)

    def derive_urls(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """Signed calls go to the same server as public ones, the WebSocket API stands under
        ``/ws-api/v3`` of the streams' server.

        Raises
        ------
        BadInput
            A purpose that binance does not have.
        """
        check_purposes(self.name, given, _PURPOSES)
        found = dict(given)
        if "rest" in found:
            found.setdefault("rest_signed", found["rest"])
        if "ws" in found:
            found.setdefault("ws_api", found["ws"].rstrip("/") + "/ws-api/v3")
        return found

    def request(self, intent: Intent, now_ns: int = 0) -> Request:
        """The request for it, unsigned; ``BadInput`` where it cannot be sent."""
        if intent in orders.CALLS:
            return orders.request(intent, orders.CALLS.make(intent))
        return rest.build(intent)

    def sign(self, request: Request, now_ns: int, credentials: Credentials, nonce: str) -> Request:
        """With window, time and signature at the end of its query, and the key as a header."""
        check_owner(self.name, credentials)
        path, _, query = request.target.partition("?")
        return msgspec.structs.replace(
            request,
            target=f"{path}?{signing.signed_query(query, now_ns, credentials)}",
            headers={**request.headers, "X-MBX-APIKEY": credentials.key},
        )

    def ws_request(
        self, intent: Intent, number: int, now_ns: int, credentials: Credentials | None, nonce: str
    ) -> Request:
        """A signed call as a frame of the WebSocket API."""
        if intent not in orders.CALLS or isinstance(intent, AmendOrder):
            raise BadInput(f"vocx asks binance for {type(intent).__name__} by REST")
        if credentials is not None:
            check_owner(self.name, credentials)
        return private.ws_request(intent, number, now_ns, credentials)

    def ws_logon(
        self, number: int, now_ns: int, credentials: Credentials, nonce: str
    ) -> Request | None:
        """``session.logon``, for Ed25519 keys: frames then carry neither key nor signature
        (web-socket-api.md, 2026-07-21)."""
        check_owner(self.name, credentials)
        return private.ws_logon(number, now_ns, credentials)

    def parse_response(self, text: bytes) -> Response | None:
        """A frame of the WebSocket API as an answer; ``None`` for an event."""
        return private.parse_response(text)

    def reply(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        arrived_ns: int,
    ) -> Answer:
        """What a reply says, or one typed error."""
        if status == 200:
            try:
                if request.intent in orders.CALLS:
                    return orders.read(request, body, arrived_ns)
                return Answer(result=rest.CALLS.read(request.intent, body, arrived_ns))
            except UNREADABLE:
                pass
        if status == 404 and request.target == rest.SYSTEM:
            return Answer(result=None, next=rest.without_status(request))
        raise errors.reply_error(request, status, headers, body, arrived_ns)

    def parse_limits(self, request: Request, body: bytes) -> Sequence[Limit]:
        """The limits in an ``exchangeInfo``: they have changed before, and the account's own
        order limits are only there."""
        asked = isinstance(request.intent, GetInstruments)
        return parse_limits(body) if asked else ()

    def refused_upgrade(self, status: int, headers: Mapping[str, str], body: bytes) -> VenueError:
        """The typed error in an HTTP answer to a handshake that is not 101."""
        return errors.upgrade_error(status, headers, body)

    def parse_usage(self, request: Request, headers: Mapping[str, str]) -> Sequence[Usage]:
        """Used weight and orders as the reply's headers tell them."""
        return parse_usage(headers)

    def validate_channel(self, spec: ChannelSpec) -> ChannelSpec:
        """With defaults: candles of 1m, the local book each 100 ms, its tops each second."""
        return check_channel(self.name, spec, rest.BARS, depths=_DEPTHS)

    def plans(self, specs: Sequence[ChannelSpec]) -> Sequence[SocketPlan]:
        """One combined socket for every 1,024 streams, and one for everything private."""
        plans = streams.plans([one for one in specs if one.channel not in PRIVATE])
        mine = [one for one in specs if one.channel in PRIVATE]
        return [*plans, private.plan(mine)] if mine else plans

    def open_session(self, plan: SocketPlan) -> streams.Payloads:
        """Nothing to remember, for every frame says all that it means: only how a frame of each
        stream begins, so that it is told at one look."""
        return {} if plan.private else streams.payloads(plan)

    def control_frames(
        self,
        operation: Operation,
        plan: SocketPlan,
        topics: Sequence[str],
        now_ns: int,
        credentials: Credentials | None,
        nonce: str,
    ) -> Sequence[ControlFrame]:
        """Up to 200 names each. An account is subscribed to by one signed frame, and that ends with
        its connection."""
        if not plan.private:
            return streams.control_frames(operation.upper(), topics, nonce)
        if operation == "unsubscribe":
            return []
        if credentials is None:
            raise BadInput("an account is subscribed to with a key")
        check_owner(self.name, credentials)
        return [private.subscribe_frame(tuple(plan.topics), now_ns, credentials, nonce)]

    decode = staticmethod(streams.decode)

    def keepalive(self, purpose: str) -> Keepalive:
        """The same for all: the server pings every 20 s and wants its pong within 60 s
        (CHANGELOG 2025-01-28); our own pings are there to find a dead line within 16 s and cost
        0.1 of the 5 messages a second."""
        return _KEEPALIVE

    def classify_close(self, code: int, reason: str) -> CloseKind:
        """The standard codes; 1008 is a broken rule: too many messages, or a pong too late."""
        return standard_close(code, reason)

    def cadence_ms(self, spec: ChannelSpec) -> int:
        """0 for trades and quotes, 100 or 1000 for books, 1000 for tickers, 2000 for candles."""
        if spec.channel == "book":
            return spec.cadence_ms or 100
        if spec.channel == "candles":
            return 1000 if spec.interval == "1s" else 2000
        return 1000 if spec.channel == "ticker" else 0

    def proof_of_life(self, spec: ChannelSpec) -> Proof:
        """REST shows the ids of the diff book, trades and candles. A best price carries the id of
        its own last change, which REST does not tell, and a ticker none: there the top of the
        book must do."""
        if spec.channel in PRIVATE:
            return "pong"
        numbered = spec.channel in ("trades", "candles") or (
            spec.channel == "book" and spec.depth is None
        )
        return "sequence" if numbered else "top"

    def snapshot_intent(self, symbol: str) -> GetBook:
        """The deepest snapshot there is: 5,000 levels, weight 250."""
        return GetBook(symbol=symbol, depth=5000)

    def check_sequence(self, sequence: int, delta: BookDelta) -> Literal["drop", "apply", "resync"]:
        """The documents' rule of 2025-11-12, for a book at ``sequence``.

        Old events (``u <= id``) drop; an overlap applies whole, because quantities are absolute;
        ``U > id + 1`` means that something is missing.
        """
        if delta.last <= sequence:
            return "drop"
        return "resync" if delta.first > sequence + 1 else "apply"
