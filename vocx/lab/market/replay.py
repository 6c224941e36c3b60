"""A recorded session as the market: frames pass on byte for byte, at their own pace or another.

The play starts with the first subscription. The exchange's clock is the recording's: it stands
at the first frame until then, runs ``speed`` times as fast as ours afterwards, and jumps from
frame to frame at full speed (``speed=None``). After the last frame streams stay open and silent,
unless it is played again (:meth:`Replay.again`).

The core takes lines; :func:`open_replay` reads them from files. Files are read twice, once for
the index and once to play, and never kept in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from vocx.errors import BadInput, RecordingError
from vocx.lab.events import (
    BookLevel,
    Event,
    InstrumentSpec,
    Recorded,
    RecordedDepth,
    RecordedQuote,
    RecordedTrade,
    TextLevel,
    Traded,
)
from vocx.lab.market.recording_index import RecordingIndex, index_recording
from vocx.lab.market.symbol_market import SymbolMarket
from vocx.lab.market.tape import Tape
from vocx.lab.ports import Market, RecordingFormat
from vocx.recording import Line, read, split
from vocx.symbols import join_assets

KEPT_TRADES = 200_000


class RecordedBook:
    """A book as recorded frames describe it.

    It begins as the recorded snapshot, and changes older than it are dropped, so who asks before
    the snapshot's moment gets the snapshot. Where a change is missing, the next snapshot counts.
    """

    def __init__(
        self, spec: InstrumentSpec, snapshots: Sequence[RecordedDepth], form: RecordingFormat
    ) -> None:
        self.update_id = 0
        self._form = form
        self._tick, self._lot = _decimals(spec.tick), _decimals(spec.lot)
        self._snapshots = list(snapshots)
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}
        self._quote_frame: Recorded | None = None
        self._last_quote: RecordedQuote | None = None
        self._sorted: tuple[list[BookLevel], list[BookLevel]] | None = None
        self._incomplete = False
        self._next_snapshot()

    def change(self, depth: RecordedDepth) -> None:
        """Take in recorded changes, or a whole book that came in a stream."""
        if depth.snapshot:
            self._load(depth)
            return
        while self.update_id and depth.first_id > self.update_id + 1 and self._next_snapshot():
            pass
        if depth.last_id <= self.update_id:
            return
        self._incomplete |= bool(self.update_id and depth.first_id > self.update_id + 1)
        _apply(self._bids, depth.bids)
        _apply(self._asks, depth.asks)
        self.update_id, self._sorted = depth.last_id, None

    def quote(self, frame: Recorded) -> None:
        """Take in recorded best prices; they are most of a recording, and parsed when asked for."""
        self._quote_frame = frame
        if self._incomplete:
            self._sorted = None

    @property
    def _quote(self) -> RecordedQuote | None:
        frame, self._quote_frame = self._quote_frame, None
        if frame is not None:
            for fact in self._form.facts(frame.stream, frame.data):
                if isinstance(fact, RecordedQuote):
                    self._last_quote = fact
        return self._last_quote

    def top(self, depth: int) -> tuple[list[BookLevel], list[BookLevel]]:
        bids, asks = self._levels()
        quote = self._quote
        if bids or asks or quote is None:
            return bids[:depth], asks[:depth]
        return [(*self.level(quote.bid), 0)], [(*self.level(quote.ask), 0)]

    def best(self) -> tuple[int, int, int, int]:
        quote = self._quote
        if quote is not None and quote.update_id >= self.update_id:
            return *self.level(quote.bid), *self.level(quote.ask)
        bids, asks = self._levels()
        return *(bids[0][:2] if bids else (0, 0)), *(asks[0][:2] if asks else (0, 0))

    def level(self, level: TextLevel) -> tuple[int, int]:
        """A price in ticks and a quantity in lots; what is finer is cut."""
        return _units(level[0], self._tick), _units(level[1], self._lot)

    def _next_snapshot(self) -> bool:
        if not self._snapshots:
            return False
        self._load(self._snapshots.pop(0))
        return True

    def _load(self, snapshot: RecordedDepth) -> None:
        self._bids, self._asks = dict(snapshot.bids), dict(snapshot.asks)
        self.update_id, self._sorted, self._incomplete = snapshot.last_id, None, False

    def _levels(self) -> tuple[list[BookLevel], list[BookLevel]]:
        if self._sorted is None:
            bids, asks = (
                sorted((*level, 0) for level in map(self.level, side.items()) if level[1])
                for side in (self._bids, self._asks)
            )
            bids.reverse()
            if self._incomplete:
                bids, asks = self._without_ghosts(bids, asks)
            self._sorted = bids, asks
        return self._sorted

    def _without_ghosts(
        self, bids: list[BookLevel], asks: list[BookLevel]
    ) -> tuple[list[BookLevel], list[BookLevel]]:
        """Where changes are missing, levels that are gone stay: those that the latest best
        prices rule out, or else all that cross, are left out."""
        quote = self._quote
        if quote is not None:
            low, high = self.level(quote.bid)[0], self.level(quote.ask)[0]
        else:
            low = asks[0][0] - 1 if asks else 0
            high = bids[0][0] + 1 if bids else 0
        return [one for one in bids if one[0] <= low], [one for one in asks if one[0] >= high]


class RecordedMarket:
    """Plays one symbol's frames into its market."""

    def __init__(
        self, spec: InstrumentSpec, snapshots: Sequence[RecordedDepth], form: RecordingFormat
    ) -> None:
        book, tape = RecordedBook(spec, snapshots, form), Tape(spec.symbol, kept=KEPT_TRADES)
        self.market = SymbolMarket(spec, book, tape)
        self._form = form
        self._quotes: dict[str, bool] = {}
        self._last_trade = -1

    def play(self, frame: Recorded) -> None:
        """Take in what one frame says."""
        book, stream = self.market.book, frame.stream
        if stream not in self._quotes:
            self._quotes[stream] = self._form.quotes(stream)
        if self._quotes[stream]:
            book.quote(frame)
            return
        for fact in self._form.facts(stream, frame.data):
            if isinstance(fact, RecordedDepth):
                book.change(fact)
            elif isinstance(fact, RecordedTrade) and fact.trade_id > self._last_trade:
                self._last_trade = fact.trade_id
                price, lots = book.level((fact.price, fact.quantity))
                self.market.tape.add(
                    Traded(frame.symbol, fact.at_ns, fact.trade_id, price, lots, fact.taker, 0, 0)
                )


class Replay:
    """See :class:`vocx.lab.ports.MarketSimulation`.

    Parameters
    ----------
    lines : callable
        Gives the recording's lines from the start, each time it is called.
    form : RecordingFormat
        How the venue's frames are read.
    speed : float or None
        1.0 plays as it was recorded; ``None`` as fast as frames are taken.
    skip_bad : bool
        Leave out corrupt lines and count them instead of refusing the recording.

    Attributes
    ----------
    state : str
        ``"waiting"`` (nobody has subscribed), ``"playing"``, ``"paused"`` or ``"over"``.
    played, frames, bad, others : int
        Frames played so far, frames in all, bad lines left out, acknowledgements and the like.
    round : int
        How often it was begun, with this time.
    """

    def __init__(
        self,
        lines: Callable[[], Iterable[Line]],
        form: RecordingFormat,
        *,
        speed: float | None = 1.0,
        skip_bad: bool = False,
    ) -> None:
        if speed is not None and not 0 < speed < 1e6:
            raise BadInput(f"speed is {speed!r}; write a number above 0, or None for full speed")
        self.speed = speed
        self.accounts = None
        self.round = 1
        self._form, self._lines = form, lines
        self._load(index_recording(lines(), form, skip_bad=skip_bad))

    def again(self) -> Replay:
        """The same recording from its first frame, waiting for a subscription. Its books, its ids
        and its clock begin anew; the files are not indexed a second time."""
        found = copy(self)
        found.round += 1
        found._load(self._index)
        return found

    def _load(self, index: RecordingIndex) -> None:
        """Stand before the first frame."""
        self._index = index
        self.frames, self.bad, self.played = index.frames, len(index.bad), 0
        self.others = index.others
        form = self._form
        self._recorded = {
            symbol: RecordedMarket(found.spec, found.snapshots, form)
            for symbol, found in index.symbols.items()
        }
        self.markets: dict[str, Market] = {
            symbol: recorded.market for symbol, recorded in self._recorded.items()
        }
        self._frames = self._events(self._lines(), index)
        self._next: Recorded | None = next(self._frames, None)
        self._at_ns = index.first_ns + index.shift_ns
        self._since_ns = 0
        self._pace = 1.0
        self._begun = False

    def _events(self, lines: Iterable[Line], index: RecordingIndex) -> Iterator[Recorded]:
        """The frames in order, each with its moment on the exchange's clock."""
        symbols: dict[str, str] = {}
        at_ns, bad = 0, index.bad
        for line in lines:
            if bad and (line.file, line.number) in bad:
                continue
            arrived_ns, payload = split(line)
            frame = self._form.frame(payload)
            if frame is None:
                continue
            stream, data, wrapped = frame
            symbol = symbols.get(stream)
            if symbol is None:
                symbol = symbols[stream] = join_assets(*(self._form.assets(stream) or ("", "")))
            at_ns = max(at_ns, arrived_ns + index.shift_ns)
            yield Recorded(symbol, at_ns, stream, data, wrapped)

    @property
    def state(self) -> str:
        if self.over:
            return "over"
        if not self._begun:
            return "waiting"
        return "playing" if self._pace else "paused"

    @property
    def over(self) -> bool:
        return self._next is None

    @property
    def progress(self) -> dict[str, Any]:
        """Where the replay is, as JSON can carry it: the attributes by name."""
        return {
            "state": self.state,
            "played": self.played,
            "frames": self.frames,
            "bad": self.bad,
            "others": self.others,
            "speed": self.speed,
            "round": self.round,
        }

    def exchange_ns(self, now_ns: int) -> int:
        if self.speed is None or not self._begun or not self._pace:
            return self._at_ns
        rate, gone_ns = self.speed * self._pace, now_ns - self._since_ns
        return self._at_ns + (gone_ns if rate == 1 else int(gone_ns * rate))

    def begin(self, now_ns: int) -> None:
        if not self._begun:
            self._begun = True
            self._since_ns = now_ns

    def set_pace(self, pace: float, now_ns: int) -> None:
        self._at_ns = self.exchange_ns(now_ns)
        self._since_ns = now_ns
        self._pace = pace

    def next_ns(self) -> int | None:
        return self._next.at_ns if self._next and self._begun and self._pace else None

    def advance(self, now_ns: int, limit: int = 1000) -> list[Event]:
        if not self._begun or not self._pace:
            return []
        until_ns = None if self.speed is None else self.exchange_ns(now_ns)
        return self._take(limit, until_ns)

    def step(self, count: int, now_ns: int) -> list[Event]:
        self.begin(now_ns)
        events = self._take(count, None)
        if events:
            self._at_ns, self._since_ns = events[-1].at_ns, now_ns
        return events

    def _take(self, limit: int, until_ns: int | None) -> list[Event]:
        """The next frames, at most ``limit``, and none after ``until_ns``."""
        events: list[Event] = []
        recorded = self._recorded
        frame = self._next
        while frame is not None and len(events) < limit:
            if until_ns is not None and frame.at_ns > until_ns:
                break
            events.append(frame)
            if market := recorded.get(frame.symbol):
                market.play(frame)
            frame = next(self._frames, None)
        self._next = frame
        self.played += len(events)
        if events and self.speed is None:
            self._at_ns = events[-1].at_ns
        return events


def open_replay(
    paths: Sequence[Path],
    form: RecordingFormat,
    *,
    speed: float | None = 1.0,
    skip_bad: bool = False,
) -> Replay:
    """A simulation that plays these files, one after the other.

    Parameters
    ----------
    paths : sequence of Path
        Recordings as :mod:`vocx.recording` describes them.
    form : RecordingFormat
        How the venue's frames are read.
    speed : float or None
        1.0 as recorded, 10.0 ten times faster, ``None`` as fast as it is read.
    skip_bad : bool
        Play the rest of a recording with corrupt lines; ``.bad`` counts them.

    Raises
    ------
    RecordingError
        A file is missing, no gzip, damaged or empty, or a line is corrupt: ``.line`` is its
        number.
    """
    if not paths:
        raise RecordingError("no recording was named; give at least one file")
    lines = partial(read, list(paths), skip_bad=skip_bad)
    return Replay(lines, form, speed=speed, skip_bad=skip_bad)


def _units(text: str, decimals: int) -> int:
    """``"61837.63000000"`` in steps of ten to the minus ``decimals``: 6183763."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))


def _decimals(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))


def _apply(side: dict[str, str], levels: Sequence[TextLevel]) -> None:
    for price, quantity in levels:
        if quantity.strip("0.") == "":
            side.pop(price, None)
        else:
            side[price] = quantity
