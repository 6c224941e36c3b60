"""Thread-backed WebSocket streams: market data that arrives while your cells run.

::

    stream.py        Stream: what you hold
    reader.py        one thread per socket, a thin shell around ...
    life.py          ... the life of a socket as a generator: dial, subscribe, live, lose, again
    talk.py          what is said on a socket and the answers owed: subscriptions, acks, pings
    backoff.py       when to dial again
    deadlines.py     every time span in one place
    dial.py          name, connection, TLS, upgrade: timed, verified, no proxy
    wire.py          the socket: 64 KB reads, kernel stamps, TLS in memory
    framing.py       RFC 6455 frames out of bytes
    state.py         what is known per channel and symbol; answers.py: the same as you get it
    account.py       what is known of an account, and asking for what an outage swallowed
    ask.py           asking over a kept socket: order entry
    snapshots.py     fetching what starts a local book, outside the reader
    subscription.py  a bounded queue between the reader and your code
    stats.py         counters, samples, percentiles; summary.py adds sockets up
    registry.py      streams by name: running(), stop_all()
"""

from vocx.stream.deadlines import Clock, Deadlines
from vocx.stream.latest import BookState, CandleState, QuoteState, TickerState, TradeState
from vocx.stream.registry import Running, running, stop_all
from vocx.stream.stats import Percentiles, StreamStats
from vocx.stream.stream import Stream
from vocx.stream.subscription import Subscription

__all__ = [
    "BookState",
    "CandleState",
    "Clock",
    "Deadlines",
    "Percentiles",
    "QuoteState",
    "Running",
    "Stream",
    "StreamStats",
    "Subscription",
    "TickerState",
    "TradeState",
    "running",
    "stop_all",
]
