"""Feeds whose wire is counted: each on connections of its own, with the local ports that tell
them from everything else in the lab.

The threads note a few numbers for each call or frame and keep the bytes; sums and compression come
when the time is over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import count
from time import thread_time_ns
from typing import TYPE_CHECKING, Any

from vocx.errors import BadInput
from vocx.measure import compression, validation
from vocx.measure.probes import unbraked
from vocx.timing import mono_ns, wall_ns
from vocx.venues.base import GetBook, GetQuote, GetTicker, Intent

if TYPE_CHECKING:
    from vocx.exchange import Exchange
    from vocx.timing import HttpExchange

POLLS = ("quote, new connection", "quote", "ticker", "book")
STREAMS = ("quotes", "trades", "book", "top", "ticker")
TOP = 5
"""Levels of the book that ``"top"`` sends each 100 ms; ``"book"`` sends every change of it."""
NEW = ", new connection"
DEPTH = 100
READY_S = 10.0
KEPT_FRAMES = 20_000
"""Of a stream so many frames are kept for the compression; the others are only counted."""
_numbers = count(1)


class Metered:
    """One feed and what it has cost so far.

    Attributes
    ----------
    cpu_ns : int
        CPU of the thread that does the feed's work, inside the window.
    sizes : list of int
        Body or payload of each reply or message inside the window, bytes, uncompressed.
    """

    kind = ""

    def __init__(self, name: str, tls: bool) -> None:
        self.name, self.tls = name, tls
        self.cpu_ns = 0
        self.sizes: list[int] = []
        self.weight = self.weight_once = 0

    def open(self) -> None:
        """Connect and warm up; returns when the feed is ready to be counted."""

    def begin(self, begin_ns: int, calls: int, every_ns: int) -> None:
        """From ``begin_ns`` on it counts."""

    def end(self, begin_ns: int, end_ns: int) -> None:
        """The window was this; waits until the last call is back."""

    def close(self) -> None:
        """Give everything back. Safe to call at any time, and again."""

    def ports(self) -> Sequence[int]:
        """The local ports that were used, warm-up included."""
        raise NotImplementedError

    def compressed(self) -> list[int]:
        """The sizes that compression would make of :attr:`sizes` (or of the first of them)."""
        raise NotImplementedError

    def payload_bytes(self) -> int:
        """Bodies and messages inside the window as they crossed the wire."""
        return sum(self.sizes)

    def sent_bytes(self, count: int) -> int:
        """What the first ``count`` replies or messages took below their head."""
        raise NotImplementedError

    def sent_if(self, sizes: Sequence[int]) -> int:
        """The same if their payloads had these sizes."""
        raise NotImplementedError


class Asking(Metered):
    """Polls by REST, on a kept connection or on a new one for each call."""

    kind = "poll"

    def __init__(self, name: str, tls: bool, exchange: Exchange, symbol: str) -> None:
        super().__init__(name, tls)
        what, found, _ = name.partition(NEW)
        self.new = bool(found)
        self._twin = unbraked(exchange, f"traffic {next(_numbers)}", tls=tls)
        self._intent, self._ask = _asked(what, self._twin, symbol)
        self.weight = exchange.venue.request(self._intent, wall_ns()).weight
        self.calls: list[HttpExchange] = []
        self._warm: list[int] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    def open(self) -> None:
        self._warm = [self._port(self._call())]

    def begin(self, begin_ns: int, calls: int, every_ns: int) -> None:
        self._thread = threading.Thread(
            target=self._run,
            args=(begin_ns, calls, every_ns),
            name=f"vocx {self.name}",
            daemon=True,
        )
        self._thread.start()

    def _run(self, begin_ns: int, calls: int, every_ns: int) -> None:
        """A call in the middle of each period, so that the periods' ends are quiet."""
        try:
            for number in range(calls):
                due_ns = begin_ns + number * every_ns + every_ns // 2
                if self._stop.wait(max(0, due_ns - mono_ns()) / 1e9):
                    return
                begun = thread_time_ns()
                self.calls.append(self._call())
                self.cpu_ns += thread_time_ns() - begun
        except Exception as error:  # told where the others have been ended
            self._error = error

    def _call(self) -> HttpExchange:
        call: HttpExchange | None = self._ask().exchange
        if self.new:
            self._twin.close()
        assert call is not None
        return call

    def end(self, begin_ns: int, end_ns: int) -> None:
        if self._thread is not None:
            self._thread.join(READY_S)
        self.sizes = [len(_body(call)) for call in self.calls]
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(READY_S)
        self._twin.close()

    def ports(self) -> Sequence[int]:
        used = [self._port(call) for call in self.calls]
        return used if self.new else list(dict.fromkeys([*self._warm, *used]))

    @staticmethod
    def _port(call: HttpExchange) -> int:
        assert call.local_port is not None
        return call.local_port

    def payload_bytes(self) -> int:
        return self.sent_bytes(len(self.calls))

    def head_bytes(self) -> float:
        """The mean of the replies' heads."""
        return sum(map(_head_bytes, self.calls)) / len(self.calls)

    def sent_bytes(self, count: int) -> int:
        return sum(call.reply_wire_bytes - _head_bytes(call) for call in self.calls[:count])

    def sent_if(self, sizes: Sequence[int]) -> int:
        return sum(sizes)

    def compressed(self) -> list[int]:
        return [compression.gzip_bytes(_body(call)) for call in self.calls]


class Hearing(Metered):
    """Listens to a stream; the tap in the reader's thread notes size and CPU of each frame."""

    kind = "stream"

    def __init__(self, name: str, tls: bool, exchange: Exchange, symbol: str) -> None:
        super().__init__(name, tls)
        self._twin = exchange.twin(name=f"traffic {next(_numbers)}", tls=tls)
        first = exchange.venue.snapshot(symbol) if name == "book" else None
        if first is not None:
            self.weight_once = exchange.venue.request(first, wall_ns()).weight
        self._heard: list[tuple[int, int, int]] = []
        self._texts: list[bytes] = []
        self._before = 0
        try:
            self._stream = self._twin.prepared(
                ["book" if name == "top" else name],
                symbol,
                depth=TOP if name == "top" else None,
                on_frame=self._tap,
                name=f"traffic {next(_numbers)}: {name}",
            )
        except BaseException:
            self._twin.close()
            raise

    def open(self) -> None:
        self._stream.start()
        if self.name != "trades":
            self._stream.wait(READY_S)
            return
        pause, deadline_ns = threading.Event(), mono_ns() + int(READY_S * 1e9)
        while self._stream.state != "live":  # a quiet symbol may have no trade for long
            if mono_ns() > deadline_ns:
                self._stream.wait(0)  # says what is missing
                return
            pause.wait(0.01)

    def _tap(self, text: bytes, arrived_ns: int) -> None:
        self._heard.append((mono_ns(), thread_time_ns(), len(text)))
        if len(self._texts) < KEPT_FRAMES:
            self._texts.append(text)

    def end(self, begin_ns: int, end_ns: int) -> None:
        heard = self._heard.copy()
        self._before = sum(at_ns < begin_ns for at_ns, _, _ in heard)
        inside = [one for one in heard[self._before :] if one[0] < end_ns]
        self.sizes = [size for _, _, size in inside]
        if inside:
            # From the last frame before the window, where there is one, to the last in it.
            self.cpu_ns = inside[-1][1] - heard[max(0, self._before - 1)][1]

    def close(self) -> None:
        self._stream.stop()
        self._twin.close()

    def ports(self) -> Sequence[int]:
        return self._stream.stats.ports

    def compressed(self) -> list[int]:
        kept = self._texts[: self._before + len(self.sizes)]
        return compression.deflated_bytes(kept)[self._before :]

    def sent_bytes(self, count: int) -> int:
        return self.sent_if(self.sizes[:count])

    def sent_if(self, sizes: Sequence[int]) -> int:
        return sum(map(compression.frame_bytes, sizes))


def metered(
    exchange: Exchange,
    symbol: str,
    polls: Sequence[str],
    streams: Sequence[str],
    tls: bool,
    stack: ExitStack,
) -> list[Metered]:
    """All feeds of one kind of wire, not opened yet; ``stack`` closes them."""
    made: list[Metered] = []
    for kind, names in ((Asking, polls), (Hearing, streams)):
        for name in names:
            made.append(kind(name, tls, exchange, symbol))
            stack.callback(made[-1].close)
    return made


def check_names(polls: Sequence[str], streams: Sequence[str], tls: Sequence[bool]) -> None:
    """Names that exist, or ``BadInput``."""
    known = {what + end for what in ("quote", "ticker", "book") for end in ("", NEW)}
    for kind, names, there in (("poll", polls, sorted(known)), ("stream", streams, STREAMS)):
        for name in validation.several(f"{kind}s", names, f'["{there[0]}"]', empty=True):
            if name not in there:
                raise BadInput(f"there is no {kind} {name!r}; there are {', '.join(there)}")
    validation.wires(tls)
    if not (polls or streams):
        raise BadInput("nothing is left to measure: name a poll or a stream")


def _asked(what: str, exchange: Exchange, symbol: str) -> tuple[Intent, Callable[[], Any]]:
    """What a poll asks for, as an intent (for its weight) and as a call."""
    if what == "quote":
        return GetQuote(symbol=symbol), lambda: exchange.quote(symbol)
    if what == "ticker":
        return GetTicker(symbol=symbol), lambda: exchange.ticker(symbol)
    depth = GetBook(symbol=symbol, depth=DEPTH)
    return depth, lambda: exchange.order_book(symbol, DEPTH)


def _head_bytes(call: HttpExchange) -> int:
    return call.reply.index(b"\r\n\r\n") + 4


def _body(call: HttpExchange) -> bytes:
    return call.reply[_head_bytes(call) :]
