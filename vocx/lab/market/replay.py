"""A recorded session as the market: frames pass on byte for byte, at their own pace or another.

The play starts with the first subscription. The exchange's clock is the recording's: it stands
at the first frame until then, runs ``speed`` times as fast as ours afterwards, and jumps from
frame to frame at full speed (``speed=None``). After the last frame streams stay open and silent.

The core takes lines; :func:`open_replay` reads them from files. Files are read twice, once to
survey and once to play, and never kept in memory as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from vocx.errors import BadInput, RecordingError
from vocx.lab.events import Event, Recorded
from vocx.lab.market import replay_market
from vocx.lab.market.recording_index import Survey, survey
from vocx.lab.ports import Market
from vocx.recording import Line, read, split

HEAD = b'{"stream":"'
MIDDLE = b'","data":'


class Replay:
    """See :class:`vocx.lab.ports.MarketSimulation`.

    Parameters
    ----------
    lines : callable
        Gives the recording's lines from the start, each time it is called.
    speed : float or None
        1.0 plays as it was recorded; ``None`` as fast as frames are taken.
    skip_bad : bool
        Leave out corrupt lines and count them instead of refusing the recording.

    Attributes
    ----------
    state : str
        ``"waiting"`` (nobody has subscribed), ``"playing"``, ``"paused"`` or ``"over"``.
    played, frames, bad : int
        Frames played so far, frames in all, lines left out.
    """

    def __init__(
        self,
        lines: Callable[[], Iterable[Line]],
        *,
        speed: float | None = 1.0,
        skip_bad: bool = False,
    ) -> None:
        if speed is not None and not 0 < speed < 1e6:
            raise BadInput(f"speed is {speed!r}; write a number above 0, or None for full speed")
        found = survey(lines(), skip_bad=skip_bad)
        self.speed = speed
        self.accounts = None
        self.frames, self.bad, self.played = found.frames, len(found.bad), 0
        self.markets: dict[str, Market] = {}
        self._plays: dict[str, replay_market.Market] = {}
        for name, seen in found.seen.items():
            one = replay_market.Market(seen.spec, seen.snapshots)
            self._plays[name.lower()] = self.markets[one.spec.symbol] = one
        self._frames = self._events(lines(), found)
        self._next: Recorded | None = next(self._frames, None)
        self._at_ns = found.first_ns + found.shift_ns
        self._since_ns = 0
        self._pace = 1.0
        self._begun = False

    def _events(self, lines: Iterable[Line], found: Survey) -> Iterator[Recorded]:
        """The frames in order, each with its moment on the exchange's clock."""
        names: dict[bytes, tuple[str, str]] = {}
        at_ns, shift_ns, bad = 0, found.shift_ns, found.bad
        start = len(HEAD)
        for line in lines:
            if bad and (line.file, line.number) in bad:
                continue
            arrived_ns, payload = split(line)
            end = payload.find(MIDDLE, start)
            if end < 0 or payload[:start] != HEAD:
                continue
            raw = payload[start:end]
            if raw not in names:
                stream = raw.decode()
                play = self._plays.get(stream.partition("@")[0])
                names[raw] = stream, play.spec.symbol if play else ""
            stream, symbol = names[raw]
            at_ns = max(at_ns, arrived_ns + shift_ns)
            data = payload[end + len(MIDDLE) : -1]
            yield Recorded(symbol, at_ns, stream, data, payload)

    @property
    def state(self) -> str:
        if self._next is None:
            return "over"
        if not self._begun:
            return "waiting"
        return "playing" if self._pace else "paused"

    @property
    def progress(self) -> dict[str, Any]:
        """Where the replay is, as JSON can carry it: the attributes by name."""
        return {
            "state": self.state,
            "played": self.played,
            "frames": self.frames,
            "bad": self.bad,
            "speed": self.speed,
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
        plays = self._plays
        frame = self._next
        while frame is not None and len(events) < limit:
            if until_ns is not None and frame.at_ns > until_ns:
                break
            events.append(frame)
            name, _, channel = frame.stream.partition("@")
            if play := plays.get(name):
                play.take(channel, frame.data)
            frame = next(self._frames, None)
        self._next = frame
        self.played += len(events)
        if events and self.speed is None:
            self._at_ns = events[-1].at_ns
        return events


def open_replay(
    paths: Sequence[Path],
    *,
    start_ns: int,
    speed: float | None = 1.0,
    skip_bad: bool = False,
) -> Replay:
    """A simulation that plays these files, one after the other.

    Parameters
    ----------
    paths : sequence of Path
        Recordings as :mod:`vocx.recording` describes them.
    start_ns : int
        This machine's wall clock; a recording does not depend on it.
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
    return Replay(lines, speed=speed, skip_bad=skip_bad)
