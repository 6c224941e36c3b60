"""What a feed costs: requests and weight, bytes on the wire, connections, CPU; and what
compression would save. Polls and streams side by side in the same seconds of the same market."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from vocx.call_forms import says_its_form
from vocx.errors import BadInput
from vocx.measure import compression, validation
from vocx.measure.byte_counts import ByteCounts
from vocx.measure.claims import SEEN_HEAD, SEEN_HEAD_AT
from vocx.measure.feeds import is_streamed
from vocx.measure.probes import READY_S, Listener, Poller, calling, unbraked, unlimited, wait_until
from vocx.measure.result import CLOCK, Column, Result, conditions, grid, lab_of, pick
from vocx.measure.sampling import Interval
from vocx.rate_limits import Charge, dearest
from vocx.text import fold
from vocx.timing import HttpCall
from vocx.venues.base import GetBook, GetQuote, GetTicker, Intent

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.lab import Lab

PATH = "between this kernel and the exchange's sockets"
POLLS = ("quote, new connection", "quote", "ticker", "book")
STREAMS = ("quotes", "trades", "book", "top", "ticker")
NEW = ", new connection"
DEPTH = 100
TOP = 5
"""Levels of the book that ``"top"`` sends each 100 ms; ``"book"`` sends every change of it."""
KIB = 1024.0
_CHANNELS = {"top": ("book", TOP)}


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed cost in the window.

    Attributes
    ----------
    count : int
        Calls or messages in the window.
    up_per_s, down_per_s : float
        Bytes a second on the wire, client to venue and back: TLS, HTTP heads, WebSocket frames and
        pings are in them, the headers of TCP and IP (40 bytes a segment and more) are not.
    wire_per_s : Interval
        Both ways.
    payload_bytes : int
        Bodies and messages in the window as they crossed the wire: REST bodies of some hundred
        bytes and more are compressed by some venues, and so by the lab.
    plain_bytes, compressed_bytes : int
        The same payload uncompressed, and what gzip (REST) or permessage-deflate with context
        takeover (WebSocket) makes of it: computed with zlib, level 6.
    compressed_per_s : float
        Bytes a second on the wire if the payload had gone like that, all else being equal.
    head_bytes : float or None
        Of a reply, on average; a stream's messages have none.
    connections, handshakes : int
        Opened for this feed from its start, and with a TLS handshake.
    cpu_ms_per_s : float
        Of the thread that does the work.
    """

    feed: str
    kind: str
    tls: bool
    count: int
    per_minute: float
    weight: int
    weight_per_minute: float
    limit_per_minute: float | None
    up_per_s: float
    down_per_s: float
    wire_per_s: Interval
    payload_bytes: int
    plain_bytes: int
    compressed_bytes: int
    compressed_per_s: float
    head_bytes: float | None
    connections: int
    handshakes: int
    cpu_ms_per_s: float
    seconds: float

    @property
    def limit_share(self) -> float | None:
        """What it spends, as a share of what the venue allows; ``None`` where nothing counts it."""
        limit = self.limit_per_minute
        return None if limit is None else self.weight_per_minute / limit

    @property
    def name(self) -> str:
        """``"poll quote, TLS"``."""
        return f"{self.kind} {self.feed}{', TLS' * self.tls}"

    @property
    def bytes_each(self) -> float:
        """Bytes on the wire for each call or message, both ways."""
        return self.wire_per_s.value * self.seconds / self.count if self.count else 0.0

    @property
    def payload_each(self) -> float | None:
        """Of a call or message, uncompressed."""
        return self.plain_bytes / self.count if self.count else None

    @property
    def compressed_each(self) -> float | None:
        """The same, compressed."""
        return self.compressed_bytes / self.count if self.count else None

    @property
    def overhead_share(self) -> float | None:
        """The share of the bytes that is no payload: heads, frames, TLS, what was asked."""
        total = self.wire_per_s.value * self.seconds
        return 1 - self.payload_bytes / total if total else None


NAME = Column("feed", "name", "feed")
SPENT = (
    NAME,
    Column("per_min", "per_minute", "a minute"),
    Column("weight_per_min", lambda one: round(one.weight_per_minute), "weight"),
    Column("limit_share", "limit_share", "of limit", ".0%"),
    Column("KiB/s", lambda one: one.wire_per_s.scaled(1 / KIB), "KiB/s", "±"),
    Column("bytes_each", "bytes_each", "bytes each"),
    Column("connections", "connections", "opened"),
    Column("TLS_handshakes", "handshakes", "handshakes"),
)
CARRIED = (
    NAME,
    Column("up_KiB/s", lambda one: one.up_per_s / KIB, "up KiB/s"),
    Column("down_KiB/s", lambda one: one.down_per_s / KIB, "down KiB/s"),
    Column("payload_each", "payload_each", "payload"),
    Column("overhead_share", "overhead_share", "overhead", ".0%"),
    Column("deflated_each", "compressed_each", "compressed"),
    Column("deflated_KiB/s", lambda one: one.compressed_per_s / KIB, "then KiB/s"),
    Column("CPU_ms/s", "cpu_ms_per_s", "CPU ms/s"),
)


class Traffic(Result, frozen=True, kw_only=True):
    """What polls and streams of one symbol cost in the same seconds (see :class:`Cost`).

    ``every_ms`` is the polls' interval; ``costs`` are in the order of the table.
    """

    costs: list[Cost]
    every_ms: float

    title: ClassVar[str] = "What a feed costs on the wire: TLS, heads and frames, no TCP/IP headers"

    def items(self) -> Sequence[Cost]:
        return self.costs

    def columns(self) -> Sequence[Column]:
        return (*SPENT, *CARRIED[1:])

    def table(self) -> str:
        """What is spent and what it carries, in two tables, with the conditions below them."""
        secure = {one.tls for one in self.costs}
        wire = "" if len(secure) > 1 else ", all over TLS" if secure == {True} else ", no TLS"
        spent, carried = SPENT, CARRIED
        if wire:  # said above, so not in every row
            brief = NAME._replace(of=lambda one: f"{one.kind} {one.feed}")
            spent, carried = (brief, *SPENT[1:]), (brief, *CARRIED[1:])
        return (
            f"{self.title}{wire}\n{grid(self.costs, spent)}\n\n"
            "What it carries, and what compression makes of it (gzip, permessage-deflate; "
            f"computed)\n{grid(self.costs, carried)}\n{self._heads()}{self.conditions.under()}"
        )

    def _heads(self) -> str:
        """How far the heads of replies are from real ones."""
        heads = [one.head_bytes for one in self.costs if one.head_bytes]
        if not heads:
            return ""
        mean = sum(heads) / len(heads)
        more = (SEEN_HEAD - mean) / KIB
        text = (
            f"A reply's head has {mean:.0f} bytes here; one of {SEEN_HEAD_AT}: "
            f"a real poll costs {more:.1f} KiB more a call."
        )
        return f"{fold(text)}\n"

    def cost(self, name: str) -> Cost:
        """One row by its name: ``"poll quote"``, ``"stream quotes, TLS"``."""
        return pick({one.name: one for one in self.costs}, name)

    def equal_every_ms(
        self, poll: str = "poll quote", stream: str = "stream quotes"
    ) -> float | None:
        """The polling interval at which a poll moves as many bytes as a stream, milliseconds;
        ``None`` where the stream said nothing."""
        asked, pushed = self.cost(poll), self.cost(stream)
        rate = pushed.wire_per_s.value
        return asked.bytes_each / rate * 1000 if rate else None


@says_its_form
def traffic(
    exchange: Exchange,
    *,
    symbol: str = "BTC/USDT",
    every_ms: float = 1000.0,
    seconds: float = 5.0,
    polls: Sequence[str] = POLLS,
    streams: Sequence[str] = STREAMS,
    tls: Sequence[bool] = (False, True),
) -> Traffic:
    """Count what polls and streams of a symbol cost, side by side in the same seconds.

    Every feed has connections of its own, counted in the lab where they cross the wire. Not
    counted: opening a kept one (but for ``connections``), and what a stream asks by REST first.

    Parameters
    ----------
    every_ms : float
        The polls' interval.
    polls : sequence of str
        ``"quote"``, ``"ticker"`` (24 h), ``"book"`` (100 levels), on a kept connection, or with
        ``", new connection"`` on one for each call.
    streams : sequence of str
        ``"quotes"``, ``"trades"``, ``"book"`` (each change), ``"top"`` (five levels), ``"ticker"``.
    tls : sequence of bool
        Over which wires: plain, TLS or both.

    Raises
    ------
    BadInput
        The exchange is not in a lab, a name is wrong, or the seconds hold no poll.
    """
    lab = lab_of(exchange)
    _check_names(polls, streams, tls)
    if streams is STREAMS:  # of a venue what it sends
        sent = partial(is_streamed, exchange.venue, symbol)
        streams = [one for one in STREAMS if sent(*_CHANNELS.get(one, (one, None)))]
    every_ms = validation.number("every_ms", every_ms, 5, what=": below it a poll waits for itself")
    calls = _calls(every_ms, seconds)
    with unlimited(exchange, symbol), ExitStack() as stack:
        feeds: list[_Poll | _Stream] = []
        for secure in dict.fromkeys(tls):
            feeds += [_Poll(name, secure, exchange, symbol, stack) for name in polls]
            feeds += [_Stream(name, secure, exchange, symbol, stack) for name in streams]
        counts = _counted(lab, feeds, calls, int(every_ms * 1e6))
        costs = [_cost(one, counts) for one in feeds]
    made = conditions(
        exchange, path=PATH, clock=CLOCK, symbol=symbol, seconds=calls * every_ms / 1000
    )
    return Traffic(conditions=made, costs=costs, every_ms=every_ms)


class _Payload(msgspec.Struct, frozen=True, kw_only=True):
    """What a feed carried inside the window; bytes as in :class:`Cost`.

    ``saved_bytes`` is what compression would have left out of the wire.
    """

    count: int
    payload_bytes: int
    plain_bytes: int
    compressed_bytes: int
    saved_bytes: int
    head_bytes: float | None
    cpu_ns: int


class _Poll:
    """Asks by REST, on a kept connection or on a new one for each call, and is counted."""

    kind = "poll"

    def __init__(
        self, name: str, tls: bool, exchange: Exchange, symbol: str, stack: ExitStack
    ) -> None:
        self.name, self.tls = name, tls
        what, found, _ = name.partition(NEW)
        self._new, self._stack = bool(found), stack
        twin = stack.enter_context(unbraked(exchange, tls=tls))
        intent, ask = _asked(what, twin, symbol)
        self._call = calling(twin, ask, new=self._new)
        self.charge = dearest(exchange.venue.request(intent).charges, exchange.venue.limits)
        self._warm: list[HttpCall] = []
        self._calls: list[HttpCall] = []

    def open(self) -> None:
        """Connect, so that what is counted is a kept connection's."""
        self._warm = [self._call()]

    def begin(self, begin_ns: int, calls: int, every_ns: int) -> None:
        """A call in the middle of each period, so that the periods' ends are quiet."""
        begin_ns += every_ns // 2
        self._poller = Poller(self._call, every_ns / 1e6, begin_ns=begin_ns, count=calls)
        self._stack.callback(self._poller.stop)
        self._poller.start()

    def end(self) -> None:
        """The last call is back."""
        self._calls = self._poller.finish()

    def ports(self) -> Collection[int]:
        """The local ports that were used for what is counted."""
        return {call.local_port or 0 for call in [*self._warm * (not self._new), *self._calls]}

    def payload(self, begin_ns: int, end_ns: int) -> _Payload:
        """What the calls carried."""
        heads = [call.reply.index(b"\r\n\r\n") + 4 for call in self._calls]
        bodies = [call.reply[head:] for call, head in zip(self._calls, heads, strict=True)]
        sent = sum(call.reply_wire_bytes for call in self._calls) - sum(heads)
        squeezed = sum(compression.gzip_bytes(body) for body in bodies)
        return _Payload(
            count=len(bodies),
            payload_bytes=sent,
            plain_bytes=sum(map(len, bodies)),
            compressed_bytes=squeezed,
            saved_bytes=sent - squeezed,
            head_bytes=sum(heads) / len(heads),
            cpu_ns=self._poller.cpu_ns,
        )


class _Stream:
    """Listens to a stream, and is counted."""

    kind = "stream"
    charge = Charge(bucket="", amount=0, per_minute=inf)

    def __init__(
        self, name: str, tls: bool, exchange: Exchange, symbol: str, stack: ExitStack
    ) -> None:
        self.name, self.tls = name, tls
        twin = stack.enter_context(unbraked(exchange, tls=tls))
        channel, depth = _CHANNELS.get(name, (name, None))
        self._listener = Listener(partial(twin.create_stream, [channel], symbol, depth=depth))
        stack.callback(self._listener.stop)

    def open(self) -> None:
        """Listen; a quiet symbol may have no trade for long."""
        stream = self._listener.stream
        self._listener.start()
        if self.name == "trades":
            wait_until([lambda: stream.state == "live"], READY_S, lambda _: "the trades' stream")
        else:
            stream.wait(READY_S)

    def begin(self, begin_ns: int, calls: int, every_ns: int) -> None:
        """It speaks when it wants to."""

    def end(self) -> None:
        """What is counted is inside the window."""

    def ports(self) -> Collection[int]:
        """The local ports that were used."""
        return self._listener.stream.stats.ports

    def payload(self, begin_ns: int, end_ns: int) -> _Payload:
        """What the messages of the window carried."""
        heard = [one for one in self._listener.frames if one[0] < end_ns]
        before = sum(at_ns < begin_ns for at_ns, _, _ in heard)
        inside = heard[before:]
        # Compression looks back at what came before the window; so does the CPU's clock.
        squeezed = compression.deflated_bytes(text for _, _, text in heard)[before:]
        sizes = [len(text) for _, _, text in inside]
        framed = compression.framed_bytes
        return _Payload(
            count=len(sizes),
            payload_bytes=sum(sizes),
            plain_bytes=sum(sizes),
            compressed_bytes=sum(squeezed),
            saved_bytes=sum(map(framed, sizes)) - sum(map(framed, squeezed)),
            head_bytes=None,
            cpu_ns=inside[-1][1] - heard[max(0, before - 1)][1] if inside else 0,
        )


def _counted(lab: Lab, feeds: Sequence[_Poll | _Stream], calls: int, every_ns: int) -> ByteCounts:
    """All feeds opened, and counted over the same window."""
    with ThreadPoolExecutor(len(feeds), "vocx measure") as pool:
        list(pool.map(lambda one: one.open(), feeds))
    counts = ByteCounts(lab, every_ns, calls)
    for one in feeds:
        one.begin(counts.begin_ns, calls, every_ns)
    counts.watch()
    for one in feeds:
        one.end()
    counts.last()
    return counts


def _cost(one: _Poll | _Stream, counts: ByteCounts) -> Cost:
    ports, carried = one.ports(), one.payload(*counts.window)
    rates = counts.rates(ports, isinstance(one, _Poll))
    per_minute = carried.count / rates.seconds * 60
    weight = per_minute * one.charge.amount
    return Cost(
        feed=one.name,
        kind=one.kind,
        tls=one.tls,
        count=carried.count,
        per_minute=per_minute,
        weight=one.charge.amount,
        weight_per_minute=weight,
        limit_per_minute=None if one.charge.per_minute == inf else one.charge.per_minute,
        up_per_s=rates.up,
        down_per_s=rates.down,
        wire_per_s=rates.both,
        payload_bytes=carried.payload_bytes,
        plain_bytes=carried.plain_bytes,
        compressed_bytes=carried.compressed_bytes,
        compressed_per_s=max(0.0, rates.both.value - carried.saved_bytes / rates.seconds),
        head_bytes=carried.head_bytes,
        connections=len(ports),
        handshakes=len(ports) if one.tls else 0,
        cpu_ms_per_s=carried.cpu_ns / 1e6 / rates.seconds,
        seconds=rates.seconds,
    )


def _asked(what: str, exchange: Exchange, symbol: str) -> tuple[Intent, Callable[[], Any]]:
    """What a poll asks for, as an intent (for its weight) and as a call."""
    if what == "quote":
        return GetQuote(symbol=symbol), lambda: exchange.quote(symbol)
    if what == "ticker":
        return GetTicker(symbol=symbol), lambda: exchange.ticker(symbol)
    depth = GetBook(symbol=symbol, depth=DEPTH)
    return depth, lambda: exchange.order_book(symbol, DEPTH)


def _check_names(polls: Sequence[str], streams: Sequence[str], tls: Sequence[bool]) -> None:
    """Names that exist, or ``BadInput``."""
    known = sorted(what + end for what in ("quote", "ticker", "book") for end in ("", NEW))
    for kind, names, there in (("poll", polls, known), ("stream", streams, STREAMS)):
        for name in validation.several(f"{kind}s", names, f'["{there[0]}"]', empty=True):
            if name not in there:
                raise BadInput(f"there is no {kind} {name!r}; there are {', '.join(there)}")
    validation.wires(tls)
    if not (polls or streams):
        raise BadInput("nothing is left to measure: name a poll or a stream")


def _calls(every_ms: float, seconds: float) -> int:
    seconds = validation.number("seconds", seconds, 0.01, 600)
    calls = int(seconds * 1000 / every_ms)
    if calls < 2:
        raise BadInput(f"in {seconds:g} s fewer than two polls of every {every_ms:g} ms fit")
    return calls
