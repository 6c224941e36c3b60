"""What a recording holds, found in one pass before it is played.

Symbols with their steps, the first and last moment, the book snapshots, and which lines are bad.
The exchange's clock is estimated from the stamps in the frames: the recorder's clock may be off
by seconds, but no frame can arrive before it was sent, so the largest difference between a
frame's own stamp and its arrival is the offset of the clocks (less the shortest way).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from vocx.errors import RecordingError
from vocx.lab.events import (
    InstrumentSpec,
    RecordedDepth,
    RecordedFact,
    RecordedFrame,
    RecordedQuote,
    RecordedTrade,
    TextLevel,
)
from vocx.lab.ports import RecordingFormat
from vocx.recording import Line, bad_line, split
from vocx.symbols import join_assets

LATEST_NS = 2**63 - 1
LONGEST = 40
"""Characters of a recorded number."""
SAMPLE = 20_000
"""Numbers that are looked at to find the steps."""


class Digits:
    """How many decimals a kind of number uses, by the first :data:`SAMPLE` of them.

    One number in a thousand may use more: real books hold a few old orders finer than today's
    lot size. Those are cut to the step where the lab itself has to say them; frames that pass
    through keep theirs.
    """

    def __init__(self) -> None:
        self._seen = 0
        self._used: Counter[int] = Counter()

    def add(self, text: str) -> None:
        """Count one number's decimals."""
        if self._seen < SAMPLE:
            self._seen += 1
            self._used[len(text.partition(".")[2].rstrip("0"))] += 1

    @property
    def full(self) -> bool:
        return self._seen >= SAMPLE

    @property
    def step(self) -> Decimal:
        """The step that all but one in a thousand numbers are on."""
        used, finer = 0, self._seen
        for used in sorted(self._used):
            finer -= self._used[used]
            if finer <= self._seen // 1000:
                break
        return Decimal(1).scaleb(-used)


class IndexedSymbol:
    """What a recording holds of one symbol.

    Attributes
    ----------
    snapshots : list of RecordedDepth
        Whole books, in the order in which they were recorded.
    """

    def __init__(self, base: str, quote: str) -> None:
        self.base, self.quote = base, quote
        self.price, self.quantity = Digits(), Digits()
        self.first_id = self.last_id = 0
        self.last_price = "1"
        self.snapshots: list[RecordedDepth] = []

    def add(self, fact: RecordedFact) -> None:
        """Take in what one frame says."""
        if isinstance(fact, RecordedTrade):
            self.last_price = fact.price
            self._levels([(fact.price, fact.quantity)])
        elif isinstance(fact, RecordedQuote):
            self.last_price = fact.bid[0]
            self._levels([fact.bid, fact.ask])
        else:
            self._levels(fact.bids)
            self._levels(fact.asks)
            if fact.snapshot:
                self.snapshots.append(fact)
            else:
                self.first_id = self.first_id or fact.first_id
                self.last_id = fact.last_id

    def _levels(self, levels: Iterable[TextLevel]) -> None:
        if self.price.full:
            return
        for price, quantity in levels:
            self.price.add(price)
            self.quantity.add(quantity)

    @property
    def spec(self) -> InstrumentSpec:
        return InstrumentSpec(
            base=self.base,
            quote=self.quote,
            tick=self.price.step,
            lot=self.quantity.step,
            price=Decimal(self.last_price),
        )


class RecordingIndex:
    """The result.

    Attributes
    ----------
    symbols : dict
        :class:`IndexedSymbol` by symbol, ``"BTC/USDT"``.
    frames : int
        Stream frames that are played.
    others : int
        Lines that the venue sends and nobody plays: acknowledgements, heartbeats, an account's.
    first_ns, last_ns : int
        Arrival of the first and the last line, on the recorder's clock.
    shift_ns : int
        Add it to the recorder's clock to get the exchange's.
    bad : set of (file, line number)
        Lines to leave out; empty unless they were asked to be skipped.
    """

    def __init__(self, form: RecordingFormat) -> None:
        self.symbols: dict[str, IndexedSymbol] = {}
        self.frames = self.others = 0
        self.first_ns = self.last_ns = self.shift_ns = 0
        self.bad: set[tuple[str, int]] = set()
        self._form = form
        self._stamped = False
        self._streams: dict[str, IndexedSymbol | None] = {}
        self._snapshots: list[RecordedDepth] = []

    def add(self, line: Line) -> None:
        """Look at one line; ``RecordingError`` when it cannot be played."""
        arrived_ns, payload = split(line)
        try:
            _check_time(arrived_ns)
            frame = self._form.frame(payload)
            if frame is not None:
                self._add_frame(frame, arrived_ns)
            else:
                self._add_other(payload)
        except Exception as error:  # the file is a stranger's, and a format reads it as it comes
            why = str(error).partition("\n")[0][:200] or type(error).__name__
            raise bad_line(line, f"it is no frame that can be played ({why})") from None
        self.first_ns = self.first_ns or arrived_ns
        self.last_ns = max(self.last_ns, arrived_ns)

    def _add_other(self, payload: bytes) -> None:
        snapshot = self._form.snapshot(payload)
        if snapshot is not None:
            _check(snapshot)
            self._snapshots.append(snapshot)
        elif self._form.is_control(payload):
            self.others += 1
        else:
            raise ValueError("neither a frame of a stream, nor a book by REST, nor an answer")

    def _add_frame(self, frame: RecordedFrame, arrived_ns: int) -> None:
        stream, data, _ = frame
        sent_ns = self._form.sent_ns(data)
        facts: Sequence[RecordedFact] = ()
        if stream not in self._streams:
            self._streams[stream] = self._symbol_of(stream)
        found = self._streams[stream]
        if found is not None:
            facts = self._form.facts(stream, data)
            for fact in facts:
                _check(fact)
            for fact in facts:
                found.add(fact)
        if not facts:
            self._form.event_id(data)
        self.frames += 1
        if sent_ns is not None:
            _check_time(sent_ns)
            ahead_ns = sent_ns - arrived_ns
            self.shift_ns = max(self.shift_ns, ahead_ns) if self._stamped else ahead_ns
            self._stamped = True

    def _symbol_of(self, stream: str) -> IndexedSymbol | None:
        assets = self._form.assets(stream)
        if assets is None:
            return None
        return self.symbols.setdefault(join_assets(*assets), IndexedSymbol(*assets))

    def finish(self) -> None:
        """Give each snapshot to the symbol whose update ids it lies within."""
        for snapshot in self._snapshots:
            owner = self._owner(snapshot.last_id)
            if owner is not None:
                owner.add(snapshot)
        self._snapshots.clear()

    def _owner(self, update_id: int) -> IndexedSymbol | None:
        for found in self.symbols.values():
            if found.first_id and found.first_id - 1 <= update_id <= found.last_id:
                return found
        return next(iter(self.symbols.values())) if len(self.symbols) == 1 else None


def index_recording(
    lines: Iterable[Line], form: RecordingFormat, *, skip_bad: bool = False
) -> RecordingIndex:
    """Look through a recording.

    Raises
    ------
    RecordingError
        For the first corrupt line (unless ``skip_bad``), and when there is nothing to play.
    """
    index = RecordingIndex(form)
    for line in lines:
        try:
            index.add(line)
        except RecordingError:
            if not skip_bad:
                raise
            index.bad.add((line.file, line.number))
    index.finish()
    if not index.frames:
        counted = f"{index.others:,} acknowledgements and the like, {len(index.bad):,} bad lines"
        raise RecordingError(
            f"the recording holds no stream frames; there is nothing to play ({counted})"
        )
    return index


def _check(fact: RecordedFact) -> None:
    """Whether a fact's numbers are such that they can be played, or ``ValueError``."""
    if isinstance(fact, RecordedTrade):
        _check_time(fact.at_ns)
        _check_numbers(((fact.price, fact.quantity),))
        if fact.taker not in ("buy", "sell"):
            raise ValueError(f"a side is {fact.taker!r}")
        ids = (fact.trade_id,)
    elif isinstance(fact, RecordedQuote):
        _check_numbers((fact.bid, fact.ask))
        ids = (fact.update_id,)
    else:
        _check_numbers(fact.bids)
        _check_numbers(fact.asks)
        ids = (fact.last_id,)
    if not 0 <= ids[0] <= LATEST_NS:
        raise ValueError(f"an id is {ids[0]}")


def _check_numbers(levels: Iterable[TextLevel]) -> None:
    for level in levels:
        for text in level:
            plain = isinstance(text, str) and text.replace(".", "", 1).isdecimal()
            if not plain or len(text) > LONGEST:
                raise ValueError(f"{text!r:.60} is no plain number in quotes")


def _check_time(at_ns: int) -> None:
    if not 0 < at_ns <= LATEST_NS:
        raise ValueError("a time is beyond what clocks can show")
