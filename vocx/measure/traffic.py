"""What a feed costs: requests and weight, bytes on the wire, connections, CPU; and what
compression would save. Polls and streams side by side in the same seconds of the same market."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from vocx.errors import BadInput
from vocx.measure import validation
from vocx.measure.byte_counts import Counted
from vocx.measure.probes import together, unlimited
from vocx.measure.result import CLOCK, Result, conditions, fold, grid, in_lab
from vocx.measure.sampling import Interval
from vocx.measure.traffic_probes import (
    POLLS,
    STREAMS,
    Asking,
    Metered,
    check_names,
    metered,
)

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from vocx.exchange import Exchange
    from vocx.lab import Lab

PATH = "between this kernel and the exchange's sockets"
KIB = 1024.0
SEEN_HEAD = 904
"""Bytes of the head of a reply of api.binance.com, with what its delivery network adds
(python-binance pull request 1638, 2025-12-01)."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed cost in the window.

    Attributes
    ----------
    count : int
        Calls or messages in the window.
    weight_once : int
        Weight of the snapshot that a local book begins with; not in the rates.
    up_per_s, down_per_s : float
        Bytes a second on the wire, client to venue and back: TLS, HTTP heads, WebSocket frames and
        pings are in them, the headers of TCP and IP (40 bytes a segment and more) are not.
    wire_per_s : Interval
        Both ways.
    payload_bytes : int
        Bodies and messages in the window as they crossed the wire: Binance compresses REST bodies
        of some hundred bytes and more, and so does the lab.
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
    weight_once: int
    weight_per_minute: float
    limit_share: float | None
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
    def name(self) -> str:
        """``"poll quote, TLS"``."""
        return f"{self.kind} {self.feed}{', TLS' * self.tls}"

    @property
    def bytes_each(self) -> float:
        """Bytes on the wire for each call or message, both ways."""
        return self.wire_per_s.value * self.seconds / self.count if self.count else 0.0

    @property
    def overhead_share(self) -> float | None:
        """The share of the bytes that is no payload: heads, frames, TLS, what was asked."""
        total = self.wire_per_s.value * self.seconds
        return 1 - self.payload_bytes / total if total else None


class Traffic(Result, frozen=True, kw_only=True):
    """What polls and streams of one symbol cost in the same seconds (see :class:`Cost`).

    ``every_ms`` is the polls' interval; ``costs`` are in the order of the table.
    """

    costs: list[Cost]
    every_ms: float

    title: ClassVar[str] = "What a feed costs on the wire: TLS, heads and frames, no TCP/IP headers"

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "feed": one.name,
                "per_min": one.per_minute,
                "weight_per_min": round(one.weight_per_minute),
                "limit_share": one.limit_share,
                "up_KiB/s": one.up_per_s / KIB,
                "down_KiB/s": one.down_per_s / KIB,
                "KiB/s": _scaled(one.wire_per_s, 1 / KIB),
                "bytes_each": one.bytes_each,
                "payload_each": one.plain_bytes / one.count if one.count else None,
                "overhead_share": one.overhead_share,
                "connections": one.connections,
                "TLS_handshakes": one.handshakes,
                "CPU_ms/s": one.cpu_ms_per_s,
                "deflated_each": one.compressed_bytes / one.count if one.count else None,
                "deflated_KiB/s": one.compressed_per_s / KIB,
            }
            for one in self.costs
        ]

    def table(self) -> str:
        """What is spent and what it carries, in two tables, with the conditions below them."""
        secure = {one.tls for one in self.costs}
        wire = {True: ", all over TLS", False: ", none over TLS"}[secure.pop()] * (not secure)
        return (
            f"{self.title}{wire}\n{grid([_spent(one, bool(wire)) for one in self.costs])}\n\n"
            "What it carries, and what compression makes of it (gzip, permessage-deflate; "
            f"computed)\n{grid([_carried(one, bool(wire)) for one in self.costs])}\n"
            f"{self._heads()}{self.conditions.under()}"
        )

    def _heads(self) -> str:
        """How far the heads of replies are from real ones."""
        heads = [one.head_bytes for one in self.costs if one.head_bytes]
        if not heads:
            return ""
        mean = sum(heads) / len(heads)
        more = (SEEN_HEAD - mean) / KIB
        text = (
            f"A reply's head has {mean:.0f} bytes here; one of api.binance.com had {SEEN_HEAD} "
            f"(seen 2025-12-01): a real poll costs {more:.1f} KiB more a call."
        )
        return f"{fold(text)}\n"

    def cost(self, name: str) -> Cost:
        """One row by its name: ``"poll quote"``, ``"stream quotes, TLS"``."""
        found = {one.name: one for one in self.costs}
        if name not in found:
            raise BadInput(f"there is no {name!r} here; there are {', '.join(found)}")
        return found[name]

    def equal_every_ms(
        self, poll: str = "poll quote", stream: str = "stream quotes"
    ) -> float | None:
        """The polling interval at which a poll moves as many bytes as a stream, milliseconds;
        ``None`` where the stream said nothing."""
        asked, pushed = self.cost(poll), self.cost(stream)
        rate = pushed.wire_per_s.value
        return asked.bytes_each / rate * 1000 if rate else None

    def figure(self, *, height: int = 0) -> go.Figure:
        """Bytes a second of each feed, with its interval, and what compression would leave."""
        from vocx import figures

        def kib(one: Cost) -> tuple[float | None, float | None, float | None]:
            rate = _scaled(one.wire_per_s, 1 / KIB)
            low = rate.low if rate.low is None else max(rate.low, rate.value / 100)
            return (rate.value or None, low, rate.high)

        return figures.ranked(
            [one.name for one in self.costs],
            {
                "as it is": [kib(one) for one in self.costs],
                "with the payload compressed (computed)": [
                    (one.compressed_per_s / KIB or None, None, None) for one in self.costs
                ],
            },
            x="KiB/s on the wire, both ways, as the lab's sockets counted (no TCP/IP headers)",
            height=height or None,
            log=True,
        )


def _spent(one: Cost, brief: bool) -> dict[str, Any]:
    """A line of the first table. ``brief``: what is over TLS is said above it."""
    return {
        "feed": f"{one.kind} {one.feed}" if brief else one.name,
        "a minute": one.per_minute,
        "weight": round(one.weight_per_minute),
        "of limit": None if one.limit_share is None else f"{one.limit_share:.0%}",
        "KiB/s": _scaled(one.wire_per_s, 1 / KIB).around(),
        "bytes each": one.bytes_each,
        "opened": one.connections,
        "handshakes": one.handshakes,
    }


def _carried(one: Cost, brief: bool) -> dict[str, Any]:
    """A line of the second table."""
    return {
        "feed": f"{one.kind} {one.feed}" if brief else one.name,
        "up KiB/s": one.up_per_s / KIB,
        "down KiB/s": one.down_per_s / KIB,
        "payload": one.plain_bytes / one.count if one.count else None,
        "overhead": None if one.overhead_share is None else f"{one.overhead_share:.0%}",
        "compressed": one.compressed_bytes / one.count if one.count else None,
        "then KiB/s": one.compressed_per_s / KIB,
        "CPU ms/s": one.cpu_ms_per_s,
    }


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
    lab = in_lab(exchange).lab
    assert lab is not None
    check_names(polls, streams, tls)
    every_ms = validation.number("every_ms", every_ms, 5, what=": below it a poll waits for itself")
    calls = _calls(every_ms, seconds)
    with unlimited(exchange, symbol), ExitStack() as stack:
        feeds: list[Metered] = []
        for secure in dict.fromkeys(tls):
            feeds += metered(exchange, symbol, polls, streams, secure, stack)
        counted = _counted(lab, feeds, calls, int(every_ms * 1e6))
        costs = [_cost(one, counted, _limit_per_minute(exchange)) for one in feeds]
    made = conditions(
        exchange, path=PATH, clock=CLOCK, symbol=symbol, seconds=calls * every_ms / 1000
    )
    return Traffic(conditions=made, costs=costs, every_ms=every_ms)


def _counted(lab: Lab, feeds: Sequence[Metered], calls: int, every_ns: int) -> Counted:
    """All feeds opened, and counted over the same window."""
    together([one.open for one in feeds])
    counted = Counted(lab, every_ns, calls)
    for one in feeds:
        one.begin(counted.begin_ns, calls, every_ns)
    counted.watch()
    for one in feeds:
        one.end(*counted.window)
    counted.last()
    return counted


def _cost(one: Metered, counted: Counted, limit: float | None) -> Cost:
    ports, polled = set(one.ports()), isinstance(one, Asking)
    up, down, both, seconds = counted.rates(sorted(ports), polled)
    sizes, squeezed = one.sizes, one.compressed()
    share = len(sizes) / len(squeezed) if squeezed else 1.0
    saved = (one.sent_bytes(len(squeezed)) - one.sent_if(squeezed)) * share
    per_minute = len(sizes) / seconds * 60
    weight = per_minute * one.weight
    return Cost(
        feed=one.name,
        kind=one.kind,
        tls=one.tls,
        count=len(sizes),
        per_minute=per_minute,
        weight=one.weight,
        weight_once=one.weight_once,
        weight_per_minute=weight,
        limit_share=weight / limit if limit else None,
        up_per_s=up,
        down_per_s=down,
        wire_per_s=both,
        payload_bytes=one.payload_bytes(),
        plain_bytes=sum(sizes),
        compressed_bytes=round(sum(squeezed) * share),
        compressed_per_s=max(0.0, both.value - saved / seconds),
        head_bytes=one.head_bytes() if isinstance(one, Asking) else None,
        connections=len(ports),
        handshakes=len(ports) if one.tls else 0,
        cpu_ms_per_s=one.cpu_ns / 1e6 / seconds,
        seconds=seconds,
    )


def _limit_per_minute(exchange: Exchange) -> float | None:
    """How much weight a minute the venue allows."""
    found = [
        one.amount * 60 / one.window_s for one in exchange.venue.limits if one.kind == "weight"
    ]
    return min(found, default=None)


def _calls(every_ms: float, seconds: float) -> int:
    seconds = validation.number("seconds", seconds, 0.01, 600)
    calls = int(seconds * 1000 / every_ms)
    if calls < 2:
        raise BadInput(f"in {seconds:g} s fewer than two polls of every {every_ms:g} ms fit")
    return calls


def _scaled(interval: Interval, factor: float) -> Interval:
    low, high = interval.low, interval.high
    return Interval(
        interval.value * factor,
        None if low is None else low * factor,
        None if high is None else high * factor,
        interval.n,
    )
