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

import msgspec

from vocx.errors import RecordingError
from vocx.lab.events import InstrumentSpec
from vocx.recording import Line, bad_line, split

QUOTES = ("USDT", "USDC", "FDUSD", "TUSD", "BUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "USD")
SAMPLE = 20_000
"""Numbers that are looked at to find the steps."""
Levels = list[tuple[str, str]]


class Data(msgspec.Struct, gc=False):
    """The payload's fields that matter here, by Binance's names."""

    event_time: int = msgspec.field(default=0, name="E")
    symbol: str = msgspec.field(default="", name="s")
    first: int = msgspec.field(default=0, name="U")
    last: int = msgspec.field(default=0, name="u")
    price: str | None = msgspec.field(default=None, name="p")
    quantity: str | None = msgspec.field(default=None, name="q")
    bids: str | Levels | None = msgspec.field(default=None, name="b")
    bid_quantity: str | None = msgspec.field(default=None, name="B")
    asks: str | Levels | None = msgspec.field(default=None, name="a")
    ask_quantity: str | None = msgspec.field(default=None, name="A")


class Body(msgspec.Struct, gc=False):
    """One line: a frame of a combined stream, or the body of a REST depth reply."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    last_update_id: int | None = msgspec.field(default=None, name="lastUpdateId")
    bids: Levels = []
    asks: Levels = []


class Digits:
    """How many decimals a kind of number uses, by the first :data:`SAMPLE` of them.

    One number in a thousand may use more: real books hold a few old orders finer than today's
    lot size. Those are cut to the step where the lab itself has to say them; frames that pass
    through keep theirs.
    """

    def __init__(self) -> None:
        self._seen = 0
        self._used: Counter[int] = Counter()

    def see(self, text: str) -> None:
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


class Seen:
    """What was seen of one symbol."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.price, self.quantity = Digits(), Digits()
        self.first_id = self.last_id = 0
        self.last_price = "1"
        self.snapshots: list[tuple[int, Levels, Levels]] = []

    def see_levels(self, levels: Levels) -> None:
        if self.price.full:
            return
        see_price, see_quantity = self.price.see, self.quantity.see
        for price, quantity in levels:
            see_price(price)
            see_quantity(quantity)

    def see(self, data: Data) -> None:
        if data.price is not None and data.quantity is not None:
            self.last_price = data.price
            self.see_levels([(data.price, data.quantity)])
        elif isinstance(data.bids, list) and isinstance(data.asks, list):
            self.first_id = self.first_id or data.first
            self.last_id = data.last
            self.see_levels(data.bids)
            self.see_levels(data.asks)
        elif isinstance(data.bids, str) and isinstance(data.asks, str):
            self.last_price = data.bids
            quantities = data.bid_quantity or "0", data.ask_quantity or "0"
            self.see_levels([(data.bids, quantities[0]), (data.asks, quantities[1])])

    @property
    def spec(self) -> InstrumentSpec:
        base, quote = split_name(self.name)
        return InstrumentSpec(
            base=base,
            quote=quote,
            tick=self.price.step,
            lot=self.quantity.step,
            price=Decimal(self.last_price),
        )


class Survey:
    """The result: ``seen`` by symbol as the venue writes it, times, and bad lines.

    Attributes
    ----------
    frames : int
        Stream frames that can be played.
    first_ns, last_ns : int
        Arrival of the first and the last line, on the recorder's clock.
    shift_ns : int
        Add it to the recorder's clock to get the exchange's.
    bad : set of (file, line number)
        Lines to leave out; empty unless they were asked to be skipped.
    """

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.frames = 0
        self.first_ns = self.last_ns = 0
        self.bad: set[tuple[str, int]] = set()
        self._ahead: list[int] = []
        self._snapshots: list[Body] = []

    @property
    def shift_ns(self) -> int:
        return self._ahead[0] if self._ahead else 0

    def take(self, line: Line) -> None:
        """Look at one line; ``RecordingError`` when it is corrupt."""
        arrived_ns, payload = split(line)
        try:
            body = _BODY.decode(payload)
            data = _DATA.decode(body.data) if body.stream else None
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise bad_line(line, f"it is no frame that can be read ({error})") from None
        self.first_ns = self.first_ns or arrived_ns
        self.last_ns = max(self.last_ns, arrived_ns)
        if data is not None:
            self._take_frame(body.stream, data, arrived_ns)
        elif body.last_update_id is not None:
            self._snapshots.append(body)

    def _take_frame(self, stream: str, data: Data, arrived_ns: int) -> None:
        self.frames += 1
        if data.event_time:
            ahead = stamp_ns(data.event_time) - arrived_ns
            if not self._ahead or ahead > self._ahead[0]:
                self._ahead = [ahead]
        name = data.symbol or stream.partition("@")[0].upper()
        if name and name[0] != "!":
            seen = self.seen.get(name)
            if seen is None:
                seen = self.seen[name] = Seen(name)
            seen.see(data)

    def finish(self) -> None:
        """Give each snapshot to the symbol whose update ids it lies within."""
        for body in self._snapshots:
            found = self._owner(body.last_update_id or 0)
            if found is not None:
                found.see_levels(body.bids)
                found.see_levels(body.asks)
                found.snapshots.append((body.last_update_id or 0, body.bids, body.asks))
        self._snapshots.clear()

    def _owner(self, update_id: int) -> Seen | None:
        for seen in self.seen.values():
            if seen.first_id and seen.first_id - 1 <= update_id <= seen.last_id:
                return seen
        return next(iter(self.seen.values())) if len(self.seen) == 1 else None


_BODY = msgspec.json.Decoder(Body)
_DATA = msgspec.json.Decoder(Data)


def survey(lines: Iterable[Line], *, skip_bad: bool = False) -> Survey:
    """Look through a recording.

    Raises
    ------
    RecordingError
        For the first corrupt line (unless ``skip_bad``), and when there is nothing to play.
    """
    result = Survey()
    for line in lines:
        try:
            result.take(line)
        except RecordingError:
            if not skip_bad:
                raise
            result.bad.add((line.file, line.number))
    result.finish()
    if not result.frames:
        raise RecordingError("the recording holds no stream frames; there is nothing to play")
    return result


def stamp_ns(stamp: int) -> int:
    """A stamp of the wire, milliseconds or microseconds, as nanoseconds."""
    return stamp * 1_000 if stamp > 10**14 else stamp * 1_000_000


def split_name(name: str) -> tuple[str, str]:
    """``("BTC", "USDT")`` of ``"BTCUSDT"``."""
    for quote in QUOTES:
        if name.endswith(quote) and len(name) > len(quote):
            return name[: -len(quote)], quote
    return name[:3] or name, name[3:] or name
