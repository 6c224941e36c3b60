"""The eight rows with which an article compares REST and WebSocket, and what each venue's
documentation says today. Facts with their source and date; nothing here was measured.

The article is "REST API vs WebSocket for Crypto Trading: What Actually Matters" (VoiceOfChain,
2026-02-21, voiceofchain.com/academy/rest-api-vs-websocket-trading); its claims are given in our
words. No venue's pages on streams and REST give a latency or a bandwidth at all.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vocx import venues

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


class Documented(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue documents of a row: of REST, of its sockets, and where (with the date). What is
    left out is that of :data:`EVERYWHERE` and of :data:`PAGES`."""

    rest: str = ""
    websocket: str
    source: str = ""


ARTICLE = (
    ("connection", "new for each request", "persistent"),
    ("latency", "50 to 200 ms", "1 to 10 ms"),
    ("data flow", "pull", "push"),
    ("rate limits", "strict", "virtually unlimited incoming"),
    ("best for", "orders, account, history", "live prices, book, trades"),
    ("complexity", "simple", "connection management"),
    ("bandwidth", "higher", "lower"),
    ("auth", "signature for each request", "once, on connect"),
)
"""Row, and what the article says of REST and of WebSocket."""

EVERYWHERE = {
    "connection": (
        "HTTP/1.1 keeps a connection until one side closes it; code without a session opens one "
        "for each call.",
        "RFC 9112, 9.3 (2022-06)",
    ),
    "latency": (
        "No figure. A new https call is three round trips (TCP, TLS 1.3, request) and the look-up "
        "of a name; a kept one is one: 50 to 200 ms are 17 to 67 ms of distance.",
        "RFC 8446, 2 (2018-08)",
    ),
    "data flow": (
        "Answers with what it read at that moment. History (candles, old trades) is had by asking "
        "only.",
        "",
    ),
    "bandwidth": (
        "No figure. Heads travel with every call, and TLS with every new connection.",
        "",
    ),
}
"""By row: what holds of REST at every venue, as it is the protocol's, and who says so."""
ACKNOWLEDGED = (
    "Has every method. Placing is only acknowledged: what became of it is asked, or heard."
)
PAGES = {
    "okx": "OKX API guide, 2026-07-28",
    "bybit": "Bybit V5 docs, 2026-07-24",
    "coinbase": "Coinbase Advanced Trade pages, 2026-08-27",
}
"""Where a venue says all that is said of it."""

BINANCE: Mapping[str, Documented] = {
    "connection": Documented(
        websocket="Ends after 24 h. The server pings every 20 s and wants its pong within 60 s.",
        source="Binance web-socket-streams.md, 2026-07-21",
    ),
    "latency": Documented(
        websocket=(
            "No figure, but cadences: trade and bookTicker at once, depth each 100 or 1000 ms, "
            "ticker each 1000 ms."
        ),
        source="Binance web-socket-streams.md, 2026-07-21",
    ),
    "data flow": Documented(
        websocket=(
            "bookTicker: each update of the best prices or their quantities; other streams at "
            "their beat. Nothing is sent again after a cut."
        ),
        source="Binance rest-api.md and web-socket-streams.md, 2026-07-21",
    ),
    "rate limits": Documented(
        rest=(
            "6000 weight a minute for each address, counted by call (1200 until 2023-08-25). "
            "Above it 429 with Retry-After; who goes on gets 418: 2 minutes to 3 days."
        ),
        websocket=(
            "What comes in is free. 1024 streams a connection, 300 connection attempts in 5 "
            "minutes for each address, 5 messages a second from you."
        ),
        source="Binance CHANGELOG.md and web-socket-streams.md, 2026-07-21",
    ),
    "best for": Documented(
        rest=(
            "Has every method. Placing and cancelling weigh 0 when they succeed (since "
            "2026-04-02); asking for an order weighs 4, for the account 20."
        ),
        websocket=(
            "Streams: prices, and your own orders. The WebSocket API takes orders and answers for "
            "account and history too, with the same weights."
        ),
        source="Binance CHANGELOG.md and web-socket-api.md, 2026-07-21",
    ),
    "complexity": Documented(
        rest=(
            "429, 418, and time-outs: after 10 s the server gives up, and what became of an order "
            "is unknown."
        ),
        websocket=(
            "The end after 24 h, serverShutdown, pings, subscribing again, and no replay of what "
            "was missed."
        ),
        source="Binance rest-api.md and web-socket-streams.md, 2026-07-21",
    ),
    "bandwidth": Documented(
        websocket="No figure. bookTicker speaks at each update, whether you look or not.",
        source="Binance rest-api.md and web-socket-streams.md, 2026-07-21",
    ),
    "auth": Documented(
        rest="HMAC, RSA or Ed25519 over each request, which carries a timestamp.",
        websocket=(
            "Binance: over each request, unless session.logon with an Ed25519 key. Bybit and OKX "
            "log in once. Coinbase: a token in each private subscribe."
        ),
        source=(
            "Binance web-socket-api.md, 2026-07-21; Bybit docs, 2026-07-24; OKX API guide, "
            "2026-07-28; Coinbase WebSocket overview, 2026-08-27"
        ),
    ),
}
OKX: Mapping[str, Documented] = {
    "connection": Documented(
        websocket=(
            "Closed after 30 s without a push; you send the text ping before. Three addresses: "
            "public, business, private."
        ),
    ),
    "latency": Documented(
        websocket=(
            "No figure, but cadences: bbo-tbt each 10 ms, books and books5 each 100 ms, tickers "
            "at most each 100 ms."
        ),
    ),
    "data flow": Documented(
        websocket=(
            "bbo-tbt: the best level when it changed; a book says the sequence before its own. "
            "Orders have no snapshot, and nothing is sent again after a cut."
        ),
    ),
    "rate limits": Documented(
        rest=(
            "By endpoint, each in 2 s: a ticker 20, a book 40 for each address; placing, "
            "cancelling and amending 60 each for a user and instrument. Above it 429, code 50011, "
            "and no word of when to come again."
        ),
        websocket=(
            "What comes in is free. 3 connections a second for each address; 480 times subscribe, "
            "unsubscribe or login an hour on one. Orders by socket draw on the limits of REST."
        ),
    ),
    "best for": Documented(
        rest=ACKNOWLEDGED,
        websocket=(
            "Streams: prices, and your own orders. The private socket places, amends and cancels; "
            "accounts and history are asked by REST."
        ),
    ),
    "complexity": Documented(
        rest=(
            "Refusals inside HTTP 200: code, and sCode for each item; 429, 503, and time-outs "
            "after which what became of an order is unknown."
        ),
        websocket=(
            "Pings by text, login, an answer for each argument, notice 64008 before an end, "
            "subscribing again, and no replay of what was missed."
        ),
    ),
    "bandwidth": Documented(
        websocket="No figure. bbo-tbt speaks at each change, whether you look or not.",
    ),
    "auth": Documented(
        rest="HMAC over each request with its time in milliseconds, and a passphrase beside it.",
        websocket="One login for each private connection, by a time in seconds; then no signature.",
    ),
}
BYBIT: Mapping[str, Documented] = {
    "connection": Documented(
        websocket=(
            "Private and trade sockets are cut after 10 minutes without ping or push; you send op "
            "ping each 20 s. Three addresses: public, private, trade."
        ),
    ),
    "latency": Documented(
        websocket=(
            "No figure, but cadences: publicTrade at once, orderbook.1 each 10 ms, orderbook.50 "
            "each 20 ms, tickers each 50 ms."
        ),
    ),
    "data flow": Documented(
        websocket=(
            "orderbook.1: a snapshot of the best level each time; deeper ones are deltas by u. "
            "The spot ticker has no bid and ask. Nothing is sent again after a cut."
        ),
    ),
    "rate limits": Documented(
        rest=(
            "600 requests in 5 s for each address; above it 403, for ten minutes or more. Signed "
            "calls besides by user and endpoint in a second (placing 20): code 10006 inside HTTP "
            "200, with the time of the reset."
        ),
        websocket=(
            "What comes in is free. 500 connections in 5 minutes for each address, 10 topics a "
            "subscription, 21,000 characters of topics a connection."
        ),
    ),
    "best for": Documented(
        rest=ACKNOWLEDGED,
        websocket=(
            "Streams: prices, and your own orders. The trade socket places, amends and cancels; "
            "accounts and history are asked by REST."
        ),
    ),
    "complexity": Documented(
        rest=(
            "Refusals inside HTTP 200 by retCode, 403 of two meanings, and time-outs after which "
            "what became of an order is unknown."
        ),
        websocket=(
            "Three forms of pong, logins, subscribing again by tens, books that begin anew in "
            "mid-stream, and no replay of what was missed."
        ),
    ),
    "bandwidth": Documented(
        websocket="No figure. orderbook.1 speaks at each change, whether you look or not.",
    ),
    "auth": Documented(
        rest="HMAC or RSA over each request, which carries a time and how long it holds.",
        websocket=(
            "One login for each private and trade connection; then no signature, only a time with "
            "each order."
        ),
    ),
}
COINBASE: Mapping[str, Documented] = {
    "connection": Documented(
        websocket=(
            "A subscription within 5 s or it is dropped; silent channels are closed after 60 to "
            "90 s, so one subscribes to heartbeats."
        ),
    ),
    "latency": Documented(
        websocket=(
            "No figure, but cadences: market_trades each 250 ms, candles each second, "
            "ticker_batch each 5 s; ticker after a match."
        ),
    ),
    "data flow": Documented(
        websocket=(
            "ticker: the best prices when there was a match; level2: every change. One sequence "
            "number for all of a connection. Nothing is sent again after a cut."
        ),
    ),
    "rate limits": Documented(
        rest=(
            "No current figure for Advanced Trade; before, 30 a second for a user and 10 for an "
            "address without a key. Above it 429. The three x-ratelimit heads say where one is."
        ),
        websocket=(
            "What comes in is free. 8 connections a second for each address, and 8 messages a "
            "second without a key."
        ),
    ),
    "best for": Documented(
        rest="Has every method, and is the only way to place, edit and cancel.",
        websocket=(
            "Streams: prices, and your own orders. No orders by socket, and no stream of balances."
        ),
    ),
    "complexity": Documented(
        rest=(
            "success false inside HTTP 200, answers that are no JSON, and time-outs after which "
            "what became of an order is unknown."
        ),
        websocket=(
            "A new token for each private subscription, a book of megabytes at the start, "
            "heartbeats, subscribing again, and no replay of what was missed."
        ),
    ),
    "bandwidth": Documented(
        websocket="No figure. A book begins with every level that there is.",
    ),
    "auth": Documented(
        rest=(
            "A token signed by a private key (ES256 or EdDSA) for each request, good for two "
            "minutes and one path."
        ),
        websocket="No login: a token in each private subscription, which nothing after it repeats.",
    ),
}
DOCUMENTED = {"binance": BINANCE, "okx": OKX, "bybit": BYBIT, "coinbase": COINBASE}
"""By venue, and by row."""


def claims(venue: str = "") -> tuple[Claim, ...]:
    """The eight rows with what this venue documents, or the default one for ``""``; nothing of a
    venue that is not known here."""
    venue = venue or venues.DEFAULT
    documented = DOCUMENTED.get(venue, {})
    found = []
    for row, rest, websocket in ARTICLE:
        today = documented.get(row) or Documented(rest=UNKNOWN, websocket=UNKNOWN)
        everywhere, standard = EVERYWHERE.get(row, ("", ""))
        sources = (standard, today.source or PAGES.get(venue, "")) if documented else ()
        found.append(
            Claim(
                row=row,
                rest=rest,
                websocket=websocket,
                rest_today=today.rest or everywhere,
                websocket_today=today.websocket,
                source="; ".join(filter(None, sources)),
            )
        )
    return tuple(found)
