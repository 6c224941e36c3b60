"""The eight rows with which a widely read article compares REST and WebSocket, and what
documentation says today. Facts with their source and date; nothing here was measured.

The claims are given in our words. Documentation is Binance's for Spot unless a name stands before
it. Its streams' and its REST interface's pages give no latency and no bandwidth at all.
"""

from __future__ import annotations

import msgspec

SEEN_HEAD = 904
"""Bytes of the head of a reply of api.binance.com, with what its delivery network adds
(python-binance pull request 1638, 2025-12-01)."""
SEEN_HEAD_AT = f"api.binance.com had {SEEN_HEAD} (seen 2025-12-01)"


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
