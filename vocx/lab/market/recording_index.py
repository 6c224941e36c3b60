"""What a recording holds, found in one pass before it is played.

Symbols with their steps, the first and last moment, the book snapshots, and which lines are bad.
The exchange's clock is estimated from the stamps in the frames: the recorder's clock may be off
by seconds, but no frame can arrive before it was sent, so the largest difference between a
frame's own stamp and its arrival is the offset of the clocks (less the shortest way).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from vocx.errors import RecordingError
from vocx.lab.events import (
    InstrumentSpec,
    RecordedDepth,
    RecordedFact,
    RecordedQuote,
    RecordedTrade,
    TextLevel,
)
from vocx.lab.ports import RecordingFormat
from vocx.recording import Line, bad_line, split

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
        Stream frames that can be played.
    first_ns, last_ns : int
        Arrival of the first and the last line, on the recorder's clock.
    shift_ns : int
        Add it to the recorder's clock to get the exchange's.
    bad : set of (file, line number)
        Lines to leave out; empty unless they were asked to be skipped.
    """

    def __init__(self, form: RecordingFormat) -> None:
        self.symbols: dict[str, IndexedSymbol] = {}
        self.frames = 0
        self.first_ns = self.last_ns = self.shift_ns = 0
        self.bad: set[tuple[str, int]] = set()
        self._form = form
        self._stamped = False
        self._streams: dict[str, IndexedSymbol | None] = {}
        self._snapshots: list[RecordedDepth] = []

    def add(self, line: Line) -> None:
        """Look at one line; ``RecordingError`` when it is corrupt."""
        arrived_ns, payload = split(line)
        frame = self._form.frame(payload)
        try:
            if frame is None:
                snapshot = self._form.snapshot(payload)
                self._snapshots += [] if snapshot is None else [snapshot]
            else:
                self._add_frame(*frame, arrived_ns)
        except ValueError as error:
            raise bad_line(line, f"it is no frame that can be read ({error})") from None
        self.first_ns = self.first_ns or arrived_ns
        self.last_ns = max(self.last_ns, arrived_ns)

    def _add_frame(self, stream: str, data: bytes, arrived_ns: int) -> None:
        sent_ns = self._form.sent_ns(data)
        self.frames += 1
        if sent_ns is not None:
            ahead_ns = sent_ns - arrived_ns
            self.shift_ns = max(self.shift_ns, ahead_ns) if self._stamped else ahead_ns
            self._stamped = True
        if stream not in self._streams:
            self._streams[stream] = self._symbol_of(stream)
        found = self._streams[stream]
        if found is not None:
            for fact in self._form.facts(stream, data):
                found.add(fact)

    def _symbol_of(self, stream: str) -> IndexedSymbol | None:
        assets = self._form.assets(stream)
        if assets is None:
            return None
        return self.symbols.setdefault("/".join(assets), IndexedSymbol(*assets))

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
        raise RecordingError("the recording holds no stream frames; there is nothing to play")
    return index
