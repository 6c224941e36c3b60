"""The eight rows with which a widely read article compares REST and WebSocket, and what
documentation says today. Facts with their source and date; nothing here was measured.

The claims are given in our words. Documentation is Binance's for Spot in :data:`CLAIMS`, and that
of another venue where :func:`claims` is asked for one; nobody's streams' and REST interface's pages
give a latency or a bandwidth at all.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

SEEN_HEAD = 904
"""Bytes of the head of a reply of api.binance.com, with what its delivery network adds
(python-binance pull request 1638, 2025-12-01)."""
SEEN_HEAD_AT = f"api.binance.com had {SEEN_HEAD} (seen 2025-12-01)"


UNKNOWN = "not known here"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One row: what the article says of each, what is documented, and where."""

    row: str
    rest: str
    websocket: str
    rest_today: str
    websocket_today: str
    source: str


CLAIMS: tuple[Claim, ...] = (
    Claim(
        row="connection",
        rest="new for each request",
        websocket="persistent",
        rest_today=(
            "HTTP/1.1 keeps a connection until one side closes it; code without a session opens "
            "one for each call."
        ),
        websocket_today=(
            "Ends after 24 h. The server pings every 20 s and wants its pong within 60 s."
        ),
        source="RFC 9112, 9.3 (2022-06); Binance web-socket-streams.md, 2026-07-21",
    ),
    Claim(
        row="latency",
        rest="50 to 200 ms",
        websocket="1 to 10 ms",
        rest_today=(
            "No figure. A new https call is three round trips (TCP, TLS 1.3, request) and the "
            "look-up of a name; a kept one is one: 50 to 200 ms are 17 to 67 ms of distance."
        ),
        websocket_today=(
            "No figure, but cadences: trade and bookTicker at once, depth each 100 or 1000 ms, "
            "ticker each 1000 ms."
        ),
        source="RFC 8446, 2 (2018-08); Binance web-socket-streams.md, 2026-07-21",
    ),
    Claim(
        row="data flow",
        rest="pull",
        websocket="push",
        rest_today=(
            "Answers with what it read at that moment. History (candles, old trades) is had by "
            "asking only."
        ),
        websocket_today=(
            "bookTicker: each update of the best prices or their quantities; other streams at "
            "their beat. Nothing is sent again after a cut."
        ),
        source="Binance rest-api.md and web-socket-streams.md, 2026-07-21",
    ),
    Claim(
        row="rate limits",
        rest="strict",
        websocket="virtually unlimited incoming",
        rest_today=(
            "6000 weight a minute for each address, counted by call (1200 until 2023-08-25). "
            "Above it 429 with Retry-After; who goes on gets 418: 2 minutes to 3 days."
        ),
        websocket_today=(
            "What comes in is free. 1024 streams a connection, 300 connection attempts in 5 "
            "minutes for each address, 5 messages a second from you."
        ),
        source="Binance CHANGELOG.md and web-socket-streams.md, 2026-07-21",
    ),
    Claim(
        row="best for",
        rest="orders, account, history",
        websocket="live prices, book, trades",
        rest_today=(
            "Has every method. Placing and cancelling weigh 0 when they succeed (since "
            "2026-04-02); asking for an order weighs 4, for the account 20."
        ),
        websocket_today=(
            "Streams: prices, and your own orders. The WebSocket API takes orders and answers "
            "for account and history too, with the same weights."
        ),
        source="Binance CHANGELOG.md and web-socket-api.md, 2026-07-21",
    ),
    Claim(
        row="complexity",
        rest="simple",
        websocket="connection management",
        rest_today=(
            "429, 418, and time-outs: after 10 s the server gives up, and what became of an order "
            "is unknown."
        ),
        websocket_today=(
            "The end after 24 h, serverShutdown, pings, subscribing again, and no replay of what "
            "was missed."
        ),
        source="Binance rest-api.md and web-socket-streams.md, 2026-07-21",
    ),
    Claim(
        row="bandwidth",
        rest="higher",
        websocket="lower",
        rest_today="No figure. Heads travel with every call, and TLS with every new connection.",
        websocket_today="No figure. bookTicker speaks at each update, whether you look or not.",
        source="Binance rest-api.md and web-socket-streams.md, 2026-07-21",
    ),
    Claim(
        row="auth",
        rest="signature for each request",
        websocket="once, on connect",
        rest_today="HMAC, RSA or Ed25519 over each request, which carries a timestamp.",
        websocket_today=(
            "Binance: over each request, unless session.logon with an Ed25519 key. Bybit and OKX "
            "log in once. Coinbase: a token in each private subscribe."
        ),
        source=(
            "Binance web-socket-api.md, 2026-07-21; Bybit docs, 2026-07-24; OKX API guide, "
            "2026-07-28; Coinbase WebSocket overview, 2026-08-27"
        ),
    ),
)

OKX = "OKX API guide, 2026-07-28"
BYBIT = "Bybit V5 docs, 2026-07-24"
COINBASE = "Coinbase Advanced Trade pages, 2026-08-27"
DOCUMENTED: dict[str, dict[str, tuple[str, str, str]]] = {
    "okx": {
        "connection": (
            "HTTP/1.1 keeps a connection until one side closes it; code without a session opens "
            "one for each call.",
            "Closed after 30 s without a push; you send the text ping before. Three addresses: "
            "public, business, private.",
            f"RFC 9112, 9.3 (2022-06); {OKX}",
        ),
        "latency": (
            CLAIMS[1].rest_today,
            "No figure, but cadences: bbo-tbt each 10 ms, books and books5 each 100 ms, tickers at "
            "most each 100 ms.",
            f"RFC 8446, 2 (2018-08); {OKX}",
        ),
        "data flow": (
            CLAIMS[2].rest_today,
            "bbo-tbt: the best level when it changed; a book says the sequence before its own. "
            "Orders have no snapshot, and nothing is sent again after a cut.",
            OKX,
        ),
        "rate limits": (
            "By endpoint, each in 2 s: a ticker 20, a book 40 for each address; placing, "
            "cancelling and amending 60 each for a user and instrument. Above it 429, code 50011, "
            "and no word of when to come again.",
            "What comes in is free. 3 connections a second for each address; 480 times subscribe, "
            "unsubscribe or login an hour on one. Orders by socket draw on the limits of REST.",
            OKX,
        ),
        "best for": (
            "Has every method. Placing is only acknowledged: what became of it is asked, or heard.",
            "Streams: prices, and your own orders. The private socket places, amends and cancels; "
            "accounts and history are asked by REST.",
            OKX,
        ),
        "complexity": (
            "Refusals inside HTTP 200: code, and sCode for each item; 429, 503, and time-outs "
            "after which what became of an order is unknown.",
            "Pings by text, login, an answer for each argument, notice 64008 before an end, "
            "subscribing again, and no replay of what was missed.",
            OKX,
        ),
        "bandwidth": (
            CLAIMS[6].rest_today,
            "No figure. bbo-tbt speaks at each change, whether you look or not.",
            OKX,
        ),
        "auth": (
            "HMAC over each request with its time in milliseconds, and a passphrase beside it.",
            "One login for each private connection, by a time in seconds; then no signature.",
            OKX,
        ),
    },
    "bybit": {
        "connection": (
            "HTTP/1.1 keeps a connection until one side closes it; code without a session opens "
            "one for each call.",
            "Private and trade sockets are cut after 10 minutes without ping or push; you send "
            "op ping each 20 s. Three addresses: public, private, trade.",
            f"RFC 9112, 9.3 (2022-06); {BYBIT}",
        ),
        "latency": (
            CLAIMS[1].rest_today,
            "No figure, but cadences: publicTrade at once, orderbook.1 each 10 ms, orderbook.50 "
            "each 20 ms, tickers each 50 ms.",
            f"RFC 8446, 2 (2018-08); {BYBIT}",
        ),
        "data flow": (
            CLAIMS[2].rest_today,
            "orderbook.1: a snapshot of the best level each time; deeper ones are deltas by u. The "
            "spot ticker has no bid and ask. Nothing is sent again after a cut.",
            BYBIT,
        ),
        "rate limits": (
            "600 requests in 5 s for each address; above it 403, for ten minutes or more. Signed "
            "calls besides by user and endpoint in a second (placing 20): code 10006 inside HTTP "
            "200, with the time of the reset.",
            "What comes in is free. 500 connections in 5 minutes for each address, 10 topics a "
            "subscription, 21,000 characters of topics a connection.",
            BYBIT,
        ),
        "best for": (
            "Has every method. Placing is only acknowledged: what became of it is asked, or heard.",
            "Streams: prices, and your own orders. The trade socket places, amends and cancels; "
            "accounts and history are asked by REST.",
            BYBIT,
        ),
        "complexity": (
            "Refusals inside HTTP 200 by retCode, 403 of two meanings, and time-outs after which "
            "what became of an order is unknown.",
            "Three forms of pong, logins, subscribing again by tens, books that begin anew in "
            "mid-stream, and no replay of what was missed.",
            BYBIT,
        ),
        "bandwidth": (
            CLAIMS[6].rest_today,
            "No figure. orderbook.1 speaks at each change, whether you look or not.",
            BYBIT,
        ),
        "auth": (
            "HMAC or RSA over each request, which carries a time and how long it holds.",
            "One login for each private and trade connection; then no signature, only a time with "
            "each order.",
            BYBIT,
        ),
    },
    "coinbase": {
        "connection": (
            "HTTP/1.1 keeps a connection until one side closes it; code without a session opens "
            "one for each call.",
            "A subscription within 5 s or it is dropped; silent channels are closed after 60 to "
            "90 s, so one subscribes to heartbeats.",
            f"RFC 9112, 9.3 (2022-06); {COINBASE}",
        ),
        "latency": (
            CLAIMS[1].rest_today,
            "No figure, but cadences: market_trades each 250 ms, candles each second, ticker_batch "
            "each 5 s; ticker after a match.",
            f"RFC 8446, 2 (2018-08); {COINBASE}",
        ),
        "data flow": (
            CLAIMS[2].rest_today,
            "ticker: the best prices when there was a match; level2: every change. One sequence "
            "number for all of a connection. Nothing is sent again after a cut.",
            COINBASE,
        ),
        "rate limits": (
            "No current figure for Advanced Trade; before, 30 a second for a user and 10 for an "
            "address without a key. Above it 429. The three x-ratelimit heads say where one is.",
            "What comes in is free. 8 connections a second for each address, and 8 messages a "
            "second without a key.",
            COINBASE,
        ),
        "best for": (
            "Has every method, and is the only way to place, edit and cancel.",
            "Streams: prices, and your own orders. No orders by socket, and no stream of balances.",
            COINBASE,
        ),
        "complexity": (
            "success false inside HTTP 200, answers that are no JSON, and time-outs after which "
            "what became of an order is unknown.",
            "A new token for each private subscription, a book of megabytes at the start, "
            "heartbeats, subscribing again, and no replay of what was missed.",
            COINBASE,
        ),
        "bandwidth": (
            CLAIMS[6].rest_today,
            "No figure. A book begins with every level that there is.",
            COINBASE,
        ),
        "auth": (
            "A token signed by a private key (ES256 or EdDSA) for each request, good for two "
            "minutes and one path.",
            "No login: a token in each private subscription, which nothing after it repeats.",
            COINBASE,
        ),
    },
}
"""What other venues document of each row: of REST, of their sockets, and where."""


def claims(venue: str = "") -> tuple[Claim, ...]:
    """The eight rows with what this venue documents: Binance for ``""``, and nothing of a venue
    that is not known here."""
    if venue in ("", "binance"):
        return CLAIMS
    told = DOCUMENTED.get(venue, {})
    made = []
    for one in CLAIMS:
        rest, websocket, source = told.get(one.row, (UNKNOWN, UNKNOWN, ""))
        made.append(replace(one, rest_today=rest, websocket_today=websocket, source=source))
    return tuple(made)
