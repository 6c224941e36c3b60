"""Thread-backed WebSocket streams: market data that arrives while your cells run.

::

    stream.py          Stream: what you hold
    worker.py          one thread per socket: a shell around its life, and the hot path
    lifecycle.py       the life of a socket as a generator: connect, subscribe, live, lose, again
    session.py         what is said on a socket: login, subscriptions, acknowledgements, pings
    staleness.py       is a silent channel quiet or dead? proofs, and one probe at a time
    backoff.py         when to connect again
    deadlines.py       every time span in one place
    socket.py          the WebSocket: opened in steps, 64 KB reads, kernel stamps, TLS in memory
    framing.py         RFC 6455 frames out of bytes
    channels.py        what is known per channel and symbol; latest.py: the same as you get it
    book_sync.py       bringing a local book into sync, by REST or in the stream
    account.py         what is known of an account, and asking for what an outage swallowed
    polling.py         channels that a venue does not stream, asked for by REST
    background.py      threads for calls that may wait, which end with their stream
    subscription.py    a bounded queue between the worker and your code
    stats.py           counters, samples, percentiles
    registry.py        streams by name: running(), stop_all()
    request_socket.py  requests over a kept socket: order entry
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
