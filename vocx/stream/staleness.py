"""Is a channel without data quiet, or dead? Suspicion, proof, and one REST call at a time.

A channel that is silent for longer than its venue says is *suspicious*. What proves it alive is
the adapter's choice for each channel: the same id by REST, the same best prices and quantities, a
heartbeat, or a pong. :class:`Staleness` is pure and decides for one socket; :class:`Prober` makes
the calls for all sockets of a stream, one after the other, so that 200 quiet symbols cost four
calls a second and not 200 at once.

The rules:

* an answer counts only for the connection and the silence that it was asked about;
* REST is ahead: the data may be on their way for a second more, then the feed is dead;
* equal tops may be chance: after three of them in one silence the feed is connected again, once;
* no answer counts as a no, once in one silence: without REST nothing better can be known.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from vocx.facts import BookDelta, BookSnapshot, Candle, Fact, Quote, Ticker, Trade
from vocx.stream.background import Ask, Background
from vocx.stream.backoff import Disconnect
from vocx.stream.deadlines import Deadlines
from vocx.venues.base import (
    ChannelSpec,
    GetBook,
    GetCandles,
    GetQuote,
    GetTicker,
    GetTrades,
    Proof,
)

LastHeard = Callable[[ChannelSpec], int | None]
"""Monotonic nanoseconds of a channel's latest data; ``None`` before the first."""

Verdict = Literal["agrees", "ahead", "unknown"]
"""What REST says of a silent channel: nothing happened, something did, or no answer."""

_CHANCES = 3


class Probe(msgspec.Struct, frozen=True):
    """Ask REST whether it agrees with what this channel last said; the answer comes as a
    :class:`ProbeResult` with the same number."""

    channel: ChannelSpec
    number: int


class ProbeResult(msgspec.Struct, frozen=True):
    """What came of a probe."""

    number: int
    verdict: Verdict


class Watch(msgspec.Struct, frozen=True):
    """How one channel is watched: suspicious after so long, proven by this."""

    stale_after_s: float
    proof: Proof


class Staleness:
    """Suspicion and proof of the channels of one socket. Pure: times are arguments."""

    def __init__(
        self,
        watches: Mapping[ChannelSpec, Watch],
        last_heard: LastHeard,
        deadlines: Deadlines,
    ) -> None:
        self._watches, self._last_heard, self._deadlines = watches, last_heard, deadlines
        self._limit_ns = {
            spec: watch.stale_after_s * 1e9
            if deadlines.stale_after_s is None
            else deadlines.stale_after_s * 1e9
            for spec, watch in watches.items()
        }
        self._numbers = 0
        self._reconnected: dict[ChannelSpec, int] = {}
        self._agreed: dict[ChannelSpec, tuple[int | None, int]] = {}
        self.on_connect(0)

    def on_connect(self, now_ns: int) -> None:
        """A new connection: what was proven or asked on an older one is void."""
        self._opened_ns = now_ns
        self._proved: dict[ChannelSpec, int] = {}
        self._asked_ns: dict[ChannelSpec, int] = {}
        self._behind_ns: dict[ChannelSpec, int] = {}
        self._probe: tuple[Probe, int] | None = None
        self._next_ns = now_ns

    def proof_ns(self, spec: ChannelSpec, now_ns: int) -> tuple[int | None, bool]:
        """When this channel was last proven other than by data, and whether it is suspicious."""
        proved_ns = self._proved.get(spec)
        latest_ns = max(self._last_heard(spec) or 0, proved_ns or 0)
        return proved_ns, now_ns - latest_ns > self._limit_ns[spec]

    def on_heartbeat(self, specs: Sequence[ChannelSpec], now_ns: int) -> None:
        """The venue's own beat, of these channels or (empty) of all."""
        for spec in specs or self._watches:
            if self._watches[spec].proof == "heartbeat":
                self._proved[spec] = now_ns

    def on_pong(self, now_ns: int) -> None:
        """Our ping was answered."""
        for spec, watch in self._watches.items():
            if watch.proof == "pong":
                self._proved[spec] = now_ns

    def on_result(self, result: ProbeResult, now_ns: int) -> Disconnect | None:
        """REST has answered; perhaps a reason to connect again."""
        if self._probe is None or result.number != self._probe[0].number:
            return None  # about an older connection
        probe, asked_ns = self._probe
        spec, self._probe = probe.channel, None
        heard_ns = self._last_heard(spec)
        if (heard_ns or 0) >= asked_ns:
            return None  # data came meanwhile: better than any answer
        if result.verdict == "ahead":
            self._behind_ns.setdefault(spec, now_ns)
            return None
        if result.verdict == "unknown":
            return self._once(spec, now_ns, "REST no answer")
        self._proved[spec] = now_ns
        if self._watches[spec].proof != "top":
            return None
        before_ns, count = self._agreed.get(spec, (None, 0))
        count = count + 1 if before_ns == heard_ns else 1
        self._agreed[spec] = (heard_ns, count)
        if count < _CHANCES:
            return None
        return self._once(spec, now_ns, f"the top stood still for {_CHANCES} probes")

    def _once(self, spec: ChannelSpec, now_ns: int, why: str) -> Disconnect | None:
        """Connect again, unless that has been tried since the last data of this channel."""
        if self._reconnected.get(spec, 0) > (self._last_heard(spec) or 0):
            return None
        self._reconnected[spec] = now_ns
        return _silent(spec, why)

    def check(self, now_ns: int) -> tuple[list[ChannelSpec], Disconnect | None]:
        """Suspicious channels, and a reason to connect again if there is one."""
        quiet = []
        for spec, limit_ns in self._limit_ns.items():
            latest_ns = max(self._last_heard(spec) or 0, self._proved.get(spec, 0), self._opened_ns)
            if now_ns - latest_ns > limit_ns:
                quiet.append(spec)
                if self._watches[spec].proof in ("heartbeat", "pong"):
                    return quiet, _silent(spec, f"no {self._watches[spec].proof} either")
        for spec, since_ns in list(self._behind_ns.items()):
            if (self._last_heard(spec) or 0) >= since_ns:
                del self._behind_ns[spec]
            elif now_ns - since_ns > self._deadlines.probe_settle_s * 1e9:
                return quiet, _silent(spec, "REST shows what it did not send")
        if self._probe is not None and now_ns - self._probe[1] > self._deadlines.probe_s * 1e9:
            spec, self._probe = self._probe[0].channel, None
            return quiet, self._once(spec, now_ns, "REST no answer")
        return quiet, None

    def next_probe(self, quiet: Sequence[ChannelSpec], now_ns: int) -> Probe | None:
        """The channel to ask about now: one at a time, the one asked longest ago first."""
        if self._probe is not None or now_ns < self._next_ns:
            return None
        due = [
            spec
            for spec in quiet
            if spec not in self._behind_ns
            and (spec not in self._asked_ns or now_ns - self._asked_ns[spec] > self._limit_ns[spec])
        ]
        if not due:
            return None
        spec = min(due, key=lambda one: self._asked_ns.get(one, 0))
        self._numbers += 1
        probe = Probe(spec, self._numbers)
        self._probe = (probe, now_ns)
        self._asked_ns[spec] = now_ns
        self._next_ns = now_ns + int(self._deadlines.probe_spacing_s * 1e9)
        return probe


def _silent(spec: ChannelSpec, why: str) -> Disconnect:
    return Disconnect("silent", 0, f"no {spec.channel} of {spec.symbol}: {why}")


class Known(msgspec.Struct, frozen=True):
    """What a channel knew when a probe began: its latest fact, and the id that it is at."""

    fact: Fact | None
    identity: int | str | None


class Prober:
    """Asks REST about silent channels, for all sockets of one stream, one call at a time."""

    def __init__(self, ask: Ask, background: Background) -> None:
        self._ask, self._background = ask, background
        self._lock = threading.Lock()
        self._waiting: deque[tuple[ChannelSpec, Proof, Known, Callable[[Verdict], None]]] = deque()
        self._running = False
        self._baseline: dict[ChannelSpec, int | str | None] = {}

    def submit(
        self, spec: ChannelSpec, proof: Proof, known: Known, done: Callable[[Verdict], None]
    ) -> None:
        """Ask when it is this one's turn; ``done`` is called in the asking thread."""
        with self._lock:
            self._waiting.append((spec, proof, known, done))
            if self._running:
                return
            self._running = True
        self._background.start("vocx-probe", self._run)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._background.stopping.is_set():
                    self._waiting.clear()
                    self._running = False
                    return
                spec, proof, known, done = self._waiting.popleft()
            try:
                verdict: Verdict = self._compare(spec, proof, known)
            except Exception:  # no answer is an answer: nobody knows
                verdict = "unknown"
            done(verdict)

    def _compare(self, spec: ChannelSpec, proof: Proof, known: Known) -> Verdict:
        symbol, stopping = spec.symbol or "", self._background.stopping
        if spec.channel == "book":
            return compare(known, self._ask(GetBook(symbol=symbol, depth=5), stopping), proof)
        if spec.channel == "quotes":
            return compare(known, self._ask(GetQuote(symbol=symbol), stopping), proof)
        if spec.channel == "ticker":
            return compare(known, self._ask(GetTicker(symbol=symbol), stopping), proof)
        if spec.channel == "candles":
            intent = GetCandles(symbol=symbol, interval=spec.interval or "1m", limit=1)
            return compare(known, self._ask(intent, stopping)[-1], proof)
        found = self._ask(GetTrades(symbol=symbol, limit=1), stopping)
        latest: Trade | None = found[-1] if found else None
        if known.identity is None:  # never a trade on this stream: one that comes now is news
            identity = None if latest is None else latest.id
            first = self._baseline.setdefault(spec, identity)
            return "agrees" if first == identity else "ahead"
        return "agrees" if latest is None else compare(known, latest, proof)


def compare(known: Known, there: Fact, proof: Proof) -> Verdict:
    """What REST's fact says of a channel that knows this much."""
    here = known.fact
    if isinstance(there, Candle):
        if not isinstance(here, Candle) or there.open_ns > here.open_ns:
            return "ahead" if there.volume else "agrees"  # a bar in which nothing traded is no news
        same = (there.close, there.volume) == (here.close, here.volume)
        return "agrees" if same or there.open_ns < here.open_ns else "ahead"
    if isinstance(there, Trade):
        return "ahead" if _is_later(there.id, known.identity) else "agrees"
    if proof == "sequence" and isinstance(there, BookSnapshot) and there.sequence is not None:
        return "ahead" if _is_later(there.sequence, known.identity) else "agrees"
    return "agrees" if here is not None and _top(here) == _top(there) else "ahead"


def _is_later(there: int | str | None, here: int | str | None) -> bool:
    if isinstance(there, int) and isinstance(here, int):
        return there > here  # what REST's cache shows may well be older
    return there != here


def _top(fact: Fact) -> tuple[Any, ...]:
    """Best prices and quantities, and what else moves with them."""
    if isinstance(fact, BookSnapshot | BookDelta):
        return (fact.bids[:1], fact.asks[:1])
    if isinstance(fact, Quote):
        return (((fact.bid, fact.bid_quantity),), ((fact.ask, fact.ask_quantity),))
    if isinstance(fact, Ticker):
        return (fact.last, fact.bid, fact.bid_quantity, fact.ask, fact.ask_quantity)
    return (fact,)
