"""Lesson 07: a feed that keeps evidence and never reconnects, faults to break it with, a score.

What :class:`WatchedFeed` is: the usual client, one connection to the trades of one symbol, which
keeps what a program can know about its line. It sends a ping and asks REST for the latest trade
every third of a second; programs do both much less often, and the market is the same.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import requests
import websocket

from vocx.course.raw_websocket import connect
from vocx.course.waiting import wait_for
from vocx.errors import WaitTimeout, optional_parts

if TYPE_CHECKING:
    from vocx.lab import Lab

EVERY_S = 0.3
"""Between two pings, and between two questions to REST."""
PATIENCE_S = 0.5
"""For an answer of REST."""
HEALTHY_S, BROKEN_S = 0.6, 2.0
"""How long a feed is watched before a fault, and in it."""
_SETTLE_S = 0.05
"""Trades that REST shows may be on their way for so long."""

Row = Literal["data", "pong", "gap", "end", "REST"]
ROWS: tuple[Row, ...] = ("data", "pong", "gap", "end", "REST")
COLUMNS = 3
"""Strips beside each other in a picture."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What a program knows about its feed at one moment.

    Attributes
    ----------
    data_s : float
        Seconds since it read the last message.
    pong_s : float
        Seconds since it read the last pong.
    missing : int
        Messages that the sequence has skipped.
    close : int or None
        The code with which the connection ended (1006: none was sent); ``None`` while it is open.
    status : int or None
        HTTP status of the latest question to REST; ``None``: no answer.
    behind : int or None
        Trades that REST shows and this feed has not; ``None`` where REST did not say.
    """

    data_s: float
    pong_s: float
    missing: int = 0
    close: int | None = None
    status: int | None = 200
    behind: int | None = 0

    def __str__(self) -> str:
        line = "open" if self.close is None else f"closed with {self.close}"
        if self.status is None:
            rest = "REST: no answer"
        elif self.behind is None:
            rest = f"REST: status {self.status}"
        else:
            rest = f"REST: {self.behind} ahead" if self.behind else "REST: the same"
        return (
            f"data {self.data_s:.1f} s ago, pong {self.pong_s:.1f} s ago, {self.missing} missing, "
            f"{line}, {rest}"
        )


class Event(msgspec.Struct, frozen=True):
    """One thing that a feed noted, in seconds since it was watched."""

    at_s: float
    row: Row
    text: str = ""


class WatchedFeed:
    """Listens to the trades of BTC/USDT at the lab's Binance in threads of its own.

    Attributes
    ----------
    events : list of Event
        What was noted, in order.
    broken_s : float or None
        When a fault began.
    found : Evidence or None
        What was known at the end of it.
    threads : list of threading.Thread
        Its own.
    """

    def __init__(self, lab: Lab) -> None:
        self._url = f"{lab.url('binance', 'rest')}/api/v3/trades"
        self._work_s = 0.0
        self._stopping = threading.Event()
        self._began = time.monotonic()
        self._last_data = self._last_pong = self._began
        self._id: int | None = None
        self._missing = 0
        self._close: int | None = None
        self._rest: tuple[int | None, int | None] = (None, None)
        self.events: list[Event] = []
        self.broken_s: float | None = None
        self.found: Evidence | None = None
        self._ws: Any = connect(lab, "/ws/btcusdt@trade")
        self.threads = [
            threading.Thread(target=run, name=f"vocx-watched-{run.__name__}", daemon=True)
            for run in (self._read, self._ping, self._ask)
        ]
        for one in self.threads:
            one.start()

    def wait(self, seconds: float = 5) -> WatchedFeed:
        """Until a trade, a pong and an answer have come.

        Raises
        ------
        WaitTimeout
            They did not.
        """
        if wait_for(
            lambda: {"data", "pong", "REST"} <= {one.row for one in self.events.copy()}, seconds
        ):
            return self
        raise WaitTimeout(f"no trades of BTC/USDT within {seconds:g} s")

    def broken(self) -> None:
        """A fault begins now."""
        self.broken_s = time.monotonic() - self._began

    def work(self, ms: float) -> None:
        """Work so long on each message from now on."""
        self._work_s = ms / 1000

    def evidence(self) -> Evidence:
        """What is known now."""
        now = time.monotonic()
        status, behind = self._rest
        return Evidence(
            data_s=now - self._last_data,
            pong_s=now - self._last_pong,
            missing=self._missing,
            close=self._close,
            status=status,
            behind=behind,
        )

    def stop(self) -> None:
        """Hang up and end the threads. Safe to call again."""
        self._stopping.set()
        with suppress(OSError, websocket.WebSocketException):
            self._ws.shutdown()
        for one in self.threads:
            one.join(2)

    def __enter__(self) -> WatchedFeed:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _note(self, row: Row, text: str = "") -> None:
        self.events.append(Event(time.monotonic() - self._began, row, text))

    def _read(self) -> None:
        while not self._stopping.is_set():
            try:
                code, data = self._ws.recv_data(control_frame=True)
            except websocket.WebSocketTimeoutException:
                continue
            except (OSError, websocket.WebSocketException):
                self._ended(1006)
                return
            if code == websocket.ABNF.OPCODE_CLOSE:
                self._ended(int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005)
                return
            if code == websocket.ABNF.OPCODE_PONG:
                self._last_pong = time.monotonic()
                self._note("pong")
            elif code == websocket.ABNF.OPCODE_TEXT:
                self._heard(msgspec.json.decode(data))

    def _heard(self, message: dict[str, Any]) -> None:
        if message.get("e") != "trade":
            return  # a notice; what it announces will be seen
        number = int(message["t"])
        if self._id is not None and number > self._id + 1:
            self._missing += number - self._id - 1
            self._note("gap")
        self._id, self._last_data = number, time.monotonic()
        self._note("data")
        self._stopping.wait(self._work_s)

    def _ended(self, code: int) -> None:
        if not self._stopping.is_set():
            self._close = code
            self._note("end", str(code))

    def _ping(self) -> None:
        with suppress(OSError, websocket.WebSocketException):
            while self._close is None and not self._stopping.is_set():
                self._ws.ping()
                self._stopping.wait(EVERY_S)

    def _ask(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._stopping.is_set():
                status, there = self._latest(session)
                self._stopping.wait(_SETTLE_S)
                known, behind = self._id, None
                if there is not None and known is not None:
                    behind = max(0, there - known)
                self._rest = status, behind
                if status != 200:
                    said = "no answer" if status is None else str(status)
                else:
                    said = "ahead" if behind else "same"
                self._note("REST", said)
                self._stopping.wait(EVERY_S)

    def _latest(self, session: requests.Session) -> tuple[int | None, int | None]:
        """HTTP status of a question for the latest trade, and its id."""
        try:
            asked: dict[str, Any] = {"symbol": "BTCUSDT", "limit": 1}
            reply = session.get(self._url, params=asked, timeout=PATIENCE_S)
        except requests.RequestException:
            return None, None
        return reply.status_code, int(reply.json()[0]["id"]) if reply.ok else None


class Fault(msgspec.Struct, frozen=True):
    """A fault of the lab by the name that a diagnosis gives it.

    Attributes
    ----------
    done : str
        What is done, in code.
    begin : callable
        Gives the context in which it holds, of a lab and the feed that it is for.
    """

    done: str
    begin: Callable[[Lab, WatchedFeed], AbstractContextManager[object]]


def _vanish(lab: Lab, feed: WatchedFeed) -> AbstractContextManager[object]:
    return lab.network.timeout()


@contextmanager
def _reset(lab: Lab, feed: WatchedFeed) -> Iterator[None]:
    with lab.network.reset_peer():
        pass
    yield


@contextmanager
def _banned(lab: Lab, feed: WatchedFeed) -> Iterator[None]:
    with lab.fault("limited", path="/api", count="all"):
        with lab.network.reset_peer():
            pass
        yield


@contextmanager
def _maintenance(lab: Lab, feed: WatchedFeed) -> Iterator[None]:
    with lab.fault("html", path="/api", count="all"):
        lab.shutdown(venue="binance", notice_s=0)
        yield


@contextmanager
def _quiet(lab: Lab, feed: WatchedFeed) -> Iterator[None]:
    lab.pause()
    try:
        yield
    finally:
        lab.resume()


@contextmanager
def _slow(lab: Lab, feed: WatchedFeed) -> Iterator[None]:
    feed.work(250)
    lab.set_pace(4)
    try:
        yield
    finally:
        lab.set_pace(1.0)


FAULTS: Mapping[str, Fault] = {
    "silent feed": Fault('lab.fault("silence")', lambda lab, feed: lab.fault("silence")),
    "dead line": Fault("lab.network.timeout()", _vanish),
    "lost message": Fault('lab.fault("drop")', lambda lab, feed: lab.fault("drop")),
    "slow reader": Fault("lab.set_pace(4), 250 ms of work on each message", _slow),
    "connection lost": Fault("lab.network.reset_peer()", _reset),
    "rule broken": Fault(
        'lab.fault("close", code=1008)', lambda lab, feed: lab.fault("close", code=1008)
    ),
    "maintenance": Fault('lab.shutdown(), lab.fault("html")', _maintenance),
    "banned": Fault('lab.network.reset_peer(), lab.fault("limited")', _banned),
    "healthy": Fault("lab.pause()", _quiet),
}
"""What can happen to a feed; ``"healthy"`` is a market in which nothing happens."""
WORDS = tuple(FAULTS)


def observe(lab: Lab, name: str, *, seconds: float = BROKEN_S) -> WatchedFeed:
    """Watch a feed for a moment, let this happen to it, and print the evidence at the end."""
    fault = FAULTS[name]
    with WatchedFeed(lab).wait() as feed:
        time.sleep(HEALTHY_S)
        feed.broken()
        with fault.begin(lab, feed):
            time.sleep(seconds)
            feed.found = feed.evidence()
    print(f"{name}: {fault.done}\n    {feed.found}")
    return feed


class UnknownFault:
    """Something happens to a feed, and the evidence is printed: which fault was it?

    Parameters
    ----------
    number : int
        Another number, another fault, perhaps.
    """

    def __init__(self, lab: Lab, number: int) -> None:
        self._name = random.Random(number).choice(WORDS)
        with WatchedFeed(lab).wait() as feed:
            time.sleep(HEALTHY_S)
            with FAULTS[self._name].begin(lab, feed):
                time.sleep(BROKEN_S)
                self.evidence = feed.evidence()
        print(self.evidence)

    def reveal(self) -> str:
        """Its name, and what was done."""
        return f"{self._name}: {FAULTS[self._name].done}"


def chaos(
    lab: Lab,
    diagnose: Callable[[Evidence], Any],
    *,
    seed: int = 7,
    episodes: int = 12,
    seconds: float = 4.0,
) -> str:
    """Let ``diagnose`` name what happens, in the lab and in time, twelve times; the score in words.

    It is asked ten times a second. A fault counts as named from the moment on at which it stays
    named until the end; a name other than ``"healthy"`` in a quiet market is a false alarm.
    """
    if diagnose(Evidence(data_s=0.1, pong_s=0.1)) in (None, ...):
        return "Write diagnose first: it is asked here, in real time."
    rng = random.Random(seed)
    names = [*WORDS, "healthy", *rng.choices(WORDS, k=max(0, episodes - len(WORDS) - 1))][:episodes]
    rng.shuffle(names)
    named: list[float] = []
    alarms = 0
    for name in names:
        since_s = _episode(lab, name, diagnose, seconds)
        if name == "healthy":
            calm = since_s == 0.0
            alarms += not calm
            told = "left alone" if calm else "a false alarm"
        else:
            told = "not named" if since_s is None else f"named after {since_s:.1f} s"
            named += [] if since_s is None else [since_s]
        print(f"  {name:<16}{told}")
    faults = sum(name != "healthy" for name in names)
    slowest = f", the slowest after {max(named):.1f} s" if named else ""
    return (
        f"{len(named)} of {faults} faults named{slowest}; {alarms} false alarms in "
        f"{len(names) - faults} quiet markets."
    )


def _episode(
    lab: Lab, name: str, diagnose: Callable[[Evidence], Any], seconds: float
) -> float | None:
    """Seconds after which a fault was named until the end; 0.0 for one that always was."""
    since_s: float | None = 0.0
    with WatchedFeed(lab).wait() as feed, FAULTS[name].begin(lab, feed):
        began = time.monotonic()
        while (at_s := time.monotonic() - began) < seconds:
            if diagnose(feed.evidence()) != name:
                since_s = None
            elif since_s is None:
                since_s = at_s
            time.sleep(0.1)
    return since_s


_REST_MARKS = {"same": "circle-open", "ahead": "circle"}


def figure(feeds: Mapping[str, WatchedFeed], *, height: int = 420) -> Any:
    """A strip for each feed: what it noted when, in five rows; the fault began at the line."""
    with optional_parts():
        from plotly.subplots import make_subplots

    from vocx import figures

    rows = -(-len(feeds) // COLUMNS)
    made: Any = make_subplots(
        rows=rows, cols=COLUMNS, shared_xaxes=True, shared_yaxes=True,
        subplot_titles=list(feeds), vertical_spacing=0.11, horizontal_spacing=0.03,
    )  # fmt: skip
    height_of: dict[Row, int] = {row: -number for number, row in enumerate(ROWS)}
    longest_s = 0.0
    for number, feed in enumerate(feeds.values()):
        place = {"row": number // COLUMNS + 1, "col": number % COLUMNS + 1}
        begin_s = feed.broken_s or 0.0
        shown = [one for one in feed.events if one.at_s > begin_s - HEALTHY_S]
        longest_s = max([longest_s, *(one.at_s - begin_s for one in shown)])
        for row in ROWS:
            mine = [one for one in shown if one.row == row]
            marks = figures.marks(row, figures.PUSHED, "line-ns-open", showlegend=False)
            marks.update(
                x=[one.at_s - begin_s for one in mine],
                y=[height_of[row]] * len(mine),
                text=[one.text for one in mine],
                marker={
                    "symbol": [_symbol(one) for one in mine],
                    "size": 12 if row in ("data", "pong") else 9,
                    "color": figures.PUSHED if row in ("data", "pong") else figures.ASK,
                    "line": {"width": 1.2},
                },
                hovertemplate="%{text} %{x:.1f} s<extra>" + row + "</extra>",
            )
            made.add_trace(marks, **place)
        made.add_vline(x=0, line={"color": figures.INK, "width": 1, "dash": "dot"}, **place)
    figures.style_subplots(
        made,
        x="",
        y="",
        height=height,
        margin={"t": 30, "b": 40},
        xaxis={"range": [-HEALTHY_S, longest_s + 0.2]},
        yaxis={
            "range": [-len(ROWS) + 0.4, 0.6],
            "tickmode": "array",
            "tickvals": list(height_of.values()),
            "ticktext": list(height_of),
            "tickformat": "",
        },
    )
    made.update_xaxes(title={"text": "seconds since the fault", "standoff": 2}, row=rows)
    made.update_annotations(font={"size": 12, "color": figures.INK})
    return made


def _symbol(event: Event) -> str:
    if event.row == "REST":
        return _REST_MARKS.get(event.text, "x-thin-open")
    return {"gap": "x-thin-open", "end": "square"}.get(event.row, "line-ns-open")
